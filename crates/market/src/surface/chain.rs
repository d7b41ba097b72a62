//! From a snapshot to what a surface is fitted to, with the fate of every quote kept.
//!
//! A family is one underlying in one quote currency; its expiries come with the forward of record, the time left and the quotes.
//! A forward is that of the [`ForwardCurve`]; where the curve has no point for an expiry, it is interpolated when the index is
//! known, and else the expiry is named as one without a forward.
//!
//! ```
//! use instrument::Specs;
//! use market::surface::{Cleaning, FamilyChain, VolSurface, families};
//! use market::{ForwardCurve, Layout, RawQuote, RawSnapshot, Snapshot};
//! use units::Timestamp;
//! let asof = Timestamp::from_utc_date(2026, 2, 5, 8)?;
//! let row = |name: &str, mark| RawQuote {
//!     instrument_name: name.into(),
//!     mark_price: Some(mark),
//!     bid_price: Some(mark - 0.001),
//!     ask_price: Some(mark + 0.001),
//!     ..RawQuote::default()
//! };
//! let rows = vec![row("BTC-27MAR26-80000-C", 0.10), row("BTC-27MAR26-80000-P", 0.05)];
//! let raw = RawSnapshot {
//!     file: "chain.csv".into(),
//!     layout: Layout::Chain,
//!     asof,
//!     snapshots_in_file: 1,
//!     rows,
//!     issues: Default::default(),
//! };
//! let (snapshot, _) = Snapshot::admit(&[raw], &Specs::embedded())?;
//! for quotes in families(&snapshot).values() {
//!     let curve = ForwardCurve::build(quotes, &Default::default());
//!     let chain = FamilyChain::new(asof, quotes, &curve, None);
//!     let given: Vec<_> = chain.expiries.iter().map(|e| e.cleaned(&Cleaning::default())).collect();
//!     assert_eq!(given[0].quotes.len(), 2);
//!     assert!(VolSurface::fit(asof, &given).expiries[0].refused.is_some(), "two quotes make no slice");
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use super::calibrate::ExpiryQuotes;
use super::clean::{Cleaning, Drop, Reference, vol_quote};
use super::fit::VolQuote;
use super::price_unit;
use crate::forward::{ForwardCurve, ForwardPoint, ForwardSource};
use crate::snapshot::{OptionQuote, Snapshot};
use crate::state::quote_currency;
use pricing::implied_vol::{Deterministic, ImpliedVol, quantise_vol};
use std::collections::BTreeMap;
use units::{Asset, Discount, Spot, Timestamp, Vol};

/// Option quotes by underlying and quote currency, each in the order of venue and symbol.
#[must_use]
pub fn families(snapshot: &Snapshot) -> BTreeMap<(Asset, Asset), Vec<&OptionQuote>> {
    let mut by_currency: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for quote in snapshot.options.values() {
        let contract = &quote.listing.contract;
        let family = (contract.underlying.clone(), quote_currency(contract));
        by_currency.entry(family).or_default().push(quote);
    }
    by_currency
}

/// The expiries of one family.
#[derive(Debug, Clone, PartialEq)]
pub struct FamilyChain<'a> {
    /// Ascending.
    pub expiries: Vec<ExpiryChain<'a>>,
    /// Expiries for which nobody knows a forward, with their quotes.
    pub without_forward: BTreeMap<Timestamp, Vec<&'a OptionQuote>>,
}

/// All quotes of one expiry.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpiryChain<'a> {
    /// Settlement instant.
    pub expiry: Timestamp,
    /// What its quotes are judged against.
    pub reference: Reference,
    /// Where the forward comes from.
    pub source: ForwardSource,
    /// The point of the curve with every source; none when the forward is interpolated.
    pub point: Option<ForwardPoint>,
    /// In the order given.
    pub quotes: Vec<&'a OptionQuote>,
}

impl<'a> FamilyChain<'a> {
    /// Quotes by expiry.
    #[must_use]
    pub fn new(
        asof: Timestamp,
        quotes: &[&'a OptionQuote],
        curve: &ForwardCurve,
        index: Option<Spot>,
    ) -> Self {
        let mut by_expiry: BTreeMap<Timestamp, Vec<&OptionQuote>> = BTreeMap::new();
        for quote in quotes {
            by_expiry.entry(quote.expiry).or_default().push(quote);
        }
        let points: BTreeMap<Timestamp, &ForwardPoint> = curve.points().map(|p| (p.expiry, p)).collect();
        let mut chain = Self { expiries: Vec::new(), without_forward: BTreeMap::new() };
        for (expiry, quotes) in by_expiry {
            let point = points.get(&expiry).copied().copied();
            let known = point.map(|p| (p.forward, p.source));
            let forward = known.or_else(|| Some(curve.forward(index?, asof, expiry)));
            let (Some((forward, source)), Ok(years)) = (forward, asof.years_until(expiry)) else {
                chain.without_forward.insert(expiry, quotes);
                continue;
            };
            let strikes_against = point.and_then(|p| p.printed).unwrap_or(forward.get());
            let reference = Reference { forward, strikes_against, years };
            chain.expiries.push(ExpiryChain { expiry, reference, source, point, quotes });
        }
        chain
    }
}

impl ExpiryChain<'_> {
    /// What becomes of each quote, in the order of [`Self::quotes`].
    #[must_use]
    pub fn fates(&self, cleaning: &Cleaning) -> Vec<Result<VolQuote, Drop>> {
        let fate = |quote: &&OptionQuote| {
            let sides = cleaning.admit(quote, &self.reference)?;
            vol_quote(quote, sides, &self.reference)
        };
        self.quotes.iter().map(fate).collect()
    }

    /// The quotes that are fitted, the others counted by reason.
    #[must_use]
    pub fn cleaned(&self, cleaning: &Cleaning) -> ExpiryQuotes {
        let (mut quotes, mut dropped) = (Vec::new(), BTreeMap::new());
        for fate in self.fates(cleaning) {
            match fate {
                Ok(quote) => quotes.push(quote),
                Err(drop) => *dropped.entry(drop).or_default() += 1,
            }
        }
        ExpiryQuotes { expiry: self.expiry, forward: self.reference.forward, quotes, dropped }
    }

    /// Vol of a price of one of the quotes, in the unit of its venue; none when the price holds no time value.
    #[must_use]
    pub fn vol_of_price(&self, quote: &OptionQuote, price: f64) -> Option<Vol> {
        let priced = pricing::implied_vol::OptionQuote {
            price: price * price_unit(quote, self.reference.forward),
            forward: self.reference.forward,
            strike: quote.strike,
            expiry: self.reference.years,
            discount: Discount::new(1.0).ok()?,
            kind: quote.kind,
        };
        Deterministic.implied_vol(&priced).map(quantise_vol).ok()
    }
}
