//! Suite `deribit-chain`: recordings of Deribit's option chains, repriced in its own convention.
//!
//! | layout of the file | compared | module |
//! |---|---|---|
//! | full tickers, a time per row | each row's five greeks and mark, from the row's own forward, vol and time | `tickers` |
//! | chain, recorder chain, book summary | each row's mark, from the forward that call and put of its strike imply | `chain` |
//!
//! The convention is that of [`pricing::venue::deribit`]: undiscounted Black-76, actual/365 to the millisecond.
//! Files are taken in order of name; each row of each file is compared or counted with the reason why it is not.

mod chain;
mod tickers;

use super::result::{Group, GroupResult};
use super::{Progress, Report, Snapshots, Sources};
use instrument::Specs;
use lake::{LakeError, Select};
use market::{Layout, OptionQuote, Snapshot};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

pub(super) const ID: &str = "deribit-chain";
pub(super) const SUMMARY: &str =
    "recorded option chains and tickers of Deribit, against our prices and greeks in its convention";

/// Text formats are recognised by content; these names say that a file is meant to be read at all.
const EXTENSIONS: [&str; 3] = ["csv", "json", "parquet"];

/// Runs every file of the folder, or the one file named.
pub(super) fn run(sources: &Sources, progress: &mut Report<'_>) -> Vec<GroupResult> {
    let mut groups = Vec::new();
    match files(&sources.chains) {
        Ok(files) => {
            let sizes = files.iter().map(|file| std::fs::metadata(file).map_or(0, |data| data.len()));
            let sizes: Vec<u64> = sizes.collect();
            let bytes_total = sizes.iter().sum();
            let mut bytes_before = 0;
            for (file, size) in files.iter().zip(sizes) {
                let name = short_name(file);
                let mut report = |read: lake::Progress| {
                    let bytes_done = bytes_before + read.bytes_done.min(size);
                    progress(Progress { suite: ID, item: &name, bytes_done, bytes_total });
                };
                groups.extend(compare_file(file, &name, sources.snapshots, &mut report));
                bytes_before += size;
            }
        }
        Err(error) => {
            let name = sources.chains.display().to_string();
            groups.push(Group::checked(name, "", "").not_run(format!("the folder cannot be read: {error}")));
        }
    }
    groups
}

/// The files of a folder in order of name; a file stands for itself.
pub(super) fn files(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return std::fs::metadata(path).map(|_| vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let path = entry?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

pub(super) fn short_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

fn compare_file(
    path: &Path,
    name: &str,
    snapshots: Snapshots,
    report: &mut dyn FnMut(lake::Progress),
) -> Vec<GroupResult> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    if !EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension)) {
        return vec![Group::checked(name, "", "").not_run("not a .csv, .json or .parquet file")];
    }
    let mut fault = Group::checked(name, "", "a file without a comparison fails");
    match compare_layout(path, name, snapshots, report) {
        Err(error) => {
            fault.fault(name, error.to_string());
            vec![fault.finish()]
        }
        Ok(mut groups) => {
            if groups.iter().all(|group| group.cases == 0 && group.not_run.is_none()) {
                fault.fault(
                    name,
                    "no row of this file could be compared; the reasons are counted with its groups",
                );
                groups.push(fault.finish());
            }
            groups
        }
    }
}

fn compare_layout(
    path: &Path,
    name: &str,
    snapshots: Snapshots,
    report: &mut dyn FnMut(lake::Progress),
) -> Result<Vec<GroupResult>, LakeError> {
    let listing = lake::snapshots(path, &mut |_| {})?;
    let specs = Specs::embedded();
    match listing.layout {
        Layout::Tickers => {
            let raw = lake::read_snapshot(path, Select::Last, report)?;
            Ok(tickers::compare(name, &raw, &specs))
        }
        Layout::PerpetualPrices => {
            Ok(vec![Group::checked(name, "", "").not_run("perpetual prices: no options to compare")])
        }
        Layout::Chain | Layout::RecorderChain | Layout::BookSummary => {
            let mut file = chain::ChainFile::new(name, listing.snapshots.len());
            match snapshots {
                Snapshots::All => {
                    let mut take = |raw| {
                        file.take(&raw, &specs);
                        ControlFlow::Continue(())
                    };
                    lake::for_each_snapshot(path, &mut take, report)?;
                }
                Snapshots::EveryNth(step) => {
                    for chosen in listing.snapshots.iter().step_by(step.get()) {
                        file.take(
                            &lake::read_snapshot(path, Select::AtOrBefore(chosen.asof), report)?,
                            &specs,
                        );
                    }
                }
            }
            Ok(file.finish())
        }
    }
}

/// What became of the rows that a snapshot does not hold as quotes: reason and number of rows.
///
/// `rows` is how many the reader handed over; rows that it refused itself stand in `issues` only.
struct Refused {
    by_reason: BTreeMap<String, u64>,
    /// Rows read, those that the reader refused among them.
    rows: u64,
}

fn refused(raw: &market::RawSnapshot, snapshot: &Snapshot, issues: &units::Issues) -> Refused {
    let mut by_reason: BTreeMap<String, u64> =
        snapshot.not_used.iter().map(|(reason, rows)| ((*reason).to_owned(), *rows)).collect();
    // Several faults of one row count once, under the first.
    let mut reason_of_row = BTreeMap::new();
    for issue in issues.kept() {
        reason_of_row.entry(issue.row).or_insert_with(|| format!("refused, {}: {}", issue.field, issue.rule));
    }
    let named = reason_of_row.len() as u64;
    for reason in reason_of_row.into_values() {
        *by_reason.entry(reason).or_default() += 1;
    }
    let handed = raw.rows.len() as u64;
    let held = (snapshot.options.len() + snapshot.futures.len()) as u64;
    let not_used: u64 = snapshot.not_used.values().sum();
    let by_reader =
        raw.issues.kept().iter().map(|issue| issue.row).collect::<std::collections::BTreeSet<_>>();
    let rows = handed + by_reader.len() as u64;
    let beyond_the_list = rows.saturating_sub(held + not_used + named);
    if beyond_the_list > 0 {
        by_reason.insert("refused, beyond the first thousand issues".to_owned(), beyond_the_list);
    }
    Refused { by_reason, rows }
}

/// Half of the last decimal that the venue prints of a mark in coin: eight decimals for BTC, six for other coins.
fn half_mark_digit(quote: &OptionQuote) -> f64 {
    if quote.listing.contract.underlying.as_str() == "BTC" { 0.5e-8 } else { 0.5e-6 }
}
