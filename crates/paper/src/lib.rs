//! A market that is generated, and paper venues that trade in it: exchanges and chains, with faults, in simulated time.
//!
//! ```text
//! WorldConfig, Seed ─► World ── events, by time of arrival ──► engine
//!                        │  Generator   spots, vols, smiles, premiums, bases: one step at a time
//!                        │  venues      quotes, books, orders, an exact ledger of what is ours; blocks on chains
//!                        │  links       latency, lost and repeated messages, outages
//!                        └◄─ orders, cancels, questions ──────── engine
//! ```
//!
//! **Determinism.** A seed, a configuration and what [`World::take`] is given decide every bit, on any machine: no clock, no std
//! transcendental, no order that a hash decides. The path of the market depends on seed and configuration alone.
//!
//! **Numbers.** The market is f64. Prices and quantities that are traded are whole ticks and lots, so decimals; money moves in a
//! [`book::Ledger`] of each venue, exactly: balances and [`Counters`] sum to zero to the last digit. Units of quantity and price are those
//! of the venue's grammar (`instrument::resolve`).
//!
//! **Errors:** [`WorldError`] when a world cannot be made, with every mistake of its file; what is asked of a venue in error is rejected
//! by it, as an event.
//!
//! **Left out:** margin and liquidation at the venues but for a share of the notional that no transfer may touch, other traders than the book, listings after the start, a credit that a
//! replaced block takes back (money goes on from a chain when no reorganisation reaches it).
//! The model, its parameters and limits: `docs/models/paper.md`.
//!
//! ```
//! use engine::{Event, Order, Output};
//! use paper::{Seed, World, WorldConfig};
//! use units::{OrderId, Timestamp, Venue};
//! let start = Timestamp::from_utc_date(2026, 11, 25, 12)?;
//! let mut world = World::new(&WorldConfig::embedded().without_faults(), Seed::new(1), start)?;
//! // A buyer of bitcoin perpetuals who pays up to 1 % more than asked.
//! let okx = Venue::new("okx")?;
//! let traded = world.traded(&okx).find(|traded| traded.listing.symbol.as_str() == "BTC-USDT-SWAP").ok_or("not listed")?;
//! let place = world.truth().find(|truth| *truth.venue == okx).ok_or("no such venue")?.places[0].clone();
//! let order = Order {
//!     id: OrderId::new("my-1")?,
//!     place,
//!     symbol: traded.listing.symbol.clone(),
//!     quantity: "250".parse()?,
//!     limit_price: "95000".parse()?,
//!     valid_until: start.plus_millis(60_000),
//! };
//! world.take(start, &Output::Order(order));
//! let events = world.advance(start.plus_millis(5_000));
//! let fills = events.iter().filter(|(_, event)| matches!(event, Event::Fill(fill) if fill.order.is_some()));
//! assert!(fills.count() >= 1);
//! assert_eq!(world.order(&okx, &OrderId::new("my-1")?).ok_or("unknown")?.filled, "250".parse()?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod accounts;
mod config;
mod depth;
mod draw;
mod grid;
mod link;
mod listed;
mod market;
mod money;
mod orders;
pub mod recorded;
mod venue;
mod world;

pub use accounts::Counters;
pub use config::{
    Answer, ChainConfig, Correlation, CurrencyRate, Deposit, Faults, Incident, IncidentKind, Kind, Latency,
    Product, Regime, Reverting, Spacing, TransferConfig, UnderlyingConfig, VenueConfig, WorldConfig,
};
pub use draw::{Draw, Seed};
pub use market::{Generator, State};
pub use world::{OrderTruth, Prices, Traded, Truth, World, WorldError, as_snapshot};
