//! That one record is in a journal, shown to someone who has nothing but a head.
//!
//! A proof holds the record, the Merkle path from its leaf to the root of its commit, the chain before that commit, and of
//! every later commit up to the head its last seq, count and root. Whoever checks it hashes upwards and compares with the
//! head that they kept. Its size grows with the number of commits between record and head, 90 bytes each: take the first
//! head after the record. It shows one record; of the others it tells the number only.
//!
//! Text, one line each, in this order:
//!
//! ```text
//! plimsoll-proof 1
//! journal ID
//! record SEQ TIME_NS KIND VERSION PAYLOAD_HEX          an empty payload is -
//! path HASH                                            from the leaf upwards, none or more
//! before HASH                                          the chain before the commit
//! commit LAST_SEQ RECORDS                              the record's own
//! link LAST_SEQ RECORDS ROOT                           later ones, none or more
//! head SEQ:HASH
//! ```

use crate::digest::{Digest, from_hex, merkle_path, root_over};
use crate::disk::Disk;
use crate::error::JournalError;
use crate::format::put_record;
use crate::record::{Head, JournalId, Record, Seq, Stamp, Tag, number};
use crate::walk::Walk;
use std::fmt;
use std::str::FromStr;
use units::Timestamp;

const TITLE: &str = "plimsoll-proof 1";
/// Longest text that is read, bytes.
const LONGEST: usize = 1 << 30;

/// A commit after the record's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Link {
    last: Seq,
    records: u32,
    root: Digest,
}

/// That a record is under a head. Text by `Display` and `FromStr`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionProof {
    journal: JournalId,
    stamp: Stamp,
    tag: Tag,
    payload: Vec<u8>,
    path: Vec<Digest>,
    before: Digest,
    last: Seq,
    records: u32,
    links: Vec<Link>,
    head: Head,
}

/// Why a proof proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The text is not one.
    #[error("line {line} of the proof: {rule}")]
    Text {
        /// Counted from 1.
        line: usize,
        /// What should stand there.
        rule: &'static str,
    },
    /// It is about another head than the one that was kept.
    #[error(
        "the proof leads to head {found}, not to the head that was kept, {kept}; ask for a proof up to that one"
    )]
    OtherHead {
        /// Head in the proof.
        found: Head,
        /// Head that was given.
        kept: Head,
    },
    /// The hashes do not lead to the head.
    #[error("the proof is false: {rule}")]
    False {
        /// What does not fit.
        rule: &'static str,
    },
}

/// The proof that record `seq` is under the first commit at or after `up_to`, or under its own commit.
///
/// # Errors
/// When there is no such record or commit, or the journal is damaged before it.
pub fn prove<D: Disk>(disk: &D, seq: Seq, up_to: Option<Seq>) -> Result<InclusionProof, JournalError> {
    let mut walk = Walk::begin(disk, None, Seq::new(seq.get().saturating_sub(1)))?;
    let first = Walk::begin(disk, None, Seq::ZERO)?.head().seq.next();
    let mut proof: Option<InclusionProof> = None;
    while walk.next_batch()? {
        let batch = walk.batch();
        let Some(commit) = batch.commit.filter(|commit| commit.last.seq >= seq) else { continue };
        if let Some(proof) = &mut proof {
            proof.links.push(Link { last: commit.last.seq, records: commit.records, root: commit.root });
            proof.head = walk.head();
        } else {
            let is_it = |index: &usize| walk.record(*index).is_some_and(|record| record.stamp.seq == seq);
            let index = (0..batch.frames.len()).find(is_it);
            let found = index
                .and_then(|index| Some((walk.record(index)?, index)))
                .zip(walk.id())
                .zip(batch.chain_before);
            let Some((((record, index), journal), before)) = found else { break };
            proof = Some(InclusionProof {
                journal,
                stamp: record.stamp,
                tag: record.tag,
                payload: record.payload.to_vec(),
                path: merkle_path(batch.leaves.clone(), index),
                before,
                last: commit.last.seq,
                records: commit.records,
                links: Vec::new(),
                head: walk.head(),
            });
        }
        if commit.last.seq >= up_to.unwrap_or(seq) {
            break;
        }
    }
    let asked = up_to.unwrap_or(seq).max(seq);
    if proof.as_ref().is_none_or(|proof| proof.head.seq < asked) {
        // What is there is said in full.
        while walk.next_batch()? {}
    }
    let last = walk.head().seq;
    proof.filter(|proof| proof.head.seq >= asked).ok_or(JournalError::NoRecord { asked, first, last })
}

impl InclusionProof {
    /// What it shows, when it is true.
    #[must_use]
    pub fn record(&self) -> Record<'_> {
        Record { stamp: self.stamp, tag: self.tag, payload: &self.payload }
    }

    /// The head that it leads to.
    #[must_use]
    pub const fn head(&self) -> Head {
        self.head
    }

    /// Hashes upwards and compares with a head that was kept. Nothing else is needed, no journal and no disk.
    ///
    /// # Errors
    /// When it leads elsewhere or nowhere.
    pub fn check(&self, kept: Head) -> Result<Record<'_>, ProofError> {
        if self.head != kept {
            return Err(ProofError::OtherHead { found: self.head, kept });
        }
        let broken = |rule| ProofError::False { rule };
        let index = self.stamp.seq.get().checked_add(self.records.into());
        let index = index.and_then(|n| n.checked_sub(self.last.get())?.checked_sub(1));
        let index = index.and_then(|index| u32::try_from(index).ok());
        let index = index
            .filter(|index| *index < self.records)
            .ok_or(broken("the record is not among those of its commit"))?;
        let mut frame = Vec::new();
        put_record(&mut frame, &self.record());
        let leaf = Digest::leaf(frame.get(4..).unwrap_or_default());
        let root = root_over(leaf, index, self.records, &self.path)
            .ok_or(broken("the Merkle path is not of the length that its place in the commit asks for"))?;
        let mut head = Head {
            seq: self.last,
            chain: Digest::link(self.journal, self.before, self.last, self.records, root),
        };
        if self.last.get() == u64::from(self.records) && self.before != self.journal.origin() {
            return Err(broken(
                "its commit is the first, but the chain before it is not the journal's origin",
            ));
        }
        for link in &self.links {
            if link.last.get().checked_sub(head.seq.get()) != Some(link.records.into()) || link.records == 0 {
                return Err(broken("the commits do not follow each other without a gap"));
            }
            head = Head {
                seq: link.last,
                chain: Digest::link(self.journal, head.chain, link.last, link.records, link.root),
            };
        }
        if head == kept { Ok(self.record()) } else { Err(broken("its hashes do not lead to the head")) }
    }
}

/// Reads a proof and checks it against a head that was kept.
///
/// # Errors
/// As [`InclusionProof::check`], and when the text is none.
pub fn check_proof(text: &str, kept: Head) -> Result<InclusionProof, ProofError> {
    let proof: InclusionProof = text.parse()?;
    proof.check(kept)?;
    Ok(proof)
}

impl fmt::Display for InclusionProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{TITLE}\njournal {}", self.journal)?;
        let (stamp, tag) = (self.stamp, self.tag);
        write!(f, "record {} {} {} {} ", stamp.seq, stamp.time.unix_nanos(), tag.kind, tag.version)?;
        if self.payload.is_empty() {
            write!(f, "-")?;
        }
        self.payload.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        writeln!(f)?;
        self.path.iter().try_for_each(|hash| writeln!(f, "path {hash}"))?;
        writeln!(f, "before {}\ncommit {} {}", self.before, self.last, self.records)?;
        self.links.iter().try_for_each(|l| writeln!(f, "link {} {} {}", l.last, l.records, l.root))?;
        writeln!(f, "head {}", self.head)
    }
}

/// Lines of a proof, with their words.
struct Lines<'a> {
    rest: std::iter::Peekable<std::str::Lines<'a>>,
    line: usize,
}

impl<'a> Lines<'a> {
    /// The words after `key` when the next line begins with it.
    fn take<const N: usize>(&mut self, key: &str) -> Option<[&'a str; N]> {
        let words = self.rest.peek()?.strip_prefix(key)?.strip_prefix(' ')?;
        let words: Vec<&str> = words.split(' ').collect();
        let words = words.try_into().ok()?;
        self.rest.next();
        self.line += 1;
        Some(words)
    }

    fn fault(&self, rule: &'static str) -> ProofError {
        ProofError::Text { line: self.line, rule }
    }
}

impl FromStr for InclusionProof {
    type Err = ProofError;
    fn from_str(text: &str) -> Result<Self, ProofError> {
        let mut lines = Lines { rest: text.lines().peekable(), line: 1 };
        if text.len() > LONGEST || lines.rest.next() != Some(TITLE) {
            return Err(lines.fault("a proof begins with 'plimsoll-proof 1'"));
        }
        lines.line = 2;
        let found = (|| {
            let [journal] = lines.take("journal")?;
            let [seq, time, kind, version, payload] = lines.take("record")?;
            let mut path = Vec::new();
            while let Some([hash]) = lines.take("path") {
                path.push(hash.parse().ok()?);
            }
            let [before] = lines.take("before")?;
            let [last, records] = lines.take("commit")?;
            let mut links = Vec::new();
            while let Some([last, records, root]) = lines.take("link") {
                let records = small(records)?;
                links.push(Link { last: number(last).map(Seq::new)?, records, root: root.parse().ok()? });
            }
            let [head] = lines.take("head")?;
            let time: i64 = time.parse().ok()?;
            Some(Self {
                journal: journal.parse().ok()?,
                stamp: Stamp { seq: number(seq).map(Seq::new)?, time: Timestamp::from_unix_nanos(time) },
                tag: Tag { kind: small(kind)?, version: small(version)? },
                payload: if payload == "-" {
                    Vec::new()
                } else {
                    from_hex(payload).filter(|bytes| !bytes.is_empty())?
                },
                path,
                before: before.parse().ok()?,
                last: number(last).map(Seq::new)?,
                records: small(records)?,
                links,
                head: head.parse().ok()?,
            })
        })();
        let proof = found.ok_or_else(|| {
            lines.fault("lines journal, record, path, before, commit, link, head in this order, each written as in docs/formats.md")
        })?;
        // One proof has one text: whoever compares texts compares proofs.
        if proof.to_string() != text {
            return Err(lines.fault("nothing but the lines of a proof, each ended by one line feed"));
        }
        Ok(proof)
    }
}

fn small<T: TryFrom<u64>>(text: &str) -> Option<T> {
    number(text).and_then(|n| T::try_from(n).ok())
}
