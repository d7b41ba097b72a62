//! The JSON schemas are a promise: every key path with its type, against the lists kept beside this file.
//!
//! A change shows up as a change of a list: run once with `PLIMSOLL_BLESS=1` to rewrite it, and describe it in docs/formats.md.

use crate::json_paths::{assert_documented, assert_on_record, paths};
use crate::smile::four_minutes;
use crate::support::{Scratch, chain_csv, chain_rows, sample_book};
use crate::{answer, histories, run};
use serde_json::Value;

const VAR: &str = "tests/measures/var_json_schema.txt";
const STRESS: &str = "tests/measures/stress_json_schema.txt";
const EXPLAIN: &str = "tests/measures/explain_json_schema.txt";
const SMILE: &str = "tests/measures/smile_json_schema.txt";

fn partial(scratch: &Scratch, args: &str) -> Value {
    let ran = run(scratch, &format!("{args} --allow-partial --format json"));
    assert_eq!(ran.code, 4, "{}", ran.err);
    ran.json()
}

fn vars() -> [Value; 2] {
    let scratch = Scratch::sample();
    let given = histories(&scratch, 300);
    let whole = answer(&scratch, &format!("var {given} --backtest 200 --draws 500"));
    scratch.write("book.csv", format!("{}d,deribit,,,,,BTC,NaN\nd,wallet,,,,,STETH,1\n", sample_book()));
    [whole, partial(&scratch, "var book.csv --market market.json --draws 500")]
}

fn stresses() -> [Value; 3] {
    let scratch = Scratch::sample();
    let given = histories(&scratch, 300);
    let whole = answer(&scratch, &format!("stress --reverse 100000 {given}"));
    let account = answer(&scratch, "stress --account basis");
    scratch.write("book.csv", format!("{}d,deribit,,,,,BTC,NaN\nd,wallet,,,,,STETH,1\n", sample_book()));
    [whole, account, partial(&scratch, "stress book.csv --market market.json --reverse 100000")]
}

fn explains() -> [Value; 3] {
    let scratch = Scratch::sample();
    let mut rows = chain_rows("2026-11-20T12:00:00Z");
    rows.extend(chain_rows("2026-11-21T12:00:00Z"));
    scratch.write("chain.csv", chain_csv(&rows));
    let given = "explain book.csv --market chain.csv --from 2026-11-20T12:00:00Z --to 2026-11-21T12:00:00Z --rate USDC=1 --rate USDT=1";
    let once = answer(&scratch, &format!("{given} --book-after book.csv"));
    let each = answer(&scratch, &format!("{given} --each"));
    scratch.write("book.csv", format!("{}d,deribit,,,,,BTC,NaN\nd,wallet,,,,,STETH,1\n", sample_book()));
    [once, each, partial(&scratch, given)]
}

fn smiles() -> [Value; 1] {
    [answer(&four_minutes(|spot| spot), "smile chain.csv --tenor 30")]
}

/// Columns that stand for factors are named after them.
fn steady(mut value: Value) -> Value {
    if let Some(rows) = value["factors"].as_array_mut() {
        for row in rows.iter_mut().filter_map(Value::as_object_mut) {
            row.retain(|key, _| !key.starts_with("correlation "));
        }
    }
    value
}

#[test]
fn key_paths_and_types_are_those_on_record() {
    assert_on_record(VAR, &paths(&vars().map(steady), &[]));
    assert_on_record(STRESS, &paths(&stresses(), &[]));
    assert_on_record(SMILE, &paths(&smiles(), &[]));
    assert_on_record(EXPLAIN, &paths(&explains(), &[]));
}

#[test]
fn every_key_on_record_is_documented() {
    for record in [VAR, STRESS, EXPLAIN, SMILE] {
        assert_documented(record, "Measures as JSON");
    }
}
