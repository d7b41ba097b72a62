//! Reading of TOML tables key by key, so that all mistakes are found at once: unknown keys, missing ones, wrong types, values out of
//! their range. Each mistake names file, field, value and rule. A reader that meets a mistake goes on with a stand-in; the caller looks at
//! the issues before it uses anything.

use hedge::policy::{Policy, PolicySpec};
use std::ops::RangeInclusive;
use toml::{Table, Value};
use units::{Issue, Issues, Timestamp};

/// One table of a file. What is not taken from it is an unknown key.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    file: &'a str,
    /// In front of each key: empty, or `strategy 2: `.
    at: String,
    table: Table,
    known: Vec<&'static str>,
}

/// Whether a key may be absent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Need<T> {
    /// It may not.
    Required,
    /// Then this stands in.
    Or(T),
}

impl<'a> Fields<'a> {
    pub(super) const fn new(file: &'a str, at: String, table: Table) -> Self {
        Self { file, at, table, known: Vec::new() }
    }

    pub(super) fn issue(&self, issues: &mut Issues, key: &str, (value, rule): (&str, &str)) {
        issues.push(Issue {
            file: self.file.into(),
            row: 0,
            field: format!("{}{key}", self.at),
            value: value.into(),
            rule: rule.into(),
        });
    }

    fn take(&mut self, key: &'static str) -> Option<Value> {
        self.known.push(key);
        self.table.remove(key)
    }

    fn value<T: Clone>(
        &mut self,
        (key, need): (&'static str, Need<T>),
        rule: &str,
        read: impl Fn(&Value) -> Option<T>,
        issues: &mut Issues,
    ) -> Option<T> {
        match (self.take(key), need) {
            (Some(value), _) => {
                let found = read(&value);
                if found.is_none() {
                    self.issue(issues, key, (&shown(&value), rule));
                }
                found
            }
            (None, Need::Or(value)) => Some(value),
            (None, Need::Required) => {
                self.issue(issues, key, ("", &format!("is missing: {rule}")));
                None
            }
        }
    }

    /// Text that is not blank.
    pub(super) fn text(
        &mut self,
        key: &'static str,
        (need, rule): (Need<String>, &str),
        issues: &mut Issues,
    ) -> String {
        let read = |value: &Value| value.as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned);
        self.value((key, need), rule, read, issues).unwrap_or_default()
    }

    /// A number in a range.
    pub(super) fn number(
        &mut self,
        (key, need): (&'static str, Need<f64>),
        range: RangeInclusive<f64>,
        rule: &str,
        issues: &mut Issues,
    ) -> f64 {
        #[allow(clippy::cast_precision_loss)] // a whole number where a number may stand
        let plain = |value: &Value| value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64));
        let read = |value: &Value| plain(value).filter(|number| range.contains(number));
        self.value((key, need), rule, read, issues).unwrap_or(*range.start())
    }

    /// A whole number in a range.
    pub(super) fn whole(
        &mut self,
        (key, need): (&'static str, Need<u64>),
        range: RangeInclusive<u64>,
        rule: &str,
        issues: &mut Issues,
    ) -> u64 {
        let plain = |value: &Value| value.as_integer().and_then(|whole| u64::try_from(whole).ok());
        let read = |value: &Value| plain(value).filter(|whole| range.contains(whole));
        self.value((key, need), rule, read, issues).unwrap_or(*range.start())
    }

    /// One of some words.
    pub(super) fn word<T: Copy>(
        &mut self,
        (key, need): (&'static str, Need<T>),
        words: &[(&str, T)],
        issues: &mut Issues,
    ) -> Option<T> {
        let list: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let read = |value: &Value| {
            let text = value.as_str()?;
            words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning)
        };
        self.value((key, need), &format!("one of {}", list.join(", ")), read, issues)
    }

    /// A policy of a delta hedge, as `hedge::policy` has them in files; absent hedges nothing.
    pub(super) fn policy(&mut self, key: &'static str, issues: &mut Issues) -> Option<Policy> {
        let value = self.take(key)?;
        let text = shown(&value);
        match value.try_into::<PolicySpec>() {
            Err(error) => self.issue(issues, key, (&text, error.to_string().trim())),
            Ok(spec) => match spec.checked() {
                Ok(policy) => return Some(policy),
                Err(error) => {
                    self.issue(issues, &format!("{key}.{}", error.field), (&error.value, error.rule));
                }
            },
        }
        None
    }

    /// An instant; absent is open.
    pub(super) fn instant(&mut self, key: &'static str, issues: &mut Issues) -> Option<Timestamp> {
        let read = |value: &Value| {
            let text = value
                .as_str()
                .map_or_else(|| value.as_datetime().map(ToString::to_string), |text| Some(text.to_owned()));
            text?.parse::<Timestamp>().ok().map(Some)
        };
        let rule = "an instant such as \"2026-04-08T08:00:00Z\", or a UTC date";
        self.value((key, Need::Or(None)), rule, read, issues).flatten()
    }

    /// Names; absent is none.
    pub(super) fn texts(&mut self, key: &'static str, rule: &str, issues: &mut Issues) -> Vec<String> {
        let read = |value: &Value| {
            value
                .as_array()?
                .iter()
                .map(|text| text.as_str().map(str::to_owned))
                .collect::<Option<Vec<String>>>()
        };
        self.value((key, Need::Or(Vec::new())), rule, read, issues).unwrap_or_default()
    }

    /// A table inside; absent is an empty one.
    pub(super) fn table(&mut self, key: &'static str, issues: &mut Issues) -> Self {
        let rule = format!("a table: [{key}]");
        let read = |value: &Value| value.as_table().cloned();
        let table = self.value((key, Need::Or(Table::new())), &rule, read, issues).unwrap_or_default();
        Self::new(self.file, format!("{}{key}.", self.at), table)
    }

    /// Tables of a list, counted from 1; absent is none.
    pub(super) fn tables(&mut self, key: &'static str, issues: &mut Issues) -> Vec<Self> {
        let rule = format!("a list of tables: [[{key}]]");
        let read = |value: &Value| {
            value.as_array()?.iter().map(|table| table.as_table().cloned()).collect::<Option<Vec<Table>>>()
        };
        let tables = self.value((key, Need::Or(Vec::new())), &rule, read, issues).unwrap_or_default();
        let numbered = tables.into_iter().zip(1_usize..);
        numbered
            .map(|(table, number)| Self::new(self.file, format!("{}{key} {number}: ", self.at), table))
            .collect()
    }

    /// Whether a key is there and not yet taken.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Everything that nobody took is an unknown key.
    pub(super) fn finish(self, issues: &mut Issues) {
        for (key, value) in &self.table {
            let rule = format!("unknown key; known here: {}", self.known.join(", "));
            self.issue(issues, key, (&shown(value), &rule));
        }
    }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
