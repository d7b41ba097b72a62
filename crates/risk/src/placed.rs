//! Figures and where they belong, by reference: what groups are made of, whether there are rows of it or not.
//!
//! Keys are compared for every line and made once for every group.

use crate::exposure::{GroupBy, GroupKey, Row, RowKind, kind_word};
use crate::measure::Exposure;
use units::{Account, Asset, Chain, Timestamp, Venue};

/// One line: its figures, and what it can be grouped by.
#[derive(Debug, Clone, Copy)]
pub struct Placed<'a> {
    /// Owner.
    pub account: &'a Account,
    /// Where.
    pub venue: &'a Venue,
    /// On which ledger.
    pub chain: &'a Chain,
    /// Whose price drives it.
    pub underlying: &'a Asset,
    /// Settlement instant.
    pub expiry: Option<Timestamp>,
    /// What it is.
    pub kind: RowKind,
    /// All measures.
    pub exposure: &'a Exposure,
}

/// A part of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part<'a> {
    Text(&'a str),
    Expiry(Option<Timestamp>),
}

/// Parts of a key, by column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Parts<'a>([Option<Part<'a>>; 6]);

impl<'a> Placed<'a> {
    fn part(&self, column: GroupBy) -> Part<'a> {
        match column {
            GroupBy::Underlying => Part::Text(self.underlying.as_str()),
            GroupBy::Expiry => Part::Expiry(self.expiry),
            GroupBy::Venue => Part::Text(self.venue.as_str()),
            GroupBy::Chain => Part::Text(self.chain.as_str()),
            GroupBy::Account => Part::Text(self.account.as_str()),
            GroupBy::Kind => Part::Text(kind_word(self.kind)),
        }
    }

    /// What tells its group from others; a column that is named again tells nothing.
    pub(crate) fn parts(&self, by: &[GroupBy]) -> Parts<'a> {
        let mut parts = [None; 6];
        for column in by {
            if let Some(slot) = parts.get_mut(*column as usize) {
                *slot = Some(self.part(*column));
            }
        }
        Parts(parts)
    }

    /// The part of its key in a column.
    #[must_use]
    pub fn key(&self, column: GroupBy) -> GroupKey {
        match self.part(column) {
            Part::Text(text) => GroupKey::Text(text.to_owned()),
            Part::Expiry(expiry) => GroupKey::Expiry(expiry),
        }
    }

    /// True when the part of its key in a column reads so.
    #[must_use]
    pub fn is(&self, column: GroupBy, words: &str) -> bool {
        match self.part(column) {
            Part::Text(text) => text == words,
            Part::Expiry(expiry) => GroupKey::Expiry(expiry).text() == words,
        }
    }
}

impl<'a> From<&'a Row> for Placed<'a> {
    fn from(row: &'a Row) -> Self {
        Self {
            account: &row.account,
            venue: &row.venue,
            chain: &row.chain,
            underlying: &row.underlying,
            expiry: row.expiry,
            kind: row.kind,
            exposure: &row.exposure,
        }
    }
}
