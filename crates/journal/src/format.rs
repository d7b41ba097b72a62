//! Bytes of segments: header, frames, names. All numbers are little-endian. The table is in `docs/formats.md`.

use crate::digest::Digest;
use crate::record::{JournalId, Record, Seq, Stamp, Tag};
use units::Timestamp;

/// The format that this version writes.
pub(crate) const FORMAT: u16 = 1;
/// A segment's header takes one block of most disks.
pub(crate) const HEADER: usize = 4096;
/// What disks write whole or not at all.
pub(crate) const SECTOR: usize = 512;
/// A frame without payload.
pub(crate) const FRAME: usize = 32;
/// The frame that closes a batch.
pub(crate) const COMMIT: usize = FRAME + COMMIT_PAYLOAD;
const COMMIT_PAYLOAD: usize = 72;
/// The lock of the writer.
pub(crate) const LOCK_NAME: &str = "journal.lock";
/// A file that is not yet under its name.
pub(crate) const UNFINISHED: &str = ".tmp";
const SEGMENT_MAGIC: &[u8; 8] = b"PLIMSEGM";

const RECORD_FRAME: u16 = 1;
const COMMIT_FRAME: u16 = 2;

pub(crate) fn segment_name(first: Seq) -> String {
    format!("journal-{:020}.seg", first.get())
}

pub(crate) fn snapshot_name(seq: Seq) -> String {
    format!("snapshot-{:020}.snap", seq.get())
}

/// The number in a name; none for names that are not written so.
pub(crate) fn number_in(name: &str, before: &str, after: &str) -> Option<Seq> {
    let digits = name.strip_prefix(before)?.strip_suffix(after)?;
    let plain = digits.len() == 20 && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|_| plain).map(Seq::new)
}

pub(crate) fn segment_in(name: &str) -> Option<Seq> {
    number_in(name, "journal-", ".seg")
}

pub(crate) fn snapshot_in(name: &str) -> Option<Seq> {
    number_in(name, "snapshot-", ".snap")
}

/// Bytes at a place; none when there are not enough.
pub(crate) fn at<const N: usize>(bytes: &[u8], place: usize) -> Option<[u8; N]> {
    bytes.get(place..)?.first_chunk::<N>().copied()
}

pub(crate) fn u16_at(bytes: &[u8], place: usize) -> Option<u16> {
    at(bytes, place).map(u16::from_le_bytes)
}

pub(crate) fn u32_at(bytes: &[u8], place: usize) -> Option<u32> {
    at(bytes, place).map(u32::from_le_bytes)
}

pub(crate) fn u64_at(bytes: &[u8], place: usize) -> Option<u64> {
    at(bytes, place).map(u64::from_le_bytes)
}

pub(crate) fn time_at(bytes: &[u8], place: usize) -> Option<Timestamp> {
    at(bytes, place).map(|nanos| Timestamp::from_unix_nanos(i64::from_le_bytes(nanos)))
}

/// First block of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) id: JournalId,
    pub(crate) first: Seq,
    /// Segments before this one since the journal began.
    pub(crate) index: u64,
    pub(crate) chain_before: Digest,
    pub(crate) created: Timestamp,
    /// Length of the file.
    pub(crate) bytes: u64,
}

/// Why a header is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeaderFault {
    Format(u16),
    Rule(u64, &'static str),
}

impl SegmentHeader {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER);
        out.extend_from_slice(SEGMENT_MAGIC);
        out.extend_from_slice(&FORMAT.to_le_bytes());
        out.extend_from_slice(&[0; 6]);
        out.extend_from_slice(&self.id.bytes());
        out.extend_from_slice(&self.first.get().to_le_bytes());
        out.extend_from_slice(&self.index.to_le_bytes());
        out.extend_from_slice(self.chain_before.bytes());
        out.extend_from_slice(&self.created.unix_nanos().to_le_bytes());
        out.extend_from_slice(&self.bytes.to_le_bytes());
        out.resize(HEADER - 4, 0);
        let crc = crc32c::crc32c(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, HeaderFault> {
        let block =
            bytes.get(..HEADER).ok_or(HeaderFault::Rule(0, "a segment has a header of 4096 bytes"))?;
        if !block.starts_with(SEGMENT_MAGIC) {
            return Err(HeaderFault::Rule(0, "a segment begins with PLIMSEGM"));
        }
        let body = block.get(..HEADER - 4).unwrap_or_default();
        if u32_at(block, HEADER - 4) != Some(crc32c::crc32c(body)) {
            return Err(HeaderFault::Rule(HEADER as u64 - 4, "the CRC of the header fits its bytes"));
        }
        // After the CRC: a flipped bit in the number is damage, not a format of the future.
        match u16_at(block, 8) {
            Some(FORMAT) => {}
            other => return Err(HeaderFault::Format(other.unwrap_or_default())),
        }
        let sound = || {
            Some(Self {
                id: JournalId::new(at(block, 16)?),
                first: Seq::new(u64_at(block, 32)?),
                index: u64_at(block, 40)?,
                chain_before: Digest::new(at(block, 48)?),
                created: time_at(block, 80)?,
                bytes: u64_at(block, 88)?,
            })
        };
        let header = sound().ok_or(HeaderFault::Rule(0, "a segment has a header of 4096 bytes"))?;
        if header.encode() != block {
            return Err(HeaderFault::Rule(10, "the reserved bytes of the header are zero"));
        }
        Ok(header)
    }
}

/// What the frame that closes a batch says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Commit {
    pub(crate) last: Stamp,
    pub(crate) records: u32,
    pub(crate) root: Digest,
    pub(crate) chain: Digest,
}

/// A frame whose CRC fits and whose fields are written as the writer writes them.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Frame<'a> {
    Record(Record<'a>),
    Commit(Commit),
}

/// Bytes of a frame with its padding to whole words.
pub(crate) const fn frame_bytes(payload: usize) -> usize {
    FRAME + payload.next_multiple_of(8)
}

/// Adds a record's frame.
pub(crate) fn put_record(out: &mut Vec<u8>, record: &Record<'_>) {
    put(out, record.stamp, record.tag, RECORD_FRAME, record.payload);
}

/// Adds a commit's frame.
pub(crate) fn put_commit(out: &mut Vec<u8>, commit: &Commit) {
    let mut payload = [0; COMMIT_PAYLOAD];
    payload[..4].copy_from_slice(&commit.records.to_le_bytes());
    payload[8..40].copy_from_slice(commit.root.bytes());
    payload[40..].copy_from_slice(commit.chain.bytes());
    put(out, commit.last, Tag { kind: 0, version: 0 }, COMMIT_FRAME, &payload);
}

fn put(out: &mut Vec<u8>, stamp: Stamp, tag: Tag, frame_type: u16, payload: &[u8]) {
    let start = out.len();
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX); // Config keeps payloads below 4 GiB
    let mut head = [0; FRAME];
    head[4..8].copy_from_slice(&length.to_le_bytes());
    head[8..16].copy_from_slice(&stamp.seq.get().to_le_bytes());
    head[16..24].copy_from_slice(&stamp.time.unix_nanos().to_le_bytes());
    head[24..26].copy_from_slice(&tag.kind.to_le_bytes());
    head[26..28].copy_from_slice(&tag.version.to_le_bytes());
    head[28..30].copy_from_slice(&frame_type.to_le_bytes());
    out.extend_from_slice(&head);
    out.extend_from_slice(payload);
    out.resize(start + frame_bytes(payload.len()), 0);
    let crc = crc32c::crc32c(&out[start + 4..]);
    out[start..start + 4].copy_from_slice(&crc.to_le_bytes());
}

/// The frame at the beginning of `bytes` and its length; none when there is no sound one.
pub(crate) fn frame(bytes: &[u8]) -> Option<(Frame<'_>, usize)> {
    let head: [u8; FRAME] = at(bytes, 0)?;
    let length = Some(u32_at(&head, 4)? as usize).filter(|length| *length <= bytes.len())?;
    let whole = bytes.get(..frame_bytes(length))?;
    if u32_at(&head, 0)? != crc32c::crc32c(whole.get(4..)?) {
        return None;
    }
    let payload = whole.get(FRAME..FRAME + length)?;
    let padding = whole.get(FRAME + length..)?;
    if padding.iter().any(|byte| *byte != 0) || u16_at(&head, 30)? != 0 {
        return None;
    }
    let stamp = Stamp { seq: Seq::new(u64_at(&head, 8)?), time: time_at(&head, 16)? };
    let tag = Tag { kind: u16_at(&head, 24)?, version: u16_at(&head, 26)? };
    let found = match u16_at(&head, 28)? {
        RECORD_FRAME => Frame::Record(Record { stamp, tag, payload }),
        COMMIT_FRAME => {
            let plain = length == COMMIT_PAYLOAD && tag == (Tag { kind: 0, version: 0 });
            if !plain || u32_at(payload, 4)? != 0 {
                return None;
            }
            Frame::Commit(Commit {
                last: stamp,
                records: u32_at(payload, 0)?,
                root: Digest::new(at(payload, 8)?),
                chain: Digest::new(at(payload, 40)?),
            })
        }
        _ => return None,
    };
    Some((found, whole.len()))
}

/// The record at the beginning of `bytes`, whose CRC was compared before.
pub(crate) fn record_unchecked(bytes: &[u8]) -> Option<Record<'_>> {
    let head: [u8; FRAME] = at(bytes, 0)?;
    Some(Record {
        stamp: Stamp { seq: Seq::new(u64_at(&head, 8)?), time: time_at(&head, 16)? },
        tag: Tag { kind: u16_at(&head, 24)?, version: u16_at(&head, 26)? },
        payload: bytes.get(FRAME..FRAME + u32_at(&head, 4)? as usize)?,
    })
}

/// What stands in a frame's length field, which means nothing before the CRC has been compared.
pub(crate) fn claimed_bytes(bytes: &[u8]) -> Option<usize> {
    (u32_at(bytes, 4)? as usize).checked_next_multiple_of(8)?.checked_add(FRAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> SegmentHeader {
        SegmentHeader {
            id: JournalId::new([7; 16]),
            first: Seq::new(11),
            index: 3,
            chain_before: Digest::of_state(b"before"),
            created: Timestamp::from_unix_nanos(-5),
            bytes: 1 << 20,
        }
    }

    #[test]
    fn a_header_comes_back_and_no_flipped_bit_passes() {
        let bytes = header().encode();
        assert_eq!(SegmentHeader::decode(&bytes), Ok(header()));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(SegmentHeader::decode(&flipped).is_err(), "bit {bit}");
        }
        for length in 0..HEADER {
            assert!(SegmentHeader::decode(&bytes[..length]).is_err());
        }
    }

    #[test]
    fn a_later_format_is_told_from_a_flipped_bit() {
        let mut bytes = header().encode();
        bytes[8] = 2;
        assert!(matches!(SegmentHeader::decode(&bytes), Err(HeaderFault::Rule(4092, _))));
        let crc = crc32c::crc32c(&bytes[..HEADER - 4]);
        bytes[HEADER - 4..].copy_from_slice(&crc.to_le_bytes());
        assert_eq!(SegmentHeader::decode(&bytes), Err(HeaderFault::Format(2)));
    }

    #[test]
    fn a_frame_comes_back_and_no_flipped_bit_passes_not_even_in_its_length() {
        for payload in [&b""[..], b"a", b"abc", b"12345678", &[0; 40]] {
            let stamp = Stamp { seq: Seq::new(9), time: Timestamp::from_unix_nanos(i64::MIN) };
            let record = Record { stamp, tag: Tag { kind: 0xffff, version: 2 }, payload };
            let mut bytes = Vec::new();
            put_record(&mut bytes, &record);
            assert_eq!(bytes.len() % 8, 0);
            let (found, length) = frame(&bytes).unwrap();
            assert_eq!(length, bytes.len());
            assert!(matches!(found, Frame::Record(back) if back == record));
            for bit in 0..bytes.len() * 8 {
                let mut flipped = bytes.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert!(frame(&flipped).is_none(), "bit {bit}");
            }
            for cut in 0..bytes.len() {
                assert!(frame(&bytes[..cut]).is_none());
            }
        }
    }

    #[test]
    fn a_commit_comes_back_in_104_bytes() {
        let commit = Commit {
            last: Stamp { seq: Seq::new(4), time: Timestamp::from_unix_nanos(1) },
            records: 4,
            root: Digest::of_state(b"root"),
            chain: Digest::of_state(b"chain"),
        };
        let mut bytes = Vec::new();
        put_commit(&mut bytes, &commit);
        assert_eq!(bytes.len(), COMMIT);
        assert!(matches!(frame(&bytes), Some((Frame::Commit(back), COMMIT)) if back == commit));
    }

    #[test]
    fn zeros_are_no_frame_and_huge_lengths_are_no_allocation() {
        assert!(frame(&[0; 4096]).is_none());
        assert!(frame(&[0xff; 4096]).is_none());
        assert_eq!(claimed_bytes(&[0xff; 32]), Some(FRAME + (1usize << 32)));
    }

    #[test]
    fn names_have_one_spelling() {
        assert_eq!(segment_in(&segment_name(Seq::new(12))), Some(Seq::new(12)));
        assert_eq!(snapshot_in(&snapshot_name(Seq::new(12))), Some(Seq::new(12)));
        for bad in
            ["journal-1.seg", "journal-+0000000000000000001.seg", "journal-99999999999999999999.seg", "x"]
        {
            assert_eq!(segment_in(bad), None, "{bad}");
        }
    }
}
