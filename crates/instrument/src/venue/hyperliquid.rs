//! Hyperliquid: perpetuals by the name of the coin (`BTC`, also `BTC-PERP`), bundles of a thousand with a small k (`kPEPE`),
//! spot pairs by name (`PURR/USDC`) or number (`@107`, whose pair must stand in the specifications). Perpetuals are
//! quoted in USD by the venue's oracle and paid in USDC one for one.
//!
//! Source: recorded fills and mids. Quantities are coins, or bundles for `k` names; the price of a bundle is that of 1000
//! coins. `USDC` is cash, not a contract. Markets of other deployers (`km:US500`) are left out: they may not be paid in USDC.

use super::{Ask, dollars_paid_in, is_dollars_paid_in, is_plain, is_unbundled, spot, spot_words};
use crate::contract::{Contract, Terms};
use crate::resolve::{Leg, SymbolError};
use units::Decimal;

const EXPECTED: &str =
    "a perpetual by its coin (BTC, kPEPE), a spot pair (PURR/USDC) or a numbered spot pair (@107)";

pub(super) fn resolve(ask: Ask<'_>) -> Result<Vec<Leg>, SymbolError> {
    let text = ask.text();
    if text.starts_with('@') {
        let pair = ask.specs.spot_pair(ask.venue, ask.symbol).ok_or_else(|| {
            let mend = format!(
                "take it from spotMeta and add [[spot_pair]] venue = \"{}\", symbol = \"{text}\", base = \"...\", \
                 quote = \"...\" with source and checked",
                ask.venue
            );
            ask.lacks(format!("the pair behind {text}"), mend)
        })?;
        return Ok(ask.plain(spot(pair.base.clone(), pair.quote.clone())));
    }
    if let Some((base, quote)) = text.split_once('/') {
        return Ok(ask.plain(spot(ask.asset(base, EXPECTED)?, ask.asset(quote, EXPECTED)?)));
    }
    let name = text.strip_suffix("-PERP").unwrap_or(text);
    let (coin, bundle) = match name.strip_prefix('k') {
        Some(coin) => (coin, Decimal::ONE_THOUSAND),
        None => (name, Decimal::ONE),
    };
    let underlying = ask.asset(coin, EXPECTED)?;
    let currency = ask.currency("USDC")?;
    if underlying == currency {
        return Err(ask.wrong(EXPECTED));
    }
    let settlement = dollars_paid_in(currency);
    Ok(ask.bundled(Contract { underlying, terms: Terms::Perpetual, settlement }, bundle))
}

pub(super) fn spell(contract: &Contract) -> Option<String> {
    if let Some((base, quote)) = spot_words(contract) {
        // PURR is the one pair with a name; all later pairs have numbers.
        return ((base, quote) == ("PURR", "USDC")).then(|| "PURR/USDC".to_owned());
    }
    let coin = contract.underlying.as_str();
    let listed = is_unbundled(coin) && is_plain(coin) && coin != "USDC" && contract.terms == Terms::Perpetual;
    (listed && is_dollars_paid_in(contract, "USDC")).then(|| coin.to_owned())
}
