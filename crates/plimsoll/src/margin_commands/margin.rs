//! `plimsoll margin`: load, margin every account by its rulebook, render.

use super::desk::{Desk, exit_code, rulebooks_of};
use super::document::{Detail, MarginDocument};
use super::{cheapest, faults, fragmentation};
use crate::cli::{MarginArgs, MarginTableName};
use crate::failure::Failure;
use crate::output::{Shown, Target, on_threads};
use crate::render::grid::Style;
use crate::render::html;
use crate::render::margin::{json, table, tables};
use lake::Table;
use std::process::ExitCode;

/// Runs the command; the exit code says whether anything is missing.
pub(crate) fn run(args: &MarginArgs) -> Result<ExitCode, Failure> {
    let target = Target::new(&args.output, args.table);
    let faults = args.faults.iter().flatten();
    target.check(args.inputs.files().chain(&args.rules.rules).chain(faults))?;
    let document = on_threads(args.inputs.threads, || document(args))?;
    target.write(&document)?;
    Ok(exit_code(document.missing(), &document.basis.issues))
}

fn document(args: &MarginArgs) -> Result<MarginDocument, Failure> {
    let mut desk = Desk::load(&args.inputs, &args.rules, &args.account)?;
    let accounts = desk.margined();
    desk.check(&accounts, &args.inputs)?;
    let fragmentation =
        args.fragmentation.then(|| fragmentation::figures(&desk, args.funding_rate)).transpose()?;
    let asked = (!args.cheapest_venue.is_empty()).then_some((args.cheapest_venue.as_slice(), args.top));
    let cheapest = asked.map(|positions| cheapest::figures(&desk, positions, &args.account)).transpose()?;
    let faults = match &args.faults {
        Some(file) => Some(faults::figures(&mut desk, file.as_deref())?),
        None => None,
    };
    let rulebooks = rulebooks_of(&desk.states, &desk.rules);
    Ok(MarginDocument {
        basis: desk.basis(rulebooks),
        accounts,
        detail: if args.detail || !args.account.is_empty() { Detail::Full } else { Detail::Summary },
        fragmentation,
        cheapest,
        faults,
    })
}

impl Shown for MarginDocument {
    type TableName = MarginTableName;

    fn text(&self, style: Style) -> String {
        table::text(self, style)
    }

    fn json(&self) -> Result<String, serde_json::Error> {
        json::json(self)
    }

    fn html(&self) -> String {
        html::margin(self)
    }

    fn table(&self, name: MarginTableName) -> Table {
        tables::table(self, name)
    }
}
