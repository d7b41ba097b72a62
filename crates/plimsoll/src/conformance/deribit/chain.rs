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
use super::{half_mark_digit, refused};
use instrument::{Settlement, Specs};
use market::{OptionQuote, ParityPair, RawSnapshot, Snapshot, parity_pairs};
use pricing::Black76;
use std::collections::BTreeMap;
use units::{Discount, Forward, Timestamp, YearFraction};

/// Largest error of a mark, in coin.
const MARK_COIN: f64 = 1e-4;
/// Half of 0.01 vol point, as a fraction.
const HALF_VOL_DIGIT: f64 = 0.5e-4;
/// Rounding of an implied forward, relative, at a strike near it: two marks of 6 decimals and the drift between neighbours.
const PARITY_ROUNDING: f64 = 3e-6;
/// Strikes that must imply the same forward before it counts as one that the venue marked on.
const STRIKES_OF_A_LEVEL: usize = 3;
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
    apart: Group,
    unpaired: Group,
    delta: Group,
    vega: Group,
    offsets: Vec<f64>,
    inside_rounding: u64,
    /// Marks refreshed apart whose error is larger than a mark's own tolerance.
    apart_beyond: u64,
    /// Largest relative distance of forwards that such a mark was allowed.
    widest_gap: f64,
}

/// One row, ready to be priced.
struct Priced<'a> {
    quote: &'a OptionQuote,
    option: Black76,
    /// Mark in coin, also where the contract is quoted in currency.
    mark_coin: f64,
    partner: Partner,
    /// How far apart the forwards of call and put may be, relative.
    forward_gap: f64,
}

/// Where the forward of a row comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Partner {
    /// Call and put of its strike.
    Together,
    /// Call and put of its strike, but their forward is not one that the strikes of the expiry share: marked at two instants.
    Apart,
    /// There is only one of call and put: the median of its expiry.
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
        let groups =
            self.currencies.entry(currency.to_owned()).or_insert_with(|| Currency::new(name, currency));
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
        account
            .note(format!("{} of {} snapshots, {} rows", self.snapshots, self.snapshots_in_file, self.rows));
        let mut accounted = self.compared;
        for (reason, rows) in &self.not_compared {
            accounted += rows;
            account.not_compared(reason, *rows);
        }
        if accounted != self.rows {
            account.fault("rows", format!("{} rows read, {accounted} accounted for", self.rows));
        }
        std::iter::once(account.finish())
            .chain(self.currencies.into_values().flat_map(Currency::finish))
            .collect()
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
            apart: Group::checked(format!("{file}: {currency} mark refreshed apart"), "coin", APART_REASON),
            unpaired: Group::checked(
                format!("{file}: {currency} mark without partner"),
                "coin",
                UNPAIRED_REASON,
            ),
            delta: informative("delta", "coin per coin"),
            vega: informative("vega", "USD per point"),
            offsets: Vec::new(),
            inside_rounding: 0,
            apart_beyond: 0,
            widest_gap: 0.0,
        }
    }

    fn compare(&mut self, row: &Priced<'_>, offset: f64, asof: Timestamp) {
        let option = row.at(offset);
        let greeks = option.greeks();
        let coin = greeks.inverse(option.forward);
        let Priced { quote, mark_coin, partner, forward_gap, .. } = row;
        let name = || format!("{} at {asof}", quote.listing.symbol);
        let tolerance = coin.settlement_delta.abs().mul_add(*forward_gap, MARK_COIN);
        let mark = Comparison { ours: coin.coin_value, theirs: *mark_coin, tolerance, scale: 1.0 };
        let error = (mark.ours - mark.theirs).abs();
        if error <= coin.coin_vega.mul_add(HALF_VOL_DIGIT, half_mark_digit(quote)) {
            self.inside_rounding += 1;
        }
        if *partner == Partner::Apart {
            self.apart_beyond += u64::from(error > MARK_COIN);
            self.widest_gap = self.widest_gap.max(*forward_gap);
        }
        match partner {
            Partner::None => self.unpaired.compare(mark, name),
            Partner::Together => self.paired.compare(mark, name),
            Partner::Apart => self.apart.compare(mark, name),
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
        self.paired.note(format!(
            "{} marks of all groups inside the rounding of the printed vol",
            self.inside_rounding
        ));
        if !self.apart.is_empty() {
            self.apart.note(format!(
                "{} of them beyond {MARK_COIN:e} coin; forwards of one expiry up to {:.1} bp apart",
                self.apart_beyond,
                self.widest_gap * 1e4
            ));
        }
        let groups = [self.paired, self.apart, self.unpaired, self.delta, self.vega];
        groups.into_iter().filter(|group| !group.is_empty()).map(Group::finish).collect()
    }
}

const PAIRED_REASON: &str = "1e-4 coin: half a digit of the printed vol is worth up to 2e-5, and the vol may be of another refresh than the mark";
const APART_REASON: &str = "1e-4 coin, and the option's move over the forwards of its expiry: call and put were marked at two instants";
const UNPAIRED_REASON: &str = "1e-4 coin on the median forward of the expiry";

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
    /// Forwards that several strikes share, ascending: those that the venue marked on.
    levels: Vec<f64>,
    median: Option<f64>,
}

impl Forwards {
    fn of(quotes: &[&OptionQuote]) -> Self {
        let pairs = parity_pairs(quotes);
        let mut levels: Vec<f64> = pairs
            .iter()
            .filter(|pair| pairs.iter().filter(|other| agree(pair, other)).count() >= STRIKES_OF_A_LEVEL)
            .map(|pair| pair.forward)
            .collect();
        levels.sort_by(f64::total_cmp);
        levels.dedup_by(|next, kept| *next / *kept - 1.0 < PARITY_ROUNDING);
        let mut sorted: Vec<f64> = pairs.iter().map(|pair| pair.forward).collect();
        let median = distribution(&mut sorted).map(|spread| spread.median);
        Self {
            by_strike: pairs.iter().map(|pair| (pair.strike.to_bits(), pair.forward)).collect(),
            levels,
            median,
        }
    }

    /// From the least to the largest forward of the expiry, that of the pair among them, relative.
    fn widest_gap(&self, own: f64) -> f64 {
        let ends = [self.levels.first(), self.levels.last()];
        let low = ends.iter().flatten().fold(own, |low, level| low.min(**level));
        let high = ends.iter().flatten().fold(own, |high, level| high.max(**level));
        high / low - 1.0
    }

    fn at(&self, quote: &OptionQuote) -> Option<(f64, Partner)> {
        let strike = quote.strike.get();
        let Some(forward) = self.by_strike.get(&strike.to_bits()) else {
            return self.median.map(|forward| (forward, Partner::None));
        };
        let own = ParityPair { strike, forward: *forward, smaller_mark: 0.0 };
        let on_a_level = self.levels.iter().any(|level| agree(&own, &ParityPair { forward: *level, ..own }));
        // Where no forward is shared there is nothing better than the pair's own.
        let partner = if on_a_level || self.levels.is_empty() { Partner::Together } else { Partner::Apart };
        Some((*forward, partner))
    }
}

/// Equal but for the rounding of marks, which counts for more where the strike is small: δF/F = δc F/K.
fn agree(one: &ParityPair, other: &ParityPair) -> bool {
    let leverage = (one.forward / one.strike).max(other.forward / other.strike).max(1.0);
    (one.forward / other.forward - 1.0).abs() <= PARITY_ROUNDING * leverage
}

fn priced<'a>(
    quote: &'a OptionQuote,
    forwards: &Forwards,
    asof: Timestamp,
) -> Result<Priced<'a>, &'static str> {
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
    let forward_gap = if partner == Partner::Apart { forwards.widest_gap(forward) } else { 0.0 };
    Ok(Priced { quote, option, mark_coin, partner, forward_gap })
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

#[cfg(test)]
mod tests {
    use super::*;
    use market::{Layout, RawQuote};
    use units::{Issues, OptionKind, Strike, Vol};

    const EXPIRY_DAYS: f64 = 50.0;
    const OFFSET_SECONDS: f64 = 120.0;
    const FORWARD: f64 = 70_000.0;
    const REFRESHED: f64 = 70_050.0;

    fn mark(forward: f64, strike: f64, kind: OptionKind) -> f64 {
        let option = Black76 {
            forward: Forward::new(forward).unwrap(),
            strike: Strike::new(strike).unwrap(),
            vol: Vol::new(0.6).unwrap(),
            expiry: YearFraction::new((EXPIRY_DAYS - OFFSET_SECONDS / 86_400.0) / 365.0).unwrap(),
            discount: Discount::new(1.0).unwrap(),
            kind,
        };
        (option.price() / forward * 1e8).round() / 1e8
    }

    /// Ten strikes fetched two minutes after their stamp; puts of the 75000 strike are marked on a later forward, as are both
    /// sides from 80000 on.
    fn chain() -> RawSnapshot {
        let asof: Timestamp = "2026-02-05T08:00:00Z".parse().unwrap();
        let mut rows = Vec::new();
        for step in 0..10_u32 {
            let strike = 50_000.0 + 5_000.0 * f64::from(step);
            for (kind, letter) in [(OptionKind::Call, 'C'), (OptionKind::Put, 'P')] {
                let late = step >= 6 || (step == 5 && kind == OptionKind::Put);
                rows.push(RawQuote {
                    row: rows.len() as u64 + 1,
                    timestamp: Some(asof),
                    instrument_name: format!("BTC-27MAR26-{strike}-{letter}"),
                    mark_price: Some(mark(if late { REFRESHED } else { FORWARD }, strike, kind)),
                    mark_vol: Some(0.6),
                    ..RawQuote::default()
                });
            }
        }
        let file = "chain.csv".to_owned();
        RawSnapshot {
            file,
            layout: Layout::Chain,
            asof,
            snapshots_in_file: 1,
            rows,
            issues: Issues::default(),
        }
    }

    fn compared(raw: &RawSnapshot) -> Vec<GroupResult> {
        let mut file = ChainFile::new("f", 1);
        file.take(raw, &Specs::embedded());
        file.finish()
    }

    fn group<'a>(groups: &'a [GroupResult], name: &str) -> &'a GroupResult {
        groups.iter().find(|group| group.name == name).unwrap()
    }

    #[test]
    fn offset_and_forwards_are_found_and_mixed_pairs_are_set_apart() {
        let groups = compared(&chain());
        let marks = group(&groups, "f: BTC mark");
        assert_eq!((marks.cases, marks.failed), (18, 0));
        assert!(marks.worst.as_ref().unwrap().error < 1e-7, "marks are rounded to 8 decimals: {marks:?}");
        assert!(marks.notes[0].contains("120 to 120 s"), "{:?}", marks.notes);
        let apart = group(&groups, "f: BTC mark refreshed apart");
        assert_eq!((apart.cases, apart.failed), (2, 0));
        let error = apart.worst.as_ref().unwrap().error;
        // Seven basis points of forward between call and put of one strike.
        assert!(error > 1e-5 && error < REFRESHED / FORWARD - 1.0, "{error}");
    }

    #[test]
    fn a_wrong_vol_fails_by_name() {
        let mut raw = chain();
        // Half a vol point is worth ten tolerances here.
        raw.rows[8].mark_vol = Some(0.605);
        let groups = compared(&raw);
        let names: Vec<&str> =
            group(&groups, "f: BTC mark").failures.iter().map(|f| f.name.as_str()).collect();
        assert_eq!(names, ["BTC-27MAR26-70000-C at 2026-02-05T08:00:00Z"]);
    }

    #[test]
    fn every_row_is_compared_or_counted() {
        let mut raw = chain();
        raw.rows[0].mark_vol = None;
        raw.rows[1].instrument_name = "BTC-PERPETUAL".to_owned();
        raw.rows[1].mark_price = Some(70_000.0);
        raw.rows[2].instrument_name = "BTC-5FEB26-70000-C".to_owned();
        raw.rows[3].mark_price = Some(-1.0);
        let groups = compared(&raw);
        let account = group(&groups, "f: rows");
        assert_eq!(account.failed, 0, "{account:?}");
        let reasons: Vec<&str> = account.not_compared.keys().map(String::as_str).collect();
        assert_eq!(
            reasons,
            [
                "no mark vol above zero",
                "not an option",
                "option expired before the snapshot",
                "refused, mark_price: a price is a finite number of at least zero",
            ]
        );
        assert_eq!(account.not_compared.values().sum::<u64>(), 4);
        let checked: u64 = groups.iter().filter(|g| g.name.contains("mark")).map(|g| g.cases).sum();
        assert_eq!(checked, 16);
    }

    #[test]
    fn golden_section_finds_the_least_sum_of_distances() {
        for kink in [-299.0, -1.5, 0.0, 333.25, 899.0] {
            let found = golden_minimum(EARLIEST_SECONDS, LATEST_SECONDS, |x: f64| {
                (x - kink).abs() + 0.3 * (x - kink).abs()
            });
            assert!((found - kink).abs() <= 0.1, "{found} against {kink}");
        }
    }
}
