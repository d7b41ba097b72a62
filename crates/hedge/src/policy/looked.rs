//! From a book to a policy's answer, in USD of delta: what the live engine, a plan and a test of either ask with.
//!
//! ```text
//! gamma   100 x gamma_1pct of the underlying / S²                             coins per USD
//! vol     mean of the vols of the options held, weighted by their |gamma|     net over the book, an option a contract; so the expiry
//! shift   at each vol times sqrt(factor), where the policy wants one: sum of net quantity x (delta there - delta here)
//! band    narrower by what is missed between two looks and until the fill ([`Watch`]); none at all once the hedge is older than it may be
//! ```

use super::{Band, Cost, DeltaPolicy, Policy, Reads, Sight, Watch};
use risk::{Form, Measure, Priced};
use units::Vol;

/// How a hedge is kept, besides its policy.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Habits {
    /// How often it is looked at, and how long a fill takes.
    pub watch: Watch,
    /// After so many years without a trade it is brought to the delta, whatever the band.
    pub most_age_years: Option<f64>,
}

impl Habits {
    /// What has to be known of the book for a policy's answer.
    #[must_use]
    pub fn reads(&self, policy: &Policy) -> Reads {
        if self.watch == Watch::default() { policy.reads() } else { Reads::Vol }
    }

    /// The time after which something is decided on, if there is one.
    #[must_use]
    pub fn due_years(&self, policy: &Policy) -> Option<f64> {
        policy.interval_years().or(self.most_age_years)
    }
}

/// One underlying of a book. What [`Habits::reads`] does not ask for may be left empty.
#[derive(Debug, Clone, Copy)]
pub struct Looked<'a> {
    /// Price of the underlying, USD.
    pub spot_usd: f64,
    /// Cash gamma for 1 %, USD, of the whole book.
    pub gamma_1pct_usd: f64,
    /// Net quantity of each option, in the canonical unit, with its price; in the order of contracts, which decides the last bits.
    pub options: &'a [(f64, &'a Priced)],
    /// Which delta is hedged.
    pub delta: Measure,
    /// What trades cost.
    pub cost: Cost,
    /// Since the last trade.
    pub hedge_age_years: f64,
}

/// A policy's answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sized {
    /// How far from the delta, coins.
    pub band: Band,
    /// Price of the underlying, USD.
    pub spot_usd: f64,
    /// What the delta at the policy's vols has more than that at the market's, USD.
    pub shift_usd: f64,
}

impl Sized {
    /// Half the width of the band, USD; none when the policy waits.
    #[must_use]
    pub fn outer_usd(&self) -> Option<f64> {
        // To a millionth of a dollar: what was given in USD came here through coins.
        self.band.outer().map(|outer| (outer * self.spot_usd * 1e6).round() * 1e-6)
    }
}

/// Asks a policy.
#[must_use]
pub fn sized(policy: &Policy, habits: &Habits, looked: &Looked<'_>) -> Sized {
    let Looked { spot_usd, gamma_1pct_usd, options, delta, cost, hedge_age_years } = *looked;
    let gamma = 100.0 * gamma_1pct_usd / (spot_usd * spot_usd);
    let mut sight = Sight { spot: spot_usd, gamma, vol: 0.0, expiry_years: 0.0, cost, hedge_age_years };
    let mut shift_usd = 0.0;
    let is_clock = policy.interval_years().is_some();
    let is_old = habits.most_age_years.is_some_and(|most| hedge_age_years >= most);
    let seen = if habits.reads(policy) == Reads::Vol { weighted(options) } else { Some((0.0, 0.0)) };
    let band = match seen {
        // Without options nothing moves the delta again: a clock keeps its time and a given band its width, a band of the gamma is none.
        None if is_clock || policy.reads() < Reads::Vol => policy.band(&sight),
        None => Band::to_edge(0.0),
        Some((vol, expiry_years)) => {
            (sight.vol, sight.expiry_years) = (vol, expiry_years);
            let factor = policy.variance_factor(&sight);
            if factor.to_bits() != 1.0_f64.to_bits() {
                shift_usd =
                    options.iter().map(|(net, priced)| net * shift(priced, delta, factor.sqrt())).sum();
            }
            if habits.watch == Watch::default() {
                policy.band(&sight)
            } else {
                habits.watch.band(policy, &sight)
            }
        }
    };
    Sized { band: if is_old && !is_clock { Band::to_edge(0.0) } else { band }, spot_usd, shift_usd }
}

/// Vol and expiry that the gamma comes from; none without gamma.
fn weighted(options: &[(f64, &Priced)]) -> Option<(f64, f64)> {
    let (mut weights, mut vols, mut expiries) = (0.0, 0.0, 0.0);
    for (net, priced) in options {
        let Form::Option(black) = &priced.form else { continue };
        let weight = (net * priced.unit().usd(Measure::Gamma)).abs();
        weights += weight;
        vols += weight * black.vol.get();
        expiries += weight * black.expiry.get();
    }
    (weights > 0.0).then(|| (vols / weights, expiries / weights))
}

/// Delta of one unit at its vol times a factor, less that at its vol. USD.
fn shift(priced: &Priced, delta: Measure, factor: f64) -> f64 {
    let Form::Option(black) = &priced.form else { return 0.0 };
    let Ok(vol) = Vol::new(black.vol.get() * factor) else { return 0.0 };
    let mut there = priced.clone();
    let mut moved = *black;
    moved.vol = vol;
    there.form = Form::Option(moved);
    there.unit().usd(delta) - priced.unit().usd(delta)
}
