//! `plimsoll feeds` as its users meet it: the built binary, recordings in, text and exit codes out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

mod command_line;
mod findings;
#[path = "../report/json_paths.rs"]
mod json_paths;
mod schema;
// The report tests use what is not used here.
#[allow(dead_code)]
#[path = "../report/support.rs"]
mod support;

use serde_json::Value;
use support::{Ran, Scratch};

impl Scratch {
    /// `plimsoll feeds` with these arguments, separated by blanks.
    pub(crate) fn feeds(&self, args: &str) -> Ran {
        let all: Vec<&str> = std::iter::once("feeds").chain(args.split_whitespace()).collect();
        self.run(&all)
    }

    /// The feeds of a run that must succeed, by name.
    #[track_caller]
    pub(crate) fn feed(&self, args: &str, name: &str) -> Value {
        let ran = self.feeds(&format!("{args} --format json"));
        assert_eq!(ran.code, 0, "{}", ran.err);
        let json = ran.json();
        let feeds = json["feeds"].as_array().unwrap().clone();
        feeds.into_iter().find(|feed| feed["feed"] == name).unwrap_or_else(|| panic!("no feed {name}"))
    }
}

/// Hourly candles around 100, up and down by one.
pub(crate) fn candles(hours: u64) -> Vec<String> {
    let candle = |hour: u64| {
        let close = if hour.is_multiple_of(2) { 100 } else { 101 };
        format!("{},100,102,99,{close},7", 1_577_836_800 + hour * 3600)
    };
    (0..hours).map(candle).collect()
}

/// A series file of these rows.
pub(crate) fn series(rows: &[String]) -> String {
    format!("ts,open,high,low,close,volume\n{}\n", rows.join("\n"))
}

/// One snapshot of three BTC options, an unknown symbol and a perpetual, as a chain.
pub(crate) fn chain(hours: u64) -> String {
    let mut text =
        "timestamp,instrument_name,bid_price,ask_price,mark_price,mark_iv,underlying_price,index_price\n"
            .to_owned();
    for hour in 0..hours {
        let time = format!("2026-02-05T{hour:02}:00:00Z");
        let spot = 60_000 + 100 * hour;
        for (strike, vol) in
            [("50000", "0.5"), ("60000", &format!("0.{}", 40 + hour)), ("70000", &format!("0.{}", 30 + hour))]
        {
            text += &format!("{time},BTC-27MAR26-{strike}-C,0.1,0.11,0.105,{vol},{spot},{spot}\n");
        }
        text += &format!("{time},NO-SUCH-THING,,,1,,{spot},{spot}\n");
        text += &format!("{time},BTC-PERPETUAL,{spot},{},{spot},,,{spot}\n", spot + 1);
    }
    text
}
