//! The same seed gives the same bytes.

use crate::trader::{Trader, after, start, world};
use engine::Event;
use journal::Event as _;
use paper::{World, WorldConfig};
use units::Timestamp;

fn bytes(events: &[(Timestamp, Event)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (at, event) in events {
        bytes.extend_from_slice(&at.unix_nanos().to_le_bytes());
        event.encode(&mut bytes);
    }
    bytes
}

/// Two minutes under orders with every fault at work.
fn played(seed: u64, trader: u64) -> (World, Vec<u8>) {
    let mut config = WorldConfig::embedded();
    for venue in &mut config.venue {
        venue.faults.outages_per_day = 500.0;
    }
    let mut world = world(&config, seed);
    let events = Trader::new(trader).plays(&mut world, after(120), 4);
    let bytes = bytes(&events);
    (world, bytes)
}

#[test]
fn one_seed_gives_one_world_to_the_last_bit() {
    let (first, bytes_of_first) = played(5, 1);
    let (again, bytes_again) = played(5, 1);
    assert_eq!(bytes_of_first, bytes_again);
    assert!(bytes_of_first.len() > 1_000_000, "{}", bytes_of_first.len());
    for (one, other) in first.truth().zip(again.truth()) {
        assert_eq!(one.ledger, other.ledger);
    }
    assert_ne!(bytes_of_first, played(6, 1).1);
}

#[test]
fn nothing_that_is_done_moves_the_market() {
    let (quiet, busy) = (played(5, 1).0, played(5, 2).0);
    assert_eq!(quiet.market(), busy.market());
}

/// A hash of all events of a minute: it differs when a generator, a kernel or an order of draws changes, and it is the same on every
/// machine.
#[test]
fn the_bits_of_a_world_are_pinned() {
    let mut world = world(&WorldConfig::embedded(), 1);
    let mut events: Vec<(Timestamp, Event)> =
        world.opening().iter().map(|event| (start(), event.clone())).collect();
    events.extend(Trader::new(1).plays(&mut world, after(60), 5));
    let hash = bytes(&events).iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    assert_eq!(format!("{hash:016x}"), "8deaefbb6d7988d7");
}
