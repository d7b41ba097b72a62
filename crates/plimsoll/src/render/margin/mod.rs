//! Renderings of `plimsoll margin`.

mod extras;
pub(crate) mod json;
pub(crate) mod parts;
pub(crate) mod table;
pub(crate) mod tables;
