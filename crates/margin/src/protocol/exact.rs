//! Exact numbers for protocols that compute in integers: fractions with named roundings, and the border to f64.
//!
//! A fraction is kept as it comes, not reduced, with a positive denominator; two are equal when they are the same number.

use num_bigint::{BigInt, Sign};
use std::cmp::Ordering;

/// An exact rational number.
#[derive(Debug, Clone)]
pub struct Fraction {
    numerator: BigInt,
    /// Positive.
    denominator: BigInt,
}

impl Fraction {
    /// A whole number.
    #[must_use]
    pub fn whole(number: impl Into<BigInt>) -> Self {
        Self { numerator: number.into(), denominator: BigInt::from(1) }
    }

    /// Ten to a power, which may be negative; none beyond 10^64 and 10^-64, far outside any price or size.
    #[must_use]
    pub fn power_of_ten(exponent: i32) -> Option<Self> {
        let magnitude = exponent.unsigned_abs();
        if magnitude > 64 {
            return None;
        }
        let power = Self::whole(BigInt::from(10).pow(magnitude));
        if exponent < 0 { Self::whole(1).over(&power) } else { Some(power) }
    }

    /// The exact value of a finite f64.
    #[must_use]
    pub fn of_f64(value: f64) -> Option<Self> {
        if !value.is_finite() {
            return None;
        }
        let bits = value.to_bits();
        let (biased, stored) = ((bits >> 52) & 0x7ff, bits & ((1 << 52) - 1));
        // Subnormal numbers have no leading one and the exponent of the smallest normal.
        let (mantissa, exponent) = if biased == 0 {
            (stored, -1074)
        } else {
            (stored | (1 << 52), i64::try_from(biased).ok()? - 1075)
        };
        let signed = if value < 0.0 { -BigInt::from(mantissa) } else { BigInt::from(mantissa) };
        let power = BigInt::from(1) << exponent.unsigned_abs();
        if exponent < 0 {
            Some(Self { numerator: signed, denominator: power })
        } else {
            Some(Self::whole(signed * power))
        }
    }

    /// Product.
    #[must_use]
    pub fn times(&self, other: &Self) -> Self {
        Self {
            numerator: &self.numerator * &other.numerator,
            denominator: &self.denominator * &other.denominator,
        }
    }

    /// Quotient; none when the other is zero.
    #[must_use]
    pub fn over(&self, other: &Self) -> Option<Self> {
        let numerator = &self.numerator * &other.denominator;
        let denominator = &self.denominator * &other.numerator;
        match denominator.sign() {
            Sign::NoSign => None,
            Sign::Minus => Some(Self { numerator: -numerator, denominator: -denominator }),
            Sign::Plus => Some(Self { numerator, denominator }),
        }
    }

    /// Times a whole number.
    #[must_use]
    pub fn by(&self, factor: impl Into<BigInt>) -> Self {
        Self { numerator: &self.numerator * factor.into(), denominator: self.denominator.clone() }
    }

    /// Divided by a whole number; none when that is zero.
    #[must_use]
    pub fn per(&self, divisor: impl Into<BigInt>) -> Option<Self> {
        self.over(&Self::whole(divisor))
    }

    /// Sum.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            numerator: &self.numerator * &other.denominator + &other.numerator * &self.denominator,
            denominator: &self.denominator * &other.denominator,
        }
    }

    /// Difference.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        let negative = Self { numerator: -&other.numerator, denominator: other.denominator.clone() };
        self.plus(&negative)
    }

    /// Rounded towards minus infinity.
    #[must_use]
    pub fn floor(&self) -> BigInt {
        let quotient = &self.numerator / &self.denominator;
        let exact = &quotient * &self.denominator == self.numerator;
        if !exact && self.numerator.sign() == Sign::Minus { quotient - 1 } else { quotient }
    }

    /// Rounded towards plus infinity.
    #[must_use]
    pub fn ceil(&self) -> BigInt {
        let quotient = &self.numerator / &self.denominator;
        let exact = &quotient * &self.denominator == self.numerator;
        if !exact && self.numerator.sign() == Sign::Plus { quotient + 1 } else { quotient }
    }

    /// Rounded towards zero: what integer division does on most machines.
    #[must_use]
    pub fn truncate(&self) -> BigInt {
        &self.numerator / &self.denominator
    }

    /// Rounded to the nearest; a half goes up.
    #[must_use]
    pub fn nearest(&self) -> BigInt {
        self.plus(&Self { numerator: BigInt::from(1), denominator: BigInt::from(2) }).floor()
    }

    /// Below zero.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.numerator.sign() == Sign::Minus
    }
}

impl PartialEq for Fraction {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Fraction {}

impl PartialOrd for Fraction {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Fraction {
    fn cmp(&self, other: &Self) -> Ordering {
        (&self.numerator * &other.denominator).cmp(&(&other.numerator * &self.denominator))
    }
}

impl std::fmt::Display for Fraction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.numerator, self.denominator)
    }
}

/// A model number in whole units of 10^-`decimals`, to the nearest; none when it is not finite. A size or price that the
/// protocol itself wrote down comes back exactly; anything finer cannot exist there.
pub(crate) fn units_of(value: f64, decimals: i32) -> Option<BigInt> {
    Some(Fraction::of_f64(value)?.times(&Fraction::power_of_ten(decimals)?).nearest())
}

/// Whole units of 10^-`decimals` as a model number, rounded once for numbers below 2^53; none beyond 127 bits.
pub(crate) fn model_of(units: &BigInt, decimals: u32) -> Option<f64> {
    #[allow(clippy::cast_precision_loss)]
    // amounts of money below 2^53 units are exact, larger ones lose what f64 loses
    let number = i128::try_from(units).ok()? as f64;
    #[allow(clippy::cast_precision_loss)] // powers of ten below 10^22 are exact
    let scale = 10_i128.checked_pow(decimals)? as f64;
    Some(number / scale)
}

/// Whole units of 10^`resolution` coins as coins, of either sign of the resolution.
pub(crate) fn coins_of(units: &BigInt, resolution: i32) -> Option<f64> {
    if resolution <= 0 {
        return model_of(units, resolution.unsigned_abs());
    }
    Some(model_of(units, 0)? / model_of(&BigInt::from(1), resolution.unsigned_abs())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fraction(numerator: i64, denominator: i64) -> Fraction {
        Fraction::whole(numerator).over(&Fraction::whole(denominator)).unwrap()
    }

    #[test]
    fn each_rounding_goes_where_its_name_says() {
        let rounded = |f: &Fraction| [f.floor(), f.ceil(), f.truncate(), f.nearest()];
        let expected = |numbers: [i32; 4]| numbers.map(BigInt::from);
        assert_eq!(rounded(&fraction(7, 2)), expected([3, 4, 3, 4]));
        assert_eq!(rounded(&fraction(-7, 2)), expected([-4, -3, -3, -3]));
        assert_eq!(rounded(&fraction(7, -3)), expected([-3, -2, -2, -2]));
        assert_eq!(rounded(&fraction(6, -3)), expected([-2, -2, -2, -2]));
    }

    #[test]
    fn equality_is_of_numbers_not_of_digits() {
        assert_eq!(fraction(49_999, 100), fraction(-499_990, -1_000));
        assert!(fraction(1, 3) < fraction(34, 100));
        assert!(Fraction::whole(1).over(&Fraction::whole(0)).is_none());
    }

    #[test]
    fn written_numbers_come_back() {
        for (value, decimals, units) in
            [(0.1, 10, 1_000_000_000_i64), (-1e-6, 6, -1), (100_000.05, 5, 10_000_005_000)]
        {
            assert_eq!(units_of(value, decimals).unwrap(), BigInt::from(units));
        }
        assert_eq!(units_of(123.0, -1).unwrap(), BigInt::from(12), "tens");
        assert!(units_of(f64::NAN, 6).is_none());
        assert!(units_of(f64::INFINITY, 6).is_none());
        assert_eq!(model_of(&BigInt::from(1_500_000), 6), Some(1.5));
        assert_eq!(model_of(&(BigInt::from(1) << 200), 6), None);
    }

    proptest! {
        /// The border is exact: every finite f64 is itself after a scale of one and one back, where it is whole.
        #[test]
        fn f64_is_read_exactly(bits: u64) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            let twice = Fraction::of_f64(value).unwrap().plus(&Fraction::of_f64(value).unwrap());
            if (value * 2.0).is_finite() {
                prop_assert_eq!(twice, Fraction::of_f64(value * 2.0).unwrap());
            }
        }

        #[test]
        fn floor_and_ceil_enclose(numerator: i64, denominator in 1..i64::MAX) {
            let f = fraction(numerator, denominator);
            let (floor, ceil) = (Fraction::whole(f.floor()), Fraction::whole(f.ceil()));
            prop_assert!(floor <= f && f <= ceil);
            prop_assert!(ceil.minus(&floor) <= Fraction::whole(1));
        }
    }
}
