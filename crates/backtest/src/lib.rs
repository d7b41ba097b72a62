//! Hedging policies over generated and recorded markets.

pub mod chains;
