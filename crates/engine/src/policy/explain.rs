//! When the change of the book is explained by cause.
//!
//! ```toml
//! [explain]
//! every_seconds = 5   # at the first clock after so long
//! ```

use super::Checker;
use crate::explain::ExplainRules;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExplainToml {
    every_seconds: u32,
}

impl Checker<'_> {
    pub(super) fn explain(&mut self, raw: &ExplainToml) -> ExplainRules {
        if raw.every_seconds == 0 || raw.every_seconds > 86_400 {
            self.issue("explain.every_seconds", &raw.every_seconds.to_string(), "one second to one day");
        }
        ExplainRules { every_seconds: raw.every_seconds }
    }
}
