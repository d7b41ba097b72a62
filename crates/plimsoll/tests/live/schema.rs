//! The JSON schemas are a promise: every key path with its type, against the lists kept beside this file.
//!
//! A change shows up as a change of a list: run once with `PLIMSOLL_BLESS=1` to rewrite it, and describe it in docs/formats.md.

use crate::json_paths::{assert_documented, assert_on_record, paths};
use crate::{desk, go};

const RECORDS: [(&str, &[&str]); 5] = [
    ("tests/live/run_json_schema.txt", &["exposure"]),
    ("tests/live/replay_json_schema.txt", &[]),
    ("tests/live/verify_json_schema.txt", &[]),
    ("tests/live/demo_json_schema.txt", &[]),
    ("tests/live/top_json_schema.txt", &[]),
];

#[test]
fn key_paths_and_types_are_on_record_and_documented() {
    let scratch = desk(3);
    let book = format!("{}vol-desk,wallet,ethereum,,,,STETH,3\n", crate::sample_book());
    scratch.write("book.csv", book);
    let run = go(&scratch, "run run.toml --format json").json();
    let head = run["head"].as_str().unwrap();
    let replay = go(&scratch, "replay journal --against journal --format json").json();
    let verify = go(&scratch, &format!("verify journal --head {head} --format json")).json();
    // Armed, after the crash began: orders may be on their way, proposals wait under a policy without arming.
    let policy = include_str!("../../../../policies/demo.toml")
        .replace("execution = \"armed\"", "execution = \"propose\"");
    scratch.write("propose.toml", policy);
    let demo =
        go(&scratch, "demo --speed max --seconds 400 --journal demo --policy propose.toml --format json")
            .json();
    let top = go(&scratch, "top demo --format json").json();
    for ((record, maps), json) in RECORDS.into_iter().zip([run.clone(), replay, verify, demo, top]) {
        assert_on_record(record, &paths(&[json], maps));
        assert_documented(record, "## 16. Journal commands");
    }
}
