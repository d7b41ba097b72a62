//! One segment in memory: batch after batch, and what stands behind the last one.
//!
//! A power cut can leave of the last, unacknowledged write any subset of its sectors; the others keep what stood there
//! before, which is zeros, because segments are written full of zeros and synced before they are used. So a *torn* batch
//! has a sector of zeros wherever a frame is broken. Anything else behind the last sound commit, and any sound frame of a
//! commit after a broken one (which was only begun after the broken one was durable), is *damage*.
//!
//! The limit of this: where a damaged record of the very last commit holds a whole sector of zeros of its own, it is taken
//! for torn, and is reported as cut.

use crate::digest::{Digest, merkle_root};
use crate::format::{self, COMMIT, Commit, FRAME, Frame, HEADER, SECTOR, claimed_bytes, frame};
use crate::record::{Head, JournalId, Seq, Stamp};
use std::ops::Range;

/// A sector with at most so many bits set counts as one of zeros: the bits were flipped later.
const STRAY_BITS: u32 = 8;
/// A frame that differs from the expected commit in at most so many bits is that commit, damaged.
const NEAR_BITS: u32 = 16;

/// Where in a segment reading stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) id: JournalId,
    /// Byte after the last commit.
    pub(crate) offset: usize,
    /// The last commit.
    pub(crate) head: Head,
}

/// One committed batch: places in the segment.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// Byte at which each record's frame begins.
    pub(crate) frames: Vec<usize>,
    /// Leaf hash of each record.
    pub(crate) leaves: Vec<Digest>,
    /// Byte at which the batch begins.
    pub(crate) start: usize,
    /// The chain before it.
    pub(crate) chain_before: Option<Digest>,
    /// Its last frame.
    pub(crate) commit: Option<Commit>,
}

/// What comes next in a segment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// A committed batch, now in the `Batch` that was handed in.
    Batch,
    /// Only zeros.
    Blank,
    /// A write that was not finished.
    Torn(Torn),
    /// Something no crash explains.
    Damaged(usize, String),
}

/// What is left of a write that was not finished, none of it acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Torn {
    /// Byte after the last byte that is not zero.
    pub(crate) end: usize,
    /// Whole records among it.
    pub(crate) records: u32,
}

/// Reads the batch at the cursor.
pub(crate) fn next(segment: &[u8], cursor: &mut Cursor, batch: &mut Batch) -> Next {
    batch.frames.clear();
    batch.leaves.clear();
    batch.commit = None;
    batch.start = cursor.offset;
    let mut place = cursor.offset;
    let mut last: Option<Stamp> = None;
    loop {
        let Some((found, length)) = segment.get(place..).and_then(frame) else {
            return unfinished(segment, cursor, batch, place, last);
        };
        match found {
            Frame::Record(record) => {
                let expected = last.map_or(cursor.head.seq, |stamp| stamp.seq).next();
                if record.stamp.seq != expected {
                    let found = record.stamp.seq;
                    return Next::Damaged(
                        place,
                        format!(
                            "records are numbered without a gap: {expected} is due, {found} stands there"
                        ),
                    );
                }
                batch.frames.push(place);
                batch.leaves.push(Digest::leaf(segment.get(place + 4..place + length).unwrap_or_default()));
                last = Some(record.stamp);
            }
            Frame::Commit(commit) => {
                return match close(cursor, batch, last, &commit) {
                    Ok(()) => {
                        batch.chain_before = Some(cursor.head.chain);
                        batch.commit = Some(commit);
                        cursor.offset = place + length;
                        cursor.head = Head { seq: commit.last.seq, chain: commit.chain };
                        Next::Batch
                    }
                    Err(rule) => Next::Damaged(place, rule),
                };
            }
        }
        place += length;
    }
}

/// Compares a commit with the records before it.
fn close(cursor: &Cursor, batch: &Batch, last: Option<Stamp>, commit: &Commit) -> Result<(), String> {
    match expected_commit(cursor, batch, last) {
        None => Err("a commit closes at least one record".to_owned()),
        Some(expected) if expected == *commit => Ok(()),
        Some(expected) if expected.records != commit.records || expected.last != commit.last => Err(format!(
            "a commit counts its records: {} up to seq {} stand before it, it says {} up to seq {}",
            expected.records, expected.last.seq, commit.records, commit.last.seq
        )),
        Some(expected) if expected.root != commit.root => {
            Err("the Merkle root of a commit is that of the records before it".to_owned())
        }
        Some(_) => Err("the chain of a commit follows from the chain before it".to_owned()),
    }
}

fn expected_commit(cursor: &Cursor, batch: &Batch, last: Option<Stamp>) -> Option<Commit> {
    let (last, Cursor { id, head, .. }) = (last?, *cursor);
    let records = u32::try_from(batch.leaves.len()).ok()?;
    let root = merkle_root(&mut batch.leaves.clone());
    Some(Commit { last, records, root, chain: Digest::link(id, head.chain, last.seq, records, root) })
}

/// No sound frame stands at `broken`: nothing more, a torn write, or damage.
fn unfinished(segment: &[u8], cursor: &Cursor, batch: &Batch, broken: usize, last: Option<Stamp>) -> Next {
    let rest = segment.get(broken..).unwrap_or_default();
    let end = broken + used(rest);
    if end == broken && last.is_none() {
        return Next::Blank;
    }
    let damaged = |rule: &str| Next::Damaged(broken, format!("the CRC of a frame fits its bytes; {rule}"));
    if is_near(rest, expected_commit(cursor, batch, last)) {
        return damaged("this commit has a few wrong bits");
    }
    let found = match behind(segment, cursor, broken..end, last) {
        Ok(found) => found,
        Err(rule) => return damaged(&rule),
    };
    let is_torn = if found.closed {
        is_blank(segment.get(found.gap..).unwrap_or_default())
    } else {
        tail_is_torn(segment, cursor.offset, found.gap)
    };
    if is_torn {
        let whole = u32::try_from(batch.frames.len()).unwrap_or(u32::MAX);
        Next::Torn(Torn { end, records: whole.saturating_add(found.records) })
    } else {
        damaged("behind the last commit stands neither a frame nor what is left of one")
    }
}

/// Sound frames behind a broken one.
struct Behind {
    /// Records among them.
    records: u32,
    /// True when the last of them is a commit.
    closed: bool,
    /// Byte after the last of them.
    gap: usize,
}

/// Looks for sound frames in `place`; the error says why they cannot be of the same unfinished write.
fn behind(
    segment: &[u8],
    cursor: &Cursor,
    place: Range<usize>,
    last: Option<Stamp>,
) -> Result<Behind, String> {
    let Range { start: mut place, end } = place;
    let mut found = Behind { records: 0, closed: false, gap: place };
    let mut seq = last.map_or(cursor.head.seq, |stamp| stamp.seq);
    // Each candidate costs a CRC over what it claims; a file made to waste them is damage soon.
    let mut budget = segment.len().saturating_mul(16);
    while place < end {
        let here = segment.get(place..).unwrap_or_default();
        let claimed =
            claimed_bytes(here).filter(|claimed| *claimed <= here.len() && here.get(30..32) == Some(&[0, 0]));
        budget =
            budget.checked_sub(claimed.unwrap_or(0)).ok_or("what follows looks like a frame too often")?;
        let Some((sound, length)) = claimed.and_then(|_| frame(here)) else {
            place += 8;
            continue;
        };
        let (stamp, is_same) = match sound {
            Frame::Record(record) => (record.stamp, record.stamp.seq > seq),
            Frame::Commit(commit) => {
                let before = commit.last.seq.get().checked_sub(commit.records.into());
                (commit.last, commit.last.seq >= seq && before == Some(cursor.head.seq.get()))
            }
        };
        if found.closed || !is_same {
            return Err(format!(
                "a sound frame of another commit (seq {}) stands at byte {place}",
                stamp.seq
            ));
        }
        if found.gap < place && !has_lost_sector(segment, cursor.offset, found.gap, place) {
            return Err(format!("sound frames follow at byte {place} and no sector before them is lost"));
        }
        seq = stamp.seq;
        place += length;
        let closed = matches!(sound, Frame::Commit(_));
        found = Behind { records: found.records + u32::from(!closed), closed, gap: place };
    }
    Ok(found)
}

/// Bytes up to the last one that is not zero.
fn used(bytes: &[u8]) -> usize {
    let mut end = bytes.len();
    for block in bytes.rchunks(HEADER) {
        if block != &[0; HEADER][..block.len()] {
            return end - block.len() + block.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
        }
        end -= block.len();
    }
    0
}

/// True for a commit with a few wrong bits.
fn is_near(bytes: &[u8], expected: Option<Commit>) -> bool {
    let Some(found) = bytes.get(..COMMIT) else { return false };
    expected.is_some_and(|commit| {
        let mut right = Vec::with_capacity(COMMIT);
        format::put_commit(&mut right, &commit);
        right.iter().zip(found).map(|(a, b)| (a ^ b).count_ones()).sum::<u32>() <= NEAR_BITS
    })
}

/// True when a sector that lies in `gap..after` may have been lost: it is all zeros as far as the batch, which begins at
/// `start`, has it. The sector in which the sound frame after it begins was written.
fn has_lost_sector(segment: &[u8], start: usize, gap: usize, after: usize) -> bool {
    lost_in(segment, first_losable(segment, start, gap), after / SECTOR * SECTOR)
}

/// Where the first sector after `gap` that may have been lost begins: `gap` itself, unless a frame before it in the same batch has
/// bytes in its sector, which were then written.
fn first_losable(segment: &[u8], start: usize, gap: usize) -> usize {
    let own = (gap / SECTOR * SECTOR).max(start);
    let was_written = segment.get(own..gap).unwrap_or_default().iter().any(|byte| *byte != 0);
    if was_written { (gap / SECTOR + 1) * SECTOR } else { gap }
}

/// True when a frame that begins at `gap` and that nothing sound follows may be what is left of an unfinished write.
fn tail_is_torn(segment: &[u8], start: usize, gap: usize) -> bool {
    let own_sector_end = (gap / SECTOR + 1) * SECTOR;
    let own = segment.get(gap..own_sector_end.min(segment.len())).unwrap_or_default();
    let losable = first_losable(segment, start, gap);
    if is_blank(own) {
        return losable == gap;
    }
    // Its first sector was written, so its length is what the writer meant.
    let Some(claimed) = segment.get(gap..).and_then(claimed_bytes) else { return false };
    let end = gap.saturating_add(claimed.max(FRAME));
    end <= segment.len() && lost_in(segment, losable, end)
}

/// A sector, or the part of it between `from` and `to`, that is all zeros.
fn lost_in(segment: &[u8], from: usize, to: usize) -> bool {
    let mut at = from.max(HEADER);
    while at < to {
        let end = ((at / SECTOR + 1) * SECTOR).min(to);
        if is_blank(segment.get(at..end).unwrap_or_default()) {
            return true;
        }
        at = end;
    }
    false
}

fn is_blank(bytes: &[u8]) -> bool {
    let mut bits = 0;
    bytes.iter().all(|byte| {
        bits += byte.count_ones();
        bits <= STRAY_BITS
    })
}

/// The cursor at the first record of a segment.
pub(crate) fn begin(id: JournalId, first: Seq, chain_before: Digest) -> Cursor {
    let before = Seq::new(first.get().saturating_sub(1));
    Cursor { id, offset: HEADER, head: Head { seq: before, chain: chain_before } }
}
