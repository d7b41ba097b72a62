//! A whole book unwound: what offsets goes in step, what is left by Almgren and Chriss.
//!
//! Per underlying, longs and shorts net. The part of each leg that another leg offsets is closed evenly over the time, both sides in step: it
//! carries no delta while it is there, so nothing hurries it. The rest of the larger side, the net, follows Almgren and Chriss at each leg's
//! own impact; its variance is that of the net of all underlyings together, by their covariance. So a hedged book costs impact and no
//! haste, and an unhedged one trades haste against risk.
//!
//! A leg that its cap does not let go in time takes the time that it needs and offsets nothing: the others do not wait for it. What it risks
//! meanwhile is in the standard deviation.

use super::{Costs, Order, Schedule, ScheduleError, almgren_chriss, capped};

/// One position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Leg {
    /// Which underlying, by its place in [`Correlated`].
    pub underlying: usize,
    /// Units held, long positive: coins, or contracts of an option.
    pub held: f64,
    /// Coins of delta in a unit: 1 for a coin.
    pub delta: f64,
    /// What trading a unit costs, and how it moves alone.
    pub costs: Costs,
    /// Units that may be traded in a day; infinite without a cap.
    pub most_per_day: f64,
}

impl Leg {
    fn coins(&self) -> f64 {
        self.held * self.delta
    }
}

/// How the underlyings move, per coin.
#[derive(Debug, Clone, PartialEq)]
pub struct Correlated {
    /// Standard deviation of a day's price change by underlying, USD a coin.
    pub daily_sd: Vec<f64>,
    /// Correlations, row by row, as many as underlyings squared.
    pub correlation: Vec<f64>,
}

/// How a book is unwound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// Days it may take; more for a leg whose cap needs them.
    pub days: f64,
    /// Number of trades of each leg.
    pub steps: u32,
    /// The price of variance, 1/USD.
    pub risk_aversion: f64,
}

/// One leg's part of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Unwound {
    /// Its trades. The standard deviation is that of the leg alone.
    pub schedule: Schedule,
    /// How much of it another leg offsets, as a fraction.
    pub offset_share: f64,
    /// Cost and priced risk of the rest beyond the optimum without a cap in the same time, USD.
    pub missed_by_cap_usd: f64,
}

/// The whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Unwind {
    /// In the order of the legs.
    pub legs: Vec<Unwound>,
    /// Days until all is gone.
    pub days: f64,
    /// Expected cost, USD.
    pub cost_usd: f64,
    /// Standard deviation of what the book gains or loses meanwhile, USD.
    pub sd_usd: f64,
    /// Days at which something is traded, from 0 on.
    pub times: Vec<f64>,
    /// Net delta by underlying at the start and after each of the times but the first, coins.
    pub net: Vec<Vec<f64>>,
    /// What the caps make the legs miss, USD.
    pub missed_by_caps_usd: f64,
}

/// Unwinds a book.
///
/// # Errors
/// When a number is none, or a leg has an underlying that is not there.
pub fn flatten(legs: &[Leg], market: &Correlated, plan: Plan) -> Result<Unwind, ScheduleError> {
    let count = market.daily_sd.len();
    if market.correlation.len() != count * count {
        return Err(ScheduleError::Number {
            what: "the correlations",
            rule: "as many as underlyings squared",
        });
    }
    if legs.iter().any(|leg| leg.underlying >= count) {
        return Err(ScheduleError::Number { what: "the underlying of a leg", rule: "one that has a vol" });
    }
    unwind(legs, market, plan)
}

/// The time that a leg takes.
fn days(leg: &Leg, plan: Plan) -> f64 {
    // The last digit of a division decides nothing.
    let needed = leg.held.abs() / leg.most_per_day;
    if needed > plan.days * (1.0 + 1e-12) { needed } else { plan.days }
}

fn is_in_time(leg: &Leg, plan: Plan) -> bool {
    days(leg, plan) <= plan.days
}

fn unwind(legs: &[Leg], market: &Correlated, plan: Plan) -> Result<Unwind, ScheduleError> {
    let mut sides = vec![(0.0, 0.0); market.daily_sd.len()];
    for leg in legs.iter().filter(|leg| is_in_time(leg, plan)) {
        if let Some((long, short)) = sides.get_mut(leg.underlying) {
            *long += leg.coins().max(0.0);
            *short += (-leg.coins()).max(0.0);
        }
    }
    let offset = |leg: &Leg| {
        let (long, short) = sides.get(leg.underlying).copied().unwrap_or_default();
        let own = if leg.coins() > 0.0 { long } else { short };
        if own > 0.0 && is_in_time(leg, plan) { f64::min(long, short) / own } else { 0.0 }
    };
    let one = |leg| one(leg, offset(leg), Plan { days: days(leg, plan), ..plan });
    let worked: Vec<Unwound> = legs.iter().map(one).collect::<Result<_, _>>()?;
    let times = times(&worked);
    let net = net((legs, &worked), market.daily_sd.len(), &times);
    let cost_usd = worked.iter().map(|unwound| unwound.schedule.cost_usd).sum();
    let sd_usd = deviation(&net, market, &times);
    let days = legs.iter().map(|leg| days(leg, plan)).fold(plan.days, f64::max);
    let missed_by_caps_usd = worked.iter().map(|unwound| unwound.missed_by_cap_usd).sum();
    Ok(Unwind { legs: worked, days, cost_usd, sd_usd, times, net, missed_by_caps_usd })
}

/// The part that is offset evenly, the net by Almgren and Chriss under what the cap leaves.
fn one(leg: &Leg, offset_share: f64, plan: Plan) -> Result<Unwound, ScheduleError> {
    let step = plan.days / f64::from(plan.steps);
    let even = leg.held * offset_share / f64::from(plan.steps);
    let rest = leg.held * (1.0 - offset_share);
    let order = Order { held: rest, days: plan.days, steps: plan.steps };
    let room = leg.most_per_day.mul_add(step, -even.abs());
    // A leg that is offset whole leaves no room and needs none.
    let room = if rest == 0.0 { f64::INFINITY } else { room.max(f64::MIN_POSITIVE) };
    let net = capped(order, leg.costs, (plan.risk_aversion, room))?;
    let best = almgren_chriss(order, leg.costs, plan.risk_aversion)?;
    let missed_by_cap_usd = net.objective_usd(plan.risk_aversion) - best.objective_usd(plan.risk_aversion);
    let trades = net.trades.iter().map(|trade| even + trade).collect();
    Ok(Unwound { schedule: Schedule::of_trades(trades, leg.costs, step), offset_share, missed_by_cap_usd })
}

fn time(step: usize, schedule: &Schedule) -> f64 {
    #[allow(clippy::cast_precision_loss)] // steps of a schedule
    let step = step as f64;
    step * schedule.step_days
}

/// Every time at which a step of a leg begins or ends, in order, each once.
fn times(worked: &[Unwound]) -> Vec<f64> {
    let steps = worked.iter().flat_map(|unwound| {
        let places = 0..unwound.schedule.holdings.len();
        places.map(|step| time(step, &unwound.schedule))
    });
    let mut times: Vec<f64> = steps.collect();
    times.sort_by(f64::total_cmp);
    times.dedup_by(|a, b| a.total_cmp(b).is_eq());
    times
}

/// Net delta by underlying: at the start, then what is held until each time. A step's holding is what is left once its trade is
/// done, from its beginning on, as in the variance of Almgren and Chriss.
fn net((legs, worked): (&[Leg], &[Unwound]), count: usize, times: &[f64]) -> Vec<Vec<f64>> {
    let mut net = vec![vec![0.0; times.len()]; count];
    for (leg, Unwound { schedule, .. }) in legs.iter().zip(worked) {
        let Some(path) = net.get_mut(leg.underlying) else { continue };
        let mut step = 0;
        for (sum, until) in path.iter_mut().zip(times) {
            while step + 1 < schedule.holdings.len() && time(step, schedule) < *until {
                step += 1;
            }
            *sum += leg.delta * schedule.holdings.get(step).copied().unwrap_or(0.0);
        }
    }
    net
}

/// Root of the sum over time of the variance of the net that is still there.
fn deviation(net: &[Vec<f64>], market: &Correlated, times: &[f64]) -> f64 {
    let usd = |place: usize, point: usize| {
        let sd = market.daily_sd.get(place).copied().unwrap_or_default();
        net.get(place).and_then(|path| path.get(point)).copied().unwrap_or_default() * sd
    };
    let count = market.daily_sd.len();
    let mut variance = 0.0;
    for (point, pair) in (1..).zip(times.windows(2)) {
        let days: f64 = pair.iter().rev().copied().reduce(|end, start| end - start).unwrap_or_default();
        for (place, correlation) in market.correlation.iter().enumerate() {
            variance += days * correlation * usd(place / count, point) * usd(place % count, point);
        }
    }
    variance.max(0.0).sqrt()
}
