//! Calibration of a whole chain and evaluation of a vol, one thread.
//!
//! `cargo bench -p market --bench surface` prints medians and ratios to baselines of the same run: for the fit, eSSVI slices by grid search on
//! the same quotes; for a vol, one Black-76 price. No figure is asserted.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, missing_docs)]

use market::surface::{Essvi, ExpiryQuotes, VolQuote, VolSurface};
use pricing::{Black76, OptionKind};
use std::hint::black_box;
use std::time::Instant;
use units::{Discount, Forward, Strike, Timestamp, Vol, YearFraction};

const RUNS: usize = 41;

fn main() {
    let asof = Timestamp::from_utc_date(2026, 2, 5, 8).unwrap();
    let quotes = chain(asof);
    let count: usize = quotes.iter().map(|expiry| expiry.quotes.len()).sum();
    println!("{} expiries, {count} quotes", quotes.len());
    let fit = median(|| drop(black_box(VolSurface::fit(asof, black_box(&quotes)))));
    let plain = median(|| {
        let mut earlier: Option<Essvi> = None;
        for expiry in &quotes {
            let years = asof.years_until(expiry.expiry).unwrap().get();
            earlier = Essvi::fit_after(&expiry.quotes, years, earlier.as_ref()).or(earlier);
        }
        black_box(earlier);
    });
    println!(
        "calibrate: {:.2} ms, {:.2}x the time of eSSVI by grid search ({:.2} ms)",
        fit * 1e3,
        fit / plain,
        plain * 1e3
    );
    let surface = VolSurface::fit(asof, &quotes).surface;
    evaluate(&surface);
}

fn evaluate(surface: &VolSurface) {
    let points: Vec<(Strike, YearFraction)> = (0..4096)
        .map(|i| {
            let strike = 30_000.0 + 25.0 * f64::from(i);
            let years = (1.0 + f64::from(i * 37 % 350)) / 365.0;
            (Strike::new(strike).unwrap(), YearFraction::new(years).unwrap())
        })
        .collect();
    let forward = Forward::new(70_000.0).unwrap();
    #[allow(clippy::cast_precision_loss)]
    let count = points.len() as f64;
    let vol = median(|| {
        for (strike, expiry) in &points {
            black_box(surface.vol(forward, *strike, *expiry).unwrap().unwrap());
        }
    }) / count;
    let price = median(|| {
        for (strike, expiry) in &points {
            let option = Black76 {
                forward,
                strike: *strike,
                vol: Vol::new(0.5).unwrap(),
                expiry: *expiry,
                discount: Discount::new(1.0).unwrap(),
                kind: OptionKind::Call,
            };
            black_box(black_box(option).price());
        }
    }) / count;
    println!(
        "a vol by strike and time: {:.1} ns, {:.2}x the time of one Black-76 price ({:.1} ns)",
        vol * 1e9,
        vol / price,
        price * 1e9
    );
}

/// Fourteen expiries of about 57 quotes, with half spreads that widen in the wings and a ripple of a quarter of one.
fn chain(asof: Timestamp) -> Vec<ExpiryQuotes> {
    let days = [1, 2, 3, 9, 16, 23, 30, 51, 79, 142, 205, 233, 324, 420];
    let one = |days: i64| {
        let expiry = asof.plus_millis(days * 86_400_000);
        let years = asof.years_until(expiry).unwrap().get();
        #[allow(clippy::cast_precision_loss)]
        let level = 0.48 + 0.15 / (1.0 + days as f64 / 20.0);
        let deviation = level * years.sqrt();
        let quotes = (0..57)
            .map(|i| {
                let z = 0.11 * f64::from(i) - 3.0;
                let half_spread = level * (0.012 + 0.004 * z * z);
                let ripple = 0.25 * half_spread * f64::from((i * 7) % 5 - 2) / 2.0;
                let smile = 1.0 - 0.06 * z + 0.045 * z * z / (1.0 + 0.15 * z * z);
                VolQuote { log_moneyness: z * deviation, vol: level * smile + ripple, half_spread }
            })
            .collect();
        ExpiryQuotes { expiry, forward: Forward::new(70_000.0).unwrap(), quotes, dropped: Default::default() }
    };
    days.into_iter().map(one).collect()
}

/// Seconds of a run.
fn median(mut run: impl FnMut()) -> f64 {
    let mut seconds: Vec<f64> = (0..RUNS)
        .map(|_| {
            let started = Instant::now();
            run();
            started.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    seconds[RUNS / 2]
}
