//! `plimsoll var`, `stress`, `explain` and `covariance` as their users meet them: the built binary, files in, text and exit codes out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::float_cmp)] // helpers of tests fail as tests do; zero is exact

mod bad_input;
mod explain;
#[path = "../report/json_paths.rs"]
mod json_paths;
mod schema;
mod smile;
mod stress;
// The report tests use what is not used here.
#[allow(dead_code)]
#[path = "../report/support.rs"]
mod support;
mod var;

use serde_json::Value;
use support::{Ran, Scratch};

/// Runs a command line separated by blanks.
pub(crate) fn run(scratch: &Scratch, args: &str) -> Ran {
    let args: Vec<&str> = args.split_whitespace().collect();
    scratch.run(&args)
}

/// The JSON of a command that must succeed.
#[track_caller]
pub(crate) fn answer(scratch: &Scratch, args: &str) -> Value {
    let ran = run(scratch, &format!("{args} --format json"));
    assert_eq!(ran.code, 0, "{}", ran.err);
    ran.json()
}

/// A measure as a number; it is printed as exact text.
#[track_caller]
pub(crate) fn usd(value: &Value) -> f64 {
    value.as_str().unwrap_or_else(|| panic!("not a measure: {value}")).parse().unwrap()
}

/// A history of so many days: `level` of each day, at its first bar and hourly bars in between left out.
pub(crate) fn days(column: &str, count: usize, level: impl Fn(usize) -> f64) -> String {
    let rows: Vec<String> =
        (0..count).map(|day| format!("{},{}", 1_700_006_400 + day * 86_400, level(day))).collect();
    format!("ts,{column}\n{}\n", rows.join("\n"))
}

/// Two coins and a vol that move together with some noise of a fixed recipe: `btc.csv`, `eth.csv`, `dvol.csv`.
pub(crate) fn histories(scratch: &Scratch, count: usize) -> &'static str {
    let noise = |day: usize, k: usize| ((day * 7919 + k * 104_729) % 1009) as f64 / 1009.0 - 0.5;
    scratch.write("btc.csv", days("close", count, |d| 50_000.0 * (1.0 + 0.1 * noise(d, 1))));
    scratch.write(
        "eth.csv",
        days("close", count, |d| 3_000.0 * (1.0 + 0.08 * noise(d, 1) + 0.07 * noise(d, 2))),
    );
    scratch.write("dvol.csv", days("iv", count, |d| 0.5 - 0.05 * noise(d, 1) + 0.05 * noise(d, 3)));
    "--history BTC=btc.csv --history ETH=eth.csv --history BTC=dvol.csv --vol-proxy ETH=BTC"
}
