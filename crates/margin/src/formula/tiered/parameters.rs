//! The sections of a parameter file.
//!
//! ```toml
//! mode = "cross"                    # cross: one wallet; separate: one for each settlement asset; isolated: one position
//! maintenance_of_initial = 0.5      # maintenance rate = this / maximum leverage; instead of lists of rates
//! liquidation_ratio = 1.05          # liquidated below this times the maintenance margin; 1 when absent
//!
//! [linear.large]                    # tables; the name is free. Notional in the quote currency; [inverse.NAME] in the coin
//! underlyings = ["BTC"]
//! from = [0, 150_000_000]           # where each tier begins
//! leverage = [40, 20]               # largest leverage in it
//! maintenance = [0.0125, 0.025]     # maintenance rates, unless maintenance_of_initial is given
//! deductions = [0, 1_875_000]       # optional, as published: must be those that follow from the rates
//!
//! [leverage]                        # the account's own, by underlying; the tier's largest when absent
//! BTC = 5
//!
//! [collateral]
//! others = "excluded"               # assets not named count for nothing; "unmargined": unknown, and named as such
//! [collateral.par]                  # USD per unit in the eyes of the venue, whatever the market says
//! USDC = 1.0
//! [collateral.rate]                 # part of the market value that counts; debts count in full
//! USDT = 1.0
//!
//! [transfer]                        # optional: withdrawals leave at least this part of the notional
//! notional_rate = 0.1
//! [portfolio]                       # optional: see `collateral`
//! [funding]                         # optional: see `rates`
//! [lending]
//! [[level]]                         # optional: words for equity / maintenance at or above a ratio, highest first
//! ratio = 1.5
//! meaning = "free"
//! ```

use super::collateral::{CollateralRule, PortfolioRule};
use super::rates::{FundingRule, LendingRule};
use super::tiers::{Column, Tier, Tiers};
use crate::rulebook::section::{Bound, Section, asset_named};
use std::collections::{BTreeMap, BTreeSet};
use units::Asset;

/// How a contract is paid, as far as tiers are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// In money: quote currency, or dollars paid in a stablecoin.
    Linear,
    /// In its coin.
    Inverse,
}

/// Which legs and balances stand for one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// All.
    Cross,
    /// Those of one settlement asset.
    Separate,
    /// One leg, and a balance that is the venue's raw ledger: margin less what the position cost.
    Isolated,
}

/// A word for a ratio of equity to maintenance.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Level {
    pub(super) ratio: f64,
    pub(super) meaning: String,
}

/// Parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct TieredMargin {
    pub(super) mode: Mode,
    pub(super) tables: Vec<Tiers>,
    /// Index of a table.
    pub(super) table_of: BTreeMap<(Kind, Asset), usize>,
    pub(super) leverage: BTreeMap<Asset, f64>,
    pub(super) collateral: CollateralRule,
    pub(super) liquidation_ratio: f64,
    pub(super) transfer_rate: Option<f64>,
    pub(super) funding: Option<FundingRule>,
    pub(super) lending: Option<LendingRule>,
    pub(super) levels: Vec<Level>,
}

/// Leverages run from one to a thousand.
const LEVERAGE: Bound = Bound::Within(1.0, 1000.0);
/// A published deduction agrees with the rates to this, relative: they are printed in full.
const DEDUCTION_TOLERANCE: f64 = 1e-9;

impl TieredMargin {
    pub(crate) fn read(root: &Section<'_>) -> Option<Self> {
        let words = [("cross", Mode::Cross), ("separate", Mode::Separate), ("isolated", Mode::Isolated)];
        let mode = root.word("mode", &words);
        let of_initial = root.optional_number("maintenance_of_initial", Bound::Fraction);
        let (mut tables, mut table_of, mut named) = (Vec::new(), BTreeMap::new(), BTreeSet::new());
        for (kind, key) in [(Kind::Linear, "linear"), (Kind::Inverse, "inverse")] {
            for (_, section) in root.named_children(key) {
                let underlyings = underlyings(&section);
                for asset in &underlyings {
                    if !named.insert((kind, asset.clone())) {
                        section.mistake("underlyings", &format!("{asset} stands twice under {key}"));
                    }
                }
                let Some(table) = read_table(&section, of_initial) else { continue };
                table_of.extend(underlyings.into_iter().map(|asset| ((kind, asset), tables.len())));
                tables.push(table);
            }
        }
        if !root.has("linear") && !root.has("inverse") {
            root.mistake("linear", "is missing: add a table of tiers, [linear.NAME] or [inverse.NAME]");
        }
        let collateral = root
            .child("collateral")
            .and_then(|section| CollateralRule::read(&section, root.optional_child("portfolio").as_ref()));
        let liquidation_ratio = root.number_or("liquidation_ratio", Bound::Within(1.0, 10.0), 1.0);
        let levels = read_levels(root);
        #[allow(clippy::float_cmp)] // the same decimal in the same file
        if !levels.is_empty() && levels.iter().all(|level| level.ratio != liquidation_ratio) {
            root.mistake(
                "liquidation_ratio",
                "must be the ratio of a [[level]]: the words change where liquidation begins",
            );
        }
        let model = Self {
            mode: mode.unwrap_or(Mode::Cross),
            tables,
            table_of,
            leverage: root.by_asset("leverage", LEVERAGE),
            liquidation_ratio,
            transfer_rate: root
                .optional_child("transfer")
                .map(|section| section.number("notional_rate", Bound::Fraction)),
            funding: root.optional_child("funding").map(|section| FundingRule::read(&section)),
            lending: root.optional_child("lending").map(|section| LendingRule::read(&section)),
            levels,
            collateral: collateral?,
        };
        mode.map(|_| model)
    }

    /// The table of an underlying.
    #[must_use]
    pub fn tiers(&self, kind: Kind, underlying: &Asset) -> Option<&Tiers> {
        self.table_of.get(&(kind, underlying.clone())).and_then(|index| self.tables.get(*index))
    }

    /// Underlyings with tables, each with its own.
    pub fn underlyings(&self) -> impl Iterator<Item = (Kind, &Asset, &Tiers)> {
        self.table_of
            .iter()
            .filter_map(|((kind, asset), index)| Some((*kind, asset, self.tables.get(*index)?)))
    }

    /// Lending against coins, if the file has it.
    #[must_use]
    pub const fn portfolio(&self) -> Option<&PortfolioRule> {
        self.collateral.portfolio.as_ref()
    }

    /// What withdrawals must leave, if the file asks more for them than the initial margin.
    #[must_use]
    pub fn transfer_margin(&self, held: Held) -> Option<f64> {
        self.transfer_rate.map(|rate| held.initial_margin.max(rate * held.notional))
    }

    /// How funding follows from the premium, if the file says so.
    #[must_use]
    pub const fn funding(&self) -> Option<&FundingRule> {
        self.funding.as_ref()
    }

    /// How lending rates follow from utilisation, if the file says so.
    #[must_use]
    pub const fn lending(&self) -> Option<&LendingRule> {
        self.lending.as_ref()
    }
}

/// Sums over the positions of an account, in one currency.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Held {
    /// Initial margin.
    pub initial_margin: f64,
    /// Unsigned notionals.
    pub notional: f64,
}

impl Kind {
    /// The section of the file that holds its tables.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Inverse => "inverse",
        }
    }
}

fn underlyings(section: &Section<'_>) -> Vec<Asset> {
    let names = section.texts("underlyings");
    if names.is_empty() {
        section.mistake("underlyings", "must name at least one underlying, such as [\"BTC\"]");
    }
    let asset =
        |name: &String| asset_named(name).map_err(|error| section.mistake("underlyings", &error)).ok();
    names.iter().filter_map(asset).collect()
}

fn read_table(section: &Section<'_>, of_initial: Option<f64>) -> Option<Tiers> {
    let from = section.numbers("from", Bound::NotNegative);
    let leverage = section.numbers("leverage", LEVERAGE);
    let maintenance: Vec<f64> = match of_initial {
        Some(part) if !section.has("maintenance") => leverage.iter().map(|most| part / most).collect(),
        _ => section.numbers("maintenance", Bound::Fraction),
    };
    let deductions = section.has("deductions").then(|| section.numbers("deductions", Bound::NotNegative));
    let listed = section.has("maintenance").then_some(&maintenance);
    let lists = [("leverage", Some(&leverage)), ("maintenance", listed), ("deductions", deductions.as_ref())];
    for (key, list) in lists {
        if list.is_some_and(|list| list.len() != from.len()) {
            section.mistake(key, "must have as many entries as from");
        }
    }
    let tiers: Vec<Tier> = from
        .iter()
        .zip(&leverage)
        .zip(&maintenance)
        .map(|((from, most), rate)| Tier { from: *from, maintenance_rate: *rate, maximum_leverage: *most })
        .collect();
    let table = Tiers::new(&tiers);
    for fault in table.as_ref().err().into_iter().flatten() {
        section.mistake(column_key(fault.column), &fault.rule);
    }
    // After a fault, the deductions of the tiers before it.
    let sound = (1..=tiers.len()).rev().find_map(|count| Tiers::new(tiers.get(..count)?).ok());
    let rows = sound.iter().flat_map(Tiers::rows);
    for ((published, (_, follows)), number) in deductions.iter().flatten().zip(rows).zip(1..) {
        if (published - follows).abs() > DEDUCTION_TOLERANCE * follows.abs() {
            section.mistake("deductions", &format!("tier {number}: {follows} follows from the rates"));
        }
    }
    table.ok()
}

const fn column_key(column: Column) -> &'static str {
    match column {
        Column::From => "from",
        Column::Maintenance => "maintenance",
        Column::Leverage => "leverage",
    }
}

fn read_levels(root: &Section<'_>) -> Vec<Level> {
    let sections = root.children("level");
    let mut levels: Vec<Level> = Vec::new();
    for section in &sections {
        let level =
            Level { ratio: section.number("ratio", Bound::NotNegative), meaning: section.text("meaning") };
        if levels.last().is_some_and(|before| before.ratio <= level.ratio) {
            section.mistake("ratio", "must be below the ratio of the level before it");
        }
        levels.push(level);
    }
    levels
}
