//! The command on hedges.

use super::{InputArgs, OutputArgs, RulesArgs};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  plimsoll hedge                                      the embedded sample book, market and policy
  plimsoll hedge book.csv --market btc.json --policy desk.toml
  plimsoll hedge book.csv --market btc.json --policy desk.toml --choose
  plimsoll hedge book.csv --market btc.json --policy desk.toml --greeks --bands my-bands.toml
  plimsoll hedge book.csv --market btc.json --policy desk.toml --flatten --costs my-costs.toml
  plimsoll hedge book.csv --market btc.json --policy desk.toml --format csv --table trades

Exit codes: 3 when a rule cannot be followed (each with its reason), 4 when the others were (--allow-partial).")]
pub(crate) struct HedgeArgs {
    #[command(flatten)]
    pub(crate) inputs: InputArgs,
    #[command(flatten)]
    pub(crate) rules: RulesArgs,
    /// The engine's policy file: [[hedge]] rules with their bands, [[trading]] rows, bounds of orders; none for the sample's
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// What impact, funding, money and venues cost, and how long things may take; default: the embedded execution.toml
    #[arg(long, value_name = "FILE")]
    pub(crate) costs: Option<PathBuf>,
    /// Trade the cheapest instrument that the market quotes and the policy has a [[trading]] row for, instead of the rule's own
    #[arg(long, conflicts_with = "flatten")]
    pub(crate) choose: bool,
    /// Bring delta, gamma and vega within bands at the least cost instead, with perpetuals, futures and options together
    #[arg(long, conflicts_with_all = ["flatten", "choose"])]
    pub(crate) greeks: bool,
    /// Bands of --greeks; default: the embedded greeks.toml
    #[arg(long, value_name = "FILE", requires = "greeks")]
    pub(crate) bands: Option<PathBuf>,
    /// Unwind every position instead: schedule, expected cost and risk meanwhile
    #[arg(long)]
    pub(crate) flatten: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// For csv and parquet: print only this table
    #[arg(long, value_enum)]
    pub(crate) table: Option<HedgeTableName>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum HedgeTableName {
    /// What each rule proposes
    Trades,
    /// For whom, and why not more
    Reasons,
    /// What each trade costs, by cause
    Costs,
    /// Delta, gamma and vega by underlying and time to expiry, before and after
    Buckets,
    /// Margin of each account that a trade touches, before and after
    Margin,
    /// Instruments that could carry a hedge, ranked by what holding them costs
    Instruments,
    /// With --greeks: what is traded, and why not more
    Legs,
    /// With --greeks: every band, before and after
    Greeks,
    /// With --flatten: each position with its way out
    Unwind,
    /// With --flatten: net delta of each underlying over time
    Path,
    /// With --flatten: every trade in whole lots
    Schedule,
    /// Rules, instruments and positions that cannot be traded, and why
    Refused,
}
