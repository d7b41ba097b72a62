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
    /// The part of the equity that the venue counts against each requirement: after haircuts, caps and exclusions.
    pub counted: Levels,
    /// What is asked.
    pub requirement: Levels,
    /// Risk units in the order of their names; their requirements add up to `requirement` unless a note says otherwise.
    pub units: Vec<Unit>,
    /// Every balance and how it is counted.
    pub collateral: Vec<Collateral>,
    /// Legs and balances that the model does not cover: the requirement is partial if there are any.
    pub unmargined: Vec<Unmargined>,
    /// What a reader should know.
    pub notes: Vec<String>,
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

impl Outcome {
    /// Counted equity less requirement: below zero at maintenance the venue liquidates.
    #[must_use]
    pub fn surplus(&self) -> Levels {
        self.counted.minus(self.requirement)
    }

    /// Maintenance requirement as a fraction of the equity counted for it; none without such equity.
    #[must_use]
    pub fn utilisation(&self) -> Option<f64> {
        (self.counted.maintenance > 0.0).then(|| self.requirement.maintenance / self.counted.maintenance)
    }

    /// True when a leg or balance is not in the figures.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        !self.unmargined.is_empty()
    }
}
