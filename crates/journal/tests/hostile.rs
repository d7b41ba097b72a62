//! Somebody who can write the files: what is found from the files alone, what only a kept head or a replay finds.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod common;

use common::{ID, Ledger, bytes_of, frames, journal, open, plain, segments, small, time};
use journal::sim::SimDisk;
use journal::{
    Head, HeadVerdict, Journal, JournalError, JournalId, NewRecord, Reader, Rederive, Retention, Runner, Seq,
    SnapshotVerdict, Tag, prove, replay_all, verify,
};

/// The rule that both opening and verifying name.
fn damage(disk: &SimDisk) -> String {
    let report = verify(disk, &[]).unwrap();
    let found =
        report.damage.clone().map(|damage| damage.to_string()).unwrap_or_else(|| panic!("sound: {report}"));
    assert!(!report.is_sound() && report.to_string().contains("NOT SOUND"));
    match Journal::open(disk.copy(), ID, small(), time(0)) {
        Err(JournalError::Damaged(damage)) => assert_eq!(damage.to_string(), found),
        Err(JournalError::WrongJournal { .. }) => assert!(found.contains("one journal")),
        other => panic!("{found}, but opening says {other:?}"),
    }
    found
}

fn assert_damage(disk: &SimDisk, rule: &str) {
    let found = damage(disk);
    assert!(found.contains(rule), "expected '{rule}' in '{found}'");
}

/// Makes the CRC of a frame fit again.
fn seal(bytes: &mut [u8], (at, length, _): (usize, usize, u16)) {
    let crc = crc32c::crc32c(&bytes[at + 4..at + length]);
    bytes[at..at + 4].copy_from_slice(&crc.to_le_bytes());
}

fn seal_header(bytes: &mut [u8]) {
    let crc = crc32c::crc32c(&bytes[..4092]);
    bytes[4092..4096].copy_from_slice(&crc.to_le_bytes());
}

/// A spoilt copy of one file.
fn with(disk: &SimDisk, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> SimDisk {
    let spoilt = disk.copy();
    let mut bytes = bytes_of(&spoilt, name);
    change(&mut bytes);
    spoilt.put(name, bytes);
    spoilt
}

#[test]
fn segments_that_change_places_are_found() {
    let (disk, _) = journal(20, &[]);
    let names = segments(&disk);
    assert!(names.len() >= 3, "{names:?}");
    let swapped = disk.copy();
    swapped.put(&names[0], bytes_of(&disk, &names[1]));
    swapped.put(&names[1], bytes_of(&disk, &names[0]));
    assert_damage(&swapped, "a segment's name and header agree");
}

#[test]
fn a_segment_that_is_there_twice_is_found() {
    let (disk, _) = journal(20, &[]);
    let names = segments(&disk);
    for place in ["journal-00000000000000000002.seg", "journal-00000000000000009999.seg"] {
        let twice = disk.copy();
        twice.put(place, bytes_of(&disk, &names[1]));
        damage(&twice);
        // With name and header changed to agree the chain still finds it.
        let renamed = with(&twice, place, |bytes| {
            let first: u64 = place[8..28].parse().unwrap();
            bytes[32..40].copy_from_slice(&first.to_le_bytes());
            seal_header(bytes);
        });
        damage(&renamed);
    }
}

#[test]
fn a_missing_segment_is_found_in_the_middle_and_said_at_the_front() {
    let (disk, _) = journal(20, &[]);
    let names = segments(&disk);
    let middle = disk.copy();
    middle.take(&names[1]);
    assert_damage(&middle, "segments are numbered without a gap");
    let front = disk.copy();
    front.take(&names[0]);
    let report = verify(&front, &[]).unwrap();
    assert!(report.first.unwrap().seq > Seq::new(1), "{report}");
    let error =
        Runner::open(front.clone(), ID, small(), &Ledger::default(), time(0), Rederive::Nothing).unwrap_err();
    assert!(matches!(error, JournalError::NoStart { .. }), "{error}");
    assert!(matches!(replay_all(&front, Ledger::default(), |_, _| ()), Err(JournalError::NoStart { .. })));
}

#[test]
fn the_end_taken_away_is_found_by_a_kept_head_and_by_a_snapshot() {
    let (disk, oracle) = journal(20, &[20]);
    let head = verify(&disk, &[]).unwrap().head.unwrap();
    assert_eq!(head.seq, oracle.last());
    let cut = disk.copy();
    cut.take(segments(&disk).last().unwrap());
    let report = verify(&cut, &[head]).unwrap();
    assert_eq!(report.heads, [(head, HeadVerdict::Missing)]);
    assert!(!report.is_sound());
    let error = Journal::open(cut.copy(), ID, small(), time(0)).unwrap_err();
    assert!(
        matches!(error, JournalError::BehindSnapshot { snapshot, .. } if snapshot == oracle.last()),
        "{error}"
    );
    let runner = Runner::open(cut.copy(), ID, small(), &Ledger::default(), time(0), Rederive::Nothing);
    assert!(matches!(runner.unwrap_err(), JournalError::BehindSnapshot { .. }));
    let gone = disk.copy();
    segments(&disk).iter().for_each(|name| gone.take(name));
    assert!(matches!(Journal::open(gone, ID, small(), time(0)), Err(JournalError::BehindSnapshot { .. })));
}

#[test]
fn commits_in_another_order_or_twice_are_found() {
    let (disk, _) = journal(3, &[]);
    let name = &segments(&disk)[0];
    let bytes = bytes_of(&disk, name);
    let all = frames(&bytes);
    let ends: Vec<usize> = all.iter().filter(|f| f.2 == 2).map(|(at, length, _)| at + length).collect();
    let (first, second, third) = (4096..ends[0], ends[0]..ends[1], ends[1]..ends[2]);
    let joined = |parts: &[std::ops::Range<usize>]| {
        with(&disk, name, |file| {
            let parts: Vec<u8> = parts.iter().flat_map(|part| bytes[part.clone()].to_vec()).collect();
            let length = file.len();
            file.truncate(4096);
            file.extend(parts);
            file.resize(length, 0);
        })
    };
    assert_damage(&joined(&[second.clone(), first.clone(), third.clone()]), "numbered without a gap");
    assert_damage(&joined(&[first.clone(), third.clone(), second.clone()]), "numbered without a gap");
    assert_damage(
        &joined(&[first.clone(), second.clone(), third.clone(), third.clone()]),
        "numbered without a gap",
    );
    assert_damage(&joined(&[first, third]), "numbered without a gap");
}

#[test]
fn an_old_segment_of_another_journal_is_found_also_when_it_is_relabelled() {
    let (disk, _) = journal(20, &[]);
    let other = SimDisk::new(5);
    let id = JournalId::new([9; 16]);
    let mut runner =
        Runner::open(other.clone(), id, small(), &Ledger::default(), time(0), Rederive::Nothing).unwrap().0;
    for number in 1..=60 {
        runner.submit(time(number), &plain(number)).unwrap();
        if number % 3 == 0 {
            runner.commit().unwrap();
        }
    }
    let name = &segments(&disk)[1];
    let mixed = disk.copy();
    mixed.put(name, bytes_of(&other, name));
    assert_damage(&mixed, "of one journal");
    let relabelled = with(&mixed, name, |bytes| {
        bytes[16..32].copy_from_slice(&ID.bytes());
        seal_header(bytes);
    });
    assert_damage(&relabelled, "continues the chain");
    let relinked = with(&relabelled, name, |bytes| {
        bytes[48..80].copy_from_slice(&bytes_of(&disk, name)[48..80]);
        seal_header(bytes);
    });
    assert_damage(&relinked, "chain of a commit follows");
}

#[test]
fn a_changed_event_with_a_fitting_crc_is_found_by_the_root_and_a_changed_commit_by_the_chain() {
    let (disk, _) = journal(4, &[]);
    let name = &segments(&disk)[0];
    let all = frames(&bytes_of(&disk, name));
    for (number, frame) in all.iter().enumerate() {
        let spoilt = with(&disk, name, |bytes| {
            bytes[frame.0 + 40] ^= 1;
            seal(bytes, *frame);
        });
        assert_damage(&spoilt, if frame.2 == 1 { "Merkle root" } else { "Merkle root of a commit" });
        let later = with(&disk, name, |bytes| {
            bytes[frame.0 + 16] ^= 1;
            seal(bytes, *frame);
        });
        damage(&later);
        let gap = with(&disk, name, |bytes| {
            bytes[frame.0 + 8] += 1;
            seal(bytes, *frame);
        });
        assert_damage(
            &gap,
            if frame.2 == 1 { "numbered without a gap" } else { "a commit counts its records" },
        );
        let chain = with(&disk, name, |bytes| {
            bytes[frame.0 + frame.1 - 1] ^= 1;
            seal(bytes, *frame);
        });
        if frame.2 == 2 {
            assert_damage(&chain, "chain of a commit follows");
        }
        let typed = with(&disk, name, |bytes| {
            bytes[frame.0 + 28] = 3;
            seal(bytes, *frame);
        });
        damage(&typed);
        assert!(number < all.len());
    }
}

#[test]
fn a_journal_written_anew_is_sound_in_itself_and_differs_from_a_kept_head() {
    let (disk, oracle) = journal(6, &[]);
    let kept: Vec<Head> = (1..=6).map(|n| prove(&disk, Seq::new(3 * n), None).unwrap().head()).collect();
    let anew = SimDisk::new(8);
    {
        let mut runner = open(&anew, small());
        for number in 1..=oracle.last().get() {
            let mut event = plain(number);
            event.amount += i32::from(number == 10);
            runner.submit(time(number), &event).unwrap();
            if number % 3 == 0 {
                runner.commit().unwrap();
            }
        }
    }
    assert!(verify(&anew, &[]).unwrap().is_sound(), "nothing in the files tells");
    let report = verify(&anew, &kept).unwrap();
    let verdicts: Vec<HeadVerdict> = report.heads.iter().map(|(_, verdict)| *verdict).collect();
    let (found, differs) = (HeadVerdict::Found, HeadVerdict::Differs);
    assert_eq!(
        verdicts,
        [found, found, found, differs, differs, differs],
        "the event in commit 4 was changed"
    );
    assert!(!report.is_sound());
    let between = Head { seq: Seq::new(4), chain: kept[0].chain };
    assert_eq!(verify(&disk, &[between]).unwrap().heads, [(between, HeadVerdict::Differs)]);
}

#[test]
fn snapshots_that_lie_are_refused_and_the_older_one_or_the_first_record_is_used() {
    let (disk, oracle) = journal(8, &[3, 6]);
    let (older, newer) = ("snapshot-00000000000000000009.snap", "snapshot-00000000000000000018.snap");
    let opened = |disk: &SimDisk| {
        Runner::open(disk.copy(), ID, small(), &Ledger::default(), time(0), Rederive::Nothing).unwrap()
    };
    let used = |disk: &SimDisk| {
        let (runner, recovered) = opened(disk);
        assert_eq!(runner.machine(), &oracle.after(oracle.last()).0);
        (recovered.snapshot.map(Seq::get), recovered.refused.len())
    };
    assert_eq!(used(&disk), (Some(18), 0));
    // Renamed: the older one as the newer, and one as of the future.
    let renamed = disk.copy();
    renamed.put(newer, bytes_of(&disk, older));
    assert_eq!(used(&renamed), (Some(9), 1));
    let future = disk.copy();
    future.put("snapshot-00000000000000000099.snap", bytes_of(&disk, newer));
    assert_eq!(used(&future), (Some(18), 1));
    // Emptied, or of no commit: the first record.
    let empty = disk.copy();
    empty.put(newer, Vec::new());
    empty.put(older, vec![7; 5000]);
    assert_eq!(used(&empty), (None, 2));
    // Of another chain of the same id: whole in itself, but no commit of this journal.
    let fork = SimDisk::new(4);
    {
        let mut runner = open(&fork, small());
        for number in 1..=18 {
            runner.submit(time(number), &plain(number + 1)).unwrap();
            if number % 3 == 0 {
                runner.commit().unwrap();
            }
        }
        runner.write_snapshot().unwrap();
    }
    let mixed = disk.copy();
    mixed.put(newer, bytes_of(&fork, newer));
    assert_eq!(used(&mixed), (Some(9), 1));
    let verdict = &verify(&mixed, &[]).unwrap().snapshots[0].verdict;
    assert!(matches!(verdict, SnapshotVerdict::Refused(reason) if reason.contains("chain")), "{verdict:?}");
}

#[test]
fn a_snapshot_of_a_false_state_under_the_right_chain_is_found_by_a_replay() {
    let (disk, oracle) = journal(6, &[]);
    let forger = SimDisk::new(2);
    let mut rich = Ledger::default();
    rich.balances.insert(0, 1_000_000);
    let mut runner = Runner::open(forger.clone(), ID, small(), &rich, time(0), Rederive::Nothing).unwrap().0;
    for number in 1..=18 {
        runner.submit(time(number), &plain(number)).unwrap();
        if number % 3 == 0 {
            runner.commit().unwrap();
        }
    }
    runner.write_snapshot().unwrap();
    let name = "snapshot-00000000000000000018.snap";
    disk.put(name, bytes_of(&forger, name));
    assert!(verify(&disk, &[]).unwrap().is_sound(), "the chain says nothing of states");
    let replayed = replay_all(&disk, Ledger::default(), |_, _| ()).unwrap();
    assert_eq!(replayed.snapshots, [(Seq::new(18), false)]);
    assert_eq!(replayed.head.seq, oracle.last());
}

#[test]
fn lengths_and_numbers_beyond_everything_are_damage_and_no_allocation() {
    let (disk, _) = journal(20, &[]);
    let name = &segments(&disk)[0];
    let all = frames(&bytes_of(&disk, name));
    for length in [u32::MAX, u32::MAX - 31, 1 << 31, 8192, 4000] {
        for frame in [all[0], *all.last().unwrap()] {
            let spoilt = with(&disk, name, |bytes| {
                bytes[frame.0 + 4..frame.0 + 8].copy_from_slice(&length.to_le_bytes());
            });
            damage(&spoilt);
        }
    }
    let (single, _) = journal(2, &[]);
    for (first, index) in
        [(u64::MAX, 0), (u64::MAX, u64::MAX), (0, 0), (0, 1), (1, u64::MAX), (2, 5), (1 << 62, 1)]
    {
        let only = single.copy();
        only.take(name);
        let mut bytes = bytes_of(&single, name);
        bytes[32..40].copy_from_slice(&first.to_le_bytes());
        bytes[40..48].copy_from_slice(&index.to_le_bytes());
        seal_header(&mut bytes);
        only.put(&format!("journal-{first:020}.seg"), bytes);
        let report = verify(&only, &[]).unwrap();
        assert!(report.damage.is_some(), "first {first}, index {index}: {report}");
        assert!(prove(&only, Seq::new(u64::MAX), None).is_err());
        assert!(Reader::open(&only, Seq::new(u64::MAX)).is_err() || first <= 1 << 62);
    }
    let long = with(&single, name, |bytes| {
        bytes[88..96].copy_from_slice(&u64::MAX.to_le_bytes());
        seal_header(bytes);
    });
    assert_damage(&long, "as long as its header says");
}

#[test]
fn files_of_no_bytes_and_of_strange_names_are_named() {
    let (disk, _) = journal(20, &[]);
    for name in segments(&disk) {
        let empty = disk.copy();
        empty.put(&name, Vec::new());
        assert_damage(&empty, "header of 4096 bytes");
    }
    let strange = disk.copy();
    strange.put("journal-1.seg", bytes_of(&disk, &segments(&disk)[0]));
    assert_damage(&strange, "20 digits");
    let ignored = disk.copy();
    ignored.put("notes.txt", b"mine".to_vec());
    ignored.put("snapshot-x.snap", Vec::new());
    assert!(verify(&ignored, &[]).unwrap().is_sound());
}

#[test]
fn leftovers_of_a_crash_are_removed_and_other_files_are_not() {
    let (disk, _) = journal(3, &[]);
    for name in
        ["spare.tmp", "journal-00000000000000000099.seg.tmp", "snapshot-00000000000000000009.snap.tmp"]
    {
        disk.put(name, vec![1; 100]);
    }
    disk.put("mine.tmp", b"keep".to_vec());
    assert!(verify(&disk, &[]).unwrap().is_sound(), "they are no fault");
    let (_, opened) = Journal::open(disk.clone(), ID, small(), time(0)).unwrap();
    assert_eq!(opened.removed.len(), 3);
    assert!(disk.contents("mine.tmp").is_some() && disk.contents("spare.tmp").is_none());
}

#[test]
fn a_frame_inside_a_payload_never_becomes_an_event() {
    // The payload of the only record holds whole frames of later records and commits of another journal.
    let (inner, _) = journal(3, &[]);
    let bytes = bytes_of(&inner, &segments(&inner)[0]);
    let end = frames(&bytes).last().map(|(at, length, _)| at + length).unwrap();
    for skip in 0..9 {
        let disk = SimDisk::new(1);
        let mut journal = Journal::open(disk.clone(), ID, small(), time(0)).unwrap().0;
        let mut payload = vec![1; skip];
        payload.extend(&bytes[4096..end.min(4096 + 1900)]);
        let tag = Tag { kind: 1, version: 1 };
        journal.append(&NewRecord { time: time(1), tag, payload: &payload }).unwrap();
        journal.commit().unwrap();
        drop(journal);
        let name = &segments(&disk)[0];
        for sector in 8..12 {
            let torn = with(&disk, name, |bytes| bytes[sector * 512..(sector + 1) * 512].fill(0));
            let mut reader = Reader::open(&torn, Seq::ZERO).unwrap();
            match reader.next() {
                Ok(None) | Err(JournalError::Damaged(_)) => {}
                other => panic!("sector {sector}: {other:?}"),
            }
        }
    }
}

#[test]
fn looking_for_frames_in_a_file_made_to_waste_time_comes_to_an_end() {
    let (disk, _) = journal(1, &[]);
    let name = &segments(&disk)[0];
    // A segment of 4 MiB in which each eight bytes claim a frame of a megabyte.
    let wasteful = with(&disk, name, |bytes| {
        bytes.resize(4 << 20, 0);
        bytes[88..96].copy_from_slice(&(4u64 << 20).to_le_bytes());
        seal_header(bytes);
        let end = frames(bytes).last().map(|(at, length, _)| at + length).unwrap();
        for (number, word) in bytes[end..].chunks_exact_mut(8).enumerate() {
            let claim: [u8; 8] =
                if number % 4 == 3 { [1, 0, 0, 0, 1, 0, 0, 0] } else { [9, 9, 9, 9, 0, 0, 16, 0] };
            word.copy_from_slice(&claim);
        }
    });
    assert_damage(&wasteful, "looks like a frame too often");
}

/// A journal of two commits: one record of 1,500 bytes, then one of 40.
fn long_then_short() -> (SimDisk, String, Vec<(usize, usize, u16)>) {
    let disk = SimDisk::new(1);
    let (mut journal, _) = Journal::open(disk.clone(), ID, small(), time(0)).unwrap();
    let tag = Tag { kind: 1, version: 1 };
    for length in [1500, 40] {
        journal.append(&NewRecord { time: time(1), tag, payload: &vec![b'x'; length] }).unwrap();
        journal.commit().unwrap();
    }
    drop(journal);
    let name = segments(&disk).remove(0);
    let all = frames(&bytes_of(&disk, &name));
    (disk, name, all)
}

#[test]
fn damage_in_a_commit_is_damage_also_when_the_one_after_it_is_torn() {
    let (disk, name, all) = long_then_short();
    let spoilt = with(&disk, &name, |bytes| {
        bytes[9 * 512..10 * 512].fill(0); // inside the first record
        let (at, length, _) = all[3];
        bytes[at..at + length].fill(0); // the second commit never got there
    });
    assert_damage(&spoilt, "of another commit");
}

#[test]
fn a_last_commit_that_was_wiped_or_overwritten_is_damage_and_not_a_torn_write() {
    let (disk, name, all) = long_then_short();
    let (record, commit) = (all[2], all[3]);
    assert_eq!(
        (commit.0 - 8) / 512,
        (commit.0 + commit.1 - 1) / 512,
        "the commit lies in the sector of its record"
    );
    assert_damage(
        &with(&disk, &name, |bytes| bytes[commit.0..commit.0 + commit.1].fill(0)),
        "neither a frame",
    );
    assert_damage(
        &with(&disk, &name, |bytes| bytes[commit.0..commit.0 + commit.1].fill(0x5a)),
        "neither a frame",
    );
    assert_damage(
        &with(&disk, &name, |bytes| bytes[record.0..commit.0 + commit.1].fill(0x5a)),
        "neither a frame",
    );
    assert_damage(&with(&disk, &name, |bytes| bytes[record.0..commit.0].fill(0x5a)), "sound frames follow");
}

#[test]
fn the_chain_begins_with_the_id_also_when_nothing_follows() {
    let disk = SimDisk::new(1);
    drop(open(&disk, small()));
    let name = &segments(&disk)[0];
    assert_eq!(verify(&disk, &[]).unwrap().head, Some(Head { seq: Seq::ZERO, chain: ID.origin() }));
    let spoilt = with(&disk, name, |bytes| {
        bytes[48] ^= 1;
        seal_header(bytes);
    });
    assert_damage(&spoilt, "begins with the hash of the journal's id");
}

#[test]
fn a_snapshot_that_restores_to_another_hash_is_refused() {
    let (disk, oracle) = journal(8, &[3, 6]);
    let newer = "snapshot-00000000000000000018.snap";
    let spoilt = with(&disk, newer, |bytes| {
        bytes[80] ^= 1; // the hash of the state, under a CRC that fits
        let crc = crc32c::crc32c(&bytes[..252]);
        bytes[252..256].copy_from_slice(&crc.to_le_bytes());
    });
    let opened = Runner::open(spoilt, ID, small(), &Ledger::default(), time(0), Rederive::Nothing);
    let (runner, recovered) = opened.unwrap();
    assert_eq!(runner.machine(), &oracle.after(oracle.last()).0);
    assert_eq!(recovered.snapshot, Some(Seq::new(9)));
    let (file, reason) = &recovered.refused[0];
    assert!(file.contains(newer) && reason.contains("the restored state has hash"), "{file}: {reason}");
}

#[test]
fn after_each_snapshot_the_older_one_still_has_all_that_follows_it() {
    let disk = SimDisk::new(1);
    let config = journal::Config { retention: Retention::SinceOlderSnapshot, ..small() };
    let mut runner = open(&disk, config);
    for number in 1..=150u64 {
        runner.submit(time(number), &plain(number)).unwrap();
        runner.commit().unwrap();
        if number % 2 == 1 {
            continue;
        }
        runner.write_snapshot().unwrap();
        let broken = disk.copy();
        broken.flip(&format!("snapshot-{number:020}.snap"), 2100);
        let opened = Runner::open(broken, ID, config, &Ledger::default(), time(0), Rederive::Nothing);
        let older = number.checked_sub(2).filter(|older| *older > 0);
        assert_eq!(opened.unwrap().1.snapshot.map(Seq::get), older, "after {number}");
    }
    assert!(segments(&disk).len() <= 2, "{:?}", segments(&disk));
}

#[test]
fn retention_keeps_what_the_older_snapshot_needs() {
    let disk = SimDisk::new(1);
    let config = journal::Config { retention: Retention::SinceOlderSnapshot, ..small() };
    let mut runner = open(&disk, config);
    for number in 1..=200u64 {
        runner.submit(time(number), &plain(number)).unwrap();
        if number % 3 == 0 {
            runner.commit().unwrap();
            if number % 30 == 0 {
                runner.write_snapshot().unwrap();
            }
        }
    }
    runner.commit().unwrap();
    drop(runner);
    let report = verify(&disk, &[]).unwrap();
    assert!(report.is_sound() && report.snapshots.len() == 2, "{report}");
    let first = report.first.unwrap().seq;
    assert!(first > Seq::new(100) && first <= Seq::new(151), "{first}: the older snapshot is at 150");
    let oldest = "snapshot-00000000000000000150.snap";
    let broken = disk.copy();
    broken.flip("snapshot-00000000000000000180.snap", 2100);
    let run = |disk: &SimDisk| {
        Runner::open(disk.copy(), ID, config, &Ledger::default(), time(0), Rederive::Nothing)
    };
    assert_eq!(run(&broken).unwrap().1.snapshot, Some(Seq::new(150)));
    broken.flip(oldest, 2100);
    let error = run(&broken).unwrap_err();
    assert!(matches!(error, JournalError::NoStart { .. }) && error.to_string().contains(oldest), "{error}");
    let wants_all = Runner::open(disk, ID, config, &Ledger::default(), time(0), Rederive::After(Seq::ZERO));
    assert!(matches!(wants_all.unwrap_err(), JournalError::NoStart { .. }));
}
