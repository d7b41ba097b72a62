//! `cargo bench -p pricing`: time per item and the ratio to a scalar implementation with the crate `libm`, same run.
//!
//! The median and the least of many short runs; the least is what a machine without other work gives. Timings are for people, the ratio is
//! what `tests/floor.rs` guards.
#![allow(clippy::disallowed_methods, clippy::panic, clippy::unwrap_used, missing_docs)]

#[path = "../tests/common/mod.rs"]
mod common;

use common::{Generator, Options, scalar_libm};
use pricing::batch::{Greeks5Columns, greeks5_slice, price_slice};
use pricing::implied_vol::{Deterministic, ImpliedVol, OptionQuote, Reference};
use pricing::revalue::{ContractRow, SpotFactors, revalue_grid, revalue_rows};
use std::hint::black_box;
use std::time::Instant;
use units::{Discount, Forward, Strike, YearFraction};

const COUNT: usize = 100_000;

/// Nanoseconds per item: the median and the least of many short runs.
#[derive(Clone, Copy)]
struct Timing {
    median: f64,
    least: f64,
}

fn time(items: usize, repetitions: usize, mut work: impl FnMut()) -> Timing {
    let mut times: Vec<f64> = (0..repetitions)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64() * 1e9 / items as f64
        })
        .collect();
    times.sort_by(f64::total_cmp);
    Timing { median: times[times.len() / 2], least: times[0] }
}

fn report(name: &str, ours: Timing, baseline: Timing) {
    println!(
        "{name:<42} median {:>6.2} least {:>6.2} ns   scalar libm {:>6.2} {:>6.2} ns   ratio {:>5.1} {:>5.1}",
        ours.median,
        ours.least,
        baseline.median,
        baseline.least,
        baseline.median / ours.median,
        baseline.least / ours.least
    );
}

fn inputs(options: &Options, i: usize) -> scalar_libm::Inputs {
    scalar_libm::Inputs {
        forward: options.forward[i],
        strike: options.strike[i],
        vol: options.vol[i],
        expiry: options.expiry_years[i],
        discount: options.discount[i],
        kind: options.kind[i],
    }
}

fn bench_batch(options: &Options) {
    let columns = options.columns();
    let mut price = vec![0.0; options.len()];
    let ours = time(COUNT, 201, || price_slice(black_box(&columns), &mut price).unwrap());
    let mut expected = vec![0.0; options.len()];
    let baseline = time(COUNT, 21, || {
        for (i, out) in expected.iter_mut().enumerate() {
            *out = scalar_libm::price(&inputs(black_box(options), i));
        }
    });
    report("price", ours, baseline);

    let (mut value, mut delta, mut gamma) = (price.clone(), price.clone(), price.clone());
    let (mut vega, mut theta) = (price.clone(), price.clone());
    let mut five = |columns: &_| {
        let mut out = Greeks5Columns {
            value: &mut value,
            delta: &mut delta,
            gamma: &mut gamma,
            vega: &mut vega,
            theta_per_year: &mut theta,
        };
        greeks5_slice(black_box(columns), &mut out).unwrap();
    };
    let ours = time(COUNT, 201, || five(&columns));
    let mut rows = vec![[0.0; 5]; options.len()];
    let baseline = time(COUNT, 21, || {
        for (i, out) in rows.iter_mut().enumerate() {
            *out = scalar_libm::greeks5(&inputs(black_box(options), i));
        }
    });
    report("price, delta, gamma, vega, theta", ours, baseline);
    let ones = vec![1.0; options.len()];
    let mut undiscounted = columns;
    undiscounted.discount = &ones;
    let ours = time(COUNT, 201, || five(&undiscounted));
    report("the same without discounting", ours, baseline);
}

fn bench_scalar(options: &Options) {
    let scalar: Vec<pricing::Black76> = (0..10_000).map(|i| common::option(options, i)).collect();
    let mut sink = 0.0;
    let ours = time(scalar.len(), 101, || sink = scalar.iter().map(|o| black_box(o).price()).sum());
    let baseline = time(scalar.len(), 31, || {
        sink = (0..scalar.len()).map(|i| scalar_libm::price(&inputs(black_box(options), i))).sum();
    });
    report("one price by call", ours, baseline);
    let ours = time(scalar.len(), 101, || sink = scalar.iter().map(|o| black_box(o).greeks().zomma).sum());
    report("all greeks by call (baseline: price only)", ours, baseline);
    black_box(sink);
}

fn bench_implied_vol(options: &Options) {
    let quotes: Vec<OptionQuote> = (0..10_000)
        .map(|i| common::option(options, i))
        .map(|option| OptionQuote::of(&option, option.price()))
        .collect();
    let mut sink = 0.0;
    let mut sum = |solver: &dyn ImpliedVol| {
        time(quotes.len(), 51, || {
            sink = quotes.iter().map(|quote| solver.implied_vol(black_box(quote)).unwrap().get()).sum();
        })
    };
    let (own, reference) = (sum(&Deterministic), sum(&Reference));
    let together = time(quotes.len(), 51, || {
        black_box(Deterministic.implied_vols(black_box(&quotes)));
    });
    let baseline = time(quotes.len(), 21, || {
        let solve =
            |(i, quote): (usize, &OptionQuote)| scalar_libm::implied_vol(&inputs(options, i), quote.price);
        sink = quotes.iter().enumerate().map(solve).sum();
    });
    black_box(sink);
    report("implied vol, deterministic, one by call", own, baseline);
    report("implied vol, deterministic, many", together, baseline);
    report("implied vol, reference (implied-vol)", reference, baseline);
}

fn contract_rows(options: &Options, count: usize) -> Vec<ContractRow> {
    (0..count)
        .map(|i| {
            ContractRow::new(
                Forward::new(options.forward[i]).unwrap(),
                Strike::new(options.strike[i]).unwrap(),
                YearFraction::new(options.expiry_years[i]).unwrap(),
                Discount::new(options.discount[i]).unwrap(),
                options.kind[i],
            )
        })
        .collect()
}

/// 10,000 options x 1,000 scenarios, each pair with its own forward and vol, in slabs of 100 options.
fn bench_revaluation(options: &Options) {
    const OPTIONS: usize = 10_000;
    const SCENARIOS: usize = 1_000;
    const SLAB: usize = 100;
    let rows = contract_rows(options, OPTIONS);
    let mut generator = Generator::new(7);
    let factors = SpotFactors::new((0..SCENARIOS).map(|_| generator.uniform(0.7, 1.3)).collect()).unwrap();
    let vols: Vec<f64> = (0..SLAB * SCENARIOS).map(|_| generator.uniform(0.2, 1.8)).collect();
    let mut values = vec![0.0; SLAB * SCENARIOS];
    // One run is one slab, so that an interruption spoils one run of many.
    let mut slabs = rows.chunks(SLAB).cycle();
    let ours = time(SLAB * SCENARIOS, 3 * OPTIONS / SLAB, || {
        let slab = slabs.next().unwrap_or_default();
        revalue_rows(black_box(slab), &factors, &vols, &mut values).unwrap();
    });
    let baseline = time(SLAB * SCENARIOS, 7, || {
        for i in 0..SLAB {
            for (j, factor) in factors.factors().iter().enumerate() {
                let mut one = inputs(black_box(options), i);
                one.forward *= factor;
                one.vol = vols[i * SCENARIOS + j];
                values[i * SCENARIOS + j] = scalar_libm::price(&one);
            }
        }
    });
    report("revaluation per option and scenario", ours, baseline);
    let levels: Vec<f64> = (0..10).map(|i| 0.3 + 0.1 * f64::from(i)).collect();
    let spots = SpotFactors::new(factors.factors()[..100].to_vec()).unwrap();
    let mut grid = vec![0.0; 1_000];
    let mut slabs = rows.chunks(SLAB).cycle();
    let ours = time(SLAB * 1_000, 3 * OPTIONS / SLAB, || {
        for row in slabs.next().unwrap_or_default() {
            revalue_grid(black_box(row), &spots, &levels, &mut grid).unwrap();
        }
    });
    report("grid of 100 spots x 10 vols, per cell", ours, baseline);
}

fn main() {
    // `cargo test --benches` runs this file too: nothing to check there.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    println!("hardware fused multiply-add: {}", pricing::has_hardware_fma());
    let options = Options::random(COUNT, 42);
    bench_batch(&options);
    bench_scalar(&options);
    bench_implied_vol(&options);
    bench_revaluation(&options);
}
