//! `plimsoll whatif`: both sides are what `plimsoll margin` says of the book before and of the book as changed by hand.

use crate::support::{Ran, Scratch, book_of};
use crate::{WHOLE, changed, shown};
use serde_json::Value;

fn whatif(scratch: &Scratch, args: &str) -> Ran {
    let all: Vec<&str> =
        ["whatif"].into_iter().chain(WHOLE.split(' ')).chain(args.split_whitespace()).collect();
    scratch.run(&all)
}

fn pair<'a>(json: &'a Value, account: &str, venue: &str) -> &'a Value {
    let mut pairs = json["accounts"].as_array().unwrap().iter();
    pairs.find(|pair| pair["after"]["account"] == account && pair["after"]["venue"] == venue).unwrap()
}

/// Accounts as `plimsoll margin` reports them.
fn margined(scratch: &Scratch, args: &str) -> Vec<Value> {
    let json = scratch.margin(&format!("{WHOLE} --format json {args}")).json();
    json["accounts"].as_array().unwrap().clone()
}

#[test]
fn both_sides_of_a_transfer_are_margin_of_the_books_before_and_after() {
    let scratch = Scratch::sample();
    let json = whatif(&scratch, "--transfer dao-treasury@wallet>vol-desk@binance:USDC=0 --format json");
    json.refuses(2, &["the amount of a transfer must be a number greater than zero"]);
    let json = whatif(&scratch, "--transfer vol-desk@okx>vol-desk@binance:USDT=40000 --format json").json();
    let before = margined(&scratch, "");
    let sides = |side: &str| -> Vec<Value> {
        json["accounts"].as_array().unwrap().iter().map(|pair| pair[side].clone()).collect()
    };
    assert_eq!(sides("before"), before);
    let book = scratch.text("book.csv").replace("340550.00", "300550.00").replace("184500.00", "224500.00");
    scratch.write("book.csv", book);
    assert_eq!(sides("after"), margined(&scratch, ""));
    let changed: Vec<&Value> =
        json["accounts"].as_array().unwrap().iter().filter(|pair| pair["changed"] == true).collect();
    assert_eq!(changed.len(), 2);
}

#[test]
fn a_trade_is_filled_at_its_price_and_its_premium_is_paid() {
    let scratch = Scratch::sample();
    scratch
        .write("add.csv", book_of(&["vol-desk,binance,,BTC-270326-80000-P,2,4000,,", "new,okx,,,,,USDT,5"]));
    let json = whatif(&scratch, "--add add.csv --format json").json();
    let amount = |side: &str| -> f64 {
        let collateral = &pair(&json, "vol-desk", "binance")[side]["margin"]["collateral"];
        collateral[0]["amount"].as_str().unwrap().parse().unwrap()
    };
    // Two puts at 4,000 USDT.
    assert!((amount("before") - 8000.0 - amount("after")).abs() < 1e-6);
    let new = pair(&json, "new", "okx");
    assert_eq!((&new["before"], &new["after"]["status"]), (&Value::Null, &"ok".into()));
    // At the mark, equity stays to the rounding of sums near 200,000 USD.
    scratch.write("add.csv", book_of(&["vol-desk,binance,,BTC-270326-80000-P,2,,,"]));
    let json = whatif(&scratch, "--add add.csv --format json").json();
    let equity = |side: &str| -> f64 {
        pair(&json, "vol-desk", "binance")[side]["equity_usd"].as_str().unwrap().parse().unwrap()
    };
    assert!((equity("before") - equity("after")).abs() < 1e-6);
}

#[test]
fn closing_a_position_frees_what_it_asked() {
    let scratch = Scratch::sample();
    let json = whatif(&scratch, "--close defi@hyperliquid:ETH --format json").json();
    let after = &pair(&json, "defi", "hyperliquid")["after"]["margin"];
    assert_eq!(after["requirement_usd"]["maintenance"], "0");
    let figures = pair(&json, "defi", "hyperliquid")["figures"].as_array().unwrap();
    let leg = figures.iter().find(|figure| figure["name"].as_str().unwrap().contains("leg ETH")).unwrap();
    assert!(leg["before"].as_f64().unwrap() > 0.0 && leg["after"].is_null());
}

#[test]
fn a_parameter_change_names_who_it_liquidates() {
    let scratch = Scratch::sample();
    scratch.write("wide.toml", changed(&shown(&scratch, "deribit-pm"), "BTC = 0.14", "BTC = 0.99"));
    let ran = whatif(&scratch, "--rules-after wide.toml");
    assert_eq!(ran.code, 0, "a bad outcome is a result: {}", ran.err);
    let after = ran.out.split("NEWLY LIQUIDATABLE: ").nth(1).unwrap_or_default();
    assert!(after.lines().nth(4).is_some_and(|line| line.starts_with(" vol-desk   deribit")), "{}", ran.out);
    let page = whatif(&scratch, "--rules-after wide.toml --format html").succeeds();
    assert!(
        page.contains("id=\"fallen\"") && page.contains(">change</th>"),
        "the page has the list and the sum"
    );
    let json = whatif(&scratch, "--rules-after wide.toml --format json").json();
    let fallen: Vec<&str> = json["accounts"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|pair| pair["newly_liquidatable"] == true)
        .map(|pair| pair["after"]["account"].as_str().unwrap())
        .collect();
    assert!(fallen.contains(&"vol-desk"), "{fallen:?}");
    // Two parameter files of one id, told apart by their hashes.
    let hashes: Vec<&Value> = json["rulebooks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|rulebook| rulebook["id"] == "deribit-pm")
        .map(|rulebook| &rulebook["parameter_hash"])
        .collect();
    assert_eq!(hashes.len(), 2);
    assert_ne!(hashes[0], hashes[1]);
}

#[test]
fn the_most_affected_come_first_and_a_new_hash_alone_is_no_change() {
    let scratch = Scratch::sample();
    // A comment more: another hash, the same figures.
    scratch.write("same.toml", format!("{}\n# the same\n", shown(&scratch, "deribit-pm")));
    let json = whatif(&scratch, "--rules-after same.toml --format json").json();
    let summary = &json["summary"];
    assert_eq!((&summary["changed"], &summary["same_by_other_rules"]), (&0.into(), &2.into()));
    assert!(json["accounts"].as_array().unwrap().iter().all(|pair| pair["changed"] == false));
    scratch.write("wide.toml", changed(&shown(&scratch, "deribit-pm"), "BTC = 0.14", "BTC = 0.28"));
    let json = whatif(&scratch, "--rules-after wide.toml --format json --top 1").json();
    let most = json["most_affected"].as_array().unwrap();
    assert_eq!((most.len(), &json["summary"]["changed"]), (1, &2.into()));
    let usd = |value: &Value| value.as_str().unwrap().parse::<f64>().unwrap();
    let change = |pair: &Value| {
        let asked = |side: &str| usd(&pair[side]["margin"]["requirement_usd"]["maintenance"]);
        asked("after") - asked("before")
    };
    let of = |account| change(pair(&json, account, "deribit")).abs();
    let most_usd = usd(&most[0]["requirement_change_usd"]["maintenance"]).abs();
    // Two differences of figures near 100,000 USD.
    assert!((most_usd - of("basis").max(of("vol-desk"))).abs() < 1e-6, "{most_usd}");
    let change = usd(&json["total"]["change"]["requirement_usd"]["maintenance"]);
    assert!((change - of("basis") - of("vol-desk")).abs() < 1e-6, "both are asked more: {change}");
    let table = whatif(&scratch, "--rules-after wide.toml --top 1").succeeds();
    assert!(table.contains("1 of 2 that change") && table.contains("and 1 more that change"), "{table}");
    let sides: Vec<&str> = json["rulebooks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|r| r["id"] == "deribit-pm")
        .map(|r| r["side"].as_str().unwrap())
        .collect();
    assert_eq!(sides, ["before", "after"]);
}

#[test]
fn what_a_change_brings_is_named_by_the_row_or_option_that_brought_it() {
    let scratch = Scratch::sample();
    scratch.write("add.csv", book_of(&["d,okx,,,,,USDT,5", "d,bybit,,DOGEUSDT,1,,,"]));
    whatif(&scratch, "--add add.csv").refuses(3, &["add.csv row 2, instrument = 'DOGEUSDT'"]);
    scratch.write("book.csv", format!("{}d,dydx,,,,,USDC,1\n", scratch.text("book.csv")));
    let args = "--transfer vol-desk@deribit>d@dydx:BTC=1";
    whatif(&scratch, args).refuses(3, &["--transfer, instrument or asset = 'BTC'"]);
    let closed = whatif(&scratch, "--close vol-desk@deribit:BTC-26MAR27").out;
    let words = whatif(&scratch, "--close defi@hyperliquid:ETH").succeeds();
    assert!(words.contains(" x ETH closed at its mark"), "{closed} {words}");
}

#[test]
fn what_cannot_be_changed_is_refused_in_words() {
    let scratch = Scratch::sample();
    for (args, words) in [
        ("", "nothing is changed"),
        ("--transfer nobody@wallet>vol-desk@okx:USDC=1", "nobody on wallet holds no USDC"),
        ("--transfer vol-desk@okx>basis@okx:USDT=1e9", "less than 1000000000"),
        ("--transfer vol-desk@okx>vol-desk@okx:USDT=1", "is both ends of the transfer"),
        ("--transfer vol-desk@okx:USDT=1", "write ACCOUNT@VENUE>ACCOUNT@VENUE:ASSET=AMOUNT"),
        ("--close defi@hyperliquid:BTC", "holds no BTC; it holds: ETH"),
        ("--rulebook-after deribit=nope", "--rulebook-after deribit=nope: there is no rulebook"),
        ("--rulebook-after dydx=span", "holds nothing there"),
    ] {
        whatif(&scratch, args).refuses(2, &[words]);
    }
    scratch.write(
        "add.csv",
        book_of(&["d,okx,,,,,USDT,NaN", "d,okx,,BTC-USDT-SWAP,1,,,", "d,deribit,,SOL_USDC-PERPETUAL,1,,,"]),
    );
    let words = ["add.csv row 1, amount", "SOL_USDC-PERPETUAL"];
    whatif(&scratch, "--add add.csv").refuses(3, &words);
    whatif(&scratch, "--add add.csv --allow-partial").refuses(3, &words);
}

#[test]
fn every_format_renders_and_any_number_of_threads_gives_the_same_bytes() {
    let scratch = Scratch::sample();
    for format in ["table", "json", "csv", "html"] {
        for command in ["--rulebook-after deribit=deribit-xpm --detail", "--close defi@hyperliquid:ETH"] {
            let run = |threads: u32| {
                whatif(&scratch, &format!("{command} --format {format} --threads {threads}")).succeeds()
            };
            assert!(run(1) == run(3), "{format}");
        }
        let run = |threads: u32| {
            let threads = threads.to_string();
            scratch.run(&["liquidation", "--format", format, "--threads", &threads]).succeeds()
        };
        assert!(run(1) == run(3), "{format}");
    }
}
