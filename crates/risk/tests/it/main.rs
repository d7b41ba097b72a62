//! Properties that every report rests on.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::float_cmp)] // test code: expected values may use the platform's functions

mod conventions;
mod cube;
mod explain;
mod exposure;
mod fixture;
mod shocks;
mod smile;
mod var;
