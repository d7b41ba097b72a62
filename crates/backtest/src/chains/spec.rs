//! A backtest on recorded chains as a file says it: TOML with a source, every mistake reported at once.
//!
//! ```toml
//! kind = "chains"
//! source = "https://support.deribit.com/hc/en-us/articles/25944746248989-Fees"   # of fees and lots
//! checked = "2026-11-26"
//! accounting = "coin"                # or usd
//! seed = 20251010                    # of the intervals
//! resamples = 1000
//!
//! [history]
//! chains = ["recordings"]            # files in order of time; the command takes folders too
//! perpetuals = []                    # files of prices of perpetuals beside those
//! underlyings = ["BTC", "ETH"]
//! without_perpetual = "index"        # or refuse
//! from = "2026-01-01"                # optional, as is until
//!
//! [position]
//! structures = ["straddle", { strangle_by_delta = 0.25 }, { strangle_by_moneyness = 0.1 }]
//! tenors_days = [7.0, 14.0, 30.0, 60.0]
//! tenor_tolerance = 0.35             # an expiry counts within this part of the tenor
//! entry = { every_days = 1 }         # or "roll"
//! exit_days = 0.0                    # bought back with so many days left; 0 holds to the expiry
//! settlement_within_hours = 12.0
//! stale_after_hours = 12.0
//! notional_usd = 1000000.0
//!
//! [costs]
//! option_fee = 0.0003                # coins per coin
//! option_fee_cap = 0.125             # of the price
//! delivery_fee = 0.00015
//! delivery_fee_cap = 0.125
//! perpetual_fee_bp = 5.0
//! perpetual_half_spread_bp = 0.1
//! # impact = { coefficient = 1.0, daily_vol = 0.03, daily_volume_usd = 1e9 }
//!
//! [[underlying]]
//! name = "BTC"
//! option_lot_coin = "0.1"
//! perpetual_lot_usd = "10"
//! smallest_usd = 0.0                 # no smaller trades of the hedge
//! funding_file = "BTCUSDT_funding_8h_2019_2026.csv.gz"   # optional
//! funding_rate_8h = 0.0              # where nothing was recorded
//!
//! [hedge]
//! latency = "same_snapshot"          # or next_snapshot
//! deltas = ["black", "net", "book"]
//!
//! [[policy]]
//! name = "every 6 h"
//! rule = { policy = "clock", every_hours = 5.0 }         # hedge::policy::PolicySpec; nothing is hedged without a rule
//! # watch_hours = 6.0                # the band is narrowed by what is missed between two looks
//! ```

use super::history::{History, NoPerpetual};
use super::plan::{
    Costs, DeltaDefinition, Entry, Funding, Holding, Impact, Latency, Lots, NamedPolicy, Plan, Structure,
};
use super::read::{Files, ReadError, read_funding};
use super::run::Recording;
use super::sweep::{Accounting, Reckoning};
use hedge::policy::{PolicySpec, Watch};
use lake::Progress;
use std::collections::BTreeSet;
use std::path::PathBuf;
use units::{Asset, Decimal, Issue, Issues, Timestamp};

/// A backtest on recorded chains.
#[derive(Debug, Clone, PartialEq)]
pub struct ChainsSpec {
    /// Where its numbers come from.
    pub source: String,
    /// When they were compared with it.
    pub checked: String,
    /// What is read.
    pub files: Files,
    /// Recorded funding, by underlying.
    pub funding_files: Vec<Option<PathBuf>>,
    /// What is done.
    pub plan: Plan,
    /// How it is counted.
    pub reckoning: Reckoning,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct FileToml {
    kind: String,
    source: String,
    checked: String,
    accounting: Accounting,
    seed: u64,
    resamples: u32,
    history: HistoryToml,
    position: PositionToml,
    costs: CostsToml,
    underlying: Vec<UnderlyingToml>,
    hedge: HedgeToml,
    policy: Vec<PolicyToml>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct HistoryToml {
    chains: Vec<PathBuf>,
    #[serde(default)]
    perpetuals: Vec<PathBuf>,
    underlyings: Vec<String>,
    without_perpetual: NoPerpetual,
    from: Option<String>,
    until: Option<String>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct PositionToml {
    structures: Vec<Structure>,
    tenors_days: Vec<f64>,
    tenor_tolerance: f64,
    entry: Entry,
    exit_days: f64,
    settlement_within_hours: f64,
    stale_after_hours: f64,
    notional_usd: f64,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct CostsToml {
    option_fee: f64,
    option_fee_cap: f64,
    delivery_fee: f64,
    delivery_fee_cap: f64,
    perpetual_fee_bp: f64,
    perpetual_half_spread_bp: f64,
    impact: Option<ImpactToml>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ImpactToml {
    coefficient: f64,
    daily_vol: f64,
    daily_volume_usd: f64,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct UnderlyingToml {
    name: String,
    option_lot_coin: String,
    perpetual_lot_usd: String,
    smallest_usd: f64,
    funding_file: Option<PathBuf>,
    funding_rate_8h: f64,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct HedgeToml {
    latency: Latency,
    deltas: Vec<DeltaDefinition>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyToml {
    name: String,
    rule: Option<PolicySpec>,
    watch_hours: Option<f64>,
}

impl ChainsSpec {
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
        let made = checker.spec(parsed);
        made.filter(|_| checker.issues.is_empty()).ok_or(checker.issues)
    }

    /// Reads histories and funding; every row that breaks a rule is an issue.
    ///
    /// # Errors
    /// As [`Files::read`].
    pub fn read(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<(Vec<History>, Issues), ReadError> {
        let (histories, mut issues) = self.files.read(progress)?;
        for (funding, file) in self.plan.funding.iter_mut().zip(&self.funding_files) {
            if let Some(file) = file {
                let (recorded, bad) = read_funding(file)?;
                funding.recorded = recorded;
                issues.extend(bad);
            }
        }
        Ok((histories, issues))
    }
}

/// Finds every mistake instead of the first.
struct Checker<'a> {
    file: &'a str,
    issues: Issues,
}

impl Checker<'_> {
    fn issue(&mut self, field: &str, value: &str, rule: &str) {
        let (file, row) = (self.file.to_owned(), 0);
        let (field, value, rule) = (field.to_owned(), value.to_owned(), rule.to_owned());
        self.issues.push(Issue { file, row, field, value, rule });
    }

    fn between(&mut self, field: &str, value: f64, (least, most): (f64, f64)) {
        if !(least..=most).contains(&value) {
            self.issue(field, &value.to_string(), &format!("a number from {least} to {most}"));
        }
    }

    fn some(&mut self, field: &str, length: usize) {
        if length == 0 {
            self.issue(field, "[]", "at least one");
        }
    }

    fn once<T: Ord + std::fmt::Display>(&mut self, field: &str, names: impl Iterator<Item = T>) {
        let mut seen = BTreeSet::new();
        for name in names {
            let shown = name.to_string();
            if !seen.insert(name) {
                self.issue(field, &shown, "named once");
            }
        }
    }

    fn spec(&mut self, raw: FileToml) -> Option<ChainsSpec> {
        if raw.kind != "chains" {
            self.issue("kind", &raw.kind, "chains");
        }
        if raw.source.trim().is_empty() {
            self.issue("source", "", "where fees, lots and funding come from");
        }
        self.between("resamples", f64::from(raw.resamples), (100.0, 100_000.0));
        let files = self.files(&raw.history)?;
        let position = &raw.position;
        let holding = self.position(position);
        let costs = self.costs(&raw.costs);
        self.some("hedge.deltas", raw.hedge.deltas.len());
        self.once("hedge.deltas", raw.hedge.deltas.iter().map(|delta| delta.word()));
        self.some("policy", raw.policy.len());
        self.once("policy.name", raw.policy.iter().map(|policy| policy.name.as_str()));
        let policies: Vec<Option<NamedPolicy>> =
            raw.policy.iter().map(|policy| self.policy(policy)).collect();
        self.once("underlying.name", raw.underlying.iter().map(|one| one.name.as_str()));
        let mut plan = Plan {
            structures: position.structures.clone(),
            tenors_days: position.tenors_days.clone(),
            entry: position.entry,
            holding,
            notional_usd: position.notional_usd,
            costs,
            funding: Vec::new(),
            latency: raw.hedge.latency,
            lots: Vec::new(),
            policies: policies.into_iter().collect::<Option<_>>()?,
            deltas: raw.hedge.deltas,
        };
        let mut funding_files = Vec::new();
        for asset in &files.underlyings {
            let Some(found) = raw.underlying.iter().find(|one| one.name == asset.as_str()) else {
                self.issue("underlying", asset.as_str(), "an [[underlying]] for each of history.underlyings");
                continue;
            };
            plan.lots.extend(self.lots(found));
            plan.funding.push(Funding { recorded: Vec::new(), rate_8h: found.funding_rate_8h });
            funding_files.push(found.funding_file.clone());
        }
        let reckoning = Reckoning {
            accounting: raw.accounting,
            seed: raw.seed,
            resamples: raw.resamples,
            recording: Recording::Totals,
        };
        let (source, checked) = (raw.source, raw.checked);
        Some(ChainsSpec { source, checked, files, funding_files, plan, reckoning })
    }

    fn files(&mut self, raw: &HistoryToml) -> Option<Files> {
        self.some("history.chains", raw.chains.len());
        self.some("history.underlyings", raw.underlyings.len());
        self.once("history.underlyings", raw.underlyings.iter());
        let mut underlyings = Vec::new();
        for name in &raw.underlyings {
            match Asset::new(name) {
                Ok(asset) => underlyings.push(asset),
                Err(error) => self.issue("history.underlyings", name, &error.to_string()),
            }
        }
        let from = self.instant("history.from", raw.from.as_deref());
        let until = self.instant("history.until", raw.until.as_deref());
        if matches!((from, until), (Some(from), Some(until)) if from >= until) {
            self.issue("history.until", raw.until.as_deref().unwrap_or(""), "after history.from");
        }
        Some(Files {
            chains: raw.chains.clone(),
            perpetuals: raw.perpetuals.clone(),
            underlyings,
            no_perpetual: raw.without_perpetual,
            from,
            until,
        })
    }

    fn instant(&mut self, field: &str, text: Option<&str>) -> Option<Timestamp> {
        let text = text?;
        let parsed = text.parse();
        if let Err(error) = &parsed {
            let error: &units::UnitError = error;
            self.issue(field, text, &error.to_string());
        }
        parsed.ok()
    }

    fn position(&mut self, raw: &PositionToml) -> Holding {
        self.some("position.structures", raw.structures.len());
        self.once("position.structures", raw.structures.iter().map(ToString::to_string));
        for structure in &raw.structures {
            match structure {
                Structure::Straddle => {}
                Structure::StrangleByDelta(delta) => {
                    self.between("position.structures: strangle_by_delta", *delta, (0.01, 0.5));
                }
                Structure::StrangleByMoneyness(width) => {
                    self.between("position.structures: strangle_by_moneyness", *width, (0.001, 0.9));
                }
            }
        }
        self.some("position.tenors_days", raw.tenors_days.len());
        for days in &raw.tenors_days {
            self.between("position.tenors_days", *days, (0.25, 1000.0));
        }
        if let Entry::EveryDays(days) = raw.entry {
            self.between("position.entry: every_days", f64::from(days), (1.0, 366.0));
        }
        self.between("position.tenor_tolerance", raw.tenor_tolerance, (0.0, 0.99));
        self.between("position.exit_days", raw.exit_days, (0.0, 1000.0));
        self.between("position.settlement_within_hours", raw.settlement_within_hours, (0.0, 72.0));
        self.between("position.stale_after_hours", raw.stale_after_hours, (0.0, 240.0));
        self.between("position.notional_usd", raw.notional_usd, (1.0, 1e12));
        Holding {
            tenor_tolerance: raw.tenor_tolerance,
            exit_days: raw.exit_days,
            settlement_within_hours: raw.settlement_within_hours,
            stale_after_hours: raw.stale_after_hours,
        }
    }

    fn costs(&mut self, raw: &CostsToml) -> Costs {
        for (field, value) in [
            ("costs.option_fee", raw.option_fee),
            ("costs.delivery_fee", raw.delivery_fee),
            ("costs.option_fee_cap", raw.option_fee_cap),
            ("costs.delivery_fee_cap", raw.delivery_fee_cap),
        ] {
            self.between(field, value, (0.0, 1.0));
        }
        self.between("costs.perpetual_fee_bp", raw.perpetual_fee_bp, (-10.0, 1000.0));
        self.between("costs.perpetual_half_spread_bp", raw.perpetual_half_spread_bp, (0.0, 1000.0));
        if let Some(impact) = &raw.impact {
            self.between("costs.impact.coefficient", impact.coefficient, (0.0, 100.0));
            self.between("costs.impact.daily_vol", impact.daily_vol, (0.0, 10.0));
            self.between("costs.impact.daily_volume_usd", impact.daily_volume_usd, (1.0, 1e15));
        }
        let impact = raw.impact.as_ref().map(|impact| Impact {
            coefficient: impact.coefficient,
            daily_vol: impact.daily_vol,
            daily_volume_usd: impact.daily_volume_usd,
        });
        Costs {
            option_fee: raw.option_fee,
            option_fee_cap: raw.option_fee_cap,
            delivery_fee: raw.delivery_fee,
            delivery_fee_cap: raw.delivery_fee_cap,
            perpetual_fee: raw.perpetual_fee_bp * 1e-4,
            perpetual_half_spread: raw.perpetual_half_spread_bp * 1e-4,
            impact,
        }
    }

    fn lots(&mut self, raw: &UnderlyingToml) -> Option<Lots> {
        let at = |field: &str| format!("underlying {}: {field}", raw.name);
        self.between(&at("smallest_usd"), raw.smallest_usd, (0.0, 1e12));
        self.between(&at("funding_rate_8h"), raw.funding_rate_8h, (-0.1, 0.1));
        let mut step = |field: &str, text: &str| {
            let found = text.trim().parse::<Decimal>().ok().filter(|step| *step > Decimal::ZERO);
            if found.is_none() {
                self.issue(&at(field), text, "a step above zero, as text, such as \"0.1\"");
            }
            found
        };
        let option_lot_coin = step("option_lot_coin", &raw.option_lot_coin);
        let lot_usd = step("perpetual_lot_usd", &raw.perpetual_lot_usd);
        Some(Lots { option_lot_coin: option_lot_coin?, lot_usd: lot_usd?, smallest_usd: raw.smallest_usd })
    }

    fn policy(&mut self, raw: &PolicyToml) -> Option<NamedPolicy> {
        const HOURS_A_YEAR: f64 = 8760.0;
        let at = |field: &str| format!("policy '{}': {field}", raw.name);
        if raw.name.trim().is_empty() {
            self.issue("policy.name", "", "a policy has a name");
        }
        if let Some(hours) = raw.watch_hours {
            self.between(&at("watch_hours"), hours, (0.0, HOURS_A_YEAR));
        }
        let policy = match raw.rule.as_ref().map(PolicySpec::checked) {
            None => None,
            Some(Ok(policy)) => Some(policy),
            Some(Err(error)) => {
                self.issue(&at(error.field), &error.value, error.rule);
                return None;
            }
        };
        let watch =
            raw.watch_hours.map(|hours| Watch { interval_years: hours / HOURS_A_YEAR, delay_years: 0.0 });
        Some(NamedPolicy { name: raw.name.clone(), policy, watch })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example in the header, which a reader copies.
    fn example() -> String {
        let lines = include_str!("spec.rs").lines();
        let block = lines.skip_while(|line| !line.contains("```toml")).skip(1);
        let block = block.take_while(|line| !line.contains("```"));
        block.map(|line| line.trim_start_matches("//!").trim_start()).collect::<Vec<_>>().join("\n")
    }

    fn with_ethereum() -> String {
        let text = example();
        let bitcoin = text.split("[[underlying]]").nth(1).unwrap().split("[hedge]").next().unwrap();
        let ethereum = bitcoin.replace("\"BTC\"", "\"ETH\"");
        text.replace("[hedge]", &format!("[[underlying]]{ethereum}\n[hedge]"))
    }

    #[test]
    fn the_example_of_the_header_is_a_backtest() {
        let spec = ChainsSpec::parse("spec.toml", &with_ethereum()).unwrap();
        assert_eq!(spec.plan.structures.len(), 3);
        assert_eq!(spec.plan.entry, Entry::EveryDays(1));
        assert_eq!(spec.plan.lots.len(), 2);
        assert!((spec.plan.costs.perpetual_fee - 0.0005).abs() < 1e-18);
        assert_eq!(spec.plan.policies[0].kind(), super::super::PolicyKind::Clock);
    }

    #[test]
    fn the_sample_is_a_backtest() {
        let text = include_str!("../../../../examples/backtest/straddles.toml");
        let spec = ChainsSpec::parse("straddles.toml", text).map_err(|issues| issues.to_string()).unwrap();
        assert_eq!(spec.plan.deltas, DeltaDefinition::ALL);
        let clocks = spec.plan.policies.iter().filter(|p| p.kind() == super::super::PolicyKind::Clock);
        assert!(clocks.count() >= 5, "bands are compared with clocks of their cost");
    }

    #[test]
    fn every_mistake_is_said_at_once() {
        let text = with_ethereum()
            .replace("kind = \"chains\"", "kind = \"paths\"")
            .replace("notional_usd = 1000000.0", "notional_usd = -1.0")
            .replace("every_hours = 5.0", "every_hours = 0.0")
            .replace("option_lot_coin = \"0.1\"", "option_lot_coin = \"none\"")
            .replace("from = \"2026-01-01\"", "from = \"yesterday\"")
            .replace("tenors_days = [7.0, 14.0, 30.0, 60.0]", "tenors_days = []")
            .replace("{ strangle_by_delta = 0.25 }", "{ strangle_by_delta = nan }");
        let issues = ChainsSpec::parse("spec.toml", &text).unwrap_err().to_string();
        for says in [
            "kind = 'paths'",
            "notional_usd = '-1'",
            "every_hours = '0'",
            "instant 'yesterday'",
            "tenors_days = '[]'",
            "strangle_by_delta = 'NaN'",
        ] {
            assert!(issues.contains(says), "{says}: {issues}");
        }
        let unknown = ChainsSpec::parse("spec.toml", &format!("surprise = 1\n{}", example())).unwrap_err();
        assert!(unknown.to_string().contains("surprise"), "{unknown}");
        let missing = ChainsSpec::parse("spec.toml", &example()).unwrap_err().to_string();
        assert!(missing.contains("underlying = 'ETH'"), "{missing}");
    }
}
