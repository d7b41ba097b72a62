//! Prices from several sources made into one, and the guards that decide whether to believe it.
//!
//! | module | what it computes | whose rule |
//! |---|---|---|
//! | [`pyth`] | median of price and price ∓ confidence over publishers; averages decayed by slot | Pyth, `upd_aggregate`, `upd_ema` |
//! | [`capped_index`] | mid, median, each source clamped to the median ∓ 0.5 %, weighted mean | Deribit's index |
//! | [`median`], [`upper_median`] | mean of the two middles; element n/2 | Slinky's sidecar; Chainlink OCR |
//! | [`weighted_median`], [`stake_weighted_median`] | first price at half of the weight | exchanges' oracles; Slinky on chain |
//! | [`time_weighted_mean`], [`mean_tick`] | mean over a window; mean tick, rounded down | Uniswap v3 |
//! | [`DelayedPrice`] | the price of one hop ago, and the next | Maker's OSM |
//! | [`guard`] | sources scored, price held or published, state `valid`, `suspect`, `stale`, `halted` | as real protocols; model card |
//!
//! Numbers: a price is a whole number of units of 10^exponent ([`PriceUnits`]); the exponent belongs to the feed. Everything is
//! integer arithmetic with intermediates of 128 bits: the same inputs give the same bits anywhere, in any order of sources. A number
//! that leaves its range is an [`OracleError`], never a wrap. Each rounding is named where it happens.
//!
//! Left out: reading feeds (layer 7), signatures, Switchboard's job tree. Model card: `docs/models/oracle.md`.
//!
//! ```
//! use market::oracle::{BasisPoints, IndexRule, IndexSource, PriceUnits, Weight, capped_index};
//! use units::Timestamp;
//! let now: Timestamp = "2026-11-25T12:00:00Z".parse()?;
//! let quote = |id: &str, price: i64, weight| IndexSource {
//!     id: id.into(),
//!     bid: PriceUnits(price - 1),
//!     ask: PriceUnits(price + 1),
//!     weight: Weight(weight),
//!     source_time: now,
//!     is_enabled: true,
//! };
//! // Deribit's own example: 120 counts as 101.505, and the index is 101.
//! let sources = [quote("a", 100_000, 25), quote("b", 101_000, 50), quote("c", 120_000, 25)];
//! let index = capped_index(&sources, IndexRule::DERIBIT, now)?;
//! assert_eq!(index.price, PriceUnits(101_000));
//! // Three minutes and a moment later nothing is left.
//! assert!(capped_index(&sources, IndexRule::DERIBIT, now.plus_millis(180_001)).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod delayed;
pub mod guard;
mod index;
mod median;
mod number;
pub mod pyth;
#[cfg(test)]
mod tests;
mod twap;

pub use delayed::{DelayedPrice, Hop, UnixSeconds};
pub use index::{CappedSource, IndexPrice, IndexRule, IndexSource, RejectedSource, SourceRule, capped_index};
pub use median::{
    Faulty, PowerThreshold, Stake, StakedPrice, WeightedPrice, median, stake_weighted_median, upper_median,
    weighted_median,
};
pub use number::{BasisPoints, Exponent, PriceUnits, ScaledPrice, Weight};
pub use twap::{PriceAt, TickReading, Window, mean_tick, time_weighted_mean};

/// Why there is no price.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OracleError {
    /// Nothing, or too little, is left to make a price of.
    #[error("{have} usable prices, {need} needed")]
    TooFew {
        /// Usable ones.
        have: usize,
        /// Fewest that make a price.
        need: usize,
    },
    /// All weights are zero.
    #[error("the weights of the usable prices add up to zero")]
    NoWeight,
    /// Too few validators by stake.
    #[error("validators with {reported} of {total} stake reported, less than {per_mille} in a thousand")]
    TooLittlePower {
        /// Stake of those that reported.
        reported: u128,
        /// Stake of all.
        total: u64,
        /// Least share.
        per_mille: u16,
    },
    /// More reported than there is.
    #[error("{reported} stake reported of {total} in all: the total is wrong or a validator counts twice")]
    TooMuchPower {
        /// Stake of those that reported.
        reported: u128,
        /// Stake of all.
        total: u64,
    },
    /// Exact arithmetic left its range.
    #[error("{0} leaves the range of its integer")]
    Overflow(&'static str),
    /// A decimal has digits that whole units cannot hold.
    #[error("has digits below 10^{exponent}, the unit of prices")]
    TooFine {
        /// Of the unit.
        exponent: i32,
    },
    /// A window without a price at its start, or that ends before it begins.
    #[error("no mean over the window: {0}")]
    Window(&'static str),
    /// A delayed price that may not move yet.
    #[error("the delayed price does not move: {0}")]
    Delayed(&'static str),
}
