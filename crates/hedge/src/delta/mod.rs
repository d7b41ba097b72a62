//! Which delta: what is counted in, and how the vol is believed to follow the underlying.
//!
//! Two choices, in this order:
//!
//! 1. [`Accounting`]: gains counted in USD or in coin. In USD an option has Black's delta Δ; in coin its *net* delta Δ - V/F (settlement-
//!    adjusted), because its value in coin is V/F. How it settles decides nothing by itself: it decides what [`Collateral`] is held, and
//!    collateral has a delta of its own: coins in USD accounts, dollars in coin accounts.
//! 2. [`VolDynamics`]: what the vol of a strike does when the underlying moves, as dσ/d ln F, which adds `vega/F x dσ/d ln F`.
//!
//! ```text
//! delta = Δ            (USD)      + vega/F x m        m = (R - 1) σ'(k)                sticky strike R = 1, moneyness 0, local vol 2
//! delta = Δ - V/F      (coin)                         m = (a + b δ + c δ²)/√T          minimum variance
//! ```
//!
//! σ'(k) is the slope of the smile in k = ln(K/F), so `-(K/S) σ_K = -σ'/S` is sticky moneyness; δ is the delta of the call at the strike,
//! so that call and put share one move of vol. Units: deltas in coins per option on one coin, for the owner of the option; vega in USD per
//! 1.00 of vol. A hedge that holds `-delta` coins of a perpetual leaves the account flat to first order; with an inverse perpetual that is
//! a notional of `-delta x price` USD, in either accounting.
//!
//! Sources: sticky rules after Derman (1999) in the notation of [`market::surface::SkewStickiness`]; minimum variance: Hull and White, "Optimal
//! delta hedging for options" (2017); that crypto skews change with the regime: Alexander and Imeraj (2023). How they compare on recorded
//! chains, and which wins: `docs/models/delta.md` and `docs/backtests.md`.
//!
//! Left out: two-sided moves (a delta that knows gamma), discounting of the premium, cross effects between coins.
//!
//! ```
//! use hedge::delta::{Accounting, Collateral, ValuedOption, VolDynamics};
//! use pricing::{Black76, OptionKind};
//! use units::{Discount, Forward, Spot, Strike, Vol, YearFraction};
//! let black = Black76 {
//!     forward: Forward::new(84_000.0)?,
//!     strike: Strike::new(80_000.0)?,
//!     vol: Vol::new(0.5)?,
//!     expiry: YearFraction::new(0.1)?,
//!     discount: Discount::ONE,
//!     kind: OptionKind::Call,
//! };
//! let call = ValuedOption::at_model(&black, 0.0);
//! let (usd, coin) = (call.delta(Accounting::Usd, VolDynamics::STICKY_STRIKE), call.delta(Accounting::Coin, VolDynamics::STICKY_STRIKE));
//! assert!((usd - coin - call.coin_value()).abs() < 1e-15);
//! // A seller who keeps the premium in coin is back at the net delta when counting in USD.
//! let premium = Collateral { coins: call.coin_value(), usd: 0.0 };
//! let account = -usd + Accounting::Usd.collateral_delta(premium, Spot::new(84_000.0)?);
//! assert!((account + coin).abs() < 1e-15);
//! # Ok::<(), units::UnitError>(())
//! ```

mod minimum_variance;

pub use minimum_variance::{
    DeltaError, Evidence, Gate, MinimumVarianceFit, MinimumVariancePlan, Observed, QuadraticMove,
};

use market::surface::SkewStickiness;
use pricing::{Black76, OptionKind};
use units::Spot;

/// What gains and losses are counted in. To be chosen before any delta.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accounting {
    /// Coins of the underlying.
    Coin,
    /// Dollars.
    Usd,
}

/// What lies in the account besides options and hedge.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Collateral {
    /// Coins of the underlying.
    pub coins: f64,
    /// Dollars, and stablecoins at their rate.
    pub usd: f64,
}

impl Accounting {
    /// Delta of what lies in the account, coins.
    #[must_use]
    pub fn collateral_delta(self, collateral: Collateral, spot: Spot) -> f64 {
        match self {
            Self::Usd => collateral.coins,
            Self::Coin => -collateral.usd / spot.get(),
        }
    }
}

/// How the vol of a strike is believed to follow the underlying.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum VolDynamics {
    /// Along today's smile by a skew stickiness ratio R.
    AlongSmile(SkewStickiness),
    /// As it did on average in the past: the move that leaves the least variance.
    MinimumVariance(QuadraticMove),
}

impl VolDynamics {
    /// Every strike keeps its vol: Black's delta.
    pub const STICKY_STRIKE: Self = Self::AlongSmile(SkewStickiness::STICKY_STRIKE);
    /// Every moneyness keeps its vol: dσ/dS = -(K/S) σ_K. All models that scale with the price say so.
    pub const STICKY_MONEYNESS: Self = Self::AlongSmile(SkewStickiness::STICKY_MONEYNESS);
    /// The opposite, as a local vol has it near the money: dσ/dS = +(K/S) σ_K, R = 2.
    pub const LOCAL_VOL: Self = Self::AlongSmile(SkewStickiness::LOCAL_VOL);
}

/// An option with what its deltas are made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ValuedOption {
    black_delta: f64,
    call_delta: f64,
    coin_value: f64,
    coin_vega: f64,
    root_years: f64,
    slope: f64,
}

impl ValuedOption {
    /// At the model's own value; `slope` is dσ/dk of its smile at its strike, zero where no smile is known.
    #[must_use]
    pub fn at_model(option: &Black76, slope: f64) -> Self {
        let greeks = option.greeks();
        let forward = option.forward.get();
        let to_call = match option.kind {
            OptionKind::Call => 0.0,
            OptionKind::Put => option.discount.get(),
        };
        Self {
            black_delta: greeks.delta,
            call_delta: greeks.delta + to_call,
            coin_value: greeks.value / forward,
            coin_vega: greeks.vega / forward,
            root_years: option.expiry.get().sqrt(),
            slope,
        }
    }

    /// At a quoted value in coin, whose vol may be another than that of the greeks.
    #[must_use]
    pub fn at_coin_value(option: &Black76, coin_value: f64, slope: f64) -> Self {
        Self { coin_value, ..Self::at_model(option, slope) }
    }

    /// V/F, coin.
    #[must_use]
    pub const fn coin_value(&self) -> f64 {
        self.coin_value
    }

    /// vega/F, coin per 1.00 of vol.
    #[must_use]
    pub const fn coin_vega(&self) -> f64 {
        self.coin_vega
    }

    /// Black's delta of the call at the strike.
    #[must_use]
    pub const fn call_delta(&self) -> f64 {
        self.call_delta
    }

    /// Delta under an accounting and a dynamics, coins.
    #[must_use]
    pub fn delta(&self, accounting: Accounting, dynamics: VolDynamics) -> f64 {
        let plain = match accounting {
            Accounting::Usd => self.black_delta,
            Accounting::Coin => self.black_delta - self.coin_value,
        };
        plain + self.coin_vega * self.vol_per_log_move(dynamics)
    }

    /// dσ/d ln F under a dynamics.
    #[must_use]
    pub fn vol_per_log_move(&self, dynamics: VolDynamics) -> f64 {
        match dynamics {
            // Exactly zero for sticky strike, whatever the slope.
            VolDynamics::AlongSmile(SkewStickiness::STICKY_STRIKE) => 0.0,
            VolDynamics::AlongSmile(ratio) => (ratio.get() - 1.0) * self.slope,
            VolDynamics::MinimumVariance(_) if self.root_years <= 0.0 => 0.0,
            VolDynamics::MinimumVariance(quadratic) => quadratic.at(self.call_delta) / self.root_years,
        }
    }

    /// What [`MinimumVarianceFit`] learns from one interval of this option: `log_move` is the gain of one coin of the hedge in the unit of
    /// the accounting per unit of price (coin: 1 - P0/P1), `residual` what the option gained beyond its delta times that.
    #[must_use]
    pub fn observed(&self, log_move: f64, residual: f64) -> Observed {
        let scale = if self.root_years > 0.0 { self.coin_vega / self.root_years * log_move } else { 0.0 };
        Observed { scale, call_delta: self.call_delta, residual }
    }
}

#[cfg(test)]
mod tests;
