//! What every command on margin starts from, and what every answer rests on.

use super::document::RulebookLine;
use super::figures::{AccountFigures, Missing, MissingKind, Status};
use crate::cli::{InputArgs, RulesArgs};
use crate::document::InputFile;
use crate::failure::Failure;
use crate::load::{Loaded, Rules, load};
use ::margin::{AccountState, NoRulebook, account_states};
use book::Book;
use instrument::Terms;
use market::Market;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use std::collections::BTreeSet;
use std::process::ExitCode;
use units::{Account, Fixed, Issue, Issues, Venue};

/// Accounts with their rules, looked up.
pub(crate) struct Desk {
    pub(crate) loaded: Loaded,
    pub(crate) rules: Rules,
    pub(crate) states: Vec<AccountState>,
}

/// Provenance of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Basis {
    pub(crate) market: Market,
    pub(crate) inputs: Vec<InputFile>,
    /// Those in use, by id.
    pub(crate) rulebooks: Vec<RulebookLine>,
    /// Bad rows, left out because the user allowed a partial result.
    pub(crate) issues: Issues,
    /// What a reader should know about inputs and market.
    pub(crate) notes: Vec<String>,
}

/// Accounts that hold more than balances.
pub(crate) type WithDerivatives = BTreeSet<(Account, Venue)>;

impl Desk {
    /// Reads what the command line names; of the accounts only those named, all when none is.
    pub(crate) fn load(inputs: &InputArgs, rules: &RulesArgs, named: &[Account]) -> Result<Self, Failure> {
        let mut loaded = load(inputs)?;
        let (rules, rule_inputs) = Rules::load(rules, &loaded.book)?;
        loaded.inputs.extend(rule_inputs);
        let mut states = account_states(&loaded.book, &loaded.market);
        choose(&mut states, named)?;
        Ok(Self { loaded, rules, states })
    }

    /// Each account by its rulebook.
    pub(crate) fn margined(&self) -> Vec<AccountFigures> {
        margined(&self.states, &self.rules, &with_derivatives(&self.loaded.book))
    }

    /// Bad rows and what is in no figure end the command, unless a partial result is allowed.
    pub(crate) fn check(&self, accounts: &[AccountFigures], inputs: &InputArgs) -> Result<(), Failure> {
        let unmargined = missing_rows(accounts, &self.loaded.book);
        if inputs.allow_partial || (unmargined.is_empty() && self.loaded.issues.is_empty()) {
            return Ok(());
        }
        let issues = Box::new(self.loaded.issues.clone());
        Err(Failure::Unmargined { issues, unmargined: Box::new(unmargined) })
    }

    /// What an answer by these rulebooks rests on.
    pub(crate) fn basis(self, rulebooks: Vec<RulebookLine>) -> Basis {
        let Loaded { book, market, inputs, issues, mut notes, snapshot, .. } = self.loaded;
        notes.extend(market.notes.iter().cloned());
        notes.extend(without_entry(&book));
        let not_used = snapshot.not_used.iter();
        notes.extend(not_used.map(|(reason, count)| format!("{count} market rows not used: {reason}")));
        Basis { market, inputs, rulebooks, issues, notes }
    }
}

/// The exit code of a result, with a word about what it lacks.
pub(crate) fn exit_code(missing: usize, issues: &Issues) -> ExitCode {
    if missing == 0 && issues.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!(
        "plimsoll: PARTIAL: accounts, positions and balances not margined: {missing}; bad input rows left out: {}",
        issues.rows()
    );
    ExitCode::from(4)
}

fn choose(states: &mut Vec<AccountState>, named: &[Account]) -> Result<(), Failure> {
    if named.is_empty() {
        return Ok(());
    }
    let held: BTreeSet<&Account> = states.iter().map(|state| &state.account).collect();
    if let Some(absent) = named.iter().find(|account| !held.contains(account)) {
        let held: Vec<&str> = held.into_iter().map(Account::as_str).collect();
        return Err(Failure::Usage(format!(
            "--account {absent}: the book has no such account; it has: {}",
            held.join(", ")
        )));
    }
    states.retain(|state| named.contains(&state.account));
    Ok(())
}

/// Each account by its rulebook, in parallel, in the order given.
pub(crate) fn margined(
    states: &[AccountState],
    rules: &Rules,
    with_derivatives: &WithDerivatives,
) -> Vec<AccountFigures> {
    let one = |state: &AccountState| match rules.of(state) {
        Ok(rulebook) => AccountFigures::margined(&rulebook.margin(state)),
        Err(why) => {
            let place = (state.account.clone(), state.venue.clone());
            without_rulebook(state, with_derivatives.contains(&place).then_some(&why))
        }
    };
    states.par_iter().map(one).collect()
}

/// Rulebooks in use, by id.
pub(crate) fn rulebooks_of(states: &[AccountState], rules: &Rules) -> Vec<RulebookLine> {
    let used: BTreeSet<&str> = states
        .iter()
        .filter_map(|state| rules.of(state).ok())
        .map(|rulebook| rulebook.header.id.as_str())
        .collect();
    used.into_iter().filter_map(|id| rules.rulebooks.get(id)).map(RulebookLine::from).collect()
}

/// Accounts that hold more than balances; a leg that the market cannot price counts.
pub(crate) fn with_derivatives(book: &Book) -> WithDerivatives {
    let contracts = book.positions.iter().filter(|p| p.listing.contract.terms != Terms::Spot);
    contracts.map(|p| (p.account.clone(), p.venue.clone())).collect()
}

/// Its equity, and that nobody knows what is asked of it.
fn without_rulebook(state: &AccountState, needed: Option<&NoRulebook>) -> AccountFigures {
    let mut missing: Vec<Missing> =
        state.unmargined.iter().map(|u| Missing::holding(&u.symbol, &u.reason)).collect();
    let mut status = Status::NoDerivatives;
    if let Some(why) = needed {
        missing.insert(0, Missing::no_rulebook(&state.venue, why));
        status = Status::NoRulebook;
    }
    let equity_usd = match Fixed::quantise_down(state.value_usd()) {
        Ok(equity_usd) => Some(equity_usd),
        Err(error) => {
            missing.push(Missing::out_of_range(&state.venue, &error));
            status = Status::NoFigures;
            None
        }
    };
    let (account, venue) = (state.account.clone(), state.venue.clone());
    AccountFigures { account, venue, status, equity_usd, margin: None, missing }
}

/// What is in no figure, by its first place in the book files, in the order of files and rows.
fn missing_rows(accounts: &[AccountFigures], book: &Book) -> Issues {
    let mut found: Vec<Issue> = Vec::new();
    for account in accounts {
        found.extend(account.missing.iter().map(|missing| missing_row(account, missing, book)));
    }
    found.sort();
    let mut issues = Issues::default();
    found.into_iter().for_each(|issue| issues.push(issue));
    issues
}

fn missing_row(account: &AccountFigures, missing: &Missing, book: &Book) -> Issue {
    let here = |a: &Account, v: &Venue| *a == account.account && *v == account.venue;
    let is_whole = missing.kind == MissingKind::Account;
    let positions = book.positions.iter().filter(|p| here(&p.account, &p.venue)).filter_map(|p| {
        let is_named = is_whole || p.listing.symbol.as_str() == missing.name;
        is_named.then_some((&p.origin, "instrument"))
    });
    let balances = book.balances.iter().filter(|b| here(&b.account, &b.venue)).filter_map(|b| {
        let is_named = is_whole || b.money.asset.as_str() == missing.name;
        is_named.then_some((&b.origin, "asset"))
    });
    let first = positions.chain(balances).min();
    let field = match first {
        _ if is_whole => "venue",
        Some((_, field)) => field,
        None => "instrument",
    };
    Issue {
        file: first.map_or_else(|| "book".into(), |(origin, _)| origin.file.to_string()),
        row: first.map_or(0, |(origin, _)| origin.row),
        field: field.into(),
        value: missing.name.clone(),
        rule: format!("account {}: {}", account.account, missing.reason),
    }
}

/// Futures whose entry nobody gave: what they have gained so far is in no figure.
fn without_entry(book: &Book) -> Option<String> {
    let is_future =
        |p: &&book::Position| matches!(p.listing.contract.terms, Terms::Perpetual | Terms::Future { .. });
    let count = book.positions.iter().filter(is_future).filter(|p| p.average_price.is_none()).count();
    (count > 0).then(|| {
        format!(
            "{count} futures without average_price are taken as entered at today's mark: no gain so far, all of it from here on"
        )
    })
}
