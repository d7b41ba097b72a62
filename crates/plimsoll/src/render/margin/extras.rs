//! Fragmentation, places for a new position and faults for a terminal.

use super::parts::plain;
use crate::margin_commands::{
    CheapestFigures, FaultFigures, FaultsFigures, FragmentationFigures, NotCandidate, PlaceFigures,
};
use crate::render::grid::{Style, figure, grid, grid_after, heading, left, line, right, show_fitted};
use crate::render::number;
use comfy_table::Cell;
use std::collections::BTreeMap;

/// Today against one account that holds everything.
pub(super) fn fragmentation(out: &mut String, fragmentation: &FragmentationFigures, style: Style) {
    heading(
        out,
        "Fragmentation",
        &format!(
            "today against one account that holds everything; cost of the difference at {} % a year",
            number::plain_percent(fragmentation.funding_rate.get())
        ),
    );
    let header = [
        "rulebook",
        "initial\nUSD",
        "maintenance\nUSD",
        "today more\ninitial, USD",
        "today more\nmaint., USD",
        "cost of initial\nUSD/year",
        "covers\nthe same",
    ];
    let mut table = grid(style, &header.map(str::to_owned));
    let today = fragmentation.today_usd;
    let mut row = vec![left("today"), plain(today.initial, style), plain(today.maintenance, style)];
    row.extend([""; 4].map(left));
    table.add_row(row);
    for alternative in &fragmentation.alternatives {
        let asked = alternative.requirement_usd;
        let mut row = vec![left(&alternative.rulebook), plain(asked.initial, style)];
        row.push(plain(asked.maintenance, style));
        row.extend(match (alternative.gap_usd, alternative.cost_usd_per_year) {
            (Some(gap), Some(cost)) => [
                figure(gap.initial, style),
                figure(gap.maintenance, style),
                figure(cost.initial, style),
                right("yes"),
            ],
            _ => {
                let left_out = format!("no: {} left out", alternative.unmargined.len());
                [right(number::NOT_AVAILABLE), right(""), right(""), right(left_out)]
            }
        });
        table.add_row(row);
    }
    show_fitted(out, table, style, &[]);
}

/// Places for a new position, the cheapest first, and why the others are none.
pub(super) fn cheapest(out: &mut String, cheapest: &CheapestFigures, style: Style) {
    heading(out, "Cheapest venue for a new position, USD", "what it takes of each account, the least first");
    line(
        out,
        "  traded at its mark; taken of the surplus: what is asked more, and what of a premium the venue no longer counts;",
    );
    line(
        out,
        "  left: available and to liquidation with the position; symbols are spelled by grammar, not looked up",
    );
    for position in &cheapest.positions {
        line(out, &format!("  {}: {} x {}", position.position, position.quantity, position.contract));
    }
    if cheapest.places.is_empty() {
        line(out, "  no account and no venue can hold it");
    } else {
        places(out, cheapest, style);
    }
    not_candidates(out, &cheapest.not_candidates);
}

const PLACES: [&str; 12] = [
    "rank",
    "account",
    "venue",
    "instrument",
    "rulebook",
    "with it",
    "taken\ninitial",
    "taken\nmaint.",
    "asked\ninitial",
    "asked\nmaint.",
    "left\navail.",
    "left to\nliq.",
];

fn places(out: &mut String, cheapest: &CheapestFigures, style: Style) {
    let mut table = grid_after(6, style, &PLACES.map(str::to_owned));
    for (rank, place) in (1..).zip(&cheapest.places).take(cheapest.top) {
        table.add_row(place_cells(rank, place, style));
    }
    show_fitted(out, table, style, &[9, 11, 4, 8, 10]);
    if cheapest.places.iter().take(cheapest.top).any(|place| place.is_partial) {
        line(out, "  partial: for the part of the account that is margined; what the rest asks nobody knows");
    }
    let more = cheapest.places.len().saturating_sub(cheapest.top);
    if more > 0 {
        line(
            out,
            &format!("  and {more} that take as much or more: --top N shows them, other formats have all"),
        );
    }
}

fn place_cells(rank: usize, place: &PlaceFigures, style: Style) -> Vec<Cell> {
    let (taken, asked, rest) = (place.surplus_usd, place.requirement_usd, place.left_usd);
    vec![
        left(rank),
        left(account_word(place.account.as_ref())),
        left(&place.venue),
        left(&place.instrument),
        left(&place.rulebook),
        left(&place.status.1),
        plain(taken.initial, style),
        plain(taken.maintenance, style),
        plain(asked.initial, style),
        plain(asked.maintenance, style),
        figure(rest.initial, style),
        figure(rest.maintenance, style),
    ]
}

/// An account that is not there yet has no name.
fn account_word(account: Option<&units::Account>) -> String {
    account.map_or_else(|| "(new account)".into(), ToString::to_string)
}

/// So many places that share a reason are named.
const NAMED: usize = 8;

/// Places mostly share their reason.
fn not_candidates(out: &mut String, others: &[NotCandidate]) {
    let mut by_reason: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for other in others {
        let place = format!("{} @ {}", account_word(other.account.as_ref()), other.venue);
        by_reason.entry(other.reason.as_str()).or_default().push(place);
    }
    for (reason, places) in by_reason {
        let mut who: Vec<String> = places.iter().take(NAMED).cloned().collect();
        who.extend((places.len() > NAMED).then(|| format!("and {} more", places.len() - NAMED)));
        line(out, &format!("  no candidate: {reason}: {}", who.join(", ")));
    }
}

const FAULTS: [&str; 11] = [
    "fault",
    "account",
    "venue",
    "outcome",
    "available\nbefore",
    "available\nview",
    "to liq.\nbefore",
    "to liq.\nview",
    "to liq.\ntruth",
    "hidden",
    "note",
];

/// What every fault does, and which do nothing.
pub(super) fn faults(out: &mut String, faults: &FaultsFigures, style: Style) {
    heading(out, "Faults, USD", "accounts of which a fault changes equity, what counts or a requirement");
    line(
        out,
        "  available: counted less initial; to liq.: counted less maintenance; before the fault; view: as the venue sees it",
    );
    line(out, "  after; on true prices; hidden: truth less view");
    if !faults.effects.is_empty() {
        let mut table = grid_after(4, style, &FAULTS.map(str::to_owned));
        for fault in &faults.effects {
            table.add_row(fault_cells(fault, style));
        }
        show_fitted(out, table, style, &[10, 4, 9]);
    }
    for quiet in &faults.without_effect {
        line(out, &format!("  {}: changes no account: {}", quiet.fault, quiet.reason));
    }
}

fn fault_cells(fault: &FaultFigures, style: Style) -> Vec<Cell> {
    let partial = if fault.unmargined.is_empty() { "" } else { ", partial" };
    let (before, view, truth) = (&fault.before, &fault.venue_view, &fault.truth);
    vec![
        left(&fault.fault),
        left(&fault.account),
        left(&fault.venue),
        left(format!("{}{partial}", fault.outcome.words())),
        figure(before.surplus_usd.initial, style),
        figure(view.surplus_usd.initial, style),
        figure(before.surplus_usd.maintenance, style),
        figure(view.surplus_usd.maintenance, style),
        figure(truth.surplus_usd.maintenance, style),
        figure(fault.hidden_usd, style),
        right(fault.note.as_deref().unwrap_or("")),
    ]
}
