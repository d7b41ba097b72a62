//! P&L by greeks: delta, gamma, vega, vanna and volga of [`crate::Measure`] at the tenor-scaled shift of each option.

use super::holdings::{Holdings, ScenarioPnl};
use crate::drivers::Drivers;
use crate::measure::Measure;
use crate::shock::Shock;
use units::{UnitError, border};

/// P&L of every slice by a second-order expansion in the simple spot return r and the option's own vol shift s in points:
/// `delta_cash r + 50 gamma_1pct r² + vega s + 100 vanna r s + volga s²/2` (the factors undo "per 1 %").
///
/// # Errors
/// When a figure cannot be published.
pub fn taylor(
    holdings: &Holdings<'_>,
    shocks: &[Shock],
    drivers: &Drivers,
) -> Result<ScenarioPnl, UnitError> {
    let mut sums = ScenarioPnl::nothing(holdings, shocks.len());
    for held in &holdings.held {
        let unit = held.priced.unit_usd_moving(drivers.stickiness(held.priced));
        let of = |measure: Measure| unit.get(measure.index()).copied().unwrap_or(0.0);
        let weight = super::gradient::tenor_weight(held.priced, drivers);
        for (scenario, shock) in shocks.iter().enumerate() {
            // A currency has no delta: what its spot factor says does not reach it.
            let r = shock.spot_factor(&held.priced.underlying) - 1.0;
            let s = shock.vol_shift(&held.priced.underlying).points * weight;
            let first = of(Measure::Delta) * r + of(Measure::Vega) * s;
            let second = 50.0 * of(Measure::Gamma) * (r * r)
                + 100.0 * of(Measure::Vanna) * (r * s)
                + 0.5 * of(Measure::Volga) * (s * s);
            sums.add(held.slice, scenario, border::publish(held.quantity, first + second)?);
        }
    }
    Ok(sums)
}
