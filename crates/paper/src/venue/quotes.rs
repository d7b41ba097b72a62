//! Prices of the moment, and the rows in which they are published.

use super::Venue;
use crate::config::IncidentKind;
use crate::depth::{Depth, Side};
use crate::draw::Draw;
use crate::grid::{rounded, shown};
use crate::listed::Listed;
use crate::market::{Generator, State};
use engine::Event;
use market::RawQuote;
use pricing::OptionKind;
use pricing::batch::{Columns, price_slice};
use units::{Decimal, Timestamp};

/// Places of published marks and vols, and of the index.
const MARK_PLACES: u32 = 8;
const VOL_PLACES: u32 = 6;
const INDEX_PLACES: u32 = 2;
const DAY_SECONDS: f64 = 86_400.0;

/// Columns for the options of a venue, so that one call prices them all.
#[derive(Debug, Default)]
pub(super) struct Board {
    /// Instruments that are options.
    options: Vec<usize>,
    forward: Vec<f64>,
    strike: Vec<f64>,
    vol: Vec<f64>,
    years: Vec<f64>,
    discount: Vec<f64>,
    kind: Vec<OptionKind>,
    price: Vec<f64>,
}

impl Board {
    pub(super) fn new(listed: &[Listed]) -> Self {
        let options = listed.iter().enumerate().filter_map(|(i, one)| Some((i, one.option?)));
        let (options, terms): (Vec<usize>, Vec<(f64, OptionKind)>) = options.unzip();
        let column = |value: f64| vec![value; options.len()];
        Self {
            forward: column(1.0),
            strike: terms.iter().map(|(strike, _)| *strike).collect(),
            vol: column(0.0),
            years: column(0.0),
            discount: column(1.0),
            kind: terms.iter().map(|(_, kind)| *kind).collect(),
            price: column(0.0),
            options,
        }
    }
}

/// What is wrong with the quotes at the moment.
#[derive(Debug)]
pub(super) struct QuoteFaults {
    draw: Draw,
    frozen_until: Timestamp,
    silent_until: Timestamp,
    oracle_until: Timestamp,
    oracle_error: f64,
    crossed_until: Timestamp,
    one_sided_until: Timestamp,
    /// What is sent again and again.
    frozen: Option<Vec<RawQuote>>,
}

impl QuoteFaults {
    pub(super) const fn new(start: Timestamp, draw: Draw) -> Self {
        Self {
            draw,
            frozen_until: start,
            silent_until: start,
            oracle_until: start,
            oracle_error: 0.0,
            crossed_until: start,
            one_sided_until: start,
            frozen: None,
        }
    }

    pub(super) fn begin(&mut self, kind: IncidentKind, size: f64, until: Timestamp) {
        match kind {
            IncidentKind::Frozen => self.frozen_until = until,
            IncidentKind::Silent => self.silent_until = until,
            IncidentKind::Oracle => (self.oracle_until, self.oracle_error) = (until, size),
            IncidentKind::Crossed => self.crossed_until = until,
            IncidentKind::OneSided => self.one_sided_until = until,
            IncidentKind::Outage | IncidentKind::Adl | IncidentKind::Reorg => {}
        }
    }
}

/// What options, futures and perpetuals of one underlying and expiry share.
#[derive(Debug, Clone, Copy, Default)]
struct Shared {
    forward: f64,
    atm_vol: f64,
    years: f64,
}

impl Venue {
    /// Prices everything at the market of now.
    #[allow(clippy::cast_precision_loss)] // nanoseconds to an expiry
    pub(crate) fn refresh(&mut self, now: Timestamp, market: &Generator) {
        let states = market.states();
        self.index = states.iter().map(|state| rounded(state.spot, INDEX_PLACES)).collect();
        let (mut of, mut shared) = (None, Shared::default());
        let mut option = 0;
        for listed in &mut self.listed {
            let state = &states[listed.underlying];
            if of != Some((listed.underlying, listed.expiry)) {
                let nanos = listed.expiry.map_or(0, |at| at.unix_nanos() - now.unix_nanos());
                let years = (nanos as f64 / (DAY_SECONDS * 1e9 * 365.0)).max(0.0);
                of = Some((listed.underlying, listed.expiry));
                shared = Shared { forward: state.forward(years), atm_vol: state.atm_vol(years), years };
            }
            let Some((strike, _)) = listed.option else {
                let usd = if listed.is_perpetual() { state.perpetual() } else { shared.forward };
                listed.quote.mark = usd / listed.currency_usd;
                continue;
            };
            let vol = state.smile(strike * listed.currency_usd, shared.forward, shared.atm_vol, shared.years);
            (listed.quote.mark_vol, listed.quote.forward) = (vol, shared.forward / listed.currency_usd);
            self.board.forward[option] = listed.quote.forward;
            (self.board.vol[option], self.board.years[option]) = (vol, shared.years);
            option += 1;
        }
        self.price_options();
        let mood = market.mood();
        for listed in &mut self.listed {
            let depth = depth(listed, &states[listed.underlying], (mood.spread, mood.depth));
            listed.quote.depth = depth;
        }
    }

    fn price_options(&mut self) {
        let Board { options, forward, strike, vol, years, discount, kind, price } = &mut self.board;
        let columns = Columns { forward, strike, vol, expiry_years: years, discount, kind };
        if let Err(error) = price_slice(&columns, price) {
            self.troubles.push(error.to_string());
        }
        for ((instrument, price), forward) in options.iter().zip(price).zip(forward) {
            let listed = &mut self.listed[*instrument];
            let value = if listed.is_coin_priced() { *price / *forward } else { *price };
            listed.quote.mark = value.max(0.0);
        }
    }

    /// The market has moved by one step: prices, what stands in the book of an exchange, faults that begin by chance. True where the
    /// connection is lost.
    pub(crate) fn step(&mut self, now: Timestamp, market: &Generator, seconds: f64) -> bool {
        self.refresh(now, market);
        if self.blocks.is_none() {
            self.match_standing(now, seconds);
        }
        let faults = self.config.faults;
        let mut begins = |per_day: f64| self.faults.draw.chance(per_day * seconds / DAY_SECONDS);
        let is_lost = begins(faults.outages_per_day);
        let begun = [
            (IncidentKind::Frozen, begins(faults.frozen_per_day)),
            (IncidentKind::Silent, begins(faults.silent_per_day)),
            (IncidentKind::Oracle, begins(faults.oracle_per_day)),
        ];
        for (kind, has_begun) in begun {
            if has_begun {
                let size = faults.oracle_error * (2.0 * self.faults.draw.uniform() - 1.0);
                let millis = self.faults.draw.exponential(faults.quote_fault_seconds * 1000.0);
                self.faults.begin(kind, size, now.plus_millis(crate::grid::whole(millis)));
            }
        }
        is_lost
    }

    /// Publishes the quotes of everything that is listed.
    pub(crate) fn publish(&mut self, now: Timestamp, market: &Generator) {
        if now < self.faults.silent_until {
            return;
        }
        let is_frozen = now < self.faults.frozen_until;
        let rows = match self.faults.frozen.take() {
            Some(old) if is_frozen => old,
            _ => self.rows(now, market),
        };
        if is_frozen {
            self.faults.frozen = Some(rows.clone());
        }
        self.outbox.push(Event::Quotes { feed: self.config.name.to_string(), rows });
    }

    fn rows(&mut self, now: Timestamp, market: &Generator) -> Vec<RawQuote> {
        let error = if now < self.faults.oracle_until { self.faults.oracle_error } else { 0.0 };
        let mut rows = Vec::with_capacity(self.listed.len());
        for listed in self.listed.iter().filter(|listed| listed.is_live) {
            let state = &market.states()[listed.underlying];
            let best = |side| listed.levels_best(side, now, self.config.recovery_seconds);
            let (bid, ask) = (best(Side::Bid), best(Side::Ask));
            let mut row = RawQuote {
                row: rows.len() as u64 + 1,
                timestamp: Some(now),
                venue: Some(self.config.name.to_string()),
                instrument_name: listed.listing.symbol.to_string(),
                bid_price: bid.map(|ticks| listed.tick.model(ticks)),
                ask_price: ask.map(|ticks| listed.tick.model(ticks)),
                mark_price: Some(shown(listed.quote.mark, MARK_PLACES)),
                index_price: Some(shown(state.spot * (1.0 + error), INDEX_PLACES).max(0.01)),
                ..RawQuote::default()
            };
            if listed.option.is_some() {
                row.mark_vol = Some(shown(listed.quote.mark_vol, VOL_PLACES));
                row.underlying_price = Some(shown(listed.quote.forward, INDEX_PLACES).max(0.01));
            } else if listed.is_perpetual() {
                row.funding_rate_8h = Some(shown(state.funding_rate_8h(), MARK_PLACES));
            }
            let faults = &mut self.faults;
            if faults.draw.chance(self.config.faults.crossed) || now < faults.crossed_until {
                std::mem::swap(&mut row.bid_price, &mut row.ask_price);
            }
            if faults.draw.chance(self.config.faults.one_sided) || now < faults.one_sided_until {
                let side = if faults.draw.chance(0.5) { &mut row.bid_price } else { &mut row.ask_price };
                *side = None;
            }
            rows.push(row);
        }
        rows
    }

    /// Best prices and the mark of an instrument, for those who look from outside.
    pub(crate) fn best(&self, symbol: &units::Symbol, now: Timestamp) -> Option<[Option<Decimal>; 3]> {
        let listed = &self.listed[*self.by_symbol.get(symbol)?];
        let best = |side| {
            let ticks = listed.levels_best(side, now, self.config.recovery_seconds)?;
            Some(listed.tick.decimal(ticks))
        };
        listed
            .is_live
            .then(|| [best(Side::Bid), best(Side::Ask), Some(listed.tick.decimal(listed.mark_ticks()))])
    }
}

/// The book around the mark: half the spread away on both sides, in whole ticks.
#[allow(clippy::cast_precision_loss)] // ticks of a price
fn depth(listed: &Listed, state: &State, (spread, depth): (f64, f64)) -> Depth {
    let unit = if listed.is_coin_priced() { 1.0 } else { state.spot / listed.currency_usd };
    let mark = listed.quote.mark;
    let half = (listed.half_spread * unit + listed.half_spread_of_price * mark) * spread;
    let (bid, ask) = (listed.tick.floor(mark - half), listed.tick.ceil(mark + half).max(1));
    Depth {
        bid: bid.min(ask - 1).max(0),
        ask,
        spacing: listed.tick.nearest(listed.level * unit).max(1),
        touch: crate::grid::whole((listed.touch_lots * depth).round()).max(1),
    }
}
