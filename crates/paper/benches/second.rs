//! What a second of the default world takes: `cargo bench -p paper`. The best of some runs of five minutes each.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)] // a bench measures time

use paper::{Seed, World, WorldConfig};
use std::time::Instant;
use units::Timestamp;

const SECONDS: u32 = 300;

fn main() {
    let config = WorldConfig::embedded();
    let start = Timestamp::from_utc_date(2026, 11, 25, 12).unwrap();
    let begun = Instant::now();
    let world = World::new(&config, Seed::new(1), start).unwrap();
    println!("a new world: {:.2} ms", begun.elapsed().as_secs_f64() * 1e3);
    let listed: usize = world.truth().map(|truth| world.traded(truth.venue).count()).sum();
    let mut best = f64::INFINITY;
    let mut events = 0;
    for seed in 0..10 {
        let mut world = World::new(&config, Seed::new(seed), start).unwrap();
        let begun = Instant::now();
        let until = start.plus_millis(i64::from(SECONDS) * 1000);
        events = std::iter::from_fn(|| world.next(until)).count();
        best = best.min(begun.elapsed().as_secs_f64());
    }
    let each = best * 1e6 / f64::from(SECONDS);
    println!("a second of {listed} instruments: {each:.1} us, {events} events in {SECONDS} s");
}
