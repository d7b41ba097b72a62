//! `plimsoll surface`: load a market, fit a surface per underlying and quote currency, render.

mod document;

pub(crate) use document::{Detail, SurfaceDocument};

use crate::cli::{SurfaceArgs, SurfaceTableName};
use crate::failure::Failure;
use crate::load::{LoadedMarket, load_market};
use crate::output::{Shown, Target};
use crate::render::grid::Style;
use crate::render::{html, surface};
use lake::Table;
use market::surface::{FamilyFit, VolSurface, families};
use market::{Market, VolBasis};
use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use units::{Asset, Timestamp};

/// Runs the command; the exit code says whether rows were left out.
pub(crate) fn run(args: &SurfaceArgs) -> Result<ExitCode, Failure> {
    let target = Target::new(&args.output, args.table);
    target.check(&args.market)?;
    let document = document(args)?;
    target.write(&document)?;
    if !document.is_partial() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("plimsoll: PARTIAL: bad input rows left out: {}", document.issues.rows());
    Ok(ExitCode::from(4))
}

fn document(args: &SurfaceArgs) -> Result<SurfaceDocument, Failure> {
    let loaded = load_market(&args.market, args.at)?;
    if !loaded.issues.is_empty() && !args.allow_partial {
        return Err(Failure::BadRows { issues: Box::new(loaded.issues) });
    }
    has_options(&loaded)?;
    let LoadedMarket { snapshot, market, inputs, issues, mut notes } = loaded;
    let mut families = families(&snapshot);
    if !args.underlying.is_empty() {
        let known: BTreeSet<Asset> = families.keys().map(|(underlying, _)| underlying.clone()).collect();
        if let Some(absent) = args.underlying.iter().find(|asset| !known.contains(*asset)) {
            let known: Vec<&str> = known.iter().map(Asset::as_str).collect();
            return Err(Failure::Usage(format!(
                "--underlying {absent}: no option quotes of it; there are options on {}",
                known.join(", ")
            )));
        }
        families.retain(|(underlying, _), _| args.underlying.contains(underlying));
    }
    notes.extend(market.notes.iter().cloned());
    let earlier = args
        .earlier
        .map(|at| earlier_surfaces(args, at, (&market, &mut notes)))
        .transpose()?
        .unwrap_or_default();
    let families: Vec<FamilyFit> = families
        .iter()
        .map(|(name, quotes)| FamilyFit::new(&market, name, (quotes, earlier.get(name))))
        .collect();
    notes.extend(families.iter().flat_map(|family| family.notes.iter().cloned()));
    Ok(SurfaceDocument {
        asof: market.asof,
        inputs,
        issues,
        not_used: snapshot.not_used.iter().map(|(reason, count)| (*reason, *count)).collect(),
        notes,
        families,
        detail: if args.detail { Detail::Parameters } else { Detail::Summary },
    })
}

/// The surfaces of an earlier snapshot of the same files, by family.
fn earlier_surfaces(
    args: &SurfaceArgs,
    at: Timestamp,
    (market, notes): (&Market, &mut Vec<String>),
) -> Result<BTreeMap<(Asset, Asset), VolSurface>, Failure> {
    let LoadedMarket { snapshot, market: before, .. } = load_market(&args.market, Some(at))?;
    if before.asof >= market.asof {
        return Err(Failure::Usage(format!(
            "--earlier {at} finds the snapshot of {}, which is not before that of {}",
            before.asof, market.asof
        )));
    }
    notes.push(format!("refused expiries take their slices of {}", before.asof));
    let before = before.with_surfaces(&snapshot, VolBasis::Marks);
    let surfaces = before.underlyings.into_iter().flat_map(|(asset, underlying)| {
        let families = underlying.families.into_iter();
        families.filter_map(move |(currency, family)| Some(((asset.clone(), currency), family.surface?)))
    });
    Ok(surfaces.collect())
}

/// A surface is made of options: without any there is nothing to show, and the reason is worth a sentence.
fn has_options(loaded: &LoadedMarket) -> Result<(), Failure> {
    let LoadedMarket { snapshot, issues, .. } = loaded;
    if !snapshot.options.is_empty() {
        return Ok(());
    }
    let mut text = format!(
        "no option quotes in the market files, and a vol surface is fitted to options; there are {} futures and perpetuals and {} \
         spot pairs as of {}",
        snapshot.futures.len(),
        snapshot.spots.len(),
        snapshot.asof
    );
    for (reason, count) in &snapshot.not_used {
        text.push_str(&format!("; {count} rows not used: {reason}"));
    }
    if issues.is_empty() {
        Err(Failure::Input(text))
    } else {
        Err(Failure::Input(format!("{text}; bad rows:\n{issues}")))
    }
}

impl Shown for SurfaceDocument {
    type TableName = SurfaceTableName;

    fn text(&self, style: Style) -> String {
        surface::table::text(self, style)
    }

    fn json(&self) -> Result<String, serde_json::Error> {
        surface::json::json(self)
    }

    fn html(&self) -> String {
        html::surface(self)
    }

    fn table(&self, name: SurfaceTableName) -> Table {
        surface::tables::table(self, name)
    }
}
