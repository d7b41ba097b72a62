//! The inverse of a basis, kept as a dense matrix: row `r` belongs to the variable that is basic at place `r`.
//!
//! Dense and explicit on purpose. The problems here have tens to a few hundred rows, of which the rows of scenarios are dense anyway; the
//! squared length of each row, which is the exact weight of dual steepest edge, then costs nothing more; and a row can be added in place.

/// A pivot smaller than this is none: the column depends on those before it.
const SINGULAR: f64 = 1e-11;

/// Rows of the inverse and their squared lengths.
#[derive(Debug, Clone, Default)]
pub(super) struct Inverse {
    rows: Vec<Vec<f64>>,
    weights: Vec<f64>,
}

/// A column of the basis that depends on others, and the row that is left without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dependent {
    pub(super) place: usize,
    pub(super) row: usize,
}

impl Inverse {
    pub(super) fn row(&self, place: usize) -> &[f64] {
        &self.rows[place]
    }

    /// Squared length of a row: how far the objective moves per unit of infeasibility, squared.
    pub(super) fn weight(&self, place: usize) -> f64 {
        self.weights[place]
    }

    /// The inverse times a vector.
    pub(super) fn times(&self, vector: &[f64]) -> Vec<f64> {
        self.rows.iter().map(|row| dot(row, vector)).collect()
    }

    /// The inverse times a sparse column.
    pub(super) fn times_sparse(&self, column: &[(usize, f64)]) -> Vec<f64> {
        self.rows.iter().map(|row| column.iter().map(|(i, v)| row[*i] * v).sum()).collect()
    }

    /// A vector, one number a place, times the inverse.
    pub(super) fn times_left(&self, vector: &[f64]) -> Vec<f64> {
        let mut sum = vec![0.0; self.rows.len()];
        for (row, factor) in self.rows.iter().zip(vector) {
            if *factor != 0.0 {
                add(&mut sum, row, *factor);
            }
        }
        sum
    }

    /// Adds a row whose own logical (coefficient -1) is basic; `coefficients` are those of the other basic variables in it.
    pub(super) fn grow(&mut self, coefficients: &[f64]) {
        let mut last = self.times_left(coefficients);
        for row in &mut self.rows {
            row.push(0.0);
        }
        last.push(-1.0);
        self.weights.push(dot(&last, &last));
        self.rows.push(last);
    }

    /// Replaces the variable at a place; `column` is the inverse times the entering column.
    pub(super) fn replace(&mut self, place: usize, column: &[f64]) {
        let mut pivot = std::mem::take(&mut self.rows[place]);
        let factor = 1.0 / column[place];
        for value in &mut pivot {
            *value *= factor;
        }
        self.weights[place] = dot(&pivot, &pivot);
        for (i, (row, weight)) in self.rows.iter_mut().zip(&mut self.weights).enumerate() {
            if i != place && column[i] != 0.0 {
                add(row, &pivot, -column[i]);
                *weight = dot(row, row);
            }
        }
        self.rows[place] = pivot;
    }

    /// Inverts a basis by Gauss and Jordan, the columns with the fewest entries first, so that logicals cost nothing.
    ///
    /// # Errors
    /// The first column that depends on those before it.
    pub(super) fn invert(columns: &[Vec<(usize, f64)>]) -> Result<Self, Dependent> {
        let size = columns.len();
        let mut matrix = vec![vec![0.0; size]; size];
        for (place, column) in columns.iter().enumerate() {
            for (row, value) in column {
                matrix[*row][place] += value;
            }
        }
        let mut inverse = vec![vec![0.0; size]; size];
        for (i, row) in inverse.iter_mut().enumerate() {
            row[i] = 1.0;
        }
        let mut order: Vec<usize> = (0..size).collect();
        order.sort_by_key(|place| (columns[*place].len(), *place));
        let mut pivot_row_of = vec![usize::MAX; size];
        let mut taken = vec![false; size];
        for &place in &order {
            let pivot = largest(&matrix, place, &taken);
            let Some(row) = pivot.filter(|row| matrix[*row][place].abs() > SINGULAR) else {
                let row = taken.iter().position(|t| !t).unwrap_or(0);
                return Err(Dependent { place, row });
            };
            taken[row] = true;
            pivot_row_of[place] = row;
            eliminate(&mut matrix, &mut inverse, (row, place));
        }
        let rows: Vec<Vec<f64>> = pivot_row_of.iter().map(|row| std::mem::take(&mut inverse[*row])).collect();
        let weights = rows.iter().map(|row| dot(row, row)).collect();
        Ok(Self { rows, weights })
    }
}

/// The free row with the largest entry in a column; the first of equals.
fn largest(matrix: &[Vec<f64>], place: usize, taken: &[bool]) -> Option<usize> {
    let mut best: Option<usize> = None;
    for row in (0..matrix.len()).filter(|row| !taken[*row]) {
        if best.is_none_or(|b| matrix[row][place].abs() > matrix[b][place].abs()) {
            best = Some(row);
        }
    }
    best
}

/// Makes a column the unit vector of its pivot's row, in the matrix and in the inverse beside it.
fn eliminate(matrix: &mut [Vec<f64>], inverse: &mut [Vec<f64>], (row, place): (usize, usize)) {
    let mut pivot = std::mem::take(&mut matrix[row]);
    let mut beside = std::mem::take(&mut inverse[row]);
    let factor = 1.0 / pivot[place];
    for value in pivot.iter_mut().chain(&mut beside) {
        *value *= factor;
    }
    for (i, (other, other_inverse)) in matrix.iter_mut().zip(inverse.iter_mut()).enumerate() {
        if i == row {
            continue;
        }
        let factor = -other[place];
        if factor != 0.0 {
            add(other, &pivot, factor);
            add(other_inverse, &beside, factor);
        }
    }
    matrix[row] = pivot;
    inverse[row] = beside;
}

/// `sum += factor * row`, element by element.
pub(super) fn add(sum: &mut [f64], row: &[f64], factor: f64) {
    for (s, r) in sum.iter_mut().zip(row) {
        *s += factor * r;
    }
}

/// Scalar product in four strands of fixed order, so that it is fast and always the same.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut strands = [0.0; 4];
    let (left, right) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest: f64 = left.remainder().iter().zip(right.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in left.zip(right) {
        for (strand, (x, y)) in strands.iter_mut().zip(x.iter().zip(y)) {
            *strand += x * y;
        }
    }
    (strands[0] + strands[1]) + (strands[2] + strands[3]) + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inverse_times_basis_is_the_identity_and_stays_so_after_growing_and_replacing() {
        let mut columns =
            vec![vec![(0, 2.0), (1, 1.0)], vec![(1, -1.0)], vec![(0, 0.5), (1, 3.0), (2, -4.0)]];
        let mut inverse = Inverse::invert(&columns).unwrap();
        let near = |inverse: &Inverse, columns: &[Vec<(usize, f64)>]| {
            for (place, column) in columns.iter().enumerate() {
                for (row, value) in inverse.times_sparse(column).iter().enumerate() {
                    let unit = if row == place { 1.0 } else { 0.0 };
                    assert!((value - unit).abs() < 1e-14, "{row} {place}: {value}");
                }
            }
        };
        near(&inverse, &columns);
        let in_new_row = [0.25, 0.0, -2.0];
        inverse.grow(&in_new_row);
        for (column, value) in columns.iter_mut().zip(in_new_row) {
            column.push((3, value));
        }
        columns.push(vec![(3, -1.0)]);
        near(&inverse, &columns);
        let entering = vec![(0, 1.0), (2, 5.0), (3, 1.0)];
        let column = inverse.times_sparse(&entering);
        inverse.replace(1, &column);
        columns[1] = entering;
        near(&inverse, &columns);
        for place in 0..4 {
            assert!((inverse.weight(place) - dot(inverse.row(place), inverse.row(place))).abs() < 1e-14);
        }
    }

    #[test]
    fn a_dependent_column_is_named_with_the_row_it_leaves_empty() {
        let columns = vec![vec![(0, 1.0), (1, 1.0)], vec![(0, 2.0), (1, 2.0)], vec![(2, -1.0)]];
        assert_eq!(Inverse::invert(&columns).unwrap_err(), Dependent { place: 1, row: 1 });
    }
}
