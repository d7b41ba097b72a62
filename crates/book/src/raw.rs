//! Rows of a book file as read, before anything is believed. Readers in `lake` produce these one at a time, so that a file
//! of any length streams; [`crate::BookBuilder::add`] checks each and folds it in. Numbers are still text: a ledger number
//! never passes through a float on its way in.

/// What a row of a book says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowKind {
    /// A position in an instrument.
    Position {
        /// Instrument as the venue writes it.
        instrument: String,
        /// Signed quantity in the unit of the listing.
        quantity: String,
        /// Average entry price; empty when unknown.
        average_price: String,
    },
    /// A balance of an asset: collateral, or a debt when negative.
    Balance {
        /// `BTC`, `USDC`.
        asset: String,
        /// Signed amount.
        amount: String,
    },
}

/// One row of a book file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRow {
    /// Row of data, from 1.
    pub row: u64,
    /// Owner of the position.
    pub account: String,
    /// Where it is held.
    pub venue: String,
    /// Ledger it is held on; empty means `offchain`.
    pub chain: String,
    /// Position or balance.
    pub kind: RowKind,
}
