//! The P&L curve as inline SVG: spot across, P&L up, one line per horizon.
//!
//! The left margin is wide enough for the longest label with its minus sign, since a clipped sign would draw a loss as a
//! gain; a test measures it. Lines differ by dash as well as by colour. Gains of today's line are shaded blue, losses
//! orange. Break-evens are those of the last line, interpolated between grid points for display only.

use super::markup::Markup;
use crate::render::number::{compact, compact_price, compact_signed, price, signed_percent};
use risk::{Curve, Horizon};
use units::Fixed;

const WIDTH: f64 = 680.0;
const HEIGHT: f64 = 350.0;
/// Room for `−999.9bn` and a gap: 8 characters of 7.5 px, and more.
pub(super) const LEFT: f64 = 76.0;
const RIGHT: f64 = 28.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = 56.0;
/// Break-evens named under the curve.
const NAMED: usize = 8;

/// From market coordinates to the drawing's.
struct Frame {
    returns: (f64, f64),
    usd: (f64, f64),
}

impl Frame {
    fn of(curve: &Curve) -> Self {
        let first = curve.spot_returns.first().copied().unwrap_or(0.0);
        let last = curve.spot_returns.last().copied().unwrap_or(0.0);
        let all = || curve.horizons.iter().flat_map(|h| &h.pnl_usd).copied();
        let low = all().min().unwrap_or_default().min(Fixed::ZERO).to_f64();
        let high = all().max().unwrap_or_default().max(Fixed::ZERO).to_f64();
        let pad = if high > low { (high - low) * 0.05 } else { 1.0 };
        let returns = if last > first { (first, last) } else { (first - 0.01, first + 0.01) };
        Self { returns, usd: (low - pad, high + pad) }
    }

    fn x(&self, spot_return: f64) -> f64 {
        LEFT + (spot_return - self.returns.0) / (self.returns.1 - self.returns.0) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, usd: f64) -> f64 {
        TOP + (self.usd.1 - usd) / (self.usd.1 - self.usd.0) * (HEIGHT - TOP - BOTTOM)
    }
}

/// The figure; `place` keeps the ids of several figures apart.
pub(super) fn payoff(curve: &Curve, place: usize) -> Markup {
    let frame = Frame::of(curve);
    let mut figure = Markup::default();
    figure.raw("<figure><svg class=\"payoff\" role=\"img\" viewBox=\"0 0 ").text(WIDTH).raw(" ").text(HEIGHT);
    figure
        .raw("\" aria-labelledby=\"payoff-title-")
        .text(place)
        .raw(" payoff-desc-")
        .text(place)
        .raw("\"><title id=\"payoff-title-");
    figure
        .text(place)
        .raw("\">")
        .text(&curve.underlying)
        .raw(" P&amp;L against spot, in USD</title><desc id=\"payoff-desc-");
    figure.text(place).raw("\">").text(description(curve)).raw("</desc>");
    axes(&mut figure, curve, &frame);
    if let Some(now) = curve.horizons.first() {
        shade(&mut figure, curve, now, &frame);
    }
    for (place, horizon) in curve.horizons.iter().enumerate().rev() {
        line(&mut figure, curve, horizon, (place, &frame));
    }
    let evens = break_evens(curve);
    for even in &evens {
        figure
            .raw("<circle class=\"even\" r=\"3.5\" cx=\"")
            .at(frame.x(*even))
            .raw("\" cy=\"")
            .at(frame.y(0.0))
            .raw("\"/>");
    }
    legend(&mut figure, curve);
    figure.raw("</svg><figcaption>").text(caption(curve, &evens)).raw("</figcaption></figure>");
    figure
}

fn description(curve: &Curve) -> String {
    let ends = |horizon: &Horizon| {
        let (Some(first), Some(last)) = (horizon.pnl_usd.first(), horizon.pnl_usd.last()) else {
            return String::new();
        };
        format!(
            "{}: {} USD at the lowest spot, {} USD at the highest. ",
            words(horizon),
            compact(*first),
            compact(*last)
        )
    };
    curve.horizons.iter().map(ends).collect::<String>() + "The ladder beside it gives figures."
}

fn caption(curve: &Curve, evens: &[f64]) -> String {
    let rule = "Full revaluation at unchanged vol; P&L against today's value.";
    if !curve.horizons.iter().any(|h| h.days.is_none()) {
        return rule.into();
    }
    if evens.is_empty() {
        return format!("{rule} No break-even at expiry in this range.");
    }
    let named: Vec<String> = evens
        .iter()
        .take(NAMED)
        .map(|r| format!("{} USD ({})", compact_price(curve.spot_usd * (1.0 + r)), signed_percent(*r)))
        .collect();
    let more = if evens.len() > NAMED { format!(" and {} more", evens.len() - NAMED) } else { String::new() };
    format!(
        "{rule} Circles: break-even with each leg at its expiry, at {}{more}; interpolated.",
        named.join(", ")
    )
}

fn axes(figure: &mut Markup, curve: &Curve, frame: &Frame) {
    let bottom = HEIGHT - BOTTOM;
    for usd in ticks(frame.usd.0, frame.usd.1, 8) {
        let class = if usd == 0.0 { "zero" } else { "grid" };
        let label = if usd == 0.0 {
            "0".into()
        } else {
            Fixed::quantise(usd).map_or_else(|_| "n/a".into(), compact_signed)
        };
        figure.raw("<line class=\"").raw(class).raw("\" x1=\"").at(LEFT).raw("\" x2=\"").at(WIDTH - RIGHT);
        figure
            .raw("\" y1=\"")
            .at(frame.y(usd))
            .raw("\" y2=\"")
            .at(frame.y(usd))
            .raw("\"/><text class=\"y\" text-anchor=\"end\" x=\"");
        figure.at(LEFT - 8.0).raw("\" y=\"").at(frame.y(usd) + 4.0).raw("\">").text(label).raw("</text>");
    }
    for spot_return in ticks(frame.returns.0, frame.returns.1, 10) {
        let x = frame.x(spot_return);
        figure
            .raw("<line class=\"grid\" x1=\"")
            .at(x)
            .raw("\" x2=\"")
            .at(x)
            .raw("\" y1=\"")
            .at(bottom)
            .raw("\" y2=\"");
        figure
            .at(bottom + 5.0)
            .raw("\"/><text text-anchor=\"middle\" x=\"")
            .at(x)
            .raw("\" y=\"")
            .at(bottom + 18.0)
            .raw("\">");
        figure
            .text(signed_percent(spot_return))
            .raw("</text><text text-anchor=\"middle\" x=\"")
            .at(x)
            .raw("\" y=\"");
        figure
            .at(bottom + 32.0)
            .raw("\">")
            .text(compact_price(curve.spot_usd * (1.0 + spot_return)))
            .raw("</text>");
    }
    let now = frame.x(0.0);
    figure
        .raw("<line class=\"spot\" x1=\"")
        .at(now)
        .raw("\" x2=\"")
        .at(now)
        .raw("\" y1=\"")
        .at(TOP)
        .raw("\" y2=\"")
        .at(bottom);
    figure.raw("\"/><text text-anchor=\"middle\" x=\"").at(now).raw("\" y=\"").at(TOP - 5.0).raw("\">spot ");
    figure
        .text(price(curve.spot_usd))
        .raw("</text><text x=\"4\" y=\"")
        .at(TOP - 5.0)
        .raw("\">P&amp;L, USD</text>");
    figure
        .raw("<text text-anchor=\"middle\" x=\"")
        .at((LEFT + WIDTH - RIGHT) / 2.0)
        .raw("\" y=\"")
        .at(HEIGHT - 7.0);
    figure.raw("\">spot move, % of today; price, USD</text>");
}

/// The area between today's line and zero, gains and losses apart.
fn shade(figure: &mut Markup, curve: &Curve, now: &Horizon, frame: &Frame) {
    let points: Vec<(f64, f64)> =
        curve.spot_returns.iter().copied().zip(now.pnl_usd.iter().map(|p| p.to_f64())).collect();
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return };
    for (class, low, high) in [("gain", 0.0, f64::INFINITY), ("loss", f64::NEG_INFINITY, 0.0)] {
        figure.raw("<polygon class=\"").raw(class).raw("\" points=\"");
        for (spot_return, usd) in [(first.0, 0.0)].iter().chain(&points).chain(&[(last.0, 0.0)]) {
            figure.at(frame.x(*spot_return)).raw(",").at(frame.y(usd.clamp(low, high))).raw(" ");
        }
        figure.raw("\"/>");
    }
}

fn line(figure: &mut Markup, curve: &Curve, horizon: &Horizon, (place, frame): (usize, &Frame)) {
    figure.raw("<polyline class=\"").raw(class(horizon, place)).raw("\" points=\"");
    for (spot_return, pnl) in curve.spot_returns.iter().zip(&horizon.pnl_usd) {
        figure.at(frame.x(*spot_return)).raw(",").at(frame.y(pnl.to_f64())).raw(" ");
    }
    figure.raw("\"/>");
}

fn legend(figure: &mut Markup, curve: &Curve) {
    let mut x = LEFT;
    for (place, horizon) in curve.horizons.iter().enumerate() {
        let words = words(horizon);
        figure
            .raw("<line class=\"key ")
            .raw(class(horizon, place))
            .raw("\" x1=\"")
            .at(x)
            .raw("\" x2=\"")
            .at(x + 30.0);
        figure
            .raw("\" y1=\"12\" y2=\"12\"/><text x=\"")
            .at(x + 36.0)
            .raw("\" y=\"16\">")
            .text(&words)
            .raw("</text>");
        #[allow(clippy::cast_precision_loss)] // a dozen characters
        let wide = words.chars().count() as f64 * 7.0;
        x += 36.0 + wide + 18.0;
    }
}

fn words(horizon: &Horizon) -> String {
    match horizon.days {
        None => "each leg at its expiry".into(),
        Some(0.0) => "T+0".into(),
        Some(days) => format!("T+{days} d"),
    }
}

const fn class(horizon: &Horizon, place: usize) -> &'static str {
    match (horizon.days, place) {
        (None, _) => "end",
        (_, 0) => "h0",
        (_, 1) => "h1",
        (_, 2) => "h2",
        _ => "h3",
    }
}

/// Spot returns at which the last line changes its sign.
fn break_evens(curve: &Curve) -> Vec<f64> {
    let Some(end) = curve.horizons.iter().find(|h| h.days.is_none()) else { return Vec::new() };
    let points: Vec<(f64, f64)> =
        curve.spot_returns.iter().copied().zip(end.pnl_usd.iter().map(|p| p.to_f64())).collect();
    let crossing = |((x0, y0), (x1, y1)): (&(f64, f64), &(f64, f64))| {
        let changes = (*y0 < 0.0 && *y1 >= 0.0) || (*y0 > 0.0 && *y1 <= 0.0);
        changes.then(|| x0 + (x1 - x0) * (y0 / (y0 - y1)))
    };
    points.iter().zip(points.iter().skip(1)).filter_map(crossing).collect()
}

/// Multiples of 1, 2 or 5 times a power of ten inside a range: at most about `wanted` of them.
pub(super) fn ticks(low: f64, high: f64, wanted: u32) -> Vec<f64> {
    let rough = (high - low) / f64::from(wanted);
    if !(rough.is_finite() && rough > 0.0) {
        return Vec::new();
    }
    let mut power = 1.0;
    while power * 10.0 <= rough {
        power *= 10.0;
    }
    while power > rough {
        power /= 10.0;
    }
    let step = [1.0, 2.0, 5.0]
        .into_iter()
        .map(|m| m * power)
        .find(|step| *step >= rough * 0.999)
        .unwrap_or(10.0 * power);
    #[allow(clippy::cast_possible_truncation)] // a few units either side of zero, or saturated
    let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
    #[allow(clippy::cast_precision_loss)]
    (first..=last).take(40).map(|i| i as f64 * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(ticks(-0.5, 0.5, 10).len(), 11);
        assert_eq!(ticks(-250.0, 130.0, 6), [-200.0, -100.0, 0.0, 100.0]);
        assert!(ticks(0.0, 0.0, 6).is_empty());
        assert!(ticks(0.0, f64::NAN, 6).is_empty());
    }

    #[test]
    fn a_break_even_lies_where_the_last_line_crosses_zero() {
        let pnl = |values: [f64; 3]| values.map(|v| Fixed::quantise(v).unwrap()).to_vec();
        let curve = Curve {
            underlying: units::Asset::new("BTC").unwrap(),
            spot_usd: 100.0,
            spot_returns: vec![-0.5, 0.0, 0.5],
            horizons: vec![
                Horizon { days: Some(0.0), pnl_usd: pnl([-5.0, 0.0, 5.0]) },
                Horizon { days: None, pnl_usd: pnl([-30.0, 10.0, 10.0]) },
            ],
        };
        // -30 at -50 % and +10 at 0 %: a quarter of the way back from zero.
        let evens = break_evens(&curve);
        assert_eq!(evens.len(), 1);
        assert!((evens[0] - -0.125).abs() < 1e-15);
    }
}
