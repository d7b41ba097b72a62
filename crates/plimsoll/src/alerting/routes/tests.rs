//! Each mistake of a file, and what no message may show.

use super::*;

/// A variable that is set in tests.
const URL: &str = "https://hooks.example:8443/services/T0/TOKEN-NOBODY-SEES";

pub(in super::super) fn parse(text: &str) -> Result<Routes, String> {
    let variable = |name: &str| (name == "DESK_HOOK").then(|| format!("{URL}\n"));
    let around = Around { folder: Path::new(env!("CARGO_MANIFEST_DIR")), variable: &variable };
    Routes::parse("alerts.toml", text, &around).map_err(|issues| issues.to_string())
}

fn refused(text: &str) -> String {
    let issues = parse(text).unwrap_err();
    assert!(!issues.contains("NOBODY-SEES"), "shows what is hidden:\n{issues}");
    issues
}

const DESK: &str = "[[channel]]\nname = 'desk'\nseverity = 'warn'\nwebhook = { url_env = 'DESK_HOOK' }\n";

#[test]
fn a_file_is_read_with_its_defaults() {
    let routes = parse(DESK).unwrap();
    let channel = &routes.channels[0];
    assert_eq!((channel.name.as_str(), channel.severity), ("desk", Severity::Warn));
    assert_eq!((channel.timeout, channel.most_per_minute), (Duration::from_secs(10), 30));
    assert_eq!((channel.format(), channel.is_signed()), (Format::Plimsoll, false));
    assert_eq!(channel.to(), "https://hooks.example:8443");
    let By::Webhook { url, .. } = &channel.by else { panic!("a webhook") };
    assert_eq!(url.reveal(), URL, "trimmed");
    assert!(!format!("{routes:?}").contains("NOBODY-SEES"));
    assert!(routes.hidden_variables.contains("DESK_HOOK"), "kept from commands");
}

#[test]
fn a_command_is_read_with_its_words() {
    let routes = parse("[[channel]]\nname = 'pager'\nseverity = 'act'\ncommand = ['page-me', '--title', '{kind}: {text}', '{\"a\": 1}']\n").unwrap();
    let By::Command { program, arguments } = &routes.channels[0].by else { panic!("a command") };
    assert_eq!((program.as_path(), arguments.len()), (Path::new("page-me"), 3));
    let beside =
        parse("[[channel]]\nname = 'pager'\nseverity = 'act'\ncommand = ['./Cargo.toml']\n").unwrap();
    assert!(beside.channels[0].to().ends_with("Cargo.toml") && beside.channels[0].to().starts_with('/'));
}

/// Each mistake alone, as the lines of a channel or of a file, and words of the answer: what, where, how to mend.
#[test]
fn each_mistake_is_told() {
    let webhook = "webhook = { url = 'http://127.0.0.1:9/NOBODY-SEES' }\n";
    let one = |lines: &str| format!("[[channel]]\nname = 'desk'\nseverity = 'act'\n{lines}");
    let with = |line: &str| one(&format!("{webhook}{line}"));
    let url = |url: &str| one(&format!("webhook = {{ url = '{url}' }}"));
    let cases: Vec<(String, &[&str])> = vec![
        (String::new(), &["alerts.toml, channel: has no channel"]),
        ("channel = 3".into(), &["[[channel]], in double brackets"]),
        (format!("{DESK}[other]\nx = 1"), &["alerts.toml, other: is no key here"]),
        ("[[channel]]\nname = 'NOBODY-SEES".into(), &["line 2 is no TOML"]),
        (format!("[[channel]]\nseverity = 'act'\n{webhook}"), &["row 1, name: is missing"]),
        (
            format!("[[channel]]\nname = 'A b'\nseverity = 'act'\n{webhook}"),
            &["name = 'A b': 1 to 40 small letters"],
        ),
        (format!("{DESK}{DESK}"), &["row 2, name = 'desk': is the name of another channel"]),
        (format!("[[channel]]\nname = 'desk'\n{webhook}"), &["severity: is missing"]),
        (
            format!("[[channel]]\nname = 'desk'\nseverity = 'loud'\n{webhook}"),
            &["severity = 'loud': is none of info, warn, act"],
        ),
        (with("kinds = ['levels']"), &["kinds = 'levels': is no kind: known are adjustment, alert"]),
        (with("kinds = []"), &["kinds: names nothing: leave it out for all"]),
        (with("rules = 'thin margin'"), &["rules: a list of texts"]),
        (with("rules = ['a', 3]"), &["rules: a list of texts"]),
        (with("format = 'xml'"), &["format = 'xml': is none of plimsoll, slack"]),
        (with("timeout_seconds = 0"), &["timeout_seconds = '0': a whole number from 1 to 60"]),
        (with("most_per_minute = 1.5"), &["most_per_minute: a whole number from 1 to 600"]),
        (with("retries = 3"), &["retries: is no key here: known are name, severity"]),
        (with("secret = 'NOBODY-SEES'"), &["secret: is no key here"]),
        (with("secret_env = 'NOBODY-SEES'"), &["secret_env: names no environment variable that is set"]),
        (with("secret_file = 'NOBODY-SEES'"), &["secret_file: cannot read", "the folder of this file"]),
        (
            with("secret_file = 'a'\nsecret_env = 'b'"),
            &["secret_file: exactly one of secret_file, secret_env"],
        ),
        (with("command = ['true']"), &["webhook: webhook or command: a channel has one of them"]),
        (one(""), &["webhook: is missing: webhook or command"]),
        (one("webhook = 'https://x/NOBODY-SEES'"), &["webhook: is text: write webhook = { url_file"]),
        (one("webhook = {}"), &["webhook.url_file: exactly one of url_file, url_env, url"]),
        (one("webhook = { url = 3 }"), &["webhook.url: is a number: write text in quotes"]),
        (one("webhook = { url_file = 'https://x/NOBODY-SEES' }"), &["webhook.url_file: cannot read"]),
        (
            one("webhook = { url_env = 'https://x/NOBODY-SEES' }"),
            &["webhook.url_env: names no environment variable"],
        ),
        (one("webhook = { url = '' }"), &["webhook.url: one line of 1 to 4096 characters"]),
        (
            one("webhook = { url = 'http://127.0.0.1', token = 'NOBODY-SEES' }"),
            &["webhook.token: is no key here"],
        ),
        (url("NOBODY-SEES"), &["webhook.url: is no whole address"]),
        (url("https://"), &["webhook.url: is no address"]),
        (url("ftp://127.0.0.1/NOBODY-SEES"), &["webhook.url: begins with https://"]),
        (url("http://10.0.0.7/NOBODY-SEES"), &["webhook.url: is http to another machine", "use https"]),
        (url("http://127.0.0.1.example/NOBODY-SEES"), &["webhook.url: is http to another machine"]),
        (url("https://me:NOBODY-SEES@x/"), &["webhook.url: has a name before an @"]),
        (url("https://x:99999/NOBODY-SEES"), &["webhook.url: has a port that is none"]),
        (url("http://127.0.0.1:/NOBODY-SEES"), &["webhook.url: has a port that is none"]),
        (one("command = []"), &["command: names nothing"]),
        (one("command = 'page-me'"), &["command: a list of texts"]),
        (one("command = ['./not-there']"), &["command = './not-there': is no file"]),
        (
            one("command = ['page-me', '{colour}']"),
            &["command = 'colour': is no word to put in: known are {channel}, {id}"],
        ),
        (
            one("command = ['page-me']\nformat = 'slack'\nsecret_env = 'X'"),
            &["format: is of webhooks", "secret_env: is of webhooks"],
        ),
    ];
    for (text, expected) in cases {
        let issues = refused(&text);
        let mistakes = if expected[0].contains("is of webhooks") { 2 } else { 1 };
        assert_eq!(issues.lines().count(), mistakes, "one line each:\n{text}\n{issues}");
        for word in expected {
            assert!(issues.contains(word), "lacks '{word}':\n{text}\n{issues}");
        }
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = "[[channel]]\nname = 'X'\nseverity = 'loud'\nkinds = ['levels']\nwebhook = { url = 'http://10.0.0.7/' }\ntimeout_seconds = 0\n\
                [[channel]]\nretries = 3\n";
    let issues = refused(text);
    for word in [
        "row 1, name",
        "row 1, severity",
        "row 1, kinds",
        "row 1, webhook.url",
        "row 1, timeout_seconds",
        "row 2, name",
        "row 2, severity",
        "row 2, webhook",
        "row 2, retries",
    ] {
        assert!(issues.contains(word), "lacks '{word}':\n{issues}");
    }
}

#[test]
fn loopback_may_be_plain() {
    for url in [
        "http://127.0.0.1:9000/x",
        "http://127.8.8.8/",
        "http://[::1]:80/",
        "http://localhost:1/",
        "https://10.0.0.7/x",
    ] {
        let text = format!("[[channel]]\nname = 'desk'\nseverity = 'act'\nwebhook = {{ url = '{url}' }}\n");
        assert!(parse(&text).is_ok(), "{url}: {:?}", parse(&text));
    }
}

/// The example that a reader copies.
#[test]
fn the_example_is_sound() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/alerts.toml");
    let routes = Routes::read(&path).map_err(|issues| issues.to_string()).unwrap();
    assert!(
        routes
            .channels
            .iter()
            .all(|channel| channel.way() == "command" || channel.to().starts_with("http://127.0.0.1"))
    );
    let policy = include_str!("../../../../../policies/demo.toml");
    let policy = engine::Policy::parse("demo.toml", policy, &instrument::Specs::embedded()).unwrap();
    assert_eq!(routes.unknown_rules(&policy), []);
}

#[test]
fn rules_that_a_policy_lacks_are_named() {
    let policy = include_str!("../../../../../policies/demo.toml");
    let policy = engine::Policy::parse("demo.toml", policy, &instrument::Specs::embedded()).unwrap();
    let routes =
        parse(&format!("{DESK}rules = ['thin margin', 'delta', 'btc delta', 'thick margin']\n")).unwrap();
    assert_eq!(routes.unknown_rules(&policy), [("desk".to_owned(), "thick margin".to_owned())]);
}
