//! The OpenAPI document, made from the same tables and types that answer.

use super::acting::{Acted, Approval, Cancelling, Declining, Kill, NewArming, NewOrder, NewState, Proposed};
use super::error::ErrorBody;
use super::reading::{Alerts, ProofData, RecordData, Session};
use crate::history::HistoryData;
use crate::views::{self, Envelope, Question, Shape, View};
use axum::Json;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::LazyLock;
use utoipa::ToSchema;

static DOCUMENT: LazyLock<Value> = LazyLock::new(made);

/// The document.
pub(crate) async fn document() -> Json<&'static Value> {
    Json(&DOCUMENT)
}

/// Schemas by name.
type Schemas = BTreeMap<String, Value>;

fn named<T: ToSchema>(schemas: &mut Schemas) -> Value {
    let mut parts = Vec::new();
    T::schemas(&mut parts);
    put(schemas, (T::name().into_owned(), serde_json::to_value(T::schema()).unwrap_or_default()));
    for (name, schema) in parts {
        put(schemas, (name, serde_json::to_value(schema).unwrap_or_default()));
    }
    json!({"$ref": format!("#/components/schemas/{}", T::name())})
}

fn put(schemas: &mut Schemas, (name, schema): (String, Value)) {
    schemas.insert(name, schema);
}

fn inline((schema, parts): Shape, schemas: &mut Schemas) -> Value {
    for (name, schema) in parts {
        put(schemas, (name, serde_json::to_value(schema).unwrap_or_default()));
    }
    serde_json::to_value(schema).unwrap_or_default()
}

fn word(name: &str, says: &str, example: &Value) -> Value {
    json!({"name": name, "in": "query", "required": false, "description": says,
           "schema": {"type": "string"}, "example": example})
}

fn number(name: &str, says: &str) -> Value {
    json!({"name": name, "in": "query", "required": false, "description": says, "schema": {"type": "number"}})
}

fn answers(schema: &Value, refusals: &[(&str, &str)]) -> Value {
    let mut all =
        json!({"200": {"description": "the answer", "content": {"application/json": {"schema": schema}}}});
    let shared = [
        ("421", "sent to a name that is not this server's"),
        ("429", "too many requests"),
        ("408", "took too long"),
    ];
    for (status, says) in refusals.iter().chain(&shared) {
        all[*status] = json!({"description": says, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorBody"}}}});
    }
    all
}

const READ: &[(&str, &str)] = &[
    ("401", "off loopback: no token, or one that nobody has"),
    ("403", "the role does not allow it"),
    ("404", "no such view, record or underlying"),
    ("422", "a parameter is not what it should be, or the figure cannot be had"),
    ("503", "no state is there yet"),
];

const WRITE: &[(&str, &str)] = &[
    ("400", "not JSON"),
    ("401", "no token, or one that nobody has"),
    ("403", "the role does not allow it, or a page of another site sent this"),
    ("404", "no such proposal or order"),
    ("409", "no longer open, or not what was shown, or the engine refused"),
    ("413", "the body is too large"),
    ("415", "the body is not application/json"),
    ("422", "the body is not what it should be"),
    ("503", "no engine runs behind this server"),
];

fn view(view: &View, schemas: &mut Schemas) -> Value {
    let mut params: Vec<Value> =
        view.params.iter().map(|param| word(param.name, param.says, &json!(param.example))).collect();
    params.push(
        json!({"name": "at", "in": "query", "required": false, "schema": {"type": "integer", "minimum": 1},
                       "description": "The state after this record of the journal; the newest without"}),
    );
    params.push(number("bump_spot_percent", "What if every index moved by so many percent"));
    params.push(number("bump_vol_points", "What if every vol moved by so many points"));
    params.push(number("bump_days", "What if so many days had passed"));
    let data = inline((view.schema)(), schemas);
    let envelope = json!({"allOf": [
        {"$ref": "#/components/schemas/Envelope"},
        {"type": "object", "properties": {"data": data}},
    ]});
    json!({"get": {"operationId": view.name, "summary": view.says, "parameters": params, "responses": answers(&envelope, READ)}})
}

fn post(id: &str, says: &str, (body, answer): (&Value, &Value)) -> Value {
    json!({"post": {"operationId": id, "summary": says, "security": [{"token": []}],
        "requestBody": {"required": true, "content": {"application/json": {"schema": body}}},
        "responses": answers(answer, WRITE)}})
}

fn with_path(mut operation: Value, (method, name): (&str, &str)) -> Value {
    let kind =
        if name == "record" { json!({"type": "integer", "minimum": 1}) } else { json!({"type": "string"}) };
    let path = json!({"name": name, "in": "path", "required": true, "schema": kind});
    let params = &mut operation[method]["parameters"];
    match params.as_array_mut() {
        Some(params) => params.insert(0, path),
        None => *params = json!([path]),
    }
    operation
}

fn get(id: &str, says: &str, (params, answer): (Value, &Value)) -> Value {
    json!({"get": {"operationId": id, "summary": says, "parameters": params, "responses": answers(answer, READ)}})
}

fn reading(paths: &mut BTreeMap<String, Value>, schemas: &mut Schemas) {
    let session = named::<Session>(schemas);
    paths.insert("/v1/session".into(), get("session", "Who looks, and at what", (json!([]), &session)));
    let params = json!([
        {"name": "before", "in": "query", "schema": {"type": "integer", "minimum": 0}, "description": "Entries of records before this one"},
        {"name": "at", "in": "query", "schema": {"type": "integer", "minimum": 0}, "description": "Entries up to this record"},
        {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 0}, "description": "At most so many; 2,000 is the most"},
        word("kind", "Kinds, with commas", &json!("level,proposed")),
    ]);
    let alerts = named::<Alerts>(schemas);
    paths.insert("/v1/alerts".into(), get("alerts", "What the engine said, newest first", (params, &alerts)));
    let params = json!([
        word("series", "Names, with commas; all without", &json!("value_usd,maintenance_use")),
        {"name": "from", "in": "query", "schema": {"type": "string", "format": "date-time"}},
        {"name": "to", "in": "query", "schema": {"type": "string", "format": "date-time"}},
        {"name": "points", "in": "query", "schema": {"type": "integer", "minimum": 2}},
    ]);
    let history = named::<HistoryData>(schemas);
    paths.insert("/v1/history".into(), get("history", "The headline figures over time", (params, &history)));
    let record = get("record", "One record and what it led to", (json!([]), &named::<RecordData>(schemas)));
    paths.insert("/v1/records/{record}".into(), with_path(record, ("get", "record")));
    let proof = get("proof", "That a record is in the journal", (json!([]), &named::<ProofData>(schemas)));
    paths.insert("/v1/records/{record}/proof".into(), with_path(proof, ("get", "record")));
}

fn acting(paths: &mut BTreeMap<String, Value>, schemas: &mut Schemas) {
    let acted = named::<Acted>(schemas);
    let approve = post("approve", "Carries a proposal out", (&named::<Approval>(schemas), &acted));
    paths.insert("/v1/proposals/{id}/approve".into(), with_path(approve, ("post", "id")));
    let decline = post("decline", "Drops a proposal", (&named::<Declining>(schemas), &acted));
    paths.insert("/v1/proposals/{id}/decline".into(), with_path(decline, ("post", "id")));
    let order = (&named::<NewOrder>(schemas), &named::<Proposed>(schemas));
    paths.insert(
        "/v1/orders".into(),
        post("order", "Asks for a trade by hand, which waits for an approval", order),
    );
    let cancel =
        post("cancel", "Asks the venue of an order to end it", (&named::<Cancelling>(schemas), &acted));
    paths.insert("/v1/orders/{id}/cancel".into(), with_path(cancel, ("post", "id")));
    let state = named::<NewState>(schemas);
    paths
        .insert("/v1/state".into(), post("state", "Puts the book into a state; role risk", (&state, &acted)));
    let arming = named::<NewArming>(schemas);
    paths.insert(
        "/v1/arming".into(),
        post("arming", "Arms or disarms the rules; role risk", (&arming, &acted)),
    );
    let kill = named::<Kill>(schemas);
    paths.insert("/v1/kill".into(), post("kill", "Disarms and pauses; role trader", (&kill, &acted)));
}

fn made() -> Value {
    let (mut paths, mut schemas) = (BTreeMap::new(), Schemas::new());
    named::<ErrorBody>(&mut schemas);
    let envelope = named::<Envelope>(&mut schemas);
    // The timeline by GET pages back: its path is written below.
    for of in views::ALL.iter().filter(|of| of.name != "alerts") {
        paths.insert(format!("/v1/{}", of.name), view(of, &mut schemas));
    }
    reading(&mut paths, &mut schemas);
    acting(&mut paths, &mut schemas);
    let question = named::<Question>(&mut schemas);
    let mut whatif = post(
        "whatif",
        "What if: other orders, transfers, rules and markets; changes nothing",
        (&question, &envelope),
    );
    whatif["post"]["security"] = json!([]);
    paths.insert("/v1/whatif".into(), whatif);
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Plimsoll", "version": env!("CARGO_PKG_VERSION"), "license": {"name": "Apache-2.0 OR MIT"},
                 "description": "Exact figures are text, model numbers are numbers, units are in the keys, times are RFC 3339 UTC."},
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name stands for one shape: two types of one name would describe each other's answers.
    #[test]
    fn no_two_types_share_a_name() {
        let mut seen: BTreeMap<String, Value> = BTreeMap::new();
        let mut parts: Vec<(String, Value)> = Vec::new();
        for of in views::ALL {
            let (_, of_it) = (of.schema)();
            parts.extend(
                of_it.into_iter().map(|(name, schema)| (name, serde_json::to_value(schema).unwrap())),
            );
        }
        let mut more = Vec::new();
        Alerts::schemas(&mut more);
        HistoryData::schemas(&mut more);
        Question::schemas(&mut more);
        Acted::schemas(&mut more);
        parts.extend(more.into_iter().map(|(name, schema)| (name, serde_json::to_value(schema).unwrap())));
        assert!(parts.len() > 20, "{}", parts.len());
        for (name, schema) in parts {
            let first = seen.entry(name.clone()).or_insert_with(|| schema.clone());
            assert_eq!(*first, schema, "{name}");
        }
    }
}
