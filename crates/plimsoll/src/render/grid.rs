//! What all tables for a terminal are made of: a rule under the header, figures to the right, colour only on a terminal.

use crate::document::InputFile;
use crate::render::number;
use comfy_table::{Cell, CellAlignment, Color, LineStyle, Table, TableStyle};
use market::Market;
use units::Fixed;

/// How much of each figure to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Digits {
    /// Three significant ones.
    Compact,
    /// All, so that columns can be added by hand.
    Exact,
}

/// Whether escape codes may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ink {
    /// To a terminal.
    Colour,
    /// To a file or pipe.
    Plain,
}

/// How to print.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    pub(crate) digits: Digits,
    pub(crate) ink: Ink,
}

impl Style {
    /// A USD figure.
    pub(crate) fn usd(self, value: Fixed) -> String {
        match self.digits {
            Digits::Compact => number::compact(value),
            Digits::Exact => exact(value),
        }
    }
}

/// A rule under the header, nothing else.
const RULED: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

pub(crate) fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

pub(crate) fn heading(out: &mut String, title: &str, aside: &str) {
    line(out, "");
    line(out, &if aside.is_empty() { title.to_owned() } else { format!("{title}  ·  {aside}") });
}

/// Files with their hashes.
pub(crate) fn inputs(out: &mut String, inputs: &[InputFile]) {
    for input in inputs {
        let short: String = input.blake3.chars().take(12).collect();
        let asof = input.asof.map_or_else(String::new, |asof| format!(", as of {asof}"));
        let rows =
            if input.role == "rulebook" { String::new() } else { format!("{} rows{asof}, ", input.rows) };
        line(out, &format!("  {:<9} {}  ({rows}blake3 {short})", input.role, input.path));
    }
}

/// A table whose first column is text.
pub(crate) fn grid(style: Style, header: &[String]) -> Table {
    grid_after(1, style, header)
}

/// A table with so many columns of text before its figures.
pub(crate) fn grid_after(text_columns: usize, style: Style, header: &[String]) -> Table {
    let mut table = Table::new();
    table.load_style(RULED);
    if style.ink == Ink::Plain {
        table.force_no_tty();
    } else {
        table.enforce_styling();
    }
    table.set_header(header.iter().enumerate().map(|(place, name)| {
        Cell::new(name).set_alignment(if place < text_columns {
            CellAlignment::Left
        } else {
            CellAlignment::Right
        })
    }));
    table
}

pub(crate) fn show(out: &mut String, table: &Table) {
    for row in table.lines() {
        line(out, row.trim_end());
    }
}

pub(crate) fn left(text: impl std::fmt::Display) -> Cell {
    Cell::new(text)
}

pub(crate) fn right(text: impl std::fmt::Display) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

pub(crate) fn figure(value: Fixed, style: Style) -> Cell {
    signed(style.usd(value), value)
}

pub(crate) fn coins(value: Fixed, style: Style) -> Cell {
    let text = match style.digits {
        Digits::Compact => number::compact_coin(value),
        Digits::Exact => exact(value),
    };
    signed(text, value)
}

fn exact(value: Fixed) -> String {
    let text = value.to_string();
    number::screen(text.trim_end_matches('0').trim_end_matches('.'))
}

pub(crate) fn signed(text: String, value: Fixed) -> Cell {
    let cell = right(text);
    match value.cmp(&Fixed::ZERO) {
        std::cmp::Ordering::Greater => cell.fg(Color::Blue),
        std::cmp::Ordering::Less => cell.fg(Color::DarkYellow),
        std::cmp::Ordering::Equal => cell,
    }
}

pub(crate) fn optional(value: Option<Fixed>, style: Style) -> Cell {
    value.map_or_else(|| right(""), |value| figure(value, style))
}

/// Indices and rates.
pub(crate) fn prices(out: &mut String, market: &Market) {
    let mut words: Vec<String> = market
        .underlyings
        .iter()
        .map(|(asset, u)| format!("{asset} {} USD", number::price(u.spot.get())))
        .collect();
    words.extend(market.rates.iter().map(|(asset, rate)| format!("{asset} {:.4} USD", rate.get())));
    line(out, &format!("  {}", words.join("  ·  ")));
}
