//! An account state in the program's integers, and the outcome in USD.

use super::margin::{Margin, MarginContext, PerpPosition, SpotOrders, SpotPosition, StrictPrice};
use super::rules::Drift;
use super::weights::{Base, Decimals, DriftError, MarginLevel, Price, Quote, TokenAmount};
use crate::protocol::{self, Listed, QUOTE_DECIMALS, exact};
use crate::report::{Charge, Collateral, Levels, Outcome, Unmargined};
use crate::state::{AccountState, Holding, Leg};
use num_bigint::BigInt;

const NOT_IN_RANGE: &str =
    "the size, price or entry is beyond what the model can state: check the position and its market";

/// Both levels of one position.
#[derive(Debug, Clone, Copy, Default)]
struct Both {
    initial: Margin,
    maintenance: Margin,
}

impl Drift {
    pub(crate) fn margin(&self, state: &AccountState) -> Outcome {
        let mut outcome = Outcome::default();
        let mut total = Both::default();
        for holding in &state.balances {
            match self.holding(holding).and_then(|both| Ok((total.plus(both)?, both.usd()?))) {
                Ok((sum, (counted, asked))) => {
                    total = sum;
                    add_holding(&mut outcome, holding, counted, asked);
                }
                Err(reason) => outcome
                    .unmargined
                    .push(Unmargined { symbol: (&holding.asset).into(), reason: reason.to_string() }),
            }
        }
        for leg in &state.legs {
            match self.leg(leg).and_then(|both| Ok((total.plus(both)?, both.usd()?))) {
                Ok((sum, (_, asked))) => {
                    total = sum;
                    outcome.equity_usd += protocol::gain_at_index_usd(leg);
                    protocol::add_leg(&mut outcome, leg, asked);
                }
                Err(reason) => outcome
                    .unmargined
                    .push(Unmargined { symbol: leg.symbol.clone(), reason: reason.to_string() }),
            }
        }
        // Every part was stated in USD, so their sums of 128 bits are too.
        if let Ok((counted, requirement)) = total.usd() {
            outcome.counted = counted;
            outcome.requirement = requirement;
        }
        outcome
    }

    fn holding(&self, holding: &Holding) -> Result<Both, Refusal> {
        let asset = &holding.asset;
        let (decimals, weights) = if *asset == self.quote {
            (self.quote_decimals, None)
        } else {
            let market = self.spots.get(asset).ok_or_else(|| {
                Refusal::Text(format!(
                    "the rulebook has no parameters of {asset}: add a section [spot_markets.{asset}]"
                ))
            })?;
            (market.decimals, Some(market.weights))
        };
        let position = SpotPosition {
            amount: TokenAmount(units(holding.amount, decimals)?),
            decimals,
            price: StrictPrice::oracle(price(holding.price_usd)?),
            weights,
            deposits: None,
            orders: SpotOrders::default(),
        };
        Both::of(|context| position.margin(context))
    }

    fn leg(&self, leg: &Leg) -> Result<Both, Refusal> {
        Listed { protocol: "Drift", currency: self.quote.as_str() }.check(leg).map_err(Refusal::Text)?;
        let underlying = &leg.contract.underlying;
        let market = *self.perps.get(underlying).ok_or_else(|| {
            Refusal::Text(format!(
                "the rulebook has no parameters of {underlying}: add a section [perp_markets.{underlying}]"
            ))
        })?;
        let mut position = PerpPosition {
            base: Base(units(leg.quantity, Decimals(9))?),
            quote: Quote(0),
            price: price(leg.index_usd)?,
            quote_price: StrictPrice::oracle(price(leg.settlement_usd)?),
            market,
        };
        position.quote = Quote(match leg.entry_value {
            Some(entry) => units(-entry, Decimals(QUOTE_DECIMALS))?,
            // Unknown: the balance is taken to hold the gain already.
            None => -position.gain()?.0,
        });
        Both::of(|context| position.margin(context))
    }
}

/// Why a leg or balance is not margined.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("{0}")]
    Text(String),
    #[error("{0}: check the position and its market")]
    Engine(#[from] DriftError),
}

impl Both {
    fn of(margin: impl Fn(MarginContext) -> Result<Margin, DriftError>) -> Result<Self, Refusal> {
        Ok(Self {
            initial: margin(MarginContext::at(MarginLevel::Initial))?,
            maintenance: margin(MarginContext::at(MarginLevel::Maintenance))?,
        })
    }

    fn plus(self, other: Self) -> Result<Self, Refusal> {
        Ok(Self {
            initial: self.initial.plus(other.initial)?,
            maintenance: self.maintenance.plus(other.maintenance)?,
        })
    }

    /// Collateral and requirement.
    fn usd(self) -> Result<(Levels, Levels), Refusal> {
        let usd = |quote: Quote| {
            exact::model_of(&BigInt::from(quote.0), QUOTE_DECIMALS)
                .ok_or_else(|| Refusal::Text(NOT_IN_RANGE.to_owned()))
        };
        let levels = |initial, maintenance| -> Result<Levels, Refusal> {
            Ok(Levels { initial: usd(initial)?, maintenance: usd(maintenance)? })
        };
        Ok((
            levels(self.initial.collateral, self.maintenance.collateral)?,
            levels(self.initial.requirement, self.maintenance.requirement)?,
        ))
    }
}

fn add_holding(outcome: &mut Outcome, holding: &Holding, counted: Levels, asked: Levels) {
    outcome.equity_usd += holding.value_usd();
    if holding.amount < 0.0 {
        let unit = protocol::unit(outcome, holding.asset.as_str());
        unit.requirement = unit.requirement.plus(asked);
        unit.charges.push(Charge { name: "borrow".to_owned(), usd: asked });
    }
    outcome.collateral.push(Collateral {
        asset: holding.asset.clone(),
        amount: holding.amount,
        value_usd: holding.value_usd(),
        counted,
    });
}

fn units(value: f64, decimals: Decimals) -> Result<i128, Refusal> {
    let whole = i32::try_from(decimals.0).ok().and_then(|decimals| exact::units_of(value, decimals));
    whole.and_then(|whole| i128::try_from(whole).ok()).ok_or_else(|| Refusal::Text(NOT_IN_RANGE.to_owned()))
}

fn price(usd: f64) -> Result<Price, Refusal> {
    units(usd, Decimals(QUOTE_DECIMALS)).map(Price)
}
