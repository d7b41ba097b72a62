//! What a policy did over all kinds of positions: plain means over kinds, and in how many of them it is told apart from a clock.

use super::plan::{DeltaDefinition, Plan};
use super::summary::{Difference, Interval, mean};
use super::sweep::{Cell, Sweep};

/// In how many kinds the interval of a difference lies on one side of zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Verdicts {
    /// Kinds in which the policy is better.
    pub better: usize,
    /// Kinds in which it is worse.
    pub worse: usize,
}

impl Verdicts {
    fn add(&mut self, interval: Interval, good: Good) {
        let (below, above) = (usize::from(interval.high < 0.0), usize::from(interval.low > 0.0));
        let (better, worse) = if good == Good::Less { (below, above) } else { (above, below) };
        self.better += better;
        self.worse += worse;
    }
}

/// Which way a figure is better.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Good {
    More,
    Less,
}

/// One policy and delta over all kinds, fractions of the notional.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Pooled {
    /// By which delta.
    pub delta: DeltaDefinition,
    /// The policy's place in the plan.
    pub policy: usize,
    /// Kinds that have positions.
    pub kinds: usize,
    /// Positions in all of them.
    pub positions: usize,
    /// Mean of means.
    pub mean: f64,
    /// Mean of standard deviations.
    pub sd: f64,
    /// Mean of the mean losses of the worst 5 %.
    pub cvar95: f64,
    /// The worst position of all.
    pub worst: f64,
    /// Mean cost of hedging.
    pub hedge_cost: f64,
    /// Mean of what was traded of the hedge.
    pub turnover: f64,
    /// Mean number of trades.
    pub trades: f64,
    /// Mean against the best clock.
    pub mean_against_best: Verdicts,
    /// Standard deviation against the best clock.
    pub sd_against_best: Verdicts,
    /// Loss in the tail against the best clock.
    pub cvar95_against_best: Verdicts,
    /// Mean against the clock that costs at least as much.
    pub mean_against_dearer: Verdicts,
    /// Standard deviation against that clock.
    pub sd_against_dearer: Verdicts,
    /// Loss in the tail against that clock.
    pub cvar95_against_dearer: Verdicts,
    /// Mean against the net delta under the same policy.
    pub mean_against_net: Verdicts,
    /// Standard deviation against that delta.
    pub sd_against_net: Verdicts,
    /// Loss in the tail against that delta.
    pub cvar95_against_net: Verdicts,
}

/// Every policy and delta of a plan, in its order.
#[must_use]
pub fn pooled(plan: &Plan, sweep: &Sweep) -> Vec<Pooled> {
    let mut all = Vec::new();
    for delta in &plan.deltas {
        for policy in 0..plan.policies.len() {
            let is_its = |cell: &&Cell| cell.delta == *delta && cell.policy == policy;
            let cells: Vec<&Cell> =
                sweep.cells.iter().filter(is_its).filter(|cell| cell.summary.positions > 0).collect();
            if !cells.is_empty() {
                all.push(one((*delta, policy), &cells));
            }
        }
    }
    all
}

fn one((delta, policy): (DeltaDefinition, usize), cells: &[&Cell]) -> Pooled {
    let mean_of = |of: fn(&Cell) -> f64| mean(&cells.iter().map(|cell| of(cell)).collect::<Vec<f64>>());
    let verdicts = |of: fn(&Cell) -> Option<&Difference>, figure: fn(&Difference) -> Interval, good: Good| {
        let mut verdicts = Verdicts::default();
        cells.iter().filter_map(|cell| of(cell)).for_each(|less| verdicts.add(figure(less), good));
        verdicts
    };
    let best: fn(&Cell) -> Option<&Difference> = |cell| cell.against_best.as_ref().map(|c| &c.difference);
    let dearer: fn(&Cell) -> Option<&Difference> = |cell| cell.against_dearer.as_ref().map(|c| &c.difference);
    let net: fn(&Cell) -> Option<&Difference> = |cell| cell.against_net.as_ref();
    let mean_gain: fn(&Difference) -> Interval = |less| less.mean;
    let sd: fn(&Difference) -> Interval = |less| less.sd;
    let tail: fn(&Difference) -> Interval = |less| less.cvar95;
    Pooled {
        delta,
        policy,
        kinds: cells.len(),
        positions: cells.iter().map(|cell| cell.summary.positions).sum(),
        mean: mean_of(|cell| cell.summary.mean),
        sd: mean_of(|cell| cell.summary.sd),
        cvar95: mean_of(|cell| cell.summary.cvar95),
        worst: cells.iter().map(|cell| cell.summary.worst).fold(f64::INFINITY, f64::min),
        hedge_cost: mean_of(|cell| cell.summary.hedge_cost),
        turnover: mean_of(|cell| cell.summary.turnover),
        trades: mean_of(|cell| cell.summary.trades),
        mean_against_best: verdicts(best, mean_gain, Good::More),
        sd_against_best: verdicts(best, sd, Good::Less),
        cvar95_against_best: verdicts(best, tail, Good::Less),
        mean_against_dearer: verdicts(dearer, mean_gain, Good::More),
        sd_against_dearer: verdicts(dearer, sd, Good::Less),
        cvar95_against_dearer: verdicts(dearer, tail, Good::Less),
        mean_against_net: verdicts(net, mean_gain, Good::More),
        sd_against_net: verdicts(net, sd, Good::Less),
        cvar95_against_net: verdicts(net, tail, Good::Less),
    }
}
