//! Binance derivatives, three products under one word because their names do not collide: options `BTC-251219-89000-C` (paid
//! in USDT), USD-M `BTCUSDT` and `BTCUSDT_251226`, COIN-M `BTCUSD_PERP` and `BTCUSD_251226`. Spot shares `BTCUSDT` with USD-M,
//! so it is a venue word of its own, `binance-spot`.
//!
//! Source: recorded exchangeInfo. USD-M quantities are coins; a name that starts in 1000 (`1000SHIBUSDT`) is a bundle. COIN-M
//! counts contracts of 100 USD (BTC) or 10 USD; option units stand in the specifications.

use super::{
    Ask, is_plain, is_unbundled, letter, linear_currency, spell_strike, spell_year_month_day, unbundle,
};
use crate::contract::{Contract, Settlement, Terms};
use crate::resolve::{Leg, SymbolError};
use crate::specs::Product;

const EXPECTED: &str =
    "BTCUSDT, BTCUSDT_251226, BTCUSD_PERP, BTCUSD_251226 or BTC-251219-89000-C (spot is venue binance-spot)";
const SPOT: &str = "a coin and a quote currency, such as BTCUSDT";
const LINEAR: [&str; 3] = ["USDT", "USDC", "BUSD"];

pub(super) fn resolve_spot(ask: Ask<'_>) -> Result<Vec<Leg>, SymbolError> {
    ask.joined_spot(SPOT)
}

pub(super) fn resolve(ask: Ask<'_>) -> Result<Vec<Leg>, SymbolError> {
    let parts: Vec<&str> = ask.text().split('-').collect();
    match parts.as_slice() {
        [name] => match name.split_once('_') {
            None => linear(ask, name, Terms::Perpetual),
            Some((pair, "PERP")) => inverse(ask, pair, Terms::Perpetual),
            Some((pair, day)) => {
                let terms = Terms::Future { expiry: ask.year_month_day(day, 2)? };
                // Not BUSD: BNBUSD_210924 is BNB against USD.
                if ["USDT", "USDC"].iter().any(|quote| pair.ends_with(quote)) {
                    linear(ask, pair, terms)
                } else {
                    inverse(ask, pair, terms)
                }
            }
        },
        [coin, day, strike, kind] => {
            let underlying = ask.asset(coin, EXPECTED)?;
            let (expiry, strike) = (ask.year_month_day(day, 2)?, ask.strike(strike, '.')?);
            let terms = Terms::Option { expiry, strike, kind: ask.kind(kind, EXPECTED)? };
            let size = ask.contract_size(Product::Option, &underlying)?;
            let settlement = Settlement::Linear { currency: ask.currency("USDT")? };
            Ok(ask.sized(Contract { underlying, terms, settlement }, size))
        }
        _ => Err(ask.wrong(EXPECTED)),
    }
}

fn linear(ask: Ask<'_>, pair: &str, terms: Terms) -> Result<Vec<Leg>, SymbolError> {
    let quote = LINEAR.into_iter().find(|quote| pair.ends_with(quote)).ok_or_else(|| ask.wrong(EXPECTED))?;
    let (coin, bundle) = unbundle(pair.strip_suffix(quote).unwrap_or(pair));
    let underlying = ask.asset(coin, EXPECTED)?;
    let settlement = Settlement::Linear { currency: ask.currency(quote)? };
    Ok(ask.bundled(Contract { underlying, terms, settlement }, bundle))
}

fn inverse(ask: Ask<'_>, pair: &str, terms: Terms) -> Result<Vec<Leg>, SymbolError> {
    let underlying = ask.asset(pair.strip_suffix("USD").ok_or_else(|| ask.wrong(EXPECTED))?, EXPECTED)?;
    let size = ask.contract_size(Product::InverseFuture, &underlying)?;
    Ok(ask.sized(Contract { underlying, terms, settlement: Settlement::Inverse }, size))
}

pub(super) fn spell(contract: &Contract) -> Option<String> {
    let coin = contract.underlying.as_str();
    if contract.settlement == Settlement::Inverse {
        return match &contract.terms {
            Terms::Perpetual if is_plain(coin) => Some(format!("{coin}USD_PERP")),
            Terms::Future { expiry } if is_plain(coin) => {
                Some(format!("{coin}USD_{}", spell_year_month_day(*expiry)?))
            }
            _ => None,
        };
    }
    let quote = linear_currency(contract, &LINEAR)?;
    if !is_unbundled(coin) {
        return None;
    }
    match &contract.terms {
        Terms::Perpetual => Some(format!("{coin}{quote}")),
        Terms::Future { expiry } if quote != "BUSD" => {
            Some(format!("{coin}{quote}_{}", spell_year_month_day(*expiry)?))
        }
        Terms::Option { expiry, strike, kind } if quote == "USDT" => {
            let (day, strike) = (spell_year_month_day(*expiry)?, spell_strike(*strike, ".")?);
            Some(format!("{coin}-{day}-{strike}-{}", letter(*kind)))
        }
        Terms::Spot | Terms::Future { .. } | Terms::Option { .. } => None,
    }
}
