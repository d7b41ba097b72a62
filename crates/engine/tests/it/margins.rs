//! Margins as live views: those of a report on the same ledger and market, at clocks.

use crate::views::{engine, step};
use crate::world::{World, place};
use engine::{CashEvent, CashKind, Engine, Event, FillEvent, State};
use journal::Machine;
use margin::{Rulebooks, account_states};
use units::{Account, Asset, Fixed, Money, Venue};

const POLICY: &str =
    "source = 'test'\nvalid_from = '2026-11-01'\n[margin]\nevery_seconds = 10\nliquidation_of = ['BTC']\n";

fn short_call(engine: &mut Engine, world: &mut World) {
    step(engine, world, 1, &world.all_quotes());
    let cash = |text, asset| CashEvent {
        place: place("a", "deribit"),
        money: Money::parse(text, Asset::new(asset).unwrap()).unwrap(),
        kind: CashKind::Deposit,
        time: world.now,
    };
    step(engine, world, 2, &Event::Cash(cash("5", "BTC")));
    let fill = world.fill_of("deribit", "BTC-25DEC26-100000-C", -10);
    step(engine, world, 3, &Event::Fill(FillEvent { place: place("a", "deribit"), fee: None, ..fill }));
}

fn rulebook(id: &str) -> Event {
    Event::Rulebook { file: format!("{id}.toml"), text: Rulebooks::embedded_text(id).unwrap().into() }
}

#[test]
fn a_margin_is_that_of_its_rulebook_on_the_same_ledger_and_market() {
    let (mut engine, mut world) = (engine(), World::new(3));
    step(&mut engine, &world, 0, &Event::Policy { text: POLICY.into() });
    short_call(&mut engine, &mut world);
    let key = (Account::new("a").unwrap(), Venue::new("deribit").unwrap());
    assert!(engine.margins().of().is_empty(), "at clocks only");
    step(&mut engine, &world, 4, &Event::Clock);
    let none = engine.margins().of()[&key].as_ref().unwrap_err();
    assert!(none.contains("no rulebook of deribit has been given"), "{none}");

    for id in ["deribit-sm", "deribit-xpm"] {
        // Neither claims a venue: the policy names it.
        let policy = format!("{POLICY}rulebooks = {{ \"a@deribit\" = \"{id}\" }}\n");
        step(&mut engine, &world, 5, &Event::Policy { text: policy });
        step(&mut engine, &world, 6, &rulebook(id));
        world.now = world.now.plus_millis(1_000);
        step(&mut engine, &world, 7, &Event::Clock);
        let view = engine.margins().of()[&key].as_ref().unwrap();
        let state = account_states(&engine.ledger().book(), engine.market()).swap_remove(0);
        let books = Rulebooks::embedded().unwrap();
        let expected = books.get(id).unwrap().outcome(&state);
        assert_eq!(
            view.maintenance_margin_usd,
            Fixed::quantise_up(expected.requirement.maintenance).unwrap()
        );
        assert_eq!(view.counted_usd, Fixed::quantise_down(expected.counted.maintenance).unwrap());
        assert_eq!(view.maintenance_use, Some(Fixed::quantise_up(expected.utilisation().unwrap()).unwrap()));
        let distance = view.liquidation[&Asset::new("BTC").unwrap()];
        assert!(
            distance.up_percent.is_some_and(|up| up > Fixed::ZERO),
            "a short call dies of a rise: {distance:?}"
        );
        assert_eq!(distance.nearest_percent(), distance.up_percent);
    }
}

/// Figures have a time of their own, so a snapshot keeps them: derived anew they would be others.
#[test]
fn margins_stay_between_clocks_and_over_a_snapshot() {
    let (mut engine, mut world) = (engine(), World::new(3));
    let policy = format!("{POLICY}rulebooks = {{ \"a@deribit\" = \"deribit-sm\" }}\n");
    step(&mut engine, &world, 0, &Event::Policy { text: policy });
    step(&mut engine, &world, 0, &rulebook("deribit-sm"));
    short_call(&mut engine, &mut world);
    step(&mut engine, &world, 4, &Event::Clock);
    let before = engine.margins().of().clone();
    assert!(before.values().all(Result::is_ok), "{before:?}");
    world.set_btc(99_000.0);
    world.now = world.now.plus_millis(5_000);
    step(&mut engine, &world, 5, &world.all_quotes());
    step(&mut engine, &world, 6, &Event::Clock);
    assert_eq!(engine.margins().of(), &before, "not due yet");
    let restored = engine.restore(&engine.snapshot()).unwrap();
    assert_eq!(restored.margins(), engine.margins());
    world.now = world.now.plus_millis(5_000);
    step(&mut engine, &world, 7, &Event::Clock);
    assert_ne!(engine.margins().of(), &before);
}

#[test]
fn a_rulebook_with_mistakes_is_refused_and_the_old_one_stays() {
    let (mut engine, world) = (engine(), World::new(3));
    step(&mut engine, &world, 0, &rulebook("deribit-sm"));
    let bad = Event::Rulebook { file: "mine.toml".into(), text: "id = 3".into() };
    let outputs = step(&mut engine, &world, 1, &bad);
    assert!(outputs[0].to_string().contains("mine.toml"), "{outputs:?}");
    assert!(engine.margins().rulebooks().get("deribit-sm").is_some());
}

/// The book is reduce_only while an account uses over half of what it has, and free again after it has been below for ten seconds.
#[test]
fn a_trigger_acts_on_the_use_of_margin() {
    let (mut engine, mut world) = (engine(), World::new(3));
    let policy = format!(
        "{}rulebooks = {{ \"a@deribit\" = \"deribit-sm\" }}\n[[trigger]]\nname = 'thin'\neach = ['account', 'venue']\n\
         when = \"maintenance_use > 0.5 || liquidation_distance_percent < 5.0\"\ncool_down_seconds = 10\nactions = ['reduce_only', 'alert']\n",
        POLICY.replace("every_seconds = 10", "every_seconds = 1")
    );
    let refused = step(&mut engine, &world, 0, &Event::Policy { text: policy });
    assert!(refused.is_empty(), "{refused:?}");
    short_call(&mut engine, &mut world);
    let tick = |engine: &mut Engine, world: &mut World, btc: f64| {
        world.set_btc(btc);
        world.now = world.now.plus_millis(5_000);
        step(engine, world, 5, &world.all_quotes());
        let outputs = step(engine, world, 6, &Event::Clock);
        outputs.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    // Without a rulebook the margin is not known: nothing fires, and it says why.
    let said = tick(&mut engine, &mut world, 92_000.0);
    assert_eq!(engine.state(), State::Normal, "{said}");
    step(&mut engine, &world, 7, &rulebook("deribit-sm"));
    let said = tick(&mut engine, &mut world, 92_000.0);
    assert_eq!(engine.state(), State::Normal, "{said}");
    let said = tick(&mut engine, &mut world, 125_000.0);
    let view = engine.margins().of().values().next().unwrap().as_ref().unwrap();
    assert_eq!(engine.state(), State::ReduceOnly, "{said}: {view:?}");
    assert!(said.contains("maintenance_use"), "{said}");
    tick(&mut engine, &mut world, 92_000.0);
    assert_eq!(engine.state(), State::ReduceOnly, "it rests");
    tick(&mut engine, &mut world, 92_000.0);
    tick(&mut engine, &mut world, 92_000.0);
    assert_eq!(engine.state(), State::Normal);
    // A margin is of accounts.
    let by_coin = Event::Policy {
        text: format!(
            "{POLICY}[[trigger]]\nname = 'x'\neach = ['underlying']\nwhen = \"maintenance_use > 0.5\"\nactions = ['warn']\n"
        ),
    };
    let refused = step(&mut engine, &world, 9, &by_coin);
    assert!(refused[0].to_string().contains("is of accounts"), "{refused:?}");
}
