//! Bad rows of a book: each named with file, row, field, value and rule; all at once; the rest valued when asked to.

use crate::support::{BOOK_HEADER, Scratch, book_of, column, csv_rows, sample_book};

/// One fault: its name, the row, and what standard error must say of it.
struct Fault {
    name: &'static str,
    row: &'static str,
    field: &'static str,
    value: &'static str,
    rule: &'static str,
}

const fn fault(
    name: &'static str,
    row: &'static str,
    (field, value, rule): (&'static str, &'static str, &'static str),
) -> Fault {
    Fault { name, row, field, value, rule }
}

const NOT_A_DECIMAL: &str = "a decimal number of at most 28 digits";

/// Rows that break a rule by themselves.
const BAD: [Fault; 20] = [
    fault(
        "unknown symbol",
        "d,deribit,,BTC-99XYZ26-1-C,1,,,",
        ("instrument", "BTC-99XYZ26-1-C", "is not a settlement day"),
    ),
    fault(
        "unknown venue",
        "d,mtgox,,BTC-PERPETUAL,1,,,",
        ("instrument", "BTC-PERPETUAL", "venue 'mtgox' is not known"),
    ),
    fault("NaN quantity", "d,deribit,,BTC-27NOV26-80000-C,NaN,,,", ("quantity", "NaN", NOT_A_DECIMAL)),
    fault("infinite quantity", "d,deribit,,BTC-27NOV26-80000-P,-inf,,,", ("quantity", "-inf", NOT_A_DECIMAL)),
    fault("NaN amount", "d,deribit,,,,,BTC,nan", ("amount", "nan", NOT_A_DECIMAL)),
    fault(
        "infinite entry price",
        "d,deribit,,BTC-27NOV26,1,Infinity,,",
        ("average_price", "Infinity", NOT_A_DECIMAL),
    ),
    fault("negative entry price", "d,deribit,,ETH-27NOV26,1,-5,,", ("average_price", "-5", "at least zero")),
    fault("word for a number", "d,deribit,,BTC-27NOV26-84000-C,ten,,,", ("quantity", "ten", NOT_A_DECIMAL)),
    fault("no quantity", "d,deribit,,BTC-27NOV26-84000-P,,,,", ("quantity", "", NOT_A_DECIMAL)),
    fault("decimal comma", "d,deribit,,BTC-27NOV26-88000-C,\"1,5\",,,", ("quantity", "1,5", NOT_A_DECIMAL)),
    fault("grouped digits", "d,deribit,,BTC-27NOV26-88000-P,1_000,,,", ("quantity", "1_000", NOT_A_DECIMAL)),
    fault(
        "30 digits",
        "d,deribit,,ETH-25DEC26,123456789012345678901234567890,,,",
        ("quantity", "123456789012345678901234567890", NOT_A_DECIMAL),
    ),
    fault(
        "digits lost to the contract size",
        "d,okx,,BTC-USDT-SWAP,0.1234567890123456789012345678,,,",
        ("quantity", "0.1234567890123456789012345678", "quantity x contract size needs more than 28 digits"),
    ),
    fault(
        "wei for ether",
        "d,wallet,ethereum,,,,ETH,223680000000000000000",
        ("amount", "223680000000000000000", "at most 1e15"),
    ),
    fault("no account", ",deribit,,,,,ETH,1", ("account", "", "1 to 80 printable characters")),
    fault("two kinds in one row", "d,deribit,,BTC-PERPETUAL,1,,BTC,1", ("", "BTC-PERPETUAL", "not both")),
    fault("neither kind", "d,deribit,,,,,,", ("", "", "fill instrument and quantity")),
    fault(
        "a cell too few",
        "d,deribit,,BTC-PERPETUAL,1,,",
        ("", "7 cells, the header has 8", "as many cells as the header"),
    ),
    fault("a control character", "d\u{1},deribit,,,,,ETH,1", ("account", "d\\u{1}", "printable")),
    fault(
        "an open quote",
        "d,deribit,,\"BTC-PERPETUAL,1,,,\nd,deribit,,BTC-PERPETUAL,1,,,",
        ("", "dderibitBTC-PERPETUAL,1,,,\\nd,deribit,,BTC-PERPETUAL,1,,,\\n", "a quote is not closed"),
    ),
];

/// Sound rows that this market does not suffice for.
const LACKING: [Fault; 4] = [
    fault(
        "expired contract",
        "d,deribit,,BTC-27DEC24-100000-C,1,,,",
        ("instrument", "BTC-27DEC24-100000-C", "expired at 2024-12-27T08:00:00Z"),
    ),
    fault(
        "no quotes",
        "d,deribit,,SOL_USDC-PERPETUAL,1,,,",
        ("instrument", "SOL_USDC-PERPETUAL", "no index price for SOL"),
    ),
    fault(
        "currency without a rate",
        "d,wallet,ethereum,,,,EURC,1000",
        ("asset", "EURC", "pass --rate EURC="),
    ),
    fault("coin without a rate", "d,wallet,ethereum,,,,DOGE,1000", ("asset", "DOGE", "pass --rate DOGE=")),
];

impl Fault {
    /// The line that standard error has for it.
    fn line(&self, file: &str, row: usize) -> String {
        let mut line = format!("{file} row {row}");
        if !self.field.is_empty() {
            line += &format!(", {}", self.field);
        }
        if !self.value.is_empty() {
            line += &format!(" = '{}'", self.value);
        }
        line
    }

    #[track_caller]
    fn is_named(&self, err: &str, row: usize) {
        let start = self.line("book.csv", row);
        let found = err.lines().any(|line| line.starts_with(&start) && line.contains(self.rule));
        assert!(found, "{}: wanted '{start} ... {}' in\n{err}", self.name, self.rule);
    }
}

/// Rows of the sample book.
fn sample_rows() -> usize {
    sample_book().lines().count() - 1
}

#[test]
fn each_fault_is_named_by_file_row_field_value_and_rule() {
    let scratch = Scratch::sample();
    let row = sample_rows() + 1;
    for (list, counts) in [
        (&BAD[..], "bad rows: 1; sound rows of the book that cannot be valued: 0"),
        (&LACKING[..], "bad rows: 0; sound rows of the book that cannot be valued: 1"),
    ] {
        for fault in list {
            scratch.write("book.csv", format!("{}{}\n", sample_book(), fault.row));
            let ran = scratch.report("book.csv --market market.json");
            ran.refuses(3, &[counts, "nothing was reported", "--allow-partial"]);
            fault.is_named(&ran.err, row);
        }
    }
}

/// The sample, with all faults among its rows; an open quote swallows what follows, so it stands last.
fn everything_at_once(scratch: &Scratch) -> Vec<(usize, &'static Fault)> {
    let faults: Vec<&Fault> = LACKING.iter().chain(&BAD).collect();
    let mut text = format!("{BOOK_HEADER}\n");
    let mut rows = Vec::new();
    let sample = sample_book();
    let mut sound = sample.lines().skip(1);
    for (place, fault) in faults.into_iter().enumerate() {
        // A sound row before each bad one, while there are any; the remainder goes before the last.
        let take = if fault.name == "an open quote" { usize::MAX } else { 1 };
        for line in sound.by_ref().take(take) {
            text += line;
            text.push('\n');
        }
        let row = if take == 1 { 2 * (place + 1) } else { sample_rows() + place + 1 };
        rows.push((row, fault));
        text += fault.row;
        text.push('\n');
    }
    scratch.write("book.csv", text);
    rows
}

#[test]
fn all_faults_of_a_file_are_reported_at_once() {
    let scratch = Scratch::sample();
    let rows = everything_at_once(&scratch);
    let ran = scratch.report("book.csv --market market.json");
    let counts =
        format!("bad rows: {}; sound rows of the book that cannot be valued: {}", BAD.len(), LACKING.len());
    ran.refuses(3, &[&counts]);
    for (row, fault) in rows {
        fault.is_named(&ran.err, row);
    }
}

#[test]
fn faults_of_several_files_are_reported_at_once() {
    let scratch = Scratch::sample();
    scratch.write("a.csv", book_of(&["d,deribit,,BTC-PERPETUAL,NaN,,,"]));
    scratch.write("b.csv", book_of(&["d,deribit,,BTC-PERPETUAL,inf,,,"]));
    let ran = scratch.report("a.csv b.csv --market market.json");
    ran.refuses(3, &["bad rows: 2", "a.csv row 1, quantity = 'NaN'", "b.csv row 1, quantity = 'inf'"]);
    scratch.write("empty.csv", "");
    scratch.write("cut.json", &crate::support::sample_market()[..9000]);
    let ran = scratch.report("a.csv empty.csv absent.csv --market cut.json");
    ran.refuses(
        3,
        &[
            "files that cannot be used: 3; bad rows elsewhere: 1",
            "empty.csv: the file is empty",
            "absent.csv: cannot open",
            "cut.json row ",
            "ends too early",
            "a.csv row 1, quantity = 'NaN'",
        ],
    );
}

#[test]
fn sound_rows_are_valued_when_asked_to_and_every_format_says_partial() {
    let scratch = Scratch::sample();
    let whole = scratch.exposure("book.csv --market market.json", 0);
    let faults = everything_at_once(&scratch).len();
    let args = "book.csv --market market.json --allow-partial";

    let table = scratch.report(args);
    assert_eq!(table.code, 4, "{}", table.err);
    let first = table.out.lines().next().unwrap();
    let counts = format!("{} bad input rows left out", BAD.len());
    assert!(
        first.starts_with("PARTIAL: 4 of 39 positions and balances not valued") && first.contains(&counts),
        "{first}"
    );
    assert!(table.err.starts_with("plimsoll: PARTIAL: "), "{}", table.err);

    let ran = scratch.report(&format!("{args} --format json"));
    assert_eq!(ran.code, 4);
    let json = ran.json();
    assert_eq!(json["partial"], true);
    assert_eq!(json["coverage"]["bad_rows"], BAD.len());
    assert_eq!(json["coverage"]["unpriced"].as_array().unwrap().len(), LACKING.len());

    let html = scratch.report(&format!("{args} --format html"));
    assert_eq!(html.code, 4);
    assert!(html.out.contains("role=\"alert\"") && html.out.contains("<title>PARTIAL"));

    let mut partial = scratch.exposure(args, 4);
    let last = partial.last_mut().unwrap();
    assert_eq!(last[0], "partial total");
    last[0] = "total".into();
    assert_eq!(partial, whole, "the totals are those of the book without its bad rows");

    let left_out = scratch.report(&format!("{args} --format csv --table unpriced"));
    assert_eq!(left_out.code, 4);
    for word in ["EURC", "BTC-27DEC24-100000-C", "wallet", "quantity,NaN"] {
        assert!(left_out.out.contains(word), "{word} in {}", left_out.out);
    }
    // One row each, but the swallowed one is shown over two lines.
    assert!(left_out.out.lines().count() > faults);
}

#[test]
fn a_row_with_two_faults_is_one_bad_row() {
    let scratch = Scratch::sample();
    scratch.write("book.csv", book_of(&["d,deribit,,BTC-PERPETUAL,NaN,-1,,"]));
    let ran = scratch.report("book.csv --market market.json");
    ran.refuses(3, &["bad rows: 1;", "row 1, quantity = 'NaN'", "row 1, average_price = '-1'"]);
}

#[test]
fn of_rows_that_repeat_each_other_none_is_valued() {
    let scratch = Scratch::sample();
    let other = "d,deribit,,,,,ETH,2";
    let rows = ["d,deribit,,BTC-PERPETUAL,100,,,", other, "d,deribit,offchain,BTC-PERPETUAL,900,,,"];
    scratch.write("book.csv", book_of(&rows));
    let ran = scratch.report("book.csv --market market.json");
    let named = [
        "bad rows: 2;",
        "row 1, instrument = 'BTC-PERPETUAL'",
        "row 3, instrument = 'BTC-PERPETUAL'",
        "add the quantities",
    ];
    ran.refuses(3, &named);
    let args = "book.csv --market market.json --allow-partial";
    let forwards = scratch.exposure(args, 4);
    scratch.write("book.csv", book_of(&[rows[2], rows[1], rows[0]]));
    assert_eq!(scratch.exposure(args, 4), forwards, "the order of rows decides nothing");
    scratch.write("book.csv", book_of(&[other]));
    let alone = scratch.exposure("book.csv --market market.json", 0);
    assert_eq!(forwards[1], alone[1]);

    // Over two files, and a combo beside itself.
    scratch.write("a.csv", book_of(&["d,deribit,,BTC-CS-25JUN27-120000_140000,1,,,", other]));
    scratch.write("b.csv", book_of(&["d,deribit,,BTC-CS-25JUN27-120000_140000,2,,,"]));
    let ran = scratch.report("a.csv b.csv --market market.json");
    ran.refuses(
        3,
        &["bad rows: 2;", "a.csv row 1, instrument = 'BTC-CS", "b.csv row 1, instrument = 'BTC-CS"],
    );
    assert_eq!(scratch.exposure("a.csv b.csv --market market.json --allow-partial", 4)[1], alone[1]);
}

#[test]
fn a_book_that_cannot_be_used_at_all_says_why() {
    let scratch = Scratch::sample();
    for (name, text, words) in [
        ("empty file", "", "the file is empty"),
        ("header only", BOOK_HEADER, "no rows of data"),
        (
            "missing columns",
            "account,venue,instrument\nd,deribit,BTC-PERPETUAL\n",
            "missing column 'quantity'",
        ),
        (
            "semicolons",
            "account;venue;instrument;quantity\nd;deribit;BTC-PERPETUAL;1\n",
            "separated by commas",
        ),
        ("a column twice", "account,venue,instrument,quantity,quantity\nd,deribit,X,1,2\n", "quantity"),
        ("gzip", "\u{1f}\u{8b}x", "book.csv"),
        ("zero bytes", "account\0venue", "zero bytes"),
        ("JSON of another kind", "{\"hello\": 1}", "book.csv"),
        ("JSON cut", "[{\"account\": \"d\", \"venue\":", "ends too early"),
        ("magic bytes alone", "PAR1", "damaged or cut short"),
    ] {
        scratch.write("book.csv", text);
        let ran = scratch.report("book.csv --market market.json");
        assert_eq!((ran.code, ran.out.as_str()), (3, ""), "{name}: {}", ran.err);
        assert!(ran.err.starts_with("plimsoll: book.csv") && ran.err.contains(words), "{name}: {}", ran.err);
    }
    scratch.report("absent.csv --market market.json").refuses(3, &["absent.csv: cannot open"]);
    std::fs::create_dir(scratch.path("folder")).unwrap();
    scratch.report("folder --market market.json").refuses(3, &["folder: this is a folder"]);
}

#[test]
fn a_cell_of_the_wrong_type_in_json_names_its_row_and_field() {
    let scratch = Scratch::sample();
    let text = r#"{"positions": [
        {"account": "d", "venue": "deribit", "instrument": "BTC-PERPETUAL", "quantity": true},
        {"account": "d", "venue": "deribit", "instrument": "ETH-PERPETUAL", "quantity": [1]}],
        "balances": [{"account": "d", "venue": "deribit", "asset": "ETH", "amount": {"n": 1}}]}"#;
    scratch.write("book.json", text);
    scratch.report("book.json --market market.json").refuses(
        3,
        &[
            "bad rows: 3",
            "book.json row 1, positions.quantity = 'true': not text or a number",
            "book.json row 2, positions.quantity",
            "book.json row 1, balances.amount",
        ],
    );
}

#[test]
fn no_figure_of_a_legal_book_leaves_the_range() {
    let scratch = Scratch::sample();
    let rows = [
        "d,deribit,,BTC-PERPETUAL,1e15,90000,,",
        "d,deribit,,BTC-27NOV26-92000-C,-1e15,,,",
        "d,deribit,,,,,BTC,1E+15",
    ];
    scratch.write("book.csv", book_of(&rows));
    let out = scratch.report("book.csv --market market.json --format csv --table positions").succeeds();
    let table = csv_rows(&out);
    let (instrument, delta) = (column(&table, "instrument"), column(&table, "delta_coin"));
    let coins = table.iter().find(|row| row[instrument] == "BTC").unwrap();
    assert_eq!(coins[delta], "1000000000000000", "a coin has a delta of one coin");
}

#[test]
fn small_print_of_spreadsheets_is_understood() {
    let scratch = Scratch::sample();
    let expected = scratch.exposure("book.csv --market market.json", 0);
    let plain = sample_book();
    let quoted: Vec<String> = plain
        .lines()
        .map(|line| line.split(',').map(|cell| format!("\"{cell}\"")).collect::<Vec<_>>().join(","))
        .collect();
    for (name, text) in [
        ("byte-order mark", format!("\u{feff}{plain}")),
        ("Windows line ends", plain.replace('\n', "\r\n")),
        ("quoted cells", quoted.join("\n")),
        ("blanks around cells", plain.replace(',', " , ")),
        ("upper case header", plain.replacen(BOOK_HEADER, &BOOK_HEADER.to_uppercase(), 1)),
        ("exponents", plain.replace(",-852550,", ",-8.5255e5,")),
    ] {
        scratch.write("book.csv", text);
        assert_eq!(scratch.exposure("book.csv --market market.json", 0), expected, "{name}");
    }
}

#[test]
fn names_from_outside_cannot_act_in_any_format() {
    let scratch = Scratch::sample();
    let rows = [
        "=HYPERLINK(1),deribit,,,,,BTC,1",
        "<script>alert(1)</script>,deribit,,,,,BTC,1",
        "🚢 Müller & Söhne,deribit,,,,,BTC,1",
    ];
    scratch.write("book.csv", book_of(&rows));
    let args = "book.csv --market market.json --group-by account";
    let csv = scratch.report(&format!("{args} --format csv")).succeeds();
    assert!(csv.contains(",'=HYPERLINK(1),") && !csv.contains(",=HYPERLINK"), "{csv}");
    let html = scratch.report(&format!("{args} --format html")).succeeds();
    assert!(
        !html.contains("<script")
            && html.contains("&lt;script&gt;")
            && html.contains("🚢 Müller &amp; Söhne")
    );
    let json = scratch.report(&format!("{args} --format json"));
    assert_eq!(json.json()["exposure"][0]["key"][0], "<script>alert(1)</script>");
    assert!(scratch.report(args).succeeds().contains("🚢 Müller & Söhne"));
}
