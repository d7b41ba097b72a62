//! What-if as flat tables.

use crate::cli::WhatifTableName;
use crate::margin_commands::{AccountFigures, MarginFigures, Pair, Published, Totals, WhatifDocument};
use crate::output::TableNames;
use crate::render::flat::{Body, count, optional, text};
use crate::render::margin::tables::{account_columns, published, unmargined};
use lake::{Cell, ColumnKind, Table};

impl TableNames for WhatifTableName {
    fn stem(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::NewlyLiquidatable => "newly-liquidatable",
            Self::MostAffected => "most-affected",
            Self::Figures => "figures",
            Self::Unmargined => "unmargined",
        }
    }
}

/// One table of the result.
pub(crate) fn table(document: &WhatifDocument, name: WhatifTableName) -> Table {
    let (columns, rows) = match name {
        WhatifTableName::Accounts => accounts(document),
        WhatifTableName::NewlyLiquidatable => ranked(&document.newly_liquidatable()),
        WhatifTableName::MostAffected => ranked(&document.affected()),
        WhatifTableName::Figures => figures(document),
        WhatifTableName::Unmargined => unmargined(&document.basis, document.after()),
    };
    Table { name: name.stem(), columns, rows }
}

fn accounts(document: &WhatifDocument) -> Body {
    let columns = account_columns(&[
        ("level", ColumnKind::Text),
        ("side", ColumnKind::Text),
        ("status", ColumnKind::Text),
        ("rulebook", ColumnKind::Text),
        ("parameter_hash", ColumnKind::Text),
        ("equity_usd", ColumnKind::Fixed),
        ("counted_initial_usd", ColumnKind::Fixed),
        ("counted_maintenance_usd", ColumnKind::Fixed),
        ("initial_margin_usd", ColumnKind::Fixed),
        ("maintenance_margin_usd", ColumnKind::Fixed),
        ("available_usd", ColumnKind::Fixed),
        ("to_liquidation_usd", ColumnKind::Fixed),
        ("utilisation", ColumnKind::Float),
        ("not_margined", ColumnKind::Integer),
        ("bad_rows", ColumnKind::Integer),
    ]);
    let mut rows = Vec::new();
    for pair in &document.pairs {
        rows.extend(pair.before.as_ref().map(|before| account(before, "before")));
        rows.push(account(&pair.after, "after"));
    }
    let (before, after) = document.totals();
    let word = if document.is_partial() { "partial total" } else { "total" };
    let sides = [(before, "before"), (after, "after"), (after.minus(before), "change")];
    rows.extend(sides.map(|(totals, side)| total(&totals, word, side)));
    (columns, rows)
}

fn account(account: &AccountFigures, side: &str) -> Vec<Cell> {
    let mut row = vec![text(&account.account), text(&account.venue), text("account"), text(side)];
    row.push(text(account.status_key()));
    match &account.margin {
        Some(margin) => {
            row.extend([text(&margin.rulebook), text(&margin.parameter_hash), optional(account.equity_usd)]);
            row.extend(levels([margin.counted_usd, margin.requirement_usd, margin.surplus_usd]));
        }
        None => {
            row.extend([Cell::Null, Cell::Null, optional(account.equity_usd)]);
            row.extend([const { Cell::Null }; 6]);
        }
    }
    let used = account.margin.as_ref().and_then(|margin| margin.utilisation);
    row.push(used.map_or(Cell::Null, Cell::Float));
    row.extend([account.missing.len(), account.bad_rows].map(count));
    row
}

/// Accounts that change, in the order given.
fn ranked(pairs: &[&Pair]) -> Body {
    let columns = account_columns(&[
        ("rank", ColumnKind::Integer),
        ("status_before", ColumnKind::Text),
        ("status_after", ColumnKind::Text),
        ("rulebook_before", ColumnKind::Text),
        ("rulebook_after", ColumnKind::Text),
        ("initial_margin_before_usd", ColumnKind::Fixed),
        ("maintenance_margin_before_usd", ColumnKind::Fixed),
        ("initial_margin_after_usd", ColumnKind::Fixed),
        ("maintenance_margin_after_usd", ColumnKind::Fixed),
        ("initial_margin_change_usd", ColumnKind::Fixed),
        ("maintenance_margin_change_usd", ColumnKind::Fixed),
        ("to_liquidation_before_usd", ColumnKind::Fixed),
        ("to_liquidation_after_usd", ColumnKind::Fixed),
    ]);
    let row = |(rank, pair): (usize, &&Pair)| {
        let (before, after) = (pair.before.as_ref(), &pair.after);
        let (was, is) = (before.and_then(|before| before.margin.as_ref()), after.margin.as_ref());
        let book =
            |margin: Option<&MarginFigures>| margin.map_or(Cell::Null, |margin| text(&margin.rulebook));
        let asked = |margin: Option<&MarginFigures>| {
            margin.map_or([Cell::Null, Cell::Null], |margin| published(margin.requirement_usd))
        };
        let rest = |margin: Option<&MarginFigures>| optional(margin.map(|m| m.surplus_usd.maintenance));
        let mut row = vec![text(&after.account), text(&after.venue), count(rank)];
        row.push(before.map_or(Cell::Null, |before| text(before.status_key())));
        row.extend([text(after.status_key()), book(was), book(is)]);
        row.extend([asked(was), asked(is), published(pair.requirement_change_usd())].into_iter().flatten());
        row.extend([rest(was), rest(is)]);
        row
    };
    (columns, (1..).zip(pairs).map(row).collect())
}

fn total(totals: &Totals, word: &str, side: &str) -> Vec<Cell> {
    let mut row = vec![Cell::Null, Cell::Null, text(word), text(side), Cell::Null, Cell::Null, Cell::Null];
    row.push(Cell::Fixed(totals.equity_usd));
    row.extend(levels([totals.counted_usd, totals.requirement_usd, totals.surplus_usd]));
    row.extend([const { Cell::Null }; 3]);
    row
}

/// Counted, asked and left.
fn levels(usd: [Published; 3]) -> impl Iterator<Item = Cell> {
    usd.into_iter().flat_map(published)
}

fn figures(document: &WhatifDocument) -> Body {
    let columns = account_columns(&[
        ("figure", ColumnKind::Text),
        ("before", ColumnKind::Float),
        ("after", ColumnKind::Float),
    ]);
    let number = |value: Option<f64>| value.map_or(Cell::Null, Cell::Float);
    let mut rows = Vec::new();
    for pair in &document.pairs {
        for figure in &pair.figures {
            let mut row = vec![text(&pair.after.account), text(&pair.after.venue), text(&figure.name)];
            row.extend([number(figure.before), number(figure.after)]);
            rows.push(row);
        }
    }
    (columns, rows)
}
