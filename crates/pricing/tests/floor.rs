//! The floor under the speed of the slice kernels: at least three times the scalar baseline, measured in the same run.
//!
//! A ratio, never seconds; the best of several attempts, because noise only ever slows a measurement down. Losing vectorisation
//! costs a factor of four or more and fails every attempt.
#![allow(clippy::disallowed_methods, clippy::panic, clippy::unwrap_used, missing_docs)]

mod common;

use common::{Options, scalar_libm};
use pricing::batch::price_slice;
use pricing::revalue::{ContractRow, SpotFactors, revalue_rows};
use std::hint::black_box;
use std::time::Instant;

const FLOOR: f64 = 3.0;
const COUNT: usize = 4_000;

/// The shortest of several runs, in seconds.
fn shortest(mut work: impl FnMut()) -> f64 {
    let run = |_| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64()
    };
    (0..9).map(run).fold(f64::INFINITY, f64::min)
}

fn baseline(options: &Options, out: &mut [f64]) {
    for (i, out) in out.iter_mut().enumerate() {
        let one = scalar_libm::Inputs {
            forward: options.forward[i],
            strike: options.strike[i],
            vol: options.vol[i],
            expiry: options.expiry_years[i],
            discount: options.discount[i],
            kind: options.kind[i],
        };
        *out = scalar_libm::price(&one);
    }
}

fn check(name: &str, ours: &mut dyn FnMut(), options: &Options) {
    let mut sink = vec![0.0; COUNT];
    let mut best = 0.0f64;
    for _ in 0..5 {
        let ours = shortest(&mut *ours);
        let scalar = shortest(|| baseline(black_box(options), &mut sink));
        best = best.max(scalar / ours);
        if best >= FLOOR {
            break;
        }
    }
    println!("{name}: {best:.1} times the scalar baseline");
    assert!(best >= FLOOR, "{name}: {best:.2} times the scalar baseline, the floor is {FLOOR}");
}

#[test]
fn slices_beat_scalar_code_threefold() {
    if !pricing::has_hardware_fma() {
        // Straight to standard error: the test harness swallows what a passing test prints.
        let _ = std::io::Write::write_fmt(
            &mut std::io::stderr(),
            format_args!("did not run: this processor has no fused multiply-add\n"),
        );
        return;
    }
    let options = Options::random(COUNT, 8);
    let columns = options.columns();
    let mut price = vec![0.0; COUNT];
    check("price_slice", &mut || price_slice(black_box(&columns), &mut price).unwrap(), &options);

    let rows: Vec<ContractRow> = (0..8).map(|i| ContractRow::from(&common::option(&options, i))).collect();
    let factors = SpotFactors::new((0..500).map(|i| 0.75 + 0.001 * f64::from(i)).collect()).unwrap();
    let mut values = vec![0.0; COUNT];
    let mut work = || revalue_rows(black_box(&rows), &factors, &options.vol, &mut values).unwrap();
    check("revalue_rows", &mut work, &options);
}
