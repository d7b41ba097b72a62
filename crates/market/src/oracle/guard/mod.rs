//! Guards: which sources count, which price is published, and whether anybody may act on it.
//!
//! A step takes the state, what the sources say now, and the time, and gives the next state and a [`Verdict`]; it is a pure
//! function. Every source is scored, and one that breaks a rule is rejected with the rule and its numbers. Those that remain are
//! made into a candidate: the mean of prices clamped to their median, with Pyth's quartile distance as confidence. Guards on the
//! candidate are findings, each with its level:
//!
//! | state | meaning | consequence |
//! |---|---|---|
//! | `valid` | nothing found | act |
//! | `suspect` | wide, disagreeing, moving too fast, far from its mean, off its peg | costs margin: the worse of price ∓ confidence; no new risk |
//! | `stale` | too few sources, too old, no price yet, the clock went back | no action; the last price is held |
//! | `halted` | a jump that is not confirmed, deep disagreement, sequencer down or just back, peg lost | no action |
//!
//! Worse states come at once. Better ones need `recovery_confirmations` rounds with newer data, and lead to the worst that was found
//! among them: that is the hysteresis. A jump beyond `breaker_move_bp` is published only after `breaker_confirmations` newer rounds
//! near the same price and `breaker_seconds` of time; the least allowed is two seconds, so a spike of one second never becomes the price.
//!
//! Left out: acting on the verdict (margin, liquidation and hedging read it), weights that learn, correlation between assets.
//!
//! ```
//! use market::oracle::guard::{GuardFile, Health, OracleState, Round, SourcePrice};
//! use market::oracle::{Exponent, PriceUnits, Weight};
//! let guards = GuardFile::embedded().map_err(|issues| issues.to_string())?;
//! let major = &guards.classes["major"];
//! let start: units::Timestamp = "2026-11-25T12:00:00Z".parse()?;
//! let says = |id: &str, price, time| SourcePrice {
//!     id: id.into(),
//!     price: PriceUnits(price),
//!     confidence: None,
//!     weight: Weight(1),
//!     source_time: time,
//! };
//! let mut state = OracleState::new(Exponent(-2));
//! for second in 0..4 {
//!     let now = start.plus_millis(second * 1000);
//!     // One of three multiplies its price by ten in the last second.
//!     let third = if second == 3 { 100_000_00 } else { 10_000_00 };
//!     let sources = [says("a", 10_000_00, now), says("b", 10_001_00, now), says("c", third, now)];
//!     let (next, verdict) = state.step(major, &Round { sources: &sources, sequencer: None }, now);
//!     state = next;
//!     if second == 3 {
//!         assert_eq!(verdict.health, Health::Valid);
//!         assert!(verdict.price.unwrap() <= PriceUnits(10_001_00));
//!         assert_eq!(verdict.rejected().next().unwrap().faults[0].to_string(), "89990 bp from the median, at most 200 allowed");
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod file;
mod machine;
mod recording;
mod score;
#[cfg(test)]
mod tests;

pub use file::{GuardFile, Guards, Peg};
pub use machine::OracleState;
pub use recording::{Recording, Rounds, RowsNotSeen};
pub use score::{SourceFault, SourceScore};

use super::pyth::ConfidenceUnits;
use super::{OracleError, PriceUnits, Weight};
use units::Timestamp;

/// What one source says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcePrice {
    /// Which.
    pub id: String,
    /// Its price, in the feed's exponent.
    pub price: PriceUnits,
    /// Its own half-width; none for sources that do not state one. Zero is a fault: nobody is certain.
    pub confidence: Option<ConfidenceUnits>,
    /// How much it counts.
    pub weight: Weight,
    /// When it said so.
    pub source_time: Timestamp,
}

/// Whether the sequencer of the chain that the price is used on runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sequencer {
    /// It runs since then.
    Up {
        /// Last start.
        since: Timestamp,
    },
    /// It does not.
    Down,
}

/// All that is known at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Round<'a> {
    /// The latest price of each source.
    pub sources: &'a [SourcePrice],
    /// None where there is no sequencer.
    pub sequencer: Option<Sequencer>,
}

/// How far a price is believed, from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Act on it.
    Valid,
    /// Margin on the worse side, no new risk.
    Suspect,
    /// No action.
    Stale,
    /// No action until confirmed.
    Halted,
}

impl Health {
    /// Whether positions may be opened at this price.
    #[must_use]
    pub const fn allows_new_risk(self) -> bool {
        matches!(self, Self::Valid)
    }

    /// Whether anything automatic may act on this price, liquidation included.
    #[must_use]
    pub const fn allows_action(self) -> bool {
        matches!(self, Self::Valid | Self::Suspect)
    }
}

/// What a guard found, with its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[serde(rename_all = "snake_case", tag = "rule")]
#[non_exhaustive]
pub enum Finding {
    /// Nothing was ever published.
    #[error("no price yet")]
    NoPrice,
    /// The clock that reads the sources went back.
    #[error("the clock went back by {back_millis} ms")]
    ClockBack {
        /// By how much.
        back_millis: i64,
    },
    /// Too few sources are usable.
    #[error("{used} usable sources, {need} needed")]
    TooFewSources {
        /// Usable.
        used: usize,
        /// Needed.
        need: u32,
    },
    /// The published price is old.
    #[error("{age_millis} ms old, at most {limit_millis} allowed")]
    Old {
        /// Of the oldest source behind it.
        age_millis: i64,
        /// What is allowed.
        limit_millis: i64,
    },
    /// The same, past the second limit.
    #[error("{age_millis} ms old, halted above {limit_millis}")]
    TooOld {
        /// Of the oldest source behind it.
        age_millis: i64,
        /// What is allowed.
        limit_millis: i64,
    },
    /// The interval around the price is wide.
    #[error("confidence of {found_bp} bp, suspect above {limit_bp}")]
    Wide {
        /// Half-width over price.
        found_bp: u64,
        /// What is allowed.
        limit_bp: u32,
    },
    /// Sources are apart.
    #[error("used sources {found_bp} bp apart, suspect above {limit_bp}")]
    Disagreement {
        /// Highest less lowest, over the median.
        found_bp: u64,
        /// What is allowed.
        limit_bp: u32,
    },
    /// Sources are so far apart that none is believed.
    #[error("used sources {found_bp} bp apart, halted above {limit_bp}")]
    DeepDisagreement {
        /// Highest less lowest, over the median.
        found_bp: u64,
        /// What is allowed.
        limit_bp: u32,
    },
    /// The price is far from its mean.
    #[error("{found_bp} bp from the mean of the window, suspect above {limit_bp}")]
    FarFromTwap {
        /// Distance over the mean.
        found_bp: u64,
        /// What is allowed.
        limit_bp: u32,
    },
    /// The price is so far from its mean that it is not acted on.
    #[error("{found_bp} bp from the mean of the window, halted above {limit_bp}")]
    VeryFarFromTwap {
        /// Distance over the mean.
        found_bp: u64,
        /// What is allowed.
        limit_bp: u32,
    },
    /// The price moves faster than allowed and is published as far as it may have come.
    #[error("moved {found_bp} bp since the last price, more than {limit_bp_per_second} bp a second")]
    Fast {
        /// Candidate against the last price.
        found_bp: u64,
        /// What is allowed.
        limit_bp_per_second: u32,
    },
    /// The breaker is open: the last price is held.
    #[error("jumped {found_bp} bp, more than {limit_bp}: {confirmations} of {need} confirmations")]
    Jump {
        /// Candidate against the last price.
        found_bp: u64,
        /// What is allowed.
        limit_bp: u32,
        /// Newer rounds that agreed.
        confirmations: u32,
        /// Needed, beside the time.
        need: u32,
    },
    /// The sequencer does not run.
    #[error("the sequencer is down")]
    SequencerDown,
    /// It has just come back.
    #[error("the sequencer runs for {up_millis} ms, trusted after {limit_millis}")]
    SequencerGrace {
        /// Since its start.
        up_millis: i64,
        /// When it is trusted.
        limit_millis: i64,
    },
    /// Off its peg.
    #[error("{found_bp} bp below its peg, suspect above {limit_bp}")]
    OffPeg {
        /// Below one.
        found_bp: u64,
        /// What is allowed.
        limit_bp: u32,
    },
    /// Far off its peg.
    #[error("{found_bp} bp below its peg, halted above {limit_bp}")]
    PegLost {
        /// Below one.
        found_bp: u64,
        /// What is allowed.
        limit_bp: u32,
    },
    /// The candidate left the range of its integer.
    #[error("the price of the used sources cannot be computed in 64 bits")]
    OutOfRange,
}

impl Finding {
    /// The state that it leads to.
    #[must_use]
    pub const fn health(&self) -> Health {
        match self {
            Self::Wide { .. }
            | Self::Disagreement { .. }
            | Self::FarFromTwap { .. }
            | Self::Fast { .. }
            | Self::OffPeg { .. } => Health::Suspect,
            Self::NoPrice | Self::ClockBack { .. } | Self::TooFewSources { .. } | Self::Old { .. } => {
                Health::Stale
            }
            Self::TooOld { .. }
            | Self::DeepDisagreement { .. }
            | Self::VeryFarFromTwap { .. }
            | Self::Jump { .. }
            | Self::SequencerDown
            | Self::SequencerGrace { .. }
            | Self::PegLost { .. }
            | Self::OutOfRange => Health::Halted,
        }
    }
}

/// What a step says.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Verdict {
    /// The published price; held from before where nothing better is believed; none before the first.
    pub price: Option<PriceUnits>,
    /// Half-width of the interval around it.
    pub confidence: ConfidenceUnits,
    /// Age of the oldest source behind it.
    pub age_millis: Option<i64>,
    /// How far it is believed, after hysteresis.
    pub health: Health,
    /// What the used sources say now, whether it was published or not.
    pub candidate: Option<PriceUnits>,
    /// Every source, by name.
    pub sources: Vec<SourceScore>,
    /// What the guards found in this round; the state may be worse, because better states need confirmation.
    pub findings: Vec<Finding>,
}

/// Prices for margin: the worse side for what is owned and for what is owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarginPrices {
    /// For what is owned.
    pub owned: PriceUnits,
    /// For what is owed.
    pub owed: PriceUnits,
}

impl Verdict {
    /// Sources that count.
    pub fn used(&self) -> impl Iterator<Item = &SourceScore> {
        self.sources.iter().filter(|source| source.faults.is_empty())
    }

    /// Sources that do not, each with its rule and numbers.
    pub fn rejected(&self) -> impl Iterator<Item = &SourceScore> {
        self.sources.iter().filter(|source| !source.faults.is_empty())
    }

    /// The price while it is valid; else price - confidence (not below zero) for what is owned, price + confidence for what is owed.
    ///
    /// # Errors
    /// Without a price, or when the sum leaves 64 bits.
    pub fn margin_prices(&self) -> Result<MarginPrices, OracleError> {
        let price = self.price.ok_or(OracleError::TooFew { have: 0, need: 1 })?;
        if self.health == Health::Valid {
            return Ok(MarginPrices { owned: price, owed: price });
        }
        let owned = price.0.saturating_sub_unsigned(self.confidence.0).max(0);
        let owed = price.0.checked_add_unsigned(self.confidence.0);
        let owed = owed.ok_or(OracleError::Overflow("price + confidence"))?;
        Ok(MarginPrices { owned: PriceUnits(owned), owed: PriceUnits(owed) })
    }
}
