//! What makes a whole file unusable. What is wrong with single rows travels as [`units::Issues`] instead.

use units::{Issues, Timestamp};

/// Why a file could not be read or a table not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LakeError {
    /// The operating system refused.
    #[error("{file}: cannot {doing}: {source}")]
    Io {
        /// File as the user named it.
        file: String,
        /// `open`, `read`, `unpack` or `write`.
        doing: &'static str,
        /// Its words.
        source: std::io::Error,
    },
    /// The bytes are not what their format asks for; reading cannot go on.
    #[error("{file}{}: {rule}", row_text(*.row))]
    Format {
        /// File as the user named it.
        file: String,
        /// Row of data, from 1; 0 means the file as a whole.
        row: u64,
        /// The broken rule and how to mend it.
        rule: String,
    },
    /// The header fits no layout.
    #[error("{file}: missing column {}; {rule}", quoted(.missing))]
    Columns {
        /// File as the user named it.
        file: String,
        /// All required columns that are absent from the closest layout.
        missing: Vec<String>,
        /// Which layouts exist and which one is closest.
        rule: String,
    },
    /// A column of a Parquet file has a type that its values cannot be read from.
    #[error(
        "{file}: column '{column}' has type {found}; wanted text, an integer, a float, a decimal or a timestamp"
    )]
    ColumnType {
        /// File as the user named it.
        file: String,
        /// Its name.
        column: String,
        /// Its type.
        found: String,
    },
    /// The file has columns but no rows.
    #[error("{file}: no rows of data: the file is empty but for its header or brackets")]
    NoRows {
        /// File as the user named it.
        file: String,
    },
    /// No row tells when it was taken, so there is no snapshot.
    #[error("{file}: no row has a readable time; {} rows are in error:\n{issues}", .issues.total())]
    NoUsableRows {
        /// File as the user named it.
        file: String,
        /// What is wrong with each row.
        issues: Issues,
    },
    /// Every snapshot is later than the time asked for.
    #[error("{file}: no snapshot at or before {wanted}; the file has {count}, from {first} to {last}")]
    NoSnapshot {
        /// File as the user named it.
        file: String,
        /// Time asked for.
        wanted: Timestamp,
        /// Time of the first.
        first: Timestamp,
        /// Time of the last.
        last: Timestamp,
        /// How many there are.
        count: u64,
    },
    /// Snapshots can only be handed over one by one when rows are in order of time.
    #[error(
        "{file} row {row}, timestamp {time}: earlier than {previous} of the rows above; sort the rows by timestamp"
    )]
    Unsorted {
        /// File as the user named it.
        file: String,
        /// Row of data, from 1.
        row: u64,
        /// Its time.
        time: Timestamp,
        /// Time of the rows above it.
        previous: Timestamp,
    },
    /// A table cannot be written as it is.
    #[error("table {table}{}, column '{column}': {rule}", row_text(*.row))]
    Table {
        /// Name of the table.
        table: &'static str,
        /// Row, from 1; 0 means the table as a whole.
        row: u64,
        /// Name of the column.
        column: String,
        /// The broken rule.
        rule: String,
    },
}

impl LakeError {
    pub(crate) fn format(file: &str, row: u64, rule: impl Into<String>) -> Self {
        Self::Format { file: file.to_owned(), row, rule: rule.into() }
    }
}

fn row_text(row: u64) -> String {
    if row == 0 { String::new() } else { format!(" row {row}") }
}

fn quoted(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    quoted.join(", ")
}
