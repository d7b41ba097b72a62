//! The few figures that stand for the whole book, and where its limits stand: shared by several views.

use crate::frame::Frame;
use engine::{Flow, Level, Limit};
use risk::{Exposure, GroupKey, Measure, Row};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use units::Fixed;

/// Totals of the book.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct Headline {
    #[serde(flatten)]
    pub(crate) measures: Five,
    /// Of all accounts; with those that have no rulebook.
    #[schema(value_type = String)]
    pub(crate) equity_usd: Fixed,
    #[schema(value_type = String)]
    pub(crate) initial_margin_usd: Fixed,
    #[schema(value_type = String)]
    pub(crate) maintenance_margin_usd: Fixed,
    /// Of the account that is nearest to liquidation; null when none has a figure.
    #[schema(value_type = Option<String>)]
    pub(crate) maintenance_use: Option<Fixed>,
    /// Since the start of the policy's `[explain]`, without deposits, withdrawals and adjustments; null without it, and of a what-if.
    #[schema(value_type = Option<String>)]
    pub(crate) profit_since_open_usd: Option<Fixed>,
    /// Accounts without a figure: the sums of margin lack them.
    pub(crate) accounts_without_margin: usize,
}

/// The five measures that every line shows.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct Five {
    #[schema(value_type = String)]
    pub(crate) value_usd: Fixed,
    #[schema(value_type = String)]
    pub(crate) delta_cash_usd: Fixed,
    #[schema(value_type = String)]
    pub(crate) gamma_cash_1pct_usd: Fixed,
    #[schema(value_type = String)]
    pub(crate) vega_usd_per_point: Fixed,
    #[schema(value_type = String)]
    pub(crate) theta_usd_per_day: Fixed,
}

impl Five {
    pub(crate) fn of(exposure: &Exposure) -> Self {
        Self {
            value_usd: exposure.in_usd(Measure::Value),
            delta_cash_usd: exposure.in_usd(Measure::Delta),
            gamma_cash_1pct_usd: exposure.in_usd(Measure::Gamma),
            vega_usd_per_point: exposure.in_usd(Measure::Vega),
            theta_usd_per_day: exposure.in_usd(Measure::Theta),
        }
    }
}

/// All measures in USD, by their keys.
pub(crate) fn usd(exposure: &Exposure) -> BTreeMap<&'static str, Fixed> {
    Measure::ALL.into_iter().map(|measure| (measure.usd_key(), exposure.in_usd(measure))).collect()
}

/// All measures in coins, by their keys.
pub(crate) fn coins(exposure: &Exposure) -> BTreeMap<&'static str, Fixed> {
    Measure::ALL.into_iter().map(|measure| (measure.coin_key(), exposure.in_coin(measure))).collect()
}

/// Totals of a frame.
pub(crate) fn headline(frame: &Frame) -> Headline {
    let accounts = frame.margins();
    let margined = || accounts.iter().filter(|account| account.why_not.is_none());
    Headline {
        measures: Five::of(frame.total()),
        equity_usd: accounts.iter().map(|account| account.equity_usd).sum(),
        initial_margin_usd: margined().map(|account| account.initial_margin_usd).sum(),
        maintenance_margin_usd: margined().map(|account| account.maintenance_margin_usd).sum(),
        maintenance_use: margined().filter_map(|account| account.maintenance_use).max(),
        profit_since_open_usd: earned(frame),
        accounts_without_margin: accounts.iter().filter(|account| account.why_not.is_some()).count(),
    }
}

/// Everything but what was brought or taken away, and what reconciliation found.
fn earned(frame: &Frame) -> Option<Fixed> {
    let explained = frame.engine().explained();
    if frame.is_what_if() || explained.since().is_none() {
        return None;
    }
    let total = explained.total();
    Some(total.value_usd - total.start_usd - total.flow(Flow::Deposits) - total.flow(Flow::Adjustments))
}

/// One limit on one group.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub(crate) struct LimitLine {
    pub(crate) limit: String,
    pub(crate) measure: &'static str,
    pub(crate) group: Vec<String>,
    pub(crate) group_by: Vec<&'static str>,
    #[schema(value_type = String)]
    pub(crate) figure: Fixed,
    #[schema(value_type = String)]
    pub(crate) warn: Fixed,
    #[schema(value_type = String)]
    pub(crate) hard: Fixed,
    /// Size of the figure as a share of the hard level.
    pub(crate) share: f64,
    /// `inside`, `warn` or `hard`. Live it lasts until the limit's release and counts after its hold time; of a what-if it is the figure's own.
    pub(crate) level: &'static str,
    pub(crate) is_stale: bool,
    pub(crate) unvalued: usize,
}

impl LimitLine {
    /// The group in words.
    pub(crate) fn named(&self) -> String {
        if self.group.is_empty() {
            self.limit.clone()
        } else {
            format!("{}, {}", self.limit, self.group.join(" "))
        }
    }
}

/// Every limit on every group, nearest to its hard level first.
pub(crate) fn limits(frame: &Frame) -> Vec<LimitLine> {
    let mut lines = if frame.is_what_if() { supposed(frame) } else { standing(frame) };
    lines.sort_by(|a, b| b.share.total_cmp(&a.share));
    lines
}

/// As the engine has them.
fn standing(frame: &Frame) -> Vec<LimitLine> {
    let used = frame.engine().limit_use().into_iter();
    used.map(|used| LimitLine {
        share: used.share,
        level: used.level.word(),
        is_stale: used.is_stale,
        unvalued: used.unvalued,
        ..line(used.limit, &used.group, used.value)
    })
    .collect()
}

fn line(limit: &Limit, group: &[GroupKey], figure: Fixed) -> LimitLine {
    let size = figure.abs();
    let level = if size >= limit.hard {
        Level::Hard
    } else if size >= limit.warn {
        Level::Warn
    } else {
        Level::Inside
    };
    LimitLine {
        limit: limit.name.clone(),
        measure: limit.measure.usd_key(),
        group: group.iter().map(GroupKey::text).collect(),
        group_by: limit.group_by.iter().map(|column| column.word()).collect(),
        figure,
        warn: limit.warn,
        hard: limit.hard,
        share: size.to_f64() / limit.hard.to_f64(),
        level: level.word(),
        is_stale: false,
        unvalued: 0,
    }
}

/// Of another book or market: the figures themselves, without memory of levels.
fn supposed(frame: &Frame) -> Vec<LimitLine> {
    let mut lines = Vec::new();
    let stale: BTreeSet<String> = frame.engine().stale().iter().map(ToString::to_string).collect();
    let rows = &frame.valuation().rows;
    for limit in &frame.engine().policy().limits {
        for group in risk::group(rows, &limit.group_by) {
            if !limit.applies(&group.key) {
                continue;
            }
            let is_of =
                |row: &&Row| limit.group_by.iter().map(|by| by.key(row)).eq(group.key.iter().cloned());
            let is_stale = rows.iter().filter(is_of).any(|row| stale.contains(row.underlying.as_str()));
            lines.push(LimitLine {
                is_stale,
                ..line(limit, &group.key, group.exposure.in_usd(limit.measure))
            });
        }
    }
    lines
}
