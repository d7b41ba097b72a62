//! Files of any length stream: a CSV far larger than the memory allowed, made on the fly through a pipe, so that neither
//! disk nor memory holds it. 64 MB by default, 1 GB with `PLIMSOLL_FULL=1`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do
#![cfg(unix)]

mod common;

use common::{Scratch, snapshot};
use lake::{Progress, Select, read_book};
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Command;

/// Buffers, one snapshot of 1000 rows and the allocator's slack: far below the file, far above the noise.
const GROWTH_KIB: u64 = 48 * 1024;

fn bytes_wanted() -> u64 {
    if std::env::var_os("PLIMSOLL_FULL").is_some_and(|full| full == "1") { 1 << 30 } else { 64 << 20 }
}

/// Highest resident memory of this process so far.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// A pipe that another thread fills with a header and blocks of rows; returns bytes and rows written.
fn through_a_pipe<T>(
    header: &'static str,
    block: impl Fn(u64, &mut String) -> u64 + Send + 'static,
    read: impl FnOnce(&std::path::Path) -> T,
) -> Option<(T, u64, u64)> {
    let pipe = Scratch::path_only(".pipe");
    let made = Command::new("mkfifo").arg(pipe.path()).status();
    if !made.is_ok_and(|status| status.success()) || peak_kib().is_none() {
        // Straight to standard error: the test harness swallows what a passing test prints.
        let _ = std::io::Write::write_fmt(
            &mut std::io::stderr(),
            format_args!("streaming: not run, this system has no mkfifo or no /proc/self/status\n"),
        );
        return None;
    }
    let path = pipe.path().to_owned();
    let writer = std::thread::spawn(move || {
        let mut output = std::fs::OpenOptions::new().write(true).open(path).unwrap();
        output.write_all(header.as_bytes()).unwrap();
        let (mut bytes, mut rows, mut text) = (header.len() as u64, 0, String::new());
        for number in 0.. {
            text.clear();
            rows += block(number, &mut text);
            output.write_all(text.as_bytes()).unwrap();
            bytes += text.len() as u64;
            if bytes >= bytes_wanted() {
                break;
            }
        }
        (bytes, rows)
    });
    let result = read(pipe.path());
    let (bytes, rows) = writer.join().unwrap();
    Some((result, bytes, rows))
}

// One test, so that the peak of the process is the peak of one read at a time.
#[test]
fn market_and_book_files_stream_in_bounded_memory() {
    let Some(before) = peak_kib() else {
        // Straight to standard error: the test harness swallows what a passing test prints.
        let _ = std::io::Write::write_fmt(
            &mut std::io::stderr(),
            format_args!("streaming: not run, this system has no /proc/self/status\n"),
        );
        return;
    };
    let header = "timestamp,instrument_name,bid_price,ask_price,mark_price,mark_iv,underlying_price,index_price,note\n";
    let block = |number: u64, text: &mut String| {
        // 1000 rows a snapshot, one snapshot a second.
        let millis = 1_770_000_000_000 + 1000 * number;
        for strike in 0..1000 {
            writeln!(
                text,
                "{millis},BTC-27MAR26-{}-C,0.01,0.02,0.015,0.55,70000.5,69900.25,padding of a comment column",
                1000 + strike
            )
            .unwrap();
        }
        1000
    };
    let read = |path: &std::path::Path| snapshot(path, Select::Last).unwrap();
    let Some((last, bytes, rows)) = through_a_pipe(header, block, read) else { return };
    assert_eq!((last.rows.len(), last.snapshots_in_file, last.rows[999].row), (1000, rows / 1000, rows));
    assert!(last.issues.is_empty());
    let market = peak_kib().unwrap() - before;
    println!("market: {bytes} bytes, {rows} rows, peak memory grew by {market} KiB");
    assert!(market < GROWTH_KIB, "{market} KiB");

    let block = |number: u64, text: &mut String| {
        for account in 0..1000 {
            writeln!(text, "desk-{account},deribit,BTC-27MAR26-{}-C,-12.5,0.0525,,", 1000 + number).unwrap();
        }
        1000
    };
    let read = |path: &std::path::Path| {
        let (mut count, mut reports) = (0u64, 0u64);
        let mut progress = |_: Progress| reports += 1;
        let read = read_book(path, &mut |_| count += 1, &mut progress).unwrap();
        assert!(read.issues.is_empty());
        (count, reports)
    };
    let header = "account,venue,instrument,quantity,average_price,asset,amount\n";
    let Some(((count, reports), bytes, rows)) = through_a_pipe(header, block, read) else { return };
    assert_eq!(count, rows);
    assert!(reports >= bytes >> 21, "the bar moves: {reports} reports");
    let book = peak_kib().unwrap() - before;
    println!("book: {bytes} bytes, {rows} rows, peak memory grew by {book} KiB");
    assert!(book < GROWTH_KIB, "{book} KiB");
}
