//! One lane of Black-76: the arithmetic that the scalar, slice and revaluation entry points share, bit for bit.
//!
//! With x = ln(F/K), s = σ√T, d1 = x/s + s/2, d2 = x/s - s/2 and the identity F φ(d1) = K φ(d2), one exponential
//! e = exp(-d1²/2) gives both tails: F N(-|d1|) = F e h(|d1|) = n and K N(-|d2|) = F e h(|d2|) = m. The undiscounted value of
//! the out-of-the-money option is then
//!
//! * |n - m| when d1 and d2 have the same sign (both tails lie on the same side: no cancellation against 1), and
//! * min(F, K) - (n + m) when d1 > 0 > d2.
//!
//! The option's own value adds the intrinsic value on the forward, max(w(F - K), 0) with w = 1 for a call and -1 for a put:
//! parity holds to one rounding and no value lies below intrinsic. Form: reference note `pricing.md`, sections 2.3 and 2.4.

use crate::kernel::{self, DENSITY_AT_ZERO, TAIL_LIMIT, clamp, exp_lane, positive_part};

/// Below this total standard deviation an option is priced as settled: the time value is under 1e-100 of the forward.
pub(crate) const LEAST_DEVIATION: f64 = 1e-100;

/// Signed distances and tails of one option.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tails {
    pub(crate) d1: f64,
    pub(crate) d2: f64,
    /// 1/s, or 1 when the option counts as settled.
    pub(crate) inverse_deviation: f64,
    /// exp(-d1²/2).
    pub(crate) bell: f64,
    /// h(|d1|) and h(|d2|).
    pub(crate) scaled_tail1: f64,
    pub(crate) scaled_tail2: f64,
}

/// 1/s, guarded so that a settled option divides by one.
#[inline(always)]
pub(crate) fn inverse_deviation(deviation: f64) -> f64 {
    1.0 / if deviation < LEAST_DEVIATION { 1.0 } else { deviation }
}

/// d1 and d2, each clamped to where the tails end.
#[inline(always)]
pub(crate) fn distances(log_moneyness: f64, deviation: f64, inverse_deviation: f64) -> (f64, f64) {
    let centre = log_moneyness * inverse_deviation;
    let half = 0.5 * deviation;
    (clamp(centre + half, TAIL_LIMIT), clamp(centre - half, TAIL_LIMIT))
}

/// exp(-d1²/2).
#[inline(always)]
pub(crate) fn bell(d1: f64) -> f64 {
    exp_lane(-0.5 * (d1 * d1))
}

/// Everything that depends on the distances.
#[inline(always)]
pub(crate) fn tails(log_moneyness: f64, deviation: f64) -> Tails {
    let inverse_deviation = inverse_deviation(deviation);
    let (d1, d2) = distances(log_moneyness, deviation, inverse_deviation);
    let bell = bell(d1);
    let (scaled_tail1, scaled_tail2) = kernel::mills_pair_lane(d1.abs(), d2.abs());
    Tails { d1, d2, inverse_deviation, bell, scaled_tail1, scaled_tail2 }
}

/// What an option's value needs beside its tails.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Payoff {
    pub(crate) forward: f64,
    pub(crate) strike: f64,
    pub(crate) discount: f64,
    /// 1 for a call, -1 for a put.
    pub(crate) sign: f64,
}

/// Discounted value.
#[inline(always)]
pub(crate) fn value(payoff: Payoff, deviation: f64, tails: Tails) -> f64 {
    let Payoff { forward, strike, discount, sign } = payoff;
    let mass = forward * tails.bell;
    let near = mass * tails.scaled_tail1;
    let far = mass * tails.scaled_tail2;
    let least = if forward < strike { forward } else { strike };
    let straddling = least - (near + far);
    let same_side = (near - far).abs();
    let time_value = if tails.d1 * tails.d2 < 0.0 { straddling } else { same_side };
    let time_value = if deviation < LEAST_DEVIATION { 0.0 } else { positive_part(time_value) };
    discount * (time_value + positive_part(sign * (forward - strike)))
}

/// The five sensitivities of the fast path, discounted; theta without the interest on the premium.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Five {
    pub(crate) value: f64,
    pub(crate) delta: f64,
    pub(crate) gamma: f64,
    pub(crate) vega: f64,
    pub(crate) driftless_theta: f64,
}

/// Value, delta, gamma, vega and the decay D F φ(d1) σ/(2√T) with its sign, from the same tails.
#[inline(always)]
pub(crate) fn five(payoff: Payoff, vol: f64, root_time: f64, tails: Tails) -> Five {
    let deviation = vol * root_time;
    let Payoff { forward, discount, sign, .. } = payoff;
    let settled = deviation < LEAST_DEVIATION;
    let density = if settled { 0.0 } else { discount * (tails.bell * DENSITY_AT_ZERO) };
    let forward_density = forward * density;
    // σ/(2√T) = σ²/(2s): no division by the square root of time.
    let half_decay = 0.5 * (vol * vol) * tails.inverse_deviation;
    Five {
        value: value(payoff, deviation, tails),
        delta: discount
            * sided_probability(
                sign,
                tails.d1,
                forward - payoff.strike,
                settled,
                tails.bell * tails.scaled_tail1,
            ),
        gamma: density * tails.inverse_deviation / forward,
        vega: forward_density * root_time,
        // From zero, so that a settled option decays by +0.0 on every path.
        driftless_theta: 0.0 - forward_density * half_decay,
    }
}

/// w N(w d): the tail itself when w d < 0, one minus the tail otherwise; a settled option has 0, 1/2 or 1.
#[inline(always)]
pub(crate) fn sided_probability(sign: f64, d: f64, moneyness: f64, settled: bool, tail: f64) -> f64 {
    let live = if sign * d > 0.0 { 1.0 - tail } else { tail };
    let signed_moneyness = sign * moneyness;
    let in_the_money = if signed_moneyness > 0.0 { 1.0 } else { 0.0 };
    let ended = if signed_moneyness == 0.0 { 0.5 } else { in_the_money };
    sign * if settled { ended } else { live }
}
