//! Incremental views against a valuation from nothing, after every event of random histories.

use crate::world::{World, start};
use engine::{Engine, Event, GroupFigure, Item, Output, Watched};
use journal::{Machine, Seq, Stamp};
use market::Market;
use risk::{Exposure, GroupBy, GroupKey, Row, Valuation, group};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use units::Fixed;

pub(crate) const POLICY: &str = r#"
source = "test"
valid_from = "2026-11-01"
stale_after_seconds = 3600
[[limit]]
name = "delta"
measure = "delta_cash_usd"
group_by = ["underlying"]
warn = "200000"
hard = "500000"
release = 0.9
hold_seconds = 2
[[limit]]
name = "vega"
measure = "vega_usd_per_point"
group_by = ["account", "expiry"]
warn = "400"
hard = "900"
[[limit]]
name = "value"
measure = "value_usd"
warn = "1000000"
hard = "9000000"
[[trigger]]
name = "size"
each = ["account", "underlying"]
when = "abs(delta_cash_usd) > 60000.0 || underlying in stale"
hold_seconds = 2
cool_down_seconds = 3
actions = ["alert", "reduce_only"]
[[trigger]]
name = "missing"
when = "unvalued > 0 || open_orders > 0"
actions = ["warn", "cancel_orders"]
"#;

pub(crate) fn engine() -> Engine {
    Engine::new(Arc::new(instrument::Specs::embedded()), start())
}

pub(crate) fn policy() -> Event {
    Event::Policy { text: POLICY.into() }
}

pub(crate) fn step(engine: &mut Engine, world: &World, seq: u64, event: &Event) -> Vec<Output> {
    engine.step(Stamp { seq: Seq::new(seq), time: world.now }, event)
}

/// Rows by what they are of; the two rows of a position with a foreign gain by their contract.
fn by_name(rows: impl Iterator<Item = Row>) -> BTreeMap<(String, String), Row> {
    rows.map(|row| {
        let held = format!("{}@{}/{} {}", row.account, row.venue, row.chain, row.symbol);
        ((held, format!("{:?} {}", row.kind, row.contract)), row)
    })
    .collect()
}

/// Every view is that of a valuation of the same ledger and quotes from nothing.
#[track_caller]
/// Every balance is the sum of what came and went, to the last digit.
pub(crate) fn assert_accounted(engine: &Engine) {
    let mut sums: BTreeMap<(book::Place, units::Asset), units::Decimal> = BTreeMap::new();
    for ((place, _, asset), sum) in engine.profit().cash() {
        let total = sums.entry((place.clone(), asset.clone())).or_default();
        *total = units::exact_sum(*total, *sum).unwrap();
    }
    sums.retain(|_, sum| !sum.is_zero());
    let balances =
        engine.ledger().balances().map(|(place, asset, amount)| ((place.clone(), asset.clone()), amount));
    assert_eq!(sums, balances.collect());
}

pub(crate) fn assert_recomputed(engine: &Engine) {
    let market = Market::build(engine.quotes(), engine.rates());
    assert_eq!(engine.market(), &market);
    let book = engine.ledger().book();
    let valuation = Valuation::new(&book, &market);
    let items = engine.views().items();
    let own = items.values().filter_map(|valued| valued.rows.as_ref().ok()).flatten().cloned();
    assert_eq!(by_name(own), by_name(valuation.rows.iter().cloned()));
    let unpriced = items.values().filter(|valued| valued.rows.is_err()).count();
    assert_eq!(engine.views().is_partial(), unpriced > 0);
    assert_eq!(unpriced, valuation.unpriced.len());
    assert_eq!(items.values().filter(|v| v.gain_unknown).count(), valuation.futures_without_entry);
    for by in [
        vec![GroupBy::Underlying],
        vec![GroupBy::Account, GroupBy::Expiry],
        vec![],
        vec![GroupBy::Kind, GroupBy::Chain, GroupBy::Venue],
    ] {
        let own: BTreeMap<Vec<GroupKey>, (usize, Exposure)> = engine
            .views()
            .sums()
            .of(&by)
            .iter()
            .filter(|(_, sum)| sum.rows > 0)
            .map(|(key, sum)| (key.clone(), (sum.rows, sum.exposure)))
            .collect();
        let whole = group(&valuation.rows, &by).into_iter().map(|g| (g.key, (g.rows, g.exposure))).collect();
        assert_eq!(own, whole, "{by:?}");
        let lacking: usize = engine.views().sums().of(&by).values().map(|sum| sum.unvalued).sum();
        assert_eq!(lacking, unpriced, "each thing without a value is missed in one group of {by:?}");
    }
    assert_watched(engine, &valuation);
    // The board knows what is held and nothing else.
    assert_eq!(engine.views().board(), risk::PriceBoard::new(&book, &market));
}

/// The sums that are kept for limits are those of the rows, and the policy's all are there.
#[track_caller]
fn assert_watched(engine: &Engine, valuation: &Valuation) {
    let mut pairs = BTreeSet::new();
    for watched in engine.views().watched() {
        let Watched { by, measure, groups } = watched;
        let kept = |(key, figure): (&Vec<GroupKey>, &GroupFigure)| {
            (figure.rows > 0).then(|| (key.clone(), (figure.rows, figure.sum)))
        };
        let own: BTreeMap<Vec<GroupKey>, (usize, Fixed)> = groups.iter().filter_map(kept).collect();
        let whole = group(&valuation.rows, &by);
        let whole = whole.into_iter().map(|g| (g.key, (g.rows, g.exposure.in_usd(measure)))).collect();
        assert_eq!(own, whole, "{by:?} {measure:?}");
        let sums = engine.views().sums().of(&by);
        assert_eq!(groups.keys().collect::<Vec<_>>(), sums.keys().collect::<Vec<_>>());
        for (key, figure) in &groups {
            let sum = &sums[key];
            assert_eq!(figure.unvalued, sum.unvalued, "{by:?} {key:?}");
            assert!(figure.underlyings.iter().eq(sum.underlyings.keys()), "{by:?} {key:?}");
            assert!(figure.rows > 0 || figure.sum == Fixed::ZERO);
        }
        pairs.insert((by, measure));
    }
    let policy = engine.policy();
    let wanted: BTreeSet<_> =
        policy.limits.iter().map(|limit| (limit.group_by.clone(), limit.measure)).collect();
    assert!(pairs.is_superset(&wanted), "{pairs:?}");
    for (by, measure) in pairs.difference(&wanted) {
        let is_asked = policy.triggers.iter().any(|trigger| trigger.each == *by);
        assert!(is_asked, "nobody asked for {measure:?} by {by:?}");
    }
}

#[test]
fn views_are_those_of_a_valuation_from_nothing_after_every_event() {
    let (mut fills, mut refused, mut changes) = (0, 0, 0);
    for seed in 0..12 {
        let (mut engine, mut world) = (engine(), World::new(seed));
        step(&mut engine, &world, 1, &policy());
        step(&mut engine, &world, 2, &world.all_quotes());
        for seq in 3..250 {
            let event = world.next();
            for output in step(&mut engine, &world, seq, &event) {
                match output {
                    Output::Posted(_) => fills += 1,
                    Output::Refused { .. } => refused += 1,
                    Output::Level(_) => changes += 1,
                    _ => {}
                }
            }
            assert_recomputed(&engine);
            assert_accounted(&engine);
        }
    }
    // Histories that trade, are refused and cross levels: else the test would say nothing.
    assert!(fills > 1_000 && refused > 50 && changes > 20, "{fills} {refused} {changes}");
}

#[test]
fn a_quote_changes_what_depends_on_it_and_nothing_else() {
    let (mut engine, mut world) = (engine(), World::new(7));
    step(&mut engine, &world, 1, &world.all_quotes());
    let mut seq = 1;
    for (venue, symbol, quantity) in [
        ("deribit", "BTC-25DEC26-90000-C", 5),
        ("deribit", "ETH-25DEC26-3000-P", 7),
        ("okx", "BTC-USDT-SWAP", 3),
    ] {
        seq += 1;
        let fill = world.fill_of(venue, symbol, quantity);
        step(&mut engine, &world, seq, &Event::Fill(fill));
    }
    let before = engine.views().items();
    world.now = world.now.plus_millis(1);
    let mut quote = world.quote("deribit", "ETH-25DEC26-3000-P");
    quote.mark_vol = Some(0.8);
    step(&mut engine, &world, 9, &Event::Quotes { feed: "one".into(), rows: vec![quote] });
    let after = engine.views().items();
    let changed: Vec<&Item> =
        after.iter().filter(|(item, valued)| before.get(item) != Some(*valued)).map(|(i, _)| i).collect();
    assert!(
        matches!(changed[..], [Item::Position(_, symbol)] if symbol.as_str() == "ETH-25DEC26-3000-P"),
        "{changed:?}"
    );
}

#[test]
fn the_state_goes_through_bytes_and_goes_on_as_before() {
    for seed in 20..26 {
        let (mut engine, mut world) = (engine(), World::new(seed));
        step(&mut engine, &world, 1, &policy());
        step(&mut engine, &world, 2, &world.all_quotes());
        for seq in 3..120 {
            let event = world.next();
            step(&mut engine, &world, seq, &event);
        }
        let mut twin = engine.restore(&engine.snapshot()).unwrap();
        assert_eq!(twin.state_hash(), engine.state_hash());
        assert_recomputed(&twin);
        for seq in 120..200 {
            let event = world.next();
            assert_eq!(step(&mut twin, &world, seq, &event), step(&mut engine, &world, seq, &event));
        }
        assert_eq!(twin.state_hash(), engine.state_hash());
    }
}

#[test]
fn a_clock_that_goes_back_is_refused_and_the_time_stays() {
    let (mut engine, mut world) = (engine(), World::new(1));
    world.now = start().plus_millis(5_000);
    step(&mut engine, &world, 1, &Event::Clock);
    world.now = start();
    let outputs = step(&mut engine, &world, 2, &Event::Clock);
    assert!(matches!(&outputs[..], [Output::Refused { rule }] if rule.contains("went back")), "{outputs:?}");
    assert_eq!(engine.now(), start().plus_millis(5_000));
}
