//! Margin as JSON, schema `plimsoll.margin/1` (docs/formats.md): published figures as exact decimal text, ratios as numbers,
//! units in the keys, times in RFC 3339 UTC.

use crate::document::InputFile;
use crate::margin_command::{
    AccountFigures, ChargeFigures, CollateralFigures, Haircut, LegFigures, MarginDocument, MarginFigures,
    Published, RulebookLine, ScenarioFigures, UnitFigures,
};
use crate::render::json::pretty;
use serde::Serialize;
use std::collections::BTreeMap;
use units::{Account, Asset, Fixed, Issue, Timestamp, Venue};

#[derive(Serialize)]
struct MarginJson<'a> {
    schema: &'static str,
    partial: bool,
    asof: Timestamp,
    version: &'static str,
    inputs: &'a [InputFile],
    coverage: Coverage<'a>,
    market: MarketJson<'a>,
    rulebooks: Vec<RulebookJson<'a>>,
    accounts: Vec<AccountJson<'a>>,
    total: TotalJson,
    notes: &'a [String],
}

/// What is in no figure, in numbers; each account lists its own.
#[derive(Serialize)]
pub(crate) struct Coverage<'a> {
    not_margined: usize,
    bad_rows: u64,
    bad_rows_listed: &'a [Issue],
}

/// Prices that everything rests on.
#[derive(Serialize)]
pub(crate) struct MarketJson<'a> {
    spot_usd: BTreeMap<&'a Asset, f64>,
    usd_rates: BTreeMap<&'a Asset, f64>,
}

/// A rulebook by its file's header.
#[derive(Serialize)]
pub(crate) struct RulebookJson<'a> {
    id: &'a str,
    title: &'a str,
    engine: &'static str,
    venues: &'a [Venue],
    valid_from: &'a str,
    parameter_hash: &'a str,
    sources: &'a [String],
    unverified: &'a [String],
}

/// One account on one venue.
#[derive(Serialize)]
pub(crate) struct AccountJson<'a> {
    account: &'a Account,
    venue: &'a Venue,
    status: &'static str,
    equity_usd: Option<Fixed>,
    margin: Option<ModelJson<'a>>,
    unmargined: Vec<MissingJson<'a>>,
}

#[derive(Serialize)]
struct ModelJson<'a> {
    rulebook: &'a str,
    parameter_hash: &'a str,
    counted_usd: Published,
    requirement_usd: Published,
    surplus_usd: Published,
    utilisation: Option<f64>,
    worst: Option<WorstJson<'a>>,
    units: Vec<UnitJson<'a>>,
    collateral: Vec<CollateralJson<'a>>,
    notes: &'a [String],
}

#[derive(Serialize)]
struct WorstJson<'a> {
    unit: &'a str,
    scenario: &'a str,
    pnl_usd: Fixed,
}

#[derive(Serialize)]
struct UnitJson<'a> {
    name: &'a str,
    requirement_usd: Published,
    worst: Option<&'a ScenarioFigures>,
    scenarios: &'a [ScenarioFigures],
    charges: &'a [ChargeFigures],
    legs: &'a [LegFigures],
}

#[derive(Serialize)]
struct CollateralJson<'a> {
    asset: &'a Asset,
    amount: Fixed,
    value_usd: Fixed,
    counted_usd: Published,
    haircut: Option<Haircut>,
}

#[derive(Serialize)]
struct MissingJson<'a> {
    kind: &'static str,
    name: &'a str,
    reason: &'a str,
}

#[derive(Serialize)]
struct TotalJson {
    equity_usd: Fixed,
    counted_usd: Published,
    requirement_usd: Published,
    surplus_usd: Published,
}

/// Pretty JSON with a final newline.
pub(crate) fn json(document: &MarginDocument) -> Result<String, serde_json::Error> {
    let totals = document.totals();
    pretty(&MarginJson {
        schema: "plimsoll.margin/1",
        partial: document.is_partial(),
        asof: document.market.asof,
        version: env!("CARGO_PKG_VERSION"),
        inputs: &document.inputs,
        coverage: Coverage {
            not_margined: document.missing(),
            bad_rows: document.issues.rows(),
            bad_rows_listed: document.issues.kept(),
        },
        market: MarketJson {
            spot_usd: document.market.underlyings.iter().map(|(asset, u)| (asset, u.spot.get())).collect(),
            usd_rates: document.market.rates.iter().map(|(asset, rate)| (asset, rate.get())).collect(),
        },
        rulebooks: document.rulebooks.iter().map(rulebook).collect(),
        accounts: document.accounts.iter().map(account).collect(),
        total: TotalJson {
            equity_usd: totals.equity_usd,
            counted_usd: totals.counted_usd,
            requirement_usd: totals.requirement_usd,
            surplus_usd: totals.surplus_usd(),
        },
        notes: &document.notes,
    })
}

/// A rulebook by its header.
pub(crate) fn rulebook(line: &RulebookLine) -> RulebookJson<'_> {
    let header = &line.header;
    RulebookJson {
        id: &header.id,
        title: &header.title,
        engine: line.engine,
        venues: &header.venues,
        valid_from: &header.valid_from,
        parameter_hash: &line.parameter_hash,
        sources: &header.sources,
        unverified: &header.unverified,
    }
}

/// An account with everything.
pub(crate) fn account(account: &AccountFigures) -> AccountJson<'_> {
    let missing = account.missing.iter();
    AccountJson {
        account: &account.account,
        venue: &account.venue,
        status: account.status.key(),
        equity_usd: account.equity_usd,
        margin: account.margin.as_ref().map(model),
        unmargined: missing
            .map(|m| MissingJson { kind: m.kind.key(), name: &m.name, reason: &m.reason })
            .collect(),
    }
}

fn model(margin: &MarginFigures) -> ModelJson<'_> {
    ModelJson {
        rulebook: &margin.rulebook,
        parameter_hash: &margin.parameter_hash,
        counted_usd: margin.counted_usd,
        requirement_usd: margin.requirement_usd,
        surplus_usd: margin.surplus_usd(),
        utilisation: margin.utilisation,
        worst: margin.worst().map(|(unit, scenario)| WorstJson {
            unit: &unit.name,
            scenario: &scenario.name,
            pnl_usd: scenario.pnl_usd,
        }),
        units: margin.units.iter().map(unit).collect(),
        collateral: margin.collateral.iter().map(collateral).collect(),
        notes: &margin.notes,
    }
}

fn unit(unit: &UnitFigures) -> UnitJson<'_> {
    UnitJson {
        name: &unit.name,
        requirement_usd: unit.requirement_usd,
        worst: unit.worst_scenario(),
        scenarios: &unit.scenarios,
        charges: &unit.charges,
        legs: &unit.legs,
    }
}

fn collateral(balance: &CollateralFigures) -> CollateralJson<'_> {
    CollateralJson {
        asset: &balance.asset,
        amount: balance.amount,
        value_usd: balance.value_usd,
        counted_usd: balance.counted_usd,
        haircut: balance.haircut,
    }
}
