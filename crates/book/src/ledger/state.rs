//! What is held where. Everything changes by entries, all of an event or none.

use super::value::{self, Style};
use super::{Change, Entry, LedgerError, Place};
use instrument::Listing;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;
use std::sync::Arc;
use units::{Asset, Decimal, Money, Price, Quantity, Symbol, exact_sum};

/// A position at a place, not zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenPosition {
    pub(super) listing: Arc<Listing>,
    pub(super) quantity: Quantity,
    pub(super) canonical_quantity: Decimal,
    pub(super) entry_value: Option<Decimal>,
}

impl OpenPosition {
    /// What is held.
    #[must_use]
    pub const fn listing(&self) -> &Arc<Listing> {
        &self.listing
    }

    /// Signed size in the unit of the listing.
    #[must_use]
    pub const fn quantity(&self) -> Quantity {
        self.quantity
    }

    /// Signed size in the canonical unit of the contract.
    #[must_use]
    pub const fn canonical_quantity(&self) -> Decimal {
        self.canonical_quantity
    }

    /// What was entered, with the sign of the quantity: quantity x price, for inverse futures quantity / price. None when a
    /// part of the position came without a price.
    #[must_use]
    pub const fn entry_value(&self) -> Option<Decimal> {
        self.entry_value
    }

    /// The asset of entry value and gain.
    #[must_use]
    pub fn value_asset(&self) -> &Asset {
        value::value_asset(&self.listing.contract)
    }

    /// Entry value per quantity, as a listed price, rounded half to even: to 18 places, for inverse futures to 12 digits.
    /// None when the entry value is unknown, or the price would be zero for a future.
    #[must_use]
    pub fn average_price(&self) -> Option<Price> {
        value::average_price(&self.listing, self.canonical_quantity, self.entry_value?)
    }

    /// What closing the whole position at a listed price would realise; none when the entry value is unknown, or no gain can
    /// be computed at such a price.
    ///
    /// # Errors
    /// [`LedgerError`] as for a fill at that price.
    pub fn gain_at(&self, price: Price, place: &Place) -> Result<Option<Money>, LedgerError> {
        let Some(entry) = self.entry_value else { return Ok(None) };
        let style = style_of(&self.listing, place)?;
        price_checked(&self.listing, price, style.price_fault(price), place)?;
        let gain =
            value::value(&self.listing, -self.quantity, price).and_then(|exit| style.gain(entry, exit));
        let amount = gain.ok_or_else(|| too_many(place, "the gain"))?;
        Ok(Some(Money { amount, asset: self.value_asset().clone() }))
    }
}

/// Positions and balances of one place; not both empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Holdings {
    pub(super) positions: BTreeMap<Symbol, OpenPosition>,
    pub(super) balances: BTreeMap<Asset, Decimal>,
}

/// What is held at one place.
#[derive(Debug, Clone, Copy)]
pub struct AtPlace<'a>(pub(super) Option<&'a Holdings>);

impl<'a> AtPlace<'a> {
    /// As [`super::Ledger::position`].
    #[must_use]
    pub fn position(self, symbol: &Symbol) -> Option<&'a OpenPosition> {
        self.0?.positions.get(symbol)
    }

    /// As [`super::Ledger::balance`].
    #[must_use]
    pub fn balance(self, asset: &Asset) -> Decimal {
        self.0.and_then(|held| held.balances.get(asset)).copied().unwrap_or_default()
    }
}

impl Holdings {
    fn is_empty(&self) -> bool {
        self.positions.is_empty() && self.balances.is_empty()
    }

    /// Applies all entries of this place, or none and says why; what each found before it.
    fn apply_all(&mut self, entries: &[Entry]) -> Result<Vec<Before>, LedgerError> {
        let mut before = Vec::with_capacity(entries.len());
        for entry in entries {
            match self.apply(entry) {
                Ok(found) => before.push(found),
                Err(error) => {
                    for (entry, found) in entries.iter().zip(before).rev() {
                        self.restore(entry, found);
                    }
                    return Err(error);
                }
            }
        }
        Ok(before)
    }

    fn restore(&mut self, entry: &Entry, before: Before) {
        match (before, &entry.change, &entry.listing) {
            (Before::Balance(old), Change::Balance(money), _) => self.put_balance(&money.asset, old),
            (Before::Position(old), _, Some(listing)) => self.put_position(listing, old),
            _ => {}
        }
    }

    fn put_balance(&mut self, asset: &Asset, amount: Decimal) {
        if amount.is_zero() {
            self.balances.remove(asset);
        } else {
            self.balances.insert(asset.clone(), amount);
        }
    }

    fn put_position(&mut self, listing: &Listing, position: Option<OpenPosition>) {
        match position {
            Some(position) => drop(self.positions.insert(listing.symbol.clone(), position)),
            None => drop(self.positions.remove(&listing.symbol)),
        }
    }

    fn apply(&mut self, entry: &Entry) -> Result<Before, LedgerError> {
        let place = &entry.place;
        match (&entry.change, &entry.listing) {
            (Change::Balance(money), _) => self.add_money(place, money),
            (Change::Position { quantity, entry_value }, Some(listing)) => {
                self.add_position(place, listing, (*quantity, *entry_value))
            }
            (Change::Position { .. }, None) | (Change::Noted(_), _) => Ok(Before::Nothing),
        }
    }

    fn add_money(&mut self, place: &Place, money: &Money) -> Result<Before, LedgerError> {
        let known = self.balances.get_mut(&money.asset);
        let old = known.as_deref().copied().unwrap_or_default();
        let new = exact_sum(old, money.amount).ok_or_else(|| too_many(place, "the balance"))?.normalize();
        match known {
            Some(known) if !new.is_zero() => *known = new,
            Some(_) => drop(self.balances.remove(&money.asset)),
            None if new.is_zero() => {}
            None => drop(self.balances.insert(money.asset.clone(), new)),
        }
        Ok(Before::Balance(old))
    }

    fn add_position(
        &mut self,
        place: &Place,
        listing: &Arc<Listing>,
        change: (Quantity, Option<Decimal>),
    ) -> Result<Before, LedgerError> {
        match self.positions.entry(listing.symbol.clone()) {
            Slot::Vacant(free) => {
                if let Some(new) = changed(None, listing, change, place)? {
                    free.insert(new);
                }
                Ok(Before::Position(None))
            }
            Slot::Occupied(mut known) => {
                let old = match changed(Some(known.get()), listing, change, place)? {
                    Some(new) => known.insert(new),
                    None => known.remove(),
                };
                Ok(Before::Position(Some(old)))
            }
        }
    }
}

/// All places. A zero balance, an empty position and an empty place are not kept: what is gone leaves no trace.
///
/// Copies share the places at which nothing has happened since: a copy is made many times a second for those who look, and a fill
/// changes one place.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct State {
    pub(super) places: BTreeMap<Place, Arc<Holdings>>,
}

/// What an entry found before it.
enum Before {
    Nothing,
    Balance(Decimal),
    Position(Option<OpenPosition>),
}

impl State {
    pub(super) fn at(&self, place: &Place) -> AtPlace<'_> {
        AtPlace(self.places.get(place).map(Arc::as_ref))
    }

    /// True when both are copies of one state and nothing has happened to either since.
    pub(super) fn is_shared_with(&self, other: &Self) -> bool {
        let mut pairs = self.places.values().zip(other.places.values());
        self.places.len() == other.places.len() && pairs.all(|(own, others)| Arc::ptr_eq(own, others))
    }

    pub(super) fn position(&self, place: &Place, symbol: &Symbol) -> Option<&OpenPosition> {
        self.at(place).position(symbol)
    }

    pub(super) fn balance(&self, place: &Place, asset: &Asset) -> Decimal {
        self.at(place).balance(asset)
    }

    /// Applies all entries, or none and says why.
    pub(super) fn post(&mut self, entries: &[Entry]) -> Result<(), LedgerError> {
        let mut before = Vec::with_capacity(entries.len());
        for run in entries.chunk_by(|one, next| one.place == next.place) {
            let Some(Entry { place, .. }) = run.first() else { continue };
            match self.at_place(place, |held| held.apply_all(run)) {
                Ok(found) => before.extend(found),
                Err(error) => {
                    for (entry, found) in entries.iter().zip(before).rev() {
                        self.at_place(&entry.place, |held| held.restore(entry, found));
                    }
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Applies all entries that are made of what is at their one place, or none: the place is looked up once for both.
    pub(super) fn post_made(
        &mut self,
        place: &Place,
        made: impl FnOnce(&Holdings) -> Result<Vec<Entry>, LedgerError>,
    ) -> Result<Vec<Entry>, LedgerError> {
        self.at_place(place, |held| {
            let entries = made(held)?;
            held.apply_all(&entries)?;
            Ok(entries)
        })
    }

    /// Does something at a place, which is not kept when nothing is there afterwards.
    fn at_place<T>(&mut self, place: &Place, done: impl FnOnce(&mut Holdings) -> T) -> T {
        let held = Arc::make_mut(self.places.entry(place.clone()).or_default());
        let done = done(held);
        if held.is_empty() {
            self.places.remove(place);
        }
        done
    }

    pub(super) fn put_balance(&mut self, place: &Place, asset: &Asset, amount: Decimal) {
        self.at_place(place, |held| held.put_balance(asset, amount));
    }

    pub(super) fn put_position(&mut self, place: &Place, listing: &Listing, position: Option<OpenPosition>) {
        self.at_place(place, |held| held.put_position(listing, position));
    }
}

/// The position after a change of quantity and entry value; none when nothing is left.
fn changed(
    old: Option<&OpenPosition>,
    listing: &Arc<Listing>,
    (quantity, entry_value): (Quantity, Option<Decimal>),
    place: &Place,
) -> Result<Option<OpenPosition>, LedgerError> {
    let (old_quantity, old_entry) =
        old.map_or((Quantity::ZERO, Some(Decimal::ZERO)), |old| (old.quantity, old.entry_value));
    let quantity = exact_sum(old_quantity.get(), quantity.get()).map(|sum| Quantity::new(sum.normalize()));
    let quantity = quantity.ok_or_else(|| too_many(place, "the quantity of the position"))?;
    let entry_value = match old_entry.zip(entry_value) {
        Some((old, change)) => {
            let sum = exact_sum(old, change).ok_or_else(|| too_many(place, "the entry value"))?;
            Some(sum.normalize())
        }
        None => None,
    };
    if quantity.is_zero() {
        return match entry_value {
            Some(left) if !left.is_zero() => {
                Err(LedgerError::EntryLeft { place: place.clone(), symbol: listing.symbol.clone() })
            }
            _ => Ok(None),
        };
    }
    let canonical_quantity =
        value::canonical(listing, quantity).ok_or_else(|| too_many(place, "quantity x contract size"))?;
    let listing = old.map_or(listing, |old| &old.listing).clone();
    Ok(Some(OpenPosition { listing, quantity, canonical_quantity, entry_value }))
}

pub(super) fn style_of(listing: &Listing, place: &Place) -> Result<Style, LedgerError> {
    Style::of(&listing.contract)
        .ok_or_else(|| LedgerError::SpotSettlement { place: place.clone(), symbol: listing.symbol.clone() })
}

pub(super) fn price_checked(
    listing: &Listing,
    price: Price,
    fault: Option<&'static str>,
    place: &Place,
) -> Result<(), LedgerError> {
    let Some(rule) = fault else { return Ok(()) };
    Err(LedgerError::PriceRange { place: place.clone(), symbol: listing.symbol.clone(), price, rule })
}

pub(super) fn too_many(place: &Place, what: &'static str) -> LedgerError {
    LedgerError::TooManyDigits { place: place.clone(), what }
}
