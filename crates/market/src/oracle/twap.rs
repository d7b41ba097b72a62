//! Means over time: of a price that holds until the next, and of Uniswap's ticks.

use super::number::{half_even, to_price};
use super::{OracleError, PriceUnits};
use units::Timestamp;

/// A price that holds from here on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PriceAt {
    /// Since when.
    pub time: Timestamp,
    /// How much.
    pub price: PriceUnits,
}

/// From when to when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First instant.
    pub from: Timestamp,
    /// Last instant.
    pub to: Timestamp,
}

/// Sum of tick times seconds since a pool began, as the pool counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TickReading {
    /// The chain's seconds in 32 bits, which wrap by design: only differences are used.
    pub seconds: u32,
    /// `tickCumulative`.
    pub tick_seconds: i64,
}

/// Mean of a price over a window, each price weighted by how long it held; rounded half to even. The prices ascend in time; that
/// of the window's start is the last one at or before it.
///
/// # Errors
/// When the window is empty, when no price is known at its start, or when the prices are not in order.
pub fn time_weighted_mean(prices: &[PriceAt], window: Window) -> Result<PriceUnits, OracleError> {
    let nanos = |time: Timestamp| i128::from(time.unix_nanos());
    let (from, to) = (nanos(window.from), nanos(window.to));
    if to <= from {
        return Err(OracleError::Window("it ends before it begins"));
    }
    if !prices.is_sorted_by_key(|p| p.time) {
        return Err(OracleError::Window("the prices are not in order of time"));
    }
    if prices.first().is_none_or(|first| first.time > window.from) {
        return Err(OracleError::Window("no price is known at its start"));
    }
    let ends = prices.iter().skip(1).map(|p| nanos(p.time)).chain([to]);
    let mut sum = 0_i128;
    for (held, end) in prices.iter().zip(ends) {
        // |price| < 2^63 and the parts of a window add up to < 2^64: the sum stays below 2^127.
        let held_nanos = end.min(to) - nanos(held.time).max(from);
        sum += i128::from(held.price.0) * held_nanos.max(0);
    }
    to_price(half_even(sum, to - from))
}

/// Mean tick between two readings, rounded towards minus infinity; the price is 1.0001^tick.
///
/// # Errors
/// When no time lies between them, or when the mean is no tick.
pub fn mean_tick(older: TickReading, newer: TickReading) -> Result<i32, OracleError> {
    let seconds = newer.seconds.wrapping_sub(older.seconds);
    if seconds == 0 {
        return Err(OracleError::Window("no time lies between the readings"));
    }
    let gained = i128::from(newer.tick_seconds) - i128::from(older.tick_seconds);
    i32::try_from(gained.div_euclid(seconds.into())).map_err(|_| OracleError::Overflow("a mean tick"))
}
