//! Properties that every report rests on.

#![allow(clippy::unwrap_used)] // test code: a failure to build a fixture is a failed test

mod cube;
mod exposure;
mod fixture;
mod shocks;
