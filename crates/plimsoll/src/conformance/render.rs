//! Results as a text table and as JSON.
//!
//! The worst error of a group is the one nearest to its own tolerance, or farthest beyond it; where tolerances differ from case
//! to case the largest error may be another one, and has its own column.

use super::result::{GroupResult, Role, SuiteResult};
use serde::Serialize;
use std::fmt::Write;

/// The name and version of the JSON layout, described in `docs/conformance.md`.
const SCHEMA: &str = "plimsoll.conformance/1";

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    passed: bool,
    suites: &'a [SuiteResult],
}

/// The results as one JSON object; an error that is not a number is `null`.
pub(crate) fn json(results: &[SuiteResult]) -> String {
    let document = Document { schema: SCHEMA, passed: super::passed(results), suites: results };
    // Plain structs with text keys always serialise; the braces keep the function total.
    serde_json::to_string_pretty(&document).unwrap_or_else(|error| format!("{{\"error\": \"{error}\"}}"))
}

/// The results as text: a line per group, then failures, rows not compared and notes.
pub(crate) fn table(results: &[SuiteResult]) -> String {
    let mut text = String::new();
    for suite in results {
        suite_text(&mut text, suite);
    }
    text
}

/// Writing to a `String` cannot fail.
macro_rules! line {
    ($text:expr, $($format:tt)*) => {{
        let _ = writeln!($text, $($format)*);
    }};
}

fn suite_text(text: &mut String, suite: &SuiteResult) {
    let verdict = match (suite.passed(), suite.cases()) {
        (true, _) => "passed",
        (false, 0) => "RAN NOTHING",
        (false, _) => "FAILED",
    };
    line!(text, "suite {}: {}", suite.suite, suite.summary);
    line!(text, "{verdict}: {} cases checked, {} failed", suite.cases(), suite.failed());
    line!(text, "");
    let rows: Vec<[String; COLUMNS]> =
        std::iter::once(HEAD.map(str::to_owned)).chain(suite.groups.iter().map(group_cells)).collect();
    aligned(text, &rows);
    for group in &suite.groups {
        group_text(text, group);
    }
    line!(text, "");
}

const COLUMNS: usize = 9;
/// The last column, which is text.
const UNIT: usize = COLUMNS - 1;
const HEAD: [&str; COLUMNS] =
    ["group", "cases", "failed", "worst error", "its tolerance", "median", "p99", "max", "unit"];

fn group_cells(group: &GroupResult) -> [String; COLUMNS] {
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.1e}"));
    let tolerance = match (group.role, &group.worst) {
        (Role::Informative, _) => "informative".to_owned(),
        (Role::Checked, worst) => number(worst.as_ref().and_then(|worst| worst.tolerance)),
    };
    [
        group.name.clone(),
        group.cases.to_string(),
        group.failed.to_string(),
        number(group.worst.as_ref().map(|worst| worst.error)),
        tolerance,
        number(group.errors.map(|errors| errors.median)),
        number(group.errors.map(|errors| errors.p99)),
        number(group.errors.map(|errors| errors.max)),
        group.unit.to_owned(),
    ]
}

/// First and last column to the left, figures to the right.
fn aligned(text: &mut String, rows: &[[String; COLUMNS]]) {
    let mut widths = [0; COLUMNS];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    for row in rows {
        let mut printed = String::new();
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            let _ = match column {
                0 => write!(printed, "  {cell:<width$}"),
                UNIT => write!(printed, "  {cell}"),
                _ => write!(printed, "  {cell:>width$}"),
            };
        }
        line!(text, "{}", printed.trim_end());
    }
}

fn group_text(text: &mut String, group: &GroupResult) {
    let quiet = group.failed == 0
        && group.not_run.is_none()
        && group.not_compared.is_empty()
        && group.notes.is_empty();
    if quiet {
        return;
    }
    line!(text, "");
    line!(text, "  {}", group.name);
    if let Some(reason) = &group.not_run {
        line!(text, "    did not run: {reason}");
    }
    for note in &group.notes {
        line!(text, "    {note}");
    }
    for (reason, rows) in &group.not_compared {
        line!(text, "    not compared: {rows} rows: {reason}");
    }
    if group.failed > 0 {
        line!(text, "    tolerance: {}", group.tolerance_reason);
    }
    for failure in &group.failures {
        let place = match (failure.error, failure.tolerance) {
            (Some(error), Some(tolerance)) => format!(" (error {error:.2e}, tolerance {tolerance:.2e})"),
            _ => String::new(),
        };
        line!(text, "    FAILED {}: {}{place}", failure.name, failure.detail);
    }
    let elided = group.failed - group.failures.len() as u64;
    if elided > 0 {
        line!(text, "    and {elided} more");
    }
}
