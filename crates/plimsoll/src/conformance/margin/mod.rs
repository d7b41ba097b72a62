//! Suites of the margin models: protocols' own tests, exchanges' answers and documented examples.

pub(super) mod deribit_pm;
mod derive;
pub(super) mod derive_srm;
