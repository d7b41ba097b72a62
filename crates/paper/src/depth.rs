//! The order book of an instrument: levels whose cumulative depth makes impact grow as a square root, and how it recovers.
//!
//! Level k (0 is the best) lies k spacings away and holds (2k + 1) touch lots, so all up to k hold (k + 1)² of them: to take Q the price
//! goes d = spacing x √(Q/touch) away. That is the square-root law I = Y σ √(Q/V) of the field, with touch = V (spacing/(Y σ))² (Y about one,
//! σ and V of a day; Donier and Bonart, Market Microstructure and Liquidity 1 (2015) 1550008). What is taken is missing from the best
//! levels, and comes back by e^(-t/recovery).
//!
//! **Left out:** permanent impact (the market of the generator does not know our trades), iceberg and other hidden orders, queue position.

use crate::grid::whole;
use units::Timestamp;

/// Levels on each side.
const LEVELS: i64 = 40;

/// Which side of a book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// Offers, from which a buyer takes.
    Ask,
    /// Bids, from which a seller takes.
    Bid,
}

impl Side {
    /// What an order of this sign takes from.
    pub(crate) const fn taken_by(lots: i64) -> Self {
        if lots > 0 { Self::Ask } else { Self::Bid }
    }

    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Ask => 0,
            Self::Bid => 1,
        }
    }

    /// Whether a price of this side is as good as a limit or better, for the one who takes.
    pub(crate) const fn reaches(self, ticks: i64, limit: i64) -> bool {
        match self {
            Self::Ask => ticks <= limit,
            Self::Bid => ticks >= limit,
        }
    }
}

/// A book without what was taken from it, in ticks and lots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Depth {
    /// Best bid; zero or less is none.
    pub(crate) bid: i64,
    /// Best offer; zero is none.
    pub(crate) ask: i64,
    /// From level to level.
    pub(crate) spacing: i64,
    /// Lots of the best level.
    pub(crate) touch: i64,
}

impl Depth {
    /// Price and lots of each level, best first, after so many lots of the side were taken.
    pub(crate) fn levels(self, side: Side, taken: i64) -> impl Iterator<Item = (i64, i64)> {
        let mut taken = taken;
        let best = match side {
            Side::Ask => self.ask,
            Side::Bid => self.bid,
        };
        let levels = if best > 0 { LEVELS } else { 0 };
        (0..levels).filter_map(move |k| {
            let lots = self.touch.saturating_mul(2 * k + 1);
            let left = (lots - taken).max(0);
            taken = (taken - lots).max(0);
            let ticks = match side {
                Side::Ask => best + k * self.spacing,
                Side::Bid => best - k * self.spacing,
            };
            (left > 0 && ticks > 0).then_some((ticks, left))
        })
    }
}

/// Lots that were taken from a side and have not come back.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Taken {
    lots: f64,
    at: Option<Timestamp>,
}

impl Taken {
    #[allow(clippy::cast_precision_loss)] // nanoseconds of a simulation
    fn decayed(self, now: Timestamp, recovery_seconds: f64) -> f64 {
        let Some(at) = self.at else { return 0.0 };
        let seconds = (now.unix_nanos() - at.unix_nanos()) as f64 * 1e-9;
        self.lots * pricing::kernel::exp(-seconds / recovery_seconds)
    }

    /// Whole lots still missing.
    pub(crate) fn left(self, now: Timestamp, recovery_seconds: f64) -> i64 {
        whole(self.decayed(now, recovery_seconds).round())
    }

    /// More were taken.
    #[allow(clippy::cast_precision_loss)] // lots of an order
    pub(crate) fn add(&mut self, lots: i64, now: Timestamp, recovery_seconds: f64) {
        *self = Self { lots: self.decayed(now, recovery_seconds) + lots as f64, at: Some(now) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOK: Depth = Depth { bid: 99, ask: 101, spacing: 2, touch: 10 };

    #[test]
    fn the_price_moves_by_the_square_root_of_what_is_taken() {
        for multiple in [1_i64, 2, 5, 20] {
            let wanted = 10 * multiple * multiple;
            let mut sum = 0;
            let worst = BOOK
                .levels(Side::Ask, 0)
                .take_while(|(_, lots)| {
                    let before = sum;
                    sum += lots;
                    before < wanted
                })
                .last();
            assert_eq!(worst.map(|(ticks, _)| ticks), Some(101 + 2 * (multiple - 1)));
        }
    }

    #[test]
    fn what_is_taken_is_missing_and_comes_back() {
        assert_eq!(BOOK.levels(Side::Ask, 15).next(), Some((103, 25)));
        assert_eq!(BOOK.levels(Side::Bid, 0).nth(1), Some((97, 30)));
        let start = Timestamp::from_unix_nanos(0);
        let mut taken = Taken::default();
        taken.add(1000, start, 10.0);
        assert_eq!(taken.left(start, 10.0), 1000);
        // 1000/e after one time of recovery.
        assert_eq!(taken.left(start.plus_millis(10_000), 10.0), 368);
    }

    #[test]
    fn a_side_without_a_price_is_empty_and_no_price_is_below_a_tick() {
        assert_eq!(Depth { bid: 0, ..BOOK }.levels(Side::Bid, 0).count(), 0);
        assert_eq!(Depth { bid: 3, ..BOOK }.levels(Side::Bid, 0).count(), 2);
    }
}
