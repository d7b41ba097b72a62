//! Mango v4: health of token balances and perpetuals in fixed-point numbers.
//!
//! The engine ([`HealthAccount::health`]) takes native units and rounds every contribution down once. The model below it
//! reads a rulebook and an account state: amounts and oracle prices (the index, USD) to the nearest native unit and to the
//! nearest fixed-point number; the result is stated in USD.
//!
//! Health is one number. For the report it is split so that counted less required is the health: `counted` is the weighted
//! assets and `requirement` the weighted debts, and what a perpetual's weight takes from its notional is asked of it in both.
//! An account state has no stable price, no orders and no totals of banks: the engine takes them, the model prices at the
//! oracle and leaves the others out.

mod account;
mod fixed;
mod health;
mod rules;
#[cfg(test)]
mod tests;

pub use fixed::Fixed48;
pub use health::{
    Contribution, HealthAccount, HealthLevel, MangoError, PerpPosition, Prices, Reserved, TokenIndex,
    TokenPosition, WeightScale, Weights,
};
pub(crate) use rules::Mango;
