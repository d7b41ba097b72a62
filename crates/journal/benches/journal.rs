//! Group commit against raw writes, replay and verification, one thread.
//!
//! `cargo bench -p journal` makes files in a temporary directory of the build folder's disk (`PLIMSOLL_BENCH_DIR` names another) and prints, for
//! records of 128 bytes, records a second and the ratio to the baseline of the same run: the same bytes, written and synced by
//! hand with `write_all` and `sync_data` at the same places of a preallocated file. The two take turns, so that a busy
//! machine does not favour one. No figure is asserted.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::cast_precision_loss, missing_docs)]

use journal::{Batching, Config, Digest, Event, Journal, JournalId, Machine, NewRecord, Reader, RealDisk};
use journal::{Seq, Stamp, Tag, replay_all, verify};
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use units::Timestamp;

const PAYLOAD: usize = 128;
const FRAME: usize = 32 + PAYLOAD;
const COMMIT: usize = 104;
const ROUND: Duration = Duration::from_millis(250);
const ROUNDS: usize = 6;

fn main() {
    let folder = std::env::var("PLIMSOLL_BENCH_DIR")
        .map_or_else(|_| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    let folder = folder.join("journal-bench");
    println!("group commit, {PAYLOAD}-byte records; latency is of one commit");
    for batch in [1, 16, 64, 256, 1024, 4096] {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        group_commit(&folder, batch);
    }
    cpu();
    reading(&folder);
    fs::remove_dir_all(&folder).unwrap();
}

fn config() -> Config {
    Config { batching: Batching { max_records: 4096, max_bytes: 1 << 20 }, ..Config::default() }
}

fn open(folder: &Path) -> Journal<RealDisk> {
    let disk = RealDisk::create(folder).unwrap();
    Journal::open(disk, JournalId::new([1; 16]), config(), Timestamp::from_unix_nanos(0)).unwrap().0
}

/// A payload that is different each time, as events are.
fn payload(number: u64) -> [u8; PAYLOAD] {
    let mut payload = [0; PAYLOAD];
    for (place, word) in (number..).zip(payload.chunks_exact_mut(8)) {
        word.copy_from_slice(&place.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
    }
    payload
}

#[derive(Default)]
struct Timing {
    records: usize,
    seconds: f64,
    commits: Vec<f64>,
}

impl Timing {
    fn rate(&self) -> f64 {
        self.records as f64 / self.seconds
    }

    fn quantile(&mut self, share: f64) -> f64 {
        self.commits.sort_by(f64::total_cmp);
        let last = self.commits.len() - 1;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let place = (share * last as f64) as usize;
        self.commits[place] * 1e6
    }
}

fn group_commit(folder: &Path, batch: usize) {
    let (mut ours, mut raw, mut chained) = (Timing::default(), Timing::default(), 0);
    let mut journal = open(&folder.join("journal"));
    journal.prepare_segment().unwrap();
    let mut plain = Plain::create(&folder.join("plain"));
    for _ in 0..ROUNDS {
        run(&mut ours, batch, || {
            for _ in 0..batch {
                let record = NewRecord {
                    time: Timestamp::from_unix_nanos(chained),
                    tag: Tag { kind: 1, version: 1 },
                    payload: &payload(chained.unsigned_abs()),
                };
                journal.append(&record).unwrap();
                chained += 1;
            }
            journal.commit().unwrap();
        });
        run(&mut raw, batch, || plain.commit(batch));
        journal.prepare_segment().unwrap();
    }
    println!(
        "  batch {batch:>5}: {:>9.0} records/s, {:.2}x raw write + fdatasync ({:>9.0}/s); p50 {:.0} us, p99 {:.0} us (raw {:.0}, {:.0})",
        ours.rate(),
        ours.rate() / raw.rate(),
        raw.rate(),
        ours.quantile(0.5),
        ours.quantile(0.99),
        raw.quantile(0.5),
        raw.quantile(0.99),
    );
}

fn run(timing: &mut Timing, batch: usize, mut commit: impl FnMut()) {
    let started = Instant::now();
    while started.elapsed() < ROUND {
        let one = Instant::now();
        commit();
        timing.commits.push(one.elapsed().as_secs_f64());
        timing.records += batch;
    }
    timing.seconds += started.elapsed().as_secs_f64();
}

/// The same bytes without any of the work, in a file of zeros that starts again from the front when it is full.
struct Plain {
    file: File,
    at: u64,
    bytes: Vec<u8>,
}

impl Plain {
    const LENGTH: usize = 64 << 20;

    fn create(path: &Path) -> Self {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(path).unwrap();
        file.write_all(&vec![0; Self::LENGTH]).unwrap();
        file.sync_all().unwrap();
        Self { file, at: 0, bytes: (0..1u32 << 20).map(|n| n.to_le_bytes()[n as usize % 3] | 1).collect() }
    }

    fn commit(&mut self, batch: usize) {
        let bytes = batch * FRAME + COMMIT;
        if self.at + bytes as u64 > Self::LENGTH as u64 {
            self.at = 0;
        }
        self.file.seek(SeekFrom::Start(self.at)).unwrap();
        self.file.write_all(&self.bytes[..bytes]).unwrap();
        self.file.sync_data().unwrap();
        self.at += bytes as u64;
    }
}

/// What the journal itself costs, without a disk: framing, CRC, leaf hash, Merkle root, chain.
fn cpu() {
    let disk = journal::sim::SimDisk::new(1);
    let config = Config { segment_bytes: 256 << 20, ..config() };
    let id = JournalId::new([1; 16]);
    let (mut journal, _) = Journal::open(disk, id, config, Timestamp::from_unix_nanos(0)).unwrap();
    let started = Instant::now();
    let records = 1_000_000u64;
    for number in 0..records {
        let time = Timestamp::from_unix_nanos(0);
        journal
            .append(&NewRecord { time, tag: Tag { kind: 1, version: 1 }, payload: &payload(number) })
            .unwrap();
        if journal.is_due() {
            journal.commit().unwrap();
        }
    }
    journal.commit().unwrap();
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "without a disk (in memory): {:.0} ns a record, framed, hashed and committed by 4096",
        seconds * 1e9 / records as f64
    );
}

/// An event that is only counted, so that the journal is what is measured.
struct Opaque(u8);
#[derive(Clone)]
struct Counter(u64);

impl Event for Opaque {
    fn encode(&self, payload: &mut Vec<u8>) -> Tag {
        payload.push(self.0);
        Tag { kind: 1, version: 1 }
    }
    fn decode(_: Tag, payload: &[u8]) -> Result<Self, String> {
        payload.first().copied().map(Self).ok_or_else(|| "empty".to_owned())
    }
}

impl Machine for Counter {
    type Event = Opaque;
    type Output = ();
    fn step(&mut self, _: Stamp, event: &Opaque) -> Vec<()> {
        self.0 += 1 + u64::from(event.0);
        Vec::new()
    }
    fn state_hash(&self) -> Digest {
        Digest::of_state(&self.0.to_le_bytes())
    }
    fn snapshot(&self) -> Vec<u8> {
        self.0.to_le_bytes().to_vec()
    }
    fn restore(&self, _: &[u8]) -> Result<Self, String> {
        Ok(self.clone())
    }
}

fn reading(folder: &Path) {
    let folder = folder.join("read");
    let mut journal = open(&folder);
    let records = 1_000_000u64;
    for batch in [64u64, 1024] {
        let goal = records / 2;
        let mut written = 0;
        while written < goal {
            for number in 0..batch {
                let time = Timestamp::from_unix_nanos(0);
                let payload = payload(written + number);
                journal
                    .append(&NewRecord { time, tag: Tag { kind: 1, version: 1 }, payload: &payload })
                    .unwrap();
            }
            journal.commit().unwrap();
            written += batch;
        }
    }
    drop(journal);
    let disk = RealDisk::open(&folder).unwrap();
    let raw = best(|| {
        let files = fs::read_dir(&folder).unwrap();
        files.map(|file| fs::read(file.unwrap().path()).unwrap().len()).sum::<usize>() as u64
    });
    let read = best(|| {
        let mut reader = Reader::open(&disk, Seq::ZERO).unwrap();
        let mut count = 0;
        while let Some(record) = reader.next().unwrap() {
            count += u64::from(record.payload.len() == PAYLOAD);
        }
        count
    });
    let replay = best(|| replay_all(&disk, Counter(0), |_, _| ()).unwrap().records);
    let checked = best(|| verify(&disk, &[]).unwrap().records);
    let opened = best(|| open(&folder).head().seq.get());
    println!("reading {} records in commits of 64 and 1024, {} MiB of files (cached):", read.1, raw.1 >> 20);
    for (what, (seconds, records)) in [
        ("read, compared with the chain", read),
        ("replay into a machine", replay),
        ("verify", checked),
        ("open for writing (reads all)", opened),
    ] {
        println!(
            "  {what:<30} {:>9.0} records/s, {:.2} s, {:.1}x the time of reading the files",
            records as f64 / seconds,
            seconds,
            seconds / raw.0
        );
    }
}

/// The best of three.
fn best(run: impl Fn() -> u64) -> (f64, u64) {
    let mut best = f64::INFINITY;
    let mut count = 0;
    for _ in 0..3 {
        let started = Instant::now();
        count = run();
        best = best.min(started.elapsed().as_secs_f64());
    }
    (best, count)
}
