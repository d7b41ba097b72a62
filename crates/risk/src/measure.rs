//! The measures of exposure, their units, and their exact sums.
//!
//! With S the index, F the forward, c the USD value of one unit of undiscounted Black-76 value (`S/F` inverse, the USD
//! rate of the settlement currency linear), and the Black-76 greeks with respect to F:
//!
//! | measure | USD | coin |
//! |---|---|---|
//! | value | c V | /S |
//! | delta | delta_coin x S | c Δ F/S: sensitivity of the USD value to spot at fixed F/S |
//! | delta_settlement | x S | delta minus value, for coin-settled contracts: Δ - V/F; own coins count zero |
//! | gamma_1pct | c Γ F²/100: change of cash delta's share count for +1 % | /S |
//! | vega_per_point | c vega/100 | /S |
//! | vega_30d_per_point | vega x sqrt(30 d / max(T, 1 d)) | /S |
//! | theta_per_day | c theta/365, calendar, at fixed F and S | /S |
//! | rho_per_bp | c rho_spot/10,000: spot held, forward and discount moving together | /S |
//! | vanna_per_point_1pct | c vanna F/10,000 | /S |
//! | volga_per_point2 | c volga/10,000 | /S |
//! | charm_per_day | c charm F/365: change of cash delta over a day | /S |
//!
//! Coin figures exist per underlying only; a total over several underlyings has none.

use std::ops::{AddAssign, SubAssign};
use units::Fixed;

/// One measure of exposure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// What it is worth.
    Value,
    /// First derivative to spot.
    Delta,
    /// Delta less the value of coin-settled contracts: for them the derivative of the coin value to the logarithm of spot.
    DeltaSettlement,
    /// Change of delta for 1 % of spot.
    Gamma,
    /// Change for one vol point.
    Vega,
    /// Vega weighted to 30 days.
    Vega30d,
    /// Change over one calendar day.
    Theta,
    /// Change for one basis point of rate.
    Rho,
    /// Change of vega for 1 % of spot.
    Vanna,
    /// Change of vega for one vol point.
    Volga,
    /// Change of delta over one day.
    Charm,
}

impl Measure {
    /// All of them, in the order of every table.
    pub const ALL: [Self; 11] = [
        Self::Value,
        Self::Delta,
        Self::DeltaSettlement,
        Self::Gamma,
        Self::Vega,
        Self::Vega30d,
        Self::Theta,
        Self::Rho,
        Self::Vanna,
        Self::Volga,
        Self::Charm,
    ];

    /// Column name of the USD figure.
    #[must_use]
    pub const fn usd_key(self) -> &'static str {
        match self {
            Self::Value => "value_usd",
            Self::Delta => "delta_cash_usd",
            Self::DeltaSettlement => "delta_settlement_usd",
            Self::Gamma => "gamma_cash_1pct_usd",
            Self::Vega => "vega_usd_per_point",
            Self::Vega30d => "vega_30d_usd_per_point",
            Self::Theta => "theta_usd_per_day",
            Self::Rho => "rho_usd_per_bp",
            Self::Vanna => "vanna_usd_per_point_1pct",
            Self::Volga => "volga_usd_per_point2",
            Self::Charm => "charm_usd_per_day",
        }
    }

    /// Column name of the coin figure.
    #[must_use]
    pub const fn coin_key(self) -> &'static str {
        match self {
            Self::Value => "value_coin",
            Self::Delta => "delta_coin",
            Self::DeltaSettlement => "delta_settlement_coin",
            Self::Gamma => "gamma_1pct_coin",
            Self::Vega => "vega_coin_per_point",
            Self::Vega30d => "vega_30d_coin_per_point",
            Self::Theta => "theta_coin_per_day",
            Self::Rho => "rho_coin_per_bp",
            Self::Vanna => "vanna_coin_per_point_1pct",
            Self::Volga => "volga_coin_per_point2",
            Self::Charm => "charm_coin_per_day",
        }
    }

    /// Header on screen: symbol and unit of the USD figure.
    #[must_use]
    pub const fn header(self) -> (&'static str, &'static str) {
        match self {
            Self::Value => ("value", "USD"),
            Self::Delta => ("Δ cash", "USD"),
            Self::DeltaSettlement => ("Δ settle", "USD"),
            Self::Gamma => ("Γ 1%", "USD/1%"),
            Self::Vega => ("vega", "USD/pt"),
            Self::Vega30d => ("vega 30d", "USD/pt"),
            Self::Theta => ("theta", "USD/day"),
            Self::Rho => ("rho", "USD/bp"),
            Self::Vanna => ("vanna", "USD/pt/1%"),
            Self::Volga => ("volga", "USD/pt²"),
            Self::Charm => ("charm", "Δ USD/day"),
        }
    }

    /// Place in a row of figures.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// All measures of one row or total, quantised once and exactly summed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Exposure {
    /// In USD, by [`Measure::index`].
    pub usd: [Fixed; Measure::ALL.len()],
    /// In coin of the underlying, by [`Measure::index`].
    pub coin: [Fixed; Measure::ALL.len()],
}

impl Exposure {
    /// The USD figure.
    #[must_use]
    pub const fn in_usd(&self, measure: Measure) -> Fixed {
        self.usd[measure.index()]
    }

    /// The coin figure.
    #[must_use]
    pub const fn in_coin(&self, measure: Measure) -> Fixed {
        self.coin[measure.index()]
    }
}

impl AddAssign<&Self> for Exposure {
    fn add_assign(&mut self, row: &Self) {
        for (total, part) in self.usd.iter_mut().zip(row.usd) {
            *total += part;
        }
        for (total, part) in self.coin.iter_mut().zip(row.coin) {
            *total += part;
        }
    }
}

impl SubAssign<&Self> for Exposure {
    fn sub_assign(&mut self, row: &Self) {
        for (total, part) in self.usd.iter_mut().zip(row.usd) {
            *total += -part;
        }
        for (total, part) in self.coin.iter_mut().zip(row.coin) {
            *total += -part;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_of_a_measure_is_its_place_in_the_list() {
        for (place, measure) in Measure::ALL.into_iter().enumerate() {
            assert_eq!(measure.index(), place);
        }
    }
}
