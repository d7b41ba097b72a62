//! dYdX v4: cross margin of linear USDC perpetuals in integers.
//!
//! The engine ([`risk`](Subaccount::risk) and the liquidation prices) works in the chain's units. The model below it reads a
//! rulebook and an account state: sizes to base quantums and oracle prices (the index, USD) to integers of their exponent,
//! to the nearest, entry values to quote quantums, rounded up against the account; then everything is integer until the
//! result is stated in USD. The chain counts one USDC as one USD, also when the market does not.
//!
//! Covered: perpetuals with parameters in the rulebook, settled in USDC, and USDC. All else is unmargined. Not modelled:
//! funding accrued since the last settlement (a state has no funding index), user-set leverage, isolated pools.

mod account;
mod liquidation;
mod risk;
mod rules;
#[cfg(test)]
mod tests;

pub use liquidation::{Closing, Fill, FillablePriceConfig, Side};
pub use risk::{
    AssetId, BaseQuantums, DydxError, FundingIndex, LiquidityTier, Notional, Perpetual, PerpetualId,
    Perpetuals, Position, Ppm, QuoteQuantums, Risk, Subaccount, Update,
};
pub(crate) use rules::Dydx;
