//! Pyth's short decimal float: `mantissa x 10^exponent`, the mantissa cut to less than 2^28 after every operation.
//!
//! Digits are cut towards zero, one decimal at a time. That cutting is why an average of a constant 1,234,567,890 reads
//! 1,234,567,880 after one slot, and why the vectors cannot be met with f64. Rules of pyth-client `pd.h`:
//!
//! * product: exact, cut;
//! * quotient: the dividend is first raised by tens to 2^28 or more, then by 10^9; whole quotient, cut;
//! * sum: with exponents at most 8 apart at the lower one; at most 26 apart at 9 below the higher, the other summand cut to
//!   it; farther apart the larger exponent is the sum. Cut.

use super::super::OracleError;

/// A mantissa reaches this at most for the moment of an operation.
const LIMIT: i64 = 1 << 28;
/// Digits that a quotient and a far sum gain.
const NINE_DIGITS: i64 = 1_000_000_000;
/// Exponents closer than this are added exactly.
const NEAR: u32 = 9;
/// Exponents farther than this leave the sum at the larger one.
const FAR: u32 = 27;
/// A stored number has this many bits besides its exponent.
const STORED_LIMIT: i64 = 1 << 58;
/// Exponents that can be stored.
const STORED_EXPONENTS: std::ops::RangeInclusive<i32> = -16..=15;

/// Stays below 2^28 in magnitude.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Short {
    mantissa: i64,
    exponent: i32,
}

impl Short {
    pub(super) const ONE: Self = Self { mantissa: 100_000_000, exponent: -8 };

    /// Cuts a number to the short form.
    pub(super) const fn new(mut mantissa: i64, mut exponent: i32) -> Self {
        while mantissa >= LIMIT || mantissa <= -LIMIT {
            mantissa /= 10;
            exponent = exponent.saturating_add(1);
        }
        Self { mantissa, exponent }
    }

    pub(super) const fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    pub(super) const fn times(self, other: Self) -> Self {
        // Below 2^56.
        Self::new(self.mantissa * other.mantissa, self.exponent.saturating_add(other.exponent))
    }

    /// By a small whole number.
    pub(super) fn times_whole(self, factor: u32) -> Self {
        self.times(Self { mantissa: factor.into(), exponent: 0 })
    }

    pub(super) fn over(self, divisor: Self) -> Result<Self, OracleError> {
        if self.is_zero() {
            return Ok(self);
        }
        if divisor.is_zero() {
            return Err(OracleError::Overflow("a quotient by zero"));
        }
        let (mut dividend, mut raised) = (self.mantissa.abs(), 0);
        while dividend < LIMIT {
            dividend *= 10;
            raised += 1;
        }
        // The dividend is below 10 x 2^28, so the product is below 2^62.
        let quotient = dividend * NINE_DIGITS / divisor.mantissa.abs();
        let sign = self.mantissa.signum() * divisor.mantissa.signum();
        let exponent = self.exponent.saturating_sub(divisor.exponent).saturating_sub(raised + 9);
        Ok(Self::new(sign * quotient, exponent))
    }

    pub(super) const fn plus(self, other: Self) -> Self {
        let (high, low) = if self.exponent >= other.exponent { (self, other) } else { (other, self) };
        let apart = high.exponent.abs_diff(low.exponent);
        if apart < NEAR {
            Self::new(high.mantissa * 10_i64.pow(apart) + low.mantissa, low.exponent)
        } else if apart < FAR {
            let cut = low.mantissa / 10_i64.pow(apart - NEAR);
            Self::new(high.mantissa * NINE_DIGITS + cut, high.exponent - 9)
        } else {
            high
        }
    }

    /// Whole units of 10^exponent, cut.
    pub(super) fn units(self, exponent: i32) -> Result<i64, OracleError> {
        let overflow = OracleError::Overflow("an average");
        let apart = self.exponent.abs_diff(exponent);
        let Some(factor) = 10_i64.checked_pow(apart) else {
            return if self.exponent < exponent || self.is_zero() { Ok(0) } else { Err(overflow) };
        };
        if self.exponent < exponent {
            return Ok(self.mantissa / factor);
        }
        self.mantissa.checked_mul(factor).ok_or(overflow)
    }

    /// As it is after storing and loading: an exponent that does not fit is moved into the mantissa; `None` when that does not fit.
    pub(super) fn stored(self) -> Option<Self> {
        let Self { mut mantissa, mut exponent } = self;
        while exponent < *STORED_EXPONENTS.start() {
            mantissa /= 10;
            exponent += 1;
        }
        while exponent > *STORED_EXPONENTS.end() {
            mantissa *= 10;
            if !(-STORED_LIMIT..STORED_LIMIT).contains(&mantissa) {
                return None;
            }
            exponent -= 1;
        }
        Some(Self::new(mantissa, exponent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(mantissa: i64, exponent: i32) -> Short {
        Short { mantissa, exponent }
    }

    /// Facts of pyth-client's own test of its decimals (`pctest/test_qset.cpp`).
    #[test]
    fn sums_are_those_of_the_programs_own_test() {
        for (a, b, sum) in [
            ((123, 4), (142, 1), (123_142, 1)),
            ((123, -4), (142, -1), (142_123, -4)),
            ((123, 10), (142_567, 1), (123_000_142, 4)),
            ((123, 27), (1, 0), (123, 27)),
            ((-140_205_667, -13), (42_901_738, -3), (42_901_737, -3)),
        ] {
            let (a, b, sum) = (exact(a.0, a.1), exact(b.0, b.1), exact(sum.0, sum.1));
            assert_eq!(a.plus(b), sum);
            assert_eq!(b.plus(a), sum, "the order of summands leaves no trace");
        }
    }

    #[test]
    fn quotients_and_units_are_cut_towards_zero() {
        let third = Short::new(1, 0).over(Short::new(3, 0)).unwrap();
        // 10^9 x 10^9 / 3 has 18 digits; nine of them are below 2^28... the cut leaves eight or nine.
        assert_eq!(third.units(-8).unwrap(), 33_333_333);
        let minus = Short::new(-2, 0).over(Short::new(3, 0)).unwrap();
        assert_eq!(minus.units(0).unwrap(), 0);
        assert_eq!(minus.units(-3).unwrap(), -666);
        assert!(Short::ONE.over(Short::default()).is_err());
        assert_eq!(Short::default().over(Short::default()).unwrap(), Short::default());
        assert!(Short::ONE.units(-30).is_err());
        assert_eq!(Short::ONE.units(30).unwrap(), 0);
    }

    #[test]
    fn an_exponent_beyond_five_bits_is_stored_by_moving_digits_or_not_at_all() {
        assert_eq!(exact(12_345, -18).stored(), Some(exact(123, -16)));
        assert_eq!(exact(1, 17).stored(), Some(exact(100, 15)));
        assert_eq!(exact(1, 40).stored(), None);
    }
}
