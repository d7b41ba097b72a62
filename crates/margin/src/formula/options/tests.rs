//! Rules by venue, wallets, and mistakes in parameter files.

mod mistakes;
mod properties;
mod wallets;

use crate::report::{LegMargin, Levels, Outcome};
use crate::rulebook::{Rulebook, Rulebooks};
use crate::state::{Leg, Mark};
use crate::testing::{OptionCase, asset, inverse_perpetual, linear_perpetual, option, state};
use pricing::implied_vol::{ImpliedVol, OptionQuote, Reference};
use units::{Discount, OptionKind};

/// Sums of a few products, in USD of five or six digits: rounding stays below this part of them.
const ROUNDING: f64 = 1e-12;

fn rulebook(id: &str) -> Rulebook {
    Rulebooks::embedded().unwrap().get(id).unwrap().clone()
}

/// A rulebook with one part of its text replaced.
fn changed(id: &str, from: &str, to: &str) -> Rulebook {
    let text = match id {
        "deribit-sm" => include_str!("../../../../../rulebooks/deribit-sm.toml"),
        "okx-options" => include_str!("../../../../../rulebooks/okx-options.toml"),
        _ => panic!("no text of {id}"),
    };
    assert!(text.contains(from), "{id} has '{from}'");
    Rulebook::parse("changed.toml", &text.replace(from, to)).unwrap()
}

fn margin(rulebook: &Rulebook, legs: Vec<Leg>) -> Outcome {
    rulebook.outcome(&state("venue", legs, &[]))
}

fn requirement(rulebook: &Rulebook, leg: &Leg) -> Levels {
    let outcome = margin(rulebook, vec![leg.clone()]);
    assert!(!outcome.is_partial(), "{:?}", outcome.unmargined);
    outcome.requirement
}

fn assert_levels(ours: Levels, initial: f64, maintenance: f64) {
    let near = |ours: f64, rule: f64| (ours - rule).abs() <= ROUNDING * rule.abs();
    assert!(near(ours.initial, initial), "initial {} is not {initial}", ours.initial);
    assert!(near(ours.maintenance, maintenance), "maintenance {} is not {maintenance}", ours.maintenance);
}

fn sold(kind: OptionKind, strike: u32) -> OptionCase {
    OptionCase { quantity: -2.0, strike, kind, days: 30, vol: 0.6, forward: 101_000.0, index: 100_000.0 }
}

/// Sets the vol at which the option is worth `price` in the quote currency.
fn at_price(mut leg: Leg, price: f64) -> Leg {
    let Mark::Option { forward, strike, kind, expiry, .. } = leg.mark else { panic!("an option") };
    let quote = OptionQuote { price, forward, strike, expiry, discount: Discount::new(1.0).unwrap(), kind };
    let vol = Reference.implied_vol(&quote).unwrap();
    leg.mark = Mark::Option { forward, vol, strike, kind, expiry };
    leg
}

#[test]
fn deribit_asks_for_coefficients_and_mark_in_coin() {
    let deribit = rulebook("deribit-sm");
    for (strike, kind, out) in [
        (104_000, OptionKind::Call, 0.04),
        (120_000, OptionKind::Call, 0.20),
        (90_000, OptionKind::Call, 0.0),
        (97_000, OptionKind::Put, 0.03),
        (80_000, OptionKind::Put, 0.20),
        (110_000, OptionKind::Put, 0.0),
    ] {
        let leg = option("BTC", None, sold(kind, strike));
        let mark_coin = leg.option_price() / 101_000.0;
        // Out of the money over the index; two coins at the index.
        let initial = 2.0 * 100_000.0 * (f64::max(0.15 - out, 0.10) + mark_coin);
        let maintenance = 2.0 * 100_000.0 * (0.075 + mark_coin);
        assert_levels(requirement(&deribit, &leg), initial, maintenance);
    }
}

#[test]
fn options_paid_in_currency_have_coefficients_of_the_index_in_that_currency() {
    let mut leg = option("BTC", Some("USDC"), sold(OptionKind::Call, 104_000));
    // A currency at 0.9 USD: index, strike and mark in it are what the quotes say, the account is in USD.
    leg.settlement_usd = 0.9;
    leg.quote_usd = 0.9;
    let index = 100_000.0 / 0.9;
    let mark = leg.option_price();
    let initial = 2.0 * 0.9 * (0.15 * index + mark);
    let maintenance = 2.0 * 0.9 * (0.075 * index + mark);
    assert_levels(requirement(&rulebook("deribit-sm"), &leg), initial, maintenance);
}

#[test]
fn a_put_worth_more_than_its_coin_asks_a_multiple_for_maintenance_and_that_initially_too() {
    let case = OptionCase {
        quantity: -1.0,
        strike: 400_000,
        kind: OptionKind::Put,
        days: 10,
        vol: 0.6,
        forward: 100_000.0,
        index: 100_000.0,
    };
    let leg = option("BTC", None, case);
    let mark = leg.option_price() / 100_000.0;
    assert!(mark > 2.9, "{mark}");
    let maintenance = 100_000.0 * (0.075 * mark + mark);
    assert_levels(requirement(&rulebook("deribit-sm"), &leg), maintenance, maintenance);
    // Binance has no such rule, and does not lower anything in the money.
    assert_levels(requirement(&rulebook("binance-options"), &leg), 1e5 * (0.15 + mark), 1e5 * (0.075 + mark));
}

#[test]
fn okx_measures_out_of_the_money_from_the_forward() {
    let leg = option("ETH", None, sold(OptionKind::Call, 104_000));
    let out = 3_000.0 / 101_000.0;
    let mark_coin = leg.option_price() / 101_000.0;
    let initial = 2.0 * 100_000.0 * (0.15 - out + mark_coin);
    let maintenance = 2.0 * 100_000.0 * (0.05 + mark_coin);
    assert_levels(requirement(&rulebook("okx-options"), &leg), initial, maintenance);
}

#[test]
fn okx_example_of_a_call_in_the_second_tier() {
    // 365shuku.com 13503: call 100 USD out of the money, forward 5900, mark 0.0575, factor 1.02, contract of 0.1 coin.
    let case = OptionCase {
        quantity: -0.1,
        strike: 6_000,
        kind: OptionKind::Call,
        days: 30,
        vol: 0.5,
        forward: 5_900.0,
        index: 5_900.0,
    };
    let leg = at_price(option("BTC", None, case), 0.0575 * 5_900.0);
    let okx = changed("okx-options", "factor = 1.0", "factor = 1.02");
    let initial_coin = requirement(&okx, &leg).initial / 5_900.0;
    // Half the last printed digit.
    assert!((initial_coin - 0.01932).abs() <= 5e-6, "{initial_coin}");
}

#[test]
fn the_tier_is_that_of_all_coins_sold_on_the_underlying() {
    let tiers = "tiers = [{ above_coin = 0.0, factor = 1.0 }]";
    let two = "tiers = [{ above_coin = 0.0, factor = 1.0 }, { above_coin = 3.0, factor = 1.5 }]";
    let okx = changed("okx-options", tiers, two);
    let call = option("BTC", None, sold(OptionKind::Call, 90_000));
    let put = option("BTC", None, sold(OptionKind::Put, 110_000));
    let mut bought = call.clone();
    bought.quantity = 100.0;
    let other = option("ETH", None, sold(OptionKind::Call, 90_000));
    let marks = |leg: &Leg| 2.0 * leg.option_price() / 101_000.0 * 1e5;
    // Two coins of the family: first tier. What is bought, and another underlying, do not add up with it.
    let lone = margin(&okx, vec![call.clone(), bought, other]);
    assert_levels(lone.units[0].legs[0].requirement, 2e5 * 0.15 + marks(&call), 2e5 * 0.03 + marks(&call));
    // Four coins in two strikes: second tier for both.
    let both = margin(&okx, vec![call.clone(), put.clone()]);
    let [LegMargin { requirement: first, .. }, LegMargin { requirement: second, .. }] =
        both.units[0].legs.as_slice()
    else {
        panic!("two legs")
    };
    assert_levels(*first, 2e5 * 0.15 * 1.5 + marks(&call), 2e5 * 0.03 * 1.5 + marks(&call));
    // In the money puts of OKX: 0.03 max(1, mark), and the mark is below one coin here.
    assert_levels(*second, 2e5 * 0.15 * 1.5 + marks(&put), 2e5 * 0.03 * 1.5 + marks(&put));
}

#[test]
fn binance_lowers_maintenance_out_of_the_money_to_a_minimum() {
    for (strike, initial, maintenance) in
        [(101_000, 0.14, 0.065), (104_000, 0.11, 0.05), (120_000, 0.10, 0.05)]
    {
        let leg = option("BTC", Some("USDT"), sold(OptionKind::Call, strike));
        let mark = 2.0 * leg.option_price();
        assert_levels(
            requirement(&rulebook("binance-options"), &leg),
            2e5 * initial + mark,
            2e5 * maintenance + mark,
        );
    }
}

#[test]
fn bybit_takes_the_larger_of_entry_and_mark_initially_and_a_fee_for_maintenance() {
    let bybit = rulebook("bybit-options");
    let mut leg = option("BTC", Some("USDC"), sold(OptionKind::Put, 97_000));
    let mark = leg.option_price();
    let maintenance = 2.0 * (0.03 * 1e5 + mark + 0.002 * 1e5);
    for (entry, price) in [(Some(mark + 500.0), mark + 500.0), (Some(mark - 500.0), mark), (None, mark)] {
        leg.entry_value = entry.map(|entry| -2.0 * entry);
        assert_levels(requirement(&bybit, &leg), 2.0 * (0.12 * 1e5 + price), maintenance);
        let notes = margin(&bybit, vec![leg.clone()]).notes;
        assert_eq!(
            notes.iter().any(|note| note.contains("entry price unknown")),
            entry.is_none(),
            "{notes:?}"
        );
    }
}

#[test]
fn bybit_example_of_a_sold_call() {
    // Bybit help 000001546, example 1: index 30,000, strike 31,000, mark 300, maintenance 1,260.
    let case = OptionCase {
        quantity: -1.0,
        strike: 31_000,
        kind: OptionKind::Call,
        days: 30,
        vol: 0.5,
        forward: 30_000.0,
        index: 30_000.0,
    };
    let leg = at_price(option("BTC", Some("USDC"), case), 300.0);
    // The mark comes back from an implied vol, which is exact to about 1e-13 of the forward.
    assert!((requirement(&rulebook("bybit-options"), &leg).maintenance - 1_260.0).abs() < 1e-8);
}

#[test]
fn what_is_bought_asks_nothing_and_what_is_flat_neither() {
    for id in
        ["deribit-sm", "deribit-xsm", "okx-options", "bybit-options", "binance-options", "bit-com-options"]
    {
        for quantity in [3.0, 0.0] {
            let case = OptionCase { quantity, ..sold(OptionKind::Call, 90_000) };
            let outcome = margin(&rulebook(id), vec![option("BTC", None, case)]);
            assert_eq!(outcome.requirement, Levels::default(), "{id}");
            assert_eq!(outcome.units[0].legs.len(), 1, "{id} lists the leg");
            // Also on an underlying without coefficients: nothing is missing from the requirement.
            let elsewhere = margin(&rulebook(id), vec![option("NOPE", None, case)]);
            assert!(!elsewhere.is_partial(), "{elsewhere:?}");
        }
    }
}

#[test]
fn futures_of_deribit_pay_a_rate_that_grows_with_their_size() {
    let deribit = rulebook("deribit-sm");
    // 350 coins at an index of 100,000 (support article 25944738177565), mark a little off it.
    let mut linear = linear_perpetual("BTC", "USDC", -350.0, 100_000.0, 100_500.0);
    linear.index_usd = 100_000.0;
    assert_levels(requirement(&deribit, &linear), 350.0 * 0.0375 * 1e5, 350.0 * 0.0275 * 1e5);
    // Account of February 2026: 1 USD of ETH-PERPETUAL, size 0.000509344 coin, margins as printed, half the last digit.
    let recorded = inverse_perpetual("ETH", 1.0, 1.0 / 0.000_509_344, 1.0 / 0.000_509_344);
    let asked = requirement(&deribit, &recorded).times(0.000_509_344);
    assert!((asked.initial - 0.000_010_187).abs() <= 5e-10, "{asked:?}");
    assert!((asked.maintenance - 0.000_005_093).abs() <= 1.1e-9, "{asked:?}");
    // Each contract has its own size and none helps another.
    let outcome = margin(&deribit, vec![linear.clone(), inverse_perpetual("BTC", 1e6, 1e5, 1e5)]);
    assert_levels(outcome.units[0].requirement, 10.0 * 0.0205 * 1e5, 10.0 * 0.0105 * 1e5);
    assert_eq!(outcome.units.iter().map(|unit| unit.name.as_str()).collect::<Vec<_>>(), ["BTC", "USDC"]);
}

#[test]
fn a_leverage_curve_is_linear_between_its_points_and_constant_after_the_last() {
    let lines = "initial_base = 0.02\ninitial_per_coin = 0.00005\nmaintenance_base = 0.01\nmaintenance_per_coin = 0.00005\n";
    let curve = "maintenance_of_initial = 0.6\nleverage = [{ size_coin = 0.0, leverage = 50.0 }, \
                 { size_coin = 100.0, leverage = 25.0 }, { size_coin = 300.0, leverage = 10.0 }]\n";
    let deribit = changed("deribit-sm", lines, curve);
    for (size, leverage) in
        [(0.0, 50.0), (40.0, 40.0), (100.0, 25.0), (200.0, 17.5), (300.0, 10.0), (900.0, 10.0)]
    {
        let leg = linear_perpetual("BTC", "USDC", size, 100_000.0, 100_000.0);
        let initial = size * 1e5 / leverage;
        assert_levels(requirement(&deribit, &leg), initial, 0.6 * initial);
    }
}

#[test]
fn legs_without_a_rule_are_named_and_their_gain_is_counted() {
    let bybit = rulebook("bybit-options");
    let perpetual = linear_perpetual("BTC", "USDC", 1.0, 90_000.0, 80_000.0);
    let account = state("bybit", vec![perpetual], &[("USDC", 30_000.0, 1.0)]);
    let outcome = bybit.outcome(&account);
    assert_eq!(outcome.requirement, Levels::default());
    assert_levels(outcome.counted, 20_000.0, 20_000.0);
    let [missing] = outcome.unmargined.as_slice() else { panic!("{outcome:?}") };
    assert_eq!(missing.symbol.as_str(), "BTC-PERP");
    assert!(missing.reason.contains("margins options only"), "{}", missing.reason);

    let deribit = rulebook("deribit-sm");
    let option_on_sol = option("SOL", Some("USDC"), sold(OptionKind::Call, 104_000));
    let future_on_xrp = linear_perpetual("XRP", "USDC", 1.0, 2.0, 2.0);
    let outcome = margin(&deribit, vec![option_on_sol.clone(), future_on_xrp]);
    let reasons: Vec<&str> = outcome.unmargined.iter().map(|u| u.reason.as_str()).collect();
    assert!(reasons[0].contains("add [short_option.coefficients.SOL]"), "{reasons:?}");
    assert!(reasons[1].contains("add [future.XRP]"), "{reasons:?}");
    assert_levels(
        Levels::both(outcome.equity_usd),
        -2.0 * option_on_sol.option_price(),
        -2.0 * option_on_sol.option_price(),
    );
}

#[test]
fn every_rulebook_of_this_engine_ships() {
    let books = Rulebooks::embedded().unwrap();
    for id in
        ["deribit-sm", "deribit-xsm", "okx-options", "bybit-options", "binance-options", "bit-com-options"]
    {
        let book = books.get(id).unwrap();
        assert!(matches!(book.model, crate::rulebook::Model::Options(_)), "{id}");
        assert!(!book.header.unverified.is_empty(), "{id}");
    }
    assert!(books.get("deribit-sm").unwrap().outcome(&state("deribit", Vec::new(), &[])).units.is_empty());
    assert_eq!(asset("btc"), asset("BTC"));
}
