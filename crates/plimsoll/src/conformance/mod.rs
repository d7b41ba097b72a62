//! Suites of other people's numbers: published values, exact values and recordings of venues, compared with ours.
//!
//! A suite reads files and returns groups of cases. A checked group counts its cases, keeps the worst error against its
//! tolerance and names what failed; an informative group only measures, because the published numbers were taken at
//! another time. Nothing is left out silently: rows without a comparison are counted by reason, a missing file is a group
//! that did not run, an unreadable file is a failure, and a suite in which no case ran does not pass.
//!
//! Users point the suites at recordings of their own. `docs/conformance.md` describes layouts, tolerances, the JSON schema
//! and the errors measured.

mod deribit;
mod execution;
mod hedge_bands;
mod hedge_cvar;
mod margin;
mod oracle_pyth;
mod pricing;
mod render;
mod result;
mod stress_explain;
mod surface;
mod svi;
#[cfg(test)]
mod tests;
mod var_backtests;
mod vectors;

pub(crate) use render::{json, table};
use result::GroupResult;
pub(crate) use result::SuiteResult;

use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Where the numbers of others are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sources {
    /// Folder of test vectors, one folder per subject.
    pub(crate) vectors: PathBuf,
    /// Folder of recorded chains, or one such file.
    pub(crate) chains: PathBuf,
    /// Which snapshots of a chain file are compared.
    pub(crate) snapshots: Snapshots,
}

/// Which snapshots of a recorded file are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Snapshots {
    /// Each of them.
    All,
    /// The first and then every so many; a quick look.
    EveryNth(NonZeroUsize),
}

/// How far a suite has come, in bytes of its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Progress<'a> {
    /// Which suite runs.
    pub(crate) suite: &'static str,
    /// The file at hand.
    pub(crate) item: &'a str,
    /// Bytes read of all its files.
    pub(crate) bytes_done: u64,
    /// Bytes of all its files.
    pub(crate) bytes_total: u64,
}

/// Receives progress.
type Report<'a> = dyn FnMut(Progress<'_>) + 'a;

/// One suite: what it is called and how it runs.
#[derive(Debug)]
pub(crate) struct Suite {
    /// The word that users type.
    pub(crate) id: &'static str,
    /// What is compared with what.
    pub(crate) summary: &'static str,
    run: fn(&Sources, &mut Report<'_>) -> Vec<GroupResult>,
}

/// All suites, in the order in which they run.
pub(crate) static SUITES: &[Suite] = &[
    Suite { id: pricing::ID, summary: pricing::SUMMARY, run: pricing::run },
    Suite { id: deribit::ID, summary: deribit::SUMMARY, run: deribit::run },
    Suite { id: svi::ID, summary: svi::SUMMARY, run: svi::run },
    Suite { id: surface::ID, summary: surface::SUMMARY, run: surface::run },
    Suite { id: margin::deribit_pm::ID, summary: margin::deribit_pm::SUMMARY, run: margin::deribit_pm::run },
    Suite {
        id: margin::derive_pmrm::ID,
        summary: margin::derive_pmrm::SUMMARY,
        run: margin::derive_pmrm::run,
    },
    Suite { id: margin::documented::ID, summary: margin::documented::SUMMARY, run: margin::documented::run },
    Suite { id: margin::tiered::ID, summary: margin::tiered::SUMMARY, run: margin::tiered::run },
    Suite {
        id: margin::hyperliquid::ID,
        summary: margin::hyperliquid::SUMMARY,
        run: margin::hyperliquid::run,
    },
    Suite { id: margin::derive_srm::ID, summary: margin::derive_srm::SUMMARY, run: margin::derive_srm::run },
    Suite { id: margin::dydx::ID, summary: margin::dydx::SUMMARY, run: margin::dydx::run },
    Suite { id: margin::drift::ID, summary: margin::drift::SUMMARY, run: margin::drift::run },
    Suite { id: margin::mango::ID, summary: margin::mango::SUMMARY, run: margin::mango::run },
    Suite { id: margin::okx_pm::ID, summary: margin::okx_pm::SUMMARY, run: margin::okx_pm::run },
    Suite { id: margin::span::ID, summary: margin::span::SUMMARY, run: margin::span::run },
    Suite { id: oracle_pyth::ID, summary: oracle_pyth::SUMMARY, run: oracle_pyth::run },
    Suite { id: var_backtests::ID, summary: var_backtests::SUMMARY, run: var_backtests::run },
    Suite { id: hedge_bands::ID, summary: hedge_bands::SUMMARY, run: hedge_bands::run },
    Suite { id: stress_explain::ID, summary: stress_explain::SUMMARY, run: stress_explain::run },
    Suite { id: execution::SCHEDULE, summary: execution::SCHEDULE_SUMMARY, run: execution::run_schedule },
    Suite { id: execution::LVR, summary: execution::LVR_SUMMARY, run: execution::run_lvr },
    Suite { id: hedge_cvar::ID, summary: hedge_cvar::SUMMARY, run: hedge_cvar::run },
];

/// Why nothing was run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ConformanceError {
    /// There is no suite of that name.
    #[error("no suite is called '{id}'; there are: {known}")]
    UnknownSuite {
        /// As typed.
        id: String,
        /// All suites, separated by commas.
        known: String,
    },
}

/// Runs the named suites in the order given, or all of them when none is named.
///
/// # Errors
/// When a name is not that of a suite; then nothing is run.
pub(crate) fn run(
    ids: &[String],
    sources: &Sources,
    progress: &mut Report<'_>,
) -> Result<Vec<SuiteResult>, ConformanceError> {
    let chosen: Vec<&Suite> = if ids.is_empty() {
        SUITES.iter().collect()
    } else {
        ids.iter().map(|id| find(id)).collect::<Result<_, _>>()?
    };
    let run = |suite: &Suite| SuiteResult {
        suite: suite.id,
        summary: suite.summary,
        groups: (suite.run)(sources, progress),
    };
    Ok(chosen.into_iter().map(run).collect())
}

fn find(id: &str) -> Result<&'static Suite, ConformanceError> {
    SUITES.iter().find(|suite| suite.id == id).ok_or_else(|| {
        let known: Vec<&str> = SUITES.iter().map(|suite| suite.id).collect();
        ConformanceError::UnknownSuite { id: id.to_owned(), known: known.join(", ") }
    })
}

/// True when at least one suite ran, each compared at least one case, and none failed one.
pub(crate) fn passed(results: &[SuiteResult]) -> bool {
    !results.is_empty() && results.iter().all(SuiteResult::passed)
}
