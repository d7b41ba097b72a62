//! A small chain priced by the model itself.

use instrument::Specs;
use market::{Layout, Market, RawQuote, RawSnapshot, Snapshot};
use pricing::Black76;
use std::collections::BTreeMap;
use units::{Asset, Discount, Forward, Issues, OptionKind, Spot, Strike, Timestamp, Vol};

pub const SPOT_BTC: f64 = 92_000.0;
pub const SPOT_ETH: f64 = 3_150.0;
const EXPIRIES: [(&str, f64); 3] = [("27NOV26", 1.001), ("25DEC26", 1.006), ("26MAR27", 1.021)];

pub fn asof() -> Timestamp {
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
pub fn vol_of(strike: f64, forward: f64) -> f64 {
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
        mark_vol: Some(vol),
        delta: Some(pricing::venue::deribit(&black).delta),
        underlying_price: Some(forward),
        underlying_name: Some(format!("{coin}-{day}")),
        index_price: Some(spot),
        ..RawQuote::default()
    }
}

pub fn snapshot() -> Snapshot {
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

pub fn market() -> Market {
    let rate = |asset: &str| (Asset::new(asset).unwrap(), Spot::new(1.0).unwrap());
    Market::build(&snapshot(), &BTreeMap::from([rate("USDC"), rate("USDT")]))
}
