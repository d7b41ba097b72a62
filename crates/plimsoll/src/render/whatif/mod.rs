//! Renderings of `plimsoll whatif`.

pub(crate) mod json;
pub(crate) mod table;
pub(crate) mod tables;
