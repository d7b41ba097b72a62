//! What counts as equity, and separate against pooled wallets.

use super::{ROUNDING, assert_levels, changed, rulebook, sold};
use crate::report::{Levels, Outcome};
use crate::state::Move;
use crate::testing::{OptionCase, asset, inverse_perpetual, linear_perpetual, option, state};
use units::OptionKind;

fn near(ours: f64, rule: f64) -> bool {
    (ours - rule).abs() <= ROUNDING * rule.abs().max(1.0)
}

/// 10 coins of BTC, rich; and a USDC wallet that holds `usdc` against a perpetual of 100 coins at 100,000.
fn rich_and_poor(usdc: f64) -> crate::state::AccountState {
    let legs = vec![
        inverse_perpetual("BTC", 100_000.0, 100_000.0, 100_000.0),
        linear_perpetual("BTC", "USDC", 100.0, 100_000.0, 100_000.0),
    ];
    state("deribit", legs, &[("BTC", 10.0, 100_000.0), ("ETH", 5.0, 3_000.0), ("USDC", usdc, 1.0)])
}

/// Maintenance of 100 coins: (1 % + 100 x 0.005 %) of ten million.
const USDC_MAINTENANCE: f64 = 100.0 * 1e5 * (0.01 + 100.0 * 0.00005);

#[test]
fn a_sold_option_costs_its_mark_once() {
    // Sold at the mark: the premium is in the balance, the mark in the requirement; the rest of the balance meets the coefficient.
    let leg = option("BTC", None, sold(OptionKind::Call, 90_000));
    let mark_usd = 2.0 * leg.option_price() / 101_000.0 * 1e5;
    let account = state("deribit", vec![leg], &[("BTC", 1.0 + mark_usd / 1e5, 1e5)]);
    let outcome = rulebook("deribit-sm").outcome(&account);
    assert!(near(outcome.equity_usd, 1e5), "the option is worth minus its premium: {}", outcome.equity_usd);
    assert_levels(outcome.surplus(), 1e5 - 2e5 * 0.15, 1e5 - 2e5 * 0.075);
    // Under a venue that counts option values the mark is asked and taken off as well.
    let counting = changed("deribit-sm", "option_value = \"excluded\"", "option_value = \"counted\"");
    let twice = counting.outcome(&account);
    assert!(near(twice.surplus().initial, 1e5 - 2e5 * 0.15 - mark_usd), "{:?}", twice.surplus());
    assert!(near(twice.equity_usd, outcome.equity_usd));
}

#[test]
fn a_bought_option_is_equity_that_does_not_count() {
    let case = OptionCase { quantity: 2.0, ..sold(OptionKind::Call, 90_000) };
    let leg = option("BTC", None, case);
    let value_usd = leg.option_value_usd();
    assert!(value_usd > 10_000.0);
    let outcome = rulebook("deribit-sm").outcome(&state("deribit", vec![leg], &[("BTC", 1.0, 1e5)]));
    assert!(near(outcome.equity_usd, 1e5 + value_usd));
    assert_levels(outcome.counted, 1e5, 1e5);
}

#[test]
fn a_rich_wallet_does_not_help_a_poor_one() {
    let separate = rulebook("deribit-sm");
    let outcome = separate.outcome(&rich_and_poor(100_000.0));
    // The sum is far above what is asked, and the USDC wallet is liquidated all the same.
    assert!(outcome.equity_usd > 1e6 && outcome.requirement.maintenance < 2e5);
    assert!(near(outcome.surplus().maintenance, 100_000.0 - USDC_MAINTENANCE), "{:?}", outcome.surplus());
    assert!(outcome.surplus().maintenance < 0.0);
    assert!(outcome.notes[0].contains("used is that of wallet USDC"), "{:?}", outcome.notes);
    assert!(
        outcome.notes.iter().any(|n| n.starts_with("wallet USDC: 100000.00 USD counted")),
        "{:?}",
        outcome.notes
    );
    assert!(!outcome.notes.iter().any(|n| n.starts_with("wallet ETH")), "nothing is asked of ETH");
    // Units add up to the requirement.
    let sum = outcome.units.iter().fold(Levels::default(), |sum, unit| sum.plus(unit.requirement));
    assert_levels(outcome.requirement, sum.initial, sum.maintenance);
    // Utilisation of the account is above one exactly when a wallet is short.
    assert!(outcome.utilisation().unwrap() > 1.0);
    let saved = separate.outcome(&rich_and_poor(USDC_MAINTENANCE + 1.0));
    assert!(near(saved.surplus().maintenance, 1.0) && saved.utilisation().unwrap() < 1.0);
}

#[test]
fn pooled_wallets_help_each_other() {
    let outcome = rulebook("deribit-xsm").outcome(&rich_and_poor(100_000.0));
    let rule = |asked: f64| 10.0 * 1e5 + 5.0 * 3_000.0 + 100_000.0 - asked;
    assert_levels(
        outcome.surplus(),
        rule(outcome.requirement.initial),
        rule(outcome.requirement.maintenance),
    );
    let separate = rulebook("deribit-sm").outcome(&rich_and_poor(100_000.0));
    assert_eq!(outcome.requirement, separate.requirement);
    assert!(near(outcome.equity_usd, separate.equity_usd));
}

#[test]
fn the_surplus_of_separate_wallets_moves_without_jumps() {
    // Along the price the tightest wallet changes from USDC (a long) to BTC (a short); a root search must not see a jump.
    let legs = vec![
        inverse_perpetual("BTC", -2_000_000.0, 100_000.0, 100_000.0),
        linear_perpetual("BTC", "USDC", 100.0, 100_000.0, 100_000.0),
    ];
    let account = state("deribit", legs, &[("BTC", 3.0, 1e5), ("USDC", 900_000.0, 1.0)]);
    let separate = rulebook("deribit-sm");
    let surplus = |factor: f64| separate.outcome(&account.moved(&Move::coins(factor))).surplus().maintenance;
    let steps: Vec<f64> = (0..=4_000u32).map(|i| surplus(0.85 + 0.3 * f64::from(i) / 4_000.0)).collect();
    // Largest slope: 100 coins in one wallet, 20 in the other: 7,500 points of 0.01 % of ten million, below 800 a step.
    for pair in steps.windows(2) {
        assert!((pair[1] - pair[0]).abs() < 800.0, "{pair:?}");
    }
    assert!(steps[0] < 0.0 && steps.iter().any(|s| *s > 0.0), "the long is liquidated below");
    assert!(steps.last().unwrap() < &steps[2_000], "and the short is tightest above");
}

#[test]
fn haircuts_are_taken_off_equity_and_not_off_debts() {
    let pooled = rulebook("deribit-xsm");
    let account = state("deribit", Vec::new(), &[("STETH", 10.0, 3_000.0), ("USDC", -500.0, 1.0)]);
    let outcome = pooled.outcome(&account);
    assert_levels(outcome.counted, 30_000.0 * (1.0 - 0.075) - 500.0, 30_000.0 - 500.0);
    assert_levels(Levels::both(outcome.equity_usd), 29_500.0, 29_500.0);
    assert_levels(outcome.collateral[0].counted, 30_000.0 * (1.0 - 0.075), 30_000.0);
    assert_levels(outcome.collateral[1].counted, -500.0, -500.0);
    assert!(!outcome.is_partial());
}

#[test]
fn pooled_equity_in_an_asset_that_is_not_listed_counts_for_nothing_and_is_named() {
    let pooled = rulebook("deribit-xsm");
    let holding: Outcome = pooled.outcome(&state("deribit", Vec::new(), &[("DOGE", 1e6, 0.2)]));
    assert_eq!(holding.counted, Levels::default());
    assert!(near(holding.equity_usd, 2e5));
    assert!(holding.unmargined[0].reason.contains("[collateral.DOGE]"), "{:?}", holding.unmargined);
    // A debt in it counts in full.
    let owing = pooled.outcome(&state("deribit", Vec::new(), &[("DOGE", -1e6, 0.2)]));
    assert_levels(owing.counted, -2e5, -2e5);
    assert!(!owing.is_partial());
}

#[test]
fn a_debt_in_one_wallet_is_a_shortfall_even_if_nothing_is_asked_of_it() {
    let account = state("deribit", Vec::new(), &[("BTC", 1.0, 1e5), ("USDC", -10.0, 1.0)]);
    let outcome = rulebook("deribit-sm").outcome(&account);
    assert_levels(outcome.surplus(), -10.0, -10.0);
    // Without debt or requirement all of it is free.
    let free = state("deribit", Vec::new(), &[("BTC", 1.0, 1e5), ("USDC", 10.0, 1.0)]);
    assert_levels(rulebook("deribit-sm").outcome(&free).surplus(), 100_010.0, 100_010.0);
    assert_eq!(free.balances[0].asset, asset("BTC"));
}
