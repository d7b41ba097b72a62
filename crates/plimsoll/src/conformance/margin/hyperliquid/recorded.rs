//! Recorded answers as they are: margin tables, positions, summaries.

use super::super::super::result::Group;
use super::super::super::vectors::{CaseError, number, text};
use ::margin::tiered::{Tier, Tiers};
use serde_json::Value;
use std::collections::BTreeMap;
use units::UnitError;

/// Ids below this are not listed among the tables: one tier with that leverage.
const FIRST_TABLE: u64 = 50;
/// Maintenance is half the margin of the largest leverage.
const MAINTENANCE_OF_INITIAL: f64 = 0.5;

/// Why an answer cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum AnswerError {
    #[error(transparent)]
    Case(#[from] CaseError),
    #[error(transparent)]
    Unit(#[from] UnitError),
    #[error("{0}")]
    Table(String),
    #[error("the rulebook made of the recorded tables is refused: {0}")]
    Rulebook(String),
}

/// Coins with their tables.
#[derive(Debug, Default)]
pub(super) struct Meta {
    by_coin: BTreeMap<String, Tiers>,
    listed: usize,
}

impl Meta {
    /// Of all files; the last one wins where they differ.
    pub(super) fn read<'a>(files: impl Iterator<Item = (&'a str, &'a Value)>, faults: &mut Group) -> Self {
        let mut meta = Self::default();
        for (name, file) in files {
            // An answer with contexts is a pair whose first part is the plain answer.
            let answer = file.get(0).unwrap_or(file);
            if let Err(error) = meta.add(answer) {
                faults.fault(name, error.to_string());
            }
        }
        meta
    }

    fn add(&mut self, answer: &Value) -> Result<(), AnswerError> {
        let mut tables: BTreeMap<u64, Tiers> = BTreeMap::new();
        for pair in list(answer, "marginTables") {
            if let Some(id) = pair.get(0).and_then(Value::as_u64) {
                tables.insert(id, table(list(&pair[1], "marginTiers"))?);
            }
        }
        self.listed = 0;
        for coin in list(answer, "universe") {
            let id = coin.get("marginTableId").and_then(Value::as_u64);
            let id = id.ok_or_else(|| CaseError::Number("marginTableId".into()))?;
            let tiers = match tables.get(&id) {
                Some(tiers) => tiers.clone(),
                None if id < FIRST_TABLE => single(number(coin, "marginTableId")?)?,
                None => return Err(AnswerError::Table(format!("there is no margin table {id}"))),
            };
            self.listed += usize::from(coin.get("isDelisted").is_none());
            self.by_coin.insert(canonical(text(coin, "name")?), tiers);
        }
        Ok(())
    }

    /// Coins that are traded, in the last answer read.
    pub(super) const fn listed(&self) -> usize {
        self.listed
    }

    /// By the name of the coin; bundles stand by the coin in them.
    pub(super) fn table(&self, coin: &str) -> Option<&Tiers> {
        self.by_coin.get(coin)
    }

    /// Tiers of a position: those of its coin, unless it has a largest leverage of its own.
    pub(super) fn tiers_of(&self, position: &Position) -> Result<Tiers, AnswerError> {
        let known = self.table(&canonical(&position.coin));
        match known.filter(|tiers| same(tiers.tier(0.0).maximum_leverage, position.maximum_leverage)) {
            Some(tiers) => Ok(tiers.clone()),
            None => single(position.maximum_leverage),
        }
    }
}

/// Leverages are whole numbers.
fn same(a: f64, b: f64) -> bool {
    (a - b).abs() < 0.5
}

/// Upper case, without the small k of a bundle.
fn canonical(name: &str) -> String {
    name.strip_prefix('k').unwrap_or(name).to_uppercase()
}

pub(super) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn tier(from: f64, leverage: f64) -> Tier {
    Tier { from, maintenance_rate: MAINTENANCE_OF_INITIAL / leverage, maximum_leverage: leverage }
}

fn single(leverage: f64) -> Result<Tiers, AnswerError> {
    checked(&[tier(0.0, leverage)])
}

fn table(rows: &[Value]) -> Result<Tiers, AnswerError> {
    let tiers = rows.iter().map(|row| Ok(tier(number(row, "lowerBound")?, number(row, "maxLeverage")?)));
    checked(&tiers.collect::<Result<Vec<_>, CaseError>>()?)
}

fn checked(tiers: &[Tier]) -> Result<Tiers, AnswerError> {
    Tiers::new(tiers).map_err(|faults| {
        AnswerError::Table(faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    })
}

/// A position as recorded.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Position {
    pub(super) coin: String,
    /// Signed size.
    pub(super) size: f64,
    /// Unsigned notional.
    pub(super) value: f64,
    pub(super) unrealised: f64,
    pub(super) margin_used: f64,
    pub(super) maximum_leverage: f64,
    /// As its owner set it.
    pub(super) leverage: f64,
    pub(super) margin: Margin,
    pub(super) liquidation_price: Option<f64>,
}

/// Which wallet a position lives on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Margin {
    Cross,
    /// Its own, with this raw ledger.
    Isolated {
        raw_usd: f64,
    },
}

/// Sums as recorded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Summary {
    pub(super) account_value: f64,
    pub(super) notional: f64,
    pub(super) raw_usd: f64,
    pub(super) margin_used: f64,
}

/// An account as recorded.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Account {
    pub(super) all: Summary,
    pub(super) cross: Summary,
    pub(super) cross_maintenance: f64,
    pub(super) withdrawable: f64,
    pub(super) positions: Vec<Position>,
    pub(super) time_millis: i64,
}

impl Position {
    fn read(value: &Value) -> Result<Self, CaseError> {
        let leverage = &value["leverage"];
        let margin = match text(leverage, "type")? {
            "cross" => Margin::Cross,
            "isolated" => Margin::Isolated { raw_usd: number(leverage, "rawUsd")? },
            _ => return Err(CaseError::Text("leverage.type")),
        };
        let liquidation_price =
            if value["liquidationPx"].is_null() { None } else { Some(number(value, "liquidationPx")?) };
        Ok(Self {
            coin: text(value, "coin")?.to_owned(),
            size: number(value, "szi")?,
            value: number(value, "positionValue")?,
            unrealised: number(value, "unrealizedPnl")?,
            margin_used: number(value, "marginUsed")?,
            maximum_leverage: number(value, "maxLeverage")?,
            leverage: number(leverage, "value")?,
            margin,
            liquidation_price,
        })
    }

    /// Mark: the size is never zero in a recording, and a zero would show as a price that is not a number.
    pub(super) fn price(&self) -> f64 {
        self.value / self.size.abs()
    }

    /// Notional with the sign of the position.
    pub(super) fn signed_value(&self) -> f64 {
        self.value.copysign(self.size)
    }
}

impl Summary {
    fn read(value: &Value) -> Result<Self, CaseError> {
        Ok(Self {
            account_value: number(value, "accountValue")?,
            notional: number(value, "totalNtlPos")?,
            raw_usd: number(value, "totalRawUsd")?,
            margin_used: number(value, "totalMarginUsed")?,
        })
    }
}

impl Account {
    pub(super) fn read(value: &Value) -> Result<Self, CaseError> {
        let positions = list(value, "assetPositions").iter().map(|row| Position::read(&row["position"]));
        Ok(Self {
            all: Summary::read(&value["marginSummary"])?,
            cross: Summary::read(&value["crossMarginSummary"])?,
            cross_maintenance: number(value, "crossMaintenanceMarginUsed")?,
            withdrawable: number(value, "withdrawable")?,
            positions: positions.collect::<Result<Vec<_>, _>>()?,
            time_millis: value.get("time").and_then(Value::as_i64).ok_or(CaseError::Number("time".into()))?,
        })
    }

    pub(super) fn cross_positions(&self) -> Vec<&Position> {
        self.positions.iter().filter(|position| position.margin == Margin::Cross).collect()
    }
}
