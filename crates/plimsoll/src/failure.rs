//! Why a command ended without doing its job, and the exit code that says so to a script.

use lake::LakeError;
use risk::ShockError;
use std::path::PathBuf;
use std::process::ExitCode;
use units::Issues;

/// A command that failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The command line asks for something that does not exist.
    #[error("{0}")]
    Usage(String),
    /// A file cannot be used at all.
    #[error("{0}")]
    File(#[from] LakeError),
    /// Rows are wrong.
    #[error("{} bad {} in the input; nothing was reported (--allow-partial values the rest):\n{issues}", .issues.total(), noun(.issues.total()))]
    Rows {
        /// All of them.
        issues: Issues,
    },
    /// Positions cannot be valued.
    #[error(
        "{count} of {of} positions and balances cannot be valued; nothing was reported (--allow-partial values the rest):\n{list}"
    )]
    Unpriced {
        /// How many.
        count: usize,
        /// Of how many.
        of: usize,
        /// One line each.
        list: String,
    },
    /// A scenario file is wrong.
    #[error("the scenario file has {} {}:\n{issues}", .issues.total(), mistakes(.issues.total()))]
    Scenarios {
        /// All of them.
        issues: Issues,
    },
    /// Figures left their range.
    #[error("{0}")]
    Shock(#[from] ShockError),
    /// Something else about the input.
    #[error("{0}")]
    Input(String),
    /// Output cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// Where.
        path: PathBuf,
        /// The system's word.
        source: std::io::Error,
    },
}

fn noun(count: u64) -> &'static str {
    if count == 1 { "row" } else { "rows" }
}

fn mistakes(count: u64) -> &'static str {
    if count == 1 { "mistake" } else { "mistakes" }
}

impl Failure {
    /// Documented under `plimsoll --help`.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::File(LakeError::Io { doing: "write", .. }) | Self::Write { .. } => ExitCode::from(5),
            _ => ExitCode::from(3),
        }
    }
}
