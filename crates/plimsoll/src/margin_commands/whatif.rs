//! `plimsoll whatif`: every account before and after trades, transfers and a change of rules.

use super::desk::{Basis, Desk, Held, Knowledge, exit_code, margined, rulebooks_of, used};
use super::document::{RulebookLine, Totals, missing};
use super::figures::{AccountFigures, Published, Status};
use crate::cli::{Format, Holder, WhatifArgs, WhatifTableName};
use crate::failure::Failure;
use crate::load::{Rules, load_added};
use crate::output::{Shown, Target, on_threads};
use crate::render::grid::Style;
use crate::render::html;
use crate::render::whatif::{json, table, tables};
use ::margin::{
    AccountMargin, AccountState, Change, ChangeError, Comparison, Figure, Leg, Place, account_states, apply,
};
use book::Book;
use lake::Table;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use units::{Account, Fixed, Issues, Venue};

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
    /// How many of the most affected accounts are shown where not all are.
    pub(crate) top: usize,
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
    let mut planned = Planned::default();
    added(args, &mut desk, &mut planned)?;
    closed(args, &desk, &mut planned)?;
    for transfer in &args.transfer {
        known_venue(&transfer.to.venue, &desk)?;
        planned.push(Change::Transfer {
            from: place(&transfer.from),
            to: place(&transfer.to),
            asset: transfer.asset.clone(),
            amount: transfer.amount,
        });
    }
    let states = apply(&desk.states, &planned.changes).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(ChangeError::to_string).collect();
        Failure::Usage(lines.join("\n"))
    })?;
    let places: Vec<(Account, Venue)> =
        states.iter().map(|state| (state.account.clone(), state.venue.clone())).collect();
    let rules_after = desk.rules.after(&args.rules_after, &mut desk.loaded.inputs)?.with(
        "--rulebook-after",
        &args.rulebook_after,
        &places,
    )?;
    let (before, after) =
        (Side::new(&desk.states, &desk.rules, &desk), Side::new(&states, &rules_after, &desk));
    desk.check(&before.figures, &args.inputs)?;
    desk.check_changed(&after.figures, &args.inputs, &planned)?;
    let rulebooks =
        rulebooks_of_both(&rulebooks_of(&desk.states, &desk.rules), &rulebooks_of(&states, &rules_after));
    let notes = rules_after.unused(&used(&rulebooks));
    let mut pairs = pairs(&before, &after);
    pairs.extend(desk.without_sound_rows().into_iter().map(|figures| Pair {
        before: Some(figures.clone()),
        after: figures,
        figures: Vec::new(),
    }));
    pairs.sort_by(|a, b| a.key().cmp(&b.key()));
    let shown = matches!(args.output.format, Format::Table | Format::Html).then_some(args.top);
    compare(&mut pairs, (&before, &after), shown);
    let mut words = planned.words;
    words.extend(args.rulebook_after.iter().map(|chosen| format!("rulebook {chosen}")));
    words.extend(args.rules_after.iter().map(|path| format!("rules of {}", path.display())));
    let detail = if args.detail { super::Detail::Full } else { super::Detail::Summary };
    let mut basis = desk.basis(rulebooks);
    basis.notes.extend(notes);
    Ok(WhatifDocument { basis, changes: words, pairs, detail, top: args.top })
}

/// Those of both sides by id, each with its side where the two differ.
fn rulebooks_of_both(before: &[RulebookLine], after: &[RulebookLine]) -> Vec<RulebookLine> {
    let on = |lines: &[RulebookLine], line: &RulebookLine| lines.contains(line);
    let mut all: Vec<RulebookLine> = Vec::new();
    for line in before {
        let side = if on(after, line) { "both" } else { "before" };
        all.push(RulebookLine { side: Some(side), ..line.clone() });
    }
    let new = after.iter().filter(|line| !on(before, line));
    all.extend(new.map(|line| RulebookLine { side: Some("after"), ..line.clone() }));
    all.sort_by(|a, b| (&a.header.id, Reverse(a.side)).cmp(&(&b.header.id, Reverse(b.side))));
    all
}

/// Changes in the order in which they are made.
#[derive(Debug, Default)]
pub(super) struct Planned {
    changes: Vec<Change>,
    /// Each in words.
    words: Vec<String>,
    /// Rows of `--add`.
    pub(super) added: Book,
}

impl Planned {
    fn push(&mut self, change: Change) {
        self.words.push(change_words(&change));
        self.changes.push(change);
    }

    /// What brought a holding that no row of a book has.
    pub(super) fn origin(&self, account: &Account, venue: &Venue) -> &'static str {
        let comes = |change: &Change| matches!(change, Change::Transfer { to, .. } if to.account == *account && to.venue == *venue);
        if self.changes.iter().any(comes) { "--transfer" } else { "the accounts after the change" }
    }
}

/// Rows of `--add`: trades at their price, or at the mark; balances that come or, if negative, leave.
fn added(args: &WhatifArgs, desk: &mut Desk, planned: &mut Planned) -> Result<(), Failure> {
    if args.add.is_empty() {
        return Ok(());
    }
    let (book, issues) = load_added(&args.add, &mut desk.loaded.inputs)?;
    let mut unpriced = Issues::default();
    for state in account_states(&book, &desk.loaded.market) {
        let place = Place::of(&state);
        for missing in &state.unmargined {
            let held = Held { account: &state.account, venue: &state.venue, name: missing.symbol.as_str() };
            unpriced.push(held.issue(&[&book], "--add", format!("{place}: {}", missing.reason)));
        }
        for leg in state.legs {
            let leg = if leg.entry_value.is_some() { leg } else { leg.at_mark() };
            planned.push(Change::Fill { place: place.clone(), leg });
        }
        for holding in state.balances {
            planned.push(Change::Deposit { place: place.clone(), holding });
        }
    }
    if !issues.is_empty() || !unpriced.is_empty() {
        // Half a trade is no trade: --allow-partial does not reach here.
        return Err(Failure::Incomplete { issues: Box::new(issues), unpriced: Box::new(unpriced) });
    }
    desk.knowledge.extend(Knowledge::of(&book, &desk.loaded.market));
    planned.added = book;
    Ok(())
}

fn closed(args: &WhatifArgs, desk: &Desk, planned: &mut Planned) -> Result<(), Failure> {
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
        planned.words.push(format!("{place}: {} x {} closed at its mark", leg.quantity, leg.symbol));
        planned.changes.push(Change::Close { place, contract: leg.contract.clone() });
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
        // Named by the venue's own symbol where it is planned.
        Change::Close { place, contract } => format!("{place}: {contract} closed at its mark"),
        Change::Transfer { from, to, asset, amount } => format!("{amount} {asset} from {from} to {to}"),
        Change::Deposit { place, holding } => {
            let verb = if holding.amount < 0.0 { "leaves" } else { "comes" };
            format!("{place}: {} {} {verb}", holding.amount.abs(), holding.asset)
        }
    }
}

/// The accounts of one side, in the order of their states.
struct Side<'a> {
    states: &'a [AccountState],
    rules: &'a Rules,
    figures: Vec<AccountFigures>,
}

impl<'a> Side<'a> {
    fn new(states: &'a [AccountState], rules: &'a Rules, desk: &Desk) -> Self {
        Self { states, rules, figures: margined(states, rules, &desk.knowledge) }
    }

    fn by_place(&self) -> BTreeMap<(&Account, &Venue), &'a AccountState> {
        self.states.iter().map(|state| ((&state.account, &state.venue), state)).collect()
    }
}

/// Both sides of every account that is there after the change; all that were there before still are.
fn pairs(before: &Side<'_>, after: &Side<'_>) -> Vec<Pair> {
    let known = before.states.iter().zip(&before.figures);
    let mut known: BTreeMap<(&Account, &Venue), &AccountFigures> =
        known.map(|(state, figures)| ((&state.account, &state.venue), figures)).collect();
    let all = after.states.iter().zip(&after.figures);
    all.map(|(state, figures)| {
        let before = known.remove(&(&state.account, &state.venue)).cloned();
        Pair { before, after: figures.clone(), figures: Vec::new() }
    })
    .collect()
}

/// Fills in every number that differs: of all accounts, or of those that are shown.
fn compare(pairs: &mut [Pair], (before, after): (&Side<'_>, &Side<'_>), shown: Option<usize>) {
    let wanted: Option<BTreeSet<(Account, Venue)>> = shown.map(|top| {
        let most = affected(pairs).into_iter().take(top);
        most.map(|pair| (pair.after.account.clone(), pair.after.venue.clone())).collect()
    });
    let (old, new) = (before.by_place(), after.by_place());
    let figures: Vec<Vec<Figure>> = pairs
        .par_iter()
        .map(|pair| {
            let key = pair.key();
            let is_wanted =
                wanted.as_ref().is_none_or(|places| places.contains(&(key.0.clone(), key.1.clone())));
            let states = old.get(&key).zip(new.get(&key)).filter(|_| is_wanted);
            states.map_or_else(Vec::new, |(was, is)| differing((was, before.rules), (is, after.rules)))
        })
        .collect();
    for (pair, figures) in pairs.iter_mut().zip(figures) {
        pair.figures = figures;
    }
}

fn differing(was: (&AccountState, &Rules), is: (&AccountState, &Rules)) -> Vec<Figure> {
    let margin = |(state, rules): (&AccountState, &Rules)| -> Option<AccountMargin> {
        Some(rules.of(state).ok()?.margin(state))
    };
    let both = margin(was).zip(margin(is));
    both.map_or_else(Vec::new, |(before, after)| {
        let comparison = Comparison { place: Place::of(is.0), before, after };
        comparison.figures().into_iter().filter(|figure| figure.before != figure.after).collect()
    })
}

/// Accounts that change, the largest change of the maintenance requirement first; of equal ones by that of the initial
/// requirement, of the surplus, then by account and venue.
fn affected(pairs: &[Pair]) -> Vec<&Pair> {
    let mut changed: Vec<&Pair> = pairs.iter().filter(|pair| pair.is_changed()).collect();
    changed.sort_by_cached_key(|pair| {
        let (asked, left) = (pair.requirement_change_usd(), pair.surplus_change_usd());
        let sizes = [asked.maintenance, asked.initial, left.maintenance, left.initial];
        (Reverse(sizes.map(Fixed::abs)), pair.key())
    });
    changed
}

impl Pair {
    fn key(&self) -> (&Account, &Venue) {
        (&self.after.account, &self.after.venue)
    }

    /// True when a published figure, the status or what is missing differs: a new parameter hash alone is no change.
    pub(crate) fn is_changed(&self) -> bool {
        let Some(before) = &self.before else { return true };
        let after = &self.after;
        let head = |account: &AccountFigures| (account.status, account.equity_usd, account.bad_rows);
        let asked = |account: &AccountFigures| {
            account.margin.as_ref().map(|margin| (margin.counted_usd, margin.requirement_usd))
        };
        head(before) != head(after) || asked(before) != asked(after) || before.missing != after.missing
    }

    /// True when other parameters give the same figures.
    pub(crate) fn is_same_by_other_rules(&self) -> bool {
        let hash = |account: &AccountFigures| account.margin.as_ref().map(|m| m.parameter_hash.clone());
        !self.is_changed() && self.before.as_ref().is_some_and(|before| hash(before) != hash(&self.after))
    }

    /// True when the change makes the venue liquidate.
    pub(crate) fn is_newly_liquidatable(&self) -> bool {
        let fell = self.before.as_ref().is_some_and(|before| before.status == Status::Liquidatable);
        !fell && self.after.status == Status::Liquidatable
    }

    /// Requirement after less before; nothing is asked where there is no rulebook.
    pub(crate) fn requirement_change_usd(&self) -> Published {
        let asked = |account: &AccountFigures| account.margin.as_ref().map(|margin| margin.requirement_usd);
        let before = self.before.as_ref().and_then(asked).unwrap_or_default();
        asked(&self.after).unwrap_or_default().minus(before)
    }

    /// Surplus after less before.
    pub(crate) fn surplus_change_usd(&self) -> Published {
        let left = |account: &AccountFigures| account.margin.as_ref().map(|margin| margin.surplus_usd);
        let before = self.before.as_ref().and_then(left).unwrap_or_default();
        left(&self.after).unwrap_or_default().minus(before)
    }
}

/// How many accounts a change reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub(crate) struct Counts {
    /// All after the change.
    pub(crate) accounts: usize,
    /// Those of which a published figure, the status or what is missing differs.
    pub(crate) changed: usize,
    /// Those of which the requirement differs.
    pub(crate) requirement_changed: usize,
    /// Those with other parameters and the same figures.
    pub(crate) same_by_other_rules: usize,
    pub(crate) liquidatable_before: usize,
    pub(crate) liquidatable_after: usize,
    pub(crate) newly_liquidatable: usize,
}

impl WhatifDocument {
    /// True when something that was given is in no figure.
    pub(crate) fn is_partial(&self) -> bool {
        !self.basis.issues.is_empty() || self.missing() > 0
    }

    /// How many accounts, positions and balances are in no figure after the change.
    pub(crate) fn missing(&self) -> usize {
        missing(self.after())
    }

    /// Accounts after the change, by account and venue.
    pub(crate) fn after(&self) -> impl Iterator<Item = &AccountFigures> + Clone {
        self.pairs.iter().map(|pair| &pair.after)
    }

    /// Sums before and after.
    pub(crate) fn totals(&self) -> (Totals, Totals) {
        (Totals::of(self.pairs.iter().filter_map(|pair| pair.before.as_ref())), Totals::of(self.after()))
    }

    /// Accounts that change, the most affected first.
    pub(crate) fn affected(&self) -> Vec<&Pair> {
        affected(&self.pairs)
    }

    /// Accounts that the change makes liquidatable, the largest shortfall first.
    pub(crate) fn newly_liquidatable(&self) -> Vec<&Pair> {
        let mut fallen: Vec<&Pair> = self.pairs.iter().filter(|pair| pair.is_newly_liquidatable()).collect();
        fallen.sort_by(|a, b| a.after.nearest_first(&b.after));
        fallen
    }

    /// How many accounts the change reaches.
    pub(crate) fn counts(&self) -> Counts {
        let count = |is: &dyn Fn(&Pair) -> bool| self.pairs.iter().filter(|pair| is(pair)).count();
        let falls = |account: &AccountFigures| account.status == Status::Liquidatable;
        Counts {
            accounts: self.pairs.len(),
            changed: count(&Pair::is_changed),
            requirement_changed: count(&|pair| pair.requirement_change_usd() != Published::default()),
            same_by_other_rules: count(&Pair::is_same_by_other_rules),
            liquidatable_before: count(&|pair| pair.before.as_ref().is_some_and(falls)),
            liquidatable_after: count(&|pair| falls(&pair.after)),
            newly_liquidatable: count(&Pair::is_newly_liquidatable),
        }
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
