//! Suite `hedge-cvar`: VaR and CVaR of equally likely losses, and the least CVaR that the optimiser proves, against a value computed for this
//! project.
//!
//! | block of `mitigation_1.json` | what | tolerance |
//! |---|---|---|
//! | `cvar_simple` | VaR and CVaR of losses 1 to 100; the same by the optimiser with nothing to trade, its objective and its bound | 1e-12 relative |

use super::result::{Comparison, Group, GroupResult};
use super::vectors::{CaseError, FileError, number, read};
use super::{Progress, Report, Sources};
use hedge::optimise::{Aim, Effort, Instrument, Lots, Problem, Sides, Tail, optimise, tail_risk};
use serde_json::Value;

pub(super) const ID: &str = "hedge-cvar";
pub(super) const SUMMARY: &str =
    "VaR, CVaR and the least CVaR of a hedge against values computed for this project";

const FILE: &str = "mitigation_1.json";
const CLOSED: f64 = 1e-12;
const CLOSED_REASON: &str =
    "sums of a hundred whole numbers; the optimiser's bound is a hundred products more";

/// Runs the block.
pub(super) fn run(sources: &Sources, progress: &mut Report<'_>) -> Vec<GroupResult> {
    let path = sources.vectors.join("mitigation").join(FILE);
    let bytes_total = std::fs::metadata(&path).map_or(0, |data| data.len());
    progress(Progress { suite: ID, item: FILE, bytes_done: 0, bytes_total });
    let mut group = Group::checked(format!("{FILE}: CVaR"), "relative", CLOSED_REASON);
    match read(&path) {
        Err(FileError::Absent(path)) => return vec![group.not_run(format!("the file is absent: {path}"))],
        Err(error) => group.fault(FILE, error.to_string()),
        Ok(file) => {
            if let Err(error) = simple(&file, &mut group) {
                group.fault("cvar_simple", error.to_string());
            }
        }
    }
    progress(Progress { suite: ID, item: FILE, bytes_done: bytes_total, bytes_total });
    vec![group.finish()]
}

/// The file writes the losses as a range: `1..100`.
fn losses(case: &Value) -> Result<Vec<f64>, CaseError> {
    let range = case.get("losses").and_then(Value::as_str).ok_or(CaseError::Text("losses"))?;
    let (first, last) = range.split_once("..").ok_or(CaseError::Text("losses"))?;
    let end = |text: &str| text.parse::<i32>().map_err(|_| CaseError::Number("losses".to_owned()));
    Ok((end(first)?..=end(last)?).map(f64::from).collect())
}

fn simple(file: &Value, group: &mut Group) -> Result<(), CaseError> {
    let case = file.get("cvar_simple").ok_or(CaseError::Text("cvar_simple"))?;
    let (losses, alpha) = (losses(case)?, number(case, "alpha")?);
    let (var, cvar) = (number(case, "VaR")?, number(case, "CVaR")?);
    let ours = tail_risk(&losses, alpha).ok_or(CaseError::Text("alpha"))?;
    let hedge = optimise(&untradable(losses, alpha)).map_err(|_| CaseError::Text("losses"))?;
    let compared = [
        ("VaR", ours.var, var),
        ("CVaR", ours.cvar, cvar),
        ("objective of the least CVaR", hedge.objective, cvar),
        ("bound of the least CVaR", hedge.bound, cvar),
    ];
    for (what, ours, theirs) in compared {
        let comparison = Comparison { ours, theirs, tolerance: CLOSED, scale: theirs.abs() };
        group.compare(comparison, || what.to_owned());
    }
    Ok(())
}

/// The losses, and an instrument that does nothing.
fn untradable(losses: Vec<f64>, alpha: f64) -> Problem {
    let instrument = Instrument {
        name: "nothing".to_owned(),
        lot: 1.0,
        cost: Sides::both(1.0),
        impact: 0.0,
        liquidity: Sides::both(1.0),
        minimum: 0.0,
        moves: Vec::new(),
        margin: None,
    };
    let gains = vec![vec![0.0; losses.len()]];
    Problem {
        rows: Vec::new(),
        instruments: vec![instrument],
        venues: Vec::new(),
        aim: Aim::Tail { tail: Tail { alpha, losses, gains }, cost_weight: 1.0 },
        lots: Lots::Fractional,
        effort: Effort::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_figure_fails_by_name() {
        let file = |cvar: f64| serde_json::json!({"cvar_simple": {"losses": "1..100", "alpha": 0.95, "VaR": 95, "CVaR": cvar}});
        for (cvar, failed) in
            [(98.0, vec![]), (98.1, vec!["CVaR", "objective of the least CVaR", "bound of the least CVaR"])]
        {
            let mut group = Group::checked(FILE.to_owned(), "relative", CLOSED_REASON);
            simple(&file(cvar), &mut group).unwrap();
            let result = group.finish();
            assert_eq!(result.cases, 4);
            let names: Vec<&str> = result.failures.iter().map(|failure| failure.name.as_str()).collect();
            assert_eq!(names, failed, "CVaR of {cvar}");
        }
    }
}
