//! Exposure by underlying and expiry: one greek per block, the expiries in common columns, rows and columns added up.

use super::answer::{by_underlying, total_word};
use super::markup::{Markup, Paint};
use crate::document::Document;
use instrument::expiry_text;
use risk::{Group, GroupKey, Measure};
use std::collections::BTreeSet;
use units::{Asset, Fixed, Timestamp};

const BLOCKS: [Measure; 4] = [Measure::Delta, Measure::Gamma, Measure::Vega, Measure::Theta];

/// The section.
pub(super) fn matrix(page: &mut Markup, document: &Document) {
    let groups = &document.report.matrix;
    page.section("matrix", "Exposure by underlying and expiry", |page| {
        if groups.is_empty() {
            page.note("The book has no rows that could be valued.");
            return;
        }
        let expiries: BTreeSet<Option<Timestamp>> = groups.iter().map(expiry).collect();
        let caption = "Tint by size within a block, its depth by the square root; · is exactly none; currencies without greeks are left out";
        page.table("matrix", caption, |page| {
            page.raw("<thead><tr>").text_column("underlying");
            for expiry in &expiries {
                match expiry {
                    Some(at) => page.column(expiry_text(*at), "USD"),
                    None => page.column("no expiry", "perp, spot, coins"),
                };
            }
            page.column(total_word(document), "USD").raw("</tr></thead>");
            for measure in BLOCKS {
                block(page, document, measure, &expiries);
            }
        });
    });
}

fn block(page: &mut Markup, document: &Document, measure: Measure, expiries: &BTreeSet<Option<Timestamp>>) {
    let groups = &document.report.matrix;
    let (name, unit) = measure.header();
    let largest = groups.iter().map(|g| g.exposure.in_usd(measure).abs()).max().unwrap_or_default();
    page.raw("<tbody><tr><th scope=\"rowgroup\" colspan=\"")
        .text(expiries.len() + 2)
        .raw("\"><b>")
        .text(name);
    page.raw("</b> ").text(unit).raw("</th></tr>");
    for (asset, sum) in by_underlying(groups) {
        if !has_greeks(groups, asset) {
            continue;
        }
        page.raw("<tr>").row_head(asset);
        for at in expiries {
            page.usd(figure(groups, asset, *at, measure), unit, Paint::Tint { largest });
        }
        page.usd(sum.in_usd(measure), unit, Paint::Sign).raw("</tr>");
    }
    page.raw("<tr class=\"total\">").row_head(total_word(document));
    for at in expiries {
        let column = groups.iter().filter(|g| expiry(g) == *at).map(|g| g.exposure.in_usd(measure)).sum();
        page.usd(column, unit, Paint::Sign);
    }
    page.usd(document.report.total.exposure.in_usd(measure), unit, Paint::Sign).raw("</tr></tbody>");
}

fn figure(groups: &[Group], asset: &Asset, at: Option<Timestamp>, measure: Measure) -> Fixed {
    groups
        .iter()
        .filter(|g| g.coin.as_ref() == Some(asset) && expiry(g) == at)
        .map(|g| g.exposure.in_usd(measure))
        .sum()
}

/// False for a currency: its rows would be dots all through.
fn has_greeks(groups: &[Group], asset: &Asset) -> bool {
    let of_asset = groups.iter().filter(|g| g.coin.as_ref() == Some(asset));
    of_asset.flat_map(|g| BLOCKS.map(|measure| g.exposure.in_usd(measure))).any(|figure| !figure.is_zero())
}

fn expiry(group: &Group) -> Option<Timestamp> {
    group.key.iter().find_map(|part| match part {
        GroupKey::Expiry(expiry) => *expiry,
        GroupKey::Text(_) => None,
    })
}
