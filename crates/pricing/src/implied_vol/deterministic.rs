//! The own solver: fixed arithmetic, the same bits on every machine, alone or among thousands of quotes.
//!
//! Per unit of min(F, K), with d1, d2 and h as in [`crate::lane`], the out-of-the-money price c and its complement are
//!
//! * c = e^{-d1²/2} (h(-d1) - h(-d2)) where d1 <= 0, that is s <= √(2|x|): convex in s; solve 1/ln c(s) = 1/ln c*;
//! * 1 - c = e^{-d1²/2} (h(d1) + h(-d2)) where d1 >= 0: c concave in s; solve ln(1 - c(s)) = ln(1 - c*).
//!
//! Both objectives are smooth and nearly straight, need no exponential, and stay accurate where the price itself underflows.
//! Derivatives: c' = ν = e^{-d1²/2}/√(2π), c''/c' = x²/s³ - s/4. The start takes d1 from the normal quantile of a
//! probability that is exact at the seam and of the right order in both tails; then Halley's steps inside a bracket, its
//! middle where a step would leave it. Splitting at the inflection and transforming each side is Jäckel's idea ("Let's be
//! rational", 2015).
//!
//! A lane that has arrived is frozen, so a block of lanes runs until its last one arrives without changing the others.

use super::{ImpliedVol, ImpliedVolError, NormalisedPrice, OptionQuote};
use crate::dispatch::{self, Task};
use crate::kernel::positive_part;
use crate::kernel::{
    DENSITY_AT_ZERO, TAIL_LIMIT, exp_lane, ln_ratio_lane, ln_tiny_lane, mills_lane, mills_pair_lane,
};
use crate::lane::{distances, inverse_deviation};
use units::Vol;

/// Halley triples the digits per step: prices need 2 to 7 steps (a test counts them); the rest is for corners never seen.
const MOST_STEPS: u32 = 64;
/// After a step below this part of s the next one, of the order of its cube, is rounding: not worth taking.
const LAST_STEP: f64 = 1e-6;
/// Quotes per block.
const LANES: usize = 64;
/// √(2π).
const INVERSE_DENSITY: f64 = 1.0 / DENSITY_AT_ZERO;
/// A difference of tails below this is rounding; the bracket takes over.
const LEAST_SPREAD: f64 = 1e-30;

/// The solver of record.
#[derive(Debug, Clone, Copy, Default)]
pub struct Deterministic;

impl ImpliedVol for Deterministic {
    fn total_deviation(&self, price: NormalisedPrice) -> Result<f64, ImpliedVolError> {
        let NormalisedPrice { log_moneyness, time_value } = price;
        let found = dispatch::run(Solve(price));
        found.ok_or(ImpliedVolError::Normalised { log_moneyness, time_value })
    }

    fn implied_vols(&self, quotes: &[OptionQuote]) -> Vec<Result<Vol, ImpliedVolError>> {
        dispatch::run(SolveAll { quotes })
    }
}

/// The price per unit of min(F, K), when it is strictly inside its bounds.
#[inline(always)]
fn per_smaller(price: NormalisedPrice) -> Option<f64> {
    let NormalisedPrice { log_moneyness, time_value } = price;
    // min(F, K) = e^{x/2} √(F K).
    let scaled = time_value * exp_lane(-0.5 * log_moneyness);
    (log_moneyness <= 0.0 && scaled > 0.0 && scaled < 1.0).then_some(scaled)
}

/// One root being searched.
#[derive(Clone, Copy)]
struct Search {
    log_moneyness: f64,
    /// ln c* or ln(1 - c*).
    target: f64,
    /// -1 on the convex side, where the tails are subtracted; 1 on the concave side.
    side: f64,
    low: f64,
    high: f64,
    deviation: f64,
    arrived: bool,
}

impl Search {
    #[inline(always)]
    fn start(log_moneyness: f64, price: f64) -> Self {
        let twice = -2.0 * log_moneyness;
        let seam = twice.sqrt();
        let seam_tail = mills_lane(if seam > TAIL_LIMIT { TAIL_LIMIT } else { seam });
        let convex = price < 0.5 - seam_tail;
        let mass = if convex { price } else { 1.0 - price };
        let mass_at_seam = if convex { 0.5 - seam_tail } else { 0.5 + seam_tail };
        let t = upper_quantile(0.5 * (mass / mass_at_seam));
        let root = t.mul_add(t, twice).sqrt();
        let (low, high) = (if convex { 0.0 } else { seam }, if convex { seam } else { f64::MAX });
        let guess = if convex { twice / (t + root) } else { t + root };
        let search = Self {
            log_moneyness,
            target: ln_tiny_lane(mass),
            side: if convex { -1.0 } else { 1.0 },
            low,
            high,
            deviation: guess,
            arrived: false,
        };
        Self { deviation: if search.holds(guess) { guess } else { search.middle() }, ..search }
    }

    #[inline(always)]
    fn holds(&self, at: f64) -> bool {
        (at > self.low) & (at < self.high)
    }

    /// Half way; past twice the lower end while the upper one is open.
    #[inline(always)]
    fn middle(&self) -> f64 {
        if self.high > 1e200 { self.low.mul_add(2.0, 0.1) } else { 0.5 * (self.low + self.high) }
    }

    /// One step; nothing once arrived.
    #[inline(always)]
    fn step(self) -> Self {
        let s = self.deviation;
        let (newton, curvature) = self.newton_step();
        let narrowed = Self {
            low: if newton > 0.0 { s } else { self.low },
            high: if newton > 0.0 { self.high } else { s },
            ..self
        };
        // f''/f' enters as a correction of the Newton step; a denominator near zero means that it is worthless.
        let denominator = (0.5 * newton).mul_add(curvature, 1.0);
        let halley = s + newton / if denominator > 0.25 { denominator } else { 1.0 };
        let arrives = newton.abs() <= LAST_STEP * s;
        let next = if narrowed.holds(halley) { halley } else { narrowed.middle() };
        let above = if halley < narrowed.low { narrowed.low } else { halley };
        let last = if above > narrowed.high { narrowed.high } else { above };
        Self {
            deviation: if self.arrived {
                s
            } else if arrives {
                last
            } else {
                next
            },
            arrived: self.arrived | arrives,
            ..narrowed
        }
    }

    /// Newton's step -f/f' and f''/f' of the side's objective.
    #[inline(always)]
    fn newton_step(&self) -> (f64, f64) {
        let (x, s) = (self.log_moneyness, self.deviation);
        let inverse = inverse_deviation(s);
        let (d1, d2) = distances(x, s, inverse);
        let (h1, h2) = mills_pair_lane(d1.abs(), d2.abs());
        let spread = self.side.mul_add(h2, h1);
        let spread = if spread < LEAST_SPREAD { LEAST_SPREAD } else { spread };
        let level = (-0.5 * d1).mul_add(d1, ln_ratio_lane(spread, 1.0));
        let slope = DENSITY_AT_ZERO / spread;
        let centre = x * inverse;
        let bend = (centre * centre).mul_add(inverse, -0.25 * s);
        let plain = (level - self.target) * (spread * INVERSE_DENSITY);
        let convex = (-plain * (level / self.target), bend - slope - 2.0 * (slope / level));
        if self.side < 0.0 { convex } else { (plain, bend + slope) }
    }
}

/// t >= 0 with N(-t) = probability, to 4.5e-4: Hastings' approximation (Abramowitz and Stegun 26.2.23).
#[inline(always)]
fn upper_quantile(probability: f64) -> f64 {
    let t = (-2.0 * ln_tiny_lane(probability)).sqrt();
    let top = t.mul_add(t.mul_add(0.010_328, 0.802_853), 2.515_517);
    let bottom = t.mul_add(t.mul_add(t.mul_add(0.001_308, 0.189_269), 1.432_788), 1.0);
    positive_part(t - top / bottom)
}

struct Solve(NormalisedPrice);

impl Task for Solve {
    type Output = Option<f64>;
    #[inline(always)]
    fn run(self) -> Option<f64> {
        let mut search = Search::start(self.0.log_moneyness, per_smaller(self.0)?);
        for _ in 0..MOST_STEPS {
            search = search.step();
            if search.arrived {
                break;
            }
        }
        Some(search.deviation)
    }
}

struct SolveAll<'a> {
    quotes: &'a [OptionQuote],
}

impl Task for SolveAll<'_> {
    type Output = Vec<Result<Vol, ImpliedVolError>>;
    #[inline(always)]
    fn run(self) -> Self::Output {
        let mut vols = Vec::with_capacity(self.quotes.len());
        let mut lanes = Lanes::new();
        for block in self.quotes.chunks(LANES) {
            let mut failures = [None; LANES];
            for (i, (quote, failure)) in block.iter().zip(&mut failures).enumerate() {
                *failure = lanes.load(i, quote).err();
            }
            lanes.solve(block.len());
            for ((quote, failure), deviation) in block.iter().zip(failures).zip(lanes.deviation) {
                vols.push(failure.map_or_else(|| quote.annual(deviation), Err));
            }
        }
        vols
    }
}

/// A block of searches as columns.
struct Lanes {
    log_moneyness: [f64; LANES],
    price: [f64; LANES],
    target: [f64; LANES],
    side: [f64; LANES],
    low: [f64; LANES],
    high: [f64; LANES],
    deviation: [f64; LANES],
    /// 1 once arrived.
    arrived: [f64; LANES],
}

impl Lanes {
    #[inline(always)]
    const fn new() -> Self {
        let zeros = [0.0; LANES];
        Self {
            log_moneyness: zeros,
            price: zeros,
            target: zeros,
            side: zeros,
            low: zeros,
            high: zeros,
            deviation: zeros,
            arrived: zeros,
        }
    }

    /// Puts a quote into a lane; one without a vol leaves an easy price there.
    #[inline(always)]
    fn load(&mut self, i: usize, quote: &OptionQuote) -> Result<(), ImpliedVolError> {
        (self.log_moneyness[i], self.price[i]) = (0.0, 0.1);
        let normalised = quote.normalise_body()?;
        let NormalisedPrice { log_moneyness, time_value } = normalised;
        let bad = ImpliedVolError::Normalised { log_moneyness, time_value };
        (self.log_moneyness[i], self.price[i]) = (log_moneyness, per_smaller(normalised).ok_or(bad)?);
        Ok(())
    }

    #[inline(always)]
    fn solve(&mut self, count: usize) {
        let count = count.min(LANES);
        for i in 0..count {
            self.put(i, Search::start(self.log_moneyness[i], self.price[i]));
        }
        for _ in 0..MOST_STEPS {
            let mut arrived = 0.0;
            for i in 0..count {
                self.put(i, self.get(i).step());
            }
            for flag in &self.arrived[..count] {
                arrived += flag;
            }
            if arrived >= count as f64 {
                return;
            }
        }
    }

    #[inline(always)]
    fn get(&self, i: usize) -> Search {
        Search {
            log_moneyness: self.log_moneyness[i],
            target: self.target[i],
            side: self.side[i],
            low: self.low[i],
            high: self.high[i],
            deviation: self.deviation[i],
            arrived: self.arrived[i] > 0.0,
        }
    }

    #[inline(always)]
    fn put(&mut self, i: usize, search: Search) {
        self.target[i] = search.target;
        self.side[i] = search.side;
        self.low[i] = search.low;
        self.high[i] = search.high;
        self.deviation[i] = search.deviation;
        self.arrived[i] = if search.arrived { 1.0 } else { 0.0 };
    }
}

struct Normalised {
    log_moneyness: f64,
    deviation: f64,
}

impl Task for Normalised {
    type Output = f64;
    #[inline(always)]
    fn run(self) -> f64 {
        let (x, s) = (self.log_moneyness, self.deviation);
        let inverse = inverse_deviation(s);
        let (d1, d2) = distances(x, s, inverse);
        let (h1, h2) = mills_pair_lane(d1.abs(), d2.abs());
        let centre = x * inverse;
        let bell = exp_lane(-0.5 * centre.mul_add(centre, 0.25 * (s * s)));
        if d1 > 0.0 { exp_lane(0.5 * x) - bell * (h1 + h2) } else { bell * (h1 - h2) }
    }
}

/// b(x, s) for x <= 0; see the module above.
pub(super) fn normalised_price(log_moneyness: f64, deviation: f64) -> f64 {
    dispatch::run(Normalised { log_moneyness, deviation })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps until arrival for the price `mass` or its complement, per unit of min(F, K).
    fn steps(log_moneyness: f64, price: f64) -> u32 {
        let mut search = Search::start(log_moneyness, price);
        let mut count = 0;
        while !search.arrived && count < MOST_STEPS {
            search = search.step();
            count += 1;
        }
        count
    }

    #[test]
    fn every_price_arrives_within_eight_steps() {
        // Log-moneyness from 1e-6 to 70, prices from e^-690 to one rounding below the largest.
        let (mut most, mut total, mut prices) = (0, 0, 0);
        for i in 0..100 {
            let x = -1e-6 * crate::kernel::pow(1.2, f64::from(i));
            for j in 1..230 {
                let mass = crate::kernel::exp(-0.25 * crate::kernel::pow(f64::from(j), 1.455));
                for price in [mass, 1.0 - mass] {
                    if price < 1.0 {
                        let count = steps(x, price);
                        (most, total, prices) = (most.max(count), total + count, prices + 1);
                    }
                }
            }
        }
        println!(
            "{prices} prices: {most} steps at most, {:.2} on average",
            f64::from(total) / f64::from(prices)
        );
        assert!(most <= 8, "{most} steps");
    }
}
