//! Every row of a recorded feed in file order, for whoever judges the feed itself: nothing is sorted, grouped or dropped.
//!
//! Market files keep their layouts. Beside them there are series: CSV or Parquet with `ts` (Unix seconds) and one of the columns of
//! [`SERIES`]; other columns, such as open, high and low, are not used.

use crate::LakeError;
use crate::layout::{self, Spec};
use crate::record::{Refusal, Row, Value};
use crate::rows::{Ask, Rows, Watch};
use crate::source::{self, Progress};
use market::{Layout, RawQuote};
use std::ops::ControlFlow;
use std::path::Path;
use units::{Issues, Timestamp};

/// The main column of a series, the first that a file has: price of a candle, vol index, funding rate, plain price or value.
const SERIES: [&str; 5] = ["close", "iv", "funding_rate", "price", "value"];
const TIME: &str = "ts";
const SECONDS: &str = "not an instant; `ts` is in whole Unix seconds, such as 1577836800";
/// Seconds of the years 1973 to 2262: below are counters, above are milliseconds.
const LEAST_SECONDS: i64 = 100_000_000;
const NANOS: i64 = 1_000_000_000;

/// What kind of feed a file records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedLayout {
    /// A market file.
    Market(Layout),
    /// A series, by its main column.
    Series(&'static str),
}

/// One row of a feed.
#[derive(Debug, Clone, PartialEq)]
pub enum FeedRow {
    /// Of a market file.
    Quote(Box<RawQuote>),
    /// Of a series.
    Point(SeriesPoint),
}

/// One point of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SeriesPoint {
    /// Row of data, from 1.
    pub row: u64,
    /// When it holds.
    pub time: Timestamp,
    /// The main column; absent in an empty cell.
    pub value: Option<f64>,
}

/// What was read.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedRead {
    /// Which kind of file it is.
    pub layout: FeedLayout,
    /// Rows of data, those with bad cells among them.
    pub rows: u64,
    /// Cells that are not of their column's type; their rows are not handed over.
    pub issues: Issues,
}

/// Hands over every readable row in file order. Memory is bounded by one row, or one block of Parquet.
///
/// # Errors
/// [`LakeError`]: the file cannot be read, fits no layout or has no rows.
pub fn for_each_row(
    path: &Path,
    visit: &mut dyn FnMut(FeedLayout, FeedRow),
    progress: &mut dyn FnMut(Progress),
) -> Result<FeedRead, LakeError> {
    let file = source::name(path);
    let rows = Rows::open(path)?;
    let kind = Kind::detect(&file, rows.header())?;
    let layout = kind.layout();
    let names = kind.names();
    let ask = Ask { names: &names, lists: &[("result", crate::record::Section::Table)] };
    let mut issues = Issues::default();
    let mut step = |row: &Row<'_>| {
        match kind.read(&file, row, &mut issues) {
            Ok(Some(read)) => visit(layout, read),
            Ok(None) => {}
            Err((field, refusal)) => issues.push(refusal.at(&file, row.number, field)),
        }
        ControlFlow::Continue(())
    };
    let finished = rows.for_each(&ask, &mut Watch { progress, visit: &mut step })?;
    if finished.rows == 0 {
        return Err(LakeError::NoRows { file });
    }
    if issues.rows() == finished.rows {
        return Err(LakeError::NoUsableRows { file, issues });
    }
    Ok(FeedRead { layout, rows: finished.rows, issues })
}

/// How the rows of a file are read.
enum Kind {
    Market(&'static Spec),
    Series(&'static str),
}

impl Kind {
    fn detect(file: &str, header: Option<&[String]>) -> Result<Self, LakeError> {
        let Some(columns) = header.filter(|columns| columns.iter().any(|name| name == TIME)) else {
            return layout::detect(file, header).map(Self::Market);
        };
        let main = SERIES.into_iter().find(|main| columns.iter().any(|name| name == main));
        main.map(Self::Series).ok_or_else(|| LakeError::Columns {
            file: file.to_owned(),
            missing: vec![SERIES[0].to_owned()],
            rule: format!("a series has `ts` in Unix seconds and one of the columns {}", SERIES.join(", ")),
        })
    }

    const fn layout(&self) -> FeedLayout {
        match self {
            Self::Market(spec) => FeedLayout::Market(spec.layout),
            Self::Series(main) => FeedLayout::Series(main),
        }
    }

    fn names(&self) -> Vec<&'static str> {
        match self {
            Self::Market(spec) => spec.names(),
            Self::Series(main) => vec![TIME, main],
        }
    }

    fn read(
        &self,
        file: &str,
        row: &Row<'_>,
        issues: &mut Issues,
    ) -> Result<Option<FeedRow>, (&'static str, Refusal)> {
        if let crate::record::Body::Broken(refusal) = &row.body {
            return Err(("", refusal.clone()));
        }
        let first = *self.names().first().unwrap_or(&TIME);
        let none = || (first, Refusal::new("", "a row tells the time at which it was taken"));
        match self {
            Self::Market(spec) => {
                let time = row.value(0).instant().map_err(|refusal| (first, refusal))?.ok_or_else(none)?;
                Ok(spec.quote(file, row, time, issues).map(|quote| FeedRow::Quote(Box::new(quote))))
            }
            Self::Series(main) => {
                let time = seconds(row.value(0)).map_err(|refusal| (first, refusal))?.ok_or_else(none)?;
                let value = row.value(1).number().map_err(|refusal| (*main, refusal))?;
                Ok(Some(FeedRow::Point(SeriesPoint { row: row.number, time, value })))
            }
        }
    }
}

/// Whole Unix seconds, as a number or as text.
fn seconds(value: Value<'_>) -> Result<Option<Timestamp>, Refusal> {
    let seconds = match value {
        Value::Empty => return Ok(None),
        Value::Integer(seconds) => i64::try_from(seconds).ok(),
        Value::Text(text) if text.trim().is_empty() => return Ok(None),
        Value::Text(text) => text.trim().parse().ok(),
        _ => None,
    };
    let nanos = seconds.filter(|seconds| *seconds >= LEAST_SECONDS).and_then(|s| s.checked_mul(NANOS));
    let time = nanos.map(Timestamp::from_unix_nanos);
    time.map(Some).ok_or_else(|| {
        let shown = value.text().ok().flatten().unwrap_or_default().into_owned();
        Refusal::new(shown, SECONDS)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_whole_and_of_this_age() {
        let at = |text| seconds(Value::Text(text)).map(|time| time.map(Timestamp::unix_nanos));
        assert_eq!(at("1577836800"), Ok(Some(1_577_836_800 * NANOS)));
        assert_eq!(seconds(Value::Integer(1_577_836_800)), seconds(Value::Text(" 1577836800 ")));
        assert_eq!(at(""), Ok(None));
        for bad in ["1577836800.5", "1577836800000", "17", "-1577836800", "2020-01-01", "9223372036854775807"]
        {
            assert_eq!(at(bad), Err(Refusal::new(bad, SECONDS)), "{bad}");
        }
    }

    #[test]
    fn a_series_is_found_by_its_time_and_takes_the_first_main_column() {
        let header = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let found = |names: &[&str]| Kind::detect("f", Some(&header(names))).map(|kind| kind.layout());
        assert_eq!(found(&["value", "ts", "close"]).unwrap(), FeedLayout::Series("close"));
        assert_eq!(found(&["ts", "funding_rate"]).unwrap(), FeedLayout::Series("funding_rate"));
        assert!(found(&["ts", "volume"]).is_err());
        assert!(found(&["close"]).unwrap_err().to_string().contains("closest layout"));
        assert_eq!(Kind::detect("f", None).unwrap().layout(), FeedLayout::Market(Layout::BookSummary));
    }
}
