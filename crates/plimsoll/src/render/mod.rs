//! Renderings of one [`risk::Report`]: they show, they never compute.

pub(crate) mod html;
pub(crate) mod json;
pub(crate) mod number;
pub(crate) mod table;
pub(crate) mod tables;
