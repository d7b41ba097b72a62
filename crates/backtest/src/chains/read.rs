//! Histories out of files, one snapshot in memory at a time.

use super::history::{History, HistoryBuilder, HistoryError, NoPerpetual};
use lake::{FeedLayout, FeedRow, LakeError, Progress, SeriesPoint, for_each_row, for_each_snapshot};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use units::{Asset, Issues, Timestamp};

/// Which files, and what of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Files {
    /// Chains, in order of time.
    pub chains: Vec<PathBuf>,
    /// Prices of perpetuals.
    pub perpetuals: Vec<PathBuf>,
    /// Which underlyings.
    pub underlyings: Vec<Asset>,
    /// What is done where the perpetual was not recorded.
    pub no_perpetual: NoPerpetual,
    /// The first instant that is used.
    pub from: Option<Timestamp>,
    /// The first instant that is not used any more.
    pub until: Option<Timestamp>,
}

/// Why there is no history.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A file cannot be read.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// What was read is no history.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// Nothing was quoted for an underlying.
    #[error(
        "no snapshot of {0} in the files named, between the instants named: check underlyings, from and until"
    )]
    Nothing(Asset),
}

impl Files {
    /// Reads them: histories in the order of the underlyings, and every row that breaks a rule.
    ///
    /// # Errors
    /// [`ReadError`]: a file as a whole cannot be used, or an underlying has no snapshot.
    pub fn read(&self, progress: &mut dyn FnMut(Progress)) -> Result<(Vec<History>, Issues), ReadError> {
        let mut builder = HistoryBuilder::new(&self.underlyings, self.no_perpetual);
        for path in &self.perpetuals {
            let mut failed = None;
            for_each_snapshot(path, &mut |raw| step(builder.perpetuals(raw), &mut failed), &mut |_| {})?;
            failed.map_or(Ok(()), Err)?;
        }
        let is_wanted = |time: Timestamp| {
            self.from.is_none_or(|from| time >= from) && self.until.is_none_or(|until| time < until)
        };
        for path in &self.chains {
            let mut failed = None;
            let mut visit = |raw: market::RawSnapshot| {
                if is_wanted(raw.asof) {
                    step(builder.chain(raw), &mut failed)
                } else {
                    ControlFlow::Continue(())
                }
            };
            for_each_snapshot(path, &mut visit, progress)?;
            failed.map_or(Ok(()), Err)?;
        }
        let (histories, issues) = builder.finish();
        match histories.iter().find(|history| history.moments.is_empty()) {
            Some(history) => Err(ReadError::Nothing(history.asset.clone())),
            None => Ok((histories, issues)),
        }
    }
}

fn step(done: Result<(), HistoryError>, failed: &mut Option<HistoryError>) -> ControlFlow<()> {
    match done {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            *failed = Some(error);
            ControlFlow::Break(())
        }
    }
}

/// Funding as recorded: when, and the fraction of the notional that longs paid; in order of time. With it, rows that break a rule.
///
/// # Errors
/// The file cannot be read, or is no series.
pub(super) fn read_funding(path: &Path) -> Result<(Vec<(Timestamp, f64)>, Issues), LakeError> {
    let mut points = std::collections::BTreeMap::new();
    let mut visit = |_: FeedLayout, row: FeedRow| {
        if let FeedRow::Point(SeriesPoint { time, value: Some(rate), .. }) = row
            && rate.is_finite()
        {
            points.insert(time, rate);
        }
    };
    let read = for_each_row(path, &mut visit, &mut |_| {})?;
    Ok((points.into_iter().collect(), read.issues))
}
