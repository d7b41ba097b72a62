//! HTTP: what is asked for, who asks, what is answered.
//!
//! Every answer but the page's own files is JSON. What is refused says which rule and how to mend it.

mod acting;
mod assets;
mod document;
mod error;
mod guard;
mod observe;
mod reading;

pub(crate) use error::ApiError;
pub(crate) use guard::{Guard, is_own_origin};
pub(crate) use reading::computed;

use crate::server::Shared;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use std::sync::Arc;

/// The largest request.
const BODY_BYTES: usize = 256 * 1024;

/// Everything that is answered.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    let api = Router::new()
        .route("/v1/session", get(reading::session))
        .route("/v1/openapi.json", get(document::document))
        .route("/v1/alerts", get(reading::alerts))
        .route("/v1/history", get(reading::history))
        .route("/v1/records/{record}", get(reading::record))
        .route("/v1/records/{record}/proof", get(reading::proof))
        .route("/v1/whatif", post(reading::whatif))
        .route("/v1/proposals/{id}/approve", post(acting::approve))
        .route("/v1/proposals/{id}/decline", post(acting::decline))
        .route("/v1/orders", post(acting::order))
        .route("/v1/orders/{id}/cancel", post(acting::cancel))
        .route("/v1/state", post(acting::state))
        .route("/v1/arming", post(acting::arming))
        .route("/v1/kill", post(acting::kill))
        .route("/v1/live", get(crate::socket::upgrade))
        .route("/v1/{view}", get(reading::view))
        .route("/metrics", get(observe::metrics))
        .layer(from_fn_with_state(shared.clone(), guard::admitted));
    Router::new()
        .route("/health", get(observe::health))
        .route("/ready", get(observe::ready))
        .merge(api)
        .fallback(assets::asset)
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(from_fn_with_state(shared.clone(), guard::guarded))
        .layer(from_fn(guard::headers))
        .layer(from_fn_with_state(shared.clone(), observe::counted))
        .with_state(shared)
}
