//! Margin: what each venue asks of an account, computed by that venue's own rules, and what follows from it.
//!
//! ```text
//! book + market -> AccountState (one account on one venue, everything looked up)
//! AccountState x Rulebook -> AccountMargin (equity, requirements, worst scenario, contingencies, haircuts)
//! ```
//!
//! [`Rulebook::margin`] is the one function that everything else calls: liquidation prices move the state along the index and
//! look for the root, a what-if changes the state or the rulebook, fragmentation moves legs between venues, a fault is a
//! state with a price, a leg or a balance changed. Live engine, clearing house and optimisers are meant to call the same.
//!
//! Model values are f64 in USD; whoever publishes them quantises each once, requirements against the account.

// The test kit in tests/ is shared with unit tests and names this crate as its users do.
#[cfg(test)]
extern crate self as margin;

mod adjust;
mod fault;
mod formula;
mod fragmentation;
mod impact;
mod liquidation;
mod lookup;
mod protocol;
mod report;
mod rulebook;
pub mod scenario;
mod state;
#[cfg(test)]
mod testing;
mod whatif;

pub use fault::{Effect, Fault, FaultKind, PriceMove};
pub use formula::srm;
pub use fragmentation::{
    Alternative, Alternatives, Candidate, Fragmentation, Gap, Marginal, Sited, Taken, cheapest_venues,
    fragmentation, in_one_account,
};
pub use impact::{Affected, Impact, Ranking, Standing};
pub use liquidation::{
    Crossing, Direction, HIGHEST_FACTOR, LOWEST_FACTOR, Liquidation, LiquidationQuery, LiquidationReport,
    Path, Side, Tick, collateral_to_add_usd, liquidation, own_at_the_money_vol,
};
pub use lookup::{Netted, account_states};
/// Engines of protocols in their own units, for whoever compares them with the protocols' own numbers.
pub use protocol::{drift, dydx, exact, mango};
pub use report::{
    AccountMargin, Charge, Collateral, LegMargin, Levels, Outcome, ScenarioPnl, Unit, Unmargined, Wallet,
};
pub use rulebook::{Header, Instruments, ManyAccounts, NoRulebook, Rulebook, Rulebooks};
pub use state::{AccountState, Holding, Leg, Mark, Move};
pub use whatif::{Change, ChangeError, Comparison, Figure, Place, Sides, WhatIf, apply, whatif};

pub mod tiered {
    //! The engine of notional tiers, for those who need more than [`Rulebook::margin`](crate::Rulebook::margin): tables, closed-form
    //! liquidation prices (`Rulebook::tiered` leads here), funding and lending rates.

    pub use crate::formula::tiered::{
        Column, FundingRule, Held, InversePosition, Kind, LendingRule, LinearPosition, NoClosedForm,
        PortfolioRule, Tier, TierFault, TieredMargin, Tiers,
    };
}
