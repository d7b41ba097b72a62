//! Tiers of one contract: maintenance by notional, continuous from tier to tier, and initial margin by leverage.
//!
//! ```text
//! maintenance(x) = x r_n - d_n       tier n holds from_n <= x < from_(n+1)
//! d_1 = 0,  d_n = d_(n-1) + from_n (r_n - r_(n-1))
//! initial(x)     = x / leverage      the account's own leverage, at most that of the tier
//! ```
//!
//! x is the unsigned notional in the unit of the table: the quote currency of linear contracts, the coin of inverse ones.
//! The deductions d are what Binance publishes as maintenance amount and Hyperliquid as maintenance deduction; they follow
//! from the rates and make maintenance continuous. Rates rise from tier to tier and leverages fall.
//!
//! Left out: tables without deductions (the whole position at the rate of its tier, as OKX has them), largest positions.

use std::fmt;

/// One row of a table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tier {
    /// Notional at which it begins.
    pub from: f64,
    /// Maintenance margin per notional within it.
    pub maintenance_rate: f64,
    /// Largest leverage of a position in it.
    pub maximum_leverage: f64,
}

/// A checked table.
#[derive(Debug, Clone, PartialEq)]
pub struct Tiers {
    first: Row,
    above: Vec<Row>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Row {
    tier: Tier,
    deduction: f64,
}

/// Which column of a table breaks a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Where tiers begin.
    From,
    /// Maintenance rates.
    Maintenance,
    /// Largest leverages.
    Leverage,
}

/// A rule that a table breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierFault {
    /// Where.
    pub column: Column,
    /// The rule.
    pub rule: String,
}

impl fmt::Display for TierFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rule)
    }
}

impl std::error::Error for TierFault {}

/// A straight line in the notional: what the account has left before the maintenance of the contract itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Line {
    /// At no notional.
    pub(super) intercept: f64,
    /// Which way it runs.
    pub(super) slope: Slope,
}

/// The position gains one per unit of notional, or loses one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slope {
    Up,
    Down,
}

impl Slope {
    const fn sign(self) -> f64 {
        match self {
            Self::Up => 1.0,
            Self::Down => -1.0,
        }
    }
}

impl Tiers {
    /// Checks a table.
    ///
    /// # Errors
    /// Every rule that it breaks.
    pub fn new(tiers: &[Tier]) -> Result<Self, Vec<TierFault>> {
        let faults = faults(tiers);
        if !faults.is_empty() {
            return Err(faults);
        }
        let Some((first, rest)) = tiers.split_first() else { return Err(faults) };
        let first = Row { tier: *first, deduction: 0.0 };
        let mut above: Vec<Row> = Vec::with_capacity(rest.len());
        for tier in rest {
            let before = above.last().unwrap_or(&first);
            let rise = tier.maintenance_rate - before.tier.maintenance_rate;
            let deduction = before.deduction + tier.from * rise;
            above.push(Row { tier: *tier, deduction });
        }
        Ok(Self { first, above })
    }

    fn row(&self, notional: f64) -> &Row {
        self.above.iter().rev().find(|row| notional >= row.tier.from).unwrap_or(&self.first)
    }

    fn each(&self) -> impl Iterator<Item = &Row> {
        std::iter::once(&self.first).chain(&self.above)
    }

    /// The tier of an unsigned notional.
    #[must_use]
    pub fn tier(&self, notional: f64) -> Tier {
        self.row(notional).tier
    }

    /// The tiers in order, each with its deduction.
    pub fn rows(&self) -> impl Iterator<Item = (Tier, f64)> + '_ {
        self.each().map(|row| (row.tier, row.deduction))
    }

    /// Maintenance margin of an unsigned notional.
    #[must_use]
    pub fn maintenance(&self, notional: f64) -> f64 {
        let row = self.row(notional);
        notional * row.tier.maintenance_rate - row.deduction
    }

    /// Leverage that a position of this notional has: the account's own, if it set one, and at most that of the tier.
    #[must_use]
    pub fn leverage(&self, notional: f64, own: Option<f64>) -> f64 {
        let most = self.tier(notional).maximum_leverage;
        own.map_or(most, |own| own.min(most))
    }

    /// Notional beyond zero at which a line meets the maintenance margin. With rates of at most one the difference is
    /// monotone, so there is one such point or none.
    pub(super) fn crossing(&self, line: Line) -> Option<f64> {
        let sign = line.slope.sign();
        // The last tier that begins before the crossing, seen from zero.
        let left = |row: &&Row| {
            let begin = row.tier.from;
            let margin = line.intercept + sign * begin - (begin * row.tier.maintenance_rate - row.deduction);
            margin * sign < 0.0
        };
        let row = self.each().take_while(left).last()?;
        let notional = -(line.intercept + row.deduction) / (sign - row.tier.maintenance_rate);
        (notional.is_finite() && notional > 0.0).then_some(notional)
    }
}

fn faults(tiers: &[Tier]) -> Vec<TierFault> {
    let mut faults = Vec::new();
    let mut fault = |column, rule: String| faults.push(TierFault { column, rule });
    if tiers.first().is_none_or(|first| first.from != 0.0) {
        fault(Column::From, "the first tier must begin at 0".into());
    }
    for (tier, number) in tiers.iter().zip(1..) {
        let Tier { from, maintenance_rate: rate, maximum_leverage: leverage } = *tier;
        if !(from.is_finite() && from >= 0.0) {
            fault(Column::From, format!("tier {number}: {from} is not a number of zero or more"));
        }
        if !(0.0..=1.0).contains(&rate) {
            fault(Column::Maintenance, format!("tier {number}: the rate {rate} is not from 0 to 1"));
        }
        if !(leverage.is_finite() && leverage >= 1.0) {
            fault(Column::Leverage, format!("tier {number}: the leverage {leverage} is below 1"));
        } else if rate * leverage > 1.0 + ROUNDING {
            let initial = 1.0 / leverage;
            fault(
                Column::Maintenance,
                format!("tier {number}: the maintenance rate {rate} is above the initial rate {initial}"),
            );
        }
    }
    for (pair, number) in tiers.windows(2).zip(2..) {
        let [before, tier] = pair else { continue };
        if tier.from <= before.from {
            fault(Column::From, format!("tier {number} must begin above tier {}", number - 1));
        }
        if tier.maintenance_rate < before.maintenance_rate {
            fault(Column::Maintenance, format!("tier {number} must not ask less than tier {}", number - 1));
        }
        if tier.maximum_leverage > before.maximum_leverage {
            fault(
                Column::Leverage,
                format!("tier {number} must not allow more leverage than tier {}", number - 1),
            );
        }
    }
    faults
}

/// Of a rate that was divided out, such as 1/3.
const ROUNDING: f64 = 1e-12;
