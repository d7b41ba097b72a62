//! Uncertainty of any figure of a dependent series: the circular block bootstrap (Politis and Romano 1992).
//!
//! A draw lays blocks of neighbouring instants end to end, each starting anywhere, until it has as many instants as the series; after
//! the last instant comes the first. The figure of each draw, between two quantiles over the draws, is the interval. Draw i has stream
//! i of the generator: the same bits on any number of threads.

use super::generator::Generator;
use super::tail::quantile;
use rayon::iter::{IntoParallelIterator, ParallelIterator};

/// How to draw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bootstrap {
    /// Neighbouring instants in a block.
    pub block: usize,
    /// Draws.
    pub draws: u32,
    /// Share of the draws inside the interval, such as 0.95.
    pub confidence: f64,
    /// Names the draws.
    pub seed: u64,
}

/// What is wrong with a [`Bootstrap`].
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum BootstrapError {
    /// A block needs an instant.
    #[error("a block has at least one instant")]
    EmptyBlock,
    /// Quantiles of few draws say nothing.
    #[error("{0} draws: an interval needs at least 20")]
    FewDraws(u32),
    /// Not a share.
    #[error("a confidence of {0}: write a share between 0 and 1, such as 0.95")]
    Confidence(f64),
}

/// A confidence interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// Whether zero is outside: the sign of the figure is known.
    #[must_use]
    pub fn excludes_zero(&self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }
}

impl Bootstrap {
    /// The rule that is broken, if any.
    ///
    /// # Errors
    /// [`BootstrapError`].
    pub fn check(&self) -> Result<(), BootstrapError> {
        if self.block == 0 {
            return Err(BootstrapError::EmptyBlock);
        }
        if self.draws < 20 {
            return Err(BootstrapError::FewDraws(self.draws));
        }
        if !(self.confidence > 0.0 && self.confidence < 1.0) {
            return Err(BootstrapError::Confidence(self.confidence));
        }
        Ok(())
    }
}

/// The first instant of each block of one draw.
#[must_use]
pub fn block_starts(bootstrap: &Bootstrap, instants: usize, draw: u32) -> Vec<usize> {
    let mut generator = Generator::new(bootstrap.seed, draw.into());
    let blocks = instants.div_ceil(bootstrap.block.max(1));
    (0..blocks).map(|_| generator.below(instants)).collect()
}

/// The interval of a figure of so many instants. `figure` is given how often each instant was drawn; a draw without a figure is left
/// out, and without half of the draws there is no interval.
///
/// # Errors
/// [`BootstrapError`] of the bootstrap.
pub fn block_interval(
    bootstrap: &Bootstrap,
    instants: usize,
    figure: impl Fn(&[u32]) -> Option<f64> + Sync,
) -> Result<Option<Interval>, BootstrapError> {
    bootstrap.check()?;
    let draw = |draw: u32| {
        let mut times = vec![0_u32; instants];
        let mut left = instants;
        for start in block_starts(bootstrap, instants, draw) {
            for step in 0..bootstrap.block.min(left) {
                if let Some(slot) = times.get_mut((start + step) % instants) {
                    *slot += 1;
                }
            }
            left = left.saturating_sub(bootstrap.block);
        }
        figure(&times)
    };
    // In the order of the draws, whatever thread made them.
    let figures: Vec<Option<f64>> = (0..bootstrap.draws).into_par_iter().map(draw).collect();
    let known: Vec<f64> = figures.into_iter().flatten().collect();
    let tail = 0.5 * (1.0 - bootstrap.confidence);
    let enough = known.len() * 2 >= bootstrap.draws as usize;
    let ends = || Some(Interval { low: quantile(&known, tail)?, high: quantile(&known, 1.0 - tail)? });
    Ok(if enough { ends() } else { None })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: Bootstrap = Bootstrap { block: 3, draws: 400, confidence: 0.95, seed: 1 };

    fn mean_of(values: &[f64]) -> impl Fn(&[u32]) -> Option<f64> + Sync {
        |times| {
            let sum: f64 = values.iter().zip(times).map(|(value, times)| value * f64::from(*times)).sum();
            let count: u32 = times.iter().sum();
            (count > 0).then(|| sum / f64::from(count))
        }
    }

    #[test]
    fn a_draw_has_as_many_instants_as_the_series() {
        let whole = |times: &[u32]| Some(f64::from(times.iter().sum::<u32>()));
        // 10 is no multiple of 3: the last block is cut.
        let interval = block_interval(&PLAN, 10, whole).unwrap().unwrap();
        assert_eq!(interval, Interval { low: 10.0, high: 10.0 });
    }

    #[test]
    fn the_interval_of_a_mean_is_about_two_deviations_wide() {
        // Independent +1 and -1 by a generator: the deviation of a mean of 400 is 0.05, the interval 4 x 0.98 of it wide.
        let mut generator = Generator::new(5, 5);
        let values: Vec<f64> = (0..400).map(|_| if generator.below(2) == 0 { 1.0 } else { -1.0 }).collect();
        let interval = block_interval(&PLAN, values.len(), mean_of(&values)).unwrap().unwrap();
        // 400 draws know the width to about 10 %.
        let width = interval.high - interval.low;
        assert!((0.15..0.25).contains(&width), "{width}");
        let own = values.iter().sum::<f64>() / 400.0;
        assert!(interval.low < own && own < interval.high);
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        let values: Vec<f64> = (0..97).map(|i| f64::from(i * i % 31)).collect();
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let interval = pool.install(|| block_interval(&PLAN, values.len(), mean_of(&values)));
            let interval = interval.unwrap().unwrap();
            (interval.low.to_bits(), interval.high.to_bits())
        };
        assert_eq!(on(1), on(2));
        assert_eq!(on(1), on(5));
    }

    #[test]
    fn wrong_plans_name_their_rule() {
        let wrong = |plan: Bootstrap| block_interval(&plan, 4, |_| None).unwrap_err();
        assert_eq!(wrong(Bootstrap { block: 0, ..PLAN }), BootstrapError::EmptyBlock);
        assert_eq!(wrong(Bootstrap { draws: 3, ..PLAN }), BootstrapError::FewDraws(3));
        assert_eq!(wrong(Bootstrap { confidence: 1.0, ..PLAN }), BootstrapError::Confidence(1.0));
        assert_eq!(block_interval(&PLAN, 4, |_| None), Ok(None), "no draw has a figure");
    }
}
