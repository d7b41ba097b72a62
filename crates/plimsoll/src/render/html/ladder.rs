//! One page per underlying: its P&L curve and its spot x vol ladder.

use super::markup::{Markup, Paint, full};
use super::payoff::payoff;
use crate::document::Document;
use crate::render::number::{compact, compact_price, price, signed_percent, signed_points};
use market::surface::SkewStickiness;
use risk::{Curve, Ladder};
use units::Fixed;

/// One section per ladder, with the curve of the same underlying.
pub(super) fn ladders(page: &mut Markup, document: &Document) {
    let report = &document.report;
    for (place, ladder) in report.ladders.iter().enumerate() {
        let curve = report.curves.iter().find(|curve| curve.underlying == ladder.underlying);
        page.raw("<section class=\"underlying\" id=\"underlying-")
            .text(place + 1)
            .raw("\"><h2>")
            .text(&ladder.underlying);
        page.raw(" under shock</h2><div class=\"pair\">");
        if let Some(curve) = curve {
            page.part(&payoff(curve, place));
        }
        page.raw("<div>");
        if document.is_partial() {
            page.raw("<p class=\"note\"><span class=\"status bad\">■ PARTIAL</span>: curve and ladder hold only what could be priced.</p>");
        }
        let smile = document.report.market.stickiness_of(&ladder.underlying);
        table(page, (ladder, smile), curve);
        page.raw("</div></div></section>\n");
    }
}

fn table(page: &mut Markup, (ladder, smile): (&Ladder, SkewStickiness), curve: Option<&Curve>) {
    let spot = price(ladder.spot_usd);
    let caption =
        format!("{} P&L in USD by spot move and vol shift, at once; spot {spot} USD", ladder.underlying);
    let largest = ladder.pnl_usd.iter().flatten().map(|pnl| pnl.abs()).max().unwrap_or_default();
    page.table("heat", &caption, |page| {
        page.raw("<thead><tr>").text_column("vol shift");
        for spot_return in &ladder.spot_returns {
            page.raw("<th scope=\"col\" class=\"num\">")
                .raw(today(*spot_return))
                .text(signed_percent(*spot_return));
            page.raw("</span><span class=\"unit\">")
                .text(compact_price(ladder.spot_usd * (1.0 + spot_return)))
                .raw("</span></th>");
        }
        page.raw("</tr></thead><tbody>");
        // Rising vol upwards, as on a chart.
        for (points, row) in ladder.vol_points.iter().zip(&ladder.pnl_usd).rev() {
            page.raw("<tr><th scope=\"row\">")
                .raw(today(*points))
                .text(signed_points(*points))
                .raw("</span></th>");
            for (spot_return, pnl) in ladder.spot_returns.iter().zip(row) {
                let is_worst =
                    same(*spot_return, ladder.worst.spot_return) && same(*points, ladder.worst.vol_points);
                let mark = match (*spot_return == 0.0 && *points == 0.0, is_worst && *pnl < Fixed::ZERO) {
                    (true, _) => " centre",
                    (false, true) => " worst",
                    (false, false) => "",
                };
                page.raw("<td class=\"")
                    .raw(Paint::Tint { largest }.class(*pnl))
                    .raw(mark)
                    .raw("\" title=\"");
                page.text(full(*pnl, 2, "USD")).raw("\">").text(compact(*pnl)).raw("</td>");
            }
            page.raw("</tr>");
        }
        page.raw("</tbody>");
    });
    worst_note(page, ladder, smile);
    if let Some(extremes) = curve.and_then(extremes) {
        page.note(extremes);
    }
}

fn worst_note(page: &mut Markup, ladder: &Ladder, smile: SkewStickiness) {
    let worst = ladder.worst;
    if worst.pnl_usd < Fixed::ZERO {
        page.raw("<p class=\"note\">Outlined: worst cell <b class=\"neg\">")
            .text(compact(worst.pnl_usd))
            .raw(" USD</b> at spot ");
        page.text(signed_percent(worst.spot_return)).raw(", vol ").text(signed_points(worst.vol_points));
        page.raw(". Dotted: no move. Vol shifts are parallel; the smile: ").text(smile);
        page.raw("; rates and other coins stand still.</p>");
    } else {
        page.note(format_args!(
            "No cell of this ladder loses. Dotted: no move. Vol shifts are parallel; the smile: {smile}."
        ));
    }
}

/// Lowest and highest point of today's curve, in words.
fn extremes(curve: &Curve) -> Option<String> {
    let now = curve.horizons.first()?;
    let points = || curve.spot_returns.iter().zip(&now.pnl_usd);
    let (low, high) = (points().min_by_key(|(_, pnl)| **pnl)?, points().max_by_key(|(_, pnl)| **pnl)?);
    let words = |(spot_return, pnl): (&f64, &Fixed)| {
        format!("{} USD at {}", compact(*pnl), signed_percent(*spot_return))
    };
    Some(format!("On the curve at unchanged vol: lowest {}, highest {}.", words(low), words(high)))
}

const fn today(shift: f64) -> &'static str {
    if shift == 0.0 { "<span class=\"today\">" } else { "<span>" }
}

/// Both come from the same list of the scenario file: equal means equal bits.
fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits()
}
