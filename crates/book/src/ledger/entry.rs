//! What goes into the ledger and what comes out of it.

use instrument::Listing;
use std::fmt;
use std::sync::Arc;
use units::{Account, Chain, Decimal, FillId, Money, Price, Quantity, Timestamp, Venue};

/// Where something is held: an account at a venue on a chain. One netting set has as many as it has chains.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Owner.
    pub account: Account,
    /// Exchange or protocol.
    pub venue: Venue,
    /// Ledger it is held on.
    pub chain: Chain,
}

impl fmt::Display for Place {
    /// `desk@deribit/offchain`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}/{}", self.account, self.venue, self.chain)
    }
}

/// One execution, as the venue reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fill {
    /// The venue's own id, unique for venue and account.
    pub id: FillId,
    /// Whose, and where.
    pub place: Place,
    /// What was traded.
    pub listing: Arc<Listing>,
    /// Signed, in the unit of the listing: bought is positive. Not zero.
    pub quantity: Quantity,
    /// In the quote unit of the listing: coin for inverse options, else the quote currency.
    pub price: Price,
    /// Positive was paid, negative is a rebate.
    pub fee: Option<Money>,
    /// When it was executed, by the venue's clock.
    pub time: Timestamp,
}

/// One change of the ledger. Balances and quantities are the sums of the entries since the ledger was empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where.
    pub place: Place,
    /// What was traded or held that caused it; none for deposits, transfers and balances.
    pub listing: Option<Arc<Listing>>,
    /// Why.
    pub kind: EntryKind,
    /// What changed, by how much.
    pub change: Change,
}

/// What an entry changes, by how much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A balance grows by this.
    Balance(Money),
    /// The position in the entry's listing changes.
    Position {
        /// By this, in the unit of the listing.
        quantity: Quantity,
        /// Its entry value by this, in the asset that [`crate::OpenPosition::value_asset`] names; none when the entry value
        /// is unknown.
        entry_value: Option<Decimal>,
    },
    /// Nothing: the gain of a paid contract, whose cash moved as premium or payout.
    Noted(Money),
}

/// Why something changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EntryKind {
    /// A fill changed a position.
    Trade,
    /// Premium of an option.
    Premium,
    /// Coin and quote currency of a spot fill.
    Exchange,
    /// Gain of what a fill closed.
    Realised,
    /// Trading fee or rebate, or another charge of the venue.
    Fee,
    /// Funding of a perpetual.
    Funding,
    /// A listing settled: payout, last gain, the position goes.
    Settlement,
    /// From outside.
    Deposit,
    /// To outside.
    Withdrawal,
    /// From one place to another.
    Transfer,
    /// A difference to what the venue says, found by reconciliation.
    Adjustment,
    /// Held when the ledger was opened.
    Opening,
}

impl EntryKind {
    /// Word for people and programs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Trade => "trade",
            Self::Premium => "premium",
            Self::Exchange => "exchange",
            Self::Realised => "realised",
            Self::Fee => "fee",
            Self::Funding => "funding",
            Self::Settlement => "settlement",
            Self::Deposit => "deposit",
            Self::Withdrawal => "withdrawal",
            Self::Transfer => "transfer",
            Self::Adjustment => "adjustment",
            Self::Opening => "opening",
        }
    }
}

/// The other side of an entry in the double-entry view: what a balance gains, its counter account loses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Counter {
    /// The venue as the party to every trade and settlement.
    Venue,
    /// Those who take fees.
    Fees,
    /// The other holders of a perpetual.
    Funding,
    /// The world outside: deposits, withdrawals and what was there at the opening.
    External,
    /// Money between two places; nothing at the end of each event.
    Transit,
    /// What reconciliation found and nothing explains.
    Unexplained,
}

impl EntryKind {
    /// Whose balance moves the other way.
    #[must_use]
    pub const fn counter(self) -> Counter {
        match self {
            Self::Trade | Self::Premium | Self::Exchange | Self::Realised | Self::Settlement => {
                Counter::Venue
            }
            Self::Fee => Counter::Fees,
            Self::Funding => Counter::Funding,
            Self::Deposit | Self::Withdrawal | Self::Opening => Counter::External,
            Self::Transfer => Counter::Transit,
            Self::Adjustment => Counter::Unexplained,
        }
    }
}
