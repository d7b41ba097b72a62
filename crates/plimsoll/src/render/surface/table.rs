//! Vol surfaces for a terminal of 100 columns.

use super::model_word;
use crate::render::grid::{Digits, Ink, Style, grid, grid_after, heading, inputs, left, line, right, show};
use crate::render::number::{NONE, NOT_AVAILABLE, basis_points, figure, price, screen};
use crate::surface_command::{Detail, ExpiryFit, FamilyFit, SurfaceDocument};
use comfy_table::{Cell, Color, Table};
use instrument::expiry_text;
use market::surface::Drop;
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
    let aside = "none is left when least g ≥ −1e−10, least gap ≥ 0 and the wings are ordered";
    heading(out, "Arbitrage", aside);
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
    let index = family.index_usd.map_or_else(String::new, |usd| format!("index {} USD; ", price(usd)));
    let aside = format!("{index}pt: vol points; inside: mids within half a spread of the fit");
    heading(out, &format!("{}: fit", family.name()), &aside);
    let forward = format!("forward\n{}", family.currency);
    let mut table = grid(
        style,
        &header(&[
            "expiry",
            "days",
            &forward,
            "source",
            "fitted\nquotes",
            "dropped\nquotes",
            "RMSE\npt",
            "half\nspread pt",
            "inside\n%",
            "model",
            "status",
        ]),
    );
    for expiry in &family.expiries {
        let report = &expiry.report;
        let inside = expiry.inside_fraction();
        let cells = vec![
            left(expiry_text(report.expiry)),
            right(screen(&format!("{:.1}", expiry.days()))),
            right(price(report.forward.get())),
            right(expiry.source.word()),
            right(report.quotes),
            right(expiry.dropped()),
            points(report.error_points.map(|p| p / 100.0), style),
            points(report.half_spread_points.map(|p| p / 100.0), style),
            right(inside.map_or_else(|| NONE.into(), |share| format!("{:.0}", 100.0 * share))),
            right(report.model.map_or(NONE, model_word)),
            right(expiry.status()),
        ];
        add(&mut table, expiry, cells, style);
    }
    show(out, &table);
    for expiry in &family.expiries {
        if let Some(refused) = &expiry.report.refused {
            line(out, &format!("  {} refused: {refused}", expiry_text(expiry.report.expiry)));
        }
    }
}

/// Columns of the grid that a terminal has room for.
const SHOWN: [&str; 4] = ["10P", "25P", "25C", "10C"];

fn term_structure(out: &mut String, family: &FamilyFit, style: Style) {
    if family.slices == 0 {
        return;
    }
    heading(
        out,
        &format!("{}: term structure and smile", family.name()),
        "vols in %; RR call less put, BF wings less ATM, in points; Black delta of the forward",
    );
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
        for ((name, _), point) in crate::surface_command::DELTA_COLUMNS.iter().zip(&smile.grid) {
            if !SHOWN.contains(name) {
                continue;
            }
            cells.push(match point {
                Some(point) if point.is_extrapolated => {
                    extrapolated = true;
                    right(format!("{} *", decimal(100.0 * point.vol, style)))
                }
                point => points(point.map(|point| point.vol), style),
            });
        }
        table.add_row(cells);
    }
    show(out, &table);
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

fn parameters(out: &mut String, family: &FamilyFit, style: Style) {
    heading(
        out,
        &format!("{}: SVI parameters", family.name()),
        "w = a + b (ρ (k − m) + √((k − m)² + σ²)), k = ln(K/F), w = vol² years; jump-wing beside it",
    );
    let mut table =
        grid(style, &header(&["expiry", "a", "b", "ρ", "m", "σ", "v", "ψ", "p", "c", "ṽ", "least g"]));
    for expiry in &family.expiries {
        let Some(svi) = expiry.report.svi else { continue };
        let (raw, jump) = (svi.raw(), svi.jump_wings(expiry.years));
        let mut cells = vec![left(expiry_text(expiry.report.expiry))];
        for value in [raw.a, raw.b, raw.rho, raw.m, raw.sigma] {
            cells.push(precise(value, style));
        }
        for value in [jump.variance, jump.skew, jump.put, jump.call, jump.least_variance] {
            cells.push(precise(value, style));
        }
        cells.push(right(expiry.report.least_density.map_or_else(|| NONE.into(), |g| figure(g, 3))));
        add(&mut table, expiry, cells, style);
    }
    show(out, &table);
}

fn remarks(out: &mut String, document: &SurfaceDocument) {
    let mut found: Vec<String> = Vec::new();
    for family in &document.families {
        for expiry in &family.expiries {
            let limit = market::DISAGREEMENT_LIMIT_BP;
            if let Some(bp) = expiry.disagreement_bp().filter(|bp| *bp > limit) {
                found.push(format!(
                    "{} {}: the fit uses the {} forward; another source differs by {} bp",
                    family.name(),
                    expiry_text(expiry.report.expiry),
                    expiry.source.word(),
                    basis_points(bp)
                ));
            }
        }
    }
    found.extend(document.notes.iter().cloned());
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
