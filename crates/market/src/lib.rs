//! Market state as data: snapshot, index, forward curve, quoted vols.

mod raw;

pub use raw::{Layout, RawQuote, RawSnapshot};
