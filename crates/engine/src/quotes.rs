//! The quotes at hand, and the market that follows from them.

use crate::views::Touched;
use instrument::{Listing, Specs};
use market::{Follower, IndexWindow, Layout, Market, RawQuote, RawSnapshot, Snapshot};
use std::collections::{BTreeMap, BTreeSet};
use units::{Asset, Issues, Spot, Symbol, Timestamp, Venue};

type Key = (Venue, Symbol);

/// Quotes as their venues wrote them, checked, and as a market at the time of valuation.
#[derive(Debug, Clone)]
pub(crate) struct Quotes {
    /// What a snapshot of the machine keeps: everything else here follows from it.
    rows: BTreeMap<Key, RawQuote>,
    rates: BTreeMap<Asset, Spot>,
    snapshot: Snapshot,
    follower: Follower,
    /// Time of the newest quote of each underlying.
    newest: BTreeMap<Asset, Timestamp>,
}

impl Quotes {
    /// None, at a time.
    pub(crate) fn new(now: Timestamp) -> Self {
        let snapshot = Snapshot { index_window: IndexWindow::Live, ..Snapshot::empty(now) };
        let follower = Follower::new(now, BTreeMap::new());
        Self { rows: BTreeMap::new(), rates: BTreeMap::new(), snapshot, follower, newest: BTreeMap::new() }
    }

    /// Those of a snapshot of the machine; `Err` when they are not what this program admits.
    pub(crate) fn restored(
        specs: &Specs,
        now: Timestamp,
        rows: &[RawQuote],
        rates: BTreeMap<Asset, Spot>,
    ) -> Result<Self, String> {
        let follower = Follower::new(now, rates.clone());
        let mut quotes = Self { rates, follower, ..Self::new(now) };
        let issues = quotes.take(specs, "snapshot", rows, &mut Touched::default());
        if !issues.is_empty() {
            return Err(format!("a quote that was admitted before is refused now:\n{issues}"));
        }
        Ok(quotes)
    }

    pub(crate) const fn market(&self) -> &Market {
        self.follower.market()
    }

    pub(crate) const fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    pub(crate) const fn rates(&self) -> &BTreeMap<Asset, Spot> {
        &self.rates
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = &RawQuote> {
        self.rows.values()
    }

    /// Takes rows of a feed; those that break a rule are issues and leave what was there.
    pub(crate) fn take(
        &mut self,
        specs: &Specs,
        feed: &str,
        rows: &[RawQuote],
        touched: &mut Touched,
    ) -> Issues {
        let asof = self.snapshot.asof;
        let Ok((newer, issues)) = Snapshot::admit(&[file(feed, asof, rows)], specs) else {
            return Issues::default();
        };
        let admitted = times(&newer);
        let named = by_name(rows, asof);
        let moved = self.snapshot.update(newer);
        for (key, (time, underlying)) in admitted {
            if times_of(&self.snapshot, &key).is_some_and(|(held, _)| held == time) {
                let newest = self.newest.entry(underlying).or_insert(time);
                *newest = (*newest).max(time);
                if let Some(row) = source(&named, (&key, time), asof, specs) {
                    self.rows.insert(key, RawQuote { timestamp: Some(time), ..row.clone() });
                }
            }
        }
        touched.changes.extend(self.follower.follow(&self.snapshot, &moved));
        issues
    }

    /// Moves the time of valuation.
    pub(crate) fn advance(&mut self, now: Timestamp, touched: &mut Touched) {
        let gone = self.snapshot.advance(now);
        let Self { rows, snapshot, .. } = self;
        rows.retain(|key, _| {
            snapshot.options.contains_key(key)
                || snapshot.futures.contains_key(key)
                || snapshot.spots.contains_key(key)
        });
        // What has expired must not vouch for the age of what has not.
        self.newest.clear();
        for (time, underlying) in times(&self.snapshot).into_values() {
            let newest = self.newest.entry(underlying).or_insert(time);
            *newest = (*newest).max(time);
        }
        touched.changes.extend(self.follower.follow(&self.snapshot, &gone));
        touched.has_aged = true;
    }

    /// The user's own rate of an asset.
    pub(crate) fn rate(&mut self, asset: &Asset, usd: Option<Spot>, touched: &mut Touched) {
        match usd {
            Some(usd) => drop(self.rates.insert(asset.clone(), usd)),
            None => drop(self.rates.remove(asset)),
        }
        touched.changes.extend(self.follower.give_rates(&self.snapshot, self.rates.clone()));
    }

    /// Underlyings whose newest quote is older than so many seconds, and held coins that nobody quotes any more.
    pub(crate) fn stale<'a>(
        &self,
        after_seconds: Option<u32>,
        held: impl Iterator<Item = &'a Asset>,
    ) -> BTreeSet<Asset> {
        let Some(seconds) = after_seconds else { return BTreeSet::new() };
        let limit = i64::from(seconds) * 1_000_000_000;
        let age = |time: &Timestamp| self.snapshot.asof.unix_nanos().saturating_sub(time.unix_nanos());
        let old = self.newest.iter().filter(|(_, time)| age(time) > limit).map(|(asset, _)| asset.clone());
        let unquoted = held.filter(|asset| !self.newest.contains_key(*asset)).cloned();
        old.chain(unquoted).collect()
    }
}

fn file(feed: &str, asof: Timestamp, rows: &[RawQuote]) -> RawSnapshot {
    RawSnapshot {
        file: feed.into(),
        layout: Layout::BookSummary,
        asof,
        snapshots_in_file: 1,
        rows: rows.to_vec(),
        issues: Issues::default(),
    }
}

/// Time and underlying of every quote.
fn times(snapshot: &Snapshot) -> BTreeMap<Key, (Timestamp, Asset)> {
    let Snapshot { options, futures, spots, .. } = snapshot;
    let keys = options.keys().chain(futures.keys()).chain(spots.keys());
    keys.filter_map(|key| Some((key.clone(), times_of(snapshot, key)?))).collect()
}

fn times_of(snapshot: &Snapshot, key: &Key) -> Option<(Timestamp, Asset)> {
    let of = |listing: &Listing| listing.contract.underlying.clone();
    let Snapshot { options, futures, spots, .. } = snapshot;
    let option = options.get(key).map(|q| (q.source_time, of(&q.listing)));
    let future = || futures.get(key).map(|q| (q.source_time, of(&q.listing)));
    let spot = || spots.get(key).map(|q| (q.source_time, of(&q.listing)));
    option.or_else(future).or_else(spot)
}

/// Rows of one name and time.
type Named<'a> = BTreeMap<(Key, Timestamp), Vec<&'a RawQuote>>;

fn by_name(rows: &[RawQuote], asof: Timestamp) -> Named<'_> {
    let mut named = Named::new();
    for row in rows {
        let venue = Venue::new(row.venue.as_deref().unwrap_or("deribit"));
        if let (Ok(venue), Ok(symbol)) = (venue, Symbol::new(&row.instrument_name)) {
            named.entry(((venue, symbol), row.timestamp.unwrap_or(asof))).or_default().push(row);
        }
    }
    named
}

/// The row that a quote was made of. A row beside it that breaks a rule may have the same name and time.
fn source<'a>(
    named: &Named<'a>,
    (key, time): (&Key, Timestamp),
    asof: Timestamp,
    specs: &Specs,
) -> Option<&'a RawQuote> {
    let candidates = named.get(&(key.clone(), time))?;
    let is_admitted = |row: &&&RawQuote| {
        let alone = Snapshot::admit(&[file("", asof, std::slice::from_ref(**row))], specs);
        alone.is_ok_and(|(snapshot, _)| times_of(&snapshot, key).is_some())
    };
    match candidates[..] {
        [only] => Some(only),
        _ => candidates.iter().find(is_admitted).copied(),
    }
}
