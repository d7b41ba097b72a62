//! Exposure by any grouping, with the limits beside it.

use super::headline::{LimitLine, coins, limits, usd};
use super::{Param, Params, View, ViewError, shape, value};
use crate::frame::Frame;
use risk::{Exposure, Group, GroupBy, GroupKey, Row};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use units::{Asset, Fixed};

pub(super) const VIEW: View = View {
    name: "exposure",
    says: "All measures by any grouping, in USD and in coins, and every limit. The figures of `plimsoll report`.",
    params: &[
        Param { name: "group_by", says: "Columns, with commas", example: "underlying,expiry" },
        Param { name: "underlying", says: "Only this one", example: "BTC" },
        Param { name: "venue", says: "Only this one", example: "deribit" },
        Param { name: "account", says: "Only this one", example: "desk" },
        Param { name: "expiry", says: "Only this one, as groups write it", example: "28NOV26" },
        Param { name: "kind", says: "option, future, perpetual, spot, balance or gain", example: "option" },
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
    let rows = filtered(&frame.valuation().rows, params);
    let lacking = lacking(frame, params);
    let stale: BTreeSet<&Asset> = frame.engine().stale().iter().collect();
    let of = |group: Group| {
        let members = rows.iter().filter(|row| by.iter().map(|c| c.key(row)).eq(group.key.iter().cloned()));
        let is_stale = members.into_iter().any(|row| stale.contains(&row.underlying));
        let unvalued =
            lacking.iter().filter(|row| by.iter().map(|c| c.key(row)).eq(group.key.iter().cloned()));
        line(&group, unvalued.count(), is_stale)
    };
    let total = risk::group(&rows, &[]).into_iter().next().unwrap_or_else(Group::nothing);
    let mut groups: Vec<GroupLine> = risk::group(&rows, &by).into_iter().map(of).collect();
    groups.extend(only_lacking(&groups, &lacking, &by));
    let spot = frame.market().underlyings.iter();
    value(&ExposureData {
        group_by: by.iter().map(|column| column.word()).collect(),
        columns: COLUMNS.iter().map(|column| column.word()).collect(),
        total: line(&total, lacking.len(), rows.iter().any(|row| stale.contains(&row.underlying))),
        groups,
        limits: limits(frame),
        spot_usd: spot.map(|(asset, underlying)| (asset.to_string(), underlying.spot.get())).collect(),
    })
}

/// Groups of which nothing at all has a value: they are not left out.
fn only_lacking(groups: &[GroupLine], lacking: &[Row], by: &[GroupBy]) -> Vec<GroupLine> {
    let mut counts: BTreeMap<Vec<GroupKey>, usize> = BTreeMap::new();
    for row in lacking {
        *counts.entry(by.iter().map(|column| column.key(row)).collect()).or_default() += 1;
    }
    let texts = |key: &[GroupKey]| key.iter().map(GroupKey::text).collect::<Vec<_>>();
    counts.retain(|key, _| !groups.iter().any(|group| group.key == texts(key)));
    counts
        .into_iter()
        .map(|(key, count)| {
            line(&Group { key, rows: 0, exposure: Exposure::default(), coin: None }, count, false)
        })
        .collect()
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

fn passes(row: &Row, params: &Params) -> bool {
    let filters = [
        ("underlying", GroupBy::Underlying),
        ("venue", GroupBy::Venue),
        ("account", GroupBy::Account),
        ("expiry", GroupBy::Expiry),
        ("kind", GroupBy::Kind),
    ];
    filters.iter().all(|(name, column)| params.text(name).is_none_or(|text| column.key(row).text() == text))
}

fn filtered(rows: &[Row], params: &Params) -> Vec<Row> {
    rows.iter().filter(|row| passes(row, params)).cloned().collect()
}

/// Where things without a value belong.
fn lacking(frame: &Frame, params: &Params) -> Vec<Row> {
    let book = frame.book();
    let unpriced = &frame.valuation().unpriced;
    let is_lacking = |place: &Row| {
        unpriced.iter().any(|u| {
            (&u.account, &u.venue, &u.chain, &u.symbol)
                == (&place.account, &place.venue, &place.chain, &place.symbol)
        })
    };
    let places = book.positions.iter().map(risk::position_place);
    let places = places.chain(book.balances.iter().map(risk::balance_place));
    places.filter(|place| is_lacking(place) && passes(place, params)).collect()
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
