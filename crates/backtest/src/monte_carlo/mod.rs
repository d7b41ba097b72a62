//! A book of options, hedged with its underlying over generated paths, by every policy at once.
//!
//! ```text
//! path      S(t + h) = S(t) exp(-(σ²/2 + ν k) h + σ sqrt(h) Z + jumps),   k = E[e^J] - 1; a martingale; rates zero
//! decide    at each step: delta and gamma of the book at the vols of its legs, band of the policy, trade
//! fill      after the delay, at the spot of that time, at λ S |quantity| + f
//! profit    Σ legs quantity (V(T) - V(0)) + Σ trades quantity (S(T) - S(fill)) - costs, the last one to close the hedge at S(T)
//! ```
//!
//! Paths are antithetic pairs: the second of a pair has the negatives of the first's normal draws (jumps keep their times and sizes). All
//! strategies see the same paths. Every pair draws from a stream of its own, named by its number, and every path keeps its own sums; so
//! the results have the same bits on any number of threads.
//!
//! Units: USD per book, coins, years. Positive quantities are bought. Standard errors are those of means over independent pairs, of the
//! standard deviation and the tail by their influence functions (delta method).
//!
//! **Errors:** [`SetupError`] with every rule that a setup breaks. **Left out:** rates, dividends, smiles (each leg has one vol), a vol
//! that moves; the hedge has no impact.
//!
//! ```
//! use backtest::monte_carlo::{Diffusion, Leg, Setup, Strategy, run};
//! use hedge::policy::{Clock, Cost, Policy};
//! let setup = Setup {
//!     spot: 100.0,
//!     diffusion: Diffusion { vol: 0.8, jumps: None },
//!     legs: vec![Leg { quantity: -1.0, strike: 100.0, expiry_steps: 90, vol: 0.8, kind: pricing::OptionKind::Call }],
//!     steps: 90,
//!     step_years: 8.0 / 8760.0,
//!     pairs: 500,
//!     seed: paper::Seed::new(1),
//! };
//! let strategy = Strategy {
//!     name: "every 8 hours".into(),
//!     policy: Some(Policy::Clock(Clock { interval_years: 8.0 / 8760.0 })),
//!     cost: Cost::default(),
//!     delay_steps: 0,
//! };
//! let outcomes = run(&setup, &[strategy], &|_| {})?;
//! // Kamal and Derman: S σ sqrt(T) / sqrt(8 n) for an option at the money.
//! assert!((outcomes[0].statistics.sd / 0.849 - 1.0).abs() < 0.1);
//! # Ok::<(), backtest::monte_carlo::SetupError>(())
//! ```

mod block;
mod law;
mod statistics;

#[cfg(test)]
mod tests;

pub use law::kamal_derman;
pub use statistics::{Estimate, Statistics, paired_mean, summarise};

use block::Block;
use hedge::policy::{Cost, Policy};
use paper::Seed;
use pricing::OptionKind;
use rayon::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Results that are kept, 32 bytes each: paths times strategies.
const MOST_RESULTS: usize = 100_000_000;

/// Paths that are stepped together.
pub(crate) const LANES: usize = 128;

/// What is hedged, and in what market.
#[derive(Debug, Clone, PartialEq)]
pub struct Setup {
    /// Price of the underlying at the start, USD.
    pub spot: f64,
    /// How it moves.
    pub diffusion: Diffusion,
    /// The book.
    pub legs: Vec<Leg>,
    /// Steps of a path; the book is settled or valued after the last.
    pub steps: usize,
    /// Years of a step.
    pub step_years: f64,
    /// Antithetic pairs of paths.
    pub pairs: usize,
    /// Decides every draw.
    pub seed: Seed,
}

/// How the underlying moves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Diffusion {
    /// Annual vol of the diffusion, as a fraction.
    pub vol: f64,
    /// Merton's jumps.
    pub jumps: Option<Jumps>,
}

/// Jumps of the logarithm of the price.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Jumps {
    /// Jumps a year.
    pub per_year: f64,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation.
    pub sd: f64,
}

/// An option of the book.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Leg {
    /// Options, negative when sold.
    pub quantity: f64,
    /// Strike, USD.
    pub strike: f64,
    /// Step of its expiry, at least that of the end.
    pub expiry_steps: usize,
    /// The vol that it is priced at throughout.
    pub vol: f64,
    /// Call or put.
    pub kind: OptionKind,
}

/// One way to hedge.
#[derive(Debug, Clone, PartialEq)]
pub struct Strategy {
    /// Its name in results.
    pub name: String,
    /// When and how far; none hedges nothing.
    pub policy: Option<Policy>,
    /// What trades cost.
    pub cost: Cost,
    /// Steps from a decision to its fill.
    pub delay_steps: usize,
}

/// What a strategy came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Its name.
    pub name: String,
    /// Profit of each path, USD; the two of a pair side by side.
    pub profit: Vec<f64>,
    /// Moments and tail of the profit.
    pub statistics: Statistics,
    /// Trades of a path, on average.
    pub trades: f64,
    /// Costs of a path, on average, USD.
    pub cost_usd: f64,
    /// Coins traded on a path, on average.
    pub turnover: f64,
}

/// A setup that cannot be run.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct SetupError(pub Vec<String>);

/// What a path adds to the books of a strategy.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PathResult {
    pub(crate) profit: f64,
    pub(crate) cost: f64,
    pub(crate) turnover: f64,
    pub(crate) trades: u32,
}

/// Hedges the book by every strategy over the same paths. `progress` is told the paths that are done.
///
/// # Errors
/// [`SetupError`] with every rule that the setup breaks.
pub fn run(
    setup: &Setup,
    strategies: &[Strategy],
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Vec<Outcome>, SetupError> {
    check(setup, strategies)?;
    let blocks = setup.pairs.div_ceil(LANES / 2);
    let done = AtomicUsize::new(0);
    let results: Vec<Vec<Vec<PathResult>>> = (0..blocks)
        .into_par_iter()
        .map(|number| {
            let first = number * (LANES / 2);
            let pairs = (setup.pairs - first).min(LANES / 2);
            let result = Block::new(setup, first, pairs).run(strategies);
            progress(done.fetch_add(2 * pairs, Ordering::Relaxed) + 2 * pairs);
            result
        })
        .collect();
    Ok(strategies.iter().enumerate().map(|(number, strategy)| outcome(strategy, number, &results)).collect())
}

fn outcome(strategy: &Strategy, number: usize, results: &[Vec<Vec<PathResult>>]) -> Outcome {
    let paths: Vec<PathResult> =
        results.iter().filter_map(|block| block.get(number)).flatten().copied().collect();
    let profit: Vec<f64> = paths.iter().map(|path| path.profit).collect();
    #[allow(clippy::cast_precision_loss)] // far below 2^53
    let count = paths.len().max(1) as f64;
    let mean = |of: fn(&PathResult) -> f64| paths.iter().map(of).sum::<f64>() / count;
    Outcome {
        name: strategy.name.clone(),
        statistics: summarise(&profit),
        trades: mean(|path| f64::from(path.trades)),
        cost_usd: mean(|path| path.cost),
        turnover: mean(|path| path.turnover),
        profit,
    }
}

fn check(setup: &Setup, strategies: &[Strategy]) -> Result<(), SetupError> {
    let mut broken = Vec::new();
    let mut rule = |holds: bool, text: String| {
        if !holds {
            broken.push(text);
        }
    };
    let is_size = |x: f64| x.is_finite() && x > 0.0;
    let is_vol = |x: f64| x > 0.0 && x <= 10.0;
    rule(is_size(setup.spot), format!("spot {}: above zero", setup.spot));
    rule(is_vol(setup.diffusion.vol), format!("vol {}: above 0 and at most 10", setup.diffusion.vol));
    if let Some(Jumps { per_year, mean, sd }) = setup.diffusion.jumps {
        rule((0.0..=10_000.0).contains(&per_year), format!("jumps a year {per_year}: 0 to 10000"));
        rule(mean.abs() <= 2.0, format!("mean of jumps {mean}: at most 2 either way"));
        rule((0.0..=2.0).contains(&sd), format!("standard deviation of jumps {sd}: 0 to 2"));
    }
    rule(!setup.legs.is_empty(), "legs: at least one".into());
    for (number, leg) in setup.legs.iter().enumerate() {
        let at = |text: String| format!("leg {}: {text}", number + 1);
        rule(leg.quantity.is_finite(), at(format!("quantity {}: a number", leg.quantity)));
        rule(is_size(leg.strike), at(format!("strike {}: above zero", leg.strike)));
        rule(is_vol(leg.vol), at(format!("vol {}: above 0 and at most 10", leg.vol)));
        let expiry = leg.expiry_steps;
        rule(
            expiry >= setup.steps,
            at(format!("expiry after {expiry} steps: not before the end, {}", setup.steps)),
        );
    }
    rule((1..=10_000_000).contains(&setup.steps), format!("steps {}: 1 to 10,000,000", setup.steps));
    rule(is_size(setup.step_years), format!("step {} years: above zero", setup.step_years));
    rule((2..=50_000_000).contains(&setup.pairs), format!("pairs {}: 2 to 50,000,000", setup.pairs));
    let kept = setup.pairs.saturating_mul(2).saturating_mul(strategies.len());
    rule(
        kept <= MOST_RESULTS,
        format!(
            "{} paths of {} strategies: at most {MOST_RESULTS} of both",
            2 * setup.pairs,
            strategies.len()
        ),
    );
    for Strategy { name, cost, delay_steps, .. } in strategies {
        let costs = (0.0..1.0).contains(&cost.proportional) && (0.0..1e12).contains(&cost.fixed_usd);
        rule(costs, format!("{name}: costs {cost:?}: a fraction from 0 to 1, an amount of 0 or more"));
        rule(
            *delay_steps <= setup.steps,
            format!("{name}: delay {delay_steps} steps: at most those of a path"),
        );
    }
    if broken.is_empty() { Ok(()) } else { Err(SetupError(broken)) }
}
