//! From an account's legs to markets, and from the protocol's net margin to the report.
//!
//! Counted equity is what the protocol takes as such: cash and what is paid in it one to one, other values in USD, collateral
//! after its factor (debts in full). The requirement of a unit is what its options' value exceeds their contribution by, the
//! perpetuals' rates and the contingencies. So counted equity less requirement is the protocol's net margin.
//!
//! Books carry no feed confidences: all are 1. Their forwards are taken for the expected settlement prices to the end.
//! Legs that settle in something else than the protocol's cash are margined by the same formulas at their USD value.

use super::{MarketMargin, Srm, SrmAccount, SrmBase, SrmExpiry, SrmMarket, SrmOption, SrmPerpetual};
use crate::report::{Charge, Collateral, Levels, Outcome, Unit, Unmargined};
use crate::state::{AccountState, Leg, Mark};
use std::collections::BTreeMap;
use units::{Asset, Forward, Spot, Strike, Symbol, UnitError};

impl Srm {
    /// Margins one account.
    pub(crate) fn margin(&self, state: &AccountState) -> Outcome {
        let mut outcome = Outcome::default();
        let mut names = Vec::new();
        let mut markets = Vec::new();
        for (underlying, legs) in by_underlying(state) {
            if let Some(market) = self.market(&underlying, &legs, &mut outcome) {
                names.push(underlying);
                markets.push(market);
            }
        }
        self.count(state, &mut outcome);
        match self.stable(state) {
            Ok(stable) => {
                let account = SrmAccount { cash: 0.0, stable, markets };
                for (name, market) in names.iter().zip(account.margin(self.depeg).markets) {
                    let unit = unit(name, &market);
                    outcome.requirement = outcome.requirement.plus(unit.requirement);
                    outcome.units.push(unit);
                }
            }
            Err(error) => {
                let symbols = state.legs.iter().map(|leg| leg.symbol.clone());
                outcome.unmargined.extend(symbols.map(|symbol| unmargined(symbol, error.to_string())));
            }
        }
        outcome
    }

    /// USD per unit of cash. Without cash and without a leg that pays it nothing depends on it, and the peg stands in.
    fn stable(&self, state: &AccountState) -> Result<Spot, UnitError> {
        let paid = state.legs.iter().find(|leg| *leg.contract.settlement_asset() == self.cash);
        let held = state.balances.iter().find(|holding| holding.asset == self.cash);
        let price = paid.map(|leg| leg.settlement_usd).or(held.map(|holding| holding.price_usd));
        Spot::new(price.unwrap_or(1.0))
    }

    /// Brings USD to units of cash for what is paid in it.
    fn face(&self, leg: &Leg) -> f64 {
        if *leg.contract.settlement_asset() == self.cash { 1.0 / leg.settlement_usd } else { 1.0 }
    }

    fn count(&self, state: &AccountState, outcome: &mut Outcome) {
        for holding in &state.balances {
            let value_usd = holding.value_usd();
            let counted = if holding.asset == self.cash {
                Levels::both(holding.amount)
            } else if let Some(rules) = self.base.get(&holding.asset) {
                rules.counted(value_usd)
            } else {
                let symbol = Symbol::from(&holding.asset);
                let asset = &holding.asset;
                let reason = format!(
                    "{asset} has no factor, so a balance counts for nothing and a debt in full: add [base.{asset}]"
                );
                outcome.unmargined.push(unmargined(symbol, reason));
                Levels::both(if value_usd < 0.0 { value_usd } else { 0.0 })
            };
            outcome.equity_usd += value_usd;
            outcome.counted = outcome.counted.plus(counted);
            outcome.collateral.push(Collateral {
                asset: holding.asset.clone(),
                amount: holding.amount,
                value_usd,
                counted,
            });
        }
        for leg in &state.legs {
            let value_usd = leg.option_value_usd() + leg.gain_usd();
            outcome.equity_usd += value_usd;
            outcome.counted = outcome.counted.plus(Levels::both(value_usd * self.face(leg)));
        }
    }

    fn market(&self, underlying: &Asset, legs: &[&Leg], outcome: &mut Outcome) -> Option<SrmMarket> {
        let spot = match Spot::new(legs.first()?.index_usd) {
            Ok(spot) => spot,
            Err(error) => {
                let symbols = legs.iter().map(|leg| leg.symbol.clone());
                outcome.unmargined.extend(symbols.map(|symbol| unmargined(symbol, error.to_string())));
                return None;
            }
        };
        let mut market = SrmMarket {
            spot,
            spot_confidence: 1.0,
            oracle: self.oracle,
            expiries: Vec::new(),
            perpetuals: Vec::new(),
            bases: Vec::<SrmBase>::new(),
        };
        for leg in legs {
            if let Err(reason) = self.add(underlying, leg, &mut market) {
                outcome.unmargined.push(unmargined(leg.symbol.clone(), reason));
            }
        }
        let is_empty = market.expiries.is_empty() && market.perpetuals.is_empty();
        (!is_empty).then_some(market)
    }

    fn add(&self, underlying: &Asset, leg: &Leg, market: &mut SrmMarket) -> Result<(), String> {
        let usd = |price: f64| price * leg.quote_usd;
        match leg.mark {
            Mark::Option { forward, vol, strike, kind, expiry } => {
                let rules =
                    self.option.get(underlying).ok_or_else(|| missing("options", "option", underlying))?;
                let forward = Forward::new(usd(forward.get())).map_err(|e| e.to_string())?;
                let strike = Strike::new(usd(strike.get())).map_err(|e| e.to_string())?;
                let option = SrmOption { strike, kind, size_coin: leg.size_coin(), vol };
                let same = |e: &&mut SrmExpiry| e.years == expiry && e.forward == forward;
                match market.expiries.iter_mut().find(same) {
                    Some(expiry) => expiry.options.push(option),
                    None => market.expiries.push(SrmExpiry {
                        forward,
                        years: expiry,
                        confidence: 1.0,
                        rules: *rules,
                        options: vec![option],
                    }),
                }
            }
            Mark::Perpetual { price } => {
                let rates = self
                    .perpetual
                    .get(underlying)
                    .ok_or_else(|| missing("perpetuals", "perpetual", underlying))?;
                let price = Forward::new(usd(price.get())).map_err(|e| e.to_string())?;
                let gain = leg.gain_usd() * self.face(leg);
                let size_coin = leg.size_coin();
                let perpetual =
                    SrmPerpetual { size_coin, price, confidence: 1.0, gain, funding: 0.0, rates: *rates };
                market.perpetuals.push(perpetual);
            }
            Mark::Future { .. } => {
                return Err("dated futures are not listed there: move the leg or use another rulebook".into());
            }
        }
        Ok(())
    }
}

fn by_underlying(state: &AccountState) -> BTreeMap<Asset, Vec<&Leg>> {
    let mut all: BTreeMap<Asset, Vec<&Leg>> = BTreeMap::new();
    for leg in &state.legs {
        all.entry(leg.contract.underlying.clone()).or_default().push(leg);
    }
    all
}

fn missing(what: &str, key: &str, underlying: &Asset) -> String {
    format!("the rulebook has no rules for {what} on {underlying}: add [{key}.{underlying}]")
}

fn unmargined(symbol: Symbol, reason: String) -> Unmargined {
    Unmargined { symbol, reason }
}

/// What a market asks beyond the values that are counted as equity.
fn unit(name: &Asset, market: &MarketMargin) -> Unit {
    let mut isolated = Levels::default();
    let mut bounded = Levels::default();
    for expiry in &market.expiries {
        let asked = Levels::both(expiry.mark_to_market).minus(expiry.margin);
        if expiry.isolated.initial >= expiry.bounded.initial {
            isolated.initial += asked.initial;
        } else {
            bounded.initial += asked.initial;
        }
        if expiry.isolated.maintenance >= expiry.bounded.maintenance {
            isolated.maintenance += asked.maintenance;
        } else {
            bounded.maintenance += asked.maintenance;
        }
    }
    let initial = |contribution: f64| Levels { initial: -contribution, maintenance: 0.0 };
    let charges = [
        ("options, isolated", isolated),
        ("options, bounded loss", bounded),
        ("perpetuals", Levels::default().minus(market.perpetuals)),
        ("oracle confidence", initial(market.oracle)),
        ("depeg", initial(market.depeg)),
    ];
    let requirement = charges.iter().fold(Levels::default(), |sum, (_, usd)| sum.plus(*usd));
    let charges = charges.into_iter().map(|(name, usd)| Charge { name: name.to_owned(), usd }).collect();
    Unit { name: name.to_string(), requirement, charges, ..Unit::default() }
}
