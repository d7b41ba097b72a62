//! The command line: what can be asked, with an example for each command.

mod alert;
mod backtest;
mod feeds;
mod hedge;
mod live;
mod margin;
mod measures;
mod oracle;
mod surface;

pub(crate) use alert::{AlertAction, AlertArgs, AlertTestArgs};
pub(crate) use backtest::BacktestArgs;
pub(crate) use feeds::{FeedsArgs, FeedsTableName};
pub(crate) use hedge::{HedgeArgs, HedgeTableName};
pub(crate) use live::{
    DemoArgs, DemoView, PolicyAction, PolicyArgs, ReplayArgs, RunArgs, ServeArgs, ServeCommandArgs,
    TokenArgs, TopArgs, VerifyArgs,
};
pub(crate) use margin::{
    Holder, LiquidationArgs, LiquidationTableName, MarginArgs, MarginTableName, NewPosition, Override,
    RulebookAction, RulebookArgs, RulesArgs, WhatifArgs, WhatifTableName,
};
pub(crate) use oracle::{OracleArgs, OracleTableName};
pub(crate) use surface::{ForwardsArgs, ForwardsTableName, SurfaceArgs, SurfaceTableName};

pub(crate) use measures::{
    CovarianceArgs, ExplainArgs, ExplainTableName, FactorArgs, LawArgs, Method, SmileArgs, SmileTableName,
    StressArgs, StressTableName, VarArgs, VarTableName, Windows,
};

use clap::{Args, Parser, Subcommand, ValueEnum};
use market::VolBasis;
use market::surface::SkewStickiness;
use risk::GroupBy;
use std::path::PathBuf;
use units::{Asset, Spot, Timestamp};

/// Exposure, margin and hedges of a derivatives book over exchanges and chains.
#[derive(Debug, Parser)]
#[command(name = "plimsoll", version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done, nothing missing
  1  a conformance suite failed; a journal is damaged, or says something else than the other
  2  the command line is wrong
  3  bad input: nothing was reported; every fault is listed on standard error
  4  reported, but something given is not in the totals (--allow-partial; of run: refused, or without a value)
  5  a file could not be written
  6  done, but alerts did not all arrive (--alerts, alert test)

Examples:
  plimsoll report examples/book.csv --market examples/market.json
  plimsoll margin examples/book.csv --market examples/market.json";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Net exposure, ladders, stress, reconciliation and a first hedge of a book on a market snapshot
    Report(Box<ReportArgs>),
    /// Margin of every account by its venue's own rules: equity, requirements, worst scenario, haircuts
    Margin(Box<MarginArgs>),
    /// How far an index may move before a venue liquidates each account
    Liquidation(Box<LiquidationArgs>),
    /// Every account before and after trades, transfers and changes of rules
    Whatif(Box<WhatifArgs>),
    /// What to trade against a policy's bands, what it costs and does; or the way out of every position
    Hedge(Box<HedgeArgs>),
    /// Vol surfaces of a market: fit by expiry, arbitrage check, term structure, smiles
    Surface(Box<SurfaceArgs>),
    /// Forward curve with every source and their disagreement, carry, and what perpetuals' funding implies
    Forwards(ForwardsArgs),
    /// How the smile moved with spot over recorded chains: skew stickiness by tenor
    Smile(SmileArgs),
    /// Value at risk and expected shortfall by several methods, with contributions and backtests
    Var(Box<VarArgs>),
    /// The most plausible move that loses a given amount, or that makes a venue liquidate an account
    Stress(Box<StressArgs>),
    /// Where a change of value between two snapshots came from
    Explain(Box<ExplainArgs>),
    /// Covariance of the risk factors from recorded prices and vols, as a parameter file
    Covariance(CovarianceArgs),
    /// Run the engine over a journal, fed from recorded chains and files of fills
    Run(RunArgs),
    /// Apply every event of a journal again; compare with another journal
    Replay(ReplayArgs),
    /// See it all at work: paper venues, a crash, an outage, hedges, limits
    Demo(DemoArgs),
    /// The dashboard on a journal: views, history, replay, what-if
    Serve(ServeCommandArgs),
    /// Alerts by webhook and by command: check a file of routes, try its channels
    Alert(AlertArgs),
    /// Make a token for the dashboard
    Token(TokenArgs),
    /// Watch a run in a terminal, by following its journal
    Top(TopArgs),
    /// Recompute the hash chain of a journal; prove one record
    Verify(VerifyArgs),
    /// Limits, hedges and triggers: check a file and say what it would do
    Policy(PolicyArgs),
    /// Parameter files of the margin models: list them, show one to copy, check your own
    Rulebook(RulebookArgs),
    /// Write the sample book and market, generated from a named seed
    Example(ExampleArgs),
    /// What is wrong with recorded feeds: gaps, repeats, crossed and frozen quotes, outliers
    Feeds(FeedsArgs),
    /// Recorded prices of several sources through the oracle's guards: what would have been published, and when not
    Oracle(OracleArgs),
    /// Play hedges over recorded or generated markets, by a SPEC: errors, tails, and which beats which
    Backtest(BacktestArgs),
    /// Run the suites of other people's numbers
    Conformance(ConformanceArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  plimsoll report                                     the embedded sample book and market
  plimsoll report book.csv --market chain.parquet --at 2026-02-05T16:00:00Z --rate USDC=1
  plimsoll report desk.csv dao.json --market btc.json --market eth.json --group-by venue,underlying
  plimsoll report book.csv --market chain.parquet --format html --output report.html
  plimsoll report book.csv --market chain.parquet --format csv --table exposure")]
pub(crate) struct ReportArgs {
    #[command(flatten)]
    pub(crate) inputs: InputArgs,
    /// Scenario files in TOML; default: the embedded stress.toml and ladder.toml
    #[arg(long, value_name = "FILE")]
    pub(crate) scenarios: Vec<PathBuf>,
    /// Columns to group exposure by
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', default_value = "underlying")]
    pub(crate) group_by: Vec<GroupColumn>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// For csv and parquet: print only this table
    #[arg(long, value_enum)]
    pub(crate) table: Option<TableName>,
}

// A doc comment here would replace the description of every command that takes these options.
#[derive(Debug, Args)]
pub(crate) struct InputArgs {
    /// Book files: positions and balances as CSV, JSON or Parquet; none means the embedded sample
    pub(crate) book: Vec<PathBuf>,
    /// Market files: chain as Parquet or CSV, or the exchange's book summary as JSON; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) market: Vec<PathBuf>,
    /// Take the latest snapshot at or before this time (RFC 3339, UTC date or Unix milliseconds); default: the last
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<Timestamp>,
    /// USD per unit of a currency or coin, such as USDC=1; may be given several times; wins over what spot pairs in the market files imply, and moves the rate of another currency only where no pair without it tells that rate
    #[arg(long, value_name = "ASSET=USD", value_parser = parse_rate)]
    pub(crate) rate: Vec<(Asset, Spot)>,
    /// Vols that options are priced at: the venues' marks, or the fitted surface where it reaches
    #[arg(long, value_enum, default_value_t = VolsFrom::Marks)]
    pub(crate) vols: VolsFrom,
    /// How the smile moves with spot: 1 every strike keeps its vol (sticky strike, the default), 0 every moneyness does; such as BTC=0.6; may be given several times
    #[arg(long, value_name = "COIN=RATIO", value_parser = parse_stickiness)]
    pub(crate) skew_stickiness: Vec<(Asset, SkewStickiness)>,
    /// Do what can be done in spite of bad rows and of positions that no market or model covers; the result then says so on its first line
    #[arg(long)]
    pub(crate) allow_partial: bool,
    /// Threads to use; the result is the same bytes for any number; default: all cores
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
}

impl InputArgs {
    /// Books and markets.
    pub(crate) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.book.iter().chain(&self.market)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum VolsFrom {
    /// Each contract's own mark; between and beyond the marks, their neighbours and the surface
    #[default]
    Marks,
    /// The arbitrage-free surface, between its first expiry and its last
    Surface,
}

impl From<VolsFrom> for VolBasis {
    fn from(vols: VolsFrom) -> Self {
        match vols {
            VolsFrom::Marks => Self::Marks,
            VolsFrom::Surface => Self::Surface,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct OutputArgs {
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
    /// Write to this file instead of standard output (csv and parquet without --table: to this folder, one file a table)
    #[arg(long, short, value_name = "PATH")]
    pub(crate) output: Option<PathBuf>,
    /// In tables, print every figure to its last digit instead of three significant ones
    #[arg(long)]
    pub(crate) exact: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  plimsoll example --out examples")]
pub(crate) struct ExampleArgs {
    /// Folder for book.csv and market.json
    #[arg(long, value_name = "DIR", default_value = "examples")]
    pub(crate) out: PathBuf,
    /// Name of the seed: the same name gives the same files
    #[arg(long, default_value = crate::example::DEFAULT_SEED)]
    pub(crate) seed: String,
    /// Replace files that are there already
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  plimsoll conformance --vectors ../shared/vectors --data ../shared/data/chains
  plimsoll conformance deribit-chain --data my/recordings --format json")]
pub(crate) struct ConformanceArgs {
    /// Suites to run; default: all
    pub(crate) suite: Vec<String>,
    /// Folder of test vectors
    #[arg(long, value_name = "DIR", default_value = "../shared/vectors")]
    pub(crate) vectors: PathBuf,
    /// Folder (or one file) of recorded chains
    #[arg(long, value_name = "DIR", default_value = "../shared/data/chains")]
    pub(crate) data: PathBuf,
    /// Of each chain file, compare only the first snapshot and then every N-th; default: all
    #[arg(long, value_name = "N")]
    pub(crate) every: Option<std::num::NonZeroUsize>,
    /// How to print
    #[arg(long, value_enum, default_value_t = ReportForm::Table)]
    pub(crate) format: ReportForm,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportForm {
    /// For reading
    Table,
    /// For programs: the schemas are in docs/formats.md and docs/conformance.md
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For reading in a terminal
    Table,
    /// For programs: the schemas are in docs/formats.md
    Json,
    /// For spreadsheets
    Csv,
    /// For data frames: exact decimals
    Parquet,
    /// One self-contained page for reading, sending and printing
    Html,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableName {
    /// Sums by the chosen columns, and the total
    Exposure,
    /// One row per position and balance
    Positions,
    /// Positions and balances that could not be valued, and bad rows
    Unpriced,
    /// Spot x vol P&L
    Ladder,
    /// P&L by spot and horizon
    Curve,
    /// One row per scenario
    Stress,
    /// Own figures against the venue's
    Reconciliation,
    /// Differences beyond their limit
    Breaks,
    /// Plain hedge lines
    Hedge,
    /// Forwards by expiry with their sources
    Forwards,
    /// Delta and gamma by how the smile moves with spot
    Smile,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GroupColumn {
    /// Whose price drives it
    Underlying,
    /// Settlement day
    Expiry,
    /// Exchange or protocol
    Venue,
    /// Ledger
    Chain,
    /// Owner
    Account,
    /// Option, future, perpetual, spot, balance
    Kind,
}

impl From<GroupColumn> for GroupBy {
    fn from(column: GroupColumn) -> Self {
        match column {
            GroupColumn::Underlying => Self::Underlying,
            GroupColumn::Expiry => Self::Expiry,
            GroupColumn::Venue => Self::Venue,
            GroupColumn::Chain => Self::Chain,
            GroupColumn::Account => Self::Account,
            GroupColumn::Kind => Self::Kind,
        }
    }
}

fn parse_stickiness(text: &str) -> Result<(Asset, SkewStickiness), String> {
    let how = "write COIN=RATIO, such as BTC=0.6";
    let (asset, ratio) = text.split_once('=').ok_or(how)?;
    let asset = Asset::new(asset).map_err(|e| e.to_string())?;
    let ratio: f64 = ratio.trim().parse().map_err(|_| format!("'{ratio}' is not a number: {how}"))?;
    Ok((asset, SkewStickiness::new(ratio).map_err(|e| e.to_string())?))
}

fn parse_rate(text: &str) -> Result<(Asset, Spot), String> {
    let (asset, usd) = text.split_once('=').ok_or("write ASSET=USD_PER_UNIT, such as USDC=1")?;
    let asset = Asset::new(asset).map_err(|e| e.to_string())?;
    let usd: f64 = usd
        .trim()
        .parse()
        .map_err(|_| format!("'{usd}' is not a number: write ASSET=USD_PER_UNIT, such as USDC=1"))?;
    if asset.as_str() == "USD" {
        return Err("USD is the unit of account: its rate is 1".into());
    }
    Ok((asset, Spot::new(usd).map_err(|e| e.to_string())?))
}
