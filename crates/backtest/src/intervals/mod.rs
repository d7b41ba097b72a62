//! Hedging one short option over one interval between recorded snapshots, again and again: which delta, with what.
//!
//! For each pair of consecutive snapshots and each option that is judged: sell one at the first, hedge its delta, value both at the
//! second, no costs and no funding. With v the value in coin, P the price of the hedge and δ the delta in coins:
//!
//! ```text
//! unhedged = -(v1 - v0)                      hedged = unhedged + δ P0 (1/P0 - 1/P1)        coin accounts
//! unhedged = -(v1 P1 - v0 P0)                hedged = unhedged + δ (P1 - P0)               USD accounts
//! with a vega leg of q each of call and put h: + q (h1 - h0) summed, and δ - q δ_h summed in the place of δ
//! ```
//!
//! The rules are those of a published benchmark on the same recordings (S. Mahbub, thesis on inverse options, 2026): the filter
//! [`market::surface::Cleaning::BENCHMARK`], about 30 % of the kept options held out of anything that learns, intervals that cross the
//! expiry excluded. Deltas and vegas are Black's at the mark vol on the printed forward.
//!
//! What is learnt ([`Dynamics::MinimumVariance`]) is learnt from the other options, from marks, and from intervals that have ended:
//! whatever is judged, is judged out of sample. Whether one strategy beats another is tested on losses averaged snapshot by snapshot
//! ([`crate::statistics::diebold_mariano`]), because options of one snapshot move together.
//!
//! | step | where |
//! |---|---|
//! | what is compared | [`Plan`] |
//! | a snapshot, reduced | [`Frame::of`]: pure, may run side by side |
//! | frames in order of time | [`Walk::take`] |
//! | figures | [`Walk::finish`] gives an [`Outcome`] a coin |
//!
//! Every option that is judged ends as an interval or under a reason ([`Skipped`]). Left out: costs, funding, options that settle in
//! dollars (counted), hedges over more than one interval (see the straddle backtests).
//!
//! ```
//! use backtest::intervals::{Frame, Plan, PerpetualPrices, Walk};
//! # use backtest::intervals::{DeltaChoice, Dynamics, HedgeWith, HeldOut, Strategy, Valuation, VegaLeg};
//! # use backtest::statistics::Bootstrap;
//! # use hedge::delta::Accounting;
//! # use market::surface::SkewStickiness;
//! # let strategy = Strategy {
//! #     name: "net".into(),
//! #     delta: DeltaChoice { accounting: Accounting::Coin, dynamics: Dynamics::AlongSmile(SkewStickiness::STICKY_STRIKE) },
//! #     hedge: HedgeWith::Perpetual,
//! #     vega: VegaLeg::Without,
//! # };
//! # let plan = Plan {
//! #     accounting: Accounting::Coin,
//! #     valuation: Valuation::Mid,
//! #     held_out: HeldOut { share: 0.3, seed: 0 },
//! #     price_age_most_seconds: 300.0,
//! #     tail: 0.05,
//! #     bootstrap: Bootstrap { block: 20, draws: 100, confidence: 0.95, seed: 0 },
//! #     strategies: vec![strategy],
//! #     baseline: 0,
//! # };
//! # let snapshots: Vec<market::Snapshot> = Vec::new();
//! let mut walk = Walk::new(&plan, PerpetualPrices::default())?;
//! for snapshot in &snapshots {
//!     walk.take(Frame::of(snapshot, &plan))?;
//! }
//! assert!(walk.finish()?.is_empty(), "no snapshot, no coin");
//! # Ok::<(), backtest::intervals::IntervalsError>(())
//! ```

mod frame;
mod learner;
mod outcome;
mod pair;
mod plan;
mod prices;
mod walk;

pub use frame::{CoinFrame, Frame};
pub use outcome::{AgainstBaseline, Counts, Outcome, StrategyOutcome};
pub use pair::Skipped;
pub use plan::{DeltaChoice, Dynamics, Gating, HedgeWith, HeldOut, Plan, Strategy, Valuation, VegaLeg};
pub use prices::PerpetualPrices;
pub use walk::Walk;

use crate::statistics::BootstrapError;
use hedge::delta::DeltaError;
use units::Timestamp;

/// Why a run ends.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum IntervalsError {
    /// A plan without a strategy, or whose baseline is not among them.
    #[error("a plan has at least one strategy, and its baseline is one of them")]
    NoBaseline,
    /// A draw that draws nothing.
    #[error("a held-out share of {0}: write a number above 0 and at most 1")]
    Share(f64),
    /// A tail outside the distribution.
    #[error("a tail of {0}: write a level above 0 and below 1, such as 0.05")]
    Tail(f64),
    /// Prices cannot be younger than now.
    #[error("prices of the perpetual at most {0} seconds old: write zero or more")]
    Age(f64),
    /// A parameter of a delta.
    #[error(transparent)]
    Delta(#[from] DeltaError),
    /// A parameter of the bootstrap.
    #[error(transparent)]
    Bootstrap(#[from] BootstrapError),
    /// Snapshots go forward in time.
    #[error("snapshot {time} is not later than {before}")]
    Order {
        /// The snapshot given.
        time: Timestamp,
        /// The one before it.
        before: Timestamp,
    },
}

#[cfg(test)]
mod tests;
