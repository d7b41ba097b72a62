//! The JSON schema is a promise: every key path with its type, against the list that is kept beside this file.
//!
//! A change of schema shows up as a change of `margin_json_schema.txt`: run once with `PLIMSOLL_BLESS=1` to rewrite it, and
//! describe the change in docs/formats.md.

use crate::json_paths::{assert_documented, assert_on_record, paths};
use crate::support::{Scratch, sample_book};
use crate::{WHOLE, deribit_unclaimed};
use serde_json::Value;

const RECORD: &str = "tests/margin/margin_json_schema.txt";
/// Objects whose keys are data.
const MAPS: [&str; 2] = ["market.spot_usd", "market.usd_rates"];

/// Results that between them have everything: the sample, and a partial one with an account without rules.
fn results() -> [Value; 2] {
    let scratch = Scratch::sample();
    let whole = scratch.margin(&format!("{WHOLE} --format json")).json();
    scratch.write("unclaimed.toml", deribit_unclaimed(&scratch));
    let faults =
        "d,deribit,,,,,BTC,NaN\nd,okx,,,,,USDT,0\nd,wallet,ethereum,,,,EURC,1\nd,hyperliquid,,ETH,1,3000,,\n";
    scratch.write("book.csv", format!("{}{faults}", sample_book()));
    let ran = scratch.margin(&format!("{WHOLE} --rules unclaimed.toml --format json --allow-partial"));
    assert_eq!(ran.code, 4, "{}", ran.err);
    [whole, ran.json()]
}

#[test]
fn key_paths_and_types_are_those_on_record() {
    assert_on_record(RECORD, &paths(&results(), &MAPS));
}

#[test]
fn every_key_on_record_is_documented() {
    assert_documented(RECORD, "## 7. Margin as JSON");
}
