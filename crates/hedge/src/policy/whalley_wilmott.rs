//! Whalley and Wilmott: the no-trade band of a small proportional cost.
//!
//! ```text
//! H = (3/2 λ S Γ² R)^(1/3)        coins; R the risk tolerance in USD
//! ```
//!
//! For q options the gamma is that of all, so H grows as q^(2/3). Without gamma the band is nothing: lots and the least notional of a
//! trade are the callers' floors; a fixed cost is [`super::TwoBands`]' matter.

use super::{Band, DeltaPolicy, RiskTolerance, Sight, TrackingError};
use pricing::kernel;

/// A band as wide as cost, gamma and risk tolerance say, traded to its edge.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WhalleyWilmott {
    /// How much risk is worth a cost.
    pub risk_tolerance: RiskTolerance,
}

impl WhalleyWilmott {
    /// Half the width of the band, coins.
    #[must_use]
    pub fn half_width(&self, sight: &Sight) -> f64 {
        let cube = cubed(sight, self.risk_tolerance);
        if cube > 0.0 { kernel::pow(cube, 1.0 / 3.0) } else { 0.0 }
    }
}

/// The tolerance of a band that misses so much, USD.
pub(super) fn tolerance_of(wanted: TrackingError, sight: &Sight) -> f64 {
    let h = wanted.half_width(sight);
    h * h * h / (1.5 * sight.cost.proportional * sight.spot * sight.gamma * sight.gamma)
}

/// H³.
pub(super) fn cubed(sight: &Sight, risk_tolerance: RiskTolerance) -> f64 {
    1.5 * sight.cost.proportional * sight.spot * sight.gamma * sight.gamma * risk_tolerance.usd()
}

impl DeltaPolicy for WhalleyWilmott {
    fn band(&self, sight: &Sight) -> Band {
        Band::to_edge(self.half_width(sight))
    }
}
