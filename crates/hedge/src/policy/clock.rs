//! What needs no model: a clock, and a band of a given width.

use super::{Band, DeltaPolicy, Sight};

/// Part of an interval by which a clock may be early: times in years are sums that round.
const EARLY: f64 = 1e-9;

/// Trades to the delta at every interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clock {
    /// Years from one trade to the next.
    pub interval_years: f64,
}

/// Whether an interval has passed.
pub(super) fn is_due(sight: &Sight, interval_years: f64) -> bool {
    sight.hedge_age_years >= interval_years * (1.0 - EARLY)
}

impl DeltaPolicy for Clock {
    fn band(&self, sight: &Sight) -> Band {
        if is_due(sight, self.interval_years) { Band::to_edge(0.0) } else { Band::Hold }
    }
}

/// A band of a given width around the delta.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FixedBand {
    /// Half its width.
    pub half_width: Width,
    /// Where a trade ends, as a fraction of the half width: 1 at the edge, 0 in the middle.
    pub end: f64,
}

/// Half the width of a band.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Width {
    /// Units of the underlying.
    Coins(f64),
    /// USD of delta at the spot.
    Usd(f64),
}

impl DeltaPolicy for FixedBand {
    fn band(&self, sight: &Sight) -> Band {
        let outer = match self.half_width {
            Width::Coins(coins) => coins,
            Width::Usd(usd) => usd / sight.spot,
        };
        Band::Within { outer, inner: outer * self.end }
    }
}
