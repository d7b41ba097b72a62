//! Cases by hand, then properties against a twin in integers of any length.

mod cases;
mod codec;
mod hostile;
mod properties;
mod refusals;
mod twin;

use crate::{Change, Entry, EntryKind, Fill, Ledger, LedgerError, Place};
use instrument::{Contract, Listing, Settlement, Specs, Terms, resolve};
use std::sync::{Arc, LazyLock};
use units::{Account, Asset, Chain, Decimal, FillId, Money, Price, Quantity, Symbol, Timestamp, Venue};

/// Read once: properties ask for thousands of listings.
static SPECS: LazyLock<Specs> = LazyLock::new(Specs::embedded);

/// An exact decimal.
fn d(text: &str) -> Decimal {
    text.parse::<Quantity>().unwrap().get()
}

fn quantity(text: &str) -> Quantity {
    text.parse().unwrap()
}

fn price(text: &str) -> Price {
    text.parse().unwrap()
}

fn asset(name: &str) -> Asset {
    Asset::new(name).unwrap()
}

fn money(amount: &str, name: &str) -> Money {
    Money::parse(amount, asset(name)).unwrap()
}

fn place(account: &str, venue: &str) -> Place {
    let (account, venue) = (Account::new(account).unwrap(), Venue::new(venue).unwrap());
    Place { account, venue, chain: Chain::new("offchain").unwrap() }
}

fn listing(venue: &str, symbol: &str) -> Arc<Listing> {
    let (venue, symbol) = (Venue::new(venue).unwrap(), Symbol::new(symbol).unwrap());
    let resolved = resolve(&venue, &symbol, &SPECS).unwrap();
    Arc::new(resolved.legs[0].listing.clone())
}

/// A perpetual on ETH that pays 0.0001 BTC per USD and contract, as one venue has listed it.
fn quanto() -> Arc<Listing> {
    let settlement = Settlement::Quanto { currency: asset("BTC"), multiplier: d("0.0001") };
    let contract = Contract { underlying: asset("ETH"), terms: Terms::Perpetual, settlement };
    let (venue, symbol) = (Venue::new("deribit").unwrap(), Symbol::new("ETHUSD-QUANTO").unwrap());
    Arc::new(Listing { venue, symbol, contract, contract_size: Decimal::ONE, price_units: Decimal::ONE })
}

/// One account that trades one listing; ids and times count up.
struct Desk {
    ledger: Ledger,
    place: Place,
    listing: Arc<Listing>,
    fills: i64,
}

impl Desk {
    fn new(venue: &str, symbol: &str) -> Self {
        Self::of(listing(venue, symbol))
    }

    fn of(listing: Arc<Listing>) -> Self {
        let ledger = Ledger::new(Ledger::FILL_MEMORY_DAYS);
        Self { ledger, place: place("desk", listing.venue.as_str()), listing, fills: 0 }
    }

    fn next(&mut self, size: &str, at: &str) -> Fill {
        self.fills += 1;
        Fill {
            id: FillId::new(&self.fills.to_string()).unwrap(),
            place: self.place.clone(),
            listing: self.listing.clone(),
            quantity: quantity(size),
            price: price(at),
            fee: None,
            time: Timestamp::from_unix_nanos(self.fills * 1_000_000_000),
        }
    }

    fn fill(&mut self, size: &str, at: &str) -> Vec<Entry> {
        let fill = self.next(size, at);
        self.ledger.fill(&fill).unwrap()
    }

    /// The last error, after seeing that nothing has changed.
    fn refused(&mut self, event: impl FnOnce(&mut Ledger) -> Result<Vec<Entry>, LedgerError>) -> LedgerError {
        let before = self.ledger.clone();
        let error = event(&mut self.ledger).unwrap_err();
        assert_eq!(self.ledger, before, "{error}");
        error
    }

    fn balance(&self, name: &str) -> Decimal {
        self.ledger.balance(&self.place, &asset(name))
    }

    /// Quantity and entry value.
    fn held(&self) -> Option<(Decimal, Decimal)> {
        let held = self.ledger.position(&self.place, &self.listing.symbol)?;
        Some((held.quantity().get(), held.entry_value().unwrap()))
    }
}

/// Amounts of the entries that note a gain.
fn noted(entries: &[Entry]) -> Vec<Decimal> {
    let gains = entries.iter().filter_map(|entry| match &entry.change {
        Change::Noted(money) => Some(money.amount),
        _ => None,
    });
    gains.collect()
}

/// Kind and amount of the entries that move a balance.
fn paid(entries: &[Entry]) -> Vec<(EntryKind, Decimal)> {
    let paid = entries.iter().filter_map(|entry| match &entry.change {
        Change::Balance(money) => Some((entry.kind, money.amount)),
        _ => None,
    });
    paid.collect()
}
