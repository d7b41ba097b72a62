//! Suite `tiered-margin`: worked examples of exchanges, and single recorded figures, against the engine of notional tiers.
//!
//! `documented_examples.json`: `binance_usdm_liq_example` (two maintenance margins), `binance_coin_m_liq_tier` (the deduction of
//! a tier, a maintenance margin in coin), `hyperliquid_recorded` (liquidation prices of an isolated and two cross positions, funding
//! rates). Rulebooks as shipped; an example of a table that no rulebook has is put into a table with the same rate and deduction.

use super::super::result::{Comparison, Group, GroupResult};
use super::super::vectors::{self, CaseError, FileError, number};
use super::super::{Progress, Report, Sources};
use ::margin::tiered::{Kind, LinearPosition, Tier, TieredMargin, Tiers};
use ::margin::{Rulebook, Rulebooks};
use serde_json::Value;
use units::Asset;

pub(in super::super) const ID: &str = "tiered-margin";
pub(in super::super) const SUMMARY: &str =
    "maintenance, deductions, liquidation prices and funding as exchanges print them, against notional tiers";

const FILE: &str = "exchange/documented_examples.json";
/// Of a printed figure of at least eight digits.
const PRINTED: f64 = 1e-9;

/// Runs the examples.
pub(in super::super) fn run(sources: &Sources, progress: &mut Report<'_>) -> Vec<GroupResult> {
    let path = sources.vectors.join(FILE);
    let bytes_total = std::fs::metadata(&path).map_or(0, |data| data.len());
    let groups = match vectors::read(&path) {
        Ok(file) => vec![binance(&file), coin_m(&file), positions(&file), funding(&file)],
        Err(error) => {
            let mut group = Group::checked(FILE, "", "the file decides");
            vec![match error {
                FileError::Absent(_) => group.not_run(error.to_string()),
                FileError::Io(_) | FileError::Json(_) => {
                    group.fault(FILE, error.to_string());
                    group.finish()
                }
            }]
        }
    };
    progress(Progress { suite: ID, item: FILE, bytes_done: bytes_total, bytes_total });
    groups
}

/// Why an example cannot be compared.
#[derive(Debug, thiserror::Error)]
enum ExampleError {
    #[error(transparent)]
    Case(#[from] CaseError),
    #[error(transparent)]
    Unit(#[from] units::UnitError),
    #[error("rulebook '{0}' is not among the shipped ones, or has no such table or rule")]
    Rulebook(&'static str),
    #[error("the table of the example breaks a rule: {0}")]
    Table(String),
}

/// Runs a part of the file; a fault of it fails the group.
fn part(
    mut group: Group,
    key: &str,
    file: &Value,
    compare: impl FnOnce(&Value, &mut Group) -> Result<(), ExampleError>,
) -> GroupResult {
    let Some(value) = file.get(key) else { return group.not_run(format!("the file has no '{key}'")) };
    if let Err(error) = compare(value, &mut group) {
        group.fault(key, error.to_string());
    }
    group.finish()
}

fn relative(ours: f64, theirs: f64) -> Comparison {
    Comparison { ours, theirs, tolerance: PRINTED, scale: theirs.abs() }
}

/// A shipped rulebook by its id.
pub(super) fn shipped(id: &'static str) -> Option<Rulebook> {
    Rulebooks::embedded().ok()?.get(id).cloned()
}

fn model<'a>(book: Option<&'a Rulebook>, id: &'static str) -> Result<&'a TieredMargin, ExampleError> {
    book.and_then(Rulebook::tiered).ok_or(ExampleError::Rulebook(id))
}

fn table(tiers: &[Tier]) -> Result<Tiers, ExampleError> {
    Tiers::new(tiers).map_err(|faults| {
        ExampleError::Table(faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    })
}

fn binance(file: &Value) -> GroupResult {
    let mut group = Group::checked("Binance USD-M: maintenance margin", "relative", "ten printed digits");
    group.not_compared("the excerpt lacks the wallet balance that its liquidation price needs", 1);
    part(group, "binance_usdm_liq_example", file, |example, group| {
        let row = &example["tmm_btc"];
        let (notional, theirs) = (number(row, "notional")?, number(row, "mm")?);
        let book = shipped("binance-usdm");
        let btc = model(book.as_ref(), "binance-usdm")?
            .tiers(Kind::Linear, &Asset::new("BTC")?)
            .ok_or(ExampleError::Rulebook("binance-usdm"))?;
        group.compare(relative(btc.maintenance(notional), theirs), || "BTC, shipped table".into());
        let row = &example["tmm_eth"];
        let (rate, amount) = (number(row, "mmr")?, number(row, "cum")?);
        // A free tier up to amount / rate has the deduction of the example.
        let maximum_leverage = 1.0;
        let free = Tier { from: 0.0, maintenance_rate: 0.0, maximum_leverage };
        let eth = table(&[free, Tier { from: amount / rate, maintenance_rate: rate, maximum_leverage }])?;
        let (notional, theirs) = (number(row, "notional")?, number(row, "mm")?);
        group.compare(relative(eth.maintenance(notional), theirs), || "ETH, table of the example".into());
        Ok(())
    })
}

fn coin_m(file: &Value) -> GroupResult {
    let group = Group::checked("Binance COIN-M: shipped table", "relative", "printed digits, in full");
    part(group, "binance_coin_m_liq_tier", file, |example, group| {
        let book = shipped("binance-coinm");
        let btc = model(book.as_ref(), "binance-coinm")?
            .tiers(Kind::Inverse, &Asset::new("BTC")?)
            .ok_or(ExampleError::Rulebook("binance-coinm"))?;
        let cases = example["cases"].as_array().map(Vec::as_slice).unwrap_or_default();
        for case in cases {
            if case.get("floor").is_some() {
                let (floor, amount) = (number(case, "floor")?, number(case, "amount")?);
                let row = btc.rows().find(|(tier, _)| tier.from >= floor);
                let (tier, deduction) = row.ok_or(ExampleError::Rulebook("binance-coinm"))?;
                group.compare(relative(tier.maintenance_rate, number(case, "mmr_n")?), || "rate".into());
                group.compare(relative(deduction, amount), || "maintenance amount".into());
            } else {
                let notional = number(case, "notional_btc")?;
                group.compare(relative(btc.maintenance(notional), number(case, "mm")?), || "margin".into());
            }
        }
        Ok(())
    })
}

fn positions(file: &Value) -> GroupResult {
    let group = Group::checked(
        "Hyperliquid: liquidation price",
        "relative",
        "target of the project; sizes and values are printed to six decimals",
    );
    part(group, "hyperliquid_recorded", file, |example, group| {
        let row = &example["isolated"];
        let margin = number(row, "margin_used")?;
        compare_position(row, |_| margin, group)?;
        let classic = &example["cross_classic"];
        let surplus = number(classic, "account_value")? - number(classic, "cross_mm")?;
        for row in classic["positions"].as_array().map(Vec::as_slice).unwrap_or_default() {
            compare_position(row, |own| surplus + own, group)?;
        }
        Ok(())
    })
}

/// One position; its equity, given its own maintenance margin, is what others leave it.
fn compare_position(
    row: &Value,
    available: impl FnOnce(f64) -> f64,
    group: &mut Group,
) -> Result<(), ExampleError> {
    let (quantity, value) = (number(row, "szi")?, number(row, "position_value")?);
    let leverage = number(row, "max_leverage")?;
    let tiers = table(&[Tier { from: 0.0, maintenance_rate: 0.5 / leverage, maximum_leverage: leverage }])?;
    let position = LinearPosition {
        quantity,
        price: value / quantity.abs(),
        available: available(tiers.maintenance(value)),
    };
    let ours = position.liquidation_price(&tiers).unwrap_or(f64::NAN);
    let coin = vectors::text(row, "coin")?;
    group.compare(relative(ours, number(row, "liq_px")?), || coin.to_owned());
    Ok(())
}

fn funding(file: &Value) -> GroupResult {
    let group =
        Group::checked("Hyperliquid: funding rate", "per hour", "one unit of the last digit printed, 1e-9");
    part(group, "hyperliquid_recorded", file, |example, group| {
        let book = shipped("hyperliquid");
        let rule =
            model(book.as_ref(), "hyperliquid")?.funding().ok_or(ExampleError::Rulebook("hyperliquid"))?;
        for row in example["funding"].as_array().map(Vec::as_slice).unwrap_or_default() {
            let (ours, theirs) = (rule.rate(number(row, "premium")?), number(row, "rate")?);
            let comparison = Comparison { ours, theirs, tolerance: 1e-9, scale: 1.0 };
            group.compare(comparison, || format!("premium {}", row["premium"]));
        }
        Ok(())
    })
}
