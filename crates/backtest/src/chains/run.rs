//! One position under one policy: the tight loop.
//!
//! At each moment, in this order: the hedge is marked and pays funding, what was decided before is filled, then the policy is asked
//! ([`hedge::policy::decide`]) and its trade is cut to whole lots ([`hedge::lots::whole_lots`]). At the end the hedge is closed.
//!
//! With N the USD held of the inverse perpetual at price P, coins: a step gains `N (1/P0 - 1/P1)`, funding costs `N rate / P1`, a trade of n
//! costs `|n| fee / P` and `|n| (half spread + impact) / P`. Every amount is quantised once, so that the parts of the P&L add up to what
//! the cash of the position says to the last digit ([`Outcome::closing_cash`]).

use super::plan::{DeltaDefinition, Latency, Lots, NamedPolicy, Plan, PolicyKind};
use super::select::{Refused, hours};
use super::track::{ByGreeks, Seen, Step, Track};
use hedge::lots::whole_lots;
use hedge::policy::{Band, DeltaPolicy, Exposure, Policy, Sight, decide};
use std::ops::AddAssign;
use units::{Decimal, Fixed, Timestamp, UnitError, Vol, border};

/// P&L by what it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Parts {
    /// The options at their marks.
    pub option: Fixed,
    /// What the options were traded away from their marks.
    pub option_spread: Fixed,
    /// Fees of options and of delivery.
    pub option_fees: Fixed,
    /// The hedge at the prices of the perpetual.
    pub hedge: Fixed,
    /// Fees of the hedge.
    pub hedge_fees: Fixed,
    /// Spread and impact of the hedge.
    pub hedge_spread: Fixed,
    /// Funding.
    pub funding: Fixed,
}

impl Parts {
    /// All of it.
    #[must_use]
    pub fn total(&self) -> Fixed {
        self.option
            + self.option_spread
            + self.option_fees
            + self.hedge
            + self.hedge_fees
            + self.hedge_spread
            + self.funding
    }

    /// What hedging cost, as an amount above zero.
    #[must_use]
    pub fn hedge_cost(&self) -> Fixed {
        -(self.hedge_fees + self.hedge_spread)
    }
}

impl AddAssign for Parts {
    fn add_assign(&mut self, other: Self) {
        self.option += other.option;
        self.option_spread += other.option_spread;
        self.option_fees += other.option_fees;
        self.hedge += other.hedge;
        self.hedge_fees += other.hedge_fees;
        self.hedge_spread += other.hedge_spread;
        self.funding += other.funding;
    }
}

/// A trade of the hedge.
#[derive(Debug, Clone, PartialEq)]
pub struct Trade {
    /// When it was filled.
    pub time: Timestamp,
    /// Signed, USD of the inverse perpetual; whole lots.
    pub quantity_usd: Decimal,
    /// Mid price at which it was filled, USD.
    pub price: f64,
    /// Fee, spread and impact, coins.
    pub cost_coin: Fixed,
    /// Why.
    pub why: Why,
}

/// Why the hedge was traded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Why {
    /// The policy said so.
    Policy {
        /// Delta of what is hedged, coins.
        delta_coin: f64,
        /// That of the hedge before, coins.
        held_coin: f64,
        /// Half the width of the band, coins.
        outer_coin: f64,
    },
    /// The position has ended.
    End,
}

/// Moments at which the policy was not asked, or its order was not filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct HeldBack {
    /// A leg was not quoted.
    pub leg_not_quoted: u32,
    /// The perpetual had no price.
    pub no_perpetual: u32,
    /// An order was too old when it could be filled.
    pub stale_order: u32,
}

/// What came of a position.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Coins.
    pub coin: Parts,
    /// Coins of each step at the index of its end, USD.
    pub usd: Parts,
    /// Options at their marks by greeks, coins.
    pub greeks: ByGreeks,
    /// What the position's cash is in the end, coins: received and paid, in the order in which it came.
    pub closing_cash: Fixed,
    /// Trades of the hedge, that of the end among them.
    pub trades: u32,
    /// Sum of their sizes, USD.
    pub traded_usd: Fixed,
    /// What kept the policy from acting.
    pub held_back: HeldBack,
    /// Every trade, if it was asked for.
    pub log: Vec<Trade>,
}

/// Whether trades are kept one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recording {
    /// They are counted.
    Totals,
    /// They are in [`Outcome::log`].
    Trades,
}

/// How a position is hedged.
#[derive(Debug, Clone, Copy)]
pub struct Under<'a> {
    /// When and how far.
    pub policy: &'a NamedPolicy,
    /// By which delta.
    pub delta: DeltaDefinition,
    /// In which steps.
    pub lots: &'a Lots,
}

/// Runs a position under a policy.
///
/// # Errors
/// [`Refused::OutOfRange`] when a figure cannot be published.
pub fn run(plan: &Plan, track: &Track, under: Under<'_>, recording: Recording) -> Result<Outcome, Refused> {
    let mut loop_ = Loop::new(plan, track, under, recording);
    loop_.all().map_err(|_| Refused::OutOfRange)?;
    Ok(loop_.outcome)
}

/// Trades of one moment: each pays a fee of some thousandths of the one before.
const MOST_ASKED: usize = 8;

/// An order that is on its way.
struct Order {
    quantity: Decimal,
    decided: Timestamp,
    why: Why,
}

struct Loop<'a> {
    plan: &'a Plan,
    track: &'a Track,
    under: Under<'a>,
    recording: Recording,
    outcome: Outcome,
    /// USD of the perpetual.
    held: Decimal,
    held_usd: f64,
    /// Price at which the hedge is marked.
    marked: f64,
    /// Funding since then, as a fraction of the notional.
    funding: f64,
    /// When a clock last decided or a band last traded.
    acted: Option<Timestamp>,
    pending: Option<Order>,
}

impl<'a> Loop<'a> {
    fn new(plan: &'a Plan, track: &'a Track, under: Under<'a>, recording: Recording) -> Self {
        let outcome = Outcome {
            coin: Parts::default(),
            usd: Parts::default(),
            greeks: track.greeks,
            closing_cash: Fixed::ZERO,
            trades: 0,
            traded_usd: Fixed::ZERO,
            held_back: HeldBack::default(),
            log: Vec::new(),
        };
        let marked = track.steps.first().and_then(|step| step.perpetual).unwrap_or(f64::NAN);
        Self {
            plan,
            track,
            under,
            recording,
            outcome,
            held: Decimal::ZERO,
            held_usd: 0.0,
            marked,
            funding: 0.0,
            acted: None,
            pending: None,
        }
    }

    fn all(&mut self) -> Result<(), UnitError> {
        let track = self.track;
        let last = track.steps.len().saturating_sub(1);
        for (at, step) in track.steps.iter().enumerate() {
            let mut parts = Parts { option: step.option, ..Parts::default() };
            if at == 0 {
                parts.option_spread += track.spread.entry;
                parts.option_fees += track.fees.entry;
                self.outcome.closing_cash += track.cash.entry + track.fees.entry;
            }
            self.mark(step, &mut parts)?;
            self.fill_pending(step, &mut parts)?;
            if at == last {
                parts.option_spread += track.spread.end;
                parts.option_fees += track.fees.end;
                self.outcome.closing_cash += track.cash.end + track.fees.end;
                self.trade(step, -self.held, Why::End, &mut parts)?;
            } else if self.under.policy.policy.is_some() {
                self.consider(step, &mut parts)?;
            }
            self.book(step, &parts)?;
        }
        Ok(())
    }

    fn book(&mut self, step: &Step, parts: &Parts) -> Result<(), UnitError> {
        self.outcome.coin += *parts;
        let usd = |coins: Fixed| Fixed::quantise(coins.to_f64() * step.index);
        self.outcome.usd += Parts {
            option: usd(parts.option)?,
            option_spread: usd(parts.option_spread)?,
            option_fees: usd(parts.option_fees)?,
            hedge: usd(parts.hedge)?,
            hedge_fees: usd(parts.hedge_fees)?,
            hedge_spread: usd(parts.hedge_spread)?,
            funding: usd(parts.funding)?,
        };
        Ok(())
    }

    /// The hedge gains and pays funding. Without a price both wait for the next one.
    fn mark(&mut self, step: &Step, parts: &mut Parts) -> Result<(), UnitError> {
        self.funding += step.funding;
        let Some(price) = step.perpetual else { return Ok(()) };
        if !self.held.is_zero() {
            let gained = Fixed::quantise(self.held_usd * (1.0 / self.marked - 1.0 / price))?;
            let paid = Fixed::quantise(-self.held_usd * self.funding / price)?;
            parts.hedge += gained;
            parts.funding += paid;
            self.outcome.closing_cash += gained + paid;
        }
        (self.marked, self.funding) = (price, 0.0);
        Ok(())
    }

    fn fill_pending(&mut self, step: &Step, parts: &mut Parts) -> Result<(), UnitError> {
        let Some(order) = self.pending.take() else { return Ok(()) };
        let is_stale = hours(order.decided, step.time) > self.plan.holding.stale_after_hours;
        if is_stale || step.perpetual.is_none() {
            self.outcome.held_back.stale_order += 1;
            return Ok(());
        }
        self.trade(step, order.quantity, order.why, parts)
    }

    fn trade(
        &mut self,
        step: &Step,
        quantity: Decimal,
        why: Why,
        parts: &mut Parts,
    ) -> Result<(), UnitError> {
        let Some(price) = step.perpetual.filter(|_| !quantity.is_zero()) else { return Ok(()) };
        let size = border::to_model(quantity.abs())?;
        let costs = &self.plan.costs;
        let impact = costs.impact.map_or(0.0, |impact| impact.fraction(size));
        let fee = Fixed::quantise(-size * costs.perpetual_fee / price)?;
        let spread = Fixed::quantise(-size * (costs.perpetual_half_spread + impact) / price)?;
        parts.hedge_fees += fee;
        parts.hedge_spread += spread;
        self.outcome.closing_cash += fee + spread;
        self.held += quantity;
        self.held_usd = border::to_model(self.held)?;
        self.outcome.trades += 1;
        self.outcome.traded_usd += Fixed::quantise(size)?;
        if self.recording == Recording::Trades {
            let (time, cost_coin) = (step.time, -(fee + spread));
            self.outcome.log.push(Trade { time, quantity_usd: quantity, price, cost_coin, why });
        }
        Ok(())
    }

    /// Asks the policy until it is content, unless something that it looks at is not known. The fee of a trade is paid in coin and moves
    /// the delta of the book: a live engine is asked again when its fill has come.
    fn consider(&mut self, step: &Step, parts: &mut Parts) -> Result<(), UnitError> {
        let Some(price) = step.perpetual else {
            self.outcome.held_back.no_perpetual += 1;
            return Ok(());
        };
        let Some(seen) = &step.seen else {
            self.outcome.held_back.leg_not_quoted += 1;
            return Ok(());
        };
        let Some(policy) = self.under.policy.policy else { return Ok(()) };
        for _ in 0..MOST_ASKED {
            let Some(order) = self.decided((step, price), seen, &policy)? else { break };
            if self.plan.latency == Latency::NextSnapshot {
                self.pending = Some(order);
                break;
            }
            self.trade(step, order.quantity, order.why, parts)?;
        }
        Ok(())
    }

    /// What a policy wants now.
    fn decided(
        &mut self,
        (step, price): (&Step, f64),
        seen: &Seen,
        policy: &Policy,
    ) -> Result<Option<Order>, UnitError> {
        let sight = self.sight(step, seen);
        let band = match self.under.policy.watch {
            Some(watch) => watch.band(policy, &sight),
            None => policy.band(&sight),
        };
        let by_clock = matches!(self.under.policy.kind(), PolicyKind::Clock | PolicyKind::Leland);
        if by_clock && band != Band::Hold {
            self.acted = Some(step.time);
        }
        let delta = self.delta(seen, policy, &sight)?;
        let held = self.held_usd / price;
        let Some(coins) = decide(band, Exposure { delta, held }) else { return Ok(None) };
        let quantity = whole_lots(coins * price, self.under.lots.lot_usd).unwrap_or_default();
        if quantity.is_zero() || border::to_model(quantity.abs())? < self.under.lots.smallest_usd {
            return Ok(None);
        }
        self.acted = Some(step.time);
        let outer_coin = band.outer().unwrap_or(0.0);
        let why = Why::Policy { delta_coin: delta, held_coin: held, outer_coin };
        Ok(Some(Order { quantity, decided: step.time, why }))
    }

    fn sight(&self, step: &Step, seen: &Seen) -> Sight {
        const HOURS_A_YEAR: f64 = 8760.0;
        Sight {
            spot: step.index,
            gamma: seen.gamma,
            vol: seen.vol,
            expiry_years: seen.expiry_years,
            cost: self.plan.costs.proportional(),
            hedge_age_years: self.acted.map_or(f64::INFINITY, |at| hours(at, step.time) / HOURS_A_YEAR),
        }
    }

    /// Delta of what is hedged at the policy's vol, coins.
    fn delta(&self, seen: &Seen, policy: &Policy, sight: &Sight) -> Result<f64, UnitError> {
        let factor = policy.variance_factor(sight);
        let (black, owed) = if factor.to_bits() == 1.0f64.to_bits() {
            (seen.delta, seen.owed_coin)
        } else {
            let (mut deltas, mut values) = (0.0, 0.0);
            for leg in &seen.legs {
                let vol = Vol::new(leg.vol.get() * factor.sqrt())?;
                let greeks = pricing::Black76 { vol, ..*leg }.greeks();
                deltas += greeks.delta;
                values += greeks.value / leg.forward.get();
            }
            (-self.track.quantity_coin * deltas, self.track.quantity_coin * values)
        };
        Ok(match self.under.delta {
            DeltaDefinition::Black => black,
            DeltaDefinition::Net => black + owed,
            DeltaDefinition::Book => black + self.outcome.closing_cash.to_f64(),
            DeltaDefinition::NetStickyMoneyness => black + owed + seen.smile.sticky_moneyness,
            DeltaDefinition::NetLocalVol => black + owed + seen.smile.local_vol,
            DeltaDefinition::NetMinimumVariance => black + owed + seen.smile.minimum_variance,
        })
    }
}
