//! The WebSocket: views by subscription, as one snapshot and then what changes.
//!
//! ```text
//! client  {"subscribe":{"id":1,"view":"exposure","params":{"group_by":"underlying"}}}   {"unsubscribe":{"id":1}}   {"resync":{"id":1}}   {"ping":7}
//! server  {"hello":{...}}  {"snapshot":{"id":1,"n":4,"envelope":{...}}}  {"delta":{"id":1,"n":5,"patch":[...]}}  {"error":{...}}  {"pong":7}
//! ```
//!
//! `n` counts up by one; a client that sees a gap asks for a whole one. Nothing is buffered for a slow client: one that does not read
//! misses updates, and one that does not read for [`PATIENCE`] is let go.

use crate::http::{ApiError, is_own_origin};
use crate::server::Shared;
use crate::topics::{Topics, Update};
use crate::views::{self, Params};
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// A client that takes longer to read what it was sent is let go.
const PATIENCE: Duration = Duration::from_secs(10);
/// A client that says nothing for so long is asked whether it is there, and let go when it does not answer until the next time.
const SILENCE: Duration = Duration::from_secs(30);
const MESSAGE_BYTES: usize = 16 * 1024;
const SUBSCRIPTIONS: usize = 64;
const SOCKETS: usize = 256;
/// Messages ready to be sent; a subscription waits when it is full, and then sends the newest.
const READY: usize = 4;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum FromClient {
    Subscribe(Subscribe),
    Unsubscribe(Of),
    Resync(Of),
    Ping(u64),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Subscribe {
    id: u64,
    view: String,
    #[serde(default)]
    params: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Of {
    id: u64,
}

/// Opens a socket for a page of ours.
pub(crate) async fn upgrade(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if !is_own_origin(&shared.guard, &headers) {
        let hint = "only pages of this server may listen";
        return ApiError::new(StatusCode::FORBIDDEN, "origin", "a page of another site asked", hint)
            .into_response();
    }
    if shared.sockets.fetch_add(1, Ordering::Relaxed) >= SOCKETS {
        shared.sockets.fetch_sub(1, Ordering::Relaxed);
        let message = format!("{SOCKETS} sockets are open");
        let hint = "close some, or try again later";
        return ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "sockets", message, hint).into_response();
    }
    let guard = Open(shared.clone());
    upgrade.protocols(["plimsoll"]).max_message_size(MESSAGE_BYTES).max_frame_size(MESSAGE_BYTES).on_upgrade(
        move |socket| async move {
            let _guard = guard;
            serve(shared, socket).await;
        },
    )
}

/// Counts a socket as long as it is open.
struct Open(Arc<Shared>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.sockets.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Subscription {
    task: JoinHandle<()>,
    again: mpsc::Sender<()>,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(shared: Arc<Shared>, mut socket: WebSocket) {
    let (outbox, mut ready) = mpsc::channel::<String>(READY);
    let mut subscriptions: BTreeMap<u64, Subscription> = BTreeMap::new();
    let record = shared.hub.frame().map(|frame| frame.record.get());
    let hello = json!({"hello": {"schema": "plimsoll.live/1", "session": shared.session, "record": record}});
    if !send(&mut socket, Message::Text(hello.to_string().into())).await {
        return;
    }
    let mut is_asked = false;
    loop {
        let message = tokio::select! {
            Some(text) = ready.recv() => {
                shared.metrics.sent();
                if !send(&mut socket, Message::Text(text.into())).await {
                    return;
                }
                continue;
            }
            received = tokio::time::timeout(SILENCE, socket.recv()) => match received {
                Ok(Some(Ok(message))) => message,
                Ok(Some(Err(_)) | None) => return,
                Err(_) if is_asked => return,
                Err(_) => {
                    is_asked = true;
                    if !send(&mut socket, Message::Ping(Vec::new().into())).await {
                        return;
                    }
                    continue;
                }
            },
        };
        is_asked = false;
        let text = match message {
            Message::Text(text) => text,
            Message::Ping(_) | Message::Pong(_) => continue,
            Message::Binary(_) | Message::Close(_) => return,
        };
        if let Some(answer) = heard(&shared, &text, &outbox, &mut subscriptions)
            && !send(&mut socket, Message::Text(answer.to_string().into())).await
        {
            return;
        }
    }
}

async fn send(socket: &mut WebSocket, message: Message) -> bool {
    matches!(tokio::time::timeout(PATIENCE, socket.send(message)).await, Ok(Ok(())))
}

fn refused(id: Option<u64>, code: &str, message: &str) -> Value {
    json!({"error": {"id": id, "code": code, "message": message}})
}

/// Does what a client asks, and says what is to be answered at once.
fn heard(
    shared: &Arc<Shared>,
    text: &str,
    outbox: &mpsc::Sender<String>,
    subscriptions: &mut BTreeMap<u64, Subscription>,
) -> Option<Value> {
    let asked: FromClient = match serde_json::from_str(text) {
        Ok(asked) => asked,
        Err(error) => return Some(refused(None, "malformed", &error.to_string())),
    };
    match asked {
        FromClient::Ping(number) => Some(json!({"pong": number})),
        FromClient::Unsubscribe(Of { id }) => {
            subscriptions.remove(&id);
            None
        }
        FromClient::Resync(Of { id }) => match subscriptions.get(&id) {
            // One that is asked for twice at a time is sent once.
            Some(subscription) => {
                let _ = subscription.again.try_send(());
                None
            }
            None => Some(refused(Some(id), "no_subscription", "nothing is subscribed under this id")),
        },
        FromClient::Subscribe(subscribe) => {
            let id = subscribe.id;
            if subscriptions.len() >= SUBSCRIPTIONS && !subscriptions.contains_key(&id) {
                return Some(refused(
                    Some(id),
                    "too_many",
                    &format!("a socket has {SUBSCRIPTIONS} subscriptions"),
                ));
            }
            match subscription(shared, subscribe, outbox) {
                Ok(subscription) => {
                    subscriptions.insert(id, subscription);
                    None
                }
                Err(error) => Some(refused(Some(id), error.code, &error.message)),
            }
        }
    }
}

fn subscription(
    shared: &Arc<Shared>,
    Subscribe { id, view, params }: Subscribe,
    outbox: &mpsc::Sender<String>,
) -> Result<Subscription, ApiError> {
    let missing =
        || ApiError::new(StatusCode::NOT_FOUND, "no_view", format!("there is no view '{view}'"), "");
    let of = views::of(&view).ok_or_else(missing)?;
    let params = Params(params);
    let mut checked = params.clone();
    views::bump_of(&mut checked)?;
    checked.check(of)?;
    let updates = Topics::watch(shared, of, params)?;
    let (again, asked) = mpsc::channel(1);
    let task = tokio::spawn(follow(shared.clone(), id, updates, (outbox.clone(), asked)));
    Ok(Subscription { task, again })
}

/// Sends the updates of one subscription: a change where the one before was sent, a whole one otherwise.
async fn follow(
    shared: Arc<Shared>,
    id: u64,
    mut updates: watch::Receiver<Option<Update>>,
    (outbox, mut asked): (mpsc::Sender<String>, mpsc::Receiver<()>),
) {
    let mut sent: Option<u64> = None;
    updates.mark_changed();
    loop {
        tokio::select! {
            changed = updates.changed() => if changed.is_err() { return },
            Some(()) = asked.recv() => sent = None,
        }
        let Some(update) = updates.borrow_and_update().clone() else { continue };
        if sent == Some(update.number) {
            continue;
        }
        let text = text(id, sent, &update);
        if outbox.send(text).await.is_err() {
            return;
        }
        if let Some(made) = update.made {
            shared.metrics.lag(made.elapsed());
        }
        sent = Some(update.number);
    }
}

fn text(id: u64, sent: Option<u64>, update: &Update) -> String {
    let number = update.number;
    match (&update.whole, &update.patch) {
        (Err(message), _) => refused(Some(id), "no_figure", message).to_string(),
        // Both are text already, the same for every client.
        (Ok(_), Some(patch)) if sent == Some(number - 1) => {
            format!("{{\"delta\":{{\"id\":{id},\"n\":{number},\"patch\":{patch}}}}}")
        }
        (Ok(whole), _) => {
            format!("{{\"snapshot\":{{\"id\":{id},\"n\":{number},\"envelope\":{}}}}}", whole.text())
        }
    }
}
