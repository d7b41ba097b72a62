//! Vols of one expiry: an SSVI slice, free of arbitrage by construction.
//!
//! With k = ln(K/F) and θ the total variance at the money:
//!
//! w(k) = θ/2 (1 + ρ φ k + √((φ k + ρ)² + 1 - ρ²)),  φ = η / √(θ (1 + θ)),  vol = √(w/T)
//!
//! No butterfly and, where θ rises with T, no calendar arbitrage as long as η (1 + |ρ|) <= 2 (Gatheral and Jacquier,
//! "Arbitrage-free SVI volatility surfaces", Quantitative Finance 2014, section 4). Only square roots and `kernel::ln`:
//! the same bits everywhere.

use pricing::kernel;

/// Shape parameters, common to all expiries of one coin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// ρ: below zero, downside vols are higher.
    pub(super) skew: f64,
    /// η: how strongly the wings rise.
    pub(super) wings: f64,
}

/// One expiry's slice.
#[derive(Debug, Clone, Copy)]
pub(super) struct Smile {
    pub(super) shape: Shape,
    /// Vol at the money, a fraction.
    pub(super) vol_at_the_money: f64,
    pub(super) years: f64,
}

impl Smile {
    /// Vol as a fraction, `moneyness` being K/F.
    pub(super) fn vol(&self, moneyness: f64) -> f64 {
        let Shape { skew: rho, wings: eta } = self.shape;
        let k = kernel::ln(moneyness);
        let theta = self.vol_at_the_money * self.vol_at_the_money * self.years;
        let phi = eta / (theta * (1.0 + theta)).sqrt();
        let tilted = phi * k + rho;
        let w = 0.5 * theta * (1.0 + rho * phi * k + (tilted * tilted + 1.0 - rho * rho).sqrt());
        (w / self.years).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example::market::COINS;
    use units::{Discount, Forward, OptionKind, Strike, Vol, YearFraction};

    #[test]
    fn at_the_money_it_is_the_vol_at_the_money() {
        let smile = Smile { shape: Shape { skew: -0.3, wings: 0.9 }, vol_at_the_money: 0.45, years: 0.25 };
        // w(0) = θ/2 (1 + √(ρ² + 1 - ρ²)) = θ; a few roundings of values below one.
        assert!((smile.vol(1.0) - 0.45).abs() < 1e-15);
        assert!(smile.vol(0.8) > smile.vol(1.25), "a negative skew lifts the downside");
    }

    #[test]
    fn shapes_satisfy_the_condition_and_calls_are_convex_in_strike() {
        for coin in &COINS {
            let shape = coin.shape;
            assert!(shape.wings * (1.0 + shape.skew.abs()) <= 2.0, "{}", coin.name);
            let smile = Smile { shape, vol_at_the_money: 0.45, years: 7.0 / 365.0 };
            let calls: Vec<f64> = (60..=150).map(|percent| call(smile, f64::from(percent) / 100.0)).collect();
            for three in calls.windows(3) {
                let [a, b, c] = three else { unreachable!("windows of three") };
                // Prices of a forward of 1 are good to 1e-15; a butterfly may not lose more than that.
                assert!(a >= b && a - 2.0 * b + c > -1e-14, "{}: {three:?}", coin.name);
            }
        }
    }

    fn call(smile: Smile, strike: f64) -> f64 {
        pricing::Black76 {
            forward: Forward::new(1.0).unwrap(),
            strike: Strike::new(strike).unwrap(),
            vol: Vol::new(smile.vol(strike)).unwrap(),
            expiry: YearFraction::new(smile.years).unwrap(),
            discount: Discount::new(1.0).unwrap(),
            kind: OptionKind::Call,
        }
        .price()
    }
}
