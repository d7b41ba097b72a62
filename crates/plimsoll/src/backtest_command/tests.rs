//! SPECs: the sample parses; every mistake is found at once and named.

use super::intervals_spec::IntervalsSpec;
use super::spec::Spec;
use backtest::intervals::{Dynamics, Gating, HedgeWith, Valuation};

const SAMPLE: &str = include_str!("../../../../examples/backtest/intervals.toml");
const SHORT: &str = "kind = 'intervals'\nsource = 'a test'\nchains = 'chains'\nbaseline = 'net'\n[[strategy]]\nname = 'net'\ndelta = 'net'\n";

fn mistakes(text: &str) -> Vec<(String, String, String)> {
    let issues = Spec::parse("spec.toml", text).unwrap_err();
    issues.kept().iter().map(|i| (i.field.clone(), i.value.clone(), i.rule.clone())).collect()
}

#[track_caller]
fn sound(text: &str) -> IntervalsSpec {
    match Spec::parse("spec.toml", text) {
        Ok(Spec::Intervals(spec)) => spec,
        other => panic!("no SPEC of intervals: {other:?}"),
    }
}

#[test]
fn the_sample_is_sound() {
    let spec = sound(SAMPLE);
    let plan = &spec.plan;
    let base = &plan.strategies[plan.baseline];
    assert_eq!(
        (base.name.as_str(), base.hedge, plan.valuation),
        ("net", HedgeWith::Perpetual, Valuation::Mid)
    );
    let gated = |own: &&backtest::intervals::Strategy| {
        matches!(own.delta.dynamics, Dynamics::MinimumVariance(_, Gating::OnEvidence { .. }))
    };
    assert!(plan.strategies.iter().any(|own| gated(&own)));
}

#[test]
fn a_short_spec_takes_defaults() {
    let spec = sound(SHORT);
    assert_eq!((spec.plan.held_out.share.to_bits(), spec.plan.bootstrap.draws), (0.3_f64.to_bits(), 1_000));
    assert!(spec.underlyings.is_empty() && spec.window.from.is_none());
}

#[test]
fn all_mistakes_come_at_once() {
    let text = "kind = 'intervals'\nchains = 7\nfrom = 'yesterday'\nvaluation = 'last'\nheld_out_share = 0\nheld_out_seed = -1\n\
                tail = 1.5\ncolour = 'red'\nbaseline = 'net'\nunderlyings = ['']\n\
                [bootstrap]\ndraws = 3\nblocks = 4\n\
                [[strategy]]\nname = 'net'\ndelta = 'nett'\n\
                [[strategy]]\nname = 'b'\ndelta = 'net'\ndynamics = 'skew_stickiness'\nskew_stickiness = 7\nridge = 1\n";
    let found = mistakes(text);
    let fields: Vec<&str> = found.iter().map(|(field, ..)| field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "source",
            "chains",
            "from",
            "underlyings",
            "valuation",
            "held_out_share",
            "held_out_seed",
            "tail",
            "bootstrap.draws",
            "bootstrap.blocks",
            "strategy 1: delta",
            "strategy 2: skew_stickiness",
            "strategy 2: ridge",
            "colour"
        ]
    );
    let rule = |field: &str| {
        found.iter().find(|(own, ..)| own == field).map(|(_, value, rule)| format!("{value}: {rule}"))
    };
    assert_eq!(rule("valuation"), Some("last: one of mid, mark".into()));
    assert_eq!(
        rule("bootstrap.blocks"),
        Some("4: unknown key; known here: block_snapshots, draws, confidence, seed".into())
    );
    assert!(rule("source").unwrap().contains("is missing"));
}

#[test]
fn names_and_baselines_must_agree() {
    let twice = format!("{SHORT}[[strategy]]\nname = 'net'\ndelta = 'black'\n");
    assert_eq!(mistakes(&twice)[0].2, "another strategy has this name");
    let other = SHORT.replace("baseline = 'net'", "baseline = 'gross'");
    assert_eq!(mistakes(&other), [("baseline".into(), "gross".into(), "the name of a strategy: net".into())]);
    let window = format!("from = '2026-02-01'\nuntil = '2026-01-01'\n{SHORT}");
    assert_eq!(mistakes(&window)[0].2, "is later than from");
    let none = "kind = 'intervals'\nsource = 'a test'\nchains = 'chains'\nbaseline = 'net'\n";
    assert_eq!(mistakes(none)[0].2, "at least one [[strategy]]");
}

#[test]
fn kinds_and_syntax_are_named() {
    assert_eq!(mistakes("source = 'x'")[0].0, "kind");
    assert!(mistakes("kind = 'intervalls'")[0].2.starts_with("one of intervals"));
    assert!(mistakes("kind = ")[0].2.contains("TOML"));
    assert!(mistakes("strategy = 3\nkind = 'intervals'").iter().any(|(field, ..)| field == "strategy"));
}
