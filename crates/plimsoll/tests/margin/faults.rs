//! `plimsoll margin --faults`: every fault is answered for, on every figure that it changes.

use crate::WHOLE;
use crate::support::{Scratch, column, csv_rows, quanta};
use serde_json::Value;

fn depeg(to: f64) -> String {
    format!("[[fault]]\nname = \"d\"\nsource = \"t\"\nkind = \"depeg\"\nasset = \"USDC\"\nto = {to}\n")
}

/// The requirement of Derive rises with a depeg of the currency that it pays in, while maintenance stays: the row is there,
/// with the figures that margin itself gives at that rate.
#[test]
fn a_depeg_that_moves_the_initial_requirement_alone_is_shown() {
    let scratch = Scratch::sample();
    scratch.write("own.toml", depeg(0.88));
    let json = scratch.margin(&format!("{WHOLE} --faults=own.toml --format json")).json();
    let faults = json["faults"].as_array().unwrap();
    let derive = faults.iter().find(|fault| fault["venue"] == "derive").expect("a row for Derive");
    let at = scratch.margin(&format!("{WHOLE} --rate USDC=0.88 --format json")).json();
    let account = at["accounts"].as_array().unwrap().iter().find(|a| a["venue"] == "derive").unwrap().clone();
    let near = |found: &Value, expected: &Value| {
        let number = |value: &Value| value.as_str().unwrap().parse::<f64>().unwrap();
        // One product of a balance with a rate on each side, near 300,000 USD.
        assert!((number(found) - number(expected)).abs() < 1e-6, "{found} {expected}");
    };
    let margin = &account["margin"];
    near(&derive["venue_view"]["requirement_usd"]["initial"], &margin["requirement_usd"]["initial"]);
    near(&derive["venue_view"]["surplus_usd"]["initial"], &margin["surplus_usd"]["initial"]);
    near(&derive["venue_view"]["equity_usd"], &account["equity_usd"]);
    assert_ne!(
        derive["before"]["requirement_usd"]["initial"],
        derive["venue_view"]["requirement_usd"]["initial"]
    );
    // The same in CSV.
    let ran = scratch.margin(&format!("{WHOLE} --faults=own.toml --format csv --table faults")).succeeds();
    let table = csv_rows(&ran);
    let row = table[1..].iter().find(|row| row[column(&table, "venue")] == "derive").unwrap();
    let cell = quanta(&row[column(&table, "venue_view_initial_margin_usd")]);
    assert_eq!(cell, quanta(derive["venue_view"]["requirement_usd"]["initial"].as_str().unwrap()));
}

#[test]
fn a_fault_that_hits_nobody_is_named_with_its_reason() {
    let scratch = Scratch::sample();
    let json = scratch.margin(&format!("{WHOLE} --faults --format json")).json();
    let quiet: Vec<&str> = json["faults_without_effect"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| fault["fault"].as_str().unwrap())
        .collect();
    assert_eq!(quiet, ["MNGO oracle pumped", "USDE at 0.65 on one venue"]);
    let nobody = "[[fault]]\nname = \"z\"\nsource = \"t\"\nkind = \"depeg\"\nasset = \"ZZZ\"\nto = 0.5\n\
                  [[fault]]\nname = \"f\"\nsource = \"t\"\nkind = \"venue_haircut\"\nvenue = \"ftx\"\nfraction = 1\n\
                  [[fault]]\nname = \"o\"\nsource = \"t\"\nkind = \"oracle_offset\"\npercent = 5\nassets = [\"DOGE\"]\n";
    scratch.write("own.toml", nobody);
    for format in ["table", "html", "csv --table faults"] {
        let out = scratch.margin(&format!("{WHOLE} --faults=own.toml --format {format}")).succeeds();
        for words in
            ["holds or trades ZZZ", "no account is on venue ftx; the book is on: ", "holds or trades DOGE"]
        {
            assert!(out.contains(words), "{format}: lacks {words}: {out}");
        }
    }
}

#[test]
fn a_file_of_faults_is_called_so_and_an_empty_one_is_refused() {
    let scratch = Scratch::sample();
    for text in ["", "fault = []\n"] {
        scratch.write("own.toml", text);
        let words = ["the file of faults has 1 mistake", "own.toml, fault: has no entry"];
        scratch.margin(&format!("{WHOLE} --faults=own.toml")).refuses(3, &words);
    }
}

/// Two wallets of which one is short at the initial level: what is left is the shortfall, in the row of the account and before a
/// fault alike, and a fault that pushes a wallet below says so.
#[test]
fn what_is_left_before_a_fault_is_what_the_account_has() {
    let scratch = Scratch::sample();
    let header = "account,venue,chain,instrument,quantity,average_price,asset,amount\n";
    let book = "w,deribit,,BTC-PERPETUAL,-1000,93000,,\nw,deribit,,,,,BTC,1\n\
                w,deribit,,ETH-PERPETUAL,-10000,3126,,\nw,deribit,,,,,ETH,0.46\n";
    scratch.write("wallets.csv", format!("{header}{book}"));
    let json = scratch.margin("wallets.csv --market market.json --faults --format json").json();
    let own = &json["accounts"][0]["margin"]["surplus_usd"];
    assert!(own["initial"].as_str().unwrap().starts_with('-'), "the ETH wallet is short: {own}");
    let faults = json["faults"].as_array().unwrap();
    assert!(!faults.is_empty());
    for fault in faults {
        assert_eq!(&fault["before"]["surplus_usd"], own, "{}", fault["fault"]);
    }
    // With 0.53 ETH that wallet has something to spare; less a tenth it has not, however rich the other wallet is.
    scratch.write("wallets.csv", format!("{header}{}", book.replace("0.46", "0.53")));
    let haircut = "[[fault]]\nname = \"h\"\nsource = \"t\"\nkind = \"venue_haircut\"\nvenue = \"deribit\"\nfraction = 0.1\n";
    scratch.write("own.toml", haircut);
    let json = scratch.margin("wallets.csv --market market.json --faults=own.toml --format json").json();
    assert_eq!(json["faults"][0]["outcome"], "below_initial", "{}", json["faults"]);
}
