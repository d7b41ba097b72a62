//! Ledger numbers: exact decimals (28 digits). Only meaningful arithmetic exists.
//!
//! | operation | result |
//! |---|---|
//! | `Quantity + Quantity`, `-Quantity` | `Quantity` |
//! | `Money + Money` (same asset) | `Result<Money>` |

use crate::{Asset, UnitError};
use rust_decimal::Decimal;
use std::cmp::Ordering;
use std::fmt;
use std::ops::Neg;
use std::str::FromStr;

const OVERFLOW: &str = "an exact decimal has at most 28 digits";

/// Decimal text as venues and spreadsheets write it: sign, digits, point, exponent (`3.1639e-4` occurs in recordings).
fn parse(quantity: &'static str, text: &str) -> Result<Decimal, UnitError> {
    let trimmed = text.trim();
    // `Decimal` itself would read 1_000; nobody writes that to a book but by mistake.
    let plain = !trimmed.contains('_');
    let parsed = match trimmed.split_once(['e', 'E']) {
        _ if !plain => None,
        Some((base, exponent)) => scientific(base, exponent),
        None => Decimal::from_str_exact(trimmed).ok(),
    };
    parsed.map(|d| d.normalize()).ok_or_else(|| {
        UnitError::text(
            quantity,
            text,
            "a decimal number of at most 28 digits, such as -12.5 or 3e-4; not NaN or infinite",
        )
    })
}

/// `base x 10^exponent`, exactly or not at all: `Decimal::from_scientific` rounds a base of over 28 digits.
fn scientific(base: &str, exponent: &str) -> Option<Decimal> {
    let base = Decimal::from_str_exact(base).ok()?;
    let exponent: i64 = exponent.parse().ok()?;
    let places = i64::from(base.scale()).checked_sub(exponent)?;
    shifted(base.mantissa(), places)
}

/// `mantissa x 10^-places` when that is a `Decimal`, else nothing.
fn shifted(mut mantissa: i128, mut places: i64) -> Option<Decimal> {
    if mantissa == 0 {
        return Some(Decimal::ZERO);
    }
    while places > i64::from(Decimal::MAX_SCALE) && mantissa % 10 == 0 {
        (mantissa, places) = (mantissa / 10, places - 1);
    }
    if places < 0 {
        let factor = 10i128.checked_pow(u32::try_from(places.checked_neg()?).ok()?)?;
        return Decimal::try_from_i128_with_scale(mantissa.checked_mul(factor)?, 0).ok();
    }
    Decimal::try_from_i128_with_scale(mantissa, u32::try_from(places).ok()?).ok()
}

/// The product of two decimals, or nothing when it needs more than 28 digits: `Decimal::checked_mul` would round it.
///
/// ```
/// use units::{Decimal, exact_product};
/// assert_eq!(exact_product(Decimal::new(-5, 1), Decimal::new(3, 2)), Some(Decimal::new(-15, 3)));
/// assert_eq!(exact_product(Decimal::new(1, 28), Decimal::new(1, 2)), None);
/// ```
#[must_use]
pub fn exact_product(left: Decimal, right: Decimal) -> Option<Decimal> {
    let (left, right) = (left.normalize(), right.normalize());
    let mantissa = left.mantissa().checked_mul(right.mantissa())?;
    shifted(mantissa, i64::from(left.scale()) + i64::from(right.scale()))
}

/// The sum of two decimals, or nothing when it needs more than 28 digits: `Decimal::checked_add` would round it.
///
/// ```
/// use units::{Decimal, exact_sum};
/// assert_eq!(exact_sum(Decimal::new(-5, 1), Decimal::new(3, 2)), Some(Decimal::new(-47, 2)));
/// assert_eq!(exact_sum(Decimal::new(1, 28), Decimal::new(10, 0)), None);
/// ```
#[must_use]
pub fn exact_sum(left: Decimal, right: Decimal) -> Option<Decimal> {
    let (left, right) = (left.normalize(), right.normalize());
    if left.scale() == right.scale() {
        return shifted(left.mantissa().checked_add(right.mantissa())?, i64::from(left.scale()));
    }
    let places = left.scale().max(right.scale());
    let aligned = |d: Decimal| d.mantissa().checked_mul(10i128.checked_pow(places - d.scale())?);
    shifted(aligned(left)?.checked_add(aligned(right)?)?, i64::from(places))
}

macro_rules! ledger_number {
    ($(#[$doc:meta])* $name:ident, $quantity:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(Decimal);

        impl Ord for $name {
            /// Of one scale, as strikes and prices of one contract nearly always are, by their integers.
            #[inline]
            fn cmp(&self, other: &Self) -> Ordering {
                let (own, other) = (self.0, other.0);
                if own.scale() == other.scale() {
                    own.mantissa().cmp(&other.mantissa())
                } else {
                    own.cmp(&other)
                }
            }
        }

        impl PartialOrd for $name {
            #[inline]
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl $name {
            /// Wraps an exact decimal.
            #[must_use]
            pub const fn new(value: Decimal) -> Self {
                Self(value)
            }

            /// The exact decimal.
            #[must_use]
            pub const fn get(self) -> Decimal {
                self.0
            }
        }

        impl FromStr for $name {
            type Err = UnitError;
            fn from_str(text: &str) -> Result<Self, UnitError> {
                parse($quantity, text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

ledger_number!(
    /// Signed size of a position in the unit of its listing (coins, contracts or USD); long is positive.
    Quantity,
    "quantity"
);
ledger_number!(
    /// Price per unit of quantity, in the listing's quote unit.
    Price,
    "price"
);

impl Quantity {
    /// No position.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// Exact sum.
    ///
    /// # Errors
    /// When the sum needs more than 28 digits.
    pub fn checked_add(self, other: Self) -> Result<Self, UnitError> {
        let sum =
            exact_sum(self.0, other.0).ok_or(UnitError::Overflow { quantity: "quantity", rule: OVERFLOW })?;
        Ok(Self(sum.normalize()))
    }

    /// True when flat.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }
}

impl Neg for Quantity {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

/// An exact amount of one asset.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Money {
    /// How much; negative is a debt.
    pub amount: Decimal,
    /// Of what.
    pub asset: Asset,
}

impl Money {
    /// Parses an amount of a known asset.
    ///
    /// # Errors
    /// When the text is not an exact decimal.
    pub fn parse(amount: &str, asset: Asset) -> Result<Self, UnitError> {
        Ok(Self { amount: parse("amount", amount)?, asset })
    }

    /// Exact sum of two amounts of the same asset.
    ///
    /// # Errors
    /// When the assets differ, or the sum needs more than 28 digits.
    pub fn checked_add(&self, other: &Self) -> Result<Self, UnitError> {
        if self.asset != other.asset {
            return Err(UnitError::text("asset", other.asset.as_str(), "only amounts of one asset add up"));
        }
        let amount = exact_sum(self.amount, other.amount)
            .ok_or(UnitError::Overflow { quantity: "amount", rule: OVERFLOW })?;
        Ok(Self { amount: amount.normalize(), asset: self.asset.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_is_parsed_exactly_or_refused() {
        assert_eq!("3.1639e-4".parse::<Quantity>().unwrap().to_string(), "0.00031639");
        assert_eq!(" -12.50 ".parse::<Quantity>().unwrap().to_string(), "-12.5");
        for bad in ["", "NaN", "inf", "1,000", "0x10", "1e400", "12345678901234567890123456789012"] {
            assert!(bad.parse::<Quantity>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_exponent_shifts_the_point_and_never_rounds() {
        let digits = "1234567890123456789012345678";
        for (text, plain) in [
            (format!("{digits}e-28"), "0.1234567890123456789012345678"),
            ("0.1234567890123456789012345678e28".into(), digits),
            ("1e28".into(), "10000000000000000000000000000"),
            ("1000e-30".into(), "0.000000000000000000000000001"),
            ("-2.5E+3".into(), "-2500"),
            ("0e99".into(), "0"),
        ] {
            assert_eq!(text.parse::<Quantity>().unwrap().to_string(), plain, "{text}");
        }
        // 29 or more digits, an exponent that the type cannot hold, and text that only looks like a number.
        let long = format!("0.{digits}9e1");
        for bad in [
            long.as_str(),
            "12345678901234567890123456789012e-20",
            "1e-29",
            "1e29",
            "1e",
            "e5",
            "1e1.5",
            "1_000",
            "1_0e2",
            "1e99999999999999999999",
        ] {
            assert!(bad.parse::<Quantity>().is_err(), "{bad}");
        }
    }

    #[test]
    fn sums_and_products_that_would_be_rounded_are_refused() {
        let (large, small) = ("1e20".parse::<Quantity>().unwrap(), "1e-20".parse::<Quantity>().unwrap());
        assert!(large.checked_add(small).is_err());
        assert_eq!(large.checked_add(-large).unwrap(), Quantity::ZERO);
        assert_eq!(exact_product(large.get(), small.get()), Some(Decimal::ONE));
        assert_eq!(exact_product(small.get(), small.get()), None);
        assert_eq!(exact_product(large.get(), large.get()), None);
    }

    proptest! {
        /// The plain twin is the order of decimals; few values and scales, so that many are the same number.
        #[test]
        fn ledger_numbers_are_ordered_as_their_decimals(
            left in -20i64..20, right in -20i64..20, left_places in 0u32..3, right_places in 0u32..3,
        ) {
            let (a, b) = (Decimal::new(left, left_places), Decimal::new(right, right_places));
            prop_assert_eq!(Price::new(a).cmp(&Price::new(b)), a.cmp(&b));
            prop_assert_eq!(Price::new(-a).cmp(&Price::new(b)), (-a).cmp(&b), "minus zero among them");
        }

        /// Brute force: both arguments as integers over a common power of ten, in 128 bits.
        #[test]
        fn exact_arithmetic_is_integer_arithmetic(
            left in any::<i64>(), right in any::<i64>(), left_places in 0u32..10, right_places in 0u32..10,
        ) {
            let (a, b) = (Decimal::new(left, left_places), Decimal::new(right, right_places));
            let sum = i128::from(left) * 10i128.pow(9 - left_places) + i128::from(right) * 10i128.pow(9 - right_places);
            let expected = Decimal::try_from_i128_with_scale(sum, 9).ok();
            prop_assert_eq!(exact_sum(a, b), expected);
            let product = i128::from(left) * i128::from(right);
            if let Some(got) = exact_product(a, b) {
                let scale = left_places + right_places - got.scale();
                prop_assert_eq!(got.mantissa() * 10i128.pow(scale), product);
            } else {
                prop_assert!(product.unsigned_abs() >> 96 > 0);
            }
        }
    }

    #[test]
    fn amounts_of_different_assets_do_not_add() {
        let btc = Money::parse("1", Asset::new("BTC").unwrap()).unwrap();
        let eth = Money::parse("1", Asset::new("ETH").unwrap()).unwrap();
        assert!(btc.checked_add(&eth).is_err());
        assert_eq!(btc.checked_add(&btc).unwrap().amount, Decimal::TWO);
    }
}
