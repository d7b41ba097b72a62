//! Sizes that can be traded: whole lots, towards zero, so that a trade never goes past where it should end.
//!
//! The live engine, plans and backtests round by this one function.
//!
//! ```
//! use hedge::lots::whole_lots;
//! // BTC-PERPETUAL at Deribit trades in steps of 10 USD.
//! let lot = "10".parse()?;
//! assert_eq!(whole_lots(-129.9, lot)?.to_string(), "-120");
//! assert!(whole_lots(f64::NAN, lot).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use units::{Decimal, border};

/// Lots beyond this are not whole numbers of an f64 any more.
const MOST_LOTS: f64 = 9e15;

/// Why a size is no number of lots.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LotsError {
    /// NaN, or too large.
    #[error("{0} steps are too many")]
    Range(f64),
    /// The product needs more digits than a decimal has.
    #[error("over 28 digits")]
    Digits,
    /// A step of zero or less.
    #[error("a lot is above zero, not {0}")]
    Lot(Decimal),
}

/// The largest number of whole lots that is no further from zero than a quantity, in the unit of the lot.
///
/// # Errors
/// [`LotsError`] when there is no such number.
pub fn whole_lots(quantity: f64, lot: Decimal) -> Result<Decimal, LotsError> {
    if lot <= Decimal::ZERO {
        return Err(LotsError::Lot(lot));
    }
    let step = border::to_model(lot).map_err(|_| LotsError::Lot(lot))?;
    let steps = whole((quantity / step).trunc())?;
    steps.checked_mul(lot).map(|size| size.normalize()).ok_or(LotsError::Digits)
}

/// A whole number as a decimal.
///
/// # Errors
/// [`LotsError::Range`] for what is no number, or beyond 9e15.
pub fn whole(steps: f64) -> Result<Decimal, LotsError> {
    if steps.is_nan() || steps.abs() > MOST_LOTS {
        return Err(LotsError::Range(steps));
    }
    #[allow(clippy::cast_possible_truncation)] // whole and at most 9e15
    Ok(Decimal::from(steps as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lots_are_cut_towards_zero_whatever_the_side() {
        let lot = Decimal::new(5, 1);
        for (quantity, lots) in [(1.7, "1.5"), (-1.7, "-1.5"), (0.49, "0"), (-0.49, "0"), (2.0, "2")] {
            assert_eq!(whole_lots(quantity, lot).unwrap(), lots.parse().unwrap(), "{quantity}");
        }
    }

    #[test]
    fn what_is_no_number_of_lots_is_an_error() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
            assert!(matches!(whole_lots(bad, Decimal::ONE), Err(LotsError::Range(_))), "{bad}");
        }
        assert_eq!(whole_lots(1.0, Decimal::ZERO), Err(LotsError::Lot(Decimal::ZERO)));
        assert_eq!(whole_lots(1.0, Decimal::NEGATIVE_ONE), Err(LotsError::Lot(Decimal::NEGATIVE_ONE)));
    }
}
