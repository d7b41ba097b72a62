//! Bad input as data: which file, which row, which field, which rule, and how many in all.

use std::fmt::{self, Write as _};

/// One thing wrong with one row of a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Issue {
    /// File as the user named it.
    pub file: String,
    /// Row of data, counted from 1 without the header; 0 means the file as a whole.
    pub row: u64,
    /// Column or key.
    pub field: String,
    /// The text found there, cut to 80 characters.
    pub value: String,
    /// The rule that it breaks and how to mend it.
    pub rule: String,
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if self.row > 0 {
            write!(f, " row {}", self.row)?;
        }
        if !self.field.is_empty() {
            write!(f, ", {}", self.field)?;
        }
        if !self.value.is_empty() {
            // One issue is one line, and a file must not send commands to the reader's terminal.
            f.write_str(" = '")?;
            for character in self.value.chars() {
                if character.is_control() {
                    write!(f, "{}", character.escape_default())?;
                } else {
                    f.write_char(character)?;
                }
            }
            f.write_str("'")?;
        }
        write!(f, ": {}", self.rule)
    }
}

/// All issues of a load. Every one is counted; the first [`Issues::KEPT`] are kept word for word, so that a huge broken
/// file cannot exhaust memory.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Issues {
    kept: Vec<Issue>,
    total: u64,
    rows: u64,
    /// File and row of the last issue: those of one row arrive together.
    #[serde(skip)]
    last: Option<(String, u64)>,
}

impl Issues {
    /// How many are kept word for word.
    pub const KEPT: usize = 1000;

    /// Counts one more.
    pub fn push(&mut self, mut issue: Issue) {
        self.total += 1;
        if self.last.as_ref().is_none_or(|(file, row)| *row != issue.row || *file != issue.file) {
            self.rows += 1;
            self.last = Some((issue.file.clone(), issue.row));
        }
        if self.kept.len() < Self::KEPT {
            if issue.value.chars().count() > 80 {
                issue.value = issue.value.chars().take(80).collect();
            }
            self.kept.push(issue);
        }
    }

    /// Takes over all of another list.
    pub fn extend(&mut self, other: Self) {
        let (total, rows) = (self.total + other.total, self.rows + other.rows);
        for issue in other.kept {
            self.push(issue);
        }
        (self.total, self.rows, self.last) = (total, rows, other.last.or_else(|| self.last.take()));
    }

    /// Those kept word for word, in order of arrival.
    #[must_use]
    pub fn kept(&self) -> &[Issue] {
        &self.kept
    }

    /// All of them, counted.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// Rows with at least one issue; a row may have several.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// True when nothing is wrong.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.total == 0
    }
}

impl fmt::Display for Issues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for issue in &self.kept {
            writeln!(f, "{issue}")?;
        }
        let elided = self.total - self.kept.len() as u64;
        if elided > 0 {
            writeln!(f, "and {elided} more of the same load, not listed")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issue_is_one_line_without_control_characters() {
        let issue = Issue {
            file: "b.csv".into(),
            row: 3,
            field: "account".into(),
            value: "d\u{1b}[31m\n'é".into(),
            rule: "r".into(),
        };
        assert_eq!(issue.to_string(), "b.csv row 3, account = 'd\\u{1b}[31m\\n'é': r");
    }

    #[test]
    fn every_issue_is_counted_even_when_it_is_not_kept() {
        let mut issues = Issues::default();
        let (mut half, mut rest) = (Issues::default(), Issues::default());
        for number in 0..1500u64 {
            let list = if number < 1200 { &mut half } else { &mut rest };
            list.push(Issue {
                file: "b.csv".into(),
                row: 1 + number / 2,
                field: "quantity".into(),
                value: "x".repeat(99),
                rule: "r".into(),
            });
        }
        issues.extend(half);
        issues.extend(rest);
        assert_eq!(issues.rows(), 1500 / 2, "two issues a row");
        assert_eq!((issues.total(), issues.kept().len()), (1500, Issues::KEPT));
        assert!(issues.to_string().ends_with("and 500 more of the same load, not listed\n"));
        assert_eq!(issues.kept()[0].value.len(), 80);
    }
}
