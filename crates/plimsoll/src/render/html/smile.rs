//! Smiles and the term structure as inline SVG.
//!
//! A smile: strikes across on a logarithmic scale, vol up; each quote as a bar from bid to ask with its mid (calls filled,
//! puts hollow, in-the-money ones paler), each quote that is not fitted as a letter ([`letter`]) at its vol or on the lower edge
//! when it has none, the slice as a line, dashed beyond the strikes that were fitted. The frame follows the mids and the slice; what
//! lies beyond it above or below is drawn on its edge, what lies beyond its sides is counted in the caption.

use super::markup::Markup;
use super::payoff::ticks;
use crate::render::number::{compact_price, price, screen};
use instrument::expiry_text;
use market::surface::{DELTA_COLUMNS, Drop, ExpiryFit, FamilyFit, QuoteFate, slice_vol};
use std::collections::BTreeMap;
use units::OptionKind;

const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 270.0;
const LEFT: f64 = 40.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 36.0;
/// Steps of a curve.
const STEPS: u32 = 120;
/// Labels nearer than this run into each other.
const LABEL_GAP: f64 = 38.0;

/// From vols and positions to the drawing's coordinates.
struct Frame {
    across: (f64, f64),
    vols: (f64, f64),
}

impl Frame {
    fn x(&self, across: f64) -> f64 {
        let share = (across - self.across.0) / (self.across.1 - self.across.0);
        LEFT + share.clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, vol: f64) -> f64 {
        let share = (self.vols.1 - vol) / (self.vols.1 - self.vols.0);
        TOP + share.clamp(0.0, 1.0) * (HEIGHT - TOP - BOTTOM)
    }

    fn holds(&self, across: f64) -> bool {
        (self.across.0..=self.across.1).contains(&across)
    }

    /// Around values and a share of air on both sides; never of no width.
    fn around(values: impl Iterator<Item = f64>, air: f64) -> (f64, f64) {
        let (low, high) = values
            .filter(|value| value.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        if low > high {
            return (0.0, 1.0);
        }
        let air = ((high - low) * air).max(0.005);
        (low - air, high + air)
    }

    /// Of a smile.
    fn of(expiry: &ExpiryFit) -> Self {
        let fitted = || expiry.quotes.iter().filter(|quote| quote.dropped.is_none());
        // A slice is seen among the quotes that it is fitted to; without one, all there is to see are the quotes.
        let is_fitted = expiry.report.slice.is_some();
        let shown = expiry.quotes.iter().filter(|quote| !is_fitted || quote.dropped.is_none());
        let across = Self::around(shown.map(|quote| quote.log_moneyness).chain([0.0]), 0.06);
        let inside = |quote: &&QuoteFate| (across.0..=across.1).contains(&quote.log_moneyness);
        let mids = fitted().filter_map(|quote| quote.mid_vol);
        let models = expiry.quotes.iter().filter(inside).filter_map(|quote| quote.model_vol);
        let drawn: Vec<f64> = mids.chain(models).collect();
        // One side of an option in the money may imply any vol at all.
        let out_of_the_money = |quote: &&QuoteFate| !side(quote).ends_with("itm");
        let sides = expiry.quotes.iter().filter(out_of_the_money).filter_map(vol_of);
        let vols = if is_fitted {
            Self::around(drawn.into_iter(), 0.14)
        } else {
            Self::around(drawn.into_iter().chain(sides), 0.1)
        };
        Self { across, vols: (vols.0.max(0.0), vols.1) }
    }
}

/// Which letter stands for a reason.
pub(super) const fn letter(reason: Drop) -> &'static str {
    match reason {
        Drop::OneSided => "1",
        Drop::Crossed => "x",
        Drop::NearExpiry => "n",
        Drop::NoOpenInterest => "i",
        Drop::NoVega => "v",
        Drop::NoUnderlyingPrice => "u",
        Drop::WideSpread => "w",
        Drop::FarStrike => "f",
        Drop::NoTimeValue => "0",
    }
}

/// Where a quote that is not fitted lies: between its sides, or at the one that it has.
fn vol_of(quote: &QuoteFate) -> Option<f64> {
    match (quote.bid_vol, quote.ask_vol) {
        (Some(bid), Some(ask)) => Some(0.5 * (bid + ask)),
        (one, other) => one.or(other),
    }
}

fn percent(vol: f64) -> String {
    screen(&format!("{:.2}", 100.0 * vol))
}

fn open(figure: &mut Markup, title: &str, description: &str) {
    figure.raw("<svg class=\"payoff smile\" role=\"img\" viewBox=\"0 0 ").text(WIDTH).raw(" ").text(HEIGHT);
    figure.raw("\"><title>").text(title).raw("</title><desc>").text(description).raw("</desc>");
}

/// The smile of one expiry.
pub(super) fn smile(family: &FamilyFit, expiry: &ExpiryFit) -> Markup {
    let frame = Frame::of(expiry);
    let refused = expiry.report.refused;
    let mut figure = Markup::default();
    figure.raw(if refused.is_some() { "<figure class=\"refused\">" } else { "<figure>" });
    figure.raw("<h3>").text(expiry_text(expiry.report.expiry)).raw(" <span class=\"muted\">");
    figure.text(format_args!("{:.1} days", expiry.days())).raw("</span>");
    if let Some(refused) = refused {
        figure
            .raw(" <span class=\"status warn\">refused: ")
            .text(refused)
            .text(expiry.carried_words())
            .raw("</span>");
    }
    figure.raw("</h3>");
    let title = format!("{} {}: smile", family.name(), expiry_text(expiry.report.expiry));
    open(&mut figure, &title, "Every quote stands in the table `quotes` of --format csv.");
    vol_axis(&mut figure, &frame);
    strike_axis(&mut figure, family, expiry, &frame);
    for quote in expiry.quotes.iter().filter(|quote| quote.dropped.is_none()) {
        bar(&mut figure, quote, &frame);
    }
    curve(&mut figure, expiry, &frame);
    for quote in expiry.quotes.iter().filter(|quote| quote.dropped.is_none()) {
        mid(&mut figure, quote, &frame);
    }
    for quote in &expiry.quotes {
        dropped(&mut figure, quote, &frame);
    }
    figure.raw("</svg><figcaption>").text(caption(family, expiry, &frame)).raw("</figcaption></figure>");
    figure
}

fn caption(family: &FamilyFit, expiry: &ExpiryFit, frame: &Frame) -> String {
    let report = &expiry.report;
    let mut text = format!(
        "Forward {} {} ({}); {} {}",
        price(report.forward.get()),
        family.currency,
        expiry.source.word().replace('_', " "),
        report.quotes,
        if report.slice.is_some() { "fitted" } else { "usable" }
    );
    if let (Some(error), Some(half)) = (report.error_points, report.half_spread_points) {
        text.push_str(&format!(", RMSE {error:.2} pt against a median half spread of {half:.2} pt"));
    }
    if !report.dropped.is_empty() {
        let reasons: Vec<String> = report
            .dropped
            .iter()
            .map(|(reason, count)| {
                format!("{} = {} ({count})", letter(*reason), reason.word().replace('_', " "))
            })
            .collect();
        text.push_str(&format!("; not fitted: {}", reasons.join(", ")));
    }
    let outside = expiry.quotes.iter().filter(|quote| !frame.holds(quote.log_moneyness)).count();
    if outside > 0 {
        text.push_str(&format!("; quotes outside the drawing: {outside}"));
    }
    text.push('.');
    text
}

fn vol_axis(figure: &mut Markup, frame: &Frame) {
    for vol in ticks(frame.vols.0 * 100.0, frame.vols.1 * 100.0, 7) {
        let y = frame.y(vol / 100.0);
        horizontal(figure, y, &screen(&vol.to_string()));
    }
    figure.raw("<text x=\"2\" y=\"").at(TOP - 16.0).raw("\">vol, %</text>");
}

fn horizontal(figure: &mut Markup, y: f64, label: &str) {
    figure.raw("<line class=\"grid\" x1=\"").at(LEFT).raw("\" x2=\"").at(WIDTH - RIGHT).raw("\" y1=\"").at(y);
    figure.raw("\" y2=\"").at(y).raw("\"/><text text-anchor=\"end\" x=\"").at(LEFT - 5.0).raw("\" y=\"");
    figure.at(y + 4.0).raw("\">").text(label).raw("</text>");
}

/// A line from top to bottom with a word above or below it.
fn vertical(figure: &mut Markup, class: &'static str, x: f64) {
    figure
        .raw("<line class=\"")
        .raw(class)
        .raw("\" x1=\"")
        .at(x)
        .raw("\" x2=\"")
        .at(x)
        .raw("\" y1=\"")
        .at(TOP);
    figure.raw("\" y2=\"").at(HEIGHT - BOTTOM).raw("\"/>");
}

fn word(figure: &mut Markup, x: f64, y: f64, text: &str) {
    figure
        .raw("<text text-anchor=\"middle\" x=\"")
        .at(x)
        .raw("\" y=\"")
        .at(y)
        .raw("\">")
        .text(text)
        .raw("</text>");
}

/// Strikes below, deltas above.
fn strike_axis(figure: &mut Markup, family: &FamilyFit, expiry: &ExpiryFit, frame: &Frame) {
    let forward = expiry.report.forward.get();
    let strike = |k: f64| forward * pricing::kernel::exp(k);
    let mut last = f64::NEG_INFINITY;
    for tick in ticks(strike(frame.across.0), strike(frame.across.1), 9).into_iter().filter(|k| *k > 0.0) {
        let x = frame.x(pricing::kernel::ln(tick / forward));
        if x - last < LABEL_GAP || x > WIDTH - RIGHT - 8.0 {
            continue;
        }
        last = x;
        vertical(figure, "grid", x);
        word(figure, x, HEIGHT - BOTTOM + 14.0, &compact_price(tick));
    }
    let unit = format!("strike, {} (log scale)", family.currency);
    word(figure, (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 6.0, &unit);
    let Some(smile) = &expiry.smile else { return };
    last = LEFT + 8.0;
    for ((name, _), point) in DELTA_COLUMNS.iter().zip(&smile.grid) {
        let Some(point) = point.filter(|point| frame.holds(point.log_moneyness)) else { continue };
        if !["10P", "25P", "ATM", "25C", "10C"].contains(name) {
            continue;
        }
        let x = frame.x(point.log_moneyness);
        vertical(figure, "spot", x);
        if x - last >= 26.0 {
            word(figure, x, TOP - 4.0, name);
            last = x;
        }
    }
}

const fn side(quote: &QuoteFate) -> &'static str {
    match (quote.kind, quote.log_moneyness < 0.0) {
        (OptionKind::Call, false) => "call",
        (OptionKind::Call, true) => "call itm",
        (OptionKind::Put, true) => "put",
        (OptionKind::Put, false) => "put itm",
    }
}

fn described(figure: &mut Markup, quote: &QuoteFate) {
    let vol = |vol: Option<f64>| vol.map_or_else(|| "none".into(), percent);
    figure.raw("<title>").text(format_args!(
        "{} @ {}: bid {} %, mid {} %, ask {} %, fit {} %",
        quote.symbol,
        quote.venue,
        vol(quote.bid_vol),
        vol(quote.mid_vol),
        vol(quote.ask_vol),
        vol(quote.model_vol)
    ));
    if let Some(reason) = quote.dropped {
        figure.raw("; not fitted: ").text(reason.word().replace('_', " "));
    }
    figure.raw("</title>");
}

/// From bid to ask; a side without a vol reaches the edge.
fn bar(figure: &mut Markup, quote: &QuoteFate, frame: &Frame) {
    let x = frame.x(quote.log_moneyness);
    let low = frame.y(quote.bid_vol.unwrap_or(0.0));
    let high = frame.y(quote.ask_vol.unwrap_or(f64::MAX));
    figure.raw("<line class=\"bid-ask ").raw(side(quote)).raw("\" x1=\"").at(x).raw("\" x2=\"").at(x);
    figure.raw("\" y1=\"").at(low).raw("\" y2=\"").at(high).raw("\"/>");
}

fn mid(figure: &mut Markup, quote: &QuoteFate, frame: &Frame) {
    let Some(vol) = quote.mid_vol else { return };
    figure
        .raw("<circle class=\"mid ")
        .raw(side(quote))
        .raw("\" r=\"2.3\" cx=\"")
        .at(frame.x(quote.log_moneyness));
    figure.raw("\" cy=\"").at(frame.y(vol)).raw("\">");
    described(figure, quote);
    figure.raw("</circle>");
}

fn dropped(figure: &mut Markup, quote: &QuoteFate, frame: &Frame) {
    let Some(reason) = quote.dropped.filter(|_| frame.holds(quote.log_moneyness)) else { return };
    let y = vol_of(quote).map_or(HEIGHT - BOTTOM, |vol| frame.y(vol));
    figure.raw("<text class=\"dropped\" text-anchor=\"middle\" x=\"").at(frame.x(quote.log_moneyness));
    figure.raw("\" y=\"").at(y + 3.0).raw("\">");
    described(figure, quote);
    figure.raw(letter(reason)).raw("</text>");
}

/// The slice: whole between the strikes that were fitted, dashed beyond.
fn curve(figure: &mut Markup, expiry: &ExpiryFit, frame: &Frame) {
    let (Some(slice), Some((low, high))) = (expiry.report.slice, expiry.fitted_range()) else { return };
    let within = (low.max(frame.across.0), high.min(frame.across.1));
    for (class, from, to) in [
        ("fit beyond", frame.across.0, within.0),
        ("fit", within.0, within.1),
        ("fit beyond", within.1, frame.across.1),
    ] {
        figure.raw("<polyline class=\"").raw(class).raw("\" points=\"");
        for step in 0..=STEPS {
            let k = from + (to - from) * (f64::from(step) / f64::from(STEPS));
            figure.at(frame.x(k)).raw(",").at(frame.y(slice_vol(&slice, expiry.years, k))).raw(" ");
        }
        figure.raw("\"/>");
    }
}

/// Lines of the term structure: column of the grid, class, words.
const LINES: [(&str, &str, &str); 3] =
    [("25P", "h2", "25Δ put"), ("ATM", "h0", "at the money"), ("25C", "h3", "25Δ call")];

/// Vol by expiry at the money and at 25 delta; the axis is the square root of time.
pub(super) fn term_structure(family: &FamilyFit) -> Markup {
    let slices: Vec<&ExpiryFit> =
        family.expiries.iter().filter(|expiry| expiry.report.refused.is_none()).collect();
    let lines: BTreeMap<&str, Vec<(f64, f64)>> = LINES
        .iter()
        .map(|(name, ..)| {
            let place = DELTA_COLUMNS.iter().position(|(column, _)| column == name);
            let point = |expiry: &&ExpiryFit| {
                let point = (*expiry.smile.as_ref()?.grid.get(place?)?)?;
                Some((expiry.days().sqrt(), point.vol))
            };
            (*name, slices.iter().filter_map(point).collect())
        })
        .collect();
    let frame = Frame {
        across: (0.0, 1.04 * slices.last().map_or(1.0, |expiry| expiry.days().sqrt())),
        vols: Frame::around(lines.values().flatten().map(|(_, vol)| *vol), 0.12),
    };
    let mut figure = Markup::default();
    figure.raw("<figure><h3>Term structure</h3>");
    let title = format!("{}: vol by expiry", family.name());
    open(&mut figure, &title, "The table of fits has the figures.");
    vol_axis(&mut figure, &frame);
    expiry_axis(&mut figure, &slices, &frame);
    let mut x = LEFT + 60.0;
    for (name, class, words) in LINES {
        figure.raw("<line class=\"key ").raw(class).raw("\" x1=\"").at(x).raw("\" x2=\"").at(x + 24.0);
        figure
            .raw("\" y1=\"10\" y2=\"10\"/><text x=\"")
            .at(x + 29.0)
            .raw("\" y=\"14\">")
            .raw(words)
            .raw("</text>");
        x += 125.0;
        figure.raw("<polyline class=\"").raw(class).raw("\" points=\"");
        let points = lines.get(name).map_or(&[][..], Vec::as_slice);
        for (time, vol) in points {
            figure.at(frame.x(*time)).raw(",").at(frame.y(*vol)).raw(" ");
        }
        figure.raw("\"/>");
        for (time, vol) in points.iter().filter(|_| name == "ATM") {
            figure.raw("<circle class=\"even\" r=\"3\" cx=\"").at(frame.x(*time)).raw("\" cy=\"");
            figure.at(frame.y(*vol)).raw("\"><title>").text(percent(*vol)).raw(" %</title></circle>");
        }
    }
    figure.raw("</svg><figcaption>Accepted expiries only; distance across: square root of time; Black delta of the forward.");
    figure.raw("</figcaption></figure>");
    figure
}

fn expiry_axis(figure: &mut Markup, slices: &[&ExpiryFit], frame: &Frame) {
    let mut last = f64::NEG_INFINITY;
    for expiry in slices {
        let x = frame.x(expiry.days().sqrt());
        vertical(figure, "grid", x);
        if x - last < 54.0 {
            continue;
        }
        last = x;
        word(figure, x, HEIGHT - BOTTOM + 14.0, &expiry_text(expiry.report.expiry));
        word(figure, x, HEIGHT - BOTTOM + 27.0, &format!("{:.0} d", expiry.days()));
    }
}
