//! Suites of the margin models: protocols' own tests, exchanges' answers and documented examples.

pub(super) mod drift;
pub(super) mod dydx;
mod integers;
pub(super) mod mango;
