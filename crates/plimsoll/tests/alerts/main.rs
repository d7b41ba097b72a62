//! Alerts on their way out of the built binary: receivers that answer, fail, are away or slow, programs that hang, a run that is killed.
//! Nothing here leaves this machine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

mod command;
mod delivery;
mod hidden;
#[path = "../report/json_paths.rs"]
mod json_paths;
mod killed;
mod receiver;
// The report tests use what is not used here.
#[allow(dead_code)]
#[path = "../report/support.rs"]
mod support;
mod trial;
#[path = "../live/walking.rs"]
mod walking;

use serde_json::Value;
use std::net::SocketAddr;
use std::process::Child;
use std::time::Duration;
use support::{Ran, Scratch, sample_book};
use walking::walking_chain;

/// It fires and is over every seven minutes of the desk's market.
const POLICY: &str = r#"
source = "test"
valid_from = "2026-11-01"
stale_after_seconds = 600
[[trigger]]
name = "high"
when = "'BTC' in index_usd && index_usd['BTC'] > 93300.0"
actions = ["alert", "reduce_only"]
"#;

const CONFIG: &str = r#"
journal = "journal"
policy = "policy.toml"
book = ["book.csv"]
market = ["chain.csv"]
alerts = "alerts.toml"
[rates]
USDC = 1.0
USDT = 1.0
"#;

/// A desk whose index walks up and down, without routes.
pub(crate) fn desk(minutes: usize) -> Scratch {
    let scratch = Scratch::empty();
    scratch.write("chain.csv", walking_chain(minutes));
    scratch.write("book.csv", sample_book());
    scratch.write("policy.toml", POLICY);
    scratch.write("run.toml", CONFIG);
    scratch.write("quiet.toml", CONFIG.replace("alerts =", "# alerts ="));
    scratch
}

/// A channel `desk` for everything that asks for a person, and further lines of it.
pub(crate) fn route(scratch: &Scratch, address: SocketAddr, more: &str) {
    let text = format!(
        "[[channel]]\nname = \"desk\"\nseverity = \"act\"\nwebhook = {{ url = \"http://{address}/hook\" }}\nmost_per_minute = 600\n{more}\n"
    );
    scratch.write("alerts.toml", text.replace("most_per_minute = 600\nmost_per_minute", "most_per_minute"));
}

pub(crate) fn go(scratch: &Scratch, args: &str) -> Ran {
    let args: Vec<&str> = args.split_whitespace().collect();
    scratch.run(&args)
}

/// Waits for the end of a process; one that is still there after a long time is killed, and the test fails.
#[track_caller]
pub(crate) fn ended(mut child: Child, longest: Duration) -> Ran {
    #[allow(clippy::disallowed_methods)] // a bound on hanging, not a measurement
    let begun = std::time::Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > longest {
            child.kill().unwrap();
            panic!("it was still at work after {longest:?}");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ran::from(child.wait_with_output().unwrap())
}

/// What has to arrive, told by the journal and not by the code that sends: id and text of what asks for a person.
pub(crate) fn said(scratch: &Scratch) -> Vec<(String, String)> {
    let replayed = go(scratch, "replay journal --outputs --format json").json();
    let (mut last, mut index) = (0, 0);
    let mut said = Vec::new();
    for line in replayed["lines"].as_array().unwrap() {
        let (seq, text) = (line["seq"].as_u64().unwrap(), line["output"].as_str().unwrap());
        index = if seq == last { index + 1 } else { 0 };
        last = seq;
        if text.starts_with("alert: ") || text.starts_with("state: normal to reduce_only") {
            said.push((format!("{seq}.{index}"), text.to_owned()));
        }
    }
    assert!(said.len() >= 4, "the policy fires: {said:?}");
    said
}

/// The one channel of a summary.
pub(crate) fn summary(json: &Value) -> (u64, u64, u64) {
    let channel = &json["alerts"][0];
    let count = |key: &str| channel[key].as_u64().unwrap();
    (count("delivered"), count("failed"), count("left"))
}

pub(crate) fn ids(said: &[(String, String)]) -> Vec<String> {
    said.iter().map(|(id, _)| id.clone()).collect()
}
