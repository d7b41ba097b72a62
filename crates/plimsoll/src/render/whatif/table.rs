//! What-if for a terminal: the sums, who becomes liquidatable, the accounts that change most.

use crate::margin_commands::{AccountFigures, Detail, MarginFigures, Pair, Totals, WhatifDocument};
use crate::render::grid::{Style, figure, grid, grid_after, heading, left, line, right, show_fitted};
use crate::render::margin::parts;
use crate::render::number;
use comfy_table::Cell;
use units::Fixed;

/// The whole result as text.
pub(crate) fn text(document: &WhatifDocument, style: Style) -> String {
    let mut out = String::new();
    parts::head(&mut out, "Plimsoll what-if", &document.basis, document.after());
    heading(&mut out, "Changes", "");
    for change in &document.changes {
        line(&mut out, &format!("  {change}"));
    }
    totals(&mut out, document, style);
    liquidatable(&mut out, document, style);
    let affected = document.affected();
    let shown: Vec<&Pair> = affected.iter().take(document.top).copied().collect();
    accounts(&mut out, (&shown, affected.len()), style);
    parts::separate_wallets(
        &mut out,
        document.after(),
        "available is what they have to spare together, to liquidation the least of one, used that of the nearest",
    );
    if document.detail == Detail::Full {
        figures(&mut out, &shown, style);
    }
    parts::rulebooks(&mut out, &document.basis.rulebooks, style);
    parts::missing(&mut out, &document.basis, document.after());
    parts::notes(&mut out, &document.basis);
    out
}

const TOTALS: [&str; 8] = [
    "",
    "equity",
    "counted\ninitial",
    "initial",
    "available",
    "counted\nmaint.",
    "main-\ntenance",
    "to liqui-\ndation",
];

/// Sums over all accounts, and how many of them the change reaches.
fn totals(out: &mut String, document: &WhatifDocument, style: Style) {
    let counts = document.counts();
    let word = if document.is_partial() {
        "All accounts together, PARTIAL, USD"
    } else {
        "All accounts together, USD"
    };
    heading(out, word, "available: counted less initial; to liquidation: counted less maintenance");
    let mut table = grid(style, &TOTALS.map(str::to_owned));
    let (before, after) = document.totals();
    for (word, totals) in [("before", before), ("after", after), ("change", after.minus(before))] {
        let mut row = vec![left(word), figure(totals.equity_usd, style)];
        row.extend(parts::levels([totals.counted_usd, totals.requirement_usd, totals.surplus_usd], style));
        table.add_row(row);
    }
    show_fitted(out, table, style, &[]);
    line(
        out,
        &format!(
            "  {} accounts: {} change, {} of them in requirement; liquidatable {} before, {} after, {} newly",
            counts.accounts,
            counts.changed,
            counts.requirement_changed,
            counts.liquidatable_before,
            counts.liquidatable_after,
            counts.newly_liquidatable
        ),
    );
    if counts.same_by_other_rules > 0 {
        line(out, &format!("  {} stay as they are by other parameters", counts.same_by_other_rules));
    }
}

fn liquidatable(out: &mut String, document: &WhatifDocument, style: Style) {
    let fallen = document.newly_liquidatable();
    if fallen.is_empty() {
        return;
    }
    heading(out, &format!("NEWLY LIQUIDATABLE: {}, USD", fallen.len()), "the largest shortfall first");
    let header = [
        "account",
        "venue",
        "rulebook",
        "counted\nmaint.",
        "maintenance\nbefore",
        "maintenance\nafter",
        "to liquidation\nbefore",
        "to liquidation\nafter",
    ];
    let mut table = grid_after(3, style, &header.map(str::to_owned));
    for pair in fallen {
        let (was, is) = (pair.before.as_ref().and_then(|b| b.margin.as_ref()), pair.after.margin.as_ref());
        let usd = |margin: Option<&MarginFigures>, of: fn(&MarginFigures) -> Fixed| {
            margin.map_or_else(|| right(""), |margin| figure(of(margin), style))
        };
        let asked = |margin: Option<&MarginFigures>| {
            margin.map_or_else(|| right(""), |margin| parts::plain(margin.requirement_usd.maintenance, style))
        };
        let rest = |margin: &MarginFigures| margin.surplus_usd.maintenance;
        table.add_row(vec![
            left(&pair.after.account),
            left(&pair.after.venue),
            left(is.map_or("", |margin| margin.rulebook.as_str())),
            usd(is, |margin| margin.counted_usd.maintenance),
            asked(was),
            asked(is),
            usd(was, rest),
            usd(is, rest),
        ]);
    }
    show_fitted(out, table, style, &[2, 3, 4]);
}

const HEADER: [&str; 11] = [
    "account",
    "side",
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

/// Three lines an account; venue and rulebook stand under its name.
fn accounts(out: &mut String, (shown, changed): (&[&Pair], usize), style: Style) {
    heading(
        out,
        "Most affected accounts, USD",
        &format!("{} of {changed} that change, by the change of the maintenance requirement", shown.len()),
    );
    if shown.is_empty() {
        return line(out, "  no figure of any account changes");
    }
    let mut table = grid_after(3, style, &HEADER.map(str::to_owned));
    for pair in shown {
        let after = &pair.after;
        let mut row = vec![left(&after.account)];
        match &pair.before {
            Some(before) => row.extend(side(before, "before", style)),
            None => row.extend(["before", "none", "", "", "", "", "", "", "", ""].map(left)),
        }
        table.add_row(row);
        let mut row = vec![left(format!("  @ {}", after.venue))];
        row.extend(side(after, "after", style));
        table.add_row(row);
        let mut row = vec![left(format!("  {}", rules(pair))), left("change"), left("")];
        row.extend(change(pair.before.as_ref(), after, style));
        table.add_row(row);
    }
    show_fitted(out, table, style, &[7, 4, 3]);
    if changed > shown.len() {
        line(
            out,
            &format!(
                "  and {} more that change: --top N shows them, other formats have all",
                changed - shown.len()
            ),
        );
    }
    parts::counts_for_nothing(out, shown.iter().map(|pair| &pair.after), style);
}

/// Whose rules, on both sides where they differ.
fn rules(pair: &Pair) -> String {
    let id = |account: &AccountFigures| account.margin.as_ref().map(|margin| margin.rulebook.clone());
    let (was, is) = (pair.before.as_ref().and_then(id), id(&pair.after).unwrap_or_default());
    match was {
        Some(was) if was != is => format!("{was} → {is}"),
        Some(_) | None => is,
    }
}

fn totals_of(account: &AccountFigures) -> Totals {
    let margin = account.margin.as_ref();
    Totals {
        equity_usd: account.equity_usd.unwrap_or_default(),
        counted_usd: margin.map(|margin| margin.counted_usd).unwrap_or_default(),
        requirement_usd: margin.map(|margin| margin.requirement_usd).unwrap_or_default(),
        surplus_usd: margin.map(|margin| margin.surplus_usd).unwrap_or_default(),
    }
}

fn side(account: &AccountFigures, word: &str, style: Style) -> Vec<Cell> {
    let mut row = vec![left(word), parts::status(account)];
    row.push(account.equity_usd.map_or_else(|| right(number::NOT_AVAILABLE), |usd| figure(usd, style)));
    match &account.margin {
        Some(margin) => {
            row.extend(parts::levels(
                [margin.counted_usd, margin.requirement_usd, margin.surplus_usd],
                style,
            ));
            row.push(right(parts::used(margin)));
        }
        None => row.extend([""; 7].map(right)),
    }
    row
}

/// What an account gains and what is asked more; one that the change opens had nothing.
fn change(before: Option<&AccountFigures>, after: &AccountFigures, style: Style) -> Vec<Cell> {
    let was = before.map(totals_of).unwrap_or_default();
    let change = totals_of(after).minus(was);
    let both = before.is_none_or(|before| before.margin.is_some() == after.margin.is_some());
    let mut row = vec![figure(change.equity_usd, style)];
    if both && after.margin.is_some() {
        row.extend(parts::levels([change.counted_usd, change.requirement_usd, change.surplus_usd], style));
    } else {
        row.extend([""; 6].map(right));
    }
    row.push(right(""));
    row
}

fn figures(out: &mut String, shown: &[&Pair], style: Style) {
    for pair in shown.iter().filter(|pair| !pair.figures.is_empty()) {
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
        show_fitted(out, table, style, &[]);
    }
}
