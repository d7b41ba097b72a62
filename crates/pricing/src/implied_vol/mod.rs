//! Implied vol: the vol at which Black-76 returns a given price.
//!
//! | implementor | method | use |
//! |---|---|---|
//! | [`Reference`] | crate `implied-vol`, Hybrid: Jäckel's "Let's be rational" with a faster region | differential tests, offline work; its last bits may differ between machines |
//! | [`Deterministic`] | own kernels: Halley's method on a transformed price | everything that reaches the journal: the same bits everywhere |
//!
//! Both work on the normalised price: with x = -|ln(F/K)| and β = (V/D - intrinsic)/√(F K), find s = σ√T with b(x, s) = β, where
//! b(x, s) = e^{x/2} N(x/s + s/2) - e^{-x/2} N(x/s - s/2). A price determines its vol no better than its own rounding allows: in
//! the wings and deep in the money the digits that intrinsic value swallowed are gone.
//!
//! A published vol is quantised to 1e-10 by [`quantise_vol`].
//!
//! ```
//! use pricing::implied_vol::{Deterministic, ImpliedVol, ImpliedVolError, OptionQuote};
//! use pricing::OptionKind;
//! use units::{Discount, Forward, Strike, YearFraction};
//! let quote = OptionQuote {
//!     price: 5_940.404_399_87,
//!     forward: Forward::new(84_000.0)?,
//!     strike: Strike::new(80_000.0)?,
//!     expiry: YearFraction::new(90.0 / 365.0)?,
//!     discount: Discount::new(1.0)?,
//!     kind: OptionKind::Put,
//! };
//! assert!((Deterministic.implied_vol(&quote)?.get() - 0.48).abs() < 1e-10);
//! let dear = OptionQuote { price: 90_000.0, ..quote };
//! assert!(matches!(Deterministic.implied_vol(&dear), Err(ImpliedVolError::AboveMaximum { .. })));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod deterministic;

use crate::black76::{Black76, sign_of};
use crate::dispatch::{self, Task};
use crate::kernel;
use implied_vol::{DefaultSpecialFn, ImpliedBlackVolatilityNormalised};
use units::{Discount, Forward, OptionKind, Strike, UnitError, Vol, YearFraction};

pub use deterministic::Deterministic;

/// A price to be turned into a vol.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OptionQuote {
    /// Discounted value in the quote currency per unit of the underlying.
    pub price: f64,
    /// Forward of the underlying to expiry.
    pub forward: Forward,
    /// Strike.
    pub strike: Strike,
    /// Time to expiry.
    pub expiry: YearFraction,
    /// Discount factor to expiry.
    pub discount: Discount,
    /// Call or put.
    pub kind: OptionKind,
}

/// A price without units: what the solvers see.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NormalisedPrice {
    /// x = -|ln(F/K)|, zero or less: seen from the out-of-the-money side.
    pub log_moneyness: f64,
    /// β = undiscounted time value / √(F K), between 0 and e^{x/2}.
    pub time_value: f64,
}

/// Why a price has no vol.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ImpliedVolError {
    /// The price is NaN or infinite.
    #[error("price {price} is not a finite number")]
    NotFinite {
        /// The price given.
        price: f64,
    },
    /// No time is left: every vol gives the same value.
    #[error("the option has expired")]
    Expired,
    /// The price equals the discounted intrinsic value: only a vol of zero, or no vol, fits.
    #[error("price {price} holds no time value over the intrinsic value")]
    NoTimeValue {
        /// The price given.
        price: f64,
    },
    /// The price lies below the discounted intrinsic value.
    #[error("price {price} is below the intrinsic value {intrinsic}")]
    BelowIntrinsic {
        /// The price given.
        price: f64,
        /// Discounted intrinsic value.
        intrinsic: f64,
    },
    /// The price is not below what an infinite vol gives.
    #[error("price {price} is not below the largest value {maximum} of such an option")]
    AboveMaximum {
        /// The price given.
        price: f64,
        /// D F of a call, D K of a put.
        maximum: f64,
    },
    /// A normalised price outside its definition.
    #[error(
        "normalised price {time_value} at log-moneyness {log_moneyness} is not strictly inside its bounds"
    )]
    Normalised {
        /// x as given.
        log_moneyness: f64,
        /// β as given.
        time_value: f64,
    },
    /// The vol exists but lies outside the range that the system admits.
    #[error(transparent)]
    OutOfRange(#[from] VolOutOfRange),
}

/// A vol that fits the price and that [`Vol`] does not admit.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("the implied vol {vol} is outside the range of a vol")]
pub struct VolOutOfRange {
    /// Annual vol as a fraction.
    pub vol: f64,
}

/// Turns prices into vols.
pub trait ImpliedVol {
    /// s = σ√T of a normalised price.
    ///
    /// # Errors
    /// When the price is not strictly inside its bounds.
    fn total_deviation(&self, price: NormalisedPrice) -> Result<f64, ImpliedVolError>;

    /// Annual vol of a quoted price, not quantised.
    ///
    /// # Errors
    /// Names the bound that the price breaks.
    fn implied_vol(&self, quote: &OptionQuote) -> Result<Vol, ImpliedVolError> {
        quote.annual(self.total_deviation(quote.normalise()?)?)
    }

    /// The vols of many quotes, each as [`ImpliedVol::implied_vol`] gives it.
    fn implied_vols(&self, quotes: &[OptionQuote]) -> Vec<Result<Vol, ImpliedVolError>> {
        quotes.iter().map(|quote| self.implied_vol(quote)).collect()
    }
}

impl OptionQuote {
    /// The quote of an option at a price.
    #[must_use]
    pub fn of(option: &Black76, price: f64) -> Self {
        let Black76 { forward, strike, expiry, discount, kind, .. } = *option;
        Self { price, forward, strike, expiry, discount, kind }
    }

    /// Removes units, discount and intrinsic value.
    ///
    /// # Errors
    /// Names the bound that the price breaks.
    pub fn normalise(&self) -> Result<NormalisedPrice, ImpliedVolError> {
        dispatch::run(Normalise(self))
    }

    /// s as an annual vol.
    #[inline(always)]
    fn annual(&self, deviation: f64) -> Result<Vol, ImpliedVolError> {
        let vol = deviation / self.expiry.get().sqrt();
        Vol::new(vol).map_err(|_: UnitError| VolOutOfRange { vol }.into())
    }

    #[inline(always)]
    fn normalise_body(&self) -> Result<NormalisedPrice, ImpliedVolError> {
        let price = self.price;
        if !price.is_finite() {
            return Err(ImpliedVolError::NotFinite { price });
        }
        if self.expiry.is_expired() {
            return Err(ImpliedVolError::Expired);
        }
        let (forward, strike) = (self.forward.get(), self.strike.get());
        let intrinsic = kernel::positive_part(sign_of(self.kind) * (forward - strike));
        let time_value = price / self.discount.get() - intrinsic;
        if time_value < 0.0 {
            return Err(ImpliedVolError::BelowIntrinsic {
                price,
                intrinsic: self.discount.get() * intrinsic,
            });
        }
        if time_value == 0.0 {
            return Err(ImpliedVolError::NoTimeValue { price });
        }
        // The time value of call and put is at most the smaller of forward and strike.
        if time_value >= forward.min(strike) {
            let bound = if self.kind == OptionKind::Call { forward } else { strike };
            return Err(ImpliedVolError::AboveMaximum { price, maximum: self.discount.get() * bound });
        }
        let log_moneyness = -kernel::ln_ratio_lane(forward, strike).abs();
        Ok(NormalisedPrice { log_moneyness, time_value: time_value / (forward.sqrt() * strike.sqrt()) })
    }
}

struct Normalise<'a>(&'a OptionQuote);

impl Task for Normalise<'_> {
    type Output = Result<NormalisedPrice, ImpliedVolError>;
    #[inline(always)]
    fn run(self) -> Self::Output {
        self.0.normalise_body()
    }
}

/// The crate `implied-vol`: the most accurate known method; uses the platform's libm.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reference;

impl ImpliedVol for Reference {
    fn total_deviation(&self, price: NormalisedPrice) -> Result<f64, ImpliedVolError> {
        let NormalisedPrice { log_moneyness, time_value } = price;
        let bad = ImpliedVolError::Normalised { log_moneyness, time_value };
        if !(log_moneyness <= 0.0 && time_value > 0.0) {
            return Err(bad);
        }
        let solver = ImpliedBlackVolatilityNormalised::builder()
            .log_moneyness(log_moneyness)
            .normalised_price(time_value)
            .build()
            .ok_or(bad)?;
        let found = solver.calculate::<DefaultSpecialFn>().ok_or(bad)?;
        if found.is_finite() { Ok(found) } else { Err(bad) }
    }
}

/// The vol as it is published and logged: rounded to the nearest multiple of 1e-10, half away from zero.
#[must_use]
pub fn quantise_vol(vol: Vol) -> Vol {
    // At most 1e11 quanta: exact integers, and a rounded vol stays in range because the range ends on a quantum.
    Vol::new((vol.get() * 1e10).round() / 1e10).unwrap_or(vol)
}

/// b(x, s): the normalised price of the out-of-the-money option, for x = ln(F/K) <= 0 and s = σ√T.
#[must_use]
pub fn normalised_price(log_moneyness: f64, total_deviation: f64) -> f64 {
    deterministic::normalised_price(log_moneyness, total_deviation)
}
