//! Exposure by any grouping, with the limits beside it.

use super::headline::{LimitLine, coins, limits, usd};
use super::{Param, Params, View, ViewError, shape, value};
use crate::frame::Frame;
use risk::{Group, GroupBy, GroupKey, Placed, Row};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use units::Fixed;

/// Filters of lines, see [`passes`].
pub(super) const OF_UNDERLYING: Param = Param { name: "underlying", says: "Only this one", example: "BTC" };
pub(super) const OF_VENUE: Param = Param { name: "venue", says: "Only this one", example: "deribit" };
pub(super) const OF_ACCOUNT: Param = Param { name: "account", says: "Only this one", example: "desk" };
pub(super) const OF_EXPIRY: Param =
    Param { name: "expiry", says: "Only this one, as groups of exposure write it", example: "28NOV26" };
pub(super) const OF_KIND: Param = Param {
    name: "kind",
    says: "option, future, perpetual, spot, balance, gain; several with commas",
    example: "option",
};

pub(super) const VIEW: View = View {
    name: "exposure",
    says: "All measures by any grouping, in USD and in coins, and every limit. The figures of `plimsoll report`.",
    params: &[
        Param { name: "group_by", says: "Columns, with commas", example: "underlying,expiry" },
        OF_UNDERLYING,
        OF_VENUE,
        OF_ACCOUNT,
        OF_EXPIRY,
        OF_KIND,
    ],
    every_millis: 100,
    compute,
    schema: shape::<ExposureData>,
};

const COLUMNS: [GroupBy; 6] =
    [GroupBy::Account, GroupBy::Venue, GroupBy::Chain, GroupBy::Underlying, GroupBy::Expiry, GroupBy::Kind];

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ExposureData {
    group_by: Vec<&'static str>,
    /// What may be grouped by.
    columns: Vec<&'static str>,
    groups: Vec<GroupLine>,
    total: GroupLine,
    limits: Vec<LimitLine>,
    spot_usd: BTreeMap<String, f64>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct GroupLine {
    key: Vec<String>,
    rows: usize,
    /// Things held here without a value: the sums lack them.
    unvalued: usize,
    is_stale: bool,
    #[schema(value_type = BTreeMap<String, String>)]
    usd: BTreeMap<&'static str, Fixed>,
    /// The underlying whose coins the figures below are in; null when several are mixed.
    coin: Option<String>,
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    coins: Option<BTreeMap<&'static str, Fixed>>,
}

fn compute(frame: &Frame, params: &Params) -> Result<Value, ViewError> {
    let by = columns(params)?;
    let lines = || frame.sheet().lines().filter(|line| passes(line, params));
    let found = risk::group(lines(), &by);
    let stale = stale_groups(frame, lines(), &by);
    let lacking = lacking(frame, params, &by);
    let of = |group: &Group| {
        line(group, lacking.get(&group.key).copied().unwrap_or_default(), stale.contains(&group.key))
    };
    let total = total(&found);
    let spot = frame.market().underlyings.iter();
    value(&ExposureData {
        group_by: by.iter().map(|column| column.word()).collect(),
        columns: COLUMNS.iter().map(|column| column.word()).collect(),
        total: line(&total, lacking.values().sum(), !stale.is_empty()),
        groups: found.iter().map(of).chain(only_lacking(&found, &lacking)).collect(),
        limits: limits(frame),
        spot_usd: spot.map(|(asset, underlying)| (asset.to_string(), underlying.spot.get())).collect(),
    })
}

/// The sum of all groups: sums are exact, so it is that of all lines.
fn total(groups: &[Group]) -> Group {
    let mut total = Group::nothing();
    total.coin = groups.first().and_then(|group| group.coin.clone());
    for group in groups {
        total.rows += group.rows;
        total.exposure += &group.exposure;
        if group.coin != total.coin {
            total.coin = None;
        }
    }
    total
}

/// Groups of which a part rests on stale quotes.
fn stale_groups<'a>(
    frame: &Frame,
    lines: impl Iterator<Item = Placed<'a>>,
    by: &[GroupBy],
) -> BTreeSet<Vec<GroupKey>> {
    let stale = frame.engine().stale();
    if stale.is_empty() {
        return BTreeSet::new();
    }
    let lines = lines.filter(|line| stale.contains(line.underlying));
    risk::group(lines, by).into_iter().map(|group| group.key).collect()
}

/// How many things without a value belong to each group, those of the filters.
type Lacking = BTreeMap<Vec<GroupKey>, usize>;

/// Groups of which nothing at all has a value: they are not left out.
fn only_lacking(groups: &[Group], lacking: &Lacking) -> Vec<GroupLine> {
    let valued: BTreeSet<&Vec<GroupKey>> = groups.iter().map(|group| &group.key).collect();
    let without = lacking.iter().filter(|(key, _)| !valued.contains(key));
    let group = |key: &Vec<GroupKey>| Group { key: key.clone(), ..Group::nothing() };
    without.map(|(key, count)| line(&group(key), *count, false)).collect()
}

fn columns(params: &Params) -> Result<Vec<GroupBy>, ViewError> {
    let text = params.0.get("group_by").map_or("underlying", String::as_str);
    let mut by = Vec::new();
    for word in text.split(',').filter(|word| !word.is_empty()) {
        let bad = |rule: &str| ViewError::Bad { name: "group_by", value: word.into(), rule: rule.into() };
        let column = COLUMNS.into_iter().find(|column| column.word() == word);
        let column = column.ok_or_else(|| bad("one of account, venue, chain, underlying, expiry, kind"))?;
        if by.contains(&column) {
            return Err(bad("named twice"));
        }
        by.push(column);
    }
    Ok(by)
}

/// True when a line is of what the words ask for.
pub(super) fn passes(line: &Placed<'_>, params: &Params) -> bool {
    let filters = [
        ("underlying", GroupBy::Underlying),
        ("venue", GroupBy::Venue),
        ("account", GroupBy::Account),
        ("expiry", GroupBy::Expiry),
        ("kind", GroupBy::Kind),
    ];
    filters.iter().all(|(name, column)| {
        params.text(name).is_none_or(|words| match column {
            // Several at once: what has no expiry is of several kinds.
            GroupBy::Kind => words.split(',').any(|word| line.is(GroupBy::Kind, word)),
            _ => line.is(*column, words),
        })
    })
}

fn lacking(frame: &Frame, params: &Params, by: &[GroupBy]) -> Lacking {
    let unpriced = &frame.sheet().unpriced;
    if unpriced.is_empty() {
        return Lacking::new();
    }
    let book = frame.book();
    let is_lacking = |place: &Row| {
        unpriced.iter().any(|u| {
            (&u.account, &u.venue, &u.chain, &u.symbol)
                == (&place.account, &place.venue, &place.chain, &place.symbol)
        })
    };
    let places = book.positions.iter().map(risk::position_place);
    let places = places.chain(book.balances.iter().map(risk::balance_place));
    let mut counts = Lacking::new();
    for place in places.filter(|place| passes(&place.into(), params) && is_lacking(place)) {
        *counts.entry(by.iter().map(|column| column.key(&place)).collect()).or_default() += 1;
    }
    counts
}

fn line(group: &Group, unvalued: usize, is_stale: bool) -> GroupLine {
    GroupLine {
        key: group.key.iter().map(GroupKey::text).collect(),
        rows: group.rows,
        unvalued,
        is_stale,
        usd: usd(&group.exposure),
        coin: group.coin.as_ref().map(ToString::to_string),
        coins: group.coin.is_some().then(|| coins(&group.exposure)),
    }
}
