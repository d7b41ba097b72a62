//! Suite `svi`: published SVI slices and a famous one with butterfly arbitrage, its published repairs among the numbers.
//!
//! | file | what | tolerance |
//! |---|---|---|
//! | `svi_vogt.json` | jump-wing parameters, w and g of A. Vogt's slice; its least g; both published repairs | ten digits of the raw numbers |
//! | `svi_ssvi_vectors.json` | total variances and vols of other libraries' tests; an SSVI slice | the file's own |

use super::result::{Comparison, ExactComparison, Group, GroupResult};
use super::vectors::{self, CaseError, FileError, number};
use super::{Progress, Report, Sources};
use market::surface::{Essvi, JumpWings, RawSvi, Svi};
use pricing::kernel::ln;
use serde_json::Value;
use units::YearFraction;

pub(super) const ID: &str = "svi";
pub(super) const SUMMARY: &str =
    "published SVI and SSVI slices: values, butterfly arbitrage found, published repairs";

/// Numbers of the files have 16 digits; a dozen operations of ours lose a few.
const ROUNDING: f64 = 1e-12;
/// The optimum was recalled with seven digits.
const RECALLED: f64 = 1e-9;
/// Least g of one grid against that of another: g bends by 0.05 a unit squared, grids differ by 0.01.
const GRIDS: f64 = 3e-6;

/// From the name and content of a file to its groups.
type Compare = fn(&str, &Value) -> Vec<GroupResult>;

static FILES: [(&str, Compare); 2] = [("svi_vogt.json", vogt), ("svi_ssvi_vectors.json", slices)];

pub(super) fn run(sources: &Sources, progress: &mut Report<'_>) -> Vec<GroupResult> {
    let folder = sources.vectors.join("pricing");
    let mut groups = Vec::new();
    for (index, (name, of)) in (0..).zip(&FILES) {
        progress(Progress { suite: ID, item: name, bytes_done: index, bytes_total: FILES.len() as u64 });
        match vectors::read(&folder.join(name)) {
            Ok(file) => groups.extend(of(name, &file)),
            Err(error) => {
                let mut group = Group::checked(*name, "", "the file decides");
                groups.push(match error {
                    FileError::Absent(_) => group.not_run(error.to_string()),
                    FileError::Io(_) | FileError::Json(_) => {
                        group.fault(*name, error.to_string());
                        group.finish()
                    }
                });
            }
        }
    }
    groups
}

fn raw(row: &Value) -> Result<RawSvi, CaseError> {
    Ok(RawSvi {
        a: number(row, "a")?,
        b: number(row, "b")?,
        rho: number(row, "rho")?,
        m: number(row, "m")?,
        sigma: number(row, "sigma")?,
    })
}

fn slice(row: &Value) -> Result<Svi, CaseError> {
    Svi::from_raw(raw(row)?).map_err(|error| CaseError::Number(error.to_string()))
}

fn near(group: &mut Group, name: &str, [ours, theirs]: [f64; 2], tolerance: f64) {
    group.compare(Comparison { ours, theirs, tolerance, scale: 1.0 }, || name.to_owned());
}

fn vogt(file_name: &str, file: &Value) -> Vec<GroupResult> {
    let mut group = Group::checked(
        format!("{file_name}: Vogt's slice"),
        "of each number",
        "rounding; of least g the distance of two grids; of the optimum the seven digits that it was recalled with",
    );
    if let Err(error) = vogt_cases(file, &mut group) {
        group.fault(file_name, error.to_string());
    }
    vec![group.finish()]
}

fn vogt_cases(file: &Value, group: &mut Group) -> Result<(), CaseError> {
    let part = |key: &'static str| file.get(key).ok_or(CaseError::Text(key));
    let own = slice(part("raw")?)?;
    let years = YearFraction::new(number(file, "t")?)?;
    let (jump, theirs) = (own.jump_wings(years), part("jw")?);
    let named = [
        ("v", jump.variance),
        ("psi", jump.skew),
        ("p", jump.put),
        ("c", jump.call),
        ("v_tilde", jump.least_variance),
    ];
    for (key, ours) in named {
        near(group, key, [ours, number(theirs, key)?], ROUNDING);
    }
    vectors::each_row(file, "grid", group, |name, row, group| {
        let k = number(row, "k")?;
        near(group, &format!("{name} w"), [own.variance(k), number(row, "w")?], ROUNDING);
        near(group, &format!("{name} g"), [own.density(k), number(row, "g")?], ROUNDING);
        Ok(())
    });
    let check = own.check(-1.5, 1.5);
    near(group, "least g", [check.least_density, number(file, "min_g")?], GRIDS);
    rejected(group, &own);
    let twin = own.ssvi_twin(years).ok_or(CaseError::Text("ssvi_fallback"))?;
    repair(group, part("ssvi_fallback")?, ("ssvi_fallback", twin), ROUNDING)?;
    let optimal = part("optimal")?;
    let jump = JumpWings { call: number(optimal, "c")?, least_variance: number(optimal, "v_tilde")?, ..jump };
    let optimum = Svi::from_jump_wings(jump, years).ok_or(CaseError::Text("optimal"))?;
    repair(group, optimal, ("optimal", optimum), RECALLED)?;
    let repaired = own.repaired(years).ok_or(CaseError::Text("raw"))?;
    group.note(format!(
        "our own repair gives way less: c = {:.7} (original {:.7}, published optimum {:.7}), least g {:.1e}",
        repaired.jump_wings(years).call,
        own.jump_wings(years).call,
        jump.call,
        repaired.check(-1.5, 1.5).least_density
    ));
    Ok(())
}

/// A slice whose g is below zero is no slice of record.
fn rejected(group: &mut Group, own: &Svi) {
    let is_rejected = own.check(-1.5, 1.5).least_density < 0.0;
    let difference = if is_rejected { 0.0 } else { 1.0 };
    let word = |rejected: bool| if rejected { "rejected" } else { "accepted" }.to_owned();
    group.compare_exact(ExactComparison { ours: word(is_rejected), theirs: word(true), difference }, || {
        "butterfly arbitrage".into()
    });
}

fn repair(
    group: &mut Group,
    file: &Value,
    (name, slice): (&str, Svi),
    tolerance: f64,
) -> Result<(), CaseError> {
    let theirs = file.get("raw").and_then(Value::as_array).ok_or(CaseError::Text("raw"))?;
    let own = slice.raw();
    for ((key, ours), theirs) in
        [("a", own.a), ("b", own.b), ("rho", own.rho), ("m", own.m), ("sigma", own.sigma)].iter().zip(theirs)
    {
        let theirs = theirs.as_f64().ok_or_else(|| CaseError::Number(format!("{name}.raw")))?;
        near(group, &format!("{name} {key}"), [*ours, theirs], tolerance);
    }
    let least = slice.check(-3.0, 3.0).least_density;
    near(group, &format!("{name} least g"), [least, number(file, "min_g")?], GRIDS);
    Ok(())
}

fn slices(file_name: &str, file: &Value) -> Vec<GroupResult> {
    let mut group = Group::checked(
        format!("{file_name}: other libraries' slices"),
        "total variance or vol",
        "as the file states for each case",
    );
    vectors::each_row(file, "cases", &mut group, case);
    vec![group.finish()]
}

/// Each case spells its points in its own way.
fn case(name: &str, row: &Value, group: &mut Group) -> Result<(), CaseError> {
    let tolerance = number(row, "tol")?;
    let list = |key: &'static str| -> Result<Vec<f64>, CaseError> {
        let values = row.get(key).and_then(Value::as_array).ok_or(CaseError::Text(key))?;
        values.iter().map(|v| v.as_f64().ok_or_else(|| CaseError::Number(key.into()))).collect()
    };
    if row.get("eta").is_some() {
        return ssvi_case(name, row, group);
    }
    let own = slice(row)?;
    if let Ok(theirs) = list("expected_vol") {
        let years = number(row, "T")?;
        let points = even(vectors::text(row, "k")?, theirs.len()).ok_or(CaseError::Text("k"))?;
        for (k, theirs) in points.into_iter().zip(theirs) {
            near(group, &format!("{name} k = {k}"), [(own.variance(k) / years).sqrt(), theirs], tolerance);
        }
    } else if let Ok(theirs) = list("expected_w") {
        let forward = number(row, "forward")?;
        let strikes = even(vectors::text(row, "strikes")?, theirs.len()).ok_or(CaseError::Text("strikes"))?;
        for (strike, theirs) in strikes.into_iter().zip(theirs) {
            near(
                group,
                &format!("{name} K = {strike}"),
                [own.variance(ln(strike / forward)), theirs],
                tolerance,
            );
        }
    } else {
        near(
            group,
            &format!("{name} at m"),
            [own.variance(own.raw().m), number(row, "expected_w")?],
            tolerance,
        );
    }
    Ok(())
}

/// θ = vol² T, φ = η/√θ.
fn ssvi_case(name: &str, row: &Value, group: &mut Group) -> Result<(), CaseError> {
    let (vol, years) = (number(row, "vol_atm")?, number(row, "T")?);
    let theta = vol * vol * years;
    let own = Essvi::new(theta, number(row, "rho")?, number(row, "eta")? * theta.sqrt())
        .map_err(|error| CaseError::Number(error.to_string()))?;
    let forward = number(row, "forward")?;
    let values = |key: &'static str| row.get(key).and_then(Value::as_array).ok_or(CaseError::Text(key));
    let pairs = values("strikes")?.iter().zip(values("expected_vol_computed_here")?);
    for (strike, theirs) in pairs {
        let (Some(strike), Some(theirs)) = (strike.as_f64(), theirs.as_f64()) else {
            return Err(CaseError::Number("strikes".into()));
        };
        let ours = (own.variance(ln(strike / forward)) / years).sqrt();
        near(group, &format!("{name} K = {strike}"), [ours, theirs], number(row, "tol")?);
    }
    Ok(())
}

/// `linspace(from,to,count)`.
fn even(text: &str, count: usize) -> Option<Vec<f64>> {
    let inside = text.strip_prefix("linspace(")?.strip_suffix(')')?;
    let parts: Vec<f64> = inside.split(',').map(|part| part.trim().parse().ok()).collect::<Option<_>>()?;
    let [from, to, stated] = parts.as_slice() else { return None };
    #[allow(clippy::cast_precision_loss)] // a handful
    let steps = (count.checked_sub(1)?) as f64;
    #[allow(clippy::cast_precision_loss)]
    let place = |index: usize| from + (to - from) * (index as f64 / steps);
    ((*stated - steps - 1.0).abs() < 0.5).then(|| (0..count).map(place).collect())
}
