//! Rows add up to totals exactly: for every measure and every grouping, in USD and in coins.

use crate::support::{Scratch, column, csv_rows, quanta};
use std::collections::BTreeMap;

const ARGS: &str = "book.csv --market market.json";
const GROUPINGS: [&[&str]; 11] = [
    &["underlying"],
    &["expiry"],
    &["venue"],
    &["chain"],
    &["account"],
    &["kind"],
    &["venue", "underlying"],
    &["underlying", "expiry"],
    &["account", "venue", "chain"],
    &["kind", "account", "expiry", "underlying"],
    &["underlying", "expiry", "venue", "chain", "account", "kind"],
];

/// A figure of a table; an empty cell is nothing to add.
fn figure(cell: &str) -> Option<i128> {
    (!cell.is_empty()).then(|| quanta(cell))
}

#[test]
fn groups_add_up_to_the_total_and_the_total_is_that_of_the_positions() {
    let scratch = Scratch::sample();
    let positions = csv_rows(&scratch.report(&format!("{ARGS} --format csv --table positions")).succeeds());
    for grouping in GROUPINGS {
        let by = grouping.join(",");
        let table = scratch.exposure(&format!("{ARGS} --group-by {by}"), 0);
        let (groups, total) = (&table[1..table.len() - 1], table.last().unwrap());
        assert_eq!(total[0], "total");
        let rows: usize =
            groups.iter().map(|group| group[column(&table, "rows")].parse::<usize>().unwrap()).sum();
        assert_eq!(rows, positions.len() - 1, "{by}: every row is in exactly one group");
        let first = column(&table, "value_usd");
        for (place, name) in table[0].iter().enumerate().skip(first).filter(|(_, name)| name.contains("usd"))
        {
            let of_groups: i128 = groups.iter().filter_map(|group| figure(&group[place])).sum();
            let of_rows: i128 = positions[1..].iter().map(|row| quanta(&row[column(&positions, name)])).sum();
            assert_eq!(Some(of_groups), figure(&total[place]), "{by}: {name}");
            assert_eq!(of_groups, of_rows, "{by}: {name} of the positions");
        }
    }
}

#[test]
fn each_group_is_the_exact_sum_of_its_positions_in_usd_and_in_coins() {
    let scratch = Scratch::sample();
    let positions = csv_rows(&scratch.report(&format!("{ARGS} --format csv --table positions")).succeeds());
    let measures: Vec<&String> = positions[0].iter().skip(column(&positions, "value_usd")).collect();
    assert_eq!(measures.len(), 22, "eleven measures in USD and eleven in coins");
    let key = ["venue", "chain", "account", "kind", "underlying"];
    let table = scratch.exposure(&format!("{ARGS} --group-by {}", key.join(",")), 0);
    let key_of = |table: &[Vec<String>], row: &[String]| key.map(|name| row[column(table, name)].clone());
    let mut sums: BTreeMap<[String; 5], Vec<i128>> = BTreeMap::new();
    for row in &positions[1..] {
        let sum = sums.entry(key_of(&positions, row)).or_insert_with(|| vec![0; measures.len()]);
        for (slot, name) in sum.iter_mut().zip(&measures) {
            *slot += quanta(&row[column(&positions, name)]);
        }
    }
    let groups = &table[1..table.len() - 1];
    assert_eq!(groups.len(), sums.len());
    for group in groups {
        let shown: Vec<i128> = measures.iter().map(|name| quanta(&group[column(&table, name)])).collect();
        assert_eq!(shown, sums[&key_of(&table, group)], "{group:?}");
    }
}

#[test]
fn coins_of_different_underlyings_are_not_added() {
    let scratch = Scratch::sample();
    let table = scratch.exposure(&format!("{ARGS} --group-by venue"), 0);
    let (coin, delta) = (column(&table, "coin"), column(&table, "delta_coin"));
    let total = table.last().unwrap();
    assert_eq!((total[coin].as_str(), total[delta].as_str()), ("", ""));
}
