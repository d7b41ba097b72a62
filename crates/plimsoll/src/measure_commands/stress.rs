//! `plimsoll stress`
use crate::cli::StressArgs;
use crate::failure::Failure;
use std::process::ExitCode;
pub(crate) fn run(_: &StressArgs) -> Result<ExitCode, Failure> {
    Err(Failure::Usage("".into()))
}
