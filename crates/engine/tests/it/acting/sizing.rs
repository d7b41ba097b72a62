//! Hedges that policies size: bands that know the cost, clocks, which delta, age, looks and fills.

use super::*;

const CALL: &str = "BTC-25DEC26-100000-C";
const SIZED: &str = "sizing = { policy = \"band\", half_width_usd = 100000.0, end = \"edge\" }";

/// A desk with another sizing, armed, that bought calls: gamma of its own.
fn sized(sizing: &str) -> (Desk, Vec<Output>) {
    let policy = POLICY.replace(SIZED, sizing).replace("hard = \"400000\"", "hard = \"40000000\"");
    let policy = policy.replace("largest_usd = \"250000\"", "largest_usd = \"25000000\"");
    let policy = policy.replace("hourly_turnover_usd = \"600000\"", "hourly_turnover_usd = \"60000000\"");
    let mut desk = Desk::new(&policy);
    desk.say(Command::Arming(Arming::Armed));
    let outputs = desk.trade(CALL, 50);
    (desk, outputs)
}

/// What is left of the delta after the order, USD: an inverse contract of 10 USD moves it by as much.
fn left_over(desk: &mut Desk, outputs: &[Output]) -> f64 {
    let sent = order(outputs);
    desk.fill_order(&sent, sent.quantity);
    desk.btc_delta()
}

fn greek(desk: &Desk, measure: risk::Measure) -> f64 {
    let sums = desk.engine.views().sums().of(&[risk::GroupBy::Underlying]);
    sums[&vec![risk::GroupKey::Text("BTC".into())]].exposure.in_usd(measure).to_f64()
}

/// (3/2 λ S Γ² R)^(1/3) coins around the delta, of the gamma that the views have.
#[test]
fn a_hedge_that_knows_the_cost_ends_at_the_edge_of_whalley_and_wilmotts_band() {
    let (mut desk, outputs) =
        sized("sizing = { policy = \"whalley_wilmott\", risk_tolerance_usd = 200000.0 }");
    let gamma_1pct = greek(&desk, risk::Measure::Gamma);
    let left = left_over(&mut desk, &outputs);
    let spot = 92_000.0_f64;
    let gamma = 100.0 * gamma_1pct / (spot * spot);
    let band = pricing::kernel::pow(1.5 * 0.0005 * spot * gamma * gamma * 200_000.0, 1.0 / 3.0) * spot;
    // One lot of 10 contracts of 10 USD.
    assert!(band > 1_000.0 && (left.abs() - band).abs() < 101.0, "{left} left, band {band}");
}

#[test]
fn a_clock_hedges_to_the_delta_and_then_waits_for_its_time() {
    let (mut desk, outputs) = sized("sizing = { policy = \"clock\", every_hours = 1.0 }");
    assert!(left_over(&mut desk, &outputs).abs() < 101.0, "one lot");
    desk.wait(60);
    assert!(!lines(&desk.trade(CALL, 50)).contains("order"), "not its time");
    for _ in 0..58 {
        desk.wait(60);
    }
    let outputs = desk.wait(60);
    assert!(lines(&outputs).contains("clock, band 0"), "{}", lines(&outputs));
    assert!(left_over(&mut desk, &outputs).abs() < 101.0, "one lot");
}

/// Le = sqrt(2/π) 2 λ / (σ sqrt h): gamma bought is hedged at σ sqrt(1 - Le), and what that delta misses of the market's is left.
#[test]
fn lelands_delta_is_that_at_a_vol_with_the_cost_in_it() {
    let (mut desk, outputs) = sized("sizing = { policy = \"leland\", every_hours = 1.0 }");
    let left = left_over(&mut desk, &outputs);
    let years = start().years_until("2026-12-25T08:00:00Z".parse().unwrap()).unwrap();
    let delta = |vol: f64| {
        let call = pricing::Black76 {
            forward: units::Forward::new(92_000.0 * 1.003).unwrap(),
            strike: units::Strike::new(100_000.0).unwrap(),
            vol: units::Vol::new(vol).unwrap(),
            expiry: years,
            discount: units::Discount::new(1.0).unwrap(),
            kind: units::OptionKind::Call,
        };
        call.greeks().delta
    };
    let le = 0.797_884_560_8 * 2.0 * 0.0005 / (0.5 * (1.0_f64 / 8_760.0).sqrt());
    let missed = 50.0 * 92_000.0 * (delta(0.5) - delta(0.5 * (1.0 - le).sqrt()));
    // One lot of 10 contracts of 10 USD.
    assert!(missed > 10_000.0 && (left - missed).abs() < 101.0, "{left} left, {missed} missed");
}

/// Gamma bought is hedged at a lower vol: the delta of a call out of the money is less there.
#[test]
fn zakamoulines_delta_is_that_at_his_vol() {
    let (mut desk, outputs) = sized("sizing = { policy = \"zakamouline\", risk_tolerance_usd = 20000.0 }");
    let here = greek(&desk, risk::Measure::Delta);
    let left = left_over(&mut desk, &outputs);
    let (mut plain, outputs) =
        sized("sizing = { policy = \"whalley_wilmott\", risk_tolerance_usd = 20000.0 }");
    let of_plain = left_over(&mut plain, &outputs);
    assert!(here.abs() > 1_000.0 && left.abs() < here.abs());
    assert!((left - of_plain).abs() > 101.0, "{left} and {of_plain} are the same");
}

#[test]
fn a_hedge_of_the_settlement_delta_counts_the_options_value_as_coins() {
    let fixed = "sizing = { policy = \"band\", half_width_usd = 0.0, end = \"edge\" }";
    let (mut desk, outputs) = sized(&format!("{fixed}\n    delta = \"delta_settlement_usd\""));
    let sent = order(&outputs);
    desk.fill_order(&sent, sent.quantity);
    assert!(greek(&desk, risk::Measure::DeltaSettlement).abs() < 101.0, "one lot");
    assert!(greek(&desk, risk::Measure::Delta).abs() > 101.0);
}

/// Within the band for an hour, then at the delta; and what was done counts as young again.
#[test]
fn a_hedge_older_than_it_may_be_is_brought_to_its_delta() {
    let wide =
        "sizing = { policy = \"band\", half_width_usd = 9000000.0, end = \"edge\" }\n    max_age_hours = 1.0";
    let (mut desk, outputs) = sized(wide);
    assert!(!outputs.iter().any(|output| matches!(output, Output::Order(_))), "inside the band");
    let mut sent = Vec::new();
    for minute in 1..=61 {
        let outputs = desk.wait(60);
        if outputs.iter().any(|output| matches!(output, Output::Order(_))) {
            sent.push((minute, outputs));
        }
    }
    let (minute, outputs) = sent.remove(0);
    assert!((59..=61).contains(&minute), "after {minute} minutes");
    assert!(left_over(&mut desk, &outputs).abs() < 101.0, "one lot");
}

/// The delta is inside the band all the time: what the age asked for is not withdrawn for that.
#[test]
fn what_a_hedges_age_asks_for_waits_for_a_person() {
    let wide =
        "sizing = { policy = \"band\", half_width_usd = 9000000.0, end = \"edge\" }\n    max_age_hours = 1.0";
    let (mut desk, _) = sized(wide);
    desk.say(Command::Arming(Arming::Disarmed));
    let mut said = String::new();
    for _ in 0..62 {
        said += &lines(&desk.wait(60));
    }
    assert!(said.contains("proposed"), "{said}");
    assert!(!said.contains("needs no trade any more"), "{said}");
}

/// 0.58 |Γ| S σ sqrt(h + 2 l) coins less on either side.
#[test]
fn a_band_that_is_looked_at_by_the_block_is_narrower() {
    let plain = "sizing = { policy = \"whalley_wilmott\", risk_tolerance_usd = 20000000.0 }";
    let edge = |sizing: &str| {
        let (mut desk, outputs) = sized(sizing);
        left_over(&mut desk, &outputs).abs()
    };
    let (always, by_block) =
        (edge(plain), edge(&format!("{plain}\n    watch_seconds = 600.0\n    fill_seconds = 60.0")));
    assert!(by_block < always - 101.0, "{by_block} of {always}");
}
