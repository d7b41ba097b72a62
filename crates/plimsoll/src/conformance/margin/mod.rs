//! Suites of the margin models: protocols' own tests, exchanges' answers and documented examples.

pub(super) mod deribit_pm;
mod derive;
mod derive_files;
pub(super) mod derive_pmrm;
pub(super) mod derive_srm;
pub(super) mod documented;
pub(super) mod drift;
pub(super) mod dydx;
pub(super) mod hyperliquid;
mod integers;
pub(super) mod mango;
pub(super) mod okx_pm;
pub(super) mod span;
pub(super) mod tiered;
