//! VaR of the sample: every method, contributions that add up, the same bytes on any number of threads.

use crate::support::Scratch;
use crate::{answer, histories, run, usd};
use serde_json::Value;
use std::collections::BTreeMap;

/// Exact sums of decimal text in quanta of 1e-12.
fn quanta(value: &Value) -> i128 {
    let text = value.as_str().unwrap();
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    sign * format!("{whole}{part:0<12}").parse::<i128>().unwrap()
}

#[test]
fn without_arguments_the_sample_is_measured_on_the_embedded_covariance() {
    let scratch = Scratch::empty();
    let table = run(&scratch, "var").succeeds();
    assert!(table.starts_with("Plimsoll value at risk"), "{table}");
    assert!(table.contains("no --history: moves come from the embedded covariance.toml"), "{table}");
    let json = answer(&scratch, "var");
    let methods: Vec<&str> =
        json["measures"].as_array().unwrap().iter().map(|m| m["method"].as_str().unwrap()).collect();
    assert_eq!(methods, ["delta-gamma-vega", "parametric", "monte-carlo"]);
    assert!(!json["stress"].as_array().unwrap().is_empty());
}

#[test]
fn a_history_gives_all_methods_and_a_backtest_and_contributions_add_up() {
    let scratch = Scratch::sample();
    let given = histories(&scratch, 400);
    let json =
        answer(&scratch, &format!("var book.csv --market market.json {given} --backtest 200 --draws 2000"));
    let measures = json["measures"].as_array().unwrap();
    assert_eq!(measures.len(), 5);
    for measure in measures {
        assert!(usd(&measure["es_usd"]) >= usd(&measure["var_usd"]), "{measure}");
        let mut sums: BTreeMap<&str, (i128, i128)> = BTreeMap::new();
        for part in json["contributions"].as_array().unwrap() {
            if part["method"] == measure["method"] {
                let sum = sums.entry(part["by"].as_str().unwrap()).or_default();
                *sum = (sum.0 + quanta(&part["var_usd"]), sum.1 + quanta(&part["es_usd"]));
            }
        }
        assert_eq!(sums.keys().copied().collect::<Vec<_>>(), ["account", "total", "underlying", "venue"]);
        for (by, sum) in sums {
            assert_eq!(sum, (quanta(&measure["var_usd"]), quanta(&measure["es_usd"])), "{by} of {measure}");
        }
    }
    let test = &json["backtest"][0];
    assert_eq!(test["windows"].as_u64(), Some(399 - 200));
    assert!(test["zone"] == "green" || test["zone"] == "yellow" || test["zone"] == "red");
    assert_eq!(measures[0]["scenarios"].as_u64(), Some(399));
    assert_eq!(measures[1]["scenarios"].as_u64(), Some(399 - 20), "the volatility warms up for twenty days");
}

#[test]
fn seeds_decide_the_draws_and_threads_do_not() {
    let scratch = Scratch::sample();
    let with = |more: &str| {
        run(&scratch, &format!("var book.csv --market market.json --draws 500 {more}")).succeeds()
    };
    assert_eq!(with("--threads 1"), with("--threads 3"));
    assert_ne!(with("--seed 1"), with("--seed 2"));
}

#[test]
fn a_longer_horizon_and_a_higher_confidence_lose_more() {
    let scratch = Scratch::sample();
    let at = |more: &str| {
        let json = answer(&scratch, &format!("var book.csv --market market.json --method parametric {more}"));
        (usd(&json["measures"][0]["var_usd"]), usd(&json["measures"][0]["es_usd"]))
    };
    let day = at("");
    let four = at("--horizon 4");
    assert!((four.0 / day.0 - 2.0).abs() < 1e-9, "the square root of time: {day:?} {four:?}");
    assert!(at("--confidence 0.975").0 < day.0);
    // The normal law: VaR at 99 % and ES at 97.5 % are 2.3263 and 2.3378 deviations.
    let es = at("--confidence 0.975").1;
    assert!((es / day.0 - 2.337_803 / 2.326_348).abs() < 1e-6, "{es} {day:?}");
}

#[test]
fn every_form_is_written_from_the_same_figures() {
    let scratch = Scratch::sample();
    let given = "var book.csv --market market.json --draws 500";
    run(&scratch, &format!("{given} --format csv --output tables")).succeeds();
    let csv = scratch.text("tables/measures.csv");
    let json = answer(&scratch, given);
    for measure in json["measures"].as_array().unwrap() {
        assert!(csv.contains(measure["var_usd"].as_str().unwrap()), "{measure} not in\n{csv}");
    }
    for table in ["contributions", "tail", "backtest", "factors", "stress", "unpriced"] {
        assert!(scratch.path(&format!("tables/{table}.csv")).is_file(), "{table}");
    }
    let page = run(&scratch, &format!("{given} --format html")).succeeds();
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("VaR and expected shortfall"));
    run(&scratch, &format!("{given} --format parquet --output parquet")).succeeds();
    assert!(scratch.path("parquet/measures.parquet").is_file());
}

#[test]
fn a_covariance_is_computed_written_and_read_back() {
    let scratch = Scratch::sample();
    let given = histories(&scratch, 400);
    run(&scratch, &format!("covariance {given} --output own.toml")).succeeds();
    let text = scratch.text("own.toml");
    assert!(text.contains("399 joint windows") && text.contains("valid_from = \"2023-11-16\""), "{text}");
    let figure = |args: &str| answer(&scratch, args)["measures"][0]["var_usd"].clone();
    let base = "var book.csv --market market.json --method parametric";
    let (by_file, by_history) =
        (figure(&format!("{base} --covariance own.toml")), figure(&format!("{base} {given}")));
    assert_eq!(by_file, by_history, "the file keeps every bit");
}
