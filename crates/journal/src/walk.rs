//! All segments in order, commit after commit.

use crate::digest::Digest;
use crate::disk::{Disk, DiskFile};
use crate::error::{Damage, JournalError};
use crate::format::{FORMAT, HEADER, HeaderFault, SegmentHeader, UNFINISHED, segment_in, segment_name};
use crate::record::{Head, JournalId, Record, Seq};
use crate::scan::{self, Batch, Cursor, Next, Torn};

/// Longest segment: what is read into memory at once.
pub(crate) const LONGEST_SEGMENT: u64 = 1 << 30;

/// No journal gets there; more would overflow.
const MOST_SEQ: Seq = Seq::new(1 << 62);

/// One segment in memory.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) name: String,
    pub(crate) header: SegmentHeader,
    bytes: Vec<u8>,
}

/// A reader that stands between two commits.
#[derive(Debug)]
pub(crate) struct Walk<'d, D: Disk> {
    disk: &'d D,
    id: Option<JournalId>,
    /// First seqs of the segments not yet read, newest first.
    waiting: Vec<Seq>,
    loaded: Option<Loaded>,
    /// Memory for the next segment.
    buffer: Vec<u8>,
    cursor: Cursor,
    batch: Batch,
    torn: Option<Torn>,
    /// Byte at which the last commit of this segment begins.
    last_start: usize,
    /// Which record of the batch comes next, for `advance`.
    next_in_batch: usize,
}

/// First seqs of all segments, ascending.
pub(crate) fn segments<D: Disk>(disk: &D) -> Result<Vec<Seq>, JournalError> {
    let mut found = Vec::new();
    let names = disk.names().map_err(|e| JournalError::io(disk.describe(""), "list the directory", e))?;
    for name in names {
        match segment_in(&name) {
            Some(first) => found.push(first),
            None if name.starts_with("journal-") && !name.ends_with(UNFINISHED) => {
                let rule = "a segment is called journal-, 20 digits, .seg".to_owned();
                return Err(damaged(disk, &name, 0, rule, Seq::ZERO));
            }
            None => {}
        }
    }
    found.sort_unstable();
    Ok(found)
}

pub(crate) fn damaged<D: Disk>(
    disk: &D,
    name: &str,
    offset: usize,
    rule: String,
    last_sound: Seq,
) -> JournalError {
    JournalError::Damaged(Damage { file: disk.describe(name), offset: offset as u64, rule, last_sound })
}

impl<'d, D: Disk> Walk<'d, D> {
    /// Begins with the segment that holds the record after `after`, or with the first one.
    ///
    /// # Errors
    /// When that segment cannot be read or is none, or there are no segments.
    pub(crate) fn begin(disk: &'d D, id: Option<JournalId>, after: Seq) -> Result<Self, JournalError> {
        let mut waiting = segments(disk)?;
        if waiting.is_empty() {
            return Err(JournalError::Empty { folder: disk.describe("") });
        }
        let skipped = waiting.partition_point(|first| *first <= after.next()).saturating_sub(1);
        waiting.drain(..skipped);
        waiting.reverse();
        let cursor = scan::begin(JournalId::new([0; 16]), Seq::ZERO, Digest::of_state(&[]));
        let mut walk = Self {
            disk,
            id,
            waiting,
            loaded: None,
            buffer: Vec::new(),
            cursor,
            batch: Batch::default(),
            torn: None,
            last_start: HEADER,
            next_in_batch: 0,
        };
        walk.load_next()?;
        Ok(walk)
    }

    /// Goes to the next segment; false when there is none.
    fn load_next(&mut self) -> Result<bool, JournalError> {
        let Some(first) = self.waiting.last().copied() else { return Ok(false) };
        let name = segment_name(first);
        let bytes = self.read(&name)?;
        let header = self.header(&name, first, &bytes)?;
        self.follows(&name, &header, self.loaded.as_ref().map(|loaded| &loaded.header))?;
        if self.loaded.is_none() {
            self.cursor = scan::begin(header.id, header.first, header.chain_before);
        }
        // Nothing is changed before this, so that after an error the same call gives the same error.
        self.waiting.pop();
        self.id = Some(header.id);
        self.cursor.offset = HEADER;
        self.last_start = HEADER;
        let before = self.loaded.replace(Loaded { name, header, bytes });
        self.buffer = before.map(|loaded| loaded.bytes).unwrap_or_default();
        Ok(true)
    }

    /// The file, in the memory of the last but one.
    fn read(&mut self, name: &str) -> Result<Vec<u8>, JournalError> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let disk = self.disk;
        let io = |action| move |e| JournalError::io(disk.describe(name), action, e);
        let file = disk.open_to_read(name).map_err(io("open"))?;
        let length = file.length().map_err(io("measure"))?;
        if length > LONGEST_SEGMENT {
            return Err(self.fault(
                name,
                0,
                format!("a segment has at most {LONGEST_SEGMENT} bytes, this file {length}"),
            ));
        }
        buffer.resize(usize::try_from(length).unwrap_or_default(), 0);
        file.read_at(0, &mut buffer).map_err(io("read"))?;
        Ok(buffer)
    }

    fn header(&self, name: &str, first: Seq, bytes: &[u8]) -> Result<SegmentHeader, JournalError> {
        let header = SegmentHeader::decode(bytes).map_err(|fault| match fault {
            HeaderFault::Format(found) => {
                JournalError::UnknownFormat { file: self.disk.describe(name), found, known: FORMAT }
            }
            HeaderFault::Rule(offset, rule) => {
                self.fault(name, usize::try_from(offset).unwrap_or_default(), rule.to_owned())
            }
        })?;
        if let Some(expected) = self.id.filter(|id| *id != header.id) {
            return Err(JournalError::WrongJournal {
                file: self.disk.describe(name),
                found: header.id,
                expected,
            });
        }
        if header.first != first {
            return Err(self.fault(
                name,
                32,
                format!(
                    "a segment's name and header agree: the header says it begins at seq {}",
                    header.first
                ),
            ));
        }
        if header.bytes != bytes.len() as u64 {
            let rule = format!(
                "a segment is as long as its header says: {} bytes, the file has {}",
                header.bytes,
                bytes.len()
            );
            return Err(self.fault(name, bytes.len(), rule));
        }
        Ok(header)
    }

    /// Compares the header of a segment with what comes before it.
    fn follows(
        &self,
        name: &str,
        header: &SegmentHeader,
        before: Option<&SegmentHeader>,
    ) -> Result<(), JournalError> {
        let (rule, offset) = match before {
            Some(before) if before.index.checked_add(1) != Some(header.index) => (
                format!(
                    "segments are numbered without a gap: number {} stands after {}",
                    header.index, before.index
                ),
                40,
            ),
            Some(_) if header.first != self.cursor.head.seq.next() => (
                format!(
                    "a segment begins where the one before it ends: seq {} is due",
                    self.cursor.head.seq.next()
                ),
                32,
            ),
            Some(_) if header.chain_before != self.cursor.head.chain => {
                ("a segment continues the chain of the one before it".to_owned(), 48)
            }
            None if header.first == Seq::ZERO || header.first > MOST_SEQ => {
                ("records are numbered from 1, below 2^62".to_owned(), 32)
            }
            None if header.index >= header.first.get() => {
                ("each segment before this one holds a record at least".to_owned(), 40)
            }
            None if (header.first == Seq::new(1)) != (header.index == 0) => {
                ("segment 0, and no other, begins at seq 1".to_owned(), 40)
            }
            None if header.index == 0 && header.chain_before != header.id.origin() => {
                ("the chain begins with the hash of the journal's id".to_owned(), 48)
            }
            _ => return Ok(()),
        };
        Err(self.fault(name, offset, rule))
    }

    fn fault(&self, name: &str, offset: usize, rule: String) -> JournalError {
        damaged(self.disk, name, offset, rule, self.cursor.head.seq)
    }

    /// Goes to the next commit; false at the end. Its records are then to be had from `records`.
    pub(crate) fn next_batch(&mut self) -> Result<bool, JournalError> {
        self.next_in_batch = 0;
        loop {
            let Some(loaded) = &self.loaded else { return Ok(false) };
            match scan::next(&loaded.bytes, &mut self.cursor, &mut self.batch) {
                Next::Batch => {
                    self.last_start = self.batch.start;
                    return Ok(true);
                }
                Next::Blank if self.waiting.is_empty() => return Ok(false),
                Next::Blank => {
                    self.load_next()?;
                }
                Next::Torn(torn) if self.waiting.is_empty() => {
                    self.torn = Some(torn);
                    return Ok(false);
                }
                Next::Torn(_) => {
                    let rule = "only the last segment may end in an unfinished write".to_owned();
                    return Err(self.fault(&loaded.name, self.cursor.offset, rule));
                }
                Next::Damaged(offset, rule) => return Err(self.fault(&loaded.name, offset, rule)),
            }
        }
    }

    /// Goes to the next record, of this or of the next commit; false at the end.
    pub(crate) fn advance(&mut self) -> Result<bool, JournalError> {
        while self.next_in_batch >= self.batch.frames.len() {
            if !self.next_batch()? {
                self.batch = Batch::default();
                return Ok(false);
            }
        }
        self.next_in_batch += 1;
        Ok(true)
    }

    /// The record that `advance` went to.
    pub(crate) fn current(&self) -> Option<Record<'_>> {
        self.record(self.next_in_batch.checked_sub(1)?)
    }

    /// Record `index` of the current commit.
    pub(crate) fn record(&self, index: usize) -> Option<Record<'_>> {
        let place = *self.batch.frames.get(index)?;
        // Its CRC was compared when the batch was read.
        crate::format::record_unchecked(self.loaded.as_ref()?.bytes.get(place..)?)
    }

    pub(crate) fn batch(&self) -> &Batch {
        &self.batch
    }

    pub(crate) fn head(&self) -> Head {
        self.cursor.head
    }

    /// Byte after the last commit.
    pub(crate) fn offset(&self) -> usize {
        self.cursor.offset
    }

    /// Byte at which the last commit of this segment begins; the end of the header when it has none.
    pub(crate) fn last_start(&self) -> usize {
        self.last_start
    }

    pub(crate) fn torn(&self) -> Option<Torn> {
        self.torn
    }

    pub(crate) fn id(&self) -> Option<JournalId> {
        self.id
    }

    pub(crate) fn loaded(&self) -> Option<&Loaded> {
        self.loaded.as_ref()
    }
}

impl Loaded {
    /// Bytes of the file from `from` to `to`.
    pub(crate) fn bytes(&self, from: usize, to: usize) -> &[u8] {
        self.bytes.get(from..to).unwrap_or_default()
    }
}
