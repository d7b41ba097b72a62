//! Generalised Black-Scholes-Merton: the spot view of [`Black76`], with forward S e^{(r-q)T} and discount factor e^{-rT}.
//!
//! Sensitivities hold the spot, not the forward. Textbook cases (Haug, Hull) and equity-like quotations use this view; venues
//! that quote options on the forward use [`Black76`] directly. Fails only where the forward or the discount factor leaves the
//! range of its unit.
//!
//! ```
//! use pricing::{BlackScholes, OptionKind};
//! use units::{Rate, Spot, Strike, Vol, YearFraction};
//! // Hull, Options, Futures and Other Derivatives, example 17.1: delta 0.522.
//! let call = BlackScholes {
//!     spot: Spot::new(49.0)?,
//!     strike: Strike::new(50.0)?,
//!     vol: Vol::new(0.20)?,
//!     expiry: YearFraction::new(0.3846)?,
//!     rate: Rate::new(0.05)?,
//!     carry_yield: Rate::new(0.0)?,
//!     kind: OptionKind::Call,
//! };
//! assert!((call.greeks()?.delta - 0.522).abs() < 5e-4);
//! # Ok::<(), units::UnitError>(())
//! ```

use crate::black76::{Black76, Greeks};
use crate::kernel;
use units::{Discount, Forward, OptionKind, Rate, Spot, Strike, UnitError, Vol, YearFraction};

/// One European option on a spot that pays a continuous yield.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BlackScholes {
    /// Spot price.
    pub spot: Spot,
    /// Strike.
    pub strike: Strike,
    /// Annual log-normal vol.
    pub vol: Vol,
    /// Time to expiry.
    pub expiry: YearFraction,
    /// Interest rate r.
    pub rate: Rate,
    /// Yield q of holding the underlying (dividends, lending, foreign rate).
    pub carry_yield: Rate,
    /// Call or put.
    pub kind: OptionKind,
}

/// Value and sensitivities with the spot held.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpotGreeks {
    /// Discounted value.
    pub value: f64,
    /// ∂V/∂S.
    pub delta: f64,
    /// ∂²V/∂S².
    pub gamma: f64,
    /// ∂V/∂σ per 1.00 of vol.
    pub vega: f64,
    /// Calendar decay per year with spot and rates held.
    pub theta_per_year: f64,
    /// ∂V/∂r per 1.00.
    pub rho: f64,
    /// ∂V/∂q per 1.00.
    pub dividend_rho: f64,
    /// Relative move of the value per relative move of the spot, Δ S/V; none for a worthless option.
    pub elasticity: Option<f64>,
}

impl BlackScholes {
    /// The same option on its forward.
    ///
    /// # Errors
    /// When the forward or the discount factor leaves its range (rates of hundreds of percent over decades).
    pub fn on_forward(&self) -> Result<Black76, UnitError> {
        let time = self.expiry.get();
        let growth = kernel::exp((self.rate.get() - self.carry_yield.get()) * time);
        Ok(Black76 {
            forward: Forward::new(self.spot.get() * growth)?,
            strike: self.strike,
            vol: self.vol,
            expiry: self.expiry,
            discount: Discount::new(kernel::exp(-self.rate.get() * time))?,
            kind: self.kind,
        })
    }

    /// Value and sensitivities with the spot held.
    ///
    /// # Errors
    /// As [`BlackScholes::on_forward`].
    pub fn greeks(&self) -> Result<SpotGreeks, UnitError> {
        let option = self.on_forward()?;
        let greeks = option.greeks();
        let Greeks { value, delta: forward_delta, .. } = greeks;
        let (forward, spot) = (option.forward.get(), self.spot.get());
        let growth = forward / spot;
        let time = self.expiry.get().max(0.0);
        let net_carry = self.rate.get() - self.carry_yield.get();
        let delta = forward_delta * growth;
        Ok(SpotGreeks {
            value,
            delta,
            gamma: greeks.gamma * growth * growth,
            vega: greeks.vega,
            // The forward of a held spot rolls down its carry: -∂F/∂T = -(r - q) F.
            theta_per_year: greeks.theta_per_year - net_carry * forward * forward_delta,
            rho: greeks.rho_spot,
            dividend_rho: -(time * forward * forward_delta),
            elasticity: (value > 0.0).then(|| delta * spot / value),
        })
    }
}
