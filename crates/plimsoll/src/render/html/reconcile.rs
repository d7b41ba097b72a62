//! Own figures against the venue's: how well they agree, and where they do not.

use super::markup::Markup;
use crate::document::Document;
use crate::render::number::{figure, screen};
use risk::{Agreement, Break, Figure, Reconciliation};

/// The section.
pub(super) fn reconcile(page: &mut Markup, document: &Document) {
    let reconciliation = &document.report.reconciliation;
    page.section("reconciliation", "Reconciliation against the venue's published figures", |page| {
        if reconciliation.agreement.is_empty() {
            page.note("The market files publish no figure that could be compared.");
        } else {
            agreement(page, reconciliation);
            breaks(page, &reconciliation.breaks);
        }
        page.note(format_args!(
            "{} option quotes carry nothing to compare (no vol, or no published figure). Own figures use the venue's conventions.",
            reconciliation.without_figures
        ));
    });
}

fn agreement(page: &mut Markup, reconciliation: &Reconciliation) {
    page.table(
        "agreement narrow",
        "Absolute difference, own less published, over all option quotes",
        |page| {
            page.raw("<thead><tr>")
                .text_column("underlying")
                .text_column("figure")
                .text_column("unit")
                .column("compared", "quotes");
            page.column("breaks", "quotes")
                .text_column("status")
                .column("median", "of unit")
                .column("99 %", "of unit");
            page.column("largest", "of unit")
                .column("limit", "absolute + relative")
                .raw("</tr></thead><tbody>");
            for row in &reconciliation.agreement {
                agreement_row(page, row);
            }
            page.raw("</tbody>");
        },
    );
}

fn agreement_row(page: &mut Markup, row: &Agreement) {
    let (word, unit) = row.figure.words();
    let (absolute, relative) = row.figure.limits();
    page.raw("<tr>").row_head(&row.underlying).cell(word).cell(if unit.is_empty() {
        "coin per coin"
    } else {
        unit
    });
    page.digits(row.compared).digits(row.breaks);
    page.raw(match row.breaks {
        0 => "<td><span class=\"status good\">✓ agrees</span></td>",
        _ => "<td><span class=\"status warn\">▲ breaks</span></td>",
    });
    for difference in [row.median, row.p99, row.max] {
        page.digits(figure(difference, 3));
    }
    let relative =
        if relative > 0.0 { format!(" + {} %", figure(relative * 100.0, 1)) } else { String::new() };
    page.digits(format_args!("{}{relative}", figure(absolute, 1))).raw("</tr>");
}

fn breaks(page: &mut Markup, breaks: &[Break]) {
    if breaks.is_empty() {
        page.note("No figure differs by more than its limit.");
        return;
    }
    let caption = format!(
        "Breaks: every one of a contract that is held, then the {} worst of the others",
        Reconciliation::WORST
    );
    page.table("breaks narrow", &caption, |page| {
        page.raw("<thead><tr>")
            .text_column("instrument")
            .text_column("venue")
            .text_column("in the book")
            .text_column("figure");
        page.column("own", "unit of figure")
            .column("published", "unit of figure")
            .column("severity", "× limit");
        page.raw("</tr></thead><tbody>");
        for row in breaks {
            page.raw("<tr>").row_head(&row.symbol).cell(&row.venue);
            page.raw(if row.held {
                "<td><span class=\"status warn\">▲ held</span></td>"
            } else {
                "<td class=\"muted\">no</td>"
            });
            page.cell(words(row.figure)).digits(figure(row.own, 5)).digits(figure(row.published, 5));
            page.digits(screen(&format!("{:.1}", row.severity))).raw("</tr>");
        }
        page.raw("</tbody>");
    });
}

fn words(figure: Figure) -> String {
    match figure.words() {
        (word, "") => word.into(),
        (word, unit) => format!("{word} ({unit})"),
    }
}
