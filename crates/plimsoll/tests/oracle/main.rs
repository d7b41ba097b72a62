//! `plimsoll oracle` as its users meet it: the built binary, recordings in, text and exit codes out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

mod bad_input;
mod command_line;
#[path = "../report/json_paths.rs"]
mod json_paths;
mod played;
mod schema;
// The report tests use what is not used here.
#[allow(dead_code)]
#[path = "../report/support.rs"]
mod support;

use serde_json::Value;
use std::fmt::Write;
use support::{Ran, Scratch};

impl Scratch {
    /// `plimsoll oracle` with these arguments, separated by blanks.
    pub(crate) fn oracle(&self, args: &str) -> Ran {
        let all: Vec<&str> = std::iter::once("oracle").chain(args.split_whitespace()).collect();
        self.run(&all)
    }

    /// The JSON of a run that must succeed.
    #[track_caller]
    pub(crate) fn played(&self, args: &str) -> Value {
        let ran = self.oracle(&format!("{args} --format json"));
        assert_eq!(ran.code, 0, "{}", ran.err);
        ran.json()
    }
}

/// `2026-11-25T12:00:00Z` and so many seconds.
pub(crate) fn at(second: u64) -> String {
    format!("2026-11-25T{:02}:{:02}:{:02}Z", 12 + second / 3600, second / 60 % 60, second % 60)
}

/// A file of prices; `says` gives what a source says in a second, or nothing.
pub(crate) fn prices(seconds: u64, sources: &[&str], says: impl Fn(u64, &str) -> Option<String>) -> String {
    let mut text = "time,source,price\n".to_owned();
    for second in 0..seconds {
        for source in sources {
            if let Some(price) = says(second, source) {
                writeln!(text, "{},{source},{price}", at(second)).unwrap();
            }
        }
    }
    text
}

/// The round of a second.
#[track_caller]
pub(crate) fn round(played: &Value, second: u64) -> &Value {
    let rounds = played["rounds"].as_array().unwrap();
    rounds.iter().find(|round| round["time_utc"] == at(second)).expect("a round in this second")
}

/// State, time and reason of each transition.
pub(crate) fn transitions(played: &Value) -> Vec<(String, String, String)> {
    let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    let rows = played["transitions"].as_array().unwrap();
    rows.iter().map(|row| (text(row, "to"), text(row, "time_utc"), text(row, "reason"))).collect()
}
