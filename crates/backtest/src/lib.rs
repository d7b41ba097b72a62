//! Hedging policies over generated and recorded markets.
