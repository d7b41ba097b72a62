//! The keys of a table, taken one by one: what is missing, of the wrong type, out of range or unknown becomes an issue.

use toml::{Table, Value};
use units::{Issue, Issues};

/// An issue of the channel at a place, counted from 1; 0 is the file.
pub(super) fn issue(file: &str, (row, field): (u64, &str), value: &str, rule: &str) -> Issue {
    Issue { file: file.into(), row, field: field.into(), value: value.into(), rule: rule.into() }
}

/// A table that is being read.
pub(super) struct Fields<'a> {
    pub(super) file: &'a str,
    /// Which channel, from 1.
    pub(super) row: u64,
    /// The key of the table itself, for messages: empty, or `webhook.`.
    pub(super) prefix: &'a str,
    pub(super) table: Table,
    pub(super) issues: &'a mut Issues,
}

impl Fields<'_> {
    /// A mistake; the value is shown, so it must be none that is hidden.
    pub(super) fn fault(&mut self, key: &str, value: &str, rule: &str) {
        let field = format!("{}{key}", self.prefix);
        self.issues.push(issue(self.file, (self.row, &field), value, rule));
    }

    /// True when the key is written.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Text; none when it is not there, or is none. Its value is in no message.
    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        match self.table.remove(key)? {
            Value::String(text) => Some(text),
            other => {
                self.fault(key, "", &format!("is {}: write text in quotes", article(&other)));
                None
            }
        }
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(
        &mut self,
        key: &str,
        all: &[T],
        spelled: impl Fn(T) -> &'static str,
    ) -> Option<T> {
        let text = self.text(key)?;
        let found = all.iter().copied().find(|one| spelled(*one) == text);
        if found.is_none() {
            let words: Vec<&str> = all.iter().map(|one| spelled(*one)).collect();
            self.fault(key, &text, &format!("is none of {}", words.join(", ")));
        }
        found
    }

    /// A list of texts; none when it is not there. Values are in no message.
    pub(super) fn texts(&mut self, key: &str) -> Option<Vec<String>> {
        let rule = "a list of texts, such as [\"one\", \"two\"]";
        let Value::Array(list) = self.table.remove(key)? else {
            self.fault(key, "", rule);
            return None;
        };
        let texts: Vec<String> = list.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect();
        if texts.len() < list.len() || texts.is_empty() {
            self.fault(key, "", if list.is_empty() { "names nothing: leave it out for all" } else { rule });
            return None;
        }
        Some(texts)
    }

    /// A whole number of a range, or its default.
    pub(super) fn number(&mut self, key: &str, (least, most): (u32, u32), default: u32) -> u32 {
        let Some(value) = self.table.remove(key) else { return default };
        let number = value.as_integer().and_then(|n| u32::try_from(n).ok());
        number.filter(|n| (least..=most).contains(n)).unwrap_or_else(|| {
            let shown = value.as_integer().map_or(String::new(), |n| n.to_string());
            self.fault(key, &shown, &format!("a whole number from {least} to {most}"));
            default
        })
    }

    /// A table inside it.
    pub(super) fn table(&mut self, key: &str, such_as: &str) -> Option<Table> {
        match self.table.remove(key)? {
            Value::Table(table) => Some(table),
            other => {
                self.fault(key, "", &format!("is {}: write {such_as}", article(&other)));
                None
            }
        }
    }

    /// Keys that nobody asked for.
    pub(super) fn end(mut self, known: &str) {
        for (key, _) in std::mem::take(&mut self.table) {
            self.fault(&key, "", &format!("is no key here: known are {known}"));
        }
    }
}

fn article(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "text",
        Value::Integer(_) | Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a time",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}
