//! Options of `plimsoll backtest`.

use super::OutputArgs;
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  plimsoll backtest examples/backtest/intervals.toml --data ../shared/data/chains
  plimsoll backtest examples/backtest/intervals.toml --data my/recordings --format json --output intervals.json
  plimsoll backtest examples/backtest/intervals.toml --format csv --table comparisons
  plimsoll backtest examples/backtest/straddles.toml --format html --output straddles.html
  plimsoll backtest examples/backtest/straddles.toml --data my/recordings --trades trades.csv

A SPEC is a TOML file; its `kind` says what is played: `intervals` hedges one short option over each interval between recorded
snapshots; `chains` sells options on recorded chains and hedges them until they end; `monte_carlo` hedges a book over generated paths.
Keys and tables of each kind: docs/formats.md, \"Backtests\"; what was found: docs/backtests.md.
The result is the same bytes for any number of threads. Exit code 4: bad rows were left out (--allow-partial).")]
pub(crate) struct BacktestArgs {
    /// What is played, in TOML
    #[arg(value_name = "SPEC")]
    pub(crate) spec: PathBuf,
    /// Folder (or one file) of recorded chains, and of perpetual prices beside them; default: the `chains` of the SPEC, relative to the folder that the command runs in
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Play what can be read in spite of bad rows; the result then says so on its first line
    #[arg(long)]
    pub(crate) allow_partial: bool,
    /// Threads to use; default: all cores
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Write every trade of every hedge to this CSV file; kind chains only
    #[arg(long, value_name = "FILE")]
    pub(crate) trades: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// For csv and parquet: print only this table, such as strategies, comparisons, counts, skipped
    #[arg(long, value_name = "NAME")]
    pub(crate) table: Option<String>,
}
