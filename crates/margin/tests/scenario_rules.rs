//! Rules of the scenario engine that rulebooks choose: each expected value is the rule, written out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

mod support;

use margin::{AccountMargin, AccountState, Charge, Leg, Rulebook, Unit};
use support::{Held, HeldTerms, asset, holding, state};
use units::OptionKind;

const INDEX: f64 = 100_000.0;
/// A few roundings on figures up to ten million USD.
const ROUNDING: f64 = 1e-6;

/// A rulebook whose grid is one up and one down move of 10 %, with the sections given.
fn rulebook(sections: &str) -> Rulebook {
    let text = format!(
        r#"
id = "rules"
title = "rules"
engine = "scenario"
venues = []
valid_from = "2026-01-01"
sources = ["test"]
unit_by = "underlying"
combine = "sum"
numeraire = "usd"
[[grid]]
moves = [-0.1, 0.1]
vols = ["same"]
[factor]
initial = 1.5
maintenance = 1.0
{sections}
"#
    );
    Rulebook::parse("rules.toml", &text).unwrap_or_else(|issues| panic!("{issues}"))
}

fn leg(terms: HeldTerms, currency: Option<&'static str>, quantity: f64) -> Leg {
    Held { coin: "BTC", currency, quantity, index: INDEX, terms }.leg()
}

fn future(days: u32, quantity: f64) -> Leg {
    leg(HeldTerms::Future { days }, Some("USDT"), quantity)
}

fn perpetual(currency: Option<&'static str>, quantity: f64) -> Leg {
    leg(HeldTerms::Perpetual, currency, quantity)
}

fn unit<'a>(report: &'a AccountMargin, name: &str) -> &'a Unit {
    report.outcome.units.iter().find(|unit| unit.name == name).unwrap()
}

fn charge<'a>(report: &'a AccountMargin, name: &str) -> &'a Charge {
    unit(report, "BTC").charges.iter().find(|charge| charge.name == name).unwrap()
}

fn close(ours: f64, rule: f64) {
    assert!((ours - rule).abs() < ROUNDING, "{ours} should be {rule}");
}

const SPREAD: &str = r#"
[[charge]]
name = "spread"
kind = "calendar_spread"
place = "added"
rate = 0.01
per_year = 0.6
[collateral]
"#;

/// 3 long at 30 days; 1 short at 60 takes one of them; 4 short at 90 takes the other two; 1 long at 365 takes one of the two
/// that are left short. Each pair is charged by the time between its expiries.
#[test]
fn offset_deltas_pay_for_the_time_between_their_expiries_nearest_first() {
    let legs = vec![future(30, 3.0), future(60, -1.0), future(90, -4.0), future(365, 1.0)];
    let report = rulebook(SPREAD).margin(&state(legs, vec![]));
    let pair = |coins: f64, days: f64| coins * INDEX * (0.01 + 0.6 * days / 365.0);
    let rule = pair(1.0, 30.0) + pair(2.0, 60.0) + pair(1.0, 275.0);
    close(charge(&report, "spread").usd.initial, rule);
    close(charge(&report, "spread").usd.maintenance, rule);
}

/// Long 2 at 60 days between 1 at 30 and shorts at 90: the later long is the nearer one and goes first.
#[test]
fn the_nearest_expiry_is_matched_before_an_earlier_one() {
    let legs = vec![future(30, 1.0), future(60, 2.0), future(90, -2.0)];
    let report = rulebook(SPREAD).margin(&state(legs, vec![]));
    close(charge(&report, "spread").usd.maintenance, 2.0 * INDEX * (0.01 + 0.6 * 30.0 / 365.0));
}

#[test]
fn one_sided_deltas_pay_no_spread() {
    let report = rulebook(SPREAD).margin(&state(vec![future(30, 1.0), future(60, 2.0)], vec![]));
    close(charge(&report, "spread").usd.maintenance, 0.0);
}

const HEDGE: &str = r#"
[[charge]]
name = "stables"
kind = "quote_hedge"
place = "added"
pairs = ["USDT-USD", "USDT-USDC", "USDC-USD"]
[[charge.table]]
at_least_usd = 0.9
[[charge.table.tier]]
up_to_usd = 100_000
rate = 0.01
[[charge.table.tier]]
rate = 0.02
[[charge.table]]
[[charge.table.tier]]
rate = 0.4
[collateral]
"#;

fn stables(legs: Vec<Leg>) -> f64 {
    charge(&rulebook(HEDGE).margin(&state(legs, vec![])), "stables").usd.maintenance
}

/// 2 coins long in USDT: 1.5 short in coin-settled USD go first, half of the coin short in USDC takes what is left.
#[test]
fn hedges_between_quote_currencies_are_matched_in_the_order_of_pairs() {
    let legs = vec![perpetual(Some("USDT"), 2.0), perpetual(Some("USDC"), -1.0), perpetual(None, -150_000.0)];
    // 1.5 coins against USD, in two tiers, and half a coin against USDC in the first.
    let rule = (100_000.0 * 0.01 + 50_000.0 * 0.02) + 50_000.0 * 0.01;
    close(stables(legs), rule);
}

#[test]
fn one_quote_currency_hedges_for_nothing() {
    close(stables(vec![perpetual(Some("USDT"), 3.0), future(30, -3.0)]), 0.0);
    close(stables(vec![perpetual(Some("USDT"), 3.0), perpetual(None, 150_000.0)]), 0.0);
}

/// A depeg to 0.85 changes the table; the perpetual is quoted in the fallen currency, so its size in coins stays.
#[test]
fn a_depeg_raises_the_rate_on_the_hedge() {
    let fallen = |mut leg: Leg| {
        (leg.quote_usd, leg.settlement_usd) = (0.85, 0.85);
        leg
    };
    let legs = vec![fallen(perpetual(Some("USDT"), 1.0)), perpetual(None, -100_000.0)];
    close(stables(legs), 100_000.0 * 0.4);
}

const SPOT: &str = r#"
[collateral]
[collateral.haircut.BTC]
initial = 0.2
maintenance = 0.1
in_scenarios = "hedging"
"#;

/// Spot counts with its haircut whatever it hedges; as much as offsets the contracts moves with the scenarios.
#[test]
fn spot_in_use_hedges_and_idle_spot_is_collateral_only() {
    let book = rulebook(SPOT);
    let with = |spot: f64, short: f64| {
        let state = state(vec![perpetual(Some("USDT"), short)], vec![holding("BTC", spot, INDEX)]);
        book.margin(&state).outcome
    };
    // 1 short against 3 coins: hedged, and the two idle coins cost nothing.
    close(with(3.0, -1.0).requirement.maintenance, 0.0);
    close(with(3.0, -1.0).counted.initial, 3.0 * INDEX * 0.8);
    // 3 short against 1 coin: two are open.
    close(with(1.0, -3.0).requirement.maintenance, 2.0 * INDEX * 0.1);
    // Spot on the side of the contracts hedges nothing and is not charged either.
    close(with(1.0, 1.0).requirement.maintenance, INDEX * 0.1);
    // Borrowed coins against a long perpetual do hedge.
    close(with(-1.0, 1.0).requirement.maintenance, 0.0);
}

const BORROW: &str = r#"
[borrow]
initial = 0.1
maintenance = 0.02
[collateral]
[collateral.haircut.USDT]
initial = 0.0
maintenance = 0.0
[collateral.haircut.BTC]
initial = 0.0
maintenance = 0.0
"#;

/// A loss of 5,000 USDT on a balance of 1,000 is a debt of 4,000; 1 coin of another asset does not repay it.
#[test]
fn what_is_owed_in_an_asset_carries_a_margin() {
    let mut short = perpetual(Some("USDT"), -1.0);
    short.entry_value = Some(-95_000.0);
    let before = state(vec![short.clone()], vec![holding("USDT", 1000.0, 1.0), holding("BTC", 1.0, INDEX)]);
    let report = rulebook(BORROW).margin(&before);
    close(unit(&report, "borrowing").requirement.initial, 4000.0 * 0.1);
    close(unit(&report, "borrowing").requirement.maintenance, 4000.0 * 0.02);
    close(report.outcome.requirement.maintenance, INDEX * 0.1 + 4000.0 * 0.02);
    let paid = state(vec![short], vec![holding("USDT", 5000.0, 1.0)]);
    let report = rulebook(BORROW).margin(&paid);
    assert!(report.outcome.units.iter().all(|unit| unit.name != "borrowing"));
}

/// No haircut is named for DOGE: a balance counts for nothing and is listed, a debt counts in full.
#[test]
fn a_debt_counts_in_full_even_where_the_asset_is_not_named() {
    let with =
        |amount: f64| rulebook(SPOT).margin(&state(vec![], vec![holding("DOGE", amount, 0.5)])).outcome;
    close(with(100.0).counted.maintenance, 0.0);
    assert_eq!(with(100.0).unmargined.len(), 1);
    close(with(-100.0).counted.maintenance, -50.0);
    assert!(with(-100.0).unmargined.is_empty());
}

const BANDS: &str = r#"
[[grid]]
moves = [0.0]
vols = ["up", "down", "up_points"]
[[vol_percent]]
up_to_days = 30
up = 0.5
down = 0.4
[[vol_percent]]
up_to_days = 60
up = 0.2
down = 0.1
[[vol_points]]
up_to_days = 3650
up = 0.25
down = 0.25
[collateral]
"#;

/// An option at 80 points: 30 days take the first band, 31 the second, and beyond the last the last.
#[test]
fn vols_move_by_the_band_of_their_tenor() {
    for (days, up, down) in [(30, 0.5, 0.4), (31, 0.2, 0.1), (200, 0.2, 0.1)] {
        let held = leg(
            HeldTerms::Option { days, strike: 100_000, kind: OptionKind::Call, vol: 0.8 },
            Some("USDC"),
            1.0,
        );
        let report = rulebook(BANDS).margin(&state(vec![held.clone()], vec![]));
        let value = |vol: f64| {
            let option = held.black76().unwrap();
            pricing::Black76 { vol: units::Vol::new(vol).unwrap(), ..option }.price()
        };
        let scenarios = &unit(&report, "BTC").scenarios;
        let rules = [0.8 * (1.0 + up), 0.8 * (1.0 - down), 0.8 + 0.25];
        for (scenario, vol) in scenarios[2..].iter().zip(rules) {
            close(scenario.pnl_usd, value(vol) - value(0.8));
        }
    }
}

/// One day's decay of a short call is a gain, of a long call a loss: the value with a day less, all else the same.
#[test]
fn days_pass_in_a_scenario() {
    let days = "[[grid]]\nmoves = [0.0]\nvols = [\"same\"]\ndays = 1\n[collateral]\n";
    let held = |days| {
        leg(HeldTerms::Option { days, strike: 100_000, kind: OptionKind::Call, vol: 0.8 }, Some("USDC"), 1.0)
    };
    let report = rulebook(days).margin(&state(vec![held(30)], vec![]));
    let today = held(30).black76().unwrap();
    let expiry = units::YearFraction::new(29.0 / 365.0).unwrap();
    let tomorrow = pricing::Black76 { expiry, ..today };
    let scenario = &unit(&report, "BTC").scenarios[2];
    assert_eq!(scenario.name, "0 % same +1 d");
    close(scenario.pnl_usd, tomorrow.price() - today.price());
}

/// Published arrays replace the revaluation; a shape that does not fit is an error, not a panic.
#[test]
fn risk_arrays_of_another_shape_are_refused() {
    use margin::scenario::{AssetState, ContractState, Cube, ExpiryState, Payoff, UnitMarket};
    let book = rulebook("[collateral]");
    let model = book.scenario_model().unwrap();
    let market = UnitMarket {
        assets: vec![AssetState {
            asset: asset("BTC"),
            index: INDEX,
            index_confidence: 1.0,
            perpetual_confidence: 1.0,
        }],
        expiries: vec![ExpiryState {
            asset: 0,
            date: 0,
            years: units::YearFraction::ZERO,
            forward_fixed: 0.0,
            forward_variable: INDEX,
            rate: 0.0,
            discount: units::Discount::new(1.0).unwrap(),
            confidence: 1.0,
            quote: asset("USD"),
            quote_usd: 1.0,
        }],
        contracts: vec![ContractState::Future {
            expiry: 0,
            mark: INDEX,
            payoff: Payoff::Currency { coins: 1.0, usd: 1.0 },
        }],
        stable_usd: 1.0,
    };
    let cube = Cube::build(model, &market).unwrap();
    for arrays in [vec![], vec![vec![1.0]], vec![vec![1.0, 2.0]; 2]] {
        let error = cube.clone().with_risk_arrays(model, &arrays).unwrap_err();
        assert_eq!(
            error.to_string(),
            "risk arrays must be 1 lists of 2 numbers, for a model without discounts by expiry"
        );
    }
    assert!(cube.with_risk_arrays(model, &[vec![-7.0, 5.0]]).is_ok());
}

/// A state with nothing in it asks for nothing, and so does a leg of size zero.
#[test]
fn nothing_asks_for_nothing() {
    let empty: AccountState = state(vec![], vec![]);
    let outcome = rulebook(SPREAD).margin(&empty).outcome;
    assert_eq!(outcome, margin::Outcome::default());
    let zero = state(vec![future(30, 0.0)], vec![]);
    assert_eq!(rulebook(SPREAD).margin(&zero).outcome.requirement, margin::Levels::default());
}
