//! From option quotes to the mids that a slice is fitted to, with the reason why each other quote was dropped.
//!
//! The vol of a quote is that of its mid price; its half spread in vol is half of (ask - bid) over vega. Prices are in the unit of
//! the venue: coin for inverse contracts. Both sides of a strike are kept: each has its own spread.

use super::fit::VolQuote;
use crate::snapshot::OptionQuote;
use instrument::Settlement;
use pricing::Black76;
use pricing::implied_vol::{Deterministic, ImpliedVol, quantise_vol};
use std::collections::BTreeMap;
use units::{Discount, Forward, YearFraction};

/// Half a spread is at least this part of the forward: quotes that touch are not exact.
const TIGHTEST_SPREAD: f64 = 1e-5;
/// A mid vol outside says that the price has no time value worth the name.
const BELIEVABLE_VOL: std::ops::RangeInclusive<f64> = 0.01..=7.9;

/// Which quotes are fitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cleaning {
    /// Shortest time to expiry.
    pub least_days: f64,
    /// Widest spread over the mid.
    pub widest_relative_spread: f64,
    /// Strike over the reference price of its expiry.
    pub strike_range: [f64; 2],
    /// Whether somebody must hold the contract.
    pub interest: Interest,
}

/// Whether a quote needs open interest and a published vega.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    /// At least one contract open, a vega of zero or more, and a price of the underlying printed beside the quote.
    Required,
    /// Any quote counts: open interest is not in every feed, and is zero everywhere in a new expiry.
    Ignored,
}

impl Default for Cleaning {
    /// Two-sided quotes no wider than half their mid, two hours to expiry, strikes within a factor of four.
    fn default() -> Self {
        Self {
            least_days: 1.0 / 12.0,
            widest_relative_spread: 0.5,
            strike_range: [0.25, 4.0],
            interest: Interest::Ignored,
        }
    }
}

impl Cleaning {
    /// The filter of a published benchmark on recorded chains (S. Mahbub's thesis on inverse options, 2026): a day to expiry, open
    /// interest, a vega, spread at most half the mid, strikes from half to twice the printed forward. A vega of zero passes: far from
    /// the money it is what five printed digits leave.
    pub const BENCHMARK: Self = Self {
        least_days: 1.0,
        widest_relative_spread: 0.5,
        strike_range: [0.5, 2.0],
        interest: Interest::Required,
    };
}

/// Why a quote is not fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Drop {
    /// No bid or no ask above zero.
    OneSided,
    /// The bid lies above the ask.
    Crossed,
    /// Less time than the filter asks for.
    NearExpiry,
    /// Nobody holds it.
    NoOpenInterest,
    /// The venue gives it no vega.
    NoVega,
    /// The venue prints no price of the underlying beside it.
    NoUnderlyingPrice,
    /// Spread against mid.
    WideSpread,
    /// Strike too far from the forward.
    FarStrike,
    /// The mid holds no time value: there is no vol.
    NoTimeValue,
}

impl Drop {
    /// Word for tables and files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::OneSided => "one_sided",
            Self::Crossed => "crossed",
            Self::NearExpiry => "near_expiry",
            Self::NoOpenInterest => "no_open_interest",
            Self::NoVega => "no_vega",
            Self::NoUnderlyingPrice => "no_underlying_price",
            Self::WideSpread => "wide_spread",
            Self::FarStrike => "far_strike",
            Self::NoTimeValue => "no_time_value",
        }
    }
}

/// What a quote is judged against.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reference {
    /// Forward of record of its expiry: vols are relative to it.
    pub forward: Forward,
    /// Price that strikes are compared with; the forward, where the filter names no other.
    pub strikes_against: f64,
    /// Time to expiry.
    pub years: YearFraction,
}

/// Both sides of a sound quote, in the unit of the venue.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TwoSided {
    /// Best bid.
    pub bid: f64,
    /// Best ask.
    pub ask: f64,
}

impl Cleaning {
    /// The two sides of a quote that passes, or why it does not.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn admit(&self, quote: &OptionQuote, reference: &Reference) -> Result<TwoSided, Drop> {
        let above_zero = |price: Option<f64>| price.filter(|p| *p > 0.0);
        let bid = above_zero(quote.bid_price).ok_or(Drop::OneSided)?;
        let ask = above_zero(quote.ask_price).ok_or(Drop::OneSided)?;
        if ask < bid {
            return Err(Drop::Crossed);
        }
        if reference.years.get() * YearFraction::DAYS < self.least_days {
            return Err(Drop::NearExpiry);
        }
        if self.interest == Interest::Required {
            if quote.open_interest.is_none_or(|open| open < 1.0) {
                return Err(Drop::NoOpenInterest);
            }
            if quote.published.vega_per_point.is_none_or(|vega| vega < 0.0) {
                return Err(Drop::NoVega);
            }
            if quote.underlying_price.is_none() {
                return Err(Drop::NoUnderlyingPrice);
            }
        }
        if ask - bid > self.widest_relative_spread * (0.5 * (bid + ask)) {
            return Err(Drop::WideSpread);
        }
        let ratio = quote.strike.get() / reference.strikes_against;
        if !(self.strike_range[0]..=self.strike_range[1]).contains(&ratio) {
            return Err(Drop::FarStrike);
        }
        Ok(TwoSided { bid, ask })
    }
}

/// The option as the pricing kernel sees it, at a vol.
#[must_use]
pub fn option_at(quote: &OptionQuote, reference: &Reference, vol: units::Vol) -> Option<Black76> {
    Some(Black76 {
        forward: reference.forward,
        strike: quote.strike,
        vol,
        expiry: reference.years,
        discount: Discount::new(1.0).ok()?,
        kind: quote.kind,
    })
}

/// Quote currency per unit in which the venue quotes: the forward for inverse contracts, else 1.
#[must_use]
pub fn price_unit(quote: &OptionQuote, forward: Forward) -> f64 {
    match quote.listing.contract.settlement {
        Settlement::Inverse => forward.get(),
        Settlement::Linear { .. } | Settlement::Quanto { .. } => 1.0,
    }
}

/// The vol of the mid and half the spread in vol.
///
/// # Errors
/// [`Drop::NoTimeValue`] when the mid is worth no vol that could be believed.
pub fn vol_quote(quote: &OptionQuote, sides: TwoSided, reference: &Reference) -> Result<VolQuote, Drop> {
    let unit = price_unit(quote, reference.forward);
    let forward = reference.forward.get();
    let priced = pricing::implied_vol::OptionQuote {
        price: 0.5 * (sides.bid + sides.ask) * unit,
        forward: reference.forward,
        strike: quote.strike,
        expiry: reference.years,
        discount: Discount::new(1.0).map_err(|_| Drop::NoTimeValue)?,
        kind: quote.kind,
    };
    let vol = Deterministic.implied_vol(&priced).map(quantise_vol).map_err(|_| Drop::NoTimeValue)?;
    if !BELIEVABLE_VOL.contains(&vol.get()) {
        return Err(Drop::NoTimeValue);
    }
    let vega = option_at(quote, reference, vol).map_or(0.0, |option| option.greeks().vega);
    let half_spread = 0.5 * (sides.ask - sides.bid) * unit;
    let tightest = TIGHTEST_SPREAD * forward;
    let half_spread = if half_spread > tightest { half_spread } else { tightest } / vega;
    if !half_spread.is_finite() {
        return Err(Drop::NoTimeValue);
    }
    let log_moneyness = pricing::kernel::ln(quote.strike.get() / forward);
    Ok(VolQuote { log_moneyness, vol: vol.get(), half_spread })
}

/// Dropped quotes, by reason.
pub type Dropped = BTreeMap<Drop, u32>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Layout, RawQuote, RawSnapshot, Snapshot};
    use instrument::Specs;
    use units::{Timestamp, UnitError};

    /// A quote that the published filter keeps, changed.
    fn fate(change: impl Fn(&mut RawQuote)) -> Result<TwoSided, Drop> {
        let mut row = RawQuote {
            instrument_name: "BTC-27MAR26-80000-C".into(),
            mark_price: Some(0.1),
            bid_price: Some(0.0975),
            ask_price: Some(0.1025),
            underlying_price: Some(84_000.0),
            open_interest: Some(1.0),
            vega_per_point: Some(90.0),
            ..RawQuote::default()
        };
        change(&mut row);
        let asof = Timestamp::from_utc_date(2026, 2, 5, 8).unwrap();
        let (file, issues, rows) = ("chain.csv".into(), Default::default(), vec![row]);
        let raw = RawSnapshot { file, layout: Layout::Chain, asof, snapshots_in_file: 1, rows, issues };
        let snapshot = Snapshot::admit(&[raw], &Specs::embedded()).unwrap().0;
        let quote = snapshot.options.values().next().unwrap();
        let reference = || -> Result<Reference, UnitError> {
            let forward = Forward::new(84_000.0)?;
            Ok(Reference { forward, strikes_against: 84_000.0, years: asof.years_until(quote.expiry)? })
        };
        Cleaning::BENCHMARK.admit(quote, &reference().unwrap())
    }

    #[test]
    fn the_published_filter_keeps_and_drops_at_its_limits() {
        assert!(fate(|_| {}).is_ok());
        assert!(fate(|row| row.vega_per_point = Some(0.0)).is_ok(), "a vega of zero passes");
        assert_eq!(fate(|row| row.vega_per_point = Some(-0.1)), Err(Drop::NoVega));
        assert_eq!(fate(|row| row.vega_per_point = None), Err(Drop::NoVega));
        assert_eq!(fate(|row| row.open_interest = Some(0.9)), Err(Drop::NoOpenInterest));
        assert_eq!(fate(|row| row.underlying_price = None), Err(Drop::NoUnderlyingPrice));
        assert_eq!(fate(|row| row.bid_price = Some(0.0)), Err(Drop::OneSided));
        assert_eq!(fate(|row| row.bid_price = Some(0.11)), Err(Drop::Crossed));
        assert!(fate(|row| row.bid_price = Some(0.0625)).is_ok(), "(0.1025 - 0.0625)/0.0825 is 0.48");
        assert_eq!(fate(|row| row.bid_price = Some(0.06)), Err(Drop::WideSpread), "0.0425/0.08125 is 0.52");
    }
}
