//! Least squares for the correction of one slice under no-arbitrage bounds.
//!
//! Five parameters are stiff: where a market quotes one tick wide, far from the money, a hyperbola that is right at the money is
//! often a tick off. The correction is what a smooth curve can take back of that. Unknowns: the weights of [`Correction`], in the
//! words of `fit.rs`, with `s_j = 3 c_j/w(k_j)` the relative change of vol at the middle of a B-spline and zero beyond the ends:
//!
//! ```text
//! Σ ρ(r_i)                                       quotes, as in fit.rs
//! + Σ ((s_(j-1) - 2 s_j + s_(j+1))/τ)²           smooth, and back to zero beyond the quotes
//! + Σ (P_g min(0, g(k) - ε_g))² + Σ (P_c min(0, σ_next(k) - σ(k) - ε_c))²     the bounds, on nodes along the correction
//! ```
//!
//! Gauss and Newton with halved steps, the normal equations in a band; a bounded number of steps, sums in the order of quotes and
//! nodes: the same bits on every machine. Whether the bounds hold between nodes is checked by the caller.

use super::fit::{DENSITY_WEIGHT, Pivots, Problem, cholesky, largest, robust_cost, robust_weight};
use super::slice::{Correction, Knots, MOST_WEIGHTS, PIECES, Slice};
use super::svi::Svi;

/// Distance of knots in deviations at the money, unless the range asks for more.
const SPACING: f64 = 0.5;
/// How far the correction reaches beyond the first and last quote, in deviations: there it goes back to zero.
const MARGIN: f64 = 1.5;
/// τ: a bend of the relative vol from one knot to the next that costs like a quote that is off by one half spread.
const BEND_TOLERANCE: f64 = 0.03;
/// Nodes of the bounds on each piece.
const NODES: u32 = 4;
const STEPS: usize = 8;
const HALVINGS: usize = 5;
/// Steps end when one lowers the cost by no more than this part of it.
const SETTLED: f64 = 1e-4;

type Vector = [f64; MOST_WEIGHTS];
type Matrix = [Vector; MOST_WEIGHTS];

/// The hyperbola of a problem with what is computed once.
#[derive(Debug)]
pub(super) struct Residual<'a> {
    problem: &'a Problem<'a>,
    hyperbola: Svi,
    knots: Knots,
    /// Places of the bounds, with the vol of the next longer expiry.
    nodes: Vec<(f64, f64)>,
    /// Relative change of vol per weight.
    relative: Vec<f64>,
}

/// Normal equations of one linearisation.
struct Normal {
    matrix: Matrix,
    gradient: Vector,
}

/// Values of the four B-splines that reach over a piece, and of their first two derivatives by the share of the piece.
fn splines(u: f64) -> [[f64; PIECES]; 3] {
    let v = 1.0 - u;
    let middle = |u: f64| 4.0 - 6.0 * u * u + 3.0 * u * u * u;
    let slope = |u: f64| 9.0 * u * u - 12.0 * u;
    [
        [v * v * v, middle(u), middle(v), u * u * u],
        [-3.0 * v * v, slope(u), -slope(v), 3.0 * u * u],
        [6.0 * v, 18.0 * u - 12.0, 18.0 * v - 12.0, 6.0 * u],
    ]
}

impl<'a> Residual<'a> {
    /// None without quotes or variance at the money.
    pub(super) fn new(problem: &'a Problem<'a>, hyperbola: Svi) -> Option<Self> {
        let deviation = hyperbola.variance(0.0).sqrt();
        let from = problem.quotes.first()?.log_moneyness - MARGIN * deviation;
        let to = problem.quotes.last()?.log_moneyness + MARGIN * deviation;
        let knots = knots(from, to, SPACING * deviation)?;
        let next = problem.guides.next;
        let nodes = places(knots, NODES)
            .map(|k| (k, next.map_or(f64::INFINITY, |late| problem.vol(late.variance(k)))))
            .collect();
        // The middle of the first B-spline is the second knot.
        let relative = places(knots, 1)
            .skip(2)
            .take(knots.weights)
            .map(|k| 3.0 / largest(hyperbola.variance(k), f64::MIN_POSITIVE))
            .collect();
        Some(Self { problem, hyperbola, knots, nodes, relative })
    }

    /// The slice with the correction that fits best.
    pub(super) fn solve(&self) -> Slice {
        let mut x = [0.0; MOST_WEIGHTS];
        let mut cost = self.cost(&x);
        for _ in 0..STEPS {
            let Some(step) = self.step(&x) else { break };
            let mut share = 1.0;
            let mut moved = false;
            for _ in 0..HALVINGS {
                let mut trial = x;
                for (value, by) in trial.iter_mut().zip(&step) {
                    *value -= share * by;
                }
                let next = self.cost(&trial);
                if next < cost {
                    moved = cost - next > SETTLED * cost;
                    (x, cost) = (trial, next);
                    break;
                }
                share *= 0.5;
            }
            if !moved {
                break;
            }
        }
        self.slice(&x)
    }

    fn slice(&self, x: &Vector) -> Slice {
        let weights = x.get(..self.knots.weights).unwrap_or(x);
        Slice::corrected(self.hyperbola, Correction::new(self.knots, weights))
    }

    fn cost(&self, x: &Vector) -> f64 {
        let (problem, slice) = (self.problem, self.slice(x));
        let mut cost = 0.0;
        for (quote, weight) in problem.quotes.iter().zip(&problem.weights) {
            let error = (problem.vol(slice.variance(quote.log_moneyness)) - quote.vol) * weight;
            cost += robust_cost(error);
        }
        for (node, next) in &self.nodes {
            let at = slice.curvature(*node);
            let density = problem.density_gap(at.density(*node));
            let calendar = problem.calendar_gap(*next, at.variance);
            cost += density * density + calendar * calendar;
        }
        for first in 0..self.knots.weights + 2 {
            let (bend, _) = self.bend(x, first);
            cost += bend * bend;
        }
        cost
    }

    /// The second difference that starts two weights before `first`, and its derivatives by three weights.
    fn bend(&self, x: &Vector, first: usize) -> (f64, [f64; 3]) {
        let mut by = [0.0; 3];
        let mut bend = 0.0;
        for (place, (slot, factor)) in by.iter_mut().zip([1.0, -2.0, 1.0]).enumerate() {
            if let Some(index) = (first + place).checked_sub(2).filter(|index| *index < self.knots.weights) {
                *slot = factor * self.relative[index] / BEND_TOLERANCE;
                bend += *slot * x[index];
            }
        }
        (bend, by)
    }

    /// The step of Gauss and Newton.
    fn step(&self, x: &Vector) -> Option<Vector> {
        let (problem, slice) = (self.problem, self.slice(x));
        let mut normal =
            Normal { matrix: [[0.0; MOST_WEIGHTS]; MOST_WEIGHTS], gradient: [0.0; MOST_WEIGHTS] };
        for (quote, weight) in problem.quotes.iter().zip(&problem.weights) {
            let (piece, share) = slice.correction_at(quote.log_moneyness);
            let vol = problem.vol(slice.variance(quote.log_moneyness));
            let error = (vol - quote.vol) * weight;
            let factor = weight / (2.0 * vol * problem.years);
            self.add(
                &mut normal,
                piece,
                (robust_weight(error), error),
                splines(share)[0].map(|b| b * factor),
            );
        }
        for (node, next) in &self.nodes {
            self.add_bounds(&mut normal, &slice, *node, *next);
        }
        for first in 0..self.knots.weights + 2 {
            let (bend, by) = self.bend(x, first);
            self.add(&mut normal, first + 1, (1.0, bend), [by[0], by[1], by[2], 0.0]);
        }
        for row in self.knots.weights..MOST_WEIGHTS {
            normal.matrix[row][row] = 1.0;
        }
        cholesky(&normal.matrix, &normal.gradient, Pivots { least: 0.0, band: PIECES - 1 })
    }

    fn add_bounds(&self, normal: &mut Normal, slice: &Slice, node: f64, next: f64) {
        let (problem, at) = (self.problem, slice.curvature(node));
        let density = problem.density_gap(at.density(node));
        let calendar = problem.calendar_gap(next, at.variance);
        let (piece, share) = slice.correction_at(node);
        let [value, slope, curvature] = splines(share);
        if density < 0.0 {
            let by = at.density_by(node);
            let spacing = self.knots.spacing;
            let mut gradient = [0.0; PIECES];
            for (index, slot) in gradient.iter_mut().enumerate() {
                let through_slope = by[1] * slope[index] / spacing;
                let through_curvature = by[2] * curvature[index] / (spacing * spacing);
                *slot = DENSITY_WEIGHT * (by[0] * value[index] + through_slope + through_curvature);
            }
            self.add(normal, piece, (1.0, density), gradient);
        }
        if calendar < 0.0 {
            let factor = -problem.calendar_weight / (2.0 * problem.vol(at.variance) * problem.years);
            self.add(normal, piece, (1.0, calendar), value.map(|b| b * factor));
        }
    }

    /// Adds one residual, (weight, value), with its derivatives by the four weights of a piece; those at the edges are zero and
    /// stay so.
    fn add(
        &self,
        normal: &mut Normal,
        piece: usize,
        (weight, residual): (f64, f64),
        gradient: [f64; PIECES],
    ) {
        let edge = PIECES - 1;
        let inner = |place: usize| (piece + place).checked_sub(edge).filter(|i| *i < self.knots.weights);
        for (place, left) in gradient.iter().enumerate() {
            let Some(row) = inner(place) else { continue };
            normal.gradient[row] += weight * residual * left;
            for (other, right) in gradient.iter().enumerate() {
                if let Some(column) = inner(other) {
                    normal.matrix[row][column] += weight * left * right;
                }
            }
        }
    }
}

/// Pieces of one length from end to end, no more than there is room for; none where the range is empty.
fn knots(from: f64, to: f64, wanted: f64) -> Option<Knots> {
    let edge = PIECES - 1;
    #[allow(clippy::cast_precision_loss)] // 4 and 32
    let [fewest, most] = [edge + 1, edge + MOST_WEIGHTS].map(|pieces| pieces as f64);
    let pieces = ((to - from) / wanted).ceil().max(fewest).min(most);
    let spacing = (to - from) / pieces;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between 4 and 32
    let weights = pieces as usize - edge;
    (spacing > 0.0 && spacing.is_finite()).then_some(Knots { from, spacing, weights })
}

/// So many places on each piece, from the first knot on.
fn places(knots: Knots, on_each: u32) -> impl Iterator<Item = f64> {
    let step = knots.spacing / f64::from(on_each);
    let inside = move |k: &f64| *k < knots.to();
    (0_u32..).map(move |index| knots.from + step * f64::from(index)).take_while(inside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::surface::fit::{Guides, VolQuote};

    const YEARS: f64 = 0.25;

    fn hyperbola() -> Svi {
        let raw = crate::surface::RawSvi { a: 0.02, b: 0.1, rho: -0.3, m: 0.0, sigma: 0.2 };
        Svi::from_raw(raw).unwrap()
    }

    /// The hyperbola with a hump of so many points of vol at k = 0.2.
    fn quotes(hump: f64) -> Vec<VolQuote> {
        let quote = |i: i32| {
            let log_moneyness = 0.03 * f64::from(i);
            let off = (log_moneyness - 0.2) / 0.2;
            let vol = (hyperbola().variance(log_moneyness) / YEARS).sqrt() + hump / (1.0 + off * off);
            VolQuote { log_moneyness, vol, half_spread: 0.005 }
        };
        (-15..=15).map(quote).collect()
    }

    fn guides(next: Option<&Slice>) -> Guides<'_> {
        Guides { next, shape: None, broken: &[] }
    }

    fn farthest(slice: &Slice, quotes: &[VolQuote]) -> f64 {
        let off =
            |q: &VolQuote| ((slice.variance(q.log_moneyness) / YEARS).sqrt() - q.vol).abs() / q.half_spread;
        quotes.iter().map(off).fold(0.0, f64::max)
    }

    #[test]
    fn splines_add_up_and_their_derivatives_are_differences() {
        for u in [0.0, 0.2, 0.5, 0.9] {
            let [value, slope, curvature] = splines(u);
            assert!((value.iter().sum::<f64>() - 6.0).abs() < 1e-14);
            let (up, down) = (splines(u + 1e-5), splines(u - 1e-5));
            for i in 0..PIECES {
                // Cubics: central differences are exact but for u''' h²/6 and rounding over h.
                assert!((slope[i] - (up[0][i] - down[0][i]) / 2e-5).abs() < 1e-8);
                assert!((curvature[i] - (up[1][i] - down[1][i]) / 2e-5).abs() < 1e-8);
            }
        }
    }

    #[test]
    fn a_hump_that_the_hyperbola_misses_is_followed() {
        let quotes = quotes(0.015);
        let problem = Problem::new(&quotes, YEARS, guides(None));
        let slice = Residual::new(&problem, hyperbola()).unwrap().solve();
        assert!(farthest(&hyperbola().into(), &quotes) > 2.9, "three half spreads at its top");
        assert!(farthest(&slice, &quotes) < 0.5, "{}", farthest(&slice, &quotes));
    }

    #[test]
    fn quotes_on_the_hyperbola_leave_it_alone() {
        let quotes = quotes(0.0);
        let problem = Problem::new(&quotes, YEARS, guides(None));
        let slice = Residual::new(&problem, hyperbola()).unwrap().solve();
        assert!(farthest(&slice, &quotes) < 1e-9);
    }

    #[test]
    fn the_next_longer_slice_bounds_a_hump() {
        let quotes = quotes(0.015);
        let raw = hyperbola().raw();
        let next = Slice::from(Svi::from_raw(crate::surface::RawSvi { a: raw.a + 0.002, ..raw }).unwrap());
        let problem = Problem::new(&quotes, YEARS, guides(Some(&next)));
        let slice = Residual::new(&problem, hyperbola()).unwrap().solve();
        let free = Residual::new(&Problem::new(&quotes, YEARS, guides(None)), hyperbola()).unwrap().solve();
        assert!(crate::surface::calendar_gap(&free, &next, 0.0).value < -1e-3, "the hump alone would cross");
        let gap = crate::surface::calendar_gap(&slice, &next, 0.0).value;
        // Soft bounds and the space between nodes: a hundredth of a point of vol.
        assert!(gap > -2.0 * 0.3 * YEARS * 1e-4, "{gap}");
    }
}
