//! Black-76: value and sensitivities of a European option on a forward.
//!
//! With F the forward, K the strike, σ the vol, T the time to expiry in years, D the discount factor, w = 1 for a call and -1
//! for a put, s = σ√T, d1 = ln(F/K)/s + s/2, d2 = d1 - s:  V = D w (F N(w d1) - K N(w d2)).
//!
//! Every function is total: units guarantee finite inputs in range. With T <= 0, or without vol, the value is the discounted
//! intrinsic value, delta and dual delta are that of the payoff (half at F = K) and all other sensitivities are zero.
//! Units: values in the quote currency per unit of the underlying; each field names its own.
//!
//! Left out: American exercise, dividends as cash amounts, quanto adjustment, smile dynamics (see the surface).
//!
//! ```
//! use pricing::{Black76, OptionKind};
//! use units::{Discount, Forward, Strike, Vol, YearFraction};
//! // BTC-26DEC26-80000-P, 90 days before its expiry.
//! let put = Black76 {
//!     forward: Forward::new(84_000.0)?,
//!     strike: Strike::new(80_000.0)?,
//!     vol: Vol::from_points(48.0)?,
//!     expiry: YearFraction::new(90.0 / 365.0)?,
//!     discount: Discount::new(1.0)?,
//!     kind: OptionKind::Put,
//! };
//! let greeks = put.greeks();
//! assert!((greeks.value - 5_940.404_399_87).abs() < 1e-8);
//! assert!(greeks.delta < 0.0 && greeks.gamma > 0.0);
//! assert_eq!(greeks.value, put.price());
//! # Ok::<(), units::UnitError>(())
//! ```

use crate::dispatch::{self, Task};
use crate::kernel::{self, DENSITY_AT_ZERO};
use crate::lane::{self, LEAST_DEVIATION, Payoff, Tails};
use units::{Discount, Forward, OptionKind, Strike, Vol, YearFraction};

/// One European option on a forward.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Black76 {
    /// Forward of the underlying to expiry.
    pub forward: Forward,
    /// Strike.
    pub strike: Strike,
    /// Annual log-normal vol.
    pub vol: Vol,
    /// Time to expiry.
    pub expiry: YearFraction,
    /// Discount factor to expiry.
    pub discount: Discount,
    /// Call or put.
    pub kind: OptionKind,
}

/// Value and sensitivities in the quote currency.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Greeks {
    /// Discounted value V.
    pub value: f64,
    /// ∂V/∂F per unit of forward: w D N(w d1).
    pub delta: f64,
    /// ∂²V/∂F².
    pub gamma: f64,
    /// ∂V/∂σ per 1.00 of vol (100 points).
    pub vega: f64,
    /// Calendar decay per year, forward and rate held: r V - D F φ(d1) σ/(2√T), r = -ln(D)/T.
    pub theta_per_year: f64,
    /// ∂V/∂r per 1.00 of rate with the forward held: -T V.
    pub rho_forward: f64,
    /// ∂V/∂r per 1.00 of rate with the spot held, so that forward and discount move together: w K T D N(w d2).
    pub rho_spot: f64,
    /// ∂²V/∂F∂σ per 1.00 of vol: -D φ(d1) d2/σ.
    pub vanna: f64,
    /// ∂²V/∂σ² per 1.00 of vol twice: vega d1 d2/σ.
    pub volga: f64,
    /// Decay of delta per year, -∂Δ/∂T with forward and rate held: r Δ + D φ(d1) d2/(2T).
    pub charm_per_year: f64,
    /// ∂³V/∂F³: -Γ (1 + d1/s)/F.
    pub speed: f64,
    /// ∂³V/∂F²∂σ per 1.00 of vol: Γ (d1 d2 - 1)/σ.
    pub zomma: f64,
    /// ∂V/∂K per unit of strike: -w D N(w d2).
    pub dual_delta: f64,
    /// ∂²V/∂K², the discounted density of the settlement price at the strike: D φ(d2)/(K s).
    pub dual_gamma: f64,
    /// Risk-neutral probability of expiring in the money: N(w d2).
    pub itm_probability: f64,
}

/// Value and sensitivities in coin of an option that settles in its underlying: v = V/F.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct InverseGreeks {
    /// v = V/F in coin.
    pub coin_value: f64,
    /// Δ - V/F = F ∂v/∂F: coins gained per unit relative move of the forward. Also called net transaction or premium-adjusted
    /// delta; the size in coin of the inverse future with the same coin gain.
    pub settlement_delta: f64,
    /// ∂v/∂F in coin per unit of forward.
    pub coin_delta: f64,
    /// ∂²v/∂F²: Γ/F - 2 Δ/F² + 2 V/F³.
    pub coin_gamma: f64,
    /// F² ∂²v/∂F² = F Γ - 2 settlement delta: coins per squared relative move.
    pub settlement_gamma: f64,
    /// ∂v/∂σ in coin per 1.00 of vol.
    pub coin_vega: f64,
    /// Calendar decay in coin per year.
    pub coin_theta_per_year: f64,
}

impl Black76 {
    /// Discounted value.
    #[must_use]
    pub fn price(&self) -> f64 {
        dispatch::run(Price(*self))
    }

    /// Value and all sensitivities.
    #[must_use]
    pub fn greeks(&self) -> Greeks {
        dispatch::run(AllGreeks(*self))
    }

    /// Value and sensitivities in coin.
    #[must_use]
    pub fn inverse(&self) -> InverseGreeks {
        self.greeks().inverse(self.forward)
    }

    /// Value at expiry if the forward stayed where it is, discounted.
    #[must_use]
    pub fn intrinsic(&self) -> f64 {
        let sign = sign_of(self.kind);
        self.discount.get() * kernel::positive_part(sign * (self.forward.get() - self.strike.get()))
    }

    #[inline(always)]
    fn payoff(&self) -> Payoff {
        Payoff {
            forward: self.forward.get(),
            strike: self.strike.get(),
            discount: self.discount.get(),
            sign: sign_of(self.kind),
        }
    }
}

impl Greeks {
    /// The same option seen in coin; `forward` is the one that it was priced on.
    #[must_use]
    pub fn inverse(&self, forward: Forward) -> InverseGreeks {
        let forward = forward.get();
        let coin_value = self.value / forward;
        let settlement_delta = self.delta - coin_value;
        let settlement_gamma = forward.mul_add(self.gamma, -2.0 * settlement_delta);
        InverseGreeks {
            coin_value,
            settlement_delta,
            coin_delta: settlement_delta / forward,
            coin_gamma: settlement_gamma / (forward * forward),
            settlement_gamma,
            coin_vega: self.vega / forward,
            coin_theta_per_year: self.theta_per_year / forward,
        }
    }
}

/// w: 1 for a call, -1 for a put.
#[inline(always)]
pub(crate) fn sign_of(kind: OptionKind) -> f64 {
    match kind {
        OptionKind::Call => 1.0,
        OptionKind::Put => -1.0,
    }
}

struct Price(Black76);

impl Task for Price {
    type Output = f64;
    #[inline(always)]
    fn run(self) -> f64 {
        let payoff = self.0.payoff();
        let deviation = self.0.vol.get() * kernel::positive_part(self.0.expiry.get()).sqrt();
        let log_moneyness = kernel::ln_ratio_lane(payoff.forward, payoff.strike);
        lane::value(payoff, deviation, lane::tails(log_moneyness, deviation))
    }
}

struct AllGreeks(Black76);

impl Task for AllGreeks {
    type Output = Greeks;
    #[inline(always)]
    fn run(self) -> Greeks {
        let payoff = self.0.payoff();
        let time = kernel::positive_part(self.0.expiry.get());
        let vol = self.0.vol.get();
        let deviation = vol * time.sqrt();
        let log_moneyness = kernel::ln_ratio_lane(payoff.forward, payoff.strike);
        let tails = lane::tails(log_moneyness, deviation);
        if deviation < LEAST_DEVIATION {
            return settled_greeks(payoff, tails);
        }
        live_greeks(payoff, LiveInputs { vol, time, deviation }, tails)
    }
}

#[derive(Clone, Copy)]
struct LiveInputs {
    vol: f64,
    time: f64,
    deviation: f64,
}

#[inline(always)]
fn live_greeks(payoff: Payoff, inputs: LiveInputs, tails: Tails) -> Greeks {
    let Payoff { forward, strike, discount, sign } = payoff;
    let LiveInputs { vol, time, deviation } = inputs;
    let Tails { d1, d2, .. } = tails;
    let five = lane::five(payoff, vol, time.sqrt(), tails);
    let rate = rate_lane(discount, vol, tails.inverse_deviation);
    let density = discount * (tails.bell * DENSITY_AT_ZERO);
    let far_tail = forward * tails.bell * tails.scaled_tail2 / strike;
    let itm_signed = lane::sided_probability(sign, d2, forward - strike, false, far_tail);
    Greeks {
        value: five.value,
        delta: five.delta,
        gamma: five.gamma,
        vega: five.vega,
        theta_per_year: rate.mul_add(five.value, five.driftless_theta),
        rho_forward: -(time * five.value),
        rho_spot: strike * time * (discount * itm_signed),
        vanna: -(density * d2 / vol),
        volga: five.vega * d1 * d2 / vol,
        charm_per_year: rate.mul_add(five.delta, density * d2 / (2.0 * time)),
        speed: -(five.gamma * d1.mul_add(tails.inverse_deviation, 1.0) / forward),
        zomma: five.gamma * d1.mul_add(d2, -1.0) / vol,
        dual_delta: -(discount * itm_signed),
        dual_gamma: density * forward / (strike * strike * deviation),
        itm_probability: sign * itm_signed,
    }
}

/// r = -ln(D)/T, with 1/T = (σ/s)²; exactly zero without discounting.
#[inline(always)]
pub(crate) fn rate_lane(discount: f64, vol: f64, inverse_deviation: f64) -> f64 {
    let inverse_root_time = vol * inverse_deviation;
    -(kernel::ln_ratio_lane(discount, 1.0) * (inverse_root_time * inverse_root_time))
}

#[inline(always)]
fn settled_greeks(payoff: Payoff, tails: Tails) -> Greeks {
    let moneyness = payoff.forward - payoff.strike;
    let exercised = lane::sided_probability(payoff.sign, tails.d1, moneyness, true, 0.0);
    Greeks {
        value: lane::value(payoff, 0.0, tails),
        delta: payoff.discount * exercised,
        dual_delta: -(payoff.discount * exercised),
        itm_probability: payoff.sign * exercised,
        ..Greeks::default()
    }
}
