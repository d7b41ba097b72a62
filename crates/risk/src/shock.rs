//! Shocks to the market, as data: what moves, by how much. A [`ShockSet`] is a list of them at one horizon.
//!
//! Spot shocks are multiplicative and carry every forward of the underlying along; vol shocks are additive in points and
//! relative, scaled by tenor as `(30 d / max(T, 1 d))^power`, at unchanged strike (sticky strike). Rate shocks multiply the
//! USD rate of a currency: balances lose with it, and a contract quoted in it sees the coin's price in it rise, because
//! the USD price of the coin is the spot shock's business alone. A shocked vol stays at or above one vol point (or at the
//! contract's own vol where that is lower), so that no shock is cut to nothing. Days that pass earn carry: forwards slide
//! towards spot and reach it at expiry.

use std::collections::BTreeMap;
use units::{Asset, Venue, Vol, YearFraction};

/// Shift of every vol of an underlying.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct VolShift {
    /// Additive, in vol points.
    pub points: f64,
    /// Relative: 0.5 is half as much again.
    pub relative: f64,
    /// Exponent of (30 d / T): 0 is a parallel shift.
    pub tenor_power: f64,
}

impl VolShift {
    /// The shifted vol, as a fraction.
    #[must_use]
    pub fn apply(&self, vol: Vol, expiry: YearFraction) -> f64 {
        let weight = self.tenor_weight(expiry);
        let shifted = vol.get() * (1.0 + self.relative * weight) + self.points * 0.01 * weight;
        let floor = if vol.get() < MIN_VOL { vol.get() } else { MIN_VOL };
        if shifted < floor { floor } else { shifted }
    }

    /// `(30 d / max(T, 1 d))^power`: what a shift of 30-day vol is at this tenor.
    pub(crate) fn tenor_weight(&self, expiry: YearFraction) -> f64 {
        if self.tenor_power == 0.0 {
            return 1.0;
        }
        let days = expiry.days();
        pricing::kernel::pow(30.0 / if days < 1.0 { 1.0 } else { days }, self.tenor_power)
    }
}

/// No shock pushes a vol below one point.
const MIN_VOL: f64 = 0.01;

/// One joint move of the market.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Shock {
    /// Spot return of underlyings that are not named: -0.2 is a fall of 20 %.
    pub spot_return: f64,
    /// Spot return by underlying.
    pub spot_return_of: BTreeMap<Asset, f64>,
    /// Vol shift of underlyings that are not named.
    pub vol: VolShift,
    /// Vol shift by underlying.
    pub vol_of: BTreeMap<Asset, VolShift>,
    /// Factor on the USD rate of a currency: 0.88 is a depeg by 12 %.
    pub rate_factor: BTreeMap<Asset, f64>,
    /// Venues that are lost with everything on them.
    pub venues_lost: Vec<Venue>,
}

impl Shock {
    /// A move of spot and vol alone.
    #[must_use]
    pub fn spot_and_points(spot_return: f64, vol: VolShift) -> Self {
        Self { spot_return, vol, ..Self::default() }
    }

    /// Factor on the price of an underlying.
    #[must_use]
    pub fn spot_factor(&self, underlying: &Asset) -> f64 {
        1.0 + self.spot_return_of.get(underlying).copied().unwrap_or(self.spot_return)
    }

    /// Shift of the vols of an underlying.
    #[must_use]
    pub fn vol_shift(&self, underlying: &Asset) -> &VolShift {
        self.vol_of.get(underlying).unwrap_or(&self.vol)
    }

    /// Factor on the USD rate of a currency that is no underlying.
    #[must_use]
    pub fn rate_factor(&self, asset: &Asset) -> f64 {
        self.rate_factor.get(asset).copied().unwrap_or(1.0)
    }

    /// The spot part alone.
    #[must_use]
    pub fn spot_only(&self) -> Self {
        Self { spot_return: self.spot_return, spot_return_of: self.spot_return_of.clone(), ..Self::default() }
    }

    /// The vol part alone.
    #[must_use]
    pub fn vol_only(&self) -> Self {
        Self { vol: self.vol, vol_of: self.vol_of.clone(), ..Self::default() }
    }

    /// True when prices move at all.
    #[must_use]
    pub fn moves_spot(&self) -> bool {
        self.spot_return != 0.0 || self.spot_return_of.values().any(|r| *r != 0.0)
    }

    /// True when vols move at all.
    #[must_use]
    pub fn moves_vol(&self) -> bool {
        let moves = |shift: &VolShift| shift.points != 0.0 || shift.relative != 0.0;
        moves(&self.vol) || self.vol_of.values().any(moves)
    }
}

/// Shocks that are applied together at one horizon.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ShockSet {
    /// Calendar days that pass before the shock; what expires meanwhile is settled at the shocked spot.
    pub days: f64,
    /// The shocks, one column of the cube each.
    pub shocks: Vec<Shock>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vol_shifts_scale_with_tenor_and_keep_a_floor() {
        let vol = Vol::new(0.5).unwrap();
        let month = YearFraction::new(30.0 / 365.0).unwrap();
        let quarter = YearFraction::new(120.0 / 365.0).unwrap();
        let shift = VolShift { points: 10.0, relative: 0.0, tenor_power: 0.5 };
        assert!((shift.apply(vol, month) - 0.60).abs() < 1e-15);
        // Four times the tenor, half the shift: (30/120)^0.5.
        assert!((shift.apply(vol, quarter) - 0.55).abs() < 1e-15);
        let crush = VolShift { points: -80.0, ..VolShift::default() };
        assert_eq!(crush.apply(vol, month).to_bits(), 0.01f64.to_bits());
        let low = Vol::new(0.004).unwrap();
        assert_eq!(VolShift::default().apply(low, month).to_bits(), 0.004f64.to_bits());
    }
}
