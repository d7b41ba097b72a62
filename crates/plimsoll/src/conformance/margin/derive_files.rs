//! Which files of a folder of Derive's tests are which, by name or by layout.
//!
//! The names of the shared vectors always mean what they say, so that a broken file is a fault of its suite; every other JSON
//! file is told by its keys. What two managers lay out alike (whole dollars) is told by the word `srm`, `StandardManager` or `pm`
//! in its name or note. Files of neither suite are listed as not read.

use super::super::result::{Group, GroupResult};
use super::super::vectors;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Layouts of both suites.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// One portfolio with parameters, feeds and results.
    Pmrm2,
    /// Tests of the first portfolio manager by name, 18 digits.
    Pmrm1,
    /// Its portfolios in whole dollars with feeds.
    PmFeeds,
    /// The same without feeds.
    PmBare,
    /// Tests of the standard manager by name, 18 digits.
    Srm,
    /// Its portfolios in whole dollars with feeds.
    SrmFeeds,
    /// The same without feeds.
    SrmBare,
}

const NAMES: [(&str, Layout); 6] = [
    ("pmrm1_testAndVerifyScenarios.json", Layout::Pmrm1),
    ("portfolio_pm_with_environment.json", Layout::PmFeeds),
    ("pmrm1_test-cases-portfolio-pm.json", Layout::PmBare),
    ("srm_test-cases.json", Layout::Srm),
    ("portfolio_srm_with_environment.json", Layout::SrmFeeds),
    ("srm_test-cases-portfolio.json", Layout::SrmBare),
];
const PORTFOLIOS: &str = "pmrm2_portfolios";

impl Layout {
    /// What the shared vectors call it.
    pub(super) fn name(self) -> &'static str {
        NAMES.iter().find(|(_, own)| *own == self).map_or(PORTFOLIOS, |(name, _)| name)
    }
}

/// The files of one folder.
#[derive(Debug)]
pub(super) struct DeriveFiles {
    pub(super) folder: PathBuf,
    known: Vec<(Layout, PathBuf)>,
    unknown: Vec<String>,
}

impl DeriveFiles {
    /// Looks into `derive` of the vectors, or into the vectors themselves where there is no such folder.
    pub(super) fn find(vectors: &Path) -> Self {
        let own = vectors.join("derive");
        let folder = if own.is_dir() { own } else { vectors.to_owned() };
        let portfolios = json_files(&folder.join(PORTFOLIOS)).into_iter().map(|path| (Layout::Pmrm2, path));
        let mut found = Self { known: portfolios.collect(), unknown: Vec::new(), folder };
        for path in json_files(&found.folder) {
            let name = file_name(&path);
            let by_name = NAMES.iter().find(|(known, _)| *known == name).map(|(_, layout)| *layout);
            match by_name.or_else(|| by_keys(&name, &vectors::read(&path).ok()?)) {
                Some(layout) => found.known.push((layout, path)),
                None => found.unknown.push(name),
            }
        }
        found
    }

    /// Files of one layout, by name.
    pub(super) fn of(&self, layout: Layout) -> Vec<&Path> {
        self.known.iter().filter(|(own, _)| *own == layout).map(|(_, path)| path.as_path()).collect()
    }

    /// The group that did not run, with what was looked for.
    pub(super) fn absent(&self, group: Group, layout: Layout) -> GroupResult {
        let mut reason = format!("no file laid out like {} in {}", layout.name(), self.folder.display());
        if !self.unknown.is_empty() {
            reason = format!("{reason}; not recognised: {}", self.unknown.join(", "));
        }
        group.not_run(reason)
    }

    /// What is in the folder and of neither suite.
    pub(super) fn unread(&self) -> Option<String> {
        let names = self.unknown.join(", ");
        (!names.is_empty()).then(|| format!("not recognised and not read: {names}"))
    }
}

fn by_keys(name: &str, file: &Value) -> Option<Layout> {
    let has = |value: &Value, key: &str| value.get(key).is_some();
    if has(file, "Parameters") && has(file, "Scenario") {
        return Some(Layout::Pmrm2);
    }
    let note = file.get("note").and_then(Value::as_str).unwrap_or_default();
    let words = format!("{name} {note}").to_ascii_lowercase();
    let manager = |standard, portfolio| {
        let is_standard = words.contains("srm") || words.contains("standardmanager");
        if is_standard { Some(standard) } else { words.contains("pm").then_some(portfolio) }
    };
    if has(file, "cases") && has(file, "expiry_seconds") {
        return manager(Layout::SrmFeeds, Layout::PmFeeds);
    }
    let cases = file.as_object()?;
    let any = |test: &dyn Fn(&Value) -> bool| cases.values().any(test);
    if any(&|case| has(case, "results") || has(case, "result")) {
        return manager(Layout::SrmBare, Layout::PmBare);
    }
    let scenario =
        |key| any(&|case| has(case, "Result") && case.get("Scenario").is_some_and(|s| has(s, key)));
    if scenario("OptionUnderlying") {
        return Some(Layout::Srm);
    }
    scenario("Perps").then_some(Layout::Pmrm1)
}

/// Name of a file without its folder.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The JSON files of a folder, sorted; empty when there is none.
fn json_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut files: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::{Layout, by_keys};
    use serde_json::json;

    #[test]
    fn a_renamed_file_is_told_by_its_keys() {
        let of = |name: &str, file| by_keys(name, &file);
        let test = |scenario| json!({ "T": { "Scenario": scenario, "Result": {} } });
        assert_eq!(
            of("x.json", json!({ "Parameters": {}, "Scenario": {}, "Result": {} })),
            Some(Layout::Pmrm2)
        );
        assert_eq!(of("x.json", test(json!({ "Perps": 0 }))), Some(Layout::Pmrm1));
        assert_eq!(of("x.json", test(json!({ "OptionUnderlying": [], "Perps_ETH": 0 }))), Some(Layout::Srm));
        let feeds = |note: &str| json!({ "note": note, "expiry_seconds": {}, "cases": [] });
        assert_eq!(of("x.json", feeds("unit-tests/PMRM/")), Some(Layout::PmFeeds));
        assert_eq!(of("x.json", feeds("unit-tests/StandardManager/")), Some(Layout::SrmFeeds));
        assert_eq!(of("my_pm.json", json!({ "a": { "results": {} } })), Some(Layout::PmBare));
        assert_eq!(of("my_srm.json", json!({ "a": { "result": {} } })), Some(Layout::SrmBare));
        assert_eq!(of("auction.json", json!({ "T": { "InitialPortfolio": {} } })), None);
    }
}
