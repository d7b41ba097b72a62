//! The problem with names resolved and every coefficient per lot, its value at given trades, and the proof of a bound.

use super::cvar::cvar;
use super::problem::{Aim, Band, Instrument, Lots, Problem, Sides};
use std::collections::BTreeMap;

/// A problem that was checked; trades are signed numbers of lots.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Form {
    pub(super) rows: Vec<FormRow>,
    pub(super) instruments: Vec<FormInstrument>,
    pub(super) venues: Vec<FormVenue>,
    pub(super) tail: Option<FormTail>,
    /// Weight of cost in the objective.
    pub(super) cost_weight: f64,
    pub(super) whole: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct FormRow {
    pub(super) exposure: f64,
    /// Infinite when the band was dropped.
    pub(super) width: f64,
    /// Of a unit beyond the band; none when it is hard.
    pub(super) price: Option<f64>,
    /// Instrument and what a lot of it adds.
    pub(super) moves: Vec<(usize, f64)>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct FormInstrument {
    /// USD a lot.
    pub(super) cost: Sides,
    /// USD a lot squared.
    pub(super) impact: f64,
    /// Lots.
    pub(super) most: Sides,
    /// Lots.
    pub(super) minimum: f64,
    /// Venue and USD a lot.
    pub(super) margin: Option<(usize, Sides)>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct FormVenue {
    /// What the trades may use in all; infinite when the limit was dropped.
    pub(super) free: f64,
    /// Largest coefficient, USD a lot.
    pub(super) largest: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct FormTail {
    /// (1 - alpha) N, the number of scenarios in the tail.
    pub(super) mass: f64,
    pub(super) losses: Vec<f64>,
    /// Largest loss or gain of the book.
    pub(super) largest: f64,
    /// By scenario, then instrument, USD a lot.
    pub(super) gains: Vec<Vec<f64>>,
    /// None: CVaR is in the objective with weight 1.
    pub(super) budget: Option<f64>,
}

/// What trades amount to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Value {
    pub(super) trading: f64,
    pub(super) impact: f64,
    pub(super) penalty: f64,
    pub(super) objective: f64,
    /// Sum of the sizes of what the objective is made of: what its rounding, and a small gap, are relative to.
    pub(super) size: f64,
    /// Largest breach of a hard limit, relative to the size of what it limits.
    pub(super) breach: f64,
}

impl Form {
    /// Resolves names; the problem has been checked.
    pub(super) fn new(problem: &Problem) -> Self {
        let places: BTreeMap<&str, usize> =
            problem.rows.iter().enumerate().map(|(i, row)| (row.name.as_str(), i)).collect();
        let venues: BTreeMap<&str, usize> =
            problem.venues.iter().enumerate().map(|(i, venue)| (venue.name.as_str(), i)).collect();
        let mut rows: Vec<FormRow> = problem.rows.iter().map(row).collect();
        for (number, instrument) in problem.instruments.iter().enumerate() {
            for m in &instrument.moves {
                if let Some(row) = places.get(m.row.as_str()).filter(|_| m.per_unit != 0.0) {
                    rows[*row].moves.push((number, m.per_unit * instrument.lot));
                }
            }
        }
        let (tail, budget, cost_weight) = match &problem.aim {
            Aim::Cost => (None, None, 1.0),
            Aim::Tail { tail, cost_weight } => (Some(tail), None, *cost_weight),
            Aim::CostWithin { tail, budget } => (Some(tail), Some(*budget), 1.0),
        };
        let by_scenario = |tail: &super::Tail| -> Vec<Vec<f64>> {
            let lots = || tail.gains.iter().zip(&problem.instruments);
            (0..tail.losses.len()).map(|s| lots().map(|(g, i)| g[s] * i.lot).collect()).collect()
        };
        let tail = tail.map(|tail| FormTail {
            mass: super::cvar::tail_mass(tail.losses.len(), tail.alpha),
            losses: tail.losses.clone(),
            largest: tail.losses.iter().fold(0.0, |m, loss| m.max(loss.abs())),
            gains: by_scenario(tail),
            budget,
        });
        let instruments: Vec<FormInstrument> =
            problem.instruments.iter().map(|i| instrument(i, problem.lots, &venues)).collect();
        let largest = |v: usize| {
            let of_venue = instruments.iter().filter_map(|i| i.margin.filter(|(venue, _)| *venue == v));
            of_venue.fold(0.0_f64, |m, (_, margin)| m.max(margin.bought.abs()).max(margin.sold.abs()))
        };
        let venue = |(v, given): (usize, &super::Venue)| FormVenue {
            free: given.limit - given.used,
            largest: largest(v),
        };
        let venues = problem.venues.iter().enumerate().map(venue).collect();
        let whole = problem.lots == Lots::Whole;
        Self { rows, instruments, venues, tail, cost_weight, whole }
    }

    /// Each row after the trades.
    pub(super) fn exposures(&self, lots: &[f64]) -> Vec<f64> {
        let moved = |row: &FormRow| row.moves.iter().map(|(j, g)| g * lots[*j]).sum::<f64>();
        self.rows.iter().map(|row| row.exposure + moved(row)).collect()
    }

    /// Margin used by the trades at each venue.
    pub(super) fn margins(&self, lots: &[f64]) -> Vec<f64> {
        let mut used = vec![0.0; self.venues.len()];
        for (instrument, lots) in self.instruments.iter().zip(lots) {
            if let Some((venue, margin)) = instrument.margin {
                used[venue] += side(margin, *lots) * lots.abs();
            }
        }
        used
    }

    /// Loss of book and trades in each scenario.
    pub(super) fn losses(&self, lots: &[f64]) -> Vec<f64> {
        let Some(tail) = &self.tail else { return Vec::new() };
        let traded: Vec<usize> = (0..lots.len()).filter(|j| lots[*j] != 0.0).collect();
        let gain = |gains: &[f64]| traded.iter().map(|j| gains[*j] * lots[*j]).sum::<f64>();
        tail.losses.iter().zip(&tail.gains).map(|(loss, gains)| loss - gain(gains)).collect()
    }

    /// Cost, objective and breach of given trades.
    pub(super) fn value(&self, lots: &[f64]) -> Value {
        self.value_of(lots, (&self.exposures(lots), &self.margins(lots)), &mut self.losses(lots))
    }

    /// The same from sums that are known already; losses end up sorted.
    pub(super) fn value_of(
        &self,
        lots: &[f64],
        (exposures, margins): (&[f64], &[f64]),
        losses: &mut [f64],
    ) -> Value {
        let (mut trading, mut impact, mut penalty, mut breach) = (0.0, 0.0, 0.0, 0.0_f64);
        let mut gross = 0.0;
        for (instrument, lots) in self.instruments.iter().zip(lots) {
            let linear = side(instrument.cost, *lots) * lots.abs();
            trading += linear;
            gross += linear.abs();
            impact += 0.5 * instrument.impact * lots * lots;
        }
        for (row, exposure) in self.rows.iter().zip(exposures) {
            let beyond = (exposure.abs() - row.width).max(0.0);
            match row.price {
                Some(price) => penalty += price * beyond,
                None if beyond > 0.0 => {
                    let moved: f64 = row.moves.iter().map(|(j, g)| (g * lots[*j]).abs()).sum();
                    breach = breach.max(relative(beyond, row.exposure.abs() + row.width + moved));
                }
                None => {}
            }
        }
        for (venue, used) in self.venues.iter().zip(margins) {
            breach = breach.max(relative(used - venue.free, venue.free.abs() + used.abs() + venue.largest));
        }
        let mut objective = self.cost_weight * (trading + impact + penalty);
        let mut size = self.cost_weight * (gross + impact + penalty);
        if let Some(tail) = &self.tail {
            let tail_mean = cvar(losses, tail.mass);
            match tail.budget {
                None => {
                    objective += tail_mean;
                    size += tail_mean.abs();
                }
                Some(budget) => {
                    let largest = tail.largest + losses.first().map_or(0.0, |loss| loss.abs());
                    breach = breach.max(relative(tail_mean - budget, largest + budget.abs()));
                }
            }
        }
        Value { trading, impact, penalty, objective, size, breach }
    }
}

fn relative(beyond: f64, size: f64) -> f64 {
    if beyond <= 0.0 { 0.0 } else { beyond / size.max(f64::MIN_POSITIVE) }
}

/// The number of the side that a trade is on.
pub(super) fn side(sides: Sides, lots: f64) -> f64 {
    if lots < 0.0 { sides.sold } else { sides.bought }
}

fn row(row: &super::Row) -> FormRow {
    let (width, price) = match row.band {
        Band::Hard { width } => (width, None),
        Band::Soft { width, price } => (width, Some(price)),
    };
    FormRow { exposure: row.exposure, width, price, moves: Vec::new() }
}

fn instrument(given: &Instrument, lots: Lots, venues: &BTreeMap<&str, usize>) -> FormInstrument {
    let (lot, whole) = (given.lot, lots == Lots::Whole);
    let per_lot = |sides: Sides| Sides { bought: sides.bought * lot, sold: sides.sold * lot };
    // A limit of 0.3 with lots of 0.1 is three lots, although the quotient is less than 3.
    let most = |units: f64| if whole { (units / lot * (1.0 + 1e-12)).floor() } else { units / lot };
    let least = |units: f64| if whole { (units / lot * (1.0 - 1e-12)).ceil() } else { units / lot };
    let margin = given.margin.as_ref();
    let minimum = least(given.minimum);
    // A side on which not even the smallest trade is allowed is closed.
    let open = |lots: f64| if lots < minimum { 0.0 } else { lots };
    FormInstrument {
        cost: per_lot(given.cost),
        impact: given.impact * lot * lot,
        most: Sides { bought: open(most(given.liquidity.bought)), sold: open(most(given.liquidity.sold)) },
        minimum,
        margin: margin.and_then(|m| Some((*venues.get(m.venue.as_str())?, per_lot(m.per_unit)))),
    }
}
