//! What-if as one page: the sums, who becomes liquidatable, the accounts that change most.

use super::margin::{banner, counts_for_nothing, end, header, levels, status};
use super::markup::{Markup, Paint};
use super::whole;
use crate::margin_commands::{AccountFigures, MarginFigures, Pair, Published, Totals, WhatifDocument};
use crate::render::number::figure;
use units::Fixed;

/// Renders the result as one HTML file without outside references.
#[must_use]
pub(crate) fn whatif(document: &WhatifDocument) -> String {
    let title = if document.is_partial() { "PARTIAL: Plimsoll what-if " } else { "Plimsoll what-if " };
    whole(title, document.basis.market.asof, |page| {
        banner(page, &document.basis, document.after());
        header(page, "what-if", &document.basis);
        page.raw("</header>\n<main>\n");
        page.section("changes", "Changes", |page| {
            page.raw("<ul>");
            for change in &document.changes {
                page.raw("<li>").text(change).raw("</li>");
            }
            page.raw("</ul>");
        });
        page.section("total", "All accounts together", |page| totals(page, document));
        let fallen = document.newly_liquidatable();
        if !fallen.is_empty() {
            page.section("fallen", "Newly liquidatable", |page| newly_liquidatable(page, &fallen));
        }
        let affected = document.affected();
        let shown: Vec<&Pair> = affected.iter().take(document.top).copied().collect();
        page.section("accounts", "Most affected accounts", |page| both_sides(page, (&shown, affected.len())));
        page.section("figures", "Every figure that differs", |page| figures(page, &shown));
        end(page, &document.basis, document.after());
    })
}

fn totals(page: &mut Markup, document: &WhatifDocument) {
    let name = if document.is_partial() { "Partial total, USD" } else { "Total, USD" };
    page.table("whatif narrow", name, |page| {
        page.raw("<thead><tr>").text_column("side");
        level_columns(page);
        page.raw("</tr></thead><tbody>");
        let (before, after) = document.totals();
        for (word, totals) in [("before", before), ("after", after), ("change", after.minus(before))] {
            page.raw("<tr>").row_head(word).usd(totals.equity_usd, "USD", Paint::Sign);
            levels(page, [totals.counted_usd, totals.requirement_usd, totals.surplus_usd]);
            page.raw("</tr>");
        }
        page.raw("</tbody>");
    });
    let counts = document.counts();
    page.note(format_args!(
        "{} accounts: {} change, {} of them in requirement; liquidatable {} before, {} after, {} newly; {} stay as they are by \
         other parameters.",
        counts.accounts,
        counts.changed,
        counts.requirement_changed,
        counts.liquidatable_before,
        counts.liquidatable_after,
        counts.newly_liquidatable,
        counts.same_by_other_rules
    ));
}

fn level_columns(page: &mut Markup) {
    page.column("equity", "USD").column("counted, initial", "USD").column("initial", "USD");
    page.column("available", "USD").column("counted, maintenance", "USD").column("maintenance", "USD");
    page.column("to liquidation", "USD");
}

fn newly_liquidatable(page: &mut Markup, fallen: &[&Pair]) {
    let caption =
        format!("{} accounts that the change makes liquidatable, the largest shortfall first", fallen.len());
    page.table("whatif narrow", &caption, |page| {
        page.raw("<thead><tr>").text_column("account").text_column("venue").text_column("rulebook");
        page.column("counted, maintenance", "USD").column("maintenance, before", "USD");
        page.column("maintenance, after", "USD").column("to liquidation, before", "USD");
        page.column("to liquidation, after", "USD").raw("</tr></thead><tbody>");
        for pair in fallen {
            let (was, is) =
                (pair.before.as_ref().and_then(|b| b.margin.as_ref()), pair.after.margin.as_ref());
            page.raw("<tr>").row_head(&pair.after.account).cell(&pair.after.venue);
            page.cell(is.map_or("", |margin| margin.rulebook.as_str()));
            usd(page, is.map(|margin| margin.counted_usd.maintenance));
            for margin in [was, is] {
                match margin {
                    Some(margin) => page.asked(margin.requirement_usd.maintenance),
                    None => page.not_available("there was no such account or no rulebook"),
                };
            }
            for margin in [was, is] {
                usd(page, margin.map(|margin| margin.surplus_usd.maintenance));
            }
            page.raw("</tr>");
        }
        page.raw("</tbody>");
    });
}

fn usd(page: &mut Markup, value: Option<Fixed>) {
    match value {
        Some(value) => page.usd(value, "USD", Paint::Sign),
        None => page.not_available("there was no such account or no rulebook"),
    };
}

fn both_sides(page: &mut Markup, (shown, changed): (&[&Pair], usize)) {
    let caption = format!(
        "USD; {} of {changed} that change, by the change of the maintenance requirement",
        shown.len()
    );
    if shown.is_empty() {
        page.note("No figure of any account changes.");
        return;
    }
    page.table("whatif", &caption, |page| {
        page.raw("<thead><tr>").text_column("account").text_column("venue").text_column("side");
        page.text_column("rulebook").text_column("status");
        level_columns(page);
        page.column("used", "%").raw("</tr></thead><tbody>");
        for pair in shown {
            match &pair.before {
                Some(before) => one_side(page, before, "before"),
                None => {
                    page.raw("<tr>").row_head(&pair.after.account).cell(&pair.after.venue);
                    page.raw("<td>before</td><td colspan=\"10\" class=\"muted\">no such account</td></tr>");
                }
            }
            one_side(page, &pair.after, "after");
            change(page, pair);
        }
        page.raw("</tbody>");
    });
    counts_for_nothing(page, shown.iter().map(|pair| &pair.after));
}

fn change(page: &mut Markup, pair: &Pair) {
    let figures = |account: &AccountFigures| {
        let margin = account.margin.as_ref();
        Totals {
            equity_usd: account.equity_usd.unwrap_or_default(),
            counted_usd: margin.map_or_else(Published::default, |margin| margin.counted_usd),
            requirement_usd: margin.map_or_else(Published::default, |margin| margin.requirement_usd),
            surplus_usd: margin.map_or_else(Published::default, |margin| margin.surplus_usd),
        }
    };
    let change = figures(&pair.after).minus(pair.before.as_ref().map(figures).unwrap_or_default());
    page.raw("<tr class=\"change\"><th scope=\"row\"></th><td></td><td>change</td><td></td><td></td>");
    page.usd(change.equity_usd, "USD", Paint::Sign);
    let both = pair.before.as_ref().is_none_or(|b| b.margin.is_some() == pair.after.margin.is_some());
    if both && pair.after.margin.is_some() {
        levels(page, [change.counted_usd, change.requirement_usd, change.surplus_usd]);
    } else {
        page.raw("<td colspan=\"6\"></td>");
    }
    page.raw("<td></td></tr>");
}

fn one_side(page: &mut Markup, account: &AccountFigures, word: &'static str) {
    page.raw("<tr>").row_head(&account.account).cell(&account.venue).cell(word);
    page.cell(account.margin.as_ref().map_or("", |margin| margin.rulebook.as_str()));
    status(page, account);
    match account.equity_usd {
        Some(usd) => page.usd(usd, "USD", Paint::Sign),
        None => page.not_available("a figure is out of range"),
    };
    match &account.margin {
        None => {
            page.raw("<td colspan=\"7\"></td>");
        }
        Some(margin) => {
            let MarginFigures { counted_usd, requirement_usd, surplus_usd, .. } = margin;
            levels(page, [*counted_usd, *requirement_usd, *surplus_usd]);
            super::margin::used(page, account, margin);
        }
    }
    page.raw("</tr>");
}

fn figures(page: &mut Markup, pairs: &[&Pair]) {
    for pair in pairs.iter().filter(|pair| !pair.figures.is_empty()) {
        let caption =
            format!("{} @ {}: {} figures", pair.after.account, pair.after.venue, pair.figures.len());
        page.raw("<details><summary>").text(&caption).raw("</summary>");
        page.table("figures narrow", &caption, |page| {
            page.raw("<thead><tr>").text_column("figure").column("before", "unit in the name");
            page.column("after", "unit in the name").raw("</tr></thead><tbody>");
            for differing in &pair.figures {
                page.raw("<tr>").row_head(&differing.name);
                for side in [differing.before, differing.after] {
                    match side {
                        Some(value) => page.digits(figure(value, 6)),
                        None => page.not_available("there is no such figure on this side"),
                    };
                }
                page.raw("</tr>");
            }
            page.raw("</tbody>");
        });
        page.raw("</details>");
    }
    if pairs.iter().all(|pair| pair.figures.is_empty()) {
        page.note("No figure of an account with a rulebook on both sides differs.");
    }
}
