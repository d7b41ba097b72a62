//! `plimsoll oracle`: which recording, which guards, how to print.

use super::OutputArgs;
use clap::{Args, ValueEnum};
use std::num::NonZeroU32;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  plimsoll oracle btc_sources.csv --class major
  plimsoll oracle kraken.csv.gz coinbase.csv.gz bitstamp.csv.gz --class major --every 5
  plimsoll oracle usdc.csv --class stablecoin --guards my_guards.toml --each-row
  plimsoll oracle btc_sources.csv --class major --format csv --output tables/

A file has the columns time, source, price, and may have confidence and weight:
  time,source,price,confidence,weight
  2026-11-25T12:00:00Z,kraken,97123.4,12.5,1
  2026-11-25T12:00:00Z,coinbase,97125.05,,1")]
pub(crate) struct OracleArgs {
    /// Recorded prices of one asset by several sources: CSV, JSON or Parquet, text plain or gzip
    #[arg(required = true)]
    pub(crate) file: Vec<PathBuf>,
    /// Class of the asset in the guard file: major, alt, stablecoin, lst, or one of your own
    #[arg(long, value_name = "NAME")]
    pub(crate) class: String,
    /// Guard file in TOML; default: the embedded oracles/guards.toml
    #[arg(long, value_name = "FILE")]
    pub(crate) guards: Option<PathBuf>,
    /// Seconds from one round to the next
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = parse_seconds, conflicts_with = "each_row")]
    pub(crate) every: NonZeroU32,
    /// A round at every time that a row has, instead of at equal distances
    #[arg(long)]
    pub(crate) each_row: bool,
    /// Prices are counted in whole units of ten to this power, -12 to 0; a price with more digits is refused
    #[arg(long, value_name = "POWER", default_value_t = -8, allow_hyphen_values = true, value_parser = clap::value_parser!(i32).range(-12..=0))]
    pub(crate) exponent: i32,
    /// Play what can be read in spite of bad rows; the result then says so on its first line
    #[arg(long)]
    pub(crate) allow_partial: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// For csv and parquet: print only this table
    #[arg(long, value_enum)]
    pub(crate) table: Option<OracleTableName>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OracleTableName {
    /// One row per round: what would have been published, and why
    Rounds,
    /// Changes of state with their reason
    Transitions,
    /// One row per source: how often it counted, why not, its score
    Sources,
}

fn parse_seconds(text: &str) -> Result<NonZeroU32, String> {
    let seconds = text.trim().parse::<NonZeroU32>().ok().filter(|seconds| seconds.get() <= 86_400);
    seconds.ok_or_else(|| "a whole number of seconds from 1 to 86400".into())
}
