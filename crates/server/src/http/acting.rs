//! Acting: with a role, on what was seen, into the journal with the name of who did it.

use super::ApiError;
use super::reading::{Body, parsed};
use crate::auth::Role;
use crate::hub::Seen;
use crate::server::Shared;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use engine::{Arming, Command, ProposalId, State as BookState};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

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

type Answer = Result<Json<Acted>, ApiError>;

fn unfit(message: String) -> ApiError {
    let hint = "GET /v1/openapi.json has the shape of every body";
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_parameter", message, hint)
}

/// The name for the journal, with the reason if one was given: short, and without control characters.
fn who(name: &str, reason: &str) -> String {
    let reason: String = reason.chars().filter(|c| !c.is_control()).take(200).collect();
    if reason.is_empty() { name.to_owned() } else { format!("{name} ({reason})") }
}

async fn act(shared: &Shared, who: String, command: Command, seen: Option<Seen>) -> Answer {
    tracing::info!(who, command = ?command, "somebody acts");
    let done = shared.hub.command(who, command, seen).await?;
    Ok(Json(Acted { record: done.record.get(), outputs: done.outputs }))
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
