//! The JSON schema is a promise: every key path with its type, against the list that is kept beside this file.
//!
//! A change of schema shows up as a change of `margin_json_schema.txt`: run once with `PLIMSOLL_BLESS=1` to rewrite it, and
//! describe the change in docs/formats.md.

use crate::json_paths::{assert_documented, assert_on_record, paths};
use crate::support::{Scratch, book_of, sample_book};
use crate::{WHOLE, changed, deribit_unclaimed, shown};
use serde_json::Value;

const RECORD: &str = "tests/margin/margin_json_schema.txt";
/// Objects whose keys are data.
const MAPS: [&str; 2] = ["market.spot_usd", "market.usd_rates"];

const LIQUIDATION: &str = "tests/margin/liquidation_json_schema.txt";
const WHATIF: &str = "tests/margin/whatif_json_schema.txt";

/// A search with prices, without, undefined and at once, with and without a move to survive.
fn liquidations() -> [Value; 2] {
    let scratch = Scratch::sample();
    let whole = scratch.run(&["liquidation", "--format", "json"]).json();
    let broke = "d,deribit,,BTC-PERPETUAL,-93040,93040.44,,\nd,deribit,,,,,BTC,0.01\nd,deribit,,,,,USDC,-5\n";
    scratch.write("book.csv", format!("{}{broke}d,okx,,,,,USDT,1\nx,deribit,,,,,BTC,NaN\n", sample_book()));
    let args = "liquidation book.csv --market market.json --driver BTC --survive -99.9 --format json --allow-partial";
    let args: Vec<&str> = args.split(' ').collect();
    [whole, scratch.run(&args).json()]
}

/// Every kind of change; a side without utilisation, an unmargined leg and a bad row; an account that falls.
fn whatifs() -> [Value; 3] {
    let scratch = Scratch::sample();
    scratch
        .write("add.csv", book_of(&["new,okx,,,,,USDT,5", "defi,derive,derive,ETH-20261225-3500-C,10,,,"]));
    let args = "whatif --add add.csv --rulebook-after basis@deribit=deribit-xpm --close defi@hyperliquid:ETH --format json";
    let args: Vec<&str> = args.split(' ').collect();
    let whole = scratch.run(&args).json();
    let wide = changed(&shown(&scratch, "deribit-pm"), "BTC = 0.14", "BTC = 0.99");
    scratch.write("wide.toml", wide);
    let fallen = scratch.run(&["whatif", "--rules-after", "wide.toml", "--format", "json"]).json();
    scratch.write("book.csv", format!("{}{BROKEN}", sample_book()));
    let args =
        "whatif book.csv --market market.json --close defi@hyperliquid:ETH --format json --allow-partial";
    let args: Vec<&str> = args.split(' ').collect();
    [whole, fallen, scratch.run(&args).json()]
}

/// A bad row, a position that no market prices, a debt, an option beyond the quotes.
const BROKEN: &str = "d,deribit,,,,,BTC,NaN\nd,hyperliquid,,FOO,1,,,\ne,deribit,,BTC-PERPETUAL,-93040,,,\ne,deribit,,,,,BTC,-1\n\
                      e,deribit,,SOL_USDC-PERPETUAL,1,,,\ne,okx,,,,,USDT,0\nf,deribit,,BTC-25DEC30-100000-C,-5,,,\nf,deribit,,,,,BTC,9\n";

/// Results that between them have everything: the sample, and a partial one with an account without rules.
fn results() -> [Value; 3] {
    let scratch = Scratch::sample();
    let whole = scratch
        .margin(&format!(
            "{WHOLE} --fragmentation --faults --cheapest-venue deribit:BTC-PERPETUAL=10 --format json"
        ))
        .json();
    scratch.write("unclaimed.toml", deribit_unclaimed(&scratch));
    let faults =
        "d,deribit,,,,,BTC,NaN\nd,okx,,,,,USDT,0\nd,wallet,ethereum,,,,EURC,1\nd,hyperliquid,,ETH,1,3000,,\n";
    scratch.write("book.csv", format!("{}{faults}", sample_book()));
    let ran = scratch.margin(&format!("{WHOLE} --rules unclaimed.toml --format json --allow-partial"));
    assert_eq!(ran.code, 4, "{}", ran.err);
    scratch.write("book.csv", format!("{}{BROKEN}", sample_book()));
    let faults = scratch.margin(&format!("{WHOLE} --faults --format json --allow-partial"));
    [whole, ran.json(), faults.json()]
}

#[test]
fn key_paths_and_types_are_those_on_record() {
    assert_on_record(RECORD, &paths(&results(), &MAPS));
    assert_on_record(LIQUIDATION, &paths(&liquidations(), &MAPS));
    assert_on_record(WHATIF, &paths(&whatifs(), &MAPS));
}

#[test]
fn every_key_on_record_is_documented() {
    for record in [RECORD, LIQUIDATION, WHATIF] {
        assert_documented(record, "## 7. Margin as JSON");
    }
}
