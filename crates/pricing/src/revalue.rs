//! Revaluation: one contract under many scenarios, many contracts under the same scenarios.
//!
//! A scenario moves the forward by a factor and sets the vol; lanes lie on scenarios, so that sums over contracts never
//! depend on the vector width. The logarithm of the moneyness is split, ln(F f/K) = ln(F/K) + ln f: one logarithm per contract
//! and one per scenario instead of one per pair.
//!
//! | entry | vols | writes |
//! |---|---|---|
//! | [`revalue_row`] | one per scenario | one value per scenario |
//! | [`revalue_rows`] | row-major, rows x scenarios | row-major, rows x scenarios |
//! | [`revalue_grid`] | one per vol level | row-major, vol levels x spot factors |
//!
//! All entries, and [`ContractRow::value`], give the same bits for the same contract, factor and vol. At factor 1 they are the
//! bits of [`crate::Black76::price`]; at others they agree with it to rounding (the logarithm is split, tolerance 2e-14 F).
//!
//! ```
//! use pricing::revalue::{ContractRow, SpotFactors, revalue_row};
//! use pricing::OptionKind;
//! use units::{Discount, Forward, Strike, YearFraction};
//! let row = ContractRow::new(
//!     Forward::new(84_000.0)?,
//!     Strike::new(80_000.0)?,
//!     YearFraction::new(0.25)?,
//!     Discount::new(1.0)?,
//!     OptionKind::Put,
//! );
//! let factors = SpotFactors::new(vec![0.85, 1.0, 1.15])?;
//! let mut value = [0.0; 3];
//! revalue_row(&row, &factors, &[0.70, 0.48, 0.45], &mut value)?;
//! assert!(value[0] > value[1] && value[1] > value[2]);
//! assert!(SpotFactors::new(vec![0.0]).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::batch::{BLOCK, BatchError, Stages, check_length};
use crate::black76::{Black76, sign_of};
use crate::dispatch::{self, Task};
use crate::kernel;
use crate::lane::{self, Payoff};
use units::{Discount, Forward, OptionKind, Strike, YearFraction};

/// A factor by which a forward cannot move.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error(
    "spot factor {factor} of scenario {scenario} is not allowed: a factor is finite and greater than zero"
)]
pub struct SpotFactorError {
    /// Position in the list.
    pub scenario: usize,
    /// The offending factor.
    pub factor: f64,
}

/// Scenario factors on the forward, with their logarithms.
#[derive(Debug, Clone, PartialEq)]
pub struct SpotFactors {
    factor: Vec<f64>,
    ln_factor: Vec<f64>,
}

impl SpotFactors {
    /// Takes the logarithms once.
    ///
    /// # Errors
    /// Names the first factor that is not finite and greater than zero.
    pub fn new(factor: Vec<f64>) -> Result<Self, SpotFactorError> {
        Self::checked(factor, |f| f > 0.0)
    }

    /// The same, where a factor of 0 is allowed: a forward of zero, under which a call is worth nothing and a put its
    /// discounted strike. What divides by a factor has no value there; the caller checks that.
    ///
    /// # Errors
    /// Names the first factor that is not finite or below zero.
    pub fn with_zero(factor: Vec<f64>) -> Result<Self, SpotFactorError> {
        Self::checked(factor, |f| f >= 0.0)
    }

    fn checked(factor: Vec<f64>, allowed: fn(f64) -> bool) -> Result<Self, SpotFactorError> {
        let bad = factor.iter().position(|f| !(f.is_finite() && allowed(*f)));
        if let Some(scenario) = bad {
            return Err(SpotFactorError {
                scenario,
                factor: factor.get(scenario).copied().unwrap_or(f64::NAN),
            });
        }
        let ln_factor =
            factor.iter().map(|f| if *f == 0.0 { f64::NEG_INFINITY } else { kernel::ln(*f) }).collect();
        Ok(Self { factor, ln_factor })
    }

    /// The factors.
    #[must_use]
    pub fn factors(&self) -> &[f64] {
        &self.factor
    }

    /// Their logarithms.
    #[must_use]
    pub fn ln_factors(&self) -> &[f64] {
        &self.ln_factor
    }

    /// Number of scenarios.
    #[must_use]
    pub fn len(&self) -> usize {
        self.factor.len()
    }

    /// True without scenarios.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.factor.is_empty()
    }
}

/// What stays fixed for one contract over all scenarios.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ContractRow {
    payoff: Payoff,
    log_moneyness: f64,
    root_time: f64,
}

impl From<&Black76> for ContractRow {
    /// All but the vol, which each scenario brings.
    fn from(option: &Black76) -> Self {
        Self::new(option.forward, option.strike, option.expiry, option.discount, option.kind)
    }
}

impl ContractRow {
    /// From the base forward and what the scenarios leave alone.
    #[must_use]
    pub fn new(
        forward: Forward,
        strike: Strike,
        expiry: YearFraction,
        discount: Discount,
        kind: OptionKind,
    ) -> Self {
        let (forward, strike) = (forward.get(), strike.get());
        let payoff = Payoff { forward, strike, discount: discount.get(), sign: sign_of(kind) };
        let log_moneyness = dispatch::run(LnRatio { forward, strike });
        Self { payoff, log_moneyness, root_time: kernel::positive_part(expiry.get()).sqrt() }
    }

    /// One scenario: the forward times `factor`, at `vol`.
    ///
    /// # Errors
    /// When the factor is not finite and greater than zero.
    pub fn value(&self, factor: f64, vol: units::Vol) -> Result<f64, SpotFactorError> {
        let factors = SpotFactors::new(vec![factor])?;
        let mut value = [0.0];
        dispatch::run(Rows { rows: &[*self], factors: &factors, vols: &[vol.get()], values: &mut value });
        let [value] = value;
        Ok(value)
    }
}

struct LnRatio {
    forward: f64,
    strike: f64,
}

impl Task for LnRatio {
    type Output = f64;
    #[inline(always)]
    fn run(self) -> f64 {
        kernel::ln_ratio_lane(self.forward, self.strike)
    }
}

/// One contract under every scenario.
///
/// # Errors
/// When `vols` or `values` have another length than `factors`.
pub fn revalue_row(
    row: &ContractRow,
    factors: &SpotFactors,
    vols: &[f64],
    values: &mut [f64],
) -> Result<(), BatchError> {
    revalue_rows(std::slice::from_ref(row), factors, vols, values)
}

/// Every contract under every scenario; `vols` and `values` are row-major, one row per contract.
///
/// # Errors
/// When `vols` or `values` do not have rows x scenarios entries.
pub fn revalue_rows(
    rows: &[ContractRow],
    factors: &SpotFactors,
    vols: &[f64],
    values: &mut [f64],
) -> Result<(), BatchError> {
    let expected = rows.len().saturating_mul(factors.len());
    check_length("vols", vols.len(), expected)?;
    check_length("values", values.len(), expected)?;
    if expected > 0 {
        dispatch::run(Rows { rows, factors, vols, values });
    }
    Ok(())
}

/// One contract on the grid of vol levels x spot factors; `values` is row-major, one row per vol level.
///
/// # Errors
/// When `values` does not have levels x factors entries.
pub fn revalue_grid(
    row: &ContractRow,
    factors: &SpotFactors,
    vol_levels: &[f64],
    values: &mut [f64],
) -> Result<(), BatchError> {
    check_length("values", values.len(), vol_levels.len().saturating_mul(factors.len()))?;
    if !values.is_empty() {
        dispatch::run(Grid { row, factors, vol_levels, values });
    }
    Ok(())
}

struct Rows<'a> {
    rows: &'a [ContractRow],
    factors: &'a SpotFactors,
    vols: &'a [f64],
    values: &'a mut [f64],
}

impl Task for Rows<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let width = self.factors.len();
        let mut stages = Stages::new();
        let lines = self.vols.chunks_exact(width).zip(self.values.chunks_exact_mut(width));
        for (row, (vols, values)) in self.rows.iter().zip(lines) {
            let scenarios = self.factors.factor.chunks(BLOCK).zip(self.factors.ln_factor.chunks(BLOCK));
            let blocks = scenarios.zip(vols.chunks(BLOCK).zip(values.chunks_mut(BLOCK)));
            for ((factor, ln_factor), (vol, value)) in blocks {
                let length = value.len().min(BLOCK);
                for i in 0..length {
                    stages.log_moneyness[i] = row.log_moneyness + ln_factor[i];
                    stages.deviation[i] = vol[i] * row.root_time;
                }
                stages.fill_tails(length);
                write_values(row, &stages, factor, value);
            }
        }
    }
}

struct Grid<'a> {
    row: &'a ContractRow,
    factors: &'a SpotFactors,
    vol_levels: &'a [f64],
    values: &'a mut [f64],
}

impl Task for Grid<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let row = self.row;
        let mut stages = Stages::new();
        for (vol, values) in self.vol_levels.iter().zip(self.values.chunks_exact_mut(self.factors.len())) {
            let deviation = vol * row.root_time;
            let blocks = self.factors.factor.chunks(BLOCK).zip(self.factors.ln_factor.chunks(BLOCK));
            for ((factor, ln_factor), value) in blocks.zip(values.chunks_mut(BLOCK)) {
                for (log_moneyness, ln_factor) in stages.log_moneyness.iter_mut().zip(ln_factor) {
                    *log_moneyness = row.log_moneyness + ln_factor;
                }
                stages.fill_tails_at(deviation, value.len());
                write_values(row, &stages, factor, value);
            }
        }
    }
}

#[inline(always)]
fn write_values(row: &ContractRow, stages: &Stages, factor: &[f64], values: &mut [f64]) {
    for (i, (value, factor)) in values.iter_mut().zip(factor).enumerate() {
        let payoff = Payoff { forward: row.payoff.forward * factor, ..row.payoff };
        *value = lane::value(payoff, stages.deviation[i], stages.tails(i));
    }
}
