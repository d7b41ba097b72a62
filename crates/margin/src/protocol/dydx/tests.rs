//! Each rule of the chain with the rule written out, the account model, and properties.

use super::*;
use crate::protocol::exact::Fraction;
use crate::rulebook::Rulebook;
use crate::state::{AccountState, Leg};
use crate::testing;
use num_bigint::BigInt;
use proptest::prelude::*;

const FILE: &str = include_str!("../../../../../rulebooks/dydx-v4.toml");
const BTC: PerpetualId = PerpetualId(0);
const ETH: PerpetualId = PerpetualId(1);

fn quote(quantums: i64) -> QuoteQuantums {
    QuoteQuantums(BigInt::from(quantums))
}

fn base(quantums: i64) -> BaseQuantums {
    BaseQuantums(BigInt::from(quantums))
}

fn tier(initial_margin: u32, maintenance_fraction: u32) -> LiquidityTier {
    LiquidityTier {
        initial_margin: Ppm(initial_margin),
        maintenance_fraction: Ppm(maintenance_fraction),
        open_interest_lower_cap: quote(0),
        open_interest_upper_cap: quote(0),
    }
}

/// A base quantum is worth `price` quote quantums.
fn perpetual(price: i64, tier: LiquidityTier) -> Perpetual {
    Perpetual {
        atomic_resolution: -8,
        price: BigInt::from(price),
        exponent: 2,
        funding_index: FundingIndex::default(),
        open_interest: base(0),
        tier,
    }
}

fn holding(usdc: i64, positions: &[(PerpetualId, i64)]) -> Subaccount {
    let mut account = Subaccount::with_usdc(quote(usdc));
    for (id, size) in positions {
        let position = Position { quantums: base(*size), funding_index: FundingIndex::default() };
        account.positions.insert(*id, position);
    }
    account
}

fn two_markets() -> Perpetuals {
    Perpetuals::from([
        (BTC, perpetual(500, tier(200_000, 500_000))),
        (ETH, perpetual(30, tier(100_000, 600_000))),
    ])
}

#[test]
fn requirements_round_up_at_each_step() {
    // 7 x 123457 ppm = 0.864199, up to 1; the maintenance half of that, 0.5, up to 1 again.
    let tier = tier(123_457, 500_000);
    let parts = Notional { position: quote(-7), open_interest: quote(0) };
    assert_eq!(tier.initial(&parts).unwrap(), quote(1));
    assert_eq!(tier.maintenance(&parts.position), quote(1));
    // In ppm it is floored: 123457 x 0.5 = 61728.5.
    assert_eq!(tier.maintenance_margin().unwrap(), Ppm(61_728));
    // 6 x (123457 - 61728).
    assert_eq!(tier.funding_clamp(Ppm(6_000_000)).unwrap(), Ppm(6 * 61_729));
}

#[test]
fn open_interest_raises_the_initial_margin_between_its_caps_and_never_the_maintenance() {
    let mut market = perpetual(500, tier(200_000, 500_000));
    market.tier.open_interest_lower_cap = quote(1_000_000);
    market.tier.open_interest_upper_cap = quote(4_000_000);
    let at = |open: i64| market.tier.initial_margin_at(&quote(open)).unwrap();
    assert_eq!([at(0), at(1_000_000)], [Ppm(200_000); 2]);
    // Base + (1 - base) x 1/3, floored: 200000 + 266666.
    assert_eq!(at(2_000_000), Ppm(466_666));
    assert_eq!([at(4_000_000), at(i64::MAX)], [Ppm::ONE; 2]);
    let quiet = market.risk(&base(100), BTC).unwrap();
    market.open_interest = base(8_000);
    let crowded = market.risk(&base(100), BTC).unwrap();
    assert_eq!((quiet.initial, crowded.initial), (quote(10_000), quote(50_000)));
    assert_eq!(quiet.maintenance, crowded.maintenance);
}

#[test]
fn notionals_and_funding_are_floored() {
    // A base quantum is worth 0.03 quote quantums.
    let mut market = perpetual(3, tier(200_000, 500_000));
    market.exponent = 0;
    assert_eq!(market.notional(&base(50), BTC).unwrap(), quote(1));
    assert_eq!(market.notional(&base(-50), BTC).unwrap(), quote(-2));
    // Funding of 1.5 million base quantums at an index of one: 1.5 paid or received, down to -2 and 1.
    market.funding_index = FundingIndex(BigInt::from(1));
    market.price = BigInt::default();
    let markets = Perpetuals::from([(BTC, market)]);
    for (size, funding) in [(1_500_000, -2), (-1_500_000, 1)] {
        assert_eq!(holding(0, &[(BTC, size)]).risk(&markets).unwrap().net_collateral, quote(funding));
    }
}

#[test]
fn liquidation_needs_a_requirement_that_is_not_met() {
    let markets = two_markets();
    // 100 x 500 = 50000 of notional, of which 0.2 x 0.5 is asked: 5000.
    let at = |usdc: i64| holding(usdc, &[(BTC, 100)]).risk(&markets).unwrap();
    assert_eq!(at(-45_000).maintenance, at(-45_000).net_collateral);
    assert!(!at(-45_000).is_liquidatable());
    assert!(at(-45_001).is_liquidatable());
    assert!(!holding(-1, &[]).risk(&markets).unwrap().is_liquidatable());
}

#[test]
fn closing_prices_follow_their_formulas() {
    let markets = two_markets();
    let account = holding(-49_500, &[(BTC, 100), (ETH, -10)]);
    // NC = 50000 - 300 - 49500 = 200; MMR = 5000 + ceil(300 x 0.1 x 0.6) = 5018.
    let risk = account.risk(&markets).unwrap();
    assert_eq!((risk.net_collateral, risk.maintenance), (quote(200), quote(5_018)));
    let closing = Closing { perpetual: BTC, delta: base(-50) };
    // -(-25000) - floor(200 x 2500 / 5018) = 25000 - 99.
    assert_eq!(account.bankruptcy_price(&closing, &markets).unwrap(), quote(24_901));
    let config =
        FillablePriceConfig { bankruptcy_adjustment: Ppm(1_000_000), spread_to_maintenance: Ppm(1_500_000) };
    // (50000 - (1 - 200/5018) x 1.5 x 5000) / 100.
    let lost = Fraction::whole(4_818).per(5_018).unwrap();
    let expected = Fraction::whole(50_000).minus(&lost.by(7_500)).per(100).unwrap();
    assert_eq!(account.fillable_price(&closing, &markets, config).unwrap(), expected);
    let fill = |subticks| Fill {
        perpetual: BTC,
        side: Side::Sell,
        amount: base(50),
        subticks,
        quantum_conversion_exponent: -1,
        max_fee: Ppm(10_001),
    };
    let delta = |subticks| account.insurance_fund_delta(&fill(subticks), &markets).unwrap();
    // Received 24900, one less than the bankruptcy price: the fund pays it. At 25000 it gets all of 99.
    assert_eq!([delta(4_980), delta(5_000)], [quote(-1), quote(99)]);
    // At 26000 it gets the fee, ceil(26000 x 0.010001) = 261.
    assert_eq!(delta(5_200), quote(261));
}

#[test]
fn what_cannot_be_is_an_error_that_names_it() {
    let markets = two_markets();
    let account = holding(0, &[(BTC, 100)]);
    let unknown = PerpetualId(9);
    let update = Update { usdc: quote(0), perpetuals: vec![(unknown, base(1))] };
    assert_eq!(account.updated(&update, &markets), Err(DydxError::UnknownPerpetual(unknown)));
    assert_eq!(holding(0, &[(unknown, 1)]).risk(&markets), Err(DydxError::UnknownPerpetual(unknown)));
    let mut other = account.clone();
    other.assets.insert(AssetId(1), BigInt::from(1));
    assert_eq!(other.risk(&markets), Err(DydxError::NotCollateral(AssetId(1))));
    for delta in [0, 1, -101] {
        let closing = Closing { perpetual: BTC, delta: base(delta) };
        let error = account.bankruptcy_price(&closing, &markets).unwrap_err();
        assert!(error.to_string().contains("do not close a position of 100"), "{error}");
    }
    let mut odd = perpetual(1, tier(1, 1));
    odd.exponent = i32::MAX;
    let error = odd.notional(&base(1), BTC).unwrap_err();
    assert!(matches!(error, DydxError::Scale { .. }), "{error}");
    let free = Perpetuals::from([(BTC, perpetual(500, tier(0, 0)))]);
    let closing = Closing { perpetual: BTC, delta: base(-1) };
    assert_eq!(account.bankruptcy_price(&closing, &free), Err(DydxError::NoMaintenance));
    let large = LiquidityTier { initial_margin: Ppm(u32::MAX), ..tier(0, 2_000_000) };
    assert_eq!(large.maintenance_margin(), Err(DydxError::PpmOverflow("maintenance margin")));
    // Beyond 64 bits there is no end: -(2^64 - 1) - 1.
    let deep = Subaccount::with_usdc(QuoteQuantums(-BigInt::from(u64::MAX)));
    let deeper = Update { usdc: quote(-1), perpetuals: Vec::new() };
    let risk = deep.updated(&deeper, &markets).unwrap().risk(&markets).unwrap();
    assert_eq!(risk.net_collateral.0, -(BigInt::from(1) << 64_u32));
}

fn rulebook() -> Rulebook {
    Rulebook::parse("dydx-v4.toml", FILE).unwrap()
}

fn state(legs: Vec<Leg>, usdc: f64) -> AccountState {
    testing::state("dydx", legs, &[("USDC", usdc, 1.0)])
}

#[test]
fn an_account_is_margined_at_the_oracle_and_stated_in_usd() {
    let mut long = testing::linear_perpetual("BTC", "USDC", 0.1, 40_000.0, 50_000.0);
    long.mark = crate::state::Mark::Perpetual { price: units::Forward::new(60_000.0).unwrap() };
    let short = testing::linear_perpetual("SOL", "USDC", -20.0, 150.0, 100.0);
    let outcome = rulebook().outcome(&state(vec![long, short], 1_000.0));
    // 0.1 x (50000 - 40000) + 20 x (150 - 100), the mark of 60000 has no say.
    assert_eq!(outcome.equity_usd.to_bits(), 3_000.0_f64.to_bits());
    assert_eq!(outcome.counted, crate::report::Levels::both(3_000.0));
    // BTC 5000 x 2 % and 60 % of it; SOL 2000 x 5 % and 60 % of it.
    let levels = |initial, maintenance| crate::report::Levels { initial, maintenance };
    assert_eq!(outcome.requirement, levels(200.0, 120.0));
    let units: Vec<_> = outcome.units.iter().map(|u| (u.name.as_str(), u.requirement)).collect();
    assert_eq!(units, [("BTC", levels(100.0, 60.0)), ("SOL", levels(100.0, 60.0))]);
    assert!(outcome.unmargined.is_empty() && outcome.notes.is_empty(), "{outcome:?}");
}

#[test]
fn an_unknown_entry_leaves_the_gain_in_the_balance() {
    let mut leg = testing::linear_perpetual("BTC", "USDC", 0.1, 1.0, 50_000.0);
    leg.entry_value = None;
    let outcome = rulebook().outcome(&state(vec![leg], 1_000.0));
    assert_eq!(outcome.counted, crate::report::Levels::both(1_000.0));
    assert_eq!(outcome.equity_usd.to_bits(), 1_000.0_f64.to_bits());
}

#[test]
fn what_was_paid_is_rounded_up() {
    let mut leg = testing::linear_perpetual("BTC", "USDC", 1.0, 50_000.0, 50_000.0);
    leg.entry_value = Some(50_000.000_000_5);
    let outcome = rulebook().outcome(&state(vec![leg], 0.0));
    assert_eq!(outcome.counted, crate::report::Levels::both(-1e-6));
}

#[test]
fn what_is_not_covered_is_listed_with_how_to_mend_it() {
    let option = testing::OptionCase {
        quantity: 1.0,
        strike: 50_000,
        kind: units::OptionKind::Call,
        days: 30,
        vol: 0.5,
        forward: 50_000.0,
        index: 50_000.0,
    };
    let legs = vec![
        testing::linear_perpetual("WIF", "USDC", 1.0, 1.0, 1.0),
        testing::linear_perpetual("BTC", "USDT", 1.0, 50_000.0, 50_000.0),
        testing::inverse_perpetual("BTC", 1.0, 50_000.0, 50_000.0),
        testing::option("BTC", Some("USDC"), option),
    ];
    let mut account = testing::state("dydx", legs, &[("BTC", 1.0, 50_000.0), ("USDC", 5.0, 1.0)]);
    account.legs.push(testing::linear_perpetual("ETH", "USDC", f64::INFINITY, 1.0, 1.0));
    let outcome = rulebook().outcome(&account);
    assert_eq!(outcome.counted, crate::report::Levels::both(5.0));
    let reasons: Vec<_> = outcome.unmargined.iter().map(|u| u.reason.as_str()).collect();
    let parts = [
        "USDC as collateral",
        "add a section [markets.WIF]",
        "perpetuals paid in USDC",
        "perpetuals paid in USDC",
        "perpetuals paid in USDC",
        "beyond what the model can state",
    ];
    assert_eq!(reasons.len(), parts.len(), "{reasons:?}");
    for (reason, part) in reasons.iter().zip(parts) {
        assert!(reason.contains(part), "{reason} should say {part}");
    }
}

#[test]
fn isolated_markets_and_a_depeg_are_noted() {
    let text = FILE.replacen("pool = \"cross\"", "pool = \"isolated\"", 1);
    let isolated = Rulebook::parse("dydx-v4.toml", &text).unwrap();
    let mut account = state(vec![testing::linear_perpetual("BTC", "USDC", 1.0, 50_000.0, 50_000.0)], 5_000.0);
    account.balances[0].price_usd = 0.9;
    account.legs[0].settlement_usd = 0.9;
    let outcome = isolated.outcome(&account);
    assert_eq!(outcome.notes.len(), 2, "{:?}", outcome.notes);
    assert!(outcome.notes[0].contains("BTC is an isolated market"), "{:?}", outcome.notes);
    assert!(outcome.notes[1].contains("counts one USDC as one USD"), "{:?}", outcome.notes);
    // The chain does not see the depeg, the owner does.
    assert_eq!(outcome.counted, crate::report::Levels::both(5_000.0));
    assert_eq!(outcome.equity_usd.to_bits(), 4_500.0_f64.to_bits());
}

#[test]
fn open_interest_of_the_rulebook_raises_the_requirement() {
    let text = FILE.replace("[markets.SOL]", "[markets.SOL]\nopen_interest_coins = 700_000.0");
    let crowded = Rulebook::parse("dydx-v4.toml", &text).unwrap();
    let account = state(vec![testing::linear_perpetual("SOL", "USDC", 10.0, 100.0, 100.0)], 5_000.0);
    // 70 million is half way from 40 to 100: 0.05 + 0.95 / 2 of 1000.
    assert_eq!(crowded.outcome(&account).requirement.initial.to_bits(), 525.0_f64.to_bits());
    assert_eq!(crowded.outcome(&account).requirement.maintenance.to_bits(), 30.0_f64.to_bits());
}

#[test]
fn all_mistakes_of_a_file_are_told_at_once() {
    let text = FILE
        .replacen("maintenance_fraction_ppm = 600_000", "maintenance_fraction_ppm = 1_000_001", 1)
        .replacen("open_interest_lower_cap_usd = 20_000_000", "open_interest_lower_cap_usd = 60_000_000", 1)
        .replacen("initial_margin_ppm = 1_000_000", "initial_margin_ppm = -1", 1)
        .replacen("atomic_resolution = -9", "atomic_resolution = -90", 1)
        .replacen("liquidity_tier = \"mid\"", "liquidity_tier = \"middle\"", 1)
        .replacen("pool = \"cross\"", "pool = \"cross\"\nmaximum_leverage = 20", 1);
    let found: Vec<String> =
        Rulebook::parse("d.toml", &text).unwrap_err().kept().iter().map(ToString::to_string).collect();
    let named = [
        ("liquidity_tiers.large.maintenance_fraction_ppm", "1000000 is 100 %"),
        ("liquidity_tiers.safety.initial_margin_ppm", "parts per million"),
        (
            "liquidity_tiers.small.open_interest_lower_cap_usd",
            "must not be above open_interest_upper_cap_usd",
        ),
        ("markets.BTC.maximum_leverage", "is not a parameter"),
        ("markets.ETH.atomic_resolution", "from -20 to 20"),
        ("markets.SOL.liquidity_tier", "must name a section of [liquidity_tiers]"),
    ];
    for (key, rule) in named {
        assert!(found.iter().any(|m| m.contains(key) && m.contains(rule)), "{key} {rule}: {found:?}");
    }
    // The large tier is at fault, so its markets cannot name it either.
    assert_eq!(found.len(), named.len() + 2, "{found:?}");
}

/// Half of the smallest size would round to nothing, and leave what was paid for it as a loss.
#[test]
fn a_size_that_the_chain_cannot_hold_is_not_margined() {
    let held = |coins| {
        rulebook().outcome(&state(vec![testing::linear_perpetual("BTC", "USDC", coins, 9e4, 9e4)], 500.0))
    };
    let dust = held(0.4e-10);
    assert_eq!(
        (dust.counted, dust.requirement),
        (crate::report::Levels::both(500.0), crate::report::Levels::default())
    );
    assert!(dust.unmargined[0].reason.contains("smallest size, 1e-10"), "{:?}", dust.unmargined);
    // More digits than the chain has, in a position of a size: the digits beyond are dropped.
    assert!(held(0.123_456_789_012).unmargined.is_empty());
}

fn sizes() -> impl Strategy<Value = i64> {
    -1_000_000_000_i64..1_000_000_000
}

proptest! {
    #[test]
    fn collateral_never_raises_a_requirement(usdc: i32, more in 0..i64::from(i32::MAX), size in sizes(), other in sizes()) {
        let markets = two_markets();
        let before = holding(i64::from(usdc), &[(BTC, size), (ETH, other)]).risk(&markets).unwrap();
        let after = holding(i64::from(usdc) + more, &[(BTC, size), (ETH, other)]).risk(&markets).unwrap();
        prop_assert_eq!(&after.initial, &before.initial);
        prop_assert_eq!(&after.maintenance, &before.maintenance);
        prop_assert_eq!(after.net_collateral.0, before.net_collateral.0 + more);
    }

    #[test]
    fn rounding_is_against_the_account(
        price in 1..100_000_i64, size in sizes(), margin in 0..=1_000_000_u32, part in 0..=1_000_000_u32,
    ) {
        let mut market = perpetual(price, tier(margin, part));
        // A base quantum is worth price x 10^-5 quote quantums, so that notionals are not whole.
        market.exponent = -3;
        let risk = market.risk(&base(size), BTC).unwrap();
        let exact = Fraction::whole(size).by(price).per(100_000).unwrap();
        prop_assert!(Fraction::whole(risk.net_collateral.0.clone()) <= exact);
        let notional = Fraction::whole(risk.net_collateral.0.magnitude().clone());
        let share = |ppm: u32| Fraction::whole(ppm).per(1_000_000).unwrap();
        prop_assert!(Fraction::whole(risk.initial.0) >= notional.times(&share(margin)));
        prop_assert!(Fraction::whole(risk.maintenance.0) >= notional.times(&share(margin)).times(&share(part)));
    }

    #[test]
    fn splitting_a_trade_changes_nothing(usdc: i32, first in sizes(), second in sizes()) {
        let markets = two_markets();
        let account = holding(i64::from(usdc), &[(ETH, 7)]);
        let change = |parts: &[i64]| {
            let perpetuals = parts.iter().map(|part| (BTC, base(*part))).collect();
            account.updated(&Update { usdc: quote(0), perpetuals }, &markets).unwrap().risk(&markets).unwrap()
        };
        prop_assert_eq!(change(&[first, second]), change(&[first + second]));
    }

    #[test]
    fn maintenance_is_at_most_initial(size in sizes(), margin in 0..=1_000_000_u32, part in 0..=1_000_000_u32) {
        let risk = perpetual(17, tier(margin, part)).risk(&base(size), BTC).unwrap();
        prop_assert!(risk.maintenance <= risk.initial);
    }

    /// The model agrees with the engine's rule in f64: no unit is lost on the way in or out.
    #[test]
    fn the_model_is_the_formula(coins in -1_000_000_i64..1_000_000, cents in 1..10_000_000_i64, usdc in -1_000_000_i64..1_000_000) {
        #[allow(clippy::cast_precision_loss)]
        let (coins, price, usdc) = (coins as f64 / 1000.0, cents as f64 / 100.0, usdc as f64);
        let outcome = rulebook().outcome(&state(vec![testing::linear_perpetual("BTC", "USDC", coins, 100.0, price)], usdc));
        let notional = coins * price;
        // One quote quantum, and the rounding of f64 in the expected value.
        let close = |ours: f64, theirs: f64| (ours - theirs).abs() <= 2e-6 + 1e-14 * notional.abs();
        prop_assert!(close(outcome.counted.initial, usdc + notional - coins * 100.0));
        prop_assert!(close(outcome.requirement.initial, notional.abs() * 0.02));
        prop_assert!(close(outcome.requirement.maintenance, notional.abs() * 0.012));
    }
}
