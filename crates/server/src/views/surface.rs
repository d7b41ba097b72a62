//! Vol surfaces of one underlying: vols at deltas, by expiry, one surface a quote currency. The figures of `plimsoll surface`.
//!
//! Fitted now to the quotes at hand ([`market::surface::FamilyFit`]). A surface says what the market quotes, so there is none for a bumped
//! market. Vols are fractions, risk reversals, butterflies and errors vol points.

use super::{Params, UNDERLYING, View, ViewError, shape, underlyings, value};
use crate::frame::Frame;
use instrument::expiry_text;
use market::OptionQuote;
use market::surface::{DELTA_COLUMNS, ExpiryFit, FamilyFit, families};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use units::{Asset, Timestamp};

pub(super) const VIEW: View = View {
    name: "surface",
    says: "Vol surfaces of one underlying by expiry and delta, with their fit and what is left of arbitrage",
    params: &[UNDERLYING],
    every_millis: 10_000,
    compute,
    schema: shape::<Surface>,
};

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Surface {
    underlying: String,
    /// Those with options quoted.
    underlyings: Vec<String>,
    index_usd: Option<f64>,
    /// One a quote currency.
    families: Vec<Family>,
    /// Expiries that are in no surface, and why.
    notes: Vec<String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Family {
    currency: String,
    arbitrage: Arbitrage,
    /// Put deltas, at the money, call deltas.
    columns: [&'static str; 11],
    /// Ascending.
    expiries: Vec<Expiry>,
}

/// What is left of arbitrage; null without slices to look at.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Arbitrage {
    free: Option<bool>,
    /// Least density of the slices.
    least_g: Option<f64>,
    /// Least increase of total variance from an expiry to the next.
    least_calendar_gap: Option<f64>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Expiry {
    #[schema(value_type = String)]
    expiry: Timestamp,
    expiry_text: String,
    days: f64,
    forward: f64,
    forward_source: &'static str,
    /// One a column; null where no strike has that delta.
    vols: Vec<Option<f64>>,
    /// True beyond the lowest and highest strike that was fitted.
    is_extrapolated: Vec<bool>,
    atm_vol: Option<f64>,
    risk_reversal_25d_points: Option<f64>,
    butterfly_25d_points: Option<f64>,
    /// Root mean square of fit less mid.
    rmse_points: Option<f64>,
    /// Mids within half a spread of the fit.
    inside_fraction: Option<f64>,
    quotes_fitted: usize,
    quotes_dropped: u32,
    /// Why it is not in the surface.
    refused: Option<String>,
}

/// Option quotes of one underlying by quote currency, with its name and those of all others that have some.
pub(super) struct Chains<'a> {
    pub(super) underlying: Asset,
    pub(super) underlyings: Vec<String>,
    pub(super) by_currency: BTreeMap<Asset, Vec<&'a OptionQuote>>,
}

impl<'a> Chains<'a> {
    /// # Errors
    /// Of a bumped market, and without option quotes.
    pub(super) fn of(frame: &'a Frame, params: &Params) -> Result<Self, ViewError> {
        if frame.bump().is_some() {
            let text = "surfaces and smiles are shown of the real market only: they say what is quoted; take the bump away";
            return Err(ViewError::NoFigure(text.into()));
        }
        let all = families(frame.engine().quotes());
        let quoted = |asset: &Asset| all.keys().any(|(own, _)| own == asset);
        let mut names: Vec<Asset> = underlyings(frame).into_iter().filter(quoted).collect();
        for (asset, _) in all.keys() {
            if !names.contains(asset) {
                names.push(asset.clone());
            }
        }
        let underlying = params.underlying(&names)?;
        let own = all.into_iter().filter(|((asset, _), _)| *asset == underlying);
        let by_currency = own.map(|((_, currency), quotes)| (currency, quotes)).collect();
        Ok(Self { underlyings: names.iter().map(ToString::to_string).collect(), underlying, by_currency })
    }

    /// Fits the quotes in one currency.
    pub(super) fn fit(&self, frame: &Frame, currency: &Asset) -> FamilyFit {
        let quotes = self.by_currency.get(currency).map(Vec::as_slice).unwrap_or_default();
        FamilyFit::new(frame.engine().market(), &(self.underlying.clone(), currency.clone()), (quotes, None))
    }
}

fn compute(frame: &Frame, params: &Params) -> Result<Value, ViewError> {
    let chains = Chains::of(frame, params)?;
    let fits: Vec<FamilyFit> =
        chains.by_currency.keys().map(|currency| chains.fit(frame, currency)).collect();
    value(&Surface {
        underlying: chains.underlying.to_string(),
        index_usd: fits.first().and_then(|fit| fit.index_usd),
        families: fits.iter().map(Family::of).collect(),
        notes: fits.iter().flat_map(|fit| fit.notes.iter().cloned()).collect(),
        underlyings: chains.underlyings,
    })
}

/// What is no number is absent.
pub(super) fn finite(figure: f64) -> Option<f64> {
    figure.is_finite().then_some(figure)
}

impl Family {
    fn of(fit: &FamilyFit) -> Self {
        let any = fit.slices > 0;
        Self {
            currency: fit.currency.to_string(),
            arbitrage: Arbitrage {
                free: any.then(|| fit.check.is_free_of_arbitrage()),
                least_g: finite(fit.check.least_density).filter(|_| any),
                least_calendar_gap: finite(fit.check.least_calendar_gap).filter(|_| fit.slices > 1),
            },
            columns: DELTA_COLUMNS.map(|(name, _)| name),
            expiries: fit.expiries.iter().map(Expiry::of).collect(),
        }
    }
}

impl Expiry {
    fn of(fit: &ExpiryFit) -> Self {
        let (report, smile) = (&fit.report, fit.smile.as_ref());
        let grid = || DELTA_COLUMNS.iter().enumerate().map(|(column, _)| *smile?.grid.get(column)?);
        Self {
            expiry: report.expiry,
            expiry_text: expiry_text(report.expiry),
            days: fit.days(),
            forward: report.forward.get(),
            forward_source: fit.source.word(),
            vols: grid().map(|point| finite(point?.vol)).collect(),
            is_extrapolated: grid().map(|point| point.is_none_or(|point| point.is_extrapolated)).collect(),
            atm_vol: smile.and_then(|smile| finite(smile.at_the_money)),
            risk_reversal_25d_points: smile.and_then(|smile| finite(100.0 * smile.risk_reversal_25?)),
            butterfly_25d_points: smile.and_then(|smile| finite(100.0 * smile.butterfly_25?)),
            rmse_points: report.error_points.and_then(finite),
            inside_fraction: fit.inside_fraction(),
            quotes_fitted: report.quotes,
            quotes_dropped: fit.dropped(),
            refused: report.refused.map(|refused| refused.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{DEMO, SAMPLE, data, keys};
    use super::*;
    use market::{Bump, BumpAsked};

    #[test]
    fn every_expiry_has_a_vol_or_null_for_each_column() {
        for frame in [&*DEMO, &*SAMPLE] {
            let view = data(frame, "surface", &[("underlying", "BTC")]).unwrap();
            assert_eq!(keys(&view), ["families", "index_usd", "notes", "underlying", "underlyings"].into());
            let families = view["families"].as_array().unwrap();
            assert!(!families.is_empty());
            let mut fitted = 0;
            for family in families {
                assert_eq!(keys(family), ["arbitrage", "columns", "currency", "expiries"].into());
                for expiry in family["expiries"].as_array().unwrap() {
                    let vols = expiry["vols"].as_array().unwrap();
                    assert_eq!((vols.len(), expiry["is_extrapolated"].as_array().unwrap().len()), (11, 11));
                    if expiry["refused"].is_null() {
                        fitted += 1;
                        assert_eq!(vols[5], expiry["atm_vol"], "the sixth column is at the money");
                        let vol = vols[5].as_f64().unwrap();
                        assert!((0.05..3.0).contains(&vol), "a fraction: {vol}");
                    }
                }
            }
            assert!(fitted > 2, "{fitted}");
        }
    }

    #[test]
    fn a_fit_is_that_of_the_market_with_surfaces() {
        let (engine, quotes) = (SAMPLE.engine(), SAMPLE.engine().quotes());
        let market = engine.market().clone().with_surfaces(quotes, market::VolBasis::Marks);
        let view = data(&SAMPLE, "surface", &[("underlying", "ETH")]).unwrap();
        for family in view["families"].as_array().unwrap() {
            let currency = Asset::new(family["currency"].as_str().unwrap()).unwrap();
            let of = &market.underlyings[&Asset::new("ETH").unwrap()].families[&currency];
            let slices = of.surface.as_ref().map_or(0, |surface| surface.slices().len());
            let accepted = family["expiries"].as_array().unwrap().iter().filter(|e| e["refused"].is_null());
            assert_eq!(accepted.count(), slices, "{currency}");
        }
    }

    #[test]
    fn a_bumped_market_has_no_surface_and_an_unquoted_coin_none_either() {
        let bump = Bump::new(BumpAsked { spot_percent: -10.0, vol_points: 0.0, days: 0.0 }).unwrap();
        let frame = SAMPLE.bumped(bump).unwrap();
        for view in ["surface", "smile"] {
            assert!(
                matches!(data(&frame, view, &[]), Err(ViewError::NoFigure(text)) if text.contains("real market"))
            );
            let absent = data(&SAMPLE, view, &[("underlying", "DOGE")]);
            assert!(matches!(absent, Err(ViewError::Absent { hint, .. }) if hint.contains("BTC")));
        }
    }
}
