//! The rulebooks that ship with the program, embedded so that one binary is all a user needs.

/// File name and text.
#[rustfmt::skip] // one line a file
pub(super) const FILES: &[(&str, &str)] = &[
    ("rulebooks/drift-v2.toml", include_str!("../../../../rulebooks/drift-v2.toml")),
    ("rulebooks/dydx-v4.toml", include_str!("../../../../rulebooks/dydx-v4.toml")),
    ("rulebooks/mango-v4.toml", include_str!("../../../../rulebooks/mango-v4.toml")),
];
