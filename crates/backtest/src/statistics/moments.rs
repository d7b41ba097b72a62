//! Means of values, their squares and their distances.

/// Of a count, which stays far below 2^53.
#[allow(clippy::cast_precision_loss)]
pub(super) const fn count(length: usize) -> f64 {
    length as f64
}

/// Arithmetic mean, summed in the order given; none of nothing.
#[must_use]
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / count(values.len()))
}

/// √(Σx²/n): of errors whose aim is zero.
#[must_use]
pub fn root_mean_square(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| (values.iter().map(|x| x * x).sum::<f64>() / count(values.len())).sqrt())
}

/// Σ|x|/n.
#[must_use]
pub fn mean_absolute(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().map(|x| x.abs()).sum::<f64>() / count(values.len()))
}

/// Σ(x - mean)²/n, in two passes; none of nothing.
#[must_use]
pub fn variance(values: &[f64]) -> Option<f64> {
    let centre = mean(values)?;
    Some(values.iter().map(|x| (x - centre) * (x - centre)).sum::<f64>() / count(values.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_by_hand() {
        let values = [1.0, -2.0, 3.0, 2.0];
        // 4/4; √(18/4); 8/4; ((0)² + 9 + 4 + 1)/4. All exact but the root, which is correctly rounded.
        assert_eq!(mean(&values), Some(1.0));
        assert_eq!(root_mean_square(&values), Some(4.5_f64.sqrt()));
        assert_eq!(mean_absolute(&values), Some(2.0));
        assert_eq!(variance(&values), Some(3.5));
    }

    #[test]
    fn nothing_has_no_mean() {
        assert_eq!(
            (mean(&[]), root_mean_square(&[]), mean_absolute(&[]), variance(&[])),
            (None, None, None, None)
        );
    }
}
