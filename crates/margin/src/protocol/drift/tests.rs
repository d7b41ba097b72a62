//! Each rule of the program with the rule written out, the account model, and properties.

use super::*;
use crate::report::Levels;
use crate::rulebook::Rulebook;
use crate::state::{AccountState, Leg};
use crate::testing;
use proptest::prelude::*;

const FILE: &str = include_str!("../../../../../rulebooks/drift-v2.toml");
const LEVELS: [MarginLevel; 3] = [MarginLevel::Initial, MarginLevel::Fill, MarginLevel::Maintenance];

fn weights() -> SpotWeights {
    SpotWeights {
        initial_asset: Weight(8_000),
        maintenance_asset: Weight(9_000),
        initial_liability: Weight(12_000),
        maintenance_liability: Weight(11_000),
        imf: Imf(0),
    }
}

fn market() -> PerpMarket {
    PerpMarket {
        initial: Weight(1_000),
        maintenance: Weight(501),
        imf: Imf(0),
        initial_gain: Weight(10_000),
        maintenance_gain: Weight(10_000),
        gain_imf: Imf(0),
    }
}

/// Amounts in 1e-9 coins at a price in USD.
fn spot(amount: i128, price: i128) -> SpotPosition {
    SpotPosition {
        amount: TokenAmount(amount),
        decimals: Decimals(9),
        price: StrictPrice::oracle(Price(price * 1_000_000)),
        weights: Some(weights()),
        deposits: None,
        orders: SpotOrders::default(),
    }
}

fn perp(base: i128, quote: i128, price: i128) -> PerpPosition {
    PerpPosition {
        base: Base(base),
        quote: Quote(quote),
        price: Price(price * 1_000_000),
        quote_price: StrictPrice::oracle(Price(1_000_000)),
        market: market(),
    }
}

fn at(level: MarginLevel) -> MarginContext {
    MarginContext::at(level)
}

fn margin(collateral: i128, requirement: i128) -> Margin {
    Margin { collateral: Quote(collateral), requirement: Quote(requirement) }
}

#[test]
fn weights_move_with_the_square_root_of_size() {
    // Ten coins: isqrt(10 x 10^10 + 1) = 316227 in 1e-5, times an imf of 0.1.
    let (size, imf) = (Size(10_000_000_000), Imf(100_000));
    // 1.1 / (1 + 3.16227 x 0.1) = 0.8357...
    assert_eq!(Weight(9_000).discounted(imf, size).unwrap(), Weight(8_357));
    assert_eq!(Weight(8_000).discounted(imf, size).unwrap(), Weight(8_000));
    // 1.1 - 1.1/5 + 3.16227 x 0.1 = 1.1962...
    assert_eq!(Weight(11_000).charged(imf, size).unwrap(), Weight(11_962));
    assert_eq!(Weight(20_000).charged(imf, size).unwrap(), Weight(20_000));
    // A fifth of 9999 is 1999, truncated before it is taken away: 8000 + 3162.
    assert_eq!(Weight(9_999).charged(imf, size).unwrap(), Weight(11_162));
    let scale = |deposits| DepositScale { deposits: Quote(deposits), start: Quote(300) };
    assert_eq!(Weight(8_000).scaled(scale(300)).unwrap(), Weight(8_000));
    assert_eq!(Weight(8_000).scaled(scale(700)).unwrap(), Weight(3_428), "8000 x 3/7, truncated");
}

#[test]
fn fill_is_half_way_and_truncated() {
    let at = |level| market().ratio(Size(0), level).unwrap();
    assert_eq!(LEVELS.map(at), [Weight(1_000), Weight(750), Weight(501)]);
}

#[test]
fn deposits_bring_collateral_and_borrows_ask_for_margin() {
    // 2 coins at 100 USD.
    assert_eq!(spot(2_000_000_000, 100).margin(at(MarginLevel::Initial)).unwrap(), margin(160_000_000, 0));
    assert_eq!(
        spot(-2_000_000_000, 100).margin(at(MarginLevel::Maintenance)).unwrap(),
        margin(0, 220_000_000)
    );
    let quote = SpotPosition { weights: None, ..spot(-3_000_000_000, 1) };
    assert_eq!(quote.margin(at(MarginLevel::Initial)).unwrap(), margin(0, 3_000_000));
}

#[test]
fn strict_prices_are_the_worse_of_two() {
    let strict = StrictPrice { oracle: Price(100_000_000), average: Some(Price(90_000_000)) };
    let context = at(MarginLevel::Maintenance);
    let deposit = SpotPosition { price: strict, ..spot(1_000_000_000, 0) };
    assert_eq!(deposit.margin(context).unwrap(), margin(81_000_000, 0));
    let borrow = SpotPosition { amount: TokenAmount(-1_000_000_000), ..deposit };
    assert_eq!(borrow.margin(context).unwrap(), margin(0, 110_000_000));
}

#[test]
fn orders_count_as_the_worse_side_filled() {
    let mut position = spot(0, 100);
    position.orders =
        SpotOrders { count: 2, bids: TokenAmount(3_000_000_000), asks: TokenAmount(2_000_000_000) };
    // Bids: 300 bought at 0.8, 300 paid: -60. Asks: 200 received, 200 x 1.2 owed: -40. Bids, and a cent an order.
    let ours = position.margin(at(MarginLevel::Initial)).unwrap();
    assert_eq!(ours, margin(240_000_000, 300_000_000 + 2 * 10_000));
}

#[test]
fn orders_pay_the_higher_and_receive_the_lower_price() {
    let price = StrictPrice { oracle: Price(100_000_000), average: Some(Price(90_000_000)) };
    let of = |orders| SpotPosition { price, orders, ..spot(0, 0) };
    let bids = of(SpotOrders { bids: TokenAmount(1_000_000_000), ..SpotOrders::default() });
    // A coin of 90 at 0.8, for which 100 is paid.
    assert_eq!(bids.margin(at(MarginLevel::Initial)).unwrap(), margin(72_000_000, 100_000_000));
    let asks = of(SpotOrders { asks: TokenAmount(1_000_000_000), ..SpotOrders::default() });
    assert_eq!(asks.margin(at(MarginLevel::Initial)).unwrap(), margin(90_000_000, 120_000_000));
}

#[test]
fn gains_are_capped_initially_and_losses_are_not() {
    // Bought 10 coins at 100: 300 USD of gain at 130, 300 of loss at 70.
    let at_price = |price| perp(10_000_000_000, -1_000_000_000, price);
    let collateral = |position: PerpPosition, level| position.margin(at(level)).unwrap().collateral.0;
    assert_eq!(LEVELS.map(|l| collateral(at_price(130), l)), [100_000_000, 300_000_000, 300_000_000]);
    assert_eq!(LEVELS.map(|l| collateral(at_price(70), l)), [-300_000_000; 3]);
    let ours = at_price(130).margin(at(MarginLevel::Maintenance)).unwrap();
    assert_eq!(ours.requirement, Quote(65_130_000), "1300 x 0.0501");
    // A dollar of 1.10 raises what is asked and what is lost.
    let mut dear = at_price(70);
    dear.quote_price = StrictPrice::oracle(Price(1_100_000));
    assert_eq!(dear.margin(at(MarginLevel::Initial)).unwrap(), margin(-330_000_000, 77_000_000));
}

#[test]
fn a_ratio_of_the_users_own_is_initial_only() {
    let own = |level| MarginContext { level, own_ratio: Some(Weight(5_000)) };
    let short = spot(-1_000_000_000, 100);
    assert_eq!(short.margin(own(MarginLevel::Initial)).unwrap().requirement, Quote(150_000_000), "1 + 0.5");
    assert_eq!(short.margin(own(MarginLevel::Maintenance)).unwrap().requirement, Quote(110_000_000));
    let long = spot(1_000_000_000, 100);
    assert_eq!(long.margin(own(MarginLevel::Initial)).unwrap().collateral, Quote(50_000_000), "1 - 0.5");
    let future = perp(1_000_000_000, -100_000_000, 100);
    assert_eq!(future.margin(own(MarginLevel::Initial)).unwrap().requirement, Quote(50_000_000));
}

#[test]
fn a_transfer_that_frees_nothing_is_unbounded() {
    let shortage = PerpShortage {
        shortage: Quote(10_000_000),
        ratio: Weight(500),
        liquidator_fee: Fee(50_000),
        price: Price(100_000_000),
        quote_price: Price(1_000_000),
    };
    assert_eq!(shortage.base_to_cover(Fee(0)).unwrap(), Transfer::Unbounded);
    // 10 / (100 x (0.05 - 0.01) - 100 x 0.015) = 4 coins; with a fee of 0.04 nothing is freed.
    let cheaper = PerpShortage { liquidator_fee: Fee(10_000), ..shortage };
    assert_eq!(cheaper.base_to_cover(Fee(15_000)).unwrap(), Transfer::Amount(4_000_000_000));
    assert_eq!(cheaper.base_to_cover(Fee(40_000)).unwrap(), Transfer::Unbounded);
    assert_eq!(shortage.insurance_fee(Base(0), Fee(1)).unwrap(), Fee(0), "nothing to charge");
}

#[test]
fn an_asset_is_given_whole_when_less_than_a_dollar_is_left() {
    let side = SpotSide { decimals: Decimals(6), price: Price(1_000_000), multiplier: Multiplier(1_000_000) };
    let give = |held| {
        let asset = AssetHeld { amount: TokenAmount(held), side };
        asset_for_liability(TokenAmount(5_000_000), side, asset).unwrap()
    };
    assert_eq!(give(6_000_000), TokenAmount(5_000_000), "one dollar is left");
    assert_eq!(give(5_999_999), TokenAmount(5_999_999));
}

#[test]
fn a_liability_for_an_asset_is_rounded_up_and_an_asset_for_a_liability_down() {
    let at_price = |dollars: i128| SpotSide {
        decimals: Decimals(6),
        price: Price(dollars * 1_000_000),
        multiplier: Multiplier(1_000_000),
    };
    let asset = |amount| AssetHeld { amount: TokenAmount(amount), side: at_price(1) };
    // 10/3 and 2/3 of a unit.
    assert_eq!(liability_for_asset(asset(10), at_price(3)).unwrap(), TokenAmount(4));
    let dear = AssetHeld { amount: TokenAmount(9_000_000), side: at_price(3) };
    assert_eq!(asset_for_liability(TokenAmount(2), at_price(1), dear).unwrap(), TokenAmount(0));
}

#[test]
fn losses_are_spread_rounded_up() {
    let open = OpenInterest { long: Base(2_000_000_000), short: Base(-1_000_000_000) };
    // 10 USD over 3 coins, to 1e-6, in 1e-9.
    assert_eq!(funding_delta_of_bankruptcy(Quote(-10_000_000), open).unwrap(), FundingDelta(3_333_334_000));
    let none = OpenInterest { long: Base(0), short: Base(0) };
    assert_eq!(funding_delta_of_bankruptcy(Quote(-1), none), Err(DriftError::Zero("the open interest")));
    let loss = SpotLoss { borrowed: TokenAmount(-1), deposits: TokenAmount(3), interest: Interest(10) };
    assert_eq!(interest_delta_of_bankruptcy(loss).unwrap(), Interest(4), "10 x 1/3");
}

#[test]
fn numbers_beyond_their_bits_are_errors() {
    let context = at(MarginLevel::Initial);
    let huge = spot(i128::MAX, i128::MAX / 1_000_000);
    assert!(matches!(huge.margin(context), Err(DriftError::Overflow(_))));
    let huge = SpotPosition { weights: Some(SpotWeights { imf: Imf(1), ..weights() }), ..spot(i128::MIN, 1) };
    assert!(matches!(huge.margin(context), Err(DriftError::Overflow(_))));
    assert!(matches!(perp(i128::MIN, 0, 1_000_000_000).margin(context), Err(DriftError::Overflow(_))));
    let huge = Weight(u32::MAX).charged(Imf(u32::MAX), Size(u128::MAX));
    assert!(matches!(huge, Err(DriftError::Overflow(_))));
    let orders = SpotOrders { count: 0, bids: TokenAmount(i128::MAX), asks: TokenAmount(0) };
    let huge = SpotPosition { orders, ..spot(1, 1) };
    assert!(matches!(huge.margin(context), Err(DriftError::Overflow(_))));
}

fn rulebook() -> Rulebook {
    Rulebook::parse("drift-v2.toml", FILE).unwrap()
}

fn state(legs: Vec<Leg>, balances: &[(&str, f64, f64)]) -> AccountState {
    testing::state("drift", legs, balances)
}

fn levels(initial: f64, maintenance: f64) -> Levels {
    Levels { initial, maintenance }
}

#[test]
fn an_account_is_total_collateral_against_requirement() {
    let long = testing::linear_perpetual("SOL", "USDC", 10.0, 100.0, 130.0);
    let outcome = rulebook()
        .outcome(&state(vec![long], &[("ETH", -0.5, 2_000.0), ("SOL", 2.0, 130.0), ("USDC", 900.0, 1.0)]));
    // Borrow 1000 at 1.2 and 1.1; 1300 of notional at 10 and 5 %.
    assert_eq!(outcome.requirement, levels(1_200.0 + 130.0, 1_100.0 + 65.0));
    // USDC at one, 260 at 0.8 and 0.9, a gain of 300 of which 100 count initially. Its weight falls with its size:
    // min(1, 1.1 / (1 + isqrt(10 x 300e9 + 1) x 1e-5 x 0.001)) is still one.
    assert_eq!(outcome.counted, levels(900.0 + 208.0 + 100.0, 900.0 + 234.0 + 300.0));
    assert_eq!(outcome.equity_usd.to_bits(), (900.0_f64 + 260.0 + 300.0 - 1_000.0).to_bits());
    let units: Vec<_> = outcome.units.iter().map(|u| (u.name.as_str(), u.requirement)).collect();
    assert_eq!(units, [("ETH", levels(1_200.0, 1_100.0)), ("SOL", levels(130.0, 65.0))]);
    assert!(outcome.unmargined.is_empty(), "{outcome:?}");
}

#[test]
fn a_falling_dollar_lowers_deposits_and_requirements_alike() {
    let mut leg = testing::linear_perpetual("SOL", "USDC", 10.0, 100.0, 100.0);
    leg.settlement_usd = 0.9;
    let outcome = rulebook().outcome(&state(vec![leg], &[("USDC", 1_000.0, 0.9)]));
    assert_eq!(outcome.counted, Levels::both(900.0));
    assert_eq!(outcome.requirement, levels(90.0, 45.0));
}

#[test]
fn what_is_not_covered_is_listed_with_how_to_mend_it() {
    let legs = vec![
        testing::linear_perpetual("WIF", "USDC", 1.0, 1.0, 1.0),
        testing::inverse_perpetual("BTC", 1.0, 50_000.0, 50_000.0),
        testing::linear_perpetual("SOL", "USDC", 1e40, 1.0, 1.0),
    ];
    let mut unknown = testing::linear_perpetual("ETH", "USDC", 1.0, 1.0, 3_000.0);
    unknown.entry_value = None;
    let mut account = state(legs, &[("JTO", 1.0, 2.0), ("USDC", 5.0, 1.0)]);
    account.legs.push(unknown);
    let outcome = rulebook().outcome(&account);
    assert_eq!(outcome.counted, Levels::both(5.0), "the gain of an unknown entry is in the balance");
    let reasons: Vec<_> = outcome.unmargined.iter().map(|u| u.reason.as_str()).collect();
    let parts = [
        "add a section [spot_markets.JTO]",
        "add a section [perp_markets.WIF]",
        "perpetuals paid in USDC",
        "beyond",
    ];
    assert_eq!(reasons.len(), parts.len(), "{reasons:?}");
    for (reason, part) in reasons.iter().zip(parts) {
        assert!(reason.contains(part), "{reason} should say {part}");
    }
}

#[test]
fn all_mistakes_of_a_file_are_told_at_once() {
    let text = FILE
        .replacen("initial_asset_weight = 8_000", "initial_asset_weight = 9_500", 1)
        .replacen("initial_liability_weight = 12_000", "initial_liability_weight = 10_500", 1)
        .replacen(
            "maintenance_liability_weight = 11_000\nimf_factor = 0\n\n[spot_markets.BTC]",
            "maintenance_liability_weight = 9_999\nimf_factor = 0\n\n[spot_markets.BTC]",
            1,
        )
        .replacen("maintenance_margin_ratio = 500", "maintenance_margin_ratio = 1_001", 1)
        .replacen("maintenance_gain_weight = 10_000\n", "", 1)
        .replacen(
            "gain_imf_factor = 1_000\n\n[perp_markets.BTC]",
            "gain_imf_factor = -1\nleverage = 5\n\n[perp_markets.BTC]",
            1,
        )
        .replacen("quote_decimals = 6", "quote_decimals = 60", 1);
    let found: Vec<String> =
        Rulebook::parse("d.toml", &text).unwrap_err().kept().iter().map(ToString::to_string).collect();
    let named = [
        ("quote_decimals", "from 0 to 18"),
        ("spot_markets.SOL.initial_asset_weight", "must not be above maintenance_asset_weight"),
        ("spot_markets.SOL.initial_liability_weight", "must not be below maintenance_liability_weight"),
        ("spot_markets.ETH.maintenance_liability_weight", "must be from 10000"),
        ("perp_markets.SOL.initial_margin_ratio", "must not be below maintenance_margin_ratio"),
        ("perp_markets.SOL.maintenance_gain_weight", "is missing"),
        ("perp_markets.ETH.gain_imf_factor", "zero or more millionths"),
        ("perp_markets.ETH.leverage", "is not a parameter"),
    ];
    for (key, rule) in named {
        assert!(found.iter().any(|m| m.contains(key) && m.contains(rule)), "{key} {rule}: {found:?}");
    }
    assert_eq!(found.len(), named.len(), "{found:?}");
}

fn growing() -> PerpMarket {
    PerpMarket { imf: Imf(3_000), gain_imf: Imf(1_000), initial_gain: Weight(9_000), ..market() }
}

proptest! {
    #[test]
    fn a_deposit_never_raises_a_requirement_or_lowers_collateral(
        usdc in -1_000_000_000_000_i128..1_000_000_000_000, more in 0..1_000_000_000_000_i128, base in -1_000_000_000_000_i128..1_000_000_000_000,
    ) {
        let quote = |amount| SpotPosition { weights: None, decimals: Decimals(6), ..spot(amount, 1) };
        let perp = PerpPosition { market: growing(), ..perp(base, -base / 10, 120) };
        for level in LEVELS {
            let before = total(&[quote(usdc)], &[perp], at(level)).unwrap();
            let after = total(&[quote(usdc + more)], &[perp], at(level)).unwrap();
            prop_assert!(after.requirement <= before.requirement);
            prop_assert!(after.collateral >= before.collateral);
            prop_assert_eq!(after.free().unwrap().0 - before.free().unwrap().0, more);
        }
    }

    #[test]
    fn maintenance_asks_at_most_what_fill_and_initial_ask(
        amount in -1_000_000_000_000_000_i128..1_000_000_000_000_000, base in -1_000_000_000_000_i128..1_000_000_000_000, paid in -1_000_000_000_000_i128..1_000_000_000_000,
    ) {
        let spot = SpotPosition { weights: Some(SpotWeights { imf: Imf(2_000), ..weights() }), ..spot(amount, 150) };
        let perp = PerpPosition { market: growing(), ..perp(base, paid, 120) };
        let [initial, fill, maintenance] = LEVELS.map(|level| total(&[spot], &[perp], at(level)).unwrap());
        prop_assert!(maintenance.requirement <= fill.requirement && fill.requirement <= initial.requirement);
        prop_assert!(maintenance.collateral >= fill.collateral && fill.collateral >= initial.collateral);
    }

    /// The program truncates: a deposit is never counted above its exact value, a requirement is short of it by less than
    /// two units (value and weight are truncated one after the other).
    #[test]
    fn truncation_stays_below_two_units(amount in 0..1_000_000_000_000_000_i128, cents in 1..10_000_000_i128) {
        let price = StrictPrice::oracle(Price(cents * 10_000));
        let deposit = SpotPosition { price, ..spot(amount, 1) };
        let borrow = SpotPosition { amount: TokenAmount(-amount), ..deposit };
        // Value x 1e-9 x weight x 1e-4, as a numerator of 1e13.
        let value = amount * cents * 10_000;
        let collateral = deposit.margin(at(MarginLevel::Initial)).unwrap().collateral.0 * 10_000_000_000_000;
        prop_assert!(collateral <= value * 8_000 && value * 8_000 - collateral < 2 * 10_000_000_000_000);
        let asked = borrow.margin(at(MarginLevel::Initial)).unwrap().requirement.0 * 10_000_000_000_000;
        // The truncated value is short by less than one, weighed by 1.2.
        prop_assert!(asked <= value * 12_000 && value * 12_000 - asked < 22_000_000_000_001);
    }
}
