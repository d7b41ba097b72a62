//! A run killed while its receiver is away, twice: nothing that was said is lost, and what was confirmed is not sent again.

use crate::receiver::{Receiver, YES};
use crate::support::Scratch;
use crate::{desk, ended, go, ids, route, said, summary};
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

/// Starts the run and kills it, no signal handler asked, once it has told that something is not delivered.
fn killed_while_it_tries(scratch: &Scratch) {
    let mut child =
        scratch.command(&["run", "run.toml"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let tells = lines.find(|line| line.as_ref().unwrap().contains("not delivered yet"));
    assert!(tells.is_some(), "it was over before it could be killed");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn what_was_said_before_a_kill_arrives_after_it() {
    let scratch = desk(30);
    let address = Receiver::nobody();
    route(&scratch, address, "");
    killed_while_it_tries(&scratch);
    // Two are taken, then it is away again.
    let taken = 2;
    let flaky = Receiver::new(
        move |number| if number < taken { YES } else { ("503 Service Unavailable", Duration::ZERO) },
    );
    route(&scratch, flaky.address, "");
    killed_while_it_tries(&scratch);
    let receiver = Receiver::new(|_| YES);
    route(&scratch, receiver.address, "");
    let ran = go(&scratch, "run run.toml --format json");
    assert_eq!(ran.code, 0, "{}", ran.err);
    let expected = ids(&said(&scratch));
    assert_eq!(flaky.ids()[..taken], expected[..taken], "said before the first kill");
    assert_eq!(receiver.ids(), expected[taken..], "all that nobody had confirmed, in order, and no more");
    assert_eq!(receiver.got()[0].json()["again"], true, "it may have arrived before");
    assert_eq!(summary(&ran.json()), ((expected.len() - taken) as u64, 0, 0));
    let senders: Vec<serde_json::Value> =
        [&flaky, &receiver].map(|one| one.got()[0].json()["sender"].clone()).to_vec();
    assert_eq!(senders[0], senders[1], "a receiver knows that it is the same journal");
}

#[test]
fn what_nobody_took_by_the_end_is_left_for_the_next_start() {
    let scratch = desk(12);
    route(&scratch, Receiver::nobody(), "");
    let ran = go(&scratch, "run run.toml");
    let expected = ids(&said(&scratch));
    assert_eq!(ran.code, 6);
    assert!(ran.err.contains(&format!("{} left for the next start", expected.len())), "{}", ran.err);
    let receiver = Receiver::new(|_| YES);
    route(&scratch, receiver.address, "");
    assert_eq!(go(&scratch, "run run.toml").code, 0);
    assert_eq!(receiver.ids(), expected);
}

/// The journal was thrown away and the state of its channel was not: of the new journal everything is sent, under another name.
#[test]
fn the_state_of_another_journal_keeps_nothing_back() {
    let scratch = desk(12);
    let first = Receiver::new(|_| YES);
    route(&scratch, first.address, "");
    assert_eq!(go(&scratch, "run run.toml").code, 0);
    for entry in std::fs::read_dir(scratch.path("journal")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|end| end != "state") {
            std::fs::remove_file(path).unwrap();
        }
    }
    let second = Receiver::new(|_| YES);
    route(&scratch, second.address, "");
    let ran = go(&scratch, "run run.toml");
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("of another journal"), "{}", ran.err);
    assert_eq!(second.ids(), ids(&said(&scratch)));
    assert_ne!(first.got()[0].json()["sender"], second.got()[0].json()["sender"]);
}

/// Ctrl-C while a receiver keeps a try waiting for minutes: the process ends all the same, with a whole journal.
#[cfg(unix)]
#[test]
fn an_interrupt_waits_for_no_receiver() {
    let scratch = Scratch::empty();
    let receiver = Receiver::new(|_| ("200 OK", Duration::from_secs(600)));
    route(&scratch, receiver.address, "timeout_seconds = 60");
    let args = "demo --speed 100 --seconds 100000 --view none --journal journal --alerts alerts.toml";
    let args: Vec<&str> = args.split(' ').collect();
    let child = scratch.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while receiver.got().is_empty() {
        std::thread::sleep(Duration::from_millis(50));
    }
    let interrupts =
        std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupts.success());
    let ran = ended(child, Duration::from_secs(30));
    assert_eq!(ran.code, 6, "{}", ran.err);
    assert!(ran.out.contains("by Ctrl-C") && ran.out.contains(" left for the next start"), "{}", ran.out);
    assert_eq!(go(&scratch, "verify journal --format json").json()["sound"], true);
}

#[test]
fn a_new_channel_begins_with_the_present() {
    let scratch = desk(12);
    assert_eq!(go(&scratch, "run quiet.toml").code, 0);
    let receiver = Receiver::new(|_| YES);
    route(&scratch, receiver.address, "");
    assert_eq!(go(&scratch, "run run.toml").code, 0);
    assert!(!ids(&said(&scratch)).is_empty());
    assert_eq!(receiver.ids(), [""; 0], "the past is in the journal");
}

#[test]
fn a_spoilt_state_stops_the_run_before_it_begins() {
    let scratch = desk(12);
    let receiver = Receiver::new(|_| YES);
    route(&scratch, receiver.address, "");
    assert_eq!(go(&scratch, "run run.toml").code, 0);
    scratch.write("journal/alerts-desk.state", "{}");
    go(&scratch, "run run.toml").refuses(3, &["alerts-desk.state", "remove the file"]);
}
