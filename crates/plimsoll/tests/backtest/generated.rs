//! Kind `monte_carlo`: figures that are known, forms of output, every mistake at once.

use crate::Scratch;
use crate::json_paths::{assert_documented, assert_on_record, paths};

const RECORD: &str = "tests/backtest/monte_carlo_json_schema.txt";
const SPEC: &str = r#"
kind = "monte_carlo"
source = "test"
spot = 100.0
vol = 0.8
days = 1.0
step_minutes = 60.0
paths = 400
seed = 7
[[leg]]
quantity = -1.0
strike = 0.000001
kind = "call"
days = 1.0
[[cost]]
proportional_bp = 10.0
fixed_usd = 0.5
[[policy]]
name = "none"
[[policy]]
name = "clock"
rule = { policy = "clock", every_hours = 1.0 }
[[policy]]
name = "band"
rule = { policy = "whalley_wilmott", risk_tolerance_usd = 1.0 }
delay_minutes = 60.0
"#;

fn scratch(spec: &str) -> Scratch {
    let scratch = Scratch::empty();
    scratch.write("spec.toml", spec);
    scratch
}

/// A call at a strike of nothing is the coin: one trade hedges it, one closes the hedge, and both cost 0.1 % and half a dollar.
#[test]
fn what_is_the_coin_itself_costs_two_trades() {
    let ran = scratch(SPEC).backtest("spec.toml --format json");
    assert_eq!(ran.code, 0, "{}", ran.err);
    let played = ran.json();
    assert_eq!(played["schema"], "plimsoll.backtest.monte_carlo/1");
    assert!(played["asof"].is_null(), "generated, of no time");
    let of = |policy: &str| {
        played["policies"].as_array().unwrap().iter().find(|row| row["policy"] == policy).unwrap().clone()
    };
    let figure = |row: &serde_json::Value, key: &str| row[key].as_f64().unwrap();
    let clock = of("clock");
    assert!((figure(&clock, "trades") - 2.0).abs() < 1e-12);
    // 0.1 % of 100 and of the last spot, whose mean is 100 but for sampling, and twice 0.50.
    assert!((figure(&clock, "paid_usd") - 1.2).abs() < 0.01);
    assert!((figure(&clock, "mean_usd") + figure(&clock, "paid_usd")).abs() < 1e-9);
    let none = of("none");
    assert!((figure(&none, "trades")).abs() < 1e-12 && figure(&none, "sd_usd") > 1.0);
}

#[test]
fn threads_do_not_change_a_byte_and_every_form_is_there() {
    let scratch = scratch(SPEC);
    let on = |threads: &str| scratch.backtest(&format!("spec.toml --format json --threads {threads}")).out;
    assert!(on("1").contains("cvar95_usd"));
    assert_eq!(on("1"), on("3"));
    assert!(
        scratch.backtest("spec.toml").out.starts_with("Plimsoll backtest: policies over generated paths\n")
    );
    let csv = scratch.backtest("spec.toml --format csv --table comparisons").out;
    assert!(csv.starts_with("cost_bp,fixed_usd,policy,clock,"), "{csv}");
    let page = scratch.backtest("spec.toml --format html").out;
    assert!(page.contains("Policies") && !page.contains("1970"), "of no time");
}

/// The JSON schema is a promise: run once with `PLIMSOLL_BLESS=1` to rewrite the list, and describe the change in docs/formats.md.
#[test]
fn key_paths_and_types_are_those_on_record_and_documented() {
    let jumps = SPEC.replace("[[leg]]", "[jumps]\nper_year = 10.0\nmean = -0.01\nsd = 0.05\n[[leg]]");
    let free = SPEC.replace("fixed_usd = 0.5", "");
    let results = [SPEC, &jumps, &free].map(|spec| scratch(spec).backtest("spec.toml --format json").json());
    assert_on_record(RECORD, &paths(&results, &[]));
    assert_documented(RECORD, "### Kind `monte_carlo`");
}

#[test]
fn every_mistake_of_a_spec_is_named_at_once() {
    let wrong = SPEC
        .replace("spot = 100.0", "spot = -1.0")
        .replace("days = 1.0\nstep_minutes = 60.0", "days = 1.01\nstep_minutes = 60.0")
        .replace("paths = 400", "paths = 401")
        .replace("kind = \"call\"", "kind = \"swap\"")
        .replace("every_hours = 1.0", "every_hours = 0.0")
        .replace("risk_tolerance_usd = 1.0", "risk_tolerance_usd = 1.0, colour = 3");
    let wrong = wrong.replace("name = \"band\"", "name = \"clock\"");
    let ran = scratch(&wrong).backtest("spec.toml");
    assert_eq!(ran.code, 3);
    for words in [
        "spot = '-1",
        "days = '1.01'",
        "paths = '401'",
        "kind = 'swap'",
        "every_hours = '0'",
        "colour",
        "a name of its own",
    ] {
        assert!(ran.err.contains(words), "{words}: {}", ran.err);
    }
}

#[test]
fn a_clock_shorter_than_a_step_is_told() {
    let ran = scratch(&SPEC.replace("every_hours = 1.0", "every_hours = 0.1")).backtest("spec.toml");
    assert!(ran.out.contains("act at every step: clock"), "{}", ran.out);
}

#[test]
fn more_results_than_memory_holds_are_refused() {
    let ran = scratch(&SPEC.replace("paths = 400", "paths = 90000000")).backtest("spec.toml");
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(ran.err.contains("at most 100000000 of both"), "{}", ran.err);
}
