//! Feeds as flat tables.

use crate::cli::FeedsTableName;
use crate::feeds_command::{Feed, FeedsDocument};
use crate::output::TableNames;
use crate::render::flat::{Body, columns, text};
use lake::{Cell, ColumnKind, Table};

impl TableNames for FeedsTableName {
    fn stem(self) -> &'static str {
        match self {
            Self::Feeds => "feeds",
            Self::Unreadable => "unreadable",
        }
    }
}

/// One table of the result.
pub(crate) fn table(document: &FeedsDocument, name: FeedsTableName) -> Table {
    let (columns, rows) = match name {
        FeedsTableName::Feeds => feeds(document),
        FeedsTableName::Unreadable => unreadable(document),
    };
    Table { name: name.stem(), columns, rows }
}

fn feeds(document: &FeedsDocument) -> Body {
    use ColumnKind::{Float, Integer, Text};
    let columns = columns(&[
        ("file", Text),
        ("feed", Text),
        ("main_figure", Text),
        ("rows", Integer),
        ("streams", Integer),
        ("first", Text),
        ("last", Text),
        ("cadence_millis", Integer),
        ("gaps", Integer),
        ("longest_gap_millis", Integer),
        ("longest_gap_row", Integer),
        ("duplicates", Integer),
        ("conflicts", Integer),
        ("out_of_order", Integer),
        ("crossed", Integer),
        ("one_sided", Integer),
        ("missing", Integer),
        ("not_a_price", Integer),
        ("frozen_runs", Integer),
        ("outliers", Integer),
        ("spikes", Integer),
        ("worst_stream", Text),
        ("worst_row", Integer),
        ("worst_from", Float),
        ("worst_to", Float),
        ("worst_deviations", Float),
        ("latency_median_micros", Integer),
        ("latency_p99_micros", Integer),
        ("negative_latencies", Integer),
    ]);
    (columns, document.feeds.iter().map(row).collect())
}

fn row(feed: &Feed) -> Vec<Cell> {
    let report = &feed.report;
    let longest = report.gaps.longest.as_ref();
    let worst = report.outliers.worst.as_ref();
    let latency = report.latency.as_ref();
    let time = |time: Option<units::Timestamp>| time.map_or(Cell::Null, text);
    let mut row = vec![text(&feed.file), text(&feed.name), text(feed.main_figure)];
    row.extend([count(report.rows), count(report.streams), time(report.first), time(report.last)]);
    row.extend([integer(report.cadence_millis), count(report.gaps.count)]);
    row.extend([
        integer(longest.map(|gap| gap.millis)),
        longest.map_or(Cell::Null, |gap| count(gap.place.row)),
    ]);
    let seen = [
        &report.duplicates,
        &report.conflicts,
        &report.out_of_order,
        &report.crossed,
        &report.one_sided,
        &report.missing,
        &report.not_a_price,
    ];
    row.extend(seen.map(|seen| count(seen.count)));
    row.extend([report.frozen.runs, report.outliers.count, report.outliers.spikes].map(count));
    row.push(worst.map_or(Cell::Null, |worst| text(&worst.place.stream)));
    row.push(worst.map_or(Cell::Null, |worst| count(worst.place.row)));
    let figures = worst.map(|worst| [worst.from, worst.to, worst.deviations]);
    row.extend(figures.map_or([const { Cell::Null }; 3], |figures| figures.map(Cell::Float)));
    row.extend([
        integer(latency.and_then(|latency| latency.median_micros)),
        integer(latency.and_then(|latency| latency.p99_micros)),
        latency.map_or(Cell::Null, |latency| count(latency.negative)),
    ]);
    row
}

fn unreadable(document: &FeedsDocument) -> Body {
    use ColumnKind::{Integer, Text};
    let columns =
        columns(&[("file", Text), ("row", Integer), ("field", Text), ("value", Text), ("rule", Text)]);
    let rows = document.issues.kept().iter().map(|issue| {
        vec![text(&issue.file), count(issue.row), text(&issue.field), text(&issue.value), text(&issue.rule)]
    });
    (columns, rows.collect())
}

fn count(value: u64) -> Cell {
    i64::try_from(value).map_or(Cell::Null, Cell::Integer)
}

fn integer(value: Option<i64>) -> Cell {
    value.map_or(Cell::Null, Cell::Integer)
}
