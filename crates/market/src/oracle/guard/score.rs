//! Scores every source and says which rule rejects it.

use super::{Guards, Round, SourcePrice};
use crate::oracle::number::distance_bp;
use crate::oracle::{PriceUnits, median};
use std::collections::BTreeMap;
use units::Timestamp;

/// So many sources can outvote one; of two nobody knows which is wrong.
const ENOUGH_TO_OUTVOTE: usize = 3;
/// A score without any strain.
const FULL_SCORE: u32 = 10_000;

/// Why a source does not count, with its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error, serde::Serialize)]
#[serde(rename_all = "snake_case", tag = "rule")]
pub enum SourceFault {
    /// Which of them is right is not for this program to guess.
    #[error("named {times} times in one round")]
    Duplicate {
        /// How often.
        times: usize,
    },
    /// No price.
    #[error("price {price}: must be above zero")]
    NotPositive {
        /// Units.
        price: i64,
    },
    /// It counts for nothing.
    #[error("its weight is zero")]
    NoWeight,
    /// A source that claims to be certain has a bug.
    #[error("a confidence of zero claims certainty")]
    ZeroConfidence,
    /// A clock is wrong.
    #[error("{ahead_millis} ms in the future, at most {limit_millis} allowed")]
    Ahead {
        /// How far.
        ahead_millis: i64,
        /// What is allowed.
        limit_millis: i64,
    },
    /// Too old.
    #[error("{age_millis} ms old, at most {limit_millis} allowed")]
    Old {
        /// Since the source's time.
        age_millis: i64,
        /// What is allowed.
        limit_millis: i64,
    },
    /// Too uncertain.
    #[error("confidence of {found_bp} bp, at most {limit_bp} allowed")]
    Wide {
        /// Half-width over price.
        found_bp: u64,
        /// What is allowed.
        limit_bp: u32,
    },
    /// Alone with its opinion.
    #[error("{found_bp} bp from the median, at most {limit_bp} allowed")]
    Deviates {
        /// Distance over the median.
        found_bp: u64,
        /// What is allowed.
        limit_bp: u32,
    },
}

impl SourceFault {
    /// The rule in one word, as in JSON.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Duplicate { .. } => "duplicate",
            Self::NotPositive { .. } => "not_positive",
            Self::NoWeight => "no_weight",
            Self::ZeroConfidence => "zero_confidence",
            Self::Ahead { .. } => "ahead",
            Self::Old { .. } => "old",
            Self::Wide { .. } => "wide",
            Self::Deviates { .. } => "deviates",
        }
    }
}

/// One source, judged.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct SourceScore {
    /// Which.
    pub id: String,
    /// What it says.
    pub price: PriceUnits,
    /// How old that is; negative when it comes from the future.
    pub age_millis: i64,
    /// Half-width over price, where it states one.
    pub confidence_bp: Option<u64>,
    /// Distance from the median of the sources that have no other fault.
    pub deviation_bp: Option<u64>,
    /// From 10,000 (nothing strained) down to 0 (at a limit, or rejected): what is left of the most strained of age, confidence and deviation.
    pub score: u32,
    /// Empty for a source that counts.
    pub faults: Vec<SourceFault>,
}

/// A judged source beside what it said.
pub(super) struct Scored<'a> {
    pub(super) said: &'a SourcePrice,
    pub(super) score: SourceScore,
}

/// Milliseconds, rounded down; between any two instants they fit.
pub(super) fn millis_between(earlier: Timestamp, later: Timestamp) -> i64 {
    let nanos = i128::from(later.unix_nanos()) - i128::from(earlier.unix_nanos());
    i64::try_from(nanos.div_euclid(1_000_000)).unwrap_or(i64::MAX)
}

pub(super) fn millis(seconds: u32) -> i64 {
    i64::from(seconds) * 1000
}

/// Judges all sources of a round, by name and then by what they say, so that their order leaves no trace.
pub(super) fn score<'a>(round: &Round<'a>, guards: &Guards, now: Timestamp) -> Vec<Scored<'a>> {
    let mut sorted: Vec<&SourcePrice> = round.sources.iter().collect();
    sorted.sort_by_key(|s| (&s.id, s.source_time, s.price, s.confidence, s.weight));
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for source in &sorted {
        *times.entry(&source.id).or_default() += 1;
    }
    let judged = sorted.into_iter().map(|said| {
        let times = times.get(said.id.as_str()).copied().unwrap_or(1);
        Scored { said, score: alone(said, times, guards, now) }
    });
    let mut judged: Vec<Scored<'a>> = judged.collect();
    let eligible = judged.iter().filter(|s| s.score.faults.is_empty()).map(|s| s.said.price);
    let eligible: Vec<PriceUnits> = eligible.collect();
    if let Ok(median) = median(&eligible) {
        for scored in judged.iter_mut().filter(|s| s.said.price.0 > 0) {
            among(&mut scored.score, median, eligible.len(), guards);
        }
    }
    for scored in &mut judged {
        scored.score.score = headroom(&scored.score, guards);
    }
    judged
}

/// What can be said of a source without the others.
fn alone(said: &SourcePrice, times: usize, guards: &Guards, now: Timestamp) -> SourceScore {
    let age_millis = millis_between(said.source_time, now);
    let positive = i128::from(said.price.0.max(0));
    let confidence_bp = said.confidence.map(|c| distance_bp(positive.saturating_add(c.0.into()), positive));
    let mut faults = Vec::new();
    if times > 1 {
        faults.push(SourceFault::Duplicate { times });
    }
    if said.price.0 <= 0 {
        faults.push(SourceFault::NotPositive { price: said.price.0 });
    }
    if said.weight.0 == 0 {
        faults.push(SourceFault::NoWeight);
    }
    if said.confidence.is_some_and(|c| c.0 == 0) {
        faults.push(SourceFault::ZeroConfidence);
    }
    let (ahead, limit_millis) = (age_millis.saturating_neg(), millis(guards.ahead_tolerance_seconds));
    if ahead > limit_millis {
        faults.push(SourceFault::Ahead { ahead_millis: ahead, limit_millis });
    }
    let limit_millis = millis(guards.stale_after_seconds);
    if age_millis > limit_millis {
        faults.push(SourceFault::Old { age_millis, limit_millis });
    }
    let limit_bp = guards.confidence_reject_bp;
    if let Some(found_bp) = confidence_bp.filter(|bp| *bp > limit_bp.into() && said.price.0 > 0) {
        faults.push(SourceFault::Wide { found_bp, limit_bp });
    }
    SourceScore {
        id: said.id.clone(),
        price: said.price,
        age_millis,
        confidence_bp,
        deviation_bp: None,
        score: 0,
        faults,
    }
}

/// What the others say of it.
fn among(score: &mut SourceScore, median: PriceUnits, eligible: usize, guards: &Guards) {
    let found_bp = distance_bp(score.price.0.into(), median.0.into());
    score.deviation_bp = Some(found_bp);
    let limit_bp = guards.deviation_reject_bp;
    if eligible >= ENOUGH_TO_OUTVOTE && score.faults.is_empty() && found_bp > limit_bp.into() {
        score.faults.push(SourceFault::Deviates { found_bp, limit_bp });
    }
}

fn headroom(score: &SourceScore, guards: &Guards) -> u32 {
    if !score.faults.is_empty() {
        return 0;
    }
    let left = |found: u64, limit: u64| {
        let strain = u128::from(found) * u128::from(FULL_SCORE) / u128::from(limit.max(1));
        FULL_SCORE.saturating_sub(u32::try_from(strain).unwrap_or(FULL_SCORE))
    };
    let age = left(score.age_millis.max(0).unsigned_abs(), millis(guards.stale_after_seconds).unsigned_abs());
    let confidence =
        score.confidence_bp.map_or(FULL_SCORE, |bp| left(bp, guards.confidence_reject_bp.into()));
    let deviation = score.deviation_bp.map_or(FULL_SCORE, |bp| left(bp, guards.deviation_reject_bp.into()));
    age.min(confidence).min(deviation)
}
