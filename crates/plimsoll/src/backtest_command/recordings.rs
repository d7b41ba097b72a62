//! A folder of recordings: chain files in order of time, prices of perpetuals, and their snapshots a batch at a time.
//!
//! Any folder will do, and any number of files: what a file is, its columns say. Memory is one batch of snapshots.

use crate::document::InputFile;
use crate::failure::Failure;
use crate::load::hash;
use crate::meter::Meter;
use backtest::intervals::PerpetualPrices;
use instrument::{Specs, Terms};
use lake::{LakeError, for_each_snapshot};
use market::{Layout, RawSnapshot, Snapshot};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use units::{Issues, Spot, Timestamp};

/// Snapshots in memory at a time: some 1,500 rows each.
const BATCH: usize = 16;
const EXTENSIONS: [&str; 5] = ["parquet", "csv", "json", "ndjson", "gz"];

/// Which snapshots: from an instant on, and before another.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Window {
    pub(super) from: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
}

impl Window {
    fn holds(self, time: Timestamp) -> bool {
        self.from.is_none_or(|from| time >= from) && self.until.is_none_or(|until| time < until)
    }
}

/// What a folder has.
#[derive(Debug, Default)]
pub(super) struct Recordings {
    /// Chain files with a snapshot in the window, by their first.
    chains: Vec<ChainFile>,
    perpetuals: Vec<PathBuf>,
    /// Files of which nothing is used, with the reason.
    pub(super) notes: Vec<String>,
    window: Window,
}

#[derive(Debug)]
struct ChainFile {
    path: PathBuf,
    first: Timestamp,
    bytes: u64,
}

/// What is read beside the snapshots.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) inputs: Vec<InputFile>,
    pub(super) issues: Issues,
    pub(super) notes: Vec<String>,
    /// Of the last snapshot.
    pub(super) asof: Option<Timestamp>,
}

impl Recordings {
    /// Looks at every file of a folder, or at one file.
    pub(super) fn find(place: &Path, window: Window) -> Result<Self, Failure> {
        let mut found = Self { window, ..Self::default() };
        let mut unusable = Vec::new();
        for path in files(place)? {
            let name = path.display().to_string();
            let listing = match lake::snapshots(&path, &mut |_| {}) {
                Ok(listing) => listing,
                // Of another kind altogether.
                Err(LakeError::Columns { .. }) => {
                    found.notes.push(format!("{name}: not used: neither a chain nor prices of perpetuals"));
                    continue;
                }
                Err(error) => {
                    unusable.push(error);
                    continue;
                }
            };
            let first = listing.snapshots.iter().map(|rows| rows.asof).find(|time| window.holds(*time));
            match (listing.layout, first) {
                (Layout::PerpetualPrices, _) => found.perpetuals.push(path),
                (_, None) => found.notes.push(format!("{name}: not used: no snapshot in the window")),
                (_, Some(first)) => {
                    let bytes = std::fs::metadata(&path).map_or(0, |data| data.len());
                    found.chains.push(ChainFile { path, first, bytes });
                }
            }
        }
        if !unusable.is_empty() {
            return Err(Failure::Unusable { files: unusable, issues: Issues::default() });
        }
        if found.chains.is_empty() {
            return Err(Failure::Input(format!(
                "{}: no recorded chain with a snapshot in the window; pass --data a folder of chain files (docs/formats.md)",
                place.display()
            )));
        }
        found.chains.sort_by(|a, b| (a.first, &a.path).cmp(&(b.first, &b.path)));
        Ok(found)
    }

    /// Chain files in order of time, files of prices of perpetuals, and what is not used.
    pub(super) fn into_paths(self) -> (Vec<PathBuf>, Vec<PathBuf>, Vec<String>) {
        let chains = self.chains.into_iter().map(|file| file.path).collect();
        (chains, self.perpetuals, self.notes)
    }

    /// Prices of all perpetuals, whatever the window: the one before its first snapshot may be the one in force.
    pub(super) fn perpetual_prices(&self, read: &mut Read) -> Result<PerpetualPrices, Failure> {
        let specs = Specs::embedded();
        let mut prices = PerpetualPrices::default();
        for path in &self.perpetuals {
            let (mut rows, mut last) = (0, None);
            let mut take = |raw: RawSnapshot| {
                rows += raw.rows.len() as u64;
                last = Some(raw.asof);
                let admitted = Snapshot::admit(&[raw], &specs);
                let Ok((snapshot, issues)) = admitted else { return ControlFlow::Continue(()) };
                read.issues.extend(issues);
                for quote in snapshot.futures.values() {
                    let contract = &quote.listing.contract;
                    let price = Spot::new(quote.mark_price.get());
                    let (Terms::Perpetual, Ok(price)) = (&contract.terms, price) else { continue };
                    if prices.add(contract.underlying.clone(), quote.source_time, price).is_some() {
                        read.notes.push(format!(
                            "{}: {} at {}: another price than in a file before; the later file stands",
                            path.display(),
                            contract.underlying,
                            quote.source_time
                        ));
                    }
                }
                ControlFlow::Continue(())
            };
            for_each_snapshot(path, &mut take, &mut |_| {})?;
            read.inputs.push(input(path, "prices", (rows, last))?);
        }
        Ok(prices)
    }

    /// Hands over the snapshots of the window in order of time, some at a time. One that repeats the time of another is left out and
    /// counted in a note.
    pub(super) fn for_each_batch(
        &self,
        label: &str,
        read: &mut Read,
        take: &mut dyn FnMut(Vec<Snapshot>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let total: u64 = self.chains.iter().map(|file| file.bytes).sum();
        let mut meter = Meter::new(label);
        let mut walk = Batches {
            specs: Specs::embedded(),
            batch: Vec::new(),
            seen: BTreeSet::new(),
            failed: None,
            take,
        };
        let mut before = 0;
        for file in &self.chains {
            let name = file.path.display().to_string();
            let (mut rows, mut repeated) = (0, 0_u64);
            let mut visit = |raw: RawSnapshot| {
                if !self.window.holds(raw.asof) {
                    read.issues.extend(raw.issues);
                    return ControlFlow::Continue(());
                }
                if walk.seen.contains(&raw.asof) {
                    repeated += 1;
                    return ControlFlow::Continue(());
                }
                rows += raw.rows.len() as u64;
                walk.visit(raw, &name, &mut read.issues)
            };
            let mut report = |done: lake::Progress| meter.at(before + done.bytes_done.min(file.bytes), total);
            for_each_snapshot(&file.path, &mut visit, &mut report)?;
            if let Some(failure) = walk.failed.take() {
                return Err(failure);
            }
            if repeated > 0 {
                read.notes.push(format!("{name}: snapshots at the time of one before, not used: {repeated}"));
            }
            before += file.bytes;
            read.inputs.push(input(&file.path, "market", (rows, walk.seen.last().copied()))?);
        }
        walk.flush();
        read.asof = walk.seen.last().copied();
        walk.failed.map_or(Ok(()), Err)
    }
}

/// Snapshots that wait for the batch to be full.
struct Batches<'a> {
    specs: Specs,
    batch: Vec<Snapshot>,
    /// Their times.
    seen: BTreeSet<Timestamp>,
    failed: Option<Failure>,
    take: &'a mut dyn FnMut(Vec<Snapshot>) -> Result<(), Failure>,
}

impl Batches<'_> {
    fn visit(&mut self, raw: RawSnapshot, name: &str, issues: &mut Issues) -> ControlFlow<()> {
        if let Some(last) = self.seen.last().filter(|last| raw.asof < **last) {
            self.failed = Some(Failure::Input(format!(
                "{name}: its snapshot of {} is earlier than that of {last} in another file: files of a folder do not overlap in time",
                raw.asof
            )));
            return ControlFlow::Break(());
        }
        self.seen.insert(raw.asof);
        if let Ok((snapshot, found)) = Snapshot::admit(&[raw], &self.specs) {
            issues.extend(found);
            self.batch.push(snapshot);
        }
        if self.batch.len() >= BATCH {
            self.flush();
        }
        if self.failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn flush(&mut self) {
        if let (None, Err(failure)) = (&self.failed, (self.take)(std::mem::take(&mut self.batch))) {
            self.failed = Some(failure);
        }
    }
}

fn input(
    path: &Path,
    role: &'static str,
    (rows, asof): (u64, Option<Timestamp>),
) -> Result<InputFile, Failure> {
    Ok(InputFile { path: path.display().to_string(), role, blake3: hash(path)?, rows, asof })
}

/// The files of a folder that may be recordings, by name; or the one file.
fn files(place: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !place.is_dir() {
        return Ok(vec![place.to_owned()]);
    }
    let failed = |error: std::io::Error| Failure::Input(format!("{}: cannot read: {error}", place.display()));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(place).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        if path.is_file() && EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension)) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
