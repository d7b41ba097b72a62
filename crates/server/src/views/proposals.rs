//! What waits for a person, and what is on its way.

use super::overview::seconds_between;
use super::{Params, View, ViewError, shape, value};
use crate::frame::Frame;
use engine::{Arming, Effect, OpenOrder, Proposal};
use risk::GroupKey;
use serde::Serialize;
use serde_json::Value;
use units::{Fixed, Timestamp};

pub(super) const VIEW: View = View {
    name: "proposals",
    says: "Trades that rules ask for, with what each does to every limited figure, and orders on their way",
    params: &[],
    every_millis: 100,
    compute,
    schema: shape::<Proposals>,
};

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Proposals {
    is_armed: bool,
    open: Vec<ProposalLine>,
    orders: Vec<OrderLine>,
    held_back: Vec<HeldBack>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ProposalLine {
    id: String,
    /// `order`.
    kind: &'static str,
    rule: String,
    why: String,
    place: String,
    instrument: String,
    quantity: String,
    limit_price: String,
    #[schema(value_type = String)]
    notional_usd: Fixed,
    #[schema(value_type = String)]
    fee_usd: Fixed,
    #[schema(value_type = String)]
    worst_slippage_usd: Fixed,
    /// Fee and worst slippage in basis points of the notional.
    cost_bp: Option<f64>,
    effects: Vec<EffectLine>,
    /// Hash of the figures: it must be sent back to approve or decline.
    inputs: String,
    #[schema(value_type = String)]
    made: Timestamp,
    #[schema(value_type = String)]
    expires: Timestamp,
    seconds_left: f64,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct EffectLine {
    limit: String,
    group: Vec<String>,
    #[schema(value_type = String)]
    before: Fixed,
    #[schema(value_type = String)]
    after: Fixed,
    /// With every order on its way that moves it the same way.
    #[schema(value_type = String)]
    worst: Fixed,
    #[schema(value_type = String)]
    warn: Fixed,
    #[schema(value_type = String)]
    hard: Fixed,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct OrderLine {
    id: String,
    place: String,
    instrument: String,
    quantity: String,
    filled: String,
    limit_price: String,
    #[schema(value_type = String)]
    phase: engine::Phase,
    #[schema(value_type = String)]
    valid_until: Timestamp,
    rule: String,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct HeldBack {
    rule: String,
    why: String,
}

fn compute(frame: &Frame, _: &Params) -> Result<Value, ViewError> {
    let engine = frame.engine();
    let held = engine.held_back();
    value(&Proposals {
        is_armed: engine.arming() == Arming::Armed,
        open: engine.proposals().values().map(|proposal| line(proposal, frame.asof())).collect(),
        orders: engine.orders().values().map(order).collect(),
        held_back: held.map(|(rule, why)| HeldBack { rule: rule.into(), why: why.into() }).collect(),
    })
}

fn line(proposal: &Proposal, now: Timestamp) -> ProposalLine {
    let notional = proposal.notional_usd.to_f64().abs();
    let cost = (proposal.fee_usd + proposal.worst_slippage_usd).to_f64();
    ProposalLine {
        id: proposal.id.to_string(),
        kind: "order",
        rule: proposal.rule.clone(),
        why: proposal.why.clone(),
        place: proposal.place.to_string(),
        instrument: proposal.listing.symbol.to_string(),
        quantity: proposal.quantity.to_string(),
        limit_price: proposal.limit_price.to_string(),
        notional_usd: proposal.notional_usd,
        fee_usd: proposal.fee_usd,
        worst_slippage_usd: proposal.worst_slippage_usd,
        cost_bp: (notional > 0.0).then(|| cost / notional * 1e4),
        effects: proposal.effects.iter().map(effect).collect(),
        inputs: proposal.inputs.to_string(),
        made: proposal.made,
        expires: proposal.expires,
        seconds_left: seconds_between(now, proposal.expires),
    }
}

fn effect(effect: &Effect) -> EffectLine {
    EffectLine {
        limit: effect.limit.clone(),
        group: effect.group.iter().map(GroupKey::text).collect(),
        before: effect.before,
        after: effect.after,
        worst: effect.worst,
        warn: effect.warn,
        hard: effect.hard,
    }
}

fn order(open: &OpenOrder) -> OrderLine {
    OrderLine {
        id: open.order.id.to_string(),
        place: open.order.place.to_string(),
        instrument: open.order.symbol.to_string(),
        quantity: open.order.quantity.to_string(),
        filled: open.filled.to_string(),
        limit_price: open.order.limit_price.to_string(),
        phase: open.phase,
        valid_until: open.order.valid_until,
        rule: open.rule.clone(),
    }
}
