//! `plimsoll top`: a terminal on the live state, by following the journal of a run in another process.

mod draw;
mod follow;
mod state;

use crate::cli::{ReportForm, TopArgs};
use crate::failure::Failure;
use crate::meter::Meter;
use crate::output::put;
use crate::render::json::pretty;
use engine::Engine;
use follow::Follower;
use journal::Seq;
use ratatui::backend::TestBackend;
use ratatui::buffer::Cell;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::{DefaultTerminal, Terminal};
use state::Screen;
use std::collections::VecDeque;
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use units::Timestamp;

/// Runs the command. Without a terminal, or when asked to, one moment is printed.
pub(crate) fn run(args: &TopArgs) -> Result<ExitCode, Failure> {
    let mut follower = Follower::open(&args.folder)?;
    let mut meter = Meter::new(format!("reading {}", args.folder.display()));
    follower.catch_up(&mut |events| meter.at(events, 0))?;
    drop(meter);
    let name = args.folder.display().to_string();
    let is_live = !args.once && args.format == ReportForm::Table && std::io::stdout().is_terminal();
    if is_live {
        watch(args, &name, &mut follower)?;
        return Ok(ExitCode::SUCCESS);
    }
    let screen = Screen::of(&name, &follower.engine, (follower.last, follower.time), &follower.lines);
    let text = match args.format {
        ReportForm::Table => frame(&screen, (args.width, args.height))?,
        ReportForm::Json => pretty(&screen).map_err(|error| Failure::Input(error.to_string()))?,
    };
    put(None, text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// Redraws until somebody leaves.
fn watch(args: &TopArgs, name: &str, follower: &mut Follower) -> Result<(), Failure> {
    let mut view = View::open()?;
    loop {
        let name = format!("{name}   {}", written(&args.folder));
        view.draw(&name, &follower.engine, (follower.last, follower.time), &follower.lines)?;
        if view.wants_out_within(Duration::from_millis(args.refresh_ms))? {
            return Ok(());
        }
        follower.catch_up(&mut |_| {})?;
    }
}

/// When the journal was last written, by the clock of the wall: a run that has died says nothing else.
fn written(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let segments = entries.filter(|entry| entry.path().extension().is_some_and(|of| of == "seg"));
    let newest = segments.filter_map(|entry| entry.metadata().ok()?.modified().ok()).max();
    match newest.and_then(|time| time.elapsed().ok()).map(|age| age.as_secs()) {
        None => String::new(),
        Some(0..=9) => "being written".to_owned(),
        Some(seconds) => format!("NOT WRITTEN for {seconds} s: its run may be over"),
    }
}

/// The terminal as a screen; it is given back when this goes.
pub(super) struct View {
    terminal: DefaultTerminal,
}

impl View {
    /// Takes the terminal.
    pub(super) fn open() -> Result<Self, Failure> {
        Ok(Self { terminal: ratatui::try_init().map_err(failed)? })
    }

    /// Draws one moment.
    pub(super) fn draw(
        &mut self,
        name: &str,
        engine: &Engine,
        at: (Seq, Timestamp),
        lines: &VecDeque<(Timestamp, String)>,
    ) -> Result<(), Failure> {
        let screen = Screen::of(name, engine, at, lines);
        self.terminal.draw(|frame| draw::draw(frame, &screen)).map(drop).map_err(failed)
    }

    /// True when somebody has left.
    pub(super) fn wants_out(&self) -> Result<bool, Failure> {
        self.wants_out_within(Duration::ZERO)
    }

    /// Waits for a key for so long; true for q, Escape and Ctrl-C.
    fn wants_out_within(&self, wait: Duration) -> Result<bool, Failure> {
        if !event::poll(wait).map_err(failed)? {
            return Ok(false);
        }
        let Event::Key(key) = event::read().map_err(failed)? else { return Ok(false) };
        let is_interrupt = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
        let is_leave = is_interrupt || matches!(key.code, KeyCode::Char('q') | KeyCode::Esc);
        Ok(key.kind == KeyEventKind::Press && is_leave)
    }
}

impl Drop for View {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

#[allow(clippy::needless_pass_by_value)] // used as a map_err function
fn failed(error: std::io::Error) -> Failure {
    Failure::Input(format!("terminal: {error}"))
}

/// The lines that came after so many of all.
pub(super) fn lines_since(
    lines: &VecDeque<(Timestamp, String)>,
    said: u64,
    before: u64,
) -> impl Iterator<Item = &(Timestamp, String)> {
    let new = usize::try_from(said.saturating_sub(before)).unwrap_or(usize::MAX);
    lines.iter().skip(lines.len().saturating_sub(new))
}

/// Month, day and second: `11-26 08:00:01`.
pub(super) fn clock(time: Timestamp) -> String {
    let text = time.to_string();
    text.get(5..19).map_or_else(|| text.clone(), |part| part.replace('T', " "))
}

/// One moment as text.
fn frame(screen: &Screen, (width, height): (u16, u16)) -> Result<String, Failure> {
    let failed = |error: std::convert::Infallible| Failure::Input(error.to_string());
    let mut terminal = Terminal::new(TestBackend::new(width, height)).map_err(failed)?;
    terminal.draw(|frame| draw::draw(frame, screen)).map_err(failed)?;
    let buffer = terminal.backend().buffer();
    let lines = (0..height).map(|y| {
        let line: String = (0..width).filter_map(|x| buffer.cell((x, y))).map(Cell::symbol).collect();
        line.trim_end().to_owned() + "\n"
    });
    let text: String = lines.collect();
    Ok(text.trim_end().to_owned() + "\n")
}
