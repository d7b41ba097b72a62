//! The forward curve of one underlying in one quote currency.
//!
//! Sources for an expiry, in order: put-call parity of the venue's own marks, the mark of the dated future, the forward
//! printed beside the option rows, and between quoted expiries `ln(F/S)` linear in time (equal to time-weighted carry).
//! Parity, with `c`, `p` in coin and D = 1: `F = K / (1 - (c - p))`; in quote currency: `F = K + (C - P)`. The forward of
//! the expiry is the median over pairs with |K/F - 1| < 10 %. Fewer than three such pairs are believed only when they agree with
//! the future or the printed forward to 20 bp, or when there is neither; a mark of zero near the money is no mark.
//! Parity comes first because call and put marks of one strike are refreshed together, while the printed forward of a row
//! may be a second older or newer (measured on recorded chains; exchange-margin reference, section 1).
//!
//! The *synthetic* of an expiry is what its quotes would trade at, not what its marks say: sell the forward at the best
//! `call bid - put ask` of the strikes near the money, buy it at the best `call ask - put bid`. Venue's fees are not in it. A bid above
//! the ask is parity broken in the quotes themselves.
//!
//! Disagreement between sources is kept, in basis points, and shown; over [`DISAGREEMENT_LIMIT_BP`] it becomes a note.

use crate::snapshot::OptionQuote;
use instrument::{OptionKind, Settlement};
use std::collections::BTreeMap;
use units::{Forward, Spot, Timestamp, Venue};

/// Sources of one forward that differ by more than this are pointed out.
pub const DISAGREEMENT_LIMIT_BP: f64 = 20.0;

/// Pairs within this distance of the money speak for the forward: their marks have time value on both sides.
const NEAR_THE_MONEY: f64 = 0.1;
/// So many pairs outvote a broken one.
const ENOUGH_PAIRS: usize = 3;

/// Where a forward comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ForwardSource {
    /// Median of put-call parity over pairs of marks.
    Parity,
    /// Mark of the dated future or perpetual itself.
    FutureMark,
    /// Printed by the venue beside its option rows.
    Printed,
    /// Carry interpolated between quoted expiries.
    Interpolated,
    /// Carry of the nearest quoted expiry held flat.
    Extrapolated,
    /// The index, for lack of anything else.
    Index,
}

impl ForwardSource {
    /// Word for tables and files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Parity => "parity",
            Self::FutureMark => "future_mark",
            Self::Printed => "printed",
            Self::Interpolated => "interpolated",
            Self::Extrapolated => "extrapolated",
            Self::Index => "index",
        }
    }
}

/// Forward of one quoted expiry, with every source that was at hand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ForwardPoint {
    /// Settlement instant.
    pub expiry: Timestamp,
    /// The forward of record.
    pub forward: Forward,
    /// Which source it is.
    pub source: ForwardSource,
    /// From put-call parity.
    pub parity: Option<f64>,
    /// Pairs behind it.
    pub parity_pairs: usize,
    /// Mark of the future of this expiry.
    pub future_mark: Option<f64>,
    /// Median of the forwards printed beside option rows.
    pub printed: Option<f64>,
    /// Where the option quotes would trade it; none without a strike quoted on all four sides.
    pub synthetic: Option<Synthetic>,
}

/// The forward that option quotes trade, by put-call parity of bids and asks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Synthetic {
    /// Best price to sell it at.
    pub bid: f64,
    /// Best price to buy it at.
    pub ask: f64,
    /// Strikes behind it.
    pub strikes: usize,
}

impl Synthetic {
    /// True when the best bid is above the best ask: parity is broken in the quotes.
    #[must_use]
    pub fn is_crossed(&self) -> bool {
        self.bid > self.ask
    }

    /// How far a forward lies outside, in basis points of itself: below zero under the bid, above zero over the ask, zero inside.
    #[must_use]
    pub fn outside_bp(&self, forward: f64) -> f64 {
        if self.is_crossed() || (self.bid <= forward && forward <= self.ask) {
            0.0
        } else if forward < self.bid {
            (1.0 - self.bid / forward) * 1e4
        } else {
            (1.0 - self.ask / forward) * 1e4
        }
    }
}

impl ForwardPoint {
    /// Largest distance of any source from the forward of record, in basis points.
    #[must_use]
    pub fn disagreement_bp(&self) -> f64 {
        let record = self.forward.get();
        let far = |source: Option<f64>| source.map_or(0.0, |v| (v / record - 1.0).abs() * 1e4);
        far(self.parity).max(far(self.future_mark)).max(far(self.printed))
    }
}

/// Forwards by expiry, with interpolation.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ForwardCurve {
    points: BTreeMap<Timestamp, ForwardPoint>,
}

impl ForwardCurve {
    /// Builds the curve from the option quotes of one underlying and quote currency and from marks of dated futures.
    #[must_use]
    pub fn build(options: &[&OptionQuote], future_marks: &BTreeMap<Timestamp, Forward>) -> Self {
        let mut by_expiry: BTreeMap<Timestamp, Vec<&OptionQuote>> = BTreeMap::new();
        for quote in options {
            by_expiry.entry(quote.expiry).or_default().push(quote);
        }
        for expiry in future_marks.keys() {
            by_expiry.entry(*expiry).or_default();
        }
        let points = by_expiry
            .into_iter()
            .filter_map(|(expiry, quotes)| {
                Some((expiry, point(expiry, &quotes, future_marks.get(&expiry).copied())?))
            })
            .collect();
        Self { points }
    }

    /// The point of a quoted expiry.
    pub(crate) fn at(&self, expiry: Timestamp) -> Option<&ForwardPoint> {
        self.points.get(&expiry)
    }

    /// Puts the point that quotes of one expiry give in the place of the one before, or takes that away.
    pub(crate) fn put(&mut self, expiry: Timestamp, quotes: &[&OptionQuote], future_mark: Option<Forward>) {
        match point(expiry, quotes, future_mark) {
            Some(point) => drop(self.points.insert(expiry, point)),
            None => drop(self.points.remove(&expiry)),
        }
    }

    /// Keeps the points of these expiries only.
    pub(crate) fn keep(&mut self, is_kept: impl Fn(Timestamp) -> bool) {
        self.points.retain(|expiry, _| is_kept(*expiry));
    }

    /// Gives every point another forward, and says by expiry how far each moved: ln(F'/F).
    pub(crate) fn move_each<E>(
        &mut self,
        moved: impl Fn(Timestamp, Forward) -> Result<Forward, E>,
    ) -> Result<BTreeMap<Timestamp, f64>, E> {
        let mut log_moves = BTreeMap::new();
        for (expiry, point) in &mut self.points {
            let to = moved(*expiry, point.forward)?;
            log_moves.insert(*expiry, pricing::kernel::ln(to.get() / point.forward.get()));
            point.forward = to;
        }
        Ok(log_moves)
    }

    /// Quoted expiries in order.
    pub fn points(&self) -> impl Iterator<Item = &ForwardPoint> {
        self.points.values()
    }

    /// True when no expiry is quoted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// Forward to any instant after `asof`.
    #[must_use]
    pub fn forward(&self, spot: Spot, asof: Timestamp, expiry: Timestamp) -> (Forward, ForwardSource) {
        if let Some(point) = self.points.get(&expiry) {
            return (point.forward, point.source);
        }
        let before = self.points.range(..expiry).next_back().map(|(_, p)| p);
        let after = self.points.range(expiry..).next().map(|(_, p)| p);
        let carried = |ratio: f64, source| (Forward::new(spot.get() * ratio).ok(), source);
        let (forward, source) = match (before, after) {
            (None, None) => carried(1.0, ForwardSource::Index),
            (Some(near), None) => {
                let stretch = span(asof, expiry) / span(asof, near.expiry);
                carried(pricing::kernel::exp(log_carry(near, spot) * stretch), ForwardSource::Extrapolated)
            }
            (near, Some(far)) => {
                let (t0, c0) = near.map_or((0.0, 0.0), |n| (span(asof, n.expiry), log_carry(n, spot)));
                let (t1, c1) = (span(asof, far.expiry), log_carry(far, spot));
                let share = (span(asof, expiry) - t0) / (t1 - t0);
                carried(pricing::kernel::exp(c0 + (c1 - c0) * share), ForwardSource::Interpolated)
            }
        };
        // A ratio that left the range of forwards means absurd quotes: the index is the honest answer.
        let fallback = Forward::new(spot.get());
        match (forward, fallback) {
            (Some(forward), _) => (forward, source),
            (None, Ok(index)) => (index, ForwardSource::Index),
            (None, Err(_)) => unreachable!("a Spot is greater than zero, as a Forward must be"),
        }
    }
}

fn log_carry(point: &ForwardPoint, spot: Spot) -> f64 {
    pricing::kernel::ln(point.forward.get() / spot.get())
}

/// Seconds as a ratio base: only quotients of spans are used.
fn span(from: Timestamp, to: Timestamp) -> f64 {
    #[allow(clippy::cast_precision_loss)] // nanoseconds against years
    let nanos = (i128::from(to.unix_nanos()) - i128::from(from.unix_nanos())) as f64;
    nanos.max(1.0)
}

fn point(expiry: Timestamp, quotes: &[&OptionQuote], future_mark: Option<Forward>) -> Option<ForwardPoint> {
    let mut printed: Vec<f64> = quotes.iter().filter_map(|q| q.underlying_price.map(Forward::get)).collect();
    let printed = median(&mut printed);
    let future = future_mark.map(Forward::get);
    let pairs = parity_pairs(quotes);
    let guess = future.or(printed);
    let mut near: Vec<f64> = pairs
        .iter()
        .filter(|p| p.smaller_mark > 0.0 && guess.is_none_or(|g| (p.strike / g - 1.0).abs() < NEAR_THE_MONEY))
        .map(|p| p.forward)
        .collect();
    let parity_pairs = near.len();
    let parity = median(&mut near);
    // A few pairs may be broken ones: they are believed when another source bears them out, or when there is none.
    let borne_out = |v: f64| guess.is_none_or(|g| (v / g - 1.0).abs() * 1e4 <= DISAGREEMENT_LIMIT_BP);
    let believed = parity.filter(|v| parity_pairs >= ENOUGH_PAIRS || borne_out(*v));
    let (value, source) = match (believed, future, printed) {
        (Some(v), _, _) => (v, ForwardSource::Parity),
        (None, Some(v), _) => (v, ForwardSource::FutureMark),
        (None, None, Some(v)) => (v, ForwardSource::Printed),
        (None, None, None) => return None,
    };
    let forward = Forward::new(value).ok()?;
    let synthetic = synthetic(quotes, value);
    Some(ForwardPoint {
        expiry,
        forward,
        source,
        parity,
        parity_pairs,
        future_mark: future,
        printed,
        synthetic,
    })
}

/// Best bid and ask over strikes near the money, one venue's call against its own put.
fn synthetic(quotes: &[&OptionQuote], forward: f64) -> Option<Synthetic> {
    let mut strikes: BTreeMap<_, (Option<&OptionQuote>, Option<&OptionQuote>)> = BTreeMap::new();
    for quote in quotes.iter().filter(|q| (q.strike.get() / forward - 1.0).abs() < NEAR_THE_MONEY) {
        let slot = strikes.entry((&quote.listing.venue, quote.strike.get().to_bits())).or_default();
        match quote.kind {
            OptionKind::Call => slot.0 = Some(quote),
            OptionKind::Put => slot.1 = Some(quote),
        }
    }
    let positive = |price: Option<f64>| price.filter(|p| *p > 0.0);
    let mut best: Option<Synthetic> = None;
    for (call, put) in strikes.into_values() {
        let (Some(call), Some(put)) = (call, put) else { continue };
        let inverse = call.listing.contract.settlement == Settlement::Inverse;
        let at = |call_price: Option<f64>, put_price: Option<f64>| {
            let forward =
                implied_forward(call.strike.get(), positive(call_price)? - positive(put_price)?, inverse);
            (forward.is_finite() && forward > 0.0).then_some(forward)
        };
        let sides = at(call.bid_price, put.ask_price).zip(at(call.ask_price, put.bid_price));
        let Some((bid, ask)) = sides else { continue };
        best = Some(best.map_or(Synthetic { bid, ask, strikes: 1 }, |old| Synthetic {
            bid: if bid > old.bid { bid } else { old.bid },
            ask: if ask < old.ask { ask } else { old.ask },
            strikes: old.strikes + 1,
        }));
    }
    best
}

/// By put-call parity without discounting: from call less put, in coin for inverse options.
fn implied_forward(strike: f64, call_less_put: f64, inverse: bool) -> f64 {
    if inverse { strike / (1.0 - call_less_put) } else { strike + call_less_put }
}

/// The forward that one strike's call and put marks imply together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ParityPair {
    /// Strike of the pair.
    pub strike: f64,
    /// Forward implied by it.
    pub forward: f64,
    /// The lower of the two marks; zero is a price below the venue's last digit, or none.
    pub smaller_mark: f64,
}

/// Implied forwards of all strikes of one expiry that have both marks, by strike.
#[must_use]
pub fn parity_pairs(quotes: &[&OptionQuote]) -> Vec<ParityPair> {
    // The order of quotes decides between several of one strike and kind: the sort keeps it, and the last counts.
    let mut by_strike: Vec<&OptionQuote> = quotes.to_vec();
    by_strike.sort_by(|a, b| pair_of(a).cmp(&pair_of(b)));
    let pair = |same: &[&OptionQuote]| {
        let mark = |kind| same.iter().rev().find(|quote| quote.kind == kind).map(|quote| quote.mark_price);
        let (call, put) = (mark(OptionKind::Call)?, mark(OptionKind::Put)?);
        let first = same.first()?;
        let strike = first.strike.get();
        let inverse = first.listing.contract.settlement == Settlement::Inverse;
        let forward = implied_forward(strike, call - put, inverse);
        let smaller_mark = if call < put { call } else { put };
        (forward.is_finite() && forward > 0.0).then_some(ParityPair { strike, forward, smaller_mark })
    };
    by_strike.chunk_by(|a, b| pair_of(a) == pair_of(b)).filter_map(pair).collect()
}

/// Strike and venue: positive floats order as their bits do.
fn pair_of(quote: &OptionQuote) -> (u64, &Venue) {
    (quote.strike.get().to_bits(), &quote.listing.venue)
}

/// Lower median; changes the order of its input. `None` for nothing.
pub(crate) fn median(values: &mut [f64]) -> Option<f64> {
    let place = values.len().checked_sub(1)? / 2;
    Some(*values.select_nth_unstable_by(place, f64::total_cmp).1)
}
