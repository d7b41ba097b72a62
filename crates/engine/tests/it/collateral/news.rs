//! What becomes of a transfer: its news in any order, lost, repeated; restarts, replaced blocks, reports that were adopted.

use super::{Desk, HEAD, RULE, btc, decimal, first, lines, place, sent};
use engine::{
    Arming, BlockNumber, CashEvent, CashKind, Command, Event, Link, Output, Transfer, TransferNews,
    TransferPhase,
};
use journal::Machine;
use risk::{GroupBy, GroupKey, Measure};
use units::{Asset, Chain, Decimal, Fixed, Venue};

/// Delta of BTC of the whole book, USD.
fn delta(desk: &Desk) -> Fixed {
    let items = desk.engine.views().items();
    let rows: Vec<_> = items.into_values().filter_map(|valued| valued.rows.ok()).flatten().collect();
    let groups = risk::group(&rows, &[GroupBy::Underlying]);
    let of = groups.iter().find(|group| group.key == [GroupKey::Text("BTC".into())]).unwrap();
    of.exposure.in_usd(Measure::Delta)
}

fn left() -> TransferNews {
    TransferNews::Left { fee: Some(btc("0.002")), block: None }
}

fn queries(outputs: &[Output]) -> usize {
    outputs.iter().filter(|output| matches!(output, Output::QueryTransfer { .. })).count()
}

fn alerts(outputs: &[Output]) -> Vec<String> {
    let of = |output: &Output| if let Output::Alert { text } = output { Some(text.clone()) } else { None };
    outputs.iter().filter_map(of).collect()
}

#[test]
fn money_leaves_is_under_way_and_arrives() {
    let mut desk = Desk::armed();
    let Transfer { id, from, to, money, .. } = first(&mut desk);
    let (vault, at_a) = (desk.balance("v", "wallet"), desk.balance("a", "deribit"));
    desk.hear(id, &from, TransferNews::Accepted);
    assert_eq!(desk.engine.transfers()[&id].phase, TransferPhase::Accepted);
    assert_eq!(desk.balance("v", "wallet"), vault, "nothing has left");

    let before = delta(&desk);
    desk.hear(id, &from, left());
    assert_eq!(desk.balance("v", "wallet"), vault - money.amount - decimal("0.002"));
    assert_eq!(desk.balance("a", "deribit"), at_a);
    let open = &desk.engine.transfers()[&id];
    assert_eq!((open.phase, open.left), (TransferPhase::UnderWay, Some(desk.now)));
    // The coins are the book's still: only the fee is gone.
    let gone = (before - delta(&desk)).to_f64();
    assert!((gone - 0.002 * 92_000.0).abs() < 0.01, "a fee of 0.002 BTC at 92000: {gone}");
    desk.assert_conserved();
    desk.wait(7);
    assert_eq!(desk.engine.transfers()[&id].age_seconds(desk.now), 7);
    let margins = desk.engine.margins().of();
    assert!(
        margins.keys().all(|(_, venue)| venue.as_str() != "in-transit"),
        "no account's collateral: {margins:?}"
    );
    assert!(margins.iter().any(|((account, _), view)| account.as_str() == "a"
        && view.as_ref().unwrap().maintenance_use > Some(Fixed::quantise(0.5).unwrap())));

    let outputs = desk.hear(id, &to, TransferNews::Arrived);
    assert!(lines(&outputs).contains("arrived"), "{}", lines(&outputs));
    assert_eq!(desk.balance("a", "deribit"), at_a + money.amount);
    assert!(desk.engine.transfers().is_empty());
    desk.assert_conserved();
    assert!(sent(&desk.wait(1)).is_empty(), "the use is at its target");
}

/// Connections of the two ends differ: whatever order their news come in, and however often, the books end the same.
#[test]
fn news_in_any_order_and_repeated_book_the_same() {
    let news = [(0, TransferNews::Accepted), (0, left()), (1, TransferNews::Arrived)];
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let mut ends = Vec::new();
    for order in orders {
        for repeats in [1, 2] {
            let mut desk = Desk::armed();
            let Transfer { id, from, to, .. } = first(&mut desk);
            for at in order {
                let (end, news) = &news[at];
                for _ in 0..repeats {
                    let outputs = desk.hear(id, if *end == 0 { &from } else { &to }, news.clone());
                    assert_eq!(alerts(&outputs), Vec::<String>::new());
                    desk.assert_conserved();
                    let bytes = desk.engine.snapshot();
                    assert_eq!(desk.engine.restore(&bytes).unwrap().state_hash(), desk.engine.state_hash());
                }
            }
            assert!(desk.engine.transfers().is_empty(), "{order:?}");
            ends.push((desk.balance("v", "wallet"), desk.balance("a", "deribit")));
        }
    }
    ends.dedup();
    assert_eq!(ends.len(), 1, "{ends:?}");
    assert_eq!(ends[0].0 + ends[0].1, decimal("11") - decimal("0.002") + premium(), "all of it is there");
}

/// What the short calls of the test brought in.
fn premium() -> Decimal {
    Desk::armed().balance("a", "deribit") - decimal("1")
}

#[test]
fn what_its_source_rejects_frees_the_money_and_the_rule_rests() {
    let mut desk = Desk::armed();
    let Transfer { id, from, .. } = first(&mut desk);
    let outputs = desk.hear(id, &from, TransferNews::Rejected("closed on sundays".into()));
    assert!(lines(&outputs).contains("nothing moved: closed on sundays"), "{}", lines(&outputs));
    assert!(desk.engine.transfers().is_empty());
    // Twice its cool-down of ten seconds after the first rejection.
    for _ in 0..19 {
        assert!(sent(&desk.wait(1)).is_empty());
    }
    let again = sent(&desk.wait(1));
    assert_eq!(again.len(), 1);
    assert_ne!(again[0].id, id, "another attempt is another transfer");
    // News that it moved after all book nothing, and a person hears of it.
    let outputs = desk.hear(id, &from, left());
    assert!(alerts(&outputs)[0].contains("moved after all"), "{}", lines(&outputs));
    desk.assert_conserved();
}

#[test]
fn after_a_restart_it_is_asked_for_and_not_sent_again() {
    let mut desk = Desk::armed();
    let Transfer { id, from, .. } = first(&mut desk);
    let outputs = desk.tell(Event::Started);
    assert!(sent(&outputs).is_empty());
    desk.say(Command::Arming(Arming::Armed));
    let outputs = desk.up();
    assert_eq!(queries(&outputs), 1, "{}", lines(&outputs));
    assert_eq!(desk.engine.transfers()[&id].phase, TransferPhase::Asked);
    // It never arrived there. Until the last moment at which it would be taken it may be on its way.
    let mut asked = 0;
    for _ in 0..61 {
        desk.hear(id, &from, TransferNews::NotKnown);
        let outputs = desk.wait(1);
        asked += queries(&outputs);
        assert!(sent(&outputs).is_empty());
        assert!(desk.engine.transfers().contains_key(&id), "{}", lines(&outputs));
    }
    assert!(asked == 0, "it is answered every second: {asked}");
    desk.wait(2);
    let outputs = desk.hear(id, &from, TransferNews::NotKnown);
    assert!(lines(&outputs).contains("nothing moved"), "{}", lines(&outputs));
    assert!(desk.engine.transfers().is_empty());
}

#[test]
fn a_late_arrival_is_told_once_and_asked_for_at_its_destination() {
    let mut desk = Desk::armed();
    let Transfer { id, from, to, .. } = first(&mut desk);
    desk.hear(id, &from, left());
    let mut told = Vec::new();
    for _ in 0..59 {
        let outputs = desk.wait(1);
        assert_eq!(queries(&outputs), 0, "in time it is left in peace");
        told.extend(alerts(&outputs));
    }
    assert!(told.is_empty());
    let outputs = desk.wait(1);
    assert!(alerts(&outputs)[0].contains("is late: under way after 60 s"), "{}", lines(&outputs));
    let at = |output: &Output| matches!(output, Output::QueryTransfer { place, .. } if *place == to);
    assert!(outputs.iter().any(at), "{}", lines(&outputs));
    desk.hear(id, &to, TransferNews::NotKnown);
    assert!(desk.engine.transfers().contains_key(&id), "what has left is not gone");
    let outputs = desk.wait(5);
    assert!(
        alerts(&outputs).is_empty() && outputs.iter().any(at),
        "asked again, told once: {}",
        lines(&outputs)
    );
}

/// A report that has a departure in it was adopted before the departure was told: it is booked once.
#[test]
fn a_movement_that_an_adopted_report_has_in_it_is_booked_once() {
    let mut desk = Desk::armed();
    let Transfer { id, from, to, money, .. } = first(&mut desk);
    let when = desk.now;
    let (vault, at_a) = (desk.balance("v", "wallet"), desk.balance("a", "deribit"));
    desk.wait(1);
    for (end, more) in [(&from, -money.amount - decimal("0.002")), (&to, money.amount)] {
        let report = desk.report(end, more);
        let outputs = desk.tell(report);
        // The difference may be news that were lost: who can say more is asked at once.
        assert_eq!(queries(&outputs), usize::from(*end == from), "{}", lines(&outputs));
        desk.say(Command::Adopt { place: end.clone() });
    }
    desk.wait(1);
    for (end, news) in [(&from, left()), (&to, TransferNews::Arrived)] {
        let event = engine::TransferEvent { id, place: end.clone(), news, time: when };
        desk.tell(Event::Transfer(event));
        desk.assert_conserved();
    }
    assert_eq!(desk.balance("v", "wallet"), vault - money.amount - decimal("0.002"));
    assert_eq!(desk.balance("a", "deribit"), at_a + money.amount);
    assert!(desk.engine.transfers().is_empty());
    // What was unexplained is explained: adjustments of each place sum to nothing.
    let mut unexplained = Decimal::ZERO;
    for ((_, kind, _), amount) in desk.engine.profit().cash() {
        if *kind == book::EntryKind::Adjustment {
            unexplained += *amount;
        }
    }
    assert!(unexplained.is_zero(), "{unexplained}");
}

/// A departure in a block that is replaced never happened, until it is in another.
#[test]
fn a_replaced_block_takes_a_departure_back() {
    let on_chain = RULE.replace(
        r#"account = "v", venue = "wallet", chain = "offchain""#,
        r#"account = "v", venue = "wallet", chain = "ethereum""#,
    );
    let mut desk = Desk::new(&format!("{HEAD}{on_chain}"), "1");
    let vault = book::Place { chain: Chain::new("ethereum").unwrap(), ..place("v", "wallet") };
    desk.tell(Event::Cash(CashEvent {
        place: vault.clone(),
        money: btc("10"),
        kind: CashKind::Deposit,
        time: desk.now,
    }));
    let report = desk.report(&vault, Decimal::ZERO);
    desk.tell(report);
    desk.say(Command::Arming(Arming::Armed));
    let Transfer { id, from, to, money, .. } = first(&mut desk);
    assert_eq!(from, vault);
    let block = |number| Event::Block { chain: vault.chain.clone(), number: BlockNumber::new(number) };
    let in_block =
        |number| TransferNews::Left { fee: Some(btc("0.002")), block: Some(BlockNumber::new(number)) };
    desk.tell(block(100));
    desk.hear(id, &from, in_block(100));
    let balance = |desk: &Desk| desk.engine.ledger().balance(&vault, &Asset::new("BTC").unwrap());
    assert_eq!(balance(&desk), decimal("9.998") - money.amount);
    let outputs = desk.tell(Event::Reorg { chain: vault.chain.clone(), from: BlockNumber::new(100) });
    assert!(alerts(&outputs)[0].contains("has not left"), "{}", lines(&outputs));
    assert_eq!(balance(&desk), decimal("10"), "with its fee");
    assert_eq!(desk.engine.transfers()[&id].phase, TransferPhase::Asked);
    desk.assert_conserved();
    desk.tell(block(100));
    desk.hear(id, &from, in_block(100));
    desk.hear(id, &from, in_block(100));
    assert_eq!(balance(&desk), decimal("9.998") - money.amount);
    // A block before it changes nothing of it.
    desk.tell(block(101));
    desk.tell(Event::Reorg { chain: vault.chain.clone(), from: BlockNumber::new(101) });
    assert_eq!(desk.engine.transfers()[&id].phase, TransferPhase::UnderWay);
    desk.hear(id, &to, TransferNews::Arrived);
    desk.assert_conserved();
    assert!(desk.engine.transfers().is_empty());
}

/// The place of money under way is the engine's own: nothing from outside is booked there.
#[test]
fn nobody_else_books_at_the_place_of_money_under_way() {
    let mut desk = Desk::armed();
    let here = place("v", "in-transit");
    let cash = CashEvent { place: here, money: btc("1"), kind: CashKind::Deposit, time: desk.now };
    let outputs = desk.tell(Event::Cash(cash));
    assert!(lines(&outputs).contains("the engine's own name"), "{}", lines(&outputs));
    assert!(desk.engine.ledger().balances().all(|(at, ..)| at.venue.as_str() != "in-transit"));
}

/// Whatever a venue says of a transfer, nothing panics and money is conserved; what makes no sense is told and changes nothing.
#[test]
fn news_that_make_no_sense_are_told_and_change_nothing() {
    let mut desk = Desk::armed();
    let Transfer { id, from, to, .. } = first(&mut desk);
    let fee = |text: &str, asset: &str| TransferNews::Left {
        fee: Some(units::Money::parse(text, Asset::new(asset).unwrap()).unwrap()),
        block: None,
    };
    let other = engine::ProposalId::new(journal::Seq::new(1), 7);
    for (id, end, news, expected) in [
        (id, &to, left(), "not the end that can say so"),
        (id, &from, TransferNews::Arrived, "not the end that can say so"),
        (id, &to, TransferNews::Rejected("no".into()), "not the end that can say so"),
        (id, &from, fee("1", "ETH"), "it is paid in BTC"),
        (id, &from, fee("-1", "BTC"), "from zero to"),
        (id, &from, fee("79228162514264337593543950335", "BTC"), "from zero to"),
        (other, &from, TransferNews::Arrived, "no transfer of this engine"),
    ] {
        let before = desk.engine.state_hash();
        let outputs = desk.hear(id, end, news);
        assert!(alerts(&outputs)[0].contains(expected), "{expected}: {}", lines(&outputs));
        assert_eq!(desk.engine.state_hash(), before, "{expected}");
    }
    desk.hear(id, &from, left());
    let outputs = desk.hear(id, &from, TransferNews::Rejected("after all".into()));
    assert!(alerts(&outputs)[0].contains("rejected after it left"), "{}", lines(&outputs));
    desk.assert_conserved();
}

/// A lost connection keeps questions back until it stands again.
#[test]
fn nothing_is_asked_over_a_lost_connection() {
    let mut desk = Desk::armed();
    first(&mut desk);
    desk.tell(Event::Link { venue: Venue::new("wallet").unwrap(), link: Link::Down });
    for _ in 0..20 {
        assert_eq!(queries(&desk.wait(1)), 0);
    }
    assert_eq!(queries(&desk.up()), 1);
}
