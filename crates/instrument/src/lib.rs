//! Contract terms, venue symbol grammars, listed to resolved.
//!
//! A *listing* is what one venue calls a contract and the size it trades it in; a *contract* is the economic right behind
//! it. Two venues that list the same contract share one [`Contract`], so the risk nets in exposure, while the listings, and
//! with them margin, stay distinct.
//!
//! [`resolve`] reads a venue's symbol; [`Specs`] holds what the symbol does not tell; [`spell`] writes a contract the way a
//! venue does.
//!
//! ```
//! use instrument::{Specs, resolve, spell};
//! use units::{Symbol, Venue};
//!
//! let specs = Specs::embedded();
//! let deribit = Venue::new("deribit")?;
//! let okx = Venue::new("okx")?;
//! let one = resolve(&deribit, &Symbol::new("BTC-27MAR26-100000-C")?, &specs)?;
//! let other = resolve(&okx, &Symbol::new("BTC-USD-260327-100000-C")?, &specs)?;
//! // The same right, in contracts of one coin and of a hundredth of a coin.
//! assert_eq!(one.legs[0].listing.contract, other.legs[0].listing.contract);
//! assert_eq!(other.legs[0].listing.contract_size.to_string(), "0.01");
//! assert_eq!(spell(&okx, &one.legs[0].listing.contract), Some(Symbol::new("BTC-USD-260327-100000-C")?));
//! // A misspelt symbol names the rule it breaks.
//! let error = resolve(&deribit, &Symbol::new("BTC-31FEB26")?, &specs).unwrap_err();
//! assert!(error.to_string().contains("calendar"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod contract;
mod resolve;
mod specs;
mod venue;

pub use contract::{Contract, Listing, Settlement, Terms, expiry_text};
pub use resolve::{Leg, Resolved, SymbolError, resolve, spell};
pub use specs::{Product, Specs, SpecsError};
pub use units::OptionKind;
