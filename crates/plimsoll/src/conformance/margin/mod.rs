//! Suites of margin: published examples and recorded accounts, against the margin engines.

pub(super) mod hyperliquid;
pub(super) mod tiered;
