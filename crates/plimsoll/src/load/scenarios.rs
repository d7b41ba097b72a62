//! Stress scenarios and the axes of ladder and curve.

use super::hash;
use crate::document::InputFile;
use crate::failure::Failure;
use risk::{CurveAxes, LadderAxes, ScenarioFile};
use std::path::PathBuf;
use units::{Issue, Issues};

/// The ladder and curve axes of every report, unless a scenario file brings its own.
const LADDER_TOML: &str = include_str!("../../../../scenarios/ladder.toml");
/// The stress scenarios of every report, unless a scenario file is given.
const STRESS_TOML: &str = include_str!("../../../../scenarios/stress.toml");

/// What a report shocks the book with.
pub(crate) struct Scenarios {
    pub(crate) file: ScenarioFile,
    pub(crate) ladder: LadderAxes,
    pub(crate) curve: CurveAxes,
}

/// Reads scenario files; without any, the embedded ones.
pub(crate) fn load_scenarios(files: &[PathBuf], inputs: &mut Vec<InputFile>) -> Result<Scenarios, Failure> {
    let bad = |issues| Failure::Scenarios { issues };
    let embedded = ScenarioFile::parse("ladder.toml", LADDER_TOML).map_err(bad)?;
    let mut axes = (embedded.ladder, embedded.curve);
    let mut all = ScenarioFile { ladder: None, curve: None, scenarios: Vec::new(), lose_each_venue: None };
    if files.is_empty() {
        all = ScenarioFile::parse("stress.toml", STRESS_TOML).map_err(bad)?;
    }
    for path in files {
        let name = path.display().to_string();
        let text =
            std::fs::read_to_string(path).map_err(|e| Failure::Input(format!("{name}: cannot read: {e}")))?;
        let file = ScenarioFile::parse(&name, &text).map_err(bad)?;
        axes = (file.ladder.or(axes.0), file.curve.or(axes.1));
        let rows = file.scenarios.len() as u64;
        for scenario in file.scenarios {
            if all.scenarios.iter().any(|s| s.name == scenario.name) {
                return Err(twice(&name, &scenario.name));
            }
            all.scenarios.push(scenario);
        }
        all.lose_each_venue = file.lose_each_venue.or(all.lose_each_venue);
        inputs.push(InputFile { blake3: hash(path)?, path: name, role: "scenarios", rows, asof: None });
    }
    match axes {
        (Some(ladder), Some(curve)) => Ok(Scenarios { file: all, ladder, curve }),
        _ => Err(Failure::Input("the embedded ladder.toml lacks its axes".into())),
    }
}

fn twice(file: &str, name: &str) -> Failure {
    let mut issues = Issues::default();
    issues.push(Issue {
        file: file.into(),
        row: 0,
        field: "scenario.name".into(),
        value: name.into(),
        rule: "another file has a scenario of this name: rename one".into(),
    });
    Failure::Scenarios { issues }
}
