//! Positions and balances of accounts over venues and chains.

mod raw;

pub use raw::{RawRow, RowKind};
