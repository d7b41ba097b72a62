//! Suites `almgren-chriss` and `lvr`: a schedule in closed form, and loss to arbitrage by blocks, against values computed for this project.
//!
//! | block of `mitigation_1.json` | what | tolerance |
//! |---|---|---|
//! | `almgren_chriss` | decay rate, holdings, trades, cost and its deviation at the paper's parameters | 1e-9 relative |
//! | `lvr_ptrade_sigma5pct_day` | probability of a trade by length of block and fee | 1e-12 |
//! | `lvr_mc` | arbitrage a block of fixed length against simulation (`mc`) | 3 % |
//!
//! The field `formula` of `lvr_mc` was computed with the one-sided fee where the full width of the band belongs; it is counted as not
//! compared.

use super::result::{Comparison, Group, GroupResult};
use super::vectors::{CaseError, FileError, each_row, number, read};
use super::{Progress, Report, Sources};
use hedge::lvr::Blocks;
use hedge::schedule::{Costs, Order, almgren_chriss, decay_rate};
use serde_json::Value;

pub(super) const SCHEDULE: &str = "almgren-chriss";
pub(super) const SCHEDULE_SUMMARY: &str = "the schedule of Almgren and Chriss at their example's parameters";
pub(super) const LVR: &str = "lvr";
pub(super) const LVR_SUMMARY: &str =
    "trade probability and arbitrage by block against formula and simulation";

const FILE: &str = "mitigation_1.json";
const CLOSED: f64 = 1e-9;
const CLOSED_REASON: &str = "the same closed form; theirs loses some digits in acosh near one";
const PROBABILITY: f64 = 1e-12;
const PROBABILITY_REASON: &str = "one division and one root";
const SIMULATED: f64 = 0.03;
const SIMULATED_REASON: &str = "the formula is asymptotic in fee over vol and the simulation has an error of its own; with the one-sided fee \
                                instead of the full width it is 42 % off at least";
const MISUSED: &str = "formula with the one-sided fee instead of the full width of the band";

/// Runs the schedule.
pub(super) fn run_schedule(sources: &Sources, progress: &mut Report<'_>) -> Vec<GroupResult> {
    let mut group = Group::checked(format!("{FILE}: almgren_chriss"), "relative", CLOSED_REASON);
    match file(sources, (SCHEDULE, progress)) {
        Err(FileError::Absent(path)) => return vec![group.not_run(format!("the file is absent: {path}"))],
        Err(error) => group.fault(FILE, error.to_string()),
        Ok(file) => {
            if let Err(error) = schedule(&file, &mut group) {
                group.fault("almgren_chriss", error.to_string());
            }
        }
    }
    vec![group.finish()]
}

/// Runs both groups on arbitrage.
pub(super) fn run_lvr(sources: &Sources, progress: &mut Report<'_>) -> Vec<GroupResult> {
    let mut likely = Group::checked(format!("{FILE}: trade probability"), "probability", PROBABILITY_REASON);
    let mut simulated =
        Group::checked(format!("{FILE}: arbitrage of fixed blocks"), "relative", SIMULATED_REASON);
    match file(sources, (LVR, progress)) {
        Err(FileError::Absent(path)) => return vec![likely.not_run(format!("the file is absent: {path}"))],
        Err(error) => likely.fault(FILE, error.to_string()),
        Ok(file) => {
            if let Err(error) = probabilities(&file, &mut likely) {
                likely.fault("lvr_ptrade_sigma5pct_day", error.to_string());
            }
            each_row(&file, "lvr_mc", &mut simulated, |name, row, group| {
                let blocks =
                    Blocks { vol_per_block: number(row, "sigma_b")?, one_sided_fee: number(row, "gamma")? };
                let theirs = number(row, "mc")?;
                let ours = 4.0 * blocks.arbitrage_of_fixed_blocks();
                let comparison = Comparison { ours, theirs, tolerance: SIMULATED, scale: theirs };
                group.compare(comparison, || name.to_owned());
                group.not_compared(MISUSED, 1);
                Ok(())
            });
        }
    }
    vec![likely.finish(), simulated.finish()]
}

fn file(sources: &Sources, (suite, progress): (&'static str, &mut Report<'_>)) -> Result<Value, FileError> {
    let path = sources.vectors.join("mitigation").join(FILE);
    let bytes_total = std::fs::metadata(&path).map_or(0, |data| data.len());
    progress(Progress { suite, item: FILE, bytes_done: 0, bytes_total });
    let file = read(&path);
    progress(Progress { suite, item: FILE, bytes_done: bytes_total, bytes_total });
    file
}

fn schedule(file: &Value, group: &mut Group) -> Result<(), CaseError> {
    let case = file.get("almgren_chriss").ok_or(CaseError::Text("almgren_chriss"))?;
    let theirs = |key: &'static str| -> Result<Vec<f64>, CaseError> {
        let list = case.get(key).and_then(Value::as_array).ok_or(CaseError::Text(key))?;
        list.iter().map(|v| v.as_f64().ok_or_else(|| CaseError::Number(key.to_owned()))).collect()
    };
    let (held, kept, sold) = (number(case, "X")?, theirs("x")?, theirs("n")?);
    let steps = u32::try_from(sold.len()).map_err(|_| CaseError::Text("n"))?;
    let costs = Costs {
        fixed: number(case, "eps")?,
        permanent: number(case, "gamma")?,
        temporary: number(case, "eta")?,
        daily_sd: number(case, "sigma")?,
    };
    let order = Order { held, days: number(case, "tau")? * f64::from(steps), steps };
    let aversion = number(case, "lam")?;
    let failed = |error: hedge::schedule::ScheduleError| CaseError::Engine(error.to_string());
    let rate = decay_rate(order, costs, aversion).map_err(failed)?;
    let ours = almgren_chriss(order, costs, aversion).map_err(failed)?;
    if ours.holdings.len() != kept.len() {
        return Err(CaseError::Text("x"));
    }
    let figures = [
        ("kappa", rate, number(case, "kappa")?),
        ("E", ours.cost_usd, number(case, "E")?),
        ("sd", ours.sd_usd, number(case, "sd")?),
    ];
    for (key, ours, theirs) in figures {
        group.compare(Comparison { ours, theirs, tolerance: CLOSED, scale: theirs }, || key.to_owned());
    }
    for (name, ours, theirs) in [("x", &ours.holdings, &kept), ("n", &ours.trades, &sold)] {
        for (place, (ours, theirs)) in ours.iter().zip(theirs.iter()).enumerate() {
            let comparison = Comparison { ours: *ours, theirs: *theirs, tolerance: CLOSED, scale: held };
            group.compare(comparison, || format!("{name}[{place}]"));
        }
    }
    Ok(())
}

/// By length of block and fee, as the file's keys say them; the vol is 5 % a day.
fn probabilities(file: &Value, group: &mut Group) -> Result<(), CaseError> {
    const KEY: &str = "lvr_ptrade_sigma5pct_day";
    const DAY_SECONDS: f64 = 86_400.0;
    let all = file.get(KEY).and_then(Value::as_object).ok_or(CaseError::Text(KEY))?;
    for (length, fees) in all {
        let seconds = with_unit(length, &[("min", 60.0), ("ms", 1e-3), ("s", 1.0)])
            .ok_or_else(|| CaseError::Number(length.clone()))?;
        let fees = fees.as_object().ok_or(CaseError::Text(KEY))?;
        for fee in fees.keys() {
            let one_sided_fee =
                with_unit(fee, &[("bp", 1e-4)]).ok_or_else(|| CaseError::Number(fee.clone()))?;
            let blocks = Blocks { vol_per_block: 0.05 * (seconds / DAY_SECONDS).sqrt(), one_sided_fee };
            let theirs = all.get(length).map_or(Err(CaseError::Text(KEY)), |row| number(row, fee))?;
            let ours = blocks.trade_probability();
            group.compare(Comparison { ours, theirs, tolerance: PROBABILITY, scale: 1.0 }, || {
                format!("{length}, {fee}")
            });
        }
    }
    Ok(())
}

fn with_unit(text: &str, units: &[(&str, f64)]) -> Option<f64> {
    let (number, unit) = units.iter().find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, *unit)))?;
    Some(number.parse::<f64>().ok()? * unit)
}
