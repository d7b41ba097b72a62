//! Draws that depend on the seed's name and on what they are for, not on their order: a new row moves no other.
//!
//! A draw is the first 64 bits of BLAKE3 in key derivation mode over the length and text of the seed and the text of the
//! label, brought to a range by the high half of a 128-bit product. For ranges of some thousands its bias is below 1e-15.

use std::ops::RangeInclusive;

const CONTEXT: &str = "plimsoll 2026-11-22 sample book and market";

/// A named seed.
#[derive(Debug, Clone)]
pub(super) struct Seed(blake3::Hasher);

impl Seed {
    pub(super) fn new(name: &str) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
        // The length keeps seed "a" with label "bc" apart from seed "ab" with label "c".
        hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes());
        Self(hasher)
    }

    /// A whole number of the range, the same whenever this label is asked for.
    pub(super) fn draw(&self, label: &str, range: RangeInclusive<i32>) -> i32 {
        let mut first = [0; 8];
        self.0.clone().update(label.as_bytes()).finalize_xof().fill(&mut first);
        let (low, high) = (i64::from(*range.start()), i64::from(*range.end()));
        let width = u128::try_from(high - low + 1).unwrap_or(0);
        let offset = (u128::from(u64::from_le_bytes(first)) * width) >> 64;
        let drawn = i64::try_from(offset).ok().and_then(|offset| i32::try_from(low + offset).ok());
        drawn.unwrap_or(*range.start())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn draws_fill_their_range_and_nothing_else() {
        let seed = Seed::new("range");
        let drawn: BTreeSet<i32> = (0..400).map(|n| seed.draw(&n.to_string(), -3..=4)).collect();
        assert_eq!(drawn, (-3..=4).collect());
        assert_eq!(seed.draw("one value", 7..=7), 7);
    }

    #[test]
    fn seed_and_label_do_not_run_into_each_other() {
        let wide = i32::MIN..=i32::MAX;
        assert_ne!(Seed::new("a").draw("bc", wide.clone()), Seed::new("ab").draw("c", wide.clone()));
        assert_eq!(Seed::new("a").draw("bc", wide.clone()), Seed::new("a").draw("bc", wide));
    }
}
