//! The connection between a venue and us: how long messages take, which get lost, and what an outage does.
//!
//! Messages of a venue arrive in the order in which they were sent, but for those that a fault lets be overtaken. A report and a
//! reorganisation overtake nothing and are overtaken by nothing: what they speak of has arrived, or never will. Faults hit messages about
//! orders, fills and money; blocks, reorganisations, reports and the state of the link are the session's own, and always come.
//!
//! In an outage nothing passes. Quotes of that time are gone. Messages about us wait, and come when the link stands again, but for those
//! that stay hidden; then a report of every place follows.

use crate::config::{Faults, Latency};
use crate::draw::Draw;
use engine::{BlockNumber, Event, Link as State};
use std::collections::BTreeMap;
use units::{Chain, Timestamp, Venue};

/// Messages on their way to us, by time of arrival.
#[derive(Debug)]
pub(crate) struct Post {
    inbox: BTreeMap<(Timestamp, u64), (usize, Event)>,
    sent: u64,
    /// Whether anybody listens: false while the engine's process is dead.
    pub(crate) is_heard: bool,
}

impl Post {
    pub(crate) const fn new() -> Self {
        Self { inbox: BTreeMap::new(), sent: 0, is_heard: true }
    }

    fn put(&mut self, at: Timestamp, venue: usize, event: Event) {
        self.sent += 1;
        self.inbox.insert((at, self.sent), (venue, event));
    }

    /// When the next message arrives.
    pub(crate) fn next_time(&self) -> Option<Timestamp> {
        self.inbox.first_key_value().map(|((at, _), _)| *at)
    }

    /// The next message.
    pub(crate) fn pop(&mut self) -> Option<(Timestamp, Event)> {
        self.inbox.pop_first().map(|((at, _), (_, event))| (at, event))
    }

    /// Takes what a venue has on its way.
    fn of(&mut self, venue: usize) -> Vec<Event> {
        self.inbox.extract_if(.., |_, (of, _)| *of == venue).map(|(_, (_, event))| event).collect()
    }
}

/// What may happen to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Quotes.
    Public,
    /// About our orders, fills and money.
    Private,
    /// Blocks.
    Session,
    /// Reports, reorganisations, the link itself.
    Barrier,
}

impl Class {
    const fn of(event: &Event) -> Self {
        match event {
            Event::Quotes { .. } | Event::Snapshot { .. } => Self::Public,
            Event::Block { .. } => Self::Session,
            Event::Reported(_) | Event::Reorg { .. } | Event::Link { .. } => Self::Barrier,
            _ => Self::Private,
        }
    }
}

/// The connection to one venue.
#[derive(Debug)]
pub(crate) struct Link {
    venue: usize,
    name: Venue,
    latency: Latency,
    faults: Faults,
    draw: Draw,
    pub(crate) is_up: bool,
    /// Messages that keep their order arrive no earlier.
    floor: Timestamp,
    /// The latest arrival of any message.
    latest: Timestamp,
    /// What waits for the end of an outage.
    backlog: Vec<Event>,
    /// The lowest block whose replacement nobody has heard of.
    missed: Option<(Chain, BlockNumber)>,
}

impl Link {
    pub(crate) fn new(
        (venue, name): (usize, Venue),
        (latency, faults): (Latency, Faults),
        draw: Draw,
        start: Timestamp,
    ) -> Self {
        let (floor, latest, backlog, missed) = (start, start, Vec::new(), None);
        Self { venue, name, latency, faults, draw, is_up: true, floor, latest, backlog, missed }
    }

    /// When a request that is sent now arrives there.
    pub(crate) fn arrival(&mut self, now: Timestamp) -> Timestamp {
        self.after(now, self.latency.to_millis)
    }

    fn after(&mut self, now: Timestamp, millis: u32) -> Timestamp {
        let random = self.draw.below(u64::from(self.latency.random_millis) + 1);
        now.plus_millis(i64::from(millis) + i64::try_from(random).unwrap_or(0))
    }

    /// Sends a message to us.
    pub(crate) fn send(&mut self, now: Timestamp, event: Event, post: &mut Post) {
        if !post.is_heard {
            self.miss(&event);
            return;
        }
        let class = Class::of(&event);
        if !self.is_up {
            // Reports of the time of an outage are out of date when it ends.
            if class != Class::Public && !matches!(event, Event::Reported(_)) {
                self.backlog.push(event);
            }
            return;
        }
        let mut at = self.after(now, self.latency.from_millis).max(self.floor);
        let [is_lost, is_twice, is_overtaken] =
            [self.faults.lost, self.faults.duplicated, self.faults.reordered].map(|c| self.draw.chance(c));
        match class {
            Class::Private if is_lost => return,
            Class::Private if is_overtaken => at = self.later(at),
            Class::Barrier => {
                at = at.max(self.latest);
                self.floor = at;
            }
            _ => self.floor = at,
        }
        self.latest = self.latest.max(at);
        if class == Class::Private && is_twice {
            let second = self.later(at);
            self.latest = self.latest.max(second);
            post.put(second, self.venue, event.clone());
        }
        post.put(at, self.venue, event);
    }

    /// Some time later, enough for others to overtake.
    fn later(&mut self, at: Timestamp) -> Timestamp {
        let most = 4 * u64::from(self.latency.from_millis + self.latency.random_millis) + 1000;
        at.plus_millis(1 + i64::try_from(self.draw.below(most)).unwrap_or(0))
    }

    /// The connection is lost. What is on its way waits; quotes and reports are gone.
    pub(crate) fn lose(&mut self, now: Timestamp, post: &mut Post) {
        self.is_up = false;
        for event in post.of(self.venue) {
            if !matches!(event, Event::Quotes { .. } | Event::Reported(_) | Event::Link { .. }) {
                self.backlog.push(event);
            }
        }
        if post.is_heard {
            post.put(now, self.venue, Event::Link { venue: self.name.clone(), link: State::Down });
        }
    }

    /// The connection stands again: that is said, then what was missed, then what has waited. Reports are the world's to ask for.
    pub(crate) fn restore(&mut self, now: Timestamp, post: &mut Post) {
        self.is_up = true;
        (self.floor, self.latest) = (now, now);
        self.send(now, Event::Link { venue: self.name.clone(), link: State::Up }, post);
        if let Some((chain, from)) = self.missed.take_if(|_| post.is_heard) {
            self.send(now, Event::Reorg { chain, from }, post);
        }
        for event in std::mem::take(&mut self.backlog) {
            let is_hidden = self.draw.chance(self.faults.hidden);
            if !(Class::of(&event) == Class::Private && is_hidden) {
                self.send(now, event, post);
            }
        }
    }

    /// Nobody listens any more: what is on its way and what waits is lost.
    pub(crate) fn forget(&mut self, post: &mut Post) {
        for event in post.of(self.venue).iter().chain(&std::mem::take(&mut self.backlog)) {
            self.miss(event);
        }
    }

    /// A replacement that nobody hears of is told when somebody listens again.
    fn miss(&mut self, event: &Event) {
        let Event::Reorg { chain, from } = event else { return };
        let lowest = self.missed.as_ref().map_or(*from, |(_, missed)| *missed.min(from));
        self.missed = Some((chain.clone(), lowest));
    }
}
