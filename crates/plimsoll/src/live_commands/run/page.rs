//! The dashboard beside a run: snapshots come at the speed that was asked for, people act between two of them, and what is shown stays when
//! the recordings are over, until Ctrl-C.

use super::super::interrupted;
use super::super::serving::Serving;
use crate::cli::RunArgs;
use crate::failure::Failure;
use engine::{Engine, Output};
use journal::{Head, Released};
use server::{About, Asked, Mode, Role};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use units::Timestamp;

/// How often people are listened to while nothing else happens.
const LISTEN: Duration = Duration::from_millis(20);

/// The page, and the clock by which snapshots come.
pub(super) struct Page {
    serving: Serving,
    stop: Arc<AtomicBool>,
    /// Seconds of the recording a second; none for as fast as it goes.
    speed: Option<f64>,
    /// The first snapshot, and when it came.
    first: Option<(Timestamp, Instant)>,
}

/// Options of a page are of no use without one.
pub(super) fn check(args: &RunArgs) -> Result<(), Failure> {
    let serve = &args.serve;
    let is_meant = serve.tokens.is_some() || serve.tls_certificate.is_some() || !serve.host.is_empty();
    if serve.listen.is_none() && is_meant {
        let text = "--host, --tokens and --tls-... are of the dashboard: say where it listens, such as --listen 127.0.0.1:8321";
        return Err(Failure::Usage(text.into()));
    }
    Ok(())
}

impl Page {
    /// Beside the run, where `--listen` asks for it.
    pub(super) fn open(args: &RunArgs, journal: &Path) -> Result<Option<Self>, Failure> {
        if args.serve.listen.is_none() {
            return Ok(None);
        }
        let speed = args.speed.per_second();
        let about = About {
            name: args.config.display().to_string(),
            mode: Mode::Recorded,
            speed: speed.map(|speed| format!("{speed}x")),
        };
        let past = (journal, super::genesis());
        let serving = Serving::start(&args.serve, &about, past, Some(("you", Role::Risk)))?;
        eprintln!("plimsoll run: {}", serving.url());
        Ok(Some(Self { serving, stop: interrupted()?, speed, first: None }))
    }

    /// True once somebody has pressed Ctrl-C.
    pub(super) fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Shows what a commit came to.
    pub(super) fn show(&mut self, engine: &Engine, head: Head, outputs: &[Released<Output>]) {
        for released in outputs {
            self.serving.publisher.say(engine.now(), released);
        }
        self.serving.publisher.publish(engine, head);
    }

    /// The newest state, though the last frame is fresh.
    pub(super) fn settle(&mut self, engine: &Engine, head: Head) {
        self.serving.publisher.publish_last(engine, head);
    }

    /// The next command that somebody gives, if one waits.
    pub(super) fn asked(&mut self) -> Option<Asked> {
        self.serving.publisher.asked()
    }

    /// How long until a snapshot is due.
    #[allow(clippy::disallowed_methods)] // the binary paces what is shown by the clock; nothing of record depends on it
    pub(super) fn until(&mut self, snapshot: Timestamp) -> Duration {
        let (first, begun) = *self.first.get_or_insert((snapshot, Instant::now()));
        let Some(speed) = self.speed else { return Duration::ZERO };
        #[allow(clippy::cast_precision_loss)] // years at most
        let recorded = (snapshot.unix_nanos() - first.unix_nanos()).max(0) as f64 * 1e-9;
        Duration::try_from_secs_f64(recorded / speed).unwrap_or(Duration::MAX).saturating_sub(begun.elapsed())
    }

    /// A pause between two looks at who asks.
    pub(super) fn pause(&self, most: Duration) {
        std::thread::sleep(most.min(LISTEN));
    }
}
