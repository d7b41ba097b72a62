//! Live views, computed once for everybody who watches the same: the newest envelope, and what changed since the one before.
//!
//! A topic runs while somebody watches it. It takes a frame when it arrives, in the long run as often as its view allows; between two updates
//! frames pass by, and the newest of them is taken when nothing newer comes. Each watcher holds only the newest: who is slow misses
//! updates, and gets a whole one when it is fast again.

use crate::frame::{Frame, Turn};
use crate::http::{ApiError, computed};
use crate::patch::patch;
use crate::server::Shared;
use crate::views::{Params, View};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Views of so many kinds are computed live at a time.
const MOST: usize = 256;

/// An update.
#[derive(Debug, Clone)]
pub(crate) struct Update {
    /// Counts up by one.
    pub(crate) number: u64,
    /// The whole envelope, or why there is none.
    pub(crate) whole: Result<Arc<Whole>, Arc<str>>,
    /// The change from the one before as RFC 6902 operations, as text; none where there was none before.
    pub(crate) patch: Option<Arc<str>>,
    /// When its frame was made.
    pub(crate) made: Option<Instant>,
}

/// An envelope; its text is written once for all who need it whole.
#[derive(Debug)]
pub(crate) struct Whole {
    value: Value,
    text: OnceLock<String>,
}

impl Whole {
    const fn new(value: Value) -> Self {
        Self { value, text: OnceLock::new() }
    }

    pub(crate) fn text(&self) -> &str {
        self.text.get_or_init(|| self.value.to_string())
    }
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

/// A frame may be taken so much before the next one is due: a beat has jitter.
const EARLY: Duration = Duration::from_millis(25);
/// A frame that was passed by waits so long after that for one on the topic's turn: in a beat one comes every hundred milliseconds, and
/// what is a little too early for one turn waits for the next.
const LATE: Duration = Duration::from_millis(90);
/// Views that are computed less often than this cost more, and leave every second frame of a beat to the others.
const QUICK: Duration = Duration::from_millis(100);

/// When a topic takes frames: in the long run one in each spacing at most. Times are since the topic began.
#[derive(Debug, Clone, Copy)]
struct Beat {
    spacing: Duration,
    due: Duration,
}

impl Beat {
    const fn new(spacing: Duration) -> Self {
        Self { spacing, due: Duration::ZERO }
    }

    fn is_turn(&self, turn: Turn) -> bool {
        match turn {
            Turn::Everybody => true,
            Turn::Quick => self.spacing <= QUICK,
            Turn::Thorough => self.spacing > QUICK,
        }
    }

    /// True when a frame is taken now, whether it has just come or has waited.
    fn takes(&self, turn: Turn, now: Duration) -> bool {
        now >= self.due + LATE || (self.is_turn(turn) && now + EARLY >= self.due)
    }

    /// How long a frame that was passed by waits for a newer one; outside a beat none may come.
    fn patience(&self, turn: Turn, now: Duration) -> Duration {
        let until = if turn == Turn::Everybody { self.due.saturating_sub(EARLY) } else { self.due + LATE };
        until.saturating_sub(now)
    }

    /// One that came late does not put the next one off: the beat is kept.
    fn taken(&mut self, now: Duration) {
        self.due = self.due.max(now.saturating_sub(EARLY)) + self.spacing;
    }
}

/// Computes a topic until nobody watches it.
#[allow(clippy::disallowed_methods)] // the edge measures time
async fn run(shared: Arc<Shared>, view: &'static View, key: Key, topic: watch::Sender<Option<Update>>) {
    let begun = Instant::now();
    let mut beat = Beat::new(Duration::from_millis(view.every_millis));
    let mut frames = shared.hub.newest.clone();
    frames.mark_changed();
    let (mut number, mut before, mut passed) = (0, None, None);
    loop {
        let patience = passed.map(|turn| beat.patience(turn, begun.elapsed()));
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
            () = tokio::time::sleep(patience.unwrap_or_default()), if patience.is_some() => passed = None,
        }
        let Some(frame) = frames.borrow_and_update().clone() else { continue };
        if !beat.takes(frame.turn, begun.elapsed()) {
            passed = Some(frame.turn);
            continue;
        }
        passed = None;
        beat.taken(begun.elapsed());
        number += 1;
        let update = update(&shared, (view, &key.1), frame, (number, before.take())).await;
        before = update.whole.as_ref().ok().cloned();
        topic.send_replace(Some(update));
    }
    shared.topics.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
}

/// Computes an update of this number, and what has changed since the one before.
async fn update(
    shared: &Arc<Shared>,
    (view, params): (&'static View, &Params),
    frame: Arc<Frame>,
    (number, before): (u64, Option<Arc<Whole>>),
) -> Update {
    let (inner, params, made) = (shared.clone(), params.clone(), frame.made);
    let work = move || {
        let whole = Whole::new(one(&inner, view, params, frame)?);
        let patch = before.and_then(|before| patch(&before.value, &whole.value).ok());
        Ok((Arc::new(whole), patch.map(Into::into)))
    };
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.unwrap_or_else(|_| Err("the view failed: the log of the server says more".into()));
    match done {
        Ok((whole, patch)) => Update { number, whole: Ok(whole), patch, made },
        Err(why) => Update { number, whole: Err(why), patch: None, made },
    }
}

fn one(shared: &Shared, view: &View, mut params: Params, frame: Arc<Frame>) -> Result<Value, Arc<str>> {
    let bump = crate::views::bump_of(&mut params).map_err(ApiError::from);
    let frame = bump.and_then(|bump| match bump {
        None => Ok(frame),
        Some(bump) => {
            let failed = |error: market::BumpError| crate::views::ViewError::NoFigure(error.to_string());
            Ok(Arc::new(frame.bumped(bump).map_err(failed)?))
        }
    });
    frame.and_then(|frame| computed(shared, view, &params, &frame)).map_err(|error| error.message.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames every 50 ms, up to 12 ms late, whose turn alternates: which of them a topic takes as they arrive.
    fn taken(spacing: u64) -> Vec<u64> {
        let mut beat = Beat::new(Duration::from_millis(spacing));
        let late = |frame: u64| (frame * 7 + frame * frame) % 13;
        let mut taken = Vec::new();
        for frame in 0..200 {
            let now = Duration::from_millis(frame * 50 + late(frame));
            let turn = if frame % 2 == 0 { Turn::Quick } else { Turn::Thorough };
            if beat.takes(turn, now) {
                beat.taken(now);
                taken.push(frame);
            }
        }
        taken
    }

    #[test]
    fn every_second_frame_of_a_beat_is_taken_as_it_arrives() {
        assert_eq!(taken(100), (0..100).map(|place| 2 * place).collect::<Vec<u64>>());
    }

    #[test]
    fn what_costs_more_takes_the_frames_between() {
        for spacing in [250, 1_000] {
            let taken = taken(spacing);
            // The first may be taken late: nothing was due yet.
            assert!(taken.iter().skip(1).all(|frame| frame % 2 == 1), "{taken:?}");
            let most = 200 * 50 / spacing + 1;
            assert!(taken.len() as u64 > most * 3 / 4 && taken.len() as u64 <= most, "{taken:?}");
        }
    }

    #[test]
    fn updates_are_no_more_than_one_a_spacing_whatever_the_frames() {
        for between in 1..200 {
            let mut beat = Beat::new(Duration::from_millis(100));
            let mut taken = 0;
            for now in (0..10_000).step_by(between).map(Duration::from_millis) {
                if beat.takes(Turn::Everybody, now) {
                    beat.taken(now);
                    taken += 1;
                }
            }
            // The first at once, and the last may come early.
            assert!(taken <= 101, "{taken} in 100 spacings, frames {between} ms apart");
        }
    }

    #[test]
    fn a_frame_that_was_passed_by_is_taken_when_none_comes_after_it() {
        for turn in [Turn::Everybody, Turn::Quick, Turn::Thorough] {
            let mut beat = Beat::new(Duration::from_millis(100));
            beat.taken(Duration::ZERO);
            let now = Duration::from_millis(50);
            assert!(!beat.takes(turn, now));
            let waits = if turn == Turn::Everybody { 25 } else { 140 };
            assert_eq!(beat.patience(turn, now), Duration::from_millis(waits));
            assert!(beat.takes(turn, now + beat.patience(turn, now)));
        }
    }
}
