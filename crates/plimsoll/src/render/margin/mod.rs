//! Renderings of `plimsoll margin`.

pub(crate) mod json;
pub(crate) mod parts;
pub(crate) mod table;
pub(crate) mod tables;
