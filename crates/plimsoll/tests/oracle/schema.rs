//! The JSON schema is a promise: every key path with its type, against the list that is kept beside this file.
//!
//! Run once with `PLIMSOLL_BLESS=1` to rewrite it, and describe the change in docs/formats.md.

use crate::json_paths::{assert_documented, assert_on_record, paths};
use crate::prices;
use crate::support::Scratch;
use serde_json::Value;

const RECORD: &str = "tests/oracle/oracle_json_schema.txt";

/// Results that between them have everything.
fn results() -> [Value; 3] {
    let scratch = Scratch::empty();
    let says = |second, source: &str| {
        Some(if second == 10 && source == "c" { "1000000" } else { "100000" }.to_owned())
    };
    scratch.write("p.csv", prices(20, &["a", "b", "c"], says));
    scratch.write("bad.csv", "time,source,price\n2026-11-25T12:00:00Z,a,100\nsoon,b,100\n");
    let partial = scratch.oracle("bad.csv --class major --each-row --allow-partial --format json");
    assert_eq!(partial.code, 4, "{}", partial.err);
    [scratch.played("p.csv --class major"), scratch.played("p.csv --class major --every 60"), partial.json()]
}

#[test]
fn key_paths_and_types_are_those_on_record_and_documented() {
    assert_on_record(RECORD, &paths(&results(), &[]));
    assert_documented(RECORD, "### Prices of sources");
}
