//! Hedging policies over generated and recorded markets.
//!
//! | module | question |
//! |---|---|
//! | [`statistics`] | how large are errors and tails, and is one hedge better than another? |

pub mod statistics;
