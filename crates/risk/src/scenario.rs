//! Scenario files: named shocks, and the grids of ladder and curve, as TOML with a source for every number.
//!
//! ```toml
//! [[scenario]]
//! name = "2022-11 FTX"
//! source = "daily BTC bars and DVOL, 6 to 11 Nov 2022"
//! spot_return = -0.243             # underlyings that are not named below
//! spot_return_of = { ETH = -0.30 }
//! vol_points = 57.96               # additive; DVOL is a 30-day vol
//! vol_tenor_power = 0.3            # (30 d / T)^power
//! vol_skew_points = -4.0           # per deviation above the forward: minus raises puts
//! vol_curvature_points = 1.0       # per deviation squared: raises both wings
//! vol_tenors = [{ from_days = 0, to_days = 8, points = 15.0 }]   # on top, for expiries of those days
//! skew_stickiness = 0.0            # 0 sticky moneyness, 1 sticky strike; without it, the market's own
//! usd_rate = { USDC = 0.88 }       # factor on the currency's USD rate
//! venues_lost = ["okx"]
//! caveat = "shown beside the result"
//! ```
//!
//! All mistakes of a file are reported at once, each with the scenario and the rule.

use crate::shock::{Shock, TenorShift, VolShift};
use market::surface::SkewStickiness;
use std::collections::{BTreeMap, BTreeSet};
use units::{Asset, Issue, Issues, UnitError, Venue};

/// A named shock with its source.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// Short name for tables.
    pub name: String,
    /// Where its numbers come from.
    pub source: String,
    /// What a reader should know before believing it.
    pub caveat: String,
    /// What moves.
    pub shock: Shock,
}

/// Axes of the spot x vol ladder.
#[derive(Debug, Clone, PartialEq)]
pub struct LadderAxes {
    /// Spot returns, ascending, zero among them.
    pub spot_returns: Vec<f64>,
    /// Vol shifts in points, ascending, zero among them.
    pub vol_points: Vec<f64>,
}

/// Axis and horizons of the P&L curve.
#[derive(Debug, Clone, PartialEq)]
pub struct CurveAxes {
    /// Lowest spot return.
    pub from_return: f64,
    /// Highest spot return.
    pub to_return: f64,
    /// Points from one to the other, both included.
    pub points: usize,
    /// Calendar days ahead, ascending.
    pub horizon_days: Vec<f64>,
}

/// All that a report shocks a book with.
#[derive(Debug, Clone, PartialEq)]
pub struct ScenarioFile {
    /// Ladder axes, if the file has them.
    pub ladder: Option<LadderAxes>,
    /// Curve axes, if the file has them.
    pub curve: Option<CurveAxes>,
    /// Named shocks in file order; grids are spread out after them.
    pub scenarios: Vec<Scenario>,
    /// Source text of `[lose_each_venue]`, if the file asks for the loss of every venue that the book is on.
    pub lose_each_venue: Option<String>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct FileToml {
    ladder: Option<LadderToml>,
    curve: Option<CurveToml>,
    lose_each_venue: Option<LoseEachVenueToml>,
    #[serde(default)]
    scenario: Vec<ScenarioToml>,
    #[serde(default)]
    grid: Vec<GridToml>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct LoseEachVenueToml {
    source: String,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct LadderToml {
    spot_returns: Vec<f64>,
    vol_points: Vec<f64>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct CurveToml {
    from_return: f64,
    to_return: f64,
    points: usize,
    horizon_days: Vec<f64>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ScenarioToml {
    name: String,
    source: String,
    #[serde(default)]
    caveat: String,
    #[serde(default)]
    spot_return: f64,
    #[serde(default)]
    spot_return_of: BTreeMap<String, f64>,
    #[serde(default)]
    vol_points: f64,
    #[serde(default)]
    vol_relative: f64,
    #[serde(default)]
    vol_tenor_power: f64,
    #[serde(default)]
    vol_skew_points: f64,
    #[serde(default)]
    vol_curvature_points: f64,
    #[serde(default)]
    vol_tenors: Vec<TenorToml>,
    skew_stickiness: Option<f64>,
    #[serde(default)]
    usd_rate: BTreeMap<String, f64>,
    #[serde(default)]
    venues_lost: Vec<String>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct TenorToml {
    from_days: f64,
    to_days: f64,
    #[serde(default)]
    points: f64,
    #[serde(default)]
    relative: f64,
    #[serde(default)]
    skew_points: f64,
    #[serde(default)]
    curvature_points: f64,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct GridToml {
    name: String,
    source: String,
    spot_returns: Vec<f64>,
    vol_points: Vec<f64>,
}

/// Finds every mistake instead of the first.
struct Checker<'a> {
    file: &'a str,
    issues: Issues,
}

impl ScenarioFile {
    /// Parses and checks a file.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn parse(file: &str, text: &str) -> Result<Self, Issues> {
        let mut checker = Checker { file, issues: Issues::default() };
        let parsed: FileToml = match toml::from_str(text) {
            Ok(parsed) => parsed,
            Err(error) => {
                checker.issue("", "", error.to_string().trim());
                return Err(checker.issues);
            }
        };
        let ladder = parsed.ladder.map(|l| checker.ladder(l));
        let curve = parsed.curve.map(|c| checker.curve(c));
        let mut scenarios: Vec<Scenario> = parsed.scenario.into_iter().map(|s| checker.scenario(s)).collect();
        for grid in parsed.grid {
            scenarios.extend(checker.grid(&grid));
        }
        checker.unique(&scenarios);
        let lose_each_venue = parsed.lose_each_venue.map(|l| l.source);
        if checker.issues.is_empty() {
            Ok(Self { ladder, curve, scenarios, lose_each_venue })
        } else {
            Err(checker.issues)
        }
    }

    /// The scenarios for a book on these venues.
    #[must_use]
    pub fn scenarios_on(&self, venues: &BTreeSet<Venue>) -> Vec<Scenario> {
        let mut all = self.scenarios.clone();
        let Some(source) = &self.lose_each_venue else { return all };
        all.extend(venues.iter().map(|venue| Scenario {
            name: format!("lose {venue}"),
            source: source.clone(),
            caveat: String::new(),
            shock: Shock { venues_lost: vec![venue.clone()], ..Shock::default() },
        }));
        all
    }
}

impl Checker<'_> {
    fn issue(&mut self, field: &str, value: &str, rule: &str) {
        self.issues.push(Issue {
            file: self.file.into(),
            row: 0,
            field: field.into(),
            value: value.into(),
            rule: rule.into(),
        });
    }

    fn require(&mut self, holds: bool, field: &str, value: f64, rule: &str) {
        if !holds {
            self.issue(field, &value.to_string(), rule);
        }
    }

    fn spot_return(&mut self, field: &str, value: f64) {
        self.require(
            value > -1.0 && value <= 10.0,
            field,
            value,
            "a spot return lies above -1 and at most 10 (-0.2 is -20 %)",
        );
    }

    fn points(&mut self, field: &str, value: f64) {
        self.require(value.abs() <= 500.0, field, value, "a vol shift lies within 500 points");
    }

    fn axis(&mut self, field: &str, values: &[f64]) {
        let ascending = values.iter().zip(values.iter().skip(1)).all(|(a, b)| a < b);
        if !ascending || !values.contains(&0.0) {
            self.issue(
                field,
                &format!("{values:?}"),
                "an axis is ascending and contains 0, so that its centre is today",
            );
        }
    }

    fn ladder(&mut self, ladder: LadderToml) -> LadderAxes {
        self.axis("ladder.spot_returns", &ladder.spot_returns);
        self.axis("ladder.vol_points", &ladder.vol_points);
        for value in &ladder.spot_returns {
            self.spot_return("ladder.spot_returns", *value);
        }
        for value in &ladder.vol_points {
            self.points("ladder.vol_points", *value);
        }
        LadderAxes { spot_returns: ladder.spot_returns, vol_points: ladder.vol_points }
    }

    fn curve(&mut self, curve: CurveToml) -> CurveAxes {
        self.spot_return("curve.from_return", curve.from_return);
        self.spot_return("curve.to_return", curve.to_return);
        if !(3..=1001).contains(&curve.points) || curve.from_return >= curve.to_return {
            self.issue(
                "curve",
                &curve.points.to_string(),
                "3 to 1001 points between an ascending pair of returns",
            );
        }
        if curve.horizon_days.is_empty() || !curve.horizon_days.iter().all(|d| (0.0..=3650.0).contains(d)) {
            self.issue(
                "curve.horizon_days",
                &format!("{:?}", curve.horizon_days),
                "at least one horizon of 0 to 3650 days",
            );
        }
        CurveAxes {
            from_return: curve.from_return,
            to_return: curve.to_return,
            points: curve.points,
            horizon_days: curve.horizon_days,
        }
    }

    fn scenario(&mut self, raw: ScenarioToml) -> Scenario {
        let at = |field: &str| format!("scenario '{}': {field}", raw.name);
        if raw.name.trim().is_empty() {
            self.issue("scenario.name", "", "a scenario has a name");
        }
        if raw.source.trim().is_empty() {
            self.issue(&at("source"), "", "say where the numbers come from");
        }
        self.spot_return(&at("spot_return"), raw.spot_return);
        let vol = VolShift {
            points: raw.vol_points,
            relative: raw.vol_relative,
            tenor_power: raw.vol_tenor_power,
            skew_points: raw.vol_skew_points,
            curvature_points: raw.vol_curvature_points,
        };
        self.vol(&at("vol"), &vol);
        let tenors = raw.vol_tenors.iter().map(|tenor| self.tenor(&at("vol_tenors"), tenor)).collect();
        let skew_stickiness = raw.skew_stickiness.and_then(|ratio| {
            SkewStickiness::new(ratio)
                .map_err(|e| self.issue(&at("skew_stickiness"), &ratio.to_string(), &e.to_string()))
                .ok()
        });
        let mut shock =
            Shock { spot_return: raw.spot_return, vol, tenors, skew_stickiness, ..Shock::default() };
        for (asset, value) in &raw.spot_return_of {
            self.spot_return(&at("spot_return_of"), *value);
            self.named(&at("spot_return_of"), asset, coin, |asset| {
                shock.spot_return_of.insert(asset, *value)
            });
        }
        for (asset, value) in &raw.usd_rate {
            self.require(
                (0.001..=10.0).contains(value),
                &at("usd_rate"),
                *value,
                "a factor from 0.001 to 10 on the currency's USD rate",
            );
            self.named(&at("usd_rate"), asset, currency, |asset| shock.rate_factor.insert(asset, *value));
        }
        for venue in &raw.venues_lost {
            self.named(&at("venues_lost"), venue, Venue::new, |venue| {
                shock.venues_lost.push(venue);
                None
            });
        }
        Scenario { name: raw.name, source: raw.source, caveat: raw.caveat, shock }
    }

    /// Fields are named by what they are appended to: `vol` gives `vol_points`, `vol_tenors` gives `vol_tenors_points`.
    fn vol(&mut self, stem: &str, shift: &VolShift) {
        self.points(&format!("{stem}_points"), shift.points);
        self.require(
            shift.relative > -1.0 && shift.relative <= 10.0,
            &format!("{stem}_relative"),
            shift.relative,
            "a relative vol shift lies above -1 and at most 10",
        );
        self.require(
            (0.0..=1.0).contains(&shift.tenor_power),
            &format!("{stem}_tenor_power"),
            shift.tenor_power,
            "an exponent from 0 to 1",
        );
        for (field, value) in
            [("skew_points", shift.skew_points), ("curvature_points", shift.curvature_points)]
        {
            let rule = "points per deviation lie within 100";
            self.require(value.abs() <= 100.0, &format!("{stem}_{field}"), value, rule);
        }
    }

    fn tenor(&mut self, field: &str, raw: &TenorToml) -> TenorShift {
        let TenorToml { from_days, to_days, points, relative, skew_points, curvature_points } = *raw;
        let shift = VolShift { points, relative, tenor_power: 0.0, skew_points, curvature_points };
        self.vol(field, &shift);
        if !(from_days >= 0.0 && from_days < to_days && to_days <= 36_500.0) {
            let rule = "from_days is zero or more and less than to_days, which is at most 36500";
            self.issue(field, &format!("{from_days} to {to_days}"), rule);
        }
        TenorShift { from_days, to_days, shift }
    }

    fn named<T>(
        &mut self,
        field: &str,
        text: &str,
        make: impl Fn(&str) -> Result<T, UnitError>,
        take: impl FnOnce(T) -> Option<f64>,
    ) {
        match make(text) {
            Ok(name) => {
                take(name);
            }
            Err(error) => self.issue(field, text, &error.to_string()),
        }
    }

    fn grid(&mut self, raw: &GridToml) -> Vec<Scenario> {
        let mut scenarios = Vec::new();
        for spot_return in &raw.spot_returns {
            self.spot_return(&format!("grid '{}': spot_returns", raw.name), *spot_return);
            for points in &raw.vol_points {
                self.points(&format!("grid '{}': vol_points", raw.name), *points);
                scenarios.push(Scenario {
                    name: format!("{} {:+.0} % / {points:+.0} pt", raw.name, spot_return * 100.0),
                    source: raw.source.clone(),
                    caveat: String::new(),
                    shock: Shock::spot_and_points(
                        *spot_return,
                        VolShift { points: *points, ..VolShift::default() },
                    ),
                });
            }
        }
        scenarios
    }

    fn unique(&mut self, scenarios: &[Scenario]) {
        let mut seen = BTreeSet::new();
        for scenario in scenarios {
            if !seen.insert(&scenario.name) {
                self.issue("scenario.name", &scenario.name, "each scenario has a name of its own");
            }
        }
    }
}

/// A coin: what moves with a spot return. A currency would silently stay where it is.
fn coin(text: &str) -> Result<Asset, UnitError> {
    let rule = "a currency moves by usd_rate, not by a spot return";
    Asset::new(text)
        .and_then(|a| if a.is_currency() { Err(refused("spot_return_of", text, rule)) } else { Ok(a) })
}

/// A currency other than USD: what moves with a rate. A coin would silently stay where it is.
fn currency(text: &str) -> Result<Asset, UnitError> {
    let rule = "only a currency other than USD has a rate; a coin moves by spot_return_of";
    let moves = |a: &Asset| a.is_currency() && *a != Asset::usd();
    Asset::new(text).and_then(|a| if moves(&a) { Ok(a) } else { Err(refused("usd_rate", text, rule)) })
}

fn refused(quantity: &'static str, text: &str, rule: &'static str) -> UnitError {
    UnitError::Text { quantity, text: text.into(), rule }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_mistakes_are_reported_at_once() {
        let text = r#"
            [ladder]
            spot_returns = [-0.1, 0.1]
            vol_points = [0.0, 10.0]
            [[scenario]]
            name = "a"
            source = ""
            spot_return = -1.5
            usd_rate = { USDC = -1.0 }
            [[scenario]]
            name = "a"
            source = "s"
        "#;
        let issues = ScenarioFile::parse("s.toml", text).unwrap_err();
        let all = issues.to_string();
        for expected in
            ["contains 0", "where the numbers", "above -1", "factor from 0.001", "name of its own"]
        {
            assert!(all.contains(expected), "{expected} not in:\n{all}");
        }
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_place() {
        let issues =
            ScenarioFile::parse("s.toml", "[[scenario]]\nname='a'\nsource='s'\nspot=1\n").unwrap_err();
        assert!(issues.to_string().contains("unknown field `spot`"), "{issues}");
    }

    #[test]
    fn the_shape_of_the_smile_and_single_tenors_can_be_shocked() {
        let text = "[[scenario]]\nname = 'a'\nsource = 's'\nvol_skew_points = -4.0\nvol_curvature_points = 1.5\nskew_stickiness = 0\n\
                    vol_tenors = [{ from_days = 0, to_days = 8, points = 15.0 }]\n";
        let file = ScenarioFile::parse("s.toml", text).unwrap();
        let shock = &file.scenarios.first().unwrap().shock;
        assert_eq!((shock.vol.skew_points, shock.vol.curvature_points), (-4.0, 1.5));
        assert_eq!(shock.skew_stickiness, Some(SkewStickiness::STICKY_MONEYNESS));
        let shift = VolShift { points: 15.0, ..VolShift::default() };
        assert_eq!(shock.tenors, [TenorShift { from_days: 0.0, to_days: 8.0, shift }]);
    }

    #[test]
    fn mistakes_of_shape_and_tenor_are_named() {
        let text = "[[scenario]]\nname = 'a'\nsource = 's'\nvol_skew_points = 400.0\nskew_stickiness = 9\n\
                    vol_tenors = [{ from_days = 8, to_days = 8, relative = -2.0 }]\n";
        let all = ScenarioFile::parse("s.toml", text).unwrap_err().to_string();
        for expected in [
            "vol_skew_points = '400'",
            "skew_stickiness = '9'",
            "from -1 to 3",
            "vol_tenors = '8 to 8'",
            "vol_tenors_relative = '-2'",
        ] {
            assert!(all.contains(expected), "{expected} not in:\n{all}");
        }
    }

    #[test]
    fn a_shock_that_would_move_nothing_is_refused() {
        let refusal = |line: &str| {
            let text = format!("[[scenario]]\nname = 'a'\nsource = 's'\n{line}\n");
            ScenarioFile::parse("s.toml", &text)
                .map_or_else(|issues| issues.to_string(), |_| "accepted".into())
        };
        assert!(refusal("usd_rate = { BTC = 0.5 }").contains("a coin moves by spot_return_of"));
        assert!(refusal("usd_rate = { USD = 0.5 }").contains("other than USD"));
        assert!(refusal("spot_return_of = { USDT = -0.1 }").contains("moves by usd_rate"));
        assert_eq!(refusal("spot_return_of = { BTC = -0.1 }\nusd_rate = { USDT = 0.5 }"), "accepted");
    }
}
