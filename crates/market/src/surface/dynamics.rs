//! How a smile moves with spot: the skew stickiness ratio R, what it makes of a vol, and its estimate from recorded surfaces.
//!
//! With k = ln(K/F) and x = ln(F'/F) the move of the forward, the smile of an expiry slides along strikes:
//!
//! ```text
//! σ'(K) = σ(k + (R - 1) x)        so that dσ/dlnF at a fixed strike = (R - 1) σ'(k)
//! R = 0   sticky moneyness: the smile moves with the forward, the vol at the money stays
//! R = 1   sticky strike: every strike keeps its vol (what venues' greeks assume)
//! R = 2   about what short-dated local vol does
//! ```
//!
//! Estimate, after L. Bergomi, "Smile dynamics IV" (Risk, 2009), over steps between surfaces at a constant tenor: the change of the
//! vol at the money on skew times log return, `R = Σ (S x)(Δσ) / Σ (S x)²` with `S = dσ/dk` at the money at the start of the step. The
//! standard error is White's, which allows the size of the residual to vary with the size of the move. A skew near zero says
//! nothing of R, and the standard error is then large.
//!
//! Left out: a shape that changes as it slides (skew and curvature are shocks of a scenario), and time: a
//! smile looked at days later is today's at the same tenor.
//!
//! ```
//! use market::surface::{SkewStickiness, SmileMove, estimate_stickiness};
//! assert_eq!(SkewStickiness::default(), SkewStickiness::STICKY_STRIKE);
//! // A market whose vol at the money rides along the skew: sticky strike.
//! let moves: Vec<SmileMove> = [0.02, -0.03, 0.01, -0.05]
//!     .map(|log_return| SmileMove { log_return, skew: -0.4, vol_change: -0.4 * log_return })
//!     .into();
//! let found = estimate_stickiness(&moves).ok_or("too few")?;
//! assert!((found.ratio - 1.0).abs() < 1e-12 && found.standard_error < 1e-12);
//! # Ok::<(), &str>(())
//! ```

use super::{SurfaceSlice, VolSurface};
use units::{Spot, UnitError, YearFraction};

/// The skew stickiness ratio of an underlying.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct SkewStickiness(f64);

impl SkewStickiness {
    /// Every strike keeps its vol.
    pub const STICKY_STRIKE: Self = Self(1.0);
    /// Every moneyness keeps its vol.
    pub const STICKY_MONEYNESS: Self = Self(0.0);
    /// As a local vol has it near the money: vols move along the smile against the forward.
    pub const LOCAL_VOL: Self = Self(2.0);
    /// Least and largest that is believed: beyond it the estimate speaks of noise.
    pub const RANGE: (f64, f64) = (-1.0, 3.0);

    /// Of a ratio.
    ///
    /// # Errors
    /// Outside [`Self::RANGE`].
    pub fn new(ratio: f64) -> Result<Self, UnitError> {
        let (least, most) = Self::RANGE;
        if (least..=most).contains(&ratio) {
            Ok(Self(ratio))
        } else {
            Err(UnitError::Text {
                quantity: "skew stickiness",
                text: ratio.to_string(),
                rule: "a ratio from -1 to 3: 0 is sticky moneyness, 1 sticky strike",
            })
        }
    }

    /// The ratio.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }

    /// Its name, where it has one.
    #[must_use]
    pub fn word(self) -> Option<&'static str> {
        if self == Self::STICKY_STRIKE {
            Some("sticky strike")
        } else if self == Self::STICKY_MONEYNESS {
            Some("sticky moneyness")
        } else {
            None
        }
    }
}

impl std::fmt::Display for SkewStickiness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.word() {
            Some(word) => f.write_str(word),
            None => write!(f, "skew stickiness {}", self.0),
        }
    }
}

impl Default for SkewStickiness {
    fn default() -> Self {
        Self::STICKY_STRIKE
    }
}

/// A vol with its first two derivatives in log-moneyness.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VolCurvature {
    /// σ.
    pub vol: f64,
    /// dσ/dk.
    pub slope: f64,
    /// d²σ/dk².
    pub curvature: f64,
}

/// The smile of a surface at one time to expiry.
///
/// Total variance is linear in time between slices; before the first slice and after the last one the vol of that slice is taken at
/// the same moneyness.
#[derive(Debug, Clone, PartialEq)]
pub struct Smile {
    near: Part,
    far: Option<Part>,
    years: f64,
}

/// A slice and its share of the total variance.
#[derive(Debug, Clone, PartialEq)]
struct Part {
    slice: SurfaceSlice,
    share: f64,
}

impl Smile {
    /// The vol at a log-moneyness.
    #[must_use]
    pub fn vol(&self, log_moneyness: f64) -> f64 {
        let part = |part: &Part| part.share * part.slice.slice.variance(log_moneyness);
        let variance = part(&self.near) + self.far.as_ref().map_or(0.0, part);
        (variance / self.years).sqrt()
    }

    /// The vol and its derivatives.
    #[must_use]
    pub fn curvature(&self, log_moneyness: f64) -> VolCurvature {
        let [mut variance, mut slope, mut curvature] = [0.0; 3];
        for part in [Some(&self.near), self.far.as_ref()].into_iter().flatten() {
            let at = part.slice.slice.curvature(log_moneyness);
            variance += part.share * at.variance;
            slope += part.share * at.slope;
            curvature += part.share * at.curvature;
        }
        // σ = √(w/T): σ' = w'/(2 σ T) and σ'' = (w''/(2 T) - σ'²)/σ.
        let vol = (variance / self.years).sqrt();
        let first = slope / (2.0 * vol * self.years);
        VolCurvature { vol, slope: first, curvature: (curvature / (2.0 * self.years) - first * first) / vol }
    }

    /// What the vol at a fixed strike gains when the forward moves by a logarithm: σ(k + (R-1)x) - σ(k), zero for sticky strike.
    #[must_use]
    pub fn slide(&self, log_moneyness: f64, log_move: f64, stickiness: SkewStickiness) -> f64 {
        let along = (stickiness.get() - 1.0) * log_move;
        if along == 0.0 { 0.0 } else { self.vol(log_moneyness + along) - self.vol(log_moneyness) }
    }
}

impl VolSurface {
    /// The smile at a time to expiry; none without slices or time.
    #[must_use]
    pub fn smile(&self, expiry: YearFraction) -> Option<Smile> {
        let years = expiry.get();
        if years <= 0.0 {
            return None;
        }
        let slices = self.slices();
        let after = slices.partition_point(|slice| slice.years < years);
        let before = after.checked_sub(1).and_then(|index| slices.get(index));
        let whole = |slice: &SurfaceSlice| Part { slice: *slice, share: years / slice.years };
        let (near, far) = match (before, slices.get(after)) {
            (Some(early), Some(late)) => {
                let share = (years - early.years) / (late.years - early.years);
                let near = Part { slice: *early, share: 1.0 - share };
                (near, Some(Part { slice: *late, share }))
            }
            (Some(only), None) | (None, Some(only)) => (whole(only), None),
            (None, None) => return None,
        };
        Some(Smile { near, far, years })
    }

    /// True when a time to expiry lies between the first slice and the last.
    #[must_use]
    pub fn covers(&self, expiry: YearFraction) -> bool {
        let ends = self.slices().first().zip(self.slices().last());
        ends.is_some_and(|(first, last)| (first.years..=last.years).contains(&expiry.get()))
    }
}

/// A surface and the index it belongs to.
#[derive(Debug, Clone, Copy)]
pub struct SmileSight<'a> {
    /// The surface.
    pub surface: &'a VolSurface,
    /// The index at its time.
    pub index: Spot,
}

/// One step of a smile at a constant tenor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SmileMove {
    /// Of the index.
    pub log_return: f64,
    /// dσ/dk at the money at the start.
    pub skew: f64,
    /// Of the vol at the money.
    pub vol_change: f64,
}

impl SmileMove {
    /// From one surface to the next; none where the tenor is not between their slices.
    #[must_use]
    pub fn between(before: SmileSight<'_>, after: SmileSight<'_>, tenor: YearFraction) -> Option<Self> {
        if !(before.surface.covers(tenor) && after.surface.covers(tenor)) {
            return None;
        }
        let start = before.surface.smile(tenor)?.curvature(0.0);
        let end = after.surface.smile(tenor)?.vol(0.0);
        Some(Self {
            log_return: pricing::kernel::ln(after.index.get() / before.index.get()),
            skew: start.slope,
            vol_change: end - start.vol,
        })
    }
}

/// An estimate of the ratio.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StickinessEstimate {
    /// R.
    pub ratio: f64,
    /// White's.
    pub standard_error: f64,
    /// Share of the squares of the changes of vol that the ratio explains.
    pub explained: f64,
    /// Mean skew over the steps, vol per unit of log-moneyness.
    pub mean_skew: f64,
    /// Steps.
    pub steps: usize,
}

/// Regresses changes of vol on skew times return; none with fewer than three steps or without any move.
#[must_use]
pub fn estimate_stickiness(moves: &[SmileMove]) -> Option<StickinessEstimate> {
    let [mut cross, mut square, mut total, mut skew] = [0.0; 4];
    for step in moves {
        let driver = step.skew * step.log_return;
        cross += driver * step.vol_change;
        square += driver * driver;
        total += step.vol_change * step.vol_change;
        skew += step.skew;
    }
    if moves.len() < 3 || square <= 0.0 {
        return None;
    }
    let ratio = cross / square;
    let [mut left, mut weighted] = [0.0; 2];
    for step in moves {
        let driver = step.skew * step.log_return;
        let residual = step.vol_change - ratio * driver;
        left += residual * residual;
        weighted += (driver * residual) * (driver * residual);
    }
    #[allow(clippy::cast_precision_loss)] // counts
    let steps = moves.len() as f64;
    Some(StickinessEstimate {
        ratio,
        standard_error: weighted.sqrt() / square,
        explained: if total > 0.0 { 1.0 - left / total } else { 1.0 },
        mean_skew: skew / steps,
        steps: moves.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::surface::{RawSvi, Svi};
    use units::{Forward, Timestamp};

    fn surface() -> VolSurface {
        let asof = Timestamp::from_utc_date(2026, 2, 5, 8).unwrap();
        let slice = |days: i64, scale: f64| SurfaceSlice {
            expiry: asof.plus_millis(days * 86_400_000),
            #[allow(clippy::cast_precision_loss)]
            years: days as f64 / 365.0,
            forward: Forward::new(80_000.0).unwrap(),
            slice: Svi::from_raw(RawSvi { a: 0.01 * scale, b: 0.06 * scale, rho: -0.4, m: 0.02, sigma: 0.2 })
                .unwrap()
                .into(),
            asof,
        };
        VolSurface::of(asof, vec![slice(30, 1.0), slice(60, 2.0)])
    }

    fn days(days: f64) -> YearFraction {
        YearFraction::new(days / 365.0).unwrap()
    }

    #[test]
    fn the_smile_is_the_surface_at_its_time() {
        let surface = surface();
        for tenor in [10.0, 30.0, 45.0, 60.0] {
            let smile = surface.smile(days(tenor)).unwrap();
            for k in [-0.5, -0.1, 0.0, 0.3] {
                let direct = (surface.variance(k, days(tenor)).unwrap() / days(tenor).get()).sqrt();
                // One addition in another order: a few units of the last place.
                assert!((smile.vol(k) - direct).abs() < 1e-15, "{tenor} {k}");
            }
        }
        // Beyond the last slice the vol is that of the last slice at the same moneyness.
        let last = surface.smile(days(60.0)).unwrap().vol(0.1);
        assert!((surface.smile(days(90.0)).unwrap().vol(0.1) - last).abs() < 1e-15);
    }

    #[test]
    fn derivatives_are_those_of_the_vol() {
        let smile = surface().smile(days(40.0)).unwrap();
        let step = 1e-4;
        for k in [-0.4, -0.05, 0.0, 0.02, 0.5] {
            let at = smile.curvature(k);
            let (low, high) = (smile.vol(k - step), smile.vol(k + step));
            // Central differences: error of order step² times the next derivative, and rounding over step².
            assert!((at.slope - (high - low) / (2.0 * step)).abs() < 1e-6, "{k}");
            assert!((at.curvature - (high - 2.0 * at.vol + low) / (step * step)).abs() < 1e-4, "{k}");
        }
    }

    #[test]
    fn sliding_does_what_its_names_say() {
        let smile = surface().smile(days(40.0)).unwrap();
        let (k, x) = (-0.1, 0.05);
        assert_eq!(smile.slide(k, x, SkewStickiness::STICKY_STRIKE).to_bits(), 0.0_f64.to_bits());
        // Sticky moneyness: the strike's new moneyness is k - x, and the vol there is what it was.
        let moved = smile.vol(k) + smile.slide(k, x, SkewStickiness::STICKY_MONEYNESS);
        assert!((moved - smile.vol(k - x)).abs() < 1e-16);
    }

    #[test]
    fn a_ratio_beyond_belief_is_refused() {
        assert!(SkewStickiness::new(3.5).unwrap_err().to_string().contains("sticky strike"));
        assert!(SkewStickiness::new(f64::NAN).is_err());
        assert_eq!(SkewStickiness::new(0.0).unwrap().word(), Some("sticky moneyness"));
        assert_eq!(SkewStickiness::new(1.3).unwrap().word(), None);
    }

    #[test]
    fn the_estimate_is_least_squares_with_whites_error() {
        let step = |log_return, vol_change| SmileMove { log_return, skew: -0.5, vol_change };
        let found = estimate_stickiness(&[step(0.02, -0.02), step(-0.02, 0.01), step(0.04, -0.02)]).unwrap();
        // Drivers -0.01, 0.01, -0.02: R = (2e-4 + 1e-4 + 4e-4)/(1e-4 + 1e-4 + 4e-4) = 7/6.
        assert!((found.ratio - 7.0 / 6.0).abs() < 1e-12);
        let residuals = [-0.02 + 7.0 / 600.0, 0.01 - 7.0 / 600.0, -0.02 + 14.0 / 600.0];
        let drivers = [-0.01, 0.01, -0.02];
        let meat: f64 = residuals.iter().zip(drivers).map(|(e, x)| (e * x) * (e * x)).sum();
        assert!((found.standard_error - meat.sqrt() / 6e-4).abs() < 1e-12);
        assert!(estimate_stickiness(&[step(0.0, 0.1); 5]).is_none(), "no move says nothing");
        assert!(estimate_stickiness(&[step(0.1, 0.1); 2]).is_none(), "two steps say nothing");
    }

    #[test]
    fn a_step_needs_the_tenor_between_slices() {
        let surface = surface();
        let sight = |index| SmileSight { surface: &surface, index: Spot::new(index).unwrap() };
        let step = SmileMove::between(sight(80_000.0), sight(84_000.0), days(40.0)).unwrap();
        assert!((step.log_return - 0.048_790_164_169_432).abs() < 1e-12, "ln 1.05");
        assert_eq!(step.vol_change.to_bits(), 0.0_f64.to_bits());
        assert!(step.skew < 0.0);
        assert!(SmileMove::between(sight(1.0), sight(1.0), days(90.0)).is_none());
        assert!(SmileMove::between(sight(1.0), sight(1.0), days(10.0)).is_none());
    }
}
