//! `plimsoll whatif`: every account before and after trades, transfers and a change of rules.

use super::desk::{Basis, Desk, WithDerivatives, exit_code, margined, rulebooks_of, with_derivatives};
use super::document::{Totals, missing};
use super::figures::{AccountFigures, Status};
use crate::cli::{Holder, WhatifArgs, WhatifTableName};
use crate::failure::Failure;
use crate::load::{Rules, load_added};
use crate::output::{Shown, Target, on_threads};
use crate::render::grid::Style;
use crate::render::html;
use crate::render::whatif::{json, table, tables};
use ::margin::{AccountState, Change, Comparison, Figure, Leg, Place, account_states, apply};
use lake::Table;
use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use units::{Account, Issue, Issues, Venue};

/// Both sides of all accounts with their provenance.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct WhatifDocument {
    pub(crate) basis: Basis,
    /// What was changed, in words.
    pub(crate) changes: Vec<String>,
    /// By account and venue.
    pub(crate) pairs: Vec<Pair>,
    /// Show every figure of accounts that change.
    pub(crate) detail: super::Detail,
}

/// One account on one venue, before and after.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pair {
    /// None for an account that the change opens.
    pub(crate) before: Option<AccountFigures>,
    pub(crate) after: AccountFigures,
    /// Every number of both sides that differs, where both have a rulebook.
    pub(crate) figures: Vec<Figure>,
}

/// Runs the command; the exit code says whether anything is missing.
pub(crate) fn run(args: &WhatifArgs) -> Result<ExitCode, Failure> {
    if args.is_empty() {
        return Err(Failure::Usage(
            "nothing is changed: pass --add, --close, --transfer, --rulebook-after or --rules-after".into(),
        ));
    }
    let target = Target::new(&args.output, args.table);
    let files = args.inputs.files().chain(&args.rules.rules).chain(&args.add);
    target.check(files)?;
    let document = on_threads(args.inputs.threads, || document(args))?;
    target.write(&document)?;
    Ok(exit_code(document.missing(), &document.basis.issues))
}

/// A venue that the book is on or that a rulebook claims: anything else is a slip of the pen.
fn known_venue(venue: &Venue, desk: &Desk) -> Result<(), Failure> {
    let claimed = desk.rules.rulebooks.iter().flat_map(|rulebook| &rulebook.header.venues);
    let known: BTreeSet<&Venue> = desk.states.iter().map(|state| &state.venue).chain(claimed).collect();
    if known.contains(venue) {
        return Ok(());
    }
    let known: Vec<&str> = known.into_iter().map(Venue::as_str).collect();
    Err(Failure::Usage(format!(
        "--transfer to venue {venue}: neither the book nor a rulebook knows it; there are: {}",
        known.join(", ")
    )))
}

fn document(args: &WhatifArgs) -> Result<WhatifDocument, Failure> {
    let mut desk = Desk::load(&args.inputs, &args.rules, &[])?;
    let mut derivatives = with_derivatives(&desk.loaded.book);
    let mut changes = Vec::new();
    added(args, &mut desk, &mut derivatives, &mut changes)?;
    closed(args, &desk, &mut changes)?;
    for transfer in &args.transfer {
        known_venue(&transfer.to.venue, &desk)?;
        changes.push(Change::Transfer {
            from: place(&transfer.from),
            to: place(&transfer.to),
            asset: transfer.asset.clone(),
            amount: transfer.amount,
        });
    }
    let states = apply(&desk.states, &changes).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        Failure::Usage(lines.join("\n"))
    })?;
    let places: Vec<(Account, Venue)> =
        states.iter().map(|state| (state.account.clone(), state.venue.clone())).collect();
    let rules_after = desk.rules.after(&args.rules_after, &mut desk.loaded.inputs)?.with(
        "--rulebook-after",
        &args.rulebook_after,
        &places,
    )?;
    let before = margined(&desk.states, &desk.rules, &derivatives);
    desk.check(&before, &args.inputs)?;
    let after = margined(&states, &rules_after, &derivatives);
    desk.check(&after, &args.inputs)?;
    let mut rulebooks = rulebooks_of(&desk.states, &desk.rules);
    for line in rulebooks_of(&states, &rules_after) {
        if !rulebooks.contains(&line) {
            rulebooks.push(line);
        }
    }
    rulebooks.sort_by(|a, b| a.header.id.cmp(&b.header.id));
    let mut pairs = pairs((&desk.states, &desk.rules, before), (&states, &rules_after, after));
    pairs.sort_by(|a, b| a.key().cmp(&b.key()));
    let mut words: Vec<String> = changes.iter().map(change_words).collect();
    words.extend(args.rulebook_after.iter().map(|chosen| format!("rulebook {chosen}")));
    words.extend(args.rules_after.iter().map(|path| format!("rules of {}", path.display())));
    let detail = if args.detail { super::Detail::Full } else { super::Detail::Summary };
    Ok(WhatifDocument { basis: desk.basis(rulebooks), changes: words, pairs, detail })
}

/// Rows of `--add`: trades at their price, or at the mark; balances that come or, if negative, leave.
fn added(
    args: &WhatifArgs,
    desk: &mut Desk,
    derivatives: &mut WithDerivatives,
    changes: &mut Vec<Change>,
) -> Result<(), Failure> {
    if args.add.is_empty() {
        return Ok(());
    }
    let (book, issues) = load_added(&args.add, &mut desk.loaded.inputs)?;
    let mut unpriced = Issues::default();
    for state in account_states(&book, &desk.loaded.market) {
        let place = Place::of(&state);
        for missing in &state.unmargined {
            unpriced.push(Issue {
                file: "--add".into(),
                row: 0,
                field: "instrument or asset".into(),
                value: missing.symbol.to_string(),
                rule: format!("{place}: {}", missing.reason),
            });
        }
        for leg in state.legs {
            let leg = if leg.entry_value.is_some() { leg } else { leg.at_mark() };
            changes.push(Change::Fill { place: place.clone(), leg });
        }
        for holding in state.balances {
            changes.push(Change::Deposit { place: place.clone(), holding });
        }
    }
    if !issues.is_empty() || !unpriced.is_empty() {
        // Half a trade is no trade: --allow-partial does not reach here.
        return Err(Failure::Incomplete { issues: Box::new(issues), unpriced: Box::new(unpriced) });
    }
    derivatives.extend(with_derivatives(&book));
    Ok(())
}

fn closed(args: &WhatifArgs, desk: &Desk, changes: &mut Vec<Change>) -> Result<(), Failure> {
    for close in &args.close {
        let place = place(&close.holder);
        let state = desk.states.iter().find(|state| Place::of(state) == place);
        let named = |leg: &&Leg| leg.symbol == close.instrument;
        let leg = state.and_then(|state| state.legs.iter().find(named));
        let Some(leg) = leg else {
            let held: Vec<&str> =
                state.iter().flat_map(|state| &state.legs).map(|leg| leg.symbol.as_str()).collect();
            return Err(Failure::Usage(format!(
                "--close {}: {place} holds no {}; it holds: {}",
                close.instrument,
                close.instrument,
                held.join(", ")
            )));
        };
        changes.push(Change::Close { place, contract: leg.contract.clone() });
    }
    Ok(())
}

fn place(holder: &Holder) -> Place {
    Place { account: holder.account.clone(), venue: holder.venue.clone() }
}

fn change_words(change: &Change) -> String {
    match change {
        Change::Add { place, leg } => format!("{place}: {} x {} added", leg.quantity, leg.symbol),
        Change::Fill { place, leg } => format!("{place}: {} x {} traded", leg.quantity, leg.symbol),
        Change::Close { place, contract } => format!("{place}: {contract} closed at its mark"),
        Change::Transfer { from, to, asset, amount } => format!("{amount} {asset} from {from} to {to}"),
        Change::Deposit { place, holding } => {
            let verb = if holding.amount < 0.0 { "leaves" } else { "comes" };
            format!("{place}: {} {} {verb}", holding.amount.abs(), holding.asset)
        }
    }
}

type Side<'a> = (&'a [AccountState], &'a Rules, Vec<AccountFigures>);

/// Both sides of every account that is there after the change; all that were there before still are.
fn pairs(before: Side<'_>, after: Side<'_>) -> Vec<Pair> {
    let (states_before, rules_before, figures_before) = before;
    let (states_after, rules_after, figures_after) = after;
    let mut known: BTreeMap<Place, (&AccountState, AccountFigures)> = BTreeMap::new();
    for (state, figures) in states_before.iter().zip(figures_before) {
        known.insert(Place::of(state), (state, figures));
    }
    let mut pairs = Vec::new();
    for (state, figures) in states_after.iter().zip(figures_after) {
        let place = Place::of(state);
        let Some((old, before)) = known.remove(&place) else {
            pairs.push(Pair { before: None, after: figures, figures: Vec::new() });
            continue;
        };
        let both = rules_before.of(old).ok().zip(rules_after.of(state).ok());
        let differing = both.map_or_else(Vec::new, |(was, is)| {
            let comparison = Comparison { place, before: was.margin(old), after: is.margin(state) };
            comparison.figures().into_iter().filter(|figure| figure.before != figure.after).collect()
        });
        pairs.push(Pair { before: Some(before), after: figures, figures: differing });
    }
    pairs
}

impl Pair {
    fn key(&self) -> (&Account, &Venue) {
        (&self.after.account, &self.after.venue)
    }

    /// True when a figure or the rulebook differs.
    pub(crate) fn is_changed(&self) -> bool {
        self.before.as_ref() != Some(&self.after)
    }

    /// True when the change makes the venue liquidate.
    pub(crate) fn is_newly_liquidatable(&self) -> bool {
        let fell = self.before.as_ref().is_some_and(|before| before.status == Status::Liquidatable);
        !fell && self.after.status == Status::Liquidatable
    }
}

impl WhatifDocument {
    /// True when something that was given is in no figure.
    pub(crate) fn is_partial(&self) -> bool {
        !self.basis.issues.is_empty() || self.missing() > 0
    }

    /// How many accounts, positions and balances are in no figure after the change.
    pub(crate) fn missing(&self) -> usize {
        missing(&self.accounts_after())
    }

    pub(crate) fn accounts_after(&self) -> Vec<AccountFigures> {
        self.pairs.iter().map(|pair| pair.after.clone()).collect()
    }

    /// Sums before and after.
    pub(crate) fn totals(&self) -> (Totals, Totals) {
        let before: Vec<AccountFigures> = self.pairs.iter().filter_map(|pair| pair.before.clone()).collect();
        (Totals::of(&before), Totals::of(&self.accounts_after()))
    }
}

impl Shown for WhatifDocument {
    type TableName = WhatifTableName;

    fn text(&self, style: Style) -> String {
        table::text(self, style)
    }

    fn json(&self) -> Result<String, serde_json::Error> {
        json::json(self)
    }

    fn html(&self) -> String {
        html::whatif(self)
    }

    fn table(&self, name: WhatifTableName) -> Table {
        tables::table(self, name)
    }
}
