//! The engine in front of the default world through the calm and the crash: outputs and state, pinned.
//!
//! Run with other `-C target-cpu` settings and any number of threads the same literals must hold; `.ci/run` does so. When a published
//! figure moves on purpose, they move with it, and CHANGELOG says so.
#![allow(clippy::unwrap_used)] // helpers of tests fail as tests do

use engine::{Arming, Command, Engine, Event};
use instrument::Specs;
use journal::{Digest, Machine, Seq, Stamp};
use margin::Rulebooks;
use paper::{Seed, World, WorldConfig};
use std::sync::Arc;
use units::Timestamp;

const POLICY: &str = include_str!("../../../policies/demo.toml");
const SECONDS: i64 = 440;

fn told(world: &World) -> Vec<Event> {
    let books = Rulebooks::embedded().unwrap();
    let venues: Vec<_> = world.truth().map(|truth| truth.venue.clone()).collect();
    let ours = books.iter().filter(|book| book.header.venues.iter().any(|venue| venues.contains(venue)));
    let text = |id: &str| Rulebooks::embedded_text(id).unwrap().to_owned();
    let mut events: Vec<Event> = ours
        .map(|book| Event::Rulebook { file: book.header.id.clone(), text: text(&book.header.id) })
        .collect();
    events.push(Event::Policy { text: POLICY.into() });
    events.extend(world.opening().iter().cloned());
    events.push(Event::Operator { who: "test".into(), command: Command::Arming(Arming::Armed) });
    events
}

#[test]
fn outputs_and_state_are_the_same_bits_everywhere() {
    let start = Timestamp::from_utc_date(2026, 11, 25, 12).unwrap();
    let mut world = World::new(&WorldConfig::embedded(), Seed::new(5), start).unwrap();
    let mut engine = Engine::new(Arc::new(Specs::embedded()), start);
    let (mut seq, mut said, mut orders) = (0, String::new(), 0);
    let mut step = |engine: &mut Engine, world: &mut World, time, event: &Event| {
        seq += 1;
        for output in engine.step(Stamp { seq: Seq::new(seq), time }, event) {
            world.take(time, &output);
            said.push_str(&format!("{seq} {output}\n"));
            orders += u64::from(matches!(output, engine::Output::Order(_)));
        }
    };
    for event in told(&world) {
        step(&mut engine, &mut world, start, &event);
    }
    for second in 1..=SECONDS {
        let until = start.plus_millis(second * 1_000);
        while let Some((time, event)) = world.next(until) {
            step(&mut engine, &mut world, time, &event);
        }
        step(&mut engine, &mut world, until, &Event::Clock);
    }
    assert!(orders > 3, "{orders} orders");
    let outputs = Digest::of_state(said.as_bytes()).to_string();
    assert_eq!(
        (&outputs[..16], &engine.state_hash().to_string()[..16]),
        ("554e79baf6eb42d1", "af10540fb406ce3c")
    );
}
