//! The rules at work: the text of the policy, its limits as they stand, its rules in words, the rulebooks of the accounts.

use super::headline::{LimitLine, limits};
use super::{Params, View, ViewError, shape, value};
use crate::frame::Frame;
use engine::{Engine, Execution};
use serde::Serialize;
use serde_json::Value;

pub(super) const VIEW: View = View {
    name: "policy",
    says: "The policy as text, its limits as they stand, its rules in plain words, and the rulebooks at hand",
    params: &[],
    every_millis: 1_000,
    compute,
    schema: shape::<PolicyData>,
};

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct PolicyData {
    /// TOML; empty without a policy.
    text: String,
    /// BLAKE3 of the text.
    hash: String,
    source: String,
    valid_from: String,
    limits: Vec<LimitLine>,
    rules: Vec<Rule>,
    rulebooks: Vec<RulebookLine>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Rule {
    name: String,
    /// `hedge` or `trigger`.
    kind: &'static str,
    /// In plain words.
    says: String,
    /// `free` or `held back`.
    state: &'static str,
    why: Option<String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct RulebookLine {
    id: String,
    title: String,
    parameter_hash: String,
    venues: Vec<String>,
}

fn compute(frame: &Frame, _: &Params) -> Result<Value, ViewError> {
    let engine = frame.engine();
    let policy = engine.policy();
    let text = engine.policy_text().to_owned();
    let books = engine.margins().rulebooks().iter().map(|book| RulebookLine {
        id: book.header.id.clone(),
        title: book.header.title.clone(),
        parameter_hash: book.parameter_hash.clone(),
        venues: book.header.venues.iter().map(ToString::to_string).collect(),
    });
    value(&PolicyData {
        hash: blake3::hash(text.as_bytes()).to_hex().to_string(),
        text,
        source: policy.source.clone(),
        valid_from: policy.valid_from.clone(),
        limits: limits(frame),
        rules: rules(engine),
        rulebooks: books.collect(),
    })
}

fn rules(engine: &Engine) -> Vec<Rule> {
    let held = |name: &str| engine.held_back().find(|(rule, _)| *rule == name).map(|(_, why)| why.to_owned());
    let rule = |name: &str, kind, says| {
        let why = held(name);
        Rule {
            name: name.to_owned(),
            kind,
            says,
            state: if why.is_some() { "held back" } else { "free" },
            why,
        }
    };
    let policy = engine.policy();
    let hedges = policy.hedges.iter().map(|hedge| {
        let how = match hedge.execution {
            Execution::Armed => "acts by itself once armed",
            Execution::Propose => "waits for a person",
        };
        let says = format!(
            "keeps the delta of {} ({}) by {} at {} with {}; {how}",
            hedge.underlying,
            hedge.delta.usd_key(),
            hedge.sizing.word(),
            hedge.place,
            hedge.listing.symbol,
        );
        rule(&hedge.name, "hedge", says)
    });
    let triggers = policy.triggers.iter().map(|trigger| {
        let actions: Vec<&str> = trigger.actions.iter().map(|action| action.word()).collect();
        let says =
            format!("when {} for {} s: {}", trigger.when.text(), trigger.hold_seconds, actions.join(", "));
        rule(&trigger.name, "trigger", says)
    });
    hedges.chain(triggers).collect()
}
