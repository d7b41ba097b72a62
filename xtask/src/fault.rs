//! What a check found, and why a check could not run.

use std::fmt;
use std::path::PathBuf;

/// One thing to mend.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fault {
    /// File, relative to the root.
    pub(crate) path: String,
    /// Line, from 1; 0 is the file as a whole.
    pub(crate) line: usize,
    /// The broken rule and how to mend it.
    pub(crate) rule: String,
}

impl Fault {
    pub(crate) fn of_line(path: &str, line: usize, rule: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, rule: rule.into() }
    }

    pub(crate) fn of_file(path: &str, rule: impl Into<String>) -> Self {
        Self::of_line(path, 0, rule)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            write!(f, "{}: {}", self.path, self.rule)
        } else {
            write!(f, "{}:{}: {}", self.path, self.line, self.rule)
        }
    }
}

/// Why the tree could not be checked at all.
#[derive(Debug)]
pub(crate) enum CheckError {
    /// A program did not run or did not succeed.
    Command {
        /// The program and what it was asked.
        command: &'static str,
        /// Its own words.
        message: String,
    },
    /// The answer of `cargo metadata` is not what this program knows.
    Metadata {
        /// What is missing.
        rule: String,
    },
    /// A file cannot be read.
    Read {
        /// Which.
        path: PathBuf,
        /// The system's word.
        source: std::io::Error,
    },
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command { command, message } => write!(f, "{command}: {}", message.trim()),
            Self::Metadata { rule } => write!(f, "cargo metadata: {rule}"),
            Self::Read { path, source } => write!(f, "cannot read {}: {source}", path.display()),
        }
    }
}
