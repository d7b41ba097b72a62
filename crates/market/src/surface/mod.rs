//! The vol surface of record: one slice an expiry, SVI with a local correction, no butterfly and no calendar arbitrage.
//!
//! | step | where |
//! |---|---|
//! | snapshot → quotes by family and expiry, each with its fate | [`families`], [`FamilyChain`] |
//! | quotes → mids with a vol and a spread, each other quote dropped with its reason | [`Cleaning`], [`vol_quote`] |
//! | mids → one slice an expiry, bounded by its neighbours | [`VolSurface::fit`] |
//! | what is left of arbitrage, on a grid and in the wings | [`VolSurface::check`] |
//! | vol at any strike and time | [`VolSurface::vol`] |
//! | vol at a delta, risk reversal, butterfly | [`at_delta`], [`risk_reversal_butterfly`] |
//! | every quote with its fate, every expiry with its figures, as they are shown | [`FamilyFit`] |
//! | surface of a refused expiry from the last good one, with its age | [`VolSurface::carry`] |
//!
//! Total variance `w(k, T)` at `k = ln(K/F_T)`: on an expiry its slice; between two expiries linear in T at constant k, which keeps
//! their order; before the first `w T/T_1` (flat vol); after the last it grows by the forward variance of the last two slices, at
//! most twice the vol at the money squared, and never falls. Vols leave as [`Vol`]. Wings are linear in k.
//!
//! No arbitrage means here: `g >= -1e-10` for every slice and `w(k, T_i) <= w(k, T_{i+1})` for all k of the grids, slopes of the
//! wings ordered and at most 2. Between expiries the calendar holds by construction; g is not checked there.
//!
//! Why not eSSVI, which needs no check: with three parameters an expiry it leaves one held-out quote in five outside its spread
//! ([`Essvi`], ADR 0009). It is the stand-in for a slice whose five parameters find no place.
//!
//! ```
//! use market::surface::{ExpiryQuotes, VolQuote, VolSurface};
//! use units::{Forward, Timestamp};
//! let asof = Timestamp::from_utc_date(2026, 2, 5, 8)?;
//! let smile = |base: f64| -> Vec<VolQuote> {
//!     let quote = |i: i32| {
//!         let k = 0.05 * f64::from(i);
//!         VolQuote { log_moneyness: k, vol: base + 0.8 * k * k, half_spread: 0.01 }
//!     };
//!     (-6..=6).map(quote).collect()
//! };
//! let expiry = |month, quotes| -> Result<_, units::UnitError> {
//!     let expiry = Timestamp::from_utc_date(2026, month, 27, 8)?;
//!     Ok(ExpiryQuotes { expiry, forward: Forward::new(84_000.0)?, quotes, dropped: Default::default() })
//! };
//! let fit = VolSurface::fit(asof, &[expiry(2, smile(0.6))?, expiry(6, smile(0.5))?]);
//! assert!(fit.expiries.iter().all(|report| report.refused.is_none()));
//! assert!(fit.surface.check().is_free_of_arbitrage());
//! # Ok::<(), units::UnitError>(())
//! ```

mod calibrate;
mod chain;
mod clean;
mod correct;
mod dynamics;
mod essvi;
mod fit;
mod fitted;
mod slice;
mod smile;
mod svi;

pub use calibrate::{ExpiryQuotes, ExpiryReport, Fit, Model, Refused};
pub use chain::{ExpiryChain, FamilyChain, families};
pub use clean::{Cleaning, Drop, Dropped, Interest, Reference, TwoSided, option_at, price_unit, vol_quote};
pub use dynamics::{
    SkewStickiness, Smile, SmileMove, SmileSight, StickinessEstimate, VolCurvature, estimate_stickiness,
};
pub use essvi::{Essvi, EssviError};
pub use fit::VolQuote;
pub use fitted::{
    DELTA_COLUMNS, ExpiryFit, FAR_OFF_HALF_SPREADS, FamilyFit, GridPoint, QuoteFate, SmileFigures,
};
pub use slice::{Correction, Slice};
pub use smile::{Delta, SmilePoint, at_delta, risk_reversal_butterfly, slice_vol};
pub use svi::{Curvature, JumpWings, RawSvi, STEEPEST_WING, SliceCheck, Svi, SviError, Wings};

use fit::largest;
use svi::{Least, least};
use units::{Forward, Strike, Timestamp, UnitError, Vol, YearFraction};

/// What g may be below zero by rounding.
pub const DENSITY_TOLERANCE: f64 = 1e-10;
/// What fits leave clear of both bounds for the places between points of the grids: of g, and of the longer slice's variance.
const CLEARANCE: f64 = 1e-4;
/// Grids reach so many deviations of the longer slice, between a factor of 4.5 and one of 400 on the price.
const REACH_DEVIATIONS: f64 = 8.0;
const LEAST_REACH: f64 = 1.5;
const FARTHEST_REACH: f64 = 6.0;

/// One expiry.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SurfaceSlice {
    /// Settlement instant.
    pub expiry: Timestamp,
    /// Time to it when the slice was fitted.
    pub years: f64,
    /// Forward that log-moneyness is relative to.
    pub forward: Forward,
    /// Total variance.
    pub slice: Slice,
    /// When its quotes were taken; earlier than the surface where it was carried over.
    pub asof: Timestamp,
}

/// Slices by expiry, ascending.
#[derive(Debug, Clone, PartialEq)]
pub struct VolSurface {
    /// Time of the surface.
    pub asof: Timestamp,
    slices: Vec<SurfaceSlice>,
    /// Times to expiry of the slices, side by side for a fast search.
    years: Vec<f64>,
}

/// What is left of arbitrage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SurfaceCheck {
    /// Least g over all slices.
    pub least_density: f64,
    /// Least increase of total variance from a slice to the next; infinite with fewer than two.
    pub least_calendar_gap: f64,
    /// True when the slopes of the wings are ordered and obey Lee.
    pub wings_ordered: bool,
}

impl SurfaceCheck {
    /// Whether nothing is left.
    #[must_use]
    pub fn is_free_of_arbitrage(&self) -> bool {
        self.least_density >= -DENSITY_TOLERANCE && self.least_calendar_gap >= 0.0 && self.wings_ordered
    }
}

impl VolSurface {
    /// Of slices in the order of their expiries.
    pub(crate) fn of(asof: Timestamp, slices: Vec<SurfaceSlice>) -> Self {
        let years = slices.iter().map(|slice| slice.years).collect();
        Self { asof, slices, years }
    }

    /// Slices, ascending.
    #[must_use]
    pub fn slices(&self) -> &[SurfaceSlice] {
        &self.slices
    }

    /// True without a slice.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slices.is_empty()
    }

    /// Total variance at a log-moneyness and time to expiry; none without slices or time.
    #[must_use]
    #[inline]
    pub fn variance(&self, log_moneyness: f64, expiry: YearFraction) -> Option<f64> {
        let years = expiry.get();
        if years <= 0.0 {
            return None;
        }
        // Counted, not bisected: for some dozens of expiries that is faster, as no step waits for the one before.
        let after = self.years.iter().map(|own| usize::from(*own < years)).sum::<usize>();
        let before = after.checked_sub(1).and_then(|index| self.slices.get(index));
        let (Some(early), Some(late)) = (before, self.slices.get(after)) else {
            return self.outside(log_moneyness, years);
        };
        let (low, high) = (early.slice.variance(log_moneyness), late.slice.variance(log_moneyness));
        Some(low + (high - low) * ((years - early.years) / (late.years - early.years)))
    }

    /// Before the first expiry and beyond the last.
    #[cold]
    fn outside(&self, log_moneyness: f64, years: f64) -> Option<f64> {
        let (first, last) = (self.slices.first()?, self.slices.last()?);
        if years <= first.years {
            return Some(first.slice.variance(log_moneyness) * (years / first.years));
        }
        let grown = (years - last.years) * self.forward_variance(log_moneyness);
        Some(last.slice.variance(log_moneyness) + grown)
    }

    /// Forward variance a year beyond the last slice.
    fn forward_variance(&self, log_moneyness: f64) -> f64 {
        let Some((slice, before)) = self.slices.split_last() else { return 0.0 };
        let most = 2.0 * slice.slice.variance(0.0) / slice.years;
        let own = slice.slice.variance(log_moneyness);
        let rate = before.last().map_or(own / slice.years, |early| {
            (own - early.slice.variance(log_moneyness)) / (slice.years - early.years)
        });
        let positive = largest(rate, 0.0);
        if positive < most { positive } else { most }
    }

    /// Vol at a strike.
    ///
    /// # Errors
    /// When the vol is out of the range of vols: 0 to 1000 points.
    #[inline]
    pub fn vol(
        &self,
        forward: Forward,
        strike: Strike,
        expiry: YearFraction,
    ) -> Option<Result<Vol, UnitError>> {
        let log_moneyness = pricing::kernel::ln(strike.get() / forward.get());
        let variance = self.variance(log_moneyness, expiry)?;
        Some(Vol::new((variance / expiry.get()).sqrt()))
    }

    /// Looks for arbitrage, on grids and in the wings.
    #[must_use]
    pub fn check(&self) -> SurfaceCheck {
        let mut check = SurfaceCheck {
            least_density: f64::INFINITY,
            least_calendar_gap: f64::INFINITY,
            wings_ordered: true,
        };
        for slice in &self.slices {
            let reach = reach(&slice.slice);
            let density = slice.slice.check(-reach, reach).least_density;
            if density < check.least_density || density.is_nan() {
                check.least_density = density;
            }
        }
        for (early, late) in self.slices.iter().zip(self.slices.iter().skip(1)) {
            let gap = calendar_gap(&early.slice, &late.slice, 0.0).value;
            if gap < check.least_calendar_gap || gap.is_nan() {
                check.least_calendar_gap = gap;
            }
            check.wings_ordered &= wings_ordered(&early.slice, &late.slice);
        }
        check
    }

    /// The slices of this surface, and those of an earlier one for expiries that are not in it and have not passed, where they fit
    /// between their neighbours: no calendar arbitrage. A carried slice keeps its vols at the same moneyness (w T'/T) and its time; only
    /// its wings bend to slopes between those of the neighbours.
    #[must_use]
    pub fn carry(&self, earlier: &Self) -> Self {
        let mut slices = self.slices.clone();
        for old in &earlier.slices {
            let known = slices.iter().any(|slice| slice.expiry == old.expiry);
            let years = self.asof.years_until(old.expiry).ok().filter(|y| !y.is_expired());
            let (false, Some(years)) = (known, years) else { continue };
            let place = slices.partition_point(|slice| slice.expiry < old.expiry);
            let before = place.checked_sub(1).and_then(|index| slices.get(index)).map(|slice| slice.slice);
            let after = slices.get(place).map(|slice| slice.slice);
            let scaled = old.slice.scaled(years.get() / old.years);
            let Some(slice) = scaled.and_then(|slice| slice.between(before.as_ref(), after.as_ref())) else {
                continue;
            };
            let fits = |early: &Slice, late: &Slice| {
                calendar_gap(early, late, CLEARANCE).value >= 0.0 && wings_ordered(early, late)
            };
            let after_ok = after.is_none_or(|late| fits(&slice, &late));
            let before_ok = before.is_none_or(|early| fits(&early, &slice));
            if after_ok && before_ok && is_sound(&slice) {
                slices.insert(place, SurfaceSlice { years: years.get(), slice, ..*old });
            }
        }
        Self::of(self.asof, slices)
    }
}

/// How far a slice is looked at, in log-moneyness.
fn reach(slice: &Slice) -> f64 {
    let reach = largest(REACH_DEVIATIONS * largest(slice.variance(0.0), 0.0).sqrt(), LEAST_REACH);
    if reach < FARTHEST_REACH { reach } else { FARTHEST_REACH }
}

/// No butterfly arbitrage on the grid.
fn is_sound(slice: &Slice) -> bool {
    let reach = reach(slice);
    slice.check(-reach, reach).least_density >= -DENSITY_TOLERANCE
}

/// Least increase of total variance from one slice to a longer one, on even grids over the reach of the longer one and wherever
/// one of them bends; less a part of the longer one's that is to be kept clear.
fn calendar_gap(early: &Slice, late: &Slice, clearance: f64) -> Least {
    let wide = reach(late);
    let inside = |k: f64| k.clamp(-FARTHEST_REACH, FARTHEST_REACH);
    let bends = early.bends().chain(late.bends()).map(|(low, high)| (inside(low), inside(high)));
    least(std::iter::once((-wide, wide)).chain(bends), |k| {
        (1.0 - clearance) * late.variance(k) - early.variance(k)
    })
}

/// The wings of the longer slice are at least as steep.
fn wings_ordered(early: &Slice, late: &Slice) -> bool {
    let (early, late) = (early.hyperbola().wings(), late.hyperbola().wings());
    early.put <= late.put && early.call <= late.call
}
