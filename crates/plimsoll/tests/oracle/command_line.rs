//! Exit codes, streams, help, formats.

use crate::prices;
use crate::support::Scratch;

fn recording() -> Scratch {
    let scratch = Scratch::empty();
    let says = |second, source: &str| {
        Some(if second == 10 && source == "c" { "1000000" } else { "100000.5" }.to_owned())
    };
    scratch.write("p.csv", prices(20, &["a", "b", "c"], says));
    scratch
}

#[test]
fn help_has_examples() {
    let help = Scratch::empty().run(&["oracle", "--help"]).succeeds();
    let examples = help.split("Examples").nth(1).unwrap();
    assert!(examples.contains("plimsoll oracle btc_sources.csv --class major"), "{help}");
}

#[test]
fn a_wrong_command_line_is_exit_2_and_prints_nothing() {
    let scratch = recording();
    for (args, words) in [
        ("", "required"),
        ("p.csv", "--class <NAME>"),
        ("p.csv ./p.csv --class major", "named twice"),
        ("p.csv --class major --every 0", "from 1 to 86400"),
        ("p.csv --class major --every 5 --each-row", "cannot be used with"),
        ("p.csv --class major --exponent 1", "1 is not in -12..=0"),
        ("p.csv --class major --table rounds", "--table goes with --format csv or parquet"),
        ("p.csv --class major --output p.csv", "would overwrite the input"),
    ] {
        scratch.oracle(args).refuses(2, &[words]);
    }
    let far = "time,source,price\n2000-01-01,a,1\n2026-01-01,a,1\n";
    scratch.write("far.csv", far);
    scratch.oracle("far.csv --class major").refuses(2, &["820540801 rounds, at most 1000000: pass --every"]);
    scratch.oracle("far.csv --class major --each-row").succeeds();
}

#[test]
fn the_summary_comes_first_and_only_rounds_that_differ_are_listed_on_screen() {
    let text = recording().oracle("p.csv --class major --exponent -2").succeeds();
    let place = |words: &str| text.find(words).unwrap_or_else(|| panic!("lacks '{words}':\n{text}"));
    assert!(place("valid time: 94.737 %") < place("Transitions"), "18 of 19 seconds");
    assert!(place("Transitions") < place("Sources") && place("Sources") < place("Rounds"));
    place("confirmed by 2 rounds with newer data");
    place("100000.50");
    // Stale at first, then valid, then without c, then with it.
    let listed = text.split("Rounds").nth(1).unwrap().matches("2026-11-25T").count();
    assert_eq!(listed, 4, "{text}");
    place("of 20: those in which state, sources or findings differ");
}

#[test]
fn csv_parquet_and_html_have_the_tables() {
    let scratch = recording();
    let csv =
        |table: &str| scratch.oracle(&format!("p.csv --class major --format csv --table {table}")).succeeds();
    let rounds = csv("rounds");
    assert_eq!(rounds.lines().count(), 1 + 20);
    let first = "2026-11-25T12:00:00Z,stale,100000.5,";
    assert!(rounds.lines().nth(1).unwrap().starts_with(first), "{rounds}");
    assert_eq!((csv("transitions").lines().count(), csv("sources").lines().count()), (1 + 1, 1 + 3));
    scratch.oracle("p.csv --class major --format parquet --output tables").succeeds();
    for name in ["rounds", "transitions", "sources"] {
        assert!(scratch.path(&format!("tables/{name}.parquet")).is_file(), "{name}");
    }
    let html = scratch.oracle("p.csv --class major --format html").succeeds();
    assert!(html.contains("deviates 1") && !html.contains("http://"), "one page without outside references");
}
