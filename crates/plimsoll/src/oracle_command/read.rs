//! All files of a recording made into one, with every bad row.

use crate::document::InputFile;
use crate::failure::Failure;
use crate::load::hash;
use crate::meter::Meter;
use lake::{LakeError, PriceRow, read_prices};
use market::oracle::Exponent;
use market::oracle::guard::{Recording, SourcePrice};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use units::{Issue, Issues, Timestamp};

/// A recording with its provenance.
pub(super) struct Recorded {
    pub(super) recording: Recording,
    pub(super) inputs: Vec<InputFile>,
    pub(super) issues: Issues,
    pub(super) notes: Vec<String>,
    /// Rows that are played.
    pub(super) rows_by_source: BTreeMap<String, u64>,
}

/// A price and where it stands.
struct Placed {
    said: SourcePrice,
    /// Place of the file in the order given.
    file: usize,
    row: u64,
}

/// Reads all files; those that cannot be used are named together.
pub(super) fn recorded(files: &[PathBuf], exponent: Exponent) -> Result<Recorded, Failure> {
    let (mut placed, mut unusable) = (Vec::new(), Vec::new());
    let (mut inputs, mut issues, mut notes) = (Vec::new(), Issues::default(), Vec::new());
    for (place, path) in files.iter().enumerate() {
        match read(path, place, exponent, (&mut placed, &mut issues, &mut notes)) {
            Ok((rows, asof)) => {
                let name = path.display().to_string();
                inputs.push(InputFile { path: name, role: "prices", blake3: hash(path)?, rows, asof });
            }
            Err(error) => unusable.push(error),
        }
    }
    let names: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
    let placed = without_repeats(placed, &names, &mut issues);
    if !unusable.is_empty() {
        return Err(Failure::Unusable { files: unusable, issues });
    }
    if placed.is_empty() {
        return Err(Failure::Unreadable { issues });
    }
    let mut rows_by_source: BTreeMap<String, u64> = BTreeMap::new();
    for price in &placed {
        *rows_by_source.entry(price.id.clone()).or_default() += 1;
    }
    Ok(Recorded { recording: Recording::new(placed), inputs, issues, notes, rows_by_source })
}

/// Rows of the file, and the time of the latest.
fn read(
    path: &Path,
    file: usize,
    exponent: Exponent,
    (placed, issues, notes): (&mut Vec<Placed>, &mut Issues, &mut Vec<String>),
) -> Result<(u64, Option<Timestamp>), LakeError> {
    let name = path.display().to_string();
    let mut meter = Meter::new(format!("reading {name}"));
    let mut newest: BTreeMap<String, (Timestamp, u64)> = BTreeMap::new();
    let mut crossed = Issues::default();
    let mut asof = None;
    let mut take = |PriceRow { row, said }: PriceRow| {
        let time = said.source_time;
        asof = asof.max(Some(time));
        match newest.get(&said.id) {
            Some((before, at_row)) if time < *before => crossed.push(Issue {
                file: name.clone(),
                row,
                field: "time".into(),
                value: time.to_string(),
                rule: format!(
                    "earlier than {before} of the same source in row {at_row}: sort the rows of a source by time"
                ),
            }),
            _ => {
                newest.insert(said.id.clone(), (time, row));
                placed.push(Placed { said, file, row });
            }
        }
    };
    let read = read_prices(path, exponent, &mut take, &mut |p| meter.at(p.bytes_done, p.bytes_total))?;
    issues.extend(read.issues);
    issues.extend(crossed);
    if !read.unknown_columns.is_empty() {
        notes.push(format!("{name}: columns that are not used: {}", read.unknown_columns.join(", ")));
    }
    Ok((read.rows, asof))
}

/// Of rows of one source and one time none is used, so that the order of rows decides nothing.
fn without_repeats(mut placed: Vec<Placed>, names: &[String], issues: &mut Issues) -> Vec<SourcePrice> {
    placed.sort_by(|a, b| {
        let key = |p: &Placed| (p.said.source_time, p.file, p.row);
        a.said.id.cmp(&b.said.id).then_with(|| key(a).cmp(&key(b)))
    });
    let is_same = |a: &Placed, b: &Placed| a.said.id == b.said.id && a.said.source_time == b.said.source_time;
    let mut repeated: Vec<(usize, u64, Issue)> = Vec::new();
    let mut kept = Vec::with_capacity(placed.len());
    for group in placed.chunk_by(is_same) {
        if let [alone] = group {
            kept.push(alone.said.clone());
            continue;
        }
        for one in group {
            let file = names.get(one.file).cloned().unwrap_or_default();
            let rule = format!("{} rows of source '{}' have this time: leave one", group.len(), one.said.id);
            let value = one.said.source_time.to_string();
            repeated.push((
                one.file,
                one.row,
                Issue { file, row: one.row, field: "time".into(), value, rule },
            ));
        }
    }
    repeated.sort_by_key(|(file, row, _)| (*file, *row));
    repeated.into_iter().for_each(|(_, _, issue)| issues.push(issue));
    kept
}
