//! One account: what its legs ask, what its wallets count for, and how the two meet.
//!
//! * `cross`: surplus = everything counted - everything asked.
//! * `separate`: a wallet for each settlement asset, liquidated alone. The surplus of the account is the smallest of the wallets with
//!   positions, or the sum of all shortfalls if there are any: what is left over in one wallet helps no other, and is not counted.
//! * `isolated`: one leg; its balance is the venue's raw ledger, so the whole value of the position is added to it, not the gain.
//!
//! Legs without a table, options, and further legs of an isolated wallet are unmargined: neither their margin nor their gain is in
//! the figures.

use super::collateral::{Amount, Counted, PortfolioRule};
use super::liquidation::{InversePosition, LinearPosition};
use super::parameters::{Held, Kind, Mode, TieredMargin};
use super::tiers::Tiers;
use crate::report::{self, Charge, Collateral, LegMargin, Levels, Outcome, Unit, Unmargined};
use crate::state::{AccountState, Leg};
use std::collections::BTreeMap;
use units::{Asset, Symbol};

/// A leg with its table.
#[derive(Debug)]
struct Covered<'a> {
    /// Its place in the state.
    index: usize,
    leg: &'a Leg,
    kind: Kind,
    tiers: &'a Tiers,
    /// Unsigned, in the unit of the table.
    notional: f64,
    /// USD per unit of the table.
    unit_usd: f64,
    asked: Levels,
}

/// Balance and gains of one asset.
#[derive(Debug, Clone, Copy, Default)]
struct Wallet {
    balance: f64,
    gain: f64,
    price_usd: f64,
}

/// A state, sorted out.
#[derive(Debug, Default)]
struct Sorted<'a> {
    covered: Vec<Covered<'a>>,
    wallets: BTreeMap<&'a Asset, Wallet>,
    unmargined: Vec<Unmargined>,
    notes: Vec<String>,
}

/// Legs and wallets that stand for one another.
#[derive(Debug, Default)]
struct Pool {
    money: f64,
    lent: Levels,
    asked: Levels,
}

/// Why there is no closed form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoClosedForm {
    /// The state has no such leg, or no table covers it.
    #[error("the leg is not margined by this rulebook")]
    NotMargined,
    /// A gain of one USD does not count as one USD, so the equity has a kink.
    #[error("gains in the settlement asset are not counted in full")]
    Haircut,
    /// Loans against coins, or a requirement scaled by a ratio.
    #[error("the rulebook liquidates by a ratio")]
    Ratio,
    /// Coins pay the contract and other assets stand for it: both move.
    #[error("the wallet of an inverse contract holds other assets than its coin")]
    MixedWallet,
}

impl TieredMargin {
    pub(crate) fn margin(&self, state: &AccountState) -> Outcome {
        let sorted = self.sorted(state);
        let pools = self.pools(&sorted);
        let wallets = self.wallets(&pools, &sorted);
        let mut outcome = Outcome {
            equity_usd: sorted.wallets.values().map(|wallet| wallet.units() * wallet.price_usd).sum(),
            counted: self.counted(&pools, &wallets),
            wallets,
            collateral: self.collateral_rows(state),
            ..Outcome::default()
        };
        for (name, pool) in &pools {
            let unit = self.unit(name, pool, &sorted);
            outcome.requirement = outcome.requirement.plus(unit.requirement);
            outcome.units.push(unit);
        }
        self.add_transfer_unit(&sorted, &mut outcome);
        outcome.unmargined = sorted.unmargined;
        outcome.notes = sorted.notes;
        self.add_level_note(&pools, &mut outcome);
        if let Some(rule) = &self.collateral.portfolio {
            outcome.notes.push(format!(
                "at maintenance {} of the account's whole value counts: balances are shown before that ratio",
                rule.liquidation_ratio
            ));
        }
        outcome
    }

    /// The price of one leg, in its quote currency, at which its wallet is liquidated, everything else fixed.
    ///
    /// # Errors
    /// When the rules of this file have no closed form for it.
    pub fn liquidation_price(&self, state: &AccountState, leg: usize) -> Result<Option<f64>, NoClosedForm> {
        if self.collateral.portfolio.is_some() || self.liquidation_ratio > 1.0 {
            return Err(NoClosedForm::Ratio);
        }
        let sorted = self.sorted(state);
        let this = sorted.covered.iter().find(|c| c.index == leg).ok_or(NoClosedForm::NotMargined)?;
        let pools = self.pools(&sorted);
        let pool = pools.get(&self.pool_name(this.leg)).ok_or(NoClosedForm::NotMargined)?;
        let per_unit = self
            .collateral
            .full_price(this.leg.contract.settlement_asset(), this.leg.settlement_usd)
            .ok_or(NoClosedForm::Haircut)?;
        // The same number but for the order of products.
        if (per_unit / this.unit_usd - 1.0).abs() > 1e-12 {
            return Err(NoClosedForm::Haircut);
        }
        let others = pool.asked.maintenance - this.asked.maintenance;
        let available = (pool.money - others) / this.unit_usd;
        let price = this.leg.mark.price().get();
        match this.kind {
            Kind::Linear => {
                let quantity = this.leg.size_coin();
                Ok(LinearPosition { quantity, price, available }.liquidation_price(this.tiers))
            }
            Kind::Inverse if self.mode == Mode::Separate => {
                let position =
                    InversePosition { quantity_usd: this.leg.quantity, price, available_coin: available };
                Ok(position.liquidation_price(this.tiers))
            }
            Kind::Inverse => Err(NoClosedForm::MixedWallet),
        }
    }

    fn sorted<'a>(&'a self, state: &'a AccountState) -> Sorted<'a> {
        let mut sorted = Sorted::default();
        for holding in &state.balances {
            let wallet = sorted.wallets.entry(&holding.asset).or_default();
            wallet.balance += holding.amount;
            wallet.price_usd = holding.price_usd;
        }
        for (index, leg) in state.legs.iter().enumerate() {
            match self.covered(index, leg, state) {
                Ok(covered) => {
                    let wallet = sorted.wallets.entry(leg.contract.settlement_asset()).or_default();
                    wallet.price_usd = leg.settlement_usd;
                    wallet.gain += self.gain(leg);
                    self.note_leg(leg, &covered, &mut sorted.notes);
                    sorted.covered.push(covered);
                }
                Err(reason) => sorted.unmargined.push(Unmargined { symbol: leg.symbol.clone(), reason }),
            }
        }
        for (asset, wallet) in &sorted.wallets {
            if self.collateral.count(asset, wallet.amount()) == Counted::Unknown {
                let reason = format!(
                    "no rule says what {asset} counts for: add it under [collateral.rate] or [collateral.par]"
                );
                sorted.unmargined.push(Unmargined { symbol: Symbol::from(*asset), reason });
            }
        }
        sorted
    }

    fn covered<'a>(
        &'a self,
        index: usize,
        leg: &'a Leg,
        state: &AccountState,
    ) -> Result<Covered<'a>, String> {
        if leg.is_option() {
            return Err("tiers margin futures and perpetuals: use a rulebook for options".into());
        }
        if self.mode == Mode::Isolated && state.legs.len() > 1 {
            return Err("an isolated wallet holds one position: give each an account name of its own".into());
        }
        let kind = if leg.is_inverse() { Kind::Inverse } else { Kind::Linear };
        let underlying = &leg.contract.underlying;
        let Some(tiers) = self.tiers(kind, underlying) else {
            let key = kind.key();
            return Err(format!("no tiers for {underlying}: add it to underlyings under [{key}.NAME]"));
        };
        let coins = leg.size_coin().abs();
        let (notional, unit_usd) = match kind {
            Kind::Linear => (coins * leg.mark.price().get(), leg.quote_usd),
            Kind::Inverse => (coins, leg.settlement_usd),
        };
        let leverage = tiers.leverage(notional, self.leverage.get(underlying).copied());
        let asked = Levels { initial: notional / leverage, maintenance: tiers.maintenance(notional) };
        Ok(Covered { index, leg, kind, tiers, notional, unit_usd, asked: asked.times(unit_usd) })
    }

    /// Gain in units of the settlement asset; of an isolated leg its whole value, since the raw ledger holds what it cost.
    fn gain(&self, leg: &Leg) -> f64 {
        let gain_usd = match self.mode {
            Mode::Isolated => Leg { entry_value: Some(0.0), ..leg.clone() }.gain_usd(),
            Mode::Cross | Mode::Separate => leg.gain_usd(),
        };
        gain_usd / leg.settlement_usd
    }

    fn note_leg(&self, leg: &Leg, covered: &Covered<'_>, notes: &mut Vec<String>) {
        if leg.entry_value.is_none() && self.mode != Mode::Isolated {
            notes.push(format!("{}: entry unknown, its gain is taken to be in the balance", leg.symbol));
        }
        let own = self.leverage.get(&leg.contract.underlying).copied();
        let most = covered.tiers.tier(covered.notional).maximum_leverage;
        if own.is_some_and(|own| own > most) {
            notes.push(format!("{}: leverage is limited to {most} by the tier", leg.symbol));
        }
    }

    fn pool_name(&self, leg: &Leg) -> String {
        match self.mode {
            Mode::Cross => "cross".into(),
            Mode::Isolated => "isolated".into(),
            Mode::Separate => leg.contract.settlement_asset().to_string(),
        }
    }

    /// Pools by name: those with legs, or one with everything when there are none.
    fn pools(&self, sorted: &Sorted<'_>) -> BTreeMap<String, Pool> {
        let mut pools: BTreeMap<String, Pool> = BTreeMap::new();
        for covered in &sorted.covered {
            let pool = pools.entry(self.pool_name(covered.leg)).or_default();
            pool.asked = pool.asked.plus(covered.asked);
        }
        if pools.is_empty() {
            pools.insert("cross".into(), Pool::default());
        }
        let separate = self.mode == Mode::Separate && !sorted.covered.is_empty();
        for (asset, wallet) in &sorted.wallets {
            let counted = self.collateral.count(asset, wallet.amount());
            // Outside separate wallets there is one pool.
            let own = if separate { pools.get_mut(asset.as_str()) } else { pools.values_mut().next() };
            let Some(pool) = own else { continue };
            match counted {
                Counted::Money(usd) => pool.money += usd,
                Counted::Lent(usd) => pool.lent = pool.lent.plus(usd),
                Counted::Excluded | Counted::Unknown => {}
            }
        }
        pools
    }

    /// Separate wallets, also those without legs; none in the other modes, and none while there is no leg.
    fn wallets(&self, pools: &BTreeMap<String, Pool>, sorted: &Sorted<'_>) -> Vec<report::Wallet> {
        if self.mode != Mode::Separate || sorted.covered.is_empty() {
            return Vec::new();
        }
        let wallet = |(asset, wallet): (&&Asset, &Wallet)| {
            let idle = || Levels::both(self.collateral.count(asset, wallet.amount()).usd().maintenance);
            let pool = pools.get(asset.as_str());
            report::Wallet {
                name: asset.to_string(),
                equity_usd: wallet.units() * wallet.price_usd,
                counted: pool.map_or_else(idle, |pool| self.pool_counted(pool)),
                requirement: pool.map_or(Levels::default(), |pool| self.pool_asked(pool)),
            }
        };
        sorted.wallets.iter().map(wallet).collect()
    }

    /// Over all wallets.
    fn counted(&self, pools: &BTreeMap<String, Pool>, wallets: &[report::Wallet]) -> Levels {
        let sum = |each: &mut dyn Iterator<Item = Levels>| each.fold(Levels::default(), Levels::plus);
        if wallets.is_empty() {
            return sum(&mut pools.values().map(|pool| self.pool_counted(pool)));
        }
        sum(&mut wallets.iter().map(|wallet| wallet.counted))
    }

    fn pool_counted(&self, pool: &Pool) -> Levels {
        let Some(rule) = &self.collateral.portfolio else { return Levels::both(pool.money) };
        let within = |usd: f64| usd.min(rule.borrow_cap_usd);
        let value = pool.money + borrowed(pool) + within(pool.lent.maintenance);
        Levels {
            initial: pool.money + within(pool.lent.initial),
            maintenance: rule.liquidation_ratio * value,
        }
    }

    fn pool_asked(&self, pool: &Pool) -> Levels {
        self.charges(pool).iter().fold(pool.asked, |sum, charge| sum.plus(charge.usd))
    }

    fn charges(&self, pool: &Pool) -> Vec<Charge> {
        let mut charges = Vec::new();
        let mut charge = |name: &str, maintenance: f64| {
            charges.push(Charge { name: name.into(), usd: Levels { initial: 0.0, maintenance } });
        };
        if self.liquidation_ratio > 1.0 {
            charge("liquidation ratio", (self.liquidation_ratio - 1.0) * pool.asked.maintenance);
        }
        if let Some(rule) = &self.collateral.portfolio {
            charge("borrowed at maintenance", borrowed(pool));
            charge("borrow offset", offset(rule, pool));
        }
        charges
    }

    fn unit(&self, name: &str, pool: &Pool, sorted: &Sorted<'_>) -> Unit {
        let legs = sorted.covered.iter().filter(|covered| self.pool_name(covered.leg) == name);
        Unit {
            name: name.into(),
            requirement: self.pool_asked(pool),
            charges: self.charges(pool),
            legs: legs.map(|c| LegMargin { symbol: c.leg.symbol.clone(), requirement: c.asked }).collect(),
            ..Unit::default()
        }
    }

    /// What withdrawals must leave: max(initial, rate x notional). A figure of its own, not part of the requirement.
    fn add_transfer_unit(&self, sorted: &Sorted<'_>, outcome: &mut Outcome) {
        let notional: f64 = sorted.covered.iter().map(|covered| covered.notional * covered.unit_usd).sum();
        let initial_margin = outcome.requirement.initial;
        let Some(initial) = self.transfer_margin(Held { initial_margin, notional }) else { return };
        outcome.units.push(Unit {
            name: "transfer".into(),
            requirement: Levels { initial, maintenance: 0.0 },
            ..Unit::default()
        });
    }

    fn add_level_note(&self, pools: &BTreeMap<String, Pool>, outcome: &mut Outcome) {
        if self.transfer_rate.is_some() {
            outcome.notes.push("unit transfer is what withdrawals must leave; it is not added up".into());
        }
        outcome.note_wallets();
        let maintenance: f64 = pools.values().map(|pool| pool.asked.maintenance).sum();
        if maintenance > 0.0 && !self.levels.is_empty() {
            let ratio = outcome.counted.maintenance / maintenance;
            let level = self.levels.iter().find(|level| ratio >= level.ratio).or_else(|| self.levels.last());
            let meaning = level.map_or("", |level| level.meaning.as_str());
            outcome.notes.push(format!("equity / maintenance margin is {ratio:.4}: {meaning}"));
        }
    }

    /// Balances alone: gains enter the counted figures with the balance of their asset.
    fn collateral_rows(&self, state: &AccountState) -> Vec<Collateral> {
        let row = |holding: &crate::state::Holding| {
            let amount = Amount { units: holding.amount, price_usd: holding.price_usd };
            Collateral {
                asset: holding.asset.clone(),
                amount: holding.amount,
                value_usd: holding.value_usd(),
                counted: self.collateral.count(&holding.asset, amount).usd(),
            }
        };
        state.balances.iter().map(row).collect()
    }
}

/// Once the maintenance margin must be funded, what money does not cover is borrowed.
fn borrowed(pool: &Pool) -> f64 {
    (pool.asked.maintenance - pool.money).max(0.0)
}

fn offset(rule: &PortfolioRule, pool: &Pool) -> f64 {
    let owes = pool.asked.maintenance + borrowed(pool) > 0.0;
    if owes { rule.borrow_offset_usd } else { 0.0 }
}

impl Wallet {
    fn units(&self) -> f64 {
        self.balance + self.gain
    }

    fn amount(&self) -> Amount {
        Amount { units: self.units(), price_usd: self.price_usd }
    }
}
