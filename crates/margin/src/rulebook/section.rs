//! Reads a parameter file section by section and collects every mistake: unknown keys, missing keys, wrong types, numbers
//! outside their range. serde stops at the first mistake, which is why this exists.
//!
//! A key that nobody asked for is a mistake; that is checked when a [`Section`] is dropped, so it cannot be forgotten.
//! After a mistake a reader gets a harmless stand-in; the file as a whole is refused at the end ([`Mistakes::into_issues`]).

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use toml::{Table, Value};
use units::{Asset, Issue, Issues};

/// All mistakes of one file.
#[derive(Debug)]
pub(crate) struct Mistakes {
    file: String,
    issues: RefCell<Issues>,
}

/// A range for a number.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bound {
    /// Any finite number.
    Finite,
    /// Zero or more.
    NotNegative,
    /// More than zero.
    Positive,
    /// From 0 to 1: haircuts, weights, ratios.
    Fraction,
    /// Above -1: a relative move of a price.
    Return,
    /// From the first to the second.
    Within(f64, f64),
}

impl Bound {
    fn holds(self, value: f64) -> bool {
        value.is_finite()
            && match self {
                Self::Finite => true,
                Self::NotNegative => value >= 0.0,
                Self::Positive => value > 0.0,
                Self::Fraction => (0.0..=1.0).contains(&value),
                Self::Return => value > -1.0,
                Self::Within(low, high) => value >= low && value <= high,
            }
    }

    fn rule(self) -> String {
        match self {
            Self::Finite => "a finite number".into(),
            Self::NotNegative => "a number of zero or more".into(),
            Self::Positive => "a number greater than zero".into(),
            Self::Fraction => "a fraction from 0 to 1 (0.05 is 5 %)".into(),
            Self::Return => "a relative move above -1 (-0.2 is -20 %)".into(),
            Self::Within(low, high) => format!("a number from {low} to {high}"),
        }
    }
}

impl Mistakes {
    pub(crate) fn new(file: &str) -> Self {
        Self { file: file.to_owned(), issues: RefCell::default() }
    }

    pub(crate) fn add(&self, key: &str, value: &str, rule: &str) {
        self.issues.borrow_mut().push(Issue {
            file: self.file.clone(),
            row: 0,
            field: key.to_owned(),
            value: value.to_owned(),
            rule: rule.to_owned(),
        });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.issues.borrow().is_empty()
    }

    pub(crate) fn into_issues(self) -> Issues {
        self.issues.into_inner()
    }
}

/// One table of the file.
#[derive(Debug)]
pub(crate) struct Section<'a> {
    path: String,
    table: &'a Table,
    used: RefCell<BTreeSet<String>>,
    mistakes: &'a Mistakes,
}

impl<'a> Section<'a> {
    /// The whole file.
    pub(crate) fn root(table: &'a Table, mistakes: &'a Mistakes) -> Self {
        Self::new(String::new(), table, mistakes)
    }

    fn new(path: String, table: &'a Table, mistakes: &'a Mistakes) -> Self {
        Self { path, table, used: RefCell::default(), mistakes }
    }

    /// The key with its section, as a mistake names it.
    pub(crate) fn key(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Reports a mistake at a key, for rules between several keys.
    pub(crate) fn mistake(&self, key: &str, rule: &str) {
        let value = self.table.get(key).map(ToString::to_string).unwrap_or_default();
        self.mistakes.add(&self.key(key), &value, rule);
    }

    /// Mistakes of the whole file so far: whoever reads several keys knows whether one of them was at fault.
    pub(crate) fn mistakes_so_far(&self) -> u64 {
        self.mistakes.issues.borrow().total()
    }

    /// True when the key is there.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Takes the other keys as read: after a mistake in the word that says which keys there are, each would be called unknown.
    pub(crate) fn leave_rest(&self) {
        self.used.borrow_mut().extend(self.table.keys().cloned());
    }

    /// True when the key is there as text, for keys that take a word or something else.
    pub(crate) fn is_text(&self, key: &str) -> bool {
        self.table.get(key).is_some_and(Value::is_str)
    }

    fn take(&self, key: &str) -> Option<&'a Value> {
        self.used.borrow_mut().insert(key.to_owned());
        self.table.get(key)
    }

    fn required(&self, key: &str, what: &str) -> Option<&'a Value> {
        let value = self.take(key);
        if value.is_none() {
            self.mistakes.add(&self.key(key), "", &format!("is missing: add {what}"));
        }
        value
    }

    fn checked(&self, key: &str, value: &Value, bound: Bound) -> Option<f64> {
        let within = as_number(value).filter(|n| bound.holds(*n));
        if within.is_none() {
            self.mistakes.add(&self.key(key), &value.to_string(), &format!("must be {}", bound.rule()));
        }
        within
    }

    /// A number that must be there.
    pub(crate) fn number(&self, key: &str, bound: Bound) -> f64 {
        self.required(key, &bound.rule()).and_then(|v| self.checked(key, v, bound)).unwrap_or(0.0)
    }

    /// `initial` and `maintenance`, the first at least the second. A number at fault has one mistake, not also this one.
    pub(crate) fn levels(&self, bound: Bound, rule: &str) -> (f64, f64) {
        let (initial, maintenance) = (self.number("initial", bound), self.number("maintenance", bound));
        let sound = |key: &str| self.table.get(key).and_then(as_number).is_some_and(|n| bound.holds(n));
        if initial < maintenance && sound("initial") && sound("maintenance") {
            self.mistake("initial", rule);
        }
        (initial, maintenance)
    }

    /// A number that may be absent.
    pub(crate) fn optional_number(&self, key: &str, bound: Bound) -> Option<f64> {
        self.take(key).and_then(|v| self.checked(key, v, bound))
    }

    /// A number with a value for when it is absent; only for values that change nothing (0 of a charge, 1 of a factor).
    pub(crate) fn number_or(&self, key: &str, bound: Bound, neutral: f64) -> f64 {
        self.optional_number(key, bound).unwrap_or(neutral)
    }

    /// A whole number that must be there.
    pub(crate) fn integer(&self, key: &str) -> i64 {
        match self.required(key, "a whole number") {
            Some(Value::Integer(number)) => *number,
            Some(other) => {
                self.mistakes.add(&self.key(key), &other.to_string(), "must be a whole number");
                0
            }
            None => 0,
        }
    }

    /// Text that must be there and not be empty.
    pub(crate) fn text(&self, key: &str) -> String {
        let text = match self.required(key, "a text in quotes") {
            Some(Value::String(text)) => text.clone(),
            Some(other) => {
                self.mistakes.add(&self.key(key), &other.to_string(), "must be a text in quotes");
                return String::new();
            }
            None => return String::new(),
        };
        if text.trim().is_empty() {
            self.mistakes.add(&self.key(key), &text, "must not be empty");
        }
        text
    }

    /// One of the words given; the first stands in after a mistake.
    pub(crate) fn word<T: Copy>(&self, key: &str, words: &[(&str, T)]) -> Option<T> {
        let list = || words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
        let value = self.required(key, &format!("one of: {}", list()))?;
        let found = value.as_str().and_then(|text| words.iter().find(|(word, _)| *word == text));
        if found.is_none() {
            self.mistakes.add(&self.key(key), &value.to_string(), &format!("must be one of: {}", list()));
        }
        found.map(|(_, meaning)| *meaning)
    }

    /// True, false, or the neutral value when absent.
    pub(crate) fn flag_or(&self, key: &str, neutral: bool) -> bool {
        match self.take(key) {
            None => neutral,
            Some(Value::Boolean(flag)) => *flag,
            Some(other) => {
                self.mistakes.add(&self.key(key), &other.to_string(), "must be true or false");
                neutral
            }
        }
    }

    /// A list of texts; empty when absent.
    pub(crate) fn texts(&self, key: &str) -> Vec<String> {
        let Some(value) = self.take(key) else { return Vec::new() };
        let texts = value.as_array().and_then(|list| {
            list.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
        });
        if texts.is_none() {
            self.mistakes.add(&self.key(key), &value.to_string(), "must be a list of texts in quotes");
        }
        texts.unwrap_or_default()
    }

    /// A list of numbers that must be there.
    pub(crate) fn numbers(&self, key: &str, bound: Bound) -> Vec<f64> {
        let Some(value) = self.required(key, "a list of numbers") else { return Vec::new() };
        let Some(list) = value.as_array() else {
            self.mistakes.add(&self.key(key), &value.to_string(), "must be a list of numbers");
            return Vec::new();
        };
        list.iter().filter_map(|item| self.checked(key, item, bound)).collect()
    }

    /// Numbers by asset, in a table of this name; empty when absent.
    pub(crate) fn by_asset(&self, key: &str, bound: Bound) -> BTreeMap<Asset, f64> {
        let Some(section) = self.optional_child(key) else { return BTreeMap::new() };
        let mut numbers = BTreeMap::new();
        for name in section.table.keys() {
            let number = section.number(name, bound);
            match asset_named(name) {
                Ok(asset) => {
                    numbers.insert(asset, number);
                }
                Err(error) => self.mistakes.add(&section.key(name), "", &error),
            }
        }
        numbers
    }

    /// One number for all assets, or a table of numbers by asset with a `default`; none when absent.
    pub(crate) fn number_or_by_asset(
        &self,
        key: &str,
        bound: Bound,
    ) -> Option<(Option<f64>, BTreeMap<Asset, f64>)> {
        if !matches!(self.table.get(key), Some(Value::Table(_))) {
            return self.optional_number(key, bound).map(|all| (Some(all), BTreeMap::new()));
        }
        let default = match self.table.get(key).and_then(|table| table.get("default")) {
            Some(value) => self.checked(&format!("{key}.default"), value, bound),
            None => None,
        };
        let mut of = BTreeMap::new();
        let section = self.optional_child(key)?;
        section.used.borrow_mut().insert("default".to_owned());
        for name in section.table.keys().filter(|name| *name != "default") {
            let number = section.number(name, bound);
            match asset_named(name) {
                Ok(asset) => {
                    of.insert(asset, number);
                }
                Err(error) => self.mistakes.add(&section.key(name), "", &error),
            }
        }
        Some((default, of))
    }

    /// A table that must be there; an empty one stands in.
    pub(crate) fn child(&self, key: &str) -> Option<Section<'a>> {
        if !self.has(key) {
            self.used.borrow_mut().insert(key.to_owned());
            self.mistakes.add(&self.key(key), "", &format!("is missing: add a section [{}]", self.key(key)));
            return None;
        }
        self.optional_child(key)
    }

    /// A table that may be absent.
    pub(crate) fn optional_child(&self, key: &str) -> Option<Section<'a>> {
        match self.take(key)? {
            Value::Table(table) => Some(Section::new(self.key(key), table, self.mistakes)),
            other => {
                self.mistakes.add(&self.key(key), &other.to_string(), "must be a section of its own");
                None
            }
        }
    }

    /// Tables by name inside a table of this name, in alphabetical order; empty when absent.
    pub(crate) fn named_children(&self, key: &str) -> Vec<(String, Section<'a>)> {
        let Some(section) = self.optional_child(key) else { return Vec::new() };
        let mut names: Vec<&String> = section.table.keys().collect();
        names.sort();
        names.into_iter().filter_map(|name| Some((name.clone(), section.optional_child(name)?))).collect()
    }

    /// A list of tables, `[[key]]`; empty when absent.
    pub(crate) fn children(&self, key: &str) -> Vec<Section<'a>> {
        let Some(value) = self.take(key) else { return Vec::new() };
        let tables =
            value.as_array().and_then(|list| list.iter().map(Value::as_table).collect::<Option<Vec<_>>>());
        let Some(tables) = tables else {
            self.mistakes.add(&self.key(key), &value.to_string(), "must be a list of sections [[...]]");
            return Vec::new();
        };
        let named = |i: usize| format!("{}[{}]", self.key(key), i + 1);
        tables.into_iter().enumerate().map(|(i, t)| Section::new(named(i), t, self.mistakes)).collect()
    }
}

/// An asset by the name that a parameter file gives it. Books and markets never have one with a space in it, so such a name
/// would match nothing.
pub(crate) fn asset_named(name: &str) -> Result<Asset, String> {
    if name.chars().any(char::is_whitespace) {
        return Err(format!("'{name}' has a space in it: the name of an asset has none"));
    }
    Asset::new(name).map_err(|error| error.to_string())
}

#[allow(clippy::cast_precision_loss)] // parameters are far below 2^53
fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Float(number) => Some(*number),
        Value::Integer(number) => Some(*number as f64),
        _ => None,
    }
}

impl Drop for Section<'_> {
    fn drop(&mut self) {
        let used = self.used.borrow();
        for key in self.table.keys().filter(|key| !used.contains(*key)) {
            let known: Vec<&str> = used.iter().map(String::as_str).collect();
            let rule = format!("is not a parameter of this section; there are: {}", known.join(", "));
            self.mistakes.add(&self.key(key), "", &rule);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes_of(text: &str, read: impl Fn(&Section<'_>)) -> Vec<String> {
        let table: Table = toml::from_str(text).unwrap();
        let mistakes = Mistakes::new("r.toml");
        read(&Section::root(&table, &mistakes));
        mistakes.into_issues().kept().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_mistake_is_found_in_one_reading() {
        let text = "a = -1\nb = \"x\"\nextra = 3\n[c]\nother = 1\n[[d]]\nx = 2.0\n";
        let found = mistakes_of(text, |s| {
            s.number("a", Bound::NotNegative);
            s.number("b", Bound::Finite);
            s.number("absent", Bound::Fraction);
            if let Some(c) = s.child("c") {
                c.number_or("known", Bound::Finite, 0.0);
            }
            for d in s.children("d") {
                d.number("x", Bound::Fraction);
            }
        });
        let named = ["a = '-1'", "b = '\"x\"'", "absent: is missing", "c.other", "d[1].x", "extra"];
        assert_eq!(found.len(), named.len(), "{found:?}");
        for (message, part) in found.iter().zip(named) {
            assert!(message.contains(part), "{message} should name {part}");
            assert!(message.starts_with("r.toml"), "{message}");
        }
    }
}
