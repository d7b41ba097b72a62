//! Derive: perpetuals `ETH-PERP`, options `ETH-20270625-6000-C` (a decimal strike writes `_` for the point), spot `ETH-USDC`,
//! collateral by the name of its asset (`USDC`, `WEETH`), which is spot against USDC. Derivatives are quoted
//! in USD by the protocol's feeds and paid in USDC one for one.
//!
//! Source: recorded instruments and subaccounts; the spelling of decimal strikes is from the connectivity report, 2.5.
//! Quantities are coins.

use super::{
    Ask, dollars_paid_in, is_dollars_paid_in, is_plain, letter, linear_currency, listed_day, spell_strike,
    spot, spot_words,
};
use crate::contract::{Contract, Terms};
use crate::resolve::{Leg, SymbolError};

const EXPECTED: &str = "ETH-PERP, ETH-20270625-6000-C, ETH-USDC or a collateral asset such as USDC";

pub(super) fn resolve(ask: Ask<'_>) -> Result<Vec<Leg>, SymbolError> {
    let parts: Vec<&str> = ask.text().split('-').collect();
    let coin = ask.asset(parts.first().copied().unwrap_or_default(), EXPECTED)?;
    let usdc = ask.currency("USDC")?;
    let terms = match parts.as_slice() {
        [_] | [_, "USDC"] => return Ok(ask.plain(spot(coin, usdc))),
        [_, "PERP"] => Terms::Perpetual,
        [_, day, strike, kind] => {
            let (expiry, strike) = (ask.year_month_day(day, 4)?, ask.strike(strike, '_')?);
            Terms::Option { expiry, strike, kind: ask.kind(kind, EXPECTED)? }
        }
        _ => return Err(ask.wrong(EXPECTED)),
    };
    Ok(ask.plain(Contract { underlying: coin, terms, settlement: dollars_paid_in(usdc) }))
}

pub(super) fn spell(contract: &Contract) -> Option<String> {
    let coin = contract.underlying.as_str();
    let listed = match contract.terms {
        Terms::Spot => linear_currency(contract, &["USDC"]).is_some(),
        _ => is_dollars_paid_in(contract, "USDC"),
    };
    if !listed || !is_plain(coin) {
        return None;
    }
    match &contract.terms {
        Terms::Spot => spot_words(contract).map(|(base, _)| format!("{base}-USDC")),
        Terms::Perpetual => Some(format!("{coin}-PERP")),
        Terms::Future { .. } => None,
        Terms::Option { expiry, strike, kind } => {
            let (year, month, day) = listed_day(*expiry)?;
            let strike = spell_strike(*strike, "_")?;
            Some(format!("{coin}-{year}{month:02}{day:02}-{strike}-{}", letter(*kind)))
        }
    }
}
