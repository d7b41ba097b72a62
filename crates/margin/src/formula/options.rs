//! Options margined one by one.

use crate::report::Outcome;
use crate::rulebook::section::Section;
use crate::state::AccountState;

/// Parameters.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OptionsMargin {}

impl OptionsMargin {
    pub(crate) fn read(_root: &Section<'_>) -> Option<Self> {
        Some(Self {})
    }

    pub(crate) fn margin(&self, _state: &AccountState) -> Outcome {
        Outcome::default()
    }
}
