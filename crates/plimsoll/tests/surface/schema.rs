//! The JSON schema is a promise: every key path with its type, against the list that is kept beside this file.
//!
//! A change of schema shows up as a change of `surface_json_schema.txt`: run once with `PLIMSOLL_BLESS=1` to rewrite it, and
//! describe the change in docs/formats.md.

use crate::json_paths::{assert_documented, assert_on_record, paths};
use crate::support::{SAMPLE_TIME, Scratch, chain_column, chain_csv, chain_rows};
use crate::{Index, calls_alone, with_rows};
use serde_json::Value;

const RECORD: &str = "tests/surface/surface_json_schema.txt";
/// Objects whose keys are data.
const MAPS: [&str; 2] = ["coverage.quotes_not_used", "surfaces[].expiries[].dropped"];

/// Results that between them have everything: the sample, one without a slice, a partial one with rows that are not
/// used, one with an interpolated forward, one without an index and one with a carried slice.
fn results() -> [Value; 6] {
    let whole = Scratch::empty().surfaces("");
    let refused = with_rows(|row| row["ask_price"] = Value::Null).surfaces("--market market.json");
    let scratch = Scratch::empty();
    let mut rows = chain_rows(SAMPLE_TIME);
    let name = chain_column("instrument_name");
    let option = rows
        .iter()
        .position(|row| row[name].starts_with("BTC-27NOV26-") && row[name].ends_with("-C"))
        .unwrap();
    let mut expired = rows[option].clone();
    expired[name] = expired[name].replacen("27NOV26", "27DEC24", 1);
    rows[option + 1][chain_column("mark_price")] = "NaN".into();
    rows.push(expired);
    scratch.write("chain.csv", chain_csv(&rows));
    let partial = scratch.surface("--market chain.csv --allow-partial --format json");
    assert_eq!(partial.code, 4, "{}", partial.err);
    let interpolated = calls_alone(Index::Printed).surfaces("--market chain.csv");
    let without_index = calls_alone(Index::Absent).surfaces("--market chain.csv");
    let carried = crate::bad_market::thinned().surfaces("--market chain.csv --earlier 2026-11-20T12:30:00Z");
    [whole, refused, partial.json(), interpolated, without_index, carried]
}

#[test]
fn key_paths_and_types_are_those_on_record() {
    assert_on_record(RECORD, &paths(&results(), &MAPS));
}

#[test]
fn every_key_on_record_is_documented() {
    assert_documented(RECORD, "## 13. Vol surfaces as JSON");
}
