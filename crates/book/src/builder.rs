//! From raw rows to a book: each row is checked on its own, every fault is recorded, sound rows are kept.

use crate::{Balance, Book, Origin, Position, RawRow, RefusedKind, RefusedRow, RowKind};
use instrument::{Listing, Resolved, Specs, Terms, resolve};
use std::collections::BTreeMap;
use std::sync::Arc;
use units::{
    Account, Asset, Chain, Issue, Issues, Money, Price, Quantity, Symbol, UnitError, Venue, exact_product,
};

/// 1e15.
const LARGEST: units::Decimal = units::Decimal::from_parts(0xA4C6_8000, 0x0003_8D7E, 0, false, 0);
const DUPLICATE: &str = "this account, venue, chain and instrument (or asset) has several rows, none of which is valued: \
                         add the quantities into one";

type Key = (Account, Venue, Chain, Held);
type Legs = Result<Vec<(units::Decimal, Arc<Listing>)>, String>;

/// What a row holds: two rows of one account, venue and chain may not hold the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Held {
    Instrument(Symbol),
    Asset(Asset),
}

impl Held {
    const fn field(&self) -> &'static str {
        match self {
            Self::Instrument(_) => "instrument",
            Self::Asset(_) => "asset",
        }
    }

    const fn refused(&self) -> RefusedKind {
        match self {
            Self::Instrument(_) => RefusedKind::Position,
            Self::Asset(_) => RefusedKind::Balance,
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::Instrument(symbol) => symbol.as_str(),
            Self::Asset(asset) => asset.as_str(),
        }
    }
}

/// The first row of a key, and whether others follow.
#[derive(Debug)]
struct First {
    origin: Origin,
    is_repeated: bool,
}

/// Checks rows one at a time and folds them into a [`Book`]; memory grows with distinct positions, not with the file.
#[derive(Debug)]
pub struct BookBuilder<'a> {
    specs: &'a Specs,
    file: Arc<str>,
    book: Book,
    issues: Issues,
    seen: BTreeMap<Key, First>,
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
            seen: BTreeMap::new(),
            listings: BTreeMap::new(),
            accounts: BTreeMap::new(),
        }
    }

    /// Goes on with another file; duplicates are found across files.
    pub fn next_file(&mut self, file: &str) {
        self.file = file.into();
    }

    /// Takes over what a reader could not even parse.
    pub fn add_issues(&mut self, issues: Issues) {
        self.issues.extend(issues);
    }

    /// Checks one row; a bad one is recorded and left out.
    pub fn add(&mut self, raw: &RawRow) {
        let before = self.issues.total();
        self.admit(raw);
        if self.issues.total() > before {
            let (account, venue) = (Account::new(&raw.account), Venue::new(&raw.venue));
            let held = match raw.kind {
                RowKind::Position { .. } => RefusedKind::Position,
                RowKind::Balance { .. } => RefusedKind::Balance,
            };
            if let (Ok(account), Ok(venue)) = (account, venue) {
                self.refuse(RefusedRow { account, venue, origin: self.origin(raw), held });
            }
        }
    }

    fn refuse(&mut self, row: RefusedRow) {
        if self.book.refused.len() < Issues::KEPT {
            self.book.refused.push(row);
        }
    }

    fn admit(&mut self, raw: &RawRow) {
        let place = self.place(raw);
        match &raw.kind {
            RowKind::Position { instrument, quantity, average_price } => {
                let quantity = self.parsed(raw, "quantity", quantity, |t| {
                    sized(t.parse::<Quantity>()?, |quantity| quantity.get())
                });
                let average_price = match average_price.trim() {
                    "" => Some(None),
                    text => self.parsed(raw, "average_price", text, entry_price).map(Some),
                };
                let symbol = self.parsed(raw, "instrument", instrument, Symbol::new);
                let (Some(place), Some(symbol)) = (place, symbol) else { return };
                let legs = self.legs(raw, &place.venue, &symbol);
                let (Some(legs), Some(quantity), Some(average_price)) = (legs, quantity, average_price)
                else {
                    return;
                };
                let is_future = |listing: &Listing| {
                    matches!(listing.contract.terms, Terms::Perpetual | Terms::Future { .. })
                };
                let is_free = average_price.is_some_and(|price| price.get().is_zero());
                if is_free && legs.iter().any(|(_, listing)| is_future(listing)) {
                    let rule = "no future is entered at zero: its whole value would be a gain; leave it empty when unknown";
                    self.issue(raw.row, "average_price", "0", rule);
                    return;
                }
                if self.is_first(raw, &place, Held::Instrument(symbol.clone())) {
                    self.hold(raw, &place, (symbol, legs), (quantity, average_price));
                }
            }
            RowKind::Balance { asset, amount } => {
                let asset = self.parsed(raw, "asset", asset, Asset::new);
                let money = asset.and_then(|asset| {
                    let parse = |t: &str| Money::parse(t, asset.clone());
                    self.parsed(raw, "amount", amount, |t| sized(parse(t)?, |money: &Money| money.amount))
                });
                let (Some(place), Some(money)) = (place, money) else { return };
                if self.is_first(raw, &place, Held::Asset(money.asset.clone())) {
                    let Place { account, venue, chain } = place;
                    let origin = self.origin(raw);
                    self.book.balances.push(Balance { account, venue, chain, money, origin });
                }
            }
        }
    }

    /// The sorted book and everything that is wrong with its rows. Of rows that repeat each other none is kept: which of
    /// them is meant is not for this program to guess, and must not depend on the order of rows.
    #[must_use]
    pub fn finish(mut self) -> (Book, Issues) {
        let repeated: BTreeMap<Key, First> =
            std::mem::take(&mut self.seen).into_iter().filter(|(_, first)| first.is_repeated).collect();
        for ((account, venue, _, held), first) in &repeated {
            self.file = first.origin.file.clone();
            self.issue(first.origin.row, held.field(), held.text(), DUPLICATE);
            self.refuse(RefusedRow {
                account: account.clone(),
                venue: venue.clone(),
                origin: first.origin.clone(),
                held: held.refused(),
            });
        }
        if !repeated.is_empty() {
            self.book.positions.retain(|p| {
                let held = Held::Instrument(p.combo.as_ref().unwrap_or(&p.listing.symbol).clone());
                !repeated.contains_key(&(p.account.clone(), p.venue.clone(), p.chain.clone(), held))
            });
            self.book.balances.retain(|b| {
                let held = Held::Asset(b.money.asset.clone());
                !repeated.contains_key(&(b.account.clone(), b.venue.clone(), b.chain.clone(), held))
            });
        }
        self.book.sort();
        (self.book, self.issues)
    }

    fn hold(
        &mut self,
        raw: &RawRow,
        place: &Place,
        (symbol, legs): (Symbol, Vec<(units::Decimal, Arc<Listing>)>),
        (quantity, average_price): (Quantity, Option<Price>),
    ) {
        let combo = (legs.len() > 1).then_some(symbol);
        for (ratio, listing) in legs {
            let size = exact_product(quantity.get(), ratio);
            let canonical = size.and_then(|q| exact_product(q, listing.contract_size));
            let (Some(size), Some(canonical)) = (size, canonical) else {
                self.issue(
                    raw.row,
                    "quantity",
                    &quantity.to_string(),
                    "quantity x contract size needs more than 28 digits",
                );
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
                origin: self.origin(raw),
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
        let chain = if raw.chain.trim().is_empty() { Chain::OFF_CHAIN } else { &raw.chain };
        let chain = self.parsed(raw, "chain", chain, Chain::new);
        Some(Place { account: account?, venue: venue?, chain: chain? })
    }

    fn legs(
        &mut self,
        raw: &RawRow,
        venue: &Venue,
        symbol: &Symbol,
    ) -> Option<Vec<(units::Decimal, Arc<Listing>)>> {
        let specs = self.specs;
        let legs = self
            .listings
            .entry((venue.clone(), symbol.clone()))
            .or_insert_with(|| resolve(venue, symbol, specs).map(interned).map_err(|e| e.to_string()))
            .clone();
        legs.map_err(|rule| self.issue(raw.row, "instrument", symbol.as_str(), &rule)).ok()
    }

    fn is_first(&mut self, raw: &RawRow, place: &Place, held: Held) -> bool {
        let key = (place.account.clone(), place.venue.clone(), place.chain.clone(), held);
        if let Some(first) = self.seen.get_mut(&key) {
            first.is_repeated = true;
            let (.., held) = key;
            self.issue(raw.row, held.field(), held.text(), DUPLICATE);
            return false;
        }
        let origin = self.origin(raw);
        self.seen.insert(key, First { origin, is_repeated: false });
        true
    }

    fn origin(&self, raw: &RawRow) -> Origin {
        Origin { file: self.file.clone(), row: raw.row }
    }

    fn parsed<T>(
        &mut self,
        raw: &RawRow,
        field: &str,
        text: &str,
        parse: impl Fn(&str) -> Result<T, UnitError>,
    ) -> Option<T> {
        parse(text).map_err(|e| self.issue(raw.row, field, text, &rule_of(&e))).ok()
    }

    fn issue(&mut self, row: u64, field: &str, value: &str, rule: &str) {
        self.issues.push(Issue {
            file: self.file.to_string(),
            row,
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
        UnitError::Range { rule, .. } | UnitError::Text { rule, .. } | UnitError::Overflow { rule, .. } => {
            (*rule).into()
        }
        other => other.to_string(),
    }
}

/// Refuses what is larger than any position and would leave the range of published figures in a sum, far from its row.
fn sized<T>(value: T, size: impl Fn(&T) -> units::Decimal) -> Result<T, UnitError> {
    if size(&value).abs() <= LARGEST {
        return Ok(value);
    }
    Err(UnitError::Overflow {
        quantity: "size",
        rule: "a size is at most 1e15; write whole coins or contracts, not the smallest unit of a chain (wei)",
    })
}

fn entry_price(text: &str) -> Result<Price, UnitError> {
    let price: Price = text.parse()?;
    if price.get().is_sign_negative() && !price.get().is_zero() {
        return Err(UnitError::Range {
            quantity: "average_price",
            value: -1.0,
            rule: "an entry price is at least zero, or empty when unknown",
        });
    }
    Ok(price)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(row: u64, instrument: &str, (quantity, average_price): (&str, &str)) -> RawRow {
        let kind = RowKind::Position {
            instrument: instrument.into(),
            quantity: quantity.into(),
            average_price: average_price.into(),
        };
        RawRow { row, account: "a".into(), venue: "deribit".into(), chain: String::new(), kind }
    }

    fn built(rows: &[RawRow]) -> (Book, Issues) {
        let specs = Specs::embedded();
        let mut builder = BookBuilder::new("b.csv", &specs);
        rows.iter().for_each(|row| builder.add(row));
        builder.finish()
    }

    #[test]
    fn no_future_is_entered_at_zero_and_an_option_may_be() {
        for (instrument, issues) in [("BTC-PERPETUAL", 1), ("BTC-26MAR27", 1), ("BTC-26MAR27-90000-C", 0)] {
            let (book, found) = built(&[row(1, instrument, ("10", "0"))]);
            assert_eq!((found.total(), book.positions.len() as u64), (issues, 1 - issues), "{instrument}");
        }
        assert!(built(&[row(1, "BTC-PERPETUAL", ("10", ""))]).1.is_empty(), "unknown is not zero");
    }

    #[test]
    fn whose_refused_rows_are_is_kept_for_every_row_of_a_double_too() {
        let rows = [
            row(1, "BTC-PERPETUAL", ("10", "")),
            row(2, "BTC-PERPETUAL", ("20", "")),
            row(3, "NOPE", ("1", "")),
            row(4, "ETH-PERPETUAL", ("1", "")),
            RawRow { account: String::new(), ..row(5, "ETH-PERPETUAL", ("1", "")) },
        ];
        let (book, _) = built(&rows);
        let found: Vec<(u64, &str)> =
            book.refused.iter().map(|r| (r.origin.row, r.account.as_str())).collect();
        // Nobody's row is in the issues alone.
        assert_eq!(found, [(1, "a"), (2, "a"), (3, "a")]);
        assert_eq!(book.positions.len(), 1);
    }
}
