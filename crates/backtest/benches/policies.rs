//! 10,000 paths of 720 steps of a book of 20 options, by policy: nanoseconds of a step of a path, one thread.
//!
//! `cargo bench -p backtest` prints them with the ratio to the same rule vectorised in Python (`vectorised.py`: numpy and scipy, one array
//! operation over all paths at a time, as pfhedge does it), run in between on the same machine; without numpy and scipy it says so and
//! prints no ratio. `PLIMSOLL_PYTHON` names the interpreter, `PLIMSOLL_PATHS` another number of paths. No figure is asserted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    missing_docs
)]

use backtest::monte_carlo::{Diffusion, Leg, Setup, Strategy, run};
use hedge::policy::{Aim, Clock, Cost, FixedBand, Leland, Policy, RiskTolerance, TrackingError, Width};
use paper::Seed;
use pricing::OptionKind;
use std::process::Command;
use std::time::Instant;

const STEPS: usize = 720;
const LEGS: usize = 20;
const HOUR: f64 = 1.0 / 8760.0;

fn setup(paths: usize) -> Setup {
    let leg = |number: usize| Leg {
        quantity: if number.is_multiple_of(2) { -1.0 } else { 0.5 },
        strike: 80.0 + 40.0 * number as f64 / (LEGS - 1) as f64,
        expiry_steps: STEPS,
        vol: 0.8,
        kind: OptionKind::Call,
    };
    Setup {
        spot: 100.0,
        diffusion: Diffusion { vol: 0.8, jumps: None },
        legs: (0..LEGS).map(leg).collect(),
        steps: STEPS,
        step_years: HOUR,
        pairs: paths / 2,
        seed: Seed::new(1),
    }
}

/// Nanoseconds of a step, mean, standard deviation.
fn python(paths: usize, policy: &str) -> Option<[f64; 3]> {
    let interpreter = std::env::var("PLIMSOLL_PYTHON").unwrap_or_else(|_| "python3".into());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/vectorised.py");
    let sizes = [paths, STEPS, LEGS].map(|size| size.to_string());
    let output = Command::new(interpreter)
        .args([script.to_owned()].iter().chain(&sizes))
        .arg(policy)
        .env("OMP_NUM_THREADS", "1")
        .env("OPENBLAS_NUM_THREADS", "1")
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    let figures: Vec<f64> = text.split_whitespace().filter_map(|text| text.parse().ok()).collect();
    figures.try_into().ok()
}

fn main() {
    let paths: usize = std::env::var("PLIMSOLL_PATHS").ok().and_then(|n| n.parse().ok()).unwrap_or(10_000);
    let one = RiskTolerance::from_usd(1.0).unwrap();
    let daily = TrackingError { daily_sd_usd: 0.05 };
    let policies = [
        ("none", None),
        ("clock", Some(Policy::Clock(Clock { interval_years: HOUR }))),
        ("band", Some(Policy::Band(FixedBand { half_width: Width::Coins(0.05), end: 1.0 }))),
        ("leland", Some(Policy::Leland(Leland { interval_years: HOUR }))),
        ("whalley_wilmott", Some(Policy::WhalleyWilmott(Aim::Tolerance(one)))),
        ("whalley_wilmott of a deviation", Some(Policy::WhalleyWilmott(Aim::DailySd(daily)))),
        ("zakamouline", Some(Policy::Zakamouline(Aim::Tolerance(one)))),
        ("two_bands", Some(Policy::TwoBands(Aim::Tolerance(one)))),
    ];
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    println!("{paths} paths x {STEPS} steps, {LEGS} options, one thread; ns a step of a path");
    for (name, policy) in policies {
        let fixed_usd = if name == "two_bands" { 0.001 } else { 0.0 };
        let cost = Cost { proportional: 0.0005, fixed_usd };
        let strategy = Strategy { name: name.into(), policy, cost, delay_steps: 0 };
        let started = Instant::now();
        let outcome = pool.install(|| run(&setup(paths), &[strategy], &|_| {}).unwrap());
        let nanos = started.elapsed().as_secs_f64() * 1e9 / (paths * STEPS) as f64;
        let s = outcome[0].statistics;
        let mut line = format!("{name:32} {nanos:8.0} ns   mean {:8.4}  sd {:7.4}", s.mean, s.sd);
        if matches!(name, "clock" | "whalley_wilmott") {
            line += &match python(paths, name) {
                Some([theirs, mean, sd]) => format!(
                    "   vectorised Python {theirs:6.0} ns ({mean:8.4}, {sd:7.4}): {:.1} times as long",
                    theirs / nanos
                ),
                None => "   vectorised Python: not run, python3 with numpy and scipy is needed".into(),
            };
        }
        println!("{line}");
    }
}
