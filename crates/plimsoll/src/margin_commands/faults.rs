//! What named faults do to the margin of every account, as published.

use super::desk::Desk;
use super::figures::Missing;
use crate::document::InputFile;
use crate::failure::Failure;
use ::margin::{Effect, Fault};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use std::path::Path;
use units::{Account, Fixed, UnitError, Venue};

/// The faults of every `--faults` without a file.
const FAULTS_TOML: &str = include_str!("../../../../scenarios/faults.toml");

/// A fault on one account that it changes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FaultFigures {
    pub(crate) fault: String,
    pub(crate) source: String,
    pub(crate) account: Account,
    pub(crate) venue: Venue,
    pub(crate) rulebook: String,
    /// Surplus at maintenance without the fault, USD.
    pub(crate) before_usd: Fixed,
    /// What the venue computes after it and acts on.
    pub(crate) venue_view_usd: Fixed,
    /// What it would compute on true prices.
    pub(crate) truth_usd: Fixed,
    /// Truth less the venue's view: below zero is a loss that the venue does not see.
    pub(crate) hidden_usd: Fixed,
    pub(crate) outcome: FaultOutcome,
    /// What the fault did.
    pub(crate) note: Option<String>,
    /// What the figures leave out.
    pub(crate) unmargined: Vec<Missing>,
}

/// Whether the account survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FaultOutcome {
    /// Neither the venue nor the truth liquidates it.
    Stands,
    /// It was liquidatable before.
    LiquidatableBefore,
    /// The venue liquidates, and on true prices it should.
    Liquidated,
    /// The venue liquidates an account that is sound on true prices.
    LiquidatedWrongly,
    /// The venue leaves an account standing that is short on true prices.
    Unseen,
}

impl FaultOutcome {
    /// In tables.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Stands => "stands",
            Self::LiquidatableBefore => "LIQUIDATABLE before",
            Self::Liquidated => "LIQUIDATED",
            Self::LiquidatedWrongly => "LIQUIDATED WRONGLY",
            Self::Unseen => "SHORT, UNSEEN",
        }
    }

    /// In files.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Stands => "stands",
            Self::LiquidatableBefore => "liquidatable_before",
            Self::Liquidated => "liquidated",
            Self::LiquidatedWrongly => "liquidated_wrongly",
            Self::Unseen => "unseen",
        }
    }
}

/// Every fault on every account with a rulebook; those without an effect are left out.
pub(super) fn figures(desk: &mut Desk, file: Option<&Path>) -> Result<Vec<FaultFigures>, Failure> {
    let (name, text) = match file {
        None => ("faults.toml".to_owned(), FAULTS_TOML.to_owned()),
        Some(path) => {
            let name = path.display().to_string();
            let text = std::fs::read_to_string(path)
                .map_err(|e| Failure::Input(format!("{name}: cannot read: {e}")))?;
            (name, text)
        }
    };
    let faults = Fault::parse(&name, &text).map_err(|issues| Failure::Scenarios { issues })?;
    if file.is_some() {
        desk.loaded.inputs.push(InputFile {
            blake3: blake3::hash(text.as_bytes()).to_hex().to_string(),
            path: name,
            role: "faults",
            rows: faults.len() as u64,
            asof: None,
        });
    }
    let mut found = Vec::new();
    for fault in &faults {
        let effects: Vec<Result<Option<FaultFigures>, Failure>> = desk
            .states
            .par_iter()
            .filter_map(|state| {
                let rulebook = desk.rules.of(state).ok()?;
                Some(publish(fault, &fault.effect(rulebook, state)))
            })
            .collect();
        for effect in effects {
            found.extend(effect?);
        }
    }
    Ok(found)
}

/// None when the fault changes nothing there.
fn publish(fault: &Fault, effect: &Effect) -> Result<Option<FaultFigures>, Failure> {
    let range = |error: UnitError| {
        Failure::Input(format!("fault '{}' on {}: {error}: look at its size", fault.name, effect.place))
    };
    let down = |usd: f64| Fixed::quantise_down(usd).map_err(range);
    let before_usd = down(effect.before.surplus_maintenance_usd)?;
    let venue_view_usd = down(effect.venue_view.surplus_maintenance_usd)?;
    let truth_usd = down(effect.truth.surplus_maintenance_usd)?;
    if before_usd == venue_view_usd && before_usd == truth_usd {
        return Ok(None);
    }
    let sound = |usd: Fixed| usd >= Fixed::ZERO;
    let outcome = match (sound(before_usd), sound(venue_view_usd), sound(truth_usd)) {
        (false, ..) => FaultOutcome::LiquidatableBefore,
        (true, true, true) => FaultOutcome::Stands,
        (true, false, false) => FaultOutcome::Liquidated,
        (true, false, true) => FaultOutcome::LiquidatedWrongly,
        (true, true, false) => FaultOutcome::Unseen,
    };
    Ok(Some(FaultFigures {
        fault: effect.fault.clone(),
        source: fault.source.clone(),
        account: effect.place.account.clone(),
        venue: effect.place.venue.clone(),
        rulebook: effect.rulebook.clone(),
        before_usd,
        venue_view_usd,
        truth_usd,
        hidden_usd: truth_usd - venue_view_usd,
        outcome,
        note: effect.note.clone(),
        unmargined: effect.unmargined.iter().map(|u| Missing::holding(&u.symbol, &u.reason)).collect(),
    }))
}
