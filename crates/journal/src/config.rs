//! How large batches and segments are, and what is kept.

use crate::error::JournalError;
use crate::format::{COMMIT, HEADER, frame_bytes};
use crate::walk::LONGEST_SEGMENT;

/// When a batch is due: whoever appends asks [`Journal::is_due`](crate::Journal::is_due) and commits. There is no timer here;
/// the caller also commits when nothing more is waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batching {
    /// Most records of one commit.
    pub max_records: u32,
    /// Most bytes of one commit, frames included; a longer record is refused.
    pub max_bytes: u32,
}

/// What becomes of segments that no snapshot needs any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retention {
    /// Everything is kept: the journal can be replayed from its first record.
    Everything,
    /// After a snapshot, segments that end before the older of the two kept snapshots are removed.
    SinceOlderSnapshot,
}

/// Sizes and policies of a journal. Only `segment_bytes` shows in files, and may change between runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// Length of a segment, bytes; a multiple of 4,096.
    pub segment_bytes: u64,
    /// When a batch is due.
    pub batching: Batching,
    /// What is kept.
    pub retention: Retention,
    /// Records between snapshots, for [`Runner::is_snapshot_due`](crate::Runner::is_snapshot_due).
    pub snapshot_every: u64,
}

impl Default for Config {
    /// 64 MiB segments, batches of at most 4,096 records or 1 MiB, everything kept, a snapshot each million records.
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            batching: Batching { max_records: 4096, max_bytes: 1 << 20 },
            retention: Retention::Everything,
            snapshot_every: 1_000_000,
        }
    }
}

impl Config {
    /// Refuses what cannot work.
    pub(crate) fn check(&self) -> Result<(), JournalError> {
        let bad = |key, value, rule| Err(JournalError::Config { key, value, rule });
        let Batching { max_records, max_bytes } = self.batching;
        let room = self.segment_bytes.saturating_sub((HEADER + COMMIT) as u64);
        if !self.segment_bytes.is_multiple_of(HEADER as u64) || self.segment_bytes > LONGEST_SEGMENT {
            return bad("segment_bytes", self.segment_bytes, "a multiple of 4096 of at most 1 GiB");
        }
        if max_records == 0 {
            return bad("max_records", 0, "at least 1");
        }
        if (max_bytes as usize) < frame_bytes(0) || u64::from(max_bytes) > room {
            let rule = "from 32 to segment_bytes less 4096 for the header and 104 for the commit";
            return bad("max_bytes", max_bytes.into(), rule);
        }
        if self.snapshot_every == 0 {
            return bad("snapshot_every", 0, "at least 1");
        }
        Ok(())
    }
}
