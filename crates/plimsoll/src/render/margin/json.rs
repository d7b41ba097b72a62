//! Margin as JSON, schema `plimsoll.margin/1` (docs/formats.md): published figures as exact decimal text, ratios as numbers,
//! units in the keys, times in RFC 3339 UTC.

use crate::document::InputFile;
use crate::margin_commands::{
    AccountFigures, Basis, ChargeFigures, CheapestFigures, CollateralFigures, Extrapolated, FaultFigures,
    FaultSide, FaultsFigures, FragmentationFigures, Haircut, LegFigures, MarginDocument, MarginFigures,
    Missing, Published, RulebookLine, ScenarioFigures, Totals, UnitFigures, WalletFigures, missing as count,
};
use crate::render::json::pretty;
use serde::Serialize;
use std::collections::BTreeMap;
use units::{Account, Asset, Fixed, Issue, Timestamp, Venue};

#[derive(Serialize)]
struct MarginJson<'a> {
    #[serde(flatten)]
    basis: BasisJson<'a>,
    accounts: Vec<AccountJson<'a>>,
    total: TotalJson,
    fragmentation: Option<FragmentationJson<'a>>,
    cheapest_venues: Option<CheapestJson<'a>>,
    faults: Option<Vec<FaultJson<'a>>>,
    faults_without_effect: Option<Vec<QuietJson<'a>>>,
}

/// What every answer of the commands on margin begins with.
#[derive(Serialize)]
pub(crate) struct BasisJson<'a> {
    schema: &'static str,
    partial: bool,
    asof: Timestamp,
    version: &'static str,
    inputs: &'a [InputFile],
    notes: &'a [String],
    coverage: Coverage<'a>,
    market: MarketJson<'a>,
    rulebooks: Vec<RulebookJson<'a>>,
}

/// What is in no figure, in numbers; each account lists its own.
#[derive(Serialize)]
struct Coverage<'a> {
    not_margined: usize,
    bad_rows: u64,
    bad_rows_listed: &'a [Issue],
}

/// Prices that everything rests on.
#[derive(Serialize)]
struct MarketJson<'a> {
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
    instruments: &'static str,
    valid_from: &'a str,
    parameter_hash: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    side: Option<&'static str>,
    sources: &'a [String],
    unverified: &'a [String],
}

/// One account on one venue.
#[derive(Serialize)]
pub(crate) struct AccountJson<'a> {
    account: &'a Account,
    venue: &'a Venue,
    status: &'static str,
    partial: bool,
    equity_usd: Option<Fixed>,
    margin: Option<ModelJson<'a>>,
    unmargined: Vec<MissingJson<'a>>,
    bad_rows: usize,
    extrapolated: &'a [Extrapolated],
}

#[derive(Serialize)]
struct ModelJson<'a> {
    rulebook: &'a str,
    parameter_hash: &'a str,
    counted_usd: Published,
    requirement_usd: Published,
    surplus_usd: Published,
    utilisation: Option<f64>,
    wallets: &'a [WalletFigures],
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

/// What is in no figure.
#[derive(Serialize)]
pub(crate) struct MissingJson<'a> {
    kind: &'static str,
    name: &'a str,
    reason: &'a str,
}

/// Sums over accounts.
#[derive(Serialize)]
pub(crate) struct TotalJson {
    equity_usd: Fixed,
    counted_usd: Published,
    requirement_usd: Published,
    surplus_usd: Published,
}

#[derive(Serialize)]
struct FragmentationJson<'a> {
    funding_rate: f64,
    today_usd: Published,
    alternatives: Vec<AlternativeJson<'a>>,
}

#[derive(Serialize)]
struct AlternativeJson<'a> {
    rulebook: &'a str,
    requirement_usd: Published,
    gap_usd: Option<Published>,
    cost_usd_per_year: Option<Published>,
    unmargined: Vec<MissingJson<'a>>,
}

#[derive(Serialize)]
struct FaultJson<'a> {
    fault: &'a str,
    source: &'a str,
    account: &'a Account,
    venue: &'a Venue,
    rulebook: &'a str,
    outcome: &'static str,
    before: FaultSide,
    venue_view: FaultSide,
    truth: FaultSide,
    hidden_usd: Fixed,
    note: Option<&'a str>,
    unmargined: Vec<MissingJson<'a>>,
}

/// A fault that changes no account.
#[derive(Serialize)]
struct QuietJson<'a> {
    fault: &'a str,
    source: &'a str,
    reason: &'a str,
}

#[derive(Serialize)]
struct CheapestJson<'a> {
    positions: Vec<PositionJson<'a>>,
    places: Vec<PlaceJson<'a>>,
    not_candidates: Vec<NotCandidateJson<'a>>,
}

#[derive(Serialize)]
struct PositionJson<'a> {
    position: &'a str,
    contract: &'a str,
    quantity: f64,
}

#[derive(Serialize)]
struct PlaceJson<'a> {
    rank: usize,
    position: usize,
    account: Option<&'a Account>,
    venue: &'a Venue,
    instrument: &'a units::Symbol,
    rulebook: &'a str,
    requirement_taken_usd: Published,
    surplus_taken_usd: Published,
    surplus_left_usd: Published,
    status: &'static str,
    partial: bool,
}

#[derive(Serialize)]
struct NotCandidateJson<'a> {
    position: usize,
    account: Option<&'a Account>,
    venue: &'a Venue,
    reason: &'a str,
}

/// Pretty JSON with a final newline.
pub(crate) fn json(document: &MarginDocument) -> Result<String, serde_json::Error> {
    pretty(&MarginJson {
        basis: basis("plimsoll.margin/1", &document.basis, document.accounts.iter()),
        accounts: document.accounts.iter().map(account).collect(),
        total: total(&document.totals()),
        fragmentation: document.fragmentation.as_ref().map(fragmentation),
        cheapest_venues: document.cheapest.as_ref().map(cheapest),
        faults: document.faults.as_ref().map(|faults| faults.effects.iter().map(fault).collect()),
        faults_without_effect: document.faults.as_ref().map(quiet),
    })
}

/// What an answer begins with.
pub(crate) fn basis<'a>(
    schema: &'static str,
    basis: &'a Basis,
    accounts: impl Iterator<Item = &'a AccountFigures>,
) -> BasisJson<'a> {
    let not_margined = count(accounts);
    BasisJson {
        schema,
        partial: not_margined > 0 || !basis.issues.is_empty(),
        asof: basis.market.asof,
        version: env!("CARGO_PKG_VERSION"),
        inputs: &basis.inputs,
        notes: &basis.notes,
        coverage: Coverage {
            not_margined,
            bad_rows: basis.issues.rows(),
            bad_rows_listed: basis.issues.kept(),
        },
        market: MarketJson {
            spot_usd: basis.market.underlyings.iter().map(|(asset, u)| (asset, u.spot.get())).collect(),
            usd_rates: basis.market.rates.iter().map(|(asset, rate)| (asset, rate.get())).collect(),
        },
        rulebooks: basis.rulebooks.iter().map(rulebook).collect(),
    }
}

/// Sums over accounts.
pub(crate) fn total(totals: &Totals) -> TotalJson {
    TotalJson {
        equity_usd: totals.equity_usd,
        counted_usd: totals.counted_usd,
        requirement_usd: totals.requirement_usd,
        surplus_usd: totals.surplus_usd,
    }
}

fn missing(missing: &[Missing]) -> Vec<MissingJson<'_>> {
    missing.iter().map(|m| MissingJson { kind: m.kind.key(), name: &m.name, reason: &m.reason }).collect()
}

fn fragmentation(fragmentation: &FragmentationFigures) -> FragmentationJson<'_> {
    let alternatives = fragmentation.alternatives.iter();
    FragmentationJson {
        funding_rate: fragmentation.funding_rate.get(),
        today_usd: fragmentation.today_usd,
        alternatives: alternatives
            .map(|alternative| AlternativeJson {
                rulebook: &alternative.rulebook,
                requirement_usd: alternative.requirement_usd,
                gap_usd: alternative.gap_usd,
                cost_usd_per_year: alternative.cost_usd_per_year,
                unmargined: missing(&alternative.unmargined),
            })
            .collect(),
    }
}

fn cheapest(cheapest: &CheapestFigures) -> CheapestJson<'_> {
    let positions = cheapest.positions.iter().map(|position| PositionJson {
        position: &position.position,
        contract: &position.contract,
        quantity: position.quantity,
    });
    let places = (1..).zip(&cheapest.places).map(|(rank, place)| PlaceJson {
        rank,
        position: place.position,
        account: place.account.as_ref(),
        venue: &place.venue,
        instrument: &place.instrument,
        rulebook: &place.rulebook,
        requirement_taken_usd: place.requirement_usd,
        surplus_taken_usd: place.surplus_usd,
        surplus_left_usd: place.left_usd,
        status: place.status.0,
        partial: place.is_partial,
    });
    let others = cheapest.not_candidates.iter().map(|other| NotCandidateJson {
        position: other.position,
        account: other.account.as_ref(),
        venue: &other.venue,
        reason: &other.reason,
    });
    CheapestJson {
        positions: positions.collect(),
        places: places.collect(),
        not_candidates: others.collect(),
    }
}

fn quiet(faults: &FaultsFigures) -> Vec<QuietJson<'_>> {
    let all = faults.without_effect.iter();
    all.map(|quiet| QuietJson { fault: &quiet.fault, source: &quiet.source, reason: &quiet.reason }).collect()
}

fn fault(fault: &FaultFigures) -> FaultJson<'_> {
    FaultJson {
        fault: &fault.fault,
        source: &fault.source,
        account: &fault.account,
        venue: &fault.venue,
        rulebook: &fault.rulebook,
        outcome: fault.outcome.key(),
        before: fault.before,
        venue_view: fault.venue_view,
        truth: fault.truth,
        hidden_usd: fault.hidden_usd,
        note: fault.note.as_deref(),
        unmargined: missing(&fault.unmargined),
    }
}

/// A rulebook by its header.
pub(crate) fn rulebook(line: &RulebookLine) -> RulebookJson<'_> {
    let header = &line.header;
    RulebookJson {
        id: &header.id,
        title: &header.title,
        engine: line.engine,
        venues: &header.venues,
        instruments: line.instruments(),
        valid_from: &header.valid_from,
        parameter_hash: &line.parameter_hash,
        side: line.side,
        sources: &header.sources,
        unverified: &header.unverified,
    }
}

/// An account with everything.
pub(crate) fn account(account: &AccountFigures) -> AccountJson<'_> {
    AccountJson {
        account: &account.account,
        venue: &account.venue,
        status: account.status_key(),
        partial: account.is_partial(),
        equity_usd: account.equity_usd,
        margin: account.margin.as_ref().map(model),
        unmargined: missing(&account.missing),
        bad_rows: account.bad_rows,
        extrapolated: &account.extrapolated,
    }
}

fn model(margin: &MarginFigures) -> ModelJson<'_> {
    ModelJson {
        rulebook: &margin.rulebook,
        parameter_hash: &margin.parameter_hash,
        counted_usd: margin.counted_usd,
        requirement_usd: margin.requirement_usd,
        surplus_usd: margin.surplus_usd,
        utilisation: margin.utilisation,
        wallets: &margin.wallets,
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
