//! Properties that every report rests on.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)] // test code: expected values may use the platform's functions

mod conventions;
mod cube;
mod exposure;
mod fixture;
mod shocks;
