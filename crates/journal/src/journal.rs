//! The writer: batches made durable with one write and one sync, rotation, retention.

use crate::config::{Config, Retention};
use crate::digest::{Digest, merkle_root};
use crate::disk::{Disk, DiskFile};
use crate::error::JournalError;
use crate::format::{
    self, Commit, HEADER, LOCK_NAME, SegmentHeader, UNFINISHED, frame_bytes, segment_name, snapshot_name,
};
use crate::record::{Head, JournalId, Record, Seq, Stamp, Tag};
use crate::snapshot::{self, SnapshotHeader};
use crate::walk::{Walk, segments};
use std::io;
use units::Timestamp;

/// Zeros are written in pieces of this size.
const ZEROS: usize = 1 << 20;
const SPARE_NAME: &str = "spare.tmp";

/// A record to be written; its seq is given by the journal.
#[derive(Debug, Clone, Copy)]
pub struct NewRecord<'a> {
    /// Time of the event: an input, not a clock.
    pub time: Timestamp,
    /// Kind and version of the payload.
    pub tag: Tag,
    /// The event, in the machine's encoding.
    pub payload: &'a [u8],
}

/// What was made durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// The chain after it: what a third party may keep.
    pub head: Head,
    /// Records of this commit; zero when nothing was pending.
    pub records: u32,
}

/// What was cut off behind the last commit when the journal was opened. None of it was ever acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The segment, with its folder.
    pub file: String,
    /// Byte at which the cut begins.
    pub offset: u64,
    /// Bytes that were not zero anywhere up to the last one that was not.
    pub bytes: u64,
    /// Whole records among them.
    pub records: u32,
}

impl Cut {
    /// The unfinished write at which a walk ended.
    pub(crate) fn of<D: Disk>(walk: &Walk<'_, D>, disk: &D) -> Option<Self> {
        walk.torn().zip(walk.loaded()).map(|(torn, loaded)| Self {
            file: disk.describe(&loaded.name),
            offset: walk.offset() as u64,
            bytes: torn.end.saturating_sub(walk.offset()) as u64,
            records: torn.records,
        })
    }
}

/// What was found when the journal was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The last commit.
    pub head: Head,
    /// First record that is there; after the head's when there is none.
    pub first: Seq,
    /// An unfinished write at the end.
    pub cut: Option<Cut>,
    /// Unfinished files (snapshots, segments) that were removed.
    pub removed: Vec<String>,
}

/// The one writer of a journal.
#[derive(Debug)]
pub struct Journal<D: Disk> {
    disk: D,
    config: Config,
    _lock: D::Lock,
    file: D::File,
    segment: SegmentHeader,
    /// Byte after the last commit.
    end: u64,
    durable: Head,
    batch: Vec<u8>,
    leaves: Vec<Digest>,
    last: Option<Stamp>,
    spare: Option<D::File>,
    halted: Option<String>,
}

/// A lock that was taken before anything is read, so that nothing changes meanwhile.
#[derive(Debug)]
pub(crate) struct Locked<D: Disk> {
    disk: D,
    lock: D::Lock,
    removed: Vec<String>,
}

impl<D: Disk> Locked<D> {
    /// Takes the lock and removes files that were never finished.
    pub(crate) fn take(disk: D, config: &Config) -> Result<Self, JournalError> {
        config.check()?;
        let lock = disk.lock(LOCK_NAME).map_err(|e| match e.kind() {
            io::ErrorKind::WouldBlock => JournalError::Locked { file: disk.describe(LOCK_NAME) },
            _ => JournalError::io(disk.describe(LOCK_NAME), "take the lock", e),
        })?;
        let mut removed = Vec::new();
        let names = disk.names().map_err(|e| JournalError::io(disk.describe(""), "list the directory", e))?;
        let is_ours = |name: &String| {
            name == SPARE_NAME
                || name.strip_suffix(UNFINISHED).is_some_and(|name| {
                    format::segment_in(name).or_else(|| format::snapshot_in(name)).is_some()
                })
        };
        for name in names.into_iter().filter(is_ours) {
            disk.remove(&name)
                .map_err(|e| JournalError::io(disk.describe(&name), "remove an unfinished file", e))?;
            removed.push(disk.describe(&name));
        }
        removed.sort();
        Ok(Self { disk, lock, removed })
    }

    pub(crate) fn disk(&self) -> &D {
        &self.disk
    }

    /// Makes the first segment where there is none.
    pub(crate) fn begin(
        &self,
        id: JournalId,
        config: &Config,
        created: Timestamp,
    ) -> Result<(), JournalError> {
        if !segments(&self.disk)?.is_empty() {
            return Ok(());
        }
        if let Some(seq) = self.newest_snapshot(id)? {
            return Err(JournalError::BehindSnapshot {
                file: self.disk.describe(&snapshot_name(seq)),
                snapshot: seq,
                durable: Seq::ZERO,
            });
        }
        let header = SegmentHeader {
            id,
            first: Seq::new(1),
            index: 0,
            chain_before: id.origin(),
            created,
            bytes: config.segment_bytes,
        };
        let name = segment_name(header.first);
        let unfinished = format!("{name}{UNFINISHED}");
        let file = blank(&self.disk, &unfinished, config.segment_bytes)?;
        publish(&self.disk, file, &unfinished, &header).map(drop)
    }

    /// Seq of the newest snapshot of this journal whose header is sound.
    fn newest_snapshot(&self, id: JournalId) -> Result<Option<Seq>, JournalError> {
        let all = snapshot::snapshots(&self.disk)?;
        Ok(all.into_iter().find(|seq| snapshot::open(&self.disk, Some(id), *seq).is_ok()))
    }

    /// The writer, from where a walk over this disk ended: cuts off what was not finished and makes the rest durable.
    pub(crate) fn resume(self, config: Config, end: End) -> Result<(Journal<D>, Opened), JournalError> {
        if let Some(seq) = self.newest_snapshot(end.segment.id)?.filter(|seq| *seq > end.head.seq) {
            return Err(JournalError::BehindSnapshot {
                file: self.disk.describe(&snapshot_name(seq)),
                snapshot: seq,
                durable: end.head.seq,
            });
        }
        let name = segment_name(end.segment.first);
        let mut file = self
            .disk
            .open_to_write(&name)
            .map_err(|e| JournalError::io(self.disk.describe(&name), "open for writing", e))?;
        // What reads back need not be on the device: the last writer may have died between write and sync, or of a failed
        // sync, after which the system takes the bytes for written. So the last commit is written once more, and the zeros
        // behind it, under which an older unfinished write may still lie.
        file.write_at(end.rewrite_from, &end.rewrite)
            .map_err(|e| JournalError::io(self.disk.describe(&name), "write the last commit again", e))?;
        fill(&mut file, end.offset, end.segment.bytes).map_err(|e| {
            JournalError::io(self.disk.describe(&name), "write zeros behind the last commit", e)
        })?;
        let failed = |name: &str| {
            let file = self.disk.describe(name);
            move |source| JournalError::SyncFailed { file, source }
        };
        file.sync().map_err(failed(&name))?;
        self.disk.sync_directory().map_err(failed(""))?;
        let first = segments(&self.disk)?.first().copied().unwrap_or(end.segment.first);
        let opened = Opened { head: end.head, first, cut: end.cut, removed: self.removed };
        let journal = Journal {
            disk: self.disk,
            config,
            _lock: self.lock,
            file,
            segment: end.segment,
            end: end.offset,
            durable: end.head,
            batch: Vec::new(),
            leaves: Vec::new(),
            last: None,
            spare: None,
            halted: None,
        };
        Ok((journal, opened))
    }
}

/// Where a walk ended, and what is to be written there.
#[derive(Debug)]
pub(crate) struct End {
    segment: SegmentHeader,
    head: Head,
    offset: u64,
    rewrite_from: u64,
    rewrite: Vec<u8>,
    cut: Option<Cut>,
}

impl End {
    /// Of a walk that came to its end.
    pub(crate) fn of<D: Disk>(walk: &Walk<'_, D>, disk: &D) -> Result<Self, JournalError> {
        let loaded = walk.loaded().ok_or_else(|| JournalError::Empty { folder: disk.describe("") })?;
        let from = walk.last_start();
        let rewrite = loaded.bytes(from, walk.offset()).to_vec();
        let cut = Cut::of(walk, disk);
        Ok(Self {
            segment: loaded.header,
            head: walk.head(),
            offset: walk.offset() as u64,
            rewrite_from: from as u64,
            rewrite,
            cut,
        })
    }
}

impl<D: Disk> Journal<D> {
    /// Opens the journal, or begins it in a directory without one; reads and compares everything that is there.
    /// `created` is written into the first segment's header.
    ///
    /// # Errors
    /// When another writer has it, when it belongs to another id, when it is damaged, or when the disk refuses.
    pub fn open(
        disk: D,
        id: JournalId,
        config: Config,
        created: Timestamp,
    ) -> Result<(Self, Opened), JournalError> {
        let locked = Locked::take(disk, &config)?;
        locked.begin(id, &config, created)?;
        let mut walk = Walk::begin(locked.disk(), Some(id), Seq::ZERO)?;
        while walk.next_batch()? {}
        let end = End::of(&walk, locked.disk())?;
        locked.resume(config, end)
    }

    /// Adds a record to the pending batch. Nothing is durable, and nothing may act on it, before [`Journal::commit`].
    ///
    /// # Errors
    /// [`JournalError::BatchFull`], after which a commit and another try succeed; a record too long for any batch; a
    /// halted writer.
    pub fn append(&mut self, record: &NewRecord<'_>) -> Result<Seq, JournalError> {
        self.running()?;
        let (bytes, limit) =
            (frame_bytes(record.payload.len()) as u64, u64::from(self.config.batching.max_bytes));
        if bytes > limit {
            return Err(JournalError::RecordTooLong { bytes, limit });
        }
        if self.pending() >= self.config.batching.max_records || self.batch.len() as u64 + bytes > limit {
            return Err(JournalError::BatchFull { records: self.pending(), bytes: self.batch.len() as u64 });
        }
        let stamp = Stamp { seq: self.next_seq(), time: record.time };
        let start = self.batch.len();
        format::put_record(&mut self.batch, &Record { stamp, tag: record.tag, payload: record.payload });
        self.leaves.push(Digest::leaf(self.batch.get(start + 4..).unwrap_or_default()));
        self.last = Some(stamp);
        Ok(stamp.seq)
    }

    /// Makes the pending batch durable: one write, one sync. Only after this may anything act on its records.
    ///
    /// # Errors
    /// Any failure halts this writer: nothing of the batch is acknowledged, and opening the journal again tells whether
    /// it is there.
    pub fn commit(&mut self) -> Result<Committed, JournalError> {
        self.running()?;
        let Some(last) = self.last else { return Ok(Committed { head: self.durable, records: 0 }) };
        let records = self.pending();
        let root = merkle_root(&mut self.leaves);
        let chain = Digest::link(self.segment.id, self.durable.chain, last.seq, records, root);
        format::put_commit(&mut self.batch, &Commit { last, records, root, chain });
        if let Err(error) = self.write_batch(last) {
            self.halted = Some(error.to_string());
            return Err(error);
        }
        self.durable = Head { seq: last.seq, chain };
        self.end += self.batch.len() as u64;
        self.batch.clear();
        self.leaves.clear();
        self.last = None;
        Ok(Committed { head: self.durable, records })
    }

    fn write_batch(&mut self, last: Stamp) -> Result<(), JournalError> {
        if self.end + self.batch.len() as u64 > self.segment.bytes {
            self.rotate(last.time)?;
        }
        let name = segment_name(self.segment.first);
        let written = self.file.write_at(self.end, &self.batch);
        written.map_err(|e| JournalError::io(self.disk.describe(&name), "write a batch", e))?;
        self.file
            .sync()
            .map_err(|source| JournalError::SyncFailed { file: self.disk.describe(&name), source })
    }

    /// Begins the next segment. Everything before it is durable.
    fn rotate(&mut self, created: Timestamp) -> Result<(), JournalError> {
        let first = self.durable.seq.next();
        // One without records, too small since the configuration changed, is replaced under its name.
        let is_empty = self.segment.first == first;
        let header = SegmentHeader {
            id: self.segment.id,
            first,
            index: self.segment.index + u64::from(!is_empty),
            chain_before: self.durable.chain,
            created,
            bytes: self.config.segment_bytes,
        };
        let (file, name) = match self.spare.take() {
            Some(file) => (file, SPARE_NAME.to_owned()),
            None => {
                let name = format!("{}{UNFINISHED}", segment_name(header.first));
                (blank(&self.disk, &name, header.bytes)?, name)
            }
        };
        self.file = publish(&self.disk, file, &name, &header)?;
        self.segment = header;
        self.end = HEADER as u64;
        Ok(())
    }

    /// Writes the zeros of the next segment now, so that the commit that needs it does not wait for them, and a full disk
    /// shows while there is still room. Worth calling when nothing is waiting; does nothing when it is done already.
    ///
    /// # Errors
    /// When the disk is full, after which the writer goes on in the segment that it has; when the disk refuses otherwise, which
    /// halts the writer.
    pub fn prepare_segment(&mut self) -> Result<(), JournalError> {
        self.running()?;
        if self.spare.is_none() {
            let made = blank(&self.disk, SPARE_NAME, self.config.segment_bytes);
            self.spare = Some(made.inspect_err(|error| self.halt_unless_full(error))?);
        }
        Ok(())
    }

    /// Writes a snapshot of the machine's state after the last commit, and removes what is no longer kept. Returns its file.
    ///
    /// # Errors
    /// When records are pending; when the disk is full, after which the writer goes on without this snapshot; when the disk
    /// refuses otherwise, which halts the writer.
    pub fn write_snapshot(
        &mut self,
        state: &[u8],
        state_hash: Digest,
        time: Timestamp,
    ) -> Result<String, JournalError> {
        self.running()?;
        if self.last.is_some() {
            return Err(JournalError::Pending { records: self.pending() });
        }
        let header = SnapshotHeader {
            id: self.segment.id,
            head: self.durable,
            time,
            state_hash,
            body_hash: Digest::of_state(state),
            body_bytes: state.len() as u64,
        };
        let written = snapshot::write(&self.disk, &header, state).and_then(|name| {
            self.retain()?;
            Ok(name)
        });
        written.map(|name| self.disk.describe(&name)).inspect_err(|error| self.halt_unless_full(error))
    }

    /// For what can wait: without room it is left undone, and nothing that commits need was touched.
    fn halt_unless_full(&mut self, error: &JournalError) {
        if !matches!(error, JournalError::DiskFull { .. }) {
            self.halted = Some(error.to_string());
        }
    }

    /// Removes segments that the older kept snapshot does not need, the oldest first, each durably before the next, so that
    /// a crash leaves no gap.
    fn retain(&self) -> Result<(), JournalError> {
        let kept = snapshot::snapshots(&self.disk)?;
        if self.config.retention == Retention::Everything || kept.len() < snapshot::KEPT {
            return Ok(());
        }
        let Some(needed) = kept.get(snapshot::KEPT - 1).map(|seq| seq.next()) else { return Ok(()) };
        let all = segments(&self.disk)?;
        for (old, _) in all.iter().zip(all.iter().skip(1)).filter(|(_, after)| **after <= needed) {
            let name = segment_name(*old);
            self.disk
                .remove(&name)
                .map_err(|e| JournalError::io(self.disk.describe(&name), "remove an old segment", e))?;
            self.disk
                .sync_directory()
                .map_err(|source| JournalError::SyncFailed { file: self.disk.describe(""), source })?;
        }
        Ok(())
    }

    /// True when the batch has reached a limit of [`Batching`](crate::Batching) or the next record of its mean size would pass one.
    #[must_use]
    pub fn is_due(&self) -> bool {
        let (records, bytes) = (u64::from(self.pending()), self.batch.len() as u64);
        let mean = bytes.checked_div(records).unwrap_or(0);
        records >= u64::from(self.config.batching.max_records)
            || bytes + mean > u64::from(self.config.batching.max_bytes)
    }

    /// Records that are not durable yet.
    #[must_use]
    pub fn pending(&self) -> u32 {
        u32::try_from(self.leaves.len()).unwrap_or(u32::MAX)
    }

    /// The seq that the next record gets.
    #[must_use]
    pub fn next_seq(&self) -> Seq {
        self.last.map_or(self.durable.seq, |stamp| stamp.seq).next()
    }

    /// The last commit.
    #[must_use]
    pub const fn head(&self) -> Head {
        self.durable
    }

    /// Which journal this is.
    #[must_use]
    pub const fn id(&self) -> JournalId {
        self.segment.id
    }

    /// The disk it is on.
    #[must_use]
    pub const fn disk(&self) -> &D {
        &self.disk
    }

    /// Its configuration.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    fn running(&self) -> Result<(), JournalError> {
        match &self.halted {
            Some(cause) => Err(JournalError::Halted { cause: cause.clone() }),
            None => Ok(()),
        }
    }
}

/// A file of zeros, written and synced: writing into it later changes no metadata, and what is lost of it reads as zeros.
fn blank<D: Disk>(disk: &D, name: &str, bytes: u64) -> Result<D::File, JournalError> {
    let io = |action| move |e| JournalError::io(disk.describe(name), action, e);
    let mut file = disk.create(name).map_err(io("create a segment"))?;
    if let Err(error) = fill(&mut file, 0, bytes) {
        // Of no use to anyone, and the space is wanted; if it cannot be removed now, the next opening does.
        let _ = disk.remove(name);
        return Err(io("fill a segment with zeros")(error));
    }
    file.sync().map_err(|source| JournalError::SyncFailed { file: disk.describe(name), source })?;
    Ok(file)
}

fn fill<F: DiskFile>(file: &mut F, from: u64, to: u64) -> io::Result<()> {
    let length = usize::try_from(to.saturating_sub(from)).unwrap_or(ZEROS).min(ZEROS);
    let zeros = vec![0; length];
    let mut at = from;
    while at < to {
        let piece = usize::try_from(to - at).unwrap_or(ZEROS).min(length);
        file.write_at(at, zeros.get(..piece).unwrap_or_default())?;
        at += piece as u64;
    }
    Ok(())
}

/// Gives a blank file its header and its name: it appears whole or not at all.
fn publish<D: Disk>(
    disk: &D,
    mut file: D::File,
    name: &str,
    header: &SegmentHeader,
) -> Result<D::File, JournalError> {
    let io = |action| move |e| JournalError::io(disk.describe(name), action, e);
    let failed = |source| JournalError::SyncFailed { file: disk.describe(name), source };
    file.write_at(0, &header.encode()).map_err(io("write the header of a segment"))?;
    file.sync().map_err(failed)?;
    disk.rename(name, &segment_name(header.first)).map_err(io("rename a segment"))?;
    disk.sync_directory().map_err(failed)?;
    Ok(file)
}
