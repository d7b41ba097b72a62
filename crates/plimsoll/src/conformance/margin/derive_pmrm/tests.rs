//! Copies of the shared files under other names, with other layouts and with faults: what is read, and what is named.

use super::ID;
use crate::conformance::result::SuiteResult;
use crate::conformance::tests::{failure_names, folder, run_one, shared, sources};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const PORTFOLIO: &str = "pmrm2_portfolios/test_19_structures_ITM_call_spread.json";

/// A file of the shared vectors; nothing where they are absent.
fn file(name: &str) -> Option<Value> {
    let text = std::fs::read_to_string(shared()?.join("vectors/derive").join(name)).unwrap();
    Some(serde_json::from_str(&text).unwrap())
}

fn run(test: &str, files: &[(&str, String)]) -> SuiteResult {
    let folder: PathBuf = folder(test);
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new(""))).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let result = run_one(ID, &sources(&folder, &folder));
    std::fs::remove_dir_all(folder).unwrap();
    result
}

/// Of one portfolio, changed.
fn changed(test: &str, change: impl FnOnce(&mut Value)) -> Option<SuiteResult> {
    let mut portfolio = file(PORTFOLIO)?;
    change(&mut portfolio);
    Some(run(test, &[("derive/any.json", portfolio.to_string())]))
}

#[test]
fn whole_dollars_without_feeds_are_compared_with_those_of_the_twin() {
    let Some(mut bare) = file("pmrm1_test-cases-portfolio-pm.json") else { return };
    let twin = file("portfolio_pm_with_environment.json").unwrap().to_string();
    bare["test_short_ITM_call_pm"]["results"]["im"] = json!(12345);
    let files = [("derive/my_pm.json", bare.to_string()), ("derive/other.json", twin)];
    let result = run("pmrm-bare", &files);
    assert_eq!(failure_names(&result), ["test_short_ITM_call_pm im"]);
    assert_eq!(result.cases(), 176);
    let alone = run("pmrm-alone", &files[..1]);
    assert_eq!(alone.cases(), 0);
    let reason = alone.groups.iter().find(|group| group.name == "my_pm.json").unwrap();
    assert!(reason.not_run.as_ref().unwrap().contains("needs the feeds"), "{reason:?}");
}

#[test]
fn a_folder_without_derive_is_read_itself_and_strangers_are_named() {
    let Some(portfolio) = file(PORTFOLIO) else { return };
    let files = [("mine.json", portfolio.to_string()), ("prices.json", "[1, 2]".to_owned())];
    let result = run("pmrm-flat", &files);
    assert!(result.passed() && result.cases() > 40, "{result:?}");
    let notes = &result.groups[0].notes;
    assert!(notes.iter().any(|note| note.contains("not read: prices.json")), "{notes:?}");
}

/// What is not held may be left out, flags may be words or numbers, confidences a list: the same numbers are compared.
#[test]
fn fields_of_what_is_not_held_may_be_absent() {
    let Some(sound) = changed("pmrm-sound", |_| {}) else { return };
    let result = changed("pmrm-absent", |portfolio| {
        let scenario = portfolio["Scenario"].as_object_mut().unwrap();
        assert_eq!(scenario["NumPerps"].as_f64(), Some(0.0));
        for key in ["NumPerps", "UnrealisedPerpPNL", "UnrealisedFunding"] {
            scenario.insert(key.into(), Value::Null);
        }
        scenario.remove("PerpPrice");
        scenario.remove("PerpConfidence");
        for option in scenario["Options"].as_array_mut().unwrap() {
            option["IsCall"] = json!(option["IsCall"].as_f64().is_none_or(|word| word > 0.5));
        }
        for feed in scenario["OptionFeeds"].as_array_mut().unwrap() {
            feed["OptionVolConfidences"] = json!([1, feed["OptionVolConfidences"].clone()]);
        }
    })
    .unwrap();
    assert_eq!((failure_names(&result).len(), result.cases()), (0, sound.cases()));
    let text = file(PORTFOLIO).unwrap().to_string().replacen('{', "{\"unused\": [NaN, -Infinity], ", 1);
    let result = run("pmrm-nan", &[("derive/any.json", text)]);
    assert_eq!((failure_names(&result).len(), result.cases()), (0, sound.cases()));
}

#[test]
fn a_result_that_is_missing_is_one_failure_and_its_file_is_named() {
    let Some(sound) = changed("pmrm-whole", |_| {}) else { return };
    let result = changed("pmrm-part", |portfolio| {
        portfolio["Result"].as_object_mut().unwrap().remove("OptionMTM");
    })
    .unwrap();
    assert_eq!(failure_names(&result), ["any OptionMTM"]);
    assert_eq!((result.cases(), sound.groups[0].failing_files.len()), (sound.cases() - 1, 0));
    assert_eq!(result.groups[0].failing_files, ["any.json"]);
}

/// Rows carry no weight: two scenarios of one move and vol are told apart by their P&L, in whatever order they stand.
#[test]
fn scenarios_of_one_move_and_vol_are_told_apart_by_their_loss() {
    let Some(result) = changed("pmrm-twice", |portfolio| {
        let scenarios = portfolio["Parameters"]["Scenarios"].as_array_mut().unwrap();
        let mut half = scenarios[0].clone();
        assert_eq!(half["DampeningFactor"].as_f64(), Some(1.0));
        half["DampeningFactor"] = json!(0.5);
        let shock = half["SpotShock"].as_f64().unwrap() - 1.0;
        let direction = half["VolShockDirection"].as_str().unwrap().to_ascii_lowercase();
        let sign = [("up", 1.0), ("down", -1.0)]
            .iter()
            .find(|(word, _)| *word == direction)
            .map_or(0.0, |(_, s)| *s);
        scenarios.insert(0, half);
        let rows = portfolio["Result"]["reg_losses"].as_array_mut().unwrap();
        let number = |value: &Value| value.as_f64().or_else(|| value.as_str()?.parse().ok()).unwrap();
        let same =
            |row: &&Value| (number(&row[0]) - shock).abs() < 1e-9 && (number(&row[1]) - sign).abs() < 0.5;
        let mut row = rows.iter().find(same).unwrap().clone();
        row[2] = json!(number(&row[2]) * 0.5);
        rows.push(row);
    }) else {
        return;
    };
    assert_eq!(failure_names(&result), Vec::<&str>::new());
}
