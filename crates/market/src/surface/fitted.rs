//! A surface as it is shown: every quote with its fate, every expiry with its figures.
//!
//! [`FamilyFit::new`] fits as [`Market::with_surfaces`] does and keeps what that drops: vols of bid and ask, why a quote is not fitted, how far
//! the slice is from each mid, vols at deltas ([`DELTA_COLUMNS`]), forward vols between neighbours. Vols are fractions, prices in the unit
//! of the venue, strikes and forwards in the quote currency. Nothing here fails: what has no figure has none.
//!
//! ```
//! use market::surface::{FamilyFit, families};
//! use market::{Market, Snapshot};
//! let snapshot = Snapshot::empty(units::Timestamp::from_utc_date(2026, 11, 25, 12)?);
//! let market = Market::build(&snapshot, &Default::default());
//! let chains = families(&snapshot);
//! let mut fits = chains.iter().map(|(family, quotes)| FamilyFit::new(&market, family, (quotes, None)));
//! assert!(fits.next().is_none(), "no quotes, no surface");
//! # Ok::<(), units::UnitError>(())
//! ```

use super::{
    Cleaning, Delta, Drop, ExpiryChain, ExpiryReport, FamilyChain, Refused, Slice, SurfaceCheck,
    SurfaceSlice, VolSurface, at_delta, risk_reversal_butterfly, slice_vol,
};
use crate::forward::{ForwardCurve, ForwardPoint, ForwardSource};
use crate::snapshot::OptionQuote;
use crate::state::Market;
use instrument::expiry_text;
use std::collections::BTreeMap;
use units::{Asset, OptionKind, Spot, Strike, Symbol, Timestamp, Venue, Vol, YearFraction};

/// The surface of one underlying in one quote currency.
#[derive(Debug, Clone, PartialEq)]
pub struct FamilyFit {
    /// Whose options.
    pub underlying: Asset,
    /// What they are quoted in.
    pub currency: Asset,
    /// Index of the underlying.
    pub index_usd: Option<f64>,
    /// What is left of arbitrage.
    pub check: SurfaceCheck,
    /// How many slices are in the surface.
    pub slices: usize,
    /// Ascending.
    pub expiries: Vec<ExpiryFit>,
    /// Expiries that are in no surface, in words.
    pub notes: Vec<String>,
}

/// One expiry.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpiryFit {
    /// Slice, error, and what was dropped or refused.
    pub report: ExpiryReport,
    /// Time to it.
    pub years: YearFraction,
    /// Where its forward comes from.
    pub source: ForwardSource,
    /// Sources of the forward; none when it is interpolated.
    pub point: Option<ForwardPoint>,
    /// Every quote by strike, calls before puts.
    pub quotes: Vec<QuoteFate>,
    /// Of the slice, also when it was refused for its error.
    pub smile: Option<SmileFigures>,
    /// Vol at the money between this expiry and the slice before; none for the first and for refused ones.
    pub forward_vol: Option<f64>,
    /// Time of the earlier surface whose slice stands in for a refused one.
    pub carried_from: Option<Timestamp>,
    /// Its age, hours.
    pub carried_hours: f64,
}

/// Figures of a smile, as vols.
#[derive(Debug, Clone, PartialEq)]
pub struct SmileFigures {
    /// At the forward.
    pub at_the_money: f64,
    /// Call less put at a delta of 25 %.
    pub risk_reversal_25: Option<f64>,
    /// Mean of the two less the vol at the money.
    pub butterfly_25: Option<f64>,
    /// One for each of [`DELTA_COLUMNS`]; none where no strike has that delta.
    pub grid: Vec<Option<GridPoint>>,
}

/// A point of the grid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GridPoint {
    /// ln(K/F).
    pub log_moneyness: f64,
    /// In the quote currency.
    pub strike: f64,
    /// A fraction.
    pub vol: f64,
    /// True beyond the lowest and highest strike that was fitted.
    pub is_extrapolated: bool,
}

/// Columns of the grid, from low strikes to high: names, and deltas; none is at the money.
pub const DELTA_COLUMNS: [(&str, Option<Delta>); 11] = [
    ("5P", put(5)),
    ("10P", put(10)),
    ("15P", put(15)),
    ("25P", put(25)),
    ("35P", put(35)),
    ("ATM", None),
    ("35C", call(35)),
    ("25C", call(25)),
    ("15C", call(15)),
    ("10C", call(10)),
    ("5C", call(5)),
];

const fn put(percent: u8) -> Option<Delta> {
    Some(Delta { kind: OptionKind::Put, percent })
}

const fn call(percent: u8) -> Option<Delta> {
    Some(Delta { kind: OptionKind::Call, percent })
}

/// One quote and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct QuoteFate {
    /// Who quotes it.
    pub venue: Venue,
    /// Its name there.
    pub symbol: Symbol,
    /// Call or put.
    pub kind: OptionKind,
    /// In the quote currency.
    pub strike: Strike,
    /// ln(K/F).
    pub log_moneyness: f64,
    /// In the unit of the venue.
    pub bid: Option<f64>,
    /// In the unit of the venue.
    pub ask: Option<f64>,
    /// Vol of the bid; none where it is absent or holds no time value.
    pub bid_vol: Option<f64>,
    /// Vol of the ask.
    pub ask_vol: Option<f64>,
    /// Vol of the mid, when it is fitted.
    pub mid_vol: Option<f64>,
    /// Half the spread in vol, when it is fitted.
    pub half_spread_vol: Option<f64>,
    /// Of the slice at this strike.
    pub model_vol: Option<f64>,
    /// Why it is not fitted.
    pub dropped: Option<Drop>,
}

/// A fitted mid farther than this from the slice, in half spreads, is pointed out.
pub const FAR_OFF_HALF_SPREADS: f64 = 2.0;

impl QuoteFate {
    /// Mid less fit, in half spreads; none for quotes that are not fitted.
    #[must_use]
    pub fn off_half_spreads(&self) -> Option<f64> {
        Some((self.mid_vol? - self.model_vol?) / self.half_spread_vol?)
    }

    /// Word of a file.
    #[must_use]
    pub const fn kind_word(&self) -> &'static str {
        match self.kind {
            OptionKind::Call => "call",
            OptionKind::Put => "put",
        }
    }
}

impl FamilyFit {
    /// Fits the quotes of one underlying in one currency, with the forwards and the index of a market; slices of an earlier surface stand
    /// in for refused ones.
    #[must_use]
    pub fn new(
        market: &Market,
        (underlying, currency): &(Asset, Asset),
        (quotes, earlier): (&[&OptionQuote], Option<&VolSurface>),
    ) -> Self {
        let mut notes = Vec::new();
        let known = market.underlyings.get(underlying);
        let alone = || ForwardCurve::build(quotes, &BTreeMap::new());
        let curve = known.and_then(|u| u.families.get(currency)).map_or_else(alone, |f| f.curve.clone());
        let chain = FamilyChain::new(market.asof, quotes, &curve, known.map(|u| u.spot));
        for (expiry, quotes) in &chain.without_forward {
            notes.push(format!(
                "{underlying} {}: {} option quotes without a forward: no pair of marks, no future, no printed forward and no index; \
                 they are in no surface",
                expiry_text(*expiry),
                quotes.len()
            ));
        }
        let cleaning = Cleaning::default();
        let given: Vec<_> = chain.expiries.iter().map(|expiry| expiry.cleaned(&cleaning)).collect();
        let fit = VolSurface::fit(market.asof, &given);
        let mut expiries: Vec<ExpiryFit> = chain
            .expiries
            .iter()
            .zip(fit.expiries)
            .map(|(chain, report)| ExpiryFit::new(chain, report, &cleaning))
            .collect();
        forward_vols(&mut expiries);
        let surface = earlier.map_or_else(|| fit.surface.clone(), |earlier| fit.surface.carry(earlier));
        for expiry in expiries.iter_mut().filter(|expiry| expiry.report.refused.is_some()) {
            if let Some(old) = surface.slices().iter().find(|slice| slice.expiry == expiry.report.expiry) {
                expiry.carry(old, market.asof);
            }
        }
        Self {
            underlying: underlying.clone(),
            currency: currency.clone(),
            index_usd: known.map(|u| u.spot).map(Spot::get),
            check: surface.check(),
            slices: surface.slices().len(),
            expiries,
            notes,
        }
    }

    /// Fitted quotes that the surface misses, the farthest first.
    #[must_use]
    pub fn far_off(&self) -> Vec<(f64, &QuoteFate)> {
        let accepted = self.expiries.iter().filter(|expiry| expiry.report.refused.is_none());
        let mut found: Vec<(f64, &QuoteFate)> = accepted
            .flat_map(|expiry| &expiry.quotes)
            .filter_map(|quote| Some((quote.off_half_spreads()?, quote)))
            .filter(|(off, _)| off.abs() > FAR_OFF_HALF_SPREADS)
            .collect();
        found.sort_by(|a, b| b.0.abs().total_cmp(&a.0.abs()).then_with(|| a.1.symbol.cmp(&b.1.symbol)));
        found
    }

    /// `BTC in USD`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} in {}", self.underlying, self.currency)
    }
}

/// Between neighbouring slices at the money: √((w₂ - w₁)/(T₂ - T₁)).
fn forward_vols(expiries: &mut [ExpiryFit]) {
    let mut before: Option<(f64, f64)> = None;
    for expiry in expiries.iter_mut().filter(|expiry| expiry.report.refused.is_none()) {
        let Some(slice) = expiry.report.slice else { continue };
        let here = (expiry.report.years, slice.variance(0.0));
        expiry.forward_vol =
            before.map(|(years, variance)| ((here.1 - variance) / (here.0 - years)).max(0.0).sqrt());
        before = Some(here);
    }
}

impl ExpiryFit {
    fn new(chain: &ExpiryChain<'_>, report: ExpiryReport, cleaning: &Cleaning) -> Self {
        let years = chain.reference.years;
        let mut quotes: Vec<QuoteFate> = chain
            .quotes
            .iter()
            .zip(chain.fates(cleaning))
            .map(|(quote, fate)| {
                let vol =
                    |price: Option<f64>| chain.vol_of_price(quote, price.filter(|p| *p > 0.0)?).map(Vol::get);
                let log_moneyness = pricing::kernel::ln(quote.strike.get() / chain.reference.forward.get());
                QuoteFate {
                    venue: quote.listing.venue.clone(),
                    symbol: quote.listing.symbol.clone(),
                    kind: quote.kind,
                    strike: quote.strike,
                    log_moneyness,
                    bid: quote.bid_price,
                    ask: quote.ask_price,
                    bid_vol: vol(quote.bid_price),
                    ask_vol: vol(quote.ask_price),
                    mid_vol: fate.ok().map(|quote| quote.vol),
                    half_spread_vol: fate.ok().map(|quote| quote.half_spread),
                    model_vol: report.slice.map(|slice| slice_vol(&slice, years, log_moneyness)),
                    dropped: fate.err(),
                }
            })
            .collect();
        quotes.sort_by(|a, b| {
            let kind = |quote: &QuoteFate| quote.kind == OptionKind::Put;
            a.strike.get().total_cmp(&b.strike.get()).then_with(|| kind(a).cmp(&kind(b)))
        });
        let smile = report.slice.map(|slice| SmileFigures::of(&slice, years, &report, &quotes));
        Self {
            report,
            years,
            source: chain.source,
            point: chain.point,
            quotes,
            smile,
            forward_vol: None,
            carried_from: None,
            carried_hours: 0.0,
        }
    }

    /// Takes the slice of an earlier surface in the place of the refused one.
    fn carry(&mut self, old: &SurfaceSlice, asof: Timestamp) {
        #[allow(clippy::cast_precision_loss)] // hours for reading
        let hours = (asof.unix_nanos() - old.asof.unix_nanos()) as f64 / 3.6e12;
        self.carried_from = Some(old.asof);
        self.carried_hours = hours;
        self.report.slice = Some(old.slice);
        for quote in &mut self.quotes {
            quote.model_vol = Some(slice_vol(&old.slice, self.years, quote.log_moneyness));
        }
        self.smile = Some(SmileFigures::of(&old.slice, self.years, &self.report, &self.quotes));
    }

    /// Where the slice of a refused expiry comes from, in words with its age; empty for all others.
    #[must_use]
    pub fn carried_words(&self) -> String {
        self.carried_from.map_or_else(String::new, |from| {
            format!("; its slice of {from} stands in, {:.1} h old", self.carried_hours)
        })
    }

    /// Days to expiry.
    #[must_use]
    pub fn days(&self) -> f64 {
        self.years.days()
    }

    /// How many quotes were dropped.
    #[must_use]
    pub fn dropped(&self) -> u32 {
        self.report.dropped.values().sum()
    }

    /// Share of the fitted mids within half a spread of the slice.
    #[must_use]
    pub fn inside_fraction(&self) -> Option<f64> {
        #[allow(clippy::cast_precision_loss)] // counts
        let share = self.report.inside as f64 / self.report.quotes as f64;
        (self.report.slice.is_some() && self.report.quotes > 0).then_some(share)
    }

    /// Largest distance between sources of the forward, basis points.
    #[must_use]
    pub fn disagreement_bp(&self) -> Option<f64> {
        self.point.map(|point| point.disagreement_bp())
    }

    /// Lowest and highest log-moneyness that was fitted.
    #[must_use]
    pub fn fitted_range(&self) -> Option<(f64, f64)> {
        fitted_range(&self.quotes)
    }

    /// One word: `ok` or why not.
    #[must_use]
    pub fn status(&self) -> &'static str {
        if self.carried_from.is_some() {
            return "carried";
        }
        self.report.refused.as_ref().map_or("ok", refusal_word)
    }
}

fn fitted_range(quotes: &[QuoteFate]) -> Option<(f64, f64)> {
    let mut fitted = quotes.iter().filter(|quote| quote.dropped.is_none()).map(|quote| quote.log_moneyness);
    let first = fitted.next()?;
    Some((first, fitted.next_back().unwrap_or(first)))
}

/// The word of a refusal in tables and files; its sentence is its `Display`.
const fn refusal_word(refused: &Refused) -> &'static str {
    match refused {
        Refused::Expired => "expired",
        Refused::Twice => "given_twice",
        Refused::FewQuotes { .. } => "few_quotes",
        Refused::Arbitrage => "arbitrage",
        Refused::Misfit { .. } => "misfit",
    }
}

impl SmileFigures {
    fn of(slice: &Slice, years: YearFraction, report: &ExpiryReport, quotes: &[QuoteFate]) -> Self {
        let forward = report.forward.get();
        let range = fitted_range(quotes);
        let point = |log_moneyness: f64, vol: f64| GridPoint {
            log_moneyness,
            strike: forward * pricing::kernel::exp(log_moneyness),
            vol,
            is_extrapolated: range.is_none_or(|(low, high)| log_moneyness < low || log_moneyness > high),
        };
        let column = |delta: Option<Delta>| match delta {
            None => Some(point(0.0, slice_vol(slice, years, 0.0))),
            Some(delta) => at_delta(slice, years, delta).map(|found| point(found.log_moneyness, found.vol)),
        };
        let pair = risk_reversal_butterfly(slice, years, 25);
        Self {
            at_the_money: slice_vol(slice, years, 0.0),
            risk_reversal_25: pair.map(|(reversal, _)| reversal),
            butterfly_25: pair.map(|(_, butterfly)| butterfly),
            grid: DELTA_COLUMNS.iter().map(|(_, delta)| column(*delta)).collect(),
        }
    }
}
