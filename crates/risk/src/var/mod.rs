//! Value at risk and expected shortfall of a book over a horizon, by five methods, with contributions that add up.
//!
//! The definitions, for n equally likely P&Ls ordered from the worst (of equal ones the earlier scenario is the worse), tail
//! probability t = 1 - confidence in millionths, and m = n t:
//! * VaR = - (P&L of rank floor(m) + 1): the lower t-quantile of losses, the smallest loss l with P(loss <= l) >= confidence;
//! * ES = - (sum of the floor(m) worst P&Ls + (m - floor(m)) x P&L of rank floor(m) + 1) / m (Acerbi and Tasche 2002), which is
//!   coherent; VaR is not subadditive: the VaR of two books together may exceed the sum of theirs.
//!
//! Both are signed: a loss is positive; a book that gains in every scenario has a negative VaR. With m < 1 the tail is not in the sample
//! and is refused ([`VarError::TooFewScenarios`]).
//!
//! | method | scenarios | P&L |
//! |---|---|---|
//! | historical | joint windows of a history | full revaluation (cube) |
//! | filtered | the same, rescaled to today's volatility | full revaluation |
//! | delta-gamma-vega | the same as historical, or Monte Carlo's | Taylor in return and points: delta, gamma, vega, vanna, volga |
//! | parametric | normal, from a covariance | delta and vega; closed form |
//! | Monte Carlo | draws from the covariance with a seed | full revaluation |
//!
//! Contributions are per account, venue and underlying, and sums of these. VaR: own P&L in the quantile scenario (a single
//! scenario, so noisy); ES: own part of the same weighted sum. Parametric: Euler, z (g_i' Sigma g)/sigma. Shares of a
//! division are rounded so that they add up to the last digit. *Stand-alone* figures are those of the part alone.
//!
//! Standard errors take scenarios as independent, which overlapping windows are not: of VaR half the distance between order
//! statistics one binomial standard deviation away on each side; of ES `sqrt((var of tail losses + c (ES - VaR)²)/m)`, c the
//! confidence (Manistre and Hancock 2005).
//!
//! All shocks are instantaneous: a horizon of h days is a move of h days' size, without h days of theta or carry.
//!
//! ```
//! use risk::var::{Confidence, Tail};
//! use units::Fixed;
//! let pnl: Vec<Fixed> = (1..=100).map(|i| Fixed::quantise(f64::from(i) - 10.0)).collect::<Result<_, _>>()?;
//! let tail = Tail::new(&pnl, Confidence::new(0.95)?)?;
//! // Five of a hundred lie in the tail: VaR is the sixth worst, ES the mean of the five.
//! assert_eq!(tail.var(&pnl).to_f64(), 4.0);
//! assert_eq!(tail.expected_shortfall(&pnl)?.to_f64(), 7.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod backtest;
mod contributions;
mod gradient;
mod holdings;
mod parametric;
mod taylor;

pub use contributions::{By, Measured, Part, Sample};
pub use gradient::Gradient;
pub use holdings::{Held, Holdings, NoDriver, ScenarioPnl, Slice};
pub use parametric::parametric;
pub use taylor::taylor;

use crate::shocked::ShockError;
use units::{Fixed, UnitError};

/// Why there is no figure.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum VarError {
    /// A confidence that is none.
    #[error("a confidence level lies from 0.5 to 0.999999 (0.99 is 99 %), not {value}")]
    Confidence {
        /// As given.
        value: f64,
    },
    /// The tail lies beyond the sample.
    #[error(
        "{scenarios} scenarios do not reach a tail of {tail:.6}: at least {needed} are needed; give a longer history, overlapping \
         windows, more draws or a lower confidence"
    )]
    TooFewScenarios {
        /// How many there are.
        scenarios: usize,
        /// One less the confidence.
        tail: f64,
        /// How many there should be.
        needed: u64,
    },
    /// A shock that cannot be applied, or a figure that cannot be published.
    #[error(transparent)]
    Shock(#[from] ShockError),
    /// A figure that cannot be published.
    #[error(transparent)]
    Unit(#[from] UnitError),
}

/// A confidence level, kept exactly in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Confidence {
    tail_millionths: u32,
}

const MILLION: u32 = 1_000_000;

impl Confidence {
    /// From a fraction, rounded to millionths.
    ///
    /// # Errors
    /// Outside 0.5 to 0.999999.
    pub fn new(value: f64) -> Result<Self, VarError> {
        let tail = (1e6 - value * 1e6).round();
        if !(1.0..=500_000.0).contains(&tail) {
            return Err(VarError::Confidence { value });
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // in the range just checked
        Ok(Self { tail_millionths: tail as u32 })
    }

    /// As a fraction.
    #[must_use]
    pub fn get(self) -> f64 {
        f64::from(MILLION - self.tail_millionths) / 1e6
    }

    /// One less the confidence.
    #[must_use]
    pub fn tail(self) -> f64 {
        f64::from(self.tail_millionths) / 1e6
    }

    /// The fewest scenarios that reach the tail.
    #[must_use]
    pub const fn scenarios_needed(self) -> u64 {
        MILLION.div_ceil(self.tail_millionths) as u64
    }
}

/// Which scenarios are the tail of a P&L, and with which weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tail {
    /// Scenarios from the worst on, the quantile scenario last.
    worst: Vec<usize>,
    /// Weight of the last, in millionths of a scenario.
    last_weight: u32,
    /// n t in millionths: the sum of weights.
    total_weight: i128,
}

impl Tail {
    /// Orders the P&Ls and cuts the tail.
    ///
    /// # Errors
    /// [`VarError::TooFewScenarios`].
    pub fn new(pnl: &[Fixed], confidence: Confidence) -> Result<Self, VarError> {
        let weight = pnl.len() as u128 * u128::from(confidence.tail_millionths);
        let whole = usize::try_from(weight / u128::from(MILLION)).unwrap_or(usize::MAX);
        if whole == 0 {
            let (scenarios, tail) = (pnl.len(), confidence.tail());
            return Err(VarError::TooFewScenarios { scenarios, tail, needed: confidence.scenarios_needed() });
        }
        let mut order: Vec<usize> = (0..pnl.len()).collect();
        // Stable: of equal P&Ls the earlier scenario is the worse.
        order.sort_by_key(|scenario| pnl.get(*scenario).copied().unwrap_or_default());
        order.truncate(whole + 1);
        let last_weight = u32::try_from(weight % u128::from(MILLION)).unwrap_or(0);
        Ok(Self { worst: order, last_weight, total_weight: i128::try_from(weight).unwrap_or(i128::MAX) })
    }

    /// The scenario at the quantile.
    #[must_use]
    pub fn scenario(&self) -> usize {
        self.worst.last().copied().unwrap_or(0)
    }

    /// Scenarios from the worst to the quantile.
    #[must_use]
    pub fn scenarios(&self) -> &[usize] {
        &self.worst
    }

    /// Loss of a part in the quantile scenario: VaR when the part is the whole.
    #[must_use]
    pub fn var(&self, pnl: &[Fixed]) -> Fixed {
        -pnl.get(self.scenario()).copied().unwrap_or_default()
    }

    /// Mean loss of a part in the tail, rounded half away from zero: ES when the part is the whole.
    ///
    /// # Errors
    /// When the sum leaves its range.
    pub fn expected_shortfall(&self, pnl: &[Fixed]) -> Result<Fixed, UnitError> {
        let sum = self.weighted_loss(pnl)?;
        Ok(Fixed::from_raw(rounded(sum, self.total_weight)))
    }

    /// Sum of losses x weights, in quanta x millionths.
    fn weighted_loss(&self, pnl: &[Fixed]) -> Result<i128, UnitError> {
        let out_of_range = || UnitError::Range {
            quantity: "sum of tail losses",
            value: f64::INFINITY,
            rule: "stays below 1e20 USD over the tail",
        };
        let mut sum: i128 = 0;
        for (rank, scenario) in self.worst.iter().enumerate() {
            let weight = if rank + 1 < self.worst.len() { MILLION } else { self.last_weight };
            let raw = pnl.get(*scenario).copied().unwrap_or_default().raw();
            let part = raw.checked_mul(i128::from(weight)).ok_or_else(out_of_range)?;
            sum = sum.checked_sub(part).ok_or_else(out_of_range)?;
        }
        Ok(sum)
    }
}

/// Nearest integer to a quotient, half away from zero; the divisor is above zero.
const fn rounded(numerator: i128, divisor: i128) -> i128 {
    let (quotient, rest) = (numerator / divisor, numerator % divisor);
    if rest.unsigned_abs() * 2 >= divisor.unsigned_abs() { quotient + rest.signum() } else { quotient }
}

/// Quotients of numerators by one divisor that add up to the rounded quotient of their sum: each is rounded down, then the quanta left
/// go to the largest remainders, of equal ones to the first.
fn shares(numerators: &[i128], divisor: i128) -> Vec<Fixed> {
    let total = rounded(numerators.iter().sum(), divisor);
    let mut quotients: Vec<i128> = numerators.iter().map(|n| n.div_euclid(divisor)).collect();
    let left = total - quotients.iter().sum::<i128>();
    let mut order: Vec<usize> = (0..numerators.len()).collect();
    order.sort_by_key(|place| -numerators.get(*place).map_or(0, |n| n.rem_euclid(divisor)));
    // The sum of remainders is below (places) x divisor, so fewer quanta are left than there are places, or none.
    for place in order.into_iter().take(usize::try_from(left).unwrap_or(0)) {
        if let Some(quotient) = quotients.get_mut(place) {
            *quotient += 1;
        }
    }
    quotients.into_iter().map(Fixed::from_raw).collect()
}

#[cfg(test)]
mod tests;
