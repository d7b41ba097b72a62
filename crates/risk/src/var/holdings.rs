//! The book as what is shocked: one entry a position, balance and gain, with who holds it and where.
//!
//! Unlike [`crate::lines`] nothing is netted over accounts, so that every figure can be told by account, venue and underlying. P&L
//! of an entry is quantised once per scenario and summed exactly into its slice.

use crate::cube::Cube;
use crate::drivers::{Drivers, Undriven};
use crate::exposure::{PriceBoard, gain_of};
use crate::priced::Priced;
use crate::shock::{Shock, ShockSet};
use crate::shocked::ShockError;
use book::Book;
use market::Market;
use rayon::prelude::*;
use std::collections::BTreeMap;
use units::{Account, Asset, Fixed, Symbol, UnitError, Venue, border};

/// The finest part of a book that figures are told for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slice {
    /// Owner.
    pub account: Account,
    /// Where.
    pub venue: Venue,
    /// Whose price drives it.
    pub underlying: Asset,
}

/// One entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Held<'a> {
    /// Which part of the book it belongs to, by place in [`Holdings::slices`].
    pub slice: usize,
    /// Priced once, by place in [`Holdings::priced`].
    pub row: usize,
    /// The same.
    pub priced: &'a Priced,
    /// In canonical units.
    pub quantity: f64,
}

/// A position or balance that no factor drives.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NoDriver {
    /// Book file.
    pub file: String,
    /// Row of data in it.
    pub row: u64,
    /// Instrument or asset.
    pub symbol: Symbol,
    /// What lacks a history.
    pub lacks: Undriven,
}

/// Entries of a book that can be priced and are driven.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Holdings<'a> {
    /// Parts of the book, in order.
    pub slices: Vec<Slice>,
    /// Distinct contracts and assets.
    pub priced: Vec<&'a Priced>,
    /// Entries in the order of the book.
    pub held: Vec<Held<'a>>,
    /// What is in no figure for lack of a factor. What has no price is in the valuation's list.
    pub undriven: Vec<NoDriver>,
}

/// An entry before its places are known.
struct Entry<'a> {
    slice: Slice,
    priced: &'a Priced,
    quantity: f64,
    origin: (String, u64, Symbol),
}

impl<'a> Holdings<'a> {
    /// Splits a book into entries.
    ///
    /// # Errors
    /// When a quantity leaves the model's range.
    pub fn new(
        book: &Book,
        board: &'a PriceBoard,
        market: &Market,
        drivers: &Drivers,
    ) -> Result<Self, UnitError> {
        let entries = entries(book, board, market)?;
        let mut holdings = Self::default();
        let mut slices: BTreeMap<Slice, usize> = entries.iter().map(|e| (e.slice.clone(), 0)).collect();
        for (place, slot) in slices.values_mut().enumerate() {
            *slot = place;
        }
        let mut rows: BTreeMap<*const Priced, usize> = BTreeMap::new();
        for Entry { slice, priced, quantity, origin: (file, row, symbol) } in entries {
            if let Some(lacks) = drivers.lacks(priced) {
                holdings.undriven.push(NoDriver { file, row, symbol, lacks });
                continue;
            }
            let place = *rows.entry(std::ptr::from_ref(priced)).or_insert_with(|| {
                holdings.priced.push(priced);
                holdings.priced.len() - 1
            });
            let slice = slices.get(&slice).copied().unwrap_or(0);
            holdings.held.push(Held { slice, row: place, priced, quantity });
        }
        holdings.slices = slices.into_keys().collect();
        holdings.undriven.sort();
        holdings.undriven.dedup();
        Ok(holdings)
    }
}

fn entries<'a>(book: &Book, board: &'a PriceBoard, market: &Market) -> Result<Vec<Entry<'a>>, UnitError> {
    let mut entries = Vec::new();
    for position in &book.positions {
        let contract = &position.listing.contract;
        // What has no price, or a gain that cannot be told, is listed by the valuation and is in no figure.
        let (Ok(priced), Ok(gain)) = (board.contract(contract), gain_of(position, market)) else { continue };
        let mut push = |priced: &'a Priced, quantity: f64| {
            entries.push(Entry {
                slice: Slice {
                    account: position.account.clone(),
                    venue: position.venue.clone(),
                    underlying: priced.underlying.clone(),
                },
                priced,
                quantity,
                origin: (
                    position.origin.file.to_string(),
                    position.origin.row,
                    position.listing.symbol.clone(),
                ),
            });
        };
        push(priced, border::to_model(position.canonical_quantity)?);
        if let Some((asset, gain)) = gain
            && let Ok(settlement) = board.asset(asset)
        {
            push(settlement, gain.to_f64());
        }
    }
    for balance in &book.balances {
        let Ok(priced) = board.asset(&balance.money.asset) else { continue };
        entries.push(Entry {
            slice: Slice {
                account: balance.account.clone(),
                venue: balance.venue.clone(),
                underlying: priced.underlying.clone(),
            },
            priced,
            quantity: border::to_model(balance.money.amount)?,
            origin: (balance.origin.file.to_string(), balance.origin.row, Symbol::from(&balance.money.asset)),
        });
    }
    Ok(entries)
}

/// P&L of every slice in every scenario: slices x scenarios, exact sums of quantised entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScenarioPnl {
    /// Parts of the book.
    pub slices: Vec<Slice>,
    scenarios: usize,
    pnl: Vec<Fixed>,
    total: Vec<Fixed>,
}

/// Scenarios revalued at a time: bounds the cube's memory.
const BLOCK: usize = 1024;

impl ScenarioPnl {
    /// By full revaluation of every contract under every shock.
    ///
    /// # Errors
    /// When a shock cannot be applied or a figure cannot be published.
    pub fn revalued(holdings: &Holdings<'_>, shocks: Vec<Shock>) -> Result<Self, ShockError> {
        let mut sums = Self::nothing(holdings, shocks.len());
        // One thread sums one slice, in the order of the book.
        let mut by_slice: Vec<Vec<&Held<'_>>> = vec![Vec::new(); holdings.slices.len()];
        for held in &holdings.held {
            if let Some(entries) = by_slice.get_mut(held.slice) {
                entries.push(held);
            }
        }
        let mut first = 0;
        let mut left = shocks;
        while !left.is_empty() {
            let rest = left.split_off(BLOCK.min(left.len()));
            let set = ShockSet { days: 0.0, shocks: left };
            let cube = Cube::build(&holdings.priced, &set)?;
            sums.pnl.par_chunks_mut(sums.scenarios).zip(&by_slice).try_for_each(|(row, entries)| {
                let block = row.get_mut(first..first + set.shocks.len()).unwrap_or_default();
                for held in entries {
                    for (sum, unit) in block.iter_mut().zip(cube.row(held.row)) {
                        *sum += border::publish(held.quantity, *unit)?;
                    }
                }
                Ok::<(), ShockError>(())
            })?;
            first += set.shocks.len();
            left = rest;
        }
        for slice in 0..sums.slices.len() {
            let row = sums.pnl.get(slice * sums.scenarios..(slice + 1) * sums.scenarios).unwrap_or(&[]);
            sums.total.iter_mut().zip(row).for_each(|(total, part)| *total += *part);
        }
        Ok(sums)
    }

    pub(super) fn nothing(holdings: &Holdings<'_>, scenarios: usize) -> Self {
        Self {
            slices: holdings.slices.clone(),
            scenarios,
            pnl: vec![Fixed::ZERO; scenarios * holdings.slices.len()],
            total: vec![Fixed::ZERO; scenarios],
        }
    }

    pub(super) fn add(&mut self, slice: usize, scenario: usize, pnl: Fixed) {
        if let (Some(cell), Some(total)) =
            (self.pnl.get_mut(slice * self.scenarios + scenario), self.total.get_mut(scenario))
        {
            *cell += pnl;
            *total += pnl;
        }
    }

    /// How many scenarios.
    #[must_use]
    pub const fn scenarios(&self) -> usize {
        self.scenarios
    }

    /// P&L of one slice in each scenario.
    #[must_use]
    pub fn slice(&self, slice: usize) -> &[Fixed] {
        self.pnl.get(slice * self.scenarios..(slice + 1) * self.scenarios).unwrap_or(&[])
    }

    /// P&L of the whole book in each scenario.
    #[must_use]
    pub fn total(&self) -> &[Fixed] {
        &self.total
    }

    /// P&L of some slices together in each scenario.
    #[must_use]
    pub fn of(&self, keep: impl Fn(&Slice) -> bool) -> Vec<Fixed> {
        let mut sum = vec![Fixed::ZERO; self.scenarios];
        for (place, _) in self.slices.iter().enumerate().filter(|(_, slice)| keep(slice)) {
            for (sum, part) in sum.iter_mut().zip(self.slice(place)) {
                *sum += *part;
            }
        }
        sum
    }
}
