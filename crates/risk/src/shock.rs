//! Shocks to the market, as data: what moves, by how much. A [`ShockSet`] is a list of them at one horizon.
//!
//! Spot shocks are multiplicative and carry every forward of the underlying along; the smile slides with it by the skew stickiness of
//! the market or of the shock (sticky strike unless told otherwise). Vol shocks come on top: with `w = (30 d / max(T, 1 d))^power` and
//! `z = ln(K/F')/(σ √max(T, 1 d))`, the deviations from the shocked forward to the strike, kept within 2.5,
//!
//! ```text
//! σ' = σ (1 + relative w) + (points + skew_points z + curvature_points z²) w / 100
//! ```
//!
//! then the shifts of the tenors that the option lies in, in their order, by the same formula. Rate shocks multiply the
//! USD rate of a currency: balances lose with it, and a contract quoted in it sees the coin's price in it rise, because
//! the USD price of the coin is the spot shock's business alone. A shocked vol stays at or above one vol point (or at the
//! contract's own vol where that is lower), so that no shock is cut to nothing. Days that pass earn carry: forwards slide
//! towards spot and reach it at expiry.

use market::surface::SkewStickiness;
use std::collections::BTreeMap;
use units::{Asset, Venue, YearFraction};

/// Shift of every vol of an underlying.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct VolShift {
    /// Additive, in vol points.
    pub points: f64,
    /// Relative: 0.5 is half as much again.
    pub relative: f64,
    /// Exponent of (30 d / T): 0 is a parallel shift.
    pub tenor_power: f64,
    /// Points per deviation above the forward, and as much less below it: minus raises puts.
    pub skew_points: f64,
    /// Points per deviation squared: plus raises both wings.
    pub curvature_points: f64,
}

/// A vol after the smile has slid, no lower than a point, or than the vol itself where that is lower: a mark far below its smile must not
/// slide through zero.
#[must_use]
pub fn slid_vol(vol: f64, slide: f64) -> f64 {
    let floor = if vol < MIN_VOL { vol } else { MIN_VOL };
    let slid = vol + slide;
    if slid < floor { floor } else { slid }
}

/// Where on a smile a vol is shifted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VolPlace {
    /// The vol before, as a fraction.
    pub vol: f64,
    /// Time to expiry.
    pub expiry: YearFraction,
    /// ln(K/F') with the shocked forward.
    pub log_moneyness: f64,
}

/// A shift of the vols of some tenors only.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TenorShift {
    /// Days to expiry from which it applies.
    pub from_days: f64,
    /// Days before which it applies.
    pub to_days: f64,
    /// The shift.
    pub shift: VolShift,
}

impl VolShift {
    /// The shifted vol, as a fraction, before any floor.
    fn shifted(&self, place: &VolPlace) -> f64 {
        let weight = self.tenor_weight(place.expiry);
        let level = place.vol * (1.0 + self.relative * weight) + self.points * 0.01 * weight;
        if self.skew_points == 0.0 && self.curvature_points == 0.0 {
            return level;
        }
        let days = place.expiry.days();
        let years = if days < 1.0 { 1.0 / YearFraction::DAYS } else { place.expiry.get() };
        let deviations = place.log_moneyness / (place.vol * years.sqrt());
        let z = within(deviations, FARTHEST_DEVIATIONS);
        level + (self.skew_points * z + self.curvature_points * (z * z)) * (0.01 * weight)
    }

    /// True when it moves a vol.
    fn moves(&self) -> bool {
        [self.points, self.relative, self.skew_points, self.curvature_points].iter().any(|by| *by != 0.0)
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
/// Skew and curvature are flat beyond: no quote lies there to be shocked.
const FARTHEST_DEVIATIONS: f64 = 2.5;

fn within(value: f64, most: f64) -> f64 {
    if value > most {
        most
    } else if value < -most {
        -most
    } else {
        value
    }
}

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
    /// Shifts of some tenors, of every underlying, on top of the others.
    pub tenors: Vec<TenorShift>,
    /// How the smile moves with spot; `None` leaves it to the market.
    pub skew_stickiness: Option<SkewStickiness>,
    /// The same by underlying.
    pub skew_stickiness_of: BTreeMap<Asset, SkewStickiness>,
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

    /// How the smile of an underlying moves with spot; `None` leaves it to the market.
    #[must_use]
    pub fn stickiness(&self, underlying: &Asset) -> Option<SkewStickiness> {
        self.skew_stickiness_of.get(underlying).copied().or(self.skew_stickiness)
    }

    /// The vol of an option of an underlying under this shock.
    #[must_use]
    pub fn vol(&self, underlying: &Asset, place: VolPlace) -> f64 {
        let mut moved = VolPlace { vol: self.vol_shift(underlying).shifted(&place), ..place };
        let days = place.expiry.days();
        for tenor in self.tenors.iter().filter(|t| t.from_days <= days && days < t.to_days) {
            moved.vol = tenor.shift.shifted(&moved);
        }
        let floor = if place.vol < MIN_VOL { place.vol } else { MIN_VOL };
        if moved.vol < floor { floor } else { moved.vol }
    }

    /// Factor on the USD rate of a currency that is no underlying.
    #[must_use]
    pub fn rate_factor(&self, asset: &Asset) -> f64 {
        self.rate_factor.get(asset).copied().unwrap_or(1.0)
    }

    /// The spot part alone.
    #[must_use]
    pub fn spot_only(&self) -> Self {
        Self {
            spot_return: self.spot_return,
            spot_return_of: self.spot_return_of.clone(),
            skew_stickiness: self.skew_stickiness,
            skew_stickiness_of: self.skew_stickiness_of.clone(),
            ..Self::default()
        }
    }

    /// The vol part alone.
    #[must_use]
    pub fn vol_only(&self) -> Self {
        Self { vol: self.vol, vol_of: self.vol_of.clone(), tenors: self.tenors.clone(), ..Self::default() }
    }

    /// True when prices move at all.
    #[must_use]
    pub fn moves_spot(&self) -> bool {
        self.spot_return != 0.0 || self.spot_return_of.values().any(|r| *r != 0.0)
    }

    /// True when vols move at all.
    #[must_use]
    pub fn moves_vol(&self) -> bool {
        let tenors = self.tenors.iter().map(|tenor| &tenor.shift);
        self.vol.moves() || self.vol_of.values().chain(tenors).any(VolShift::moves)
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

    const MONTH: f64 = 30.0 / 365.0;

    fn place(vol: f64, years: f64, log_moneyness: f64) -> VolPlace {
        VolPlace { vol, expiry: YearFraction::new(years).unwrap(), log_moneyness }
    }

    fn under(shift: VolShift, place: VolPlace) -> f64 {
        Shock::spot_and_points(0.0, shift).vol(&Asset::new("BTC").unwrap(), place)
    }

    #[test]
    fn vol_shifts_scale_with_tenor_and_keep_a_floor() {
        let shift = VolShift { points: 10.0, tenor_power: 0.5, ..VolShift::default() };
        assert!((under(shift, place(0.5, MONTH, 0.0)) - 0.60).abs() < 1e-15);
        // Four times the tenor, half the shift: (30/120)^0.5.
        assert!((under(shift, place(0.5, 4.0 * MONTH, 0.0)) - 0.55).abs() < 1e-15);
        let crush = VolShift { points: -80.0, ..VolShift::default() };
        assert_eq!(under(crush, place(0.5, MONTH, 0.0)).to_bits(), 0.01f64.to_bits());
        assert_eq!(under(VolShift::default(), place(0.004, MONTH, 0.0)).to_bits(), 0.004f64.to_bits());
    }

    #[test]
    fn skew_tilts_about_the_forward_and_curvature_raises_both_wings() {
        // One deviation: 0.5 √(1/4) = 0.25.
        let at = |deviations: f64| place(0.5, 0.25, 0.25 * deviations);
        let skew = VolShift { skew_points: -4.0, ..VolShift::default() };
        assert!((under(skew, at(-1.0)) - 0.54).abs() < 1e-15, "a put a deviation down gains 4 points");
        assert!((under(skew, at(1.0)) - 0.46).abs() < 1e-15);
        assert!((under(skew, at(0.0)) - 0.5).abs() < 1e-15);
        assert_eq!(under(skew, at(-9.0)).to_bits(), under(skew, at(-2.5)).to_bits(), "flat beyond 2.5");
        let curvature = VolShift { curvature_points: 3.0, ..VolShift::default() };
        for side in [-2.0, 2.0] {
            assert!((under(curvature, at(side)) - 0.62).abs() < 1e-15, "4 times 3 points");
        }
    }

    #[test]
    fn a_tenor_shift_moves_its_expiries_and_no_other() {
        let shift = VolShift { points: 8.0, ..VolShift::default() };
        let week = TenorShift { from_days: 5.0, to_days: 9.0, shift };
        let shock = Shock { tenors: vec![week], ..Shock::default() };
        let of = |days: f64| shock.vol(&Asset::new("BTC").unwrap(), place(0.5, days / 365.0, 0.0));
        assert!((of(7.0) - 0.58).abs() < 1e-15);
        assert!((of(5.0) - 0.58).abs() < 1e-15, "from_days is in it");
        assert_eq!(of(9.0).to_bits(), 0.5f64.to_bits(), "to_days is not");
        assert!(shock.moves_vol() && shock.vol_only().moves_vol() && !shock.spot_only().moves_vol());
    }
}
