//! The bytes of a whole report, hashed: equal on every machine, build and number of threads.
//!
//! Run with other `-C target-cpu` settings this same literal must hold; `.ci/run` does so. When a published figure moves on
//! purpose, update the literal and say so in CHANGELOG.md under "Numbers changed".

#![allow(clippy::unwrap_used)] // test code: a failure to build a fixture is a failed test

#[path = "it/fixture.rs"]
#[allow(dead_code)]
mod fixture;

use fixture::{book, desk, market, snapshot};
use risk::{CurveAxes, GroupBy, Inputs, LadderAxes, Report, ScenarioFile};
use std::fmt::Write;

const GOLDEN: u64 = 0x8902_8bdf_9029_d8c7;

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
