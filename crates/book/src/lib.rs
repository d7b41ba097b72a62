//! Positions and balances of accounts over venues and chains.
//!
//! Quantities are exact decimals in the unit of their listing; [`Position::canonical_quantity`] is the same size in the
//! canonical unit of the contract (coins, or USD of notional for inverse futures), which is what nets across venues. A
//! combo is held as its legs. A [`Book`] is one instant, read from files by [`BookBuilder`] or taken of a [`Ledger`], which
//! books fills, payments and settlements in exact decimals. Left out: funding between two payments (it needs a rate, which
//! is the market's), gains that need a market.
//!
//! ```
//! use book::{BookBuilder, RawRow, RowKind};
//! let specs = instrument::Specs::embedded();
//! let mut builder = BookBuilder::new("book.csv", &specs);
//! builder.add(&RawRow {
//!     row: 1,
//!     account: "desk".into(),
//!     venue: "deribit".into(),
//!     chain: String::new(),
//!     kind: RowKind::Position {
//!         instrument: "BTC-26DEC26-80000-P".into(),
//!         quantity: "-12.5".into(),
//!         average_price: String::new(),
//!     },
//! });
//! let (book, issues) = builder.finish();
//! assert!(issues.is_empty());
//! assert_eq!(book.positions[0].canonical_quantity.to_string(), "-12.5");
//! ```

mod builder;
mod ledger;
mod raw;

pub use builder::BookBuilder;
pub use ledger::{
    AtPlace, Change, Counter, DecodeError, Entry, EntryKind, Fill, Ledger, LedgerError, OpenPosition, Place,
};
pub use raw::{RawRow, RowKind};

use instrument::Listing;
use std::sync::Arc;
use units::{Account, Chain, Decimal, Money, Price, Quantity, Symbol, Venue};

/// Where a row of a book came from, so that whatever is found out about it later can name its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// File as the user named it.
    pub file: Arc<str>,
    /// Row of data, from 1.
    pub row: u64,
}

/// A position in one listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Owner.
    pub account: Account,
    /// Where it is held; equals the listing's venue.
    pub venue: Venue,
    /// Ledger it is held on.
    pub chain: Chain,
    /// What is held.
    pub listing: Arc<Listing>,
    /// Signed size in the unit of the listing.
    pub quantity: Quantity,
    /// Signed size in the canonical unit of the contract: quantity x contract size.
    pub canonical_quantity: Decimal,
    /// Average entry price, when known.
    pub average_price: Option<Price>,
    /// The combo it is a leg of, if it came in as one.
    pub combo: Option<Symbol>,
    /// Its row.
    pub origin: Origin,
}

/// A balance of one asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balance {
    /// Owner.
    pub account: Account,
    /// Where it is held.
    pub venue: Venue,
    /// Ledger it is held on.
    pub chain: Chain,
    /// How much of what; negative is a debt.
    pub money: Money,
    /// Its row.
    pub origin: Origin,
}

/// A row that was refused: whose it is, so that an account none of whose rows is sound is not forgotten.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RefusedRow {
    /// Owner.
    pub account: Account,
    /// Where.
    pub venue: Venue,
    /// Its row.
    pub origin: Origin,
    /// What it would have been.
    pub held: RefusedKind,
}

/// What a refused row would have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RefusedKind {
    /// A position in an instrument.
    Position,
    /// A balance of an asset.
    Balance,
}

/// All positions and balances, sorted by account, venue, chain and symbol: the order of input rows leaves no trace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Book {
    /// Sorted.
    pub positions: Vec<Position>,
    /// Sorted.
    pub balances: Vec<Balance>,
    /// Rows that name an account and a venue and were refused for something else, sorted; as many as issues are kept.
    pub refused: Vec<RefusedRow>,
}

impl Book {
    pub(crate) fn sort(&mut self) {
        self.positions.sort_by(|a, b| a.key().cmp(&b.key()));
        self.balances.sort_by(|a, b| a.key().cmp(&b.key()));
        self.refused.sort();
        self.refused.dedup();
    }
}

impl Position {
    fn key(&self) -> impl Ord + '_ {
        (
            &self.account,
            &self.venue,
            &self.chain,
            &self.listing.symbol,
            &self.combo,
            self.quantity,
            self.average_price,
        )
    }
}

impl Balance {
    fn key(&self) -> impl Ord + '_ {
        (&self.account, &self.venue, &self.chain, &self.money.asset, self.money.amount)
    }
}
