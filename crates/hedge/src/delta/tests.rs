//! Deltas against brute force, and the estimate against a market whose vol moves by a known rule.

use super::*;
use proptest::prelude::*;
use units::{Discount, Forward, Strike, Vol, YearFraction};

fn option(kind: OptionKind, [forward, strike, vol, years]: [f64; 4]) -> Black76 {
    Black76 {
        forward: Forward::new(forward).unwrap(),
        strike: Strike::new(strike).unwrap(),
        vol: Vol::new(vol).unwrap(),
        expiry: YearFraction::new(years).unwrap(),
        discount: Discount::ONE,
        kind,
    }
}

/// Change of value per relative move of the forward, where the vol moves with it: central difference in the accounting's unit.
fn bumped(kind: OptionKind, at: [f64; 4], accounting: Accounting, vol_per_log_move: f64) -> f64 {
    let bump = 1e-5;
    let value = |up: f64| {
        let [forward, strike, vol, years] = at;
        let moved = forward * (1.0 + up);
        let price = option(kind, [moved, strike, vol + vol_per_log_move * up, years]).price();
        match accounting {
            Accounting::Usd => price / forward,
            Accounting::Coin => price / moved,
        }
    };
    (value(bump) - value(-bump)) / (2.0 * bump)
}

const AT: [f64; 4] = [84_000.0, 90_000.0, 0.6, 0.1];
const SLOPE: f64 = -0.3;

#[test]
fn each_delta_is_the_slope_of_its_value() {
    let quadratic = QuadraticMove { a: -0.1, b: 0.2, c: 0.05 };
    for kind in [OptionKind::Call, OptionKind::Put] {
        let valued = ValuedOption::at_model(&option(kind, AT), SLOPE);
        let minimum = quadratic.at(valued.call_delta()) / 0.1_f64.sqrt();
        for accounting in [Accounting::Usd, Accounting::Coin] {
            for (dynamics, vol_move) in [
                (VolDynamics::STICKY_STRIKE, 0.0),
                (VolDynamics::STICKY_MONEYNESS, -SLOPE),
                (VolDynamics::LOCAL_VOL, SLOPE),
                (VolDynamics::MinimumVariance(quadratic), minimum),
            ] {
                let want = bumped(kind, AT, accounting, vol_move);
                let found = valued.delta(accounting, dynamics);
                // The third derivative times a bump of 1e-5 squared, and rounding of 1e-16/1e-5.
                assert!((found - want).abs() < 1e-8, "{kind:?} {accounting:?} {dynamics:?}: {found} {want}");
            }
        }
    }
}

#[test]
fn call_and_put_share_one_move_of_vol() {
    let quadratic = VolDynamics::MinimumVariance(QuadraticMove { a: 0.3, b: -0.7, c: 0.4 });
    let of = |kind| ValuedOption::at_model(&option(kind, AT), 0.0).vol_per_log_move(quadratic);
    // N(d1) against 1 - N(-d1): rounding.
    assert!((of(OptionKind::Call) - of(OptionKind::Put)).abs() < 1e-15);
}

#[test]
fn sticky_moneyness_is_the_rule_of_the_strike_slope() {
    // σ_K = σ'/K, so -(K/S) σ_K x S = -σ'.
    let valued = ValuedOption::at_model(&option(OptionKind::Call, AT), SLOPE);
    assert!((valued.vol_per_log_move(VolDynamics::STICKY_MONEYNESS) + SLOPE).abs() < 1e-16);
}

#[test]
fn collateral_has_the_delta_of_the_other_unit() {
    let spot = Spot::new(80_000.0).unwrap();
    let held = Collateral { coins: 2.0, usd: 40_000.0 };
    // Two coins in dollars; half a coin of dollars falls in coins as the coin rises. Exact.
    assert!((Accounting::Usd.collateral_delta(held, spot) - 2.0).abs() < 1e-15);
    assert!((Accounting::Coin.collateral_delta(held, spot) + 0.5).abs() < 1e-15);
}

fn market(truth: QuadraticMove, noise: f64) -> MinimumVarianceFit {
    let plan = MinimumVariancePlan { ridge: 0.0, ..MinimumVariancePlan::default() };
    let mut fit = MinimumVarianceFit::new(plan).unwrap();
    for step in 0..60_i32 {
        let log_move = 0.01 * f64::from(step % 7 - 3);
        let options = [80_000.0, 84_000.0, 90_000.0, 100_000.0].map(|strike| {
            let valued = ValuedOption::at_model(&option(OptionKind::Call, [84_000.0, strike, 0.6, 0.1]), 0.0);
            let vol_move = valued.vol_per_log_move(VolDynamics::MinimumVariance(truth)) * log_move;
            let odd = noise * f64::from(step % 5 - 2);
            valued.observed(log_move, valued.coin_vega() * vol_move + odd)
        });
        fit.learn(0.25, options);
    }
    fit
}

#[test]
fn the_estimate_finds_the_rule_of_the_market() {
    let truth = QuadraticMove { a: -0.2, b: 0.3, c: -0.1 };
    let found = market(truth, 0.0).quadratic().unwrap();
    // The matrix of 1, δ, δ² over δ of 0.2 to 0.7 has a condition of about 1e4: 1e-16 x 1e4, with room.
    for (own, want) in [(found.a, truth.a), (found.b, truth.b), (found.c, truth.c)] {
        assert!((own - want).abs() < 1e-9, "{found:?}");
    }
}

#[test]
fn a_heavy_ridge_is_sticky_strike_and_few_intervals_say_nothing() {
    let plan = MinimumVariancePlan { ridge: 100.0, least_intervals: 3, ..MinimumVariancePlan::default() };
    let mut fit = MinimumVarianceFit::new(plan).unwrap();
    let valued = ValuedOption::at_model(&option(OptionKind::Call, AT), 0.0);
    for interval in 0..3 {
        assert_eq!(fit.quadratic(), None, "after {interval}");
        fit.learn(0.25, [valued.observed(0.01, 0.001)]);
    }
    let heavy = fit.quadratic().unwrap();
    let mut light = MinimumVarianceFit::new(MinimumVariancePlan { ridge: 1e-6, ..plan }).unwrap();
    (0..3).for_each(|_| light.learn(0.25, [valued.observed(0.01, 0.001)]));
    let light = light.quadratic().unwrap();
    let at = |quadratic: QuadraticMove| quadratic.at(valued.call_delta()).abs();
    assert!(at(heavy) < 0.05 * at(light), "{heavy:?} {light:?}");
}

#[test]
fn nothing_but_standing_markets_says_nothing() {
    let plan = MinimumVariancePlan { least_intervals: 3, ..MinimumVariancePlan::default() };
    let mut fit = MinimumVarianceFit::new(plan).unwrap();
    let valued = ValuedOption::at_model(&option(OptionKind::Call, AT), 0.0);
    (0..5).for_each(|_| fit.learn(0.25, [valued.observed(0.0, 0.001)]));
    assert_eq!(fit.quadratic(), None);
}

#[test]
fn the_past_fades() {
    let plan = MinimumVariancePlan { window_days: 1.0, ridge: 1e-9, least_intervals: 3 };
    let mut fit = MinimumVarianceFit::new(plan).unwrap();
    let options = |sign: f64| {
        [80_000.0, 84_000.0, 95_000.0].map(|strike| {
            let valued = ValuedOption::at_model(&option(OptionKind::Call, [84_000.0, strike, 0.6, 0.1]), 0.0);
            valued.observed(0.01, sign * valued.coin_vega() * 0.01)
        })
    };
    (0..5).for_each(|_| fit.learn(0.25, options(1.0)));
    let before = fit.quadratic().unwrap().at(0.5);
    fit.learn(40.0, options(-1.0));
    let after = fit.quadratic().unwrap().at(0.5);
    assert!(before > 0.0 && after < 0.0, "{before} {after}");
}

#[test]
fn the_gate_opens_on_evidence_only() {
    let gate = Gate::new(0.05).unwrap();
    let evidence = |mean_gain, p_value| Some(Evidence { mean_gain, p_value });
    assert!(gate.is_open(evidence(1e-8, 0.049)));
    assert!(!gate.is_open(evidence(1e-8, 0.05)), "not below the level");
    assert!(!gate.is_open(evidence(-1e-8, 0.001)), "significantly worse");
    assert!(!gate.is_open(evidence(f64::NAN, 0.001)) && !gate.is_open(None));
}

#[test]
fn plans_name_the_rule_that_they_break() {
    let plan = MinimumVariancePlan::default();
    assert_eq!(
        MinimumVariancePlan { window_days: f64::NAN, ..plan }.check().map_err(|e| e.to_string()),
        Err("a window of NaN days: write 1 to 3650".into())
    );
    assert_eq!(MinimumVariancePlan { ridge: -1.0, ..plan }.check(), Err(DeltaError::Ridge(-1.0)));
    assert_eq!(MinimumVariancePlan { least_intervals: 2, ..plan }.check(), Err(DeltaError::Intervals(2)));
    assert_eq!(Gate::new(1.0), Err(DeltaError::Level(1.0)));
}

proptest! {
    #[test]
    fn parity_holds_for_every_delta(
        strike in 20_000.0..200_000.0_f64, vol in 0.1..2.0_f64, years in 0.003..2.0_f64, slope in -1.0..1.0_f64,
        ratio in -1.0..3.0_f64,
    ) {
        let dynamics = VolDynamics::AlongSmile(SkewStickiness::new(ratio).unwrap());
        let of = |kind| ValuedOption::at_model(&option(kind, [84_000.0, strike, vol, years]), slope);
        let (call, put) = (of(OptionKind::Call), of(OptionKind::Put));
        // C - P = F - K: one coin less K dollars, whose delta is 1 in USD and K/F in coin. Rounding of values up to a few coins.
        let usd = call.delta(Accounting::Usd, dynamics) - put.delta(Accounting::Usd, dynamics);
        let coin = call.delta(Accounting::Coin, dynamics) - put.delta(Accounting::Coin, dynamics);
        prop_assert!((usd - 1.0).abs() < 1e-13);
        prop_assert!((coin - strike / 84_000.0).abs() < 1e-13);
    }
}
