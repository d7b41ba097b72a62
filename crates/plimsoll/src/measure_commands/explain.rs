//! `plimsoll explain`: the same book on two snapshots, or on every pair of consecutive ones.

use super::law::refused;
use super::var::issue_table;
use super::{Section, Sheet};
use crate::cli::{ExplainArgs, ExplainTableName, InputArgs, VolsFrom};
use crate::failure::Failure;
use crate::load::{Loaded, load, load_added, rates};
use crate::meter::Meter;
use crate::output::{TableNames, Target};
use crate::render::flat::{Body, columns, count, text};
use crate::report_command::unpriced_issues;
use instrument::Specs;
use lake::{Cell, ColumnKind, for_each_snapshot};
use market::{Market, Snapshot};
use risk::explain::{Cause, Explained, Explanation, FundingRates, STEPS, Side, Unexplained};
use risk::{Measure, Valuation};
use std::ops::ControlFlow;
use std::process::ExitCode;
use units::{Fixed, Issue, Issues, Timestamp};

impl TableNames for ExplainTableName {
    fn stem(self) -> &'static str {
        match self {
            Self::Explain => "explain",
            Self::Steps => "steps",
            Self::Residuals => "residuals",
            Self::Unexplained => "unexplained",
        }
    }
}

/// Runs the command; the exit code says whether anything is missing.
pub(crate) fn run(args: &ExplainArgs) -> Result<ExitCode, Failure> {
    let target = Target::new(&args.output, args.table);
    // The book at the end may well be the same file.
    target.check(args.book.iter().chain(&args.market))?;
    if args.from >= args.to {
        return Err(Failure::Usage(format!("--from {} is not before --to {}", args.from, args.to)));
    }
    let sheet = if args.each { each(args)? } else { once(args)? };
    target.write(&sheet)?;
    Ok(sheet.exit_code())
}

fn inputs_at(args: &ExplainArgs, at: Timestamp) -> InputArgs {
    InputArgs {
        book: args.book.clone(),
        market: args.market.clone(),
        at: Some(at),
        rate: args.rate.clone(),
        vols: VolsFrom::Marks,
        skew_stickiness: Vec::new(),
        allow_partial: args.allow_partial,
        threads: None,
    }
}

/// Rates of perpetuals that print one.
fn funding(snapshot: &Snapshot) -> FundingRates {
    let rated =
        snapshot.futures.iter().filter_map(|(key, quote)| Some((key.clone(), quote.funding_rate_8h?)));
    rated.collect()
}

fn unexplained_issue(unexplained: &Unexplained) -> Issue {
    Issue {
        file: unexplained.file.clone(),
        row: unexplained.row,
        field: "instrument or asset".into(),
        value: unexplained.symbol.to_string(),
        rule: format!("at the {}: {}", unexplained.market, unexplained.reason),
    }
}

fn stop_if_incomplete(allow: bool, bad: &Issues, missing: &Issues) -> Result<(), Failure> {
    if allow || (bad.is_empty() && missing.is_empty()) {
        return Ok(());
    }
    Err(Failure::Incomplete { issues: Box::new(bad.clone()), unpriced: Box::new(missing.clone()) })
}

fn once(args: &ExplainArgs) -> Result<Sheet<ExplainTableName>, Failure> {
    let start = load(&inputs_at(args, args.from))?;
    let end = load(&inputs_at(args, args.to))?;
    if start.market.asof >= end.market.asof {
        return Err(refused(format!(
            "--from and --to find the same snapshot, of {}: choose times with a snapshot in between",
            end.market.asof
        )));
    }
    let (before, after) =
        (Valuation::new(&start.book, &start.market), Valuation::new(&start.book, &end.market));
    let sides =
        (Side { market: &start.market, valuation: &before }, Side { market: &end.market, valuation: &after });
    let told = Explanation::new(&start.book, sides.0, sides.1, &funding(&start.snapshot)).map_err(refused)?;
    let mut missing = Issues::default();
    told.unexplained.iter().map(unexplained_issue).for_each(|issue| missing.push(issue));
    let mut inputs = start.inputs.clone();
    inputs.extend(end.inputs.iter().filter(|input| input.role == "market").cloned());
    let mut issues = start.issues.clone();
    let ends = end.issues.kept().iter().filter(|issue| !start.issues.kept().contains(issue));
    ends.cloned().for_each(|issue| issues.push(issue));
    let mut trades = None;
    if !args.book_after.is_empty() {
        let (book, more) = load_added(&args.book_after, &mut inputs)?;
        issues.extend(more);
        let traded = Valuation::new(&book, &end.market);
        unpriced_issues(&traded.unpriced).kept().iter().cloned().for_each(|issue| missing.push(issue));
        trades = Some(value(&traded) - value(&after));
    }
    stop_if_incomplete(args.allow_partial, &issues, &missing)?;
    let mut notes = notes(&start, &end, &told);
    if told.total.is_poor() {
        notes.insert(0, "the residual of the greeks is over a tenth of the change: believe the steps".into());
    }
    let sections = vec![
        Section::new(
            ExplainTableName::Explain,
            ("Change by cause", "greeks at the start times what moved; the residual is what they do not see"),
            terms(&told),
        ),
        Section::new(
            ExplainTableName::Steps,
            (
                "Change by steps of revaluation",
                "in the order time, spot, vol, carry, rate: each on top of those before",
            ),
            steps(&told),
        ),
        Section::new(ExplainTableName::Residuals, ("Residuals", ""), residuals(&[])),
        Section::new(ExplainTableName::Unexplained, ("In no figure", ""), issue_table(&missing)),
    ];
    let facts = facts(&told, trades);
    Ok(Sheet {
        schema: "plimsoll.explain/1",
        title: "P&L explain",
        market: end.market,
        inputs,
        missing: usize::try_from(missing.total()).unwrap_or(usize::MAX),
        lacking: Vec::new(),
        issues,
        notes,
        facts,
        sections,
    })
}

fn value(valuation: &Valuation) -> Fixed {
    valuation.rows.iter().map(|row| row.exposure.in_usd(Measure::Value)).sum()
}

fn facts(told: &Explanation, trades: Option<Fixed>) -> Vec<(&'static str, Cell)> {
    let optional = |value: Option<Fixed>| value.map_or(Cell::Null, Cell::Fixed);
    let whole = told.total.change_usd + told.funding_usd.unwrap_or_default() + trades.unwrap_or_default();
    vec![
        ("elapsed_days", Cell::Float(told.days)),
        ("change_usd", Cell::Fixed(told.total.change_usd)),
        ("funding_estimate_usd", optional(told.funding_usd)),
        ("trades_usd", optional(trades)),
        ("total_usd", Cell::Fixed(whole)),
        ("residual_usd", Cell::Fixed(told.total.residual_usd)),
    ]
}

fn notes(start: &Loaded, end: &Loaded, told: &Explanation) -> Vec<String> {
    let mut notes = start.notes.clone();
    notes.extend(end.notes.iter().filter(|note| !start.notes.contains(note)).cloned());
    if told.funding_unknown > 0 {
        notes.push(format!(
            "funding of {} perpetual positions is not known: the start's market prints no rate for them",
            told.funding_unknown
        ));
    }
    notes.push("each contract by its own marks: forward, vol and USD rates of both snapshots; funding and trades are beside the change".into());
    notes
}

fn of_explained(explained: &Explained, name: &str) -> Vec<Cell> {
    let mut row = vec![text(name), Cell::Fixed(explained.change_usd)];
    row.extend(explained.terms_usd.map(Cell::Fixed));
    row.push(Cell::Fixed(explained.residual_usd));
    row
}

fn terms(told: &Explanation) -> Body {
    let mut list = vec![("underlying", ColumnKind::Text), ("change_usd", ColumnKind::Fixed)];
    list.extend(Cause::ALL.map(|cause| (cause.key(), ColumnKind::Fixed)));
    list.push(("residual_usd", ColumnKind::Fixed));
    let mut rows: Vec<Vec<Cell>> =
        told.by_underlying.iter().map(|(asset, explained)| of_explained(explained, asset.as_str())).collect();
    rows.push(of_explained(&told.total, "total"));
    (columns(&list), rows)
}

fn steps(told: &Explanation) -> Body {
    let mut list = vec![("underlying", ColumnKind::Text), ("change_usd", ColumnKind::Fixed)];
    list.extend(STEPS.map(|step| (step, ColumnKind::Fixed)));
    list.push(("rounding_usd", ColumnKind::Fixed));
    let row = |explained: &Explained, name: &str| {
        let mut row = vec![text(name), Cell::Fixed(explained.change_usd)];
        row.extend(explained.steps_usd.map(Cell::Fixed));
        row.push(Cell::Fixed(explained.rounding_usd));
        row
    };
    let mut rows: Vec<Vec<Cell>> =
        told.by_underlying.iter().map(|(asset, e)| row(e, asset.as_str())).collect();
    rows.push(row(&told.total, "total"));
    (columns(&list), rows)
}

/// One step from a snapshot to the next.
struct Told {
    to: Timestamp,
    explanation: Explanation,
}

/// Snapshots as they come, each explained against the one before.
struct Walk<'a> {
    args: &'a ExplainArgs,
    book: &'a book::Book,
    specs: Specs,
    rates: std::collections::BTreeMap<units::Asset, units::Spot>,
    before: Option<(Market, FundingRates)>,
    steps: Vec<Told>,
    issues: Issues,
    failed: Option<Failure>,
}

impl Walk<'_> {
    fn take(&mut self, raw: market::RawSnapshot) -> ControlFlow<()> {
        if raw.asof < self.args.from {
            return ControlFlow::Continue(());
        }
        if raw.asof > self.args.to {
            return ControlFlow::Break(());
        }
        match self.step(raw) {
            Ok(()) => ControlFlow::Continue(()),
            Err(failure) => {
                self.failed = Some(failure);
                ControlFlow::Break(())
            }
        }
    }

    fn step(&mut self, raw: market::RawSnapshot) -> Result<(), Failure> {
        let (snapshot, issues) = Snapshot::admit(&[raw], &self.specs).map_err(refused)?;
        self.issues.extend(issues);
        let market = Market::build(&snapshot, &self.rates);
        if let Some((before, funding)) = &self.before {
            let (start, end) = (Valuation::new(self.book, before), Valuation::new(self.book, &market));
            let sides =
                (Side { market: before, valuation: &start }, Side { market: &market, valuation: &end });
            let explanation = Explanation::new(self.book, sides.0, sides.1, funding).map_err(refused)?;
            self.steps.push(Told { to: market.asof, explanation });
        }
        self.before = Some((market, funding(&snapshot)));
        Ok(())
    }
}

fn each(args: &ExplainArgs) -> Result<Sheet<ExplainTableName>, Failure> {
    let [path] = args.market.as_slice() else {
        return Err(Failure::Usage("--each walks through one market file: pass --market once".into()));
    };
    let loaded = load(&inputs_at(args, args.to))?;
    let mut walk = Walk {
        args,
        book: &loaded.book,
        specs: Specs::embedded(),
        rates: rates(&args.rate)?,
        before: None,
        steps: Vec::new(),
        issues: loaded.issues.clone(),
        failed: None,
    };
    let mut meter = Meter::new(format!("explaining {}", path.display()));
    for_each_snapshot(path, &mut |raw| walk.take(raw), &mut |p| meter.at(p.bytes_done, p.bytes_total))?;
    drop(meter);
    let Walk { steps: told, issues, failed, .. } = walk;
    if let Some(failure) = failed {
        return Err(failure);
    }
    if told.is_empty() {
        return Err(refused(format!(
            "{} has no two snapshots from {} to {}: nothing to explain",
            path.display(),
            args.from,
            args.to
        )));
    }
    let mut missing = Issues::default();
    let mut seen = std::collections::BTreeSet::new();
    for unexplained in told.iter().flat_map(|step| &step.explanation.unexplained) {
        let issue = unexplained_issue(unexplained);
        if seen.insert((issue.file.clone(), issue.row)) {
            missing.push(issue);
        }
    }
    stop_if_incomplete(args.allow_partial, &issues, &missing)?;
    let steps_body = by_step(&told, |e| &e.steps_usd, &STEPS, ("rounding_usd", |e| e.rounding_usd));
    let causes = Cause::ALL.map(Cause::key);
    let terms_body = by_step(&told, |e| &e.terms_usd, &causes, ("residual_usd", |e| e.residual_usd));
    let sections = vec![
        Section::new(
            ExplainTableName::Explain,
            ("Change by cause", "one row a step between snapshots"),
            terms_body,
        ),
        Section::new(
            ExplainTableName::Steps,
            ("Change by steps of revaluation", "one row a step between snapshots"),
            steps_body,
        ),
        Section::new(
            ExplainTableName::Residuals,
            (
                "Residuals of the greeks",
                "order statistics over the steps; share: of the sum of the terms' magnitudes",
            ),
            residuals(&told),
        ),
        Section::new(
            ExplainTableName::Unexplained,
            ("In no figure of at least one step", ""),
            issue_table(&missing),
        ),
    ];
    let total: Fixed = told.iter().map(|step| step.explanation.total.change_usd).sum();
    let residual: Fixed = told.iter().map(|step| step.explanation.total.residual_usd).sum();
    let poor = told.iter().filter(|step| step.explanation.total.is_poor()).count();
    Ok(Sheet {
        schema: "plimsoll.explain/1",
        title: "P&L explain",
        market: loaded.market,
        inputs: loaded.inputs,
        missing: usize::try_from(missing.total()).unwrap_or(usize::MAX),
        lacking: Vec::new(),
        issues,
        notes: loaded.notes,
        facts: vec![
            ("steps_explained", count(told.len())),
            ("change_usd", Cell::Fixed(total)),
            ("residual_usd", Cell::Fixed(residual)),
            ("steps_with_residual_over_a_tenth", count(poor)),
        ],
        sections,
    })
}

fn by_step(
    told: &[Told],
    parts: fn(&Explained) -> &[Fixed],
    names: &[&'static str],
    (rest_name, rest): (&'static str, fn(&Explained) -> Fixed),
) -> Body {
    let mut list = vec![
        ("to", ColumnKind::Text),
        ("elapsed_hours", ColumnKind::Float),
        ("change_usd", ColumnKind::Fixed),
    ];
    list.extend(names.iter().map(|name| (*name, ColumnKind::Fixed)));
    list.push((rest_name, ColumnKind::Fixed));
    let rows = told.iter().map(|step| {
        let total = &step.explanation.total;
        let mut row =
            vec![text(step.to), Cell::Float(step.explanation.days * 24.0), Cell::Fixed(total.change_usd)];
        row.extend(parts(total).iter().map(|part| Cell::Fixed(*part)));
        row.push(Cell::Fixed(rest(total)));
        row
    });
    (columns(&list), rows.collect())
}

/// Order statistics of the residuals, signed and as shares.
fn residuals(told: &[Told]) -> Body {
    let columns = columns(&[
        ("statistic", ColumnKind::Text),
        ("residual_usd", ColumnKind::Fixed),
        ("share_of_terms_pct", ColumnKind::Float),
    ]);
    let mut usd: Vec<Fixed> = told.iter().map(|step| step.explanation.total.residual_usd).collect();
    usd.sort();
    let mut shares: Vec<f64> = told
        .iter()
        .filter_map(|step| {
            let total = &step.explanation.total;
            let gross: Fixed = total.terms_usd.iter().map(|term| term.abs()).sum();
            (!gross.is_zero()).then(|| 100.0 * total.residual_usd.abs().to_f64() / gross.to_f64())
        })
        .collect();
    shares.sort_by(f64::total_cmp);
    if usd.is_empty() {
        return (columns, Vec::new());
    }
    let rank = |n: usize, percent: usize| (n * percent).div_ceil(100).max(1) - 1;
    let rows = [("5 %", 5), ("median", 50), ("95 %", 95), ("largest", 100)].map(|(name, percent)| {
        vec![
            text(name),
            usd.get(rank(usd.len(), percent)).map_or(Cell::Null, |v| Cell::Fixed(*v)),
            shares.get(rank(shares.len(), percent)).map_or(Cell::Null, |v| Cell::Float(*v)),
        ]
    });
    (columns, rows.into())
}
