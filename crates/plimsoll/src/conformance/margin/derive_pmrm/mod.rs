//! Suite `derive-pmrm`: the portfolios of Derive's own tests, both versions of its portfolio manager.
//!
//! | file | what | tolerance |
//! |---|---|---|
//! | `pmrm2_portfolios/*.json` | margins, mark to market, forward contingency, every scenario's P&L, every contingency | 1e-9 relative |
//! | `pmrm1_testAndVerifyScenarios.json` | margins, mark to market, worst case, every contingency | 1e-9 relative |
//! | `portfolio_pm_with_environment.json` | initial and maintenance margin in whole dollars, cut toward zero | exact |
//! | `pmrm1_test-cases-portfolio-pm.json` | the same portfolios as the source has them, with the feeds of the file above | exact |
//!
//! Files of these layouts are found under other names too (see [`super::derive_files`]).
//!
//! Parameters are those of each file; those of the first version's tests, which its files do not carry, stand in [`first`].

mod first;
mod second;
#[cfg(test)]
mod tests;

use super::super::result::{Comparison, Group, GroupResult};
use super::super::vectors::{self, CaseError};
use super::super::{Progress, Report, Sources};
use super::derive_files::{DeriveFiles, Layout, file_name};
use ::margin::Levels;
use ::margin::scenario::model::ScenarioModel;
use ::margin::scenario::{
    AssetState, ContractState, Cube, Entry, ExpiryState, Follows, Payoff, Scratch, UnitMarket, UnitRisk,
};
use serde_json::Value;
use units::{Asset, Discount, OptionKind, Strike, YearFraction};

pub(in super::super) const ID: &str = "derive-pmrm";
pub(in super::super) const SUMMARY: &str =
    "portfolios of Derive's own tests of PMRM and PMRM_2, by the scenario engine";

const TOLERANCE: f64 = 1e-9;
const REASON: &str = "1e-9 of the number, or of 1e-6 of the gross size of what is subtracted to get it: the files were \
    computed with another normal distribution, and a difference of large numbers keeps their error";

/// Runs the three sets.
pub(in super::super) fn run(sources: &Sources, progress: &mut Report<'_>) -> Vec<GroupResult> {
    let files = DeriveFiles::find(&sources.vectors);
    let mut groups = vec![second::run(&files, progress)];
    let feeds: Vec<Value> =
        files.of(Layout::PmFeeds).into_iter().filter_map(|path| vectors::read(path).ok()).collect();
    let bare = |file: &Value, group: &mut Group| first::bare(file, &feeds, group);
    let sets: [(Layout, &'static str, &'static str, &Run<'_>); 3] = [
        (Layout::Pmrm1, "relative", REASON, &first::verify),
        (Layout::PmFeeds, "USD", first::WHOLE_REASON, &first::whole_dollars),
        (Layout::PmBare, "USD", first::WHOLE_REASON, &bare),
    ];
    for (layout, unit, reason, run) in sets {
        let paths = files.of(layout);
        if paths.is_empty() {
            groups.push(files.absent(Group::checked(layout.name(), unit, reason), layout));
        }
        for path in paths {
            let name = file_name(path);
            progress(Progress { suite: ID, item: &name, bytes_done: 1, bytes_total: 2 });
            let mut group = Group::checked(name.as_str(), unit, reason);
            group.enter(&name);
            match vectors::read(path) {
                Ok(file) => run(&file, &mut group),
                Err(error) => group.fault(name, error.to_string()),
            }
            groups.push(if layout == Layout::PmBare && feeds.is_empty() && group.is_empty() {
                group.not_run("needs the feeds of portfolio_pm_with_environment.json")
            } else {
                group.finish()
            });
        }
    }
    groups
}

type Run<'a> = dyn Fn(&Value, &mut Group) + 'a;

/// A portfolio with its feeds, as both versions have them.
#[derive(Debug, Default)]
pub(super) struct Portfolio {
    pub(super) spot: f64,
    pub(super) spot_confidence: f64,
    pub(super) stable: f64,
    pub(super) cash: f64,
    pub(super) perpetuals: f64,
    pub(super) perpetual_price: f64,
    pub(super) perpetual_confidence: f64,
    /// Gains and funding not yet settled.
    pub(super) unsettled: f64,
    pub(super) expiries: Vec<Expiry>,
    pub(super) holdings: Vec<Holding>,
}

#[derive(Debug)]
pub(super) struct Expiry {
    pub(super) seconds: f64,
    pub(super) forward_fixed: f64,
    pub(super) forward_variable: f64,
    pub(super) rate: f64,
    pub(super) discount: f64,
    pub(super) confidence: f64,
    pub(super) options: Vec<Leg>,
}

#[derive(Debug)]
pub(super) struct Leg {
    pub(super) strike: f64,
    pub(super) kind: OptionKind,
    pub(super) vol: f64,
    pub(super) amount: f64,
}

#[derive(Debug)]
pub(super) struct Holding {
    pub(super) amount: f64,
    /// Of the base per unit.
    pub(super) coins: f64,
    /// Per unit, in the stable currency.
    pub(super) price: f64,
    pub(super) confidence: f64,
    pub(super) follows: Follows,
    /// What the engine's haircut rule leaves out at each level.
    pub(super) haircut: Levels,
}

/// What the engine makes of it.
pub(super) struct Margined {
    pub(super) risk: UnitRisk,
    pub(super) scratch: Scratch,
    pub(super) mark_to_market: f64,
    pub(super) gross: f64,
    pub(super) holdings_value: f64,
    pub(super) haircut: Levels,
    /// Surplus: below zero the account is short of margin.
    pub(super) surplus: Levels,
}

impl Portfolio {
    pub(super) fn margin(&self, model: &ScenarioModel) -> Result<Margined, CaseError> {
        let (market, entries) = self.market()?;
        let cube = Cube::build(model, &market).map_err(engine)?;
        let mut scratch = Scratch::default();
        let risk = cube.risk(model, &entries, &mut scratch).map_err(engine)?;
        let mut gross = self.cash.abs() + self.unsettled.abs();
        let mut haircut = Levels::default();
        let mut holdings_value = 0.0;
        for holding in &self.holdings {
            let value = holding.amount * holding.price;
            holdings_value += value;
            haircut = haircut.plus(holding.haircut.times(value));
            gross += value.abs();
        }
        for leg in self.expiries.iter().flat_map(|expiry| &expiry.options) {
            gross += leg.amount.abs() * self.spot;
        }
        gross += self.perpetuals.abs() * self.perpetual_price;
        let mark_to_market = risk.mark_to_market + holdings_value + self.unsettled + self.cash;
        let surplus = Levels::both(mark_to_market).minus(risk.requirement).minus(haircut);
        Ok(Margined { risk, scratch, mark_to_market, gross, holdings_value, haircut, surplus })
    }

    fn market(&self) -> Result<(UnitMarket, Vec<Entry>), CaseError> {
        let mut expiries = vec![self.state(0, 0.0, self.spot)?];
        let mut contracts = Vec::new();
        let mut weights = Vec::new();
        for holding in &self.holdings {
            let Holding { coins, price, confidence, follows, amount, .. } = *holding;
            contracts.push(ContractState::Holding { expiry: 0, coins, price, confidence, follows });
            weights.push(amount);
        }
        let payoff = Payoff::Currency { coins: 1.0, usd: 1.0 };
        if self.perpetuals != 0.0 {
            contracts.push(ContractState::Future { expiry: 0, mark: self.perpetual_price, payoff });
            weights.push(self.perpetuals);
        }
        for expiry in &self.expiries {
            let index = expiries.len();
            let years = if expiry.seconds > 0.0 { expiry.seconds / 31_536_000.0 } else { 0.0 };
            expiries.push(ExpiryState {
                forward_fixed: expiry.forward_fixed,
                rate: if expiry.rate > 0.0 { expiry.rate } else { 0.0 },
                discount: Discount::new(expiry.discount)?,
                confidence: expiry.confidence,
                ..self.state(index, years, expiry.forward_variable)?
            });
            let mut legs: Vec<&Leg> = expiry.options.iter().collect();
            legs.sort_by(|a, b| a.strike.total_cmp(&b.strike).then(a.kind.cmp(&b.kind)));
            for leg in legs {
                let strike = Strike::new(leg.strike)?;
                contracts.push(ContractState::Option {
                    expiry: index,
                    strike,
                    kind: leg.kind,
                    vol: leg.vol,
                    payoff,
                });
                weights.push(leg.amount);
            }
        }
        // Only a perpetual makes its price a source of doubt.
        let perpetual_confidence = if self.perpetuals == 0.0 { 1.0 } else { self.perpetual_confidence };
        let assets = vec![AssetState {
            asset: Asset::new("BASE")?,
            index: self.spot,
            index_confidence: self.spot_confidence,
            perpetual_confidence,
        }];
        let entries = (0..).zip(weights).map(|(row, weight)| Entry { row, weight }).collect();
        Ok((UnitMarket { assets, expiries, contracts, stable_usd: self.stable }, entries))
    }

    fn state(&self, date: usize, years: f64, forward: f64) -> Result<ExpiryState, CaseError> {
        Ok(ExpiryState {
            asset: 0,
            date,
            years: YearFraction::new(years)?,
            forward_fixed: 0.0,
            forward_variable: forward,
            rate: 0.0,
            discount: Discount::new(1.0)?,
            confidence: 1.0,
            quote: Asset::usd(),
            quote_usd: 1.0,
        })
    }
}

/// Compares relative to the number, with a floor from the size of what was subtracted.
pub(super) fn relative(group: &mut Group, gross: f64, ours: f64, theirs: f64, name: impl FnOnce() -> String) {
    let least = if gross * 1e-6 > 1e-6 { gross * 1e-6 } else { 1e-6 };
    let scale = if theirs.abs() > least { theirs.abs() } else { least };
    group.compare(Comparison { ours, theirs, tolerance: TOLERANCE, scale }, name);
}

pub(super) fn list<'a>(value: &'a Value, key: &'static str) -> Result<&'a [Value], CaseError> {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).ok_or(CaseError::Text(key))
}

#[allow(clippy::needless_pass_by_value)] // used as a map_err function
fn engine(error: impl ToString) -> CaseError {
    CaseError::Engine(error.to_string())
}
