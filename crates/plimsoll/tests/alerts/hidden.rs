//! Addresses and secrets are in nothing that is printed or kept.

use crate::receiver::Receiver;
use crate::support::Scratch;
use crate::{desk, said};
use std::path::Path;
use std::time::Duration;

const TOKEN: &str = "T0K3N-NOBODY-SEES";
const SECRET: &str = "S3CR3T-NOBODY-SEES";

fn contains(bytes: &[u8], words: &str) -> bool {
    bytes.windows(words.len()).any(|window| window == words.as_bytes())
}

/// Every byte below a folder.
fn assert_clean(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        assert!(!contains(&bytes, TOKEN) && !contains(&bytes, SECRET), "{}", path.display());
    }
}

fn runs_clean(scratch: &Scratch, args: &[&str], says: &str) {
    let mut command = scratch.command(args);
    // All that any log has.
    let output = command.env("PLIMSOLL_LOG", "trace").env("RUST_LOG", "trace").output().unwrap();
    let all = [&output.stdout[..], &output.stderr[..]].concat();
    assert!(contains(&all, says), "it came to that: {}", String::from_utf8_lossy(&all));
    for hidden in [TOKEN, SECRET] {
        assert!(!contains(&all, hidden), "{args:?}: {}", String::from_utf8_lossy(&all));
    }
}

#[test]
fn a_token_is_in_no_output_and_in_no_journal() {
    let not_found = Receiver::new(|_| ("404 Not Found", Duration::ZERO));
    let away = Receiver::new(|_| ("503 Service Unavailable", Duration::ZERO));
    let garbage = Receiver::new(|_| ("not HTTP at all", Duration::ZERO));
    let nobody = Receiver::nobody();
    let cases = [
        (not_found.address, "404 Not Found"),
        (away.address, "503 Service Unavailable"),
        (garbage.address, "not delivered yet"),
        (nobody, "no connection"),
    ];
    for (address, says) in cases {
        let scratch = desk(12);
        scratch.write("hook.url", format!("http://{address}/hook/{TOKEN}?key={TOKEN}\n"));
        scratch.write("hook.secret", SECRET);
        scratch.write("alerts.toml", "[[channel]]\nname = \"desk\"\nseverity = \"act\"\nwebhook = { url_file = \"hook.url\" }\nsecret_file = \"hook.secret\"\n");
        runs_clean(&scratch, &["run", "run.toml"], says);
        assert_clean(&scratch.path("journal"));
        assert!(!said(&scratch).is_empty());
        for args in [
            &["alert", "test", "alerts.toml"][..],
            &["alert", "test", "alerts.toml", "--format", "json"],
            &["alert", "test", "alerts.toml", "--dry-run"],
        ] {
            runs_clean(&scratch, args, "desk");
        }
    }
    // It did go to the address, token and all.
    assert!(not_found.got()[0].asks.contains(TOKEN));
}

#[test]
fn a_token_in_the_wrong_place_is_not_shown_either() {
    let scratch = desk(1);
    for line in [
        format!("webhook = \"https://x.example/{TOKEN}\""),
        format!("webhook = {{ url_file = \"https://x.example/{TOKEN}\" }}"),
        format!("webhook = {{ url_env = \"{TOKEN}\" }}"),
        format!("webhook = {{ url = \"http://x.example/{TOKEN}\" }}"),
        format!("webhook = {{ url = \"https://x.example/{TOKEN} }}"),
        format!("webhook = {{ url = \"https://x.example/\" }}\nsecret = \"{SECRET}\""),
        format!("webhook = {{ url = \"https://x.example/\" }}\nsecret_file = \"{SECRET}\""),
    ] {
        scratch.write("alerts.toml", format!("[[channel]]\nname = \"desk\"\nseverity = \"act\"\n{line}\n"));
        runs_clean(&scratch, &["run", "run.toml"], "alerts.toml");
        runs_clean(&scratch, &["alert", "test", "alerts.toml"], "alerts.toml");
        assert!(!scratch.path("journal").exists(), "refused before anything is in a journal: {line}");
    }
}
