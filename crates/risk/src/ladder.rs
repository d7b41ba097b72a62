//! Spot x vol ladder and P&L curve of each underlying, by full revaluation.
//!
//! Lines of one underlying only: its options, futures, perpetuals, and the coin held. The cell of no move is exactly zero.
//! Vol shifts are parallel in points at unchanged strike. Along a horizon carry is earned: at unchanged
//! spot a dated future gains or loses its basis, and at expiry everything settles at the spot of the column.

use crate::scenario::{CurveAxes, LadderAxes};
use crate::shock::{Shock, ShockSet, VolShift};
use crate::shocked::{Line, LinePnl, ShockError};
use units::{Asset, Fixed};

/// P&L by spot and vol.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Ladder {
    /// Whose spot and vol.
    pub underlying: Asset,
    /// Index now, USD.
    pub spot_usd: f64,
    /// Columns.
    pub spot_returns: Vec<f64>,
    /// Rows.
    pub vol_points: Vec<f64>,
    /// Vol rows x spot columns.
    pub pnl_usd: Vec<Vec<Fixed>>,
    /// The lowest cell; of equal ones the first.
    pub worst: Cell,
}

/// A named cell of the ladder.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Cell {
    /// Its column.
    pub spot_return: f64,
    /// Its row.
    pub vol_points: f64,
    /// Its P&L.
    pub pnl_usd: Fixed,
}

/// P&L by spot at several horizons.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Curve {
    /// Whose spot.
    pub underlying: Asset,
    /// Index now, USD.
    pub spot_usd: f64,
    /// Spot returns.
    pub spot_returns: Vec<f64>,
    /// One line each.
    pub horizons: Vec<Horizon>,
}

/// One line of the curve.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Horizon {
    /// Calendar days ahead; `None` is every leg at its own expiry.
    pub days: Option<f64>,
    /// P&L against today's value, per spot return.
    pub pnl_usd: Vec<Fixed>,
}

/// Days that lie beyond every expiry: all options settle.
const AT_EXPIRY_DAYS: f64 = 36_500.0;

fn of_underlying<'a>(lines: &[Line<'a>], underlying: &Asset) -> Vec<Line<'a>> {
    lines.iter().filter(|line| line.priced.underlying == *underlying).cloned().collect()
}

fn spot_of(lines: &[Line<'_>]) -> f64 {
    lines.first().map_or(0.0, |line| line.priced.spot_usd)
}

impl Ladder {
    /// Revalues the lines of one underlying over the grid.
    ///
    /// # Errors
    /// When a shock cannot be applied or a figure cannot be published.
    pub fn new(lines: &[Line<'_>], underlying: &Asset, axes: &LadderAxes) -> Result<Self, ShockError> {
        let lines = of_underlying(lines, underlying);
        let mut set = ShockSet::default();
        for points in &axes.vol_points {
            for spot_return in &axes.spot_returns {
                let vol = VolShift { points: *points, ..VolShift::default() };
                set.shocks.push(Shock::spot_and_points(*spot_return, vol));
            }
        }
        let total = LinePnl::new(&lines, &set)?.total(|_| true);
        let mut worst = Cell { spot_return: 0.0, vol_points: 0.0, pnl_usd: Fixed::ZERO };
        for (shock, pnl_usd) in set.shocks.iter().zip(&total) {
            if *pnl_usd < worst.pnl_usd {
                worst =
                    Cell { spot_return: shock.spot_return, vol_points: shock.vol.points, pnl_usd: *pnl_usd };
            }
        }
        let width = axes.spot_returns.len().max(1);
        Ok(Self {
            underlying: underlying.clone(),
            spot_usd: spot_of(&lines),
            spot_returns: axes.spot_returns.clone(),
            vol_points: axes.vol_points.clone(),
            pnl_usd: total.chunks(width).map(<[Fixed]>::to_vec).collect(),
            worst,
        })
    }
}

impl Curve {
    /// Revalues the lines of one underlying along spot, at each horizon and with every leg at its own expiry.
    ///
    /// # Errors
    /// When a shock cannot be applied or a figure cannot be published.
    pub fn new(lines: &[Line<'_>], underlying: &Asset, axes: &CurveAxes) -> Result<Self, ShockError> {
        let lines = of_underlying(lines, underlying);
        let spot_returns = axes.spot_returns();
        let shocks: Vec<Shock> =
            spot_returns.iter().map(|r| Shock::spot_and_points(*r, VolShift::default())).collect();
        let mut horizons = Vec::new();
        let days = axes.horizon_days.iter().map(|d| Some(*d)).chain([None]);
        for days in days {
            let set = ShockSet { days: days.unwrap_or(AT_EXPIRY_DAYS), shocks: shocks.clone() };
            horizons.push(Horizon { days, pnl_usd: LinePnl::new(&lines, &set)?.total(|_| true) });
        }
        Ok(Self { underlying: underlying.clone(), spot_usd: spot_of(&lines), spot_returns, horizons })
    }
}

impl CurveAxes {
    /// Evenly spaced returns; zero is hit exactly when it lies on the grid.
    #[must_use]
    pub fn spot_returns(&self) -> Vec<f64> {
        let last = self.points.saturating_sub(1).max(1);
        #[allow(clippy::cast_precision_loss)] // at most 1001 points
        let at = |i: usize| self.from_return + (self.to_return - self.from_return) * (i as f64 / last as f64);
        // Grid points that should be zero are, in spite of rounding.
        (0..self.points).map(at).map(|r| if r.abs() < 1e-12 { 0.0 } else { r }).collect()
    }
}
