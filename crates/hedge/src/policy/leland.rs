//! Leland: a clock, with the cost of its trades in the vol.
//!
//! ```text
//! Le = sqrt(2/π) k / (σ sqrt h)          k the cost of a round trip = 2 λ, h the interval
//! σ̂² = σ² (1 + Le) for gamma sold, σ² (1 - Le) for gamma bought
//! ```
//!
//! It prices the cost of a clock; it does not choose when to trade, and with a constant λ its error does not vanish as the interval does
//! (Kabanov and Safarian, Finance Stoch. 1 (1997) 239). For gamma bought it means nothing from Le = 1 on: the factor stays above
//! [`LEAST_FACTOR`].

use super::clock::is_due;
use super::zakamouline::LEAST_FACTOR;
use super::{Band, DeltaPolicy, Sight};

/// sqrt(2/π).
const ROOT_TWO_OVER_PI: f64 = 0.797_884_560_802_865_4;

/// A clock whose delta is taken at Leland's vol.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Leland {
    /// Years from one trade to the next.
    pub interval_years: f64,
}

/// Leland's number Le: what the trades of a clock cost, per what gamma earns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LelandNumber(pub f64);

impl LelandNumber {
    /// Of a clock with this interval.
    #[must_use]
    pub fn new(sight: &Sight, interval_years: f64) -> Self {
        Self(ROOT_TWO_OVER_PI * 2.0 * sight.cost.proportional / (sight.vol * interval_years.sqrt()))
    }

    /// The factor on the variance for a book of this gamma.
    #[must_use]
    pub fn variance_factor(self, gamma: f64) -> f64 {
        if gamma < 0.0 { 1.0 + self.0 } else { (1.0 - self.0).max(LEAST_FACTOR) }
    }
}

impl DeltaPolicy for Leland {
    fn variance_factor(&self, sight: &Sight) -> f64 {
        LelandNumber::new(sight, self.interval_years).variance_factor(sight.gamma)
    }

    fn band(&self, sight: &Sight) -> Band {
        if is_due(sight, self.interval_years) { Band::to_edge(0.0) } else { Band::Hold }
    }
}
