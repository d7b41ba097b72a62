//! Market impact: what a trade costs beyond the spread, how large it may be, and what a recorded order book says about it.
//!
//! ```text
//! square root  peak = Y sigma_d sqrt(Q / V_d)   average = 2/3 peak      as fractions of the price
//! linear       peak = Y sigma_d (Q / V_d)       average = 1/2 peak      the cost in USD is quadratic in Q
//! ```
//!
//! `Q` is the size of the whole order in coins, `V_d` the coins that the same venue trades in a day and `sigma_d` the standard deviation
//! of a day's return. The average is the integral of the peak over the size so far. The square-root law is that of Donier and Bonart
//! (2015), verified on Bitcoin over four decades of size; the linear one is what Almgren and Chriss can be solved for. Both leave out the
//! spread, which the caller adds, and what decays after the trade.
//!
//! **Calibration.** [`walk`] makes the cost curve of an order that takes a recorded book at once; [`fit`] finds the `Y` that reproduces it
//! best. Nothing is refilled during such an order, so this `Y` says what urgency costs at most within the depth that was seen. It
//! says nothing about larger orders, and nothing about impact that a patient order leaves behind.
//!
//! ```
//! use hedge::impact::{Liquidity, Law};
//! let market = Liquidity { daily_vol: 0.04, daily_volume: 3_000.0 };
//! let law = Law::SquareRoot { prefactor: 1.0 };
//! // 30 coins are one percent of the day: 4 % x sqrt(0.01) at the peak, two thirds of it on average.
//! assert!((law.average(&market, 30.0) - 0.04 * 0.1 * 2.0 / 3.0).abs() < 1e-15);
//! // The largest size that costs no more than that is 30 coins.
//! assert!((law.largest_within(&market, 0.04 * 0.1 * 2.0 / 3.0) - 30.0).abs() < 1e-9);
//! ```

/// What a venue trades in an instrument.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Liquidity {
    /// Standard deviation of a day's return, as a fraction.
    pub daily_vol: f64,
    /// Coins traded in a day.
    pub daily_volume: f64,
}

/// How the price gives way to an order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Law {
    /// With the root of the size.
    SquareRoot {
        /// Y, of the order of one.
        prefactor: f64,
    },
    /// In proportion to the size.
    Linear {
        /// Y, in daily standard deviations for a whole day's volume.
        prefactor: f64,
    },
}

/// How much of what trades may be ours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Participation {
    /// Share of the volume, as a fraction.
    pub share: f64,
}

/// One price of an order book.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// USD a coin.
    pub price: f64,
    /// Coins that are offered at it.
    pub quantity: f64,
}

/// What an order that takes so much at once pays.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Walked {
    /// Coins taken so far.
    pub quantity: f64,
    /// Distance of the average price from the mid, as a fraction of it; half the spread is in it.
    pub average_cost: f64,
}

/// A prefactor found from a cost curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fit {
    /// Y of the square-root law.
    pub prefactor: f64,
    /// Root mean square of what the law misses, as a fraction of the price.
    pub residual: f64,
    /// How many points.
    pub points: usize,
    /// The largest order seen, as a share of the day's volume: the law is not tested beyond.
    pub largest_share: f64,
}

/// A book or market that no curve can be made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImpactError {
    /// A price or size is no usable number.
    #[error("level {place} of the book: price and quantity must be finite and above zero")]
    Level {
        /// Which, from 1 at the best price.
        place: usize,
    },
    /// The levels are not sorted from the best price on.
    #[error("level {place} of the book is better than the one before it: give levels from the best price on")]
    Order {
        /// Which, from 1 at the best price.
        place: usize,
    },
    /// A curve of one point or none.
    #[error("{points} levels are too few to fit an impact to: at least three")]
    TooFew {
        /// How many there are.
        points: usize,
    },
    /// No daily volume or vol.
    #[error("daily volume and daily vol must be finite and above zero")]
    Liquidity,
}

impl Liquidity {
    /// Whether anything can be said about impact there.
    #[must_use]
    pub fn is_known(&self) -> bool {
        [self.daily_vol, self.daily_volume].iter().all(|figure| figure.is_finite() && *figure > 0.0)
    }

    /// The most coins that may be traded in so many days.
    #[must_use]
    pub fn cap(&self, participation: Participation, days: f64) -> f64 {
        participation.share * self.daily_volume * days
    }
}

impl Law {
    /// Where the price is when the whole order is filled, as a fraction away from where it was.
    #[must_use]
    pub fn peak(self, market: &Liquidity, quantity: f64) -> f64 {
        let share = quantity.abs() / market.daily_volume;
        match self {
            Self::SquareRoot { prefactor } => prefactor * market.daily_vol * share.sqrt(),
            Self::Linear { prefactor } => prefactor * market.daily_vol * share,
        }
    }

    /// What a coin of the order costs on average, as a fraction of the price.
    #[must_use]
    pub fn average(self, market: &Liquidity, quantity: f64) -> f64 {
        self.peak(market, quantity) * self.mean_of_peak()
    }

    /// The largest order, in coins, whose average cost is at most a fraction of the price; none at all for a budget of nothing.
    #[must_use]
    pub fn largest_within(self, market: &Liquidity, average_cost: f64) -> f64 {
        let budget = average_cost.max(0.0) / (self.mean_of_peak() * market.daily_vol);
        market.daily_volume
            * match self {
                Self::SquareRoot { prefactor } => (budget / prefactor) * (budget / prefactor),
                Self::Linear { prefactor } => budget / prefactor,
            }
    }

    /// The cost per coin and per coin a day, USD x days / coin², of the linear impact in the rate that costs the same for an order of this
    /// size over these days: what [`crate::schedule`] works with.
    #[must_use]
    pub fn temporary(self, market: &Liquidity, order: Worked) -> f64 {
        let Worked { quantity, days, price } = order;
        self.average(market, quantity) * price * days / quantity.abs()
    }

    const fn mean_of_peak(self) -> f64 {
        match self {
            Self::SquareRoot { .. } => 2.0 / 3.0,
            Self::Linear { .. } => 0.5,
        }
    }
}

/// An order that is worked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Worked {
    /// Its size, coins.
    pub quantity: f64,
    /// Over how long, days.
    pub days: f64,
    /// USD a coin.
    pub price: f64,
}

/// The cost of taking one side of a book at once, level by level; levels from the best price on.
///
/// # Errors
/// When a level is no number or better than the one before it.
pub fn walk(mid: f64, levels: &[Level]) -> Result<Vec<Walked>, ImpactError> {
    let (mut quantity, mut paid, mut before) = (0.0, 0.0, 0.0);
    let mut curve = Vec::with_capacity(levels.len());
    for (place, level) in (1..).zip(levels) {
        let is_number = |figure: f64| figure.is_finite() && figure > 0.0;
        if !(is_number(level.price) && is_number(level.quantity) && is_number(mid)) {
            return Err(ImpactError::Level { place });
        }
        let away = (level.price - mid).abs();
        if away < before {
            return Err(ImpactError::Order { place });
        }
        before = away;
        quantity += level.quantity;
        paid += level.quantity * away;
        curve.push(Walked { quantity, average_cost: paid / quantity / mid });
    }
    Ok(curve)
}

/// The prefactor of the square-root law that comes nearest to a cost curve, by least squares; the cost of the first level is taken as
/// half the spread and not fitted.
///
/// # Errors
/// With fewer than three points, or without volume and vol.
pub fn fit(curve: &[Walked], market: &Liquidity) -> Result<Fit, ImpactError> {
    let [first, rest @ ..] = curve else { return Err(ImpactError::TooFew { points: 0 }) };
    if rest.len() < 2 {
        return Err(ImpactError::TooFew { points: curve.len() });
    }
    if !market.is_known() {
        return Err(ImpactError::Liquidity);
    }
    let unit = Law::SquareRoot { prefactor: 1.0 };
    let (mut across, mut own) = (0.0, 0.0);
    for point in rest {
        let one = unit.average(market, point.quantity);
        across += one * (point.average_cost - first.average_cost);
        own += one * one;
    }
    let prefactor = across / own;
    let missed = |point: &Walked| {
        let law = Law::SquareRoot { prefactor };
        point.average_cost - first.average_cost - law.average(market, point.quantity)
    };
    let squares: f64 = rest.iter().map(|point| missed(point) * missed(point)).sum();
    #[allow(clippy::cast_precision_loss)] // levels of a book
    let count = rest.len() as f64;
    let largest = rest.last().map_or(0.0, |point| point.quantity);
    Ok(Fit {
        prefactor,
        residual: (squares / count).sqrt(),
        points: rest.len(),
        largest_share: largest / market.daily_volume,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MARKET: Liquidity = Liquidity { daily_vol: 0.03, daily_volume: 1_000.0 };

    #[test]
    fn the_average_is_the_mean_of_the_peaks_of_all_smaller_orders() {
        for law in [Law::SquareRoot { prefactor: 0.7 }, Law::Linear { prefactor: 0.7 }] {
            let steps = 100_000;
            let sum: f64 =
                (0..steps).map(|n| law.peak(&MARKET, 50.0 * (f64::from(n) + 0.5) / f64::from(steps))).sum();
            let mean = sum / f64::from(steps);
            // Midpoints of a root: the first step of 1e5 has an error of its own size, 1e-7 of the sum.
            assert!((mean / law.average(&MARKET, 50.0) - 1.0).abs() < 1e-6, "{law:?}");
        }
    }

    #[test]
    fn linear_impact_costs_the_square_of_the_size() {
        let law = Law::Linear { prefactor: 2.0 };
        let cost = |quantity: f64| quantity * law.average(&MARKET, quantity);
        assert!((cost(20.0) / cost(10.0) - 4.0).abs() < 1e-12);
        let cap = MARKET.cap(Participation { share: 0.1 }, 0.5);
        assert!((cap - 0.1 * 1_000.0 * 0.5).abs() < 1e-12);
    }

    #[test]
    fn a_temporary_impact_costs_what_the_law_says_at_its_size() {
        let law = Law::SquareRoot { prefactor: 1.0 };
        let order = Worked { quantity: -40.0, days: 0.25, price: 90_000.0 };
        let eta = law.temporary(&MARKET, order);
        // Cost of a constant rate: eta x rate a coin.
        let usd = eta * (40.0 / 0.25) * 40.0;
        assert!((usd / (law.average(&MARKET, 40.0) * 40.0 * 90_000.0) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_book_that_follows_the_law_gives_its_prefactor_back() {
        let law = Law::SquareRoot { prefactor: 0.8 };
        let (mid, half_spread) = (100.0, 1e-4);
        // The price of each level is the law's marginal price, so thin levels give the law itself.
        let levels: Vec<Level> = (1..=4_000)
            .map(|n| {
                let depth = (f64::from(n) - 0.5) * 0.005;
                Level { price: mid * (1.0 + half_spread + law.peak(&MARKET, depth)), quantity: 0.005 }
            })
            .collect();
        let found = fit(&walk(mid, &levels).unwrap(), &MARKET).unwrap();
        // The first level's own impact, 0.8 x 0.03 x sqrt(2.5e-6), counts as spread: 1 % of the costs here.
        assert!((found.prefactor / 0.8 - 1.0).abs() < 0.03, "{found:?}");
        assert!((found.largest_share - 4_000.0 * 0.005 / 1_000.0).abs() < 1e-9);
    }

    #[test]
    fn a_book_that_is_none_is_refused() {
        let level = |price, quantity| Level { price, quantity };
        assert_eq!(walk(100.0, &[level(101.0, 0.0)]), Err(ImpactError::Level { place: 1 }));
        let crossed = [level(101.0, 1.0), level(100.5, 1.0)];
        assert_eq!(walk(100.0, &crossed), Err(ImpactError::Order { place: 2 }));
        let curve = walk(100.0, &[level(101.0, 1.0), level(102.0, 1.0)]).unwrap();
        assert_eq!(fit(&curve, &MARKET), Err(ImpactError::TooFew { points: 2 }));
        assert_eq!(fit(&[], &MARKET), Err(ImpactError::TooFew { points: 0 }));
        let curve = walk(100.0, &[level(101.0, 1.0), level(102.0, 1.0), level(103.0, 1.0)]).unwrap();
        let still = Liquidity { daily_volume: 0.0, ..MARKET };
        assert_eq!(fit(&curve, &still), Err(ImpactError::Liquidity));
    }

    proptest! {
        #[test]
        fn the_largest_size_costs_exactly_the_budget(
            prefactor in 0.1f64..3.0, budget in 1e-6f64..0.05, vol in 0.005f64..0.2
        ) {
            let market = Liquidity { daily_vol: vol, daily_volume: 500.0 };
            for law in [Law::SquareRoot { prefactor }, Law::Linear { prefactor }] {
                let size = law.largest_within(&market, budget);
                // A few roundings each way.
                prop_assert!((law.average(&market, size) / budget - 1.0).abs() < 1e-12);
            }
        }
    }
}
