//! How fast it goes, and what is seen of it.

use super::super::top::{View, lines_since};
use super::desk::Desk;
use crate::cli::{DemoArgs, DemoView, ReportForm};
use crate::failure::Failure;
use std::time::{Duration, Instant};
use units::Timestamp;

/// A screen is drawn so often.
const FRAME: Duration = Duration::from_millis(250);

/// The clock of the wall against the simulated one.
pub(super) struct Pace {
    /// Simulated seconds a second; none for as fast as it goes.
    speed: Option<f64>,
    begun: Instant,
    first: Option<Timestamp>,
    view: Option<View>,
    drawn: Instant,
    is_told: bool,
    said: u64,
}

impl Pace {
    #[allow(clippy::disallowed_methods)] // the binary paces what is shown by the clock; nothing of record depends on it
    pub(super) fn new(args: &DemoArgs) -> Self {
        let is_table = args.format == ReportForm::Table;
        Self {
            speed: args.speed.per_second(),
            begun: Instant::now(),
            first: None,
            view: (is_table && args.view == DemoView::Top).then(View::open).and_then(Result::ok),
            drawn: Instant::now(),
            is_told: is_table && args.view == DemoView::Lines,
            said: 0,
        }
    }

    /// Shows what is new, and waits until the simulated time has come.
    #[allow(clippy::disallowed_methods)] // see above
    pub(super) fn show(&mut self, desk: &mut Desk, now: Timestamp) -> Result<(), Failure> {
        if self.is_told {
            for (time, line) in lines_since(&desk.lines, desk.said, self.said) {
                println!("{} {:<8} {line}", super::super::top::clock(*time), desk.regime());
            }
        }
        self.said = desk.said;
        if let Some(view) = &mut self.view
            && self.drawn.elapsed() >= FRAME
        {
            self.drawn = Instant::now();
            let name = format!("demo, {}", desk.regime());
            view.draw(&name, desk.engine(), (desk.last(), now), &desk.lines)?;
        }
        let first = *self.first.get_or_insert(now);
        if let Some(speed) = self.speed {
            #[allow(clippy::cast_precision_loss)] // a run is days at most
            let simulated = (now.unix_nanos() - first.unix_nanos()) as f64 * 1e-9;
            let due = Duration::from_secs_f64(simulated / speed);
            if let Some(wait) = due.checked_sub(self.begun.elapsed()) {
                std::thread::sleep(wait);
            }
        }
        Ok(())
    }

    /// True when somebody leaves the screen.
    pub(super) fn wants_out(&self) -> Result<bool, Failure> {
        self.view.as_ref().map_or(Ok(false), View::wants_out)
    }

    /// Gives the terminal back.
    pub(super) fn close(&mut self) {
        self.view = None;
    }
}
