//! The binary's library: commands, rendering, conformance suites.
//!
//! `cli` says what can be asked, `load` turns file names into checked inputs, [`risk::Report`] holds every number, and
//! `render` shows it. Nothing here computes a risk figure.

mod cli;
mod conformance;
mod document;
mod example;
mod failure;
mod load;
mod meter;
mod render;
mod report_command;

use clap::Parser;
use cli::{Cli, Command};
use failure::Failure;
use std::process::ExitCode;

/// Runs the command line: results on standard output, everything else on standard error.
#[must_use]
pub fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Report(args) => report_command::run(&args),
        Command::Example(args) => example_command(&args),
        Command::Conformance(_) => Err(Failure::Usage("not wired yet".into())),
    };
    done.unwrap_or_else(|failure| {
        eprintln!("plimsoll: {}", failure.to_string().trim_end());
        failure.exit_code()
    })
}

fn example_command(_args: &cli::ExampleArgs) -> Result<ExitCode, Failure> {
    Err(Failure::Usage("not wired yet".into()))
}
