//! `plimsoll demo` and `plimsoll top` as their users meet them.

use crate::go;
use crate::support::Scratch;

/// Six simulated minutes: the calm, the crash, the outage of an exchange, deleveraging.
fn six_minutes(scratch: &Scratch, seed: u64, journal: &str) -> serde_json::Value {
    let ran = go(
        scratch,
        &format!("demo --speed max --seconds 440 --seed {seed} --journal {journal} --format json"),
    );
    assert_eq!(ran.code, 0, "{}", ran.err);
    serde_json::from_str(&ran.out).unwrap()
}

#[test]
fn the_demo_acts_and_its_journal_is_one_like_any_other() {
    let scratch = Scratch::empty();
    let demo = six_minutes(&scratch, 7, "one");
    let count = |key: &str| demo["tally"][key].as_u64().unwrap();
    assert!(count("orders") > 5 && count("fills") > 5, "{demo}");
    assert!(count("levels") > 0 && count("states") > 0 && count("links_lost") > 0, "{demo}");
    let replay = go(&scratch, "replay one --format json");
    let replay: serde_json::Value = serde_json::from_str(&replay.out).unwrap();
    assert_eq!(replay["state_blake3"], demo["state_blake3"]);
    assert_eq!(replay["head"], demo["head"]);
    assert_eq!(go(&scratch, "verify one").code, 0);
}

/// Where commits end is no part of what is said: the same seed gives the same journal, record by record.
#[test]
fn the_same_seed_is_the_same_demo_and_another_is_another() {
    let scratch = Scratch::empty();
    let (one, two, other) =
        (six_minutes(&scratch, 3, "one"), six_minutes(&scratch, 3, "two"), six_minutes(&scratch, 4, "other"));
    assert_eq!(one["head"], two["head"]);
    assert_eq!(one["state_blake3"], two["state_blake3"]);
    assert_ne!(one["state_blake3"], other["state_blake3"]);
    assert_eq!(go(&scratch, "replay one --against two").code, 0);
    let differs = go(&scratch, "replay one --against other");
    assert_eq!(differs.code, 1);
    assert!(differs.out.contains("DIFFERENT"), "{}", differs.out);
}

#[test]
fn top_shows_the_state_that_a_journal_leads_to() {
    let scratch = Scratch::empty();
    six_minutes(&scratch, 7, "one");
    let top = go(&scratch, "top one --once --width 140 --height 50");
    assert_eq!(top.code, 0, "{}", top.err);
    for expected in [
        "exposure",
        "BTC",
        "profit by cause, 11-25 12:00:",
        "limits, nearest first",
        "margin at",
        "desk@deribit",
        "deribit-pm",
        "to liquidation",
        "what was said",
        "order gone",
    ] {
        assert!(top.out.contains(expected), "{expected} not in\n{}", top.out);
    }
    let json = go(&scratch, "top one --format json");
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    let replay = go(&scratch, "replay one --format json");
    let replay: serde_json::Value = serde_json::from_str(&replay.out).unwrap();
    assert_eq!(json["state"], replay["state"]);
    let profit = &json["profit"];
    let usd = |value: &serde_json::Value| value.as_str().unwrap().parse::<units::Decimal>().unwrap();
    let parts = profit["parts"].as_array().unwrap();
    let told: units::Decimal = parts.iter().map(|part| usd(&part["usd"])).sum();
    assert_eq!(told, usd(&profit["change_usd"]), "the parts add up to the last digit: {profit}");
    assert!(json["limits"].as_array().unwrap().len() > 3);
}

#[test]
fn a_demo_begins_anew_and_says_what_is_wrong() {
    let scratch = Scratch::empty();
    std::fs::create_dir(scratch.path("full")).unwrap();
    scratch.write("full/kept", "mine");
    let full = go(&scratch, "demo --journal full --seconds 1");
    assert_eq!(full.code, 3);
    assert!(full.err.contains("is not empty"), "{}", full.err);
    scratch.write("policy.toml", "source = 3");
    let policy = go(&scratch, "demo --policy policy.toml --seconds 1");
    assert_eq!(policy.code, 3);
    assert!(policy.err.contains("policy.toml"), "{}", policy.err);
    scratch.write("world.toml", "venues = 3");
    let world = go(&scratch, "demo --world world.toml --seconds 1");
    assert_eq!(world.code, 3);
    assert!(world.err.contains("world.toml"), "{}", world.err);
    assert_eq!(go(&scratch, "demo --speed fast").code, 2);
    let none = go(&scratch, "top nowhere --once");
    assert_eq!(none.code, 3);
    assert!(none.err.contains("nowhere"), "{}", none.err);
}
