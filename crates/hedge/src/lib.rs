//! Hedges: when to trade, how much, of what, at what cost.
//!
//! | module | question |
//! |---|---|
//! | [`delta`] | which delta: what is counted in, and how the vol follows the underlying |
//! | [`optimise`] | which trades bring a whole book within its bands, or its tail down, at the least cost: several greeks, CVaR, impact, whole lots |
//! | [`policy`] | when is a delta hedge traded, and how far: clocks and no-trade bands behind one trait |
//! | [`lots`] | how much of it can be traded: whole lots |
//! | [`impact`] | what does a trade do to the price, and how large may it be |
//! | [`schedule`] | over which time is an order worked, and a whole book unwound |
//! | [`carry`] | what does holding a hedge cost: perpetuals against dated futures |
//! | [`lvr`] | what do liquidity providers of automated market makers lose to arbitrage, and which gamma have they |
//!
//! Everything here is a pure function of its arguments in f64 (model numbers): no clock, no randomness, no market access. What is
//! decided becomes lots and orders in the callers: the live engine, a plan, a backtest. All three call the same functions.

pub mod carry;
pub mod delta;
pub mod impact;
pub mod lots;
pub mod lvr;
pub mod optimise;
pub mod policy;
pub mod schedule;
