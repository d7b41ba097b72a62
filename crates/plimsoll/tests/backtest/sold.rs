//! Kind `chains` on a small market: one straddle, its figures in every form, and what is refused.

use crate::json_paths::{assert_documented, assert_on_record, paths};
use crate::support::Scratch;
use crate::{at, perpetual};
use std::fmt::Write;

const RECORD: &str = "tests/backtest/chains_json_schema.txt";
const SPEC: &str = r#"kind = "chains"
source = "a test"
checked = "2026-11-26"
accounting = "coin"
seed = 1
resamples = 100
[history]
chains = ["chains"]
underlyings = ["BTC"]
without_perpetual = "refuse"
[position]
structures = ["straddle"]
tenors_days = [1.5]
tenor_tolerance = 0.5
entry = { every_days = 2 }
exit_days = 0.0
settlement_within_hours = 12.0
stale_after_hours = 12.0
notional_usd = 80000.0
[costs]
option_fee = 0.0003
option_fee_cap = 0.125
delivery_fee = 0.00015
delivery_fee_cap = 0.125
perpetual_fee_bp = 5.0
perpetual_half_spread_bp = 0.0
[[underlying]]
name = "BTC"
option_lot_coin = "0.1"
perpetual_lot_usd = "10"
smallest_usd = 0.0
funding_rate_8h = 0.0
[hedge]
latency = "same_snapshot"
deltas = ["net"]
[[policy]]
name = "none"
[[policy]]
name = "6 h"
rule = { policy = "clock", every_hours = 5.0 }
[[policy]]
name = "band"
rule = { policy = "band", half_width_coins = 0.1, end = "edge" }
"#;

/// A call and a put at 80,000 that expire after 32 hours, quoted every six; the index at each step.
fn chain(indices: &[f64]) -> String {
    let mut text =
        "timestamp,instrument_name,bid_price,ask_price,mark_price,mark_iv,underlying_price,index_price\n"
            .to_owned();
    for (index, step) in indices.iter().zip(0..) {
        let call = 0.01 + (1.0 - 80_000.0 / index).max(0.0);
        let put = 0.01 + (80_000.0 / index - 1.0).max(0.0);
        for (letter, mark) in [('C', call), ('P', put)] {
            let (bid, ask, now) = (mark - 0.001, mark + 0.001, at(step));
            writeln!(text, "{now},BTC-6FEB26-80000-{letter},{bid:.6},{ask:.6},{mark:.6},0.6,{index},{index}")
                .unwrap();
            writeln!(
                text,
                "{now},BTC-27MAR26-80000-{letter},{bid:.6},{ask:.6},{mark:.6},0.6,{index},{index}"
            )
            .unwrap();
        }
    }
    text
}

const INDICES: [f64; 7] = [80_000.0, 81_000.0, 79_000.0, 80_500.0, 82_000.0, 83_000.0, 84_000.0];

fn scratch(spec: &str) -> Scratch {
    let scratch = Scratch::empty();
    std::fs::create_dir_all(scratch.path("chains")).unwrap();
    scratch.write("spec.toml", spec);
    scratch.write("chains/chain.csv", chain(&INDICES));
    scratch.write("chains/perpetual.csv", perpetual(&INDICES));
    scratch
}

#[test]
fn one_straddle_under_three_policies() {
    let scratch = scratch(SPEC);
    let ran = scratch.backtest("spec.toml --format json --trades trades.csv");
    assert_eq!(ran.code, 0, "{}", ran.err);
    let sold = ran.json();
    assert_eq!(sold["schema"], "plimsoll.backtest.chains/1");
    let results = sold["results"].as_array().unwrap();
    assert_eq!(results.len(), 3, "one kind, three policies, one delta");
    // Sold at twice 0.009, less twice 0.0003; delivered at 84,000: the call pays 4/84 coins less 0.00015.
    let unhedged = 2.0 * 0.009 - 2.0 * 0.0003 - 4.0 / 84.0 - 0.000_15;
    let mean = results[0]["mean_pct"].as_f64().unwrap();
    assert!((mean - 100.0 * unhedged).abs() < 1e-6, "{mean}");
    let explain = &sold["explain"][1];
    let sum: f64 = ["delta", "gamma", "vega", "theta", "residual"]
        .iter()
        .map(|greek| explain[format!("of_{greek}_pct").as_str()].as_f64().unwrap())
        .sum();
    assert!((sum - explain["option_pct"].as_f64().unwrap()).abs() < 1e-9);
    assert_eq!(sold["entries"][0]["positions"], 1);
    let trades = std::fs::read_to_string(scratch.path("trades.csv")).unwrap();
    let ends = trades.lines().filter(|line| line.ends_with(",end")).count();
    assert_eq!(ends, 2, "each hedge is closed: {trades}");
    assert!(trades.lines().skip(1).all(|line| line.split(',').count() == 18), "{trades}");
}

/// The JSON schema is a promise: run once with `PLIMSOLL_BLESS=1` to rewrite the list, and describe the change in docs/formats.md.
#[test]
fn key_paths_and_types_are_those_on_record_and_documented() {
    let scratch = scratch(SPEC);
    let sold = scratch.backtest("spec.toml --format json").json();
    assert_on_record(RECORD, &paths(&[sold], &[]));
    assert_documented(RECORD, "## 20. Backtests on chains");
}

#[test]
fn every_form_says_the_same_and_threads_do_not_change_a_byte() {
    let scratch = scratch(SPEC);
    let on = |threads: &str| scratch.backtest(&format!("spec.toml --format json --threads {threads}")).out;
    assert_eq!(on("1"), on("3"));
    let text = scratch.backtest("spec.toml").out;
    assert!(text.contains("Policies") && text.contains("clock") || text.contains("6 h"), "{text}");
    let page = scratch.backtest("spec.toml --format html").out;
    assert!(page.contains("<svg") && page.contains("cost of hedging"), "plots are there");
    assert!(!page.contains("http://") && !page.contains("<script"), "nothing from outside");
    let csv = scratch.backtest("spec.toml --format csv --table history").out;
    assert!(csv.starts_with("underlying,what,count\nBTC,snapshots,7\n"), "{csv}");
}

#[test]
fn what_cannot_be_sold_says_why() {
    let scratch = scratch(&SPEC.replace("tenors_days = [1.5]", "tenors_days = [12.0]"));
    let ran = scratch.backtest("spec.toml");
    assert_eq!(ran.code, 3);
    assert!(ran.err.contains("no expiry near enough to the tenor"), "{}", ran.err);
    scratch.write("spec.toml", SPEC);
    std::fs::remove_file(scratch.path("chains/perpetual.csv")).unwrap();
    let ran = scratch.backtest("spec.toml");
    assert!(ran.code == 3 && ran.err.contains("no price of the perpetual"), "{}", ran.err);
    scratch.write("spec.toml", SPEC.replace("seed = 1", "seed = 1\ncolour = 'red'"));
    let ran = scratch.backtest("spec.toml");
    assert!(ran.code == 3 && ran.err.contains("colour"), "{}", ran.err);
    scratch.write("intervals.toml", crate::spec(""));
    let ran = scratch.backtest("intervals.toml --trades t.csv");
    assert!(ran.code == 2 && ran.err.contains("--trades"), "{}", ran.err);
}
