//! Any state of the past, from the journal: replayed, never guessed.
//!
//! A replay begins at the nearest state that is at hand: some are kept on the way, evenly over what has passed, live or replayed.

use crate::frame::Frame;
use crate::said::Said;
use engine::{Engine, Event};
use journal::{Event as _, Head, InclusionProof, Reader, RealDisk, Seq, Stamp, prove};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use units::Timestamp;

/// A state is kept each time so many records have passed, and the spacing doubled while there are too many.
const FIRST_SPACING: u64 = 500;
const MOST_KEPT: usize = 24;
/// All states that are kept hold at most so many positions and quotes together, of about a kilobyte each; but a few are kept of any book.
const MOST_THINGS: usize = 80_000;
const LEAST_KEPT: usize = 4;
/// Frames of the past that are at hand.
const RECENT: usize = 4;

/// Why a state of the past cannot be shown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PastError {
    /// There is no journal on disk behind this.
    #[error("no journal is behind this server")]
    NoJournal,
    /// The journal does not have it.
    #[error("record {record} is not in the journal: its last is {last}")]
    Beyond {
        /// Which.
        record: u64,
        /// The last one.
        last: u64,
    },
    /// The first records were let go.
    #[error(
        "the journal begins at record {first}: those before it are not here, so what they did cannot be replayed"
    )]
    NoStart {
        /// The first one.
        first: u64,
    },
    /// The disk.
    #[error("{folder}: {error}")]
    Disk {
        /// Which folder.
        folder: String,
        /// What it said.
        error: std::io::Error,
    },
    /// The journal.
    #[error(transparent)]
    Journal(#[from] journal::JournalError),
    /// A record that this program does not read.
    #[error("record {record}: {reason}")]
    Record {
        /// Which.
        record: u64,
        /// Why.
        reason: String,
    },
}

/// The journal behind a server.
#[derive(Debug)]
pub(crate) struct Past {
    folder: Option<PathBuf>,
    genesis: Engine,
    states: Arc<States>,
    /// The frames asked for last: a page asks for the same one view by view.
    recent: Mutex<Vec<Arc<Frame>>>,
}

/// Some states of a journal, evenly over it.
#[derive(Debug)]
pub(crate) struct States(Mutex<Kept>);

#[derive(Debug)]
struct Kept {
    states: BTreeMap<u64, Arc<Engine>>,
    spacing: u64,
}

/// Positions and quotes of a state.
fn things(engine: &Engine) -> usize {
    let quotes = engine.quotes();
    engine.ledger().positions().count() + quotes.options.len() + quotes.futures.len()
}

/// How many states may be kept of so many positions and quotes.
fn most_kept(things: usize) -> usize {
    (MOST_THINGS / things.max(1)).clamp(LEAST_KEPT, MOST_KEPT)
}

/// One record, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) time: Timestamp,
    pub(crate) kind: String,
    pub(crate) event: String,
    pub(crate) outputs: Vec<Said>,
}

impl Past {
    pub(crate) fn new(folder: Option<&Path>, genesis: Engine, states: Arc<States>) -> Self {
        Self { folder: folder.map(Path::to_path_buf), genesis, states, recent: Mutex::default() }
    }

    fn recent(&self) -> MutexGuard<'_, Vec<Arc<Frame>>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn disk(&self) -> Result<RealDisk, PastError> {
        let folder = self.folder.as_ref().ok_or(PastError::NoJournal)?;
        let failed = |error| PastError::Disk { folder: folder.display().to_string(), error };
        RealDisk::open(folder).map_err(failed)
    }

    /// The state after a record.
    pub(crate) fn frame(&self, record: u64) -> Result<Arc<Frame>, PastError> {
        if let Some(frame) = self.recent().iter().find(|frame| frame.record.get() == record) {
            return Ok(frame.clone());
        }
        let (engine, head) = self.replay(record, |_, _, _| {})?;
        let frame = Arc::new(Frame::new(engine, Seq::new(record), head));
        let mut recent = self.recent();
        recent.push(frame.clone());
        if recent.len() > RECENT {
            recent.remove(0);
        }
        Ok(frame)
    }

    /// One record and what it led to.
    pub(crate) fn record(&self, record: u64) -> Result<Told, PastError> {
        let mut told = None;
        self.replay(record, |stamp, event, outputs| {
            if stamp.seq.get() == record {
                let said = (0..)
                    .zip(outputs)
                    .filter_map(|(index, output)| Said::of((stamp.seq, index), stamp.time, output));
                let (kind, event) = crate::told::event(event);
                told = Some(Told { time: stamp.time, kind, event, outputs: said.collect() });
            }
        })?;
        told.ok_or(PastError::Beyond { record, last: 0 })
    }

    /// The proof that a record is in the journal, under the head of a later commit.
    pub(crate) fn proof(&self, record: u64, up_to: Option<Seq>) -> Result<InclusionProof, PastError> {
        Ok(prove(&self.disk()?, Seq::new(record), up_to)?)
    }

    /// Replays up to a record, and tells of each on the way that had to be applied: the state, and the commit that ends there.
    fn replay(
        &self,
        record: u64,
        mut tell: impl FnMut(Stamp, &Event, &[engine::Output]),
    ) -> Result<(Engine, Option<Head>), PastError> {
        let disk = self.disk()?;
        // What the record itself did is wanted as well, so the start lies before it.
        let start = self.states.before(record);
        let (mut at, mut engine) =
            start.map_or_else(|| (0, self.genesis.clone()), |(at, engine)| (at, (*engine).clone()));
        let mut reader = Reader::open(&disk, Seq::new(at))?;
        while at < record {
            let Some(found) = reader.next()? else { return Err(PastError::Beyond { record, last: at }) };
            let stamp = found.stamp;
            if stamp.seq.get() != at + 1 {
                return Err(PastError::NoStart { first: stamp.seq.get() });
            }
            let event = Event::decode(found.tag, found.payload)
                .map_err(|reason| PastError::Record { record: stamp.seq.get(), reason })?;
            let outputs = engine.apply(stamp, &event);
            tell(stamp, &event, &outputs);
            at = stamp.seq.get();
            self.states.keep(at, || Arc::new(engine.clone()));
        }
        if at == 0 {
            return Err(PastError::Beyond { record, last: at });
        }
        // Within a commit a state has no head of its own.
        let head = Some(reader.head()).filter(|head| head.seq.get() == record);
        Ok((engine, head))
    }
}

impl Default for States {
    fn default() -> Self {
        Self(Mutex::new(Kept { states: BTreeMap::new(), spacing: FIRST_SPACING }))
    }
}

impl States {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last state kept before a record.
    fn before(&self, record: u64) -> Option<(u64, Arc<Engine>)> {
        self.kept().states.range(..record).next_back().map(|(at, engine)| (*at, engine.clone()))
    }

    /// Keeps the state after a record, if the last one kept before it is far enough away.
    pub(crate) fn keep(&self, at: u64, engine: impl FnOnce() -> Arc<Engine>) {
        self.kept().keep(at, engine);
    }
}

impl Kept {
    fn keep(&mut self, at: u64, engine: impl FnOnce() -> Arc<Engine>) {
        let before = self.states.range(..=at).next_back().map_or(0, |(at, _)| *at);
        if at < before + self.spacing {
            return;
        }
        let engine = engine();
        let most = most_kept(things(&engine));
        self.states.insert(at, engine);
        while self.states.len() > most {
            self.spacing *= 2;
            let (spacing, mut last) = (self.spacing, 0);
            self.states.retain(|at, _| {
                let is_kept = *at >= last + spacing;
                last = if is_kept { *at } else { last };
                is_kept
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use instrument::Specs;

    #[test]
    fn of_a_large_book_fewer_states_are_kept() {
        let kept: Vec<usize> = [0, 500, 3_333, 4_000, 11_500, 20_000, 1_000_000].map(most_kept).into();
        assert_eq!(kept, [24, 24, 24, 20, 6, 4, 4]);
    }

    #[test]
    fn states_are_kept_evenly_however_many_records_pass() {
        let now = Timestamp::from_utc_date(2026, 11, 26, 9).unwrap();
        let engine = Arc::new(Engine::new(Arc::new(Specs::embedded()), now));
        let states = States::default();
        for at in 1..=200_000 {
            states.keep(at, || engine.clone());
            assert!(states.kept().states.len() <= MOST_KEPT);
        }
        let spacing = states.kept().spacing;
        let places: Vec<u64> = states.kept().states.keys().copied().collect();
        assert!(places.len() >= MOST_KEPT / 2, "{places:?}");
        assert!(places.windows(2).all(|pair| pair[1] - pair[0] >= spacing), "{places:?}");
        assert_eq!(states.before(places[3]).map(|(at, _)| at), Some(places[2]), "before, not at");
    }
}
