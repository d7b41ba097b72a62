//! Kind `monte_carlo`: policies over generated paths → moments, tails, costs, and how each compares with the best clock.

use super::intervals::no_market;
use super::monte_carlo_spec::{MonteCarloSpec, Row};
use super::plotted::Plotted;
use crate::cli::BacktestArgs;
use crate::document::InputFile;
use crate::failure::Failure;
use crate::load::hash;
use crate::measure_commands::{Section, Sheet};
use crate::meter::Meter;
use crate::output::{TableNames, Target};
use crate::render::flat::{columns, text};
use crate::render::html::{Mark, Plot, PlotPoint};
use crate::render::number;
use backtest::monte_carlo::{Outcome, Strategy, paired_mean, run as play};
use clap::ValueEnum;
use hedge::policy::Policy;
use lake::{Cell, ColumnKind};
use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::Mutex;
use units::Timestamp;

/// Tables of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum MonteCarloTableName {
    /// Moments, tails and costs of each policy at each cost
    Policies,
    /// Each policy against the clock with the shortest tail, on the same paths
    Comparisons,
}

impl TableNames for MonteCarloTableName {
    fn stem(self) -> &'static str {
        match self {
            Self::Policies => "policies",
            Self::Comparisons => "comparisons",
        }
    }
}

pub(super) fn run(args: &BacktestArgs, spec: &MonteCarloSpec) -> Result<ExitCode, Failure> {
    let target = Target::new(&args.output, super::table::<MonteCarloTableName>(args)?);
    target.check([&args.spec])?;
    let strategies: Vec<Strategy> = spec.rows.iter().map(|row| row.strategy.clone()).collect();
    let meter = Mutex::new(Meter::new("hedging paths"));
    let total = 2 * spec.setup.pairs as u64;
    let progress = |done: usize| {
        if let Ok(mut meter) = meter.lock() {
            meter.at(done as u64, total);
        }
    };
    let outcomes =
        play(&spec.setup, &strategies, &progress).map_err(|error| Failure::Input(error.to_string()))?;
    drop(meter);
    let document = Plotted { sheet: sheet(args, spec, &outcomes)?, plots: plots(spec, &outcomes) };
    target.write(&document)?;
    Ok(document.sheet.exit_code())
}

fn sheet(
    args: &BacktestArgs,
    spec: &MonteCarloSpec,
    outcomes: &[Outcome],
) -> Result<Sheet<MonteCarloTableName>, Failure> {
    let path = args.spec.display().to_string();
    let inputs = vec![InputFile {
        path,
        role: "spec",
        blake3: hash(&args.spec)?,
        rows: spec.rows.len() as u64,
        asof: None,
    }];
    let rows: Vec<(&Row, &Outcome)> = spec.rows.iter().zip(outcomes).collect();
    Ok(Sheet {
        schema: "plimsoll.backtest.monte_carlo/1",
        title: "backtest: policies over generated paths",
        market: no_market(Timestamp::from_unix_nanos(0)),
        inputs,
        missing: 0,
        lacking: Vec::new(),
        issues: units::Issues::default(),
        notes: notes(spec),
        facts: facts(spec),
        sections: vec![
            Section::new(
                MonteCarloTableName::Policies,
                ("Policies", "profit of the hedged book, USD"),
                (columns(&POLICIES), rows.iter().map(|(row, outcome)| policy(row, outcome)).collect()),
            ),
            Section::new(
                MonteCarloTableName::Comparisons,
                ("Comparisons", "with the clock that has the shortest tail at the same cost"),
                (columns(&COMPARISONS), comparisons(&rows)),
            ),
        ],
    })
}

/// What is paid against what is missed, for each cost; clocks are joined.
fn plots(spec: &MonteCarloSpec, outcomes: &[Outcome]) -> Vec<Plot> {
    let rows: Vec<(&Row, &Outcome)> = spec.rows.iter().zip(outcomes).collect();
    let costs: BTreeSet<usize> = rows.iter().map(|(row, _)| row.cost).collect();
    let mut plots = Vec::new();
    for cost in costs {
        let hedged: Vec<&(&Row, &Outcome)> =
            rows.iter().filter(|(row, _)| row.cost == cost && row.strategy.policy.is_some()).collect();
        let Some((first, _)) = hedged.first() else { continue };
        let bp = number::figure((first.strategy.cost.proportional * 1e8).round() * 1e-4, 3);
        for (word, of) in [
            ("standard deviation", (|outcome: &Outcome| outcome.statistics.sd) as fn(&Outcome) -> f64),
            ("mean loss of the worst 5 %", |outcome: &Outcome| outcome.statistics.cvar95),
        ] {
            let mut points: Vec<PlotPoint> = hedged
                .iter()
                .map(|(row, outcome)| PlotPoint {
                    name: row.policy.clone(),
                    at: (outcome.cost_usd, of(outcome)),
                    mark: if is_clock(row) && row.strategy.delay_steps == 0 {
                        Mark::Line
                    } else {
                        Mark::Point
                    },
                })
                .collect();
            points.sort_by(|a, b| a.at.0.total_cmp(&b.at.0));
            plots.push(Plot {
                title: format!("{bp} bp: what is paid and {word}"),
                across: "paid for hedging, USD".into(),
                up: format!("{word}, USD"),
                points,
            });
        }
    }
    plots
}

/// What a reader should know.
fn notes(spec: &MonteCarloSpec) -> Vec<String> {
    let mut notes: Vec<String> = vec![
            "antithetic pairs of paths, the same for every row; each ± is one standard error over independent pairs".into(),
            "CVaR: mean loss of the worst 5 %, positive for a loss; costs include the first and the last trade".into(),
            "compared with the clock that has the shortest tail at the same cost; a difference of means is of paired paths".into(),
        ];
    let step = spec.setup.step_years;
    let short = |row: &&Row| {
        row.strategy
            .policy
            .and_then(|policy| policy.interval_years())
            .is_some_and(|every| every < step * (1.0 - 1e-9))
    };
    let names: BTreeSet<&str> = spec.rows.iter().filter(short).map(|row| row.policy.as_str()).collect();
    if !names.is_empty() {
        let names: Vec<&str> = names.into_iter().collect();
        notes.push(format!("clocks shorter than a step act at every step: {}", names.join(", ")));
    }
    notes
}

fn facts(spec: &MonteCarloSpec) -> Vec<(&'static str, Cell)> {
    let setup = &spec.setup;
    let whole = |n: usize| i64::try_from(n).map_or(Cell::Null, Cell::Integer);
    let jumps = setup.diffusion.jumps;
    vec![
        ("kind", text("monte_carlo")),
        ("source", text(&spec.source)),
        ("paths", whole(2 * setup.pairs)),
        ("steps", whole(setup.steps)),
        ("step_minutes", Cell::Float(spec.step_minutes)),
        ("seed", text(setup.seed.get())),
        ("spot_usd", Cell::Float(setup.spot)),
        ("vol", Cell::Float(setup.diffusion.vol)),
        ("jumps_per_year", jumps.map_or(Cell::Null, |jumps| Cell::Float(jumps.per_year))),
        ("jump_mean", jumps.map_or(Cell::Null, |jumps| Cell::Float(jumps.mean))),
        ("jump_sd", jumps.map_or(Cell::Null, |jumps| Cell::Float(jumps.sd))),
        ("legs", whole(setup.legs.len())),
    ]
}

const POLICIES: [(&str, ColumnKind); 13] = [
    ("cost_bp", ColumnKind::Float),
    ("fixed_usd", ColumnKind::Float),
    ("policy", ColumnKind::Text),
    ("mean_usd", ColumnKind::Float),
    ("mean_error_usd", ColumnKind::Float),
    ("sd_usd", ColumnKind::Float),
    ("sd_error_usd", ColumnKind::Float),
    ("cvar95_usd", ColumnKind::Float),
    ("cvar95_error_usd", ColumnKind::Float),
    ("worst_usd", ColumnKind::Float),
    ("trades", ColumnKind::Float),
    ("turnover_coin", ColumnKind::Float),
    ("paid_usd", ColumnKind::Float),
];

fn policy(row: &Row, outcome: &Outcome) -> Vec<Cell> {
    let s = &outcome.statistics;
    let cost = row.strategy.cost;
    let mut cells =
        vec![Cell::Float((cost.proportional * 1e8).round() * 1e-4), fixed(row), text(&row.policy)];
    let figures = [
        s.mean,
        s.mean_error,
        s.sd,
        s.sd_error,
        s.cvar95,
        s.cvar95_error,
        s.worst,
        outcome.trades,
        outcome.turnover,
        outcome.cost_usd,
    ];
    cells.extend(figures.map(Cell::Float));
    cells
}

const COMPARISONS: [(&str, ColumnKind); 9] = [
    ("cost_bp", ColumnKind::Float),
    ("fixed_usd", ColumnKind::Float),
    ("policy", ColumnKind::Text),
    ("clock", ColumnKind::Text),
    ("cvar95_less_pct", ColumnKind::Float),
    ("sd_less_pct", ColumnKind::Float),
    ("paid_less_pct", ColumnKind::Float),
    ("mean_more_usd", ColumnKind::Float),
    ("mean_more_error_usd", ColumnKind::Float),
];

/// The fixed cost of a trade; empty without one.
fn fixed(row: &Row) -> Cell {
    let usd = row.strategy.cost.fixed_usd;
    if usd > 0.0 { Cell::Float(usd) } else { Cell::Null }
}

const fn is_clock(row: &Row) -> bool {
    matches!(row.strategy.policy, Some(Policy::Clock(_)))
}

fn comparisons(rows: &[(&Row, &Outcome)]) -> Vec<Vec<Cell>> {
    let best = |cost: usize| {
        let clocks = rows.iter().filter(|(row, _)| row.cost == cost && is_clock(row));
        clocks.min_by(|a, b| a.1.statistics.cvar95.total_cmp(&b.1.statistics.cvar95))
    };
    let less = |ours: f64, theirs: f64| {
        if theirs > 0.0 { Cell::Float(100.0 * (1.0 - ours / theirs)) } else { Cell::Null }
    };
    let compared =
        rows.iter().filter(|(row, _)| row.strategy.policy.is_some()).filter_map(|(row, outcome)| {
            let (clock, theirs) = best(row.cost)?;
            if clock.policy == row.policy {
                return None;
            }
            let more = paired_mean(&outcome.profit, &theirs.profit);
            Some(vec![
                Cell::Float((row.strategy.cost.proportional * 1e8).round() * 1e-4),
                fixed(row),
                text(&row.policy),
                text(&clock.policy),
                less(outcome.statistics.cvar95, theirs.statistics.cvar95),
                less(outcome.statistics.sd, theirs.statistics.sd),
                less(outcome.cost_usd, theirs.cost_usd),
                Cell::Float(more.value),
                Cell::Float(more.standard_error),
            ])
        });
    compared.collect()
}
