//! The same book from CSV, JSON, JSON Lines and Parquet gives equal rows; numbers keep every digit.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

mod common;

use arrow_array::types::{Decimal128Type, Float64Type, Int64Type};
use arrow_array::{ArrayRef, BooleanArray, PrimitiveArray, RecordBatch, StringArray};
use book::{RawRow, RowKind};
use common::{Scratch, book};
use parquet::arrow::ArrowWriter;
use proptest::prelude::*;
use std::sync::Arc;

fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    );
    let batch = batch.unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

/// account, venue, chain, instrument, quantity, average_price, asset, amount
fn cells(row: &RawRow) -> [&str; 8] {
    let (account, venue, chain) = (row.account.as_str(), row.venue.as_str(), row.chain.as_str());
    match &row.kind {
        RowKind::Position { instrument, quantity, average_price } => {
            [account, venue, chain, instrument, quantity, average_price, "", ""]
        }
        RowKind::Balance { asset, amount } => [account, venue, chain, "", "", "", asset, amount],
    }
}

const NAMES: [&str; 8] =
    ["account", "venue", "chain", "instrument", "quantity", "average_price", "asset", "amount"];

fn as_csv(rows: &[RawRow]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(NAMES).unwrap();
    rows.iter().for_each(|row| writer.write_record(cells(row)).unwrap());
    writer.into_inner().unwrap()
}

fn as_json_rows(rows: &[RawRow]) -> Vec<String> {
    let object = |row: &RawRow| {
        let filled = NAMES.iter().zip(cells(row)).filter(|(_, cell)| !cell.is_empty());
        let keys: Vec<String> = filled
            .map(|(name, cell)| match *name {
                "quantity" | "average_price" | "amount" => format!("\"{name}\":{cell}"),
                _ => format!("\"{name}\":{}", serde_json::Value::from(cell)),
            })
            .collect();
        format!("{{{}}}", keys.join(","))
    };
    rows.iter().map(object).collect()
}

fn as_parquet(rows: &[RawRow]) -> Vec<u8> {
    let column = |place: usize| -> ArrayRef {
        let cell = |row: &RawRow| Some(cells(row)[place].to_owned()).filter(|cell| !cell.is_empty());
        Arc::new(StringArray::from_iter(rows.iter().map(cell)))
    };
    parquet(NAMES.iter().enumerate().map(|(place, name)| (*name, column(place))).collect())
}

fn row() -> impl Strategy<Value = RawRow> {
    let word = "[A-Za-z0-9\"é/-]([A-Za-z0-9,\" é/-]{0,10}[A-Za-z0-9é])?";
    let number = "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,20})?(e-[1-9])?";
    let chain = prop_oneof![Just(String::new()), Just("arbitrum".to_owned())];
    let price = prop_oneof![Just(String::new()), number.prop_map(|text| text)];
    let kind = prop_oneof![
        (word, number, price).prop_map(|(instrument, quantity, average_price)| RowKind::Position {
            instrument,
            quantity,
            average_price
        }),
        (word, number).prop_map(|(asset, amount)| RowKind::Balance { asset, amount }),
    ];
    (word, word, chain, kind).prop_map(|(account, venue, chain, kind)| RawRow {
        row: 0,
        account,
        venue,
        chain,
        kind,
    })
}

fn read_all(suffix: &str, bytes: &[u8]) -> Vec<RawRow> {
    let (rows, read) = book(Scratch::new(suffix, bytes).path()).unwrap();
    assert!(read.issues.is_empty() && read.unknown_columns.is_empty(), "{suffix}: {}", read.issues);
    rows
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn every_format_gives_the_same_rows(mut rows in prop::collection::vec(row(), 1..20)) {
        rows.iter_mut().enumerate().for_each(|(index, row)| row.row = index as u64 + 1);
        let objects = as_json_rows(&rows);
        prop_assert_eq!(&read_all(".csv", &as_csv(&rows)), &rows);
        prop_assert_eq!(&read_all(".parquet", &as_parquet(&rows)), &rows);
        prop_assert_eq!(&read_all(".json", format!("[{}]", objects.join(",\n")).as_bytes()), &rows);
        prop_assert_eq!(&read_all(".jsonl", objects.join("\n").as_bytes()), &rows);
    }
}

#[test]
fn lists_of_a_json_book_are_numbered_each_from_one() {
    let text = r#"{"positions":[{"account":"desk","venue":"deribit","instrument":"BTC-PERPETUAL","quantity":-12500.50},
        {"account":"desk","venue":"deribit","asset":"BTC","amount":"1"}],
        "balances":[{"account":"desk","venue":"deribit","asset":"BTC","amount":"0.10000000000000000001"}, null],
        "comment":"of Friday"}"#;
    let (rows, read) = book(Scratch::new(".json", text.as_bytes()).path()).unwrap();
    let kinds: Vec<_> = rows.iter().map(|row| (row.row, row.kind.clone())).collect();
    let position = RowKind::Position {
        instrument: "BTC-PERPETUAL".into(),
        quantity: "-12500.50".into(),
        average_price: String::new(),
    };
    let balance = RowKind::Balance { asset: "BTC".into(), amount: "0.10000000000000000001".into() };
    assert_eq!(kinds, [(1, position), (1, balance)]);
    let issues: Vec<_> = read.issues.kept().iter().map(|issue| (issue.row, issue.field.as_str())).collect();
    assert_eq!(issues, [(2, "positions"), (2, "balances")]);
    assert_eq!(read.unknown_columns, ["comment"]);
}

#[test]
fn a_json_exponent_may_be_spelled_anew_but_means_the_same() {
    let text = r#"[{"account":"a","venue":"v","asset":"BTC","amount":1.50e2},
                   {"account":"a","venue":"v","asset":"BTC","amount":12345678901234567.000000001E-5}]"#;
    let (rows, _) = book(Scratch::new(".json", text.as_bytes()).path()).unwrap();
    let amounts: Vec<&str> = rows.iter().map(|row| cells(row)[7]).collect();
    assert_eq!(amounts, ["1.50e+2", "12345678901234567.000000001e-5"]);
    let read: Vec<units::Quantity> = amounts.iter().map(|text| text.parse().unwrap()).collect();
    let meant: Vec<units::Quantity> =
        ["150", "123456789012.34567000000001"].iter().map(|text| text.parse().unwrap()).collect();
    assert_eq!(read, meant);
}

#[test]
fn a_row_is_a_position_or_a_balance_and_never_both_or_neither() {
    let text = "account,venue,instrument,quantity,asset,amount,desk\n\
                a,v,BTC-PERPETUAL,1,,,x\na,v,BTC-PERPETUAL,1,BTC,2,x\na,v,,,,,x\na,v,,,BTC,2,x\n";
    let (rows, read) = book(Scratch::new(".csv", text.as_bytes()).path()).unwrap();
    assert_eq!(rows.iter().map(|row| row.row).collect::<Vec<_>>(), [1, 4]);
    let issues: Vec<_> = read.issues.kept().iter().map(|issue| issue.row).collect();
    assert_eq!(issues, [2, 3]);
    assert_eq!(read.unknown_columns, ["desk"]);
}

#[test]
fn parquet_numbers_of_each_type_keep_their_digits() {
    let text = |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec![value, value])) };
    let floats: ArrayRef = Arc::new(PrimitiveArray::<Float64Type>::from(vec![Some(0.1), None]));
    let decimals = PrimitiveArray::<Decimal128Type>::from(vec![-123_450_000_000_001i128, 5]);
    let decimals: ArrayRef = Arc::new(decimals.with_precision_and_scale(38, 12).unwrap());
    let whole: ArrayRef = Arc::new(PrimitiveArray::<Int64Type>::from(vec![-3i64, 9_007_199_254_740_993]));
    let expected = [
        (floats, ["0.1", ""]),
        (decimals, ["-123.450000000001", "0.000000000005"]),
        (whole, ["-3", "9007199254740993"]),
    ];
    for (amounts, texts) in expected {
        let columns =
            vec![("account", text("a")), ("Venue", text("v")), ("asset", text("BTC")), ("amount", amounts)];
        let (rows, read) = book(Scratch::new(".parquet", &parquet(columns)).path()).unwrap();
        assert!(read.issues.is_empty());
        let amounts: Vec<_> = rows.iter().map(|row| cells(row)[7]).collect();
        assert_eq!(amounts, texts);
    }
}

#[test]
fn a_parquet_column_of_a_foreign_type_is_named() {
    let text = |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec![value])) };
    let dates: ArrayRef = Arc::new(arrow_array::Date32Array::from(vec![1]));
    let columns = vec![("account", text("a")), ("venue", text("v")), ("asset", dates), ("amount", text("1"))];
    let error = book(Scratch::new(".parquet", &parquet(columns)).path()).unwrap_err().to_string();
    assert!(error.contains("column 'asset' has type Date32"), "{error}");

    let flags: ArrayRef = Arc::new(BooleanArray::from(vec![true]));
    let columns =
        vec![("account", text("a")), ("venue", text("v")), ("asset", text("BTC")), ("amount", flags)];
    let (rows, read) = book(Scratch::new(".parquet", &parquet(columns)).path()).unwrap();
    assert!(rows.is_empty());
    assert_eq!(
        (read.issues.kept()[0].field.as_str(), read.issues.kept()[0].value.as_str()),
        ("amount", "true")
    );
}
