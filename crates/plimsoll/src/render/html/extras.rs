//! Fragmentation, places for a new position and faults as sections.

use super::markup::{Markup, Paint};
use crate::margin_commands::{
    CheapestFigures, FaultFigures, FaultsFigures, FragmentationFigures, PlaceFigures,
};
use crate::render::number::plain_percent;

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

/// Places for a new position, the cheapest first, and why the others are none.
pub(super) fn cheapest(page: &mut Markup, cheapest: &CheapestFigures) {
    for position in &cheapest.positions {
        page.raw("<p class=\"note\">").text(&position.position).raw(": ").text(position.quantity).raw(" x ");
        page.text(&position.contract).raw("</p>");
    }
    let caption = "What the position takes of each account, the least first";
    page.table("cheapest", caption, |page| {
        page.raw("<thead><tr>").column("rank", "").text_column("account").text_column("venue");
        page.text_column("instrument").text_column("rulebook").text_column("with it");
        page.column("taken", "initial, USD").column("taken", "maintenance, USD");
        page.column("asked", "initial, USD").column("asked", "maintenance, USD");
        page.column("left", "available, USD")
            .column("left", "to liquidation, USD")
            .raw("</tr></thead><tbody>");
        for (rank, place) in (1..).zip(&cheapest.places) {
            one_place(page, rank, place);
        }
        page.raw("</tbody>");
    });
    page.note(
        "The position is traded at its mark. Taken of the surplus: what is asked more and what of a premium the venue no longer counts. \
         Symbols are spelled by the venue's grammar; whether it lists the contract today is not known here.",
    );
    if !cheapest.not_candidates.is_empty() {
        page.raw("<ul class=\"note\">");
        for other in &cheapest.not_candidates {
            page.raw("<li>no candidate: ");
            match &other.account {
                Some(account) => page.text(account),
                None => page.raw("(new account)"),
            };
            page.raw(" @ ").text(&other.venue).raw(": ").text(&other.reason).raw("</li>");
        }
        page.raw("</ul>");
    }
}

fn one_place(page: &mut Markup, rank: usize, place: &PlaceFigures) {
    page.raw("<tr>").digits(rank);
    match &place.account {
        Some(account) => page.row_head(account),
        None => page.raw("<th scope=\"row\" class=\"muted\">(new account)</th>"),
    };
    page.cell(&place.venue).cell(&place.instrument).cell(&place.rulebook).cell(&place.status.1);
    for asked in [place.surplus_usd, place.requirement_usd] {
        page.asked(asked.initial).asked(asked.maintenance);
    }
    page.usd(place.left_usd.initial, "USD", Paint::Sign).usd(place.left_usd.maintenance, "USD", Paint::Sign);
    page.raw("</tr>");
}

/// What every fault does, and which do nothing.
pub(super) fn faults(page: &mut Markup, faults: &FaultsFigures) {
    if !faults.effects.is_empty() {
        let caption = "Surplus without the fault, as the venue sees it after, and on true prices";
        page.table("faults", caption, |page| {
            page.raw("<thead><tr>").text_column("fault").text_column("account").text_column("venue");
            page.text_column("outcome").column("available", "before, USD");
            page.column("available", "venue's view, USD").column("to liquidation", "before, USD");
            page.column("to liquidation", "venue's view, USD").column("to liquidation", "truth, USD");
            page.column("hidden", "USD").text_column("note").raw("</tr></thead><tbody>");
            for fault in &faults.effects {
                one_fault(page, fault);
            }
            page.raw("</tbody>");
        });
    }
    if !faults.without_effect.is_empty() {
        page.raw("<ul class=\"note\">");
        for quiet in &faults.without_effect {
            page.raw("<li title=\"").text(&quiet.source).raw("\">").text(&quiet.fault);
            page.raw(": changes no account: ").text(&quiet.reason).raw("</li>");
        }
        page.raw("</ul>");
    }
}

fn one_fault(page: &mut Markup, fault: &FaultFigures) {
    page.raw("<tr><th scope=\"row\" title=\"").text(&fault.source).raw("\">").text(&fault.fault);
    page.raw("</th>").cell(&fault.account).cell(&fault.venue);
    let partial = if fault.unmargined.is_empty() { "" } else { ", partial" };
    page.cell(format_args!("{}{partial}", fault.outcome.words()));
    for usd in [
        fault.before.surplus_usd.initial,
        fault.venue_view.surplus_usd.initial,
        fault.before.surplus_usd.maintenance,
        fault.venue_view.surplus_usd.maintenance,
        fault.truth.surplus_usd.maintenance,
        fault.hidden_usd,
    ] {
        page.usd(usd, "USD", Paint::Sign);
    }
    page.raw("<td class=\"wrap\">").text(fault.note.as_deref().unwrap_or("")).raw("</td></tr>");
}
