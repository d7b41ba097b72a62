//! Vol surfaces for a terminal of 100 columns.

use super::model_word;
use crate::render::grid::{Digits, Ink, Style, grid, grid_after, heading, inputs, left, line, right, show};
use crate::render::number::{NONE, NOT_AVAILABLE, figure, price, screen};
use crate::surface_command::{Detail, SurfaceDocument};
use comfy_table::{Cell, Color, Table};
use instrument::expiry_text;
use market::surface::{DELTA_COLUMNS, Drop, ExpiryFit, FAR_OFF_HALF_SPREADS, FamilyFit};
use std::collections::BTreeSet;

/// The whole result as text.
pub(crate) fn text(document: &SurfaceDocument, style: Style) -> String {
    let mut out = String::new();
    if document.is_partial() {
        let bad = document.issues.rows();
        line(&mut out, &format!("PARTIAL: bad input rows left out: {bad}; no surface below knows of them"));
    }
    line(&mut out, &format!("Plimsoll surface  ·  as of {}", document.asof));
    inputs(&mut out, &document.inputs);
    arbitrage(&mut out, document, style);
    for family in &document.families {
        fits(&mut out, family, style);
        term_structure(&mut out, family, style);
        far_off(&mut out, family, style);
        dropped(&mut out, family, style);
        if document.detail == Detail::Parameters {
            parameters(&mut out, family, style);
        }
    }
    remarks(&mut out, document);
    out
}

/// A vol or a difference of vols in points.
fn points(vol: Option<f64>, style: Style) -> Cell {
    right(vol.map_or_else(|| NONE.into(), |vol| decimal(100.0 * vol, style)))
}

fn decimal(value: f64, style: Style) -> String {
    match style.digits {
        _ if !value.is_finite() => NOT_AVAILABLE.into(),
        Digits::Compact => screen(&format!("{value:.2}")),
        Digits::Exact => screen(&value.to_string()),
    }
}

/// Six significant digits, or all.
fn precise(value: f64, style: Style) -> Cell {
    right(match style.digits {
        Digits::Compact => figure(value, 6),
        Digits::Exact => screen(&value.to_string()),
    })
}

fn header(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// A refused expiry is grey: it is no part of the surface.
fn add(table: &mut Table, expiry: &ExpiryFit, cells: Vec<Cell>, style: Style) {
    let grey = expiry.report.refused.is_some() && style.ink == Ink::Colour;
    table.add_row(cells.into_iter().map(|cell| if grey { cell.fg(Color::DarkGrey) } else { cell }));
}

fn arbitrage(out: &mut String, document: &SurfaceDocument, style: Style) {
    heading(out, "Arbitrage", "none: least g ≥ −1e−10, least gap ≥ 0 and wings ordered");
    let mut table = grid(
        style,
        &header(&[
            "surface",
            "expiries\nin it",
            "refused",
            "least g\nbutterfly",
            "least gap of\ntotal variance",
            "wings\nordered",
            "arbitrage",
        ]),
    );
    for family in &document.families {
        let check = &family.check;
        let least = |value: f64, needed: usize| {
            if family.slices >= needed { right(figure(value, 3)) } else { right(NOT_AVAILABLE) }
        };
        let wings = match (family.slices, check.wings_ordered) {
            (0 | 1, _) => NOT_AVAILABLE,
            (_, true) => "yes",
            (_, false) => "no",
        };
        let verdict = match (family.slices, check.is_free_of_arbitrage()) {
            (0, _) => right("no surface"),
            (_, true) => right("none"),
            (_, false) => right("LEFT").fg(Color::Red),
        };
        table.add_row(vec![
            left(family.name()),
            right(family.slices),
            right(family.expiries.len() - family.slices),
            least(check.least_density, 1),
            least(check.least_calendar_gap, 2),
            right(wings),
            verdict,
        ]);
    }
    show(out, &table);
}

fn fits(out: &mut String, family: &FamilyFit, style: Style) {
    let index = family.index_usd.map_or_else(|| "no index".into(), |usd| format!("index {} USD", price(usd)));
    heading(out, &format!("{}: fit", family.name()), &index);
    let forward = format!("forward\n{}", family.currency);
    let mut table = grid(
        style,
        &header(&[
            "expiry",
            "days",
            &forward,
            "source",
            "quotes\nfitted",
            "not\nfitted",
            "RMSE\npt",
            "½ spread\npt",
            "inside\n%",
            "status",
        ]),
    );
    for expiry in &family.expiries {
        let report = &expiry.report;
        let inside = expiry.inside_fraction();
        let doubt = if is_doubtful(expiry) { " ▲" } else { "" };
        let cells = vec![
            left(expiry_text(report.expiry)),
            right(screen(&format!("{:.1}", expiry.days()))),
            right(price(report.forward.get())),
            right(format!("{}{doubt}", expiry.source.word())),
            right(report.quotes),
            right(expiry.dropped()),
            points(report.error_points.map(|p| p / 100.0), style),
            points(report.half_spread_points.map(|p| p / 100.0), style),
            right(inside.map_or_else(|| NONE.into(), |share| format!("{:.0}", 100.0 * share))),
            right(match (&report.refused, report.model) {
                (None, Some(model)) => format!("ok {}", model_word(model)),
                _ => expiry.status().to_owned(),
            }),
        ];
        add(&mut table, expiry, cells, style);
    }
    show(out, &table);
    line(out, "  pt: vol points; ½ spread: median half spread; inside: mids within half a spread of the fit");
    if family.expiries.iter().any(is_doubtful) {
        let limit = market::DISAGREEMENT_LIMIT_BP;
        line(out, &format!("  ▲ another source of the forward differs by over {limit} bp: see the notes"));
    }
    for expiry in &family.expiries {
        if let Some(refused) = &expiry.report.refused {
            let carried = expiry.carried_words();
            line(out, &format!("  {} refused: {refused}{carried}", expiry_text(expiry.report.expiry)));
        }
    }
}

fn is_doubtful(expiry: &ExpiryFit) -> bool {
    expiry.disagreement_bp().is_some_and(|bp| bp > market::DISAGREEMENT_LIMIT_BP)
}

/// Columns of the grid that a terminal has room for.
const SHOWN: [&str; 4] = ["10P", "25P", "25C", "10C"];

fn term_structure(out: &mut String, family: &FamilyFit, style: Style) {
    if family.slices == 0 {
        return;
    }
    heading(out, &format!("{}: term structure and smile", family.name()), "");
    let mut table = grid(
        style,
        &header(&[
            "expiry",
            "days",
            "ATM\n%",
            "forward\nATM %",
            "25Δ RR\npt",
            "25Δ BF\npt",
            "10Δ put\n%",
            "25Δ put\n%",
            "25Δ call\n%",
            "10Δ call\n%",
        ]),
    );
    let mut extrapolated = false;
    for expiry in family.expiries.iter().filter(|expiry| expiry.report.refused.is_none()) {
        let Some(smile) = &expiry.smile else { continue };
        let mut cells = vec![
            left(expiry_text(expiry.report.expiry)),
            right(screen(&format!("{:.1}", expiry.days()))),
            points(Some(smile.at_the_money), style),
            points(expiry.forward_vol, style),
            points(smile.risk_reversal_25, style),
            points(smile.butterfly_25, style),
        ];
        for ((name, _), point) in DELTA_COLUMNS.iter().zip(&smile.grid) {
            if !SHOWN.contains(name) {
                continue;
            }
            cells.push(match point {
                Some(point) if point.is_extrapolated => {
                    extrapolated = true;
                    right(format!("* {}", decimal(100.0 * point.vol, style)))
                }
                point => points(point.map(|point| point.vol), style),
            });
        }
        table.add_row(cells);
    }
    show(out, &table);
    line(out, "  25Δ, 10Δ: Black delta of the forward; RR: call less put; BF: mean of both less ATM");
    if extrapolated {
        line(out, "  * beyond the strikes that were fitted");
    }
}

fn dropped(out: &mut String, family: &FamilyFit, style: Style) {
    let reasons: BTreeSet<Drop> =
        family.expiries.iter().flat_map(|expiry| expiry.report.dropped.keys().copied()).collect();
    if reasons.is_empty() {
        return;
    }
    heading(out, &format!("{}: quotes not fitted, by reason", family.name()), "");
    let mut names: Vec<String> = vec!["expiry".into()];
    names.extend(reasons.iter().map(|reason| reason.word().replacen('_', "\n", 1).replace('_', " ")));
    let mut table = grid_after(1, style, &names);
    for expiry in family.expiries.iter().filter(|expiry| expiry.dropped() > 0) {
        let mut cells = vec![left(expiry_text(expiry.report.expiry))];
        for reason in &reasons {
            let count = expiry.report.dropped.get(reason);
            cells.push(right(count.map_or_else(|| NONE.into(), u32::to_string)));
        }
        add(&mut table, expiry, cells, style);
    }
    show(out, &table);
}

/// Lines of a list that a terminal shows.
const LISTED: usize = 10;

fn far_off(out: &mut String, family: &FamilyFit, style: Style) {
    let found = family.far_off();
    if found.is_empty() {
        return;
    }
    let aside = format!("fitted mids farther than {FAR_OFF_HALF_SPREADS} half spreads from the fit");
    heading(out, &format!("{}: quotes that the fit misses", family.name()), &aside);
    let names = [
        "instrument",
        "venue",
        "bid\n%",
        "mid\n%",
        "ask\n%",
        "fit\n%",
        "mid less fit\npt",
        "in half\nspreads",
    ];
    let mut table = grid_after(2, style, &header(&names));
    for (off, quote) in found.iter().take(LISTED) {
        let miss = quote.mid_vol.zip(quote.model_vol).map(|(mid, model)| mid - model);
        table.add_row(vec![
            left(&quote.symbol),
            left(&quote.venue),
            points(quote.bid_vol, style),
            points(quote.mid_vol, style),
            points(quote.ask_vol, style),
            points(quote.model_vol, style),
            points(miss, style),
            right(screen(&format!("{off:.1}"))),
        ]);
    }
    show(out, &table);
    if found.len() > LISTED {
        line(out, &format!("  and {} more", found.len() - LISTED));
    }
}

fn parameters(out: &mut String, family: &FamilyFit, style: Style) {
    let title = format!("{}: SVI parameters", family.name());
    heading(out, &format!("{title}, raw"), "w = a + b (ρ (k − m) + √((k − m)² + σ²)), k = ln(K/F)");
    let mut table =
        grid(style, &header(&["expiry", "a", "b", "ρ", "m", "σ", "correction\npieces", "least g"]));
    for expiry in &family.expiries {
        let Some(slice) = expiry.report.slice else { continue };
        let raw = slice.hyperbola().raw();
        let pieces = slice.correction().map_or(0, |own| own.cubics().len());
        let mut cells = vec![left(expiry_text(expiry.report.expiry))];
        cells.extend([raw.a, raw.b, raw.rho, raw.m, raw.sigma].map(|value| precise(value, style)));
        cells.push(right(pieces));
        cells.push(right(expiry.report.least_density.map_or_else(|| NONE.into(), |g| figure(g, 3))));
        add(&mut table, expiry, cells, style);
    }
    show(out, &table);
    line(
        out,
        "  correction: a smooth curve of cubic pieces that is added to w; in JSON and CSV with its coefficients",
    );
    heading(out, &format!("{title}, jump-wing"), "v, ṽ: variance a year; ψ, p, c: per √w at the money");
    let mut table =
        grid(style, &header(&["expiry", "v\nATM", "ψ\nskew", "p\nput wing", "c\ncall wing", "ṽ\nleast"]));
    for expiry in &family.expiries {
        let Some(slice) = expiry.report.slice else { continue };
        let jump = slice.hyperbola().jump_wings(expiry.years);
        let mut cells = vec![left(expiry_text(expiry.report.expiry))];
        let values = [jump.variance, jump.skew, jump.put, jump.call, jump.least_variance];
        cells.extend(values.map(|value| precise(value, style)));
        add(&mut table, expiry, cells, style);
    }
    show(out, &table);
}

fn remarks(out: &mut String, document: &SurfaceDocument) {
    let mut found: Vec<String> = document.notes.clone();
    found.extend(
        document.not_used.iter().map(|(reason, rows)| format!("{rows} market rows not used: {reason}")),
    );
    if !document.issues.is_empty() {
        heading(out, "Bad rows, left out", "");
        for issue in document.issues.kept() {
            line(out, &format!("  {issue}"));
        }
    }
    if found.is_empty() {
        return;
    }
    heading(out, "Notes", "");
    for note in found {
        line(out, &format!("  {note}"));
    }
}
