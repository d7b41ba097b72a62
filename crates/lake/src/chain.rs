//! Snapshots out of market files.
//!
//! In a layout whose rows are grouped by time, rows of equal timestamp are one snapshot wherever they stand in the file.
//! Issues are those of the chosen snapshot, and those of rows whose time cannot be read, because such a row could belong
//! to any snapshot. A row with an issue is left out of the snapshot.

use crate::LakeError;
use crate::layout::{self, Grouping, Spec};
use crate::parquet_in::ParquetRows;
use crate::record::{Body, Refusal, Row, Value};
use crate::rows::{Ask, Finished, Rows, Watch};
use crate::source::{self, Progress};
use market::{Layout, RawQuote, RawSnapshot};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{ControlFlow, Range};
use std::path::Path;
use units::{Issues, Timestamp};

/// Which snapshot of a file is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Select {
    /// The latest.
    Last,
    /// The latest that is not after this instant.
    AtOrBefore(Timestamp),
}

impl Select {
    fn admits(self, time: Timestamp) -> bool {
        match self {
            Self::Last => true,
            Self::AtOrBefore(limit) => time <= limit,
        }
    }
}

/// What a market file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing {
    /// What kind of file it is.
    pub layout: Layout,
    /// Its snapshots in order of time.
    pub snapshots: Vec<SnapshotRows>,
    /// Rows whose time cannot be read.
    pub issues: Issues,
}

/// One snapshot of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotRows {
    /// Its time; the latest of its rows where each has its own.
    pub asof: Timestamp,
    /// How many rows it has, those with bad cells among them.
    pub rows: u64,
}

/// The list that the exchange's JSON answers wrap their rows in.
const RESULT: &[(&str, crate::record::Section)] = &[("result", crate::record::Section::Table)];

/// Reads one snapshot. Memory is bounded by that snapshot, whatever the length of the file.
///
/// # Errors
/// [`LakeError`]: the file cannot be read, fits no layout, has no rows, or has no snapshot at the time asked for.
pub fn read_snapshot(
    path: &Path,
    select: Select,
    progress: &mut dyn FnMut(Progress),
) -> Result<RawSnapshot, LakeError> {
    let file = source::name(path);
    let rows = Rows::open(path)?;
    let spec = layout::detect(&file, rows.header())?;
    let (mut snapshot, stray) = match (spec.grouping, rows) {
        (Grouping::ByTime, Rows::Parquet(parquet)) => pick_range(&parquet, spec, select, progress),
        (_, rows) => pick(&file, spec, select, progress, |ask, watch| rows.for_each(ask, watch)),
    }?;
    let own = std::mem::replace(&mut snapshot.issues, stray);
    snapshot.issues.extend(own);
    Ok(snapshot)
}

/// Lists the snapshots of a file without reading more of it than times.
///
/// # Errors
/// [`LakeError`]: the file cannot be read, fits no layout, or no row of it tells its time.
pub fn snapshots(path: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Listing, LakeError> {
    let file = source::name(path);
    let rows = Rows::open(path)?;
    let spec = layout::detect(&file, rows.header())?;
    let tally = tally(&file, spec, progress, |ask, watch| rows.for_each(ask, watch))?;
    Ok(tally.listing(spec))
}

/// Hands over every snapshot of a file in order of time, one in memory at a time; returns how many.
///
/// The file is read twice, first for its times, so that a file that is not in order of time is refused before anything is
/// handed over. Issues of rows whose time cannot be read come with the snapshot that they stand in or before.
///
/// # Errors
/// As [`snapshots`]; [`LakeError::Unsorted`] when a row is earlier than one above it.
pub fn for_each_snapshot(
    path: &Path,
    visit: &mut dyn FnMut(RawSnapshot) -> ControlFlow<()>,
    progress: &mut dyn FnMut(Progress),
) -> Result<u64, LakeError> {
    let file = source::name(path);
    if !path.is_file() {
        return Err(LakeError::format(
            &file,
            0,
            "the file is read twice; name a regular file, not a pipe or a folder",
        ));
    }
    let rows = Rows::open(path)?;
    let spec = layout::detect(&file, rows.header())?;
    if spec.grouping == Grouping::WholeFile {
        let _ = visit(read_snapshot(path, Select::Last, progress)?);
        return Ok(1);
    }
    let tally = tally(&file, spec, &mut |_| {}, |ask, watch| rows.for_each(ask, watch))?;
    if let Some((row, time, previous)) = tally.unsorted {
        return Err(LakeError::Unsorted { file, row, time, previous });
    }
    let mut splitter = Splitter {
        spec,
        file: &file,
        clock: Clock::default(),
        snapshots_in_file: tally.snapshots.len() as u64,
        stray: Issues::default(),
        open: None,
        handed: 0,
        visit,
    };
    let names = spec.names();
    let ask = Ask { names: &names, lists: RESULT };
    let mut step = |row: &Row<'_>| splitter.take(row);
    Rows::open(path)?.for_each(&ask, &mut Watch { progress, visit: &mut step })?;
    let _ = splitter.close();
    Ok(splitter.handed)
}

/// Reads the times of rows; neighbours mostly have the same text, which is parsed once.
#[derive(Debug, Default)]
struct Clock {
    text: String,
    time: Option<Timestamp>,
}

impl Clock {
    fn time(&mut self, row: &Row<'_>) -> Result<Timestamp, (&'static str, Refusal)> {
        if let Body::Broken(refusal) = &row.body {
            return Err(("", refusal.clone()));
        }
        let value = row.value(0);
        if let (Value::Text(text), Some(time)) = (value, self.time)
            && text == self.text
        {
            return Ok(time);
        }
        let none = || ("timestamp", Refusal::new("", "a row tells the time at which it was taken"));
        let time = value.instant().map_err(|refusal| ("timestamp", refusal))?.ok_or_else(none)?;
        if let Value::Text(text) = value {
            self.text.clear();
            self.text.push_str(text);
            self.time = Some(time);
        }
        Ok(time)
    }
}

/// Rows of one time in a file.
#[derive(Debug, Clone, Copy)]
struct Run {
    count: u64,
    first: u64,
    last: u64,
}

/// The times of a file.
struct Tally {
    snapshots: BTreeMap<Timestamp, Run>,
    issues: Issues,
    /// First row that is earlier than the row above: row, its time, time above.
    unsorted: Option<(u64, Timestamp, Timestamp)>,
}

impl Tally {
    fn listing(self, spec: &Spec) -> Listing {
        let grouped = self.snapshots.iter().map(|(asof, run)| SnapshotRows { asof: *asof, rows: run.count });
        let snapshots = match (spec.grouping, self.snapshots.keys().next_back()) {
            (Grouping::WholeFile, Some(last)) => {
                vec![SnapshotRows { asof: *last, rows: self.snapshots.values().map(|run| run.count).sum() }]
            }
            _ => grouped.collect(),
        };
        Listing { layout: spec.layout, snapshots, issues: self.issues }
    }
}

fn tally(
    file: &str,
    spec: &Spec,
    progress: &mut dyn FnMut(Progress),
    run: impl FnOnce(&Ask<'_>, &mut Watch<'_>) -> Result<Finished, LakeError>,
) -> Result<Tally, LakeError> {
    let names = spec.names();
    let ask = Ask { names: names.get(..1).unwrap_or_default(), lists: RESULT };
    let mut tally = Tally { snapshots: BTreeMap::new(), issues: Issues::default(), unsorted: None };
    let mut clock = Clock::default();
    let mut above = None;
    let mut step = |row: &Row<'_>| {
        match clock.time(row) {
            Ok(time) => {
                let fresh = Run { count: 0, first: row.number, last: row.number };
                let run = tally.snapshots.entry(time).or_insert(fresh);
                (run.count, run.last) = (run.count + 1, row.number);
                if let Some(previous) = above.filter(|previous| *previous > time) {
                    tally.unsorted = tally.unsorted.or(Some((row.number, time, previous)));
                }
                above = Some(time);
            }
            Err((field, refusal)) => tally.issues.push(refusal.at(file, row.number, field)),
        }
        ControlFlow::Continue(())
    };
    let finished = run(&ask, &mut Watch { progress, visit: &mut step })?;
    if finished.rows == 0 {
        return Err(LakeError::NoRows { file: file.to_owned() });
    }
    if tally.snapshots.is_empty() {
        return Err(LakeError::NoUsableRows { file: file.to_owned(), issues: tally.issues });
    }
    Ok(tally)
}

/// Keeps the best snapshot so far.
struct Picker<'a> {
    spec: &'a Spec,
    file: &'a str,
    select: Select,
    clock: Clock,
    times: BTreeSet<Timestamp>,
    latest: Option<Timestamp>,
    stray: Issues,
    best: Option<Timestamp>,
    rows: Vec<RawQuote>,
    issues: Issues,
}

impl Picker<'_> {
    fn take(&mut self, row: &Row<'_>) {
        let time = match self.clock.time(row) {
            Ok(time) => time,
            Err((field, refusal)) => return self.stray.push(refusal.at(self.file, row.number, field)),
        };
        if self.latest.replace(time) != Some(time) {
            self.times.insert(time);
        }
        match (self.spec.grouping, self.best) {
            (Grouping::WholeFile, best) => self.best = best.max(Some(time)),
            (Grouping::ByTime, _) if !self.select.admits(time) => return,
            (Grouping::ByTime, Some(best)) if time < best => return,
            (Grouping::ByTime, Some(best)) if time == best => {}
            (Grouping::ByTime, _) => {
                self.best = Some(time);
                self.rows.clear();
                self.issues = Issues::default();
            }
        }
        self.rows.extend(self.spec.quote(self.file, row, time, &mut self.issues));
    }

    /// The snapshot with its own issues, and those of rows without a time.
    fn finish(mut self, finished: &Finished) -> Result<(RawSnapshot, Issues), LakeError> {
        let file = self.file.to_owned();
        if finished.rows == 0 {
            return Err(LakeError::NoRows { file });
        }
        if self.spec.grouping == Grouping::WholeFile {
            self.times = self.times.last().copied().into_iter().collect();
        }
        let (Some(first), Some(last)) = (self.times.first().copied(), self.times.last().copied()) else {
            return Err(LakeError::NoUsableRows { file, issues: self.stray });
        };
        let snapshots_in_file = self.times.len() as u64;
        let asof = match (self.best, self.select) {
            (Some(best), select) if select.admits(best) => best,
            (_, Select::AtOrBefore(wanted)) => {
                return Err(LakeError::NoSnapshot { file, wanted, first, last, count: snapshots_in_file });
            }
            (_, Select::Last) => last,
        };
        let (layout, rows, issues) = (self.spec.layout, self.rows, self.issues);
        Ok((RawSnapshot { file, layout, asof, snapshots_in_file, rows, issues }, self.stray))
    }
}

fn pick(
    file: &str,
    spec: &Spec,
    select: Select,
    progress: &mut dyn FnMut(Progress),
    run: impl FnOnce(&Ask<'_>, &mut Watch<'_>) -> Result<Finished, LakeError>,
) -> Result<(RawSnapshot, Issues), LakeError> {
    let names = spec.names();
    let ask = Ask { names: &names, lists: RESULT };
    let mut picker = Picker {
        spec,
        file,
        select,
        clock: Clock::default(),
        times: BTreeSet::new(),
        latest: None,
        stray: Issues::default(),
        best: None,
        rows: Vec::new(),
        issues: Issues::default(),
    };
    let mut step = |row: &Row<'_>| {
        picker.take(row);
        ControlFlow::Continue(())
    };
    let finished = run(&ask, &mut Watch { progress, visit: &mut step })?;
    picker.finish(&finished)
}

/// Parquet can skip: the times are read first, one thin column, and then only the rows of the chosen snapshot.
fn pick_range(
    parquet: &ParquetRows,
    spec: &Spec,
    select: Select,
    progress: &mut dyn FnMut(Progress),
) -> Result<(RawSnapshot, Issues), LakeError> {
    let file = parquet.file();
    let tally = tally(file, spec, progress, |ask, watch| parquet.for_each(ask, None, watch))?;
    let mut admitted = tally.snapshots.iter().rev().filter(|(time, _)| select.admits(**time));
    let (chosen, range): (Select, Option<Range<u64>>) = match admitted.next() {
        Some((time, run)) => (Select::AtOrBefore(*time), Some(run.first - 1..run.last)),
        None => (select, None),
    };
    // The rows of the range without a time are among those of the whole file, which the tally has.
    let (mut snapshot, _) =
        pick(file, spec, chosen, progress, |ask, watch| parquet.for_each(ask, range, watch))?;
    snapshot.snapshots_in_file = tally.snapshots.len() as u64;
    Ok((snapshot, tally.issues))
}

/// Cuts a file in order of time into its snapshots.
struct Splitter<'a> {
    spec: &'a Spec,
    file: &'a str,
    clock: Clock,
    snapshots_in_file: u64,
    stray: Issues,
    open: Option<RawSnapshot>,
    handed: u64,
    visit: &'a mut dyn FnMut(RawSnapshot) -> ControlFlow<()>,
}

impl Splitter<'_> {
    fn take(&mut self, row: &Row<'_>) -> ControlFlow<()> {
        let time = match self.clock.time(row) {
            Ok(time) => time,
            Err((field, refusal)) => {
                self.stray.push(refusal.at(self.file, row.number, field));
                return ControlFlow::Continue(());
            }
        };
        if self.open.as_ref().is_some_and(|open| open.asof != time) && self.close().is_break() {
            return ControlFlow::Break(());
        }
        let fresh = || RawSnapshot {
            file: self.file.to_owned(),
            layout: self.spec.layout,
            asof: time,
            snapshots_in_file: self.snapshots_in_file,
            rows: Vec::new(),
            issues: Issues::default(),
        };
        let open = self.open.get_or_insert_with(fresh);
        open.rows.extend(self.spec.quote(self.file, row, time, &mut open.issues));
        ControlFlow::Continue(())
    }

    fn close(&mut self) -> ControlFlow<()> {
        let Some(mut done) = self.open.take() else { return ControlFlow::Continue(()) };
        done.issues.extend(std::mem::take(&mut self.stray));
        self.handed += 1;
        (self.visit)(done)
    }
}
