//! Options of `plimsoll surface`.

use super::OutputArgs;
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use units::{Asset, Timestamp};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  plimsoll surface                                    the embedded sample market
  plimsoll surface --market chain.parquet --at 2026-02-05T16:00:00Z --underlying BTC
  plimsoll surface --market btc.json --market eth.json --detail
  plimsoll surface --market chain.parquet --at 2026-02-05T16:00:00Z --earlier 2026-02-05T10:00:00Z
  plimsoll surface --market chain.parquet --format html --output surface.html
  plimsoll surface --market chain.parquet --format csv --table grid

An expiry whose fit is refused is shown with its reason and is not in the surface; the exit code is 0, as the answer is whole.
Exit code 4: bad rows were left out (--allow-partial). Definitions: docs/glossary.md, \"Vol surface\".")]
pub(crate) struct SurfaceArgs {
    /// Market files: chain as Parquet or CSV, or the exchange's book summary as JSON; may be given several times; none means the embedded sample
    #[arg(long, value_name = "FILE")]
    pub(crate) market: Vec<PathBuf>,
    /// Take the latest snapshot at or before this time (RFC 3339, UTC date or Unix milliseconds); default: the last
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<Timestamp>,
    /// Where a fit is refused, take the slice of the latest snapshot of the same files at or before this earlier time, if it leaves no arbitrage
    #[arg(long, value_name = "TIME")]
    pub(crate) earlier: Option<Timestamp>,
    /// Only these underlyings; default: all that have options
    #[arg(long, value_name = "ASSETS", value_delimiter = ',', value_parser = parse_asset)]
    pub(crate) underlying: Vec<Asset>,
    /// In tables, show the SVI parameters of each slice too: raw and jump-wing
    #[arg(long)]
    pub(crate) detail: bool,
    /// Fit what can be fitted in spite of bad rows; the result then says so on its first line
    #[arg(long)]
    pub(crate) allow_partial: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// For csv and parquet: print only this table
    #[arg(long, value_enum)]
    pub(crate) table: Option<SurfaceTableName>,
}

fn parse_asset(text: &str) -> Result<Asset, String> {
    Asset::new(text).map_err(|e| e.to_string())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SurfaceTableName {
    /// One row per expiry: forward, quotes, error, smile figures, parameters, status
    Fits,
    /// One row per option quote: bid, ask and model vol, or why it was dropped
    Quotes,
    /// Vol by expiry and delta
    Grid,
    /// One row per piece of the correction that is added to the SVI slice
    Corrections,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  plimsoll forwards                                    the embedded sample market
  plimsoll forwards --market chain.parquet --at 2026-02-05T16:00:00Z
  plimsoll forwards --market tickers.csv --tenor 30 --format csv --table perpetuals")]
pub(crate) struct ForwardsArgs {
    /// Market files, as for plimsoll surface; none means the embedded sample
    #[arg(long, value_name = "FILE")]
    pub(crate) market: Vec<PathBuf>,
    /// Take the latest snapshot at or before this time (RFC 3339, UTC date or Unix milliseconds); default: the last
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<Timestamp>,
    /// Tenor at which funding is set against the curve, in days
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3650))]
    pub(crate) tenor: u16,
    /// Do what can be done in spite of bad rows; the result then says so on its first line
    #[arg(long)]
    pub(crate) allow_partial: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// For csv and parquet: print only this table
    #[arg(long, value_enum)]
    pub(crate) table: Option<ForwardsTableName>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ForwardsTableName {
    /// By expiry: the forward of record and every source
    Forwards,
    /// Premium and funding of perpetuals against the curve
    Perpetuals,
}
