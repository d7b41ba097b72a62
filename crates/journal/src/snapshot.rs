//! Snapshots: the machine's state after one commit, so that recovery need not begin at the first record. A cache: the
//! journal alone gives the same state, and a snapshot that does not fit it is refused.

use crate::digest::Digest;
use crate::disk::{Disk, DiskFile};
use crate::error::JournalError;
use crate::format::{FORMAT, UNFINISHED, at, snapshot_in, snapshot_name, time_at, u16_at, u32_at, u64_at};
use crate::record::{Head, JournalId, Seq};
use units::Timestamp;

const MAGIC: &[u8; 8] = b"PLIMSNAP";
const HEADER: usize = 256;
/// Largest state that is read.
const MOST_BYTES: u64 = 1 << 36;
/// How many are kept.
pub(crate) const KEPT: usize = 2;

/// What a snapshot says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SnapshotHeader {
    pub(crate) id: JournalId,
    pub(crate) head: Head,
    pub(crate) time: Timestamp,
    pub(crate) state_hash: Digest,
    pub(crate) body_hash: Digest,
    pub(crate) body_bytes: u64,
}

impl SnapshotHeader {
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&FORMAT.to_le_bytes());
        out.extend_from_slice(&[0; 6]);
        out.extend_from_slice(&self.id.bytes());
        out.extend_from_slice(&self.head.seq.get().to_le_bytes());
        out.extend_from_slice(&self.time.unix_nanos().to_le_bytes());
        out.extend_from_slice(self.head.chain.bytes());
        out.extend_from_slice(self.state_hash.bytes());
        out.extend_from_slice(self.body_hash.bytes());
        out.extend_from_slice(&self.body_bytes.to_le_bytes());
        out.resize(HEADER - 4, 0);
        let crc = crc32c::crc32c(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        out
    }

    fn decode(bytes: &[u8]) -> Result<Self, String> {
        let short = || "a snapshot has a header of 256 bytes".to_owned();
        let block = bytes.get(..HEADER).ok_or_else(short)?;
        if !block.starts_with(MAGIC) {
            return Err("a snapshot begins with PLIMSNAP".to_owned());
        }
        if u32_at(block, HEADER - 4) != block.get(..HEADER - 4).map(crc32c::crc32c) {
            return Err("the CRC of the header does not fit its bytes".to_owned());
        }
        if u16_at(block, 8) != Some(FORMAT) {
            return Err(format!("its format is not {FORMAT}; a later version of the program wrote it"));
        }
        let fields = || {
            Some(Self {
                id: JournalId::new(at(block, 16)?),
                head: Head { seq: Seq::new(u64_at(block, 32)?), chain: Digest::new(at(block, 48)?) },
                time: time_at(block, 40)?,
                state_hash: Digest::new(at(block, 80)?),
                body_hash: Digest::new(at(block, 112)?),
                body_bytes: u64_at(block, 144)?,
            })
        };
        let header = fields().ok_or_else(short)?;
        if header.encode() != block {
            return Err("the reserved bytes of the header are not zero".to_owned());
        }
        Ok(header)
    }
}

/// Seqs of the snapshots, newest first.
pub(crate) fn snapshots<D: Disk>(disk: &D) -> Result<Vec<Seq>, JournalError> {
    let names = disk.names().map_err(|e| JournalError::io(disk.describe(""), "list the directory", e))?;
    let mut found: Vec<Seq> = names.iter().filter_map(|name| snapshot_in(name)).collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    Ok(found)
}

/// What the snapshot at `seq` says of itself, and its file; or why it cannot be used.
pub(crate) fn open<D: Disk>(
    disk: &D,
    id: Option<JournalId>,
    seq: Seq,
) -> Result<(SnapshotHeader, D::File), String> {
    let file = disk.open_to_read(&snapshot_name(seq)).map_err(|e| format!("it cannot be opened: {e}"))?;
    let length = file.length().map_err(|e| format!("it cannot be measured: {e}"))?;
    if length < HEADER as u64 {
        return Err("a snapshot has a header of 256 bytes".to_owned());
    }
    let mut head = [0; HEADER];
    file.read_at(0, &mut head).map_err(|e| format!("it cannot be read: {e}"))?;
    let header = SnapshotHeader::decode(&head)?;
    if let Some(expected) = id.filter(|id| *id != header.id) {
        return Err(format!("it belongs to journal {}, not {expected}", header.id));
    }
    if header.head.seq != seq {
        return Err(format!("its name and header disagree: the header says seq {}", header.head.seq));
    }
    if header.body_bytes > MOST_BYTES || length != HEADER as u64 + header.body_bytes {
        let says = u128::from(header.body_bytes) + HEADER as u128;
        return Err(format!("it has {length} bytes, not the {says} of its header"));
    }
    Ok((header, file))
}

/// The whole snapshot at `seq`, or why it cannot be used. Whether it fits the chain and the machine is not compared here.
pub(crate) fn read<D: Disk>(
    disk: &D,
    id: Option<JournalId>,
    seq: Seq,
) -> Result<(SnapshotHeader, Vec<u8>), String> {
    let (header, file) = open(disk, id, seq)?;
    let length = usize::try_from(header.body_bytes).map_err(|_| "it does not fit into memory".to_owned())?;
    let mut body = vec![0; length];
    file.read_at(HEADER as u64, &mut body).map_err(|e| format!("it cannot be read: {e}"))?;
    if Digest::of_state(&body) != header.body_hash {
        return Err("the hash of its bytes is not that of its header".to_owned());
    }
    Ok((header, body))
}

/// Writes a snapshot so that a crash leaves all of it or nothing, then removes all but the newest two.
pub(crate) fn write<D: Disk>(disk: &D, header: &SnapshotHeader, body: &[u8]) -> Result<String, JournalError> {
    let name = snapshot_name(header.head.seq);
    let unfinished = format!("{name}{UNFINISHED}");
    let io = |action| move |e| JournalError::io(disk.describe(&snapshot_name(header.head.seq)), action, e);
    let mut file = disk.create(&unfinished).map_err(io("create the snapshot"))?;
    let written = file.write_at(0, &header.encode()).and_then(|()| file.write_at(HEADER as u64, body));
    if let Err(error) = written {
        // Of no use to anyone, and the space is wanted; if it cannot be removed now, the next opening does.
        let _ = disk.remove(&unfinished);
        return Err(io("write the snapshot")(error));
    }
    file.sync().map_err(|source| JournalError::SyncFailed { file: disk.describe(&unfinished), source })?;
    disk.rename(&unfinished, &name).map_err(io("rename the snapshot"))?;
    disk.sync_directory().map_err(|source| JournalError::SyncFailed { file: disk.describe(""), source })?;
    for old in snapshots(disk)?.into_iter().filter(|seq| *seq <= header.head.seq).skip(KEPT) {
        disk.remove(&snapshot_name(old)).map_err(io("remove an older snapshot"))?;
    }
    disk.sync_directory().map_err(|source| JournalError::SyncFailed { file: disk.describe(""), source })?;
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_comes_back_and_no_flipped_bit_passes() {
        let header = SnapshotHeader {
            id: JournalId::new([1; 16]),
            head: Head { seq: Seq::new(3), chain: Digest::of_state(b"chain") },
            time: Timestamp::from_unix_nanos(77),
            state_hash: Digest::of_state(b"state"),
            body_hash: Digest::of_state(b"body"),
            body_bytes: 4,
        };
        let bytes = header.encode();
        assert_eq!(SnapshotHeader::decode(&bytes), Ok(header));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(SnapshotHeader::decode(&flipped).is_err(), "bit {bit}");
        }
    }
}
