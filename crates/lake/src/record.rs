//! One cell of any format, and what it can be read as.

use crate::csv_in::CsvRow;
use crate::json_in::JsonRow;
use crate::parquet_in::ParquetRow;
use std::borrow::Cow;
use units::{Issue, Timestamp};

/// A cell as its format holds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value<'a> {
    Empty,
    Text(&'a str),
    NotUtf8,
    Flag(bool),
    Integer(i128),
    Single(f32),
    Double(f64),
    Decimal {
        unscaled: i128,
        scale: i8,
    },
    Instant(Timestamp),
    /// A list or an object, by that word.
    Nested(&'static str),
}

/// A cell or row that cannot be read: what is there, and which rule it breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) value: String,
    pub(crate) rule: String,
}

impl Refusal {
    pub(crate) fn new(value: impl Into<String>, rule: &str) -> Self {
        Self { value: value.into(), rule: rule.to_owned() }
    }

    /// With its place in a file.
    pub(crate) fn at(self, file: &str, row: u64, field: &str) -> Issue {
        Issue { file: file.to_owned(), row, field: field.to_owned(), value: self.value, rule: self.rule }
    }
}

const NUMBER: &str =
    "not a number; write it with a point and without thousands separators, or leave the cell empty";
const INSTANT: &str = "not an instant; write 2026-02-05T15:51:32Z, a UTC date, or Unix milliseconds";
const TEXT: &str = "not text or a number";
const UTF8: &str = "not text in UTF-8; save the file as UTF-8";
/// Whole numbers below this are seconds or counters, not milliseconds of this century (as in `Timestamp`'s own parser).
const LEAST_MILLIS: i128 = 100_000_000_000;

impl<'a> Value<'a> {
    /// As a model number; text such as `NaN` or `inf` is a number here and refused where ranges are checked.
    pub(crate) fn number(self) -> Result<Option<f64>, Refusal> {
        #[allow(clippy::cast_precision_loss)] // the nearest f64 is what is asked for
        match self {
            Self::Empty => Ok(None),
            Self::Single(number) => Ok(Some(f64::from(number))),
            Self::Double(number) => Ok(Some(number)),
            Self::Integer(number) => Ok(Some(number as f64)),
            Self::Text(text) => match text.trim() {
                "" => Ok(None),
                trimmed => trimmed.parse().map(Some).map_err(|_| Refusal::new(text, NUMBER)),
            },
            Self::Decimal { unscaled, scale } => {
                let text = decimal_text(unscaled, scale);
                text.parse().map(Some).map_err(|_| Refusal::new(text, NUMBER))
            }
            Self::Flag(_) | Self::Instant(_) | Self::Nested(_) => Err(self.refused(NUMBER)),
            Self::NotUtf8 => Err(self.refused(UTF8)),
        }
    }

    /// As an instant: RFC 3339, a date, or milliseconds since 1970.
    pub(crate) fn instant(self) -> Result<Option<Timestamp>, Refusal> {
        match self {
            Self::Empty => Ok(None),
            Self::Instant(time) => Ok(Some(time)),
            Self::Text(text) if text.trim().is_empty() => Ok(None),
            Self::Text(text) => text.parse().map(Some).map_err(|_| Refusal::new(text, INSTANT)),
            Self::Integer(millis) => i64::try_from(millis)
                .ok()
                .filter(|_| millis >= LEAST_MILLIS)
                .and_then(|millis| Timestamp::from_unix_millis(millis).ok())
                .map_or_else(|| Err(self.refused(INSTANT)), |time| Ok(Some(time))),
            Self::NotUtf8 => Err(self.refused(UTF8)),
            _ => Err(self.refused(INSTANT)),
        }
    }

    /// As trimmed text; numbers in decimal digits, floats in the shortest text that reads back the same.
    pub(crate) fn text(self) -> Result<Option<Cow<'a, str>>, Refusal> {
        match self {
            Self::Empty => Ok(None),
            Self::Text(text) => Ok(Some(text.trim()).filter(|text| !text.is_empty()).map(Cow::Borrowed)),
            Self::Integer(number) => Ok(Some(Cow::Owned(number.to_string()))),
            Self::Single(number) => Ok(Some(Cow::Owned(number.to_string()))),
            Self::Double(number) => Ok(Some(Cow::Owned(number.to_string()))),
            Self::Decimal { unscaled, scale } => Ok(Some(Cow::Owned(decimal_text(unscaled, scale)))),
            Self::NotUtf8 => Err(self.refused(UTF8)),
            Self::Flag(_) | Self::Instant(_) | Self::Nested(_) => Err(self.refused(TEXT)),
        }
    }

    fn refused(self, rule: &str) -> Refusal {
        let value = match self {
            Self::Flag(flag) => flag.to_string(),
            Self::Instant(time) => time.to_string(),
            Self::Nested(word) => word.to_owned(),
            Self::Integer(number) => number.to_string(),
            Self::Single(number) => number.to_string(),
            Self::Double(number) => number.to_string(),
            Self::Decimal { unscaled, scale } => decimal_text(unscaled, scale),
            Self::Text(text) => text.to_owned(),
            Self::Empty | Self::NotUtf8 => String::new(),
        };
        Refusal::new(value, rule)
    }
}

/// `unscaled x 10^-scale` in plain digits.
fn decimal_text(unscaled: i128, scale: i8) -> String {
    let sign = if unscaled < 0 { "-" } else { "" };
    let digits = unscaled.unsigned_abs().to_string();
    let Ok(places) = usize::try_from(scale) else {
        return format!("{sign}{digits}{}", "0".repeat(usize::from(scale.unsigned_abs())));
    };
    if places == 0 {
        return format!("{sign}{digits}");
    }
    let padded = format!("{digits:0>width$}", width = places + 1);
    let (whole, rest) = padded.split_at(padded.len() - places);
    format!("{sign}{whole}.{rest}")
}

/// Which list of a JSON book a row stands in; rows are numbered within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// The file is one table.
    Table,
    /// `positions`.
    Positions,
    /// `balances`.
    Balances,
}

/// One row of any format.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    /// From 1, without the header.
    pub(crate) number: u64,
    pub(crate) section: Section,
    pub(crate) body: Body<'a>,
}

/// Where the cells of a row are.
#[derive(Debug)]
pub(crate) enum Body<'a> {
    Csv(CsvRow<'a>),
    Json(JsonRow<'a>),
    Parquet(ParquetRow<'a>),
    /// The row has no cells that could be told apart.
    Broken(Refusal),
}

impl Row<'_> {
    /// The cell of the `index`-th name that was asked for; empty when the file has no such column.
    pub(crate) fn value(&self, index: usize) -> Value<'_> {
        match &self.body {
            Body::Csv(row) => row.value(index),
            Body::Json(row) => row.value(index),
            Body::Parquet(row) => row.value(index),
            Body::Broken(_) => Value::Empty,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_cells_are_numbers_or_name_the_rule() {
        assert_eq!(Value::Text(" 0.2225 ").number(), Ok(Some(0.2225)));
        assert_eq!(Value::Text("").number(), Ok(None));
        assert!(Value::Text("NaN").number().unwrap().unwrap().is_nan());
        for bad in ["1,5", "0x10", "True", "n/a", "1_000", "--1"] {
            assert_eq!(Value::Text(bad).number(), Err(Refusal::new(bad, NUMBER)));
        }
        assert!(Value::Flag(true).number().is_err());
        assert!(Value::Nested("a list").number().is_err());
    }

    #[test]
    fn seconds_are_not_taken_for_milliseconds() {
        assert!(Value::Integer(1_613_068_625).instant().is_err());
        assert_eq!(
            Value::Integer(1_613_068_625_266).instant().unwrap(),
            Value::Text("1613068625266").instant().unwrap()
        );
    }

    #[test]
    fn decimals_print_every_digit() {
        for (unscaled, scale, text) in
            [(12_345, 2, "123.45"), (-5, 3, "-0.005"), (7, 0, "7"), (-7, -2, "-700")]
        {
            assert_eq!(decimal_text(unscaled, scale), text);
        }
    }

    proptest! {
        #[test]
        fn doubles_read_back_the_same_from_their_text(bits in any::<u64>()) {
            let number = f64::from_bits(bits);
            let text = Value::Double(number).text().unwrap().unwrap().into_owned();
            let back: f64 = text.parse().unwrap();
            prop_assert!(back.to_bits() == bits || number.is_nan() && back.is_nan());
        }
    }
}
