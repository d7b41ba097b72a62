//! The engine against its definition: a valuation from nothing, a replay, a crash, and rules of limits and reports.
#![allow(clippy::unwrap_used, clippy::panic, clippy::float_cmp)] // helpers of tests fail as tests do

mod acting;
mod caches;
mod codec;
mod collateral;
mod durable;
mod explain;
mod limits;
mod margins;
mod reconcile;
mod recorded;
mod triggers;
mod views;
mod world;
