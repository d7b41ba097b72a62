//! Margin for a terminal: one line an account, and on request everything that the line is made of.

use crate::margin_command::{
    AccountFigures, Detail, MarginDocument, MarginFigures, MissingKind, Published, RulebookLine, Status,
    UnitFigures,
};
use crate::render::grid::{
    Style, coins, figure, grid, grid_after, heading, inputs, left, line, prices, right, show, signed,
};
use crate::render::number;
use comfy_table::{Cell, Color};
use units::Fixed;

/// The whole result as text.
pub(crate) fn text(document: &MarginDocument, style: Style) -> String {
    let mut out = String::new();
    head(&mut out, document);
    summary(&mut out, document, style);
    deciding(&mut out, document, style);
    rulebooks(&mut out, &document.rulebooks, style);
    if document.detail == Detail::Full {
        for account in &document.accounts {
            account_in_full(&mut out, account, style);
        }
    }
    missing(&mut out, document);
    notes(&mut out, document);
    out
}

fn head(out: &mut String, document: &MarginDocument) {
    if document.is_partial() {
        line(
            out,
            &format!(
                "PARTIAL: accounts, positions and balances not margined: {}, bad input rows left out: {}; every total below lacks \
                 them",
                document.missing(),
                document.issues.rows()
            ),
        );
    }
    line(out, &format!("Plimsoll margin  ·  as of {}", document.market.asof));
    inputs(out, &document.inputs);
    prices(out, &document.market);
}

const SUMMARY: [&str; 12] = [
    "account",
    "venue",
    "rulebook",
    "status",
    "equity\nUSD",
    "counted\ninitial, USD",
    "initial\nUSD",
    "available\nUSD",
    "counted\nmaint., USD",
    "maintenance\nUSD",
    "to liquidation\nUSD",
    "used\n%",
];

fn summary(out: &mut String, document: &MarginDocument, style: Style) {
    heading(
        out,
        "Margin by account",
        "available: counted less initial; to liquidation: counted less maintenance; used: maintenance of what counts for it",
    );
    let mut table = grid_after(4, style, &SUMMARY.map(str::to_owned));
    for account in &document.accounts {
        table.add_row(summary_row(account, style));
    }
    let totals = document.totals();
    let mut row = vec![left(document.total_word()), left(""), left(""), left("")];
    row.push(figure(totals.equity_usd, style));
    row.extend(level_cells(totals.counted_usd, totals.requirement_usd, style));
    row.push(left(""));
    table.add_row(row);
    show(out, &table);
}

fn summary_row(account: &AccountFigures, style: Style) -> Vec<Cell> {
    let mut row = vec![left(&account.account), left(&account.venue)];
    row.push(left(account.margin.as_ref().map_or("", |margin| margin.rulebook.as_str())));
    row.push(status(account));
    row.push(account.equity_usd.map_or_else(|| right(number::NOT_AVAILABLE), |usd| figure(usd, style)));
    match &account.margin {
        Some(margin) => {
            row.extend(level_cells(margin.counted_usd, margin.requirement_usd, style));
            row.push(right(used(margin)));
        }
        None => row.extend([""; 7].map(left)),
    }
    row
}

fn deciding(out: &mut String, document: &MarginDocument, style: Style) {
    let margined =
        || document.accounts.iter().filter_map(|account| Some((account, account.margin.as_ref()?)));
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
    show(out, &table);
}

/// Counted, asked and left at each level.
fn level_cells(counted: Published, asked: Published, style: Style) -> [Cell; 6] {
    let left = counted.minus(asked);
    [
        figure(counted.initial, style),
        plain(asked.initial, style),
        figure(left.initial, style),
        figure(counted.maintenance, style),
        plain(asked.maintenance, style),
        figure(left.maintenance, style),
    ]
}

/// A requirement is neither gain nor loss.
fn plain(usd: Fixed, style: Style) -> Cell {
    right(style.usd(usd))
}

fn used(margin: &MarginFigures) -> String {
    margin.utilisation.map_or_else(|| number::NOT_AVAILABLE.into(), |used| format!("{:.1}", used * 100.0))
}

fn status(account: &AccountFigures) -> Cell {
    let cell = left(account.status_words());
    match account.status {
        Status::Ok | Status::NoDerivatives => cell,
        Status::BelowInitial | Status::NoRulebook | Status::NoFigures => cell.fg(Color::DarkYellow),
        Status::Liquidatable => cell.fg(Color::Red),
    }
}

fn rulebooks(out: &mut String, rulebooks: &[RulebookLine], style: Style) {
    if rulebooks.is_empty() {
        return;
    }
    heading(
        out,
        "Rulebooks used",
        "plimsoll rulebook show ID prints one with its sources and open questions",
    );
    let header = ["rulebook", "title", "valid from", "parameter hash", "unverified"];
    let mut table = grid_after(4, style, &header.map(str::to_owned));
    for RulebookLine { header, parameter_hash, .. } in rulebooks {
        table.add_row(vec![
            left(&header.id),
            left(&header.title),
            left(&header.valid_from),
            left(parameter_hash),
            right(header.unverified.len()),
        ]);
    }
    show(out, &table);
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
    show(out, &table);
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
        show(out, &table);
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
    show(out, &table);
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
    show(out, &table);
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
        let percent = |part: Option<f64>| {
            part.map_or_else(|| number::NOT_AVAILABLE.into(), |part| number::plain_percent(part))
        };
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
    show(out, &table);
}

fn missing(out: &mut String, document: &MarginDocument) {
    if !document.is_partial() {
        return;
    }
    heading(out, "Not margined", "in no requirement above");
    for account in &document.accounts {
        for missing in &account.missing {
            let what = match missing.kind {
                MissingKind::Account => "the account".to_owned(),
                MissingKind::Holding => missing.name.clone(),
            };
            line(out, &format!("  {} @ {}, {what}: {}", account.account, account.venue, missing.reason));
        }
    }
    for issue in document.issues.to_string().lines() {
        line(out, &format!("  {issue}"));
    }
}

fn notes(out: &mut String, document: &MarginDocument) {
    if document.notes.is_empty() {
        return;
    }
    heading(out, "Notes", "");
    for note in &document.notes {
        line(out, &format!("  {note}"));
    }
}
