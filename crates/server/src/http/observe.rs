//! Health, readiness, metrics.

use super::ApiError;
use crate::metrics::Reading;
use crate::server::{Mode, Shared};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use engine::{Arming, State as BookState};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// A live state older than this by the clock of the wall is none to act on.
const FRESH: Duration = Duration::from_secs(10);

/// The process serves.
pub(crate) async fn health() -> &'static str {
    "ok\n"
}

/// A state is there and, live, is fresh.
pub(crate) async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    let is_there = shared.hub.frame().is_some();
    let is_fresh = shared.about.mode == Mode::Finished || shared.hub.age() < FRESH || shared.has_ended();
    match (is_there, is_fresh) {
        (true, true) => "ready\n".into_response(),
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, "no state yet\n").into_response(),
        (true, false) => {
            (StatusCode::SERVICE_UNAVAILABLE, "the state is not being brought up to date\n").into_response()
        }
    }
}

/// Counts answers.
pub(crate) async fn counted(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let response = next.run(request).await;
    // Methods are text of others: a label for each would grow without end.
    let known = ["GET", "POST", "HEAD", "OPTIONS"].into_iter().find(|name| *name == method.as_str());
    shared.metrics.answered(known.unwrap_or("other"), response.status().as_u16());
    if response.status().is_client_error() || response.status().is_server_error() {
        tracing::info!(%method, path = path.chars().take(200).collect::<String>(), status = response.status().as_u16(), "refused");
    }
    response
}

fn reading(shared: &Shared) -> Reading {
    let mut reading = Reading {
        frame_age: shared.hub.age(),
        sockets: shared.sockets.load(Ordering::Relaxed),
        topics: shared.topics.count(),
        ..Reading::default()
    };
    let Some(frame) = shared.hub.frame() else { return reading };
    let engine = frame.engine();
    let shares = engine.limit_use();
    reading.record = frame.record.get();
    reading.proposals = engine.proposals().len() + engine.transfer_proposals().len();
    reading.orders = engine.orders().len();
    reading.stale = engine.stale().len();
    reading.unvalued = frame.valuation().unpriced.len();
    reading.limit_use = shares.iter().map(|used| used.share).fold(0.0, f64::max);
    let margins = engine.margins().of().values().filter_map(|view| view.as_ref().ok()?.maintenance_use);
    reading.maintenance_use = margins.max().map_or(0.0, units::Fixed::to_f64);
    reading.state = match engine.state() {
        BookState::Normal => 0,
        BookState::Warn => 1,
        BookState::ReduceOnly => 2,
        BookState::Paused => 3,
        BookState::Flatten => 4,
    };
    reading.is_armed = engine.arming() == Arming::Armed;
    reading
}

pub(crate) async fn metrics(State(shared): State<Arc<Shared>>) -> Result<Response, ApiError> {
    let inner = shared.clone();
    let reading =
        tokio::task::spawn_blocking(move || reading(&inner)).await.map_err(|e| ApiError::internal(&e))?;
    let text = shared.metrics.text(&reading).map_err(|error| ApiError::internal(&error))?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}
