//! `plimsoll rulebook`: the parameter files of the margin models.

use crate::cli::{ReportForm, RulebookAction, RulebookArgs};
use crate::failure::Failure;
use crate::load::{checked, rule_files};
use crate::margin_commands::RulebookLine;
use crate::output::{put, screen_width};
use crate::render::grid::{Digits, Ink, Style, grid_after, left, right, show_fitted};
use crate::render::json::pretty;
use crate::render::margin::json::{RulebookJson, rulebook};
use margin::{Rulebook, Rulebooks};
use serde::Serialize;
use std::path::PathBuf;
use std::process::ExitCode;

/// Runs the command.
pub(crate) fn run(args: &RulebookArgs) -> Result<ExitCode, Failure> {
    let text = match &args.action {
        RulebookAction::List { format } => list(*format)?,
        RulebookAction::Show { id } => show_text(id)?,
        RulebookAction::Check { files } => check(files)?,
    };
    put(None, text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn embedded() -> Result<Rulebooks, Failure> {
    Rulebooks::embedded().map_err(|issues| Failure::Rulebooks { issues })
}

#[derive(Serialize)]
struct ListJson<'a> {
    schema: &'static str,
    version: &'static str,
    rulebooks: Vec<RulebookJson<'a>>,
}

fn list(format: ReportForm) -> Result<String, Failure> {
    let rulebooks = embedded()?;
    let lines: Vec<RulebookLine> = rulebooks.iter().map(RulebookLine::from).collect();
    match format {
        ReportForm::Json => pretty(&ListJson {
            schema: "plimsoll.rulebooks/1",
            version: env!("CARGO_PKG_VERSION"),
            rulebooks: lines.iter().map(rulebook).collect(),
        })
        .map_err(|e| Failure::Input(format!("cannot write JSON: {e}"))),
        ReportForm::Table => Ok(table(&lines)),
    }
}

fn table(lines: &[RulebookLine]) -> String {
    let style = Style { digits: Digits::Compact, ink: Ink::Plain, width: screen_width() };
    let header = ["rulebook", "title", "engine", "venues", "valid from", "parameter hash", "unverified"];
    let mut table = grid_after(6, style, &header.map(str::to_owned));
    for line in lines {
        let RulebookLine { header, engine, parameter_hash, .. } = line;
        let names: Vec<&str> = header.venues.iter().map(units::Venue::as_str).collect();
        let venues = match (names.is_empty(), line.instruments()) {
            (true, _) => "by --rulebook only".to_owned(),
            (false, "any") => names.join(", "),
            (false, instruments) => format!("{} ({instruments})", names.join(", ")),
        };
        table.add_row(vec![
            left(&header.id),
            left(&header.title),
            left(engine),
            left(venues),
            left(&header.valid_from),
            left(parameter_hash),
            right(header.unverified.len()),
        ]);
    }
    let mut out = String::new();
    show_fitted(&mut out, table, style, &[5, 2, 4]);
    out
}

fn show_text(id: &str) -> Result<String, Failure> {
    match Rulebooks::embedded_text(id) {
        Some(text) => Ok(text.to_owned()),
        None => {
            let all = embedded()?;
            let ids: Vec<&str> = all.iter().map(|b| b.header.id.as_str()).collect();
            Err(Failure::Usage(format!("there is no rulebook '{id}'; there are: {}", ids.join(", "))))
        }
    }
}

/// Id and hash of every sound file, or every mistake of all files.
fn check(paths: &[PathBuf]) -> Result<String, Failure> {
    let (files, mut issues) = rule_files(paths);
    let sound = checked(&files, &mut issues);
    let mut all = embedded()?;
    let mut text = String::new();
    for file in sound {
        if let Err(found) = all.add(&file.name, &file.text) {
            issues.extend(found);
            continue;
        }
        if let Ok(rulebook) = Rulebook::parse(&file.name, &file.text) {
            let (header, hash) = (&rulebook.header, &rulebook.parameter_hash);
            let open = header.unverified.len();
            text.push_str(&format!("{}: sound: {}  {hash}  unverified: {open}\n", file.name, header.id));
        }
    }
    if issues.is_empty() { Ok(text) } else { Err(Failure::Rulebooks { issues }) }
}
