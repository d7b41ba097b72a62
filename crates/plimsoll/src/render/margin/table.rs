//! Margin for a terminal: one line an account, and on request everything that the line is made of.

use super::extras;
use super::parts::{self, levels as level_cells, plain, status, used};
use crate::margin_commands::{AccountFigures, Detail, MarginDocument, MarginFigures, UnitFigures};
use crate::render::grid::{
    Style, coins, figure, grid, grid_after, heading, left, line, right, show_fitted, signed,
};
use crate::render::number;
use comfy_table::Cell;

/// The whole result as text.
pub(crate) fn text(document: &MarginDocument, style: Style) -> String {
    let mut out = String::new();
    parts::head(&mut out, "Plimsoll margin", &document.basis, document.accounts.iter());
    summary(&mut out, document, style);
    deciding(&mut out, document, style);
    parts::rulebooks(&mut out, &document.basis.rulebooks, style);
    if let Some(fragmentation) = &document.fragmentation {
        extras::fragmentation(&mut out, fragmentation, style);
    }
    if let Some(cheapest) = &document.cheapest {
        extras::cheapest(&mut out, cheapest, style);
    }
    if let Some(faults) = &document.faults {
        extras::faults(&mut out, faults, style);
    }
    if document.detail == Detail::Full {
        for account in &document.accounts {
            account_in_full(&mut out, account, style);
        }
    }
    parts::missing(&mut out, &document.basis, document.accounts.iter());
    parts::notes(&mut out, &document.basis);
    out
}

const SUMMARY: [&str; 12] = [
    "account",
    "venue",
    "rulebook",
    "status",
    "equity",
    "counted\ninitial",
    "initial",
    "available",
    "counted\nmaint.",
    "main-\ntenance",
    "to liqui-\ndation",
    "used\n%",
];
/// What a narrow screen does without, in this order: the rulebooks are listed below, what counts is what is asked and what is
/// left, added up.
const SPARE: [usize; 4] = [8, 5, 2, 4];

fn summary(out: &mut String, document: &MarginDocument, style: Style) {
    let shown = document.accounts_shown();
    let order = if document.is_by_nearness() { ", the nearest to liquidation first" } else { "" };
    heading(out, &format!("Margin by account, USD{order}"), "");
    line(out, "  available: counted less initial; to liquidation: counted less maintenance;");
    line(out, "  used: maintenance of what counts for it, n/a where something is not margined");
    let mut table = grid_after(4, style, &SUMMARY.map(str::to_owned));
    for account in &shown {
        table.add_row(summary_row(account, style));
    }
    let totals = document.totals();
    let mut row = vec![left(document.total_word()), left(""), left(""), left("")];
    row.push(figure(totals.equity_usd, style));
    row.extend(level_cells([totals.counted_usd, totals.requirement_usd, totals.surplus_usd], style));
    row.push(left(""));
    table.add_row(row);
    show_fitted(out, table, style, &SPARE);
    parts::separate_wallets(
        out,
        document.accounts.iter(),
        "available is what they have to spare together, to liquidation the least of one, used that of the nearest; --detail lists them",
    );
    parts::counts_for_nothing(out, shown.into_iter(), style);
}

fn summary_row(account: &AccountFigures, style: Style) -> Vec<Cell> {
    let mut row = vec![left(&account.account), left(&account.venue)];
    row.push(left(account.margin.as_ref().map_or("", |margin| margin.rulebook.as_str())));
    row.push(status(account));
    row.push(account.equity_usd.map_or_else(|| right(number::NOT_AVAILABLE), |usd| figure(usd, style)));
    match &account.margin {
        Some(margin) => {
            row.extend(level_cells([margin.counted_usd, margin.requirement_usd, margin.surplus_usd], style));
            row.push(right(used(margin)));
        }
        None => row.extend([""; 7].map(left)),
    }
    row
}

fn deciding(out: &mut String, document: &MarginDocument, style: Style) {
    let shown = document.accounts_shown();
    let margined = || shown.iter().filter_map(|account| Some((*account, account.margin.as_ref()?)));
    if margined().all(|(_, margin)| margin.worst().is_none() && margin.largest_charge().is_none()) {
        return;
    }
    let aside =
        if document.detail == Detail::Full { "" } else { "--detail has all scenarios, charges and haircuts" };
    heading(out, "What decides", aside);
    let header = ["account", "venue", "worst scenario", "its P&L\nUSD", "largest charge", "initial\nUSD"];
    let mut table = grid_after(3, style, &header.map(str::to_owned));
    for (account, margin) in margined() {
        let mut row = vec![left(&account.account), left(&account.venue)];
        row.extend(match margin.worst() {
            Some((unit, scenario)) => {
                [left(format!("{}: {}", unit.name, scenario.name)), figure(scenario.pnl_usd, style)]
            }
            None => [left(number::NONE), right("")],
        });
        row.extend(match margin.largest_charge() {
            Some((unit, charge)) => {
                [right(format!("{}: {}", unit.name, charge.name)), plain(charge.usd.initial, style)]
            }
            None => [right(number::NONE), right("")],
        });
        table.add_row(row);
    }
    show_fitted(out, table, style, &[]);
}

fn account_in_full(out: &mut String, account: &AccountFigures, style: Style) {
    let Some(margin) = &account.margin else {
        heading(out, &format!("{} @ {}", account.account, account.venue), account.status.words());
        return;
    };
    let aside = format!("{}  ·  {}  ·  {}", account.status_words(), margin.rulebook, margin.parameter_hash);
    heading(out, &format!("{} @ {}", account.account, account.venue), &aside);
    units(out, margin, style);
    scenarios(out, &margin.units, style);
    charges(out, &margin.units, style);
    legs(out, &margin.units, style);
    collateral(out, margin, style);
    for note in &margin.notes {
        line(out, &format!("  {note}"));
    }
}

fn units(out: &mut String, margin: &MarginFigures, style: Style) {
    if margin.units.is_empty() {
        line(out, "  no legs are margined");
        return;
    }
    let header = ["unit", "initial\nUSD", "maintenance\nUSD", "worst scenario", "its P&L\nUSD"];
    let mut table = grid(style, &header.map(str::to_owned));
    for unit in &margin.units {
        let worst = unit.worst_scenario();
        table.add_row(vec![
            left(&unit.name),
            plain(unit.requirement_usd.initial, style),
            plain(unit.requirement_usd.maintenance, style),
            right(worst.map_or(number::NONE, |scenario| scenario.name.as_str())),
            worst.map_or_else(|| right(number::NONE), |scenario| figure(scenario.pnl_usd, style)),
        ]);
    }
    show_fitted(out, table, style, &[]);
}

/// P&L vectors; units with the same scenarios share a table.
fn scenarios(out: &mut String, units: &[UnitFigures], style: Style) {
    let names = |unit: &UnitFigures| unit.scenarios.iter().map(|s| s.name.clone()).collect::<Vec<_>>();
    let mut groups: Vec<(Vec<String>, Vec<&UnitFigures>)> = Vec::new();
    for unit in units.iter().filter(|unit| !unit.scenarios.is_empty()) {
        let of = names(unit);
        match groups.iter_mut().find(|(group, _)| *group == of) {
            Some((_, members)) => members.push(unit),
            None => groups.push((of, vec![unit])),
        }
    }
    for (names, members) in groups {
        line(out, "");
        let units = members.iter().map(|unit| format!("{}\nUSD", unit.name));
        let header: Vec<String> = std::iter::once("P&L by scenario".to_owned()).chain(units).collect();
        let mut table = grid(style, &header);
        for (place, name) in names.iter().enumerate() {
            let cells = members.iter().map(|unit| match unit.scenarios.get(place) {
                Some(scenario) if unit.worst == Some(place) => {
                    signed(format!("[{}]", style.usd(scenario.pnl_usd)), scenario.pnl_usd)
                }
                Some(scenario) => figure(scenario.pnl_usd, style),
                None => right(""),
            });
            table.add_row(std::iter::once(left(name)).chain(cells));
        }
        show_fitted(out, table, style, &[]);
    }
}

fn charges(out: &mut String, units: &[UnitFigures], style: Style) {
    if units.iter().all(|unit| unit.charges.is_empty()) {
        return;
    }
    line(out, "");
    let header = ["charge", "unit", "initial\nUSD", "maintenance\nUSD"];
    let mut table = grid_after(2, style, &header.map(str::to_owned));
    for unit in units {
        for charge in &unit.charges {
            table.add_row(vec![
                left(&charge.name),
                left(&unit.name),
                plain(charge.usd.initial, style),
                plain(charge.usd.maintenance, style),
            ]);
        }
    }
    show_fitted(out, table, style, &[]);
}

fn legs(out: &mut String, units: &[UnitFigures], style: Style) {
    if units.iter().all(|unit| unit.legs.is_empty()) {
        return;
    }
    line(out, "");
    let header = ["leg", "unit", "initial\nUSD", "maintenance\nUSD"];
    let mut table = grid_after(2, style, &header.map(str::to_owned));
    for unit in units {
        for leg in &unit.legs {
            table.add_row(vec![
                left(&leg.instrument),
                left(&unit.name),
                plain(leg.requirement_usd.initial, style),
                plain(leg.requirement_usd.maintenance, style),
            ]);
        }
    }
    show_fitted(out, table, style, &[]);
}

fn collateral(out: &mut String, margin: &MarginFigures, style: Style) {
    if margin.collateral.is_empty() {
        return;
    }
    line(out, "");
    let header = [
        "balance",
        "amount",
        "value\nUSD",
        "counted\ninitial, USD",
        "counted\nmaint., USD",
        "haircut\ninitial, %",
        "haircut\nmaint., %",
    ];
    let mut table = grid(style, &header.map(str::to_owned));
    for balance in &margin.collateral {
        let percent =
            |part: Option<f64>| part.map_or_else(|| number::NOT_AVAILABLE.into(), number::plain_percent);
        table.add_row(vec![
            left(&balance.asset),
            coins(balance.amount, style),
            figure(balance.value_usd, style),
            figure(balance.counted_usd.initial, style),
            figure(balance.counted_usd.maintenance, style),
            right(percent(balance.haircut.map(|h| h.initial))),
            right(percent(balance.haircut.map(|h| h.maintenance))),
        ]);
    }
    show_fitted(out, table, style, &[]);
    if margin.counts_above_value() {
        line(out, "  a haircut below zero: the venue counts the balance at par, the market pays less");
    }
}
