//! `plimsoll hedge` as its users meet it: the built binary, books, markets and policies in, text and exit codes out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

mod bad_input;
mod flatten;
mod greeks;
#[path = "../report/json_paths.rs"]
mod json_paths;
mod plan;
mod schema;
// The report tests use what is not used here.
#[allow(dead_code)]
#[path = "../report/support.rs"]
mod support;

use serde_json::Value;
use support::{Ran, Scratch};

const SAMPLE_POLICY: &str = include_str!("../../../../policies/sample.toml");
const COSTS: &str = include_str!("../../../../costs/execution.toml");

/// Book, market and policy of the sample, as files.
pub(crate) const FILES: &str = "book.csv --market market.json --policy policy.toml";

impl Scratch {
    /// The sample with its policy and costs as files.
    pub(crate) fn desk() -> Self {
        let scratch = Self::sample();
        scratch.write("policy.toml", SAMPLE_POLICY);
        scratch.write("costs.toml", COSTS);
        scratch
    }

    /// `plimsoll hedge` with these arguments, separated by blanks.
    pub(crate) fn hedge(&self, args: &str) -> Ran {
        let all: Vec<&str> = std::iter::once("hedge").chain(args.split_whitespace()).collect();
        self.run(&all)
    }

    /// The JSON of a plan that must succeed.
    #[track_caller]
    pub(crate) fn planned(&self, args: &str) -> Value {
        let ran = self.hedge(&format!("{args} --format json"));
        assert_eq!(ran.code, 0, "{}", ran.err);
        ran.json()
    }
}

/// The rows of a table of which a column says this.
pub(crate) fn rows<'a>(planned: &'a Value, table: &str, (column, says): (&str, &str)) -> Vec<&'a Value> {
    planned[table].as_array().unwrap().iter().filter(|row| row[column] == says).collect()
}

/// A measure as a number; it is printed as exact text.
#[track_caller]
pub(crate) fn usd(value: &Value) -> f64 {
    value.as_str().unwrap_or_else(|| panic!("not a measure: {value}")).parse().unwrap()
}
