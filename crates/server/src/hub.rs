//! Between the one thread that owns the engine and everybody who looks at it.
//!
//! ```text
//! engine's thread                                       server's threads
//!   Publisher::publish ──► newest Frame (watch)     ──► views, sockets, metrics
//!   Publisher::say     ──► Timeline                 ──► alerts
//!   Publisher::asked   ◄── Asked, with its answer   ◄── approve, decline, state, arming, kill
//! ```
//!
//! The engine is never shared: a frame is a copy of it, made at most [`FRAMES_A_SECOND`] times a second. A command waits in a short queue;
//! a full one refuses, so that nobody's click is carried out a minute later.

use crate::frame::{Frame, Turn};
use crate::history::History;
use crate::past::States;
use crate::said::{Said, Timeline, Wanted};
use engine::{Closed, Command, Engine, Event, Output, ProposalId};
use journal::{Head, Released, Seq};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot, watch};
use units::{Quantity, Timestamp};

/// How often a frame is made at most.
pub const FRAMES_A_SECOND: u32 = 20;
/// Frames that are further apart than this are no beat.
const PAUSE: Duration = Duration::from_millis(75);
const WAITING: usize = 16;
/// Entries of the timeline that a frame carries.
const RECENT: usize = 200;

/// A command that somebody may give, and its answer.
#[derive(Debug)]
pub struct Asked {
    /// Who, for the journal.
    pub who: String,
    /// What.
    pub command: Command,
    /// For a proposal: what the person saw.
    pub(crate) seen: Option<Seen>,
    reply: oneshot::Sender<Result<Done, Refusal>>,
}

/// The proposal that a person looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) id: ProposalId,
    /// Hash of its figures.
    pub(crate) inputs: String,
    /// Size that was typed; only an approval asks for it.
    pub(crate) quantity: Option<String>,
}

/// A command that was carried out: durable, with what it led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// The record that it is.
    pub record: Seq,
    /// What the engine said.
    pub outputs: Vec<String>,
    /// What is open because of it, where a person asked for a trade.
    pub proposed: Option<ProposalId>,
}

/// Why a command was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// There is no such proposal; it may have been one.
    #[error("proposal {id} is not open: it was answered, withdrawn or has expired")]
    NotOpen {
        /// Which.
        id: ProposalId,
    },
    /// The figures have changed since.
    #[error("proposal {id} is not the one that was shown: its figures have another hash; look again")]
    Differs {
        /// Which.
        id: ProposalId,
    },
    /// The size that was typed is another one.
    #[error("proposal {id} is of {quantity}, not of what was typed")]
    Size {
        /// Which.
        id: ProposalId,
        /// Its size.
        quantity: String,
    },
    /// The engine refused.
    #[error("the engine refused: {rule}")]
    Engine {
        /// Which rule.
        rule: String,
    },
    /// There is no engine to command.
    #[error("nothing here can act: {why}")]
    NotLive {
        /// Why.
        why: String,
    },
    /// The queue is full.
    #[error("too many commands wait: try again in a moment")]
    Busy,
}

impl Asked {
    /// Whether it still stands, by the engine as it is now; ask before it goes into the journal.
    ///
    /// # Errors
    /// When the proposal is not the one that was seen.
    pub fn check(&self, engine: &Engine) -> Result<(), Refusal> {
        let Some(Seen { id, inputs, quantity }) = &self.seen else { return Ok(()) };
        let order = engine.proposals().get(id).map(|order| (order.inputs, order.quantity.get()));
        let transfers = engine.transfer_proposals();
        let open =
            order.or_else(|| transfers.get(id).map(|transfer| (transfer.inputs, transfer.money.amount)));
        let (shown, size) = open.ok_or(Refusal::NotOpen { id: *id })?;
        if shown.to_string() != *inputs {
            return Err(Refusal::Differs { id: *id });
        }
        let same = |typed: &String| typed.parse::<Quantity>() == Ok(Quantity::new(size));
        if quantity.as_ref().is_some_and(|typed| !same(typed)) {
            return Err(Refusal::Size { id: *id, quantity: size.to_string() });
        }
        Ok(())
    }

    /// The event for the journal.
    #[must_use]
    pub fn event(&self) -> Event {
        Event::Operator { who: self.who.clone(), command: self.command.clone() }
    }

    /// Tells who asked what the engine said of it, once that is durable.
    pub fn answer_of(self, record: Seq, outputs: &[Released<Output>]) {
        let of = self.seen.as_ref().map(|seen| seen.id);
        let refused = outputs.iter().find_map(|released| match &released.output {
            Output::Refused { rule } => Some(rule.clone()),
            // Looked at again when it was approved, and no longer right.
            Output::ProposalClosed { id, why: Closed::Withdrawn { why } } if Some(*id) == of => {
                Some(format!("{id} is withdrawn: {why}"))
            }
            _ => None,
        });
        let said = || outputs.iter().map(|released| released.output.to_string()).collect();
        let proposed = outputs.iter().find_map(|released| match &released.output {
            Output::Proposed(proposal) if matches!(self.command, Command::Propose(_)) => Some(proposal.id),
            _ => None,
        });
        self.answer(match refused {
            Some(rule) => Err(Refusal::Engine { rule }),
            None => Ok(Done { record, outputs: said(), proposed }),
        });
    }

    /// Tells who asked what came of it.
    pub fn answer(self, answer: Result<Done, Refusal>) {
        // Who asked may have gone: what was done is in the journal all the same.
        drop(self.reply.send(answer));
    }
}

/// What everybody looks at.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) newest: watch::Receiver<Option<Arc<Frame>>>,
    timeline: Mutex<Timeline>,
    history: Mutex<History>,
    /// Where replays begin.
    pub(crate) states: Arc<States>,
    inbox: mpsc::Sender<Asked>,
    /// When the newest frame was made, by the clock of the wall.
    made: Mutex<Instant>,
}

impl Hub {
    pub(crate) fn timeline(&self) -> MutexGuard<'_, Timeline> {
        self.timeline.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was said last, newest first.
    fn recent(&self) -> Vec<Said> {
        self.timeline().newest(&Wanted { most: RECENT, ..Wanted::default() }).0
    }

    pub(crate) fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn frame(&self) -> Option<Arc<Frame>> {
        self.newest.borrow().clone()
    }

    /// When the newest frame was made.
    pub(crate) fn made(&self) -> Instant {
        *self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Age of the newest frame, by the clock of the wall.
    pub(crate) fn age(&self) -> Duration {
        self.made().elapsed()
    }

    /// Puts a command to the engine and waits for what comes of it.
    pub(crate) async fn command(
        &self,
        who: String,
        command: Command,
        seen: Option<Seen>,
    ) -> Result<Done, Refusal> {
        let (reply, answer) = oneshot::channel();
        let gone = |_| Refusal::NotLive { why: "no run is behind this server any more".into() };
        self.inbox.try_send(Asked { who, command, seen, reply }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Refusal::Busy,
            mpsc::error::TrySendError::Closed(_) => {
                Refusal::NotLive { why: "this server shows a journal and runs no engine".into() }
            }
        })?;
        answer.await.map_err(gone)?
    }
}

/// The engine's end.
#[derive(Debug)]
pub struct Publisher {
    newest: watch::Sender<Option<Arc<Frame>>>,
    inbox: mpsc::Receiver<Asked>,
    pub(crate) hub: Arc<Hub>,
    last: Option<Instant>,
    turn: Turn,
    record: Seq,
}

impl Publisher {
    /// With nothing to show yet.
    #[must_use]
    #[allow(clippy::disallowed_methods)] // the edge measures time
    pub fn new() -> Self {
        let (newest, seen) = watch::channel(None);
        let (outbox, inbox) = mpsc::channel(WAITING);
        let hub = Hub {
            newest: seen,
            timeline: Mutex::default(),
            history: Mutex::default(),
            states: Arc::default(),
            inbox: outbox,
            made: Mutex::new(Instant::now()),
        };
        Self { newest, inbox, hub: Arc::new(hub), last: None, turn: Turn::default(), record: Seq::ZERO }
    }

    /// Takes what a commit said into the timeline.
    pub fn say(&self, time: Timestamp, released: &Released<Output>) {
        self.hub.timeline().hear((released.id.seq, released.id.index), time, &released.output);
    }

    /// Shows the state after a commit, unless the last frame is too fresh or shows it already.
    #[allow(clippy::disallowed_methods)] // the edge measures time
    pub fn publish(&mut self, engine: &Engine, head: Head) {
        let spacing = Duration::from_secs(1) / FRAMES_A_SECOND;
        if head.seq != self.record && self.last.is_none_or(|last| last.elapsed() >= spacing) {
            self.publish_now(engine, head, Instant::now());
        }
    }

    /// Shows the state after a commit.
    #[allow(clippy::disallowed_methods)] // the edge measures time
    pub fn publish_last(&mut self, engine: &Engine, head: Head) {
        self.publish_now(engine, head, Instant::now());
    }

    fn publish_now(&mut self, engine: &Engine, head: Head, now: Instant) {
        let is_beat = self.last.is_some_and(|last| now.duration_since(last) < PAUSE);
        self.turn = match self.turn {
            _ if !is_beat => Turn::Everybody,
            Turn::Everybody | Turn::Quick => Turn::Thorough,
            Turn::Thorough => Turn::Quick,
        };
        let frame = Frame::new(engine.clone(), head.seq, Some(head)).after(self.hub.frame().as_deref());
        let frame = Arc::new(frame.live((now, self.turn)).saying(self.hub.recent()));
        (self.last, self.record) = (Some(now), head.seq);
        *self.hub.made.lock().unwrap_or_else(PoisonError::into_inner) = now;
        drop(self.newest.send_replace(Some(frame)));
    }

    /// Prepares the history for a span of time that will pass at once.
    pub fn expect(&mut self, from: Timestamp, to: Timestamp) {
        self.hub.history().expect((to.unix_nanos() - from.unix_nanos()) / 1_000_000);
    }

    /// A state that is passed on the way to a later one: into the history when its time has come, and among those where replays begin.
    pub fn pass(&mut self, engine: &Engine, record: Seq) {
        self.hub.states.keep(record.get(), || Arc::new(engine.clone()));
        if self.hub.history().is_due(engine.now()) {
            let frame = Frame::new(engine.clone(), record, None);
            self.hub.history().take(&frame);
        }
    }

    /// Shows a state that nobody writes any further.
    pub fn show(&mut self, frame: Frame) {
        self.hub.history().take(&frame);
        self.record = frame.record;
        let frame = frame.saying(self.hub.recent());
        drop(self.newest.send_replace(Some(Arc::new(frame))));
    }

    /// The next command that somebody gives, if one waits.
    pub fn asked(&mut self) -> Option<Asked> {
        self.inbox.try_recv().ok()
    }

    /// From now on nobody can act: commands are refused.
    pub fn refuse_commands(&mut self) {
        self.inbox.close();
    }
}

impl Default for Publisher {
    fn default() -> Self {
        Self::new()
    }
}
