//! Suite `oracle-pyth`: the program's own cases of aggregates and averages, unit for unit.
//!
//! | files of `oracle/pyth`, or of any folder of that layout | what |
//! |---|---|
//! | `aggregation/NAME.json`, `.result` | publishers' quotes; price, confidence and status of the aggregate |
//! | `ema/NAME.csv`, `.result` | a row an aggregate; average price (`twap`) and average confidence (`twac`) after it |
//!
//! A case begins at slot 1000 and aggregates at slot 1001; a quote's slot is 1000 plus its `slot_diff`. A file without its result, or a
//! result whose inputs are others than its file's, is a failure.

use super::margin::integers::{NO_TOLERANCE, integers, list, present, texts, whole, whole_or};
use super::result::{Group, GroupResult};
use super::vectors::{self, CaseError, text};
use super::{Progress, Report, Sources};
use market::oracle::pyth::{
    Averages, ConfidenceUnits, PublisherQuote, PythPrice, PythRule, Slot, SlotsPassed, Status, aggregate,
};
use market::oracle::{Exponent, OracleError, PriceUnits};
use num_bigint::BigInt;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub(super) const ID: &str = "oracle-pyth";
pub(super) const SUMMARY: &str = "Pyth's own cases: aggregate price, confidence and status; average price (twap) and confidence (twac), in integers";

const FOLDER: &str = "oracle/pyth";
const UNIT: &str = "units of the feed";
/// Where the program's own test begins.
const FIRST_SLOT: i64 = 1000;
const HEADER: &str = "price,conf,expo,nslots";
const RESULT_HEADER: &str = "price,conf,expo,nslots,twap,twac";

/// Runs every file of the two folders.
pub(super) fn run(sources: &Sources, progress: &mut Report<'_>) -> Vec<GroupResult> {
    let folder = sources.vectors.join(FOLDER);
    let aggregates = cases(&folder.join("aggregation"), "json");
    let averages = cases(&folder.join("ema"), "csv");
    let bytes = |path: &PathBuf| std::fs::metadata(path).map_or(0, |data| data.len());
    let bytes_total = aggregates.iter().chain(&averages).map(bytes).sum();
    let mut bytes_done = 0;
    let mut done = |path: &PathBuf| {
        bytes_done += bytes(path);
        progress(Progress { suite: ID, item: &path.display().to_string(), bytes_done, bytes_total });
    };
    let group = |name: &str| Group::checked(name, UNIT, NO_TOLERANCE);
    let mut aggregation =
        [group("aggregate: price"), group("aggregate: confidence"), group("aggregate: status")];
    for path in &aggregates {
        let name = stem(path);
        if let Err(detail) = compare_aggregate(path, &name, &mut aggregation) {
            aggregation[0].fault(name, detail);
        }
        done(path);
    }
    let mut ema = [group("average: twap"), group("average: twac")];
    for path in &averages {
        let name = stem(path);
        if let Err(detail) = compare_averages(path, &name, &mut ema) {
            ema[0].fault(name, detail);
        }
        done(path);
    }
    let groups = aggregation.into_iter().chain(ema);
    groups
        .map(|group| if group.is_empty() { group.not_run(absent(&folder)) } else { group.finish() })
        .collect()
}

fn absent(folder: &Path) -> String {
    format!("the file is absent: {} has no case of this kind", folder.display())
}

/// Case files by name, numbers in their order; a result without a case is a case that cannot be read.
fn cases(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let names: BTreeSet<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == extension || e == "result"))
        .map(|path| path.with_extension(extension))
        .collect();
    let mut names: Vec<PathBuf> = names.into_iter().collect();
    // Names that are numbers sort by their value.
    names.sort_by_key(|path| (stem(path).parse::<u64>().unwrap_or(u64::MAX), stem(path)));
    names
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn compare_aggregate(path: &Path, name: &str, groups: &mut [Group; 3]) -> Result<(), String> {
    let case = vectors::read(path).map_err(|error| error.to_string())?;
    let theirs = vectors::read(&path.with_extension("result")).map_err(|error| error.to_string())?;
    let fields = || -> Result<_, CaseError> {
        let quotes: Vec<PublisherQuote> =
            list(&case, "quotes").iter().map(quote).collect::<Result<_, _>>()?;
        let same_exponent = whole::<i32>(&case, "exponent")? == whole::<i32>(&theirs, "exponent")?;
        Ok((quotes, same_exponent, text(&theirs, "status")?))
    };
    let (quotes, same_exponent, status) = fields().map_err(|error| error.to_string())?;
    if quotes.is_empty() || !same_exponent {
        return Err("the case has no quotes, or its result another exponent".into());
    }
    let now = Slot(FIRST_SLOT.unsigned_abs() + 1);
    let ours = aggregate(&quotes, PythRule::DEFAULT, now);
    let word = if ours.is_ok() { "trading" } else { "unknown" };
    groups[2].compare_exact(texts(word.to_owned(), status), || name.to_owned());
    // A feed that has never traded stands at zero, and an aggregate that fails leaves it there.
    let (price, confidence) = ours.map_or((0, 0), |p| (p.price.0, p.confidence.0));
    for (group, key, figure) in [(0, "price", BigInt::from(price)), (1, "conf", BigInt::from(confidence))] {
        let theirs: BigInt = whole(&theirs, key).map_err(|error| error.to_string())?;
        groups[group].compare_exact(integers(&figure, &theirs), || name.to_owned());
    }
    Ok(())
}

fn quote(row: &Value) -> Result<PublisherQuote, CaseError> {
    let slot = FIRST_SLOT + whole_or::<i32>(row, "slot_diff", 0).map(i64::from)?;
    let is_trading = present(row, "status").is_none() || whole::<i64>(row, "status")? == 1;
    Ok(PublisherQuote {
        price: PriceUnits(whole(row, "price")?),
        confidence: ConfidenceUnits(whole(row, "conf")?),
        status: if is_trading { Status::Trading } else { Status::NotTrading },
        slot: Slot(u64::try_from(slot).map_err(|_| CaseError::Number("slot_diff".into()))?),
    })
}

fn compare_averages(path: &Path, name: &str, groups: &mut [Group; 2]) -> Result<(), String> {
    let cases: Vec<[i64; 4]> = rows(&read(path)?, HEADER)?;
    let results: Vec<[i64; 6]> = rows(&read(&path.with_extension("result"))?, RESULT_HEADER)?;
    if cases.is_empty() || cases.len() != results.len() {
        return Err(format!("{} rows, but the result has {}", cases.len(), results.len()));
    }
    let mut averages = Averages::default();
    for (number, (case, result)) in (1_usize..).zip(cases.iter().zip(&results)) {
        let [inputs @ .., twap, twac] = result;
        if inputs != case {
            return Err(format!("row {number}: the result repeats other inputs than the case has"));
        }
        averages = step(&averages, *case).map_err(|error| format!("row {number}: {error}"))?;
        let confidence = averages.confidence().map_err(|error| format!("row {number}: {error}"))?;
        let ours = [BigInt::from(averages.price().0), BigInt::from(confidence.0)];
        for (group, (ours, theirs)) in groups.iter_mut().zip(ours.iter().zip([twap, twac])) {
            group.compare_exact(integers(ours, &BigInt::from(*theirs)), || format!("{name} row {number}"));
        }
    }
    Ok(())
}

fn step(averages: &Averages, row: [i64; 4]) -> Result<Averages, OracleError> {
    let [price, confidence, exponent, slots] = row;
    let range = |_| OracleError::Overflow("an input");
    let confidence = ConfidenceUnits(u64::try_from(confidence).map_err(range)?);
    let exponent = Exponent(i32::try_from(exponent).map_err(range)?);
    let passed = SlotsPassed(u32::try_from(slots).map_err(range)?);
    averages.step(PythPrice { price: PriceUnits(price), confidence }, exponent, passed)
}

/// Rows of whole numbers under a header; a byte order mark, blanks and empty lines do not matter.
fn rows<const N: usize>(text: &str, header: &str) -> Result<Vec<[i64; N]>, String> {
    let text = text.trim_start_matches('\u{feff}');
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    if lines.next() != Some(header) {
        return Err(format!("the first line is not {header}"));
    }
    let numbers = |line: &str| {
        let cells: Vec<i64> = line.split(',').map(|cell| cell.trim().parse().ok()).collect::<Option<_>>()?;
        cells.try_into().ok()
    };
    lines.map(|line| numbers(line).ok_or_else(|| format!("'{line}' is not {N} whole numbers"))).collect()
}
