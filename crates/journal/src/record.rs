//! Ids, sequence numbers, records and heads.

use crate::digest::{Digest, from_hex};
use std::fmt;
use std::str::FromStr;
use units::Timestamp;

/// Number of a record: 1, 2, 3, ... without a gap. Zero stands for "before the first".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(u64);

impl Seq {
    /// Before the first record.
    pub const ZERO: Self = Self(0);

    /// From its number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The one after it; stays at the end of the range, which no journal reaches.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which journal: 16 bytes that whoever creates it chooses, different for every journal. Text is 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JournalId([u8; 16]);

impl JournalId {
    /// From its bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn bytes(self) -> [u8; 16] {
        self.0
    }

    /// The chain before the first commit.
    #[must_use]
    pub fn origin(self) -> Digest {
        Digest::origin(self.0)
    }
}

impl fmt::Display for JournalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Text that does not name a journal or a head.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not {rule}")]
pub struct NameError {
    text: String,
    rule: &'static str,
}

impl NameError {
    fn new(text: &str, rule: &'static str) -> Self {
        Self { text: text.chars().take(80).collect(), rule }
    }
}

impl FromStr for JournalId {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let bytes = from_hex(text).and_then(|bytes| bytes.try_into().ok());
        bytes
            .map(Self)
            .ok_or_else(|| NameError::new(text, "a journal id: 32 hexadecimal digits in lower case"))
    }
}

/// What a payload is and how it is written; both are the machine's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag {
    /// Kind of event.
    pub kind: u16,
    /// Version of that kind's encoding.
    pub version: u16,
}

/// When and where in the order an event happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    /// Its number.
    pub seq: Seq,
    /// The time that was given with it.
    pub time: Timestamp,
}

/// One event as it stands in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Number and time.
    pub stamp: Stamp,
    /// Kind and version.
    pub tag: Tag,
    /// The event, in the machine's encoding.
    pub payload: &'a [u8],
}

/// A point of the chain: the hash over everything up to a commit. Whoever keeps one can tell later whether anything up to it
/// was changed. Text: `seq:hash`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Head {
    /// Last record of the commit.
    pub seq: Seq,
    /// The chain after it.
    pub chain: Digest,
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, self.chain)
    }
}

impl FromStr for Head {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let bad = || NameError::new(text, "a head: a seq, a colon and 64 hexadecimal digits in lower case");
        let (seq, chain) = text.split_once(':').ok_or_else(bad)?;
        Ok(Self { seq: number(seq).map(Seq::new).ok_or_else(bad)?, chain: chain.parse().map_err(|_| bad())? })
    }
}

/// A number with no sign and no leading zero, so that one value has one text.
pub(crate) fn number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_and_ids_have_one_spelling() {
        let head = Head { seq: Seq::new(7), chain: JournalId::new([3; 16]).origin() };
        assert_eq!(head.to_string().parse(), Ok(head));
        for bad in ["", "7", "7:", "+7:00", &format!("07:{}", head.chain), &format!("-1:{}", head.chain)] {
            assert!(bad.parse::<Head>().is_err(), "{bad}");
        }
        let id = JournalId::new([0xa5; 16]);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!("A5".repeat(16).parse::<JournalId>().is_err());
    }
}
