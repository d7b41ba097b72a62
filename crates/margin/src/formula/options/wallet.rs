//! Wallets: what each settlement currency holds, what is asked of it, and how the account's surplus is formed.
//!
//! `pooled`: the counted equity is the sum over wallets after haircuts; debts count in full. Positive equity in an asset that the
//! file does not list counts for nothing and is reported.
//!
//! `separate`: no wallet helps another. Each is reported by itself ([`report::Wallet`]); counted equity and requirement of the
//! account are sums, and its surplus is formed by [`Outcome::surplus`]: below zero exactly when some wallet is short.

use super::OptionValue;
use crate::report::{self, Charge, Collateral, LegMargin, Levels, Outcome, Unit, Unmargined};
use crate::state::{Holding, Leg};
use std::collections::BTreeMap;
use units::{Asset, Symbol};

/// How wallets stand together.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Pooling {
    /// Each alone.
    Separate,
    /// Added up after haircuts, by asset.
    Pooled(BTreeMap<Asset, Haircut>),
}

/// Fractions of positive equity that do not count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Haircut(pub(super) Levels);

/// What a requirement is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Options,
    Futures,
}

/// By settlement currency.
#[derive(Debug, Default)]
pub(super) struct Wallets(BTreeMap<Asset, Wallet>);

#[derive(Debug, Default)]
struct Wallet {
    /// Everything at full price.
    equity_usd: f64,
    /// What the venue counts before haircuts.
    eligible_usd: f64,
    requirement: Levels,
    parts: BTreeMap<Part, Levels>,
    legs: Vec<LegMargin>,
}

impl Wallets {
    pub(super) fn holding(balances: &[Holding]) -> Self {
        let mut wallets = Self::default();
        for holding in balances {
            let wallet = wallets.0.entry(holding.asset.clone()).or_default();
            wallet.equity_usd += holding.value_usd();
            wallet.eligible_usd += holding.value_usd();
        }
        wallets
    }

    /// Adds gain and option value to the leg's wallet.
    pub(super) fn add_value(&mut self, leg: &Leg, option_value: OptionValue) {
        let wallet = self.of(leg);
        let gain = leg.gain_usd();
        let value = leg.option_value_usd();
        wallet.equity_usd += gain + value;
        wallet.eligible_usd += match option_value {
            OptionValue::Excluded => gain,
            OptionValue::Counted => gain + value,
        };
    }

    /// Adds a requirement to the leg's wallet.
    pub(super) fn ask(&mut self, leg: &Leg, part: Part, levels: Levels) {
        let wallet = self.of(leg);
        wallet.requirement = wallet.requirement.plus(levels);
        let sum = wallet.parts.entry(part).or_default();
        *sum = sum.plus(levels);
        wallet.legs.push(LegMargin { symbol: leg.symbol.clone(), requirement: levels });
    }

    fn of(&mut self, leg: &Leg) -> &mut Wallet {
        self.0.entry(leg.contract.settlement_asset().clone()).or_default()
    }

    /// Fills equity, requirements, units, collateral and notes.
    pub(super) fn report(self, pooling: &Pooling, balances: &[Holding], outcome: &mut Outcome) {
        for wallet in self.0.values() {
            outcome.equity_usd += wallet.equity_usd;
            outcome.requirement = outcome.requirement.plus(wallet.requirement);
        }
        match pooling {
            Pooling::Separate => self.count_separately(outcome),
            Pooling::Pooled(haircuts) => self.count_together(haircuts, outcome),
        }
        outcome.collateral = balances.iter().map(|holding| self.collateral(pooling, holding)).collect();
        let used = self.0.into_iter().filter(|(_, wallet)| !wallet.legs.is_empty());
        outcome.units = used.map(|(asset, wallet)| wallet.unit(&asset)).collect();
    }

    fn count_separately(&self, outcome: &mut Outcome) {
        let wallets = self.0.iter().map(|(asset, wallet)| report::Wallet {
            name: asset.to_string(),
            equity_usd: wallet.equity_usd,
            counted: Levels::both(wallet.eligible_usd),
            requirement: wallet.requirement,
        });
        outcome.wallets = wallets.collect();
        outcome.counted =
            outcome.wallets.iter().fold(Levels::default(), |sum, wallet| sum.plus(wallet.counted));
        outcome.note_wallets();
    }

    fn count_together(&self, haircuts: &BTreeMap<Asset, Haircut>, outcome: &mut Outcome) {
        for (asset, wallet) in &self.0 {
            let share = share(haircuts, asset, wallet.eligible_usd);
            outcome.counted = outcome.counted.plus(share.times(wallet.eligible_usd));
            if wallet.eligible_usd > 0.0 && !haircuts.contains_key(asset) {
                outcome.unmargined.push(Unmargined {
                    symbol: Symbol::from(asset),
                    reason: format!(
                        "{asset} is not in the rulebook's list of collateral and counts for nothing: add [collateral.{asset}] with \
                         its haircuts if the venue takes it"
                    ),
                });
            }
        }
    }

    /// A balance takes the share of its wallet; in separate wallets it counts in full, where it is.
    fn collateral(&self, pooling: &Pooling, holding: &Holding) -> Collateral {
        let value_usd = holding.value_usd();
        let counted = match (pooling, self.0.get(&holding.asset)) {
            (Pooling::Pooled(haircuts), Some(wallet)) => {
                share(haircuts, &holding.asset, wallet.eligible_usd).times(value_usd)
            }
            (Pooling::Pooled(_), None) | (Pooling::Separate, _) => Levels::both(value_usd),
        };
        Collateral { asset: holding.asset.clone(), amount: holding.amount, value_usd, counted }
    }
}

/// The part of a wallet's equity that counts: all of a debt, nothing of an asset that is not listed.
fn share(haircuts: &BTreeMap<Asset, Haircut>, asset: &Asset, eligible_usd: f64) -> Levels {
    if eligible_usd <= 0.0 {
        return Levels::both(1.0);
    }
    match haircuts.get(asset) {
        Some(Haircut(haircut)) => Levels::both(1.0).minus(*haircut),
        None => Levels::default(),
    }
}

impl Wallet {
    fn unit(self, asset: &Asset) -> Unit {
        let charge = |(part, usd): (Part, Levels)| Charge {
            name: match part {
                Part::Options => "sold options".into(),
                Part::Futures => "futures and perpetuals".into(),
            },
            usd,
        };
        Unit {
            name: asset.to_string(),
            requirement: self.requirement,
            charges: self.parts.into_iter().map(charge).collect(),
            legs: self.legs,
            ..Unit::default()
        }
    }
}
