//! Reading records, without a lock and without writing.

use crate::disk::Disk;
use crate::error::JournalError;
use crate::record::{Head, JournalId, Record, Seq};
use crate::walk::Walk;

/// Committed records in order. Each commit is compared with its CRCs, its Merkle root and the chain before it is handed out.
/// What was written after the last commit is not seen.
#[derive(Debug)]
pub struct Reader<'d, D: Disk> {
    walk: Walk<'d, D>,
    after: Seq,
}

impl<'d, D: Disk> Reader<'d, D> {
    /// Records after `after`; [`Seq::ZERO`] for all that are there.
    ///
    /// # Errors
    /// When there is no journal or its segment cannot be read.
    pub fn open(disk: &'d D, after: Seq) -> Result<Self, JournalError> {
        Ok(Self { walk: Walk::begin(disk, None, after)?, after })
    }

    /// The next record; none at the end.
    ///
    /// # Errors
    /// At damage.
    #[expect(
        clippy::should_implement_trait,
        reason = "a record borrows the segment, which an Iterator cannot say"
    )]
    pub fn next(&mut self) -> Result<Option<Record<'_>>, JournalError> {
        while self.walk.advance()? {
            if self.walk.current().is_some_and(|record| record.stamp.seq > self.after) {
                return Ok(self.walk.current());
            }
        }
        Ok(None)
    }

    /// The commit that the last record belongs to.
    #[must_use]
    pub fn head(&self) -> Head {
        self.walk.head()
    }

    /// Which journal it is.
    #[must_use]
    pub fn id(&self) -> Option<JournalId> {
        self.walk.id()
    }
}
