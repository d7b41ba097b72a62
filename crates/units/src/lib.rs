//! The words every other crate speaks: two number worlds, one border between them, ids and time.
//!
//! | world | types | arithmetic |
//! |---|---|---|
//! | ledger: what is owed | [`Quantity`], [`Price`], [`Money`] | exact decimals; every division names its rounding |
//! | model: what is estimated | [`Vol`], [`YearFraction`], [`Forward`], [`Strike`], [`Spot`], [`Discount`], [`Rate`] | f64 with a checked range |
//! | published measures | [`Fixed`] | a model number quantised once to 1e-12 and then summed exactly |
//!
//! A ledger number enters a model through [`border::to_model`]; a model number is published through [`Fixed::quantise`].
//! There is no `From<f64>` for a ledger number.
//!
//! Errors: constructors return [`UnitError`], which names the rule that the value breaks.
//!
//! ```
//! use units::{Fixed, Vol};
//! let vol = Vol::from_points(48.3)?;
//! assert_eq!(vol.to_string(), "48.3 vol pts");
//! assert!(Vol::new(f64::NAN).is_err());
//! // A total is the exact sum of its rows, in any order.
//! let rows = [Fixed::quantise(0.1)?, Fixed::quantise(0.2)?];
//! assert_eq!((rows[0] + rows[1]).to_string(), "0.300000000000");
//! # Ok::<(), units::UnitError>(())
//! ```

pub mod border;
mod fixed;
mod ids;
mod issues;
mod ledger;
mod model;
mod name;
mod time;

pub use fixed::Fixed;
pub use ids::{Account, Asset, Chain, FillId, OptionKind, OrderId, Symbol, Venue};
pub use issues::{Issue, Issues};
pub use ledger::{Money, Price, Quantity, exact_product, exact_sum};
pub use model::{Discount, Forward, Rate, Spot, Strike, Vol, YearFraction};
pub use rust_decimal::Decimal;
pub use time::Timestamp;

/// A value that a unit does not admit. The message names the quantity, the value and the rule.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum UnitError {
    /// The number is NaN, infinite or outside the range of its unit.
    #[error("{quantity} {value} is not allowed: {rule}")]
    Range {
        /// Which unit was asked for.
        quantity: &'static str,
        /// The offending number.
        value: f64,
        /// The range in words.
        rule: &'static str,
    },
    /// The text is not a number, an id or an instant.
    #[error("{quantity} '{text}' is not allowed: {rule}")]
    Text {
        /// Which unit was asked for.
        quantity: &'static str,
        /// The offending text, cut to 80 characters.
        text: String,
        /// The grammar in words.
        rule: &'static str,
    },
    /// Exact arithmetic left the range of its representation.
    #[error("{quantity} overflows: {rule}")]
    Overflow {
        /// Which unit overflowed.
        quantity: &'static str,
        /// The range in words.
        rule: &'static str,
    },
}

impl UnitError {
    pub(crate) fn text(quantity: &'static str, text: &str, rule: &'static str) -> Self {
        Self::Text { quantity, text: text.chars().take(80).collect(), rule }
    }
}
