//! When a delta hedge is traded, and how far: clocks and no-trade bands behind one trait.
//!
//! A policy answers two questions about one underlying of a book at one moment, a [`Sight`]:
//!
//! 1. at which variance is the delta taken? [`DeltaPolicy::variance_factor`], a factor on each sigma²; 1 but for Leland and Zakamouline,
//!    which put the cost of hedging into the vol;
//! 2. how far from the delta may the hedge be? [`DeltaPolicy::band`], and where does a trade end when it is further away.
//!
//! [`decide`] turns the answers, the delta and what is held into a trade. Nothing else decides: the live engine, plans and backtests call
//! these functions.
//!
//! Units: quantities are units of the underlying (coins), prices USD a coin, gamma coins per USD, rates per year, costs fractions of the
//! notional or USD a trade. The hedge has delta 1: holding -delta of the rest leaves the book neutral.

/// What a policy looks at: one underlying of a book, hedged with one instrument, at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sight {
    /// Price of the underlying, USD.
    pub spot: f64,
    /// Second derivative of the value of what is hedged, coins per USD; negative for options sold.
    pub gamma: f64,
    /// Annual vol of the underlying, as a fraction.
    pub vol: f64,
    /// Time to the expiry that the gamma comes from, years.
    pub expiry_years: f64,
    /// What a trade costs.
    pub cost: Cost,
    /// How long the hedge has stood unchanged, years.
    pub hedge_age_years: f64,
}

/// What trades of the hedge cost.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Cost {
    /// One way, as a fraction of the notional: fee and half the spread.
    pub proportional: f64,
    /// Of each trade, whatever its size, USD: gas.
    pub fixed_usd: f64,
}

/// How far the hedge may be from the delta, and where a trade ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Band {
    /// No trade, however far.
    Hold,
    /// A trade when the hedge is further than `outer` away, until it is `inner` away. Coins, `0 <= inner <= outer`.
    Within {
        /// Half the width of the band without trades.
        outer: f64,
        /// Where a trade ends: `outer` at the edge, 0 in the middle.
        inner: f64,
    },
}

/// When a delta hedge is traded, and how far.
pub trait DeltaPolicy: std::fmt::Debug + Send + Sync {
    /// The factor on each variance at which the delta is taken.
    fn variance_factor(&self, sight: &Sight) -> f64 {
        let _ = sight;
        1.0
    }

    /// How far the hedge may be from that delta.
    fn band(&self, sight: &Sight) -> Band;
}

/// The trade, in coins, of a hedge that holds `held` where the rest of the book has a delta of `delta`; none within the band.
#[must_use]
pub fn decide(band: Band, position: Exposure) -> Option<f64> {
    let Band::Within { outer, inner } = band else { return None };
    let off = position.delta + position.held;
    if off.abs() <= outer {
        return None;
    }
    let end = if off > 0.0 { inner } else { -inner };
    (off != end).then_some(end - off)
}

/// Delta of what is hedged, and the hedge. Coins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exposure {
    /// Delta of the book without its hedge.
    pub delta: f64,
    /// Delta of the hedge.
    pub held: f64,
}
