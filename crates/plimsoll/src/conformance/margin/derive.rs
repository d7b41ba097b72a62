//! What the suites of Derive's test vectors share: strict reading, fixed point, portfolios with their feeds, whole dollars.
//!
//! Files are read with every field named: one that is not known is a fault of the file, because it could change the numbers.

use super::super::result::{Comparison, Group};
use super::super::vectors::{self, FileError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use units::{Forward, OptionKind, Spot, Strike, UnitError, Vol, YearFraction};

/// Seconds in the year of the protocol: 365 days.
const SECONDS_PER_YEAR: f64 = 31_536_000.0;

/// Why a case cannot be compared.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("not the layout that is known: {0}")]
    Layout(#[from] serde_json::Error),
    #[error(transparent)]
    Unit(#[from] UnitError),
    #[error("{0}")]
    Rule(String),
}

/// A fault with its rule.
pub(super) fn fault(rule: impl Into<String>) -> Fault {
    Fault::Rule(rule.into())
}

/// A number with 18 decimals as an integer (a script wrote some as floats); null where there is none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fixed18(pub(super) f64);

/// A number with 8 decimals as an integer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fixed8(pub(super) f64);

/// The nearest f64 to a number; its text is parsed, so that rounding happens once.
fn parsed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let number = serde_json::Number::deserialize(deserializer)?;
    let value: Option<f64> = number.to_string().parse().ok();
    value
        .filter(|value| value.is_finite())
        .ok_or_else(|| serde::de::Error::custom(format!("{number} is out of range")))
}

impl<'de> Deserialize<'de> for Fixed18 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Powers of ten to 22 are exact, so this rounds like the decimal would.
        Ok(Self(parsed(deserializer)? / 1e18))
    }
}

impl<'de> Deserialize<'de> for Fixed8 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(parsed(deserializer)? / 1e8))
    }
}

/// A file's cases under their names, in the order of the names' numbers.
pub(super) fn named_cases(path: &Path) -> Result<Vec<(String, Value)>, FileError> {
    let file = vectors::read(path)?;
    let mut cases: Vec<(String, Value)> = file.as_object().cloned().into_iter().flatten().collect();
    cases.sort_by_key(|(name, _)| (name.len(), name.clone()));
    Ok(cases)
}

/// Reads a typed value; an unknown field is an error.
pub(super) fn strict<T: DeserializeOwned>(value: &Value) -> Result<T, Fault> {
    Ok(T::deserialize(value)?)
}

/// Time to expiry from seconds.
pub(super) fn years(seconds: f64) -> Result<YearFraction, UnitError> {
    YearFraction::new(seconds / SECONDS_PER_YEAR)
}

/// Sizes of the numbers that a figure is made of: what its rounding scales with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Gross(pub(super) f64);

/// Why tolerances are what they are.
pub(super) const TOLERANCE_REASON: &str = "1e-9 of the figure: the protocol's own suite allows 1e-8 and both sides are exact formulas; \
    plus 1e-14 (45 roundings) of the gross value of the positions, because figures are differences of such values";

/// Ours and theirs, with the gross value that they are differences of.
pub(super) fn close(ours: f64, theirs: f64, gross: Gross) -> Comparison {
    let tolerance = 1e-9 * theirs.abs() + 1e-14 * gross.0;
    // A figure of nothing at all must be zero; the floor keeps its strain finite.
    Comparison { ours, theirs, tolerance: if tolerance > 0.0 { tolerance } else { 1e-18 }, scale: 1.0 }
}

/// Why whole dollars are compared as they are.
pub(super) const WHOLE_REASON: &str = "whole USD, truncated toward zero: exact. The protocol's integers have 18 decimals, so a figure \
    that is exactly on the dollar there is a rounding off it in floats (825 as 824.9999999999999): what lies within \
    1e-9 USD (or 1e-14 of the gross value) of a whole dollar counts as that dollar before truncation";

/// Truncates toward zero, after taking what is within rounding of a whole dollar for that dollar.
pub(super) fn whole_usd(value: f64, gross: Gross) -> f64 {
    let nearest = value.round();
    let rounding = 1e-14 * gross.0;
    let rounding = if rounding > 1e-9 { rounding } else { 1e-9 };
    if (value - nearest).abs() <= rounding { nearest } else { value.trunc() }
}

/// Whole dollars; anything but equality is off by one or more.
pub(super) fn same_dollar(ours: f64, theirs: f64, gross: Gross) -> Comparison {
    Comparison { ours: whole_usd(ours, gross), theirs, tolerance: 0.5, scale: 1.0 }
}

/// A portfolio of the tests that state whole dollars; amounts and entry prices have 8 decimals.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Portfolio {
    pub(super) options: Vec<OptionPosition>,
    pub(super) perps: Vec<PerpPosition>,
    pub(super) bases: Vec<BasePosition>,
    pub(super) cash: Fixed8,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OptionPosition {
    pub(super) amount: Fixed8,
    pub(super) expiry: String,
    pub(super) strike: f64,
    #[serde(rename = "type")]
    pub(super) kind: Kind,
    pub(super) underlying: Underlying,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PerpPosition {
    pub(super) amount: Fixed8,
    #[serde(rename = "entryPrice")]
    pub(super) entry_price: Fixed8,
    pub(super) underlying: Underlying,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BasePosition {
    pub(super) amount: Fixed8,
    pub(super) underlying: Underlying,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Call,
    Put,
}

impl Kind {
    pub(super) const fn option(self) -> OptionKind {
        match self {
            Self::Call => OptionKind::Call,
            Self::Put => OptionKind::Put,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(super) enum Underlying {
    #[serde(rename = "ETH", alias = "eth")]
    Eth,
    #[serde(rename = "BTC", alias = "btc")]
    Btc,
}

/// Whole dollars by level.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WholeMargins {
    pub(super) im: f64,
    pub(super) mm: f64,
}

/// A portfolio under its name, without feeds.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct BareCase {
    options: Vec<OptionPosition>,
    perps: Vec<PerpPosition>,
    bases: Vec<BasePosition>,
    cash: Fixed8,
    /// The source spells it both ways.
    #[serde(alias = "result")]
    results: WholeMargins,
}

impl BareCase {
    fn split(self) -> (Portfolio, WholeMargins) {
        let Self { options, perps, bases, cash, results } = self;
        (Portfolio { options, perps, bases, cash }, results)
    }
}

/// Feeds of a test.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Environment {
    pub(super) stable: f64,
    pub(super) eth: Feeds,
    pub(super) btc: Feeds,
    /// Vol and its confidence where a market names none.
    pub(super) vol_default: (f64, f64),
    /// Annual rate of all expiries: a known field, which the standard manager does not use.
    #[allow(dead_code)]
    rate: f64,
}

/// Feeds of one market; pairs are value and confidence.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Feeds {
    pub(super) spot: f64,
    pub(super) conf: f64,
    pub(super) perp: f64,
    pub(super) perpconf: f64,
    /// By date.
    pub(super) fwd: BTreeMap<String, (f64, f64)>,
    /// By `date:strike`.
    vol: BTreeMap<String, (f64, f64)>,
}

/// One expiry of a portfolio on one underlying, with its feeds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct DatedOptions {
    pub(super) years: YearFraction,
    pub(super) forward: Forward,
    /// Least of forward and vols.
    pub(super) confidence: f64,
    /// Strike, kind, signed size, vol.
    pub(super) options: Vec<(Strike, OptionKind, f64, Vol)>,
}

/// A portfolio with its feeds and what the source says of it.
#[derive(Debug, Clone)]
pub(super) struct PortfolioCase {
    pub(super) name: String,
    pub(super) portfolio: Portfolio,
    pub(super) environment: Environment,
    seconds: BTreeMap<String, f64>,
    pub(super) expected: WholeMargins,
    /// Another implementation's figures before truncation; only of the file that has feeds.
    pub(super) reproduced: Option<WholeMargins>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EnvironmentFile {
    note: String,
    expiry_seconds: BTreeMap<String, f64>,
    cases: Vec<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EnvironmentCase {
    name: String,
    portfolio: Portfolio,
    environment: Environment,
    expected: Expected,
    #[serde(default)]
    reproduced: Option<WholeMargins>,
    /// Whether that other implementation agreed; ours is compared by itself.
    #[serde(default, rename = "match")]
    matched: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    im: f64,
    mm: f64,
    unit: String,
}

/// Portfolios with their feeds; what cannot be read is a fault of the group.
pub(super) fn cases_with_feeds(file: &Value, group: &mut Group) -> Vec<PortfolioCase> {
    let layout: EnvironmentFile = match strict(file) {
        Ok(layout) => layout,
        Err(error) => {
            group.fault("file", error.to_string());
            return Vec::new();
        }
    };
    if !layout.note.contains("1e8 fixed") {
        group.fault("note", "does not say that amounts are 1e8 fixed");
        return Vec::new();
    }
    let mut cases = Vec::new();
    for (index, value) in layout.cases.iter().enumerate() {
        match case_with_feeds(value, &layout.expiry_seconds) {
            Ok(case) => cases.push(case),
            Err(error) => {
                let name = value.get("name").and_then(Value::as_str).unwrap_or_default();
                group.fault(format!("cases[{index}] {name}"), error.to_string());
            }
        }
    }
    cases
}

fn case_with_feeds(value: &Value, seconds: &BTreeMap<String, f64>) -> Result<PortfolioCase, Fault> {
    let case: EnvironmentCase = strict(value)?;
    if case.expected.unit != "whole USD, truncated toward zero" {
        return Err(fault(format!("unit '{}' is not known", case.expected.unit)));
    }
    Ok(PortfolioCase {
        name: case.name,
        portfolio: case.portfolio,
        environment: case.environment,
        seconds: seconds.clone(),
        expected: WholeMargins { im: case.expected.im, mm: case.expected.mm },
        // Where the file itself says that its other implementation differs, only the protocol's number counts.
        reproduced: case.reproduced.filter(|_| case.matched != Some(false)),
    })
}

/// Portfolios without feeds, with those of the case of the same name in the other file.
pub(super) fn cases_by_name(
    bare: &[(String, Value)],
    with_feeds: &[PortfolioCase],
    group: &mut Group,
) -> Vec<PortfolioCase> {
    let mut cases = Vec::new();
    for (name, value) in bare {
        let case: BareCase = match strict(value) {
            Ok(case) => case,
            Err(error) => {
                group.fault(name, error.to_string());
                continue;
            }
        };
        let Some(feeds) = with_feeds.iter().find(|case| case.name == *name) else {
            group.not_compared("the file with feeds has no case of this name", 1);
            continue;
        };
        let (portfolio, expected) = case.split();
        cases.push(PortfolioCase { portfolio, expected, reproduced: None, ..feeds.clone() });
    }
    cases
}

impl PortfolioCase {
    pub(super) const fn feeds(&self, underlying: Underlying) -> &Feeds {
        match underlying {
            Underlying::Eth => &self.environment.eth,
            Underlying::Btc => &self.environment.btc,
        }
    }

    /// The one perpetual position on an underlying; the protocol has one balance for it.
    pub(super) fn perp(&self, underlying: Underlying) -> Result<Option<&PerpPosition>, Fault> {
        one(self.portfolio.perps.iter().filter(|p| p.underlying == underlying))
    }

    /// The one collateral position on an underlying.
    pub(super) fn base(&self, underlying: Underlying) -> Result<Option<&BasePosition>, Fault> {
        one(self.portfolio.bases.iter().filter(|p| p.underlying == underlying))
    }

    /// Options on an underlying by date.
    pub(super) fn dated_options(&self, underlying: Underlying) -> Result<Vec<DatedOptions>, Fault> {
        let feeds = self.feeds(underlying);
        let mut dates: BTreeMap<&str, DatedOptions> = BTreeMap::new();
        for position in self.portfolio.options.iter().filter(|o| o.underlying == underlying) {
            let date = position.expiry.as_str();
            let (vol, vol_confidence) = self.vol(feeds, position)?;
            if !dates.contains_key(date) {
                dates.insert(date, self.date(feeds, date)?);
            }
            let Some(dated) = dates.get_mut(date) else { continue };
            dated.confidence =
                if vol_confidence < dated.confidence { vol_confidence } else { dated.confidence };
            let strike = Strike::new(position.strike)?;
            dated.options.push((strike, position.kind.option(), position.amount.0, Vol::new(vol)?));
        }
        let mut dated: Vec<DatedOptions> = dates.into_values().collect();
        dated.sort_by(|a, b| a.years.get().total_cmp(&b.years.get()));
        Ok(dated)
    }

    fn date(&self, feeds: &Feeds, date: &str) -> Result<DatedOptions, Fault> {
        let seconds = self.seconds.get(date).ok_or_else(|| fault(format!("no seconds to expiry {date}")))?;
        let (forward, mut confidence) =
            *feeds.fwd.get(date).ok_or_else(|| fault(format!("no forward of {date}")))?;
        // The protocol asks a feed for the least confidence of an expiry, held strikes or not.
        for (key, (_, of_vol)) in &feeds.vol {
            if vol_key(key)?.0 == date && *of_vol < confidence {
                confidence = *of_vol;
            }
        }
        let forward = Forward::new(forward)?;
        Ok(DatedOptions { years: years(*seconds)?, forward, confidence, options: Vec::new() })
    }

    fn vol(&self, feeds: &Feeds, position: &OptionPosition) -> Result<(f64, f64), Fault> {
        for (key, vol) in &feeds.vol {
            if vol_key(key)? == (position.expiry.as_str(), position.strike) {
                return Ok(*vol);
            }
        }
        Ok(self.environment.vol_default)
    }

    /// Gross value of all positions at the spots.
    pub(super) fn gross(&self) -> Gross {
        let at_spot = |underlying, amount: Fixed8| amount.0.abs() * self.feeds(underlying).spot;
        let options: f64 = self.portfolio.options.iter().map(|p| at_spot(p.underlying, p.amount)).sum();
        let perps: f64 = self.portfolio.perps.iter().map(|p| at_spot(p.underlying, p.amount)).sum();
        let bases: f64 = self.portfolio.bases.iter().map(|p| at_spot(p.underlying, p.amount)).sum();
        Gross(options + perps + bases + self.portfolio.cash.0.abs())
    }

    pub(super) fn stable(&self) -> Result<Spot, UnitError> {
        Spot::new(self.environment.stable)
    }
}

fn vol_key(key: &str) -> Result<(&str, f64), Fault> {
    let parts = key.split_once(':').and_then(|(date, strike)| Some((date, strike.parse().ok()?)));
    parts.ok_or_else(|| fault(format!("vol key '{key}' is not date:strike")))
}

fn one<T>(mut all: impl Iterator<Item = T>) -> Result<Option<T>, Fault> {
    let first = all.next();
    if all.next().is_some() {
        return Err(fault("two positions in one perpetual or one collateral asset"));
    }
    Ok(first)
}

/// Compares whole dollars, and where the file has them the figures before truncation.
pub(super) fn compare_whole(case: &PortfolioCase, ours: WholeMargins, groups: (&mut Group, &mut Group)) {
    let (whole, full) = groups;
    let gross = case.gross();
    for (level, ours, theirs) in [("im", ours.im, case.expected.im), ("mm", ours.mm, case.expected.mm)] {
        whole.compare(same_dollar(ours, theirs, gross), || format!("{} {level}", case.name));
    }
    if let Some(theirs) = case.reproduced {
        for (level, ours, theirs) in [("im", ours.im, theirs.im), ("mm", ours.mm, theirs.mm)] {
            full.compare(close(ours, theirs, gross), || format!("{} {level}", case.name));
        }
    }
}
