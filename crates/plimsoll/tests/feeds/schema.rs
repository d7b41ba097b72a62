//! The JSON schema is a promise: every key path with its type, against the list that is kept beside this file.
//!
//! Run once with `PLIMSOLL_BLESS=1` to rewrite it, and describe the change in docs/formats.md.

use crate::json_paths::{assert_documented, assert_on_record, paths};
use crate::support::Scratch;
use crate::{candles, chain, series};
use serde_json::Value;

const RECORD: &str = "tests/feeds/feeds_json_schema.txt";

/// Results that between them have everything.
fn results() -> [Value; 2] {
    let scratch = Scratch::empty();
    scratch.write("chain.csv", chain(12));
    let mut rows = candles(60);
    rows[30] = rows[30].replace(",100,7", ",1000,7");
    rows[40] = "1577836800,1,1,1,1,1".into();
    rows[41] = "1577836800,1,1,1,,1".into();
    rows.push("soon,1,1,1,1,1".into());
    scratch.write("candles.csv", series(&rows));
    let whole = scratch.feeds("chain.csv --format json").json();
    [whole, scratch.feeds("chain.csv candles.csv --allow-partial --format json").json()]
}

#[test]
fn key_paths_and_types_are_those_on_record_and_documented() {
    assert_on_record(RECORD, &paths(&results(), &[]));
    assert_documented(RECORD, "## 11. Feeds as JSON");
}
