//! `plimsoll run`, `replay` and `verify` as their users meet them: the built binary, killed and restarted, journals spoilt on purpose.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

mod commands;
mod demo;
#[path = "../report/json_paths.rs"]
mod json_paths;
mod killed;
mod page_of_run;
mod policy;
mod schema;
// The report tests use what is not used here.
#[allow(dead_code)]
#[path = "../report/support.rs"]
mod support;
mod walking;

use support::{Ran, Scratch, sample_book};
use walking::walking_chain;

pub(crate) const POLICY: &str = r#"
source = "test"
valid_from = "2026-11-01"
stale_after_seconds = 600
[[limit]]
name = "delta"
measure = "delta_cash_usd"
group_by = ["underlying"]
warn = "100000"
hard = "1000000"
"#;

pub(crate) const CONFIG: &str = r#"
journal = "journal"
policy = "policy.toml"
book = ["book.csv"]
market = ["chain.csv"]
fills = "fills.csv"
snapshot_every = 20
[rates]
USDC = 1.0
USDT = 1.0
"#;

const FILLS: &str = "\
time,account,venue,chain,kind,id,instrument,quantity,price,fee,asset,amount
2026-11-20T12:00:30Z,vol-desk,deribit,,fill,T1,BTC-PERPETUAL,-50000,93000,0.0002,BTC,
2026-11-20T12:00:30Z,vol-desk,deribit,,fill,T1,BTC-PERPETUAL,-50000,93000,0.0002,BTC,
2026-11-20T12:02:30Z,vol-desk,deribit,,funding,,BTC-PERPETUAL,,,,BTC,-0.0001
";

/// A desk: the sample's book, so many minutes of its market with spot walking up and down, limits and some fills.
pub(crate) fn desk(minutes: usize) -> Scratch {
    let scratch = Scratch::empty();
    scratch.write("chain.csv", walking_chain(minutes));
    scratch.write("book.csv", sample_book());
    scratch.write("policy.toml", POLICY);
    scratch.write("fills.csv", FILLS);
    scratch.write("run.toml", CONFIG);
    scratch
}

pub(crate) fn go(scratch: &Scratch, args: &str) -> Ran {
    let args: Vec<&str> = args.split_whitespace().collect();
    scratch.run(&args)
}
