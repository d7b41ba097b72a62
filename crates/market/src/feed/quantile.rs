//! A histogram of whole numbers with 32 buckets an octave: quantiles in fixed memory, the same bits in any order of arrival.

/// Buckets an octave; below as many, each number has its own.
const PER_OCTAVE: u64 = 32;
const OCTAVE_BITS: u32 = 5;
/// 32 exact ones and 58 octaves of a positive i64.
const BUCKETS: usize = 32 * 59;

/// Counts of numbers at or above zero.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Histogram {
    counts: Box<[u64; BUCKETS]>,
    total: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: Box::new([0; BUCKETS]), total: 0 }
    }
}

impl Histogram {
    /// Counts one more; a number below zero is no concern of this histogram.
    pub(super) fn add(&mut self, number: i64) {
        let Ok(number) = u64::try_from(number) else { return };
        if let Some(count) = self.counts.get_mut(bucket(number)) {
            *count += 1;
            self.total += 1;
        }
    }

    /// The lower edge of the bucket that holds the number of this rank: the least of which `share`/100 are at or below.
    pub(super) fn percentile(&self, share: u64) -> Option<i64> {
        if self.total == 0 {
            return None;
        }
        let rank = (u128::from(self.total) * u128::from(share)).div_ceil(100).max(1);
        let mut sum = 0_u128;
        let found = self.counts.iter().position(|count| {
            sum += u128::from(*count);
            sum >= rank
        });
        found.and_then(|place| i64::try_from(edge(place as u64)).ok())
    }

    /// How many lie in buckets wholly above a number.
    pub(super) fn above(&self, number: i64) -> u64 {
        let from = u64::try_from(number).map_or(0, |number| bucket(number) + 1);
        self.counts.iter().skip(from).sum()
    }
}

fn bucket(number: u64) -> usize {
    let octave = number.max(PER_OCTAVE).ilog2() - OCTAVE_BITS;
    // Within an octave the five bits below the first tell the bucket.
    let place = u64::from(octave) * PER_OCTAVE + (number >> octave);
    usize::try_from(place).unwrap_or(BUCKETS)
}

fn edge(place: u64) -> u64 {
    let octave = (place / PER_OCTAVE).saturating_sub(1);
    (place - octave * PER_OCTAVE) << octave
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_edge_is_at_most_a_thirty_second_below(number in prop_oneof![0_i64..100, 0_i64..=i64::MAX]) {
            let mut histogram = Histogram::default();
            histogram.add(number);
            let found = histogram.percentile(50).unwrap();
            prop_assert!(found <= number && number - found <= found / 32, "{found} {number}");
            prop_assert_eq!(histogram.above(found), 0);
            prop_assert_eq!(histogram.above(found - 1), u64::from(found > 0 || found == 0));
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
