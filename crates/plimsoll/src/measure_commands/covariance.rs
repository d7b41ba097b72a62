//! `plimsoll covariance`: a covariance file from recorded prices and vols.

use super::law::{Recorded, proxies, recorded, refused};
use crate::cli::CovarianceArgs;
use crate::failure::Failure;
use crate::output::put;
use risk::covariance::{Covariance, CovarianceFile};
use risk::history::{Factor, Overlap, Panel};
use std::path::Path;
use std::process::ExitCode;

/// Runs the command; bad rows of a history end it, because what it writes outlives the warning.
pub(crate) fn run(args: &CovarianceArgs) -> Result<ExitCode, Failure> {
    if args.factors.history.is_empty() {
        return Err(Failure::Usage("pass --history ASSET=FILE at least once".into()));
    }
    let Recorded { history, inputs, issues } = recorded(&args.factors.history)?;
    if !issues.is_empty() {
        let none = Box::new(units::Issues::default());
        return Err(Failure::Incomplete { issues: Box::new(issues), unpriced: none });
    }
    let factors: Vec<Factor> = history.keys().cloned().collect();
    let moves = Panel::new(&history, &factors).and_then(|panel| panel.moves(args.horizon, Overlap::None));
    let moves = moves.map_err(refused)?;
    let covariance = Covariance::from_moves(&moves).map_err(refused)?;
    covariance.cholesky().map_err(refused)?;
    // The folder of a file is its owner's business.
    let name = |path: &str| {
        Path::new(path).file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned())
    };
    let files: Vec<String> = args
        .factors
        .history
        .iter()
        .zip(&inputs)
        .map(|((asset, _), input)| {
            format!(
                "{asset}={} (blake3 {})",
                name(&input.path),
                input.blake3.chars().take(12).collect::<String>()
            )
        })
        .collect();
    let source = format!(
        "plimsoll covariance --horizon {}, {} joint windows, {} days left out for lack of a level: {}",
        args.horizon,
        moves.windows.len(),
        moves.days_skipped,
        files.join(", ")
    );
    let day = |at: Option<units::Timestamp>| {
        at.map_or_else(String::new, |at| at.to_string().chars().take(10).collect())
    };
    let file = CovarianceFile {
        source,
        valid_from: day(moves.windows.first().map(|w| w.from)),
        valid_to: day(moves.windows.last().map(|w| w.to)),
        covariance,
        proxies: proxies(&args.factors, &factors.into_iter().collect())?,
    };
    put(args.output.as_deref(), file.to_toml().as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
