//! Every single flipped bit and every truncation of a small journal: noticed, or said to be cut, and never an altered event.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod common;

use common::{Chances, ID, Ledger, Oracle, journal, seeds, small, time};
use journal::prove;
use journal::sim::SimDisk;
use journal::{
    Event, Journal, JournalError, Machine, Reader, Recovered, Rederive, Runner, Seq, VerifyReport, verify,
};

/// Records read back are a prefix of those written, whatever happened.
fn read_is_a_prefix(disk: &SimDisk, oracle: &Oracle, what: &str) -> u64 {
    let Ok(mut reader) = Reader::open(disk, Seq::ZERO) else { return 0 };
    let mut count = 0;
    while let Ok(Some(record)) = reader.next() {
        count += 1;
        let mut payload = Vec::new();
        let tag = oracle.events[count - 1].encode(&mut payload);
        let written = (Seq::new(count as u64), time(count as u64), tag, payload.as_slice());
        assert_eq!((record.stamp.seq, record.stamp.time, record.tag, record.payload), written, "{what}");
    }
    count as u64
}

/// What opening says, and that the state is that of a prefix.
fn open_says(disk: &SimDisk, oracle: &Oracle, what: &str) -> Result<Recovered<(u8, i64)>, JournalError> {
    let opened = Runner::open(disk.copy(), ID, small(), &Ledger::default(), time(0), Rederive::Nothing);
    opened.map(|(runner, recovered)| {
        let (state, _) = oracle.after(recovered.opened.head.seq);
        assert_eq!(runner.machine().state_hash(), state.state_hash(), "{what}");
        recovered
    })
}

/// A report but for where it is torn.
fn is_noticed(report: &VerifyReport, clean: &VerifyReport) -> bool {
    report.damage.is_some() || report.torn.is_some() || report.snapshots != clean.snapshots
}

fn noticed_everywhere(
    disk: &SimDisk,
    oracle: &Oracle,
    name: &str,
    spoil: impl Fn(&SimDisk),
    what: &str,
    tally: &mut Tally,
) {
    let clean = verify(disk, &[]).unwrap();
    assert!(clean.is_sound() && clean.torn.is_none());
    let spoilt = disk.copy();
    spoil(&spoilt);
    let report = verify(&spoilt, &[]).unwrap();
    assert!(is_noticed(&report, &clean), "{what}: verify sees nothing");
    let count = read_is_a_prefix(&spoilt, oracle, what);
    // From the first record, and from the snapshot, which leaves the segments before it unread.
    let whole = Journal::open(spoilt.copy(), ID, small(), time(0)).map(|(_, opened)| opened);
    let quick = open_says(&spoilt, oracle, what);
    for error in [whole.as_ref().err(), quick.as_ref().err()].into_iter().flatten() {
        assert!(error.to_string().contains(name), "{what}: the error does not name the file: {error}");
    }
    if whole.is_err() || quick.is_err() {
        tally.refused += 1;
    }
    if let Ok(opened) = &whole {
        let refused = quick.as_ref().is_ok_and(|recovered| !recovered.refused.is_empty());
        assert!(opened.cut.is_some() || refused, "{what}: opened without a word");
        assert_eq!(opened.head.seq, oracle.last(), "{what}: an acknowledged record was cut");
        assert_eq!(count, oracle.last().get());
        tally.recovered += 1;
    }
    if let Ok(recovered) = &quick {
        assert_eq!(recovered.opened.head.seq, oracle.last(), "{what}: an acknowledged record was cut");
    }
}

#[derive(Debug, Default)]
struct Tally {
    refused: u64,
    recovered: u64,
}

/// Bytes that differ from the zeros around them, and a few of these.
fn used(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1)
}

#[test]
fn no_flipped_bit_passes_unnoticed_and_none_changes_an_event() {
    let (disk, oracle) = journal(8, &[5]);
    let files = disk.files();
    let segments = files.keys().filter(|name| name.ends_with(".seg")).count();
    assert!(segments >= 2, "{:?}", files.keys());
    let mut tally = Tally::default();
    for (name, bytes) in files.iter().filter(|(name, _)| *name != "journal.lock") {
        for byte in 0..bytes.len() {
            // Of the zeros, headers apart, one bit in each byte is enough in a quick run.
            let quick = byte >= used(bytes).max(4096) + 256 && common::seeds(1) == 1;
            for bit in if quick { byte % 8..byte % 8 + 1 } else { 0..8 } {
                let what = format!("{name}, byte {byte}, bit {bit}");
                noticed_everywhere(
                    &disk,
                    &oracle,
                    name,
                    |disk| disk.flip(name, byte * 8 + bit),
                    &what,
                    &mut tally,
                );
            }
        }
    }
    println!("{} refused, {} recovered and said so", tally.refused, tally.recovered);
    assert!(tally.refused > 10_000 && tally.recovered > 1_000);
}

#[test]
fn a_stray_bit_in_the_unused_end_is_cut_and_in_a_full_segment_it_is_damage() {
    let (disk, _) = journal(8, &[]);
    let all: Vec<_> = disk.files().into_iter().filter(|(name, _)| name.ends_with(".seg")).collect();
    for (number, (name, bytes)) in all.iter().enumerate() {
        for byte in used(bytes).next_multiple_of(8)..bytes.len() {
            let stray = disk.copy();
            stray.flip(name, byte * 8 + byte % 8);
            let opened = Journal::open(stray, ID, small(), time(0)).map(|(_, opened)| opened.cut);
            match opened {
                Ok(cut) => assert!(cut.is_some() && number + 1 == all.len(), "{name}, byte {byte}"),
                Err(error) => assert!(number + 1 < all.len(), "{name}, byte {byte}: {error}"),
            }
        }
    }
}

#[test]
fn no_truncation_passes_unnoticed() {
    let (disk, oracle) = journal(8, &[5]);
    let mut tally = Tally::default();
    for (name, bytes) in disk.files().iter().filter(|(name, _)| *name != "journal.lock") {
        for length in 0..bytes.len() {
            let what = format!("{name}, cut to {length}");
            noticed_everywhere(&disk, &oracle, name, |disk| disk.truncate(name, length), &what, &mut tally);
        }
    }
    println!("{} refused, {} recovered and said so", tally.refused, tally.recovered);
}

#[test]
fn zeroed_sectors_are_damage_but_for_the_last_commit_which_is_cut_and_said_to_be() {
    let (disk, oracle) = journal(8, &[]);
    let last_commit = oracle.last().get() - 2;
    let (mut refused, mut cut) = (0, 0);
    for (name, bytes) in disk.files().iter().filter(|(name, _)| name.ends_with(".seg")) {
        for sector in 8..used(bytes).div_ceil(512) {
            let spoilt = disk.copy();
            let mut zeroed = bytes.clone();
            zeroed[sector * 512..(sector + 1) * 512].fill(0);
            spoilt.put(name, zeroed);
            let what = format!("{name}, sector {sector}");
            read_is_a_prefix(&spoilt, &oracle, &what);
            match open_says(&spoilt, &oracle, &what) {
                Err(JournalError::Damaged(_)) => refused += 1,
                Err(other) => panic!("{what}: {other}"),
                Ok(recovered) => {
                    cut += 1;
                    assert!(recovered.opened.cut.is_some(), "{what}");
                    assert_eq!(
                        recovered.opened.head.seq.next().get(),
                        last_commit,
                        "{what}: more than the last commit is cut"
                    );
                }
            }
        }
    }
    assert!(refused > 3 && cut > 0, "{refused} refused, {cut} cut");
}

/// Copies, zeros, noise and flips at random places, several at once, over headers, frames and snapshots.
fn vandalise(bytes: &mut Vec<u8>, chances: &mut Chances) {
    for _ in 0..1 + chances.below(4) {
        let length = bytes.len() as u64;
        let aligned = if chances.one_in(2) { 8 } else { 1 };
        let from = (chances.below(length) / aligned * aligned) as usize;
        let to = (from + 1 + chances.below(700) as usize).min(bytes.len());
        match chances.below(6) {
            0 => bytes[from] ^= 1 << chances.below(8),
            1 => bytes[from..to].fill(0),
            2 => bytes[from..to].iter_mut().for_each(|byte| *byte = chances.next() as u8),
            3 => {
                let place = chances.below(length - (to - from) as u64 + 1) as usize / aligned as usize
                    * aligned as usize;
                bytes.copy_within(from..to, place);
            }
            4 => {
                bytes.drain(from..to);
                bytes.resize(length as usize, 0);
            }
            _ => {
                bytes[from] = bytes[from].wrapping_add(1);
                if let Some(block) = bytes.first_chunk_mut::<4096>() {
                    let crc = crc32c::crc32c(&block[..4092]);
                    block[4092..].copy_from_slice(&crc.to_le_bytes());
                }
            }
        }
    }
}

#[test]
fn whatever_is_done_to_the_files_only_a_prefix_of_the_events_is_ever_read() {
    let (disk, oracle) = journal(8, &[3, 5]);
    let files: Vec<_> = disk.files().into_iter().filter(|(name, _)| *name != "journal.lock").collect();
    let (mut refused, mut opened) = (0, 0);
    for seed in 0..seeds(2_000) {
        let mut chances = Chances(seed);
        let spoilt = disk.copy();
        for _ in 0..1 + chances.below(2) {
            let (name, bytes) = &files[chances.below(files.len() as u64) as usize];
            let mut bytes = bytes.clone();
            vandalise(&mut bytes, &mut chances);
            spoilt.put(name, bytes);
        }
        let what = format!("seed {seed}");
        read_is_a_prefix(&spoilt, &oracle, &what);
        let _ = verify(&spoilt, &[]).map(|report| report.to_string());
        for seq in [1, 13, 24] {
            let _ = prove(&spoilt, Seq::new(seq), None);
        }
        match open_says(&spoilt, &oracle, &what) {
            Ok(_) => opened += 1,
            Err(_) => refused += 1,
        }
    }
    println!("{refused} refused, {opened} opened");
    assert!(refused > 100 && opened > 100);
}

#[test]
fn what_was_cut_stays_cut_and_the_journal_goes_on() {
    let (disk, mut oracle) = journal(3, &[]);
    let name = "journal-00000000000000000001.seg";
    let mut bytes = disk.contents(name).unwrap();
    let end = used(&bytes);
    let aligned = end.next_multiple_of(512);
    bytes[aligned + 700] = 0xaa;
    bytes[aligned + 701] = 0xbb;
    disk.put(name, bytes);
    let (mut journal, opened) = Journal::open(disk.clone(), ID, small(), time(0)).unwrap();
    let cut = opened.cut.unwrap();
    assert_eq!(
        (cut.offset, cut.bytes, cut.records),
        (end.next_multiple_of(8) as u64, (aligned + 702 - end.next_multiple_of(8)) as u64, 0)
    );
    let event = common::plain(99);
    let mut payload = Vec::new();
    let tag = event.encode(&mut payload);
    oracle.take(event);
    let seq = journal
        .append(&journal::NewRecord { time: time(oracle.last().get()), tag, payload: &payload })
        .unwrap();
    assert_eq!(seq, oracle.last());
    journal.commit().unwrap();
    drop(journal);
    assert_eq!(read_is_a_prefix(&disk, &oracle, "after the cut"), oracle.last().get());
    assert!(verify(&disk, &[]).unwrap().torn.is_none());
}
