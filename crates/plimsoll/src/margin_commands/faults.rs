//! What named faults do to the margin of every account, as published.

use super::desk::Desk;
use super::figures::{Missing, Published};
use crate::document::InputFile;
use crate::failure::Failure;
use ::margin::{AccountState, Effect, Fault, FaultKind, Standing};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use std::collections::BTreeSet;
use std::path::Path;
use units::{Account, Asset, Fixed, UnitError, Venue};

/// The faults of every `--faults` without a file.
const FAULTS_TOML: &str = include_str!("../../../../scenarios/faults.toml");

/// Every fault: what it does to the accounts that it changes, and why it changes none.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FaultsFigures {
    /// In the order of the file, then by account and venue.
    pub(crate) effects: Vec<FaultFigures>,
    /// Faults that change no account.
    pub(crate) without_effect: Vec<QuietFault>,
}

/// A fault that changes no account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QuietFault {
    pub(crate) fault: String,
    pub(crate) source: String,
    pub(crate) reason: String,
}

/// A fault on one account that it changes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FaultFigures {
    pub(crate) fault: String,
    pub(crate) source: String,
    pub(crate) account: Account,
    pub(crate) venue: Venue,
    pub(crate) rulebook: String,
    /// Without the fault.
    pub(crate) before: FaultSide,
    /// What the venue computes after it and acts on.
    pub(crate) venue_view: FaultSide,
    /// What it would compute on true prices.
    pub(crate) truth: FaultSide,
    /// Truth less the venue's view of what is left to liquidation: below zero is a loss that the venue does not see.
    pub(crate) hidden_usd: Fixed,
    pub(crate) outcome: FaultOutcome,
    /// What the fault did.
    pub(crate) note: Option<String>,
    /// What the figures leave out.
    pub(crate) unmargined: Vec<Missing>,
}

/// How an account stands on one set of prices, USD.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub(crate) struct FaultSide {
    pub(crate) equity_usd: Fixed,
    pub(crate) requirement_usd: Published,
    /// Counted equity less requirement.
    pub(crate) surplus_usd: Published,
}

/// Whether the account survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FaultOutcome {
    /// Neither the venue nor the truth liquidates it.
    Stands,
    /// The same, but what counts no longer covers the initial requirement, to the venue or in truth.
    BelowInitial,
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
            Self::BelowInitial => "below initial",
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
            Self::BelowInitial => "below_initial",
            Self::LiquidatableBefore => "liquidatable_before",
            Self::Liquidated => "liquidated",
            Self::LiquidatedWrongly => "liquidated_wrongly",
            Self::Unseen => "unseen",
        }
    }
}

/// Every fault on every account with a rulebook.
pub(super) fn figures(desk: &mut Desk, file: Option<&Path>) -> Result<FaultsFigures, Failure> {
    let (name, text) = match file {
        None => ("faults.toml".to_owned(), FAULTS_TOML.to_owned()),
        Some(path) => {
            let name = path.display().to_string();
            let text = std::fs::read_to_string(path)
                .map_err(|e| Failure::Input(format!("{name}: cannot read: {e}")))?;
            (name, text)
        }
    };
    let faults = Fault::parse(&name, &text).map_err(|issues| Failure::Faults { issues })?;
    if file.is_some() {
        desk.loaded.inputs.push(InputFile {
            blake3: blake3::hash(text.as_bytes()).to_hex().to_string(),
            path: name,
            role: "faults",
            rows: faults.len() as u64,
            asof: None,
        });
    }
    let mut all = FaultsFigures { effects: Vec::new(), without_effect: Vec::new() };
    for fault in &faults {
        let effects: Vec<Effect> = desk
            .states
            .par_iter()
            .filter_map(|state| Some(fault.effect(desk.rules.of(state).ok()?, state)))
            .collect();
        let before = all.effects.len();
        for effect in &effects {
            all.effects.extend(publish(fault, effect)?);
        }
        if all.effects.len() == before {
            all.without_effect.push(QuietFault {
                fault: fault.name.clone(),
                source: fault.source.clone(),
                reason: why_quiet(fault, &effects, desk),
            });
        }
    }
    Ok(all)
}

/// Why a fault changes no account: what it names is not there, or what each account says of it.
fn why_quiet(fault: &Fault, effects: &[Effect], desk: &Desk) -> String {
    let there = |effect: &&Effect| fault.venue.as_ref().is_none_or(|venue| *venue == effect.place.venue);
    if let Some(venue) = &fault.venue {
        if !desk.states.iter().any(|state| state.venue == *venue) {
            let held: BTreeSet<&str> = desk.states.iter().map(|state| state.venue.as_str()).collect();
            let held: Vec<&str> = held.into_iter().collect();
            return format!("no account is on venue {venue}; the book is on: {}", held.join(", "));
        }
        if !effects.iter().any(|effect| there(&effect)) {
            return format!("no account on {venue} has a rulebook");
        }
    }
    let named: &[Asset] = match &fault.kind {
        FaultKind::OracleOffset(moved) | FaultKind::OracleStale(moved) => &moved.assets,
        FaultKind::Depeg { asset, .. } => std::slice::from_ref(asset),
        FaultKind::Adl | FaultKind::Haircut { .. } => &[],
    };
    let states = || desk.states.iter().filter(|s| fault.venue.as_ref().is_none_or(|venue| *venue == s.venue));
    let absent = |asset: &&Asset| !states().any(|state| depends_on(state, asset));
    if !named.is_empty() && named.iter().all(|asset| absent(&asset)) {
        let names: Vec<&str> = named.iter().map(Asset::as_str).collect();
        return format!("no account that it strikes holds or trades {}", names.join(" or "));
    }
    let notes: BTreeSet<&str> = effects.iter().filter(there).filter_map(|e| e.note.as_deref()).collect();
    let notes: Vec<&str> = notes.into_iter().collect();
    if notes.is_empty() { "no figure of an account with a rulebook changes".into() } else { notes.join("; ") }
}

/// True when the asset's price is in the state.
fn depends_on(state: &AccountState, asset: &Asset) -> bool {
    let trades =
        |leg: &::margin::Leg| leg.contract.underlying == *asset || leg.contract.settlement_asset() == asset;
    state.balances.iter().any(|held| held.asset == *asset) || state.legs.iter().any(trades)
}

/// None when the fault changes nothing there.
fn publish(fault: &Fault, effect: &Effect) -> Result<Option<FaultFigures>, Failure> {
    let side = |standing: &Standing| {
        FaultSide::new(standing).map_err(|error| {
            Failure::Input(format!("fault '{}' on {}: {error}: look at its size", fault.name, effect.place))
        })
    };
    let (before, venue_view) = (side(&effect.before)?, side(&effect.venue_view)?);
    let truth = side(&effect.truth)?;
    if before == venue_view && before == truth {
        return Ok(None);
    }
    let sound = |side: &FaultSide| side.surplus_usd.maintenance >= Fixed::ZERO;
    let short = |side: &FaultSide| side.surplus_usd.initial < Fixed::ZERO;
    let outcome = match (sound(&before), sound(&venue_view), sound(&truth)) {
        (false, ..) => FaultOutcome::LiquidatableBefore,
        (true, true, true) if !short(&before) && (short(&venue_view) || short(&truth)) => {
            FaultOutcome::BelowInitial
        }
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
        before,
        venue_view,
        truth,
        hidden_usd: truth.surplus_usd.maintenance - venue_view.surplus_usd.maintenance,
        outcome,
        note: effect.note.clone(),
        unmargined: effect.unmargined.iter().map(|u| Missing::holding(&u.symbol, &u.reason)).collect(),
    }))
}

impl FaultSide {
    fn new(standing: &Standing) -> Result<Self, UnitError> {
        Ok(Self {
            equity_usd: Fixed::quantise_down(standing.equity_usd)?,
            requirement_usd: Published::asked(standing.requirement)?,
            surplus_usd: Published::left(standing.counted, standing.requirement, standing.surplus)?,
        })
    }
}
