//! Follows a journal that another process writes: the same events through the same engine give the same state.
//!
//! Nothing is written and no lock is taken. Only whole commits are read, so what is shown was durable before it was shown.

use super::super::{genesis, journal_failure};
use crate::failure::Failure;
use engine::{Engine, Event, Output};
use journal::{Event as _, Reader, RealDisk, Seq};
use std::collections::VecDeque;
use std::path::Path;
use units::Timestamp;

/// How many lines of what was said are kept.
const LINES: usize = 200;

/// An engine that follows a journal.
pub(super) struct Follower {
    disk: RealDisk,
    name: String,
    pub(super) engine: Engine,
    pub(super) last: Seq,
    /// Stamp of the last event.
    pub(super) time: Timestamp,
    /// What was said, newest last.
    pub(super) lines: VecDeque<(Timestamp, String)>,
}

impl Follower {
    /// At the start of a journal.
    pub(super) fn open(folder: &Path) -> Result<Self, Failure> {
        let disk = super::super::open(folder)?;
        let name = folder.display().to_string();
        let (engine, lines) = (genesis(), VecDeque::new());
        Ok(Self { disk, name, engine, last: Seq::ZERO, time: Timestamp::from_unix_nanos(0), lines })
    }

    /// Applies what has become durable since; says how many events, and tells of each.
    pub(super) fn catch_up(&mut self, tell: &mut dyn FnMut(u64)) -> Result<u64, Failure> {
        let mut reader = Reader::open(&self.disk, self.last).map_err(journal_failure)?;
        let mut taken = 0;
        while let Some(record) = reader.next().map_err(journal_failure)? {
            let stamp = record.stamp;
            if self.last == Seq::ZERO && stamp.seq > Seq::new(1) {
                return Err(Failure::Input(format!(
                    "{}: the journal begins at record {}: those before it are not here, so the state cannot be followed",
                    self.name, stamp.seq
                )));
            }
            let event = Event::decode(record.tag, record.payload)
                .map_err(|reason| Failure::Input(format!("{}: record {}: {reason}", self.name, stamp.seq)))?;
            for output in self.engine.apply(stamp, &event) {
                if is_news(&output) {
                    self.lines.push_back((stamp.time, output.to_string()));
                }
            }
            self.lines.drain(..self.lines.len().saturating_sub(LINES));
            (self.last, self.time) = (stamp.seq, stamp.time);
            taken += 1;
            tell(taken);
        }
        Ok(taken)
    }
}

/// Bookings are many and in the figures; the rest is worth a line.
fn is_news(output: &Output) -> bool {
    !matches!(output, Output::Posted(_))
}
