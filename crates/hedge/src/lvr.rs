//! Loss of liquidity providers of automated market makers to arbitrage (LVR), and their positions as what they are: short gamma.
//!
//! ```text
//! range [lower, upper], liquidity L, price P inside:
//!   coins   x = L (1/sqrt P - 1/sqrt upper)            delta, coins
//!   gamma     = -L / (2 P^(3/2))                       coins per USD
//!   LVR       = 1/2 sigma² P² |dx/dP| = sigma² L sqrt(P) / 4   USD a unit of time; sigma²/8 of the value over the whole range
//! blocks of mean length dt, one-sided fee f (in log price), s = sigma sqrt dt:
//!   trade probability = 1 / (1 + sqrt2 f / s)                                              Poisson blocks
//!   arbitrage a block = s²/8 x probability x (e^(f/2) + e^(-f/2)) / (2 (1 - s²/8))         of the value, Poisson blocks
//!   arbitrage a block = 1/4 s² / (2 + 1.7164 g / s),  g = 2 f                              of the value, blocks of fixed length
//! ```
//!
//! Sources: Milionis, Moallemi, Roughgarden and Zhang (2022) for LVR, Milionis, Moallemi and Roughgarden (2023) for Poisson blocks,
//! Nezlobin and Tassy (2025) for fixed ones. In the last formula `g` is the **full** width of the band without arbitrage, twice the
//! one-sided fee: with the fee itself it is 42 to 79 % above simulation (`plimsoll conformance lvr`). 1.7164 is
//! sqrt(2 pi) / |zeta(1/2)|.
//!
//! Left out: gas of the arbitrageur, fees from others' trades, prices that jump.
//!
//! ```
//! use hedge::lvr::Range;
//! let all = Range::new(0.0, f64::INFINITY, 1_000.0)?;
//! // The whole range is a constant-product pool: an eighth of the variance of its value.
//! assert!((all.lvr(3_000.0, 0.05) - 0.05 * 0.05 / 8.0 * all.value_usd(3_000.0)).abs() < 1e-9);
//! # Ok::<(), hedge::lvr::RangeError>(())
//! ```

use pricing::kernel::exp;

/// sqrt(2 pi) / |zeta(1/2)|.
const FIXED_BLOCKS: f64 = 2.506_628_274_631_000_5 / 1.460_354_508_809_586_8;

/// Liquidity between two prices; from 0 to infinity it is a constant-product pool.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    lower: f64,
    upper: f64,
    liquidity: f64,
}

/// A range that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RangeError {
    /// The ends are not in order.
    #[error("the range must start at zero or above and end above its start, USD a coin")]
    Ends,
    /// No liquidity.
    #[error("liquidity must be finite and above zero")]
    Liquidity,
}

/// When arbitrageurs may trade with a pool, and what keeps them from it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Blocks {
    /// Standard deviation of the log price over a block: sigma sqrt dt.
    pub vol_per_block: f64,
    /// Fee in log price on one side of the pool's price.
    pub one_sided_fee: f64,
}

impl Range {
    /// Liquidity `L`, USD^(1/2) coin^(1/2), from a price to a price, USD a coin.
    ///
    /// # Errors
    /// When the ends are not in order or there is no liquidity.
    pub fn new(lower: f64, upper: f64, liquidity: f64) -> Result<Self, RangeError> {
        if !(lower.is_finite() && lower >= 0.0 && upper > lower) {
            return Err(RangeError::Ends);
        }
        if !(liquidity.is_finite() && liquidity > 0.0) {
            return Err(RangeError::Liquidity);
        }
        Ok(Self { lower, upper, liquidity })
    }

    fn within(&self, price: f64) -> f64 {
        price.clamp(self.lower, self.upper)
    }

    /// Coins in it at a price: its delta, coins.
    #[must_use]
    pub fn coins(&self, price: f64) -> f64 {
        let at = self.within(price);
        self.liquidity * (1.0 / at.sqrt() - 1.0 / self.upper.sqrt())
    }

    /// USD in it at a price.
    #[must_use]
    pub fn cash_usd(&self, price: f64) -> f64 {
        self.liquidity * (self.within(price).sqrt() - self.lower.sqrt())
    }

    /// What it is worth, USD.
    #[must_use]
    pub fn value_usd(&self, price: f64) -> f64 {
        self.coins(price).mul_add(price, self.cash_usd(price))
    }

    /// Second derivative of its value, coins per USD; never above zero: what [`crate::policy::Sight`] takes.
    #[must_use]
    pub fn gamma(&self, price: f64) -> f64 {
        if price <= self.lower || price >= self.upper {
            return 0.0;
        }
        -self.liquidity / (2.0 * price * price.sqrt())
    }

    /// What arbitrageurs gain without fees, USD a unit of time, at a vol of the root of the same unit.
    #[must_use]
    pub fn lvr(&self, price: f64, vol: f64) -> f64 {
        0.5 * vol * vol * price * price * -self.gamma(price)
    }
}

impl Blocks {
    /// How likely a block of random (Poisson) length holds a trade of an arbitrageur.
    #[must_use]
    pub fn trade_probability(&self) -> f64 {
        1.0 / (1.0 + std::f64::consts::SQRT_2 * self.one_sided_fee / self.vol_per_block)
    }

    /// What arbitrageurs gain in a block of random length, as a fraction of the value of a constant-product pool.
    #[must_use]
    pub fn arbitrage_of_random_blocks(&self) -> f64 {
        let eighth = self.vol_per_block * self.vol_per_block / 8.0;
        let half = 0.5 * self.one_sided_fee;
        eighth * self.trade_probability() * (exp(half) + exp(-half)) / (2.0 * (1.0 - eighth))
    }

    /// The same for blocks of fixed length. Times four it is per unit of `P² |dx/dP|`, as published.
    #[must_use]
    pub fn arbitrage_of_fixed_blocks(&self) -> f64 {
        let full_width = 2.0 * self.one_sided_fee;
        let variance = self.vol_per_block * self.vol_per_block;
        0.25 * variance / FIXED_BLOCKS.mul_add(full_width / self.vol_per_block, 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn delta_and_gamma_are_the_slopes_of_the_value(price in 500.0f64..8_000.0, lower in 800.0f64..2_000.0) {
            let range = Range::new(lower, 2.0 * lower, 50.0).unwrap();
            let step = 1e-4 * price;
            prop_assume!((price - lower).abs() > 2.0 * step && (price - 2.0 * lower).abs() > 2.0 * step);
            let slope = (range.value_usd(price + step) - range.value_usd(price - step)) / (2.0 * step);
            // Central differences: step² / 6 x third derivative, some 1e-8 of the coins; values of 1e5 to 1e-11 over a step of 0.1.
            prop_assert!((slope - range.coins(price)).abs() < 1e-7 * 50.0, "{slope} {}", range.coins(price));
            let bend = (range.coins(price + step) - range.coins(price - step)) / (2.0 * step);
            prop_assert!((bend - range.gamma(price)).abs() < 1e-7 * range.gamma(price).abs() + 1e-12);
            prop_assert!(range.gamma(price) <= 0.0 && range.lvr(price, 0.05) >= 0.0);
        }
    }

    #[test]
    fn outside_its_range_it_is_coins_or_cash_and_loses_nothing() {
        let range = Range::new(1_000.0, 4_000.0, 100.0).unwrap();
        assert!(range.cash_usd(900.0).abs() < 1e-12 && range.coins(5_000.0).abs() < 1e-12);
        assert!(range.lvr(900.0, 0.05).abs() < 1e-300 && range.lvr(5_000.0, 0.05).abs() < 1e-300);
        // Concentrating the same value into a range loses more than over the whole line.
        let all = Range::new(0.0, f64::INFINITY, 100.0).unwrap();
        let share = |range: Range| range.lvr(2_000.0, 0.05) / range.value_usd(2_000.0);
        assert!(share(range) > 2.0 * share(all));
    }

    #[test]
    fn without_a_fee_every_block_trades_and_takes_all() {
        let blocks = Blocks { vol_per_block: 1e-3, one_sided_fee: 0.0 };
        assert!((blocks.trade_probability() - 1.0).abs() < 1e-15);
        // sigma²/8 of the value in both, but for s²/8 of it.
        for taken in [blocks.arbitrage_of_random_blocks(), blocks.arbitrage_of_fixed_blocks()] {
            assert!((taken / (1e-6 / 8.0) - 1.0).abs() < 2e-7, "{taken}");
        }
    }

    #[test]
    fn more_fee_lets_less_through_and_kinds_of_blocks_agree_in_order() {
        let of = |fee: f64| Blocks { vol_per_block: 2e-3, one_sided_fee: fee };
        for (less, more) in [(1e-4, 5e-4), (5e-4, 3e-3), (3e-3, 1e-2)] {
            assert!(of(less).arbitrage_of_fixed_blocks() > of(more).arbitrage_of_fixed_blocks());
            assert!(of(less).arbitrage_of_random_blocks() > of(more).arbitrage_of_random_blocks());
            // Constant spacing loses least.
            assert!(of(more).arbitrage_of_fixed_blocks() < of(more).arbitrage_of_random_blocks());
        }
    }

    #[test]
    fn a_range_that_is_none_is_refused() {
        for (lower, upper) in [(2.0, 1.0), (1.0, 1.0), (-1.0, 1.0), (f64::NAN, 1.0), (1.0, f64::NAN)] {
            assert_eq!(Range::new(lower, upper, 1.0), Err(RangeError::Ends), "{lower} {upper}");
        }
        assert_eq!(Range::new(1.0, 2.0, 0.0), Err(RangeError::Liquidity));
    }
}
