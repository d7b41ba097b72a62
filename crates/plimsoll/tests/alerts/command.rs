//! Alerts by a program.
#![cfg(unix)]

use crate::support::Scratch;
use crate::{desk, go, said, summary};
use std::os::unix::fs::PermissionsExt;

fn script(scratch: &Scratch, text: &str) {
    scratch.write("page-me", format!("#!/bin/sh\n{text}\n"));
    std::fs::set_permissions(scratch.path("page-me"), std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn route(scratch: &Scratch, more: &str) {
    let text = format!(
        "[[channel]]\nname = \"pager\"\nseverity = \"act\"\nmost_per_minute = 600\ncommand = [\"./page-me\", \"{{id}}\", \"--title\", \"{{severity}}: {{kind}}\"]\n{more}\n"
    );
    scratch.write("alerts.toml", text);
}

#[test]
fn a_program_gets_the_alert_on_its_standard_input() {
    let scratch = desk(12);
    script(&scratch, "cat > \"got-$1\"; echo \"$2 $3\" >> \"got-$1\"");
    route(&scratch, "");
    let ran = go(&scratch, "run run.toml --format json");
    assert_eq!(ran.code, 0, "{}", ran.err);
    let said = said(&scratch);
    assert_eq!(summary(&ran.json()), (said.len() as u64, 0, 0));
    for (id, text) in said {
        let got = scratch.text(&format!("got-{id}"));
        let (json, argument) = got.split_at(got.rfind('}').unwrap() + 1);
        let json: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!((&json["schema"], &json["text"]), (&"plimsoll.alert/1".into(), &text.as_str().into()));
        assert_eq!(argument.trim(), format!("--title act: {}", json["kind"].as_str().unwrap()));
    }
}

#[test]
fn text_of_an_alert_is_no_program() {
    let scratch = desk(12);
    script(&scratch, "echo \"$#\" > count");
    let text = "[[channel]]\nname = \"pager\"\nseverity = \"act\"\ncommand = [\"./page-me\", \"{text}; touch owned $(touch owned)\"]\n";
    scratch.write("alerts.toml", text);
    assert_eq!(go(&scratch, "run run.toml").code, 0);
    assert_eq!(scratch.text("count").trim(), "1", "one argument, blanks and all");
    assert!(!scratch.path("owned").exists(), "there is no shell");
}

#[test]
fn a_program_that_hangs_is_killed_with_what_it_has_started() {
    let scratch = desk(12);
    script(&scratch, "sleep 1000 & echo $! >> pids; echo $$ >> pids; wait");
    route(&scratch, "timeout_seconds = 1");
    let ran = go(&scratch, "run run.toml --format json");
    assert_eq!(ran.code, 6, "{}", ran.err);
    assert!(ran.err.contains("was killed: not over within"), "{}", ran.err);
    let pids = scratch.text("pids");
    assert!(pids.lines().count() >= 2, "{pids}");
    for pid in pids.lines() {
        // Nobody's child any more, it may be there as a zombie for a moment.
        let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        assert!(status.is_empty() || status.contains(") Z "), "{pid} is alive: {status}");
    }
}

#[test]
fn a_program_that_fails_is_tried_three_times_and_then_given_up() {
    let scratch = desk(12);
    script(&scratch, "echo \"$1\" >> tries; exit 7");
    route(&scratch, "");
    let ran = go(&scratch, "run run.toml");
    assert_eq!(ran.code, 6);
    assert!(ran.err.contains("exit code 7") && ran.err.contains("alert FAILED"), "{}", ran.err);
    let tries = scratch.text("tries");
    let first: Vec<&str> = tries.lines().take(4).collect();
    assert!(first[0] == first[1] && first[1] == first[2] && first.get(3) != Some(&first[0]), "{tries}");
}

#[test]
fn a_program_is_not_told_the_secrets_of_other_channels() {
    let scratch = desk(12);
    script(&scratch, "env > seen");
    route(
        &scratch,
        "[[channel]]\nname = \"hook\"\nseverity = \"act\"\nkinds = [\"cancel\"]\nwebhook = { url_env = \"DESK_HOOK\" }",
    );
    let mut command = scratch.command(&["run", "run.toml"]);
    let output = command.env("DESK_HOOK", "http://127.0.0.1:9/TOKEN").env("OTHER", "stays").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let seen = scratch.text("seen");
    assert!(seen.contains("OTHER=stays") && !seen.contains("TOKEN"), "{seen}");
}
