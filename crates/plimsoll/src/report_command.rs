//! `plimsoll report`: load, value, render.

use crate::cli::{ReportArgs, TableName};
use crate::document::Document;
use crate::failure::Failure;
use crate::load::{Loaded, Scenarios, load, load_scenarios, places};
use crate::output::{Shown, Target, on_threads};
use crate::render::grid::Style;
use crate::render::{html, json, table, tables};
use lake::Table;
use risk::{GroupBy, Inputs, Report, Row, RowKind, Unpriced, Valuation};
use std::collections::BTreeSet;
use std::process::ExitCode;
use units::{Issue, Issues};

/// Runs the command; the exit code says whether anything is missing.
pub(crate) fn run(args: &ReportArgs) -> Result<ExitCode, Failure> {
    check(args)?;
    let document = on_threads(args.inputs.threads, || document(args))?;
    Target::new(&args.output, args.table).write(&document)?;
    if !document.is_partial() {
        return Ok(ExitCode::SUCCESS);
    }
    let (unpriced, bad) = (document.report.unpriced.len(), document.issues.rows());
    eprintln!(
        "plimsoll: PARTIAL: positions and balances not valued: {unpriced}; bad input rows left out: {bad}"
    );
    Ok(ExitCode::from(4))
}

/// What clap cannot say about options that only make sense together.
fn check(args: &ReportArgs) -> Result<(), Failure> {
    let mut seen = BTreeSet::new();
    for column in &args.group_by {
        if !seen.insert(GroupBy::from(*column)) {
            return Err(Failure::Usage(format!("--group-by names {} twice", GroupBy::from(*column).word())));
        }
    }
    let inputs = args.inputs.files().chain(&args.scenarios);
    Target::new(&args.output, args.table).check(inputs)
}

fn document(args: &ReportArgs) -> Result<Document, Failure> {
    let mut loaded = load(&args.inputs)?;
    let scenarios = load_scenarios(&args.scenarios, &mut loaded.inputs)?;
    if !loaded.issues.is_empty() && !args.inputs.allow_partial {
        let valuation = Valuation::new(&loaded.book, &loaded.market);
        return Err(incomplete(loaded.issues, &valuation.unpriced));
    }
    let report = report(args, &loaded, &scenarios)?;
    if report.is_partial() && !args.inputs.allow_partial {
        return Err(incomplete(loaded.issues, &report.unpriced));
    }
    let mut notes = loaded.notes;
    notes.extend(report.market.notes.iter().cloned());
    notes.extend(settling(&report));
    let without = report.without_hedge.iter();
    notes.extend(
        without.map(|asset| format!("{asset}: delta but no perpetual in book or market, so no hedge line")),
    );
    Ok(Document {
        report,
        inputs: loaded.inputs,
        issues: loaded.issues,
        not_used: loaded.snapshot.not_used.iter().map(|(reason, count)| (*reason, *count)).collect(),
        notes,
    })
}

/// Options inside their settlement average are valued as if they settled on one price; who holds one must know.
fn settling(report: &Report) -> Option<String> {
    const WINDOW_NANOS: i64 = 30 * 60 * 1_000_000_000;
    let asof = report.market.asof.unix_nanos();
    let left = |row: &&Row| row.expiry.is_some_and(|expiry| expiry.unix_nanos() - asof < WINDOW_NANOS);
    let names: BTreeSet<&str> = report.rows.iter().filter(left).map(|row| row.symbol.as_str()).collect();
    let list: Vec<&str> = names.into_iter().collect();
    (!list.is_empty()).then(|| {
        format!(
            "within 30 minutes of expiry, where venues settle on an average, valued as if on one price: {}",
            list.join(", ")
        )
    })
}

/// Bad rows, and unpriced positions and balances by their places in the book files.
fn incomplete(bad: Issues, unpriced: &[Unpriced]) -> Failure {
    Failure::Incomplete { issues: Box::new(bad), unpriced: Box::new(unpriced_issues(unpriced)) }
}

/// What cannot be valued, in the order of files and rows.
pub(crate) fn unpriced_issues(unpriced: &[Unpriced]) -> Issues {
    let mut sorted: Vec<&Unpriced> = unpriced.iter().collect();
    sorted.sort_by_key(|u| (&u.file, u.row));
    let mut issues = Issues::default();
    for Unpriced { file, row, symbol, kind, reason, .. } in sorted {
        issues.push(Issue {
            file: file.clone(),
            row: *row,
            field: if *kind == RowKind::Balance { "asset" } else { "instrument" }.into(),
            value: symbol.to_string(),
            rule: reason.clone(),
        });
    }
    issues
}

fn report(args: &ReportArgs, loaded: &Loaded, scenarios: &Scenarios) -> Result<Report, Failure> {
    let group_by: Vec<GroupBy> = args.group_by.iter().map(|column| (*column).into()).collect();
    let venues = places(&loaded.book).map(|(_, venue)| venue.clone()).collect();
    let shocks = scenarios.file.scenarios_on(&venues);
    Ok(Report::new(Inputs {
        book: &loaded.book,
        snapshot: &loaded.snapshot,
        market: &loaded.market,
        group_by: &group_by,
        ladder: &scenarios.ladder,
        curve: &scenarios.curve,
        scenarios: &shocks,
    })?)
}

impl Shown for Document {
    type TableName = TableName;

    fn text(&self, style: Style) -> String {
        table::text(self, style)
    }

    fn json(&self) -> Result<String, serde_json::Error> {
        json::json(self)
    }

    fn html(&self) -> String {
        html::html(self)
    }

    fn table(&self, name: TableName) -> Table {
        tables::table(self, name)
    }
}
