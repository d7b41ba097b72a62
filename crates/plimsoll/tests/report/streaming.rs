//! Files far larger than the memory they take: 64 MB each by default, 1 GB with `PLIMSOLL_FULL=1`.
//!
//! A chain is bounded by its largest snapshot, a book by its distinct positions; rows beyond those leave only counts.

use crate::support::{Scratch, book_of, chain_csv, chain_rows, sample_book};
use std::io::Write;
use std::process::{Child, Stdio};
use std::time::Duration;

/// More than the sample takes by itself: read buffers, the allocator's slack and, for chains, the list of times.
const GROWTH_KIB: u64 = 16 * 1024;

fn bytes_wanted() -> u64 {
    if std::env::var_os("PLIMSOLL_FULL").is_some_and(|full| full == "1") { 1 << 30 } else { 64 << 20 }
}

/// Highest resident memory of a running process, KiB; none once it has ended, or on a system without `/proc`.
fn peak_kib(child: &Child) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Runs a report whose output goes to `report.json`; exit code, standard error and the highest memory seen.
fn measured(scratch: &Scratch, args: &str) -> (Option<i32>, String, Option<u64>) {
    let args: Vec<&str> = "report".split(' ').chain(args.split(' ')).chain(["--format", "json"]).collect();
    let out = std::fs::File::create(scratch.path("report.json")).unwrap();
    let err = std::fs::File::create(scratch.path("errors.txt")).unwrap();
    let mut child = scratch.command(&args).stdout(Stdio::from(out)).stderr(Stdio::from(err)).spawn().unwrap();
    let mut peak = None;
    loop {
        // The mark only rises, so the last look is the peak but for the final milliseconds of printing.
        peak = peak_kib(&child).or(peak);
        if let Some(status) = child.try_wait().unwrap() {
            return (status.code(), scratch.text("errors.txt"), peak);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Writes blocks until the file is large; returns how many.
fn fill(scratch: &Scratch, name: &str, head: &str, block: impl Fn(u64) -> String) -> u64 {
    let mut file = std::io::BufWriter::new(std::fs::File::create(scratch.path(name)).unwrap());
    file.write_all(head.as_bytes()).unwrap();
    let (mut written, mut blocks) = (head.len() as u64, 0);
    while written < bytes_wanted() {
        let text = block(blocks);
        file.write_all(text.as_bytes()).unwrap();
        (written, blocks) = (written + text.len() as u64, blocks + 1);
    }
    file.flush().unwrap();
    blocks
}

#[track_caller]
fn assert_bounded(name: &str, peak: Option<u64>, base: Option<u64>) {
    let (Some(peak), Some(base)) = (peak, base) else {
        // Straight to standard error: the test harness swallows what a passing test prints.
        let _ = std::io::Write::write_fmt(
            &mut std::io::stderr(),
            format_args!("{name}: memory not checked, this system has no /proc\n"),
        );
        return;
    };
    println!("{name}: {} MB of input, peak {peak} KiB, the sample alone {base} KiB", bytes_wanted() >> 20);
    assert!(peak < base + GROWTH_KIB, "{name}: peak {peak} KiB, the sample alone {base} KiB");
}

#[test]
fn a_huge_book_of_bad_rows_is_counted_in_bounded_memory() {
    let scratch = Scratch::sample();
    let (_, _, base) = measured(&scratch, "book.csv --market market.json");
    // Of three rows one repeats a position, one is not a number, one cannot be told apart.
    let block = |_| {
        let bad =
            "d,deribit,,BTC-25DEC26-110000-C,1,,,\nd,deribit,,ETH-25DEC26-3500-C,NaN,,,\nd,deribit,,,,,\n";
        bad.repeat(100)
    };
    let rows = 300 * fill(&scratch, "huge.csv", &sample_book(), block);
    let (code, err, peak) = measured(&scratch, "huge.csv --market market.json");
    assert_eq!(code, Some(3));
    assert!(err.contains(&format!("bad rows: {rows}; sound")), "{}", err.lines().next().unwrap_or_default());
    assert!(err.lines().count() < 1010, "the first thousand are listed, the rest counted");
    assert!(err.contains("more of the same load, not listed"));
    assert_bounded("book refused", peak, base);

    let (code, _, peak) = measured(&scratch, "huge.csv --market market.json --allow-partial");
    assert_eq!(code, Some(4));
    let json: serde_json::Value = serde_json::from_str(&scratch.text("report.json")).unwrap();
    assert_eq!(json["coverage"]["bad_rows"].as_u64(), Some(rows));
    assert_eq!(json["coverage"]["rows_priced"].as_u64(), Some(35), "the sound rows of the sample");
    assert_bounded("book valued in part", peak, base);
}

#[test]
fn a_huge_chain_takes_the_memory_of_one_snapshot() {
    let scratch = Scratch::chain();
    let (_, _, base) = measured(&scratch, "book.csv --market chain.csv");
    let rows = chain_rows("@");
    let text = chain_csv(&rows);
    let (header, body) = text.split_once('\n').unwrap();
    let start = 1_795_176_000_000u64; // the sample's time in Unix milliseconds
    let snapshots = fill(&scratch, "huge.csv", &format!("{header}\n"), |n| {
        body.replace('@', &(start + n * 1000).to_string())
    });
    scratch.write("book.csv", book_of(&["d,deribit,,BTC-25DEC26-92000-C,1,,,", "d,deribit,,,,,ETH,1"]));
    let (code, err, peak) = measured(&scratch, "book.csv --market huge.csv");
    assert_eq!(code, Some(0), "{err}");
    let json: serde_json::Value = serde_json::from_str(&scratch.text("report.json")).unwrap();
    assert_eq!(json["inputs"][1]["rows"].as_u64(), Some(rows.len() as u64), "one snapshot is kept");
    println!("{snapshots} snapshots of {} rows", rows.len());
    assert_bounded("chain", peak, base);
}
