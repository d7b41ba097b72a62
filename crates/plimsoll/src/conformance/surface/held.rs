//! Quotes held out of a fit, and how the surface prices them.

use market::OptionQuote;
use market::surface::{Fit, Reference, TwoSided, option_at, price_unit};
use std::collections::BTreeMap;
use units::{OptionKind, Timestamp, Vol};

/// Days to expiry below which a miss is one of a near expiry.
const NEAR_DAYS: f64 = 3.0;
/// Two of the smallest ticks of these markets, in coin; the third digit is for rounding.
const TWO_TICKS: f64 = 0.000_201;

/// A quote on the far side of the draw.
pub(super) struct HeldOut<'a> {
    pub(super) quote: &'a OptionQuote,
    pub(super) sides: TwoSided,
    pub(super) reference: Reference,
}

/// Sums over held-out quotes, in the unit of the venue.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Held {
    pub(super) quotes: u64,
    pub(super) inside: u64,
    pub(super) without_slice: u64,
    squares: f64,
    absolutes: f64,
}

/// Quotes outside their spread, and what is known of them; one may be counted under several heads.
#[derive(Debug, Default, Clone)]
pub(super) struct Misses {
    /// All.
    pub(super) all: u64,
    /// Of an expiry of less than three days.
    pub(super) near: u64,
    /// No wider than two of the smallest ticks.
    pub(super) two_ticks: u64,
    /// Call and put of the strike leave no common price: no surface has both inside.
    pub(super) torn: u64,
    /// Of an expiry that the fit refused.
    pub(super) refused: u64,
    /// By expiry.
    by_expiry: BTreeMap<Timestamp, u64>,
}

/// Quotes that the filter keeps, by expiry, strike and kind.
pub(super) type Kept = BTreeMap<(Timestamp, u64, bool), TwoSided>;

/// Where a quote stands among those that are kept.
pub(super) fn key(quote: &OptionQuote, kind: OptionKind) -> (Timestamp, u64, bool) {
    (quote.expiry, quote.strike.get().to_bits(), kind == OptionKind::Call)
}

impl HeldOut<'_> {
    pub(super) fn log_moneyness(&self) -> f64 {
        pricing::kernel::ln(self.quote.strike.get() / self.reference.forward.get())
    }

    /// Price in the unit of the venue at a total variance.
    fn price(&self, variance: f64) -> Option<f64> {
        let vol = Vol::new((variance / self.reference.years.get()).sqrt()).ok()?;
        let option = option_at(self.quote, &self.reference, vol)?;
        Some(option.price() / price_unit(self.quote, self.reference.forward))
    }

    /// Whether the other side of the strike, moved by parity, leaves no price that lies in both spreads.
    fn is_torn(&self, kept: &Kept) -> bool {
        let (other, sign) = match self.quote.kind {
            OptionKind::Call => (OptionKind::Put, 1.0),
            OptionKind::Put => (OptionKind::Call, -1.0),
        };
        let Some(twin) = kept.get(&key(self.quote, other)) else { return false };
        let unit = price_unit(self.quote, self.reference.forward);
        // c - p = (F - K)/unit
        let by = sign * (self.reference.forward.get() - self.quote.strike.get()) / unit;
        twin.bid + by > self.sides.ask || twin.ask + by < self.sides.bid
    }
}

impl Held {
    /// Counts one quote; whether it lies inside its spread. None where there is no price.
    pub(super) fn judge(&mut self, held: &HeldOut<'_>, variance: Option<f64>) -> Option<bool> {
        self.quotes += 1;
        let Some(price) = variance.and_then(|variance| held.price(variance)) else {
            self.without_slice += 1;
            return None;
        };
        let inside = price >= held.sides.bid && price <= held.sides.ask;
        self.inside += u64::from(inside);
        let error = price - 0.5 * (held.sides.bid + held.sides.ask);
        self.squares += error * error;
        self.absolutes += error.abs();
        Some(inside)
    }

    #[allow(clippy::cast_precision_loss)] // counts
    fn priced(&self) -> f64 {
        (self.quotes - self.without_slice) as f64
    }

    /// Root mean square error.
    pub(super) fn rmse(&self) -> f64 {
        (self.squares / self.priced()).sqrt()
    }

    /// Mean absolute error.
    pub(super) fn mae(&self) -> f64 {
        self.absolutes / self.priced()
    }

    #[allow(clippy::cast_precision_loss)] // counts
    pub(super) fn share(&self) -> f64 {
        self.inside as f64 / self.quotes as f64
    }

    pub(super) fn note(&self, name: &str) -> String {
        format!(
            "{name}: {} held out, {:.2} % inside the spread, RMSE {:.6}, MAE {:.6} coin; {} without a slice",
            self.quotes,
            100.0 * self.share(),
            self.rmse(),
            self.mae(),
            self.without_slice
        )
    }

    pub(super) fn add(&mut self, other: Self) {
        self.quotes += other.quotes;
        self.inside += other.inside;
        self.without_slice += other.without_slice;
        self.squares += other.squares;
        self.absolutes += other.absolutes;
    }
}

impl Misses {
    /// Counts one quote outside its spread.
    pub(super) fn count(&mut self, held: &HeldOut<'_>, kept: &Kept, fit: &Fit) {
        let refused = fit.expiries.iter().find(|report| report.expiry == held.quote.expiry);
        let refused = refused.is_none_or(|report| report.refused.is_some());
        self.all += 1;
        self.near += u64::from(held.reference.years.days() < NEAR_DAYS);
        self.two_ticks += u64::from(held.sides.ask - held.sides.bid < TWO_TICKS);
        self.torn += u64::from(held.is_torn(kept));
        self.refused += u64::from(refused);
        *self.by_expiry.entry(held.quote.expiry).or_default() += 1;
    }

    pub(super) fn note(&self) -> String {
        let Self { all, near, two_ticks, torn, refused, by_expiry } = self;
        // The first of equals.
        let most = by_expiry.iter().rev().max_by_key(|(_, count)| **count);
        let most = most.map_or_else(String::new, |(expiry, count)| {
            format!(", {count} of {}", instrument::expiry_text(*expiry))
        });
        format!(
            "{all} outside: {near} below three days, {two_ticks} at most two ticks wide, {torn} torn from the other side of \
             their strike, {refused} of a refused expiry{most}"
        )
    }
}

/// Variance of the surface of record; of the slice as fitted where the surface has refused it, as a quote has to be judged.
pub(super) fn record(fit: &Fit, quote: &HeldOut<'_>) -> Option<f64> {
    let report = fit.expiries.iter().find(|report| report.expiry == quote.quote.expiry)?;
    let k = quote.log_moneyness();
    match report.refused {
        None => report.slice.map(|slice| slice.variance(k)),
        Some(_) => fit.surface.variance(k, quote.reference.years),
    }
}

/// Which draw.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seed(pub(super) u64);

/// Between 0 and 1, from the instrument, the time and the seed alone.
pub(super) fn draw(asof: Timestamp, quote: &OptionQuote, seed: Seed) -> f64 {
    // Seed zero leaves the draw of earlier releases.
    let mut state = asof.unix_nanos().cast_unsigned() ^ if seed.0 == 0 { 0 } else { mix(seed.0) };
    for byte in quote.listing.symbol.as_str().bytes() {
        state = mix(state ^ u64::from(byte));
    }
    #[allow(clippy::cast_precision_loss)] // 53 bits
    let unit = (mix(state) >> 11) as f64;
    unit / 9_007_199_254_740_992.0
}

/// Splitmix64.
fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use instrument::Specs;
    use market::surface::{FamilyChain, families};
    use market::{ForwardCurve, Layout, RawQuote, RawSnapshot, Snapshot};

    /// One strike at 80,000 with a forward of 84,000 by its marks: c - p = 1 - 80/84 = 0.04762.
    fn strike(call: [f64; 2], put: [f64; 2]) -> Snapshot {
        let row = |name: &str, [bid, ask]: [f64; 2], mark| RawQuote {
            instrument_name: name.into(),
            mark_price: Some(mark),
            bid_price: Some(bid),
            ask_price: Some(ask),
            underlying_price: Some(84_000.0),
            ..RawQuote::default()
        };
        let rows =
            vec![row("BTC-27MAR26-80000-C", call, 0.05 + 4.0 / 84.0), row("BTC-27MAR26-80000-P", put, 0.05)];
        let asof = Timestamp::from_utc_date(2026, 2, 5, 8).unwrap();
        let (file, issues) = ("chain.csv".into(), Default::default());
        let raw = RawSnapshot { file, layout: Layout::Chain, asof, snapshots_in_file: 1, rows, issues };
        Snapshot::admit(&[raw], &Specs::embedded()).unwrap().0
    }

    /// Which of call and put are torn from each other.
    fn torn(call: [f64; 2], put: [f64; 2]) -> Vec<bool> {
        let snapshot = strike(call, put);
        let families = families(&snapshot);
        let quotes = families.values().next().unwrap();
        let curve = ForwardCurve::build(quotes, &BTreeMap::new());
        let chain = FamilyChain::new(snapshot.asof, quotes, &curve, None);
        let expiry = &chain.expiries[0];
        let sides =
            |quote: &OptionQuote| TwoSided { bid: quote.bid_price.unwrap(), ask: quote.ask_price.unwrap() };
        let kept: Kept = expiry.quotes.iter().map(|q| (key(q, q.kind), sides(q))).collect();
        let held = |quote| HeldOut { quote, sides: sides(quote), reference: expiry.reference };
        expiry.quotes.iter().map(|quote| held(quote).is_torn(&kept)).collect()
    }

    #[test]
    fn call_and_put_are_torn_when_no_price_suits_both() {
        // By parity the put says 0.0966 to 0.0986 of the call.
        assert_eq!(torn([0.097, 0.098], [0.049, 0.051]), [false, false]);
        assert_eq!(torn([0.0985, 0.0995], [0.049, 0.051]), [false, false], "they overlap by a tick");
        assert_eq!(torn([0.099, 0.1], [0.049, 0.051]), [true, true]);
        assert_eq!(torn([0.095, 0.0965], [0.049, 0.051]), [true, true]);
    }

    #[test]
    fn each_seed_draws_another_share_of_the_same_size() {
        let snapshot = strike([0.097, 0.098], [0.049, 0.051]);
        let quote = snapshot.options.values().next().unwrap();
        let drawn =
            |seed, hour: i64| draw(snapshot.asof.plus_millis(hour * 3_600_000), quote, Seed(seed)) < 0.3;
        let count = |seed| (0..4_000).filter(|hour| drawn(seed, *hour)).count();
        // Four deviations of a draw of 4,000 at 0.3: 4 √(4,000 x 0.3 x 0.7) = 116.
        for seed in 0..3 {
            assert!(count(seed).abs_diff(1_200) < 116, "{seed}: {}", count(seed));
        }
        let both = (0..4_000).filter(|hour| drawn(0, *hour) && drawn(1, *hour)).count();
        // 0.09 of 4,000 when they are independent; four deviations are 72.
        assert!(both.abs_diff(360) < 72, "{both}");
    }
}
