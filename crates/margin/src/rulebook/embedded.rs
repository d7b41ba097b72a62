//! The rulebooks that ship with the program, embedded so that one binary is all a user needs.

/// File name and text.
#[rustfmt::skip] // one line a file
pub(super) const FILES: &[(&str, &str)] = &[
    ("rulebooks/derive-pmrm1.toml", include_str!("../../../../rulebooks/derive-pmrm1.toml")),
    ("rulebooks/derive-pmrm2.toml", include_str!("../../../../rulebooks/derive-pmrm2.toml")),
    ("rulebooks/deribit-pm.toml", include_str!("../../../../rulebooks/deribit-pm.toml")),
    ("rulebooks/deribit-xpm.toml", include_str!("../../../../rulebooks/deribit-xpm.toml")),
    ("rulebooks/unified.toml", include_str!("../../../../rulebooks/unified.toml")),
];
