//! What is in no figure is never taken for sound: partial accounts, refused rows, prices beyond the quotes, rules nobody uses.

use crate::support::{Ran, Scratch, book_of, column, csv_rows};
use crate::{WHOLE, shown};
use serde_json::Value;

/// Only an unpriced leg; only refused rows; a refused position beside a balance on a venue without rules; a sound account.
const ROWS: [&str; 7] = [
    "unpriced,hyperliquid,,SOL,1,,,",
    "unpriced,hyperliquid,,,,,USDC,100",
    "refused,deribit,,BTC-PERPETUAL,1e16,,,",
    "doubled,deribit,,BTC-PERPETUAL,10,,,",
    "doubled,deribit,,BTC-PERPETUAL,20,,,",
    "elsewhere,ftx,,BTC-PERP,1,,,",
    "elsewhere,ftx,,,,,USDC,100",
];

fn partial(scratch: &Scratch, command: &str) -> Ran {
    scratch.write("book.csv", book_of(&ROWS));
    let all = format!("{command} {WHOLE} --allow-partial");
    let ran = scratch.run(&all.split(' ').collect::<Vec<_>>());
    assert_eq!(ran.code, 4, "{}", ran.err);
    ran
}

fn account<'a>(json: &'a Value, name: &str) -> &'a Value {
    let all = json["accounts"].as_array().unwrap();
    all.iter().find(|account| account["account"] == name).unwrap_or_else(|| panic!("{name} is dropped"))
}

#[test]
fn a_partial_account_is_not_called_ok_in_any_format() {
    let scratch = Scratch::sample();
    let json = partial(&scratch, "margin --format json").json();
    let found = account(&json, "unpriced");
    assert_eq!((&found["status"], &found["partial"]), (&"partial".into(), &true.into()));
    assert!(found["margin"]["utilisation"].is_null(), "what the leg would ask nobody knows");
    let table = csv_rows(&partial(&scratch, "margin --format csv --table accounts").out);
    let row = table[1..].iter().find(|row| row[0] == "unpriced").unwrap();
    assert_eq!((&*row[column(&table, "status")], &*row[column(&table, "not_margined")]), ("partial", "1"));
    let table =
        csv_rows(&partial(&scratch, "liquidation --format csv --table liquidation").out.replace('"', ""));
    let row = table[1..].iter().find(|row| row[0] == "unpriced").unwrap();
    assert_eq!(row[column(&table, "partial")], "1");
    assert!(partial(&scratch, "margin").out.contains("unknown, partial"));
    assert!(partial(&scratch, "margin --format html").out.contains("unknown, partial"));
}

#[test]
fn accounts_of_refused_rows_are_in_every_list() {
    let scratch = Scratch::sample();
    let json = partial(&scratch, "margin --format json").json();
    for (name, rows) in [("refused", 1), ("doubled", 2)] {
        let found = account(&json, name);
        assert_eq!((&found["status"], &found["bad_rows"]), (&"no_sound_rows".into(), &rows.into()), "{name}");
    }
    let elsewhere = account(&json, "elsewhere");
    assert_eq!((&elsewhere["status"], &elsewhere["bad_rows"]), (&"no_rulebook".into(), &1.into()));
    let rows = partial(&scratch, "margin --format csv --table unmargined").out;
    for line in [
        "refused,deribit,bad row,,book.csv,3,",
        "doubled,deribit,bad row,,book.csv,4,",
        "elsewhere,ftx,bad row,,book.csv,6,",
    ] {
        assert!(rows.contains(line), "lacks {line}: {rows}");
    }
    let json = partial(&scratch, "liquidation --format json").json();
    for name in ["refused", "doubled", "elsewhere", "unpriced"] {
        let rows = json["liquidations"].as_array().unwrap();
        let row =
            rows.iter().find(|row| row["account"] == name).unwrap_or_else(|| panic!("{name} is dropped"));
        assert_eq!((&row["state"], &row["partial"]), (&"undefined".into(), &true.into()), "{name}");
        assert!(!row["reason"].as_str().unwrap().is_empty());
    }
    let text =
        partial(&scratch, "whatif --rulebook-after hyperliquid=hyperliquid-unified --format json").json();
    let pairs = text["accounts"].as_array().unwrap();
    assert!(pairs.iter().any(|pair| pair["after"]["account"] == "refused"));
}

#[test]
fn an_option_beyond_the_quotes_is_noted_by_every_command() {
    let scratch = Scratch::sample();
    scratch
        .write("book.csv", book_of(&["f,bybit,,BTC-25DEC30-100000-C-USDT,-2,,,", "f,bybit,,,,,USDT,200000"]));
    let json = scratch.margin(&format!("{WHOLE} --format json")).json();
    let beyond = &json["accounts"][0]["extrapolated"];
    assert_eq!(beyond[0]["instrument"], "BTC-25DEC30-100000-C-USDT");
    assert_eq!(beyond[0]["what"], "forward and vol");
    for command in ["margin", "liquidation", "whatif --rulebook-after bybit=unified"] {
        let all = format!("{command} {WHOLE}");
        let out = scratch.run(&all.split(' ').collect::<Vec<_>>()).succeeds();
        assert!(out.contains("1 held contracts lie beyond the market's quotes"), "{command}: {out}");
    }
    let sample = Scratch::sample().margin(WHOLE).succeeds();
    assert!(!sample.contains("beyond the market's quotes"), "{sample}");
}

#[test]
fn a_rulebook_that_margins_nobody_is_noted() {
    let scratch = Scratch::sample();
    scratch.write("own.toml", shown(&scratch, "deribit-xpm"));
    let note = "own.toml: rulebook 'deribit-xpm' margins no account; name it by --rulebook";
    let out = scratch.margin(&format!("{WHOLE} --rules own.toml")).succeeds();
    assert!(out.contains(&format!("--rules {note} VENUE=deribit-xpm")), "{out}");
    let used = scratch.margin(&format!("{WHOLE} --rules own.toml --rulebook deribit=deribit-xpm")).succeeds();
    assert!(!used.contains("margins no account"), "{used}");
    let all = format!("whatif {WHOLE} --rules-after own.toml");
    let out = scratch.run(&all.split(' ').collect::<Vec<_>>()).succeeds();
    assert!(out.contains(&format!("--rules-after {note}-after VENUE=deribit-xpm")), "{out}");
}

#[test]
fn collateral_that_counts_for_nothing_is_said() {
    let scratch = Scratch::sample();
    let args = format!("whatif {WHOLE} --transfer vol-desk@deribit>defi@hyperliquid:BTC=1");
    for format in ["table", "html"] {
        let all = format!("{args} --format {format}");
        let out = scratch.run(&all.split(' ').collect::<Vec<_>>()).succeeds();
        assert!(out.contains("USD counts for nothing by hyperliquid"), "{format}");
    }
}

#[test]
fn an_account_without_price_of_a_coin_ends_without_a_word_on_the_search() {
    let scratch = Scratch::sample();
    scratch.write("book.csv", book_of(&["a,okx,,,,,USDT,100"]));
    let all = format!("liquidation {WHOLE}");
    let out = scratch.run(&all.split(' ').collect::<Vec<_>>()).succeeds();
    assert!(!out.contains("none: no price"), "nothing was searched: {out}");
    assert!(out.contains("a @ okx: nothing that is margined"), "{out}");
}

#[test]
fn a_partial_account_is_marked_among_the_cheapest_venues() {
    let scratch = Scratch::sample();
    let json = partial(&scratch, "margin --cheapest-venue hyperliquid:BTC=0.001 --format json").json();
    let places = json["cheapest_venues"]["places"].as_array().unwrap();
    let place =
        places.iter().find(|place| place["account"] == "unpriced").unwrap_or_else(|| panic!("{json:#}"));
    assert_eq!((&place["partial"], &place["status"]), (&true.into(), &"partial".into()));
    let new = places.iter().find(|place| place["account"].is_null()).unwrap();
    assert_eq!(new["partial"], false, "a new account has nothing that could be missing");
    let text = partial(&scratch, "margin --cheapest-venue hyperliquid:BTC=0.001").out;
    assert!(
        text.contains("unknown, partial") && text.contains("for the part of the account that is margined")
    );
    let csv = partial(
        &scratch,
        "margin --cheapest-venue hyperliquid:BTC=0.001 --format csv --table cheapest-venues",
    );
    let table = csv_rows(&csv.out.replace('"', ""));
    let row = table[1..].iter().find(|row| row[0] == "unpriced").unwrap();
    assert_eq!((&*row[column(&table, "partial")], &*row[column(&table, "status")]), ("1", "partial"));
}
