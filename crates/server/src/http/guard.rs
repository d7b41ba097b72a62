//! What every request passes: the name it was sent to, where it came from, how often, how long, and who may read.
//!
//! * A page of another site cannot reach this server: the `Host` must be one of ours (DNS rebinding), and an `Origin`, if there is one, too.
//! * Off loopback everything but `/health` needs a token; on loopback reading is free and acting is not.
//! * A request has a while to be read and answered; each address has a number of requests a second.

use super::ApiError;
use crate::auth::{Person, Role, Tokens};
use crate::server::Shared;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A request that takes longer is given up.
const PATIENCE: Duration = Duration::from_secs(20);
/// Requests of one address: so many at once, and so many a second after that.
const BURST: f64 = 300.0;
const A_SECOND: f64 = 100.0;
const ADDRESSES: usize = 4_096;

/// Nothing but our own files and sockets; styles may stand in elements, because bars have widths.
const CSP: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; \
                   base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The rules of one server.
#[derive(Debug)]
pub(crate) struct Guard {
    /// Names that requests may be sent to, with their ports.
    pub(crate) hosts: BTreeSet<String>,
    pub(crate) tokens: Tokens,
    /// True off loopback.
    pub(crate) reading_needs_token: bool,
    buckets: Mutex<BTreeMap<IpAddr, (f64, Instant)>>,
}

impl Guard {
    pub(crate) fn new(hosts: BTreeSet<String>, tokens: Tokens, reading_needs_token: bool) -> Self {
        Self { hosts, tokens, reading_needs_token, buckets: Mutex::default() }
    }

    fn knows_host(&self, host: &str) -> bool {
        self.hosts.contains(&host.to_ascii_lowercase())
    }

    /// The person of a request: by the header, or for sockets, which browsers send none with, by a protocol's name.
    pub(crate) fn person(&self, headers: &HeaderMap) -> Result<Option<Person>, ApiError> {
        let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let bearer = bearer.and_then(|value| value.strip_prefix("Bearer "));
        let protocols = headers.get(header::SEC_WEBSOCKET_PROTOCOL).and_then(|value| value.to_str().ok());
        let named =
            protocols.and_then(|all| all.split(',').find_map(|one| one.trim().strip_prefix("token.")));
        let Some(token) = bearer.or(named) else { return Ok(None) };
        self.tokens.person(token).map(Some).ok_or_else(|| {
            let hint =
                "tokens are in the file that --tokens names; `plimsoll token NAME --role ROLE` makes one";
            ApiError::new(StatusCode::UNAUTHORIZED, "unknown_token", "nobody has this token", hint)
        })
    }

    /// The person, with at least this role.
    pub(crate) fn with_role(&self, headers: &HeaderMap, role: Role) -> Result<Person, ApiError> {
        let person = self.person(headers)?.ok_or_else(|| {
            let hint = "send Authorization: Bearer TOKEN; the program prints the address with the token when it starts";
            ApiError::new(StatusCode::UNAUTHORIZED, "no_token", "this needs a token", hint)
        })?;
        if person.role >= role {
            return Ok(person);
        }
        let message = format!("{} is {}, and this needs {}", person.name, person.role.word(), role.word());
        Err(ApiError::new(StatusCode::FORBIDDEN, "role", message, "ask somebody with that role"))
    }

    /// Takes one request off what an address may send.
    #[allow(clippy::disallowed_methods)] // the edge measures time
    fn may_ask(&self, address: IpAddr) -> bool {
        let now = Instant::now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() > ADDRESSES {
            buckets.retain(|_, (_, last)| last.elapsed() < Duration::from_secs(10));
        }
        let (left, last) = buckets.entry(address).or_insert((BURST, now));
        *left = (*left + now.duration_since(*last).as_secs_f64() * A_SECOND).min(BURST);
        *last = now;
        if *left < 1.0 {
            return false;
        }
        *left -= 1.0;
        true
    }
}

/// True when a request comes from a page of ours, or from no page.
pub(crate) fn is_own_origin(guard: &Guard, headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let text = origin.to_str().unwrap_or_default();
    let host = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    host.is_some_and(|host| guard.knows_host(host))
}

/// Host, origin, rate, patience.
pub(crate) async fn guarded(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let guard = &shared.guard;
    let host = request.headers().get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !guard.knows_host(host) {
        let message = format!("this server is not {}", host.chars().take(100).collect::<String>());
        let hint = "use the address that the program printed; --host NAME allows another name";
        return ApiError::new(StatusCode::MISDIRECTED_REQUEST, "host", message, hint).into_response();
    }
    let is_reading = matches!(*request.method(), Method::GET | Method::HEAD);
    if !is_reading && !is_own_origin(guard, request.headers()) {
        let hint = "only pages of this server may act";
        return ApiError::new(StatusCode::FORBIDDEN, "origin", "a page of another site sent this", hint)
            .into_response();
    }
    let claims =
        request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if claims.is_some_and(|bytes: u64| bytes > super::BODY_BYTES as u64) {
        let message = format!("a body has at most {} bytes", super::BODY_BYTES);
        let hint = "ask for less at a time";
        return ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message, hint).into_response();
    }
    let from = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    if from.is_some_and(|address| !guard.may_ask(address)) {
        let hint = "ask less often, or subscribe by WebSocket";
        return ApiError::new(StatusCode::TOO_MANY_REQUESTS, "rate", "too many requests", hint)
            .into_response();
    }
    let is_socket = request.headers().contains_key(header::UPGRADE);
    if is_socket {
        return next.run(request).await;
    }
    match tokio::time::timeout(PATIENCE, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let hint = "ask for less, or send faster";
            ApiError::new(StatusCode::REQUEST_TIMEOUT, "timeout", "this took too long", hint).into_response()
        }
    }
}

/// Reading off loopback needs a token, and a token that is sent must be one.
pub(crate) async fn admitted(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let found = if shared.guard.reading_needs_token {
        shared.guard.with_role(request.headers(), Role::Viewer).map(Some)
    } else {
        shared.guard.person(request.headers())
    };
    match found {
        Ok(_) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

/// What browsers are told on every answer.
pub(crate) async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let all = [
        (header::CONTENT_SECURITY_POLICY, CSP),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    for (name, value) in all {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}
