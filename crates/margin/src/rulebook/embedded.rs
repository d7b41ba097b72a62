//! The rulebooks that ship with the program, embedded so that one binary is all a user needs.

/// File name and text.
#[rustfmt::skip] // one line a file
pub(super) const FILES: &[(&str, &str)] = &[
    ("rulebooks/binance-options.toml", include_str!("../../../../rulebooks/binance-options.toml")),
    ("rulebooks/bit-com-options.toml", include_str!("../../../../rulebooks/bit-com-options.toml")),
    ("rulebooks/bybit-options.toml", include_str!("../../../../rulebooks/bybit-options.toml")),
    ("rulebooks/deribit-sm.toml", include_str!("../../../../rulebooks/deribit-sm.toml")),
    ("rulebooks/deribit-xsm.toml", include_str!("../../../../rulebooks/deribit-xsm.toml")),
    ("rulebooks/okx-options.toml", include_str!("../../../../rulebooks/okx-options.toml")),
];
