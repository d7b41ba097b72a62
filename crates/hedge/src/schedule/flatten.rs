//! A whole book unwound: what offsets goes in step, what is left by Almgren and Chriss.
//!
//! Each leg has a time: that of the plan, or what its cap needs. Per underlying, longs and shorts are paired from the slowest on. The two
//! halves of a pair are closed evenly over the longer of their times, in step: they carry no delta while they are there, so nothing
//! hurries them, and a slow position keeps its hedge until it is gone. What finds no partner is the net; it follows Almgren and Chriss at
//! its own impact and in its own time. So the net delta of an underlying never grows on the way out, a hedged book costs impact and no
//! haste, and an unhedged one trades haste against risk.
//!
//! The parts of a leg are traded at once: their rates add, and impact is that of the sum. Caps hold for the sum, because a pair takes
//! no less time than either of its legs.

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
    /// Days it may take; more for a leg whose cap needs them, and for what hedges it.
    pub days: f64,
    /// Number of trades of each part.
    pub steps: u32,
    /// The price of variance, 1/USD.
    pub risk_aversion: f64,
}

/// One leg's way out.
#[derive(Debug, Clone, PartialEq)]
pub struct Unwound {
    /// What goes in step with other legs, a schedule a pair, and last what is left.
    pub parts: Vec<Schedule>,
    /// Days at which a step of a part ends, from 0 on.
    pub times: Vec<f64>,
    /// Units held at the start and after each of the times but the first.
    pub holdings: Vec<f64>,
    /// Expected cost, USD.
    pub cost_usd: f64,
    /// How much of it other legs offset, as a fraction.
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
    /// Net delta by underlying at the start and until each of the times but the first, coins.
    pub net: Vec<Vec<f64>>,
    /// What the caps make the legs miss, USD.
    pub missed_by_caps_usd: f64,
}

/// A part of a leg that another leg offsets.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Paired {
    units: f64,
    days: f64,
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
    let paired = pairs((legs, count), plan);
    let worked = legs.iter().zip(&paired).map(|(leg, paired)| one(leg, paired, plan));
    let worked: Vec<Unwound> = worked.collect::<Result<_, _>>()?;
    let times = times(worked.iter().flat_map(|unwound| &unwound.parts));
    let net = net((legs, &worked), count, &times);
    Ok(Unwind {
        days: times.last().copied().unwrap_or(0.0),
        cost_usd: worked.iter().map(|unwound| unwound.cost_usd).sum(),
        sd_usd: deviation(&net, market, &times),
        missed_by_caps_usd: worked.iter().map(|unwound| unwound.missed_by_cap_usd).sum(),
        legs: worked,
        times,
        net,
    })
}

/// The time that a leg takes.
fn days(leg: &Leg, plan: Plan) -> f64 {
    // The last digit of a division decides nothing.
    let needed = leg.held.abs() / leg.most_per_day;
    if needed > plan.days * (1.0 + 1e-12) { needed } else { plan.days }
}

/// What of each leg another one offsets: the slowest long with the slowest short first.
fn pairs((legs, count): (&[Leg], usize), plan: Plan) -> Vec<Vec<Paired>> {
    let mut paired = vec![Vec::new(); legs.len()];
    for underlying in 0..count {
        let side = |sign: f64| {
            let ours = legs.iter().enumerate().filter(|(_, leg)| leg.underlying == underlying);
            let mut side: Vec<(usize, &Leg)> = ours.filter(|(_, leg)| leg.coins() * sign > 0.0).collect();
            side.sort_by(|a, b| days(b.1, plan).total_cmp(&days(a.1, plan)).then(a.0.cmp(&b.0)));
            side.into_iter().map(|(place, leg)| (place, leg, leg.coins().abs()))
        };
        let (mut longs, mut shorts) = (side(1.0), side(-1.0));
        let (mut long, mut short) = (longs.next(), shorts.next());
        while let (Some((bought, ours, has)), Some((sold, theirs, owes))) = (long, short) {
            let coins = f64::min(has, owes);
            let days = f64::max(days(ours, plan), days(theirs, plan));
            for (place, leg) in [(bought, ours), (sold, theirs)] {
                let units = (coins / leg.delta.abs()).copysign(leg.held);
                paired
                    .get_mut(place)
                    .into_iter()
                    .for_each(|parts: &mut Vec<Paired>| parts.push(Paired { units, days }));
            }
            long = if has > owes { Some((bought, ours, has - coins)) } else { longs.next() };
            short = if owes > has { Some((sold, theirs, owes - coins)) } else { shorts.next() };
        }
    }
    paired
}

/// Pairs evenly, the rest by Almgren and Chriss under what the cap leaves.
fn one(leg: &Leg, paired: &[Paired], plan: Plan) -> Result<Unwound, ScheduleError> {
    let steps = plan.steps as usize;
    let even = |part: &Paired| {
        let step = part.days / f64::from(plan.steps);
        Schedule::of_trades(vec![part.units / f64::from(plan.steps); steps], leg.costs, step)
    };
    let mut parts: Vec<Schedule> = paired.iter().map(even).collect();
    let offset: f64 = paired.iter().map(|part| part.units).sum();
    let rest = leg.held - offset;
    let mut missed_by_cap_usd = 0.0;
    // What rounding leaves of a leg that is offset whole is no position.
    if paired.is_empty() || rest.abs() > 1e-12 * leg.held.abs() {
        let order = Order { held: rest, days: days(leg, plan), steps: plan.steps };
        let rate: f64 = paired.iter().map(|part| part.units.abs() / part.days).sum();
        let room = (leg.most_per_day - rate) * order.step_days();
        let room = room.max(rest.abs() / f64::from(plan.steps)).max(f64::MIN_POSITIVE);
        let net = capped(order, leg.costs, (plan.risk_aversion, room))?;
        let best = almgren_chriss(order, leg.costs, plan.risk_aversion)?;
        missed_by_cap_usd = net.objective_usd(plan.risk_aversion) - best.objective_usd(plan.risk_aversion);
        parts.push(net);
    }
    let times = times(&parts);
    let mut holdings = vec![0.0; times.len()];
    for part in &parts {
        for (sum, time) in holdings.iter_mut().zip(&times) {
            *sum += left(part, *time);
        }
    }
    let cost_usd = cost(leg, &parts, &times);
    let offset_share = if leg.held == 0.0 { 0.0 } else { (offset / leg.held).min(1.0) };
    Ok(Unwound { parts, times, holdings, cost_usd, offset_share, missed_by_cap_usd })
}

/// Expected cost of parts that are traded at once. USD.
fn cost(leg: &Leg, parts: &[Schedule], times: &[f64]) -> f64 {
    let mut sum = (0.5 * leg.costs.permanent * leg.held).mul_add(leg.held, leg.costs.fixed * leg.held.abs());
    for (start, end) in times.iter().zip(times.iter().skip(1)) {
        let days = end - start;
        let rate: f64 = parts.iter().map(|part| rate(part, *end)).sum();
        sum += leg.costs.reduced(days) * rate * rate * days;
    }
    sum
}

fn time(step: usize, schedule: &Schedule) -> f64 {
    #[allow(clippy::cast_precision_loss)] // steps of a schedule
    let step = step as f64;
    step * schedule.step_days
}

/// The step that ends at a time or is under way just before it; 0 at the start.
fn step_until(schedule: &Schedule, until: f64) -> usize {
    let ends = 0..schedule.trades.len();
    ends.filter(|step| time(*step, schedule) < until).count()
}

/// Units a day that are traded just before a time.
fn rate(schedule: &Schedule, until: f64) -> f64 {
    if until > time(schedule.trades.len(), schedule) {
        return 0.0;
    }
    let step = step_until(schedule, until).checked_sub(1);
    step.and_then(|step| schedule.trades.get(step)).map_or(0.0, |trade| trade / schedule.step_days)
}

/// Units that are left at a time, traded at an even rate within a step.
fn left(schedule: &Schedule, at: f64) -> f64 {
    let step = step_until(schedule, at);
    let kept = schedule.holdings.get(step).copied().unwrap_or(0.0);
    if step == 0 || at > time(schedule.trades.len(), schedule) {
        return kept;
    }
    rate(schedule, at).mul_add(time(step, schedule) - at, kept)
}

/// Every time at which a step begins or ends, in order, each once.
fn times<'a>(schedules: impl IntoIterator<Item = &'a Schedule>) -> Vec<f64> {
    let steps = schedules.into_iter().flat_map(|schedule| {
        let places = 0..schedule.holdings.len();
        places.map(|step| time(step, schedule))
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
    for (leg, unwound) in legs.iter().zip(worked) {
        let Some(path) = net.get_mut(leg.underlying) else { continue };
        for schedule in &unwound.parts {
            for (sum, until) in path.iter_mut().zip(times) {
                let step = step_until(schedule, *until);
                *sum += leg.delta * schedule.holdings.get(step).copied().unwrap_or(0.0);
            }
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
    for (point, (start, end)) in (1..).zip(times.iter().zip(times.iter().skip(1))) {
        for (place, correlation) in market.correlation.iter().enumerate() {
            variance += (end - start) * correlation * usd(place / count, point) * usd(place % count, point);
        }
    }
    variance.max(0.0).sqrt()
}
