//! Hedges: when to trade, how much, of what, at what cost.
//!
//! | module | question |
//! |---|---|
//! | [`delta`] | which delta: what is counted in, and how the vol follows the underlying |
//! | [`policy`] | when is a delta hedge traded, and how far: clocks and no-trade bands behind one trait |
//! | [`lots`] | how much of it can be traded: whole lots |
//!
//! Everything here is a pure function of its arguments in f64 (model numbers): no clock, no randomness, no market access. What is
//! decided becomes lots and orders in the callers: the live engine, a plan, a backtest. All three call the same functions.

pub mod delta;
pub mod lots;
pub mod policy;
