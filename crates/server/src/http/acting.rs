//! Acting: with a role, on what was seen, into the journal with the name of who did it.

use super::ApiError;
use super::reading::{Body, parsed};
use crate::auth::Role;
use crate::hub::{Done, Seen};
use crate::server::Shared;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use book::Place;
use engine::{Arming, Command, ProposalId, State as BookState, Ticket};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use units::{Account, Chain, OrderId, Price, Quantity, Symbol, Venue};

/// A command that is durable.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Acted {
    /// The record that it is.
    record: u64,
    /// What the engine said.
    outputs: Vec<String>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Approval {
    /// The hash that was shown.
    inputs: String,
    /// The size, as the person typed it.
    quantity: String,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Declining {
    /// The hash that was shown.
    inputs: String,
    #[serde(default)]
    reason: String,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewState {
    /// `normal`, `warn`, `reduce_only`, `paused` or `flatten`; null: as limits and triggers say.
    state: Option<String>,
    #[serde(default)]
    reason: String,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewArming {
    armed: bool,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kill {
    /// The word KILL.
    confirm: String,
}

/// A trade that a person wants.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewOrder {
    account: String,
    venue: String,
    /// `offchain` for an exchange.
    #[serde(default)]
    chain: Option<String>,
    /// As its venue names it.
    symbol: String,
    /// Signed, in the unit of the listing: bought is positive.
    quantity: String,
    /// The worst price; null: as far as the policy's collar allows.
    #[serde(default)]
    limit_price: Option<String>,
    #[serde(default)]
    reason: String,
}

/// A trade that waits for an approval, as if a rule had asked for it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Proposed {
    /// The record that it is.
    record: u64,
    /// What the engine said.
    outputs: Vec<String>,
    /// The proposal: `GET /v1/proposals` has its figures and their hash.
    proposal: Option<String>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cancelling {
    #[serde(default)]
    reason: String,
}

type Answer = Result<Json<Acted>, ApiError>;

fn unfit(message: String) -> ApiError {
    let hint = "GET /v1/openapi.json has the shape of every body";
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_parameter", message, hint)
}

/// The name for the journal, with the reason if one was given: short, and without characters that break a line or turn its direction.
fn who(name: &str, reason: &str) -> String {
    let is_odd = |c: &char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let reason: String = reason.chars().filter(|c| !is_odd(c)).take(200).collect();
    if reason.is_empty() { name.to_owned() } else { format!("{name} ({reason})") }
}

async fn done(shared: &Shared, who: String, command: Command, seen: Option<Seen>) -> Result<Done, ApiError> {
    tracing::info!(who, command = ?command, "somebody acts");
    Ok(shared.hub.command(who, command, seen).await?)
}

async fn act(shared: &Shared, who: String, command: Command, seen: Option<Seen>) -> Answer {
    let done = done(shared, who, command, seen).await?;
    Ok(Json(Acted { record: done.record.get(), outputs: done.outputs }))
}

fn read<T, E: std::fmt::Display>(field: &str, read: Result<T, E>) -> Result<T, ApiError> {
    read.map_err(|error| unfit(format!("{field}: {error}")))
}

fn ticket(order: NewOrder) -> Result<Ticket, ApiError> {
    let chain = order.chain.as_deref().unwrap_or(Chain::OFF_CHAIN);
    let place = Place {
        account: read("account", Account::new(&order.account))?,
        venue: read("venue", Venue::new(&order.venue))?,
        chain: read("chain", Chain::new(chain))?,
    };
    let limit_price = order.limit_price.map(|text| read("limit_price", text.parse::<Price>())).transpose()?;
    Ok(Ticket {
        place,
        symbol: read("symbol", Symbol::new(&order.symbol))?,
        quantity: read("quantity", order.quantity.parse::<Quantity>())?,
        limit_price,
    })
}

/// A trade by hand: it waits for its approval like one that a rule asks for.
pub(crate) async fn order(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Proposed>, ApiError> {
    let person = shared.guard.with_role(&headers, Role::Trader)?;
    let order: NewOrder = parsed(body)?;
    let who = who(&person.name, &order.reason);
    let done = done(&shared, who, Command::Propose(ticket(order)?), None).await?;
    let proposal = done.proposed.map(|id| id.to_string());
    Ok(Json(Proposed { record: done.record.get(), outputs: done.outputs, proposal }))
}

pub(crate) async fn cancel(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let person = shared.guard.with_role(&headers, Role::Trader)?;
    let Cancelling { reason } = parsed(body)?;
    let id = OrderId::new(&id).map_err(|error| {
        ApiError::new(StatusCode::NOT_FOUND, "no_order", error.to_string(), "GET /v1/proposals")
    })?;
    act(&shared, who(&person.name, &reason), Command::Cancel(id), None).await
}

fn proposal(id: &str) -> Result<ProposalId, ApiError> {
    id.parse().map_err(|error: String| {
        ApiError::new(StatusCode::NOT_FOUND, "no_proposal", error, "GET /v1/proposals")
    })
}

pub(crate) async fn approve(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let person = shared.guard.with_role(&headers, Role::Trader)?;
    let Approval { inputs, quantity } = parsed(body)?;
    let id = proposal(&id)?;
    let seen = Seen { id, inputs, quantity: Some(quantity) };
    act(&shared, person.name, Command::Approve(id), Some(seen)).await
}

pub(crate) async fn decline(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let person = shared.guard.with_role(&headers, Role::Trader)?;
    let Declining { inputs, reason } = parsed(body)?;
    let id = proposal(&id)?;
    let seen = Seen { id, inputs, quantity: None };
    act(&shared, who(&person.name, &reason), Command::Decline(id), Some(seen)).await
}

pub(crate) async fn state(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Body) -> Answer {
    let person = shared.guard.with_role(&headers, Role::Risk)?;
    let NewState { state, reason } = parsed(body)?;
    let find = |word: String| {
        let all = [
            BookState::Normal,
            BookState::Warn,
            BookState::ReduceOnly,
            BookState::Paused,
            BookState::Flatten,
        ];
        all.into_iter().find(|state| state.word() == word).ok_or_else(|| {
            unfit(format!("state '{word}': one of normal, warn, reduce_only, paused, flatten, or null"))
        })
    };
    let state = state.map(find).transpose()?;
    act(&shared, who(&person.name, &reason), Command::State(state), None).await
}

pub(crate) async fn arming(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Body) -> Answer {
    let person = shared.guard.with_role(&headers, Role::Risk)?;
    let NewArming { armed } = parsed(body)?;
    let arming = if armed { Arming::Armed } else { Arming::Disarmed };
    act(&shared, person.name, Command::Arming(arming), None).await
}

/// Disarms and pauses: nothing new is sent, by rules or by approvals.
pub(crate) async fn kill(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Body) -> Answer {
    let person = shared.guard.with_role(&headers, Role::Trader)?;
    let Kill { confirm } = parsed(body)?;
    if confirm != "KILL" {
        return Err(unfit("confirm: must be the word KILL".into()));
    }
    let who = who(&person.name, "kill");
    let disarmed = act(&shared, who.clone(), Command::Arming(Arming::Disarmed), None).await?;
    let paused = act(&shared, who, Command::State(Some(BookState::Paused)), None).await?;
    let outputs = disarmed.0.outputs.into_iter().chain(paused.0.outputs).collect();
    Ok(Json(Acted { record: paused.0.record, outputs }))
}
