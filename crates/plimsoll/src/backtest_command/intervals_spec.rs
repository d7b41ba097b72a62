//! Keys of a SPEC of kind `intervals` (docs/formats.md).

use super::fields::{Fields, Need};
use super::recordings::Window;
use backtest::intervals::{
    DeltaChoice, Dynamics, Gating, HedgeWith, HeldOut, Plan, Strategy, Valuation, VegaLeg,
};
use backtest::statistics::Bootstrap;
use hedge::delta::{Accounting, Gate, MinimumVariancePlan};
use market::surface::SkewStickiness;
use std::collections::BTreeSet;
use std::path::PathBuf;
use units::{Asset, Issues};

/// A SPEC of this kind.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct IntervalsSpec {
    /// Where its parameters come from.
    pub(super) source: String,
    /// Folder of recorded chains.
    pub(super) chains: PathBuf,
    /// Which snapshots.
    pub(super) window: Window,
    /// Only these coins; empty means all.
    pub(super) underlyings: BTreeSet<Asset>,
    /// What is compared.
    pub(super) plan: Plan,
}

#[derive(Debug, Clone, Copy)]
enum DynamicsWord {
    Fixed(SkewStickiness),
    Ratio,
    MinimumVariance,
}

const DYNAMICS: [(&str, DynamicsWord); 5] = [
    ("sticky_strike", DynamicsWord::Fixed(SkewStickiness::STICKY_STRIKE)),
    ("sticky_moneyness", DynamicsWord::Fixed(SkewStickiness::STICKY_MONEYNESS)),
    ("local_vol", DynamicsWord::Fixed(SkewStickiness::LOCAL_VOL)),
    ("skew_stickiness", DynamicsWord::Ratio),
    ("minimum_variance", DynamicsWord::MinimumVariance),
];
const ACCOUNTING: [(&str, Accounting); 2] = [("coin", Accounting::Coin), ("usd", Accounting::Usd)];
const DELTAS: [(&str, Accounting); 2] = [("black", Accounting::Usd), ("net", Accounting::Coin)];
const VALUATION: [(&str, Valuation); 2] = [("mid", Valuation::Mid), ("mark", Valuation::Mark)];
const HEDGES: [(&str, HedgeWith); 3] =
    [("perpetual", HedgeWith::Perpetual), ("index", HedgeWith::Index), ("forward", HedgeWith::Forward)];
const LEGS: [(&str, VegaLeg); 2] = [("none", VegaLeg::Without), ("at_the_money", VegaLeg::AtTheMoney)];
const OPEN_UNIT: std::ops::RangeInclusive<f64> = 1e-9..=0.999_999_999;

impl IntervalsSpec {
    /// Takes its keys; none only with issues.
    pub(super) fn read(mut fields: Fields<'_>, issues: &mut Issues) -> Option<Self> {
        let say = "say where the parameters come from and what they were made for";
        let source = fields.text("source", (Need::Required, say), issues);
        let chains = fields.text("chains", (Need::Required, "a folder of recorded chains"), issues);
        let window = Window { from: fields.instant("from", issues), until: fields.instant("until", issues) };
        if let (Some(from), Some(until)) = (window.from, window.until)
            && from >= until
        {
            fields.issue(issues, "until", (&until.to_string(), "is later than from"));
        }
        let mut underlyings = BTreeSet::new();
        for name in fields.texts("underlyings", "a list of coins, such as [\"BTC\"]", issues) {
            match Asset::new(&name) {
                Ok(asset) => drop(underlyings.insert(asset)),
                Err(error) => fields.issue(issues, "underlyings", (&name, &error.to_string())),
            }
        }
        let plan = plan(&mut fields, issues);
        fields.finish(issues);
        let spec = Self { source, chains: chains.into(), window, underlyings, plan: plan? };
        issues.is_empty().then_some(spec)
    }
}

fn plan(fields: &mut Fields<'_>, issues: &mut Issues) -> Option<Plan> {
    let accounting = fields.word(("accounting", Need::Or(Accounting::Coin)), &ACCOUNTING, issues);
    let valuation = fields.word(("valuation", Need::Or(Valuation::Mid)), &VALUATION, issues);
    let share = "a share above 0 and at most 1";
    let held_out = HeldOut {
        share: fields.number(("held_out_share", Need::Or(0.3)), 1e-9..=1.0, share, issues),
        seed: fields.whole(
            ("held_out_seed", Need::Or(0)),
            0..=u64::MAX,
            "a whole number, zero or more",
            issues,
        ),
    };
    let age = "seconds from 0 to 86400";
    let age = fields.number(("price_age_most_seconds", Need::Or(300.0)), 0.0..=86_400.0, age, issues);
    let tail = fields.number(("tail", Need::Or(0.05)), OPEN_UNIT, "a level above 0 and below 1", issues);
    let bootstrap = bootstrap(fields, issues);
    let mut strategies = Vec::new();
    let mut sound = true;
    let mut names = BTreeSet::new();
    for mut own in fields.tables("strategy", issues) {
        let strategy = strategy(&mut own, issues);
        if let Some(strategy) = &strategy
            && !names.insert(strategy.name.clone())
        {
            own.issue(issues, "name", (&strategy.name, "another strategy has this name"));
        }
        own.finish(issues);
        sound &= strategy.is_some();
        strategies.extend(strategy);
    }
    let wanted = fields.text("baseline", (Need::Required, "the name of a strategy"), issues);
    let baseline = strategies.iter().position(|strategy| strategy.name == wanted);
    if strategies.is_empty() && sound {
        fields.issue(issues, "strategy", ("", "at least one [[strategy]]"));
    } else if baseline.is_none() && sound && !wanted.is_empty() {
        let known: Vec<&str> = strategies.iter().map(|strategy| strategy.name.as_str()).collect();
        let rule = format!("the name of a strategy: {}", known.join(", "));
        fields.issue(issues, "baseline", (&wanted, &rule));
    }
    Some(Plan {
        accounting: accounting?,
        valuation: valuation?,
        held_out,
        price_age_most_seconds: age,
        tail,
        bootstrap,
        strategies,
        baseline: baseline?,
    })
}

fn bootstrap(fields: &mut Fields<'_>, issues: &mut Issues) -> Bootstrap {
    let mut own = fields.table("bootstrap", issues);
    let block = own.whole(("block_snapshots", Need::Or(20)), 1..=100_000, "a whole number from 1 on", issues);
    let draws =
        own.whole(("draws", Need::Or(1_000)), 20..=100_000, "a whole number from 20 to 100000", issues);
    let confidence = "a share above 0 and below 1, such as 0.95";
    let bootstrap = Bootstrap {
        block: usize::try_from(block).unwrap_or(usize::MAX),
        draws: u32::try_from(draws).unwrap_or(u32::MAX),
        confidence: own.number(("confidence", Need::Or(0.95)), OPEN_UNIT, confidence, issues),
        seed: own.whole(("seed", Need::Or(0)), 0..=u64::MAX, "a whole number, zero or more", issues),
    };
    own.finish(issues);
    bootstrap
}

fn strategy(fields: &mut Fields<'_>, issues: &mut Issues) -> Option<Strategy> {
    let name = fields.text("name", (Need::Required, "a short name"), issues);
    let accounting = fields.word(("delta", Need::Required), &DELTAS, issues);
    let hedge = fields.word(("hedge", Need::Or(HedgeWith::Perpetual)), &HEDGES, issues);
    let vega = fields.word(("vega", Need::Or(VegaLeg::Without)), &LEGS, issues);
    let default = Need::Or(DynamicsWord::Fixed(SkewStickiness::STICKY_STRIKE));
    let word = fields.word(("dynamics", default), &DYNAMICS, issues);
    let dynamics = word.and_then(|word| match word {
        DynamicsWord::Fixed(ratio) => Some(Dynamics::AlongSmile(ratio)),
        DynamicsWord::Ratio => {
            let rule = "a ratio from -1 to 3: 0 is sticky moneyness, 1 sticky strike";
            let (low, high) = SkewStickiness::RANGE;
            let ratio = fields.number(("skew_stickiness", Need::Required), low..=high, rule, issues);
            SkewStickiness::new(ratio).ok().map(Dynamics::AlongSmile)
        }
        DynamicsWord::MinimumVariance => minimum_variance(fields, issues),
    });
    let delta = DeltaChoice { accounting: accounting?, dynamics: dynamics? };
    (!name.is_empty()).then_some(Strategy { name, delta, hedge: hedge?, vega: vega? })
}

fn minimum_variance(fields: &mut Fields<'_>, issues: &mut Issues) -> Option<Dynamics> {
    let plan = MinimumVariancePlan::default();
    let days = "days from 1 to 3650";
    let window_days = fields.number(("window_days", Need::Or(plan.window_days)), 1.0..=3_650.0, days, issues);
    let ridge = fields.number(("ridge", Need::Or(plan.ridge)), 0.0..=100.0, "a share from 0 to 100", issues);
    let rule = "a whole number of intervals from 3 on";
    let least = Need::Or(plan.least_intervals.into());
    let least = fields.whole(("least_intervals", least), 3..=1_000_000, rule, issues);
    let plan =
        MinimumVariancePlan { window_days, ridge, least_intervals: u32::try_from(least).unwrap_or(u32::MAX) };
    if !fields.has("gate_p_below") {
        return Some(Dynamics::MinimumVariance(plan, Gating::Always));
    }
    let level = fields.number(
        ("gate_p_below", Need::Required),
        OPEN_UNIT,
        "a probability above 0 and below 1",
        issues,
    );
    let window_days = fields.number(("gate_window_days", Need::Or(30.0)), 1.0..=3_650.0, days, issues);
    let gate = Gate::new(level).ok()?;
    Some(Dynamics::MinimumVariance(plan, Gating::OnEvidence { gate, window_days }))
}
