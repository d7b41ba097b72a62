//! Price at which one contract brings its account to the maintenance margin, all else fixed: a closed form.
//!
//! With x the notional, s = +1 for a long and -1 for a short, r and d of the tier in which the answer lies:
//!
//! ```text
//! linear   x = |q| P     E + q (P - P0) = r |q| P - d          P = (E - q P0 + d) / (|q| r - q)
//! inverse  x = |N| / P   E + N (1/P0 - 1/P) = r |N| / P - d    P = |N| (r + s) / (E + N/P0 + d)
//! ```
//!
//! E is the equity when the contract stands at P0, less the maintenance margin of everything else; P0 may be the mark or the
//! entry price, with E to match. What is left of E beyond maintenance is monotone in P, so the answer is one price or none:
//! none when no price above zero does it (a long worth less than its equity, a short of a coin account covered by its coins).
//! An account that is already below maintenance gets the price at which it comes back.
//!
//! Sources: the exchanges' published formulas (Binance USD-M and COIN-M cross: E = wallet balance + other unrealised gains -
//! other maintenance, P0 = entry; Hyperliquid: price - side x available / size / (1 - l side)), which are this one with the tier
//! of the answer. Left out: fees of the liquidation, and marks of other contracts that move at the same time.

use super::tiers::{Line, Slope, Tiers};

/// A future or perpetual paid in the currency of its price.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinearPosition {
    /// Signed size, coins.
    pub quantity: f64,
    /// Price at which the equity is stated, quote currency.
    pub price: f64,
    /// Equity at that price less the maintenance margin of everything else, quote currency.
    pub available: f64,
}

/// A future or perpetual paid in its coin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InversePosition {
    /// Signed face value, USD.
    pub quantity_usd: f64,
    /// Price at which the equity is stated, USD.
    pub price: f64,
    /// Equity at that price less the maintenance margin of everything else, coins.
    pub available_coin: f64,
}

impl LinearPosition {
    /// Equity less all maintenance margin when the contract stands at `price`.
    #[must_use]
    pub fn margin_at(&self, price: f64, tiers: &Tiers) -> f64 {
        self.available + self.quantity * (price - self.price)
            - tiers.maintenance((self.quantity * price).abs())
    }

    /// Price at which [`margin_at`](Self::margin_at) is zero.
    #[must_use]
    pub fn liquidation_price(&self, tiers: &Tiers) -> Option<f64> {
        let slope = if self.quantity > 0.0 { Slope::Up } else { Slope::Down };
        let intercept = self.available - self.quantity * self.price;
        let notional = tiers.crossing(Line { intercept, slope })?;
        positive(notional / self.quantity.abs())
    }
}

impl InversePosition {
    /// Equity less all maintenance margin in coins when the contract stands at `price`.
    #[must_use]
    pub fn margin_at(&self, price: f64, tiers: &Tiers) -> f64 {
        self.available_coin + self.quantity_usd * (1.0 / self.price - 1.0 / price)
            - tiers.maintenance((self.quantity_usd / price).abs())
    }

    /// Price at which [`margin_at`](Self::margin_at) is zero.
    #[must_use]
    pub fn liquidation_price(&self, tiers: &Tiers) -> Option<f64> {
        // A long loses coins as its notional in coins grows.
        let slope = if self.quantity_usd > 0.0 { Slope::Down } else { Slope::Up };
        let intercept = self.available_coin + self.quantity_usd / self.price;
        let notional = tiers.crossing(Line { intercept, slope })?;
        positive(self.quantity_usd.abs() / notional)
    }
}

fn positive(price: f64) -> Option<f64> {
    (price.is_finite() && price > 0.0).then_some(price)
}
