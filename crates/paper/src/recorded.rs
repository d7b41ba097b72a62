//! A venue whose market was recorded: an engine that is told its snapshots trades at the prices that stood in them.
//!
//! ```text
//! RawSnapshot ─► RecordedVenue ── Snapshot, fills, news, cash, reports ──► engine
//!                    ▲                                                        │
//!                    └──────────────── orders ────────────────────────────────┘
//! ```
//!
//! It speaks the events of the paper venues of [`crate::World`] and keeps an exact ledger as they do. What is different: there is no
//! generator and no link, so nothing is lost or late; an order is filled at once and whole, at the offer or the bid of the snapshot at hand
//! when its limit allows that, and ends unfilled otherwise. Recorded sizes are not known, so a fill takes nothing away from a book.
//!
//! **Prices.** Options: bid and ask as recorded. Perpetuals and futures: the recorded price less or plus half a spread, cut to nothing
//! finer than [`PLACES`] places. A snapshot replaces all prices: what it does not quote cannot be traded.
//!
//! **Numbers.** Recorded prices are floats that were decimals: their shortest decimal text is the price. Fees are a rate of the notional, in
//! what the contract is paid in, rounded to [`PLACES`] places.
//!
//! **Left out:** depth, standing orders, fees of options by orders (option trades are given with their fee), chains.
//!
//! ```
//! use book::Place;
//! use engine::Event;
//! use paper::recorded::{RecordedCosts, RecordedVenue};
//! use units::{Account, Asset, Chain, Symbol, Timestamp, Venue};
//! let place = Place { account: Account::new("desk")?, venue: Venue::new("deribit")?, chain: Chain::new("offchain")? };
//! let now = Timestamp::from_utc_date(2026, 2, 5, 12)?;
//! let mut venue = RecordedVenue::new(place.clone(), RecordedCosts::default());
//! // An option is sold at 0.02 coins: the premium is there.
//! let symbol = Symbol::new("BTC-13FEB26-70000-P")?;
//! let sold = venue.trade(now, &symbol, ("-1.5".parse()?, "0.02".parse()?), None)?;
//! assert!(matches!(sold, Event::Fill(_)));
//! assert_eq!(venue.ledger().balance(&place, &Asset::new("BTC")?), "0.03".parse()?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use book::{Fill, Ledger, LedgerError, Place};
use engine::{
    CashEvent, CashKind, Event, FillEvent, Link, Order, OrderEvent, OrderNews, Output, ReportedEvent,
    ReportedPosition,
};
use instrument::{Listing, Settlement, Specs, SymbolError, Terms, resolve};
use market::{RawQuote, RawSnapshot};
use std::collections::BTreeMap;
use std::sync::Arc;
use units::{Decimal, FillId, Money, OrderId, Price, Quantity, Symbol, Timestamp, UnitError, exact_product};

/// Places of fees, funding and of prices with half a spread.
pub const PLACES: u32 = 12;

/// Why a recorded venue cannot do what it is asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordedError {
    /// A symbol that does not resolve.
    #[error(transparent)]
    Symbol(#[from] SymbolError),
    /// A combination of contracts.
    #[error("{0} is several contracts: trade its legs")]
    Combo(Symbol),
    /// The ledger does not take it.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A number out of its range.
    #[error(transparent)]
    Unit(#[from] UnitError),
    /// An amount of over 28 digits.
    #[error("{0}: the amount has over 28 digits")]
    Digits(Symbol),
}

/// What trading costs there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecordedCosts {
    /// Fee of an order, fraction of its notional.
    pub fee: Decimal,
    /// Half the spread of futures and perpetuals, fraction of the price.
    pub half_spread: Decimal,
}

/// Best prices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Touch {
    bid: Option<Decimal>,
    ask: Option<Decimal>,
}

/// One of our places at a venue whose market was recorded.
#[derive(Debug)]
pub struct RecordedVenue {
    place: Place,
    costs: RecordedCosts,
    specs: Specs,
    ledger: Ledger,
    touches: BTreeMap<Symbol, Touch>,
    /// What was filled of each order, signed.
    filled: BTreeMap<OrderId, Decimal>,
    fills: u64,
}

impl RecordedVenue {
    /// An empty place.
    #[must_use]
    pub fn new(place: Place, costs: RecordedCosts) -> Self {
        let ledger = Ledger::new(Ledger::FILL_MEMORY_DAYS);
        let (touches, filled) = (BTreeMap::new(), BTreeMap::new());
        Self { place, costs, specs: Specs::embedded(), ledger, touches, filled, fills: 0 }
    }

    /// What it holds for us.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What an engine has to be told first.
    #[must_use]
    pub fn open(&self, now: Timestamp) -> Vec<Event> {
        vec![Event::Link { venue: self.place.venue.clone(), link: Link::Up }, self.report(now)]
    }

    /// A recorded snapshot: its prices stand from now on.
    #[must_use]
    pub fn snapshot(&mut self, snapshot: RawSnapshot) -> Event {
        let RawSnapshot { file, asof, mut rows, .. } = snapshot;
        self.touches.clear();
        for row in &mut rows {
            row.timestamp = row.timestamp.or(Some(asof));
            if let (Ok(symbol), Some(touch)) = (Symbol::new(&row.instrument_name), self.touch(row)) {
                self.touches.insert(symbol, touch);
            }
        }
        Event::Snapshot { feed: file, rows }
    }

    /// Options are quoted by bid and ask, futures and perpetuals by one price.
    fn touch(&self, row: &RawQuote) -> Option<Touch> {
        let symbol = Symbol::new(&row.instrument_name).ok()?;
        if matches!(self.listing(&symbol).ok()?.contract.terms, Terms::Option { .. } | Terms::Spot) {
            return Some(Touch { bid: decimal(row.bid_price), ask: decimal(row.ask_price) });
        }
        let price = decimal(row.mark_price)?;
        let half = price.checked_mul(self.costs.half_spread)?;
        let at = |price: Option<Decimal>| price.map(|price| price.round_dp(PLACES).normalize());
        Some(Touch { bid: at(price.checked_sub(half)), ask: at(price.checked_add(half)) })
    }

    /// A trade of ours that no order made, such as the sale of options that a rule is to hedge.
    ///
    /// # Errors
    /// [`RecordedError`] when there is no such contract, or the ledger does not take it.
    pub fn trade(
        &mut self,
        now: Timestamp,
        symbol: &Symbol,
        (quantity, price): (Quantity, Price),
        fee: Option<Money>,
    ) -> Result<Event, RecordedError> {
        let listing = self.listing(symbol)?;
        self.book(now, listing, (quantity, price), (fee, None)).map(Event::Fill)
    }

    /// Does what a venue does with an output: fills or ends an order, answers a question. The rest is nothing to it.
    ///
    /// # Errors
    /// [`RecordedError`] when the ledger does not take a fill.
    pub fn take(&mut self, now: Timestamp, output: &Output) -> Result<Vec<Event>, RecordedError> {
        match output {
            Output::Order(order) if order.place == self.place => self.order(now, order),
            Output::Cancel { id, place } | Output::Query { id, place } if *place == self.place => {
                let news = match self.filled.get(id) {
                    Some(filled) => OrderNews::Ended { filled: Some(*filled) },
                    None => OrderNews::NotKnown,
                };
                Ok(vec![said(now, id, news)])
            }
            _ => Ok(Vec::new()),
        }
    }

    fn order(&mut self, now: Timestamp, order: &Order) -> Result<Vec<Event>, RecordedError> {
        let quantity = order.quantity.get();
        let touch = self.touches.get(&order.symbol);
        let offered = touch.and_then(|touch| if quantity > Decimal::ZERO { touch.ask } else { touch.bid });
        let limit = order.limit_price.get();
        let is_within =
            |price: &Decimal| if quantity > Decimal::ZERO { *price <= limit } else { *price >= limit };
        if now > order.valid_until || self.filled.contains_key(&order.id) || quantity.is_zero() {
            let why = "it came after its time, a second time, or with nothing to trade".to_owned();
            return Ok(vec![said(now, &order.id, OrderNews::Rejected(why))]);
        }
        let mut events = vec![said(now, &order.id, OrderNews::Accepted)];
        let mut filled = Decimal::ZERO;
        if let Some(price) = offered.filter(is_within) {
            let listing = self.listing(&order.symbol)?;
            let fee = self.fee(&listing, (quantity, price))?;
            let traded = (order.quantity, Price::new(price));
            events.push(Event::Fill(self.book(now, listing, traded, (fee, Some(order.id.clone())))?));
            filled = quantity;
        }
        self.filled.insert(order.id.clone(), filled);
        events.push(said(now, &order.id, OrderNews::Ended { filled: Some(filled) }));
        Ok(events)
    }

    fn listing(&self, symbol: &Symbol) -> Result<Arc<Listing>, RecordedError> {
        let resolved = resolve(&self.place.venue, symbol, &self.specs)?;
        match resolved.legs.as_slice() {
            [leg] => Ok(Arc::new(leg.listing.clone())),
            _ => Err(RecordedError::Combo(symbol.clone())),
        }
    }

    /// Notional in what a contract is paid in; none of over 28 digits.
    fn notional(listing: &Listing, (quantity, price): (Decimal, Decimal)) -> Option<Decimal> {
        let size = exact_product(quantity, listing.contract_size)?;
        match (&listing.contract.settlement, &listing.contract.terms) {
            (Settlement::Inverse, Terms::Perpetual | Terms::Future { .. }) => size.checked_div(price),
            _ => size.checked_mul(price),
        }
    }

    fn fee(&self, listing: &Listing, traded: (Decimal, Decimal)) -> Result<Option<Money>, RecordedError> {
        let charged = Self::notional(listing, traded).and_then(|n| n.abs().checked_mul(self.costs.fee));
        let amount = charged.ok_or_else(|| RecordedError::Digits(listing.symbol.clone()))?;
        let money = Money {
            amount: amount.round_dp(PLACES).normalize(),
            asset: listing.contract.settlement_asset().clone(),
        };
        Ok(Some(money).filter(|money| !money.amount.is_zero()))
    }

    fn book(
        &mut self,
        now: Timestamp,
        listing: Arc<Listing>,
        (quantity, price): (Quantity, Price),
        (fee, order): (Option<Money>, Option<OrderId>),
    ) -> Result<FillEvent, RecordedError> {
        let id = FillId::new(&format!("{}-recorded-{}", self.place.venue, self.fills + 1))?;
        let (place, symbol) = (self.place.clone(), listing.symbol.clone());
        let fill = Fill {
            id: id.clone(),
            place: place.clone(),
            listing,
            quantity,
            price,
            fee: fee.clone(),
            time: now,
        };
        self.ledger.fill(&fill)?;
        self.fills += 1;
        Ok(FillEvent { id, place, symbol, quantity, price, fee, time: now, order, block: None })
    }

    /// Funding of a perpetual, a fraction of the notional at a price that longs pay: what we get or pay, if we hold any.
    ///
    /// # Errors
    /// [`RecordedError`] when there is no such contract, or an amount of over 28 digits.
    pub fn fund(
        &mut self,
        now: Timestamp,
        symbol: &Symbol,
        (rate, price): (Decimal, Price),
    ) -> Result<Option<Event>, RecordedError> {
        let Some(held) = self.ledger.position(&self.place, symbol) else { return Ok(None) };
        let (listing, quantity) = (held.listing().clone(), held.quantity().get());
        let digits = || RecordedError::Digits(symbol.clone());
        let notional = Self::notional(&listing, (quantity, price.get())).ok_or_else(digits)?;
        let amount = notional.checked_mul(-rate).ok_or_else(digits)?.round_dp(PLACES).normalize();
        if amount.is_zero() {
            return Ok(None);
        }
        let money = Money { amount, asset: listing.contract.settlement_asset().clone() };
        self.ledger.funding(&self.place, &listing, &money)?;
        let kind = CashKind::Funding { symbol: symbol.clone() };
        Ok(Some(Event::Cash(CashEvent { place: self.place.clone(), money, kind, time: now })))
    }

    /// A listing settles at a price of its underlying.
    ///
    /// # Errors
    /// [`RecordedError`] when nobody holds it.
    pub fn settle(&mut self, now: Timestamp, symbol: &Symbol, price: Price) -> Result<Event, RecordedError> {
        let listing = self.listing(symbol)?;
        self.ledger.settle(&listing, price)?;
        let (venue, symbol) = (self.place.venue.clone(), symbol.clone());
        Ok(Event::Settle { venue, symbol, price, time: now })
    }

    /// What the place holds.
    #[must_use]
    pub fn report(&self, now: Timestamp) -> Event {
        let positions = self.ledger.positions().map(|(_, held)| ReportedPosition {
            symbol: held.listing().symbol.clone(),
            quantity: held.quantity(),
            average_price: held.average_price(),
        });
        let balances = self.ledger.balances().map(|(_, asset, amount)| (asset.clone(), amount));
        Event::Reported(ReportedEvent {
            place: self.place.clone(),
            positions: positions.collect(),
            balances: balances.collect(),
            time: now,
        })
    }
}

fn said(time: Timestamp, id: &OrderId, news: OrderNews) -> Event {
    Event::Order(OrderEvent { id: id.clone(), news, time })
}

/// A recorded price: the shortest decimal that reads back as this float is what was recorded.
fn decimal(price: Option<f64>) -> Option<Decimal> {
    let price = price.filter(|price| price.is_finite() && *price > 0.0)?;
    price.to_string().parse::<Decimal>().ok().map(|price| price.normalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use market::Layout;
    use units::{Account, Asset, Chain, Issues, Venue};

    fn place() -> Place {
        Place {
            account: Account::new("desk").unwrap(),
            venue: Venue::new("deribit").unwrap(),
            chain: Chain::new("offchain").unwrap(),
        }
    }

    fn now() -> Timestamp {
        Timestamp::from_utc_date(2026, 2, 5, 12).unwrap()
    }

    fn quoted(price: f64) -> RawSnapshot {
        let row = RawQuote {
            row: 1,
            instrument_name: "BTC-PERPETUAL".into(),
            mark_price: Some(price),
            ..RawQuote::default()
        };
        let (file, layout, issues) = ("test".to_owned(), Layout::PerpetualPrices, Issues::default());
        RawSnapshot { file, layout, asof: now(), snapshots_in_file: 1, rows: vec![row], issues }
    }

    fn order(id: &str, quantity: &str, limit: &str) -> Output {
        Output::Order(Order {
            id: OrderId::new(id).unwrap(),
            place: place(),
            symbol: Symbol::new("BTC-PERPETUAL").unwrap(),
            quantity: quantity.parse().unwrap(),
            limit_price: limit.parse().unwrap(),
            valid_until: now().plus_millis(1000),
        })
    }

    fn costs() -> RecordedCosts {
        RecordedCosts { fee: "0.0005".parse().unwrap(), half_spread: "0.0001".parse().unwrap() }
    }

    #[test]
    fn an_order_is_filled_at_the_recorded_price_or_ends_unfilled() {
        let mut venue = RecordedVenue::new(place(), costs());
        let _ = venue.snapshot(quoted(80_000.0));
        let events = venue.take(now(), &order("1", "100", "80008")).unwrap();
        let [Event::Order(_), Event::Fill(fill), Event::Order(ended)] = events.as_slice() else {
            panic!("{events:?}")
        };
        // Half a spread of one basis point above 80,000; fee of 5 bp of 100/80,008 coins.
        assert_eq!(fill.price, "80008".parse().unwrap());
        let fee = (Decimal::from(100) / Decimal::from(80_008) * Decimal::new(5, 4)).round_dp(PLACES);
        assert_eq!(fill.fee.as_ref().unwrap().amount, fee.normalize());
        assert_eq!(ended.news, OrderNews::Ended { filled: Some(Decimal::from(100)) });
        let events = venue.take(now(), &order("2", "-100", "79993")).unwrap();
        assert!(
            matches!(events.as_slice(), [_, Event::Order(OrderEvent { news: OrderNews::Ended { filled: Some(none) }, .. })] if none.is_zero()),
            "79,992 are bid"
        );
        // A second time, too late, or of what is not quoted.
        let again = venue.take(now(), &order("1", "100", "80008")).unwrap();
        assert!(matches!(again.as_slice(), [Event::Order(OrderEvent { news: OrderNews::Rejected(_), .. })]));
        let late = venue.take(now().plus_millis(2000), &order("3", "100", "80008")).unwrap();
        assert!(matches!(late.as_slice(), [Event::Order(OrderEvent { news: OrderNews::Rejected(_), .. })]));
        let _ = venue.snapshot(RawSnapshot { rows: Vec::new(), ..quoted(1.0) });
        let none = venue.take(now(), &order("4", "100", "80008")).unwrap();
        assert_eq!(none.len(), 2, "accepted and ended: {none:?}");
    }

    #[test]
    fn funding_is_paid_by_longs_above_zero_and_reports_are_what_the_ledger_has() {
        let mut venue = RecordedVenue::new(place(), RecordedCosts::default());
        let perpetual = Symbol::new("BTC-PERPETUAL").unwrap();
        let price: Price = "80000".parse().unwrap();
        let rate: Decimal = "0.0001".parse().unwrap();
        assert!(venue.fund(now(), &perpetual, (rate, price)).unwrap().is_none(), "nothing is held");
        venue.trade(now(), &perpetual, ("8000".parse().unwrap(), price), None).unwrap();
        let Some(Event::Cash(cash)) = venue.fund(now(), &perpetual, (rate, price)).unwrap() else {
            panic!("cash")
        };
        // 8,000 / 80,000 coins at a basis point.
        assert_eq!(cash.money.amount, "-0.00001".parse().unwrap());
        let Event::Reported(report) = venue.report(now()) else { panic!("a report") };
        assert_eq!(report.balances, [(Asset::new("BTC").unwrap(), "-0.00001".parse().unwrap())]);
        assert_eq!(report.positions.len(), 1);
    }

    #[test]
    fn recorded_floats_are_the_decimals_that_they_were() {
        for (price, text) in [(88_539.0, "88539"), (0.2265, "0.2265"), (2978.35, "2978.35")] {
            assert_eq!(decimal(Some(price)).unwrap().to_string(), text);
        }
        for bad in [f64::NAN, f64::INFINITY, 0.0, -1.0, 1e300] {
            assert_eq!(decimal(Some(bad)), None, "{bad}");
        }
    }
}
