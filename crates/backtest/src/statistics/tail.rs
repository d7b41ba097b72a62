//! The bad tail of gains and losses: a low quantile and the mean at and below it.
//!
//! The quantile of level a of n ascending values is at place a (n - 1), linear between neighbours (Hyndman and Fan's type 7, which is
//! numpy's and R's). The shortfall is the mean of the values that are not above it.

use super::moments::{count, mean};

/// A low quantile and the mean of what is not above it, in the unit of the values. Losses are negative.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LowerTail {
    /// The quantile.
    pub quantile: f64,
    /// The mean of values at or below it: expected shortfall with its sign.
    pub shortfall: f64,
}

/// Quantile of values in any order; none of nothing, for a level outside 0 to 1, or when a value is NaN.
#[must_use]
pub fn quantile(values: &[f64], level: f64) -> Option<f64> {
    sorted_quantile(&ascending(values)?, level)
}

/// Quantile and shortfall; none as for [`quantile`].
#[must_use]
pub fn lower_tail(values: &[f64], level: f64) -> Option<LowerTail> {
    let sorted = ascending(values)?;
    let quantile = sorted_quantile(&sorted, level)?;
    let tail = sorted.partition_point(|value| *value <= quantile);
    // Rounding between two equal neighbours may leave the quantile an ulp below both.
    let shortfall = mean(sorted.get(..tail.max(1)).unwrap_or_default())?;
    Some(LowerTail { quantile, shortfall })
}

/// The same where each value counts several times: `ascending` pairs a value with the group it belongs to, `times` says how often each
/// group counts. Here the quantile is the least value with at least the level's share at or below it, and the shortfall is the mean of
/// exactly that share (the last value counts in part). Reads the tail only, so that thousands of draws are cheap.
#[must_use]
pub fn weighted_lower_tail(
    ascending: &[(f64, usize)],
    times: &[u32],
    (level, total): (f64, u64),
) -> Option<LowerTail> {
    #[allow(clippy::cast_precision_loss)] // counts
    let wanted = level * total as f64;
    let (mut seen, mut sum) = (0.0, 0.0);
    for (value, group) in ascending {
        let here = f64::from(times.get(*group).copied().unwrap_or(0));
        if here == 0.0 {
            continue;
        }
        let left = wanted - seen;
        if here >= left {
            return (wanted > 0.0)
                .then(|| LowerTail { quantile: *value, shortfall: (sum + left * value) / wanted });
        }
        seen += here;
        sum += here * value;
    }
    None
}

fn ascending(values: &[f64]) -> Option<Vec<f64>> {
    if values.is_empty() || values.iter().any(|value| value.is_nan()) {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    Some(sorted)
}

fn sorted_quantile(sorted: &[f64], level: f64) -> Option<f64> {
    if !(0.0..=1.0).contains(&level) {
        return None;
    }
    let place = level * count(sorted.len() - 1);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between 0 and the length
    let below = place as usize;
    let low = sorted.get(below).copied()?;
    let high = sorted.get(below + 1).copied().unwrap_or(low);
    Some(low + (high - low) * (place - count(below)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_numpy() {
        let values = [4.0, 1.0, 3.0, 2.0];
        // Place 0.25 x 3 = 0.75 between 1 and 2; exact.
        assert_eq!(quantile(&values, 0.25), Some(1.75));
        assert_eq!((quantile(&values, 0.0), quantile(&values, 1.0)), (Some(1.0), Some(4.0)));
        assert_eq!(
            (quantile(&[], 0.5), quantile(&values, 1.5), quantile(&[f64::NAN], 0.5)),
            (None, None, None)
        );
    }

    #[test]
    fn shortfall_is_the_mean_at_and_below_the_quantile() {
        let values: Vec<f64> = (1..=101).rev().map(f64::from).collect();
        // Place 5 of 0 to 100: the sixth value, 6; mean of 1 to 6 is 3.5.
        assert_eq!(lower_tail(&values, 0.05), Some(LowerTail { quantile: 6.0, shortfall: 3.5 }));
        assert_eq!(lower_tail(&[7.0], 0.05), Some(LowerTail { quantile: 7.0, shortfall: 7.0 }));
    }

    #[test]
    fn the_weighted_tail_takes_exactly_its_share() {
        let ascending = [(-4.0, 0), (-2.0, 1), (1.0, 0), (5.0, 1)];
        // Weights 3, 1, 3, 1 of 8; a half is 4: three times -4 and once -2.
        let tail = weighted_lower_tail(&ascending, &[3, 1], (0.5, 8));
        assert_eq!(tail, Some(LowerTail { quantile: -2.0, shortfall: -3.5 }));
        // A quarter is 2 of the three.
        let tail = weighted_lower_tail(&ascending, &[3, 1], (0.25, 8));
        assert_eq!(tail, Some(LowerTail { quantile: -4.0, shortfall: -4.0 }));
        assert_eq!(weighted_lower_tail(&ascending, &[0, 0], (0.25, 0)), None, "nothing was drawn");
    }
}
