//! Quality of a feed: what is late, missing, repeated, crossed, frozen or absurd in a sequence of observations.
//!
//! A [`FeedMonitor`] follows one group of streams (the options of a coin, a perpetual, an index) and sees each observation once, in
//! the order of arrival; [`FeedMonitor::report`] says what it has seen so far. The same monitor serves a recorded file and a live feed.
//! It is a pure fold: no clock, no file, the same observations give the same report. Memory is bounded: a state of about 700 bytes a
//! stream, at most [`MOST_STREAMS`] streams, and histograms of fixed size.
//!
//! | figure | rule |
//! |---|---|
//! | cadence | median time between neighbours of one stream |
//! | gap | a longer time than [`GAP_CADENCES`] cadences |
//! | duplicate, conflict | a second observation of a stream at one source time: the same figures, or others |
//! | out of order | earlier than an observation of its stream that came before; not used for anything else |
//! | crossed, one-sided | bid above ask; one of the two without the other |
//! | missing, not a price | no main figure; a main figure that is not finite, or not above zero where it must be |
//! | frozen | [`FROZEN_OBSERVATIONS`] or more neighbours with all figures the same, while at least half of the other streams' observations changed |
//! | outlier | a move beyond [`OUTLIER_MADS`] x 1.4826 MAD, where a move is log (or plain) change over the root of seconds, and the MAD is the median size of the stream's last 64 moves; judged from 20 moves on |
//! | spike | an outlier of which the next observation takes back at least half |
//! | latency, skew | receive time less source time: quantiles of those at or above zero; those below are a clock that is wrong |
//!
//! Quantiles come from a histogram with 32 buckets an octave: the least number seen in the bucket, at most 3.1 % below the exact figure.
//! The number of gaps is one of whole buckets, so a time within 3.1 % above the limit may not count. All else is exact.
//!
//! ```
//! use market::feed::{FeedMonitor, Moves, Observation};
//! let start: units::Timestamp = "2026-11-25T12:00:00Z".parse()?;
//! let mut monitor = FeedMonitor::new(Moves::Log);
//! for (row, second) in (1..).zip((0..40).chain(50..60)) {
//!     let value = 100.0 + f64::from(second % 3) + if second == 55 { 900.0 } else { 0.0 };
//!     let time = start.plus_millis(i64::from(second) * 1000);
//!     monitor.observe(&Observation { value: Some(value), ..Observation::at("BTC", row, time) });
//! }
//! let report = monitor.report();
//! assert_eq!(report.rows, 50);
//! assert_eq!((report.gaps.count, report.gaps.longest.unwrap().millis), (1, 11_000));
//! assert_eq!((report.outliers.spikes, report.outliers.worst.unwrap().place.row), (1, 46));
//! # Ok::<(), units::UnitError>(())
//! ```

mod monitor;
mod quantile;
mod stream;
#[cfg(test)]
mod tests;

pub use monitor::FeedMonitor;

use units::Timestamp;

/// Streams that a monitor follows; observations of others are counted and not judged.
pub const MOST_STREAMS: usize = 20_000;
/// A gap is longer than so many cadences.
pub const GAP_CADENCES: i64 = 3;
/// So many neighbours with the same figures are frozen, if others move.
pub const FROZEN_OBSERVATIONS: u64 = 5;
/// So many robust standard deviations make an outlier.
pub const OUTLIER_MADS: f64 = 10.0;

/// How the size of a move is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Moves {
    /// Log change: prices and vols, which are above zero.
    Log,
    /// Plain change: rates, which may be below.
    Plain,
}

/// One observation of one stream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observation<'a> {
    /// Which stream: an instrument, an index.
    pub stream: &'a str,
    /// Its place in the file or the log, from 1.
    pub row: u64,
    /// When the source said so.
    pub source_time: Timestamp,
    /// When it arrived; none in recordings that do not tell.
    pub receive_time: Option<Timestamp>,
    /// The main figure: mark, price, rate.
    pub value: Option<f64>,
    /// Another figure that changes with it, such as a mark vol; only for telling whether the stream is frozen.
    pub companion: Option<f64>,
    /// Best bid, for streams that have quotes.
    pub bid: Option<f64>,
    /// Best ask.
    pub ask: Option<f64>,
}

impl<'a> Observation<'a> {
    /// Without any figure.
    #[must_use]
    pub const fn at(stream: &'a str, row: u64, source_time: Timestamp) -> Self {
        Self {
            stream,
            row,
            source_time,
            receive_time: None,
            value: None,
            companion: None,
            bid: None,
            ask: None,
        }
    }
}

/// Where something was seen.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Place {
    /// Which stream.
    pub stream: String,
    /// Which row.
    pub row: u64,
    /// Source time of that row.
    pub time: Timestamp,
}

/// How often something was seen, and where first.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Seen {
    /// How often.
    pub count: u64,
    /// Where first.
    pub first: Option<Place>,
}

/// Times between neighbours.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Gaps {
    /// How many are longer than the limit.
    pub count: u64,
    /// The limit: so many cadences.
    pub limit_millis: Option<i64>,
    /// The longest time between neighbours, whether a gap or not.
    pub longest: Option<Gap>,
}

/// A time without observations.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Gap {
    /// The observation that ended it.
    pub place: Place,
    /// How long it took.
    pub millis: i64,
}

/// A run of equal figures.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Run {
    /// The last observation of it.
    pub place: Place,
    /// How many observations.
    pub observations: u64,
    /// From the first to the last.
    pub millis: i64,
}

/// Frozen runs, and the longest run of equal figures whether others moved or not.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Frozen {
    /// Runs that are frozen.
    pub runs: u64,
    /// Observations in them.
    pub observations: u64,
    /// The longest of them, by observations.
    pub longest: Option<Run>,
    /// The longest run of equal figures, frozen or not.
    pub longest_unchanged: Option<Run>,
}

/// A move that does not fit.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Outlier {
    /// Where it went to.
    pub place: Place,
    /// The figure before.
    pub from: f64,
    /// The figure there.
    pub to: f64,
    /// Its size in robust standard deviations of its stream.
    pub deviations: f64,
    /// Whether the next observation took back at least half.
    pub is_spike: bool,
}

/// All outliers.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize)]
pub struct Outliers {
    /// How many.
    pub count: u64,
    /// How many of them were taken back at once.
    pub spikes: u64,
    /// Moves that could not be judged: too early in their stream, or the median move is zero.
    pub not_judged: u64,
    /// The largest, by deviations.
    pub worst: Option<Outlier>,
}

/// Receive time less source time.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Latency {
    /// Observations with both times.
    pub count: u64,
    /// Median of those at or above zero.
    pub median_micros: Option<i64>,
    /// 99th percentile of those at or above zero.
    pub p99_micros: Option<i64>,
    /// The largest.
    pub max_micros: Option<i64>,
    /// Observations that arrived before they were made: a clock is wrong.
    pub negative: u64,
    /// The most negative.
    pub min_micros: Option<i64>,
}

/// What a monitor has seen.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct FeedReport {
    /// Observations.
    pub rows: u64,
    /// Streams among them.
    pub streams: u64,
    /// Observations of streams beyond [`MOST_STREAMS`], which are not judged.
    pub not_followed: u64,
    /// Earliest source time.
    pub first: Option<Timestamp>,
    /// Latest source time.
    pub last: Option<Timestamp>,
    /// Median time between neighbours of one stream.
    pub cadence_millis: Option<i64>,
    /// Times between neighbours.
    pub gaps: Gaps,
    /// Same stream, time and figures.
    pub duplicates: Seen,
    /// Same stream and time, other figures.
    pub conflicts: Seen,
    /// Earlier than what came before.
    pub out_of_order: Seen,
    /// Bid above ask.
    pub crossed: Seen,
    /// A bid without an ask, or an ask without a bid.
    pub one_sided: Seen,
    /// No main figure.
    pub missing: Seen,
    /// A main figure that is not finite, or not above zero where it must be.
    pub not_a_price: Seen,
    /// Runs of equal figures.
    pub frozen: Frozen,
    /// Moves that do not fit.
    pub outliers: Outliers,
    /// None without receive times.
    pub latency: Option<Latency>,
}
