//! Recorded levels of risk factors, and the joint moves that they made together.
//!
//! ```text
//! series per factor -> Panel (days on which every factor has a level) -> Moves (joint, over whole days) -> shocks, covariance
//! ```
//!
//! A factor is the spot of a coin (moves are log returns) or its 30-day vol (moves are vol points). A level counts at midnight UTC
//! if it is at most six hours old then; a day on which one factor has none is left out and counted, never filled. A window
//! needs both of its ends, not what lies between. Overlapping windows start every day and share days, so they are not
//! independent; windows that do not overlap are taken backwards from the newest day.
//!
//! Filtered moves are rescaled to today's volatility: move x sd now / sd at the window's start, sd by exponential weighting of
//! squared daily moves, `s² <- 0.94 s² + 0.06 x²` (J.P. Morgan's RiskMetrics Technical Document, 1996), begun with the mean of
//! the first [`WARM_UP`]; it never sees the window that it scales.
//!
//! Left out: drift, intraday lows (a window has only its ends), moves of stablecoins and of forwards against spot.
//!
//! ```
//! use risk::history::{Factor, History, Overlap, Panel, Series};
//! use units::Asset;
//! let btc = Factor::Spot(Asset::new("BTC")?);
//! let series = Series::new(vec![(0, 100.0), (86_400, 110.0), (172_800, 99.0)])?;
//! let history = History::from([(btc.clone(), series)]);
//! let moves = Panel::new(&history, &[btc])?.moves(1, Overlap::None)?;
//! assert_eq!(moves.windows.len(), 2);
//! assert!((moves.row(0)[0] - 1.1f64.ln()).abs() < 1e-15);
//! assert!(Series::new(vec![(0, 100.0), (0, 101.0)]).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod filtered;

use std::collections::BTreeMap;
use std::fmt;
use units::{Asset, Timestamp};

pub(crate) use filtered::DECAY;
pub use filtered::WARM_UP;

/// What moves: the spot of a coin, or its 30-day vol.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Factor {
    /// Levels in USD, moves as log returns.
    Spot(Asset),
    /// Levels and moves in vol points.
    Vol(Asset),
}

impl Factor {
    /// Whose.
    #[must_use]
    pub const fn asset(&self) -> &Asset {
        match self {
            Self::Spot(asset) | Self::Vol(asset) => asset,
        }
    }

    /// `spot` or `vol`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Spot(_) => "spot",
            Self::Vol(_) => "vol",
        }
    }
}

impl fmt::Display for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.asset(), self.kind())
    }
}

/// What a history cannot be used for, and why.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// Two levels at one instant, or out of order.
    #[error("levels are in order of time, each instant once: {at} is not after the one before")]
    NotAscending {
        /// The instant.
        at: Timestamp,
    },
    /// A level that is no level.
    #[error("a level is finite and above zero; at {at} it is {value}")]
    Level {
        /// When.
        at: Timestamp,
        /// What.
        value: f64,
    },
    /// A factor without a series.
    #[error("no history of {factor}")]
    NoSeries {
        /// Which.
        factor: Factor,
    },
    /// The series have no days in common, or too few.
    #[error(
        "{found} joint windows of {horizon_days} d, at least {needed} are needed: give a longer history, or one whose days overlap \
         ({days} days have a level of every factor, at most six hours old at midnight UTC; {skipped} lack one)"
    )]
    TooShort {
        /// Windows there are.
        found: usize,
        /// Windows there should be.
        needed: usize,
        /// Length of each.
        horizon_days: u32,
        /// Joint days.
        days: usize,
        /// Days left out because a factor has no level.
        skipped: usize,
    },
    /// A factor whose volatility is zero has nothing to be rescaled by.
    #[error(
        "{factor} does not move for so long that its volatility is zero: is its history filled with one value?"
    )]
    NoMovement {
        /// Which.
        factor: Factor,
    },
    /// A horizon that is none.
    #[error("a horizon is 1 to 366 whole days, not {days}")]
    Horizon {
        /// As given.
        days: u32,
    },
}

/// Levels of one factor: USD, or vol points.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    points: Vec<(i64, f64)>,
}

const DAY: i64 = 86_400;
/// A level older than this says nothing about midnight.
const MAX_AGE: i64 = 6 * 3_600;

impl Series {
    /// From pairs of Unix seconds, at which the level holds, and the level.
    ///
    /// # Errors
    /// When they are not in order of time, or one is not a number above zero.
    pub fn new(points: Vec<(i64, f64)>) -> Result<Self, HistoryError> {
        let mut before = None;
        for (at, level) in &points {
            if before.is_some_and(|before| *at <= before) {
                return Err(HistoryError::NotAscending { at: instant(*at) });
            }
            if !level.is_finite() || *level <= 0.0 {
                return Err(HistoryError::Level { at: instant(*at), value: *level });
            }
            before = Some(*at);
        }
        Ok(Self { points })
    }

    /// How many levels.
    #[must_use]
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// True without levels.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    fn at(&self, instant: i64) -> Option<f64> {
        let after = self.points.partition_point(|(at, _)| *at <= instant);
        let (at, level) = self.points.get(after.checked_sub(1)?)?;
        (instant - at <= MAX_AGE).then_some(*level)
    }
}

fn instant(seconds: i64) -> Timestamp {
    Timestamp::from_unix_nanos(seconds.saturating_mul(1_000_000_000))
}

/// Series by factor.
pub type History = BTreeMap<Factor, Series>;

/// Whether windows may share days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlap {
    /// A window starts every day.
    Daily,
    /// A window starts where the one before ends.
    None,
}

/// From midnight to midnight, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Window {
    /// Start.
    pub from: Timestamp,
    /// End.
    pub to: Timestamp,
}

/// Levels of all factors on the days that have them all.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    factors: Vec<Factor>,
    /// Days since 1970, ascending.
    days: Vec<i64>,
    /// Days x factors.
    levels: Vec<f64>,
    skipped: usize,
}

/// Joint moves: windows x factors.
#[derive(Debug, Clone, PartialEq)]
pub struct Moves {
    /// Length of each window.
    pub horizon_days: u32,
    /// Columns.
    pub factors: Vec<Factor>,
    /// Rows, in order of time.
    pub windows: Vec<Window>,
    /// Days between the first and the last that lack a level of some factor.
    pub days_skipped: usize,
    values: Vec<f64>,
}

impl Moves {
    /// Moves of one window in the order of factors; empty for a window that does not exist.
    #[must_use]
    pub fn row(&self, window: usize) -> &[f64] {
        let width = self.factors.len();
        self.values.get(window * width..(window + 1) * width).unwrap_or(&[])
    }

    /// All rows in order.
    pub fn rows(&self) -> impl Iterator<Item = &[f64]> {
        (0..self.windows.len()).map(|window| self.row(window))
    }
}

impl Panel {
    /// The days on which every one of the factors has a level.
    ///
    /// # Errors
    /// [`HistoryError::NoSeries`].
    pub fn new(history: &History, factors: &[Factor]) -> Result<Self, HistoryError> {
        let series = factors
            .iter()
            .map(|f| history.get(f).ok_or_else(|| HistoryError::NoSeries { factor: f.clone() }))
            .collect::<Result<Vec<_>, _>>()?;
        let first = series.iter().filter_map(|s| s.points.first()).map(|(at, _)| *at).max();
        let last = series.iter().filter_map(|s| s.points.last()).map(|(at, _)| *at).min();
        let mut panel = Self { factors: factors.to_vec(), days: Vec::new(), levels: Vec::new(), skipped: 0 };
        let (Some(first), Some(last)) = (first, last) else { return Ok(panel) };
        if series.iter().any(|s| s.is_empty()) {
            return Ok(panel);
        }
        for day in first.div_euclid(DAY)..=last.div_euclid(DAY) + 1 {
            let levels: Option<Vec<f64>> = series.iter().map(|s| s.at(day * DAY)).collect();
            match levels {
                Some(levels) => {
                    panel.days.push(day);
                    panel.levels.extend(levels);
                }
                None if panel.days.is_empty() || day * DAY > last => {}
                None => panel.skipped += 1,
            }
        }
        Ok(panel)
    }

    /// The newest joint day.
    #[must_use]
    pub fn last(&self) -> Option<Timestamp> {
        self.days.last().map(|day| instant(day * DAY))
    }

    /// Joint moves over so many days.
    ///
    /// # Errors
    /// [`HistoryError::Horizon`], and [`HistoryError::TooShort`] when there is no window at all.
    pub fn moves(&self, horizon_days: u32, overlap: Overlap) -> Result<Moves, HistoryError> {
        if !(1..=366).contains(&horizon_days) {
            return Err(HistoryError::Horizon { days: horizon_days });
        }
        let horizon = i64::from(horizon_days);
        let mut pairs: Vec<(usize, usize)> = Vec::new();
        let mut next = i64::MAX;
        for (end, day) in self.days.iter().enumerate().rev() {
            if overlap == Overlap::None && *day > next {
                continue;
            }
            if let Ok(start) = self.days.binary_search(&(day - horizon)) {
                pairs.push((start, end));
                next = day - horizon;
            }
        }
        pairs.reverse();
        let mut values = Vec::with_capacity(pairs.len() * self.factors.len());
        for (start, end) in &pairs {
            for (place, factor) in self.factors.iter().enumerate() {
                values.push(step(factor, self.level(*start, place), self.level(*end, place)));
            }
        }
        let at = |place: usize| instant(self.days.get(place).map_or(0, |day| day * DAY));
        let windows: Vec<Window> =
            pairs.iter().map(|(start, end)| Window { from: at(*start), to: at(*end) }).collect();
        let moves = Moves {
            horizon_days,
            factors: self.factors.clone(),
            windows,
            days_skipped: self.skipped,
            values,
        };
        moves.at_least(1, self)
    }

    fn level(&self, day: usize, factor: usize) -> f64 {
        self.levels.get(day * self.factors.len() + factor).copied().unwrap_or(f64::NAN)
    }
}

impl Moves {
    /// Refuses a history that is too short for its use.
    fn at_least(self, needed: usize, panel: &Panel) -> Result<Self, HistoryError> {
        let found = self.windows.len();
        if found >= needed {
            return Ok(self);
        }
        let (days, skipped) = (panel.days.len(), panel.skipped);
        Err(HistoryError::TooShort { found, needed, horizon_days: self.horizon_days, days, skipped })
    }
}

fn step(factor: &Factor, from: f64, to: f64) -> f64 {
    match factor {
        Factor::Spot(_) => pricing::kernel::ln(to / from),
        Factor::Vol(_) => to - from,
    }
}

#[cfg(test)]
mod tests;
