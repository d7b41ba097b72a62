//! `plimsoll forwards`: sources of each forward side by side, and funding against the curve.

use crate::json_paths::{assert_documented, assert_on_record, paths};
use crate::support::{Scratch, shared};
use crate::with_rows;
use serde_json::Value;

const RECORD: &str = "tests/surface/forwards_json_schema.txt";

#[track_caller]
fn forwards(scratch: &Scratch, args: &str) -> Value {
    let all: Vec<&str> =
        ["forwards", "--format", "json"].into_iter().chain(args.split_whitespace()).collect();
    let ran = scratch.run(&all);
    assert_eq!(ran.code, 0, "{}", ran.err);
    ran.json()
}

fn number(row: &Value, key: &str) -> f64 {
    row[key].as_f64().unwrap_or_else(|| panic!("{key} of {row}"))
}

#[test]
fn sources_agree_on_the_sample_and_lie_inside_what_quotes_trade() {
    let json = forwards(&Scratch::empty(), "");
    let rows = json["forwards"].as_array().unwrap();
    assert_eq!(rows.len(), 10);
    for row in rows {
        assert_eq!(row["synthetic"], "ok", "{row}");
        assert!(number(row, "synthetic_bid") < number(row, "forward"), "{row}");
        assert!(number(row, "forward") < number(row, "synthetic_ask"), "{row}");
        // The curve of the sample is one law: sources differ by rounding of prices only.
        assert!(number(row, "disagreement_bp") < 0.1, "{row}");
    }
}

#[test]
fn carry_is_the_slope_of_the_logarithm_of_the_forward() {
    let json = forwards(&Scratch::empty(), "");
    let btc: Vec<&Value> =
        json["forwards"].as_array().unwrap().iter().filter(|row| row["underlying"] == "BTC").collect();
    // Piece by piece the forward carries add up to the carry of the last.
    let (mut before, mut sum) = (0.0, 0.0);
    for row in &btc {
        let days = number(row, "expiry_days");
        sum += number(row, "forward_carry_pct_per_year") * (days - before);
        before = days;
    }
    let last = btc.last().unwrap();
    let whole = number(last, "carry_pct_per_year") * number(last, "expiry_days");
    assert!((sum - whole).abs() < 1e-9 * whole, "{sum} {whole}");
}

#[test]
fn funding_is_set_against_the_curve() {
    let json = forwards(&Scratch::empty(), "--tenor 60");
    let row =
        json["perpetuals"].as_array().unwrap().iter().find(|r| r["instrument"] == "BTC-PERPETUAL").unwrap();
    let carry = number(row, "funding_carry_pct_per_year");
    assert!((carry - 1_095.0 * number(row, "funding_8h_pct")).abs() < 1e-9, "{row}");
    let difference = carry - number(row, "curve_carry_pct_per_year");
    assert!((number(row, "funding_less_curve_pct_per_year") - difference).abs() < 1e-9);
    assert!(number(row, "funding_forward") > 93_000.0);
}

#[test]
fn a_future_marked_away_from_its_options_disagrees_and_is_noted() {
    let scratch = with_rows(|row| {
        if row["instrument_name"] == "BTC-25DEC26" {
            row["mark_price"] = 94_500.0.into();
        }
    });
    let json = forwards(&scratch, "--market market.json");
    let row = json["forwards"]
        .as_array()
        .unwrap()
        .iter()
        .find(|r| r["underlying"] == "BTC" && r["future_mark"] == 94_500.0)
        .unwrap();
    assert!(number(row, "disagreement_bp") > 90.0, "{row}");
    assert_eq!(row["source"], "parity");
    assert_eq!(json["largest_disagreement_bp"], row["disagreement_bp"]);
    assert!(json["notes"].to_string().contains("sources of the forward differ"), "{}", json["notes"]);
}

#[test]
fn recorded_forwards_lie_inside_the_synthetic_but_for_some_basis_points() {
    let Some(file) = shared("forwards, recorded chain", "deribit_202602.parquet") else { return };
    let json = forwards(&Scratch::empty(), &format!("--market {file} --at 2026-02-05T16:00:00Z"));
    let rows = json["forwards"].as_array().unwrap();
    assert!(rows.len() > 20);
    let mut outside: Vec<f64> = rows.iter().filter_map(|row| row["outside_synthetic_bp"].as_f64()).collect();
    outside.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    // The crash: marks may lag quotes. A forward of record that far out of what trades would be a wrong sign somewhere.
    assert!(outside[outside.len() / 2].abs() < 1.0 && outside.last().unwrap().abs() < 60.0, "{outside:?}");
}

#[test]
fn every_form_is_written_and_documented() {
    let scratch = Scratch::empty();
    for args in ["table", "csv --table perpetuals", "html"] {
        let all: Vec<&str> = ["forwards", "--format"].into_iter().chain(args.split_whitespace()).collect();
        let ran = scratch.run(&all);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert!(ran.out.contains("BTC-PERPETUAL"), "{args}");
    }
    assert_on_record(RECORD, &paths(&[forwards(&scratch, "")], &[]));
    assert_documented(RECORD, "## 13. Vol surfaces as JSON");
}
