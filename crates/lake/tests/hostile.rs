//! No bytes make a reader panic: random bytes, valid files with bytes changed, Parquet cut at every length.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

mod common;

use common::{Scratch, book, snapshot};
use lake::{
    Cell, Column, ColumnKind, Select, Table, for_each_row, for_each_snapshot, snapshots, write_parquet,
};
use proptest::prelude::*;
use std::ops::ControlFlow;
use units::Fixed;

/// Every reader of the crate on these bytes; the results do not matter, coming back does.
fn read_every_way(bytes: &[u8]) {
    let file = Scratch::new(".any", bytes);
    let _ = snapshot(file.path(), Select::Last);
    let _ = snapshot(file.path(), Select::AtOrBefore(units::Timestamp::from_unix_nanos(0)));
    let _ = snapshots(file.path(), &mut |_| {});
    let _ = for_each_snapshot(file.path(), &mut |_| ControlFlow::Continue(()), &mut |_| {});
    let _ = book(file.path());
    let _ = for_each_row(file.path(), &mut |_, _| {}, &mut |_| {});
}

const CHAIN_CSV: &str = "timestamp,instrument_name,bid_price,ask_price,mark_price,mark_iv,underlying_price,index_price\n\
    2026-02-05T08:00:00Z,BTC-27MAR26-80000-C,0.01,0.02,0.015,0.55,70000,69900\n\
    2026-02-05T12:00:00Z,BTC-27MAR26-80000-C,,0.03,0.016,0.56,71000,70900\n";
const BOOK_CSV: &str =
    "account,venue,instrument,quantity,asset,amount\na,deribit,BTC-PERPETUAL,1,,\nb,okx,,,\"USD\",2\n";
const BOOK_JSON: &str = r#"{"positions":[{"account":"a","venue":"v","instrument":"BTC-PERPETUAL","quantity":-1.5e2}],
    "balances":[{"account":"a","venue":"v","asset":"BTC","amount":"1"}],"result":[{"instrument_name":"X",
    "creation_timestamp":1770307200000,"mark_iv":50.5,"greeks":{"delta":0.1}}]}"#;

const SERIES_CSV: &str = "ts,open,close\n1577836800,1,2\n1577840400,,\n1577844000,3,-1e-9\n";

/// A file that is a book and, column for column, a market file as well.
fn both_parquet() -> Vec<u8> {
    let text = |name: &str| Column { name: name.into(), kind: ColumnKind::Text };
    let float = |name: &str| Column { name: name.into(), kind: ColumnKind::Float };
    let mut columns = ["account", "venue", "instrument", "timestamp", "instrument_name"].map(text).to_vec();
    columns.push(Column { name: "quantity".into(), kind: ColumnKind::Fixed });
    columns.extend(
        ["bid_price", "ask_price", "mark_price", "mark_iv", "underlying_price", "index_price"].map(float),
    );
    columns.push(Column { name: "volume".into(), kind: ColumnKind::Integer });
    let row = |index: i64| {
        let time = format!("2026-02-0{}T08:00:00Z", 1 + index / 20);
        let symbol = format!("BTC-27MAR26-{}-C", 50_000 + 1000 * index);
        let mut cells = vec![
            Cell::Text("desk".into()),
            Cell::Text("deribit".into()),
            Cell::Text(symbol.clone()),
            Cell::Text(time),
            Cell::Text(symbol),
            Cell::Fixed(Fixed::quantise(1.5).unwrap()),
        ];
        cells.extend([0.01, 0.02, 0.015, 0.5, 70_000.0, 69_900.0].map(Cell::Float));
        cells.push(if index % 3 == 0 { Cell::Null } else { Cell::Integer(index) });
        cells
    };
    let mut bytes = Vec::new();
    write_parquet(&Table { name: "both", columns, rows: (0..60).map(row).collect() }, &mut bytes).unwrap();
    bytes
}

#[test]
fn the_parquet_that_is_damaged_below_is_a_good_book_and_a_good_market_file() {
    let file = Scratch::new(".parquet", &both_parquet());
    let (rows, read) = book(file.path()).unwrap();
    assert_eq!((rows.len(), read.issues.total()), (60, 0));
    let last = snapshot(file.path(), Select::Last).unwrap();
    assert_eq!((last.rows.len(), last.snapshots_in_file, last.issues.total()), (20, 3, 0));
    assert_eq!((last.rows[0].row, last.rows[1].volume), (41, Some(41.0)));
}

#[test]
fn parquet_cut_at_every_length_is_an_error() {
    let bytes = both_parquet();
    for length in 4..bytes.len() {
        let file = Scratch::new(".parquet", &bytes[..length]);
        let error = book(file.path()).expect_err("a cut file is no book").to_string();
        assert!(error.contains("damaged or cut short"), "cut at {length}: {error}");
        assert!(snapshot(file.path(), Select::Last).is_err(), "cut at {length}");
    }
    println!("cut at each of {} lengths: an error each", bytes.len() - 4);
}

#[test]
fn parquet_with_any_one_byte_changed_comes_back() {
    let bytes = both_parquet();
    for place in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[place] ^= 0x55;
        read_every_way(&damaged);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_come_back(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read_every_way(&bytes);
    }

    #[test]
    fn random_bytes_behind_each_magic_come_back(bytes in prop::collection::vec(any::<u8>(), 0..200), magic in 0usize..5) {
        let start: &[u8] = [b"PAR1".as_slice(), b"[", b"{\"result\":[", b"\xEF\xBB\xBF", b"account,venue,asset,amount\n"][magic];
        let mut whole = start.to_vec();
        whole.extend(&bytes);
        if magic == 0 {
            whole.extend(b"PAR1");
        }
        read_every_way(&whole);
    }

    #[test]
    fn valid_text_with_bytes_changed_comes_back(
        which in 0usize..4,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = [CHAIN_CSV, BOOK_CSV, BOOK_JSON, SERIES_CSV][which].as_bytes().to_vec();
        for (place, byte) in edits {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        read_every_way(&bytes);
        read_every_way(&bytes[..cut.index(bytes.len())]);
    }

    #[test]
    fn parquet_with_bytes_changed_comes_back(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = both_parquet();
        for (place, byte) in edits {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        read_every_way(&bytes);
    }
}
