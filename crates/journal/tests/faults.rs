//! A disk that refuses: nothing is acknowledged afterwards, and the error says what, where and how to mend it.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod common;

use common::{ID, Ledger, journal, open, plain, small, time};
use journal::sim::{Fault, SimDisk};
use journal::{
    Batching, Config, Digest, Event, Journal, JournalError, JournalId, Machine, NewRecord, Reader, RealDisk,
    Rederive, Runner, Seq, Stamp, Tag, verify,
};
use std::path::PathBuf;

/// Commits of two events until something fails; the last acknowledged seq, the last submitted one, and the failure.
fn work(disk: &SimDisk, most: u64) -> (Seq, Seq, Option<JournalError>) {
    let mut runner = open(disk, small());
    let mut acked = runner.journal().head().seq;
    for _ in 0..most {
        for _ in 0..2 {
            let next = runner.journal().next_seq().get();
            runner.submit(time(next), &plain(next)).unwrap();
        }
        match runner.commit() {
            Ok(durable) => acked = durable.committed.head.seq,
            Err(error) => {
                for _ in 0..3 {
                    assert!(
                        matches!(runner.commit(), Err(JournalError::Halted { .. })),
                        "a halted writer stays halted"
                    );
                    assert!(matches!(runner.submit(time(0), &plain(0)), Err(JournalError::Halted { .. })));
                    assert!(matches!(runner.write_snapshot(), Err(JournalError::Halted { .. })));
                }
                assert_eq!(runner.journal().head().seq, acked);
                return (acked, acked.next().next(), Some(error));
            }
        }
    }
    (acked, acked, None)
}

fn reopened(disk: &SimDisk) -> Seq {
    let head = open(disk, small()).journal().head().seq;
    assert!(verify(disk, &[]).unwrap().is_sound());
    head
}

#[test]
fn the_sync_that_fails_is_the_last_and_its_batch_is_not_acknowledged() {
    for sync in 1..40 {
        let disk = SimDisk::new(sync);
        drop(open(&disk, small()));
        disk.plan(Fault::Sync { sync: sync + 2 }); // opening has two
        let (acked, tried, error) = work(&disk, 60);
        let error = error.unwrap();
        assert!(matches!(error, JournalError::SyncFailed { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains("sim/") && text.contains("nothing of this commit was acknowledged"), "{text}");
        disk.mend();
        disk.kill();
        let disk = disk.restarted();
        let found = reopened(&disk);
        assert!(found == acked || found == tried, "sync {sync}: acknowledged {acked}, found {found}");
        disk.cut_power();
        assert_eq!(reopened(&disk.restarted()), found, "sync {sync}: what was recovered is not durable");
    }
}

#[test]
fn the_write_that_fails_is_the_last() {
    for write in 1..40 {
        let disk = SimDisk::new(write);
        drop(open(&disk, small()));
        disk.plan(Fault::Write { write: write + 2 }); // opening has two
        let (acked, tried, error) = work(&disk, 60);
        let error = error.unwrap();
        assert!(matches!(error, JournalError::Io { .. }), "{error}");
        disk.mend();
        disk.cut_power();
        let found = reopened(&disk.restarted());
        assert!(found == acked || found == tried, "write {write}: acknowledged {acked}, found {found}");
    }
}

#[test]
fn a_full_disk_shows_at_a_rotation_and_is_named() {
    let disk = SimDisk::new(3);
    drop(open(&disk, small()));
    disk.plan(Fault::Full { bytes: 3 * 8192 + 100 });
    let (acked, _, error) = work(&disk, 200);
    let error = error.unwrap();
    assert!(matches!(error, JournalError::DiskFull { .. }), "{error}");
    assert!(error.to_string().contains("journal-000") && error.to_string().contains("free space"), "{error}");
    disk.mend();
    disk.kill();
    let disk = disk.restarted();
    assert_eq!(reopened(&disk), acked);
    assert_eq!(work(&disk, 50).2.map(|e| e.to_string()), None, "with space it goes on");
}

#[test]
fn a_segment_made_in_advance_takes_the_next_commits_on_a_disk_that_filled_up() {
    let disk = SimDisk::new(3);
    let mut runner = open(&disk, small());
    runner.prepare_segment().unwrap();
    disk.plan(Fault::Full { bytes: 0 });
    let mut commits = 0;
    let error = loop {
        let next = runner.journal().next_seq().get();
        runner.submit(time(next), &plain(next)).unwrap();
        match runner.commit() {
            Ok(_) => commits += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, JournalError::DiskFull { .. }));
    assert_eq!(disk.files().keys().filter(|name| name.ends_with(".seg")).count(), 2, "{commits} commits");
}

#[test]
fn a_snapshot_or_spare_for_which_there_is_no_room_is_left_out_and_the_writer_goes_on() {
    let (disk, _) = journal(2, &[1]);
    let mut runner = open(&disk, small());
    disk.plan(Fault::Full { bytes: 0 });
    let error = runner.write_snapshot().unwrap_err();
    assert!(matches!(error, JournalError::DiskFull { .. }), "{error}");
    let error = runner.prepare_segment().unwrap_err();
    assert!(matches!(error, JournalError::DiskFull { .. }), "{error}");
    let next = runner.journal().next_seq().get();
    runner.submit(time(next), &plain(next)).unwrap();
    runner.commit().unwrap();
    assert!(disk.files().keys().all(|name| !name.ends_with(".tmp")), "{:?}", disk.files().keys());
    drop(runner);
    let report = verify(&disk, &[]).unwrap();
    assert!(report.is_sound() && report.snapshots.len() == 1, "{report}");
}

#[test]
fn the_size_of_segments_may_change_between_runs() {
    let disk = SimDisk::new(1);
    let mut next = 1;
    for blocks in [2, 5, 3, 2] {
        let mut runner = open(&disk, Config { segment_bytes: 4096 * blocks, ..small() });
        for _ in 0..40 {
            runner.submit(time(next), &plain(next)).unwrap();
            runner.commit().unwrap();
            next += 1;
        }
    }
    let report = verify(&disk, &[]).unwrap();
    assert!(report.is_sound() && report.records == 160, "{report}");
}

#[test]
fn an_empty_segment_that_is_too_small_for_the_next_batch_is_replaced() {
    let large = Config {
        segment_bytes: 1 << 16,
        batching: Batching { max_bytes: 20_000, ..small().batching },
        ..small()
    };
    let long =
        |number: u64| common::Move { account: 1, amount: 1, text: vec![b'x'; 9_000 + number as usize] };
    let disk = SimDisk::new(1);
    drop(open(&disk, small()));
    let mut runner = open(&disk, large);
    for number in 1..=8 {
        runner.submit(time(number), &long(number)).unwrap();
        runner.commit().unwrap();
    }
    drop(runner);
    let report = verify(&disk, &[]).unwrap();
    assert!(report.is_sound() && report.records == 8 && report.segments.len() == 2, "{report}");
    assert_eq!(open(&disk, large).journal().head().seq, Seq::new(8));
}

#[test]
fn a_second_writer_is_refused_and_a_reader_is_not() {
    let (disk, _) = journal(2, &[]);
    let first = open(&disk, small());
    let error = Journal::open(disk.clone(), ID, small(), time(0)).unwrap_err();
    assert!(matches!(&error, JournalError::Locked { file } if file == "sim/journal.lock"), "{error}");
    assert!(verify(&disk, &[]).unwrap().is_sound());
    drop(first);
    assert!(Journal::open(disk, ID, small(), time(0)).is_ok());
}

#[test]
fn a_directory_that_admits_no_writing_is_said_to_and_can_be_read() {
    let (disk, _) = journal(2, &[]);
    disk.plan(Fault::ReadOnly);
    let error = Journal::open(disk.clone(), ID, small(), time(0)).unwrap_err();
    assert!(matches!(error, JournalError::NotWritable { .. }), "{error}");
    assert!(error.to_string().contains("right to write"), "{error}");
    assert!(verify(&disk, &[]).unwrap().is_sound());
}

#[test]
fn a_journal_of_another_id_is_refused_with_both_names() {
    let (disk, _) = journal(2, &[]);
    let other = JournalId::new([9; 16]);
    let error = Journal::open(disk, other, small(), time(0)).unwrap_err();
    assert!(
        matches!(error, JournalError::WrongJournal { found: ID, expected, .. } if expected == other),
        "{error}"
    );
    assert!(error.to_string().contains(&other.to_string()) && error.to_string().contains(&ID.to_string()));
}

#[test]
fn a_format_of_the_future_is_named_with_its_number() {
    let (disk, _) = journal(2, &[]);
    let name = "journal-00000000000000000001.seg";
    let mut bytes = disk.contents(name).unwrap();
    bytes[8] = 9;
    let crc = crc32c::crc32c(&bytes[..4092]);
    bytes[4092..4096].copy_from_slice(&crc.to_le_bytes());
    disk.put(name, bytes);
    let error = Journal::open(disk.clone(), ID, small(), time(0)).unwrap_err();
    assert!(matches!(error, JournalError::UnknownFormat { found: 9, known: 1, .. }), "{error}");
    assert!(verify(&disk, &[]).unwrap().damage.unwrap().rule.contains("format is 9"));
}

#[test]
fn configurations_that_cannot_work_name_the_key() {
    let with = |change: fn(&mut Config)| {
        let mut config = small();
        change(&mut config);
        Journal::open(SimDisk::new(1), ID, config, time(0)).unwrap_err().to_string()
    };
    assert!(with(|c| c.segment_bytes = 8191).starts_with("segment_bytes = 8191"));
    assert!(with(|c| c.segment_bytes = 1 << 31).starts_with("segment_bytes"));
    assert!(with(|c| c.segment_bytes = 0).starts_with("max_bytes"));
    assert!(with(|c| c.batching.max_records = 0).starts_with("max_records = 0"));
    assert!(with(|c| c.batching.max_bytes = 31).starts_with("max_bytes = 31"));
    assert!(with(|c| c.batching.max_bytes = 8192).starts_with("max_bytes = 8192"));
    assert!(with(|c| c.snapshot_every = 0).starts_with("snapshot_every = 0"));
}

#[test]
fn a_full_batch_and_a_long_record_are_refused_and_the_batch_stays() {
    let mut runner = open(&SimDisk::new(1), small());
    let long = common::Move { account: 1, amount: 1, text: vec![b'x'; 2048] };
    assert!(matches!(runner.submit(time(1), &long), Err(JournalError::RecordTooLong { limit: 2048, .. })));
    let mut taken = 0;
    while !runner.is_due() {
        runner.submit(time(1), &plain(1)).unwrap();
        taken += 1;
    }
    while runner.submit(time(1), &plain(1)).is_ok() {
        taken += 1;
    }
    assert!(matches!(runner.submit(time(1), &plain(1)), Err(JournalError::BatchFull { .. })));
    assert!(matches!(runner.write_snapshot(), Err(JournalError::Pending { .. })));
    assert_eq!(runner.commit().unwrap().committed.records, taken);
    assert_eq!(runner.commit().unwrap().committed.records, 0, "an empty commit does nothing");
}

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

#[test]
fn on_a_real_disk_work_comes_back_and_a_second_writer_waits() {
    let folder = folder("real-disk");
    let create = || RealDisk::create(&folder).unwrap();
    let run = |disk| Runner::open(disk, ID, small(), &Ledger::default(), time(0), Rederive::After(Seq::ZERO));
    let (mut runner, _) = run(create()).unwrap();
    let mut outputs = Vec::new();
    for number in 1..=50u64 {
        runner.submit(time(number), &plain(number)).unwrap();
        outputs.extend(runner.commit().unwrap().outputs);
        if number % 15 == 0 {
            runner.write_snapshot().unwrap();
        }
    }
    let error = run(create()).unwrap_err();
    assert!(matches!(error, JournalError::Locked { .. }), "{error}");
    let hash = runner.machine().state_hash();
    drop(runner);
    let (runner, recovered) = run(create()).unwrap();
    assert_eq!((runner.machine().state_hash(), recovered.outputs), (hash, outputs));
    drop(runner);
    let (_, recovered) =
        Runner::open(create(), ID, small(), &Ledger::default(), time(0), Rederive::Nothing).unwrap();
    assert_eq!((recovered.snapshot, recovered.replayed), (Some(Seq::new(45)), 5));
    let report = verify(&create(), &[]).unwrap();
    assert!(report.is_sound() && report.records == 50 && report.snapshots.len() == 2, "{report}");
}

#[test]
fn a_reader_begins_where_it_is_told_and_ends_at_the_last_commit() {
    let (disk, oracle) = journal(20, &[]);
    for after in 0..=oracle.last().get() + 1 {
        let mut reader = Reader::open(&disk, Seq::new(after)).unwrap();
        let mut next = after + 1;
        while let Some(record) = reader.next().unwrap() {
            assert_eq!(record.stamp.seq, Seq::new(next));
            next += 1;
        }
        assert_eq!(next, oracle.last().get().max(after) + 1);
        assert_eq!(reader.next().unwrap(), None, "the end stays the end");
    }
}

#[test]
fn an_error_of_a_reader_stays() {
    let (disk, _) = journal(20, &[]);
    let second = disk.files().into_keys().filter(|name| name.ends_with(".seg")).nth(1).unwrap();
    disk.flip(&second, 8 * 100);
    let mut reader = Reader::open(&disk, Seq::ZERO).unwrap();
    while let Ok(Some(_)) = reader.next() {}
    assert!(matches!(reader.next(), Err(JournalError::Damaged(_))));
    assert!(matches!(reader.next(), Err(JournalError::Damaged(_))));
}

#[test]
fn an_event_that_the_machine_cannot_read_is_named_with_its_seq() {
    let disk = SimDisk::new(1);
    let (mut journal, _) = Journal::open(disk.clone(), ID, small(), time(0)).unwrap();
    let tag = Tag { kind: 9, version: 1 };
    journal.append(&NewRecord { time: time(1), tag, payload: b"?" }).unwrap();
    journal.commit().unwrap();
    drop(journal);
    let error = Runner::open(disk, ID, small(), &Ledger::default(), time(0), Rederive::Nothing).unwrap_err();
    assert!(matches!(&error, JournalError::Event { seq, .. } if *seq == Seq::new(1)), "{error}");
    assert!(error.to_string().contains("kind 9"), "{error}");
}

/// An encoding that forgets the sign.
struct Lossy(i8);
#[derive(Clone, Debug)]
struct Sum(i64);

impl Event for Lossy {
    fn encode(&self, payload: &mut Vec<u8>) -> Tag {
        payload.push(self.0.unsigned_abs());
        Tag { kind: 1, version: 1 }
    }
    fn decode(_: Tag, payload: &[u8]) -> Result<Self, String> {
        match payload {
            [byte] => i8::try_from(*byte).map(Self).map_err(|_| "up to 127".to_owned()),
            _ => Err("one byte".to_owned()),
        }
    }
}

impl Machine for Sum {
    type Event = Lossy;
    type Output = ();
    fn step(&mut self, _: Stamp, event: &Lossy) -> Vec<()> {
        self.0 += i64::from(event.0);
        Vec::new()
    }
    fn state_hash(&self) -> Digest {
        Digest::of_state(&self.0.to_le_bytes())
    }
    fn snapshot(&self) -> Vec<u8> {
        self.0.to_le_bytes().to_vec()
    }
    fn restore(&self, _: &[u8]) -> Result<Self, String> {
        Err("not asked for here".to_owned())
    }
}

#[test]
fn an_encoding_that_loses_something_cannot_make_live_and_replay_differ() {
    let disk = SimDisk::new(1);
    let run = |disk: &SimDisk| {
        Runner::open(disk.clone(), ID, small(), &Sum(0), time(0), Rederive::Nothing).unwrap().0
    };
    let mut runner = run(&disk);
    runner.submit(time(1), &Lossy(-3)).unwrap();
    let error = runner.submit(time(1), &Lossy(-128)).unwrap_err();
    assert!(matches!(error, JournalError::Refused { .. }), "{error}");
    runner.commit().unwrap();
    let live = runner.machine().0;
    drop(runner);
    assert_eq!((live, run(&disk).machine().0), (3, 3));
}

#[test]
fn folders_that_hold_no_journal_are_said_to() {
    let folder = folder("no-journal");
    assert!(RealDisk::open(&folder).is_err());
    let disk = RealDisk::create(&folder).unwrap();
    let error = verify(&disk, &[]).unwrap_err();
    assert!(
        matches!(error, JournalError::Empty { .. }) && error.to_string().contains("no-journal"),
        "{error}"
    );
    std::fs::write(folder.join("a file"), b"x").unwrap();
    assert!(RealDisk::open(&folder.join("a file")).is_err());
}
