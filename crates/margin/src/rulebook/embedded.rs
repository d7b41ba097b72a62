//! The rulebooks that ship with the program, embedded so that one binary is all a user needs.

/// File name and text.
#[rustfmt::skip] // one line a file
pub(super) const FILES: &[(&str, &str)] = &[
    ("rulebooks/derive-pmrm1.toml", include_str!("../../../../rulebooks/derive-pmrm1.toml")),
    ("rulebooks/derive-pmrm2.toml", include_str!("../../../../rulebooks/derive-pmrm2.toml")),
    ("rulebooks/deribit-pm.toml", include_str!("../../../../rulebooks/deribit-pm.toml")),
    ("rulebooks/deribit-xpm.toml", include_str!("../../../../rulebooks/deribit-xpm.toml")),
    ("rulebooks/unified.toml", include_str!("../../../../rulebooks/unified.toml")),
    ("rulebooks/binance-options.toml", include_str!("../../../../rulebooks/binance-options.toml")),
    ("rulebooks/bit-com-options.toml", include_str!("../../../../rulebooks/bit-com-options.toml")),
    ("rulebooks/bybit-options.toml", include_str!("../../../../rulebooks/bybit-options.toml")),
    ("rulebooks/deribit-sm.toml", include_str!("../../../../rulebooks/deribit-sm.toml")),
    ("rulebooks/deribit-xsm.toml", include_str!("../../../../rulebooks/deribit-xsm.toml")),
    ("rulebooks/okx-options.toml", include_str!("../../../../rulebooks/okx-options.toml")),
    ("rulebooks/binance-usdm.toml", include_str!("../../../../rulebooks/binance-usdm.toml")),
    ("rulebooks/binance-coinm.toml", include_str!("../../../../rulebooks/binance-coinm.toml")),
    ("rulebooks/binance-pm.toml", include_str!("../../../../rulebooks/binance-pm.toml")),
    ("rulebooks/hyperliquid.toml", include_str!("../../../../rulebooks/hyperliquid.toml")),
    ("rulebooks/hyperliquid-isolated.toml", include_str!("../../../../rulebooks/hyperliquid-isolated.toml")),
    ("rulebooks/hyperliquid-unified.toml", include_str!("../../../../rulebooks/hyperliquid-unified.toml")),
    ("rulebooks/hyperliquid-portfolio.toml", include_str!("../../../../rulebooks/hyperliquid-portfolio.toml")),
    ("rulebooks/okx-pm.toml", include_str!("../../../../rulebooks/okx-pm.toml")),
    ("rulebooks/bybit-pm.toml", include_str!("../../../../rulebooks/bybit-pm.toml")),
    ("rulebooks/span.toml", include_str!("../../../../rulebooks/span.toml")),
    ("rulebooks/derive-srm.toml", include_str!("../../../../rulebooks/derive-srm.toml")),
    ("rulebooks/drift-v2.toml", include_str!("../../../../rulebooks/drift-v2.toml")),
    ("rulebooks/dydx-v4.toml", include_str!("../../../../rulebooks/dydx-v4.toml")),
    ("rulebooks/mango-v4.toml", include_str!("../../../../rulebooks/mango-v4.toml")),
];
