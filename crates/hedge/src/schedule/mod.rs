//! Orders over time: the schedule of Almgren and Chriss, under a participation cap, and a whole book unwound.
//!
//! ```text
//! eta~ = eta - gamma tau / 2      kappa~² = lambda sigma² / eta~      kappa = acosh(1 + kappa~² tau² / 2) / tau
//! x_j  = X sinh(kappa (T - t_j)) / sinh(kappa T)                       what is still held after step j
//! E    = gamma X² / 2 + epsilon sum |n_j| + eta~ / tau sum n_j²        cost, USD
//! Var  = sigma² tau sum x_j²                                           USD²
//! ```
//!
//! `X` is signed (long is positive, the schedule sells), `n_j` the coins traded in step j, `tau = T / N` its length in days, `sigma` the
//! standard deviation of a day's price change in USD a coin, `epsilon` half the spread and the fee in USD a coin, `gamma` the permanent
//! impact in USD per coin², `eta` the temporary one in USD x days / coin², `lambda` the price of variance, 1/USD. Source: Almgren and Chriss
//! (2000), in discrete form. The schedule minimises `E + lambda Var` among all schedules; a test compares it with a search.
//!
//! **Cap.** [`capped`] keeps every trade under a share of the volume: what is over it is spread over the other steps in proportion to
//! what they trade already. This is not the constrained optimum; [`Schedule::objective_usd`] less the free one's bounds what is missed.
//!
//! Left out: prices that drift, impact that decays between steps, volume that varies over the day.
//!
//! ```
//! use hedge::schedule::{Costs, Order, almgren_chriss};
//! let costs = Costs { fixed: 10.0, permanent: 0.0, temporary: 2.0, daily_sd: 3_000.0 };
//! let order = Order { held: 100.0, days: 0.25, steps: 6 };
//! // Without a price of risk it trades evenly; the dearer risk is, the more of it goes first.
//! let even = almgren_chriss(order, costs, 0.0)?;
//! let hasty = almgren_chriss(order, costs, 1e-5)?;
//! assert!((even.trades[0] - 100.0 / 6.0).abs() < 1e-9 && hasty.trades[0] > even.trades[0]);
//! assert!(hasty.cost_usd > even.cost_usd && hasty.sd_usd < even.sd_usd);
//! # Ok::<(), hedge::schedule::ScheduleError>(())
//! ```

mod flatten;
#[cfg(test)]
mod tests;

pub use flatten::{Correlated, Leg, Plan, Unwind, Unwound, flatten};

use pricing::kernel::{exp, ln};

/// What is to go, and over how long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Order {
    /// Coins held, long positive.
    pub held: f64,
    /// Days until all of it is gone.
    pub days: f64,
    /// Number of trades, evenly spaced.
    pub steps: u32,
}

/// What trading it costs and what holding it risks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Costs {
    /// Half the spread and the fee, USD a coin.
    pub fixed: f64,
    /// Permanent impact, USD per coin².
    pub permanent: f64,
    /// Temporary impact of the rate, USD x days / coin².
    pub temporary: f64,
    /// Standard deviation of a day's price change, USD a coin.
    pub daily_sd: f64,
}

/// Trades in their order, with what they cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// Length of a step, days.
    pub step_days: f64,
    /// Coins held at the start and after each step.
    pub holdings: Vec<f64>,
    /// Coins that leave in each step; negative where they are bought back.
    pub trades: Vec<f64>,
    /// Expected cost, USD.
    pub cost_usd: f64,
    /// Standard deviation of the cost: the risk of what is still held, USD.
    pub sd_usd: f64,
}

/// A schedule that cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleError {
    /// A number is none.
    #[error("{what} must be {rule}")]
    Number {
        /// Of what.
        what: &'static str,
        /// What it must be.
        rule: &'static str,
    },
    /// The cap leaves too little for the time.
    #[error("{held} coins need {needed_days:.3} days under the participation cap; there are {days}")]
    Cap {
        /// Coins to trade.
        held: f64,
        /// The least time.
        needed_days: f64,
        /// The time given.
        days: f64,
    },
}

impl Costs {
    /// The temporary impact less half of what the permanent one has counted: above zero, or trading would pay.
    fn reduced(&self, step_days: f64) -> f64 {
        (0.5 * self.permanent).mul_add(-step_days, self.temporary)
    }

    fn check(&self) -> Result<(), ScheduleError> {
        let rule = "finite and at least zero";
        for (what, figure) in [
            ("fixed cost", self.fixed),
            ("permanent impact", self.permanent),
            ("daily standard deviation", self.daily_sd),
        ] {
            if !(figure.is_finite() && figure >= 0.0) {
                return Err(ScheduleError::Number { what, rule });
            }
        }
        Ok(())
    }
}

impl Order {
    fn step_days(self) -> f64 {
        self.days / f64::from(self.steps)
    }

    fn check(self, costs: &Costs) -> Result<(), ScheduleError> {
        let wrong = |what, rule| Err(ScheduleError::Number { what, rule });
        if !self.held.is_finite() {
            return wrong("what is held", "finite");
        }
        if !(self.days.is_finite() && self.days > 0.0) {
            return wrong("the time", "finite and above zero");
        }
        if self.steps == 0 {
            return wrong("the number of steps", "one at least");
        }
        costs.check()?;
        let reduced = costs.reduced(self.step_days());
        if !(reduced.is_finite() && reduced > 0.0) {
            return wrong(
                "temporary impact",
                "more than half the permanent impact times the length of a step",
            );
        }
        Ok(())
    }
}

impl Schedule {
    /// What trades cost in this order, whoever made them.
    #[must_use]
    pub fn of_trades(trades: Vec<f64>, costs: Costs, step_days: f64) -> Self {
        let held: f64 = trades.iter().sum();
        let mut holdings = Vec::with_capacity(trades.len() + 1);
        holdings.push(held);
        let mut left = held;
        let (mut size, mut squares, mut risk) = (0.0, 0.0, 0.0);
        for (place, trade) in (1..).zip(&trades) {
            // Nothing is left after the last trade: not even rounding.
            left = if place == trades.len() { 0.0 } else { left - trade };
            holdings.push(left);
            size += trade.abs();
            squares += trade * trade;
            risk += left * left;
        }
        let permanent = 0.5 * costs.permanent * held * held;
        let temporary = costs.reduced(step_days) / step_days * squares;
        let cost_usd = costs.fixed.mul_add(size, permanent + temporary);
        let sd_usd = costs.daily_sd * (step_days * risk).sqrt();
        Self { step_days, holdings, trades, cost_usd, sd_usd }
    }

    /// Cost and priced risk, USD: what the schedule of Almgren and Chriss makes least.
    #[must_use]
    pub fn objective_usd(&self, risk_aversion: f64) -> f64 {
        (risk_aversion * self.sd_usd).mul_add(self.sd_usd, self.cost_usd)
    }

    /// Days until nothing is held.
    #[must_use]
    pub fn duration_days(&self) -> f64 {
        let last = self.trades.iter().rposition(|trade| *trade != 0.0).map_or(0, |place| place + 1);
        #[allow(clippy::cast_precision_loss)] // steps of a schedule
        let steps = last as f64;
        steps * self.step_days
    }
}

/// The rate at which the optimal holding decays, per day.
///
/// # Errors
/// When the order or the costs are no usable numbers.
pub fn decay_rate(order: Order, costs: Costs, risk_aversion: f64) -> Result<f64, ScheduleError> {
    order.check(&costs)?;
    if !(risk_aversion.is_finite() && risk_aversion >= 0.0) {
        return Err(ScheduleError::Number { what: "risk aversion", rule: "finite and at least zero" });
    }
    let step = order.step_days();
    let curvature = costs.daily_sd * (risk_aversion / costs.reduced(step)).sqrt();
    // cosh a - 1 = 2 sinh²(a / 2): no digits are lost where the rate is small.
    Ok(2.0 / step * asinh(0.5 * curvature * step))
}

/// The schedule that makes cost and priced risk least.
///
/// # Errors
/// When the order or the costs are no usable numbers.
pub fn almgren_chriss(order: Order, costs: Costs, risk_aversion: f64) -> Result<Schedule, ScheduleError> {
    let rate = decay_rate(order, costs, risk_aversion)?;
    let step = order.step_days();
    let left = |place: u32| order.held * sinh_ratio(rate * step, order.steps - place, order.steps);
    let trades = (1..=order.steps).map(|place| left(place - 1) - left(place)).collect();
    Ok(Schedule::of_trades(trades, costs, step))
}

/// The same with no trade above `most` coins a step: the excess goes to the other steps in proportion to their trades.
///
/// # Errors
/// When the cap leaves too little for the time, or a number is none.
pub fn capped(
    order: Order,
    costs: Costs,
    (risk_aversion, most): (f64, f64),
) -> Result<Schedule, ScheduleError> {
    let free = almgren_chriss(order, costs, risk_aversion)?;
    if most.is_nan() || most <= 0.0 {
        return Err(ScheduleError::Number { what: "the cap", rule: "above zero" });
    }
    let size = order.held.abs();
    // The last digit of a time that was made for the cap decides nothing.
    let room = most * f64::from(order.steps);
    if room < size * (1.0 - 1e-12) {
        return Err(ScheduleError::Cap {
            held: size,
            needed_days: size / most * order.step_days(),
            days: order.days,
        });
    }
    if free.trades.iter().all(|trade| trade.abs() <= most) {
        return Ok(free);
    }
    let shape: Vec<f64> = free.trades.iter().map(|trade| trade.abs()).collect();
    let sign = if order.held < 0.0 { -1.0 } else { 1.0 };
    let trades = filled(&shape, most, size).into_iter().map(|trade| sign * trade).collect();
    Ok(Schedule::of_trades(trades, costs, order.step_days()))
}

/// `min(most, c shape)` with the `c` that makes the sum `size`: each round caps those that are over, until none is.
fn filled(shape: &[f64], most: f64, size: f64) -> Vec<f64> {
    let mut is_full = vec![false; shape.len()];
    loop {
        let full: f64 = is_full.iter().filter(|full| **full).map(|_| most).sum();
        let open: f64 = shape.iter().zip(&is_full).filter(|(_, full)| !**full).map(|(part, _)| part).sum();
        let factor = if open > 0.0 { ((size - full) / open).max(0.0) } else { 0.0 };
        let mut changed = false;
        for (part, full) in shape.iter().zip(&mut is_full) {
            if !*full && factor * part > most {
                (*full, changed) = (true, true);
            }
        }
        if !changed {
            let each = shape.iter().zip(&is_full);
            return each.map(|(part, full)| if *full { most } else { factor * part }).collect();
        }
    }
}

/// sinh(part a) / sinh(whole a), without overflow; part / whole where `a` vanishes.
fn sinh_ratio(a: f64, part: u32, whole: u32) -> f64 {
    let (short, long) = (a * f64::from(part), a * f64::from(whole));
    if long < 1e-150 {
        return f64::from(part) / f64::from(whole);
    }
    if long < 1.0 {
        return sinh_small(short) / sinh_small(long);
    }
    let rise = if short < 1.0 { 2.0 * sinh_small(short) * exp(-short) } else { 1.0 - exp(-2.0 * short) };
    exp(short - long) * rise / (1.0 - exp(-2.0 * long))
}

/// sinh for sizes up to one, by its series: the first term left out is 1 / 19! of x^19.
fn sinh_small(x: f64) -> f64 {
    let square = x * x;
    let mut sum = 1.0;
    for n in [272.0, 210.0, 156.0, 110.0, 72.0, 42.0, 20.0, 6.0] {
        sum = (square / n).mul_add(sum, 1.0);
    }
    x * sum
}

/// Inverse of sinh for numbers at or above zero, to the last digits: the logarithm, and one step of Newton where it loses them.
fn asinh(y: f64) -> f64 {
    let root = y.mul_add(y, 1.0).sqrt();
    let first = ln(y + root);
    if first < 1.0 { first - (sinh_small(first) - y) / root } else { first }
}
