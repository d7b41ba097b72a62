//! Statistics of what came of hedges: errors, tails, tests between two of them, and their uncertainty.
//!
//! | question | function |
//! |---|---|
//! | how large is an error? | [`root_mean_square`], [`mean_absolute`], [`mean`], [`variance`] |
//! | how bad is the bad tail? | [`lower_tail`], [`quantile`] |
//! | is one loss smaller than another? | [`diebold_mariano`] on loss differentials, one for each instant |
//! | how uncertain is a mean of dependent values? | [`long_run_variance`] (Newey-West) |
//! | how uncertain is any other figure? | [`block_interval`]: blocks of whole instants drawn again |
//! | what belongs to one instant? | [`mean_by_group`] |
//!
//! Values of one instant (options of one snapshot, positions of one day) move together. Tests and draws therefore take one value an
//! instant: [`mean_by_group`] first.
//!
//! All sums run in the order given; no figure depends on threads. Figures that do not exist (of nothing, of one value where two are
//! needed) are `None`, never NaN.
//!
//! ```
//! use backtest::statistics::{Lags, diebold_mariano};
//! // First squared error less second, instant by instant: the second is smaller but once.
//! let test = diebold_mariano(&[2.0, 1.0, 3.0, -1.0, 2.0, 2.0], Lags::Exactly(0)).ok_or("too few")?;
//! assert!((test.mean - 1.5).abs() < 1e-15 && test.statistic > 2.0 && test.p_value < 0.05);
//! # Ok::<(), &str>(())
//! ```

mod bootstrap;
mod diebold_mariano;
mod generator;
mod groups;
mod moments;
mod tail;

pub use bootstrap::{Bootstrap, BootstrapError, Interval, block_interval, block_starts};
pub use diebold_mariano::{DieboldMariano, Lags, diebold_mariano, long_run_variance};
pub use generator::{Generator, hashed_unit};
pub use groups::mean_by_group;
pub use moments::{mean, mean_absolute, root_mean_square, variance};
pub use tail::{LowerTail, lower_tail, quantile, weighted_lower_tail};
