//! What came of it: gains of every interval, and the figures made of them.

use super::IntervalsError;
use super::frame::CoinFrame;
use super::pair::{Hedged, Skipped};
use super::plan::{Dynamics, Plan};
use crate::statistics::{
    Bootstrap, DieboldMariano, Interval, Lags, LowerTail, block_interval, diebold_mariano, lower_tail, mean,
    mean_absolute, mean_by_group, quantile, root_mean_square, variance, weighted_lower_tail,
};
use hedge::delta::QuadraticMove;
use market::surface::{Drop, SkewStickiness};
use std::collections::BTreeMap;
use units::Timestamp;

/// How much there was.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Counts {
    /// Snapshots with the coin.
    pub snapshots: u64,
    /// Quotes in all of them.
    pub raw: u64,
    /// Kept by the filter.
    pub kept: u64,
    /// Dropped by the filter.
    pub dropped: BTreeMap<Drop, u64>,
    /// Kept, but without a vol to take a delta at.
    pub without_vol: u64,
    /// Median over snapshots of how many are kept.
    pub median_kept: Option<f64>,
    /// Drawn to be judged, the last snapshot's among them.
    pub held_out: u64,
    /// Drawn in the last snapshot, after which there is no other.
    pub held_out_last: u64,
    /// Judged.
    pub intervals: u64,
    /// Pairs of snapshots with anything judged.
    pub snapshot_pairs: u64,
    /// Drawn, but without an interval.
    pub skipped: BTreeMap<Skipped, u64>,
    /// Median length of an interval, hours.
    pub median_hours: Option<f64>,
    /// The longest, hours.
    pub longest_hours: Option<f64>,
}

/// Figures of one coin.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// How much there was.
    pub counts: Counts,
    /// The option sold and left alone: root mean square, in coin or USD.
    pub unhedged_rmse: f64,
    /// Its low quantile and shortfall.
    pub unhedged_tail: LowerTail,
    /// In the order of the plan; empty without an interval.
    pub strategies: Vec<StrategyOutcome>,
}

/// Figures of one strategy. Gains in coin or USD, as the accounting says; reductions are shares of the unhedged figure.
#[derive(Debug, Clone, PartialEq)]
pub struct StrategyOutcome {
    /// As in the plan.
    pub name: String,
    /// Root mean square of the hedged gain.
    pub rmse: f64,
    /// One less hedged over unhedged root mean square.
    pub rmse_reduction: f64,
    /// Its confidence interval.
    pub rmse_reduction_interval: Option<Interval>,
    /// Of the mean absolute gain.
    pub mae_reduction: f64,
    /// Of the variance.
    pub variance_reduction: f64,
    /// Share of intervals whose hedged gain is nearer to zero.
    pub hit_rate: f64,
    /// Mean hedged gain.
    pub mean: f64,
    /// Low quantile and shortfall of the hedged gain.
    pub tail: LowerTail,
    /// Against the baseline; none for the baseline itself.
    pub against_baseline: Option<AgainstBaseline>,
    /// Intervals where no slope of the smile was known: sticky strike.
    pub without_smile: u64,
    /// Intervals without a call and a put for the vega leg: delta only.
    pub without_leg: u64,
    /// Share of the pairs of snapshots in which a learnt move was in use; none for what does not learn.
    pub learnt_share: Option<f64>,
    /// The learnt move that is known at the end.
    pub last_quadratic: Option<QuadraticMove>,
}

/// One strategy against the baseline, on the same intervals. Positive is better.
#[derive(Debug, Clone, PartialEq)]
pub struct AgainstBaseline {
    /// Of squared gains, averaged by snapshot: baseline less strategy.
    pub squared: Option<DieboldMariano>,
    /// Of absolute gains.
    pub absolute: Option<DieboldMariano>,
    /// Share of the baseline's root mean square that is gone.
    pub rmse_gain: f64,
    /// Its confidence interval.
    pub rmse_gain_interval: Option<Interval>,
    /// Shortfall less that of the baseline: how much smaller the losses of the tail are.
    pub shortfall_gain: f64,
    /// Its confidence interval.
    pub shortfall_gain_interval: Option<Interval>,
}

/// Of gains.
type Figure = fn(&[f64]) -> Option<f64>;

/// Gains side by side.
#[derive(Debug)]
pub(super) struct Pile {
    counts: Counts,
    kept_by_snapshot: Vec<f64>,
    hours: Vec<f64>,
    times: Vec<Timestamp>,
    unhedged: Vec<f64>,
    hedged: Vec<Column>,
}

/// One strategy's.
#[derive(Debug, Default)]
struct Column {
    gains: Vec<f64>,
    without_smile: u64,
    without_leg: u64,
    learnt: u64,
    last: Option<QuadraticMove>,
}

impl Pile {
    pub(super) fn new(plan: &Plan) -> Self {
        Self {
            counts: Counts::default(),
            kept_by_snapshot: Vec::new(),
            hours: Vec::new(),
            times: Vec::new(),
            unhedged: Vec::new(),
            hedged: plan.strategies.iter().map(|_| Column::default()).collect(),
        }
    }

    pub(super) fn count(&mut self, frame: &CoinFrame) {
        let counts = &mut self.counts;
        counts.snapshots += 1;
        counts.raw += frame.raw;
        counts.kept += frame.kept();
        counts.without_vol += frame.without_vol;
        counts.held_out_last = frame.held_out();
        counts.held_out += counts.held_out_last;
        for (reason, count) in &frame.dropped {
            *counts.dropped.entry(*reason).or_default() += count;
        }
        #[allow(clippy::cast_precision_loss)] // counts
        self.kept_by_snapshot.push(frame.kept() as f64);
    }

    pub(super) fn skip(&mut self, reason: Skipped) {
        *self.counts.skipped.entry(reason).or_default() += 1;
    }

    pub(super) fn add(&mut self, from: Timestamp, unhedged: f64, hedged: &[Hedged]) {
        self.counts.intervals += 1;
        self.times.push(from);
        self.unhedged.push(unhedged);
        for (column, own) in self.hedged.iter_mut().zip(hedged) {
            column.gains.push(own.gain);
            column.without_smile += u64::from(own.lacks_smile());
            column.without_leg += u64::from(own.lacks_leg());
        }
    }

    /// A pair of snapshots is over.
    pub(super) fn interval(&mut self, hours: f64, learnt: &[Option<QuadraticMove>]) {
        self.counts.snapshot_pairs += 1;
        self.hours.push(hours);
        for (column, learnt) in self.hedged.iter_mut().zip(learnt) {
            column.learnt += u64::from(learnt.is_some());
            column.last = learnt.or(column.last);
        }
    }

    pub(super) fn outcome(mut self, plan: &Plan) -> Result<Outcome, IntervalsError> {
        self.counts.median_kept = quantile(&self.kept_by_snapshot, 0.5);
        self.counts.median_hours = quantile(&self.hours, 0.5);
        self.counts.longest_hours = quantile(&self.hours, 1.0);
        let nothing = LowerTail { quantile: f64::NAN, shortfall: f64::NAN };
        let unhedged_rmse = root_mean_square(&self.unhedged).unwrap_or(f64::NAN);
        let unhedged_tail = lower_tail(&self.unhedged, plan.tail).unwrap_or(nothing);
        let groups = Groups::new(&self.times);
        let places = 0..self.hedged.len();
        let figures = |place| self.strategy((plan, place), &groups);
        let strategies: Result<Vec<Option<StrategyOutcome>>, IntervalsError> = places.map(figures).collect();
        let strategies = strategies?.into_iter().flatten().collect();
        Ok(Outcome { counts: self.counts, unhedged_rmse, unhedged_tail, strategies })
    }

    fn strategy(
        &self,
        (plan, place): (&Plan, usize),
        groups: &Groups,
    ) -> Result<Option<StrategyOutcome>, IntervalsError> {
        let (Some(strategy), Some(column), Some(base)) =
            (plan.strategies.get(place), self.hedged.get(place), self.hedged.get(plan.baseline))
        else {
            return Ok(None);
        };
        let reduction = |of: Figure| Some(1.0 - of(&column.gains)? / of(&self.unhedged)?);
        let Some(plain) = plain_figures(plan, column, &reduction) else { return Ok(None) };
        let squares = |gains: &[f64]| groups.sums(gains.iter().map(|gain| gain * gain));
        let (own, unhedged) = (squares(&column.gains), squares(&self.unhedged));
        let bootstrap = &plan.bootstrap;
        let against = |other: &[f64]| rmse_interval(bootstrap, &own, other);
        let against_baseline = if place == plan.baseline {
            None
        } else {
            Some(AgainstBaseline {
                squared: self.test(column, base, |gain| gain * gain),
                absolute: self.test(column, base, f64::abs),
                rmse_gain: 1.0 - plain.rmse / root_mean_square(&base.gains).unwrap_or(f64::NAN),
                rmse_gain_interval: against(&squares(&base.gains))?,
                shortfall_gain: plain.tail.shortfall
                    - lower_tail(&base.gains, plan.tail).map_or(f64::NAN, |tail| tail.shortfall),
                shortfall_gain_interval: groups.shortfall_interval(plan, (&column.gains, &base.gains))?,
            })
        };
        let hits =
            column.gains.iter().zip(&self.unhedged).filter(|(own, bare)| own.abs() < bare.abs()).count();
        let learns = matches!(strategy.delta.dynamics, Dynamics::MinimumVariance(..));
        #[allow(clippy::cast_precision_loss)] // counts
        let share = |part: u64, whole: u64| part as f64 / whole as f64;
        Ok(Some(StrategyOutcome {
            name: strategy.name.clone(),
            rmse_reduction_interval: against(&unhedged)?,
            hit_rate: share(hits as u64, self.counts.intervals),
            against_baseline,
            without_smile: if needs_slope(strategy.delta.dynamics) { column.without_smile } else { 0 },
            without_leg: column.without_leg,
            learnt_share: learns.then(|| share(column.learnt, self.counts.snapshot_pairs)),
            last_quadratic: column.last,
            ..plain
        }))
    }

    /// Differentials by snapshot: baseline less strategy.
    fn test(&self, own: &Column, base: &Column, loss: fn(f64) -> f64) -> Option<DieboldMariano> {
        let differences = base.gains.iter().zip(&own.gains).map(|(base, own)| loss(*base) - loss(*own));
        let by_snapshot = mean_by_group(self.times.iter().copied().zip(differences));
        let series: Vec<f64> = by_snapshot.into_iter().map(|(_, difference)| difference).collect();
        diebold_mariano(&series, Lags::Automatic)
    }
}

fn needs_slope(dynamics: Dynamics) -> bool {
    matches!(dynamics, Dynamics::AlongSmile(ratio) if ratio != SkewStickiness::STICKY_STRIKE)
}

/// What needs no baseline and no draws; none without an interval.
fn plain_figures(
    plan: &Plan,
    column: &Column,
    reduction: &dyn Fn(Figure) -> Option<f64>,
) -> Option<StrategyOutcome> {
    Some(StrategyOutcome {
        name: String::new(),
        rmse: root_mean_square(&column.gains)?,
        rmse_reduction: reduction(root_mean_square)?,
        rmse_reduction_interval: None,
        mae_reduction: reduction(mean_absolute)?,
        variance_reduction: reduction(variance)?,
        hit_rate: f64::NAN,
        mean: mean(&column.gains)?,
        tail: lower_tail(&column.gains, plan.tail)?,
        against_baseline: None,
        without_smile: 0,
        without_leg: 0,
        learnt_share: None,
        last_quadratic: None,
    })
}

/// One less root of summed squares over that of others, over the draws.
fn rmse_interval(
    bootstrap: &Bootstrap,
    own: &[f64],
    other: &[f64],
) -> Result<Option<Interval>, IntervalsError> {
    let weighted =
        |sums: &[f64], times: &[u32]| sums.iter().zip(times).map(|(sum, n)| sum * f64::from(*n)).sum::<f64>();
    let figure = |times: &[u32]| {
        let against = weighted(other, times);
        (against > 0.0).then(|| 1.0 - (weighted(own, times) / against).sqrt())
    };
    Ok(block_interval(bootstrap, own.len(), figure)?)
}

/// Which snapshot each interval began at, counted from zero.
struct Groups {
    of: Vec<usize>,
    sizes: Vec<u32>,
}

impl Groups {
    fn new(times: &[Timestamp]) -> Self {
        let mut groups = Self { of: Vec::with_capacity(times.len()), sizes: Vec::new() };
        let mut last = None;
        for time in times {
            if last.replace(*time) != Some(*time) {
                groups.sizes.push(0);
            }
            groups.of.push(groups.sizes.len() - 1);
            if let Some(size) = groups.sizes.last_mut() {
                *size += 1;
            }
        }
        groups
    }

    fn sums(&self, values: impl Iterator<Item = f64>) -> Vec<f64> {
        let mut sums = vec![0.0; self.sizes.len()];
        for (value, group) in values.zip(&self.of) {
            if let Some(sum) = sums.get_mut(*group) {
                *sum += value;
            }
        }
        sums
    }

    /// Of the difference of shortfalls: strategy less baseline.
    fn shortfall_interval(
        &self,
        plan: &Plan,
        (own, base): (&[f64], &[f64]),
    ) -> Result<Option<Interval>, IntervalsError> {
        let ascending = |gains: &[f64]| {
            let mut sorted: Vec<(f64, usize)> = gains.iter().copied().zip(self.of.iter().copied()).collect();
            sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            sorted
        };
        let (own, base) = (ascending(own), ascending(base));
        let figure = |times: &[u32]| {
            let total = self.sizes.iter().zip(times).map(|(size, n)| u64::from(*size) * u64::from(*n)).sum();
            let of = |sorted: &[(f64, usize)]| weighted_lower_tail(sorted, times, (plan.tail, total));
            Some(of(&own)?.shortfall - of(&base)?.shortfall)
        };
        Ok(block_interval(&plan.bootstrap, self.sizes.len(), figure)?)
    }
}
