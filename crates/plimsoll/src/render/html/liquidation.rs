//! Liquidation prices as one page.

use super::margin::{banner, end, header};
use super::markup::{Markup, Paint};
use super::whole;
use crate::margin_commands::{
    DriverVolSource, LiquidationDocument, LiquidationRow, MARKET_VOL_DAYS, Place, SideFigures,
};
use crate::render::number::{price, signed_percent};

/// `plimsoll liquidation` as one page.
#[must_use]
pub(crate) fn liquidation(document: &LiquidationDocument) -> String {
    let title =
        if document.is_partial() { "PARTIAL: Plimsoll liquidation " } else { "Plimsoll liquidation " };
    whole(title, document.basis.market.asof, |page| {
        banner(page, &document.basis, document.accounts.iter());
        header(page, "liquidation", &document.basis);
        page.raw("</header>\n<main>\n");
        page.section("liquidation", "Liquidation prices, the nearest first", |page| {
            liquidation_table(page, document);
        });
        end(page, &document.basis, document.accounts.iter());
    })
}

fn liquidation_table(page: &mut Markup, document: &LiquidationDocument) {
    let caption = format!("Index prices in USD; {}", document.path);
    page.table("liquidation", &caption, |page| {
        page.raw("<thead><tr>").text_column("account").text_column("venue").text_column("rulebook");
        page.text_column("driver").column("index", "USD").column("to liquidation", "USD");
        page.column("down to", "USD").column("by", "%").column("away", "σ");
        page.column("up to", "USD").column("by", "%").column("away", "σ").column("σ of a day", "%");
        if let Some(fraction) = document.survive {
            page.column(format_args!("to add for {}", signed_percent(fraction)), "USD");
        }
        page.raw("</tr></thead><tbody>");
        for row in &document.rows {
            liquidation_row(page, row);
        }
        page.raw("</tbody>");
    });
    page.note(format_args!(
        "σ: moves of one day, by the vol of the account's option nearest the money where there is one (own), else by the \
         market's at the money, {MARKET_VOL_DAYS} days out."
    ));
}

fn liquidation_row(page: &mut Markup, row: &LiquidationRow) {
    page.raw("<tr>").row_head(&row.account).cell(&row.venue).cell(row.rulebook.as_deref().unwrap_or(""));
    page.cell(row.driver.as_ref().map_or("", |driver| driver.as_str()));
    match row.index_usd {
        Some(usd) => page.digits(price(usd)),
        None => page.not_available("neither account nor market has an index of the driver"),
    };
    match row.surplus_usd {
        Some(usd) => page.usd(usd, "USD", Paint::Sign),
        None => page.not_available("there is no rulebook, or it gives no number"),
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
    day(page, row);
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

/// Size of a day's σ, and whose vol it is.
fn day(page: &mut Markup, row: &LiquidationRow) {
    let Some(vol) = &row.vol else {
        page.not_available("neither account nor market has a vol of the driver");
        return;
    };
    let percent = 100.0 * vol.daily();
    match &vol.source {
        DriverVolSource::Account(symbol) => {
            page.raw("<td class=\"num\" title=\"").text(symbol).raw("\">own ");
        }
        DriverVolSource::Market(_) => {
            page.raw("<td class=\"num\" title=\"market, at the money\">");
        }
    }
    page.text(format_args!("{percent:.2}")).raw("</td>");
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
        None => page.not_available("neither account nor market has a vol of the driver"),
    };
}
