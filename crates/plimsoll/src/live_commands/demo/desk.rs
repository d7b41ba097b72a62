//! Engine and world in front of each other: events go into the journal, and what the engine says goes out once they are durable.

use super::super::serving::Serving;
use super::super::{ID, genesis, journal_failure};
use crate::alerting::Alerting;
use crate::failure::Failure;
use book::Place;
use engine::{Arming, Command, Engine, Event, Output};
use journal::{Batching, Config, RealDisk, Rederive, Released, Retention, Runner};
use paper::World;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use units::Timestamp;

/// The engine's clock strikes so often.
const CLOCK_MILLIS: i64 = 1_000;
/// A difference that two reports in a row show is no message on its way: the person at the desk takes it over.
const REPORTS_TO_ADOPT: u32 = 2;
const WHO: &str = "demo";
const LINES: usize = 200;

/// What a demo came to.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Tally {
    pub(super) events: u64,
    pub(super) commits: u64,
    pub(super) refused: u64,
    pub(super) quotes_refused: u64,
    pub(super) proposals: u64,
    pub(super) orders: u64,
    pub(super) fills: u64,
    pub(super) cancels: u64,
    pub(super) held_back: u64,
    pub(super) levels: u64,
    pub(super) states: u64,
    pub(super) links_lost: u64,
    pub(super) undone: u64,
    pub(super) differences: u64,
    pub(super) adopted: u64,
}

/// The engine, its venues, and a person who takes over what venues go on reporting.
pub(super) struct Desk {
    runner: Runner<Engine, RealDisk>,
    world: World,
    tally: Tally,
    next_clock: Timestamp,
    /// Reports in a row that differed, by place.
    differing: BTreeMap<Place, u32>,
    pub(super) lines: VecDeque<(Timestamp, String)>,
    /// How many lines there have been.
    pub(super) said: u64,
    serving: Option<Serving>,
    alerting: Option<Alerting>,
}

impl Desk {
    /// An empty journal, told of rules, policy and what the venues hold at the start, and armed.
    pub(super) fn open(folder: &Path, world: World, policy: &str, start: Timestamp) -> Result<Self, Failure> {
        let disk = RealDisk::create(folder)
            .map_err(|error| Failure::Input(format!("{}: {error}", folder.display())))?;
        let config = Config {
            segment_bytes: 32 << 20,
            batching: Batching { max_records: 1 << 16, max_bytes: 24 << 20 },
            retention: Retention::Everything,
            snapshot_every: 20_000,
        };
        let (runner, _) =
            Runner::open(disk, ID, config, &genesis(), start, Rederive::Nothing).map_err(journal_failure)?;
        let mut desk = Self {
            runner,
            world,
            tally: Tally::default(),
            next_clock: start,
            differing: BTreeMap::new(),
            lines: VecDeque::new(),
            said: 0,
            serving: None,
            alerting: None,
        };
        desk.begin(policy, start)?;
        Ok(desk)
    }

    fn begin(&mut self, policy: &str, start: Timestamp) -> Result<(), Failure> {
        self.submit(start, &Event::Started)?;
        self.submit(start, &Event::Clock)?;
        for event in rulebooks(&self.world)? {
            self.submit(start, &event)?;
        }
        self.submit(start, &Event::Policy { text: policy.to_owned() })?;
        for event in self.world.opening().to_vec() {
            self.submit(start, &event)?;
        }
        let command = Command::Arming(Arming::Armed);
        self.submit(start, &Event::Operator { who: WHO.into(), command })?;
        self.commit(start)
    }

    /// Takes everything that arrives until a time, and makes it durable.
    pub(super) fn advance(&mut self, until: Timestamp) -> Result<(), Failure> {
        loop {
            let clock = self.next_clock;
            if let Some((time, event)) = self.world.next(until.min(clock)) {
                self.note_reported(&event);
                self.submit(time, &event)?;
            } else if clock <= until {
                self.next_clock = clock.plus_millis(CLOCK_MILLIS);
                self.submit(clock, &Event::Clock)?;
            } else {
                break;
            }
        }
        self.commit(until)?;
        self.adopt(until)?;
        self.obey(until)?;
        if let Some(serving) = &mut self.serving {
            serving.publisher.publish(self.runner.machine(), self.runner.journal().head());
        }
        Ok(())
    }

    /// Shows the run on a page from now on.
    pub(super) fn serve(&mut self, serving: Serving) {
        self.serving = Some(serving);
    }

    /// What is said from now on leaves by these channels.
    pub(super) fn alert(&mut self, alerting: Alerting) {
        self.alerting = Some(alerting);
    }

    /// The channels, for their end.
    pub(super) fn silence(&mut self) -> Option<Alerting> {
        self.alerting.take()
    }

    /// The address of the page, if there is one.
    pub(super) fn url(&self) -> Option<String> {
        self.serving.as_ref().map(Serving::url)
    }

    /// Carries out what people at the page ask for.
    fn obey(&mut self, now: Timestamp) -> Result<(), Failure> {
        let Some(mut serving) = self.serving.take() else { return Ok(()) };
        while let Some(asked) = serving.publisher.asked() {
            if let Err(refusal) = asked.check(self.engine()) {
                asked.answer(Err(refusal));
                continue;
            }
            self.submit(now, &asked.event())?;
            let outputs = self.commit_to(now, Some(&serving))?;
            asked.answer_of(self.runner.journal().head().seq, &outputs);
        }
        self.serving = Some(serving);
        Ok(())
    }

    /// Ends with a whole journal.
    pub(super) fn close(&mut self) -> Result<(), Failure> {
        self.runner.commit().map_err(journal_failure)?;
        self.runner.write_snapshot().map_err(journal_failure)?;
        if let Some(serving) = &mut self.serving {
            serving.ended(&self.runner);
        }
        Ok(())
    }

    pub(super) const fn engine(&self) -> &Engine {
        self.runner.machine()
    }

    pub(super) const fn tally(&self) -> &Tally {
        &self.tally
    }

    pub(super) fn head(&self) -> String {
        self.runner.journal().head().to_string()
    }

    pub(super) fn last(&self) -> journal::Seq {
        self.runner.journal().head().seq
    }

    /// The regime of the generated market, for the reader.
    pub(super) fn regime(&self) -> &str {
        self.world.market().regime().unwrap_or("calm")
    }

    fn submit(&mut self, time: Timestamp, event: &Event) -> Result<(), Failure> {
        if matches!(event, Event::Fill(fill) if fill.order.is_some()) {
            self.tally.fills += 1;
        }
        self.tally.events += 1;
        let seq = self.runner.submit(time, event).map_err(journal_failure)?;
        if let Some(alerting) = &mut self.alerting {
            alerting.stamp(seq, time);
        }
        Ok(())
    }

    /// What is durable is acted on.
    fn commit(&mut self, now: Timestamp) -> Result<(), Failure> {
        let serving = self.serving.take();
        self.commit_to(now, serving.as_ref())?;
        self.serving = serving;
        Ok(())
    }

    fn commit_to(
        &mut self,
        now: Timestamp,
        serving: Option<&Serving>,
    ) -> Result<Vec<Released<Output>>, Failure> {
        let durable = self.runner.commit().map_err(journal_failure)?;
        self.tally.commits += 1;
        if let Some(alerting) = &mut self.alerting {
            alerting.release(&durable.outputs, self.runner.journal().head().seq);
        }
        for released in &durable.outputs {
            self.world.take(now, &released.output);
            self.note(now, &released.output);
            if let Some(serving) = serving {
                serving.publisher.say(now, released);
            }
        }
        if self.runner.is_snapshot_due() {
            self.runner.write_snapshot().map_err(journal_failure)?;
        }
        Ok(durable.outputs)
    }

    fn note(&mut self, now: Timestamp, output: &Output) {
        let tally = &mut self.tally;
        let is_news = match output {
            // Trades are news, what they book beside them is not.
            Output::Posted(entry) => entry.kind == book::EntryKind::Trade,
            Output::QuoteRefused(_) => {
                tally.quotes_refused += 1;
                false
            }
            Output::Value { .. } => false,
            other => {
                match other {
                    Output::Refused { .. } => tally.refused += 1,
                    Output::Proposed(_) => tally.proposals += 1,
                    Output::Order(_) => tally.orders += 1,
                    Output::Cancel { .. } => tally.cancels += 1,
                    Output::HeldBack { why: Some(_), .. } => tally.held_back += 1,
                    Output::Level(_) => tally.levels += 1,
                    Output::StateChanged { .. } => tally.states += 1,
                    Output::LinkChanged { link: engine::Link::Down, .. } => tally.links_lost += 1,
                    Output::Undone { .. } => tally.undone += 1,
                    Output::Difference { .. } => tally.differences += 1,
                    _ => {}
                }
                true
            }
        };
        if is_news {
            self.said += 1;
            self.lines.push_back((now, output.to_string()));
            self.lines.drain(..self.lines.len().saturating_sub(LINES));
        }
    }

    /// Counts reports that differ, place by place.
    fn note_reported(&mut self, event: &Event) {
        let Event::Reported(reported) = event else { return };
        *self.differing.entry(reported.place.clone()).or_default() += 1;
    }

    /// The person at the desk: what two reports in a row say is taken over.
    fn adopt(&mut self, now: Timestamp) -> Result<(), Failure> {
        let open: BTreeSet<Place> = self.engine().unreconciled().cloned().collect();
        self.differing.retain(|place, _| open.contains(place));
        let due: Vec<Place> = self
            .differing
            .iter()
            .filter(|(_, reports)| **reports >= REPORTS_TO_ADOPT)
            .map(|(place, _)| place.clone())
            .collect();
        for place in due {
            self.differing.remove(&place);
            self.tally.adopted += 1;
            let command = Command::Adopt { place };
            self.submit(now, &Event::Operator { who: WHO.into(), command })?;
            self.commit(now)?;
        }
        Ok(())
    }
}

/// The rulebooks of the world's venues, as the program has them.
fn rulebooks(world: &World) -> Result<Vec<Event>, Failure> {
    let venues: BTreeSet<_> = world.truth().map(|truth| truth.venue.clone()).collect();
    super::super::rulebooks(|book| book.header.venues.iter().any(|venue| venues.contains(venue)))
}
