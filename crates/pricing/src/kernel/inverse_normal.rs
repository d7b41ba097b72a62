//! Quantile of the standard normal: AS 241 (PPND16) of Wichura, Applied Statistics 37 (1988) 477-484, relative error about
//! 1e-16 in exact arithmetic. The coefficients are the published ones; the paper's hash sums are checked in a test.
//! Only this crate's logarithm, square roots and fused multiply-adds are used, so bits are the same everywhere.

use super::ln;

/// Rational function in the centre, |p - 1/2| <= 0.425, in 0.180625 - (p - 1/2)².
const CENTRE: ([f64; 8], [f64; 8]) = (
    [
        3.387_132_872_796_366_5,
        1.331_416_678_917_843_8e2,
        1.971_590_950_306_551_3e3,
        1.373_169_376_550_946e4,
        4.592_195_393_154_987e4,
        6.726_577_092_700_87e4,
        3.343_057_558_358_813e4,
        2.509_080_928_730_122_7e3,
    ],
    [
        1.0,
        4.231_333_070_160_091e1,
        6.871_870_074_920_579e2,
        5.394_196_021_424_751e3,
        2.121_379_430_158_659_7e4,
        3.930_789_580_009_271e4,
        2.872_908_573_572_194_3e4,
        5.226_495_278_852_854e3,
    ],
);
/// Tail up to sqrt(-ln p) = 5, in sqrt(-ln p) - 1.6.
const TAIL: ([f64; 8], [f64; 8]) = (
    [
        1.423_437_110_749_683_5,
        4.630_337_846_156_546,
        5.769_497_221_460_691,
        3.647_848_324_763_204_5,
        1.270_458_252_452_368_4,
        2.417_807_251_774_506e-1,
        2.272_384_498_926_918_4e-2,
        7.745_450_142_783_414e-4,
    ],
    [
        1.0,
        2.053_191_626_637_759,
        1.676_384_830_183_803_8,
        6.897_673_349_851e-1,
        1.481_039_764_274_800_8e-1,
        1.519_866_656_361_645_7e-2,
        5.475_938_084_995_345e-4,
        1.050_750_071_644_416_9e-9,
    ],
);
/// Far tail, in sqrt(-ln p) - 5.
const FAR: ([f64; 8], [f64; 8]) = (
    [
        6.657_904_643_501_103,
        5.463_784_911_164_114,
        1.784_826_539_917_291_3,
        2.965_605_718_285_048_7e-1,
        2.653_218_952_657_612_4e-2,
        1.242_660_947_388_078_4e-3,
        2.711_555_568_743_487_6e-5,
        2.010_334_399_292_288_1e-7,
    ],
    [
        1.0,
        5.998_322_065_558_88e-1,
        1.369_298_809_227_358e-1,
        1.487_536_129_085_061_5e-2,
        7.868_691_311_456_133e-4,
        1.846_318_317_510_054_8e-5,
        1.421_511_758_316_446e-7,
        2.044_263_103_389_939_8e-15,
    ],
);

/// The x with N(x) = p: negative infinity at 0, infinity at 1, NaN outside [0, 1].
///
/// ```
/// use pricing::kernel;
/// // Half a digit of 0.99 over the density there, 5.5e-17/0.0267, and the rounding of the result.
/// assert!((kernel::norm_inv(0.99) - 2.326_347_874_040_841).abs() < 3e-15);
/// ```
#[must_use]
pub fn norm_inv(p: f64) -> f64 {
    if p.is_nan() || !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        return q * rational(&CENTRE, 0.180_625 - q * q);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    if tail <= 0.0 {
        return if q < 0.0 { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    let r = (-ln(tail)).sqrt();
    let x = if r <= 5.0 { rational(&TAIL, r - 1.6) } else { rational(&FAR, r - 5.0) };
    if q < 0.0 { -x } else { x }
}

fn rational((numerator, denominator): &([f64; 8], [f64; 8]), x: f64) -> f64 {
    horner(numerator, x) / horner(denominator, x)
}

fn horner(coefficients: &[f64; 8], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum: f64, c| sum.mul_add(x, *c))
}

#[cfg(test)]
#[allow(clippy::float_cmp)] // bits are compared on purpose
mod tests {
    use super::super::norm_cdf;
    use super::*;

    #[test]
    fn the_coefficients_add_up_to_the_hash_sums_of_the_paper() {
        // The paper prints sums of mantissas: each coefficient divided by its power of ten, without the denominator's 1.
        let mantissa = |set: &([f64; 8], [f64; 8])| -> f64 {
            let all = set.0.iter().chain(set.1.iter().skip(1));
            all.map(|c| format!("{c:e}").split('e').next().unwrap().parse::<f64>().unwrap()).sum()
        };
        // Fifteen numbers of 16 digits: each is rounded once.
        let limit = 15.0 * f64::EPSILON * 10.0;
        assert!((mantissa(&CENTRE) - 55.883_192_880_614_9).abs() < limit);
        assert!((mantissa(&TAIL) - 49.332_065_033_016_1).abs() < limit);
        assert!((mantissa(&FAR) - 47.525_833_175_492_9).abs() < limit);
    }

    #[test]
    fn it_inverts_the_distribution_function() {
        for step in 0..=3700 {
            let x = -37.0 + f64::from(step) * 0.01;
            let p = norm_cdf(x);
            // An error of a few ulp in p moves x by that relative error over the hazard, which is about |x|; the centre by
            // the square root of two pi.
            let limit = 16.0 * f64::EPSILON * (1.0 + x.abs());
            assert!((norm_inv(p) - x).abs() <= limit, "x {x}: {}", norm_inv(p));
        }
    }

    #[test]
    fn both_tails_are_mirror_images_where_the_complement_is_exact() {
        for p in [0.5, 0.25, 0.125, 0.031_25, 0.000_976_562_5] {
            assert_eq!(norm_inv(p).to_bits() & !(1 << 63), norm_inv(1.0 - p).to_bits() & !(1 << 63));
        }
        assert_eq!(norm_inv(0.0), f64::NEG_INFINITY);
        assert_eq!(norm_inv(1.0), f64::INFINITY);
        assert!(norm_inv(-0.1).is_nan() && norm_inv(1.1).is_nan() && norm_inv(f64::NAN).is_nan());
    }
}
