//! What each asset counts for.
//!
//! X is the balance of an asset with the gains and losses paid in it, i its price in USD:
//!
//! ```text
//! par        X at a fixed number of USD, whatever the market says (Hyperliquid: 1 USDC is 1 USD)
//! rate       min(X rate, X) i: a haircut on what is there, none on a debt (Binance multi-assets and portfolio margin)
//! lent       min(X, supply cap) i times ltv for initial, (1 + ltv)/2 for maintenance; a debt in full
//! excluded   nothing; a debt in full
//! ```
//!
//! Portfolio margin of Hyperliquid, per account, M maintenance margin of the perpetuals, n the money (par and rate assets), L what
//! the lent assets count for, within the borrow cap:
//!
//! ```text
//! b = max(0, M - n)                         borrowed against the collateral once maintenance must be funded
//! liquidated when (offset + M + b) > limit (n + b + L)
//! ```
//!
//! Source: portfolio margin page of Hyperliquid's documentation, where `offset` is its minimum borrow offset and `limit` its portfolio
//! margin ratio of 0.95. It does not define b, the size
//! borrowed at maintenance: that is a reading. Taken together here: the documentation has one such ratio for each borrowable token. The offset is left out
//! of an account that owes and holds nothing.

use crate::report::Levels;
use crate::rulebook::section::{Bound, Section};
use std::collections::BTreeMap;
use units::Asset;

/// What happens to assets that the file does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Others {
    Excluded,
    Unmargined,
}

/// What assets count for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CollateralRule {
    par: BTreeMap<Asset, f64>,
    rate: BTreeMap<Asset, f64>,
    others: Others,
    pub(super) portfolio: Option<PortfolioRule>,
}

/// Lending against coins.
#[derive(Debug, Clone, PartialEq)]
pub struct PortfolioRule {
    loan_to_value: BTreeMap<Asset, f64>,
    supply_cap: BTreeMap<Asset, f64>,
    pub(super) borrow_cap_usd: f64,
    pub(super) borrow_offset_usd: f64,
    pub(super) liquidation_ratio: f64,
}

/// An amount of one asset with its price.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Amount {
    pub(super) units: f64,
    pub(super) price_usd: f64,
}

/// What an amount counts for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Counted {
    /// As money, the same at both levels.
    Money(f64),
    /// As security for loans.
    Lent(Levels),
    /// Not at all, by the venue's rule.
    Excluded,
    /// Nobody has said.
    Unknown,
}

impl CollateralRule {
    pub(super) fn read(section: &Section<'_>, portfolio: Option<&Section<'_>>) -> Option<Self> {
        let others =
            section.word("others", &[("excluded", Others::Excluded), ("unmargined", Others::Unmargined)]);
        let par = section.by_asset("par", Bound::Positive);
        let rate = section.by_asset("rate", Bound::Fraction);
        let portfolio = portfolio.map(PortfolioRule::read);
        for asset in rate.keys().filter(|asset| par.contains_key(*asset)) {
            section.mistake("rate", &format!("{asset} stands under par too: name it once"));
        }
        if let Some(rule) = &portfolio {
            let twice = |asset: &&Asset| par.contains_key(*asset) || rate.contains_key(*asset);
            for asset in rule.loan_to_value.keys().filter(twice) {
                section.mistake(
                    "par",
                    &format!("{asset} stands under portfolio.loan_to_value too: name it once"),
                );
            }
        }
        Some(Self { par, rate, others: others?, portfolio })
    }

    /// USD that a further unit of an asset counts for when it counts in full, be it there or owed: none when there is a haircut.
    pub(super) fn full_price(&self, asset: &Asset, price_usd: f64) -> Option<f64> {
        let full = self.rate.get(asset).filter(|rate| **rate >= 1.0).map(|_| price_usd);
        self.par.get(asset).copied().or(full)
    }

    pub(super) fn count(&self, asset: &Asset, amount: Amount) -> Counted {
        let Amount { units, price_usd } = amount;
        if let Some(par) = self.par.get(asset) {
            return Counted::Money(units * par);
        }
        let value = units * price_usd;
        if units <= 0.0 {
            return Counted::Money(value);
        }
        if let Some(rate) = self.rate.get(asset) {
            return Counted::Money(value * rate);
        }
        if let Some(lent) = self.portfolio.as_ref().and_then(|rule| rule.lent(asset, amount)) {
            return Counted::Lent(lent);
        }
        match self.others {
            Others::Excluded => Counted::Excluded,
            Others::Unmargined => Counted::Unknown,
        }
    }
}

impl PortfolioRule {
    /// Part of the value of an asset that may be borrowed against it; none for assets that are no security.
    #[must_use]
    pub fn loan_to_value(&self, asset: &Asset) -> Option<f64> {
        self.loan_to_value.get(asset).copied()
    }

    /// Largest amount of an asset that counts as security, if it is limited.
    #[must_use]
    pub fn supply_cap(&self, asset: &Asset) -> Option<f64> {
        self.supply_cap.get(asset).copied()
    }

    /// Largest debt.
    #[must_use]
    pub const fn borrow_cap_usd(&self) -> f64 {
        self.borrow_cap_usd
    }

    fn read(section: &Section<'_>) -> Self {
        Self {
            loan_to_value: section.by_asset("loan_to_value", Bound::Fraction),
            supply_cap: section.by_asset("supply_cap", Bound::NotNegative),
            borrow_cap_usd: section.number("borrow_cap_usd", Bound::NotNegative),
            borrow_offset_usd: section.number("borrow_offset_usd", Bound::NotNegative),
            liquidation_ratio: section.number("liquidation_ratio", Bound::Fraction),
        }
    }

    fn lent(&self, asset: &Asset, amount: Amount) -> Option<Levels> {
        let ltv = self.loan_to_value.get(asset)?;
        let units = self.supply_cap.get(asset).map_or(amount.units, |cap| amount.units.min(*cap));
        let value = units * amount.price_usd;
        Some(Levels { initial: value * ltv, maintenance: value * (1.0 + ltv) / 2.0 })
    }
}

impl Counted {
    /// At each level.
    pub(super) fn usd(self) -> Levels {
        match self {
            Self::Money(usd) => Levels::both(usd),
            Self::Lent(usd) => usd,
            Self::Excluded | Self::Unknown => Levels::default(),
        }
    }
}
