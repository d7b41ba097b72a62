//! What must hold for every book and every venue.

use super::{rulebook, sold};
use crate::report::{Levels, Outcome};
use crate::rulebook::Rulebook;
use crate::state::Leg;
use crate::testing::{OptionCase, inverse_perpetual, linear_perpetual, option, state};
use proptest::prelude::*;
use units::OptionKind;

const ALL: [&str; 6] =
    ["deribit-sm", "deribit-xsm", "okx-options", "bybit-options", "binance-options", "bit-com-options"];

/// Requirements are sums of products of the same numbers in another order or scale: a few ulp of their size.
const REORDERED: f64 = 1e-12;

fn kinds() -> impl Strategy<Value = OptionKind> {
    prop_oneof![Just(OptionKind::Call), Just(OptionKind::Put)]
}

prop_compose! {
    fn cases()(
        quantity in -50.0..50.0f64,
        strike in 1_000u32..400_000,
        kind in kinds(),
        days in 1u32..400,
        vol in 0.05..3.0f64,
        forward in 60_000.0..140_000.0f64,
        basis in 0.95..1.05f64,
    ) -> OptionCase {
        OptionCase { quantity, strike, kind, days, vol, forward, index: forward * basis }
    }
}

prop_compose! {
    fn options()(case in cases(), inverse in any::<bool>(), entry in proptest::option::of(0.1..3.0f64)) -> Leg {
        let mut leg = option("BTC", if inverse { None } else { Some("USDC") }, case);
        let price = leg.option_price() / if inverse { case.forward } else { 1.0 };
        leg.entry_value = entry.map(|factor| case.quantity * factor * price);
        leg
    }
}

prop_compose! {
    fn books()(
        legs in prop::collection::vec(options(), 0..6),
        linear in -500.0..500.0f64,
        inverse in -1e7..1e7f64,
        entry in 60_000.0..140_000.0f64,
    ) -> Vec<Leg> {
        let mut all = legs;
        all.push(linear_perpetual("BTC", "USDC", linear, entry, 100_000.0));
        all.push(inverse_perpetual("BTC", inverse, entry, 100_000.0));
        all
    }
}

fn outcome(book: &Rulebook, legs: &[Leg], btc: f64, usdc: f64) -> Outcome {
    book.outcome(&state("venue", legs.to_vec(), &[("BTC", btc, 1e5), ("USDC", usdc, 1.0)]))
}

fn near(ours: Levels, rule: Levels) -> bool {
    let one = |ours: f64, rule: f64| (ours - rule).abs() <= REORDERED * (1.0 + rule.abs());
    one(ours.initial, rule.initial) && one(ours.maintenance, rule.maintenance)
}

/// Out of the money on both sides of index and forward, from this strike to one nearer.
fn nearer(kind: OptionKind) -> [u32; 2] {
    match kind {
        OptionKind::Call => [150_000, 101_000],
        OptionKind::Put => [60_000, 99_000],
    }
}

proptest! {
    #[test]
    fn more_collateral_asks_no_more_and_leaves_no_less(
        legs in books(), btc in -10.0..50.0f64, usdc in -1e6..1e7f64, more in 0.0..1e6f64,
    ) {
        for id in ALL {
            let book = rulebook(id);
            let before = outcome(&book, &legs, btc, usdc);
            let after = outcome(&book, &legs, btc, usdc + more);
            prop_assert_eq!(before.requirement, after.requirement, "{}", id);
            let gained = after.surplus().minus(before.surplus());
            // Surpluses are differences of sums up to 1e8.
            prop_assert!(gained.initial >= -1e-6 && gained.maintenance >= -1e-6, "{id}: {gained:?}");
        }
    }

    #[test]
    fn requirements_of_options_grow_with_their_size(
        legs in prop::collection::vec(options(), 1..6), factor in 0.01..100.0f64,
    ) {
        let scaled: Vec<Leg> = legs.iter().map(|leg| Leg {
            quantity: leg.quantity * factor,
            entry_value: leg.entry_value.map(|value| value * factor),
            ..leg.clone()
        }).collect();
        for id in ALL {
            let book = rulebook(id);
            let one = outcome(&book, &legs, 0.0, 0.0).requirement;
            let many = outcome(&book, &scaled, 0.0, 0.0).requirement;
            prop_assert!(near(many, one.times(factor)), "{id}: {many:?} {one:?}");
        }
    }

    #[test]
    fn splitting_an_option_position_changes_nothing(
        legs in prop::collection::vec(options(), 1..6), share in 0.0..1.0f64,
    ) {
        let part = |leg: &Leg, share: f64| Leg {
            quantity: leg.quantity * share,
            entry_value: leg.entry_value.map(|value| value * share),
            ..leg.clone()
        };
        let split: Vec<Leg> = legs.iter().flat_map(|leg| [part(leg, share), part(leg, 1.0 - share)]).collect();
        // The tier of all coins sold does not see the split either.
        let tiers = "tiers = [{ above_coin = 0.0, factor = 1.0 }]";
        let two = "tiers = [{ above_coin = 0.0, factor = 1.0 }, { above_coin = 20.5, factor = 2.0 }]";
        let tiered = super::changed("okx-options", tiers, two);
        for book in ALL.map(rulebook).into_iter().chain([tiered]) {
            let (whole, parts) = (outcome(&book, &legs, 1.0, 1.0), outcome(&book, &split, 1.0, 1.0));
            prop_assert!(near(parts.requirement, whole.requirement), "{}", book.header.id);
            prop_assert!((parts.equity_usd - whole.equity_usd).abs() <= REORDERED * (1e8 + whole.equity_usd.abs()));
        }
    }

    #[test]
    fn nearer_the_money_never_asks_less_initially(
        kind in kinds(), inverse in any::<bool>(), days in 1u32..400, vol in 0.05..3.0f64,
        step in 0.0..1.0f64, width in 0.0..1.0f64,
    ) {
        let [far, near] = nearer(kind).map(f64::from);
        let at = |share: f64| {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between the two strikes
            let strike = (far + share * (near - far)).round() as u32;
            // Forward at the index: both references agree where the money is.
            let case = OptionCase { days, vol, forward: 1e5, ..sold(kind, strike) };
            option("BTC", if inverse { None } else { Some("USDC") }, case)
        };
        let (further, closer) = (at(step * (1.0 - width)), at(step * (1.0 - width) + width));
        for id in ALL {
            let book = rulebook(id);
            let further = outcome(&book, std::slice::from_ref(&further), 0.0, 0.0).requirement;
            let closer = outcome(&book, std::slice::from_ref(&closer), 0.0, 0.0).requirement;
            // Strikes a dollar apart differ by less than the price's rounding.
            prop_assert!(closer.initial >= further.initial - REORDERED * further.initial, "{id}");
        }
    }

    #[test]
    fn initial_is_at_least_maintenance(legs in books()) {
        for id in ALL {
            for unit in outcome(&rulebook(id), &legs, 1.0, 1.0).units {
                for leg in unit.legs {
                    let Levels { initial, maintenance } = leg.requirement;
                    let deep = id == "okx-options"
                        && legs.iter().any(|l| l.symbol == leg.symbol && worth_five_coins(l));
                    prop_assert!(initial >= maintenance || deep, "{id} {}", leg.symbol);
                }
            }
        }
    }
}

/// OKX: 0.03 v + v of a put exceeds 0.15 + v only when v is above 0.15/0.03; such a put is in the money, so nothing is taken off 0.15.
fn worth_five_coins(leg: &Leg) -> bool {
    leg.option_price() * leg.quote_usd
        > (0.15 / 0.03) * (1.0 - REORDERED) * leg.index_usd.min(leg.mark.price().get())
}

#[test]
fn okx_asks_more_for_maintenance_of_a_put_worth_several_coins() {
    // The one venue where initial may be below maintenance: 0.15 + v against 0.03 v + v with v = 5.67.
    let case = OptionCase {
        days: 1,
        vol: 0.5,
        forward: 60_000.0,
        index: 60_000.0,
        ..sold(OptionKind::Put, 400_000)
    };
    let leg = option("BTC", None, case);
    let v = leg.option_price() / 60_000.0;
    let asked = outcome(&rulebook("okx-options"), std::slice::from_ref(&leg), 0.0, 0.0).requirement;
    assert!(near(asked, Levels { initial: 0.15 + v, maintenance: 1.03 * v }.times(2.0 * 60_000.0)));
    assert!(v > 5.0 && asked.initial < asked.maintenance);
}
