//! One set of figures in every format, whose rows add up to their total to the last digit, on any number of threads.

use crate::support::{Scratch, column, csv_rows, quanta};
use crate::{WHOLE, deribit_unclaimed};

const SUMMED: [&str; 7] = [
    "equity_usd",
    "counted_initial_usd",
    "counted_maintenance_usd",
    "initial_margin_usd",
    "maintenance_margin_usd",
    "available_usd",
    "to_liquidation_usd",
];

/// A cell that may be empty: an account without rulebook asks for nothing.
fn cell(row: &[String], place: usize) -> i128 {
    if row[place].is_empty() { 0 } else { quanta(&row[place]) }
}

#[test]
fn accounts_add_up_to_the_total_to_the_last_digit() {
    let scratch = Scratch::sample();
    let table = csv_rows(&scratch.margin(&format!("{WHOLE} --format csv --table accounts")).succeeds());
    let (total, accounts) = table[1..].split_last().unwrap();
    assert_eq!(total[column(&table, "level")], "total");
    assert_eq!(accounts.len(), 8);
    for name in SUMMED {
        let place = column(&table, name);
        let sum: i128 = accounts.iter().map(|row| cell(row, place)).sum();
        assert_eq!(sum, quanta(&total[place]), "{name}");
        assert_ne!(sum, 0, "a total of zero would prove nothing: {name}");
    }
    // What is left is what counts less what is asked, in every row; with separate wallets to liquidation is the least of one.
    let venue = column(&table, "venue");
    for row in accounts {
        let left = |name: &str| cell(row, column(&table, name));
        if row[venue] == "deribit" {
            let spare = left("counted_maintenance_usd") - left("maintenance_margin_usd");
            assert!(left("to_liquidation_usd") <= spare, "{row:?}");
            assert_eq!(left("counted_initial_usd") - left("initial_margin_usd"), left("available_usd"));
            continue;
        }
        for (counted, asked, left) in [
            ("counted_initial_usd", "initial_margin_usd", "available_usd"),
            ("counted_maintenance_usd", "maintenance_margin_usd", "to_liquidation_usd"),
        ] {
            let [counted, asked, left] = [counted, asked, left].map(|name| cell(row, column(&table, name)));
            assert_eq!(counted - asked, left);
        }
    }
}

#[test]
fn json_and_the_exact_table_show_the_same_totals() {
    let scratch = Scratch::sample();
    let table = csv_rows(&scratch.margin(&format!("{WHOLE} --format csv --table accounts")).succeeds());
    let total = table.last().unwrap();
    let of = |name: &str| quanta(&total[column(&table, name)]);
    let json = scratch.margin(&format!("{WHOLE} --format json")).json();
    let in_json = |figure: &str, level: &str| quanta(json["total"][figure][level].as_str().unwrap());
    assert_eq!(quanta(json["total"]["equity_usd"].as_str().unwrap()), of("equity_usd"));
    assert_eq!(in_json("counted_usd", "initial"), of("counted_initial_usd"));
    assert_eq!(in_json("requirement_usd", "maintenance"), of("maintenance_margin_usd"));
    assert_eq!(in_json("surplus_usd", "maintenance"), of("to_liquidation_usd"));
    let text = scratch.margin(&format!("{WHOLE} --exact")).succeeds();
    let line = text.lines().find(|line| line.trim_start().starts_with("total ")).unwrap();
    let shown: Vec<i128> =
        line.split_whitespace().skip(1).map(|cell| quanta(&cell.replace('\u{2212}', "-"))).collect();
    let order = ["equity_usd", "counted_initial_usd", "initial_margin_usd", "available_usd"];
    let order =
        order.into_iter().chain(["counted_maintenance_usd", "maintenance_margin_usd", "to_liquidation_usd"]);
    assert_eq!(shown, order.map(of).collect::<Vec<_>>());
}

#[test]
fn every_table_is_written_to_the_folder_and_the_deciding_scenario_is_marked_once_a_unit() {
    let scratch = Scratch::sample();
    scratch.margin(&format!("{WHOLE} --format csv --output tables")).succeeds();
    scratch.margin(&format!("{WHOLE} --format parquet --output parquet")).succeeds();
    for name in [
        "accounts",
        "units",
        "scenarios",
        "charges",
        "legs",
        "collateral",
        "fragmentation",
        "cheapest-venues",
        "faults",
        "unmargined",
    ] {
        assert!(scratch.path(&format!("tables/{name}.csv")).exists(), "{name}");
        assert!(scratch.path(&format!("parquet/{name}.parquet")).exists(), "{name}");
    }
    let units = csv_rows(&scratch.text("tables/units.csv"));
    let scenarios = csv_rows(&scratch.text("tables/scenarios.csv"));
    let with_worst = units[1..].iter().filter(|row| !row[column(&units, "worst_scenario")].is_empty());
    let deciding = scenarios[1..].iter().filter(|row| row[column(&scenarios, "decides")] == "1");
    let (mut named, mut marked) = (Vec::new(), Vec::new());
    for row in with_worst {
        named.push((row[..3].to_vec(), row[column(&units, "worst_scenario")].clone()));
    }
    for row in deciding {
        marked.push((row[..3].to_vec(), row[column(&scenarios, "scenario")].clone()));
    }
    assert_eq!(named, marked);
    assert!(named.len() >= 5, "{named:?}");
}

#[test]
fn any_number_of_threads_gives_the_same_bytes_in_every_format() {
    let scratch = Scratch::sample();
    for format in ["table", "json", "csv", "html"] {
        let run = |threads: u32| {
            scratch
                .margin(&format!(
                    "{WHOLE} --detail --fragmentation --faults --cheapest-venue bybit:BTCUSDT=1 --format {format} --threads {threads}"
                ))
                .succeeds()
        };
        let one = run(1);
        assert!(one == run(2) && one == run(7), "{format}");
    }
}

#[test]
fn the_page_stands_alone_and_shows_text_from_files_as_text() {
    let scratch = Scratch::sample();
    scratch.write("book.csv", scratch.text("book.csv").replace("basis,", "<script>alert(1)</script>,"));
    let page = scratch.margin(&format!("{WHOLE} --format html")).succeeds();
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script"));
    for outside in ["http:", "https:", "src=", "url("] {
        assert!(!page.contains(outside), "the page refers to {outside}");
    }
    for section in ["summary", "account-1", "account-8", "rulebooks", "data", "definitions"] {
        assert_eq!(page.matches(&format!(" id=\"{section}\"")).count(), 1, "{section}");
    }
    assert!(!page.contains("PARTIAL"));
    scratch.write("unclaimed.toml", deribit_unclaimed(&scratch));
    let partial = scratch.margin(&format!("{WHOLE} --rules unclaimed.toml --allow-partial --format html"));
    assert_eq!(partial.code, 4);
    assert!(partial.out.contains("<title>PARTIAL") && partial.out.contains("■ PARTIAL"));
}

#[test]
fn separate_wallets_have_their_legend_in_the_tables_of_all_three_commands() {
    let scratch = Scratch::sample();
    for (command, words) in [
        ("margin", "available is what they have to spare together"),
        ("whatif --rulebook-after derive=derive-srm", "available is what they have to spare together"),
        ("liquidation", "to liquidation is the least of one"),
    ] {
        let all = format!("{command} {WHOLE}");
        let text = scratch.run(&all.split(' ').collect::<Vec<_>>()).succeeds();
        let legend = text.lines().find(|line| line.contains("separate wallets ("));
        let legend = legend.unwrap_or_else(|| panic!("{command}: {text}"));
        assert!(legend.contains(words) && legend.contains("vol-desk@deribit"), "{command}: {legend}");
    }
}
