//! The optimiser against searches that share nothing with it: every integer point, every vertex, closed forms, another solver.
#![allow(clippy::float_cmp)] // exact figures are compared on purpose

mod brute;
mod faults;
mod known;
mod random;

use super::*;

/// An instrument with lots of one, nothing special about it.
pub(super) fn instrument(name: &str, cost: f64, moves: &[(&str, f64)]) -> Instrument {
    Instrument {
        name: name.to_owned(),
        lot: 1.0,
        cost: Sides::both(cost),
        impact: 0.0,
        liquidity: Sides::both(1_000.0),
        minimum: 0.0,
        moves: moves
            .iter()
            .map(|(row, per_unit)| Move { row: (*row).to_owned(), per_unit: *per_unit })
            .collect(),
        margin: None,
    }
}

pub(super) fn row(name: &str, exposure: f64, band: Band) -> Row {
    Row { name: name.to_owned(), exposure, band }
}

pub(super) fn problem(rows: Vec<Row>, instruments: Vec<Instrument>) -> Problem {
    Problem {
        rows,
        instruments,
        venues: Vec::new(),
        aim: Aim::Cost,
        lots: Lots::Fractional,
        effort: Effort::default(),
    }
}
