//! The one border between the number worlds.
//!
//! Ledger to model is a correctly defined, platform-independent conversion; model to ledger does not exist except through
//! [`crate::Fixed::quantise`], so a model number never becomes a balance by accident.

use crate::{Fixed, UnitError};
use rust_decimal::Decimal;

/// The f64 nearest to an exact decimal.
///
/// Goes through the shortest decimal text and the standard library's correctly rounded parser: the same bits everywhere.
///
/// # Errors
/// Never for a value that `Decimal` can hold; the type keeps callers honest if the ledger number changes.
pub fn to_model(value: Decimal) -> Result<f64, UnitError> {
    let text = value.to_string();
    text.parse::<f64>().map_err(|_| UnitError::text("decimal", &text, "convertible to f64"))
}

/// Publishes `quantity x measure per unit`: the product is rounded once, then quantised once.
///
/// # Errors
/// When the product is not finite or too large to publish.
pub fn publish(quantity: f64, per_unit: f64) -> Result<Fixed, UnitError> {
    Fixed::quantise(quantity * per_unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn decimals_convert_to_the_nearest_float(mantissa in any::<i64>(), scale in 0u32..18) {
            let decimal = Decimal::new(mantissa, scale);
            let expected: f64 = format!("{mantissa}e-{scale}").parse().unwrap();
            prop_assert_eq!(to_model(decimal).unwrap().to_bits(), expected.to_bits());
        }
    }
}
