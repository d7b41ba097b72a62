//! The median of numbers of which many in a row are the same: all rows of a message print one index, and there are thousands of rows.
//!
//! A run of equal numbers is kept once, with its length. The median is that of [`crate::forward::median`] to the last bit: the lower one,
//! in the total order of floats. Where runs are short, so that there are many, it is found as there.

use crate::forward::median;

/// More runs than this are not worth sorting.
const FEW: usize = 64;

/// Numbers in the order in which they came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Runs {
    /// Number, and how often in a row.
    runs: Vec<(f64, usize)>,
}

impl Runs {
    pub(crate) fn push(&mut self, value: f64) {
        match self.runs.last_mut() {
            Some((last, length)) if last.to_bits() == value.to_bits() => *length += 1,
            _ => self.runs.push((value, 1)),
        }
    }

    /// None of nothing.
    pub(crate) fn median(mut self) -> Option<f64> {
        if self.runs.len() > FEW {
            let all = self.runs.iter().flat_map(|(value, length)| std::iter::repeat_n(*value, *length));
            return median(&mut all.collect::<Vec<_>>());
        }
        self.runs.sort_unstable_by(|(one, _), (other, _)| one.total_cmp(other));
        let count: usize = self.runs.iter().map(|(_, length)| length).sum();
        let place = count.checked_sub(1)? / 2;
        let mut until = 0;
        let holds_place = self.runs.iter().find(|(_, length)| {
            until += length;
            place < until
        });
        holds_place.map(|(value, _)| *value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        /// The plain twin is the median of the numbers one by one; few and many runs, signed zeros and no numbers among them.
        #[test]
        fn the_median_of_runs_is_that_of_their_numbers(
            runs in prop::collection::vec((prop::sample::select(vec![-0.0, 0.0, 1.5, f64::NAN, -7.0, 92_000.0, 3e300]), 1..5_usize), 0..100)
        ) {
            let mut all: Vec<f64> = runs.iter().flat_map(|(value, length)| std::iter::repeat_n(*value, *length)).collect();
            let mut own = Runs::default();
            all.iter().for_each(|value| own.push(*value));
            prop_assert_eq!(own.median().map(f64::to_bits), median(&mut all).map(f64::to_bits));
        }
    }
}
