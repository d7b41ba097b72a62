//! What arrives, how often, in which order, and what is said when it does not.

use crate::receiver::{Receiver, YES};
use crate::support::Scratch;
use crate::{desk, ended, go, ids, route, said, summary};
use ring::hmac;
use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;

#[test]
fn each_alert_arrives_once_in_order_with_its_id() {
    let scratch = desk(30);
    let receiver = Receiver::new(|_| YES);
    scratch.write("hook.secret", "shared with the receiver\n");
    route(&scratch, receiver.address, "secret_file = \"hook.secret\"");
    let ran = go(&scratch, "run run.toml --format json");
    assert_eq!(ran.code, 0, "{}", ran.err);
    let said = said(&scratch);
    assert_eq!(receiver.ids(), ids(&said));
    assert_eq!(summary(&ran.json()), (said.len() as u64, 0, 0));
    let got = receiver.got();
    let senders: BTreeSet<String> = got.iter().map(|one| one.json()["sender"].to_string()).collect();
    assert_eq!(senders.len(), 1, "of one journal");
    for (one, (id, text)) in got.iter().zip(&said) {
        let json = one.json();
        assert_eq!(one.asks, "POST /hook");
        assert_eq!(json["text"], **text);
        assert_eq!(format!("{}.{}", json["record"], json["index"]), *id);
        assert_eq!((&json["channel"], &json["severity"]), (&"desk".into(), &"act".into()));
        assert_eq!((&json["rules"][0], &json["again"]), (&"high".into(), &false.into()));
        assert!(json["time"].as_str().unwrap().starts_with("2026-11-20T12:"), "of the event: {json}");
        let key = format!("{}:{id}", json["sender"].as_str().unwrap());
        assert_eq!(one.headers["idempotency-key"], key);
        assert_eq!(one.headers["content-type"], "application/json");
        // As a receiver verifies it.
        let signature = &one.headers["plimsoll-signature"];
        let (time, tag) = signature.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
        let secret = hmac::Key::new(hmac::HMAC_SHA256, b"shared with the receiver");
        let bytes: Vec<u8> =
            (0..tag.len() / 2).map(|i| u8::from_str_radix(&tag[2 * i..2 * i + 2], 16).unwrap()).collect();
        hmac::verify(&secret, format!("{time}.{}", one.text).as_bytes(), &bytes)
            .expect("the signature of this body");
    }
    // Nothing is new, so nothing goes.
    let again = go(&scratch, "run run.toml --format json");
    assert_eq!((again.code, summary(&again.json())), (0, (0, 0, 0)), "{}", again.err);
    assert_eq!(receiver.got().len(), said.len());
}

#[test]
fn the_journal_takes_no_notice() {
    let (quiet, loud) = (desk(15), desk(15));
    let receiver = Receiver::new(|_| YES);
    route(&loud, receiver.address, "");
    assert_eq!(go(&quiet, "run quiet.toml").code, 0);
    assert_eq!(go(&loud, "run run.toml").code, 0);
    assert!(loud.path("journal/alerts-desk.state").is_file());
    let heads = [&quiet, &loud].map(|one| go(one, "verify journal --format json").json()["head"].clone());
    assert_eq!(heads[0], heads[1]);
    assert_eq!(go(&loud, "verify journal --format json").json()["sound"], true);
}

#[test]
fn what_is_refused_for_now_is_tried_again() {
    let scratch = desk(12);
    let receiver = Receiver::new(|number| match number {
        0 => ("503 Service Unavailable", Duration::ZERO),
        1 => ("429 Too Many Requests\r\nRetry-After: 7", Duration::ZERO),
        _ => YES,
    });
    route(&scratch, receiver.address, "");
    let ran = go(&scratch, "run run.toml --format json");
    assert_eq!(ran.code, 0, "{}", ran.err);
    let expected = ids(&said(&scratch));
    let first = vec![expected[0].clone(); 2];
    assert_eq!(
        receiver.ids(),
        [first, expected.clone()].concat(),
        "three tries of the first, then the others"
    );
    assert_eq!(summary(&ran.json()), (expected.len() as u64, 0, 0));
    for word in [
        "alert not delivered yet",
        "503 Service Unavailable",
        "pause_seconds=1\n",
        "429 Too Many Requests",
        "pause_seconds=7\n",
    ] {
        assert!(ran.err.contains(word), "lacks '{word}':\n{}", ran.err);
    }
}

#[test]
fn what_is_refused_for_good_is_said_and_not_sent_again() {
    let scratch = desk(12);
    let receiver = Receiver::new(|_| ("404 Not Found", Duration::ZERO));
    route(&scratch, receiver.address, "");
    let ran = go(&scratch, "run run.toml");
    let expected = ids(&said(&scratch));
    assert_eq!(ran.code, 6, "{}", ran.err);
    assert_eq!(receiver.ids(), expected, "each is tried once");
    for text in [&ran.out, &ran.err] {
        let line = format!("0 delivered, {} failed, 0 left for the next start", expected.len());
        assert!(text.contains(&line), "lacks '{line}':\n{text}");
        assert!(text.contains(&format!("channel desk (http://{})", receiver.address)), "{text}");
        assert!(text.contains("404 Not Found"), "{text}");
    }
    assert!(ran.err.contains("alert FAILED"), "{}", ran.err);
    assert_eq!(go(&scratch, "run run.toml").code, 0);
    assert_eq!(receiver.ids(), expected, "given up is given up");
}

#[test]
fn redirects_are_not_followed() {
    let scratch = desk(12);
    let elsewhere = Receiver::new(|_| YES);
    let to: &'static str =
        format!("307 Temporary Redirect\r\nLocation: http://{}/", elsewhere.address).leak();
    let receiver = Receiver::new(move |_| (to, Duration::ZERO));
    route(&scratch, receiver.address, "");
    assert_eq!(go(&scratch, "run run.toml").code, 6);
    assert!(receiver.got().len() >= 4);
    assert_eq!(elsewhere.got().len(), 0, "an alert goes where the file says");
}

/// No answer comes before the time limit of a try, and a run is shorter than one try: had the engine waited for a receiver, the run would
/// not be over.
#[test]
fn a_slow_receiver_does_not_slow_the_run() {
    let (quiet, slow) = (desk(30), desk(30));
    let receiver = Receiver::new(|_| ("200 OK", Duration::from_secs(600)));
    route(&slow, receiver.address, "timeout_seconds = 60");
    assert_eq!(go(&quiet, "run quiet.toml").code, 0);
    let mut command = slow.command(&["run", "run.toml", "--format", "json"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let ran = ended(child, Duration::from_secs(50));
    let heads = [&quiet, &slow].map(|one| go(one, "verify journal --format json").json()["head"].clone());
    assert_eq!(heads[0], heads[1], "the whole run, record by record");
    let expected = said(&slow).len() as u64;
    assert_eq!((ran.code, summary(&ran.json())), (6, (0, 0, expected)), "{}", ran.err);
    assert_eq!(receiver.got().len(), 1, "one at a time");
}

#[test]
fn what_is_too_much_for_a_minute_is_folded_and_counted() {
    let scratch = desk(30);
    let receiver = Receiver::new(|_| YES);
    route(&scratch, receiver.address, "most_per_minute = 2");
    let ran = go(&scratch, "run run.toml --format json");
    let expected = ids(&said(&scratch));
    let rest = &expected[2..];
    let folded = format!("{}-{}", rest[0], rest[rest.len() - 1]);
    assert_eq!(receiver.ids(), [&expected[..2], &[folded]].concat(), "{}", ran.err);
    let last = receiver.got().pop().unwrap().json();
    assert_eq!((&last["kind"], &last["folded"]["alerts"]), (&"folded".into(), &rest.len().into()));
    assert_eq!(summary(&ran.json()), (expected.len() as u64, 0, 0), "all are counted");
}

#[test]
fn a_chat_gets_one_line_and_only_its_kinds() {
    let scratch = desk(12);
    let receiver = Receiver::new(|_| YES);
    route(&scratch, receiver.address, "format = \"slack\"\nkinds = [\"state\"]");
    assert_eq!(go(&scratch, "run run.toml").code, 0);
    let said = said(&scratch);
    let states: Vec<&str> =
        said.iter().map(|(_, text)| text.as_str()).filter(|text| text.starts_with("state: ")).collect();
    let got: Vec<String> =
        receiver.got().iter().map(|one| one.json()["text"].as_str().unwrap().to_owned()).collect();
    assert_eq!(got.len(), states.len());
    for (line, state) in got.iter().zip(states) {
        assert!(line.starts_with(&format!("[act] {state} (")), "{line}");
    }
}

#[test]
fn a_demo_sends_what_its_policy_says() {
    let scratch = Scratch::empty();
    let receiver = Receiver::new(|_| YES);
    route(&scratch, receiver.address, "");
    let ran = go(
        &scratch,
        "demo --speed max --seconds 400 --view none --journal journal --alerts alerts.toml --format json",
    );
    assert_eq!(ran.code, 0, "{}", ran.err);
    let got = receiver.got();
    assert!(!got.is_empty(), "the script has a crash");
    assert_eq!(summary(&ran.json()), (got.len() as u64, 0, 0));
    // Ids and texts are those of the journal.
    let replayed = go(&scratch, "replay journal --outputs --format json").json();
    let lines: BTreeSet<(u64, &str)> = replayed["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (line["seq"].as_u64().unwrap(), line["output"].as_str().unwrap()))
        .collect();
    for one in &got {
        let json = one.json();
        let is_cut = json["text"].as_str().unwrap().ends_with("...");
        assert!(
            is_cut || lines.contains(&(json["record"].as_u64().unwrap(), json["text"].as_str().unwrap())),
            "{json}"
        );
    }
    // What rules carry out by themselves wakes nobody.
    let automatic = lines
        .iter()
        .filter(|(_, text)| text.starts_with("proposal closed: ") && text.ends_with("sent by its rule"));
    let closed: Vec<&str> =
        automatic.map(|(_, text)| text.split(' ').nth(2).unwrap().trim_end_matches(':')).collect();
    assert!(!closed.is_empty(), "rules of the demo's policy are armed");
    for one in &got {
        let text = one.json()["text"].as_str().unwrap().to_owned();
        assert!(!closed.iter().any(|id| text.starts_with(&format!("proposed: {id} "))), "{text}");
    }
}
