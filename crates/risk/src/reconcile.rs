//! Own greeks and marks against the venue's published ones, over the whole snapshot.
//!
//! Own figures are recomputed per quote in the venue's convention (Deribit's: Black delta, USD vega per point, theta with
//! its lifetime rule, spot rho) from the coherent forward curve and the quote's mark vol, at the quote's own time. A break
//! is a difference beyond `absolute + relative x |published|`. The limits allow for the minutes that may lie between the
//! venue's summary and its tickers in recorded files; live tickers are held to the conformance suite's figures instead.

use instrument::Settlement;
use market::{ForwardSource, Market, OptionQuote, Snapshot, quote_currency};
use pricing::{Black76, venue};
use std::collections::{BTreeMap, BTreeSet};
use units::{Asset, Discount, Symbol, Venue};

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// Mark price, as a fraction of the forward.
    MarkPrice,
    /// Black delta.
    Delta,
    /// Gamma per USD.
    Gamma,
    /// USD per vol point.
    Vega,
    /// USD per day.
    Theta,
    /// USD per 1 % of rate.
    Rho,
}

impl Figure {
    /// All, in the order of the table.
    pub const ALL: [Self; 6] =
        [Self::MarkPrice, Self::Delta, Self::Gamma, Self::Vega, Self::Theta, Self::Rho];

    /// Word and unit for tables.
    #[must_use]
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::MarkPrice => ("mark price", "of forward"),
            Self::Delta => ("delta", ""),
            Self::Gamma => ("gamma", "per USD"),
            Self::Vega => ("vega", "USD/pt"),
            Self::Theta => ("theta", "USD/day"),
            Self::Rho => ("rho", "USD/1%"),
        }
    }

    /// Limits of a break: absolute, and relative to the published figure.
    #[must_use]
    pub const fn limits(self) -> (f64, f64) {
        match self {
            Self::MarkPrice => (0.0002, 0.0),
            Self::Delta => (0.01, 0.0),
            // Venues print gamma with 5 decimals: half a unit of the last one is rounding.
            Self::Gamma => (1e-5, 0.02),
            Self::Vega => (0.05, 0.02),
            Self::Theta => (1.0, 0.05),
            Self::Rho => (0.5, 0.02),
        }
    }
}

/// One figure of one quote that differs beyond the limit.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Break {
    /// Where.
    pub venue: Venue,
    /// Which contract.
    pub symbol: Symbol,
    /// True when the book holds it.
    pub held: bool,
    /// Which figure.
    pub figure: Figure,
    /// Ours.
    pub own: f64,
    /// The venue's.
    pub published: f64,
    /// Difference over its limit: 1 is just a break.
    pub severity: f64,
}

/// Differences of one figure over the quotes of one underlying.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Agreement {
    /// Whose quotes.
    pub underlying: Asset,
    /// Which figure.
    pub figure: Figure,
    /// Quotes compared.
    pub compared: usize,
    /// Of them beyond the limit.
    pub breaks: usize,
    /// Median of the absolute difference.
    pub median: f64,
    /// 99th percentile.
    pub p99: f64,
    /// Largest.
    pub max: f64,
}

/// All comparisons of a snapshot.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize)]
pub struct Reconciliation {
    /// By underlying and figure.
    pub agreement: Vec<Agreement>,
    /// Every break of a held contract, then the [`Reconciliation::WORST`] worst of the others.
    pub breaks: Vec<Break>,
    /// Quotes that carry nothing to compare with (no vol, or nothing published).
    pub without_figures: usize,
}

impl Reconciliation {
    /// How many breaks of contracts that are not held are listed.
    pub const WORST: usize = 10;

    /// Compares every option quote that carries a vol.
    #[must_use]
    pub fn new(snapshot: &Snapshot, market: &Market, held: &BTreeSet<(Venue, Symbol)>) -> Self {
        let mut differences: BTreeMap<(Asset, Figure), Vec<f64>> = BTreeMap::new();
        let mut breaks = Vec::new();
        let mut without_figures = 0;
        for (key, quote) in &snapshot.options {
            let pairs = own_black(quote, market).map(|black| compared(quote, &black)).unwrap_or_default();
            if pairs.is_empty() {
                without_figures += 1;
            }
            for (figure, own, published) in pairs {
                let difference = (own - published).abs();
                let asset = quote.listing.contract.underlying.clone();
                differences.entry((asset, figure)).or_default().push(difference);
                let (absolute, relative) = figure.limits();
                let severity = difference / (absolute + relative * published.abs());
                if severity > 1.0 {
                    let (venue, symbol) = key.clone();
                    breaks.push(Break {
                        venue,
                        symbol,
                        held: held.contains(key),
                        figure,
                        own,
                        published,
                        severity,
                    });
                }
            }
        }
        let agreement = differences
            .into_iter()
            .map(|((asset, figure), d)| agreement(asset, figure, d, &breaks, snapshot));
        let agreement = agreement.collect();
        breaks.sort_by(|a, b| {
            b.held
                .cmp(&a.held)
                .then(b.severity.total_cmp(&a.severity))
                .then_with(|| (&a.symbol, a.figure).cmp(&(&b.symbol, b.figure)))
        });
        let held_breaks = breaks.iter().filter(|b| b.held).count();
        breaks.truncate(held_breaks + Self::WORST);
        Self { agreement, breaks, without_figures }
    }
}

fn agreement(
    underlying: Asset,
    figure: Figure,
    mut differences: Vec<f64>,
    breaks: &[Break],
    snapshot: &Snapshot,
) -> Agreement {
    differences.sort_by(f64::total_cmp);
    let rank = |share: usize| {
        differences.get((differences.len().saturating_sub(1)) * share / 100).copied().unwrap_or(0.0)
    };
    let of_underlying = |b: &&Break| {
        let quote = snapshot.options.get(&(b.venue.clone(), b.symbol.clone()));
        b.figure == figure && quote.is_some_and(|q| q.listing.contract.underlying == underlying)
    };
    Agreement {
        compared: differences.len(),
        breaks: breaks.iter().filter(of_underlying).count(),
        median: rank(50),
        p99: rank(99),
        max: rank(100),
        underlying,
        figure,
    }
}

fn own_black(quote: &OptionQuote, market: &Market) -> Option<Black76> {
    let underlying = market.underlyings.get(&quote.listing.contract.underlying)?;
    let family = underlying.families.get(&quote_currency(&quote.listing.contract))?;
    let (forward, source) = family.curve.forward(underlying.spot, market.asof, quote.expiry);
    if source == ForwardSource::Index {
        return None;
    }
    let expiry = quote.source_time.years_until(quote.expiry).ok().filter(|t| !t.is_expired())?;
    let discount = Discount::new(1.0).ok()?;
    Some(Black76 { forward, strike: quote.strike, vol: quote.mark_vol?, expiry, discount, kind: quote.kind })
}

/// (figure, ours, published) for whatever the venue published.
fn compared(quote: &OptionQuote, black: &Black76) -> Vec<(Figure, f64, f64)> {
    let forward = black.forward.get();
    let in_forwards = if quote.listing.contract.settlement == Settlement::Inverse { 1.0 } else { forward };
    // The venue caps theta by its own mark, not by ours.
    let own = venue::deribit_at_mark(black, quote.mark_price / in_forwards * forward);
    let mark = (Figure::MarkPrice, black.price() / forward, Some(quote.mark_price / in_forwards));
    let published = &quote.published;
    [
        mark,
        (Figure::Delta, own.delta, published.delta),
        (Figure::Gamma, own.gamma, published.gamma),
        (Figure::Vega, own.vega_per_point, published.vega_per_point),
        (Figure::Theta, own.theta_per_day, published.theta_per_day),
        (Figure::Rho, own.rho_per_1pct, published.rho_per_1pct),
    ]
    .into_iter()
    .filter_map(|(figure, own, published)| Some((figure, own, published?)))
    .collect()
}
