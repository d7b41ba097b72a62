//! What came of many positions: mean, spread, tail, cost, and how far one policy is from another.
//!
//! P&L is a fraction of the notional. CVaR is a loss: minus the mean of the worst 5 %, the last position of them counted in part. Positions
//! that are open at once see the same market, so errors and intervals are those of blocks of positions drawn together
//! (moving blocks on a circle; Politis and Romano 1992), as long as a position is open.

use crate::statistics::{self, Generator};

/// One position under one policy, fractions of the notional.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Its place among the positions of its kind, whatever the policy.
    pub position: usize,
    /// P&L.
    pub pnl: f64,
    /// What hedging cost.
    pub hedge_cost: f64,
    /// What was traded of the hedge.
    pub turnover: f64,
    /// How many trades.
    pub trades: u32,
}

/// What came of all positions of a kind under one policy, fractions of the notional.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Summary {
    /// How many.
    pub positions: usize,
    /// Mean P&L.
    pub mean: f64,
    /// Standard error of the mean, by blocks.
    pub mean_error: f64,
    /// Standard deviation.
    pub sd: f64,
    /// Mean loss of the worst 5 %.
    pub cvar95: f64,
    /// The least P&L.
    pub worst: f64,
    /// Mean cost of hedging.
    pub hedge_cost: f64,
    /// Mean of what was traded of the hedge.
    pub turnover: f64,
    /// Mean number of trades.
    pub trades: f64,
}

/// A difference and the interval that holds it 95 times of 100.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Interval {
    /// The difference.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// A policy less another on the same positions, fractions of the notional.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Difference {
    /// Of means: above zero is better.
    pub mean: Interval,
    /// Of standard deviations: below zero is better.
    pub sd: Interval,
    /// Of the mean losses of the worst 5 %: below zero is better.
    pub cvar95: Interval,
}

/// How positions are drawn again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resampling {
    /// Of the random numbers.
    pub seed: u64,
    /// How often.
    pub resamples: u32,
    /// Positions that are drawn together.
    pub block: usize,
}

/// The part of positions that are the tail.
const TAIL: f64 = 0.05;

#[allow(clippy::cast_precision_loss)] // counts of positions
const fn count(n: usize) -> f64 {
    n as f64
}

/// Arithmetic mean, in the order given; zero of nothing.
pub(super) fn mean(values: &[f64]) -> f64 {
    statistics::mean(values).unwrap_or(0.0)
}

/// Standard deviation of a sample.
fn deviation(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let middle = mean(values);
    let squares: f64 = values.iter().map(|value| (value - middle) * (value - middle)).sum();
    (squares / count(values.len() - 1)).sqrt()
}

/// Mean loss of the worst 5 %; sorts the values.
fn tail_loss(values: &mut [f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    values.sort_unstable_by(f64::total_cmp);
    let size = (TAIL * count(values.len())).max(1.0);
    let mut left = size;
    let mut sum = 0.0;
    for value in values.iter() {
        let weight = left.min(1.0);
        if weight <= 0.0 {
            break;
        }
        sum += weight * value;
        left -= weight;
    }
    -sum / size
}

impl Summary {
    /// Of positions in the order of their entries.
    #[must_use]
    pub fn of(samples: &[Sample], resampling: Resampling) -> Self {
        let pnl: Vec<f64> = samples.iter().map(|sample| sample.pnl).collect();
        let mean_of = |of: fn(&Sample) -> f64| mean(&samples.iter().map(of).collect::<Vec<f64>>());
        let mut sorted = pnl.clone();
        let cvar95 = tail_loss(&mut sorted);
        let mut means = Vec::new();
        resampling.each(pnl.len(), &mut |places| {
            let drawn = places.iter().filter_map(|place| pnl.get(*place));
            means.push(mean(&drawn.copied().collect::<Vec<f64>>()));
        });
        Self {
            positions: samples.len(),
            mean: mean(&pnl),
            // Of one position nothing is known of either.
            mean_error: if pnl.len() > 1 { deviation(&means) } else { f64::NAN },
            sd: if pnl.len() > 1 { deviation(&pnl) } else { f64::NAN },
            cvar95,
            worst: sorted.first().copied().unwrap_or(0.0),
            hedge_cost: mean_of(|sample| sample.hedge_cost),
            turnover: mean_of(|sample| sample.turnover),
            trades: mean_of(|sample| f64::from(sample.trades)),
        }
    }
}

/// The three figures that are compared.
#[derive(Default)]
struct Figures {
    mean: Vec<f64>,
    sd: Vec<f64>,
    cvar95: Vec<f64>,
}

impl Figures {
    fn push(&mut self, pairs: &[(f64, f64)]) {
        let (mut one, mut other): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
        self.mean.push(mean(&one) - mean(&other));
        self.sd.push(deviation(&one) - deviation(&other));
        self.cvar95.push(tail_loss(&mut one) - tail_loss(&mut other));
    }
}

impl Difference {
    /// Of the positions that both have.
    #[must_use]
    pub fn of(one: &[Sample], other: &[Sample], resampling: Resampling) -> Self {
        let pairs: Vec<(f64, f64)> = one
            .iter()
            .filter_map(|sample| {
                let place = other.binary_search_by_key(&sample.position, |sample| sample.position).ok()?;
                Some((sample.pnl, other.get(place)?.pnl))
            })
            .collect();
        let (mut whole, mut drawn) = (Figures::default(), Figures::default());
        whole.push(&pairs);
        resampling.each(pairs.len(), &mut |places| {
            let again = places.iter().filter_map(|place| pairs.get(*place).copied());
            drawn.push(&again.collect::<Vec<_>>());
        });
        let interval = |whole: &[f64], mut drawn: Vec<f64>| {
            drawn.sort_unstable_by(f64::total_cmp);
            let value = whole.first().copied().unwrap_or(0.0);
            Interval { value, low: quantile(&drawn, 0.025), high: quantile(&drawn, 0.975) }
        };
        Self {
            mean: interval(&whole.mean, drawn.mean),
            sd: interval(&whole.sd, drawn.sd),
            cvar95: interval(&whole.cvar95, drawn.cvar95),
        }
    }
}

/// The value below which so much of a sorted sample lies.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between zero and the length
    let place = (share * count(sorted.len().saturating_sub(1))).round() as usize;
    sorted.get(place).copied().unwrap_or(0.0)
}

impl Resampling {
    /// Draws places of a sample again and again: blocks of neighbours on a circle.
    fn each(&self, length: usize, visit: &mut dyn FnMut(&[usize])) {
        if length == 0 {
            return;
        }
        let block = self.block.clamp(1, length);
        let mut generator = Generator::from_state(self.seed);
        let mut places = Vec::with_capacity(length + block);
        for _ in 0..self.resamples {
            places.clear();
            while places.len() < length {
                let start = generator.below(length);
                places.extend((0..block).map(|step| (start + step) % length));
            }
            places.truncate(length);
            visit(&places);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWN: Resampling = Resampling { seed: 1, resamples: 400, block: 1 };

    fn samples(pnl: &[f64]) -> Vec<Sample> {
        let of = |(position, pnl): (usize, &f64)| Sample {
            position,
            pnl: *pnl,
            hedge_cost: 0.0,
            turnover: 0.0,
            trades: 0,
        };
        pnl.iter().enumerate().map(of).collect()
    }

    #[test]
    fn the_tail_of_losses_one_to_a_hundred_is_98() {
        // Mitigation reference 1.7: losses 1 to 100 have a CVaR of 98 at 95 %.
        let losses: Vec<f64> = (1..=100).map(|loss| -f64::from(loss)).collect();
        let summary = Summary::of(&samples(&losses), DRAWN);
        assert!((summary.cvar95 - 98.0).abs() < 1e-12 && summary.worst.to_bits() == (-100.0f64).to_bits());
        assert!((summary.mean - -50.5).abs() < 1e-12);
        // Of 30 positions the worst one and half of the next: (1 x 30 + 0.5 x 29) / 1.5.
        let losses: Vec<f64> = (1..=30).map(|loss| -f64::from(loss)).collect();
        let summary = Summary::of(&samples(&losses), DRAWN);
        assert!((summary.cvar95 - (30.0 + 0.5 * 29.0) / 1.5).abs() < 1e-12);
    }

    #[test]
    fn the_error_of_the_mean_of_independent_positions_is_the_usual_one() {
        let pnl: Vec<f64> = (0..200).map(|i| f64::from(i * 37 % 200)).collect();
        let summary = Summary::of(&samples(&pnl), DRAWN);
        let usual = summary.sd / 200f64.sqrt();
        // The standard deviation of 400 draws is known to 1 in sqrt(800).
        assert!(
            (summary.mean_error / usual - 1.0).abs() < 4.0 / 800f64.sqrt(),
            "{}",
            summary.mean_error / usual
        );
    }

    #[test]
    fn a_constant_difference_has_no_width_and_no_spread_of_its_own() {
        let one = samples(&[1.0, 5.0, -2.0, 7.0]);
        let other = samples(&[0.5, 4.5, -2.5, 6.5]);
        let difference = Difference::of(&one, &other, DRAWN);
        let expected = Interval { value: 0.5, low: 0.5, high: 0.5 };
        assert_eq!(difference.mean, expected);
        assert!(difference.sd.low.abs() < 1e-12 && difference.sd.high.abs() < 1e-12);
        assert_eq!(difference.cvar95, Interval { value: -0.5, low: -0.5, high: -0.5 });
    }

    #[test]
    fn only_positions_that_both_have_are_compared() {
        let one = samples(&[1.0, 100.0, 3.0]);
        let mut other = samples(&[0.0, 0.0, 2.0]);
        other.remove(1);
        assert_eq!(Difference::of(&one, &other, DRAWN).mean.value.to_bits(), 1.0f64.to_bits());
    }

    #[test]
    fn blocks_keep_neighbours_together() {
        let drawn = Resampling { block: 5, resamples: 50, ..DRAWN };
        drawn.each(20, &mut |places| {
            assert_eq!(places.len(), 20);
            for block in places.chunks(5) {
                assert!(block.windows(2).all(|pair| pair[1] == (pair[0] + 1) % 20), "{block:?}");
            }
        });
    }
}
