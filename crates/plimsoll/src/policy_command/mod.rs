//! `plimsoll policy check`: what policy files would do, in plain words, or every mistake in them.
//!
//! The files are read by the function that the engine reads them with, so that what is sound here is sound there.

mod collateral;
mod sizing;
mod table;
mod warnings;

use crate::cli::{PolicyAction, PolicyArgs, ReportForm};
use crate::failure::Failure;
use crate::output::put;
use crate::render::json::pretty;
use engine::{Action, Execution, Misread, Paid, Policy, PolicyMistakes, Variable};
use instrument::Specs;
use risk::GroupBy;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use units::{Fixed, Timestamp};

#[derive(Serialize)]
struct CheckJson {
    schema: &'static str,
    version: &'static str,
    sound: bool,
    files: Vec<Checked>,
}

/// One file: what it says, or what is wrong with it.
#[derive(Serialize, Default)]
struct Checked {
    file: String,
    sound: bool,
    source: String,
    valid_from: String,
    stale_after_seconds: Option<u32>,
    accounts: Vec<String>,
    limits: Vec<LimitJson>,
    orders: Option<OrdersJson>,
    trading: Vec<TradingJson>,
    hedges: Vec<HedgeJson>,
    triggers: Vec<TriggerJson>,
    collaterals: Vec<collateral::CollateralJson>,
    margin: Option<MarginJson>,
    explain: Option<ExplainJson>,
    warnings: Vec<String>,
    mistakes: Vec<MistakeJson>,
}

#[derive(Serialize)]
struct LimitJson {
    name: String,
    measure: &'static str,
    group_by: Vec<&'static str>,
    only: BTreeMap<&'static str, Vec<String>>,
    warn: Fixed,
    hard: Fixed,
    release: f64,
    hold_seconds: u32,
    on_warn: &'static str,
    on_hard: &'static str,
}

#[derive(Serialize)]
struct OrdersJson {
    smallest_usd: Fixed,
    largest_usd: Fixed,
    hourly_turnover_usd: Fixed,
    price_collar: f64,
    answer_within_seconds: u32,
    valid_seconds: u32,
    proposal_seconds: u32,
    flatten: Option<&'static str>,
}

#[derive(Serialize)]
struct TradingJson {
    venue: String,
    kind: String,
    underlying: Option<String>,
    settlement: Option<&'static str>,
    tick: String,
    lot: String,
    fee: f64,
    half_spread: f64,
}

#[derive(Serialize)]
struct HedgeJson {
    name: String,
    underlying: String,
    delta: &'static str,
    target_usd: Fixed,
    sizing: sizing::SizingJson,
    fixed_cost_usd: Fixed,
    max_age_hours: Option<f64>,
    watch_seconds: f64,
    fill_seconds: f64,
    account: String,
    venue: String,
    chain: String,
    symbol: String,
    execution: &'static str,
    cool_down_seconds: u32,
}

#[derive(Serialize)]
struct TriggerJson {
    name: String,
    each: Vec<&'static str>,
    when: String,
    hold_seconds: u32,
    cool_down_seconds: u32,
    reads: Vec<&'static str>,
    actions: Vec<&'static str>,
    state: &'static str,
}

#[derive(Serialize)]
struct MarginJson {
    every_seconds: u32,
    liquidation_of: Vec<String>,
    rulebooks: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct ExplainJson {
    every_seconds: u32,
}

#[derive(Serialize)]
struct MistakeJson {
    field: String,
    value: String,
    rule: String,
    expression: Option<String>,
    line: Option<usize>,
    column: Option<usize>,
}

/// Runs the command; exit code 3 says that a file has mistakes.
pub(crate) fn run(args: &PolicyArgs) -> Result<ExitCode, Failure> {
    let PolicyAction::Check { files, at, format } = &args.action;
    let at = at.unwrap_or_else(now);
    let specs = Specs::embedded();
    let mut checked = Vec::new();
    for path in files {
        checked.push(check(path, &specs, at)?);
    }
    let sound = checked.iter().all(|file| file.sound);
    match format {
        ReportForm::Json => {
            let document = CheckJson {
                schema: "plimsoll.policy_check/1",
                version: env!("CARGO_PKG_VERSION"),
                sound,
                files: checked,
            };
            let text = pretty(&document).map_err(|error| Failure::Input(error.to_string()))?;
            put(None, text.as_bytes())?;
            Ok(if sound { ExitCode::SUCCESS } else { ExitCode::from(3) })
        }
        ReportForm::Table if sound => {
            let texts: Vec<String> = checked.iter().map(table::sound).collect();
            put(None, texts.join("\n").as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        // As for every command: bad input prints its faults on standard error, and nothing else.
        ReportForm::Table => {
            let faulty: Vec<String> =
                checked.iter().filter(|file| !file.sound).map(table::mistakes).collect();
            Err(Failure::Input(faulty.join("\n")))
        }
    }
}

/// The only clock of this command: whether a policy is in force is asked about today.
fn now() -> Timestamp {
    #[allow(clippy::disallowed_methods)] // the binary may ask what day it is
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

fn check(path: &Path, specs: &Specs, at: Timestamp) -> Result<Checked, Failure> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::Input(format!("{file}: cannot read: {error}")))?;
    Ok(match Policy::check(&file, &text, specs) {
        Ok(policy) => {
            let warnings = warnings::of(&policy, specs, at);
            Checked { file, sound: true, warnings, ..said(policy) }
        }
        Err(PolicyMistakes { issues, expressions }) => {
            let mistakes = issues.kept().iter().enumerate().map(|(place, issue)| {
                let of: Option<&Misread> = expressions.get(&place);
                MistakeJson {
                    field: issue.field.clone(),
                    value: issue.value.clone(),
                    rule: of.map_or_else(|| issue.rule.clone(), |of| of.mistake.rule.clone()),
                    expression: of.map(|of| of.text.clone()),
                    line: of.map(|of| of.mistake.line),
                    column: of.map(|of| of.mistake.column),
                }
            });
            Checked { file, mistakes: mistakes.collect(), ..Checked::default() }
        }
    })
}

const HOURS_A_YEAR: f64 = 8_760.0;

/// What a sound policy says.
fn said(policy: Policy) -> Checked {
    let orders = policy.orders.map(|orders| OrdersJson {
        smallest_usd: orders.smallest,
        largest_usd: orders.largest,
        hourly_turnover_usd: orders.hourly_turnover,
        price_collar: orders.price_collar,
        answer_within_seconds: orders.answer_within_seconds,
        valid_seconds: orders.valid_seconds,
        proposal_seconds: orders.proposal_seconds,
        flatten: orders.flatten.map(word),
    });
    let trading = policy.trading.into_iter().map(|row| TradingJson {
        venue: row.venue.to_string(),
        kind: row.kind,
        underlying: row.underlying.map(|asset| asset.to_string()),
        settlement: row.settlement.map(|paid| match paid {
            Paid::Inverse => "inverse",
            Paid::Linear => "linear",
        }),
        tick: row.tick.to_string(),
        lot: row.lot.to_string(),
        fee: row.fee,
        half_spread: row.half_spread,
    });
    let hedges = policy.hedges.into_iter().map(|hedge| HedgeJson {
        name: hedge.name,
        underlying: hedge.underlying.to_string(),
        delta: hedge.delta.usd_key(),
        target_usd: hedge.target,
        sizing: sizing::SizingJson::of(&hedge.sizing),
        fixed_cost_usd: hedge.fixed_cost,
        max_age_hours: hedge.habits.most_age_years.map(|years| years * HOURS_A_YEAR),
        watch_seconds: hedge.habits.watch.interval_years * HOURS_A_YEAR * 3_600.0,
        fill_seconds: hedge.habits.watch.delay_years * HOURS_A_YEAR * 3_600.0,
        account: hedge.place.account.to_string(),
        venue: hedge.place.venue.to_string(),
        chain: hedge.place.chain.to_string(),
        symbol: hedge.listing.symbol.to_string(),
        execution: word(hedge.execution),
        cool_down_seconds: hedge.cool_down_seconds,
    });
    Checked {
        source: policy.source,
        valid_from: policy.valid_from,
        stale_after_seconds: policy.stale_after_seconds,
        accounts: policy.accounts.iter().map(ToString::to_string).collect(),
        limits: policy.limits.into_iter().map(limit).collect(),
        orders,
        trading: trading.collect(),
        hedges: hedges.collect(),
        triggers: policy.triggers.iter().map(trigger).collect(),
        collaterals: policy.collaterals.into_iter().map(collateral::CollateralJson::of).collect(),
        margin: policy.margin.map(|rules| MarginJson {
            every_seconds: rules.every_seconds,
            liquidation_of: rules.liquidation_of.iter().map(ToString::to_string).collect(),
            rulebooks: rules.rulebooks.into_iter().map(|((a, v), id)| (format!("{a}@{v}"), id)).collect(),
        }),
        explain: policy.explain.map(|rules| ExplainJson { every_seconds: rules.every_seconds }),
        ..Checked::default()
    }
}

fn limit(limit: engine::Limit) -> LimitJson {
    let columns = words(&limit.group_by);
    let only = limit
        .only
        .into_iter()
        .filter_map(|(place, names)| columns.get(place).map(|column| (*column, names.into_iter().collect())));
    LimitJson {
        name: limit.name,
        measure: limit.measure.usd_key(),
        only: only.collect(),
        group_by: columns,
        warn: limit.warn,
        hard: limit.hard,
        release: limit.release,
        hold_seconds: limit.hold_seconds,
        on_warn: limit.on_warn.word(),
        on_hard: limit.on_hard.word(),
    }
}

fn trigger(trigger: &engine::Trigger) -> TriggerJson {
    TriggerJson {
        name: trigger.name.clone(),
        each: words(&trigger.each),
        when: trigger.when.text().to_owned(),
        hold_seconds: trigger.hold_seconds,
        cool_down_seconds: trigger.cool_down_seconds,
        reads: trigger.when.reads().iter().copied().map(Variable::name).collect(),
        actions: trigger.actions.iter().copied().map(Action::word).collect(),
        state: trigger.state().word(),
    }
}

fn words(columns: &[GroupBy]) -> Vec<&'static str> {
    columns.iter().copied().map(GroupBy::word).collect()
}

const fn word(execution: Execution) -> &'static str {
    match execution {
        Execution::Propose => "propose",
        Execution::Armed => "armed",
    }
}
