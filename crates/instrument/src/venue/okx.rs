//! OKX: spot `BTC-USDT`, perpetuals `BTC-USDT-SWAP` (linear) and `BTC-USD-SWAP` (inverse), futures `BTC-USD-241227`, options
//! `BTC-USD-250328-92000-C` (paid in the coin).
//!
//! Source: recorded `public/instruments`. Positions count contracts of `ctVal x ctMult`, which stand in the specifications.
//! Spread books (`BTC-USDT_BTC-USDT-SWAP`) and `BTC-USD_UM_XPERP-310404` are left out.

use super::{Ask, is_plain, letter, linear_currency, spell_strike, spell_year_month_day, spot, spot_words};
use crate::contract::{Contract, Settlement, Terms};
use crate::resolve::{Leg, SymbolError};
use crate::specs::Product;
use units::Asset;

const EXPECTED: &str =
    "BTC-USDT, BTC-USDT-SWAP, BTC-USD-SWAP, BTC-USD-241227, BTC-USDT-241227 or BTC-USD-250328-92000-C";
const QUOTE: &str =
    "USD (inverse), USDT or USDC (linear) as second word of a derivative, such as BTC-USD-SWAP";

pub(super) fn resolve(ask: Ask<'_>) -> Result<Vec<Leg>, SymbolError> {
    let parts: Vec<&str> = ask.text().split('-').collect();
    match parts.as_slice() {
        [base, quote] => Ok(ask.plain(spot(ask.asset(base, EXPECTED)?, ask.asset(quote, EXPECTED)?))),
        [base, quote, "SWAP"] => future(ask, [base, quote], Terms::Perpetual),
        [base, quote, day] => {
            future(ask, [base, quote], Terms::Future { expiry: ask.year_month_day(day, 2)? })
        }
        [base, "USD", day, strike, kind] => {
            let underlying = ask.asset(base, EXPECTED)?;
            let (expiry, strike) = (ask.year_month_day(day, 2)?, ask.strike(strike, '.')?);
            let terms = Terms::Option { expiry, strike, kind: ask.kind(kind, EXPECTED)? };
            let size = ask.contract_size(Product::Option, &underlying)?;
            Ok(ask.sized(Contract { underlying, terms, settlement: Settlement::Inverse }, size))
        }
        _ => Err(ask.wrong(EXPECTED)),
    }
}

fn future(ask: Ask<'_>, [base, quote]: [&str; 2], terms: Terms) -> Result<Vec<Leg>, SymbolError> {
    let underlying: Asset = ask.asset(base, EXPECTED)?;
    let (settlement, product) = match quote {
        "USD" => (Settlement::Inverse, Product::InverseFuture),
        "USDT" => (Settlement::Linear { currency: ask.currency("USDT")? }, Product::UsdtFuture),
        "USDC" => (Settlement::Linear { currency: ask.currency("USDC")? }, Product::UsdcFuture),
        _ => return Err(ask.wrong(QUOTE)),
    };
    let size = ask.contract_size(product, &underlying)?;
    Ok(ask.sized(Contract { underlying, terms, settlement }, size))
}

pub(super) fn spell(contract: &Contract) -> Option<String> {
    let coin = contract.underlying.as_str();
    if let Some((base, quote)) = spot_words(contract) {
        return (is_plain(base) && is_plain(quote)).then(|| format!("{base}-{quote}"));
    }
    let quote = match &contract.settlement {
        Settlement::Inverse => "USD",
        _ => linear_currency(contract, &["USDT", "USDC"])?,
    };
    if !is_plain(coin) {
        return None;
    }
    match &contract.terms {
        Terms::Spot => None,
        Terms::Perpetual => Some(format!("{coin}-{quote}-SWAP")),
        Terms::Future { expiry } => Some(format!("{coin}-{quote}-{}", spell_year_month_day(*expiry)?)),
        Terms::Option { expiry, strike, kind } if quote == "USD" => {
            let (day, strike) = (spell_year_month_day(*expiry)?, spell_strike(*strike, ".")?);
            Some(format!("{coin}-USD-{day}-{strike}-{}", letter(*kind)))
        }
        Terms::Option { .. } => None,
    }
}
