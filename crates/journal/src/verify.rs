//! Reading a whole journal against every rule, without a lock and without writing.

use crate::disk::Disk;
use crate::error::{Damage, JournalError};
use crate::format::{segment_name, snapshot_name};
use crate::journal::Cut;
use crate::record::{Head, JournalId, Record, Seq, Stamp};
use crate::snapshot;
use crate::walk::{Walk, segments};
use std::collections::BTreeMap;
use std::fmt;
use units::Timestamp;

/// One segment as far as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentReport {
    /// The file, with its folder.
    pub file: String,
    /// First seq that it may hold.
    pub first: Seq,
    /// When it was begun.
    pub created: Timestamp,
    /// Records in it.
    pub records: u64,
    /// Commits in it.
    pub commits: u64,
}

/// One snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotReport {
    /// The file, with its folder.
    pub file: String,
    /// Its seq.
    pub seq: Seq,
    /// Whether it fits the chain.
    pub verdict: SnapshotVerdict,
}

/// What became of a snapshot. Whether its state is that of a replay, [`replay_all`](crate::replay_all) says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SnapshotVerdict {
    /// Whole, and its chain is that of the commit at its seq.
    Fits,
    /// It is of before the first record that is there, so its chain cannot be compared.
    BeforeFirst,
    /// Not usable, with the reason.
    Refused(String),
}

/// What became of a head that a third party kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeadVerdict {
    /// The journal has a commit there with that chain: everything up to it is what it was.
    Found,
    /// The journal has another chain there, or no commit: it was changed.
    Differs,
    /// The journal ends before it, or reading stopped there at damage: records are missing.
    Missing,
    /// It is of before the first record that is there.
    BeforeFirst,
}

/// What a journal holds and whether it keeps the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyReport {
    /// Which journal.
    pub id: Option<JournalId>,
    /// Its segments, up to the one where reading stopped.
    pub segments: Vec<SegmentReport>,
    /// Committed records.
    pub records: u64,
    /// Commits.
    pub commits: u64,
    /// First record.
    pub first: Option<Stamp>,
    /// Last committed record.
    pub last: Option<Stamp>,
    /// The last commit, for a third party to keep; the chain before the first record when there is none.
    pub head: Option<Head>,
    /// An unfinished write at the end; a writer that is at work shows one too.
    pub torn: Option<Cut>,
    /// Where reading stopped because of damage.
    pub damage: Option<Damage>,
    /// All snapshots, newest first.
    pub snapshots: Vec<SnapshotReport>,
    /// The heads that were given.
    pub heads: Vec<(Head, HeadVerdict)>,
}

impl VerifyReport {
    /// No damage, every snapshot usable, every given head found or too old to compare. An unfinished write is no fault.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let snapshots = self.snapshots.iter().all(|s| !matches!(s.verdict, SnapshotVerdict::Refused(_)));
        let heads =
            self.heads.iter().all(|(_, v)| matches!(v, HeadVerdict::Found | HeadVerdict::BeforeFirst));
        self.damage.is_none() && snapshots && heads
    }
}

impl fmt::Display for VerifyReport {
    /// Lines of text, without colours.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(id) = self.id {
            writeln!(f, "journal {id}")?;
        }
        for s in &self.segments {
            writeln!(
                f,
                "segment {}: from seq {}, {} records in {} commits",
                s.file, s.first, s.records, s.commits
            )?;
        }
        for (what, stamp) in [("first", self.first), ("last", self.last)] {
            if let Some(stamp) = stamp {
                writeln!(f, "{what} record: seq {} at {}", stamp.seq, stamp.time)?;
            }
        }
        writeln!(f, "{} records in {} commits", self.records, self.commits)?;
        if let Some(head) = self.head {
            writeln!(f, "head {head}")?;
        }
        for s in &self.snapshots {
            match &s.verdict {
                SnapshotVerdict::Fits => writeln!(f, "snapshot {}: fits the chain", s.file)?,
                SnapshotVerdict::BeforeFirst => writeln!(f, "snapshot {}: before the first record", s.file)?,
                SnapshotVerdict::Refused(reason) => writeln!(f, "snapshot {}: refused: {reason}", s.file)?,
            }
        }
        for (head, verdict) in &self.heads {
            let words = match verdict {
                HeadVerdict::Found => "found",
                HeadVerdict::Differs => "differs: the journal was changed",
                HeadVerdict::Missing => "missing: the journal ends, or is damaged, before it",
                HeadVerdict::BeforeFirst => "before the first record: cannot be compared",
            };
            writeln!(f, "kept head {head}: {words}")?;
        }
        if let Some(cut) = &self.torn {
            writeln!(
                f,
                "unfinished write: {}, byte {}, {} bytes with {} whole records; never acknowledged",
                cut.file, cut.offset, cut.bytes, cut.records
            )?;
        }
        if let Some(damage) = &self.damage {
            writeln!(f, "damaged: {damage}")?;
        }
        write!(f, "{}", if self.is_sound() { "sound" } else { "NOT SOUND" })
    }
}

/// Reads everything and compares it with the rules and with `kept` heads.
///
/// Of a journal that is being written the end may look torn, or between two sectors damaged, until the write is done.
/// A chain proves nothing against whoever owns the files, who can write another one: only heads that someone else kept do.
///
/// # Errors
/// When there is no journal or the disk refuses. Damage is no error but part of the report.
pub fn verify<D: Disk>(disk: &D, kept: &[Head]) -> Result<VerifyReport, JournalError> {
    verify_watched(disk, kept, |_| ())
}

/// [`verify`], telling after each commit how far it is.
///
/// # Errors
/// As [`verify`].
pub fn verify_watched<D: Disk>(
    disk: &D,
    kept: &[Head],
    mut watch: impl FnMut(Head),
) -> Result<VerifyReport, JournalError> {
    let mut report = VerifyReport {
        id: None,
        segments: Vec::new(),
        records: 0,
        commits: 0,
        first: None,
        last: None,
        head: None,
        torn: None,
        damage: None,
        snapshots: Vec::new(),
        heads: Vec::new(),
    };
    let snapshots = snapshot::snapshots(disk)?;
    // Chains at the commits that someone will ask about; none where no commit ends there.
    let mut asked: BTreeMap<Seq, Option<Head>> =
        kept.iter().map(|head| head.seq).chain(snapshots.iter().copied()).map(|seq| (seq, None)).collect();
    let mut start = Seq::ZERO;
    match Walk::begin(disk, None, Seq::ZERO) {
        Ok(mut walk) => {
            start = walk.head().seq;
            if let Err(error) = read(disk, &mut walk, &mut report, |head| {
                watch(head);
                if let Some(asked) = asked.get_mut(&head.seq) {
                    *asked = Some(head);
                }
            }) {
                report.damage = Some(damage(error)?);
            }
        }
        Err(error) => report.damage = Some(damage(error)?),
    }
    let end = report.head.map_or(Seq::ZERO, |head| head.seq);
    let is_whole = report.damage.is_none();
    for seq in snapshots {
        let file = disk.describe(&snapshot_name(seq));
        let verdict = match snapshot::read(disk, report.id, seq) {
            Err(reason) => SnapshotVerdict::Refused(reason),
            Ok(_) if seq < start => SnapshotVerdict::BeforeFirst,
            Ok((header, _)) if asked.get(&seq) == Some(&Some(header.head)) => SnapshotVerdict::Fits,
            Ok(_) if seq > end && is_whole => SnapshotVerdict::Refused(format!(
                "it is at seq {seq}, the journal ends at seq {end}: records are missing"
            )),
            Ok(_) if seq > end => SnapshotVerdict::Refused("it lies behind the damage".to_owned()),
            Ok(_) => SnapshotVerdict::Refused("no commit at its seq has its chain".to_owned()),
        };
        report.snapshots.push(SnapshotReport { file, seq, verdict });
    }
    for head in kept {
        let verdict = match asked.get(&head.seq) {
            Some(Some(found)) if found == head => HeadVerdict::Found,
            _ if head.seq < start => HeadVerdict::BeforeFirst,
            _ if head.seq > end => HeadVerdict::Missing,
            _ => HeadVerdict::Differs,
        };
        report.heads.push((*head, verdict));
    }
    Ok(report)
}

fn read<D: Disk>(
    disk: &D,
    walk: &mut Walk<'_, D>,
    report: &mut VerifyReport,
    mut passed: impl FnMut(Head),
) -> Result<(), JournalError> {
    let all = segments(disk)?;
    loop {
        let head = walk.head();
        report.head = Some(head);
        report.id = walk.id();
        passed(head);
        let more = walk.next_batch();
        // A segment may be empty, so each is listed when it has been opened, not when it has records.
        if let Some(loaded) = walk.loaded() {
            let listed = report.segments.last().map(|segment| segment.first);
            for first in all
                .iter()
                .filter(|first| listed.is_none_or(|l| **first > l) && **first <= loaded.header.first)
            {
                let (created, file) = (loaded.header.created, disk.describe(&segment_name(*first)));
                report.segments.push(SegmentReport { file, first: *first, created, records: 0, commits: 0 });
            }
        }
        if !more? {
            break;
        }
        count(walk, report);
    }
    report.torn = Cut::of(walk, disk);
    Ok(())
}

fn count<D: Disk>(walk: &Walk<'_, D>, report: &mut VerifyReport) {
    let records = walk.batch().frames.len();
    if report.first.is_none() {
        report.first = walk.record(0).map(|record: Record<'_>| record.stamp);
    }
    report.last = walk.record(records.saturating_sub(1)).map(|record| record.stamp);
    report.records += records as u64;
    report.commits += 1;
    if let Some(segment) = report.segments.last_mut() {
        segment.records += records as u64;
        segment.commits += 1;
    }
}

/// The damage in an error; other errors stay errors.
fn damage(error: JournalError) -> Result<Damage, JournalError> {
    let whole = |file: String, rule: String| Damage { file, offset: 0, rule, last_sound: Seq::ZERO };
    match error {
        JournalError::Damaged(damage) => Ok(damage),
        JournalError::WrongJournal { file, found, expected } => Ok(whole(
            file,
            format!("all segments are of one journal: this one is of {found}, the first of {expected}"),
        )),
        JournalError::UnknownFormat { file, found, known } => {
            Ok(whole(file, format!("its format is {found}; this version reads {known}")))
        }
        other => Err(other),
    }
}
