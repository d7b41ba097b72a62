//! Recorded prices of perpetuals, looked up at the instant of a snapshot.

use std::collections::BTreeMap;
use units::{Asset, Spot, Timestamp};

/// Prices by coin and time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PerpetualPrices {
    by_coin: BTreeMap<Asset, BTreeMap<Timestamp, Spot>>,
}

/// Why there is no price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum NoPrice {
    /// None at or before the instant.
    Missing,
    /// Older than the plan allows.
    Stale,
}

impl PerpetualPrices {
    /// Adds a price; returns one that was there for the instant and is another.
    pub fn add(&mut self, coin: Asset, at: Timestamp, price: Spot) -> Option<Spot> {
        let before = self.by_coin.entry(coin).or_default().insert(at, price);
        before.filter(|before| *before != price)
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_coin.values().map(BTreeMap::len).sum()
    }

    /// True without any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The latest at or before an instant, if it is not too old.
    pub(super) fn at(&self, coin: &Asset, asof: Timestamp, age_most_seconds: f64) -> Result<f64, NoPrice> {
        let own = self.by_coin.get(coin).ok_or(NoPrice::Missing)?;
        let (at, price) = own.range(..=asof).next_back().ok_or(NoPrice::Missing)?;
        #[allow(clippy::cast_precision_loss)] // seconds for a comparison
        let age = (asof.unix_nanos() - at.unix_nanos()) as f64 / 1e9;
        if age > age_most_seconds { Err(NoPrice::Stale) } else { Ok(price.get()) }
    }
}
