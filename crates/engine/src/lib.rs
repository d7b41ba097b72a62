//! The live engine: a pure machine. Events in, outputs out; no clock, no file, no network, no randomness.
//!
//! ```text
//! Event ─► Engine::step ─► Outputs
//!            │ Ledger    exact positions and balances, by fills, cash, settlements, reports of venues
//!            │ Quotes    rows of feeds, checked ─► Market, one underlying at a time
//!            │ LiveViews price of everything held, exact sums of what limits watch; rows and the rest when read (Views)
//!            │ Limits    levels with hysteresis and hold times ─┬► State of the book
//!            │ Triggers  conditions in CEL with hold times ─────┘
//!            └ Acting    hedges, proposals, orders, moves of collateral and what becomes of them
//! ```
//!
//! What a step costs: `cargo bench -p engine`. An index that moves runs no kernel of options whose forwards have quotes of their own; one quote
//! costs its expiry; a fill costs what it changes.
//!
//! Under the runner of crate `journal` every event is durable before its outputs leave, and a journal replays to the same bytes. The
//! views are incremental, and equal a valuation from nothing bit for bit. Time of valuation moves by [`Event::Clock`] and
//! [`Event::Snapshot`] only: between two of them a quote changes what depends on it and nothing else.
//!
//! **Stale and missing inputs.** An underlying without a quote for too long, or held and not quoted at all, is said to be stale, and what
//! has no value is said to have none. Limits on stale groups keep their level; those on groups that lack a value may rise and not fall; triggers
//! on either alert and do nothing else. **Reports of venues** are compared with the ledger; differences are outputs, block the place, and are taken over
//! only when a person says so.
//!
//! **Collateral.** Rules move it between accounts that are short of margin and those that can spare it; the amount is sought on the accounts' own
//! rulebooks (docs/adr/0014). What is under way is in the ledger, at a place of its own, and in no account's margin.
//!
//! **Errors** are outputs ([`Output::Refused`], [`Output::QuoteRefused`]): an event that breaks a rule changes nothing else.
//!
//! **Left out so far:** surfaces (vols are marks), guards of the index (it is that of the
//! newest two seconds), settlement of what expires (it has no value until [`Event::Settle`]).
//!
//! ```
//! use engine::{CashEvent, CashKind, Engine, Event, Output};
//! use journal::{Machine, Seq, Stamp};
//! use units::{Account, Asset, Chain, Money, Timestamp, Venue};
//! let now = Timestamp::from_utc_date(2026, 11, 25, 12)?;
//! let mut engine = Engine::new(std::sync::Arc::new(instrument::Specs::embedded()), now);
//! let place = book::Place { account: Account::new("desk")?, venue: Venue::new("deribit")?, chain: Chain::new("offchain")? };
//! let cash = CashEvent { place, money: Money::parse("2.5", Asset::new("BTC")?)?, kind: CashKind::Deposit, time: now };
//! let outputs = engine.step(Stamp { seq: Seq::new(1), time: now }, &Event::Cash(cash));
//! // The deposit is booked; without a quote its value is not known.
//! assert!(matches!(outputs[..], [Output::Posted(_), Output::Value { lost: Some(_), .. }]));
//! assert!(engine.views().items().values().all(|valued| valued.rows.is_err()));
//! // The state goes through bytes and back.
//! assert_eq!(engine.restore(&engine.snapshot())?.state_hash(), engine.state_hash());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod acting;
mod chains;
mod event;
mod explain;
mod kept;
mod kept_transfers;
mod limits;
mod listings;
mod machine;
mod margins;
mod orders;
mod output;
mod policy;
mod profit;
mod quotes;
mod snapshot;
mod transfers;
mod triggers;
mod use_of_limits;
mod views;
mod wire;

pub use acting::{Closed, Effect, MarginChange, MarginEffect, MarginUse, Proposal, TransferProposal};
pub use event::{
    Arming, BlockNumber, CashEvent, CashKind, Command, Event, FillEvent, Link, OrderEvent, OrderNews,
    ProposalId, ReportedEvent, ReportedPosition, Ticket, TransferEvent, TransferNews,
};
pub use explain::{Explain, ExplainRules, Flow, ValueChange};
pub use limits::{Level, State};
pub use machine::Engine;
pub use margins::{Distance, MarginLevels, MarginRules, MarginView, Margins};
pub use orders::{OpenOrder, Order, Phase};
pub use output::{Held, LevelChange, Output, TriggerChange, Turn};
pub use policy::{
    Action, Collateral, Execution, Hedge, Limit, Misread, OrderLimits, Paid, Policy, PolicyMistakes, Trading,
    Trigger,
};
pub use profit::Profit;
pub use transfers::{OpenTransfer, Transfer, TransferPhase};
pub use triggers::{Expression, Mistake, Type, Variable};
pub use use_of_limits::LimitUse;
pub use views::{GroupFigure, GroupSum, GroupSums, Item, Valued, Views, Watched};
