//! A hedge that is looked at from time to time and traded later: blocks, polls, inclusion.
//!
//! ```text
//! h_eff = h + 2 l                        interval h, delay l: the age of the delta that is traded is l + h/2
//! band  = H - 0.5826 |Γ| S σ sqrt(h)     between two looks the hedge overshoots the band by so much on average
//! ```
//!
//! The first is exact for a clock: sd = sqrt(h_eff / h) of that without delay (mitigation reference, 1.1). The second is the shift of a
//! barrier that is watched at times (Broadie, Glasserman and Kou, Math. Finance 7 (1997) 325: -ζ(1/2)/sqrt(2π)).

use super::{Band, DeltaPolicy, Sight};

/// -ζ(1/2)/sqrt(2π).
const OVERSHOOT: f64 = 0.582_597_157_939_010_7;

/// The interval of a clock without delay that misses as much.
#[must_use]
pub const fn effective_interval(watch: Watch) -> f64 {
    watch.interval_years + 2.0 * watch.delay_years
}

/// How often a hedge is looked at, and how long a trade takes.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Watch {
    /// Years from one look to the next: block time, poll.
    pub interval_years: f64,
    /// Years from a decision to its fill.
    pub delay_years: f64,
}

impl Watch {
    /// A policy's band, narrower by what the hedge overshoots between two looks and until the fill.
    #[must_use]
    pub fn band(self, policy: &dyn DeltaPolicy, sight: &Sight) -> Band {
        let Band::Within { outer, inner } = policy.band(sight) else { return Band::Hold };
        let root = (effective_interval(self)).sqrt();
        let overshoot = OVERSHOOT * sight.gamma.abs() * sight.spot * sight.vol * root;
        let narrowed = (outer - overshoot).max(0.0);
        Band::Within { outer: narrowed, inner: inner.min(narrowed) }
    }
}
