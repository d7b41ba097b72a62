//! `plimsoll smile`, and reports under smiles that move.

use crate::support::{Scratch, chain_csv, chain_rows, shared};
use crate::{answer, run, usd};
use serde_json::Value;

/// Four minutes of BTC options whose spot goes up and down by 5 %. Strikes move along where the smile is to stick to moneyness.
pub(crate) fn four_minutes(strikes_follow: impl Fn(f64) -> f64) -> Scratch {
    let scratch = Scratch::sample();
    let mut rows = Vec::new();
    for minute in 0..4 {
        let spot = if minute % 2 == 0 { 1.0 } else { 1.05 };
        for mut row in chain_rows(&format!("2026-11-20T12:0{minute}:00Z")) {
            let Ok(strike) = row[8].parse::<f64>() else { continue };
            if !row[1].starts_with("BTC-") {
                continue;
            }
            let moved = (strike * strikes_follow(spot)).round().to_string();
            row[1] = row[1].replacen(&row[8], &moved, 1);
            row[8] = moved;
            for price in [6, 7] {
                row[price] = (row[price].parse::<f64>().unwrap() * spot).to_string();
            }
            rows.push(row);
        }
    }
    scratch.write("chain.csv", chain_csv(&rows));
    scratch
}

fn at_30_days(json: &Value) -> &Value {
    let rows = json["stickiness"].as_array().unwrap();
    rows.iter().find(|row| row["tenor_days"] == 30).unwrap()
}

#[test]
fn a_smile_that_moves_with_the_forward_has_ratio_zero() {
    // Prices in coin stay, forwards and strikes grow together: every moneyness keeps its vol.
    let json = answer(&four_minutes(|spot| spot), "smile chain.csv");
    let found = at_30_days(&json);
    assert_eq!(found["steps"], 3, "{found}");
    assert_eq!(found["underlying"], "BTC");
    // Minutes of time pass at the same price: a vol of 50 points gains 1e-5 of it a minute, against a skew times return of a point.
    let ratio = found["skew_stickiness"].as_f64().unwrap();
    assert!(ratio.abs() < 0.02, "{found}");
    let steps = json["steps"].as_array().unwrap();
    let moved = steps[0]["log_return_pct"].as_f64().unwrap();
    let expected = 4.879_016_416_943_2; // 100 ln 1.05
    assert!((moved - expected).abs() < 1e-9, "{moved}");
    assert!(json["notes"].to_string().contains("--skew-stickiness"));
}

#[test]
fn tenors_beyond_the_last_expiry_are_counted_and_not_made_up() {
    let scratch = four_minutes(|spot| spot);
    let json = answer(&scratch, "smile chain.csv --tenor 30 --tenor 3000");
    let rows = json["stickiness"].as_array().unwrap();
    assert_eq!(rows.len(), 1, "{rows:?}");
    let none = run(&scratch, "smile chain.csv --tenor 3000");
    assert_eq!(none.code, 3, "{}", none.err);
    assert!(none.err.contains("another --tenor"), "{}", none.err);
}

#[test]
fn one_snapshot_is_no_step() {
    let scratch = Scratch::sample();
    let ran = run(&scratch, "smile market.json");
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(ran.err.contains("no two snapshots"), "{}", ran.err);
}

#[test]
fn a_recorded_crash_rejects_sticky_moneyness() {
    let Some(file) = shared("smile, recorded days", "deribit_202602.parquet") else {
        return;
    };
    let scratch = Scratch::sample();
    let json = answer(&scratch, &format!("smile {file} --tenor 30 --to 2026-02-08"));
    let rows = json["stickiness"].as_array().unwrap();
    assert_eq!(rows.len(), 2, "BTC and ETH");
    for row in rows {
        let of = |key: &str| row[key].as_f64().unwrap();
        assert!(of("skew_stickiness") > 2.0 * of("standard_error"), "{row}");
        assert!(of("mean_skew_points_per_10_pct") < 0.0, "{row}");
    }
}

#[test]
fn the_report_names_delta_under_each_dynamics() {
    let scratch = Scratch::sample();
    let json = answer(&scratch, "report --skew-stickiness BTC=1.5");
    let rows = json["smile"].as_array().unwrap();
    let of = |asset: &str| rows.iter().find(|row| row["underlying"] == asset).unwrap();
    let names = |row: &Value| -> Vec<String> {
        let columns = row["dynamics"].as_array().unwrap();
        columns.iter().map(|c| c["smile"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(of("BTC")), ["sticky strike", "sticky moneyness", "skew stickiness 1.5"]);
    assert_eq!(names(of("ETH")), ["sticky strike", "sticky moneyness"]);
    let exposure = json["exposure"].as_array().unwrap().iter().find(|g| g["key"][0] == "BTC").unwrap();
    assert_eq!(of("BTC")["dynamics"][0]["delta_cash_usd"], exposure["usd"]["delta_cash_usd"]);
    assert!(usd(&of("BTC")["delta_range_usd"]) > 0.0);
    assert_eq!(json["market"]["skew_stickiness"]["BTC"], 1.5);
}

#[test]
fn the_ladder_moves_with_the_smile_and_says_so() {
    let scratch = Scratch::sample();
    let strike = answer(&scratch, "report");
    let moneyness = answer(&scratch, "report --skew-stickiness BTC=0");
    let ladder = |json: &Value, place: usize| json["ladders"][place]["pnl_usd"].clone();
    assert_ne!(ladder(&strike, 0), ladder(&moneyness, 0));
    assert_eq!(ladder(&strike, 1), ladder(&moneyness, 1), "ETH was not named");
    let text = run(&scratch, "report --skew-stickiness BTC=0").out;
    assert!(text.contains("full revaluation, sticky moneyness, coin held included"), "{text}");
}

#[test]
fn pricing_from_the_surface_says_so() {
    let scratch = Scratch::sample();
    let json = answer(&scratch, "report --vols surface");
    assert_eq!(json["market"]["vols"], "surface");
    let options = json["positions"].as_array().unwrap().iter().filter(|row| row["kind"] == "option");
    let sources: Vec<&str> = options.map(|row| row["sources"]["vol"].as_str().unwrap()).collect();
    assert!(sources.iter().filter(|source| **source == "surface").count() > sources.len() / 2, "{sources:?}");
}

#[test]
fn mistakes_on_the_command_line_say_how_to_mend_them() {
    let scratch = Scratch::sample();
    for (args, expected) in [
        ("report --skew-stickiness BTC=9", "from -1 to 3"),
        ("report --skew-stickiness BTC", "COIN=RATIO"),
        ("report --skew-stickiness DOGE=1", "not in the market files"),
        ("report --skew-stickiness BTC=1 --skew-stickiness BTC=0", "given twice"),
        ("smile", "required"),
    ] {
        let ran = run(&scratch, args);
        assert_eq!(ran.code, 2, "{args}: {}", ran.err);
        assert!(ran.err.contains(expected), "{args}: {}", ran.err);
    }
}
