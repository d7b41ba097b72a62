//! dYdX v4: perpetuals `BTC-USD`, quoted in USD and paid in USDC. Quantities are coins. Source: recorded indexer answers.
//!
//! Left out: markets whose name carries a pool address (`PEPE,RAYDIUM,...-USD`).

use super::{Ask, dollars_paid_in, is_dollars_paid_in, is_plain};
use crate::contract::{Contract, Terms};
use crate::resolve::{Leg, SymbolError};

const EXPECTED: &str = "a coin and USD, such as BTC-USD";

pub(super) fn resolve(ask: Ask<'_>) -> Result<Vec<Leg>, SymbolError> {
    let coin = ask.text().strip_suffix("-USD").ok_or_else(|| ask.wrong(EXPECTED))?;
    let underlying = ask.asset(coin, EXPECTED)?;
    let settlement = dollars_paid_in(ask.currency("USDC")?);
    Ok(ask.plain(Contract { underlying, terms: Terms::Perpetual, settlement }))
}

pub(super) fn spell(contract: &Contract) -> Option<String> {
    let coin = contract.underlying.as_str();
    let listed = contract.terms == Terms::Perpetual && is_dollars_paid_in(contract, "USDC");
    (listed && is_plain(coin)).then(|| format!("{coin}-USD"))
}
