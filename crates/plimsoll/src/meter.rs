//! A progress bar on standard error for anything that takes over a second, and only on a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Shows nothing for the first second.
pub(crate) struct Meter {
    label: String,
    started: Instant,
    bar: Option<ProgressBar>,
}

impl Meter {
    #[allow(clippy::disallowed_methods)] // the binary may look at the clock: it decides only when a bar appears
    pub(crate) fn new(label: impl Into<String>) -> Self {
        Self { label: label.into(), started: Instant::now(), bar: None }
    }

    /// Notes how far the work has come.
    pub(crate) fn at(&mut self, done: u64, total: u64) {
        if self.bar.is_none()
            && self.started.elapsed() > Duration::from_secs(1)
            && std::io::stderr().is_terminal()
        {
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{msg:30} {bar:40} {percent:>3} % {eta}") {
                bar.set_style(style);
            }
            bar.set_message(self.label.clone());
            self.bar = Some(bar);
        }
        if let Some(bar) = &self.bar {
            bar.set_length(total.max(done));
            bar.set_position(done);
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
