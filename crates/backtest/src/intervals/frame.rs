//! One snapshot, reduced to what an interval needs of it.

use super::plan::{HeldOut, Plan, Valuation};
use super::{Dynamics, VegaLeg};
use crate::statistics::hashed_unit;
use hedge::delta::ValuedOption;
use instrument::Settlement;
use market::surface::{
    Cleaning, Drop, ExpiryChain, FamilyChain, SkewStickiness, VolSurface, families, option_at,
};
use market::{ForwardCurve, OptionQuote, Snapshot};
use std::collections::BTreeMap;
use units::{Asset, OptionKind, Symbol, Timestamp};

/// A snapshot, by coin.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// Its time.
    pub asof: Timestamp,
    /// Coins with options that settle in them.
    pub coins: BTreeMap<Asset, CoinFrame>,
    /// Quotes of options that settle otherwise.
    pub not_inverse: u64,
}

/// One coin of a snapshot.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CoinFrame {
    /// Quotes in all.
    pub raw: u64,
    /// Quotes that the filter drops, by reason.
    pub dropped: BTreeMap<Drop, u64>,
    /// Kept quotes without a mark vol: no delta.
    pub without_vol: u64,
    /// Every quote, by symbol.
    pub(super) quotes: BTreeMap<Symbol, Quote>,
    /// The kept call and put nearest to the money, then the next, by expiry.
    pub(super) near_money: BTreeMap<Timestamp, NearMoney>,
}

/// Symbols by distance of the call's delta from a half.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct NearMoney {
    pub(super) calls: Vec<Symbol>,
    pub(super) puts: Vec<Symbol>,
}

/// One quote.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Quote {
    pub(super) expiry: Timestamp,
    /// Half of bid plus ask, where both are.
    pub(super) mid: Option<f64>,
    /// Of ask less bid over the mid, where both are.
    pub(super) relative_spread: Option<f64>,
    pub(super) mark: f64,
    pub(super) forward: Option<f64>,
    pub(super) index: Option<f64>,
    pub(super) kept: Option<Kept>,
}

/// What the filter keeps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Kept {
    pub(super) valued: ValuedOption,
    pub(super) kind: OptionKind,
    pub(super) draw: Draw,
    pub(super) smile: SmileKnown,
}

/// Which side of the draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Draw {
    Given,
    HeldOut,
}

/// Whether a slope was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SmileKnown {
    Yes,
    No,
}

impl Quote {
    /// In the valuation of a plan.
    pub(super) fn value(&self, valuation: Valuation) -> Option<f64> {
        match valuation {
            Valuation::Mid => self.mid,
            Valuation::Mark => Some(self.mark),
        }
    }
}

impl Quote {
    /// What a vega leg is worth at the end: who holds it cannot choose it any more, and a quote without both sides, or with a spread that
    /// the filter refuses, is no price. Then its mark is taken.
    pub(super) fn leg_value(&self, valuation: Valuation) -> f64 {
        let sound =
            self.relative_spread.is_some_and(|spread| spread <= Cleaning::BENCHMARK.widest_relative_spread);
        self.value(valuation).filter(|_| sound).unwrap_or(self.mark)
    }
}

impl CoinFrame {
    /// Kept by the filter, those without a vol among them.
    #[must_use]
    pub fn kept(&self) -> u64 {
        self.raw - self.dropped.values().sum::<u64>()
    }

    /// Drawn to be judged.
    #[must_use]
    pub fn held_out(&self) -> u64 {
        let held = |quote: &&Quote| quote.kept.is_some_and(|kept| kept.draw == Draw::HeldOut);
        self.quotes.values().filter(held).count() as u64
    }
}

impl Frame {
    /// Reduces a snapshot: the benchmark's filter, deltas and vegas at the mark vol on the printed forward, slopes of fitted smiles
    /// where a strategy asks for them, and the draw. Pure: frames of several snapshots may be made side by side.
    #[must_use]
    pub fn of(snapshot: &Snapshot, plan: &Plan) -> Self {
        let mut frame = Self { asof: snapshot.asof, coins: BTreeMap::new(), not_inverse: 0 };
        for ((underlying, _), quotes) in families(snapshot) {
            let inverse = |quote: &&&OptionQuote| quote.listing.contract.settlement == Settlement::Inverse;
            let own: Vec<&OptionQuote> = quotes.iter().filter(inverse).copied().collect();
            frame.not_inverse += (quotes.len() - own.len()) as u64;
            if own.is_empty() {
                continue;
            }
            let curve = ForwardCurve::build(&own, &BTreeMap::new());
            let chain = FamilyChain::new(snapshot.asof, &own, &curve, None);
            let surface = needs_smile(plan).then(|| {
                let cleaned: Vec<_> =
                    chain.expiries.iter().map(|e| e.cleaned(&Cleaning::default())).collect();
                VolSurface::fit(snapshot.asof, &cleaned).surface
            });
            let coin = frame.coins.entry(underlying).or_default();
            for expiry in &chain.expiries {
                coin.take(expiry, surface.as_ref(), plan.valuation);
            }
            for quotes in chain.without_forward.values() {
                coin.raw += quotes.len() as u64;
                *coin.dropped.entry(Drop::NoUnderlyingPrice).or_default() += quotes.len() as u64;
            }
            coin.draw(snapshot.asof, plan.held_out);
            if plan.strategies.iter().any(|strategy| strategy.vega == VegaLeg::AtTheMoney) {
                coin.rank();
            }
        }
        frame
    }
}

/// A fit of all expiries takes longer than everything else.
fn needs_smile(plan: &Plan) -> bool {
    plan.strategies.iter().any(|strategy| match strategy.delta.dynamics {
        Dynamics::AlongSmile(ratio) => ratio != SkewStickiness::STICKY_STRIKE,
        Dynamics::MinimumVariance(..) => false,
    })
}

impl CoinFrame {
    fn take(&mut self, expiry: &ExpiryChain<'_>, surface: Option<&VolSurface>, valuation: Valuation) {
        let smile = surface.and_then(|surface| surface.smile(expiry.reference.years));
        for quote in &expiry.quotes {
            self.raw += 1;
            let kept = match Cleaning::BENCHMARK.admit(quote, &expiry.reference) {
                Ok(_) => {
                    let slope_at = |k: f64| smile.as_ref().map(|smile| smile.curvature(k).slope);
                    let kept = kept(quote, expiry, valuation, &slope_at);
                    self.without_vol += u64::from(kept.is_none());
                    kept
                }
                Err(reason) => {
                    *self.dropped.entry(reason).or_default() += 1;
                    None
                }
            };
            let own = Quote {
                expiry: quote.expiry,
                mid: mid(quote),
                relative_spread: relative_spread(quote),
                mark: quote.mark_price,
                forward: quote.underlying_price.map(units::Forward::get),
                index: quote.index_price.map(units::Spot::get),
                kept,
            };
            self.quotes.insert(quote.listing.symbol.clone(), own);
        }
    }

    /// Marks the share with the lowest hashes.
    fn draw(&mut self, asof: Timestamp, held_out: HeldOut) {
        let time = asof.unix_nanos().to_le_bytes();
        let mut kept: Vec<(f64, &Symbol)> = self
            .quotes
            .iter()
            .filter(|(_, quote)| quote.kept.is_some())
            .map(|(symbol, _)| (hashed_unit(held_out.seed, &[&time, symbol.as_str().as_bytes()]), symbol))
            .collect();
        kept.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(b.1)));
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        // counts
        let wanted = (held_out.share * kept.len() as f64).ceil() as usize;
        let drawn: Vec<Symbol> = kept.into_iter().take(wanted).map(|(_, symbol)| symbol.clone()).collect();
        for symbol in drawn {
            if let Some(kept) = self.quotes.get_mut(&symbol).and_then(|quote| quote.kept.as_mut()) {
                kept.draw = Draw::HeldOut;
            }
        }
    }

    /// The three calls and puts of each expiry nearest to the money.
    fn rank(&mut self) {
        let mut sides: BTreeMap<Timestamp, [Vec<(f64, Symbol)>; 2]> = BTreeMap::new();
        for (symbol, quote) in &self.quotes {
            let Some(kept) = quote.kept else { continue };
            let [calls, puts] = sides.entry(quote.expiry).or_default();
            let own = (kept.valued.call_delta() - 0.5).abs();
            let side = match kept.kind {
                OptionKind::Call => calls,
                OptionKind::Put => puts,
            };
            side.push((own, symbol.clone()));
        }
        for (expiry, [calls, puts]) in sides {
            let nearest = |mut side: Vec<(f64, Symbol)>| {
                side.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
                side.into_iter().take(3).map(|(_, symbol)| symbol).collect()
            };
            self.near_money.insert(expiry, NearMoney { calls: nearest(calls), puts: nearest(puts) });
        }
    }
}

fn mid(quote: &OptionQuote) -> Option<f64> {
    let above_zero = |price: Option<f64>| price.filter(|price| *price > 0.0);
    Some(0.5 * (above_zero(quote.bid_price)? + above_zero(quote.ask_price)?))
}

fn relative_spread(quote: &OptionQuote) -> Option<f64> {
    Some((quote.ask_price? - quote.bid_price?) / mid(quote)?)
}

fn kept(
    quote: &OptionQuote,
    expiry: &ExpiryChain<'_>,
    valuation: Valuation,
    slope_at: &dyn Fn(f64) -> Option<f64>,
) -> Option<Kept> {
    let forward = quote.underlying_price?;
    let reference = market::surface::Reference { forward, ..expiry.reference };
    let option = option_at(quote, &reference, quote.mark_vol?)?;
    let slope = slope_at(pricing::kernel::ln(quote.strike.get() / forward.get()));
    let coin_value = match valuation {
        Valuation::Mid => mid(quote)?,
        Valuation::Mark => quote.mark_price,
    };
    let smile = if slope.is_some() { SmileKnown::Yes } else { SmileKnown::No };
    let valued = ValuedOption::at_coin_value(&option, coin_value, slope.unwrap_or(0.0));
    Some(Kept { valued, kind: quote.kind, draw: Draw::Given, smile })
}
