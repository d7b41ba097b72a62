//! Commands on a journal: run the engine into one, watch it, replay it, verify it.

mod config;
mod demo;
mod fills;
mod replay;
mod run;
mod serve;
mod serving;
mod top;
mod verify;

pub(crate) use demo::run as run_demo;
pub(crate) use replay::run as run_replay;
pub(crate) use run::run as run_live;
pub(crate) use serve::{run as run_serve, token as run_token};
pub(crate) use top::run as run_top;
pub(crate) use verify::run as run_verify;

use crate::alerting::{Prepared, Summary};
use crate::failure::Failure;
use engine::{Engine, Event};
use instrument::Specs;
use journal::{JournalError, JournalId, RealDisk};
use margin::{Rulebook, Rulebooks};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use units::Timestamp;

/// Which journal: one engine's. A folder holds one.
const ID: JournalId = JournalId::new(*b"plimsoll engine ");

/// Rulebooks that ship with the program, as the engine is told of them.
fn rulebooks(is_needed: impl Fn(&Rulebook) -> bool) -> Result<Vec<Event>, Failure> {
    let books = Rulebooks::embedded().map_err(|issues| Failure::Rulebooks { issues })?;
    let texts = books.iter().filter(|book| is_needed(book)).filter_map(|book| {
        let id = &book.header.id;
        let text = Rulebooks::embedded_text(id)?.to_owned();
        Some(Event::Rulebook { file: format!("{id}.toml"), text })
    });
    Ok(texts.collect())
}

/// The state before the first event: time begins with the first clock.
fn genesis() -> Engine {
    Engine::new(Arc::new(Specs::embedded()), Timestamp::from_unix_nanos(0))
}

/// True once somebody has pressed Ctrl-C.
fn interrupted() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let set = stop.clone();
    ctrlc::set_handler(move || set.store(true, Ordering::Relaxed))
        .map_err(|error| Failure::Input(format!("cannot listen for Ctrl-C: {error}")))?;
    Ok(stop)
}

/// Routes of alerts for a journal, and how far each channel has got. Rules that the policy does not have are told.
fn prepared(routes: &Path, folder: &Path, policy: &str) -> Result<Prepared, Failure> {
    let policy = engine::Policy::parse("policy", policy, &Specs::embedded()).ok();
    Prepared::read(routes, folder, policy.as_ref())
}

/// The exit code of a run whose figures are whole.
fn delivered(alerts: &Summary) -> ExitCode {
    if alerts.is_whole() {
        return ExitCode::SUCCESS;
    }
    eprintln!("plimsoll: ALERTS did not all arrive: {}", alerts.lines().trim_start_matches("alerts").trim());
    ExitCode::from(6)
}

fn open(folder: &Path) -> Result<RealDisk, Failure> {
    RealDisk::open(folder).map_err(|error| Failure::Input(format!("{}: {error}", folder.display())))
}

#[allow(clippy::needless_pass_by_value)] // used as a map_err function
fn journal_failure(error: JournalError) -> Failure {
    Failure::Input(error.to_string())
}
