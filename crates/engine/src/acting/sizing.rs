//! What a hedge's policy looks at, and what it answers, in USD of delta.
//!
//! ```text
//! gamma   100 x gamma_1pct of the underlying / S²                             coins per USD
//! vol     mean of the vols of the options held, weighted by their |gamma|     net over the book, an option a contract; so the expiry
//! cost    fee + half spread of the rule's row of [[trading]]; the rule's fixed cost
//! delta   at each vol times sqrt(factor), where the policy wants one: sum of net quantity x (delta there - delta here)
//! ```
//!
//! Gamma is an exact sum that the views keep; vol, expiry and a shifted delta are summed in the order of contracts, so that a restart
//! gives the same bits.

use super::desk::{Desk, unit};
use crate::policy::Hedge;
use ::hedge::policy::{Band, Cost, DeltaPolicy, Reads, Sight};
use risk::{Form, GroupBy, GroupKey, Measure, Priced};
use units::{Timestamp, Vol};

const NANOS_A_YEAR: f64 = 365.0 * 86_400e9;

/// A policy's answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sized {
    pub(crate) band: Band,
    pub(crate) spot: f64,
    /// What the delta at the policy's vols has more than that at the market's, USD.
    pub(crate) shift_usd: f64,
}

impl Sized {
    /// Half the width of the band, USD; none when the policy waits.
    pub(crate) fn outer_usd(&self) -> Option<f64> {
        // To a millionth of a dollar: what was given in USD came here through coins.
        self.band.outer().map(|outer| (outer * self.spot * 1e6).round() * 1e-6)
    }
}

/// Asks the policy of a hedge that last traded then.
///
/// # Errors
/// What is missing, as text.
pub(crate) fn sized(desk: Desk<'_>, rule: &Hedge, acted: Option<Timestamp>) -> Result<Sized, String> {
    let spot = desk.priced_asset(&rule.underlying).map_err(|missing| missing.to_string())?.spot_usd;
    let reads = rule.sizing.reads();
    let mut sight = Sight {
        spot,
        gamma: 0.0,
        vol: 0.0,
        expiry_years: 0.0,
        cost: cost(desk, rule),
        hedge_age_years: age_years(desk.now, acted),
    };
    if reads >= Reads::Gamma {
        let key = [GroupKey::Text(rule.underlying.to_string())];
        let gamma_1pct = desk.figure(&[GroupBy::Underlying], &key, Measure::Gamma).0.to_f64();
        sight.gamma = 100.0 * gamma_1pct / (spot * spot);
    }
    let mut shift_usd = 0.0;
    if reads == Reads::Vol {
        let options = desk.views.options(&rule.underlying);
        let Some((vol, expiry_years)) = weighted(&options) else {
            return Ok(Sized { band: flat(rule, &sight), spot, shift_usd });
        };
        (sight.vol, sight.expiry_years) = (vol, expiry_years);
        let factor = rule.sizing.variance_factor(&sight);
        if factor.to_bits() != 1.0_f64.to_bits() {
            shift_usd =
                options.iter().map(|(net, priced)| net * shift(priced, rule.delta, factor.sqrt())).sum();
        }
    }
    Ok(Sized { band: rule.sizing.band(&sight), spot, shift_usd })
}

/// Without options there is nothing that would move the delta again: a clock keeps its time, a band is none.
fn flat(rule: &Hedge, sight: &Sight) -> Band {
    if rule.sizing.interval_years().is_some() { rule.sizing.band(sight) } else { Band::to_edge(0.0) }
}

/// Years since a time; endless when there was none.
pub(crate) fn age_years(now: Timestamp, acted: Option<Timestamp>) -> f64 {
    #[allow(clippy::cast_precision_loss)] // nanoseconds of years: an error of microseconds
    acted.map_or(f64::INFINITY, |acted| {
        now.unix_nanos().saturating_sub(acted.unix_nanos()) as f64 / NANOS_A_YEAR
    })
}

fn cost(desk: Desk<'_>, rule: &Hedge) -> Cost {
    let proportional = desk.policy.trading_of(&rule.listing).map_or(0.0, |row| row.fee + row.half_spread);
    Cost { proportional: proportional.max(0.0), fixed_usd: rule.fixed_cost.to_f64() }
}

/// Vol and expiry that the gamma comes from; none without gamma.
fn weighted(options: &[(f64, &Priced)]) -> Option<(f64, f64)> {
    let (mut weights, mut vols, mut expiries) = (0.0, 0.0, 0.0);
    for (net, priced) in options {
        let Form::Option(black) = &priced.form else { continue };
        let weight = (net * unit(priced, Measure::Gamma)).abs();
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
    unit(&there, delta) - unit(priced, delta)
}
