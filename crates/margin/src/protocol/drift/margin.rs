//! Total collateral and margin requirement of a Drift v2 user.
//!
//! ```text
//! total collateral   = Σ deposit value x asset weight + Σ weighted gain + proceeds of the worse side of orders
//! margin requirement = Σ borrow value x liability weight + Σ notional x ratio + cost of the worse side + 0.01 an order
//! ```
//!
//! Strict prices: with a five-minute average, assets and gains are valued at the lower and liabilities, losses and
//! notionals at the higher of it and the oracle price. A gain counts at most 100 USD initially. A user's own largest ratio
//! applies to the initial level. Perpetual orders are left out: account states carry none.

use super::weights::{
    Base, Decimals, DepositScale, DriftError, MarginLevel, PerpMarket, Price, Quote, Size, SpotWeights,
    TokenAmount, Weight, per, signed,
};
use crate::protocol::exact::Fraction;

/// Asked for each open order.
const PER_ORDER: i128 = 10_000;
/// Largest gain that counts initially.
const GAIN_CAP: Quote = Quote(100_000_000);

/// An oracle price beside its five-minute average.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StrictPrice {
    /// Oracle price now.
    pub oracle: Price,
    /// Average; none prices everything at the oracle.
    pub average: Option<Price>,
}

/// Orders of a spot market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SpotOrders {
    /// How many.
    pub count: u32,
    /// What all bids would buy, not negative.
    pub bids: TokenAmount,
    /// What all asks would sell, not negative.
    pub asks: TokenAmount,
}

/// A deposit or borrow with its orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpotPosition {
    /// Signed amount.
    pub amount: TokenAmount,
    /// Of the token.
    pub decimals: Decimals,
    /// Its price.
    pub price: StrictPrice,
    /// Its weights; none for the quote currency, which weighs one.
    pub weights: Option<SpotWeights>,
    /// All deposits of the market, when their concentration lowers the weight.
    pub deposits: Option<DepositScale>,
    /// Its orders.
    pub orders: SpotOrders,
}

/// A perpetual position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PerpPosition {
    /// Signed size.
    pub base: Base,
    /// Signed quote: what was received less what was paid, so that base x price + quote is the gain.
    pub quote: Quote,
    /// Oracle price.
    pub price: Price,
    /// Price of the quote currency.
    pub quote_price: StrictPrice,
    /// Margin parameters.
    pub market: PerpMarket,
}

/// What is asked of whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarginContext {
    /// Which requirement.
    pub level: MarginLevel,
    /// The user's own least ratio, initial level only.
    pub own_ratio: Option<Weight>,
}

/// Collateral against requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Margin {
    /// Weighted collateral.
    pub collateral: Quote,
    /// What is asked.
    pub requirement: Quote,
}

impl StrictPrice {
    /// Without an average.
    #[must_use]
    pub const fn oracle(price: Price) -> Self {
        Self { oracle: price, average: None }
    }

    fn low(self) -> Price {
        self.average.map_or(self.oracle, |average| average.min(self.oracle))
    }

    fn high(self) -> Price {
        self.average.map_or(self.oracle, |average| average.max(self.oracle))
    }
}

impl MarginContext {
    /// At a level, without a ratio of the user's own.
    #[must_use]
    pub const fn at(level: MarginLevel) -> Self {
        Self { level, own_ratio: None }
    }

    fn own(&self) -> Option<Weight> {
        self.own_ratio.filter(|_| self.level == MarginLevel::Initial)
    }
}

impl Margin {
    /// Sum part by part.
    ///
    /// # Errors
    /// When it overflows.
    pub fn plus(self, other: Self) -> Result<Self, DriftError> {
        Ok(Self {
            collateral: sum(self.collateral, other.collateral)?,
            requirement: sum(self.requirement, other.requirement)?,
        })
    }

    /// Collateral less requirement.
    ///
    /// # Errors
    /// When it overflows.
    pub fn free(self) -> Result<Quote, DriftError> {
        self.collateral
            .0
            .checked_sub(self.requirement.0)
            .map(Quote)
            .ok_or(DriftError::Overflow("free collateral"))
    }

    /// True when less is there than is asked; at the maintenance level the program liquidates.
    #[must_use]
    pub fn is_short(self) -> bool {
        self.collateral < self.requirement
    }
}

impl SpotPosition {
    /// What it brings and asks.
    ///
    /// # Errors
    /// When a number overflows.
    pub fn margin(&self, context: MarginContext) -> Result<Margin, DriftError> {
        let orders =
            Margin { collateral: Quote(0), requirement: Quote(PER_ORDER * i128::from(self.orders.count)) };
        let bids = self.after(self.orders.bids, context)?;
        let asks = self.after(TokenAmount(-self.orders.asks.0), context)?;
        let worse = if asks.free()? < bids.free()? { asks } else { bids };
        worse.plus(orders)
    }

    /// With this much bought (sold when negative) at the oracle price.
    fn after(&self, bought: TokenAmount, context: MarginContext) -> Result<Margin, DriftError> {
        let amount = self.amount.0.checked_add(bought.0).ok_or(DriftError::Overflow("a token amount"))?;
        let held = self.held(TokenAmount(amount), context)?;
        let price = if bought.0 > 0 { self.price.high() } else { self.price.low() };
        let paid = bought.value(self.decimals, price)?;
        held.plus(if paid.0 > 0 {
            Margin { collateral: Quote(0), requirement: paid }
        } else {
            Margin { collateral: Quote(-paid.0), requirement: Quote(0) }
        })
    }

    fn held(&self, amount: TokenAmount, context: MarginContext) -> Result<Margin, DriftError> {
        let size = amount.size(self.decimals)?;
        if amount.0 >= 0 {
            let value = amount.value(self.decimals, self.price.low())?;
            let collateral = self.asset_weight(size, context)?.of(value)?;
            Ok(Margin { collateral, requirement: Quote(0) })
        } else {
            let value = amount.value(self.decimals, self.price.high())?;
            let requirement = self.liability_weight(size, context)?.of(Quote(-value.0))?;
            Ok(Margin { collateral: Quote(0), requirement })
        }
    }

    fn asset_weight(&self, size: Size, context: MarginContext) -> Result<Weight, DriftError> {
        let Some(weights) = self.weights else { return Ok(Weight::ONE) };
        let mut market = weights;
        if let (Some(deposits), MarginLevel::Initial) = (self.deposits, context.level) {
            market.initial_asset = market.initial_asset.scaled(deposits)?;
        }
        let weight = market.asset(size, context.level)?;
        Ok(context.own().map_or(weight, |own| weight.min(Weight(Weight::ONE.0.saturating_sub(own.0)))))
    }

    fn liability_weight(&self, size: Size, context: MarginContext) -> Result<Weight, DriftError> {
        let Some(weights) = self.weights else { return Ok(Weight::ONE) };
        let weight = weights.liability(size, context.level)?;
        let own = context.own().map(|own| Weight::ONE.0.checked_add(own.0));
        match own {
            None => Ok(weight),
            Some(own) => Ok(weight.max(Weight(own.ok_or(DriftError::Overflow("a user's own ratio"))?))),
        }
    }
}

impl PerpPosition {
    /// Gain that is not settled, in the quote currency: base x price, truncated, plus quote.
    ///
    /// # Errors
    /// When it overflows.
    pub fn gain(&self) -> Result<Quote, DriftError> {
        sum(self.notional()?, self.quote)
    }

    /// What it brings (less than nothing when it loses) and asks.
    ///
    /// # Errors
    /// When a number overflows.
    pub fn margin(&self, context: MarginContext) -> Result<Margin, DriftError> {
        let ratio = self.market.ratio(Size(self.base.0.unsigned_abs()), context.level)?;
        let ratio = context.own().map_or(ratio, |own| ratio.max(own));
        let notional = self.notional()?;
        let notional = Quote(notional.0.checked_abs().ok_or(DriftError::Overflow("a notional"))?);
        let requirement = ratio.of(in_usd(notional, self.quote_price.high())?)?;
        Ok(Margin { collateral: self.weighted_gain(context.level)?, requirement })
    }

    fn weighted_gain(&self, level: MarginLevel) -> Result<Quote, DriftError> {
        let gain = self.gain()?;
        if gain.0 <= 0 {
            return in_usd(gain, self.quote_price.high());
        }
        let weighted = in_usd(self.market.gain_weight(gain, level)?.of(gain)?, self.quote_price.low())?;
        Ok(if level == MarginLevel::Initial { weighted.min(GAIN_CAP) } else { weighted })
    }

    fn notional(&self) -> Result<Quote, DriftError> {
        let notional = per(&Fraction::whole(self.base.0).by(self.price.0), 1_000_000_000_u32)?;
        signed(&notional.truncate(), "a notional").map(Quote)
    }
}

/// All positions of a user.
///
/// # Errors
/// When a number overflows.
pub fn total(
    spots: &[SpotPosition],
    perps: &[PerpPosition],
    context: MarginContext,
) -> Result<Margin, DriftError> {
    let spots = spots.iter().map(|position| position.margin(context));
    let perps = perps.iter().map(|position| position.margin(context));
    spots.chain(perps).try_fold(Margin::default(), |sum, margin| sum.plus(margin?))
}

fn in_usd(amount: Quote, price: Price) -> Result<Quote, DriftError> {
    let value = per(&Fraction::whole(amount.0).by(price.0), 1_000_000_u32)?;
    signed(&value.truncate(), "a value").map(Quote)
}

fn sum(a: Quote, b: Quote) -> Result<Quote, DriftError> {
    a.0.checked_add(b.0).map(Quote).ok_or(DriftError::Overflow("a sum"))
}
