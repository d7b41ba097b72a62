//! Whether one loss is smaller than another, instant by instant (Diebold and Mariano 1995).
//!
//! With differentials d_t = loss of the first less loss of the second: `DM = mean(d) / √(V/n)`, V the long-run variance of Newey and
//! West (1987) with Bartlett's weights:
//!
//! ```text
//! V = γ_0 + 2 Σ_{l=1..L} (1 - l/(L+1)) γ_l,   γ_l = Σ_{t>l} (d_t - mean)(d_{t-l} - mean)/n
//! ```
//!
//! Standard normal if both are as good; positive where the second is better. Of few instants (below about 50) the normal law is too
//! narrow. Left out: the correction for small samples of Harvey, Leybourne and Newbold (0.1 % of the statistic for 400 instants).

use super::moments::{count, mean};
use pricing::kernel;

/// How many autocovariances the variance has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lags {
    /// The integer part of 4 (n/100)^(2/9) (Newey and West 1994).
    Automatic,
    /// So many, at most n - 1.
    Exactly(usize),
}

impl Lags {
    /// For so many values.
    #[must_use]
    pub fn of(self, length: usize) -> usize {
        let most = length.saturating_sub(1);
        match self {
            Self::Exactly(lags) => lags.min(most),
            Self::Automatic if length == 0 => 0,
            Self::Automatic => {
                let lags = 4.0 * kernel::pow(count(length) / 100.0, 2.0 / 9.0);
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // positive and small
                let whole = lags as usize;
                whole.min(most)
            }
        }
    }
}

/// What the test found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DieboldMariano {
    /// Mean differential: first loss less second.
    pub mean: f64,
    /// Standard error of the mean.
    pub standard_error: f64,
    /// Positive where the second is better.
    pub statistic: f64,
    /// Two-sided: a larger distance from zero if both are as good.
    pub p_value: f64,
    /// Instants.
    pub instants: usize,
    /// Autocovariances in the variance.
    pub lags: usize,
}

impl DieboldMariano {
    /// One-sided: a larger statistic if the second is no better.
    #[must_use]
    pub fn p_second_better(&self) -> f64 {
        kernel::norm_cdf(-self.statistic)
    }
}

/// Newey-West's variance of √n times the mean; none of nothing. Never negative, up to rounding.
#[must_use]
pub fn long_run_variance(values: &[f64], lags: Lags) -> Option<f64> {
    let centre = mean(values)?;
    let lags = lags.of(values.len());
    let covariance = |lag: usize| {
        let later = values.iter().skip(lag);
        later.zip(values).map(|(late, early)| (late - centre) * (early - centre)).sum::<f64>()
            / count(values.len())
    };
    let mut total = covariance(0);
    for lag in 1..=lags {
        total += 2.0 * (1.0 - count(lag) / count(lags + 1)) * covariance(lag);
    }
    Some(total.max(0.0))
}

/// Tests differentials, one an instant, in the order of time; none with fewer than two or when they do not vary.
#[must_use]
pub fn diebold_mariano(differentials: &[f64], lags: Lags) -> Option<DieboldMariano> {
    let mean = mean(differentials)?;
    let standard_error = (long_run_variance(differentials, lags)? / count(differentials.len())).sqrt();
    if differentials.len() < 2 || standard_error.is_nan() || standard_error <= 0.0 {
        return None;
    }
    let statistic = mean / standard_error;
    Some(DieboldMariano {
        mean,
        standard_error,
        statistic,
        p_value: 2.0 * kernel::norm_cdf(-statistic.abs()),
        instants: differentials.len(),
        lags: lags.of(differentials.len()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean 2; deviations -1, 1, -1, 1.
    const ZIGZAG: [f64; 4] = [1.0, 3.0, 1.0, 3.0];

    #[test]
    fn newey_west_by_hand() {
        // γ_0 = 4/4, γ_1 = -3/4; with one lag of weight a half: 1 - 0.75. All exact in binary.
        assert_eq!(long_run_variance(&ZIGZAG, Lags::Exactly(0)), Some(1.0));
        assert_eq!(long_run_variance(&ZIGZAG, Lags::Exactly(1)), Some(0.25));
        // Two lags, weights 2/3 and 1/3, γ_2 = 2/4: 1 - 1 + 1/3, to rounding.
        let two = long_run_variance(&ZIGZAG, Lags::Exactly(2)).unwrap();
        assert!((two - 1.0 / 3.0).abs() < 1e-15, "{two}");
    }

    #[test]
    fn diebold_mariano_by_hand() {
        let test = diebold_mariano(&ZIGZAG, Lags::Exactly(0)).unwrap();
        // 2/√(1/4) = 4; 2 N(-4) = 6.334e-5, seven digits of any table.
        assert_eq!((test.mean, test.standard_error, test.statistic), (2.0, 0.5, 4.0));
        assert!((test.p_value - 6.334_248e-5).abs() < 1e-11);
        assert!((test.p_second_better() - 3.167_124e-5).abs() < 1e-11);
        let better = diebold_mariano(&ZIGZAG.map(|d| -d), Lags::Exactly(0)).unwrap();
        assert!(better.statistic < -3.9 && better.p_second_better() > 0.9999, "the second is worse");
    }

    #[test]
    fn lags_grow_slowly() {
        // 4 (387/100)^(2/9) = 5.40; 4 at a hundred; never more than there are.
        assert_eq!((Lags::Automatic.of(387), Lags::Automatic.of(100)), (5, 4));
        assert_eq!((Lags::Automatic.of(2), Lags::Exactly(9).of(4), Lags::Automatic.of(0)), (1, 3, 0));
    }

    #[test]
    fn without_variation_there_is_no_test() {
        assert_eq!(diebold_mariano(&[1.0, 1.0, 1.0], Lags::Automatic), None);
        assert_eq!(diebold_mariano(&[1.0], Lags::Automatic), None);
        assert_eq!(diebold_mariano(&[f64::NAN, 1.0], Lags::Automatic), None);
    }
}
