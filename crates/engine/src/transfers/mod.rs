//! Moves of collateral: what is sent, how far each has got, what is under way.
//!
//! ```text
//!            accepted          left             arrived
//!   Sent ─────────────► Accepted ───► UnderWay ────────────────────────────► gone
//!     │ no answer in time  ▲  ▲           │ its block is replaced
//!     └──────────► Asked ──┘  └───────────┘
//!                    │ the venue does not know it, and it would take it no more; or it was rejected
//!                    └────────────────────────────────────────────────────► gone
//! ```
//!
//! A transfer is asked for once: its id is that of its proposal, which is made of the event that caused it, and a new attempt is a new
//! transfer after the old one is gone. What may still leave counts as gone from where it is and is not free for another move. From the
//! moment it has left until it arrives the money is no venue's: the ledger keeps it at a place of its own, the venue `in-transit` of the
//! account that sent it, so that the book's exposure to the coin does not change and no account counts it as collateral.
//!
//! Both ends speak: the source of accepted, rejected and left, the destination of arrived. Their connections differ, so an arrival may be
//! told before the departure; then the departure is booked with it, and the source is asked for its fee.
//!
//! **Left out:** an arrival that is undone by a replaced block (venues credit what is final); fees that are taken from what arrives.

mod register;

pub(crate) use register::{Ended, Heard, Step, Transfers, Went};
pub use register::{OpenTransfer, TransferPhase};

use crate::event::ProposalId;
use book::Place;
use std::fmt;
use units::{Money, Timestamp, UnitError, Venue};

/// The venue under whose name the ledger keeps money that is under way.
pub(crate) const IN_TRANSIT: &str = "in-transit";

/// Asks a venue to move money to another place of the book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// Ours: that of its proposal.
    pub id: ProposalId,
    /// Where it leaves; this venue is asked.
    pub from: Place,
    /// Where it arrives.
    pub to: Place,
    /// What arrives; the fee is paid at the source on top of it.
    pub money: Money,
    /// The source takes nothing that comes later, and nothing leaves later.
    pub valid_until: Timestamp,
}

impl fmt::Display for Transfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, from, to, money, valid_until } = self;
        write!(f, "{id}: {} {} from {from} to {to}, leaves until {valid_until}", money.amount, money.asset)
    }
}

/// Where the ledger keeps what has left a place and not arrived.
///
/// # Errors
/// Never: the name is one.
pub(crate) fn in_transit(from: &Place) -> Result<Place, UnitError> {
    Ok(Place { account: from.account.clone(), venue: Venue::new(IN_TRANSIT)?, chain: from.chain.clone() })
}

/// Whether a place is one of those.
pub(crate) fn is_in_transit(place: &Place) -> bool {
    place.venue.as_str() == IN_TRANSIT
}
