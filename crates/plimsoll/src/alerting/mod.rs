//! Alerts leave the process: by webhook and by command, so that somebody is woken.
//!
//! ```text
//! engine's thread ── commit ──► Alerting ──► queue of a channel ──► its thread ──► POST or program
//!                    durable     filter       bounded, folded        retries, progress
//! ```
//!
//! **After the commit**: [`Alerting::release`] takes outputs of durable events only. **At least once**: a channel keeps how far it has got in a file
//! beside the journal ([`progress`]); what was said after that is derived again at the next start ([`Prepared::rederive`]) and delivered, with the same id, so
//! that a receiver can drop repeats. A channel that is new to a journal begins with the present. **In order**, one message at a time; what may still
//! arrive is tried again with growing pauses and holds up what comes after it in this channel, and nothing else. **Nothing is dropped in silence**:
//! what is too much is folded into one message ([`queue`]), what fails for good is said on standard error and in the summary of the run.
//! **Hidden**: addresses and secrets are in no message, log or journal ([`routes`]).
//!
//! **Left out:** proxies, client certificates, dates in `Retry-After`, mail.

mod alert;
mod clock;
mod line;
mod message;
mod progress;
mod queue;
mod routes;
mod schedule;
mod send;
mod summary;
mod trial;

pub(crate) use routes::{Channel, Routes};
pub(crate) use summary::{ChannelSummary, Summary};
pub(crate) use trial::try_out;

use crate::failure::Failure;
use alert::{Alert, Origin};
use engine::Output;
use journal::{OutputId, Reader, RealDisk, Rederive, Released, Seq};
use line::Line;
use progress::{Done, Progress};
use send::Sender;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;
use units::Timestamp;

/// At the end of a run what waits is tried for so long.
pub(crate) const GRACE: Duration = Duration::from_secs(5);
/// The same after Ctrl-C.
pub(crate) const SHORT_GRACE: Duration = Duration::from_secs(2);
/// A thread is waited for so much longer.
const SLACK: Duration = Duration::from_millis(300);

/// Routes, and how far each channel has got: what is known before the journal is opened.
#[derive(Debug)]
pub(crate) struct Prepared {
    routes: Routes,
    folder: PathBuf,
    progress: BTreeMap<String, Progress>,
}

impl Prepared {
    /// Reads both; says what routes wait for and the policy does not have.
    pub(crate) fn read(path: &Path, folder: &Path, policy: Option<&engine::Policy>) -> Result<Self, Failure> {
        let routes = Routes::read(path).map_err(|issues| Failure::Routes { issues })?;
        for (channel, rule) in policy.map(|policy| routes.unknown_rules(policy)).unwrap_or_default() {
            eprintln!(
                "plimsoll: {}: channel {channel} waits for the rule '{rule}', which the policy does not have",
                path.display()
            );
        }
        let mut progress = BTreeMap::new();
        for channel in &routes.channels {
            let known =
                Progress::read(folder, &channel.name).map_err(|error| Failure::Input(error.to_string()))?;
            progress.extend(known.map(|known| (channel.name.clone(), known)));
        }
        Ok(Self { routes, folder: folder.to_path_buf(), progress })
    }

    /// For a journal that is empty: how far a channel has got is another journal's, and so is the name that it sends by.
    pub(crate) fn anew(mut self) -> Self {
        for (channel, progress) in std::mem::take(&mut self.progress) {
            let at = progress.said();
            eprintln!(
                "plimsoll: channel {channel} has got to {at} of another journal: of this one it begins with the present"
            );
        }
        self
    }

    /// What the journal is to derive again for the channel that is farthest behind.
    pub(crate) fn rederive(&self) -> Rederive {
        let behind = self.progress.values().map(|progress| progress.done.whole()).min();
        behind.map_or(Rederive::Nothing, Rederive::After)
    }

    /// Starts the channels of a journal that ends at `head`, with what it has derived again.
    pub(crate) fn start(mut self, head: Seq, recovered: &[Released<Output>]) -> Result<Alerting, Failure> {
        let mut lines = Vec::new();
        for channel in self.routes.channels {
            let known = self.progress.remove(&channel.name).filter(|progress| progress.done.record() <= head || {
                eprintln!(
                    "plimsoll: channel {} has got to {}, and the journal ends at record {head}: it is another journal's, the channel begins with the present",
                    channel.name,
                    progress.said()
                );
                false
            });
            let progress =
                known.map_or_else(|| Progress::begin(&self.folder, &channel.name, Done::through(head)), Ok);
            let failed = |why: String| Failure::Input(format!("channel {}: {why}", channel.name));
            let progress = progress.map_err(failed)?;
            let sender = Sender::of(&channel, &self.routes.hidden_variables).map_err(failed)?;
            let line =
                Line::start(channel.clone(), sender, progress).map_err(|error| failed(error.to_string()))?;
            lines.push(line);
        }
        let alerting = Alerting { lines, times: BTreeMap::new() };
        if !recovered.is_empty() {
            let times = times(&self.folder, recovered)?;
            alerting.hear(recovered, (&times, Origin::Again), head);
        }
        Ok(alerting)
    }
}

/// When the events happened whose outputs were derived again.
fn times(folder: &Path, outputs: &[Released<Output>]) -> Result<BTreeMap<Seq, Timestamp>, Failure> {
    let wanted: BTreeSet<Seq> = outputs.iter().map(|released| released.id.seq).collect();
    let mut times = BTreeMap::new();
    let Some(first) = wanted.first() else { return Ok(times) };
    let failed = |why: String| Failure::Input(format!("{}: {why}", folder.display()));
    let disk = RealDisk::open(folder).map_err(|error| failed(error.to_string()))?;
    let after = Seq::new(first.get().saturating_sub(1));
    let mut reader = Reader::open(&disk, after).map_err(|error| failed(error.to_string()))?;
    while let Some(record) = reader.next().map_err(|error| failed(error.to_string()))? {
        if wanted.contains(&record.stamp.seq) {
            times.insert(record.stamp.seq, record.stamp.time);
        }
    }
    Ok(times)
}

/// The channels of a run.
#[derive(Debug)]
pub(crate) struct Alerting {
    lines: Vec<Line>,
    /// Of events whose outputs wait for their commit.
    times: BTreeMap<Seq, Timestamp>,
}

impl Alerting {
    /// An event was submitted.
    pub(crate) fn stamp(&mut self, seq: Seq, time: Timestamp) {
        self.times.insert(seq, time);
    }

    /// A commit that ends at `head` is durable, and these are its outputs.
    pub(crate) fn release(&mut self, outputs: &[Released<Output>], head: Seq) {
        let times = std::mem::take(&mut self.times);
        self.hear(outputs, (&times, Origin::Live), head);
    }

    fn hear(
        &self,
        outputs: &[Released<Output>],
        (times, origin): (&BTreeMap<Seq, Timestamp>, Origin),
        head: Seq,
    ) {
        let time_of = |id: OutputId| times.get(&id.seq).copied().unwrap_or(Timestamp::from_unix_nanos(0));
        let alerts = Alert::of(outputs, time_of, origin);
        self.lines.iter().for_each(|line| line.take(&alerts, head));
    }

    /// The run is over: what waits is tried for a while, the rest is left for the next start.
    pub(crate) fn finish(self, grace: Duration) -> Summary {
        let deadline = clock::now() + grace;
        self.lines.iter().for_each(|line| line.close(deadline));
        Summary(self.lines.iter().map(|line| line.end(deadline + SLACK)).collect())
    }
}
