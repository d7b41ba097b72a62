//! Properties that every report rests on.

mod cube;
mod exposure;
mod fixture;
mod shocks;
