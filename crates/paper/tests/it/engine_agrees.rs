//! The engine follows the world: after minutes of trading its ledger is what the venues hold.

use crate::trader::{Trader, after, calm, start, world};
use engine::{Engine, Event, Output};
use instrument::Specs;
use journal::{Seq, Stamp};
use paper::{IncidentKind, World, WorldConfig, as_snapshot};
use std::sync::Arc;
use units::Timestamp;

struct Desk {
    engine: Engine,
    seq: u64,
}

impl Desk {
    fn new(world: &World) -> Self {
        let mut desk = Self { engine: Engine::new(Arc::new(Specs::embedded()), start()), seq: 0 };
        for event in world.opening() {
            let outputs = desk.apply(start(), event);
            assert!(outputs.iter().all(|output| !is_refused(output)), "{outputs:?}");
        }
        desk
    }

    fn apply(&mut self, time: Timestamp, event: &Event) -> Vec<Output> {
        self.seq += 1;
        self.engine.apply(Stamp { seq: Seq::new(self.seq), time }, event)
    }
}

fn is_refused(output: &Output) -> bool {
    matches!(output, Output::Refused { .. } | Output::QuoteRefused(_))
}

/// Trades for minutes, then waits for what is on its way and for a last report of every place. Gives all outputs.
fn traded(config: &WorldConfig, seed: u64, seconds: i64) -> (World, Desk, Vec<Output>) {
    let mut world = world(config, seed);
    let (mut desk, mut trader) = (Desk::new(&world), Trader::new(seed));
    let mut outputs = Vec::new();
    while let Some((at, event)) = world.next(after(seconds + 90)) {
        let is_quotes = matches!(event, Event::Quotes { .. });
        outputs.extend(desk.apply(at, &as_snapshot(event)));
        if is_quotes && at < after(seconds) && trader.below(2) == 0 {
            let said = trader.says(&world);
            world.take(at, &said);
        }
    }
    (world, desk, outputs)
}

fn assert_same(world: &World, desk: &Desk) {
    let mut compared = 0;
    for truth in world.truth() {
        for place in truth.places {
            let of = |ledger: &book::Ledger| {
                let positions = ledger.positions().filter(|(at, _)| *at == place).map(|(_, p)| p.clone());
                let balances = ledger.balances().filter(|(at, ..)| *at == place);
                let balances = balances.map(|(_, asset, amount)| (asset.clone(), amount));
                (positions.collect::<Vec<_>>(), balances.collect::<Vec<_>>())
            };
            let (own, venue) = (of(desk.engine.ledger()), of(truth.ledger));
            compared += own.0.len();
            assert_eq!(own, venue, "{place}");
        }
    }
    assert!(compared > 20, "{compared}");
}

#[test]
fn the_ledgers_are_the_same_to_the_last_digit_and_reports_reconcile() {
    let mut config = calm();
    config.venue.iter_mut().for_each(|venue| venue.funding_every_seconds = 50);
    let (world, desk, outputs) = traded(&config, 11, 200);
    assert_same(&world, &desk);
    assert_eq!(desk.engine.unreconciled().count(), 0);
    let posted = outputs.iter().filter(|output| matches!(output, Output::Posted(_))).count();
    assert!(posted > 100, "{posted}");
    // Questions are answered with fills that are booked already: nothing else is refused, and no row of quotes.
    for output in &outputs {
        match output {
            Output::Refused { rule } => {
                assert!(rule.contains("is booked already"), "{rule}");
            }
            Output::QuoteRefused(issue) => panic!("{issue}"),
            Output::Difference { .. } => panic!("{output}"),
            _ => {}
        }
    }
    // Everything held has a value.
    assert!(desk.engine.views().items().values().all(|valued| valued.rows.is_ok()));
}

/// Outages, repeated messages, rejections and ADL: all arrives in the end. Overtaken fills would leave a difference: how much of a position's
/// gain is realised depends on their order.
#[test]
fn faults_that_lose_nothing_leave_no_difference() {
    let mut config = WorldConfig::embedded();
    config.incident.retain(|incident| incident.kind != IncidentKind::Reorg);
    for venue in &mut config.venue {
        (venue.faults.lost, venue.faults.hidden) = (0.0, 0.0);
        (venue.faults.duplicated, venue.faults.reordered) = (0.1, 0.0);
        venue.faults.outages_per_day = 500.0;
        venue.faults.outage_seconds = 5.0;
        if let Some(chain) = &mut venue.chain {
            chain.reorg_per_block = 0.0;
        }
    }
    for seed in 0..2 {
        let (world, desk, _) = traded(&config, seed, 120);
        assert_same(&world, &desk);
        assert_eq!(desk.engine.unreconciled().count(), 0);
    }
}

/// Blocks are replaced, transactions dropped: the engine undoes what the venue undoes.
#[test]
fn replaced_blocks_are_undone_alike() {
    let mut config = calm();
    for chain in config.venue.iter_mut().filter_map(|venue| venue.chain.as_mut()) {
        (chain.reorg_per_block, chain.dropped) = (0.1, 0.05);
    }
    let mut undone = 0;
    for seed in 0..2 {
        let (world, desk, outputs) = traded(&config, seed, 100);
        assert_same(&world, &desk);
        assert_eq!(desk.engine.unreconciled().count(), 0);
        undone += outputs.iter().filter(|output| matches!(output, Output::Undone { .. })).count();
    }
    assert!(undone > 2, "{undone}");
}

/// The process dies, misses fills and replaced blocks, and comes back: reports and adopting them make the ledgers the same.
#[test]
fn a_process_that_was_dead_catches_up() {
    let mut config = calm();
    for chain in config.venue.iter_mut().filter_map(|venue| venue.chain.as_mut()) {
        chain.reorg_per_block = 0.2;
    }
    for seed in 0..2 {
        let mut world = world(&config, seed);
        let (mut desk, mut trader) = (Desk::new(&world), Trader::new(seed));
        let mut refused = Vec::new();
        for (until, is_alive) in [(40, true), (50, false), (121, true)] {
            if !is_alive {
                // What was sent just before is on its way, and is done.
                for _ in 0..10 {
                    let said = trader.says(&world);
                    world.take(world.now(), &said);
                }
                world.disconnected();
                assert!(world.advance(after(until)).is_empty());
                desk.apply(world.now(), &Event::Started);
                world.connected();
                continue;
            }
            while let Some((at, event)) = world.next(after(until)) {
                let is_quotes = matches!(event, Event::Quotes { .. });
                let outputs = desk.apply(at, &as_snapshot(event));
                refused.extend(outputs.into_iter().filter(is_refused));
                for place in desk.engine.unreconciled().cloned().collect::<Vec<_>>() {
                    let command = engine::Command::Adopt { place };
                    desk.apply(at, &Event::Operator { who: "test".into(), command });
                }
                if is_quotes && at < after(90) && trader.below(2) == 0 {
                    let said = trader.says(&world);
                    world.take(at, &said);
                }
            }
        }
        // The report of 120 s has found what a question brought again after its place was adopted.
        for truth in world.truth() {
            for (place, held) in truth.ledger.positions() {
                let own = desk.engine.ledger().position(place, &held.listing().symbol);
                assert_eq!(own.map(book::OpenPosition::quantity), Some(held.quantity()), "seed {seed}");
            }
            for (place, asset, amount) in truth.ledger.balances() {
                // Balances agree to the eight digits that venues keep: adopted entry values are rounded otherwise.
                let off = desk.engine.ledger().balance(place, asset) - amount;
                assert!(off.abs() <= units::Decimal::new(1, 8), "seed {seed}: {place} {asset} {off}");
            }
        }
        for output in refused {
            let text = output.to_string();
            assert!(text.contains("is booked already") || text.contains("is in the report of"), "{output}");
        }
    }
}

/// What is lost shows in the next report as a difference, and adopting the report makes the ledgers the same.
#[test]
fn what_is_lost_is_found_by_the_report() {
    let mut config = calm();
    config.venue.iter_mut().for_each(|venue| venue.faults.lost = 0.2);
    let (world, mut desk, outputs) = traded(&config, 5, 100);
    assert!(outputs.iter().any(|output| matches!(output, Output::Difference { .. })));
    let places: Vec<_> = desk.engine.unreconciled().cloned().collect();
    assert!(!places.is_empty());
    for place in places {
        let command = engine::Command::Adopt { place };
        desk.apply(world.now(), &Event::Operator { who: "test".into(), command });
    }
    for truth in world.truth() {
        for (place, held) in truth.ledger.positions() {
            let own = desk.engine.ledger().position(place, &held.listing().symbol);
            assert_eq!(own.map(book::OpenPosition::quantity), Some(held.quantity()));
        }
        for (place, asset, amount) in truth.ledger.balances() {
            assert_eq!(desk.engine.ledger().balance(place, asset), amount);
        }
    }
}
