//! Formula engines: each leg or market by a closed formula, no scenarios.

mod options;
mod srm;
pub(crate) mod tiered;
pub mod srm;

pub(crate) use options::OptionsMargin;
pub(crate) use srm::Srm;
pub(crate) use tiered::TieredMargin;
