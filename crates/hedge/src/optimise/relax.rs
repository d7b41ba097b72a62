//! The problem without whole lots: solved to a proven gap, again and again from where the last solution ended.
//!
//! Two things are brought in only where they matter.
//!
//! *Scenarios.* The linear problem of Rockafellar and Uryasev has a row for each scenario, `u_i + gain_i x + z >= loss_i`. Only those in or
//! next to the tail bind at the optimum. The rows start with the worst losses of the book as it is; after each solution the scenarios that
//! lose more than z without a row get one. The optimum of the part is a lower bound, the CVaR of all scenarios at its trades an upper one.
//!
//! *Impact.* A quadratic cost is taken as a broken line, which is never below the parabola and touches it at its knots. After each solution
//! an instrument gets a knot at its trade and one at the trade that would be best at the present prices of the limits (which is the middle
//! of its segment when the trade is inside one, so the error falls fourfold). When that trade is a knot for every instrument the gap is zero.

use super::bound::{Boxes, Multipliers};
use super::form::{Form, Value};
use super::problem::Effort;
use super::simplex::{Column, Ended, Lp, LpRow, OnBases, Range};
use super::{error::Side, scale::Scale};

/// Gap at which a relaxation is done, relative to the size of what its objective is made of.
const CLOSED: f64 = 1e-11;
/// The same with impact, where each digit costs rounds.
const CLOSED_IMPACT: f64 = 1e-9;
/// Largest breach that is rounding, relative to what is limited.
pub(super) const BREACH: f64 = 1e-9;
/// Rounds without a better gap after which refining stops.
const PATIENCE: u32 = 12;
/// Trades of less than this part of a lot are rounding.
const NO_TRADE: f64 = 1e-9;

/// Trades, what they amount to, and what is proven of all others.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Relaxed {
    pub(super) lots: Vec<f64>,
    pub(super) value: Value,
    pub(super) bound: f64,
    pub(super) multipliers: Multipliers,
}

/// Why there is no relaxed solution.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Refused {
    /// These limits exclude one another.
    Infeasible(Vec<Member>),
    /// The limit of work was reached.
    Unfinished,
}

/// A limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Member {
    Liquidity(usize, Side),
    Row(usize),
    Venue(usize),
    Budget,
}

/// What a row of the linear problem stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Row(usize),
    Venue(usize),
    Scenario(usize),
    Budget,
}

/// Segments of one side of an instrument.
#[derive(Debug, Clone, Copy)]
struct Segments {
    first: usize,
    count: usize,
}

/// Trades between which an instrument's quadratic cost is taken as straight, signed and ascending; zero and the ends are always there.
#[derive(Debug, Clone, Default)]
struct Knots(Vec<f64>);

/// A form, its linear problem, and the work done.
#[derive(Debug)]
pub(super) struct Relaxation<'a> {
    form: &'a Form,
    effort: Effort,
    scale: Scale,
    lp: Lp,
    kinds: Vec<Kind>,
    segments: Vec<[Segments; 2]>,
    /// Column of z, and of the first u.
    tail_columns: Option<(usize, usize)>,
    has_row: Vec<bool>,
    knots: Vec<Knots>,
    /// Rounds of all relaxations.
    pub(super) rounds: u64,
}

/// Segments of a side with impact.
const SEGMENTS: usize = 8;

impl<'a> Relaxation<'a> {
    pub(super) fn new(form: &'a Form, effort: Effort) -> Self {
        let scale = Scale::of(form);
        let mut columns = Vec::new();
        let mut segments = Vec::new();
        for (number, instrument) in form.instruments.iter().enumerate() {
            let count = if instrument.impact > 0.0 { SEGMENTS } else { 1 };
            let mut side = |sign: f64| {
                let first = columns.len();
                let empty = Range { lower: 0.0, upper: 0.0 };
                columns.extend((0..count).map(|_| Column {
                    base: Some((number, sign)),
                    range: empty,
                    cost: 0.0,
                }));
                Segments { first, count }
            };
            segments.push([side(1.0), side(-1.0)]);
        }
        let slacks = slack_columns(form, &scale, &mut columns);
        let tail_columns = tail_columns(form, &scale, &mut columns);
        let mut relaxation = Self {
            form,
            effort,
            lp: Lp::new(form.instruments.len(), columns),
            kinds: Vec::new(),
            segments,
            tail_columns,
            has_row: vec![false; form.tail.as_ref().map_or(0, |t| t.losses.len())],
            knots: vec![Knots::default(); form.instruments.len()],
            scale,
            rounds: 0,
        };
        relaxation.add_rows(&slacks);
        relaxation.add_venues();
        relaxation.add_tail();
        relaxation
    }

    /// Steps of the simplex method so far.
    pub(super) fn pivots(&self) -> u64 {
        self.lp.pivots
    }

    /// A difference of objectives that is rounding, whatever the objective.
    pub(super) fn rounding(&self) -> f64 {
        1e-12 * self.scale.money()
    }

    /// Scenarios with a row.
    pub(super) fn scenario_rows(&self) -> usize {
        self.has_row.iter().filter(|has| **has).count()
    }

    /// Solves within boxes.
    ///
    /// # Errors
    /// When the limits exclude one another within the boxes, or the limit of work is reached without a solution that keeps them.
    pub(super) fn solve(&mut self, boxes: &Boxes) -> Result<Relaxed, Refused> {
        let curved = self.form.cost_weight > 0.0 && self.form.instruments.iter().any(|i| i.impact > 0.0);
        let closed = if curved { CLOSED_IMPACT } else { CLOSED };
        let mut best: Option<Relaxed> = None;
        let (mut patience, mut least_gap) = (0, f64::INFINITY);
        for _ in 0..self.effort.rounds {
            self.rounds += 1;
            self.set_segments(boxes);
            match self.lp.solve(self.effort.pivots) {
                Ended::Optimal => {}
                Ended::Infeasible(ray) => return Err(Refused::Infeasible(self.members(&ray))),
                Ended::Stopped => break,
            }
            let found = self.found(boxes);
            let gap = found.value.objective - found.bound;
            let done = gap <= closed * found.value.size + self.rounding() && found.value.breach <= BREACH;
            let added = if done { 0 } else { self.add_scenarios(&found.lots) };
            if curved && !done {
                self.refine(&found.lots, &found.multipliers, boxes);
            }
            keep(&mut best, found);
            if done {
                break;
            }
            if added == 0 {
                patience = if gap < 0.9 * least_gap { 0 } else { patience + 1 };
                least_gap = least_gap.min(gap);
                if !curved || patience > PATIENCE {
                    break;
                }
            }
        }
        best.filter(|b| b.value.breach <= BREACH).ok_or(Refused::Unfinished)
    }

    fn found(&self, boxes: &Boxes) -> Relaxed {
        let lots: Vec<f64> = (0..self.segments.len()).map(|j| self.lots(j, boxes)).collect();
        let value = self.form.value(&lots);
        let multipliers = self.multipliers();
        let bound = multipliers.bound(self.form, boxes);
        Relaxed { lots, value, bound, multipliers }
    }

    fn lots(&self, instrument: usize, boxes: &Boxes) -> f64 {
        let side = |s: Segments| (s.first..s.first + s.count).map(|c| self.lp.value(c)).sum::<f64>();
        let [bought, sold] = self.segments[instrument];
        let lots = (side(bought) - side(sold)) * self.scale.lots(instrument);
        let lots = if lots.abs() < NO_TRADE { 0.0 } else { lots };
        lots.max(boxes.lower[instrument]).min(boxes.upper[instrument])
    }

    fn multipliers(&self) -> Multipliers {
        let mut of = Multipliers {
            rows: vec![0.0; self.form.rows.len()],
            venues: vec![0.0; self.form.venues.len()],
            scenarios: Vec::new(),
            budget: 0.0,
        };
        for (kind, price) in self.kinds.iter().zip(self.lp.multipliers()) {
            match *kind {
                Kind::Row(k) => of.rows[k] = price * self.scale.price(self.scale.rows[k]),
                Kind::Venue(v) => of.venues[v] = price * self.scale.price(self.scale.venues[v]),
                Kind::Scenario(s) => of.scenarios.push((s, price * self.scale.price(self.scale.tail))),
                Kind::Budget => of.budget = price * self.scale.price(self.scale.tail),
            }
        }
        of.clean(self.form);
        of
    }

    /// Bounds and costs of the segments, for boxes and around the centres.
    fn set_segments(&mut self, boxes: &Boxes) {
        for (number, instrument) in self.form.instruments.iter().enumerate() {
            let sides = [(instrument.cost.bought, 1.0), (instrument.cost.sold, -1.0)];
            for ((segments, (cost, sign)), (from, to)) in
                self.segments[number].iter().zip(sides).zip(boxes.side(number))
            {
                let mut ends = [to; SEGMENTS];
                if segments.count > 1 {
                    for (end, knot) in ends.iter_mut().zip(self.knots[number].inside(sign, (from, to))) {
                        *end = knot;
                    }
                }
                let mut start = from;
                for (place, end) in ends.iter().enumerate().take(segments.count) {
                    let slope = cost + 0.5 * instrument.impact * (start + end);
                    let offset = if place == 0 { 0.0 } else { start };
                    let lower = if place == 0 { from } else { 0.0 };
                    let unit = self.scale.lots(number);
                    let range = Range { lower: lower / unit, upper: (end - offset) / unit };
                    let cost = self.form.cost_weight * slope * self.scale.cost(self.scale.bases[number]);
                    self.lp.set_column(segments.first + place, range, cost);
                    start = *end;
                }
            }
        }
    }

    /// More knots where the trades are, and where they should be at the present prices.
    fn refine(&mut self, at: &[f64], prices: &Multipliers, boxes: &Boxes) {
        let wanted = prices.minimisers(self.form, boxes);
        for (knots, (at, wanted)) in self.knots.iter_mut().zip(at.iter().zip(wanted)) {
            knots.add(*at, wanted);
        }
    }

    fn add_rows(&mut self, slacks: &[Option<usize>]) {
        for (k, row) in self.form.rows.iter().enumerate().filter(|(_, row)| !row.moves.is_empty()) {
            let factor = self.scale.rows[k];
            let moves = row.moves.iter().map(|(j, g)| (*j, g * factor * self.scale.bases[*j]));
            let reach = self.scale.reach(self.form, k);
            // Bounds are finite; one that cannot be reached is none.
            let width = row.width.min(2.0 * (reach + row.exposure.abs()));
            let unit = factor / self.scale.amount;
            self.lp.add_row(LpRow {
                on_bases: OnBases::Sparse(moves.collect()),
                own: slacks[k].map_or_else(Vec::new, |column| vec![(column, 1.0), (column + 1, -1.0)]),
                range: Range { lower: (-width - row.exposure) * unit, upper: (width - row.exposure) * unit },
            });
            self.kinds.push(Kind::Row(k));
        }
    }

    fn add_venues(&mut self) {
        for (v, venue) in self.form.venues.iter().enumerate() {
            let factor = self.scale.venues[v];
            let (mut own, mut reach) = (Vec::new(), 0.0);
            for (j, instrument) in self.form.instruments.iter().enumerate() {
                let Some((_, margin)) = instrument.margin.filter(|(venue, _)| *venue == v) else { continue };
                let sides = [(margin.bought, instrument.most.bought), (margin.sold, instrument.most.sold)];
                for (segments, (per_lot, most)) in self.segments[j].iter().zip(sides) {
                    reach += per_lot.abs() * most;
                    if per_lot != 0.0 {
                        let value = per_lot * factor * self.scale.bases[j];
                        own.extend((segments.first..segments.first + segments.count).map(|c| (c, value)));
                    }
                }
            }
            let unit = factor / self.scale.amount;
            let range = Range {
                lower: (venue.free.min(0.0) - 2.0 * reach) * unit,
                upper: venue.free.min(2.0 * reach) * unit,
            };
            if own.is_empty() && venue.free >= 0.0 {
                continue;
            }
            self.lp.add_row(LpRow { on_bases: OnBases::Sparse(Vec::new()), own, range });
            self.kinds.push(Kind::Venue(v));
        }
    }

    fn add_tail(&mut self) {
        let (Some(tail), Some((z, first))) = (&self.form.tail, self.tail_columns) else { return };
        if let Some(budget) = tail.budget {
            let unit = self.scale.tail / self.scale.amount;
            let mut own = vec![(z, 1.0)];
            own.extend((0..tail.losses.len()).map(|s| (first + s, 1.0 / tail.mass)));
            let most = self.scale.loss * (2.0 + 3.0 * tail.losses.len() as f64 / tail.mass);
            let range = Range { lower: -most * unit, upper: budget.clamp(-most, most) * unit };
            self.lp.add_row(LpRow { on_bases: OnBases::Sparse(Vec::new()), own, range });
            self.kinds.push(Kind::Budget);
        }
        let mut worst: Vec<usize> = (0..tail.losses.len()).collect();
        worst.sort_by(|a, b| tail.losses[*b].total_cmp(&tail.losses[*a]).then(a.cmp(b)));
        let start = tail.mass.ceil() as usize + 1;
        for scenario in worst.into_iter().take(start) {
            self.add_scenario(scenario);
        }
    }

    fn add_scenario(&mut self, scenario: usize) {
        let (Some(tail), Some((z, first))) = (&self.form.tail, self.tail_columns) else { return };
        let gains = tail.gains[scenario].iter().zip(&self.scale.bases);
        let unit = self.scale.tail / self.scale.amount;
        self.lp.add_row(LpRow {
            on_bases: OnBases::Dense(gains.map(|(gain, base)| gain * self.scale.tail * base).collect()),
            own: vec![(z, 1.0), (first + scenario, 1.0)],
            range: Range { lower: tail.losses[scenario] * unit, upper: 7.0 * self.scale.loss * unit },
        });
        self.kinds.push(Kind::Scenario(scenario));
        self.has_row[scenario] = true;
    }

    /// Gives a row to the scenarios that lose more than z without one, the worst first.
    fn add_scenarios(&mut self, lots: &[f64]) -> usize {
        let (Some(tail), Some((z, _))) = (&self.form.tail, self.tail_columns) else { return 0 };
        let unit = self.scale.amount / self.scale.tail;
        let limit = (self.lp.value(z) + 1e-10) * unit;
        let losses = self.form.losses(lots);
        let mut beyond: Vec<usize> =
            (0..losses.len()).filter(|s| !self.has_row[*s] && losses[*s] > limit).collect();
        beyond.sort_by(|a, b| losses[*b].total_cmp(&losses[*a]).then(a.cmp(b)));
        let most = (tail.mass.ceil() as usize).max(10);
        let added = beyond.len().min(most);
        for scenario in beyond.into_iter().take(most) {
            self.add_scenario(scenario);
        }
        added
    }

    /// The limits that a proof of infeasibility uses.
    fn members(&self, ray: &[f64]) -> Vec<Member> {
        let mut members = Vec::new();
        let largest = ray.iter().fold(0.0_f64, |m, r| m.max(r.abs()));
        for (kind, factor) in self.kinds.iter().zip(ray) {
            if factor.abs() > 1e-9 * largest {
                members.push(match *kind {
                    Kind::Row(k) => Member::Row(k),
                    Kind::Venue(v) => Member::Venue(v),
                    Kind::Scenario(_) | Kind::Budget => Member::Budget,
                });
            }
        }
        let products = self.lp.products(ray);
        for (number, sides) in self.segments.iter().enumerate() {
            for (segments, side) in sides.iter().zip([Side::Bought, Side::Sold]) {
                if products[segments.first].abs() > 1e-12 * largest {
                    members.push(Member::Liquidity(number, side));
                }
            }
        }
        members.sort_unstable();
        members.dedup();
        members
    }
}

impl Knots {
    /// Sizes of the knots of one side, ascending, between two bounds.
    fn inside(&self, sign: f64, (from, to): (f64, f64)) -> Vec<f64> {
        let mut sizes: Vec<f64> = self.0.iter().map(|k| sign * k).filter(|k| *k > from && *k < to).collect();
        if sign < 0.0 {
            sizes.reverse();
        }
        sizes.truncate(SEGMENTS - 1);
        sizes
    }

    /// Adds two knots. These and the nearest stay, as many below the first as above it, since the next prices may ask for either.
    fn add(&mut self, at: f64, wanted: f64) {
        for knot in [at, wanted] {
            let apart = |k: &f64| (k - knot).abs() > 1e-12 * knot.abs();
            if knot != 0.0 && self.0.iter().all(apart) {
                self.0.push(knot);
            }
        }
        let distance = |knot: &f64| {
            let new = (knot - wanted).abs() <= 1e-12 * wanted.abs();
            if new { 0.0 } else { (knot - at).abs() }
        };
        self.0.sort_by(|a, b| distance(a).total_cmp(&distance(b)));
        let (mut below, mut above) = (0, 0);
        self.0.retain(|knot| {
            let count = if *knot < at { &mut below } else { &mut above };
            *count += 1;
            *count <= SEGMENTS / 2 - if *knot < at { 1 } else { 0 }
        });
        self.0.sort_by(f64::total_cmp);
    }
}

/// Keeps the better trades and the better proof.
fn keep(best: &mut Option<Relaxed>, found: Relaxed) {
    let Some(old) = best else {
        *best = Some(found);
        return;
    };
    let (bound, multipliers) = if old.bound > found.bound {
        (old.bound, old.multipliers.clone())
    } else {
        (found.bound, found.multipliers.clone())
    };
    let allowed = found.value.breach <= BREACH;
    let was_allowed = old.value.breach <= BREACH;
    let better = if allowed == was_allowed { found.value.objective <= old.value.objective } else { allowed };
    if better || !was_allowed {
        *old = found;
    }
    old.bound = bound;
    old.multipliers = multipliers;
}

/// Two columns for each soft row: how far below and how far above its band.
fn slack_columns(form: &Form, scale: &Scale, columns: &mut Vec<Column>) -> Vec<Option<usize>> {
    let mut first = Vec::new();
    for (k, row) in form.rows.iter().enumerate() {
        let Some(price) = row.price.filter(|_| !row.moves.is_empty()) else {
            first.push(None);
            continue;
        };
        first.push(Some(columns.len()));
        let most = 2.0 * (row.exposure.abs() + scale.reach(form, k)) * scale.rows[k] / scale.amount;
        let cost = form.cost_weight * price * scale.cost(1.0 / scale.rows[k]);
        let range = Range { lower: 0.0, upper: most };
        columns.extend((0..2).map(|_| Column { base: None, range, cost }));
    }
    first
}

/// z, and how far each scenario's loss is beyond it.
fn tail_columns(form: &Form, scale: &Scale, columns: &mut Vec<Column>) -> Option<(usize, usize)> {
    let tail = form.tail.as_ref()?;
    let most = scale.loss * scale.tail / scale.amount;
    let cost = if tail.budget.is_some() { 0.0 } else { scale.cost(1.0 / scale.tail) };
    let z = columns.len();
    columns.push(Column { base: None, range: Range { lower: -2.0 * most, upper: 2.0 * most }, cost });
    let range = Range { lower: 0.0, upper: 3.0 * most };
    columns.extend(tail.losses.iter().map(|_| Column { base: None, range, cost: cost / tail.mass }));
    Some((z, z + 1))
}
