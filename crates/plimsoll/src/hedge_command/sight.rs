//! What a rule's policy sees of the whole book, and what it answers, in USD of delta: the figures of the live engine, of a book in files.
//!
//! ```text
//! gamma   100 x gamma_1pct of the underlying / S²                             coins per USD
//! vol     mean of the vols of the options held, weighted by their |gamma|     net over the book, an option a contract; so the expiry
//! cost    fee + half spread of the rule's row of [[trading]]; the rule's fixed cost
//! age     endless: a clock acts at once
//! ```

use super::quotes::{Board, measure};
use ::hedge::policy::{Band, Cost, DeltaPolicy, Exposure, Reads, Sight, decide};
use book::Book;
use engine::Hedge;
use instrument::Contract;
use risk::{Form, Measure, Priced, Valuation};
use std::collections::BTreeMap;
use units::{Fixed, Vol, border};

/// A policy's answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Answer {
    /// The rule's delta of the whole book, USD.
    pub(super) delta_usd: Fixed,
    /// Half the width of the band, USD; none when nothing is traded however far.
    pub(super) band_usd: Option<f64>,
    /// Delta that the policy wants to add, USD; none inside the band.
    pub(super) wanted_usd: Option<f64>,
    /// Half the width beyond which nothing more is traded: where a trade ends, USD.
    pub(super) end_usd: f64,
    /// What the delta at the policy's vols has more than at the market's, USD.
    pub(super) shift_usd: f64,
}

/// Asks the policy of a rule.
///
/// # Errors
/// What is missing, as text.
pub(super) fn ask(
    board: Board<'_>,
    rule: &Hedge,
    (book, valuation): (&Book, &Valuation),
) -> Result<Answer, String> {
    let sum = |of: Measure| -> Fixed {
        let rows = valuation.rows.iter().filter(|row| row.underlying == rule.underlying);
        rows.map(|row| row.exposure.in_usd(of)).sum()
    };
    let spot = board.market.spot(&rule.underlying).map_err(|missing| missing.to_string())?.get();
    let row = board.trading(&rule.listing)?;
    let cost =
        Cost { proportional: (row.fee + row.half_spread).max(0.0), fixed_usd: rule.fixed_cost.to_f64() };
    let mut sight =
        Sight { spot, gamma: 0.0, vol: 0.0, expiry_years: 0.0, cost, hedge_age_years: f64::INFINITY };
    let reads = rule.sizing.reads();
    if reads >= Reads::Gamma {
        sight.gamma = 100.0 * sum(Measure::Gamma).to_f64() / (spot * spot);
    }
    let (mut shift_usd, mut is_flat) = (0.0, false);
    if reads == Reads::Vol {
        let options = options(rule, (book, valuation));
        match weighted(&options) {
            None => is_flat = true,
            Some((vol, expiry_years)) => {
                (sight.vol, sight.expiry_years) = (vol, expiry_years);
                let factor = rule.sizing.variance_factor(&sight);
                if factor.to_bits() != 1.0_f64.to_bits() {
                    shift_usd = options
                        .iter()
                        .map(|(net, priced)| net * shift(priced, rule.delta, factor.sqrt()))
                        .sum();
                }
            }
        }
    }
    // Without options nothing moves the delta again: a clock keeps its time, a band is none.
    let is_band = rule.sizing.interval_years().is_none();
    let band = if is_flat && is_band { Band::to_edge(0.0) } else { rule.sizing.band(&sight) };
    let delta_usd = sum(rule.delta);
    let off = (delta_usd - rule.target).to_f64() + shift_usd;
    let wanted = decide(band, Exposure { delta: off / spot, held: 0.0 });
    let end_usd = match band {
        Band::Hold => f64::INFINITY,
        Band::Within { inner, .. } => inner * spot,
    };
    Ok(Answer {
        delta_usd,
        band_usd: band.outer().map(|outer| outer * spot),
        wanted_usd: wanted.map(|coins| coins * spot),
        end_usd,
        shift_usd,
    })
}

/// Net quantity of each option on the underlying over the whole book, priced; in the order of contracts.
fn options<'a>(rule: &Hedge, (book, valuation): (&Book, &'a Valuation)) -> Vec<(f64, &'a Priced)> {
    let mut net: BTreeMap<&Contract, f64> = BTreeMap::new();
    for position in book.positions.iter().filter(|p| p.listing.contract.underlying == rule.underlying) {
        *net.entry(&position.listing.contract).or_default() +=
            border::to_model(position.canonical_quantity).unwrap_or(f64::NAN);
    }
    let priced = |contract: &Contract| valuation.board.contracts.get(contract)?.as_ref().ok();
    let all = net.into_iter().filter_map(|(contract, net)| Some((net, priced(contract)?)));
    all.filter(|(_, priced)| matches!(priced.form, Form::Option(_))).collect()
}

/// Vol and expiry that the gamma comes from; none without gamma.
fn weighted(options: &[(f64, &Priced)]) -> Option<(f64, f64)> {
    let (mut weights, mut vols, mut expiries) = (0.0, 0.0, 0.0);
    for (net, priced) in options {
        let Form::Option(black) = &priced.form else { continue };
        let weight = (net * measure(priced, Measure::Gamma)).abs();
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
    measure(&there, delta) - measure(priced, delta)
}
