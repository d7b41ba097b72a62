//! The program's number: 128 bits, 48 of them after the binary point (resolution 3.6e-15, range ±6.0e23).

use crate::protocol::exact::Fraction;
use num_bigint::BigInt;

const FRACTION_BITS: u32 = 48;

/// A fixed-point number. Made from an exact fraction, rounded once and by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Fixed48(i128);

impl Fixed48 {
    /// Zero.
    pub const ZERO: Self = Self(0);
    /// One.
    pub const ONE: Self = Self(1 << FRACTION_BITS);

    /// A whole number.
    #[must_use]
    pub fn whole(number: i64) -> Self {
        Self(i128::from(number) << FRACTION_BITS)
    }

    /// The nearest to an f64; none when it is not finite or out of range.
    #[must_use]
    pub fn nearest(value: f64) -> Option<Self> {
        i128::try_from(Fraction::of_f64(value)?.by(one()).nearest()).ok().map(Self)
    }

    /// The largest not above a fraction; none when it is out of range.
    #[must_use]
    pub fn floor(value: &Fraction) -> Option<Self> {
        i128::try_from(value.by(one()).floor()).ok().map(Self)
    }

    /// The smallest not below a fraction; none when it is out of range.
    #[must_use]
    pub fn ceil(value: &Fraction) -> Option<Self> {
        i128::try_from(value.by(one()).ceil()).ok().map(Self)
    }

    /// The exact value.
    #[must_use]
    pub fn exact(self) -> Fraction {
        Fraction::whole(self.0).per(one()).unwrap_or_else(|| Fraction::whole(0))
    }

    /// Sum; none when it is out of range.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// Difference; none when it is out of range.
    #[must_use]
    pub fn minus(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// Below zero.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// As a model number.
    #[must_use]
    pub fn model(self) -> f64 {
        #[allow(clippy::cast_precision_loss)] // rounded once: the scale is a power of two
        let number = self.0 as f64;
        #[allow(clippy::cast_precision_loss)] // exact
        let scale = (1_u64 << FRACTION_BITS) as f64;
        number / scale
    }
}

fn one() -> BigInt {
    BigInt::from(1_u64 << FRACTION_BITS)
}
