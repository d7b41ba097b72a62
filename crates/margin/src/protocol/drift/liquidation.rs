//! Sizes and fees of Drift v2 liquidations, and how a bankruptcy is spread.
//!
//! Fees and multipliers are in 1e-6, weights in 1e-4, tokens in 10^-decimals. Results are truncated unless a rule names
//! another rounding. [`Transfer::Unbounded`] is said where no transfer covers the shortage, because each one costs as much
//! as it frees.

use super::weights::{Base, Decimals, DriftError, Price, Quote, TokenAmount, Weight, per, power, signed};
use crate::protocol::exact::Fraction;
use num_bigint::BigInt;

/// One USD in quote units.
const ONE_USD: i128 = 1_000_000;

/// Fee: 1e-6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Fee(pub u32);

/// What a liquidator gains (above one, on assets) or gives up (below one, on liabilities): 1e-6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Multiplier(pub u32);

/// Change of a cumulative funding rate: 1e-9 USD a coin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct FundingDelta(pub i128);

/// Cumulative interest: 1e-10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Interest(pub i128);

/// A size to move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transfer {
    /// This much.
    Amount(i128),
    /// No size is enough.
    Unbounded,
}

/// A perpetual position to be reduced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PerpShortage {
    /// Requirement less collateral.
    pub shortage: Quote,
    /// Margin ratio of the position.
    pub ratio: Weight,
    /// Of the liquidator.
    pub liquidator_fee: Fee,
    /// Oracle price.
    pub price: Price,
    /// Price of the quote currency.
    pub quote_price: Price,
}

/// One side of a spot liquidation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpotSide {
    /// Of the token.
    pub decimals: Decimals,
    /// Oracle price.
    pub price: Price,
    /// What the liquidator gets or gives up.
    pub multiplier: Multiplier,
}

/// Asset weights against liability weights of a spot liquidation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpotShortage {
    /// Requirement less collateral.
    pub shortage: Quote,
    /// Weight of the asset that is given.
    pub asset_weight: Weight,
    /// What the liquidator gets on it.
    pub asset_multiplier: Multiplier,
    /// Weight of the liability that is taken over.
    pub liability_weight: Weight,
    /// The liability.
    pub liability: SpotSide,
}

impl PerpShortage {
    /// shortage / (price quote (ratio - liquidator fee) - price insurance fee), in base.
    ///
    /// # Errors
    /// When a number overflows.
    pub fn base_to_cover(&self, insurance_fee: Fee) -> Result<Transfer, DriftError> {
        let margin = self.margin_after_fee();
        if margin <= Fraction::whole(0) || self.price.0 == 0 {
            return Ok(Transfer::Unbounded);
        }
        let fee = millionths(insurance_fee.0)?.by(self.price.0);
        let freed = per(&self.quote_price_of_base()?.times(&margin), 1_000_000_u32)?;
        let freed = Fraction::whole(freed.truncate() - fee.truncate());
        if freed <= Fraction::whole(0) {
            return Ok(Transfer::Unbounded);
        }
        let base = Fraction::whole(self.shortage.0).by(1_000_000_000_u32).over(&freed);
        amount(base)
    }

    /// Fee of the insurance fund: min(most, 0.95 (ratio - liquidator fee - shortage / notional)), not below zero.
    ///
    /// # Errors
    /// When a number overflows.
    pub fn insurance_fee(&self, base: Base, most: Fee) -> Result<Fee, DriftError> {
        let value = per(&self.quote_price_of_base()?.by(base.0.unsigned_abs()), 1_000_000_000_u32)?;
        let Some(short) = Fraction::whole(self.shortage.0).by(1_000_000_u32).over(&value) else {
            return Ok(Fee(0));
        };
        let left = self.margin_after_fee().minus(&Fraction::whole(short.truncate()));
        let implied = per(&left.by(95_u32), 100_u32)?;
        Ok(bounded_fee(&implied, most))
    }

    /// Ratio less the liquidator's fee, in 1e-6.
    fn margin_after_fee(&self) -> Fraction {
        Fraction::whole(i64::from(self.ratio.0) * 100 - i64::from(self.liquidator_fee.0))
    }

    /// USD in 1e-6 for a coin.
    fn quote_price_of_base(&self) -> Result<Fraction, DriftError> {
        let price = per(&Fraction::whole(self.price.0).by(self.quote_price.0), 1_000_000_u32)?;
        Ok(Fraction::whole(price.truncate()))
    }
}

impl SpotShortage {
    /// shortage / (price (liability weight - asset weight asset multiplier / liability multiplier) - price insurance fee
    /// liability weight), in the liability's token. Weights carry one more digit, as in the program.
    ///
    /// # Errors
    /// When a number overflows.
    pub fn liability_to_cover(&self, insurance_fee: Fee) -> Result<Transfer, DriftError> {
        if self.asset_weight >= self.liability_weight {
            return Ok(Transfer::Unbounded);
        }
        let asset = self.asset_in_liability()?.by(10_u32).truncate();
        let freed = Fraction::whole(BigInt::from(self.liability_weight.0) * 10 - asset);
        let fee = millionths(insurance_fee.0)?.by(self.liability_weight.0).by(10_u32);
        let price = Fraction::whole(self.liability.price.0);
        let freed = price.times(&freed).minus(&Fraction::whole(price.times(&fee).truncate()));
        if freed <= Fraction::whole(0) {
            return Ok(Transfer::Unbounded);
        }
        // Shortage in 1e-6 USD, price in 1e-6 USD, weights in 1e-5.
        let tokens = Fraction::whole(self.shortage.0).by(100_000_u32).by(power(self.liability.decimals)?);
        amount(tokens.over(&freed))
    }

    /// Fee of the insurance fund: min(most, (liability weight - asset weight asset multiplier / liability multiplier -
    /// shortage / value) / liability weight), not below zero.
    ///
    /// # Errors
    /// When a number overflows.
    pub fn insurance_fee(&self, liability: TokenAmount, most: Fee) -> Result<Fee, DriftError> {
        let value = Fraction::whole(liability.0.unsigned_abs()).by(self.liability.price.0);
        let value = per(&value, power(self.liability.decimals)?)?;
        let Some(short) = Fraction::whole(self.shortage.0).by(Weight::ONE.0).over(&value) else {
            return Ok(Fee(0));
        };
        let weight = Fraction::whole(self.liability_weight.0);
        let left = weight.minus(&self.asset_in_liability()?).minus(&short);
        let implied = per(&left.by(1_000_000_u32), self.liability_weight.0)?;
        Ok(bounded_fee(&implied, most))
    }

    /// Asset weight as the liability's multiplier sees it, in 1e-4, exact.
    fn asset_in_liability(&self) -> Result<Fraction, DriftError> {
        let asset = Fraction::whole(self.asset_weight.0).by(self.asset_multiplier.0);
        per(&asset, self.liability.multiplier.0)
    }
}

/// The asset that pays for a liability.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AssetHeld {
    /// How much there is.
    pub amount: TokenAmount,
    /// Of what.
    pub side: SpotSide,
}

/// Liability taken over for all of an asset, at the multipliers of both; rounded up, so that nothing is left unpaid.
///
/// # Errors
/// When a number overflows.
pub fn liability_for_asset(asset: AssetHeld, liability: SpotSide) -> Result<TokenAmount, DriftError> {
    signed(&exchanged(asset, liability)?.ceil(), "a liability transfer").map(TokenAmount)
}

/// Asset given for an amount of liability. When what is left of the asset, or is missing from it, is worth less than one
/// USD, all of it.
///
/// # Errors
/// When a number overflows.
pub fn asset_for_liability(
    taken: TokenAmount,
    liability: SpotSide,
    asset: AssetHeld,
) -> Result<TokenAmount, DriftError> {
    let given = exchanged(AssetHeld { amount: taken, side: liability }, asset.side)?;
    let given = signed(&given.truncate(), "an asset transfer")?;
    let left = asset.amount.0.checked_sub(given).ok_or(DriftError::Overflow("an asset transfer"))?;
    let worth = TokenAmount(left).value(asset.side.decimals, asset.side.price)?;
    Ok(if worth.0.abs() < ONE_USD { asset.amount } else { TokenAmount(given) })
}

/// Change of the cumulative funding that longs pay and shorts do not get: ceil(loss / open interest), to 1e-6.
///
/// # Errors
/// When there is no open interest or a number overflows.
pub fn funding_delta_of_bankruptcy(
    loss: Quote,
    open_interest: OpenInterest,
) -> Result<FundingDelta, DriftError> {
    let open = BigInt::from(open_interest.long.0.unsigned_abs()) + open_interest.short.0.unsigned_abs();
    let a_coin = Fraction::whole(loss.0.unsigned_abs()).by(1_000_000_000_u32);
    let a_coin = a_coin.over(&Fraction::whole(open)).ok_or(DriftError::Zero("the open interest"))?;
    signed(&(a_coin.ceil() * 1000), "a funding delta").map(FundingDelta)
}

/// What the cumulative interest of deposits loses: ceil(interest x loss / deposits).
///
/// # Errors
/// When there are no deposits or a number overflows.
pub fn interest_delta_of_bankruptcy(loss: SpotLoss) -> Result<Interest, DriftError> {
    let lost = Fraction::whole(loss.interest.0).by(loss.borrowed.0.unsigned_abs());
    let lost = lost.over(&Fraction::whole(loss.deposits.0)).ok_or(DriftError::Zero("the deposits"))?;
    signed(&lost.ceil(), "an interest delta").map(Interest)
}

/// Open positions of both sides of a market.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenInterest {
    /// Sum of longs.
    pub long: Base,
    /// Sum of shorts; the sign does not matter.
    pub short: Base,
}

/// A borrow that nobody repays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpotLoss {
    /// The borrow; the sign does not matter.
    pub borrowed: TokenAmount,
    /// All deposits of the token.
    pub deposits: TokenAmount,
    /// Cumulative interest of the deposits.
    pub interest: Interest,
}

/// At prices and multipliers: amount price(from) multiplier(to) / (price(to) multiplier(from)), in decimals of `to`.
fn exchanged(from: AssetHeld, to: SpotSide) -> Result<Fraction, DriftError> {
    let AssetHeld { amount, side } = from;
    let value = Fraction::whole(amount.0).by(side.price.0).by(to.multiplier.0).by(power(to.decimals)?);
    let divisor = BigInt::from(to.price.0) * side.multiplier.0 * power(side.decimals)?;
    per(&value, divisor)
}

fn millionths(number: u32) -> Result<Fraction, DriftError> {
    per(&Fraction::whole(number), 1_000_000_u32)
}

fn amount(size: Option<Fraction>) -> Result<Transfer, DriftError> {
    let size = size.ok_or(DriftError::Zero("what a transfer frees"))?;
    signed(&size.truncate(), "a transfer").map(Transfer::Amount)
}

/// A fee from zero to the most.
fn bounded_fee(implied: &Fraction, most: Fee) -> Fee {
    if implied.is_negative() {
        return Fee(0);
    }
    // Beyond 32 bits it is above the most in any case.
    u32::try_from(implied.truncate()).map_or(most, |fee| Fee(fee).min(most))
}
