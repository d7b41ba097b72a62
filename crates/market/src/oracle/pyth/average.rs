//! Averages that forget by half in 5,921 slots: of the price and of the confidence, each weighted by 1/confidence.
//!
//! With weight w = 1/confidence (1 where that is zero) and decay d = 1 - slots x 117,065e-9 (= ln 2/5921 a slot):
//! numerator = numerator d + value w, denominator = denominator d + w, average = numerator/denominator; after more than 4,145 slots
//! the average begins anew. Every operation is in the program's short decimals ([`super::short`]), so the averages are its own, unit for unit.

use super::super::{Exponent, OracleError, PriceUnits};
use super::short::Short;
use super::{ConfidenceUnits, PythPrice};

/// Slots since the last aggregate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotsPassed(pub u32);

/// After more slots than this the past is forgotten.
const FORGOTTEN_AFTER_SLOTS: u32 = 4145;
/// Change of the decay factor by slot, in 1e-9.
const DECAY_PER_SLOT: i64 = -117_065;
const DECAY_EXPONENT: i32 = -9;

/// `twap` and `twac` of a feed; the default has seen nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Averages {
    price: Track,
    confidence: Track,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Track {
    value: i64,
    numerator: Short,
    denominator: Short,
}

impl Averages {
    /// Average price.
    #[must_use]
    pub const fn price(&self) -> PriceUnits {
        PriceUnits(self.price.value)
    }

    /// Average confidence.
    ///
    /// # Errors
    /// When it is below zero, which no sequence of valid aggregates leads to.
    pub fn confidence(&self) -> Result<ConfidenceUnits, OracleError> {
        let confidence = u64::try_from(self.confidence.value).map(ConfidenceUnits);
        confidence.map_err(|_| OracleError::Overflow("an average confidence"))
    }

    /// After one more aggregate.
    ///
    /// # Errors
    /// When a confidence or an average does not fit into 64 bits.
    pub fn step(
        &self,
        aggregate: PythPrice,
        exponent: Exponent,
        passed: SlotsPassed,
    ) -> Result<Self, OracleError> {
        let confidence = i64::try_from(aggregate.confidence.0);
        let confidence = confidence.map_err(|_| OracleError::Overflow("a confidence"))?;
        let price = Short::new(aggregate.price.0, exponent.0);
        let confidence = Short::new(confidence, exponent.0);
        let weight = if confidence.is_zero() { Short::ONE } else { Short::ONE.over(confidence)? };
        let step = |track: &Track, value| track.step(Weighted { value, weight }, exponent, passed);
        Ok(Self { price: step(&self.price, price)?, confidence: step(&self.confidence, confidence)? })
    }
}

#[derive(Clone, Copy)]
struct Weighted {
    value: Short,
    weight: Short,
}

impl Track {
    fn step(&self, new: Weighted, exponent: Exponent, passed: SlotsPassed) -> Result<Self, OracleError> {
        let weighted = new.value.times(new.weight);
        let (numerator, denominator, average) = if passed.0 > FORGOTTEN_AFTER_SLOTS {
            (weighted, new.weight, new.value)
        } else {
            let change = Short::new(DECAY_PER_SLOT, DECAY_EXPONENT).times_whole(passed.0);
            let decay = change.plus(Short::ONE);
            let numerator = self.numerator.times(decay).plus(weighted);
            let denominator = self.denominator.times(decay).plus(new.weight);
            (numerator, denominator, numerator.over(denominator)?)
        };
        let value = average.units(exponent.0)?;
        Ok(match (numerator.stored(), denominator.stored()) {
            (Some(numerator), Some(denominator)) => Self { value, numerator, denominator },
            // The program then keeps the old sums and shows the new value.
            _ => Self { value, ..*self },
        })
    }
}
