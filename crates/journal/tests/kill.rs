//! A real process, killed while it writes: nothing that it had acknowledged is lost.
//!
//! The child is this test program itself; it prints the head of each commit, and the parent kills it after a few. Ten rounds over one
//! journal, or as many as `PLIMSOLL_KILLS` says. A kill leaves the system's cache alone, so this is about the process; what a
//! power cut takes is simulated in `crash.rs`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, missing_docs)]

mod common;

use common::{Chances, ID, Ledger, plain, time};
use journal::{Batching, Config, Head, Machine, RealDisk, Rederive, Retention, Runner, Seq, Stamp, verify};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const FOLDER: &str = "PLIMSOLL_KILL_FOLDER";

/// Segments that fill within a few commits, so that kills fall into rotations and snapshots too.
fn config() -> Config {
    Config {
        segment_bytes: 64 << 10,
        batching: Batching { max_records: 64, max_bytes: 16 << 10 },
        retention: Retention::Everything,
        snapshot_every: 200,
    }
}

fn open(folder: &Path) -> (Runner<Ledger, RealDisk>, Seq) {
    let disk = RealDisk::create(folder).unwrap();
    let (runner, recovered) =
        Runner::open(disk, ID, config(), &Ledger::default(), time(0), Rederive::Nothing).unwrap();
    (runner, recovered.opened.head.seq)
}

/// The child: not a test in itself, and nothing unless the parent asks for it.
#[test]
fn child_that_writes_until_it_is_killed() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let (mut runner, head) = open(Path::new(&folder));
    let mut next = head.get() + 1;
    let mut out = std::io::stderr();
    loop {
        for _ in 0..1 + next % 9 {
            runner.submit(time(next), &plain(next)).unwrap();
            next += 1;
        }
        let durable = runner.commit().unwrap();
        writeln!(out, "ack {}", durable.committed.head).unwrap();
        if runner.is_snapshot_due() {
            runner.write_snapshot().unwrap();
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost_when_the_writer_is_killed() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("killed");
    let _ = std::fs::remove_dir_all(&folder);
    let rounds = std::env::var("PLIMSOLL_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(10);
    let mut chances = Chances(11);
    let (mut acks, mut last) = (0, Seq::ZERO);
    for round in 0..rounds {
        let heads = killed_after(&folder, 1 + chances.below(60));
        acks += heads.len();
        let disk = RealDisk::open(&folder).unwrap();
        let report = verify(&disk, &heads).unwrap();
        assert!(report.is_sound(), "round {round}: {report}");
        let (runner, head) = open(&folder);
        let acked = heads.last().map_or(last, |head| head.seq);
        assert!(head >= acked, "round {round}: acknowledged up to {acked}, recovered up to {head}");
        last = head;
        let mut expected = Ledger::default();
        for number in 1..=head.get() {
            expected.step(Stamp { seq: Seq::new(number), time: time(number) }, &plain(number));
        }
        assert_eq!(runner.machine(), &expected, "round {round}");
    }
    println!("{rounds} kills, {acks} acknowledged commits, {last} records");
}

/// Starts the child, reads so many acknowledgements, kills it, and reads what it had still said.
fn killed_after(folder: &Path, acks: u64) -> Vec<Head> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_that_writes_until_it_is_killed", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut heads = Vec::new();
    while let Some(line) = lines.next().transpose().unwrap() {
        match line.strip_prefix("ack ") {
            // A line that the kill cut off is no acknowledgement.
            Some(head) => heads.extend(head.parse::<Head>().ok()),
            None => panic!("the child says: {line}"),
        }
        if heads.len() as u64 == acks {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    heads
}
