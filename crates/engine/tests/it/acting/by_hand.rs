//! Trades that a person wants: the same bounds, the same approval, the same order.

use super::{Desk, POLICY, decimal, has, lines, order, proposal};
use crate::world::place;
use engine::{Command, Engine, Event, Link, Output, Phase, State, Ticket};
use instrument::Specs;
use journal::Machine;
use std::sync::Arc;
use units::{OrderId, Symbol, Venue};

const PERPETUAL: &str = "BTC-PERPETUAL";

fn ticket(symbol: &str, quantity: &str, limit_price: Option<&str>) -> Command {
    Command::Propose(Ticket {
        place: place("a", "deribit"),
        symbol: Symbol::new(symbol).unwrap(),
        quantity: quantity.parse().unwrap(),
        limit_price: limit_price.map(|price| price.parse().unwrap()),
    })
}

fn refused(desk: &mut Desk, command: Command, why: &str) {
    let before = desk.engine.proposals().len();
    let outputs = desk.say(command);
    assert!(matches!(&outputs[0], Output::Refused { rule } if rule.contains(why)), "{}", lines(&outputs));
    assert_eq!(desk.engine.proposals().len(), before);
}

#[test]
fn a_ticket_becomes_a_proposal_and_once_approved_an_order() {
    let mut desk = Desk::new(POLICY);
    let open = proposal(&desk.say(ticket(PERPETUAL, "50000", None)));
    assert_eq!((open.rule.as_str(), open.quantity.get()), ("hand of ann", decimal("50000")));
    // 92,000 x 1.0005 and half a percent on it, down to the next half dollar.
    let mark: f64 = 92_000.0 * 1.0005;
    assert_eq!(open.limit_price.get(), decimal(&format!("{}", (mark * 1.005 * 2.0).floor() / 2.0)));
    let effect = &open.effects[0];
    assert_eq!((effect.limit.as_str(), effect.before.is_zero()), ("delta", true));
    assert!(
        (effect.after.to_f64() / 50_000.0 - 1.0).abs() < 0.001,
        "one USD of the perpetual is one of delta"
    );
    assert!(desk.engine.orders().is_empty(), "nothing goes before somebody has said yes");
    let outputs = desk.say(Command::Approve(open.id));
    has(&outputs, "approved by ann");
    let sent = order(&outputs);
    assert_eq!((sent.quantity, sent.limit_price), (open.quantity, open.limit_price));
    has(&desk.fill_order(&sent, sent.quantity), "order gone");
    // Nothing is left of it but what was traded: no rule of the name rests.
    desk.wait(1);
    assert_eq!(desk.engine.ledger().positions().count(), 1);
}

#[test]
fn an_armed_engine_asks_all_the_same() {
    let mut desk = Desk::armed();
    let outputs = desk.say(ticket(PERPETUAL, "50000", None));
    assert!(!lines(&outputs).contains("order:"), "{}", lines(&outputs));
    assert_eq!(desk.engine.proposals().len(), 1);
}

/// The person's own limit stands; one that is better than the mark costs nothing against it.
#[test]
fn a_limit_is_the_persons_own_and_no_worse_than_the_collar() {
    let mut desk = Desk::new(POLICY);
    let open = proposal(&desk.say(ticket(PERPETUAL, "-20000", Some("92500"))));
    assert_eq!(open.limit_price.get(), decimal("92500"));
    assert!(open.worst_slippage_usd.is_zero(), "above the mark of 92,046");
    assert_eq!(order(&desk.say(Command::Approve(open.id))).limit_price.get(), decimal("92500"));
    let open = proposal(&desk.say(ticket(PERPETUAL, "-20000", Some("92000"))));
    let expected = 20_000.0 * (92_046.0 - 92_000.0) / 92_046.0;
    assert!(
        (open.worst_slippage_usd.to_f64() / expected - 1.0).abs() < 0.01,
        "notional x (mark - limit) / mark"
    );
    refused(&mut desk, ticket(PERPETUAL, "-20000", Some("91000")), "outside the collar");
    refused(&mut desk, ticket(PERPETUAL, "20000", Some("93000")), "outside the collar");
}

#[test]
fn what_breaks_a_rule_is_refused_and_not_made_smaller() {
    let mut desk = Desk::new(POLICY);
    refused(&mut desk, ticket(PERPETUAL, "0", None), "quantity is zero");
    refused(&mut desk, ticket(PERPETUAL, "15", None), "lots of 10");
    refused(&mut desk, ticket(PERPETUAL, "20", Some("92000.3")), "ticks of 0.5");
    refused(&mut desk, ticket(PERPETUAL, "20", Some("-5")), "not above zero");
    refused(&mut desk, ticket(PERPETUAL, "300000", None), "over the largest order");
    refused(&mut desk, ticket("BTC-NOTHING", "10", None), "BTC-NOTHING");
    refused(&mut desk, ticket("BTC-27NOV26-90000-C", "1", None), "BTC-27NOV26-90000-C");
    let unquoted = Command::Propose(Ticket {
        place: place("a", "okx"),
        symbol: Symbol::new("BTC-USDT-SWAP").unwrap(),
        quantity: "1".parse().unwrap(),
        limit_price: None,
    });
    refused(&mut desk, unquoted, "tick and lot are not known");
    // 240,000 each: the second would carry the delta over its hard level of 400,000.
    let first = proposal(&desk.say(ticket(PERPETUAL, "240000", None)));
    desk.say(Command::Approve(first.id));
    refused(&mut desk, ticket(PERPETUAL, "240000", None), "it may break a limit: delta");
    desk.tell(Event::Link { venue: Venue::new("deribit").unwrap(), link: Link::Down });
    refused(&mut desk, ticket(PERPETUAL, "10", None), "no connection to deribit stands");
    desk.up();
    desk.say(Command::State(Some(State::Paused)));
    refused(&mut desk, ticket(PERPETUAL, "10", None), "the book is paused");
}

#[test]
fn without_bounds_nothing_is_proposed_and_strangers_are_refused() {
    let mut desk = Desk::new("source = \"x\"\nvalid_from = \"2026-11-01\"");
    refused(&mut desk, ticket(PERPETUAL, "10", None), "no [orders]");
    let mut desk = Desk::new(&POLICY.replace("stale_after", "accounts = [\"a\"]\nstale_after"));
    let strange = Command::Propose(Ticket {
        place: place("b", "deribit"),
        symbol: Symbol::new(PERPETUAL).unwrap(),
        quantity: "10".parse().unwrap(),
        limit_price: None,
    });
    refused(&mut desk, strange, "account 'b' is not of this book");
}

/// Where the book may only reduce, a person may only reduce: what closes the position goes, what adds to it does not.
#[test]
fn in_reduce_only_a_person_may_close_and_not_open() {
    let mut desk = Desk::new(POLICY);
    desk.trade(PERPETUAL, 60_000);
    desk.say(Command::State(Some(State::ReduceOnly)));
    refused(&mut desk, ticket(PERPETUAL, "20000", None), "reduce_only");
    let open = proposal(&desk.say(ticket(PERPETUAL, "-60000", None)));
    assert_eq!(order(&desk.say(Command::Approve(open.id))).quantity.get(), decimal("-60000"));
}

#[test]
fn a_pause_withdraws_proposals_by_hand_and_ends_their_orders() {
    let mut desk = Desk::new(POLICY);
    let first = proposal(&desk.say(ticket(PERPETUAL, "20000", None)));
    let sent = order(&desk.say(Command::Approve(first.id)));
    desk.news(&sent, engine::OrderNews::Accepted);
    desk.wait(1);
    assert_eq!(desk.engine.orders().len(), 1, "a rule that no policy has keeps its order");
    desk.say(ticket(PERPETUAL, "30000", None));
    let outputs = desk.say(Command::State(Some(State::Paused)));
    has(&outputs, "withdrawn: the book is paused");
    has(&outputs, "cancel");
    assert!(desk.engine.proposals().is_empty());
}

#[test]
fn so_many_wait_and_no_more_and_each_goes_with_its_time() {
    let mut desk = Desk::new(POLICY);
    for _ in 0..64 {
        proposal(&desk.say(ticket(PERPETUAL, "10", None)));
    }
    refused(&mut desk, ticket(PERPETUAL, "10", None), "64 proposals by hand wait");
    let outputs = desk.wait(60);
    assert_eq!(lines(&outputs).matches("nobody answered in time").count(), 64);
    assert!(desk.engine.proposals().is_empty());
}

#[test]
fn an_order_is_cancelled_by_hand_once_and_where_nobody_listens_later() {
    let mut desk = Desk::new(POLICY);
    let open = proposal(&desk.say(ticket(PERPETUAL, "20000", None)));
    let sent = order(&desk.say(Command::Approve(open.id)));
    let outputs = desk.say(Command::Cancel(sent.id.clone()));
    assert!(matches!(&outputs[..], [Output::Cancel { id, .. }] if *id == sent.id), "{}", lines(&outputs));
    assert!(desk.say(Command::Cancel(sent.id.clone())).is_empty(), "it was asked to end already");
    assert_eq!(desk.engine.orders()[&sent.id].phase, Phase::Cancelling);
    desk.news(&sent, engine::OrderNews::Ended { filled: None });
    has(&desk.say(Command::Cancel(sent.id)), "is no open order");
    has(&desk.say(Command::Cancel(OrderId::new("P9.9").unwrap())), "is no open order");

    let open = proposal(&desk.say(ticket(PERPETUAL, "20000", None)));
    let sent = order(&desk.say(Command::Approve(open.id)));
    desk.tell(Event::Link { venue: Venue::new("deribit").unwrap(), link: Link::Down });
    let outputs = desk.say(Command::Cancel(sent.id.clone()));
    has(&outputs, "is told when the connection stands again");
    assert!(!lines(&outputs).contains("cancel:"), "{}", lines(&outputs));
    desk.up();
    has(&desk.news(&sent, engine::OrderNews::Accepted), "cancel");
}

/// Two persons, and the state through bytes and back with a proposal in it.
#[test]
fn what_waits_survives_a_snapshot() {
    let mut desk = Desk::new(POLICY);
    let open = proposal(&desk.say(ticket("BTC-25DEC26-90000-C", "1.5", Some("0.0711"))));
    let bytes = desk.engine.snapshot();
    let back = Engine::new(Arc::new(Specs::embedded()), desk.now).restore(&bytes).unwrap();
    assert_eq!(back.state_hash(), desk.engine.state_hash());
    assert_eq!(back.proposals()[&open.id], open);
    desk.engine = back;
    let outputs = desk.tell(Event::Operator { who: "bob".into(), command: Command::Approve(open.id) });
    has(&outputs, "approved by bob");
    assert_eq!(order(&outputs).quantity.get(), decimal("1.5"));
}

#[test]
fn no_rule_of_a_policy_has_such_a_name() {
    let mut desk = Desk::new(POLICY);
    let text = POLICY.replace("name = \"btc\"", "name = \"hand of ann\"");
    has(&desk.tell(Event::Policy { text }), "trades that a person wants are named so");
}

/// What a person chose goes whole or not at all, also when the market has carried it over the largest order meanwhile.
#[test]
fn an_approval_makes_nothing_of_a_person_smaller() {
    // A tenth of a BTC is 9,200 USD, and at 94,000 it is 9,400.
    let mut desk = Desk::new(&POLICY.replace("largest_usd = \"250000\"", "largest_usd = \"9300\""));
    let open = proposal(&desk.say(ticket("BTC-25DEC26-90000-C", "0.1", None)));
    desk.world.set_btc(94_000.0);
    desk.wait(1);
    let outputs = desk.say(Command::Approve(open.id));
    has(&outputs, "withdrawn: its notional of 9400 USD is over the largest order");
    assert!(desk.engine.orders().is_empty());
}

/// A new policy does not have the account: what waits for it is not sent.
#[test]
fn an_account_that_the_policy_has_no_more_sends_nothing() {
    let mut desk = Desk::new(POLICY);
    let open = proposal(&desk.say(ticket(PERPETUAL, "20000", None)));
    let text = POLICY.replace("stale_after", "accounts = [\"other\"]\nstale_after");
    desk.tell(Event::Policy { text });
    let outputs = desk.say(Command::Approve(open.id));
    has(&outputs, "withdrawn: account 'a' is not of this book");
    assert!(desk.engine.orders().is_empty());
}
