//! Orders of ours: what is sent, how far each has got, what may still be filled.
//!
//! ```text
//!            accepted             its time is over        ended, or filled in full
//!   Sent ───────────────► Standing ──────────► Cancelling ───────────────────────► gone
//!     │ no answer in time     ▲                    │ no answer in time: said again
//!     └────────────► Asked ───┘ the venue knows it
//!                      │ the venue does not know it, and it would take it no more
//!                      └──────────────────────────────────────────────────────────► gone
//! ```
//!
//! An order is counted as able to be filled until it is gone: what nobody knows is not free. It is never sent a second time: the id is
//! made of the event that caused it, and a new attempt is a new order after the old one is gone. A venue that comes back is asked for
//! every order there.

mod blotter;

pub(crate) use blotter::{Blotter, Gone, Went};
pub use blotter::{OpenOrder, Phase};

use book::Place;
use std::fmt;
use units::{OrderId, Price, Quantity, Symbol, Timestamp};

/// What is sent to a venue: a limit order that ends by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Ours.
    pub id: OrderId,
    /// Where.
    pub place: Place,
    /// What.
    pub symbol: Symbol,
    /// Signed, in the unit of the listing: bought is positive.
    pub quantity: Quantity,
    /// The worst price, in the quote unit of the listing.
    pub limit_price: Price,
    /// The venue drops what is not filled by then, and takes nothing that arrives later.
    pub valid_until: Timestamp,
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, place, symbol, quantity, limit_price, valid_until } = self;
        write!(f, "{id}: {place} {symbol} {quantity} at {limit_price} or better until {valid_until}")
    }
}
