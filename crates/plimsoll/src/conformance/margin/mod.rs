//! Suites of the margin models: protocols' own tests, exchanges' answers and documented examples.

pub(super) mod deribit_pm;
pub(super) mod derive_pmrm;
pub(super) mod documented;
pub(super) mod hyperliquid;
pub(super) mod tiered;
