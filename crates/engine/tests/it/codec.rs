//! Events as bytes: what is read is what was written, old bytes stay readable, and no bytes panic.

use crate::world::{World, place, start};
use engine::{
    Arming, BlockNumber, CashEvent, CashKind, Command, Event, FillEvent, Link, OrderEvent, OrderNews,
    ProposalId, ReportedEvent, ReportedPosition, State, Ticket, TransferEvent, TransferNews,
};
use journal::{Event as _, Seq, Tag};
use proptest::prelude::*;
use units::{Asset, Money, OrderId, Spot, Symbol, Venue};

fn bytes(event: &Event) -> (Tag, Vec<u8>) {
    let mut payload = Vec::new();
    let tag = event.encode(&mut payload);
    (tag, payload)
}

/// One event of every kind, with every optional part there.
fn one_of_each() -> Vec<Event> {
    let mut world = World::new(1);
    let mut fill = world.fill_of("deribit", "BTC-25DEC26-90000-C", -3);
    fill.fee = Some(Money::parse("0.0003", Asset::new("BTC").unwrap()).unwrap());
    let order = OrderId::new("P1204.0").unwrap();
    let of_order =
        FillEvent { order: Some(order.clone()), block: Some(BlockNumber::new(300)), ..fill.clone() };
    let told = |news| Event::Order(OrderEvent { id: order.clone(), news, time: start() });
    let moved = |news| {
        let id = ProposalId::new(Seq::new(1206), 2);
        Event::Transfer(TransferEvent { id, place: place("a", "deribit"), news, time: start() })
    };
    let fee = Money::parse("0.0001", Asset::new("BTC").unwrap()).unwrap();
    let symbol = Symbol::new("BTC-PERPETUAL").unwrap();
    let (asset, venue) = (Asset::new("BTC").unwrap(), Venue::new("deribit").unwrap());
    let here = place("a", "deribit");
    let cash = |kind| {
        let money = Money::parse("-1.5", asset.clone()).unwrap();
        Event::Cash(CashEvent { place: here.clone(), money, kind, time: start() })
    };
    let operator = |command| Event::Operator { who: "me".into(), command };
    let reported = ReportedEvent {
        place: here.clone(),
        positions: vec![ReportedPosition {
            symbol: symbol.clone(),
            quantity: "-2".parse().unwrap(),
            average_price: Some("91000.5".parse().unwrap()),
        }],
        balances: vec![(asset.clone(), "0.25".parse().unwrap())],
        time: start(),
    };
    vec![
        Event::Clock,
        Event::Quotes { feed: "f".into(), rows: vec![world.quote("deribit", "BTC-25DEC26-90000-C")] },
        Event::Snapshot { feed: "s".into(), rows: vec![world.quote("deribit", "BTC-PERPETUAL")] },
        Event::Rate { asset: Asset::new("USDC").unwrap(), usd: Some(Spot::new(0.9995).unwrap()) },
        Event::Fill(fill),
        cash(CashKind::Deposit),
        cash(CashKind::Funding { symbol: symbol.clone() }),
        cash(CashKind::Transfer { to: place("b", "wallet") }),
        Event::Settle { venue, symbol: symbol.clone(), price: "92000.5".parse().unwrap(), time: start() },
        Event::Reported(reported),
        Event::Policy { text: "source = 'x'".into() },
        operator(Command::Adopt { place: here.clone() }),
        operator(Command::State(Some(State::Paused))),
        Event::Fill(of_order),
        told(OrderNews::Accepted),
        told(OrderNews::Rejected("too small".into())),
        told(OrderNews::Ended { filled: Some("-1.5".parse().unwrap()) }),
        told(OrderNews::NotKnown),
        Event::Link { venue: here.venue.clone(), link: Link::Up },
        Event::Block { chain: here.chain.clone(), number: BlockNumber::new(300) },
        Event::Reorg { chain: here.chain.clone(), from: BlockNumber::new(299) },
        Event::Started,
        operator(Command::Arming(Arming::Armed)),
        operator(Command::Approve(ProposalId::new(Seq::new(1204), 1))),
        operator(Command::Decline(ProposalId::new(Seq::new(1205), 0))),
        Event::Rulebook { file: "r.toml".into(), text: "id = 'x'".into() },
        moved(TransferNews::Accepted),
        moved(TransferNews::Rejected("too little".into())),
        moved(TransferNews::Left { fee: Some(fee), block: Some(BlockNumber::new(300)) }),
        moved(TransferNews::Arrived),
        moved(TransferNews::NotKnown),
        operator(Command::Propose(Ticket {
            place: here.clone(),
            symbol: symbol.clone(),
            quantity: "-120".parse().unwrap(),
            limit_price: Some("91000.5".parse().unwrap()),
        })),
        operator(Command::Cancel(OrderId::new("P1204.1").unwrap())),
    ]
}

#[test]
fn every_event_is_read_as_it_was_written() {
    for event in one_of_each() {
        let (tag, payload) = bytes(&event);
        assert_eq!(Event::decode(tag, &payload).unwrap(), event);
    }
    let mut world = World::new(77);
    for _ in 0..2_000 {
        let event = world.next();
        let (tag, payload) = bytes(&event);
        let back = Event::decode(tag, &payload).unwrap();
        // A price that is no number is not equal to itself, but its bytes are.
        assert_eq!(bytes(&back), (tag, payload));
    }
}

/// Journals are kept for years: these are the bytes of each version. A change here is a new version, not a new expectation.
#[test]
fn bytes_of_version_one() {
    let hex = |event: &Event| {
        let (tag, payload) = bytes(event);
        let digits: String = payload.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{}.{} {digits}", tag.kind, tag.version)
    };
    let all: Vec<String> = one_of_each().iter().map(hex).collect();
    let expected = include_str!("events_v1.txt");
    assert_eq!(all.join("\n"), expected.trim_end());
}

#[test]
fn what_is_no_event_is_refused_in_words() {
    for (kind, version, payload, expected) in [
        (0, 1, vec![], "kind 0"),
        (99, 1, vec![], "knows 1 to 17"),
        (1, 2, vec![], "version 2"),
        (1, 1, vec![0], "kind 1"),
        (8, 1, vec![1, b'a', 0], "too many"),
        (4, 1, vec![3], "payload"),
    ] {
        let error = Event::decode(Tag { kind, version }, &payload).unwrap_err();
        assert!(error.contains(expected), "{kind}.{version}: {error}");
    }
}

proptest! {
    /// Whatever bytes a damaged or hostile journal holds, decoding ends in an event or in words.
    #[test]
    fn no_bytes_panic(kind in 0_u16..19, version in 1_u16..3, payload in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Event::decode(Tag { kind, version }, &payload);
    }

    /// The same for bytes that were an event before one of them changed.
    #[test]
    fn no_changed_byte_panics(which in 0_usize..33, place in any::<prop::sample::Index>(), value in any::<u8>()) {
        let event = one_of_each().swap_remove(which);
        let (tag, mut payload) = bytes(&event);
        if !payload.is_empty() {
            let index = place.index(payload.len());
            payload[index] = value;
        }
        let _ = Event::decode(tag, &payload);
    }
}
