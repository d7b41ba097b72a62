//! What waits for a person, and what is on its way.

use super::overview::seconds_between;
use super::{Params, View, ViewError, shape, value};
use crate::frame::Frame;
use crate::said::Said;
use book::Place;
use engine::{
    Arming, Effect, Engine, MarginEffect, MarginUse, OpenOrder, OpenTransfer, Proposal, ProposalId,
    TransferProposal,
};
use risk::GroupKey;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use units::{Fixed, Timestamp};

pub(super) const VIEW: View = View {
    name: "proposals",
    says: "Trades and moves of collateral that rules ask for, with what each does to limits and margins; what is on its way",
    params: &[],
    every_millis: 100,
    compute,
    schema: shape::<Proposals>,
};

/// So many that are no longer open are shown.
const CLOSED: usize = 20;

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Proposals {
    is_armed: bool,
    open: Vec<ProposalLine>,
    orders: Vec<OrderLine>,
    transfers: Vec<TransferLine>,
    held_back: Vec<HeldBack>,
    /// The last that are no longer open, newest first; null for a state of the past.
    closed: Option<Vec<ClosedLine>>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ClosedLine {
    record: u64,
    #[schema(value_type = String)]
    time: Timestamp,
    id: String,
    why: String,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ProposalLine {
    id: String,
    /// `order` or `transfer`.
    kind: &'static str,
    rule: String,
    why: String,
    /// Where the order goes, or where the money leaves.
    place: String,
    /// Where the money arrives; null for an order.
    to_place: Option<String>,
    /// The listing, or the asset that is moved.
    instrument: String,
    quantity: String,
    limit_price: Option<String>,
    #[schema(value_type = Option<String>)]
    notional_usd: Option<Fixed>,
    #[schema(value_type = Option<String>)]
    fee_usd: Option<Fixed>,
    /// The fee of a transfer, with its asset.
    fee: Option<String>,
    #[schema(value_type = Option<String>)]
    worst_slippage_usd: Option<Fixed>,
    /// Fee and worst slippage in basis points of the notional.
    cost_bp: Option<f64>,
    effects: Vec<EffectLine>,
    margins: Vec<MarginLine>,
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

/// Maintenance use of an account, and its requirements where an order changes them.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct MarginLine {
    account: String,
    venue: String,
    #[schema(value_type = Option<String>)]
    before_use: Option<Fixed>,
    #[schema(value_type = Option<String>)]
    after_use: Option<Fixed>,
    #[schema(value_type = Option<String>)]
    before_maintenance_margin_usd: Option<Fixed>,
    #[schema(value_type = Option<String>)]
    after_maintenance_margin_usd: Option<Fixed>,
    why_not: Option<String>,
}

/// Money under way between two places.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct TransferLine {
    id: String,
    from: String,
    to: String,
    asset: String,
    amount: String,
    phase: &'static str,
    #[schema(value_type = String)]
    sent: Timestamp,
    /// When it should have arrived.
    #[schema(value_type = String)]
    due: Timestamp,
    is_late: bool,
    rule: String,
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
        open: open(engine, engine.now()),
        orders: engine.orders().values().map(order).collect(),
        transfers: engine.transfers().values().map(transfer).collect(),
        held_back: held.map(|(rule, why)| HeldBack { rule: rule.into(), why: why.into() }).collect(),
        closed: (frame.is_live || !frame.recent.is_empty()).then(|| closed(&frame.recent)),
    })
}

fn closed(recent: &[Said]) -> Vec<ClosedLine> {
    let line = |said: &Said| {
        let (id, why) = said.closed()?;
        Some(ClosedLine { record: said.record, time: said.time, id: id.into(), why: why.into() })
    };
    recent.iter().filter_map(line).take(CLOSED).collect()
}

/// Orders and transfers that wait, oldest first.
fn open(engine: &Engine, now: Timestamp) -> Vec<ProposalLine> {
    let orders = engine.proposals().values().map(|proposal| (proposal.id, line(proposal, now)));
    let transfers = engine.transfer_proposals().values();
    let transfers = transfers.map(|proposal| (proposal.id, transfer_line(proposal, now)));
    let all: BTreeMap<ProposalId, ProposalLine> = orders.chain(transfers).collect();
    all.into_values().collect()
}

fn transfer_line(proposal: &TransferProposal, now: Timestamp) -> ProposalLine {
    let use_of = |place: &Place, change: MarginUse| MarginLine {
        account: place.account.to_string(),
        venue: place.venue.to_string(),
        before_use: change.before,
        after_use: change.after,
        before_maintenance_margin_usd: None,
        after_maintenance_margin_usd: None,
        why_not: change.after.is_none().then(|| "the account has no use of margin".to_owned()),
    };
    ProposalLine {
        id: proposal.id.to_string(),
        kind: "transfer",
        rule: proposal.rule.clone(),
        why: proposal.why.clone(),
        place: proposal.from.to_string(),
        to_place: Some(proposal.to.to_string()),
        instrument: proposal.money.asset.to_string(),
        quantity: proposal.money.amount.to_string(),
        limit_price: None,
        notional_usd: None,
        fee_usd: None,
        fee: Some(format!("{} {}", proposal.fee, proposal.money.asset)),
        worst_slippage_usd: None,
        cost_bp: None,
        effects: Vec::new(),
        margins: vec![
            use_of(&proposal.to, proposal.at_destination),
            use_of(&proposal.from, proposal.at_source),
        ],
        inputs: proposal.inputs.to_string(),
        made: proposal.made,
        expires: proposal.expires,
        seconds_left: seconds_between(now, proposal.expires),
    }
}

fn margin(effect: &MarginEffect) -> MarginLine {
    let figures = effect.figures.as_ref().ok();
    MarginLine {
        account: effect.account.to_string(),
        venue: effect.venue.to_string(),
        before_use: figures.and_then(|change| change.before.maintenance_use),
        after_use: figures.and_then(|change| change.after.maintenance_use),
        before_maintenance_margin_usd: figures.map(|change| change.before.maintenance_margin_usd),
        after_maintenance_margin_usd: figures.map(|change| change.after.maintenance_margin_usd),
        why_not: effect.figures.as_ref().err().cloned(),
    }
}

fn transfer(open: &OpenTransfer) -> TransferLine {
    let of = &open.transfer;
    TransferLine {
        id: of.id.to_string(),
        from: of.from.to_string(),
        to: of.to.to_string(),
        asset: of.money.asset.to_string(),
        amount: of.money.amount.to_string(),
        phase: open.phase.word(),
        sent: open.sent,
        due: open.due,
        is_late: open.is_late,
        rule: open.rule.clone(),
    }
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
        to_place: None,
        instrument: proposal.listing.symbol.to_string(),
        quantity: proposal.quantity.to_string(),
        limit_price: Some(proposal.limit_price.to_string()),
        notional_usd: Some(proposal.notional_usd),
        fee_usd: Some(proposal.fee_usd),
        fee: None,
        worst_slippage_usd: Some(proposal.worst_slippage_usd),
        cost_bp: (notional > 0.0).then(|| cost / notional * 1e4),
        effects: proposal.effects.iter().map(effect).collect(),
        margins: proposal.margins.iter().map(margin).collect(),
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
