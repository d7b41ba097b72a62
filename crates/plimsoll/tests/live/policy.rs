//! `plimsoll policy check`: the sample in words, mistakes with their place, warnings.

use crate::go;
use crate::json_paths::{assert_documented, assert_on_record, paths};
use crate::support::Scratch;
use std::path::Path;

fn sample() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/desk.toml")).unwrap()
}

const BROKEN: &str = r#"
source = "test"
valid_from = "2026-11-01"
[[limit]]
name = "a"
measure = "delta"
warn = "1"
hard = "2"
[[trigger]]
name = "b"
each = ["acount"]
when = """
value_usd < -1.0 &&
  valu > 3 && 'x' in stal"""
actions = ["alert"]
"#;

#[test]
fn the_sample_is_sound_and_said_in_words() {
    let scratch = Scratch::empty();
    scratch.write("desk.toml", sample());
    let ran = go(&scratch, "policy check desk.toml --at 2026-11-26");
    assert_eq!(ran.code, 0, "{}", ran.err);
    for expected in [
        "desk.toml: sound, valid from 2026-11-01",
        "nothing acts on quotes older than 60 s",
        "delta by coin",
        "each underlying, expiry (BTC, ETH)",
        "at most 250000 USD each and 2000000 USD an hour, within 50 bp of the mark",
        "in the state flatten closing everything is proposed",
        "desk@deribit/offchain",
        "deep loss",
        "alert, cancel_orders, reduce_only",
        "value_usd < -100000.0 && abs(delta_cash_usd) > 50000.0",
        "10 min",
        "distance to liquidation by BTC, ETH",
        "when desk on deribit uses over 50 %, the least BTC that brings it to 35 % goes to desk@deribit/offchain",
        "from desk@okx/offchain; none is drained beyond a use of 30 % of its own",
    ] {
        assert!(ran.out.contains(expected), "{expected} not in:\n{}", ran.out);
    }
    assert!(!ran.out.contains("WARNING"), "{}", ran.out);
}

#[test]
fn mistakes_are_listed_with_their_place_and_nothing_else_is_printed() {
    let scratch = Scratch::empty();
    scratch.write("desk.toml", sample());
    scratch.write("bad.toml", BROKEN);
    let ran = go(&scratch, "policy check desk.toml bad.toml");
    ran.refuses(
        3,
        &[
            "bad.toml has 4 mistakes",
            "limit 'a': measure = 'delta': one of value_usd",
            "trigger 'b': each = 'acount': one of underlying",
            "trigger 'b': when, line 2, column 3: there is no variable valu; there are",
            "    |   valu > 3 && 'x' in stal\n    |   ^\n",
            "trigger 'b': when, line 2, column 22: there is no variable stal",
            "    |                      ^",
        ],
    );
    let ran = go(&scratch, "policy check bad.toml --format json");
    assert_eq!(ran.code, 3);
    let json = ran.json();
    assert_eq!(json["sound"], false);
    let mistake = &json["files"][0]["mistakes"][2];
    assert_eq!((&mistake["line"], &mistake["column"]), (&2.into(), &3.into()));
    scratch.write("bad.toml", "a = ");
    go(&scratch, "policy check bad.toml").refuses(3, &["bad.toml has 1 mistake:", "line 1, column"]);
    go(&scratch, "policy check absent.toml").refuses(3, &["absent.toml: cannot read"]);
}

#[test]
fn what_may_not_be_meant_is_a_warning() {
    let scratch = Scratch::empty();
    let odd = sample()
        .replace("execution = \"propose\"", "execution = \"armed\"")
        .replace("flatten = \"propose\"\n", "")
        .replace("\"pause\"", "\"flatten\"")
        .replace("only = { underlying = [\"BTC\", \"ETH\"] }", "only = { underlying = [\"btc\"] }");
    let first = odd.find("[[hedge]]").unwrap();
    let second = odd[first + 1..].find("[[hedge]]").unwrap() + first + 1;
    let again = odd[first..second].replace("btc delta", "btc again");
    let odd = odd.replace(
        "[margin]\n",
        &format!("{again}\n[margin]\nrulebooks = {{ \"desk@deribit\" = \"nosuch\" }}\n"),
    );
    scratch.write("odd.toml", odd);
    let ran = go(&scratch, "policy check odd.toml --at 2026-10-01");
    assert_eq!(ran.code, 0, "{}", ran.err);
    for expected in [
        "valid_from is 2026-11-01: later than 2026-10-01",
        "hedge 'btc delta' sends orders by itself",
        "crash, blind asks for the state flatten, and nobody closes anything in it",
        "hedges 'btc delta' and 'btc again' keep the same delta, that of BTC",
        "'nosuch' of desk@deribit does not ship with the program",
        "only has underlying 'btc': it is written BTC",
    ] {
        assert!(ran.out.contains(expected), "{expected} not in:\n{}", ran.out);
    }
    let bare = "source = 's'\nvalid_from = '2026-11-01'\n[[limit]]\nname = 'x'\nmeasure = 'value_usd'\n\
                group_by = ['venue', 'kind']\nonly = { venue = ['nowhere'], kind = ['swap'] }\nwarn = '1'\nhard = '2'\n\
                [[trigger]]\nname = 'y'\nwhen = 'size(stale) > 0'\nactions = ['cancel_orders']\n";
    scratch.write("bare.toml", bare);
    let ran = go(&scratch, "policy check bare.toml");
    for expected in [
        "no quote is ever too old",
        "trigger 'y' reads stale, which is empty",
        "only has venue 'nowhere': venue 'nowhere' is not known",
        "only has kind 'swap': there are option",
        "cancel_orders has nothing to cancel",
    ] {
        assert!(ran.out.contains(expected), "{expected} not in:\n{}", ran.out);
    }
}

#[test]
fn key_paths_and_types_are_on_record_and_documented() {
    const RECORD: &str = "tests/live/policy_check_json_schema.txt";
    let scratch = Scratch::empty();
    scratch.write("desk.toml", sample().replace("execution = \"propose\"", "execution = \"armed\""));
    scratch.write("bad.toml", BROKEN);
    let json = go(&scratch, "policy check desk.toml bad.toml --format json").json();
    let maps = ["files[].limits[].only", "files[].margin.rulebooks"];
    assert_on_record(RECORD, &paths(&[json], &maps));
    assert_documented(RECORD, "## 17. Policy files");
}
