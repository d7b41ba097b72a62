//! P&L of one underlying along its spot, at several horizons, by full revaluation: the curve of `plimsoll report`.
//!
//! ```text
//! break-even      = where the line between two neighbouring points crosses zero; today's spot at no days is none
//! one sigma       = spot (1 -+ vol / sqrt(365)): a day's, vol of the market at the money of 30 days
//! ```
//!
//! Vols stay, carry is earned ([`risk::Curve`]). The liquidation points are those of the view of that name, for this coin alone.

use super::ladder::AXES;
use super::liquidation::{MARKET_VOL_DAYS, of_driver};
use super::surface::finite;
use super::{Params, UNDERLYING, View, ViewError, shape, underlyings, value};
use crate::frame::Frame;
use risk::{CurveAxes, Horizon, ScenarioFile, lines};
use serde::Serialize;
use serde_json::Value;
use units::{Asset, Fixed, YearFraction};

pub(super) const VIEW: View = View {
    name: "curve",
    says: "P&L of one underlying along its spot at several horizons, with break-evens and where accounts are liquidated",
    params: &[UNDERLYING],
    every_millis: 2_000,
    compute,
    schema: shape::<CurveData>,
};

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct CurveData {
    underlying: String,
    underlyings: Vec<String>,
    spot_usd: f64,
    spot_returns: Vec<f64>,
    horizons: Vec<CurveLine>,
    break_evens: Vec<BreakEven>,
    liquidations: Vec<LiquidationPoint>,
    /// Null without a vol.
    one_sigma: Option<Band>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct CurveLine {
    /// Null: every leg at its own expiry.
    days: Option<f64>,
    label: String,
    /// One a spot return.
    #[schema(value_type = Vec<String>)]
    pnl_usd: Vec<Fixed>,
}

#[derive(Debug, PartialEq, Serialize, utoipa::ToSchema)]
struct BreakEven {
    days: Option<f64>,
    spot_usd: f64,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct LiquidationPoint {
    account: String,
    venue: String,
    spot_usd: f64,
    percent: f64,
}

/// A move of one standard deviation.
#[derive(Debug, PartialEq, Serialize, utoipa::ToSchema)]
struct Band {
    days: f64,
    down_usd: f64,
    up_usd: f64,
    /// A year's.
    vol: f64,
}

fn compute(frame: &Frame, params: &Params) -> Result<Value, ViewError> {
    let all = underlyings(frame);
    let underlying = params.underlying(&all)?;
    let no_figure = |error: String| ViewError::NoFigure(error);
    let spot_usd = frame.market().spot(&underlying).map_err(|error| no_figure(error.to_string()))?.get();
    let board = &frame.valuation().board;
    let lines =
        lines(frame.book(), board, frame.market(), &[]).map_err(|error| no_figure(error.to_string()))?;
    let curve =
        risk::Curve::new(&lines, &underlying, &axes()?).map_err(|error| no_figure(error.to_string()))?;
    let crossings = |horizon: &Horizon| break_evens(horizon, &curve.spot_returns, spot_usd);
    value(&CurveData {
        underlyings: all.iter().map(ToString::to_string).collect(),
        spot_usd,
        break_evens: curve.horizons.iter().flat_map(crossings).collect(),
        liquidations: liquidations(frame, &underlying),
        one_sigma: one_sigma(frame, &underlying, spot_usd),
        horizons: curve.horizons.into_iter().map(CurveLine::from).collect(),
        spot_returns: curve.spot_returns,
        underlying: underlying.to_string(),
    })
}

fn axes() -> Result<CurveAxes, ViewError> {
    let file =
        ScenarioFile::parse("ladder.toml", AXES).map_err(|issues| ViewError::NoFigure(issues.to_string()))?;
    file.curve.ok_or_else(|| ViewError::NoFigure("ladder.toml has no [curve]".into()))
}

impl From<Horizon> for CurveLine {
    fn from(horizon: Horizon) -> Self {
        let label = match horizon.days {
            None => "at expiry".into(),
            Some(0.0) => "now".into(),
            Some(1.0) => "1 day".into(),
            Some(days) => format!("{days} days"),
        };
        Self { days: horizon.days, label, pnl_usd: horizon.pnl_usd }
    }
}

/// Where the P&L of a horizon changes its sign, ascending. A stretch of exact zeros is none: nothing is at stake there.
fn break_evens(horizon: &Horizon, spot_returns: &[f64], spot_usd: f64) -> Vec<BreakEven> {
    let points: Vec<(f64, f64)> =
        spot_returns.iter().copied().zip(horizon.pnl_usd.iter().map(|pnl| pnl.to_f64())).collect();
    let at = |spot_return: f64| BreakEven { days: horizon.days, spot_usd: spot_usd * (1.0 + spot_return) };
    let mut found = Vec::new();
    for (index, (spot_return, pnl)) in points.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|index| points.get(index));
        let after = points.get(index + 1);
        let is_now = horizon.days == Some(0.0) && *spot_return == 0.0;
        if *pnl == 0.0 {
            let is_alone = [before, after].into_iter().flatten().all(|(_, other)| *other != 0.0);
            found.extend((is_alone && !is_now).then(|| at(*spot_return)));
        } else if let Some((next, there)) = after
            && pnl * there < 0.0
        {
            found.push(at(spot_return + (next - spot_return) * (pnl / (pnl - there))));
        }
    }
    found
}

fn liquidations(frame: &Frame, underlying: &Asset) -> Vec<LiquidationPoint> {
    let mut found = Vec::new();
    for line in of_driver(frame, underlying) {
        // An account that may be closed now has both sides at today's price.
        let up = line.up.filter(|_| line.up != line.down);
        for side in [line.down, up].into_iter().flatten() {
            let Some(spot_usd) = side.price_usd else { continue };
            let (account, venue) = (line.account.to_string(), line.venue.to_string());
            found.push(LiquidationPoint { account, venue, spot_usd, percent: side.percent });
        }
    }
    found
}

fn one_sigma(frame: &Frame, underlying: &Asset, spot_usd: f64) -> Option<Band> {
    let (vol, _) = frame.market().at_the_money_vol(underlying, MARKET_VOL_DAYS).ok()?;
    let daily = vol.get() / YearFraction::DAYS.sqrt();
    Some(Band {
        days: 1.0,
        down_usd: finite(spot_usd * (1.0 - daily).max(0.0))?,
        up_usd: finite(spot_usd * (1.0 + daily))?,
        vol: vol.get(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{DEMO, SAMPLE, data, keys};
    use super::*;

    #[test]
    fn the_curve_is_that_of_the_report() {
        for frame in [&*DEMO, &*SAMPLE] {
            let view = data(frame, "curve", &[("underlying", "BTC")]).unwrap();
            let all =
                "break_evens horizons liquidations one_sigma spot_returns spot_usd underlying underlyings";
            assert_eq!(keys(&view), all.split_whitespace().collect());
            let returns = view["spot_returns"].as_array().unwrap();
            assert_eq!((returns.len(), &returns[50]), (101, &0.0.into()));
            let horizons = view["horizons"].as_array().unwrap();
            let labels: Vec<&str> = horizons.iter().map(|h| h["label"].as_str().unwrap()).collect();
            assert_eq!(labels, ["now", "1 day", "7 days", "at expiry"]);
            assert!(horizons[3]["days"].is_null());
            assert_eq!(horizons[0]["pnl_usd"][50], "0", "no move and no time is no P&L");
            let band = &view["one_sigma"];
            let (spot, down) = (view["spot_usd"].as_f64().unwrap(), band["down_usd"].as_f64().unwrap());
            let daily = band["vol"].as_f64().unwrap() / 365f64.sqrt();
            assert!((down / spot - 1.0 + daily).abs() < 1e-12);
        }
    }

    #[test]
    fn break_evens_lie_on_the_line_between_two_points() {
        let fixed = |usd: f64| Fixed::quantise(usd).unwrap();
        let found = |days, pnl: &[f64]| {
            let horizon = Horizon { days, pnl_usd: pnl.iter().copied().map(fixed).collect() };
            let found = break_evens(&horizon, &[-0.1, -0.05, 0.0, 0.05, 0.1], 1_000.0);
            found.into_iter().map(|found| found.spot_usd).collect::<Vec<f64>>()
        };
        // From -30 to 10 zero is three quarters of the way from -10 % to -5 %.
        assert_eq!(found(Some(1.0), &[-30.0, 10.0, 20.0, 10.0, -10.0]), [937.5, 1_075.0]);
        assert_eq!(found(Some(0.0), &[-2.0, -1.0, 0.0, 1.0, 2.0]), [0.0; 0], "today's spot, now, is none");
        assert_eq!(found(Some(1.0), &[-2.0, -1.0, 0.0, 1.0, 2.0]), [1_000.0]);
        assert_eq!(found(None, &[0.0; 5]), [0.0; 0], "nothing at stake");
        assert_eq!(found(None, &[1.0, 1.0, 1.0, 1.0, 0.0]), [1_100.0], "at the end of the grid");
    }

    #[test]
    fn liquidation_points_are_those_of_that_view() {
        let view = data(&SAMPLE, "curve", &[("underlying", "BTC")]).unwrap();
        let points = view["liquidations"].as_array().unwrap();
        let all = data(&SAMPLE, "liquidation", &[]).unwrap();
        let lines = all["accounts"].as_array().unwrap().iter().filter(|line| line["driver"] == "BTC");
        let sides =
            lines.flat_map(|line| [line["down"].clone(), line["up"].clone()]).filter(|side| !side.is_null());
        let mut sides: Vec<f64> = sides.map(|side| side["price_usd"].as_f64().unwrap()).collect();
        let mut points: Vec<f64> = points.iter().map(|point| point["spot_usd"].as_f64().unwrap()).collect();
        sides.sort_by(f64::total_cmp);
        points.sort_by(f64::total_cmp);
        assert_eq!(points, sides);
        assert!(!points.is_empty());
    }
}
