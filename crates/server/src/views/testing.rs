//! Frames for tests: the desk of the demo after a while, and the sample's book on the sample's market.

use super::{Params, ViewError, of};
use crate::frame::Frame;
use book::{Book, BookBuilder, Place};
use engine::{Arming, Command, Engine, Event, ReportedEvent, ReportedPosition};
use instrument::Specs;
use journal::{Seq, Stamp};
use lake::{Select, read_book, read_snapshot};
use margin::Rulebooks;
use paper::{Seed, World, WorldConfig};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use units::Timestamp;

/// An engine without a journal.
pub(super) struct Desk {
    pub(super) engine: Engine,
    seq: Seq,
}

impl Desk {
    pub(super) fn new(now: Timestamp) -> Self {
        let mut desk = Self { engine: Engine::new(Arc::new(Specs::embedded()), now), seq: Seq::ZERO };
        desk.tell(now, &Event::Clock);
        desk
    }

    pub(super) fn tell(&mut self, time: Timestamp, event: &Event) -> Vec<engine::Output> {
        self.seq = self.seq.next();
        self.engine.apply(Stamp { seq: self.seq, time }, event)
    }

    pub(super) fn frame(self) -> Frame {
        Frame::new(self.engine, self.seq, None)
    }

    /// Sets a place to what is held there.
    pub(super) fn hold(&mut self, reported: ReportedEvent) {
        let (time, place) = (reported.time, reported.place.clone());
        self.tell(time, &Event::Reported(reported));
        let command = Command::Adopt { place };
        self.tell(time, &Event::Operator { who: "test".into(), command });
    }
}

/// The desk of `plimsoll demo` after 90 seconds.
pub(crate) static DEMO: LazyLock<Frame> = LazyLock::new(|| demo(90));

/// The sample of `plimsoll report`. The engine is told of no rulebooks.
pub(crate) static SAMPLE: LazyLock<Frame> = LazyLock::new(|| sample().frame());

fn demo(seconds: i64) -> Frame {
    let start = Timestamp::from_utc_date(2026, 11, 25, 12).unwrap();
    let mut world = World::new(&WorldConfig::embedded(), Seed::new(1), start).unwrap();
    let mut desk = Desk::new(start);
    let venues: BTreeSet<_> = world.truth().map(|truth| truth.venue.clone()).collect();
    for book in Rulebooks::embedded().unwrap().iter() {
        if book.header.venues.iter().any(|venue| venues.contains(venue)) {
            let id = &book.header.id;
            let text = Rulebooks::embedded_text(id).unwrap().to_owned();
            desk.tell(start, &Event::Rulebook { file: format!("{id}.toml"), text });
        }
    }
    let policy = include_str!("../../../../policies/demo.toml").to_owned();
    desk.tell(start, &Event::Policy { text: policy });
    for event in world.opening().to_vec() {
        desk.tell(start, &event);
    }
    let command = Command::Arming(Arming::Armed);
    desk.tell(start, &Event::Operator { who: "test".into(), command });
    for second in 1..=seconds {
        let now = start.plus_millis(second * 1_000);
        while let Some((time, event)) = world.next(now) {
            for output in desk.tell(time, &event) {
                world.take(time, &output);
            }
        }
        for output in desk.tell(now, &Event::Clock) {
            world.take(now, &output);
        }
    }
    desk.frame()
}

fn example(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name)
}

/// The sample, for those who tell it more.
pub(super) fn sample() -> Desk {
    let raw = read_snapshot(&example("market.json"), Select::Last, &mut |_| {}).unwrap();
    let specs = Specs::embedded();
    let mut builder = BookBuilder::new("book.csv", &specs);
    read_book(&example("book.csv"), &mut |row| builder.add(&row), &mut |_| {}).unwrap();
    let (book, issues) = builder.finish();
    assert!(issues.is_empty(), "{issues}");
    let mut desk = Desk::new(raw.asof);
    desk.tell(raw.asof, &Event::Quotes { feed: "sample".into(), rows: raw.rows });
    for reported in reports(&book, raw.asof).into_values() {
        desk.hold(reported);
    }
    desk
}

/// What a book holds, as each place's venue would report it.
fn reports(book: &Book, time: Timestamp) -> BTreeMap<Place, ReportedEvent> {
    let mut all: BTreeMap<Place, ReportedEvent> = BTreeMap::new();
    for held in &book.positions {
        let place =
            Place { account: held.account.clone(), venue: held.venue.clone(), chain: held.chain.clone() };
        report_of(&mut all, place, time).positions.push(ReportedPosition {
            symbol: held.listing.symbol.clone(),
            quantity: held.quantity,
            average_price: held.average_price,
        });
    }
    for held in &book.balances {
        let place =
            Place { account: held.account.clone(), venue: held.venue.clone(), chain: held.chain.clone() };
        let balance = (held.money.asset.clone(), held.money.amount);
        report_of(&mut all, place, time).balances.push(balance);
    }
    all
}

fn report_of(all: &mut BTreeMap<Place, ReportedEvent>, place: Place, time: Timestamp) -> &mut ReportedEvent {
    let empty = ReportedEvent { place: place.clone(), positions: Vec::new(), balances: Vec::new(), time };
    all.entry(place).or_insert(empty)
}

/// The data of a view.
pub(super) fn data(frame: &Frame, view: &str, params: &[(&str, &str)]) -> Result<Value, ViewError> {
    let params = Params(params.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect());
    let view = of(view).unwrap();
    params.check(view)?;
    (view.compute)(frame, &params)
}

/// A figure written as text.
pub(super) fn figure(of: &Value) -> f64 {
    of.as_str().unwrap_or_else(|| panic!("{of} is no figure")).parse().unwrap()
}

/// The same exactly, in quanta of a Fixed.
pub(super) fn exact(of: &Value) -> i128 {
    let text = of.as_str().unwrap_or_else(|| panic!("{of} is no figure"));
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let quanta: i128 = format!("{whole}{part:0<12}").parse().unwrap();
    sign * quanta
}

/// The keys of an object.
pub(super) fn keys(of: &Value) -> BTreeSet<&str> {
    of.as_object().unwrap_or_else(|| panic!("{of} is no object")).keys().map(String::as_str).collect()
}
