//! What every command on margin starts from, and what every answer rests on.

use super::document::RulebookLine;
use super::figures::{AccountFigures, Extrapolated, Missing, MissingKind, Status};
use super::whatif::Planned;
use crate::cli::{InputArgs, RulesArgs};
use crate::document::InputFile;
use crate::failure::Failure;
use crate::load::{Loaded, Rules, load};
use ::margin::{AccountState, NoRulebook, account_states};
use book::{Book, Origin, RefusedKind};
use instrument::{Contract, Terms};
use market::{ForwardSource, Market, VolSource};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use units::{Account, Fixed, Issue, Issues, Venue};

/// Accounts with their rules, looked up.
pub(crate) struct Desk {
    pub(crate) loaded: Loaded,
    pub(crate) rules: Rules,
    pub(crate) states: Vec<AccountState>,
    /// What of the book is more than numbers.
    pub(crate) knowledge: Knowledge,
}

/// What is known of the book's accounts besides their states.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Knowledge {
    /// Accounts that hold more than balances; a leg that the market cannot price, or a row that was refused, counts.
    with_derivatives: BTreeSet<(Account, Venue)>,
    /// How many rows of an account were refused.
    bad_rows: BTreeMap<(Account, Venue), usize>,
    /// Contracts beyond the market's quotes, and what of them is held flat.
    extrapolated: BTreeMap<Contract, &'static str>,
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
    /// Whose they are, by file and row.
    pub(crate) refused: BTreeMap<(String, u64), (Account, Venue)>,
    /// What a reader should know about inputs and market.
    pub(crate) notes: Vec<String>,
}

impl Desk {
    /// Reads what the command line names; of the accounts only those named, all when none is.
    pub(crate) fn load(inputs: &InputArgs, rules: &RulesArgs, named: &[Account]) -> Result<Self, Failure> {
        let mut loaded = load(inputs)?;
        let (rules, rule_inputs) = Rules::load(rules, &loaded.book)?;
        loaded.inputs.extend(rule_inputs);
        let mut states = account_states(&loaded.book, &loaded.market);
        let mut knowledge = Knowledge::of(&loaded.book, &loaded.market);
        choose(&mut states, &mut knowledge, named)?;
        Ok(Self { loaded, rules, states, knowledge })
    }

    /// Each account by its rulebook, by account and venue.
    pub(crate) fn margined(&self) -> Vec<AccountFigures> {
        let mut accounts = margined(&self.states, &self.rules, &self.knowledge);
        accounts.extend(self.without_sound_rows());
        accounts.sort_by(|a, b| (&a.account, &a.venue).cmp(&(&b.account, &b.venue)));
        accounts
    }

    /// Accounts of which every row was refused.
    pub(crate) fn without_sound_rows(&self) -> Vec<AccountFigures> {
        let held: BTreeSet<(&Account, &Venue)> =
            self.states.iter().map(|state| (&state.account, &state.venue)).collect();
        let all = self.knowledge.bad_rows.iter();
        let absent = all.filter(|((account, venue), _)| !held.contains(&(account, venue)));
        absent
            .map(|((account, venue), rows)| {
                AccountFigures::empty(account.clone(), venue.clone()).with_bad_rows(*rows)
            })
            .collect()
    }

    /// Bad rows and what is in no figure end the command, unless a partial result is allowed.
    pub(crate) fn check(&self, accounts: &[AccountFigures], inputs: &InputArgs) -> Result<(), Failure> {
        self.check_by(accounts, inputs, |account, missing| {
            Held::new(account, missing).row(missing, &[&self.loaded.book], "book")
        })
    }

    /// The same of accounts after changes: what the changes brought is named by the row or option that did.
    pub(super) fn check_changed(
        &self,
        accounts: &[AccountFigures],
        inputs: &InputArgs,
        planned: &Planned,
    ) -> Result<(), Failure> {
        self.check_by(accounts, inputs, |account, missing| {
            let origin = planned.origin(&account.account, &account.venue);
            Held::new(account, missing).row(missing, &[&self.loaded.book, &planned.added], origin)
        })
    }

    fn check_by(
        &self,
        accounts: &[AccountFigures],
        inputs: &InputArgs,
        row: impl Fn(&AccountFigures, &Missing) -> Issue,
    ) -> Result<(), Failure> {
        let mut found: Vec<Issue> = Vec::new();
        for account in accounts {
            found.extend(account.missing.iter().map(|missing| row(account, missing)));
        }
        found.sort();
        let mut unmargined = Issues::default();
        found.into_iter().for_each(|issue| unmargined.push(issue));
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
        notes.extend(self.knowledge.extrapolated_note());
        notes.extend(self.rules.unused(&used(&rulebooks)));
        let refused = book.refused.into_iter();
        let refused =
            refused.map(|row| ((row.origin.file.to_string(), row.origin.row), (row.account, row.venue)));
        Basis { market, inputs, rulebooks, issues, refused: refused.collect(), notes }
    }
}

/// Ids of rulebooks with their parameter hashes.
pub(crate) fn used(rulebooks: &[RulebookLine]) -> BTreeSet<(&str, &str)> {
    rulebooks.iter().map(|line| (line.header.id.as_str(), line.parameter_hash.as_str())).collect()
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

fn choose(
    states: &mut Vec<AccountState>,
    knowledge: &mut Knowledge,
    named: &[Account],
) -> Result<(), Failure> {
    if named.is_empty() {
        return Ok(());
    }
    let refused = knowledge.bad_rows.keys().map(|(account, _)| account);
    let held: BTreeSet<&Account> = states.iter().map(|state| &state.account).chain(refused).collect();
    if let Some(absent) = named.iter().find(|account| !held.contains(account)) {
        let held: Vec<&str> = held.into_iter().map(Account::as_str).collect();
        return Err(Failure::Usage(format!(
            "--account {absent}: the book has no such account; it has: {}",
            held.join(", ")
        )));
    }
    states.retain(|state| named.contains(&state.account));
    knowledge.bad_rows.retain(|(account, _), _| named.contains(account));
    Ok(())
}

/// Each account by its rulebook, in parallel, in the order given.
pub(crate) fn margined(states: &[AccountState], rules: &Rules, knowledge: &Knowledge) -> Vec<AccountFigures> {
    let one = |state: &AccountState| match rules.of(state) {
        Ok(rulebook) => knowledge.complete(AccountFigures::margined(&rulebook.margin(state)), state),
        Err(why) => without_rulebook(state, &why, knowledge),
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

impl Knowledge {
    /// What the rows of a book say, on a market.
    pub(crate) fn of(book: &Book, market: &Market) -> Self {
        let mut all = Self::default();
        let contracts = book.positions.iter().filter(|p| p.listing.contract.terms != Terms::Spot);
        all.with_derivatives.extend(contracts.map(|p| (p.account.clone(), p.venue.clone())));
        for row in &book.refused {
            let place = (row.account.clone(), row.venue.clone());
            if row.held == RefusedKind::Position {
                all.with_derivatives.insert(place.clone());
            }
            *all.bad_rows.entry(place).or_default() += 1;
        }
        for position in &book.positions {
            let contract = &position.listing.contract;
            if let Some(what) = extrapolated(contract, market) {
                all.extrapolated.insert(contract.clone(), what);
            }
        }
        all
    }

    /// Takes over what another book says.
    pub(crate) fn extend(&mut self, other: Self) {
        self.with_derivatives.extend(other.with_derivatives);
        self.extrapolated.extend(other.extrapolated);
    }

    /// A model's figures of an account, with what the model cannot know.
    pub(crate) fn complete(&self, figures: AccountFigures, state: &AccountState) -> AccountFigures {
        let place = (state.account.clone(), state.venue.clone());
        let rows = self.bad_rows.get(&place).copied().unwrap_or_default();
        let beyond = state.legs.iter().filter_map(|leg| {
            let what = self.extrapolated.get(&leg.contract)?;
            Some(Extrapolated { instrument: leg.symbol.clone(), what })
        });
        let extrapolated = beyond.collect();
        AccountFigures { extrapolated, ..figures.with_bad_rows(rows) }
    }

    fn extrapolated_note(&self) -> Option<String> {
        const NAMED: usize = 10;
        let count = self.extrapolated.len();
        let named = self.extrapolated.iter().take(NAMED);
        let mut names: Vec<String> = named.map(|(contract, what)| format!("{contract} ({what})")).collect();
        if count > NAMED {
            names.push(format!("and {} more, by account in JSON", count - NAMED));
        }
        (count > 0).then(|| {
            format!(
                "{count} held contracts lie beyond the market's quotes and are priced with what is held flat from the nearest \
                 quote: {}",
                names.join(", ")
            )
        })
    }
}

/// What of an option or dated future the market holds flat beyond its quotes; none where the quotes reach.
fn extrapolated(contract: &Contract, market: &Market) -> Option<&'static str> {
    let beyond = |source| matches!(source, ForwardSource::Extrapolated | ForwardSource::Index);
    match contract.terms {
        Terms::Option { .. } => {
            let state = market.option_state(contract).ok()?;
            match (beyond(state.forward_source), state.vol_source == VolSource::Extrapolated) {
                (true, true) => Some("forward and vol"),
                (true, false) => Some("forward"),
                (false, true) => Some("vol"),
                (false, false) => None,
            }
        }
        Terms::Future { .. } => {
            let state = market.future_state(contract).ok()?;
            beyond(state.source).then_some("forward")
        }
        Terms::Perpetual | Terms::Spot => None,
    }
}

/// Its equity, and that nobody knows what is asked of it.
fn without_rulebook(state: &AccountState, why: &NoRulebook, knowledge: &Knowledge) -> AccountFigures {
    let mut missing: Vec<Missing> =
        state.unmargined.iter().map(|u| Missing::holding(&u.symbol, &u.reason)).collect();
    let place = (state.account.clone(), state.venue.clone());
    let mut status = Status::NoDerivatives;
    if knowledge.with_derivatives.contains(&place) {
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
    let (account, venue) = place;
    let figures = AccountFigures { status, equity_usd, missing, ..AccountFigures::empty(account, venue) };
    knowledge.complete(figures, state)
}

/// A holding by its name, to be found in book files.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held<'a> {
    pub(crate) account: &'a Account,
    pub(crate) venue: &'a Venue,
    /// Venue's symbol, or asset.
    pub(crate) name: &'a str,
}

impl<'a> Held<'a> {
    const fn new(account: &'a AccountFigures, missing: &'a Missing) -> Self {
        Self { account: &account.account, venue: &account.venue, name: missing.name.as_str() }
    }

    fn row(self, missing: &Missing, books: &[&Book], elsewhere: &str) -> Issue {
        let rule = format!("account {}: {}", self.account, missing.reason);
        match missing.kind {
            MissingKind::Holding => self.issue(books, elsewhere, rule),
            MissingKind::Account => {
                let first = self.first(books, |_| true);
                let issue = self.at(first.map(|(origin, _)| (origin, "venue")), elsewhere, rule);
                Issue { field: "venue".into(), ..issue }
            }
        }
    }

    /// An issue at the first row that has it, or at what else brought it.
    pub(crate) fn issue(self, books: &[&Book], elsewhere: &str, rule: String) -> Issue {
        self.at(self.first(books, |name| name == self.name), elsewhere, rule)
    }

    fn first<'b>(
        self,
        books: &[&'b Book],
        is_named: impl Fn(&str) -> bool,
    ) -> Option<(&'b Origin, &'static str)> {
        let here = |account: &Account, venue: &Venue| account == self.account && venue == self.venue;
        let positions = books.iter().flat_map(|book| &book.positions).filter(|p| here(&p.account, &p.venue));
        let positions =
            positions.filter(|p| is_named(p.listing.symbol.as_str())).map(|p| (&p.origin, "instrument"));
        let balances = books.iter().flat_map(|book| &book.balances).filter(|b| here(&b.account, &b.venue));
        let balances = balances.filter(|b| is_named(b.money.asset.as_str())).map(|b| (&b.origin, "asset"));
        positions.chain(balances).min()
    }

    fn at(self, first: Option<(&Origin, &'static str)>, elsewhere: &str, rule: String) -> Issue {
        Issue {
            file: first.map_or_else(|| elsewhere.to_owned(), |(origin, _)| origin.file.to_string()),
            row: first.map_or(0, |(origin, _)| origin.row),
            field: first.map_or("instrument or asset", |(_, field)| field).into(),
            value: self.name.to_owned(),
            rule,
        }
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
