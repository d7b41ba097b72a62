//! Positions and balances out of a book file, one row at a time, as text: no number passes through a float on its way in.
//!
//! One layout in three formats. A row fills either `instrument`, `quantity`, `average_price` or `asset`, `amount`; one
//! file may hold both kinds. What the words and numbers mean is checked by `book`.

use crate::LakeError;
use crate::record::{Body, Refusal, Row, Section};
use crate::rows::{Ask, Rows, Watch};
use crate::source::{self, Progress};
use book::{RawRow, RowKind};
use std::ops::ControlFlow;
use std::path::Path;
use units::Issues;

const NAMES: [&str; 8] =
    ["account", "venue", "chain", "instrument", "quantity", "average_price", "asset", "amount"];
const LISTS: &[(&str, Section)] = &[("positions", Section::Positions), ("balances", Section::Balances)];
const COLUMNS: &str = "a book has the columns account, venue, [chain] and, for positions, instrument, quantity, \
                       [average_price], for balances, asset, amount; one file may have both kinds";

/// What is known of a book file after its last row.
#[derive(Debug, Clone, PartialEq)]
pub struct BookRead {
    /// Rows that could not be read; none of them was handed over.
    pub issues: Issues,
    /// Columns or keys that mean nothing here, in lower case; at most 64 of a JSON file.
    pub unknown_columns: Vec<String>,
}

/// Reads a book and hands over each row that has the shape of a position or a balance.
///
/// # Errors
/// [`LakeError`]: the file cannot be read, lacks required columns, or has no rows.
pub fn read_book(
    path: &Path,
    sink: &mut dyn FnMut(RawRow),
    progress: &mut dyn FnMut(Progress),
) -> Result<BookRead, LakeError> {
    let file = source::name(path);
    let rows = Rows::open(path)?;
    if let Some(header) = rows.header() {
        check_header(&file, header)?;
    }
    let mut issues = Issues::default();
    let mut step = |row: &Row<'_>| {
        if let Some(raw) = raw_row(&file, row, &mut issues) {
            sink(raw);
        }
        ControlFlow::Continue(())
    };
    let finished =
        rows.for_each(&Ask { names: &NAMES, lists: LISTS }, &mut Watch { progress, visit: &mut step })?;
    if finished.rows == 0 {
        return Err(LakeError::NoRows { file });
    }
    Ok(BookRead { issues, unknown_columns: finished.unknown_columns })
}

fn check_header(file: &str, header: &[String]) -> Result<(), LakeError> {
    let has = |name: &str| header.iter().any(|column| column == name);
    let position = has("instrument") || has("quantity") || has("average_price");
    let balance = has("asset") || has("amount");
    let mut wanted = vec!["account", "venue"];
    if position || !balance {
        wanted.extend(["instrument", "quantity"]);
    }
    if balance {
        wanted.extend(["asset", "amount"]);
    }
    let missing: Vec<String> = wanted.into_iter().filter(|name| !has(name)).map(str::to_owned).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let separator = match header {
        [only] if only.contains([';', '\t']) => "columns are separated by commas, not by ';' or tabs; ",
        _ => "",
    };
    Err(LakeError::Columns { file: file.to_owned(), missing, rule: format!("{separator}{COLUMNS}") })
}

fn raw_row(file: &str, row: &Row<'_>, issues: &mut Issues) -> Option<RawRow> {
    let before = issues.total();
    let list = match row.section {
        Section::Table => "",
        Section::Positions => "positions.",
        Section::Balances => "balances.",
    };
    if let Body::Broken(refusal) = &row.body {
        issues.push(refusal.clone().at(file, row.number, list.trim_end_matches('.')));
        return None;
    }
    let mut cell = |index: usize| match row.value(index).text() {
        Ok(text) => text.map(std::borrow::Cow::into_owned).unwrap_or_default(),
        Err(refusal) => {
            let name = NAMES.get(index).copied().unwrap_or_default();
            issues.push(refusal.at(file, row.number, &format!("{list}{name}")));
            String::new()
        }
    };
    let (account, venue, chain) = (cell(0), cell(1), cell(2));
    let (instrument, quantity, average_price) = (cell(3), cell(4), cell(5));
    let (asset, amount) = (cell(6), cell(7));
    if issues.total() > before {
        return None;
    }
    let position = !(instrument.is_empty() && quantity.is_empty() && average_price.is_empty());
    let balance = !(asset.is_empty() && amount.is_empty());
    let rule = match (position, balance, row.section) {
        (true, false, Section::Table | Section::Positions) => {
            let kind = RowKind::Position { instrument, quantity, average_price };
            return Some(RawRow { row: row.number, account, venue, chain, kind });
        }
        (false, true, Section::Table | Section::Balances) => {
            let kind = RowKind::Balance { asset, amount };
            return Some(RawRow { row: row.number, account, venue, chain, kind });
        }
        (true, true, _) => {
            "a row is a position or a balance: fill instrument and quantity, or asset and amount, not both"
        }
        (false, false, _) => {
            "a row is a position or a balance: fill instrument and quantity, or asset and amount"
        }
        (false, true, Section::Positions) => {
            "a row of positions has instrument and quantity; move this one to balances"
        }
        (true, false, Section::Balances) => {
            "a row of balances has asset and amount; move this one to positions"
        }
    };
    let value = if position { instrument } else { asset };
    issues.push(Refusal::new(value, rule).at(file, row.number, list.trim_end_matches('.')));
    None
}
