//! One venue: quotes, books, orders, accounts; an exchange, or a contract on a chain.
//!
//! Everything happens at times that the world names. What the venue says goes into an outbox, which the world gives to the link.

mod chain;
mod matching;
mod quotes;
mod requests;
mod transfers;

pub(crate) use requests::Request;

use crate::WorldError;
use crate::accounts::{Accounts, Finality, Op};
use crate::config::{IncidentKind, VenueConfig, WorldConfig};
use crate::draw::{Draw, Seed};
use crate::grid::rounded;
use crate::listed::{self, Listed};
use crate::market::Generator;
use crate::money;
use crate::orders::{Orders, Stage};
use book::{Fill, Place};
use chain::Blocks;
use engine::{
    BlockNumber, CashEvent, CashKind, Event, FillEvent, OrderEvent, OrderNews, ReportedEvent,
    ReportedPosition,
};
use instrument::{Specs, Terms};
use quotes::{Board, QuoteFaults};
use std::collections::BTreeMap;
use transfers::Transfers;
use units::{Asset, Chain, Decimal, FillId, Money, OrderId, Price, Quantity, Symbol, Timestamp, UnitError};

const EIGHT_HOURS_SECONDS: f64 = 28_800.0;
/// Most lots of an opening position, and the least orders that it is.
const OPENING_LOTS: u64 = 20;

/// A venue.
#[derive(Debug)]
pub(crate) struct Venue {
    pub(crate) config: VenueConfig,
    pub(crate) chain: Chain,
    places: Vec<Place>,
    listed: Vec<Listed>,
    by_symbol: BTreeMap<Symbol, usize>,
    /// Index of each underlying, to the cent.
    index: Vec<Decimal>,
    accounts: Accounts,
    orders: Orders,
    transfers: Transfers,
    /// Whose index `index` has, in that order.
    underlyings: Vec<Asset>,
    /// USD of currencies.
    rates: BTreeMap<Asset, f64>,
    blocks: Option<Blocks>,
    board: Board,
    faults: QuoteFaults,
    draw: Draw,
    /// Fills so far, for their ids.
    fills: u64,
    pub(crate) outbox: Vec<Event>,
    /// What should never happen: amounts beyond 28 digits.
    pub(crate) troubles: Vec<String>,
}

/// Who trades.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Maker,
    Taker,
    /// The venue closes a position of ours.
    Closed,
}

/// A trade before it is booked.
#[derive(Debug)]
struct Trade {
    place: Place,
    order: Option<OrderId>,
    instrument: usize,
    /// Signed.
    lots: i64,
    ticks: i64,
    role: Role,
}

impl Venue {
    pub(crate) fn new(
        (world, config): (&WorldConfig, &VenueConfig),
        specs: &Specs,
        seed: Seed,
        start: Timestamp,
    ) -> Result<Self, WorldError> {
        let chain = match &config.chain {
            Some(chain) => chain.name.clone(),
            None => Chain::off_chain(),
        };
        let place = |account: &units::Account| Place {
            account: account.clone(),
            venue: config.name.clone(),
            chain: chain.clone(),
        };
        let places = world.accounts.iter().map(place).collect();
        let listed = listed::all(world, config, start, specs)?;
        let by_symbol = listed.iter().enumerate().map(|(i, one)| (one.listing.symbol.clone(), i)).collect();
        let finality = if config.chain.is_some() { Finality::ByBlocks } else { Finality::AtOnce };
        Ok(Self {
            chain,
            places,
            by_symbol,
            index: Vec::new(),
            accounts: Accounts::new(finality),
            orders: Orders::default(),
            transfers: Transfers::default(),
            underlyings: world.underlying.iter().map(|underlying| underlying.asset.clone()).collect(),
            rates: world.rate.iter().map(|rate| (rate.asset.clone(), rate.usd)).collect(),
            blocks: config.chain.clone().map(Blocks::new),
            board: Board::new(&listed),
            listed,
            faults: QuoteFaults::new(start, Draw::new(seed, &format!("{} quotes", config.name))),
            draw: Draw::new(seed, config.name.as_str()),
            fills: 0,
            outbox: Vec::new(),
            troubles: Vec::new(),
            config: config.clone(),
        })
    }

    pub(crate) const fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    pub(crate) const fn orders(&self) -> &Orders {
        &self.orders
    }

    pub(crate) fn places(&self) -> &[Place] {
        &self.places
    }

    pub(crate) fn listings(&self) -> impl Iterator<Item = &Listed> {
        self.listed.iter()
    }

    /// Times at which something here expires.
    pub(crate) fn expiries(&self) -> std::collections::BTreeSet<Timestamp> {
        self.listed.iter().filter_map(|one| one.expiry).collect()
    }

    /// What each account begins with: deposits, and positions drawn from the seed, entered at the mark without a fee; then a report of it.
    pub(crate) fn open(&mut self, now: Timestamp) -> Result<Vec<Event>, WorldError> {
        for place in self.places.clone() {
            for deposit in self.config.deposit.clone() {
                let money = Money { amount: deposit.amount, asset: deposit.asset };
                self.accounts.post(Op::Deposit(place.clone(), money.clone()), self.head())?;
                let cash = CashEvent { place: place.clone(), money, kind: CashKind::Deposit, time: now };
                self.outbox.push(Event::Cash(cash));
            }
            let mut left: Vec<usize> = (0..self.listed.len()).collect();
            for _ in 0..self.config.opening_positions {
                if left.is_empty() {
                    break;
                }
                let at = usize::try_from(self.draw.below(left.len() as u64)).unwrap_or(0);
                let instrument = left.swap_remove(at);
                let listed = &self.listed[instrument];
                let size = 1 + i64::try_from(self.draw.below(OPENING_LOTS)).unwrap_or(0);
                let sign = if self.draw.chance(0.5) { 1 } else { -1 };
                let (lots, ticks) = (sign * size * listed.minimum_lots, listed.mark_ticks());
                let role = Role::Closed;
                self.trade(now, &Trade { place: place.clone(), order: None, instrument, lots, ticks, role });
            }
        }
        self.report(now);
        Ok(std::mem::take(&mut self.outbox))
    }

    /// The block of the moment; zero off chain.
    fn head(&self) -> u64 {
        self.blocks.as_ref().map_or(0, Blocks::head)
    }

    /// Books a trade, tells of it, and returns the fill; none when the ledger refuses it, which is a trouble.
    fn trade(&mut self, now: Timestamp, trade: &Trade) -> Option<FillEvent> {
        match self.booked(now, trade) {
            Ok(fill) => {
                self.outbox.push(Event::Fill(fill.clone()));
                Some(fill)
            }
            Err(trouble) => {
                self.troubles.push(trouble);
                None
            }
        }
    }

    fn booked(&mut self, now: Timestamp, trade: &Trade) -> Result<FillEvent, String> {
        let listed = &self.listed[trade.instrument];
        let (quantity, price) = (listed.lot.decimal(trade.lots), listed.tick.decimal(trade.ticks));
        let fee = match trade.role {
            Role::Closed => None,
            role => {
                let bp = match role {
                    _ if listed.option.is_some() => self.config.option_fee_bp,
                    Role::Maker => self.config.maker_fee_bp,
                    _ => self.config.taker_fee_bp,
                };
                let gas = self.config.chain.as_ref().map_or(Decimal::ZERO, |chain| chain.gas);
                let index = self.index.get(listed.underlying).copied().unwrap_or_default();
                let fee = money::fee(listed, (quantity, price), index, money::FeeRate { bp, gas });
                Some(fee.ok_or_else(|| format!("{}: the fee has over 28 digits", listed.listing.symbol))?)
            }
        };
        let name = |e: UnitError| e.to_string();
        let event = FillEvent {
            id: FillId::new(&format!("{}-{}", self.config.name, self.fills + 1)).map_err(name)?,
            place: trade.place.clone(),
            symbol: listed.listing.symbol.clone(),
            quantity: Quantity::new(quantity),
            price: Price::new(price),
            fee: fee.filter(|fee| !fee.amount.is_zero()),
            time: now,
            order: trade.order.clone(),
            block: self
                .blocks
                .as_ref()
                .filter(|blocks| blocks.is_started())
                .map(|b| BlockNumber::new(b.head())),
        };
        let fill = Fill {
            id: event.id.clone(),
            place: event.place.clone(),
            listing: listed.listing.clone(),
            quantity: event.quantity,
            price: event.price,
            fee: event.fee.clone(),
            time: now,
        };
        self.accounts.post(Op::Fill(fill), self.head()).map_err(|e| e.to_string())?;
        self.fills += 1;
        Ok(event)
    }

    fn say(&mut self, id: &OrderId, news: OrderNews, time: Timestamp) {
        self.outbox.push(Event::Order(OrderEvent { id: id.clone(), news, time }));
    }

    /// What every place holds.
    pub(crate) fn report(&mut self, now: Timestamp) {
        for place in &self.places {
            let ledger = self.accounts.ledger();
            let held = ledger
                .positions()
                .filter(|(at, held)| *at == place && held.listing().contract.terms != Terms::Spot);
            let positions = held.map(|(_, held)| ReportedPosition {
                symbol: held.listing().symbol.clone(),
                quantity: held.quantity(),
                average_price: held.average_price(),
            });
            let balances = ledger.balances().filter(|(at, ..)| *at == place);
            self.outbox.push(Event::Reported(ReportedEvent {
                place: place.clone(),
                positions: positions.collect(),
                balances: balances.map(|(_, asset, amount)| (asset.clone(), amount)).collect(),
                time: now,
            }));
        }
    }

    /// Pays funding of perpetuals: the rate of eight hours, in proportion to the interval.
    pub(crate) fn fund(&mut self, now: Timestamp, market: &Generator) {
        let share = f64::from(self.config.funding_every_seconds) / EIGHT_HOURS_SECONDS;
        for (place, instrument, quantity) in self.perpetuals_held() {
            let listed = &self.listed[instrument];
            let rate = rounded(market.states()[listed.underlying].funding_rate_8h() * share, 10);
            let listing = listed.listing.clone();
            let Some(money) = money::funding(listed, quantity, self.index[listed.underlying], rate) else {
                self.troubles.push(format!("{}: funding has over 28 digits", listing.symbol));
                continue;
            };
            if money.amount.is_zero() {
                continue;
            }
            let kind = CashKind::Funding { symbol: listing.symbol.clone() };
            let op = Op::Funding(place.clone(), listing, money.clone());
            match self.accounts.post(op, self.head()) {
                Ok(()) => self.outbox.push(Event::Cash(CashEvent { place, money, kind, time: now })),
                Err(error) => self.troubles.push(error.to_string()),
            }
        }
    }

    /// What expires now settles at the index; orders in it end.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        for instrument in 0..self.listed.len() {
            let listed = &mut self.listed[instrument];
            if !listed.is_live || listed.expiry.is_none_or(|expiry| expiry > now) {
                continue;
            }
            listed.is_live = false;
            let (listing, price) = (listed.listing.clone(), Price::new(self.index[listed.underlying]));
            for id in self.orders.standing() {
                if self.orders.get(&id).is_some_and(|record| record.instrument == instrument) {
                    self.end(now, &id);
                }
            }
            let is_held = self
                .places
                .iter()
                .any(|place| self.accounts.ledger().position(place, &listing.symbol).is_some());
            if !is_held {
                continue;
            }
            let (venue, symbol) = (self.config.name.clone(), listing.symbol.clone());
            match self.accounts.post(Op::Settle(listing, price), self.head()) {
                Ok(()) => self.outbox.push(Event::Settle { venue, symbol, price, time: now }),
                Err(error) => self.troubles.push(error.to_string()),
            }
        }
    }

    /// Closes a share of every perpetual position of ours at the mark, at least a lot, without an order of ours.
    fn deleverage(&mut self, now: Timestamp, share: f64) {
        for (place, instrument, quantity) in self.perpetuals_held() {
            let listed = &self.listed[instrument];
            let held = listed.lot.steps(quantity).unwrap_or(0);
            #[allow(clippy::cast_precision_loss)] // lots of a position
            let part = crate::grid::whole((held.abs() as f64 * share).floor()).clamp(1, held.abs().max(1));
            let (lots, ticks) = (-held.signum() * part, listed.mark_ticks());
            if lots != 0 {
                let role = Role::Closed;
                self.trade(now, &Trade { place, order: None, instrument, lots, ticks, role });
            }
        }
    }

    fn perpetuals_held(&self) -> Vec<(Place, usize, Decimal)> {
        let perpetuals = self.listed.iter().enumerate().filter(|(_, listed)| listed.is_perpetual());
        let held = perpetuals.flat_map(|(instrument, listed)| {
            self.places.iter().filter_map(move |place| {
                let held = self.accounts.ledger().position(place, &listed.listing.symbol)?;
                Some((place.clone(), instrument, held.quantity().get()))
            })
        });
        held.collect()
    }

    /// A fault of the script that is not one of the connection.
    pub(crate) fn incident(&mut self, now: Timestamp, kind: IncidentKind, size: f64, until: Timestamp) {
        match (kind, &mut self.blocks) {
            (IncidentKind::Adl, Some(blocks)) => blocks.deleverage(size),
            (IncidentKind::Adl, None) => self.deleverage(now, size),
            (IncidentKind::Reorg, Some(blocks)) => blocks.replace_next(size),
            (kind, _) => self.faults.begin(kind, size, until),
        }
    }

    fn filled(&self, id: &OrderId) -> bool {
        self.orders.get(id).is_some_and(|record| record.stage == Stage::Filled)
    }
}
