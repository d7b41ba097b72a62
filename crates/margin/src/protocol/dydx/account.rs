//! An account state in the chain's integers, and the outcome in USD.

use super::risk::{BaseQuantums, FundingIndex, Perpetual, PerpetualId, Risk};
use super::rules::{Dydx, Market, Pool};
use crate::protocol::exact::{self, Fraction};
use crate::protocol::{self, Listed, QUOTE_DECIMALS};
use crate::report::{Collateral, Levels, Outcome, Unit, Unmargined};
use crate::state::{AccountState, Leg};
use num_bigint::BigInt;

/// The one asset that counts.
const COLLATERAL: &str = "USDC";
const LISTED: Listed<'static> = Listed { protocol: "dYdX", currency: COLLATERAL };
const NOT_IN_RANGE: &str =
    "the size, price or entry is beyond what the model can state: check the position and its market";

impl Dydx {
    pub(crate) fn margin(&self, state: &AccountState) -> Outcome {
        let mut outcome = Outcome::default();
        let mut total = Risk::default();
        for holding in &state.balances {
            let counted = (holding.asset.as_str() == COLLATERAL)
                .then(|| Some(Fraction::of_f64(holding.amount)?.times(&million()?).floor()))
                .flatten();
            let Some(quantums) = counted else {
                let reason =
                    "dYdX takes USDC as collateral and nothing else: move the balance to its own venue";
                outcome
                    .unmargined
                    .push(Unmargined { symbol: (&holding.asset).into(), reason: reason.into() });
                continue;
            };
            total.net_collateral.0 += quantums;
            outcome.equity_usd += holding.value_usd();
            outcome.collateral.push(Collateral {
                asset: holding.asset.clone(),
                amount: holding.amount,
                value_usd: holding.value_usd(),
                counted: Levels::both(holding.amount),
            });
        }
        for leg in &state.legs {
            match self.leg(leg) {
                Ok((risk, requirement)) => {
                    total = total.plus(&risk);
                    outcome.equity_usd += protocol::gain_at_index_usd(leg);
                    protocol::add_leg(&mut outcome, leg, requirement);
                }
                Err(reason) => {
                    outcome.unmargined.push(Unmargined { symbol: leg.symbol.clone(), reason });
                }
            }
        }
        self.notes(state, &mut outcome);
        match (usd(&total.net_collateral.0), levels(&total)) {
            (Some(net_collateral), Some(requirement)) => {
                outcome.counted = Levels::both(net_collateral);
                outcome.requirement = requirement;
            }
            _ => outcome
                .unmargined
                .push(Unmargined { symbol: (&units::Asset::usd()).into(), reason: NOT_IN_RANGE.into() }),
        }
        outcome
    }

    /// Notional less what was paid, and the requirements, or why not.
    fn leg(&self, leg: &Leg) -> Result<(Risk, Levels), String> {
        LISTED.check(leg)?;
        let underlying = &leg.contract.underlying;
        let market = self.markets.get(underlying).ok_or_else(|| {
            format!("the rulebook has no parameters of {underlying}: add a section [markets.{underlying}]")
        })?;
        let out_of_range = || NOT_IN_RANGE.to_owned();
        let perpetual = market.at(leg.index_usd).ok_or_else(out_of_range)?;
        let size = market.size(leg.quantity)?;
        // The id only names the perpetual in errors, which are told by symbol here.
        let mut risk = perpetual.risk(&size, PerpetualId(0)).map_err(|error| error.to_string())?;
        let paid = match leg.entry_value {
            Some(entry) => Fraction::of_f64(entry)
                .and_then(|entry| Some(entry.times(&million()?).ceil()))
                .ok_or_else(out_of_range)?,
            // Unknown: the balance is taken to hold the gain already, so the position brings nothing of its own.
            None => risk.net_collateral.0.clone(),
        };
        risk.net_collateral.0 -= paid;
        let requirement = levels(&risk).ok_or_else(out_of_range)?;
        Ok((risk, requirement))
    }

    fn notes(&self, state: &AccountState, outcome: &mut Outcome) {
        let margined = |unit: &&Unit| {
            let market = self.markets.iter().find(|(asset, _)| asset.as_str() == unit.name);
            market.is_some_and(|(_, market)| market.pool == Pool::Isolated)
        };
        let isolated: Vec<String> = outcome.units.iter().filter(margined).map(|u| u.name.clone()).collect();
        for name in isolated {
            outcome.notes.push(format!(
                "{name} is an isolated market: dYdX keeps it in a subaccount of its own, here it shares the collateral"
            ));
        }
        LISTED.note_depeg(state, outcome);
    }
}

impl Market {
    /// The perpetual at an oracle price.
    fn at(&self, index_usd: f64) -> Option<Perpetual> {
        Some(Perpetual {
            atomic_resolution: self.atomic_resolution,
            price: exact::units_of(index_usd, -self.price_exponent)?,
            exponent: self.price_exponent,
            funding_index: FundingIndex::default(),
            open_interest: self.base_quantums(self.open_interest_coins)?,
            tier: self.tier.clone(),
        })
    }

    /// A size as the chain holds it, if it holds it: rounding a size while its entry cost stays would make a loss of nothing.
    fn size(&self, coins: f64) -> Result<BaseQuantums, String> {
        let size = self.base_quantums(coins).ok_or_else(|| NOT_IN_RANGE.to_owned())?;
        let held = exact::coins_of(&size.0, self.atomic_resolution).unwrap_or(f64::NAN);
        if (held - coins).abs() <= SIZE_TOLERANCE * coins.abs() {
            return Ok(size);
        }
        Err(format!(
            "{coins} coins are not a multiple of the market's smallest size, 1e{}: correct the position or atomic_resolution",
            self.atomic_resolution
        ))
    }

    fn base_quantums(&self, coins: f64) -> Option<BaseQuantums> {
        exact::units_of(coins, -self.atomic_resolution).map(BaseQuantums)
    }
}

/// Decimals of a book beyond those of the chain; far above the rounding of f64.
const SIZE_TOLERANCE: f64 = 1e-6;

fn million() -> Option<Fraction> {
    Fraction::power_of_ten(6)
}

fn usd(quantums: &BigInt) -> Option<f64> {
    exact::model_of(quantums, QUOTE_DECIMALS)
}

fn levels(risk: &Risk) -> Option<Levels> {
    Some(Levels { initial: usd(&risk.initial.0)?, maintenance: usd(&risk.maintenance.0)? })
}
