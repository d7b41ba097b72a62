//! Which accounts are margined, by whose rules, and what becomes of the others.

use crate::support::{Scratch, book_of};
use crate::{WHOLE, deribit_unclaimed};
use serde_json::Value;

fn status(json: &Value, account: &str, venue: &str) -> String {
    let all = json["accounts"].as_array().unwrap();
    let found = all.iter().find(|a| a["account"] == account && a["venue"] == venue);
    found.unwrap_or_else(|| panic!("{account}@{venue} is dropped"))["status"].as_str().unwrap().to_owned()
}

#[test]
fn every_account_of_the_sample_is_listed_and_a_wallet_needs_no_rulebook() {
    let scratch = Scratch::sample();
    let json: Value =
        serde_json::from_str(&scratch.margin(&format!("{WHOLE} --format json")).succeeds()).unwrap();
    assert_eq!(json["accounts"].as_array().unwrap().len(), 8);
    assert_eq!(json["partial"], false);
    assert_eq!(status(&json, "dao-treasury", "wallet"), "no_derivatives");
    for (account, venue) in [("basis", "bybit"), ("defi", "derive"), ("vol-desk", "deribit")] {
        assert_eq!(status(&json, account, venue), "ok");
    }
}

#[test]
fn an_account_without_a_rulebook_is_named_with_its_row_and_listed_with_its_equity() {
    let scratch = Scratch::sample();
    scratch.write("unclaimed.toml", deribit_unclaimed(&scratch));
    let args = format!("{WHOLE} --rules unclaimed.toml");
    scratch.margin(&args).refuses(
        3,
        &[
            "cannot be margined: 2",
            "book.csv row 1, venue = 'deribit': account vol-desk: no rulebook",
            "book.csv row 21, venue = 'deribit': account basis",
            "--rulebook deribit=ID",
            "--rules FILE",
        ],
    );
    let ran = scratch.margin(&format!("{args} --allow-partial --format json"));
    assert_eq!(ran.code, 4);
    let json = ran.json();
    assert_eq!((&json["partial"], &json["coverage"]["not_margined"]), (&true.into(), &2.into()));
    assert_eq!(status(&json, "basis", "deribit"), "no_rulebook");
    let basis = &json["accounts"].as_array().unwrap()[1];
    assert_eq!(basis["margin"], Value::Null);
    assert!(basis["equity_usd"].as_str().unwrap().parse::<f64>().unwrap() > 0.0);
    // Naming the rulebook mends it; for one account only, the other stays.
    let mended = scratch.margin(&format!("{args} --rulebook deribit=deribit-pm --format json"));
    assert_eq!(mended.code, 0, "{}", mended.err);
    let one = scratch.margin(&format!("{args} --rulebook basis@deribit=deribit-pm"));
    one.refuses(3, &["cannot be margined: 1", "account vol-desk"]);
}

#[test]
fn a_rulebook_named_for_an_account_wins_over_one_named_for_its_venue() {
    let scratch = Scratch::sample();
    let args =
        format!("{WHOLE} --rulebook deribit=unified --rulebook basis@deribit=deribit-xpm --format json");
    let json = scratch.margin(&args).json();
    let of = |account: &str| {
        let all = json["accounts"].as_array().unwrap();
        let found = all.iter().find(|a| a["account"] == account && a["venue"] == "deribit").unwrap();
        found["margin"]["rulebook"].as_str().unwrap().to_owned()
    };
    assert_eq!((of("basis").as_str(), of("vol-desk").as_str()), ("deribit-xpm", "unified"));
    let used: Vec<&str> =
        json["rulebooks"].as_array().unwrap().iter().map(|r| r["id"].as_str().unwrap()).collect();
    assert!(used.is_sorted() && used.contains(&"unified") && !used.contains(&"deribit-pm"), "{used:?}");
}

#[test]
fn one_account_is_shown_in_full_and_alone() {
    let scratch = Scratch::sample();
    let summary = scratch.margin(WHOLE).succeeds();
    let one = scratch.margin(&format!("{WHOLE} --account basis")).succeeds();
    let all = scratch.margin(&format!("{WHOLE} --detail")).succeeds();
    for part in ["P&L by scenario", "haircut"] {
        assert!(
            !summary.contains(&format!(" {part}\n")) && one.contains(part) && all.contains(part),
            "{part}"
        );
    }
    assert!(!one.contains("vol-desk") && all.contains("vol-desk @ okx"));
    // Both accounts have shortfalls of their own: only those asked for decide about the exit code.
    scratch.write("unclaimed.toml", deribit_unclaimed(&scratch));
    let alone = scratch.margin(&format!("{WHOLE} --rules unclaimed.toml --account defi"));
    assert_eq!(alone.code, 0, "{}", alone.err);
}

#[test]
fn status_follows_the_surplus_at_each_level() {
    let scratch = Scratch::sample();
    // A short of 93,040 USD; the requirement does not depend on the collateral, which is what changes.
    let with = |usd: f64| {
        let collateral = format!("d,deribit,,,,,BTC,{:.8}", usd / 93_047.88);
        scratch.write("book.csv", book_of(&["d,deribit,,BTC-PERPETUAL,-93040,93040.44,,", &collateral]));
        let ran = scratch.margin("book.csv --market market.json --format json");
        assert_eq!(ran.code, 0, "a bad status is a result, not a failure: {}", ran.err);
        ran.json()
    };
    let ample = with(100_000.0);
    assert_eq!(status(&ample, "d", "deribit"), "ok");
    let asked = &ample["accounts"][0]["margin"]["requirement_usd"];
    let [initial, maintenance]: [f64; 2] =
        ["initial", "maintenance"].map(|level| asked[level].as_str().unwrap().parse().unwrap());
    assert!(maintenance < 0.9 * initial, "else there is nothing between them");
    for (usd, expected) in [
        (1.01 * initial, "ok"),
        ((initial + maintenance) / 2.0, "below_initial"),
        (0.9 * maintenance, "liquidatable"),
    ] {
        assert_eq!(status(&with(usd), "d", "deribit"), expected, "{usd} USD");
    }
    let table = scratch.margin("book.csv --market market.json").succeeds();
    assert!(table.contains("LIQUIDATABLE"), "{table}");
}

#[test]
fn an_unpriced_position_makes_its_account_partial() {
    let scratch = Scratch::sample();
    let rows = [
        "d,deribit,,BTC-PERPETUAL,-93040,93040.44,,",
        "d,deribit,,SOL_USDC-PERPETUAL,5,,,",
        "d,deribit,,,,,BTC,1",
    ];
    scratch.write("book.csv", book_of(&rows));
    let args = "book.csv --market market.json";
    scratch.margin(args).refuses(3, &["book.csv row 2, instrument = 'SOL_USDC-PERPETUAL': account d:"]);
    let ran = scratch.margin(&format!("{args} --allow-partial"));
    assert_eq!(ran.code, 4);
    assert!(
        ran.out.contains("unknown, partial") && ran.out.contains("d @ deribit, SOL_USDC-PERPETUAL:"),
        "{}",
        ran.out
    );
}
