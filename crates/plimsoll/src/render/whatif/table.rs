//! What-if for a terminal: accounts that change, both sides and the difference.

use crate::margin_commands::{AccountFigures, Detail, MarginFigures, Pair, Totals, WhatifDocument};
use crate::render::grid::{Style, figure, grid, grid_after, heading, left, line, right, show};
use crate::render::margin::parts;
use crate::render::number;
use comfy_table::Cell;
use units::Fixed;

/// The whole result as text.
pub(crate) fn text(document: &WhatifDocument, style: Style) -> String {
    let mut out = String::new();
    let after = document.accounts_after();
    parts::head(&mut out, "Plimsoll what-if", &document.basis, &after);
    heading(&mut out, "Changes", "");
    for change in &document.changes {
        line(&mut out, &format!("  {change}"));
    }
    liquidatable(&mut out, document);
    accounts(&mut out, document, style);
    if document.detail == Detail::Full {
        figures(&mut out, document);
    }
    parts::rulebooks(&mut out, &document.basis.rulebooks, style);
    parts::missing(&mut out, &document.basis, &after);
    parts::notes(&mut out, &document.basis);
    out
}

fn liquidatable(out: &mut String, document: &WhatifDocument) {
    let fallen: Vec<String> = document
        .pairs
        .iter()
        .filter(|pair| pair.is_newly_liquidatable())
        .map(|pair| format!("{} @ {}", pair.after.account, pair.after.venue))
        .collect();
    if !fallen.is_empty() {
        line(out, &format!("  NEWLY LIQUIDATABLE: {}", fallen.join(", ")));
    }
}

const HEADER: [&str; 11] = [
    "account",
    "venue",
    "rulebook",
    "status",
    "side",
    "equity\nUSD",
    "initial\nUSD",
    "available\nUSD",
    "maintenance\nUSD",
    "to liquidation\nUSD",
    "used\n%",
];

fn accounts(out: &mut String, document: &WhatifDocument, style: Style) {
    let changed: Vec<&Pair> = document.pairs.iter().filter(|pair| pair.is_changed()).collect();
    let same = document.pairs.len() - changed.len();
    heading(out, "Accounts that change", &format!("{same} others stay as they are and are in the totals"));
    let mut table = grid_after(5, style, &HEADER.map(str::to_owned));
    for pair in changed {
        let names = [&pair.after.account.to_string(), &pair.after.venue.to_string()].map(left);
        let mut row: Vec<Cell> = names.into();
        match &pair.before {
            Some(before) => row.extend(side(before, "before", style)),
            None => row.extend(["", "", "before", "none", "", "", "", "", ""].map(left)),
        }
        table.add_row(row);
        let mut row: Vec<Cell> = [left(""), left("")].into();
        row.extend(side(&pair.after, "after", style));
        table.add_row(row);
        if let Some(before) = &pair.before {
            let mut row: Vec<Cell> = ["", "", "", "", "change"].map(left).into();
            row.extend(change(before, &pair.after, style));
            table.add_row(row);
        }
    }
    let (before, after) = document.totals();
    let word = if document.is_partial() { "partial total" } else { "total" };
    for (name, word, totals) in
        [(word, "before", before), ("", "after", after), ("", "change", minus(after, before))]
    {
        let mut row: Vec<Cell> = [name, "", "", "", word].map(left).into();
        row.push(figure(totals.equity_usd, style));
        row.extend(levels(&totals, style));
        row.push(right(""));
        table.add_row(row);
    }
    show(out, &table);
}

fn minus(after: Totals, before: Totals) -> Totals {
    Totals {
        equity_usd: after.equity_usd - before.equity_usd,
        counted_usd: after.counted_usd.minus(before.counted_usd),
        requirement_usd: after.requirement_usd.minus(before.requirement_usd),
        surplus_usd: after.surplus_usd.minus(before.surplus_usd),
    }
}

fn totals_of(margin: &MarginFigures) -> Totals {
    Totals {
        equity_usd: Fixed::ZERO,
        counted_usd: margin.counted_usd,
        requirement_usd: margin.requirement_usd,
        surplus_usd: margin.surplus_usd,
    }
}

/// Asked and left at each level.
fn levels(totals: &Totals, style: Style) -> [Cell; 4] {
    let rest = totals.surplus_usd;
    [
        parts::plain(totals.requirement_usd.initial, style),
        figure(rest.initial, style),
        parts::plain(totals.requirement_usd.maintenance, style),
        figure(rest.maintenance, style),
    ]
}

fn side(account: &AccountFigures, word: &str, style: Style) -> Vec<Cell> {
    let margin = account.margin.as_ref();
    let mut row = vec![left(margin.map_or("", |margin| margin.rulebook.as_str())), parts::status(account)];
    row.push(left(word));
    row.push(account.equity_usd.map_or_else(|| right(number::NOT_AVAILABLE), |usd| figure(usd, style)));
    match margin {
        Some(margin) => {
            row.extend(levels(&totals_of(margin), style));
            row.push(right(parts::used(margin)));
        }
        None => row.extend([""; 5].map(right)),
    }
    row
}

fn change(before: &AccountFigures, after: &AccountFigures, style: Style) -> Vec<Cell> {
    let equity = before.equity_usd.zip(after.equity_usd).map(|(before, after)| after - before);
    let mut row = vec![equity.map_or_else(|| right(""), |usd| figure(usd, style))];
    match (&before.margin, &after.margin) {
        (Some(before), Some(after)) => {
            row.extend(levels(&minus(totals_of(after), totals_of(before)), style));
            row.push(right(""));
        }
        _ => row.extend([""; 5].map(right)),
    }
    row
}

fn figures(out: &mut String, document: &WhatifDocument) {
    let style = Style { digits: crate::render::grid::Digits::Compact, ink: crate::render::grid::Ink::Plain };
    for pair in document.pairs.iter().filter(|pair| !pair.figures.is_empty()) {
        heading(
            out,
            &format!("{} @ {}", pair.after.account, pair.after.venue),
            "every figure that differs; unit last in its name",
        );
        let mut table = grid(style, &["figure", "before", "after", "change"].map(str::to_owned));
        for figure in &pair.figures {
            let shown = |value: Option<f64>| {
                value.map_or_else(|| number::NONE.into(), |value| number::figure(value, 6))
            };
            let change = figure.before.zip(figure.after).map(|(before, after)| after - before);
            table.add_row(vec![
                left(&figure.name),
                right(shown(figure.before)),
                right(shown(figure.after)),
                right(shown(change)),
            ]);
        }
        show(out, &table);
    }
}
