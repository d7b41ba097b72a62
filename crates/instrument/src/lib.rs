//! Contract terms, venue symbol grammars, listed to resolved.
//!
//! A *listing* is what one venue calls a contract and the size it trades it in; a *contract* is the economic right behind
//! it. Two venues that list the same contract share one [`Contract`], so the risk nets in exposure, while the listings, and
//! with them margin, stay distinct.

mod contract;

pub use contract::{Contract, Listing, Settlement, Terms, expiry_text};
pub use units::OptionKind;
