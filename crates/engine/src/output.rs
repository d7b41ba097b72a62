//! What the engine says: everything that anyone outside may act on or show.

use crate::acting::{Closed, Proposal, TransferProposal};
use crate::event::{Arming, Link, ProposalId};
use crate::limits::{Level, State};
use crate::orders::Order;
use crate::transfers::Transfer;
use crate::views::Item;
use book::{Change, Entry, Place};
use risk::GroupKey;
use std::fmt;
use units::{Asset, Decimal, FillId, Fixed, Issue, OrderId, Symbol, Venue};

/// One thing said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// The ledger changed.
    Posted(Entry),
    /// An event broke a rule and changed nothing.
    Refused {
        /// Which rule, and how to mend it.
        rule: String,
    },
    /// A row of quotes broke a rule; the rest of its event was taken.
    QuoteRefused(Issue),
    /// A venue's report and the ledger are not the same: the place trades no more until they are.
    Difference {
        /// Where.
        place: Place,
        /// In what.
        held: Held,
        /// The ledger's figure.
        own: Decimal,
        /// The venue's.
        reported: Decimal,
    },
    /// A venue's report and the ledger are the same again.
    Reconciled {
        /// Where.
        place: Place,
    },
    /// No quote of an underlying has come for too long, or one has come again.
    Stale {
        /// Which.
        underlying: Asset,
        /// True from now on, or false.
        stale: bool,
    },
    /// Something held has no value from now on, or has one again.
    Value {
        /// What.
        item: Item,
        /// Why not; none when it is valued again.
        lost: Option<String>,
    },
    /// A rule asks for a trade.
    Proposed(Box<Proposal>),
    /// A rule asks for a move of collateral.
    TransferProposed(Box<TransferProposal>),
    /// A proposal is no longer open.
    ProposalClosed {
        /// Which.
        id: ProposalId,
        /// Why.
        why: Closed,
    },
    /// A rule would act and may not, for this reason; none when nothing holds it back any more.
    HeldBack {
        /// Which.
        rule: String,
        /// Why.
        why: Option<String>,
    },
    /// An order can be filled no more.
    OrderGone {
        /// Which.
        id: OrderId,
    },
    /// A transfer is over.
    TransferGone {
        /// Which.
        id: ProposalId,
        /// Why nothing moved; none when it arrived.
        failed: Option<String>,
    },
    /// A fill is undone: its block is no longer of the chain.
    Undone {
        /// Where.
        place: Place,
        /// Which fill.
        id: FillId,
    },
    /// The connection to a venue.
    LinkChanged {
        /// Which venue.
        venue: Venue,
        /// From now on.
        link: Link,
    },
    /// Whether rules may act by themselves.
    ArmingChanged(Arming),
    /// Something that a person should look at.
    Alert {
        /// What.
        text: String,
    },
    /// Send this. After a restart nobody knows whether it was sent: it is asked for, not sent again.
    Order(Order),
    /// Ask its source to carry this out. After a restart nobody knows whether it was asked: that is asked for, and this not said again.
    Transfer(Transfer),
    /// Ask a venue what has become of this transfer.
    QueryTransfer {
        /// Which.
        id: ProposalId,
        /// The end that is asked.
        place: Place,
    },
    /// Ask its venue to end this order.
    Cancel {
        /// Which.
        id: OrderId,
        /// Where.
        place: Place,
    },
    /// Ask its venue what has become of this order.
    Query {
        /// Which.
        id: OrderId,
        /// Where.
        place: Place,
    },
    /// A figure crossed a level of a limit.
    Level(LevelChange),
    /// A trigger fired, or is over.
    Trigger(TriggerChange),
    /// The book changed its state.
    StateChanged {
        /// Before.
        from: State,
        /// From now on.
        to: State,
        /// Limits and persons that ask for it.
        because: Vec<String>,
    },
}

/// What differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Held {
    /// A position.
    Position(Symbol),
    /// A balance.
    Balance(Asset),
}

/// A figure that crossed a level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LevelChange {
    /// Name of the limit.
    pub limit: String,
    /// Which group of the book.
    pub group: Vec<GroupKey>,
    /// Before.
    pub from: Level,
    /// From now on.
    pub to: Level,
    /// The figure.
    pub value: Fixed,
}

/// A trigger that fired, or is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriggerChange {
    /// Name of the trigger.
    pub trigger: String,
    /// Which group of the book.
    pub group: Vec<GroupKey>,
    /// What it does.
    pub turn: Turn,
    /// What it read, in words.
    pub seen: String,
}

/// What a trigger does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// Its condition has held: its actions are carried out.
    Fired,
    /// Its condition has held by figures that may not be true: it alerts, and does nothing else.
    InDoubt {
        /// Why they may not.
        why: String,
    },
    /// Its condition has not held for long enough: it asks for nothing any more.
    Released,
}

impl fmt::Display for TriggerChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trigger, group, turn, seen } = self;
        write!(f, "trigger {trigger}, {}: ", crate::triggers::named(group))?;
        match turn {
            Turn::Fired => f.write_str("fired")?,
            Turn::InDoubt { why } => write!(f, "true, but nothing is done on figures in doubt ({why})")?,
            Turn::Released => f.write_str("over")?,
        }
        if seen.is_empty() { Ok(()) } else { write!(f, ": {seen}") }
    }
}

impl fmt::Display for Output {
    /// One line: what a replay prints, and compares. Reasons of venues and rows of feeds are text of others: no control character of theirs
    /// reaches a terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Line(self).to_string().replace(char::is_control, "?"))
    }
}

/// An output as its line, with whatever is in its texts.
struct Line<'a>(&'a Output);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Output::Posted(entry) => posted(f, entry),
            Output::Refused { rule } => write!(f, "refused: {}", rule.trim_end().replace('\n', "; ")),
            Output::QuoteRefused(issue) => {
                let Issue { file, row, field, value, rule } = issue;
                write!(f, "quote refused: {file} row {row}, {field} = '{value}': {rule}")
            }
            Output::Difference { place, held, own, reported } => {
                write!(f, "difference: {place} {held}: ledger {own}, venue {reported}")
            }
            Output::Reconciled { place } => write!(f, "reconciled: {place}"),
            Output::Stale { underlying, stale: true } => write!(f, "stale: {underlying}"),
            Output::Stale { underlying, stale: false } => write!(f, "quoted again: {underlying}"),
            Output::Value { item, lost: Some(reason) } => write!(f, "no value: {item}: {reason}"),
            Output::Value { item, lost: None } => write!(f, "valued again: {item}"),
            Output::Proposed(proposal) => write!(f, "proposed: {proposal}"),
            Output::TransferProposed(proposal) => write!(f, "proposed: {proposal}"),
            Output::Transfer(transfer) => write!(f, "transfer: {transfer}"),
            Output::QueryTransfer { id, place } => write!(f, "query: transfer {id} at {place}"),
            Output::TransferGone { id, failed: None } => write!(f, "transfer gone: {id}: arrived"),
            Output::TransferGone { id, failed: Some(why) } => {
                write!(f, "transfer gone: {id}: nothing moved: {why}")
            }
            Output::ProposalClosed { id, why } => write!(f, "proposal closed: {id}: {why}"),
            Output::HeldBack { rule, why: Some(why) } => write!(f, "held back: {rule}: {why}"),
            Output::HeldBack { rule, why: None } => write!(f, "free again: {rule}"),
            Output::OrderGone { id } => write!(f, "order gone: {id}"),
            Output::Undone { place, id } => write!(f, "undone: {place}: fill '{id}': its block is gone"),
            Output::LinkChanged { venue, link: Link::Up } => write!(f, "connected: {venue}"),
            Output::LinkChanged { venue, link: Link::Down } => write!(f, "connection lost: {venue}"),
            Output::ArmingChanged(Arming::Armed) => f.write_str("armed"),
            Output::ArmingChanged(Arming::Disarmed) => f.write_str("disarmed"),
            Output::Alert { text } => write!(f, "alert: {text}"),
            Output::Order(order) => write!(f, "order: {order}"),
            Output::Cancel { id, place } => write!(f, "cancel: {id} at {place}"),
            Output::Query { id, place } => write!(f, "query: {id} at {place}"),
            Output::Level(LevelChange { limit, group, from, to, value }) => {
                let keys: Vec<String> = group.iter().map(GroupKey::text).collect();
                let named = if keys.is_empty() { "book".to_owned() } else { keys.join(" ") };
                write!(f, "level: {limit}, {named}: {} to {} at {value}", from.word(), to.word())
            }
            Output::Trigger(change) => write!(f, "{change}"),
            Output::StateChanged { from, to, because } => {
                write!(f, "state: {} to {}", from.word(), to.word())?;
                if because.is_empty() { Ok(()) } else { write!(f, " because of {}", because.join("; ")) }
            }
        }
    }
}

fn posted(f: &mut fmt::Formatter<'_>, entry: &Entry) -> fmt::Result {
    write!(f, "{}: {}", entry.kind.word(), entry.place)?;
    if let Some(listing) = &entry.listing {
        write!(f, " {}", listing.symbol)?;
    }
    match &entry.change {
        Change::Balance(money) => write!(f, " {} {}", money.amount, money.asset),
        Change::Position { quantity, entry_value: Some(value) } => write!(f, " {quantity} for {value}"),
        Change::Position { quantity, entry_value: None } => write!(f, " {quantity}, entry unknown"),
        Change::Noted(money) => write!(f, " gain of {} {}", money.amount, money.asset),
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Position(place, symbol) => write!(f, "{place} {symbol}"),
            Self::Balance(place, asset) => write!(f, "{place} {asset}"),
        }
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Position(symbol) => write!(f, "{symbol}"),
            Self::Balance(asset) => write!(f, "{asset}"),
        }
    }
}
