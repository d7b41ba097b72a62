//! Model numbers: f64 behind newtypes whose constructors carry the range. Units are part of the type.

use crate::UnitError;
use std::fmt;

macro_rules! model_number {
    ($(#[$doc:meta])* $name:ident, $quantity:literal, $rule:literal, $ok:expr, $show:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
        pub struct $name(f64);

        impl $name {
            /// Checks the range; NaN and infinities never pass.
            ///
            /// # Errors
            /// [`UnitError::Range`] names the rule that the value breaks.
            #[inline]
            pub fn new(value: f64) -> Result<Self, UnitError> {
                let within: fn(f64) -> bool = $ok;
                if value.is_finite() && within(value) {
                    // Adding zero turns -0.0 into +0.0, so that equal values have equal bits.
                    Ok(Self(value + 0.0))
                } else {
                    Err(UnitError::Range { quantity: $quantity, value, rule: $rule })
                }
            }

            /// The bare number, in the unit named by the type.
            #[must_use]
            pub const fn get(self) -> f64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let show: fn(f64, &mut fmt::Formatter<'_>) -> fmt::Result = $show;
                show(self.0, f)
            }
        }
    };
}

model_number!(
    /// Annualised log-normal volatility as a fraction (0.483 is 48.3 vol points).
    Vol, "vol", "a volatility is a fraction from 0 to 10 (1000 vol points)",
    |v| (0.0..=10.0).contains(&v), |v, f| write!(f, "{:.1} vol pts", v * 100.0)
);
model_number!(
    /// Time to expiry in years, actual/365 to the nanosecond; zero or less means expired.
    YearFraction, "time to expiry", "a time to expiry lies within 100 years of now",
    |v| v.abs() <= 100.0, |v, f| write!(f, "{v:.6} years")
);
model_number!(
    /// Forward price of one unit of the underlying for a given expiry, in the quote currency.
    Forward, "forward", "a forward is greater than zero",
    |v| v > 0.0, |v, f| write!(f, "{v}")
);
model_number!(
    /// Strike of an option, in the quote currency.
    Strike, "strike", "a strike is greater than zero",
    |v| v > 0.0, |v, f| write!(f, "{v}")
);
model_number!(
    /// Spot or index price of one unit of an asset, in the quote currency.
    Spot, "spot", "a spot price is greater than zero",
    |v| v > 0.0, |v, f| write!(f, "{v}")
);
model_number!(
    /// Discount factor to expiry.
    Discount, "discount factor", "a discount factor is greater than 0 and at most 10",
    |v| v > 0.0 && v <= 10.0, |v, f| write!(f, "{v}")
);
model_number!(
    /// Continuously compounded annual rate as a fraction.
    Rate, "rate", "an annual rate lies between -10 and 10",
    |v| v.abs() <= 10.0, |v, f| write!(f, "{:.2} % p.a.", v * 100.0)
);

impl Vol {
    /// From vol points: 48.3 means 48.3 % a year.
    ///
    /// # Errors
    /// As [`Vol::new`].
    pub fn from_points(points: f64) -> Result<Self, UnitError> {
        Self::new(points / 100.0)
    }

    /// In vol points.
    #[must_use]
    pub fn points(self) -> f64 {
        self.0 * 100.0
    }
}

impl Discount {
    /// No discount.
    pub const ONE: Self = Self(1.0);
}

impl YearFraction {
    /// Days in the year of this measure: crypto venues trade around the clock and count actual/365.
    pub const DAYS: f64 = 365.0;
    /// No time: what a perpetual has to its expiry.
    pub const ZERO: Self = Self(0.0);

    /// The same span in days.
    #[must_use]
    pub fn days(self) -> f64 {
        self.0 * Self::DAYS
    }

    /// True when no time is left.
    #[must_use]
    pub fn is_expired(self) -> bool {
        self.0 <= 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constructors_name_the_broken_rule() {
        for bad in [f64::NAN, f64::INFINITY, -0.1, 10.1] {
            let message = Vol::new(bad).unwrap_err().to_string();
            assert!(message.contains("fraction from 0 to 10"), "{message}");
        }
        assert!(Forward::new(0.0).is_err());
        assert!(Strike::new(-1.0).is_err());
        assert!(Discount::new(0.0).is_err());
    }

    #[test]
    fn negative_zero_has_the_bits_of_zero() {
        assert_eq!(Vol::new(-0.0).unwrap().get().to_bits(), 0.0f64.to_bits());
    }
}
