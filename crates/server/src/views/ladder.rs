//! P&L or a greek over spot and vol, by full revaluation.
//!
//! P&L is `risk::Ladder`, as in a report. Greeks, and P&L some days ahead, are those of the book on the bumped market of each cell: prices
//! and carry by the same rules ([`market::Bump`]). Positions and coins of one underlying only.

use super::{Param, Params, UNDERLYING, View, ViewError, shape, underlyings, value};
use crate::frame::Frame;
use market::{Bump, BumpAsked};
use risk::{Cell, Ladder, LadderAxes, Measure, ScenarioFile, Shock, ShockSet, Valuation, VolShift, lines};
use serde::Serialize;
use serde_json::Value;
use units::{Asset, Fixed};

pub(super) const VIEW: View = View {
    name: "ladder",
    says: "P&L or a greek of one underlying over moves of spot and vol, some days ahead",
    params: &[
        UNDERLYING,
        Param { name: "days", says: "Calendar days ahead, 0 to 365", example: "1" },
        Param { name: "measure", says: "pnl, delta_cash, gamma_cash_1pct or vega", example: "pnl" },
    ],
    every_millis: 1_000,
    compute,
    schema: shape::<LadderData>,
};

/// The axes of every report.
pub(super) const AXES: &str = include_str!("../../../../scenarios/ladder.toml");

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct LadderData {
    underlying: String,
    underlyings: Vec<String>,
    spot_usd: f64,
    days: f64,
    day_choices: [f64; 4],
    measure: &'static str,
    unit: &'static str,
    /// How the smile moves with spot.
    rule: String,
    spot_returns: Vec<f64>,
    vol_points: Vec<f64>,
    /// Vol rows by spot columns.
    #[schema(value_type = Vec<Vec<String>>)]
    cells: Vec<Vec<Fixed>>,
    worst: WorstCell,
    /// Set where cells lack something: what expires before the horizon has no greeks there.
    note: Option<String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct WorstCell {
    spot_return: f64,
    vol_points: f64,
    #[schema(value_type = String)]
    figure: Fixed,
}

/// What a cell holds.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Figure {
    Pnl,
    Greek(Measure, &'static str),
}

fn figure(params: &Params) -> Result<(Figure, &'static str), ViewError> {
    Ok(match params.text("measure").unwrap_or("pnl") {
        "pnl" => (Figure::Pnl, "pnl"),
        "delta_cash" => (Figure::Greek(Measure::Delta, "USD per 100 %"), "delta_cash"),
        "gamma_cash_1pct" => (Figure::Greek(Measure::Gamma, "USD per 1 %"), "gamma_cash_1pct"),
        "vega" => (Figure::Greek(Measure::Vega, "USD per vol point"), "vega"),
        other => {
            let rule = "one of pnl, delta_cash, gamma_cash_1pct, vega".into();
            return Err(ViewError::Bad { name: "measure", value: other.into(), rule });
        }
    })
}

fn compute(frame: &Frame, params: &Params) -> Result<Value, ViewError> {
    let all = underlyings(frame);
    let underlying = params.underlying(&all)?;
    let days = days(params)?;
    let (of, measure) = figure(params)?;
    let axes = axes()?;
    let (cells, note) = match of {
        Figure::Pnl => (pnl(frame, (&underlying, days), &axes)?, None),
        Figure::Greek(measure, _) => greeks(frame, (&underlying, days), (measure, &axes))?,
    };
    let worst = worst(&cells, &axes);
    value(&LadderData {
        spot_usd: frame.market().spot(&underlying).map_or(0.0, units::Spot::get),
        rule: frame.market().stickiness_of(&underlying).to_string(),
        underlyings: all.iter().map(ToString::to_string).collect(),
        underlying: underlying.to_string(),
        days,
        day_choices: [0.0, 1.0, 7.0, 30.0],
        measure,
        unit: match of {
            Figure::Pnl => "USD",
            Figure::Greek(_, unit) => unit,
        },
        spot_returns: axes.spot_returns,
        vol_points: axes.vol_points,
        cells,
        worst: WorstCell {
            spot_return: worst.spot_return,
            vol_points: worst.vol_points,
            figure: worst.pnl_usd,
        },
        note,
    })
}

fn days(params: &Params) -> Result<f64, ViewError> {
    let days = params.parsed::<f64>("days")?.unwrap_or(0.0);
    if (0.0..=365.0).contains(&days) {
        return Ok(days);
    }
    Err(ViewError::Bad { name: "days", value: days.to_string(), rule: "a number from 0 to 365".into() })
}

fn axes() -> Result<LadderAxes, ViewError> {
    let file =
        ScenarioFile::parse("ladder.toml", AXES).map_err(|issues| ViewError::NoFigure(issues.to_string()))?;
    file.ladder.ok_or_else(|| ViewError::NoFigure("ladder.toml has no [ladder]".into()))
}

fn no_figure(error: &impl ToString) -> ViewError {
    ViewError::NoFigure(error.to_string())
}

fn pnl(
    frame: &Frame,
    (underlying, days): (&Asset, f64),
    axes: &LadderAxes,
) -> Result<Vec<Vec<Fixed>>, ViewError> {
    let board = &frame.valuation().board;
    let all = lines(frame.book(), board, frame.market(), &[]).map_err(|e| no_figure(&e))?;
    if days == 0.0 {
        return Ok(Ladder::new(&all, underlying, axes).map_err(|e| no_figure(&e))?.pnl_usd);
    }
    let own: Vec<_> = all.into_iter().filter(|line| line.priced.underlying == *underlying).collect();
    let shocks = axes.vol_points.iter().flat_map(|points| {
        let vol = VolShift { points: *points, ..VolShift::default() };
        axes.spot_returns.iter().map(move |spot| Shock::spot_and_points(*spot, vol))
    });
    let set = ShockSet { days, shocks: shocks.collect() };
    let total = risk::LinePnl::new(&own, &set).map_err(|e| no_figure(&e))?.total(|_| true);
    Ok(total.chunks(axes.spot_returns.len().max(1)).map(<[Fixed]>::to_vec).collect())
}

type Cells = (Vec<Vec<Fixed>>, Option<String>);

fn greeks(
    frame: &Frame,
    (underlying, days): (&Asset, f64),
    (measure, axes): (Measure, &LadderAxes),
) -> Result<Cells, ViewError> {
    let mut book = frame.book().clone();
    book.positions.retain(|position| position.listing.contract.underlying == *underlying);
    book.balances.retain(|balance| balance.money.asset == *underlying);
    let (mut cells, mut lacking) = (Vec::new(), 0);
    for points in &axes.vol_points {
        let mut row = Vec::new();
        for spot in &axes.spot_returns {
            let asked = BumpAsked { spot_percent: spot * 100.0, vol_points: *points, days };
            let market =
                Bump::new(asked).and_then(|bump| frame.market().bumped(&bump)).map_err(|e| no_figure(&e))?;
            let valuation = Valuation::new(&book, &market);
            lacking = lacking.max(valuation.unpriced.len());
            row.push(valuation.rows.iter().map(|row| row.exposure.in_usd(measure)).sum());
        }
        cells.push(row);
    }
    let note = (lacking > 0).then(|| format!("{lacking} positions have no greeks there: they expire before"));
    Ok((cells, note))
}

fn worst(cells: &[Vec<Fixed>], axes: &LadderAxes) -> Cell {
    let mut worst = Cell { spot_return: 0.0, vol_points: 0.0, pnl_usd: Fixed::ZERO };
    let mut is_first = true;
    for (points, row) in axes.vol_points.iter().zip(cells) {
        for (spot, figure) in axes.spot_returns.iter().zip(row) {
            if is_first || *figure < worst.pnl_usd {
                worst = Cell { spot_return: *spot, vol_points: *points, pnl_usd: *figure };
                is_first = false;
            }
        }
    }
    worst
}
