//! Reverse stress: the most plausible move that does a given harm.
//!
//! Among all joint moves x of the factors that lose at least L (or liquidate an account) the one with the least Mahalanobis distance
//! `d² = x' Sigma⁻¹ x`. In z with `x = C z`, `Sigma = C C'`, that is the shortest z.
//!
//! | method | harm | answer |
//! |---|---|---|
//! | linear | -g'x | `x = -L Sigma g / (g' Sigma g)`, `d = L / sqrt(g' Sigma g)` |
//! | delta-gamma | -(g'x + x'Gx/2) | `z_k = -mu h_k / (1 + mu l_k)` on the eigenvectors of C'GC; mu in (0, 1/(-l_min)) or (0, infinity) by bisection |
//! | revalued | any function | on rays from zero: first crossing by scan and bisection, direction turned towards the gradient there until both agree (the condition of optimality), from many starts |
//!
//! Starts of the last: the closed forms, and every signed eigenvector and signed axis, so that a second hill is not missed. *None within
//! reach* is an answer: no start found harm up to the reach. It is a search, not a proof; the number of starts is reported.
//!
//! Plausibility is the probability of a move at least as far out in any direction, chi-square with as many degrees of freedom as factors;
//! `N(-d)` is that of a move at least as far in this one direction. Both assume the normal law, whose tails are thin: with the
//! moves of coins, d of 4 is no one-in-30,000 event.
//!
//! ```
//! use risk::covariance::Covariance;
//! use risk::history::Factor;
//! use risk::reverse::Reverse;
//! use units::Asset;
//! let btc = Factor::Spot(Asset::new("BTC")?);
//! let covariance = Covariance::new(vec![(btc, 0.04)], &[vec![1.0]], 1)?;
//! let reverse = Reverse::new(&covariance)?;
//! // Long a million of cash delta, a loss of 80,000 is a move of -8 %, two standard deviations.
//! let found = reverse.linear(&[1e6], 80_000.0).ok_or("no delta")?;
//! assert!((found.moves[0] + 0.08).abs() < 1e-15 && (found.distance - 2.0).abs() < 1e-12);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod eigen;
mod search;

use crate::chi_square::chi_square_tail;
use crate::covariance::{Covariance, CovarianceError, Lower};
use crate::history::{Moves, Window};
use eigen::{Eigen, eigen};
use pricing::kernel;
pub use search::{Harm, Reach};

/// The most plausible move found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Move of each factor: log return, or points.
    pub moves: Vec<f64>,
    /// Mahalanobis distance.
    pub distance: f64,
    /// Probability of a move at least as far out in any direction.
    pub plausibility: f64,
    /// Probability of a move at least as far in this direction.
    pub one_sided: f64,
}

/// The recorded window nearest to a move.
#[derive(Debug, Clone, PartialEq)]
pub struct Nearest {
    /// When.
    pub window: Window,
    /// Mahalanobis distance between the two moves.
    pub distance: f64,
    /// What the factors did then.
    pub moves: Vec<f64>,
}

/// The space of moves with its measure of distance.
#[derive(Debug, Clone, PartialEq)]
pub struct Reverse<'a> {
    covariance: &'a Covariance,
    lower: Lower,
}

/// Halvings of an interval: more than a double has bits.
const HALVINGS: usize = 200;

impl<'a> Reverse<'a> {
    /// On a covariance.
    ///
    /// # Errors
    /// When it is not positive definite.
    pub fn new(covariance: &'a Covariance) -> Result<Self, CovarianceError> {
        Ok(Self { covariance, lower: covariance.cholesky()? })
    }

    /// By first derivatives alone; none without any.
    #[must_use]
    pub fn linear(&self, gradient: &[f64], loss: f64) -> Option<Found> {
        let moved = self.covariance.times(gradient);
        let variance = dot(gradient, &moved);
        if variance <= 0.0 || loss <= 0.0 {
            return None;
        }
        Some(self.found(moved.iter().map(|m| -loss * m / variance).collect()))
    }

    /// By first and second derivatives; none when no move loses so much.
    #[must_use]
    pub fn delta_gamma(&self, gradient: &[f64], second: &[Vec<f64>], loss: f64) -> Option<Found> {
        if loss <= 0.0 {
            return None;
        }
        let space = self.curved(gradient, second);
        let z = space.shortest(loss)?;
        Some(self.found(self.lower.times(&z)))
    }

    /// By a harm of any form, searched from the closed forms of a gradient and from every signed axis.
    ///
    /// # Errors
    /// The harm's own.
    pub fn revalued<E>(
        &self,
        (gradient, second): (&[f64], &[Vec<f64>]),
        starts: &[Found],
        reach: Reach,
        harm: &Harm<'_, E>,
    ) -> Result<Option<Found>, E> {
        let space = self.curved(gradient, second);
        let mut directions: Vec<Vec<f64>> =
            starts.iter().map(|found| self.lower.solve(&found.moves)).collect();
        for axis in space.eigen.vectors.iter().cloned().chain(search::axes(gradient.len())) {
            directions.push(axis.iter().map(|a| -a).collect());
            directions.push(axis);
        }
        let in_moves = |points: &[Vec<f64>]| {
            let moves: Vec<Vec<f64>> = points.iter().map(|z| self.lower.times(z)).collect();
            harm(&moves)
        };
        let nearest = search::nearest(&directions, reach, &in_moves)?;
        Ok(nearest.map(|z| self.found(self.lower.times(&z))))
    }

    /// The recorded joint move that lies nearest.
    #[must_use]
    pub fn nearest(&self, moves: &[f64], history: &Moves) -> Option<Nearest> {
        let mut best: Option<Nearest> = None;
        for (window, row) in history.windows.iter().zip(history.rows()) {
            let apart: Vec<f64> = row.iter().zip(moves).map(|(a, b)| a - b).collect();
            let distance = length(&self.lower.solve(&apart));
            if best.as_ref().is_none_or(|b| distance < b.distance) {
                best = Some(Nearest { window: *window, distance, moves: row.to_vec() });
            }
        }
        best
    }

    fn found(&self, moves: Vec<f64>) -> Found {
        let distance = length(&self.lower.solve(&moves));
        let degrees = u32::try_from(moves.len()).unwrap_or(u32::MAX);
        let plausibility = chi_square_tail(degrees, distance * distance);
        Found { moves, distance, plausibility, one_sided: kernel::norm_cdf(-distance) }
    }

    /// Gradient and curvature in z.
    fn curved(&self, gradient: &[f64], second: &[Vec<f64>]) -> Curved {
        let width = gradient.len();
        let columns: Vec<Vec<f64>> = search::axes(width).map(|axis| self.lower.times(&axis)).collect();
        let curvature: Vec<Vec<f64>> = columns
            .iter()
            .map(|a| {
                let moved: Vec<f64> = second.iter().map(|row| dot(row, a)).collect();
                columns.iter().map(|b| dot(&moved, b)).collect()
            })
            .collect();
        let slope: Vec<f64> = columns.iter().map(|column| dot(column, gradient)).collect();
        let eigen = eigen(curvature);
        let along = eigen.vectors.iter().map(|v| dot(v, &slope)).collect();
        Curved { eigen, along }
    }
}

/// P&L `h'w + sum(l_k w_k²)/2` in the coordinates w of the eigenvectors.
struct Curved {
    eigen: Eigen,
    along: Vec<f64>,
}

impl Curved {
    fn at(&self, mu: f64) -> Vec<f64> {
        self.along.iter().zip(&self.eigen.values).map(|(h, l)| -mu * h / (1.0 + mu * l)).collect()
    }

    fn loss(&self, w: &[f64]) -> f64 {
        -w.iter()
            .zip(self.along.iter().zip(&self.eigen.values))
            .fold(0.0, |sum, (w, (h, l))| sum + w * (h + 0.5 * l * w))
    }

    /// The shortest z that loses so much. The loss grows with mu; where it stays below even at the end of mu's range, only a step
    /// along the most concave axis, to which the gradient is then orthogonal, can add to it.
    fn shortest(&self, loss: f64) -> Option<Vec<f64>> {
        let least = self.eigen.values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = self.eigen.values.iter().map(|l| l.abs()).fold(0.0, f64::max);
        let end = if least < 0.0 { -1.0 / least } else { f64::INFINITY };
        // mu as a share of its range, or, if that has no end, mu/(1 + mu) in units of the slope and curvature at hand.
        let unit = {
            let slope = length(&self.along);
            let by_slope = if slope > 0.0 { loss / (slope * slope) } else { 1.0 };
            if most > 0.0 { by_slope.max(1.0 / most) } else { by_slope }
        };
        let mu = |t: f64| if end.is_finite() { t * end } else { unit * t / (1.0 - t) };
        let (mut low, mut high) = (0.0, 1.0 - 1e-15);
        if self.loss(&self.at(mu(high))) < loss {
            return if end.is_finite() { self.along_the_axis(mu(high), loss) } else { None };
        }
        for _ in 0..HALVINGS {
            let middle = 0.5 * (low + high);
            if self.loss(&self.at(mu(middle))) < loss { low = middle } else { high = middle }
        }
        Some(self.back(&self.at(mu(high))))
    }

    fn along_the_axis(&self, mu: f64, loss: f64) -> Option<Vec<f64>> {
        let mut w = self.at(mu);
        let (place, least) =
            self.eigen.values.iter().copied().enumerate().min_by(|a, b| a.1.total_cmp(&b.1))?;
        let lacking = loss - self.loss(&w);
        let slot = w.get_mut(place)?;
        *slot += (2.0 * lacking / -least).sqrt();
        Some(self.back(&w))
    }

    /// From the eigenvectors' coordinates.
    fn back(&self, w: &[f64]) -> Vec<f64> {
        let mut z = vec![0.0; w.len()];
        for (w, vector) in w.iter().zip(&self.eigen.vectors) {
            for (z, v) in z.iter_mut().zip(vector) {
                *z = v.mul_add(*w, *z);
            }
        }
        z
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(0.0, |sum, (a, b)| a.mul_add(*b, sum))
}

fn length(z: &[f64]) -> f64 {
    dot(z, z).sqrt()
}

#[cfg(test)]
mod tests;
