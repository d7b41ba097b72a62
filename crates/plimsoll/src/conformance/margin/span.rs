//! Suite `span`: risk arrays of a covered write, and a documented futures portfolio margin, by the scenario engine.
//!
//! | case of `documented_examples.json` | what | tolerance |
//! |---|---|---|
//! | `span_covered_write` | order of the 16 scenarios; arrays of future, long call and covered write netted by the engine; scanning risks | 1e-9 USD |
//! | the same | the future's array by the engine's own revaluation with the rulebook's grid | 5 USD |
//! | `dederi_pm` | P&L of ten futures at -15 to +15 %, futures contingency | half a printed digit |

use super::super::result::{Group, GroupResult};
use super::super::vectors::{CaseError, number};
use super::super::{Progress, Report, Sources};
use super::okx_pm::{Perpetual, absolute, charge, child, embedded, engine, named, read_into, state};
use ::margin::Rulebook;
use ::margin::scenario::model::{ByAsset, ScenarioModel, SpotMove, VolMove};
use ::margin::scenario::{AssetState, ContractState, Cube, Entry, ExpiryState, Payoff, Scratch, UnitMarket};
use instrument::Settlement;
use serde_json::Value;
use units::{Asset, Discount, OptionKind, Strike, YearFraction};

pub(in super::super) const ID: &str = "span";
pub(in super::super) const SUMMARY: &str =
    "SPAN risk arrays of a covered write and documented futures margins, by the scenario engine";

const FILE: &str = "documented_examples.json";
const ARRAYS: f64 = 1e-9;
const ARRAYS_REASON: &str =
    "sums of printed whole numbers; dividing and multiplying by the weight 0.35 may round once each";
const PRINTED_TENS: f64 = 5.0;
const TENS_REASON: &str = "the book prints tens of dollars: half of one";
const HALF_UNIT: f64 = 0.5;
const PRINTED_REASON: &str = "P&L is printed in whole dollars, the contingency to a tenth: half a digit";
/// Price of the future at which a range of 10 % is the book's price scan range.
const FUTURE: f64 = 100_000.0;
const RANGE: f64 = 0.1;

/// Runs the three groups of the file.
pub(in super::super) fn run(sources: &Sources, progress: &mut Report<'_>) -> Vec<GroupResult> {
    let path = sources.vectors.join("exchange").join(FILE);
    let bytes_total = std::fs::metadata(&path).map_or(0, |data| data.len());
    progress(Progress { suite: ID, item: FILE, bytes_done: 0, bytes_total });
    let groups = vec![
        read_into(
            &path,
            "span_covered_write",
            Group::checked(format!("{FILE}: covered write"), "USD", ARRAYS_REASON),
            covered_write,
        ),
        read_into(
            &path,
            "span_covered_write",
            Group::checked(format!("{FILE}: future revalued"), "USD", TENS_REASON),
            revalued_future,
        ),
        read_into(
            &path,
            "dederi_pm",
            Group::checked(format!("{FILE}: futures portfolio"), "USD", PRINTED_REASON),
            dederi,
        ),
    ];
    progress(Progress { suite: ID, item: FILE, bytes_done: bytes_total, bytes_total });
    groups
}

fn list(case: &Value, key: &'static str) -> Result<Vec<f64>, CaseError> {
    let values = child(case, key)?.as_array().ok_or(CaseError::Text(key))?;
    values.iter().map(|v| v.as_f64().ok_or_else(|| CaseError::Number(key.to_owned()))).collect()
}

fn model() -> Result<ScenarioModel, CaseError> {
    let rulebook = embedded("span")?;
    let model = rulebook.scenario_model().ok_or(CaseError::Text("span is a scenario rulebook"))?;
    Ok(ScenarioModel { price_range: ByAsset::all(RANGE), ..model.clone() })
}

/// A future and a call of one month: the book's covered write.
fn market() -> Result<UnitMarket, CaseError> {
    let payoff = Payoff::Currency { coins: 1.0, usd: 1.0 };
    let years = YearFraction::new(0.25)?;
    let call = ContractState::Option {
        expiry: 0,
        strike: Strike::new(FUTURE)?,
        kind: OptionKind::Call,
        vol: 0.2,
        payoff,
    };
    Ok(UnitMarket {
        assets: vec![AssetState {
            asset: Asset::new("SPX")?,
            index: FUTURE,
            index_confidence: 1.0,
            perpetual_confidence: 1.0,
        }],
        expiries: vec![ExpiryState {
            asset: 0,
            date: 0,
            years,
            forward_fixed: 0.0,
            forward_variable: FUTURE,
            rate: 0.0,
            discount: Discount::new(1.0)?,
            confidence: 1.0,
            quote: Asset::usd(),
            quote_usd: 1.0,
        }],
        contracts: vec![ContractState::Future { expiry: 0, mark: FUTURE, payoff }, call],
        stable_usd: 1.0,
    })
}

fn covered_write(file: &Value, group: &mut Group) -> Result<(), CaseError> {
    let case = child(file, "span_covered_write")?;
    let model = model()?;
    scenario_order(case, &model, group)?;
    let arrays = [list(case, "future")?, list(case, "call_long")?];
    let cube = Cube::build(&model, &market()?).map_err(engine)?;
    let cube = cube.with_risk_arrays(&model, &arrays).map_err(engine)?;
    let risks = child(case, "scanning_risk")?;
    let portfolios: [(&str, &str, [f64; 2]); 3] = [
        ("future", "future", [1.0, 0.0]),
        ("call_long", "long_call", [0.0, 1.0]),
        ("covered_write", "covered_write", [1.0, -1.0]),
    ];
    for (array, risk_key, quantities) in portfolios {
        let held = (0..).zip(quantities).filter(|(_, weight)| *weight != 0.0);
        let entries: Vec<Entry> = held.map(|(row, weight)| Entry { row, weight }).collect();
        let mut scratch = Scratch::default();
        let risk = cube.risk(&model, &entries, &mut scratch).map_err(engine)?;
        let theirs = list(case, array)?;
        for (scenario, (ours, theirs)) in scratch.pnl().iter().zip(&theirs).enumerate() {
            group.compare(absolute(*ours, *theirs, ARRAYS), || format!("{array} scenario {}", scenario + 1));
        }
        let scanning = number(risks, risk_key)?;
        group.compare(absolute(risk.worst_loss, scanning, ARRAYS), || format!("{risk_key} scanning risk"));
        let factor = model.factor.initial;
        let initial = risk.requirement.initial;
        group.compare(absolute(initial, scanning * factor, ARRAYS), || {
            format!("{risk_key} initial requirement, {factor} x scanning risk")
        });
    }
    Ok(())
}

/// The rulebook's scenarios are the published ones, in their order.
fn scenario_order(case: &Value, model: &ScenarioModel, group: &mut Group) -> Result<(), CaseError> {
    let published = child(case, "scenarios")?.as_array().ok_or(CaseError::Text("scenarios"))?;
    if published.len() != model.scenarios.len() {
        return Err(CaseError::Number(format!(
            "the file has {} scenarios, the rulebook {}",
            published.len(),
            model.scenarios.len()
        )));
    }
    for (place, (theirs, ours)) in published.iter().zip(&model.scenarios).enumerate() {
        let part = |index: usize| theirs.get(index).and_then(Value::as_f64);
        let (Some(price), Some(vol)) = (part(0), part(1)) else {
            return Err(CaseError::Number(format!("scenarios[{place}]")));
        };
        let SpotMove::OfRange(moved) = ours.spot else {
            return Err(CaseError::Text("the rulebook moves prices by ranges"));
        };
        let shift = match ours.vol {
            VolMove::Up | VolMove::UpPoints => 1.0,
            VolMove::Down | VolMove::DownPoints => -1.0,
            VolMove::Same | VolMove::SkewLinear | VolMove::SkewAbsolute => 0.0,
        };
        group.compare(absolute(moved, price, ARRAYS), || format!("scenario {}: price", place + 1));
        group.compare(absolute(shift, vol, ARRAYS), || format!("scenario {}: vol", place + 1));
    }
    Ok(())
}

fn revalued_future(file: &Value, group: &mut Group) -> Result<(), CaseError> {
    let case = child(file, "span_covered_write")?;
    let model = model()?;
    let cube = Cube::build(&model, &market()?).map_err(engine)?;
    let mut scratch = Scratch::default();
    let risk = cube.risk(&model, &[Entry { row: 0, weight: 1.0 }], &mut scratch).map_err(engine)?;
    for (scenario, (ours, theirs)) in scratch.pnl().iter().zip(list(case, "future")?).enumerate() {
        group.compare(absolute(*ours, theirs, PRINTED_TENS), || format!("scenario {}", scenario + 1));
    }
    let scanning = number(child(case, "scanning_risk")?, "future")?;
    group.compare(absolute(risk.worst_loss, scanning, PRINTED_TENS), || "scanning risk".into());
    group.not_compared("the call's own revaluation: the book prints neither strike nor vol", 16);
    Ok(())
}

fn dederi(file: &Value, group: &mut Group) -> Result<(), CaseError> {
    let case = child(child(file, "dederi_pm")?, "case")?;
    let published = child(case, "pnl")?.as_object().ok_or(CaseError::Text("pnl"))?;
    let mut moves = Vec::new();
    for key in published.keys() {
        let percent: f64 = key.trim_end_matches('%').parse().map_err(|_| CaseError::Number(key.clone()))?;
        moves.push((key, percent / 100.0));
    }
    let listed: Vec<String> = moves.iter().map(|(_, by)| format!("{by:?}")).collect();
    let text = format!(
        r#"
id = "futures-pm"
title = "futures portfolio margin"
engine = "scenario"
venues = []
valid_from = "2024-01-01"
sources = ["the documented example"]
unit_by = "underlying"
combine = "sum"
numeraire = "usd"
[[grid]]
moves = [{}]
vols = ["same"]
[[charge]]
name = "futures contingency"
kind = "futures"
place = "added"
initial = {factor}
maintenance = {factor}
[factor]
initial = 1.0
maintenance = 1.0
[collateral]
cash = ["USDC"]
"#,
        listed.join(", "),
        factor = number(case, "contingency_factor")?,
    );
    let rulebook = Rulebook::parse("futures-pm", &text).map_err(engine)?;
    let future = Perpetual {
        symbol: "ETH-FUTURE",
        underlying: "ETH",
        settlement: Settlement::Linear { currency: Asset::new("USDC")? },
        quantity: number(case, "futures_long")?,
        entry_value: None,
        index_usd: number(case, "I0")?,
        settlement_usd: 1.0,
        mark: number(case, "F0")?,
    };
    let outcome = rulebook.outcome(&state("dederi", vec![future.leg()?], Vec::new())?);
    let unit = named(&outcome, "ETH")?;
    for ((key, _), ours) in moves.iter().zip(&unit.scenarios) {
        let theirs = number(child(case, "pnl")?, key)?;
        group.compare(absolute(ours.pnl_usd, theirs, HALF_UNIT), || format!("P&L at {key}"));
    }
    let contingency = charge(unit, "futures contingency")?.usd.maintenance;
    let theirs = number(case, "contingency")?;
    group.compare(absolute(contingency, theirs, HALF_UNIT / 10.0), || "futures contingency".into());
    Ok(())
}
