//! Suite `var-backtests`: likelihood ratios and p-values of backtests of VaR, as computed elsewhere and as printed in books.
//!
//! | keys of `backtest_vectors.json` | what | tolerance |
//! |---|---|---|
//! | `POF_T{days}_x{breaches}_p{tail}` | Kupiec's ratio and p-value | 1e-9 relative, and 1e-9 |
//! | `IND_{n00}_{n01}_{n10}_{n11}` | Christoffersen's ratio and p-value | the same |
//! | `traffic_light_cum_prob_T{days}_p{tail}` | P(at most so many breaches) | 1e-9 relative |
//! | `kupiec_nonreject_T{days}_p{tail}` | least and most breaches that 95 % do not reject | exact |

use super::result::{Comparison, ExactComparison, Group, GroupResult};
use super::vectors::{CaseError, FileError, number, read};
use super::{Progress, Report, Sources};
use risk::var::backtest::{Breaches, Transitions, binomial_cdf, independence, kupiec};
use serde_json::Value;

pub(super) const ID: &str = "var-backtests";
pub(super) const SUMMARY: &str =
    "Kupiec, Christoffersen and Basel's traffic light against values computed elsewhere";

const FILE: &str = "backtest_vectors.json";
const TOLERANCE: f64 = 1e-9;
const REASON: &str = "differences of sums of up to a thousand logarithms, each good to 1e-16 of a few thousand: some 1e-12 of a \
                      ratio of order one, which moves a p-value by less; a thousandfold margin for the other side's sums";
const EXACT_REASON: &str = "counts of days";
/// 95 % point of chi-square with one degree of freedom, as p-value.
const REJECTED_BELOW: f64 = 0.05;

/// Runs every case of the file.
pub(super) fn run(sources: &Sources, progress: &mut Report<'_>) -> Vec<GroupResult> {
    let path = sources.vectors.join("forecast").join(FILE);
    let bytes_total = std::fs::metadata(&path).map_or(0, |data| data.len());
    progress(Progress { suite: ID, item: FILE, bytes_done: 0, bytes_total });
    let mut ratios = Group::checked(format!("{FILE}: likelihood ratios"), "relative, of at least 1", REASON);
    let mut chances = Group::checked(format!("{FILE}: probabilities"), "probability", REASON);
    let mut bands = Group::checked(format!("{FILE}: bands that are not rejected"), "breaches", EXACT_REASON);
    match read(&path) {
        Err(FileError::Absent(path)) => {
            let reason = format!("the file is absent: {path}");
            return vec![ratios.not_run(reason)];
        }
        Err(error) => ratios.fault(FILE, error.to_string()),
        Ok(file) => {
            let cases = file.as_object();
            if cases.is_none_or(serde_json::Map::is_empty) {
                ratios.fault(FILE, "the file has no cases");
            }
            for (key, case) in cases.into_iter().flatten() {
                if let Err(error) = compare(key, case, (&mut ratios, &mut chances, &mut bands)) {
                    ratios.fault(key.as_str(), error.to_string());
                }
            }
        }
    }
    progress(Progress { suite: ID, item: FILE, bytes_done: bytes_total, bytes_total });
    vec![ratios.finish(), chances.finish(), bands.finish()]
}

type Groups<'a> = (&'a mut Group, &'a mut Group, &'a mut Group);

fn compare(key: &str, case: &Value, (ratios, chances, bands): Groups<'_>) -> Result<(), CaseError> {
    let parts: Vec<&str> = key.split('_').collect();
    match parts.as_slice() {
        ["POF", days, breaches, tail] => {
            let breaches = Breaches { days: after(days, "T")?, breaches: after(breaches, "x")? };
            let ours = kupiec(breaches, after(tail, "p")?);
            statistic(key, case, (ours.likelihood_ratio, ours.p_value), (ratios, chances))
        }
        ["IND", n00, n01, n10, n11] => {
            let n = [n00, n01, n10, n11].map(|text| after(text, ""));
            let [n00, n01, n10, n11] = n;
            let ours = independence(Transitions { n00: n00?, n01: n01?, n10: n10?, n11: n11? });
            statistic(key, case, (ours.likelihood_ratio, ours.p_value), (ratios, chances))
        }
        ["traffic", "light", "cum", "prob", days, tail] => {
            // `p01` is a percentage of one.
            let (days, tail) = (after(days, "T")?, after::<f64>(tail, "p")? / 100.0);
            for (breaches, _) in case.as_object().into_iter().flatten() {
                let theirs = number(case, breaches)?;
                let ours = binomial_cdf(Breaches { days, breaches: after(breaches, "")? }, tail);
                chances.compare(Comparison { ours, theirs, tolerance: TOLERANCE, scale: 1.0 }, || {
                    format!("{key}: {breaches}")
                });
            }
            Ok(())
        }
        ["kupiec", "nonreject", days, tail] => band(key, case, (after(days, "T")?, after(tail, "p")?), bands),
        _ => Err(CaseError::Text("a key of a known kind")),
    }
}

/// The number after a letter.
fn after<T: std::str::FromStr>(text: &str, letter: &str) -> Result<T, CaseError> {
    let digits = text.strip_prefix(letter).and_then(|digits| digits.parse().ok());
    digits.ok_or_else(|| CaseError::Number(text.to_owned()))
}

fn statistic(
    key: &str,
    case: &Value,
    (ratio, chance): (f64, f64),
    (ratios, chances): (&mut Group, &mut Group),
) -> Result<(), CaseError> {
    let (theirs, p) = (number(case, "LR")?, number(case, "p")?);
    let scale = theirs.abs().max(1.0);
    ratios.compare(Comparison { ours: ratio, theirs, tolerance: TOLERANCE, scale }, || key.to_owned());
    chances
        .compare(Comparison { ours: chance, theirs: p, tolerance: TOLERANCE, scale: 1.0 }, || key.to_owned());
    Ok(())
}

fn band(key: &str, case: &Value, (days, tail): (u64, f64), bands: &mut Group) -> Result<(), CaseError> {
    let ends = case.as_array().map(Vec::as_slice).unwrap_or_default();
    let [Some(least), Some(most)] = [0, 1].map(|place| ends.get(place).and_then(Value::as_u64)) else {
        return Err(CaseError::Number(key.to_owned()));
    };
    let accepted: Vec<u64> = (0..=days)
        .filter(|breaches| kupiec(Breaches { days, breaches: *breaches }, tail).p_value >= REJECTED_BELOW)
        .collect();
    for (end, ours, theirs) in [("least", accepted.first(), least), ("most", accepted.last(), most)] {
        let ours = ours.copied().unwrap_or(u64::MAX);
        #[allow(clippy::cast_precision_loss)] // days
        let difference = ours.abs_diff(theirs) as f64;
        let exact = ExactComparison { ours: ours.to_string(), theirs: theirs.to_string(), difference };
        bands.compare_exact(exact, || format!("{key}: {end}"));
    }
    Ok(())
}
