//! Bad rows, files and guards: each is named with file, row, field and rule, all at once.

use crate::prices;
use crate::support::Scratch;

const EMBEDDED: &str = include_str!("../../../../oracles/guards.toml");

#[test]
fn every_bad_cell_is_named_and_the_rest_is_played_where_that_is_allowed() {
    let scratch = Scratch::empty();
    let rows = [
        "2026-11-25T12:00:00Z,a,100,,",
        "yesterday,b,NaN,,",
        "2026-11-25T12:00:01Z,,1e400,,",
        "2026-11-25T12:00:01Z,b,,,",
        "2026-11-25T12:00:01Z,b,100.123456789,,",
        "2026-11-25T12:00:01Z,b,92233720368.54775808,,",
        "2026-11-25T12:00:01Z,b,92233720368.54775807,-1,1.5",
        ",b,100,,",
        "2026-11-25T12:00:02Z,b,100",
        "2026-11-25T12:00:03Z,b,100,,2",
    ];
    scratch.write("p.csv", format!("time,source,price,confidence,weight\n{}\n", rows.join("\n")));
    scratch.oracle("p.csv --class major").refuses(
        3,
        &[
            "rows that cannot be read: 8",
            "p.csv row 2, time = 'yesterday': not an instant",
            "p.csv row 2, price = 'NaN': an exact decimal",
            "p.csv row 3, source: a row names its source",
            "p.csv row 3, price = '1e400': an exact decimal",
            "p.csv row 4, price: a row has a price",
            "p.csv row 5, price = '100.123456789': has digits below 10^-8",
            "p.csv row 6, price = '92233720368.54775808': a price leaves the range",
            "p.csv row 7, confidence = '-1': a confidence is a half-width",
            "p.csv row 7, weight = '1.5': a weight is a whole number",
            "p.csv row 8, time: a row tells when",
            "p.csv row 9 = '3 cells, the header has 5'",
            "--allow-partial",
        ],
    );
    let ran = scratch.oracle("p.csv --class major --allow-partial");
    assert_eq!(ran.code, 4, "{}", ran.err);
    assert!(ran.out.starts_with("PARTIAL") && ran.out.contains("bad input rows left out: 8"), "{}", ran.out);
}

#[test]
fn times_of_a_source_that_go_back_and_rows_that_repeat_each_other_are_bad_rows() {
    let scratch = Scratch::empty();
    scratch.write(
        "p.csv",
        "time,source,price\n2026-11-25T12:00:05Z,a,100\n2026-11-25T12:00:04Z,b,100\n\
         2026-11-25T12:00:03Z,a,100\n2026-11-25T12:00:06Z,b,100\n2026-11-25T12:00:06Z,b,101\n",
    );
    scratch.write("q.csv", "time,source,price\n2026-11-25T12:00:05Z,a,100\n");
    scratch.oracle("p.csv q.csv --class major").refuses(
        3,
        &[
            "rows that cannot be read: 5",
            "p.csv row 3, time = '2026-11-25T12:00:03Z': earlier than 2026-11-25T12:00:05Z of the same source in row 1",
            "p.csv row 1, time = '2026-11-25T12:00:05Z': 2 rows of source 'a' have this time",
            "q.csv row 1, time = '2026-11-25T12:00:05Z': 2 rows of source 'a' have this time",
            "p.csv row 4, time = '2026-11-25T12:00:06Z': 2 rows of source 'b' have this time",
            "p.csv row 5, time",
        ],
    );
    // None of the rows that repeat each other is used: one row of b is left.
    let left = scratch.oracle("p.csv q.csv --class major --allow-partial --format csv --table sources");
    assert_eq!((left.code, left.out.lines().count()), (4, 2), "{}", left.out);
    assert!(left.out.lines().nth(1).unwrap().starts_with("b,1,"), "{}", left.out);
}

#[test]
fn files_that_cannot_be_used_are_all_named() {
    let scratch = Scratch::empty();
    scratch.write("columns.csv", "time,price\n2026-11-25T12:00:05Z,100\n");
    scratch.write("header.csv", "time,source,price\n");
    scratch.write("torn.csv.gz", b"\x1f\x8b\x08\x00rest");
    scratch.oracle("columns.csv header.csv torn.csv.gz absent.csv --class major").refuses(
        3,
        &[
            "files that cannot be used: 4",
            "columns.csv: missing column 'source'",
            "header.csv: no rows of data",
            "torn.csv.gz: cannot unpack",
            "absent.csv: cannot open",
        ],
    );
    // Without a row that can be read there is nothing to play, allowed or not.
    scratch.write("none.csv", "time,source,price\nsoon,a,100\n");
    scratch.oracle("none.csv --class major --allow-partial").refuses(3, &["none.csv row 1, time = 'soon'"]);
}

#[test]
fn every_mistake_of_a_guard_file_is_reported_and_an_unknown_class_names_the_known() {
    let scratch = Scratch::empty();
    scratch.write("p.csv", prices(3, &["a", "b"], |_, _| Some("100".into())));
    scratch.write("guards.toml", EMBEDDED);
    scratch.oracle("p.csv --class major --guards guards.toml").succeeds();
    let wrong = EMBEDDED
        .replacen("breaker_seconds = 5", "breaker_seconds = 1", 1)
        .replacen("min_sources = 2", "min_source = 2", 1)
        .replacen("clamp_bp = 300", "clamp_bp = 500", 1);
    scratch.write("guards.toml", wrong);
    scratch.oracle("p.csv --class major --guards guards.toml").refuses(
        3,
        &[
            "the guard file has 4 mistakes",
            "guards.toml, class.major.breaker_seconds = '1': a whole number from 2 to 86400",
            "guards.toml, class.major.min_sources: is missing",
            "guards.toml, class.major.min_source: is no key here",
            "guards.toml, class.alt.deviation_reject_bp = '500': must lie above clamp_bp = 500",
        ],
    );
    scratch.oracle("p.csv --class major --guards absent.toml").refuses(3, &["absent.toml: cannot read"]);
    scratch
        .oracle("p.csv --class majr")
        .refuses(2, &["--class majr: oracles/guards.toml has the classes alt, lst, major, stablecoin"]);
}
