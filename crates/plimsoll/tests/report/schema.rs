//! The JSON schema is a promise: every key path with its type, against the list that is kept beside this file.
//!
//! A change of schema shows up as a change of `report_json_schema.txt`: run once with `PLIMSOLL_BLESS=1` to rewrite it, and
//! describe the change in docs/formats.md.

use crate::support::{Scratch, sample_book};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Objects whose keys are data.
const MAPS: [&str; 4] =
    ["market.spot_usd", "market.usd_rates", "coverage.quotes_not_used", "stress[].by_underlying_usd"];

fn walk(path: &str, value: &Value, found: &mut BTreeMap<String, BTreeSet<&'static str>>) {
    let word = match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(number) if number.is_u64() => "count",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(items) => {
            items.iter().for_each(|item| walk(&format!("{path}[]"), item, found));
            "list"
        }
        Value::Object(object) => {
            for (key, item) in object {
                let key = if MAPS.contains(&path) { "*" } else { key };
                let dot = if path.is_empty() { "" } else { "." };
                walk(&format!("{path}{dot}{key}"), item, found);
            }
            "object"
        }
    };
    found.entry(path.to_owned()).or_default().insert(word);
}

/// Key paths and types of reports that between them have everything: the sample, and a partial one with a lost venue.
fn paths() -> String {
    let scratch = Scratch::sample();
    let mut found = BTreeMap::new();
    walk(
        "",
        &scratch.report("book.csv --market market.json --format json --group-by underlying,expiry").json(),
        &mut found,
    );
    let faults = "d,deribit,,,,,BTC,NaN\nd,wallet,ethereum,,,,EURC,1\nd,deribit,,BTC-27DEC24,1,,,\nd,deribit,,BTC-25DEC26,10,,,\n";
    scratch.write("book.csv", format!("{}{faults}", sample_book()));
    // A quote that is sound but not used: an option that had expired.
    let market = crate::support::sample_market();
    let option = market.lines().find(|line| line.contains("BTC-27NOV26-92000-C")).unwrap();
    let expired = option.replacen("BTC-27NOV26-92000-C", "BTC-27DEC24-92000-C", 1);
    scratch.write("market.json", market.replacen(option, &format!("{}\n{option}", expired), 1));
    let ran = scratch.report("book.csv --market market.json --format json --allow-partial --group-by venue");
    assert_eq!(ran.code, 4, "{}", ran.err);
    walk("", &ran.json(), &mut found);
    let lines = found.iter().filter(|(path, _)| !path.is_empty()).map(|(path, types)| {
        // JSON has one kind of number: a float that happens to be whole is no other type.
        let mut types: Vec<&str> = types.iter().copied().collect();
        if types.contains(&"number") {
            types.retain(|word| *word != "count");
        }
        format!("{path}: {}\n", types.join(" or "))
    });
    lines.collect()
}

#[test]
fn key_paths_and_types_are_those_on_record() {
    let record = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/report/report_json_schema.txt");
    let now = paths();
    if std::env::var_os("PLIMSOLL_BLESS").is_some() {
        std::fs::write(&record, &now).unwrap();
    }
    let recorded = std::fs::read_to_string(&record).unwrap_or_default();
    let (new, old): (BTreeSet<&str>, BTreeSet<&str>) = (now.lines().collect(), recorded.lines().collect());
    let added: Vec<_> = new.difference(&old).collect();
    let gone: Vec<_> = old.difference(&new).collect();
    assert!(added.is_empty() && gone.is_empty(), "the JSON schema changed; new: {added:#?}, gone: {gone:#?}");
}

#[test]
fn every_key_on_record_is_documented() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let recorded = std::fs::read_to_string(root.join("tests/report/report_json_schema.txt")).unwrap();
    let docs = std::fs::read_to_string(root.join("../../docs/formats.md")).unwrap();
    let section = docs.split("Report as JSON").nth(1).expect("docs/formats.md has the section");
    for line in recorded.lines() {
        let path = line.split(':').next().unwrap();
        let key = path.trim_end_matches("[]").rsplit('.').next().unwrap();
        assert!(
            key == "*" || section.contains(&format!("`{key}`")),
            "docs/formats.md does not say what {path} is"
        );
    }
}
