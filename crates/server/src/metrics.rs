//! Counts and gauges for Prometheus.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfView {
    view: &'static str,
}

type Float = Gauge<f64, AtomicU64>;

/// What is measured.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    answered: Family<Answered, Counter>,
    computing: Family<OfView, Histogram>,
    lag: Histogram,
    sent: Counter,
    gauges: Gauges,
}

/// Figures of the newest state.
#[derive(Debug, Default, Clone)]
struct Gauges {
    record: Gauge,
    frame_age: Float,
    sockets: Gauge,
    topics: Gauge,
    proposals: Gauge,
    orders: Gauge,
    stale: Gauge,
    unvalued: Gauge,
    limit_use: Float,
    maintenance_use: Float,
    state: Gauge,
    armed: Gauge,
}

/// A state in the figures that are watched.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reading {
    pub(crate) record: u64,
    pub(crate) frame_age: Duration,
    pub(crate) sockets: usize,
    pub(crate) topics: usize,
    pub(crate) proposals: usize,
    pub(crate) orders: usize,
    pub(crate) stale: usize,
    pub(crate) unvalued: usize,
    pub(crate) limit_use: f64,
    pub(crate) maintenance_use: f64,
    /// 0 normal, 1 warn, 2 reduce-only, 3 paused, 4 flatten.
    pub(crate) state: i64,
    pub(crate) is_armed: bool,
}

/// A computation that was begun.
pub(crate) struct Begun {
    view: &'static str,
    at: Instant,
}

fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.000_25, 2.0, 16))
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("plimsoll");
        let answered = Family::default();
        let computing = Family::new_with_constructor(seconds as fn() -> Histogram);
        let (lag, sent, gauges) = (seconds(), Counter::default(), Gauges::default());
        registry.register("http_requests", "Requests answered", answered.clone());
        registry.register_with_unit("view", "Time to compute a view", Unit::Seconds, computing.clone());
        let says = "From the making of a frame to the message in a socket's queue";
        registry.register_with_unit("tick_to_socket", says, Unit::Seconds, lag.clone());
        registry.register("socket_messages", "Messages sent to sockets", sent.clone());
        let of = gauges.clone();
        registry.register("record", "The last record of the journal", of.record);
        registry.register_with_unit("frame_age", "Age of the newest state", Unit::Seconds, of.frame_age);
        registry.register("sockets", "Open sockets", of.sockets);
        registry.register("topics", "Views being watched", of.topics);
        registry.register("proposals_open", "Proposals that wait", of.proposals);
        registry.register("orders_open", "Orders on their way", of.orders);
        registry.register("underlyings_stale", "Underlyings without a fresh quote", of.stale);
        registry.register("unvalued", "Things held without a value", of.unvalued);
        registry.register("limit_use", "The highest use of a limit, 1 is its hard level", of.limit_use);
        registry.register(
            "maintenance_use",
            "The highest maintenance use, 1 is liquidation",
            of.maintenance_use,
        );
        registry.register("state", "0 normal, 1 warn, 2 reduce-only, 3 paused, 4 flatten", of.state);
        registry.register("armed", "1 when rules may act by themselves", of.armed);
        Self { registry, answered, computing, lag, sent, gauges }
    }

    pub(crate) fn answered(&self, method: &str, status: u16) {
        self.answered.get_or_create(&Answered { method: method.to_owned(), status }).inc();
    }

    #[allow(clippy::disallowed_methods)] // the edge measures time
    pub(crate) fn begin(&self, view: &'static str) -> Begun {
        Begun { view, at: Instant::now() }
    }

    pub(crate) fn computed(&self, Begun { view, at }: Begun) {
        self.computing.get_or_create(&OfView { view }).observe(at.elapsed().as_secs_f64());
    }

    pub(crate) fn lag(&self, lag: Duration) {
        self.lag.observe(lag.as_secs_f64());
    }

    pub(crate) fn sent(&self) {
        self.sent.inc();
    }

    /// The text that Prometheus reads.
    pub(crate) fn text(&self, reading: &Reading) -> Result<String, std::fmt::Error> {
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let of = &self.gauges;
        of.record.set(i64::try_from(reading.record).unwrap_or(i64::MAX));
        of.frame_age.set(reading.frame_age.as_secs_f64());
        of.sockets.set(count(reading.sockets));
        of.topics.set(count(reading.topics));
        of.proposals.set(count(reading.proposals));
        of.orders.set(count(reading.orders));
        of.stale.set(count(reading.stale));
        of.unvalued.set(count(reading.unvalued));
        of.limit_use.set(reading.limit_use);
        of.maintenance_use.set(reading.maintenance_use);
        of.state.set(reading.state);
        of.armed.set(i64::from(reading.is_armed));
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
