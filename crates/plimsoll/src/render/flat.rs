//! What all flat tables are made of.

use lake::{Cell, Column, ColumnKind};
use units::Fixed;

/// Columns and rows.
pub(crate) type Body = (Vec<Column>, Vec<Vec<Cell>>);

pub(crate) fn columns(list: &[(&str, ColumnKind)]) -> Vec<Column> {
    list.iter().map(|(name, kind)| Column { name: (*name).into(), kind: *kind }).collect()
}

pub(crate) fn text(value: impl std::fmt::Display) -> Cell {
    Cell::Text(value.to_string())
}

pub(crate) fn count(value: usize) -> Cell {
    i64::try_from(value).map_or(Cell::Null, Cell::Integer)
}

pub(crate) fn optional(value: Option<Fixed>) -> Cell {
    value.map_or(Cell::Null, Cell::Fixed)
}
