//! What the engine is told: the only way in which its state changes.
//!
//! Names are checked when an event is made; symbols are resolved by the engine, because what a venue lists is a table of its
//! own. Times of the world are in the event, the time of the engine is the stamp that the journal gives.

use crate::limits::State;
use book::Place;
use journal::Seq;
use market::RawQuote;
use units::{Asset, Chain, Decimal, FillId, Money, OrderId, Price, Quantity, Spot, Symbol, Timestamp, Venue};

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
    /// What a venue says of an order of ours; its fills come as [`Event::Fill`].
    Order(OrderEvent),
    /// What a venue says of a transfer of ours.
    Transfer(TransferEvent),
    /// The connection to a venue, that of our own orders and fills included, stands or is lost.
    Link {
        /// Which venue.
        venue: Venue,
        /// How it is from now on.
        link: Link,
    },
    /// A chain has a new block.
    Block {
        /// Which chain.
        chain: Chain,
        /// Its number.
        number: BlockNumber,
    },
    /// Blocks of a chain were replaced: fills in this one and later ones never happened.
    Reorg {
        /// Which chain.
        chain: Chain,
        /// The first block that is gone.
        from: BlockNumber,
    },
    /// The process started anew: every connection is lost, and nothing is known of orders under way.
    Started,
    /// New limits, as the text of their file.
    Policy {
        /// TOML.
        text: String,
    },
    /// Rules of a venue, as the text of their file; one of the same id replaces it.
    Rulebook {
        /// Name of the file, for messages.
        file: String,
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
    /// The order of ours that it fills, if it is one's.
    pub order: Option<OrderId>,
    /// The block that it is in, on a chain: a reorganisation undoes it.
    pub block: Option<BlockNumber>,
}

/// Height of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct BlockNumber(u64);

impl BlockNumber {
    /// The block of this height.
    #[must_use]
    pub const fn new(height: u64) -> Self {
        Self(height)
    }

    /// Its height.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl std::fmt::Display for BlockNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// It stands; what its venue reports decides whether the ledger missed something.
    Up,
    /// It is lost: what happens there is not known.
    Down,
}

/// What a venue says of an order of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderEvent {
    /// Our id of it.
    pub id: OrderId,
    /// What became of it.
    pub news: OrderNews,
    /// When.
    pub time: Timestamp,
}

/// What became of an order. Fills are told by themselves.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum OrderNews {
    /// It stands in the market, or in a block.
    Accepted,
    /// The venue did not take it.
    Rejected(String),
    /// What was not filled is gone: it was cancelled, its time was over, or nothing is left.
    Ended {
        /// What was filled in all, signed, if the venue says it: fills that did not arrive are missed by it.
        filled: Option<Decimal>,
    },
    /// The venue was asked and does not know it: it never arrived, or not yet.
    NotKnown,
}

/// What one end of a transfer of ours says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferEvent {
    /// Which.
    pub id: ProposalId,
    /// The end whose venue says it.
    pub place: Place,
    /// What became of it.
    pub news: TransferNews,
    /// When.
    pub time: Timestamp,
}

/// What became of a transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransferNews {
    /// Its source has it; nothing has left yet.
    Accepted,
    /// Its source does not carry it out: nothing left, and nothing will.
    Rejected(String),
    /// The amount left its source.
    Left {
        /// What the source took on top, in the asset of the transfer.
        fee: Option<Money>,
        /// The block that it left in, on a chain: a reorganisation undoes it.
        block: Option<BlockNumber>,
    },
    /// Its destination credited the amount.
    Arrived,
    /// The end was asked and does not know it: it never arrived there, or not yet.
    NotKnown,
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

/// Whether rules may act by themselves. They may not until a person says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arming {
    /// Every order waits for a person.
    #[default]
    Disarmed,
    /// Rules whose policy allows it send orders.
    Armed,
}

/// Names a proposal: the event that caused it, and its place among those of that event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct ProposalId {
    seq: u64,
    index: u32,
}

impl ProposalId {
    /// Of an event and a place in it.
    #[must_use]
    pub const fn new(seq: Seq, index: u32) -> Self {
        Self { seq: seq.get(), index }
    }
}

impl std::fmt::Display for ProposalId {
    /// `P1204.0`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "P{}.{}", self.seq, self.index)
    }
}

impl std::str::FromStr for ProposalId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.strip_prefix('P').and_then(|rest| rest.split_once('.'));
        let parsed = parts.and_then(|(seq, index)| Some((seq.parse().ok()?, index.parse().ok()?)));
        let (seq, index) = parsed.ok_or_else(|| format!("'{text}' names no proposal: such as P1204.0"))?;
        Ok(Self { seq, index })
    }
}

/// A trade that a person wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// Where.
    pub place: Place,
    /// What.
    pub symbol: Symbol,
    /// Signed, in the unit of the listing: bought is positive.
    pub quantity: Quantity,
    /// The worst price, in the quote unit of the listing; as far as the collar allows without it.
    pub limit_price: Option<Price>,
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
    /// Lets rules that may act do so without asking, or no longer.
    Arming(Arming),
    /// Carries a proposal out.
    Approve(ProposalId),
    /// Drops a proposal.
    Decline(ProposalId),
    /// Asks for a trade: it becomes a proposal, and is sent once that is approved.
    Propose(Ticket),
    /// Asks the venue of an order to end it.
    Cancel(OrderId),
}
