//! Ticks and lots: where a number of the model becomes a price or a quantity, by counting whole steps.

use rust_decimal::prelude::ToPrimitive;
use units::{Decimal, UnitError, border};

/// More steps than any price or quantity has here: sums of a few thousand still fit.
const MOST: f64 = 1e15;
const MOST_STEPS: u64 = 1_000_000_000_000_000;

/// Multiples of a decimal above zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Grid {
    step: Decimal,
    model: f64,
    /// The step is the mantissa over a power of ten.
    mantissa: f64,
    power: f64,
}

impl Grid {
    pub(crate) fn new(step: Decimal) -> Result<Self, UnitError> {
        let step = step.normalize();
        let power = ten_to(step.scale());
        Ok(Self {
            step,
            model: border::to_model(step)?,
            mantissa: border::to_model(Decimal::from(step.mantissa()))?,
            power,
        })
    }

    /// So many steps, exactly: the rules of a world's file keep them far below 28 digits.
    pub(crate) fn decimal(self, steps: i64) -> Decimal {
        (self.step * Decimal::from(steps)).normalize()
    }

    /// How many steps a decimal is; none when it is no multiple.
    pub(crate) fn steps(self, value: Decimal) -> Option<i64> {
        let whole = value.checked_rem(self.step)?.is_zero();
        let steps = value.checked_div(self.step).filter(|_| whole)?.to_i64()?;
        (steps.unsigned_abs() < MOST_STEPS).then_some(steps)
    }

    /// The float nearest to so many steps: one division of two whole numbers.
    #[allow(clippy::cast_precision_loss)] // below 2^53 units of the last place
    pub(crate) fn model(self, steps: i64) -> f64 {
        steps as f64 * self.mantissa / self.power
    }

    pub(crate) fn floor(self, value: f64) -> i64 {
        whole((value / self.model).floor())
    }

    pub(crate) fn ceil(self, value: f64) -> i64 {
        whole((value / self.model).ceil())
    }

    pub(crate) fn nearest(self, value: f64) -> i64 {
        whole((value / self.model).round())
    }
}

/// Steps of the model, kept within what counts.
#[allow(clippy::cast_possible_truncation)] // clamped
pub(crate) fn whole(steps: f64) -> i64 {
    steps.clamp(-MOST, MOST) as i64
}

fn ten_to(places: u32) -> f64 {
    (0..places).fold(1.0, |power, _| power * 10.0)
}

/// A decimal of so many places, nearest to a number of the model.
pub(crate) fn rounded(value: f64, places: u32) -> Decimal {
    let power = ten_to(places);
    Decimal::new(whole((value * power).round()), places).normalize()
}

/// A number of the model at so many places, the float nearest to that decimal.
#[allow(clippy::cast_precision_loss)] // below 2^53
pub(crate) fn shown(value: f64, places: u32) -> f64 {
    let power = ten_to(places);
    whole((value * power).round()) as f64 / power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(step: &str) -> Grid {
        Grid::new(step.parse().unwrap()).unwrap()
    }

    #[test]
    fn steps_and_decimals_are_each_others_inverse() {
        for (step, value, steps) in
            [("0.5", "92000.5", 184_001), ("10", "-250", -25), ("0.0001", "0.0123", 123)]
        {
            let value: Decimal = value.parse().unwrap();
            assert_eq!(grid(step).steps(value), Some(steps));
            assert_eq!(grid(step).decimal(steps), value);
        }
        assert_eq!(grid("0.5").steps("0.75".parse().unwrap()), None);
        assert_eq!(grid("10").steps("1e28".parse().unwrap_or(Decimal::MAX)), None);
    }

    #[test]
    fn the_model_shows_the_nearest_float() {
        assert_eq!(grid("0.1").model(3).to_bits(), 0.3_f64.to_bits());
        assert_eq!(grid("0.0001").model(123).to_bits(), 0.0123_f64.to_bits());
        assert_eq!(shown(92_000.123_456, 2).to_bits(), 92_000.12_f64.to_bits());
        assert_eq!(rounded(-0.000_123_456, 8).to_string(), "-0.00012346");
    }

    #[test]
    fn numbers_beyond_reason_are_clamped() {
        assert_eq!(whole(f64::INFINITY), 1_000_000_000_000_000);
        assert_eq!(whole(f64::NAN), 0);
    }
}
