//! How fresh what is known is: quotes by venue and underlying, links, and what does not agree or has no value.

use super::funding::age_seconds;
use super::{Params, Unvalued, View, ViewError, shape, unvalued, value};
use crate::frame::Frame;
use engine::Link;
use instrument::Listing;
use market::Snapshot;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use units::{Asset, Timestamp, Venue};

pub(super) const VIEW: View = View {
    name: "feeds",
    says: "Age of quotes by venue and underlying, links, places that are not reconciled, what has no value",
    params: &[],
    every_millis: 500,
    compute,
    schema: shape::<Feeds>,
};

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Feeds {
    venues: Vec<VenueFeed>,
    underlyings: Vec<UnderlyingFeed>,
    /// Places whose venue reports something else than the ledger.
    unreconciled: Vec<String>,
    unvalued: Vec<Unvalued>,
    /// Sound rows that are no quotes, by reason.
    not_used: BTreeMap<&'static str, u64>,
    /// In the journal so far.
    records: u64,
    /// Filled in by the server that counts them; null in a state of the past.
    records_per_second: Option<f64>,
    commit: Commit,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Commit {
    head: Option<String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct VenueFeed {
    venue: String,
    /// up, down, or unknown where the engine was never told.
    link: &'static str,
    quotes: usize,
    /// Of the newest quote; null without any.
    age_seconds: Option<f64>,
    oldest_age_seconds: Option<f64>,
    /// Not counted by the engine: null.
    refused_rows: Option<u64>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct UnderlyingFeed {
    underlying: String,
    /// Of the newest quote; null without any.
    age_seconds: Option<f64>,
    is_stale: bool,
    /// Whether something of the book depends on it.
    held: bool,
}

/// How many quotes, the oldest and the newest.
#[derive(Debug, Clone, Copy)]
struct Ages {
    quotes: usize,
    oldest: Timestamp,
    newest: Timestamp,
}

impl Ages {
    fn add(into: &mut Option<Self>, time: Timestamp) {
        let own = into.get_or_insert(Self { quotes: 0, oldest: time, newest: time });
        own.quotes += 1;
        own.oldest = own.oldest.min(time);
        own.newest = own.newest.max(time);
    }
}

fn quotes(snapshot: &Snapshot) -> impl Iterator<Item = (&Listing, Timestamp)> {
    let options = snapshot.options.values().map(|quote| (&quote.listing, quote.source_time));
    let futures = snapshot.futures.values().map(|quote| (&quote.listing, quote.source_time));
    let spots = snapshot.spots.values().map(|quote| (&quote.listing, quote.source_time));
    options.chain(futures).chain(spots)
}

fn compute(frame: &Frame, _params: &Params) -> Result<Value, ViewError> {
    let engine = frame.engine();
    value(&Feeds {
        venues: venues(frame),
        underlyings: by_underlying(frame),
        unreconciled: engine.unreconciled().map(ToString::to_string).collect(),
        unvalued: unvalued(frame),
        not_used: engine.quotes().not_used.clone(),
        records: frame.record.get(),
        records_per_second: None,
        commit: Commit { head: frame.head.map(|head| head.to_string()) },
    })
}

/// Those with quotes, with a link, or where something is held.
fn venues(frame: &Frame) -> Vec<VenueFeed> {
    let mut all: BTreeMap<&Venue, Option<Ages>> = BTreeMap::new();
    for (listing, time) in quotes(frame.engine().quotes()) {
        Ages::add(all.entry(&listing.venue).or_default(), time);
    }
    let (positions, balances) = (&frame.book().positions, &frame.book().balances);
    let held = positions.iter().map(|p| &p.venue).chain(balances.iter().map(|b| &b.venue));
    for venue in frame.engine().links().keys().chain(held) {
        all.entry(venue).or_default();
    }
    let feed = |(venue, ages): (&Venue, Option<Ages>)| VenueFeed {
        venue: venue.to_string(),
        link: match frame.engine().links().get(venue) {
            Some(Link::Up) => "up",
            Some(Link::Down) => "down",
            None => "unknown",
        },
        quotes: ages.map_or(0, |ages| ages.quotes),
        age_seconds: ages.map(|ages| age_seconds(frame, ages.newest)),
        oldest_age_seconds: ages.map(|ages| age_seconds(frame, ages.oldest)),
        refused_rows: None,
    };
    all.into_iter().map(feed).collect()
}

/// Those quoted, held or stale.
fn by_underlying(frame: &Frame) -> Vec<UnderlyingFeed> {
    let mut all: BTreeMap<&Asset, Option<Ages>> = BTreeMap::new();
    for (listing, time) in quotes(frame.engine().quotes()) {
        Ages::add(all.entry(&listing.contract.underlying).or_default(), time);
    }
    let held: BTreeSet<&Asset> = frame.valuation().rows.iter().map(|row| &row.underlying).collect();
    let stale = frame.engine().stale();
    for asset in stale.iter().chain(held.iter().copied().filter(|asset| !asset.is_currency())) {
        all.entry(asset).or_default();
    }
    let feed = |(asset, ages): (&Asset, Option<Ages>)| UnderlyingFeed {
        underlying: asset.to_string(),
        age_seconds: ages.map(|ages| age_seconds(frame, ages.newest)),
        is_stale: stale.contains(asset),
        held: held.contains(asset),
    };
    all.into_iter().map(feed).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{DEMO, SAMPLE, data, keys, sample};
    use engine::{Event, Link};
    use units::Venue;

    #[test]
    fn every_quote_is_counted_once_at_its_venue() {
        for frame in [&*DEMO, &*SAMPLE] {
            let view = data(frame, "feeds", &[]).unwrap();
            let all = "commit not_used records records_per_second underlyings unreconciled unvalued venues";
            assert_eq!(keys(&view), all.split_whitespace().collect());
            let quotes = frame.engine().quotes();
            let there = quotes.options.len() + quotes.futures.len() + quotes.spots.len();
            let venues = view["venues"].as_array().unwrap();
            let counted: u64 = venues.iter().map(|venue| venue["quotes"].as_u64().unwrap()).sum();
            assert_eq!(counted, there as u64);
            for venue in venues.iter().filter(|venue| venue["quotes"] != 0) {
                assert!(
                    venue["age_seconds"].as_f64().unwrap() <= venue["oldest_age_seconds"].as_f64().unwrap()
                );
            }
            assert_eq!(view["records"], frame.record.get());
        }
    }

    #[test]
    fn ages_grow_with_the_clock_and_links_are_as_told() {
        let mut desk = sample();
        let now = desk.engine.now().plus_millis(7_500);
        let venue = Venue::new("deribit").unwrap();
        desk.tell(now, &Event::Clock);
        desk.tell(now, &Event::Link { venue, link: Link::Down });
        let view = data(&desk.frame(), "feeds", &[]).unwrap();
        let venues = view["venues"].as_array().unwrap();
        let deribit = venues.iter().find(|venue| venue["venue"] == "deribit").unwrap();
        assert_eq!((&deribit["link"], &deribit["age_seconds"]), (&"down".into(), &7.5.into()));
        assert!(venues.iter().any(|venue| venue["link"] == "unknown"));
        let btc = view["underlyings"].as_array().unwrap().iter().find(|u| u["underlying"] == "BTC").unwrap();
        assert_eq!((&btc["held"], &btc["age_seconds"]), (&true.into(), &7.5.into()));
    }
}
