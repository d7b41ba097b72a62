//! Tables come back from Parquet bit for bit, and the same table is the same bytes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float64Type, Int64Type};
use lake::{Cell, Column, ColumnKind, Table, write_csv, write_parquet};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::prelude::*;
use std::fs::File;
use units::Fixed;

fn columns() -> Vec<Column> {
    [
        ("account", ColumnKind::Text),
        ("vega_usd_per_point", ColumnKind::Fixed),
        ("mark_vol", ColumnKind::Float),
        ("rows", ColumnKind::Integer),
    ]
    .map(|(name, kind)| Column { name: name.into(), kind })
    .to_vec()
}

fn cells() -> impl Strategy<Value = Vec<Cell>> {
    let or_null = |cell: BoxedStrategy<Cell>| prop_oneof![4 => cell, 1 => Just(Cell::Null)];
    (
        or_null(".{0,12}".prop_map(Cell::Text).boxed()),
        or_null((-1e20..1e20f64).prop_map(|number| Cell::Fixed(Fixed::quantise(number).unwrap())).boxed()),
        or_null(any::<f64>().prop_map(Cell::Float).boxed()),
        or_null(any::<i64>().prop_map(Cell::Integer).boxed()),
    )
        .prop_map(|(text, fixed, float, integer)| vec![text, fixed, float, integer])
}

fn parquet(table: &Table) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_parquet(table, &mut bytes).unwrap();
    bytes
}

fn read_back(bytes: &[u8]) -> Vec<Vec<Cell>> {
    let path = std::env::temp_dir().join(format!("lake-tables-{}.parquet", std::process::id()));
    std::fs::write(&path, bytes).unwrap();
    let reader =
        ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap().build().unwrap();
    let mut rows = Vec::new();
    for batch in reader {
        let batch = batch.unwrap();
        let (text, fixed) =
            (batch.column(0).as_string::<i32>(), batch.column(1).as_primitive::<Decimal128Type>());
        let (float, integer) =
            (batch.column(2).as_primitive::<Float64Type>(), batch.column(3).as_primitive::<Int64Type>());
        let cell = |null: bool, cell: Cell| if null { Cell::Null } else { cell };
        for row in 0..batch.num_rows() {
            let raw = fixed.is_valid(row).then(|| fixed.value_as_string(row));
            rows.push(vec![
                cell(text.is_null(row), Cell::Text(text.value(row).into())),
                raw.map_or(Cell::Null, Cell::Text),
                cell(float.is_null(row), Cell::Float(float.value(row))),
                cell(integer.is_null(row), Cell::Integer(integer.value(row))),
            ]);
        }
    }
    std::fs::remove_file(&path).unwrap();
    rows
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_table_comes_back_from_parquet_bit_for_bit(rows in prop::collection::vec(cells(), 0..40)) {
        let table = Table { name: "exposure", columns: columns(), rows };
        let bytes = parquet(&table);
        prop_assert_eq!(&bytes, &parquet(&table), "the same table is the same bytes");
        // Measures are compared as decimal text with all 12 places.
        let expected: Vec<Vec<Cell>> = table.rows.iter().map(|row| row.iter().map(|cell| match cell {
            Cell::Fixed(fixed) => Cell::Text(fixed.to_string()),
            cell => cell.clone(),
        }).collect()).collect();
        let back = read_back(&bytes);
        prop_assert_eq!(format!("{back:?}"), format!("{expected:?}"));
    }

    #[test]
    fn a_csv_has_one_record_a_row_whatever_the_text(rows in prop::collection::vec(cells(), 0..20)) {
        let table = Table { name: "exposure", columns: columns(), rows };
        let mut bytes = Vec::new();
        write_csv(&table, &mut bytes).unwrap();
        let mut reader = csv::Reader::from_reader(bytes.as_slice());
        let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        prop_assert_eq!(records.len(), table.rows.len());
        for (record, row) in records.iter().zip(&table.rows) {
            prop_assert!(!record.get(0).unwrap().starts_with(['=', '+', '-', '@', '\t', '\r']));
            if let Cell::Integer(number) = row[3] {
                prop_assert_eq!(record.get(3).unwrap().parse::<i64>().unwrap(), number);
            }
        }
    }
}

#[test]
fn a_cell_of_the_wrong_kind_is_an_error_and_nothing_is_written() {
    let rows = vec![vec![Cell::Text("desk".into()), Cell::Float(1.0), Cell::Null, Cell::Null]];
    let mut bytes = Vec::new();
    let error = write_parquet(&Table { name: "exposure", columns: columns(), rows }, &mut bytes).unwrap_err();
    assert_eq!(
        error.to_string(),
        "table exposure row 1, column 'vega_usd_per_point': a cell has the kind of its column"
    );
    assert!(bytes.is_empty());
}
