//! Tests of the paper world as a whole.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod chain;
mod conserved;
mod engine_agrees;
mod faults;
mod hedged;
mod hostile;
mod market;
mod orders;
mod same;
mod trader;
mod transfers;
