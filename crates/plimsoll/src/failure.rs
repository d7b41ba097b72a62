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
    /// A file or table cannot be read or written.
    #[error("{0}")]
    File(#[from] LakeError),
    /// Files cannot be used at all; bad rows of the others are listed too, so that one round mends all.
    #[error("{}\n{issues}", unusable(.files, .issues))]
    Unusable {
        /// Why, one error a file.
        files: Vec<LakeError>,
        /// Bad rows of files that could be read.
        issues: Issues,
    },
    /// Rows are wrong, or sound rows cannot be valued: both lists at once.
    #[error(
        "bad rows: {}; sound rows of the book that cannot be valued: {}; nothing was reported (--allow-partial values the \
         rest):\n{issues}{unpriced}",
        .issues.rows(), .unpriced.rows()
    )]
    Incomplete {
        /// Rows that break a rule.
        issues: Box<Issues>,
        /// Positions and balances that the market does not suffice for.
        unpriced: Box<Issues>,
    },
    /// Rows of a recorded feed cannot be read.
    #[error("rows that cannot be read: {}; nothing was reported (--allow-partial goes on with the rest):\n{issues}", .issues.rows())]
    Unreadable {
        /// All of them.
        issues: Issues,
    },
    /// Rows of a market are wrong, and nothing but a market was given.
    #[error("bad rows: {}; nothing was fitted (--allow-partial fits the rest):\n{issues}", .issues.rows())]
    BadRows {
        /// Rows that break a rule.
        issues: Box<Issues>,
    },
    /// A scenario file is wrong.
    #[error("the scenario file has {} {}:\n{issues}", .issues.total(), mistakes(.issues.total()))]
    Scenarios {
        /// All of them.
        issues: Issues,
    },
    /// A guard file is wrong.
    #[error("the guard file has {} {}:\n{issues}", .issues.total(), mistakes(.issues.total()))]
    Guards {
        /// All of them.
        issues: Issues,
    },
    /// A covariance file is wrong.
    #[error("the covariance file has {} {}:\n{issues}", .issues.total(), mistakes(.issues.total()))]
    Covariance {
        /// All of them.
        issues: Issues,
    },
    /// A file of faults is wrong.
    #[error("the file of faults has {} {}:\n{issues}", .issues.total(), mistakes(.issues.total()))]
    Faults {
        /// All of them.
        issues: Issues,
    },
    /// The SPEC of a backtest is wrong.
    #[error("the backtest SPEC has {} {}:\n{issues}", .issues.total(), mistakes(.issues.total()))]
    Backtest {
        /// All of them.
        issues: Issues,
    },
    /// Parameter files are wrong.
    #[error("the rulebook files have {} {}:\n{issues}", .issues.total(), mistakes(.issues.total()))]
    Rulebooks {
        /// All of them.
        issues: Issues,
    },
    /// A file of costs is wrong.
    #[error("the file of costs has {} {}:\n{issues}", .issues.total(), mistakes(.issues.total()))]
    Costs {
        /// All of them.
        issues: Issues,
    },
    /// A file of routes is wrong.
    #[error("the file of routes has {} {}:\n{issues}", .issues.total(), mistakes(.issues.total()))]
    Routes {
        /// All of them.
        issues: Issues,
    },
    /// A policy is wrong.
    #[error("the policy file has {} {}:\n{issues}", .issues.total(), mistakes(.issues.total()))]
    Policy {
        /// All of them.
        issues: Issues,
    },
    /// Rules of a policy cannot be followed.
    #[error("rules that cannot be followed: {}; nothing was planned (--allow-partial plans the rest):\n{issues}", .issues.total())]
    Unfollowed {
        /// Each with its reason.
        issues: Issues,
    },
    /// Rows are wrong, or accounts cannot be margined in full: both lists at once.
    #[error(
        "bad rows: {}; accounts, positions and balances that cannot be margined: {}; nothing was reported (--allow-partial \
         margins the rest):\n{issues}{unmargined}",
        .issues.rows(), .unmargined.total()
    )]
    Unmargined {
        /// Rows that break a rule.
        issues: Box<Issues>,
        /// What is in no requirement, by its place in the book files.
        unmargined: Box<Issues>,
    },
    /// Figures left their range.
    #[error("the book as a whole cannot be shocked: {0}; look for a size, price or --rate out of range")]
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

fn unusable(files: &[LakeError], issues: &Issues) -> String {
    let mut text: Vec<String> = files.iter().map(ToString::to_string).collect();
    if files.len() > 1 || !issues.is_empty() {
        text.insert(
            0,
            format!("files that cannot be used: {}; bad rows elsewhere: {}", files.len(), issues.rows()),
        );
    }
    text.join("\n")
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
