//! What traders say of a slice: vol at the money, at a delta, risk reversal and butterfly.
//!
//! Delta is Black's per coin of forward, undiscounted, without premium adjustment: `N(d1)` for calls and `N(d1) - 1` for puts,
//! `d1 = -k/√w(k) + √w(k)/2`, the vol being that of the slice at the strike itself. Under no butterfly arbitrage `d1` falls in k
//! (M. Fukasawa, "The normalizing transformation of the implied volatility smile", 2012), so there is one strike for each delta.
//! At the money is K = F. In vols, not points:
//!
//! ```text
//! risk reversal = σ(call of delta Δ) - σ(put of delta Δ)         above zero: calls are dearer
//! butterfly     = (σ(call of Δ) + σ(put of Δ))/2 - σ(at the money)
//! ```
//!
//! Left out: premium-adjusted delta (a coin-settled option hedged in coin), straddle-neutral at the money.
//!
//! ```
//! use market::surface::{Delta, RawSvi, Slice, Svi, at_delta, risk_reversal_butterfly};
//! use units::{OptionKind, YearFraction};
//! let year = YearFraction::new(1.0)?;
//! let flat = Slice::from(Svi::from_raw(RawSvi { a: 0.25, b: 0.0, rho: 0.0, m: 0.0, sigma: 1.0 })?);
//! let call = at_delta(&flat, year, Delta { kind: OptionKind::Call, percent: 25 }).ok_or("no strike")?;
//! assert!((call.vol - 0.5).abs() < 1e-12);
//! // d1 = -k/0.5 + 0.25 = N⁻¹(0.25) = -0.674490
//! assert!((call.log_moneyness - 0.5 * (0.25 + 0.674_489_750_196)).abs() < 1e-9);
//! let (reversal, butterfly) = risk_reversal_butterfly(&flat, year, 25).ok_or("no strikes")?;
//! assert!(reversal.abs() < 1e-12 && butterfly.abs() < 1e-12);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use super::slice::Slice;
use pricing::kernel::norm_cdf;
use units::{OptionKind, YearFraction};

/// Strikes are searched between e^-8 and e^8 forwards: beyond the wings' reach.
const FARTHEST: f64 = 8.0;
/// Halvings of that range: to 1e-15.
const HALVINGS: u32 = 60;

/// A delta by its size in percent: the 25 of a "25-delta put".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delta {
    /// Call or put.
    pub kind: OptionKind,
    /// 1 to 99.
    pub percent: u8,
}

/// A point of a slice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SmilePoint {
    /// ln(K/F).
    pub log_moneyness: f64,
    /// Vol.
    pub vol: f64,
}

/// Vol of a slice at a log-moneyness; zero where there is no time.
#[must_use]
pub fn slice_vol(slice: &Slice, expiry: YearFraction, log_moneyness: f64) -> f64 {
    let years = expiry.get();
    if years > 0.0 { (slice.variance(log_moneyness) / years).sqrt() } else { 0.0 }
}

/// Where a slice has a delta, and its vol there; none when no strike in reach has it.
#[must_use]
pub fn at_delta(slice: &Slice, expiry: YearFraction, delta: Delta) -> Option<SmilePoint> {
    let share = f64::from(delta.percent) / 100.0;
    let wanted = match delta.kind {
        OptionKind::Call => share,
        OptionKind::Put => 1.0 - share,
    };
    let call_delta = |k: f64| {
        let deviation = slice.variance(k).sqrt();
        norm_cdf(0.5 * deviation - k / deviation)
    };
    let (mut low, mut high) = (-FARTHEST, FARTHEST);
    if !(call_delta(low) >= wanted && call_delta(high) <= wanted) {
        return None;
    }
    for _ in 0..HALVINGS {
        let middle = 0.5 * (low + high);
        if call_delta(middle) > wanted { low = middle } else { high = middle }
    }
    let log_moneyness = 0.5 * (low + high);
    Some(SmilePoint { log_moneyness, vol: slice_vol(slice, expiry, log_moneyness) })
}

/// Risk reversal and butterfly at a delta of so many percent, in vol.
#[must_use]
pub fn risk_reversal_butterfly(slice: &Slice, expiry: YearFraction, percent: u8) -> Option<(f64, f64)> {
    let call = at_delta(slice, expiry, Delta { kind: OptionKind::Call, percent })?.vol;
    let put = at_delta(slice, expiry, Delta { kind: OptionKind::Put, percent })?.vol;
    Some((call - put, 0.5 * (call + put) - slice_vol(slice, expiry, 0.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::surface::{RawSvi, Svi};

    fn skewed() -> (Slice, YearFraction) {
        let raw = RawSvi { a: 0.02, b: 0.12, rho: -0.4, m: 0.02, sigma: 0.15 };
        (Svi::from_raw(raw).unwrap().into(), YearFraction::new(0.25).unwrap())
    }

    #[test]
    fn the_point_found_has_the_delta_asked_for() {
        let (slice, expiry) = skewed();
        for (kind, percent, wanted) in
            [(OptionKind::Call, 10, 0.10), (OptionKind::Put, 25, 0.75), (OptionKind::Call, 50, 0.5)]
        {
            let point = at_delta(&slice, expiry, Delta { kind, percent }).unwrap();
            let deviation = point.vol * expiry.get().sqrt();
            let delta = norm_cdf(-point.log_moneyness / deviation + 0.5 * deviation);
            // The bisection ends at 1e-15 of k, where delta moves by less than 10 per unit of k.
            assert!((delta - wanted).abs() < 1e-13, "{kind:?} {percent}: {delta}");
        }
    }

    #[test]
    fn puts_dearer_than_calls_are_a_reversal_below_zero() {
        let (slice, expiry) = skewed();
        let (reversal, butterfly) = risk_reversal_butterfly(&slice, expiry, 25).unwrap();
        assert!(reversal < 0.0 && butterfly > 0.0, "{reversal} {butterfly}");
        let (farther, wider) = risk_reversal_butterfly(&slice, expiry, 10).unwrap();
        assert!(farther < reversal && wider > butterfly);
    }
}
