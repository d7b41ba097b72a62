//! The stress table of a report, with what each scenario does to each underlying, venue and position.

use super::{Params, View, ViewError, shape, value};
use crate::frame::Frame;
use risk::{Scenario, ScenarioFile, StressLine, StressRow, stress};
use serde::Serialize;
use serde_json::Value;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use units::{Fixed, Venue};

pub(super) const VIEW: View = View {
    name: "stress",
    says: "Named scenarios by full revaluation, largest first: the stress table of `plimsoll report`",
    params: &[],
    every_millis: 2_000,
    compute,
    schema: shape::<StressData>,
};

const STRESS: &str = include_str!("../../../../scenarios/stress.toml");

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct StressData {
    scenarios: Vec<ScenarioLine>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ScenarioLine {
    name: String,
    source: String,
    caveat: String,
    /// `market`, `vol`, `depeg` or `venue`: what moves.
    cause: &'static str,
    #[schema(value_type = String)]
    pnl_usd: Fixed,
    /// Spot part alone; null when the scenario moves no spot.
    #[schema(value_type = Option<String>)]
    spot_only_usd: Option<Fixed>,
    #[schema(value_type = Option<String>)]
    vol_only_usd: Option<Fixed>,
    #[schema(value_type = Option<String>)]
    venue_loss_usd: Option<Fixed>,
    #[schema(value_type = Option<String>)]
    delta_after_usd: Option<Fixed>,
    #[schema(value_type = BTreeMap<String, String>)]
    by_underlying: BTreeMap<String, Fixed>,
    /// A lost venue has its loss; adds up to the total, to rounding. Null when what one venue holds by itself is beyond the range of figures.
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    by_venue: Option<BTreeMap<String, Fixed>>,
    /// The line with the largest loss, or gain if nothing loses.
    largest: Option<String>,
    /// Contracts and assets, netted over all venues, that lose most, the largest loss first.
    worst_lines: Vec<WorstLine>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct WorstLine {
    line: String,
    #[schema(value_type = String)]
    pnl_usd: Fixed,
}

fn compute(frame: &Frame, _: &Params) -> Result<Value, ViewError> {
    let file = ScenarioFile::parse("stress.toml", STRESS)
        .map_err(|issues| ViewError::NoFigure(issues.to_string()))?;
    let book = frame.book();
    let positions = book.positions.iter().map(|position| position.venue.clone());
    let venues: BTreeSet<Venue> =
        positions.chain(book.balances.iter().map(|balance| balance.venue.clone())).collect();
    let scenarios = file.scenarios_on(&venues);
    let rows = stress(book, frame.valuation(), frame.market(), &scenarios);
    let rows = rows.map_err(|error| ViewError::NoFigure(error.to_string()))?;
    let mut lines: Vec<ScenarioLine> = rows.into_iter().zip(&scenarios).map(line).collect();
    lines.sort_by_key(|line| Reverse(line.pnl_usd.abs()));
    value(&StressData { scenarios: lines })
}

fn line((row, scenario): (StressRow, &Scenario)) -> ScenarioLine {
    let shock = &scenario.shock;
    let cause = if !shock.venues_lost.is_empty() {
        "venue"
    } else if !shock.rate_factor.is_empty() {
        "depeg"
    } else if shock.moves_spot() {
        "market"
    } else {
        "vol"
    };
    ScenarioLine {
        name: row.name,
        source: row.source,
        caveat: row.caveat,
        cause,
        pnl_usd: row.total_usd,
        spot_only_usd: row.spot_only_usd,
        vol_only_usd: row.vol_only_usd,
        venue_loss_usd: row.venue_loss_usd,
        delta_after_usd: row.delta_after_usd,
        by_underlying: row
            .by_underlying_usd
            .into_iter()
            .map(|(asset, pnl)| (asset.to_string(), pnl))
            .collect(),
        by_venue: row
            .by_venue_usd
            .map(|of| of.into_iter().map(|(venue, pnl)| (venue.to_string(), pnl)).collect()),
        largest: row.largest,
        worst_lines: row.worst_lines.into_iter().map(worst_line).collect(),
    }
}

fn worst_line(StressLine { line, pnl_usd }: StressLine) -> WorstLine {
    WorstLine { line, pnl_usd }
}
