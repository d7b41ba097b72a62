//! Keys of a SPEC of kind `monte_carlo` (docs/formats.md).

use super::fields::{Fields, Need};
use backtest::monte_carlo::{Diffusion, Jumps, Leg, Setup, Strategy};
use hedge::policy::{Cost, Policy};
use paper::Seed;
use pricing::OptionKind;
use units::Issues;

/// A SPEC of this kind.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct MonteCarloSpec {
    /// Where its parameters come from.
    pub(super) source: String,
    /// What is hedged.
    pub(super) setup: Setup,
    /// Minutes of a step.
    pub(super) step_minutes: f64,
    /// By cost, then policy.
    pub(super) rows: Vec<Row>,
}

/// One policy at one cost.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    /// Its policy's name.
    pub(super) policy: String,
    /// Where among the costs.
    pub(super) cost: usize,
    /// What is played.
    pub(super) strategy: Strategy,
}

const MINUTES_A_YEAR: f64 = 525_600.0;
const MINUTES_A_DAY: f64 = 1_440.0;
const KINDS: [(&str, OptionKind); 2] = [("call", OptionKind::Call), ("put", OptionKind::Put)];
const SIZE: std::ops::RangeInclusive<f64> = 1e-12..=1e15;
const VOL: std::ops::RangeInclusive<f64> = 1e-4..=10.0;

struct Named {
    name: String,
    policy: Option<Policy>,
    delay_steps: usize,
}

impl MonteCarloSpec {
    /// Takes its keys; none only with issues.
    pub(super) fn read(mut fields: Fields<'_>, issues: &mut Issues) -> Option<Self> {
        let say = "say where the parameters come from and what they were made for";
        let source = fields.text("source", (Need::Required, say), issues);
        let step_minutes = fields.number(
            ("step_minutes", Need::Required),
            1e-3..=MINUTES_A_YEAR,
            "minutes, 0.001 to a year",
            issues,
        );
        let days =
            fields.number(("days", Need::Required), 1e-3..=3_650.0, "days until the end, to 3650", issues);
        let spot = fields.number(("spot", Need::Required), SIZE, "USD, above zero", issues);
        let vol = fields.number(("vol", Need::Required), VOL, "a fraction, 0.0001 to 10", issues);
        let paths = fields.whole(
            ("paths", Need::Or(20_000)),
            4..=100_000_000,
            "an even number, 4 to 100,000,000",
            issues,
        );
        if paths % 2 == 1 {
            fields.issue(issues, "paths", (&paths.to_string(), "an even number: paths are antithetic pairs"));
        }
        let seed = fields.whole(("seed", Need::Or(1)), 0..=u64::MAX, "a whole number", issues);
        let jumps = fields.has("jumps").then(|| jumps(fields.table("jumps", issues), issues));
        let steps = whole_steps(&fields, ("days", days), (days * MINUTES_A_DAY, step_minutes), issues);
        let legs = fields.tables("leg", issues);
        if legs.is_empty() {
            fields.issue(issues, "leg", ("", "at least one [[leg]]"));
        }
        let legs = legs.into_iter().filter_map(|table| leg(table, (step_minutes, vol), issues)).collect();
        let costs: Vec<Cost> =
            fields.tables("cost", issues).into_iter().map(|table| cost(table, issues)).collect();
        let costs = if costs.is_empty() { vec![Cost::default()] } else { costs };
        let policies = fields.tables("policy", issues);
        if policies.is_empty() {
            fields.issue(issues, "policy", ("", "at least one [[policy]]"));
        }
        let named: Vec<Named> =
            policies.into_iter().filter_map(|table| named(table, step_minutes, issues)).collect();
        for (place, one) in named.iter().enumerate() {
            if named.iter().take(place).any(|other| other.name == one.name) {
                fields.issue(issues, "policy", (&one.name, "a name of its own for each policy"));
            }
        }
        fields.finish(issues);
        let rows = costs.iter().enumerate().flat_map(|(cost, of)| {
            named.iter().map(move |named| Row {
                policy: named.name.clone(),
                cost,
                strategy: Strategy {
                    name: named.name.clone(),
                    policy: named.policy,
                    cost: *of,
                    delay_steps: named.delay_steps,
                },
            })
        });
        let pairs = usize::try_from(paths / 2).ok()?;
        let step_years = step_minutes / MINUTES_A_YEAR;
        let setup = Setup {
            spot,
            diffusion: Diffusion { vol, jumps },
            legs,
            steps,
            step_years,
            pairs,
            seed: Seed::new(seed),
        };
        let spec = Self { source, setup, step_minutes, rows: rows.collect() };
        issues.is_empty().then_some(spec)
    }
}

/// A time as a whole number of steps.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // from 0 to 5e9
fn whole_steps(
    fields: &Fields<'_>,
    (key, value): (&str, f64),
    (minutes, step): (f64, f64),
    issues: &mut Issues,
) -> usize {
    let steps = (minutes / step).round();
    // A part in 1e9 of a step is rounding of the numbers as written.
    if (steps * step - minutes).abs() > step * 1e-9 * steps.max(1.0) {
        let rule = format!("a whole number of steps of {step} minutes");
        fields.issue(issues, key, (&value.to_string(), &rule));
    }
    steps as usize
}

fn jumps(mut fields: Fields<'_>, issues: &mut Issues) -> Jumps {
    let per_year = fields.number(("per_year", Need::Required), 0.0..=10_000.0, "0 to 10000", issues);
    let mean = fields.number(("mean", Need::Required), -2.0..=2.0, "of the logarithm, -2 to 2", issues);
    let sd = fields.number(("sd", Need::Required), 0.0..=2.0, "of the logarithm, 0 to 2", issues);
    fields.finish(issues);
    Jumps { per_year, mean, sd }
}

fn leg(mut fields: Fields<'_>, (step_minutes, vol): (f64, f64), issues: &mut Issues) -> Option<Leg> {
    let quantity =
        fields.number(("quantity", Need::Required), -1e12..=1e12, "options, negative when sold", issues);
    let strike = fields.number(("strike", Need::Required), SIZE, "USD, above zero", issues);
    let kind = fields.word(("kind", Need::Required), &KINDS, issues);
    let days = fields.number(
        ("days", Need::Required),
        1e-3..=3_650.0,
        "days to its expiry, not before the end",
        issues,
    );
    let expiry_steps = whole_steps(&fields, ("days", days), (days * MINUTES_A_DAY, step_minutes), issues);
    let vol = fields.number(("vol", Need::Or(vol)), VOL, "a fraction, 0.0001 to 10", issues);
    fields.finish(issues);
    Some(Leg { quantity, strike, expiry_steps, vol, kind: kind? })
}

fn cost(mut fields: Fields<'_>, issues: &mut Issues) -> Cost {
    let bp = fields.number(("proportional_bp", Need::Or(0.0)), 0.0..=1_000.0, "one way, 0 to 1000", issues);
    let fixed_usd = fields.number(("fixed_usd", Need::Or(0.0)), 0.0..=1e9, "a trade, USD, 0 or more", issues);
    fields.finish(issues);
    Cost { proportional: bp * 1e-4, fixed_usd }
}

fn named(mut fields: Fields<'_>, step_minutes: f64, issues: &mut Issues) -> Option<Named> {
    let name = fields.text("name", (Need::Required, "a name for its rows"), issues);
    let policy = fields.policy("rule", issues);
    let delay = fields.number(("delay_minutes", Need::Or(0.0)), 0.0..=MINUTES_A_YEAR, "0 to a year", issues);
    let delay_steps = whole_steps(&fields, ("delay_minutes", delay), (delay, step_minutes), issues);
    fields.finish(issues);
    Some(Named { name, policy, delay_steps })
}
