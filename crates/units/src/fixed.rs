//! Published measures: fixed point with a quantum of 1e-12, summed exactly.
//!
//! A model number is quantised once, for one row; after that every total is an exact integer sum, so rows add up to
//! totals to the last digit, and neither the order of rows nor the number of threads can change a bit. Rounding is half
//! away from zero, or named: a requirement is rounded up and what counts against it down ([`Fixed::quantise_up`],
//! [`Fixed::quantise_down`]), so that no account passes by a rounding. Range: |x| <= 1e20, checked when quantising; a sum holds up to 1.7e26, which is over a million rows of that size.

use crate::UnitError;
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub};

/// A measure in multiples of 1e-12 of its unit; the unit is in the name of the field that holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Fixed(i128);

impl Fixed {
    /// Exactly nothing.
    pub const ZERO: Self = Self(0);
    /// The quantum as a number of the unit.
    pub const QUANTUM: f64 = 1e-12;
    const PER_UNIT: i128 = 1_000_000_000_000;
    const LIMIT: f64 = 1e20;
    /// Below this, whole parts are integers that an f64 holds exactly.
    const NARROW: f64 = 9e15;

    /// Rounds a model number to the quantum.
    ///
    /// # Errors
    /// NaN, infinities and magnitudes over 1e20 are refused: a row that cannot be published must be reported instead.
    #[inline]
    pub fn quantise(value: f64) -> Result<Self, UnitError> {
        if value.abs() < Self::NARROW {
            return Ok(Self::quantise_narrow(value));
        }
        Self::quantise_wide(value)
    }

    /// [`Self::quantise_wide`] in integers of 64 bits: books are valued by millions of these.
    #[inline]
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)] // integers below 2^53, exact both ways
    fn quantise_narrow(value: f64) -> Self {
        let whole = value as i64;
        let scaled = (value - whole as f64) * 1e12;
        let floor = scaled as i64;
        // Exact: both lie between the same two powers of two, or the integer is zero.
        let beyond = scaled - floor as f64;
        let rest = floor + i64::from(beyond >= 0.5) - i64::from(beyond <= -0.5);
        Self(i128::from(whole) * Self::PER_UNIT + i128::from(rest))
    }

    fn quantise_wide(value: f64) -> Result<Self, UnitError> {
        if value.is_nan() || value.abs() > Self::LIMIT {
            return Err(UnitError::Range {
                quantity: "measure",
                value,
                rule: "a published measure is finite and at most 1e20",
            });
        }
        // Whole part and rest are scaled apart, so that no bit of the input is lost to the multiplication.
        let whole = value.trunc();
        let rest = ((value - whole) * 1e12).round();
        #[allow(clippy::cast_possible_truncation)] // both are integers below 2^67
        Ok(Self(whole as i128 * Self::PER_UNIT + rest as i128))
    }

    /// The least multiple of the quantum that is not below a model number: for what is asked of somebody.
    ///
    /// # Errors
    /// As [`Fixed::quantise`].
    pub fn quantise_up(value: f64) -> Result<Self, UnitError> {
        Self::quantise_down(-value).map(Neg::neg)
    }

    /// The greatest multiple of the quantum that is not above a model number: for what somebody is credited with.
    ///
    /// # Errors
    /// As [`Fixed::quantise`].
    pub fn quantise_down(value: f64) -> Result<Self, UnitError> {
        // Refuses what cannot be published.
        Self::quantise(value)?;
        // An f64 is significand x 2^power. The significand is below 2^53 and a quantum's 1e12 below 2^40, so the product is
        // exact; a positive power means a value of 2^53 to 1e20, for which the shift ends below 2^107.
        let bits = value.to_bits();
        let (fraction, exponent) = (bits & ((1 << 52) - 1), (bits >> 52) & 0x7ff);
        let significand = i128::from(if exponent == 0 { fraction } else { fraction | (1 << 52) });
        let power = exponent.max(1).cast_signed() - 1075;
        let magnitude = significand * Self::PER_UNIT;
        let signed = if value < 0.0 { -magnitude } else { magnitude };
        let distance = u32::try_from(power.unsigned_abs()).unwrap_or(u32::MAX).min(127);
        // An arithmetic shift to the right is a division that rounds down; by 127 it leaves 0 or -1.
        Ok(Self(if power >= 0 { signed << distance } else { signed >> distance }))
    }

    /// The nearest f64, for plots and comparisons; never summed.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        // Two exact parts, one rounding each.
        #[allow(clippy::cast_precision_loss)]
        let (whole, rest) = ((self.0 / Self::PER_UNIT) as f64, (self.0 % Self::PER_UNIT) as f64);
        whole + rest / 1e12
    }

    /// So many multiples of the quantum: for shares of an exact sum that must add up to it.
    #[must_use]
    pub const fn from_raw(quanta: i128) -> Self {
        Self(quanta)
    }

    /// Multiples of the quantum.
    #[must_use]
    pub const fn raw(self) -> i128 {
        self.0
    }

    /// True when exactly nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Magnitude.
    #[must_use]
    pub const fn abs(self) -> Self {
        Self(self.0.abs())
    }

    /// Decimal text with at most `places` (0 to 12) digits after the point, rounded half away from zero.
    #[must_use]
    pub fn to_decimal_text(self, places: u32) -> String {
        let places = places.min(12);
        let unit = 10i128.pow(12 - places);
        let magnitude = self.0.unsigned_abs();
        let rounded = (magnitude + unit.unsigned_abs() / 2) / unit.unsigned_abs();
        let scale = 10u128.pow(places);
        let sign = if self.0 < 0 && rounded != 0 { "-" } else { "" };
        if places == 0 {
            return format!("{sign}{rounded}");
        }
        format!("{sign}{}.{:0width$}", rounded / scale, rounded % scale, width = places as usize)
    }
}

impl fmt::Display for Fixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_decimal_text(12))
    }
}

impl Add for Fixed {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Fixed {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Neg for Fixed {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl AddAssign for Fixed {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Sum for Fixed {
    fn sum<I: Iterator<Item = Self>>(rows: I) -> Self {
        rows.fold(Self::ZERO, Add::add)
    }
}

impl serde::Serialize for Fixed {
    /// As decimal text with trailing zeros cut: no reader can lose a digit to its own floats.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.to_string();
        serializer.serialize_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rounds_half_away_from_zero_and_prints_every_digit() {
        assert_eq!(Fixed::quantise(-1.5e-12).unwrap().raw(), -2);
        assert_eq!(Fixed::quantise(123_456.789).unwrap().to_decimal_text(2), "123456.79");
        assert_eq!(Fixed::quantise(-0.004).unwrap().to_decimal_text(2), "0.00");
        assert_eq!(Fixed::quantise(-0.6).unwrap().to_decimal_text(0), "-1");
    }

    #[test]
    fn what_cannot_be_published_is_an_error() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1.1e20] {
            assert!(Fixed::quantise(bad).is_err());
        }
    }

    #[test]
    fn a_requirement_is_never_rounded_below_and_a_credit_never_above() {
        for (value, down, up) in [
            (0.0, 0, 0),
            (-0.0, 0, 0),
            (0.5, 500_000_000_000, 500_000_000_000),
            (-2.0, -2_000_000_000_000, -2_000_000_000_000),
            (1e-13, 0, 1),
            (-1e-13, -1, 0),
            (f64::MIN_POSITIVE, 0, 1),
            (5e-324, 0, 1),
            (-5e-324, -1, 0),
            (1e20, 10i128.pow(32), 10i128.pow(32)),
            // A tenth is stored above 1/10 and is rounded up past it.
            (0.1, 100_000_000_000, 100_000_000_001),
        ] {
            assert_eq!(Fixed::quantise_down(value).unwrap().raw(), down, "{value} down");
            assert_eq!(Fixed::quantise_up(value).unwrap().raw(), up, "{value} up");
        }
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1.1e20] {
            assert!(Fixed::quantise_up(bad).is_err() && Fixed::quantise_down(bad).is_err());
        }
    }

    proptest! {
        /// The oracle is the exact decimal text of the value, cut after 12 places.
        #[test]
        fn directed_rounding_is_the_cut_decimal_text(value in prop_oneof![-1e20..1e20f64, -1e3..1e3f64, -1e-9..1e-9f64]) {
            let text = format!("{:.1080}", value.abs());
            let (whole, places) = text.split_once('.').unwrap();
            let (kept, rest) = places.split_at(12);
            let cut: i128 = format!("{whole}{kept}").parse().unwrap();
            let beyond = cut + i128::from(rest.bytes().any(|digit| digit != b'0'));
            let (down, up) = if value < 0.0 { (-beyond, -cut) } else { (cut, beyond) };
            prop_assert_eq!(Fixed::quantise_down(value).unwrap().raw(), down);
            prop_assert_eq!(Fixed::quantise_up(value).unwrap().raw(), up);
            let nearest = Fixed::quantise(value).unwrap().raw();
            prop_assert!(nearest == down || nearest == up);
        }

        #[test]
        fn narrow_and_wide_quantise_alike(value in prop_oneof![-9e15..9e15f64, -1e6..1e6f64, -1e-6..1e-6f64], quanta in -2_000_000i64..2_000_000) {
            #[allow(clippy::cast_precision_loss)]
            let tie = quanta as f64 * 0.5e-12;
            for value in [value, tie, value.trunc() + tie, value.trunc(), value.trunc() + 0.5] {
                prop_assert_eq!(Fixed::quantise_narrow(value), Fixed::quantise_wide(value).unwrap(), "{}", value);
            }
        }

        #[test]
        fn sums_do_not_depend_on_order(mut rows in prop::collection::vec(-1e12..1e12f64, 0..40)) {
            let total: Fixed = rows.iter().map(|v| Fixed::quantise(*v).unwrap()).sum();
            rows.reverse();
            let reversed: Fixed = rows.iter().map(|v| Fixed::quantise(*v).unwrap()).sum();
            prop_assert_eq!(total, reversed);
        }

        #[test]
        fn quantising_moves_a_value_by_at_most_half_a_quantum(v in -1e3..1e3f64) {
            let error = (Fixed::quantise(v).unwrap().to_f64() - v).abs();
            // Half a quantum, plus the rounding of an f64 below 1000.
            prop_assert!(error <= 0.5e-12 + 1.2e-13);
        }
    }
}
