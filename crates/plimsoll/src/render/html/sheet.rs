//! Facts and flat tables as one page.

use super::markup::{Markup, Paint};
use super::plot::{Plot, plot};
use super::{data, frame, whole};
use crate::measure_commands::{Section, Sheet};
use crate::output::TableNames;
use crate::render::grid::{Digits, Ink, Style};
use crate::render::number::price;
use crate::render::sheet::{filled, shown, words};
use lake::{Cell, ColumnKind};

const STYLE: Style = Style { digits: Digits::Compact, ink: Ink::Plain, width: None };

/// Renders the result as one HTML file without outside references.
#[must_use]
pub(crate) fn sheet<N: TableNames>(sheet: &Sheet<N>) -> String {
    sheet_with(sheet, &[])
}

/// The same with plots before the tables.
#[must_use]
pub(crate) fn sheet_with<N: TableNames>(sheet: &Sheet<N>, plots: &[Plot]) -> String {
    let title = if sheet.is_partial() { "PARTIAL: Plimsoll " } else { "Plimsoll " };
    whole(title, sheet.asof(), |page| {
        if sheet.is_partial() {
            page.raw("<div class=\"banner\" role=\"alert\"><strong>■ PARTIAL</strong>: every figure on this page is without ");
            page.raw("<b>").text(sheet.lacks()).raw("</b></div>\n");
        }
        frame::title(page, sheet.title, sheet.asof());
        for (asset, underlying) in &sheet.market.underlyings {
            page.raw("<span class=\"facts\">").text(asset).raw(" <b>");
            page.text(price(underlying.spot.get())).raw("</b> USD</span>");
        }
        for (name, value) in sheet.facts.iter().filter(|(_, value)| *value != Cell::Null) {
            let (name, unit) = words(name);
            page.raw("<span class=\"facts\">").text(name).raw(" <b>").text(shown(value, STYLE)).raw("</b> ");
            page.text(unit).raw("</span>");
        }
        page.raw("</div>");
        frame::inputs(page, &sheet.inputs);
        page.raw("</header>\n<main>\n");
        if !plots.is_empty() {
            page.section("plots", "Plots", |page| {
                page.raw("<div class=\"smiles\">");
                for one in plots {
                    page.part(&plot(one));
                }
                page.raw("</div>");
            });
        }
        for part in sheet.sections.iter().filter(|part| !part.body.1.is_empty()) {
            page.section(part.name.stem(), &part.heading, |page| section(page, part));
        }
        page.section("data", "What is missing or doubtful", |page| {
            data::bad_rows(page, &sheet.issues);
            data::remarks(page, &sheet.notes);
        });
        page.raw("</main>\n");
    })
}

fn section<N>(page: &mut Markup, part: &Section<N>) {
    let (columns, rows) = &part.body;
    let caption = if part.aside.is_empty() { &part.heading } else { &part.aside };
    page.table("sheet", caption, |page| {
        page.raw("<thead><tr>");
        let places = filled(columns, rows);
        for column in places.iter().filter_map(|place| columns.get(*place)) {
            let (name, unit) = words(&column.name);
            if column.kind == ColumnKind::Text {
                page.text_column(name)
            } else {
                page.column(name, unit)
            };
        }
        page.raw("</tr></thead><tbody>");
        for row in rows {
            page.raw("<tr>");
            for (place, (cell, column)) in
                row.iter().zip(columns).enumerate().filter(|(p, _)| places.contains(p))
            {
                match cell {
                    Cell::Fixed(value) => page.usd(*value, "USD", Paint::Sign),
                    Cell::Text(text) if place == 0 => page.row_head(text),
                    cell if column.kind == ColumnKind::Text => page.cell(shown(cell, STYLE)),
                    cell => page.digits(shown(cell, STYLE)),
                };
            }
            page.raw("</tr>");
        }
        page.raw("</tbody>");
    });
}
