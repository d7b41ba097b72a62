#[path = "../../tests/kit/mod.rs"]
mod kit;

use super::*;
use crate::report::Levels;
use crate::state::{Holding, Leg};
use crate::testing::{OptionCase, asset, inverse_perpetual, linear_perpetual, option, state};
use kit::{Coins, Flavour, Legs, Tally, book, check, flavours};
use units::OptionKind;

/// A small rule: equity of balances, gains and option values against the requirement of its legs.
fn outcome_of(state: &AccountState, leg_margin_usd: impl Fn(&Leg) -> f64) -> Outcome {
    let equity: f64 = state.balances.iter().map(Holding::value_usd).sum::<f64>()
        + state.legs.iter().map(|leg| leg.gain_usd() + leg.option_value_usd()).sum::<f64>();
    let asked = state.legs.iter().map(leg_margin_usd).sum::<f64>();
    Outcome {
        equity_usd: equity,
        counted: Levels::both(equity),
        requirement: Levels { initial: 2.0 * asked, maintenance: asked },
        unmargined: state.unmargined.clone(),
        ..Outcome::default()
    }
}

/// A flat rate on the notional.
fn flat(rate: f64) -> impl Fn(&AccountState) -> Outcome {
    move |state| outcome_of(state, |leg| leg.notional_usd() * rate)
}

/// 1 % to 100,000 USD, 2 % of what lies above it, 5 % of what lies above a million: continuous.
fn tiered(state: &AccountState) -> Outcome {
    let above = |notional: f64, floor: f64| if notional > floor { notional - floor } else { 0.0 };
    outcome_of(state, |leg| {
        let notional = leg.notional_usd();
        0.01 * notional + 0.01 * above(notional, 1e5) + 0.03 * above(notional, 1e6)
    })
}

/// 1 % of the whole notional, 2 % of the whole from 150,000 USD: a jump.
fn jumping(state: &AccountState) -> Outcome {
    outcome_of(state, |leg| {
        let notional = leg.notional_usd();
        notional * if notional < 150_000.0 { 0.01 } else { 0.02 }
    })
}

/// Short options by max(15 % - out of the money, 10 %) of the index, futures by 2 % of notional.
fn short_options(state: &AccountState) -> Outcome {
    outcome_of(state, |leg| {
        let Some(option) = leg.black76() else { return 0.02 * leg.notional_usd() };
        let short = if leg.quantity < 0.0 { -leg.quantity } else { 0.0 };
        let otm = match option.kind {
            OptionKind::Call => option.strike.get() / option.forward.get() - 1.0,
            OptionKind::Put => 1.0 - option.strike.get() / option.forward.get(),
        };
        short * leg.index_usd * (0.15 - otm.max(0.0)).max(0.10)
    })
}

/// The worst of eleven moves of each underlying, legs revalued in full.
fn scenarios(state: &AccountState) -> Outcome {
    let mut outcome = outcome_of(state, |_| 0.0);
    for underlying in state.underlyings() {
        let value = |state: &AccountState| -> f64 {
            let legs = state.legs.iter().filter(|leg| leg.contract.underlying == underlying);
            legs.map(|leg| leg.gain_usd() + leg.option_value_usd()).sum()
        };
        let losses = (-5..=5).map(|step| {
            let shocked = state.moved(&Move::of(underlying.clone(), 1.0 + 0.03 * f64::from(step)));
            value(state) - value(&shocked)
        });
        let worst = losses.fold(0.0, f64::max);
        outcome.requirement = outcome.requirement.plus(Levels::both(worst));
    }
    outcome
}

fn run(
    margin: impl Fn(&AccountState) -> Outcome,
    state: &AccountState,
    query: &LiquidationQuery,
) -> Liquidation {
    let today = margin(state);
    along(margin, state, query, &today)
}

fn sides(liquidation: Liquidation) -> (Side, Side) {
    match liquidation {
        Liquidation::Searched { down, up } => (down, up),
        other => panic!("{other:?}"),
    }
}

fn price(side: &Side) -> Crossing {
    match side {
        Side::Price(crossing) => *crossing,
        other => panic!("{other:?}"),
    }
}

fn btc() -> LiquidationQuery {
    LiquidationQuery::of(asset("BTC"))
}

/// The tick of `btc()` on an index of 100,000, plus rounding of the formula.
const NEAR_USD: f64 = 1e-9 * 100_000.0 * 1.01;

#[test]
fn linear_long_by_the_closed_form() {
    let leg = linear_perpetual("BTC", "USDT", 2.0, 90_000.0, 100_000.0);
    let state = state("v", vec![leg], &[("USDT", 30_000.0, 1.0)]);
    let (down, up) = sides(run(flat(0.01), &state, &btc()));
    // E + q (P - entry) = |q| P r  =>  P = (E - q entry) / (|q| r - q)
    let expected = (30_000.0 - 2.0 * 90_000.0) / (2.0 * 0.01 - 2.0);
    let found = price(&down);
    assert!((found.price_usd.unwrap() - expected).abs() <= NEAR_USD, "{found:?} {expected}");
    assert!((found.percent - 100.0 * (expected / 100_000.0 - 1.0)).abs() < 1e-6);
    assert_eq!(up, Side::None { to_factor: 100.0 });
}

#[test]
fn inverse_long_and_short_by_the_closed_form() {
    for side in [1.0, -1.0] {
        let leg = inverse_perpetual("BTC", side * 100_000.0, 90_000.0, 100_000.0);
        let state = state("v", vec![leg], &[("BTC", 0.4, 100_000.0)]);
        let (down, up) = sides(run(flat(0.02), &state, &btc()));
        // Coins: E + s N (1/entry - 1/P) = N r / P  =>  P = N (s + r) / (E + s N / entry)
        let expected = 100_000.0 * (side + 0.02) / (0.4 + side * 100_000.0 / 90_000.0);
        let (hit, other) = if side > 0.0 { (down, up) } else { (up, down) };
        let found = price(&hit);
        assert!((found.price_usd.unwrap() - expected).abs() <= NEAR_USD, "{found:?} {expected}");
        assert!(matches!(other, Side::None { .. }), "{other:?}");
    }
}

#[test]
fn tiers_apply_at_the_liquidation_price_not_at_today() {
    // Short 20 coins: 2 million today; requirement at P with N = 20 P above the last tier: 0.05 N - 31,000.
    let leg = linear_perpetual("BTC", "USDT", -20.0, 100_000.0, 100_000.0);
    let state = state("v", vec![leg], &[("USDT", 500_000.0, 1.0)]);
    let (_, up) = sides(run(tiered, &state, &btc()));
    let expected = (500_000.0 + 2_000_000.0 + 31_000.0) / (20.0 * 1.05);
    assert!((price(&up).price_usd.unwrap() - expected).abs() <= NEAR_USD);
    // Margin of a jump: the account falls where its notional reaches 150,000, not at a root of the surplus.
    let leg = linear_perpetual("BTC", "USDT", -1.0, 100_000.0, 100_000.0);
    let state = crate::testing::state("v", vec![leg], &[("USDT", 52_000.0, 1.0)]);
    let found = price(&sides(run(jumping, &state, &btc())).1);
    assert!((found.price_usd.unwrap() - 150_000.0).abs() <= NEAR_USD);
    assert!(found.safe_surplus_usd > 400.0 && found.surplus_usd < -900.0, "{found:?}");
}

#[test]
fn a_short_strangle_has_two_prices_and_a_covered_call_may_have_none() {
    let case = |quantity, strike, kind| OptionCase {
        quantity,
        strike,
        kind,
        days: 30,
        vol: 0.6,
        forward: 100_000.0,
        index: 100_000.0,
    };
    let legs = vec![
        option("BTC", Some("USDC"), case(-1.0, 80_000, OptionKind::Put)),
        option("BTC", Some("USDC"), case(-1.0, 120_000, OptionKind::Call)),
    ];
    let strangle = state("v", legs, &[("USDC", 60_000.0, 1.0)]);
    let (down, up) = sides(run(short_options, &strangle, &btc()));
    assert!(price(&down).factor < 0.8 && price(&up).factor > 1.2, "{down:?} {up:?}");
    // The given vol counts, the account's own stands in: strikes are 20 % away, so it has none at the money.
    assert_eq!(price(&down).daily_sigmas, None);
    let query = LiquidationQuery { vol: Some(Vol::new(0.365).unwrap()), ..btc() };
    let down = price(&sides(run(short_options, &strangle, &query)).0);
    let daily = 0.365 / 365.0f64.sqrt();
    assert!((down.daily_sigmas.unwrap() - (1.0 - down.factor) / daily).abs() < 1e-9);
    // One coin, one inverse call sold: upward the call costs less than the coin gains.
    let legs = vec![option("BTC", None, case(-1.0, 120_000, OptionKind::Call))];
    let covered = state("v", legs, &[("BTC", 1.2, 100_000.0)]);
    let (down, up) = sides(run(short_options, &covered, &btc()));
    assert!(matches!((down, up), (Side::None { .. }, Side::None { .. })));
}

#[test]
fn sigmas_come_from_the_option_nearest_to_the_money() {
    let case = OptionCase {
        quantity: 1.0,
        strike: 101_000,
        kind: OptionKind::Call,
        days: 7,
        vol: 0.5,
        forward: 100_000.0,
        index: 100_000.0,
    };
    let legs = vec![
        option("BTC", Some("USDC"), OptionCase { strike: 109_000, vol: 0.9, ..case }),
        option("BTC", Some("USDC"), case),
        linear_perpetual("BTC", "USDC", 1.0, 100_000.0, 100_000.0),
    ];
    let state = state("v", legs, &[("USDC", 20_000.0, 1.0)]);
    let found = price(&sides(run(short_options, &state, &btc())).0);
    let daily = 0.5 / 365.0f64.sqrt();
    assert!((found.daily_sigmas.unwrap() - (1.0 - found.factor) / daily).abs() < 1e-9, "{found:?}");
}

#[test]
fn correlated_legs_move_by_their_betas() {
    let legs = vec![
        linear_perpetual("BTC", "USDT", 1.0, 100_000.0, 100_000.0),
        linear_perpetual("ETH", "USDT", 20.0, 3_000.0, 3_000.0),
    ];
    let state = state("v", legs, &[("USDT", 40_000.0, 1.0)]);
    let path = Path { betas: BTreeMap::from([(asset("ETH"), 1.5)]), ..Path::alone(asset("BTC")) };
    let query = LiquidationQuery { path, ..btc() };
    // 40,000 + (100,000 + 1.5 x 60,000)(x - 1) = 0.01 (100,000 x + 60,000 (1 + 1.5 (x - 1)))
    let expected = (190_000.0 - 40_000.0 - 300.0) / (190_000.0 - 1_000.0 - 900.0);
    let found = price(&sides(run(flat(0.01), &state, &query)).0);
    assert!((found.factor - expected).abs() <= 1.01e-9, "{found:?} {expected}");
    // The same through the beta of coins that are not named.
    let path = Path { beta_of_other_coins: 1.5, ..Path::alone(asset("BTC")) };
    let other = price(&sides(run(flat(0.01), &state, &LiquidationQuery { path, ..btc() })).0);
    assert_eq!(other, found);
    // Led by a coin that the account does not hold: a factor, no price.
    let path = Path { beta_of_other_coins: 1.0, ..Path::alone(asset("SOL")) };
    let led = price(&sides(run(flat(0.01), &state, &LiquidationQuery { path, ..btc() })).0);
    assert_eq!(led.price_usd, None);
    assert!((led.factor - (160_000.0 - 40_000.0) / (160_000.0 * 0.99)).abs() <= 1.01e-9);
}

#[test]
fn no_dependence_and_already_are_answers() {
    let leg = || linear_perpetual("BTC", "USDT", 1.0, 100_000.0, 100_000.0);
    let poor = state("v", vec![leg()], &[("USDT", 999.0, 1.0)]);
    assert_eq!(run(flat(0.01), &poor, &btc()), Liquidation::Already);
    let query = LiquidationQuery::of(asset("ETH"));
    assert!(matches!(run(flat(0.01), &poor, &query), Liquidation::Undefined { .. }));
    let exact = state("v", vec![leg()], &[("USDT", 1_000.0, 1.0)]);
    let found = price(&sides(run(flat(0.01), &exact, &btc())).0);
    assert!(found.percent < 0.0 && found.percent >= -1.01e-7, "zero surplus stands: {found:?}");
}

#[test]
fn a_tick_in_usd_bounds_the_bracket() {
    let leg = linear_perpetual("BTC", "USDT", 2.0, 90_000.0, 100_000.0);
    let state = state("v", vec![leg], &[("USDT", 30_000.0, 1.0)]);
    let query = LiquidationQuery { tick: Tick::Usd(0.5), ..btc() };
    let found = price(&sides(run(flat(0.01), &state, &query)).0);
    assert!(100_000.0 * (found.safe_factor - found.factor) <= 0.5 && found.safe_surplus_usd >= 0.0);
}

#[test]
fn a_narrow_dip_below_zero_is_found() {
    // A V of one kink between two nodes: 1,000 (|x - x0| - w) for floors of a tenth of the mesh.
    let leg = linear_perpetual("BTC", "USDT", 1.0, 100_000.0, 100_000.0);
    let state = state("v", vec![leg], &[]);
    for centre in [0.9995, 0.97, 0.9437, 0.5131, 0.02] {
        let mesh = search::nodes(Direction::Down, &[]);
        let above = mesh.iter().map(|node| Direction::Down.factor(*node)).find(|x| *x < centre).unwrap();
        let half_width = 0.1 * (centre - above);
        let dip = |state: &AccountState| {
            let x = state.legs[0].index_usd / 100_000.0;
            let surplus = 1_000.0 * ((x - centre).abs() - half_width);
            Outcome { counted: Levels::both(surplus), ..Outcome::default() }
        };
        let found = price(&sides(run(dip, &state, &btc())).0);
        let edge = centre + half_width;
        assert!((found.factor - edge).abs() <= 1.01e-9, "{centre}: {found:?}");
    }
}

#[test]
fn of_three_crossings_inside_one_step_the_nearest_is_taken() {
    let leg = linear_perpetual("BTC", "USDT", 1.0, 100_000.0, 100_000.0);
    let state = state("v", vec![leg], &[]);
    let mesh = search::nodes(Direction::Up, &[]);
    let step = mesh.windows(2).find(|pair| pair[0] > 0.5).unwrap();
    let (from, to) = (Direction::Up.factor(step[0]), Direction::Up.factor(step[1]));
    let at = |share: f64| from + share * (to - from);
    // Halving looks at the middle first, where the account stands.
    let pockets = |state: &AccountState| {
        let x = state.legs[0].index_usd / 100_000.0;
        let safe = x < at(0.2) || (x > at(0.45) && x < at(0.7));
        Outcome { counted: Levels::both(if safe { 1.0 } else { -1.0 }), ..Outcome::default() }
    };
    let found = price(&sides(run(pockets, &state, &btc())).1);
    assert!((found.factor - at(0.2)).abs() <= 1.01e-9, "{found:?}");
}

#[test]
fn where_the_model_ends_the_answer_says_so() {
    let leg = linear_perpetual("BTC", "USDT", 1.0, 100_000.0, 100_000.0);
    let state = state("v", vec![leg], &[("USDT", 90_000.0, 1.0)]);
    let ends = |state: &AccountState| {
        let mut outcome = flat(0.01)(state);
        if state.legs[0].index_usd < 50_000.0 {
            let symbol = state.legs[0].symbol.clone();
            outcome.unmargined.push(Unmargined { symbol, reason: "below the table".into() });
        }
        outcome
    };
    let (down, _) = sides(run(ends, &state, &btc()));
    let Side::Unknown { to_factor, reason } = down else { panic!("{down:?}") };
    assert!(
        (0.5..0.51).contains(&to_factor) && reason.contains("BTC-PERP is not covered: below"),
        "{reason}"
    );
    assert!(shortfall_usd(ends, &state, &btc().path, 0.4).unwrap_err().contains("below the table"));
}

#[test]
fn collateral_to_add_moves_the_price_to_the_target() {
    let leg = linear_perpetual("BTC", "USDT", 2.0, 100_000.0, 100_000.0);
    let with = |cash: f64| state("v", vec![leg.clone()], &[("USDT", cash, 1.0)]);
    let add = shortfall_usd(flat(0.01), &with(30_000.0), &btc().path, 0.6).unwrap();
    // Loss of 2 x 40,000 and 1 % of 120,000 against 30,000.
    assert!((add - (80_000.0 + 1_200.0 - 30_000.0)).abs() < 1e-9, "{add}");
    let found = price(&sides(run(flat(0.01), &with(30_000.0 + add), &btc())).0);
    assert!((found.factor - 0.6).abs() <= 1.01e-9);
    assert_eq!(shortfall_usd(flat(0.01), &with(30_000.0), &btc().path, 0.9), Ok(0.0));
    assert!(shortfall_usd(flat(0.01), &with(30_000.0), &btc().path, 0.0).is_err());
}

type Rule = fn(&AccountState) -> Outcome;

/// Every rule of this file against the brute-force twin.
fn twin(seeds: std::ops::Range<u64>) {
    let venue = Venue::new("v").unwrap();
    let joint = Path { beta_of_other_coins: 1.3, ..Path::alone(asset("BTC")) };
    let rules: [(&str, Rule); 4] = [
        ("tiered", tiered),
        ("jumping", jumping),
        ("short options", short_options),
        ("scenarios", scenarios),
    ];
    let kinds = flavours();
    for (name, margin) in rules {
        let mut tally = Tally::default();
        for seed in seeds.clone() {
            let flavour = kinds[usize::try_from(seed).unwrap() % kinds.len()];
            let state = book(&venue, flavour, seed);
            let lead =
                if seed % 3 == 0 { joint.clone() } else { Path::alone(state.underlyings()[0].clone()) };
            let query = LiquidationQuery { path: lead, ..btc() };
            let today = margin(&state);
            let report = LiquidationReport {
                account: state.account.clone(),
                venue: state.venue.clone(),
                rulebook: name.into(),
                lead: query.path.lead.clone(),
                index_usd: query.path.index_usd(&state),
                surplus_usd: today.surplus().maintenance,
                liquidation: along(margin, &state, &query, &today),
                unmargined: Vec::new(),
            };
            let surplus = |x: f64| margin(&state.moved(&query.path.at(x))).surplus().maintenance;
            match check(&report, &query, surplus) {
                Ok(one) => tally = tally.plus(one),
                Err(fault) => panic!("{name}, {flavour:?}, {}: {fault}", state.account),
            }
        }
        println!("{name}: {tally:?}");
        // A run without prices, or of nothing but prices, would prove little.
        let books = u32::try_from(seeds.end - seeds.start).unwrap();
        assert!(tally.prices > books / 4 && tally.none > books / 20, "{name}: {tally:?}");
    }
}

#[test]
fn random_books_have_no_nearer_crossing() {
    twin(0..100);
}

#[test]
#[ignore = "ten thousand books a rule: minutes"]
fn full_random_books_have_no_nearer_crossing() {
    twin(0..10_000);
}

#[test]
fn flavours_are_what_they_say() {
    let venue = Venue::new("v").unwrap();
    let inverse = Flavour { currency: None, legs: Legs::Perpetuals, coins: Coins::BtcAndEth };
    let one = book(&venue, inverse, 3);
    assert!(one.legs.iter().all(|leg| leg.is_inverse() && !leg.is_option()));
    assert_eq!(one, book(&venue, inverse, 3));
}
