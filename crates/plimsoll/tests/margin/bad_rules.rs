//! Parameter files with mistakes: every one is named with file and key, all at once, and nothing is margined by them.

use crate::support::Scratch;
use crate::{WHOLE, changed, shown};

/// One mistake in an embedded file, and what the message says.
struct Case {
    name: &'static str,
    rulebook: &'static str,
    from: &'static str,
    to: &'static str,
    words: &'static [&'static str],
}

const CASES: [Case; 10] = [
    Case {
        name: "unknown parameter",
        rulebook: "deribit-pm",
        from: "[factor]\n",
        to: "[factor]\ninital = 1.0\n",
        words: &["factor.inital", "is not a parameter of this section", "initial"],
    },
    Case {
        name: "negative haircut",
        rulebook: "deribit-pm",
        from: "[collateral.haircut.ETH]\ninitial = 0.0",
        to: "[collateral.haircut.ETH]\ninitial = -0.1",
        words: &["collateral.haircut.ETH.initial = '-0.1'", "from 0 to 1"],
    },
    Case {
        name: "initial below maintenance",
        rulebook: "deribit-pm",
        from: "maintenance = 0.8",
        to: "maintenance = 1.8",
        words: &["factor", "maintenance"],
    },
    Case {
        name: "unknown asset",
        rulebook: "deribit-pm",
        from: "[price_range]\nBTC",
        to: "[price_range]\n\"B,TC\"",
        words: &["price_range", "B,TC"],
    },
    Case {
        name: "unknown engine",
        rulebook: "deribit-pm",
        from: "engine = \"scenario\"",
        to: "engine = \"guess\"",
        words: &["engine = '\"guess\"'", "must be one of: scenario"],
    },
    Case {
        name: "no source",
        rulebook: "hyperliquid",
        from: "sources = [",
        to: "sources = []\nformer = [",
        words: &["sources", "at least one source", "former"],
    },
    Case {
        name: "no date",
        rulebook: "deribit-pm",
        from: "valid_from = \"2026-02-15\"",
        to: "valid_from = \"2026-02-30\"",
        words: &["valid_from = '\"2026-02-30\"'", "must be a date"],
    },
    Case {
        name: "a number in quotes",
        rulebook: "deribit-pm",
        from: "maintenance = 0.8",
        to: "maintenance = \"0.8\"",
        words: &["factor.maintenance", "must be a number"],
    },
    Case {
        name: "a venue that another rulebook claims",
        rulebook: "deribit-xpm",
        from: "venues = []",
        to: "venues = [\"deribit\"]",
        words: &["venues = '[\"deribit\"]'", "'deribit' is claimed by rulebook 'deribit-pm'"],
    },
    Case {
        name: "not TOML",
        rulebook: "deribit-pm",
        from: "title = ",
        to: "title : ",
        words: &["bad.toml", "TOML parse error at line 2"],
    },
];

#[test]
fn each_mistake_is_named_with_file_and_key_by_check_and_by_margin() {
    let scratch = Scratch::sample();
    for Case { name, rulebook, from, to, words } in &CASES {
        scratch.write("bad.toml", changed(&shown(&scratch, rulebook), from, to));
        for ran in [
            scratch.run(&["rulebook", "check", "bad.toml"]),
            scratch.margin(&format!("{WHOLE} --rules bad.toml")),
        ] {
            assert_eq!((ran.code, ran.out.as_str()), (3, ""), "{name}: {}", ran.err);
            assert!(ran.err.contains("bad.toml"), "{name}: {}", ran.err);
            for word in *words {
                assert!(ran.err.contains(word), "{name}: lacks '{word}':\n{}", ran.err);
            }
        }
    }
}

#[test]
fn a_missing_grid_is_named() {
    let scratch = Scratch::empty();
    let text = shown(&scratch, "deribit-pm");
    let (head, tail) = (text.find("[[grid]]").unwrap(), text.find("[vol_shock]").unwrap());
    scratch.write("bad.toml", format!("{}{}", &text[..head], &text[tail..]));
    scratch.run(&["rulebook", "check", "bad.toml"]).refuses(3, &["bad.toml", "grid"]);
}

#[test]
fn contradictory_thresholds_are_named() {
    let scratch = Scratch::empty();
    // A tier of BTC that ends before it begins.
    let text = changed(&shown(&scratch, "hyperliquid"), "from = [0, 150_000_000]", "from = [150_000_000, 0]");
    scratch.write("bad.toml", text);
    scratch
        .run(&["rulebook", "check", "bad.toml"])
        .refuses(3, &["bad.toml, linear.table-56.from", "must begin above tier 1"]);
}

#[test]
fn all_mistakes_of_all_files_come_at_once() {
    let scratch = Scratch::sample();
    let text = shown(&scratch, "deribit-pm");
    let twice = changed(
        &changed(&text, "maintenance = 0.8", "maintenance = -0.8"),
        "[factor]",
        "[factor]\nwrong = 1",
    );
    std::fs::create_dir(scratch.path("rules")).unwrap();
    scratch.write("rules/a.toml", twice);
    scratch.write("rules/b.toml", changed(&text, "BTC = 0.14", "BTC = \"x\""));
    scratch.write("rules/c.toml", shown(&scratch, "span"));
    scratch.write("rules/notes.txt", "not a rulebook");
    let words = [
        "have 4 mistakes",
        "a.toml, factor.wrong",
        "a.toml, factor.maintenance",
        "b.toml, price_range.BTC",
        "absent.toml",
    ];
    scratch.run(&["rulebook", "check", "rules", "absent.toml"]).refuses(3, &words);
    scratch.margin(&format!("{WHOLE} --rules rules --rules absent.toml")).refuses(3, &words);
    // Two files of one id contradict each other.
    scratch.write("one.toml", &text);
    scratch.write("two.toml", &text);
    scratch
        .run(&["rulebook", "check", "one.toml", "two.toml"])
        .refuses(3, &["two.toml, id = 'deribit-pm'", "one.toml"]);
    std::fs::create_dir(scratch.path("empty")).unwrap();
    scratch.run(&["rulebook", "check", "empty"]).refuses(3, &["empty", "no *.toml file"]);
}
