//! What if: other orders, transfers, rulebooks and markets than there are. Nothing of it touches the engine.
//!
//! The question is applied to a copy of book and market of one frame; both sides are then the same functions of a frame that every view
//! is. An order is booked at its price, or at the mark without one; a fee is not guessed. What cannot be applied is listed with its reason,
//! and the rest is answered.

mod changes;

use super::headline::{Headline, LimitLine, headline, limits, usd};
use super::margins::AccountMargins;
use super::{Params, ViewError, value};
use crate::frame::Frame;
use changes::Refused;
pub(crate) use changes::{Order, Transfer};
use market::{Bump, BumpAsked};
use risk::{GroupKey, Measure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use units::Fixed;

/// Most changes of one question.
const MOST: usize = 200;

/// What is asked.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    /// A record of the journal: the state after it; the newest without.
    #[serde(default)]
    pub(crate) at: Option<u64>,
    #[serde(default)]
    pub(crate) orders: Vec<Order>,
    #[serde(default)]
    pub(crate) transfers: Vec<Transfer>,
    /// Other rules than those in force, by account and venue.
    #[serde(default)]
    pub(crate) rulebooks: Vec<OtherRules>,
    #[serde(default)]
    pub(crate) bump: Option<AskedBump>,
}

/// Other rules for an account.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OtherRules {
    pub(crate) account: String,
    pub(crate) venue: String,
    /// Id of a rulebook that ships with the program or was given to the engine.
    pub(crate) rulebook: String,
}

/// A market that is moved.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskedBump {
    /// Percent of every index.
    #[serde(default)]
    pub(crate) spot_percent: f64,
    /// Points on every vol.
    #[serde(default)]
    pub(crate) vol_points: f64,
    /// Calendar days ahead.
    #[serde(default)]
    pub(crate) days: f64,
}

impl AskedBump {
    pub(crate) fn checked(&self) -> Result<Bump, ViewError> {
        let Self { spot_percent, vol_points, days } = *self;
        Bump::new(BumpAsked { spot_percent, vol_points, days })
            .map_err(|error| ViewError::NoFigure(error.to_string()))
    }
}

/// Both sides.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct WhatIf {
    is_what_if: bool,
    /// What was changed, in words.
    sentence: String,
    before: Of,
    after: Of,
    /// Change of value, USD; premiums and gains of the orders are in it.
    #[schema(value_type = String)]
    pnl_usd: Fixed,
    accounts: Vec<AccountPair>,
    limits: Vec<LimitPair>,
    underlyings: Vec<UnderlyingPair>,
    /// What could not be applied, and why.
    refused: Vec<Refused>,
}

/// One side.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Of {
    headline: Headline,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct AccountPair {
    account: String,
    venue: String,
    before: Option<AccountSide>,
    after: Option<AccountSide>,
    /// The account would be liquidated after, and is not now.
    liquidated: bool,
    why_not: Option<String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct AccountSide {
    rulebook: String,
    #[schema(value_type = String)]
    equity_usd: Fixed,
    #[schema(value_type = String)]
    initial_margin_usd: Fixed,
    #[schema(value_type = String)]
    maintenance_margin_usd: Fixed,
    #[schema(value_type = Option<String>)]
    maintenance_use: Option<Fixed>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct LimitPair {
    limit: String,
    group: Vec<String>,
    #[schema(value_type = String)]
    before: Fixed,
    #[schema(value_type = String)]
    after: Fixed,
    #[schema(value_type = String)]
    hard: Fixed,
    level_before: &'static str,
    level_after: &'static str,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct UnderlyingPair {
    underlying: String,
    #[schema(value_type = BTreeMap<String, String>)]
    before: BTreeMap<&'static str, Fixed>,
    #[schema(value_type = BTreeMap<String, String>)]
    after: BTreeMap<&'static str, Fixed>,
}

/// The frame after the changes, and what they come to.
pub(crate) fn answer(frame: &Frame, question: &Question) -> Result<(Frame, Value), ViewError> {
    let asked = question.orders.len() + question.transfers.len() + question.rulebooks.len();
    if asked > MOST {
        return Err(ViewError::NoFigure(format!("{asked} changes are more than the {MOST} of one question")));
    }
    let (book, mut refused, said) = changes::apply(frame, question);
    let rules = changes::rules(frame, question, &mut refused);
    let after = match &question.bump {
        Some(bump) => {
            let bumped =
                frame.bumped(bump.checked()?).map_err(|error| ViewError::NoFigure(error.to_string()))?;
            bumped.holding(book, rules)
        }
        None => frame.holding(book, rules),
    };
    let data = both(frame, &after, (refused, sentence(question, &said)));
    Ok((after, value(&data)?))
}

fn sentence(question: &Question, said: &[String]) -> String {
    let mut words = said.to_vec();
    if let Some(AskedBump { spot_percent, vol_points, days }) = question.bump {
        let mut add = |value: f64, text: String| {
            if value != 0.0 {
                words.push(text);
            }
        };
        add(spot_percent, format!("spot {spot_percent:+} %"));
        add(vol_points, format!("vol {vol_points:+} points"));
        add(days, format!("{days} days later"));
    }
    let rules = question.rulebooks.iter();
    words.extend(rules.map(|rule| format!("{}@{} by {}", rule.account, rule.venue, rule.rulebook)));
    if words.is_empty() { "nothing is changed".into() } else { words.join(", ") }
}

fn both(frame: &Frame, after: &Frame, (refused, sentence): (Vec<Refused>, String)) -> WhatIf {
    let value_of = |frame: &Frame| -> Fixed {
        frame.valuation().rows.iter().map(|row| row.exposure.in_usd(Measure::Value)).sum()
    };
    WhatIf {
        is_what_if: true,
        sentence,
        before: Of { headline: headline(frame) },
        after: Of { headline: headline(after) },
        pnl_usd: value_of(after) - value_of(frame),
        accounts: account_pairs(frame.margins(), after.margins()),
        limits: limit_pairs(&limits(frame), &limits(after)),
        underlyings: underlying_pairs(frame, after),
        refused,
    }
}

fn side(account: &AccountMargins) -> AccountSide {
    AccountSide {
        rulebook: account.rulebook.clone(),
        equity_usd: account.equity_usd,
        initial_margin_usd: account.initial_margin_usd,
        maintenance_margin_usd: account.maintenance_margin_usd,
        maintenance_use: account.maintenance_use,
    }
}

fn is_under(account: Option<&AccountMargins>) -> bool {
    account.is_some_and(|account| {
        let one = Fixed::quantise(1.0).unwrap_or_default();
        account.maintenance_use.map_or(account.maintenance_margin_usd > Fixed::ZERO, |used| used > one)
    })
}

fn account_pairs(before: &[AccountMargins], after: &[AccountMargins]) -> Vec<AccountPair> {
    let names: BTreeSet<_> = before.iter().chain(after).map(|of| (&of.account, &of.venue)).collect();
    let find = |all: &'_ [AccountMargins], name: (&units::Account, &units::Venue)| {
        all.iter().find(|of| (&of.account, &of.venue) == name).cloned()
    };
    let pair = |name: (&units::Account, &units::Venue)| {
        let (old, new) = (find(before, name), find(after, name));
        let why_not = [&new, &old].into_iter().flatten().find_map(|of| of.why_not.clone());
        AccountPair {
            account: name.0.to_string(),
            venue: name.1.to_string(),
            liquidated: why_not.is_none() && !is_under(old.as_ref()) && is_under(new.as_ref()),
            before: old.as_ref().filter(|of| of.why_not.is_none()).map(side),
            after: new.as_ref().filter(|of| of.why_not.is_none()).map(side),
            why_not,
        }
    };
    names.into_iter().map(pair).collect()
}

fn limit_pairs(before: &[LimitLine], after: &[LimitLine]) -> Vec<LimitPair> {
    let key = |line: &LimitLine| (line.limit.clone(), line.group.clone());
    let old: BTreeMap<_, &LimitLine> = before.iter().map(|line| (key(line), line)).collect();
    let new: BTreeMap<_, &LimitLine> = after.iter().map(|line| (key(line), line)).collect();
    let names: BTreeSet<_> = old.keys().chain(new.keys()).cloned().collect();
    let pair = |name: (String, Vec<String>)| {
        let (a, b) = (old.get(&name), new.get(&name));
        let hard = a.or(b).map_or(Fixed::ZERO, |line| line.hard);
        let figure = |line: Option<&&LimitLine>| line.map_or(Fixed::ZERO, |line| line.figure);
        let level = |line: Option<&&LimitLine>| line.map_or("inside", |line| line.level);
        LimitPair {
            before: figure(a),
            after: figure(b),
            level_before: level(a),
            level_after: level(b),
            hard,
            limit: name.0,
            group: name.1,
        }
    };
    names.into_iter().map(pair).collect()
}

fn underlying_pairs(frame: &Frame, after: &Frame) -> Vec<UnderlyingPair> {
    let groups = |frame: &Frame| -> BTreeMap<String, _> {
        let groups = frame.by_underlying().iter().cloned();
        groups.map(|g| (g.key.first().map(GroupKey::text).unwrap_or_default(), g.exposure)).collect()
    };
    let (old, new) = (groups(frame), groups(after));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    names
        .into_iter()
        .map(|name| UnderlyingPair {
            underlying: name.clone(),
            before: usd(&old.get(name).cloned().unwrap_or_default()),
            after: usd(&new.get(name).cloned().unwrap_or_default()),
        })
        .collect()
}

/// The frame that the words after the question mark ask for: as it is, or bumped.
pub(crate) fn bump_of(params: &mut Params) -> Result<Option<Bump>, ViewError> {
    let mut take = |name: &'static str| -> Result<f64, ViewError> {
        let parsed = params.parsed::<f64>(name)?;
        params.0.remove(name);
        Ok(parsed.unwrap_or(0.0))
    };
    // `days` is the ladder's as well: words of a bump are spelled out.
    let asked = AskedBump {
        spot_percent: take("bump_spot_percent")?,
        vol_points: take("bump_vol_points")?,
        days: take("bump_days")?,
    };
    let bump = asked.checked()?;
    Ok((!bump.is_none()).then_some(bump))
}
