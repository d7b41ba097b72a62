//! What a new position would take of every account and venue that can hold it, as published: the cheapest first.
//!
//! A place is an account of the book, or a new account, empty, on a venue that a rulebook claims and the book is not on. It is
//! a candidate when its venue's grammar spells the contract and its rulebook covers it; every other place is listed with the
//! reason. Whether the venue lists the contract today is not known here.

use super::desk::Desk;
use super::figures::{AccountFigures, Published};
use crate::cli::NewPosition;
use crate::failure::Failure;
use ::margin::{AccountState, Candidate, Leg, Marginal, Rulebook, account_states, cheapest_venues};
use book::{BookBuilder, RawRow, RowKind};
use instrument::Specs;
use std::collections::BTreeSet;
use units::{Account, Symbol, UnitError, Venue};

/// Places for a new position.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CheapestFigures {
    /// The positions that compete, as given.
    pub(crate) positions: Vec<PositionFigures>,
    /// Candidates, by what they take of the surplus at the initial level, the least first.
    pub(crate) places: Vec<PlaceFigures>,
    /// The others.
    pub(crate) not_candidates: Vec<NotCandidate>,
    /// How many candidates a table for a terminal shows.
    pub(crate) top: usize,
}

/// A position that nobody holds yet.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PositionFigures {
    /// As given.
    pub(crate) position: String,
    /// The contract wherever it is listed.
    pub(crate) contract: String,
    /// In canonical units: coins, or USD of inverse futures.
    pub(crate) quantity: f64,
}

/// What the position takes of one account.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PlaceFigures {
    /// Place in `positions`.
    pub(crate) position: usize,
    /// None: a new account.
    pub(crate) account: Option<Account>,
    pub(crate) venue: Venue,
    /// As the venue spells the contract.
    pub(crate) instrument: Symbol,
    pub(crate) rulebook: String,
    /// Requirement with the position less that without.
    pub(crate) requirement_usd: Published,
    /// Surplus without the position less that with it.
    pub(crate) surplus_usd: Published,
    /// Surplus with the position: initial is what is left available.
    pub(crate) left_usd: Published,
    /// The account with it, as files and as tables call it.
    pub(crate) status: (&'static str, String),
    /// Something of the account is in no figure, with the position as without.
    pub(crate) is_partial: bool,
}

/// Why a place cannot hold the position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NotCandidate {
    /// Place in `positions`.
    pub(crate) position: usize,
    /// None: a new account.
    pub(crate) account: Option<Account>,
    pub(crate) venue: Venue,
    pub(crate) reason: String,
}

/// A place with the position as its venue spells it.
struct Site<'a> {
    position: usize,
    /// None: a new account.
    account: Option<Account>,
    state: &'a AccountState,
    rulebook: &'a Rulebook,
    leg: Leg,
}

impl Site<'_> {
    const fn candidate(&self) -> Candidate<'_> {
        Candidate { state: self.state, rulebook: self.rulebook, leg: &self.leg }
    }
}

/// The name under which an account that is not there yet is margined; shown as new.
const NEW: &str = "new account";

/// Ranks every place for the positions; accounts named on the command line leave no room for new ones.
pub(super) fn figures(
    desk: &Desk,
    (positions, top): (&[NewPosition], usize),
    named: &[Account],
) -> Result<CheapestFigures, Failure> {
    let legs = positions.iter().map(|position| leg(position, desk)).collect::<Result<Vec<_>, _>>()?;
    let new = if named.is_empty() { new_accounts(desk)? } else { Vec::new() };
    let (mut sites, mut not_candidates) = (Vec::new(), Vec::new());
    for (position, leg) in legs.iter().enumerate() {
        let held = desk.states.iter().map(|state| (state, Some(state.account.clone())));
        for (state, account) in held.chain(new.iter().map(|state| (state, None))) {
            match spelled(state, leg, desk) {
                Ok((rulebook, leg)) => sites.push(Site { position, account, state, rulebook, leg }),
                Err(reason) => {
                    let venue = state.venue.clone();
                    not_candidates.push(NotCandidate { position, account, venue, reason });
                }
            }
        }
    }
    let mut found = CheapestFigures {
        positions: positions.iter().zip(&legs).map(|(position, leg)| named_position(position, leg)).collect(),
        places: Vec::new(),
        not_candidates,
        top,
    };
    let candidates: Vec<Candidate<'_>> = sites.iter().map(Site::candidate).collect();
    for marginal in cheapest_venues(&candidates) {
        let Some(Site { position, state, account, .. }) = sites.get(marginal.candidate) else { continue };
        let (position, account, venue) = (*position, account.clone(), state.venue.clone());
        let published = match marginal.why_not() {
            None => publish(&marginal, state, desk).map_err(|error| error.to_string()),
            Some(reason) => Err(reason),
        };
        match published {
            Ok(place) => found.places.push(PlaceFigures { position, account, ..place }),
            Err(reason) => found.not_candidates.push(NotCandidate { position, account, venue, reason }),
        }
    }
    Ok(found)
}

fn named_position(position: &NewPosition, leg: &Leg) -> PositionFigures {
    let (position, contract) = (position.to_string(), leg.contract.to_string());
    PositionFigures { position, contract, quantity: leg.quantity }
}

/// The position as a row of a book would be read, at its mark.
fn leg(position: &NewPosition, desk: &Desk) -> Result<Leg, Failure> {
    let specs = Specs::embedded();
    let mut builder = BookBuilder::new("--cheapest-venue", &specs);
    builder.add(&RawRow {
        row: 0,
        account: NEW.into(),
        venue: position.venue.to_string(),
        chain: String::new(),
        kind: RowKind::Position {
            instrument: position.instrument.to_string(),
            quantity: position.quantity.clone(),
            average_price: String::new(),
        },
    });
    let (book, issues) = builder.finish();
    if !issues.is_empty() {
        return Err(Failure::Usage(issues.to_string().trim_end().to_owned()));
    }
    let refused = |why: &str| Failure::Usage(format!("--cheapest-venue {position}: {why}"));
    let states = account_states(&book, &desk.loaded.market);
    let Some(state) = states.first() else { return Err(refused("a size of zero takes nothing")) };
    if let Some(missing) = state.unmargined.first() {
        return Err(refused(&missing.reason));
    }
    match state.legs.as_slice() {
        [leg] if leg.quantity != 0.0 => Ok(leg.at_mark()),
        [] if !state.balances.is_empty() => Err(refused("a spot pair is a balance; name a derivative")),
        [_] | [] => Err(refused("a size of zero takes nothing")),
        _ => Err(refused("a combo is several contracts; name one")),
    }
}

/// An empty account on each venue that a rulebook claims and the book is not on.
fn new_accounts(desk: &Desk) -> Result<Vec<AccountState>, Failure> {
    let on: BTreeSet<&Venue> = desk.states.iter().map(|state| &state.venue).collect();
    let claimed = desk.rules.rulebooks.iter().flat_map(|rulebook| &rulebook.header.venues);
    let venues: BTreeSet<&Venue> = claimed.filter(|venue| !on.contains(venue)).collect();
    let account = Account::new(NEW).map_err(|error| Failure::Usage(error.to_string()))?;
    let empty = |venue: &Venue| AccountState {
        account: account.clone(),
        venue: venue.clone(),
        asof: desk.loaded.market.asof,
        legs: Vec::new(),
        balances: Vec::new(),
        unmargined: Vec::new(),
    };
    Ok(venues.into_iter().map(empty).collect())
}

/// The rulebook of the place and the position as its venue spells it, or why it cannot hold the position.
fn spelled<'a>(state: &AccountState, leg: &Leg, desk: &'a Desk) -> Result<(&'a Rulebook, Leg), String> {
    let symbol = instrument::spell(&state.venue, &leg.contract)
        .ok_or_else(|| format!("the venue has no symbol for {}", leg.contract))?;
    let leg = Leg { symbol, ..leg.clone() };
    // Which rulebook fits may depend on what is held: on some venues options and futures have wallets of their own.
    let mut with = state.clone();
    with.legs.push(leg.clone());
    let rulebook = desk.rules.of(&with).map_err(|why| why.to_string())?;
    Ok((rulebook, leg))
}

fn publish(marginal: &Marginal, state: &AccountState, desk: &Desk) -> Result<PlaceFigures, UnitError> {
    let (before, after) = (&marginal.without.outcome, &marginal.with.outcome);
    let asked = Published::asked(after.requirement)?;
    let left = |outcome: &::margin::Outcome| {
        Published::left(outcome.counted, outcome.requirement, outcome.surplus())
    };
    let left_usd = left(after)?;
    let with = desk.knowledge.complete(AccountFigures::margined(&marginal.with), state);
    Ok(PlaceFigures {
        position: 0,
        account: None,
        venue: marginal.with.venue.clone(),
        instrument: marginal.symbol.clone(),
        rulebook: marginal.with.rulebook.clone(),
        requirement_usd: asked.minus(Published::asked(before.requirement)?),
        surplus_usd: left(before)?.minus(left_usd),
        left_usd,
        status: (with.status_key(), with.status_words()),
        is_partial: with.is_partial(),
    })
}
