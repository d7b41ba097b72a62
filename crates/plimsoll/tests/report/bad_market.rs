//! Bad rows of a market: as for books, and the rest of the market is used when asked to.

use crate::support::{SAMPLE_TIME, Scratch, chain_column, chain_csv, chain_rows, sample_market};
use arrow_array::types::Float64Type;
use arrow_array::{ArrayRef, BooleanArray, ListArray, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use std::sync::Arc;

/// One cell changed: its name, where, to what, and the rule that standard error must name.
struct Fault {
    name: &'static str,
    column: &'static str,
    value: &'static str,
    rule: &'static str,
}

const fn fault(
    name: &'static str,
    (column, value): (&'static str, &'static str),
    rule: &'static str,
) -> Fault {
    Fault { name, column, value, rule }
}

const FAULTS: [Fault; 17] = [
    fault("NaN mark", ("mark_price", "NaN"), "a price is a finite number of at least zero"),
    fault("infinite mark", ("mark_price", "inf"), "a price is a finite number of at least zero"),
    fault("negative mark", ("mark_price", "-0.01"), "a price is a finite number of at least zero"),
    fault("no mark", ("mark_price", ""), "an option needs its mark price"),
    fault("word for a mark", ("mark_price", "abc"), "not a number"),
    fault("decimal comma", ("mark_price", "\"0,05\""), "not a number"),
    fault("negative vol", ("mark_iv", "-0.5"), "a fraction from 0 to 10"),
    fault("vol in percent", ("mark_iv", "48.3"), "a fraction from 0 to 10"),
    fault("NaN vol", ("mark_iv", "NaN"), "a fraction from 0 to 10"),
    fault("zero forward", ("underlying_price", "0"), "a forward is greater than zero"),
    fault("infinite forward", ("underlying_price", "inf"), "a forward is greater than zero"),
    fault("negative index", ("index_price", "-5"), "a spot price is greater than zero"),
    fault("strike of another contract", ("strike", "12345"), "must equal the strike in instrument_name"),
    fault("put for a call", ("option_type", "straddle"), "call or put, as in instrument_name"),
    fault("negative bid", ("bid_price", "-1"), "a price is a finite number of at least zero"),
    fault("unknown symbol", ("instrument_name", "BTC-99XYZ26-1-C"), "is not a settlement day"),
    fault("no time", ("timestamp", "yesterday"), "not an instant"),
];

/// The sample chain with a fault in each of these rows, from the 40th: options that the sample book does not hold.
fn broken(scratch: &Scratch) -> Vec<(usize, &'static Fault)> {
    let mut rows = chain_rows(SAMPLE_TIME);
    let held = crate::support::sample_book();
    let spare: Vec<usize> = (0..rows.len())
        .filter(|row| {
            let name = &rows[*row][chain_column("instrument_name")];
            !rows[*row][chain_column("strike")].is_empty() && !held.contains(name.as_str())
        })
        .collect();
    let mut places = Vec::new();
    for (fault, row) in FAULTS.iter().zip(spare) {
        rows[row][chain_column(fault.column)] = fault.value.into();
        places.push((row, fault));
    }
    scratch.write("bad.csv", chain_csv(&rows));
    let bad: Vec<usize> = places.iter().map(|(row, _)| *row).collect();
    let sound = rows.iter().enumerate().filter(|(row, _)| !bad.contains(row)).map(|(_, row)| row.clone());
    scratch.write("sound.csv", chain_csv(&sound.collect::<Vec<_>>()));
    places
}

#[test]
fn all_faults_are_named_by_file_row_field_value_and_rule_at_once() {
    let scratch = Scratch::sample();
    let places = broken(&scratch);
    let ran = scratch.report("book.csv --market bad.csv");
    ran.refuses(3, &[&format!("bad rows: {}; sound", FAULTS.len())]);
    for (row, fault) in places {
        let shown = fault.value.trim_matches('"');
        let value = if shown.is_empty() { String::new() } else { format!(" = '{shown}'") };
        let start = format!("bad.csv row {}, {}{value}: ", row + 1, fault.column);
        let found = ran.err.lines().any(|line| line.starts_with(&start) && line.contains(fault.rule));
        assert!(found, "{}: wanted '{start}... {}' in\n{}", fault.name, fault.rule, ran.err);
    }
}

#[test]
fn what_remains_of_the_market_is_used_when_asked_to() {
    let scratch = Scratch::sample();
    broken(&scratch);
    let whole = scratch.exposure("book.csv --market sound.csv", 0);
    let mut partial = scratch.exposure("book.csv --market bad.csv --allow-partial", 4);
    assert_eq!(partial.last().unwrap()[0], "partial total");
    partial.last_mut().unwrap()[0] = "total".into();
    assert_eq!(partial, whole);
    let table = scratch.report("book.csv --market bad.csv --allow-partial");
    assert!(
        table
            .out
            .starts_with("PARTIAL: 0 of 35 positions and balances not valued, 17 bad input rows left out")
    );
}

#[test]
fn of_rows_of_one_instrument_and_time_none_is_used_whatever_their_order() {
    let scratch = Scratch::sample();
    let mut rows = chain_rows(SAMPLE_TIME);
    let mut twin = rows[50].clone();
    twin[chain_column("mark_iv")] = "0.9".into();
    rows.push(twin);
    scratch.write("chain.csv", chain_csv(&rows));
    let last = rows.len();
    let name = &rows[50][chain_column("instrument_name")];
    scratch.report("book.csv --market chain.csv").refuses(
        3,
        &[
            "bad rows: 2;",
            &format!(
                "chain.csv row 51, instrument_name = '{name}': this instrument has several rows of one time"
            ),
            &format!("chain.csv row {last}, instrument_name = '{name}'"),
        ],
    );
    let args = "book.csv --market chain.csv --allow-partial --group-by venue,expiry";
    let forwards = scratch.exposure(args, 4);
    rows.reverse();
    scratch.write("chain.csv", chain_csv(&rows));
    assert_eq!(scratch.exposure(args, 4), forwards);
}

#[test]
fn a_later_row_replaces_earlier_ones_wherever_it_stands() {
    let scratch = Scratch::sample();
    // Rows of a book summary have times of their own: the last option is refreshed one second later, its old row twice.
    let market = sample_market();
    let lines: Vec<&str> = market.lines().collect();
    let row = lines.iter().position(|line| line.contains("\"BTC-27NOV26-92000-C\"")).unwrap();
    let old = lines[row].trim_end_matches([',', ']', '}']).to_owned();
    let old = if old.ends_with('}') { old } else { lines[row].trim_end_matches(',').to_owned() };
    let newer = old.replace("1795176000000", "1795176001000").replace("\"mark_iv\":", "\"mark_iv\":1");
    let with = |extra: [&str; 3]| {
        let mut rows = lines.clone();
        let joined = extra.map(|line| format!("{line},")).join("\n");
        rows[row] = &joined;
        rows.join("\n")
    };
    let args = "book.csv --market market.json --group-by expiry";
    scratch.write("market.json", with([&old, &old, &newer]));
    let last = scratch.exposure(args, 0);
    scratch.write("market.json", with([&newer, &old, &old]));
    assert_eq!(scratch.exposure(args, 0), last);
}

#[test]
fn a_book_summary_in_json_has_its_faults_named_too() {
    let scratch = Scratch::sample();
    let market = sample_market();
    let lines: Vec<&str> = market.lines().collect();
    let negative = lines[4].replacen("\"mark_iv\":", "\"mark_iv\":-", 1);
    let words = lines[5].replacen("\"mark_price\":", "\"mark_price\":\"n/a\",\"was\":", 1);
    let mut rows = lines.clone();
    (rows[4], rows[5]) = (&negative, &words);
    scratch.write("market.json", rows.join("\n"));
    scratch.report("book.csv --market market.json").refuses(
        3,
        &[
            "bad rows: 2;",
            "market.json row 4, mark_iv = '-0.6",
            "market.json row 5, mark_price = 'n/a': not a number",
        ],
    );
}

/// A Parquet file of one row group.
fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

/// The sample chain as text columns, one of them replaced.
fn chain_parquet(replaced: Option<(&str, &ArrayRef)>) -> Vec<u8> {
    const NAMES: [&str; 8] = [
        "timestamp",
        "instrument_name",
        "bid_price",
        "ask_price",
        "mark_price",
        "mark_iv",
        "underlying_price",
        "index_price",
    ];
    let rows = chain_rows(SAMPLE_TIME);
    let text = |name: &str| -> ArrayRef {
        Arc::new(rows.iter().map(|row| Some(row[chain_column(name)].as_str())).collect::<StringArray>())
    };
    let column = |name| match replaced {
        Some((which, array)) if which == name => Arc::clone(array),
        _ => text(name),
    };
    parquet(NAMES.map(|name| (name, column(name))).into())
}

#[test]
fn a_market_that_cannot_be_used_at_all_says_why() {
    let scratch = Scratch::chain();
    let chain = scratch.text("chain.csv");
    let whole = chain_parquet(None);
    let rows = chain_rows(SAMPLE_TIME).len();
    let lists = ListArray::from_iter_primitive::<Float64Type, _, _>((0..rows).map(|_| Some([Some(1.0)])));
    let lists: ArrayRef = Arc::new(lists);
    let header = chain.lines().next().unwrap();
    for (name, bytes, words) in [
        ("empty file", Vec::new(), "the file is empty"),
        ("header only", header.into(), "no rows of data"),
        ("missing column", chain.replacen(",mark_iv,", ",vol,", 1).into(), "missing column 'mark_iv'"),
        ("no readable time", chain.replace(SAMPLE_TIME, "soon").into(), "no row has a readable time"),
        ("cut JSON", sample_market()[..50_000].into(), "the JSON ends too early"),
        ("cut Parquet", whole[..whole.len() / 2].into(), "damaged or cut short"),
        ("Parquet without its head", [b"PAR1", &whole[whole.len() / 2..]].concat(), "market"),
        ("wrong type", chain_parquet(Some(("mark_price", &lists))), "column 'mark_price' has type List"),
        (
            "an answer that is an error",
            br#"{"error":{"code":10028,"message":"too_many_requests"}}"#.into(),
            "too_many_requests",
        ),
    ] {
        scratch.write("market", bytes);
        let ran = scratch.report("book.csv --market market");
        assert_eq!((ran.code, ran.out.as_str()), (3, ""), "{name}: {}", ran.err);
        assert!(ran.err.starts_with("plimsoll: market") && ran.err.contains(words), "{name}: {}", ran.err);
        let ran = scratch.report("book.csv --market market --allow-partial");
        assert_eq!(ran.code, 3, "{name}: without any market nothing can be valued");
    }
    scratch.write("market", whole);
    let from_parquet = scratch.exposure("book.csv --market market", 0);
    assert_eq!(
        from_parquet,
        scratch.exposure("book.csv --market chain.csv", 0),
        "the same market in two formats"
    );
}

#[test]
fn a_cell_of_the_wrong_type_in_parquet_names_its_row_and_field() {
    let scratch = Scratch::sample();
    let rows = chain_rows(SAMPLE_TIME).len();
    let flags: ArrayRef = Arc::new(BooleanArray::from(vec![true; rows]));
    scratch.write("market", chain_parquet(Some(("mark_price", &flags))));
    let ran = scratch.report("book.csv --market market");
    ran.refuses(3, &[&format!("bad rows: {rows};"), "market row 1, mark_price = 'true': not a number"]);
}

#[test]
fn damaged_parquet_never_panics() {
    let scratch = Scratch::sample();
    let whole = chain_parquet(None);
    for place in (4..whole.len()).step_by(whole.len() / 40) {
        let mut bytes = whole.clone();
        bytes[place] ^= 0xFF;
        scratch.write("market", bytes);
        let ran = scratch.report("book.csv --market market --allow-partial");
        assert!([0, 3, 4].contains(&ran.code), "byte {place}: exit {}: {}", ran.code, ran.err);
        assert!(!ran.err.contains("panicked"), "byte {place}: {}", ran.err);
    }
}
