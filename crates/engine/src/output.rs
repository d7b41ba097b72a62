//! What the engine says: everything that anyone outside may act on or show.

use crate::limits::{Level, State};
use book::{Entry, Place};
use risk::GroupKey;
use units::{Asset, Decimal, Fixed, Issue, Symbol};

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
    /// A figure crossed a level of a limit.
    Level(LevelChange),
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
