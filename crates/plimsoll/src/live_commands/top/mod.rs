//! `plimsoll top`: a terminal on the live state, by following the journal of a run in another process.

mod draw;
mod follow;
mod state;

use crate::cli::{ReportForm, TopArgs};
use crate::failure::Failure;
use crate::meter::Meter;
use crate::output::put;
use crate::render::json::pretty;
use follow::Follower;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Cell;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use state::Screen;
use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

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
    let screen = Screen::of(&name, &follower);
    let text = match args.format {
        ReportForm::Table => frame(&screen, (args.width, args.height))?,
        ReportForm::Json => pretty(&screen).map_err(|error| Failure::Input(error.to_string()))?,
    };
    put(None, text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// Redraws until somebody leaves.
fn watch(args: &TopArgs, name: &str, follower: &mut Follower) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::Input(format!("terminal: {error}"));
    let mut terminal = ratatui::try_init().map_err(failed)?;
    let result = loop {
        let screen = Screen::of(name, follower);
        if let Err(error) = terminal.draw(|frame| draw::draw(frame, &screen)) {
            break Err(failed(error));
        }
        match wants_out(Duration::from_millis(args.refresh_ms)) {
            Ok(true) => break Ok(()),
            Ok(false) => {}
            Err(error) => break Err(failed(error)),
        }
        if let Err(failure) = follower.catch_up(&mut |_| {}) {
            break Err(failure);
        }
    };
    ratatui::restore();
    result
}

/// Waits for a key for so long; true for q, Escape and Ctrl-C.
fn wants_out(wait: Duration) -> std::io::Result<bool> {
    if !event::poll(wait)? {
        return Ok(false);
    }
    let Event::Key(key) = event::read()? else { return Ok(false) };
    let is_interrupt = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    Ok(key.kind == KeyEventKind::Press
        && (is_interrupt || matches!(key.code, KeyCode::Char('q') | KeyCode::Esc)))
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
