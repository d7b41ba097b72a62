//! Why the ledger refuses something. It has not changed then.

use super::Place;
use units::{FillId, Money, Price, Symbol, Timestamp, Venue};

/// A rule that an event breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// A fill id that is known.
    #[error("{place}: fill '{id}' is booked already; an id of a venue and account counts once")]
    Duplicate {
        /// The id.
        id: FillId,
        /// Whose.
        place: Place,
    },
    /// A fill from before the memory of ids, which could be a duplicate.
    #[error(
        "{place}: fill '{id}' of {time} is older than {oldest}, up to which ids are remembered: \
         set the position and balances that the venue reports instead"
    )]
    TooOld {
        /// The id.
        id: FillId,
        /// Whose.
        place: Place,
        /// When it was executed.
        time: Timestamp,
        /// The oldest time that is taken.
        oldest: Timestamp,
    },
    /// A fill of nothing.
    #[error("{place}: a fill of {symbol} has quantity zero; bought is positive, sold negative")]
    ZeroQuantity {
        /// Where.
        place: Place,
        /// Of what.
        symbol: Symbol,
    },
    /// A price that the contract cannot have.
    #[error("{place}: {symbol} at {price}: {rule}")]
    PriceRange {
        /// Where.
        place: Place,
        /// Of what.
        symbol: Symbol,
        /// The price.
        price: Price,
        /// The range in words.
        rule: &'static str,
    },
    /// An exact figure has no decimal.
    #[error("{place}: {what} needs more than 28 digits")]
    TooManyDigits {
        /// Where.
        place: Place,
        /// Which figure.
        what: &'static str,
    },
    /// A listing at another venue's place.
    #[error("{place}: {symbol} is listed by {venue}; what is held at a venue is listed there")]
    WrongVenue {
        /// Where.
        place: Place,
        /// Of what.
        symbol: Symbol,
        /// Who lists it.
        venue: Venue,
    },
    /// The same symbol with other terms than the position has.
    #[error(
        "{place}: {symbol} has other terms or another contract size than the position held; set the position to zero \
         first"
    )]
    ListingChanged {
        /// Where.
        place: Place,
        /// Of what.
        symbol: Symbol,
    },
    /// A gain that nobody can compute.
    #[error(
        "{place}: the entry value of {symbol} is unknown, so closing it has no gain: set the position with its average \
         price first"
    )]
    EntryUnknown {
        /// Where.
        place: Place,
        /// Of what.
        symbol: Symbol,
    },
    /// Two rows of a book cancel at different prices.
    #[error("{place}: rows of {symbol} cancel at different average prices; enter the net and the gain")]
    EntryLeft {
        /// Where.
        place: Place,
        /// Of what.
        symbol: Symbol,
    },
    /// A listing settles that nobody holds.
    #[error("{venue}: nobody holds {symbol}, so nothing settles")]
    NotHeld {
        /// Where.
        venue: Venue,
        /// Of what.
        symbol: Symbol,
    },
    /// Spot where a position is asked for.
    #[error(
        "{place}: spot {symbol} is held as a balance, which neither settles nor has a quantity to set: {mend}"
    )]
    Spot {
        /// Where.
        place: Place,
        /// Of what.
        symbol: Symbol,
        /// What to do instead.
        mend: &'static str,
    },
    /// A contract that no venue lists.
    #[error("{place}: spot {symbol} that is not paid in its quote currency cannot be booked")]
    SpotSettlement {
        /// Where.
        place: Place,
        /// Of what.
        symbol: Symbol,
    },
    /// A movement of nothing or backwards.
    #[error("{place}: {} {} moved: an amount is above zero, its direction is in the event", money.amount, money.asset)]
    AmountNotPositive {
        /// Where.
        place: Place,
        /// How much.
        money: Money,
    },
    /// A transfer to where it came from.
    #[error("{place}: a transfer goes from one place to another")]
    SamePlace {
        /// Where.
        place: Place,
    },
}
