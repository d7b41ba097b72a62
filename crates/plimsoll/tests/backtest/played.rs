//! A small market: figures, forms of output, what is refused and how it is said.

use crate::json_paths::{assert_documented, assert_on_record, paths};
use crate::{chain, perpetual, scratch};

const RECORD: &str = "tests/backtest/intervals_json_schema.txt";
const MOVING: &str = "\n[[strategy]]\nname = 'learnt'\ndelta = 'net'\ndynamics = 'minimum_variance'\nleast_intervals = 3\n\
                      [[strategy]]\nname = 'leg'\ndelta = 'net'\ndynamics = 'local_vol'\nvega = 'at_the_money'\n";

#[test]
fn four_intervals_with_everything_accounted_for() {
    let scratch = scratch("held_out_share = 1.0");
    let ran = scratch.backtest("spec.toml --format json");
    assert_eq!(ran.code, 0, "{}", ran.err);
    let played = ran.json();
    assert_eq!(played["schema"], "plimsoll.backtest.intervals/1");
    let counts = &played["counts"][0];
    assert_eq!(
        (&counts["raw"], &counts["held_out"], &counts["intervals"]),
        (&5.into(), &5.into(), &4.into())
    );
    let unhedged = &played["strategies"][0];
    // √((0.02² + 0.01² + 0.02² + 0.01²)/4); the mids have four digits.
    let rmse = unhedged["rmse"].as_f64().unwrap();
    assert!((rmse - 0.00025_f64.sqrt()).abs() < 1e-12, "{rmse}");
    let net = played["strategies"].as_array().unwrap().iter().find(|row| row["strategy"] == "net").unwrap();
    assert!(net["rmse_reduction_pct"].as_f64().unwrap() > 30.0);
}

#[test]
fn threads_do_not_change_a_byte() {
    let scratch = scratch("held_out_share = 1.0");
    let on = |threads: &str| scratch.backtest(&format!("spec.toml --format json --threads {threads}")).out;
    assert!(on("1").contains("rmse"));
    assert_eq!(on("1"), on("3"));
}

/// The JSON schema is a promise: run once with `PLIMSOLL_BLESS=1` to rewrite the list, and describe the change in docs/formats.md.
#[test]
fn key_paths_and_types_are_those_on_record_and_documented() {
    let scratch = scratch("held_out_share = 1.0");
    scratch
        .write("open.toml", format!("{}{MOVING}", crate::spec("held_out_share = 0.5\nfrom = '2026-02-01'")));
    let played = |spec: &str| scratch.backtest(&format!("{spec} --format json")).json();
    let results = [
        played("spec.toml"),
        played("open.toml"),
        bad().1.backtest("spec.toml --allow-partial --format json").json(),
    ];
    assert_on_record(RECORD, &paths(&results, &[]));
    assert_documented(RECORD, "### Kind `intervals`");
}

#[test]
fn missing_and_stale_prices_are_counted_by_reason() {
    let scratch = scratch("held_out_share = 1.0\nprice_age_most_seconds = 60");
    scratch.write("chains/perpetual.csv", perpetual(&[84_000.0, 85_000.0, 84_500.0]));
    let ran = scratch.backtest("spec.toml --format csv --table skipped");
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(ran.out, "underlying,stage,reason,quotes\nBTC,interval,perpetual_stale,2\n");
    std::fs::remove_file(scratch.path("chains/perpetual.csv")).unwrap();
    let ran = scratch.backtest("spec.toml");
    assert_eq!(ran.code, 3);
    assert!(ran.err.contains("no interval to judge: perpetual_missing 4"), "{}", ran.err);
}

#[test]
fn what_cannot_be_played_says_why() {
    let scratch = scratch("tail = 2\ncolour = 'red'");
    let ran = scratch.backtest("spec.toml");
    assert_eq!(ran.code, 3);
    for words in ["2 mistakes", "tail = '2'", "a level above 0 and below 1", "colour = 'red'", "unknown key"]
    {
        assert!(ran.err.contains(words), "{words}: {}", ran.err);
    }
    scratch.write("spec.toml", crate::spec(""));
    assert_eq!(scratch.backtest("absent.toml").code, 3);
    let ran = scratch.backtest("spec.toml --table nothing --format csv");
    assert!(ran.code == 2 && ran.err.contains("strategies, comparisons, counts, skipped"), "{}", ran.err);
    let ran = scratch.backtest("spec.toml --data absent");
    assert!(ran.code == 3 && ran.err.contains("absent"), "{}", ran.err);
    let ran = scratch.backtest("spec.toml --data chains/perpetual.csv");
    assert!(ran.code == 3 && ran.err.contains("no recorded chain"), "{}", ran.err);
}

#[test]
fn a_folder_may_hold_other_files_and_the_same_snapshot_twice() {
    let scratch = scratch("held_out_share = 1.0");
    scratch.write("chains/other.csv", "a,b\n1,2\n");
    scratch.write("chains/readme.md", "not a recording");
    scratch.write("chains/twice.csv", chain(&[(0.10, 84_000.0)]));
    let ran = scratch.backtest("spec.toml --format json");
    assert_eq!(ran.code, 0, "{}", ran.err);
    let notes = ran.json()["notes"].to_string();
    assert!(
        notes.contains("other.csv: not used")
            && notes.contains("twice.csv: snapshots at the time of one before, not used: 1"),
        "{notes}"
    );
    assert_eq!(ran.json()["counts"][0]["intervals"], 4);
}

/// Five snapshots, the last with a mark that is no number; and the text that it stands in.
fn bad() -> (String, crate::support::Scratch) {
    let scratch = scratch("held_out_share = 1.0");
    let sound = std::fs::read_to_string(scratch.path("chains/chain.csv")).unwrap();
    let last = sound.lines().last().unwrap().to_owned();
    scratch.write("chains/chain.csv", sound.replace(&last, &last.replace(",0.1,", ",minus,")));
    (last, scratch)
}

#[test]
fn bad_rows_end_it_unless_allowed() {
    let (_, scratch) = bad();
    let ran = scratch.backtest("spec.toml");
    assert_eq!(ran.code, 3);
    for words in ["chain.csv row 5", "mark_price", "minus", "--allow-partial"] {
        assert!(ran.err.contains(words), "{words}: {}", ran.err);
    }
    let ran = scratch.backtest("spec.toml --allow-partial --format json");
    assert_eq!(ran.code, 4, "{}", ran.err);
    let played = ran.json();
    assert_eq!((&played["partial"], &played["counts"][0]["intervals"]), (&true.into(), &3.into()));
    assert_eq!(played["skipped"][0]["reason"], "not_quoted_next");
}
