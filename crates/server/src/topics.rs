//! Live views, computed once for everybody who watches the same: the newest envelope, and what changed since the one before.
//!
//! A topic runs while somebody watches it. It computes when there is a new frame, at most as often as its view allows; between two
//! updates frames pass by. Each watcher holds only the newest: who is slow misses updates, and gets a whole one when it is fast again.

use crate::frame::Frame;
use crate::http::{ApiError, computed};
use crate::server::Shared;
use crate::views::{Params, View};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// Views of so many kinds are computed live at a time.
const MOST: usize = 256;

/// An update.
#[derive(Debug, Clone)]
pub(crate) struct Update {
    /// Counts up by one.
    pub(crate) number: u64,
    /// The whole envelope, or why there is none.
    pub(crate) whole: Result<Arc<Value>, Arc<str>>,
    /// The change from the one before as RFC 6902 operations, as text; none where there was none before.
    pub(crate) patch: Option<Arc<str>>,
    /// Set when the state is not older than this (the moment its frame was made).
    pub(crate) made: std::time::Instant,
}

type Key = (&'static str, Params);

/// What is being watched.
#[derive(Debug, Default)]
pub(crate) struct Topics {
    running: Mutex<BTreeMap<Key, watch::Sender<Option<Update>>>>,
}

impl Topics {
    /// Watches a view; the first watcher starts it.
    pub(crate) fn watch(
        shared: &Arc<Shared>,
        view: &'static View,
        params: Params,
    ) -> Result<watch::Receiver<Option<Update>>, ApiError> {
        let key = (view.name, params);
        let mut running = shared.topics.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(topic) = running.get(&key) {
            return Ok(topic.subscribe());
        }
        if running.len() >= MOST {
            let status = axum::http::StatusCode::TOO_MANY_REQUESTS;
            let message = format!("{MOST} different views are being watched");
            return Err(ApiError::new(
                status,
                "topics",
                message,
                "watch fewer, or with the same parameters as others",
            ));
        }
        let (topic, seen) = watch::channel(None);
        running.insert(key.clone(), topic.clone());
        tokio::spawn(run(shared.clone(), view, key, topic));
        Ok(seen)
    }

    pub(crate) fn count(&self) -> usize {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// Computes a topic until nobody watches it.
async fn run(shared: Arc<Shared>, view: &'static View, key: Key, topic: watch::Sender<Option<Update>>) {
    let mut frames = shared.hub.newest.clone();
    frames.mark_changed();
    let mut number = 0;
    let mut before: Option<Arc<Value>> = None;
    loop {
        tokio::select! {
            () = topic.closed() => {
                let mut running = shared.topics.running.lock().unwrap_or_else(PoisonError::into_inner);
                // Somebody may have come in just now.
                if topic.receiver_count() == 0 {
                    running.remove(&key);
                    return;
                }
                continue;
            }
            changed = frames.changed() => if changed.is_err() { break },
        }
        let Some(frame) = frames.borrow_and_update().clone() else { continue };
        let made = shared.hub.made();
        let whole = one(&shared, view, &key.1, frame).await;
        let patch = match (&before, &whole) {
            (Some(before), Ok(after)) => patch(before, after),
            _ => None,
        };
        before = whole.as_ref().ok().cloned();
        number += 1;
        topic.send_replace(Some(Update { number, whole, patch, made }));
        tokio::time::sleep(Duration::from_millis(view.every_millis)).await;
    }
    shared.topics.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
}

async fn one(
    shared: &Arc<Shared>,
    view: &'static View,
    params: &Params,
    frame: Arc<Frame>,
) -> Result<Arc<Value>, Arc<str>> {
    let (shared, mut params) = (shared.clone(), params.clone());
    let work = move || {
        let bump = crate::views::bump_of(&mut params).map_err(ApiError::from)?;
        let frame = match bump {
            None => frame,
            Some(bump) => {
                let failed = |error: market::BumpError| crate::views::ViewError::NoFigure(error.to_string());
                Arc::new(frame.bumped(bump).map_err(failed).map_err(ApiError::from)?)
            }
        };
        computed(&shared, view, &params, &frame)
    };
    let done = tokio::task::spawn_blocking(work).await;
    match done {
        Ok(Ok(value)) => Ok(Arc::new(value)),
        Ok(Err(error)) => Err(error.message.into()),
        Err(_) => Err("the view failed: the log of the server says more".into()),
    }
}

fn patch(before: &Value, after: &Value) -> Option<Arc<str>> {
    serde_json::to_string(&json_patch::diff(before, after)).ok().map(Into::into)
}
