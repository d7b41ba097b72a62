//! Deribit's index: mid of each usable source, median, each mid clamped to the median ∓ a fraction, weighted mean.
//!
//! A source is not used when it is disabled, when a side is not above zero or the book is crossed, or when it is older than
//! three minutes (exactly three minutes still counts). One wrong source of three or more moves the index by at most the clamp.
//! The whole computation is exact in halves and ten-thousandths of a unit; the result is rounded once, half to even.

use super::number::{WHOLE_BP, half_even, to_price};
use super::{BasisPoints, OracleError, PriceUnits, Weight};
use std::collections::BTreeMap;
use units::Timestamp;

/// One exchange's best bid and ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexSource {
    /// Which exchange.
    pub id: String,
    /// Best bid.
    pub bid: PriceUnits,
    /// Best ask.
    pub ask: PriceUnits,
    /// Normally the same for all.
    pub weight: Weight,
    /// When the exchange said so.
    pub source_time: Timestamp,
    /// False when the operator has taken it out.
    pub is_enabled: bool,
}

/// Numbers of the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexRule {
    /// How far from the median a source counts.
    pub clamp: BasisPoints,
    /// Oldest quote that counts, in seconds.
    pub max_age_seconds: u32,
    /// Fewest usable sources.
    pub min_sources: usize,
}

impl IndexRule {
    /// Half a percent, three minutes.
    pub const DERIBIT: Self = Self { clamp: BasisPoints(50), max_age_seconds: 180, min_sources: 1 };
}

/// Which rule of the index took a source out, with its numbers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceRule {
    /// By the operator.
    #[error("disabled")]
    Disabled,
    /// A side that is no price.
    #[error("bid {} and ask {}: both must be above zero", .bid.0, .ask.0)]
    NotPositive {
        /// Best bid.
        bid: PriceUnits,
        /// Best ask.
        ask: PriceUnits,
    },
    /// Somebody pays more than somebody else asks.
    #[error("bid {} above ask {}", .bid.0, .ask.0)]
    Crossed {
        /// Best bid.
        bid: PriceUnits,
        /// Best ask.
        ask: PriceUnits,
    },
    /// Too old.
    #[error("{age_nanos} ns old, at most {limit_nanos} allowed")]
    Old {
        /// Since the source's time.
        age_nanos: i128,
        /// What is allowed.
        limit_nanos: i128,
    },
    /// From the future: a clock is wrong.
    #[error("{ahead_nanos} ns ahead of the clock")]
    Ahead {
        /// How far.
        ahead_nanos: i128,
    },
    /// Named more than once: which of them is right is not for this program to guess.
    #[error("named {times} times")]
    Duplicate {
        /// How often.
        times: usize,
    },
}

/// A source that counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CappedSource {
    /// Which.
    pub id: String,
    /// Its mid, rounded down to a unit.
    pub mid: PriceUnits,
    /// What counted instead, rounded half to even to a unit.
    pub capped: PriceUnits,
    /// Its weight.
    pub weight: Weight,
}

/// A source that did not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedSource {
    /// Which.
    pub id: String,
    /// Why.
    pub rule: SourceRule,
}

/// An index with what it was made of, by name of the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexPrice {
    /// The index.
    pub price: PriceUnits,
    /// Median of the mids, rounded down to a unit.
    pub median: PriceUnits,
    /// Sources that counted.
    pub used: Vec<CappedSource>,
    /// Sources that did not.
    pub rejected: Vec<RejectedSource>,
}

/// Computes the index as of `now`.
///
/// # Errors
/// When fewer sources than needed are usable or none of them has weight.
pub fn capped_index(
    sources: &[IndexSource],
    rule: IndexRule,
    now: Timestamp,
) -> Result<IndexPrice, OracleError> {
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for source in sources {
        *times.entry(&source.id).or_default() += 1;
    }
    let broken = |source: &IndexSource| match times.get(source.id.as_str()) {
        Some(&times) if times > 1 => Some(SourceRule::Duplicate { times }),
        _ => broken_rule(source, rule, now),
    };
    let mut sorted: Vec<&IndexSource> = sources.iter().collect();
    sorted.sort_by(|a, b| a.id.cmp(&b.id));
    let (mut usable, mut rejected) = (Vec::new(), Vec::new());
    for source in sorted {
        match broken(source) {
            None => usable.push(source),
            Some(rule) => rejected.push(RejectedSource { id: source.id.clone(), rule }),
        }
    }
    rejected.dedup();
    let need = rule.min_sources.max(1);
    if usable.len() < need {
        return Err(OracleError::TooFew { have: usable.len(), need });
    }
    let doubled = |s: &IndexSource| i128::from(s.bid.0) + i128::from(s.ask.0);
    let points: Vec<(i128, Weight)> = usable.iter().map(|s| (doubled(s), s.weight)).collect();
    let mean = Capped::of(&points, rule.clamp)?;
    let price_of = |source: &&IndexSource| {
        Ok(CappedSource {
            id: source.id.clone(),
            mid: to_price(doubled(source).div_euclid(2))?,
            capped: to_price(half_even(mean.clamped(doubled(source)), Capped::UNITS))?,
            weight: source.weight,
        })
    };
    Ok(IndexPrice {
        price: mean.price,
        median: to_price(mean.median_x4.div_euclid(4))?,
        used: usable.iter().map(price_of).collect::<Result<_, OracleError>>()?,
        rejected,
    })
}

fn broken_rule(source: &IndexSource, rule: IndexRule, now: Timestamp) -> Option<SourceRule> {
    let IndexSource { bid, ask, .. } = *source;
    let age_nanos = i128::from(now.unix_nanos()) - i128::from(source.source_time.unix_nanos());
    let limit_nanos = i128::from(rule.max_age_seconds) * 1_000_000_000;
    if !source.is_enabled {
        Some(SourceRule::Disabled)
    } else if bid.0 <= 0 || ask.0 <= 0 {
        Some(SourceRule::NotPositive { bid, ask })
    } else if bid > ask {
        Some(SourceRule::Crossed { bid, ask })
    } else if age_nanos > limit_nanos {
        Some(SourceRule::Old { age_nanos, limit_nanos })
    } else if age_nanos < 0 {
        Some(SourceRule::Ahead { ahead_nanos: -age_nanos })
    } else {
        None
    }
}

/// The weighted mean of values clamped to their median.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Capped {
    pub(super) price: PriceUnits,
    /// Four times the median.
    pub(super) median_x4: i128,
    clamp: BasisPoints,
}

impl Capped {
    /// How many of the inner unit make a unit of price: quarters (a mean of two mids) of ten-thousandths (the clamp).
    const UNITS: i128 = 4 * WHOLE_BP;

    /// From positive values in halves of a unit, with their weights.
    pub(super) fn of(doubled: &[(i128, Weight)], clamp: BasisPoints) -> Result<Self, OracleError> {
        let mut sorted: Vec<i128> = doubled.iter().map(|(value, _)| *value).collect();
        sorted.sort_unstable();
        let half = sorted.len() / 2;
        let low = half.checked_sub(1 - sorted.len() % 2).and_then(|low| sorted.get(low));
        let (Some(low), Some(high)) = (low, sorted.get(half)) else {
            return Err(OracleError::TooFew { have: 0, need: 1 });
        };
        let mut capped = Self { price: PriceUnits(0), median_x4: low + high, clamp };
        let total: i128 = doubled.iter().map(|(_, weight)| i128::from(weight.0)).sum();
        if total == 0 {
            return Err(OracleError::NoWeight);
        }
        let mut sum = 0_i128;
        for (value, weight) in doubled {
            // 2^64 for a doubled price, 2^17 for the inner unit, 2^32 for the weight leave 2^14 sources of room.
            let weighted = capped.clamped(*value).checked_mul(weight.0.into());
            let added = weighted.and_then(|weighted| sum.checked_add(weighted));
            sum = added.ok_or(OracleError::Overflow("the sum of weighted prices"))?;
        }
        capped.price = to_price(half_even(sum, total * Self::UNITS))?;
        Ok(capped)
    }

    /// A value in halves of a unit, clamped, in the inner unit.
    fn clamped(&self, doubled: i128) -> i128 {
        let width = self.median_x4.abs() * i128::from(self.clamp.0);
        let centre = self.median_x4 * WHOLE_BP;
        (doubled * 2 * WHOLE_BP).clamp(centre - width, centre + width)
    }
}
