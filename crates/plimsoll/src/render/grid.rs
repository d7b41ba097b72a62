//! What all tables for a terminal are made of: a rule under the header, figures to the right, colour only on a terminal.

use crate::document::InputFile;
use crate::render::number;
use comfy_table::{
    Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle,
};
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
    /// Columns of characters that there are; none where nobody reads on a screen of a known width.
    pub(crate) width: Option<u16>,
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
        let is_parameters = matches!(input.role, "rulebook" | "policy" | "costs");
        let rows = if is_parameters || input.rows == 0 {
            String::new()
        } else {
            format!("{} rows{asof}, ", input.rows)
        };
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

/// Shows a table as wide as there is room for: the blanks between columns are halved, then columns are left out, the first of
/// `spare` first, until it fits, and a line names them. One that is still too wide wraps its cells.
pub(crate) fn show_fitted(out: &mut String, mut table: Table, style: Style, spare: &[usize]) {
    let Some(width) = style.width.map(usize::from) else { return show(out, &table) };
    let widths: Vec<usize> = table.column_max_content_widths().into_iter().map(usize::from).collect();
    // Beside its blanks every column but the last has a separator.
    let needed =
        |columns: usize, content: usize, blanks: usize| content + columns * (blanks + 1) - columns.min(1);
    let (mut columns, mut content) = (widths.len(), widths.iter().sum::<usize>());
    if needed(columns, content, 2) <= width {
        return show(out, &table);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 1));
    }
    let header = table.header().into_iter().flat_map(comfy_table::Row::cell_iter);
    let names: Vec<String> = header.map(|cell| unbroken(&cell.content())).collect();
    let mut left_out = Vec::new();
    for place in spare {
        if needed(columns, content, 1) <= width {
            break;
        }
        let (Some(column), Some(wide)) = (table.column_mut(*place), widths.get(*place)) else { continue };
        column.set_constraint(ColumnConstraint::Hidden);
        (columns, content) = (columns - 1, content - wide);
        left_out.extend(names.get(*place).cloned());
    }
    if needed(columns, content, 1) > width {
        let width = style.width.unwrap_or(u16::MAX);
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    show(out, &table);
    if !left_out.is_empty() {
        line(out, &format!("  no room at {width} characters for: {}", left_out.join("; ")));
    }
}

/// A header on one line.
fn unbroken(header: &str) -> String {
    header.replace("-\n", "").replace('\n', " ")
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
    if !words.is_empty() {
        line(out, &format!("  {}", words.join("  ·  ")));
    }
}
