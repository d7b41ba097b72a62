//! What the engine is told: the only way in which its state changes.
//!
//! Names are checked when an event is made; symbols are resolved by the engine, because what a venue lists is a table of its
//! own. Times of the world are in the event, the time of the engine is the stamp that the journal gives.

use crate::limits::State;
use book::Place;
use market::RawQuote;
use units::{Asset, Decimal, FillId, Money, Price, Quantity, Spot, Symbol, Timestamp, Venue};

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Time has passed: everything is valued at the stamp from now on.
    Clock,
    /// Quotes of a feed, as its venue wrote them.
    Quotes {
        /// Name of the feed, for messages.
        feed: String,
        /// Rows.
        rows: Vec<RawQuote>,
    },
    /// A whole snapshot of a feed: time has passed and this is quoted. Limits see the two together, never old quotes at the new time.
    Snapshot {
        /// Name of the feed, for messages.
        feed: String,
        /// Rows.
        rows: Vec<RawQuote>,
    },
    /// The user's own conversion rate of a currency or coin without quotes; `None` takes it back.
    Rate {
        /// Of what.
        asset: Asset,
        /// USD per unit.
        usd: Option<Spot>,
    },
    /// A trade of ours.
    Fill(FillEvent),
    /// Money came, went or moved without a trade.
    Cash(CashEvent),
    /// A listing settled.
    Settle {
        /// Where.
        venue: Venue,
        /// Which one.
        symbol: Symbol,
        /// In the unit of its strike or price.
        price: Price,
        /// When.
        time: Timestamp,
    },
    /// What a venue says that a place holds.
    Reported(ReportedEvent),
    /// New limits, as the text of their file.
    Policy {
        /// TOML.
        text: String,
    },
    /// A person said so.
    Operator {
        /// Who.
        who: String,
        /// What.
        command: Command,
    },
}

/// A trade of ours, as the venue reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FillEvent {
    /// The venue's id of it: a second one with the same id is refused.
    pub id: FillId,
    /// Where.
    pub place: Place,
    /// What.
    pub symbol: Symbol,
    /// Signed, in the unit of the listing.
    pub quantity: Quantity,
    /// In the quote unit of the listing.
    pub price: Price,
    /// Paid, or received if below zero.
    pub fee: Option<Money>,
    /// When it was done.
    pub time: Timestamp,
}

/// What kind of cash movement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CashKind {
    /// From outside, or to outside if below zero.
    Deposit,
    /// Funding of a perpetual: received, or paid if below zero.
    Funding {
        /// Of which listing.
        symbol: Symbol,
    },
    /// To another place of the book.
    Transfer {
        /// Where it arrives.
        to: Place,
    },
}

/// Money that moved without a trade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CashEvent {
    /// Where.
    pub place: Place,
    /// How much of what.
    pub money: Money,
    /// Why.
    pub kind: CashKind,
    /// When.
    pub time: Timestamp,
}

/// Everything that a venue says a place holds: what is not named is zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedEvent {
    /// Where.
    pub place: Place,
    /// Positions.
    pub positions: Vec<ReportedPosition>,
    /// Amounts by asset.
    pub balances: Vec<(Asset, Decimal)>,
    /// When it was true.
    pub time: Timestamp,
}

/// A position as its venue reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedPosition {
    /// What.
    pub symbol: Symbol,
    /// Signed, in the unit of the listing.
    pub quantity: Quantity,
    /// Average entry price, if the venue says it; taken over with the size.
    pub average_price: Option<Price>,
}

/// What a person may say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Takes over what the venue last reported for a place.
    Adopt {
        /// Which place.
        place: Place,
    },
    /// Puts the book into a state, or with `None` back into what the limits say.
    State(Option<State>),
}
