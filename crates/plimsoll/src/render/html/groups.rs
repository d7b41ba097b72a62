//! Exposure by the columns the user chose: all measures, in USD and in coin.

use super::answer::total_word;
use super::markup::{Markup, Paint};
use crate::document::Document;
use risk::{Group, Measure};

/// Groups listed; a page of more is unreadable, and a book may have a million accounts.
const LISTED: usize = 1000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Currency {
    Usd,
    Coin,
}

/// The section.
pub(super) fn groups(page: &mut Markup, document: &Document) {
    let report = &document.report;
    let words: Vec<&str> = report.group_by.iter().map(|column| column.word()).collect();
    let heading =
        if words.is_empty() { "Exposure".into() } else { format!("Exposure by {}", words.join(", ")) };
    page.section("exposure", &heading, |page| {
        table(page, document, Currency::Usd);
        let mixed = report.groups.iter().filter(|group| group.coin.is_none()).count();
        if mixed < report.groups.len() {
            table(page, document, Currency::Coin);
        }
        if mixed > 0 {
            page.note(format_args!("{mixed} groups mix underlyings: their coins do not add up, so they have USD figures only."));
        }
        let left_out = report.groups.len().saturating_sub(LISTED);
        if left_out > 0 {
            page.note(format_args!("{left_out} more groups are not listed here; the total counts them, and CSV and JSON list all."));
        }
        page.note("Rows add up to the total exactly: each figure is rounded once, to 1e−12, and summed in whole numbers.");
    });
}

fn table(page: &mut Markup, document: &Document, currency: Currency) {
    let report = &document.report;
    let caption = match currency {
        Currency::Usd => "All measures in USD",
        Currency::Coin => "The same in coin of the underlying, for groups of one underlying",
    };
    page.table("groups", caption, |page| {
        page.raw("<thead><tr>");
        for column in &report.group_by {
            page.text_column(column.word());
        }
        if report.group_by.is_empty() {
            page.text_column("group");
        }
        page.column("rows", "count");
        for measure in Measure::ALL {
            let (name, unit) = measure.header();
            match currency {
                Currency::Usd => page.column(name, unit),
                Currency::Coin => page.column(name, coin_unit(measure)),
            };
        }
        page.raw("</tr></thead><tbody>");
        let has_figures = |group: &Group| currency == Currency::Usd || group.coin.is_some();
        // Grouping by nothing gives one group without a key: the total.
        let named = report.groups.iter().take(LISTED).filter(|group| !group.key.is_empty());
        for group in named.filter(|group| has_figures(group)) {
            page.raw("<tr>");
            for part in &group.key {
                page.row_head(part.text());
            }
            figures(page, group, currency);
        }
        if has_figures(&report.total) {
            page.raw("<tr class=\"total\"><th scope=\"row\" colspan=\"")
                .text(report.group_by.len().max(1))
                .raw("\">");
            page.text(total_word(document)).raw("</th>");
            figures(page, &report.total, currency);
        }
        page.raw("</tbody>");
    });
}

fn figures(page: &mut Markup, group: &Group, currency: Currency) {
    page.digits(group.rows);
    for measure in Measure::ALL {
        match (currency, &group.coin) {
            (Currency::Usd, _) => page.usd(group.exposure.in_usd(measure), measure.header().1, Paint::Sign),
            (Currency::Coin, Some(coin)) => {
                let unit = coin_unit(measure).replace("coin", coin.as_str());
                page.coin(group.exposure.in_coin(measure), &unit, Paint::Sign)
            }
            (Currency::Coin, None) => page.not_available("coins of several underlyings do not add up"),
        };
    }
    page.raw("</tr>");
}

/// The unit of the USD figure with the currency exchanged.
fn coin_unit(measure: Measure) -> String {
    measure.header().1.replace("USD", "coin")
}

/// Delta and gamma of each underlying with options, by how its smile moves with spot.
pub(super) fn smile(page: &mut Markup, document: &Document) {
    let rows = &document.report.smile;
    if rows.is_empty() {
        return;
    }
    page.section("smile", "Delta by how the smile moves", |page| {
        page.table("groups", "Coins and futures included", |page| {
            page.raw("<thead><tr>");
            page.text_column("underlying").text_column("smile");
            page.column(Measure::Delta.header().0, Measure::Delta.header().1);
            page.column(Measure::Gamma.header().0, Measure::Gamma.header().1);
            page.column("Δ range", "USD").raw("</tr></thead><tbody>");
            for row in rows {
                for (place, column) in row.columns.iter().enumerate() {
                    page.raw("<tr>");
                    if place == 0 {
                        page.row_head(&row.underlying);
                    } else {
                        page.cell("");
                    }
                    page.cell(column.stickiness);
                    page.usd(column.delta_cash_usd, Measure::Delta.header().1, Paint::Sign);
                    page.usd(column.gamma_cash_1pct_usd, Measure::Gamma.header().1, Paint::Sign);
                    if place == 0 {
                        page.usd(row.delta_range_usd(), "USD", Paint::Sign);
                    } else {
                        page.cell("");
                    }
                    page.raw("</tr>");
                }
            }
            page.raw("</tbody>");
        });
        for row in rows.iter().filter(|row| row.without_smile > 0) {
            page.note(format_args!(
                "{}: {} of {} option positions have no vol surface and are sticky strike in every line.",
                row.underlying, row.without_smile, row.options
            ));
        }
        page.note("Sticky strike is what venues' greeks assume. The range is what not knowing how the smile moves is worth in delta.");
    });
}
