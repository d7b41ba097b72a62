//! Where the index of each underlying comes from, and the USD rates of currencies.
//!
//! The index is the median over all quotes that print one and are no older than the window against the newest that does
//! ([`market::IndexWindow`]). Here each venue stands with the newest that it printed. What is quoted is not moved by a bump.

use super::funding::age_seconds;
use super::surface::finite;
use super::{Params, View, ViewError, shape, value};
use crate::frame::Frame;
use market::Snapshot;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use units::{Asset, Spot, Timestamp, Venue};

pub(super) const VIEW: View = View {
    name: "oracle",
    says: "The index of each underlying with its sources by venue, and the USD rates of currencies",
    params: &[],
    every_millis: 500,
    compute,
    schema: shape::<Oracle>,
};

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Oracle {
    indices: Vec<Index>,
    rates: Vec<Rate>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Index {
    underlying: String,
    index_usd: Option<f64>,
    window_seconds: i64,
    /// Highest less lowest source within the window; null with fewer than two.
    spread_bp: Option<f64>,
    is_stale: bool,
    sources: Vec<Source>,
    /// What stands in for printed indices, or why there is no index.
    why_not: Option<String>,
}

/// The newest index that a venue printed.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
struct Source {
    venue: String,
    index_usd: f64,
    age_seconds: f64,
    /// Against the index; null without one.
    deviation_bp: Option<f64>,
    /// How many quotes of the venue print one.
    quotes: usize,
    /// Whether the newest counts.
    is_in_window: bool,
}

#[derive(Debug, PartialEq, Serialize, utoipa::ToSchema)]
struct Rate {
    asset: String,
    usd: f64,
    /// own: given by the user; spot: implied by quotes of spot pairs.
    from: &'static str,
}

/// What one venue printed.
#[derive(Debug, Clone, Copy)]
struct Printed {
    time: Timestamp,
    index: Spot,
    quotes: usize,
}

fn compute(frame: &Frame, _params: &Params) -> Result<Value, ViewError> {
    let market = frame.engine().market();
    let printed = printed(frame.engine().quotes());
    let names: BTreeSet<&Asset> = market.underlyings.keys().chain(printed.keys()).collect();
    let none = BTreeMap::new();
    let index = |asset: &Asset| index(frame, asset, printed.get(asset).unwrap_or(&none));
    let rates = market.rates.iter().map(|(asset, usd)| Rate {
        asset: asset.to_string(),
        usd: usd.get(),
        from: if frame.engine().rates().contains_key(asset) { "own" } else { "spot" },
    });
    value(&Oracle { indices: names.into_iter().map(index).collect(), rates: rates.collect() })
}

/// Printed indices by underlying and venue. Of rows of one time the last in the order of symbols stands for its venue.
fn printed(snapshot: &Snapshot) -> BTreeMap<Asset, BTreeMap<Venue, Printed>> {
    let options = snapshot.options.values().map(|q| (&q.listing, q.source_time, q.index_price));
    let futures = snapshot.futures.values().map(|q| (&q.listing, q.source_time, q.index_price));
    let mut all: BTreeMap<Asset, BTreeMap<Venue, Printed>> = BTreeMap::new();
    for (listing, time, index) in options.chain(futures) {
        let Some(index) = index else { continue };
        let venues = all.entry(listing.contract.underlying.clone()).or_default();
        let own = venues.entry(listing.venue.clone()).or_insert(Printed { time, index, quotes: 0 });
        own.quotes += 1;
        if time >= own.time {
            (own.time, own.index) = (time, index);
        }
    }
    all
}

fn index(frame: &Frame, asset: &Asset, printed: &BTreeMap<Venue, Printed>) -> Index {
    let window = frame.engine().quotes().index_window.seconds();
    let market = frame.engine().market().underlyings.get(asset);
    let index_usd = market.map(|underlying| underlying.spot.get());
    let newest = printed.values().map(|own| own.time).max();
    let is_in_window =
        |own: &Printed| newest.is_some_and(|newest| newest <= own.time.plus_millis(window * 1_000));
    let source = |(venue, own): (&Venue, &Printed)| Source {
        venue: venue.to_string(),
        index_usd: own.index.get(),
        age_seconds: age_seconds(frame, own.time),
        deviation_bp: index_usd.and_then(|index| finite(1e4 * (own.index.get() / index - 1.0))),
        quotes: own.quotes,
        is_in_window: is_in_window(own),
    };
    let counted: Vec<f64> =
        printed.values().filter(|own| is_in_window(own)).map(|own| own.index.get()).collect();
    Index {
        underlying: asset.to_string(),
        index_usd,
        window_seconds: window,
        spread_bp: index_usd.and_then(|index| spread_bp(&counted, index)),
        is_stale: frame.engine().stale().contains(asset),
        sources: printed.iter().map(source).collect(),
        why_not: match (index_usd, printed.is_empty()) {
            (Some(_), false) => None,
            (Some(_), true) => Some("no venue prints an index: the perpetual's mark stands in".into()),
            (None, _) => Some("no index, and no perpetual whose mark could stand in".into()),
        },
    }
}

fn spread_bp(counted: &[f64], index: f64) -> Option<f64> {
    let low = counted.iter().copied().min_by(f64::total_cmp)?;
    let high = counted.iter().copied().max_by(f64::total_cmp)?;
    finite(1e4 * (high - low) / index).filter(|_| counted.len() > 1)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{DEMO, SAMPLE, data, keys, sample};
    use engine::Event;
    use market::RawQuote;
    use units::{Asset, Spot};

    #[test]
    fn every_index_lies_among_its_sources_in_the_window() {
        let view = data(&DEMO, "oracle", &[]).unwrap();
        let indices = view["indices"].as_array().unwrap();
        assert!(indices.len() >= 3);
        for index in indices {
            assert_eq!(index["window_seconds"], 2);
            let own = index["index_usd"].as_f64().unwrap();
            let sources = index["sources"].as_array().unwrap();
            let counted = sources.iter().filter(|source| source["is_in_window"] == true);
            let figures: Vec<f64> = counted.map(|source| source["index_usd"].as_f64().unwrap()).collect();
            assert!(!figures.is_empty(), "the newest is always in its own window");
            assert_eq!(index["spread_bp"].is_null(), figures.len() < 2);
            for source in sources {
                assert_eq!(
                    keys(source),
                    ["age_seconds", "deviation_bp", "index_usd", "is_in_window", "quotes", "venue"].into()
                );
                let off = 1e4 * (source["index_usd"].as_f64().unwrap() / own - 1.0);
                assert!((off - source["deviation_bp"].as_f64().unwrap()).abs() < 1e-9);
            }
        }
    }

    /// A quote three seconds older than the newest is outside, one of a second is inside.
    #[test]
    fn what_is_older_than_two_seconds_against_the_newest_does_not_count() {
        let mut desk = sample();
        let then = desk.engine.now();
        let now = then.plus_millis(3_000);
        let row = |venue: &str, symbol: &str, (time, index)| RawQuote {
            row: 1,
            timestamp: Some(time),
            venue: Some(venue.into()),
            instrument_name: symbol.into(),
            mark_price: Some(index),
            index_price: Some(index),
            ..RawQuote::default()
        };
        let rows = vec![
            row("okx", "BTC-USDT-SWAP", (now, 93_100.0)),
            row("deribit", "BTC-PERPETUAL", (now.plus_millis(-1_000), 93_000.0)),
            row("deribit", "BTC_USDC-PERPETUAL", (now.plus_millis(-3_000), 90_000.0)),
            row("hyperliquid", "BTC", (now.plus_millis(-2_001), 92_000.0)),
        ];
        desk.tell(now, &Event::Clock);
        desk.tell(now, &Event::Quotes { feed: "test".into(), rows });
        let view = data(&desk.frame(), "oracle", &[]).unwrap();
        let all = view["indices"].as_array().unwrap();
        let index = all.iter().find(|index| index["underlying"] == "BTC").unwrap();
        let told: Vec<(&str, f64, bool)> = index["sources"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| {
                (s["venue"].as_str().unwrap(), s["index_usd"].as_f64().unwrap(), s["is_in_window"] == true)
            })
            .collect();
        assert!(told.contains(&("okx", 93_100.0, true)), "{told:?}");
        assert!(told.contains(&("deribit", 93_000.0, true)), "{told:?}");
        assert!(told.contains(&("hyperliquid", 92_000.0, false)), "{told:?}");
        // 100 of 93050, the median of the two that count.
        let spread = index["spread_bp"].as_f64().unwrap();
        assert!((spread - 1e4 * 100.0 / index["index_usd"].as_f64().unwrap()).abs() < 1e-9);
    }

    #[test]
    fn a_rate_says_whether_the_user_gave_it() {
        let mut desk = sample();
        let now = desk.engine.now();
        let asset = Asset::new("PYUSD").unwrap();
        desk.tell(now, &Event::Rate { asset, usd: Some(Spot::new(0.998).unwrap()) });
        let view = data(&desk.frame(), "oracle", &[]).unwrap();
        let rates = view["rates"].as_array().unwrap();
        assert!(
            rates.contains(&serde_json::json!({"asset": "PYUSD", "usd": 0.998, "from": "own"})),
            "{rates:?}"
        );
        let implied = data(&SAMPLE, "oracle", &[]).unwrap();
        let implied = implied["rates"].as_array().unwrap().clone();
        assert!(!implied.is_empty() && implied.iter().all(|rate| rate["from"] == "spot"), "{implied:?}");
    }
}
