//! All formats say the same: totals of the exact table, JSON, CSV and Parquet are equal to the last digit.

use crate::support::{Scratch, column, csv_rows, quanta};
use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Int64Type};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

const ARGS: &str = "book.csv --market market.json";
const TABLES: [&str; 11] = [
    "exposure",
    "positions",
    "unpriced",
    "ladder",
    "curve",
    "stress",
    "reconciliation",
    "breaks",
    "hedge",
    "forwards",
    "smile",
];

/// The rows of a Parquet file as one batch.
fn parquet(scratch: &Scratch, name: &str) -> RecordBatch {
    let file = std::fs::File::open(scratch.path(name)).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    let [batch] = batches.as_slice() else { panic!("{name}: {} batches", batches.len()) };
    batch.clone()
}

#[test]
fn the_totals_of_every_format_are_equal_to_the_last_digit() {
    let scratch = Scratch::sample();
    let csv = scratch.exposure(ARGS, 0);
    let first = column(&csv, "value_usd");
    let measures = &csv[0][first..first + 11];
    let total: Vec<i128> = csv.last().unwrap()[first..first + 11].iter().map(|cell| quanta(cell)).collect();
    assert!(total.iter().all(|figure| *figure != 0), "a total of zero would prove nothing");

    let table = scratch.report(&format!("{ARGS} --exact")).succeeds();
    let line = table.lines().find(|line| line.trim_start().starts_with("total ")).unwrap();
    let shown: Vec<i128> =
        line.split_whitespace().skip(1).map(|cell| quanta(&cell.replace('\u{2212}', "-"))).collect();
    assert_eq!(shown, total, "--exact");

    let json = scratch.report(&format!("{ARGS} --format json")).json();
    let in_json: Vec<i128> =
        measures.iter().map(|key| quanta(json["total"]["usd"][key].as_str().unwrap())).collect();
    assert_eq!(in_json, total, "JSON");

    scratch.report(&format!("{ARGS} --format parquet --table exposure --output exposure.parquet")).succeeds();
    let batch = parquet(&scratch, "exposure.parquet");
    let last = batch.num_rows() - 1;
    let in_parquet: Vec<i128> = measures
        .iter()
        .map(|key| batch.column_by_name(key).unwrap().as_primitive::<Decimal128Type>().value(last))
        .collect();
    assert_eq!(in_parquet, total, "Parquet holds multiples of 1e-12");
    assert_eq!(batch.column_by_name("level").unwrap().as_string::<i32>().value(last), "total");
    assert_eq!(batch.column_by_name("rows").unwrap().as_primitive::<Int64Type>().value(last), 35);
}

#[test]
fn every_table_has_the_same_rows_and_columns_as_csv_and_as_parquet_alone_or_in_a_folder() {
    let scratch = Scratch::sample();
    scratch.report(&format!("{ARGS} --format csv --output csv")).succeeds();
    scratch.report(&format!("{ARGS} --format parquet --output parquet")).succeeds();
    for name in TABLES {
        let text = scratch.text(&format!("csv/{name}.csv"));
        let alone = scratch.report(&format!("{ARGS} --format csv --table {name}")).succeeds();
        assert_eq!(text, alone, "{name}");
        let batch = parquet_or_empty(&scratch, &format!("parquet/{name}.parquet"));
        let header: Vec<String> = text.lines().next().unwrap().split(',').map(str::to_owned).collect();
        let names: Vec<String> = batch.0;
        assert_eq!(names, header, "{name}");
        assert_eq!(batch.1, text.lines().count() - 1, "{name}: no cell of the sample spans lines");
    }
    let entries = std::fs::read_dir(scratch.path("csv")).unwrap().count();
    assert_eq!(entries, TABLES.len(), "no other file is written");
}

/// Column names and the number of rows; a table without rows has no batch.
fn parquet_or_empty(scratch: &Scratch, name: &str) -> (Vec<String>, usize) {
    let file = std::fs::File::open(scratch.path(name)).unwrap();
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let names = builder.schema().fields().iter().map(|field| field.name().clone()).collect();
    (names, builder.build().unwrap().map(|batch| batch.unwrap().num_rows()).sum())
}

#[test]
fn positions_of_json_are_those_of_csv() {
    let scratch = Scratch::sample();
    let csv = csv_rows(&scratch.report(&format!("{ARGS} --format csv --table positions")).succeeds());
    let json = scratch.report(&format!("{ARGS} --format json")).json();
    let rows = json["positions"].as_array().unwrap();
    assert_eq!(rows.len(), csv.len() - 1);
    for (row, cells) in rows.iter().zip(&csv[1..]) {
        for key in ["account", "venue", "chain", "instrument", "contract", "kind", "underlying", "quantity"] {
            assert_eq!(row[key].as_str().unwrap(), cells[column(&csv, key)], "{key}");
        }
        for unit in ["usd", "coins"] {
            for (key, figure) in row[unit].as_object().unwrap() {
                assert_eq!(quanta(figure.as_str().unwrap()), quanta(&cells[column(&csv, key)]), "{key}");
            }
        }
    }
}
