//! Fragmentation, faults, liquidation prices and what-if as sections and pages.

use super::margin::{banner, end, header, status};
use super::markup::{Markup, Paint};
use super::whole;
use crate::margin_commands::{
    AccountFigures, FaultFigures, FragmentationFigures, LiquidationDocument, LiquidationRow, Pair, Place,
    SideFigures, Totals, WhatifDocument,
};
use crate::render::number::{figure, plain_percent, price, signed_percent};

/// Today against one account that holds everything.
pub(super) fn fragmentation(page: &mut Markup, fragmentation: &FragmentationFigures) {
    let caption = format!(
        "Requirements today against one account that holds everything; cost of the difference at {} % a year",
        plain_percent(fragmentation.funding_rate.get())
    );
    page.table("fragmentation narrow", &caption, |page| {
        page.raw("<thead><tr>").text_column("rulebook").column("initial", "USD").column("maintenance", "USD");
        page.column("today asks more, initial", "USD").column("today asks more, maintenance", "USD");
        page.column("cost of initial", "USD/year").raw("</tr></thead><tbody><tr>").row_head("today");
        page.asked(fragmentation.today_usd.initial).asked(fragmentation.today_usd.maintenance);
        page.raw("<td colspan=\"3\"></td></tr>");
        for alternative in &fragmentation.alternatives {
            page.raw("<tr>").row_head(&alternative.rulebook);
            page.asked(alternative.requirement_usd.initial).asked(alternative.requirement_usd.maintenance);
            match (alternative.gap_usd, alternative.cost_usd_per_year) {
                (Some(gap), Some(cost)) => {
                    page.usd(gap.initial, "USD", Paint::Sign).usd(gap.maintenance, "USD", Paint::Sign);
                    page.usd(cost.initial, "USD/year", Paint::Sign);
                }
                _ => {
                    page.raw("<td colspan=\"3\" class=\"muted\">not comparable, it leaves out: ");
                    for (place, missing) in alternative.unmargined.iter().enumerate() {
                        page.raw(if place > 0 { ", " } else { "" }).text(&missing.name);
                    }
                    page.raw("</td>");
                }
            }
            page.raw("</tr>");
        }
        page.raw("</tbody>");
    });
}

/// Accounts that a fault changes.
pub(super) fn faults(page: &mut Markup, faults: &[FaultFigures]) {
    if faults.is_empty() {
        page.note("No fault changes any account.");
        return;
    }
    let caption = "How far liquidation is: without the fault, as the venue sees it after, and on true prices";
    page.table("faults", caption, |page| {
        page.raw("<thead><tr>").text_column("fault").text_column("account").text_column("venue");
        page.text_column("outcome")
            .column("before", "USD")
            .column("venue's view", "USD")
            .column("truth", "USD");
        page.column("hidden", "USD").text_column("note").raw("</tr></thead><tbody>");
        for fault in faults {
            page.raw("<tr><th scope=\"row\" title=\"").text(&fault.source).raw("\">").text(&fault.fault);
            page.raw("</th>").cell(&fault.account).cell(&fault.venue).cell(fault.outcome.words());
            for usd in [fault.before_usd, fault.venue_view_usd, fault.truth_usd, fault.hidden_usd] {
                page.usd(usd, "USD", Paint::Sign);
            }
            page.raw("<td class=\"wrap\">").text(fault.note.as_deref().unwrap_or("")).raw("</td></tr>");
        }
        page.raw("</tbody>");
    });
}

/// `plimsoll liquidation` as one page.
#[must_use]
pub(crate) fn liquidation(document: &LiquidationDocument) -> String {
    let title =
        if document.is_partial() { "PARTIAL: Plimsoll liquidation " } else { "Plimsoll liquidation " };
    whole(title, document.basis.market.asof, |page| {
        banner(page, &document.basis, &document.accounts);
        header(page, "liquidation", &document.basis);
        page.raw("</header>\n<main>\n");
        page.section("liquidation", "Liquidation prices, the nearest first", |page| {
            liquidation_table(page, document);
        });
        end(page, &document.basis, &document.accounts);
    })
}

fn liquidation_table(page: &mut Markup, document: &LiquidationDocument) {
    let caption = format!("Index prices in USD; {}; σ: moves of one day", document.path);
    page.table("liquidation", &caption, |page| {
        page.raw("<thead><tr>").text_column("account").text_column("venue").text_column("rulebook");
        page.text_column("driver").column("index", "USD").column("to liquidation", "USD");
        page.column("down to", "USD").column("by", "%").column("away", "σ");
        page.column("up to", "USD").column("by", "%").column("away", "σ");
        if let Some(fraction) = document.survive {
            page.column(format_args!("to add for {}", signed_percent(fraction)), "USD");
        }
        page.raw("</tr></thead><tbody>");
        for row in &document.rows {
            liquidation_row(page, row);
        }
        page.raw("</tbody>");
    });
}

fn liquidation_row(page: &mut Markup, row: &LiquidationRow) {
    page.raw("<tr>").row_head(&row.account).cell(&row.venue).cell(&row.rulebook).cell(&row.driver);
    match row.index_usd {
        Some(usd) => page.digits(price(usd)),
        None => page.not_available("neither account nor market has an index of the driver"),
    };
    match row.surplus_usd {
        Some(usd) => page.usd(usd, "USD", Paint::Sign),
        None => page.not_available("the model gives no number"),
    };
    match &row.place {
        Place::Now => {
            page.raw("<td colspan=\"6\" class=\"status bad\">liquidatable at today's prices</td>");
        }
        Place::Undefined(reason) => {
            page.raw("<td colspan=\"6\" class=\"muted\">").text(reason).raw("</td>");
        }
        Place::Sides { down, up } => {
            side(page, row, down);
            side(page, row, up);
        }
    }
    match &row.to_add_usd {
        None => {}
        Some(Ok(usd)) => {
            page.asked(*usd);
        }
        Some(Err(reason)) => {
            page.raw("<td class=\"wrap\">").text(reason).raw("</td>");
        }
    }
    page.raw("</tr>");
}

fn side(page: &mut Markup, row: &LiquidationRow, side: &SideFigures) {
    let Some(crossing) = side.crossing else {
        let reached = side.searched_to_factor.map_or_else(String::new, |factor| signed_percent(factor - 1.0));
        page.raw("<td colspan=\"3\" class=\"muted\">none to ").text(reached);
        if let Some(reason) = &side.reason {
            page.raw("; unknown beyond: ").text(reason);
        }
        page.raw("</td>");
        return;
    };
    match row.price_usd(&crossing) {
        Some(usd) => page.digits(price(usd)),
        None => page.not_available("neither account nor market has an index of the driver"),
    };
    page.digits(signed_percent(crossing.factor - 1.0));
    match crossing.daily_sigmas {
        Some(sigmas) => page.digits(format_args!("{sigmas:.1}")),
        None => page.not_available("the account holds no option of the driver"),
    };
}

/// `plimsoll whatif` as one page.
#[must_use]
pub(crate) fn whatif(document: &WhatifDocument) -> String {
    let title = if document.is_partial() { "PARTIAL: Plimsoll what-if " } else { "Plimsoll what-if " };
    let after = document.accounts_after();
    whole(title, document.basis.market.asof, |page| {
        banner(page, &document.basis, &after);
        header(page, "what-if", &document.basis);
        page.raw("</header>\n<main>\n");
        page.section("changes", "Changes", |page| {
            page.raw("<ul>");
            for change in &document.changes {
                page.raw("<li>").text(change).raw("</li>");
            }
            page.raw("</ul>");
        });
        page.section("accounts", "Accounts before and after", |page| both_sides(page, document));
        page.section("figures", "Every figure that differs", |page| figures(page, &document.pairs));
        end(page, &document.basis, &after);
    })
}

fn both_sides(page: &mut Markup, document: &WhatifDocument) {
    let same = document.pairs.iter().filter(|pair| !pair.is_changed()).count();
    let caption = format!("USD; {same} other accounts stay as they are and are in the totals");
    page.table("whatif", &caption, |page| {
        page.raw("<thead><tr>").text_column("account").text_column("venue").text_column("side");
        page.text_column("rulebook").text_column("status").column("equity", "USD").column("initial", "USD");
        page.column("available", "USD").column("maintenance", "USD").column("to liquidation", "USD");
        page.raw("</tr></thead><tbody>");
        for pair in document.pairs.iter().filter(|pair| pair.is_changed()) {
            match &pair.before {
                Some(before) => one_side(page, before, "before"),
                None => {
                    page.raw("<tr>").row_head(&pair.after.account).cell(&pair.after.venue);
                    page.raw("<td>before</td><td colspan=\"7\" class=\"muted\">no such account</td></tr>");
                }
            }
            one_side(page, &pair.after, "after");
        }
        let (before, after) = document.totals();
        for (word, totals) in [("before", before), ("after", after)] {
            let name = if document.is_partial() { "partial total" } else { "total" };
            page.raw("<tr class=\"total\">")
                .row_head(name)
                .raw("<td></td>")
                .cell(word)
                .raw("<td colspan=\"2\"></td>");
            page.usd(totals.equity_usd, "USD", Paint::Sign);
            levels(page, &totals);
            page.raw("</tr>");
        }
        page.raw("</tbody>");
    });
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
            page.raw("<td colspan=\"4\"></td>");
        }
        Some(margin) => levels(
            page,
            &Totals {
                counted_usd: margin.counted_usd,
                requirement_usd: margin.requirement_usd,
                surplus_usd: margin.surplus_usd,
                ..Totals::default()
            },
        ),
    }
    page.raw("</tr>");
}

fn levels(page: &mut Markup, totals: &Totals) {
    let (asked, rest) = (totals.requirement_usd, totals.surplus_usd);
    page.asked(asked.initial).usd(rest.initial, "USD", Paint::Sign);
    page.asked(asked.maintenance).usd(rest.maintenance, "USD", Paint::Sign);
}

fn figures(page: &mut Markup, pairs: &[Pair]) {
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
