use super::*;
use crate::report::Levels;
use crate::rulebook::Rulebook;
use crate::state::Move;
use crate::testing::{OptionCase, asset, linear_perpetual, option, state};
use proptest::prelude::*;
use units::{Forward, OptionKind, Spot, Strike, Vol, YearFraction};

const RULEBOOK: &str = include_str!("../../../../../rulebooks/derive-srm.toml");
/// Sums of a few numbers of up to 1e5 USD.
const ROUNDING: f64 = 1e-9;

const OPTIONS: OptionRules = OptionRules {
    initial_most: 0.15,
    initial_least: 0.1,
    maintenance_call: 0.075,
    maintenance_put: 0.08,
    maintenance_put_mark: 0.09,
    put_initial_of_maintenance: 1.05,
    unpaired_calls: Rates { initial: 1.2, maintenance: 1.1 },
};
const ORACLE: OracleRules =
    OracleRules { perpetual_threshold: 0.4, option_threshold: 0.5, base_threshold: 0.6, factor: 0.3 };
const DEPEG: Depeg = Depeg { threshold: 0.98, factor: 1.2 };
const SPOT: f64 = 2000.0;

fn close(ours: f64, rule: f64) {
    assert!((ours - rule).abs() < ROUNDING, "{ours} is not {rule}");
}

fn levels(ours: Levels, rule: Levels) {
    close(ours.initial, rule.initial);
    close(ours.maintenance, rule.maintenance);
}

/// An option without vol: its value is the intrinsic value at the forward.
fn worth(kind: OptionKind, strike: f64, size_coin: f64) -> SrmOption {
    SrmOption { strike: Strike::new(strike).unwrap(), kind, size_coin, vol: Vol::new(0.0).unwrap() }
}

fn market(options: Vec<SrmOption>) -> SrmMarket {
    let expiry = SrmExpiry {
        forward: Forward::new(2100.0).unwrap(),
        years: YearFraction::new(0.1).unwrap(),
        confidence: 1.0,
        rules: OPTIONS,
        options,
    };
    SrmMarket {
        spot: Spot::new(SPOT).unwrap(),
        spot_confidence: 1.0,
        oracle: ORACLE,
        expiries: vec![expiry],
        perpetuals: Vec::new(),
        bases: Vec::new(),
    }
}

fn margin_of(market: SrmMarket, stable: f64) -> SrmMargin {
    SrmAccount { cash: 0.0, stable: Spot::new(stable).unwrap(), markets: vec![market] }.margin(DEPEG)
}

fn net(options: Vec<SrmOption>) -> Levels {
    margin_of(market(options), 1.0).net
}

#[test]
fn a_short_call_asks_less_the_farther_out_of_the_money_down_to_the_least() {
    for (strike, rate) in [(1900.0, 0.15), (2060.0, 0.15 - 0.03), (2400.0, 0.1)] {
        let value = -2.0 * (2100.0f64 - strike).max(0.0);
        let notional = 2.0 * SPOT;
        let rule = Levels { initial: value - rate * notional, maintenance: value - 0.075 * notional };
        levels(net(vec![worth(OptionKind::Call, strike, -2.0)]), rule);
    }
}

#[test]
fn a_short_put_asks_the_greater_of_spot_and_mark_and_initial_covers_maintenance() {
    // Out of the money: the spot rule. OTM = 5 %.
    let rule = Levels { initial: -0.1 * SPOT, maintenance: -0.08 * SPOT };
    levels(net(vec![worth(OptionKind::Put, 1900.0, -1.0)]), rule);
    // Deep in the money: 9 % of a value of 3,900 is more than 8 % of 2,000, and 1.05 x maintenance more than 15 %.
    let maintenance = -3900.0 * 1.09;
    let rule = Levels { initial: maintenance * 1.05, maintenance };
    levels(net(vec![worth(OptionKind::Put, 6000.0, -1.0)]), rule);
}

#[test]
fn a_spread_asks_its_greatest_loss_when_that_is_less() {
    let spread = vec![worth(OptionKind::Call, 1800.0, -1.0), worth(OptionKind::Call, 1900.0, 1.0)];
    levels(net(spread), Levels::both(-100.0));
    // Half of the sold call has no partner: it costs its forward, scaled.
    let ratio = vec![worth(OptionKind::Call, 100.0, -1.5), worth(OptionKind::Call, 101.0, 1.0)];
    let rule = Levels { initial: -1.5 - 0.5 * 2100.0 * 1.2, maintenance: -1.5 - 0.5 * 2100.0 * 1.1 };
    levels(net(ratio), rule);
    // A position that only gains is asked nothing and counts nothing.
    levels(net(vec![worth(OptionKind::Call, 1800.0, 1.0)]), Levels::default());
}

#[test]
fn unsure_feeds_and_a_depeg_cost_initial_margin_only() {
    let mut unsure = market(vec![worth(OptionKind::Put, 1900.0, -3.0)]);
    unsure.expiries[0].confidence = 0.49;
    unsure.spot_confidence = 0.45;
    unsure.perpetuals.push(SrmPerpetual {
        size_coin: -5.0,
        price: Forward::new(2010.0).unwrap(),
        confidence: 0.39,
        gain: 7.0,
        funding: -2.0,
        rates: Rates { initial: 0.1, maintenance: 0.05 },
    });
    unsure.bases.push(SrmBase { amount: 4.0, rules: BaseRules { factor: 0.8, initial_scale: 0.9 } });
    let margin = margin_of(unsure, 0.9);
    let parts = &margin.markets[0];
    let lowest = [(1.0 - 0.45) * 3.0, (1.0 - 0.39) * 5.0, (1.0 - 0.45) * 4.0];
    close(parts.oracle, -lowest.iter().sum::<f64>() * 0.3 * SPOT);
    close(parts.depeg, -(0.98 - 0.9) * 1.2 * SPOT * (3.0 + 5.0));
    levels(parts.base, Levels { initial: 4.0 * SPOT * 0.8 * 0.9, maintenance: 4.0 * SPOT * 0.8 });
    levels(parts.perpetuals, Levels { initial: -5.0 * 2010.0 * 0.1, maintenance: -5.0 * 2010.0 * 0.05 });
    close(margin.mark_to_market, 7.0 - 2.0 + 4.0 * SPOT / 0.9);
    let options = Levels { initial: -3.0 * 0.1 * SPOT, maintenance: -3.0 * 0.08 * SPOT };
    let sure = options.plus(parts.perpetuals).plus(Levels::both(5.0)).plus(parts.base);
    levels(margin.net, Levels { initial: sure.initial + parts.oracle + parts.depeg, ..sure });
    // At the threshold itself nothing is charged.
    let mut at_threshold = market(vec![worth(OptionKind::Put, 1900.0, -3.0)]);
    at_threshold.expiries[0].confidence = 0.5;
    close(margin_of(at_threshold, 1.0).markets[0].oracle, 0.0);
}

#[test]
fn surplus_is_the_protocols_net_margin() {
    let rulebook = Rulebook::parse("derive-srm.toml", RULEBOOK).unwrap();
    let case = OptionCase {
        quantity: -2.0,
        strike: 2200,
        kind: OptionKind::Call,
        days: 30,
        vol: 0.6,
        forward: 2010.0,
        index: SPOT,
    };
    let legs = vec![
        option("ETH", Some("USDC"), case),
        linear_perpetual("ETH", "USDC", 3.0, 1900.0, 2005.0),
        linear_perpetual("PEPE", "USDC", 1.0, 1.0, 1.0),
    ];
    let balances = [("USDC", 1000.0, 0.9), ("ETH", 1.5, SPOT), ("PEPE", 10.0, 1.0), ("USDT", -100.0, 1.0)];
    let mut account = state("derive", legs, &balances);
    for leg in &mut account.legs {
        leg.settlement_usd = 0.9;
    }
    let value = account.legs[0].option_value_usd() / 0.9;
    let outcome = rulebook.outcome(&account);
    // 10 % out of the money: 15 - 10 % is below the least rate of 13 %.
    let shorts = 2.0 * SPOT;
    let perpetual = 3.0 * 2005.0;
    let depeg = (0.99 - 0.9) * 2.0 * SPOT * (2.0 + 3.0);
    let gain = 3.0 * (2005.0 - 1900.0);
    let common = 1000.0 + value + gain - 100.0;
    let base = 1.5 * SPOT * 0.8;
    let rule = Levels {
        initial: common + base * 0.9375 - 0.13 * shorts - 0.1 * perpetual - depeg,
        maintenance: common + base - 0.09 * shorts - 0.065 * perpetual,
    };
    levels(outcome.surplus(), rule);
    let names: Vec<&str> = outcome.unmargined.iter().map(|u| u.symbol.as_str()).collect();
    assert_eq!(names, ["PEPE-PERP", "PEPE"]);
    let unit = &outcome.units[0];
    let charges = unit.charges.iter().fold(Levels::default(), |sum, charge| sum.plus(charge.usd));
    levels(charges, unit.requirement);
    let held: f64 = account.balances.iter().map(crate::state::Holding::value_usd).sum();
    close(outcome.equity_usd, held + 0.9 * (value + gain));
}

#[test]
fn options_of_two_expiries_do_not_help_each_other() {
    let rulebook = Rulebook::parse("derive-srm.toml", RULEBOOK).unwrap();
    let case = |quantity, days| OptionCase {
        quantity,
        strike: 1900,
        kind: OptionKind::Put,
        days,
        vol: 0.6,
        forward: SPOT,
        index: SPOT,
    };
    let margin = |second| {
        let legs =
            vec![option("ETH", Some("USDC"), case(-1.0, 30)), option("ETH", Some("USDC"), case(1.0, second))];
        rulebook.outcome(&state("derive", legs, &[]))
    };
    close(margin(30).requirement.maintenance, 0.0);
    let (apart, together) = (margin(60), margin(30));
    // A covering put of another expiry: the short is margined by itself, and the long counts nothing.
    assert!(apart.surplus().maintenance < together.surplus().maintenance - 100.0);
}

#[test]
fn every_mistake_of_a_file_is_named() {
    let broken = RULEBOOK
        .replacen("initial_least = 0.13", "initial_least = 0.16", 1)
        .replacen("initial = 0.10", "initial = 0.01", 1)
        .replacen("put_initial_of_maintenance = 1.05", "put_initial_of_maintenance = 0.9", 1)
        .replacen(
            "[base.ETH]",
            "[base.USDC]\nfactor = 1.0\ninitial_scale = 1.0\n[base.ETH]\nhaircut = 0.1",
            1,
        );
    let issues = Rulebook::parse("broken.toml", &broken).unwrap_err();
    let all: Vec<String> = issues.kept().iter().map(ToString::to_string).collect();
    for part in [
        "option.BTC.initial_most",
        "option.BTC.put_initial_of_maintenance",
        "perpetual.BTC.initial",
        "base.ETH.haircut",
        "must not name the cash",
    ] {
        assert!(all.iter().any(|issue| issue.contains(part)), "{part} in {all:?}");
    }
    assert_eq!(all.len(), 5, "{all:?}");
}

fn options() -> impl Strategy<Value = Vec<SrmOption>> {
    let one = (500.0..5000.0f64, any::<bool>(), -3.0..3.0f64, 0.0..2.0f64).prop_map(
        |(strike, is_call, size_coin, vol)| SrmOption {
            strike: Strike::new(strike).unwrap(),
            kind: if is_call { OptionKind::Call } else { OptionKind::Put },
            size_coin,
            vol: Vol::new(vol).unwrap(),
        },
    );
    prop::collection::vec(one, 0..6)
}

proptest! {
    #[test]
    fn initial_covers_maintenance_and_long_options_never_count(book in options()) {
        let margin = net(book.clone());
        prop_assert!(margin.initial <= margin.maintenance + ROUNDING);
        prop_assert!(margin.maintenance <= ROUNDING);
        // Another long option can only help.
        let mut more = book;
        more.push(worth(OptionKind::Put, 1500.0, 1.0));
        let helped = net(more);
        prop_assert!(helped.maintenance >= margin.maintenance - ROUNDING);
    }

    #[test]
    fn twice_the_book_asks_twice(book in options()) {
        let once = net(book.clone());
        let twice = net(book.into_iter().map(|o| SrmOption { size_coin: 2.0 * o.size_coin, ..o }).collect());
        // Powers of two scale every rounding.
        prop_assert_eq!(once.times(2.0), twice);
    }

    #[test]
    fn a_common_move_scales_the_requirement(factor in 0.3..3.0f64) {
        let rulebook = Rulebook::parse("derive-srm.toml", RULEBOOK).unwrap();
        let legs = vec![linear_perpetual("ETH", "USDC", -4.0, 2000.0, 2000.0)];
        let before = state("derive", legs, &[]);
        let after = rulebook.outcome(&before.moved(&Move::of(asset("ETH"), factor)));
        close(after.requirement.maintenance, 4.0 * 2000.0 * factor * 0.065);
    }
}
