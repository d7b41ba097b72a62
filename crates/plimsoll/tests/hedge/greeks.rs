//! `plimsoll hedge --greeks`: several greeks within bands.

use crate::support::Scratch;
use crate::{FILES, rows, usd};

const BANDS: &str = include_str!("../../../../costs/greeks.toml");

#[test]
fn every_greek_ends_in_its_band_or_nearer_and_its_rows_say_what_it_costs() {
    let scratch = Scratch::desk();
    let plan = scratch.planned(&format!("{FILES} --greeks"));
    let greeks = plan["greeks"].as_array().unwrap();
    assert!(greeks.iter().any(|row| row["underlying"] == "BTC" && row["expiry"] == "all"));
    let mut better = 0;
    for row in greeks {
        let figure = |key: &str| usd(&row[key]);
        let beyond = |key: &str| (figure(key).abs() - figure("width")).max(0.0);
        better += u32::from(beyond("after") < beyond("before"));
        // A soft band that is left has its price; in whole lots one that was kept may be left by a lot.
        let is_priced = !row["beyond_usd"].is_null();
        assert_eq!(beyond("after") > 1e-6, is_priced, "{row}");
    }
    assert!(better >= 3, "delta of both coins and a vega");
    for coin in ["BTC", "ETH"] {
        let delta = greeks
            .iter()
            .find(|row| row["underlying"] == coin && row["measure"] == "delta_cash_usd")
            .unwrap();
        assert!(usd(&delta["after"]).abs() < 0.2 * usd(&delta["before"]).abs(), "{delta}");
        let all = rows(&plan, "buckets", ("underlying", coin));
        let all = all.iter().find(|row| row["expiry"] == "all").unwrap();
        // Two ways to the same sum: the optimiser's rows, and each order at its contract.
        let distance = usd(&all["delta_after_usd"]) - usd(&delta["after"]);
        assert!(distance.abs() < 1e-3, "{all}: {delta}");
    }
}

#[test]
fn carry_that_is_received_is_told_and_makes_no_trade() {
    let scratch = Scratch::desk();
    let wide = BANDS
        .replace("width = \"50000\"", "width = \"9000000\"")
        .replace("width = \"20000\"", "width = \"9000000\"");
    scratch.write("wide.toml", wide.replace("width = \"1000\"", "width = \"9000000\""));
    let plan = scratch.planned(&format!("{FILES} --greeks --bands wide.toml"));
    assert_eq!(plan["legs"], serde_json::json!([]), "a book within its bands trades nothing for its funding");
}

#[test]
fn limits_that_exclude_one_another_are_named() {
    let scratch = Scratch::desk();
    let hard = BANDS.replace("price_usd = 0.02", "#");
    scratch.write("hard.toml", hard.replace("within_hours = 24.0", "within_hours = 0.1"));
    let ran = scratch.hedge(&format!("{FILES} --greeks --bands hard.toml"));
    assert_eq!(ran.code, 3, "{}", ran.err);
    for words in ["exclude one another", "delta_cash_usd all' within 50000", "Widen the band"] {
        assert!(ran.err.contains(words), "{words}: {}", ran.err);
    }
    assert!(ran.err.len() < 1_500, "a few lines, not every instrument: {}", ran.err);
}

#[test]
fn every_mistake_of_a_file_of_bands_is_named_at_once() {
    let scratch = Scratch::desk();
    let wrong = BANDS
        .replace("width = \"20000\"", "width = \"wide\"")
        .replace("within_hours = 24.0", "within_hours = nan");
    scratch.write("wrong.toml", wrong);
    let ran = scratch.hedge(&format!("{FILES} --greeks --bands wrong.toml"));
    assert_eq!(ran.code, 3);
    for words in ["band 2: width", "within_hours"] {
        assert!(ran.err.contains(words), "{words}: {}", ran.err);
    }
    assert_eq!(scratch.hedge(&format!("{FILES} --bands wrong.toml")).code, 2, "--bands needs --greeks");
}

/// The account has wallets that stand alone and none in USDC: a perpetual that is paid in USDC would leave that wallet short at once.
#[test]
fn no_plan_leaves_an_account_short_of_margin() {
    let scratch = Scratch::desk();
    for args in ["", "--choose", "--greeks"] {
        let plan = scratch.planned(&format!("{FILES} {args}"));
        for row in plan["margin"].as_array().unwrap() {
            assert_eq!(row["status"], "ok", "{args}: {row}");
        }
    }
    // An account that holds nothing has nothing to spare.
    let nobody = scratch.text("policy.toml").replace("account = \"vol-desk\"", "account = \"nobody\"");
    scratch.write("nobody.toml", nobody);
    let ran = scratch.hedge("book.csv --market market.json --policy nobody.toml");
    assert_eq!(ran.code, 3);
    assert!(ran.err.contains("margin: nobody@deribit would be"), "{}", ran.err);
    let plan = scratch.planned("book.csv --market market.json --policy nobody.toml --greeks");
    assert_eq!(plan["legs"], serde_json::json!([]));
}

#[test]
fn two_rules_do_not_hedge_one_delta_twice() {
    let scratch = Scratch::desk();
    let policy = scratch.text("policy.toml");
    let at = policy.find("[[hedge]]").unwrap();
    let second = policy[at..].split("[[hedge]]").nth(1).unwrap().replace("btc delta", "btc again");
    scratch.write("two.toml", format!("{policy}\n[[hedge]]{second}"));
    let ran = scratch.hedge("book.csv --market market.json --policy two.toml");
    assert_eq!(ran.code, 3);
    assert!(ran.err.contains("'btc delta' hedges the delta of BTC already"), "{}", ran.err);
    let ran = scratch.hedge("book.csv --market market.json --policy two.toml --allow-partial --format json");
    assert_eq!(ran.code, 4, "a rule that is not followed makes the plan partial");
    let plan = ran.json();
    assert_eq!(plan["partial"], true);
    let all = rows(&plan, "buckets", ("underlying", "BTC"));
    assert!(all.len() > 3, "what the other rule does is shown: {all:?}");
    assert!(
        ran.err.contains("in no figure: 0") && ran.err.contains("rules that are not followed: 1"),
        "{}",
        ran.err
    );
}

#[test]
fn bands_of_delta_are_around_the_rules_target() {
    let scratch = Scratch::desk();
    let policy = scratch.text("policy.toml").replacen(
        "account = \"vol-desk\"",
        "target_usd = \"900000\"\naccount = \"vol-desk\"",
        1,
    );
    scratch.write("target.toml", policy);
    let plan = scratch.planned("book.csv --market market.json --policy target.toml --greeks");
    let delta = rows(&plan, "greeks", ("measure", "delta_cash_usd"));
    let btc = delta.iter().find(|row| row["underlying"] == "BTC").unwrap();
    assert!((usd(&btc["after"]) - 900_000.0).abs() <= 50_000.0 + 1_000.0, "{btc}");
    let all = rows(&plan, "buckets", ("underlying", "BTC"));
    let all = all.iter().find(|row| row["expiry"] == "all").unwrap();
    assert!(
        (usd(&all["delta_after_usd"]) - usd(&btc["after"])).abs() < 1e-3,
        "what is shown is the book's: {all}"
    );
}
