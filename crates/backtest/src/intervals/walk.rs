//! Frames in order of time, and what piles up along the way.

use super::IntervalsError;
use super::frame::{CoinFrame, Draw, Frame, SmileKnown};
use super::learner::Learner;
use super::outcome::{Outcome, Pile};
use super::pair::{Hedged, LegFound, Pair, Prices, Skipped};
use super::plan::{Dynamics, HedgeWith, Plan};
use super::prices::{NoPrice, PerpetualPrices};
use hedge::delta::QuadraticMove;
use std::collections::BTreeMap;
use units::{Asset, Timestamp};

/// A run under way.
#[derive(Debug)]
pub struct Walk<'a> {
    plan: &'a Plan,
    prices: PerpetualPrices,
    before: Option<Frame>,
    coins: BTreeMap<Asset, Coin>,
}

/// One coin so far.
#[derive(Debug)]
pub(super) struct Coin {
    pub(super) pile: Pile,
    /// One for each strategy that learns.
    learners: Vec<Option<Learner>>,
}

const DAY_NANOS: f64 = 86_400e9;

impl<'a> Walk<'a> {
    /// Before the first frame.
    ///
    /// # Errors
    /// When the plan breaks a rule.
    pub fn new(plan: &'a Plan, prices: PerpetualPrices) -> Result<Self, IntervalsError> {
        if plan.baseline >= plan.strategies.len() {
            return Err(IntervalsError::NoBaseline);
        }
        if !(plan.held_out.share > 0.0 && plan.held_out.share <= 1.0) {
            return Err(IntervalsError::Share(plan.held_out.share));
        }
        if !(plan.tail > 0.0 && plan.tail < 1.0) {
            return Err(IntervalsError::Tail(plan.tail));
        }
        if plan.price_age_most_seconds.is_nan() || plan.price_age_most_seconds < 0.0 {
            return Err(IntervalsError::Age(plan.price_age_most_seconds));
        }
        plan.bootstrap.check()?;
        learners(plan)?;
        Ok(Self { plan, prices, before: None, coins: BTreeMap::new() })
    }

    /// The next frame.
    ///
    /// # Errors
    /// When it is not later than the one before.
    pub fn take(&mut self, frame: Frame) -> Result<(), IntervalsError> {
        if let Some(before) = self.before.as_ref().filter(|before| before.asof >= frame.asof) {
            return Err(IntervalsError::Order { time: frame.asof, before: before.asof });
        }
        for (name, own) in &frame.coins {
            if !self.coins.contains_key(name) {
                let coin = Coin { pile: Pile::new(self.plan), learners: learners(self.plan)? };
                self.coins.insert(name.clone(), coin);
            }
            if let Some(coin) = self.coins.get_mut(name) {
                coin.pile.count(own);
            }
        }
        if let Some(before) = self.before.take() {
            for (name, start) in &before.coins {
                self.step(name, start, (&before, &frame));
            }
        }
        self.before = Some(frame);
        Ok(())
    }

    /// One coin over one interval.
    fn step(&mut self, name: &Asset, start: &CoinFrame, (before, after): (&Frame, &Frame)) {
        let age = self.plan.price_age_most_seconds;
        let at = |time: Timestamp| self.prices.at(name, time, age);
        let perpetual =
            at(before.asof).and_then(|start| Ok::<_, NoPrice>(Prices { start, end: at(after.asof)? }));
        let end = after.coins.get(name);
        let pair = Pair { plan: self.plan, start, end, end_at: after.asof, perpetual };
        let Some(coin) = self.coins.get_mut(name) else { return };
        coin.step(&pair, (before.asof, after.asof));
    }

    /// Figures of each coin.
    ///
    /// # Errors
    /// When the bootstrap of the plan breaks a rule.
    pub fn finish(self) -> Result<BTreeMap<Asset, Outcome>, IntervalsError> {
        let figures = |(name, coin): (Asset, Coin)| Ok((name, coin.pile.outcome(self.plan)?));
        self.coins.into_iter().map(figures).collect()
    }
}

fn learners(plan: &Plan) -> Result<Vec<Option<Learner>>, IntervalsError> {
    let learner = |strategy: &super::Strategy| match strategy.delta.dynamics {
        Dynamics::AlongSmile(_) => Ok(None),
        Dynamics::MinimumVariance(plan, gating) => Ok(Some(Learner::new(plan, gating)?)),
    };
    plan.strategies.iter().map(learner).collect()
}

impl Coin {
    fn step(&mut self, pair: &Pair<'_>, (from, to): (Timestamp, Timestamp)) {
        let strategies = &pair.plan.strategies;
        let learnt: Vec<Option<QuadraticMove>> =
            self.learners.iter().map(|learner| learner.as_ref().and_then(Learner::in_use)).collect();
        let mut lessons: BTreeMap<usize, Vec<hedge::delta::Observed>> = BTreeMap::new();
        let mut judged = 0_u32;
        for (symbol, quote) in &pair.start.quotes {
            let Some(kept) = &quote.kept else { continue };
            let held = pair.hold(symbol, quote, kept);
            match (kept.draw, held) {
                (Draw::HeldOut, Err(reason)) => self.pile.skip(reason),
                (Draw::HeldOut, Ok(held)) => match rows(pair, &held, &learnt) {
                    Err(reason) => self.pile.skip(reason),
                    Ok((unhedged, hedged)) => {
                        self.pile.add(from, unhedged, &hedged);
                        judged += 1;
                    }
                },
                (Draw::Given, Err(_)) => {}
                (Draw::Given, Ok(held)) => {
                    let learning = self.learners.iter().enumerate().filter(|(_, own)| own.is_some());
                    for (place, _) in learning {
                        let with = strategies.get(place).map_or(HedgeWith::Perpetual, |own| own.hedge);
                        if let Ok(prices) = pair.prices(&held, with) {
                            lessons.entry(place).or_default().push(pair.lesson(&held, prices));
                        }
                    }
                }
            }
        }
        #[allow(clippy::cast_precision_loss)] // days
        let days = |time: i64| time as f64 / DAY_NANOS;
        let span = (days(to.unix_nanos()), days(to.unix_nanos() - from.unix_nanos()));
        for (place, learner) in self.learners.iter_mut().enumerate() {
            if let Some(learner) = learner {
                learner.learn(span, lessons.get(&place).map_or(&[], Vec::as_slice));
            }
        }
        if judged > 0 {
            self.pile.interval(span.1 * 24.0, &learnt);
        }
    }
}

/// The option under every strategy; one that cannot be hedged by all of them is in no figure, so that all figures are of the same options.
fn rows(
    pair: &Pair<'_>,
    held: &super::pair::Held<'_>,
    learnt: &[Option<QuadraticMove>],
) -> Result<(f64, Vec<Hedged>), Skipped> {
    let mut hedged = Vec::with_capacity(pair.plan.strategies.len());
    let mut unhedged = f64::NAN;
    for (place, (strategy, learnt)) in pair.plan.strategies.iter().zip(learnt).enumerate() {
        let prices = pair.prices(held, strategy.hedge)?;
        if place == pair.plan.baseline {
            unhedged = pair.unhedged(held, prices);
        }
        hedged.push(pair.hedged(held, (strategy, prices), *learnt));
    }
    Ok((unhedged, hedged))
}

impl Hedged {
    pub(super) const fn lacks_smile(&self) -> bool {
        matches!(self.smile, SmileKnown::No)
    }

    pub(super) const fn lacks_leg(&self) -> bool {
        matches!(self.leg, LegFound::No)
    }
}
