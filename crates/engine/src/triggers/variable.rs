//! What an expression may read: one table of names, types, units and meanings.

use super::types::Type;
use risk::{GroupBy, Measure};

/// Something that an expression may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Variable {
    /// A figure of the group, USD.
    Figure(Measure),
    /// A part of the group's key.
    Column(GroupBy),
    /// State of the book.
    State,
    /// Underlyings without a quote for too long.
    Stale,
    /// Things held in the group without a value.
    Unvalued,
    /// Orders on their way that touch the group.
    OpenOrders,
    /// Notional of the orders of the last hour.
    Turnover,
    /// Venues whose connection is lost.
    LinksDown,
    /// Places whose venue reports something else than the ledger.
    Unreconciled,
    /// Index prices.
    Index,
    /// Ages of quotes.
    QuoteAge,
    /// Maintenance margin as a share of what counts for it.
    MarginUse,
    /// How far an index may go before a venue closes an account.
    Liquidation,
}

/// Columns that groups may be made by.
pub(crate) const COLUMNS: [GroupBy; 6] =
    [GroupBy::Underlying, GroupBy::Expiry, GroupBy::Venue, GroupBy::Chain, GroupBy::Account, GroupBy::Kind];

const OF_THE_BOOK: [Variable; 11] = [
    Variable::State,
    Variable::Stale,
    Variable::Unvalued,
    Variable::OpenOrders,
    Variable::Turnover,
    Variable::LinksDown,
    Variable::Unreconciled,
    Variable::Index,
    Variable::QuoteAge,
    Variable::MarginUse,
    Variable::Liquidation,
];

impl Variable {
    /// All of them, in the order of the table in docs/formats.md.
    pub fn all() -> impl Iterator<Item = Self> {
        let figures = Measure::ALL.into_iter().map(Self::Figure);
        figures.chain(COLUMNS.into_iter().map(Self::Column)).chain(OF_THE_BOOK)
    }

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|variable| variable.name() == name)
    }

    /// As it is written in an expression.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Figure(measure) => measure.usd_key(),
            Self::Column(column) => column.word(),
            Self::State => "state",
            Self::Stale => "stale",
            Self::Unvalued => "unvalued",
            Self::OpenOrders => "open_orders",
            Self::Turnover => "turnover_usd",
            Self::LinksDown => "links_down",
            Self::Unreconciled => "unreconciled",
            Self::Index => "index_usd",
            Self::QuoteAge => "quote_age_seconds",
            Self::MarginUse => "maintenance_use",
            Self::Liquidation => "liquidation_distance_percent",
        }
    }

    /// Its type.
    #[must_use]
    pub fn type_of(self) -> Type {
        match self {
            Self::Figure(_) | Self::Turnover | Self::MarginUse | Self::Liquidation => Type::Double,
            Self::Column(_) | Self::State => Type::Text,
            Self::Unvalued | Self::OpenOrders => Type::Int,
            Self::Stale | Self::LinksDown | Self::Unreconciled => Type::List(Box::new(Type::Text)),
            Self::Index | Self::QuoteAge => Type::Map(Box::new(Type::Double)),
        }
    }

    /// What it says, with the unit.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Figure(_) => "sum of the group, in the unit of the limit's measure of that name",
            Self::Column(_) => "the group's own, if it is in `each`; expiry as in tables: 25DEC26, or none",
            Self::State => "of the book when the event came: normal, warn, reduce_only, paused, flatten",
            Self::Stale => {
                "underlyings whose newest quote is older than stale_after_seconds, or that nobody quotes"
            }
            Self::Unvalued => "things held in the group that have no value",
            Self::OpenOrders => "orders that may still be filled in the group's contracts",
            Self::Turnover => "notional of the orders of the last hour, USD, of the whole book",
            Self::LinksDown => "venues whose connection is lost",
            Self::Unreconciled => {
                "places (account@venue/chain) whose venue reports something else than the ledger"
            }
            Self::Index => "index by underlying, USD; what is stale is not in it",
            Self::QuoteAge => "age of the newest quote by underlying, seconds",
            Self::MarginUse => {
                "maintenance margin as a share of what counts for it, the largest of the group's accounts; each: account and venue at most"
            }
            Self::Liquidation => {
                "least move of an index of [margin] liquidation_of that closes one of the group's accounts, percent; infinite when none does"
            }
        }
    }

    /// True for what tells of quotes that are old: who reads it has thought of them.
    pub(crate) const fn tells_of_age(self) -> bool {
        matches!(self, Self::Stale | Self::LinksDown | Self::QuoteAge)
    }

    /// True for figures of margins: groups are of accounts and venues then.
    pub(crate) const fn is_of_margin(self) -> bool {
        matches!(self, Self::MarginUse | Self::Liquidation)
    }

    /// True for what changes with the market, whoever holds anything.
    pub(crate) const fn is_of_market(self) -> bool {
        matches!(self, Self::Index | Self::QuoteAge)
    }

    /// True for what is the same for every group, or changes without a group's sum changing.
    pub(crate) const fn is_of_book(self) -> bool {
        matches!(
            self,
            Self::State
                | Self::Stale
                | Self::OpenOrders
                | Self::Turnover
                | Self::LinksDown
                | Self::Unreconciled
                | Self::Index
        )
    }
}
