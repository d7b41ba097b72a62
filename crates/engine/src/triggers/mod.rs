//! Triggers at work: a condition per group of the book, and what is done when it has held.
//!
//! ```text
//!          true for hold_seconds, inputs sound              false for cool_down_seconds, inputs sound
//!   off ──────────────────────────────────────► on ──────────────────────────────────────────────► off
//!     │ true for hold_seconds, inputs in doubt   ▲ true, inputs sound again
//!     └────────────────────────────► in doubt ───┘
//! ```
//!
//! **Fires** means: becomes on. Then it says so ([`Output::Trigger`]), alerts, cancels orders, once; and while it is on it asks for a state
//! of the book, which joins what limits and persons ask for. It fires again only after it was off, and it is off only after the condition
//! was false without a break for `cool_down_seconds` (at once for 0). A break of a hold starts it over.
//!
//! **Inputs in doubt.** A trigger that reads a figure of a group is in doubt while the group rests on a stale underlying, unless it reads
//! `stale`, `links_down` or `quote_age_seconds`; and one that reads a margin while that is incomplete or rests on a stale underlying; and while the group holds something without a value, unless it reads `unvalued`: who reads
//! these has thought of it. In doubt it alerts and does nothing else, and a false condition frees nothing. `index_usd` has no entry for
//! what is stale.
//!
//! **An error of evaluation**, such as a key that is not there, or a margin that nobody knows, is neither true nor false: it is said once, breaks a hold and a release,
//! and leaves on what is on.
//!
//! A trigger is tested on a group when the group's sums changed or it has a standing there, on all groups when time has passed, when something of
//! the book or market that it reads may have changed, or when the policy is new. Testing more often changes nothing, so what was seen last is no state. A
//! group that is gone has figures of zero; the whole book is a group even when nothing is held.

mod expression;
mod types;
mod variable;

pub use expression::{Expression, Mistake};
pub use types::Type;
pub(crate) use variable::COLUMNS;
pub use variable::Variable;

use crate::acting::Acting;
use crate::acting::desk::Desk;
use crate::event::Link;
use crate::limits::{Scope, State};
use crate::margins::{Distance, MarginView};
use crate::output::{Output, TriggerChange, Turn};
use crate::policy::{Action, Policy, Trigger};
use expression::Seen;
use risk::{GroupBy, GroupKey};
use std::collections::{BTreeMap, BTreeSet};
use units::{Account, Asset, Fixed, OrderId, Timestamp, Venue};

/// Whether a trigger has fired on a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub(crate) enum Switch {
    #[default]
    Off,
    /// It has said so, and done nothing else.
    InDoubt,
    On,
}

/// Where a trigger stands on one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Standing {
    pub(crate) on: Switch,
    /// While off: since when it is true. Otherwise: since when it is false, in nanoseconds of Unix time.
    pub(crate) since: Option<i64>,
    /// True after an evaluation failed and was said to.
    pub(crate) failed: bool,
}

/// What an evaluation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Truth {
    True,
    False,
    Failed(String),
}

/// What an evaluation changes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Failed(String),
    Turned(Turn),
}

/// What is the same for all groups, as it was seen last.
#[derive(Debug, Clone, PartialEq)]
struct OfTheBook {
    state: State,
    stale: BTreeSet<Asset>,
    links_down: Vec<Venue>,
    unreconciled: Vec<String>,
    orders: Vec<OrderId>,
    turnover: Fixed,
}

/// All standings.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Triggers {
    /// By place of the trigger in the policy, then group.
    pub(crate) standings: BTreeMap<(usize, Vec<GroupKey>), Standing>,
    /// Follows from the rest: it saves tests that would change nothing.
    seen: Option<OfTheBook>,
}

/// What happened, as far as it decides which triggers are tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    /// Something of ours.
    Own,
    /// Quotes or rates.
    Market,
    /// Time has passed.
    Time,
}

impl Standing {
    fn advance(
        &mut self,
        truth: Truth,
        trigger: &Trigger,
        doubt: Option<String>,
        now: Timestamp,
    ) -> Option<Step> {
        let has_stood = |since: i64, seconds: u32| {
            now.unix_nanos().saturating_sub(since) >= i64::from(seconds) * 1_000_000_000
        };
        if let Truth::Failed(why) = truth {
            self.since = None;
            return (!std::mem::replace(&mut self.failed, true)).then_some(Step::Failed(why));
        }
        self.failed = false;
        let since = self.since.unwrap_or(now.unix_nanos());
        match (self.on, truth == Truth::True, doubt) {
            (Switch::Off, true, doubt) if has_stood(since, trigger.hold_seconds) => {
                *self = Self {
                    on: if doubt.is_some() { Switch::InDoubt } else { Switch::On },
                    ..Self::default()
                };
                Some(Step::Turned(doubt.map_or(Turn::Fired, |why| Turn::InDoubt { why })))
            }
            (Switch::Off, true, _) => {
                self.since = Some(since);
                None
            }
            (Switch::InDoubt, true, None) => {
                *self = Self { on: Switch::On, ..Self::default() };
                Some(Step::Turned(Turn::Fired))
            }
            (Switch::InDoubt | Switch::On, false, None) if has_stood(since, trigger.cool_down_seconds) => {
                *self = Self::default();
                Some(Step::Turned(Turn::Released))
            }
            (Switch::InDoubt | Switch::On, false, None) => {
                self.since = Some(since);
                None
            }
            (Switch::Off, false, _) | (Switch::InDoubt | Switch::On, _, _) => {
                self.since = None;
                None
            }
        }
    }
}

impl Triggers {
    pub(crate) const fn new(standings: BTreeMap<(usize, Vec<GroupKey>), Standing>) -> Self {
        Self { standings, seen: None }
    }

    /// Tests what may have changed, and does what fires; states are asked for by [`Self::asks`].
    pub(crate) fn evaluate(
        &mut self,
        desk: Desk<'_>,
        acting: &mut Acting,
        (scope, news): (Scope, News),
        sent: Timestamp,
    ) -> Vec<Output> {
        let mut outputs = Vec::new();
        if desk.policy.triggers.is_empty() {
            return outputs;
        }
        let seen = OfTheBook::of(desk, acting);
        let is_other_book = self.seen.as_ref() != Some(&seen);
        for (place, trigger) in desk.policy.triggers.iter().enumerate() {
            let reads = |of: fn(Variable) -> bool| trigger.when.reads().iter().any(|variable| of(*variable));
            let all = scope == Scope::All
                || news == News::Time
                || (news == News::Market && reads(Variable::is_of_market))
                || (is_other_book && reads(Variable::is_of_book))
                || self.seen.is_none();
            let scope = if all { Scope::All } else { Scope::Changed };
            for key in self.keys(desk, (place, trigger), scope) {
                self.test((desk, &seen), acting, (place, key), sent, &mut outputs);
            }
        }
        self.seen = Some(seen);
        outputs
    }

    /// Groups that a trigger is tested on.
    fn keys(
        &self,
        desk: Desk<'_>,
        (place, trigger): (usize, &Trigger),
        scope: Scope,
    ) -> BTreeSet<Vec<GroupKey>> {
        // Those with a standing in any case: a group that is gone is in no sum, and its place may be another's already.
        let of_trigger = self.standings.keys().filter(|(of, _)| *of == place);
        let mut keys: BTreeSet<Vec<GroupKey>> = of_trigger.map(|(_, key)| key.clone()).collect();
        match scope {
            Scope::All => {
                keys.extend(desk.views.watch().groups(&trigger.each));
                if trigger.each.is_empty() {
                    keys.insert(Vec::new());
                }
            }
            Scope::Changed => keys.extend(desk.views.watch().changed(&trigger.each)),
        }
        keys
    }

    fn test(
        &mut self,
        (desk, book): (Desk<'_>, &OfTheBook),
        acting: &mut Acting,
        at: (usize, Vec<GroupKey>),
        sent: Timestamp,
        outputs: &mut Vec<Output>,
    ) {
        let Some(trigger) = desk.policy.triggers.get(at.0) else { return };
        let key = &at.1;
        let value_of = |variable| value(desk, book, (acting, trigger, key), variable);
        let reads_margin = trigger.when.reads().iter().any(|variable| variable.is_of_margin());
        if reads_margin && desk.margins.computed().is_none() {
            return;
        }
        let unknown = if reads_margin { margin_unknown(desk, trigger, key) } else { None };
        let truth = match unknown.map_or_else(|| trigger.when.evaluate(value_of), Err) {
            Ok(true) => Truth::True,
            Ok(false) => Truth::False,
            Err(why) => Truth::Failed(why),
        };
        let mut standing = self.standings.get(&at).copied().unwrap_or_default();
        let step = standing.advance(truth, trigger, doubt(desk, trigger, key), desk.now);
        match step {
            Some(Step::Failed(why)) => {
                let named = named(key);
                let text =
                    format!("trigger {}, {named}: cannot be told, stays as it is: {why}", trigger.name);
                outputs.push(Output::Alert { text });
            }
            Some(Step::Turned(turn)) => {
                let seen: Vec<String> = trigger
                    .when
                    .reads()
                    .iter()
                    .map(|variable| format!("{} {}", variable.name(), value_of(*variable)))
                    .collect();
                let change = TriggerChange {
                    trigger: trigger.name.clone(),
                    group: key.clone(),
                    turn,
                    seen: seen.join(", "),
                };
                act(trigger, change, acting, sent, outputs);
            }
            None => {}
        }
        if standing == Standing::default() {
            self.standings.remove(&at);
        } else {
            self.standings.insert(at, standing);
        }
    }

    /// States that triggers which are on ask for, with their names.
    pub(crate) fn asks(&self, policy: &Policy) -> Vec<(State, String)> {
        let is_on = self.standings.iter().filter(|(_, standing)| standing.on == Switch::On);
        let asks = is_on.filter_map(|((place, key), _)| {
            let trigger = policy.triggers.get(*place)?;
            Some((trigger.state(), format!("{}: {}", trigger.name, named(key))))
        });
        asks.collect()
    }

    /// Standings under another policy: a trigger of the same name and groups goes on from where it stood.
    pub(crate) fn carry(&mut self, before: &Policy, after: &Policy) {
        for ((place, key), standing) in std::mem::take(&mut self.standings) {
            let old = before.triggers.get(place);
            let same = |new: &Trigger| old.is_some_and(|old| old.name == new.name && old.each == new.each);
            if let Some(place) = after.triggers.iter().position(same) {
                self.standings.insert((place, key), standing);
            }
        }
        self.seen = None;
    }
}

/// Says what a trigger does, and does it.
fn act(
    trigger: &Trigger,
    change: TriggerChange,
    acting: &mut Acting,
    sent: Timestamp,
    outputs: &mut Vec<Output>,
) {
    let alert = trigger.actions.contains(&Action::Alert) && change.turn != Turn::Released;
    let text = format!("{change}");
    let cancels = trigger.actions.contains(&Action::CancelOrders) && change.turn == Turn::Fired;
    let key = change.group.clone();
    outputs.push(Output::Trigger(change));
    if alert {
        outputs.push(Output::Alert { text });
    }
    if cancels {
        let ids = acting.standing_in(&trigger.each, &key);
        outputs.extend(acting.cancel(sent, &ids));
    }
}

impl OfTheBook {
    fn of(desk: Desk<'_>, acting: &Acting) -> Self {
        let down = acting.links.iter().filter(|(_, link)| **link == Link::Down);
        Self {
            state: desk.state,
            stale: desk.stale.clone(),
            links_down: down.map(|(venue, _)| venue.clone()).collect(),
            unreconciled: desk.differing.keys().map(ToString::to_string).collect(),
            orders: acting.blotter.open.keys().cloned().collect(),
            turnover: acting.turnover(desk.now),
        }
    }
}

/// The value of a variable on a group.
fn value(
    desk: Desk<'_>,
    book: &OfTheBook,
    (acting, trigger, key): (&Acting, &Trigger, &[GroupKey]),
    variable: Variable,
) -> Seen {
    let texts = |of: Vec<String>| Seen::Texts(of);
    match variable {
        Variable::Figure(measure) => Seen::Figure(desk.figure(&trigger.each, key, measure).0),
        Variable::Column(column) => {
            let place = trigger.each.iter().position(|by| *by == column);
            Seen::Text(place.and_then(|place| key.get(place)).map(GroupKey::text).unwrap_or_default())
        }
        Variable::State => Seen::Text(book.state.word().into()),
        Variable::Stale => texts(book.stale.iter().map(ToString::to_string).collect()),
        Variable::Unvalued => Seen::Count(desk.unvalued(&trigger.each, key)),
        Variable::OpenOrders => Seen::Count(acting.open_in(&trigger.each, key).count()),
        Variable::Turnover => Seen::Figure(book.turnover),
        Variable::MarginUse => Seen::Number(margin_views(desk, trigger, key).map(used).fold(0.0, f64::max)),
        Variable::Liquidation => {
            Seen::Number(margin_views(desk, trigger, key).map(distance).fold(f64::INFINITY, f64::min))
        }
        Variable::LinksDown => texts(book.links_down.iter().map(ToString::to_string).collect()),
        Variable::Unreconciled => texts(book.unreconciled.clone()),
        Variable::Index => {
            let known =
                desk.quotes.market().underlyings.iter().filter(|(asset, _)| !book.stale.contains(*asset));
            Seen::Numbers(known.map(|(asset, of)| (asset.to_string(), of.spot.get())).collect())
        }
        Variable::QuoteAge => {
            Seen::Numbers(desk.quotes.ages_seconds().map(|(asset, age)| (asset.to_string(), age)).collect())
        }
    }
}

/// Margins of the accounts of a group.
fn margin_views<'a>(
    desk: Desk<'a>,
    trigger: &'a Trigger,
    key: &'a [GroupKey],
) -> impl Iterator<Item = (&'a (Account, Venue), &'a Result<MarginView, String>)> {
    desk.margins.of().iter().filter(move |((account, venue), _)| {
        trigger.each.iter().zip(key).all(|(column, part)| match column {
            GroupBy::Account => part.text() == account.as_str(),
            GroupBy::Venue => part.text() == venue.as_str(),
            _ => true,
        })
    })
}

/// Use of one account; over all when something is asked and nothing counts, nothing when it is not known, which is in doubt.
fn used((_, view): (&(Account, Venue), &Result<MarginView, String>)) -> f64 {
    view.as_ref().map_or(0.0, |view| view.maintenance_use.map_or(f64::INFINITY, Fixed::to_f64))
}

/// Distance of one account to its end, percent of the index.
fn distance((_, view): (&(Account, Venue), &Result<MarginView, String>)) -> f64 {
    let Ok(view) = view else { return f64::INFINITY };
    let nearest = view.liquidation.values().filter_map(Distance::nearest_percent);
    nearest.map(Fixed::to_f64).fold(f64::INFINITY, f64::min)
}

/// Which margin of a group nobody knows: then neither true nor false can be told.
fn margin_unknown(desk: Desk<'_>, trigger: &Trigger, key: &[GroupKey]) -> Option<String> {
    margin_views(desk, trigger, key).find_map(|((account, venue), view)| {
        let why = view.as_ref().err()?;
        Some(format!("no margin of {account}@{venue}: {why}"))
    })
}

/// Why the margins of a group may not be true.
fn margin_doubt(desk: Desk<'_>, trigger: &Trigger, key: &[GroupKey]) -> Option<String> {
    margin_views(desk, trigger, key).find_map(|((account, venue), view)| match view {
        Err(_) => None,
        Ok(view) if view.unmargined > 0 => {
            Some(format!("the margin of {account}@{venue} lacks {} things", view.unmargined))
        }
        Ok(view) => {
            let stale = view.underlyings.iter().find(|asset| desk.stale.contains(*asset));
            stale.map(|asset| format!("stale: {asset}"))
        }
    })
}

/// Why the figures of a group may not be true, if the trigger reads any and has not thought of it.
fn doubt(desk: Desk<'_>, trigger: &Trigger, key: &[GroupKey]) -> Option<String> {
    let reads = trigger.when.reads();
    if reads.iter().any(|variable| variable.is_of_margin())
        && let Some(why) = margin_doubt(desk, trigger, key)
    {
        return Some(why);
    }
    if !reads.iter().any(|variable| matches!(variable, Variable::Figure(_))) {
        return None;
    }
    if !reads.iter().any(|variable| variable.tells_of_age()) {
        let stale: Vec<String> = desk.stale_in(&trigger.each, key).iter().map(ToString::to_string).collect();
        if !stale.is_empty() {
            return Some(format!("stale: {}", stale.join(", ")));
        }
    }
    let unvalued = desk.unvalued(&trigger.each, key);
    (unvalued > 0 && !reads.contains(&Variable::Unvalued))
        .then(|| format!("things without a value: {unvalued}"))
}

/// A group in words.
pub(crate) fn named(key: &[GroupKey]) -> String {
    let parts: Vec<String> = key.iter().map(GroupKey::text).collect();
    if parts.is_empty() { "the book".into() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests;
