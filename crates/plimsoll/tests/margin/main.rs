//! `plimsoll margin` and `plimsoll rulebook` as their users meet them: the built binary, files in, text and exit codes out.
//!
//! Each test starts from the sample book and market of `examples/`, or from an embedded rulebook as `rulebook show` prints it,
//! and changes one thing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

mod accounts;
mod bad_rules;
mod cheapest;
mod command_line;
mod faults;
mod formats;
#[path = "../report/json_paths.rs"]
mod json_paths;
mod liquidation;
mod partial;
mod schema;
// The report tests use what is not used here.
#[allow(dead_code)]
#[path = "../report/support.rs"]
mod support;
mod whatif;
mod width;

use support::{Ran, Scratch};

impl Scratch {
    /// `plimsoll margin` with these arguments, separated by blanks.
    pub(crate) fn margin(&self, args: &str) -> Ran {
        let all: Vec<&str> = std::iter::once("margin").chain(args.split_whitespace()).collect();
        self.run(&all)
    }
}

/// The sample: each of its accounts has a rulebook or needs none.
pub(crate) const WHOLE: &str = "book.csv --market market.json";

/// The file of an embedded rulebook.
pub(crate) fn shown(scratch: &Scratch, id: &str) -> String {
    scratch.run(&["rulebook", "show", id]).succeeds()
}

/// A rulebook in which one piece of text stands for another; the piece must be there.
#[track_caller]
pub(crate) fn changed(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "no '{from}' in the file");
    text.replacen(from, to, 1)
}

/// Rules that leave venue deribit without any.
pub(crate) fn deribit_unclaimed(scratch: &Scratch) -> String {
    changed(&shown(scratch, "deribit-pm"), "venues = [\"deribit\"]", "venues = []")
}
