//! A report table as data: named columns with their units, typed cells.

use crate::LakeError;
use units::Fixed;

/// What the cells of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Words and ids.
    Text,
    /// Published measures, exact to 1e-12.
    Fixed,
    /// Model numbers that are not summed.
    Float,
    /// Counts.
    Integer,
}

/// Name and kind of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Name with its unit last: `vega_usd_per_point`.
    pub name: String,
    /// What its cells are.
    pub kind: ColumnKind,
}

/// One cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// A word or id.
    Text(String),
    /// A published measure.
    Fixed(Fixed),
    /// A model number.
    Float(f64),
    /// A count.
    Integer(i64),
    /// No value.
    Null,
}

/// Rows of cells under named columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Name of the table, for messages and file names.
    pub name: &'static str,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows, each with one cell a column.
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Checks the whole table, so that a writer either writes all of it or nothing.
    pub(crate) fn check(&self) -> Result<(), LakeError> {
        let refuse = |row: usize, column: &str, rule: &str| LakeError::Table {
            table: self.name,
            row: row as u64,
            column: column.to_owned(),
            rule: rule.to_owned(),
        };
        if self.columns.is_empty() {
            return Err(refuse(0, "", "a table has at least one column"));
        }
        for (index, column) in self.columns.iter().enumerate() {
            if self.columns.iter().take(index).any(|earlier| earlier.name == column.name) {
                return Err(refuse(0, &column.name, "two columns have this name"));
            }
        }
        for (index, row) in self.rows.iter().enumerate() {
            if row.len() != self.columns.len() {
                return Err(refuse(index + 1, "", "a row has one cell a column"));
            }
            for (column, cell) in self.columns.iter().zip(row) {
                let rule = match (column.kind, cell) {
                    (_, Cell::Null)
                    | (ColumnKind::Text, Cell::Text(_))
                    | (ColumnKind::Float, Cell::Float(_))
                    | (ColumnKind::Integer, Cell::Integer(_)) => continue,
                    (ColumnKind::Fixed, Cell::Fixed(fixed)) if fixed.raw().unsigned_abs() < DECIMAL_LIMIT => {
                        continue;
                    }
                    (ColumnKind::Fixed, Cell::Fixed(_)) => {
                        "a measure stays below 1e26, so that 38 digits hold it"
                    }
                    _ => "a cell has the kind of its column",
                };
                return Err(refuse(index + 1, &column.name, rule));
            }
        }
        Ok(())
    }
}

/// 38 digits, the most that Decimal128 holds.
const DECIMAL_LIMIT: u128 = 10u128.pow(38);

#[cfg(test)]
mod tests {
    use super::*;

    fn table(kind: ColumnKind, rows: Vec<Vec<Cell>>) -> Table {
        Table { name: "t", columns: vec![Column { name: "c".into(), kind }], rows }
    }

    #[test]
    fn a_cell_has_the_kind_of_its_column_and_a_row_one_cell_a_column() {
        assert!(table(ColumnKind::Float, vec![vec![Cell::Float(1.0)], vec![Cell::Null]]).check().is_ok());
        let error =
            table(ColumnKind::Float, vec![vec![Cell::Null], vec![Cell::Integer(1)]]).check().unwrap_err();
        assert_eq!(error.to_string(), "table t row 2, column 'c': a cell has the kind of its column");
        assert!(table(ColumnKind::Float, vec![vec![]]).check().is_err());
        assert!(table(ColumnKind::Text, vec![vec![Cell::Null, Cell::Null]]).check().is_err());
    }

    #[test]
    fn a_measure_of_more_than_38_digits_is_an_error_not_a_wrong_number() {
        // A million times the largest measure is 1e26, the first sum that does not fit.
        let most = Fixed::quantise(1e20).unwrap();
        let sum: Fixed = std::iter::repeat_n(most, 999_999).sum();
        assert!(table(ColumnKind::Fixed, vec![vec![Cell::Fixed(sum)]]).check().is_ok());
        assert!(table(ColumnKind::Fixed, vec![vec![Cell::Fixed(sum + most)]]).check().is_err());
    }
}
