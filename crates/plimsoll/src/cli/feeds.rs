//! `plimsoll feeds`: which recordings, how to print.

use super::OutputArgs;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  plimsoll feeds chain.parquet perpetual_prices.csv
  plimsoll feeds candles.csv                          ts,open,high,low,close,volume with ts in Unix seconds
  plimsoll feeds BTCUSDT_1h.csv.gz                    text may be packed with gzip, here and in every command
  plimsoll feeds recordings/*.parquet --format html --output feeds.html")]
pub(crate) struct FeedsArgs {
    /// Recorded feeds: chains, tickers, perpetual prices (CSV, Parquet), book summaries (JSON), series with `ts` (CSV, Parquet)
    #[arg(required = true)]
    pub(crate) file: Vec<PathBuf>,
    /// Judge what can be read in spite of rows that cannot; the result then says so on its first line
    #[arg(long)]
    pub(crate) allow_partial: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// For csv and parquet: print only this table
    #[arg(long, value_enum)]
    pub(crate) table: Option<FeedsTableName>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FeedsTableName {
    /// One row per feed
    Feeds,
    /// Rows that cannot be read
    Unreadable,
}
