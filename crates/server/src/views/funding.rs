//! What perpetuals pay and dated futures yield, and what of it the book earns.
//!
//! ```text
//! funding, bp of 8 h    = 10^4 r          percent a year = 100 * 3 * 365 r        r: the rate that the venue prints
//! expected, USD a day   = -3 r * delta    longs pay while r is above zero; delta: cash delta of what is held of the listing
//! basis                 = mark * (USD per quote currency) / index - 1            per year: / years to expiry
//! ```
//!
//! Quotes are the venues' own and not moved by a bump; what is held is valued on the market that is asked about.

use super::surface::finite;
use super::{Params, View, ViewError, shape, value};
use crate::frame::Frame;
use book::EntryKind;
use instrument::{Terms, expiry_text};
use market::{FutureQuote, Market, quote_currency};
use risk::{Measure, RowKind};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use units::{Asset, Decimal, Fixed, Timestamp, exact_sum};

pub(super) const VIEW: View = View {
    name: "funding",
    says: "Funding of perpetuals and basis of dated futures, what is held of them and what it earns",
    params: &[],
    every_millis: 1_000,
    compute,
    schema: shape::<Funding>,
};

/// Funding periods of eight hours in a day.
const PERIODS_A_DAY: f64 = 3.0;
const DAYS_A_YEAR: f64 = 365.0;

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Funding {
    /// By venue and instrument.
    perpetuals: Vec<Perpetual>,
    futures: Vec<Future>,
    /// Paid so far, net, by asset; below zero where more was paid than received.
    received_usd_since_open: Vec<Received>,
    #[schema(value_type = String)]
    total_expected_usd_per_day: Fixed,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Perpetual {
    venue: String,
    instrument: String,
    underlying: String,
    mark_price: f64,
    index_usd: Option<f64>,
    /// Null without index or rate of the quote currency.
    basis_bp: Option<f64>,
    /// Null where the venue prints none.
    funding_rate_8h: Option<f64>,
    funding_bp_8h: Option<f64>,
    funding_percent_year: Option<f64>,
    /// Cash delta of what is held; null when nothing is.
    #[schema(value_type = Option<String>)]
    position_usd: Option<Fixed>,
    #[schema(value_type = Option<String>)]
    expected_usd_per_day: Option<Fixed>,
    age_seconds: f64,
    /// Why something held has no figure.
    why_not: Option<String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Future {
    venue: String,
    instrument: String,
    underlying: String,
    expiry_text: String,
    #[schema(value_type = String)]
    expiry: Timestamp,
    days: f64,
    mark_price: f64,
    /// Of record for that expiry and currency.
    forward: Option<f64>,
    basis_percent: Option<f64>,
    basis_percent_year: Option<f64>,
    #[schema(value_type = Option<String>)]
    position_usd: Option<Fixed>,
    age_seconds: f64,
    why_not: Option<String>,
}

#[derive(Debug, PartialEq, Serialize, utoipa::ToSchema)]
struct Received {
    asset: String,
    #[schema(value_type = String)]
    amount: Decimal,
}

fn compute(frame: &Frame, _params: &Params) -> Result<Value, ViewError> {
    let quotes = || frame.engine().quotes().futures.values();
    let is_perpetual = |quote: &&FutureQuote| quote.listing.contract.terms == Terms::Perpetual;
    let perpetuals: Vec<Perpetual> =
        quotes().filter(is_perpetual).map(|quote| Perpetual::of(quote, frame)).collect::<Result<_, _>>()?;
    let total = perpetuals.iter().filter_map(|perpetual| perpetual.expected_usd_per_day).sum();
    value(&Funding {
        futures: quotes().filter_map(|quote| Future::of(quote, frame)).collect(),
        perpetuals,
        received_usd_since_open: received(frame)?,
        total_expected_usd_per_day: total,
    })
}

fn received(frame: &Frame) -> Result<Vec<Received>, ViewError> {
    let mut by_asset: BTreeMap<&Asset, Decimal> = BTreeMap::new();
    let paid = frame.engine().profit().cash().iter().filter(|((_, kind, _), _)| *kind == EntryKind::Funding);
    for ((_, _, asset), amount) in paid {
        let sum = by_asset.entry(asset).or_default();
        *sum = exact_sum(*sum, *amount).ok_or_else(|| {
            ViewError::NoFigure(format!("the sum of funding in {asset} needs over 28 digits"))
        })?;
    }
    let received = |(asset, amount): (&Asset, Decimal)| Received {
        asset: asset.to_string(),
        amount: amount.normalize(),
    };
    Ok(by_asset.into_iter().map(received).collect())
}

/// Seconds since a quote was true; none in the future of the clock that is asked.
pub(super) fn age_seconds(frame: &Frame, time: Timestamp) -> f64 {
    #[allow(clippy::cast_precision_loss)] // an age for reading
    let age = frame.engine().now().unix_nanos().saturating_sub(time.unix_nanos()) as f64 / 1e9;
    age.max(0.0)
}

/// Cash delta of what is held of a listing, none when nothing is; or why it has none.
fn held(frame: &Frame, quote: &FutureQuote) -> (Option<Fixed>, Option<String>) {
    let (venue, symbol) = (&quote.listing.venue, &quote.listing.symbol);
    let valuation = frame.valuation();
    if let Some(lost) = valuation.unpriced.iter().find(|lost| lost.venue == *venue && lost.symbol == *symbol)
    {
        return (None, Some(lost.reason.clone()));
    }
    let own = valuation.rows.iter().filter(|row| row.venue == *venue && row.symbol == *symbol);
    let mut own = own.filter(|row| matches!(row.kind, RowKind::Perpetual | RowKind::Future)).peekable();
    let is_held = own.peek().is_some();
    let delta: Fixed = own.map(|row| row.exposure.in_usd(Measure::Delta)).sum();
    (is_held.then_some(delta), None)
}

/// Index of the engine's market: that of a bumped one would not go with the quotes.
fn index_usd(market: &Market, quote: &FutureQuote) -> Option<f64> {
    let own = market.spot(&quote.listing.contract.underlying).ok().or(quote.index_price);
    own.map(units::Spot::get)
}

/// Mark over index, less one.
fn basis(market: &Market, quote: &FutureQuote) -> Option<f64> {
    let usd = market.usd_rate(&quote_currency(&quote.listing.contract)).ok()?;
    finite(quote.mark_price.get() * usd / index_usd(market, quote)? - 1.0)
}

fn expected(rate: f64, position_usd: Fixed) -> Result<Fixed, ViewError> {
    let usd = -PERIODS_A_DAY * rate * position_usd.to_f64();
    Fixed::quantise(usd).map_err(|error| ViewError::NoFigure(format!("expected funding: {error}")))
}

impl Perpetual {
    fn of(quote: &FutureQuote, frame: &Frame) -> Result<Self, ViewError> {
        let market = frame.engine().market();
        let rate = quote.funding_rate_8h;
        let (position_usd, why_not) = held(frame, quote);
        let both = rate.zip(position_usd);
        Ok(Self {
            venue: quote.listing.venue.to_string(),
            instrument: quote.listing.symbol.to_string(),
            underlying: quote.listing.contract.underlying.to_string(),
            mark_price: quote.mark_price.get(),
            index_usd: index_usd(market, quote),
            basis_bp: basis(market, quote).map(|basis| 1e4 * basis),
            funding_rate_8h: rate,
            funding_bp_8h: rate.map(|rate| 1e4 * rate),
            funding_percent_year: rate.map(|rate| 100.0 * PERIODS_A_DAY * DAYS_A_YEAR * rate),
            position_usd,
            expected_usd_per_day: both.map(|(rate, position)| expected(rate, position)).transpose()?,
            age_seconds: age_seconds(frame, quote.source_time),
            why_not,
        })
    }
}

impl Future {
    /// None for perpetuals.
    fn of(quote: &FutureQuote, frame: &Frame) -> Option<Self> {
        let contract = &quote.listing.contract;
        let expiry = contract.expiry()?;
        let market = frame.engine().market();
        let years = market.asof.years_until(expiry).ok()?;
        let family = market.underlyings.get(&contract.underlying)?.families.get(&quote_currency(contract));
        let point = family.and_then(|family| family.curve.points().find(|point| point.expiry == expiry));
        let basis = basis(market, quote);
        let (position_usd, why_not) = held(frame, quote);
        Some(Self {
            venue: quote.listing.venue.to_string(),
            instrument: quote.listing.symbol.to_string(),
            underlying: contract.underlying.to_string(),
            expiry_text: expiry_text(expiry),
            expiry,
            days: years.days(),
            mark_price: quote.mark_price.get(),
            forward: point.map(|point| point.forward.get()),
            basis_percent: basis.map(|basis| 100.0 * basis),
            basis_percent_year: basis.and_then(|basis| finite(100.0 * basis / years.get())),
            position_usd,
            age_seconds: age_seconds(frame, quote.source_time),
            why_not,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{DEMO, SAMPLE, data, exact, figure, keys, sample};
    use super::*;
    use book::Place;
    use engine::{CashEvent, CashKind, Event};
    use units::{Money, Symbol};

    #[test]
    fn longs_pay_while_the_rate_is_above_zero_and_totals_add_up() {
        let mut held = 0;
        for frame in [&*DEMO, &*SAMPLE] {
            let view = data(frame, "funding", &[]).unwrap();
            let perpetuals = view["perpetuals"].as_array().unwrap();
            assert!(!perpetuals.is_empty());
            for line in perpetuals.iter().filter(|line| !line["expected_usd_per_day"].is_null()) {
                held += 1;
                let (rate, position) =
                    (line["funding_rate_8h"].as_f64().unwrap(), figure(&line["position_usd"]));
                let expected = figure(&line["expected_usd_per_day"]);
                // Three payments a day; the text has twelve digits after the point.
                assert!((expected + 3.0 * rate * position).abs() <= 1e-9 * (1.0 + expected.abs()), "{line}");
                let year = line["funding_percent_year"].as_f64().unwrap();
                assert!((year - rate * 109_500.0).abs() <= 1e-9 * (1.0 + year.abs()));
            }
            let lines = perpetuals.iter().map(|line| &line["expected_usd_per_day"]);
            let sum: i128 = lines.filter(|usd| !usd.is_null()).map(exact).sum();
            assert_eq!(exact(&view["total_expected_usd_per_day"]), sum);
        }
        assert!(held >= 2, "{held}");
    }

    #[test]
    fn what_is_held_is_the_delta_of_the_report() {
        let view = data(&SAMPLE, "funding", &[]).unwrap();
        let positions = |list: &str| -> i128 {
            let all = view[list].as_array().unwrap().iter().filter(|line| !line["position_usd"].is_null());
            all.map(|line| exact(&line["position_usd"])).sum()
        };
        let rows = SAMPLE.valuation().rows.iter();
        let futures = rows.filter(|row| matches!(row.kind, RowKind::Perpetual | RowKind::Future));
        let quoted = |row: &&risk::Row| {
            SAMPLE.engine().quotes().futures.contains_key(&(row.venue.clone(), row.symbol.clone()))
        };
        let delta: Fixed = futures.filter(quoted).map(|row| row.exposure.in_usd(Measure::Delta)).sum();
        assert_eq!(positions("perpetuals") + positions("futures"), delta.raw());
        assert!(!delta.is_zero());
    }

    #[test]
    fn basis_a_year_is_the_basis_over_the_time_left() {
        let view = data(&SAMPLE, "funding", &[]).unwrap();
        let futures = view["futures"].as_array().unwrap();
        assert!(!futures.is_empty());
        for line in futures {
            let (basis, days) = (line["basis_percent"].as_f64().unwrap(), line["days"].as_f64().unwrap());
            let year = line["basis_percent_year"].as_f64().unwrap();
            assert!((year - basis * 365.0 / days).abs() <= 1e-9 * (1.0 + year.abs()), "{line}");
            assert!(keys(line).contains("forward") && basis.abs() < 20.0);
        }
    }

    #[test]
    fn funding_received_is_summed_by_asset_over_places() {
        let mut desk = sample();
        let now = desk.engine.now();
        let places: Vec<Place> = desk.engine.ledger().book().positions.iter().map(place).collect();
        let pay = |place: &Place, amount: &str| {
            let money = Money { amount: amount.parse().unwrap(), asset: Asset::new("BTC").unwrap() };
            let kind = CashKind::Funding { symbol: Symbol::new("BTC-PERPETUAL").unwrap() };
            Event::Cash(CashEvent { place: place.clone(), money, kind, time: now })
        };
        assert_eq!(data(&SAMPLE, "funding", &[]).unwrap()["received_usd_since_open"], serde_json::json!([]));
        let deribit: Vec<&Place> = places.iter().filter(|place| place.venue.as_str() == "deribit").collect();
        desk.tell(now, &pay(deribit[0], "0.25"));
        desk.tell(now, &pay(deribit[deribit.len() - 1], "-0.05"));
        let view = data(&desk.frame(), "funding", &[]).unwrap();
        assert_eq!(view["received_usd_since_open"], serde_json::json!([{"asset": "BTC", "amount": "0.2"}]));
    }

    fn place(held: &book::Position) -> Place {
        Place { account: held.account.clone(), venue: held.venue.clone(), chain: held.chain.clone() }
    }
}
