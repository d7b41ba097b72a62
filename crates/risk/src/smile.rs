//! Greeks under other smile dynamics than sticky strike, per underlying, each named.
//!
//! With R the skew stickiness ratio ([`market::surface::SkewStickiness`]), σ', σ'' the slope and curvature of the smile in
//! log-moneyness at the option, and c, Δ, Γ, vega, vanna, volga as in [`crate::Measure`] (sticky strike):
//!
//! ```text
//! delta cash = c F Δ + c vega (R-1) σ'
//! gamma 1 %  = (c/100) (F² Γ + 2 F vanna (R-1) σ' + volga ((R-1) σ')² + vega ((R-1)² σ'' - (R-1) σ'))
//! vanna      = c (F vanna + volga (R-1) σ')/10,000
//! ```
//!
//! Source: the chain rule on V(F, σ(k + (R-1) ln F'/F)). Contracts that are no options have one delta for every R. An option without a
//! surface keeps its sticky-strike greeks and is counted. The distance between the least and the largest delta is the model risk that a
//! hedger carries.
//!
//! Left out: theta under a rolling smile; cross effects between underlyings.
//!
//! ```
//! let nothing = (book::Book::default(), risk::Valuation::default());
//! assert!(risk::smile_greeks(&nothing.0, &nothing.1, &[])?.is_empty());
//! # Ok::<(), units::UnitError>(())
//! ```

use crate::exposure::Valuation;
use crate::measure::Measure;
use crate::priced::{Form, Priced};
use book::Book;
use market::surface::{SkewStickiness, Smile};
use pricing::Black76;
use std::collections::BTreeMap;
use units::{Asset, Fixed, UnitError, border};

/// The smile around an option.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacedSmile {
    /// Of its expiry.
    pub smile: Smile,
    /// ln(K/F).
    pub log_moneyness: f64,
    /// How it moves, unless a shock says otherwise.
    pub stickiness: SkewStickiness,
}

impl PlacedSmile {
    /// What the vol gains when the forward moves by a logarithm.
    #[must_use]
    pub fn slide(&self, log_move: f64, stickiness: Option<SkewStickiness>) -> f64 {
        self.smile.slide(self.log_moneyness, log_move, stickiness.unwrap_or(self.stickiness))
    }
}

impl Priced {
    /// Measures of one canonical unit under a smile that moves: [`Priced::unit_usd`] with another delta, settlement delta, gamma and
    /// vanna. The same bits for sticky strike and for what has no smile.
    #[must_use]
    pub fn unit_usd_under(&self, stickiness: SkewStickiness) -> [f64; Measure::ALL.len()] {
        let mut unit = self.unit_usd();
        if stickiness == SkewStickiness::STICKY_STRIKE {
            return unit;
        }
        let (Form::Option(black), Some(placed)) = (&self.form, &self.smile) else { return unit };
        let change = self.change_under(black, placed, stickiness);
        for (measure, by) in [
            (Measure::Delta, change.delta),
            (Measure::DeltaSettlement, change.delta),
            (Measure::Gamma, change.gamma),
            (Measure::Vanna, change.vanna),
        ] {
            if let Some(slot) = unit.get_mut(measure.index()) {
                *slot += by;
            }
        }
        unit
    }

    /// [`Self::unit_usd_under`] the dynamics given, or the market's own.
    #[must_use]
    pub fn unit_usd_moving(&self, stickiness: Option<SkewStickiness>) -> [f64; Measure::ALL.len()] {
        let own = self.smile.as_ref().map(|placed| placed.stickiness);
        self.unit_usd_under(stickiness.or(own).unwrap_or_default())
    }

    fn change_under(&self, black: &Black76, placed: &PlacedSmile, stickiness: SkewStickiness) -> Change {
        let (c, f, greeks) = (self.usd_per_value, black.forward.get(), black.greeks());
        let at = placed.smile.curvature(placed.log_moneyness);
        let along = stickiness.get() - 1.0;
        // F dσ/dF and F² d²σ/dF².
        let first = along * at.slope;
        let second = along * along * at.curvature - first;
        let gamma = 2.0 * f * greeks.vanna * first + greeks.volga * first * first + greeks.vega * second;
        Change {
            delta: c * greeks.vega * first,
            gamma: c * gamma * 1e-2,
            vanna: c * greeks.volga * first * 1e-4,
        }
    }
}

struct Change {
    delta: f64,
    gamma: f64,
    vanna: f64,
}

/// Delta and gamma of one underlying under one dynamics, summed exactly over the book.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SmileColumn {
    /// How the smile moves.
    pub stickiness: SkewStickiness,
    /// USD.
    pub delta_cash_usd: Fixed,
    /// USD per 1 %.
    pub gamma_cash_1pct_usd: Fixed,
}

/// One underlying under several dynamics.
#[derive(Debug, Clone, PartialEq)]
pub struct SmileRow {
    /// Which.
    pub underlying: Asset,
    /// One for each dynamics, in the order asked for; the market's own last if it is another.
    pub columns: Vec<SmileColumn>,
    /// Option positions in it.
    pub options: usize,
    /// Those without a surface: sticky strike in every column.
    pub without_smile: usize,
}

impl SmileRow {
    /// Largest delta less the least: what not knowing the dynamics is worth, USD.
    #[must_use]
    pub fn delta_range_usd(&self) -> Fixed {
        let deltas = || self.columns.iter().map(|column| column.delta_cash_usd);
        deltas().max().unwrap_or_default() - deltas().min().unwrap_or_default()
    }
}

/// Greeks of every underlying with options under each dynamics: positions and coins held, as in the exposure of the valuation.
///
/// # Errors
/// When a figure cannot be published.
pub fn smile_greeks(
    book: &Book,
    valuation: &Valuation,
    dynamics: &[SkewStickiness],
) -> Result<Vec<SmileRow>, UnitError> {
    let mut rows: BTreeMap<&Asset, SmileRow> = BTreeMap::new();
    for position in &book.positions {
        let contract = &position.listing.contract;
        let Ok(priced) = valuation.board.contract(contract) else { continue };
        let Form::Option(_) = priced.form else { continue };
        let row = rows.entry(&contract.underlying).or_insert_with(|| {
            let own = priced.smile.as_ref().map(|placed| placed.stickiness);
            row_of(&contract.underlying, valuation, dynamics, own)
        });
        row.options += 1;
        row.without_smile += usize::from(priced.smile.is_none());
        let quantity = border::to_model(position.canonical_quantity)?;
        let strike = priced.unit_usd();
        for column in &mut row.columns {
            let under = priced.unit_usd_under(column.stickiness);
            // The part beyond sticky strike, quantised once per position: rows add up as in the exposure.
            for (measure, total) in [
                (Measure::Delta, &mut column.delta_cash_usd),
                (Measure::Gamma, &mut column.gamma_cash_1pct_usd),
            ] {
                let i = measure.index();
                *total += border::publish(quantity, under[i] - strike[i])?;
            }
        }
    }
    Ok(rows.into_values().collect())
}

/// Sticky-strike sums of an underlying, for every column to start from.
fn row_of(
    underlying: &Asset,
    valuation: &Valuation,
    dynamics: &[SkewStickiness],
    own: Option<SkewStickiness>,
) -> SmileRow {
    let sum =
        |measure| crate::exposure::sum_usd(&valuation.rows, measure, |row| row.underlying == *underlying);
    let (delta, gamma) = (sum(Measure::Delta), sum(Measure::Gamma));
    let column = |stickiness| SmileColumn { stickiness, delta_cash_usd: delta, gamma_cash_1pct_usd: gamma };
    let another = own.filter(|own| !dynamics.contains(own));
    let columns = dynamics.iter().copied().chain(another).map(column).collect();
    SmileRow { underlying: underlying.clone(), columns, options: 0, without_smile: 0 }
}
