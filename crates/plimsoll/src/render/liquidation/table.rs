//! Liquidation prices for a terminal, the nearest first.

use crate::margin_commands::{LiquidationDocument, LiquidationRow, Place, SideFigures};
use crate::render::grid::{Style, figure, grid_after, heading, left, line, right, show};
use crate::render::margin::parts;
use crate::render::number;
use comfy_table::{Cell, Color};

/// The whole result as text.
pub(crate) fn text(document: &LiquidationDocument, style: Style) -> String {
    let mut out = String::new();
    parts::head(&mut out, "Plimsoll liquidation", &document.basis, &document.accounts);
    rows(&mut out, document, style);
    remarks(&mut out, document);
    parts::rulebooks(&mut out, &document.basis.rulebooks, style);
    parts::missing(&mut out, &document.basis, &document.accounts);
    parts::notes(&mut out, &document.basis);
    out
}

fn rows(out: &mut String, document: &LiquidationDocument, style: Style) {
    heading(
        out,
        "Liquidation by index price, nearest first",
        &format!(
            "{}; σ: moves of one day at the account's own at-the-money vol, n/a without options",
            document.path
        ),
    );
    if document.rows.is_empty() {
        line(out, "  no account with a rulebook depends on a coin");
        return;
    }
    let mut header: Vec<String> = [
        "account",
        "venue",
        "rulebook",
        "driver",
        "index\nUSD",
        "to liquidation\nUSD",
        "down to\nUSD",
        "by",
        "σ",
        "up to\nUSD",
        "by",
        "σ",
    ]
    .map(str::to_owned)
    .into();
    header.extend(
        document.survive.map(|fraction| format!("to add for {}\nUSD", number::signed_percent(fraction))),
    );
    let mut table = grid_after(4, style, &header);
    for row in &document.rows {
        table.add_row(cells(row, style));
    }
    show(out, &table);
}

fn cells(row: &LiquidationRow, style: Style) -> Vec<Cell> {
    let partial = if row.is_partial { " *" } else { "" };
    let mut cells = vec![
        left(format!("{}{partial}", row.account)),
        left(&row.venue),
        left(&row.rulebook),
        left(&row.driver),
        right(row.index_usd.map_or_else(|| number::NOT_AVAILABLE.into(), number::price)),
        row.surplus_usd.map_or_else(|| right(number::NOT_AVAILABLE), |usd| figure(usd, style)),
    ];
    match &row.place {
        Place::Now => {
            cells.push(right("NOW").fg(Color::Red));
            cells.extend([""; 5].map(right));
        }
        Place::Undefined(_) => {
            cells.push(right(number::NOT_AVAILABLE));
            cells.extend([""; 5].map(right));
        }
        Place::Sides { down, up } => {
            cells.extend(side(row, down));
            cells.extend(side(row, up));
        }
    }
    cells.extend(row.to_add_usd.as_ref().map(|to_add| match to_add {
        Ok(usd) => right(style.usd(*usd)),
        Err(_) => right(number::NOT_AVAILABLE),
    }));
    cells
}

fn side(row: &LiquidationRow, side: &SideFigures) -> [Cell; 3] {
    let Some(crossing) = side.crossing else {
        let word = if side.reason.is_some() { "unknown" } else { "none" };
        return [right(word), right(""), right("")];
    };
    let price = row.price_usd(&crossing).map_or_else(|| number::NOT_AVAILABLE.into(), number::price);
    let sigmas =
        crossing.daily_sigmas.map_or_else(|| number::NOT_AVAILABLE.into(), |sigmas| format!("{sigmas:.1}"));
    [right(price), right(number::signed_percent(crossing.factor - 1.0)), right(sigmas)]
}

/// What the table has only a word for.
fn remarks(out: &mut String, document: &LiquidationDocument) {
    let mut found = Vec::new();
    for row in &document.rows {
        let name = format!("{} @ {}, {}", row.account, row.venue, row.driver);
        match &row.place {
            Place::Undefined(reason) => found.push(format!("{name}: {reason}")),
            Place::Now => {}
            Place::Sides { down, up } => {
                for (word, side) in [("down", down), ("up", up)] {
                    let reached = side.searched_to_factor.map(|factor| number::signed_percent(factor - 1.0));
                    if let (Some(reached), Some(reason)) = (reached, &side.reason) {
                        found.push(format!("{name}: {word} searched to {reached} only: {reason}"));
                    }
                }
            }
        }
        if let Some(Err(reason)) = &row.to_add_usd {
            found.push(format!("{name}: {reason}"));
        }
        if row.is_partial {
            found.push(format!("* {name}: for the part of the account that is margined"));
        }
    }
    let (low, high) = crate::margin_commands::RANGE_PERCENT;
    found.push(format!(
        "none: no price between {} and {} liquidates",
        number::signed_percent(low / 100.0),
        number::signed_percent(high / 100.0)
    ));
    for remark in found {
        line(out, &format!("  {remark}"));
    }
}
