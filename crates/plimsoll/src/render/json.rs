//! The report as JSON, schema `plimsoll.report/1` (docs/formats.md): measures as exact decimal text, model numbers as numbers,
//! units in the keys, times in RFC 3339 UTC.

use crate::document::{Document, InputFile};
use market::VolBasis;
use risk::{
    Agreement, Break, Curve, Exposure, Group, HedgeLine, Ladder, Measure, Provenance, Row, SmileRow,
    StressRow, Unpriced,
};
use serde::Serialize;
use std::collections::BTreeMap;
use units::{Asset, Fixed, Issue, Timestamp};

#[derive(Serialize)]
struct ReportJson<'a> {
    schema: &'static str,
    partial: bool,
    asof: Timestamp,
    model: &'static str,
    version: &'static str,
    inputs: &'a [InputFile],
    coverage: Coverage<'a>,
    market: MarketJson<'a>,
    group_by: Vec<&'static str>,
    exposure: Vec<GroupJson<'a>>,
    total: GroupJson<'a>,
    positions: Vec<RowJson<'a>>,
    smile: Vec<SmileJson<'a>>,
    ladders: &'a [Ladder],
    curves: &'a [Curve],
    stress: &'a [StressRow],
    reconciliation: Reconciled<'a>,
    hedges: &'a [HedgeLine],
}

#[derive(Serialize)]
struct Coverage<'a> {
    rows_priced: usize,
    unpriced: &'a [Unpriced],
    futures_without_entry_price: usize,
    bad_rows: u64,
    bad_rows_listed: &'a [Issue],
    quotes_not_used: BTreeMap<&'static str, u64>,
}

#[derive(Serialize)]
struct MarketJson<'a> {
    option_quotes: usize,
    future_quotes: usize,
    spot_usd: BTreeMap<&'a Asset, f64>,
    usd_rates: BTreeMap<&'a Asset, f64>,
    forwards: Vec<ForwardJson<'a>>,
    vols: &'static str,
    skew_stickiness: BTreeMap<&'a Asset, f64>,
    notes: &'a [String],
}

#[derive(Serialize)]
struct ForwardJson<'a> {
    underlying: &'a Asset,
    quote_currency: &'a Asset,
    expiry: Timestamp,
    forward: f64,
    source: &'static str,
    disagreement_bp: f64,
}

#[derive(Serialize)]
struct GroupJson<'a> {
    key: Vec<String>,
    rows: usize,
    usd: BTreeMap<&'static str, Fixed>,
    /// The underlying whose coins the figures below are in; null when several are mixed.
    coin: Option<&'a Asset>,
    coins: Option<BTreeMap<&'static str, Fixed>>,
}

#[derive(Serialize)]
struct RowJson<'a> {
    account: &'a units::Account,
    venue: &'a units::Venue,
    chain: &'a units::Chain,
    instrument: &'a units::Symbol,
    contract: &'a str,
    kind: risk::RowKind,
    underlying: &'a Asset,
    expiry: Option<Timestamp>,
    quantity: String,
    sources: Provenance,
    usd: BTreeMap<&'static str, Fixed>,
    coins: BTreeMap<&'static str, Fixed>,
}

#[derive(Serialize)]
struct SmileJson<'a> {
    underlying: &'a Asset,
    options: usize,
    options_without_smile: usize,
    delta_range_usd: Fixed,
    dynamics: Vec<DynamicsJson>,
}

#[derive(Serialize)]
struct DynamicsJson {
    skew_stickiness: f64,
    smile: String,
    delta_cash_usd: Fixed,
    gamma_cash_1pct_usd: Fixed,
}

#[derive(Serialize)]
struct Reconciled<'a> {
    agreement: &'a [Agreement],
    breaks: &'a [Break],
    quotes_without_figures: usize,
}

/// Pretty JSON with a final newline.
pub(crate) fn json(document: &Document) -> Result<String, serde_json::Error> {
    let report = &document.report;
    let value = ReportJson {
        schema: "plimsoll.report/1",
        partial: document.is_partial(),
        asof: report.market.asof,
        model: "black76",
        version: env!("CARGO_PKG_VERSION"),
        inputs: &document.inputs,
        coverage: Coverage {
            rows_priced: report.rows.len(),
            unpriced: &report.unpriced,
            futures_without_entry_price: report.futures_without_entry,
            bad_rows: document.issues.rows(),
            bad_rows_listed: document.issues.kept(),
            quotes_not_used: document.not_used.iter().copied().collect(),
        },
        market: market(document),
        group_by: report.group_by.iter().map(|by| by.word()).collect(),
        exposure: report.groups.iter().map(group).collect(),
        total: group(&report.total),
        positions: report.rows.iter().map(row).collect(),
        smile: report.smile.iter().map(smile).collect(),
        ladders: &report.ladders,
        curves: &report.curves,
        stress: &report.stress,
        reconciliation: Reconciled {
            agreement: &report.reconciliation.agreement,
            breaks: &report.reconciliation.breaks,
            quotes_without_figures: report.reconciliation.without_figures,
        },
        hedges: &report.hedges,
    };
    pretty(&value)
}

/// Indented, with a final newline.
pub(crate) fn pretty(value: &impl Serialize) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    Ok(text)
}

fn market(document: &Document) -> MarketJson<'_> {
    let market = &document.report.market;
    let mut forwards = Vec::new();
    for (underlying, state) in &market.underlyings {
        for (quote_currency, family) in &state.families {
            forwards.extend(family.curve.points().map(|point| ForwardJson {
                underlying,
                quote_currency,
                expiry: point.expiry,
                forward: point.forward.get(),
                source: point.source.word(),
                disagreement_bp: point.disagreement_bp(),
            }));
        }
    }
    MarketJson {
        option_quotes: document.report.quotes.0,
        future_quotes: document.report.quotes.1,
        spot_usd: market.underlyings.iter().map(|(asset, u)| (asset, u.spot.get())).collect(),
        usd_rates: market.rates.iter().map(|(asset, rate)| (asset, rate.get())).collect(),
        forwards,
        vols: match market.vol_basis {
            VolBasis::Marks => "marks",
            VolBasis::Surface => "surface",
        },
        skew_stickiness: market.underlyings.keys().map(|a| (a, market.stickiness_of(a).get())).collect(),
        notes: &document.notes,
    }
}

fn group(group: &Group) -> GroupJson<'_> {
    GroupJson {
        key: group.key.iter().map(risk::GroupKey::text).collect(),
        rows: group.rows,
        usd: usd(&group.exposure),
        coin: group.coin.as_ref(),
        coins: group.coin.is_some().then(|| coins(&group.exposure)),
    }
}

fn smile(row: &SmileRow) -> SmileJson<'_> {
    let dynamics = row.columns.iter().map(|column| DynamicsJson {
        skew_stickiness: column.stickiness.get(),
        smile: column.stickiness.to_string(),
        delta_cash_usd: column.delta_cash_usd,
        gamma_cash_1pct_usd: column.gamma_cash_1pct_usd,
    });
    SmileJson {
        underlying: &row.underlying,
        options: row.options,
        options_without_smile: row.without_smile,
        delta_range_usd: row.delta_range_usd(),
        dynamics: dynamics.collect(),
    }
}

fn row(row: &Row) -> RowJson<'_> {
    RowJson {
        account: &row.account,
        venue: &row.venue,
        chain: &row.chain,
        instrument: &row.symbol,
        contract: &row.contract,
        kind: row.kind,
        underlying: &row.underlying,
        expiry: row.expiry,
        quantity: row.quantity.to_string(),
        sources: row.provenance,
        usd: usd(&row.exposure),
        coins: coins(&row.exposure),
    }
}

fn usd(exposure: &Exposure) -> BTreeMap<&'static str, Fixed> {
    Measure::ALL.into_iter().map(|m| (m.usd_key(), exposure.in_usd(m))).collect()
}

fn coins(exposure: &Exposure) -> BTreeMap<&'static str, Fixed> {
    Measure::ALL.into_iter().map(|m| (m.coin_key(), exposure.in_coin(m))).collect()
}
