//! A dual simplex method for linear problems in which every variable has two finite bounds.
//!
//! ```text
//! min c'x   with   A x = z,   lower <= (x, z) <= upper
//! ```
//!
//! `z` are the logicals, one a row. Since every bound is finite, *every* basis is dual feasible once each variable outside it stands at the
//! bound that the sign of its reduced cost asks for. So there is no first phase, and a problem that has changed (other bounds, other costs,
//! another row) goes on from where the last one ended; that is what cuts, branches and refinements of impact live on.
//!
//! Leaving: largest infeasibility squared over the exact weight of dual steepest edge. Entering: ratio test with bound flips, the largest
//! pivot of those that tie. After some steps without progress every cost is shifted by a little of its own, so that nothing ties; at the
//! optimum the shift is taken back and the search goes on from there. Should that happen too often, both choices are the smallest index
//! (Bland), which cannot cycle. No choice depends on anything but the numbers: the same problem takes the same steps.
//!
//! Columns share *bases*: the segments of one instrument have the same coefficients but for a sign, so products are formed once a base.

use super::basis::{Inverse, add};

/// How far a variable may be outside its bounds, in scaled units.
const PRIMAL: f64 = 1e-10;
/// How far a reduced cost may have the wrong sign, in scaled units.
const DUAL: f64 = 1e-12;
/// Smallest pivot that is taken gladly.
const PIVOT: f64 = 1e-7;
/// Smallest entry that counts in the ratio test.
const ENTRY: f64 = 1e-13;
/// Steps without progress, and half as many more as there are rows, after which costs are shifted.
const STALLED: usize = 50;
/// Largest shift, in scaled units, where the largest cost is one.
const SHIFT: f64 = 1e-6;
/// Shifts in one run after which the smallest index decides.
const SHIFTS: u32 = 8;
/// Steps after which the inverse is made again.
const REFRESH: usize = 100;
/// Outside the basis.
const NONE: usize = usize::MAX;

/// Coefficients of a row on the bases.
#[derive(Debug, Clone)]
pub(super) enum OnBases {
    Dense(Vec<f64>),
    Sparse(Vec<(usize, f64)>),
}

/// One row: coefficients on bases, which every column of the base has times its sign, and on columns alone.
#[derive(Debug, Clone)]
pub(super) struct LpRow {
    pub(super) on_bases: OnBases,
    pub(super) own: Vec<(usize, f64)>,
    pub(super) range: Range,
}

/// Two finite bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Range {
    pub(super) lower: f64,
    pub(super) upper: f64,
}

impl Range {
    pub(super) fn width(self) -> f64 {
        self.upper - self.lower
    }
}

/// A variable: the base whose coefficients it has, times a sign; its bounds; its cost.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) base: Option<(usize, f64)>,
    pub(super) range: Range,
    pub(super) cost: f64,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Ended {
    Optimal,
    /// No point obeys the bounds: these multipliers of the rows prove it.
    Infeasible(Vec<f64>),
    /// The limit of steps was reached.
    Stopped,
}

/// How variables are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    /// Steepest edge, and bound flips.
    Steepest,
    /// Bland's rule: the smallest index.
    SmallestIndex,
}

/// Why a step was not made.
enum Blocked {
    Optimal,
    Infeasible(Vec<f64>),
    /// The inverse has lost its accuracy.
    Inaccurate,
}

/// A linear problem and the basis it stands at.
#[derive(Debug, Clone)]
pub(super) struct Lp {
    columns: Vec<Column>,
    rows: Vec<LpRow>,
    /// Entries of each base, and of each column alone, by row.
    base_entries: Vec<Vec<(usize, f64)>>,
    own_entries: Vec<Vec<(usize, f64)>>,
    basis: Vec<usize>,
    place: Vec<usize>,
    at_upper: Vec<bool>,
    value: Vec<f64>,
    reduced: Vec<f64>,
    /// Added to the costs for a while; empty otherwise.
    shift: Vec<f64>,
    inverse: Inverse,
    since_refresh: usize,
    /// Steps made so far.
    pub(super) pivots: u64,
}

impl Lp {
    pub(super) fn new(bases: usize, columns: Vec<Column>) -> Self {
        let count = columns.len();
        Self {
            base_entries: vec![Vec::new(); bases],
            own_entries: vec![Vec::new(); count],
            rows: Vec::new(),
            basis: Vec::new(),
            place: vec![NONE; count],
            at_upper: vec![false; count],
            value: columns.iter().map(|c| c.range.lower).collect(),
            reduced: vec![0.0; count],
            shift: Vec::new(),
            inverse: Inverse::default(),
            since_refresh: 0,
            pivots: 0,
            columns,
        }
    }

    /// Adds a row; its logical becomes basic. Columns of the row must exist already.
    pub(super) fn add_row(&mut self, row: LpRow) {
        let number = self.rows.len();
        match &row.on_bases {
            OnBases::Dense(values) => {
                for (entries, value) in self.base_entries.iter_mut().zip(values) {
                    if *value != 0.0 {
                        entries.push((number, *value));
                    }
                }
            }
            OnBases::Sparse(values) => {
                for (base, value) in values {
                    self.base_entries[*base].push((number, *value));
                }
            }
        }
        for (column, value) in &row.own {
            self.own_entries[*column].push((number, *value));
        }
        self.rows.push(row);
        let coefficients: Vec<f64> =
            self.basis.iter().map(|variable| self.coefficient(number, *variable)).collect();
        self.inverse.grow(&coefficients);
        self.basis.push(self.columns.len() + number);
        self.place.push(number);
        self.at_upper.push(false);
        self.value.push(0.0);
        self.reduced.push(0.0);
    }

    pub(super) fn set_column(&mut self, column: usize, range: Range, cost: f64) {
        self.columns[column].range = range;
        self.columns[column].cost = cost;
    }

    pub(super) fn value(&self, column: usize) -> f64 {
        self.value[column]
    }

    /// Multipliers of the rows at the present basis.
    pub(super) fn multipliers(&self) -> Vec<f64> {
        let costs: Vec<f64> = self.basis.iter().map(|variable| self.cost(*variable)).collect();
        self.inverse.times_left(&costs)
    }

    /// Runs until optimal, infeasible, or out of steps.
    pub(super) fn solve(&mut self, most_pivots: u64) -> Ended {
        self.shift.clear();
        self.restart();
        let (mut stalled, mut best, mut shifts) = (0, f64::NEG_INFINITY, 0);
        loop {
            if self.since_refresh >= REFRESH.max(self.rows.len() / 2) {
                self.refresh();
            }
            let choice = if shifts > SHIFTS { Choice::SmallestIndex } else { Choice::Steepest };
            match self.step(choice) {
                Ok(()) => {}
                Err(_) if self.since_refresh > 0 => {
                    self.refresh();
                    continue;
                }
                Err(Blocked::Optimal) if self.shift.is_empty() => return Ended::Optimal,
                Err(Blocked::Optimal) => {
                    self.shift.clear();
                    (stalled, best) = (0, f64::NEG_INFINITY);
                    self.restart();
                    continue;
                }
                Err(Blocked::Infeasible(ray)) => return Ended::Infeasible(ray),
                Err(Blocked::Inaccurate) => return Ended::Stopped,
            }
            self.pivots += 1;
            if self.pivots >= most_pivots {
                return Ended::Stopped;
            }
            let reached = self.objective();
            if reached > best + 1e-13 * best.abs() {
                (best, stalled) = (reached, 0);
            } else {
                stalled += 1;
            }
            if stalled > STALLED + self.rows.len() / 2 && self.shift.is_empty() && shifts <= SHIFTS {
                shifts += 1;
                (stalled, best) = (0, f64::NEG_INFINITY);
                self.shift_costs(shifts);
            }
        }
    }

    /// Moves every reduced cost away from zero by an amount of its own, the same on every run.
    fn shift_costs(&mut self, number: u32) {
        let shift = |variable: usize| {
            let bits = (variable as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
            let size = SHIFT * f64::from(number) * (1.0 + bits as f64 / f64::from(1_u32 << 24));
            if self.at_upper[variable] { -size } else { size }
        };
        self.shift = (0..self.columns.len()).map(shift).collect();
        self.restart();
    }

    fn objective(&self) -> f64 {
        (0..self.columns.len()).map(|variable| self.cost(variable) * self.value[variable]).sum()
    }

    fn cost(&self, variable: usize) -> f64 {
        let shift = self.shift.get(variable).copied().unwrap_or(0.0);
        self.columns.get(variable).map_or(0.0, |c| c.cost + shift)
    }

    fn range(&self, variable: usize) -> Range {
        let logical = || self.rows[variable - self.columns.len()].range;
        self.columns.get(variable).map_or_else(logical, |c| c.range)
    }

    fn coefficient(&self, row: usize, variable: usize) -> f64 {
        if variable >= self.columns.len() {
            return if variable - self.columns.len() == row { -1.0 } else { 0.0 };
        }
        let at = |entries: &[(usize, f64)]| {
            entries.binary_search_by_key(&row, |(r, _)| *r).map_or(0.0, |found| entries[found].1)
        };
        let shared =
            self.columns[variable].base.map_or(0.0, |(base, sign)| sign * at(&self.base_entries[base]));
        shared + at(&self.own_entries[variable])
    }

    /// All entries of a variable; a row may occur twice.
    fn entries(&self, variable: usize) -> Vec<(usize, f64)> {
        if variable >= self.columns.len() {
            return vec![(variable - self.columns.len(), -1.0)];
        }
        let mut entries = self.own_entries[variable].clone();
        if let Some((base, sign)) = self.columns[variable].base {
            entries.extend(self.base_entries[base].iter().map(|(row, value)| (*row, sign * value)));
        }
        entries
    }

    /// Products of a combination of rows with every variable.
    pub(super) fn products(&self, combination: &[f64]) -> Vec<f64> {
        let mut on_bases = vec![0.0; self.base_entries.len()];
        let mut products = vec![0.0; self.columns.len()];
        for (row, factor) in self.rows.iter().zip(combination) {
            if *factor == 0.0 {
                continue;
            }
            match &row.on_bases {
                OnBases::Dense(values) => add(&mut on_bases, values, *factor),
                OnBases::Sparse(values) => {
                    for (base, value) in values {
                        on_bases[*base] += factor * value;
                    }
                }
            }
            for (column, value) in &row.own {
                products[*column] += factor * value;
            }
        }
        for (product, column) in products.iter_mut().zip(&self.columns) {
            if let Some((base, sign)) = column.base {
                *product += sign * on_bases[base];
            }
        }
        products.extend(combination.iter().map(|factor| -factor));
        products
    }

    /// Reduced costs from scratch, every variable outside the basis at the bound they ask for, basic values from scratch.
    fn restart(&mut self) {
        let multipliers = self.multipliers();
        let products = self.products(&multipliers);
        for (variable, product) in products.iter().enumerate() {
            if self.place[variable] != NONE {
                self.reduced[variable] = 0.0;
                continue;
            }
            self.reduced[variable] = self.cost(variable) - product;
            if self.reduced[variable].abs() > DUAL {
                self.at_upper[variable] = self.reduced[variable] < 0.0;
            }
            let range = self.range(variable);
            self.value[variable] = if self.at_upper[variable] { range.upper } else { range.lower };
        }
        self.basic_values();
    }

    fn basic_values(&mut self) {
        let mut load = vec![0.0; self.rows.len()];
        for variable in (0..self.value.len()).filter(|v| self.place[*v] == NONE) {
            if self.value[variable] != 0.0 {
                self.load(&mut load, variable, self.value[variable]);
            }
        }
        for (variable, value) in self.basis.iter().zip(self.inverse.times(&load)) {
            self.value[*variable] = -value;
        }
    }

    fn load(&self, load: &mut [f64], variable: usize, amount: f64) {
        for (row, value) in self.entries(variable) {
            load[row] += value * amount;
        }
    }

    /// Makes the inverse again; a variable whose column depends on others leaves for the logical of the row it does not reach.
    fn refresh(&mut self) {
        loop {
            let columns: Vec<_> = self.basis.iter().map(|variable| self.entries(*variable)).collect();
            match Inverse::invert(&columns) {
                Ok(inverse) => {
                    self.inverse = inverse;
                    break;
                }
                Err(dependent) => {
                    let logical = self.columns.len() + dependent.row;
                    self.place[self.basis[dependent.place]] = NONE;
                    self.basis[dependent.place] = logical;
                    self.place[logical] = dependent.place;
                }
            }
        }
        self.since_refresh = 0;
        self.restart();
    }

    /// One exchange of a basic variable for another.
    fn step(&mut self, choice: Choice) -> Result<(), Blocked> {
        let place = self.leaving(choice).ok_or(Blocked::Optimal)?;
        let leaving = self.basis[place];
        let (range, value) = (self.range(leaving), self.value[leaving]);
        let low = value < range.lower;
        let bound = if low { range.lower } else { range.upper };
        let ray = self.inverse.row(place).to_vec();
        let products = self.products(&ray);
        let side = if low { 1.0 } else { -1.0 };
        let Some(entering) = self.entering((&products, side), (value - bound).abs(), choice) else {
            return Err(Blocked::Infeasible(ray));
        };
        let column = self.inverse.times_sparse(&self.entries(entering));
        if (column[place] - products[entering]).abs() > 1e-7 * (1.0 + column[place].abs())
            || column[place].abs() < ENTRY
        {
            return Err(Blocked::Inaccurate);
        }
        self.reprice((leaving, entering), &products);
        let change = (self.value[leaving] - bound) / column[place];
        for (variable, slope) in self.basis.iter().zip(&column) {
            self.value[*variable] -= change * slope;
        }
        self.value[entering] += change;
        self.value[leaving] = bound;
        self.at_upper[leaving] = !low;
        self.place[leaving] = NONE;
        self.place[entering] = place;
        self.basis[place] = entering;
        self.reduced[entering] = 0.0;
        self.inverse.replace(place, &column);
        self.since_refresh += 1;
        Ok(())
    }

    fn leaving(&self, choice: Choice) -> Option<usize> {
        let mut best: Option<(f64, usize)> = None;
        for (place, variable) in self.basis.iter().enumerate() {
            let (range, value) = (self.range(*variable), self.value[*variable]);
            let outside = (range.lower - value).max(value - range.upper);
            if outside <= PRIMAL * (1.0 + value.abs().min(1e3)) {
                continue;
            }
            let score = if choice == Choice::SmallestIndex {
                -(*variable as f64)
            } else {
                outside * outside / self.inverse.weight(place).max(f64::MIN_POSITIVE)
            };
            if best.is_none_or(|(most, _)| score > most) {
                best = Some((score, place));
            }
        }
        best.map(|(_, place)| place)
    }

    /// Which variable takes the place: the breakpoint at which the dual objective stops rising.
    fn entering(&self, (products, side): (&[f64], f64), infeasibility: f64, choice: Choice) -> Option<usize> {
        let mut breaks: Vec<(f64, usize)> = Vec::new();
        for (variable, product) in products.iter().enumerate() {
            if self.place[variable] != NONE || product.abs() <= ENTRY || self.range(variable).width() <= 0.0 {
                continue;
            }
            let helps = if self.at_upper[variable] { side * product > 0.0 } else { side * product < 0.0 };
            if helps {
                breaks.push((self.reduced[variable].abs() / product.abs(), variable));
            }
        }
        breaks.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        if choice == Choice::SmallestIndex {
            let least = breaks.first()?.0;
            let reach: f64 = breaks.iter().map(|(_, v)| products[*v].abs() * self.range(*v).width()).sum();
            let ties = breaks.iter().take_while(|(ratio, _)| *ratio <= least).map(|(_, v)| *v);
            return if reach < infeasibility - PRIMAL { None } else { ties.min() };
        }
        let mut slope = infeasibility;
        let stop = breaks.iter().position(|(_, variable)| {
            slope -= products[*variable].abs() * self.range(*variable).width();
            slope <= 0.0
        });
        let stop = match stop {
            Some(stop) => stop,
            None if slope <= PRIMAL && !breaks.is_empty() => breaks.len() - 1,
            None => return None,
        };
        let limit = breaks[stop].0 + DUAL / products[breaks[stop].1].abs().max(PIVOT);
        let tied = breaks[stop..].iter().take_while(|(ratio, _)| *ratio <= limit);
        let back = breaks[..stop].iter().rev().take_while(|(ratio, _)| *ratio >= breaks[stop].0 - DUAL);
        let larger = |a: usize, b: usize| if products[b].abs() > products[a].abs() { b } else { a };
        let best = tied.chain(back).map(|(_, v)| *v).reduce(larger)?;
        if products[best].abs() >= PIVOT {
            return Some(best);
        }
        let earlier = breaks[..stop].iter().rev().map(|(_, v)| *v).find(|v| products[*v].abs() >= PIVOT);
        Some(earlier.unwrap_or(best))
    }

    /// New reduced costs, and the flips of variables whose reduced cost has changed its sign.
    fn reprice(&mut self, (leaving, entering): (usize, usize), products: &[f64]) {
        let step = self.reduced[entering] / products[entering];
        let mut load = vec![0.0; self.rows.len()];
        let mut flipped = false;
        for (variable, product) in products.iter().enumerate() {
            if self.place[variable] != NONE || variable == entering {
                continue;
            }
            let reduced = self.reduced[variable] - step * product;
            self.reduced[variable] = reduced;
            let wrong = if self.at_upper[variable] { reduced > DUAL } else { reduced < -DUAL };
            let range = self.range(variable);
            if wrong && range.width() > 0.0 {
                let moved = if self.at_upper[variable] { -range.width() } else { range.width() };
                self.at_upper[variable] = !self.at_upper[variable];
                self.value[variable] = if self.at_upper[variable] { range.upper } else { range.lower };
                self.load(&mut load, variable, moved);
                flipped = true;
            }
        }
        self.reduced[leaving] = -step;
        if flipped {
            for (variable, change) in self.basis.iter().zip(self.inverse.times(&load)) {
                self.value[*variable] -= change;
            }
        }
    }
}
