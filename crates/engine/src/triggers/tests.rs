//! Expressions: what is refused, where and why; what is let through can be evaluated.

use super::expression::{Expression, Mistake, Seen};
use super::variable::Variable;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use risk::GroupBy;
use std::collections::{BTreeMap, BTreeSet};
use units::Fixed;

const EACH: [GroupBy; 2] = [GroupBy::Account, GroupBy::Underlying];

fn seen(variable: Variable) -> Seen {
    match variable {
        Variable::Figure(_) => Seen::Figure(Fixed::quantise(-150_000.0).unwrap()),
        Variable::Turnover => Seen::Figure(Fixed::quantise(2_000.0).unwrap()),
        Variable::Column(column) => {
            Seen::Text(if column == GroupBy::Account { "desk-1" } else { "BTC" }.into())
        }
        Variable::State => Seen::Text("normal".into()),
        Variable::Stale => Seen::Texts(vec!["ETH".into()]),
        Variable::LinksDown => Seen::Texts(vec!["okx".into(), "deribit".into()]),
        Variable::Unreconciled => Seen::Texts(Vec::new()),
        Variable::Unvalued | Variable::OpenOrders => Seen::Count(2),
        Variable::MarginUse => Seen::Number(0.5),
        Variable::Liquidation => Seen::Number(f64::INFINITY),
        Variable::Index | Variable::QuoteAge => Seen::Numbers(BTreeMap::from([("BTC".into(), 90_000.0)])),
    }
}

fn says(text: &str) -> Result<bool, String> {
    Expression::compile(text, &EACH).unwrap_or_else(|mistakes| panic!("{text}: {mistakes:?}")).evaluate(seen)
}

#[test]
fn sound_expressions_say_what_the_language_says() {
    for (text, expected) in [
        ("value_usd < -100000.0 && abs(delta_cash_usd) > 50000.0", true),
        ("value_usd < -100000", true),
        ("open_orders > 1.5", true),
        ("unvalued == 2.0", true),
        ("account.startsWith('desk') && underlying in ['BTC', 'ETH']", true),
        ("account == \"other\" || state != 'normal'", false),
        ("underlying in stale", false),
        ("size(links_down) == 2 && links_down.size() == 2", true),
        ("links_down.exists(venue, venue == 'okx')", true),
        ("links_down.all(venue, venue.contains('x'))", false),
        ("links_down.exists_one(venue, venue.endsWith('t'))", true),
        ("size(links_down.filter(v, v != 'okx')) == 1", true),
        ("'okx!' in links_down.map(v, v + '!')", true),
        ("size(unreconciled) > 0", false),
        ("links_down[0] == 'okx'", true),
        ("index_usd['BTC'] > 80000.0 && index_usd.BTC < 1e5", true),
        ("'ETH' in index_usd && index_usd['ETH'] > 1.0", false),
        ("has(quote_age_seconds.ETH) ? quote_age_seconds.ETH > 5.0 : true", true),
        ("double(open_orders) * 2.5 == 5.0", true),
        ("min(1.0, 2.0) == 1.0 && max(1.0, 2.0) == 2.0 && -min(-1.0, 3.0) == 1.0", true),
        ("7 % 4 - 2 * 3 / 4 == 2", true),
        ("stale + ['BTC'] == ['ETH', 'BTC']", true),
        ("1.0 / 0.0 > 1e300", true),
        ("'a' < 'b'", true),
        ("!(theta_usd_per_day > 0.0)", true),
        ("value_usd <\n  -1.0 // a note\n", true),
    ] {
        assert_eq!(says(text), Ok(expected), "{text}");
    }
}

#[test]
fn what_only_a_value_tells_is_an_error_that_decides_nothing() {
    for (text, why) in [
        ("index_usd['ETH'] > 1.0", "no 'ETH' in the map"),
        ("1 / (open_orders - 2) > 0", "divided by zero"),
        ("1 % (open_orders - 2) > 0", "divided by zero"),
        ("9223372036854775807 + open_orders > 0", "over 64 bits"),
        ("stale[3] == 'ETH'", "the list is shorter"),
        ("0.0 / 0.0 < 1.0", "not a number"),
        ("[][0]", "the list is shorter"),
    ] {
        let said = says(text).unwrap_err();
        assert!(said.contains(why), "{text}: {said}");
    }
    assert_eq!(says("index_usd['ETH'] > 1.0 || open_orders == 2"), Ok(true), "one side is enough");
}

#[test]
fn mistakes_are_told_with_line_column_and_rule() {
    let mut wrong = Vec::new();
    for (text, line, column, rule) in [
        ("", 1, 1, "an expression, such as"),
        ("valu_usd < 1.0", 1, 1, "there is no variable valu_usd; there are value_usd, delta_cash_usd"),
        ("value_usd < 1.0 &&\n  kind == 'option'", 2, 3, "add it to each"),
        ("value_usd", 1, 1, "true or false: this is a double"),
        ("value_usd + 1 > 0.0", 1, 11, "+ is not of a double and an int: write 2.0 for 2"),
        ("value_usd < 'x'", 1, 11, "< is not of a double and a string"),
        ("account == 1", 1, 9, "== is not of a string and an int"),
        ("true && open_orders", 1, 9, "a bool: this is an int"),
        ("!open_orders", 1, 2, "a bool: this is an int"),
        ("-account == 'x'", 1, 1, "- is not of a string"),
        ("true < false", 1, 6, "< is not of a bool and a bool"),
        ("1.5 % 2.0 > 0.0", 1, 5, "% is not of a double and a double"),
        ("value_usd in stale", 1, 11, "a double is not in a list of string"),
        ("'a' in 'abc'", 1, 5, "a string is not in a string"),
        ("index_usd[0] > 1.0", 1, 10, "a map is read by a string; this is an int"),
        ("stale['x'] == 'x'", 1, 6, "a list is read by an int; this is a string"),
        ("account[0] == 'x'", 1, 8, "[ ] is of a list or a map; this is a string"),
        ("state.word == 'x'", 1, 6, ".word is of a map; this is a string"),
        ("abs(open_orders) > 1.0", 1, 1, "abs is abs(double), not of an int; write 2.0 for 2"),
        ("abs(1.0, 2.0) > 1.0", 1, 1, "abs is abs(double), not of a double and a double"),
        ("min(1.0) > 1.0", 1, 1, "min is min(double, double), not of a double"),
        ("sqrt(value_usd) > 1.0", 1, 1, "there is no function sqrt; there are abs(double)"),
        ("_sqrt(1, 2) > 1", 1, 1, "there is no function _sqrt"),
        ("account.matches('d.*')", 1, 16, "there is no function matches"),
        ("string(value_usd) == ''", 1, 1, "there is no function string"),
        ("timestamp('2026-01-01T00:00:00Z') < now", 1, 1, "there is no function timestamp"),
        ("size(value_usd) > 1", 1, 1, "size is size(string)"),
        ("true ? 1 : 'x'", 1, 6, "both sides of ? : are of one type"),
        ("['a', 1] == []", 1, 7, "this is an int in a list of string"),
        ("{'a': 1}.a == 1", 1, 1, "maps and structs are not written out"),
        ("Thing{a: 1} == 1", 1, 1, "maps and structs are not written out"),
        ("value_usd == null", 1, 14, "bytes and null"),
        ("1u == 1", 1, 1, "unsigned"),
        ("index_usd == quote_age_seconds", 1, 11, "== is not of a map"),
        ("index_usd.exists(k, k == 'BTC')", 1, 17, "macros go over lists"),
        ("stale.exists(a, links_down.exists(b, a == b))", 1, 34, "a macro within a macro"),
        ("stale.exists(a, a)", 1, 17, "a bool: this is a string"),
        ("value_usd < ", 1, 13, "expecting expression"),
        ("(value_usd < 1.0", 1, 17, "expected ')'"),
        ("value_usd @ 1.0", 1, 11, "unexpected character"),
        ("account == 'é'", 1, 13, "not plain ASCII"),
        ("account == 'x", 1, 12, ""),
    ] {
        let mistakes = Expression::compile(text, &EACH).map(|sound| sound.text().to_owned()).unwrap_err();
        let found = |m: &Mistake| (m.line, m.column) == (line, column) && m.rule.contains(rule);
        if !mistakes.iter().any(found) {
            wrong.push(format!("{text}: wanted {line}:{column} {rule}, got {mistakes:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let both = Expression::compile("valu < 1.0 && foo(2) && account + 1 == 'a'", &EACH).unwrap_err();
    assert_eq!(both.len(), 3, "every mistake at once: {both:#?}");
}

#[test]
fn size_and_depth_have_bounds() {
    let refused = |text: &str, rule: &str| {
        let mistakes = Expression::compile(text, &EACH).unwrap_err();
        assert!(mistakes.iter().any(|m| m.rule.contains(rule)), "{rule}: {mistakes:?}");
    };
    refused(&format!("{}value_usd < 1.0", " ".repeat(4096)), "at most 4096");
    refused(&"!".repeat(4000), "");
    for n in [25, 100, 1000] {
        refused(&format!("{}true{}", "(!".repeat(n), ")".repeat(n)), "");
        refused(&"[".repeat(n), "");
        refused(&format!("{}1.0{} > 0.0", "abs(".repeat(n), ")".repeat(n)), "");
    }
    refused(&format!("{} > 0", vec!["1"; 100].join("+")), "nested over 64 deep");
    refused(&format!("{} > 0", vec!["1"; 1000].join("+")), "");
    refused(&vec!["true"; 800].join("&&"), "");
    refused(&format!("stale{} == 'x'", "[0]".repeat(800)), "");
    refused(&format!("index_usd{} == 1.0", ".a".repeat(1000)), "");
    refused(&format!("{}true", "true?false:".repeat(300)), "");
    // At the bounds it is evaluated on the stack of a test thread.
    assert_eq!(says(&format!("{} > 0", vec!["1"; 60].join("+"))), Ok(true));
    assert_eq!(says(&format!("{}1.0{} > 0.0", "abs(".repeat(22), ")".repeat(22))), Ok(true));
}

/// Draws expressions: mostly of the type that is wanted, now and then of another, so that both sides of every rule are met.
struct Draw(u64);

impl Draw {
    fn below(&mut self, n: usize) -> usize {
        // Knuth's multiplier; the high bits are the good ones.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n
    }

    fn pick(&mut self, of: &[&str]) -> String {
        of[self.below(of.len())].to_owned()
    }

    fn of(&mut self, wanted: &str, depth: usize) -> String {
        let wanted = if self.below(40) == 0 {
            self.pick(&["bool", "int", "double", "text", "list", "map"])
        } else {
            wanted.into()
        };
        let Some(depth) = depth.checked_sub(1 + self.below(2)) else { return self.leaf(&wanted) };
        let form = self.below(6);
        let number = self.pick(&["int", "double", "double"]);
        let kind = self.pick(&["int", "double", "text", "bool"]);
        match (wanted.as_str(), form) {
            (_, 0) => {
                let parts = (self.of("bool", depth), self.of(&wanted, depth), self.of(&wanted, depth));
                format!("({} ? {} : {})", parts.0, parts.1, parts.2)
            }
            ("bool", 1) => format!(
                "({} {} {})",
                self.of("bool", depth),
                self.pick(&["&&", "||", "=="]),
                self.of("bool", depth)
            ),
            ("bool", 2) => {
                let operator = self.pick(&["<", "<=", ">", ">=", "==", "!="]);
                format!("({} {operator} {})", self.of(&number, depth), self.of(&number, depth))
            }
            ("bool", 3) => format!("({} in {})", self.of("text", depth), self.of("list", depth)),
            ("bool", 4) => {
                let method = self.pick(&["contains", "startsWith", "endsWith", "matches"]);
                format!("{}.{method}({})", self.of("text", depth), self.of("text", depth))
            }
            ("bool", _) => {
                let over = self.pick(&["exists", "all", "exists_one"]);
                format!("!{}.{over}(x, {})", self.of("list", depth), self.of("bool", depth))
            }
            ("int", 1) => format!("size({})", self.of(if number == "int" { "list" } else { "map" }, depth)),
            ("int" | "double", 1..=3) => {
                let operator = self.pick(&["+", "-", "*", "/", "%", "+", "-", "*", "/"]);
                format!("({} {operator} {})", self.of(&wanted, depth), self.of(&wanted, depth))
            }
            ("int", _) => format!("-{}", self.of("int", depth)),
            ("double", 4) => format!("{}({})", self.pick(&["abs", "double", "-"]), self.of(&number, depth)),
            ("double", _) => format!(
                "{}({}, {})",
                self.pick(&["min", "max"]),
                self.of("double", depth),
                self.of("double", depth)
            ),
            ("text", 1) => format!("{}[{}]", self.of("list", depth), self.of("int", depth)),
            ("text", _) => format!("({} + {})", self.of("text", depth), self.of("text", depth)),
            ("list", 1) => format!("[{}, {}]", self.of("text", depth), self.of("text", depth)),
            ("list", 2) => format!("{}.filter(x, {})", self.of("list", depth), self.of("bool", depth)),
            ("list", 3) => format!("{}.map(x, {})", self.of("list", depth), self.of(&kind, depth)),
            ("list", _) => format!("({} + {})", self.of("list", depth), self.of("list", depth)),
            _ => self.leaf(&wanted),
        }
    }

    fn leaf(&mut self, wanted: &str) -> String {
        match wanted {
            "bool" => self.pick(&["true", "false", "has(index_usd.ETH)", "'BTC' in quote_age_seconds"]),
            "int" => self.pick(&["0", "1", "-3", "9223372036854775807", "unvalued", "open_orders"]),
            "double" => self.pick(&[
                "0.0",
                "2.5",
                "-1e300",
                "value_usd",
                "turnover_usd",
                "index_usd.BTC",
                "index_usd[account]",
            ]),
            "text" => self.pick(&["'BTC'", "account", "state", "underlying", "x"]),
            "list" => self.pick(&["[]", "stale", "links_down", "['BTC']", "[1.0]"]),
            _ => self.pick(&["index_usd", "quote_age_seconds"]),
        }
    }
}

#[test]
fn what_is_let_through_can_be_evaluated() {
    let left_to_run_time =
        ["in the map", "divided by zero", "over 64 bits", "the list is shorter", "not a number"];
    let (mut draw, mut sound, mut errors) = (Draw(7), BTreeSet::new(), BTreeSet::new());
    for _ in 0..20_000 {
        let text = draw.of("bool", 5);
        if let Ok(expression) = Expression::compile(&text, &EACH) {
            if let Err(why) = expression.evaluate(seen) {
                let known = left_to_run_time.iter().find(|of| why.contains(**of));
                errors.insert(*known.unwrap_or_else(|| panic!("{text}: {why}")));
            }
            sound.insert(text);
        }
    }
    assert!(sound.len() > 3_000, "{} of 20,000 were sound and different", sound.len());
    assert_eq!(errors.len(), left_to_run_time.len(), "{errors:?}");
    for form in ["%", " ? ", "filter", "map(", "exists_one", "abs", "min", "startsWith", "[1.0]", "x + "] {
        assert!(sound.iter().any(|text| text.contains(form)), "{form} was never sound");
    }
}

#[test]
fn no_text_panics_and_every_mistake_is_in_it() {
    let token = select(vec![
        "value_usd",
        "stale",
        "x",
        "1",
        "2.5e3",
        "'",
        "\"a\"",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ".",
        ",",
        "?",
        ":",
        "&&",
        "||",
        "!",
        "-",
        "+",
        "<",
        "==",
        "in",
        "exists",
        "has",
        "//",
        "\n",
        " ",
        "\\",
        "r'",
        "'''",
        "0x",
        "1u",
        "b'x'",
        "`",
        "@",
        "\t",
        "é",
        "\0",
    ]);
    let soup = prop_oneof![
        proptest::collection::vec(token, 0..30).prop_map(|tokens| tokens.concat()),
        proptest::collection::vec(any::<char>(), 0..40).prop_map(|all| all.into_iter().collect()),
        Just("(".repeat(4096)),
    ];
    let mut runner = TestRunner::new(Config { cases: 4_000, failure_persistence: None, ..Config::default() });
    let checked = runner.run(&soup, |text| {
        for mistake in Expression::compile(&text, &EACH).err().unwrap_or_default() {
            assert!(
                mistake.line >= 1 && mistake.line <= text.lines().count().max(1),
                "{text:?}: {mistake:?}"
            );
            assert!(mistake.column >= 1 && !mistake.rule.is_empty(), "{text:?}: {mistake:?}");
        }
        Ok(())
    });
    checked.unwrap();
}
