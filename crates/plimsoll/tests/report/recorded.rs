//! Reports on recorded chains: another layout each, books of instruments that stand in them.

use crate::support::{Scratch, book_of, shared};

/// Valued whole, or partial for a reason that the assertion shows.
#[track_caller]
fn values(scratch: &Scratch, args: &str, positions: u64) {
    let ran = scratch.report(&format!("{args} --format json"));
    assert_eq!(ran.code, 0, "{args}: {}", ran.err);
    let json = ran.json();
    assert_eq!(json["coverage"]["rows_priced"].as_u64(), Some(positions));
    let compared = json["reconciliation"]["agreement"].as_array().unwrap();
    assert!(
        compared.iter().any(|row| row["compared"].as_u64() > Some(100)),
        "{args}: figures to compare with"
    );
    for format in ["table", "html", "csv"] {
        assert_eq!(scratch.report(&format!("{args} --format {format}")).code, 0, "{format}");
    }
}

#[test]
fn a_month_of_chains_at_a_chosen_time() {
    let Some(chain) = shared("report, recorded month", "deribit_202602.parquet") else { return };
    let scratch = Scratch::empty();
    scratch.write(
        "book.csv",
        book_of(&[
            "desk,deribit,,BTC-27MAR26-70000-C,-12.5,0.05,,",
            "desk,deribit,,BTC-27FEB26-65000-P,20,,,",
            "desk,deribit,,BTC-26JUN26-80000-C,5,,,",
            "desk,deribit,,,,,BTC,10",
        ]),
    );
    let args = format!("book.csv --market {chain} --at 2026-02-06T00:00:00Z");
    values(&scratch, &args, 4);
    let json = scratch.report(&format!("{args} --format json")).json();
    let asof = json["asof"].as_str().unwrap();
    assert!(asof < "2026-02-06T00:00:01Z" && asof > "2026-02-04", "the last snapshot before: {asof}");
}

#[test]
fn a_single_snapshot_as_csv() {
    let name = "deribit_options_snapshot_20260205T155132Z.csv";
    let Some(chain) = shared("report, recorded snapshot", name) else { return };
    let scratch = Scratch::empty();
    scratch.write(
        "book.csv",
        book_of(&[
            "desk,deribit,,BTC-27MAR26-70000-C,-12.5,0.05,,",
            "desk,deribit,,BTC-26JUN26-60000-P,20,,,",
            "desk,deribit,,,,,BTC,10",
        ]),
    );
    values(&scratch, &format!("book.csv --market {chain}"), 3);
}

#[test]
fn full_tickers_of_two_coins() {
    let suite = "report, recorded tickers";
    let Some(btc) = shared(suite, "bottama_20210211_btc_tickers.csv") else { return };
    let Some(eth) = shared(suite, "bottama_20210211_eth_tickers.csv") else { return };
    let scratch = Scratch::empty();
    let held = |path: &str| {
        let text = std::fs::read_to_string(path).unwrap();
        let header: Vec<&str> = text.lines().next().unwrap().split(',').collect();
        let column = header.iter().position(|name| *name == "instrument_name").unwrap();
        let is_option = |name: &&str| name.ends_with("-C") || name.ends_with("-P");
        let names: Vec<String> = text
            .lines()
            .skip(1)
            .filter_map(|line| line.split(',').nth(column))
            .filter(is_option)
            .step_by(40)
            .map(|name| format!("desk,deribit,,{name},1,,,"))
            .collect();
        names
    };
    let rows: Vec<String> = [held(&btc), held(&eth)].concat();
    scratch.write("book.csv", book_of(&rows.iter().map(String::as_str).collect::<Vec<_>>()));
    values(&scratch, &format!("book.csv --market {btc} --market {eth}"), rows.len() as u64);
}
