//! Facts and flat tables for a terminal and as JSON.

use crate::measure_commands::{Section, Sheet};
use crate::output::TableNames;
use crate::render::grid::{
    Style, figure, grid_after, heading, inputs, left, line, prices, right, show_fitted,
};
use crate::render::json::pretty;
use crate::render::number;
use lake::{Cell, Column, ColumnKind};
use serde_json::{Map, Value, json};

/// Name and unit of a column: `var_usd` is VaR in USD.
pub(crate) fn words(name: &str) -> (String, &'static str) {
    const UNITS: [(&str, &str); 13] = [
        ("_usd_per_1pct", "USD/1%"),
        ("_usd_per_point", "USD/pt"),
        ("_coin", "coin"),
        ("_usd", "USD"),
        ("_days", "d"),
        ("_points_per_10_pct", "pt/10%"),
        ("_pct", "%"),
        ("_pct_per_year", "%/year"),
        ("_bp", "bp"),
        ("_points", "pt"),
        ("_hours", "h"),
        ("_seconds", "s"),
        ("_probability", "probability"),
    ];
    let found = UNITS.iter().find_map(|(suffix, unit)| Some((name.strip_suffix(suffix)?, *unit)));
    let (name, unit) = found.unwrap_or((name, ""));
    (name.replace('_', " "), unit)
}

/// A cell as it is read.
pub(crate) fn shown(cell: &Cell, style: Style) -> String {
    match cell {
        Cell::Text(text) => text.clone(),
        Cell::Fixed(value) => style.usd(*value),
        Cell::Float(value) => number::figure(*value, 5),
        Cell::Integer(count) => count.to_string(),
        Cell::Null => String::new(),
    }
}

/// The whole result as text.
pub(crate) fn text<N: TableNames>(sheet: &Sheet<N>, style: Style) -> String {
    let mut out = String::new();
    if sheet.is_partial() {
        line(&mut out, &format!("PARTIAL: {}; every figure below lacks them", sheet.lacks()));
    }
    match sheet.asof() {
        Some(asof) => line(&mut out, &format!("Plimsoll {}  ·  as of {asof}", sheet.title)),
        None => line(&mut out, &format!("Plimsoll {}", sheet.title)),
    }
    inputs(&mut out, &sheet.inputs);
    prices(&mut out, &sheet.market);
    for (name, value) in sheet.facts.iter().filter(|(_, value)| *value != Cell::Null) {
        let (name, unit) = words(name);
        line(&mut out, format!("  {name}: {} {unit}", shown(value, style)).trim_end());
    }
    for section in sheet.sections.iter().filter(|section| !section.body.1.is_empty()) {
        heading(&mut out, &section.heading, &section.aside);
        table(&mut out, section, style);
    }
    if !sheet.issues.is_empty() {
        heading(&mut out, "Bad input rows, left out", "");
        line(&mut out, sheet.issues.to_string().trim_end());
    }
    if !sheet.notes.is_empty() {
        heading(&mut out, "Notes", "");
        for note in &sheet.notes {
            line(&mut out, &format!("  {note}"));
        }
    }
    out
}

/// Places of columns that say something: on screen an empty one is left out.
pub(crate) fn filled(columns: &[Column], rows: &[Vec<Cell>]) -> Vec<usize> {
    let says = |place: &usize| rows.iter().any(|row| row.get(*place).is_some_and(|cell| *cell != Cell::Null));
    (0..columns.len()).filter(says).collect()
}

fn table<N>(out: &mut String, section: &Section<N>, style: Style) {
    let (columns, rows) = &section.body;
    let places = filled(columns, rows);
    let kept: Vec<&Column> = places.iter().filter_map(|place| columns.get(*place)).collect();
    let header: Vec<String> = kept
        .iter()
        .map(|column| {
            let (name, unit) = words(&column.name);
            if unit.is_empty() { name } else { format!("{name}\n{unit}") }
        })
        .collect();
    let leading = kept.iter().take_while(|column| column.kind == ColumnKind::Text).count();
    let mut table = grid_after(leading, style, &header);
    for row in rows {
        let cells = places.iter().filter_map(|place| row.get(*place));
        table.add_row(cells.zip(&kept).map(|(cell, column)| match (cell, column.kind) {
            (Cell::Fixed(value), _) => figure(*value, style),
            (cell, ColumnKind::Text) => left(shown(cell, style)),
            (cell, _) => right(shown(cell, style)),
        }));
    }
    show_fitted(out, table, style, &[]);
}

/// Measures as exact decimal text, model numbers as numbers, one object a row (docs/formats.md).
pub(crate) fn json<N: TableNames>(sheet: &Sheet<N>) -> Result<String, serde_json::Error> {
    let mut document = Map::new();
    document.insert("schema".into(), json!(sheet.schema));
    document.insert("partial".into(), json!(sheet.is_partial()));
    document.insert("asof".into(), json!(sheet.asof()));
    document.insert("version".into(), json!(env!("CARGO_PKG_VERSION")));
    document.insert("inputs".into(), serde_json::to_value(&sheet.inputs)?);
    for (name, value) in &sheet.facts {
        document.insert((*name).into(), cell(value)?);
    }
    for section in &sheet.sections {
        let (columns, rows) = &section.body;
        let rows = rows.iter().map(|row| object(columns, row)).collect::<Result<Vec<_>, _>>()?;
        document.insert(section.name.stem().into(), Value::Array(rows));
    }
    document.insert("bad_rows".into(), json!(sheet.issues.rows()));
    document.insert("bad_rows_listed".into(), serde_json::to_value(sheet.issues.kept())?);
    document.insert("notes".into(), json!(sheet.notes));
    pretty(&Value::Object(document))
}

fn object(columns: &[Column], row: &[Cell]) -> Result<Value, serde_json::Error> {
    let mut object = Map::new();
    for (column, value) in columns.iter().zip(row) {
        object.insert(column.name.clone(), cell(value)?);
    }
    Ok(Value::Object(object))
}

fn cell(cell: &Cell) -> Result<Value, serde_json::Error> {
    Ok(match cell {
        Cell::Text(text) => json!(text),
        Cell::Fixed(value) => serde_json::to_value(value)?,
        Cell::Float(value) => json!(value),
        Cell::Integer(count) => json!(count),
        Cell::Null => Value::Null,
    })
}
