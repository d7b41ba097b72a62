//! `plimsoll report`: load, value, render.

use crate::cli::{Format, ReportArgs, TableName};
use crate::document::Document;
use crate::failure::Failure;
use crate::load::{Loaded, load};
use crate::render::table::{Digits, Ink, Style};
use crate::render::{html, json, table, tables};
use lake::{write_csv, write_parquet};
use risk::{GroupBy, Inputs, Report, Row, RowKind, Unpriced, Valuation};
use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use units::{Issue, Issues};

/// Runs the command; the exit code says whether anything is missing.
pub(crate) fn run(args: &ReportArgs) -> Result<ExitCode, Failure> {
    check(args)?;
    let document = match args.threads {
        None => document(args)?,
        Some(threads) => {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.into()).build();
            pool.map_err(|e| Failure::Usage(format!("--threads {threads}: {e}")))?
                .install(|| document(args))?
        }
    };
    write(args, &document)?;
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
    let tabular = matches!(args.format, Format::Csv | Format::Parquet);
    if args.table.is_some() && !tabular {
        return Err(Failure::Usage("--table goes with --format csv or parquet".into()));
    }
    if args.format == Format::Parquet
        && args.output.is_none()
        && (args.table.is_none() || std::io::stdout().is_terminal())
    {
        return Err(Failure::Usage(
            "--format parquet needs --output FOLDER, or --table NAME and a pipe or file".into(),
        ));
    }
    let mut seen = BTreeSet::new();
    for column in &args.group_by {
        if !seen.insert(GroupBy::from(*column)) {
            return Err(Failure::Usage(format!("--group-by names {} twice", GroupBy::from(*column).word())));
        }
    }
    check_paths(args)
}

/// No input is named twice, and none would be overwritten.
fn check_paths(args: &ReportArgs) -> Result<(), Failure> {
    let same_file = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.into());
    let mut inputs = BTreeSet::new();
    for path in args.book.iter().chain(&args.market).chain(&args.scenarios) {
        if !inputs.insert(same_file(path)) {
            return Err(Failure::Usage(format!("{} is named twice", path.display())));
        }
    }
    let Some(output) = args.output.as_deref() else { return Ok(()) };
    let mut outputs = vec![output.to_path_buf()];
    if is_folder(args) {
        outputs = tables::ALL.into_iter().map(|name| table_path(args, output, name)).collect();
    }
    match outputs.iter().find(|path| inputs.contains(&same_file(path))) {
        Some(path) => Err(Failure::Usage(format!("--output would overwrite the input {}", path.display()))),
        None => Ok(()),
    }
}

/// Several tables go to a folder, one file each.
fn is_folder(args: &ReportArgs) -> bool {
    matches!(args.format, Format::Csv | Format::Parquet) && args.table.is_none()
}

fn table_path(args: &ReportArgs, folder: &Path, name: TableName) -> PathBuf {
    let extension = if args.format == Format::Csv { "csv" } else { "parquet" };
    folder.join(tables::file_stem(name)).with_extension(extension)
}

fn document(args: &ReportArgs) -> Result<Document, Failure> {
    let loaded = load(args)?;
    if !loaded.issues.is_empty() && !args.allow_partial {
        let valuation = Valuation::new(&loaded.book, &loaded.market);
        return Err(incomplete(loaded.issues, &valuation.unpriced));
    }
    let report = report(args, &loaded)?;
    if report.is_partial() && !args.allow_partial {
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
    Failure::Incomplete { issues: Box::new(bad), unpriced: Box::new(issues) }
}

fn report(args: &ReportArgs, loaded: &Loaded) -> Result<Report, Failure> {
    let group_by: Vec<GroupBy> = args.group_by.iter().map(|column| (*column).into()).collect();
    let places =
        loaded.book.positions.iter().map(|p| &p.venue).chain(loaded.book.balances.iter().map(|b| &b.venue));
    let venues = places.cloned().collect();
    let scenarios = loaded.scenarios.scenarios_on(&venues);
    Ok(Report::new(Inputs {
        book: &loaded.book,
        snapshot: &loaded.snapshot,
        market: &loaded.market,
        group_by: &group_by,
        ladder: &loaded.ladder,
        curve: &loaded.curve,
        scenarios: &scenarios,
    })?)
}

fn write(args: &ReportArgs, document: &Document) -> Result<(), Failure> {
    let colour =
        args.output.is_none() && std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let style = Style {
        digits: if args.exact { Digits::Exact } else { Digits::Compact },
        ink: if colour { Ink::Colour } else { Ink::Plain },
    };
    let text = match args.format {
        Format::Table => table::text(document, style),
        Format::Json => {
            json::json(document).map_err(|e| Failure::Input(format!("cannot write JSON: {e}")))?
        }
        Format::Html => html::html(document),
        Format::Csv | Format::Parquet => return write_tables(args, document),
    };
    put(args.output.as_deref(), text.as_bytes())
}

fn write_tables(args: &ReportArgs, document: &Document) -> Result<(), Failure> {
    let encode = |name: TableName| -> Result<Vec<u8>, Failure> {
        let table = tables::table(document, name);
        let mut bytes = Vec::new();
        if args.format == Format::Csv {
            write_csv(&table, &mut bytes)?;
        } else {
            write_parquet(&table, &mut bytes)?;
        }
        Ok(bytes)
    };
    let Some(folder) = args.output.as_deref().filter(|_| is_folder(args)) else {
        return put(args.output.as_deref(), &encode(args.table.unwrap_or(TableName::Exposure))?);
    };
    std::fs::create_dir_all(folder).map_err(|source| Failure::Write { path: folder.into(), source })?;
    for name in tables::ALL {
        put(Some(&table_path(args, folder, name)), &encode(name)?)?;
    }
    Ok(())
}

/// To a file, or to standard output; a reader that closes the pipe early is not an error.
pub(crate) fn put(path: Option<&Path>, bytes: &[u8]) -> Result<(), Failure> {
    let Some(path) = path else {
        return match std::io::stdout().lock().write_all(bytes) {
            Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
                Err(Failure::Write { path: "standard output".into(), source: e })
            }
            _ => Ok(()),
        };
    };
    std::fs::write(path, bytes).map_err(|source| Failure::Write { path: path.into(), source })
}
