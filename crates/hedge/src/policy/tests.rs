use super::*;
use pricing::{Black76, OptionKind};
use units::{Discount, Forward, Strike, Vol, YearFraction};

const MONTH: f64 = 30.0 / 365.0;

/// A call at the money, spot 100, 80 vol, 30 days: the option of the reference.
fn call(spot: f64, vol: f64, years: f64) -> pricing::Greeks {
    Black76 {
        forward: Forward::new(spot).unwrap(),
        strike: Strike::new(100.0).unwrap(),
        vol: Vol::new(vol).unwrap(),
        expiry: YearFraction::new(years).unwrap(),
        discount: Discount::new(1.0).unwrap(),
        kind: OptionKind::Call,
    }
    .greeks()
}

fn sight(proportional: f64, fixed_usd: f64) -> Sight {
    Sight {
        spot: 100.0,
        gamma: -call(100.0, 0.8, MONTH).gamma,
        vol: 0.8,
        expiry_years: MONTH,
        cost: Cost { proportional, fixed_usd },
        hedge_age_years: 0.0,
    }
}

fn tolerance(usd: f64) -> RiskTolerance {
    RiskTolerance::from_usd(usd).unwrap()
}

/// The docstring of pfhedge's `ww.py`: cost 1e-5, risk aversion 1, strike 1, 20 vol, 0.1 years, previous hedge 0.5; four decimals.
#[test]
fn whalley_wilmott_is_that_of_pfhedge() {
    for (cost, expected) in
        [(1e-5, [0.2946, 0.5, 0.5, 0.5, 0.7284]), (0.0, [0.2239, 0.4497, 0.5126, 0.5752, 0.7945])]
    {
        for (log_moneyness, expected) in [-0.05, -0.01, 0.0, 0.01, 0.05].into_iter().zip(expected) {
            let spot = pricing::kernel::exp(log_moneyness);
            let option = Black76 {
                forward: Forward::new(spot).unwrap(),
                strike: Strike::new(1.0).unwrap(),
                vol: Vol::new(0.2).unwrap(),
                expiry: YearFraction::new(0.1).unwrap(),
                discount: Discount::new(1.0).unwrap(),
                kind: OptionKind::Call,
            }
            .greeks();
            let at = Sight {
                spot,
                gamma: -option.gamma,
                vol: 0.2,
                expiry_years: 0.1,
                cost: Cost { proportional: cost, fixed_usd: 0.0 },
                hedge_age_years: 0.0,
            };
            let policy = WhalleyWilmott { risk_tolerance: tolerance(1.0) };
            let held = 0.5;
            let trade = decide(policy.band(&at), Exposure { delta: -option.delta, held });
            let hedge: f64 = held + trade.unwrap_or(0.0);
            // Half a unit of the last decimal that is published.
            assert!((hedge - expected).abs() < 0.5e-4, "{cost} {log_moneyness}: {hedge}, not {expected}");
        }
    }
}

#[test]
fn leland_puts_the_cost_into_the_vol() {
    // Mitigation reference 1.2: an interval of 8 hours, published to six decimals.
    for (cost, number, sold) in
        [(0.0002, 0.013_201, 0.805_263), (0.0005, 0.033_003, 0.813_094), (0.001, 0.066_007, 0.825_981)]
    {
        let at = sight(cost, 0.0);
        let leland = LelandNumber::new(&at, 8.0 / 8760.0);
        assert!((leland.0 - number).abs() < 0.5e-6, "{}", leland.0);
        let policy = Leland { interval_years: 8.0 / 8760.0 };
        assert!((0.8 * policy.variance_factor(&at).sqrt() - sold).abs() < 0.5e-6);
        let bought = Sight { gamma: -at.gamma, ..at };
        assert!(policy.variance_factor(&bought) < 1.0);
    }
}

fn square(x: f64) -> f64 {
    x * x
}

/// The yearly cost J of two_bands.rs.
fn yearly_cost(at: &Sight, r: f64, (inner, outer): (f64, f64)) -> f64 {
    let a = square(at.gamma * at.spot * at.vol);
    let cost = at.cost.fixed_usd + at.cost.proportional * at.spot * (outer - inner);
    let risk =
        square(at.vol * at.spot) / (2.0 * r) * (square(square(outer)) - square(square(inner))) / (6.0 * a);
    (cost + risk) * a / (square(outer) - square(inner))
}

#[test]
fn two_bands_cost_the_least_of_all_pairs_on_a_grid() {
    for (proportional, fixed, r) in
        [(0.0005, 0.001, 1.0), (0.0002, 0.05, 3.0), (0.001, 1e-5, 0.2), (0.0, 0.01, 1.0)]
    {
        let at = sight(proportional, fixed);
        let Band::Within { outer, inner } = (TwoBands { risk_tolerance: tolerance(r) }).band(&at) else {
            panic!("a band")
        };
        assert!(0.0 <= inner && inner < outer);
        let found = yearly_cost(&at, r, (inner, outer));
        for i in 1..=400 {
            for j in 0..i {
                let pair = (outer * f64::from(j) / 200.0, outer * f64::from(i) / 200.0);
                // The cost is a sum of a few rounded terms.
                assert!(found <= yearly_cost(&at, r, pair) * (1.0 + 1e-9), "{pair:?} of {inner} {outer}");
            }
        }
    }
}

#[test]
fn two_bands_are_whalley_wilmotts_without_a_fixed_cost_and_end_in_the_middle_without_a_proportional_one() {
    let policy = TwoBands { risk_tolerance: tolerance(1.0) };
    let edge = WhalleyWilmott { risk_tolerance: tolerance(1.0) };
    assert_eq!(policy.band(&sight(0.0005, 0.0)), edge.band(&sight(0.0005, 0.0)));
    // Continuous in the fixed cost: of a small one the outer band grows with its cube root, here by less than 2 %.
    let Band::Within { outer, inner } = policy.band(&sight(0.0005, 1e-9)) else { panic!("a band") };
    let w = edge.half_width(&sight(0.0005, 0.0));
    assert!((outer / w - 1.0).abs() < 0.02 && (inner / w - 1.0).abs() < 0.02, "{outer} {inner} {w}");
    let only_fixed = sight(0.0, 0.01);
    let Band::Within { outer, inner } = policy.band(&only_fixed) else { panic!("a band") };
    let expected = (12.0 * 0.01 * square(only_fixed.gamma)).sqrt().sqrt();
    assert!((outer / expected - 1.0).abs() < 1e-12 && inner == 0.0);
}

#[test]
fn a_wanted_standard_deviation_is_what_the_band_misses() {
    let at = sight(0.0005, 0.001);
    let wanted = TrackingError { daily_sd_usd: 0.1 };
    let aim = Aim::DailySd(wanted);
    for policy in [Policy::WhalleyWilmott(aim), Policy::Zakamouline(aim), Policy::TwoBands(aim)] {
        let missed = TrackingError::of(policy.band(&at), &at).unwrap().daily_sd_usd;
        assert!((missed / 0.1 - 1.0).abs() < 1e-9, "{}: {missed}", policy.word());
    }
}

#[test]
fn a_clock_trades_when_its_interval_has_passed_and_to_the_delta() {
    let policy = Clock { interval_years: 8.0 / 8760.0 };
    let at = |hours: f64| Sight { hedge_age_years: hours / 8760.0, ..sight(0.0005, 0.0) };
    let off = Exposure { delta: -0.5, held: 0.2 };
    assert_eq!(decide(policy.band(&at(7.9)), off), None);
    assert_eq!(decide(policy.band(&at(8.0)), off), Some(0.3));
}

#[test]
fn a_trade_ends_where_the_band_says_on_the_nearer_side() {
    let off = |delta: f64| Exposure { delta, held: 0.0 };
    assert_eq!(decide(Band::to_edge(0.1), off(0.1)), None);
    assert_eq!(decide(Band::to_edge(0.25), off(1.0)), Some(-0.75));
    assert_eq!(decide(Band::to_edge(0.25), off(-1.0)), Some(0.75));
    assert_eq!(decide(Band::to_middle(0.25), off(1.0)), Some(-1.0));
    assert_eq!(decide(Band::Hold, off(1.0)), None);
    assert_eq!(decide(Band::to_edge(0.1), off(f64::NAN)), None);
}

#[test]
fn a_band_that_is_watched_from_time_to_time_is_narrower() {
    let at = sight(0.0005, 0.0);
    let policy = WhalleyWilmott { risk_tolerance: tolerance(1.0) };
    let minute = 1.0 / 525_600.0;
    let of = |interval: f64, delay: f64| {
        Watch { interval_years: interval * minute, delay_years: delay * minute }
            .band(&policy, &at)
            .outer()
            .unwrap()
    };
    assert!((of(0.0, 0.0) - policy.half_width(&at)).abs() < 1e-15);
    assert!(of(10.0, 0.0) < of(1.0, 0.0) && of(10.0, 5.0) < of(10.0, 0.0));
    // h + 2 l: ten minutes with a delay of five are as twenty without.
    assert_eq!(of(10.0, 5.0).to_bits(), of(20.0, 0.0).to_bits());
    assert!(of(1e6, 0.0).abs() < 1e-15, "never below nothing");
}

#[test]
fn a_file_says_a_policy_or_which_field_is_wrong() {
    let read = |text: &str| toml::from_str::<PolicySpec>(text).map_err(|error| error.to_string());
    let policy =
        read("policy = \"whalley_wilmott\"\nrisk_tolerance_usd = 50000.0").unwrap().checked().unwrap();
    assert_eq!(policy, Policy::WhalleyWilmott(Aim::Tolerance(tolerance(50_000.0))));
    for (text, says) in [
        ("policy = \"clock\"\nevery_hours = 0.0", "every_hours 0: above 0"),
        ("policy = \"clock\"\nevery_hours = nan", "every_hours NaN"),
        ("policy = \"zakamouline\"", "risk_tolerance_usd (none, or two)"),
        ("policy = \"two_bands\"\nrisk_tolerance_usd = 1.0\ntarget_daily_sd_usd = 1.0", "one of the two"),
        ("policy = \"whalley_wilmott\"\ntarget_daily_sd_usd = -1.0", "risk_tolerance_usd -1: above 0"),
        ("policy = \"band\"\nhalf_width_usd = -5.0\nend = \"edge\"", "half_width -5: 0 or more"),
    ] {
        let error = read(text).unwrap().checked().unwrap_err().to_string();
        assert!(error.contains(says), "{text}: {error}");
    }
    assert!(
        read("policy = \"clock\"\nevery_hours = 1.0\nevery_minutes = 2.0")
            .unwrap_err()
            .contains("every_minutes")
    );
    assert!(read("policy = \"magic\"").unwrap_err().contains("magic"));
}

/// A book of perpetuals alone: nothing overshoots, and what was given stays; a band that lives of gamma is none.
#[test]
fn without_options_a_given_band_keeps_its_width() {
    let looked = Looked {
        spot_usd: 100.0,
        gamma_1pct_usd: 0.0,
        options: &[],
        delta: risk::Measure::Delta,
        cost: Cost { proportional: 0.0005, fixed_usd: 0.0 },
        hedge_age_years: 0.0,
    };
    let watched = Habits { watch: Watch { interval_years: 1e-6, delay_years: 0.0 }, most_age_years: None };
    let given = Policy::Band(FixedBand { half_width: Width::Usd(500.0), end: 1.0 });
    for habits in [Habits::default(), watched] {
        assert_eq!(super::sized(&given, &habits, &looked).band, Band::to_edge(5.0));
    }
    let of_gamma = Policy::Zakamouline(Aim::Tolerance(tolerance(1.0)));
    assert_eq!(super::sized(&of_gamma, &watched, &looked).band, Band::to_edge(0.0));
    let clock = Policy::Clock(Clock { interval_years: 1.0 });
    assert_eq!(super::sized(&clock, &watched, &looked).band, Band::Hold);
    let old = Habits { most_age_years: Some(0.5), ..Habits::default() };
    let aged = Looked { hedge_age_years: 0.5, ..looked };
    assert_eq!(super::sized(&given, &old, &aged).band, Band::to_edge(0.0));
}
