//! The one border between the number worlds.
//!
//! Ledger to model is a correctly defined, platform-independent conversion; model to ledger does not exist except through
//! [`crate::Fixed::quantise`], so a model number never becomes a balance by accident.

use crate::{Fixed, UnitError};
use rust_decimal::Decimal;

const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// The f64 nearest to an exact decimal.
///
/// Goes through the shortest decimal text and the standard library's correctly rounded parser: the same bits everywhere. Where mantissa
/// and power of ten are both exact as f64, one correctly rounded division gives those bits without a text.
///
/// # Errors
/// Never for a value that `Decimal` can hold; the type keeps callers honest if the ledger number changes.
pub fn to_model(value: Decimal) -> Result<f64, UnitError> {
    // Up to 10^22 powers of ten are exact; zero keeps whatever sign its text has.
    #[allow(clippy::cast_precision_loss)] // at most 2^53
    if let Some(power) = POWERS.get(value.scale() as usize)
        && (1..=1 << 53).contains(&value.mantissa().unsigned_abs())
    {
        return Ok(value.mantissa() as f64 / power);
    }
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
        fn decimals_convert_to_the_nearest_float(
            mantissa in prop_oneof![any::<i64>(), -(1i64 << 54)..1i64 << 54, -100_000i64..100_000],
            scale in 0u32..28,
        ) {
            let decimal = Decimal::new(mantissa, scale);
            let expected: f64 = format!("{mantissa}e-{scale}").parse().unwrap();
            prop_assert_eq!(to_model(decimal).unwrap().to_bits(), expected.to_bits());
        }
    }
}
