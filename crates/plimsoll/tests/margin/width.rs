//! Tables fit the width of the screen; a pipe of no known width gets every column.

use crate::WHOLE;
use crate::support::Scratch;

fn at(scratch: &Scratch, width: &str, args: &str) -> String {
    let all: Vec<&str> = args.split_whitespace().collect();
    let output = scratch.command(&all).env("COLUMNS", width).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

/// Sentences below a table are for the terminal to wrap.
fn is_remark(line: &str) -> bool {
    line.starts_with("  ") && line.contains(": ")
}

#[test]
fn no_line_of_a_table_is_wider_than_the_screen() {
    let scratch = Scratch::sample();
    let cheapest = "--cheapest-venue deribit:BTC-25DEC26-100000-C=10";
    for args in [
        format!("margin {WHOLE} --faults --fragmentation {cheapest}"),
        format!("liquidation {WHOLE} --survive -30"),
        format!("whatif {WHOLE} --rulebook-after deribit=deribit-xpm --detail"),
        "rulebook list".to_owned(),
    ] {
        for width in [80, 100, 120, 160] {
            let out = at(&scratch, &width.to_string(), &args);
            // A table goes from the rule under its header to the next empty line or remark.
            let mut widest = "";
            let mut in_table = false;
            for line in out.lines() {
                in_table =
                    line.starts_with('─') || (in_table && !line.is_empty() && !line.starts_with("  no "));
                if in_table && !is_remark(line) && line.chars().count() > widest.chars().count() {
                    widest = line;
                }
            }
            assert!(!widest.is_empty());
            assert!(widest.chars().count() <= width, "{args} at {width}: {widest}");
        }
    }
}

#[test]
fn columns_that_have_no_room_are_named() {
    let scratch = Scratch::sample();
    let narrow = at(&scratch, "100", &format!("margin {WHOLE}"));
    assert!(
        narrow.contains("no room at 100 characters for: counted maint.; counted initial; rulebook"),
        "{narrow}"
    );
    let whole = scratch.margin(WHOLE).succeeds();
    assert!(!whole.contains("no room") && whole.contains("rulebook"));
}

/// 30 accounts with less and less collateral: the table begins with the last of them.
#[test]
fn of_many_accounts_the_nearest_to_liquidation_come_first() {
    let scratch = Scratch::sample();
    let mut book = String::from("account,venue,instrument,quantity,asset,amount\n");
    for place in 10..40 {
        let amount = 0.9 - 0.02 * f64::from(place);
        book.push_str(&format!(
            "a{place},deribit,BTC-PERPETUAL,-93040,,\na{place},deribit,,,BTC,{amount:.2}\n"
        ));
    }
    scratch.write("book.csv", book);
    let out = scratch.margin(WHOLE).succeeds();
    assert!(out.contains("the nearest to liquidation first"), "{out}");
    let names: Vec<&str> = out
        .lines()
        .filter_map(|line| {
            line.strip_prefix(" a").filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        })
        .take(30)
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    assert_eq!((names[0], names[29]), ("39", "10"), "{names:?}");
    let json = scratch.margin(&format!("{WHOLE} --format json")).json();
    assert_eq!(json["accounts"][0]["account"], "a10", "files go by name");
}
