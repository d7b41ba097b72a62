//! The reference Monte Carlo of the mitigation vectors: every strategy at every cost, within three standard errors.
//!
//! `PLIMSOLL_PATHS` sets how many paths (20,000 are the reference's own number); 4,000 by default.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods, missing_docs)]

use backtest::monte_carlo::{Diffusion, Leg, Outcome, Setup, Strategy, run};
use hedge::policy::{Aim, Clock, Cost, FixedBand, Leland, Policy, RiskTolerance, Width};
use paper::Seed;
use pricing::OptionKind;
use serde_json::Value;
use std::path::PathBuf;

const HOUR: f64 = 1.0 / 8760.0;

fn shared() -> PathBuf {
    std::env::var_os("PLIMSOLL_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from)
}

/// A strategy by the name that the reference gives it; the delay is in steps of ten minutes.
fn strategy(name: &str, proportional: f64) -> Strategy {
    let (word, rest) = name.split_once('_').unwrap_or((name, ""));
    let number = |text: &str| text.trim_start_matches(['g', '_']).parse::<f64>().unwrap();
    let hours = |text: &str| number(text.trim_end_matches('h')) * HOUR;
    let aim = |text| Aim::Tolerance(RiskTolerance::from_usd(1.0 / number(text)).unwrap());
    let mut delay_steps = 0;
    let policy = match word {
        "none" => None,
        "fixed" => {
            let (interval, late) = rest.split_once('_').unwrap_or((rest, ""));
            delay_steps = if late == "lat20min" { 2 } else { 0 };
            Some(Policy::Clock(Clock { interval_years: hours(interval) }))
        }
        "leland" => Some(Policy::Leland(Leland { interval_years: hours(rest) })),
        "band" => {
            let (end, width) = rest.split_once('_').unwrap();
            let end = if end == "edge" { 1.0 } else { 0.0 };
            Some(Policy::Band(FixedBand { half_width: Width::Coins(number(width)), end }))
        }
        "ww" => Some(Policy::WhalleyWilmott(aim(rest))),
        "zak" => Some(Policy::Zakamouline(aim(rest))),
        other => panic!("a strategy that nobody knows: {other}"),
    };
    Strategy {
        name: format!("{name} at {proportional}"),
        policy,
        cost: Cost { proportional, fixed_usd: 0.0 },
        delay_steps,
    }
}

fn reference() -> Option<Value> {
    let path = shared().join("vectors/mitigation/hedge_mc_reference.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("not run: {} is absent", path.display());
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

fn setup(pairs: usize) -> Setup {
    Setup {
        spot: 100.0,
        diffusion: Diffusion { vol: 0.8, jumps: None },
        legs: vec![Leg {
            quantity: -1.0,
            strike: 100.0,
            expiry_steps: 4_320,
            vol: 0.8,
            kind: OptionKind::Call,
        }],
        steps: 4_320,
        step_years: HOUR / 6.0,
        pairs,
        seed: Seed::new(20_251_010),
    }
}

#[test]
fn every_strategy_at_every_cost_is_within_three_standard_errors_of_the_reference() {
    let Some(reference) = reference() else { return };
    let paths: usize = std::env::var("PLIMSOLL_PATHS").ok().map_or(4_000, |n| n.parse().unwrap());
    let rows = reference["rows"].as_array().unwrap();
    let mut strategies: Vec<Strategy> = rows
        .iter()
        .map(|row| strategy(row["strategy"].as_str().unwrap(), row["cost"].as_f64().unwrap()))
        .collect();
    // Clocks between those of the reference, so that the best of them is a tuned one.
    for cost in COSTS {
        strategies.extend(["fixed_2h", "fixed_4h"].map(|name| strategy(name, cost)));
    }
    let outcomes = run(&setup(paths / 2), &strategies, &|_| {}).unwrap();
    println!("{paths} paths: ours, the reference's, distance in standard errors of the difference");
    let mut worst: (f64, String) = (0.0, String::new());
    for (row, outcome) in rows.iter().zip(&outcomes) {
        let s = outcome.statistics;
        let theirs = |key: &str| row[key].as_f64().unwrap();
        let mut line = format!("{:34}", outcome.name);
        for (key, ours, error) in
            [("mean", s.mean, s.mean_error), ("sd", s.sd, s.sd_error), ("cvar95", s.cvar95, s.cvar95_error)]
        {
            let both = error.hypot(theirs(&format!("se_{key}")));
            let distance = (ours - theirs(key)) / both;
            line += &format!("  {key} {ours:8.4} {:8.4} {distance:5.2}", theirs(key));
            if distance.abs() > worst.0 {
                worst = (distance.abs(), format!("{key} of {}", outcome.name));
            }
        }
        println!(
            "{line}  trades {:7.1} {:7.1}  cost {:.4} {:.4}",
            outcome.trades,
            theirs("trades"),
            outcome.cost_usd,
            theirs("cost_paid")
        );
    }
    println!("worst: {:.2} standard errors, {}", worst.0, worst.1);
    assert!(worst.0 <= 3.0, "{worst:?}");
    bands_beat_clocks(&outcomes);
}

const COSTS: [f64; 3] = [0.0002, 0.0005, 0.001];

/// The best band's tail is at least a quarter shorter than the best clock's, at each cost.
fn bands_beat_clocks(outcomes: &[Outcome]) {
    for cost in COSTS {
        let best = |words: &[&str]| {
            let of_cost = outcomes.iter().filter(|outcome| outcome.name.ends_with(&format!(" at {cost}")));
            let named = of_cost.filter(|outcome| words.iter().any(|word| outcome.name.starts_with(word)));
            let tails = named.map(|outcome| (outcome.statistics.cvar95, outcome.name.as_str()));
            tails.min_by(|a, b| a.0.total_cmp(&b.0)).unwrap()
        };
        let (clock, band) = (best(&["fixed", "leland"]), best(&["ww", "zak"]));
        let less = 100.0 * (1.0 - band.0 / clock.0);
        println!("CVaR95 of {} {:.3}, of {} {:.3}: {less:.1} % less", band.1, band.0, clock.1, clock.0);
        assert!(band.0 <= 0.75 * clock.0, "at {cost}");
    }
}
