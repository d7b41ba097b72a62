//! What goes wrong, and how it looks from here.

use crate::trader::{Trader, after, calm, only, order, start, venue, world};
use engine::{Event, Link, Output};
use paper::{Faults, Incident, IncidentKind, World, WorldConfig};
use std::collections::{BTreeMap, BTreeSet};
use units::{Decimal, FillId, Symbol, Timestamp};

fn with(kind: IncidentKind, size: f64) -> WorldConfig {
    let mut config = calm();
    config.incident =
        vec![Incident { kind, venue: venue("okx"), start_seconds: 20, duration_seconds: 20, size }];
    config
}

fn of_okx(event: &Event) -> bool {
    match event {
        Event::Quotes { feed, .. } => feed == "okx",
        Event::Fill(fill) => fill.place.venue.as_str() == "okx",
        Event::Reported(report) => report.place.venue.as_str() == "okx",
        Event::Link { venue, .. } | Event::Settle { venue, .. } => venue.as_str() == "okx",
        Event::Cash(cash) => cash.place.venue.as_str() == "okx",
        _ => false,
    }
}

/// Rows of quotes of a venue that arrive from 25 to 39 seconds, in the middle of the incident.
fn rows(world: &mut World, feed: &str) -> Vec<(Timestamp, market::RawQuote)> {
    let events = world.advance(after(60)).into_iter();
    let inside = events.filter(|(at, _)| (after(25)..after(39)).contains(at));
    inside
        .filter_map(|(at, event)| match event {
            Event::Quotes { feed: of, rows } if of == feed => {
                Some(rows.into_iter().map(move |row| (at, row)))
            }
            _ => None,
        })
        .flatten()
        .collect()
}

#[test]
fn frozen_quotes_keep_their_time_and_silent_ones_do_not_come() {
    let frozen = rows(&mut world(&with(IncidentKind::Frozen, 0.0), 1), "okx");
    assert!(frozen.len() > 50);
    let times: BTreeSet<_> = frozen.iter().map(|(_, row)| row.timestamp).collect();
    assert_eq!(times.len(), 1);
    assert!(rows(&mut world(&with(IncidentKind::Silent, 0.0), 1), "okx").is_empty());
    assert!(!rows(&mut world(&with(IncidentKind::Silent, 0.0), 1), "deribit").is_empty());
}

#[test]
fn a_wrong_index_is_wrong_at_one_venue_and_ends() {
    let mut faulty = world(&with(IncidentKind::Oracle, -0.08), 1);
    let mut sound = world(&calm(), 1);
    let (wrong, right) = (rows(&mut faulty, "okx"), rows(&mut sound, "okx"));
    assert_eq!(wrong.len(), right.len());
    for ((_, wrong), (_, right)) in wrong.iter().zip(&right) {
        let ratio = wrong.index_price.unwrap() / right.index_price.unwrap();
        // Both are rounded to a cent.
        assert!((ratio - 0.92).abs() < 0.02 / right.index_price.unwrap(), "{ratio}");
        assert_eq!(wrong.mark_price, right.mark_price);
    }
    assert_eq!(
        rows(&mut world(&with(IncidentKind::Oracle, -0.08), 1), "deribit"),
        rows(&mut world(&calm(), 1), "deribit")
    );
    assert_eq!(faulty.advance(after(70)), sound.advance(after(70)));
}

#[test]
fn crossed_and_one_sided_rows_are_so() {
    for (_, row) in rows(&mut world(&with(IncidentKind::Crossed, 0.0), 1), "okx") {
        assert!(row.bid_price.unwrap() > row.ask_price.unwrap(), "{row:?}");
    }
    for (_, row) in rows(&mut world(&with(IncidentKind::OneSided, 0.0), 1), "okx") {
        assert!(row.bid_price.is_none() != row.ask_price.is_none(), "{row:?}");
    }
}

/// Between the loss of a connection and its return nothing of the venue arrives; then its link, what has waited, and a report.
#[test]
fn an_outage_holds_messages_back_and_ends_with_a_report() {
    for hidden in [0.0, 1.0] {
        let mut config = only(with(IncidentKind::Outage, 0.0), "okx");
        config.venue[0].faults.hidden = hidden;
        config.venue[0].touch_trades_per_minute = 6000.0;
        config.venue[0].report_every_seconds = 1000;
        let mut world = world(&config, 1);
        world.advance(after(18));
        let mut order = order(&world, ("a", "okx", "BTC-USDT-SWAP"), 1_000_000, 0);
        order.limit_price = world.prices(&venue("okx"), &order.symbol).unwrap().bid.unwrap();
        order.valid_until = after(35);
        world.take(world.now(), &Output::Order(order.clone()));
        let mut events = world.advance(after(30));
        // What is sent meanwhile is lost.
        let lost = engine::Order {
            id: units::OrderId::new("lost").unwrap(),
            valid_until: after(60),
            ..order.clone()
        };
        world.take(world.now(), &Output::Order(lost.clone()));
        events.extend(world.advance(after(60)));
        assert!(world.order(&venue("okx"), &lost.id).is_none());
        let down =
            events.iter().position(|(_, e)| matches!(e, Event::Link { link: Link::Down, .. })).unwrap();
        let up = events.iter().position(|(_, e)| matches!(e, Event::Link { link: Link::Up, .. })).unwrap();
        assert!(events[down].0 >= after(20) && events[up].0 >= after(40));
        assert!(!events[down + 1..up].iter().any(|(_, event)| of_okx(event)));
        let report = up + events[up..].iter().position(|(_, e)| matches!(e, Event::Reported(_))).unwrap();
        let late = events[up..report]
            .iter()
            .filter(|(_, e)| matches!(e, Event::Fill(f) if f.time < after(40)))
            .count();
        assert_eq!(late > 3, hidden < 0.5, "{late}");
        let Event::Reported(report) = &events[report].1 else { unreachable!() };
        let truth = world.truth().next().unwrap();
        let held = truth.ledger.position(&report.place, &order.symbol).unwrap().quantity();
        assert!(report.positions.iter().any(|p| p.symbol == order.symbol && p.quantity == held));
    }
}

/// Fills by id, with how often each arrived.
fn arrivals(config: &WorldConfig) -> (Vec<FillId>, BTreeSet<FillId>, World) {
    let mut world = world(config, 2);
    let mut events = Trader::new(2).plays(&mut world, after(60), 1);
    events.extend(world.advance(after(100)));
    let ids: Vec<FillId> = events
        .into_iter()
        .filter_map(|(_, event)| if let Event::Fill(fill) = event { Some(fill.id) } else { None })
        .collect();
    let unique = ids.iter().cloned().collect();
    (ids, unique, world)
}

#[test]
fn messages_are_lost_repeated_and_overtaken() {
    let mut config = only(calm(), "deribit");
    let (sound, unique, _) = arrivals(&config);
    assert!(sound.len() > 10 && unique.len() == sound.len(), "{}", sound.len());
    // Ids count up in the order of trades.
    let number = |id: &FillId| id.as_str().rsplit('-').next().unwrap().parse::<u32>().unwrap();
    assert!(sound.iter().map(number).is_sorted());
    config.venue[0].faults = Faults { duplicated: 1.0, ..Faults::default() };
    let (twice, unique, _) = arrivals(&config);
    assert_eq!(twice.len(), 2 * unique.len());
    config.venue[0].faults = Faults { reordered: 0.5, ..Faults::default() };
    let (mixed, unique, _) = arrivals(&config);
    assert!(mixed.len() == unique.len() && !mixed.iter().map(number).is_sorted());
    config.venue[0].faults = Faults { lost: 1.0, ..Faults::default() };
    assert!(arrivals(&config).0.is_empty());
}

/// A report says what the fills that arrived before it add up to, however these were overtaken.
#[test]
fn a_report_is_never_overtaken() {
    let mut config = only(calm(), "okx");
    config.venue[0].faults = Faults { reordered: 0.5, duplicated: 0.3, ..Faults::default() };
    config.venue[0].report_every_seconds = 1;
    let mut world = world(&config, 3);
    let opening: Vec<Event> = world.opening().to_vec();
    let events = Trader::new(3).plays(&mut world, after(120), 1);
    let (mut seen, mut held) = (BTreeSet::new(), BTreeMap::<Symbol, Decimal>::new());
    let mut compared = 0;
    for event in opening.iter().chain(events.iter().map(|(_, event)| event)) {
        match event {
            Event::Fill(fill) if seen.insert(fill.id.clone()) => {
                *held.entry(fill.symbol.clone()).or_default() += fill.quantity.get();
            }
            Event::Reported(report) => {
                let reported = report.positions.iter().map(|p| (p.symbol.clone(), p.quantity.get()));
                let own = held.iter().filter(|(_, quantity)| !quantity.is_zero());
                assert_eq!(reported.collect::<BTreeMap<_, _>>(), own.map(|(s, q)| (s.clone(), *q)).collect());
                compared += 1;
            }
            _ => {}
        }
    }
    assert!(compared > 100 && seen.len() > 50, "{compared} {}", seen.len());
}

#[test]
fn orders_are_rejected_at_random() {
    let mut config = only(calm(), "okx");
    config.venue[0].faults.rejected = 1.0;
    let (fills, ..) = arrivals(&config);
    assert!(fills.is_empty());
}

#[test]
fn adl_closes_a_part_without_an_order() {
    let mut config = only(with(IncidentKind::Adl, 0.25), "okx");
    config.venue[0].opening_positions = 5;
    let mut world = world(&config, 1);
    let before: Vec<_> =
        world.truth().next().unwrap().ledger.positions().map(|(_, p)| p.quantity()).collect();
    let events = world.advance(after(30));
    let closed: Vec<_> = events
        .iter()
        .filter_map(|(_, e)| if let Event::Fill(fill) = e { Some(fill) } else { None })
        .collect();
    // Three perpetuals and two futures are listed; ADL is of the perpetuals.
    assert_eq!(closed.len(), 3);
    assert!(closed.iter().all(|fill| fill.order.is_none() && fill.fee.is_none()));
    assert_eq!(before.len(), 5);
    for fill in closed {
        let held = world
            .truth()
            .next()
            .unwrap()
            .ledger
            .position(&fill.place, &fill.symbol)
            .map(|p| p.quantity().get());
        let was = held.unwrap_or_default() - fill.quantity.get();
        assert!(was * fill.quantity.get() < units::Decimal::ZERO);
        let part = (was.abs() * units::Decimal::new(25, 2)).floor().max(units::Decimal::ONE);
        assert_eq!(fill.quantity.get().abs(), part);
    }
}

/// The process dies and comes back: nothing arrives meanwhile, then links, replaced blocks, reports.
#[test]
fn a_dead_process_hears_nothing_and_is_told_what_stands() {
    let mut config = only(calm(), "derive");
    config.incident = vec![Incident {
        kind: IncidentKind::Reorg,
        venue: venue("derive"),
        start_seconds: 25,
        duration_seconds: 0,
        size: 3.0,
    }];
    let mut world = world(&config, 1);
    let mut head = None;
    for (_, event) in world.advance(after(20)) {
        if let Event::Block { number, .. } = event {
            head = Some(number);
        }
    }
    world.disconnected();
    assert!(world.advance(after(40)).is_empty());
    let order = order(&world, ("a", "derive", "BTC-PERP"), 20, 100);
    world.take(world.now(), &Output::Order(order.clone()));
    world.connected();
    let events = world.advance(after(41));
    let private: Vec<&Event> = events
        .iter()
        .map(|(_, e)| e)
        .filter(|e| !matches!(e, Event::Quotes { .. } | Event::Block { .. }))
        .collect();
    assert!(matches!(private[0], Event::Link { link: Link::Up, .. }), "{private:?}");
    // A block is found at 26 s: its head of 24 s and two before are replaced.
    let Event::Reorg { from, .. } = private[1] else { panic!("{private:?}") };
    assert!(from.get() > head.unwrap().get(), "what was told by then stands: {from} {head:?}");
    assert!(matches!(private[2], Event::Reported(_)), "{private:?}");
    assert!(world.order(&venue("derive"), &order.id).is_none());
    let _ = start();
}

/// Chances of a day are kept: outages at a rate of one in ten seconds for 1000 seconds.
#[test]
fn outages_come_at_their_rate() {
    let mut config = only(calm(), "okx");
    config.venue[0].faults = Faults { outages_per_day: 8640.0, outage_seconds: 1.0, ..Faults::default() };
    let mut world = world(&config, 1);
    let downs = world
        .advance(after(1000))
        .iter()
        .filter(|(_, e)| matches!(e, Event::Link { link: Link::Down, .. }))
        .count();
    // About 1000/(10 + 1) of them; four deviations of a Poisson count.
    assert!((91 - 38..=91 + 38).contains(&downs), "{downs}");
}
