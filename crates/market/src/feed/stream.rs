//! What is remembered of one stream: a fixed number of bytes.

use super::{Moves, OUTLIER_MADS, Observation};
use pricing::kernel;
use units::Timestamp;

/// Moves that say how large a move usually is.
const WINDOW: usize = 64;
/// From so many on a move is judged.
const WARM_UP: usize = 20;
/// MAD x this is the standard deviation of a normal distribution.
const DEVIATIONS_PER_MAD: f64 = 1.4826;

/// Figures of an observation, compared bit for bit.
pub(super) type Figures = [Option<u64>; 4];

/// The last state of a stream.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stream {
    pub(super) time: Timestamp,
    pub(super) figures: Figures,
    /// The last main figure that is a price.
    pub(super) value: Option<Valued>,
    pub(super) moves: Window,
    pub(super) run: OpenRun,
    /// The last move, where it was an outlier.
    pub(super) outlier: Option<f64>,
}

/// A main figure and when it held.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Valued {
    pub(super) value: f64,
    pub(super) time: Timestamp,
}

/// A run of equal figures that may go on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct OpenRun {
    pub(super) since: Timestamp,
    pub(super) until: Timestamp,
    pub(super) last_row: u64,
    pub(super) observations: u64,
    /// Observations and changes of the whole group when it began.
    pub(super) group_observations: u64,
    pub(super) group_changes: u64,
}

/// Sizes of the last moves.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Window {
    sizes: [f64; WINDOW],
    seen: usize,
}

/// What a move is against the moves before it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Judgement {
    NotJudged,
    Usual,
    Outlier { deviations: f64 },
}

impl Default for Window {
    fn default() -> Self {
        Self { sizes: [0.0; WINDOW], seen: 0 }
    }
}

impl Window {
    /// Judges a size by those before it, then remembers it.
    pub(super) fn judge(&mut self, size: f64) -> Judgement {
        let filled = self.seen.min(WINDOW);
        let judgement = self.judged(size, filled);
        if let Some(place) = self.sizes.get_mut(self.seen % WINDOW) {
            *place = size;
        }
        self.seen = self.seen.saturating_add(1);
        judgement
    }

    fn judged(&self, size: f64, filled: usize) -> Judgement {
        let sizes = self.sizes.get(..filled).unwrap_or_default();
        let zeros = sizes.iter().filter(|known| **known <= 0.0).count();
        if filled < WARM_UP || 2 * zeros > filled {
            return Judgement::NotJudged;
        }
        // The median is small enough exactly when more than half are: nothing is sorted for the usual move.
        let factor = OUTLIER_MADS * DEVIATIONS_PER_MAD;
        if 2 * sizes.iter().filter(|known| **known * factor < size).count() <= filled {
            return Judgement::Usual;
        }
        let mut sorted = sizes.to_vec();
        sorted.sort_by(f64::total_cmp);
        let median = sorted.get(filled / 2).copied().unwrap_or(f64::INFINITY);
        Judgement::Outlier { deviations: size / (DEVIATIONS_PER_MAD * median) }
    }
}

/// Change from one figure to the next.
pub(super) fn change(moves: Moves, from: f64, to: f64) -> f64 {
    match moves {
        Moves::Log => kernel::ln(to / from),
        Moves::Plain => to - from,
    }
}

/// A figure that a move can start from or lead to.
pub(super) fn is_price(moves: Moves, value: f64) -> bool {
    value.is_finite() && (moves == Moves::Plain || value > 0.0)
}

pub(super) fn figures(observation: &Observation<'_>) -> Figures {
    let Observation { value, companion, bid, ask, .. } = *observation;
    [value, companion, bid, ask].map(|figure| figure.map(f64::to_bits))
}
