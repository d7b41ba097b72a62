//! The settlement window: options that settle on an average of the index, not on its last value.
//!
//! Delivery prices are time-weighted averages (Deribit: the 30 minutes before 08:00 UTC). With T the time to expiry, δ the length
//! of the window, u = (δ - T)/δ the elapsed part and A the running average inside it, the option is a plain one with
//!
//! | when | strike | variance | scale |
//! |---|---|---|---|
//! | T >= δ | K | σ² (T - 2δ/3) | 1 |
//! | 0 < T < δ | K* = (K - u A)/(1 - u) | σ² T/3 | 1 - u |
//! | T <= 0 | settled at A | | |
//!
//! The average is taken as log-normal with the variance of the average Brownian path, which is exact to first order in σ²δ. The
//! delta shrinks with 1 - u: what was hedged half an hour before expiry is not hedged by the same future a quarter of an hour
//! later. Once the running average has decided the outcome (K* <= 0) a call is a forward on what is left and a put is worthless.
//! Source: reference note `pricing.md`, section 4.6. Left out: discrete sampling of the average, theta inside the window (the strike
//! K* moves with the path, so decay at fixed A has no use).
//!
//! ```
//! use pricing::settlement::{PublishedDelta, SettlementWindow};
//! use units::YearFraction;
//! // Deribit's example: delta 1.0, mark 0.3 coin, 15 of 30 minutes elapsed: 0.5 - 0.15.
//! let left = YearFraction::new(15.0 / (365.0 * 24.0 * 60.0))?;
//! let share = SettlementWindow::DERIBIT.remaining_share(left);
//! let published = PublishedDelta { delta: 1.0, mark_coin: 0.3 };
//! assert!((published.net(share) - 0.35).abs() < 1e-12);
//! # Ok::<(), units::UnitError>(())
//! ```

use crate::black76::{Black76, sign_of};
use crate::kernel;
use units::{OptionKind, Spot, Strike, UnitError, YearFraction};

/// An averaging window that ends at expiry.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SettlementWindow {
    length_years: f64,
}

/// What is known of the delivery price.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Observed {
    /// The window has not opened.
    Nothing,
    /// Mean of the index over the elapsed part of the window.
    RunningAverage(Spot),
}

/// An option inside its window cannot be priced without the running average.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the settlement window has opened: the running average of the index is needed")]
pub struct MissingAverage;

/// Value and first sensitivities of an option that settles on an average.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WindowGreeks {
    /// Discounted value.
    pub value: f64,
    /// ∂V/∂F per unit of forward, running average held.
    pub delta: f64,
    /// ∂²V/∂F².
    pub gamma: f64,
    /// ∂V/∂σ per 1.00 of vol.
    pub vega: f64,
    /// 1 - u: the part of the delivery price that is still open.
    pub remaining_share: f64,
}

/// Delta and mark as a venue publishes them, for its own linear decay inside the window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PublishedDelta {
    /// Black delta.
    pub delta: f64,
    /// Mark price in coin.
    pub mark_coin: f64,
}

impl PublishedDelta {
    /// Deribit's net delta inside the window: delta and the subtracted mark both shrink with the remaining share.
    #[must_use]
    pub fn net(self, remaining_share: f64) -> f64 {
        self.delta * remaining_share - self.mark_coin * remaining_share
    }
}

impl SettlementWindow {
    /// The 30 minutes before expiry.
    pub const DERIBIT: Self = Self { length_years: 30.0 / (365.0 * 24.0 * 60.0) };

    /// A window of another length.
    ///
    /// # Errors
    /// When the length is not greater than zero.
    pub fn new(length: YearFraction) -> Result<Self, UnitError> {
        if length.is_expired() {
            let rule = "a settlement window is longer than nothing";
            return Err(UnitError::Range { quantity: "settlement window", value: length.get(), rule });
        }
        Ok(Self { length_years: length.get() })
    }

    /// 1 - u: one before the window, falling to zero at expiry.
    #[must_use]
    pub fn remaining_share(&self, expiry: YearFraction) -> f64 {
        let share = kernel::positive_part(expiry.get() / self.length_years);
        if share > 1.0 { 1.0 } else { share }
    }

    /// Value and sensitivities of `option`, whose forward is that of the index over the rest of the window.
    ///
    /// # Errors
    /// When the window has opened and no running average is given.
    pub fn greeks(&self, option: &Black76, observed: Observed) -> Result<WindowGreeks, MissingAverage> {
        let share = self.remaining_share(option.expiry);
        if share >= 1.0 {
            let variance_time = option.expiry.get() - self.length_years * (2.0 / 3.0);
            return Ok(averaged(option, option.strike, variance_time, share));
        }
        let Observed::RunningAverage(average) = observed else {
            return Err(MissingAverage);
        };
        let average = average.get();
        if share <= 0.0 {
            return Ok(settled(option, average));
        }
        let strike = (option.strike.get() - (1.0 - share) * average) / share;
        Ok(match Strike::new(strike) {
            Ok(strike) => averaged(option, strike, option.expiry.get() / 3.0, share),
            Err(_) => decided(option, strike, share),
        })
    }
}

/// A plain option with another strike and another time for its variance, scaled by the open share.
fn averaged(option: &Black76, strike: Strike, variance_time: f64, share: f64) -> WindowGreeks {
    // Both callers pass a time between zero and the option's own, which its type admits.
    let expiry = YearFraction::new(variance_time).unwrap_or(option.expiry);
    let greeks = Black76 { strike, expiry, ..*option }.greeks();
    WindowGreeks {
        value: share * greeks.value,
        delta: share * greeks.delta,
        gamma: share * greeks.gamma,
        vega: share * greeks.vega,
        remaining_share: share,
    }
}

/// The running average alone exceeds the strike: a call is a forward on the open share, a put is worthless.
fn decided(option: &Black76, strike: f64, share: f64) -> WindowGreeks {
    let scale = match option.kind {
        OptionKind::Call => share * option.discount.get(),
        OptionKind::Put => 0.0,
    };
    let value = scale * (option.forward.get() - strike);
    WindowGreeks { value, delta: scale, gamma: 0.0, vega: 0.0, remaining_share: share }
}

fn settled(option: &Black76, average: f64) -> WindowGreeks {
    let payoff = kernel::positive_part(sign_of(option.kind) * (average - option.strike.get()));
    WindowGreeks {
        value: option.discount.get() * payoff,
        delta: 0.0,
        gamma: 0.0,
        vega: 0.0,
        remaining_share: 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use units::{Discount, Forward, Vol};

    const YEARS_PER_MINUTE: f64 = 1.0 / (365.0 * 24.0 * 60.0);

    /// Variance, per unit of σ², of the mean of a Brownian path over the open part of the window, from the covariances
    /// min(s, t) of many samples; `minutes` is the time to expiry.
    fn variance_minutes(minutes: f64) -> f64 {
        const SAMPLES: usize = 3_000;
        let open = minutes.min(30.0);
        let sample = |i: usize| minutes - open + open * (i as f64 + 0.5) / SAMPLES as f64;
        // The sample i is the smaller of each pair with a later one.
        let sum: f64 = (0..SAMPLES).map(|i| sample(i) * (2 * (SAMPLES - i) - 1) as f64).sum();
        sum / (SAMPLES * SAMPLES) as f64
    }

    #[test]
    fn the_variance_is_that_of_an_averaged_path() {
        for minutes in [240.0, 45.0, 30.0, 18.0, 3.0] {
            let at = |minutes: f64| Black76 {
                forward: Forward::new(84_000.0).unwrap(),
                strike: Strike::new(84_050.0).unwrap(),
                vol: Vol::new(0.6).unwrap(),
                expiry: YearFraction::new(minutes * YEARS_PER_MINUTE).unwrap(),
                discount: Discount::new(1.0).unwrap(),
                kind: OptionKind::Call,
            };
            let average = 84_020.0;
            let observed = Observed::RunningAverage(Spot::new(average).unwrap());
            let actual = SettlementWindow::DERIBIT.greeks(&at(minutes), observed).unwrap();
            // Delivery = u A + (1 - u) x mean of the rest, so the payoff is (1 - u) of an option on that mean.
            let share = (minutes / 30.0).min(1.0);
            let strike = (84_050.0 - (1.0 - share) * average) / share;
            let plain = Black76 { strike: Strike::new(strike).unwrap(), ..at(variance_minutes(minutes)) };
            let expected = share * plain.price();
            // 3,000 samples leave one part in 1e6 of the variance.
            assert!((actual.value / expected - 1.0).abs() < 1e-6, "{minutes}: {} {expected}", actual.value);
            assert!((actual.delta - share * plain.greeks().delta).abs() < 1e-6);
        }
    }
}
