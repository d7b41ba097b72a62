//! What a script can rely on: exit codes, messages, what goes to which stream, and help with examples.

use crate::support::{SAMPLE_TIME, Scratch, chain_csv, chain_rows, sample_book};
use std::io::Read;
use std::process::Stdio;

#[test]
fn help_of_every_command_has_an_example_and_the_main_one_the_exit_codes() {
    let scratch = Scratch::empty();
    for command in ["report", "example", "conformance"] {
        let help = scratch.run(&[command, "--help"]).succeeds();
        let examples = help.split("Example").nth(1).unwrap_or_default();
        assert!(examples.contains(&format!("plimsoll {command}")), "{command}: {help}");
    }
    let help = scratch.run(&["--help"]).succeeds();
    for code in [
        "0  done",
        "1  a conformance suite failed",
        "2  the command line",
        "3  bad input",
        "4  reported, but",
        "5  a file",
    ] {
        assert!(help.contains(code), "{code} in {help}");
    }
}

#[test]
fn a_wrong_command_line_is_exit_2_and_prints_nothing() {
    let scratch = Scratch::sample();
    for (args, words) in [
        ("book.csv", "--market"),
        ("--market market.json", "pass a book file"),
        (
            "book.csv --market market.json --format table --table stress",
            "--table goes with --format csv or parquet",
        ),
        (
            "book.csv --market market.json --format json --table stress",
            "--table goes with --format csv or parquet",
        ),
        ("book.csv --market market.json --format csv --table nope", "possible values: exposure"),
        ("book.csv --market market.json --format xml", "possible values: table"),
        ("book.csv --market market.json --format parquet", "--output FOLDER"),
        ("book.csv --market market.json --group-by colour", "possible values: underlying"),
        ("book.csv --market market.json --group-by venue,venue", "names venue twice"),
        ("book.csv --market market.json --group-by=", "--group-by"),
        ("book.csv --market market.json --threads 0", "1..=1024"),
        ("book.csv --market market.json --at tomorrow", "RFC 3339"),
        ("book.csv --market market.json --rate USDC", "ASSET=USD_PER_UNIT"),
        ("book.csv --market market.json --rate USDC=nan", "greater than zero"),
        ("book.csv --market market.json --rate USDC=inf", "greater than zero"),
        ("book.csv --market market.json --rate USDC=0", "greater than zero"),
        ("book.csv --market market.json --rate USDC=-1", "greater than zero"),
        ("book.csv --market market.json --rate USDC=1,0", "is not a number"),
        ("book.csv --market market.json --rate =1", "asset"),
        ("book.csv --market market.json --rate USD=1", "unit of account"),
        ("book.csv --market market.json --rate USDC=1 --rate usdc=1", "given twice"),
        ("book.csv --market market.json --rate BTC=1000", "the market files quote BTC"),
        ("book.csv ./book.csv --market market.json", "book.csv is named twice"),
        ("book.csv --market market.json --market market.json", "market.json is named twice"),
        ("book.csv --market market.json --output ./book.csv", "would overwrite the input"),
        ("--frobnicate", "unexpected argument"),
    ] {
        let ran = scratch.report(args);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args}: {}", ran.err);
        assert!(ran.err.contains(words), "{args}: lacks '{words}': {}", ran.err);
    }
    assert_eq!(scratch.run(&[]).code, 2);
    assert_eq!(scratch.text("book.csv"), sample_book(), "the book is untouched");
}

#[test]
fn tables_never_overwrite_an_input_in_their_folder() {
    let scratch = Scratch::sample();
    scratch.write("positions.csv", sample_book());
    scratch
        .report("positions.csv --market market.json --format csv --output .")
        .refuses(2, &["would overwrite", "positions.csv"]);
    assert_eq!(scratch.text("positions.csv"), sample_book());
}

#[test]
fn without_arguments_the_sample_is_shown_and_is_the_one_in_examples() {
    let scratch = Scratch::sample();
    let embedded = scratch.report("--format csv --table exposure").succeeds();
    let from_files = scratch.report("book.csv --market market.json --format csv --table exposure").succeeds();
    assert_eq!(embedded, from_files);
    let table = scratch.report("").succeeds();
    assert!(table.starts_with("Plimsoll load line") && table.contains("sample book.csv"), "{table}");
}

#[test]
fn a_file_that_cannot_be_written_is_exit_5() {
    let scratch = Scratch::sample();
    for args in [
        "book.csv --market market.json --output absent/report.txt",
        "book.csv --market market.json --output .",
        "book.csv --market market.json --format csv --table stress --output absent/stress.csv",
    ] {
        scratch.report(args).refuses(5, &["cannot write"]);
    }
    scratch.write("plain", "");
    scratch
        .report("book.csv --market market.json --format csv --output plain/tables")
        .refuses(5, &["cannot write"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_behind_standard_output_is_exit_5() {
    let scratch = Scratch::sample();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = scratch.command(&["report"]).stdout(full).stderr(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(5));
}

#[test]
fn a_reader_that_leaves_early_is_not_an_error() {
    let scratch = Scratch::sample();
    let mut child = scratch
        .command(&["report", "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!((child.wait().unwrap().code(), err.as_str()), (Some(0), ""));
}

#[test]
fn output_to_a_file_leaves_standard_output_empty_and_the_same_bytes() {
    let scratch = Scratch::sample();
    for format in ["table", "json", "html"] {
        let printed = scratch.report(&format!("book.csv --market market.json --format {format}")).succeeds();
        let args = format!("book.csv --market market.json --format {format} --output report.{format}");
        assert_eq!(scratch.report(&args).succeeds(), "");
        assert_eq!(scratch.text(&format!("report.{format}")), printed);
    }
}

#[test]
fn a_time_before_the_first_snapshot_lists_what_there_is() {
    let scratch = Scratch::sample();
    let mut rows = chain_rows("2026-11-18T00:00:00Z");
    rows.extend(chain_rows("2026-11-19T00:00:00Z"));
    rows.extend(chain_rows(SAMPLE_TIME));
    scratch.write("chain.csv", chain_csv(&rows));
    scratch.report("book.csv --market chain.csv --at 2026-11-17").refuses(
        3,
        &[
            "chain.csv: no snapshot at or before 2026-11-17T00:00:00Z",
            "the file has 3, from 2026-11-18T00:00:00Z to 2026-11-20T12:00:00Z",
        ],
    );
    for (at, chosen) in [
        ("2026-11-18", "2026-11-18T00:00:00Z"),
        ("2026-11-19T23:00:00Z", "2026-11-19T00:00:00Z"),
        ("2027-01-01", SAMPLE_TIME),
    ] {
        let json = scratch.report(&format!("book.csv --market chain.csv --at {at} --format json")).json();
        assert_eq!(json["asof"], chosen, "--at {at}");
    }
}

#[cfg(unix)]
#[test]
fn a_market_may_come_through_a_pipe() {
    let scratch = Scratch::sample();
    let market = std::fs::File::open(scratch.path("market.json")).unwrap();
    let args = ["report", "book.csv", "--market", "/dev/stdin", "--format", "csv", "--table", "exposure"];
    let output = scratch.command(&args).stdin(market).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let direct = scratch.report("book.csv --market market.json --format csv --table exposure").succeeds();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), direct);
}

#[test]
fn a_given_rate_wins_over_what_spot_pairs_imply_and_is_shown() {
    let scratch = Scratch::sample();
    let json = scratch.report("book.csv --market market.json --rate USDC=0.97 --format json").json();
    assert_eq!(json["market"]["usd_rates"]["USDC"].as_f64(), Some(0.97));
}
