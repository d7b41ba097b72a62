//! The JSON schema is a promise: every key path with its type, against the list that is kept beside this file.
//!
//! A change of schema shows up as a change of `report_json_schema.txt`: run once with `PLIMSOLL_BLESS=1` to rewrite it, and
//! describe the change in docs/formats.md.

use crate::json_paths::{assert_documented, assert_on_record, paths};
use crate::support::{Scratch, sample_book};
use serde_json::Value;

const RECORD: &str = "tests/report/report_json_schema.txt";

/// Objects whose keys are data.
const MAPS: [&str; 6] = [
    "market.spot_usd",
    "market.usd_rates",
    "market.skew_stickiness",
    "coverage.quotes_not_used",
    "stress[].by_underlying_usd",
    "stress[].by_venue_usd",
];

/// Reports that between them have everything: the sample, and a partial one with a lost venue.
fn reports() -> [Value; 2] {
    let scratch = Scratch::sample();
    let whole =
        scratch.report("book.csv --market market.json --format json --group-by underlying,expiry").json();
    let faults = "d,deribit,,,,,BTC,NaN\nd,wallet,ethereum,,,,EURC,1\nd,deribit,,BTC-27DEC24,1,,,\nd,deribit,,BTC-25DEC26,10,,,\n";
    scratch.write("book.csv", format!("{}{faults}", sample_book()));
    // A quote that is sound but not used: an option that had expired.
    let market = crate::support::sample_market();
    let option = market.lines().find(|line| line.contains("BTC-27NOV26-92000-C")).unwrap();
    let expired = option.replacen("BTC-27NOV26-92000-C", "BTC-27DEC24-92000-C", 1);
    scratch.write("market.json", market.replacen(option, &format!("{}\n{option}", expired), 1));
    let ran = scratch.report("book.csv --market market.json --format json --allow-partial --group-by venue");
    assert_eq!(ran.code, 4, "{}", ran.err);
    [whole, ran.json()]
}

#[test]
fn key_paths_and_types_are_those_on_record() {
    assert_on_record(RECORD, &paths(&reports(), &MAPS));
}

#[test]
fn every_key_on_record_is_documented() {
    assert_documented(RECORD, "Report as JSON");
}
