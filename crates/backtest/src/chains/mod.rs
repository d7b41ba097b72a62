//! Short option positions on recorded chains, hedged with the inverse perpetual at recorded prices.
//!
//! ```text
//! files ─ lake ─► History   moments, quotes, index, perpetual; what is not used, by reason
//!                   │ choose  which straddle or strangle, of which expiry; when it ends; or why not
//!                   ▼
//!                 Track     a position step by step before any hedge; P&L by greeks
//!                   │ run     one policy, one delta: the tight loop
//!                   ▼
//!                 Outcome   P&L by part in coin and USD, trades, what held it back
//! ```
//!
//! Options are sold at the bid, bought back at the ask or delivered at the first index recorded at their expiry or after it: the true delivery
//! price is an average over the half hour before, which is not recorded; the hedge is held to that same moment, so that both see one
//! price. Fees are those of the venue's schedule, as parameters. The policies are those of [`hedge::policy`], the lots those of
//! [`hedge::lots`]: the functions of the live engine.
//!
//! Left out: margin and its cost, netting of several positions that are open at once, depth of the option books (a whole position is sold
//! at the best bid), trades between snapshots.
//!
//! ```
//! use backtest::chains::{ChainsSpec, Funding};
//! // What longs pay over twelve hours where nothing was recorded: one and a half times the rate of eight.
//! let funding = Funding { recorded: Vec::new(), rate_8h: 0.0001 };
//! let paid = funding.over("2026-02-05T00:00:00Z".parse()?, "2026-02-05T12:00:00Z".parse()?);
//! assert!((paid - 0.00015).abs() < 1e-18);
//! // A file that says too little is refused by what it lacks.
//! let issues = ChainsSpec::parse("spec.toml", "kind = 'chains'").unwrap_err();
//! assert!(issues.to_string().contains("missing field `source`"));
//! # Ok::<(), units::UnitError>(())
//! ```

mod history;
mod plan;
mod pooled;
mod read;
mod run;
mod select;
mod smile;
mod spec;
mod summary;
mod sweep;
mod track;

#[cfg(test)]
mod tests;

pub use history::{
    History, HistoryBuilder, HistoryError, Instrument, InstrumentId, Moment, NoPerpetual, PerpetualSource,
    Quote,
};
pub use plan::{
    Costs, DeltaDefinition, Entry, Funding, Holding, Impact, Latency, Lots, NamedPolicy, Plan, PolicyKind,
    Structure,
};
pub use pooled::{Pooled, Verdicts, pooled};
pub use read::{Files, ReadError};
pub use run::{HeldBack, Outcome, Parts, Recording, Trade, Under, Why, run};
pub use select::{Chosen, End, Refused, choose};
pub use spec::ChainsSpec;
pub use summary::{Difference, Interval, Resampling, Sample, Summary};
pub use sweep::{Accounting, Cell, Compared, Entries, Explained, Kind, Ran, Reckoning, Sweep, sweep};
pub use track::{ByGreeks, Ends, Seen, Step, Track};
