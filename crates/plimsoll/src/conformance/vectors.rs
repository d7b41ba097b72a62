//! Reads vector files: JSON whose numbers may be decimal text of any length.

use super::result::Group;
use serde_json::Value;
use std::path::Path;
use units::OptionKind;

/// Why a case cannot be compared: its file says something else than expected.
#[derive(Debug, thiserror::Error)]
pub(super) enum CaseError {
    #[error("field '{0}' is missing or is not a number")]
    Number(String),
    #[error("field '{0}' is missing or is not text that is expected there")]
    Text(&'static str),
    #[error("the case cannot be margined: {0}")]
    Engine(String),
    #[error(transparent)]
    Unit(#[from] units::UnitError),
    #[error(transparent)]
    ImpliedVol(#[from] pricing::implied_vol::ImpliedVolError),
}

/// A file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    #[error("the file is absent: {0}")]
    Absent(String),
    #[error("the file cannot be read: {0}")]
    Io(std::io::Error),
    #[error("the file is not JSON: {0}")]
    Json(serde_json::Error),
}

/// Reads a file of vectors.
pub(super) fn read(path: &Path) -> Result<Value, FileError> {
    let text = std::fs::read_to_string(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => FileError::Absent(path.display().to_string()),
        _ => FileError::Io(error),
    })?;
    // Scripts in Python write what is no number as a bare word: no JSON, and no reason to lose the rest of a file.
    serde_json::from_str(&text)
        .or_else(|error| serde_json::from_str(&null_for_no_number(&text)).map_err(|_| error))
        .map_err(FileError::Json)
}

/// `NaN`, `Infinity` and `-Infinity` outside quotes as `null`.
fn null_for_no_number(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    if text.contains(r#"\""#) {
        // Quotes inside texts: parts are not told apart by counting quotes. The file stays as it is, and is refused.
        return text.to_owned();
    }
    for (place, part) in text.split('"').enumerate() {
        if place > 0 {
            out.push('"');
        }
        if place % 2 == 1 {
            out.push_str(part);
        } else {
            let part = part.replace("-Infinity", "null").replace("Infinity", "null").replace("NaN", "null");
            out.push_str(&part);
        }
    }
    out
}

/// The nearest f64 to a number or to decimal text.
pub(super) fn number(row: &Value, key: &str) -> Result<f64, CaseError> {
    let parsed = match row.get(key) {
        // The text of the number itself, so that rounding happens once.
        Some(Value::Number(number)) => number.to_string().parse().ok(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    parsed.filter(|value: &f64| value.is_finite()).ok_or_else(|| CaseError::Number(key.to_owned()))
}

/// Text.
pub(super) fn text<'a>(row: &'a Value, key: &'static str) -> Result<&'a str, CaseError> {
    row.get(key).and_then(Value::as_str).ok_or(CaseError::Text(key))
}

/// `call` or `put`, or their first letters, in any case.
pub(super) fn kind(row: &Value, key: &'static str) -> Result<OptionKind, CaseError> {
    let word = text(row, key)?;
    let is =
        |whole: &str, letter: &str| word.eq_ignore_ascii_case(whole) || word.eq_ignore_ascii_case(letter);
    if is("call", "c") {
        Ok(OptionKind::Call)
    } else if is("put", "p") {
        Ok(OptionKind::Put)
    } else {
        Err(CaseError::Text(key))
    }
}

/// Runs every row of a list; a row at fault is a failure of the group, and so is a list without rows.
pub(super) fn each_row(
    file: &Value,
    list: &str,
    group: &mut Group,
    mut compare: impl FnMut(&str, &Value, &mut Group) -> Result<(), CaseError>,
) {
    let rows = file.get(list).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if rows.is_empty() {
        group.fault(list, "the file has no cases under this key");
    }
    for (index, row) in rows.iter().enumerate() {
        let name = format!("{list}[{index}]");
        if let Err(error) = compare(&name, row, group) {
            group.fault(name, error.to_string());
        }
    }
}
