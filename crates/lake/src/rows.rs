//! Rows of any format behind one door: ask for columns by name, get each row once, in file order.

use crate::LakeError;
use crate::csv_in::CsvRows;
use crate::json_in::JsonRows;
use crate::parquet_in::ParquetRows;
use crate::record::{Row, Section};
use crate::source::{self, Progress, Source};
use std::ops::ControlFlow;
use std::path::Path;

/// Which cells are wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask<'a> {
    /// Column names in lower case; `Row::value` counts in this order.
    pub(crate) names: &'a [&'static str],
    /// Keys of a JSON object whose value is a list of rows.
    pub(crate) lists: &'a [(&'static str, Section)],
}

/// Who looks on: the bar and the receiver of rows.
#[allow(missing_debug_implementations)] // two closures
pub(crate) struct Watch<'a> {
    pub(crate) progress: &'a mut dyn FnMut(Progress),
    pub(crate) visit: &'a mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
}

/// What is known after the last row.
#[derive(Debug)]
pub(crate) struct Finished {
    /// Rows seen, broken ones among them.
    pub(crate) rows: u64,
    /// Columns that nobody asked for, in order of appearance (CSV, Parquet) or of the alphabet (JSON).
    pub(crate) unknown_columns: Vec<String>,
}

/// A file past its header.
#[derive(Debug)]
pub(crate) enum Rows {
    Csv(CsvRows),
    Json(JsonRows),
    Parquet(ParquetRows),
}

impl Rows {
    pub(crate) fn open(path: &Path) -> Result<Self, LakeError> {
        let file = source::name(path);
        Ok(match source::open(path)? {
            Source::Csv(text) => Self::Csv(CsvRows::open(file, text)?),
            Source::Json(text) => Self::Json(JsonRows::new(file, text)),
            Source::Parquet { input, bytes } => Self::Parquet(ParquetRows::open(file, input, bytes)?),
        })
    }

    /// Column names in lower case; JSON has none.
    pub(crate) fn header(&self) -> Option<&[String]> {
        match self {
            Self::Csv(rows) => Some(rows.header()),
            Self::Json(_) => None,
            Self::Parquet(rows) => Some(rows.header()),
        }
    }

    pub(crate) fn for_each(self, ask: &Ask<'_>, watch: &mut Watch<'_>) -> Result<Finished, LakeError> {
        match self {
            Self::Csv(rows) => rows.for_each(ask, watch),
            Self::Json(rows) => rows.for_each(ask, watch),
            Self::Parquet(rows) => rows.for_each(ask, None, watch),
        }
    }
}

/// Where each wanted column stands, and the names that nobody wants.
///
/// A wanted name that appears twice is refused: no rule could say which one counts.
pub(crate) fn places(
    file: &str,
    header: &[String],
    ask: &Ask<'_>,
) -> Result<(Vec<Option<usize>>, Vec<String>), LakeError> {
    let mut places = Vec::with_capacity(ask.names.len());
    for wanted in ask.names {
        let first = header.iter().position(|name| name == wanted);
        if first != header.iter().rposition(|name| name == wanted) {
            return Err(LakeError::format(file, 0, format!("column '{wanted}' appears twice; keep one")));
        }
        places.push(first);
    }
    let unknown = header.iter().filter(|name| !ask.names.contains(&name.as_str())).cloned().collect();
    Ok((places, unknown))
}
