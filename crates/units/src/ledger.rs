//! Ledger numbers: exact decimals (28 digits). Only meaningful arithmetic exists.
//!
//! | operation | result |
//! |---|---|
//! | `Quantity + Quantity`, `-Quantity` | `Quantity` |
//! | `Money + Money` (same asset) | `Result<Money>` |

use crate::{Asset, UnitError};
use rust_decimal::Decimal;
use std::fmt;
use std::ops::Neg;
use std::str::FromStr;

const OVERFLOW: &str = "an exact decimal has at most 28 digits";

/// Decimal text as venues and spreadsheets write it: sign, digits, point, exponent (`3.1639e-4` occurs in recordings).
fn parse(quantity: &'static str, text: &str) -> Result<Decimal, UnitError> {
    let trimmed = text.trim();
    let parsed = if trimmed.contains(['e', 'E']) {
        Decimal::from_scientific(trimmed).ok()
    } else {
        Decimal::from_str_exact(trimmed).ok()
    };
    parsed.map(|d| d.normalize()).ok_or_else(|| {
        UnitError::text(quantity, text, "a decimal number of at most 28 digits, such as -12.5 or 3e-4; not NaN or infinite")
    })
}

macro_rules! ledger_number {
    ($(#[$doc:meta])* $name:ident, $quantity:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(Decimal);

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
        let sum = self.0.checked_add(other.0).ok_or(UnitError::Overflow { quantity: "quantity", rule: OVERFLOW })?;
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
        let amount =
            self.amount.checked_add(other.amount).ok_or(UnitError::Overflow { quantity: "amount", rule: OVERFLOW })?;
        Ok(Self { amount: amount.normalize(), asset: self.asset.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_parsed_exactly_or_refused() {
        assert_eq!("3.1639e-4".parse::<Quantity>().unwrap().to_string(), "0.00031639");
        assert_eq!(" -12.50 ".parse::<Quantity>().unwrap().to_string(), "-12.5");
        for bad in ["", "NaN", "inf", "1,000", "0x10", "1e400", "12345678901234567890123456789012"] {
            assert!(bad.parse::<Quantity>().is_err(), "{bad}");
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
