//! Derive standard margin (SRM): several markets in one account, no scenarios.
//!
//! | module | what |
//! |---|---|
//! | [`engine`] | the protocol's arithmetic on plain numbers, every part of it in the result |
//! | `read` | the parameter file's sections |
//! | `account` | from an account's legs to markets and the report |
//!
//! The protocol states one number by level, the net margin: below zero at maintenance it liquidates. S is the spot, q a signed
//! size in coins, V the Black-76 value of one option without discount:
//!
//! ```text
//! net           = cash + sum over markets (options + perpetuals + unsettled + base + oracle + depeg)
//! options       = sum over expiries of max(isolated, bounded)
//! isolated      = sum over short options of
//!   call, M       q V - call_M S |q|
//!   call, I       q V - max(least, most - (K - S)+/S) S |q|
//!   put, M        q V - max(put_M S |q|, put_mark_M |q V|)
//!   put, I        min(q V - max(least, most - (S - K)+/S) S |q|, scale x M)
//! bounded       = min over settlement prices 0 and every strike of min(payoff, 0) + min(net calls, 0) F unpaired
//! perpetuals    = - |q| perpetual price x rate
//! unsettled     = gain since entry + funding
//! base          = q S factor, at initial x initial scale
//! oracle, I     = - (1 - confidence) factor S |q| where the least confidence is below its threshold (of an expiry: its shorts)
//! depeg, I      = - (threshold - stable)+ factor S (|perpetuals| + shorts)
//! ```
//!
//! Source: reference on protocol margin, section 1.4 (derivexyz/v2-core@7736900d). In the last minutes before expiry F is the
//! price that is expected to settle: the average so far and the forward for the rest; the caller states it.
//!
//! Left out: caps on positions, fees on open interest, the interest of cash, which trades skip the check.

mod account;
pub mod engine;
mod read;
#[cfg(test)]
mod tests;

pub use engine::{
    BaseRules, Depeg, ExpiryMargin, MarketMargin, OptionRules, OracleRules, SrmAccount, SrmBase, SrmExpiry,
    SrmMargin, SrmMarket, SrmOption, SrmPerpetual,
};

use crate::scenario::model::Rates;
use std::collections::BTreeMap;
use units::Asset;

/// Parameters of one SRM rulebook.
#[derive(Debug, Clone, PartialEq)]
pub struct Srm {
    /// Counted one to one: the protocol's own cash.
    pub cash: Asset,
    /// What a depeg of the cash costs.
    pub depeg: Depeg,
    /// What unsure feeds cost.
    pub oracle: OracleRules,
    /// Options by underlying.
    pub option: BTreeMap<Asset, OptionRules>,
    /// Perpetuals by underlying: rates on the value at the mark.
    pub perpetual: BTreeMap<Asset, Rates>,
    /// Collateral by asset.
    pub base: BTreeMap<Asset, BaseRules>,
}
