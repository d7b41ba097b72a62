//! What-if as flat tables.

use crate::cli::WhatifTableName;
use crate::margin_commands::{AccountFigures, Published, Totals, WhatifDocument};
use crate::output::TableNames;
use crate::render::flat::{Body, optional, text};
use crate::render::margin::tables::{account_columns, published, unmargined};
use lake::{Cell, ColumnKind, Table};

impl TableNames for WhatifTableName {
    fn stem(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Figures => "figures",
            Self::Unmargined => "unmargined",
        }
    }
}

/// One table of the result.
pub(crate) fn table(document: &WhatifDocument, name: WhatifTableName) -> Table {
    let (columns, rows) = match name {
        WhatifTableName::Accounts => accounts(document),
        WhatifTableName::Figures => figures(document),
        WhatifTableName::Unmargined => unmargined(&document.basis, &document.accounts_after()),
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
    ]);
    let mut rows = Vec::new();
    for pair in &document.pairs {
        rows.extend(pair.before.as_ref().map(|before| account(before, "before")));
        rows.push(account(&pair.after, "after"));
    }
    let (before, after) = document.totals();
    let word = if document.is_partial() { "partial total" } else { "total" };
    rows.extend([(before, "before"), (after, "after")].map(|(totals, side)| total(&totals, word, side)));
    (columns, rows)
}

fn account(account: &AccountFigures, side: &str) -> Vec<Cell> {
    let mut row = vec![text(&account.account), text(&account.venue), text("account"), text(side)];
    row.push(text(account.status.key()));
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
    row
}

fn total(totals: &Totals, word: &str, side: &str) -> Vec<Cell> {
    let mut row = vec![Cell::Null, Cell::Null, text(word), text(side), Cell::Null, Cell::Null, Cell::Null];
    row.push(Cell::Fixed(totals.equity_usd));
    row.extend(levels([totals.counted_usd, totals.requirement_usd, totals.surplus_usd]));
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
