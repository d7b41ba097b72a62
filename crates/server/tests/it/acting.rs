//! What people may do, by role, on what they saw, once.

use crate::client::{get, post};
use crate::desk::Desk;
use engine::{Arming, Event, State};
use journal::{Event as _, Reader, RealDisk, Seq};
use serde_json::{Value, json};

fn open_proposal(desk: &Desk) -> Value {
    let answer = get(desk.server.address, "/v1/proposals");
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["data"]["open"][0].clone()
}

fn approval(proposal: &Value) -> String {
    json!({"inputs": proposal["inputs"], "quantity": proposal["quantity"]}).to_string()
}

#[test]
fn an_approval_becomes_an_order_and_a_record_with_the_name_and_a_second_one_is_refused() {
    let desk = Desk::open();
    let proposal = open_proposal(&desk);
    let path = format!("/v1/proposals/{}/approve", proposal["id"].as_str().unwrap());
    let done = post(desk.server.address, &path, &desk.secrets.trader, &approval(&proposal));
    assert_eq!(done.status, 200, "{done:?}");
    let outputs = done.json()["outputs"].to_string();
    assert!(outputs.contains("approved by tom") && outputs.contains("order: "), "{outputs}");
    let again = post(desk.server.address, &path, &desk.secrets.trader, &approval(&proposal));
    assert_eq!((again.status, again.code().as_str()), (409, "not_open"));

    let record = done.json()["record"].as_u64().unwrap();
    let disk = RealDisk::open(&desk.folder.0).unwrap();
    let mut reader = Reader::open(&disk, Seq::new(record - 1)).unwrap();
    let found = reader.next().unwrap().unwrap();
    let event = Event::decode(found.tag, found.payload).unwrap();
    assert!(matches!(&event, Event::Operator { who, .. } if who == "tom"), "{event:?}");
    let told = get(desk.server.address, &format!("/v1/records/{record}")).json();
    assert_eq!(told["event"], format!("tom: approve {}", proposal["id"].as_str().unwrap()));
    assert_eq!(desk.close().orders().len(), 1);
}

#[test]
fn what_was_not_seen_is_not_approved() {
    let desk = Desk::open();
    let proposal = open_proposal(&desk);
    let path = format!("/v1/proposals/{}/approve", proposal["id"].as_str().unwrap());
    let post = |body: Value| post(desk.server.address, &path, &desk.secrets.trader, &body.to_string());
    let other = post(json!({"inputs": "00", "quantity": proposal["quantity"]}));
    assert_eq!((other.status, other.code().as_str()), (409, "differs"));
    let typed = post(json!({"inputs": proposal["inputs"], "quantity": "1"}));
    assert_eq!((typed.status, typed.code().as_str()), (422, "size"));
    let untyped = post(json!({"inputs": proposal["inputs"]}));
    assert_eq!(untyped.status, 422);
    let more = post(json!({"inputs": proposal["inputs"], "quantity": proposal["quantity"], "force": true}));
    assert_eq!(more.status, 422, "{more:?}");
    assert!(desk.close().orders().is_empty());
}

#[test]
fn each_role_may_what_it_may() {
    let desk = Desk::open();
    let (address, secrets) = (desk.server.address, &desk.secrets);
    let proposal = open_proposal(&desk);
    let approve = format!("/v1/proposals/{}/approve", proposal["id"].as_str().unwrap());
    let body = approval(&proposal);
    assert_eq!(post(address, &approve, &secrets.viewer, &body).status, 403);
    assert_eq!(post(address, "/v1/kill", &secrets.viewer, r#"{"confirm":"KILL"}"#).status, 403);
    for (path, body) in [("/v1/state", r#"{"state":"paused"}"#), ("/v1/arming", r#"{"armed":false}"#)] {
        assert_eq!(post(address, path, &secrets.trader, body).status, 403, "{path}");
        assert_eq!(post(address, path, &secrets.risk, body).status, 200, "{path}");
    }
    let nobody = server::Secret::random().unwrap();
    assert_eq!(post(address, &approve, &nobody, &body).code(), "unknown_token");
    let engine = desk.close();
    assert_eq!((engine.state(), engine.arming()), (State::Paused, Arming::Disarmed));
}

#[test]
fn kill_disarms_and_pauses_and_asks_for_the_word() {
    let desk = Desk::open();
    let (address, trader) = (desk.server.address, &desk.secrets.trader);
    assert_eq!(post(address, "/v1/kill", trader, r#"{"confirm":"yes"}"#).status, 422);
    let killed = post(address, "/v1/kill", trader, r#"{"confirm":"KILL"}"#);
    assert_eq!(killed.status, 200, "{killed:?}");
    let engine = desk.close();
    assert_eq!((engine.state(), engine.arming()), (State::Paused, Arming::Disarmed));
}

#[test]
fn a_proposal_that_is_declined_is_closed_with_the_reason() {
    let desk = Desk::open();
    let proposal = open_proposal(&desk);
    let path = format!("/v1/proposals/{}/decline", proposal["id"].as_str().unwrap());
    let body = json!({"inputs": proposal["inputs"], "reason": "too\u{7} late"}).to_string();
    let done = post(desk.server.address, &path, &desk.secrets.trader, &body);
    assert_eq!(done.status, 200, "{done:?}");
    assert!(done.body.contains("declined by tom (too late)"), "{done:?}");
    let unknown = post(desk.server.address, "/v1/proposals/Pnone/decline", &desk.secrets.trader, &body);
    assert_eq!(unknown.status, 404);
}

/// A line of the proposals as the newest frame has it: one comes after each command, though not in the same instant.
fn line_of(desk: &Desk, list: &str, id: &str) -> Value {
    for _ in 0..200 {
        let lines = get(desk.server.address, "/v1/proposals").json()["data"][list].clone();
        if let Some(line) = lines.as_array().unwrap().iter().find(|line| line["id"] == id) {
            return line.clone();
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("{id} does not come to {list}");
}

fn ticket(quantity: &str) -> Value {
    json!({"account": "desk", "venue": "okx", "symbol": "ETH-USDT-SWAP", "quantity": quantity, "reason": "Anna asked"})
}

/// A trade by hand waits like a rule's, is approved by what was shown, becomes an order, and the order is cancelled.
#[test]
fn a_trade_by_hand_is_proposed_approved_and_cancelled() {
    let desk = Desk::open();
    let (address, trader) = (desk.server.address, &desk.secrets.trader);
    let asked = post(address, "/v1/orders", trader, &ticket("-1").to_string());
    assert_eq!(asked.status, 200, "{asked:?}");
    let id = asked.json()["proposal"].as_str().unwrap().to_owned();
    let shown = line_of(&desk, "open", &id);
    assert_eq!(shown["rule"], "hand of tom (Anna asked)");
    assert_eq!((&shown["quantity"], &shown["instrument"]), (&json!("-1"), &json!("ETH-USDT-SWAP")));
    assert!(
        !shown["effects"].as_array().unwrap().is_empty() && !shown["margins"].as_array().unwrap().is_empty()
    );
    let approved =
        post(address, &format!("/v1/proposals/{id}/approve"), trader, &approval(&shown)).json()["outputs"]
            .to_string();
    assert!(approved.contains("approved by tom") && approved.contains("order: "), "{approved}");
    assert_eq!(line_of(&desk, "closed", &id)["why"], "approved by tom");
    let cancel = format!("/v1/orders/{id}/cancel");
    assert_eq!(post(address, &cancel, &desk.secrets.viewer, "{}").status, 403);
    let done = post(address, &cancel, trader, r#"{"reason":"changed my mind"}"#);
    assert_eq!(done.status, 200, "{done:?}");
    assert!(done.json()["outputs"].to_string().contains("cancel: "), "{done:?}");
    let record = done.json()["record"].as_u64().unwrap();
    let told = get(address, &format!("/v1/records/{record}")).json();
    assert_eq!(told["event"], format!("tom (changed my mind): cancel {id}"));
    let unknown = post(address, "/v1/orders/P9.9/cancel", trader, "{}");
    assert_eq!((unknown.status, unknown.code().as_str()), (409, "refused"));
    assert_eq!(desk.close().orders().len(), 1);
}

#[test]
fn a_trade_by_hand_that_breaks_a_rule_is_refused_in_words() {
    let desk = Desk::open();
    let (address, secrets) = (desk.server.address, &desk.secrets);
    assert_eq!(post(address, "/v1/orders", &secrets.viewer, &ticket("-1").to_string()).status, 403);
    let ask = |body: &Value| post(address, "/v1/orders", &secrets.trader, &body.to_string());
    for (quantity, says) in
        [("0", "quantity is zero"), ("0.5", "lots of 1"), ("90000", "over the largest order")]
    {
        let answer = ask(&ticket(quantity));
        assert_eq!((answer.status, answer.code().as_str()), (409, "refused"), "{answer:?}");
        assert!(answer.body.contains(says), "{answer:?}");
    }
    for (field, value) in [
        ("quantity", json!("one")),
        ("quantity", json!(1)),
        ("limit_price", json!("1,5")),
        ("venue", json!("")),
        ("symbol", json!("x".repeat(5_000))),
        ("side", json!("buy")),
    ] {
        let mut body = ticket("-1");
        body[field] = value;
        let answer = ask(&body);
        assert_eq!(answer.status, 422, "{field}: {answer:?}");
        assert!(answer.body.contains(field), "{answer:?}");
    }
    assert_eq!(desk.close().proposals().len(), 1, "the one that a rule asked for");
}
