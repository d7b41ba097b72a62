//! Hedging policies over generated and recorded markets.
//!
//! | module | question |
//! |---|---|
//! | [`intervals`] | which delta hedges a short option best over one interval of recorded chains? |
//! | [`statistics`] | how large are errors and tails, and is one hedge better than another? |

pub mod intervals;
pub mod statistics;
