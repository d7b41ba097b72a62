//! First and second derivatives of the book by risk factor.

use super::holdings::{Held, Holdings};
use crate::drivers::Drivers;
use crate::measure::Measure;
use crate::priced::{Form, Priced};

/// What one vol point of the factor is at the option's own tenor; zero for everything else.
pub(super) fn tenor_weight(priced: &Priced, drivers: &Drivers) -> f64 {
    match &priced.form {
        Form::Option(black) => drivers.shift(1.0).tenor_weight(black.expiry),
        Form::Future { .. } | Form::Asset => 0.0,
    }
}

/// Change of the book's USD value for moves of the factors: per unit of log return, per vol point.
#[derive(Debug, Clone, PartialEq)]
pub struct Gradient {
    /// First derivatives by slice: slices x factors.
    pub by_slice: Vec<Vec<f64>>,
    /// First derivatives of the whole, by factor.
    pub total: Vec<f64>,
    /// Second derivatives of the whole, factors x factors. In log returns x, spot's own is gamma + delta, because the simple return
    /// is x + x²/2.
    pub second: Vec<Vec<f64>>,
}

impl Gradient {
    /// Sums of the entries' greeks in the order of the book.
    #[must_use]
    pub fn new(holdings: &Holdings<'_>, drivers: &Drivers) -> Self {
        let width = drivers.factors.len();
        let mut gradient = Self {
            by_slice: vec![vec![0.0; width]; holdings.slices.len()],
            total: vec![0.0; width],
            second: vec![vec![0.0; width]; width],
        };
        for held in &holdings.held {
            gradient.add(held, drivers);
        }
        gradient
    }

    fn add(&mut self, held: &Held<'_>, drivers: &Drivers) {
        let unit = held.priced.unit_usd_moving(drivers.stickiness(held.priced));
        let of = |measure: Measure| held.quantity * unit.get(measure.index()).copied().unwrap_or(0.0);
        let weight = tenor_weight(held.priced, drivers);
        let (spot, vol) = drivers.places(held.priced);
        for (place, first) in [(spot, of(Measure::Delta)), (vol, of(Measure::Vega) * weight)] {
            let Some(place) = place else { continue };
            let own = self.by_slice.get_mut(held.slice).and_then(|row| row.get_mut(place));
            for slot in own.into_iter().chain(self.total.get_mut(place)) {
                *slot += first;
            }
        }
        let mut second = |i: Option<usize>, j: Option<usize>, by: f64| {
            if let (Some(i), Some(j)) = (i, j)
                && let Some(cell) = self.second.get_mut(i).and_then(|row| row.get_mut(j))
            {
                *cell += by;
            }
        };
        second(spot, spot, 100.0 * of(Measure::Gamma) + of(Measure::Delta));
        second(vol, vol, of(Measure::Volga) * weight * weight);
        let cross = 100.0 * of(Measure::Vanna) * weight;
        second(spot, vol, cross);
        second(vol, spot, cross);
    }
}
