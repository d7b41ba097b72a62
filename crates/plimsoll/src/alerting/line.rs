//! One channel at work: a thread of its own, so that a receiver holds up nobody but those who wait for the same one.
//!
//! In order, one at a time: a message that may still arrive is tried again before the next one goes. The engine's thread puts alerts into the queue
//! and never waits for a receiver: the lock is held for a push or a take and never while something is sent.

use super::alert::{Alert, Message};
use super::clock;
use super::message::{Parcel, Source};
use super::progress::{Done, Progress};
use super::queue::{Next, Phase, Queue};
use super::routes::Channel;
use super::schedule::pause;
use super::send::{Outcome, Sender};
use super::summary::ChannelSummary;
use journal::Seq;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// While nothing is said, how far the journal has got is noted so often: a restart has less to derive again.
const NOTE: Duration = Duration::from_secs(5);
/// The longest pause once the run is over.
const LAST_PAUSE: Duration = Duration::from_millis(500);

/// What the engine's thread and the channel's share.
#[derive(Debug)]
struct Inner {
    queue: Queue,
    /// The last commit whose alerts are in the queue.
    through: Seq,
    /// When the run ends: the last moment at which something is tried.
    deadline: Option<Instant>,
    /// Alerts in the message that is on its way.
    on_its_way: u64,
    is_gone: bool,
    delivered: u64,
    failed: u64,
    last_failure: Option<String>,
}

#[derive(Debug)]
struct Shared {
    inner: Mutex<Inner>,
    wake: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, inner: MutexGuard<'a, Inner>, most: Duration) -> MutexGuard<'a, Inner> {
        self.wake.wait_timeout(inner, most).unwrap_or_else(PoisonError::into_inner).0
    }
}

/// The engine's end of a channel.
#[derive(Debug)]
pub(super) struct Line {
    channel: Channel,
    shared: Arc<Shared>,
    /// What was done before this run.
    done: Done,
}

impl Line {
    /// Starts the thread.
    pub(super) fn start(channel: Channel, sender: Sender, progress: Progress) -> std::io::Result<Self> {
        let inner = Inner {
            queue: Queue::new(channel.most_per_minute),
            through: progress.done.whole(),
            deadline: None,
            on_its_way: 0,
            is_gone: false,
            delivered: 0,
            failed: 0,
            last_failure: None,
        };
        let shared = Arc::new(Shared { inner: Mutex::new(inner), wake: Condvar::new() });
        let done = progress.done;
        let worker = Worker {
            channel: channel.clone(),
            sender,
            progress,
            shared: shared.clone(),
            begun: clock::now(),
            noted: clock::now(),
        };
        std::thread::Builder::new().name(format!("alerts {}", channel.name)).spawn(move || worker.run())?;
        Ok(Self { channel, shared, done })
    }

    /// Takes those alerts of a commit that are for this channel and not done.
    pub(super) fn take(&self, alerts: &[Alert], through: Seq) {
        let mut inner = self.shared.lock();
        for alert in alerts.iter().filter(|alert| alert.is_for(&self.channel) && !self.done.has(alert.id)) {
            inner.queue.push(alert.clone());
        }
        inner.through = through;
        if inner.queue.alerts() > 0 {
            self.shared.wake.notify_all();
        }
    }

    /// Nothing more is said: what waits may be tried until then.
    pub(super) fn close(&self, deadline: Instant) {
        self.shared.lock().deadline = Some(deadline);
        self.shared.wake.notify_all();
    }

    /// Waits for the thread, at most until a time, and says what came of it.
    pub(super) fn end(&self, latest: Instant) -> ChannelSummary {
        let mut inner = self.shared.lock();
        while !inner.is_gone {
            let rest = latest.saturating_duration_since(clock::now());
            if rest.is_zero() {
                break;
            }
            inner = self.shared.wait(inner, rest);
        }
        ChannelSummary {
            channel: self.channel.name.clone(),
            to: self.channel.to(),
            delivered: inner.delivered,
            failed: inner.failed,
            left: inner.queue.alerts() + inner.on_its_way,
            last_failure: inner.last_failure.clone(),
        }
    }
}

/// What the thread does next.
enum Step {
    Deliver(Message),
    /// Nothing waits: so far everything is done.
    Note(Done),
    End,
}

/// The thread's end of a channel.
struct Worker {
    channel: Channel,
    sender: Sender,
    progress: Progress,
    shared: Arc<Shared>,
    begun: Instant,
    noted: Instant,
}

impl Worker {
    fn run(mut self) {
        loop {
            match self.next() {
                Step::Deliver(message) => {
                    if !self.deliver(&message) {
                        break;
                    }
                }
                Step::Note(done) => self.advance(done),
                Step::End => break,
            }
        }
        self.shared.lock().is_gone = true;
        self.shared.wake.notify_all();
    }

    fn next(&self) -> Step {
        let mut inner = self.shared.lock();
        loop {
            let now = clock::now();
            let phase = match inner.deadline {
                Some(deadline) if now >= deadline => return Step::End,
                Some(_) => Phase::Closing,
                None => Phase::Running,
            };
            let millis = u64::try_from(now.duration_since(self.begun).as_millis()).unwrap_or(u64::MAX);
            let most = match inner.queue.next(millis, phase) {
                Next::Send(message) => {
                    inner.on_its_way = message.alerts();
                    return Step::Deliver(message);
                }
                Next::Wait(until) => Duration::from_millis(until.saturating_sub(millis)),
                Next::Nothing => {
                    let done = Done::through(inner.through);
                    let is_due = phase == Phase::Closing || self.noted.elapsed() >= NOTE;
                    if done > self.progress.done && is_due {
                        return Step::Note(done);
                    }
                    if phase == Phase::Closing {
                        return Step::End;
                    }
                    NOTE
                }
            };
            inner = self.shared.wait(inner, most);
        }
    }

    /// Tries until the message has arrived or never will; false when the run ends before.
    fn deliver(&mut self, message: &Message) -> bool {
        let from = Source { sender: &self.progress.sender, channel: &self.channel.name };
        let parcel = Parcel::of(message, from, self.channel.format());
        let mut tries = 0;
        loop {
            tries += 1;
            let outcome = self.sender.send(&parcel, self.limit(), &|| self.is_over());
            let failure = match outcome {
                Outcome::Arrived => {
                    tracing::info!(channel = self.channel.name, id = parcel.id, tries, "alert delivered");
                    None
                }
                Outcome::Again { why, most_tries, asked_seconds }
                    if most_tries.is_none_or(|most| tries < most) =>
                {
                    let pause = pause(tries, asked_seconds);
                    let (channel, to, id) = (&self.channel.name, self.channel.to(), &parcel.id);
                    let pause_seconds = pause.as_secs();
                    tracing::warn!(channel, to, id, tries, why, pause_seconds, "alert not delivered yet");
                    self.shared.lock().last_failure = Some(why);
                    if self.rest(pause) {
                        continue;
                    }
                    return false;
                }
                Outcome::Again { why, .. } | Outcome::Final { why } => Some(why),
            };
            self.settle(message, failure, tries);
            return true;
        }
    }

    /// Delivered or failed: it is done either way, and a failure is said loudly.
    fn settle(&mut self, message: &Message, failure: Option<String>, tries: u32) {
        if let Some(why) = &failure {
            let (channel, to, id, alerts) =
                (&self.channel.name, self.channel.to(), message.id(), message.alerts());
            tracing::error!(channel, to, id, alerts, tries, why, "alert FAILED: it is not sent again");
        }
        // First the state, then the count: what is counted as done is done after a restart, too.
        self.advance(Done::up_to(message.last()));
        let mut inner = self.shared.lock();
        inner.on_its_way = 0;
        match failure {
            None => inner.delivered += message.alerts(),
            Some(why) => {
                inner.failed += message.alerts();
                inner.last_failure = Some(why);
            }
        }
    }

    /// How long a try may take.
    fn limit(&self) -> Duration {
        let Some(deadline) = self.shared.lock().deadline else { return self.channel.timeout };
        let rest = deadline.saturating_duration_since(clock::now());
        self.channel.timeout.min(rest.max(Duration::from_millis(50)))
    }

    fn is_over(&self) -> bool {
        self.shared.lock().deadline.is_some_and(|deadline| clock::now() >= deadline)
    }

    /// Waits; less when the run ends meanwhile. False when there is no time for another try.
    fn rest(&self, pause: Duration) -> bool {
        let (begun, mut inner) = (clock::now(), self.shared.lock());
        let was_closing = inner.deadline.is_some();
        loop {
            let now = clock::now();
            let pause = match inner.deadline {
                Some(deadline) if now >= deadline => return false,
                // The end has just come: at once.
                Some(_) if !was_closing => return true,
                Some(deadline) => pause.min(LAST_PAUSE).min(deadline - now),
                None => pause,
            };
            let rest = pause.saturating_sub(now.duration_since(begun));
            if rest.is_zero() {
                return true;
            }
            inner = self.shared.wait(inner, rest);
        }
    }

    fn advance(&mut self, done: Done) {
        self.noted = clock::now();
        if let Err(error) = self.progress.advance(done) {
            let channel = &self.channel.name;
            tracing::error!(channel, %error, "how far alerts have got cannot be written: after a restart some go once more");
        }
    }
}
