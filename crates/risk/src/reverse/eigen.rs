//! Eigenvalues and eigenvectors of a small symmetric matrix by cyclic Jacobi rotations (Golub and Van Loan, section 8.5): only
//! the four operations and square roots, in a fixed order.

/// Vectors in the order of values; each of length one.
pub(super) struct Eigen {
    pub(super) values: Vec<f64>,
    pub(super) vectors: Vec<Vec<f64>>,
}

/// Sweeps; each squares what is off the diagonal once it is small.
const SWEEPS: usize = 30;

pub(super) fn eigen(mut a: Vec<Vec<f64>>) -> Eigen {
    let n = a.len();
    let mut vectors: Vec<Vec<f64>> =
        (0..n).map(|i| (0..n).map(|j| if i == j { 1.0 } else { 0.0 }).collect()).collect();
    for _ in 0..SWEEPS {
        for p in 0..n {
            for q in p + 1..n {
                rotate(&mut a, &mut vectors, (p, q));
            }
        }
    }
    let values = a.iter().enumerate().map(|(i, row)| row.get(i).copied().unwrap_or(0.0)).collect();
    Eigen { values, vectors }
}

fn at(a: &[Vec<f64>], i: usize, j: usize) -> f64 {
    a.get(i).and_then(|row| row.get(j)).copied().unwrap_or(0.0)
}

fn rotate(a: &mut [Vec<f64>], vectors: &mut [Vec<f64>], (p, q): (usize, usize)) {
    let off = at(a, p, q);
    if off == 0.0 {
        return;
    }
    let theta = (at(a, q, q) - at(a, p, p)) / (2.0 * off);
    let t = theta.signum() / (theta.abs() + theta.mul_add(theta, 1.0).sqrt());
    let t = if theta == 0.0 { 1.0 } else { t };
    let cos = 1.0 / t.mul_add(t, 1.0).sqrt();
    let sin = t * cos;
    for row in a.iter_mut() {
        turn(row, (p, q), (cos, sin));
    }
    for rows in [&mut *a, vectors] {
        let (Some(row_p), Some(row_q)) = (rows.get(p).cloned(), rows.get(q).cloned()) else { return };
        for (k, (x, y)) in row_p.into_iter().zip(row_q).enumerate() {
            if let Some(cell) = rows.get_mut(p).and_then(|r| r.get_mut(k)) {
                *cell = cos * x - sin * y;
            }
            if let Some(cell) = rows.get_mut(q).and_then(|r| r.get_mut(k)) {
                *cell = sin * x + cos * y;
            }
        }
    }
}

fn turn(row: &mut [f64], (p, q): (usize, usize), (cos, sin): (f64, f64)) {
    let (x, y) = (row.get(p).copied().unwrap_or(0.0), row.get(q).copied().unwrap_or(0.0));
    if let Some(cell) = row.get_mut(p) {
        *cell = cos * x - sin * y;
    }
    if let Some(cell) = row.get_mut(q) {
        *cell = sin * x + cos * y;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_vectors_make_the_matrix_again() {
        let matrix = vec![vec![4.0, 1.0, -2.0], vec![1.0, 2.0, 0.5], vec![-2.0, 0.5, -3.0]];
        let found = eigen(matrix.clone());
        for (i, row) in matrix.iter().enumerate() {
            for (j, cell) in row.iter().enumerate() {
                let again: f64 =
                    found.values.iter().zip(&found.vectors).map(|(value, v)| value * v[i] * v[j]).sum();
                assert!((again - cell).abs() < 1e-14, "({i}, {j}): {again}");
            }
        }
        assert!((found.values.iter().sum::<f64>() - 3.0).abs() < 1e-14, "the trace");
        assert!(eigen(Vec::new()).values.is_empty());
    }
}
