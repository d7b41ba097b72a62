//! P&L explain on two snapshots of one file, and on a recorded month.

use crate::support::{Scratch, book_of, chain_column, chain_csv, chain_rows, shared};
use crate::{answer, run, usd};
use serde_json::Value;

const LATER: &str = "2026-11-21T12:00:00Z";
const GIVEN: &str = "explain book.csv --market chain.csv --from 2026-11-20T12:00:00Z --to 2026-11-21T12:00:00Z \
                     --rate USDC=1 --rate USDT=1";

/// The sample's chain twice, a day apart, vols up by two points on the second.
fn two_days() -> Scratch {
    let scratch = Scratch::sample();
    let mut rows = chain_rows("2026-11-20T12:00:00Z");
    let vol = chain_column("mark_iv");
    for mut row in chain_rows(LATER) {
        if let Ok(was) = row[vol].parse::<f64>() {
            row[vol] = (was + 0.02).to_string();
        }
        rows.push(row);
    }
    scratch.write("chain.csv", chain_csv(&rows));
    scratch
}

#[track_caller]
fn row<'a>(json: &'a Value, table: &str, name: &str) -> &'a Value {
    json[table].as_array().unwrap().iter().find(|row| row["underlying"] == name).unwrap()
}

#[test]
fn a_day_and_two_vol_points_are_told_apart_and_add_up() {
    let scratch = two_days();
    let json = answer(&scratch, GIVEN);
    let total = row(&json, "explain", "total");
    for none in ["delta_usd", "gamma_usd", "vanna_usd", "rate_usd"] {
        assert_eq!(usd(&total[none]), 0.0, "{none}: spot and rates stood still");
    }
    assert!(usd(&total["vega_usd"]).abs() > 100.0 && usd(&total["time_usd"]).abs() > 10.0, "{total}");
    let sum: f64 = total
        .as_object()
        .unwrap()
        .iter()
        .filter(|(k, _)| *k != "change_usd" && *k != "underlying")
        .map(|(_, v)| usd(v))
        .sum();
    assert!((sum - usd(&total["change_usd"])).abs() < 1e-6, "{total}");
    let steps = row(&json, "steps", "total");
    assert_eq!(steps["change_usd"], total["change_usd"]);
    assert!(usd(&steps["rounding_usd"]).abs() < 1e-6, "{steps}");
    assert_eq!(json["total_usd"], json["change_usd"], "no funding known, no trades given");
}

#[test]
fn the_change_is_that_of_two_reports_and_trades_are_beside_it() {
    let scratch = two_days();
    let json = answer(&scratch, GIVEN);
    let value = |at: &str| {
        let args =
            format!("report book.csv --market chain.csv --at {at} --rate USDC=1 --rate USDT=1 --format json");
        usd(&run(&scratch, &args).json()["total"]["usd"]["value_usd"])
    };
    let change = value(LATER) - value("2026-11-20T12:00:00Z");
    assert!((usd(&json["change_usd"]) - change).abs() < 1e-6, "{change}");
    scratch.write("after.csv", format!("{}x,wallet,ethereum,,,,USDC,1000\n", scratch.text("book.csv")));
    let json = answer(&scratch, &format!("{GIVEN} --book-after after.csv"));
    assert!((usd(&json["trades_usd"]) - 1000.0).abs() < 1e-9);
    assert!((usd(&json["total_usd"]) - change - 1000.0).abs() < 1e-6);
}

#[test]
fn every_form_is_written() {
    let scratch = two_days();
    for (format, words) in
        [("table", "Change by cause"), ("csv", "underlying,change_usd"), ("html", "<!DOCTYPE html>")]
    {
        let out = run(&scratch, &format!("{GIVEN} --format {format}")).succeeds();
        assert!(out.contains(words), "{format}: {out}");
    }
    run(&scratch, &format!("{GIVEN} --each --format parquet --output tables")).succeeds();
    assert!(scratch.path("tables/residuals.parquet").is_file());
}

#[test]
fn times_without_two_snapshots_are_refused() {
    let scratch = two_days();
    let with = |from: &str, to: &str| {
        run(
            &scratch,
            &format!(
                "explain book.csv --market chain.csv --from {from} --to {to} --rate USDC=1 --rate USDT=1"
            ),
        )
    };
    with("2026-11-21", "2026-11-20").refuses(2, &["is not before"]);
    with("2026-11-20T13:00:00Z", "2026-11-20T14:00:00Z").refuses(3, &["the same snapshot"]);
    with("2026-11-01", "2026-11-21").refuses(3, &["no snapshot at or before"]);
    run(&scratch, "explain --market chain.csv --from 2026-11-20 --to 2026-11-21").refuses(2, &["BOOK"]);
}

#[test]
fn a_recorded_month_is_explained_from_snapshot_to_snapshot() {
    let Some(chain) = shared("explain, recorded month", "deribit_202602.parquet") else { return };
    let scratch = Scratch::empty();
    scratch.write(
        "book.csv",
        book_of(&[
            "desk,deribit,,BTC-27MAR26-70000-C,-12.5,,,",
            "desk,deribit,,BTC-26JUN26-60000-P,20,,,",
            "desk,deribit,,BTC-26JUN26-80000-C,5,,,",
            "desk,deribit,,,,,BTC,1",
        ]),
    );
    let json = answer(
        &scratch,
        &format!("explain book.csv --market {chain} --from 2026-02-06 --to 2026-02-12 --each"),
    );
    let steps = json["explain"].as_array().unwrap();
    assert!(steps.len() >= 15, "about four snapshots a day: {}", steps.len());
    let share = |name: &str| {
        let rows = json["residuals"].as_array().unwrap();
        rows.iter().find(|row| row["statistic"] == name).unwrap()["share_of_terms_pct"].as_f64().unwrap()
    };
    // Six hours of a spot move are second order: a residual of half the terms would mean a wrong greek.
    assert!(share("median") < 5.0, "{}", json["residuals"]);
    let change: f64 = steps.iter().map(|step| usd(&step["change_usd"])).sum();
    assert!((change - usd(&json["change_usd"])).abs() < 1e-6);
}
