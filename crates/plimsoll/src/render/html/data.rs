//! What the totals rest on and what is missing from them: unpriced rows, bad rows, notes, unused rows, forward curves.

use super::markup::Markup;
use crate::document::Document;
use crate::render::number::{NOT_AVAILABLE, basis_points, grouped, price, screen};
use instrument::expiry_text;
use market::{DISAGREEMENT_LIMIT_BP, ForwardPoint, ForwardSource};
use units::{Fixed, Issues};

/// Rows listed of each kind; the count says how many there are.
const LISTED: usize = 500;

/// Everything that is left out or doubtful.
pub(super) fn left_out(page: &mut Markup, document: &Document) {
    page.section("data", "What is missing or doubtful", |page| {
        unpriced(page, document);
        bad_rows(page, &document.issues);
        notes(page, document);
    });
}

fn unpriced(page: &mut Markup, document: &Document) {
    let unpriced = &document.report.unpriced;
    if unpriced.is_empty() {
        page.note("Every position and balance is priced.");
        return;
    }
    let caption = format!("Unpriced positions and balances, in no total: {}", unpriced.len());
    page.table("unpriced", &caption, |page| {
        page.raw("<thead><tr>")
            .text_column("instrument or asset")
            .text_column("account")
            .text_column("venue");
        page.column("quantity", "of the listing")
            .text_column("reason and remedy")
            .raw("</tr></thead><tbody>");
        for row in unpriced.iter().take(LISTED) {
            page.raw("<tr>").row_head(&row.symbol).cell(&row.account).cell(&row.venue);
            page.digits(screen(&row.quantity.to_string()))
                .raw("<td class=\"reason\">")
                .text(&row.reason)
                .raw("</td></tr>");
        }
        page.raw("</tbody>");
    });
    more(page, unpriced.len() as u64);
}

/// Rows that were rejected, with the rules that they break.
pub(super) fn bad_rows(page: &mut Markup, issues: &Issues) {
    if issues.is_empty() {
        page.note("No row of the input files was rejected.");
        return;
    }
    let caption =
        format!("Bad rows, rejected and left out: {}; faults in them: {}", issues.rows(), issues.total());
    page.table("issues", &caption, |page| {
        page.raw("<thead><tr>")
            .text_column("file")
            .column("row", "of data")
            .text_column("field")
            .text_column("value");
        page.text_column("rule").raw("</tr></thead><tbody>");
        for issue in issues.kept().iter().take(LISTED) {
            page.raw("<tr>").row_head(&issue.file);
            match issue.row {
                0 => page.digits("whole file"),
                row => page.digits(row),
            };
            page.cell(&issue.field)
                .raw("<td class=\"reason\">")
                .text(&issue.value)
                .raw("</td><td class=\"reason\">");
            page.text(&issue.rule).raw("</td></tr>");
        }
        page.raw("</tbody>");
    });
    more(page, issues.total());
}

fn more(page: &mut Markup, total: u64) {
    let left_out = total.saturating_sub(LISTED as u64);
    if left_out > 0 {
        page.note(format_args!("{left_out} more of them are counted but not listed here."));
    }
}

fn notes(page: &mut Markup, document: &Document) {
    let report = &document.report;
    if report.futures_without_entry > 0 {
        page.note(format_args!(
            "{} futures or perpetuals have no entry price: their gain so far is unknown and not in the value.",
            report.futures_without_entry
        ));
    }
    for (reason, rows) in &document.not_used {
        page.note(format_args!("{rows} market rows not used: {reason}."));
    }
    remarks(page, &document.notes);
}

/// Notes in words.
pub(super) fn remarks(page: &mut Markup, notes: &[String]) {
    if notes.is_empty() {
        page.note("Nothing to remark about inputs and market.");
        return;
    }
    page.raw("<h3>Notes about inputs and market</h3><ul class=\"note\">");
    for note in notes {
        page.raw("<li>").text(note).raw("</li>");
    }
    page.raw("</ul>");
}

/// Forward curves of every underlying and quote currency.
pub(super) fn forwards(page: &mut Markup, document: &Document) {
    let market = &document.report.market;
    page.section("forwards", "Forward curves", |page| {
        let caption = format!("Forward of record in the quote currency, and every source at hand; ▲ differs by over {DISAGREEMENT_LIMIT_BP} bp");
        page.table("forwards narrow", &caption, |page| {
            page.raw("<thead><tr>").text_column("underlying").text_column("quoted in").text_column("expiry");
            page.column("time left", "days").column("forward", "quote currency").text_column("source");
            page.column("parity", "quote currency").column("pairs", "count").column("future", "quote currency");
            page.column("printed", "quote currency").column("disagreement", "bp").raw("</tr></thead><tbody>");
            for (asset, underlying) in &market.underlyings {
                for (currency, family) in &underlying.families {
                    for point in family.curve.points() {
                        page.raw("<tr>").row_head(asset).cell(currency).cell(expiry_text(point.expiry));
                        let days = market.asof.years_until(point.expiry).map(units::YearFraction::days);
                        page.digits(days.map_or_else(|_| NOT_AVAILABLE.into(), tenths));
                        forward(page, point);
                    }
                }
            }
            page.raw("</tbody>");
        });
    });
}

fn tenths(days: f64) -> String {
    Fixed::quantise(days).map_or_else(|_| NOT_AVAILABLE.into(), |days| grouped(days, 1))
}

fn forward(page: &mut Markup, point: &ForwardPoint) {
    page.digits(price(point.forward.get())).cell(source(point.source));
    source_price(page, point.parity);
    page.digits(point.parity_pairs);
    source_price(page, point.future_mark);
    source_price(page, point.printed);
    let disagreement = point.disagreement_bp();
    page.raw("<td class=\"num\">");
    if disagreement > DISAGREEMENT_LIMIT_BP {
        page.raw("<span class=\"status warn\">▲ ").text(basis_points(disagreement)).raw("</span>");
    } else {
        page.text(basis_points(disagreement));
    }
    page.raw("</td></tr>");
}

fn source_price(page: &mut Markup, quoted: Option<f64>) {
    match quoted {
        Some(value) => page.digits(price(value)),
        None => page.not_available("the market files have no such source for this expiry"),
    };
}

const fn source(source: ForwardSource) -> &'static str {
    match source {
        ForwardSource::Parity => "put-call parity",
        ForwardSource::FutureMark => "future's mark",
        ForwardSource::Printed => "printed by venue",
        ForwardSource::Interpolated => "interpolated",
        ForwardSource::Extrapolated => "extrapolated",
        ForwardSource::Index => "index",
    }
}
