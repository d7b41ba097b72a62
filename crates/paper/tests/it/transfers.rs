//! What venues do with requests to move our money.

use crate::trader::{after, assert_conserved, calm, only, venue, world};
use book::Place;
use engine::{Event, Output, ProposalId, Transfer, TransferNews};
use journal::Seq;
use paper::{Deposit, Incident, IncidentKind, World, WorldConfig};
use units::{Account, Asset, Decimal, Money, Timestamp, Venue};

fn usdc() -> Asset {
    Asset::new("USDC").unwrap()
}

/// Two accounts at one venue, which takes a fee of 2 USDC.
fn config(name: &str) -> WorldConfig {
    let mut config = only(calm(), name);
    config.accounts.push(Account::new("vault").unwrap());
    config.venue[0].opening_positions = 0;
    config.venue[0].transfer.fee = vec![Deposit { asset: usdc(), amount: Decimal::TWO }];
    config
}

fn places(world: &World) -> [Place; 2] {
    let truth = world.truth().next().unwrap();
    [truth.places[0].clone(), truth.places[1].clone()]
}

fn balance(world: &World, place: &Place) -> Decimal {
    world.truth().next().unwrap().ledger.balance(place, &usdc())
}

fn transfer(world: &World, number: u64, amount: i64) -> Transfer {
    let [from, to] = places(world);
    Transfer {
        id: ProposalId::new(Seq::new(number), 0),
        from,
        to,
        money: Money { amount: Decimal::from(amount), asset: usdc() },
        valid_until: world.now().plus_millis(60_000),
    }
}

/// News of transfers, with the end that tells them.
fn told(events: &[(Timestamp, Event)]) -> Vec<(Place, TransferNews)> {
    let of = |(_, event): &(Timestamp, Event)| match event {
        Event::Transfer(event) => Some((event.place.clone(), event.news.clone())),
        _ => None,
    };
    events.iter().filter_map(of).collect()
}

fn left(block: Option<engine::BlockNumber>) -> TransferNews {
    TransferNews::Left { fee: Some(Money { amount: Decimal::TWO, asset: usdc() }), block }
}

/// Taken within a second, credited thirty later; what everybody holds sums to what it was, less the fee.
#[test]
fn an_exchange_takes_the_money_then_it_is_under_way_then_it_is_credited() {
    let mut world = world(&config("deribit"), 1);
    let [from, to] = places(&world);
    let asked = transfer(&world, 1, 1_000);
    let before = (balance(&world, &from), balance(&world, &to));
    world.take(world.now(), &Output::Transfer(asked.clone()));
    let events = world.advance(after(5));
    assert_eq!(told(&events), [(from.clone(), TransferNews::Accepted), (from.clone(), left(None))]);
    assert_eq!(balance(&world, &from), before.0 - Decimal::from(1_002));
    assert_eq!(balance(&world, &to), before.1);
    assert_eq!(world.under_way().collect::<Vec<_>>(), [&asked]);
    assert_conserved(&world);
    assert!(told(&world.advance(after(30))).is_empty(), "thirty seconds of transit");
    assert_eq!(told(&world.advance(after(33))), [(to.clone(), TransferNews::Arrived)]);
    assert_eq!(balance(&world, &to), before.1 + Decimal::from(1_000));
    assert_eq!(world.under_way().next(), None);
    assert_conserved(&world);
    // The same id is taken once, and both ends say what became of it.
    world.take(world.now(), &Output::Transfer(asked.clone()));
    world.take(world.now(), &Output::QueryTransfer { id: asked.id, place: to.clone() });
    let mut again = told(&world.advance(after(70)));
    again.sort_by_key(|(place, _)| place.clone());
    assert_eq!(again, [(from.clone(), left(None)), (to.clone(), TransferNews::Arrived)]);
    assert_eq!(balance(&world, &from), before.0 - Decimal::from(1_002));
    // Of what it never heard of it says so.
    let id = ProposalId::new(Seq::new(9), 0);
    world.take(world.now(), &Output::QueryTransfer { id, place: from.clone() });
    assert_eq!(told(&world.advance(after(80))), [(from, TransferNews::NotKnown)]);
}

#[test]
fn what_cannot_leave_is_rejected_with_its_reason() {
    let elsewhere = |transfer: &mut Transfer| transfer.to.venue = Venue::new("nowhere").unwrap();
    let late = |transfer: &mut Transfer| transfer.valid_until = after(-1);
    let nothing = |transfer: &mut Transfer| transfer.money.amount = Decimal::ZERO;
    let same = |transfer: &mut Transfer| transfer.to = transfer.from.clone();
    let too_much = |transfer: &mut Transfer| transfer.money.amount = Decimal::from(500_000);
    type Change<'a> = &'a dyn Fn(&mut Transfer);
    let cases: [(&str, Change<'_>); 5] = [
        ("no such destination", &elsewhere),
        ("after its time", &late),
        ("above zero", &nothing),
        ("both ends", &same),
        // All there is, and no fee.
        ("holds 500000 USDC, less than 500002", &too_much),
    ];
    for (expected, change) in cases {
        let mut world = world(&config("deribit"), 1);
        let mut asked = transfer(&world, 1, 1_000);
        change(&mut asked);
        world.take(world.now(), &Output::Transfer(asked.clone()));
        let news = told(&world.advance(after(60)));
        let [(_, TransferNews::Rejected(why))] = &news[..] else { panic!("{expected}: {news:?}") };
        assert!(why.contains(expected), "{expected}: {why}");
        assert!(!world.has_left(asked.id));
    }
}

/// What positions ask for stays: with them less may leave than there is.
#[test]
fn margin_that_would_be_short_keeps_the_money() {
    let mut config = config("hyperliquid");
    config.venue[0].opening_positions = 3;
    config.venue[0].transfer.margin_rate = 1.0;
    let mut world = world(&config, 1);
    let [from, _] = places(&world);
    let all = balance(&world, &from).trunc() - Decimal::TWO;
    for (number, amount, is_fine) in [(1, all, false), (2, all / Decimal::TWO, true)] {
        let asked = transfer(&world, number, i64::try_from(amount.trunc()).unwrap());
        world.take(world.now(), &Output::Transfer(asked.clone()));
        let news = told(&world.advance(world.now().plus_millis(20_000)));
        let short = news
            .iter()
            .any(|(_, news)| matches!(news, TransferNews::Rejected(why) if why.contains("margin")));
        assert_eq!((world.has_left(asked.id), short), (is_fine, !is_fine), "{news:?}");
    }
}

/// On a chain a block takes the money, four more make it final, and then it is credited.
#[test]
fn on_a_chain_it_leaves_in_a_block_and_is_credited_when_that_is_deep() {
    let mut world = world(&config("derive"), 1);
    let [from, to] = places(&world);
    let asked = transfer(&world, 1, 1_000);
    world.take(world.now(), &Output::Transfer(asked));
    let events = world.advance(after(60));
    let (mut head, mut block_of, mut seen) = (None, None, 0);
    for (_, event) in &events {
        match event {
            Event::Block { number, .. } => head = Some(*number),
            Event::Transfer(event) => match &event.news {
                TransferNews::Left { block, .. } => {
                    assert_eq!((*block, &event.place), (head, &from));
                    block_of = *block;
                }
                TransferNews::Arrived => {
                    assert_eq!(event.place, to);
                    assert!(head.unwrap().get() >= block_of.unwrap().get() + 4);
                    seen += 1;
                }
                other => panic!("{other:?}"),
            },
            _ => {}
        }
    }
    assert_eq!(seen, 1);
    assert_conserved(&world);
}

/// Blocks that are replaced take a departure back: the balance is as before, the transaction waits again, and the money leaves once in all.
#[test]
fn a_reorganisation_takes_a_departure_back_and_it_leaves_again() {
    let mut taken_back = 0;
    for seconds in 3..12 {
        let mut config = config("derive");
        config.incident = vec![Incident {
            kind: IncidentKind::Reorg,
            venue: venue("derive"),
            start_seconds: seconds,
            duration_seconds: 0,
            size: 3.0,
        }];
        let mut world = world(&config, 1);
        let [from, to] = places(&world);
        let before = (balance(&world, &from), balance(&world, &to));
        world.advance(after(2));
        let asked = transfer(&world, 1, 1_000);
        world.take(world.now(), &Output::Transfer(asked.clone()));
        let events = world.advance(after(120));
        let departures =
            told(&events).into_iter().filter(|(_, news)| matches!(news, TransferNews::Left { .. }));
        taken_back += departures.count() - 1;
        assert_eq!(balance(&world, &from), before.0 - Decimal::from(1_002), "reorganised after {seconds} s");
        assert_eq!(balance(&world, &to), before.1 + Decimal::from(1_000));
        assert_conserved(&world);
    }
    assert!(taken_back > 0, "no departure was in a replaced block");
}

/// A world without transfers draws what it drew before there were any: the whole history is pinned in `tests/bits.rs`; here the market is
/// the same with a transfer, and so are the other venues.
#[test]
fn a_transfer_moves_nothing_elsewhere() {
    let mut config = calm();
    config.accounts.push(Account::new("vault").unwrap());
    let quiet = |world: &mut World| {
        let events = world.advance(after(60)).into_iter();
        let others = events.filter(|(_, event)| match event {
            Event::Quotes { feed, .. } => feed != "deribit",
            Event::Fill(fill) => fill.place.venue.as_str() != "deribit",
            _ => false,
        });
        others.collect::<Vec<_>>()
    };
    let (mut with, mut without) = (world(&config, 3), world(&config, 3));
    let asked = transfer(&with, 1, 1_000);
    with.take(with.now(), &Output::Transfer(asked.clone()));
    assert_eq!(quiet(&mut with), quiet(&mut without));
    assert!(with.has_left(asked.id));
}
