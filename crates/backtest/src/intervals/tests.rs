//! Intervals whose answer is known by hand, markets that move by a rule, and what has no interval.

use super::*;
use crate::statistics::Bootstrap;
use hedge::delta::{Accounting, Gate, MinimumVariancePlan};
use instrument::Specs;
use market::surface::SkewStickiness;
use market::{Layout, RawQuote, RawSnapshot, Snapshot};
use pricing::{Black76, OptionKind};
use proptest::{prop_assert, prop_assert_eq, proptest};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use units::{Asset, Discount, Forward, Spot, Strike, Vol};

/// Of the options below: 27 March 2026, 8:00.
const EXPIRY: &str = "27MAR26";
const HOUR_MILLIS: i64 = 3_600_000;

fn start() -> Timestamp {
    Timestamp::from_utc_date(2026, 2, 5, 8).unwrap()
}

fn at(hours: i64) -> Timestamp {
    start().plus_millis(hours * HOUR_MILLIS)
}

fn btc() -> Asset {
    Asset::new("BTC").unwrap()
}

/// A quote that the filter keeps: bid and ask a thousandth of a coin around its mark.
fn quote(name: &str, (mark, vol, forward): (f64, f64, f64)) -> RawQuote {
    RawQuote {
        instrument_name: name.into(),
        mark_price: Some(mark),
        bid_price: Some(mark - 0.001),
        ask_price: Some(mark + 0.001),
        mark_vol: Some(vol),
        underlying_price: Some(forward),
        index_price: Some(forward),
        open_interest: Some(10.0),
        vega_per_point: Some(50.0),
        ..RawQuote::default()
    }
}

fn snapshot(asof: Timestamp, rows: Vec<RawQuote>) -> Snapshot {
    let rows = rows.into_iter().zip(1..).map(|(row, number)| RawQuote { row: number, ..row }).collect();
    let raw = RawSnapshot {
        file: "chain.csv".into(),
        layout: Layout::Chain,
        asof,
        snapshots_in_file: 1,
        rows,
        issues: Default::default(),
    };
    let (snapshot, issues) = Snapshot::admit(&[raw], &Specs::embedded()).unwrap();
    assert!(issues.is_empty(), "{issues}");
    snapshot
}

fn strategy(name: &str, accounting: Accounting) -> Strategy {
    let dynamics = Dynamics::AlongSmile(SkewStickiness::STICKY_STRIKE);
    Strategy {
        name: name.into(),
        delta: DeltaChoice { accounting, dynamics },
        hedge: HedgeWith::Perpetual,
        vega: VegaLeg::Without,
    }
}

fn plan(strategies: Vec<Strategy>) -> Plan {
    Plan {
        accounting: Accounting::Coin,
        valuation: Valuation::Mid,
        held_out: HeldOut { share: 1.0, seed: 0 },
        price_age_most_seconds: 300.0,
        tail: 0.05,
        bootstrap: Bootstrap { block: 5, draws: 50, confidence: 0.9, seed: 0 },
        strategies,
        baseline: 0,
    }
}

fn prices(list: &[(Timestamp, f64)]) -> PerpetualPrices {
    let mut prices = PerpetualPrices::default();
    for (time, price) in list {
        assert_eq!(prices.add(btc(), *time, Spot::new(*price).unwrap()), None);
    }
    prices
}

fn play(plan: &Plan, snapshots: &[Snapshot], prices: PerpetualPrices) -> Outcome {
    let mut walk = Walk::new(plan, prices).unwrap();
    let frames: Vec<Frame> = snapshots.par_iter().map(|snapshot| Frame::of(snapshot, plan)).collect();
    for frame in frames {
        walk.take(frame).unwrap();
    }
    walk.finish().unwrap().remove(&btc()).unwrap()
}

fn black(asof: Timestamp, [strike, forward, vol]: [f64; 3], kind: OptionKind) -> Black76 {
    let expiry = Timestamp::from_utc_date(2026, 3, 27, 8).unwrap();
    Black76 {
        forward: Forward::new(forward).unwrap(),
        strike: Strike::new(strike).unwrap(),
        vol: Vol::new(vol).unwrap(),
        expiry: asof.years_until(expiry).unwrap(),
        discount: Discount::ONE,
        kind,
    }
}

#[test]
fn one_interval_by_hand() {
    let name = format!("BTC-{EXPIRY}-80000-C");
    let snapshots = [
        snapshot(at(0), vec![quote(&name, (0.10, 0.5, 84_000.0))]),
        snapshot(at(6), vec![quote(&name, (0.12, 0.5, 85_100.0))]),
    ];
    let perpetual = prices(&[(at(0), 83_900.0), (at(6), 85_000.0)]);
    let delta = black(at(0), [80_000.0, 84_000.0, 0.5], OptionKind::Call).greeks().delta;
    let gain = 1.0 - 83_900.0 / 85_000.0;
    let plan = plan(vec![strategy("delta", Accounting::Usd), strategy("net", Accounting::Coin)]);
    let outcome = play(&plan, &snapshots, perpetual.clone());
    // One value: its root mean square is its size. Sold at 0.10, worth 0.12.
    let want = [(-0.02 + delta * gain).abs(), (-0.02 + (delta - 0.10) * gain).abs()];
    assert!((outcome.unhedged_rmse - 0.02).abs() < 1e-15);
    for (found, want) in outcome.strategies.iter().zip(want) {
        // Rounding of a handful of operations on values below one.
        assert!((found.rmse - want).abs() < 1e-15, "{}: {} {want}", found.name, found.rmse);
    }
    // In dollars: -(0.12 x 85,000 - 0.10 x 83,900) + delta x 1,100.
    let in_usd = Plan { accounting: Accounting::Usd, ..plan };
    let outcome = play(&in_usd, &snapshots, perpetual);
    let want = (-1_810.0 + delta * 1_100.0).abs();
    assert!(
        (outcome.unhedged_rmse - 1_810.0).abs() < 1e-9 && (outcome.strategies[0].rmse - want).abs() < 1e-9
    );
}

proptest! {
    #[test]
    fn a_delta_of_one_hedged_is_nothing(
        strike in 45_000.0..70_000.0_f64, forward in 84_000.0..88_000.0_f64, later in 82_000.0..95_000.0_f64,
    ) {
        // Without time value a call is worth 1 - K/F coin, its net delta is K/F, and an inverse notional of K makes the same.
        let strike = strike.round();
        let name = format!("BTC-{EXPIRY}-{strike}-C");
        let snapshots = [
            snapshot(at(0), vec![quote(&name, (1.0 - strike / forward, 0.03, forward))]),
            snapshot(at(6), vec![quote(&name, (1.0 - strike / later, 0.03, later))]),
        ];
        let hedged = |hedge| Strategy { hedge, ..strategy("net", Accounting::Coin) };
        let plan = plan(vec![hedged(HedgeWith::Perpetual), hedged(HedgeWith::Forward), hedged(HedgeWith::Index)]);
        let outcome = play(&plan, &snapshots, prices(&[(at(0), forward), (at(6), later)]));
        prop_assert_eq!(outcome.strategies.len(), 3);
        for found in &outcome.strategies {
            // Black's delta is one within N(-16); rounding of mids and quotients.
            prop_assert!(found.rmse < 1e-15, "{}", found.rmse);
        }
    }
}

/// A chain of one expiry whose forward zigzags and whose vol follows it by a rule: σ = 0.6 + move x ln(F/84,000) + odd.
fn ruled(move_per_log: f64, odd: f64, pairs: i64) -> (Vec<Snapshot>, PerpetualPrices) {
    let mut snapshots = Vec::new();
    let mut perpetual = PerpetualPrices::default();
    for step in 0..pairs {
        #[allow(clippy::cast_precision_loss)] // small
        let away = 0.02 * ((step * 7 % 11) as f64 - 5.0) / 5.0;
        let forward = 84_000.0 * pricing::kernel::exp(away);
        #[allow(clippy::cast_precision_loss)] // small
        let noise = odd * ((step * 5 % 7) as f64 - 3.0);
        let vol = 0.6 + move_per_log * away + noise;
        let mut rows = Vec::new();
        for strike in [70_000, 76_000, 80_000, 84_000, 88_000, 92_000, 98_000] {
            for (word, kind) in [("C", OptionKind::Call), ("P", OptionKind::Put)] {
                let value = black(at(6 * step), [f64::from(strike), forward, vol], kind).price() / forward;
                rows.push(quote(&format!("BTC-{EXPIRY}-{strike}-{word}"), (value, vol, forward)));
            }
        }
        snapshots.push(snapshot(at(6 * step), rows));
        perpetual.add(btc(), at(6 * step), Spot::new(forward).unwrap());
    }
    (snapshots, perpetual)
}

fn learning(name: &str, gating: Gating) -> Strategy {
    let plan = MinimumVariancePlan { least_intervals: 10, ..MinimumVariancePlan::default() };
    let mut strategy = strategy(name, Accounting::Coin);
    strategy.delta.dynamics = Dynamics::MinimumVariance(plan, gating);
    strategy
}

fn gated() -> Gating {
    Gating::OnEvidence { gate: Gate::new(0.05).unwrap(), window_days: 30.0 }
}

#[test]
fn what_vol_does_with_the_price_is_learnt_and_told_apart() {
    let (snapshots, perpetual) = ruled(-1.5, 0.0, 80);
    let mut plan = plan(vec![
        strategy("net", Accounting::Coin),
        learning("always", Gating::Always),
        learning("gated", gated()),
    ]);
    plan.held_out.share = 0.5;
    let outcome = play(&plan, &snapshots, perpetual);
    let [net, always, gated] = &outcome.strategies[..] else { panic!("three strategies") };
    // Ten of eighty intervals before an estimate, then what gamma leaves.
    assert!(always.rmse < 0.6 * net.rmse, "{} {}", always.rmse, net.rmse);
    let against = always.against_baseline.as_ref().unwrap();
    assert!(against.squared.unwrap().p_value < 0.01 && against.squared.unwrap().statistic > 0.0);
    assert!(against.rmse_gain_interval.unwrap().low > 0.0 && against.shortfall_gain > 0.0);
    let open = gated.learnt_share.unwrap();
    assert!(open > 0.5 && open < always.learnt_share.unwrap(), "the gate opens later: {open}");
    assert!(gated.rmse < 0.8 * net.rmse);
    // The rule itself: dσ/d ln F at a delta of a half, times √T of the start (50 days), which shrinks to half of it in 20 days.
    let learnt = always.last_quadratic.unwrap().at(0.5);
    assert!((-0.6..-0.35).contains(&learnt), "{learnt}");
    assert!(net.against_baseline.is_none() && net.learnt_share.is_none());
}

#[test]
fn the_gate_stays_shut_where_vol_does_as_it_likes() {
    let (snapshots, perpetual) = ruled(0.0, 0.004, 80);
    let mut plan = plan(vec![strategy("net", Accounting::Coin), learning("gated", gated())]);
    plan.held_out.share = 0.5;
    let outcome = play(&plan, &snapshots, perpetual);
    // Of 70 tests at 5 % on overlapping windows a few may open.
    assert!(outcome.strategies[1].learnt_share.unwrap() < 0.3, "{:?}", outcome.strategies[1].learnt_share);
}

#[test]
fn a_vega_leg_takes_moves_of_vol_off() {
    let (snapshots, perpetual) = ruled(0.0, 0.004, 30);
    let leg = Strategy { vega: VegaLeg::AtTheMoney, ..strategy("leg", Accounting::Coin) };
    let outcome = play(&plan(vec![strategy("net", Accounting::Coin), leg]), &snapshots, perpetual);
    let [net, leg] = &outcome.strategies[..] else { panic!("two strategies") };
    assert!(leg.rmse < 0.35 * net.rmse, "{} {}", leg.rmse, net.rmse);
    assert_eq!(leg.without_leg, 0);
}

#[test]
fn a_leg_whose_quote_is_broken_is_worth_its_mark() {
    let name = |kind: &str, strike: u32| format!("BTC-{EXPIRY}-{strike}-{kind}");
    let rows = |broken: bool| {
        let mut rows = vec![quote(&name("C", 90_000), (0.05, 0.5, 84_000.0))];
        for kind in ["C", "P"] {
            let own = quote(&name(kind, 84_000), (0.07, 0.5, 84_000.0));
            rows.push(if broken { RawQuote { ask_price: Some(5.0), ..own } } else { own });
        }
        rows
    };
    let snapshots = [snapshot(at(0), rows(false)), snapshot(at(6), rows(true))];
    let leg = Strategy { vega: VegaLeg::AtTheMoney, ..strategy("leg", Accounting::Coin) };
    let plan = plan(vec![leg]);
    let outcome = play(&plan, &snapshots, prices(&[(at(0), 84_000.0), (at(6), 84_000.0)]));
    // Nothing moved but two asks: they are the unhedged gains of the two, and no hedge of the third.
    let gains = outcome.strategies[0].rmse * 3.0_f64.sqrt();
    let asks = 0.5 * (5.0 + 0.069) - 0.07;
    assert!((gains - asks * 2.0_f64.sqrt()).abs() < 1e-12, "{gains}");
}

#[test]
fn threads_do_not_change_a_bit() {
    let (snapshots, perpetual) = ruled(-1.0, 0.002, 30);
    let mut plan = plan(vec![strategy("net", Accounting::Coin), learning("gated", gated())]);
    let mut local = strategy("net, local vol", Accounting::Coin);
    local.delta.dynamics = Dynamics::AlongSmile(SkewStickiness::LOCAL_VOL);
    plan.strategies.push(local);
    plan.held_out.share = 0.3;
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        // Debug prints the shortest text that reads back as the same bits.
        format!("{:?}", pool.install(|| play(&plan, &snapshots, perpetual.clone())))
    };
    let one = on(1);
    assert!(one.contains("rmse") && !one.contains("NaN"));
    assert_eq!(one, on(2));
    assert_eq!(one, on(5));
}

#[test]
fn what_has_no_interval_has_a_reason() {
    let name = |strike: u32| format!("BTC-{EXPIRY}-{strike}-C");
    let sound = |strike| quote(&name(strike), (0.10, 0.5, 84_000.0));
    let short = quote("BTC-6FEB26-84000-C", (0.02, 0.5, 84_000.0));
    let one_sided = RawQuote { bid_price: None, ..sound(82_000) };
    let snapshots = [
        snapshot(at(0), vec![sound(80_000), sound(81_000), sound(82_000), short]),
        snapshot(at(25), vec![sound(80_000), one_sided]),
        snapshot(at(31), vec![sound(80_000), sound(82_000)]),
        snapshot(at(37), vec![sound(80_000)]),
        snapshot(at(43), vec![sound(80_000)]),
    ];
    // The price for the snapshot at 37 hours is ten minutes old; that for the one at 43 hours is there.
    let early = at(37).plus_millis(-600_000);
    let perpetual = prices(&[
        (at(0), 84_000.0),
        (at(25), 84_100.0),
        (at(31), 84_200.0),
        (early, 84_300.0),
        (at(43), 84_000.0),
    ]);
    let plan = plan(vec![strategy("net", Accounting::Coin)]);
    let counts = play(&plan, &snapshots, perpetual).counts;
    let want = [
        (Skipped::CrossesExpiry, 1),
        (Skipped::NotQuotedNext, 2),
        (Skipped::OneSidedNext, 1),
        (Skipped::PerpetualStale, 2),
    ];
    assert_eq!(counts.skipped, want.into());
    assert_eq!((counts.held_out, counts.held_out_last, counts.intervals), (9, 1, 2));
    assert_eq!(
        counts.held_out,
        counts.held_out_last + counts.intervals + counts.skipped.values().sum::<u64>()
    );
    let none = play(&plan, &snapshots, PerpetualPrices::default());
    assert_eq!(none.counts.skipped.get(&Skipped::PerpetualMissing), Some(&4));
    assert!(none.strategies.is_empty() && none.counts.intervals == 0);
}

#[test]
fn prices_for_another_strategy_do_not_skip_in_silence() {
    let name = format!("BTC-{EXPIRY}-80000-C");
    let row = || quote(&name, (0.10, 0.5, 84_000.0));
    let no_index = RawQuote { index_price: None, ..row() };
    let snapshots = [snapshot(at(0), vec![row()]), snapshot(at(6), vec![no_index])];
    let index = Strategy { hedge: HedgeWith::Index, ..strategy("index", Accounting::Coin) };
    let plan = plan(vec![strategy("net", Accounting::Coin), index]);
    let counts = play(&plan, &snapshots, prices(&[(at(0), 84_000.0), (at(6), 84_000.0)])).counts;
    assert_eq!(counts.skipped, [(Skipped::IndexMissing, 1)].into());
}

#[test]
fn the_draw_is_a_share_of_each_snapshot_and_does_not_know_the_order() {
    let rows: Vec<RawQuote> = (0..10_u32)
        .map(|i| quote(&format!("BTC-{EXPIRY}-{}-C", 80_000 + 1_000 * i), (0.10, 0.5, 84_000.0)))
        .collect();
    let mut turned = rows.clone();
    turned.reverse();
    let drawn = |rows: Vec<RawQuote>, hours, seed| {
        let mut plan = plan(vec![strategy("net", Accounting::Coin)]);
        plan.held_out = HeldOut { share: 0.25, seed };
        let frame = Frame::of(&snapshot(at(hours), rows), &plan);
        let coin = frame.coins[&btc()].clone();
        let held = |quote: &(&units::Symbol, &frame::Quote)| {
            quote.1.kept.is_some_and(|kept| kept.draw == frame::Draw::HeldOut)
        };
        coin.quotes.iter().filter(held).map(|(symbol, _)| symbol.to_string()).collect::<Vec<_>>()
    };
    let first = drawn(rows.clone(), 0, 0);
    assert_eq!(first.len(), 3, "a quarter of ten, rounded up");
    assert_eq!(first, drawn(turned, 0, 0));
    assert!(
        first != drawn(rows.clone(), 6, 0) || first != drawn(rows, 0, 1),
        "another time or seed is another draw"
    );
}

#[test]
fn broken_plans_and_frames_out_of_order_are_refused() {
    let sound = plan(vec![strategy("net", Accounting::Coin)]);
    let error =
        |plan: &Plan| Walk::new(plan, PerpetualPrices::default()).err().map(|error| error.to_string());
    assert_eq!(error(&sound), None);
    let rule = "a plan has at least one strategy, and its baseline is one of them";
    assert_eq!(error(&Plan { baseline: 1, ..sound.clone() }), Some(rule.into()));
    assert!(error(&Plan { tail: 0.0, ..sound.clone() }).unwrap().starts_with("a tail of 0"));
    assert!(error(&Plan { price_age_most_seconds: f64::NAN, ..sound.clone() }).is_some());
    let no_share = HeldOut { share: 0.0, seed: 0 };
    assert!(error(&Plan { held_out: no_share, ..sound.clone() }).is_some());
    let mut walk = Walk::new(&sound, PerpetualPrices::default()).unwrap();
    let frame = |hours| Frame::of(&snapshot(at(hours), vec![]), &sound);
    walk.take(frame(6)).unwrap();
    assert_eq!(walk.take(frame(6)), Err(IntervalsError::Order { time: at(6), before: at(6) }));
    assert_eq!(walk.take(frame(0)), Err(IntervalsError::Order { time: at(0), before: at(6) }));
}
