//! Reverse stress of the sample.

use crate::support::Scratch;
use crate::{answer, histories, run, usd};

#[test]
fn the_move_found_loses_what_was_asked_and_no_method_finds_a_nearer_one_of_its_kind() {
    let scratch = Scratch::sample();
    let given = histories(&scratch, 200);
    let json = answer(&scratch, &format!("stress book.csv --market market.json --reverse 200000 {given}"));
    let rows = json["found"].as_array().unwrap();
    let methods: Vec<&str> = rows.iter().map(|row| row["method"].as_str().unwrap()).collect();
    assert_eq!(methods, ["linear", "delta-gamma", "revalued"]);
    let full = &rows[2];
    // The crossing is bisected to 1e-12 of the reach.
    assert!((usd(&full["loss_revalued_usd"]) / 200_000.0 - 1.0).abs() < 1e-6, "{full}");
    assert!(full["distance"].as_f64().unwrap() > 0.0);
    assert!(full["nearest_window"].as_str().unwrap().contains(" to "), "{full}");
    let curved = rows[1]["distance"].as_f64().unwrap();
    let searched = full["distance"].as_f64().unwrap();
    assert!(
        (curved / searched - 1.0).abs() < 0.25,
        "greeks and revaluation tell one story: {curved} {searched}"
    );
    assert_eq!(json["moves"].as_array().unwrap().len(), 3 * 3, "three factors by three methods");
}

#[test]
fn what_cannot_be_lost_within_reach_is_said_to_be_so() {
    let scratch = Scratch::sample();
    let json = answer(&scratch, "stress book.csv --market market.json --reverse 1e9 --reach 4");
    assert_eq!(json["found"][0]["outcome"], "beyond reach");
    let full = &json["found"][2];
    assert_eq!(full["outcome"], "none within reach");
    assert!(full["distance"].is_null() && full["loss_revalued_usd"].is_null());
}

#[test]
fn an_account_is_liquidated_by_the_move_found_and_each_of_its_venues_is_told() {
    let scratch = Scratch::sample();
    let json = answer(&scratch, "stress book.csv --market market.json --account vol-desk");
    let rows = json["found"].as_array().unwrap();
    let places: Vec<&str> = rows.iter().map(|row| row["place"].as_str().unwrap()).collect();
    assert_eq!(places, ["vol-desk@binance", "vol-desk@deribit", "vol-desk@okx"]);
    for row in rows {
        match row["outcome"].as_str().unwrap() {
            "found" => {
                // At the crossing, from its far side: below zero by what a bisection leaves.
                let surplus = usd(&row["surplus_after_usd"]);
                assert!((-100.0..=0.0).contains(&surplus), "{row}");
            }
            "none within reach" => assert!(row["distance"].is_null(), "{row}"),
            other => panic!("{other}: {row}"),
        }
    }
    assert!(rows.iter().any(|row| row["outcome"] == "found"));
    let text = run(&scratch, "stress book.csv --market market.json --account dao-treasury");
    text.refuses(3, &["no place of the account has a rulebook"]);
}

#[test]
fn every_form_is_written() {
    let scratch = Scratch::sample();
    let given = "stress book.csv --market market.json --reverse 100000";
    let distance = answer(&scratch, given)["found"][0]["distance"].to_string();
    assert!(run(&scratch, &format!("{given} --format csv")).succeeds().contains(&distance), "{distance}");
    let page = run(&scratch, &format!("{given} --format html")).succeeds();
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("Reverse stress"));
    assert!(run(&scratch, given).succeeds().starts_with("Plimsoll reverse stress"));
    run(&scratch, &format!("{given} --format csv --output tables")).succeeds();
    for table in ["found", "moves", "unpriced"] {
        assert!(scratch.path(&format!("tables/{table}.csv")).is_file(), "{table}");
    }
}
