#![allow(clippy::float_cmp)] // bits are compared on purpose

use super::*;
use crate::dispatch;

/// Distance in units of the last place of `expected`.
fn ulps(actual: f64, expected: f64) -> f64 {
    let spacing = f64::from_bits(expected.abs().to_bits() + 1) - expected.abs();
    (actual - expected).abs() / spacing
}

type Function = fn(f64) -> f64;

fn worst(function: Function, cases: &serde_json::Value) -> f64 {
    let rows = cases.as_array().unwrap();
    let error =
        |row: &serde_json::Value| ulps(function(row["x"].as_f64().unwrap()), row["y"].as_f64().unwrap());
    rows.iter().map(error).fold(0.0, f64::max)
}

fn vectors() -> serde_json::Value {
    let file: serde_json::Value =
        serde_json::from_str(include_str!("../../tests/vectors/kernels.json")).unwrap();
    file["cases"].clone()
}

#[test]
fn elementary_functions_stay_within_their_stated_error() {
    let cases = vectors();
    let rows: [(&str, Function, f64); 4] =
        [("exp", exp, 1.0), ("ln", ln, 2.0), ("norm_cdf", norm_cdf, 4.0), ("norm_pdf", norm_pdf, 4.0)];
    for (name, function, limit) in rows {
        let error = worst(function, &cases[name]);
        println!("{name}: largest error {error:.2} ulp");
        assert!(error <= limit, "{name}: {error} ulp, stated {limit}");
    }
}

#[test]
fn powers_lose_what_the_size_of_the_exponent_costs() {
    let cases = vectors();
    for row in cases["pow"].as_array().unwrap() {
        let [base, exponent, y] = ["base", "exponent", "y"].map(|key| row[key].as_f64().unwrap());
        let limit = 2.0 + 2.0 * (exponent * ln(base)).abs();
        let error = ulps(pow(base, exponent), y);
        assert!(error <= limit, "{base}^{exponent}: {error} ulp, stated {limit}");
    }
}

#[test]
fn ends_of_the_range() {
    assert_eq!(exp(0.0), 1.0);
    assert_eq!(exp(-746.0), 0.0);
    assert_eq!(exp(710.0), f64::INFINITY);
    assert_eq!(exp(f64::NEG_INFINITY), 0.0);
    assert!(exp(f64::NAN).is_nan() && ln(f64::NAN).is_nan() && norm_cdf(f64::NAN).is_nan());
    // The smallest subnormal is 2^-1074.
    assert_eq!(exp(-1074.0 * std::f64::consts::LN_2), f64::from_bits(1));
    assert_eq!(ln(1.0), 0.0);
    assert_eq!(ln(0.0), f64::NEG_INFINITY);
    assert_eq!(ln(f64::INFINITY), f64::INFINITY);
    assert!(ln(-1.0).is_nan());
    assert!((ln(f64::from_bits(1)) + 1074.0 * std::f64::consts::LN_2).abs() < 1e-12);
    assert!((ln(f64::MAX) - 1024.0 * std::f64::consts::LN_2).abs() < 1e-12);
    assert_eq!(norm_cdf(0.0), 0.5);
    assert_eq!(norm_cdf(-40.0), 0.0);
    assert_eq!(norm_cdf(9.0), 1.0);
    assert_eq!(norm_pdf(40.0), 0.0);
    assert!(pow(-1.0, 2.0).is_nan());
}

/// Runs the same lanes through one entry point.
struct Lanes<'a>(&'a [f64]);

impl Task for Lanes<'_> {
    type Output = u64;
    #[inline(always)]
    fn run(self) -> u64 {
        let mut hash = 0xCBF2_9CE4_8422_2325u64;
        for x in self.0 {
            let (h1, h2) = mills_pair_lane(x.abs(), (x + 0.3).abs());
            for y in [exp_lane(*x), ln_ratio_lane(1.0 + x.abs(), 2.0), mills_lane(x.abs()), h1, h2] {
                hash = (hash ^ y.to_bits()).wrapping_mul(0x0000_0100_0000_01B3);
            }
        }
        hash
    }
}

#[test]
fn every_instruction_set_gives_the_same_bits() {
    let lanes: Vec<f64> = (-3_800..3_800).map(|i| f64::from(i) * 0.01).collect();
    let baseline = Lanes(&lanes).run();
    assert_eq!(dispatch::run(Lanes(&lanes)), baseline);
    for (name, hash) in dispatch::run_on_each(|| Lanes(&lanes)) {
        println!("{name}: {hash:016x}");
        assert_eq!(hash, baseline, "{name}");
    }
}
