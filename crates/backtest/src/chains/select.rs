//! Which options are sold at a moment, and when the position ends.

use super::history::{History, Instrument, InstrumentId, Moment, Quote};
use super::plan::{Holding, Structure};
use pricing::{Black76, OptionKind};
use units::{Discount, Forward, Strike, Timestamp, UnitError, Vol, YearFraction};

/// Why no position is opened at a moment, or why it is not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refused {
    /// No expiry is near enough to the tenor.
    NoExpiryInRange,
    /// No call or no put of the structure is quoted.
    NoStrike,
    /// Nobody bids for a leg.
    NoBid,
    /// The history ends before the position does.
    StillOpen,
    /// No index was recorded soon enough after the expiry.
    NoSettlementIndex,
    /// No price of the perpetual where the hedge is opened or closed.
    NoPerpetual,
    /// A figure is out of its range.
    OutOfRange,
}

impl Refused {
    /// Words for tables.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoExpiryInRange => "no expiry near enough to the tenor",
            Self::NoStrike => "no call and put of the structure quoted",
            Self::NoBid => "a leg without a bid",
            Self::StillOpen => "still open when the history ends",
            Self::NoSettlementIndex => "no index recorded soon enough after the expiry",
            Self::NoPerpetual => "no price of the perpetual at entry or end",
            Self::OutOfRange => "a figure out of range",
        }
    }
}

/// A position before it is hedged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chosen {
    /// The moment at which it is sold.
    pub entry: usize,
    /// What is sold: a call and a put.
    pub legs: [InstrumentId; 2],
    /// Their expiry.
    pub expiry: Timestamp,
    /// How it ends.
    pub end: End,
}

/// How a position ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Delivered at the index of a moment.
    Settled(usize),
    /// Bought back at a moment.
    BoughtBack(usize),
}

impl End {
    /// The moment of the end.
    #[must_use]
    pub const fn moment(self) -> usize {
        match self {
            Self::Settled(at) | Self::BoughtBack(at) => at,
        }
    }
}

const NANOS_PER_HOUR: f64 = 3.6e12;
const HOURS_PER_DAY: f64 = 24.0;

/// Hours from one instant to a later one.
#[allow(clippy::cast_precision_loss)] // of an interval, far below its own rounding
pub(super) fn hours(from: Timestamp, to: Timestamp) -> f64 {
    (to.unix_nanos() - from.unix_nanos()) as f64 / NANOS_PER_HOUR
}

pub(super) fn days(from: Timestamp, to: Timestamp) -> f64 {
    hours(from, to) / HOURS_PER_DAY
}

/// The Black-76 inputs of a quote at a moment, undiscounted.
pub(super) fn black(at: Timestamp, instrument: &Instrument, quote: &Quote) -> Result<Black76, UnitError> {
    Ok(Black76 {
        forward: Forward::new(quote.forward)?,
        strike: Strike::new(instrument.strike)?,
        vol: Vol::new(quote.vol)?,
        expiry: YearFraction::new(at.years_until(instrument.expiry)?.get().max(0.0))?,
        discount: Discount::ONE,
        kind: instrument.kind,
    })
}

/// What is sold at a moment for a tenor.
///
/// # Errors
/// Why nothing is.
pub fn choose(
    history: &History,
    entry: usize,
    (structure, tenor_days): (Structure, f64),
    holding: &Holding,
) -> Result<Chosen, Refused> {
    let moment = history.moments.get(entry).ok_or(Refused::StillOpen)?;
    moment.perpetual.ok_or(Refused::NoPerpetual)?;
    let expiry = expiry(history, moment, tenor_days, holding)?;
    let sides = Sides::new(history, moment, expiry)?;
    let (call, put) = match structure {
        Structure::Straddle => sides.straddle()?,
        Structure::StrangleByDelta(delta) => sides.by_delta(delta, moment.time)?,
        Structure::StrangleByMoneyness(width) => sides.by_moneyness(width)?,
    };
    if call.bid.is_none() || put.bid.is_none() {
        return Err(Refused::NoBid);
    }
    let legs = [call.instrument, put.instrument];
    let end = end(history, entry, (expiry, legs), holding)?;
    history.moments.get(end.moment()).and_then(|last| last.perpetual).ok_or(Refused::NoPerpetual)?;
    Ok(Chosen { entry, legs, expiry, end })
}

/// The quoted expiry nearest to a tenor, of two equally near the earlier.
fn expiry(
    history: &History,
    moment: &Moment,
    tenor_days: f64,
    holding: &Holding,
) -> Result<Timestamp, Refused> {
    let quoted = moment.quotes.iter().filter_map(|quote| history.instrument(quote.instrument));
    let expiries: std::collections::BTreeSet<Timestamp> = quoted.map(|one| one.expiry).collect();
    let off = |expiry: &Timestamp| (days(moment.time, *expiry) - tenor_days).abs();
    let near = expiries.into_iter().filter(|expiry| off(expiry) <= holding.tenor_tolerance * tenor_days);
    near.min_by(|a, b| off(a).total_cmp(&off(b)).then(a.cmp(b))).ok_or(Refused::NoExpiryInRange)
}

/// Calls and puts of one expiry, by strike.
struct Sides<'a> {
    forward: f64,
    calls: Vec<(&'a Instrument, &'a Quote)>,
    puts: Vec<(&'a Instrument, &'a Quote)>,
}

impl<'a> Sides<'a> {
    fn new(history: &'a History, moment: &'a Moment, expiry: Timestamp) -> Result<Self, Refused> {
        let of_expiry = moment
            .quotes
            .iter()
            .filter_map(|quote| Some((history.instrument(quote.instrument)?, quote)))
            .filter(|(instrument, _)| instrument.expiry == expiry);
        let (mut calls, mut puts): (Vec<_>, Vec<_>) =
            of_expiry.partition(|(instrument, _)| instrument.kind == OptionKind::Call);
        let forward = calls.iter().chain(&puts).next().map(|(_, quote)| quote.forward);
        for side in [&mut calls, &mut puts] {
            side.sort_by(|(a, _), (b, _)| a.strike.total_cmp(&b.strike));
        }
        Ok(Self { forward: forward.ok_or(Refused::NoStrike)?, calls, puts })
    }

    fn straddle(&self) -> Result<(&'a Quote, &'a Quote), Refused> {
        let both = self.calls.iter().filter_map(|(call, quote)| {
            let put = self.puts.iter().find(|(put, _)| put.strike.to_bits() == call.strike.to_bits())?;
            Some(((call.strike - self.forward).abs(), *quote, put.1))
        });
        let nearest = both.min_by(|a, b| a.0.total_cmp(&b.0));
        nearest.map(|(_, call, put)| (call, put)).ok_or(Refused::NoStrike)
    }

    fn by_delta(&self, delta: f64, at: Timestamp) -> Result<(&'a Quote, &'a Quote), Refused> {
        let off = |(instrument, quote): &(&Instrument, &Quote)| {
            let delta_of = |black: Black76| (black.greeks().delta.abs() - delta).abs();
            black(at, instrument, quote).map_or(f64::INFINITY, delta_of)
        };
        self.nearest(off)
    }

    fn by_moneyness(&self, width: f64) -> Result<(&'a Quote, &'a Quote), Refused> {
        let off = |(instrument, _): &(&Instrument, &Quote)| {
            ((instrument.strike / self.forward - 1.0).abs() - width).abs()
        };
        self.nearest(off)
    }

    /// The call above the forward and the put below it that are least off.
    fn nearest(
        &self,
        off: impl Fn(&(&Instrument, &Quote)) -> f64,
    ) -> Result<(&'a Quote, &'a Quote), Refused> {
        let least = |side: &[(&'a Instrument, &'a Quote)], is_out: &dyn Fn(f64) -> bool| {
            let out = side.iter().filter(|(instrument, _)| is_out(instrument.strike));
            out.min_by(|a, b| off(a).total_cmp(&off(b))).map(|(_, quote)| *quote)
        };
        let call = least(&self.calls, &|strike| strike > self.forward).ok_or(Refused::NoStrike)?;
        let put = least(&self.puts, &|strike| strike < self.forward).ok_or(Refused::NoStrike)?;
        Ok((call, put))
    }
}

/// The moment at which a position ends.
fn end(
    history: &History,
    entry: usize,
    (expiry, legs): (Timestamp, [InstrumentId; 2]),
    holding: &Holding,
) -> Result<End, Refused> {
    let later = history.moments.iter().enumerate().skip(entry + 1);
    for (at, moment) in later {
        if moment.time >= expiry {
            let is_soon = hours(expiry, moment.time) <= holding.settlement_within_hours;
            return if is_soon { Ok(End::Settled(at)) } else { Err(Refused::NoSettlementIndex) };
        }
        // Nobody offers: it is tried again at the next moment.
        let has_offers =
            || legs.iter().all(|leg| moment.quote(*leg).is_some_and(|quote| quote.ask.is_some()));
        if days(moment.time, expiry) <= holding.exit_days && moment.perpetual.is_some() && has_offers() {
            return Ok(End::BoughtBack(at));
        }
    }
    Err(Refused::StillOpen)
}
