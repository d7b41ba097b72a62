//! Written by generate/coefficients.py; do not edit.
#![allow(clippy::unreadable_literal)]

/// k of the map u = centre - scale / (t + k).
pub(super) const MILLS_SHIFT: f64 = 6.0;

/// a of the fitted product (1 + a t) h(t).
pub(super) const MILLS_SLOPE: f64 = 1.25;

/// Largest t of the fit: N(-39) is below the smallest normal number.
pub(super) const MILLS_LIMIT: f64 = 39.0;

/// Scale of the map from t in [0, 39] to u in [-1, 1].
pub(super) const MILLS_SCALE: f64 = 13.846153846153847;

/// Centre of the map from t in [0, 39] to u in [-1, 1].
pub(super) const MILLS_CENTRE: f64 = 1.3076923076923077;

/// (1 + a t) h(t) as a polynomial in u, lowest power first.
pub(super) const MILLS: [f64; 23] = [
    0.5610546585330553,
    -0.06977040906016847,
    0.009463992876590456,
    0.027050472905559512,
    -0.03875856174635097,
    0.03375150824512459,
    -0.022310879411473163,
    0.011730178839497554,
    -0.004882154541108378,
    0.0015279070144045854,
    -0.0003011792951811131,
    2.384184726788213e-06,
    2.105716946537086e-05,
    -5.955687256747639e-06,
    -2.628703006778327e-07,
    5.551432387170149e-07,
    -7.630008809453513e-08,
    -3.871510633035206e-08,
    1.1918688923002251e-08,
    2.3999414730533813e-09,
    -1.2622475064360799e-09,
    -1.1342854957888614e-10,
    8.54830517782828e-11,
];

/// (e^r - 1 - r) / r^2 for |r| <= ln(2)/2, lowest power first.
pub(super) const EXP_TAIL: [f64; 10] = [
    0.5000000000000001,
    0.16666666666666669,
    0.041666666666624164,
    0.008333333333330065,
    0.0013888888917196719,
    0.00019841269863040545,
    2.4801521322368692e-05,
    2.7557268480310024e-06,
    2.762007587998348e-07,
    2.510037583256132e-08,
];

/// (ln((1+z)/(1-z)) - 2z) / z^3 in powers of z^2 for z^2 <= 0.0402, lowest first.
pub(super) const LOG_TAIL: [f64; 8] = [
    0.6666666666666666,
    0.40000000000008035,
    0.28571428567234475,
    0.22222223055248197,
    0.18181737085579538,
    0.1538888938432987,
    0.13209284257177348,
    0.1361228324114453,
];

/// The leading 38 bits of ln 2: its product with an exponent of up to 11 bits is exact.
pub(super) const LN2_HIGH: f64 = 0.6931471805582987;

/// The rest of ln 2.
pub(super) const LN2_LOW: f64 = 1.6465949582897082e-12;

/// 1 / sqrt(2 pi).
pub(super) const INVERSE_SQRT_TAU: f64 = 0.3989422804014327;
