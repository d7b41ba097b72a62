//! Least squares for one slice under no-arbitrage bounds.
//!
//! Unknowns: the [`Wings`] of the slice, in their box; the slopes of the wings are bounded by those of the next longer expiry as
//! well. Minimised, with `σ(k) = √(w(k)/T)`:
//!
//! ```text
//! Σ ρ(r_j)             r_j = (σ(k_j) - σ_j)/h_j, h_j the half spread in vol; ρ(r) = 2(√(1 + r²) - 1), so that an outlier pulls
//!                      like one spread, not like its square
//! + Σ (P_g min(0, g(k) - ε_g))²              butterfly, on the nodes
//! + Σ (P_c min(0, σ_next(k) - σ(k) - ε_c))²  calendar against the next longer expiry, on the nodes, in vol at this T
//! + Σ ρ((σ(z)/σ(0) - s(z))/τ)                shape of the neighbouring expiries at the same deviations, beyond the quotes
//! ```
//!
//! Levenberg and Marquardt with the analytic Jacobian; a step is cut at the box, and a parameter that a gradient presses against
//! its bound leaves the system. The nodes lie at deviations, evenly on [-1.5, 1.5], farther out, and where an earlier fit broke a
//! bound. The number of steps is bounded, sums run in the order of quotes and nodes, starts are fixed: the same
//! bits on every machine.

use super::slice::Slice;
use super::svi::{STEEPEST_WING, Svi, Wings};

/// One mid quote of a slice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VolQuote {
    /// ln(K/F).
    pub log_moneyness: f64,
    /// Vol of the mid price.
    pub vol: f64,
    /// Half of the spread between bid and ask, in vol.
    pub half_spread: f64,
}

/// Shape of a smile: vol over the vol at the money, at [`SHAPE_NODES`] deviations.
pub(super) type Shape = [f64; SHAPE_NODES];

/// Nodes of a shape: from -4 to 4 deviations.
pub(super) const SHAPE_NODES: usize = 17;
/// Deviation at which the shapes of neighbouring expiries pull like a quote that is off by one half spread.
const SHAPE_TOLERANCE: f64 = 0.2;
/// Evenly spaced nodes on [-1.5, 1.5], besides those at deviations.
const WIDE_NODES: usize = 31;
/// Nodes beyond: a long slice breaks its bounds far outside its quotes.
const FAR: [f64; 18] =
    [-6.0, -5.0, -4.5, -4.0, -3.5, -3.0, -2.5, -2.0, -1.75, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0];
const NODES: usize = SHAPE_NODES + WIDE_NODES + FAR.len();
/// Weights of the bounds, per unit of g and per vol in half spreads: far above those of quotes, so that little gives way.
pub(super) const DENSITY_WEIGHT: f64 = 300.0;
const CALENDAR_WEIGHT: f64 = 30.0;
/// The bounds aim inside by this much, so that what a soft bound gives way does not reach the hard one.
const DENSITY_MARGIN: f64 = 1e-3;
const CALENDAR_MARGIN_VOL: f64 = 5e-5;
const STEPS: usize = 40;
const TRIES: usize = 10;
/// A descent ends when a step lowers the cost by no more than this part of it.
const SETTLED: f64 = 1e-4;
/// A quote counts at most this many times the median quote.
const LARGEST_WEIGHT: f64 = 10.0;
/// Smallest half spread in vol that is believed.
const TIGHTEST_VOL: f64 = 1e-6;
const LEAST_SMOOTH: f64 = 5e-4;
const LEAST_SLOPE: f64 = 1e-5;
const LEAST_VARIANCE: f64 = 1e-8;
const PARAMETERS: usize = 5;
/// The one parameter that may be negative.
const SHIFT: usize = 3;

type Vector = [f64; PARAMETERS];

/// What bounds and guides a slice.
#[derive(Debug, Clone, Copy)]
pub(super) struct Guides<'a> {
    /// The next longer expiry.
    pub(super) next: Option<&'a Slice>,
    /// What the neighbours look like.
    pub(super) shape: Option<&'a Shape>,
    /// Further nodes of the bounds: where an earlier fit broke them.
    pub(super) broken: &'a [f64],
}

/// A slice's quotes with what is computed once.
#[derive(Debug)]
pub(super) struct Problem<'a> {
    pub(super) quotes: &'a [VolQuote],
    pub(super) weights: Vec<f64>,
    pub(super) years: f64,
    nodes: Vec<f64>,
    next_vol: Vec<f64>,
    pub(super) guides: Guides<'a>,
    upper: Vector,
    pub(super) calendar_weight: f64,
}

/// Normal equations of one linearisation.
#[derive(Debug, Clone, Copy)]
struct Normal {
    matrix: [Vector; PARAMETERS],
    gradient: Vector,
}

/// Deviations of a shape's nodes.
pub(super) fn deviations(node: usize) -> f64 {
    #[allow(clippy::cast_precision_loss)] // 0 to 16
    let index = node as f64;
    0.5 * index - 4.0
}

impl<'a> Problem<'a> {
    /// Of at least three quotes in the order of log-moneyness.
    pub(super) fn new(quotes: &'a [VolQuote], years: f64, guides: Guides<'a>) -> Self {
        let mut weights: Vec<f64> = quotes
            .iter()
            .map(|q| 1.0 / if q.half_spread > TIGHTEST_VOL { q.half_spread } else { TIGHTEST_VOL })
            .collect();
        let mut sorted = weights.clone();
        let typical = crate::forward::median(&mut sorted).unwrap_or(1.0);
        for weight in &mut weights {
            let most = LARGEST_WEIGHT * typical;
            *weight = if *weight < most { *weight } else { most };
        }
        let at_the_money = nearest_vol(quotes);
        let mut nodes = nodes(at_the_money * years.sqrt()).to_vec();
        nodes.extend(guides.broken);
        let mut upper = [4.0, STEEPEST_WING, STEEPEST_WING, 1.5, 3.0];
        let mut next_vol = vec![f64::INFINITY; nodes.len()];
        if let Some(next) = guides.next {
            let wings = next.hyperbola().wings();
            upper[1] = largest(wings.put, LEAST_SLOPE);
            upper[2] = largest(wings.call, LEAST_SLOPE);
            for (vol, node) in next_vol.iter_mut().zip(&nodes) {
                *vol = (next.variance(*node) / years).sqrt();
            }
        }
        let calendar_weight = CALENDAR_WEIGHT * typical;
        Self { quotes, weights, years, nodes, next_vol, guides, upper, calendar_weight }
    }

    /// The best slice from the given starts.
    pub(super) fn solve(&self, starts: &[Wings]) -> Option<Svi> {
        let mut best: Option<(f64, Vector)> = None;
        for start in starts {
            let start = self.inside(vector(*start));
            let (cost, found) = self.descend(start);
            if cost.is_finite() && best.is_none_or(|(least, _)| cost < least) {
                best = Some((cost, found));
            }
        }
        best.map(|(_, x)| Svi::boxed(wings(x)))
    }

    /// Starts from the quotes alone: for a few vertices and widths the hyperbola is linear in level, tilt and angle (Zeliade's
    /// quasi-explicit form); the three that fit best.
    pub(super) fn starts(&self) -> Vec<Wings> {
        let deviation = self.nodes[SHAPE_NODES - 1] / 4.0;
        let mut found: Vec<(f64, Wings)> = Vec::new();
        for place in [-1.0, -0.5, 0.0, 0.5, 1.0] {
            for width in [0.25, 0.75, 2.0] {
                let (shift, smooth) = (place * deviation, largest(width * deviation, LEAST_SMOOTH));
                if let Some(wings) = self.quasi_explicit(shift, smooth) {
                    found.push((self.cost(&self.inside(vector(wings))), wings));
                }
            }
        }
        found.sort_by(|a, b| a.0.total_cmp(&b.0));
        found.truncate(3);
        if found.is_empty() {
            let level = nearest_vol(self.quotes);
            let slope = 0.4 * level * self.years.sqrt();
            let least = 0.9 * level * level * self.years;
            return vec![Wings { least, put: slope, call: slope, shift: 0.0, smooth: deviation }];
        }
        found.into_iter().map(|(_, wings)| wings).collect()
    }

    /// Weighted linear least squares of w = A + D y + C √(1 + y²) at a given vertex, brought into the box.
    fn quasi_explicit(&self, shift: f64, smooth: f64) -> Option<Wings> {
        let mut matrix = [[0.0; 3]; 3];
        let mut right = [0.0; 3];
        for (quote, weight) in self.quotes.iter().zip(&self.weights) {
            let y = (quote.log_moneyness - shift) / smooth;
            let row = [1.0, y, (y * y + 1.0).sqrt()];
            let variance = quote.vol * quote.vol * self.years;
            // Error of a variance is twice vol T times the error of a vol.
            let weight = weight / (2.0 * quote.vol * self.years);
            let square = weight * weight;
            for (i, left) in row.iter().enumerate() {
                right[i] += square * left * variance;
                for (j, other) in row.iter().enumerate() {
                    matrix[i][j] += square * left * other;
                }
            }
        }
        let [level, tilt, angle] = cholesky(&matrix, &right, Pivots { least: 1e-12, band: 3 })?;
        let angle = largest(angle, 1e-6);
        let tilt = between(tilt, [-0.999 * angle, 0.999 * angle]);
        let least = level + (angle * angle - tilt * tilt).sqrt();
        Some(Wings {
            least: largest(least, LEAST_VARIANCE),
            put: (angle - tilt) / smooth,
            call: (angle + tilt) / smooth,
            shift,
            smooth,
        })
    }

    fn lower() -> Vector {
        [LEAST_VARIANCE, LEAST_SLOPE, LEAST_SLOPE, -1.5, LEAST_SMOOTH]
    }

    fn inside(&self, mut x: Vector) -> Vector {
        let lower = Self::lower();
        for (value, bounds) in x.iter_mut().zip(lower.iter().zip(&self.upper)) {
            *value = between(*value, [*bounds.0, *bounds.1]);
        }
        x
    }

    fn descend(&self, mut x: Vector) -> (f64, Vector) {
        let mut cost = self.cost(&x);
        let mut damping = 1e-3;
        for _ in 0..STEPS {
            let mut normal = self.linearise(&x);
            self.freeze(&x, &mut normal);
            let mut moved = false;
            for _ in 0..TRIES {
                let Some(step) = damped(&normal, damping) else {
                    damping *= 10.0;
                    continue;
                };
                let trial = self.inside(stepped(&x, &step));
                let next = self.cost(&trial);
                if next < cost {
                    moved = cost - next > SETTLED * cost;
                    (x, cost) = (trial, next);
                    damping = largest(damping * 0.2, 1e-9);
                    break;
                }
                damping *= 10.0;
            }
            if !moved {
                break;
            }
        }
        (cost, x)
    }

    /// Takes parameters out of the system that their gradient presses against a bound.
    fn freeze(&self, x: &Vector, normal: &mut Normal) {
        let lower = Self::lower();
        for p in 0..PARAMETERS {
            let low = x[p] <= lower[p] && normal.gradient[p] > 0.0;
            let high = x[p] >= self.upper[p] && normal.gradient[p] < 0.0;
            if low || high {
                for q in 0..PARAMETERS {
                    normal.matrix[p][q] = 0.0;
                    normal.matrix[q][p] = 0.0;
                }
                normal.matrix[p][p] = 1.0;
                normal.gradient[p] = 0.0;
            }
        }
    }

    fn cost(&self, x: &Vector) -> f64 {
        let slice = Svi::boxed(wings(*x));
        let mut cost = 0.0;
        for (quote, weight) in self.quotes.iter().zip(&self.weights) {
            let error = (self.vol(slice.variance(quote.log_moneyness)) - quote.vol) * weight;
            cost += robust_cost(error);
        }
        for (node, next) in self.nodes.iter().zip(&self.next_vol) {
            let at = slice.curvature(*node);
            let density = self.density_gap(at.density(*node));
            let calendar = self.calendar_gap(*next, at.variance);
            cost += density * density + calendar * calendar;
        }
        if let Some(shape) = self.guides.shape {
            let centre = self.vol(slice.variance(0.0));
            for (wanted, node) in shape.iter().zip(&self.nodes).filter(|(_, node)| self.is_unquoted(**node)) {
                let off = (self.vol(slice.variance(*node)) / centre - wanted) / SHAPE_TOLERANCE;
                cost += robust_cost(off);
            }
        }
        cost
    }

    /// Whether a place lies beyond the quotes.
    fn is_unquoted(&self, log_moneyness: f64) -> bool {
        let first = self.quotes.first().map_or(0.0, |quote| quote.log_moneyness);
        let last = self.quotes.last().map_or(0.0, |quote| quote.log_moneyness);
        log_moneyness < first || log_moneyness > last
    }

    pub(super) fn vol(&self, variance: f64) -> f64 {
        (largest(variance, LEAST_VARIANCE) / self.years).sqrt()
    }

    /// Below zero where g is below its margin; weighted.
    pub(super) fn density_gap(&self, density: f64) -> f64 {
        let gap = density - DENSITY_MARGIN;
        if gap < 0.0 { DENSITY_WEIGHT * gap } else { 0.0 }
    }

    /// Below zero where the slice lies above the next longer one; weighted, in vol.
    pub(super) fn calendar_gap(&self, next_vol: f64, variance: f64) -> f64 {
        let gap = next_vol - self.vol(variance) - CALENDAR_MARGIN_VOL;
        if gap < 0.0 { self.calendar_weight * gap } else { 0.0 }
    }

    fn linearise(&self, x: &Vector) -> Normal {
        let slice = Svi::boxed(wings(*x));
        let mut normal = Normal { matrix: [[0.0; PARAMETERS]; PARAMETERS], gradient: [0.0; PARAMETERS] };
        for (quote, weight) in self.quotes.iter().zip(&self.weights) {
            let sensitivity = Sensitivity::at(x, quote.log_moneyness);
            let vol = self.vol(slice.variance(quote.log_moneyness));
            let error = (vol - quote.vol) * weight;
            let robust = robust_weight(error);
            let factor = weight / (2.0 * vol * self.years);
            normal.add(robust, error, &scaled(&sensitivity.variance, factor));
        }
        for (node, next) in self.nodes.iter().zip(&self.next_vol) {
            self.linearise_bounds(&slice, x, (*node, *next), &mut normal);
        }
        if let Some(shape) = self.guides.shape {
            self.linearise_shape(&slice, x, shape, &mut normal);
        }
        normal
    }

    fn linearise_bounds(&self, slice: &Svi, x: &Vector, (node, next): (f64, f64), normal: &mut Normal) {
        let at = slice.curvature(node);
        let density = self.density_gap(at.density(node));
        let calendar = self.calendar_gap(next, at.variance);
        if density < 0.0 {
            let gradient = Sensitivity::at(x, node).density(at, node);
            normal.add(1.0, density, &scaled(&gradient, DENSITY_WEIGHT));
        }
        if calendar < 0.0 {
            let factor = -self.calendar_weight / (2.0 * self.vol(at.variance) * self.years);
            normal.add(1.0, calendar, &scaled(&Sensitivity::at(x, node).variance, factor));
        }
    }

    fn linearise_shape(&self, slice: &Svi, x: &Vector, shape: &Shape, normal: &mut Normal) {
        let centre = largest(slice.variance(0.0), LEAST_VARIANCE);
        let at_centre = Sensitivity::at(x, 0.0).variance;
        for (wanted, node) in shape.iter().zip(&self.nodes).filter(|(_, node)| self.is_unquoted(**node)) {
            let variance = largest(slice.variance(*node), LEAST_VARIANCE);
            let ratio = (variance / centre).sqrt();
            let here = Sensitivity::at(x, *node).variance;
            let mut gradient = [0.0; PARAMETERS];
            for (slot, (own, middle)) in gradient.iter_mut().zip(here.iter().zip(&at_centre)) {
                *slot = 0.5 * ratio * (own / variance - middle / centre) / SHAPE_TOLERANCE;
            }
            let off = (ratio - wanted) / SHAPE_TOLERANCE;
            normal.add(robust_weight(off), off, &gradient);
        }
    }
}

impl Normal {
    /// Adds one residual: weight, value, gradient.
    fn add(&mut self, weight: f64, residual: f64, gradient: &Vector) {
        for (row, left) in self.matrix.iter_mut().zip(gradient) {
            let weighted = weight * left;
            for (cell, other) in row.iter_mut().zip(gradient) {
                *cell += weighted * other;
            }
        }
        for (slot, own) in self.gradient.iter_mut().zip(gradient) {
            *slot += weight * residual * own;
        }
    }
}

/// Derivatives of w, w' and w'' by the five parameters.
#[derive(Debug, Clone, Copy)]
struct Sensitivity {
    variance: Vector,
    slope: Vector,
    curvature: Vector,
}

impl Sensitivity {
    fn at(x: &Vector, log_moneyness: f64) -> Self {
        let [_, put, call, shift, smooth] = *x;
        let (tilt, angle) = (0.5 * (call - put), 0.5 * (call + put));
        let y = log_moneyness - shift;
        let square = smooth * smooth;
        let root = (y * y + square).sqrt();
        let direction = y / root;
        let bend = square / (root * root * root);
        let ratio = (call / put).sqrt();
        Self {
            variance: [
                1.0,
                0.5 * (root - y - smooth * ratio),
                0.5 * (root + y - smooth / ratio),
                -(tilt + angle * direction),
                angle * (smooth / root) - (put * call).sqrt(),
            ],
            slope: [
                0.0,
                0.5 * (direction - 1.0),
                0.5 * (direction + 1.0),
                -angle * bend,
                -angle * (y * smooth) / (root * root * root),
            ],
            curvature: [
                0.0,
                0.5 * bend,
                0.5 * bend,
                3.0 * angle * bend * y / (root * root),
                angle * (2.0 * smooth / (root * root * root) - 3.0 * smooth * bend / (root * root)),
            ],
        }
    }

    /// Derivatives of g.
    fn density(&self, at: super::svi::Curvature, log_moneyness: f64) -> Vector {
        let [by_variance, by_slope, by_curvature] = at.density_by(log_moneyness);
        let mut gradient = [0.0; PARAMETERS];
        for (index, slot) in gradient.iter_mut().enumerate() {
            *slot = by_variance * self.variance[index]
                + by_slope * self.slope[index]
                + by_curvature * self.curvature[index];
        }
        gradient
    }
}

/// ρ(r) = 2(√(1 + r²) - 1): r² near zero, 2|r| far away.
pub(super) fn robust_cost(residual: f64) -> f64 {
    2.0 * ((residual * residual + 1.0).sqrt() - 1.0)
}

/// ρ'(r)/2r.
pub(super) fn robust_weight(residual: f64) -> f64 {
    1.0 / (residual * residual + 1.0).sqrt()
}

/// A step in which no positive parameter shrinks below a quarter or grows beyond four times itself: near zero slopes the slice is
/// singular in them, and a step that jumped there would not come back.
fn stepped(x: &Vector, step: &Vector) -> Vector {
    let mut trial = *x;
    for (index, (value, by)) in trial.iter_mut().zip(step).enumerate() {
        let old = *value;
        let moved = old - by;
        *value = if index == SHIFT { moved } else { between(moved, [0.25 * old, 4.0 * old]) };
    }
    trial
}

/// (A + λ diag A)⁻¹ g, or none where that is not positive definite.
fn damped(normal: &Normal, damping: f64) -> Option<Vector> {
    let mut matrix = normal.matrix;
    for (index, row) in matrix.iter_mut().enumerate() {
        row[index] += damping * row[index];
    }
    cholesky(&matrix, &normal.gradient, Pivots { least: 0.0, band: PARAMETERS })
}

/// What a system is like.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pivots {
    /// A pivot lies above this part of its diagonal.
    pub(super) least: f64,
    /// Only so many diagonals next to the main one are not zero.
    pub(super) band: usize,
}

/// Solves a symmetric positive definite system; none when a pivot is too small.
pub(super) fn cholesky<const N: usize>(
    matrix: &[[f64; N]; N],
    right: &[f64; N],
    pivots: Pivots,
) -> Option<[f64; N]> {
    let mut lower = [[0.0; N]; N];
    let first = |row: usize| row.saturating_sub(pivots.band);
    for i in 0..N {
        for j in first(i)..=i {
            let known = lower[i].iter().zip(&lower[j]).take(j).skip(first(i));
            let sum = known.fold(matrix[i][j], |sum, (a, b)| sum - a * b);
            if i == j {
                if !(sum > pivots.least * matrix[i][i] && sum > 0.0 && sum.is_finite()) {
                    return None;
                }
                lower[i][i] = sum.sqrt();
            } else {
                lower[i][j] = sum / lower[j][j];
            }
        }
    }
    let mut x = *right;
    for i in 0..N {
        for k in first(i)..i {
            x[i] -= lower[i][k] * x[k];
        }
        x[i] /= lower[i][i];
    }
    for i in (0..N).rev() {
        for k in (i + 1..N).take(pivots.band) {
            x[i] -= lower[k][i] * x[k];
        }
        x[i] /= lower[i][i];
    }
    Some(x)
}

fn nodes(deviation: f64) -> [f64; NODES] {
    let mut nodes = [0.0; NODES];
    for (index, node) in nodes.iter_mut().enumerate() {
        let wide = index.saturating_sub(SHAPE_NODES);
        #[allow(clippy::cast_precision_loss)] // at most 30
        let share = wide as f64 / (WIDE_NODES - 1) as f64;
        *node = if index < SHAPE_NODES {
            deviations(index) * deviation
        } else {
            FAR.get(wide.wrapping_sub(WIDE_NODES)).copied().unwrap_or(3.0 * share - 1.5)
        };
    }
    nodes
}

fn vector(wings: Wings) -> Vector {
    [wings.least, wings.put, wings.call, wings.shift, wings.smooth]
}

fn wings([least, put, call, shift, smooth]: Vector) -> Wings {
    Wings { least, put, call, shift, smooth }
}

/// Vol of the quote nearest to the forward; the first of equals.
fn nearest_vol(quotes: &[VolQuote]) -> f64 {
    let nearest = quotes.iter().min_by(|a, b| a.log_moneyness.abs().total_cmp(&b.log_moneyness.abs()));
    nearest.map_or(0.5, |quote| quote.vol)
}

fn scaled(vector: &Vector, factor: f64) -> Vector {
    vector.map(|value| factor * value)
}

/// The larger; the second where the first is no number.
pub(super) fn largest(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

fn between(value: f64, [low, high]: [f64; 2]) -> f64 {
    let raised = if value > low { value } else { low };
    if raised < high { raised } else { high }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vector {
        [0.004, 0.11, 0.07, -0.02, 0.06]
    }

    #[test]
    fn sensitivities_are_the_differences_of_the_slice() {
        let slice = |x: Vector| Svi::boxed(wings(x));
        for k in [-0.5, -0.05, 0.0, 0.03, 0.4] {
            let own = Sensitivity::at(&sample(), k);
            let density = own.density(slice(sample()).curvature(k), k);
            for p in 0..PARAMETERS {
                let step = 1e-6 * sample()[p];
                let (mut up, mut down) = (sample(), sample());
                up[p] += step;
                down[p] -= step;
                let (up, down) = (slice(up), slice(down));
                let central = |f: &dyn Fn(&Svi) -> f64| (f(&up) - f(&down)) / (2.0 * step);
                // Central differences at a relative step of 1e-6 lose about ten digits of sixteen to rounding.
                let near = |ours: f64, theirs: f64| {
                    assert!((ours - theirs).abs() <= 2e-6 * (1.0 + theirs.abs()), "{k} {p}: {ours} {theirs}");
                };
                near(own.variance[p], central(&|s| s.variance(k)));
                near(own.slope[p], central(&|s| s.curvature(k).slope));
                near(own.curvature[p], central(&|s| s.curvature(k).curvature));
                near(density[p], central(&|s| s.density(k)));
            }
        }
    }

    #[test]
    fn a_slice_is_recovered_from_its_own_quotes() {
        let truth = Svi::boxed(wings(sample()));
        let years = 30.0 / 365.0;
        let quotes: Vec<VolQuote> = (-12..=12)
            .map(|i| {
                let log_moneyness = 0.03 * f64::from(i);
                let vol = (truth.variance(log_moneyness) / years).sqrt();
                VolQuote { log_moneyness, vol, half_spread: 0.005 }
            })
            .collect();
        let guides = Guides { next: None, shape: None, broken: &[] };
        let problem = Problem::new(&quotes, years, guides);
        let found = problem.solve(&problem.starts()).unwrap();
        for quote in &quotes {
            let vol = (found.variance(quote.log_moneyness) / years).sqrt();
            // A hundredth of the half spread: the descent ends when the cost stops falling.
            assert!((vol - quote.vol).abs() < 5e-5, "{quote:?} {vol}");
        }
    }
}
