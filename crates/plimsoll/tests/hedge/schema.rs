//! The JSON schema is a promise: every key path with its type, against the list that is kept beside this file.
//!
//! Run once with `PLIMSOLL_BLESS=1` to rewrite it, and describe the change in docs/formats.md.

use crate::FILES;
use crate::json_paths::{assert_documented, assert_on_record, paths};
use crate::support::Scratch;
use serde_json::Value;

const RECORD: &str = "tests/hedge/hedge_json_schema.txt";

/// Results that between them have everything.
fn results() -> [Value; 5] {
    let scratch = Scratch::desk();
    let bad = format!("{}nobody,deribit,,NONSENSE,1,,,\n", scratch.text("book.csv"));
    scratch.write("bad.csv", bad);
    let refused =
        scratch.hedge("bad.csv --market market.json --policy policy.toml --allow-partial --format json");
    assert_eq!(refused.code, 4, "{}", refused.err);
    scratch.write("wide.toml", scratch.text("policy.toml").replace("= 100000.0,", "= 2000000.0,"));
    [
        scratch.planned(FILES),
        scratch.planned("book.csv --market market.json --policy wide.toml --choose"),
        scratch.planned(&format!("{FILES} --flatten")),
        scratch.planned(&format!("{FILES} --greeks")),
        refused.json(),
    ]
}

#[test]
fn key_paths_and_types_are_those_on_record_and_documented() {
    assert_on_record(RECORD, &paths(&results(), &[]));
    assert_documented(RECORD, "## 19. Hedge plans as JSON");
}
