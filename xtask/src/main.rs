//! Checks on the source tree itself.
fn main() {}
