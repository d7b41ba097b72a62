//! A change of value against twins: two valuations, sums of causes, small moves.

use crate::fixture::{Held, book, desk, held, snapshot};
use market::{Market, Snapshot};
use proptest::prelude::*;
use risk::explain::{Cause, Explanation, FundingRates, Side};
use risk::{Measure, Valuation, group};
use std::collections::BTreeMap;
use units::{Asset, Fixed, Forward, Spot, Vol};

/// The fixture's market after so many hours, its prices moved.
fn later(hours: i64, spot: f64, vol_points: f64, basis: f64, usdt: f64) -> Market {
    let mut moved: Snapshot = snapshot();
    moved.asof = moved.asof.plus_millis(hours * 3_600_000);
    for quote in moved.options.values_mut() {
        quote.source_time = moved.asof;
        quote.mark_vol = quote.mark_vol.map(|v| Vol::new(v.get() + vol_points / 100.0).unwrap());
        quote.index_price = quote.index_price.map(|s| Spot::new(s.get() * spot).unwrap());
        quote.underlying_price =
            quote.underlying_price.map(|f| Forward::new(f.get() * spot * basis).unwrap());
        // Parity of stale marks must not outvote the printed forward.
        quote.mark_price = 0.0;
    }
    for quote in moved.futures.values_mut() {
        quote.source_time = moved.asof;
        quote.index_price = quote.index_price.map(|s| Spot::new(s.get() * spot).unwrap());
        quote.mark_price = Forward::new(quote.mark_price.get() * spot * basis).unwrap();
    }
    let rate = |asset: &str, usd: f64| (Asset::new(asset).unwrap(), Spot::new(usd).unwrap());
    Market::build(&moved, &BTreeMap::from([rate("USDC", 1.0), rate("USDT", usdt)]))
}

fn explained(start: &Market, end: &Market) -> (Explanation, Fixed) {
    explained_of(&desk(), start, end, &FundingRates::new())
}

fn explained_of(rows: &[Held], start: &Market, end: &Market, funding: &FundingRates) -> (Explanation, Fixed) {
    let book = book(rows);
    let (before, after) = (Valuation::new(&book, start), Valuation::new(&book, end));
    let told = Explanation::new(
        &book,
        Side { market: start, valuation: &before },
        Side { market: end, valuation: &after },
        funding,
    )
    .unwrap();
    let value = |v: &Valuation| group(&v.rows, &[])[0].exposure.in_usd(Measure::Value);
    (told, value(&after) - value(&before))
}

#[test]
fn nothing_happened_explains_as_nothing() {
    let start = crate::fixture::market();
    let (told, change) = explained(&start, &start);
    assert!(change.is_zero() && told.total.change_usd.is_zero());
    assert!(told.total.terms_usd.iter().chain(&told.total.steps_usd).all(|t| t.is_zero()));
    assert!(told.unexplained.is_empty());
    assert_eq!(told.funding_unknown, 2, "no rate was published for the two perpetuals");
}

#[test]
fn a_small_move_leaves_a_small_residual() {
    let start = crate::fixture::market();
    for (moves, share) in [
        ((3, 1.004, 0.3, 1.0, 1.0), 0.02),
        ((3, 0.996, 0.0, 1.0005, 1.0), 0.02),
        ((12, 1.0, 0.0, 1.0, 0.999), 0.02),
    ] {
        let (hours, spot, vol, basis, usdt) = moves;
        let (told, _) = explained(&start, &later(hours, spot, vol, basis, usdt));
        // Gains and losses cancel: what greeks miss is measured against the sum of what they say.
        let gross: f64 = told.total.terms_usd.iter().map(|term| term.to_f64().abs()).sum();
        assert!(told.total.residual_usd.to_f64().abs() < share * gross, "{moves:?}: {told:?}");
    }
}

#[test]
fn forwards_that_move_against_spot_are_carry_and_coin_settled_options_lose_their_own_value_with_it() {
    let start = crate::fixture::market();
    let end = later(0, 1.0, 0.0, 1.000_5, 1.0);
    for instrument in ["BTC-25DEC26-100000-C", "BTC-25DEC26-80000-P", "BTC-PERPETUAL"] {
        let rows = [held("a", "deribit", instrument, "10")];
        let (told, _) = explained_of(&rows, &start, &end, &FundingRates::new());
        let carry = told.total.terms_usd[Cause::Carry as usize].to_f64();
        // Second order of 5 bp: gamma and the perpetual's convexity are thousandths of the first.
        assert!((told.total.change_usd.to_f64() / carry - 1.0).abs() < 0.005, "{instrument}: {told:?}");
    }
}

#[test]
fn funding_is_paid_by_longs_for_the_hours_that_passed() {
    let start = crate::fixture::market();
    let key = (units::Venue::new("deribit").unwrap(), units::Symbol::new("BTC-PERPETUAL").unwrap());
    let rates = FundingRates::from([(key, 0.000_1)]);
    let rows = [held("a", "deribit", "BTC-PERPETUAL", "-250000")];
    let (told, _) = explained_of(&rows, &start, &later(16, 1.0, 0.0, 1.0, 1.0), &rates);
    // Two periods of eight hours on USD of notional at index over mark; a short receives.
    let expected = 250_000.0 / 1.000_2 * 0.000_1 * 2.0;
    assert!((told.funding_usd.unwrap().to_f64() - expected).abs() < 1e-9, "{told:?}");
    assert_eq!(told.funding_unknown, 0);
}

#[test]
fn what_expires_in_between_is_listed_and_in_no_figure() {
    let start = crate::fixture::market();
    let (told, _) = explained(&start, &later(24 * 8, 1.0, 0.0, 1.0, 1.0));
    let names: Vec<&str> = told.unexplained.iter().map(|u| u.symbol.as_str()).collect();
    assert_eq!(names, ["ETH-27NOV26-3250-C"]);
    assert!(told.unexplained[0].market == "end" && told.unexplained[0].reason.contains("expired"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn terms_and_steps_add_up_to_the_difference_of_two_valuations(
        hours in 0i64..100, spot in 0.6..1.6f64, vol in -10.0..40.0f64, basis in 0.97..1.03f64, usdt in 0.85..1.1f64,
    ) {
        let start = crate::fixture::market();
        let (told, change) = explained(&start, &later(hours, spot, vol, basis, usdt));
        let total = told.total;
        let terms: Fixed = total.terms_usd.iter().copied().sum();
        let steps: Fixed = total.steps_usd.iter().copied().sum();
        prop_assert_eq!(terms + total.residual_usd, total.change_usd);
        prop_assert_eq!(steps + total.rounding_usd, total.change_usd);
        let by: Fixed = told.by_underlying.values().map(|e| e.change_usd).sum();
        prop_assert_eq!(by, total.change_usd);
        // Each entry is rounded in its last bit; the book is worth some 1e6 USD in terms of up to 1e8.
        prop_assert!(total.rounding_usd.to_f64().abs() < 1e-5, "{}", total.rounding_usd);
        prop_assert!((total.change_usd.to_f64() - change.to_f64()).abs() < 1e-5, "{} {}", total.change_usd, change);
    }
}
