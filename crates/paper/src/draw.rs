//! Random numbers from a seed, the same on every machine.
//!
//! xoshiro256++ of Blackman and Vigna (ACM Trans. Math. Softw. 47 (2021) 36), its state filled by SplitMix64 (Steele, Lea and Flood, OOPSLA
//! 2014) as its authors advise. Each part of a world draws from a stream of its own, which the seed and the name of the part decide:
//! what one part draws moves nothing in another.

use pricing::kernel;

/// Decides everything that a world draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seed(u64);

impl Seed {
    /// Any number is a seed.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// One stream of random numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draw([u64; 4]);

const fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Draw {
    /// The stream of a name: FNV-1a of it is mixed into the seed.
    pub fn new(seed: Seed, stream: &str) -> Self {
        let name = stream.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let mut state = seed.0;
        let mut mixed = split_mix(&mut state) ^ name;
        Self(std::array::from_fn(|_| split_mix(&mut mixed)))
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        let [s0, s1, s2, s3] = &mut self.0;
        let result = s0.wrapping_add(*s3).rotate_left(23).wrapping_add(*s0);
        let shifted = *s1 << 17;
        *s2 ^= *s0;
        *s3 ^= *s1;
        *s1 ^= *s2;
        *s0 ^= *s3;
        *s2 ^= shifted;
        *s3 = s3.rotate_left(45);
        result
    }

    /// Strictly between 0 and 1: the middles of 2^52 equal parts.
    #[allow(clippy::cast_precision_loss)] // 53 bits
    pub fn uniform(&mut self) -> f64 {
        ((self.bits() >> 12) as f64 + 0.5) * f64::EPSILON
    }

    /// Standard normal, by the inverse of its distribution function: one uniform each.
    pub fn normal(&mut self) -> f64 {
        kernel::norm_inv(self.uniform())
    }

    /// True with this probability. It draws even where the probability is zero, so that a fault switched off moves nothing else.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// From 0 to `n - 1`, 0 for `n = 0`; the bias is below n / 2^64.
    pub fn below(&mut self, n: u64) -> u64 {
        u64::try_from((u128::from(self.bits()) * u128::from(n)) >> 64).unwrap_or(0)
    }

    /// Exponential with this mean.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * kernel::ln(self.uniform())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// First outputs from the state (1, 2, 3, 4), as the authors' C code gives them.
    #[test]
    fn the_generator_is_the_published_one() {
        let mut draw = Draw([1, 2, 3, 4]);
        let got: Vec<u64> = (0..5).map(|_| draw.bits()).collect();
        let expected =
            [41_943_041, 58_720_359, 3_588_806_011_781_223, 3_591_011_842_654_386, 9_228_616_714_210_784_205];
        assert_eq!(got, expected);
    }

    #[test]
    fn streams_differ_by_seed_and_by_name() {
        let first = |seed, name| Draw::new(Seed::new(seed), name).bits();
        assert_eq!(first(1, "market"), first(1, "market"));
        assert_ne!(first(1, "market"), first(2, "market"));
        assert_ne!(first(1, "market"), first(1, "deribit"));
    }

    #[test]
    fn moments_are_those_of_the_distributions() {
        let mut draw = Draw::new(Seed::new(1), "moments");
        let n = 100_000.0;
        let (mut sum, mut squares, mut waits, mut hits) = (0.0, 0.0, 0.0, 0.0);
        for _ in 0..100_000 {
            let z = draw.normal();
            sum += z;
            squares += z * z;
            waits += draw.exponential(2.0);
            hits += f64::from(u8::from(draw.chance(0.3)));
        }
        // Five standard errors: of a mean 1, of a variance sqrt 2, of an exponential mean its mean, over sqrt n.
        let root = f64::sqrt(n);
        assert!((sum / n).abs() < 5.0 / root);
        assert!((squares / n - 1.0).abs() < 5.0 * f64::sqrt(2.0) / root);
        assert!((waits / n - 2.0).abs() < 5.0 * 2.0 / root);
        assert!((hits / n - 0.3).abs() < 5.0 * f64::sqrt(0.3 * 0.7) / root);
    }
}
