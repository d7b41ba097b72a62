//! Sums of cube rows: `total[j] = sum over i of weight[i] x matrix[row[i]][j]`, fused, in the order of `i`.
//!
//! Lanes lie on the columns, never on the summed axis, so the vector width cannot change a bit; the order of the entries can,
//! and is the caller's promise.
//!
//! ```
//! use pricing::accumulate::{Entry, Matrix, weighted_sum};
//! let matrix = Matrix::new(&[1.0, 2.0, 10.0, 20.0], 2)?;
//! let mut total = [0.0; 2];
//! weighted_sum(&matrix, &[Entry { row: 0, weight: 3.0 }, Entry { row: 1, weight: -1.0 }], &mut total)?;
//! assert_eq!(total, [-7.0, -14.0]);
//! # Ok::<(), pricing::accumulate::AccumulateError>(())
//! ```

use crate::dispatch::{self, Task};

/// A shape that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccumulateError {
    /// The cells do not make whole rows.
    #[error("{cells} cells do not make rows of {width}")]
    Matrix {
        /// How many cells.
        cells: usize,
        /// Columns per row.
        width: usize,
    },
    /// An entry names a row that does not exist.
    #[error("entry {entry} names row {row} of {rows}")]
    Row {
        /// Which entry.
        entry: usize,
        /// Which row.
        row: u32,
        /// How many there are.
        rows: usize,
    },
    /// The totals have another length than a row.
    #[error("totals have length {length}, rows have {width}")]
    Totals {
        /// Given.
        length: usize,
        /// Wanted.
        width: usize,
    },
}

/// Row-major cells.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a> {
    cells: &'a [f64],
    width: usize,
}

impl<'a> Matrix<'a> {
    /// Checks the shape once.
    ///
    /// # Errors
    /// When the cells do not make whole rows.
    pub fn new(cells: &'a [f64], width: usize) -> Result<Self, AccumulateError> {
        if width == 0 || !cells.len().is_multiple_of(width) {
            return Err(AccumulateError::Matrix { cells: cells.len(), width });
        }
        Ok(Self { cells, width })
    }

    /// How many rows.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.cells.len() / self.width
    }
}

/// A weight on one row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entry {
    /// Which row.
    pub row: u32,
    /// How much of it.
    pub weight: f64,
}

/// Writes the weighted sum of rows over what `totals` held.
///
/// # Errors
/// When an entry names a row that does not exist or the totals have another length than a row.
pub fn weighted_sum(
    matrix: &Matrix<'_>,
    entries: &[Entry],
    totals: &mut [f64],
) -> Result<(), AccumulateError> {
    if totals.len() != matrix.width {
        return Err(AccumulateError::Totals { length: totals.len(), width: matrix.width });
    }
    let rows = matrix.rows();
    if let Some(entry) = entries.iter().position(|e| e.row as usize >= rows) {
        let row = entries.get(entry).map_or(0, |e| e.row);
        return Err(AccumulateError::Row { entry, row, rows });
    }
    dispatch::run(WeightedSum { matrix, entries, totals });
    Ok(())
}

struct WeightedSum<'a> {
    matrix: &'a Matrix<'a>,
    entries: &'a [Entry],
    totals: &'a mut [f64],
}

impl Task for WeightedSum<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        self.totals.fill(0.0);
        for entry in self.entries {
            let start = entry.row as usize * self.matrix.width;
            let row = self.matrix.cells.get(start..start + self.matrix.width).unwrap_or(&[]);
            for (total, cell) in self.totals.iter_mut().zip(row) {
                *total = entry.weight.mul_add(*cell, *total);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_checked() {
        assert!(Matrix::new(&[1.0; 5], 2).is_err());
        let matrix = Matrix::new(&[1.0; 4], 2).unwrap();
        assert!(weighted_sum(&matrix, &[Entry { row: 2, weight: 1.0 }], &mut [0.0; 2]).is_err());
        assert!(weighted_sum(&matrix, &[], &mut [0.0; 3]).is_err());
    }

    #[test]
    fn sums_are_fused_and_in_order() {
        let cells: Vec<f64> = (0..3 * 17).map(|i| f64::from(i) * 0.1 - 2.0).collect();
        let matrix = Matrix::new(&cells, 17).unwrap();
        let entries = [0u32, 2, 1, 2].map(|row| Entry { row, weight: f64::from(row) * 0.3 + 0.7 });
        let mut totals = [f64::NAN; 17];
        weighted_sum(&matrix, &entries, &mut totals).unwrap();
        for (column, total) in totals.iter().enumerate() {
            // One lane at a time with the same fused operation: the same bits.
            let expected =
                entries.iter().fold(0.0, |sum, e| e.weight.mul_add(cells[e.row as usize * 17 + column], sum));
            assert_eq!(total.to_bits(), expected.to_bits());
        }
    }
}
