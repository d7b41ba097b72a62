//! The first screen: what the book is worth, where it leans, what hurts most, and the plain hedge.

use super::markup::{Markup, Paint, full};
use crate::document::Document;
use crate::render::number::{compact, grouped, price, signed_percent, signed_points};
use risk::{Aim, Exposure, Group, HedgeLine, Measure, Report, Side};
use units::{Asset, Fixed};

/// Measures of the first screen, the most asked for first.
const SHOWN: [Measure; 6] =
    [Measure::Value, Measure::Delta, Measure::DeltaSettlement, Measure::Gamma, Measure::Vega, Measure::Theta];

/// The section.
pub(super) fn answer(page: &mut Markup, document: &Document) {
    let report = &document.report;
    page.section("answer", "Where the book stands", |page| {
        tiles(page, report);
        underlyings(page, document);
        hedges(page, report);
    });
}

/// Exact sums by underlying, in alphabetical order: the matrix added up over its expiries.
pub(super) fn by_underlying(matrix: &[Group]) -> Vec<(&Asset, Exposure)> {
    let mut sums: Vec<(&Asset, Exposure)> = Vec::new();
    for group in matrix {
        let Some(asset) = &group.coin else { continue };
        match sums.last_mut() {
            Some((last, sum)) if *last == asset => *sum += &group.exposure,
            _ => sums.push((asset, group.exposure)),
        }
    }
    sums
}

/// `total`, or that it is one of what could be valued.
pub(super) fn total_word(document: &Document) -> &'static str {
    if document.is_partial() { "total (partial)" } else { "total" }
}

fn tiles(page: &mut Markup, report: &Report) {
    page.raw("<dl class=\"tiles\">");
    for measure in SHOWN {
        let (name, unit) = measure.header();
        let value = report.total.exposure.in_usd(measure);
        page.raw("<div><dt>")
            .text(name)
            .raw("</dt><dd class=\"")
            .raw(Paint::Sign.class(value))
            .raw("\" title=\"");
        page.text(full(value, 2, unit))
            .raw("\">")
            .text(compact(value))
            .raw(" <span>")
            .text(unit)
            .raw("</span></dd></div>");
    }
    let worst =
        report.stress.iter().min_by_key(|row| row.total_usd).filter(|row| row.total_usd < Fixed::ZERO);
    page.raw("<div><dt>worst stress</dt>");
    match worst {
        Some(row) => {
            page.raw("<dd class=\"neg\" title=\"")
                .text(full(row.total_usd, 2, "USD"))
                .raw("\">")
                .text(compact(row.total_usd));
            page.raw(" <span>USD</span><span class=\"what\">").text(&row.name).raw("</span></dd>");
        }
        None if report.stress.is_empty() => {
            page.raw("<dd class=\"none\">n/a<span class=\"what\">no scenarios given</span></dd>");
        }
        None => {
            page.raw("<dd class=\"none\">none<span class=\"what\">no scenario loses</span></dd>");
        }
    }
    page.raw("</div></dl>");
}

fn underlyings(page: &mut Markup, document: &Document) {
    let report = &document.report;
    page.table("answer", "By underlying; hover a figure for every digit", |page| {
        page.raw("<thead><tr>").text_column("underlying").column("spot", "USD");
        for measure in SHOWN {
            let (name, unit) = measure.header();
            page.column(name, unit);
        }
        page.column("worst ladder cell", "USD at spot, vol").raw("</tr></thead><tbody>");
        for (asset, exposure) in by_underlying(&report.matrix) {
            page.raw("<tr>").row_head(asset);
            let spot =
                report.market.spot(asset).map(units::Spot::get).or_else(|_| report.market.usd_rate(asset));
            match spot {
                Ok(usd) => page.digits(price(usd)),
                Err(_) => page.not_available("no index and no rate to USD"),
            };
            figures(page, &exposure);
            worst_cell(page, report, asset);
            page.raw("</tr>");
        }
        page.raw("<tr class=\"total\">").row_head(total_word(document)).raw("<td></td>");
        figures(page, &report.total.exposure);
        page.raw("<td class=\"num muted\">one ladder per underlying</td></tr></tbody>");
    });
}

fn figures(page: &mut Markup, exposure: &Exposure) {
    for measure in SHOWN {
        page.usd(exposure.in_usd(measure), measure.header().1, Paint::Sign);
    }
}

fn worst_cell(page: &mut Markup, report: &Report, asset: &Asset) {
    let Some(ladder) = report.ladders.iter().find(|ladder| ladder.underlying == *asset) else {
        page.not_available("a currency without spot of its own has no ladder");
        return;
    };
    let worst = ladder.worst;
    if worst.pnl_usd >= Fixed::ZERO {
        page.raw("<td class=\"num none\">no cell loses</td>");
        return;
    }
    page.raw("<td class=\"num\" title=\"").text(full(worst.pnl_usd, 2, "USD")).raw("\"><span class=\"neg\">");
    page.text(compact(worst.pnl_usd))
        .raw("</span> <span class=\"muted\">at ")
        .text(signed_percent(worst.spot_return));
    page.raw(", ").text(signed_points(worst.vol_points)).raw("</span></td>");
}

fn hedges(page: &mut Markup, report: &Report) {
    if report.hedges.is_empty() {
        page.note("No hedge lines: every delta is zero, or no perpetual to hedge with is known.");
        return;
    }
    page.table(
        "hedges",
        "Plain hedge: the perpetual that brings the delta to zero; no cost, no band, no lot size",
        |page| {
            page.raw("<thead><tr>").text_column("underlying").text_column("aim");
            page.column("Δ contracts", "coin").column("Δ coins held", "coin").column("Δ counted", "coin");
            page.text_column("side").column("quantity", "unit beside it").text_column("instrument");
            page.column("notional", "USD").raw("</tr></thead><tbody>");
            for line in &report.hedges {
                hedge(page, line);
            }
            page.raw("</tbody>");
        },
    );
    page.raw("<p class=\"note\"><b>USD-neutral</b>: the value in USD stops moving with spot; own coins count as exposure. ");
    page.raw("<b>Coin-neutral</b>: the number of coins stops moving; own coins are home and do not count. ");
    page.raw("The two are alternatives: trade one line per underlying, not both.</p>");
}

fn hedge(page: &mut Markup, line: &HedgeLine) {
    let (aim, side) = (
        match line.aim {
            Aim::UsdNeutral => "USD-neutral",
            Aim::CoinNeutral => "coin-neutral",
        },
        match line.side {
            Side::Buy => "BUY",
            Side::Sell => "SELL",
        },
    );
    let coin = line.underlying.as_str();
    page.raw("<tr>").row_head(&line.underlying).cell(aim);
    for delta in [line.contracts_delta_coin, line.holdings_delta_coin, line.delta_before_coin] {
        page.coin(delta, coin, Paint::Sign);
    }
    page.raw("<td><b>").raw(side).raw("</b></td><td class=\"num\" title=\"");
    // An order is typed from here, so it is shown whole.
    let places = if line.quantity_unit == "USD" { 0 } else { 4 };
    page.text(full(line.quantity, 8, &line.quantity_unit))
        .raw("\">")
        .text(grouped(line.quantity, places))
        .raw(" ");
    page.text(&line.quantity_unit).raw("</td>").cell(format_args!("{} @ {}", line.symbol, line.venue));
    page.raw("<td class=\"num\" title=\"").text(full(line.notional_usd, 2, "USD")).raw("\">");
    page.text(compact(line.notional_usd)).raw("</td></tr>");
}
