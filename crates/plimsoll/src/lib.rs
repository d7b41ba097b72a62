//! The binary's library: commands, rendering, conformance suites.

mod conformance;
mod document;
mod example;
mod render;

/// Runs the command line.
#[must_use]
pub fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
