//! The fold over observations.

use super::quantile::Histogram;
use super::stream::{Judgement, OpenRun, Stream, Valued, Window, change, figures, is_price};
use super::{
    FROZEN_OBSERVATIONS, FeedReport, Frozen, GAP_CADENCES, Gap, Gaps, Latency, MOST_STREAMS, Moves,
    Observation, Outlier, Outliers, Place, Run, Seen,
};
use std::collections::BTreeMap;
use units::Timestamp;

/// Follows one group of streams.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedMonitor {
    moves: Moves,
    streams: BTreeMap<String, Stream>,
    /// Counts and examples; what needs an end is computed by [`Self::report`].
    so_far: FeedReport,
    intervals_millis: Histogram,
    latencies_micros: Histogram,
    /// Observations whose figures differ from the one before of their stream.
    changes: u64,
}

impl FeedMonitor {
    /// Has seen nothing.
    #[must_use]
    pub fn new(moves: Moves) -> Self {
        Self {
            moves,
            streams: BTreeMap::new(),
            so_far: empty(),
            intervals_millis: Histogram::default(),
            latencies_micros: Histogram::default(),
            changes: 0,
        }
    }

    /// Takes one more observation, in the order of arrival.
    pub fn observe(&mut self, observation: &Observation<'_>) {
        let time = observation.source_time;
        self.so_far.rows += 1;
        self.so_far.first = Some(self.so_far.first.map_or(time, |first| first.min(time)));
        self.so_far.last = self.so_far.last.max(Some(time));
        self.alone(observation);
        let Some(mut stream) = self.streams.remove(observation.stream) else {
            self.begin(observation);
            return;
        };
        if time < stream.time {
            see(&mut self.so_far.out_of_order, observation);
        } else if time == stream.time {
            let repeated = figures(observation) == stream.figures;
            let seen = if repeated { &mut self.so_far.duplicates } else { &mut self.so_far.conflicts };
            see(seen, observation);
        } else {
            self.follow(&mut stream, observation);
        }
        self.streams.insert(observation.stream.to_owned(), stream);
    }

    /// What has been seen so far.
    #[must_use]
    pub fn report(&self) -> FeedReport {
        let mut report = self.so_far.clone();
        report.streams = self.streams.len() as u64;
        for (name, stream) in &self.streams {
            self.close(name, &stream.run, &mut report.frozen);
        }
        report.cadence_millis = self.intervals_millis.percentile(50);
        report.gaps.limit_millis = report.cadence_millis.map(|cadence| cadence.saturating_mul(GAP_CADENCES));
        report.gaps.count = report.gaps.limit_millis.map_or(0, |limit| self.intervals_millis.above(limit));
        if let Some(latency) = &mut report.latency {
            latency.median_micros = self.latencies_micros.percentile(50);
            latency.p99_micros = self.latencies_micros.percentile(99);
        }
        report
    }

    /// What can be said without the stream's past.
    fn alone(&mut self, observation: &Observation<'_>) {
        let Observation { value, bid, ask, .. } = *observation;
        match (bid, ask) {
            (Some(bid), Some(ask)) if bid > ask => see(&mut self.so_far.crossed, observation),
            (Some(_), None) | (None, Some(_)) => see(&mut self.so_far.one_sided, observation),
            _ => {}
        }
        match value {
            None => see(&mut self.so_far.missing, observation),
            Some(value) if !is_price(self.moves, value) => see(&mut self.so_far.not_a_price, observation),
            Some(_) => {}
        }
        if let Some(received) = observation.receive_time {
            self.latency(received, observation.source_time);
        }
    }

    fn latency(&mut self, received: Timestamp, source: Timestamp) {
        let nanos = i128::from(received.unix_nanos()) - i128::from(source.unix_nanos());
        let micros = i64::try_from(nanos.div_euclid(1000)).unwrap_or(i64::MAX);
        let latency = self.so_far.latency.get_or_insert_default();
        latency.count += 1;
        latency.max_micros = latency.max_micros.max(Some(micros));
        latency.min_micros = Some(latency.min_micros.map_or(micros, |least| least.min(micros)));
        latency.negative += u64::from(micros < 0);
        self.latencies_micros.add(micros);
    }

    fn begin(&mut self, observation: &Observation<'_>) {
        if self.streams.len() >= MOST_STREAMS {
            self.so_far.not_followed += 1;
            return;
        }
        let stream = Stream {
            time: observation.source_time,
            figures: figures(observation),
            value: self.valued(observation),
            moves: Window::default(),
            run: self.open(observation),
            outlier: None,
        };
        self.streams.insert(observation.stream.to_owned(), stream);
    }

    /// An observation later than the one before of its stream.
    fn follow(&mut self, stream: &mut Stream, observation: &Observation<'_>) {
        let millis = millis_between(stream.time, observation.source_time);
        self.intervals_millis.add(millis);
        let longest = &mut self.so_far.gaps.longest;
        if longest.as_ref().is_none_or(|longest| longest.millis < millis) {
            *longest = Some(Gap { place: place(observation), millis });
        }
        stream.time = observation.source_time;
        let now = figures(observation);
        if now == stream.figures {
            stream.run.observations += 1;
            (stream.run.until, stream.run.last_row) = (observation.source_time, observation.row);
        } else {
            self.changes += 1;
            let mut frozen = std::mem::take(&mut self.so_far.frozen);
            self.close(observation.stream, &stream.run, &mut frozen);
            self.so_far.frozen = frozen;
            stream.figures = now;
            stream.run = self.open(observation);
        }
        self.moved(stream, observation);
    }

    fn moved(&mut self, stream: &mut Stream, observation: &Observation<'_>) {
        let Some(to) = self.valued(observation) else { return };
        let Some(from) = stream.value.replace(to) else { return };
        let change = change(self.moves, from.value, to.value);
        let outliers = &mut self.so_far.outliers;
        if let Some(before) = stream.outlier.take()
            && change * before < 0.0
            && change.abs() * 2.0 >= before.abs()
        {
            outliers.spikes += 1;
            let is_same = |worst: &&mut Outlier| {
                worst.place.stream == observation.stream && worst.place.time == from.time
            };
            if let Some(worst) = outliers.worst.as_mut().filter(is_same) {
                worst.is_spike = true;
            }
        }
        #[allow(clippy::cast_precision_loss)] // nanoseconds of years, for a scale
        let seconds = (to.time.unix_nanos().saturating_sub(from.time.unix_nanos())) as f64 / 1e9;
        match stream.moves.judge(change.abs() / seconds.sqrt()) {
            Judgement::NotJudged => outliers.not_judged += 1,
            Judgement::Usual => {}
            Judgement::Outlier { deviations } => {
                outliers.count += 1;
                stream.outlier = Some(change);
                if outliers.worst.as_ref().is_none_or(|worst| worst.deviations < deviations) {
                    let (place, from, to) = (place(observation), from.value, to.value);
                    outliers.worst = Some(Outlier { place, from, to, deviations, is_spike: false });
                }
            }
        }
    }

    fn valued(&self, observation: &Observation<'_>) -> Option<Valued> {
        let value = observation.value.filter(|value| is_price(self.moves, *value))?;
        Some(Valued { value, time: observation.source_time })
    }

    fn open(&self, observation: &Observation<'_>) -> OpenRun {
        OpenRun {
            since: observation.source_time,
            until: observation.source_time,
            last_row: observation.row,
            observations: 1,
            group_observations: self.so_far.rows,
            group_changes: self.changes,
        }
    }

    /// Counts the run that a stream is in.
    fn close(&self, name: &str, run: &OpenRun, frozen: &mut Frozen) {
        let OpenRun { since, until, last_row, observations, group_observations, group_changes } = *run;
        if observations < 2 {
            return;
        }
        let longer = |than: &Option<Run>| than.as_ref().is_none_or(|than| than.observations < observations);
        let run = || {
            let place = Place { stream: name.to_owned(), row: last_row, time: until };
            Some(Run { place, observations, millis: millis_between(since, until) })
        };
        if longer(&frozen.longest_unchanged) {
            frozen.longest_unchanged = run();
        }
        let own = observations - 1;
        let others = (self.so_far.rows - group_observations).saturating_sub(own);
        let changes = self.changes - group_changes;
        // The others must have spoken as often as this stream, or they say nothing about it.
        if observations >= FROZEN_OBSERVATIONS && others >= own && changes * 2 >= others {
            frozen.runs += 1;
            frozen.observations += observations;
            if longer(&frozen.longest) {
                frozen.longest = run();
            }
        }
    }
}

fn empty() -> FeedReport {
    FeedReport {
        rows: 0,
        streams: 0,
        not_followed: 0,
        first: None,
        last: None,
        cadence_millis: None,
        gaps: Gaps::default(),
        duplicates: Seen::default(),
        conflicts: Seen::default(),
        out_of_order: Seen::default(),
        crossed: Seen::default(),
        one_sided: Seen::default(),
        missing: Seen::default(),
        not_a_price: Seen::default(),
        frozen: Frozen::default(),
        outliers: Outliers::default(),
        latency: None::<Latency>,
    }
}

fn see(seen: &mut Seen, observation: &Observation<'_>) {
    seen.count += 1;
    if seen.first.is_none() {
        seen.first = Some(place(observation));
    }
}

fn place(observation: &Observation<'_>) -> Place {
    let Observation { stream, row, source_time, .. } = *observation;
    Place { stream: stream.to_owned(), row, time: source_time }
}

fn millis_between(earlier: Timestamp, later: Timestamp) -> i64 {
    let nanos = i128::from(later.unix_nanos()) - i128::from(earlier.unix_nanos());
    i64::try_from(nanos.div_euclid(1_000_000)).unwrap_or(i64::MAX)
}
