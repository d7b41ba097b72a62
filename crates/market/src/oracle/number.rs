//! Whole numbers with a unit, and the two roundings of this module.

use super::OracleError;
use units::Decimal;

/// A price in units of 10^exponent of its feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, serde::Serialize)]
pub struct PriceUnits(pub i64);

/// Decimal exponent of a feed: a price is `units x 10^exponent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Exponent(pub i32);

/// Weight of a source in a mean or a median. Only ratios count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Weight(pub u32);

/// Ten-thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct BasisPoints(pub u32);

/// A price with the exponent it is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct ScaledPrice {
    /// Whole units.
    pub price: PriceUnits,
    /// Of 10 to this power.
    pub exponent: Exponent,
}

impl Exponent {
    /// A decimal as whole units, exactly or not at all.
    ///
    /// # Errors
    /// When it has digits below a unit, or does not fit into 64 bits.
    ///
    /// ```
    /// use market::oracle::{Exponent, PriceUnits};
    /// use units::Decimal;
    /// assert_eq!(Exponent(-2).units_of(Decimal::new(97_123_450, 3))?, PriceUnits(9_712_345));
    /// assert!(Exponent(-2).units_of(Decimal::new(97_123_455, 3)).is_err());
    /// # Ok::<(), market::oracle::OracleError>(())
    /// ```
    pub fn units_of(self, value: Decimal) -> Result<PriceUnits, OracleError> {
        let value = value.normalize();
        if value.is_zero() {
            return Ok(PriceUnits(0));
        }
        let shift = -i64::from(value.scale()) - i64::from(self.0);
        if shift < 0 {
            return Err(OracleError::TooFine { exponent: self.0 });
        }
        let factor = u32::try_from(shift).ok().and_then(|digits| 10_i128.checked_pow(digits));
        let units = factor.and_then(|factor| value.mantissa().checked_mul(factor));
        units.ok_or(OracleError::Overflow("a price")).and_then(to_price)
    }
}

/// One whole in basis points.
pub(super) const WHOLE_BP: i128 = 10_000;

impl ScaledPrice {
    /// The same price in units of another exponent; digits that are lost round half to even.
    ///
    /// # Errors
    /// When it does not fit.
    pub fn at(self, exponent: Exponent) -> Result<PriceUnits, OracleError> {
        let overflow = || OracleError::Overflow("a price in another exponent");
        let shift = i64::from(self.exponent.0) - i64::from(exponent.0);
        let digits = u32::try_from(shift.unsigned_abs()).map_err(|_| overflow())?;
        let value = i128::from(self.price.0);
        if shift <= 0 {
            // Below a half of the last unit whatever the digits are: 10^19 is over twice the largest price.
            let factor = 10_i128.checked_pow(digits);
            return factor.map_or(Ok(PriceUnits(0)), |factor| to_price(half_even(value, factor)));
        }
        if value == 0 {
            return Ok(PriceUnits(0));
        }
        let product = 10_i128.checked_pow(digits).and_then(|factor| value.checked_mul(factor));
        product.ok_or_else(overflow).and_then(to_price)
    }
}

/// Back to 64 bits.
pub(super) fn to_price(value: i128) -> Result<PriceUnits, OracleError> {
    i64::try_from(value).map(PriceUnits).map_err(|_| OracleError::Overflow("a price"))
}

/// Quotient by a positive divisor, rounded half to even.
pub(super) fn half_even(value: i128, divisor: i128) -> i128 {
    let (floor, rest) = (value.div_euclid(divisor), value.rem_euclid(divisor));
    // `rest < divisor`, so the difference cannot overflow where twice the rest could.
    match rest.cmp(&(divisor - rest)) {
        std::cmp::Ordering::Less => floor,
        std::cmp::Ordering::Greater => floor + 1,
        std::cmp::Ordering::Equal => floor + floor.rem_euclid(2),
    }
}

/// Middle of two, rounded towards minus infinity.
pub(super) fn floor_middle(a: i64, b: i64) -> PriceUnits {
    let middle = (i128::from(a) + i128::from(b)).div_euclid(2);
    // Between two i64 lies an i64.
    PriceUnits(i64::try_from(middle).unwrap_or(a))
}

/// Distance from a positive reference in basis points of it, rounded down; saturates.
pub(super) fn distance_bp(value: i128, reference: i128) -> u64 {
    if reference <= 0 {
        return u64::MAX;
    }
    let distance = value.saturating_sub(reference).unsigned_abs();
    let scaled = distance.saturating_mul(WHOLE_BP.unsigned_abs()) / reference.unsigned_abs();
    u64::try_from(scaled).unwrap_or(u64::MAX)
}
