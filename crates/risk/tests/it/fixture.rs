//! A small chain priced by the model itself, so that every expected value is a rule and not a recording.

use book::{Book, BookBuilder, RawRow, RowKind};
use instrument::Specs;
use market::{Layout, Market, RawQuote, RawSnapshot, Snapshot};
use pricing::Black76;
use std::collections::BTreeMap;
use units::{Asset, Discount, Forward, Issues, OptionKind, Spot, Strike, Timestamp, Vol};

pub(crate) const SPOT_BTC: f64 = 92_000.0;
pub(crate) const SPOT_ETH: f64 = 3_150.0;
const EXPIRIES: [(&str, f64); 3] = [("27NOV26", 1.001), ("25DEC26", 1.006), ("26MAR27", 1.021)];

pub(crate) fn asof() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

fn expiry(day: &str) -> Timestamp {
    let text = match day {
        "27NOV26" => "2026-11-27T08:00:00Z",
        "25DEC26" => "2026-12-25T08:00:00Z",
        _ => "2027-03-26T08:00:00Z",
    };
    text.parse().unwrap()
}

/// Smile: 45 points at the money, higher in the wings.
pub(crate) fn vol_of(strike: f64, forward: f64) -> f64 {
    let moneyness = strike / forward - 1.0;
    0.45 + 0.6 * moneyness * moneyness - 0.05 * moneyness
}

fn option(
    row: u64,
    coin: &str,
    spot: f64,
    (day, carry): (&str, f64),
    strike: f64,
    kind: OptionKind,
) -> RawQuote {
    let forward = spot * carry;
    let vol = vol_of(strike, forward);
    let black = Black76 {
        forward: Forward::new(forward).unwrap(),
        strike: Strike::new(strike).unwrap(),
        vol: Vol::new(vol).unwrap(),
        expiry: asof().years_until(expiry(day)).unwrap(),
        discount: Discount::new(1.0).unwrap(),
        kind,
    };
    let letter = if kind == OptionKind::Call { "C" } else { "P" };
    RawQuote {
        row,
        instrument_name: format!("{coin}-{day}-{strike}-{letter}"),
        mark_price: Some(black.price() / forward),
        // A tick either side, so that a surface can be fitted.
        bid_price: Some(black.price() / forward - 0.0005).filter(|bid| *bid > 0.0),
        ask_price: Some(black.price() / forward + 0.0005),
        mark_vol: Some(vol),
        delta: Some(pricing::venue::deribit(&black).delta),
        underlying_price: Some(forward),
        underlying_name: Some(format!("{coin}-{day}")),
        index_price: Some(spot),
        ..RawQuote::default()
    }
}

pub(crate) fn snapshot() -> Snapshot {
    let mut rows = Vec::new();
    for (coin, spot, step) in [("BTC", SPOT_BTC, 10_000.0), ("ETH", SPOT_ETH, 250.0)] {
        for day in EXPIRIES {
            let centre = (spot / step).round() * step;
            for place in -3..=3 {
                for kind in [OptionKind::Call, OptionKind::Put] {
                    rows.push(option(
                        rows.len() as u64 + 1,
                        coin,
                        spot,
                        day,
                        centre + f64::from(place) * step,
                        kind,
                    ));
                }
            }
        }
        rows.push(RawQuote {
            row: rows.len() as u64 + 1,
            instrument_name: format!("{coin}-PERPETUAL"),
            mark_price: Some(spot * 1.0002),
            index_price: Some(spot),
            ..RawQuote::default()
        });
    }
    let raw = RawSnapshot {
        file: "chain".into(),
        layout: Layout::BookSummary,
        asof: asof(),
        snapshots_in_file: 1,
        rows,
        issues: Issues::default(),
    };
    let (snapshot, issues) = Snapshot::admit(&[raw], &Specs::embedded()).unwrap();
    assert!(issues.is_empty(), "{issues}");
    snapshot
}

pub(crate) fn market() -> Market {
    let rate = |asset: &str| (Asset::new(asset).unwrap(), Spot::new(1.0).unwrap());
    Market::build(&snapshot(), &BTreeMap::from([rate("USDC"), rate("USDT")]))
}

/// A row of a book: account, venue, instrument or asset, quantity, entry price.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) account: &'static str,
    pub(crate) venue: &'static str,
    pub(crate) instrument: String,
    pub(crate) quantity: String,
    pub(crate) entry: &'static str,
}

pub(crate) fn held(account: &'static str, venue: &'static str, instrument: &str, quantity: &str) -> Held {
    Held { account, venue, instrument: instrument.into(), quantity: quantity.into(), entry: "" }
}

pub(crate) fn book(rows: &[Held]) -> Book {
    let specs = Specs::embedded();
    let mut builder = BookBuilder::new("book", &specs);
    for (index, held) in rows.iter().enumerate() {
        let is_asset = ["BTC", "ETH", "USDC", "USDT", "USD"].contains(&held.instrument.as_str());
        let kind = if is_asset {
            RowKind::Balance { asset: held.instrument.clone(), amount: held.quantity.clone() }
        } else {
            RowKind::Position {
                instrument: held.instrument.clone(),
                quantity: held.quantity.clone(),
                average_price: held.entry.into(),
            }
        };
        builder.add(&RawRow {
            row: index as u64 + 1,
            account: held.account.into(),
            venue: held.venue.into(),
            chain: String::new(),
            kind,
        });
    }
    let (book, issues) = builder.finish();
    assert!(issues.is_empty(), "{issues}");
    book
}

/// A desk over several venues: coin-settled and linear options, futures, coins and stablecoins.
pub(crate) fn desk() -> Vec<Held> {
    let mut rows = vec![
        held("main", "deribit", "BTC-25DEC26-100000-C", "-25"),
        held("main", "deribit", "BTC-25DEC26-80000-P", "-10.5"),
        held("main", "deribit", "BTC-26MAR27-90000-P", "12"),
        held("main", "deribit", "ETH-27NOV26-3250-C", "150"),
        held("main", "deribit", "BTC-PERPETUAL", "-250000"),
        held("main", "deribit", "BTC", "14.75"),
        held("asia", "okx", "BTC-USD-261225-100000-C", "700"),
        held("asia", "okx", "BTC-USDT-SWAP", "-35"),
        held("asia", "okx", "USDT", "400000"),
        held("dao", "derive", "ETH-20261225-3500-C", "-80"),
        held("dao", "derive", "USDC", "250000"),
    ];
    rows[4].entry = "91000";
    rows[7].entry = "93500.5";
    rows
}
