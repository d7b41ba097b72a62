//! Mean, standard deviation and tail of profits on antithetic pairs, with standard errors.

/// A figure and its standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The figure.
    pub value: f64,
    /// Its standard error.
    pub standard_error: f64,
}

/// Moments and tail of a profit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Statistics {
    /// Mean, USD.
    pub mean: f64,
    /// Its standard error.
    pub mean_error: f64,
    /// Standard deviation, USD.
    pub sd: f64,
    /// Its standard error.
    pub sd_error: f64,
    /// Expected shortfall: the mean loss of the worst 5 %, USD; positive for a loss.
    pub cvar95: f64,
    /// Its standard error.
    pub cvar95_error: f64,
    /// The worst, USD.
    pub worst: f64,
}

const TAIL: f64 = 0.05;

/// Of profits, the two of a pair side by side.
#[must_use]
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // counts far below 2^53
pub fn summarise(profit: &[f64]) -> Statistics {
    let n = profit.len().max(1) as f64;
    let mean = profit.iter().sum::<f64>() / n;
    let square = |x: f64| (x - mean) * (x - mean);
    let variance = profit.iter().map(|x| square(*x)).sum::<f64>() / (n - 1.0).max(1.0);
    let sd = variance.sqrt();
    let mut losses: Vec<f64> = profit.iter().map(|x| -x).collect();
    losses.sort_by(f64::total_cmp);
    let tail = ((n * TAIL).ceil() as usize).clamp(1, losses.len().max(1));
    let worst_ones = losses.get(losses.len() - tail.min(losses.len())..).unwrap_or(&[]);
    let cvar = worst_ones.iter().sum::<f64>() / tail as f64;
    let var = worst_ones.first().copied().unwrap_or(0.0);
    let sd_influence = |x: f64| if sd > 0.0 { (square(x) - variance) / (2.0 * sd) } else { 0.0 };
    let tail_influence = |x: f64| (-x - var).max(0.0) / TAIL + var - cvar;
    Statistics {
        mean,
        mean_error: paired_error(profit, |x| x - mean),
        sd,
        sd_error: paired_error(profit, sd_influence),
        cvar95: cvar,
        cvar95_error: paired_error(profit, tail_influence),
        worst: losses.last().map_or(0.0, |loss| -loss),
    }
}

/// Mean of the difference of two profits on the same paths.
#[must_use]
#[allow(clippy::cast_precision_loss)] // counts far below 2^53
pub fn paired_mean(ours: &[f64], theirs: &[f64]) -> Estimate {
    let more: Vec<f64> = ours.iter().zip(theirs).map(|(ours, theirs)| ours - theirs).collect();
    let value = more.iter().sum::<f64>() / more.len().max(1) as f64;
    Estimate { value, standard_error: paired_error(&more, |x| x - value) }
}

/// Standard error of the mean of an influence: pairs are independent, the two of a pair are not.
#[allow(clippy::cast_precision_loss)] // counts far below 2^53
fn paired_error(profit: &[f64], influence: impl Fn(f64) -> f64) -> f64 {
    let pairs = profit.chunks(2);
    let count = pairs.len().max(1) as f64;
    let squares: f64 = pairs
        .map(|pair| {
            let mean = pair.iter().map(|x| influence(*x)).sum::<f64>() / pair.len() as f64;
            mean * mean
        })
        .sum();
    squares.sqrt() / count
}
