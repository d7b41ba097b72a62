//! `plimsoll explain`
use crate::cli::ExplainArgs;
use crate::failure::Failure;
use std::process::ExitCode;
pub(crate) fn run(_: &ExplainArgs) -> Result<ExitCode, Failure> {
    Err(Failure::Usage("".into()))
}
