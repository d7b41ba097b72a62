//! Liquidation prices as JSON, schema `plimsoll.liquidation/1` (docs/formats.md).

use super::tables::{source, state};
use crate::margin_commands::{
    DriverVol, DriverVolSource, LiquidationDocument, LiquidationRow, MARKET_VOL_DAYS, Place, SideFigures,
};
use crate::render::json::pretty;
use crate::render::margin::json::{BasisJson, basis};
use serde::Serialize;
use units::{Account, Asset, Fixed, Symbol, Venue};

#[derive(Serialize)]
struct LiquidationJson<'a> {
    #[serde(flatten)]
    basis: BasisJson<'a>,
    path: &'a str,
    survive_fraction: Option<f64>,
    liquidations: Vec<RowJson<'a>>,
}

#[derive(Serialize)]
struct RowJson<'a> {
    account: &'a Account,
    venue: &'a Venue,
    rulebook: Option<&'a str>,
    driver: Option<&'a Asset>,
    index_usd: Option<f64>,
    vol: Option<VolJson<'a>>,
    to_liquidation_usd: Option<Fixed>,
    partial: bool,
    state: &'static str,
    reason: Option<&'a str>,
    down: Option<SideJson<'a>>,
    up: Option<SideJson<'a>>,
    to_add_usd: Option<Fixed>,
    to_add_reason: Option<&'a str>,
}

/// Vol behind the daily sigmas.
#[derive(Serialize)]
struct VolJson<'a> {
    annual: f64,
    daily: f64,
    source: &'static str,
    instrument: Option<&'a Symbol>,
    days: Option<u16>,
}

#[derive(Serialize)]
struct SideJson<'a> {
    price_usd: Option<f64>,
    factor: Option<f64>,
    daily_sigmas: Option<f64>,
    surplus_usd: Option<f64>,
    safe_factor: Option<f64>,
    safe_surplus_usd: Option<f64>,
    searched_to_factor: Option<f64>,
    reason: Option<&'a str>,
}

/// Pretty JSON with a final newline.
pub(crate) fn json(document: &LiquidationDocument) -> Result<String, serde_json::Error> {
    pretty(&LiquidationJson {
        basis: basis("plimsoll.liquidation/1", &document.basis, document.accounts.iter()),
        path: &document.path,
        survive_fraction: document.survive,
        liquidations: document.rows.iter().map(row).collect(),
    })
}

fn row(row: &LiquidationRow) -> RowJson<'_> {
    let (reason, down, up) = match &row.place {
        Place::Now => (None, None, None),
        Place::Undefined(reason) => (Some(reason.as_str()), None, None),
        Place::Sides { down, up } => (None, Some(side(row, down)), Some(side(row, up))),
    };
    let to_add = row.to_add_usd.as_ref();
    RowJson {
        account: &row.account,
        venue: &row.venue,
        rulebook: row.rulebook.as_deref(),
        driver: row.driver.as_ref(),
        index_usd: row.index_usd,
        vol: row.vol.as_ref().map(vol),
        to_liquidation_usd: row.surplus_usd,
        partial: row.is_partial,
        state: state(&row.place),
        reason,
        down,
        up,
        to_add_usd: to_add.and_then(|to_add| to_add.as_ref().ok().copied()),
        to_add_reason: to_add.and_then(|to_add| to_add.as_ref().err().map(String::as_str)),
    }
}

fn vol(vol: &DriverVol) -> VolJson<'_> {
    let (instrument, days) = match &vol.source {
        DriverVolSource::Account(symbol) => (Some(symbol), None),
        DriverVolSource::Market(_) => (None, Some(MARKET_VOL_DAYS)),
    };
    VolJson { annual: vol.annual.get(), daily: vol.daily(), source: source(vol), instrument, days }
}

fn side<'a>(row: &LiquidationRow, side: &'a SideFigures) -> SideJson<'a> {
    let found = side.crossing;
    SideJson {
        price_usd: found.and_then(|crossing| row.price_usd(&crossing)),
        factor: found.map(|crossing| crossing.factor),
        daily_sigmas: found.and_then(|crossing| crossing.daily_sigmas),
        surplus_usd: found.map(|crossing| crossing.surplus_usd),
        safe_factor: found.map(|crossing| crossing.safe_factor),
        safe_surplus_usd: found.map(|crossing| crossing.safe_surplus_usd),
        searched_to_factor: side.searched_to_factor,
        reason: side.reason.as_deref(),
    }
}
