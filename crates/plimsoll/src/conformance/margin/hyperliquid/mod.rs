//! Suite `hyperliquid-states`: recorded answers of Hyperliquid about accounts, against the engine of notional tiers.
//!
//! Files of `exchange/hyperliquid_states` (or of any folder of that layout), by the beginning of their names:
//!
//! | file | what |
//! |---|---|
//! | `meta_*.json` | coins and margin tables, from which the tiers of a run are built |
//! | `clearinghouse_*.json`, `acct_perp_*.json` | accounts: positions, margin, liquidation prices |
//! | `acct_spot_NAME.json` | spot state of `acct_perp_NAME.json`; with `tokenToAvailableAfterMaintenance` the account is a unified one |
//! | `funding_history_*.json` | premium and rate |
//! | `lend/*.json` | lending reserves, an account of portfolio margin, health of a lender |
//!
//! Other files are listed as not compared. Recordings may be trimmed to a few positions: sums over positions are compared only
//! where the positions add up to the published notional.

mod accounts;
mod lending;
mod recorded;

use super::super::result::{Comparison, Group, GroupResult};
use super::super::vectors::{self, FileError, number};
use super::super::{Progress, Report, Sources};
use super::tiered::shipped;
use recorded::Meta;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

pub(in super::super) const ID: &str = "hyperliquid-states";
pub(in super::super) const SUMMARY: &str = "recorded Hyperliquid accounts: margin, liquidation prices, withdrawable, portfolio margin, lending and funding";

const FOLDER: &str = "exchange/hyperliquid_states";

/// What is read and not compared, by the beginning of its name.
const NO_RULE: [(&str, &str); 5] = [
    ("acct_ledger_", "ledger entries: past equity without the positions and prices of the time"),
    ("acct_user_fills_", "fills: a mark at the liquidation without the account"),
    ("active_asset_data_", "largest trades and available balance of an account that is not recorded"),
    ("predicted_fundings_", "predicted rates without the premium"),
    ("user_funding_", "payments without the oracle price of the time"),
];

/// All files of the folder that are JSON, by name.
type Files = BTreeMap<String, Value>;

/// Runs every file.
pub(in super::super) fn run(sources: &Sources, progress: &mut Report<'_>) -> Vec<GroupResult> {
    let folder = sources.vectors.join(FOLDER);
    let mut faults = Group::checked("files", "", "a file at fault is a failure");
    let names = names(&folder, "");
    if names.is_empty() {
        return vec![faults.not_run(format!("the folder is absent or holds no JSON: {}", folder.display()))];
    }
    let names: Vec<String> = names.into_iter().chain(self::names(&folder, "lend")).collect();
    let bytes = |name: &String| std::fs::metadata(folder.join(name)).map_or(0, |data| data.len());
    let bytes_total = names.iter().map(bytes).sum();
    let mut bytes_done = 0;
    let mut files = Files::new();
    for name in &names {
        match vectors::read(&folder.join(name)) {
            Ok(value) => {
                files.insert(name.clone(), value);
            }
            Err(FileError::Absent(_)) => {}
            Err(error) => faults.fault(name.clone(), error.to_string()),
        }
        bytes_done += bytes(name);
        progress(Progress { suite: ID, item: name, bytes_done, bytes_total });
    }
    list_the_rest(&files, &mut faults);
    let meta = Meta::read(starting(&files, "meta_"), &mut faults);
    let mut groups = vec![tables(&meta)];
    groups.extend(accounts::groups(&files, &meta, &mut faults));
    groups.extend(lending::groups(&files));
    groups.push(funding(&files));
    groups.push(faults.finish());
    groups
}

/// JSON files of a folder, by name; empty when the folder cannot be read.
fn names(folder: &Path, inner: &str) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder.join(inner)) else { return Vec::new() };
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        let name = entry.ok()?.file_name().into_string().ok()?;
        name.ends_with(".json").then(|| if inner.is_empty() { name } else { format!("{inner}/{name}") })
    };
    let mut names: Vec<String> = entries.filter_map(name).collect();
    names.sort();
    names
}

/// Files whose names begin so.
fn starting<'a>(files: &'a Files, start: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let named = files.iter().filter(move |(name, _)| name.starts_with(start));
    named.map(|(name, value)| (name.as_str(), value)).collect::<Vec<_>>().into_iter()
}

fn list_the_rest(files: &Files, faults: &mut Group) {
    const READ: [&str; 6] =
        ["meta_", "clearinghouse_", "acct_perp_", "acct_spot_", "funding_history_", "lend/"];
    for name in files.keys().filter(|name| !READ.iter().any(|start| name.starts_with(start))) {
        let reason = NO_RULE.iter().find(|(start, _)| name.starts_with(start)).map_or("", |(_, why)| *why);
        let reason = if reason.is_empty() { "other answers: no rule of margin" } else { reason };
        faults.not_compared(reason, 1);
    }
}

/// Printed amounts have six decimals, and the venue cuts off what follows.
fn amount(ours: f64, theirs: f64) -> Comparison {
    let tolerance = (1e-9 * theirs.abs()).max(1e-6 + 1e-9);
    Comparison { ours, theirs, tolerance, scale: 1.0 }
}

const AMOUNT: &str =
    "1e-9 relative, and never finer than one unit of the sixth decimal, which is the last one printed";

/// The shipped tables against the recorded ones: a venue that has changed its tables does not fail the engine.
fn tables(meta: &Meta) -> GroupResult {
    let mut group = Group::informative(
        "shipped tables: maintenance per notional",
        "relative",
        "the venue changes its tables; the engine is checked with the recorded ones",
    );
    let Some(book) = shipped("hyperliquid") else {
        return group.not_run("rulebook 'hyperliquid' is not shipped");
    };
    let Some(model) = book.tiered() else {
        return group.not_run("rulebook 'hyperliquid' is not of this engine");
    };
    let mut shipped = 0;
    for (_, coin, tiers) in model.underlyings() {
        shipped += 1;
        let Some(recorded) = meta.table(coin.as_str()) else {
            group.not_compared("coins of the rulebook that are not in the recording", 1);
            continue;
        };
        for (tier, _) in recorded.rows().chain(tiers.rows()) {
            // Between this bound and the next, in whichever table it stands.
            let notional = tier.from * 2.0 + 1.0;
            let (ours, theirs) = (tiers.maintenance(notional), recorded.maintenance(notional));
            group.compare(Comparison { ours, theirs, tolerance: 0.0, scale: theirs }, || coin.to_string());
        }
    }
    group.note(format!("{shipped} coins in the rulebook, {} recorded and not delisted", meta.listed()));
    group.finish()
}

fn funding(files: &Files) -> GroupResult {
    let mut group = Group::checked("funding rate", "per hour", "one unit of the last digit printed, 1e-9");
    let book = shipped("hyperliquid");
    let Some(rule) = book.as_ref().and_then(|book| book.tiered()?.funding()) else {
        return group.not_run("rulebook 'hyperliquid' has no funding rule");
    };
    for (name, file) in starting(files, "funding_history_") {
        for (row, place) in file.as_array().map(Vec::as_slice).unwrap_or_default().iter().zip(1..) {
            match (number(row, "premium"), number(row, "fundingRate")) {
                (Ok(premium), Ok(theirs)) => {
                    let comparison =
                        Comparison { ours: rule.rate(premium), theirs, tolerance: 1e-9, scale: 1.0 };
                    group.compare(comparison, || format!("{name} row {place}"));
                }
                (Err(error), _) | (_, Err(error)) => {
                    group.fault(format!("{name} row {place}"), error.to_string());
                }
            }
        }
    }
    if group.is_empty() {
        return group.not_run("no file funding_history_*.json");
    }
    group.finish()
}
