//! `plimsoll feeds` as one page.

use super::markup::Markup;
use super::{data, frame, whole};
use crate::feeds_command::{Feed, FeedsDocument};
use crate::render::feeds::{duration, remarks};
use units::Timestamp;

/// Renders the result as one HTML file without outside references.
#[must_use]
pub(crate) fn feeds(document: &FeedsDocument) -> String {
    let is_partial = !document.issues.is_empty();
    let title = if is_partial { "PARTIAL: Plimsoll feeds " } else { "Plimsoll feeds " };
    let asof = document.inputs.iter().filter_map(|input| input.asof).max();
    let asof = asof.unwrap_or(Timestamp::from_unix_nanos(0));
    whole(title, asof, |page| {
        if is_partial {
            page.raw("<div class=\"banner\" role=\"alert\"><strong>■ PARTIAL</strong>: rows that cannot be read, left out: <b>");
            page.text(document.issues.rows()).raw("</b></div>\n");
        }
        frame::title(page, "feeds", asof);
        page.raw("</div>");
        frame::inputs(page, &document.inputs);
        page.raw("</header>\n<main>\n");
        page.section("feeds", "Feeds by file", |page| {
            for input in &document.inputs {
                let feeds: Vec<&Feed> =
                    document.feeds.iter().filter(|feed| feed.file == input.path).collect();
                file(page, &input.path, &feeds);
            }
        });
        page.section("data", "Rows that cannot be read", |page| data::bad_rows(page, &document.issues));
        page.raw("</main>\n");
    })
}

fn file(page: &mut Markup, path: &str, feeds: &[&Feed]) {
    page.table("feeds", path, |page| {
        page.raw("<thead><tr>").text_column("feed").column("rows", "of data").column("streams", "");
        page.column("cadence", "median").column("gaps", "over 3 cadences").column("longest", "");
        for name in
            ["repeated", "conflicts", "out of order", "crossed", "one-sided", "missing", "not a price"]
        {
            page.column(name, "rows");
        }
        page.column("frozen", "runs").column("outliers", "over 10 deviations").column("spikes", "taken back");
        page.raw("</tr></thead><tbody>");
        for feed in feeds {
            row(page, feed);
        }
        page.raw("</tbody>");
    });
    for feed in feeds {
        for remark in remarks(feed) {
            page.note(format_args!("{}: {remark}", feed.name));
        }
    }
}

fn row(page: &mut Markup, feed: &Feed) {
    let report = &feed.report;
    page.raw("<tr>").row_head(&feed.name).digits(report.rows).digits(report.streams);
    page.digits(report.cadence_millis.map_or_else(String::new, duration)).digits(report.gaps.count);
    page.digits(report.gaps.longest.as_ref().map_or_else(String::new, |gap| duration(gap.millis)));
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
    for count in counts {
        page.digits(count);
    }
    page.raw("</tr>");
}
