//! Points in a plane as inline SVG: those of a line joined in their order, every one with its name.

use super::markup::Markup;
use super::payoff::ticks;
use crate::render::number::figure as figure_of;

const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 26.0;
const BOTTOM: f64 = 40.0;
/// Room for a name to the right of its point.
const NAME: f64 = 96.0;

/// Whether a point is joined with its neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Part of the line.
    Line,
    /// On its own.
    Point,
}

/// A point.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PlotPoint {
    pub(crate) name: String,
    /// Across and up.
    pub(crate) at: (f64, f64),
    pub(crate) mark: Mark,
}

/// Points with their axes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plot {
    pub(crate) title: String,
    pub(crate) across: String,
    pub(crate) up: String,
    pub(crate) points: Vec<PlotPoint>,
}

/// The least and the greatest with some air; never of no width.
fn around(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if low > high {
        return (0.0, 1.0);
    }
    let air = ((high - low) * 0.08).max(high.abs().max(1e-6) * 1e-3);
    (low - air, high + air)
}

/// The figure.
pub(super) fn plot(plot: &Plot) -> Markup {
    let shown: Vec<&PlotPoint> =
        plot.points.iter().filter(|point| point.at.0.is_finite() && point.at.1.is_finite()).collect();
    let across = around(shown.iter().map(|point| point.at.0));
    let up = around(shown.iter().map(|point| point.at.1));
    let x = |value: f64| LEFT + (value - across.0) / (across.1 - across.0) * (WIDTH - LEFT - RIGHT - NAME);
    let y = |value: f64| TOP + (up.1 - value) / (up.1 - up.0) * (HEIGHT - TOP - BOTTOM);
    let mut figure = Markup::default();
    figure
        .raw("<figure><h3>")
        .text(&plot.title)
        .raw("</h3><svg class=\"payoff\" role=\"img\" viewBox=\"0 0 ");
    figure.text(WIDTH).raw(" ").text(HEIGHT).raw("\"><title>").text(&plot.title).raw("</title><desc>");
    figure.text(&plot.up).raw(" against ").text(&plot.across).raw("</desc>");
    for tick in ticks(up.0, up.1, 6) {
        line(&mut figure, (LEFT, y(tick)), (WIDTH - RIGHT, y(tick)));
        figure
            .raw("<text text-anchor=\"end\" x=\"")
            .at(LEFT - 5.0)
            .raw("\" y=\"")
            .at(y(tick) + 4.0)
            .raw("\">");
        figure.text(figure_of(tick, 3)).raw("</text>");
    }
    for tick in ticks(across.0, across.1, 6) {
        line(&mut figure, (x(tick), TOP), (x(tick), HEIGHT - BOTTOM));
        figure.raw("<text text-anchor=\"middle\" x=\"").at(x(tick)).raw("\" y=\"").at(HEIGHT - BOTTOM + 14.0);
        figure.raw("\">").text(figure_of(tick, 3)).raw("</text>");
    }
    figure.raw("<text x=\"2\" y=\"").at(TOP - 12.0).raw("\">").text(&plot.up).raw("</text>");
    figure.raw("<text text-anchor=\"end\" x=\"").at(WIDTH - RIGHT).raw("\" y=\"").at(HEIGHT - 6.0).raw("\">");
    figure.text(&plot.across).raw("</text><polyline class=\"h0\" points=\"");
    for point in shown.iter().filter(|point| point.mark == Mark::Line) {
        figure.at(x(point.at.0)).raw(",").at(y(point.at.1)).raw(" ");
    }
    figure.raw("\"/>");
    let dots: Vec<(f64, f64)> = shown.iter().map(|point| (x(point.at.0), y(point.at.1))).collect();
    let mut taken: Vec<Rectangle> = dots.iter().map(|dot| Rectangle::around(*dot)).collect();
    for (point, dot) in shown.iter().zip(&dots) {
        let class = if point.mark == Mark::Line { "even" } else { "spot" };
        figure.raw("<circle class=\"").raw(class).raw("\" r=\"3.4\" cx=\"").at(dot.0).raw("\" cy=\"");
        figure.at(dot.1).raw("\"><title>").text(&point.name).raw("</title></circle>");
        // A name without room is read by pointing at its dot.
        let Some(place) = Rectangle::of_name(*dot, &point.name, &taken) else { continue };
        figure
            .raw("<text x=\"")
            .at(place.left)
            .raw("\" y=\"")
            .at(place.bottom - 2.0)
            .raw("\">")
            .text(&point.name);
        figure.raw("</text>");
        taken.push(place);
    }
    figure.raw("</svg></figure>");
    figure
}

/// Where something is drawn already.
#[derive(Clone, Copy)]
struct Rectangle {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Rectangle {
    fn around((x, y): (f64, f64)) -> Self {
        Self { left: x - 4.0, right: x + 4.0, top: y - 4.0, bottom: y + 4.0 }
    }

    /// The first place beside a dot, right, left, below or above, where its name covers nothing.
    fn of_name((x, y): (f64, f64), name: &str, taken: &[Self]) -> Option<Self> {
        /// Of the small letters of figures.
        const LETTER: f64 = 7.4;
        const HEIGHT: f64 = 12.0;
        #[allow(clippy::cast_precision_loss)] // letters of a name
        let width = name.chars().count() as f64 * LETTER;
        let at = |left: f64, top: f64| Self { left, right: left + width, top, bottom: top + HEIGHT };
        let places = [
            at(x + 6.0, y - 6.0),
            at(x - 6.0 - width, y - 6.0),
            at(x - width * 0.5, y + 6.0),
            at(x - width * 0.5, y - 6.0 - HEIGHT),
        ];
        let is_free = |place: &Self| {
            place.left > LEFT && place.right < WIDTH && !taken.iter().any(|other| place.covers(other))
        };
        places.into_iter().find(is_free)
    }

    fn covers(&self, other: &Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }
}

fn line(figure: &mut Markup, from: (f64, f64), to: (f64, f64)) {
    figure.raw("<line class=\"grid\" x1=\"").at(from.0).raw("\" x2=\"").at(to.0).raw("\" y1=\"").at(from.1);
    figure.raw("\" y2=\"").at(to.1).raw("\"/>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_named_escaped_and_inside_the_frame() {
        let point = |name: &str, at, mark| PlotPoint { name: name.into(), at, mark };
        let drawn = plot(&Plot {
            title: "a & b".into(),
            across: "x".into(),
            up: "y".into(),
            points: vec![
                point("<one>", (1.0, 2.0), Mark::Line),
                point("two", (1.0, 2.0), Mark::Point),
                point("nowhere", (f64::NAN, 1.0), Mark::Point),
            ],
        })
        .finish();
        assert!(drawn.contains("a &amp; b") && drawn.contains("&lt;one&gt;") && !drawn.contains("<one>"));
        assert!(!drawn.contains("nowhere") && !drawn.contains("NaN") && !drawn.contains("inf"));
        let empty = Plot { title: "t".into(), across: "x".into(), up: "y".into(), points: Vec::new() };
        assert!(plot(&empty).finish().contains("<svg"));
    }
}
