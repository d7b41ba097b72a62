//! Upper tail of the chi-square law with whole degrees of freedom.
//!
//! `Q(a, y)` with a = k/2, y = x/2: `Q(1/2, y) = 2 N(-sqrt(2 y))`, `Q(1, y) = exp(-y)`, and
//! `Q(a + 1, y) = Q(a, y) + y^a exp(-y) / Gamma(a + 1)`, whose terms are all positive.

use pricing::kernel;

/// P(chi-square with `degrees` degrees of freedom > x); 1 at and below zero, NaN for NaN.
#[must_use]
pub(crate) fn chi_square_tail(degrees: u32, x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x <= 0.0 || degrees == 0 {
        return 1.0;
    }
    let y = 0.5 * x;
    let decay = kernel::exp(-y);
    // y^a exp(-y) / Gamma(a + 1) for the first a; Gamma(3/2) is half the square root of pi.
    let (mut tail, mut a, mut term) = if degrees % 2 == 1 {
        (2.0 * kernel::norm_cdf(-x.sqrt()), 0.5, y.sqrt() * decay / (0.5 * std::f64::consts::PI.sqrt()))
    } else {
        (decay, 1.0, y * decay)
    };
    for _ in 0..(degrees - 1) / 2 {
        tail += term;
        a += 1.0;
        term *= y / a;
    }
    tail.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_five_percent_points_of_every_textbook() {
        for (degrees, x) in [
            (1, 3.841_459),
            (2, 5.991_465),
            (3, 7.814_728),
            (4, 9.487_729),
            (5, 11.070_498),
            (10, 18.307_038),
        ] {
            // Seven printed digits of x at a density of at most 0.1.
            assert!((chi_square_tail(degrees, x) - 0.05).abs() < 1e-7, "{degrees}");
        }
        assert!((chi_square_tail(3, 1e-12) - 1.0).abs() < 1e-15);
        assert!((chi_square_tail(2, 0.0) - 1.0).abs() < 1e-15 && chi_square_tail(2, f64::NAN).is_nan());
    }
}
