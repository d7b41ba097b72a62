//! `plimsoll surface` as one page: arbitrage, fits, term structure, heat map and smiles of every surface.

use super::markup::Markup;
use super::{data, frame, smile, whole};
use crate::render::number::{NONE, figure, price, screen};
use crate::render::surface::model_word;
use crate::surface_command::SurfaceDocument;
use instrument::expiry_text;
use market::DISAGREEMENT_LIMIT_BP;
use market::surface::{DELTA_COLUMNS, ExpiryFit, FAR_OFF_HALF_SPREADS, FamilyFit, GridPoint};

/// The page.
#[must_use]
pub(crate) fn surface(document: &SurfaceDocument) -> String {
    let title = if document.is_partial() { "PARTIAL: Plimsoll surface " } else { "Plimsoll surface " };
    whole(title, document.asof, |page| {
        banner(page, document);
        header(page, document);
        page.raw("<main>\n");
        page.section("arbitrage", "Arbitrage", |page| arbitrage(page, document));
        for (place, family) in document.families.iter().enumerate() {
            one(page, family, place + 1);
        }
        page.section("data", "What is missing or doubtful", |page| {
            data::bad_rows(page, &document.issues);
            for (reason, rows) in &document.not_used {
                page.note(format_args!("{rows} market rows not used: {reason}."));
            }
            data::remarks(page, &document.notes);
        });
        page.raw("</main>\n");
        footer(page);
    })
}

fn banner(page: &mut Markup, document: &SurfaceDocument) {
    if document.is_partial() {
        page.raw("<div class=\"banner\" role=\"alert\"><strong>■ PARTIAL</strong>: no surface on this page knows of <b>bad input rows: ");
        page.text(document.issues.rows())
            .raw("</b> (<a href=\"#data\">all of them with their reasons</a>)</div>\n");
    }
}

fn header(page: &mut Markup, document: &SurfaceDocument) {
    frame::title(page, "vol surface", document.asof);
    let mut named = None;
    for family in &document.families {
        if let (Some(usd), true) = (family.index_usd, named != Some(&family.underlying)) {
            page.raw("<span class=\"facts\">").text(&family.underlying).raw(" <b>").text(price(usd));
            page.raw("</b> USD</span>");
        }
        named = Some(&family.underlying);
    }
    page.raw("</div>");
    frame::inputs(page, &document.inputs);
    page.raw("<nav aria-label=\"Sections\"><a href=\"#arbitrage\">arbitrage</a>");
    for (place, family) in document.families.iter().enumerate() {
        page.raw("<a href=\"#surface-").text(place + 1).raw("\">").text(family.name()).raw("</a>");
    }
    page.raw(
        "<a href=\"#data\">missing or doubtful</a><a href=\"#definitions\">definitions</a></nav></header>\n",
    );
}

fn arbitrage(page: &mut Markup, document: &SurfaceDocument) {
    let caption = "None is left when least g ≥ −1e−10, the least calendar gap ≥ 0 and the wings are ordered";
    page.table("arbitrage narrow", caption, |page| {
        page.raw("<thead><tr>").text_column("surface").column("expiries in it", "count");
        page.column("refused", "count").column("least g (butterfly)", "pure number");
        page.column("least calendar gap", "total variance")
            .text_column("wings ordered")
            .text_column("arbitrage");
        page.raw("</tr></thead><tbody>");
        for family in &document.families {
            let check = &family.check;
            page.raw("<tr>").row_head(family.name()).digits(family.slices);
            page.digits(family.expiries.len() - family.slices);
            if family.slices > 0 {
                page.digits(figure(check.least_density, 3));
            } else {
                page.not_available("no expiry is in the surface");
            }
            if family.slices > 1 {
                page.digits(figure(check.least_calendar_gap, 3));
                page.cell(if check.wings_ordered { "yes" } else { "no" });
            } else {
                page.not_available("a calendar takes two expiries")
                    .not_available("a calendar takes two expiries");
            }
            page.raw(match (family.slices, check.is_free_of_arbitrage()) {
                (0, _) => "<td class=\"status warn\">no surface</td>",
                (_, true) => "<td class=\"status good\">none</td>",
                (_, false) => "<td class=\"status bad\">left</td>",
            });
            page.raw("</tr>");
        }
        page.raw("</tbody>");
    });
}

fn one(page: &mut Markup, family: &FamilyFit, number: usize) {
    page.raw("<section id=\"surface-").text(number).raw("\"><h2>").text(family.name()).raw("</h2>");
    fits(page, family);
    if family.slices > 0 {
        page.raw("<div class=\"pair\">").part(&smile::term_structure(family)).raw("<div>");
        heat(page, family);
        page.raw("</div></div>");
    }
    page.raw("<h3>Smiles</h3><p class=\"note\"><span class=\"key-call\">●</span> call, <span class=\"key-put\">○</span> put: vol of the mid; ");
    page.raw("bar: vol of bid to ask, in the money paler; line: the fit, dashed beyond the strikes fitted; ");
    page.raw("<b class=\"key-dropped\">letter</b>: a quote that is not fitted, with its reason in the caption. Hover for figures.</p>");
    page.raw("<div class=\"smiles\">");
    for expiry in &family.expiries {
        page.part(&smile::smile(family, expiry));
    }
    page.raw("</div>");
    far_off(page, family);
    parameters(page, family);
    page.raw("</section>\n");
}

fn row(page: &mut Markup, expiry: &ExpiryFit) {
    page.raw(if expiry.report.refused.is_some() { "<tr class=\"refused\">" } else { "<tr>" });
    page.row_head(expiry_text(expiry.report.expiry)).digits(format_args!("{:.1}", expiry.days()));
}

/// Points with two decimals; a dot where there is no slice.
fn points(page: &mut Markup, value: Option<f64>) {
    page.digits(value.map_or_else(|| NONE.into(), |value| screen(&format!("{value:.2}"))));
}

fn fits(page: &mut Markup, family: &FamilyFit) {
    let caption = format!(
        "Fit by expiry; inside: mids within half a spread of the fit; RR call less put, BF wings less ATM; ▲ a source of the \
         forward differs by over {DISAGREEMENT_LIMIT_BP} bp"
    );
    page.table("fits", &caption, |page| {
        page.raw("<thead><tr>").text_column("expiry").column("time left", "days");
        page.column("forward", &family.currency).text_column("source").column("fitted", "quotes");
        page.column("RMSE", "vol points").column("half spread", "vol points").column("inside", "%");
        page.column("ATM", "vol %").column("forward ATM", "vol %").column("25Δ RR", "vol points");
        page.column("25Δ BF", "vol points").text_column("status");
        page.column("not fitted", "quotes").text_column("why").raw("</tr></thead><tbody>");
        for expiry in &family.expiries {
            fit(page, expiry);
        }
        page.raw("</tbody>");
    });
}

fn fit(page: &mut Markup, expiry: &ExpiryFit) {
    let report = &expiry.report;
    row(page, expiry);
    page.digits(price(report.forward.get())).raw("<td>").text(expiry.source.word().replace('_', " "));
    if let Some(bp) = expiry.disagreement_bp().filter(|bp| *bp > DISAGREEMENT_LIMIT_BP) {
        page.raw(" <span class=\"status warn\">▲ ").text(format_args!("{bp:.0} bp")).raw("</span>");
    }
    page.raw("</td>").digits(report.quotes);
    points(page, report.error_points);
    points(page, report.half_spread_points);
    page.digits(expiry.inside_fraction().map_or_else(|| NONE.into(), |s| format!("{:.0}", 100.0 * s)));
    let smile = expiry.smile.as_ref();
    let percent = |vol: Option<f64>| vol.map(|vol| 100.0 * vol);
    points(page, percent(smile.map(|smile| smile.at_the_money)));
    points(page, percent(expiry.forward_vol));
    points(page, percent(smile.and_then(|smile| smile.risk_reversal_25)));
    points(page, percent(smile.and_then(|smile| smile.butterfly_25)));
    match &report.refused {
        None => {
            page.raw("<td><span class=\"status good\">ok</span> <span class=\"muted\">");
            page.raw(report.model.map_or(NONE, model_word)).raw("</span></td>");
        }
        Some(refused) => {
            page.raw("<td class=\"wrap\"><span class=\"status warn\">refused:</span> ")
                .text(refused)
                .text(expiry.carried_words())
                .raw("</td>");
        }
    }
    page.digits(expiry.dropped());
    let reasons: Vec<String> = report
        .dropped
        .iter()
        .map(|(reason, count)| format!("{count} {}", reason.word().replace('_', " ")))
        .collect();
    page.raw("<td class=\"wrap\">").text(reasons.join(", ")).raw("</td></tr>");
}

/// Classes of the scale of vols, from low to high.
const SCALE: [&str; 7] = ["p0", "p1", "p2", "p3", "p4", "p5", "p6"];

fn heat(page: &mut Markup, family: &FamilyFit) {
    let slices = || family.expiries.iter().filter(|expiry| expiry.report.refused.is_none());
    let points = || slices().filter_map(|e| e.smile.as_ref()).flat_map(|s| s.grid.iter().flatten());
    let low = points().map(|point| point.vol).fold(f64::INFINITY, f64::min);
    let high = points().map(|point| point.vol).fold(f64::NEG_INFINITY, f64::max);
    let caption = "Vol in %, by expiry and Black delta of the forward, P put, C call; italics: beyond the strikes fitted; hover for the strike";
    page.raw("<h3>Vol by delta</h3>");
    page.table("heat", caption, |page| {
        page.raw("<thead><tr>").text_column("expiry").column("time left", "days");
        for (name, delta) in DELTA_COLUMNS {
            page.column(name, if delta.is_some() { "Δ %" } else { "K = F" });
        }
        page.raw("</tr></thead><tbody>");
        for expiry in slices() {
            row(page, expiry);
            for point in expiry.smile.iter().flat_map(|smile| &smile.grid) {
                match point {
                    Some(point) => cell(page, *point, (low, high), family),
                    None => {
                        page.not_available("no strike has this delta");
                    }
                }
            }
            page.raw("</tr>");
        }
        page.raw("</tbody>");
    });
}

fn cell(page: &mut Markup, point: GridPoint, (low, high): (f64, f64), family: &FamilyFit) {
    // By the logarithm: front expiries at several times the vol of the others would leave those without contrast.
    let height = |vol: f64| pricing::kernel::ln(vol / low);
    let share = if high > low && low > 0.0 { height(point.vol) / height(high) } else { 0.0 };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 0 to 6
    let step = (share.clamp(0.0, 1.0) * 6.0).round() as usize;
    page.raw("<td class=\"").raw(SCALE.get(step).copied().unwrap_or("p0"));
    page.raw(if point.is_extrapolated { " beyond\" title=\"strike " } else { "\" title=\"strike " });
    page.text(price(point.strike)).raw(" ").text(&family.currency).raw("\">");
    page.text(format_args!("{:.1}", 100.0 * point.vol)).raw("</td>");
}

fn far_off(page: &mut Markup, family: &FamilyFit) {
    let found = family.far_off();
    if found.is_empty() {
        return;
    }
    let caption = format!(
        "Fitted mids farther than {FAR_OFF_HALF_SPREADS} half spreads from the fit, the farthest first"
    );
    page.raw("<h3>Quotes that the fit misses</h3>");
    page.table("misses narrow", &caption, |page| {
        page.raw("<thead><tr>").text_column("instrument").text_column("venue").column("bid", "vol %");
        page.column("mid", "vol %").column("ask", "vol %").column("fit", "vol %");
        page.column("mid less fit", "vol points").column("mid less fit", "half spreads");
        page.raw("</tr></thead><tbody>");
        for (off, quote) in found {
            page.raw("<tr>").row_head(&quote.symbol).cell(&quote.venue);
            let miss = quote.mid_vol.zip(quote.model_vol).map(|(mid, model)| mid - model);
            for vol in [quote.bid_vol, quote.mid_vol, quote.ask_vol, quote.model_vol, miss] {
                points(page, vol.map(|vol| 100.0 * vol));
            }
            page.digits(screen(&format!("{off:.1}"))).raw("</tr>");
        }
        page.raw("</tbody>");
    });
}

fn parameters(page: &mut Markup, family: &FamilyFit) {
    page.raw("<details><summary>SVI parameters: raw and jump-wing</summary>");
    let caption = "w(k) = a + b (ρ (k − m) + √((k − m)² + σ²)), k = ln(K/F), w total variance, to which a smooth local correction of so many cubic pieces is added; jump-wing of the SVI slice at the expiry's own time";
    page.table("parameters", caption, |page| {
        page.raw("<thead><tr>").text_column("expiry").column("time left", "days");
        for (name, unit) in PARAMETERS {
            page.column(name, unit);
        }
        page.column("correction", "pieces").column("least g", "pure number").raw("</tr></thead><tbody>");
        for expiry in &family.expiries {
            let Some(slice) = expiry.report.slice else { continue };
            let own = slice.hyperbola();
            let (raw, jump) = (own.raw(), own.jump_wings(expiry.years));
            let pieces = slice.correction().map_or(0, |own| own.cubics().len());
            row(page, expiry);
            for value in [raw.a, raw.b, raw.rho, raw.m, raw.sigma] {
                page.digits(figure(value, 6));
            }
            for value in [jump.variance, jump.skew, jump.put, jump.call, jump.least_variance] {
                page.digits(figure(value, 6));
            }
            page.digits(pieces.to_string());
            page.digits(expiry.report.least_density.map_or_else(|| NONE.into(), |g| figure(g, 3)));
            page.raw("</tr>");
        }
        page.raw("</tbody>");
    });
    page.raw("</details>");
}

const PARAMETERS: [(&str, &str); 10] = [
    ("a", "total variance"),
    ("b", "per unit of k"),
    ("ρ", "pure number"),
    ("m", "units of k"),
    ("σ", "units of k"),
    ("v at the money", "variance a year"),
    ("ψ skew", "per √w"),
    ("p left wing", "per √w"),
    ("c right wing", "per √w"),
    ("ṽ least", "variance a year"),
];

const DEFINITIONS: [&str; 6] = [
    "Vol: Black-76 on the forward of the expiry, undiscounted, actual/365. Mid: half of bid and ask prices. RMSE: fit less mid in vol points, quotes weighted by the inverse square of their spread. Half spread: the median over quotes, in vol points.",
    "Quotes are fitted when both sides are above zero and uncrossed, the spread is at most half the mid, the strike lies within a factor of four of the forward, two hours are left, and the mid has time value. Open interest is not asked for.",
    "Delta: Black's, of one coin of forward, undiscounted, not adjusted for a premium in coin. ATM: strike at the forward. 25Δ RR: vol of the 25-delta call less that of the put. 25Δ BF: their mean less ATM. Forward ATM: vol between this expiry and the accepted one before it.",
    "Butterfly arbitrage: g below zero somewhere, a density below zero. Calendar arbitrage: total variance at some moneyness falls from an expiry to the next. Both are looked for on grids and in the wings.",
    "An expiry is refused when it has fewer than five usable quotes, when no slice without arbitrage is found, or when the best one misses its quotes; it is shown in grey and is not in the surface.",
    "Numbers: · is none; n/a has its reason on hover. All times are UTC.",
];

fn footer(page: &mut Markup) {
    page.raw("<footer id=\"definitions\"><h2>Definitions and conventions</h2>");
    for definition in DEFINITIONS {
        page.note(definition);
    }
    page.raw("<p class=\"note\">Printed by plimsoll ").raw(env!("CARGO_PKG_VERSION"));
    page.raw(" from the files named above; the same files give the same page, byte for byte.</p></footer>\n");
}
