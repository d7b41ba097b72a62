//! Money moves and is neither made nor lost.

use crate::trader::{Trader, after, assert_conserved, start, world};
use engine::{CashKind, Event};
use paper::{IncidentKind, WorldConfig};
use proptest::prelude::*;
use std::collections::BTreeMap;
use units::{OrderId, Quantity};

/// A world in which everything happens within minutes: funding, expiry, ADL, replaced blocks, faults of messages.
fn busy() -> WorldConfig {
    let mut config = WorldConfig::embedded();
    for venue in &mut config.venue {
        venue.funding_every_seconds = 40;
        venue.faults.outages_per_day = 1000.0;
        venue.faults.lost = 0.02;
        if let Some(chain) = &mut venue.chain {
            (chain.reorg_per_block, chain.dropped) = (0.05, 0.05);
        }
    }
    let adl = config.incident.iter().find(|i| i.kind == IncidentKind::Adl).unwrap().clone();
    for (at, venue) in [(30, "deribit"), (60, "hyperliquid"), (90, "derive"), (120, "okx")] {
        config.incident.push(paper::Incident {
            start_seconds: at,
            venue: crate::trader::venue(venue),
            ..adl.clone()
        });
    }
    config
}

/// Starts half a minute before the first options of Deribit expire.
fn before_expiry(config: &WorldConfig, seed: u64) -> paper::World {
    let mut config = config.clone();
    for product in config.venue.iter_mut().flat_map(|venue| &mut venue.product) {
        product.expiry_days.iter_mut().take(1).for_each(|days| *days = 0);
    }
    let start = units::Timestamp::from_utc_date(2026, 11, 25, 8).unwrap().plus_millis(-30_000);
    paper::World::new(&config, paper::Seed::new(seed), start).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn money_is_conserved_through_everything(seed: u64) {
        let mut world = world(&busy(), seed);
        let mut trader = Trader::new(seed);
        for seconds in [50, 100, 150] {
            trader.plays(&mut world, after(seconds), 3);
            assert_conserved(&world);
        }
    }

    #[test]
    fn no_order_is_filled_beyond_its_quantity(seed: u64) {
        let mut world = world(&busy(), seed);
        let mut trader = Trader::new(seed);
        trader.plays(&mut world, after(120), 2);
        let mut filled = 0;
        for order in trader.sent() {
            if let Some(truth) = world.order(&order.place.venue, &order.id) {
                prop_assert_eq!(truth.quantity, order.quantity);
                prop_assert!(truth.filled.get().abs() <= order.quantity.get().abs(), "{order}: {truth:?}");
                prop_assert!(truth.filled.get() * order.quantity.get() >= units::Decimal::ZERO);
                filled += usize::from(!truth.filled.is_zero());
            }
        }
        prop_assert!(filled > 10, "{filled}");
    }
}

/// What arrives of one order, each fill counted once, is what its venue says, where no message is lost and no block replaced.
#[test]
fn fills_that_arrive_are_the_fills_that_happened() {
    let mut world = world(&crate::trader::calm(), 9);
    let mut trader = Trader::new(9);
    let mut events = trader.plays(&mut world, after(120), 2);
    events.extend(world.advance(after(150)));
    let mut ids = std::collections::BTreeSet::new();
    let mut sums: BTreeMap<OrderId, Quantity> = BTreeMap::new();
    for (_, event) in events {
        if let Event::Fill(fill) = event
            && ids.insert(fill.id.clone())
            && let Some(order) = fill.order
        {
            let sum = sums.entry(order).or_default();
            *sum = sum.checked_add(fill.quantity).unwrap();
        }
    }
    assert!(sums.len() > 10);
    for order in trader.sent() {
        let truth = world.order(&order.place.venue, &order.id);
        let told = sums.get(&order.id).copied().unwrap_or_default();
        assert_eq!(told, truth.map_or(Quantity::ZERO, |truth| truth.filled), "{order}");
    }
}

#[test]
fn what_expires_settles_at_the_index_and_its_orders_end() {
    let mut config = crate::trader::calm();
    config.venue.iter_mut().for_each(|venue| venue.opening_positions = 20);
    let mut world = before_expiry(&config, 3);
    let at = world.now().plus_millis(30_000);
    let listed = world.traded(&crate::trader::venue("deribit")).count();
    let held_before: usize = world.truth().map(|truth| truth.ledger.positions().count()).sum();
    let events = world.advance(at.plus_millis(60_000));
    let settled = events.iter().filter(|(_, event)| matches!(event, Event::Settle { .. })).count();
    assert!(settled > 12, "{settled}");
    // The index of the second before: the market moves at a second's end.
    let before = at.plus_millis(-1000);
    for (time, event) in &events {
        let Event::Settle { price, time: of, symbol, .. } = event else { continue };
        let row = events.iter().find_map(|(_, event)| match event {
            Event::Quotes { rows, .. } => rows
                .iter()
                .find(|row| row.timestamp == Some(before) && row.instrument_name == symbol.as_str()),
            _ => None,
        });
        let index = row.unwrap().index_price.unwrap();
        assert_eq!(units::border::to_model(price.get()).unwrap().to_bits(), index.to_bits(), "{symbol}");
        assert!(*of == at && *time >= at);
    }
    let held: usize = world.truth().map(|truth| truth.ledger.positions().count()).sum();
    assert_eq!(held, held_before - settled);
    assert!(world.traded(&crate::trader::venue("deribit")).count() < listed);
    assert_conserved(&world);
}

/// What holders of perpetuals receive is minus rate x notional at the index, and long and short pay opposite amounts.
#[test]
fn funding_is_paid_by_the_rate_of_eight_hours() {
    let mut config = crate::trader::only(crate::trader::calm(), "okx");
    config.venue[0].funding_every_seconds = 30;
    config.venue[0].opening_positions = 5;
    let mut world = world(&config, 2);
    let events = world.advance(after(31));
    let mut count = 0;
    for (_, event) in &events {
        let Event::Cash(cash) = event else { continue };
        let CashKind::Funding { symbol } = &cash.kind else { continue };
        let truth = world.truth().next().unwrap();
        let held = truth.ledger.position(&cash.place, symbol).unwrap();
        let asset = &held.listing().contract.underlying;
        let state = world.market().states().iter().find(|state| state.asset == *asset).unwrap();
        let notional = units::border::to_model(held.canonical_quantity()).unwrap() * state.spot;
        let expected = -notional * state.funding_rate_8h() * 30.0 / 28_800.0;
        let paid = units::border::to_model(cash.money.amount).unwrap();
        // The market has moved one second since; a rate of 1e-10 and a step of 0.1 % are the error.
        assert!((paid - expected).abs() < 0.05 * expected.abs() + notional.abs() * 1e-8, "{paid} {expected}");
        count += 1;
    }
    assert!(count >= 2, "{count}");
    let _ = start();
}
