//! The quotes at hand, and the market that follows from them.

use crate::views::Touched;
use instrument::Specs;
use market::{Follower, IndexWindow, Layout, Market, RawQuote, Rows, Snapshot};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use units::{Asset, Issues, Spot, Symbol, Timestamp, Venue};

type Key = (Venue, Symbol);

/// Quotes as their venues wrote them, checked, and as a market at the time of valuation.
#[derive(Debug, Clone)]
pub(crate) struct Quotes {
    /// What a snapshot of the machine keeps: everything else here follows from it.
    rows: BTreeMap<Key, Arc<RawQuote>>,
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
        self.rows.values().map(Arc::as_ref)
    }

    /// Takes rows of a feed; those that break a rule are issues and leave what was there.
    pub(crate) fn take(
        &mut self,
        specs: &Specs,
        feed: &str,
        rows: &[RawQuote],
        touched: &mut Touched,
    ) -> Issues {
        let from = Rows { file: feed, layout: Layout::BookSummary, asof: self.snapshot.asof, rows };
        let (taken, issues) = self.snapshot.take(&from, specs);
        for ((key, contract), (row, time)) in taken.moved.quotes.iter().zip(&taken.rows) {
            match self.newest.get_mut(&contract.underlying) {
                Some(newest) => *newest = (*newest).max(*time),
                None => drop(self.newest.insert(contract.underlying.clone(), *time)),
            }
            if let Some(row) = rows.get(*row) {
                let row = RawQuote { timestamp: Some(*time), ..row.clone() };
                self.rows.insert(key.clone(), Arc::new(row));
            }
        }
        touched.changes.extend(self.follower.follow(&self.snapshot, &taken.moved));
        issues
    }

    /// Moves the time of valuation.
    pub(crate) fn advance(&mut self, now: Timestamp, touched: &mut Touched) {
        let gone = self.snapshot.advance(now);
        for (key, _) in &gone.quotes {
            self.rows.remove(key);
        }
        if !gone.quotes.is_empty() {
            // What has expired must not vouch for the age of what has not.
            self.newest = newest(&self.snapshot);
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

    /// Age of the newest quote of each underlying.
    pub(crate) fn ages_seconds(&self) -> impl Iterator<Item = (&Asset, f64)> {
        let now = self.snapshot.asof;
        let age = move |time: &Timestamp| now.unix_nanos().saturating_sub(time.unix_nanos()) as f64 / 1e9;
        self.newest.iter().map(move |(asset, time)| (asset, age(time)))
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

/// Time of the newest quote of each underlying.
fn newest(snapshot: &Snapshot) -> BTreeMap<Asset, Timestamp> {
    let Snapshot { options, futures, spots, .. } = snapshot;
    let options = options.values().map(|quote| (&quote.listing, quote.source_time));
    let futures = futures.values().map(|quote| (&quote.listing, quote.source_time));
    let spots = spots.values().map(|quote| (&quote.listing, quote.source_time));
    let mut newest = BTreeMap::new();
    for (listing, time) in options.chain(futures).chain(spots) {
        let slot = newest.entry(listing.contract.underlying.clone()).or_insert(time);
        *slot = time.max(*slot);
    }
    newest
}
