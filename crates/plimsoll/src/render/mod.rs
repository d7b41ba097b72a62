//! Renderings of one [`risk::Report`]: they show, they never compute.

pub(crate) mod html;
