//! The bytes of a whole report, hashed: equal on every machine, build and number of threads.
//!
//! Run with other `-C target-cpu` settings this same literal must hold; `.ci/run` does so. When a published figure moves on
//! purpose, update the literal and say so in CHANGELOG.md under "Numbers changed".

#![allow(clippy::unwrap_used)] // test code: a failure to build a fixture is a failed test

#[path = "it/fixture.rs"]
#[allow(dead_code)]
mod fixture;

use fixture::{book, desk, market, snapshot};
use risk::covariance::CovarianceFile;
use risk::reverse::{Reach, Reverse};
use risk::var::{Confidence, Gradient, Holdings, Measured, ScenarioPnl, parametric, taylor};
use risk::{CurveAxes, Drivers, GroupBy, Inputs, LadderAxes, Report, ScenarioFile, Valuation};
use std::fmt::Write;

const GOLDEN: u64 = 0x30fc_8d03_390b_3d90;

/// Every number of the report as text (floats in their shortest exact form), FNV-1a over the bytes.
fn hash() -> u64 {
    let (book, snapshot, market) = (book(&desk()), snapshot(), market());
    let ladder =
        LadderAxes { spot_returns: vec![-0.4, -0.1, 0.0, 0.1, 0.4], vol_points: vec![-20.0, 0.0, 50.0] };
    let curve =
        CurveAxes { from_return: -0.5, to_return: 0.5, points: 101, horizon_days: vec![0.0, 1.0, 7.0] };
    let stress = ScenarioFile::parse("stress.toml", include_str!("../../../scenarios/stress.toml")).unwrap();
    let report = Report::new(Inputs {
        book: &book,
        snapshot: &snapshot,
        market: &market,
        group_by: &[GroupBy::Underlying, GroupBy::Venue],
        ladder: &ladder,
        curve: &curve,
        scenarios: &stress.scenarios,
    })
    .unwrap();
    let mut text = String::new();
    write!(
        text,
        "{:?}{:?}{:?}{:?}{:?}{:?}{:?}{:?}",
        report.rows,
        report.groups,
        report.total,
        report.ladders,
        report.curves,
        report.stress,
        report.reconciliation,
        report.hedges
    )
    .unwrap();
    fnv(&text)
}

fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[test]
fn the_bytes_of_a_report_do_not_depend_on_machine_build_or_threads() {
    for threads in [1, 2, 5] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(format!("{:#x}", pool.install(hash)), format!("{GOLDEN:#x}"), "{threads} threads");
    }
}

const GOLDEN_MEASURES: u64 = 0x0ab3_b4d8_251d_e007;

/// Draws from the embedded covariance, VaR and ES by each method on them, and a reverse stress.
fn measures_hash() -> u64 {
    let (book, market) = (book(&desk()), market());
    let valuation = Valuation::new(&book, &market);
    let file =
        CovarianceFile::parse("covariance.toml", include_str!("../../../scenarios/covariance.toml")).unwrap();
    let at_hand = file.covariance.factors.iter().cloned().collect();
    let priced = valuation.board.contracts.values().chain(valuation.board.assets.values());
    let drivers = Drivers::new(priced.filter_map(|p| p.as_ref().ok()), &at_hand, &file.proxies, 0.5);
    let holdings = Holdings::new(&book, &valuation.board, &market, &drivers).unwrap();
    let covariance = file.covariance.only(&drivers.factors).over(10);
    let draws = covariance.cholesky().unwrap().draws(7, 300);
    let shocks: Vec<_> = draws.iter().map(|x| drivers.shock(x)).collect();
    let confidence = Confidence::new(0.975).unwrap();
    let gradient = Gradient::new(&holdings, &drivers);
    let greeks = taylor(&holdings, &shocks, &drivers).unwrap();
    let full = ScenarioPnl::revalued(&holdings, shocks).unwrap();
    let reverse = Reverse::new(&covariance).unwrap();
    let harm = |points: &[Vec<f64>]| {
        let pnl = ScenarioPnl::revalued(&holdings, points.iter().map(|x| drivers.shock(x)).collect())?;
        Ok::<_, risk::ShockError>(pnl.total().iter().map(|p| -p.to_f64() - 5e5).collect())
    };
    let slopes = (gradient.total.as_slice(), gradient.second.as_slice());
    let found = reverse.revalued(slopes, &[], Reach { distance: 8.0 }, &harm).unwrap();
    let measured = [
        Measured::of_scenarios(&full, confidence).unwrap(),
        Measured::of_scenarios(&greeks, confidence).unwrap(),
        parametric(&gradient, &holdings.slices, &covariance, confidence).unwrap(),
    ];
    fnv(&format!("{draws:?}{measured:?}{:?}{found:?}", reverse.delta_gamma(slopes.0, slopes.1, 5e5)))
}

#[test]
fn the_bytes_of_measures_do_not_depend_on_machine_build_or_threads() {
    for threads in [1, 2, 5] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let hash = pool.install(measures_hash);
        assert_eq!(format!("{hash:#x}"), format!("{GOLDEN_MEASURES:#x}"), "{threads} threads");
    }
}
