//! `plimsoll backtest SPEC`: hedges played over recorded or generated markets, by the `kind` of the SPEC.
//!
//! | file | what |
//! |---|---|
//! | `spec` | a SPEC as text → one of the kinds, checked, every mistake at once |
//! | `fields` | reading and checking of TOML tables, for the parts of every kind |
//! | `plotted` | tables with plots |
//! | `recordings` | a folder → chain files in order of time, prices of perpetuals, snapshots in batches |
//! | `intervals_spec`, `intervals` | kind `intervals`: its keys; its run and tables |
//! | `chains`, `chains_tables` | kind `chains`, whose keys are in `backtest::chains`: its run; its tables |
//! | `monte_carlo_spec`, `monte_carlo` | kind `monte_carlo`: the same |
//!
//! A new kind is a variant of [`Spec`] with a file for its keys and one for its run.

mod chains;
mod chains_tables;
mod fields;
mod intervals;
mod intervals_spec;
mod monte_carlo;
mod monte_carlo_spec;
mod plotted;
mod recordings;
mod spec;

use crate::cli::BacktestArgs;
use crate::failure::Failure;
use crate::output::{TableNames, on_threads};
use spec::Spec;
use std::process::ExitCode;

/// Runs the command; the exit code says whether rows were left out.
pub(crate) fn run(args: &BacktestArgs) -> Result<ExitCode, Failure> {
    let name = args.spec.display().to_string();
    let text = std::fs::read_to_string(&args.spec)
        .map_err(|error| Failure::Input(format!("{name}: cannot read: {error}")))?;
    let spec = Spec::parse(&name, &text).map_err(|issues| Failure::Backtest { issues })?;
    if args.trades.is_some() && !matches!(spec, Spec::Chains(_)) {
        return Err(Failure::Usage("--trades goes with a SPEC of kind = \"chains\"".into()));
    }
    on_threads(args.threads, || match &spec {
        Spec::Chains(spec) => chains::run(args, spec),
        Spec::Intervals(spec) => intervals::run(args, spec),
        Spec::MonteCarlo(spec) => monte_carlo::run(args, spec),
    })
}

/// The table that the command line names, among those of a kind.
fn table<T: TableNames>(args: &BacktestArgs) -> Result<Option<T>, Failure> {
    let Some(name) = args.table.as_deref() else { return Ok(None) };
    let found = T::value_variants().iter().find(|table| table.stem() == name).copied();
    let known = || T::value_variants().iter().map(|table| table.stem()).collect::<Vec<_>>().join(", ");
    found.map(Some).ok_or_else(|| {
        Failure::Usage(format!("--table {name}: this kind of backtest has the tables {}", known()))
    })
}

#[cfg(test)]
mod tests;
