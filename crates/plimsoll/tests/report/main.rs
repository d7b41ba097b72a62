//! `plimsoll report` as its users meet it: the built binary, files in, text and exit codes out.
//!
//! Each test starts from the sample book and market of `examples/` and changes one thing. `support` has the scratch
//! folders, the runner and the exact arithmetic on what was printed; the other modules are one promise each.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

mod bad_book;
mod bad_market;
mod command_line;
mod formats;
mod invariance;
mod json_paths;
mod recorded;
mod schema;
mod streaming;
mod sums;
mod support;
