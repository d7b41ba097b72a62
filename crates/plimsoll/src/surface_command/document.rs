//! What every rendering of `plimsoll surface` is made from.

use crate::document::InputFile;
use market::surface::FamilyFit;
use units::{Issues, Timestamp};

/// Surfaces of a market with their provenance.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SurfaceDocument {
    pub(crate) asof: Timestamp,
    pub(crate) inputs: Vec<InputFile>,
    /// Bad rows, left out because the user allowed a partial result.
    pub(crate) issues: Issues,
    /// Market rows that are sound but not used, by reason.
    pub(crate) not_used: Vec<(&'static str, u64)>,
    /// What a reader should know about inputs and market.
    pub(crate) notes: Vec<String>,
    /// By underlying and quote currency.
    pub(crate) families: Vec<FamilyFit>,
    pub(crate) detail: Detail,
}

/// How much of each slice a table for a terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// What a desk reads daily.
    Summary,
    /// The parameters too.
    Parameters,
}

impl SurfaceDocument {
    /// True when something that was given is in no figure.
    pub(crate) fn is_partial(&self) -> bool {
        !self.issues.is_empty()
    }
}
