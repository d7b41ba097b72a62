//! The smile of one expiry: every quote with its vols and what became of it, and the slice through them.
//!
//! Fitted with all expiries of its quote currency, as the surface is: a slice is bounded by its neighbours.

use super::surface::{Chains, finite};
use super::{Param, Params, UNDERLYING, View, ViewError, shape, value};
use crate::frame::Frame;
use instrument::expiry_text;
use market::surface::{ExpiryFit, FamilyFit, QuoteFate, families, slice_vol};
use serde::Serialize;
use serde_json::Value;
use units::{Asset, Timestamp};

pub(super) const VIEW: View = View {
    name: "smile",
    says: "The smile of one expiry: quotes with their vols, dropped ones with the reason, and the fitted slice",
    params: &[
        UNDERLYING,
        Param { name: "currency", says: "Quote currency; the first without it", example: "USD" },
        Param {
            name: "expiry",
            says: "Settlement instant; the first without it",
            example: "2026-11-28T08:00:00Z",
        },
    ],
    every_millis: 5_000,
    compute,
    schema: shape::<Smile>,
};

/// The slice is drawn with so many points.
const POINTS: u32 = 61;
/// It is drawn beyond the fitted strikes by this share of their range on each side.
const BEYOND: f64 = 0.15;

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Smile {
    underlying: String,
    /// Those with options quoted.
    underlyings: Vec<String>,
    currency: String,
    #[schema(value_type = String)]
    expiry: Timestamp,
    expiry_text: String,
    /// What else there is of the underlying.
    choices: Vec<Choice>,
    forward: f64,
    /// Empty without a slice.
    model: Vec<Point>,
    /// By strike, calls before puts.
    quotes: Vec<Quote>,
    /// Why the expiry is not in the surface.
    refused: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
struct Choice {
    currency: String,
    #[schema(value_type = String)]
    expiry: Timestamp,
    expiry_text: String,
}

/// A point of the slice.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Point {
    log_moneyness: f64,
    strike: f64,
    vol: f64,
    /// True beyond the lowest and highest strike that was fitted.
    is_extrapolated: bool,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Quote {
    instrument: String,
    venue: String,
    kind: &'static str,
    strike: f64,
    log_moneyness: f64,
    bid_vol: Option<f64>,
    ask_vol: Option<f64>,
    mid_vol: Option<f64>,
    model_vol: Option<f64>,
    /// Why it is not fitted.
    dropped: Option<String>,
}

fn compute(frame: &Frame, params: &Params) -> Result<Value, ViewError> {
    let chains = Chains::of(frame, params)?;
    let choices = choices(frame, &chains.underlying);
    let (currency, expiry) = chosen(&choices, params)?;
    let fit = chains.fit(frame, &currency);
    let own = fit.expiries.iter().find(|own| own.report.expiry == expiry);
    let own = own.ok_or_else(|| without_forward(&fit, expiry))?;
    value(&Smile {
        underlying: chains.underlying.to_string(),
        underlyings: chains.underlyings,
        currency: currency.to_string(),
        expiry,
        expiry_text: expiry_text(expiry),
        choices,
        forward: own.report.forward.get(),
        model: model(own),
        quotes: own.quotes.iter().map(Quote::of).collect(),
        refused: own.report.refused.map(|refused| refused.to_string()),
    })
}

/// Expiries with options quoted, by currency and time.
fn choices(frame: &Frame, underlying: &Asset) -> Vec<Choice> {
    let mut all: Vec<Choice> = Vec::new();
    for ((asset, currency), quotes) in families(frame.engine().quotes()) {
        let mut expiries: Vec<Timestamp> = quotes.iter().map(|quote| quote.expiry).collect();
        expiries.sort();
        expiries.dedup();
        let choice =
            |expiry| Choice { currency: currency.to_string(), expiry, expiry_text: expiry_text(expiry) };
        if asset == *underlying {
            all.extend(expiries.into_iter().map(choice));
        }
    }
    all
}

fn chosen(choices: &[Choice], params: &Params) -> Result<(Asset, Timestamp), ViewError> {
    let currency = params.text("currency");
    let expiry = params.parsed::<Timestamp>("expiry")?;
    let fits = |choice: &&Choice| {
        currency.is_none_or(|currency| choice.currency == currency)
            && expiry.is_none_or(|expiry| choice.expiry == expiry)
    };
    let found = choices.iter().find(fits);
    let found = found.and_then(|choice| Some((Asset::new(&choice.currency).ok()?, choice.expiry)));
    found.ok_or_else(|| {
        let all: Vec<String> =
            choices.iter().map(|choice| format!("{} {}", choice.currency, choice.expiry)).collect();
        ViewError::Absent {
            what: "that expiry in that currency".into(),
            hint: format!("there are {}", all.join(", ")),
        }
    })
}

fn without_forward(fit: &FamilyFit, expiry: Timestamp) -> ViewError {
    let name = expiry_text(expiry);
    let own = fit.notes.iter().find(|note| note.contains(&name));
    ViewError::NoFigure(own.cloned().unwrap_or_else(|| format!("{} {name}: no forward", fit.name())))
}

fn model(fit: &ExpiryFit) -> Vec<Point> {
    let (Some(slice), Some((low, high))) = (fit.report.slice, fit.fitted_range()) else { return Vec::new() };
    let (from, to) = (low - BEYOND * (high - low), high + BEYOND * (high - low));
    let point = |index: u32| {
        let log_moneyness = from + (to - from) * f64::from(index) / f64::from(POINTS - 1);
        let strike = fit.report.forward.get() * pricing::kernel::exp(log_moneyness);
        let vol = finite(slice_vol(&slice, fit.years, log_moneyness))?;
        let is_extrapolated = log_moneyness < low || log_moneyness > high;
        Some(Point { log_moneyness, strike, vol, is_extrapolated })
    };
    (0..POINTS).filter_map(point).collect()
}

impl Quote {
    fn of(fate: &QuoteFate) -> Self {
        Self {
            instrument: fate.symbol.to_string(),
            venue: fate.venue.to_string(),
            kind: fate.kind_word(),
            strike: fate.strike.get(),
            log_moneyness: fate.log_moneyness,
            bid_vol: fate.bid_vol,
            ask_vol: fate.ask_vol,
            mid_vol: fate.mid_vol,
            model_vol: fate.model_vol.and_then(finite),
            dropped: fate.dropped.map(|drop| drop.word().replace('_', " ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{SAMPLE, data, keys};
    use super::*;

    #[test]
    fn the_slice_is_the_one_of_the_surface_and_every_quote_is_there() {
        let surface = data(&SAMPLE, "surface", &[("underlying", "BTC")]).unwrap();
        let family = &surface["families"][0];
        let (currency, expiry) = (family["currency"].as_str().unwrap(), &family["expiries"][1]);
        let params =
            [("underlying", "BTC"), ("currency", currency), ("expiry", expiry["expiry"].as_str().unwrap())];
        let view = data(&SAMPLE, "smile", &params).unwrap();
        let all = "choices currency expiry expiry_text forward model quotes refused underlying underlyings";
        assert_eq!(keys(&view), all.split_whitespace().collect());
        assert_eq!((&view["expiry"], &view["forward"]), (&expiry["expiry"], &expiry["forward"]));
        let quotes = view["quotes"].as_array().unwrap();
        let fitted = quotes.iter().filter(|quote| quote["dropped"].is_null()).count();
        assert_eq!(fitted as u64, expiry["quotes_fitted"].as_u64().unwrap());
        assert_eq!((quotes.len() - fitted) as u64, expiry["quotes_dropped"].as_u64().unwrap());
        let inside = |quote: &&Value| quote["dropped"].is_null();
        for quote in quotes.iter().filter(inside) {
            let (bid, ask) = (quote["bid_vol"].as_f64(), quote["ask_vol"].as_f64());
            let mid = quote["mid_vol"].as_f64().unwrap();
            // The vol of the mid price lies between those of the sides.
            assert!(bid.is_none_or(|bid| bid <= mid) && ask.is_none_or(|ask| mid <= ask), "{quote}");
        }
        let model = view["model"].as_array().unwrap();
        assert_eq!(model.len(), POINTS as usize);
        assert!(
            model[0]["is_extrapolated"].as_bool().unwrap()
                && !model[30]["is_extrapolated"].as_bool().unwrap()
        );
    }

    #[test]
    fn the_first_choice_is_taken_and_a_wrong_one_is_told_what_there_is() {
        let view = data(&SAMPLE, "smile", &[("underlying", "ETH")]).unwrap();
        assert_eq!(view["expiry"], view["choices"][0]["expiry"]);
        let wrong = data(&SAMPLE, "smile", &[("expiry", "2031-01-01T08:00:00Z")]);
        assert!(matches!(wrong, Err(ViewError::Absent { hint, .. }) if hint.contains("USD 2026")));
        let bad = data(&SAMPLE, "smile", &[("expiry", "soon")]);
        assert!(matches!(bad, Err(ViewError::Bad { name: "expiry", .. })));
    }
}
