//! Key paths of JSON with their types, against a list on record; for the tests of every schema.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Key paths and types of values that between them have everything, one a line; `maps` are objects whose keys are data.
pub(crate) fn paths(values: &[Value], maps: &[&str]) -> String {
    let mut found = BTreeMap::new();
    for value in values {
        walk(("", value), maps, &mut found);
    }
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

fn walk((path, value): (&str, &Value), maps: &[&str], found: &mut BTreeMap<String, BTreeSet<&'static str>>) {
    let word = match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(number) if number.is_u64() => "count",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(items) => {
            items.iter().for_each(|item| walk((&format!("{path}[]"), item), maps, found));
            "list"
        }
        Value::Object(object) => {
            for (key, item) in object {
                let key = if maps.contains(&path) { "*" } else { key };
                let dot = if path.is_empty() { "" } else { "." };
                walk((&format!("{path}{dot}{key}"), item), maps, found);
            }
            "object"
        }
    };
    found.entry(path.to_owned()).or_default().insert(word);
}

/// The list at this place below the crate is what `now` says; `PLIMSOLL_BLESS=1` rewrites it.
#[track_caller]
pub(crate) fn assert_on_record(record: &str, now: &str) {
    let record = Path::new(env!("CARGO_MANIFEST_DIR")).join(record);
    if std::env::var_os("PLIMSOLL_BLESS").is_some() {
        std::fs::write(&record, now).unwrap();
    }
    let recorded = std::fs::read_to_string(&record).unwrap_or_default();
    let (new, old): (BTreeSet<&str>, BTreeSet<&str>) = (now.lines().collect(), recorded.lines().collect());
    let added: Vec<_> = new.difference(&old).collect();
    let gone: Vec<_> = old.difference(&new).collect();
    assert!(added.is_empty() && gone.is_empty(), "the JSON schema changed; new: {added:#?}, gone: {gone:#?}");
}

/// Every key of the list is named in docs/formats.md from the heading on.
#[track_caller]
pub(crate) fn assert_documented(record: &str, heading: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let recorded = std::fs::read_to_string(root.join(record)).unwrap();
    let docs = std::fs::read_to_string(root.join("../../docs/formats.md")).unwrap();
    let section = docs.split(heading).nth(1).expect("docs/formats.md has the section");
    for line in recorded.lines() {
        let path = line.split(':').next().unwrap();
        let key = path.trim_end_matches("[]").rsplit('.').next().unwrap();
        assert!(
            key == "*" || section.contains(&format!("`{key}`")),
            "docs/formats.md does not say what {path} is"
        );
    }
}
