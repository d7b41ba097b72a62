//! Wallets and chains: holdings as spot, `ETH/USDC` (valued in USDC) or `ETH-SPOT` (valued in USD). Quantities are coins.
//!
//! Tokens may be written in any case (`stETH`): assets compare in capitals. Dots and underscores are part of some names.

use super::{Ask, spot, spot_words};
use crate::contract::Contract;
use crate::resolve::{Leg, SymbolError};
use units::Asset;

const EXPECTED: &str =
    "a token and what it is valued in, such as ETH/USDC, or a token valued in USD, such as ETH-SPOT";

pub(super) fn resolve(ask: Ask<'_>) -> Result<Vec<Leg>, SymbolError> {
    let pair =
        ask.text().split_once('/').or_else(|| ask.text().strip_suffix("-SPOT").map(|base| (base, "USD")));
    let (base, quote) = pair.ok_or_else(|| ask.wrong(EXPECTED))?;
    Ok(ask.plain(spot(token(ask, base)?, token(ask, quote)?)))
}

fn token(ask: Ask<'_>, text: &str) -> Result<Asset, SymbolError> {
    if is_token(text) { Asset::new(text).map_err(|_| ask.wrong(EXPECTED)) } else { Err(ask.wrong(EXPECTED)) }
}

fn is_token(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_');
    (1..=30).contains(&text.len()) && text.bytes().all(plain)
}

pub(super) fn spell(contract: &Contract) -> Option<String> {
    let (base, quote) = spot_words(contract)?;
    if !(is_token(base) && is_token(quote)) {
        return None;
    }
    Some(if quote == "USD" { format!("{base}-SPOT") } else { format!("{base}/{quote}") })
}
