//! Pyth's aggregate and averages, unit for unit.
//!
//! Aggregate: a publisher counts when it says it trades, its confidence is above zero, price ∓ confidence fit into 64 bits and its
//! slot is at most `max_latency_slots` old. Each gives three votes: p - c, p, p + c. Of the k sorted votes, p25 is number k/4 from
//! below, p75 the same from above, the price is the middle (of two, their mean rounded down), the confidence is the larger of
//! p50 - p25 and p75 - p50. Too few publishers: no price.
//!
//! Averages: see [`Averages`]. Source of the rules: pyth-client, `program/c/src/oracle/upd_aggregate.h`, `pd.h`; compared by
//! `plimsoll conformance oracle-pyth`. Left out: the shift of the weights by the publishers' caps, which is off-chain.

mod average;
mod short;

pub use average::{Averages, SlotsPassed};

use super::number::floor_middle;
use super::{OracleError, PriceUnits};

/// Half-width of a publisher's or an aggregate's interval, in units of the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, serde::Serialize)]
pub struct ConfidenceUnits(pub u64);

/// A slot of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot(pub u64);

/// What a publisher says of its own price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The market trades.
    Trading,
    /// Anything else: unknown, halted, auction.
    NotTrading,
}

/// A publisher's latest price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublisherQuote {
    /// Its price.
    pub price: PriceUnits,
    /// Its half-width.
    pub confidence: ConfidenceUnits,
    /// Whether it stands behind it.
    pub status: Status,
    /// When it published.
    pub slot: Slot,
}

/// Numbers of the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PythRule {
    /// Oldest quote that counts.
    pub max_latency_slots: u64,
    /// Fewest publishers.
    pub min_publishers: usize,
}

impl PythRule {
    /// As the program has it unless told otherwise.
    pub const DEFAULT: Self = Self { max_latency_slots: 25, min_publishers: 0 };
}

/// An aggregate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct PythPrice {
    /// Median of the votes.
    pub price: PriceUnits,
    /// Larger distance of the quartiles from it.
    pub confidence: ConfidenceUnits,
}

/// Aggregates as of a slot.
///
/// # Errors
/// When too few publishers count; the program then keeps its last price and calls its status unknown.
pub fn aggregate(quotes: &[PublisherQuote], rule: PythRule, now: Slot) -> Result<PythPrice, OracleError> {
    let votes: Vec<[i64; 3]> = quotes.iter().filter_map(|quote| votes(quote, rule, now)).collect();
    let need = rule.min_publishers.max(1);
    if votes.len() < need {
        return Err(OracleError::TooFew { have: votes.len(), need });
    }
    quartiles(votes.into_flattened()).ok_or(OracleError::TooFew { have: 0, need })
}

fn votes(quote: &PublisherQuote, rule: PythRule, now: Slot) -> Option<[i64; 3]> {
    // A slot ahead of now has no age; the program that stores quotes refuses it.
    let age_slots = now.0.saturating_sub(quote.slot.0);
    let counts = quote.status == Status::Trading && age_slots <= rule.max_latency_slots;
    let confidence = i64::try_from(quote.confidence.0).ok().filter(|c| *c > 0 && counts)?;
    let price = quote.price.0;
    Some([price.checked_sub(confidence)?, price, price.checked_add(confidence)?])
}

/// Median and larger quartile distance of votes.
pub(super) fn quartiles(mut votes: Vec<i64>) -> Option<PythPrice> {
    votes.sort_unstable();
    let count = votes.len();
    let (half, quarter) = (count / 2, count / 4);
    let upper = *votes.get(half)?;
    let lower = *votes.get(half.checked_sub(1 - count % 2)?)?;
    let price = floor_middle(lower, upper);
    let below = price.0.abs_diff(*votes.get(quarter)?);
    let above = votes.get(count.checked_sub(1 + quarter)?)?.abs_diff(price.0);
    Some(PythPrice { price, confidence: ConfidenceUnits(below.max(above)) })
}
