//! A position sold and not yet hedged: what each step does to it, whatever the hedge. Made once, run under every policy.
//!
//! Amounts are coins, a gain is positive, each quantised once. Of each leg and step, with q the coins sold, v the mark in coin and the
//! greeks of v at the start of the step (`pricing::InverseGreeks`):
//!
//! ```text
//! -q Δv = -q (v_F ΔF + v_FF ΔF²/2 + v_σ Δσ + v_t Δt) + residual
//! ```
//!
//! The residual is what is left, so that the five add up exactly. A leg that is not quoted at a moment keeps its mark; its next step begins
//! where it was last quoted.

use super::history::{History, Instrument, Moment, Quote};
use super::plan::{Costs, Funding, Lots};
use super::select::{Chosen, End, Refused, black};
use hedge::delta::{ValuedOption, VolDynamics};
use hedge::lots::whole_lots;
use pricing::{Black76, InverseGreeks, OptionKind};
use units::{Fixed, Timestamp, UnitError, border};

/// P&L of the options by greeks, coins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct ByGreeks {
    /// Of the forward, first order.
    pub delta: Fixed,
    /// Of the forward, second order.
    pub gamma: Fixed,
    /// Of the vol of the mark.
    pub vega: Fixed,
    /// Of time.
    pub theta: Fixed,
    /// The rest.
    pub residual: Fixed,
}

impl ByGreeks {
    /// All of it.
    #[must_use]
    pub fn total(&self) -> Fixed {
        self.delta + self.gamma + self.vega + self.theta + self.residual
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.delta += other.delta;
        self.gamma += other.gamma;
        self.vega += other.vega;
        self.theta += other.theta;
        self.residual += other.residual;
    }
}

/// The options of a position at one moment, before its end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    /// Of each leg, what Black-76 takes.
    pub legs: [Black76; 2],
    /// Delta of what is sold, coins.
    pub delta: f64,
    /// Gamma of what is sold, coins per USD.
    pub gamma: f64,
    /// Vol of the legs, weighted by their gammas.
    pub vol: f64,
    /// Years to the expiry.
    pub expiry_years: f64,
    /// What is owed at the vols of the marks, coins: minus the value of what is sold.
    pub owed_coin: f64,
    /// What each dynamics of the smile adds to the delta of what is sold, coins.
    pub smile: SmileDeltas,
}

/// What dynamics of the smile add to a delta, coins.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SmileDeltas {
    /// Every moneyness keeps its vol.
    pub sticky_moneyness: f64,
    /// Twice the move of a sticky strike's vol.
    pub local_vol: f64,
    /// As vols moved so far; zero before there is enough to learn from.
    pub minimum_variance: f64,
}

/// What a step does to a position.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The moment at its end.
    pub time: Timestamp,
    /// Index, USD.
    pub index: f64,
    /// Of the perpetual, USD.
    pub perpetual: Option<f64>,
    /// What the options gained at their marks, coins.
    pub option: Fixed,
    /// Funding of the step: what a long pays, as a fraction of its notional.
    pub funding: f64,
    /// The options at its end; none when a leg was not quoted, or they have ended.
    pub seen: Option<Seen>,
}

/// A position before it is hedged.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// What is sold and when it ends.
    pub chosen: Chosen,
    /// Coins of the underlying that each leg is on.
    pub quantity_coin: f64,
    /// From the entry, whose step gained nothing yet, to the end.
    pub steps: Vec<Step>,
    /// What was paid away against the marks at entry and exit, coins; zero or less.
    pub spread: Ends,
    /// Fees at entry and at exit or delivery, coins; zero or less.
    pub fees: Ends,
    /// What was received at the entry and paid at the end, coins.
    pub cash: Ends,
    /// P&L at the marks by greeks.
    pub greeks: ByGreeks,
    /// Steps at whose end a leg was not quoted.
    pub unquoted: u32,
}

/// An amount at the entry and one at the end of a position, coins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ends {
    /// At its entry.
    pub entry: Fixed,
    /// At its end.
    pub end: Fixed,
}

/// Where a leg was last quoted.
struct Last {
    mark: Fixed,
    time: Timestamp,
    forward: f64,
    vol: f64,
    greeks: InverseGreeks,
}

/// Where a leg is at the end of a step.
struct Now {
    mark: Fixed,
    forward: f64,
    vol: f64,
    years: f64,
}

impl Track {
    /// Follows a position from its entry to its end.
    ///
    /// # Errors
    /// [`Refused::OutOfRange`] when a figure cannot be published or the position is of less than one lot.
    pub fn new(
        history: &History,
        chosen: Chosen,
        (notional_usd, lots): (f64, &Lots),
        (costs, funding): (&Costs, &Funding),
    ) -> Result<Self, Refused> {
        let entry = history.moments.get(chosen.entry).ok_or(Refused::OutOfRange)?;
        let quantity = whole_lots(notional_usd / entry.index, lots.option_lot_coin)
            .ok()
            .filter(|quantity| !quantity.is_zero())
            .and_then(|quantity| border::to_model(quantity).ok())
            .ok_or(Refused::OutOfRange)?;
        let mut maker = Maker { history, chosen: &chosen, quantity, costs };
        maker.follow(funding).map_err(|_| Refused::OutOfRange)?.ok_or(Refused::NoStrike)
    }

    /// P&L of the options at their marks, coins.
    #[must_use]
    pub fn option(&self) -> Fixed {
        self.steps.iter().map(|step| step.option).sum()
    }

    /// Index at the entry, USD.
    #[must_use]
    pub fn entry_index(&self) -> f64 {
        self.steps.first().map_or(0.0, |step| step.index)
    }
}

struct Maker<'a> {
    history: &'a History,
    chosen: &'a Chosen,
    quantity: f64,
    costs: &'a Costs,
}

impl Maker<'_> {
    fn coins(&self, each: f64) -> Result<Fixed, UnitError> {
        Fixed::quantise(self.quantity * each)
    }

    fn leg(&self, moment: &Moment, leg: usize) -> Option<(&Instrument, Quote)> {
        let id = *self.chosen.legs.get(leg)?;
        Some((self.history.instrument(id)?, *moment.quote(id)?))
    }

    /// None when a leg is not quoted at the entry, or its end is not there.
    fn follow(&mut self, funding: &Funding) -> Result<Option<Track>, UnitError> {
        let Some(mut track) = self.open()? else { return Ok(None) };
        let Some(first) = self.history.moments.get(self.chosen.entry) else { return Ok(None) };
        let (Some(call), Some(put)) = (self.last(first, 0)?, self.last(first, 1)?) else { return Ok(None) };
        let mut legs = [call, put];
        let mut before = first.time;
        let last = self.chosen.end.moment();
        let moments = self.history.moments.iter().enumerate();
        for (at, moment) in moments.skip(self.chosen.entry + 1).take(last - self.chosen.entry) {
            let mut option = Fixed::ZERO;
            for (leg, state) in legs.iter_mut().enumerate() {
                let now =
                    if at == last { self.ended(moment, leg, &mut track)? } else { self.now(moment, leg)? };
                if let Some(now) = now {
                    option += self.explain(state, &now, &mut track.greeks)?;
                    if at != last
                        && let Some(quoted) = self.last(moment, leg)?
                    {
                        *state = quoted;
                    }
                }
            }
            let seen = if at == last { None } else { self.seen(moment)? };
            track.unquoted += u32::from(at != last && seen.is_none());
            track.steps.push(Step {
                time: moment.time,
                index: moment.index,
                perpetual: moment.perpetual.map(|(price, _)| price),
                option,
                funding: funding.over(before, moment.time),
                seen,
            });
            before = moment.time;
        }
        Ok(Some(track))
    }

    /// The position at its entry.
    fn open(&self) -> Result<Option<Track>, UnitError> {
        let Some(moment) = self.history.moments.get(self.chosen.entry) else { return Ok(None) };
        let Some(seen) = self.seen(moment)? else { return Ok(None) };
        let mut track = Track {
            chosen: *self.chosen,
            quantity_coin: self.quantity,
            steps: vec![Step {
                time: moment.time,
                index: moment.index,
                perpetual: moment.perpetual.map(|(price, _)| price),
                option: Fixed::ZERO,
                funding: 0.0,
                seen: Some(seen),
            }],
            spread: Ends::default(),
            fees: Ends::default(),
            cash: Ends::default(),
            greeks: ByGreeks::default(),
            unquoted: 0,
        };
        for leg in 0..2 {
            let Some((_, quote)) = self.leg(moment, leg) else { return Ok(None) };
            let Some(bid) = quote.bid else { return Ok(None) };
            let received = self.coins(bid)?;
            track.cash.entry += received;
            track.spread.entry += received - self.coins(quote.mark)?;
            track.fees.entry += -self.coins(self.costs.option_fee_of(bid))?;
        }
        Ok(Some(track))
    }

    fn last(&self, moment: &Moment, leg: usize) -> Result<Option<Last>, UnitError> {
        let Some((instrument, quote)) = self.leg(moment, leg) else { return Ok(None) };
        let greeks = black(moment.time, instrument, &quote)?.inverse();
        let (time, forward, vol) = (moment.time, quote.forward, quote.vol);
        Ok(Some(Last { mark: self.coins(quote.mark)?, time, forward, vol, greeks }))
    }

    fn now(&self, moment: &Moment, leg: usize) -> Result<Option<Now>, UnitError> {
        let Some((_, quote)) = self.leg(moment, leg) else { return Ok(None) };
        let mark = self.coins(quote.mark)?;
        Ok(Some(Now { mark, forward: quote.forward, vol: quote.vol, years: 0.0 }.at(moment.time)))
    }

    /// A leg at the end of the position: what it is worth is booked against what is paid for it.
    fn ended(&self, moment: &Moment, leg: usize, track: &mut Track) -> Result<Option<Now>, UnitError> {
        let Some(instrument) = self.chosen.legs.get(leg).and_then(|id| self.history.instrument(*id)) else {
            return Ok(None);
        };
        match self.chosen.end {
            End::Settled(_) => {
                let gain = match instrument.kind {
                    OptionKind::Call => moment.index - instrument.strike,
                    OptionKind::Put => instrument.strike - moment.index,
                };
                let each = gain.max(0.0) / moment.index;
                let paid = self.coins(each)?;
                track.cash.end += -paid;
                track.fees.end += -self.coins(self.costs.delivery_fee_of(each))?;
                // The vol plays no part any more.
                Ok(Some(
                    Now { mark: paid, forward: moment.index, vol: f64::NAN, years: 0.0 }
                        .at(instrument.expiry),
                ))
            }
            End::BoughtBack(_) => {
                let Some((_, quote)) = self.leg(moment, leg) else { return Ok(None) };
                let ask = quote.ask.unwrap_or(quote.mark);
                let (paid, mark) = (self.coins(ask)?, self.coins(quote.mark)?);
                track.cash.end += -paid;
                track.spread.end += mark - paid;
                track.fees.end += -self.coins(self.costs.option_fee_of(ask))?;
                Ok(Some(Now { mark, forward: quote.forward, vol: quote.vol, years: 0.0 }.at(moment.time)))
            }
        }
    }

    /// What a leg gained since it was last quoted, by greeks.
    fn explain(&self, from: &Last, to: &Now, sum: &mut ByGreeks) -> Result<Fixed, UnitError> {
        let gained = from.mark - to.mark;
        let sold = |each: f64| Fixed::quantise(-self.quantity * each);
        let moved = to.forward - from.forward;
        let vol_moved = if to.vol.is_nan() { 0.0 } else { to.vol - from.vol };
        let years = to.years - years_of(from.time);
        let mut part = ByGreeks {
            delta: sold(from.greeks.coin_delta * moved)?,
            gamma: sold(0.5 * from.greeks.coin_gamma * moved * moved)?,
            vega: sold(from.greeks.coin_vega * vol_moved)?,
            theta: sold(from.greeks.coin_theta_per_year * years)?,
            residual: Fixed::ZERO,
        };
        part.residual = gained - part.total();
        sum.add(&part);
        Ok(gained)
    }

    /// The options together; none when a leg is not quoted.
    fn seen(&self, moment: &Moment) -> Result<Option<Seen>, UnitError> {
        let (Some(call), Some(put)) = (self.leg(moment, 0), self.leg(moment, 1)) else { return Ok(None) };
        let legs = [black(moment.time, call.0, &call.1)?, black(moment.time, put.0, &put.1)?];
        let greeks = legs.map(|leg| leg.greeks());
        let sum = |of: fn(&pricing::Greeks) -> f64| greeks.iter().map(of).sum::<f64>();
        // Of the value in USD to the index, with forwards that follow it: as the engine has it.
        let weight = |leg: usize| greeks[leg].gamma * legs[leg].forward.get() / moment.index;
        let weights = [weight(0), weight(1)];
        let whole = weights[0].abs() + weights[1].abs();
        let vol = if whole > 0.0 {
            (weights[0].abs() * call.1.vol + weights[1].abs() * put.1.vol) / whole
        } else {
            0.5 * (call.1.vol + put.1.vol)
        };
        let values = [0, 1].map(|leg| greeks[leg].value / legs[leg].forward.get());
        let valued =
            [ValuedOption::at_model(&legs[0], call.1.slope), ValuedOption::at_model(&legs[1], put.1.slope)];
        let along = |dynamics: VolDynamics| {
            let added = valued.iter().map(|leg| leg.coin_vega() * leg.vol_per_log_move(dynamics));
            -self.quantity * added.sum::<f64>()
        };
        Ok(Some(Seen {
            legs,
            delta: -self.quantity * sum(|greeks| greeks.delta),
            gamma: -self.quantity * (weights[0] + weights[1]),
            vol,
            expiry_years: legs[0].expiry.get(),
            owed_coin: self.quantity * (values[0] + values[1]),
            smile: SmileDeltas {
                sticky_moneyness: along(VolDynamics::STICKY_MONEYNESS),
                local_vol: along(VolDynamics::LOCAL_VOL),
                minimum_variance: moment.vol_move.map_or(0.0, |q| along(VolDynamics::MinimumVariance(q))),
            },
        }))
    }
}

impl Now {
    fn at(self, time: Timestamp) -> Self {
        Self { years: years_of(time), ..self }
    }
}

/// Years since 1970, for differences.
fn years_of(time: Timestamp) -> f64 {
    const NANOS_A_YEAR: f64 = 365.0 * 86_400e9;
    #[allow(clippy::cast_precision_loss)] // half a microsecond
    let nanos = time.unix_nanos() as f64;
    nanos / NANOS_A_YEAR
}
