//! The slice of a surface: a hyperbola, and what the quotes say beyond five parameters.
//!
//! ```text
//! w(k) = hyperbola(k) + p_i + q_i u + r_i u² + s_i u³      i, u: whole and fractional part of (k - from)/spacing
//! ```
//!
//! The cubics join with two derivatives, and from both ends of their range on they are zero with two derivatives. So the wings are
//! those of the hyperbola: Lee's bound and the order of wings are read from it, and outside the correction all that is known of it
//! holds. A slice without a correction is its hyperbola. Sums and products in a written order: the same bits everywhere.
//!
//! ```
//! use market::surface::{RawSvi, Slice, Svi};
//! let raw = RawSvi { a: 0.02, b: 0.1, rho: -0.3, m: 0.0, sigma: 0.2 };
//! let slice = Slice::from(Svi::from_raw(raw)?);
//! assert!(slice.correction().is_none() && slice.variance(0.1) == slice.hyperbola().variance(0.1));
//! # Ok::<(), market::surface::SviError>(())
//! ```

use super::svi::{Curvature, SliceCheck, Svi, Wings, least};

/// Pieces that one weight reaches over, and coefficients of a piece.
pub(super) const PIECES: usize = 4;
/// Zero weights before the first and behind the last, so that every piece has four.
const EDGE: usize = PIECES - 1;
/// Places of cubics, a power of two; the last one stays zero and stands for all that lies beyond.
const PLACES: usize = 32;
/// A correction has at most so many weights.
pub(super) const MOST_WEIGHTS: usize = PLACES - 1 - EDGE;
/// 1.5 x 2^52: a number of some hundreds that it is added to is rounded to the nearest whole one, which its lowest bits hold.
const ROUNDER: f64 = 6_755_399_441_055_744.0;

/// Total variance of one expiry.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slice {
    hyperbola: Svi,
    /// Without pieces where there is none.
    correction: Correction,
}

/// A curve of cubic pieces that is zero outside its range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Correction {
    knots: Knots,
    /// Pieces by unit of log-moneyness.
    per_unit: f64,
    /// Just beyond the last piece, in pieces.
    end: f64,
    /// Of each piece by powers of the share of the piece that lies before a place.
    cubics: [[f64; PIECES]; PLACES],
}

/// Where the pieces of a correction lie: three more than weights, none without weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Knots {
    /// Start of the first piece, in log-moneyness.
    pub(super) from: f64,
    /// Length of a piece.
    pub(super) spacing: f64,
    /// At most [`MOST_WEIGHTS`].
    pub(super) weights: usize,
}

impl Knots {
    const fn pieces(&self) -> usize {
        if self.weights > 0 { self.weights + EDGE } else { 0 }
    }

    /// End of the last piece.
    pub(super) fn to(&self) -> f64 {
        #[allow(clippy::cast_precision_loss)] // at most 31
        let pieces = self.pieces() as f64;
        self.from + self.spacing * pieces
    }
}

impl Correction {
    const NONE: Self = Self {
        knots: Knots { from: 0.0, spacing: 1.0, weights: 0 },
        per_unit: 0.0,
        end: 0.0,
        cubics: [[0.0; PIECES]; PLACES],
    };

    /// The sum of uniform cubic B-splines, each six times as high as usual, by weights: as many as the knots have.
    pub(super) fn new(knots: Knots, weights: &[f64]) -> Self {
        let at = |piece: usize, place: usize| {
            (piece + place).checked_sub(EDGE).and_then(|index| weights.get(index)).copied().unwrap_or(0.0)
        };
        let mut cubics = [[0.0; PIECES]; PLACES];
        for (piece, cubic) in cubics.iter_mut().enumerate().take(knots.pieces()) {
            let [a, b, c, d] = [at(piece, 0), at(piece, 1), at(piece, 2), at(piece, 3)];
            *cubic = [a + 4.0 * b + c, 3.0 * (c - a), 3.0 * (a - 2.0 * b + c), d - a + 3.0 * (b - c)];
        }
        #[allow(clippy::cast_precision_loss)] // at most 31
        let end = knots.pieces() as f64 + 0.25;
        Self { knots, per_unit: 1.0 / knots.spacing, end, cubics }
    }

    /// Start of the range in log-moneyness.
    #[must_use]
    pub const fn from(&self) -> f64 {
        self.knots.from
    }

    /// Length of a piece.
    #[must_use]
    pub const fn spacing(&self) -> f64 {
        self.knots.spacing
    }

    /// Coefficients p, q, r, s of each piece, ascending.
    #[must_use]
    pub fn cubics(&self) -> &[[f64; 4]] {
        self.cubics.get(..self.knots.pieces()).unwrap_or_default()
    }

    /// All of it by one factor.
    pub(super) fn scaled(&self, factor: f64) -> Self {
        Self { cubics: self.cubics.map(|cubic| cubic.map(|value| factor * value)), ..*self }
    }

    /// The piece of a place and which share of it lies before. No branch: vols are asked for at strikes in no order.
    fn piece(&self, log_moneyness: f64) -> (usize, f64) {
        let x = ((log_moneyness - self.knots.from) * self.per_unit).max(0.0).min(self.end);
        // Where x is a whole number either piece does: they join.
        let shifted = (x - 0.5) + ROUNDER;
        #[allow(clippy::cast_possible_truncation)] // 0 to 31
        let piece = shifted.to_bits() as usize % PLACES;
        (piece, x - (shifted - ROUNDER))
    }

    fn value(&self, log_moneyness: f64) -> f64 {
        let (piece, u) = self.piece(log_moneyness);
        let [p, q, r, s] = self.cubics[piece];
        p + u * (q + u * (r + u * s))
    }

    fn curvature(&self, log_moneyness: f64) -> Curvature {
        let (piece, u) = self.piece(log_moneyness);
        let [p, q, r, s] = self.cubics[piece];
        Curvature {
            variance: p + u * (q + u * (r + u * s)),
            slope: (q + u * (2.0 * r + u * (3.0 * s))) * self.per_unit,
            curvature: (2.0 * r + u * (6.0 * s)) * self.per_unit * self.per_unit,
        }
    }
}

impl From<Svi> for Slice {
    fn from(hyperbola: Svi) -> Self {
        Self { hyperbola, correction: Correction::NONE }
    }
}

impl Slice {
    pub(super) const fn corrected(hyperbola: Svi, correction: Correction) -> Self {
        Self { hyperbola, correction }
    }

    /// The piece of the correction at a place, and which share of the piece lies before it.
    pub(super) fn correction_at(&self, log_moneyness: f64) -> (usize, f64) {
        self.correction.piece(log_moneyness)
    }

    /// The five parameters, with the wings of the slice.
    #[must_use]
    pub const fn hyperbola(&self) -> &Svi {
        &self.hyperbola
    }

    /// What is added to it; none where nothing is.
    #[must_use]
    pub const fn correction(&self) -> Option<&Correction> {
        if self.correction.knots.weights > 0 { Some(&self.correction) } else { None }
    }

    /// Total variance at a log-moneyness.
    #[must_use]
    pub fn variance(&self, log_moneyness: f64) -> f64 {
        self.hyperbola.variance(log_moneyness) + self.correction.value(log_moneyness)
    }

    /// Total variance with its derivatives.
    #[must_use]
    pub fn curvature(&self, log_moneyness: f64) -> Curvature {
        let own = self.hyperbola.curvature(log_moneyness);
        let more = self.correction.curvature(log_moneyness);
        Curvature {
            variance: own.variance + more.variance,
            slope: own.slope + more.slope,
            curvature: own.curvature + more.curvature,
        }
    }

    /// Durrleman's g; minus infinity where a correction has left no variance.
    #[must_use]
    pub fn density(&self, log_moneyness: f64) -> f64 {
        let at = self.curvature(log_moneyness);
        if at.variance < 0.0 { f64::NEG_INFINITY } else { at.density(log_moneyness) }
    }

    /// The same with wings as steep as those of the neighbours allow; none when that is no hyperbola.
    pub(super) fn between(&self, before: Option<&Self>, after: Option<&Self>) -> Option<Self> {
        let mut wings = self.hyperbola.wings();
        if let Some(early) = before.map(|slice| slice.hyperbola.wings()) {
            (wings.put, wings.call) = (wings.put.max(early.put), wings.call.max(early.call));
        }
        if let Some(late) = after.map(|slice| slice.hyperbola.wings()) {
            (wings.put, wings.call) = (wings.put.min(late.put), wings.call.min(late.call));
        }
        Some(Self { hyperbola: Svi::new(wings).ok()?, ..*self })
    }

    /// At the same moneyness and another time: total variance by one factor. None where the hyperbola's wings grow too steep.
    pub(super) fn scaled(&self, factor: f64) -> Option<Self> {
        let Wings { least, put, call, shift, smooth } = self.hyperbola.wings();
        let wings = Wings { least: least * factor, put: put * factor, call: call * factor, shift, smooth };
        Some(Self { hyperbola: Svi::new(wings).ok()?, correction: self.correction.scaled(factor) })
    }

    /// Where it bends: around the vertex, and along the correction.
    pub(super) fn bends(&self) -> impl Iterator<Item = (f64, f64)> {
        let correction = self.correction().map(|own| (own.from(), own.knots.to()));
        std::iter::once(self.hyperbola.bend()).chain(correction)
    }

    /// Least g on a grid that covers a range of log-moneyness evenly, and once more where the slice bends.
    #[must_use]
    pub fn check(&self, from: f64, to: f64) -> SliceCheck {
        let bends = self.bends().map(|(low, high)| (low.max(from).min(to), high.max(from).min(to)));
        let least = least(std::iter::once((from, to)).chain(bends), |k| self.density(k));
        SliceCheck { least_density: least.value, at: least.at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bumps() -> Correction {
        let knots = Knots { from: -0.4, spacing: 0.1, weights: 5 };
        Correction::new(knots, &[0.001, -0.002, 0.0015, 0.0, 0.0007])
    }

    #[test]
    fn pieces_join_with_two_derivatives_and_end_in_nothing() {
        let bumps = bumps();
        for knot in 0..=8 {
            let k = -0.4 + 0.1 * f64::from(knot);
            let [before, after] = [k - 1e-9, k + 1e-9].map(|k| bumps.curvature(k));
            // Third derivatives are up to 12 x 0.004/0.1³: the second moves by 1e-7 over the gap, the first by its 0.8 of it.
            assert!((before.variance - after.variance).abs() < 1e-9, "{knot}");
            assert!((before.slope - after.slope).abs() < 1e-8, "{knot}");
            assert!((before.curvature - after.curvature).abs() < 1e-6, "{knot}");
        }
        for outside in [-6.0, -0.4, 0.4 + 1e-12, 0.41, 6.0, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(bumps.value(outside).to_bits(), 0.0_f64.to_bits(), "{outside}");
        }
        assert!(bumps.value(-0.2).abs() > 1e-3);
    }

    #[test]
    fn the_published_cubics_are_the_curve() {
        let bumps = bumps();
        for index in 0..80 {
            let k = -0.3995 + 0.01 * f64::from(index);
            let x = (k - bumps.from()) / bumps.spacing();
            let [p, q, r, s] = bumps.cubics()[x.floor() as usize];
            let u = x - x.floor();
            // Rounding of a few operations on numbers below 0.02.
            assert!((bumps.value(k) - (p + q * u + r * u * u + s * u * u * u)).abs() < 1e-16, "{k}");
        }
    }

    #[test]
    fn derivatives_are_differences() {
        let raw = crate::surface::RawSvi { a: 0.02, b: 0.1, rho: -0.3, m: 0.0, sigma: 0.2 };
        let slice = Slice::corrected(Svi::from_raw(raw).unwrap(), bumps());
        for k in [-0.37, -0.11, 0.03, 0.23, 0.5] {
            let at = slice.curvature(k);
            let [down, up] = [k - 1e-5, k + 1e-5].map(|k| slice.curvature(k));
            assert_eq!(at.variance.to_bits(), slice.variance(k).to_bits());
            // Error of a central difference: h²/6 of the third derivative, up to 50, and rounding over h.
            assert!((at.slope - (up.variance - down.variance) / 2e-5).abs() < 1e-8, "{k}");
            assert!((at.curvature - (up.slope - down.slope) / 2e-5).abs() < 1e-8, "{k}");
        }
    }

    #[test]
    fn a_correction_that_leaves_no_variance_is_no_density() {
        let raw = crate::surface::RawSvi { a: 0.02, b: 0.1, rho: -0.3, m: 0.0, sigma: 0.2 };
        let pit = Correction::new(Knots { from: -0.2, spacing: 0.1, weights: 1 }, &[-0.1]);
        let slice = Slice::corrected(Svi::from_raw(raw).unwrap(), pit);
        assert!(slice.variance(0.0) < 0.0);
        let least = slice.check(-1.0, 1.0).least_density;
        assert!(least.is_infinite() && least < 0.0, "{least}");
    }
}
