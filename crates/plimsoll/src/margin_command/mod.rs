//! `plimsoll margin`: load, margin every account by its rulebook, render.

mod document;
mod figures;

pub(crate) use document::{Detail, MarginDocument, RulebookLine};
pub(crate) use figures::{
    AccountFigures, ChargeFigures, CollateralFigures, Haircut, LegFigures, MarginFigures, Missing,
    MissingKind, Published, ScenarioFigures, Status, UnitFigures,
};

use crate::cli::{MarginArgs, MarginTableName};
use crate::failure::Failure;
use crate::load::{Loaded, Rules, load};
use crate::output::{Shown, Target, on_threads};
use crate::render::grid::Style;

use crate::render::html;
use crate::render::margin::{json, table, tables};
use book::Book;
use instrument::Terms;
use lake::Table;
use margin::{AccountState, NoRulebook, account_states};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use std::collections::BTreeSet;
use std::process::ExitCode;
use units::{Account, Fixed, Issue, Issues, Venue};

/// Runs the command; the exit code says whether anything is missing.
pub(crate) fn run(args: &MarginArgs) -> Result<ExitCode, Failure> {
    let target = Target::new(&args.output, args.table);
    target.check(args.inputs.book.iter().chain(&args.inputs.market).chain(&args.rules.rules))?;
    let document = on_threads(args.inputs.threads, || document(args))?;
    target.write(&document)?;
    if !document.is_partial() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!(
        "plimsoll: PARTIAL: accounts, positions and balances not margined: {}; bad input rows left out: {}",
        document.missing(),
        document.issues.rows()
    );
    Ok(ExitCode::from(4))
}

fn document(args: &MarginArgs) -> Result<MarginDocument, Failure> {
    let mut loaded = load(&args.inputs)?;
    let (rules, rule_inputs) = Rules::load(&args.rules, &loaded.book)?;
    loaded.inputs.extend(rule_inputs);
    let mut states = account_states(&loaded.book, &loaded.market);
    choose(&mut states, &args.account)?;
    let accounts = margined(&states, &rules, &loaded.book);
    let missing = missing_rows(&accounts, &loaded.book);
    if !args.inputs.allow_partial && (!missing.is_empty() || !loaded.issues.is_empty()) {
        return Err(Failure::Unmargined { issues: Box::new(loaded.issues), unmargined: Box::new(missing) });
    }
    Ok(MarginDocument {
        rulebooks: rulebooks_of(&states, &rules),
        accounts,
        detail: if args.detail || !args.account.is_empty() { Detail::Full } else { Detail::Summary },
        notes: notes(&mut loaded),
        market: loaded.market,
        inputs: loaded.inputs,
        issues: loaded.issues,
    })
}

/// What a reader should know about inputs and market.
pub(crate) fn notes(loaded: &mut Loaded) -> Vec<String> {
    let mut notes = std::mem::take(&mut loaded.notes);
    notes.extend(loaded.market.notes.iter().cloned());
    let not_used = loaded.snapshot.not_used.iter();
    notes.extend(not_used.map(|(reason, count)| format!("{count} market rows not used: {reason}")));
    notes
}

/// Keeps the accounts that are named; all when none is.
pub(crate) fn choose(states: &mut Vec<AccountState>, named: &[Account]) -> Result<(), Failure> {
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
pub(crate) fn margined(states: &[AccountState], rules: &Rules, book: &Book) -> Vec<AccountFigures> {
    let with_derivatives = with_derivatives(book);
    states
        .par_iter()
        .map(|state| match rules.of(state) {
            Ok(rulebook) => AccountFigures::margined(&rulebook.margin(state)),
            Err(why) => {
                let has_derivatives = with_derivatives.contains(&(&state.account, &state.venue));
                without_rulebook(state, has_derivatives.then_some(&why))
            }
        })
        .collect()
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
fn with_derivatives(book: &Book) -> BTreeSet<(&Account, &Venue)> {
    let contracts = book.positions.iter().filter(|p| p.listing.contract.terms != Terms::Spot);
    contracts.map(|p| (&p.account, &p.venue)).collect()
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
pub(crate) fn missing_rows(accounts: &[AccountFigures], book: &Book) -> Issues {
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

impl Shown for MarginDocument {
    type TableName = MarginTableName;

    fn text(&self, style: Style) -> String {
        table::text(self, style)
    }

    fn json(&self) -> Result<String, serde_json::Error> {
        json::json(self)
    }

    fn html(&self) -> String {
        html::margin(self)
    }

    fn table(&self, name: MarginTableName) -> Table {
        tables::table(self, name)
    }
}
