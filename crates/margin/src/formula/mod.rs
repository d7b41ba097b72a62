//! Formula engines: each leg or market by a closed formula, no scenarios.

mod options;
pub mod srm;
pub(crate) mod tiered;

pub(crate) use options::OptionsMargin;
pub(crate) use srm::Srm;
pub(crate) use tiered::TieredMargin;
