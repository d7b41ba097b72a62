//! The dashboard beside `plimsoll run`: people act between two snapshots, and Ctrl-C leaves a journal that the next run goes on with.

use crate::support::Scratch;
use crate::{desk, go};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Command, Stdio};

struct Run {
    child: Child,
    says: BufReader<ChildStderr>,
    address: String,
    token: String,
}

/// Without the fill that comes twice: nothing is refused but what a person asks for.
fn quiet_desk(minutes: usize) -> Scratch {
    let scratch = desk(minutes);
    scratch
        .write("fills.csv", "time,account,venue,chain,kind,id,instrument,quantity,price,fee,asset,amount\n");
    scratch
}

impl Run {
    fn start(scratch: &Scratch, speed: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
            .current_dir(scratch.path(""))
            .args(["run", "run.toml", "--listen", "127.0.0.1:0", "--speed", speed])
            .stderr(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut says = BufReader::new(child.stderr.take().unwrap());
        let line = wait_for(&mut says, "#token=");
        let (_, url) = line.split_once("http://").unwrap();
        let (address, token) = url.trim().split_once("/#token=").unwrap();
        let (address, token) = (address.to_owned(), token.to_owned());
        Self { child, says, address, token }
    }

    fn ask(&self, request: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let (length, token, host) = (body.len(), &self.token, &self.address);
        let head = format!(
            "{request} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: \
             {length}\r\nConnection: close\r\n\r\n{body}"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Waits for a frame of which something is true.
    fn until(&self, path: &str, is_true: impl Fn(&str) -> bool) {
        for _ in 0..600 {
            if is_true(&self.ask(&format!("GET /v1/{path}"), "")) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        panic!("{path} never comes to it: {}", self.ask(&format!("GET /v1/{path}"), ""));
    }

    /// Ctrl-C: what it printed.
    fn end(mut self) -> String {
        let done = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        assert!(done.success());
        let mut said = String::new();
        self.says.read_to_string(&mut said).unwrap();
        let output = self.child.wait_with_output().unwrap();
        assert!(output.status.success(), "{said}");
        String::from_utf8(output.stdout).unwrap()
    }
}

fn wait_for(says: &mut BufReader<ChildStderr>, text: &str) -> String {
    let mut line = String::new();
    while !line.contains(text) {
        line.clear();
        assert_ne!(says.read_line(&mut line).unwrap(), 0, "it ended without '{text}'");
    }
    line
}

#[cfg(unix)]
#[test]
fn a_person_acts_on_the_page_of_a_run_and_the_next_run_goes_on() {
    let scratch = quiet_desk(20);
    // A snapshot a minute, a minute in a fifth of a second.
    let run = Run::start(&scratch, "300");
    run.until("overview", |answer| answer.starts_with("HTTP/1.1 200") && !answer.contains("1970-01-01"));
    let paused = run.ask("POST /v1/state", r#"{"state":"paused","reason":"lunch"}"#);
    assert!(paused.starts_with("HTTP/1.1 200") && paused.contains("paused"), "{paused}");
    run.until("overview", |answer| answer.contains("\"state\":\"paused\""));
    let refused = run.ask(
        "POST /v1/orders",
        r#"{"account":"vol-desk","venue":"deribit","symbol":"BTC-PERPETUAL","quantity":"10"}"#,
    );
    assert!(refused.starts_with("HTTP/1.1 409"), "{refused}");
    let out = run.end();
    assert!(out.contains("book       paused"), "{out}");
    let (took, _) = out.split_once(" snapshots (").unwrap();
    let took: u32 = took.rsplit(' ').next().unwrap().parse().unwrap();
    assert!((1..20).contains(&took), "Ctrl-C came between the first and the last: {out}");
    assert_eq!(go(&scratch, "verify journal").code, 0);

    let rest = go(&scratch, "run run.toml");
    assert!(rest.out.contains(&format!("{} snapshots ({took} before", 20 - took)), "{}", rest.out);
    let said = go(&scratch, "replay journal --outputs").out;
    assert!(said.contains("reduce_only to paused because of a person"), "{said}");
}

/// A minute between two snapshots, and nothing else comes: what a person did is shown at once.
#[cfg(unix)]
#[test]
fn a_kill_between_two_snapshots_is_shown() {
    let scratch = quiet_desk(3);
    let run = Run::start(&scratch, "1");
    run.until("overview", |answer| answer.starts_with("HTTP/1.1 200") && !answer.contains("1970-01-01"));
    let killed = run.ask("POST /v1/kill", r#"{"confirm":"KILL"}"#);
    assert!(killed.starts_with("HTTP/1.1 200"), "{killed}");
    run.until("overview", |answer| answer.contains("\"state\":\"paused\""));
    let out = run.end();
    assert!(out.contains("1 snapshots (0 before"), "{out}");
}

#[cfg(unix)]
#[test]
fn the_page_stays_when_the_recordings_are_over() {
    let scratch = quiet_desk(3);
    let mut run = Run::start(&scratch, "max");
    wait_for(&mut run.says, "the recordings are over");
    run.until("positions", |answer| answer.contains("2026-11-20T12:02:00Z"));
    let answer = run.ask("POST /v1/kill", r#"{"confirm":"KILL"}"#);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    run.until("overview", |answer| answer.contains("\"state\":\"paused\""));
    let out = run.end();
    assert!(out.contains("3 snapshots (0 before"), "{out}");
}

#[test]
fn options_of_a_page_without_one_are_refused() {
    let scratch = desk(1);
    for options in ["--speed 10", "--host risk:1", "--tokens tokens.toml"] {
        let ran = go(&scratch, &format!("run run.toml {options}"));
        assert_eq!(ran.code, 2, "{options}: {}", ran.err);
        assert!(ran.err.contains("--listen"), "{options}: {}", ran.err);
    }
}
