//! One coherent market: an index, forward curves and vols per underlying, and USD rates per asset.
//!
//! Everything a pricing needs is looked up here once; what is missing is named ([`Missing`]), never guessed. A contract in
//! a quote currency that has no quotes of its own (a USDT option beside a USD chain) is priced off the USD family at the
//! same moneyness, its forward divided by the currency's USD rate.
//!
//! The vol of a contract is its own mark's; without one, interpolated between marks, and beyond the marks that of the surface of record
//! ([`VolBasis::Marks`]). Or the surface goes first ([`VolBasis::Surface`]): one arbitrage-free surface for all contracts.

use crate::forward::{DISAGREEMENT_LIMIT_BP, ForwardCurve, ForwardSource, median};
use crate::snapshot::{FutureQuote, OptionQuote, Snapshot};
use crate::surface::{Cleaning, FamilyChain, SkewStickiness, Smile, VolSurface, families};
use crate::vols::{QuotedVols, VolPoint, VolSource};
use instrument::{Contract, Settlement, Terms, expiry_text};
use pricing::implied_vol::{Deterministic, ImpliedVol, quantise_vol};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use units::{Asset, Discount, Forward, Spot, Strike, Timestamp, Vol, YearFraction, border};

/// What a contract needs and the market does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Missing {
    /// No index for the underlying.
    #[error("no index price for {underlying}: add a market file that quotes {underlying}")]
    Index {
        /// Whose index.
        underlying: Asset,
    },
    /// No USD rate for a currency.
    #[error("no conversion rate from {asset} to USD: pass --rate {asset}=USD_PER_UNIT")]
    Rate {
        /// Which currency.
        asset: Asset,
    },
    /// The contract had settled by the time of the market.
    #[error(
        "expired at {expiry}, before the market of {asof}: replace it by its settlement amount or choose an earlier --at"
    )]
    Expired {
        /// Settlement instant.
        expiry: Timestamp,
        /// Time of the market.
        asof: Timestamp,
    },
    /// No vol for the contract nor around it.
    #[error("no quoted vol for {underlying} options: add a market file with its option chain")]
    Vol {
        /// Whose options.
        underlying: Asset,
    },
    /// A number of the contract or of its market is outside the model's range.
    #[error("outside the model's range: {rule}")]
    Range {
        /// Which rule.
        rule: String,
    },
}

/// A perpetual or future as the market sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FutureState {
    /// Mark or forward.
    pub mark: Forward,
    /// Where it comes from.
    pub source: ForwardSource,
    /// Time to expiry; zero for perpetuals.
    pub expiry: YearFraction,
}

/// An option as the market sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OptionState {
    /// Forward of its expiry in its quote currency.
    pub forward: Forward,
    /// Where the forward comes from.
    pub forward_source: ForwardSource,
    /// Its vol.
    pub vol: Vol,
    /// Where the vol comes from.
    pub vol_source: VolSource,
    /// Time to expiry, above zero.
    pub expiry: YearFraction,
}

/// Quotes of one underlying in one quote currency.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Family {
    /// Forwards.
    pub curve: ForwardCurve,
    /// Vols.
    pub vols: QuotedVols,
    /// The surface of record; none before [`Market::with_surfaces`], or when no expiry could be fitted.
    pub surface: Option<VolSurface>,
}

/// Which vol a contract with a mark of its own is priced at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VolBasis {
    /// Its own mark's: values agree with the venue's.
    #[default]
    Marks,
    /// The surface's, between its first expiry and its last: values are free of arbitrage among each other.
    Surface,
}

/// One underlying.
#[derive(Debug, Clone, PartialEq)]
pub struct Underlying {
    /// Index in USD: the median over the newest rows that print one, or the perpetual's mark where none does (a note says so).
    pub spot: Spot,
    /// By quote currency; inverse contracts quote in USD.
    pub families: BTreeMap<Asset, Family>,
}

/// A coherent market at one instant.
#[derive(Debug, Clone, PartialEq)]
pub struct Market {
    /// Valuation time.
    pub asof: Timestamp,
    /// By asset.
    pub underlyings: BTreeMap<Asset, Underlying>,
    /// USD per unit of currencies: as given by the user, else implied by the spot pairs of the snapshot.
    pub rates: BTreeMap<Asset, Spot>,
    /// What a reader should know about the market's quality.
    pub notes: Vec<String>,
    /// Which vol goes first.
    pub vol_basis: VolBasis,
    /// How the smile of an underlying moves with spot; sticky strike for those not named.
    pub stickiness: BTreeMap<Asset, SkewStickiness>,
    option_vols: BTreeMap<Contract, (Vol, VolSource)>,
    future_marks: BTreeMap<Contract, Forward>,
}

impl Market {
    /// Builds the market from a snapshot and the user's conversion rates.
    #[must_use]
    pub fn build(snapshot: &Snapshot, rates: &BTreeMap<Asset, Spot>) -> Self {
        let mut market = Self {
            asof: snapshot.asof,
            underlyings: BTreeMap::new(),
            rates: rates.clone(),
            notes: Vec::new(),
            vol_basis: VolBasis::Marks,
            stickiness: BTreeMap::new(),
            option_vols: newest(snapshot.options.values(), |q| {
                (&q.listing.contract, q.source_time, q.mark_vol.map(|vol| (vol, VolSource::Quoted)))
            }),
            future_marks: newest(snapshot.futures.values(), |q| {
                (&q.listing.contract, q.source_time, Some(q.mark_price))
            }),
        };
        let mut assets: Vec<&Asset> =
            snapshot.options.values().map(|q| &q.listing.contract.underlying).collect();
        assets.extend(snapshot.futures.values().map(|q| &q.listing.contract.underlying));
        assets.sort();
        assets.dedup();
        for asset in assets {
            if let Some(underlying) = market.underlying(asset, snapshot) {
                market.underlyings.insert(asset.clone(), underlying);
            }
        }
        market.imply_rates(snapshot);
        market
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
    fn imply_rates(&mut self, snapshot: &Snapshot) {
        for _ in 0..2 {
            let mut implied: BTreeMap<Asset, Vec<f64>> = BTreeMap::new();
            for quote in snapshot.spots.values() {
                let contract = &quote.listing.contract;
                let currency = quote_currency(contract);
                if self.usd_rate(&currency).is_err()
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

    fn underlying(&mut self, asset: &Asset, snapshot: &Snapshot) -> Option<Underlying> {
        let options: Vec<&OptionQuote> =
            snapshot.options.values().filter(|q| q.listing.contract.underlying == *asset).collect();
        let futures: Vec<&FutureQuote> =
            snapshot.futures.values().filter(|q| q.listing.contract.underlying == *asset).collect();
        let index = newest_index(&options, &futures);
        let perpetuals = futures.iter().filter(|q| q.listing.contract.terms == Terms::Perpetual);
        let stand_in = || median(&mut perpetuals.map(|q| q.mark_price.get()).collect::<Vec<_>>());
        let spot = Spot::new(index.or_else(stand_in)?).ok()?;
        if index.is_none() {
            self.notes.push(format!("{asset}: no index in the market files; the perpetual's mark stands in"));
        }
        let mut families = BTreeMap::new();
        for quote_asset in
            options.iter().map(|q| &q.listing.contract).chain(futures.iter().map(|q| &q.listing.contract))
        {
            let currency = quote_currency(quote_asset);
            if let Entry::Vacant(place) = families.entry(currency) {
                let family = self.family(place.key(), spot, &options, &futures);
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
                let contract = quote.listing.contract.clone();
                self.option_vols.entry(contract).or_insert((vol, VolSource::Implied));
            }
        }
        let vols = QuotedVols::build(&with_vol, &curve, spot, self.asof);
        Family { curve, vols, surface: None }
    }

    fn note_disagreements(&mut self, asset: &Asset, family: &Family) {
        for point in family.curve.points().filter(|p| p.disagreement_bp() > DISAGREEMENT_LIMIT_BP) {
            self.notes.push(format!(
                "{asset} {}: sources of the forward differ by {:.0} bp (parity {}, future {}, printed {})",
                expiry_text(point.expiry),
                point.disagreement_bp(),
                shown(point.parity),
                shown(point.future_mark),
                shown(point.printed),
            ));
        }
    }

    /// USD per unit of an asset: 1 for USD, the index for an underlying, the rate given or implied otherwise.
    ///
    /// # Errors
    /// [`Missing::Rate`]: no rate is ever assumed, not even for a stablecoin.
    pub fn usd_rate(&self, asset: &Asset) -> Result<f64, Missing> {
        if asset.as_str() == "USD" {
            return Ok(1.0);
        }
        let index = self.underlyings.get(asset).map(|u| &u.spot);
        index
            .or_else(|| self.rates.get(asset))
            .map(|rate| rate.get())
            .ok_or_else(|| Missing::Rate { asset: asset.clone() })
    }

    /// Index of an underlying.
    ///
    /// # Errors
    /// [`Missing::Index`].
    pub fn spot(&self, underlying: &Asset) -> Result<Spot, Missing> {
        let quoted = self.underlyings.get(underlying).map(|u| u.spot);
        quoted
            .or_else(|| self.rates.get(underlying).copied())
            .ok_or_else(|| Missing::Index { underlying: underlying.clone() })
    }

    /// State of a future or perpetual.
    ///
    /// # Errors
    /// What is missing to mark it.
    pub fn future_state(&self, contract: &Contract) -> Result<FutureState, Missing> {
        let expiry = contract.expiry().map_or(Ok(YearFraction::ZERO), |at| self.years_to(at))?;
        if let Some(mark) = self.future_marks.get(contract) {
            return Ok(FutureState { mark: *mark, source: ForwardSource::FutureMark, expiry });
        }
        let (mark, source) = match contract.expiry() {
            Some(at) => self.forward(contract, at)?,
            None => {
                let quote = self.usd_rate(&quote_currency(contract))?;
                (forward(self.spot(&contract.underlying)?.get() / quote)?, ForwardSource::Index)
            }
        };
        Ok(FutureState { mark, source, expiry })
    }

    /// State of an option.
    ///
    /// # Errors
    /// What is missing to price it.
    pub fn option_state(&self, contract: &Contract) -> Result<OptionState, Missing> {
        let Terms::Option { expiry: at, strike, .. } = &contract.terms else {
            return Err(Missing::Range { rule: format!("{contract} is not an option") });
        };
        let expiry = self.years_to(*at)?;
        let (forward, forward_source) = self.forward(contract, *at)?;
        let own = self.option_vols.get(contract).copied();
        let strike = || {
            border::to_model(strike.get())
                .and_then(Strike::new)
                .map_err(|e| Missing::Range { rule: e.to_string() })
        };
        let found = match (self.vol_basis, own) {
            (VolBasis::Marks, Some(own)) => Some(own),
            (basis, own) => {
                let point = VolPoint { expiry: *at, forward, strike: strike()? };
                let fitted = self.surface_vol(contract, point, expiry);
                let marks = own.or_else(|| self.quoted_family(contract)?.vols.vol(self.asof, point));
                let beyond = |(_, source): &(Vol, VolSource)| *source == VolSource::Extrapolated;
                match basis {
                    VolBasis::Surface => fitted.or(marks),
                    VolBasis::Marks if marks.as_ref().is_none_or(beyond) => fitted.or(marks),
                    VolBasis::Marks => marks,
                }
            }
        };
        if !self.underlyings.contains_key(&contract.underlying) {
            return Err(Missing::Index { underlying: contract.underlying.clone() });
        }
        let (vol, vol_source) =
            found.ok_or_else(|| Missing::Vol { underlying: contract.underlying.clone() })?;
        Ok(OptionState { forward, forward_source, vol, vol_source, expiry })
    }

    /// The smile of an option's expiry, from the surface of its quote currency, or of another one of the underlying: a smile is a
    /// function of moneyness. None without a surface.
    #[must_use]
    pub fn smile(&self, contract: &Contract) -> Option<Smile> {
        let expiry = self.asof.years_until(contract.expiry()?).ok()?;
        self.surface(contract)?.smile(expiry)
    }

    /// How the smile of an underlying moves with spot.
    #[must_use]
    pub fn stickiness_of(&self, underlying: &Asset) -> SkewStickiness {
        self.stickiness.get(underlying).copied().unwrap_or_default()
    }

    /// The surface that a contract's vols come from.
    fn surface(&self, contract: &Contract) -> Option<&VolSurface> {
        let families = &self.underlyings.get(&contract.underlying)?.families;
        let own = families.get(&quote_currency(contract)).and_then(|f| f.surface.as_ref());
        own.or_else(|| families.values().find_map(|f| f.surface.as_ref()))
    }

    fn surface_vol(
        &self,
        contract: &Contract,
        point: VolPoint,
        expiry: YearFraction,
    ) -> Option<(Vol, VolSource)> {
        let surface = self.surface(contract).filter(|surface| surface.covers(expiry))?;
        let vol = surface.vol(point.forward, point.strike, expiry)?.ok()?;
        Some((vol, VolSource::Surface))
    }

    /// Quoted vols of a contract's quote currency, or of another one of the underlying.
    fn quoted_family(&self, contract: &Contract) -> Option<&Family> {
        let families = &self.underlyings.get(&contract.underlying)?.families;
        let own = families.get(&quote_currency(contract)).filter(|f| !f.vols.is_empty());
        own.or_else(|| families.values().find(|f| !f.vols.is_empty()))
    }

    /// Vol at the money of so many days from now, between the quoted expiries or, beyond them, the nearest one's.
    ///
    /// # Errors
    /// What is missing: the index, or any quoted vol.
    pub fn at_the_money_vol(&self, underlying: &Asset, days: u16) -> Result<(Vol, VolSource), Missing> {
        let expiry = self.asof.plus_millis(i64::from(days) * 86_400_000);
        let contract = Contract {
            underlying: underlying.clone(),
            terms: Terms::Future { expiry },
            settlement: Settlement::Inverse,
        };
        let (forward, _) = self.forward(&contract, expiry)?;
        let strike = Strike::new(forward.get()).map_err(|e| range(&e))?;
        let point = VolPoint { expiry, forward, strike };
        let found = self.quoted_family(&contract).and_then(|family| family.vols.vol(self.asof, point));
        found.ok_or_else(|| Missing::Vol { underlying: underlying.clone() })
    }

    fn years_to(&self, expiry: Timestamp) -> Result<YearFraction, Missing> {
        let years = self.asof.years_until(expiry).map_err(|e| Missing::Range { rule: e.to_string() })?;
        if years.is_expired() { Err(Missing::Expired { expiry, asof: self.asof }) } else { Ok(years) }
    }

    fn forward(&self, contract: &Contract, expiry: Timestamp) -> Result<(Forward, ForwardSource), Missing> {
        let spot = self.spot(&contract.underlying)?;
        let currency = quote_currency(contract);
        let families = self.underlyings.get(&contract.underlying).map(|u| &u.families);
        let own = families.and_then(|f| f.get(&currency)).filter(|f| !f.curve.is_empty());
        let (quoted_in, family) = match own {
            Some(family) => (&currency, Some(family)),
            None => families
                .and_then(|f| f.iter().find(|(_, f)| !f.curve.is_empty()))
                .map_or((&currency, None), |(quoted_in, family)| (quoted_in, Some(family))),
        };
        // Carry is what a forward gains on the spot in its own currency: a rate away from 1 is no carry.
        let spot_there = Spot::new(spot.get() / self.usd_rate(quoted_in)?).map_err(|e| range(&e))?;
        let Some(family) = family else { return Ok((forward(spot_there.get())?, ForwardSource::Index)) };
        let (there, source) = family.curve.forward(spot_there, self.asof, expiry);
        if *quoted_in == currency {
            return Ok((there, source));
        }
        let in_usd = there.get() * self.usd_rate(quoted_in)?;
        Ok((forward(in_usd / self.usd_rate(&currency)?)?, source))
    }
}

/// The median index of the newest rows: those within ten minutes of the newest row that prints one. An older file must not
/// outvote a newer one by its number of rows.
fn newest_index(options: &[&OptionQuote], futures: &[&FutureQuote]) -> Option<f64> {
    const WINDOW_NANOS: i64 = 10 * 60 * 1_000_000_000;
    let from_options = options.iter().filter_map(|q| Some((q.source_time, q.index_price?.get())));
    let from_futures = futures.iter().filter_map(|q| Some((q.source_time, q.index_price?.get())));
    let printed: Vec<(Timestamp, f64)> = from_options.chain(from_futures).collect();
    let newest = printed.iter().map(|(time, _)| time.unix_nanos()).max()?;
    let recent = printed.iter().filter(|(time, _)| newest - time.unix_nanos() <= WINDOW_NANOS);
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

fn forward(value: f64) -> Result<Forward, Missing> {
    Forward::new(value).map_err(|e| range(&e))
}

fn range(error: &units::UnitError) -> Missing {
    Missing::Range { rule: error.to_string() }
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

/// The currency in which a contract's price and strike are quoted.
#[must_use]
pub fn quote_currency(contract: &Contract) -> Asset {
    match &contract.settlement {
        Settlement::Linear { currency } => currency.clone(),
        Settlement::Inverse | Settlement::Quanto { .. } => Asset::usd(),
    }
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
