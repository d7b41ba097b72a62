//! What a script can rely on: exit codes, messages, what goes to which stream, and help with examples.

use crate::support::{Scratch, sample_book};
use crate::{WHOLE, changed, shown};

#[test]
fn help_of_every_command_has_an_example() {
    let scratch = Scratch::empty();
    for command in [
        &["margin"][..],
        &["liquidation"],
        &["whatif"],
        &["rulebook"],
        &["rulebook", "list"],
        &["rulebook", "show"],
        &["rulebook", "check"],
    ] {
        let args: Vec<&str> = command.iter().copied().chain(["--help"]).collect();
        let help = scratch.run(&args).succeeds();
        let examples = help.split("Example").nth(1).unwrap_or_default();
        assert!(examples.contains(&format!("plimsoll {}", command.join(" "))), "{command:?}: {help}");
    }
}

#[test]
fn a_wrong_command_line_is_exit_2_and_prints_nothing() {
    let scratch = Scratch::sample();
    for (args, words) in [
        ("book.csv", "--market"),
        ("book.csv --market market.json --table accounts", "--table goes with --format csv or parquet"),
        ("book.csv --market market.json --format csv --table nope", "possible values: accounts"),
        ("book.csv --market market.json --format parquet", "--output FOLDER"),
        ("book.csv --market market.json --rulebook deribit", "write VENUE=ID or ACCOUNT@VENUE=ID"),
        ("book.csv --market market.json --rulebook deribit=", "write VENUE=ID or ACCOUNT@VENUE=ID"),
        ("book.csv --market market.json --rulebook deribit=nope", "no rulebook 'nope'; there are: "),
        ("book.csv --market market.json --rulebook dydx=span", "holds nothing there; it holds: basis@bybit"),
        ("book.csv --market market.json --rulebook defi@deribit=span", "holds nothing there"),
        ("book.csv --market market.json --rulebook deribit=span --rulebook deribit=unified", "given twice"),
        ("book.csv --market market.json --account nobody", "no such account; it has: basis, dao-treasury"),
        ("book.csv --market market.json --rules book.csv", "named twice"),
        ("book.csv --market market.json --output ./market.json", "would overwrite the input"),
        ("book.csv --market market.json --threads 0", "1..=1024"),
    ] {
        let ran = scratch.margin(args);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args}: {}", ran.err);
        assert!(ran.err.contains(words), "{args}: lacks '{words}': {}", ran.err);
    }
    assert_eq!(scratch.text("book.csv"), sample_book(), "the book is untouched");
    scratch.run(&["rulebook", "show", "nope"]).refuses(2, &["no rulebook 'nope'", "deribit-pm"]);
    assert_eq!(scratch.run(&["rulebook"]).code, 2);
    assert_eq!(scratch.run(&["rulebook", "check"]).code, 2);
}

#[test]
fn a_file_that_cannot_be_written_is_exit_5() {
    let scratch = Scratch::sample();
    scratch.margin(&format!("{WHOLE} --output absent/margin.txt")).refuses(5, &["cannot write"]);
}

#[test]
fn the_sample_is_called_so_where_it_has_no_snapshot() {
    let scratch = Scratch::empty();
    scratch.margin("--at 2020-01-01").refuses(3, &["plimsoll: sample market.json: no snapshot at or before"]);
}

#[test]
fn without_arguments_the_sample_is_margined_and_named_as_such() {
    let scratch = Scratch::sample();
    let embedded = scratch.margin("--format csv").succeeds();
    assert_eq!(embedded, scratch.margin(&format!("{WHOLE} --format csv")).succeeds());
    let table = scratch.margin("").succeeds();
    assert!(table.starts_with("Plimsoll margin") && table.contains("sample book.csv"), "{table}");
}

#[test]
fn a_bad_row_stops_everything_unless_a_partial_result_is_allowed() {
    let scratch = Scratch::sample();
    scratch.write("book.csv", format!("{}d,deribit,,,,,BTC,NaN\n", sample_book()));
    scratch.margin(WHOLE).refuses(3, &["bad rows: 1", "book.csv row 35, amount", "--allow-partial"]);
    let ran = scratch.margin(&format!("{WHOLE} --allow-partial"));
    assert_eq!(ran.code, 4, "{}", ran.err);
    assert!(ran.out.starts_with("PARTIAL"), "{}", ran.out);
    assert!(ran.out.contains("partial total") && ran.out.contains("book.csv row 35"), "{}", ran.out);
    assert!(ran.err.contains("bad input rows left out: 1"), "{}", ran.err);
}

#[test]
fn a_rulebook_that_is_shown_is_sound_and_has_the_hash_of_the_list() {
    let scratch = Scratch::empty();
    let list = scratch.run(&["rulebook", "list", "--format", "json"]).json();
    let table = scratch.run(&["rulebook", "list"]).succeeds();
    let rulebooks = list["rulebooks"].as_array().unwrap();
    assert!(!rulebooks.is_empty());
    for rulebook in rulebooks {
        let (id, hash) = (rulebook["id"].as_str().unwrap(), rulebook["parameter_hash"].as_str().unwrap());
        let open = rulebook["unverified"].as_array().unwrap().len();
        let file = format!("{id}.toml");
        scratch.write(&file, shown(&scratch, id));
        let checked = scratch.run(&["rulebook", "check", &file]).succeeds();
        assert_eq!(checked, format!("{file}: sound: {id}  {hash}  unverified: {open}\n"));
        let line = table.lines().find(|line| line.trim_start().starts_with(&format!("{id} "))).unwrap();
        assert!(line.contains(hash) && line.ends_with(&open.to_string()), "{line}");
    }
}

#[test]
fn one_changed_parameter_is_another_hash_and_another_requirement() {
    let scratch = Scratch::sample();
    // The widest shock of Deribit's grid, doubled: a short future loses about twice as much.
    scratch.write("wide.toml", changed(&shown(&scratch, "deribit-pm"), "BTC = 0.14", "BTC = 0.28"));
    let of = |args: &str| {
        let json = scratch.margin(&format!("{WHOLE} --account basis --format json {args}")).json();
        let accounts = json["accounts"].as_array().unwrap().clone();
        let margin = accounts.iter().find(|a| a["venue"] == "deribit").unwrap()["margin"].clone();
        let initial: f64 = margin["requirement_usd"]["initial"].as_str().unwrap().parse().unwrap();
        (margin["parameter_hash"].clone(), initial, json["inputs"].as_array().unwrap().len())
    };
    let (before, after) = (of(""), of("--rules wide.toml"));
    assert_ne!(before.0, after.0);
    assert!(after.1 > 1.5 * before.1, "{before:?} {after:?}");
    assert_eq!((before.2, after.2), (2, 3), "the user's rulebook is an input with its hash");
}
