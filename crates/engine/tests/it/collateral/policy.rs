//! What a rule's table may say.

use super::{HEAD, RULE};
use engine::{Execution, Policy};
use instrument::Specs;

fn mistakes(text: &str) -> String {
    Policy::parse("p.toml", text, &Specs::embedded()).unwrap_err().to_string()
}

#[test]
fn a_sound_rule_says_what_it_says() {
    let policy = Policy::parse("p.toml", &format!("{HEAD}{RULE}"), &Specs::embedded()).unwrap();
    let rule = policy.collaterals.first().unwrap();
    assert_eq!((rule.from.len(), rule.decimals, rule.execution), (2, 4, Execution::Armed));
    let asked = RULE.replace("\"armed\"", "\"ask\"");
    let policy = Policy::parse("p.toml", &format!("{HEAD}{asked}"), &Specs::embedded()).unwrap();
    assert_eq!(policy.collaterals.first().unwrap().execution, Execution::Propose);
}

#[test]
fn every_mistake_is_reported() {
    let text = r#"
        source = "s"
        valid_from = "2026-11-01"
        [[collateral]]
        name = "x"
        account = "a"
        venue = "deribit"
        chain = "offchain"
        asset = "B,TC"
        from = [{ account = "a", venue = "deribit", chain = "ethereum" }, { account = "v", venue = "in-transit", chain = "offchain" }]
        when_use_above = 0.3
        to_use = 0.35
        keep_use_below = 1.5
        smallest = "0.005"
        largest = "10"
        hourly = "5"
        fee = "-1"
        arrives_within_seconds = 0
        execution = "ask"
        cool_down_seconds = 100000
    "#;
    let all = mistakes(text);
    for expected in [
        "stale_after_seconds",
        "collateral rules need [margin]",
        "asset = 'B,TC'",
        "another account or venue",
        "the engine's own name",
        "below when_use_above",
        "keep_use_below = '1.5': a share",
        "smallest = '0.005': a multiple of 0.01",
        "fee = '-1'",
        "arrives_within_seconds = '0'",
        "at most one day",
    ] {
        assert!(all.contains(expected), "{expected} not in:\n{all}");
    }
    let more =
        RULE.replace("smallest = \"0.05\"", "smallest = \"6\"").replace("hourly = \"8\"", "hourly = \"4\"");
    let all = mistakes(&format!("{HEAD}{more}"));
    assert!(all.contains("at most largest") && all.contains("at most hourly"), "{all}");
    let stranger = mistakes(&format!("accounts = ['a', 'b']\n{HEAD}{RULE}"));
    assert!(stranger.contains("account = 'v': an account of this book"), "{stranger}");
    let unknown = mistakes(&format!("{HEAD}{}", RULE.replace("fee = ", "tip = ")));
    assert!(unknown.contains("unknown field `tip`"), "{unknown}");
    let twice = mistakes(&format!("{HEAD}{RULE}{RULE}"));
    assert!(twice.contains("a name of its own"), "{twice}");
}

/// Two accounts that top each other up: what one spares must not make it ask back.
#[test]
fn two_rules_do_not_ask_each_other_for_the_same_money() {
    let back = RULE
        .replace("top up", "back")
        .replace("account = \"a\"\n", "account = \"b\"\n")
        .replace(
            r#"{ account = "b", venue = "deribit", chain = "offchain" }"#,
            r#"{ account = "a", venue = "deribit", chain = "offchain" }"#,
        )
        .replace("when_use_above = 0.5", "when_use_above = 0.25")
        .replace("to_use = 0.35", "to_use = 0.2");
    let all = mistakes(&format!("{HEAD}{RULE}{back}"));
    assert!(all.contains("at most when_use_above of 'back'"), "{all}");
    let sound = back.replace("when_use_above = 0.25", "when_use_above = 0.4");
    assert!(Policy::parse("p.toml", &format!("{HEAD}{RULE}{sound}"), &Specs::embedded()).is_ok());
}
