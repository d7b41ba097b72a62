//! From raw rows to a book: each row is checked on its own, every fault is recorded, sound rows are kept.

use crate::{Balance, Book, Position, RawRow, RowKind};
use instrument::{Listing, Resolved, Specs, resolve};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use units::{Account, Asset, Chain, Issue, Issues, Money, Price, Quantity, Symbol, UnitError, Venue};

/// The chain of venues that hold balances on their own books.
const OFFCHAIN: &str = "offchain";
const DUPLICATE: &str = "this account, venue, chain and instrument (or asset) already has a row: add the quantities into one";

type Key = (Account, Venue, Chain, String);
type Legs = Result<Vec<(units::Decimal, Arc<Listing>)>, String>;

/// Checks rows one at a time and folds them into a [`Book`]; memory grows with distinct positions, not with the file.
#[derive(Debug)]
pub struct BookBuilder<'a> {
    specs: &'a Specs,
    file: String,
    book: Book,
    issues: Issues,
    seen: BTreeSet<Key>,
    listings: BTreeMap<(Venue, Symbol), Legs>,
    accounts: BTreeMap<String, Account>,
}

struct Place {
    account: Account,
    venue: Venue,
    chain: Chain,
}

impl<'a> BookBuilder<'a> {
    /// A builder for the rows of one file.
    #[must_use]
    pub fn new(file: &str, specs: &'a Specs) -> Self {
        Self {
            specs,
            file: file.into(),
            book: Book::default(),
            issues: Issues::default(),
            seen: BTreeSet::new(),
            listings: BTreeMap::new(),
            accounts: BTreeMap::new(),
        }
    }

    /// Goes on with another file; duplicates are found across files.
    pub fn next_file(&mut self, file: &str) {
        file.clone_into(&mut self.file);
    }

    /// Takes over what a reader could not even parse.
    pub fn add_issues(&mut self, issues: Issues) {
        self.issues.extend(issues);
    }

    /// Checks one row; a bad one is recorded and left out.
    pub fn add(&mut self, raw: &RawRow) {
        let place = self.place(raw);
        match &raw.kind {
            RowKind::Position { instrument, quantity, average_price } => {
                let quantity = self.parsed(raw, "quantity", quantity, |t| t.parse::<Quantity>());
                let average_price = match average_price.trim() {
                    "" => Some(None),
                    text => self.parsed(raw, "average_price", text, entry_price).map(Some),
                };
                let symbol = self.parsed(raw, "instrument", instrument, Symbol::new);
                let (Some(place), Some(symbol)) = (place, symbol) else { return };
                let legs = self.legs(raw, &place.venue, &symbol);
                let (Some(legs), Some(quantity), Some(average_price)) = (legs, quantity, average_price) else { return };
                if self.is_first(raw, "instrument", &place, symbol.as_str()) {
                    self.hold(raw, place, (symbol, legs), (quantity, average_price));
                }
            }
            RowKind::Balance { asset, amount } => {
                let asset = self.parsed(raw, "asset", asset, Asset::new);
                let money = asset.and_then(|asset| self.parsed(raw, "amount", amount, |t| Money::parse(t, asset.clone())));
                let (Some(place), Some(money)) = (place, money) else { return };
                if self.is_first(raw, "asset", &place, &format!("balance of {}", money.asset)) {
                    let Place { account, venue, chain } = place;
                    self.book.balances.push(Balance { account, venue, chain, money });
                }
            }
        }
    }

    /// The sorted book and everything that is wrong with its rows.
    #[must_use]
    pub fn finish(mut self) -> (Book, Issues) {
        self.book.sort();
        (self.book, self.issues)
    }

    fn hold(
        &mut self,
        raw: &RawRow,
        place: Place,
        (symbol, legs): (Symbol, Vec<(units::Decimal, Arc<Listing>)>),
        (quantity, average_price): (Quantity, Option<Price>),
    ) {
        let combo = (legs.len() > 1).then_some(symbol);
        for (ratio, listing) in legs {
            let size = quantity.get().checked_mul(ratio);
            let canonical = size.and_then(|q| q.checked_mul(listing.contract_size));
            let (Some(size), Some(canonical)) = (size, canonical) else {
                self.issue(raw, "quantity", &quantity.to_string(), "quantity x contract size needs more than 28 digits");
                return;
            };
            self.book.positions.push(Position {
                account: place.account.clone(),
                venue: place.venue.clone(),
                chain: place.chain.clone(),
                listing,
                quantity: Quantity::new(size.normalize()),
                canonical_quantity: canonical.normalize(),
                // The price of a combo is not the price of any of its legs.
                average_price: if combo.is_some() { None } else { average_price },
                combo: combo.clone(),
            });
        }
    }

    fn place(&mut self, raw: &RawRow) -> Option<Place> {
        let account = match self.accounts.get(raw.account.as_str()) {
            Some(known) => Some(known.clone()),
            None => {
                let new = self.parsed(raw, "account", &raw.account, Account::new);
                if let Some(account) = &new {
                    self.accounts.insert(raw.account.clone(), account.clone());
                }
                new
            }
        };
        let venue = self.parsed(raw, "venue", &raw.venue, Venue::new);
        let chain = if raw.chain.trim().is_empty() { OFFCHAIN } else { &raw.chain };
        let chain = self.parsed(raw, "chain", chain, Chain::new);
        Some(Place { account: account?, venue: venue?, chain: chain? })
    }

    fn legs(&mut self, raw: &RawRow, venue: &Venue, symbol: &Symbol) -> Option<Vec<(units::Decimal, Arc<Listing>)>> {
        let specs = self.specs;
        let legs = self
            .listings
            .entry((venue.clone(), symbol.clone()))
            .or_insert_with(|| resolve(venue, symbol, specs).map(interned).map_err(|e| e.to_string()))
            .clone();
        legs.map_err(|rule| self.issue(raw, "instrument", symbol.as_str(), &rule)).ok()
    }

    fn is_first(&mut self, raw: &RawRow, field: &str, place: &Place, what: &str) -> bool {
        let key = (place.account.clone(), place.venue.clone(), place.chain.clone(), what.to_owned());
        let first = self.seen.insert(key);
        if !first {
            self.issue(raw, field, what, DUPLICATE);
        }
        first
    }

    fn parsed<T>(
        &mut self,
        raw: &RawRow,
        field: &str,
        text: &str,
        parse: impl Fn(&str) -> Result<T, UnitError>,
    ) -> Option<T> {
        parse(text).map_err(|e| self.issue(raw, field, text, &rule_of(&e))).ok()
    }

    fn issue(&mut self, raw: &RawRow, field: &str, value: &str, rule: &str) {
        self.issues.push(Issue {
            file: self.file.clone(),
            row: raw.row,
            field: field.into(),
            value: value.into(),
            rule: rule.into(),
        });
    }
}

fn interned(resolved: Resolved) -> Vec<(units::Decimal, Arc<Listing>)> {
    resolved.legs.into_iter().map(|leg| (leg.ratio, Arc::new(leg.listing))).collect()
}

/// The issue already shows field and value; only the rule is wanted from the unit's message.
fn rule_of(error: &UnitError) -> String {
    match error {
        UnitError::Range { rule, .. } | UnitError::Text { rule, .. } | UnitError::Overflow { rule, .. } => (*rule).into(),
        other => other.to_string(),
    }
}

fn entry_price(text: &str) -> Result<Price, UnitError> {
    let price: Price = text.parse()?;
    if price.get().is_sign_negative() && !price.get().is_zero() {
        return Err(UnitError::Range { quantity: "average_price", value: -1.0, rule: "an entry price is at least zero, or empty when unknown" });
    }
    Ok(price)
}
