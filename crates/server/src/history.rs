//! The headline figures over time, thinned out as it grows: a day at the resolution of a screen, never more than some thousand points.
//!
//! A sample is taken when the time of valuation has moved on by the spacing. When there are too many, every second one is dropped and the
//! spacing doubled, so a run of any length costs the same. A sample names the record that it was taken after: the state is there to be
//! looked at again.

use crate::frame::Frame;
use crate::views::headline;
use engine::Distance;
use risk::{GroupKey, Measure};
use serde::Serialize;
use std::collections::BTreeMap;
use units::Timestamp;

const MOST: usize = 4_096;
const FIRST_SPACING_MILLIS: i64 = 1_000;

/// One moment.
#[derive(Debug, Clone)]
struct Sample {
    time: Timestamp,
    record: u64,
    /// By [`History::names`]; those that came to be known later are absent.
    values: Vec<Option<f64>>,
}

/// Samples in the order of time.
#[derive(Debug)]
pub(crate) struct History {
    /// Of the series, in the order in which they were first seen.
    names: Vec<String>,
    samples: Vec<Sample>,
    spacing_millis: i64,
}

/// What is sent of it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct HistoryData {
    /// Unit of each series.
    series: BTreeMap<String, Unit>,
    #[schema(value_type = Vec<String>)]
    times: Vec<Timestamp>,
    records: Vec<u64>,
    /// One figure for each time; null where there was none.
    values: BTreeMap<String, Vec<Option<f64>>>,
    every_seconds: f64,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Unit {
    unit: &'static str,
}

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Span {
    /// Names; all when empty.
    pub(crate) series: Vec<String>,
    pub(crate) from: Option<Timestamp>,
    pub(crate) to: Option<Timestamp>,
    pub(crate) points: usize,
}

impl Default for History {
    fn default() -> Self {
        Self { names: Vec::new(), samples: Vec::new(), spacing_millis: FIRST_SPACING_MILLIS }
    }
}

impl History {
    /// For a span of so many milliseconds: as close as it can be without being thinned out on the way.
    pub(crate) fn expect(&mut self, millis: i64) {
        while millis / self.spacing_millis > MOST as i64 / 2 {
            self.spacing_millis *= 2;
        }
    }

    /// True when a frame of this time would be a new sample. Before its first clock an engine has no time.
    pub(crate) fn is_due(&self, time: Timestamp) -> bool {
        time.unix_nanos() > 0
            && self.samples.last().is_none_or(|last| time >= last.time.plus_millis(self.spacing_millis))
    }

    /// Takes a sample, if it is due.
    pub(crate) fn take(&mut self, frame: &Frame) {
        let time = frame.asof();
        if !self.is_due(time) {
            return;
        }
        let mut values = values(frame);
        self.names
            .extend(values.keys().filter(|name| !self.names.contains(name)).cloned().collect::<Vec<_>>());
        let values = self.names.iter().map(|name| values.remove(name)).collect();
        self.samples.push(Sample { time, record: frame.record.get(), values });
        if self.samples.len() > MOST {
            let mut place = 0;
            self.samples.retain(|_| {
                place += 1;
                place % 2 == 1
            });
            self.spacing_millis *= 2;
        }
    }

    /// The series asked for, at about so many points.
    pub(crate) fn span(&self, span: &Span) -> HistoryData {
        let is_within = |sample: &&Sample| {
            span.from.is_none_or(|from| sample.time >= from) && span.to.is_none_or(|to| sample.time <= to)
        };
        let all: Vec<&Sample> = self.samples.iter().filter(is_within).collect();
        let step = all.len().div_ceil(span.points.max(2)).max(1);
        // The last moment is always among them.
        let chosen: Vec<&Sample> = all.iter().rev().step_by(step).rev().copied().collect();
        let value = |sample: &Sample, place: usize| sample.values.get(place).copied().flatten();
        let is_there = |place: usize| chosen.iter().any(|sample| value(sample, place).is_some());
        let wanted = self.names.iter().enumerate().filter(|(place, name)| {
            (span.series.is_empty() || span.series.contains(name)) && is_there(*place)
        });
        let wanted: BTreeMap<&String, usize> = wanted.map(|(place, name)| (name, place)).collect();
        let column = |place: usize| chosen.iter().map(|sample| value(sample, place)).collect();
        #[allow(clippy::cast_precision_loss)] // a spacing in milliseconds
        let every_seconds = self.spacing_millis as f64 / 1_000.0;
        HistoryData {
            series: wanted.keys().map(|name| ((*name).clone(), Unit { unit: unit(name) })).collect(),
            times: chosen.iter().map(|sample| sample.time).collect(),
            records: chosen.iter().map(|sample| sample.record).collect(),
            values: wanted.iter().map(|(name, place)| ((*name).clone(), column(*place))).collect(),
            every_seconds,
        }
    }
}

fn unit(name: &str) -> &'static str {
    match name.split(':').next().unwrap_or(name) {
        "maintenance_use" | "limit_use" => "share",
        "nearest_liquidation_percent" => "% of the index",
        "gamma_cash_1pct_usd" => "USD per 1 %",
        "vega_usd_per_point" => "USD per vol point",
        "theta_usd_per_day" => "USD per day",
        _ => "USD",
    }
}

fn values(frame: &Frame) -> BTreeMap<String, f64> {
    let total = headline(frame);
    let mut values = BTreeMap::new();
    let mut put = |name: &str, value: f64| {
        values.insert(name.to_owned(), value);
    };
    put("value_usd", total.measures.value_usd.to_f64());
    put("delta_cash_usd", total.measures.delta_cash_usd.to_f64());
    put("gamma_cash_1pct_usd", total.measures.gamma_cash_1pct_usd.to_f64());
    put("vega_usd_per_point", total.measures.vega_usd_per_point.to_f64());
    put("theta_usd_per_day", total.measures.theta_usd_per_day.to_f64());
    put("equity_usd", total.equity_usd.to_f64());
    if let Some(used) = total.maintenance_use {
        put("maintenance_use", used.to_f64());
    }
    let shares = frame.engine().limit_use();
    if let Some(share) = shares.iter().map(|used| used.share).max_by(f64::total_cmp) {
        put("limit_use", share);
    }
    let margins = frame.engine().margins().of().values().filter_map(|view| view.as_ref().ok());
    let distances = margins.flat_map(|view| view.liquidation.values().filter_map(Distance::nearest_percent));
    if let Some(nearest) = distances.min() {
        put("nearest_liquidation_percent", nearest.to_f64());
    }
    for (asset, underlying) in &frame.market().underlyings {
        put(&format!("spot_usd:{asset}"), underlying.spot.get());
    }
    for group in frame.by_underlying() {
        let name = group.key.first().map(GroupKey::text).unwrap_or_default();
        put(&format!("delta_cash_usd:{name}"), group.exposure.in_usd(Measure::Delta).to_f64());
    }
    values
}
