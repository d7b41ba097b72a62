//! Liquidation prices for a terminal, the nearest first.

use crate::margin_commands::{
    DriverVolSource, LiquidationDocument, LiquidationRow, MARKET_VOL_DAYS, Place, SideFigures,
};
use crate::render::grid::{Style, figure, grid_after, heading, left, line, right, show_fitted};
use crate::render::margin::parts;
use crate::render::number;
use comfy_table::{Cell, Color};

/// The whole result as text.
pub(crate) fn text(document: &LiquidationDocument, style: Style) -> String {
    let mut out = String::new();
    parts::head(&mut out, "Plimsoll liquidation", &document.basis, document.accounts.iter());
    rows(&mut out, document, style);
    parts::separate_wallets(
        &mut out,
        document.accounts.iter(),
        "to liquidation is the least of one, and the first of them to fall short liquidates",
    );
    remarks(&mut out, document);
    parts::rulebooks(&mut out, &document.basis.rulebooks, style);
    parts::missing(&mut out, &document.basis, document.accounts.iter());
    parts::notes(&mut out, &document.basis);
    out
}

const HEADER: [&str; 13] = [
    "account",
    "venue",
    "rulebook",
    "driver",
    "index\nUSD",
    "to liqui-\ndation, USD",
    "down to\nUSD",
    "down\nby",
    "down\nσ",
    "up to\nUSD",
    "up\nby",
    "up\nσ",
    "σ of a day\n%",
];
/// What a narrow screen does without, in this order.
const SPARE: [usize; 4] = [2, 4, 5, 12];

fn rows(out: &mut String, document: &LiquidationDocument, style: Style) {
    heading(out, "Liquidation by index price, nearest first", &document.path);
    line(
        out,
        "  σ: moves of one day, by the vol of the account's option nearest the money (own), else by the market's at the",
    );
    line(out, &format!("  money, {MARKET_VOL_DAYS} days out"));
    let searched: Vec<&LiquidationRow> = document.rows.iter().filter(|row| is_in_table(row)).collect();
    if searched.is_empty() {
        line(out, "  no account with a rulebook depends on a coin");
        return;
    }
    let mut header: Vec<String> = HEADER.map(str::to_owned).into();
    header.extend(
        document.survive.map(|fraction| format!("to add for\n{}, USD", number::signed_percent(fraction))),
    );
    let mut table = grid_after(4, style, &header);
    for row in searched {
        table.add_row(cells(row, style));
    }
    show_fitted(out, table, style, &SPARE);
}

/// An account of which nothing was searched has its reason among the remarks.
const fn is_in_table(row: &LiquidationRow) -> bool {
    row.rulebook.is_some() && (row.driver.is_some() || matches!(row.place, Place::Now))
}

fn cells(row: &LiquidationRow, style: Style) -> Vec<Cell> {
    let partial = if row.is_partial { " *" } else { "" };
    let mut cells = vec![
        left(format!("{}{partial}", row.account)),
        left(&row.venue),
        left(row.rulebook.as_deref().unwrap_or_default()),
        left(row.driver.as_ref().map_or("any", |driver| driver.as_str())),
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
    cells.push(right(day(row)));
    cells.extend(row.to_add_usd.as_ref().map(|to_add| match to_add {
        Ok(usd) => right(style.usd(*usd)),
        Err(_) => right(number::NOT_AVAILABLE),
    }));
    cells
}

/// Size of a day's σ, and whose vol it is where it is not the market's.
fn day(row: &LiquidationRow) -> String {
    let Some(vol) = &row.vol else { return number::NOT_AVAILABLE.into() };
    let own = if matches!(vol.source, DriverVolSource::Account(_)) { "own " } else { "" };
    format!("{own}{:.2}", 100.0 * vol.daily())
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
        let driver = row.driver.as_ref().map_or_else(String::new, |driver| format!(", {driver}"));
        let name = format!("{} @ {}{driver}", row.account, row.venue);
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
        if row.is_partial && is_in_table(row) {
            found.push(format!("* {name}: for the part of the account that is margined"));
        }
    }
    let none = |side: &SideFigures| side.crossing.is_none() && side.reason.is_none();
    let has_none =
        |row: &LiquidationRow| matches!(&row.place, Place::Sides { down, up } if none(down) || none(up));
    if document.rows.iter().any(has_none) {
        let (low, high) = crate::margin_commands::RANGE_PERCENT;
        found.push(format!(
            "none: no price between {} and {} liquidates",
            number::signed_percent(low / 100.0),
            number::signed_percent(high / 100.0)
        ));
    }
    for remark in found {
        line(out, &format!("  {remark}"));
    }
}
