//! Hedging policies over generated paths and recorded chains, and statistics of what came of them.
//!
//! | module | what |
//! |---|---|
//! | [`chains`] | options sold on recorded chains, hedged at recorded prices |
//! | [`intervals`] | which delta hedges a short option best over one interval of recorded chains? |
//! | [`monte_carlo`] | a book of options hedged over generated paths, by every policy at once |
//! | [`statistics`] | how large are errors and tails, and is one hedge better than another? |
//!
//! What decides is `hedge::policy`, here as in the live engine; this crate makes the paths, keeps the books and counts.

pub mod chains;
pub mod intervals;
pub mod monte_carlo;
pub mod statistics;
