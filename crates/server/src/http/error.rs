//! Refusals as JSON: a code for programs, a sentence for people, what to do.

use crate::hub::Refusal;
use crate::past::PastError;
use crate::views::ViewError;
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// A request that is not answered with what was asked for.
#[derive(Debug)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) hint: &'static str,
}

#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct ErrorBody {
    error: ErrorLine,
}

#[derive(Serialize, utoipa::ToSchema)]
struct ErrorLine {
    code: &'static str,
    message: String,
    hint: &'static str,
}

impl ApiError {
    pub(crate) fn new(
        status: StatusCode,
        code: &'static str,
        message: impl Into<String>,
        hint: &'static str,
    ) -> Self {
        Self { status, code, message: message.into(), hint }
    }

    pub(crate) fn not_ready() -> Self {
        let message = "no state is there yet";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", message, "ask again in a moment")
    }

    /// A task of ours that ended badly: never the caller's fault.
    pub(crate) fn internal(what: &impl ToString) -> Self {
        tracing::error!(error = what.to_string(), "a request failed inside");
        let hint = "the log of the server says more";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the server failed", hint)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = ErrorBody { error: ErrorLine { code: self.code, message: self.message, hint: self.hint } };
        (self.status, Json(body)).into_response()
    }
}

impl From<ViewError> for ApiError {
    fn from(error: ViewError) -> Self {
        let (status, code) = match &error {
            ViewError::Unknown { .. } | ViewError::Bad { .. } => {
                (StatusCode::UNPROCESSABLE_ENTITY, "bad_parameter")
            }
            ViewError::Absent { .. } => (StatusCode::NOT_FOUND, "not_there"),
            ViewError::NoFigure(_) => (StatusCode::UNPROCESSABLE_ENTITY, "no_figure"),
        };
        Self::new(status, code, error.to_string(), "GET /v1/openapi.json lists every view and parameter")
    }
}

impl From<PastError> for ApiError {
    fn from(error: PastError) -> Self {
        let (status, code) = match &error {
            PastError::NoJournal | PastError::Beyond { .. } | PastError::NoStart { .. } => {
                (StatusCode::NOT_FOUND, "no_record")
            }
            _ => (StatusCode::UNPROCESSABLE_ENTITY, "journal"),
        };
        Self::new(
            status,
            code,
            error.to_string(),
            "GET /v1/session names the last record; `plimsoll verify` checks the journal",
        )
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let (status, code) = match &refusal {
            Refusal::NotOpen { .. } => (StatusCode::CONFLICT, "not_open"),
            Refusal::Differs { .. } => (StatusCode::CONFLICT, "differs"),
            Refusal::Size { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "size"),
            Refusal::Engine { .. } => (StatusCode::CONFLICT, "refused"),
            Refusal::NotLive { .. } | Refusal::Busy => (StatusCode::SERVICE_UNAVAILABLE, "not_live"),
        };
        let hint = match &refusal {
            Refusal::Engine { .. } => {
                "GET /v1/policy has the bounds, GET /v1/proposals what is open and on its way"
            }
            Refusal::NotLive { .. } | Refusal::Busy => "POST to the process that runs the engine",
            _ => "GET /v1/proposals shows what is open, with its hash",
        };
        Self::new(status, code, refusal.to_string(), hint)
    }
}
