//! Bybit derivatives: linear perpetuals `BTCUSDT` (USDT) and `BTCPERP` (USDC), inverse perpetuals `BTCUSD`, inverse quarterly
//! futures `BTCUSDU23`, USDC futures `BTC-27DEC24`, options `BTC-6JAN23-17500-C` (USDC) and `BTC-27DEC24-17500-C-USDT`. Spot
//! has the same names as linear perpetuals (`BTCUSDT`), so it is a venue word of its own, `bybit-spot`.
//!
//! Source: recorded instruments and tickers. Quantities are coins, or USD for inverse contracts. A name that starts or ends
//! in 1000 (`1000PEPEUSDT`, `SHIB1000USDT`) is a bundle of coins. Quarterly futures settle on the last Friday of March (`H`),
//! June (`M`), September (`U`) or December (`Z`): one recorded delivery time (BTCUSDU23, 2023-09-29) agrees.
//!
//! Left out: USDT futures with an expiry (no recording shows their spelling).

use super::{
    Ask, Civil, is_unbundled, letter, linear_currency, listed_day, number, spell_day_month_year,
    spell_strike, unbundle,
};
use crate::contract::{Contract, Settlement, Terms};
use crate::resolve::{Leg, SymbolError};
use units::{Asset, Decimal, Timestamp};

const EXPECTED: &str = "BTCUSDT, BTCPERP, BTCUSD, BTCUSDU23, BTC-27DEC24, BTC-6JAN23-17500-C or BTC-6JAN23-17500-C-USDT \
                        (spot is venue bybit-spot)";
const SPOT: &str = "a coin and a quote currency, such as BTCUSDT";
const QUARTERS: [(char, i8); 4] = [('H', 3), ('M', 6), ('U', 9), ('Z', 12)];

pub(super) fn resolve_spot(ask: Ask<'_>) -> Result<Vec<Leg>, SymbolError> {
    ask.joined_spot(SPOT)
}

pub(super) fn resolve(ask: Ask<'_>) -> Result<Vec<Leg>, SymbolError> {
    let parts: Vec<&str> = ask.text().split('-').collect();
    match parts.as_slice() {
        [name] => joined(ask, name),
        [coin, day] => {
            let expiry = ask.day_month_year(day)?;
            linear(ask, coin, Terms::Future { expiry }, ask.currency("USDC")?)
        }
        [coin, day, strike, kind] => option(ask, [coin, day, strike, kind], "USDC"),
        [coin, day, strike, kind, "USDT"] => option(ask, [coin, day, strike, kind], "USDT"),
        _ => Err(ask.wrong(EXPECTED)),
    }
}

fn joined(ask: Ask<'_>, name: &str) -> Result<Vec<Leg>, SymbolError> {
    if let Some(coin) = name.strip_suffix("USDT") {
        return linear(ask, coin, Terms::Perpetual, ask.currency("USDT")?);
    }
    if let Some(coin) = name.strip_suffix("PERP") {
        return linear(ask, coin, Terms::Perpetual, ask.currency("USDC")?);
    }
    if let Some(coin) = name.strip_suffix("USD") {
        return inverse(ask, coin, Terms::Perpetual);
    }
    let Some((coin, quarter)) = name.rsplit_once("USD") else { return Err(ask.wrong(EXPECTED)) };
    let expiry = quarterly(ask, quarter)?;
    inverse(ask, coin, Terms::Future { expiry })
}

/// `U23`: the last Friday of September 2023.
fn quarterly(ask: Ask<'_>, text: &str) -> Result<Timestamp, SymbolError> {
    let mut letters = text.chars();
    let month = letters.next().and_then(|letter| QUARTERS.into_iter().find(|(known, _)| *known == letter));
    let (Some((_, month)), year) = (month, letters.as_str()) else { return Err(ask.wrong(EXPECTED)) };
    let wrong = || ask.wrong_day(text, "H, M, U or Z and two digits of a year, such as U23");
    if year.len() != 2 {
        return Err(wrong());
    }
    for day in (24..=31).rev() {
        let date = Civil { year: number(year), month: Some(month), day: Some(day) };
        if let Some(instant) = ask.settlement(date)?.filter(|instant| is_friday(*instant)) {
            return Ok(instant);
        }
    }
    Err(wrong())
}

/// 1970-01-01 was a Thursday.
const fn is_friday(instant: Timestamp) -> bool {
    const NANOS_PER_DAY: i64 = 86_400_000_000_000;
    instant.unix_nanos().div_euclid(NANOS_PER_DAY).rem_euclid(7) == 1
}

fn inverse(ask: Ask<'_>, coin: &str, terms: Terms) -> Result<Vec<Leg>, SymbolError> {
    let underlying = ask.asset(coin, EXPECTED)?;
    Ok(ask.plain(Contract { underlying, terms, settlement: Settlement::Inverse }))
}

fn linear(ask: Ask<'_>, name: &str, terms: Terms, currency: Asset) -> Result<Vec<Leg>, SymbolError> {
    let (coin, bundle) = bundle_of(name);
    let underlying = ask.asset(coin, EXPECTED)?;
    let settlement = Settlement::Linear { currency };
    Ok(ask.bundled(Contract { underlying, terms, settlement }, bundle))
}

/// `1000PEPE` and `SHIB1000` are bundles of a thousand.
fn bundle_of(name: &str) -> (&str, Decimal) {
    match name.strip_suffix("1000") {
        Some(coin) if coin.ends_with(|c: char| c.is_ascii_uppercase()) => (coin, Decimal::ONE_THOUSAND),
        _ => unbundle(name),
    }
}

fn option(
    ask: Ask<'_>,
    [coin, day, strike, kind]: [&str; 4],
    quote: &'static str,
) -> Result<Vec<Leg>, SymbolError> {
    let underlying = ask.asset(coin, EXPECTED)?;
    let (expiry, strike) = (ask.day_month_year(day)?, ask.strike(strike, '.')?);
    let terms = Terms::Option { expiry, strike, kind: ask.kind(kind, EXPECTED)? };
    let settlement = Settlement::Linear { currency: ask.currency(quote)? };
    Ok(ask.plain(Contract { underlying, terms, settlement }))
}

pub(super) fn spell(contract: &Contract) -> Option<String> {
    let coin = contract.underlying.as_str();
    if contract.settlement == Settlement::Inverse {
        return spell_inverse(contract);
    }
    let quote = linear_currency(contract, &["USDT", "USDC"])?;
    if !is_unbundled(coin) || bundle_of(coin).1 != Decimal::ONE {
        return None;
    }
    match (&contract.terms, quote) {
        (Terms::Perpetual, "USDT") => Some(format!("{coin}USDT")),
        (Terms::Perpetual, _) => Some(format!("{coin}PERP")),
        (Terms::Future { expiry }, "USDC") => Some(format!("{coin}-{}", spell_day_month_year(*expiry)?)),
        (Terms::Option { expiry, strike, kind }, quote) => {
            let (day, strike) = (spell_day_month_year(*expiry)?, spell_strike(*strike, ".")?);
            let suffix = if quote == "USDT" { "-USDT" } else { "" };
            Some(format!("{coin}-{day}-{strike}-{}{suffix}", letter(*kind)))
        }
        _ => None,
    }
}

fn spell_inverse(contract: &Contract) -> Option<String> {
    let coin = contract.underlying.as_str();
    if !super::is_plain(coin) {
        return None;
    }
    match &contract.terms {
        Terms::Perpetual => Some(format!("{coin}USD")),
        Terms::Future { expiry } => {
            let (year, month, day) = listed_day(*expiry)?;
            let (letter, _) = QUARTERS.into_iter().find(|(_, known)| *known == month)?;
            let days = if matches!(month, 3 | 12) { 31 } else { 30 };
            let last_friday = is_friday(*expiry) && day + 7 > days;
            last_friday.then(|| format!("{coin}USD{letter}{:02}", year - 2000))
        }
        Terms::Spot | Terms::Option { .. } => None,
    }
}
