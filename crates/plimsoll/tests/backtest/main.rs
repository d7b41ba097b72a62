//! `plimsoll backtest` as its users meet it: the built binary, a SPEC and recordings in, figures and exit codes out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

mod generated;
#[path = "../report/json_paths.rs"]
mod json_paths;
mod played;
mod recorded;
mod sold;
// The report tests use what is not used here.
#[allow(dead_code)]
#[path = "../report/support.rs"]
mod support;

use std::fmt::Write;
use support::{Ran, Scratch};

impl Scratch {
    /// `plimsoll backtest` with these arguments, separated by blanks.
    pub(crate) fn backtest(&self, args: &str) -> Ran {
        let all: Vec<&str> = std::iter::once("backtest").chain(args.split_whitespace()).collect();
        self.run(&all)
    }
}

/// A SPEC with these lines before its strategies `delta` and `net`.
pub(crate) fn spec(lines: &str) -> String {
    format!(
        "kind = 'intervals'\nsource = 'a test'\nchains = 'chains'\nbaseline = 'net'\n{lines}\n\
         [bootstrap]\ndraws = 50\nblock_snapshots = 5\n\
         [[strategy]]\nname = 'delta'\ndelta = 'black'\n[[strategy]]\nname = 'net'\ndelta = 'net'\n"
    )
}

/// A chain of one call at 80,000 at hours 0, 6, ... with these marks and forwards.
pub(crate) fn chain(rows: &[(f64, f64)]) -> String {
    let mut text = "timestamp,instrument_name,bid_price,ask_price,mark_price,mark_iv,underlying_price,index_price,open_interest,vega\n"
        .to_owned();
    for ((mark, forward), step) in rows.iter().zip(0..) {
        let (bid, ask) = (mark - 0.001, mark + 0.001);
        writeln!(
            text,
            "{},BTC-27MAR26-80000-C,{bid:.4},{ask:.4},{mark},0.5,{forward},{forward},10,50",
            at(step)
        )
        .unwrap();
    }
    text
}

/// Prices of the perpetual at the same instants.
pub(crate) fn perpetual(prices: &[f64]) -> String {
    let mut text = "timestamp,currency,instrument_name,perpetual_price\n".to_owned();
    for (price, step) in prices.iter().zip(0..) {
        writeln!(text, "{},BTC,BTC-PERPETUAL,{price}", at(step)).unwrap();
    }
    text
}

/// The instant of a step of six hours.
pub(crate) fn at(step: u32) -> String {
    format!("2026-02-{:02}T{:02}:00:00Z", 5 + step / 4, 6 * (step % 4))
}

/// A scratch folder with `chains/` of five snapshots and `spec.toml`.
pub(crate) fn scratch(lines: &str) -> Scratch {
    let scratch = Scratch::empty();
    std::fs::create_dir_all(scratch.path("chains")).unwrap();
    scratch.write("spec.toml", spec(lines));
    let rows = [(0.10, 84_000.0), (0.12, 85_000.0), (0.11, 84_500.0), (0.09, 83_000.0), (0.10, 84_000.0)];
    scratch.write("chains/chain.csv", chain(&rows));
    scratch.write("chains/perpetual.csv", perpetual(&[84_000.0, 85_000.0, 84_500.0, 83_000.0, 84_000.0]));
    scratch
}
