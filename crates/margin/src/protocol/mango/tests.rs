//! Each rule of health with the rule written out, the account model, and properties.

use super::*;
use crate::protocol::exact::Fraction;
use crate::report::Levels;
use crate::rulebook::Rulebook;
use crate::state::{AccountState, Leg};
use crate::testing;
use proptest::prelude::*;

const FILE: &str = include_str!("../../../../../rulebooks/mango-v4.toml");
const LEVELS: [HealthLevel; 2] = [HealthLevel::Initial, HealthLevel::Maintenance];
const USDC: TokenIndex = TokenIndex(0);
const SOL: TokenIndex = TokenIndex(1);

fn fixed(value: f64) -> Fixed48 {
    Fixed48::nearest(value).unwrap()
}

fn weights(initial: f64, maintenance: f64) -> Weights {
    Weights { initial: fixed(initial), maintenance: fixed(maintenance) }
}

/// Weights with a finite number of binary digits, so that expected values are exact.
fn token(balance: f64, price: f64) -> TokenPosition {
    TokenPosition {
        balance: fixed(balance),
        prices: Prices::oracle(fixed(price)),
        asset: weights(0.5, 0.75),
        liability: weights(1.5, 1.25),
        deposit_scale: None,
        borrow_scale: None,
    }
}

fn perp(base: f64, quote: f64, price: f64) -> PerpPosition {
    PerpPosition {
        settle_token: USDC,
        base: fixed(base),
        quote: fixed(quote),
        bids: Fixed48::ZERO,
        asks: Fixed48::ZERO,
        prices: Prices::oracle(fixed(price)),
        asset: weights(0.75, 0.875),
        liability: weights(1.25, 1.125),
        overall_asset: weights(0.5, 1.0),
    }
}

fn account(usdc: f64, sol: TokenPosition) -> HealthAccount {
    let one = Weights { initial: Fixed48::ONE, maintenance: Fixed48::ONE };
    let usdc = TokenPosition { asset: one, liability: one, ..token(usdc, 1.0) };
    HealthAccount { tokens: [(USDC, usdc), (SOL, sol)].into(), ..HealthAccount::default() }
}

fn health(account: &HealthAccount) -> [Fixed48; 2] {
    LEVELS.map(|level| account.health(level).unwrap())
}

#[test]
fn balances_are_weighed_by_their_sign() {
    assert_eq!(health(&account(10.0, token(4.0, 8.0))), [10.0 + 32.0 * 0.5, 10.0 + 32.0 * 0.75].map(fixed));
    assert_eq!(health(&account(10.0, token(-4.0, 8.0))), [10.0 - 32.0 * 1.5, 10.0 - 32.0 * 1.25].map(fixed));
}

#[test]
fn the_stable_price_counts_where_it_is_worse_and_only_initially() {
    let prices = |stable| Prices { oracle: fixed(8.0), stable: fixed(stable) };
    let held = |balance, stable| TokenPosition { prices: prices(stable), ..token(balance, 0.0) };
    assert_eq!(health(&account(0.0, held(4.0, 6.0))), [24.0 * 0.5, 32.0 * 0.75].map(fixed));
    assert_eq!(health(&account(0.0, held(4.0, 9.0))), [32.0 * 0.5, 32.0 * 0.75].map(fixed));
    assert_eq!(health(&account(0.0, held(-4.0, 9.0))), [-36.0 * 1.5, -32.0 * 1.25].map(fixed));
}

#[test]
fn a_perpetual_enters_the_token_in_which_it_settles() {
    let with = |perp| HealthAccount { perps: vec![perp], ..account(10.0, token(0.0, 8.0)) };
    // Long 4 at 8, paid 30: 24 - 30 initially, 28 - 30 at maintenance.
    assert_eq!(health(&with(perp(4.0, -30.0, 8.0))), [10.0 - 6.0, 10.0 - 2.0].map(fixed));
    // Short 4 at 8, received 50: (50 - 40) at an overall weight of a half, 50 - 36.
    assert_eq!(health(&with(perp(-4.0, 50.0, 8.0))), [10.0 + 10.0 * 0.5, 10.0 + 14.0].map(fixed));
}

#[test]
fn orders_of_a_perpetual_count_as_the_worse_side_filled() {
    let mut position = perp(1.0, -8.0, 8.0);
    (position.bids, position.asks) = (fixed(2.0), fixed(5.0));
    // Bids: 3 x 8 x 0.75 - 24 = -6. Asks: -4 x 8 x 1.25 + 32 = -8.
    assert_eq!(position.health(HealthLevel::Initial).unwrap(), fixed(-8.0));
    // Only bids: -6.
    position.asks = Fixed48::ZERO;
    assert_eq!(position.health(HealthLevel::Initial).unwrap(), fixed(-6.0));
}

#[test]
fn reserved_funds_count_as_the_worse_of_both_tokens() {
    let reserved = |limit: Option<f64>| Reserved {
        base_token: SOL,
        quote_token: USDC,
        base: fixed(1.0),
        quote: fixed(16.0),
        lowest_ask: limit.map(fixed),
        inverse_of_highest_bid: None,
    };
    let with = |sol, limit| HealthAccount { reserved: vec![reserved(limit)], ..account(0.0, sol) };
    // All as base: 1 + 16/8 = 3 of 8 at 0.5 = 12. All as quote: 16 + 8 = 24.
    assert_eq!(health(&with(token(0.0, 8.0), None))[0], fixed(12.0));
    // Two are owed: as base two pay it back at 1.5 and one is left at 0.5: 28 - 24, above 24 - 24 as quote.
    assert_eq!(health(&with(token(-2.0, 8.0), None))[0], fixed(0.0));
    // Asked at 4, the coin brings 4: 20 as quote.
    assert_eq!(health(&with(token(-2.0, 8.0), Some(4.0)))[0], fixed(-4.0));
}

#[test]
fn concentration_scales_initial_weights_both_ways() {
    let scale = |amount: f64| Some(WeightScale { amount: fixed(amount), start_quote: fixed(64.0) });
    let held = |balance, amount| TokenPosition {
        deposit_scale: scale(amount),
        borrow_scale: scale(amount),
        ..token(balance, 8.0)
    };
    // 8 coins are worth the start, 16 twice as much.
    assert_eq!(health(&account(0.0, held(1.0, 8.0))), [4.0, 6.0].map(fixed));
    assert_eq!(health(&account(0.0, held(1.0, 16.0))), [2.0, 6.0].map(fixed));
    assert_eq!(health(&account(0.0, held(-1.0, 16.0))), [-24.0, -10.0].map(fixed));
}

#[test]
fn scaled_weights_are_rounded_against_the_account() {
    let scale = |start: f64| Some(WeightScale { amount: fixed(16.0), start_quote: fixed(start) });
    let contribution = |position: TokenPosition| {
        position.contribution(position.balance, HealthLevel::Initial).unwrap().exact()
    };
    // 16 coins of 8 over a start of 60: 1.5 x 128/60 = 3.2 and 0.5 x 60/128, the first with no end in binary digits.
    let owed = TokenPosition { borrow_scale: scale(60.0), ..token(-1.0, 8.0) };
    let exact = Fraction::whole(-256).per(10).unwrap();
    assert!(
        contribution(owed) < exact
            && contribution(owed) > exact.minus(&Fraction::whole(1).per(1_u64 << 40).unwrap())
    );
    let held = TokenPosition { deposit_scale: scale(60.0), ..token(1.0, 12.0) };
    // 12 x 0.5 x 60/192 = 1.875; a start of 50 over 192 has no end: 12 x 0.5 x 50/192 = 1.5625.
    assert_eq!(contribution(held), Fraction::whole(1_875).per(1_000).unwrap());
    let held = TokenPosition { deposit_scale: scale(50.0), ..token(1.0, 12.0) };
    assert!(contribution(held) < Fraction::whole(15_625).per(10_000).unwrap());
}

#[test]
fn what_cannot_be_is_an_error_that_names_it() {
    let stray = PerpPosition { settle_token: TokenIndex(7), ..perp(1.0, 0.0, 1.0) };
    let account_with = |perp| HealthAccount { perps: vec![perp], ..account(0.0, token(0.0, 8.0)) };
    let error = account_with(stray).health(HealthLevel::Initial).unwrap_err();
    assert_eq!(error, MangoError::UnknownToken(TokenIndex(7)));
    assert!(error.to_string().contains("token 7"), "{error}");
    let error = account(0.0, token(1e20, 1e20)).health(HealthLevel::Initial).unwrap_err();
    assert!(matches!(error, MangoError::Overflow(_)), "{error}");
    let reserved = Reserved {
        base_token: SOL,
        quote_token: USDC,
        base: Fixed48::ONE,
        quote: Fixed48::ONE,
        lowest_ask: None,
        inverse_of_highest_bid: None,
    };
    let worthless = HealthAccount { reserved: vec![reserved], ..account(0.0, token(0.0, 0.0)) };
    assert_eq!(worthless.health(HealthLevel::Initial), Err(MangoError::ZeroPrice(SOL)));
    assert!(Fixed48::nearest(f64::NAN).is_none() && Fixed48::nearest(1e24).is_none());
}

fn rulebook() -> Rulebook {
    Rulebook::parse("mango-v4.toml", FILE).unwrap()
}

fn state(legs: Vec<Leg>, balances: &[(&str, f64, f64)]) -> AccountState {
    testing::state("mango", legs, balances)
}

fn close(ours: Levels, initial: f64, maintenance: f64) {
    // Weights such as 0.8 are rounded to 2^-49, 2e-15 of values below 1e5; native units are whole.
    let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
    assert!(
        near(ours.initial, initial) && near(ours.maintenance, maintenance),
        "{ours:?} {initial} {maintenance}"
    );
}

#[test]
fn counted_less_required_is_the_health() {
    let long = testing::linear_perpetual("BTC", "USDC", 0.1, 40_000.0, 50_000.0);
    let balances = [("ETH", -1.0, 2_000.0), ("SOL", 10.0, 100.0), ("USDC", 3_000.0, 1.0)];
    let outcome = rulebook().outcome(&state(vec![long], &balances));
    // The perpetual: 5000 x 0.8 - 4000 = 0 initially, 5000 x 0.9 - 4000 = 500 at maintenance.
    close(outcome.surplus(), 3_000.0 + 800.0 - 2_400.0, 3_000.0 + 500.0 + 900.0 - 2_200.0);
    // Its haircut and the debt are what is asked.
    close(outcome.requirement, 1_000.0 + 2_400.0, 500.0 + 2_200.0);
    let units: Vec<_> = outcome.units.iter().map(|u| u.name.as_str()).collect();
    assert_eq!(units, ["BTC", "ETH"]);
    close(outcome.units[0].requirement, 1_000.0, 500.0);
    close(outcome.units[1].requirement, 2_400.0, 2_200.0);
    // USDC, SOL, ETH owed, and a gain of 0.1 x 10000.
    let equity = 3_000.0 + 1_000.0 - 2_000.0 + 1_000.0;
    close(Levels::both(outcome.equity_usd), equity, equity);
    assert!(outcome.unmargined.is_empty(), "{outcome:?}");
}

#[test]
fn a_loss_without_quote_is_a_debt_once() {
    let long = testing::linear_perpetual("SOL", "USDC", 10.0, 100.0, 70.0);
    let outcome = rulebook().outcome(&state(vec![long], &[("SOL", 10.0, 70.0)]));
    // Haircut 700 x 0.2, debt 300.
    close(outcome.requirement, 140.0 + 300.0, 70.0 + 300.0);
    close(outcome.counted, 560.0, 630.0);
}

#[test]
fn a_gain_counts_at_the_overall_weight() {
    let long = testing::linear_perpetual("SOL", "USDC", 10.0, 100.0, 200.0);
    let outcome = rulebook().outcome(&state(vec![long], &[]));
    // (2000 x 0.8 - 1000) x 0.95, and without the overall weight 2000 x 0.9 - 1000.
    close(outcome.surplus(), 570.0, 800.0);
}

#[test]
fn a_falling_quote_lowers_what_settles_in_it() {
    let mut long = testing::linear_perpetual("SOL", "USDC", 10.0, 100.0, 70.0);
    long.settlement_usd = 0.5;
    let outcome = rulebook().outcome(&state(vec![long], &[("USDC", 1_000.0, 0.5)]));
    close(outcome.surplus(), (1_000.0 - 300.0 - 140.0) * 0.5, (1_000.0 - 300.0 - 70.0) * 0.5);
}

#[test]
fn what_is_not_covered_is_listed_with_how_to_mend_it() {
    let mut unknown = testing::linear_perpetual("ETH", "USDC", 1.0, 1.0, 3_000.0);
    unknown.entry_value = None;
    let legs = vec![
        testing::linear_perpetual("WIF", "USDC", 1.0, 1.0, 1.0),
        testing::linear_perpetual("BTC", "USDT", 1.0, 50_000.0, 50_000.0),
        testing::linear_perpetual("SOL", "USDC", 1e30, 1.0, 1.0),
        unknown,
    ];
    let outcome = rulebook().outcome(&state(legs, &[("MNGO", 1.0, 1.0), ("USDC", 2_000.0, 1.0)]));
    // The gain of an unknown entry is in the balance: only the haircut of ETH is taken.
    close(outcome.surplus(), 2_000.0 - 600.0, 2_000.0 - 300.0);
    let reasons: Vec<_> = outcome.unmargined.iter().map(|u| u.reason.as_str()).collect();
    let parts =
        ["add a section [tokens.MNGO]", "add a section [perps.WIF]", "perpetuals paid in USDC", "beyond"];
    assert_eq!(reasons.len(), parts.len(), "{reasons:?}");
    for (reason, part) in reasons.iter().zip(parts) {
        assert!(reason.contains(part), "{reason} should say {part}");
    }
}

#[test]
fn all_mistakes_of_a_file_are_told_at_once() {
    let text = FILE
        .replacen("quote = \"USDC\"", "quote = \"USDT\"", 1)
        .replacen("initial_asset_weight = 0.8", "initial_asset_weight = 0.95", 1)
        .replacen("initial_liability_weight = 1.2", "initial_liability_weight = 0.9", 1)
        .replacen("maintenance_overall_asset_weight = 1\n", "maintenance_overall_asset_weight = 0.9\n", 1)
        .replacen("base_decimals = 8", "base_decimals = 80", 1)
        .replacen("base_decimals = 6\n", "base_decimals = 6\nlot = 1\n", 1);
    let found: Vec<String> =
        Rulebook::parse("m.toml", &text).unwrap_err().kept().iter().map(ToString::to_string).collect();
    let named = [
        ("quote", "must name a section of [tokens]"),
        ("initial_asset_weight", "must not be above maintenance_asset_weight"),
        ("initial_liability_weight", "must be a number from 1 to 100"),
        ("perps.SOL.initial_overall_asset_weight", "must not be above maintenance_overall_asset_weight"),
        ("perps.ETH.base_decimals", "from 0 to 18"),
        ("perps.BTC.lot", "is not a parameter"),
    ];
    for (key, rule) in named {
        assert!(found.iter().any(|m| m.contains(key) && m.contains(rule)), "{key} {rule}: {found:?}");
    }
    assert_eq!(found.len(), named.len(), "{found:?}");
    let text = FILE.replacen("initial_liability_weight = 1.2", "initial_liability_weight = 1.05", 1);
    let found = Rulebook::parse("m.toml", &text).unwrap_err().kept()[0].to_string();
    assert!(found.contains("tokens.SOL.initial_liability_weight"), "{found}");
    assert!(found.contains("must not be below maintenance_liability_weight"), "{found}");
}

fn amounts() -> impl Strategy<Value = f64> {
    (-1_000_000_000_i32..1_000_000_000).prop_map(|units| f64::from(units) / 64.0)
}

proptest! {
    #[test]
    fn a_deposit_never_lowers_health(usdc in amounts(), more in 0..1_000_000_u32, sol in amounts(), base in amounts(), price in 1..1_000_u32) {
        let price = f64::from(price) / 8.0;
        let at = |usdc: f64| HealthAccount { perps: vec![perp(base, 1_000.0, price)], ..account(usdc, token(sol, price)) };
        for level in LEVELS {
            let (before, after) = (at(usdc).health(level).unwrap(), at(usdc + f64::from(more)).health(level).unwrap());
            prop_assert_eq!(after.minus(before).unwrap(), fixed(f64::from(more)));
        }
    }

    #[test]
    fn maintenance_health_is_at_least_initial(usdc in amounts(), sol in amounts(), base in amounts(), quote in amounts(), price in 1..1_000_u32) {
        let price = f64::from(price) / 8.0;
        let account = HealthAccount { perps: vec![perp(base, quote, price)], ..account(usdc, token(sol, price)) };
        prop_assert!(account.health(HealthLevel::Maintenance).unwrap() >= account.health(HealthLevel::Initial).unwrap());
    }

    /// A contribution is at most its exact value and less than one unit of 2^-48 below it.
    #[test]
    fn rounding_is_against_the_account(balance in amounts(), price in 0.0001..100_000.0_f64, weight in 0.0..1.0_f64) {
        let position = TokenPosition {
            asset: weights(weight, 1.0),
            liability: weights(1.0 + weight, 1.0),
            ..token(balance, price)
        };
        let ours = position.contribution(position.balance, HealthLevel::Initial).unwrap().exact();
        let weight = if balance < 0.0 { position.liability.initial } else { position.asset.initial };
        let exact = position.balance.exact().times(&weight.exact()).times(&position.prices.oracle.exact());
        prop_assert!(ours <= exact);
        let unit = Fraction::whole(1).per(1_u64 << 48).unwrap();
        prop_assert!(exact.minus(&ours) < unit);
    }

    /// However positions and balances lie, the report adds up to the engine's one number.
    #[test]
    fn the_report_adds_up_to_health(usdc in amounts(), sol in amounts(), size in -1_000_000_i32..1_000_000, entry in 1..1_000_u32) {
        let (size, entry) = (f64::from(size) / 1000.0, f64::from(entry));
        let legs = vec![testing::linear_perpetual("SOL", "USDC", size, entry, 150.0)];
        let outcome = rulebook().outcome(&state(legs, &[("SOL", sol, 150.0), ("USDC", usdc, 1.0)]));
        let weighed = |value: f64, long: f64, short: f64| value * if value > 0.0 { long } else { short };
        let perp = weighed(size * 150.0, 0.8, 1.2) - size * entry;
        let perp = if perp > 0.0 { perp * 0.95 } else { perp };
        let expected = usdc + perp + weighed(sol * 150.0, 0.8, 1.2);
        // The balance is rounded to 1e-9 coins, the sum to a few ulp of its parts.
        let tolerance = 1e-6 + 1e-13 * (usdc.abs() + sol.abs() * 150.0 + size.abs() * 1_000.0);
        prop_assert!((outcome.surplus().initial - expected).abs() < tolerance, "{} {expected}", outcome.surplus().initial);
        prop_assert!(outcome.requirement.maintenance <= outcome.requirement.initial);
    }
}
