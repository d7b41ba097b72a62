//! What every rendering is made from: the report, and where it came from.

use risk::Report;
use units::{Issues, Timestamp};

/// One input file, as read.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct InputFile {
    /// As the user named it.
    pub(crate) path: String,
    /// `book`, `market`, `scenarios`, `history`, `covariance`, `feed`, `prices`, `guards`, `policy` or `costs`.
    pub(crate) role: &'static str,
    /// BLAKE3 of the bytes, hex.
    pub(crate) blake3: String,
    /// Rows taken from it.
    pub(crate) rows: u64,
    /// Time of the snapshot taken from it; none for books and scenarios.
    pub(crate) asof: Option<Timestamp>,
}

/// A report with its provenance.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Document {
    /// The numbers.
    pub(crate) report: Report,
    /// Files it was made from.
    pub(crate) inputs: Vec<InputFile>,
    /// Bad rows, left out because the user allowed a partial report.
    pub(crate) issues: Issues,
    /// Market rows that are sound but not used, by reason.
    pub(crate) not_used: Vec<(&'static str, u64)>,
    /// What a reader should know about inputs and market.
    pub(crate) notes: Vec<String>,
}

impl Document {
    /// True when something that was given is not in the totals.
    pub(crate) fn is_partial(&self) -> bool {
        self.report.is_partial() || !self.issues.is_empty()
    }
}
