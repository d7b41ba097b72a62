//! Options of the commands on routes of alerts.

use super::ReportForm;
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct AlertArgs {
    #[command(subcommand)]
    pub(crate) action: AlertAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AlertAction {
    /// Send one marked test by each channel, once, and say what came of it; exit code 6 unless all arrived
    #[command(after_help = "\
Examples:
  plimsoll alert test alerts.toml                      by every channel
  plimsoll alert test alerts.toml --channel desk       by this one
  plimsoll alert test alerts.toml --dry-run --policy policy.toml    send nothing: check the file, show where alerts would go

Addresses and secrets are not shown. Keys of the file and the messages: docs/formats.md, \"Routes of alerts\"; an example is examples/alerts.toml.")]
    Test(AlertTestArgs),
}

#[derive(Debug, Args)]
pub(crate) struct AlertTestArgs {
    /// File of routes
    pub(crate) file: PathBuf,
    /// Only this channel; may be given several times
    #[arg(long, value_name = "NAME")]
    pub(crate) channel: Vec<String>,
    /// Send nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Warn of rules that this policy does not have
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t = ReportForm::Table)]
    pub(crate) format: ReportForm,
}
