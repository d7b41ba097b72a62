//! Venues' published greeks: the same numbers in each venue's units and with each venue's rules.
//!
//! | venue | convention | source |
//! |---|---|---|
//! | Deribit | undiscounted Black-76, USD per point and per day; theta limited to the remaining life and to the option's value | reproduced on 1,972 recorded tickers: reference note `exchange-margin.md`, section 1 |
//! | OKX | `PA` in coin on the forward, `BS` in spot terms with carry | one recorded summary row: section 5.3 |
//! | Bybit | as Deribit without the cap by value | one recorded ticker: section 6 |
//!
//! A view takes the option as priced by this project and ignores its discount factor: these venues quote undiscounted premiums.
//! All views are total. Left out: the venues' rounding (5 decimals on Deribit) and Bybit's gamma of the last day, which one
//! recorded row shows scaled by the remaining day; one row does not make a rule.
//!
//! ```
//! use pricing::{Black76, OptionKind, venue};
//! use units::{Discount, Forward, Strike, Vol, YearFraction};
//! // BTC-30SEP22-60000-C, twelve hours before expiry and far from the money.
//! let option = Black76 {
//!     forward: Forward::new(58_000.0)?,
//!     strike: Strike::new(60_000.0)?,
//!     vol: Vol::from_points(60.0)?,
//!     expiry: YearFraction::new(0.5 / 365.0)?,
//!     discount: Discount::new(1.0)?,
//!     kind: OptionKind::Call,
//! };
//! let published = venue::deribit(&option);
//! // No more can decay than the option is worth.
//! assert!(-published.theta_per_day <= option.price());
//! # Ok::<(), units::UnitError>(())
//! ```

use crate::black76::{Black76, Greeks};
use crate::kernel;
use units::{Discount, Spot, YearFraction};

/// Greeks as Deribit publishes them, before rounding: USD per coin of notional, also for inverse options.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DeribitGreeks {
    /// Undiscounted ∂V/∂F, not premium-adjusted.
    pub delta: f64,
    /// ∂²V/∂F².
    pub gamma: f64,
    /// USD per vol point.
    pub vega_per_point: f64,
    /// USD per day: the loss of the coming day, or of the remaining life when that is shorter, and no more than the value.
    pub theta_per_day: f64,
    /// USD per 1 % of rate with the spot held: ±K T N(±d2)/100.
    pub rho_per_1pct: f64,
    /// Δ - V/F in coin, which Deribit calls net transaction delta.
    pub net_transaction_delta: f64,
}

/// Greeks as OKX publishes them, before rounding.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OkxGreeks {
    /// w N(w d1).
    pub delta_bs: f64,
    /// φ(d1)/(S s), per USD of spot.
    pub gamma_bs: f64,
    /// USD per vol point, in spot terms.
    pub vega_bs_per_point: f64,
    /// USD per day, in spot terms, with the carry term of r = ln(F/S)/T.
    pub theta_bs_per_day: f64,
    /// Coin per unit relative move: Δ - V/F.
    pub delta_pa: f64,
    /// Coin per squared relative move: F² ∂²(V/F)/∂F².
    pub gamma_pa: f64,
    /// Coin per vol point.
    pub vega_pa_per_point: f64,
    /// Coin per day.
    pub theta_pa_per_day: f64,
}

/// Greeks as Bybit publishes them, before rounding.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BybitGreeks {
    /// Undiscounted ∂V/∂F.
    pub delta: f64,
    /// ∂²V/∂F².
    pub gamma: f64,
    /// USD per vol point.
    pub vega_per_point: f64,
    /// USD per day, scaled to the remaining life below one day.
    pub theta_per_day: f64,
}

/// Deribit's view.
#[must_use]
pub fn deribit(option: &Black76) -> DeribitGreeks {
    let greeks = undiscounted(option).greeks();
    deribit_view(option, &greeks, greeks.value)
}

/// Deribit's view of an option whose published mark, in USD, differs from its value here: the venue caps theta by its own mark.
#[must_use]
pub fn deribit_at_mark(option: &Black76, mark_usd: f64) -> DeribitGreeks {
    deribit_view(option, &undiscounted(option).greeks(), mark_usd)
}

fn deribit_view(option: &Black76, greeks: &Greeks, most_decay: f64) -> DeribitGreeks {
    let decay_of_life = decay_of_the_coming_day(greeks, option.expiry);
    let decay = if decay_of_life > most_decay { most_decay } else { decay_of_life };
    DeribitGreeks {
        delta: greeks.delta,
        gamma: greeks.gamma,
        vega_per_point: greeks.vega / 100.0,
        theta_per_day: -decay,
        rho_per_1pct: greeks.rho_spot / 100.0,
        net_transaction_delta: greeks.inverse(option.forward).settlement_delta,
    }
}

/// OKX's view; `spot` is the index price beside the forward.
#[must_use]
pub fn okx(option: &Black76, spot: Spot) -> OkxGreeks {
    let greeks = undiscounted(option).greeks();
    let coin = greeks.inverse(option.forward);
    let time = option.expiry.get();
    // The discount factor of r = ln(F/S)/T.
    let spot_over_forward = spot.get() / option.forward.get();
    let rate = if time > 0.0 { -kernel::ln(spot_over_forward) / time } else { 0.0 };
    let carry = rate * option.strike.get() * greeks.dual_delta;
    OkxGreeks {
        delta_bs: greeks.delta,
        gamma_bs: greeks.gamma / spot_over_forward,
        vega_bs_per_point: greeks.vega * spot_over_forward / 100.0,
        theta_bs_per_day: spot_over_forward * (greeks.theta_per_year + carry) / YearFraction::DAYS,
        delta_pa: coin.settlement_delta,
        gamma_pa: coin.settlement_gamma,
        vega_pa_per_point: coin.coin_vega / 100.0,
        theta_pa_per_day: coin.coin_theta_per_year / YearFraction::DAYS,
    }
}

/// Bybit's view.
#[must_use]
pub fn bybit(option: &Black76) -> BybitGreeks {
    let greeks = undiscounted(option).greeks();
    BybitGreeks {
        delta: greeks.delta,
        gamma: greeks.gamma,
        vega_per_point: greeks.vega / 100.0,
        theta_per_day: -decay_of_the_coming_day(&greeks, option.expiry),
    }
}

/// |θ| of one day, or of the remaining life when that is shorter.
fn decay_of_the_coming_day(greeks: &Greeks, expiry: YearFraction) -> f64 {
    let per_day = -greeks.theta_per_year / YearFraction::DAYS;
    let days = expiry.days();
    if days < 1.0 { per_day * kernel::positive_part(days) } else { per_day }
}

fn undiscounted(option: &Black76) -> Black76 {
    Black76 { discount: Discount::new(1.0).unwrap_or(option.discount), ..*option }
}
