//! From an account's legs to units, cubes and the report.
//!
//! A leg on an underlying that the rulebook does not cover, and a balance that it does not name, go to `unmargined`. Balances
//! count less their haircut; debts count in full, named or not, and carry a margin of their own where the rulebook has
//! `[borrow]`: the unit "borrowing".

use super::Revalued;
use super::cube::{AssetState, ContractState, Cube, ExpiryState, Follows, Payoff, UnitMarket};
use super::model::{Combine, InScenarios, ScenarioModel, UnitBy};
use super::risk::{Entry, Scratch, UnitRisk};
use crate::report::{Charge, Collateral, Levels, Outcome, ScenarioPnl, Unit, Unmargined, Wallet};
use crate::state::{AccountState, Holding, Leg, Mark};
use instrument::Settlement;
use market::quote_currency;
use std::collections::BTreeMap;
use units::{Asset, Discount, Symbol, YearFraction};

/// Legs and balances that net.
#[derive(Debug, Default)]
struct UnitLegs<'a> {
    legs: Vec<&'a Leg>,
    holdings: Vec<&'a Holding>,
}

/// A unit as the report shows it, with what joining units needs.
struct Margined {
    unit: Unit,
    risk_pnl_usd: Vec<f64>,
    charges_usd: Vec<Levels>,
    cube: Cube,
    settles_in: Option<Asset>,
}

impl ScenarioModel {
    /// Margins one account, with what was revalued for others.
    pub(crate) fn margin(&self, state: &AccountState, known: Option<&Revalued>) -> Outcome {
        let mut outcome = Outcome::default();
        let counted = self.count(state, &mut outcome);
        let mut margined = Vec::new();
        for ((underlying, settles_in), legs) in self.units(state, &mut outcome) {
            match self.unit((&underlying, settles_in.as_ref()), &legs, known) {
                Ok(unit) => margined.push(unit),
                Err(reason) => {
                    let names = legs.legs.iter().map(|leg| leg.symbol.clone());
                    let names = names.chain(legs.holdings.iter().map(|h| Symbol::from(&h.asset)));
                    outcome
                        .unmargined
                        .extend(names.map(|symbol| Unmargined { symbol, reason: reason.clone() }));
                }
            }
        }
        outcome.counted = counted;
        match self.combine {
            Combine::Sum => {}
            Combine::Joint => self.join(&mut margined, &mut outcome),
            Combine::Segregated => outcome.wallets = wallets(&margined, state, &outcome.collateral),
        }
        for Margined { unit, .. } in margined {
            outcome.requirement = outcome.requirement.plus(unit.requirement);
            outcome.units.push(unit);
        }
        outcome.note_wallets();
        self.charge_debts(state, &mut outcome);
        outcome
    }

    /// The margin of what is owed: in each asset the balance, with the gains and option values that settle in it, where
    /// that is below zero.
    fn charge_debts(&self, state: &AccountState, outcome: &mut Outcome) {
        let Some(rates) = self.borrow else { return };
        let mut equity: BTreeMap<&Asset, f64> = BTreeMap::new();
        for holding in &state.balances {
            let cash = self.collateral.cash.contains(&holding.asset);
            let value = if cash { holding.amount } else { holding.value_usd() };
            *equity.entry(&holding.asset).or_default() += value;
        }
        for leg in &state.legs {
            let value = (leg.option_value_usd() + leg.gain_usd()) * self.face(leg);
            *equity.entry(leg.contract.settlement_asset()).or_default() += value;
        }
        let mut unit = Unit { name: "borrowing".into(), ..Unit::default() };
        for (asset, value) in equity.into_iter().filter(|(_, value)| *value < 0.0) {
            let usd = Levels { initial: -value * rates.initial, maintenance: -value * rates.maintenance };
            unit.requirement = unit.requirement.plus(usd);
            unit.charges.push(Charge { name: asset.to_string(), usd });
        }
        if !unit.charges.is_empty() {
            outcome.requirement = outcome.requirement.plus(unit.requirement);
            outcome.units.push(unit);
        }
    }

    /// Balances with their haircuts, gains and option values.
    fn count(&self, state: &AccountState, outcome: &mut Outcome) -> Levels {
        let mut counted = Levels::default();
        for holding in &state.balances {
            let value_usd = holding.value_usd();
            let by_level = self.counted(holding);
            if by_level.is_none() {
                let reason = format!(
                    "the rulebook names no haircut for {}, so it counts for nothing: add [collateral.haircut.{}]",
                    holding.asset, holding.asset
                );
                outcome.unmargined.push(Unmargined { symbol: Symbol::from(&holding.asset), reason });
            }
            let own = by_level.unwrap_or_default();
            outcome.equity_usd += value_usd;
            counted = counted.plus(own);
            outcome.collateral.push(Collateral {
                asset: holding.asset.clone(),
                amount: holding.amount,
                value_usd,
                counted: own,
            });
        }
        for leg in &state.legs {
            let value = (leg.option_value_usd() + leg.gain_usd()) * self.face(leg);
            outcome.equity_usd += value;
            counted = counted.plus(Levels::both(value));
        }
        counted
    }

    fn counted(&self, holding: &Holding) -> Option<Levels> {
        if self.collateral.cash.contains(&holding.asset) {
            return Some(Levels::both(holding.amount));
        }
        let value = holding.value_usd();
        if value < 0.0 {
            return Some(Levels::both(value));
        }
        let haircut = self.collateral.haircut.get(&holding.asset)?;
        let cut = |part: f64| value * (1.0 - part);
        Some(Levels { initial: cut(haircut.initial), maintenance: cut(haircut.maintenance) })
    }

    /// Brings USD to face value where the protocol counts its cash one to one.
    fn face(&self, leg: &Leg) -> f64 {
        let cash = self.collateral.cash.contains(leg.contract.settlement_asset());
        if cash { 1.0 / leg.settlement_usd } else { 1.0 }
    }

    fn units<'a>(
        &self,
        state: &'a AccountState,
        outcome: &mut Outcome,
    ) -> BTreeMap<(Asset, Option<Asset>), UnitLegs<'a>> {
        let covered = |asset: &Asset| self.underlyings.is_empty() || self.underlyings.contains(asset);
        let mut units: BTreeMap<(Asset, Option<Asset>), UnitLegs<'a>> = BTreeMap::new();
        for leg in &state.legs {
            let underlying = &leg.contract.underlying;
            if covered(underlying) {
                let settlement = leg.contract.settlement_asset().clone();
                let by = (self.unit_by == UnitBy::Settlement).then_some(settlement);
                units.entry((underlying.clone(), by)).or_default().legs.push(leg);
            } else {
                let reason =
                    format!("the rulebook does not cover {underlying}: add it to underlyings and tables");
                outcome.unmargined.push(Unmargined { symbol: leg.symbol.clone(), reason });
            }
        }
        for holding in &state.balances {
            let moves = self.in_scenarios(&holding.asset) != InScenarios::Nothing;
            if moves && covered(&holding.asset) {
                let by = (self.unit_by == UnitBy::Settlement).then(|| holding.asset.clone());
                units.entry((holding.asset.clone(), by)).or_default().holdings.push(holding);
            }
        }
        units
    }

    fn in_scenarios(&self, asset: &Asset) -> InScenarios {
        self.collateral.haircut.get(asset).map_or(InScenarios::Nothing, |haircut| haircut.in_scenarios)
    }

    fn unit(
        &self,
        (underlying, settles_in): (&Asset, Option<&Asset>),
        legs: &UnitLegs<'_>,
        known: Option<&Revalued>,
    ) -> Result<Margined, String> {
        let (market, mut entries) = self.market(underlying, legs)?;
        let cube = Cube::build_with(self, &market, known).map_err(|e| e.to_string())?;
        if self.in_scenarios(underlying) == InScenarios::Hedging {
            cube.limit_to_hedge(&mut entries);
        }
        let mut scratch = Scratch::default();
        let risk = cube.risk(self, &entries, &mut scratch).map_err(|e| e.to_string())?;
        let unit = self.report(underlying, settles_in, &cube, &scratch, risk);
        let usd = cube.numeraire_usd;
        Ok(Margined {
            unit,
            risk_pnl_usd: scratch.pnl().iter().map(|pnl| pnl * usd).collect(),
            charges_usd: scratch.charges().iter().map(|charge| charge.times(usd)).collect(),
            cube,
            settles_in: settles_in.cloned(),
        })
    }

    fn report(
        &self,
        underlying: &Asset,
        settles_in: Option<&Asset>,
        cube: &Cube,
        scratch: &Scratch,
        risk: UnitRisk,
    ) -> Unit {
        let usd = cube.numeraire_usd;
        let name = settles_in.map_or_else(|| underlying.to_string(), |by| format!("{underlying}/{by}"));
        Unit {
            name,
            requirement: risk.requirement.times(usd),
            scenarios: self.named(scratch.pnl().iter().map(|pnl| pnl * usd)),
            worst: risk.worst,
            charges: self.named_charges(scratch.charges().iter().map(|charge| charge.times(usd))),
            legs: Vec::new(),
        }
    }

    fn named(&self, pnl_usd: impl Iterator<Item = f64>) -> Vec<ScenarioPnl> {
        let names = self.scenarios.iter().map(|s| s.name.as_str()).chain(["forward contingency"]);
        names.zip(pnl_usd).map(|(name, pnl_usd)| ScenarioPnl { name: name.to_owned(), pnl_usd }).collect()
    }

    fn named_charges(&self, usd: impl Iterator<Item = Levels>) -> Vec<Charge> {
        let rules = self.charges.iter().zip(usd);
        rules.map(|(rule, usd)| Charge { name: rule.name.clone(), usd }).collect()
    }

    /// P&L of all units scenario by scenario, then the worst; the units keep their P&L and lose their requirement.
    fn join(&self, margined: &mut [Margined], outcome: &mut Outcome) {
        let Some(first) = margined.first() else { return };
        let mut pnl = vec![0.0; first.risk_pnl_usd.len()];
        let mut charges = vec![Levels::default(); self.charges.len()];
        for unit in margined.iter() {
            pnl.iter_mut().zip(&unit.risk_pnl_usd).for_each(|(total, own)| *total += own);
            charges.iter_mut().zip(&unit.charges_usd).for_each(|(total, own)| *total = total.plus(*own));
        }
        let (worst, worst_loss) = super::risk::worst_of(&pnl);
        let requirement = first.cube.requirement(self, worst_loss, &charges);
        margined.iter_mut().for_each(|unit| unit.unit.requirement = Levels::default());
        outcome.requirement = requirement;
        outcome.units.push(Unit {
            name: "all".into(),
            requirement,
            scenarios: self.named(pnl.into_iter()),
            worst,
            charges: self.named_charges(charges.into_iter()),
            legs: Vec::new(),
        });
        outcome
            .notes
            .push("underlyings net scenario by scenario: only the unit 'all' has a requirement".into());
    }

    /// Contracts sorted as the cube wants them, and the quantities.
    fn market(&self, underlying: &Asset, unit: &UnitLegs<'_>) -> Result<(UnitMarket, Vec<Entry>), String> {
        let index = unit.legs.first().map(|leg| leg.index_usd);
        let index = index.or(unit.holdings.first().map(|holding| holding.price_usd));
        let index = index.ok_or_else(|| format!("{underlying}: a unit without legs"))?;
        let mut legs = unit.legs.clone();
        legs.sort_by(|a, b| sort_key(a).partial_cmp(&sort_key(b)).unwrap_or(std::cmp::Ordering::Equal));
        let mut builder = MarketBuilder::default();
        for holding in &unit.holdings {
            builder.holding(holding)?;
        }
        for leg in legs {
            builder.leg(leg, self.collateral.cash.contains(leg.contract.settlement_asset()))?;
        }
        let in_currency = unit.legs.iter().filter(|leg| leg.contract.settlement_asset().is_currency());
        let stable_usd =
            in_currency.map(|leg| leg.settlement_usd).fold(1.0, |a, b| if b < a { b } else { a });
        let asset =
            AssetState { asset: underlying.clone(), index, index_confidence: 1.0, perpetual_confidence: 1.0 };
        let MarketBuilder { expiries, contracts, entries, .. } = builder;
        Ok((UnitMarket { assets: vec![asset], expiries, contracts, stable_usd }, entries))
    }
}

/// Date, then futures before options, then quote currency, family, strike and kind.
fn sort_key(leg: &Leg) -> (f64, bool, Asset, f64, f64, bool) {
    let forward = leg.mark.price().get();
    let quote = quote_currency(&leg.contract);
    match leg.mark {
        Mark::Option { strike, kind, expiry, .. } => {
            (expiry.get(), true, quote, forward, strike.get(), kind == units::OptionKind::Put)
        }
        Mark::Future { expiry, .. } => (expiry.get(), false, quote, forward, 0.0, false),
        Mark::Perpetual { .. } => (0.0, false, quote, forward, 0.0, false),
    }
}

#[derive(Debug, Default)]
struct MarketBuilder {
    expiries: Vec<ExpiryState>,
    contracts: Vec<ContractState>,
    entries: Vec<Entry>,
    dates: usize,
}

impl MarketBuilder {
    fn holding(&mut self, holding: &Holding) -> Result<(), String> {
        let usd = Quote { currency: Asset::usd(), usd: 1.0, price: holding.price_usd };
        let expiry = self.expiry(YearFraction::ZERO, usd)?;
        let contract = ContractState::Holding {
            expiry,
            coins: 1.0,
            price: holding.price_usd,
            confidence: 1.0,
            follows: Follows::Index,
        };
        self.push(contract, holding.amount)
    }

    fn leg(&mut self, leg: &Leg, at_face: bool) -> Result<(), String> {
        let quote = Quote {
            currency: quote_currency(&leg.contract),
            usd: leg.quote_usd,
            price: leg.mark.price().get(),
        };
        let expiry = self.expiry(leg.mark.expiry(), quote)?;
        let payoff = if leg.contract.settlement == Settlement::Inverse {
            Payoff::Coin
        } else {
            let coins = leg.coins_per_unit();
            Payoff::Currency { coins, usd: coins * if at_face { 1.0 } else { leg.settlement_usd } }
        };
        let contract = match leg.mark {
            Mark::Option { strike, kind, vol, .. } => {
                ContractState::Option { expiry, strike, kind, vol: vol.get(), payoff }
            }
            Mark::Future { price, .. } | Mark::Perpetual { price } => {
                ContractState::Future { expiry, mark: price.get(), payoff }
            }
        };
        self.push(contract, leg.quantity)
    }

    fn push(&mut self, contract: ContractState, quantity: f64) -> Result<(), String> {
        let row = u32::try_from(self.contracts.len()).map_err(|_| "too many contracts".to_owned())?;
        self.contracts.push(contract);
        self.entries.push(Entry { row, weight: quantity });
        Ok(())
    }

    /// The state of a date, currency and forward; a date may be quoted in several currencies, each with a forward of its own.
    fn expiry(&mut self, years: YearFraction, quote: Quote) -> Result<usize, String> {
        let Quote { currency, usd, price } = quote;
        let last = self.expiries.last();
        if last.is_none_or(|state| state.years != years) {
            self.dates += 1;
        } else if last.is_some_and(|state| {
            state.quote == currency && state.forward_variable.to_bits() == price.to_bits()
        }) {
            return Ok(self.expiries.len() - 1);
        }
        self.expiries.push(ExpiryState {
            asset: 0,
            date: self.dates,
            years,
            forward_fixed: 0.0,
            forward_variable: price,
            rate: 0.0,
            discount: Discount::new(1.0).map_err(|e| e.to_string())?,
            confidence: 1.0,
            quote: currency,
            quote_usd: usd,
        });
        Ok(self.expiries.len() - 1)
    }
}

/// A forward and its currency.
struct Quote {
    currency: Asset,
    usd: f64,
    price: f64,
}

/// A wallet for each settlement currency: what counts in it and what its units ask.
fn wallets(margined: &[Margined], state: &AccountState, collateral: &[Collateral]) -> Vec<Wallet> {
    let mut wallets: BTreeMap<Asset, Wallet> = BTreeMap::new();
    let mut add = |asset: &Asset, equity_usd: f64, counted: Levels, requirement: Levels| {
        let wallet = wallets.entry(asset.clone()).or_default();
        wallet.equity_usd += equity_usd;
        wallet.counted = wallet.counted.plus(counted);
        wallet.requirement = wallet.requirement.plus(requirement);
    };
    for held in collateral {
        add(&held.asset, held.value_usd, held.counted, Levels::default());
    }
    for leg in &state.legs {
        let value = leg.option_value_usd() + leg.gain_usd();
        add(leg.contract.settlement_asset(), value, Levels::both(value), Levels::default());
    }
    for unit in margined {
        if let Some(asset) = &unit.settles_in {
            add(asset, 0.0, Levels::default(), unit.unit.requirement);
        }
    }
    wallets.into_iter().map(|(asset, wallet)| Wallet { name: asset.to_string(), ..wallet }).collect()
}
