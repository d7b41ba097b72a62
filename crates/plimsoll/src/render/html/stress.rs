//! The stress table in the order given, with bars in one common scale and footnotes for sources and caveats.

use super::markup::{Markup, Paint, full};
use crate::document::Document;
use crate::render::number::compact;
use risk::StressRow;
use units::Fixed;

const BAR_WIDTH: f64 = 170.0;

/// The section.
pub(super) fn stress(page: &mut Markup, document: &Document) {
    let rows = &document.report.stress;
    page.section("stress", "Stress scenarios", |page| {
        if rows.is_empty() {
            page.note("No scenarios were given.");
            return;
        }
        let notes = notes(rows);
        let book = if document.is_partial() { "PARTIAL: only what could be priced" } else { "whole book" };
        let caption = format!("P&L in USD, {book}; spot alone and vol alone are run on their own and need not add up to the total");
        page.table("stress", &caption, |page| {
            page.raw("<thead><tr>").text_column("scenario").column("spot only", "USD").column("vol only", "USD");
            page.column("venue loss", "USD").column("total", "USD");
            page.raw("<th scope=\"col\"><span class=\"muted\">loss ◂ 0 ▸ gain</span></th>");
            page.text_column("total by underlying, USD").text_column("largest line").raw("</tr></thead><tbody>");
            let (low, high) = range(rows);
            let worst = rows.iter().map(|row| row.total_usd).min().filter(|total| *total < Fixed::ZERO);
            for row in rows {
                // The name may spell a negative shift in ASCII.
                page.raw("<tr><th scope=\"row\">").text(row.name.replace(" -", " \u{2212}"));
                if let Some(number) = notes.iter().position(|note| *note == note_of(row)).map(|place| place + 1) {
                    page.raw("<sup> <a href=\"#stress-note-").text(number).raw("\">").text(number).raw("</a></sup>");
                }
                if Some(row.total_usd) == worst {
                    page.raw(" <span class=\"muted\">◂ worst</span>");
                }
                page.raw("</th>");
                part(page, row.spot_only_usd, "this scenario moves no spot");
                part(page, row.vol_only_usd, "this scenario moves no vol");
                part(page, row.venue_loss_usd, "this scenario loses no venue");
                page.usd(row.total_usd, "USD", Paint::Sign);
                bar(page, row.total_usd.to_f64(), (low, high));
                shares(page, row);
                page.raw("<td class=\"wrap\">").text(row.largest.as_deref().unwrap_or("none")).raw("</td>");
                page.raw("</tr>");
            }
            page.raw("</tbody>");
        });
        page.raw("<ol class=\"foot\">");
        for (place, (source, caveat)) in notes.iter().enumerate() {
            page.raw("<li id=\"stress-note-").text(place + 1).raw("\">").text(source);
            if !caveat.is_empty() {
                page.raw(". <b>Caveat:</b> ").text(caveat);
            }
            page.raw("</li>");
        }
        page.raw("</ol>");
        page.note("A dot: the scenario does not move that part. Largest line: the largest loss, or gain where nothing loses.");
    });
}

fn note_of(row: &StressRow) -> (&str, &str) {
    (&row.source, &row.caveat)
}

/// Distinct footnotes in order of first use.
fn notes(rows: &[StressRow]) -> Vec<(&str, &str)> {
    let mut notes: Vec<(&str, &str)> = Vec::new();
    for row in rows {
        if !notes.contains(&note_of(row)) {
            notes.push(note_of(row));
        }
    }
    notes
}

fn part(page: &mut Markup, figure: Option<Fixed>, reason: &'static str) {
    match figure {
        Some(usd) => page.usd(usd, "USD", Paint::Sign),
        None => page.raw("<td class=\"num none\" title=\"").raw(reason).raw("\">·</td>"),
    };
}

fn shares(page: &mut Markup, row: &StressRow) {
    page.raw("<td class=\"wrap\">");
    for (place, (asset, usd)) in row.by_underlying_usd.iter().enumerate() {
        page.raw(if place > 0 { " · <span title=\"" } else { "<span title=\"" })
            .text(full(*usd, 2, "USD"))
            .raw("\">");
        page.text(asset)
            .raw("&nbsp;<span class=\"")
            .raw(Paint::Sign.class(*usd))
            .raw("\">")
            .text(compact(*usd))
            .raw("</span></span>");
    }
    if row.by_underlying_usd.is_empty() {
        page.raw("<span class=\"none\">nothing moves</span>");
    }
    if let Some(delta) = row.delta_after_usd {
        page.raw(" · Δ cash left on other venues <span class=\"")
            .raw(Paint::Sign.class(delta))
            .raw("\" title=\"");
        page.text(full(delta, 2, "USD"))
            .raw("\">")
            .text(if delta.is_zero() { "none".into() } else { compact(delta) })
            .raw("</span>");
    }
    page.raw("</td>");
}

fn range(rows: &[StressRow]) -> (f64, f64) {
    let totals = || rows.iter().map(|row| row.total_usd);
    let low = totals().min().unwrap_or_default().min(Fixed::ZERO).to_f64();
    let high = totals().max().unwrap_or_default().max(Fixed::ZERO).to_f64();
    if high > low { (low, high) } else { (-1.0, 1.0) }
}

/// A bar from zero to the total: decoration beside its figure, so hidden from readers.
pub(super) fn bar(page: &mut Markup, total: f64, (low, high): (f64, f64)) {
    let x = |usd: f64| 1.0 + (usd - low) / (high - low) * (BAR_WIDTH - 2.0);
    let (from, to) = if total < 0.0 { (x(total), x(0.0)) } else { (x(0.0), x(total)) };
    page.raw("<td><svg class=\"bar\" aria-hidden=\"true\" viewBox=\"0 0 170 13\" preserveAspectRatio=\"none\"><rect class=\"");
    page.raw(if total < 0.0 { "loss" } else { "gain" })
        .raw("\" y=\"2\" height=\"9\" x=\"")
        .at(from)
        .raw("\" width=\"")
        .at(to - from);
    page.raw("\"/><line class=\"axis\" y1=\"0\" y2=\"13\" x1=\"")
        .at(x(0.0))
        .raw("\" x2=\"")
        .at(x(0.0))
        .raw("\"/></svg></td>");
}
