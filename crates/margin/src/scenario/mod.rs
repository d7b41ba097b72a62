//! The scenario engine: one implementation for every rulebook that revalues a portfolio under a grid.
//!
//! | module | what |
//! |---|---|
//! | [`model`] | parameters: grid, shock law by tenor, skew, static discounts, damping, offsets, charges, factors |
//! | `read` | the parameter file's sections |
//! | [`cube`] | contracts x scenarios, each contract revalued once for everybody |
//! | `revalued` | rows of contracts that many accounts hold, revalued once |
//! | [`risk`] | one portfolio on a cube: scenario P&L, worst case, charges, requirement |
//! | [`bulk`] | a million portfolios on a cube |
//! | `account` | from an account's legs to units, cubes and the report |
//!
//! For one unit (legs that net), with P_s its P&L under scenario s after damping, offsets and discounts:
//!
//! ```text
//! worst         = max(0, -min P_s)
//! requirement_L = factor_L x max(worst + scaled charges_L, floors) + added charges_L        L = initial, maintenance
//! ```
//!
//! The initial factor grows with a depeg of the settlement currency where the rulebook says so. Nothing here is venue code:
//! Derive's PMRM and PMRM_2, Deribit, OKX and Bybit portfolio margin, SPAN and our unified rulebook are parameter files.

mod account;
pub mod bulk;
pub mod cube;
pub mod model;
mod read;
mod revalued;
pub mod risk;

pub use bulk::Portfolios;
pub use cube::{AssetState, ContractState, Cube, ExpiryState, Follows, Payoff, UnitMarket};
pub use model::ScenarioModel;
pub(crate) use revalued::Revalued;
pub use risk::{Entry, RiskError, Scratch, UnitRisk};

fn at_least(value: f64, least: f64) -> f64 {
    if value < least { least } else { value }
}

fn positive_part(value: f64) -> f64 {
    at_least(value, 0.0)
}
