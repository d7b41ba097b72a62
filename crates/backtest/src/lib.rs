//! Hedging policies over generated paths and recorded chains, and statistics of what came of them.
//!
//! | module | question |
//! |---|---|
//! | [`monte_carlo`] | what do policies make of a book of options over generated paths, all on the same paths? |
//! | [`intervals`] | which delta hedges a short option best over one interval of recorded chains? |
//! | [`statistics`] | how large are errors and tails, and is one hedge better than another? |
//!
//! What decides is `hedge::policy`, here as in the live engine; this crate makes the paths, keeps the books and counts.

pub mod intervals;
pub mod monte_carlo;
pub mod statistics;
