//! The exact ledger: events in, positions and balances out, to the last digit.
//!
//! A [`Ledger`] is a value that changes by events: a fill, a payment, the settlement of a listing, a correction after
//! reconciliation. Each event gives the [`Entry`]s that it made, or a [`LedgerError`] and has changed nothing. Balances and
//! positions are the sums of their entries.
//!
//! | contract | at a fill | what closing realises |
//! |---|---|---|
//! | future, perpetual (linear, quanto) | no cash; the entry value grows by quantity x price | exit value less part of the entry value, paid |
//! | future, perpetual (inverse) | no cash; the entry value grows by quantity / price, in coin | part of the entry value less exit value, paid in coin |
//! | option | the premium is paid (in coin for inverse ones) | the same difference, as information: the cash has moved |
//! | spot | coin against quote currency | the same, as information |
//!
//! Cost is average cost: closing a part of a position takes the same part of its entry value. Signs: bought is positive, a
//! gain is positive, a fee paid is positive in a [`Fill`] and negative in a balance.
//!
//! Roundings, all half to even, all a `Fraction` of the module `exact`:
//!
//! | what | to |
//! |---|---|
//! | value of an inverse fill, payout of an inverse option | 18 places, or as many as 28 digits leave |
//! | part of an entry value, and of the value of a fill that flips a position | the same; fewer where its sum with exit value and balance would not fit 28 digits |
//! | average price, for display and [`Book`] | 18 places; inverse 12 digits |
//!
//! What is not the part stays in the position, and closing in full takes all of it, so nothing is lost: over any fills the
//! realised gains and the entry value that remains add up exactly to the values of the fills.
//!
//! Double entry: [`EntryKind::counter`] names the account that loses what a balance gains, so balances and counter accounts
//! sum to exactly zero in each asset.
//!
//! Spot is held as balances. A spot position beside them keeps the average price of what was traded; it is no holding and not
//! in [`Ledger::book`].
//!
//! Errors: [`LedgerError`] names place and rule. An amount of over 28 digits is refused, not rounded: a balance with 18 places
//! holds up to 7.9e10.
//!
//! Left out: hedge mode (long and short at once; give each side an account), fees of settlements other than [`Ledger::fee`],
//! interest, fees of transfers. Times are the caller's to check: the newest fill of an account, even one dated years ahead,
//! decides which are too old.
//!
//! ```
//! use book::{EntryKind, Fill, Ledger, Place};
//! use std::sync::Arc;
//! use units::{Account, Asset, Chain, FillId, Symbol, Timestamp, Venue};
//! let place = Place { account: Account::new("desk")?, venue: Venue::new("deribit")?, chain: Chain::new("offchain")? };
//! let symbol = Symbol::new("BTC_USDC-PERPETUAL")?;
//! let resolved = instrument::resolve(&place.venue, &symbol, &instrument::Specs::embedded())?;
//! let listing = Arc::new(resolved.legs[0].listing.clone());
//! let fill = |id, quantity: &str, price: &str| -> Result<Fill, units::UnitError> {
//!     let time = Timestamp::from_unix_nanos(0);
//!     let (place, listing) = (place.clone(), listing.clone());
//!     Ok(Fill { id: FillId::new(id)?, place, listing, quantity: quantity.parse()?, price: price.parse()?, fee: None, time })
//! };
//! let mut ledger = Ledger::new(Ledger::FILL_MEMORY_DAYS);
//! ledger.fill(&fill("1", "2", "60000")?)?;
//! ledger.fill(&fill("2", "-0.5", "61000")?)?;
//! assert_eq!(ledger.balance(&place, &Asset::new("USDC")?).to_string(), "500");
//! assert_eq!(ledger.book().positions[0].quantity.to_string(), "1.5");
//! // The venue sends a fill twice: it is named, and nothing happens.
//! assert!(ledger.fill(&fill("2", "-0.5", "61000")?).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod encode;
mod entry;
mod error;
mod exact;
mod memory;
mod state;
mod trade;
mod value;

pub use encode::DecodeError;
pub use entry::{Change, Counter, Entry, EntryKind, Fill, Place};
pub use error::LedgerError;
pub use state::{AtPlace, OpenPosition};

use crate::{Balance, Book, Origin, Position};
use exact::{Fraction, VALUE_PLACES};
use instrument::{Contract, Listing, Terms};
use memory::Memory;
use state::{State, price_checked, style_of, too_many};
use std::sync::Arc;
use units::{Asset, Decimal, Money, Price, Quantity, Symbol, exact_sum};

/// Positions and balances of all places, with the ids of recent fills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    memory: Memory,
    state: State,
}

impl Ledger {
    /// Days of fill ids to remember when nothing else is asked for: venues replay fills of up to ten.
    pub const FILL_MEMORY_DAYS: u32 = 10;

    /// An empty ledger. Ids of fills are remembered for so many days before the newest fill of a venue and account; an older
    /// fill is refused, because nobody can tell whether it is a duplicate.
    #[must_use]
    pub fn new(fill_memory_days: u32) -> Self {
        Self { memory: Memory::new(fill_memory_days), state: State::default() }
    }

    /// Books an execution.
    ///
    /// # Errors
    /// A duplicate, one that is too old, quantity zero, a price that the contract cannot have, a listing of another venue or
    /// with other terms than the position, a position to be closed whose entry value is unknown, over 28 digits.
    pub fn fill(&mut self, fill: &Fill) -> Result<Vec<Entry>, LedgerError> {
        let Self { memory, state } = self;
        let seen = memory.checked(fill)?;
        let entries =
            state.post_made(&fill.place, |before| Ok(of_something(trade::of_fill(before, fill)?)))?;
        seen.remember(fill);
        Ok(entries)
    }

    /// Takes a fill back: its block is no longer of the chain. Entries are sums, so the ledger is as if the fill had never been, when
    /// later changes of the same position were taken back before.
    ///
    /// # Errors
    /// A part of the position came without a price since; entries that no longer fit what is held. Nothing has changed then.
    pub fn undo(&mut self, fill: &Fill, entries: &[Entry]) -> Result<Vec<Entry>, LedgerError> {
        let back: Result<Vec<Entry>, LedgerError> = entries.iter().rev().map(Entry::taken_back).collect();
        let entries = self.post(back?)?;
        self.memory.forget(fill);
        Ok(entries)
    }

    /// Settles a listing for every place that holds it: futures and perpetuals realise at the price, options pay out at the
    /// price of the underlying, the position goes. `price` is in the listing's quote currency, also for inverse options.
    ///
    /// # Errors
    /// When nobody holds it, it is spot, a price is below zero or zero for what is paid in coin, an entry value is unknown,
    /// over 28 digits. Then no place has settled.
    pub fn settle(&mut self, listing: &Listing, price: Price) -> Result<Vec<Entry>, LedgerError> {
        // A listing settles once, and fills come by the million: nobody keeps who holds what, and every place is asked.
        let places = self.state.places.iter().filter(|(place, _)| place.venue == listing.venue);
        let mut entries = Vec::new();
        for (place, here) in places {
            let held = here.positions.get(&listing.symbol);
            let Some(held) = held.filter(|held| held.listing.contract == listing.contract) else { continue };
            not_spot(listing, place, "transfer or withdraw it")?;
            entries.extend(trade::of_settlement((place, here), held, price)?);
        }
        if entries.is_empty() {
            let (venue, symbol) = (listing.venue.clone(), listing.symbol.clone());
            return Err(LedgerError::NotHeld { venue, symbol });
        }
        self.post(entries)
    }

    /// Money from outside.
    ///
    /// # Errors
    /// When the amount is not above zero, or the balance needs over 28 digits.
    pub fn deposit(&mut self, place: &Place, money: &Money) -> Result<Vec<Entry>, LedgerError> {
        positive(place, money)?;
        self.post(vec![moved(place, EntryKind::Deposit, money.clone())])
    }

    /// Money to outside; a balance may become a debt.
    ///
    /// # Errors
    /// As [`Ledger::deposit`].
    pub fn withdraw(&mut self, place: &Place, money: &Money) -> Result<Vec<Entry>, LedgerError> {
        positive(place, money)?;
        self.post(vec![moved(place, EntryKind::Withdrawal, negative(money))])
    }

    /// Money from the first place to the second, of which nothing is lost on the way.
    ///
    /// # Errors
    /// As [`Ledger::deposit`], and when the places are one.
    pub fn transfer(
        &mut self,
        (from, to): (&Place, &Place),
        money: &Money,
    ) -> Result<Vec<Entry>, LedgerError> {
        positive(from, money)?;
        if from == to {
            return Err(LedgerError::SamePlace { place: from.clone() });
        }
        let out = moved(from, EntryKind::Transfer, negative(money));
        self.post(vec![out, moved(to, EntryKind::Transfer, money.clone())])
    }

    /// Funding of a listing: positive is received. The position may be gone by now.
    ///
    /// # Errors
    /// When the listing is another venue's, or the balance needs over 28 digits.
    pub fn funding(
        &mut self,
        place: &Place,
        listing: &Arc<Listing>,
        money: &Money,
    ) -> Result<Vec<Entry>, LedgerError> {
        trade::venue_checked(place, listing)?;
        let listing = Some(listing.clone());
        self.post(vec![Entry { listing, ..moved(place, EntryKind::Funding, money.clone()) }])
    }

    /// A charge of the venue outside a fill, such as that of a settlement or liquidation: positive is paid, as in a fill.
    ///
    /// # Errors
    /// When the balance needs over 28 digits.
    pub fn fee(&mut self, place: &Place, money: &Money) -> Result<Vec<Entry>, LedgerError> {
        self.post(vec![moved(place, EntryKind::Fee, negative(money))])
    }

    /// Reconciliation: the balance becomes what the venue says. The difference is an adjustment; none is no entry.
    ///
    /// # Errors
    /// When the difference needs over 28 digits.
    pub fn set_balance(&mut self, place: &Place, money: &Money) -> Result<Vec<Entry>, LedgerError> {
        let held = self.state.balance(place, &money.asset);
        let amount =
            exact_sum(money.amount, -held).ok_or_else(|| too_many(place, "the difference of the balance"))?;
        let difference = Money { amount: amount.normalize(), asset: money.asset.clone() };
        self.post(vec![moved(place, EntryKind::Adjustment, difference)])
    }

    /// Reconciliation: the position becomes what the venue says, zero included. Nothing is realised: set the balance, too.
    /// Without an average price the entry value stays where the quantity does, shrinks with it, and is unknown otherwise.
    ///
    /// # Errors
    /// Spot; an average price that the contract cannot have; over 28 digits.
    pub fn set_position(
        &mut self,
        place: &Place,
        listing: &Arc<Listing>,
        (quantity, average_price): (Quantity, Option<Price>),
    ) -> Result<Vec<Entry>, LedgerError> {
        trade::venue_checked(place, listing)?;
        not_spot(listing, place, "set the balances")?;
        let held = self.state.position(place, &listing.symbol);
        let target = match average_price {
            Some(price) if !quantity.is_zero() => Some(entry_value(place, listing, (quantity, price))?),
            // A quantity of other terms is no part of what is held.
            _ => {
                let same = held.filter(|held| held.listing == *listing);
                same.map(|held| shrunk(held, quantity, place)).transpose()?.flatten()
            }
        };
        let entries = difference(place, (held, listing), (quantity, target))?;
        self.post(entries)
    }

    /// The amount of an asset at a place; zero when nothing is there.
    #[must_use]
    pub fn balance(&self, place: &Place, asset: &Asset) -> Decimal {
        self.state.balance(place, asset)
    }

    /// What is held at a place, found once for several questions.
    #[must_use]
    pub fn at(&self, place: &Place) -> AtPlace<'_> {
        self.state.at(place)
    }

    /// The position in an instrument at a place; for spot what was traded, at which average price.
    #[must_use]
    pub fn position(&self, place: &Place, symbol: &Symbol) -> Option<&OpenPosition> {
        self.state.position(place, symbol)
    }

    /// All positions in a contract, whatever its venues call it, by place and symbol; looks at everything that is held.
    pub fn positions_of(&self, contract: &Contract) -> impl Iterator<Item = (&Place, &OpenPosition)> {
        self.positions().filter(move |(_, position)| position.listing.contract == *contract)
    }

    /// All positions by place and symbol, spot included.
    pub fn positions(&self) -> impl Iterator<Item = (&Place, &OpenPosition)> {
        self.state.places.iter().flat_map(|(place, held)| held.positions.values().map(move |p| (place, p)))
    }

    /// What is held, and no memory of fills: for what was.
    #[must_use]
    pub fn holdings(&self) -> Self {
        Self { memory: Memory::new(self.memory.days), state: self.state.clone() }
    }

    /// True when what is held is known to be the same: one is a copy of the other, and no place has changed since. False says nothing.
    #[must_use]
    pub fn is_shared_with(&self, other: &Self) -> bool {
        self.state.is_shared_with(&other.state)
    }

    /// What is held at some places, and no memory of fills: for what would be.
    #[must_use]
    pub fn part(&self, is_wanted: impl Fn(&Place) -> bool) -> Self {
        let mut state = State::default();
        for (place, held) in self.state.places.iter().filter(|(place, _)| is_wanted(place)) {
            state.places.insert(place.clone(), held.clone());
        }
        Self { memory: Memory::new(self.memory.days), state }
    }

    /// All balances that are not zero, by place and asset.
    pub fn balances(&self) -> impl Iterator<Item = (&Place, &Asset, Decimal)> {
        self.state.places.iter().flat_map(|(place, held)| {
            held.balances.iter().map(move |(asset, amount)| (place, asset, *amount))
        })
    }

    /// Positions (but for spot, which is in the balances) and balances as risk and margin read them. The origin of each is
    /// the file `ledger` and its ordinal, positions first.
    #[must_use]
    pub fn book(&self) -> Book {
        let file: Arc<str> = "ledger".into();
        let mut rows = (1..).map(|row| Origin { file: file.clone(), row });
        let mut next = || rows.next().unwrap_or_else(|| Origin { file: file.clone(), row: 0 });
        let held = self.positions().filter(|(_, held)| held.listing.contract.terms != Terms::Spot);
        let positions = held.map(|(place, held)| Position {
            account: place.account.clone(),
            venue: place.venue.clone(),
            chain: place.chain.clone(),
            listing: held.listing.clone(),
            quantity: held.quantity,
            canonical_quantity: held.canonical_quantity,
            average_price: held.average_price(),
            combo: None,
            origin: next(),
        });
        let positions = positions.collect();
        let balances = self.balances().map(|(place, asset, amount)| Balance {
            account: place.account.clone(),
            venue: place.venue.clone(),
            chain: place.chain.clone(),
            money: Money { amount, asset: asset.clone() },
            origin: next(),
        });
        Book { balances: balances.collect(), positions, refused: Vec::new() }
    }

    /// Opens a ledger with what a book holds. A spot position becomes a balance of its coin; a combo is its legs. Refused
    /// rows of the book stay the caller's to report.
    ///
    /// # Errors
    /// A listing at another venue, an average price that the contract cannot have, rows of one listing that cancel at
    /// different prices, over 28 digits.
    pub fn from_book(book: &Book, fill_memory_days: u32) -> Result<(Self, Vec<Entry>), LedgerError> {
        let mut entries = Vec::with_capacity(book.positions.len() + book.balances.len());
        for row in &book.positions {
            let place = place_of(&row.account, &row.venue, &row.chain);
            trade::venue_checked(&place, &row.listing)?;
            let listing = Some(row.listing.clone());
            if row.listing.contract.terms == Terms::Spot {
                let asset = row.listing.contract.underlying.clone();
                let coins = Money { amount: row.canonical_quantity, asset };
                entries.push(Entry { listing: listing.clone(), ..moved(&place, EntryKind::Opening, coins) });
            }
            let price = row.average_price;
            let entry_value =
                price.map(|price| entry_value(&place, &row.listing, (row.quantity, price))).transpose()?;
            let change = Change::Position { quantity: row.quantity, entry_value };
            entries.push(Entry { place, listing, kind: EntryKind::Opening, change });
        }
        for row in &book.balances {
            let place = place_of(&row.account, &row.venue, &row.chain);
            entries.push(moved(&place, EntryKind::Opening, row.money.clone()));
        }
        let mut ledger = Self::new(fill_memory_days);
        let entries = ledger.post(entries)?;
        Ok((ledger, entries))
    }

    /// Applies all entries or none; those of nothing are left out.
    fn post(&mut self, entries: Vec<Entry>) -> Result<Vec<Entry>, LedgerError> {
        let entries = of_something(entries);
        self.state.post(&entries)?;
        Ok(entries)
    }
}

fn of_something(mut entries: Vec<Entry>) -> Vec<Entry> {
    entries.retain(|entry| !entry.is_nothing());
    entries
}

impl Entry {
    fn taken_back(&self) -> Result<Self, LedgerError> {
        let change = match &self.change {
            Change::Balance(money) => Change::Balance(negative(money)),
            Change::Noted(money) => Change::Noted(negative(money)),
            Change::Position { quantity, entry_value: Some(value) } => {
                Change::Position { quantity: -*quantity, entry_value: Some(-*value) }
            }
            Change::Position { entry_value: None, .. } => {
                let symbol =
                    self.listing.as_ref().map_or_else(|| Symbol::from(&Asset::usd()), |l| l.symbol.clone());
                return Err(LedgerError::EntryUnknown { place: self.place.clone(), symbol });
            }
        };
        Ok(Self { change, ..self.clone() })
    }

    fn is_nothing(&self) -> bool {
        match &self.change {
            Change::Balance(money) => money.amount.is_zero(),
            Change::Position { quantity, entry_value } => {
                quantity.is_zero() && entry_value.is_some_and(|value| value.is_zero())
            }
            Change::Noted(_) => false,
        }
    }
}

/// Entry value of a position known by its average price.
fn entry_value(
    place: &Place,
    listing: &Listing,
    (quantity, price): (Quantity, Price),
) -> Result<Decimal, LedgerError> {
    let style = style_of(listing, place)?;
    price_checked(listing, price, style.price_fault(price), place)?;
    value::value(listing, quantity, price).ok_or_else(|| too_many(place, "quantity x average price"))
}

/// The entry value of a position that the venue says is smaller or the same; none when it is larger or on the other side.
fn shrunk(held: &OpenPosition, quantity: Quantity, place: &Place) -> Result<Option<Decimal>, LedgerError> {
    let (new, old) = (quantity.get(), held.quantity.get());
    let is_within = new.abs() <= old.abs() && (new < Decimal::ZERO) == (old < Decimal::ZERO);
    let Some(entry) = held.entry_value.filter(|_| is_within && !quantity.is_zero()) else { return Ok(None) };
    let part = Fraction { of: entry, part: new, whole: old }.rounded(VALUE_PLACES);
    part.map(Some).ok_or_else(|| too_many(place, "a part of the entry value"))
}

/// Adjustments from what is held to what the venue says: one where both entry values are known, else out and in again.
fn difference(
    place: &Place,
    (held, listing): (Option<&OpenPosition>, &Arc<Listing>),
    (quantity, target): (Quantity, Option<Decimal>),
) -> Result<Vec<Entry>, LedgerError> {
    let entry = |listing: &Arc<Listing>, quantity: Quantity, entry_value: Option<Decimal>| Entry {
        place: place.clone(),
        listing: Some(listing.clone()),
        kind: EntryKind::Adjustment,
        change: Change::Position { quantity, entry_value },
    };
    let Some(held) = held else {
        let is_nothing = quantity.is_zero();
        return Ok(if is_nothing { Vec::new() } else { vec![entry(listing, quantity, target)] });
    };
    if held.quantity == quantity && held.entry_value == target && held.listing == *listing {
        return Ok(Vec::new());
    }
    if held.listing == *listing
        && let (Some(old), Some(new)) = (held.entry_value, target)
    {
        let change = exact_sum(quantity.get(), -held.quantity.get()).zip(exact_sum(new, -old));
        let (change, value) = change.ok_or_else(|| too_many(place, "the difference of the position"))?;
        return Ok(vec![entry(listing, Quantity::new(change.normalize()), Some(value.normalize()))]);
    }
    let mut entries = vec![entry(&held.listing, -held.quantity, held.entry_value.map(|value| -value))];
    if !quantity.is_zero() {
        entries.push(entry(listing, quantity, target));
    }
    Ok(entries)
}

fn moved(place: &Place, kind: EntryKind, money: Money) -> Entry {
    Entry { place: place.clone(), listing: None, kind, change: Change::Balance(money) }
}

fn negative(money: &Money) -> Money {
    Money { amount: -money.amount, asset: money.asset.clone() }
}

fn positive(place: &Place, money: &Money) -> Result<(), LedgerError> {
    if money.amount > Decimal::ZERO {
        return Ok(());
    }
    Err(LedgerError::AmountNotPositive { place: place.clone(), money: money.clone() })
}

fn not_spot(listing: &Listing, place: &Place, mend: &'static str) -> Result<(), LedgerError> {
    if listing.contract.terms != Terms::Spot {
        return Ok(());
    }
    Err(LedgerError::Spot { place: place.clone(), symbol: listing.symbol.clone(), mend })
}

fn place_of(account: &units::Account, venue: &units::Venue, chain: &units::Chain) -> Place {
    Place { account: account.clone(), venue: venue.clone(), chain: chain.clone() }
}

#[cfg(test)]
mod tests;
