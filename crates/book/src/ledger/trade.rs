//! The entries of a fill and of a settlement, as pure functions of what is held before.

use super::exact::{Fraction, places_beside};
use super::state::{Holdings, OpenPosition, price_checked, style_of, too_many};
use super::value::{self, Style};
use super::{Change, Entry, EntryKind, Fill, LedgerError, Place};
use instrument::Listing;
use std::sync::Arc;
use units::{Decimal, Money, Price, Quantity, exact_sum};

/// What is traded or settled, and the entries so far.
struct Draft<'a> {
    place: &'a Place,
    /// What is at the place before.
    before: &'a Holdings,
    listing: &'a Arc<Listing>,
    style: Style,
    entries: Vec<Entry>,
}

/// Entries of a fill, by what is at its place before: position, cash, gain, fee.
pub(super) fn of_fill(before: &Holdings, fill: &Fill) -> Result<Vec<Entry>, LedgerError> {
    let (place, listing) = (&fill.place, &fill.listing);
    venue_checked(place, listing)?;
    if fill.quantity.is_zero() {
        return Err(LedgerError::ZeroQuantity { place: place.clone(), symbol: listing.symbol.clone() });
    }
    let style = style_of(listing, place)?;
    price_checked(listing, fill.price, style.price_fault(fill.price), place)?;
    let value = value::value(listing, fill.quantity, fill.price)
        .ok_or_else(|| too_many(place, "the value of the fill"))?;
    let mut draft = Draft { place, before, listing, style, entries: Vec::with_capacity(5) };
    draft.cash(fill.quantity, value)?;
    draft.position(fill.quantity, value)?;
    if let Some(fee) = &fill.fee {
        draft.balance(EntryKind::Fee, Money { amount: -fee.amount, asset: fee.asset.clone() });
    }
    Ok(draft.entries)
}

/// Entries of the settlement of one position at a price, by the exit value of margined contracts or the payout of options.
pub(super) fn of_settlement(
    (place, before): (&Place, &Holdings),
    held: &OpenPosition,
    price: Price,
) -> Result<Vec<Entry>, LedgerError> {
    let listing = &held.listing;
    let style = style_of(listing, place)?;
    price_checked(listing, price, value::settlement_fault(listing, price), place)?;
    let mut draft = Draft { place, before, listing, style, entries: Vec::with_capacity(3) };
    let exit = if style.is_margined() {
        value::value(listing, -held.quantity, price)
    } else {
        value::payout(listing, held.canonical_quantity, price).map(|payout| -payout)
    };
    let exit = exit.ok_or_else(|| too_many(place, "the value at settlement"))?;
    if !style.is_margined() {
        draft.settlement_asset(EntryKind::Settlement, -exit);
    }
    let kinds = Kinds { position: EntryKind::Settlement, gain: EntryKind::Settlement };
    draft.close(held, (-held.quantity, exit), kinds)?;
    Ok(draft.entries)
}

/// What a closed position and its gain are called.
#[derive(Clone, Copy)]
struct Kinds {
    position: EntryKind,
    gain: EntryKind,
}

impl Draft<'_> {
    /// What a fill moves besides the gain.
    fn cash(&mut self, quantity: Quantity, value: Decimal) -> Result<(), LedgerError> {
        match self.style {
            Style::Margined | Style::Inverse => {}
            Style::Paid => self.settlement_asset(EntryKind::Premium, -value),
            Style::Exchanged => {
                let amount = value::canonical(self.listing, quantity)
                    .ok_or_else(|| too_many(self.place, "quantity x contract size"))?;
                let asset = self.listing.contract.underlying.clone();
                self.balance(EntryKind::Exchange, Money { amount, asset });
                self.settlement_asset(EntryKind::Exchange, -value);
            }
        }
        Ok(())
    }

    /// Closes what is held the other way, then opens with the rest; the value of the fill is split between both.
    fn position(&mut self, quantity: Quantity, value: Decimal) -> Result<(), LedgerError> {
        let Some(held) = self.before.positions.get(&self.listing.symbol) else {
            self.change(EntryKind::Trade, quantity, Some(value));
            return Ok(());
        };
        if !Arc::ptr_eq(&held.listing, self.listing) && held.listing != *self.listing {
            let (place, symbol) = (self.place.clone(), self.listing.symbol.clone());
            return Err(LedgerError::ListingChanged { place, symbol });
        }
        if is_short(held.quantity) == is_short(quantity) {
            let known = held.entry_value.map(|_| value);
            self.change(EntryKind::Trade, quantity, known);
            return Ok(());
        }
        let kinds = Kinds { position: EntryKind::Trade, gain: EntryKind::Realised };
        let opening = exact_sum(held.quantity.get(), quantity.get())
            .map(|rest| Quantity::new(rest.normalize()))
            .ok_or_else(|| too_many(self.place, "the quantity of the position"))?;
        if opening.is_zero() || is_short(opening) == is_short(held.quantity) {
            return self.close(held, (quantity, value), kinds);
        }
        let closed = self.part(value, (held.quantity, quantity), Decimal::ZERO)?;
        let opened = exact_sum(value, -closed).ok_or_else(|| too_many(self.place, "the entry value"))?;
        self.close(held, (-held.quantity, closed), kinds)?;
        self.change(EntryKind::Trade, opening, Some(opened));
        Ok(())
    }

    /// Closes `quantity` of what is held (the other sign, not more) at a value of `exit`.
    fn close(
        &mut self,
        held: &OpenPosition,
        (quantity, exit): (Quantity, Decimal),
        kinds: Kinds,
    ) -> Result<(), LedgerError> {
        let Some(entry) = held.entry_value else {
            if self.style.is_margined() {
                let (place, symbol) = (self.place.clone(), self.listing.symbol.clone());
                return Err(LedgerError::EntryUnknown { place, symbol });
            }
            self.change(kinds.position, quantity, None);
            return Ok(());
        };
        let part = if quantity == -held.quantity {
            entry
        } else {
            self.part(entry, (quantity, held.quantity), exit)?
        };
        let gain = self.style.gain(part, exit).ok_or_else(|| too_many(self.place, "the gain"))?;
        self.change(kinds.position, quantity, Some(-part));
        if self.style.is_margined() {
            self.settlement_asset(kinds.gain, gain);
        } else {
            let asset = value::value_asset(&self.listing.contract).clone();
            self.push(kinds.gain, Change::Noted(Money { amount: gain.normalize(), asset }));
        }
        Ok(())
    }

    /// `value x portion / whole`, of magnitudes, rounded half to even to 18 places, or to as many as leave its sum with the
    /// other amounts that it meets (the exit value, the balance) 28 digits. What is not the part stays exactly.
    fn part(
        &self,
        value: Decimal,
        (portion, whole): (Quantity, Quantity),
        exit: Decimal,
    ) -> Result<Decimal, LedgerError> {
        let asset = value::value_asset(&self.listing.contract);
        let balance = self.before.balances.get(asset).filter(|_| self.style.is_margined());
        let balance = balance.copied().unwrap_or_default();
        let fraction = Fraction { of: value, part: portion.get().abs(), whole: whole.get().abs() };
        fraction
            .rounded(places_beside(&[value, exit, balance]))
            .ok_or_else(|| too_many(self.place, "a part of the entry value"))
    }

    fn settlement_asset(&mut self, kind: EntryKind, amount: Decimal) {
        let asset = value::value_asset(&self.listing.contract).clone();
        self.balance(kind, Money { amount, asset });
    }

    /// Nothing moved is no entry.
    fn balance(&mut self, kind: EntryKind, money: Money) {
        if !money.amount.is_zero() {
            let money = Money { amount: money.amount.normalize(), ..money };
            self.push(kind, Change::Balance(money));
        }
    }

    fn change(&mut self, kind: EntryKind, quantity: Quantity, entry_value: Option<Decimal>) {
        let quantity = Quantity::new(quantity.get().normalize());
        self.push(kind, Change::Position { quantity, entry_value: entry_value.map(|v| v.normalize()) });
    }

    fn push(&mut self, kind: EntryKind, change: Change) {
        let listing = Some(self.listing.clone());
        self.entries.push(Entry { place: self.place.clone(), listing, kind, change });
    }
}

pub(super) fn venue_checked(place: &Place, listing: &Listing) -> Result<(), LedgerError> {
    if place.venue == listing.venue {
        return Ok(());
    }
    Err(LedgerError::WrongVenue {
        place: place.clone(),
        symbol: listing.symbol.clone(),
        venue: listing.venue.clone(),
    })
}

fn is_short(quantity: Quantity) -> bool {
    quantity.get() < Decimal::ZERO
}
