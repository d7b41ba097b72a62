//! Whole lots and smallest trades: branch and bound over relaxations, with a limit of nodes.
//!
//! A node is a box of trades. Its relaxation's proven bound prunes it when nothing better than the best hedge can be inside; otherwise the
//! instrument that is furthest from an allowed trade splits the box. The search dives into the nearer half at once, where the linear
//! problem goes on from where it stands, and comes back to the open node with the least bound. Hedges are also made by rounding and
//! one-lot steps. When the limit of nodes ends the search, the least open bound says how much better a hedge can still be.

use super::bound::Boxes;
use super::form::{Form, FormInstrument, Value};
use super::relax::{BREACH, Refused, Relaxation, Relaxed};
use std::collections::BTreeMap;

/// How near to an allowed trade counts as there, in lots.
const NEAR: f64 = 1e-6;
/// A node whose bound is this close to the best hedge, relatively, holds nothing better.
const CLOSE: f64 = 1e-10;
/// Passes of one-lot steps.
const PASSES: usize = 20;

/// What the search found.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Searched {
    pub(super) best: Option<(Vec<f64>, Value)>,
    /// No hedge is better.
    pub(super) bound: f64,
    pub(super) nodes: u32,
    /// Nothing was left open.
    pub(super) complete: bool,
}

/// A bound and a number, ordered by both.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Key {
    bound: f64,
    number: u64,
}

impl Eq for Key {}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.bound.total_cmp(&other.bound).then(self.number.cmp(&other.number))
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// An instrument and the box of its trades.
type Cut = (usize, (f64, f64));

/// A node that was not relaxed yet: what its parent's relaxation proves, and its box.
type Open = (f64, Vec<Cut>);

struct Search<'a, 'b> {
    form: &'a Form,
    relaxation: &'b mut Relaxation<'a>,
    open: BTreeMap<Key, Vec<Cut>>,
    made: u64,
    best: Option<(Vec<f64>, Value)>,
    /// Least bound of what was closed without being better.
    closed: f64,
    nodes: u32,
}

/// True when a relaxed solution is allowed as it is.
pub(super) fn allowed(form: &Form, lots: &[f64]) -> bool {
    form.instruments.iter().zip(lots).all(|(i, lots)| distance(form, i, *lots) <= 0.0)
}

/// Searches from a root that has been relaxed.
pub(super) fn search<'a>(
    form: &'a Form,
    relaxation: &mut Relaxation<'a>,
    root: &Relaxed,
    most_nodes: u32,
) -> Searched {
    let mut search = Search {
        form,
        relaxation,
        open: BTreeMap::new(),
        made: 0,
        best: None,
        closed: f64::INFINITY,
        nodes: 1,
    };
    search.round(&root.lots);
    let mut next = search.split(root, &[]);
    while search.nodes < most_nodes {
        let Some((_, cuts)) = next.take().or_else(|| search.least()) else { break };
        next = search.node(&cuts);
    }
    if let Some((bound, cuts)) = next {
        search.push(bound, cuts);
    }
    search.ended(root.bound)
}

impl Search<'_, '_> {
    /// Relaxes a node; the nearer half of it, if it has to be split.
    fn node(&mut self, cuts: &[Cut]) -> Option<Open> {
        self.nodes += 1;
        let mut boxes = Boxes::of(self.form);
        for (instrument, (lower, upper)) in cuts {
            boxes.lower[*instrument] = boxes.lower[*instrument].max(*lower);
            boxes.upper[*instrument] = boxes.upper[*instrument].min(*upper);
        }
        if boxes.lower.iter().zip(&boxes.upper).any(|(lower, upper)| lower > upper) {
            return None;
        }
        match self.relaxation.solve(&boxes) {
            Err(Refused::Infeasible(_)) => None,
            // Nothing is known about it.
            Err(Refused::Unfinished) => {
                self.closed = f64::NEG_INFINITY;
                None
            }
            Ok(relaxed) => {
                if self.nodes.is_power_of_two() {
                    self.round(&relaxed.lots);
                }
                self.split(&relaxed, cuts)
            }
        }
    }

    /// Closes a node, or opens both halves: the further one waits, the nearer one is returned.
    fn split(&mut self, relaxed: &Relaxed, cuts: &[Cut]) -> Option<Open> {
        if self.prunes(relaxed.bound) {
            self.closed = self.closed.min(relaxed.bound);
            return None;
        }
        let mut furthest: Option<(f64, usize)> = None;
        for (number, (instrument, lots)) in self.form.instruments.iter().zip(&relaxed.lots).enumerate() {
            let distance = distance(self.form, instrument, *lots);
            if distance > 0.0 && furthest.is_none_or(|(most, _)| distance > most) {
                furthest = Some((distance, number));
            }
        }
        let Some((_, number)) = furthest else {
            let lots: Vec<f64> = self
                .form
                .instruments
                .iter()
                .zip(&relaxed.lots)
                .map(|(i, l)| nearest(self.form, i, *l))
                .collect();
            self.closed = self.closed.min(relaxed.bound);
            self.offer(lots);
            return None;
        };
        let lots = relaxed.lots[number];
        let (below, above) = neighbours(self.form, &self.form.instruments[number], lots);
        let mut down = cuts.to_vec();
        down.push((number, (f64::NEG_INFINITY, below)));
        let mut up = cuts.to_vec();
        up.push((number, (above, f64::INFINITY)));
        let (near, far) = if lots - below <= above - lots { (down, up) } else { (up, down) };
        self.push(relaxed.bound, far);
        Some((relaxed.bound, near))
    }

    fn push(&mut self, bound: f64, cuts: Vec<Cut>) {
        self.made += 1;
        self.open.insert(Key { bound, number: self.made }, cuts);
    }

    /// The open node with the least bound, if it can hold a better hedge; otherwise no open node can.
    fn least(&mut self) -> Option<Open> {
        let (key, cuts) = self.open.pop_first()?;
        if self.prunes(key.bound) {
            self.closed = self.closed.min(key.bound);
            self.open.clear();
            return None;
        }
        Some((key.bound, cuts))
    }

    fn prunes(&self, bound: f64) -> bool {
        let close = |best: &Value| CLOSE * best.size + self.relaxation.rounding();
        self.best.as_ref().is_some_and(|(_, best)| bound >= best.objective - close(best))
    }

    fn offer(&mut self, lots: Vec<f64>) {
        let value = self.form.value(&lots);
        self.take(lots, value);
    }

    fn take(&mut self, lots: Vec<f64>, value: Value) {
        let better = self.best.as_ref().is_none_or(|(_, best)| value.objective < best.objective);
        if value.breach <= BREACH && better {
            self.best = Some((lots, value));
        }
    }

    /// Rounds to the nearest allowed trades and improves them by single steps.
    fn round(&mut self, lots: &[f64]) {
        let form = self.form;
        let mut rounded: Vec<f64> =
            form.instruments.iter().zip(lots).map(|(i, lots)| nearest(form, i, *lots)).collect();
        let touched: Vec<usize> = (0..lots.len()).filter(|j| lots[*j] != 0.0).collect();
        let mut value = form.value(&rounded);
        for _ in 0..PASSES {
            let mut improved = false;
            for &j in &touched {
                let before = rounded[j];
                for trial in steps(form, &form.instruments[j], before) {
                    rounded[j] = trial;
                    let found = form.value(&rounded);
                    if order(&found) < order(&value) {
                        (value, improved) = (found, true);
                        break;
                    }
                    rounded[j] = before;
                }
            }
            if !improved {
                break;
            }
        }
        self.take(rounded, value);
    }

    fn ended(self, root: f64) -> Searched {
        let complete = self.open.is_empty() && self.closed > f64::NEG_INFINITY;
        let open = self.open.first_key_value().map_or(f64::INFINITY, |(key, _)| key.bound);
        let best = self.best.as_ref().map_or(f64::INFINITY, |(_, value)| value.objective);
        let bound = open.min(self.closed).min(best).max(root);
        Searched { best: self.best, bound, nodes: self.nodes, complete }
    }
}

/// Breach first, then the objective.
fn order(value: &Value) -> (f64, f64) {
    (if value.breach <= BREACH { 0.0 } else { value.breach }, value.objective)
}

/// The allowed trades next to a trade, one each way; the trade itself where it is allowed.
fn neighbours(form: &Form, instrument: &FormInstrument, lots: f64) -> (f64, f64) {
    let lots = if form.whole && (lots - lots.round()).abs() <= NEAR { lots.round() } else { lots };
    let (below, above) = if form.whole { (lots.floor(), lots.ceil()) } else { (lots, lots) };
    let minimum = instrument.minimum;
    let closed = |lots: f64| lots != 0.0 && lots.abs() < minimum * (1.0 - 1e-9);
    let below = match below {
        b if !closed(b) => b,
        b if b > 0.0 => 0.0,
        _ => -minimum,
    };
    let above = match above {
        a if !closed(a) => a,
        a if a < 0.0 => 0.0,
        _ => minimum,
    };
    (below, above)
}

/// How far a trade is from an allowed one; zero where it is allowed.
fn distance(form: &Form, instrument: &FormInstrument, lots: f64) -> f64 {
    let (below, above) = neighbours(form, instrument, lots);
    if above - below <= 0.0 { 0.0 } else { (lots - below).min(above - lots).max(f64::MIN_POSITIVE) }
}

/// The nearest allowed trade within liquidity.
fn nearest(form: &Form, instrument: &FormInstrument, lots: f64) -> f64 {
    let (below, above) = neighbours(form, instrument, lots);
    let (near, far) = if lots - below <= above - lots { (below, above) } else { (above, below) };
    if within(instrument, near) { near } else { far }
}

fn within(instrument: &FormInstrument, lots: f64) -> bool {
    lots >= -instrument.most.sold && lots <= instrument.most.bought
}

/// One step each way.
fn steps(form: &Form, instrument: &FormInstrument, lots: f64) -> Vec<f64> {
    let unit = if form.whole { 1.0 } else { instrument.minimum };
    let (up, down) =
        (neighbours(form, instrument, lots + unit).1, neighbours(form, instrument, lots - unit).0);
    [0.0, up, down].into_iter().filter(|to| (to - lots).abs() > 0.0 && within(instrument, *to)).collect()
}
