//! Tests of past VaR and ES figures against what happened.
//!
//! | test | statistic | law if the figures are right |
//! |---|---|---|
//! | proportion of failures (Kupiec 1995) | -2 ln[(1-t)^(T-x) t^x] + 2 ln[(1-x/T)^(T-x) (x/T)^x] | chi-square(1) |
//! | independence (Christoffersen 1998) | -2 ln[(1-p)^(n00+n10) p^(n01+n11)] + 2 ln[(1-p01)^n00 p01^n01 (1-p11)^n10 p11^n11] | chi-square(1) |
//! | conditional coverage | the sum of both | chi-square(2) |
//! | Z1 (Acerbi and Szekely 2014) | mean over breaches of X/ES, plus 1 | 0; below is worse |
//! | Z2 | sum over breaches of X/ES, over T t, plus 1 | 0; below is worse; -0.70 is about the 5 % point at t = 2.5 % |
//! | traffic light (Basel Committee 1996) | P(Bin(T, t) <= x): green below 95 %, yellow below 99.99 %, red | |
//!
//! T days with x breaches, t the tail probability, X the P&L of a breach, n_ij days in state j after a day in state i (1 = breach). All
//! likelihoods are sums of logarithms (powers underflow: a published table prints NaN at T = 4000), and 0 ln 0 is 0. P-values:
//! chi-square(1) `2 N(-sqrt(x))`, chi-square(2) `exp(-x/2)`.

use super::{Confidence, Tail, VarError};
use crate::history::{DECAY, WARM_UP};
use pricing::kernel;
use units::Fixed;

/// A statistic with the probability of a larger one if the figures are right.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Statistic {
    /// Likelihood ratio.
    pub likelihood_ratio: f64,
    /// P-value.
    pub p_value: f64,
}

impl Statistic {
    fn one_degree(likelihood_ratio: f64) -> Self {
        // Rounding may leave a perfect fit below zero.
        let ratio = likelihood_ratio.max(0.0);
        Self { likelihood_ratio: ratio, p_value: 2.0 * kernel::norm_cdf(-ratio.sqrt()) }
    }

    fn two_degrees(likelihood_ratio: f64) -> Self {
        let ratio = likelihood_ratio.max(0.0);
        Self { likelihood_ratio: ratio, p_value: kernel::exp(-0.5 * ratio) }
    }
}

/// Days and breaches among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Breaches {
    /// Days tested.
    pub days: u64,
    /// Days with a loss above VaR.
    pub breaches: u64,
}

/// Pairs of consecutive days: `n01` is a quiet day followed by a breach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Transitions {
    /// Quiet, quiet.
    pub n00: u64,
    /// Quiet, breach.
    pub n01: u64,
    /// Breach, quiet.
    pub n10: u64,
    /// Breach, breach.
    pub n11: u64,
}

impl Transitions {
    /// Counts the pairs of a sequence.
    #[must_use]
    pub fn count(breached: &[bool]) -> Self {
        let mut counts = Self::default();
        for pair in breached.windows(2) {
            let slot = match pair {
                [false, false] => &mut counts.n00,
                [false, true] => &mut counts.n01,
                [true, false] => &mut counts.n10,
                _ => &mut counts.n11,
            };
            *slot += 1;
        }
        counts
    }
}

#[allow(clippy::cast_precision_loss)] // counts of days
const fn real(count: u64) -> f64 {
    count as f64
}

/// `count x ln(probability)`, 0 for a count of 0.
fn log_power(probability: f64, count: u64) -> f64 {
    if count == 0 { 0.0 } else { real(count) * kernel::ln(probability) }
}

/// `a / b`, 0 of nothing.
fn share(a: u64, b: u64) -> f64 {
    if b == 0 { 0.0 } else { real(a) / real(b) }
}

/// Proportion of failures.
#[must_use]
pub fn kupiec(Breaches { days, breaches }: Breaches, tail: f64) -> Statistic {
    let quiet = days.saturating_sub(breaches);
    let found = share(breaches, days);
    let expected = log_power(1.0 - tail, quiet) + log_power(tail, breaches);
    let fitted = log_power(1.0 - found, quiet) + log_power(found, breaches);
    Statistic::one_degree(2.0 * (fitted - expected))
}

/// Independence of breaches.
#[must_use]
pub fn independence(n: Transitions) -> Statistic {
    let p01 = share(n.n01, n.n00 + n.n01);
    let p11 = share(n.n11, n.n10 + n.n11);
    let p = share(n.n01 + n.n11, n.n00 + n.n01 + n.n10 + n.n11);
    let alike = log_power(1.0 - p, n.n00 + n.n10) + log_power(p, n.n01 + n.n11);
    let apart = log_power(1.0 - p01, n.n00)
        + log_power(p01, n.n01)
        + log_power(1.0 - p11, n.n10)
        + log_power(p11, n.n11);
    Statistic::one_degree(2.0 * (apart - alike))
}

/// Both at once.
#[must_use]
pub fn conditional_coverage(kupiec: Statistic, independence: Statistic) -> Statistic {
    Statistic::two_degrees(kupiec.likelihood_ratio + independence.likelihood_ratio)
}

/// P(Bin(days, tail) <= breaches), by the recursion of its terms from the logarithm of the first.
#[must_use]
pub fn binomial_cdf(Breaches { days, breaches }: Breaches, tail: f64) -> f64 {
    let odds = kernel::ln(tail) - kernel::ln(1.0 - tail);
    let mut log_term = real(days) * kernel::ln(1.0 - tail);
    let mut sum = kernel::exp(log_term);
    for k in 1..=breaches.min(days) {
        log_term += kernel::ln(real(days - k + 1) / real(k)) + odds;
        sum += kernel::exp(log_term);
    }
    sum.min(1.0)
}

/// Basel's zones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Zone {
    /// So many breaches say nothing against the figures.
    Green,
    /// Doubtful.
    Yellow,
    /// So many have a probability below 0.01 % if the figures are right.
    Red,
}

impl Zone {
    /// In tables.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Yellow => "yellow",
            Self::Red => "red",
        }
    }
}

/// The zone of so many breaches.
#[must_use]
pub fn traffic_light(breaches: Breaches, tail: f64) -> Zone {
    let probability = binomial_cdf(breaches, tail);
    if probability < 0.95 {
        Zone::Green
    } else if probability < 0.9999 {
        Zone::Yellow
    } else {
        Zone::Red
    }
}

/// A figure and what happened: one day of a backtest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Day {
    /// P&L of the day.
    pub pnl_usd: f64,
    /// VaR told before it.
    pub var_usd: f64,
    /// ES told before it.
    pub es_usd: f64,
}

impl Day {
    /// True when more was lost than VaR.
    #[must_use]
    pub fn is_breach(&self) -> bool {
        -self.pnl_usd > self.var_usd
    }

    /// P&L over ES, of a breach.
    fn severity(&self) -> f64 {
        self.pnl_usd / self.es_usd
    }
}

/// Every test of one sequence of days.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Backtest {
    /// Days and breaches.
    #[serde(flatten)]
    pub breaches: Breaches,
    /// Breaches that there should be.
    pub expected: f64,
    /// Pairs of days.
    pub transitions: Transitions,
    /// Proportion of failures.
    pub kupiec: Statistic,
    /// Independence.
    pub independence: Statistic,
    /// Both.
    pub conditional_coverage: Statistic,
    /// First of Acerbi and Szekely; none without a breach.
    pub z1: Option<f64>,
    /// Second of Acerbi and Szekely.
    pub z2: f64,
    /// P(at most so many breaches) if the figures are right.
    pub cumulative_probability: f64,
    /// Basel's zone.
    pub zone: Zone,
}

impl Backtest {
    /// Tests a sequence of days; none for an empty one.
    #[must_use]
    pub fn new(days: &[Day], confidence: Confidence) -> Option<Self> {
        if days.is_empty() {
            return None;
        }
        let breached: Vec<bool> = days.iter().map(Day::is_breach).collect();
        let count = breached.iter().filter(|b| **b).count() as u64;
        let breaches = Breaches { days: days.len() as u64, breaches: count };
        let severities = days.iter().filter(|d| d.is_breach()).map(Day::severity).sum::<f64>();
        let transitions = Transitions::count(&breached);
        let (kupiec, independence) = (kupiec(breaches, confidence.tail()), independence(transitions));
        Some(Self {
            breaches,
            expected: real(breaches.days) * confidence.tail(),
            transitions,
            kupiec,
            independence,
            conditional_coverage: conditional_coverage(kupiec, independence),
            z1: (count > 0).then(|| severities / real(count) + 1.0),
            z2: severities / (real(breaches.days) * confidence.tail()) + 1.0,
            cumulative_probability: binomial_cdf(breaches, confidence.tail()),
            zone: traffic_light(breaches, confidence.tail()),
        })
    }
}

/// Days of a book held still: each day's VaR and ES come from the `lookback` scenarios before it, and the scenario itself is what
/// happened. Scenarios are in order of time and must not overlap, or each figure has seen part of its day.
///
/// # Errors
/// When the lookback does not reach the tail.
pub fn rolling(pnl: &[Fixed], lookback: usize, confidence: Confidence) -> Result<Vec<Day>, VarError> {
    let mut days = Vec::with_capacity(pnl.len().saturating_sub(lookback));
    for (past, today) in pnl.windows(lookback.max(1)).zip(pnl.get(lookback.max(1)..).unwrap_or(&[])) {
        let tail = Tail::new(past, confidence)?;
        days.push(Day {
            pnl_usd: today.to_f64(),
            var_usd: tail.var(past).to_f64(),
            es_usd: tail.expected_shortfall(past)?.to_f64(),
        });
    }
    Ok(days)
}

/// The same, each past P&L rescaled to the day's volatility: P&L x s now / s then (Hull and White 1998, on the book as a whole). s by
/// exponential weighting of squared P&L as for factors ([`crate::history`]), from the scenarios before; the first [`WARM_UP`] have none.
///
/// # Errors
/// When the lookback does not reach the tail, or a volatility of zero leaves no figure.
pub fn rolling_filtered(
    pnl: &[Fixed],
    lookback: usize,
    confidence: Confidence,
) -> Result<Vec<Day>, VarError> {
    let numbers: Vec<f64> = pnl.iter().map(|p| p.to_f64()).collect();
    let known = volatility(&numbers);
    let at = |day: usize| known.get(day).copied().flatten().unwrap_or(f64::NAN);
    let mut days = Vec::new();
    for today in WARM_UP + lookback.max(1)..pnl.len() {
        let now = at(today);
        let scaled = (today - lookback.max(1)..today)
            .map(|day| Fixed::quantise(numbers.get(day).copied().unwrap_or(f64::NAN) * (now / at(day))))
            .collect::<Result<Vec<_>, _>>()?;
        let tail = Tail::new(&scaled, confidence)?;
        days.push(Day {
            pnl_usd: numbers.get(today).copied().unwrap_or(f64::NAN),
            var_usd: tail.var(&scaled).to_f64(),
            es_usd: tail.expected_shortfall(&scaled)?.to_f64(),
        });
    }
    Ok(days)
}

/// Known before each day; none until the warm-up is over.
fn volatility(pnl: &[f64]) -> Vec<Option<f64>> {
    #[allow(clippy::cast_precision_loss)] // twenty
    let warm_up = WARM_UP as f64;
    let mut square = 0.0;
    let mut known = Vec::with_capacity(pnl.len());
    for (day, pnl) in pnl.iter().enumerate() {
        known.push((day >= WARM_UP).then(|| f64::sqrt(square)));
        square = if day < WARM_UP {
            square + pnl * pnl / warm_up
        } else {
            DECAY.mul_add(square, (1.0 - DECAY) * pnl * pnl)
        };
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_the_literature_come_out() {
        let pof = |days, breaches, tail| kupiec(Breaches { days, breaches }, tail).likelihood_ratio;
        // Jorion, chapter 6, question 10: 3.498 and 25.837; a published table: 2.544 and 6.535.
        assert!((pof(252, 6, 0.01) - 3.498_776_7).abs() < 1e-7);
        assert!((pof(224, 5, 0.01) - 2.544).abs() < 5e-4);
        assert!((pof(224, 7, 0.01) - 6.535).abs() < 5e-4);
        let ind = independence(Transitions { n00: 244, n01: 2, n10: 2, n11: 4 });
        assert!((ind.likelihood_ratio - 25.837_427_8).abs() < 1e-7);
    }

    #[test]
    fn long_samples_do_not_underflow_and_no_breach_is_no_nan() {
        let long = kupiec(Breaches { days: 4000, breaches: 200 }, 0.05);
        assert_eq!(long.likelihood_ratio.to_bits(), 0.0f64.to_bits(), "exactly as expected");
        assert!(kupiec(Breaches { days: 1_000_000, breaches: 0 }, 0.01).likelihood_ratio.is_finite());
        let none = independence(Transitions { n00: 249, ..Transitions::default() });
        assert_eq!((none.likelihood_ratio, none.p_value), (0.0, 1.0));
        let all = kupiec(Breaches { days: 10, breaches: 10 }, 0.01);
        assert!((all.likelihood_ratio + 20.0 * kernel::ln(0.01)).abs() < 1e-12);
    }

    #[test]
    fn basel_zones_of_250_days_are_0_to_4_5_to_9_and_10() {
        let zone = |breaches| traffic_light(Breaches { days: 250, breaches }, 0.01);
        let zones: Vec<Zone> = (0..=11).map(zone).collect();
        for (breaches, zone) in zones.into_iter().enumerate() {
            let expected = if breaches < 5 {
                Zone::Green
            } else if breaches < 10 {
                Zone::Yellow
            } else {
                Zone::Red
            };
            assert_eq!(zone, expected, "{breaches}");
        }
    }

    #[test]
    fn severity_of_breaches_as_told_is_zero_and_worse_is_below() {
        let confidence = Confidence::new(0.975).unwrap();
        let days = |lost: f64| -> Vec<Day> {
            (0..200)
                .map(|d| Day { pnl_usd: if d % 40 == 0 { -lost } else { 1.0 }, var_usd: 10.0, es_usd: 12.0 })
                .collect()
        };
        // Five breaches in 200 days are the expected number; each loses exactly ES.
        let right = Backtest::new(&days(12.0), confidence).unwrap();
        assert!(right.z1.unwrap().abs() < 1e-15 && right.z2.abs() < 1e-15);
        let worse = Backtest::new(&days(24.0), confidence).unwrap();
        assert!((worse.z2 - (1.0 - 24.0 / 12.0)).abs() < 1e-12);
        assert!(Backtest::new(&days(5.0), confidence).unwrap().z1.is_none());
        assert!(Backtest::new(&[], confidence).is_none());
    }

    #[test]
    fn a_filtered_figure_grows_with_the_volatility_before_the_day() {
        let fixed = |v: f64| Fixed::quantise(v).unwrap();
        // Losses and gains of 1, then of 3; the last day loses 2.
        let sign = |day: usize| if day.is_multiple_of(2) { -1.0 } else { 1.0 };
        let mut pnl: Vec<Fixed> = (0..60).map(|d| fixed(sign(d) * if d < 40 { 1.0 } else { 3.0 })).collect();
        pnl.push(fixed(-2.0));
        let days = rolling_filtered(&pnl, 30, Confidence::new(0.9).unwrap()).unwrap();
        assert_eq!(days.len(), pnl.len() - WARM_UP - 30);
        // Day 50 has seen ten moves of 3 since day 40: s² goes from 1 towards 9.
        let now = (0..10).fold(1.0f64, |s, _| 0.94 * s + 0.06 * 9.0).sqrt();
        let before = |moves: usize| (0..moves).fold(1.0f64, |s, _| 0.94 * s + 0.06 * 9.0).sqrt();
        // The worst three of thirty are the first losses of 3, told by a volatility that had not seen them.
        let worst: Vec<f64> = [0, 2, 4, 6].map(|moves| 3.0 * now / before(moves)).to_vec();
        assert!((days[0].var_usd - worst[3]).abs() < 1e-9, "{:?} {worst:?}", days[0]);
        assert!((days[0].es_usd - worst[..3].iter().sum::<f64>() / 3.0).abs() < 1e-9);
        assert!(
            rolling_filtered(&[Fixed::ZERO; 60], 30, Confidence::new(0.9).unwrap()).is_err(),
            "nothing moves"
        );
        assert!(rolling_filtered(&pnl, 50, Confidence::new(0.9).unwrap()).unwrap().is_empty());
    }

    #[test]
    fn a_rolling_figure_sees_only_the_days_before() {
        let fixed = |v: f64| Fixed::quantise(v).unwrap();
        let pnl: Vec<Fixed> = [-1.0, -2.0, -3.0, -4.0, -100.0].map(fixed).to_vec();
        let days = rolling(&pnl, 4, Confidence::new(0.5).unwrap()).unwrap();
        // Half of four: VaR is the third worst of the four, ES the mean of the two worst.
        assert_eq!(days, [Day { pnl_usd: -100.0, var_usd: 2.0, es_usd: 3.5 }]);
        assert!(rolling(&pnl, 4, Confidence::new(0.99).unwrap()).is_err());
        assert!(rolling(&pnl, 9, Confidence::new(0.5).unwrap()).unwrap().is_empty());
    }
}
