//! `plimsoll surface` as its users meet it: the built binary, files in, text and exit codes out.
//!
//! Each test starts from the sample market of `examples/` and changes one thing, or takes a recorded chain.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

mod bad_market;
mod formats;
mod forwards;
#[path = "../report/json_paths.rs"]
mod json_paths;
mod recorded;
mod schema;
// The report tests use what is not used here.
#[allow(dead_code)]
#[path = "../report/support.rs"]
mod support;

use serde_json::Value;
use support::{Ran, SAMPLE_TIME, Scratch, chain_column, chain_csv, chain_rows, sample_market};

impl Scratch {
    /// `plimsoll surface` with these arguments, separated by blanks.
    pub(crate) fn surface(&self, args: &str) -> Ran {
        let all: Vec<&str> = std::iter::once("surface").chain(args.split_whitespace()).collect();
        self.run(&all)
    }

    /// The JSON of a run that must succeed.
    #[track_caller]
    pub(crate) fn surfaces(&self, args: &str) -> Value {
        let ran = self.surface(&format!("{args} --format json"));
        assert_eq!(ran.code, 0, "{}", ran.err);
        ran.json()
    }
}

/// A folder with the sample market as `market.json`, each of its rows changed.
pub(crate) fn with_rows(change: impl Fn(&mut Value)) -> Scratch {
    kept_rows(|row| {
        change(row);
        true
    })
}

/// A folder with those rows of the sample market that are kept.
pub(crate) fn kept_rows(keep: impl FnMut(&mut Value) -> bool) -> Scratch {
    let mut market: Value = serde_json::from_str(&sample_market()).unwrap();
    let mut keep = keep;
    market["result"].as_array_mut().unwrap().retain_mut(&mut keep);
    let scratch = Scratch::empty();
    scratch.write("market.json", market.to_string());
    scratch
}

/// Name of a row.
pub(crate) fn name(row: &Value) -> &str {
    row["instrument_name"].as_str().unwrap()
}

/// A chain in which 27NOV26 has calls only and no printed forward, and nothing has a future; with or without an index.
pub(crate) fn calls_alone(index: Index) -> Scratch {
    let [symbol, forward, index_price] =
        ["instrument_name", "underlying_price", "index_price"].map(chain_column);
    let mut rows = chain_rows(SAMPLE_TIME);
    rows.retain(|row| row[symbol].ends_with("-C") || row[symbol].ends_with("-P"));
    rows.retain(|row| row[symbol].starts_with("BTC-"));
    rows.retain(|row| !(row[symbol].starts_with("BTC-27NOV26-") && row[symbol].ends_with("-P")));
    for row in &mut rows {
        if row[symbol].starts_with("BTC-27NOV26-") {
            row[forward].clear();
        }
        if index == Index::Absent {
            row[index_price].clear();
        }
    }
    let scratch = Scratch::empty();
    scratch.write("chain.csv", chain_csv(&rows));
    scratch
}

/// Whether rows print an index.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Index {
    Printed,
    Absent,
}

/// All expiries of all surfaces, with the name of their surface.
pub(crate) fn expiries(json: &Value) -> Vec<(String, &Value)> {
    let surfaces = json["surfaces"].as_array().unwrap().iter();
    surfaces
        .flat_map(|surface| {
            let name = format!(
                "{} in {}",
                surface["underlying"].as_str().unwrap(),
                surface["quote_currency"].as_str().unwrap()
            );
            surface["expiries"].as_array().unwrap().iter().map(move |expiry| (name.clone(), expiry))
        })
        .collect()
}

/// The expiry of a surface on a day.
#[track_caller]
pub(crate) fn expiry<'a>(json: &'a Value, surface: &str, day: &str) -> &'a Value {
    let found = expiries(json)
        .into_iter()
        .find(|(name, expiry)| name == surface && expiry["expiry"].as_str().unwrap().starts_with(day));
    found.unwrap_or_else(|| panic!("no {surface} on {day}")).1
}

pub(crate) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}
