//! One coherent market: an index, forward curves and vols per underlying, and USD rates per asset.
//!
//! Everything a pricing needs is looked up here once; what is missing is named ([`Missing`]), never guessed. A contract in
//! a quote currency that has no quotes of its own (a USDT option beside a USD chain) is priced off the USD family at the
//! same moneyness, its forward divided by the currency's USD rate.
//!
//! The vol of a contract is its own mark's; without one, interpolated between marks, and beyond the marks that of the surface of record
//! ([`VolBasis::Marks`]). Or the surface goes first ([`VolBasis::Surface`]): one arbitrage-free surface for all contracts.

use crate::forward::{ForwardCurve, ForwardSource};
use crate::surface::{SkewStickiness, Smile, VolSurface};
use crate::vols::{QuotedVols, VolPoint, VolSource};
use instrument::{Contract, Settlement, Terms};
use std::collections::BTreeMap;
use units::{Asset, Forward, Spot, Strike, Timestamp, Vol, YearFraction, border};

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
    /// As the user gave them; [`Self::rates`] has the implied ones besides.
    pub(crate) given_rates: BTreeMap<Asset, Spot>,
    /// Notes by underlying; [`Self::notes`] are all of them and those on rates.
    pub(crate) notes_of: BTreeMap<Asset, Vec<String>>,
    pub(crate) option_vols: BTreeMap<Contract, (Vol, VolSource)>,
    pub(crate) future_marks: BTreeMap<Contract, Forward>,
}

impl Market {
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

    /// True for a contract that rests on its own quotes alone, besides USD rates: a future with a mark, an option with a vol of its own and
    /// a forward of its own expiry in its own quote currency.
    #[must_use]
    pub fn is_quoted(&self, contract: &Contract) -> bool {
        let Terms::Option { expiry, .. } = &contract.terms else {
            return self.future_marks.contains_key(contract);
        };
        let families = self.underlyings.get(&contract.underlying).map(|u| &u.families);
        let family = families.and_then(|families| families.get(&quote_currency(contract)));
        self.vol_basis == VolBasis::Marks
            && self.option_vols.contains_key(contract)
            && family.is_some_and(|family| family.curve.at(*expiry).is_some())
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

fn forward(value: f64) -> Result<Forward, Missing> {
    Forward::new(value).map_err(|e| range(&e))
}

fn range(error: &units::UnitError) -> Missing {
    Missing::Range { rule: error.to_string() }
}

/// The currency in which a contract's price and strike are quoted.
#[must_use]
pub fn quote_currency(contract: &Contract) -> Asset {
    match &contract.settlement {
        Settlement::Linear { currency } => currency.clone(),
        Settlement::Inverse | Settlement::Quanto { .. } => Asset::usd(),
    }
}
