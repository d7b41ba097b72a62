//! Each kind of bad file has a name here and an error that says file, row, field, rule and how to mend it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

mod common;

use common::{Scratch, book, snapshot};
use lake::{LakeError, Select, for_each_snapshot, snapshots};
use market::{Layout, RawSnapshot};
use std::ops::ControlFlow;

const HEADER: &str =
    "timestamp,instrument_name,bid_price,ask_price,mark_price,mark_iv,underlying_price,index_price,strike\n";
const FIRST: &str = "2026-02-05T08:00:00Z,BTC-27MAR26-80000-C,0.01,0.02,0.015,0.55,70000,69900,80000\n";
const SECOND: &str = "2026-02-05T12:00:00Z,BTC-27MAR26-80000-C,,0.03,0.016,0.56,71000,70900,80000\n";

fn market(text: impl AsRef<[u8]>) -> Result<RawSnapshot, LakeError> {
    snapshot(Scratch::new(".csv", text.as_ref()).path(), Select::Last)
}

fn market_error(text: impl AsRef<[u8]>) -> String {
    market(text).unwrap_err().to_string()
}

fn book_error(text: impl AsRef<[u8]>) -> String {
    book(Scratch::new(".csv", text.as_ref()).path()).unwrap_err().to_string()
}

fn check(case: &str, message: &str, wanted: &[&str]) {
    for part in wanted {
        assert!(message.contains(part), "{case}: '{part}' is absent from: {message}");
    }
}

#[test]
fn files_that_are_no_data_are_refused_by_what_they_are() {
    let utf16: Vec<u8> = "\u{feff}account,venue".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let cases: [(&str, &[u8], &str); 9] = [
        ("empty", b"", "the file is empty"),
        ("blank", b"  \n\n", "the file has no header"),
        ("torn gzip", b"\x1f\x8b\x08\x00rest", "cannot unpack"),
        ("zstd", b"\x28\xb5\x2f\xfdrest", "compressed with zstd"),
        ("spreadsheet", b"PK\x03\x04rest", "save the sheet as CSV"),
        ("utf-16", &utf16, "UTF-16; save it as UTF-8"),
        ("binary", b"abc\0def", "zero bytes"),
        ("latin-1 header", b"account,venue,inst\xe9\n", "the header is not text in UTF-8"),
        ("magic only", b"PAR1", "damaged or cut short"),
    ];
    for (case, bytes, wanted) in cases {
        check(case, &market_error(bytes), &[wanted]);
        check(case, &book_error(bytes), &[wanted]);
    }
    let folder = std::env::temp_dir();
    check("folder", &snapshot(&folder, Select::Last).unwrap_err().to_string(), &["this is a folder"]);
    let absent = folder.join("lake-no-such-file");
    check(
        "absent",
        &snapshot(&absent, Select::Last).unwrap_err().to_string(),
        &["lake-no-such-file: cannot open"],
    );
}

#[test]
fn what_is_packed_with_gzip_is_text_and_packed_once() {
    let packed = |bytes: &[u8]| {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut packer, bytes).unwrap();
        packer.finish().unwrap()
    };
    let cases: [(&str, &[u8], &str); 5] = [
        ("nothing", b"", "nothing is inside"),
        ("Parquet", b"PAR1rest", "Parquet packed with gzip"),
        ("gzip", &packed(b"account,venue"), "packed with gzip twice"),
        ("zstd", b"\x28\xb5\x2f\xfdrest", "compressed with zstd"),
        ("binary", b"abc\0def", "zero bytes"),
    ];
    for (case, bytes, wanted) in cases {
        check(case, &market_error(packed(bytes)), &[wanted]);
    }
    // The ceiling of a row counts unpacked bytes: 20 MB of one row are 20 kB of gzip.
    let endless = [HEADER.as_bytes(), b"\"", &vec![b'x'; 20 << 20]].concat();
    check("endless row", &market_error(packed(&endless)), &["row 1", "longer than 16 MiB"]);
}

#[test]
fn header_only_files_say_that_they_have_no_rows() {
    check("market", &market_error(HEADER), &["no rows of data"]);
    check("book", &book_error("account,venue,instrument,quantity\n"), &["no rows of data"]);
    check("json", &book_error("{\"positions\":[],\"balances\":[]}"), &["no rows of data"]);
    check("json list", &market_error("[]"), &["no rows of data"]);
}

#[test]
fn missing_columns_are_all_named_with_the_layouts_that_exist() {
    let text = market_error("timestamp,instrument_name,mark_iv\n");
    check(
        "market",
        &text,
        &["'bid_price'", "'ask_price'", "'index_price'", "tickers (", "perpetual prices ("],
    );
    check("book", &book_error("account,quantity\nx,1\n"), &["'venue', 'instrument'", "asset, amount"]);
    check("half a balance", &book_error("account,venue,asset\nx,y,BTC\n"), &["missing column 'amount'"]);
    check("semicolons", &book_error("account;venue;asset;amount\n"), &["separated by commas"]);
    let twice = book_error("account,venue,asset,amount,Amount\na,v,BTC,1,2\n");
    check("twice", &twice, &["column 'amount' appears twice"]);
}

#[test]
fn every_bad_cell_is_an_issue_and_its_row_is_left_out() {
    let rows = "2026-02-05T12:00:00Z,BTC-27MAR26-90000-C,\"0,01\",n/a,0.1,0.5,70000,69900,90000\n\
                2026-02-05T12:00:00Z,,0.01,0.02,0.1,0.5,70000,69900,90000\n";
    let read = market(format!("{HEADER}{SECOND}{rows}")).unwrap();
    assert_eq!(read.rows.iter().map(|row| row.row).collect::<Vec<_>>(), [1]);
    let found: Vec<_> = read
        .issues
        .kept()
        .iter()
        .map(|issue| (issue.row, issue.field.as_str(), issue.value.as_str()))
        .collect();
    assert_eq!(found, [(2, "bid_price", "0,01"), (2, "ask_price", "n/a"), (3, "instrument_name", "")]);
    check("rule", &read.issues.kept()[0].rule, &["without thousands separators"]);
}

#[test]
fn issues_of_other_snapshots_do_not_spoil_the_chosen_one_but_rows_without_a_time_do() {
    let bad = FIRST.replace("0.01,", "x,");
    let read = market(format!("{HEADER}{bad}{SECOND}")).unwrap();
    assert!(read.issues.is_empty());
    assert_eq!(read.snapshots_in_file, 2);
    let no_time = FIRST.replace("2026-02-05T08:00:00Z", "yesterday");
    let read = market(format!("{HEADER}{no_time}{SECOND}")).unwrap();
    assert_eq!((read.issues.total(), read.issues.kept()[0].field.as_str()), (1, "timestamp"));
    check(
        "no time at all",
        &market_error(format!("{HEADER}{no_time}")),
        &["no row has a readable time", "yesterday"],
    );
}

#[test]
fn ragged_rows_open_quotes_and_foreign_bytes_are_issues_with_their_row() {
    let ragged = "2026-02-05T12:00:00Z,BTC-27MAR26-80000-C,0.01\n";
    let read = market(format!("{HEADER}{ragged}{SECOND}")).unwrap();
    assert_eq!(read.issues.kept()[0].row, 1);
    check("ragged", &read.issues.to_string(), &["3 cells, the header has 9", "missing comma"]);

    let (rows, read) = book(
        Scratch::new(".csv", b"account,venue,asset,amount,note\na,v,BTC,1,\"x\nb,v,ETH,2,\nc,v,ETH,3,\n")
            .path(),
    )
    .unwrap();
    assert!(rows.is_empty(), "the open quote swallowed the rows below, which is said and not passed over");
    check("open quote", &read.issues.to_string(), &["row 1", "a quote is not closed"]);

    let (rows, read) =
        book(Scratch::new(".csv", b"account,venue,asset,amount\n\xff,v,BTC,1\nb,v,ETH,2\n").path()).unwrap();
    assert_eq!((rows.len(), rows[0].row), (1, 2));
    check("foreign bytes", &read.issues.to_string(), &["row 1, account", "save the file as UTF-8"]);
}

#[test]
fn nan_stays_nan_and_an_empty_cell_is_absent() {
    let row = SECOND.replace("0.016", "NaN");
    let read = market(format!("{HEADER}{row}")).unwrap();
    assert!(read.rows[0].mark_price.unwrap().is_nan());
    assert_eq!(read.rows[0].bid_price, None);
    assert!(read.issues.is_empty());
}

#[test]
fn a_time_before_the_first_snapshot_says_first_last_and_count() {
    let file = Scratch::new(".csv", format!("{HEADER}{FIRST}{SECOND}").as_bytes());
    let error =
        snapshot(file.path(), Select::AtOrBefore("2026-02-05".parse().unwrap())).unwrap_err().to_string();
    check("early", &error, &["the file has 2", "from 2026-02-05T08:00:00Z to 2026-02-05T12:00:00Z"]);
    let between = Select::AtOrBefore("2026-02-05T11:59:59Z".parse().unwrap());
    assert_eq!(snapshot(file.path(), between).unwrap().rows[0].row, 1);
}

#[test]
fn rows_of_a_snapshot_need_not_stand_together_to_be_chosen_but_must_to_be_streamed() {
    let file = Scratch::new(".csv", format!("{HEADER}{SECOND}{FIRST}{SECOND}").as_bytes());
    let read = snapshot(file.path(), Select::Last).unwrap();
    assert_eq!((read.rows.len(), read.snapshots_in_file), (2, 2));
    assert_eq!(snapshots(file.path(), &mut |_| {}).unwrap().snapshots[1].rows, 2);
    let mut handed = 0;
    let mut visit = |_| {
        handed += 1;
        ControlFlow::Continue(())
    };
    let error = for_each_snapshot(file.path(), &mut visit, &mut |_| {}).unwrap_err().to_string();
    check("unsorted", &error, &["row 2", "sort the rows by timestamp"]);
    assert_eq!(handed, 0, "nothing is handed over out of a file that is not in order");
}

#[test]
fn header_case_blanks_byte_order_mark_and_windows_line_ends_are_accepted() {
    let text = format!("\u{feff}{}{SECOND}", HEADER.replace("mark_iv", " Mark_IV ")).replace('\n', "\r\n");
    let read = market(text).unwrap();
    assert_eq!(
        (read.layout, read.rows[0].mark_vol, read.rows[0].strike),
        (Layout::Chain, Some(0.56), Some(80000.0))
    );
}

const SUMMARY: &str = r#"{"jsonrpc":"2.0","usIn":1,"result":[
  {"instrument_name":"BTC-27MAR26-80000-C","creation_timestamp":1770307200000,"mark_price":0.05,"mark_iv":48.25,
   "bid_price":null,"ask_price":0.051,"mid_price":null,"underlying_price":70500.5,"underlying_index":"BTC-27MAR26",
   "estimated_delivery_price":70000.25,"open_interest":12.5,"volume":0.0,"interest_rate":0,
   "greeks":{"delta":0.25,"gamma":0.00001,"vega":91.5,"theta":-40.5,"rho":20.5}},
  {"instrument_name":"BTC-PERPETUAL","creation_timestamp":1770307201000,"mark_price":70010.5,"index_price":70001,
   "estimated_delivery_price":70000.25,"funding_8h":0.0001,"current_funding":0.0}]}"#;

#[test]
fn the_book_summary_of_the_exchange_is_read_with_or_without_its_envelope() {
    let list: String = SUMMARY.split_once("\"result\":").unwrap().1.trim_end_matches('}').to_owned();
    for text in [SUMMARY.to_owned(), list] {
        let read = market(&text).unwrap();
        assert_eq!((read.layout, read.rows.len(), read.issues.total()), (Layout::BookSummary, 2, 0));
        assert_eq!(read.asof, units::Timestamp::from_unix_millis(1_770_307_201_000).unwrap());
        let (option, perpetual) = (&read.rows[0], &read.rows[1]);
        assert_eq!((option.mark_vol, option.bid_price, option.ask_price), (Some(0.4825), None, Some(0.051)));
        assert_eq!((option.index_price, option.underlying_price), (Some(70000.25), Some(70500.5)));
        assert_eq!(
            (option.delta, option.vega_per_point, option.theta_per_day),
            (Some(0.25), Some(91.5), Some(-40.5))
        );
        assert_eq!((option.gamma, option.rho_per_1pct), (Some(1e-5), Some(20.5)));
        assert_eq!((perpetual.index_price, perpetual.funding_rate_8h), (Some(70001.0), Some(0.0001)));
    }
}

#[test]
fn bad_json_says_where_and_what() {
    let cases = [
        ("cut", &SUMMARY[..200], "the JSON ends too early"),
        ("no row", "[1, 2]", "a row is an object"),
        (
            "exchange error",
            r#"{"jsonrpc":"2.0","error":{"code":10028,"message":"too_many_requests"}}"#,
            "too_many_requests",
        ),
        ("other object", r#"{"foo": 1}"#, "the object is no row and has no list 'result'"),
        ("trailing", "[] []", "more text after the closing bracket"),
        ("not a list", r#"{"result": 5}"#, "where a list of rows belongs"),
        ("not json", "{account: 1}", "not valid JSON"),
        ("no time", r#"[{"instrument_name":"BTC-PERPETUAL"}]"#, "a row tells the time"),
    ];
    for (case, text, wanted) in cases {
        check(case, &market_error(text), &[wanted]);
    }
    check(
        "deep cell",
        &market_error(format!("[{{\"mark_iv\":{}", "[".repeat(100_000))),
        &["recursion limit"],
    );
    check("deep list", &market_error("[".repeat(100_000)), &["the JSON ends too early"]);
    let twice = r#"[{"instrument_name":"A","creation_timestamp":1770307200000,"mark_price":1,"mark_price":2},
                    {"instrument_name":"B","creation_timestamp":1770307200000}]"#;
    let read = market(twice).unwrap();
    assert_eq!((read.rows.len(), read.issues.kept()[0].value.as_str()), (1, "mark_price"));
}

#[test]
fn an_endless_row_is_an_error_and_not_a_process_without_memory() {
    let quote = format!("account,venue,asset,amount\na,v,BTC,\"{}", "x,".repeat(10 << 20));
    check("csv", &book_error(quote), &["row 1", "longer than 16 MiB"]);
    let string = format!("[{{\"account\":\"{}", "x".repeat(20 << 20));
    check("json", &book_error(string), &["longer than 16 MiB"]);
}
