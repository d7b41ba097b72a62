//! From a book as a user writes it to margin and liquidation price.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

use book::{BookBuilder, RawRow, RowKind};
use instrument::Specs;
use margin::{AccountState, Rulebooks, account_states};
use market::{Layout, Market, RawQuote, RawSnapshot, Snapshot};
use std::collections::BTreeMap;
use units::{Asset, Issues, Spot};

fn row(number: u64, venue: &str, kind: RowKind) -> RawRow {
    RawRow { row: number, account: "desk".into(), venue: venue.into(), chain: String::new(), kind }
}

/// One position without an entry price and 5,000 USDC, on a market that has only the perpetual's mark.
fn state(venue: &str, symbol: &str, quantity: &str, average_price: &str) -> AccountState {
    let specs = Specs::embedded();
    let mut builder = BookBuilder::new("book.csv", &specs);
    builder.add(&row(
        1,
        venue,
        RowKind::Position {
            instrument: symbol.into(),
            quantity: quantity.into(),
            average_price: average_price.into(),
        },
    ));
    builder.add(&row(2, venue, RowKind::Balance { asset: "USDC".into(), amount: "5000".into() }));
    let (book, issues) = builder.finish();
    assert!(issues.is_empty(), "{issues}");
    let mut rates = BTreeMap::new();
    for (asset, usd) in [("USDC", 1.0), ("ETH", 3_000.0), ("BTC", 90_000.0)] {
        rates.insert(Asset::new(asset).unwrap(), Spot::new(usd).unwrap());
    }
    let market = market(&specs, &rates);
    account_states(&book, &market).remove(0)
}

fn market(specs: &Specs, rates: &BTreeMap<Asset, Spot>) -> Market {
    let quote = RawQuote {
        row: 1,
        venue: Some("deribit".into()),
        instrument_name: "SOL_USDC-PERPETUAL".into(),
        mark_price: Some(150.0),
        index_price: Some(150.0),
        ..RawQuote::default()
    };
    let raw = RawSnapshot {
        file: "market".into(),
        layout: Layout::BookSummary,
        asof: "2026-11-20T12:00:00Z".parse().unwrap(),
        snapshots_in_file: 1,
        rows: vec![quote],
        issues: Issues::default(),
    };
    let (snapshot, _) = Snapshot::admit(&[raw], specs).unwrap();
    Market::build(&snapshot, rates)
}

#[test]
fn a_future_without_an_entry_price_gains_and_loses_from_today_on() {
    let unknown = state("hyperliquid", "ETH", "-10", "");
    let at_mark = state("hyperliquid", "ETH", "-10", "3000");
    assert_eq!(unknown.legs, at_mark.legs);
    assert_eq!(unknown.legs[0].gain_usd().to_bits(), 0.0f64.to_bits());
}

#[test]
fn a_dydx_perpetual_by_its_own_symbol_is_margined() {
    let held = state("dydx", "BTC-USD", "0.1", "90000");
    let rulebooks = Rulebooks::embedded().unwrap();
    let outcome = rulebooks.for_account(&held).unwrap().outcome(&held);
    assert!(outcome.unmargined.is_empty(), "{:?}", outcome.unmargined);
    // Large tier: 2 % initial of 9,000 USD; maintenance 60 % of that.
    assert!((outcome.requirement.initial - 180.0).abs() < 1e-6, "{:?}", outcome.requirement);
    assert!((outcome.requirement.maintenance - 108.0).abs() < 1e-6, "{:?}", outcome.requirement);
}
