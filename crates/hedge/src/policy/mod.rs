//! When a delta hedge is traded, and how far: clocks and no-trade bands behind one trait.
//!
//! A policy answers two questions about one underlying of a book at one moment, a [`Sight`]:
//!
//! 1. at which variance is the delta taken? [`DeltaPolicy::variance_factor`], a factor on each sigma²; 1 but for Leland and Zakamouline,
//!    which put the cost of hedging into the vol;
//! 2. how far from the delta may the hedge be? [`DeltaPolicy::band`], and where does a trade end when it is further away.
//!
//! [`decide`] turns the answers, the delta and what is held into a trade. Nothing else decides: the live engine, plans and backtests call
//! these functions.
//!
//! | policy | band | a trade ends | source |
//! |---|---|---|---|
//! | [`Clock`] | none, at every interval | at the delta | Black and Scholes 1973 |
//! | [`FixedBand`] | a constant | edge or delta | - |
//! | [`Leland`] | none, at every interval, delta at a vol with the cost in it | at the delta | Leland, J. Finance 40 (1985) 1283 |
//! | [`WhalleyWilmott`] | (3 λ S Γ² R / 2)^(1/3) | edge | Whalley and Wilmott, Math. Finance 7 (1997) 307 |
//! | [`Zakamouline`] | H0 + H1 around the delta at a vol with the cost in it | edge | Zakamouline, Europ. Fin. Managt. 12 (2006) |
//! | [`TwoBands`] | outer and inner of a fixed and a proportional cost | inner | header of `two_bands.rs` |
//!
//! Units: quantities are units of the underlying (coins), prices USD a coin, gamma coins per USD, times in years, costs fractions of the
//! notional or USD a trade. The hedge has delta 1: holding -delta of the rest leaves the book neutral. R is the risk tolerance in USD,
//! the inverse of the absolute risk aversion: [`RiskTolerance`].
//!
//! **Left out:** rates (discounting enters Whalley-Wilmott as e^(-rT/3), a tenth of a percent over a month at 4 %), the drift of the
//! underlying, the exact utility solution of Hodges and Neuberger.
//!
//! ```
//! use hedge::policy::{Cost, DeltaPolicy, Exposure, RiskTolerance, Sight, WhalleyWilmott, decide};
//! // A call sold at the money: spot 100, 30 days, 80 vol; 5 bp a trade; a tolerance of 1 USD.
//! let sight = Sight {
//!     spot: 100.0,
//!     gamma: -0.017_280,
//!     vol: 0.8,
//!     expiry_years: 30.0 / 365.0,
//!     cost: Cost { proportional: 0.0005, fixed_usd: 0.0 },
//!     hedge_age_years: 0.0,
//! };
//! let policy = WhalleyWilmott { risk_tolerance: RiskTolerance::from_usd(1.0)? };
//! let trade = decide(policy.band(&sight), Exposure { delta: -0.545_649, held: 0.0 }).ok_or("outside")?;
//! assert!((trade - (0.545_649 - 0.028_187)).abs() < 1e-6); // to the edge of the band, no further
//! assert!(decide(policy.band(&sight), Exposure { delta: -0.545_649, held: 0.52 }).is_none());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod clock;
mod leland;
mod looked;
mod spec;
mod tolerance;
mod two_bands;
mod watch;
mod whalley_wilmott;
mod zakamouline;

#[cfg(test)]
mod tests;

pub use clock::{Clock, FixedBand, Width};
pub use leland::{Leland, LelandNumber};
pub use looked::{Habits, Looked, Sized, sized};
pub use spec::{End, Policy, PolicyError, PolicySpec, Reads};
pub use tolerance::{Aim, RiskTolerance, ToleranceError, TrackingError};
pub use two_bands::TwoBands;
pub use watch::{Watch, effective_interval};
pub use whalley_wilmott::WhalleyWilmott;
pub use zakamouline::{Zakamouline, ZakamoulineBand};

/// What a policy looks at: one underlying of a book, hedged with one instrument, at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sight {
    /// Price of the underlying, USD.
    pub spot: f64,
    /// Second derivative of the value of what is hedged, coins per USD; negative for options sold.
    pub gamma: f64,
    /// Annual vol of the underlying, as a fraction.
    pub vol: f64,
    /// Time to the expiry that the gamma comes from, years.
    pub expiry_years: f64,
    /// What a trade costs.
    pub cost: Cost,
    /// How long ago the hedge was last decided on by a clock or traded by a band, years.
    pub hedge_age_years: f64,
}

/// What trades of the hedge cost.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Cost {
    /// One way, as a fraction of the notional: fee and half the spread.
    pub proportional: f64,
    /// Of each trade, whatever its size, USD: gas.
    pub fixed_usd: f64,
}

/// How far the hedge may be from the delta, and where a trade ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Band {
    /// No trade, however far.
    Hold,
    /// A trade when the hedge is further than `outer` away, until it is `inner` away. Coins, `0 <= inner <= outer`.
    Within {
        /// Half the width of the band without trades.
        outer: f64,
        /// Where a trade ends: `outer` at the edge, 0 in the middle.
        inner: f64,
    },
}

impl Band {
    /// A band whose trades end at its edge.
    #[must_use]
    pub const fn to_edge(half_width: f64) -> Self {
        Self::Within { outer: half_width, inner: half_width }
    }

    /// A band whose trades end in its middle.
    #[must_use]
    pub const fn to_middle(half_width: f64) -> Self {
        Self::Within { outer: half_width, inner: 0.0 }
    }

    /// Half the width, none when nothing is traded.
    #[must_use]
    pub const fn outer(self) -> Option<f64> {
        match self {
            Self::Hold => None,
            Self::Within { outer, .. } => Some(outer),
        }
    }
}

/// When a delta hedge is traded, and how far.
pub trait DeltaPolicy: std::fmt::Debug + Send + Sync {
    /// The factor on each variance at which the delta is taken.
    fn variance_factor(&self, sight: &Sight) -> f64 {
        let _ = sight;
        1.0
    }

    /// How far the hedge may be from that delta.
    fn band(&self, sight: &Sight) -> Band;
}

/// Delta of what is hedged, and of the hedge. Coins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exposure {
    /// Delta of the book without its hedge.
    pub delta: f64,
    /// Delta of the hedge.
    pub held: f64,
}

/// The trade, in coins, that a band asks for; none within it.
#[must_use]
pub fn decide(band: Band, position: Exposure) -> Option<f64> {
    let Band::Within { outer, inner } = band else { return None };
    let off = position.delta + position.held;
    if off.is_nan() || off.abs() <= outer {
        return None;
    }
    let end = if off > 0.0 { inner } else { -inner };
    Some(end - off)
}
