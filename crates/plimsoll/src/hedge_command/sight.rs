//! What a rule's policy sees of the whole book, and what it answers, in USD of delta: the figures of the live engine, of a book in files.
//!
//! `hedge::policy::sized` decides. A clock acts at once: a book in files has no last trade.

use super::quotes::Board;
use ::hedge::policy::{Band, Cost, Exposure, Looked, Sized, decide, sized};
use book::Book;
use engine::Hedge;
use instrument::Contract;
use risk::{Form, Measure, Priced, Valuation};
use std::collections::BTreeMap;
use units::{Fixed, border};

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
    let options = options(rule, (book, valuation));
    let looked = Looked {
        spot_usd: spot,
        gamma_1pct_usd: sum(Measure::Gamma).to_f64(),
        options: &options,
        delta: rule.delta,
        cost,
        // Of a hedge that nobody traded yet only a clock knows that its time has come.
        hedge_age_years: if rule.sizing.interval_years().is_some() { f64::INFINITY } else { 0.0 },
    };
    let Sized { band, shift_usd, .. } = sized(&rule.sizing, &rule.habits, &looked);
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
