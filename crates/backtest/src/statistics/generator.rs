//! A small generator of random numbers with a seed: splitmix64 (Steele, Lea and Flood 2014), the same on every machine.

/// Splitmix64: a counter and a finaliser. Good for draws of a bootstrap and of samples, not for secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generator {
    state: u64,
}

impl Generator {
    /// Of a seed and the number of a stream: draw i of a bootstrap has its own stream, whichever thread makes it.
    #[must_use]
    pub fn new(seed: u64, stream: u64) -> Self {
        Self { state: finalise(seed ^ finalise(stream)) }
    }

    /// Of its whole state: one stream a seed.
    #[must_use]
    pub const fn from_state(state: u64) -> Self {
        Self { state }
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        finalise(self.state)
    }

    /// Below a bound, every value as likely (Lemire's product; the bias of at most bound/2^64 is left in). Zero for a bound of zero.
    pub fn below(&mut self, bound: usize) -> usize {
        let product = u128::from(self.next_u64()) * (bound as u128);
        #[allow(clippy::cast_possible_truncation)] // below the bound
        let value = (product >> 64) as usize;
        value
    }
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

const fn finalise(state: u64) -> u64 {
    let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Between 0 and 1, from a seed and bytes alone: a draw that does not depend on the order of what is drawn from.
#[must_use]
pub fn hashed_unit(seed: u64, parts: &[&[u8]]) -> f64 {
    let mut state = finalise(seed.wrapping_add(GOLDEN));
    for part in parts {
        for byte in *part {
            state = finalise((state ^ u64::from(*byte)).wrapping_add(GOLDEN));
        }
        // A part's end counts too: ("ab", "c") is not ("a", "bc").
        state = finalise(state.wrapping_add(GOLDEN).wrapping_add(part.len() as u64));
    }
    #[allow(clippy::cast_precision_loss)] // 53 bits
    let unit = (state >> 11) as f64;
    unit / 9_007_199_254_740_992.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_sequence() {
        // Splitmix64 from state 1234567, as in the reference implementations' test (Rosetta Code).
        let mut generator = Generator { state: 1_234_567 };
        let first: Vec<u64> = (0..5).map(|_| generator.next_u64()).collect();
        assert_eq!(
            first,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423,
                4_593_380_528_125_082_431,
                16_408_922_859_458_223_821
            ]
        );
    }

    #[test]
    fn draws_below_a_bound_are_even() {
        let mut generator = Generator::new(7, 0);
        let mut counts = [0_u32; 5];
        for _ in 0..10_000 {
            counts[generator.below(5)] += 1;
        }
        // Four deviations of a fifth of 10,000: 4 √(10,000 x 0.2 x 0.8) = 160.
        assert!(counts.iter().all(|count| count.abs_diff(2_000) < 160), "{counts:?}");
        assert_eq!(generator.below(0), 0);
    }

    #[test]
    fn streams_and_parts_differ() {
        assert_ne!(Generator::new(1, 0).next_u64(), Generator::new(1, 1).next_u64());
        assert_ne!(hashed_unit(0, &[b"ab", b"c"]).to_bits(), hashed_unit(0, &[b"a", b"bc"]).to_bits());
        let share = (0..10_000_u32).filter(|i| hashed_unit(3, &[&i.to_le_bytes()]) < 0.3).count();
        // Four deviations of 3,000 of 10,000: 4 √2,100 = 183.
        assert!(share.abs_diff(3_000) < 183, "{share}");
    }
}
