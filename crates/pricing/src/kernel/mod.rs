//! Elementary functions with the same bits on every machine: exp, ln, pow, and the normal distribution.
//!
//! The platform's libm differs between machines in the last bit, so results that reach the journal must not use it. These
//! functions use only `+ - * /`, square roots, fused multiply-add and integer operations on the bit pattern.
//!
//! | function | method | largest error |
//! |---|---|---|
//! | [`exp`] | x = n ln2 + r, polynomial of degree 11 in r | 1 ulp |
//! | [`ln`] | x = 2^k m, ln m = 2 atanh((m-1)/(m+1)), odd polynomial of degree 17 | 2 ulp |
//! | [`pow`] | exp(p ln x) | (2 + 2 abs(p ln x)) ulp |
//! | [`norm_cdf`] | N(-t) = exp(-t²/2) h(t), h the scaled tail (Mills' ratio times the density at 0) | 4 ulp |
//! | [`norm_inv`] | AS 241, three rational functions | 16 epsilon (1 + abs x) in x, through [`norm_cdf`] |
//!
//! h(t) = erfcx(t/√2)/2 is evaluated as P(u)/(1 + a t) with u = centre - scale/(t + k), P of degree 22, for t in [0, 39].
//! The coefficients come from `generate/coefficients.py`; the form is from reference note `pricing.md`, section 2.3.
//!
//! ```
//! use pricing::kernel;
//! assert_eq!(kernel::exp(0.0), 1.0);
//! assert!((kernel::norm_cdf(-1.0) - 0.158_655_253_931_457_05).abs() < 1e-16);
//! // Venues scale vol shocks by (30 / days)^p.
//! assert!((kernel::pow(30.0 / 7.5, 0.5) - 2.0).abs() < 1e-15);
//! ```

mod coefficients;
mod inverse_normal;

pub use inverse_normal::norm_inv;

use crate::dispatch::{self, Task};
use coefficients::{
    EXP_TAIL, INVERSE_SQRT_TAU, LN2_HIGH, LN2_LOW, LOG_TAIL, MILLS, MILLS_CENTRE, MILLS_LIMIT, MILLS_SCALE,
    MILLS_SHIFT, MILLS_SLOPE,
};

/// 1.5 x 2^52: adding it rounds to the nearest integer, which then sits in the low bits.
const ROUNDER: f64 = 6_755_399_441_055_744.0;
/// 2^52, and its bit pattern: an integer below 2^52 put into the low bits reads as 2^52 + integer.
const TWO_52: f64 = 4_503_599_627_370_496.0;
const TWO_52_BITS: u64 = 0x4330_0000_0000_0000;
const ONE_BITS: u64 = 0x3FF0_0000_0000_0000;
const HALF_STEP_BITS: u64 = 0x0008_0000_0000_0000;
const EXPONENT_BITS: u64 = 0x7FF0_0000_0000_0000;
/// exp(+-708) is a normal number, so that one multiplication by a power of two scales without loss.
const EXP_LIMIT: f64 = 708.0;
/// The ratio of two numbers inside these bounds has an exponent that fits.
const LN_RATIO_LIMIT: f64 = 1e150;

/// Density of the standard normal at zero.
pub(crate) const DENSITY_AT_ZERO: f64 = INVERSE_SQRT_TAU;
/// Beyond this distance N(-t) is below every normal number: arguments are clamped to it.
pub(crate) const TAIL_LIMIT: f64 = MILLS_LIMIT;

/// Into `[-limit, limit]`; NaN stays NaN. Compare-and-select, because `f64::clamp` does not vectorise.
#[inline(always)]
pub(crate) fn clamp(x: f64, limit: f64) -> f64 {
    let low = if x < -limit { -limit } else { x };
    if low > limit { limit } else { low }
}

/// The positive part; NaN stays NaN.
#[inline(always)]
pub(crate) fn positive_part(x: f64) -> f64 {
    if x < 0.0 { 0.0 } else { x }
}

/// e^x with x clamped to +-708.
#[inline(always)]
pub(crate) fn exp_lane(x: f64) -> f64 {
    let (mantissa, exponent) = exp_parts(clamp(x, EXP_LIMIT));
    mantissa * f64::from_bits((exponent << 52).wrapping_add(ONE_BITS))
}

/// e^x = mantissa x 2^exponent, for |x| < 1e5; the exponent is in two's complement, in the low 32 bits.
#[inline(always)]
fn exp_parts(x: f64) -> (f64, u64) {
    let shifted = x.mul_add(std::f64::consts::LOG2_E, ROUNDER);
    let n = shifted - ROUNDER;
    let r = n.mul_add(-LN2_LOW, n.mul_add(-LN2_HIGH, x));
    let s = r * r;
    let c = &EXP_TAIL;
    // Even and odd powers apart: half the latency of Horner's rule for one multiplication more.
    let even = s.mul_add(s.mul_add(s.mul_add(s.mul_add(c[8], c[6]), c[4]), c[2]), c[0]);
    let odd = s.mul_add(s.mul_add(s.mul_add(s.mul_add(c[9], c[7]), c[5]), c[3]), c[1]);
    let tail = r.mul_add(odd, even);
    (1.0 + s.mul_add(tail, r), shifted.to_bits())
}

/// ln(numerator / denominator) for positive numbers, clamped to [1e-150, 1e150] each.
///
/// The quotient is never formed: the numerator and the scaled denominator lie within a factor of 1.51, so that their
/// difference is exact and the result keeps its relative accuracy near the money.
#[inline(always)]
pub(crate) fn ln_ratio_lane(numerator: f64, denominator: f64) -> f64 {
    ln_ratio_unclamped(into_ratio_range(numerator), into_ratio_range(denominator))
}

#[inline(always)]
fn into_ratio_range(x: f64) -> f64 {
    const LOWEST: f64 = 1.0 / LN_RATIO_LIMIT;
    let low = if x < LOWEST { LOWEST } else { x };
    if low > LN_RATIO_LIMIT { LN_RATIO_LIMIT } else { low }
}

#[inline(always)]
fn ln_ratio_unclamped(numerator: f64, denominator: f64) -> f64 {
    // The difference of the bit patterns, read as fixed point, is log2 of the ratio to within 0.0861.
    let difference = numerator.to_bits().wrapping_sub(denominator.to_bits());
    let scale_bits = difference.wrapping_add(ONE_BITS + HALF_STEP_BITS) & EXPONENT_BITS;
    let scaled = denominator * f64::from_bits(scale_bits);
    let exponent = f64::from_bits((scale_bits >> 52) | TWO_52_BITS) - (TWO_52 + 1023.0);
    let z = (numerator - scaled) / (numerator + scaled);
    let w = z * z;
    let c = &LOG_TAIL;
    let v = w * w;
    let even = v.mul_add(v.mul_add(v.mul_add(c[6], c[4]), c[2]), c[0]);
    let odd = v.mul_add(v.mul_add(v.mul_add(c[7], c[5]), c[3]), c[1]);
    let tail = w.mul_add(odd, even);
    let small = exponent.mul_add(LN2_LOW, z * w * tail);
    exponent.mul_add(LN2_HIGH, z.mul_add(2.0, small))
}

/// ln of a positive number up to 1e150, subnormal ones included, without a branch.
#[inline(always)]
pub(crate) fn ln_tiny_lane(x: f64) -> f64 {
    const SHIFT: f64 = 60.0;
    let tiny = x < 1e-290;
    let scaled = if tiny { x * f64::from_bits(ONE_BITS + (60 << 52)) } else { x };
    let ln = ln_ratio_unclamped(scaled, 1.0);
    if tiny { (-SHIFT).mul_add(LN2_HIGH, (-SHIFT).mul_add(LN2_LOW, ln)) } else { ln }
}

/// The polynomial P(u) of the scaled tail.
#[inline(always)]
fn mills_polynomial(u: f64) -> f64 {
    let c = &MILLS;
    let w = u * u;
    let mut even = c[22];
    let mut odd = c[21];
    let mut power = 20;
    while power > 0 {
        even = even.mul_add(w, c[power]);
        odd = odd.mul_add(w, c[power - 1]);
        power -= 2;
    }
    odd.mul_add(u, even.mul_add(w, c[0]))
}

/// h(t) = N(-t) exp(t²/2) for t in [0, 39].
#[inline(always)]
pub(crate) fn mills_lane(t: f64) -> f64 {
    let shifted = t + MILLS_SHIFT;
    let slope = t.mul_add(MILLS_SLOPE, 1.0);
    let r = 1.0 / (shifted * slope);
    mills_polynomial((r * slope).mul_add(-MILLS_SCALE, MILLS_CENTRE)) * (r * shifted)
}

/// h(t) twice with one division.
#[inline(always)]
pub(crate) fn mills_pair_lane(t1: f64, t2: f64) -> (f64, f64) {
    let (shifted1, shifted2) = (t1 + MILLS_SHIFT, t2 + MILLS_SHIFT);
    let (slope1, slope2) = (t1.mul_add(MILLS_SLOPE, 1.0), t2.mul_add(MILLS_SLOPE, 1.0));
    let (product1, product2) = (shifted1 * slope1, shifted2 * slope2);
    let r = 1.0 / (product1 * product2);
    let (r1, r2) = (r * product2, r * product1);
    let h1 = mills_polynomial((r1 * slope1).mul_add(-MILLS_SCALE, MILLS_CENTRE)) * (r1 * shifted1);
    let h2 = mills_polynomial((r2 * slope2).mul_add(-MILLS_SCALE, MILLS_CENTRE)) * (r2 * shifted2);
    (h1, h2)
}

/// e^x over the whole range, subnormal results included.
#[inline(always)]
pub(crate) fn exp_body(x: f64) -> f64 {
    if x > 709.782_712_893_384 {
        return f64::INFINITY;
    }
    if x < -745.133_219_101_941_2 {
        return 0.0;
    }
    let (mantissa, bits) = exp_parts(x);
    // The exponent in two halves, each of which is a normal power of two.
    let exponent = (bits << 32) as i64 >> 32;
    let half = exponent / 2;
    let power = |n: i64| f64::from_bits(((n + 1023) as u64) << 52);
    mantissa * power(half) * power(exponent - half)
}

#[inline(always)]
fn ln_body(x: f64) -> f64 {
    if x == 0.0 {
        return f64::NEG_INFINITY;
    }
    if x.is_nan() || x < 0.0 {
        return f64::NAN;
    }
    if x == f64::INFINITY {
        return x;
    }
    // Far from one the number is scaled by a power of two first, so that subnormal and huge ones work too.
    let (scaled, shift) = if x < 1e-150 {
        (x * f64::from_bits(ONE_BITS + (600 << 52)), -600.0)
    } else if x > 1e150 {
        (x * f64::from_bits(ONE_BITS - (600 << 52)), 600.0)
    } else {
        (x, 0.0)
    };
    let ln = ln_ratio_unclamped(scaled, 1.0);
    if shift == 0.0 { ln } else { f64::mul_add(shift, LN2_HIGH, f64::mul_add(shift, LN2_LOW, ln)) }
}

/// N(-t) for t >= 0, with the rounding error of t² carried into the exponential.
#[inline(always)]
fn upper_tail(t: f64) -> f64 {
    if t > TAIL_LIMIT {
        return 0.0;
    }
    let square = t * t;
    let lost = t.mul_add(t, -square);
    exp_body(-0.5 * square) * mills_lane(t) * lost.mul_add(-0.5, 1.0)
}

#[inline(always)]
fn norm_cdf_body(x: f64) -> f64 {
    let tail = upper_tail(x.abs());
    if x > 0.0 { 1.0 - tail } else { tail }
}

#[inline(always)]
fn norm_pdf_body(x: f64) -> f64 {
    let square = x * x;
    let lost = x.mul_add(x, -square);
    // The correction is meaningless once the square overflows or the density underflows.
    if square > 1500.0 { 0.0 } else { DENSITY_AT_ZERO * exp_body(-0.5 * square) * lost.mul_add(-0.5, 1.0) }
}

macro_rules! scalar_function {
    ($(#[$doc:meta])* $name:ident, $task:ident, $body:expr) => {
        struct $task(f64);

        impl Task for $task {
            type Output = f64;
            #[inline(always)]
            fn run(self) -> f64 {
                $body(self.0)
            }
        }

        $(#[$doc])*
        #[must_use]
        pub fn $name(x: f64) -> f64 {
            dispatch::run($task(x))
        }
    };
}

scalar_function!(
    /// e^x over the whole range: 0 below -745.13, infinite above 709.78, NaN for NaN.
    exp, Exp, exp_body
);
scalar_function!(
    /// Natural logarithm: negative infinity at 0, NaN below 0 and for NaN.
    ln, Ln, ln_body
);
scalar_function!(
    /// Standard normal distribution function, accurate relative to its value down to N(-37.5).
    norm_cdf, NormCdf, norm_cdf_body
);
scalar_function!(
    /// Standard normal density.
    norm_pdf, NormPdf, norm_pdf_body
);

struct Pow {
    base: f64,
    exponent: f64,
}

impl Task for Pow {
    type Output = f64;
    #[inline(always)]
    fn run(self) -> f64 {
        exp_body(self.exponent * ln_body(self.base))
    }
}

/// `base^exponent` for a base greater than zero; NaN for any other base.
#[must_use]
pub fn pow(base: f64, exponent: f64) -> f64 {
    if base > 0.0 { dispatch::run(Pow { base, exponent }) } else { f64::NAN }
}

#[cfg(test)]
mod tests;
