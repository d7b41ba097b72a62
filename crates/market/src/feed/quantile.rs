//! A histogram of whole numbers with 32 buckets an octave: quantiles in fixed memory, the same in any order of arrival.
//!
//! Each bucket remembers the least number in it, so that a quantile is a number that was seen: exact where a bucket holds one value.

/// Buckets an octave; below as many, each number has its own.
const PER_OCTAVE: u64 = 32;
const OCTAVE_BITS: u32 = 5;
/// 32 exact ones and 58 octaves of a positive i64.
const BUCKETS: usize = 32 * 59;

/// Counts of numbers at or above zero.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Histogram {
    buckets: Box<[Bucket; BUCKETS]>,
    total: u64,
}

/// How many, and the least of them.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bucket {
    count: u64,
    least: i64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: Box::new([Bucket { count: 0, least: i64::MAX }; BUCKETS]), total: 0 }
    }
}

impl Histogram {
    /// Counts one more; a number below zero is no concern of this histogram.
    pub(super) fn add(&mut self, number: i64) {
        let Ok(place) = u64::try_from(number).map(bucket) else { return };
        if let Some(bucket) = self.buckets.get_mut(place) {
            bucket.count += 1;
            bucket.least = bucket.least.min(number);
            self.total += 1;
        }
    }

    /// The least number seen in the bucket of the number of this rank, of which `share`/100 are at or below.
    pub(super) fn percentile(&self, share: u64) -> Option<i64> {
        let rank = (u128::from(self.total) * u128::from(share)).div_ceil(100).max(1);
        let mut sum = 0_u128;
        let mut reaches = |bucket: &&Bucket| {
            sum += u128::from(bucket.count);
            sum >= rank
        };
        self.buckets.iter().find(|bucket| reaches(bucket)).map(|bucket| bucket.least)
    }

    /// How many lie in buckets wholly above a number.
    pub(super) fn above(&self, number: i64) -> u64 {
        let from = u64::try_from(number).map_or(0, |number| bucket(number) + 1);
        self.buckets.iter().skip(from).map(|bucket| bucket.count).sum()
    }
}

fn bucket(number: u64) -> usize {
    let octave = number.max(PER_OCTAVE).ilog2() - OCTAVE_BITS;
    // Within an octave the five bits below the first tell the bucket.
    let place = u64::from(octave) * PER_OCTAVE + (number >> octave);
    usize::try_from(place).unwrap_or(BUCKETS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_number_alone_is_every_quantile_and_lies_above_all_but_its_own_octave(number in prop_oneof![0_i64..100, 0_i64..=i64::MAX]) {
            let mut histogram = Histogram::default();
            histogram.add(number);
            prop_assert_eq!([1, 50, 100].map(|share| histogram.percentile(share)), [Some(number); 3]);
            prop_assert_eq!(histogram.above(number), 0);
            // A bucket is at most a thirty-second wide.
            prop_assert_eq!(histogram.above(number - number / 32 - 1), 1);
        }

        #[test]
        fn quantiles_are_those_of_the_sorted_numbers(numbers in prop::collection::vec(0_i64..1_000_000, 1..200), share in 1_u64..=100) {
            let mut histogram = Histogram::default();
            numbers.iter().for_each(|number| histogram.add(*number));
            let mut sorted = numbers.clone();
            sorted.sort_unstable();
            let exact = sorted[(numbers.len() * share as usize).div_ceil(100).max(1) - 1];
            let found = histogram.percentile(share).unwrap();
            prop_assert!(found <= exact && exact - found <= found / 32, "{found} {exact}");
        }
    }

    #[test]
    fn numbers_below_zero_and_none_at_all_have_no_quantile() {
        let mut histogram = Histogram::default();
        histogram.add(-1);
        assert_eq!(histogram.percentile(50), None);
    }
}
