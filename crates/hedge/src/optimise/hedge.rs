//! The answer, with the reasons of each number.

use super::bound::Multipliers;
use super::cvar::{TailRisk, tail_risk};
use super::error::Side;
use super::form::{Form, Value, side};
use super::problem::{Aim, Band, Problem};

/// The trades, what they cost, what they leave, and how good they are at best.
#[derive(Debug, Clone, PartialEq)]
pub struct Hedge {
    /// One an instrument, in the problem's order; zero lots where nothing is traded.
    pub trades: Vec<Trade>,
    /// One a row, in the problem's order.
    pub rows: Vec<RowState>,
    /// One a venue, in the problem's order.
    pub venues: Vec<VenueState>,
    /// With scenarios.
    pub tail: Option<TailState>,
    /// What it costs in all.
    pub cost: CostSplit,
    /// What was made smallest: cost, or CVaR and weighted cost.
    pub objective: f64,
    /// No trades that keep the limits have a smaller objective.
    pub bound: f64,
    /// Why the search ended.
    pub end: End,
    /// What it took.
    pub work: Work,
}

impl Hedge {
    /// How much smaller the objective could be at most.
    #[must_use]
    pub fn gap(&self) -> f64 {
        (self.objective - self.bound).max(0.0)
    }

    /// The instruments that are traded.
    pub fn traded(&self) -> impl Iterator<Item = &Trade> {
        self.trades.iter().filter(|trade| trade.lots != 0.0)
    }
}

/// USD.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CostSplit {
    /// Fees, spread and carry, linear in the trades.
    pub trading: f64,
    /// Impact, quadratic in the trades.
    pub impact: f64,
    /// Price of what is beyond soft bands.
    pub beyond_bands: f64,
}

impl CostSplit {
    /// All of it.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.trading + self.impact + self.beyond_bands
    }
}

/// Why the search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Nothing better exists, but for the gap, which is rounding.
    Optimal,
    /// At the limit of nodes: something better may exist, by at most the gap.
    NodeLimit,
    /// At the limit of rounds or pivots: the same.
    WorkLimit,
}

/// Steps taken. The same on every machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Work {
    /// Of the simplex method.
    pub pivots: u64,
    /// Linear problems solved.
    pub rounds: u64,
    /// Nodes of the search for whole lots; 0 without one.
    pub nodes: u32,
    /// Scenarios that had to be looked at one by one.
    pub scenario_rows: usize,
}

/// What is traded of one instrument.
#[derive(Debug, Clone, PartialEq)]
pub struct Trade {
    /// Name of the instrument.
    pub instrument: String,
    /// Bought is positive.
    pub lots: f64,
    /// Lots times the lot.
    pub quantity: f64,
    /// USD; nothing is beyond bands here.
    pub cost: CostSplit,
    /// Why it is not more.
    pub why: WhyNotMore,
}

/// Why not more of an instrument is traded. Prices are changes of the objective per unit of quantity, of the problem without whole lots.
#[derive(Debug, Clone, PartialEq)]
pub enum WhyNotMore {
    /// Nothing of it can be traded.
    NoLiquidity,
    /// All that can be traded is; another unit would improve the objective by `worth`.
    AtLimit {
        /// Which limit.
        side: Side,
        /// Improvement per unit.
        worth: f64,
    },
    /// Not worth it: the first unit would cost that much more than it brings.
    NotWorth {
        /// Buying one.
        bought: f64,
        /// Selling one.
        sold: f64,
    },
    /// One more unit would cost just what it brings. These limits set what it brings; none are named where impact or scenarios alone do.
    Balanced {
        /// Names of rows and venues that bind.
        limits: Vec<String>,
    },
    /// Not what it would be without whole lots or smallest trades.
    Rounded {
        /// Lots without.
        fractional: f64,
    },
}

/// A row before and after.
#[derive(Debug, Clone, PartialEq)]
pub struct RowState {
    /// Its name.
    pub row: String,
    /// Before any trade.
    pub before: f64,
    /// After the trades.
    pub after: f64,
    /// Its band.
    pub band: Band,
    /// Room left within the band: negative when beyond it.
    pub room: f64,
    /// USD for what is beyond the band.
    pub penalty: f64,
    /// Change of the objective for one more unit of width, as an improvement: zero when the band does not bind.
    pub price: f64,
    /// No instrument with liquidity moves it.
    pub unmovable: bool,
}

/// A venue's margin before and after, USD.
#[derive(Debug, Clone, PartialEq)]
pub struct VenueState {
    /// Its name.
    pub venue: String,
    /// Used before any trade.
    pub before: f64,
    /// Used after the trades.
    pub after: f64,
    /// The limit.
    pub limit: f64,
    /// Improvement of the objective for one more USD of limit: zero when it does not bind.
    pub price: f64,
}

/// The tail before and after, USD.
#[derive(Debug, Clone, PartialEq)]
pub struct TailState {
    /// Of the book as it is.
    pub before: TailRisk,
    /// With the trades.
    pub after: TailRisk,
    /// The budget, if there is one.
    pub budget: Option<f64>,
    /// Improvement of the objective for one more USD of budget: zero when it does not bind.
    pub price: f64,
    /// Scenarios that carry the tail's weight at the optimum, with their weights, the heaviest first: what the hedge is made for.
    pub weights: Vec<(usize, f64)>,
}

/// What was found, before it has names.
pub(super) struct Found<'a> {
    pub(super) lots: &'a [f64],
    pub(super) relaxed: &'a [f64],
    pub(super) value: &'a Value,
    pub(super) multipliers: &'a Multipliers,
    pub(super) bound: f64,
}

/// Relative to the band, or the exposure: closer counts as at the band.
const AT: f64 = 1e-9;

pub(super) fn hedge(problem: &Problem, form: &Form, found: &Found<'_>, (end, work): (End, Work)) -> Hedge {
    let exposures = form.exposures(found.lots);
    let margins = form.margins(found.lots);
    let rows = (0..form.rows.len()).map(|k| row_state(problem, form, (k, exposures[k]), found));
    let venues = problem.venues.iter().zip(&margins).zip(&found.multipliers.venues);
    Hedge {
        trades: trades(problem, form, found),
        rows: rows.collect(),
        venues: venues
            .map(|((venue, used), price)| VenueState {
                venue: venue.name.clone(),
                before: venue.used,
                after: venue.used + used,
                limit: venue.limit,
                price: -price,
            })
            .collect(),
        tail: tail_state(problem, form, found),
        cost: CostSplit {
            trading: found.value.trading,
            impact: found.value.impact,
            beyond_bands: found.value.penalty,
        },
        objective: found.value.objective,
        bound: found.bound,
        end,
        work,
    }
}

fn row_state(problem: &Problem, form: &Form, (k, after): (usize, f64), found: &Found<'_>) -> RowState {
    let (given, row) = (&problem.rows[k], &form.rows[k]);
    let room = row.width - after.abs();
    let movable = |j: usize| form.instruments[j].most.bought.max(form.instruments[j].most.sold) > 0.0;
    RowState {
        row: given.name.clone(),
        before: given.exposure,
        after,
        band: given.band,
        room: if room.abs() <= AT * (row.width + given.exposure.abs()) { 0.0 } else { room },
        penalty: row.price.map_or(0.0, |price| price * (-room).max(0.0)),
        price: found.multipliers.rows[k].abs(),
        unmovable: !row.moves.iter().any(|(j, _)| movable(*j)),
    }
}

fn trades(problem: &Problem, form: &Form, found: &Found<'_>) -> Vec<Trade> {
    let worth = found.multipliers.worth(form);
    let mut trades = Vec::new();
    for (number, (given, instrument)) in problem.instruments.iter().zip(&form.instruments).enumerate() {
        let (lots, relaxed) = (found.lots[number], found.relaxed[number]);
        // Plus zero, so that nothing traded costs 0 and not -0.
        let linear = side(instrument.cost, lots) * lots.abs() + 0.0;
        let impact = 0.5 * instrument.impact * lots * lots;
        let weight = form.cost_weight;
        // What one more unit each way costs beyond what it brings, at the fractional optimum.
        let slope = weight * instrument.impact * relaxed;
        let buying = (weight * instrument.cost.bought + slope - worth[number].bought) / given.lot;
        let selling = (weight * instrument.cost.sold - slope - worth[number].sold) / given.lot;
        let most = instrument.most;
        let why = if most.bought.max(most.sold) <= 0.0 {
            WhyNotMore::NoLiquidity
        } else if (lots - relaxed).abs() > 1e-6 {
            WhyNotMore::Rounded { fractional: relaxed }
        } else if lots > 0.0 && lots >= most.bought * (1.0 - AT) {
            WhyNotMore::AtLimit { side: Side::Bought, worth: (-buying).max(0.0) }
        } else if lots < 0.0 && -lots >= most.sold * (1.0 - AT) {
            WhyNotMore::AtLimit { side: Side::Sold, worth: (-selling).max(0.0) }
        } else if lots == 0.0 {
            WhyNotMore::NotWorth { bought: buying.max(0.0), sold: selling.max(0.0) }
        } else {
            WhyNotMore::Balanced { limits: limits(problem, form, (number, found.multipliers)) }
        };
        trades.push(Trade {
            instrument: given.name.clone(),
            lots,
            quantity: lots * given.lot,
            cost: CostSplit { trading: linear, impact, beyond_bands: 0.0 },
            why,
        });
    }
    trades
}

/// Rows and the venue that an instrument touches and whose limit has a price.
fn limits(problem: &Problem, form: &Form, (number, prices): (usize, &Multipliers)) -> Vec<String> {
    let touched = |k: usize| form.rows[k].moves.iter().any(|(j, _)| *j == number);
    let mut names: Vec<String> = (0..form.rows.len())
        .filter(|k| prices.rows[*k] != 0.0 && touched(*k))
        .map(|k| problem.rows[k].name.clone())
        .collect();
    if let Some((venue, _)) = form.instruments[number].margin.filter(|(v, _)| prices.venues[*v] != 0.0) {
        names.push(problem.venues[venue].name.clone());
    }
    names
}

fn tail_state(problem: &Problem, form: &Form, found: &Found<'_>) -> Option<TailState> {
    let (Aim::Tail { tail, .. } | Aim::CostWithin { tail, .. }) = &problem.aim else { return None };
    let mut weights: Vec<(usize, f64)> =
        found.multipliers.scenarios.iter().copied().filter(|(_, weight)| *weight > 0.0).collect();
    weights.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    Some(TailState {
        before: tail_risk(&tail.losses, tail.alpha)?,
        after: tail_risk(&form.losses(found.lots), tail.alpha)?,
        budget: form.tail.as_ref().and_then(|t| t.budget),
        price: -found.multipliers.budget,
        weights,
    })
}
