//! Renderings of what was computed: they show, they never compute.

pub(crate) mod feeds;
pub(crate) mod flat;
pub(crate) mod grid;
pub(crate) mod html;
pub(crate) mod json;
pub(crate) mod liquidation;
pub(crate) mod margin;
pub(crate) mod number;
pub(crate) mod sheet;
pub(crate) mod surface;
pub(crate) mod table;
pub(crate) mod tables;
pub(crate) mod whatif;
