//! Exit codes, streams, help, formats.

use crate::support::{Scratch, csv_rows};
use crate::{candles, chain, series};
use std::io::Write;

#[test]
fn help_has_an_example() {
    let help = Scratch::empty().run(&["feeds", "--help"]).succeeds();
    assert!(help.split("Examples").nth(1).unwrap().contains("plimsoll feeds chain.parquet"), "{help}");
}

#[test]
fn a_wrong_command_line_is_exit_2_and_prints_nothing() {
    let scratch = Scratch::empty();
    scratch.write("a.csv", series(&candles(3)));
    for (args, words) in [
        ("", "required"),
        ("a.csv ./a.csv", "named twice"),
        ("a.csv --output a.csv", "would overwrite the input"),
        ("a.csv --table feeds", "--table goes with --format csv or parquet"),
        ("a.csv --format parquet", "--output FOLDER"),
        ("a.csv --format csv --table nope", "possible values: feeds, unreadable"),
    ] {
        scratch.feeds(args).refuses(2, &[words]);
    }
    scratch.feeds("a.csv --output absent/feeds.txt").refuses(5, &["cannot write"]);
}

#[test]
fn files_that_cannot_be_used_are_all_named_and_nothing_is_reported() {
    let scratch = Scratch::empty();
    scratch.write("sound.csv", series(&candles(3)));
    scratch.write("zipped.csv.gz", b"\x1f\x8b\x08\x00");
    scratch.write("header.csv", "ts,close\n");
    scratch.write("columns.csv", "ts,volume\n1577836800,1\n");
    scratch.write("daily.csv", "DATE,OPEN,HIGH,LOW,CLOSE\n1990-01-02,1,1,1,1\n");
    scratch.feeds("sound.csv zipped.csv.gz header.csv columns.csv daily.csv absent.csv").refuses(
        3,
        &[
            "files that cannot be used: 5",
            "zipped.csv.gz: cannot unpack",
            "header.csv: no rows of data",
            "columns.csv: missing column 'close'; a series has `ts` in Unix seconds and one of the columns close, iv,",
            "daily.csv: missing column",
            "absent.csv: cannot open",
        ],
    );
}

#[test]
fn a_recording_packed_with_gzip_gives_the_same_figures() {
    let scratch = Scratch::empty();
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    // Two members behind each other, as `cat a.gz b.gz` makes them.
    let text = series(&candles(200));
    let (first, second) = text.as_bytes().split_at(1000);
    packer.write_all(first).unwrap();
    let mut packed = packer.finish().unwrap();
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(second).unwrap();
    packed.extend(packer.finish().unwrap());
    scratch.write("packed.csv.gz", packed);
    scratch.write("plain.csv", &text);
    let feed = |file: &str| {
        let mut feed = scratch.feed(file, "close");
        assert_eq!(feed["rows"], 200);
        feed.as_object_mut().unwrap().remove("file");
        feed
    };
    assert_eq!(feed("packed.csv.gz"), feed("plain.csv"));
}

#[test]
fn rows_that_cannot_be_read_stop_everything_unless_a_partial_result_is_allowed() {
    let scratch = Scratch::empty();
    let mut rows = candles(4);
    rows[1] = "soon,1,1,1,1,1".into();
    rows[2] = "1577840400000,1,1,1,1,1".into();
    rows.push("1577858400,1,1,1,a lot,1".into());
    rows.push(",1,1,1,1,1".into());
    rows.push("1577858400,1,1".into());
    scratch.write("a.csv", series(&rows));
    let words = [
        "rows that cannot be read: 4",
        "a.csv row 2, ts = 'soon': not an instant; `ts` is in whole Unix seconds",
        "a.csv row 5, close = 'a lot': not a number",
        "a.csv row 6, ts: a row tells the time",
        "a.csv row 7 = '3 cells, the header has 6'",
        "--allow-partial",
    ];
    let refused = scratch.feeds("a.csv");
    // Milliseconds are seconds of the year 52,000: beyond the range of instants.
    assert!(refused.err.contains("a.csv row 3, ts = '1577840400000'"), "{}", refused.err);
    refused.refuses(3, &words.map(|w| if w == words[0] { "rows that cannot be read: 5" } else { w }));
    let ran = scratch.feeds("a.csv --allow-partial");
    assert_eq!(ran.code, 4, "{}", ran.err);
    assert!(ran.out.starts_with("PARTIAL: rows that cannot be read, left out: 5\n"), "{}", ran.out);
    assert!(ran.err.contains("left out: 5"), "{}", ran.err);
    let listed = scratch.feeds("a.csv --allow-partial --format csv --table unreadable").out;
    assert_eq!(listed.lines().count(), 1 + 5, "{listed}");
}

#[test]
fn every_format_has_every_feed_and_the_same_bytes_twice() {
    let scratch = Scratch::empty();
    scratch.write("chain.csv", chain(12));
    scratch.write("candles.csv", series(&candles(30)));
    let names = ["BTC index", "BTC option", "BTC perpetual", "symbols that do not resolve", "close"];
    for format in ["table", "json", "csv", "html"] {
        let args = format!("chain.csv candles.csv --format {format}");
        let out = scratch.feeds(&args).succeeds();
        for name in names {
            assert!(out.contains(name), "{format} lacks {name}:\n{out}");
        }
        assert_eq!(out, scratch.feeds(&args).succeeds());
    }
    let rows = csv_rows(&scratch.feeds("chain.csv candles.csv --format csv").succeeds());
    assert_eq!(rows.len(), 1 + names.len());
    scratch.feeds("chain.csv --format parquet --output tables").succeeds();
    assert!(
        scratch.path("tables/feeds.parquet").is_file() && scratch.path("tables/unreadable.parquet").is_file()
    );
    let page = scratch.feeds("chain.csv --format html").succeeds();
    assert!(!page.contains("<script") && !page.contains("http://") && !page.contains("https://"));
}

#[test]
fn a_pipe_is_read_like_a_file() {
    let scratch = Scratch::empty();
    scratch.write("a.csv", series(&candles(30)));
    let mut command = scratch.command(&["feeds", "/dev/stdin", "--format", "csv"]);
    let input = std::fs::File::open(scratch.path("a.csv")).unwrap();
    let piped = command.stdin(input).output().unwrap();
    assert_eq!(piped.status.code(), Some(0));
    let file = scratch.feeds("a.csv --format csv").succeeds();
    assert_eq!(String::from_utf8(piped.stdout).unwrap().replace("/dev/stdin", "a.csv"), file);
}
