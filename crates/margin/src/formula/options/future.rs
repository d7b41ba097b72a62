//! The requirement of one future or perpetual: a rate of its notional at the index that grows with its size.
//!
//! Two forms, by underlying, with n coins (USD size over the mark for inverse contracts):
//!
//! | form | initial rate | maintenance rate |
//! |---|---|---|
//! | linear in size | `initial_base` + `initial_per_coin` n | `maintenance_base` + `maintenance_per_coin` n |
//! | leverage curve | 1/L(n) | `maintenance_of_initial`/L(n) |
//!
//! L is linear between the points of the file and constant beyond the last. Requirement = rate x n x index. Each contract has its own
//! size: a long and a short future of two expiries both pay. Source: reference note `exchange-margin.md`, section 2.

use crate::report::Levels;
use crate::state::Leg;

/// How the rate depends on the size.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum FutureRule {
    /// Straight lines.
    Linear {
        /// At no size.
        base: Levels,
        /// More for each coin.
        per_coin: Levels,
    },
    /// The inverse of a maximum leverage that falls with size.
    Leverage {
        /// Ascending from zero coins, leverage not rising; never empty.
        curve: Vec<LeveragePoint>,
        /// Maintenance over initial.
        maintenance_of_initial: f64,
    },
}

/// One point of a curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct LeveragePoint {
    pub(super) size_coin: f64,
    pub(super) leverage: f64,
}

impl FutureRule {
    /// Of a future or perpetual, USD.
    pub(super) fn requirement(&self, leg: &Leg) -> Levels {
        let size_coin = leg.size_coin().abs();
        self.rate(size_coin).times(size_coin * leg.index_usd)
    }

    fn rate(&self, size_coin: f64) -> Levels {
        match self {
            Self::Linear { base, per_coin } => base.plus(per_coin.times(size_coin)),
            Self::Leverage { curve, maintenance_of_initial } => {
                let initial = 1.0 / leverage(curve, size_coin);
                Levels { initial, maintenance: initial * maintenance_of_initial }
            }
        }
    }
}

fn leverage(curve: &[LeveragePoint], size_coin: f64) -> f64 {
    for pair in curve.windows(2) {
        let [low, high] = pair else { continue };
        if size_coin < high.size_coin {
            let share = (size_coin - low.size_coin) / (high.size_coin - low.size_coin);
            return low.leverage + share * (high.leverage - low.leverage);
        }
    }
    // The reader refuses an empty curve; leverage of one asks for the whole notional.
    curve.last().map_or(1.0, |point| point.leverage)
}
