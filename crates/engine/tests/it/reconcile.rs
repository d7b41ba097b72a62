//! What a venue reports against the ledger.

use crate::views::{assert_recomputed, engine, policy, step};
use crate::world::{World, place};
use engine::{CashEvent, CashKind, Command, Event, Held, Output, ReportedEvent, ReportedPosition};
use journal::Machine;
use units::{Asset, Decimal, Money, Symbol};

fn reported(world: &World, quantity: &str, btc: &str) -> Event {
    Event::Reported(ReportedEvent {
        place: place("a", "deribit"),
        positions: vec![ReportedPosition {
            symbol: Symbol::new("BTC-PERPETUAL").unwrap(),
            quantity: quantity.parse().unwrap(),
            average_price: Some("91000".parse().unwrap()),
        }],
        balances: vec![(Asset::new("BTC").unwrap(), btc.parse().unwrap())],
        time: world.now,
    })
}

#[test]
fn differences_are_said_one_by_one_block_the_place_and_are_taken_over_on_command() {
    let (mut engine, mut world) = (engine(), World::new(5));
    step(&mut engine, &world, 0, &policy());
    step(&mut engine, &world, 1, &world.all_quotes());
    let money = Money::parse("2.5", Asset::new("BTC").unwrap()).unwrap();
    let cash = CashEvent { place: place("a", "deribit"), money, kind: CashKind::Deposit, time: world.now };
    step(&mut engine, &world, 2, &Event::Cash(cash));
    let mut fill = world.fill_of("deribit", "BTC-PERPETUAL", 1_000);
    (fill.place, fill.fee) = (place("a", "deribit"), None);
    step(&mut engine, &world, 3, &Event::Fill(fill));

    assert!(
        step(&mut engine, &world, 4, &reported(&world, "1000", "2.5")).is_empty(),
        "the same: nothing to say"
    );
    let outputs = step(&mut engine, &world, 5, &reported(&world, "1500", "2.4999"));
    let differences: Vec<(&Held, Decimal, Decimal)> = outputs
        .iter()
        .map(|o| match o {
            Output::Difference { held, own, reported, .. } => (held, *own, *reported),
            other => panic!("{other:?}"),
        })
        .collect();
    let (position, balance) =
        (Held::Position(Symbol::new("BTC-PERPETUAL").unwrap()), Held::Balance(Asset::new("BTC").unwrap()));
    let number = |text: &str| text.parse::<Decimal>().unwrap();
    assert_eq!(
        differences,
        [(&position, number("1000"), number("1500")), (&balance, number("2.5"), number("2.4999"))]
    );
    assert_eq!(engine.unreconciled().collect::<Vec<_>>(), [&place("a", "deribit")]);
    assert_eq!(engine.ledger().balance(&place("a", "deribit"), &Asset::new("BTC").unwrap()), number("2.5"));

    let adopt =
        Event::Operator { who: "ops".into(), command: Command::Adopt { place: place("a", "deribit") } };
    let outputs = step(&mut engine, &world, 6, &adopt);
    assert!(matches!(outputs.last(), Some(Output::Reconciled { .. })), "{outputs:?}");
    assert_eq!(engine.unreconciled().count(), 0);
    assert!(step(&mut engine, &world, 7, &reported(&world, "1500", "2.4999")).is_empty());
    assert_recomputed(&engine);
    let (_, held) = engine.ledger().positions().next().unwrap();
    // 1,500 USD at 91,000: the entry value of an inverse perpetual is in coin, and gives the price back to a part in 1e14.
    let average = held.average_price().unwrap().get() - number("91000");
    assert!(average.abs() < number("0.000000001"), "{average}");

    let outputs = step(&mut engine, &world, 8, &adopt);
    assert!(
        matches!(&outputs[..], [Output::Refused { rule }] if rule.contains("nothing to adopt")),
        "{outputs:?}"
    );

    // The message of a fill that the report had in it comes late, also after a restart: it is not booked again.
    let mut twin = engine.restore(&engine.snapshot()).unwrap();
    let mut late = world.fill_of("deribit", "BTC-PERPETUAL", 500);
    (late.place, late.fee, late.time) = (place("a", "deribit"), None, world.now.plus_millis(-1));
    let outputs = step(&mut twin, &world, 8, &Event::Fill(late.clone()));
    assert!(outputs[0].to_string().contains("is in the report of"), "{outputs:?}");
    late.time = world.now;
    assert!(matches!(step(&mut twin, &world, 9, &Event::Fill(late))[..], [Output::Posted(_), ..]));
}

#[test]
fn what_a_report_does_not_name_is_zero() {
    let (mut engine, mut world) = (engine(), World::new(6));
    let mut fill = world.fill_of("deribit", "BTC-PERPETUAL", 1_000);
    (fill.place, fill.fee) = (place("a", "deribit"), None);
    step(&mut engine, &world, 1, &Event::Fill(fill));
    let nothing = ReportedEvent {
        place: place("a", "deribit"),
        positions: Vec::new(),
        balances: Vec::new(),
        time: world.now,
    };
    let outputs = step(&mut engine, &world, 2, &Event::Reported(nothing));
    assert!(
        matches!(&outputs[..], [Output::Difference { reported, .. }] if reported.is_zero()),
        "{outputs:?}"
    );
}
