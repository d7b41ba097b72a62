//! Blocks, transactions and reorganisations.

use crate::trader::{Trader, after, assert_conserved, calm, only, order, venue, world};
use book::{Fill, Ledger};
use engine::{BlockNumber, CashKind, Event, OrderNews, Output};
use instrument::Specs;
use paper::{Incident, IncidentKind, Spacing, World, WorldConfig};
use std::collections::BTreeMap;
use std::sync::Arc;
use units::{FillId, Timestamp};

fn derive() -> WorldConfig {
    only(calm(), "derive")
}

fn reorg(start_seconds: u32, depth: f64) -> Incident {
    Incident {
        kind: IncidentKind::Reorg,
        venue: venue("derive"),
        start_seconds,
        duration_seconds: 0,
        size: depth,
    }
}

/// The ledger of a place's history: the opening and all fills that no reorganisation undid, in order of arrival.
fn history(world: &World, events: &[(Timestamp, Event)]) -> (Ledger, usize) {
    let specs = Specs::embedded();
    let mut ledger = Ledger::new(Ledger::FILL_MEMORY_DAYS);
    let mut fills: Vec<engine::FillEvent> = Vec::new();
    let mut undone = 0;
    for event in world.opening().iter().chain(events.iter().map(|(_, event)| event)) {
        match event {
            Event::Cash(cash) if cash.kind == CashKind::Deposit => {
                ledger.deposit(&cash.place, &cash.money).unwrap();
            }
            Event::Fill(fill) => fills.push(fill.clone()),
            Event::Reorg { from, .. } => {
                let before = fills.len();
                fills.retain(|fill| fill.block.is_none_or(|block| block < *from));
                undone += before - fills.len();
            }
            _ => {}
        }
    }
    for fill in fills {
        let resolved = instrument::resolve(&fill.place.venue, &fill.symbol, &specs).unwrap();
        let fill = Fill {
            id: fill.id,
            place: fill.place,
            listing: Arc::new(resolved.legs[0].listing.clone()),
            quantity: fill.quantity,
            price: fill.price,
            fee: fill.fee,
            time: fill.time,
        };
        ledger.fill(&fill).unwrap();
    }
    (ledger, undone)
}

#[test]
fn blocks_are_numbered_one_by_one_at_their_spacing() {
    let mut world = world(&derive(), 1);
    let events = world.advance(after(60));
    let numbers: Vec<BlockNumber> = events
        .iter()
        .filter_map(|(_, event)| match event {
            Event::Block { number, .. } => Some(*number),
            _ => None,
        })
        .collect();
    assert!((28..=30).contains(&numbers.len()), "{}", numbers.len());
    assert!(numbers.iter().zip(numbers.iter().skip(1)).all(|(a, b)| a.get() + 1 == b.get()));
}

#[test]
fn poisson_blocks_come_at_their_mean_rate() {
    let mut config = derive();
    let chain = config.venue[0].chain.as_mut().unwrap();
    (chain.spacing, chain.block_millis) = (Spacing::Poisson, 500);
    let mut world = world(&config, 1);
    let blocks = world.advance(after(400)).iter().filter(|(_, e)| matches!(e, Event::Block { .. })).count();
    // 800 expected; four deviations of a Poisson count, and the last ones still on their way.
    assert!((800 - 113..=800 + 113).contains(&blocks), "{blocks}");
}

#[test]
fn an_order_is_filled_in_a_later_block_with_gas() {
    let mut world = world(&derive(), 1);
    let order = order(&world, ("a", "derive", "BTC-PERP"), 20, 100);
    world.take(world.now(), &Output::Order(order.clone()));
    let events = world.advance(after(30));
    let mut head = None;
    let mut fills = 0;
    for (_, event) in events {
        match event {
            Event::Block { number, .. } => head = Some(number),
            Event::Fill(fill) => {
                assert_eq!(fill.block, head);
                // 3 bp and gas of 0.05.
                let fee = fill.fee.unwrap();
                let exact = fill.quantity.get() * fill.price.get() * units::Decimal::new(3, 4);
                let gas = fee.amount - exact;
                assert!(
                    gas >= units::Decimal::new(5, 2)
                        && gas - units::Decimal::new(5, 2) < units::Decimal::new(1, 8)
                );
                fills += 1;
            }
            _ => {}
        }
    }
    assert!(fills > 0);
}

#[test]
fn a_dropped_transaction_is_rejected() {
    let mut config = derive();
    config.venue[0].chain.as_mut().unwrap().dropped = 1.0;
    let mut world = world(&config, 1);
    let order = order(&world, ("a", "derive", "BTC-PERP"), 20, 100);
    world.take(world.now(), &Output::Order(order.clone()));
    let events = world.advance(after(60));
    let news: Vec<_> = events
        .iter()
        .filter_map(|(_, e)| if let Event::Order(o) = e { Some(&o.news) } else { None })
        .collect();
    assert!(matches!(news[..], [OrderNews::Rejected(reason)] if reason.contains("no block")), "{news:?}");
    assert!(!events.iter().any(|(_, event)| matches!(event, Event::Fill(_))));
}

#[test]
fn a_cancel_reaches_what_waits_for_a_block() {
    let mut config = derive();
    config.venue[0].chain.as_mut().unwrap().delay_blocks = 500.0;
    let mut ended = 0;
    for seed in 0..8 {
        let mut world = world(&config, seed);
        let mut order = order(&world, ("a", "derive", "BTC-PERP"), 20, 100);
        order.valid_until = after(4000);
        world.take(world.now(), &Output::Order(order.clone()));
        world.take(world.now(), &Output::Cancel { id: order.id.clone(), place: order.place.clone() });
        world.advance(after(2400));
        let truth = world.order(&venue("derive"), &order.id);
        ended += usize::from(truth.is_none_or(|truth| !truth.is_open));
    }
    // A cancel waits 500 blocks of two seconds in the mean: of eight, most have come within 1200.
    assert!(ended >= 5, "{ended}");
}

/// The venue's ledger after reorganisations is that of a history which never saw the undone fills.
#[test]
fn replaced_blocks_leave_no_trace_in_the_ledger() {
    let mut undone = 0;
    for seed in 0..12 {
        let mut config = derive();
        config.incident = (1..=10).map(|i| reorg(12 * i, f64::from(1 + i % 3))).collect();
        let mut world = world(&config, seed);
        let mut trader = Trader::new(seed);
        let mut events = trader.plays(&mut world, after(126), 2);
        events.extend(world.advance(after(139)));
        let reorgs = events.iter().filter(|(_, event)| matches!(event, Event::Reorg { .. })).count();
        assert_eq!(reorgs, 10);
        let (expected, gone) = history(&world, &events);
        undone += gone;
        // Not by assert_eq: ledgers are long.
        assert!(*world.truth().next().unwrap().ledger == expected, "seed {seed}");
        assert_conserved(&world);
        let ids: BTreeMap<FillId, usize> = BTreeMap::new();
        let ids = events.iter().fold(ids, |mut ids, (_, event)| {
            if let Event::Fill(fill) = event {
                *ids.entry(fill.id.clone()).or_default() += 1;
            }
            ids
        });
        assert!(ids.values().all(|times| *times == 1), "what is done again has a new id");
    }
    assert!(undone > 20, "{undone}");
}

/// An order in a replaced block goes into a new one, with a new fill; asked for, it is filled once.
#[test]
fn an_order_of_a_replaced_block_is_done_again() {
    let mut config = derive();
    config.venue[0].chain.as_mut().unwrap().delay_blocks = 0.0;
    config.incident = vec![reorg(11, 1.0)];
    let mut world = world(&config, 1);
    world.advance(after(8));
    let order = order(&world, ("a", "derive", "BTC-PERP"), 20, 100);
    world.take(world.now(), &Output::Order(order.clone()));
    let events = world.advance(after(40));
    let kinds: Vec<&str> = events
        .iter()
        .filter_map(|(_, event)| match event {
            Event::Fill(_) => Some("fill"),
            Event::Reorg { .. } => Some("reorg"),
            Event::Order(order) if order.news == OrderNews::Accepted => Some("accepted"),
            _ => None,
        })
        .collect();
    assert_eq!(kinds, ["accepted", "fill", "reorg", "accepted", "fill"]);
    assert_eq!(world.order(&venue("derive"), &order.id).unwrap().filled, order.quantity);
}
