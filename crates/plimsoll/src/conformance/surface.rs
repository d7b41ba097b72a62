//! Suite `surface`: vol surfaces fitted to every snapshot of recorded chains.
//!
//! For each snapshot and currency two fits: one to all cleaned quotes, for acceptance, error against the spread and arbitrage
//! left; and one to about 70 % of those that a published benchmark's filter keeps, judged on the others. Which quotes are held out
//! is a draw from the instrument's name and the time of the snapshot, so it does not depend on their order.

use super::result::{Comparison, ExactComparison, Group, GroupResult};
use super::{Progress, Report, Snapshots, Sources};
use instrument::Specs;
use lake::Select;
use market::surface::{
    Cleaning, Drop, Essvi, ExpiryChain, ExpiryQuotes, ExpiryReport, FamilyChain, Fit, Reference, Refused,
    SurfaceCheck, TwoSided, VolSurface, families, option_at, price_unit, vol_quote,
};
use market::{ForwardCurve, Layout, OptionQuote, RawSnapshot, Snapshot};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use units::{Timestamp, Vol, YearFraction};

pub(super) const ID: &str = "surface";
pub(super) const SUMMARY: &str =
    "vol surfaces of recorded chains: arbitrage left, error against the spread, held-out quotes";

/// Share of the kept quotes that is held out.
const HELD_OUT: f64 = 0.3;
/// Held-out quotes inside the spread by the best model of the published benchmark (stochastic vol with jumps), and the aim here.
const PUBLISHED: [(&str, f64, f64); 2] = [("BTC", 0.619, 0.95), ("ETH", 0.631, 0.97)];

/// Figures of one currency of one file, or of all files.
#[derive(Debug, Default)]
struct Tally {
    snapshots: u64,
    raw: u64,
    kept: u64,
    dropped: BTreeMap<Drop, u64>,
    slices: u64,
    refused: BTreeMap<&'static str, u64>,
    stand_ins: u64,
    checks: Vec<SurfaceCheck>,
    arbitrage: Vec<(String, u64)>,
    error_points: Vec<f64>,
    half_spread_points: Vec<f64>,
    held: Held,
    held_essvi: Held,
    worst: Vec<(f64, String)>,
}

/// Held-out quotes.
#[derive(Debug, Default, Clone)]
struct Held {
    quotes: u64,
    inside: u64,
    without_slice: u64,
    errors_coin: Vec<f64>,
}

pub(super) fn run(sources: &Sources, progress: &mut Report<'_>) -> Vec<GroupResult> {
    let mut groups = Vec::new();
    let mut whole: BTreeMap<String, Tally> = BTreeMap::new();
    let files = match super::deribit::files(&sources.chains) {
        Ok(files) => files,
        Err(error) => {
            let name = sources.chains.display().to_string();
            return vec![Group::checked(name, "", "").not_run(format!("the folder cannot be read: {error}"))];
        }
    };
    let sizes: Vec<u64> = files.iter().map(|f| std::fs::metadata(f).map_or(0, |d| d.len())).collect();
    let (bytes_total, mut bytes_before) = (sizes.iter().sum(), 0);
    for (file, size) in files.iter().zip(&sizes) {
        let name = super::deribit::short_name(file);
        let mut report = |read: lake::Progress| {
            let bytes_done = bytes_before + read.bytes_done.min(*size);
            progress(Progress { suite: ID, item: &name, bytes_done, bytes_total });
        };
        match of_file(file, sources.snapshots, &mut report) {
            Ok(Some(tallies)) => {
                for (currency, tally) in tallies {
                    groups.extend(tally.groups(&format!("{name}: {currency}"), &currency));
                    whole.entry(currency).or_default().add(tally);
                }
            }
            Ok(None) => {}
            Err(error) => {
                let mut fault = Group::checked(&name, "", "a file that cannot be read fails");
                fault.fault(&name, error.to_string());
                groups.push(fault.finish());
            }
        }
        bytes_before += size;
    }
    for (currency, tally) in whole {
        groups.extend(tally.groups(&format!("all files: {currency}"), &currency));
    }
    groups
}

/// None for files that are no chains.
fn of_file(
    path: &Path,
    snapshots: Snapshots,
    report: &mut dyn FnMut(lake::Progress),
) -> Result<Option<BTreeMap<String, Tally>>, lake::LakeError> {
    let listing = lake::snapshots(path, &mut |_| {})?;
    if !matches!(listing.layout, Layout::Chain | Layout::RecorderChain | Layout::BookSummary) {
        return Ok(None);
    }
    let specs = Specs::embedded();
    let mut tallies = BTreeMap::new();
    match snapshots {
        Snapshots::All => {
            let mut take = |raw| {
                take(&raw, &specs, &mut tallies);
                ControlFlow::Continue(())
            };
            lake::for_each_snapshot(path, &mut take, report)?;
        }
        Snapshots::EveryNth(step) => {
            for chosen in listing.snapshots.iter().step_by(step.get()) {
                let raw = lake::read_snapshot(path, Select::AtOrBefore(chosen.asof), report)?;
                take(&raw, &specs, &mut tallies);
            }
        }
    }
    Ok(Some(tallies))
}

fn take(raw: &RawSnapshot, specs: &Specs, tallies: &mut BTreeMap<String, Tally>) {
    let Ok((snapshot, _)) = Snapshot::admit(std::slice::from_ref(raw), specs) else { return };
    for ((underlying, currency), quotes) in families(&snapshot) {
        let name = match currency.as_str() {
            "USD" => underlying.to_string(),
            other => format!("{underlying}_{other}"),
        };
        let curve = ForwardCurve::build(&quotes, &BTreeMap::new());
        let chain = FamilyChain::new(snapshot.asof, &quotes, &curve, None);
        tallies.entry(name).or_default().take(snapshot.asof, &chain.expiries);
    }
}

/// A quote on either side of the draw.
struct HeldOut<'a> {
    quote: &'a OptionQuote,
    sides: TwoSided,
    reference: Reference,
}

impl Tally {
    fn take(&mut self, asof: Timestamp, expiries: &[ExpiryChain<'_>]) {
        self.snapshots += 1;
        self.whole_fit(asof, expiries);
        self.held_out(asof, expiries);
    }

    /// All quotes, for arbitrage, acceptance and error.
    fn whole_fit(&mut self, asof: Timestamp, expiries: &[ExpiryChain<'_>]) {
        let cleaning = Cleaning::default();
        let fit = VolSurface::fit(asof, &expiries.iter().map(|e| e.cleaned(&cleaning)).collect::<Vec<_>>());
        let check = fit.surface.check();
        self.checks.push(check);
        self.arbitrage.push((format!("{asof}"), u64::from(!check.is_free_of_arbitrage())));
        for report in &fit.expiries {
            self.count(asof, report);
        }
    }

    fn count(&mut self, asof: Timestamp, report: &ExpiryReport) {
        match report.refused {
            Some(Refused::Expired | Refused::FewQuotes { .. }) => {
                *self.refused.entry("too few quotes").or_default() += 1;
                return;
            }
            Some(Refused::Arbitrage) => *self.refused.entry("arbitrage").or_default() += 1,
            Some(Refused::Misfit { .. }) => *self.refused.entry("misfit").or_default() += 1,
            Some(_) => *self.refused.entry("other").or_default() += 1,
            None => self.slices += 1,
        }
        if let (Some(error), Some(half)) = (report.error_points, report.half_spread_points) {
            self.error_points.push(error);
            self.half_spread_points.push(half);
            let name = format!(
                "{asof} {} ({:.1} days, {} quotes)",
                report.expiry,
                report.years * 365.0,
                report.quotes
            );
            self.worst.push((error / half, name));
        }
        self.stand_ins += u64::from(report.model == Some(market::surface::Model::Essvi));
    }

    /// The benchmark's filter and draw.
    fn held_out(&mut self, asof: Timestamp, expiries: &[ExpiryChain<'_>]) {
        let mut held = Vec::new();
        let mut given = Vec::new();
        for expiry in expiries {
            let mut quotes = Vec::new();
            for quote in &expiry.quotes {
                self.raw += 1;
                let sides = match Cleaning::BENCHMARK.admit(quote, &expiry.reference) {
                    Ok(sides) => sides,
                    Err(drop) => {
                        *self.dropped.entry(drop).or_default() += 1;
                        continue;
                    }
                };
                self.kept += 1;
                if draw(asof, quote) < HELD_OUT {
                    held.push(HeldOut { quote, sides, reference: expiry.reference });
                } else if let Ok(quote) = vol_quote(quote, sides, &expiry.reference) {
                    quotes.push(quote);
                }
            }
            let forward = expiry.reference.forward;
            given.push(ExpiryQuotes { expiry: expiry.expiry, forward, quotes, dropped: BTreeMap::new() });
        }
        let fit = VolSurface::fit(asof, &given);
        let plain = essvi(asof, &given);
        for quote in &held {
            self.held.judge(quote, record(&fit, quote));
            let slice = plain.get(&quote.quote.expiry);
            self.held_essvi.judge(quote, slice.map(|s| s.variance(quote.log_moneyness())));
        }
    }
}

/// Variance of the surface of record; of the slice as fitted where the surface has refused it, as a quote has to be judged.
fn record(fit: &Fit, quote: &HeldOut<'_>) -> Option<f64> {
    let report = fit.expiries.iter().find(|report| report.expiry == quote.quote.expiry)?;
    let k = quote.log_moneyness();
    match report.refused {
        None => report.slice.map(|slice| slice.variance(k)),
        Some(_) => fit.surface.variance(k, quote.reference.years),
    }
}

/// Slices free of arbitrage by construction, from the shortest expiry on.
fn essvi(asof: Timestamp, given: &[ExpiryQuotes]) -> BTreeMap<Timestamp, Essvi> {
    let mut found = BTreeMap::new();
    let mut earlier: Option<Essvi> = None;
    for expiry in given {
        let years = asof.years_until(expiry.expiry).map_or(0.0, YearFraction::get);
        if let Some(slice) = Essvi::fit_after(&expiry.quotes, years, earlier.as_ref()) {
            earlier = Some(slice);
            found.insert(expiry.expiry, slice);
        }
    }
    found
}

impl HeldOut<'_> {
    fn log_moneyness(&self) -> f64 {
        pricing::kernel::ln(self.quote.strike.get() / self.reference.forward.get())
    }
}

impl Held {
    fn judge(&mut self, held: &HeldOut<'_>, variance: Option<f64>) {
        self.quotes += 1;
        let vol = variance.and_then(|w| Vol::new((w / held.reference.years.get()).sqrt()).ok());
        let option = vol.and_then(|vol| option_at(held.quote, &held.reference, vol));
        let Some(option) = option else {
            self.without_slice += 1;
            return;
        };
        let price = option.price() / price_unit(held.quote, held.reference.forward);
        let inside = price >= held.sides.bid && price <= held.sides.ask;
        self.inside += u64::from(inside);
        self.errors_coin.push(price - 0.5 * (held.sides.bid + held.sides.ask));
    }

    #[allow(clippy::cast_precision_loss)] // counts
    fn share(&self) -> f64 {
        self.inside as f64 / self.quotes as f64
    }

    #[allow(clippy::cast_precision_loss)] // counts
    fn note(&self, name: &str) -> String {
        let count = self.errors_coin.len() as f64;
        let square: f64 = self.errors_coin.iter().map(|e| e * e).sum::<f64>() / count;
        let mean: f64 = self.errors_coin.iter().map(|e| e.abs()).sum::<f64>() / count;
        format!(
            "{name}: {} held out, {:.2} % inside the spread, RMSE {:.6}, MAE {:.6} coin; {} without a slice",
            self.quotes,
            100.0 * self.share(),
            square.sqrt(),
            mean,
            self.without_slice
        )
    }

    fn add(&mut self, other: Self) {
        self.quotes += other.quotes;
        self.inside += other.inside;
        self.without_slice += other.without_slice;
        self.errors_coin.extend(other.errors_coin);
    }
}

/// Between 0 and 1, from the instrument and the time alone.
fn draw(asof: Timestamp, quote: &OptionQuote) -> f64 {
    let mut state = asof.unix_nanos().cast_unsigned();
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

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.snapshots += other.snapshots;
        self.raw += other.raw;
        self.kept += other.kept;
        for (drop, count) in other.dropped {
            *self.dropped.entry(drop).or_default() += count;
        }
        self.slices += other.slices;
        for (reason, count) in other.refused {
            *self.refused.entry(reason).or_default() += count;
        }
        self.stand_ins += other.stand_ins;
        self.checks.extend(other.checks);
        self.arbitrage.extend(other.arbitrage);
        self.error_points.extend(other.error_points);
        self.half_spread_points.extend(other.half_spread_points);
        self.held.add(other.held);
        self.held_essvi.add(other.held_essvi);
        self.worst.extend(other.worst);
    }

    fn groups(&self, name: &str, currency: &str) -> Vec<GroupResult> {
        let mut arbitrage = Group::checked(
            format!("{name}: arbitrage left"),
            "surfaces with any",
            "none: a surface is free of it by construction and on the grids, or it is not of record",
        );
        for (snapshot, left) in &self.arbitrage {
            #[allow(clippy::cast_precision_loss)] // 0 or 1
            let difference = *left as f64;
            let exact = ExactComparison { ours: left.to_string(), theirs: "0".into(), difference };
            arbitrage.compare_exact(exact, || snapshot.clone());
        }
        let refused: u64 = self.refused.iter().filter(|(r, _)| **r != "too few quotes").map(|(_, n)| n).sum();
        #[allow(clippy::cast_precision_loss)] // counts
        let share = self.slices as f64 / (self.slices + refused) as f64;
        arbitrage.note(format!(
            "{} snapshots: {} slices accepted of {} ({:.2} %), {} of them stand-ins; refused: {:?}",
            self.snapshots,
            self.slices,
            self.slices + refused,
            100.0 * share,
            self.stand_ins,
            self.refused
        ));
        let least = |of: fn(&SurfaceCheck) -> f64| self.checks.iter().map(of).fold(f64::INFINITY, f64::min);
        arbitrage.note(format!(
            "least g {:.2e}, least calendar gap {:.2e}",
            least(|check| check.least_density),
            least(|check| check.least_calendar_gap)
        ));
        let mut error = Group::checked(
            format!("{name}: median error"),
            "of half the median half spread",
            "the surface is nearer to the mids than half of half the spread",
        );
        let (errors, halves) = (median(&self.error_points), median(&self.half_spread_points));
        if !self.error_points.is_empty() {
            let ours = (errors / (0.5 * halves) - 1.0).max(0.0);
            error.compare(Comparison { ours, theirs: 0.0, tolerance: 0.0, scale: 1.0 }, || name.to_owned());
        }
        error.note(format!("median RMSE {errors:.3} vol points, median half spread {halves:.3}"));
        let mut worst = self.worst.clone();
        worst.sort_by(|a, b| b.0.total_cmp(&a.0));
        for (ratio, what) in worst.iter().take(3) {
            error.note(format!("worst: {what}: error {ratio:.2} half spreads"));
        }
        vec![arbitrage.finish(), error.finish(), self.held_group(name, currency)]
    }

    fn held_group(&self, name: &str, currency: &str) -> GroupResult {
        let mut group = Group::checked(
            format!("{name}: held-out quotes inside the spread"),
            "of the held-out quotes",
            "no worse than the best model of a published benchmark on the same recordings: 61.9 % BTC, 63.1 % ETH",
        );
        let published = PUBLISHED.iter().find(|(coin, ..)| *coin == currency);
        if let Some((_, best, aim)) = published {
            let ours = self.held.share();
            let short = Comparison { ours: (best - ours).max(0.0), theirs: 0.0, tolerance: 0.0, scale: 1.0 };
            group.compare(short, || name.to_owned());
            group.note(format!(
                "aim {:.0} %: {}",
                100.0 * aim,
                if ours >= *aim { "reached" } else { "missed" }
            ));
        }
        group.note(self.held.note("surface of record"));
        group.note(self.held_essvi.note("eSSVI by construction"));
        let dropped: Vec<String> = self.dropped.iter().map(|(d, n)| format!("{} {n}", d.word())).collect();
        #[allow(clippy::cast_precision_loss)] // counts
        let share = 100.0 * self.kept as f64 / self.raw as f64;
        group.note(format!(
            "{} of {} rows kept ({share:.2} %); dropped: {}",
            self.kept,
            self.raw,
            dropped.join(", ")
        ));
        group.finish()
    }
}
