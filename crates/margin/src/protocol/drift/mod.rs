//! Drift v2: cross margin of deposits, borrows and perpetuals in integers of 128 bits.
//!
//! The engine ([`total`] and the liquidation functions) works in the program's units and truncates where it truncates; an
//! overflow is an error. The model below it reads a rulebook and an account state: amounts and oracle prices (the index, USD;
//! currencies at their USD rate) become integers to the nearest, and the result is stated in USD.
//!
//! `counted` of the outcome is the program's total collateral, `requirement` its margin requirement. A borrow is in the
//! requirement at its liability weight and brings no collateral. An account state has no five-minute average, no open
//! orders, no deposits of the whole market and no ratio of the user's own: the engine takes them, the model leaves them out.

mod account;
mod liquidation;
mod margin;
mod rules;
#[cfg(test)]
mod tests;
mod weights;

pub use liquidation::{
    AssetHeld, Fee, FundingDelta, Interest, Multiplier, OpenInterest, PerpShortage, SpotLoss, SpotShortage,
    SpotSide, Transfer, asset_for_liability, funding_delta_of_bankruptcy, interest_delta_of_bankruptcy,
    liability_for_asset,
};
pub use margin::{Margin, MarginContext, PerpPosition, SpotOrders, SpotPosition, StrictPrice, total};
pub(crate) use rules::Drift;
pub use weights::{
    Base, Decimals, DepositScale, DriftError, Imf, MarginLevel, PerpMarket, Price, Quote, Size, SpotWeights,
    TokenAmount, Weight,
};
