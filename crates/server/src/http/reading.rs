//! Looking: views, the timeline, history, records and their proofs, what-if. Nothing here changes anything.

use super::ApiError;
use crate::frame::Frame;
use crate::history::Span;
use crate::said::{Said, Wanted};
use crate::server::Shared;
use crate::views::{self, Envelope, Params, Question, View};
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use units::Timestamp;

type Words = Query<BTreeMap<String, String>>;
type Answer<T> = Result<Json<T>, ApiError>;

/// Who looks, and at what.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Session {
    schema: &'static str,
    name: String,
    /// `paper`, `recorded` or `finished`.
    mode: &'static str,
    role: Option<crate::auth::Role>,
    who: Option<String>,
    version: &'static str,
    views: Vec<&'static str>,
    last_record: Option<u64>,
    /// Another one after each start of the server.
    session: String,
    speed: Option<String>,
}

pub(crate) async fn session(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Answer<Session> {
    let person = shared.guard.person(&headers)?;
    Ok(Json(Session {
        schema: "plimsoll.session/1",
        name: shared.about.name.clone(),
        mode: shared.about.mode.word(),
        role: person.as_ref().map(|person| person.role),
        who: person.map(|person| person.name),
        version: env!("CARGO_PKG_VERSION"),
        views: views::ALL.iter().map(|view| view.name).collect(),
        last_record: shared.hub.frame().map(|frame| frame.record.get()),
        session: shared.session.clone(),
        speed: shared.about.speed.clone(),
    }))
}

/// The frame of the words: the newest, or of the past by `at`; bumped if they say so. Takes these words out.
pub(crate) fn frame_at(shared: &Shared, params: &mut Params) -> Result<Arc<Frame>, ApiError> {
    let at = params.parsed::<u64>("at")?;
    params.0.remove("at");
    let bump = views::bump_of(params)?;
    let frame = match at {
        Some(record) => shared.past.frame(record)?,
        None => shared.hub.frame().ok_or_else(ApiError::not_ready)?,
    };
    match bump {
        None => Ok(frame),
        Some(bump) => {
            let bumped = frame.bumped(bump);
            Ok(Arc::new(bumped.map_err(|error| views::ViewError::NoFigure(error.to_string()))?))
        }
    }
}

/// A view of a frame, in its envelope.
pub(crate) fn computed(
    shared: &Shared,
    view: &View,
    params: &Params,
    frame: &Frame,
) -> Result<Value, ApiError> {
    params.check(view)?;
    let started = shared.metrics.begin(view.name);
    let data = (view.compute)(frame, params)?;
    let envelope = Envelope::new(view.name, params, (frame, crate::server::now()));
    let value = envelope.with(data).map_err(|error| ApiError::internal(&error));
    shared.metrics.computed(started);
    value
}

/// Runs what prices books where it holds nobody up.
async fn blocking<T: Send + 'static>(
    shared: &Arc<Shared>,
    work: impl FnOnce(&Shared) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let permit = shared.work.clone().acquire_owned().await.map_err(|error| ApiError::internal(&error))?;
    let shared = shared.clone();
    let work = move || {
        // A caller who gives up does not end the work: it counts until it is done.
        let _permit = permit;
        work(&shared)
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| ApiError::internal(&error))?
}

pub(crate) async fn view(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    Query(words): Words,
) -> Answer<Value> {
    let view = views::of(&name).ok_or_else(|| {
        let message = format!("there is no view '{}'", name.chars().take(100).collect::<String>());
        ApiError::new(StatusCode::NOT_FOUND, "no_view", message, "GET /v1/session lists them")
    })?;
    let answer = blocking(&shared, move |shared| {
        let mut params = Params(words);
        let frame = frame_at(shared, &mut params)?;
        computed(shared, view, &params, &frame)
    });
    Ok(Json(answer.await?))
}

/// The timeline.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Alerts {
    /// Newest first.
    entries: Vec<Said>,
    /// True when there are older ones.
    more: bool,
}

pub(crate) fn alerts_of(shared: &Shared, params: &Params) -> Result<Alerts, ApiError> {
    let known = ["before", "limit", "kind", "at"];
    if let Some(name) = params.0.keys().find(|name| !known.contains(&name.as_str())) {
        let (name, known) = (name.clone(), known.join(", "));
        return Err(views::ViewError::Unknown { view: "alerts", name, known }.into());
    }
    let before = params.parsed::<u64>("before")?.map(|record| record.saturating_sub(1));
    let at = params.parsed::<u64>("at")?;
    let most = params.parsed::<usize>("limit")?.unwrap_or(200).min(2_000);
    let kinds =
        params.text("kind").map(|text| text.split(',').map(str::to_owned).collect()).unwrap_or_default();
    let wanted = Wanted { up_to: before.into_iter().chain(at).min(), kinds, most };
    let (entries, more) = shared.hub.timeline().newest(&wanted);
    Ok(Alerts { entries, more })
}

pub(crate) async fn alerts(State(shared): State<Arc<Shared>>, Query(words): Words) -> Answer<Alerts> {
    Ok(Json(alerts_of(&shared, &Params(words))?))
}

pub(crate) async fn history(
    State(shared): State<Arc<Shared>>,
    Query(words): Words,
) -> Answer<crate::history::HistoryData> {
    let params = Params(words);
    let known = ["series", "from", "to", "points"];
    if let Some(name) = params.0.keys().find(|name| !known.contains(&name.as_str())) {
        let (name, known) = (name.clone(), known.join(", "));
        return Err(views::ViewError::Unknown { view: "history", name, known }.into());
    }
    let span = Span {
        series: params.text("series").map(|t| t.split(',').map(str::to_owned).collect()).unwrap_or_default(),
        from: params.parsed::<Timestamp>("from")?,
        to: params.parsed::<Timestamp>("to")?,
        points: params.parsed::<usize>("points")?.unwrap_or(500).clamp(2, 4_096),
    };
    let data = shared.hub.history().span(&span);
    Ok(Json(data))
}

/// One record of the journal.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct RecordData {
    record: u64,
    #[schema(value_type = String)]
    time: Timestamp,
    kind: String,
    event: String,
    outputs: Vec<Said>,
}

fn number(text: &str) -> Result<u64, ApiError> {
    text.parse().map_err(|_| {
        let message = format!("'{}' is no record", text.chars().take(40).collect::<String>());
        ApiError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "bad_parameter",
            message,
            "records are whole numbers from 1",
        )
    })
}

pub(crate) async fn record(
    State(shared): State<Arc<Shared>>,
    Path(text): Path<String>,
) -> Answer<RecordData> {
    let record = number(&text)?;
    let told = blocking(&shared, move |shared| Ok(shared.past.record(record)?)).await?;
    Ok(Json(RecordData {
        record,
        time: told.time,
        kind: told.kind,
        event: told.event,
        outputs: told.outputs,
    }))
}

/// That a record is in the journal.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ProofData {
    record: u64,
    /// As `plimsoll verify --prove` prints it.
    proof: String,
    /// The head that it is under: it is worth what the head is that you kept.
    head: Option<String>,
    /// How to check it.
    check: String,
}

pub(crate) async fn proof(State(shared): State<Arc<Shared>>, Path(text): Path<String>) -> Answer<ProofData> {
    let record = number(&text)?;
    let head = shared.hub.frame().and_then(|frame| frame.head).filter(|head| head.seq.get() >= record);
    let up_to = head.map(|head| head.seq);
    let proof = blocking(&shared, move |shared| Ok(shared.past.proof(record, up_to)?)).await?;
    let check =
        "save the text as FILE, then: plimsoll verify --check FILE --head HEAD, with a head that you kept"
            .into();
    let head = head.map(|head| head.to_string());
    Ok(Json(ProofData { record, proof: proof.to_string(), head, check }))
}

pub(crate) async fn whatif(State(shared): State<Arc<Shared>>, body: Body) -> Answer<Value> {
    let question: Question = parsed(body)?;
    let answer = blocking(&shared, move |shared| {
        let frame = match question.at {
            Some(record) => shared.past.frame(record)?,
            None => shared.hub.frame().ok_or_else(ApiError::not_ready)?,
        };
        let (after, data) = views::answer(&frame, &question)?;
        let envelope = Envelope::new("whatif", &Params::default(), (&after, crate::server::now()));
        envelope.with(data).map_err(|error| ApiError::internal(&error))
    });
    Ok(Json(answer.await?))
}

/// A body: an object, whatever it should be one of.
pub(crate) type Body = Result<Json<serde_json::Map<String, Value>>, JsonRejection>;

/// The body in its own type. What is no object is refused here: a list would pass for one by the order of its values.
pub(crate) fn parsed<T: serde::de::DeserializeOwned>(body: Body) -> Result<T, ApiError> {
    let Json(object) = body.map_err(|rejection| malformed(&rejection))?;
    let hint = "GET /v1/openapi.json has the shape of every body";
    // With the name of the field: `quantity: invalid type: integer, expected a string`.
    serde_path_to_error::deserialize(Value::Object(object)).map_err(|error| {
        ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "malformed", error.to_string(), hint)
    })
}

/// A body that is not what it should be.
fn malformed(rejection: &JsonRejection) -> ApiError {
    let status = rejection.status();
    let status = if status == StatusCode::BAD_REQUEST { StatusCode::UNPROCESSABLE_ENTITY } else { status };
    let hint = "GET /v1/openapi.json has the shape of every body; Content-Type is application/json";
    ApiError::new(status, "malformed", rejection.body_text(), hint)
}
