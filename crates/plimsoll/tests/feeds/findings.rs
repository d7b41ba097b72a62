//! One fault at a time in a sound recording, and the figure that says so; then the shared recordings.

use crate::support::Scratch;
use crate::{candles, chain, series};
use serde_json::Value;

fn close(rows: &[String]) -> Value {
    let scratch = Scratch::empty();
    scratch.write("a.csv", series(rows));
    scratch.feed("a.csv", "close")
}

#[test]
fn a_sound_series_has_no_finding() {
    let feed = close(&candles(100));
    assert_eq!((&feed["rows"], &feed["cadence_millis"]), (&100.into(), &3_600_000.into()));
    assert_eq!(feed["first"], "2020-01-01T00:00:00Z");
    for seen in ["duplicates", "conflicts", "out_of_order", "crossed", "one_sided", "missing", "not_a_price"]
    {
        assert_eq!(feed[seen]["count"], 0, "{seen}");
    }
    assert_eq!((&feed["gaps"]["count"], &feed["outliers"]["count"]), (&0.into(), &0.into()));
}

#[test]
fn each_fault_of_a_series_is_found_at_its_row() {
    let faulty = |change: &dyn Fn(&mut Vec<String>)| {
        let mut rows = candles(100);
        change(&mut rows);
        close(&rows)
    };
    let gap = faulty(&|rows| drop(rows.drain(50..60)));
    assert_eq!(
        (&gap["gaps"]["count"], &gap["gaps"]["longest"]["millis"]),
        (&1.into(), &(11 * 3_600_000).into())
    );
    assert_eq!(gap["gaps"]["longest"]["place"]["row"], 51);
    let repeated = faulty(&|rows| rows.insert(50, rows[49].clone()));
    assert_eq!(
        (&repeated["duplicates"]["count"], &repeated["duplicates"]["first"]["row"]),
        (&1.into(), &51.into())
    );
    let conflict = faulty(&|rows| rows.insert(50, rows[49].replace(",101,7", ",103,7")));
    assert_eq!((&conflict["conflicts"]["count"], &conflict["duplicates"]["count"]), (&1.into(), &0.into()));
    let swapped = faulty(&|rows| rows.swap(50, 51));
    assert_eq!(
        (&swapped["out_of_order"]["count"], &swapped["out_of_order"]["first"]["row"]),
        (&1.into(), &52.into())
    );
    let missing = faulty(&|rows| rows[50] = rows[50].replace(",100,7", ",,7"));
    assert_eq!((&missing["missing"]["count"], &missing["missing"]["first"]["row"]), (&1.into(), &51.into()));
    let negative = faulty(&|rows| rows[50] = rows[50].replace(",100,7", ",-100,7"));
    assert_eq!(negative["not_a_price"]["count"], 1);
    let spike = faulty(&|rows| rows[50] = rows[50].replace(",100,7", ",1000,7"));
    assert_eq!((&spike["outliers"]["count"], &spike["outliers"]["spikes"]), (&2.into(), &1.into()));
    assert_eq!(
        (&spike["outliers"]["worst"]["place"]["row"], &spike["outliers"]["worst"]["is_spike"]),
        (&51.into(), &true.into())
    );
}

#[test]
fn quotes_fall_into_feeds_and_their_faults_are_found() {
    let scratch = Scratch::empty();
    let broken = chain(12).replacen("BTC-PERPETUAL,60000,60001", "BTC-PERPETUAL,60001,60000", 1).replacen(
        "60000-C,0.1,0.11",
        "60000-C,,0.11",
        1,
    );
    scratch.write("chain.csv", broken);
    let options = scratch.feed("chain.csv", "BTC option");
    assert_eq!((&options["streams"], &options["main_figure"]), (&3.into(), &"mark_vol".into()));
    assert_eq!(
        (&options["one_sided"]["count"], &options["one_sided"]["first"]["row"]),
        (&1.into(), &2.into())
    );
    // The call at 50,000 repeats all its figures for twelve hours while the two others move.
    assert_eq!(options["frozen"]["runs"], 1);
    assert_eq!(options["frozen"]["longest"]["place"]["stream"], "BTC-27MAR26-50000-C");
    assert_eq!(options["frozen"]["longest"]["observations"], 12);
    assert_eq!(scratch.feed("chain.csv", "BTC perpetual")["crossed"]["count"], 1);
    // One observation a snapshot, though every row repeats it.
    assert_eq!(scratch.feed("chain.csv", "BTC index")["rows"], 12);
    assert_eq!(scratch.feed("chain.csv", "symbols that do not resolve")["rows"], 12);
}

/// The shared recordings, or nothing where they are absent (then says so; fails on CI).
fn shared() -> Option<std::path::PathBuf> {
    let beside = || std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared"));
    #[allow(clippy::disallowed_methods)] // tests may be told where data are
    let folder = std::env::var("PLIMSOLL_SHARED").map_or_else(|_| beside(), std::path::PathBuf::from);
    if folder.join("data/chains").is_dir() {
        return Some(folder.join("data/chains"));
    }
    eprintln!("feeds of recordings did not run: {} is absent", folder.display());
    assert!(std::env::var_os("CI").is_none(), "shared data must be present on CI");
    None
}

#[test]
fn recorded_feeds_are_judged() {
    let Some(chains) = shared() else { return };
    let scratch = Scratch::empty();
    let file = |name: &str| chains.join(name).display().to_string();
    let perpetual = scratch.feed(&file("perpetual_prices.csv"), "BTC perpetual");
    assert_eq!((&perpetual["rows"], &perpetual["gaps"]["count"]), (&419.into(), &0.into()));
    let options = scratch.feed(&file("deribit_202602.parquet"), "BTC option");
    let rows = ["BTC option", "ETH option"]
        .map(|feed| scratch.feed(&file("deribit_202602.parquet"), feed)["rows"].as_u64().unwrap());
    assert_eq!(rows.iter().sum::<u64>(), 180_516, "every row of the file is in a feed");
    assert_eq!((&options["crossed"]["count"], &options["duplicates"]["count"]), (&0.into(), &0.into()));
    // A snapshot every six hours with two left out.
    assert_eq!(scratch.feed(&file("deribit_202602.parquet"), "BTC index")["rows"], 110);
}
