//! What can go wrong, each with the file, the place, the rule that is broken and how to mend it.

use crate::record::{JournalId, Seq};
use std::fmt;
use std::io;

/// Contents of a file that break a rule of the format and that no crash of the writer can have caused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The file, with its folder.
    pub file: String,
    /// Byte of the file at which it shows.
    pub offset: u64,
    /// The rule, and what stands there instead.
    pub rule: String,
    /// The last record before the damage whose commit is sound.
    pub last_sound: Seq,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, byte {}: {}; sound up to seq {}", self.file, self.offset, self.rule, self.last_sound)
    }
}

/// Why the journal cannot do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The device refused. A writer that got this is halted.
    #[error("{file}: cannot {action}: {source}; mend the device or the path and open the journal again")]
    Io {
        /// The file, with its folder.
        file: String,
        /// What was tried.
        action: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// The device could not make the last commit durable. It is not tried again: a second call may succeed without having written.
    #[error(
        "{file}: sync failed: {source}; nothing of this commit was acknowledged and the writer is halted: check the device, \
         then open the journal again, which keeps exactly what is on it"
    )]
    SyncFailed {
        /// The file, with its folder.
        file: String,
        /// What the system says.
        source: io::Error,
    },
    /// No space is left.
    #[error(
        "{file}: cannot {action}: the disk is full; nothing was acknowledged that is not durable: free space for a segment \
         and two snapshots; after a failed commit open the journal again"
    )]
    DiskFull {
        /// The file, with its folder.
        file: String,
        /// What was tried.
        action: &'static str,
    },
    /// The directory or file does not admit writing.
    #[error(
        "{file}: cannot {action}: {source}; give this user the right to write, or read the journal without opening it for writing"
    )]
    NotWritable {
        /// The file, with its folder.
        file: String,
        /// What was tried.
        action: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// Another writer has the journal open.
    #[error(
        "{file}: another process writes this journal; a journal has one writer: stop it, or use another directory"
    )]
    Locked {
        /// The lock file, with its folder.
        file: String,
    },
    /// The files belong to another journal.
    #[error(
        "{file}: belongs to journal {found}, not {expected}; name the directory of {expected}, or take this file out of it"
    )]
    WrongJournal {
        /// The file, with its folder.
        file: String,
        /// The id in the file.
        found: JournalId,
        /// The id that was asked for.
        expected: JournalId,
    },
    /// A file of a later format.
    #[error(
        "{file}, byte 8: format {found} is not known here, only {known}; read it with the version of the program that wrote it"
    )]
    UnknownFormat {
        /// The file, with its folder.
        file: String,
        /// The number in the file.
        found: u16,
        /// The number that this version writes.
        known: u16,
    },
    /// Contents that no crash explains. Nothing was changed.
    #[error(
        "damaged: {0}; nothing was changed: restore the file from a copy, or move the journal away and start a new one from the sound part"
    )]
    Damaged(Damage),
    /// A snapshot of this journal covers records that the journal no longer has.
    #[error(
        "{file}: a snapshot at seq {snapshot}, but the journal ends at seq {durable}: records were lost or taken out; \
         restore the newest segments from a copy, or move the snapshot away if it is not of this journal"
    )]
    BehindSnapshot {
        /// The snapshot, with its folder.
        file: String,
        /// Seq of the snapshot.
        snapshot: Seq,
        /// Last seq of the journal.
        durable: Seq,
    },
    /// The first segments are gone and no snapshot takes their place.
    #[error(
        "the journal begins at seq {first}, and no usable snapshot reaches back to it{why}; restore the earlier segments or a snapshot from a copy"
    )]
    NoStart {
        /// First seq that is there.
        first: Seq,
        /// What was wrong with the snapshots that are there, each after a semicolon.
        why: String,
    },
    /// No record of that seq is there.
    #[error("seq {asked} is not in the journal, which holds seq {first} to {last}")]
    NoRecord {
        /// What was asked for.
        asked: Seq,
        /// First record that is there.
        first: Seq,
        /// Last record that is there.
        last: Seq,
    },
    /// The directory holds no journal.
    #[error("{folder}: no journal here: no file journal-*.seg; name the directory that the writer uses")]
    Empty {
        /// The directory.
        folder: String,
    },
    /// A record that no batch can hold.
    #[error("a record of {bytes} bytes is too long: with its frame it has at most max_batch_bytes = {limit}")]
    RecordTooLong {
        /// Its frame.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The batch is full; the record was not taken.
    #[error("the batch is full ({records} records, {bytes} bytes): commit it, then append again")]
    BatchFull {
        /// Records in it.
        records: u32,
        /// Bytes in it.
        bytes: u64,
    },
    /// Something needs a journal without pending records.
    #[error("{records} records are pending: commit before a snapshot")]
    Pending {
        /// How many.
        records: u32,
    },
    /// An earlier failure ended this writer.
    #[error("this writer is halted since: {cause}; open the journal again")]
    Halted {
        /// The first failure.
        cause: String,
    },
    /// A configuration that cannot work.
    #[error("{key} = {value} is not allowed: {rule}")]
    Config {
        /// Name of the field.
        key: &'static str,
        /// Its value.
        value: u64,
        /// The rule.
        rule: &'static str,
    },
    /// A sound record that the machine cannot read.
    #[error("seq {seq}: {reason}; replay with the version of the program that wrote it")]
    Event {
        /// The record.
        seq: Seq,
        /// What the machine says.
        reason: String,
    },
    /// An event that the machine could not read back. It was not taken.
    #[error("the event was not taken: {reason}")]
    Refused {
        /// What the machine says.
        reason: String,
    },
}

impl JournalError {
    /// Sorts what the system says by what a person can do about it.
    pub(crate) fn io(file: String, action: &'static str, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { file, action },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::NotWritable { file, action, source }
            }
            _ => Self::Io { file, action, source },
        }
    }
}
