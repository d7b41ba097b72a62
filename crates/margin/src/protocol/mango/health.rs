//! Health of a Mango v4 account: what is left of its weighted assets after its weighted liabilities.
//!
//! ```text
//! health = Σ tokens (balance + health of the perpetuals that settle in it) x weight x price
//!        + Σ markets min(all reserved funds as base, all as quote)
//! perpetual = min over {all bids filled, all asks filled} (base x weight x price + quote), a gain x overall weight
//! ```
//!
//! A balance above zero takes the asset weight and the lower of oracle and stable price, one below the liability weight and
//! the higher (initial level; maintenance is at the oracle). Weights of a token whose deposits or borrows exceed a scale are
//! lowered or raised initially. Amounts are in native units, values in native units of the quote token.
//!
//! Each contribution is formed exactly and rounded once, down, so that health is never overstated. The level between, at
//! which liquidation ends, is left out.

use super::fixed::Fixed48;
use crate::protocol::exact::Fraction;
use std::collections::BTreeMap;

/// A token of the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenIndex(pub u16);

/// Which health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealthLevel {
    /// Must stay above zero to open or withdraw.
    Initial,
    /// Below zero the program liquidates.
    Maintenance,
}

/// Why there is no figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MangoError {
    /// A market or perpetual names a token that the account does not list.
    #[error("token {} is not in the account", .0.0)]
    UnknownToken(TokenIndex),
    /// A number beyond 80 bits before the point.
    #[error("{0} overflows")]
    Overflow(&'static str),
    /// A price of zero that divides.
    #[error("the price of token {} is zero and divides", .0.0)]
    ZeroPrice(TokenIndex),
}

/// Weights of one side at both levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weights {
    /// Initial, before scaling.
    pub initial: Fixed48,
    /// Maintenance.
    pub maintenance: Fixed48,
}

/// An oracle price beside the stable price that follows it slowly. Quote native units per native unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prices {
    /// Oracle price.
    pub oracle: Fixed48,
    /// Stable price.
    pub stable: Fixed48,
}

/// Amount of a whole bank against the value from which its weight is scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WeightScale {
    /// Deposits (with what open orders may bring) or borrows, native units.
    pub amount: Fixed48,
    /// Value in quote native units at which scaling starts.
    pub start_quote: Fixed48,
}

/// A token and the account's balance of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenPosition {
    /// Signed amount, with what is free of open orders.
    pub balance: Fixed48,
    /// Its price.
    pub prices: Prices,
    /// Of positive balances.
    pub asset: Weights,
    /// Of negative ones.
    pub liability: Weights,
    /// Lowers the initial asset weight.
    pub deposit_scale: Option<WeightScale>,
    /// Raises the initial liability weight.
    pub borrow_scale: Option<WeightScale>,
}

/// Funds reserved by the orders of a spot market.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reserved {
    /// What is bought and sold.
    pub base_token: TokenIndex,
    /// What is paid in.
    pub quote_token: TokenIndex,
    /// Reserved base, native units.
    pub base: Fixed48,
    /// Reserved quote, native units.
    pub quote: Fixed48,
    /// Quote per base of the lowest ask of the account, when it asks.
    pub lowest_ask: Option<Fixed48>,
    /// Base per quote of its highest bid, when it bids.
    pub inverse_of_highest_bid: Option<Fixed48>,
}

/// A perpetual position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PerpPosition {
    /// Token in which it settles.
    pub settle_token: TokenIndex,
    /// Signed size, native units.
    pub base: Fixed48,
    /// Signed quote, native units.
    pub quote: Fixed48,
    /// What all bids would buy.
    pub bids: Fixed48,
    /// What all asks would sell.
    pub asks: Fixed48,
    /// Price of the base.
    pub prices: Prices,
    /// Of longs.
    pub asset: Weights,
    /// Of shorts.
    pub liability: Weights,
    /// Of a health above zero.
    pub overall_asset: Weights,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HealthAccount {
    /// Every token of its positions, orders and perpetuals.
    pub tokens: BTreeMap<TokenIndex, TokenPosition>,
    /// Its spot orders.
    pub reserved: Vec<Reserved>,
    /// Its perpetuals.
    pub perps: Vec<PerpPosition>,
}

impl Weights {
    const fn at(self, level: HealthLevel) -> Fixed48 {
        match level {
            HealthLevel::Initial => self.initial,
            HealthLevel::Maintenance => self.maintenance,
        }
    }
}

impl Prices {
    /// The oracle alone.
    #[must_use]
    pub const fn oracle(oracle: Fixed48) -> Self {
        Self { oracle, stable: oracle }
    }

    fn asset(self, level: HealthLevel) -> Fixed48 {
        if level == HealthLevel::Initial { self.oracle.min(self.stable) } else { self.oracle }
    }

    fn liability(self, level: HealthLevel) -> Fixed48 {
        if level == HealthLevel::Initial { self.oracle.max(self.stable) } else { self.oracle }
    }
}

impl TokenPosition {
    /// Weight of a positive balance: initial x start / deposits once those exceed the start, rounded down.
    fn asset_weight(&self, level: HealthLevel) -> Result<Fixed48, MangoError> {
        let weight = self.asset.at(level);
        let (Some(scale), HealthLevel::Initial) = (self.deposit_scale, level) else { return Ok(weight) };
        let value = scale.amount.exact().times(&self.prices.asset(level).exact());
        if value <= scale.start_quote.exact() {
            return Ok(weight);
        }
        let scaled = weight.exact().times(&scale.start_quote.exact()).over(&value);
        scaled.and_then(|scaled| Fixed48::floor(&scaled)).ok_or(MangoError::Overflow("a scaled asset weight"))
    }

    /// Weight of a negative balance: initial x borrows / start once those exceed the start, rounded up.
    fn liability_weight(&self, level: HealthLevel) -> Result<Fixed48, MangoError> {
        let weight = self.liability.at(level);
        let (Some(scale), HealthLevel::Initial) = (self.borrow_scale, level) else { return Ok(weight) };
        let value = scale.amount.exact().times(&self.prices.liability(level).exact());
        if value <= scale.start_quote.exact() {
            return Ok(weight);
        }
        let scaled = weight.exact().times(&value).over(&scale.start_quote.exact());
        scaled
            .and_then(|scaled| Fixed48::ceil(&scaled))
            .ok_or(MangoError::Overflow("a scaled liability weight"))
    }

    /// Value of a balance as health counts it.
    ///
    /// # Errors
    /// When a number overflows.
    pub fn contribution(&self, balance: Fixed48, level: HealthLevel) -> Result<Fixed48, MangoError> {
        let (weight, price) = if balance.is_negative() {
            (self.liability_weight(level)?, self.prices.liability(level))
        } else {
            (self.asset_weight(level)?, self.prices.asset(level))
        };
        product([balance, weight, price])
    }
}

impl PerpPosition {
    /// Its health in its settle token: the worse of both sides of its orders, a gain at the overall weight.
    ///
    /// # Errors
    /// When a number overflows.
    pub fn health(&self, level: HealthLevel) -> Result<Fixed48, MangoError> {
        let negative = Fixed48::ZERO.minus(self.asks).ok_or(MangoError::Overflow("perpetual orders"))?;
        let worse = self.after(self.bids, level)?.min(self.after(negative, level)?);
        if worse.is_negative() { Ok(worse) } else { product([worse, self.overall_asset.at(level)]) }
    }

    /// What the weight of its side takes from its notional: |base| price |1 - weight|, without orders.
    ///
    /// # Errors
    /// When a number overflows.
    pub fn haircut(&self, level: HealthLevel) -> Result<Fixed48, MangoError> {
        let overflow = MangoError::Overflow("a perpetual position");
        let (size, part, price) = if self.base.is_negative() {
            let above = self.liability.at(level).minus(Fixed48::ONE);
            (Fixed48::ZERO.minus(self.base), above, self.prices.liability(level))
        } else {
            (Some(self.base), Fixed48::ONE.minus(self.asset.at(level)), self.prices.asset(level))
        };
        product([size.ok_or(overflow)?, part.ok_or(overflow)?, price])
    }

    /// With this much bought (sold when negative) at the oracle price.
    fn after(&self, bought: Fixed48, level: HealthLevel) -> Result<Fixed48, MangoError> {
        let overflow = MangoError::Overflow("a perpetual position");
        let base = self.base.plus(bought).ok_or(overflow)?;
        let paid = Fixed48::ceil(&bought.exact().times(&self.prices.oracle.exact())).ok_or(overflow)?;
        let (weight, price) = if base.is_negative() {
            (self.liability.at(level), self.prices.liability(level))
        } else {
            (self.asset.at(level), self.prices.asset(level))
        };
        let quote = self.quote.minus(paid).ok_or(overflow)?;
        product([base, weight, price])?.plus(quote).ok_or(overflow)
    }
}

/// What one token brings or costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contribution {
    /// Which.
    pub token: TokenIndex,
    /// Signed, in quote native units.
    pub health: Fixed48,
}

impl HealthAccount {
    /// Health at a level.
    ///
    /// # Errors
    /// When a token is not listed, a number overflows, or a price that divides is zero.
    pub fn health(&self, level: HealthLevel) -> Result<Fixed48, MangoError> {
        let mut health = Fixed48::ZERO;
        for contribution in self.contributions(level)? {
            health = sum(health, contribution.health)?;
        }
        sum(health, self.orders_health(level)?)
    }

    /// Health of each token, in order, with its perpetuals and without open orders.
    ///
    /// # Errors
    /// When a token is not listed or a number overflows.
    pub fn contributions(&self, level: HealthLevel) -> Result<Vec<Contribution>, MangoError> {
        let balances = self.balances(level)?;
        let each = self.tokens.iter().zip(balances.values());
        each.map(|((token, position), balance)| {
            Ok(Contribution { token: *token, health: position.contribution(*balance, level)? })
        })
        .collect()
    }

    /// Balances with the health of perpetuals, of every listed token.
    fn balances(&self, level: HealthLevel) -> Result<BTreeMap<TokenIndex, Fixed48>, MangoError> {
        let mut balances: BTreeMap<_, _> =
            self.tokens.iter().map(|(id, token)| (*id, token.balance)).collect();
        for perp in &self.perps {
            let balance =
                balances.get_mut(&perp.settle_token).ok_or(MangoError::UnknownToken(perp.settle_token))?;
            *balance = sum(*balance, perp.health(level)?)?;
        }
        Ok(balances)
    }

    /// What the reserved funds of all orders add: never less than nothing.
    fn orders_health(&self, level: HealthLevel) -> Result<Fixed48, MangoError> {
        let balances = self.balances(level)?;
        let mut largest = balances;
        let mut converted = Vec::new();
        for reserved in &self.reserved {
            let (as_base, as_quote) = self.all_as_one(reserved, level)?;
            for (token, amount) in [(reserved.base_token, as_base), (reserved.quote_token, as_quote)] {
                let balance = largest.get_mut(&token).ok_or(MangoError::UnknownToken(token))?;
                *balance = sum(*balance, amount)?;
            }
            converted.push((reserved, as_base, as_quote));
        }
        let mut health = Fixed48::ZERO;
        for (reserved, as_base, as_quote) in converted {
            let base = self.added_last(reserved.base_token, as_base, &largest, level)?;
            let quote = self.added_last(reserved.quote_token, as_quote, &largest, level)?;
            health = sum(health, base.min(quote))?;
        }
        Ok(health)
    }

    /// All reserved funds of a market as base, and as quote. An order's own limit can be worse than the oracle, not better.
    fn all_as_one(&self, reserved: &Reserved, level: HealthLevel) -> Result<(Fixed48, Fixed48), MangoError> {
        let (base, quote) = (self.token(reserved.base_token)?, self.token(reserved.quote_token)?);
        let ratio = |from: &TokenPosition, to: &TokenPosition, token| {
            let price = from.prices.asset(level).exact().over(&to.prices.liability(level).exact());
            price.ok_or(MangoError::ZeroPrice(token))
        };
        let base_per_quote = ratio(quote, base, reserved.base_token)?;
        let quote_per_base = ratio(base, quote, reserved.quote_token)?;
        let worse = |oracle: Fraction, limit: Option<Fixed48>| match limit {
            Some(limit) => oracle.min(limit.exact()),
            None => oracle,
        };
        let base_per_quote = worse(base_per_quote, reserved.inverse_of_highest_bid);
        let quote_per_base = worse(quote_per_base, reserved.lowest_ask);
        let all = |kept: Fixed48, moved: Fixed48, rate: &Fraction| {
            Fixed48::floor(&kept.exact().plus(&moved.exact().times(rate)))
                .ok_or(MangoError::Overflow("reserved funds"))
        };
        Ok((
            all(reserved.base, reserved.quote, &base_per_quote)?,
            all(reserved.quote, reserved.base, &quote_per_base)?,
        ))
    }

    /// What the last `amount` of a token's largest balance adds: first it pays a liability, the rest is an asset.
    fn added_last(
        &self,
        token: TokenIndex,
        amount: Fixed48,
        largest: &BTreeMap<TokenIndex, Fixed48>,
        level: HealthLevel,
    ) -> Result<Fixed48, MangoError> {
        let position = self.token(token)?;
        let balance = *largest.get(&token).ok_or(MangoError::UnknownToken(token))?;
        let asset = balance.max(Fixed48::ZERO).min(amount);
        let repaid = amount.minus(asset).ok_or(MangoError::Overflow("reserved funds"))?;
        let gained = product([asset, position.asset_weight(level)?, position.prices.asset(level)])?;
        let saved = product([repaid, position.liability_weight(level)?, position.prices.liability(level)])?;
        sum(gained, saved)
    }

    fn token(&self, token: TokenIndex) -> Result<&TokenPosition, MangoError> {
        self.tokens.get(&token).ok_or(MangoError::UnknownToken(token))
    }
}

/// Exact product, rounded down once.
fn product<const N: usize>(factors: [Fixed48; N]) -> Result<Fixed48, MangoError> {
    let exact = factors.iter().fold(Fraction::whole(1), |product, factor| product.times(&factor.exact()));
    Fixed48::floor(&exact).ok_or(MangoError::Overflow("a weighted value"))
}

fn sum(a: Fixed48, b: Fixed48) -> Result<Fixed48, MangoError> {
    a.plus(b).ok_or(MangoError::Overflow("a sum of health"))
}
