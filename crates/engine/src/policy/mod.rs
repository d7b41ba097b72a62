//! Limits as a file: measures of the book at a grouping, with a level to warn at and a hard one.
//!
//! ```toml
//! source = "desk limits of November 2026"
//! valid_from = "2026-11-01"
//! stale_after_seconds = 60
//! accounts = ["desk", "vault"]   # events of others are refused; all accounts without it
//!
//! [[limit]]
//! name = "delta by coin"
//! measure = "delta_cash_usd"
//! group_by = ["underlying"]
//! only = { underlying = ["BTC", "ETH"] }
//! warn = "500000"
//! hard = "1000000"
//! release = 0.9            # falls back a level below 90 % of it
//! hold_seconds = 5         # a level counts once it has been crossed for so long
//! on_warn = "warn"
//! on_hard = "reduce_only"
//! ```
//!
//! What may be done about it — orders, hedges — is in the second half of the file, see the module `acting`; conditions in CEL in the third,
//! see `trigger`; moves of collateral in `collateral`.
//!
//! The figure is tested by its size, so a limit bounds both signs. All mistakes of a file are reported at once.

mod acting;
mod collateral;
mod explain;
mod margin;
mod trigger;

pub use acting::{Execution, Hedge, OrderLimits, Paid, Trading};
pub use collateral::Collateral;
pub use trigger::{Action, Trigger};

use crate::explain::ExplainRules;
use crate::limits::State;
use crate::margins::MarginRules;
use crate::triggers::{COLUMNS, Mistake, Variable};
use ::hedge::policy::Reads;
use acting::{HedgeToml, OrdersToml, TradingToml};
use collateral::CollateralToml;
use explain::ExplainToml;
use instrument::Specs;
use margin::MarginToml;
use risk::{GroupBy, Measure};
use std::collections::{BTreeMap, BTreeSet};
use trigger::TriggerToml;
use units::{Account, Fixed, Issue, Issues, Timestamp};

/// Checked limits.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Policy {
    /// Where the numbers come from.
    pub source: String,
    /// First day it is meant for.
    pub valid_from: String,
    /// Quotes older than this stop automatic action on what depends on them; `None` never.
    pub stale_after_seconds: Option<u32>,
    /// Accounts that the book has; none named is any.
    pub accounts: BTreeSet<Account>,
    /// In the order of the file.
    pub limits: Vec<Limit>,
    /// Bounds of orders; without them nothing is proposed.
    pub orders: Option<OrderLimits>,
    /// How venues take orders.
    pub trading: Vec<Trading>,
    /// In the order of the file.
    pub hedges: Vec<Hedge>,
    /// In the order of the file.
    pub triggers: Vec<Trigger>,
    /// What moves collateral, in the order of the file.
    pub collaterals: Vec<Collateral>,
    /// When margins are computed; never without it.
    pub margin: Option<MarginRules>,
    /// When the change of the book is explained; never without it.
    pub explain: Option<ExplainRules>,
}

/// Everything wrong with a file.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyMistakes {
    /// All of them, each with what was found and the rule.
    pub issues: Issues,
    /// Where those in expressions are, by their place among the issues.
    pub expressions: BTreeMap<usize, Misread>,
}

/// A mistake in an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misread {
    /// The whole expression.
    pub text: String,
    /// Where in it, and which rule.
    pub mistake: Mistake,
}

/// One limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// Its name, unique in the file.
    pub name: String,
    /// Which figure, USD.
    pub measure: Measure,
    /// Of which groups of the book; none is the whole.
    pub group_by: Vec<GroupBy>,
    /// Per grouping column, the only keys it applies to.
    pub only: BTreeMap<usize, BTreeSet<String>>,
    /// Level to warn at.
    pub warn: Fixed,
    /// Hard level.
    pub hard: Fixed,
    /// Share of a level below which the figure falls back under it.
    pub release: f64,
    /// How long a level must be crossed before it counts.
    pub hold_seconds: u32,
    /// State of the book at the level to warn at.
    pub on_warn: State,
    /// State of the book at the hard level.
    pub on_hard: State,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyToml {
    source: String,
    valid_from: String,
    stale_after_seconds: Option<u32>,
    #[serde(default)]
    accounts: Vec<String>,
    #[serde(default)]
    limit: Vec<LimitToml>,
    #[serde(default)]
    orders: Option<OrdersToml>,
    #[serde(default)]
    trading: Vec<TradingToml>,
    #[serde(default)]
    hedge: Vec<HedgeToml>,
    #[serde(default)]
    trigger: Vec<TriggerToml>,
    #[serde(default)]
    collateral: Vec<CollateralToml>,
    #[serde(default)]
    margin: Option<MarginToml>,
    #[serde(default)]
    explain: Option<ExplainToml>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitToml {
    name: String,
    measure: String,
    #[serde(default)]
    group_by: Vec<String>,
    #[serde(default)]
    only: BTreeMap<String, Vec<String>>,
    warn: String,
    hard: String,
    #[serde(default = "whole")]
    release: f64,
    #[serde(default)]
    hold_seconds: u32,
    #[serde(default)]
    on_warn: Option<State>,
    #[serde(default)]
    on_hard: Option<State>,
}

const fn whole() -> f64 {
    1.0
}

impl Policy {
    /// Parses and checks a file; instruments are looked up in the tables of venues.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn parse(file: &str, text: &str, specs: &Specs) -> Result<Self, Issues> {
        Self::check(file, text, specs).map_err(|mistakes| mistakes.issues)
    }

    /// The same, and where in expressions the mistakes are.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn check(file: &str, text: &str, specs: &Specs) -> Result<Self, PolicyMistakes> {
        let mut checker = Checker { file, issues: Issues::default(), expressions: BTreeMap::new() };
        let parsed: PolicyToml = match toml::from_str(text) {
            Ok(parsed) => parsed,
            Err(error) => {
                checker.issue("", "", error.to_string().trim());
                return Err(checker.mistakes());
            }
        };
        checker.header(&parsed);
        checker.names(&parsed);
        let accounts =
            parsed.accounts.iter().filter_map(|name| checker.named("accounts", name, Account::new));
        let accounts: BTreeSet<Account> = accounts.collect();
        let limits: Vec<Limit> = parsed.limit.iter().filter_map(|raw| checker.limit(raw)).collect();
        let orders = parsed.orders.as_ref().and_then(|raw| checker.orders(raw));
        let trading: Vec<Trading> = parsed.trading.iter().filter_map(|raw| checker.trading(raw)).collect();
        let hedges: Vec<Hedge> =
            parsed.hedge.iter().filter_map(|raw| checker.hedge(raw, &trading, specs)).collect();
        let triggers: Vec<Trigger> = parsed.trigger.iter().filter_map(|raw| checker.trigger(raw)).collect();
        let collaterals: Vec<Collateral> =
            parsed.collateral.iter().filter_map(|raw| checker.collateral(raw)).collect();
        checker.collaterals(&collaterals, &accounts);
        let margin = parsed.margin.as_ref().map(|raw| checker.margin(raw));
        let explain = parsed.explain.as_ref().map(|raw| checker.explain(raw));
        for trigger in triggers.iter().filter(|_| margin.is_none()) {
            if trigger.when.reads().iter().any(|variable| variable.is_of_margin()) {
                checker.issue(
                    "margin",
                    "",
                    &format!(
                        "trigger '{}' reads a margin: add [margin], which says when they are computed",
                        trigger.name
                    ),
                );
            }
        }
        if checker.issues.is_empty() {
            let PolicyToml { source, valid_from, stale_after_seconds, .. } = parsed;
            let bound = Self { source, valid_from, stale_after_seconds, accounts, limits, ..Self::default() };
            Ok(Self { orders, trading, hedges, triggers, collaterals, margin, explain, ..bound })
        } else {
            Err(checker.mistakes())
        }
    }

    /// Every sum that its limits, hedges and triggers look at; a trigger that reads no figure looks at which groups there are.
    pub(crate) fn watched(&self) -> BTreeSet<(Vec<GroupBy>, Measure)> {
        let of_limits = self.limits.iter().map(|limit| (limit.group_by.clone(), limit.measure));
        let of_hedges = self.hedges.iter().flat_map(|hedge| {
            let gamma = (hedge.habits.reads(&hedge.sizing) >= Reads::Gamma).then_some(Measure::Gamma);
            std::iter::once(hedge.delta).chain(gamma).map(|measure| (vec![GroupBy::Underlying], measure))
        });
        let groups = self.triggers.iter().map(|trigger| (trigger.each.clone(), Measure::Value));
        let of_triggers = self.triggers.iter().flat_map(|trigger| {
            trigger.when.reads().iter().filter_map(|variable| match variable {
                Variable::Figure(measure) => Some((trigger.each.clone(), *measure)),
                _ => None,
            })
        });
        of_limits.chain(of_hedges).chain(groups).chain(of_triggers).collect()
    }

    /// Why an event of an account is refused, if it is.
    pub(crate) fn stranger(&self, account: &Account) -> Option<String> {
        let is_known = self.accounts.is_empty() || self.accounts.contains(account);
        (!is_known).then(|| {
            format!("account '{account}' is not of this book: the policy's accounts name those that are")
        })
    }

    /// How a listing is traded.
    pub(crate) fn trading_of(&self, listing: &instrument::Listing) -> Option<&Trading> {
        self.trading.iter().find(|row| row.fits(listing))
    }
}

/// Finds every mistake instead of the first.
struct Checker<'a> {
    file: &'a str,
    issues: Issues,
    expressions: BTreeMap<usize, Misread>,
}

impl Checker<'_> {
    fn mistakes(self) -> PolicyMistakes {
        PolicyMistakes { issues: self.issues, expressions: self.expressions }
    }

    fn header(&mut self, parsed: &PolicyToml) {
        if parsed.source.trim().is_empty() {
            self.issue("source", "", "say where the numbers come from");
        }
        if format!("{}T00:00:00Z", parsed.valid_from).parse::<Timestamp>().is_err() {
            self.issue("valid_from", &parsed.valid_from, "a day, such as 2026-11-01");
        }
        if parsed.stale_after_seconds == Some(0) {
            let rule = "one second at least; leave it out to never call a quote stale";
            self.issue("stale_after_seconds", "0", rule);
        }
        if !parsed.hedge.is_empty() && parsed.stale_after_seconds.is_none() {
            let rule = "hedges need it: nothing is traded on quotes of any age";
            self.issue("stale_after_seconds", "", rule);
        }
        if !parsed.collateral.is_empty() && parsed.stale_after_seconds.is_none() {
            let rule = "collateral rules need it: nothing is moved on quotes of any age";
            self.issue("stale_after_seconds", "", rule);
        }
        if !parsed.collateral.is_empty() && parsed.margin.is_none() {
            let rule = "collateral rules need [margin], which says when the use of margin is computed";
            self.issue("margin", "", rule);
        }
        if parsed.orders.is_none() && !parsed.hedge.is_empty() {
            self.issue("orders", "", "hedges need [orders]: the bounds of what they may send");
        }
    }

    fn names(&mut self, parsed: &PolicyToml) {
        let of_limits = parsed.limit.iter().map(|raw| &raw.name);
        let of_hedges = parsed.hedge.iter().map(|raw| &raw.name);
        let mut names = BTreeSet::new();
        let is_odd = |c: char| {
            c.is_control()
                || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        let of_others = parsed.trigger.iter().map(|raw| &raw.name);
        let of_others = of_others.chain(parsed.collateral.iter().map(|raw| &raw.name));
        for name in of_limits.chain(of_hedges).chain(of_others) {
            if name.chars().any(is_odd) {
                let shown: String = name.escape_debug().collect();
                self.issue(
                    "name",
                    &shown,
                    "no control characters, nor those that turn the direction of text",
                );
            }
            if !names.insert(name) {
                self.issue(
                    "name",
                    name,
                    "each limit, hedge, trigger and collateral rule has a name of its own",
                );
            }
        }
    }

    /// Names that rules of the engine's own have.
    fn reserved(&mut self, field: &str, name: &str) {
        if name.starts_with(crate::acting::FLATTEN) {
            self.issue(field, name, "the rules that close the book in the state flatten are named so");
        }
        if name.starts_with(crate::acting::BY_HAND) {
            self.issue(field, name, "trades that a person wants are named so");
        }
    }

    fn misread(&mut self, field: &str, text: &str, mistake: Mistake) {
        let Mistake { line, column, rule } = &mistake;
        self.issue(field, text, &format!("line {line}, column {column}: {rule}"));
        let place = self.issues.kept().len().saturating_sub(1);
        self.expressions.insert(place, Misread { text: text.to_owned(), mistake });
    }

    fn issue(&mut self, field: &str, value: &str, rule: &str) {
        let (field, value, rule) = (field.into(), value.into(), rule.into());
        self.issues.push(Issue { file: self.file.into(), row: 0, field, value, rule });
    }

    fn limit(&mut self, raw: &LimitToml) -> Option<Limit> {
        let at = |field: &str| format!("limit '{}': {field}", raw.name);
        if raw.name.trim().is_empty() {
            self.issue("limit.name", "", "a limit has a name");
        }
        let measure = Measure::ALL.into_iter().find(|m| m.usd_key() == raw.measure);
        if measure.is_none() {
            let known: Vec<&str> = Measure::ALL.into_iter().map(Measure::usd_key).collect();
            self.issue(&at("measure"), &raw.measure, &format!("one of {}", known.join(", ")));
        }
        let group_by = self.columns(&at("group_by"), &raw.group_by);
        let only = self.only(&at("only"), &raw.only, &group_by);
        let (warn, hard) = (self.amount(&at("warn"), &raw.warn), self.amount(&at("hard"), &raw.hard));
        if let (Some(warn), Some(hard)) = (warn, hard)
            && warn > hard
        {
            self.issue(&at("warn"), &raw.warn, "at most the hard level");
        }
        if !(raw.release > 0.0 && raw.release <= 1.0) {
            self.issue(&at("release"), &raw.release.to_string(), "a share above 0 and at most 1");
        }
        let (on_warn, on_hard) =
            (raw.on_warn.unwrap_or(State::Warn), raw.on_hard.unwrap_or(State::ReduceOnly));
        if on_warn > on_hard {
            self.issue(&at("on_warn"), on_warn.word(), "no stricter than on_hard");
        }
        Some(Limit {
            name: raw.name.clone(),
            measure: measure?,
            group_by,
            only,
            warn: warn?,
            hard: hard?,
            release: raw.release,
            hold_seconds: raw.hold_seconds,
            on_warn,
            on_hard,
        })
    }

    fn columns(&mut self, field: &str, words: &[String]) -> Vec<GroupBy> {
        let mut columns = Vec::new();
        for word in words {
            match COLUMNS.into_iter().find(|column| column.word() == word) {
                Some(column) if columns.contains(&column) => self.issue(field, word, "each column once"),
                Some(column) => columns.push(column),
                None => {
                    let known: Vec<&str> = COLUMNS.iter().map(|column| column.word()).collect();
                    self.issue(field, word, &format!("one of {}", known.join(", ")));
                }
            }
        }
        columns
    }

    fn only(
        &mut self,
        field: &str,
        raw: &BTreeMap<String, Vec<String>>,
        group_by: &[GroupBy],
    ) -> BTreeMap<usize, BTreeSet<String>> {
        let mut only = BTreeMap::new();
        for (word, keys) in raw {
            match group_by.iter().position(|column| column.word() == word) {
                Some(place) if !keys.is_empty() => {
                    only.insert(place, keys.iter().cloned().collect());
                }
                Some(_) => self.issue(field, word, "at least one name, or leave the column out"),
                None => self.issue(field, word, "a column of group_by"),
            }
        }
        only
    }

    fn amount(&mut self, field: &str, text: &str) -> Option<Fixed> {
        let value = text.trim().parse::<f64>().ok().filter(|v| *v > 0.0);
        let fixed = value.and_then(|value| Fixed::quantise(value).ok());
        if fixed.is_none() {
            self.issue(field, text, "an amount above zero, as text, such as \"500000\"");
        }
        fixed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = r#"
        source = "test"
        valid_from = "2026-11-01"
        stale_after_seconds = 60
        [[limit]]
        name = "delta"
        measure = "delta_cash_usd"
        group_by = ["underlying", "account"]
        only = { underlying = ["BTC"] }
        warn = "500000"
        hard = "1e6"
        release = 0.9
        hold_seconds = 5
        on_hard = "paused"
    "#;

    #[test]
    fn a_sound_file_says_what_it_says() {
        let policy = Policy::parse("p.toml", SOUND, &Specs::embedded()).unwrap();
        let limit = policy.limits.first().unwrap();
        assert_eq!(policy.stale_after_seconds, Some(60));
        assert_eq!(
            (limit.measure, limit.on_warn, limit.on_hard),
            (Measure::Delta, State::Warn, State::Paused)
        );
        assert_eq!(limit.group_by, [GroupBy::Underlying, GroupBy::Account]);
        assert_eq!(limit.only[&0], BTreeSet::from(["BTC".to_owned()]));
        assert_eq!(limit.hard, Fixed::quantise(1e6).unwrap());
    }

    #[test]
    fn every_mistake_is_reported() {
        let text = r#"
            source = ""
            valid_from = "soon"
            stale_after_seconds = 0
            [[limit]]
            name = "a"
            measure = "delta"
            group_by = ["coin", "venue", "venue"]
            only = { account = ["x"], venue = [] }
            warn = "2"
            hard = "1"
            release = 0.0
            on_warn = "flatten"
            [[limit]]
            name = "a"
            measure = "value_usd"
            warn = "-1"
            hard = "many"
        "#;
        let all = Policy::parse("p.toml", text, &Specs::embedded()).unwrap_err().to_string();
        for expected in [
            "where the numbers",
            "a day, such as",
            "one second at least",
            "value_usd, delta_cash_usd",
            "one of underlying",
            "each column once",
            "a column of group_by",
            "at least one name",
            "at most the hard level",
            "above 0 and at most 1",
            "no stricter than on_hard",
            "a name of its own",
            "warn = '-1'",
            "hard = 'many'",
        ] {
            assert!(all.contains(expected), "{expected} not in:\n{all}");
        }
        let unknown =
            Policy::parse("p.toml", "source='s'\nvalid_from='2026-01-01'\nlimits=3\n", &Specs::embedded())
                .unwrap_err();
        assert!(unknown.to_string().contains("unknown field `limits`"), "{unknown}");
    }
}
