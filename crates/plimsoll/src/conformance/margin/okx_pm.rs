//! Suite `okx-pm`: OKX's position-builder answer and two examples from its notices, by the rulebook that ships.
//!
//! | file | what | tolerance |
//! |---|---|---|
//! | `okx_position_builder*.json` | MR1 with its scenarios, MR2, MR4, MR6, MR7, MR9, MMR and IMR of each unit; account totals and MR8 | 1e-9 USD |
//! | `documented_examples.json` | how MR4 and MR7 combine (`okx_mr4_mr7_example`); tiers of MR9 (`okx_mr9_example`) | a cent; 1e-6 USD |
//!
//! The answer mixes prices of two instants: delta, MR4 and MR7 stand on the printed mark, scenarios on another price, which is
//! taken from the extreme move's P&L. So that P&L is an input, and everything else is compared.

use super::super::result::{Comparison, Group, GroupResult};
use super::super::vectors::{self, CaseError, FileError, number, text};
use super::super::{Progress, Report, Sources};
use ::margin::scenario::ScenarioModel;
use ::margin::scenario::model::{SpotMove, VolMove, Weight};
use ::margin::{AccountState, Charge, Holding, Leg, Mark, Outcome, Rulebook, Rulebooks, Unit};
use instrument::{Contract, Settlement, Terms};
use serde_json::Value;
use std::path::{Path, PathBuf};
use units::{Account, Asset, Forward, Symbol, Timestamp, Venue};

pub(in super::super) const ID: &str = "okx-pm";
pub(in super::super) const SUMMARY: &str =
    "OKX's position-builder answer and documented examples, by the rulebook okx-pm";

const ANSWER: f64 = 1e-9;
const ANSWER_REASON: &str =
    "the answer prints f64 in full: 1e-9 USD on figures up to 80,000 USD is a few roundings";
const CENT: f64 = 0.005;
const CENT_REASON: &str = "the notice prints cents: half of one";
const EXAMPLE: f64 = 1e-6;
const EXAMPLE_REASON: &str = "the notice's arithmetic is exact: 1e-6 USD on 202,500 USD is rounding";
/// MR7's rate on BTC, the same before and after January 2025.
const CLOSE_OUT_BTC: f64 = 0.0045;
/// Coins of one BTC-USDT-SWAP contract.
const BTC_PER_CONTRACT: f64 = 0.01;

/// Runs every position-builder answer of the folder and the two examples.
pub(in super::super) fn run(sources: &Sources, progress: &mut Report<'_>) -> Vec<GroupResult> {
    let folder = sources.vectors.join("exchange");
    let files = answers(&folder);
    let bytes_total = files.len() as u64 + 1;
    let mut groups = Vec::new();
    if files.is_empty() {
        let group = Group::checked("position-builder answers", "USD", ANSWER_REASON);
        groups.push(group.not_run(format!("no okx_position_builder*.json in {}", folder.display())));
    }
    for (done, path) in files.iter().enumerate() {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        progress(Progress { suite: ID, item: &name, bytes_done: done as u64, bytes_total });
        let group = Group::checked(name.clone(), "USD", ANSWER_REASON);
        groups.push(read_into(path, &name, group, answer));
    }
    let path = folder.join("documented_examples.json");
    let item = "documented_examples.json";
    let combine = Group::checked(format!("{item}: MR4 and MR7"), "USD", CENT_REASON);
    groups.push(read_into(&path, "okx_mr4_mr7_example", combine, mr4_and_mr7));
    let hedge = Group::checked(format!("{item}: MR9"), "USD", EXAMPLE_REASON);
    groups.push(read_into(&path, "okx_mr9_example", hedge, mr9));
    progress(Progress { suite: ID, item, bytes_done: bytes_total, bytes_total });
    groups
}

/// One group on one file: an absent file did not run, a file at fault failed.
pub(super) fn read_into(
    path: &Path,
    case: &str,
    mut group: Group,
    compare: impl FnOnce(&Value, &mut Group) -> Result<(), CaseError>,
) -> GroupResult {
    match vectors::read(path) {
        Ok(file) => {
            if let Err(error) = compare(&file, &mut group) {
                group.fault(case, error.to_string());
            }
        }
        Err(error @ FileError::Absent(_)) => return group.not_run(error.to_string()),
        Err(error) => group.fault(case, error.to_string()),
    }
    group.finish()
}

fn answers(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            name.starts_with("okx_position_builder") && name.ends_with(".json")
        })
        .collect();
    files.sort();
    files
}

pub(super) fn embedded(id: &str) -> Result<Rulebook, CaseError> {
    let all = Rulebooks::embedded().map_err(engine)?;
    all.get(id).cloned().ok_or_else(|| CaseError::Number(format!("rulebook {id}")))
}

pub(super) fn child<'a>(value: &'a Value, key: &'static str) -> Result<&'a Value, CaseError> {
    value.get(key).ok_or(CaseError::Text(key))
}

#[allow(clippy::needless_pass_by_value)] // used as a map_err function
pub(super) fn engine(error: impl ToString) -> CaseError {
    CaseError::Number(error.to_string())
}

pub(super) fn absolute(ours: f64, theirs: f64, tolerance: f64) -> Comparison {
    Comparison { ours, theirs, tolerance, scale: 1.0 }
}

/// A perpetual for a state.
pub(super) struct Perpetual<'a> {
    pub(super) symbol: &'a str,
    pub(super) underlying: &'a str,
    pub(super) settlement: Settlement,
    pub(super) quantity: f64,
    pub(super) entry_value: Option<f64>,
    pub(super) index_usd: f64,
    pub(super) settlement_usd: f64,
    pub(super) mark: f64,
}

impl Perpetual<'_> {
    pub(super) fn leg(self) -> Result<Leg, CaseError> {
        let quote_usd = if self.settlement == Settlement::Inverse { 1.0 } else { self.settlement_usd };
        Ok(Leg {
            symbol: Symbol::new(self.symbol)?,
            contract: Contract {
                underlying: Asset::new(self.underlying)?,
                terms: Terms::Perpetual,
                settlement: self.settlement,
            },
            quantity: self.quantity,
            entry_value: self.entry_value,
            index_usd: self.index_usd,
            settlement_usd: self.settlement_usd,
            quote_usd,
            mark: Mark::Perpetual { price: Forward::new(self.mark)? },
        })
    }
}

pub(super) fn state(venue: &str, legs: Vec<Leg>, balances: Vec<Holding>) -> Result<AccountState, CaseError> {
    Ok(AccountState {
        account: Account::new("example")?,
        venue: Venue::new(venue)?,
        asof: Timestamp::from_unix_millis(1_736_936_801_642)?,
        legs,
        balances,
        unmargined: Vec::new(),
    })
}

fn usdt() -> Result<Settlement, CaseError> {
    Ok(Settlement::Linear { currency: Asset::new("USDT")? })
}

/// One position of the answer, as the engine needs it.
struct Position<'a> {
    row: &'a Value,
    coin: &'a str,
    symbol: &'a str,
    size: f64,
    mark: f64,
    /// USD per USDT.
    rate: f64,
}

impl<'a> Position<'a> {
    fn read(row: &'a Value) -> Result<Self, CaseError> {
        let size = number(row, "amt")? * number(row, "ctVal")?;
        let mark = number(row, "markPx")?;
        let rate = number(row, "delta_usd")? / (size * mark);
        Ok(Self { row, coin: text(row, "riskUnit")?, symbol: text(row, "instId")?, size, mark, rate })
    }

    fn is_linear_perpetual(&self) -> bool {
        self.symbol.ends_with("-USDT-SWAP")
    }

    /// At the price of the scenarios; the entry is set so that the gain is the printed one, which stands on the mark.
    fn leg(&self) -> Result<Leg, CaseError> {
        let mark = number(self.row, "mr6_pnl")? / number(self.row, "mr6_spot")? / self.size / self.rate;
        self.at(mark, self.size * mark - number(self.row, "upl")? / self.rate)
    }

    fn at(&self, mark: f64, entry_value: f64) -> Result<Leg, CaseError> {
        Perpetual {
            symbol: self.symbol,
            underlying: self.coin,
            settlement: usdt()?,
            quantity: self.size,
            entry_value: Some(entry_value),
            index_usd: self.mark * self.rate,
            settlement_usd: self.rate,
            mark,
        }
        .leg()
    }
}

fn answer(file: &Value, group: &mut Group) -> Result<(), CaseError> {
    let rulebook = embedded("okx-pm")?;
    let model = rulebook.scenario_model().ok_or(CaseError::Text("okx-pm is a scenario rulebook"))?;
    let rows = child(file, "risk_units")?.as_array().ok_or(CaseError::Text("risk_units"))?;
    let mut positions = Vec::new();
    for row in rows {
        let position = Position::read(row)?;
        if position.is_linear_perpetual() {
            positions.push(position);
        } else {
            group.not_compared(
                "not a perpetual in USDT: the answer does not print what it was valued with",
                1,
            );
        }
    }
    let first = positions.first().ok_or(CaseError::Text("riskUnit"))?;
    let account = child(file, "account")?;
    let owed: f64 =
        positions.iter().map(|p| Ok(number(p.row, "upl")? / p.rate)).sum::<Result<_, CaseError>>()?;
    let cash = Holding {
        asset: Asset::new("USDT")?,
        amount: number(account, "usdt_availEq")? - owed,
        price_usd: first.rate,
    };
    let legs = positions.iter().map(Position::leg).collect::<Result<_, _>>()?;
    let outcome = rulebook.outcome(&state("okx", legs, vec![cash])?);
    for position in &positions {
        unit(position, model, &outcome, group)?;
    }
    totals(account, &outcome, group)
}

fn unit(
    position: &Position<'_>,
    model: &ScenarioModel,
    outcome: &Outcome,
    group: &mut Group,
) -> Result<(), CaseError> {
    let (row, coin) = (position.row, position.coin);
    let unit = named(outcome, coin)?;
    let at_mark = position.at(position.mark, position.size * number(row, "avgPx")?)?;
    let charge = |name: &str| charge(unit, name).map(|charge| charge.usd.maintenance);
    let worst = |which: fn(&::margin::scenario::model::Scenario) -> bool| {
        let own = model.scenarios.iter().zip(&unit.scenarios).filter(|(scenario, _)| which(scenario));
        own.fold(0.0, |worst: f64, (_, pnl)| worst.max(-pnl.pnl_usd))
    };
    let figures = [
        ("upl", at_mark.gain_usd()),
        ("mr1", worst(|s| s.days == 0.0 && s.weight == Weight::Fixed(1.0))),
        ("mr2", worst(|s| s.days > 0.0)),
        ("mr4", charge("MR4 basis")?),
        ("mr6", worst(|s| s.weight != Weight::Fixed(1.0))),
        ("mr7", charge("MR7 minimum")?),
        ("mr9", charge("MR9 stablecoin hedge")?),
        ("mmr", unit.requirement.maintenance),
        ("imr", unit.requirement.initial),
    ];
    for (key, ours) in figures {
        group.compare(absolute(ours, number(row, key)?, ANSWER), || format!("{coin} {key}"));
    }
    for key in ["mr3", "mr5"] {
        let reason = "term structure and interest rate risk: not modelled";
        group.not_compared(
            if number(row, key)? == 0.0 { "MR3 and MR5: not modelled, zero here" } else { reason },
            1,
        );
    }
    group.not_compared("P&L of the extreme move: an input, it carries the price of the scenarios", 1);
    let scenarios =
        child(row, "mr1_scenarios_same")?.as_object().ok_or(CaseError::Text("mr1_scenarios_same"))?;
    for key in scenarios.keys() {
        let theirs = number(child(row, "mr1_scenarios_same")?, key)?;
        let by: f64 = key.parse().map_err(|_| CaseError::Number(key.clone()))?;
        let ours = pnl_at(by, coin, model, unit)?;
        group.compare(absolute(ours, theirs, ANSWER), || format!("{coin} mr1 at {key}"));
    }
    Ok(())
}

/// P&L of the scenario that moves the price by so much and nothing else.
fn pnl_at(by: f64, coin: &str, model: &ScenarioModel, unit: &Unit) -> Result<f64, CaseError> {
    let range = Asset::new(coin).ok().and_then(|asset| model.price_range.get(&asset));
    let range = range.ok_or(CaseError::Text("price_range"))?;
    let found = model.scenarios.iter().zip(&unit.scenarios).find(|(scenario, _)| {
        let moved = match scenario.spot {
            SpotMove::OfRange(part) => part * range,
            SpotMove::Relative(relative) => relative,
        };
        scenario.vol == VolMove::Same && scenario.days == 0.0 && (moved - by).abs() < 1e-9
    });
    found
        .map(|(_, pnl)| pnl.pnl_usd)
        .ok_or_else(|| CaseError::Number(format!("no scenario moves {coin} by {by}")))
}

fn totals(account: &Value, outcome: &Outcome, group: &mut Group) -> Result<(), CaseError> {
    let borrowing = named(outcome, "borrowing")?.requirement;
    let derivatives = outcome.requirement.minus(borrowing);
    let figures = [
        ("eq", outcome.equity_usd),
        ("derivMmr", derivatives.maintenance),
        ("borrowMmr", borrowing.maintenance),
        ("borrowImr", borrowing.initial),
        ("totalMmr", outcome.requirement.maintenance),
        ("totalImr", outcome.requirement.initial),
    ];
    for (key, ours) in figures {
        group.compare(absolute(ours, number(account, key)?, ANSWER), || format!("account {key}"));
    }
    group.not_compared("marginRatio: contains liquidation fees that are not printed", 1);
    group.not_compared("acctLever: no figure of a margin model", 1);
    Ok(())
}

pub(super) fn named<'a>(outcome: &'a Outcome, name: &str) -> Result<&'a Unit, CaseError> {
    let unit = outcome.units.iter().find(|unit| unit.name == name);
    unit.ok_or_else(|| CaseError::Number(format!("no unit {name}; unmargined: {:?}", outcome.unmargined)))
}

pub(super) fn charge<'a>(unit: &'a Unit, name: &str) -> Result<&'a Charge, CaseError> {
    let charge = unit.charges.iter().find(|charge| charge.name == name);
    charge.ok_or_else(|| CaseError::Number(format!("no charge {name} in unit {}", unit.name)))
}

/// Spot against perpetuals of the same size: no scenario loses, MR4 stands on the perpetual alone, and MR7 is a floor.
/// The two rates are those that the notice's figures imply at one index; how they combine is what is compared.
fn mr4_and_mr7(file: &Value, group: &mut Group) -> Result<(), CaseError> {
    let case = child(child(file, "okx_mr4_mr7_example")?, "case")?;
    let (mr4, mr7, mmr) = (number(case, "mr4")?, number(case, "mr7")?, number(case, "mmr")?);
    let coins = number(case, "btcusdt_perp_contracts")? * BTC_PER_CONTRACT;
    let index = mr7 / CLOSE_OUT_BTC / coins.abs();
    let least = mr4 / (coins.abs() * index);
    let text = format!(
        r#"
id = "okx-pm-2024"
title = "OKX portfolio margin as of its notice of 31 May 2024"
engine = "scenario"
venues = []
valid_from = "2024-05-31"
sources = ["the notice"]
unit_by = "underlying"
combine = "sum"
numeraire = "usd"
[[grid]]
moves = [-0.15, -0.1, -0.05, 0.0, 0.05, 0.1, 0.15]
vols = ["same"]
[[charge]]
name = "MR4 basis"
kind = "expiry_delta"
place = "scaled"
growth = "linear"
per_year = 0.0
least = {least}
[[charge]]
name = "MR7 minimum"
kind = "close_out"
place = "floor"
rate = {CLOSE_OUT_BTC}
[factor]
initial = 1.3
maintenance = 1.0
[collateral.haircut.BTC]
initial = 0.0
maintenance = 0.0
in_scenarios = "hedging"
"#
    );
    let rulebook = Rulebook::parse("okx-pm-2024", &text).map_err(engine)?;
    let perpetual = Perpetual {
        symbol: "BTC-USDT-SWAP",
        underlying: "BTC",
        settlement: usdt()?,
        quantity: coins,
        entry_value: None,
        index_usd: index,
        settlement_usd: 1.0,
        mark: index,
    };
    let spot = Holding { asset: Asset::new("BTC")?, amount: number(case, "btc_spot")?, price_usd: index };
    let outcome = rulebook.outcome(&state("okx", vec![perpetual.leg()?], vec![spot])?);
    let unit = named(&outcome, "BTC")?;
    let lost = unit.scenarios.iter().fold(0.0, |worst: f64, s| worst.max(-s.pnl_usd));
    group.compare(absolute(lost, 0.0, CENT), || "worst scenario of spot against perpetual".into());
    group.compare(absolute(unit.requirement.maintenance, mmr, CENT), || "mmr".into());
    group.not_compared("MR4 and MR7: inputs, each gives the rate that it implies", 2);
    group.not_compared("spot orders: not in a book", 1);
    group.note(format!(
        "index {index:.2} by MR7 at {CLOSE_OUT_BTC}; MR4 then charges {least:.6} of the delta"
    ));
    Ok(())
}

fn mr9(file: &Value, group: &mut Group) -> Result<(), CaseError> {
    let case = child(child(file, "okx_mr9_example")?, "case")?;
    let (hedged, theirs) = (number(case, "hedged_usd")?, number(case, "mr9")?);
    let index = 100_000.0;
    let perpetual = |symbol, settlement, quantity, settlement_usd| {
        Perpetual {
            symbol,
            underlying: "BTC",
            settlement,
            quantity,
            entry_value: None,
            index_usd: index,
            settlement_usd,
            mark: index,
        }
        .leg()
    };
    let legs = vec![
        perpetual("BTC-USDT-SWAP", usdt()?, hedged / index, 1.0)?,
        perpetual("BTC-USD-SWAP", Settlement::Inverse, -hedged, index)?,
    ];
    let outcome = embedded("okx-pm")?.outcome(&state("okx", legs, Vec::new())?);
    let ours = charge(named(&outcome, "BTC")?, "MR9 stablecoin hedge")?.usd.maintenance;
    group.compare(absolute(ours, theirs, EXAMPLE), || format!("{hedged} USD of USDT against USD"));
    Ok(())
}
