//! The binary: commands, rendering, conformance suites.
fn main() {}
