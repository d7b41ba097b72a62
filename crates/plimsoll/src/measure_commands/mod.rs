//! Commands on the distribution of gains: VaR, reverse stress, explain, covariance; how smiles move.

mod covariance;
mod explain;
mod law;
mod sheet;
mod smile;
mod stress;
mod var;

pub(crate) use covariance::run as run_covariance;
pub(crate) use explain::run as run_explain;
pub(crate) use sheet::{Section, Sheet};
pub(crate) use smile::run as run_smile;
pub(crate) use stress::run as run_stress;
pub(crate) use var::run as run_var;
