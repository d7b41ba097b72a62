//! Suite `hedge-bands`: no-trade bands and vols of delta policies, against published values and values computed for this project.
//!
//! | block of `mitigation_1.json` | what | tolerance |
//! |---|---|---|
//! | `ww_pfhedge` | hedge after Whalley-Wilmott's band, from 0.5: the docstring of pfhedge's `ww.py` | 0.5e-4, its last decimal |
//! | `band_points` | Whalley-Wilmott's half width; Zakamouline's H0, H1, K, vol and delta, at three costs and four tolerances | 1e-9 relative |
//! | `leland` | Leland's number, vols for gamma sold and bought | 1e-9 relative |
//! | `kamal_derman` | standard deviation of a clock's profit | 1e-9 relative |

use super::result::{Comparison, Group, GroupResult};
use super::vectors::{CaseError, FileError, number, read};
use super::{Progress, Report, Sources};
use backtest::monte_carlo::kamal_derman;
use hedge::policy::{
    Cost, DeltaPolicy, Exposure, LelandNumber, RiskTolerance, Sight, WhalleyWilmott, Zakamouline, decide,
};
use pricing::{Black76, Greeks, kernel};
use serde_json::Value;
use units::{Discount, Forward, OptionKind, Strike, Vol, YearFraction};

pub(super) const ID: &str = "hedge-bands";
pub(super) const SUMMARY: &str =
    "no-trade bands of Whalley-Wilmott (pfhedge) and Zakamouline, Leland's vols, Kamal-Derman's law";

const FILE: &str = "mitigation_1.json";
const CLOSED: f64 = 1e-9;
const CLOSED_REASON: &str = "the same closed form with other exponentials and powers: some 1e-13";
const DECIMALS: f64 = 0.5e-4;
const DECIMALS_REASON: &str = "published to four decimals";
const MONTH: f64 = 30.0 / 365.0;

/// Runs the four blocks.
pub(super) fn run(sources: &Sources, progress: &mut Report<'_>) -> Vec<GroupResult> {
    let path = sources.vectors.join("mitigation").join(FILE);
    let bytes_total = std::fs::metadata(&path).map_or(0, |data| data.len());
    progress(Progress { suite: ID, item: FILE, bytes_done: 0, bytes_total });
    let mut published = Group::checked(format!("{FILE}: pfhedge"), "coins", DECIMALS_REASON);
    let mut closed = Group::checked(format!("{FILE}: bands and vols"), "relative", CLOSED_REASON);
    match read(&path) {
        Err(FileError::Absent(path)) => {
            return vec![published.not_run(format!("the file is absent: {path}"))];
        }
        Err(error) => closed.fault(FILE, error.to_string()),
        Ok(file) => {
            let blocks: [(&str, Result<(), CaseError>); 4] = [
                ("ww_pfhedge", pfhedge(&file, &mut published)),
                ("band_points", points(&file, &mut closed)),
                ("leland", leland(&file, &mut closed)),
                ("kamal_derman", clocks(&file, &mut closed)),
            ];
            for (block, done) in blocks {
                if let Err(error) = done {
                    closed.fault(block, error.to_string());
                }
            }
        }
    }
    progress(Progress { suite: ID, item: FILE, bytes_done: bytes_total, bytes_total });
    vec![published.finish(), closed.finish()]
}

fn cases<'a>(file: &'a Value, key: &'static str) -> Result<&'a Vec<Value>, CaseError> {
    file.get(key).and_then(Value::as_array).ok_or(CaseError::Text(key))
}

fn call((spot, strike): (f64, f64), (vol, years): (f64, f64)) -> Result<Greeks, CaseError> {
    let call = Black76 {
        forward: Forward::new(spot)?,
        strike: Strike::new(strike)?,
        vol: Vol::new(vol)?,
        expiry: YearFraction::new(years)?,
        discount: Discount::new(1.0)?,
        kind: OptionKind::Call,
    };
    Ok(call.greeks())
}

fn tolerance(risk_aversion: f64) -> Result<RiskTolerance, CaseError> {
    RiskTolerance::from_usd(1.0 / risk_aversion).map_err(|_| CaseError::Text("a risk aversion above zero"))
}

/// A call sold, at a cost: what a policy sees.
fn sold(greeks: &Greeks, (spot, vol): (f64, f64), (years, cost): (f64, f64)) -> Sight {
    let cost = Cost { proportional: cost, fixed_usd: 0.0 };
    Sight { spot, gamma: -greeks.gamma, vol, expiry_years: years, cost, hedge_age_years: 0.0 }
}

fn pfhedge(file: &Value, group: &mut Group) -> Result<(), CaseError> {
    for case in cases(file, "ww_pfhedge")? {
        let log_moneyness = number(case, "log_moneyness")?;
        let spot = kernel::exp(log_moneyness);
        let greeks = call((spot, 1.0), (0.2, 0.1))?;
        let policy = WhalleyWilmott { risk_tolerance: tolerance(1.0)? };
        let held = 0.5;
        let band = policy.band(&sold(&greeks, (spot, 0.2), (0.1, 1e-5)));
        let trade = decide(band, Exposure { delta: -greeks.delta, held });
        let ours = held + trade.unwrap_or(0.0);
        let theirs = number(case, "pfhedge")?;
        group.compare(Comparison { ours, theirs, tolerance: DECIMALS, scale: 1.0 }, || {
            format!("log-moneyness {log_moneyness}")
        });
    }
    Ok(())
}

fn points(file: &Value, group: &mut Group) -> Result<(), CaseError> {
    let block = file.get("band_points").ok_or(CaseError::Text("band_points"))?;
    let greeks = call((100.0, 100.0), (0.8, MONTH))?;
    for case in cases(block, "points")? {
        let (cost, aversion) = (number(case, "lam")?, number(case, "g")?);
        let risk_tolerance = tolerance(aversion)?;
        let sight = sold(&greeks, (100.0, 0.8), (MONTH, cost));
        let policy = Zakamouline { risk_tolerance };
        let parts = policy.parts(&sight);
        let vol = 0.8 * policy.variance_factor(&sight).sqrt();
        let delta = call((100.0, 100.0), (vol, MONTH))?.delta;
        let ours = [
            ("ww_halfwidth", WhalleyWilmott { risk_tolerance }.half_width(&sight)),
            ("zak_H0", parts.h0),
            ("zak_H1", parts.h1),
            ("zak_K", parts.k),
            ("zak_sigma_short", vol),
            ("zak_delta", delta),
        ];
        for (key, ours) in ours {
            let theirs = number(case, key)?;
            group.compare(Comparison { ours, theirs, tolerance: CLOSED, scale: theirs.abs() }, || {
                format!("{key} at cost {cost}, risk aversion {aversion}")
            });
        }
    }
    Ok(())
}

fn leland(file: &Value, group: &mut Group) -> Result<(), CaseError> {
    let greeks = call((100.0, 100.0), (0.8, MONTH))?;
    for case in cases(file, "leland")? {
        let cost = number(case, "k_oneway")?;
        let sight = sold(&greeks, (100.0, 0.8), (MONTH, cost));
        let found = LelandNumber::new(&sight, number(case, "dt_years")?);
        let ours = [
            ("Le", found.0),
            ("sigma_hat_short", 0.8 * found.variance_factor(-1.0).sqrt()),
            ("sigma_hat_long", 0.8 * found.variance_factor(1.0).sqrt()),
        ];
        for (key, ours) in ours {
            let theirs = number(case, key)?;
            group.compare(Comparison { ours, theirs, tolerance: CLOSED, scale: theirs.abs() }, || {
                format!("{key} at cost {cost}")
            });
        }
    }
    Ok(())
}

fn clocks(file: &Value, group: &mut Group) -> Result<(), CaseError> {
    let block = file.get("kamal_derman").ok_or(CaseError::Text("kamal_derman"))?;
    let vega = call((100.0, 100.0), (0.8, MONTH))?.vega;
    for (key, rebalances) in [("30", 30), ("90", 90), ("720", 720)] {
        let (ours, theirs) = (kamal_derman(vega * 0.8, rebalances), number(block, key)?);
        group.compare(Comparison { ours, theirs, tolerance: CLOSED, scale: theirs }, || {
            format!("{rebalances} rebalances")
        });
    }
    Ok(())
}
