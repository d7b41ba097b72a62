//! Fees and funding, as exact amounts of what a contract is paid in.
//!
//! Fees are a rate of the notional: quantity x price for what is linear, quantity / price in coin for inverse futures; for options a rate of
//! the underlying, at most an eighth of the premium. They are rounded to eight places away from zero, funding half to even.

use crate::listed::Listed;
use instrument::Settlement;
use rust_decimal::RoundingStrategy;
use units::{Decimal, Money, exact_product};

const PLACES: u32 = 8;

/// Rates of a venue.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FeeRate {
    /// Of what is traded.
    pub(crate) bp: Decimal,
    /// In the asset of the fee, on top.
    pub(crate) gas: Decimal,
}

/// The fee of a trade; none where it has over 28 digits.
pub(crate) fn fee(
    listed: &Listed,
    (quantity, price): (Decimal, Decimal),
    index: Decimal,
    rate: FeeRate,
) -> Option<Money> {
    let size = exact_product(quantity.abs(), listed.listing.contract_size)?;
    let share = rate.bp / Decimal::from(10_000);
    let charged = match (&listed.option, listed.is_inverse) {
        (None, false) => exact_product(exact_product(size, price)?, share)?,
        (None, true) => size.checked_div(price)?.checked_mul(share)?,
        (Some(_), is_inverse) => {
            let whole = if is_inverse { size } else { exact_product(size, index)? };
            let most = exact_product(size, price)?.checked_mul(Decimal::new(125, 3))?;
            exact_product(whole, share)?.min(most)
        }
    };
    let charged = charged.round_dp_with_strategy(PLACES, RoundingStrategy::AwayFromZero);
    let amount = scaled(listed, charged)?.checked_add(rate.gas)?.normalize();
    Some(Money { amount, asset: listed.listing.contract.settlement_asset().clone() })
}

/// What a position receives at a funding rate for the interval: longs pay where the rate is above zero.
pub(crate) fn funding(listed: &Listed, quantity: Decimal, index: Decimal, rate: Decimal) -> Option<Money> {
    let size = exact_product(quantity, listed.listing.contract_size)?;
    let notional = if listed.is_inverse { size.checked_div(index)? } else { exact_product(size, index)? };
    let paid = notional.checked_mul(rate)?.round_dp(PLACES).normalize();
    Some(Money { amount: -scaled(listed, paid)?, asset: listed.listing.contract.settlement_asset().clone() })
}

fn scaled(listed: &Listed, amount: Decimal) -> Option<Decimal> {
    match &listed.listing.contract.settlement {
        Settlement::Quanto { multiplier, .. } => exact_product(amount, *multiplier),
        Settlement::Linear { .. } | Settlement::Inverse => Some(amount),
    }
}
