//! `plimsoll smile`: how the smile moved with spot over recorded chains.

use super::law::refused;
use super::{Section, Sheet};
use crate::cli::{Format, SmileArgs, SmileTableName};
use crate::document::InputFile;
use crate::failure::Failure;
use crate::load::hash;
use crate::meter::Meter;
use crate::output::{TableNames, Target};
use crate::render::flat::{columns, count, text};
use instrument::Specs;
use lake::{Cell, ColumnKind, for_each_snapshot};
use market::surface::{SmileMove, SmileSight, StickinessEstimate, estimate_stickiness};
use market::{Market, Snapshot, VolBasis};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::process::ExitCode;
use units::{Asset, Issues, Timestamp, YearFraction};

impl TableNames for SmileTableName {
    fn stem(self) -> &'static str {
        match self {
            Self::Stickiness => "stickiness",
            Self::Steps => "steps",
        }
    }
}

/// An underlying, the currency its options are quoted in, and a tenor in days.
type Key = (Asset, Asset, u16);

/// One step with its times.
struct Step {
    from: Timestamp,
    to: Timestamp,
    moved: SmileMove,
}

/// Snapshots as they come, each against the one before.
struct Walk<'a> {
    args: &'a SmileArgs,
    specs: Specs,
    before: Option<Market>,
    steps: BTreeMap<Key, Vec<Step>>,
    without: BTreeMap<Key, usize>,
    snapshots: usize,
    rows: u64,
    issues: Issues,
    failed: Option<Failure>,
}

/// Runs the command.
pub(crate) fn run(args: &SmileArgs) -> Result<ExitCode, Failure> {
    let target = Target::new(&args.output, args.table);
    target.check(&args.market)?;
    let sheet = sheet(args)?;
    target.write(&sheet)?;
    Ok(sheet.exit_code())
}

impl Walk<'_> {
    fn take(&mut self, raw: market::RawSnapshot) -> ControlFlow<()> {
        if self.args.from.is_some_and(|from| raw.asof < from) {
            return ControlFlow::Continue(());
        }
        if self.args.to.is_some_and(|to| raw.asof > to) {
            return ControlFlow::Break(());
        }
        self.rows += raw.rows.len() as u64;
        match Snapshot::admit(&[raw], &self.specs).map_err(refused) {
            Ok((snapshot, issues)) => {
                self.issues.extend(issues);
                let market = Market::build(&snapshot, &BTreeMap::new());
                self.step(market.with_surfaces(&snapshot, VolBasis::Marks));
                ControlFlow::Continue(())
            }
            Err(failure) => {
                self.failed = Some(failure);
                ControlFlow::Break(())
            }
        }
    }

    fn step(&mut self, market: Market) {
        self.snapshots += 1;
        if let Some(before) = self.before.replace(market)
            && let Some(after) = &self.before
        {
            // The first snapshot of a file may repeat or precede the last one of the file before.
            if before.asof >= after.asof {
                return;
            }
            for (asset, start) in &before.underlyings {
                let Some(end) = after.underlyings.get(asset) else { continue };
                for (currency, family) in &start.families {
                    let surface = |family: Option<&market::Family>| family.and_then(|f| f.surface.clone());
                    let sides = (surface(Some(family)), surface(end.families.get(currency)));
                    let (Some(old), Some(new)) = sides else { continue };
                    let sight = |surface, index| SmileSight { surface, index };
                    let sights = (sight(&old, start.spot), sight(&new, end.spot));
                    let place = (asset.clone(), currency.clone());
                    record(
                        &self.args.tenor,
                        (&mut self.steps, &mut self.without),
                        place,
                        (before.asof, after.asof),
                        sights,
                    );
                }
            }
        }
    }
}

type Found<'a> = (&'a mut BTreeMap<Key, Vec<Step>>, &'a mut BTreeMap<Key, usize>);

fn record(
    tenors: &[u16],
    (steps, without): Found<'_>,
    (asset, currency): (Asset, Asset),
    (from, to): (Timestamp, Timestamp),
    (before, after): (SmileSight<'_>, SmileSight<'_>),
) {
    for days in tenors {
        let key = (asset.clone(), currency.clone(), *days);
        let tenor = YearFraction::new(f64::from(*days) / YearFraction::DAYS);
        match tenor.ok().and_then(|tenor| SmileMove::between(before, after, tenor)) {
            Some(moved) => steps.entry(key).or_default().push(Step { from, to, moved }),
            None => *without.entry(key).or_default() += 1,
        }
    }
}

fn read(args: &SmileArgs) -> Result<(Walk<'_>, Vec<InputFile>), Failure> {
    let mut walk = Walk {
        args,
        specs: Specs::embedded(),
        before: None,
        steps: BTreeMap::new(),
        without: BTreeMap::new(),
        snapshots: 0,
        rows: 0,
        issues: Issues::default(),
        failed: None,
    };
    let mut inputs = Vec::new();
    for path in &args.market {
        let mut meter = Meter::new(format!("fitting {}", path.display()));
        let rows_before = walk.rows;
        for_each_snapshot(path, &mut |raw| walk.take(raw), &mut |p| meter.at(p.bytes_done, p.bytes_total))?;
        drop(meter);
        if let Some(failure) = walk.failed.take() {
            return Err(failure);
        }
        inputs.push(InputFile {
            path: path.display().to_string(),
            role: "market",
            blake3: hash(path)?,
            rows: walk.rows - rows_before,
            asof: walk.before.as_ref().map(|market| market.asof),
        });
    }
    Ok((walk, inputs))
}

fn sheet(args: &SmileArgs) -> Result<Sheet<SmileTableName>, Failure> {
    let (walk, inputs) = read(args)?;
    let Walk { steps, without, snapshots, issues, before, .. } = walk;
    if !issues.is_empty() && !args.allow_partial {
        return Err(Failure::BadRows { issues: Box::new(issues) });
    }
    let Some(market) = before.filter(|_| !steps.is_empty()) else {
        return Err(Failure::Input(format!(
            "no two snapshots with a surface that reaches the tenors: {snapshots} snapshots taken; pass recorded chains with several, or \
             another --tenor"
        )));
    };
    let found: Vec<(&Key, Option<StickinessEstimate>)> = steps
        .iter()
        .map(|(key, steps)| {
            (key, estimate_stickiness(&steps.iter().map(|step| step.moved).collect::<Vec<_>>()))
        })
        .collect();
    let estimates = found.iter().map(|(key, estimate)| estimate_row(key, *estimate, without.get(*key)));
    let list = [
        ("underlying", ColumnKind::Text),
        ("quote_currency", ColumnKind::Text),
        ("tenor_days", ColumnKind::Integer),
        ("steps", ColumnKind::Integer),
        ("steps_without_tenor", ColumnKind::Integer),
        ("skew_stickiness", ColumnKind::Float),
        ("standard_error", ColumnKind::Float),
        ("explained_pct", ColumnKind::Float),
        ("mean_skew_points_per_10_pct", ColumnKind::Float),
    ];
    let sections = vec![
        Section::new(
            SmileTableName::Stickiness,
            (
                "Skew stickiness",
                "change of the vol at the money on skew times return: 0 sticky moneyness, 1 sticky strike",
            ),
            (columns(&list), estimates.collect()),
        ),
        Section::new(
            SmileTableName::Steps,
            ("Steps", "from snapshot to snapshot"),
            shown_steps(args, &steps),
        ),
    ];
    let notes = vec![
        "the standard error is White's; a ratio within two of them of 1 does not reject sticky strike".into(),
        "each step: --format csv --table steps".into(),
        "for use: plimsoll report --skew-stickiness COIN=RATIO; beyond -1 to 3 it is not believed".into(),
    ];
    Ok(Sheet {
        schema: "plimsoll.smile/1",
        title: "smile dynamics",
        market,
        inputs,
        missing: 0,
        lacking: Vec::new(),
        issues,
        notes,
        facts: vec![("snapshots_taken", count(snapshots))],
        sections,
    })
}

fn estimate_row(
    (asset, currency, days): &Key,
    estimate: Option<StickinessEstimate>,
    without: Option<&usize>,
) -> Vec<Cell> {
    let figure =
        |of: fn(&StickinessEstimate) -> f64| estimate.as_ref().map_or(Cell::Null, |e| Cell::Float(of(e)));
    vec![
        text(asset),
        text(currency),
        count(usize::from(*days)),
        count(estimate.map_or(0, |e| e.steps)),
        count(without.copied().unwrap_or(0)),
        figure(|e| e.ratio),
        figure(|e| e.standard_error),
        figure(|e| 100.0 * e.explained),
        // Vol per unit of log-moneyness, as points for a strike 10 % higher.
        figure(|e| 10.0 * e.mean_skew),
    ]
}

/// Thousands of steps would hide the answer on a screen: they are for files.
fn shown_steps(args: &SmileArgs, steps: &BTreeMap<Key, Vec<Step>>) -> crate::render::flat::Body {
    let (columns, rows) = step_rows(steps);
    if args.output.format == Format::Table { (columns, Vec::new()) } else { (columns, rows) }
}

fn step_rows(steps: &BTreeMap<Key, Vec<Step>>) -> crate::render::flat::Body {
    let columns = columns(&[
        ("underlying", ColumnKind::Text),
        ("quote_currency", ColumnKind::Text),
        ("tenor_days", ColumnKind::Integer),
        ("from", ColumnKind::Text),
        ("to", ColumnKind::Text),
        ("log_return_pct", ColumnKind::Float),
        ("skew_points_per_10_pct", ColumnKind::Float),
        ("vol_change_points", ColumnKind::Float),
    ]);
    let rows = steps.iter().flat_map(|((asset, currency, days), steps)| {
        steps.iter().map(move |Step { from, to, moved }| {
            vec![
                text(asset),
                text(currency),
                count(usize::from(*days)),
                text(from),
                text(to),
                Cell::Float(100.0 * moved.log_return),
                Cell::Float(10.0 * moved.skew),
                Cell::Float(100.0 * moved.vol_change),
            ]
        })
    });
    (columns, rows.collect())
}
