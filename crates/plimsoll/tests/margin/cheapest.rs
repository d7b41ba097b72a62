//! `plimsoll margin --cheapest-venue`: what a new position takes is the difference of what margin says with it and without.

use crate::WHOLE;
use crate::support::{Scratch, column, csv_rows, quanta};
use serde_json::Value;

const CALL: &str = "--cheapest-venue deribit:BTC-25DEC26-100000-C=10";

fn usd(value: &Value) -> i128 {
    quanta(&value.as_str().unwrap().replace('-', ""))
        * if value.as_str().unwrap().starts_with('-') { -1 } else { 1 }
}

#[test]
fn each_candidate_takes_what_the_account_asks_more_with_the_position() {
    let scratch = Scratch::sample();
    let json = scratch.margin(&format!("{WHOLE} {CALL} --format json")).json();
    let places = json["cheapest_venues"]["places"].as_array().unwrap();
    let found: Vec<(&str, &str)> = places
        .iter()
        .map(|place| (place["account"].as_str().unwrap(), place["venue"].as_str().unwrap()))
        .collect();
    // Bybit and Binance settle options in USDT, Derive in USD: another contract.
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!(found[0], ("vol-desk", "okx"), "short there: the position closes half of it");
    let taken: Vec<i128> = places.iter().map(|place| usd(&place["surplus_taken_usd"]["initial"])).collect();
    assert!(taken.is_sorted() && taken[0] < 0, "{taken:?}");
    // Ten calls more in the account that holds others: the same as a trade at the mark.
    scratch.write("add.csv", "account,venue,instrument,quantity\nbasis,deribit,BTC-25DEC26-100000-C,10\n");
    let args: Vec<&str> = WHOLE.split(' ').collect();
    let all = [&["whatif"], args.as_slice(), &["--add", "add.csv", "--format", "json"]].concat();
    let whatif = scratch.run(&all).json();
    let pairs = whatif["accounts"].as_array().unwrap();
    let pair =
        pairs.iter().find(|p| p["after"]["account"] == "basis" && p["after"]["venue"] == "deribit").unwrap();
    let place = places.iter().find(|place| place["account"] == "basis").unwrap();
    for level in ["initial", "maintenance"] {
        let asked = |side: &str| usd(&pair[side]["margin"]["requirement_usd"][level]);
        let left = |side: &str| usd(&pair[side]["margin"]["surplus_usd"][level]);
        assert_eq!(usd(&place["requirement_taken_usd"][level]), asked("after") - asked("before"), "{level}");
        assert_eq!(usd(&place["surplus_taken_usd"][level]), left("before") - left("after"), "{level}");
        assert_eq!(usd(&place["surplus_left_usd"][level]), left("after"), "{level}");
    }
}

#[test]
fn every_other_place_says_why_it_is_none() {
    let scratch = Scratch::sample();
    let json = scratch.margin(&format!("{WHOLE} {CALL} --format json")).json();
    let cheapest = &json["cheapest_venues"];
    let others = cheapest["not_candidates"].as_array().unwrap();
    let why = |venue: &str| {
        others
            .iter()
            .find(|other| other["venue"] == venue)
            .map(|other| other["reason"].as_str().unwrap().to_owned())
    };
    assert_eq!(why("binance").unwrap(), "the venue has no symbol for BTC-25DEC26-100000-C/BTC");
    let held = json["accounts"].as_array().unwrap().len();
    let named =
        |list: &Value| list.as_array().unwrap().iter().filter(|place| !place["account"].is_null()).count();
    assert_eq!(
        named(&cheapest["places"]) + named(&cheapest["not_candidates"]),
        held,
        "no account is forgotten"
    );
    // A perpetual in USDT: the venue margins options and futures apart.
    let json = scratch.margin(&format!("{WHOLE} --cheapest-venue bybit:BTCUSDT=1 --format json")).json();
    let others = json["cheapest_venues"]["not_candidates"].as_array().unwrap();
    let binance = others.iter().find(|other| other["venue"] == "binance").unwrap();
    assert!(binance["reason"].as_str().unwrap().contains("binance-usdm"), "{binance}");
}

#[test]
fn a_venue_that_the_book_is_not_on_is_a_new_account_and_positions_compete() {
    let scratch = Scratch::sample();
    scratch.write("book.csv", "account,venue,instrument,quantity,asset,amount\na,okx,,,USDT,50000\n");
    let args = "--cheapest-venue bybit:BTCUSDT=1 --cheapest-venue hyperliquid:BTC=1";
    let table = csv_rows(
        &scratch
            .margin(&format!("{WHOLE} {args} --format csv --table cheapest-venues"))
            .succeeds()
            .replace('"', ""),
    );
    let cell = |row: &[String], name: &str| row[column(&table, name)].clone();
    let ranked: Vec<&Vec<String>> = table[1..].iter().filter(|row| !cell(row, "rank").is_empty()).collect();
    assert!(ranked.iter().any(|row| cell(row, "venue") == "hyperliquid" && cell(row, "account").is_empty()));
    assert!(
        ranked.iter().any(|row| cell(row, "account") == "a" && cell(row, "instrument") == "BTC-USDT-SWAP")
    );
    assert!(ranked.iter().any(|row| cell(row, "venue") == "bybit" && cell(row, "status") == "liquidatable"));
    for format in ["table", "html"] {
        let out = scratch.margin(&format!("{WHOLE} {args} --format {format}")).succeeds();
        assert!(out.contains("(new account)") && out.contains("BTC-USDT-SWAP"), "{format}");
    }
    // Accounts named on the command line leave no room for new ones.
    let alone = scratch.margin(&format!("{WHOLE} {args} --account a --format html")).succeeds();
    assert!(!alone.contains("(new account)"));
}

#[test]
fn what_cannot_be_asked_is_refused_in_words() {
    let scratch = Scratch::sample();
    for (position, words) in [
        ("BTC-PERPETUAL=1", "write VENUE:INSTRUMENT=QUANTITY"),
        ("deribit:BTC-PERPETUAL=x", "quantity = 'x'"),
        ("deribit:BTC-PERPETUAL=0", "a size of zero takes nothing"),
        ("deribit:NOPE=1", "instrument = 'NOPE'"),
        ("deribit:SOL_USDC-PERPETUAL=1", "no index price for SOL"),
        ("bybit-spot:BTCUSDT=1", "a spot pair is a balance"),
    ] {
        scratch.margin(&format!("{WHOLE} --cheapest-venue {position}")).refuses(2, &[words]);
    }
    scratch.margin(&format!("{WHOLE} --funding-rate 5")).refuses(2, &["--fragmentation"]);
}
