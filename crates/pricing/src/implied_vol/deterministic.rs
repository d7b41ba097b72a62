//! The own solver: fixed arithmetic, at most [`MOST_STEPS`] steps, the same bits on every machine.
//!
//! Per unit of min(F, K), with d1, d2 and h as in [`crate::lane`], the out-of-the-money price and its complement are
//!
//! * c = e^{-d1²/2} (h(-d1) - h(-d2)) where d1 <= 0, that is s <= √(2|x|): convex in s; solve 1/ln c(s) = 1/ln c*;
//! * 1 - c = e^{-d1²/2} (h(d1) + h(-d2)) where d1 >= 0: concave in s; solve ln(1 - c(s)) = ln(1 - c*).
//!
//! Both objectives are smooth and nearly straight in s, need no exponential, and keep their accuracy where the price
//! itself underflows. Derivatives with ν = e^{-d1²/2}/√(2π): c' = ν, c''/c' = x²/s³ - s/4. Starting value: d1 is taken from the normal quantile
//! of a probability that is exact at the seam and has the right order in both tails; then Halley's steps inside a bracket, bisection when a
//! step leaves it. The idea of splitting at the inflection and transforming each side is Jäckel's (Let's Be Rational, 2015).

use super::{ImpliedVol, ImpliedVolError, NormalisedPrice};
use crate::dispatch::{self, Task};
use crate::kernel::{self, DENSITY_AT_ZERO, exp_lane, ln_ratio_lane, mills_lane, mills_pair_lane};
use crate::lane::{distances, inverse_deviation};

/// Halley triples the digits per step: random prices need 3 or 4; the rest is for bisection in far corners.
const MOST_STEPS: u32 = 64;
/// A step below this part of s is rounding.
const NEGLIGIBLE: f64 = 4.0 * f64::EPSILON;

/// The solver of record.
#[derive(Debug, Clone, Copy, Default)]
pub struct Deterministic;

impl ImpliedVol for Deterministic {
    fn total_deviation(&self, price: NormalisedPrice) -> Result<f64, ImpliedVolError> {
        let NormalisedPrice { log_moneyness, time_value } = price;
        let found = dispatch::run(Solve { log_moneyness, time_value });
        found.ok_or(ImpliedVolError::Normalised { log_moneyness, time_value })
    }
}

struct Solve {
    log_moneyness: f64,
    time_value: f64,
}

impl Task for Solve {
    type Output = Option<f64>;
    #[inline(always)]
    fn run(self) -> Option<f64> {
        let x = self.log_moneyness;
        if !(x <= 0.0 && self.time_value > 0.0) {
            return None;
        }
        // Price per unit of min(F, K) = e^{x/2} √(F K).
        let price = self.time_value * exp_lane(-0.5 * x);
        if !(price < 1.0) {
            return None;
        }
        let seam = (-2.0 * x).sqrt();
        let seam_tail = mills_lane(if seam > kernel::TAIL_LIMIT { kernel::TAIL_LIMIT } else { seam });
        let seam_price = 0.5 - seam_tail;
        Some(if price < seam_price {
            let probability = 0.5 * (price / seam_price);
            let t = upper_quantile(probability);
            let start = -2.0 * x / (t + (t.mul_add(t, -2.0 * x)).sqrt());
            let bracket = Bracket { low: 0.0, high: seam };
            solve(Side::Convex, x, ln_ratio_lane(price, 1.0), bracket.start(start))
        } else {
            let complement = 1.0 - price;
            let probability = 0.5 * (complement / (0.5 + seam_tail));
            let z = upper_quantile(probability);
            let start = z + (z.mul_add(z, -2.0 * x)).sqrt();
            let bracket = Bracket { low: seam, high: f64::INFINITY };
            solve(Side::Concave, x, ln_ratio_lane(complement, 1.0), bracket.start(start))
        })
    }
}

#[derive(Clone, Copy)]
enum Side {
    Convex,
    Concave,
}

/// An interval that holds the root, and where to look next.
#[derive(Clone, Copy)]
struct Bracket {
    low: f64,
    high: f64,
}

impl Bracket {
    #[inline(always)]
    fn start(self, at: f64) -> (Self, f64) {
        (self, if at > self.low && at < self.high { at } else { self.middle() })
    }

    /// Half way; twice the lower end while the upper one is open.
    #[inline(always)]
    fn middle(self) -> f64 {
        if self.high == f64::INFINITY { 2.0 * self.low + 0.1 } else { 0.5 * (self.low + self.high) }
    }

    #[inline(always)]
    fn holds(self, at: f64) -> bool {
        at > self.low && at < self.high
    }
}

/// Halley's method on the transformed price; `target` is ln c* or ln(1 - c*).
#[inline(always)]
fn solve(side: Side, x: f64, target: f64, (mut bracket, mut s): (Bracket, f64)) -> f64 {
    for _ in 0..MOST_STEPS {
        let (newton, curvature) = newton_step(side, x, s, target);
        if newton > 0.0 {
            bracket.low = s;
        } else {
            bracket.high = s;
        }
        // f''/f' enters as a correction of the Newton step; a denominator near zero means that the step is worthless.
        let denominator = (0.5 * newton).mul_add(curvature, 1.0);
        let halley = s + if denominator > 0.25 { newton / denominator } else { newton };
        let next = if bracket.holds(halley) { halley } else { bracket.middle() };
        let step = (next - s).abs();
        let arrived = newton.abs() <= NEGLIGIBLE * s || step <= NEGLIGIBLE * s;
        s = if arrived && !bracket.holds(halley) { s } else { next };
        if arrived {
            break;
        }
    }
    s
}

/// Newton's step -f/f' and f''/f' of the objective.
#[inline(always)]
fn newton_step(side: Side, x: f64, s: f64, target: f64) -> (f64, f64) {
    let inverse = inverse_deviation(s);
    let (d1, d2) = distances(x, s, inverse);
    let (h1, h2) = mills_pair_lane(d1.abs(), d2.abs());
    let bend = (x * inverse) * (x * inverse) * inverse - 0.25 * s;
    match side {
        Side::Convex => {
            let spread = h1 - h2;
            let level = (-0.5 * d1).mul_add(d1, ln_ratio_lane(spread, 1.0));
            let slope = DENSITY_AT_ZERO / spread;
            (level * (target - level) / (target * slope), bend - slope - 2.0 * (slope / level))
        }
        Side::Concave => {
            let spread = h1 + h2;
            let level = (-0.5 * d1).mul_add(d1, ln_ratio_lane(spread, 1.0));
            let slope = DENSITY_AT_ZERO / spread;
            ((level - target) / slope, bend + slope)
        }
    }
}

/// t >= 0 with N(-t) = probability, to 4.5e-4: Hastings' approximation (Abramowitz and Stegun 26.2.23).
#[inline(always)]
fn upper_quantile(probability: f64) -> f64 {
    let t = (-2.0 * ln_ratio_lane(probability, 1.0)).sqrt();
    let top = t.mul_add(t.mul_add(0.010_328, 0.802_853), 2.515_517);
    let bottom = t.mul_add(t.mul_add(t.mul_add(0.001_308, 0.189_269), 1.432_788), 1.0);
    kernel::positive_part(t - top / bottom)
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
