//! An account state in native units, and the outcome in USD.

use super::fixed::Fixed48;
use super::health::{
    HealthAccount, HealthLevel, MangoError, PerpPosition, Prices, TokenIndex, TokenPosition,
};
use super::rules::{Mango, Market};
use crate::protocol::exact::{self, Fraction};
use crate::protocol::{self, Listed, QUOTE_DECIMALS};
use crate::report::{Charge, Collateral, Levels, Outcome, Unmargined};
use crate::state::{AccountState, Holding, Leg};

const NOT_IN_RANGE: &str =
    "the size, price or entry is beyond what the model can state: check the position and its market";

/// Why a leg or balance is not margined.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("{0}")]
    Text(String),
    #[error("{0}: check the position and its market")]
    Engine(#[from] MangoError),
}

/// The account in native units, and which token is whose.
struct Native {
    account: HealthAccount,
    /// Names of the tokens, in the order of their indices.
    names: Vec<units::Asset>,
}

impl Mango {
    pub(crate) fn margin(&self, state: &AccountState) -> Outcome {
        let mut outcome = Outcome::default();
        let mut native = self.empty(state);
        for holding in &state.balances {
            match self.token(holding) {
                Ok(token) => native.add(holding, token, &mut outcome),
                Err(reason) => outcome
                    .unmargined
                    .push(Unmargined { symbol: (&holding.asset).into(), reason: reason.to_string() }),
            }
        }
        let mut asked_of_perps = Levels::default();
        for leg in &state.legs {
            match self.perp(leg).and_then(|perp| Ok((perp, asked_of_leg(&perp, leg)?))) {
                Ok((perp, asked)) => {
                    asked_of_perps = asked_of_perps.plus(asked);
                    native.account.perps.push(perp);
                    outcome.equity_usd += protocol::gain_at_index_usd(leg);
                    protocol::add_leg(&mut outcome, leg, asked);
                }
                Err(reason) => outcome
                    .unmargined
                    .push(Unmargined { symbol: leg.symbol.clone(), reason: reason.to_string() }),
            }
        }
        if let Err(error) = native.finish(asked_of_perps, &mut outcome) {
            let symbol = (&self.quote).into();
            outcome.unmargined.push(Unmargined { symbol, reason: Refusal::from(error).to_string() });
        }
        outcome
    }

    /// With the quote token, in which perpetuals settle, at index zero.
    fn empty(&self, state: &AccountState) -> Native {
        let of_balance = state.balances.iter().find(|h| h.asset == self.quote).map(|h| h.price_usd);
        let of_leg = state.legs.iter().find(|l| l.contract.settlement_asset() == &self.quote);
        // Without a balance of it and a leg that settles in it the price multiplies nothing.
        let price_usd = of_balance.or(of_leg.map(|leg| leg.settlement_usd)).unwrap_or(1.0);
        let quote = Holding { asset: self.quote.clone(), amount: 0.0, price_usd };
        let tokens = self.token(&quote).ok().map(|token| (TokenIndex(0), token));
        let account = HealthAccount { tokens: tokens.into_iter().collect(), ..HealthAccount::default() };
        Native { account, names: vec![self.quote.clone()] }
    }

    fn token(&self, holding: &Holding) -> Result<TokenPosition, Refusal> {
        let asset = &holding.asset;
        let market = self.tokens.get(asset).ok_or_else(|| {
            Refusal::Text(format!(
                "the rulebook has no parameters of {asset}: add a section [tokens.{asset}]"
            ))
        })?;
        Ok(TokenPosition {
            balance: native(holding.amount, market.decimals)?,
            prices: Prices::oracle(market.price(holding.price_usd)?),
            asset: market.asset,
            liability: market.liability,
            deposit_scale: None,
            borrow_scale: None,
        })
    }

    fn perp(&self, leg: &Leg) -> Result<PerpPosition, Refusal> {
        Listed { protocol: "Mango", currency: self.quote.as_str() }.check(leg).map_err(Refusal::Text)?;
        let underlying = &leg.contract.underlying;
        let perp = self.perps.get(underlying).ok_or_else(|| {
            Refusal::Text(format!(
                "the rulebook has no parameters of {underlying}: add a section [perps.{underlying}]"
            ))
        })?;
        let base = native(leg.quantity, perp.base.decimals)?;
        let prices = Prices::oracle(perp.base.price(leg.index_usd)?);
        let quote = match leg.entry_value {
            Some(entry) => native(-entry, QUOTE_DECIMALS_SIGNED)?,
            // Unknown: the balance is taken to hold the gain already.
            None => {
                let worth = base.exact().times(&prices.oracle.exact());
                Fixed48::ceil(&worth).and_then(|worth| Fixed48::ZERO.minus(worth)).ok_or_else(out_of_range)?
            }
        };
        Ok(PerpPosition {
            settle_token: TokenIndex(0),
            base,
            quote,
            bids: Fixed48::ZERO,
            asks: Fixed48::ZERO,
            prices,
            asset: perp.base.asset,
            liability: perp.base.liability,
            overall_asset: perp.overall_asset,
        })
    }
}

impl Native {
    fn add(&mut self, holding: &Holding, token: TokenPosition, outcome: &mut Outcome) {
        let counted = |level| token.contribution(token.balance, level).map(|health| usd(health).max(0.0));
        let counted = match (counted(HealthLevel::Initial), counted(HealthLevel::Maintenance)) {
            (Ok(initial), Ok(maintenance)) => Levels { initial, maintenance },
            (Err(error), _) | (_, Err(error)) => {
                let reason = Refusal::from(error).to_string();
                outcome.unmargined.push(Unmargined { symbol: (&holding.asset).into(), reason });
                return;
            }
        };
        outcome.equity_usd += holding.value_usd();
        outcome.collateral.push(Collateral {
            asset: holding.asset.clone(),
            amount: holding.amount,
            value_usd: holding.value_usd(),
            counted,
        });
        let known = self.names.iter().position(|name| *name == holding.asset);
        let place = known.unwrap_or(self.names.len());
        if known.is_none() {
            self.names.push(holding.asset.clone());
        }
        // An account holds far fewer than 65,536 tokens: the rulebook must list each.
        if let Ok(index) = u16::try_from(place) {
            self.account.tokens.insert(TokenIndex(index), token);
        }
    }

    /// Splits health into what is counted and what is asked.
    fn finish(&self, asked_of_perps: Levels, outcome: &mut Outcome) -> Result<(), MangoError> {
        let (initial, maintenance) = (
            self.account.contributions(HealthLevel::Initial)?,
            self.account.contributions(HealthLevel::Maintenance)?,
        );
        outcome.counted = Levels::default();
        outcome.requirement = asked_of_perps;
        for ((name, initial), maintenance) in self.names.iter().zip(initial).zip(maintenance) {
            let health = Levels { initial: usd(initial.health), maintenance: usd(maintenance.health) };
            // The requirement of perpetuals is in the health of the token in which they settle: taken out, it is not
            // asked twice.
            let own = if initial.token == TokenIndex(0) { health.plus(asked_of_perps) } else { health };
            let debt = Levels { initial: (-own.initial).max(0.0), maintenance: (-own.maintenance).max(0.0) };
            outcome.counted = outcome.counted.plus(own).plus(debt);
            outcome.requirement = outcome.requirement.plus(debt);
            if debt != Levels::default() {
                let unit = protocol::unit(outcome, name.as_str());
                unit.requirement = unit.requirement.plus(debt);
                unit.charges.push(Charge { name: "debt".to_owned(), usd: debt });
            }
        }
        Ok(())
    }
}

impl Market {
    /// Quote native units per native unit.
    fn price(&self, price_usd: f64) -> Result<Fixed48, Refusal> {
        let scale = Fraction::power_of_ten(QUOTE_DECIMALS_SIGNED - self.decimals);
        let price = Fraction::of_f64(price_usd).zip(scale).map(|(price, scale)| price.times(&scale));
        price.and_then(|price| Fixed48::floor(&price)).ok_or_else(out_of_range)
    }
}

/// What the weight of its side takes from a perpetual's notional, in USD.
fn asked_of_leg(perp: &PerpPosition, leg: &Leg) -> Result<Levels, Refusal> {
    let at = |level| Ok::<f64, MangoError>(usd(perp.haircut(level)?) * leg.settlement_usd);
    Ok(Levels { initial: at(HealthLevel::Initial)?, maintenance: at(HealthLevel::Maintenance)? })
}

#[allow(clippy::cast_possible_wrap)] // six
const QUOTE_DECIMALS_SIGNED: i32 = QUOTE_DECIMALS as i32;

fn native(value: f64, decimals: i32) -> Result<Fixed48, Refusal> {
    let units = exact::units_of(value, decimals).map(Fraction::whole);
    units.and_then(|units| Fixed48::floor(&units)).ok_or_else(out_of_range)
}

fn usd(native: Fixed48) -> f64 {
    native.model() / 1e6
}

fn out_of_range() -> Refusal {
    Refusal::Text(NOT_IN_RANGE.to_owned())
}
