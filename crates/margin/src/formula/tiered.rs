//! Futures and perpetuals margined by notional tiers: Binance USD-M, COIN-M and portfolio margin, Hyperliquid cross, isolated,
//! unified and portfolio margin, and any venue whose tables have the same shape (linear tiers of OKX and Bybit as user files).
//!
//! | part | what |
//! |---|---|
//! | [`tiers`] | maintenance by tier, leverage, deductions |
//! | [`liquidation`] | closed-form liquidation price of one contract |
//! | [`parameters`] | the sections of a parameter file |
//! | [`account`] | one account: legs, wallets, requirements |
//! | [`collateral`] | what each asset counts for |
//! | [`rates`] | funding and lending rates that a file may carry |
//!
//! Each leg is margined alone, by the tiers of its underlying: maintenance = x r - d, initial = x / leverage, x the notional at
//! the mark in the unit of the table. Equity is what the venue counts of balances and gains. See the model cards
//! `docs/models/{binance-usdm,binance-coinm,binance-pm,hyperliquid}.md`.

mod account;
mod collateral;
mod liquidation;
mod parameters;
mod rates;
#[cfg(test)]
mod tests;
mod tiers;

pub use account::NoClosedForm;
pub use collateral::PortfolioRule;
pub use liquidation::{InversePosition, LinearPosition};
pub use parameters::{Held, Kind, TieredMargin};
pub use rates::{FundingRule, LendingRule};
pub use tiers::{Column, Tier, TierFault, Tiers};

use crate::rulebook::{Model, Rulebook};

impl Rulebook {
    /// The parameters, when the engine is the one of notional tiers: tables, closed-form liquidation prices, rates.
    #[must_use]
    pub fn tiered(&self) -> Option<&TieredMargin> {
        match &self.model {
            Model::Tiered(model) => Some(model),
            _ => None,
        }
    }
}
