//! How much risk is worth a cost: the risk tolerance, and the one that gives a wanted standard deviation.
//!
//! R is the inverse of the absolute risk aversion, in USD: a gain of variance v is worth its mean less v / (2 R). A book with twice the
//! positions and the same R has the tighter band relative to its size.
//!
//! In the band of outer half width H and inner h the distance from the delta has the long-run variance (H² + h²)/6, so the hedge adds
//! S σ sqrt((H² + h²)/6) sqrt(1/365) USD of standard deviation a day: [`TrackingError`]. [`Aim`] says either R or that figure; from the
//! figure R is solved, for the book as it is at that moment.

use super::{Band, DeltaPolicy, Sight};

/// The inverse of the absolute risk aversion, USD.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct RiskTolerance(f64);

/// A risk tolerance, or a wanted standard deviation, that is none.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("{0} USD: a risk tolerance and a standard deviation are above zero and at most 1e15 USD")]
pub struct ToleranceError(f64);

const MOST: f64 = 1e15;

impl RiskTolerance {
    /// Of an amount.
    ///
    /// # Errors
    /// [`ToleranceError`] unless it is above zero and at most 1e15.
    pub fn from_usd(usd: f64) -> Result<Self, ToleranceError> {
        if usd > 0.0 && usd <= MOST { Ok(Self(usd)) } else { Err(ToleranceError(usd)) }
    }

    /// The amount.
    #[must_use]
    pub const fn usd(self) -> f64 {
        self.0
    }
}

/// What a band lets the hedge miss.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct TrackingError {
    /// Standard deviation of what a day's profit misses, USD.
    pub daily_sd_usd: f64,
}

impl TrackingError {
    /// Of a band; none where nothing is ever traded.
    #[must_use]
    pub fn of(band: Band, sight: &Sight) -> Option<Self> {
        let Band::Within { outer, inner } = band else { return None };
        let distance = ((outer * outer + inner * inner) / 6.0).sqrt();
        Some(Self { daily_sd_usd: sight.spot * sight.vol * distance / DAYS.sqrt() })
    }
}

const DAYS: f64 = 365.0;

/// What a policy that knows the cost aims at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Aim {
    /// A risk tolerance.
    Tolerance(RiskTolerance),
    /// What the hedge may miss a day.
    DailySd(TrackingError),
}

impl TrackingError {
    /// Half the width of the band to its edge that misses so much, coins.
    pub(super) fn half_width(self, sight: &Sight) -> f64 {
        self.daily_sd_usd * (3.0 * DAYS).sqrt() / (sight.spot * sight.vol)
    }
}

impl Aim {
    /// The risk tolerance of the aim; for a wanted standard deviation `solve` says at which the policy misses so much.
    pub(super) fn tolerance(self, solve: impl Fn(TrackingError) -> f64) -> RiskTolerance {
        match self {
            Self::Tolerance(tolerance) => tolerance,
            Self::DailySd(wanted) => {
                let usd = solve(wanted);
                // Without gamma or cost any tolerance does.
                RiskTolerance(if usd.is_nan() { MOST } else { usd.clamp(1.0 / MOST, MOST) })
            }
        }
    }
}

impl RiskTolerance {
    /// The tolerance at which a policy misses so much, USD, by halving: its bands grow with it.
    pub(super) fn searched<P: DeltaPolicy>(
        wanted: TrackingError,
        sight: &Sight,
        policy: impl Fn(Self) -> P,
    ) -> f64 {
        let is_more = |usd: f64| {
            TrackingError::of(policy(Self(usd)).band(sight), sight).is_none_or(|error| error > wanted)
        };
        // Halved on a scale of ratios, from 1e-15 to 1e15 USD: 2^-60 of 100 binary orders is below the bits of f64.
        let (mut low, mut high) = (1.0 / MOST, MOST);
        for _ in 0..60 {
            let middle = low.sqrt() * high.sqrt();
            if is_more(middle) { high = middle } else { low = middle }
        }
        low
    }
}
