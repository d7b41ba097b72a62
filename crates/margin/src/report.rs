//! The one report of all margin models: equity, requirements and what they are made of.

use units::{Account, Asset, Symbol, Venue};

/// A figure at the two levels that every venue knows, in USD.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Levels {
    /// Needed to open or to withdraw.
    pub initial: f64,
    /// Below this the venue liquidates.
    pub maintenance: f64,
}

/// What a model says of one account. All figures in USD.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcome {
    /// Balances, gains and, where the venue counts them, option values, at full price.
    pub equity_usd: f64,
    /// The part of the equity that the venue counts against each requirement: after haircuts, caps and exclusions. Over all
    /// wallets where they are separate.
    pub counted: Levels,
    /// What is asked.
    pub requirement: Levels,
    /// Wallets that stand each alone, by name; empty where all that is counted stands together.
    pub wallets: Vec<Wallet>,
    /// Risk units in the order of their names; their requirements add up to `requirement` unless a note says otherwise.
    pub units: Vec<Unit>,
    /// Every balance and how it is counted.
    pub collateral: Vec<Collateral>,
    /// Legs and balances that the model does not cover: the requirement is partial if there are any.
    pub unmargined: Vec<Unmargined>,
    /// What a reader should know.
    pub notes: Vec<String>,
}

/// What settles in one currency, on venues where no wallet helps another.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Wallet {
    /// The settlement currency.
    pub name: String,
    /// Balances, gains and option values at full price, USD.
    pub equity_usd: f64,
    /// What of it counts.
    pub counted: Levels,
    /// What is asked of it.
    pub requirement: Levels,
}

/// Legs that are margined together.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Unit {
    /// The underlying, or what else binds the unit together.
    pub name: String,
    /// What the unit asks.
    pub requirement: Levels,
    /// P&L under each scenario of the model, in its order; empty for models without scenarios.
    pub scenarios: Vec<ScenarioPnl>,
    /// Index of the scenario that decides, if one loses.
    pub worst: Option<usize>,
    /// Contingencies and other parts, in the order in which the rulebook names them.
    pub charges: Vec<Charge>,
    /// Legs that carry a requirement of their own; empty for models that margin the unit as a whole.
    pub legs: Vec<LegMargin>,
}

/// P&L of a unit under one scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct ScenarioPnl {
    /// As the rulebook names it.
    pub name: String,
    /// After damping, discounts and offsets, as it enters the requirement.
    pub pnl_usd: f64,
}

/// A contingency or another named part of a requirement.
#[derive(Debug, Clone, PartialEq)]
pub struct Charge {
    /// As the rulebook names it.
    pub name: String,
    /// Its part at each level; positive is asked, negative is a credit.
    pub usd: Levels,
}

/// The requirement of one leg.
#[derive(Debug, Clone, PartialEq)]
pub struct LegMargin {
    /// Venue's symbol.
    pub symbol: Symbol,
    /// What the leg asks.
    pub requirement: Levels,
}

/// How a balance is counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Collateral {
    /// Of which asset.
    pub asset: Asset,
    /// How much; negative is a debt.
    pub amount: f64,
    /// At full price.
    pub value_usd: f64,
    /// What the venue counts.
    pub counted: Levels,
}

/// A leg or balance that a model does not cover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmargined {
    /// Venue's symbol, or the asset.
    pub symbol: Symbol,
    /// Why, and how to mend it.
    pub reason: String,
}

/// The report: one account on one venue under one rulebook.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountMargin {
    /// Owner.
    pub account: Account,
    /// Where.
    pub venue: Venue,
    /// Model id.
    pub rulebook: String,
    /// Hash of the parameter file.
    pub parameter_hash: String,
    /// The figures.
    pub outcome: Outcome,
}

impl Levels {
    /// The same at both levels.
    #[must_use]
    pub const fn both(usd: f64) -> Self {
        Self { initial: usd, maintenance: usd }
    }

    /// Sum level by level.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { initial: self.initial + other.initial, maintenance: self.maintenance + other.maintenance }
    }

    /// Difference level by level.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self { initial: self.initial - other.initial, maintenance: self.maintenance - other.maintenance }
    }

    /// Multiple of both levels.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self { initial: self.initial * factor, maintenance: self.maintenance * factor }
    }
}

/// One of the two levels.
type Level = fn(&Levels) -> f64;

const INITIAL: Level = |levels| levels.initial;
const MAINTENANCE: Level = |levels| levels.maintenance;

impl Wallet {
    /// Counted equity less requirement of this wallet.
    #[must_use]
    pub fn surplus(&self) -> Levels {
        self.counted.minus(self.requirement)
    }

    /// Maintenance requirement as a fraction of the equity counted for it; none without such equity.
    #[must_use]
    pub fn utilisation(&self) -> Option<f64> {
        share(self.requirement, self.counted)
    }

    /// True when the wallet can be liquidated: something is asked of it, or it is a debt.
    fn is_at_risk(&self, level: Level) -> bool {
        level(&self.requirement) > 0.0 || level(&self.counted) < 0.0
    }
}

fn share(requirement: Levels, counted: Levels) -> Option<f64> {
    (counted.maintenance > 0.0).then(|| requirement.maintenance / counted.maintenance)
}

impl Outcome {
    /// Counted equity less requirement: below zero at maintenance the venue liquidates.
    ///
    /// With separate wallets: below zero exactly when some wallet is, and then the sum of what the short wallets lack. Otherwise
    /// at initial the sum of what all wallets have to spare, which is what can be withdrawn; at maintenance the least of the
    /// wallets that something is asked of (of all together when of none), which is the loss that begins a liquidation. Each is
    /// continuous but for the initial one where a wallet falls short.
    #[must_use]
    pub fn surplus(&self) -> Levels {
        if self.wallets.is_empty() {
            return self.counted.minus(self.requirement);
        }
        let spare = self.over_wallets(INITIAL, |all, _| all);
        Levels {
            initial: spare,
            maintenance: self.over_wallets(MAINTENANCE, |all, least| least.unwrap_or(all)),
        }
    }

    /// What the short wallets lack, or what `standing` makes of the sum over all wallets and the least of those at risk.
    fn over_wallets(&self, level: Level, standing: impl Fn(f64, Option<f64>) -> f64) -> f64 {
        let (mut all, mut short, mut least) = (0.0, 0.0, None);
        for wallet in &self.wallets {
            let surplus = level(&wallet.surplus());
            all += surplus;
            if surplus < 0.0 {
                short += surplus;
            }
            if wallet.is_at_risk(level) && least.is_none_or(|least| surplus < least) {
                least = Some(surplus);
            }
        }
        match (all.is_finite(), short < 0.0) {
            // No comparison may hide what is no number.
            (false, _) => all,
            (true, true) => short,
            (true, false) => standing(all, least),
        }
    }

    /// Maintenance requirement as a fraction of the equity counted for it; none without such equity. With separate wallets that
    /// of the wallet nearest to liquidation.
    #[must_use]
    pub fn utilisation(&self) -> Option<f64> {
        if self.wallets.is_empty() {
            return share(self.requirement, self.counted);
        }
        match self.nearest() {
            Some(wallet) => wallet.utilisation(),
            None => share(self.requirement, self.counted),
        }
    }

    /// The separate wallet that uses most of what counts for it; none where nothing is asked of any.
    #[must_use]
    pub fn nearest(&self) -> Option<&Wallet> {
        let used = |wallet: &Wallet| wallet.utilisation().unwrap_or(f64::INFINITY);
        let at_risk = self.wallets.iter().filter(|wallet| wallet.is_at_risk(MAINTENANCE));
        at_risk.fold(None, |nearest, wallet| match nearest {
            Some(other) if used(other) >= used(wallet) => nearest,
            _ => Some(wallet),
        })
    }

    /// Says how the account's figures come from its wallets, where there are several.
    pub(crate) fn note_wallets(&mut self) {
        let Some(nearest) = self.nearest().filter(|_| self.wallets.len() > 1) else { return };
        let mut notes = vec![format!(
            "wallets are separate, no currency helps another: used is that of wallet {}, to liquidation the least of any wallet \
             with a requirement, available the sum of what all have to spare",
            nearest.name
        )];
        for wallet in self.wallets.iter().filter(|wallet| wallet.is_at_risk(MAINTENANCE)) {
            let Levels { initial, maintenance } = wallet.requirement;
            let used =
                wallet.utilisation().map_or_else(|| "n/a".into(), |used| format!("{:.1} %", used * 100.0));
            notes.push(format!(
                "wallet {}: {:.2} USD counted, {initial:.2} asked initially, {maintenance:.2} for maintenance, used {used}",
                wallet.name, wallet.counted.maintenance
            ));
        }
        self.notes.extend(notes);
    }

    /// True when a leg or balance is not in the figures.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        !self.unmargined.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wallet(name: &str, counted: f64, maintenance: f64) -> Wallet {
        let requirement = Levels { initial: 2.0 * maintenance, maintenance };
        Wallet { name: name.into(), equity_usd: counted, counted: Levels::both(counted), requirement }
    }

    fn outcome(wallets: Vec<Wallet>) -> Outcome {
        let sum = |of: fn(&Wallet) -> Levels| wallets.iter().map(of).fold(Levels::default(), Levels::plus);
        let (counted, requirement) = (sum(|wallet| wallet.counted), sum(|wallet| wallet.requirement));
        Outcome { counted, requirement, wallets, ..Outcome::default() }
    }

    /// 100 spared in one, 8 in the other, 50 idle: all can be withdrawn, the loss of 9 begins a liquidation, 50 % is used.
    #[test]
    fn separate_wallets_spare_their_sum_and_stand_as_the_least() {
        let wallets = vec![wallet("BTC", 200.0, 50.0), wallet("ETH", 10.0, 1.0), wallet("SOL", 50.0, 0.0)];
        let account = outcome(wallets);
        assert_eq!(account.surplus(), Levels { initial: 100.0 + 8.0 + 50.0, maintenance: 9.0 });
        assert_eq!(account.nearest().map(|wallet| wallet.name.as_str()), Some("BTC"));
        assert_eq!(account.utilisation(), Some(0.25));
    }

    /// Whatever the others spare, what the short ones lack is what must be added.
    #[test]
    fn a_wallet_that_is_short_is_what_the_account_lacks() {
        let wallets = vec![wallet("BTC", 1e6, 1.0), wallet("ETH", 10.0, 12.0), wallet("SOL", -3.0, 0.0)];
        let account = outcome(wallets);
        assert_eq!(account.surplus(), Levels { initial: -14.0 - 3.0, maintenance: -2.0 - 3.0 });
        assert_eq!(account.utilisation(), None, "a debt has no equity to use");
        let unknown = outcome(vec![wallet("BTC", 5.0, 1.0), wallet("ETH", f64::NAN, 1.0)]);
        assert!(unknown.surplus().maintenance.is_nan(), "no comparison hides it");
    }

    #[test]
    fn wallets_that_nothing_is_asked_of_are_all_free() {
        let account = outcome(vec![wallet("BTC", 5.0, 0.0), wallet("ETH", 2.0, 0.0)]);
        assert_eq!(account.surplus(), Levels::both(7.0));
        assert_eq!((account.nearest(), account.utilisation()), (None, Some(0.0)));
    }
}
