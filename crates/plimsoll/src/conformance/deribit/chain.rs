//! Chains: the mark of every row, from the forward that its strike's own call and put imply.
//!
//! A recorded chain prints one time for rows that were fetched up to minutes later, and forwards that were refreshed at other
//! instants than the marks. Call and put marks of one strike are refreshed together, so for each strike put-call parity of
//! the marks gives the forward, `F* = K/(1 - (c - p))` for inverse options ([`market::parity_pairs`]), and one time offset
//! per currency and snapshot is fitted: the one with the least sum of absolute errors. Each error is nearly linear in the
//! offset, so the sum is convex and golden-section search finds its minimum, deterministically.
//!
//! What remains is `price(F*, K, vol, T - offset)/F* - mark`, in coin. Rows without a partner use the lower median of their
//! expiry's `F*`. Published delta and vega were taken by another call, minutes later: they are measured, not checked.
//!
//! Parity uses up one of a pair's two marks: what is checked is that mark, vol and time agree, not the forward.

use super::super::result::{Comparison, Group, GroupResult, distribution};
use super::refused;
use instrument::{OptionKind, Settlement, Specs};
use market::{OptionQuote, RawSnapshot, Snapshot, parity_pairs};
use pricing::Black76;
use std::collections::BTreeMap;
use units::{Discount, Forward, Timestamp, Vol, YearFraction};

/// Largest error of a mark, in coin.
const MARK_COIN: f64 = 1e-4;
/// Half of 0.01 vol point, as a fraction.
const HALF_VOL_DIGIT: f64 = 0.5e-4;
/// Half of the eighth decimal of a mark.
const HALF_MARK_DIGIT: f64 = 0.5e-8;
/// Rows may have been fetched this long before their stamp, and this long after it.
const EARLIEST_SECONDS: f64 = -300.0;
const LATEST_SECONDS: f64 = 900.0;
const SECONDS_PER_YEAR: f64 = 86_400.0 * YearFraction::DAYS;

/// One file: groups by currency, and an account of its rows.
#[derive(Debug)]
pub(super) struct ChainFile {
    name: String,
    snapshots_in_file: usize,
    snapshots: u64,
    rows: u64,
    compared: u64,
    not_compared: BTreeMap<String, u64>,
    currencies: BTreeMap<String, Currency>,
}

/// The groups of one currency.
#[derive(Debug)]
struct Currency {
    paired: Group,
    unpaired: Group,
    delta: Group,
    vega: Group,
    offsets: Vec<f64>,
    inside_rounding: u64,
}

/// One row, ready to be priced.
struct Priced<'a> {
    quote: &'a OptionQuote,
    option: Black76,
    /// Mark in coin, also where the contract is quoted in currency.
    mark_coin: f64,
    partner: Partner,
}

/// Where the forward of a row comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Partner {
    /// Call and put of its strike, printed with the same vol.
    SameVol,
    /// Call and put of its strike, printed with different vols: not refreshed together.
    OtherVol,
    /// The median of its expiry.
    None,
}

impl ChainFile {
    pub(super) fn new(name: &str, snapshots_in_file: usize) -> Self {
        Self {
            name: name.to_owned(),
            snapshots_in_file,
            snapshots: 0,
            rows: 0,
            compared: 0,
            not_compared: BTreeMap::new(),
            currencies: BTreeMap::new(),
        }
    }

    /// Compares one snapshot.
    pub(super) fn take(&mut self, raw: &RawSnapshot, specs: &Specs) {
        self.snapshots += 1;
        // One file is given, so there is a market.
        let Ok((snapshot, issues)) = Snapshot::admit(std::slice::from_ref(raw), specs) else { return };
        let refused = refused(raw, &snapshot, &issues);
        self.rows += refused.rows;
        for (reason, rows) in refused.by_reason {
            self.skip(&reason, rows);
        }
        self.skip("not an option", snapshot.futures.len() as u64);
        let mut by_currency: BTreeMap<String, Vec<&OptionQuote>> = BTreeMap::new();
        for quote in snapshot.options.values() {
            if quote.listing.venue.as_str() == "deribit" {
                by_currency.entry(currency(quote)).or_default().push(quote);
            } else {
                self.skip("another venue's convention", 1);
            }
        }
        for (currency, quotes) in by_currency {
            self.take_currency(&currency, &quotes, snapshot.asof);
        }
    }

    fn skip(&mut self, reason: &str, rows: u64) {
        if rows > 0 {
            *self.not_compared.entry(reason.to_owned()).or_default() += rows;
        }
    }

    fn take_currency(&mut self, currency: &str, quotes: &[&OptionQuote], asof: Timestamp) {
        let mut rows = Vec::with_capacity(quotes.len());
        let mut by_expiry: BTreeMap<Timestamp, Vec<&OptionQuote>> = BTreeMap::new();
        for quote in quotes {
            by_expiry.entry(quote.expiry).or_default().push(quote);
        }
        for quotes in by_expiry.values() {
            let forwards = Forwards::of(quotes);
            for quote in quotes {
                match priced(quote, &forwards, asof) {
                    Ok(row) => rows.push(row),
                    Err(reason) => self.skip(reason, 1),
                }
            }
        }
        let offset = fitted_offset(&rows);
        self.compared += rows.len() as u64;
        let name = &self.name;
        let groups = self.currencies.entry(currency.to_owned()).or_insert_with(|| Currency::new(name, currency));
        groups.offsets.push(offset * SECONDS_PER_YEAR);
        for row in &rows {
            groups.compare(row, offset, asof);
        }
    }

    /// The account of rows, then the groups of each currency.
    pub(super) fn finish(self) -> Vec<GroupResult> {
        let mut account = Group::informative(
            format!("{}: rows", self.name),
            "rows",
            "every row read is compared or counted under a reason",
        );
        account.note(format!("{} of {} snapshots, {} rows", self.snapshots, self.snapshots_in_file, self.rows));
        let mut accounted = self.compared;
        for (reason, rows) in &self.not_compared {
            accounted += rows;
            account.not_compared(reason, *rows);
        }
        if accounted != self.rows {
            account.fault("rows", format!("{} rows read, {accounted} accounted for", self.rows));
        }
        std::iter::once(account.finish()).chain(self.currencies.into_values().flat_map(Currency::finish)).collect()
    }
}

impl Currency {
    fn new(file: &str, currency: &str) -> Self {
        let informative = |quantity: &str, unit| {
            let reason = "none: published values were taken up to minutes after the marks";
            Group::informative(format!("{file}: {currency} {quantity}"), unit, reason)
        };
        Self {
            paired: Group::checked(format!("{file}: {currency} mark"), "coin", PAIRED_REASON),
            unpaired: Group::checked(format!("{file}: {currency} mark without partner"), "coin", UNPAIRED_REASON),
            delta: informative("delta", "coin per coin"),
            vega: informative("vega", "USD per point"),
            offsets: Vec::new(),
            inside_rounding: 0,
        }
    }

    fn compare(&mut self, row: &Priced<'_>, offset: f64, asof: Timestamp) {
        let option = row.at(offset);
        let greeks = option.greeks();
        let coin = greeks.inverse(option.forward);
        let Priced { quote, mark_coin, partner, .. } = row;
        let name = || format!("{} at {asof}", quote.listing.symbol);
        let mark = Comparison { ours: coin.coin_value, theirs: *mark_coin, tolerance: MARK_COIN, scale: 1.0 };
        let rounding = coin.coin_vega.mul_add(HALF_VOL_DIGIT, HALF_MARK_DIGIT);
        if (mark.ours - mark.theirs).abs() <= rounding {
            self.inside_rounding += 1;
        }
        match partner {
            Partner::None => self.unpaired.compare(mark, name),
            Partner::SameVol | Partner::OtherVol => self.paired.compare(mark, || format!("{} {partner:?} iv {} T {:.3} cv {:.6}", name(), option.vol.get(), option.expiry.days(), coin.coin_vega/100.0)),
        }
        let published = quote.published;
        let informative = |ours, theirs| Comparison { ours, theirs, tolerance: f64::INFINITY, scale: 1.0 };
        for (group, ours, theirs) in [
            (&mut self.delta, greeks.delta, published.delta),
            (&mut self.vega, greeks.vega / 100.0, published.vega_per_point),
        ] {
            match theirs {
                Some(theirs) => group.compare(informative(ours, theirs), name),
                None => group.not_compared("not published", 1),
            }
        }
    }

    fn finish(mut self) -> Vec<GroupResult> {
        if let Some(spread) = distribution(&mut self.offsets) {
            let first = self.offsets.first().copied().unwrap_or(f64::NAN);
            self.paired.note(format!(
                "fitted time offset: {first:.0} to {:.0} s after the stamp, median {:.0} s",
                spread.max, spread.median
            ));
        }
        self.paired.note(format!("{} marks inside the rounding of the printed vol", self.inside_rounding));
        let groups = [self.paired, self.unpaired, self.delta, self.vega];
        groups.into_iter().filter(|group| !group.is_empty()).map(Group::finish).collect()
    }
}

const PAIRED_REASON: &str = "1e-4 coin";
const UNPAIRED_REASON: &str = "1e-4 coin";

impl Priced<'_> {
    fn at(&self, offset: f64) -> Black76 {
        // An offset of minutes leaves no range of 100 years; past expiry the option is worth its payoff.
        let expiry = YearFraction::new(self.option.expiry.get() - offset).unwrap_or(self.option.expiry);
        Black76 { expiry, ..self.option }
    }
}

/// Forwards of one expiry.
struct Forwards {
    by_strike: BTreeMap<u64, f64>,
    same_vol: BTreeMap<u64, (Option<Vol>, Option<Vol>)>,
    median: Option<f64>,
}

impl Forwards {
    fn of(quotes: &[&OptionQuote]) -> Self {
        let pairs = parity_pairs(quotes);
        let by_strike: BTreeMap<u64, f64> = pairs.iter().map(|pair| (pair.strike.to_bits(), pair.forward)).collect();
        let mut sorted: Vec<f64> = by_strike.values().copied().collect();
        let median = distribution(&mut sorted).map(|spread| spread.median);
        let mut same_vol: BTreeMap<u64, (Option<Vol>, Option<Vol>)> = BTreeMap::new();
        for quote in quotes {
            let vols = same_vol.entry(quote.strike.get().to_bits()).or_default();
            match quote.kind {
                OptionKind::Call => vols.0 = quote.mark_vol,
                OptionKind::Put => vols.1 = quote.mark_vol,
            }
        }
        Self { by_strike, same_vol, median }
    }

    fn at(&self, quote: &OptionQuote) -> Option<(f64, Partner)> {
        let strike = quote.strike.get().to_bits();
        let partner = match self.same_vol.get(&strike) {
            Some((call, put)) if call == put => Partner::SameVol,
            _ => Partner::OtherVol,
        };
        let paired = self.by_strike.get(&strike).map(|forward| (*forward, partner));
        paired.or_else(|| self.median.map(|forward| (forward, Partner::None)))
    }
}

fn priced<'a>(quote: &'a OptionQuote, forwards: &Forwards, asof: Timestamp) -> Result<Priced<'a>, &'static str> {
    let (forward, partner) = forwards.at(quote).ok_or("no pair of call and put in its expiry")?;
    let option = Black76 {
        forward: Forward::new(forward).map_err(|_| "the implied forward is not greater than zero")?,
        strike: quote.strike,
        vol: quote.mark_vol.ok_or("no mark vol above zero")?,
        expiry: asof.years_until(quote.expiry).map_err(|_| "expires in over 100 years")?,
        discount: Discount::new(1.0).map_err(|_| "no discount factor of one")?,
        kind: quote.kind,
    };
    let inverse = quote.listing.contract.settlement == Settlement::Inverse;
    let mark_coin = if inverse { quote.mark_price } else { quote.mark_price / forward };
    Ok(Priced { quote, option, mark_coin, partner })
}

/// `BTC` for inverse contracts, `BTC/USDC` for linear ones.
fn currency(quote: &OptionQuote) -> String {
    let contract = &quote.listing.contract;
    match contract.settlement {
        Settlement::Inverse => contract.underlying.to_string(),
        Settlement::Linear { .. } | Settlement::Quanto { .. } => {
            format!("{}/{}", contract.underlying, contract.settlement_asset())
        }
    }
}

/// The time after the stamp, in years, at which the marks fit best; zero when no row has a partner.
fn fitted_offset(rows: &[Priced<'_>]) -> f64 {
    let paired: Vec<&Priced<'_>> = rows.iter().filter(|row| row.partner != Partner::None).collect();
    if paired.is_empty() {
        return 0.0;
    }
    let cost = |seconds: f64| -> f64 {
        let error = |row: &&Priced<'_>| {
            let option = row.at(seconds / SECONDS_PER_YEAR);
            (option.price() / option.forward.get() - row.mark_coin).abs()
        };
        paired.iter().map(error).sum()
    };
    golden_minimum(EARLIEST_SECONDS, LATEST_SECONDS, cost) / SECONDS_PER_YEAR
}

/// Where a convex function is least between two ends, to a tenth of a second: golden-section search (Kiefer, 1953).
fn golden_minimum(low: f64, high: f64, cost: impl Fn(f64) -> f64) -> f64 {
    const SHARE: f64 = 0.618_033_988_749_894_9;
    let (mut low, mut high) = (low, high);
    let mut left = high - SHARE * (high - low);
    let mut right = low + SHARE * (high - low);
    let (mut cost_left, mut cost_right) = (cost(left), cost(right));
    while high - low > 0.1 {
        if cost_left <= cost_right {
            (high, right, cost_right) = (right, left, cost_left);
            left = high - SHARE * (high - low);
            cost_left = cost(left);
        } else {
            (low, left, cost_left) = (left, right, cost_right);
            right = low + SHARE * (high - low);
            cost_right = cost(right);
        }
    }
    0.5 * (low + high)
}
