//! Kind `intervals`: snapshots → frames, side by side; frames → figures, in order; figures → tables.

use super::intervals_spec::IntervalsSpec;
use super::recordings::{Read, Recordings};
use crate::cli::BacktestArgs;
use crate::document::InputFile;
use crate::failure::Failure;
use crate::load::hash;
use crate::measure_commands::{Section, Sheet};
use crate::output::{TableNames, Target};
use crate::render::flat::{Body, columns, text};
use backtest::intervals::{
    AgainstBaseline, Frame, IntervalsError, Outcome, StrategyOutcome, Valuation, Walk,
};
use backtest::statistics::{DieboldMariano, Interval};
use clap::ValueEnum;
use hedge::delta::Accounting;
use lake::{Cell, ColumnKind};
use market::{Market, Snapshot};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use units::{Asset, Timestamp};

/// Tables of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum IntervalsTableName {
    /// Figures of each strategy
    Strategies,
    /// Each strategy against the baseline
    Comparisons,
    /// How much there was
    Counts,
    /// What has no interval, by reason
    Skipped,
}

impl TableNames for IntervalsTableName {
    fn stem(self) -> &'static str {
        match self {
            Self::Strategies => "strategies",
            Self::Comparisons => "comparisons",
            Self::Counts => "counts",
            Self::Skipped => "skipped",
        }
    }
}

pub(super) fn run(args: &BacktestArgs, spec: &IntervalsSpec) -> Result<ExitCode, Failure> {
    let target = Target::new(&args.output, super::table::<IntervalsTableName>(args)?);
    target.check([&args.spec])?;
    let place = args.data.as_deref().unwrap_or(&spec.chains);
    let sheet = sheet(args, spec, place)?;
    target.write(&sheet)?;
    Ok(sheet.exit_code())
}

#[allow(clippy::needless_pass_by_value)] // used as a map_err function
fn refused(error: IntervalsError) -> Failure {
    Failure::Input(error.to_string())
}

/// Figures of each coin, with what was read.
pub(super) fn play(spec: &IntervalsSpec, place: &Path) -> Result<(BTreeMap<Asset, Outcome>, Read), Failure> {
    let recordings = Recordings::find(place, spec.window)?;
    let mut read = Read::default();
    let prices = recordings.perpetual_prices(&mut read)?;
    let mut walk = Walk::new(&spec.plan, prices).map_err(refused)?;
    let mut not_inverse = 0;
    recordings.for_each_batch("playing intervals", &mut read, &mut |batch: Vec<Snapshot>| {
        // Frames know nothing of each other: made on any thread, taken in order.
        let frames: Vec<Frame> = batch.par_iter().map(|snapshot| Frame::of(snapshot, &spec.plan)).collect();
        for mut frame in frames {
            not_inverse += frame.not_inverse;
            if !spec.underlyings.is_empty() {
                frame.coins.retain(|coin, _| spec.underlyings.contains(coin));
            }
            walk.take(frame).map_err(refused)?;
        }
        Ok(())
    })?;
    read.notes.extend(recordings.notes);
    if not_inverse > 0 {
        read.notes
            .push(format!("quotes of options that do not settle in their coin, not played: {not_inverse}"));
    }
    Ok((walk.finish().map_err(refused)?, read))
}

fn sheet(
    args: &BacktestArgs,
    spec: &IntervalsSpec,
    place: &Path,
) -> Result<Sheet<IntervalsTableName>, Failure> {
    let (outcomes, mut read) = play(spec, place)?;
    if !read.issues.is_empty() && !args.allow_partial {
        return Err(Failure::Unreadable { issues: read.issues });
    }
    if outcomes.values().all(|outcome| outcome.strategies.is_empty()) {
        return Err(Failure::Input(no_interval(place, &outcomes)));
    }
    let path = args.spec.display().to_string();
    let rows = spec.plan.strategies.len() as u64;
    read.inputs.push(InputFile { path, role: "spec", blake3: hash(&args.spec)?, rows, asof: None });
    let baseline = spec.plan.strategies.get(spec.plan.baseline).map_or("", |own| own.name.as_str());
    let mut notes = vec![
        "reductions are shares of the unhedged figure; quantile and shortfall are of the hedged gain, losses negative".into(),
        format!(
            "Diebold-Mariano: losses averaged by snapshot, {baseline} less strategy, Newey-West variance; positive is better than {baseline}; p two-sided"
        ),
        format!(
            "intervals in brackets: circular block bootstrap of snapshots, {} draws of blocks of {}, {:.0} % of the draws",
            spec.plan.bootstrap.draws,
            spec.plan.bootstrap.block,
            100.0 * spec.plan.bootstrap.confidence
        ),
        "no costs, no funding".into(),
    ];
    notes.append(&mut read.notes);
    let unit = match spec.plan.accounting {
        Accounting::Coin => "coin",
        Accounting::Usd => "usd",
    };
    let every = |of: &dyn Fn(&Asset, &Outcome) -> Vec<Vec<Cell>>| -> Vec<Vec<Cell>> {
        outcomes.iter().flat_map(|(coin, outcome)| of(coin, outcome)).collect()
    };
    let against = format!("against {baseline}, on the same intervals");
    Ok(Sheet {
        schema: "plimsoll.backtest.intervals/1",
        title: "backtest: one short option over one interval",
        market: no_market(read.asof.unwrap_or(Timestamp::from_unix_nanos(0))),
        inputs: read.inputs,
        missing: 0,
        lacking: Vec::new(),
        issues: read.issues,
        notes,
        facts: facts(spec, unit, baseline),
        sections: vec![
            Section::new(
                IntervalsTableName::Strategies,
                ("Strategies", &format!("hedged gains in {unit} of one short option on one coin")),
                (columns(&STRATEGIES), every(&strategies)),
            ),
            Section::new(
                IntervalsTableName::Comparisons,
                ("Comparisons", &against),
                (columns(&COMPARISONS), every(&comparisons)),
            ),
            Section::new(
                IntervalsTableName::Counts,
                ("Counts", "kept: by the benchmark's filter; held out: drawn to be judged"),
                (columns(&COUNTS), every(&|coin, outcome| vec![counts(coin, outcome)])),
            ),
            Section::new(
                IntervalsTableName::Skipped,
                ("Skipped", "filter: quotes that are not kept; interval: drawn, but not judged"),
                skipped(&outcomes),
            ),
        ],
    })
}

fn no_interval(place: &Path, outcomes: &BTreeMap<Asset, Outcome>) -> String {
    let mut reasons = BTreeMap::new();
    for (reason, count) in outcomes.values().flat_map(|outcome| &outcome.counts.skipped) {
        *reasons.entry(reason.word()).or_insert(0) += count;
    }
    let reasons: Vec<String> = reasons.into_iter().map(|(word, count)| format!("{word} {count}")).collect();
    let reasons =
        if reasons.is_empty() { "fewer than two snapshots with options".into() } else { reasons.join(", ") };
    format!("{}: no interval to judge: {reasons}", place.display())
}

fn facts(spec: &IntervalsSpec, unit: &str, baseline: &str) -> Vec<(&'static str, Cell)> {
    let valuation = match spec.plan.valuation {
        Valuation::Mid => "mid",
        Valuation::Mark => "mark",
    };
    let instant = |time: Option<Timestamp>| time.map_or(Cell::Null, text);
    vec![
        ("kind", text("intervals")),
        ("source", text(&spec.source)),
        ("from", instant(spec.window.from)),
        ("until", instant(spec.window.until)),
        ("accounting", text(unit)),
        ("valuation", text(valuation)),
        ("held_out_share", Cell::Float(spec.plan.held_out.share)),
        ("held_out_seed", whole(spec.plan.held_out.seed)),
        ("price_age_most_seconds", Cell::Float(spec.plan.price_age_most_seconds)),
        ("tail", Cell::Float(spec.plan.tail)),
        ("baseline", text(baseline)),
    ]
}

/// Nothing is valued here: a market without quotes, as of the last snapshot.
pub(super) fn no_market(asof: Timestamp) -> Market {
    Market::build(&Snapshot::empty(asof), &BTreeMap::new())
}

const STRATEGIES: [(&str, ColumnKind); 13] = [
    ("underlying", ColumnKind::Text),
    ("strategy", ColumnKind::Text),
    ("rmse_reduction_pct", ColumnKind::Float),
    ("rmse_reduction_low_pct", ColumnKind::Float),
    ("rmse_reduction_high_pct", ColumnKind::Float),
    ("mae_reduction_pct", ColumnKind::Float),
    ("variance_reduction_pct", ColumnKind::Float),
    ("hit_rate_pct", ColumnKind::Float),
    ("quantile", ColumnKind::Float),
    ("shortfall", ColumnKind::Float),
    ("rmse", ColumnKind::Float),
    ("mean", ColumnKind::Float),
    ("intervals", ColumnKind::Integer),
];

fn strategies(coin: &Asset, outcome: &Outcome) -> Vec<Vec<Cell>> {
    let unhedged = vec![
        text(coin),
        text("unhedged"),
        Cell::Float(0.0),
        Cell::Null,
        Cell::Null,
        Cell::Float(0.0),
        Cell::Float(0.0),
        Cell::Null,
        finite(outcome.unhedged_tail.quantile),
        finite(outcome.unhedged_tail.shortfall),
        finite(outcome.unhedged_rmse),
        Cell::Null,
        whole(outcome.counts.intervals),
    ];
    let own = outcome.strategies.iter().map(|found| strategy(coin, found, outcome.counts.intervals));
    std::iter::once(unhedged).chain(own).collect()
}

fn strategy(coin: &Asset, found: &StrategyOutcome, intervals: u64) -> Vec<Cell> {
    let [low, high] = ends(found.rmse_reduction_interval, 100.0);
    vec![
        text(coin),
        text(&found.name),
        finite(100.0 * found.rmse_reduction),
        low,
        high,
        finite(100.0 * found.mae_reduction),
        finite(100.0 * found.variance_reduction),
        finite(100.0 * found.hit_rate),
        finite(found.tail.quantile),
        finite(found.tail.shortfall),
        finite(found.rmse),
        finite(found.mean),
        whole(intervals),
    ]
}

const COMPARISONS: [(&str, ColumnKind); 21] = [
    ("underlying", ColumnKind::Text),
    ("strategy", ColumnKind::Text),
    ("dm_squared", ColumnKind::Float),
    ("dm_squared_p", ColumnKind::Float),
    ("dm_absolute", ColumnKind::Float),
    ("dm_absolute_p", ColumnKind::Float),
    ("rmse_gain_pct", ColumnKind::Float),
    ("rmse_gain_low_pct", ColumnKind::Float),
    ("rmse_gain_high_pct", ColumnKind::Float),
    ("shortfall_gain", ColumnKind::Float),
    ("shortfall_gain_low", ColumnKind::Float),
    ("shortfall_gain_high", ColumnKind::Float),
    ("snapshots", ColumnKind::Integer),
    ("lags", ColumnKind::Integer),
    ("without_smile", ColumnKind::Integer),
    ("without_vega_leg", ColumnKind::Integer),
    ("learnt_in_use_pct", ColumnKind::Float),
    ("last_a", ColumnKind::Float),
    ("last_b", ColumnKind::Float),
    ("last_c", ColumnKind::Float),
    ("verdict", ColumnKind::Text),
];

fn comparisons(coin: &Asset, outcome: &Outcome) -> Vec<Vec<Cell>> {
    let others = outcome.strategies.iter().filter_map(|own| Some((own, own.against_baseline.as_ref()?)));
    others.map(|(own, against)| comparison(coin, own, against)).collect()
}

fn comparison(coin: &Asset, own: &StrategyOutcome, against: &AgainstBaseline) -> Vec<Cell> {
    let [squared, squared_p] = test(against.squared);
    let [absolute, absolute_p] = test(against.absolute);
    let [low, high] = ends(against.rmse_gain_interval, 100.0);
    let [tail_low, tail_high] = ends(against.shortfall_gain_interval, 1.0);
    let quadratic = |of: fn(&hedge::delta::QuadraticMove) -> f64| {
        own.last_quadratic.as_ref().map_or(Cell::Null, |found| Cell::Float(of(found)))
    };
    vec![
        text(coin),
        text(&own.name),
        squared,
        squared_p,
        absolute,
        absolute_p,
        finite(100.0 * against.rmse_gain),
        low,
        high,
        finite(against.shortfall_gain),
        tail_low,
        tail_high,
        against.squared.map_or(Cell::Null, |test| whole(test.instants as u64)),
        against.squared.map_or(Cell::Null, |test| whole(test.lags as u64)),
        some(own.without_smile),
        some(own.without_leg),
        own.learnt_share.map_or(Cell::Null, |share| Cell::Float(100.0 * share)),
        quadratic(|found| found.a),
        quadratic(|found| found.b),
        quadratic(|found| found.c),
        text(verdict(against)),
    ]
}

/// In a word: `better` needs both the test on squares at 5 % and a smaller shortfall.
fn verdict(against: &AgainstBaseline) -> &'static str {
    match against.squared {
        Some(test) if test.p_value < 0.05 && test.statistic < 0.0 => "worse",
        Some(test) if test.p_value < 0.05 && against.shortfall_gain > 0.0 => "better",
        _ => "not told apart",
    }
}

const COUNTS: [(&str, ColumnKind); 13] = [
    ("underlying", ColumnKind::Text),
    ("snapshots", ColumnKind::Integer),
    ("raw", ColumnKind::Integer),
    ("kept", ColumnKind::Integer),
    ("kept_pct", ColumnKind::Float),
    ("median_kept", ColumnKind::Float),
    ("without_vol", ColumnKind::Integer),
    ("held_out", ColumnKind::Integer),
    ("held_out_last_snapshot", ColumnKind::Integer),
    ("intervals", ColumnKind::Integer),
    ("snapshot_pairs", ColumnKind::Integer),
    ("median_hours", ColumnKind::Float),
    ("longest_hours", ColumnKind::Float),
];

fn counts(coin: &Asset, outcome: &Outcome) -> Vec<Cell> {
    let own = &outcome.counts;
    #[allow(clippy::cast_precision_loss)] // counts
    let kept = 100.0 * own.kept as f64 / own.raw as f64;
    vec![
        text(coin),
        whole(own.snapshots),
        whole(own.raw),
        whole(own.kept),
        finite(kept),
        own.median_kept.map_or(Cell::Null, finite),
        whole(own.without_vol),
        whole(own.held_out),
        whole(own.held_out_last),
        whole(own.intervals),
        whole(own.snapshot_pairs),
        own.median_hours.map_or(Cell::Null, finite),
        own.longest_hours.map_or(Cell::Null, finite),
    ]
}

fn skipped(outcomes: &BTreeMap<Asset, Outcome>) -> Body {
    let list = [
        ("underlying", ColumnKind::Text),
        ("stage", ColumnKind::Text),
        ("reason", ColumnKind::Text),
        ("quotes", ColumnKind::Integer),
    ];
    let mut rows = Vec::new();
    for (coin, outcome) in outcomes {
        let row =
            |stage: &str, reason: &str, count: u64| vec![text(coin), text(stage), text(reason), whole(count)];
        rows.extend(outcome.counts.dropped.iter().map(|(drop, count)| row("filter", drop.word(), *count)));
        rows.extend(outcome.counts.skipped.iter().map(|(skip, count)| row("interval", skip.word(), *count)));
    }
    (columns(&list), rows)
}

fn test(found: Option<DieboldMariano>) -> [Cell; 2] {
    found.map_or([Cell::Null, Cell::Null], |test| [Cell::Float(test.statistic), Cell::Float(test.p_value)])
}

fn ends(interval: Option<Interval>, factor: f64) -> [Cell; 2] {
    interval
        .map_or([Cell::Null, Cell::Null], |found| [finite(factor * found.low), finite(factor * found.high)])
}

/// A figure that does not exist is an empty cell.
fn finite(value: f64) -> Cell {
    if value.is_finite() { Cell::Float(value) } else { Cell::Null }
}

fn whole(value: u64) -> Cell {
    i64::try_from(value).map_or(Cell::Null, Cell::Integer)
}

/// Zero goes without saying.
fn some(count: u64) -> Cell {
    if count == 0 { Cell::Null } else { whole(count) }
}
