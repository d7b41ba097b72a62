//! Suite `stress-explain`: reverse stress in closed form and by search, and P&L explain, against values computed for this project.
//!
//! | block of `mitigation_2.json` | what | tolerance |
//! |---|---|---|
//! | `reverse_stress` | linear: moves and distance; the same by search | 1e-9 relative; 1e-6 |
//! | `reverse_stress_dg` | delta-gamma: moves and distance; the same by search | 1e-9 relative; 1e-6 |
//! | `pnl_explain` | terms at the start's greeks, actual and residual of a call | 1e-9 USD |

use super::result::{Comparison, Group, GroupResult};
use super::vectors::{CaseError, FileError, number, read};
use super::{Progress, Report, Sources};
use risk::covariance::Covariance;
use risk::explain::{Cause, Greeks, Step};
use risk::history::Factor;
use risk::reverse::{Found, Reach, Reverse};
use serde_json::Value;
use std::convert::Infallible;
use units::{Asset, Discount, Forward, OptionKind, Strike, Vol, YearFraction};

pub(super) const ID: &str = "stress-explain";
pub(super) const SUMMARY: &str = "reverse stress and P&L explain against values computed for this project";

const FILE: &str = "mitigation_2.json";
const CLOSED: f64 = 1e-9;
const CLOSED_REASON: &str =
    "the same closed form in another order of operations: some 1e-14, and the other side's bisection of mu";
const SEARCHED: f64 = 1e-5;
const SEARCHED_REASON: &str = "a search stops when direction and gradient agree to 1e-7 by differences of 1e-4, whose error is about 1e-8 over 1e-4";
const TERM: f64 = 1e-9;
const TERM_REASON: &str =
    "products of the file's own greeks; actual and residual from two prices good to 1e-14";

/// Runs the three blocks.
pub(super) fn run(sources: &Sources, progress: &mut Report<'_>) -> Vec<GroupResult> {
    let path = sources.vectors.join("mitigation").join(FILE);
    let bytes_total = std::fs::metadata(&path).map_or(0, |data| data.len());
    progress(Progress { suite: ID, item: FILE, bytes_done: 0, bytes_total });
    let mut closed =
        Group::checked(format!("{FILE}: reverse stress, closed forms"), "relative", CLOSED_REASON);
    let mut searched =
        Group::checked(format!("{FILE}: reverse stress, searched"), "relative", SEARCHED_REASON);
    let mut explain = Group::checked(format!("{FILE}: P&L explain"), "USD", TERM_REASON);
    match read(&path) {
        Err(FileError::Absent(path)) => return vec![closed.not_run(format!("the file is absent: {path}"))],
        Err(error) => closed.fault(FILE, error.to_string()),
        Ok(file) => {
            if let Err(error) = reverse(&file, &mut closed, &mut searched) {
                closed.fault("reverse_stress", error.to_string());
            }
            if let Err(error) = explained(&file, &mut explain) {
                explain.fault("pnl_explain", error.to_string());
            }
        }
    }
    progress(Progress { suite: ID, item: FILE, bytes_done: bytes_total, bytes_total });
    vec![closed.finish(), searched.finish(), explain.finish()]
}

fn child<'a>(file: &'a Value, key: &'static str) -> Result<&'a Value, CaseError> {
    file.get(key).ok_or(CaseError::Text(key))
}

fn list(value: &Value, key: &'static str) -> Result<Vec<f64>, CaseError> {
    let values = value.as_array().ok_or(CaseError::Text(key))?;
    values.iter().map(|v| v.as_f64().ok_or_else(|| CaseError::Number(key.to_owned()))).collect()
}

fn matrix(case: &Value, key: &'static str) -> Result<Vec<Vec<f64>>, CaseError> {
    let rows = child(case, key)?.as_array().ok_or(CaseError::Text(key))?;
    rows.iter().map(|row| list(row, key)).collect()
}

fn reverse(file: &Value, closed: &mut Group, searched: &mut Group) -> Result<(), CaseError> {
    let (case, curved) = (child(file, "reverse_stress")?, child(file, "reverse_stress_dg")?);
    let sds = list(child(case, "vol")?, "vol")?;
    let gradient = list(child(case, "grad")?, "grad")?;
    let loss = number(case, "L")?;
    let names = (0..sds.len()).map(|place| Asset::new(&format!("F{place}")));
    let names = names.collect::<Result<Vec<_>, _>>()?;
    let factors = names.into_iter().map(Factor::Spot).zip(sds).collect();
    let covariance =
        Covariance::new(factors, &matrix(case, "corr")?, 1).map_err(|_| CaseError::Text("vol"))?;
    let space = Reverse::new(&covariance).map_err(|_| CaseError::Text("corr"))?;
    let flat = vec![vec![0.0; gradient.len()]; gradient.len()];
    let second = matrix(curved, "Gamma")?;
    let found = space.linear(&gradient, loss).ok_or(CaseError::Text("grad"))?;
    near("linear", case, &found, (CLOSED, closed))?;
    let found = space.delta_gamma(&gradient, &second, loss).ok_or(CaseError::Text("Gamma"))?;
    near("delta-gamma", curved, &found, (CLOSED, closed))?;
    for (name, case, second) in [("linear", case, &flat), ("delta-gamma", curved, &second)] {
        let pnl = |x: &Vec<f64>| -> f64 {
            let first: f64 = gradient.iter().zip(x).map(|(g, x)| g * x).sum();
            let bent = |row: &Vec<f64>| row.iter().zip(x).map(|(g, x)| g * x).sum::<f64>();
            first + 0.5 * second.iter().zip(x).map(|(row, x)| bent(row) * x).sum::<f64>()
        };
        let harm = |points: &[Vec<f64>]| -> Result<Vec<f64>, Infallible> {
            Ok(points.iter().map(|x| -pnl(x) - loss).collect())
        };
        let reach = Reach { distance: 8.0 };
        let Ok(found) = space.revalued((&gradient, second.as_slice()), &[], reach, &harm);
        let found = found.ok_or(CaseError::Text("a move within eight deviations"))?;
        near(name, case, &found, (SEARCHED, searched))?;
    }
    Ok(())
}

fn near(
    name: &str,
    case: &Value,
    found: &Found,
    (tolerance, group): (f64, &mut Group),
) -> Result<(), CaseError> {
    let theirs = list(child(case, "x")?, "x")?;
    for (place, (ours, theirs)) in found.moves.iter().zip(&theirs).enumerate() {
        let comparison = Comparison { ours: *ours, theirs: *theirs, tolerance, scale: theirs.abs() };
        group.compare(comparison, || format!("{name}: x[{place}]"));
    }
    let theirs = number(case, "mahalanobis")?;
    group.compare(Comparison { ours: found.distance, theirs, tolerance, scale: theirs }, || {
        format!("{name}: distance")
    });
    Ok(())
}

/// An at-the-money call of 30 days: spot 100 to 95, vol 80 to 95 points, a day passes; interest rate zero.
fn explained(file: &Value, group: &mut Group) -> Result<(), CaseError> {
    let case = child(file, "pnl_explain")?;
    let (base, terms) = (child(case, "base")?, child(case, "terms")?);
    let (spot, moved, vol, later, days) = (100.0, 95.0, 0.80, 0.95, 30.0);
    let call = |forward: f64, vol: f64, days: f64| -> Result<pricing::Black76, CaseError> {
        Ok(pricing::Black76 {
            forward: Forward::new(forward)?,
            strike: Strike::new(spot)?,
            vol: Vol::new(vol)?,
            expiry: YearFraction::new(days / YearFraction::DAYS)?,
            discount: Discount::new(1.0)?,
            kind: OptionKind::Call,
        })
    };
    let start = call(spot, vol, days)?;
    let own = start.greeks();
    let greeks = Greeks {
        value: own.value,
        delta_cash: own.delta * spot,
        gamma_1pct: own.gamma * spot * spot / 100.0,
        vega: own.vega / 100.0,
        theta: own.theta_per_year / YearFraction::DAYS,
        vanna: own.vanna * spot / 10_000.0,
        volga: own.volga / 10_000.0,
        delta_settlement: own.delta * spot,
    };
    let step = Step {
        days: 1.0,
        spot_return: moved / spot - 1.0,
        vol_points: (later - vol) * 100.0,
        carry: 0.0,
        rate_factor: 1.0,
    };
    let ours = greeks.terms(&step);
    let of = |cause: Cause| {
        Cause::ALL.iter().zip(ours).find(|(c, _)| **c == cause).map_or(f64::NAN, |(_, term)| term)
    };
    let actual = call(moved, later, days - 1.0)?.price() - start.price();
    let compared = [
        ("delta", of(Cause::Delta)),
        ("gamma", of(Cause::Gamma)),
        ("vega", of(Cause::Vega)),
        ("theta", of(Cause::Time)),
        ("vanna", of(Cause::Vanna)),
        ("volga", of(Cause::Volga)),
        ("actual", actual),
        ("residual", actual - ours.iter().sum::<f64>()),
    ];
    for (key, ours) in compared {
        let theirs = number(terms, key)?;
        group.compare(Comparison { ours, theirs, tolerance: TERM, scale: 1.0 }, || format!("term {key}"));
    }
    let theirs = number(base, "V")?;
    group.compare(Comparison { ours: own.value, theirs, tolerance: TERM, scale: 1.0 }, || "value".into());
    Ok(())
}
