//! Feeds as text.

use super::{duration, remarks};
use crate::feeds_command::{Feed, FeedsDocument};
use crate::render::grid::{Style, grid_after, heading, inputs, left, line, right, show};
use comfy_table::{Cell, Color};

/// The whole result as text: for each file a table, then what stands out.
pub(crate) fn text(document: &FeedsDocument, style: Style) -> String {
    let mut out = String::new();
    if !document.issues.is_empty() {
        line(&mut out, &format!("PARTIAL: rows that cannot be read, left out: {}", document.issues.rows()));
    }
    line(&mut out, "Plimsoll feeds");
    inputs(&mut out, &document.inputs);
    for input in &document.inputs {
        let feeds: Vec<&Feed> = document.feeds.iter().filter(|feed| feed.file == input.path).collect();
        file(&mut out, &input.path, &feeds, style);
    }
    if !document.issues.is_empty() {
        heading(&mut out, "Rows that cannot be read", "");
        for issue in document.issues.to_string().lines() {
            line(&mut out, &format!("  {issue}"));
        }
    }
    out
}

fn file(out: &mut String, path: &str, feeds: &[&Feed], style: Style) {
    heading(out, path, "gap: over three cadences; outlier: over ten robust deviations of its own stream");
    let header = [
        "feed",
        "rows",
        "streams",
        "span",
        "cadence",
        "gaps",
        "longest",
        "repeated",
        "conflicts",
        "out of\norder",
        "crossed",
        "one-\nsided",
        "missing",
        "not a\nprice",
        "frozen",
        "outliers",
        "spikes",
    ]
    .map(str::to_owned);
    let mut table = grid_after(1, style, &header);
    for feed in feeds {
        table.add_row(cells(feed));
    }
    show(out, &table);
    for feed in feeds {
        for remark in remarks(feed) {
            line(out, &format!("  {}: {remark}", feed.name));
        }
    }
}

fn cells(feed: &Feed) -> Vec<Cell> {
    let report = &feed.report;
    let time = |millis: Option<i64>| right(millis.map_or_else(String::new, duration));
    let span = report.first.zip(report.last).map(|(first, last)| {
        let nanos = i128::from(last.unix_nanos()) - i128::from(first.unix_nanos());
        i64::try_from(nanos / 1_000_000).unwrap_or(i64::MAX)
    });
    let mut cells = vec![left(&feed.name), right(report.rows), right(report.streams), time(span)];
    cells.extend([time(report.cadence_millis), fault(report.gaps.count)]);
    cells.push(time(report.gaps.longest.as_ref().map(|gap| gap.millis)));
    let counts = [
        report.duplicates.count,
        report.conflicts.count,
        report.out_of_order.count,
        report.crossed.count,
        report.one_sided.count,
        report.missing.count,
        report.not_a_price.count,
        report.frozen.runs,
        report.outliers.count,
        report.outliers.spikes,
    ];
    cells.extend(counts.map(fault));
    cells
}

/// A count of something that should not be.
fn fault(count: u64) -> Cell {
    if count == 0 { right("·") } else { right(count).fg(Color::DarkYellow) }
}
