//! Protocols that compute in integers: exact to the last unit of their own arithmetic.

mod drift;
mod dydx;
mod mango;

pub(crate) use drift::Drift;
pub(crate) use dydx::Dydx;
pub(crate) use mango::Mango;
