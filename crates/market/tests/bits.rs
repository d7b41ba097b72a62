//! The bits of a fitted surface, hashed: equal on every machine and build.
//!
//! Run with other `-C target-cpu` settings this same literal must hold; `.ci/run` does so.

#![allow(clippy::unwrap_used)] // test code: a failure to build a fixture is a failed test

use market::surface::{ExpiryQuotes, VolQuote, VolSurface};
use units::{Forward, Timestamp};

const GOLDEN: u64 = 0x083f_e8d4_0515_2d49;

fn hash() -> u64 {
    let asof = Timestamp::from_utc_date(2026, 2, 5, 8).unwrap();
    let expiry = |days: i64| {
        let level = 0.5 + 0.1 / (1.0 + f64::from(u32::try_from(days).unwrap()) / 20.0);
        let expiry = asof.plus_millis(days * 86_400_000);
        let deviation = level * asof.years_until(expiry).unwrap().get().sqrt();
        let quote = |i: i32| {
            let z = 0.2 * f64::from(i);
            let half_spread = level * (0.01 + 0.004 * z * z);
            let ripple = 0.4 * half_spread * f64::from((i * 7).rem_euclid(5) - 2);
            let vol = level * (1.0 - 0.07 * z + 0.05 * z * z) + ripple;
            VolQuote { log_moneyness: z * deviation, vol, half_spread }
        };
        let quotes = (-14..=14).map(quote).collect();
        ExpiryQuotes { expiry, forward: Forward::new(70_000.0).unwrap(), quotes, dropped: Default::default() }
    };
    let fit = VolSurface::fit(asof, &[1, 2, 9, 30, 79, 205, 324].map(expiry));
    let text = format!("{:?}{:?}", fit.expiries, fit.surface.check());
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[test]
fn a_fitted_surface_has_these_bits() {
    assert_eq!(format!("{:#x}", hash()), format!("{GOLDEN:#x}"));
}
