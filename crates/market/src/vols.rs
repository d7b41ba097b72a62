//! Quoted vols of one underlying in one quote currency, with interpolation in total variance.
//!
//! A quoted contract keeps its own mark vol. In between, with `k = ln(K/F)` and `w = vol^2 T`: along the strike `w` is
//! linear in `k` between quoted strikes and the vol is flat beyond the first and last; along time `w` is linear in `T` at
//! constant `k`, the vol is flat before the first expiry, and after the last one the vol is flat too. Per strike the
//! out-of-the-money side's mark vol is used. Beyond the marks a fitted surface
//! goes first ([`crate::surface`]).

use crate::snapshot::OptionQuote;
use instrument::OptionKind;
use std::collections::BTreeMap;
use units::{Forward, Strike, Timestamp, UnitError, Vol};

/// Where a vol comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VolSource {
    /// The contract's own mark vol.
    Quoted,
    /// Solved from the contract's own mark price, for lack of a mark vol; quantised to 1e-10.
    Implied,
    /// Of the fitted surface, between its first expiry and its last.
    Surface,
    /// Between quoted strikes and expiries.
    Interpolated,
    /// Beyond the quoted strikes or expiries: held flat.
    Extrapolated,
}

#[derive(Debug, Clone, PartialEq)]
struct Slice {
    years: f64,
    /// (log-moneyness, total variance), ascending in the first.
    points: Vec<(f64, f64)>,
}

/// Where on the surface a vol is wanted.
#[derive(Debug, Clone, Copy)]
pub struct VolPoint {
    /// Settlement instant.
    pub expiry: Timestamp,
    /// Forward to it.
    pub forward: Forward,
    /// Strike, in the forward's currency.
    pub strike: Strike,
}

/// Slices by expiry.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct QuotedVols {
    slices: BTreeMap<Timestamp, Slice>,
}

impl QuotedVols {
    /// Puts the vols of the quotes of one expiry in the place of those before: per strike the one of the out-of-the-money side, of
    /// several the last.
    pub(crate) fn put(
        &mut self,
        expiry: Timestamp,
        quotes: &[(&OptionQuote, Vol)],
        (forward, asof): (Forward, Timestamp),
    ) {
        match slice(expiry, quotes, (forward, asof)) {
            Some(slice) => drop(self.slices.insert(expiry, slice)),
            None => drop(self.slices.remove(&expiry)),
        }
    }

    /// Keeps the vols of these expiries only.
    pub(crate) fn keep(&mut self, is_kept: impl Fn(Timestamp) -> bool) {
        self.slices.retain(|expiry, _| is_kept(*expiry));
    }

    /// The same vols at the same strikes on other forwards and at a later time, each vol changed: `log_moves` are ln(F'/F) by expiry.
    pub(crate) fn shift(
        &mut self,
        log_moves: &BTreeMap<Timestamp, f64>,
        gone_years: f64,
        vol: impl Fn(Vol) -> Result<Vol, UnitError>,
    ) -> Result<(), UnitError> {
        self.slices.retain(|_, slice| slice.years > gone_years);
        for (expiry, slice) in &mut self.slices {
            let move_ = log_moves.get(expiry).copied().unwrap_or(0.0);
            let years = slice.years - gone_years;
            for (moneyness, variance) in &mut slice.points {
                let shifted = vol(Vol::new((*variance / slice.years).sqrt())?)?.get();
                (*moneyness, *variance) = (*moneyness - move_, shifted * shifted * years);
            }
            slice.years = years;
        }
        Ok(())
    }

    /// True when nothing is quoted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slices.is_empty()
    }

    /// Vol at a point, `None` when nothing is quoted or the point has expired.
    #[must_use]
    pub fn vol(&self, asof: Timestamp, point: VolPoint) -> Option<(Vol, VolSource)> {
        let years = asof.years_until(point.expiry).ok().filter(|t| !t.is_expired())?.get();
        let moneyness = pricing::kernel::ln(point.strike.get() / point.forward.get());
        let before = self.slices.range(..=point.expiry).next_back().map(|(_, s)| s.variance(moneyness));
        let after = self.slices.range(point.expiry..).next().map(|(_, s)| s.variance(moneyness));
        let (variance, source) = match (before, after) {
            (None, None) => return None,
            (Some(near), Some(far)) if near.years < far.years => {
                let share = (years - near.years) / (far.years - near.years);
                let w = near.variance + (far.variance - near.variance) * share;
                // Crossed slices could give a negative slope but never a negative mean of two positive numbers.
                (w, near.source.max(far.source))
            }
            (Some(same), Some(_)) => (same.variance, same.source),
            (Some(edge), None) | (None, Some(edge)) => {
                (edge.variance * (years / edge.years), VolSource::Extrapolated)
            }
        };
        Some((Vol::new((variance / years).sqrt()).ok()?, source))
    }
}

fn slice(
    expiry: Timestamp,
    quotes: &[(&OptionQuote, Vol)],
    (forward, asof): (Forward, Timestamp),
) -> Option<Slice> {
    let years = asof.years_until(expiry).ok().filter(|t| !t.is_expired())?.get();
    let mut strikes: Vec<(u64, usize, Vol)> = Vec::with_capacity(quotes.len());
    for (place, (quote, vol)) in quotes.iter().enumerate() {
        let is_out_of_the_money = match quote.kind {
            OptionKind::Call => quote.strike.get() >= forward.get(),
            OptionKind::Put => quote.strike.get() < forward.get(),
        };
        // Positive floats order as their bits do. Of a strike the last on the right side counts, else the first on the other.
        let rank = if is_out_of_the_money { quotes.len() + place } else { quotes.len() - 1 - place };
        strikes.push((quote.strike.get().to_bits(), rank, *vol));
    }
    strikes.sort_unstable_by_key(|(bits, rank, _)| (*bits, std::cmp::Reverse(*rank)));
    strikes.dedup_by_key(|(bits, ..)| *bits);
    let points = strikes.into_iter().map(|(bits, _, vol)| {
        let log_moneyness = pricing::kernel::ln(f64::from_bits(bits) / forward.get());
        (log_moneyness, vol.get() * vol.get() * years)
    });
    let points: Vec<(f64, f64)> = points.collect();
    (!points.is_empty()).then_some(Slice { years, points })
}

struct OnSlice {
    years: f64,
    variance: f64,
    source: VolSource,
}

impl Slice {
    fn variance(&self, moneyness: f64) -> OnSlice {
        let upper = self.points.partition_point(|(k, _)| *k < moneyness);
        let right = self.points.get(upper);
        let left = upper.checked_sub(1).and_then(|i| self.points.get(i));
        let (variance, source) = match (left, right) {
            (Some((k0, w0)), Some((k1, w1))) => {
                (w0 + (w1 - w0) * ((moneyness - k0) / (k1 - k0)), VolSource::Interpolated)
            }
            (None, Some((k, w))) if k.to_bits() == moneyness.to_bits() => (*w, VolSource::Interpolated),
            (Some((_, w)), None) | (None, Some((_, w))) => (*w, VolSource::Extrapolated),
            (None, None) => (0.0, VolSource::Extrapolated),
        };
        OnSlice { years: self.years, variance, source }
    }
}
