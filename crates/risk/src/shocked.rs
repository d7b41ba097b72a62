//! P&L of a book under a set of shocks, by full revaluation.
//!
//! The book is first netted: one line per contract with its exact net quantity over all accounts and venues, one line per
//! coin or currency held (balances plus gains of futures). Each line's P&L is quantised once per shock; totals by any
//! selection of lines are exact sums.

use crate::cube::{Cube, CubeError};
use crate::exposure::{PriceBoard, gain_of};
use crate::priced::Priced;
use crate::shock::ShockSet;
use book::Book;
use instrument::Contract;
use market::Market;
use std::collections::BTreeMap;
use units::{Asset, Fixed, Quantity, UnitError, Venue, border};

/// A netted line: what is shocked.
#[derive(Debug, Clone, PartialEq)]
pub struct Line<'a> {
    /// Contract or asset, for display.
    pub name: String,
    /// Priced once.
    pub priced: &'a Priced,
    /// Net quantity in canonical units.
    pub quantity: f64,
    /// True for coins and currencies held, false for contracts.
    pub is_holding: bool,
}

/// What can go wrong between a book and its P&L.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ShockError {
    /// The shocks cannot be applied.
    #[error(transparent)]
    Cube(#[from] CubeError),
    /// A sum or figure left its range.
    #[error(transparent)]
    Unit(#[from] UnitError),
}

/// Nets the priced part of a book into lines, contracts first, each in the order of its key. Venues named in `without`
/// are left out. Unpriced positions are in the valuation's list, not here.
///
/// # Errors
/// When a net quantity needs more than 28 digits.
pub fn lines<'a>(
    book: &Book,
    board: &'a PriceBoard,
    market: &Market,
    without: &[Venue],
) -> Result<Vec<Line<'a>>, UnitError> {
    let mut contracts: BTreeMap<&Contract, Quantity> = BTreeMap::new();
    let mut holdings: BTreeMap<&Asset, Fixed> = BTreeMap::new();
    for position in book.positions.iter().filter(|p| !without.contains(&p.venue)) {
        // A future whose gain cannot be told is unpriced as a whole: it must not be shocked either.
        let Ok(gain) = gain_of(position, market) else { continue };
        let net = contracts.entry(&position.listing.contract).or_default();
        *net = net.checked_add(Quantity::new(position.canonical_quantity))?;
        if board.contract(&position.listing.contract).is_ok()
            && let Some((asset, gain)) = gain
        {
            *holdings.entry(asset).or_default() += gain;
        }
    }
    for balance in book.balances.iter().filter(|b| !without.contains(&b.venue)) {
        *holdings.entry(&balance.money.asset).or_default() +=
            Fixed::quantise(border::to_model(balance.money.amount)?)?;
    }
    let mut lines = Vec::with_capacity(contracts.len() + holdings.len());
    for (contract, quantity) in contracts {
        if let Ok(priced) = board.contract(contract) {
            let quantity = border::to_model(quantity.get())?;
            lines.push(Line { name: contract.to_string(), priced, quantity, is_holding: false });
        }
    }
    for (asset, amount) in holdings {
        if let Ok(priced) = board.asset(asset) {
            lines.push(Line { name: asset.to_string(), priced, quantity: amount.to_f64(), is_holding: true });
        }
    }
    Ok(lines)
}

/// P&L in USD of each line under each shock, quantised: lines x shocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinePnl {
    shocks: usize,
    pnl: Vec<Fixed>,
}

impl LinePnl {
    /// Revalues all lines under all shocks.
    ///
    /// # Errors
    /// When a shock cannot be applied or a figure cannot be published.
    pub fn new(lines: &[Line<'_>], set: &ShockSet) -> Result<Self, ShockError> {
        let contracts: Vec<&Priced> = lines.iter().map(|line| line.priced).collect();
        let cube = Cube::build(&contracts, set)?;
        let mut pnl = Vec::with_capacity(lines.len() * cube.shocks());
        for (index, line) in lines.iter().enumerate() {
            for unit in cube.row(index) {
                pnl.push(border::publish(line.quantity, *unit)?);
            }
        }
        Ok(Self { shocks: cube.shocks(), pnl })
    }

    /// P&L of one line under each shock.
    #[must_use]
    pub fn line(&self, line: usize) -> &[Fixed] {
        self.pnl.get(line * self.shocks..(line + 1) * self.shocks).unwrap_or(&[])
    }

    /// Exact sums per shock over the lines that pass a test.
    #[must_use]
    pub fn total(&self, keep: impl Fn(usize) -> bool) -> Vec<Fixed> {
        let mut total = vec![Fixed::ZERO; self.shocks];
        for line in (0..self.pnl.len().checked_div(self.shocks).unwrap_or(0)).filter(|line| keep(*line)) {
            for (sum, part) in total.iter_mut().zip(self.line(line)) {
                *sum += *part;
            }
        }
        total
    }
}
