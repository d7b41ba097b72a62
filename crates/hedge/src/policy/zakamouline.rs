//! Zakamouline: a band fitted to the exact utility solution, around a delta at a vol with the cost in it.
//!
//! ```text
//! H0  = λ R / (S σ² τ)                                               a band even without gamma; "do not hedge the last minutes"
//! H1  = 1.12 λ^0.31 τ^0.05 σ^-0.25 (|Γ| R)^0.5
//! K   = -4.76 λ^0.78 τ^-0.02 σ^-0.25 (S² |Γ| / R)^0.15
//! σm² = σ² (1 + K) for gamma bought, σ² (1 - K) for gamma sold       K < 0: gamma sold is hedged at a higher vol
//! half width = H0 + H1, coins
//! ```
//!
//! Constants as in the paper's fit for rates of zero. The factor on the variance stays above [`LEAST_FACTOR`]. At the same risk tolerance
//! this band is tighter than [`super::WhalleyWilmott`]'s: compare the two at equal risk, never at equal tolerance.

use super::{Band, DeltaPolicy, RiskTolerance, Sight, TrackingError};
use pricing::kernel;

/// The least factor on a variance: below it the fit means nothing.
pub(super) const LEAST_FACTOR: f64 = 0.05;

/// The fitted band.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Zakamouline {
    /// How much risk is worth a cost.
    pub risk_tolerance: RiskTolerance,
}

/// Its parts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ZakamoulineBand {
    /// The part that does not need gamma, coins.
    pub h0: f64,
    /// The part of the gamma, coins.
    pub h1: f64,
    /// The cost in the variance, at most 0.
    pub k: f64,
}

impl Zakamouline {
    /// The parts of the band.
    #[must_use]
    pub fn parts(&self, sight: &Sight) -> ZakamoulineBand {
        let (h0, h1) = self.widths(sight);
        ZakamoulineBand { h0, h1, k: self.k(sight) }
    }

    fn widths(&self, sight: &Sight) -> (f64, f64) {
        let r = self.risk_tolerance.usd();
        let (a, b) = factors(sight);
        (a * r, b * r.sqrt())
    }

    fn k(&self, sight: &Sight) -> f64 {
        let Sight { spot, vol, expiry_years, cost, gamma, .. } = sight;
        let risk = spot * spot * gamma.abs() / self.risk_tolerance.usd();
        if cost.proportional <= 0.0 || risk <= 0.0 {
            return 0.0;
        }
        let scale = kernel::ln(*vol)
            .mul_add(-0.25, kernel::ln(*expiry_years).mul_add(-0.02, kernel::ln(cost.proportional) * 0.78));
        -4.76 * kernel::exp(kernel::ln(risk).mul_add(0.15, scale))
    }
}

/// H0 and H1 of a tolerance of 1 USD: they grow with it and with its root.
fn factors(sight: &Sight) -> (f64, f64) {
    let Sight { spot, vol, expiry_years, cost, gamma, .. } = sight;
    let lambda = cost.proportional;
    if lambda <= 0.0 {
        return (0.0, 0.0);
    }
    let scale =
        kernel::ln(*vol).mul_add(-0.25, kernel::ln(*expiry_years).mul_add(0.05, kernel::ln(lambda) * 0.31));
    (lambda / (spot * vol * vol * expiry_years), 1.12 * kernel::exp(scale) * gamma.abs().sqrt())
}

/// The tolerance of a band that misses so much, USD: H = a R + b sqrt R.
pub(super) fn tolerance_of(wanted: TrackingError, sight: &Sight) -> f64 {
    let h = wanted.half_width(sight);
    let (a, b) = factors(sight);
    let root = 2.0 * h / (b + (b * b + 4.0 * a * h).sqrt());
    root * root
}

impl DeltaPolicy for Zakamouline {
    fn variance_factor(&self, sight: &Sight) -> f64 {
        let k = self.k(sight);
        (if sight.gamma < 0.0 { 1.0 - k } else { 1.0 + k }).max(LEAST_FACTOR)
    }

    fn band(&self, sight: &Sight) -> Band {
        let (h0, h1) = self.widths(sight);
        Band::to_edge(h0 + h1)
    }
}
