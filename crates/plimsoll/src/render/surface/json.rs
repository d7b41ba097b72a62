//! Vol surfaces as JSON, schema `plimsoll.surface/1` (docs/formats.md).

use super::model_word;
use crate::document::InputFile;
use crate::render::json::pretty;
use crate::surface_command::SurfaceDocument;
use market::surface::{Cleaning, DELTA_COLUMNS, Drop, ExpiryFit, FamilyFit, GridPoint, QuoteFate, Slice};
use serde::Serialize;
use std::collections::BTreeMap;
use units::{Asset, Issue, Symbol, Timestamp, Venue};

#[derive(Serialize)]
struct SurfaceJson<'a> {
    schema: &'static str,
    partial: bool,
    asof: Timestamp,
    version: &'static str,
    inputs: &'a [InputFile],
    coverage: CoverageJson<'a>,
    cleaning: CleaningJson,
    notes: &'a [String],
    surfaces: Vec<FamilyJson<'a>>,
}

#[derive(Serialize)]
struct CoverageJson<'a> {
    bad_rows: u64,
    bad_rows_listed: &'a [Issue],
    quotes_not_used: BTreeMap<&'static str, u64>,
}

#[derive(Serialize)]
struct CleaningJson {
    least_days: f64,
    widest_relative_spread: f64,
    strike_range: [f64; 2],
}

#[derive(Serialize)]
struct FamilyJson<'a> {
    underlying: &'a Asset,
    quote_currency: &'a Asset,
    index_usd: Option<f64>,
    arbitrage: ArbitrageJson,
    expiries: Vec<ExpiryJson<'a>>,
}

#[derive(Serialize)]
struct ArbitrageJson {
    slices: usize,
    free: Option<bool>,
    least_g: Option<f64>,
    least_calendar_gap: Option<f64>,
    wings_ordered: Option<bool>,
}

#[derive(Serialize)]
struct ExpiryJson<'a> {
    expiry: Timestamp,
    days: f64,
    forward: f64,
    forward_source: &'static str,
    forward_disagreement_bp: Option<f64>,
    quotes_fitted: usize,
    quotes_dropped: u32,
    dropped: BTreeMap<&'static str, u32>,
    rmse_points: Option<f64>,
    half_spread_points: Option<f64>,
    inside_fraction: Option<f64>,
    atm_vol: Option<f64>,
    forward_atm_vol: Option<f64>,
    risk_reversal_25d_points: Option<f64>,
    butterfly_25d_points: Option<f64>,
    least_g: Option<f64>,
    model: Option<&'static str>,
    status: &'static str,
    reason: Option<String>,
    carried_from: Option<Timestamp>,
    svi: Option<SviJson>,
    jump_wings: Option<JumpWingsJson>,
    correction: Option<CorrectionJson>,
    grid: Vec<PointJson>,
    quotes: Vec<QuoteJson<'a>>,
}

#[derive(Serialize)]
struct SviJson {
    a: f64,
    b: f64,
    rho: f64,
    m: f64,
    sigma: f64,
}

#[derive(Serialize)]
struct JumpWingsJson {
    variance: f64,
    skew: f64,
    put: f64,
    call: f64,
    least_variance: f64,
}

#[derive(Serialize)]
struct CorrectionJson {
    from: f64,
    spacing: f64,
    cubics: Vec<[f64; 4]>,
}

#[derive(Serialize)]
struct PointJson {
    delta: &'static str,
    log_moneyness: f64,
    strike: f64,
    vol: f64,
    extrapolated: bool,
}

#[derive(Serialize)]
struct QuoteJson<'a> {
    venue: &'a Venue,
    instrument: &'a Symbol,
    kind: &'static str,
    strike: f64,
    log_moneyness: f64,
    bid_price: Option<f64>,
    ask_price: Option<f64>,
    bid_vol: Option<f64>,
    ask_vol: Option<f64>,
    mid_vol: Option<f64>,
    half_spread_vol: Option<f64>,
    model_vol: Option<f64>,
    dropped: Option<&'static str>,
}

/// Pretty JSON with a final newline.
pub(crate) fn json(document: &SurfaceDocument) -> Result<String, serde_json::Error> {
    let Cleaning { least_days, widest_relative_spread, strike_range, .. } = Cleaning::default();
    pretty(&SurfaceJson {
        schema: "plimsoll.surface/1",
        partial: document.is_partial(),
        asof: document.asof,
        version: env!("CARGO_PKG_VERSION"),
        inputs: &document.inputs,
        coverage: CoverageJson {
            bad_rows: document.issues.rows(),
            bad_rows_listed: document.issues.kept(),
            quotes_not_used: document.not_used.iter().copied().collect(),
        },
        cleaning: CleaningJson { least_days, widest_relative_spread, strike_range },
        notes: &document.notes,
        surfaces: document.families.iter().map(family).collect(),
    })
}

fn family(family: &FamilyFit) -> FamilyJson<'_> {
    let check = &family.check;
    let (any, pair) = (family.slices > 0, family.slices > 1);
    FamilyJson {
        underlying: &family.underlying,
        quote_currency: &family.currency,
        index_usd: family.index_usd,
        arbitrage: ArbitrageJson {
            slices: family.slices,
            free: any.then(|| check.is_free_of_arbitrage()),
            least_g: any.then_some(check.least_density),
            least_calendar_gap: pair.then_some(check.least_calendar_gap),
            wings_ordered: pair.then_some(check.wings_ordered),
        },
        expiries: family.expiries.iter().map(expiry).collect(),
    }
}

fn expiry(expiry: &ExpiryFit) -> ExpiryJson<'_> {
    let report = &expiry.report;
    let smile = expiry.smile.as_ref();
    ExpiryJson {
        expiry: report.expiry,
        days: expiry.days(),
        forward: report.forward.get(),
        forward_source: expiry.source.word(),
        forward_disagreement_bp: expiry.disagreement_bp(),
        quotes_fitted: report.quotes,
        quotes_dropped: expiry.dropped(),
        dropped: report.dropped.iter().map(|(reason, count)| (reason.word(), *count)).collect(),
        rmse_points: report.error_points,
        half_spread_points: report.half_spread_points,
        inside_fraction: expiry.inside_fraction(),
        atm_vol: smile.map(|smile| smile.at_the_money),
        forward_atm_vol: expiry.forward_vol,
        risk_reversal_25d_points: smile.and_then(|smile| smile.risk_reversal_25).map(|vol| 100.0 * vol),
        butterfly_25d_points: smile.and_then(|smile| smile.butterfly_25).map(|vol| 100.0 * vol),
        least_g: report.least_density,
        model: report.model.map(model_word),
        status: expiry.status(),
        reason: report.refused.map(|refused| refused.to_string()),
        carried_from: expiry.carried_from,
        svi: report.slice.map(|slice| {
            let raw = slice.hyperbola().raw();
            SviJson { a: raw.a, b: raw.b, rho: raw.rho, m: raw.m, sigma: raw.sigma }
        }),
        jump_wings: report.slice.map(|slice| {
            let jump = slice.hyperbola().jump_wings(expiry.years);
            JumpWingsJson {
                variance: jump.variance,
                skew: jump.skew,
                put: jump.put,
                call: jump.call,
                least_variance: jump.least_variance,
            }
        }),
        correction: report.slice.as_ref().and_then(Slice::correction).map(|own| CorrectionJson {
            from: own.from(),
            spacing: own.spacing(),
            cubics: own.cubics().to_vec(),
        }),
        grid: smile.map_or_else(Vec::new, |smile| {
            let named = DELTA_COLUMNS.iter().zip(&smile.grid);
            named.filter_map(|((delta, _), point)| Some(grid_point(delta, (*point)?))).collect()
        }),
        quotes: expiry.quotes.iter().map(quote).collect(),
    }
}

const fn grid_point(delta: &'static str, point: GridPoint) -> PointJson {
    let GridPoint { log_moneyness, strike, vol, is_extrapolated } = point;
    PointJson { delta, log_moneyness, strike, vol, extrapolated: is_extrapolated }
}

fn quote(quote: &QuoteFate) -> QuoteJson<'_> {
    QuoteJson {
        venue: &quote.venue,
        instrument: &quote.symbol,
        kind: quote.kind_word(),
        strike: quote.strike.get(),
        log_moneyness: quote.log_moneyness,
        bid_price: quote.bid,
        ask_price: quote.ask,
        bid_vol: quote.bid_vol,
        ask_vol: quote.ask_vol,
        mid_vol: quote.mid_vol,
        half_spread_vol: quote.half_spread_vol,
        model_vol: quote.model_vol,
        dropped: quote.dropped.map(Drop::word),
    }
}
