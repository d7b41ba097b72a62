//! Medians: of prices, by weight, by stake. The order of the inputs leaves no trace: equal prices are one price.

use super::number::floor_middle;
use super::{OracleError, PriceUnits, Weight};

/// How many reporters may lie; the report needs more than twice as many observations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Faulty(pub usize);

/// A price and its weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WeightedPrice {
    /// What is reported.
    pub price: PriceUnits,
    /// How much it counts.
    pub weight: Weight,
}

/// Bonded stake of a validator, or of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stake(pub u64);

/// A validator's price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StakedPrice {
    /// What it voted for.
    pub price: PriceUnits,
    /// What it has bonded.
    pub stake: Stake,
}

/// Least share of all stake that must report, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PowerThreshold(u16);

impl PowerThreshold {
    /// Two thirds as Slinky's code writes it: 0.667 (newer versions have 2/3; the difference is a third of a thousandth).
    pub const SLINKY: Self = Self(667);

    /// In thousandths, at most a thousand.
    #[must_use]
    pub const fn new(per_mille: u16) -> Option<Self> {
        if per_mille <= 1000 { Some(Self(per_mille)) } else { None }
    }
}

/// The middle price; of an even number the mean of the two middles, rounded down.
///
/// # Errors
/// Without prices.
pub fn median(prices: &[PriceUnits]) -> Result<PriceUnits, OracleError> {
    let sorted = sorted(prices);
    let half = sorted.len() / 2;
    match (half.checked_sub(1 - sorted.len() % 2).and_then(|low| sorted.get(low)), sorted.get(half)) {
        (Some(low), Some(high)) => Ok(floor_middle(low.0, high.0)),
        _ => Err(OracleError::TooFew { have: 0, need: 1 }),
    }
}

/// Element n/2 of the sorted observations, counted from zero; no two are averaged, so the answer is one that somebody signed.
///
/// # Errors
/// Unless there are more than twice as many observations as may be faulty: then at least one honest observation lies on either side.
pub fn upper_median(prices: &[PriceUnits], faulty: Faulty) -> Result<PriceUnits, OracleError> {
    let need = faulty.0.saturating_mul(2).saturating_add(1);
    let have = prices.len();
    let upper = sorted(prices).get(have / 2).copied();
    upper.filter(|_| have >= need).ok_or(OracleError::TooFew { have, need })
}

/// The first price, from below, at which the weights so far reach half of all. Prices of no weight do not count.
///
/// # Errors
/// Without prices or weight.
pub fn weighted_median(prices: &[WeightedPrice]) -> Result<PriceUnits, OracleError> {
    if prices.is_empty() {
        return Err(OracleError::TooFew { have: 0, need: 1 });
    }
    let weighed = prices.iter().filter(|p| p.weight.0 > 0);
    let mut sorted: Vec<(PriceUnits, u128)> = weighed.map(|p| (p.price, p.weight.0.into())).collect();
    sorted.sort_unstable();
    let total: u128 = sorted.iter().map(|(_, weight)| weight).sum();
    first_at(&sorted, total.div_ceil(2)).ok_or(OracleError::NoWeight)
}

/// Slinky's median: sorted by price, the first at which the stake so far reaches `total / 2` **rounded down**, where the total is
/// of those that reported. So three validators of one stake each answer with their lowest price, not with the middle one; that is
/// the code's rule, and the second example of its README (which says 250 for stakes 10, 20, 30) contradicts it.
///
/// # Errors
/// Without prices; when those that reported have less than the threshold of all stake, or more than all.
pub fn stake_weighted_median(
    prices: &[StakedPrice],
    all: Stake,
    threshold: PowerThreshold,
) -> Result<PriceUnits, OracleError> {
    let mut sorted: Vec<(PriceUnits, u128)> = prices.iter().map(|p| (p.price, p.stake.0.into())).collect();
    sorted.sort_unstable();
    let reported: u128 = sorted.iter().map(|(_, stake)| stake).sum();
    let (total, per_mille) = (all.0, threshold.0);
    if reported > u128::from(total) {
        return Err(OracleError::TooMuchPower { reported, total });
    }
    if total == 0 || reported * 1000 < u128::from(total) * u128::from(per_mille) {
        return Err(OracleError::TooLittlePower { reported, total, per_mille });
    }
    first_at(&sorted, reported / 2).ok_or(OracleError::TooFew { have: 0, need: 1 })
}

fn first_at(sorted: &[(PriceUnits, u128)], middle: u128) -> Option<PriceUnits> {
    let mut sum = 0;
    let reaches = |(price, weight): &(PriceUnits, u128)| {
        sum += weight;
        (sum >= middle).then_some(*price)
    };
    sorted.iter().find_map(reaches)
}

fn sorted(prices: &[PriceUnits]) -> Vec<PriceUnits> {
    let mut sorted = prices.to_vec();
    sorted.sort_unstable();
    sorted
}
