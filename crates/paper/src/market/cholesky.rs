//! The lower triangular factor of the correlations.

use crate::config::WorldConfig;

/// Rows of the factor, each up to its diagonal.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cholesky(Vec<Vec<f64>>);

impl Cholesky {
    /// None when the correlations are not positive definite.
    pub(crate) fn new(config: &WorldConfig) -> Option<Self> {
        let assets = &config.underlying;
        let correlation = |i: usize, j: usize| {
            if i == j {
                return 1.0;
            }
            let pair = [&assets[i].asset, &assets[j].asset];
            let named = config.correlation.iter().find(|c| {
                let [a, b] = &c.pair;
                pair == [a, b] || pair == [b, a]
            });
            named.map_or(0.0, |c| c.value)
        };
        let mut rows: Vec<Vec<f64>> = Vec::with_capacity(assets.len());
        for i in 0..assets.len() {
            let mut row: Vec<f64> = Vec::with_capacity(i + 1);
            for j in 0..=i {
                let products = row.iter().zip(rows.get(j).unwrap_or(&row)).take(j).map(|(a, b)| a * b);
                let rest = products.fold(correlation(i, j), |rest, product| rest - product);
                let entry = match rows.get(j) {
                    Some(other) => rest / other[j],
                    None => rest.sqrt(),
                };
                row.push(entry);
            }
            if row.iter().any(|entry| !entry.is_finite()) || row[i] <= 0.0 {
                return None;
            }
            rows.push(row);
        }
        Some(Self(rows))
    }

    /// The correlated number of one row.
    pub(crate) fn row(&self, i: usize, independent: &[f64]) -> f64 {
        self.0[i].iter().zip(independent).fold(0.0, |sum, (factor, normal)| sum + factor * normal)
    }
}
