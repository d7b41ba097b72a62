//! The one division of the ledger: `of x part / whole` in integers of 256 bits, rounded half to even once.
//!
//! Every rounding of the ledger is a [`Fraction`]; sums and products are exact or refused. `Decimal`'s own division would
//! round a product first and the quotient again.

use units::Decimal;

/// Places to which a value that a division makes is rounded, half to even: those of the smallest unit of an ether.
pub(super) const VALUE_PLACES: u32 = 18;
/// Digits that every [`Decimal`] holds.
const DIGITS: u32 = 28;
/// Mantissas of [`Decimal`] lie below.
const MANTISSA_LIMIT: u128 = 1 << 96;

/// `of x part / whole`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fraction {
    pub(super) of: Decimal,
    pub(super) part: Decimal,
    pub(super) whole: Decimal,
}

impl Fraction {
    /// Rounded half to even to `places`, or to the most places at which the result has a [`Decimal`]; none when `whole` is
    /// zero or the result is over 7.9e28.
    pub(super) fn rounded(self, places: u32) -> Option<Decimal> {
        let [of, part, whole] = [self.of, self.part, self.whole].map(|d| d.normalize());
        if whole.is_zero() {
            return None;
        }
        let is_negative = of.is_sign_negative() ^ part.is_sign_negative() ^ whole.is_sign_negative();
        let shift = i64::from(whole.scale()) - i64::from(of.scale()) - i64::from(part.scale());
        let product = Wide::product(of.mantissa().unsigned_abs(), part.mantissa().unsigned_abs());
        let divisor = Wide::from(whole.mantissa().unsigned_abs());
        (0..=places.min(Decimal::MAX_SCALE)).rev().find_map(|places| {
            let magnitude = rounded(product, divisor, shift + i64::from(places))?;
            let signed = i128::try_from(magnitude).ok()?;
            let signed = if is_negative { -signed } else { signed };
            Decimal::try_from_i128_with_scale(signed, places).ok().map(|d| d.normalize())
        })
    }
}

/// Places that a sum of these magnitudes has room for, at most [`VALUE_PLACES`].
pub(super) fn places_beside(amounts: &[Decimal]) -> u32 {
    let whole = amounts.iter().map(|amount| amount.trunc().mantissa().unsigned_abs()).sum::<u128>();
    let digits = whole.checked_ilog10().map_or(0, |log| log + 1);
    VALUE_PLACES.min(DIGITS.saturating_sub(digits))
}

/// `product x 10^power / divisor` to the nearest integer, half to even; none when no mantissa holds it.
fn rounded(product: Wide, divisor: Wide, power: i64) -> Option<u128> {
    let mut numerator = product;
    let mut denominator = divisor;
    for _ in 0..power.max(0) {
        // A numerator of over 251 bits over a mantissa of 96 is no mantissa either.
        numerator = numerator.times_ten()?;
    }
    for _ in power.min(0)..0 {
        // The product has 192 bits: below half of a denominator of 251 it is nothing.
        let Some(wider) = denominator.times_ten() else { return Some(0) };
        denominator = wider;
    }
    let (quotient, rest) = numerator.divided_by(denominator)?;
    let doubled = rest.doubled();
    let is_up = doubled > denominator || (doubled == denominator && quotient % 2 == 1);
    let nearest = quotient + u128::from(is_up);
    (nearest < MANTISSA_LIMIT).then_some(nearest)
}

/// An integer below 2^255: `high x 2^128 + low`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Wide {
    high: u128,
    low: u128,
}

impl From<u128> for Wide {
    fn from(low: u128) -> Self {
        Self { high: 0, low }
    }
}

impl Wide {
    /// Of two integers below 2^96.
    fn product(left: u128, right: u128) -> Self {
        if let Some(low) = left.checked_mul(right) {
            return Self { high: 0, low };
        }
        // Right in halves of 48 bits, so that no partial product is over 2^144 before it is split.
        let (top, bottom) = (right >> 48, right & ((1 << 48) - 1));
        let mut sum = Self::small_product(left, top);
        for _ in 0..48 {
            sum = sum.doubled();
        }
        let rest = Self::small_product(left, bottom);
        let (low, carry) = sum.low.overflowing_add(rest.low);
        Self { high: sum.high + rest.high + u128::from(carry), low }
    }

    /// Of an integer below 2^96 and one below 2^48.
    const fn small_product(left: u128, right: u128) -> Self {
        let (top, bottom) = (left >> 64, left & ((1 << 64) - 1));
        let middle = top * right;
        let (low, carry) = (bottom * right).overflowing_add(middle << 64);
        Self { high: (middle >> 64) + carry as u128, low }
    }

    const fn doubled(self) -> Self {
        Self { high: (self.high << 1) | (self.low >> 127), low: self.low << 1 }
    }

    /// None from 2^251 on.
    fn times_ten(self) -> Option<Self> {
        if self.high == 0
            && let Some(low) = self.low.checked_mul(10)
        {
            return Some(Self { high: 0, low });
        }
        if self.high >> 123 != 0 {
            return None;
        }
        let (two, eight) = (self.doubled(), self.doubled().doubled().doubled());
        let (low, carry) = two.low.overflowing_add(eight.low);
        Some(Self { high: two.high + eight.high + u128::from(carry), low })
    }

    const fn minus(self, other: Self) -> Self {
        let (low, borrow) = self.low.overflowing_sub(other.low);
        Self { high: self.high.wrapping_sub(other.high).wrapping_sub(borrow as u128), low }
    }

    const fn bits(self) -> u32 {
        if self.high == 0 { 128 - self.low.leading_zeros() } else { 256 - self.high.leading_zeros() }
    }

    const fn bit(self, index: u32) -> u128 {
        (if index < 128 { self.low >> index } else { self.high >> (index - 128) }) & 1
    }

    /// Quotient and rest; none when the quotient has over 127 bits.
    fn divided_by(self, divisor: Self) -> Option<(u128, Self)> {
        if self.high == 0 && divisor.high == 0 {
            let quotient = self.low.checked_div(divisor.low)?;
            return (quotient >> 127 == 0).then(|| (quotient, Self::from(self.low % divisor.low)));
        }
        let (mut quotient, mut rest) = (0u128, Self::from(0));
        for index in (0..self.bits()).rev() {
            rest = rest.doubled();
            rest.low |= self.bit(index);
            if quotient >> 126 != 0 {
                return None;
            }
            quotient <<= 1;
            if rest >= divisor {
                rest = rest.minus(divisor);
                quotient |= 1;
            }
        }
        Some((quotient, rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_bigint::BigInt;
    use proptest::prelude::*;

    fn big(d: Decimal, places: u32) -> BigInt {
        BigInt::from(d.mantissa()) * BigInt::from(10).pow(places - d.scale())
    }

    /// Any mantissa length and any scale with equal chance.
    fn any_decimal() -> impl Strategy<Value = Decimal> {
        (any::<u128>(), 0u32..96, 0u32..=28, any::<bool>()).prop_map(|(mantissa, drop, scale, negative)| {
            let magnitude = i128::try_from((mantissa >> 32) >> drop).unwrap();
            Decimal::from_i128_with_scale(if negative { -magnitude } else { magnitude }, scale)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        /// The nearest multiple of 10^-p, checked by multiplication: 2 |r x whole - of x part| <= 10^-p |whole|, even on a tie; p is
        /// 18 or the most places at which the magnitude stays below 2^96.
        #[test]
        fn a_fraction_is_the_nearest_multiple(of in any_decimal(), part in any_decimal(), whole in any_decimal()) {
            let result = Fraction { of, part, whole }.rounded(VALUE_PLACES);
            let ten = |n: u32| BigInt::from(10).pow(n);
            if whole.is_zero() {
                prop_assert_eq!(result, None);
                return Ok(());
            }
            // of x part and whole as integers over 10^56 and 10^28.
            let (product, whole) = (big(of, 28) * big(part, 28), big(whole, 28));
            let nearest = |places: u32| {
                // |product| 10^places / (|whole| 10^28), in halves.
                let (n, d) = (product.magnitude() * ten(places).magnitude() * 2u32, whole.magnitude() * ten(28).magnitude());
                let (floor, rest) = (&n / (&d * 2u32), &n % (&d * 2u32));
                let up = rest > d || (rest == d && &floor % 2u32 == 1u32.into());
                floor + u32::from(up)
            };
            let limit = BigInt::from(MANTISSA_LIMIT).magnitude().clone();
            let expected = (0..=VALUE_PLACES).rev().map(|p| (p, nearest(p))).find(|(_, n)| *n < limit);
            match (result, expected) {
                (None, None) => {}
                (Some(found), Some((places, magnitude))) => {
                    let sign = if product.sign() == whole.sign() { 1 } else { -1 };
                    prop_assert_eq!(big(found, places), BigInt::from(magnitude) * sign);
                }
                (found, expected) => prop_assert!(false, "{:?} {:?}", found, expected),
            }
        }
    }

    #[test]
    fn room_beside_an_amount_is_28_digits_less_its_own() {
        for (amount, places) in [("0", 18), ("9999999999", 18), ("10000000000", 17), ("1e27", 0), ("7e28", 0)]
        {
            let amount: Decimal = amount.parse::<units::Quantity>().unwrap_or_default().get();
            let amount = if places == 0 && amount.is_zero() { Decimal::MAX } else { amount };
            assert_eq!(places_beside(&[amount]), places, "{amount}");
        }
    }
}
