//! Markets that are hard to fit: each has a defined result.

use crate::support::{SAMPLE_TIME, Scratch, chain_column, chain_csv, chain_rows};
use crate::{Index, calls_alone, expiries, expiry, kept_rows, name, number, with_rows};
use serde_json::{Value, json};

fn is_option(row: &Value) -> bool {
    name(row).ends_with("-C") || name(row).ends_with("-P")
}

/// Every expiry is refused for want of quotes, each quote dropped for this reason, and every format says so.
#[track_caller]
fn all_refused(scratch: &Scratch, reason: &str) {
    let json = scratch.surfaces("--market market.json");
    for (name, expiry) in expiries(&json) {
        assert_eq!(expiry["status"], "few_quotes", "{name}");
        assert_eq!(expiry["reason"], "0 quotes with a vol, and a slice needs 5");
        assert_eq!(expiry["dropped"][reason], expiry["quotes_dropped"]);
        assert_eq!((&expiry["svi"], &expiry["atm_vol"]), (&Value::Null, &Value::Null));
    }
    assert_eq!(json["surfaces"][0]["arbitrage"]["free"], Value::Null, "no surface to speak of");
    let text = scratch.surface("--market market.json").succeeds();
    assert!(text.contains("no surface") && text.contains("few_quotes"), "{text}");
    let page = scratch.surface("--market market.json --format html").succeeds();
    assert!(page.contains("<figure class=\"refused\">") && !page.contains("NaN"));
}

#[test]
fn one_sided_quotes_everywhere_refuse_every_expiry() {
    all_refused(&with_rows(|row| row["ask_price"] = Value::Null), "one_sided");
    all_refused(&with_rows(|row| row["bid_price"] = json!(0.0)), "one_sided");
}

#[test]
fn crossed_quotes_are_dropped_as_crossed() {
    let scratch = with_rows(|row| {
        if is_option(row) {
            row["bid_price"] = json!(row["mark_price"].as_f64().unwrap() + 0.02);
            row["ask_price"] = json!(row["mark_price"].as_f64().unwrap() + 0.01);
        }
    });
    all_refused(&scratch, "crossed");
}

#[test]
fn zero_open_interest_everywhere_still_fits() {
    let scratch = with_rows(|row| row["open_interest"] = json!(0.0));
    let surfaces = scratch.surfaces("--market market.json")["surfaces"].clone();
    assert_eq!(surfaces, scratch.surfaces("")["surfaces"], "open interest is not asked for");
}

#[test]
fn swapped_underlying_prices_lose_against_parity_and_are_pointed_out() {
    let scratch = Scratch::empty();
    let rows = chain_rows(SAMPLE_TIME);
    scratch.write("sound.csv", chain_csv(&rows));
    let (symbol, price) = (chain_column("instrument_name"), chain_column("underlying_price"));
    let of = |prefix: &str| {
        let row = rows.iter().find(|row| row[symbol].starts_with(prefix) && !row[price].is_empty());
        row.unwrap()[price].clone()
    };
    let (early, late) = ("BTC-27NOV26-", "BTC-25DEC26-");
    let (low, high) = (of(early), of(late));
    let mut swapped = rows.clone();
    for row in &mut swapped {
        if row[symbol].starts_with(early) {
            row[price].clone_from(&high);
        } else if row[symbol].starts_with(late) {
            row[price].clone_from(&low);
        }
    }
    scratch.write("swapped.csv", chain_csv(&swapped));
    let sound = scratch.surfaces("--market sound.csv");
    let json = scratch.surfaces("--market swapped.csv");
    for day in ["2026-11-27", "2026-12-25"] {
        let (before, after) = (expiry(&sound, "BTC in USD", day), expiry(&json, "BTC in USD", day));
        assert_eq!(after["forward_source"], "parity");
        // Which pairs lie near the money shifts a little: the median moves by less than a basis point.
        let ratio = number(&after["forward"]) / number(&before["forward"]);
        assert!((ratio - 1.0).abs() < 1e-4, "{day}: {ratio}");
        assert!(number(&after["forward_disagreement_bp"]) > 20.0);
    }
    let notes = json["notes"].to_string();
    assert!(notes.contains("BTC 27NOV26: sources of the forward differ"), "{notes}");
    let text = scratch.surface("--market swapped.csv").succeeds();
    assert!(text.contains("27NOV26: sources of the forward differ"), "{text}");
}

#[test]
fn an_expiry_with_three_quotes_is_refused_and_the_others_stay() {
    let mut left = 3;
    let scratch = kept_rows(|row| {
        if !(name(row).starts_with("BTC-27NOV26-") && is_option(row)) {
            return true;
        }
        let near = ["90000-C", "94000-P", "96000-C", "92000-C", "95000-C", "100000-C"];
        let keep = left > 0 && near.iter().any(|end| name(row).ends_with(end));
        left -= i32::from(keep);
        keep
    });
    assert!(scratch.text("market.json").contains("BTC-27NOV26-"));
    let json = scratch.surfaces("--market market.json");
    let refused = expiry(&json, "BTC in USD", "2026-11-27");
    assert_eq!((&refused["status"], &refused["quotes_fitted"]), (&"few_quotes".into(), &3.into()));
    assert_eq!(refused["reason"], "3 quotes with a vol, and a slice needs 5");
    let others = expiries(&json).into_iter().filter(|(_, expiry)| expiry["status"] == "ok").count();
    assert_eq!(others, expiries(&json).len() - 1);
    let text = scratch.surface("--market market.json").succeeds();
    assert!(text.contains("27NOV26 refused: 3 quotes with a vol, and a slice needs 5"), "{text}");
}

#[test]
fn a_market_without_options_says_what_it_has() {
    let scratch = kept_rows(|row| name(row).ends_with("-PERPETUAL"));
    let perpetuals = scratch.text("market.json").matches("-PERPETUAL").count();
    scratch.surface("--market market.json").refuses(
        3,
        &[
            "no option quotes in the market files",
            &format!("{perpetuals} futures and perpetuals and 0 spot pairs"),
        ],
    );
}

#[test]
fn an_empty_market_is_refused() {
    let scratch = kept_rows(|_| false);
    scratch.surface("--market market.json").refuses(3, &["market.json"]);
    scratch.write("chain.csv", chain_csv(&[]));
    scratch.surface("--market chain.csv").refuses(3, &["chain.csv"]);
    scratch.write("nothing.json", "");
    scratch.surface("--market nothing.json").refuses(3, &["nothing.json"]);
    scratch.surface("--market absent.json").refuses(3, &["absent.json"]);
}

#[test]
fn bad_rows_stop_it_unless_a_partial_result_is_allowed() {
    let scratch = Scratch::empty();
    let mut rows = chain_rows(SAMPLE_TIME);
    let option = rows.iter().position(|row| row[chain_column("instrument_name")].ends_with("-C")).unwrap();
    rows[option][chain_column("mark_price")] = "NaN".into();
    scratch.write("chain.csv", chain_csv(&rows));
    let place = format!("chain.csv row {}, mark_price = 'NaN'", option + 1);
    scratch.surface("--market chain.csv").refuses(3, &["bad rows: 1; nothing was fitted", &place]);
    let partial = scratch.surface("--market chain.csv --allow-partial");
    assert_eq!((partial.code, partial.out.starts_with("PARTIAL")), (4, true), "{}", partial.err);
    assert!(partial.out.contains(&place) && partial.err.contains("PARTIAL"));
    let json = scratch.surface("--market chain.csv --allow-partial --format json").json();
    assert_eq!((&json["partial"], &json["coverage"]["bad_rows"]), (&true.into(), &1.into()));
    let page = scratch.surface("--market chain.csv --allow-partial --format html");
    assert!(page.out.contains("■ PARTIAL"));
}

#[test]
fn an_underlying_without_options_is_a_mistake_of_the_command_line() {
    let scratch = Scratch::empty();
    scratch.surface("--underlying DOGE").refuses(2, &["--underlying DOGE", "there are options on BTC"]);
    scratch.surface("--market").refuses(2, &["--market"]);
}

#[test]
fn an_expiry_whose_forward_nobody_prints_is_interpolated_or_left_out_by_name() {
    let json = calls_alone(Index::Printed).surfaces("--market chain.csv");
    let early = expiry(&json, "BTC in USD", "2026-11-27");
    assert_eq!((&early["forward_source"], &early["status"]), (&"interpolated".into(), &"ok".into()));
    assert_eq!(early["forward_disagreement_bp"], Value::Null, "there is no other source");
    let json = calls_alone(Index::Absent).surfaces("--market chain.csv");
    assert_eq!(json["surfaces"][0]["index_usd"], Value::Null);
    let days: Vec<_> = expiries(&json).into_iter().map(|(_, expiry)| expiry["expiry"].to_string()).collect();
    assert!(days.iter().all(|day| !day.contains("2026-11-27")) && days.len() == 4, "{days:?}");
    let notes = json["notes"].to_string();
    assert!(notes.contains("BTC 27NOV26: 12 option quotes without a forward"), "{notes}");
}

#[test]
fn a_quote_that_the_fit_misses_is_named() {
    let scratch = Scratch::empty();
    // The sample has one mark that is off on purpose.
    let text = scratch.surface("--underlying BTC").succeeds();
    let (_, missed) = text.split_once("quotes that the fit misses").unwrap();
    assert!(missed.contains("BTC-26MAR27-110000-C"), "{missed}");
    assert!(scratch.surface("--format html").succeeds().contains("<h3>Quotes that the fit misses</h3>"));
}

/// The sample's chain at noon and, with one expiry left to three quotes, at one o'clock.
pub(crate) fn thinned() -> Scratch {
    let scratch = Scratch::empty();
    let mut rows = chain_rows(SAMPLE_TIME);
    let name = chain_column("instrument_name");
    let mut kept = 0;
    for row in chain_rows("2026-11-20T13:00:00Z") {
        let is_thin = row[name].starts_with("BTC-25DEC26-");
        kept += usize::from(is_thin);
        if !is_thin || kept <= 3 {
            rows.push(row);
        }
    }
    scratch.write("chain.csv", chain_csv(&rows));
    scratch
}

#[test]
fn a_refused_expiry_takes_its_last_good_slice_with_its_age() {
    let scratch = thinned();
    let of = |json: &Value| {
        let surfaces = json["surfaces"].as_array().unwrap();
        let btc = surfaces.iter().find(|s| s["underlying"] == "BTC").unwrap();
        let expiries = btc["expiries"].as_array().unwrap();
        expiries.iter().find(|e| e["expiry"] == "2026-12-25T08:00:00Z").unwrap().clone()
    };
    let refused = of(&scratch.surfaces("--market chain.csv"));
    assert_eq!((&refused["status"], &refused["carried_from"]), (&"few_quotes".into(), &Value::Null));
    assert_eq!(refused["atm_vol"], Value::Null);
    let carried = of(&scratch.surfaces("--market chain.csv --earlier 2026-11-20T12:30:00Z"));
    assert_eq!((&carried["status"], &carried["carried_from"]), (&"carried".into(), &SAMPLE_TIME.into()));
    assert_eq!(carried["reason"], refused["reason"], "why it was refused stays");
    let before = of(&scratch.surfaces("--market chain.csv --at 2026-11-20T12:30:00Z"));
    let vol = |row: &Value| row["atm_vol"].as_f64().unwrap();
    // The same vols at the same moneyness, an hour later.
    assert!((vol(&carried) - vol(&before)).abs() < 0.01, "{carried}");
    let text = scratch.surface("--market chain.csv --earlier 2026-11-20T12:30:00Z").out;
    assert!(text.contains("stands in, 1.0 h old"), "{text}");
    scratch.surface("--market chain.csv --earlier 2026-11-20T14:00:00Z").refuses(2, &["not before"]);
}
