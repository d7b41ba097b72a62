//! Renderings of `plimsoll liquidation`.

pub(crate) mod json;
pub(crate) mod table;
pub(crate) mod tables;
