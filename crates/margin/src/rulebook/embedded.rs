//! The rulebooks that ship with the program, embedded so that one binary is all a user needs.

/// File name and text.
#[rustfmt::skip] // one line a file
pub(super) const FILES: &[(&str, &str)] = &[
    ("rulebooks/binance-usdm.toml", include_str!("../../../../rulebooks/binance-usdm.toml")),
    ("rulebooks/binance-coinm.toml", include_str!("../../../../rulebooks/binance-coinm.toml")),
    ("rulebooks/binance-pm.toml", include_str!("../../../../rulebooks/binance-pm.toml")),
    ("rulebooks/hyperliquid.toml", include_str!("../../../../rulebooks/hyperliquid.toml")),
    ("rulebooks/hyperliquid-isolated.toml", include_str!("../../../../rulebooks/hyperliquid-isolated.toml")),
    ("rulebooks/hyperliquid-unified.toml", include_str!("../../../../rulebooks/hyperliquid-unified.toml")),
    ("rulebooks/hyperliquid-portfolio.toml", include_str!("../../../../rulebooks/hyperliquid-portfolio.toml")),
];
