//! What hedge plans assume: the file `costs/execution.toml`, or one of the user's.
//!
//! Every key is required; all mistakes are reported at once. `docs/formats.md` has the table.

use crate::document::InputFile;
use crate::failure::Failure;
use crate::load::hash;
use hedge::carry::Autoregression;
use hedge::impact::{Law, Participation};
use std::collections::BTreeMap;
use std::path::Path;
use units::{Issue, Issues, Timestamp, Venue};

const EMBEDDED: &str = include_str!("../../../../costs/execution.toml");
const EMBEDDED_NAME: &str = "embedded costs/execution.toml";

/// Checked assumptions, as fractions, days, years and USD.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Costs {
    pub(super) source: String,
    /// How long a hedge stands, days.
    pub(super) horizon_days: f64,
    /// Within how long a proposal is traded, hours.
    pub(super) within_hours: f64,
    /// Largest average of half spread and impact.
    pub(super) slippage: f64,
    pub(super) unwind_hours: f64,
    pub(super) unwind_steps: u32,
    /// Inverse of the absolute risk aversion, USD.
    pub(super) tolerance_usd: f64,
    /// Between any two coins.
    pub(super) correlation: f64,
    /// Annual, of coins without quoted options.
    pub(super) vol_without_options: f64,
    pub(super) impact: Law,
    pub(super) participation: Participation,
    /// Of funding, per 8 hours.
    pub(super) funding: Autoregression,
    /// Per 8 hours.
    pub(super) funding_cap: f64,
    /// A year.
    pub(super) money_rate: f64,
    /// What a venue's risk costs, a year on the margin there.
    pub(super) venue_charges: BTreeMap<Venue, f64>,
    /// By `perpetual`, `future`, `option`.
    pub(super) unquoted: BTreeMap<String, Unquoted>,
}

/// What is assumed of a kind of instrument that no market file quotes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Unquoted {
    /// Of the notional.
    pub(super) half_spread: f64,
    pub(super) daily_volume_usd: f64,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct CostsToml {
    source: String,
    valid_from: String,
    hedge: HedgeToml,
    unwind: UnwindToml,
    risk: RiskToml,
    impact: ImpactToml,
    funding: FundingToml,
    money: MoneyToml,
    #[serde(default)]
    venue: Vec<VenueToml>,
    #[serde(default)]
    unquoted: Vec<UnquotedToml>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct HedgeToml {
    horizon_days: f64,
    within_hours: f64,
    slippage_bp: f64,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct UnwindToml {
    hours: f64,
    steps: u32,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct RiskToml {
    tolerance_usd: String,
    correlation: f64,
    vol_without_options_pct: f64,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ImpactToml {
    prefactor: f64,
    participation: f64,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct FundingToml {
    mean_bp: f64,
    persistence: f64,
    residual_sd_bp: f64,
    cap_bp: f64,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct MoneyToml {
    rate_pct_per_year: f64,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct VenueToml {
    name: String,
    charge_pct_per_year: f64,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct UnquotedToml {
    kind: String,
    half_spread_bp: f64,
    daily_volume_usd: String,
}

/// The file named, or the embedded one.
pub(super) fn load(path: Option<&Path>) -> Result<(Costs, InputFile), Failure> {
    let Some(path) = path else {
        let costs = Costs::parse(EMBEDDED_NAME, EMBEDDED).map_err(|issues| Failure::Costs { issues })?;
        return Ok((costs, input(EMBEDDED_NAME, blake3::hash(EMBEDDED.as_bytes()).to_hex().to_string())));
    };
    let name = path.display().to_string();
    let text =
        std::fs::read_to_string(path).map_err(|e| Failure::Input(format!("{name}: cannot read: {e}")))?;
    let costs = Costs::parse(&name, &text).map_err(|issues| Failure::Costs { issues })?;
    Ok((costs, input(&name, hash(path)?)))
}

fn input(name: &str, blake3: String) -> InputFile {
    InputFile { path: name.into(), role: "costs", blake3, rows: 1, asof: None }
}

impl Costs {
    fn parse(file: &str, text: &str) -> Result<Self, Issues> {
        let mut checker = Checker { file, issues: Issues::default() };
        let raw: CostsToml = match toml::from_str(text) {
            Ok(raw) => raw,
            Err(error) => {
                checker.issue("", "", error.to_string().trim());
                return Err(checker.issues);
            }
        };
        let costs = checker.costs(raw);
        match costs.filter(|_| checker.issues.is_empty()) {
            Some(costs) => Ok(costs),
            None => Err(checker.issues),
        }
    }
}

struct Checker<'a> {
    file: &'a str,
    issues: Issues,
}

impl Checker<'_> {
    fn issue(&mut self, field: &str, value: &str, rule: &str) {
        let (file, rule) = (self.file.to_owned(), rule.to_owned());
        self.issues.push(Issue { file, row: 0, field: field.into(), value: value.into(), rule });
    }

    fn within(&mut self, field: &str, value: f64, (least, most): (f64, f64)) -> f64 {
        if !(value >= least && value <= most) {
            self.issue(field, &value.to_string(), &format!("from {least} to {most}"));
        }
        value
    }

    fn amount(&mut self, field: &str, text: &str) -> f64 {
        let found = text.trim().parse::<f64>().ok().filter(|usd| *usd > 0.0 && *usd <= 1e15);
        if found.is_none() {
            self.issue(field, text, "an amount above zero and at most 1e15, as text, such as \"1000000\"");
        }
        found.unwrap_or(1.0)
    }

    fn costs(&mut self, raw: CostsToml) -> Option<Costs> {
        if raw.source.trim().is_empty() {
            self.issue("source", "", "say where the numbers come from");
        }
        if format!("{}T00:00:00Z", raw.valid_from).parse::<Timestamp>().is_err() {
            self.issue("valid_from", &raw.valid_from, "a day, such as 2026-11-26");
        }
        let CostsToml { hedge, unwind, risk, impact, funding, money, venue, unquoted, .. } = raw;
        if !(1..=1_000).contains(&unwind.steps) {
            self.issue("unwind.steps", &unwind.steps.to_string(), "from 1 to 1000");
        }
        Some(Costs {
            source: raw.source,
            horizon_days: self.within("hedge.horizon_days", hedge.horizon_days, (0.01, 3_650.0)),
            within_hours: self.within("hedge.within_hours", hedge.within_hours, (0.01, 720.0)),
            slippage: self.within("hedge.slippage_bp", hedge.slippage_bp, (0.01, 1_000.0)) * 1e-4,
            unwind_hours: self.within("unwind.hours", unwind.hours, (0.01, 8_760.0)),
            unwind_steps: unwind.steps,
            tolerance_usd: self.amount("risk.tolerance_usd", &risk.tolerance_usd),
            correlation: self.within("risk.correlation", risk.correlation, (0.0, 1.0)),
            vol_without_options: self.within(
                "risk.vol_without_options_pct",
                risk.vol_without_options_pct,
                (1.0, 1_000.0),
            ) * 1e-2,
            impact: Law::SquareRoot {
                prefactor: self.within("impact.prefactor", impact.prefactor, (0.01, 100.0)),
            },
            participation: Participation {
                share: self.within("impact.participation", impact.participation, (0.0001, 1.0)),
            },
            funding: Autoregression {
                mean: self.within("funding.mean_bp", funding.mean_bp, (-100.0, 100.0)) * 1e-4,
                persistence: self.within("funding.persistence", funding.persistence, (0.001, 0.9999)),
                residual_sd: self.within("funding.residual_sd_bp", funding.residual_sd_bp, (0.0, 1_000.0))
                    * 1e-4,
            },
            funding_cap: self.within("funding.cap_bp", funding.cap_bp, (0.0, 1_000.0)) * 1e-4,
            money_rate: self.within("money.rate_pct_per_year", money.rate_pct_per_year, (-20.0, 200.0))
                * 1e-2,
            venue_charges: self.venues(&venue),
            unquoted: self.unquoted(&unquoted),
        })
    }

    fn venues(&mut self, rows: &[VenueToml]) -> BTreeMap<Venue, f64> {
        let mut all = BTreeMap::new();
        for row in rows {
            let charge = self.within(
                &format!("venue '{}': charge_pct_per_year", row.name),
                row.charge_pct_per_year,
                (0.0, 1_000.0),
            );
            match Venue::new(&row.name) {
                Err(error) => self.issue("venue.name", &row.name, &error.to_string()),
                Ok(venue) => {
                    if all.insert(venue, charge * 1e-2).is_some() {
                        self.issue("venue.name", &row.name, "named once");
                    }
                }
            }
        }
        all
    }

    fn unquoted(&mut self, rows: &[UnquotedToml]) -> BTreeMap<String, Unquoted> {
        let mut all = BTreeMap::new();
        for row in rows {
            let at = |field: &str| format!("unquoted '{}': {field}", row.kind);
            if !["perpetual", "future", "option"].contains(&row.kind.as_str()) {
                self.issue("unquoted.kind", &row.kind, "one of perpetual, future, option");
            }
            let assumed = Unquoted {
                half_spread: self.within(&at("half_spread_bp"), row.half_spread_bp, (0.0, 5_000.0)) * 1e-4,
                daily_volume_usd: self.amount(&at("daily_volume_usd"), &row.daily_volume_usd),
            };
            if all.insert(row.kind.clone(), assumed).is_some() {
                self.issue("unquoted.kind", &row.kind, "named once");
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_file_is_sound_and_every_mistake_is_named_at_once() {
        assert!(Costs::parse(EMBEDDED_NAME, EMBEDDED).is_ok());
        let wrong = EMBEDDED
            .replace("persistence = 0.816", "persistence = 1.5")
            .replace("tolerance_usd = \"1000000\"", "tolerance_usd = \"none\"")
            .replace("kind = \"future\"", "kind = \"perpetual\"")
            .replace("steps = 16", "steps = 0");
        let issues = Costs::parse("mine.toml", &wrong).unwrap_err();
        let fields: Vec<&str> = issues.kept().iter().map(|issue| issue.field.as_str()).collect();
        assert_eq!(fields, ["unwind.steps", "risk.tolerance_usd", "funding.persistence", "unquoted.kind"]);
        let unknown = EMBEDDED.replace("[money]", "[money]\ncolour = 1");
        assert!(Costs::parse("mine.toml", &unknown).unwrap_err().to_string().contains("colour"));
    }

    #[test]
    fn no_cut_and_no_missing_line_panics_and_every_key_is_needed() {
        let lines: Vec<&str> = EMBEDDED.lines().collect();
        for place in 0..lines.len() {
            let cut = lines[..place].join("\n");
            assert!(Costs::parse("cut.toml", &cut).is_err() || place + 5 > lines.len(), "{place}");
            let without: Vec<&str> =
                lines.iter().enumerate().filter(|(at, _)| *at != place).map(|(_, line)| *line).collect();
            let is_key = lines[place].contains(" = ");
            let found = Costs::parse("without.toml", &without.join("\n"));
            assert_eq!(found.is_err(), is_key || lines[place].starts_with('['), "{}", lines[place]);
        }
        for number in ["nan", "inf", "-1.0", "1e300"] {
            let text = EMBEDDED.replace("participation = 0.1", &format!("participation = {number}"));
            assert!(Costs::parse("odd.toml", &text).is_err(), "{number}");
        }
    }
}
