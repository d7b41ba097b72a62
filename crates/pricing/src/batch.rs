//! Many options at once: structure-of-arrays input, one dispatch per call, the bits of the scalar functions.
//!
//! Shapes: every input and output column has one entry per option; a column of another length is an error and nothing is
//! written. Units as in [`crate::black76`]; the columns are the bare numbers of the units' types. A NaN input gives a NaN
//! output in its own row only.
//!
//! The work runs in blocks of [`BLOCK`] options through stages (moneyness, distances, exponential, tails, combination), each a
//! loop without branches that the compiler turns into vector code. Nothing is allocated.
//!
//! ```
//! use pricing::batch::{Columns, price_slice};
//! use pricing::OptionKind;
//! let columns = Columns {
//!     forward: &[100.0, 84_000.0],
//!     strike: &[100.0, 80_000.0],
//!     vol: &[0.2, 0.48],
//!     expiry_years: &[0.5, 0.25],
//!     discount: &[0.99, 1.0],
//!     kind: &[OptionKind::Call, OptionKind::Put],
//! };
//! let mut price = [0.0; 2];
//! price_slice(&columns, &mut price)?;
//! assert!((price[0] - 5.580_8).abs() < 1e-4);
//! assert!(price_slice(&columns, &mut [0.0; 3]).is_err());
//! # Ok::<(), pricing::batch::BatchError>(())
//! ```

use crate::black76::{rate_lane, sign_of};
use crate::dispatch::{self, Task};
use crate::kernel;
use crate::lane::{self, Payoff, Tails};
use units::OptionKind;

/// Options per block: the stage buffers of a block stay in the first-level cache.
pub const BLOCK: usize = 128;

/// Columns that do not belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// A column has another length than its shape asks for.
    #[error("column '{column}' has {actual} entries where {expected} are needed")]
    Length {
        /// Name of the column.
        column: &'static str,
        /// Entries that the shape asks for.
        expected: usize,
        /// Entries given.
        actual: usize,
    },
}

pub(crate) fn check_length(column: &'static str, actual: usize, expected: usize) -> Result<(), BatchError> {
    if actual == expected { Ok(()) } else { Err(BatchError::Length { column, expected, actual }) }
}

/// Options as columns.
#[derive(Debug, Clone, Copy)]
pub struct Columns<'a> {
    /// Forwards, greater than zero.
    pub forward: &'a [f64],
    /// Strikes, greater than zero.
    pub strike: &'a [f64],
    /// Annual vols as fractions.
    pub vol: &'a [f64],
    /// Times to expiry in years; zero or less means settled.
    pub expiry_years: &'a [f64],
    /// Discount factors, greater than zero.
    pub discount: &'a [f64],
    /// Calls and puts.
    pub kind: &'a [OptionKind],
}

/// Output columns of [`greeks5_slice`].
#[derive(Debug)]
pub struct Greeks5Columns<'a> {
    /// Discounted values.
    pub value: &'a mut [f64],
    /// ∂V/∂F per unit of forward.
    pub delta: &'a mut [f64],
    /// ∂²V/∂F².
    pub gamma: &'a mut [f64],
    /// ∂V/∂σ per 1.00 of vol.
    pub vega: &'a mut [f64],
    /// Calendar decay per year.
    pub theta_per_year: &'a mut [f64],
}

impl<'a> Columns<'a> {
    fn checked_len(&self) -> Result<usize, BatchError> {
        let length = self.forward.len();
        check_length("strike", self.strike.len(), length)?;
        check_length("vol", self.vol.len(), length)?;
        check_length("expiry_years", self.expiry_years.len(), length)?;
        check_length("discount", self.discount.len(), length)?;
        check_length("kind", self.kind.len(), length)?;
        Ok(length)
    }

    #[inline(always)]
    fn block(&self, start: usize, length: usize) -> Columns<'a> {
        let range = start..start + length;
        Columns {
            forward: &self.forward[range.clone()],
            strike: &self.strike[range.clone()],
            vol: &self.vol[range.clone()],
            expiry_years: &self.expiry_years[range.clone()],
            discount: &self.discount[range.clone()],
            kind: &self.kind[range],
        }
    }
}

/// Discounted values.
///
/// # Errors
/// When a column has another length than `forward`.
pub fn price_slice(columns: &Columns<'_>, price: &mut [f64]) -> Result<(), BatchError> {
    let length = columns.checked_len()?;
    check_length("price", price.len(), length)?;
    dispatch::run(PriceSlice { columns, price });
    Ok(())
}

/// Value, delta, gamma, vega and theta.
///
/// # Errors
/// When a column has another length than `forward`.
pub fn greeks5_slice(columns: &Columns<'_>, out: &mut Greeks5Columns<'_>) -> Result<(), BatchError> {
    let length = columns.checked_len()?;
    check_length("value", out.value.len(), length)?;
    check_length("delta", out.delta.len(), length)?;
    check_length("gamma", out.gamma.len(), length)?;
    check_length("vega", out.vega.len(), length)?;
    check_length("theta_per_year", out.theta_per_year.len(), length)?;
    dispatch::run(Greeks5Slice { columns, out });
    Ok(())
}

/// Stage buffers of one block.
pub(crate) struct Stages {
    pub(crate) log_moneyness: [f64; BLOCK],
    pub(crate) deviation: [f64; BLOCK],
    inverse_deviation: [f64; BLOCK],
    d1: [f64; BLOCK],
    d2: [f64; BLOCK],
    bell: [f64; BLOCK],
    scaled_tail1: [f64; BLOCK],
    scaled_tail2: [f64; BLOCK],
}

impl Stages {
    #[inline(always)]
    pub(crate) const fn new() -> Self {
        let zeros = [0.0; BLOCK];
        Self {
            log_moneyness: zeros,
            deviation: zeros,
            inverse_deviation: zeros,
            d1: zeros,
            d2: zeros,
            bell: zeros,
            scaled_tail1: zeros,
            scaled_tail2: zeros,
        }
    }

    /// From moneyness and deviation to the tails, for the first `length` lanes.
    #[inline(always)]
    pub(crate) fn fill_tails(&mut self, length: usize) {
        let length = length.min(BLOCK);
        for i in 0..length {
            let inverse = lane::inverse_deviation(self.deviation[i]);
            let (d1, d2) = lane::distances(self.log_moneyness[i], self.deviation[i], inverse);
            self.inverse_deviation[i] = inverse;
            self.d1[i] = d1;
            self.d2[i] = d2;
        }
        self.fill_bells_and_tails(length);
    }

    /// The same for one deviation in all lanes: its reciprocal is shared.
    #[inline(always)]
    pub(crate) fn fill_tails_at(&mut self, deviation: f64, length: usize) {
        let length = length.min(BLOCK);
        let inverse = lane::inverse_deviation(deviation);
        for i in 0..length {
            let (d1, d2) = lane::distances(self.log_moneyness[i], deviation, inverse);
            self.deviation[i] = deviation;
            self.inverse_deviation[i] = inverse;
            self.d1[i] = d1;
            self.d2[i] = d2;
        }
        self.fill_bells_and_tails(length);
    }

    #[inline(always)]
    fn fill_bells_and_tails(&mut self, length: usize) {
        let length = length.min(BLOCK);
        for i in 0..length {
            self.bell[i] = lane::bell(self.d1[i]);
        }
        for i in 0..length {
            let (h1, h2) = kernel::mills_pair_lane(self.d1[i].abs(), self.d2[i].abs());
            self.scaled_tail1[i] = h1;
            self.scaled_tail2[i] = h2;
        }
    }

    #[inline(always)]
    pub(crate) fn tails(&self, i: usize) -> Tails {
        Tails {
            d1: self.d1[i],
            d2: self.d2[i],
            inverse_deviation: self.inverse_deviation[i],
            bell: self.bell[i],
            scaled_tail1: self.scaled_tail1[i],
            scaled_tail2: self.scaled_tail2[i],
        }
    }

    /// Moneyness and deviation of a block of options, then their tails.
    #[inline(always)]
    fn fill(&mut self, block: &Columns<'_>) {
        let length = block.forward.len().min(BLOCK);
        for i in 0..length {
            self.log_moneyness[i] = kernel::ln_ratio_lane(block.forward[i], block.strike[i]);
        }
        for i in 0..length {
            self.deviation[i] = block.vol[i] * kernel::positive_part(block.expiry_years[i]).sqrt();
        }
        self.fill_tails(length);
    }
}

#[inline(always)]
fn payoff(block: &Columns<'_>, i: usize) -> Payoff {
    Payoff {
        forward: block.forward[i],
        strike: block.strike[i],
        discount: block.discount[i],
        sign: sign_of(block.kind[i]),
    }
}

struct PriceSlice<'a, 'b> {
    columns: &'a Columns<'b>,
    price: &'a mut [f64],
}

impl Task for PriceSlice<'_, '_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let mut stages = Stages::new();
        for (index, price) in self.price.chunks_mut(BLOCK).enumerate() {
            let block = self.columns.block(index * BLOCK, price.len());
            stages.fill(&block);
            for (i, price) in price.iter_mut().enumerate() {
                *price = lane::value(payoff(&block, i), stages.deviation[i], stages.tails(i));
            }
        }
    }
}

struct Greeks5Slice<'a, 'b, 'c> {
    columns: &'a Columns<'b>,
    out: &'a mut Greeks5Columns<'c>,
}

impl Task for Greeks5Slice<'_, '_, '_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let mut stages = Stages::new();
        let total = self.columns.forward.len();
        for start in (0..total).step_by(BLOCK) {
            let length = (total - start).min(BLOCK);
            let range = start..start + length;
            let block = self.columns.block(start, length);
            stages.fill(&block);
            let mut out = Greeks5Columns {
                value: &mut self.out.value[range.clone()],
                delta: &mut self.out.delta[range.clone()],
                gamma: &mut self.out.gamma[range.clone()],
                vega: &mut self.out.vega[range.clone()],
                theta_per_year: &mut self.out.theta_per_year[range],
            };
            combine_greeks(&block, &stages, &mut out);
        }
    }
}

#[inline(always)]
fn combine_greeks(block: &Columns<'_>, stages: &Stages, out: &mut Greeks5Columns<'_>) {
    let length = block.forward.len().min(BLOCK);
    for i in 0..length {
        let root_time = kernel::positive_part(block.expiry_years[i]).sqrt();
        let five = lane::five(payoff(block, i), block.vol[i], root_time, stages.tails(i));
        out.value[i] = five.value;
        out.delta[i] = five.delta;
        out.gamma[i] = five.gamma;
        out.vega[i] = five.vega;
        out.theta_per_year[i] = five.driftless_theta;
    }
    // Most crypto books do not discount at all; the interest on the premium is then exactly zero.
    if block.discount.iter().all(|discount| discount.to_bits() == 1f64.to_bits()) {
        return;
    }
    for i in 0..length {
        let settled = stages.deviation[i] < lane::LEAST_DEVIATION;
        let rate = rate_lane(block.discount[i], block.vol[i], stages.inverse_deviation[i]);
        let theta = rate.mul_add(out.value[i], out.theta_per_year[i]);
        out.theta_per_year[i] = if settled { 0.0 } else { theta };
    }
}
