//! `plimsoll demo`: the engine over a journal, in front of paper venues in a generated market.
//!
//! The script of the world has a calm stretch, a crash, an outage, oracle faults, a reorganisation, deleveraging, a recovery; the policy
//! really fires. World and engine know simulated time only, so the same seed gives the same journal but for where commits end, at any
//! speed and on any machine; the clock of the wall decides when the next second is shown. It ends by itself, or on Ctrl-C with a whole
//! journal.

mod desk;
mod pace;

use super::serving::{Serving, logs};
use crate::alerting::{ChannelSummary, GRACE, SHORT_GRACE, Summary};
use crate::cli::{DemoArgs, DemoView, ReportForm};
use crate::failure::Failure;
use crate::output::put;
use crate::render::json::pretty;
use desk::{Desk, Tally};
use pace::Pace;
use paper::{Seed, World, WorldConfig};
use serde::Serialize;
use server::{About, Mode, Role};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use units::Timestamp;

const POLICY: &str = include_str!("../../../../../policies/demo.toml");
/// How long one step of the loop is: what is sent is on its way at the end of one.
const STEP_MILLIS: i64 = 100;
const BY_CTRL_C: &str = "by Ctrl-C";

#[derive(Serialize)]
struct DemoJson<'a> {
    schema: &'static str,
    journal: String,
    seed: u64,
    simulated_seconds: u64,
    tally: &'a Tally,
    state: &'static str,
    head: String,
    state_blake3: String,
    ended: &'static str,
    alerts: &'a [ChannelSummary],
}

/// Runs the command.
pub(crate) fn run(args: &DemoArgs) -> Result<ExitCode, Failure> {
    let start = args.start.unwrap_or(default_start());
    let (world, policy) = (world(args, start)?, policy(args)?);
    let folder = folder(args.journal.as_deref())?;
    let prepared = args.alerts.as_deref().map(|path| super::prepared(path, &folder, &policy)).transpose()?;
    let stop = super::interrupted()?;
    let mut desk = Desk::open(&folder, world, &policy, start)?;
    if let Some(prepared) = prepared {
        logs();
        desk.alert(prepared.start(desk.last(), &[])?);
    }
    let is_told = args.format == ReportForm::Table && args.view == DemoView::Lines;
    if is_shown(args) {
        desk.serve(serving(args, &folder)?);
        if let Some(url) = desk.url() {
            eprintln!("plimsoll demo: {url}");
        }
    }
    if is_told {
        eprintln!(
            "plimsoll demo: journal {0}; in another terminal: plimsoll top {0}; Ctrl-C ends it",
            folder.display()
        );
    }
    let played = play(args, &mut desk, start, &stop);
    let grace = if matches!(played, Ok((_, BY_CTRL_C))) { SHORT_GRACE } else { GRACE };
    let alerts = desk.silence().map(|alerting| alerting.finish(grace)).unwrap_or_default();
    let code = super::delivered(&alerts);
    let (now, ended) = played?;
    if desk.url().is_some() && ended != BY_CTRL_C && std::io::stderr().is_terminal() {
        eprintln!("plimsoll demo: over; the page stays until Ctrl-C");
        while !stop.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(200));
        }
    }
    finish(args, &desk, &folder, (now, start), (ended, &alerts))?;
    Ok(code)
}

/// Until its end, and why it came, with a whole journal.
fn play(
    args: &DemoArgs,
    desk: &mut Desk,
    start: Timestamp,
    stop: &AtomicBool,
) -> Result<(Timestamp, &'static str), Failure> {
    let mut pace = Pace::new(args);
    let end = start.plus_millis(i64::from(args.seconds) * 1_000);
    let mut now = start;
    let ended = loop {
        if stop.load(Ordering::Relaxed) || pace.wants_out()? {
            break BY_CTRL_C;
        }
        if args.events.is_some_and(|events| desk.tally().events >= events) {
            break "by the number of events";
        }
        if now >= end {
            break "at its end";
        }
        now = now.plus_millis(STEP_MILLIS);
        desk.advance(now)?;
        pace.show(desk, now)?;
    };
    pace.close();
    desk.close()?;
    Ok((now, ended))
}

/// The page is beside every demo that somebody watches, and where it is asked for.
fn is_shown(args: &DemoArgs) -> bool {
    let is_watched = args.format == ReportForm::Table && args.view != DemoView::None;
    is_watched || args.serve.listen.is_some()
}

fn serving(args: &DemoArgs, folder: &Path) -> Result<Serving, Failure> {
    let speed = match args.speed.per_second() {
        Some(speed) => format!("{speed}x"),
        None => "as fast as it goes".into(),
    };
    let about = About { name: "demo".into(), mode: Mode::Paper, speed: Some(speed) };
    Serving::start(&args.serve, &about, (folder, super::genesis()), Some(("you", Role::Risk)))
}

fn default_start() -> Timestamp {
    Timestamp::from_utc_date(2026, 11, 25, 12).unwrap_or(Timestamp::from_unix_nanos(0))
}

fn world(args: &DemoArgs, start: Timestamp) -> Result<World, Failure> {
    let config = match &args.world {
        None => WorldConfig::embedded(),
        Some(path) => {
            let text = read(path)?;
            WorldConfig::parse(&path.display().to_string(), &text)
                .map_err(|issues| Failure::Input(issues.to_string()))?
        }
    };
    World::new(&config, Seed::new(args.seed), start).map_err(|error| Failure::Input(error.to_string()))
}

fn policy(args: &DemoArgs) -> Result<String, Failure> {
    let Some(path) = &args.policy else { return Ok(POLICY.to_owned()) };
    let text = read(path)?;
    engine::Policy::parse(&path.display().to_string(), &text, &instrument::Specs::embedded())
        .map_err(|issues| Failure::Input(issues.to_string()))?;
    Ok(text)
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::Input(format!("{}: cannot read: {error}", path.display())))
}

/// A folder without a journal: a demo begins anew, and never in what somebody has kept.
fn folder(wanted: Option<&Path>) -> Result<PathBuf, Failure> {
    let is_free = |path: &Path| std::fs::read_dir(path).map_or(true, |mut entries| entries.next().is_none());
    if let Some(path) = wanted {
        if is_free(path) {
            return Ok(path.to_path_buf());
        }
        return Err(Failure::Input(format!(
            "{}: is not empty: a demo begins with an empty journal; name another folder, or leave --journal out",
            path.display()
        )));
    }
    let names = (1..1_000)
        .map(|n| PathBuf::from(if n == 1 { "demo-journal".into() } else { format!("demo-journal-{n}") }));
    let mut free = names.filter(|path| is_free(path));
    free.next().ok_or_else(|| {
        Failure::Input("demo-journal to demo-journal-999 are all taken: name a folder by --journal".into())
    })
}

fn finish(
    args: &DemoArgs,
    desk: &Desk,
    folder: &Path,
    (now, start): (Timestamp, Timestamp),
    (ended, alerts): (&'static str, &Summary),
) -> Result<(), Failure> {
    let seconds = (now.unix_nanos() - start.unix_nanos()) / 1_000_000_000;
    let (tally, engine) = (desk.tally(), desk.engine());
    let text = match args.format {
        ReportForm::Json => pretty(&DemoJson {
            schema: "plimsoll.demo/1",
            journal: folder.display().to_string(),
            seed: args.seed,
            simulated_seconds: seconds.unsigned_abs(),
            tally,
            state: engine.state().word(),
            head: desk.head(),
            state_blake3: journal::Machine::state_hash(engine).to_string(),
            ended,
            alerts: &alerts.0,
        })
        .map_err(|error| Failure::Input(error.to_string()))?,
        ReportForm::Table => format!(
            "ended      {ended}, after {seconds} simulated seconds\n\
             events     {} in {} commits; refused {}, rows of quotes refused {}\n\
             rules      {} proposals, {} orders sent, {} fills of them, {} cancels, {} held back\n\
             limits     {} levels crossed, {} changes of state; the book is {}\n\
             venues     {} connections lost, {} fills undone by reorganisations, {} differences, {} adopted\n\
             {said}journal    {dir}, head {}\n\
             next       plimsoll verify {dir} · plimsoll replay {dir} · plimsoll top {dir} --once\n",
            tally.events,
            tally.commits,
            tally.refused,
            tally.quotes_refused,
            tally.proposals,
            tally.orders,
            tally.fills,
            tally.cancels,
            tally.held_back,
            tally.levels,
            tally.states,
            engine.state().word(),
            tally.links_lost,
            tally.undone,
            tally.differences,
            tally.adopted,
            desk.head(),
            dir = folder.display(),
            said = alerts.lines(),
        ),
    };
    put(None, text.as_bytes())
}
