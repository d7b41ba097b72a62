//! How a market is made of a snapshot, as a whole or one underlying at a time.

use crate::forward::{DISAGREEMENT_LIMIT_BP, ForwardCurve, median};
use crate::snapshot::{FutureQuote, IndexWindow, Moved, OptionQuote, Snapshot};
use crate::state::{Family, Market, Underlying, VolBasis, quote_currency};
use crate::surface::{Cleaning, FamilyChain, VolSurface, families};
use crate::vols::{QuotedVols, VolSource};
use instrument::{Contract, Settlement, Terms, expiry_text};
use pricing::implied_vol::{Deterministic, ImpliedVol, quantise_vol};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use units::{Asset, Discount, Forward, Spot, Timestamp, Vol};

impl Market {
    /// Builds the market from a snapshot and the user's conversion rates.
    #[must_use]
    pub fn build(snapshot: &Snapshot, rates: &BTreeMap<Asset, Spot>) -> Self {
        let mut market = Self {
            asof: snapshot.asof,
            underlyings: BTreeMap::new(),
            rates: BTreeMap::new(),
            notes: Vec::new(),
            vol_basis: VolBasis::Marks,
            stickiness: BTreeMap::new(),
            given_rates: rates.clone(),
            notes_of: BTreeMap::new(),
            option_vols: BTreeMap::new(),
            future_marks: BTreeMap::new(),
        };
        market.refresh(snapshot, &Moved::all(snapshot));
        market
    }

    /// Brings the underlyings of quotes that moved up to a snapshot; the others stay as they are. The same value as
    /// [`Self::build`] of the snapshot when no other quote has changed and the time has not either. Surfaces of the underlyings are
    /// gone until they are fitted again.
    pub fn refresh(&mut self, snapshot: &Snapshot, moved: &Moved) {
        self.asof = snapshot.asof;
        for contract in &moved.contracts {
            self.option_vols.remove(contract);
            self.future_marks.remove(contract);
        }
        let has_moved = |contract: &Contract| moved.contracts.contains(contract);
        for asset in &moved.underlyings {
            // What a mark implies goes by the forward, which any quote of its expiry may move.
            self.option_vols.retain(|contract, (_, source)| {
                *source != VolSource::Implied || contract.underlying != *asset
            });
            self.notes_of.remove(asset);
            let options: Vec<&OptionQuote> =
                snapshot.options.values().filter(|q| q.listing.contract.underlying == *asset).collect();
            let futures: Vec<&FutureQuote> =
                snapshot.futures.values().filter(|q| q.listing.contract.underlying == *asset).collect();
            let own = options.iter().copied().filter(|q| has_moved(&q.listing.contract));
            self.option_vols.extend(newest(own, |q| {
                (&q.listing.contract, q.source_time, q.mark_vol.map(|vol| (vol, VolSource::Quoted)))
            }));
            let own = futures.iter().copied().filter(|q| has_moved(&q.listing.contract));
            self.future_marks
                .extend(newest(own, |q| (&q.listing.contract, q.source_time, Some(q.mark_price))));
            match self.underlying(asset, (&options, &futures), snapshot.index_window) {
                Some(underlying) => drop(self.underlyings.insert(asset.clone(), underlying)),
                None => drop(self.underlyings.remove(asset)),
            }
        }
        self.rates.clone_from(&self.given_rates);
        self.notes = self.notes_of.values().flatten().cloned().collect();
        self.imply_rates(snapshot);
    }

    /// The same market with the surface of record of every family that has quotes to fit one to.
    #[must_use]
    pub fn with_surfaces(mut self, snapshot: &Snapshot, basis: VolBasis) -> Self {
        self.vol_basis = basis;
        for ((asset, currency), quotes) in families(snapshot) {
            let asof = self.asof;
            let Some(underlying) = self.underlyings.get_mut(&asset) else { continue };
            let Some(family) = underlying.families.get_mut(&currency) else { continue };
            let chain = FamilyChain::new(asof, &quotes, &family.curve, Some(underlying.spot));
            let cleaning = Cleaning::default();
            let given: Vec<_> = chain.expiries.iter().map(|expiry| expiry.cleaned(&cleaning)).collect();
            family.surface = Some(VolSurface::fit(asof, &given).surface).filter(|s| !s.is_empty());
        }
        self
    }

    /// USD rates that spot pairs imply: the USD price of the base over the price of the pair, the median over pairs; then once
    /// more for currencies that are only quoted against those found first.
    ///
    /// A rate that the user gives must not move another that pairs without it imply: only where there are none does a pair whose base
    /// has a given rate count.
    fn imply_rates(&mut self, snapshot: &Snapshot) {
        self.imply_rates_from(snapshot, |market, base| {
            market.underlyings.contains_key(base) || !market.given_rates.contains_key(base)
        });
        if !self.given_rates.is_empty() {
            self.imply_rates_from(snapshot, |_, _| true);
        }
    }

    fn imply_rates_from(&mut self, snapshot: &Snapshot, counts: impl Fn(&Self, &Asset) -> bool) {
        for _ in 0..2 {
            let mut implied: BTreeMap<Asset, Vec<f64>> = BTreeMap::new();
            for quote in snapshot.spots.values() {
                let contract = &quote.listing.contract;
                let currency = quote_currency(contract);
                if counts(self, &contract.underlying)
                    && self.usd_rate(&currency).is_err()
                    && let Ok(base_usd) = self.usd_rate(&contract.underlying)
                {
                    implied.entry(currency).or_default().push(base_usd / quote.mark_price.get());
                }
            }
            for (currency, mut rates) in implied {
                if let Some(rate) = median(&mut rates).and_then(|r| Spot::new(r).ok()) {
                    self.notes.push(implied_rate_note(&currency, rate));
                    self.rates.insert(currency, rate);
                }
            }
        }
    }

    fn underlying(
        &mut self,
        asset: &Asset,
        (options, futures): (&[&OptionQuote], &[&FutureQuote]),
        window: IndexWindow,
    ) -> Option<Underlying> {
        let index = newest_index(options, futures, window);
        let perpetuals = futures.iter().filter(|q| q.listing.contract.terms == Terms::Perpetual);
        let stand_in = || median(&mut perpetuals.map(|q| q.mark_price.get()).collect::<Vec<_>>());
        let spot = Spot::new(index.or_else(stand_in)?).ok()?;
        if index.is_none() {
            self.note(
                asset,
                format!("{asset}: no index in the market files; the perpetual's mark stands in"),
            );
        }
        let mut families = BTreeMap::new();
        for quote_asset in
            options.iter().map(|q| &q.listing.contract).chain(futures.iter().map(|q| &q.listing.contract))
        {
            let currency = quote_currency(quote_asset);
            if let Entry::Vacant(place) = families.entry(currency) {
                let family = self.family(place.key(), spot, options, futures);
                self.note_disagreements(asset, &family);
                place.insert(family);
            }
        }
        Some(Underlying { spot, families })
    }

    fn family(
        &mut self,
        currency: &Asset,
        spot: Spot,
        options: &[&OptionQuote],
        futures: &[&FutureQuote],
    ) -> Family {
        let options: Vec<&OptionQuote> =
            options.iter().copied().filter(|q| quote_currency(&q.listing.contract) == *currency).collect();
        let mut options = options;
        // Of several venues that quote one strike or date the newest counts, as everywhere: it is collected last.
        options.sort_by_key(|q| q.source_time);
        let mut futures: Vec<&FutureQuote> =
            futures.iter().copied().filter(|q| quote_currency(&q.listing.contract) == *currency).collect();
        futures.sort_by_key(|q| q.source_time);
        let marks = futures
            .iter()
            .filter_map(|q| Some((q.listing.contract.expiry()?, q.mark_price)))
            .filter(|(expiry, _)| *expiry > self.asof)
            .collect();
        let curve = ForwardCurve::build(&options, &marks);
        let mut with_vol: Vec<(&OptionQuote, Vol)> = Vec::with_capacity(options.len());
        for quote in options {
            let forward = curve.forward(spot, self.asof, quote.expiry).0;
            let implied = || implied_vol(quote, forward, self.asof);
            if let Some(vol) = quote.mark_vol.or_else(implied) {
                with_vol.push((quote, vol));
                if quote.mark_vol.is_none() {
                    let contract = quote.listing.contract.clone();
                    self.option_vols.entry(contract).or_insert((vol, VolSource::Implied));
                }
            }
        }
        let vols = QuotedVols::build(&with_vol, &curve, spot, self.asof);
        Family { curve, vols, surface: None }
    }

    fn note_disagreements(&mut self, asset: &Asset, family: &Family) {
        for point in family.curve.points().filter(|p| p.disagreement_bp() > DISAGREEMENT_LIMIT_BP) {
            let note = format!(
                "{asset} {}: sources of the forward differ by {:.0} bp (parity {}, future {}, printed {})",
                expiry_text(point.expiry),
                point.disagreement_bp(),
                shown(point.parity),
                shown(point.future_mark),
                shown(point.printed),
            );
            self.note(asset, note);
        }
    }

    fn note(&mut self, asset: &Asset, note: String) {
        self.notes_of.entry(asset.clone()).or_default().push(note);
    }
}

/// The median index of the newest rows: those within the window of the newest row that prints one.
fn newest_index(options: &[&OptionQuote], futures: &[&FutureQuote], window: IndexWindow) -> Option<f64> {
    let from_options = options.iter().filter_map(|q| Some((q.source_time, q.index_price?.get())));
    let from_futures = futures.iter().filter_map(|q| Some((q.source_time, q.index_price?.get())));
    let printed: Vec<(Timestamp, f64)> = from_options.chain(from_futures).collect();
    let newest = printed.iter().map(|(time, _)| time.unix_nanos()).max()?;
    let recent = printed.iter().filter(|(time, _)| newest - time.unix_nanos() <= window.nanos());
    median(&mut recent.map(|(_, index)| *index).collect::<Vec<_>>())
}

/// The vol that a quote without one implies by its mark price; `None` for a mark without time value.
fn implied_vol(quote: &OptionQuote, forward: Forward, asof: Timestamp) -> Option<Vol> {
    let in_quote_currency = match quote.listing.contract.settlement {
        Settlement::Inverse => quote.mark_price * forward.get(),
        Settlement::Linear { .. } | Settlement::Quanto { .. } => quote.mark_price,
    };
    let priced = pricing::implied_vol::OptionQuote {
        price: in_quote_currency,
        forward,
        strike: quote.strike,
        expiry: asof.years_until(quote.expiry).ok()?,
        discount: Discount::new(1.0).ok()?,
        kind: quote.kind,
    };
    // The deterministic solver: this vol enters results of record.
    Deterministic.implied_vol(&priced).ok().map(quantise_vol)
}

fn shown(source: Option<f64>) -> String {
    source.map_or_else(|| "none".into(), |v| format!("{v:.2}"))
}

/// A dollar token far from a dollar is more often a bad row than a depeg: the note says so.
fn implied_rate_note(currency: &Asset, rate: Spot) -> String {
    let usual = !currency.as_str().contains("USD") || (0.8..=1.2).contains(&rate.get());
    let check =
        if usual { "" } else { "; far from 1: check the spot rows of the market files, or pass --rate" };
    format!("{currency}: {:.6} USD, implied by spot pairs{check}", rate.get())
}

/// The value of the newest quote per contract; of equal times the first venue in alphabetical order.
fn newest<'a, Q: 'a, V: Copy>(
    quotes: impl Iterator<Item = &'a Q>,
    view: impl Fn(&'a Q) -> (&'a Contract, Timestamp, Option<V>),
) -> BTreeMap<Contract, V> {
    let mut best: BTreeMap<&Contract, (Timestamp, V)> = BTreeMap::new();
    for quote in quotes {
        let (contract, time, Some(value)) = view(quote) else { continue };
        let slot = best.entry(contract).or_insert((time, value));
        if time > slot.0 {
            *slot = (time, value);
        }
    }
    best.into_iter().map(|(contract, (_, value))| (contract.clone(), value)).collect()
}
