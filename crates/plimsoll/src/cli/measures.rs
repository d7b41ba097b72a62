//! The commands on the distribution of gains: VaR, reverse stress, P&L explain, and the covariance they may rest on.

use super::{InputArgs, OutputArgs};
use clap::{Args, ValueEnum};
use risk::{HELD, VolProxy};
use std::path::PathBuf;
use units::{Account, Asset, Timestamp};

// A doc comment here would replace the description of every command that takes these options.
#[derive(Debug, Args)]
pub(crate) struct FactorArgs {
    /// Recorded prices of a coin (columns ts, close) or its vol index (ts, iv): CSV, plain or gzip; may be given several times
    #[arg(long, value_name = "ASSET=FILE", value_parser = parse_history)]
    pub(crate) history: Vec<(Asset, PathBuf)>,
    /// Give a coin without a history the moves of another, such as SOL=ETH; may be given several times
    #[arg(long, value_name = "ASSET=ASSET", value_parser = parse_proxy)]
    pub(crate) proxy: Vec<(Asset, Asset)>,
    /// Give the options of a coin the vol moves of another, such as ETH=BTC, or none at all: ETH=held
    #[arg(long, value_name = "ASSET=ASSET|held", value_parser = parse_vol_proxy)]
    pub(crate) vol_proxy: Vec<(Asset, VolProxy)>,
}

// As above.
#[derive(Debug, Args)]
pub(crate) struct LawArgs {
    #[command(flatten)]
    pub(crate) factors: FactorArgs,
    /// Covariance of the factors in TOML, as `plimsoll covariance` writes it; default: from the history, or the embedded covariance.toml
    #[arg(long, value_name = "FILE")]
    pub(crate) covariance: Option<PathBuf>,
    /// Length of the moves in days
    #[arg(long, value_name = "DAYS", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=366))]
    pub(crate) horizon: u32,
    /// A vol index is a 30-day vol: a move of it is scaled by (30 d / T)^POWER at tenor T
    #[arg(long, value_name = "POWER", default_value_t = 0.5, value_parser = parse_power)]
    pub(crate) vol_tenor_power: f64,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  plimsoll var                                        the embedded sample, on the embedded covariance
  plimsoll var book.csv --market btc.json --confidence 0.975 --horizon 10
  plimsoll var book.csv --market btc.json --history BTC=btc_1h.csv.gz --history BTC=dvol.csv.gz --history ETH=eth_1h.csv.gz \\
      --vol-proxy ETH=BTC --backtest 250
  plimsoll var book.csv --market btc.json --method monte-carlo --draws 50000 --seed 7 --format json")]
pub(crate) struct VarArgs {
    #[command(flatten)]
    pub(crate) inputs: InputArgs,
    #[command(flatten)]
    pub(crate) law: LawArgs,
    /// Probability of a loss of at most VaR: 0.5 to 0.999999
    #[arg(long, value_name = "FRACTION", default_value_t = 0.99)]
    pub(crate) confidence: f64,
    /// Which methods; default: all that the inputs allow
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) method: Vec<Method>,
    /// Whether windows of several days may share days
    #[arg(long, value_enum, default_value_t = Windows::Overlapping)]
    pub(crate) windows: Windows,
    /// Joint moves to draw
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(100..=10_000_000))]
    pub(crate) draws: u32,
    /// Number that the draws begin with: the same number gives the same draws
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Also test the historical figures of today's book: each separate window against the N before it; needs --history
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) backtest: Option<u32>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// For csv and parquet: print only this table
    #[arg(long, value_enum)]
    pub(crate) table: Option<VarTableName>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Method {
    /// Windows of the history, every contract revalued
    Historical,
    /// The same, rescaled to today's volatility
    Filtered,
    /// Delta, gamma, vega, vanna and volga on the windows of the history, or on the draws without one
    DeltaGammaVega,
    /// Delta and vega times jointly normal moves, in closed form
    Parametric,
    /// Draws from the covariance, every contract revalued
    MonteCarlo,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Windows {
    /// One starts every day: more of them, not independent
    Overlapping,
    /// One starts where the one before ends
    Separate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum VarTableName {
    /// VaR and expected shortfall by each method
    Measures,
    /// Shares by underlying, account and venue, and the figures of each alone
    Contributions,
    /// The worst scenarios of each method
    Tail,
    /// Tests of historical and filtered figures; empty without --backtest
    Backtest,
    /// What moves, by how much
    Factors,
    /// Named scenarios beside the figures
    Stress,
    /// Positions and balances in no figure, and bad rows
    Unpriced,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  plimsoll stress --reverse 500000                    the sample: which move loses half a million?
  plimsoll stress --account vol-desk                  which move makes a venue liquidate it?
  plimsoll stress book.csv --market btc.json --reverse 2e6 --history BTC=btc_1h.csv.gz --vol-proxy BTC=held")]
pub(crate) struct StressArgs {
    #[command(flatten)]
    pub(crate) inputs: InputArgs,
    #[command(flatten)]
    pub(crate) law: LawArgs,
    /// Find the most plausible move that loses so much
    #[arg(
        long,
        value_name = "USD",
        allow_hyphen_values = true,
        required_unless_present = "account",
        conflicts_with = "account"
    )]
    pub(crate) reverse: Option<f64>,
    /// Find the most plausible move after which a venue liquidates this account
    #[arg(long, value_name = "NAME", value_parser = |text: &str| Account::new(text))]
    pub(crate) account: Option<Account>,
    /// Look so many standard deviations far
    #[arg(long, value_name = "DISTANCE", default_value_t = 10.0)]
    pub(crate) reach: f64,
    #[command(flatten)]
    pub(crate) rules: super::RulesArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// For csv and parquet: print only this table
    #[arg(long, value_enum)]
    pub(crate) table: Option<StressTableName>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StressTableName {
    /// The move found by each method, how far out it is, and the recorded window nearest to it
    Found,
    /// What each factor does in it
    Moves,
    /// Positions and balances in no figure, and bad rows
    Unpriced,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  plimsoll explain book.csv --market chain.parquet --from 2026-02-05 --to 2026-02-06
  plimsoll explain book.csv --market chain.parquet --from 2026-02-05 --to 2026-02-06 --book-after tonight.csv
  plimsoll explain book.csv --market chain.parquet --from 2026-02-01 --to 2026-02-28 --each")]
pub(crate) struct ExplainArgs {
    /// Book files at the start: positions and balances as CSV, JSON or Parquet
    #[arg(required = true)]
    pub(crate) book: Vec<PathBuf>,
    /// Recorded chain with several snapshots; may be given several times
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) market: Vec<PathBuf>,
    /// Start: the latest snapshot at or before this time
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Timestamp,
    /// End: the latest snapshot at or before this time
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Timestamp,
    /// The book at the end, where it is another: what was traded and moved in between is told apart
    #[arg(long, value_name = "FILE", conflicts_with = "each")]
    pub(crate) book_after: Vec<PathBuf>,
    /// Explain every step from snapshot to snapshot of the market file between --from and --to instead, and how the residuals are spread
    #[arg(long)]
    pub(crate) each: bool,
    /// USD per unit of a currency or coin, such as USDC=1; may be given several times
    #[arg(long, value_name = "ASSET=USD", value_parser = super::parse_rate)]
    pub(crate) rate: Vec<(Asset, units::Spot)>,
    /// Do what can be done in spite of bad rows and of positions that a market does not cover; the result then says so on its first line
    #[arg(long)]
    pub(crate) allow_partial: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// For csv and parquet: print only this table
    #[arg(long, value_enum)]
    pub(crate) table: Option<ExplainTableName>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExplainTableName {
    /// Change by cause and underlying, with the residual of the greeks
    Explain,
    /// The same by steps of revaluation
    Steps,
    /// How the residuals of many steps are spread; empty without --each
    Residuals,
    /// Positions and balances in no figure, and bad rows
    Unexplained,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  plimsoll covariance --history BTC=btc_1h.csv.gz --history BTC=dvol.csv.gz --history ETH=eth_1h.csv.gz --vol-proxy ETH=BTC")]
pub(crate) struct CovarianceArgs {
    #[command(flatten)]
    pub(crate) factors: FactorArgs,
    /// Length of the moves in days
    #[arg(long, value_name = "DAYS", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=366))]
    pub(crate) horizon: u32,
    /// Write to this file instead of standard output
    #[arg(long, short, value_name = "PATH")]
    pub(crate) output: Option<PathBuf>,
}

fn pair<'a>(text: &'a str, form: &str) -> Result<(Asset, &'a str), String> {
    let (asset, rest) = text.split_once('=').ok_or_else(|| format!("write {form}"))?;
    if rest.trim().is_empty() {
        return Err(format!("write {form}"));
    }
    Ok((Asset::new(asset).map_err(|e| e.to_string())?, rest.trim()))
}

fn parse_history(text: &str) -> Result<(Asset, PathBuf), String> {
    pair(text, "ASSET=FILE, such as BTC=btc_1h.csv.gz").map(|(asset, file)| (asset, file.into()))
}

fn parse_proxy(text: &str) -> Result<(Asset, Asset), String> {
    let (of, by) = pair(text, "ASSET=ASSET, such as SOL=ETH")?;
    Ok((of, Asset::new(by).map_err(|e| e.to_string())?))
}

fn parse_vol_proxy(text: &str) -> Result<(Asset, VolProxy), String> {
    let (of, by) = pair(text, "ASSET=ASSET or ASSET=held, such as ETH=BTC")?;
    if by.eq_ignore_ascii_case(HELD) {
        return Ok((of, VolProxy::Held));
    }
    Ok((of, VolProxy::Of(Asset::new(by).map_err(|e| e.to_string())?)))
}

fn parse_power(text: &str) -> Result<f64, String> {
    let power: f64 = text.trim().parse().map_err(|_| format!("'{text}' is not a number"))?;
    if (0.0..=1.0).contains(&power) { Ok(power) } else { Err("an exponent from 0 to 1".into()) }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  plimsoll smile chains_BTC.parquet
  plimsoll smile chains_ETH.parquet --tenor 7 --tenor 30 --tenor 90 --from 2026-02-01 --to 2026-03-01
  plimsoll smile chains_BTC.parquet --format csv --table steps")]
pub(crate) struct SmileArgs {
    /// Recorded chains with several snapshots, in the order of their times
    #[arg(required = true)]
    pub(crate) market: Vec<PathBuf>,
    /// Constant tenor that the vol at the money is looked at, in days; may be given several times
    #[arg(long, value_name = "DAYS", default_values_t = [7, 30, 90], value_parser = clap::value_parser!(u16).range(1..=3650))]
    pub(crate) tenor: Vec<u16>,
    /// Leave out snapshots before this time
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<Timestamp>,
    /// Leave out snapshots after this time
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<Timestamp>,
    /// Do what can be done in spite of bad rows; the result then says so on its first line
    #[arg(long)]
    pub(crate) allow_partial: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// For csv and parquet: print only this table
    #[arg(long, value_enum)]
    pub(crate) table: Option<SmileTableName>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SmileTableName {
    /// The ratio by underlying and tenor, with its standard error
    Stickiness,
    /// What spot and vol did from snapshot to snapshot
    Steps,
}
