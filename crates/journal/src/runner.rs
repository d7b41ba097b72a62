//! The one runner: makes any [`Machine`] durable, recoverable and replayable.
//!
//! An event is encoded, decoded again and then applied, live as in a replay, so that an encoding that loses something
//! cannot make the two differ. The machine may be ahead of the disk; its outputs wait until the event is durable. A crash
//! between the two loses the outputs but not the event: opening the journal derives them again. An output is known by its
//! [`OutputId`] (seq of the event, place among its outputs), the same in every replay. A consumer keeps two things: the head
//! of the last commit that it has finished with, after which it asks for outputs ([`Rederive::After`]), and the last id that it
//! acted on, and drops what is not greater.

use crate::Digest;
use crate::config::Config;
use crate::disk::Disk;
use crate::error::JournalError;
use crate::format::snapshot_name;
use crate::journal::{Committed, End, Journal, Locked, NewRecord, Opened};
use crate::machine::{Event, Machine, apply};
use crate::record::{Head, JournalId, Record, Seq, Stamp};
use crate::snapshot;
use crate::walk::{Walk, segments};
use units::Timestamp;

/// Which output: the same in every replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutputId {
    /// The event that it came of.
    pub seq: Seq,
    /// Its place among the outputs of that event, from 0.
    pub index: u32,
}

/// An output whose event is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Released<O> {
    /// Which one.
    pub id: OutputId,
    /// The output.
    pub output: O,
}

/// A commit and the outputs of its events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Durable<O> {
    /// What was made durable.
    pub committed: Committed,
    /// Its outputs, in order.
    pub outputs: Vec<Released<O>>,
}

/// Which outputs of past events are derived again when the journal is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rederive {
    /// None: no consumer remembers, or all of them ask the machine's state.
    Nothing,
    /// Those of all events after this one: the consumer has acted on everything up to there. It keeps the head of the last
    /// commit whose outputs it has finished with; [`Seq::ZERO`] derives all.
    After(Seq),
}

impl Rederive {
    fn wants(self, seq: Seq) -> bool {
        matches!(self, Self::After(done) if seq > done)
    }

    /// True when a snapshot at `seq` leaves nothing out that is to be derived.
    fn admits(self, seq: Seq) -> bool {
        !matches!(self, Self::After(done) if seq > done)
    }
}

/// How the machine was recovered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered<O> {
    /// What was found in the files.
    pub opened: Opened,
    /// The snapshot that was used; none when every record was replayed.
    pub snapshot: Option<Seq>,
    /// Snapshots that were refused: file and reason.
    pub refused: Vec<(String, String)>,
    /// Records replayed.
    pub replayed: u64,
    /// Outputs derived again.
    pub outputs: Vec<Released<O>>,
}

/// A machine and its journal.
#[derive(Debug)]
pub struct Runner<M: Machine, D: Disk> {
    machine: M,
    journal: Journal<D>,
    waiting: Vec<Released<M::Output>>,
    payload: Vec<u8>,
    since_snapshot: u64,
    last_time: Timestamp,
}

/// A machine that was brought to the end of its journal.
struct Replay<M: Machine> {
    machine: M,
    snapshot: Option<Seq>,
    replayed: u64,
    outputs: Vec<Released<M::Output>>,
    last_time: Option<Timestamp>,
}

impl<M: Machine, D: Disk> Runner<M, D> {
    /// Opens or begins the journal and brings the machine to its end: from the newest snapshot that fits, else from an older
    /// one, else from `genesis`, the machine before its first event. `created` goes into the header of a journal that begins here.
    ///
    /// # Errors
    /// As [`Journal::open`]; when a record is none that the machine knows; when neither snapshot nor first record are there.
    pub fn open(
        disk: D,
        id: JournalId,
        config: Config,
        genesis: &M,
        created: Timestamp,
        rederive: Rederive,
    ) -> Result<(Self, Recovered<M::Output>), JournalError>
    where
        M: Clone,
    {
        let locked = Locked::take(disk, &config)?;
        locked.begin(id, &config, created)?;
        let mut refused = Vec::new();
        let (replay, end) = recover(locked.disk(), id, genesis, rederive, &mut refused)?;
        let (journal, opened) = locked.resume(config, end)?;
        let runner = Self {
            machine: replay.machine,
            journal,
            waiting: Vec::new(),
            payload: Vec::new(),
            since_snapshot: replay.replayed,
            last_time: replay.last_time.unwrap_or(created),
        };
        let recovered = Recovered {
            opened,
            snapshot: replay.snapshot,
            refused,
            replayed: replay.replayed,
            outputs: replay.outputs,
        };
        Ok((runner, recovered))
    }

    /// Takes an event: into the pending batch and into the machine. Its outputs wait for [`Runner::commit`].
    ///
    /// # Errors
    /// [`JournalError::Refused`] when the event does not come back from its own encoding; [`JournalError::BatchFull`] and the
    /// others of [`Journal::append`]. The machine has then not seen it.
    pub fn submit(&mut self, time: Timestamp, event: &M::Event) -> Result<Seq, JournalError> {
        self.payload.clear();
        let tag = event.encode(&mut self.payload);
        let back = M::Event::decode(tag, &self.payload).map_err(|reason| JournalError::Refused { reason })?;
        let seq = self.journal.append(&NewRecord { time, tag, payload: &self.payload })?;
        let outputs = self.machine.step(Stamp { seq, time }, &back);
        self.waiting.extend(number(seq, outputs));
        self.last_time = time;
        Ok(seq)
    }

    /// Makes the pending events durable and hands out their outputs, in order.
    ///
    /// # Errors
    /// As [`Journal::commit`]. The machine is then ahead of the journal and no output is released: open the journal again.
    pub fn commit(&mut self) -> Result<Durable<M::Output>, JournalError> {
        let committed = self.journal.commit()?;
        self.since_snapshot += u64::from(committed.records);
        Ok(Durable { committed, outputs: std::mem::take(&mut self.waiting) })
    }

    /// Writes a snapshot of the machine and returns its file.
    ///
    /// # Errors
    /// As [`Journal::write_snapshot`].
    pub fn write_snapshot(&mut self) -> Result<String, JournalError> {
        let file = self.journal.write_snapshot(
            &self.machine.snapshot(),
            self.machine.state_hash(),
            self.last_time,
        )?;
        self.since_snapshot = 0;
        Ok(file)
    }

    /// True when `snapshot_every` records are durable since the last snapshot.
    #[must_use]
    pub fn is_snapshot_due(&self) -> bool {
        self.since_snapshot >= self.journal.config().snapshot_every
    }

    /// True when the batch should be committed.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.journal.is_due()
    }

    /// The machine, which may be ahead of what is durable.
    #[must_use]
    pub const fn machine(&self) -> &M {
        &self.machine
    }

    /// The journal.
    #[must_use]
    pub const fn journal(&self) -> &Journal<D> {
        &self.journal
    }

    /// Writes the zeros of the next segment now: [`Journal::prepare_segment`].
    ///
    /// # Errors
    /// As there.
    pub fn prepare_segment(&mut self) -> Result<(), JournalError> {
        self.journal.prepare_segment()
    }
}

fn number<O>(seq: Seq, outputs: Vec<O>) -> impl Iterator<Item = Released<O>> {
    (0..).zip(outputs).map(move |(index, output)| Released { id: OutputId { seq, index }, output })
}

/// Tries the snapshots, newest first, then the first record.
fn recover<M: Machine + Clone, D: Disk>(
    disk: &D,
    id: JournalId,
    genesis: &M,
    rederive: Rederive,
    refused: &mut Vec<(String, String)>,
) -> Result<(Replay<M>, End), JournalError> {
    let first = segments(disk)?.first().copied().unwrap_or(Seq::new(1));
    for seq in snapshot::snapshots(disk)? {
        if !rederive.admits(seq) {
            continue;
        }
        let mut refuse = |reason| refused.push((disk.describe(&snapshot_name(seq)), reason));
        if seq.next() < first {
            refuse(format!("the journal begins at seq {first}, after the snapshot's end"));
            continue;
        }
        let (head, machine) = match restored(disk, id, genesis, seq) {
            Ok(found) => found,
            Err(reason) => {
                refuse(reason);
                continue;
            }
        };
        match replay(disk, id, machine, Some(head), rederive)? {
            Ok(found) => return Ok(found),
            Err(reason) => refuse(reason),
        }
    }
    if first > Seq::new(1) {
        let why = refused.iter().map(|(file, reason)| format!("; {file}: {reason}")).collect();
        return Err(JournalError::NoStart { first, why });
    }
    match replay(disk, id, genesis.clone(), None, rederive)? {
        Ok(found) => Ok(found),
        Err(reason) => Err(JournalError::NoStart { first, why: format!("; {reason}") }),
    }
}

/// The machine of a snapshot, or why it is refused.
fn restored<M: Machine, D: Disk>(
    disk: &D,
    id: JournalId,
    genesis: &M,
    seq: Seq,
) -> Result<(Head, M), String> {
    let (header, body) = snapshot::read(disk, Some(id), seq)?;
    let machine = genesis.restore(&body)?;
    let hash = machine.state_hash();
    if hash != header.state_hash {
        return Err(format!("the restored state has hash {hash}, the snapshot says {}", header.state_hash));
    }
    Ok((header.head, machine))
}

type Found<M> = Result<(Replay<M>, End), String>;

/// Applies every record after `from`. The inner error says that the snapshot is not of this chain.
fn replay<M: Machine, D: Disk>(
    disk: &D,
    id: JournalId,
    machine: M,
    from: Option<Head>,
    rederive: Rederive,
) -> Result<Found<M>, JournalError> {
    let from_seq = from.map_or(Seq::ZERO, |head| head.seq);
    let mut walk = Walk::begin(disk, Some(id), from_seq)?;
    let mut replay = Replay {
        machine,
        snapshot: from.map(|head| head.seq),
        replayed: 0,
        outputs: Vec::new(),
        last_time: None,
    };
    let mut is_of_chain = from.is_none_or(|head| head == walk.head());
    while walk.next_batch()? {
        let head = walk.head();
        if head.seq <= from_seq {
            is_of_chain |= Some(head) == from;
            continue;
        }
        if !is_of_chain {
            break;
        }
        for index in 0..walk.batch().frames.len() {
            let Some(record) = walk.record(index) else { continue };
            step(&mut replay, &record, rederive)?;
        }
    }
    if !is_of_chain && walk.head().seq >= from_seq {
        return Ok(Err(format!("no commit at seq {from_seq} has the snapshot's chain")));
    }
    let end = End::of(&walk, disk)?;
    Ok(Ok((replay, end)))
}

fn step<M: Machine>(
    replay: &mut Replay<M>,
    record: &Record<'_>,
    rederive: Rederive,
) -> Result<(), JournalError> {
    let outputs = apply(&mut replay.machine, record)
        .map_err(|reason| JournalError::Event { seq: record.stamp.seq, reason })?;
    if rederive.wants(record.stamp.seq) {
        replay.outputs.extend(number(record.stamp.seq, outputs));
    }
    replay.replayed += 1;
    replay.last_time = Some(record.stamp.time);
    Ok(())
}

/// What a replay of everything came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// The last commit.
    pub head: Head,
    /// Records applied.
    pub records: u64,
    /// Hash of the state at the end.
    pub state_hash: Digest,
    /// Snapshots passed: seq, and whether the replayed state there has the snapshot's hash.
    pub snapshots: Vec<(Seq, bool)>,
}

/// Replays a journal from its first record, without writing: the state and every output, and whether the snapshots are what
/// they say. `sink` gets each event's stamp and outputs, in order; it also tells how far the replay is.
///
/// # Errors
/// When the journal is damaged or does not begin at seq 1; when a record is none that the machine knows.
pub fn replay_all<M: Machine, D: Disk>(
    disk: &D,
    mut machine: M,
    mut sink: impl FnMut(Stamp, Vec<M::Output>),
) -> Result<Replayed, JournalError> {
    let mut walk = Walk::begin(disk, None, Seq::ZERO)?;
    if walk.head().seq > Seq::ZERO {
        return Err(JournalError::NoStart { first: walk.head().seq.next(), why: String::new() });
    }
    let states = snapshot::snapshots(disk)?;
    let mut records = 0;
    let mut snapshots = Vec::new();
    loop {
        let seq = walk.head().seq;
        if states.contains(&seq) {
            let says =
                snapshot::read(disk, walk.id(), seq).map(|(header, _)| (header.head, header.state_hash));
            snapshots.push((seq, says == Ok((walk.head(), machine.state_hash()))));
        }
        if !walk.next_batch()? {
            break;
        }
        for index in 0..walk.batch().frames.len() {
            let Some(record) = walk.record(index) else { continue };
            let outputs = apply(&mut machine, &record);
            sink(
                record.stamp,
                outputs.map_err(|reason| JournalError::Event { seq: record.stamp.seq, reason })?,
            );
            records += 1;
        }
    }
    Ok(Replayed { head: walk.head(), records, state_hash: machine.state_hash(), snapshots })
}
