//! Units of each measure, identities between them, netting and exact sums.

use crate::fixture::{Held, SPOT_BTC, asof, book, desk, held, market, snapshot, vol_of};
use proptest::prelude::*;
use risk::{GroupBy, Measure, Sheet, Valuation, group};
use units::Fixed;

fn one(instrument: &str, quantity: &str) -> risk::Exposure {
    let valuation = Valuation::new(&book(&[held("a", "deribit", instrument, quantity)]), &market());
    assert!(valuation.unpriced.is_empty(), "{:?}", valuation.unpriced);
    valuation.rows[0].exposure
}

fn close(got: Fixed, expected: f64, tolerance: f64, what: &str) {
    assert!((got.to_f64() - expected).abs() <= tolerance, "{what}: {got} against {expected}");
}

#[test]
fn an_inverse_option_has_the_venue_delta_and_gives_up_its_own_value_for_the_settlement_delta() {
    let call = one("BTC-25DEC26-90000-C", "1");
    let quotes = snapshot();
    let quote = quotes.options.values().find(|q| q.listing.symbol.as_str() == "BTC-25DEC26-90000-C").unwrap();
    // Delta of the USD value at fixed F/S is the Black delta; the forward comes back from parity to 1e-12.
    close(call.in_coin(Measure::Delta), quote.published.delta.unwrap(), 1e-9, "delta");
    close(call.in_coin(Measure::Value), quote.mark_price, 1e-9, "value in coin is the mark");
    let settlement = quote.published.delta.unwrap() - quote.mark_price;
    close(call.in_coin(Measure::DeltaSettlement), settlement, 1e-9, "delta - mark");
    close(call.in_usd(Measure::Delta), call.in_coin(Measure::Delta).to_f64() * SPOT_BTC, 1e-6, "cash delta");
}

#[test]
fn usd_measures_are_derivatives_of_the_usd_value() {
    // Central differences over the spot shock of the cube itself, relative step 1e-4 and 1 vol point.
    let market = market();
    let book = book(&[held("a", "deribit", "BTC-26MAR27-90000-P", "3")]);
    let valuation = Valuation::new(&book, &market);
    let exposure = valuation.rows[0].exposure;
    let lines = risk::lines(&book, &valuation.board, &market, &[]).unwrap();
    let pnl = |spot_return: f64, points: f64| {
        let vol = risk::VolShift { points, ..risk::VolShift::default() };
        let set = risk::ShockSet { days: 0.0, shocks: vec![risk::Shock::spot_and_points(spot_return, vol)] };
        risk::LinePnl::new(&lines, &set).unwrap().total(|_| true)[0].to_f64()
    };
    let h = 1e-4;
    let delta_cash = (pnl(h, 0.0) - pnl(-h, 0.0)) / (2.0 * h);
    let gamma_1pct = (pnl(h, 0.0) + pnl(-h, 0.0)) / (h * h) / 100.0;
    let vega = (pnl(0.0, 0.5) - pnl(0.0, -0.5)) / 1.0;
    let vanna = (pnl(h, 0.5) - pnl(h, -0.5) - pnl(-h, 0.5) + pnl(-h, -0.5)) / (2.0 * h) / 100.0;
    let volga = (pnl(0.0, 0.5) + pnl(0.0, -0.5)) / 0.25;
    // Tolerances: second-order error of the step, relative to the size of each figure.
    for (measure, expected, relative) in [
        (Measure::Delta, delta_cash, 1e-6),
        (Measure::Gamma, gamma_1pct, 1e-4),
        (Measure::Vega, vega, 1e-4),
        (Measure::Vanna, vanna, 1e-3),
        (Measure::Volga, volga, 1e-3),
    ] {
        close(exposure.in_usd(measure), expected, expected.abs() * relative + 1e-6, measure.usd_key());
    }
    let years = asof().years_until(valuation.rows[0].expiry.unwrap()).unwrap();
    let weighted = exposure.in_usd(Measure::Vega).to_f64() * (30.0 / years.days()).sqrt();
    close(exposure.in_usd(Measure::Vega30d), weighted, 1e-9, "30-day vega");
    assert!(vol_of(90_000.0, SPOT_BTC) > 0.0);
}

#[test]
fn an_inverse_perpetual_is_coins_of_delta_and_its_gain_is_coins_held() {
    let mut short = held("a", "deribit", "BTC-PERPETUAL", "-100000");
    let flat = Valuation::new(&book(std::slice::from_ref(&short)), &market()).rows[0].exposure;
    let mark = SPOT_BTC * 1.0002;
    close(flat.in_coin(Measure::Delta), -100_000.0 / mark, 1e-11, "N/F coins short");
    assert!(flat.in_usd(Measure::Value).is_zero() && flat.in_usd(Measure::Gamma).is_zero());
    short.entry = "90000";
    let with_gain = Valuation::new(&book(&[short]), &market()).rows[0].exposure;
    let gain = -100_000.0 * (1.0 / 90_000.0 - 1.0 / mark);
    close(with_gain.in_coin(Measure::Value), gain, 1e-11, "N (1/entry - 1/mark)");
    close(
        with_gain.in_coin(Measure::Delta),
        -100_000.0 / mark + gain,
        1e-11,
        "delta = settlement delta + coins gained",
    );
    close(
        with_gain.in_coin(Measure::DeltaSettlement),
        -100_000.0 / mark,
        1e-11,
        "the settlement delta is the position's",
    );
}

#[test]
fn the_same_contract_on_two_venues_nets_to_nothing_while_listings_stay_apart() {
    // 5 coins long at one venue, 500 contracts of 0.01 short at the other.
    let rows = [
        held("a", "deribit", "BTC-25DEC26-100000-C", "5"),
        held("b", "okx", "BTC-USD-261225-100000-C", "-500"),
    ];
    let valuation = Valuation::new(&book(&rows), &market());
    assert_eq!(valuation.rows.len(), 2);
    let total = group(&valuation.rows, &[]).remove(0);
    assert!(total.exposure.usd.iter().all(|figure| figure.is_zero()), "{:?}", total.exposure);
}

#[test]
fn stablecoins_have_no_delta_and_coins_have_their_value() {
    let rows = [held("a", "deribit", "BTC", "2"), held("a", "okx", "USDT", "1000")];
    let valuation = Valuation::new(&book(&rows), &market());
    let delta: Vec<Fixed> = valuation.rows.iter().map(|r| r.exposure.in_usd(Measure::Delta)).collect();
    assert_eq!(delta, [Fixed::quantise(2.0 * SPOT_BTC).unwrap(), Fixed::ZERO]);
    assert!(valuation.rows.iter().all(|r| r.exposure.in_usd(Measure::DeltaSettlement).is_zero()));
}

#[test]
fn what_cannot_be_priced_is_listed_with_its_reason_and_left_out() {
    let rows = [
        held("a", "deribit", "BTC-26DEC25-90000-C", "1"),
        held("a", "deribit", "SOL-PERPETUAL", "1"),
        held("a", "bybit", "BTC-25DEC26-90000-C", "1"),
        held("a", "deribit", "BTC-25DEC26-90000-C", "1"),
    ];
    let bare = market::Market::build(&snapshot(), &std::collections::BTreeMap::new());
    let valuation = Valuation::new(&book(&rows), &bare);
    assert_eq!((valuation.rows.len(), valuation.unpriced.len()), (1, 3));
    let reasons: Vec<&str> = valuation.unpriced.iter().map(|u| u.reason.as_str()).collect();
    for expected in
        ["expired at 2025-12-26T08:00:00Z", "no index price for SOL", "no conversion rate from USDC"]
    {
        assert!(reasons.iter().any(|r| r.contains(expected)), "{expected} not in {reasons:?}");
    }
}

#[test]
fn groups_add_up_to_the_total_to_the_last_digit_in_any_grouping() {
    let valuation = Valuation::new(&book(&desk()), &market());
    let total = group(&valuation.rows, &[]).remove(0).exposure;
    for by in [
        GroupBy::Underlying,
        GroupBy::Expiry,
        GroupBy::Venue,
        GroupBy::Chain,
        GroupBy::Account,
        GroupBy::Kind,
    ] {
        let mut sum = risk::Exposure::default();
        for part in group(&valuation.rows, &[by, GroupBy::Venue]) {
            sum += &part.exposure;
        }
        assert_eq!(sum, total, "{}", by.word());
    }
}

/// Splits a quantity in tenths into two parts that add up exactly.
fn tenths(value: i64) -> String {
    format!("{}.{}", value / 10, (value % 10).abs()).replace("0.-", "-0.")
}

proptest! {
    #[test]
    fn the_order_of_rows_leaves_no_trace(order in Just((0..11usize).collect::<Vec<_>>()).prop_shuffle()) {
        let rows = desk();
        let shuffled: Vec<Held> = order.iter().map(|i| rows[*i].clone()).collect();
        let (market, reference) = (market(), Valuation::new(&book(&rows), &market()));
        prop_assert_eq!(Valuation::new(&book(&shuffled), &market).rows, reference.rows);
    }

    /// Splitting a position over accounts moves a total by at most one quantum a row.
    #[test]
    fn splitting_a_position_changes_no_total_beyond_its_quanta(whole in 1i64..100_000, share in 0i64..100) {
        let part = whole * share / 100;
        let rest = whole - part;
        let market = market();
        let total = |rows: &[Held]| group(&Valuation::new(&book(rows), &market).rows, &[]).remove(0).exposure;
        let instrument = "BTC-25DEC26-90000-C";
        let together = total(&[held("a", "deribit", instrument, &tenths(whole))]);
        let apart = total(&[
            held("a", "deribit", instrument, &tenths(part)),
            held("b", "deribit", instrument, &tenths(rest)),
        ]);
        for (one, two) in together.usd.iter().zip(apart.usd) {
            // The product quantity x unit rounds in f64 before it is quantised: allow its last bit on top of three half quanta.
            let rounding = one.to_f64().abs() * 2.0f64.powi(-52) * 2.0 + 2e-12;
            prop_assert!((*one - two).to_f64().abs() <= rounding, "{one} {two}");
        }
    }
}

/// The sheet is the valuation without its rows: same lines in the same order, same sums by every grouping.
#[test]
fn a_sheet_has_the_figures_of_the_rows() {
    let (book, market) = (book(&desk()), market());
    let valuation = Valuation::new(&book, &market);
    let sheet = Sheet::new(std::sync::Arc::new(book.clone()), &market);
    assert_eq!(sheet.unpriced, valuation.unpriced);
    assert!(valuation.rows.len() > 10, "{}", valuation.rows.len());
    let lines: Vec<_> =
        sheet.lines().map(|line| (line.underlying.clone(), line.kind, *line.exposure)).collect();
    let rows: Vec<_> =
        valuation.rows.iter().map(|row| (row.underlying.clone(), row.kind, row.exposure)).collect();
    assert_eq!(lines, rows);
    let columns = [
        GroupBy::Account,
        GroupBy::Venue,
        GroupBy::Chain,
        GroupBy::Underlying,
        GroupBy::Expiry,
        GroupBy::Kind,
    ];
    for subset in 0..64 {
        let by: Vec<GroupBy> = (0..6).filter(|at| subset >> at & 1 == 1).map(|at| columns[at]).collect();
        assert_eq!(group(sheet.lines(), &by), group(&valuation.rows, &by), "{by:?}");
    }
}

/// Rows of a valuation are those of each position by itself: what positions share is shared and nothing else.
#[test]
fn rows_are_those_of_each_position_alone() {
    let (book, market) = (book(&desk()), market());
    let valuation = Valuation::new(&book, &market);
    let alone =
        book.positions.iter().filter_map(|held| risk::position_rows(held, &valuation.board, &market).ok());
    let mut rows: Vec<risk::Row> = alone.flat_map(|valued| valued.rows).collect();
    rows.extend(book.balances.iter().filter_map(|held| risk::balance_row(held, &valuation.board).ok()));
    assert_eq!(valuation.rows, rows);
}

/// Groups as one would make them by hand: a key of texts for every row.
#[test]
fn groups_are_in_the_order_of_their_keys_and_hold_all_rows_of_them() {
    let valuation = Valuation::new(&book(&desk()), &market());
    let by = [GroupBy::Expiry, GroupBy::Venue];
    let mut keys: Vec<Vec<risk::GroupKey>> =
        valuation.rows.iter().map(|row| by.iter().map(|column| column.key(row)).collect()).collect();
    keys.sort();
    let groups = group(&valuation.rows, &by);
    let all = groups.iter().flat_map(|group| std::iter::repeat_n(group.key.clone(), group.rows));
    assert_eq!(all.collect::<Vec<_>>(), keys);
}
